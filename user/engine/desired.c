/* SPDX-License-Identifier: GPL-2.0-only */
/* desired.c: gather, then resolve.  Nothing is changed here.  See desired.h. */
#include "engine/desired_private.h"

#include <errno.h>
#include <stdarg.h>

#include "base/file.h"
#include "policy_image.h"
#include "docker/docker.h"
#include "image/image.h"
#include "docker/inventory.h"
#include "host/netdev.h"
#include "image/snapshot.h"
#include "kernel/kernel.h"
#include "policy/policy.h"
#include "base/cleanup.h"
#include "base/clock.h"

static int parse(const struct desired_input *input, struct desired *desired, struct error *error)
{
	int err;

	desired->text = strdup(input->text);
	if (!desired->text)
		return -ENOMEM;
	err = config_parse(desired->text, strlen(desired->text), clock_s(CLOCK_REALTIME),
			   &desired->config, error);
	if (err == -EINVAL)
		error_in_file(error, input->config_path);
	else if (err < 0)
		error_set_errno(error, err, "cannot parse '%s'", input->config_path);
	return err;
}

/* A file that cannot be read must not let in whom it bans; one that has a bad line, only that one.
 */
static int read_bans(const struct desired_input *input, struct desired *desired,
		     struct error *error)
{
	const struct bans *bans = input->bans;
	struct error at = {};
	int err = 0;

	if (!bans && !input->sets_dir)
		return 0;
	if (!bans) {
		err = bans_read(BANS_PATH, &desired->own_bans, &at);
		if (err < 0)
			return *error = at, err;
		if (at.line)
			err = problems_add(&desired->problems, "%s", ERROR(&at));
		err = err ?: desired_check_exposure(desired, BANS_PATH);
		bans = desired->own_bans;
	}
	return err ?: bans_group(bans, clock_s(CLOCK_REALTIME), &desired->bans);
}

/* As the running image remembers it. */
static int remember(const struct desired_input *input, struct desired *desired, struct error *error)
{
	_cleanup_free_ char *text = NULL;
	int err = 0;

	desired->docker_source = DOCKER_UNKNOWN;
	if (input->running)
		err = snapshot_unpack(input->running, &text, &desired->own.inventory);
	/* To forget it would open all that it says is published. */
	if (err < 0)
		return error_set_errno(error, err,
				       "cannot read back what Docker had published when it "
				       "last answered");
	desired->inventory = desired->own.inventory;
	if (desired->inventory)
		desired->docker_source = DOCKER_REMEMBERED;
	return 0;
}

int docker_answer_read(struct docker *docker, bool is_docker_off, struct docker_answer *ret,
		       struct error *error)
{
	struct docker_answer answer = { .began_ns = clock_ns(CLOCK_MONOTONIC_COARSE) };
	int err = netdev_read(&answer.netdevs);

	if (err < 0)
		return error_set_errno(error, err, "cannot read the interfaces and addresses");
	answer.source = is_docker_off ? DOCKER_OFF : DOCKER_UNKNOWN;
	err = docker ? docker_read(docker, &answer.inventory) : 0;
	if (docker && err == 0)
		answer.source = DOCKER_FRESH;
	if (err < 0)
		snprintf(answer.error, sizeof(answer.error), "%s", docker_error(docker));
	answer.is_absent = err == -ENOENT || err == -ECONNREFUSED;
	*ret = answer;
	return 0;
}

void docker_answer_clear(struct docker_answer *answer)
{
	netdev_list_free(answer->netdevs);
	inventory_free(answer->inventory);
	memset(answer, 0, sizeof(*answer));
}

static int take_answer(const struct desired_input *input, struct desired *desired,
		       struct error *error)
{
	const struct docker_answer *answer = &desired->own;
	int err = input->answer_of ? input->answer_of(input->answer_arg, desired->config, &answer)
				   : docker_answer_read(input->docker, input->is_docker_off,
							&desired->own, error);

