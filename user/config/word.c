// SPDX-License-Identifier: GPL-2.0-only
/*
 * word.c: one token of a statement -> ports, protocols, a prefix, a name.
 * Knows what a word can mean, not where it stands.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "config/parse.h"
#include "limit.h"
#include "base/cleanup.h"
#include "base/proto.h"

#define HINT_PORTS "write it as 6379/tcp, 80,443/tcp or 8000-8100/udp"

/* Words with a meaning of their own, which no set and no bare container can have. */
static const char *const keywords[] = {
	"allow",     "any",     "auto",   "ban",      "comment", "compose", "container", "default",
	"delete",    "deny",    "docker", "failsafe", "file",    "for",     "from",      "in",
	"interface", "labels",  "log",    "off",      "on",      "out",     "port",      "proto",
	"sctp",      "service", "set",    "tcp",      "to",      "udp",     "until",
};

bool word_is_keyword(const struct token *token)
{
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (strlen(keywords[i]) == token->length &&
		    strncasecmp(keywords[i], token->start, token->length) == 0)
			return true;
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool token_has(const struct token *token, char c)
{
	return memchr(token->start, c, token->length) != NULL;
}

/* Whether the token has nothing but `extra`, letters and digits, a letter or digit first. */
static bool is_name(const struct token *token, const char *extra)
{
	if (token->kind != TOKEN_WORD || strchr(extra, token->start[0]))
		return false;
	for (size_t i = 0; i < token->length; i++)
		if (!is_digit(token->start[i]) && !is_letter(token->start[i]) &&
		    !strchr(extra, token->start[i]))
			return false;
	return true;
}

bool word_is_set_name(const struct token *token)
{
	return is_name(token, "_-") && is_letter(token->start[0]) &&
	       token->length <= CONFIG_NAME_MAX && !word_is_keyword(token);
}

bool word_is_ports(const struct token *token)
{
	if (token->kind != TOKEN_WORD)
		return false;
	if (token_has(token, '/') || token_has(token, ','))
		return true;
	for (size_t i = 0; i < token->length; i++)
		if (!is_digit(token->start[i]) && !strchr("-:", token->start[i]))
			return false;
	return true;
}

/* Nothing but an address has two colons, or begins with a digit and has two dots. */
bool word_is_prefix(const struct token *token)
{
	const char *at = token->start, *end = token->start + token->length;
	int colons = 0, dots = 0;

	if (token->kind != TOKEN_WORD)
		return false;
	for (; at < end && *at != '/'; at++) {
		if (!is_digit(*at) && !is_letter(*at) && !strchr(".:%", *at))
			return false;
		colons += *at == ':';
		dots += *at == '.';
	}
	if (colons >= 2)
		return true;
	for (at = token->start; at < end && (is_digit(*at) || *at == '.'); at++)
		;
	return colons == 0 && dots >= 2 && (at == end || *at == '/');
}

/* ---- ports and protocols -------------------------------------------------------- */

/* The whole word is quoted, and the part of it that is wrong. */
static int fail_port(struct parser *parser, const struct token *word, const struct token *part,
		     const char *fault)
{
	if (part->length == word->length)
		return lex_fail(&parser->lex, word, "%s: %s", QUOTE(word), fault);
	return lex_fail(&parser->lex, word, "%s: %s: %s", QUOTE(word), QUOTE(part), fault);
}

static int parse_port(struct parser *parser, const struct token *word, const struct token *part,
		      unsigned short *ret)
{
	unsigned int port = 0;

	for (size_t i = 0; i < part->length; i++) {
		if (!is_digit(part->start[i]))
			return fail_port(parser, word, part, "no port, " HINT_PORTS);
		if (port <= 65535)
			port = port * 10 + (part->start[i] - '0');
	}
	if (part->length == 0)
		return lex_fail(&parser->lex, word, "%s: a port is missing, " HINT_PORTS,
				QUOTE(word));
	if (port < 1 || port > 65535 || part->start[0] == '0')
		return fail_port(parser, word, part,
				 "no port, ports are the numbers from 1 to "
				 "65535, without leading zeros");
	*ret = port;
	return 0;
}

/* What stands before the first `c`; `rest` becomes what stands behind it, or empty. */
static struct token split(struct token *rest, char c)
{
	struct token part = *rest;
	const char *found = memchr(rest->start, c, rest->length);

	if (found)
		part.length = found - rest->start;
	rest->start += part.length + (found != NULL);
	rest->length -= part.length + (found != NULL);
	return part;
}

static int parse_range(struct parser *parser, const struct token *word, struct token part,
		       struct port_range *ret)
{
	struct token whole = part, first;
	bool is_range = token_has(&part, '-');
	int err;

	if (token_has(&part, ':'))
		return lex_fail(&parser->lex, word,
				"%s: a range is written 8000-8100, and of "
				"docker's HOST:CONTAINER the second port counts behind 'container "
				"NAME port', elsewhere the first",
				QUOTE(word));
	first = split(&part, '-');
	err = parse_port(parser, word, &first, &ret->lo);
	if (err < 0)
		return err;
	ret->hi = ret->lo;
	if (is_range)
		err = parse_port(parser, word, &part, &ret->hi);
	if (err == 0 && ret->hi < ret->lo)
		err = fail_port(parser, word, &whole, "this range runs backwards");
	return err;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct port_range *left = a, *right = b;

	return left->lo != right->lo ? left->lo - right->lo : left->hi - right->hi;
}

/* Sorted, and what overlaps or touches made one: a list of ports has one spelling. */
static void merge_ranges(struct target *target)
{
	size_t kept = 0;

	qsort(target->ports, target->ports_count, sizeof(*target->ports), compare_ranges);
	for (size_t i = 1; i < target->ports_count; i++) {
		struct port_range *last = &target->ports[kept], *next = &target->ports[i];

		if (next->lo > last->hi + 1)
			target->ports[++kept] = *next;
		else if (next->hi > last->hi)
			last->hi = next->hi;
	}
	target->ports_count = kept + 1;
}

static int parse_list(struct parser *parser, const struct token *word, struct token list,
		      struct target *target)
{
	bool has_more;

	do {
		struct token part;
		struct port_range *range;
		int err;

		has_more = token_has(&list, ',');
		part = split(&list, ',');
		if (target->ports_count == LIMIT_PORTS)
			return lex_fail(&parser->lex, word,
					"%s: more than %d ports in a list "
					"(LIMIT_PORTS), write ranges",
					QUOTE(word), LIMIT_PORTS);
		range = util_append(&target->ports, target->ports_count, sizeof(*range));
		if (!range)
			return -ENOMEM;
		err = parse_range(parser, word, part, range);
		if (err < 0)
			return err;
		target->ports_count++;
	} while (has_more);
	merge_ranges(target);
	return 0;
}

int word_parse_protos(struct parser *parser, const struct token *word, struct token list,
		      unsigned int *ret)
{
	bool has_more;

	*ret = 0;
	do {
		enum proto_index index;
		struct token part;

		has_more = token_has(&list, ',');
		part = split(&list, ',');
		index = proto_find(part.start, part.length);
		if (index == PROTO_MAX)
			return lex_fail(
				&parser->lex, word,
				token_has(&part, '/')
					? "%s: %s comes behind a protocol, write a rule for each"
					: "%s: unknown protocol %s, use tcp, udp or sctp",
				QUOTE(word), QUOTE(&part));
		*ret |= 1u << index;
	} while (has_more);
	return 0;
}

int word_parse_ports(struct parser *parser, struct target *target)
{
	struct token word = parser->lex.token, rest = word;
	struct token list = split(&rest, '/');
	int err = 0;

	if (word.kind != TOKEN_WORD)
		return lex_fail(&parser->lex, &word, "%s: no port, " HINT_PORTS, QUOTE(&word));
	err = parse_list(parser, &word, list, target);
	if (err == 0 && list.length < word.length)
		err = word_parse_protos(parser, &word, rest, &target->protos);
	if (err == 0)
		lex_advance(&parser->lex);
	return err;
}

/* ---- docker's spellings ------------------------------------------------------------ */

static bool is_made_of(const struct token *token, const char *characters)
{
	for (size_t i = 0; i < token->length; i++)
		if (!strchr(characters, token->start[i]))
			return false;
	return token->length > 0;
}

/* The address in front of a port, in brackets if it is of IPv6; empty = there is none. */
static struct token split_address(struct token *rest)
{
	struct token before = *rest, address;

	if (rest->start[0] == '[' && token_has(rest, ']')) {
		split(&before, '[');
		address = split(&before, ']');
		split(&before, ':');
	} else {
		address = split(&before, ':');
		if (!is_made_of(&address, "0123456789.") || !token_has(&address, '.'))
			return (struct token){ .start = rest->start };
	}
	*rest = before;
	return address;
}

static bool is_unspecified(const struct token *address)
{
	return (address->length == 7 && memcmp(address->start, "0.0.0.0", 7) == 0) ||
	       (address->length == 2 && memcmp(address->start, "::", 2) == 0);
}

#define PART(token) (int)(token).length, (token).start

static int refuse_name(const struct parser *parser, const struct token *token,
		       const struct token *name, const struct token *port)
{
	const struct lexer *lex = &parser->lex;

	if (!name->length || !is_name(name, "_.-") || !port->length || !is_digit(port->start[0]))
		return 0;
	return lex_fail(lex, token,
			"%s: the port of a container is written 'container %.*s port "
			"%.*s'",
			QUOTE(token), PART(*name), PART(*port));
}

int word_refuse_docker_spelling(const struct parser *parser, const struct token *token)
{
	struct token proto = *token, rest = split(&proto, '/'), whole = rest;
	struct token address = split_address(&rest), port;
	const char *slash = proto.length ? "/" : "";

	if (token->kind != TOKEN_WORD || !token_has(&whole, ':') ||
	    (!address.length && word_is_prefix(token)))
		return 0;
	port = split(&rest, ':');
	if (!is_made_of(&port, "0123456789-")) {
		rest.length = token->start + token->length - rest.start; /* with its protocol */
		return address.length ? 0 : refuse_name(parser, token, &port, &rest);
	}
	if (address.length && !is_unspecified(&address))
		return lex_fail(&parser->lex, token,
				"%s: the port of an address is written "
				"'%.*s%s%.*s on %.*s'",
				QUOTE(token), PART(port), slash, PART(proto), PART(address));
	return lex_fail(&parser->lex, token,
			"%s: name a published port by the host's, as "
			"'%.*s%s%.*s'%s",
			QUOTE(token), PART(port), slash, PART(proto),
			address.length ? "" : "; a range is written 8000-8100");
}

/* ---- prefixes, names, texts ------------------------------------------------------ */

int word_parse_prefix(struct parser *parser, struct prefix *ret)
{
	struct token token = parser->lex.token;
	size_t length = token.length < PREFIX_STRLEN ? token.length : PREFIX_STRLEN;
	char text[PREFIX_STRLEN + 1];
	char fault[PREFIX_FAULT_STRLEN] = "too long for an address";

	memcpy(text, token.start, length);
	text[length] = 0;
	if (token.length > PREFIX_STRLEN || prefix_parse(text, ret, fault) < 0)
		return lex_fail(&parser->lex, &token, "%s: %s", QUOTE(&token), fault);
	lex_advance(&parser->lex);
	return 0;
}

int word_parse_name(struct parser *parser, const struct token *token, char **ret)
{
	if (!is_name(token, "_.-"))
		return lex_fail(&parser->lex, token,
				"%s: no name Docker would give, use letters, "
				"digits, '_', '.' and '-'",
				QUOTE(token));
	if (token->length > CONFIG_NAME_MAX)
		return lex_fail(&parser->lex, token, "%s: the name is longer than %d characters",
				QUOTE(token), CONFIG_NAME_MAX);
	*ret = lex_dup(token);
	return *ret ? 0 : -ENOMEM;
}

int word_parse_text(struct parser *parser, size_t limit, char **ret)
{
	struct token token = parser->lex.token;
	_cleanup_free_ char *text = lex_dup(&token);

	if (!text)
		return -ENOMEM;
	if (strlen(text) > limit)
		return lex_fail(&parser->lex, &token, "%s: longer than %zu bytes", QUOTE(&token),
				limit);
	lex_advance(&parser->lex);
	*ret = TAKE_PTR(text);
	return 0;
}

int word_append_source(struct parser *parser, struct statement *statement, struct source **ret)
{
	struct token *token = &parser->lex.token;

	if (parser->sources == LIMIT_PREFIXES)
		return lex_fail(&parser->lex, token, "%s: more than %d prefixes (LIMIT_PREFIXES)",
				QUOTE(token), LIMIT_PREFIXES);
	*ret = util_append(&statement->sources, statement->sources_count, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	statement->sources_count++;
	parser->sources++;
	return 0;
}
