// SPDX-License-Identifier: GPL-2.0-only
/*
 * config.c: text -> struct config: lines, the table of statements, what may stand once.
 * What a statement looks like inside is in rule.c, set.c, setting.c.
 */
#include "config/config.h"

#include <errno.h>

#include "config/parse.h"
#include "limit.h"
#include "base/order.h"
#include "config/suggest.h"
#include "base/cleanup.h"

struct verb {
	const char *name;
	int (*parse)(struct parser *parser, struct statement *statement);
	bool is_once; /* in a file */
};

static const struct verb verbs[] = {
	[STATEMENT_INTERFACE] = { "interface", parse_interface, true },
	[STATEMENT_DEFAULT] = { "default", parse_default, true },
	[STATEMENT_DOCKER] = { "docker", parse_docker, true },
	[STATEMENT_LABELS] = { "labels", parse_labels, true },
	[STATEMENT_LOG] = { "log", parse_log, true },
	[STATEMENT_SET] = { "set", parse_set, false },
	[STATEMENT_ALLOW] = { "allow", parse_rule, false },
	[STATEMENT_DENY] = { "deny", parse_rule, false },
	[STATEMENT_BAN] = { "ban", parse_rule, false },
	[STATEMENT_FAILSAFE] = { "failsafe", parse_rule, false },
};
_Static_assert(ARRAY_SIZE(verbs) == STATEMENT_MAX, "a verb for every statement");

static int find_verb(const struct token *token)
{
	for (int kind = 0; kind < STATEMENT_MAX; kind++)
		if (lex_is(token, verbs[kind].name))
			return kind;
	return -1;
}

static int fail_unknown(struct lexer *lex)
{
	struct suggestion meant = { .word = lex->token.start, .length = lex->token.length };

	for (int kind = 0; kind < STATEMENT_MAX; kind++)
		suggest_offer(&meant, verbs[kind].name);
	return lex_fail(lex, &lex->token,
			"%s: unknown statement, use allow, deny, ban, failsafe, "
			"set, interface, default, docker, labels or log%s%s%s",
			QUOTE(&lex->token), meant.best ? "; did you mean '" : "", meant.best ?: "",
			meant.best ? "'?" : "");
}

/* Limits and repetitions; the lexer still has the verb as its next token. */
static int check_verb(struct parser *parser, enum statement_kind kind)
{
	const struct token *token = &parser->lex.token;

	if (verbs[kind].is_once && parser->has_seen[kind])
		return lex_fail(&parser->lex, token, "%s: given twice, keep one of the two",
				QUOTE(token));
	parser->has_seen[kind] = true;
	if (kind < STATEMENT_ALLOW)
		return 0;
	if (parser->rules == LIMIT_RULES)
		return lex_fail(&parser->lex, token,
				"%s: more than %d rules (LIMIT_RULES), put "
				"sources of equal rules into a set",
				QUOTE(token), LIMIT_RULES);
	parser->rules++;
	return 0;
}

/* The statement that begins at the lexer's token; fills what the caller will clear. */
static int parse_statement(struct parser *parser, struct statement *statement)
{
	struct lexer *lex = &parser->lex;
	int kind = find_verb(&lex->token);
	int err;

	if (kind < 0)
		return fail_unknown(lex);
	err = check_verb(parser, kind);
	if (err < 0)
		return err;
	statement->kind = kind;
	statement->line = lex->line;
	parser->verb = lex->token;
	lex_advance(lex);
	err = verbs[kind].parse(parser, statement);
	if (err == 0 && lex->token.kind != TOKEN_END)
		err = lex_fail(lex, &lex->token,
			       "%s: not expected here, a line holds one "
			       "statement",
			       QUOTE(&lex->token));
	return err;
}

static int parse_line(struct parser *parser, struct config *config, const char *start,
		      size_t length)
{
	struct statement *statement;
	int err = lex_begin(&parser->lex, start, length);

	if (err < 0 || parser->lex.token.kind == TOKEN_END)
		return err;
	statement = util_append(&config->statements, config->count, sizeof(*statement));
	if (!statement)
		return -ENOMEM;
	config->count++;
	return parse_statement(parser, statement);
}

