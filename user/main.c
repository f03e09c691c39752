/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c: the command table, the global options, dispatch. */
#include <stdarg.h>
#include <stdio.h>

#include "cmd.h"
#include "log.h"
#include "util.h"

static const struct command commands[] = {
	{ "up", "[--audit] [--confirm TIME] [--hook HOOK] [--without-docker | --boot] [IFACE…]",
	  "load the filter, attach it and enforce the configuration", cmd_up },
	{ "down", "", "detach and remove everything: ports are open again", cmd_down },
	{ "run", "", "keep the filter in step with Docker and the configuration (the daemon)",
	  cmd_run },
	{ "reload", "[--confirm TIME]", "apply the configuration now", cmd_reload },
	{ "confirm", "", "keep what `up --confirm` or `reload --confirm` put on trial",
	  cmd_confirm },
	{ "status", "[numbered]", "is it enforcing; each published port, who may enter, what came",
	  cmd_status },
	{ "list", "", "the rules, numbered, with packets and bytes", cmd_list },
	{ "allow", "TARGET [from SOURCE…] [until TIME | for TIME] [comment TEXT]",
	  "let sources reach a port or a container", cmd_rule },
	{ "deny", "TARGET [from SOURCE…] [until TIME | for TIME] [comment TEXT]",
	  "keep sources out of a port or a container", cmd_rule },
	{ "ban", "SOURCE… [until TIME | for TIME] [comment TEXT]",
	  "drop everything from these sources", cmd_rule },
	{ "unban", "SOURCE…", "take a ban back", cmd_unban },
	{ "failsafe", "[PORT] [from SOURCE…]", "never drop these, whatever the rules say",
	  cmd_rule },
	{ "delete", "RULE | NUMBER", "remove a rule, as typed or by its number in `list`",
	  cmd_delete },
	{ "check", "[FILE]", "is a configuration right; print what it means", cmd_check },
	{ "completion", "bash", "print the shell's completion", cmd_completion },
	{ "version", "", "version, and what this kernel can do", cmd_version },
};

enum option_kind { OPTION_CONFIG, OPTION_DOCKER, OPTION_PIN, OPTION_JSON, OPTION_DRY_RUN,
		   OPTION_FORCE, OPTION_QUIET, OPTION_VERBOSE, OPTION_HELP };

static const struct option_entry {
	const char *name, *value, *help;
	enum option_kind kind;
} global_options[] = {
	{ "--config", "FILE", "configuration (" CONFIG_PATH ")", OPTION_CONFIG },
	{ "--docker", "URL", "unix:///…, tcp://…, or off", OPTION_DOCKER },
	{ "--pin", "DIR", "where it lives in the kernel (" KERNEL_PIN_DIR ")", OPTION_PIN },
	{ "--json", NULL, "data for programs", OPTION_JSON },
	{ "--dry-run", NULL, "say what would happen, change nothing", OPTION_DRY_RUN },
	{ "--force", NULL, "even if it cuts your own SSH connection", OPTION_FORCE },
	{ "--quiet", NULL, "only errors", OPTION_QUIET },
	{ "--verbose", NULL, "more, with the kernel's log when it refuses", OPTION_VERBOSE },
	{ "--help", NULL, "this", OPTION_HELP },
};

static void print_help(FILE *file)
{
	fprintf(file, "usage: tidegate COMMAND [OPTION…] [ARGUMENT…]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(file, "  %-10s %s\n  %-10s   %s\n", commands[i].name, commands[i].args, "",
			commands[i].help);
	fprintf(file, "\n");
	for (size_t i = 0; i < ARRAY_SIZE(global_options); i++)
		fprintf(file, "  %-9s %-6s %s\n", global_options[i].name,
			global_options[i].value ?: "", global_options[i].help);
	fprintf(file, "\nstatements and examples: tidegate(8), tidegate.conf(5)\n");
}

int cmd_completion(const struct options *options, int argc, char **argv)
{
	if (argc != 2 || !streq(argv[1], "bash"))
		return cmd_usage("completion", "say which shell: bash");
	printf("# bash completion for tidegate, printed by `tidegate completion bash`\n"
	       "complete -W '");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("%s ", commands[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(global_options); i++)
		printf("%s%s", i ? " " : "", global_options[i].name);
	printf("' -o default tidegate\n");
	return CMD_DONE;
}

int cmd_usage(const char *verb, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error(0, "%s: %s (see `tidegate --help`)", verb, text);
	return CMD_USAGE;
}

static void set_option(struct options *options, enum option_kind kind, const char *value)
{
	switch (kind) {
	case OPTION_CONFIG:
		options->config = value;
		options->is_default_config = false;
		return;
	case OPTION_DOCKER:
		options->docker = value;
		return;
	case OPTION_PIN:
		options->pin_dir = value;
		return;
	case OPTION_JSON:
		options->json = true;
		return;
	case OPTION_DRY_RUN:
		options->dry_run = true;
		return;
	case OPTION_FORCE:
		options->force = true;
		return;
	case OPTION_QUIET:
		log_set_level(LOG_ERROR);
		return;
	case OPTION_VERBOSE:
		log_set_level(LOG_DEBUG);
		return;
	case OPTION_HELP:
		return;
	}
}

/* The option that the word is, "--name" or "--name=value"; NULL = none of the global ones. */
static const struct option_entry *find_option(const char *word, const char **ret_value)
{
	for (size_t i = 0; i < ARRAY_SIZE(global_options); i++) {
		size_t length = strlen(global_options[i].name);

		if (strncmp(word, global_options[i].name, length) != 0)
			continue;
		*ret_value = word[length] == '=' ? word + length + 1 : NULL;
		if (word[length] == '\0' || (*ret_value && global_options[i].value))
			return &global_options[i];
	}
	return NULL;
}

/* Takes the global options out of argv, wherever they stand. */
static int take_options(struct options *options, int *argc, char **argv)
{
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		const char *value = NULL;
		const struct option_entry *option = find_option(argv[i], &value);

		if (!option) {
			argv[kept++] = argv[i];
			continue;
		}
		if (option->kind == OPTION_HELP) {
			print_help(stdout);
			exit(CMD_DONE);
		}
		if (option->value && !value && i + 1 < *argc)
			value = argv[++i];
		if (option->value && !value)
			return cmd_usage(option->name, "%s is missing", option->value);
		set_option(options, option->kind, value);
	}
	argv[kept] = NULL;
	*argc = kept;
	return CMD_DONE;
}

int main(int argc, char **argv)
{
	struct options options = {
		.config = CONFIG_PATH,
		.is_default_config = true,
		.pin_dir = KERNEL_PIN_DIR,
	};

	if (take_options(&options, &argc, argv) != CMD_DONE)
		return CMD_USAGE;
	if (argc < 2) {
		print_help(stderr);
		return CMD_USAGE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (streq(commands[i].name, argv[1]))
			return commands[i].run(&options, argc - 1, argv + 1);
	log_error(0, "'%s': no such command; `tidegate --help` lists them", argv[1]);
	return CMD_USAGE;
}
