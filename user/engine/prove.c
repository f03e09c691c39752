/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prove.c: a packet for each guarded port, shown to the very program that is attached.  What the
 * kernel does with it has to be what the image in the kernel comes to, and that has to be what the
 * policy says which should enforce.  See health.h.
 */
#include "engine/health.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/proto.h"
#include "engine/trial.h"
#include "host/netdev.h"
#include "image/image.h"
#include "kernel/probe.h"
#include "policy/policy.h"

/* What nobody has out there, and no connection: of the networks for measurements (RFC 2544, RFC
 * 5180), or else one that is like any other. */
static const char *const strangers[2][3] = {
	{ "198.18.77.1", "198.19.77.1", "9.9.9.77" },
	{ "2001:2::77:1", "2001:2:0:77::1", "2620:fe::77" },
};
#define STRANGER_PORT 40122

struct proof {
	struct kernel *kernel;
	const struct image *image;
	const struct policy *policy;
	bool is_policys; /* the image should be what the policy comes to */
	const struct bound_port *bound;
	size_t bound_count;
	struct prefix saddr[2];
	int *lengths[2]; /* policy_measure() of these */
	struct probe probe;
	struct health_proof *result;
	size_t wrong; /* on this interface */
	char first_wrong[128];
	bool is_locked; /* nobody replaces the policy meanwhile */
};

/* How long to wait for who changes the policy now. */
#define LOCK_MS 500

/* ---- the image ----------------------------------------------------------------------------- */

/* What the programs decide by now. */
static int read_image(struct kernel *kernel, struct image *ret)
{
	int err = kernel_read_image(kernel, SLOT_ACTIVE, ret, NULL);

	if (err == 0 && trial_of(image_header(ret)) == TRIAL_LAPSED) {
		image_clear(ret);
		err = kernel_read_image(kernel, SLOT_CONFIRMED, ret, NULL);
	}
	if (err == 0 && image_check(ret->bytes, ret->size) < 0) {
		image_clear(ret);
		err = -EBADMSG;
	}
	return err;
}

/* Somebody may have replaced the policy meanwhile. */
static bool is_still(struct kernel *kernel, const struct image *image)
{
	struct image_header now;
	int err = kernel_read_header(kernel, SLOT_ACTIVE, &now, NULL);

	if (err == 0 && trial_of(&now) == TRIAL_LAPSED)
		err = kernel_read_header(kernel, SLOT_CONFIRMED, &now, NULL);
	return err == 0 && now.generation == image_header(image)->generation;
}

/* ---- who asks ------------------------------------------------------------------------------ */

/* One that the image does not take for its own. */
static int choose_stranger(struct proof *proof, int i)
{
	for (size_t j = 0; j < ARRAY_SIZE(strangers[i]); j++) {
		int err = prefix_parse(strangers[i][j], &proof->saddr[i], NULL);

		if (err < 0)
			return err;
		proof->saddr[i] = probe_source(&proof->probe, &proof->saddr[i]);
		if (image_is_outside(proof->image, &proof->saddr[i]))
			break;
	}
	policy_measure(proof->policy, &proof->saddr[i], proof->lengths[i]);
	return 0;
}

/* ---- one packet ------------------------- */

static void note_wrong(struct proof *proof, const struct probe_packet *packet, bool is_dropped)
{
	char saddr[PREFIX_STRLEN];

	proof->result->wrong++;
	if (!proof->wrong++)
		snprintf(proof->first_wrong, sizeof(proof->first_wrong),
			 "%s a packet from %s to %u/%s", is_dropped ? "drops" : "passes",
			 prefix_format(&packet->saddr, saddr), packet->dport,
			 proto_name(packet->proto));
}

/* A port that is open unless a rule says otherwise, and that Docker bound a moment ago, is closed
 * until the policy knows it. */
