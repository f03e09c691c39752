// SPDX-License-Identifier: GPL-2.0-only
/*
 * set.c: sets: named lists of prefixes, in the statement or in a file of their own.
 * Sets do not hold sets: what a name means can be seen where it is defined.
 */
#include <errno.h>
#include <search.h>
#include <string.h>

#include "config/parse.h"
#include "types.h"
#include "base/cleanup.h"

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The tree holds the name itself, which the statement owns. */
static int define_name(struct parser *parser, const struct token *token, char *name)
{
	char **found;

	if (!parser->is_file)
		return 0;
	found = tsearch(name, &parser->sets, compare_names);
	if (!found)
		return -ENOMEM;
	if (*found == name)
		return 0;
	return lex_fail(&parser->lex, token,
			"%s: this set is defined twice, put its members "
			"together",
			QUOTE(token));
}

bool set_is_defined(const struct parser *parser, const char *name)
{
	return tfind(name, &parser->sets, compare_names) != NULL;
}

static void keep_name(void *name)
{
}

void set_forget_names(struct parser *parser)
{
	tdestroy(parser->sets, keep_name);
	parser->sets = NULL;
}

static int parse_members(struct parser *parser, struct statement *statement)
{
	struct lexer *lex = &parser->lex;

	while (lex->token.kind != TOKEN_END) {
		struct source *source;
		int err;

		if (lex_is(&lex->token, "any") || word_is_set_name(&lex->token))
			return lex_fail(lex, &lex->token,
					"%s: a set holds prefixes only, no other "
					"set and not 'any'",
					QUOTE(&lex->token));
		err = word_append_source(parser, statement, &source);
		if (err == 0)
			err = word_parse_prefix(parser, &source->prefix);
		if (err < 0)
			return err;
	}
	return 0;
}

int parse_set(struct parser *parser, struct statement *statement)
{
	struct lexer *lex = &parser->lex;
	struct token name = lex->token;
	int err;

	if (name.kind == TOKEN_END)
		return lex_fail(lex, &parser->verb, "'set': its name and members are missing");
	if (!word_is_set_name(&name))
		return lex_fail(lex, &name,
				"%s: no name for a set, use a letter, then letters, "
				"digits, '_' and '-', and no keyword",
				QUOTE(&name));
	statement->set = lex_dup(&name);
	if (!statement->set)
		return -ENOMEM;
	lex_advance(lex);
	if (lex->token.kind == TOKEN_END)
		return lex_fail(lex, &name,
				"%s: a set without members, list prefixes or write "
				"'file PATH'",
				QUOTE(&name));
	if (!lex_is(&lex->token, "file")) {
		err = parse_members(parser, statement);
	} else {
		struct token file = lex->token;

		lex_advance(lex);
		err = word_parse_text(parser, CONFIG_PATH_MAX, &statement->set_file);
		if (err == 0 && !statement->set_file[0])
			err = lex_fail(lex, &file, "'file': the path is missing");
	}
	return err < 0 ? err : define_name(parser, &name, statement->set);
}
