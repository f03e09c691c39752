// SPDX-License-Identifier: GPL-2.0-only
/*
 * edit.c: changes to the text of a configuration that leave the rest of it as its
 * author wrote it: comments, blank lines, order, spelling, line ends.
 *
 * An edit is a replacement for some statements and at most one line more.  What comes out is
 * parsed again before it is handed over: an edit cannot break a file.
 */
#include <errno.h>
#include <search.h>

#include "config/config.h"
#include "config/parse.h"
#include "base/cleanup.h"

struct edit {
	const char *text;
	struct config *config;
	char **replacements; /* for each statement: NULL = stays, "" = its line goes */
	const char *added;   /* a new statement, or NULL */
	unsigned int after;  /* the line it goes behind, 0 = at the end */
};

static void clear_edit(struct edit *edit)
{
	for (size_t i = 0; edit->replacements && i < edit->config->count; i++)
		free(edit->replacements[i]);
	free(edit->replacements);
	config_free(edit->config);
}

static int begin_edit(struct edit *edit, const char *text)
{
	int err = config_parse(text, strlen(text), 0, &edit->config, NULL);

	if (err < 0)
		return err;
	edit->text = text;
	edit->replacements = calloc(edit->config->count + 1, sizeof(*edit->replacements));
	return edit->replacements ? 0 : -ENOMEM;
}

static int replace(struct edit *edit, size_t index, const char *replacement)
{
	edit->replacements[index] = strdup(replacement);
	return edit->replacements[index] ? 0 : -ENOMEM;
}

/* ---- writing --------------------------------------------------------------------- */

/* The line with its statement exchanged; indentation and a # comment behind it stay. */
static void write_replaced(FILE *out, unsigned int number, struct token line, const char *with)
{
	struct lexer lex = { .line = number };
	const char *start, *stop;
	size_t length = line.length;

	if (!with[0])
		return;
	if (length && line.start[length - 1] == '\n')
		length--;
	lex_begin(&lex, line.start, length);
	start = stop = lex.token.start;
	for (; lex.token.kind != TOKEN_END; lex_advance(&lex))
		stop = lex.token.start + lex.token.length;
	fwrite(line.start, 1, start - line.start, out);
	fputs(with, out);
	fwrite(stop, 1, line.start + line.length - stop, out);
}

/* A line of its own behind `before` (the text so far), with line ends as there. */
static void write_added(FILE *out, const char *added, struct token before)
{
	const char *stop = before.start + before.length;
	bool is_open = before.length && stop[-1] != '\n';
	bool has_return = before.length > 1 && stop[-1] == '\n' && stop[-2] == '\r';

	fprintf(out, "%s%s%s", is_open ? "\n" : "", added, has_return ? "\r\n" : "\n");
}

static void write_edit(FILE *out, const struct edit *edit)
{
	const char *at = edit->text;
	unsigned int number = 0;
	size_t next = 0;

	while (*at) {
		const char *newline = strchrnul(at, '\n');
		struct token line = { .start = at, .length = newline - at + (*newline != 0) };
		const char *with = NULL;

		number++;
		if (next < edit->config->count && edit->config->statements[next].line == number)
			with = edit->replacements[next++];
		if (with)
			write_replaced(out, number, line, with);
		else
			fwrite(line.start, 1, line.length, out);
		at += line.length;
		if (edit->added && edit->after == number)
			write_added(out, edit->added, line);
	}
	if (edit->added && edit->after == 0)
		write_added(out, edit->added,
			    (struct token){ .start = edit->text, .length = at - edit->text });
}

static int finish_edit(const struct edit *edit, char **ret)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool has_failed;
	int err;

	if (!out)
		return -ENOMEM;
	write_edit(out, edit);
	has_failed = ferror(out) != 0;
	/* A stream whose last allocation failed is closed with success, and without a text. */
	if (fclose(out) != 0 || has_failed || !text)
		return -ENOMEM;
	err = config_parse(text, size, 0, &config, NULL);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(text);
	return 0;
}

/* ---- finding --------------------------------------------------------------------- */

/* A ban belongs to who made it, which its comment names: two jails of fail2ban may ban one address,
 * and each takes back its own. */
static bool is_same_owner(const struct statement *a, const struct statement *b)
{
	return streq(a->comment ?: "", b->comment ?: "");
}

/* 1 if both say the same thing in another way: rules but for until and comment (bans of one owner
 * but for until), sets of one name, settings of one kind.  `identity` is that of `b`. */
static int is_same(const struct statement *a, const struct statement *b, const char *identity)
{
	_cleanup_free_ char *other = NULL;

	if (a->kind != b->kind)
		return 0;
	if (a->kind == STATEMENT_SET)
		return streq(a->set, b->set);
	if (!config_is_rule(a))
		return 1;
	if (a->kind == STATEMENT_BAN && !is_same_owner(a, b))
		return 0;
	other = config_rule_identity(a);
	return other ? streq(other, identity) : -ENOMEM;
}

static int is_exactly(const struct statement *statement, const char *text)
{
	_cleanup_free_ char *other = config_print_statement(statement);

	return other ? streq(other, text) : -ENOMEM;
}

/* Whether the rule's sources name this set. */
static bool uses_set(const struct statement *rule, const char *set)
{
	for (size_t i = 0; i < rule->sources_count; i++)
		if (rule->sources[i].set && streq(rule->sources[i].set, set))
			return true;
	return false;
}

