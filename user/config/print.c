// SPDX-License-Identifier: GPL-2.0-only
/*
 * print.c: struct config -> text, the inverse of config_parse().  One spelling for
 * each meaning: clauses in a fixed order, a container always behind its keyword.
 */
#include <errno.h>
#include <string.h>

#include "config/config.h"
#include "config/parse.h"
#include "base/cleanup.h"
#include "base/proto.h"

static bool is_plain_word(const char *text)
{
	if (!text[0] || text[0] == '#')
		return false;
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || *text == '"')
			return false;
	return true;
}

static void print_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_word(FILE *out, const char *text)
{
	if (is_plain_word(text))
		fputs(text, out);
	else
		print_quoted(out, text);
}

static void print_protos(FILE *out, char before, unsigned int protos)
{
	if (protos == PROTO_BITS_ALL)
		return;
	for (enum proto_index i = 0; i < PROTO_MAX; i++) {
		if (!(protos & 1u << i))
			continue;
		fprintf(out, "%c%s", before, proto_name(proto_numbers[i]));
		before = ',';
	}
}

static void print_ports(FILE *out, const struct target *target)
{
	for (size_t i = 0; i < target->ports_count; i++) {
		const struct port_range *range = &target->ports[i];

		fprintf(out, "%c%u", i ? ',' : ' ', range->lo);
		if (range->hi != range->lo)
			fprintf(out, "-%u", range->hi);
	}
	print_protos(out, '/', target->protos);
}

static void print_name(FILE *out, const char *keyword, const struct target *target)
{
	fprintf(out, " %s %s", keyword, target->name);
	if (target->service)
		fprintf(out, "/%s", target->service);
	if (target->ports_count) {
		fputs(" port", out);
		print_ports(out, target);
	} else if (target->protos != PROTO_BITS_ALL) {
		fputs(" proto", out);
		print_protos(out, ' ', target->protos);
	}
}

static void print_target(FILE *out, const struct target *target)
{
	char buf[PREFIX_STRLEN];

	switch (target->kind) {
	case TARGET_NONE:
		break;
	case TARGET_PORTS:
		print_ports(out, target);
		if (target->on.family)
			fprintf(out, " on %s", prefix_format(&target->on, buf));
		break;
	case TARGET_CONTAINER:
		print_name(out, "container", target);
		break;
	case TARGET_COMPOSE:
		print_name(out, "compose", target);
		break;
	case TARGET_SERVICE:
		print_name(out, "service", target);
		break;
	}
}

static void print_sources(FILE *out, const struct source *sources, size_t count)
{
	char buf[PREFIX_STRLEN];

	for (size_t i = 0; i < count; i++)
		fprintf(out, " %s",
			sources[i].set ? sources[i].set : prefix_format(&sources[i].prefix, buf));
}

static void print_rule(FILE *out, const char *verb, const struct statement *statement)
{
	fputs(verb, out);
	print_target(out, &statement->target);
	if (statement->sources_count && statement->kind != STATEMENT_BAN)
		fputs(" from", out);
	print_sources(out, statement->sources, statement->sources_count);
}

static void print_attributes(FILE *out, const struct statement *statement)
{
	char buf[TIME_STRLEN];

	if (statement->until)
		fprintf(out, " until %s", time_format(statement->until, buf));
	if (statement->comment) {
		fputs(" comment ", out);
		print_quoted(out, statement->comment);
	}
}

static void print_interfaces(FILE *out, const struct statement *statement)
{
	fputs("interface", out);
	for (size_t i = 0; i < statement->interfaces_count; i++)
		fprintf(out, " %s", statement->interfaces[i]);
	if (statement->interfaces_count == 0)
		fputs(" auto", out);
}

static void print_set(FILE *out, const struct statement *statement)
{
	fprintf(out, "set %s", statement->set);
	if (statement->set_file) {
		fputs(" file ", out);
		print_word(out, statement->set_file);
	}
	print_sources(out, statement->sources, statement->sources_count);
}

/* All but until and comment. */
static void print_body(FILE *out, const struct statement *statement)
{
	static const char *const defaults[] = {
		[DEFAULT_DENY_PUBLISHED] = "deny published",
		[DEFAULT_DENY_ALL] = "deny all",
		[DEFAULT_ALLOW] = "allow",
	};
	static const char *const logs[] = {
		[LOG_OFF] = "off",
		[LOG_NEW] = "new",
		[LOG_ALL] = "all",
	};

	switch (statement->kind) {
	case STATEMENT_INTERFACE:
		print_interfaces(out, statement);
		break;
	case STATEMENT_DEFAULT:
		fprintf(out, "default %s", defaults[statement->mode]);
		break;
	case STATEMENT_DOCKER:
		fputs("docker ", out);
		print_word(out, statement->url);
		break;
	case STATEMENT_LABELS:
		fputs("labels off", out);
		break;
	case STATEMENT_LOG:
		fprintf(out, "log %s", logs[statement->log]);
		break;
	case STATEMENT_SET:
		print_set(out, statement);
		break;
	case STATEMENT_ALLOW:
		print_rule(out, "allow", statement);
		break;
	case STATEMENT_DENY:
		print_rule(out, "deny", statement);
		break;
	case STATEMENT_BAN:
		print_rule(out, "ban", statement);
		break;
	case STATEMENT_FAILSAFE:
		print_rule(out, "failsafe", statement);
		break;
	case STATEMENT_MAX:
		break;
	}
}

/* Ends a memory stream; the text, or NULL when memory ran out on the way. */
static char *close_text(FILE *out, char **text)
{
	bool has_failed = ferror(out) != 0;

	if (fclose(out) == 0 && !has_failed)
		return TAKE_PTR(*text);
	return NULL;
}

char *config_print_statement(const struct statement *statement)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	print_body(out, statement);
	print_attributes(out, statement);
	return close_text(out, &text);
}

char *config_print(const struct config *config)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < config->count; i++) {
		print_body(out, &config->statements[i]);
		print_attributes(out, &config->statements[i]);
		fputc('\n', out);
	}
	return close_text(out, &text);
}

char *config_join_words(const char *const *words, size_t count)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (i)
			fputc(' ', out);
		print_word(out, words[i]);
	}
	return close_text(out, &text);
}

int config_compare_sources(const void *a, const void *b)
{
	const struct source *left = a, *right = b;

	if (left->set && right->set)
		return strcmp(left->set, right->set);
	if (left->set || right->set)
		return left->set ? 1 : -1;
	return prefix_compare(&left->prefix, &right->prefix);
}

/* The sources in one order, each once; the names stay the statement's. */
static int sort_sources(const struct statement *statement, struct source **ret, size_t *ret_count)
{
	size_t count = statement->sources_count, kept = 0;
	struct source *sources = calloc(count ? count : 1, sizeof(*sources));

	if (!sources)
		return -ENOMEM;
	if (count)
		memcpy(sources, statement->sources, count * sizeof(*sources));
	qsort(sources, count, sizeof(*sources), config_compare_sources);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || config_compare_sources(&sources[kept - 1], &sources[i]) != 0)
			sources[kept++] = sources[i];
	*ret = sources;
	*ret_count = kept;
	return 0;
}

char *config_rule_identity(const struct statement *statement)
{
	_cleanup_free_ struct source *sources = NULL;
	_cleanup_free_ char *text = NULL;
	struct statement sorted = *statement;
	size_t size;
	FILE *out;

	if (sort_sources(statement, &sources, &sorted.sources_count) < 0)
		return NULL;
	sorted.sources = sources;
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	print_body(out, &sorted);
	return close_text(out, &text);
}
