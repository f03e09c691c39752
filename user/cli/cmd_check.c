/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_check.c: check and version: what can be said without touching the kernel's state. */
#include "cli/cmd.h"
#include "cli/cmd_json.h"

#include "config/config.h"
#include "base/log.h"
#include "policy/policy.h"
#include "base/cleanup.h"

/*
 * Parses, reads the files of sets, resolves and compiles, without Docker: whether the
 * configuration is right does not depend on what runs.  Prints it in canonical form.  A file that
 * is named may be a copy that is to become the configuration, as for Ansible's `validate`.
 */
int cmd_check(const struct options *options, int argc, char **argv)
{
	_cleanup_(reconcile_clear) struct reconcile_report report = {};
	_cleanup_free_ char *text = NULL, *printed = NULL;
	struct options of_file = *options;
	size_t rules;
	struct reconcile_input input = { .is_docker_off = true, .is_dry_run = true };

	if (argc > 2)
		return cmd_usage(argv[0], "'%s': takes one file", argv[2]);
	if (argc == 2) {
		of_file.config = streq(argv[1], "-") ? "/dev/stdin" : argv[1];
		of_file.is_default_config = false;
		input.copy_of = options->config;
	}
	if (cmd_read_config(&of_file, NULL, &text) < 0)
		return CMD_FAILED;
	input.config_path = of_file.config;
	input.text = text;
	if (cmd_reconcile(&input, &report) < 0)
		return CMD_FAILED;
	printed = config_print(report.desired->config);
	if (!printed)
		return CMD_FAILED;
	if (options->json)
		cmd_json_add_text("configuration", printed);
	else
		fputs(printed, stdout);
	cmd_warn_problems(report.desired);
	rules = report.desired->policy->rules_count;
	cmd_json_add("rules", json_integer(rules));
	log_info("'%s' is valid: %zu rule%s", of_file.config, rules, rules == 1 ? "" : "s");
	return CMD_DONE;
}

int cmd_version(const struct options *options, int argc, char **argv)
{
	cmd_json_add_text("version", VERSION);
	cmd_json_add("layout", json_integer(DATAPATH_ABI));
	cmd_json_add("conntrack_kfuncs", json_boolean(kernel_has_conntrack()));
	if (options->json)
		return CMD_DONE;
	printf("tidegate %s (layout %d)\n", VERSION, DATAPATH_ABI);
	printf("conntrack kfuncs: %s\n", kernel_has_conntrack() ? "yes" : "no");
	return CMD_DONE;
}
