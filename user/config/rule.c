// SPDX-License-Identifier: GPL-2.0-only
/*
 * rule.c: allow, deny, ban, failsafe: a verb and clauses in any order, because people
 * type `allow 6379/tcp from X` and `allow from X to any port 6379 proto tcp` alike.
 */
#include <errno.h>
#include <string.h>

#include "config/parse.h"
#include "config/suggest.h"
#include "base/cleanup.h"

#define HINT_SOURCE "use a prefix or the name of a set defined above"

enum clause_kind {
	CLAUSE_FROM,
	CLAUSE_DESTINATION,
	CLAUSE_PORT,
	CLAUSE_PROTO,
	CLAUSE_NAME,
	CLAUSE_TIME,
	CLAUSE_COMMENT,
	CLAUSE_MAX
};

struct rule {
	struct parser *parser;
	struct statement *statement;
	struct token verb;
	struct token clause;            /* keyword of the one at hand */
	unsigned int seen;              /* bits of enum clause_kind */
	struct token words[CLAUSE_MAX]; /* where each began, for messages */
	struct token any;               /* the source "any" */
	unsigned int protos;            /* of "proto", apart from "80/tcp" */
};

struct clause {
	const char *name;
	enum clause_kind kind;
	int (*parse)(struct rule *rule);
	const char *takes;
};

static const struct clause *find_clause(const struct token *token);

static bool takes_clause(const struct rule *rule, enum clause_kind kind)
{
	switch (rule->statement->kind) {
	case STATEMENT_BAN:
		return kind == CLAUSE_FROM || kind == CLAUSE_TIME || kind == CLAUSE_COMMENT;
	case STATEMENT_FAILSAFE:
		return kind != CLAUSE_NAME;
	default:
		return true;
	}
}

/* ---- from ------------------------------------------------------------------------ */

static int parse_set_name(struct rule *rule, char **ret)
{
	struct lexer *lex = &rule->parser->lex;

	*ret = lex_dup(&lex->token);
	if (!*ret)
		return -ENOMEM;
	if (rule->parser->is_file && !set_is_defined(rule->parser, *ret))
		return lex_fail(lex, &lex->token, "%s: no such set, " HINT_SOURCE,
				QUOTE(&lex->token));
	lex_advance(lex);
	return 0;
}

static bool is_like_prefix(const struct token *token)
{
	return word_is_prefix(token) || memchr(token->start, ':', token->length) ||
	       memchr(token->start, '.', token->length) ||
	       (token->start[0] >= '0' && token->start[0] <= '9');
}

static int parse_source(struct rule *rule)
{
	struct lexer *lex = &rule->parser->lex;
	struct token *token = &lex->token;
	struct source *source;
	int err;

	if (token->kind == TOKEN_WORD && memchr(token->start, ',', token->length))
		return lex_fail(lex, token, "%s: put blanks between sources, not commas",
				QUOTE(token));
	if (rule->statement->kind == STATEMENT_BAN && word_is_ports(token) &&
	    !word_is_prefix(token))
		return lex_fail(lex, token,
				"%s: a ban is on every port and takes sources only; to "
				"close a port write 'deny PORT'",
				QUOTE(token));
	if (!is_like_prefix(token) && !word_is_set_name(token))
		return lex_fail(lex, token, "%s: no source, " HINT_SOURCE, QUOTE(token));
	err = word_append_source(rule->parser, rule->statement, &source);
	if (err < 0)
		return err;
	if (is_like_prefix(token))
		return word_parse_prefix(rule->parser, &source->prefix);
	return parse_set_name(rule, &source->set);
}

static int parse_sources(struct rule *rule)
{
	struct lexer *lex = &rule->parser->lex;
	size_t count = 0;
	int err = 0;

	for (; lex->token.kind != TOKEN_END && !find_clause(&lex->token); count++) {
		if (lex_is(&lex->token, "any")) {
			rule->any = lex->token;
			lex_advance(lex);
		} else {
			err = parse_source(rule);
		}
		if (err < 0)
			return err;
	}
	if (count == 0)
		return lex_fail(lex, &rule->clause, "%s: the source is missing, " HINT_SOURCE,
				QUOTE(&rule->clause));
	if (rule->any.start && count > 1)
		return lex_fail(lex, &rule->any, "'any': stands alone, without other sources");
	return 0;
}