/* Behind the last of its kind, and behind the sets it uses: those come before their use. */
static unsigned int find_place(const struct config *config, const struct statement *statement)
{
	unsigned int after = 0, sets = 0;

	for (size_t i = 0; i < config->count; i++) {
		const struct statement *other = &config->statements[i];

		if (other->kind == statement->kind)
			after = other->line;
		if (other->kind == STATEMENT_SET && config_is_rule(statement) &&
		    uses_set(statement, other->set))
			sets = other->line;
	}
	return after && sets > after ? sets : after;
}

/* ---- the edits ------------------------------------------------------------------- */

/* What says the same gives way: the first becomes `text`, the others go.  -EEXIST if that
 * would change nothing, 0 with *ret_found otherwise. */
static int replace_same(struct edit *edit, const struct statement *statement, const char *text,
			bool *ret_found)
{
	_cleanup_free_ char *identity = config_rule_identity(statement);
	bool is_changed = false;

	*ret_found = false;
	if (!identity)
		return -ENOMEM;
	for (size_t i = 0; i < edit->config->count; i++) {
		const struct statement *other = &edit->config->statements[i];
		int same = is_same(other, statement, identity);
		int exact = same > 0 ? is_exactly(other, text) : same;

		if (exact < 0)
			return exact;
		if (!same)
			continue;
		if (!exact)
			is_changed = true;
		if (replace(edit, i, *ret_found ? "" : text) < 0)
			return -ENOMEM;
		*ret_found = true;
	}
	return *ret_found && !is_changed ? -EEXIST : 0;
}

int config_add(const char *text, const struct statement *statement, char **ret)
{
	_cleanup_(clear_edit) struct edit edit = { 0 };
	_cleanup_free_ char *added = config_print_statement(statement);
	bool is_found = false;
	int err;

	if (!added)
		return -ENOMEM;
	err = begin_edit(&edit, text);
	if (err == 0)
		err = replace_same(&edit, statement, added, &is_found);
	if (err < 0)
		return err;
	if (!is_found) {
		edit.added = added;
		edit.after = find_place(edit.config, statement);
	}
	return finish_edit(&edit, ret);
}

/* The ban without the sources in `tree`; *ret is "" if none is left, NULL if none was there. */
static int print_reduced(const struct statement *ban, void *const *tree, char **ret)
{
	_cleanup_free_ struct source *left = NULL;
	struct statement reduced = *ban;

	left = calloc(ban->sources_count, sizeof(*left));
	if (!left)
		return -ENOMEM;
	reduced.sources = left;
	reduced.sources_count = 0;
	for (size_t i = 0; i < ban->sources_count; i++)
		if (!tfind(&ban->sources[i], tree, config_compare_sources))
			left[reduced.sources_count++] = ban->sources[i];
	if (reduced.sources_count == ban->sources_count) {
		*ret = NULL;
		return 0;
	}
	*ret = reduced.sources_count ? config_print_statement(&reduced) : strdup("");
	return *ret ? 0 : -ENOMEM;
}

static void keep_source(void *source)
{
}

/* `ban X Y` and then `unban X`: a ban is the sum of its sources, each can be taken back.  With a
 * comment from the bans of that owner, without one from all. */
static int delete_bans(struct edit *edit, const struct statement *statement)
{
	void *tree = NULL;
	bool is_found = false;
	int err = 0;

	for (size_t i = 0; i < statement->sources_count && err == 0; i++)
		if (!tsearch(&statement->sources[i], &tree, config_compare_sources))
			err = -ENOMEM;
	for (size_t i = 0; i < edit->config->count && err == 0; i++) {
		const struct statement *ban = &edit->config->statements[i];

		if (ban->kind != STATEMENT_BAN ||
		    (statement->comment && !is_same_owner(ban, statement)))
			continue;
		err = print_reduced(ban, &tree, &edit->replacements[i]);
		if (edit->replacements[i])
			is_found = true;
	}
	tdestroy(tree, keep_source);
	return err < 0 || is_found ? err : -ENOENT;
}

static int delete_same(struct edit *edit, const struct statement *statement)
{
	_cleanup_free_ char *identity = config_rule_identity(statement);
	bool is_found = false;

	if (!identity)
		return -ENOMEM;
	for (size_t i = 0; i < edit->config->count; i++) {
		int same = is_same(&edit->config->statements[i], statement, identity);

		if (same < 0 || (same && replace(edit, i, "") < 0))
			return -ENOMEM;
		if (same)
			is_found = true;
	}
	return is_found ? 0 : -ENOENT;
}

int config_delete(const char *text, const struct statement *statement, char **ret)
{
	_cleanup_(clear_edit) struct edit edit = { 0 };
	int err = begin_edit(&edit, text);

	if (err < 0)
		return err;
	err = statement->kind == STATEMENT_BAN ? delete_bans(&edit, statement)
					       : delete_same(&edit, statement);
	return err < 0 ? err : finish_edit(&edit, ret);
}

int config_delete_number(const char *text, unsigned int number, char **ret)
{
	_cleanup_(clear_edit) struct edit edit = { 0 };
	int err = begin_edit(&edit, text);

	if (err < 0)
		return err;
	for (size_t i = 0; i < edit.config->count; i++) {
		if (!config_is_rule(&edit.config->statements[i]) || --number != 0)
			continue;
		err = replace(&edit, i, "");
		return err < 0 ? err : finish_edit(&edit, ret);
	}
	return -ENOENT;
}