static int parse_lines(struct parser *parser, struct config *config, const char *text,
		       size_t length)
{
	const char *at = text, *end = text + length;

	while (at < end) {
		const char *newline = memchr(at, '\n', end - at);
		const char *stop = newline ? newline : end;
		int err;

		parser->lex.line++;
		err = parse_line(parser, config, at, stop - at);
		if (err < 0)
			return err;
		at = newline ? newline + 1 : end;
	}
	return 0;
}

int config_parse(const char *text, size_t length, time_t now, struct config **ret,
		 struct error *ret_error)
{
	_cleanup_(config_freep) struct config *config = calloc(1, sizeof(*config));
	struct parser parser = { .lex.error = ret_error, .now = now, .is_file = true };
	int err;

	if (!config)
		return -ENOMEM;
	err = parse_lines(&parser, config, text, length);
	set_forget_names(&parser);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(config);
	return 0;
}

int config_parse_statement(const char *text, time_t now, struct statement *ret,
			   struct error *ret_error)
{
	struct parser parser = { .lex.error = ret_error, .now = now };
	struct statement statement = { 0 };
	int err = lex_begin(&parser.lex, text, strlen(text));

	if (err == 0)
		err = parse_statement(&parser, &statement);
	if (err < 0)
		config_clear_statement(&statement);
	else
		*ret = statement;
	return err;
}

bool config_is_rule(const struct statement *statement)
{
	return statement->kind >= STATEMENT_ALLOW && statement->kind <= STATEMENT_FAILSAFE;
}

const struct statement *config_find_set(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->count; i++)
		if (config->statements[i].kind == STATEMENT_SET &&
		    streq(config->statements[i].set, name))
			return &config->statements[i];
	return NULL;
}

static int compare_line(const void *line, const void *statement)
{
	return order_numbers(*(const unsigned int *)line,
			     ((const struct statement *)statement)->line);
}

/* Statements are in the order of their lines. */
const struct statement *config_find_line(const struct config *config, unsigned int line)
{
	return config->count ? bsearch(&line, config->statements, config->count,
				       sizeof(*config->statements), compare_line)
			     : NULL;
}

const char *config_missing_set(const struct config *config, const struct statement *statement)
{
	for (size_t i = 0; i < statement->sources_count; i++)
		if (statement->sources[i].set &&
		    !config_find_set(config, statement->sources[i].set))
			return statement->sources[i].set;
	return NULL;
}

static const struct statement *find_once(const struct config *config, enum statement_kind kind)
{
	for (size_t i = 0; i < config->count; i++)
		if (config->statements[i].kind == kind)
			return &config->statements[i];
	return NULL;
}

enum default_mode config_default(const struct config *config)
{
	const struct statement *statement = find_once(config, STATEMENT_DEFAULT);

	return statement ? statement->mode : DEFAULT_DENY_PUBLISHED;
}

const char *config_docker_url(const struct config *config)
{
	const struct statement *statement = find_once(config, STATEMENT_DOCKER);

	return statement ? statement->url : NULL;
}

enum log_mode config_log(const struct config *config)
{
	const struct statement *statement = find_once(config, STATEMENT_LOG);

	return statement ? statement->log : LOG_OFF;
}

void config_clear_statement(struct statement *statement)
{
	for (size_t i = 0; i < statement->interfaces_count; i++)
		free(statement->interfaces[i]);
	free(statement->interfaces);
	for (size_t i = 0; i < statement->sources_count; i++)
		free(statement->sources[i].set);
	free(statement->sources);
	free(statement->url);
	free(statement->set);
	free(statement->set_file);
	free(statement->target.ports);
	free(statement->target.name);
	free(statement->target.service);
	free(statement->comment);
	*statement = (struct statement){ 0 };
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->count; i++)
		config_clear_statement(&config->statements[i]);
	free(config->statements);
	free(config);
}

void config_freep(struct config **config)
{
	config_free(*config);
}
