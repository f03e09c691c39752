// SPDX-License-Identifier: GPL-2.0-only
/*
 * setting.c: the statements that are not rules and not sets: interface, default,
 * docker, labels, log.
 */
#include <errno.h>
#include <string.h>

#include "config/parse.h"
#include "limit.h"
#include "base/cleanup.h"

#define INTERFACE_NAME_MAX 15  /* IFNAMSIZ - 1 */
#define SOCKET_PATH_MAX    107 /* sizeof(sockaddr_un.sun_path) - 1 */

/* ---- interface ------------------------------------------------------------------- */

/* What the kernel's dev_valid_name() takes, less wildcards, which people would expect to work. */
static int check_interface(struct parser *parser, const struct statement *statement)
{
	const struct token *token = &parser->lex.token;

	if (token->kind != TOKEN_WORD || token->length > INTERFACE_NAME_MAX ||
	    memchr(token->start, '/', token->length) || memchr(token->start, ':', token->length) ||
	    lex_is(token, ".") || lex_is(token, ".."))
		return lex_fail(&parser->lex, token, "%s: no name of an interface", QUOTE(token));
	if (memchr(token->start, '*', token->length) || memchr(token->start, ',', token->length))
		return lex_fail(&parser->lex, token,
				"%s: name each interface, with blanks "
				"between, or write 'interface auto'",
				QUOTE(token));
	if (lex_is(token, "auto"))
		return lex_fail(&parser->lex, token, "'auto': stands alone, leave the names out");
	if (lex_is(token, "lo"))
		return lex_fail(&parser->lex, token,
				"'lo': the loopback interface carries what "
				"the host says to itself, leave it out");
	for (size_t i = 0; i < statement->interfaces_count; i++)
		if (lex_is(token, statement->interfaces[i]))
			return lex_fail(&parser->lex, token, "%s: named twice, keep one",
					QUOTE(token));
	if (statement->interfaces_count == LIMIT_INTERFACES)
		return lex_fail(&parser->lex, token,
				"%s: more than %d interfaces "
				"(LIMIT_INTERFACES)",
				QUOTE(token), LIMIT_INTERFACES);
	return 0;
}

int parse_interface(struct parser *parser, struct statement *statement)
{
	struct lexer *lex = &parser->lex;
	struct token first = lex->token;

	if (lex_is(&first, "auto")) {
		lex_advance(lex);
		if (lex->token.kind == TOKEN_END)
			return 0;
		return lex_fail(lex, &first, "'auto': stands alone, leave the names out");
	}
	if (first.kind == TOKEN_END)
		return lex_fail(lex, &parser->verb,
				"'interface': name the interfaces, or write "
				"'interface auto'");
	while (lex->token.kind != TOKEN_END) {
		char **name;
		int err = check_interface(parser, statement);

		if (err < 0)
			return err;
		name = util_append(&statement->interfaces, statement->interfaces_count,
				   sizeof(*name));
		if (!name)
			return -ENOMEM;
		*name = lex_dup(&lex->token);
		if (!*name)
			return -ENOMEM;
		statement->interfaces_count++;
		lex_advance(lex);
	}
	return 0;
}

/* ---- default --------------------------------------------------------------------- */

#define HINT_DEFAULT "write 'default deny published', 'default deny all' or 'default allow'"

int parse_default(struct parser *parser, struct statement *statement)
{
	struct lexer *lex = &parser->lex;
	struct token first = lex->token;

	if (first.kind == TOKEN_END)
		return lex_fail(lex, &parser->verb, "'default': what is missing, " HINT_DEFAULT);
	lex_advance(lex);
	if (lex_is(&first, "allow")) {
		statement->mode = DEFAULT_ALLOW;
		return 0;
	}
	if (!lex_is(&first, "deny"))
		return lex_fail(lex, &first, "%s: unknown default, " HINT_DEFAULT, QUOTE(&first));
	if (lex->token.kind == TOKEN_END)
		return lex_fail(lex, &first, "'deny': which ports is missing, " HINT_DEFAULT);
	if (lex_is(&lex->token, "all"))
		statement->mode = DEFAULT_DENY_ALL;
	else if (lex_is(&lex->token, "published"))
		statement->mode = DEFAULT_DENY_PUBLISHED;
	else
		return lex_fail(lex, &lex->token, "%s: unknown default, " HINT_DEFAULT,
				QUOTE(&lex->token));
	lex_advance(lex);
	return 0;
}

/* ---- docker ---------------------------------------------------------------------- */

#define HINT_DOCKER "write unix:///var/run/docker.sock, tcp://HOST:PORT or off"

static const char *url_fault(const char *url)
{
	if (strncmp(url, "unix://", 7) == 0) {
		if (url[7] != '/')
			return "the path of a socket begins with '/', as in "
			       "unix:///var/run/docker.sock";
		return strlen(url + 7) > SOCKET_PATH_MAX
			       ? "the path of a socket has at most 107 bytes"
			       : NULL;
	}
	if (strncmp(url, "tcp://", 6) == 0)
		return url[6] && url[6] != ':' && url[6] != '/'
			       ? NULL
			       : "the host is missing, " HINT_DOCKER;
	return streq(url, "off") ? NULL : "no address of Docker, " HINT_DOCKER;
}

int parse_docker(struct parser *parser, struct statement *statement)
{
	struct token token = parser->lex.token;
	const char *fault;
	int err;

	if (token.kind == TOKEN_END)
		return lex_fail(&parser->lex, &parser->verb,
				"'docker': the address is missing, " HINT_DOCKER);
	err = word_parse_text(parser, CONFIG_PATH_MAX, &statement->url);
	if (err < 0)
		return err;
	fault = url_fault(statement->url);
	return fault ? lex_fail(&parser->lex, &token, "%s: %s", QUOTE(&token), fault) : 0;
}

/* ---- labels ---------------------------------------------------------------------- */

int parse_labels(struct parser *parser, struct statement *statement)
{
	struct lexer *lex = &parser->lex;
	struct token token = lex->token;

	if (lex_is(&token, "off")) {
		lex_advance(lex);
		return 0;
	}
	if (lex_is(&token, "narrow") || lex_is(&token, "trust"))
		return lex_fail(lex, &token,
				"%s: not supported by this version, write "
				"'labels off'",
				QUOTE(&token));
	if (token.kind == TOKEN_END)
		token = parser->verb;
	return lex_fail(lex, &token, "%s: unknown, write 'labels off'", QUOTE(&token));
}

/* ---- log ------------------------------------------------------------------------- */

#define HINT_LOG "write 'log off', 'log new' or 'log all'"

int parse_log(struct parser *parser, struct statement *statement)
{
	struct lexer *lex = &parser->lex;
	struct token token = lex->token;

	if (token.kind == TOKEN_END)
		return lex_fail(lex, &parser->verb, "'log': what is missing, " HINT_LOG);
	if (lex_is(&token, "off"))
		statement->log = LOG_OFF;
	else if (lex_is(&token, "new"))
		statement->log = LOG_NEW;
	else if (lex_is(&token, "all"))
		statement->log = LOG_ALL;
	else
		return lex_fail(lex, &token, "%s: unknown, " HINT_LOG, QUOTE(&token));
	lex_advance(lex);
	return 0;
}
