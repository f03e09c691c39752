// SPDX-License-Identifier: GPL-2.0-only
/*
 * lex.c: bytes of a line to tokens.  Knows characters and quotes, no keywords.
 *
 * The text ends up on terminals and in the journal (`list`, error messages), so what could
 * move a cursor or reorder a line is refused here, once, for comments and strings as well.
 */
#include "config/lex.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the character at `at`, or 0 if it is not UTF-8 (RFC 3629). */
static size_t decode_utf8(const char *at, const char *end, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = *at;
	size_t length = first < 0x80   ? 1
			: first < 0xc0 ? 0
			: first < 0xe0 ? 2
			: first < 0xf0 ? 3
				       : 4;
	uint32_t code = length == 1 ? first : first & (0x7fu >> length);

	if (length == 0 || first > 0xf4 || (size_t)(end - at) < length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (!is_continuation(at[i]))
			return 0;
		code = code << 6 | ((unsigned char)at[i] & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret = code;
	return length;
}

/* Control characters, and those that reorder what a terminal shows. */
static bool is_forbidden(uint32_t code)
{
	return (code < 0x20 && code != '\t') || (code >= 0x7f && code <= 0x9f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

int lex_fail(const struct lexer *lexer, const struct token *token, const char *format, ...)
{
	unsigned int column = 1;
	va_list args;
	int err;

	for (const char *c = lexer->line_start; c < token->start; c++)
		column += !is_continuation(*c);
	va_start(args, format);
	err = error_vset_at(lexer->error, -EINVAL, lexer->line, column, format, args);
	va_end(args);
	return err;
}

/* For what is wrong within a token. */
#define AT(at) (&(struct token){ .start = (at) })

/* Steps over one character. */
static int check_character(const struct lexer *lexer, const char **at)
{
	uint32_t code;
	size_t length;

	if (**at >= 0x20 && **at < 0x7f) {
		(*at)++;
		return 0;
	}
	length = decode_utf8(*at, lexer->end, &code);
	if (length == 0)
		return lex_fail(lexer, AT(*at),
				"'0x%02x': this byte is not UTF-8, remove it or save the "
				"text as UTF-8",
				(unsigned char)**at);
	if (is_forbidden(code))
		return lex_fail(lexer, AT(*at),
				"'U+%04X': this character is not allowed, remove it", code);
	*at += length;
	return 0;
}

static int check_comment(const struct lexer *lexer, const char **at)
{
	int err = 0;

	while (*at < lexer->end && err == 0)
		err = check_character(lexer, at);
	return err;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

/* Behind the word or string at `at`, which a check has passed. */
static const char *skip_token(const char *at, const char *end)
{
	if (*at != '"') {
		while (at < end && !is_blank(*at))
			at++;
		return at;
	}
	for (at++; *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at + 1;
}

static int check_string(const struct lexer *lexer, const char **at)
{
	struct token token = { TOKEN_STRING, *at, lexer->end - *at };
	int err;

	for (++*at; *at < lexer->end && **at != '"';) {
		if (**at == '\t')
			return lex_fail(lexer, AT(*at),
					"'U+0009': no tab inside of quotes, write a blank");
		if (**at == '\\' && *at + 1 < lexer->end && !strchr("\"\\", (*at)[1]))
			return lex_fail(lexer, AT(*at), "'\\': the escapes are \\\" and \\\\");
		if (**at == '\\' && *at + 1 < lexer->end)
			++*at;
		err = check_character(lexer, at);
		if (err < 0)
			return err;
	}
	if (*at == lexer->end)
		return lex_fail(lexer, &token, "%s: the closing quote is missing", QUOTE(&token));
	++*at;
	if (*at == lexer->end || is_blank(**at))
		return 0;
	token.length = *at - token.start;
	return lex_fail(lexer, &token, "%s: a blank is missing behind the closing quote",
			QUOTE(&token));
}

static int check_word(const struct lexer *lexer, const char **at)
{
	struct token token = { TOKEN_WORD, *at, 0 };
	uint32_t code = 0;
	const char *start;
	int err;

	while (*at < lexer->end && !is_blank(**at)) {
		token.length = *at - token.start + 1;
		if (**at == '"')
			return lex_fail(lexer, &token,
					"%s: a quote in the middle of a word, quote "
					"all of it",
					QUOTE(&token));
		start = *at;
		err = check_character(lexer, at);
		if (err < 0)
			return err;
		token.length = *at - token.start;
		if (*at - start == 1)
			continue;
		/* The number as well: a no-break space cannot be seen. */
		decode_utf8(start, lexer->end, &code);
		return lex_fail(lexer, AT(start),
				"%s: U+%04X, only ASCII outside of quotes and comments",
				QUOTE(&token), code);
	}
	return 0;
}

int lex_begin(struct lexer *lexer, const char *start, size_t length)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t skip = lexer->line == 1 && length >= 3 && !memcmp(start, mark, 3) ? 3 : 0;
	const char *at = start + skip;
	int err = 0;

	if (length > skip && start[length - 1] == '\r')
		length--;
	lexer->line_start = at;
	lexer->at = at;
	lexer->end = start + length;
	while (err == 0 && (at = skip_blanks(at, lexer->end)) < lexer->end) {
		if (*at == '#')
			err = check_comment(lexer, &at);
		else if (*at == '"')
			err = check_string(lexer, &at);
		else
			err = check_word(lexer, &at);
	}
	if (err == 0)
		lex_advance(lexer);
	return err;
}

void lex_advance(struct lexer *lexer)
{
	const char *start = skip_blanks(lexer->at, lexer->end);

	lexer->at = start;
	lexer->token = (struct token){ TOKEN_END, start, 0 };
	if (start == lexer->end || *start == '#')
		return;
	lexer->at = skip_token(start, lexer->end);
	lexer->token.kind = *start == '"' ? TOKEN_STRING : TOKEN_WORD;
	lexer->token.length = lexer->at - start;
}

bool lex_is(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && strlen(word) == token->length &&
	       memcmp(word, token->start, token->length) == 0;
}

char *lex_dup(const struct token *token)
{
	char *text, *to;

	if (token->kind != TOKEN_STRING)
		return strndup(token->start, token->length);
	text = to = malloc(token->length);
	if (!text)
		return NULL;
	for (size_t i = 1; i + 1 < token->length; i++) {
		if (token->start[i] == '\\')
			i++;
		*to++ = token->start[i];
	}
	*to = 0;
	return text;
}

const char *lex_quote(char buf[static QUOTE_SIZE], const struct token *token)
{
	size_t room = QUOTE_SIZE - sizeof("''...");
	size_t length = token->length;

	if (length > room) {
		length = room;
		while (length > 0 && is_continuation(token->start[length]))
			length--;
	}
	snprintf(buf, QUOTE_SIZE, "'%.*s%s'", (int)length, token->start,
		 length < token->length ? "..." : "");
	return buf;
}
