// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_config.c: any bytes as a configuration.  What parses prints as something that parses
 * and prints alike; edits keep it so; a statement alone agrees with the same one in a file.
 */
#include <errno.h>
#include <stdint.h>

#include "config/config.h"
#include "addr/prefix.h"
#include "base/cleanup.h"

#define NOW 1790000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

/* NULL if it does not parse. */
static struct config *parse(const char *text, size_t length)
{
	struct error error = { 0 };
	struct config *config = NULL;
	int err = config_parse(text, length, NOW, &config, &error);

	if (err == 0)
		return config;
	require(err == -EINVAL && config == NULL);
	require(error.line >= 1 && error.column >= 1 && error.text[0] == '\'');
	require(strnlen(error.text, sizeof(error.text)) < sizeof(error.text));
	for (const char *c = error.text; *c; c++)
		require((unsigned char)*c >= ' ' && *c != 0x7f);
	return NULL;
}

static size_t count_rules(const struct config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->count; i++)
		count += config_is_rule(&config->statements[i]);
	return count;
}

static void check_print(const struct config *config)
{
	_cleanup_free_ char *first = config_print(config);
	_cleanup_(config_freep) struct config *again = parse(first, strlen(first));
	_cleanup_free_ char *second = NULL;

	require(again && again->count == config->count);
	second = config_print(again);
	require(streq(first, second));
	for (size_t i = 0; i < config->count; i++) {
		_cleanup_free_ char *a = config_rule_identity(&config->statements[i]);
		_cleanup_free_ char *b = config_rule_identity(&again->statements[i]);

		require(streq(a, b));
	}
}

/* The first statement added twice, deleted, and every rule deleted by its number. */
static void check_edits(const char *text, const struct config *config)
{
	_cleanup_free_ char *numbered = NULL;
	size_t rules = count_rules(config);

	for (size_t i = 0; i < config->count && i < 4; i++) {
		const struct statement *statement = &config->statements[i];
		_cleanup_(config_freep) struct config *parsed = NULL;
		_cleanup_free_ char *without = NULL, *with = NULL, *more = NULL;

		if (config_delete(text, statement, &without) < 0)
			continue; /* a set in use */
		require(config_add(without, statement, &with) == 0 ||
			statement->kind == STATEMENT_BAN || statement->kind == STATEMENT_SET);
		parsed = parse(with ? with : without, strlen(with ? with : without));
		require(parsed != NULL);
		require(!with || config_add(with, statement, &more) == -EEXIST);
	}
	for (unsigned int number = 1; number <= rules && number <= 8; number++) {
		_cleanup_(config_freep) struct config *parsed = NULL;
		_cleanup_free_ char *shorter = NULL;

		require(config_delete_number(text, number, &shorter) == 0);
		parsed = parse(shorter, strlen(shorter));
		require(parsed && count_rules(parsed) == rules - 1);
		require(parsed->count == config->count - 1);
	}
	require(config_delete_number(text, rules + 1, &numbered) == -ENOENT);
}

static void check_statement(const char *text)
{
	_cleanup_(config_clear_statement) struct statement statement = { 0 };
	_cleanup_(config_clear_statement) struct statement again = { 0 };
	_cleanup_free_ char *printed = NULL, *second = NULL, *added = NULL;
	struct error error;
	char fault[PREFIX_FAULT_STRLEN] = "";
	struct prefix prefix;

	if (prefix_parse(text, &prefix, fault) < 0)
		require(fault[0] != '\0');
	if (config_parse_statement(text, NOW, &statement, &error) < 0)
		return;
	printed = config_print_statement(&statement);
	require(config_parse_statement(printed, NOW, &again, &error) == 0);
	second = config_print_statement(&again);
	require(streq(printed, second));
	if (config_add("# x\n", &statement, &added) == 0)
		require(config_add(added, &statement, &second) == -EEXIST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(config_freep) struct config *config = NULL;
	/* Without a zero byte behind it, so that reading past the end is seen. */
	_cleanup_free_ char *exact = malloc(size ? size : 1);
	_cleanup_free_ char *text = calloc(size + 1, 1);

	memcpy(exact, data, size);
	memcpy(text, data, size);
	config = parse(exact, size);
	if (config) {
		check_print(config);
		check_edits(text, config);
	}
	check_statement(text);
	return 0;
}