	if (err < 0)
		return err;
	desired->began_ns = answer->began_ns;
	desired->netdevs = answer->netdevs;
	desired->inventory = answer->inventory;
	desired->docker_source = answer->source;
	desired->is_docker_absent = answer->is_absent;
	snprintf(desired->docker_error, sizeof(desired->docker_error), "%s", answer->error);
	return answer->source == DOCKER_UNKNOWN ? remember(input, desired, error) : 0;
}

/* Those that the policy is made from, and no others. */
static int find_holders(const struct desired_input *input, struct desired *desired,
			struct error *error)
{
	_cleanup_free_ struct bound_port *ports = NULL;
	size_t count = 0;

	if (!holders_ask_wanted(desired->inventory, desired->listeners, desired->listeners_count))
		return 0;
	if (input->kernel)
		(void)kernel_read_bound(input->kernel, &ports, &count, NULL);
	return holders_find(desired->listeners, desired->listeners_count, ports, count);
}

static int read_listeners(const struct desired_input *input, struct desired *desired,
			  struct error *error)
{
	int err = netdev_read_listeners(&desired->listeners, &desired->listeners_count);

	if (err == 0)
		err = find_holders(input, desired, error);
	return err < 0 ? error_set_errno(error, err, "cannot read the listening sockets") : 0;
}

static int resolve(const struct desired_input *input, struct desired *desired, struct error *error)
{
	struct policy_input policy_input = {
		.config = desired->config,
		.inventory = desired->inventory,
		.netdevs = desired->netdevs,
		.listeners = desired->listeners,
		.listeners_count = desired->listeners_count,
		.sets = desired->sets,
		.sets_count = desired->sets_count,
		.bans = &desired->bans,
		.now = clock_s(CLOCK_REALTIME),
		.is_audit = input->is_audit,
	};
	int err = policy_build(&policy_input, &desired->policy, error);

	if (err < 0 && error->line)
		error_in_file(error, input->config_path);
	else if (err < 0)
		error_prefix(error, err, "cannot resolve the policy");
	return err;
}

int desired_read(const struct desired_input *input, struct desired **ret, struct error *error)
{
	_cleanup_(desired_freep) struct desired *desired = calloc(1, sizeof(*desired));
	int err;

	if (!desired)
		return error_set_errno(error, -ENOMEM, "cannot read the configuration");
	err = parse(input, desired, error);
	if (err < 0)
		return err;
	err = take_answer(input, desired, error);
	if (err == 0)
		err = input->copy_of ? 0 : desired_check_exposure(desired, input->config_path);
	err = err ?: desired_read_sets(input, desired, error);
	err = err ?: read_bans(input, desired, error);
	if (err == 0)
		err = read_listeners(input, desired, error);
	if (err == 0)
		err = resolve(input, desired, error);
	if (err == -E2BIG && desired_recall_grown(input, desired, ERROR(error)) > 0) {
		*error = (struct error){};
		err = resolve(input, desired, error);
	}
	if (err < 0)
		return error_complete(error, err);
	*ret = TAKE_PTR(desired);
	return 0;
}

int desired_from_image(const struct desired_input *how, struct desired **ret, struct error *error)
{
	_cleanup_free_ char *text = NULL;
	struct desired_input input = *how;
	int err = snapshot_unpack(how->running, &text, NULL);

	if (err < 0)
		return error_set_errno(error, err, "cannot read back the active policy");
	input.is_audit = image_header(how->running)->flags & IMAGE_AUDIT;
	input.text = text;
	return desired_read(&input, ret, error);
}

void desired_free(struct desired *desired)
{
	if (!desired)
		return;
	for (size_t i = 0; i < desired->sets_count; i++) {
		free((void *)desired->sets[i].members);
		free(desired->set_files[i].path);
	}
	free(desired->sets);
	free(desired->set_files);
	bans_groups_clear(&desired->bans);
	bans_free(desired->own_bans);
	problems_clear(&desired->problems);
	policy_free(desired->policy);
	free(desired->listeners);
	docker_answer_clear(&desired->own);
	config_free(desired->config);
	free(desired->text);
	free(desired);
}

void desired_freep(struct desired **desired)
{
	desired_free(*desired);
}