static void expect_learned(const struct proof *proof, const struct probe_packet *packet,
			   struct image_answer *answer)
{
	if ((answer->reason != PASS_UNGUARDED && answer->reason != PASS_DEFAULT) ||
	    (image_header(proof->image)->flags & IMAGE_ALLOW_ALL) ||
	    !kernel_is_bound(proof->bound, proof->bound_count, &packet->daddr, packet->proto,
			     packet->dport))
		return;
	answer->reason = DROP_LEARNED;
	answer->port_counter += answer->port_counter != 0;
}

static bool is_policys(const struct proof *proof, const struct policy_port *port,
		       const struct probe_packet *packet, const struct image_answer *answer)
{
	struct policy_answer policy = policy_evaluate_port(
		proof->policy, proof->lengths[packet->saddr.family == 6], port, &packet->daddr);

	return !proof->is_policys ||
	       (policy.verdict == POLICY_DENY) == reason_is_drop(answer->reason);
}

/* Takes the packet back out of the counters that it moved, at once, because this process can be
 * killed.  Where somebody may have replaced the policy, nobody knows which these are, and it
 * stays. */
static int uncount(struct proof *proof, const struct probe_packet *packet,
		   const struct image_answer *answer, size_t bytes, struct error *error)
{
	const struct probe_counted counted = { answer->reason, answer->port_counter,
					       answer->rule_counter };

	if (!proof->is_locked && !is_still(proof->kernel, proof->image))
		return 0;
	return probe_uncount(proof->kernel, packet, &counted, bytes, error);
}

static int show(struct proof *proof, const struct policy_port *port,
		const struct probe_packet *packet, struct error *error)
{
	const struct image_flow flow = { .saddr = &packet->saddr,
					 .daddr = &packet->daddr,
					 .dport = packet->dport,
					 .proto = packet->proto };
	bool is_audit = image_header(proof->image)->flags & IMAGE_AUDIT, is_dropped, is_images;
	struct image_answer answer;
	size_t bytes;
	int err;

	image_answer(proof->image, &flow, clock_ns(CLOCK_MONOTONIC_COARSE), &answer);
	if (answer.kind == DESTINATION_OTHER && port->addr.length)
		return 0; /* not an address of this host now */
	err = probe_run(&proof->probe, packet, &is_dropped, &bytes, error);
	if (err < 0)
		return err;
	expect_learned(proof, packet, &answer);
	is_images = is_dropped == (reason_is_drop(answer.reason) && !is_audit);
	if (!is_images || !is_policys(proof, port, packet, &answer))
		note_wrong(proof, packet, is_dropped);
	proof->result->packets++;
	proof->result->dropped += is_dropped;
	if (!is_images)
		return 0; /* nobody knows what it has counted */
	return uncount(proof, packet, &answer, bytes, error);
}

/* ---- each port ------------------------- */

/* Of a range the first and the last. */
static int show_port(struct proof *proof, const struct policy_port *port, struct error *error)
{
	__u8 family = port->addr.family;
	const struct prefix *daddr =
		port->addr.length ? &port->addr : policy_own_address(proof->policy, family);
	struct probe_packet packet = { .saddr = proof->saddr[family == 6],
				       .sport = STRANGER_PORT,
				       .dport = port->lo,
				       .proto = port->proto,
				       .tcp_flags = PROBE_SYN };
	int err;

	if (!daddr)
		return 0; /* nobody can send to this family here */
	packet.daddr = *daddr;
	err = show(proof, port, &packet, error);
	packet.dport = port->hi;
	return err < 0 || port->lo == port->hi ? err : show(proof, port, &packet, error);
}

static int show_ports(struct proof *proof, struct error *error)
{
	int err = 0;

	for (int i = 0; err == 0 && i < 2; i++)
		err = choose_stranger(proof, i);
	for (size_t i = 0; err == 0 && i < proof->policy->ports_count; i++)
		err = show_port(proof, &proof->policy->ports[i], error);
	return err;
}

/* ---- each interface ------------------------- */

static int say_in_front(struct health *health, const struct attachment *attachment,
			const char *name)
{
	_cleanup_free_ char *other = probe_find_in_front(attachment);

	if (!other)
		return 0;
	return problems_add(&health->problems,
			    "on '%s' the program %s stands in front of the filter, and can let "
			    "packets past it: remove it, or put the filter in front again with "
			    "`tidegate down` and `tidegate up`",
			    name, other);
}

