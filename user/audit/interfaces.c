/* SPDX-License-Identifier: GPL-2.0-only */
/* interfaces.c: a row for each interface by which packets come in unfiltered. */
#include <errno.h>

#include "audit/judge.h"
#include "engine/health.h"
#include "host/netdev.h"
#include "kernel/kernel.h"
#include "base/cleanup.h"

/* One that leads outside by its kind is open whatever the ports say; the rest lead to those who
 * were let onto a VPN, or to machines of this host. */
static int add(struct judging *judging, const struct netdev *device)
{
	struct audit_row *row = judge_add(judging);
	bool is_outside = netdev_is_outside(judging->input->netdevs, device);

	if (!row)
		return -ENOMEM;
	row->kind = AUDIT_INTERFACE;
	row->level = judging->input->policy && is_outside ? AUDIT_OPEN : AUDIT_LIMITED;
	snprintf(row->interface, sizeof(row->interface), "%s", device->name);
	if (asprintf(&row->reached_by, "anyone on %s", device->name) < 0) {
		row->reached_by = NULL;
		return -ENOMEM;
	}
	return 0;
}

int judge_interfaces(struct judging *judging)
{
	const struct audit_input *input = judging->input;
	_cleanup_free_ struct netdev *unguarded = NULL;
	size_t count = 0;
	int err = health_list_unguarded(input->netdevs, input->attachments,
					input->policy ? input->attachments_count : 0, &unguarded,
					&count);

	for (size_t i = 0; !err && i < count; i++)
		err = add(judging, &unguarded[i]);
	return err;
}
