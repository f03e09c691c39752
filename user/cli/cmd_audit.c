/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_audit.c: what stands open on this host, whether or not tidegate is up. */
#include "cli/cmd.h"
#include "cli/cmd_json.h"

#include <errno.h>
#include <jansson.h>

#include "audit/audit.h"
#include "audit/render.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "docker/docker.h"

/* It could not look: no answer, and least "nothing is open". */
#define AUDIT_BLIND_STATUS 3

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_MARKDOWN, FORMAT_HTML, FORMAT_SARIF, FORMAT_MAX };
static const char *const formats[FORMAT_MAX] = { "table", "json", "markdown", "html", "sarif" };

struct asked {
	enum format format;
	enum audit_level fail_on; /* one above the worst = never */
	struct audit_from from;   /* of --from, if it was given */
};

static int parse_format(const struct options *options, struct asked *asked)
{
	asked->format = options->json ? FORMAT_JSON : FORMAT_TABLE;
	for (enum format i = 0; options->format && i < FORMAT_MAX; i++)
		if (streq(options->format, formats[i])) {
			asked->format = i;
			return CMD_DONE;
		}
	if (!options->format)
		return CMD_DONE;
	return cmd_usage("audit", "--format takes table, json, markdown, html or sarif");
}

static int parse_fail_on(const struct options *options, struct asked *asked)
{
	const char *word = options->fail_on ?: "open";

	if (streq(word, "open"))
		asked->fail_on = AUDIT_OPEN;
	else if (streq(word, "risky"))
		asked->fail_on = AUDIT_RISKY;
	else if (streq(word, "never"))
		asked->fail_on = AUDIT_RISKY + 1;
	else
		return cmd_usage("audit", "--fail-on takes open, risky or never");
	return CMD_DONE;
}

static int parse(const struct options *options, int argc, char **argv, struct asked *asked)
{
	if (argc > 1)
		return cmd_usage("audit", "'%s': takes no argument", argv[1]);
	return parse_format(options, asked) ?: parse_fail_on(options, asked);
}

static int print_json(json_t *json)
{
	const char *key;
	json_t *value;

	if (!json)
		return -ENOMEM;
	json_object_foreach (json, key, value)
		cmd_json_add(key, json_incref(value));
	json_decref(json);
	return 0;
}

static int print_sarif(json_t *json)
{
	if (!json)
		return -ENOMEM;
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
	return 0;
}

static int print(const struct asked *asked, const struct audit_result *audit)
{

	switch (asked->format) {
	case FORMAT_TABLE:
		render_table(audit, stdout);
		break;
	case FORMAT_MARKDOWN:
		render_markdown(audit, stdout);
		break;
	case FORMAT_HTML:
		render_html(audit, stdout);
		break;
	case FORMAT_SARIF:
		return print_sarif(render_sarif(audit));
	default:
		return print_json(render_json(audit));
	}
	return 0;
}

/* A configuration that cannot be used is not what was asked about: which Engine it names is. */
static int open_docker(const struct options *options, struct kernel *kernel, struct docker **ret,
		       char **ret_text)
{
	bool is_off;

	if (cmd_read_config(options, kernel, ret_text) < 0)
		return -EINVAL;
	return cmd_open_docker(options, *ret_text, ret, &is_off);
}

/* CMD_DONE, or the exit status. */
static int look(const struct options *options, struct asked *asked, struct audit_result *ret)
{
	struct error error = {};
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	_cleanup_(docker_freep) struct docker *docker = NULL;
	_cleanup_free_ char *text = NULL;
	struct audit_source source = { .config_path = options->config, .sets_dir = SETS_DIR };
	int err = kernel_open(options->pin_dir, &kernel, &error);

	if (err < 0 && err != -ENOENT)
		return log_failure(err, &error), AUDIT_BLIND_STATUS;
	if (open_docker(options, kernel, &docker, &text) < 0)
		return AUDIT_BLIND_STATUS;
	source.kernel = kernel;
	source.docker = docker;
	source.would = options->would ? text : NULL;
	error = (struct error){};
	source.from = options->from ? &asked->from : NULL;
	err = 0;
	if (options->from)
		err = audit_from_read(&source, options->from, text, &asked->from, &error);
	if (err == -ENOENT)
		return cmd_usage("audit", "%s", ERROR(&error));
	if (err == 0)
		err = audit_read(&source, ret, &error);
	return err < 0 ? log_failure(err, &error), AUDIT_BLIND_STATUS : CMD_DONE;
}

int cmd_audit(const struct options *options, int argc, char **argv)
{
	_cleanup_(audit_clear) struct audit_result audit = {};
	struct asked asked = {};
	int status = parse(options, argc, argv, &asked);

	if (status != CMD_DONE)
		return status;
	if (asked.format == FORMAT_JSON && !options->json)
		cmd_json_begin();
	status = look(options, &asked, &audit);
	audit_from_clear(&asked.from);
	if (status != CMD_DONE)
		return status;
	audit.is_brief = !options->verbose;
	if (print(&asked, &audit) < 0)
		return log_error(-ENOMEM, "cannot print what was found"), AUDIT_BLIND_STATUS;
	return audit_worst(&audit) >= asked.fail_on ? CMD_FAILED : CMD_DONE;
}