/* What comes in by a program of XDP is its own affair: most of them drop or pass, and where that
 * hook was taken already the filter is at tcx for that. */
static int note_before(struct health *health, const struct attachment *attachment, const char *name)
{
	_cleanup_free_ char *other = probe_find_before(attachment);

	if (!other)
		return 0;
	return problems_add(&health->notes,
			    "on '%s' the XDP program %s is before the filter, which is at %s: what "
			    "it redirects or answers, the filter does not see",
			    name, other, hook_name(attachment->hook));
}

static int say_wrong(struct health *health, const struct proof *proof, const char *name)
{
	char more[48] = "";

	if (!proof->wrong)
		return 0;
	if (proof->wrong > 1)
		snprintf(more, sizeof(more), ", and %zu more", proof->wrong - 1);
	return problems_add(&health->problems,
			    "the filter on '%s' %s, against the policy%s: `tidegate down` and "
			    "`tidegate up` load both anew",
			    name, proof->first_wrong, more);
}

static int prove_interface(struct proof *proof, const struct attachment *attachment,
			   struct health *health)
{
	const struct netdev *device =
		netdev_find_index(health->report.desired->netdevs, attachment->ifindex);
	const char *name = device ? device->name : "(gone)";
	struct error error = {};
	int err = say_in_front(health, attachment, name) ?: note_before(health, attachment, name);

	/* What is not ours was said already. */
	if (err < 0 || !device || !kernel_is_of_these_maps(proof->kernel, attachment->program_id))
		return err;
	proof->wrong = 0;
	err = probe_open(proof->kernel, attachment, device->mac, &proof->probe, &error);
	if (err == 0) {
		err = show_ports(proof, &error);
		probe_close(&proof->probe);
		proof->result->interfaces++;
	}
	if (err < 0)
		return problems_add(&health->problems, "cannot prove the filter on '%s': %s", name,
				    ERROR(&error));
	return say_wrong(health, proof, name);
}

static int prove_each(struct proof *proof, struct health *health)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err = kernel_attachments(proof->kernel, &list, &count, NULL);

	for (size_t i = 0; err == 0 && i < count; i++)
		if (list[i].is_attached)
			err = prove_interface(proof, &list[i], health);
	return err;
}

int health_prove(struct kernel *kernel, struct health *health)
{
	_cleanup_(image_clear) struct image image = {};
	_cleanup_free_ int *ipv4 = NULL, *ipv6 = NULL;
	_cleanup_free_ struct bound_port *bound = NULL;
	_cleanup_close_ int lock = -1;
	struct proof proof = { .kernel = kernel, .image = &image, .result = &health->proof };
	size_t before = health->problems.count;
	int err;

	if (!health->report.desired)
		return 0;
	proof.policy = health->report.desired->policy;
	proof.is_policys = !health->report.is_changed;
	/* Without it the packets are shown all the same. */
	lock = lock_take(LOCK_MS);
	proof.is_locked = lock >= 0;
	if (read_image(kernel, &image) < 0)
		return problems_add(&health->problems,
				    "what the kernel has in place of a policy is none: `tidegate "
				    "up` loads one");
	/* The policy was read a moment ago, of another image. */
	if (image_header(&image)->generation != health->report.generation) {
		health->is_behind |= health->header.generation != health->report.generation;
		return 0;
	}
	proof.lengths[0] = ipv4 = calloc(proof.policy->rules_count + 1, sizeof(int));
	proof.lengths[1] = ipv6 = calloc(proof.policy->rules_count + 1, sizeof(int));
	if (!ipv4 || !ipv6)
		return -ENOMEM;
	/* Without the defense that learns there are none; what is missing of them is said
	 * elsewhere. */
	(void)kernel_read_bound(kernel, &bound, &proof.bound_count, NULL);
	proof.bound = bound;
	err = prove_each(&proof, health);
	if (health->problems.count > before)
		health->is_behind |= health->is_daemon_running || !is_still(kernel, &image);
	return err;
}
