/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_common.c: what several verbs do.  See cmd.h. */
#include "cli/cmd.h"

#include <errno.h>

#include "engine/asked.h"
#include "config/config.h"
#include "docker/docker.h"
#include "base/lock.h"
#include "base/log.h"
#include "engine/reconcile.h"
#include "engine/desired.h"
#include "policy/policy.h"
#include "base/cleanup.h"
#include "base/clock.h"

int cmd_read_config(const struct options *options, struct kernel *kernel, char **ret_text)
{
	const struct text_file file = { options->config, options->is_default_config };
	struct error error = {};
	int err = text_load(&file, kernel, ret_text, &error);

	return err < 0 ? log_failure(err, &error) : 0;
}

int cmd_open_docker(const struct options *options, const char *config_text, struct docker **ret,
		    bool *ret_off)
{
	_cleanup_(config_freep) struct config *config = NULL;
	const char *url = options->docker;
	int err;

	*ret = NULL;
	*ret_off = false;
	/* What is wrong with the text is said where it is used. */
	if (!url && config_parse(config_text, strlen(config_text), clock_s(CLOCK_REALTIME), &config,
				 NULL) == 0)
		url = config_docker_url(config);
	*ret_off = url && streq(url, "off");
	if (*ret_off)
		return 0;
	err = docker_new(url, ret);
	if (err < 0)
		return log_error(err, "cannot use '%s' as the Docker Engine's address",
				 url ? url : "$DOCKER_HOST");
	return 0;
}

/* Who holds it is busy for a moment at most, but when Docker is slow to answer, or it hangs. */
int cmd_take_lock(void)
{
	char holder[LOCK_HOLDER_TEXT];
	int fd = lock_take(1000);

	if (fd == -ETIMEDOUT) {
		lock_describe_holder(holder);
		log_info("waiting for %s, which holds '" LOCK_PATH "'", holder);
		fd = lock_take(29000);
	}
	if (fd == -ETIMEDOUT) {
		lock_describe_holder(holder);
		log_error(0,
			  "nothing was changed: cannot lock '" LOCK_PATH
			  "', %s has held it for 30 s; if that process hangs, end it and try again",
			  holder);
	} else if (fd < 0) {
		log_error(fd, "cannot take the lock in " LOCK_DIR " (tidegate needs root)");
	}
	return fd;
}

/* 0 = nothing enforces. */
static __u64 read_generation(const struct options *options)
{
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	struct image_header header = {};

	if (kernel_open(options->pin_dir, &kernel, NULL) < 0 ||
	    kernel_read_header(kernel, SLOT_ACTIVE, &header, NULL) < 0)
		return 0;
	return header.generation;
}

/* The Engine that the file names now.  What is wrong with the file is said with the lock. */
static int ask(const struct options *options, struct asked *asked)
{
	const struct text_file file = { options->config, options->is_default_config };
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *text = NULL;
	struct error error = {};
	int err = text_load(&file, NULL, &text, NULL);

	asked->forced_url = options->docker;
	if (err == 0)
		err = config_parse(text, strlen(text), clock_s(CLOCK_REALTIME), &config, NULL);
	if (err < 0)
		return 0;
	err = asked_want(asked, config);
	if (err == 0)
		err = asked_ask(asked, &error);
	if (err < 0)
		return log_failure(err, &error);
	if (asked_is_unusable(asked))
		return log_error(-EINVAL, "cannot use '%s' as the Docker Engine's address",
				 asked->url[0] ? asked->url : "$DOCKER_HOST");
	return 0;
}

int cmd_ask_and_lock(const struct options *options, struct asked *asked)
{
	__u64 before = read_generation(options);
	int fd = ask(options, asked);

	if (fd == 0)
		fd = cmd_take_lock();
	/* Somebody has replaced the policy, perhaps by what Docker said later: it is asked again.
	 */
	if (asked_can_be_old(asked) && read_generation(options) != before)
		asked_forget(asked);
	asked->is_last = true;
	return fd;
}