/* ---- the other clauses ----------------------------------------------------------- */

static int parse_destination(struct rule *rule)
{
	struct lexer *lex = &rule->parser->lex;
	struct token token = lex->token;
	struct prefix *on = &rule->statement->target.on;
	static const __u8 unspecified[16];
	int err;

	if (lex_is(&token, "any") && lex_is(&rule->clause, "to")) {
		lex_advance(lex);
		return 0;
	}
	if (!word_is_prefix(&token))
		return lex_fail(lex, &token,
				"%s: no address, %s takes the host's address that the "
				"port is published on",
				QUOTE(&token), QUOTE(&rule->clause));
	err = word_parse_prefix(rule->parser, on);
	if (err < 0)
		return err;
	if (!prefix_is_address(on))
		return lex_fail(lex, &token, "%s: %s takes one address, not a prefix",
				QUOTE(&token), QUOTE(&rule->clause));
	if (memcmp(on->addr, unspecified, sizeof(unspecified)) == 0)
		return lex_fail(lex, &token, "%s: every address, leave %s out", QUOTE(&token),
				QUOTE(&rule->clause));
	return 0;
}

static int parse_port(struct rule *rule)
{
	return word_parse_ports(rule->parser, &rule->statement->target);
}

static int parse_proto(struct rule *rule)
{
	struct lexer *lex = &rule->parser->lex;
	int err = 0;

	if (lex_is(&lex->token, "any") || lex_is(&lex->token, "all"))
		rule->protos = PROTO_BITS_ALL;
	else
		err = word_parse_protos(rule->parser, &lex->token, lex->token, &rule->protos);
	if (err == 0)
		lex_advance(lex);
	return err;
}

static int parse_name(struct rule *rule, enum target_kind kind)
{
	struct parser *parser = rule->parser;
	int err = word_parse_name(parser, &parser->lex.token, &rule->statement->target.name);

	rule->statement->target.kind = kind;
	if (err == 0)
		lex_advance(&parser->lex);
	return err;
}

static int parse_container(struct rule *rule)
{
	return parse_name(rule, TARGET_CONTAINER);
}

static int parse_service(struct rule *rule)
{
	return parse_name(rule, TARGET_SERVICE);
}

static int parse_compose(struct rule *rule)
{
	struct parser *parser = rule->parser;
	struct target *target = &rule->statement->target;
	struct token project = parser->lex.token, service = project;
	const char *slash = memchr(project.start, '/', project.length);
	int err;

	if (!slash)
		return parse_name(rule, TARGET_COMPOSE);
	project.length = slash - project.start;
	service.length -= project.length + 1;
	service.start = slash + 1;
	if (project.length == 0 || service.length == 0)
		return lex_fail(&parser->lex, &parser->lex.token,
				"%s: write PROJECT or "
				"PROJECT/SERVICE",
				QUOTE(&parser->lex.token));
	target->kind = TARGET_COMPOSE;
	err = word_parse_name(parser, &project, &target->name);
	if (err == 0)
		err = word_parse_name(parser, &service, &target->service);
	if (err == 0)
		lex_advance(&parser->lex);
	return err;
}

static int parse_until(struct rule *rule)
{
	return time_parse_until(rule->parser, &rule->statement->until);
}

static int parse_for(struct rule *rule)
{
	return time_parse_for(rule->parser, &rule->statement->until);
}

static int parse_comment(struct rule *rule)
{
	struct lexer *lex = &rule->parser->lex;
	char **comment = &rule->statement->comment;
	bool is_word = lex->token.kind == TOKEN_WORD;
	int err = word_parse_text(rule->parser, CONFIG_NAME_MAX, comment);

	if (err < 0)
		return err;
	if (is_word && lex->token.kind != TOKEN_END && !find_clause(&lex->token))
		return lex_fail(lex, &lex->token, "%s: put the comment into double quotes",
				QUOTE(&lex->token));
	if (!(*comment)[0]) {
		free(*comment);
		*comment = NULL;
	}
	return 0;
}

