/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lex.h: a line of the configuration as words and strings.  Private to this folder.
 *
 * A line is checked as a whole first: UTF-8, no control characters, quotes closed.  What
 * follows can then take tokens without being refused.  Tokens point into the text.
 */
#ifndef TIDEGATE_CONFIG_LEX_H
#define TIDEGATE_CONFIG_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

enum token_kind {
	TOKEN_END,    /* of the line, or a # comment */
	TOKEN_WORD,   /* printable ASCII without blanks and double quotes */
	TOKEN_STRING, /* "…", quotes included; \" and \\ are the escapes */
};

struct token {
	enum token_kind kind;
	const char *start;
	size_t length;
};

struct lexer {
	const char *line_start;
	const char *at, *end;
	unsigned int line;  /* 0: the command line */
	struct token token; /* the next one */
	struct error *error;
};

/*
 * Takes up a line given without its newline; a carriage return at its end and a byte order
 * mark at the start of line 1 are passed over.  Returns 0 or -EINVAL, error filled.
 */
int lex_begin(struct lexer *lexer, const char *start, size_t length);
void lex_advance(struct lexer *lexer);

/* Whether the token is this bare word. */
bool lex_is(const struct token *token, const char *word);

/* The value: a word as it is, a string without its quotes and escapes.  NULL = no memory. */
char *lex_dup(const struct token *token);

/* Fills the error with the token's place and the message; returns -EINVAL. */
int lex_fail(const struct lexer *lexer, const struct token *token, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The token in single quotes, shortened so that an enormous one leaves room for the rest. */
#define QUOTE_SIZE 64
const char *lex_quote(char buf[static QUOTE_SIZE], const struct token *token);
#define QUOTE(token) lex_quote((char[QUOTE_SIZE]){ 0 }, token)

#endif