int cmd_open_kernel(const struct options *options, struct kernel **ret, struct error *error)
{
	int err = kernel_open(options->pin_dir, ret, error);

	if (err != -ENOENT || !kernel_has_strays(options->pin_dir))
		return err;
	*error = (struct error){};
	err = kernel_adopt(options->pin_dir, error);
	return err < 0 ? err : kernel_open(options->pin_dir, ret, error);
}

int cmd_reconcile(const struct reconcile_input *input, struct reconcile_report *ret)
{
	struct error error = {};
	int err = reconcile(input, ret, &error);

	if (err < 0)
		log_error(0, "%s", ERROR(&error));
	return err;
}

bool cmd_cuts_ssh(const struct reconcile_plan *plan, unsigned int trial_seconds)
{
	char whom[LOCKOUT_TEXT];
	struct lockout lockout;
	int found = reconcile_find_lockout(plan, LOCKOUT_ALL, &lockout);

	if (found < 0)
		return log_error(found, "nothing was changed (--force skips this check): cannot "
					"tell who is logged in by SSH"),
		       true;
	if (!found)
		return false;
	lockout_describe(&lockout, reconcile_desired(plan)->policy, whom);
	if (trial_seconds) {
		log_warning("this cuts %s", whom);
		return false;
	}
	log_error(0,
		  "this would cut %s; nothing was changed: allow %u/tcp from that address, add a "
		  "failsafe for it, try the file with `tidegate reload --confirm 120s`, or apply "
		  "it anyway with --force",
		  whom, lockout.ssh.port);
	return true;
}

/* The whole command line, as for a shell, but for the program; allocated, NULL = it cannot be read.
 */
static char *read_typed(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/cmdline", "re");
	const char **words = NULL;
	size_t count = 0, length;
	char text[4096], *typed;

	length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	text[length] = '\0';
	for (size_t at = 0; at < length; at += strlen(text + at) + 1) {
		const char **word = util_append(&words, count, sizeof(*words));

		if (word)
			words[count++] = text + at;
	}
	typed = count > 1 ? config_join_words(words + 1, count - 1) : NULL;
	free(words);
	return typed;
}

void cmd_record(const struct trail *before, struct kernel *kernel, const char *file,
		const char *text)
{
	_cleanup_free_ char *typed = read_typed();
	const struct trail_change change = { .command = typed ?: "a command",
					     .file = file,
					     .text = text };

	trail_end(before, kernel, &change);
}

void cmd_warn(const struct reconcile_report *report)
{
	const struct desired *desired = report->desired;
	const char *line = report->warnings;
	char docker[DESCRIBE_DOCKER];

	for (; line && *line; line += strcspn(line, "\n") + 1)
		log_warning("%.*s", (int)strcspn(line, "\n"), line);
	describe_docker(desired, docker);
	if (docker[0])
		log_warning("%s", docker);
}

void cmd_warn_problems(const struct desired *desired)
{
	for (size_t i = 0; i < desired->problems.count; i++)
		log_warning("%s", desired->problems.texts[i]);
}

int cmd_read_counted(struct kernel *kernel, struct counted *ret)
{
	struct error error = {};
	int err;

	if (!kernel)
		return 0;
	err = counter_ids_read(kernel, &ret->ids, &error);
	if (err == 0)
		err = counter_ids_totals(ret->ids, &ret->totals, &error);
	return err < 0 ? log_failure(err, &error) : 0;
}

void cmd_counted_clear(struct counted *counted)
{
	counter_ids_free(counted->ids);
}

__u32 cmd_counter_id(const struct counted *counted, const char *kind, const char *identity)
{
	_cleanup_free_ char *name = NULL;

	if (!counted->totals || asprintf(&name, "%s %s", kind, identity) < 0)
		return 0;
	return counter_ids_find(counted->ids, name);
}