static const struct clause clauses[] = {
	{ "from", CLAUSE_FROM, parse_sources, "a prefix, the name of a set, or any" },
	{ "to", CLAUSE_DESTINATION, parse_destination, "any, or an address of this host" },
	{ "on", CLAUSE_DESTINATION, parse_destination, "an address of this host" },
	{ "port", CLAUSE_PORT, parse_port, "6379/tcp, 80,443/tcp or 8000-8100/udp" },
	{ "proto", CLAUSE_PROTO, parse_proto, "tcp, udp or sctp" },
	{ "container", CLAUSE_NAME, parse_container, "a container's name or id" },
	{ "compose", CLAUSE_NAME, parse_compose, "PROJECT or PROJECT/SERVICE" },
	{ "service", CLAUSE_NAME, parse_service, "the name of a swarm service" },
	{ "until", CLAUSE_TIME, parse_until, "a time, as 2026-12-01T00:00Z" },
	{ "for", CLAUSE_TIME, parse_for, "90s, 30m, 2h or 7d" },
	{ "comment", CLAUSE_COMMENT, parse_comment, "a text in double quotes" },
};

static const struct clause *find_clause(const struct token *token)
{
	for (size_t i = 0; i < ARRAY_SIZE(clauses); i++)
		if (lex_is(token, clauses[i].name))
			return &clauses[i];
	return NULL;
}

/* ---- the whole ------------------------------------------------------------------- */

/* The clause whose keyword is nearly this. */
static const char *suggest_clause(const struct token *token)
{
	struct suggestion meant = { .word = token->start, .length = token->length };

	for (size_t i = 0; i < ARRAY_SIZE(clauses); i++)
		suggest_offer(&meant, clauses[i].name);
	return meant.best;
}

/* What people type there, and what they should. */
static int fail_bare(const struct rule *rule, const struct token *token)
{
	const struct lexer *lex = &rule->parser->lex;
	const char *meant = suggest_clause(token);

	if (word_is_prefix(token) && !(rule->seen & 1u << CLAUSE_FROM))
		return lex_fail(lex, token, "%s: put 'from' before a source", QUOTE(token));
	if (lex_is(token, "tcp") || lex_is(token, "udp") || lex_is(token, "sctp"))
		return lex_fail(lex, token,
				"%s: a protocol stands behind its port, as in 6379/%.*s",
				QUOTE(token), (int)token->length, token->start);
	if (lex_is(token, "in") || lex_is(token, "out"))
		return lex_fail(lex, token, "%s: rules are for what comes in, leave it out",
				QUOTE(token));
	if (rule->seen == 1u << CLAUSE_PORT && word_is_ports(token))
		return lex_fail(lex, token, "%s: put commas between ports, as in 80,443/tcp",
				QUOTE(token));
	return lex_fail(lex, token,
			"%s: not expected here, what may follow is from, on, port, "
			"proto, until, for or comment%s%s%s",
			QUOTE(token), meant ? "; did you mean '" : "", meant ?: "",
			meant ? "'?" : "");
}

/* Whether it is a container depends on what runs, and the meaning of a file must not. */
static int parse_bare_name(struct rule *rule)
{
	const struct lexer *lex = &rule->parser->lex;
	struct token token = lex->token;
	int err = parse_container(rule);

	if (err == 0 && rule->parser->is_file)
		return lex_fail(lex, &token,
				"%s: no port, those are numbers, as 443/tcp; a "
				"container is written 'container %s'",
				QUOTE(&token), rule->statement->target.name);
	rule->statement->target.is_bare = true;
	return err;
}

/* A word where a clause would begin: what a ban is on; ports, first or behind a container's
 * name; a container's name, first. */
