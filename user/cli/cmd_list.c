/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_list.c: the rules as they enforce, numbered, with what they decided so far. */
#include "cli/cmd.h"
#include "cli/cmd_json.h"

#include <errno.h>
#include <jansson.h>

#include "docker/docker.h"
#include "policy/hint.h"
#include "image/image.h"
#include "base/log.h"
#include "policy/policy.h"
#include "base/table.h"
#include "base/cleanup.h"

struct listed {
	const struct policy_rule *rule; /* of bans by command, the first of their owner */
	char *remark; /* why it applies to nothing, or how many it bans; or NULL */
	struct counter counter;
};

static char *remark_bans(const struct policy *policy, size_t first)
{
	size_t count = 0;
	char *text = NULL;

	for (size_t i = first; i < policy->rules_count; i++)
		if (streq(policy->rules[i].identity, policy->rules[first].identity))
			count += policy->rules[i].sources_count;
	return asprintf(&text, "(%zu, `tidegate bans` shows them)", count) < 0 ? NULL : text;
}

/* Allocated, or NULL. */
static char *remark(const struct policy_rule *rule, const struct desired *desired)
{
	const struct statement *statement = config_find_line(desired->config, rule->line);
	_cleanup_free_ char *why = NULL;
	char *text = NULL;

	if (rule->is_everywhere || rule->ports_count || !statement)
		return NULL;
	why = hint_useless(statement, desired->inventory);
	return asprintf(&text, "(%s)", why ?: "") < 0 ? NULL : text;
}

static void print_json(const struct listed *list, size_t count)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(rules, json_pack("{si ss s{sI sI} sI ss sI ss?}", "number",
						       list[i].rule->number, "rule",
						       list[i].rule->text, "counter", "packets",
						       (json_int_t)list[i].counter.packets, "bytes",
						       (json_int_t)list[i].counter.bytes, "until",
						       (json_int_t)list[i].rule->until, "comment",
						       list[i].rule->comment ?: "", "ports",
						       (json_int_t)list[i].rule->ports_count,
						       "remark", list[i].remark));
	cmd_json_set_array(rules);
}

static void print_table(const struct listed *list, size_t count)
{
	static const char *const heading[] = { "NR", "PACKETS", "BYTES", "RULE", "" };
	_cleanup_(table_clear) struct table table = { .columns = 5, .wrapped = 3, .right = 7 };

	(void)table_add(&table, heading);
	for (size_t i = 0; i < count; i++) {
		char number[16], packets[24], bytes[24];
		const char *row[] = { number, packets, bytes, list[i].rule->text,
				      list[i].remark ?: "" };

		snprintf(number, sizeof(number), list[i].rule->number ? "%u" : "-",
			 list[i].rule->number);
		snprintf(packets, sizeof(packets), "%llu", list[i].counter.packets);
		snprintf(bytes, sizeof(bytes), "%llu", list[i].counter.bytes);
		(void)table_add(&table, row);
	}
	table_print(&table, stdout);
}

static int print(const struct options *options, struct kernel *kernel,
		 const struct desired *desired)
{
	const struct policy *policy = desired->policy;
	_cleanup_free_ struct listed *list = calloc(policy->rules_count + 1, sizeof(*list));
	_cleanup_(cmd_counted_clear) struct counted counted = {};
	size_t count = 0;
	int err;

	if (!list)
		return -ENOMEM;
	err = cmd_read_counted(kernel, &counted);
	if (err < 0)
		return err;
	for (size_t i = 0; i < policy->rules_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		struct listed *listed = &list[count];
		__u32 id = cmd_counter_id(&counted, "rule", rule->identity);

		if (!rule->number && count && streq(list[count - 1].rule->identity, rule->identity))
			continue;
		listed->rule = rule;
		listed->remark = rule->number ? remark(rule, desired) : remark_bans(policy, i);
		if (id)
			listed->counter = counted.totals->of[id];
		count++;
	}
	if (options->json)
		print_json(list, count);
	else
		print_table(list, count);
	for (size_t i = 0; i < count; i++)
		free(list[i].remark);
	return 0;
}

/* What runs, from the image's own snapshot; without an image, what the file would mean. */
static int read_desired(const struct options *options, struct kernel *kernel, struct desired **ret)
{
	_cleanup_(image_clear) struct image image = {};
	_cleanup_free_ char *text = NULL;
	struct desired_input input = { .config_path = options->config, .sets_dir = SETS_DIR };
	struct error error = {};
	int err;

	if (kernel && kernel_read_image(kernel, SLOT_ACTIVE, &image, NULL) == 0 &&
	    image_check(image.bytes, image.size) == 0) {
		input.running = &image;
		err = desired_from_image(&input, ret, &error);
	} else {
		err = cmd_read_config(options, kernel, &text);
		if (err < 0)
			return err;
		log_warning("no policy is active: these are the rules of '%s'", options->config);
		input.text = text;
		err = desired_read(&input, ret, &error);
	}
	if (err == 0)
		cmd_warn_problems(*ret);
	return err < 0 ? log_failure(err, &error) : 0;
}

int cmd_list(const struct options *options, int argc, char **argv)
{
	struct error error = {};
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	_cleanup_(desired_freep) struct desired *desired = NULL;
	int err;

	if (argc > 1)
		return cmd_usage(argv[0], "'%s': takes no argument", argv[1]);
	if (options->comment && !options->bans)
		return cmd_usage(argv[0], "--comment is about bans: write `list --bans`");
	if (options->bans)
		return cmd_bans(options, argc, argv);
	err = kernel_open(options->pin_dir, &kernel, &error);
	if (err < 0 && err != -ENOENT) {
		log_failure(err, &error);
		return CMD_FAILED;
	}
	if (read_desired(options, kernel, &desired) < 0)
		return CMD_FAILED;
	return print(options, kernel, desired) < 0 ? CMD_FAILED : CMD_DONE;
}
