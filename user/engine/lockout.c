/* SPDX-License-Identifier: GPL-2.0-only */
/* lockout.c: see lockout.h. */
#include "engine/lockout.h"

#include <netinet/in.h>

#include "image/image.h"
#include "host/netdev.h"
#include "policy/policy.h"
#include "base/cleanup.h"
#include "base/clock.h"

static bool drops(const struct image *image, const struct ssh_connection *ssh)
{
	struct image_flow flow = { .saddr = &ssh->client,
				   .daddr = &ssh->server,
				   .dport = ssh->port };

	if (!image->bytes || image_header(image)->flags & IMAGE_AUDIT)
		return false;
	return REASONS_DROP & 1u << image_decide(image, &flow, clock_ns(CLOCK_MONOTONIC_COARSE));
}

/* What comes from this host itself or from a container does not meet the filter. */
static bool is_cut(const struct image *before, const struct image *after,
		   const struct ssh_connection *ssh)
{
	return drops(after, ssh) && image_is_outside(after, &ssh->client) && !drops(before, ssh);
}

static struct ssh_connection ssh_of(const struct connection *connection)
{
	return (struct ssh_connection){ connection->peer, connection->local, connection->port };
}

/* Whose process it is is only asked of connections that would be cut: that takes longest. */
static int find_others(const struct image *before, const struct image *after, struct lockout *ret)
{
	_cleanup_free_ struct connection *list = NULL;
	size_t count = 0, kept = 0;
	int err = netdev_read_connections(&list, &count);

	for (size_t i = 0; err == 0 && i < count; i++) {
		struct ssh_connection ssh = ssh_of(&list[i]);

		if (is_cut(before, after, &ssh))
			list[kept++] = list[i];
	}
	if (err == 0)
		err = netdev_keep_ssh(list, &kept);
	if (err < 0 || !kept)
		return err;
	*ret = (struct lockout){ .ssh = ssh_of(&list[0]) };
	return 1;
}

int lockout_find(const struct image *before, const struct image *after, enum lockout_whose whose,
		 struct lockout *ret)
{
	struct lockout own = { .is_own = true };

	if (whose == LOCKOUT_OTHERS || !session_ssh(&own.ssh) || !is_cut(before, after, &own.ssh))
		return find_others(before, after, ret);
	*ret = own;
	return 1;
}

void lockout_describe(const struct lockout *lockout, const struct policy *policy,
		      char ret[static LOCKOUT_TEXT])
{
	const struct ssh_connection *ssh = &lockout->ssh;
	struct policy_answer answer =
		policy_evaluate(policy, &ssh->client, &ssh->server, IPPROTO_TCP, ssh->port);
	char client[PREFIX_STRLEN];

	snprintf(ret, LOCKOUT_TEXT, "%s SSH connection from %s to port %u (%s%s%s)",
		 lockout->is_own ? "your own" : "the", prefix_format(&ssh->client, client),
		 ssh->port, answer.rule ? "'" : "",
		 answer.rule ? answer.rule->text : "no rule allows it", answer.rule ? "'" : "");
}