static int parse_bare(struct rule *rule)
{
	const struct token *token = &rule->parser->lex.token;
	bool is_first = rule->seen == 0;

	rule->clause = *token;
	if (rule->statement->kind == STATEMENT_BAN && is_first) {
		rule->seen |= 1u << CLAUSE_FROM;
		return parse_sources(rule);
	}
	if (is_first && takes_clause(rule, CLAUSE_NAME)) {
		int err = word_refuse_docker_spelling(rule->parser, token);

		if (err < 0)
			return err;
	}
	if (word_is_prefix(token) || token->kind != TOKEN_WORD)
		return fail_bare(rule, token);
	if ((is_first || rule->seen == 1u << CLAUSE_NAME) && takes_clause(rule, CLAUSE_PORT) &&
	    word_is_ports(token)) {
		rule->seen |= 1u << CLAUSE_PORT;
		return parse_port(rule);
	}
	if (is_first && takes_clause(rule, CLAUSE_NAME) && !word_is_keyword(token)) {
		rule->seen |= 1u << CLAUSE_NAME;
		return parse_bare_name(rule);
	}
	return fail_bare(rule, token);
}

static int parse_clause(struct rule *rule)
{
	struct lexer *lex = &rule->parser->lex;
	const struct clause *clause = find_clause(&lex->token);

	if (!clause)
		return parse_bare(rule);
	rule->clause = lex->token;
	if (!takes_clause(rule, clause->kind))
		return lex_fail(lex, &rule->clause, "'%s': not with %s, leave it out", clause->name,
				QUOTE(&rule->verb));
	if (rule->seen & 1u << clause->kind)
		return lex_fail(lex, &rule->clause, "'%s': one is enough, this one is too many",
				clause->name);
	rule->seen |= 1u << clause->kind;
	rule->words[clause->kind] = rule->clause;
	lex_advance(lex);
	if (lex->token.kind == TOKEN_END)
		return lex_fail(lex, &rule->clause, "'%s': what follows is missing: %s",
				clause->name, clause->takes);
	return clause->parse(rule);
}

/* A rule on no port in particular: only bans and failsafes may be, and of somebody. */
static int finish_everywhere(struct rule *rule)
{
	struct lexer *lex = &rule->parser->lex;
	const struct statement *statement = rule->statement;

	if (statement->kind == STATEMENT_ALLOW || statement->kind == STATEMENT_DENY)
		return lex_fail(lex, &rule->verb,
				"%s: name a port or a container, as in '%.*s "
				"443/tcp'%s",
				QUOTE(&rule->verb), (int)rule->verb.length, rule->verb.start,
				statement->kind == STATEMENT_DENY
					? "; to close every port write 'ban SOURCE'"
					: "");
	if (rule->seen & (1u << CLAUSE_PROTO | 1u << CLAUSE_DESTINATION))
		return lex_fail(lex, &rule->verb, "%s: a port is missing, as in 'failsafe 22/tcp'",
				QUOTE(&rule->verb));
	if (statement->sources_count == 0)
		return lex_fail(lex, rule->any.start ? &rule->any : &rule->verb,
				"%s: would be for everybody on every port, name %s",
				QUOTE(rule->any.start ? &rule->any : &rule->verb),
				statement->kind == STATEMENT_BAN ? "sources" : "sources or a port");
	return 0;
}

static int finish_rule(struct rule *rule)
{
	struct lexer *lex = &rule->parser->lex;
	struct target *target = &rule->statement->target;

	if (rule->protos && target->protos)
		return lex_fail(lex, &rule->words[CLAUSE_PROTO],
				"'proto': the port has its "
				"protocol already, leave one out");
	target->protos |= rule->protos;
	if (!target->protos)
		target->protos = PROTO_BITS_ALL;
	if (target->name)
		return target->on.family == 0 ? 0
					      : lex_fail(lex, &rule->words[CLAUSE_DESTINATION],
							 "%s: goes with a port, not "
							 "with a container",
							 QUOTE(&rule->words[CLAUSE_DESTINATION]));
	if (target->ports_count == 0)
		return finish_everywhere(rule);
	target->kind = TARGET_PORTS;
	return 0;
}

int parse_rule(struct parser *parser, struct statement *statement)
{
	struct rule rule = { .parser = parser, .statement = statement, .verb = parser->verb };

	while (parser->lex.token.kind != TOKEN_END) {
		int err = parse_clause(&rule);

		if (err < 0)
			return err;
	}
	return finish_rule(&rule);
}
