/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stage_policy.c: what enforces: a scene's text and a small world of Docker's -> policy -> image
 * -> slots, through the same functions as in the product.
 */
#include <errno.h>
#include <netinet/in.h>
#include <time.h>

#include "config/config.h"
#include "image/image.h"
#include "docker/inventory.h"
#include "host/netdev.h"
#include "policy/policy.h"
#include "stage_private.h"
#include "base/cleanup.h"

#define NOW    1800000000 /* 2027-01-15T08:00Z */
#define SECOND 1000000000ull

static struct prefix parse(const char *text)
{
	struct prefix prefix;

	if (prefix_parse(text, &prefix, NULL) < 0)
		die("no prefix: '%s'", text);
	return prefix;
}

#define EVERY4 { .family = 4 }
#define EVERY6 { .family = 6 }
#define TCP_BINDING(at, first, last, inside) \
	{ .proto = IPPROTO_TCP,              \
	  .host = at,                        \
	  .host_lo = (first),                \
	  .host_hi = (last),                 \
	  .port = (inside) }

/* Container "db" publishes, "web" has addresses of its own besides. */
static struct inventory *make_inventory(void)
{
	static struct binding db[] = {
		TCP_BINDING(EVERY4, 6379, 6379, 6379),
		TCP_BINDING(EVERY6, 6379, 6379, 6379),
		TCP_BINDING(EVERY4, 6390, 6390, 6390),
		TCP_BINDING(EVERY4, 9000, 9010, 9000),
		TCP_BINDING(EVERY6, 9000, 9010, 9000),
		TCP_BINDING(EVERY4, 1, 1, 1),
		TCP_BINDING(EVERY4, 65535, 65535, 65535),
		{ .proto = IPPROTO_UDP,
		  .host = EVERY4,
		  .host_lo = 5300,
		  .host_hi = 5300,
		  .port = 53 },
		{ .proto = IPPROTO_UDP,
		  .host = EVERY6,
		  .host_lo = 5300,
		  .host_hi = 5300,
		  .port = 53 },
		{ .proto = IPPROTO_SCTP,
		  .host = EVERY4,
		  .host_lo = 3868,
		  .host_hi = 3868,
		  .port = 3868 },
		{ .proto = IPPROTO_SCTP,
		  .host = EVERY6,
		  .host_lo = 3868,
		  .host_hi = 3868,
		  .port = 3868 },
		TCP_BINDING(EVERY4, 8080, 8080, 80), /* on 192.0.2.5, see below */
		TCP_BINDING(EVERY6, 8080, 8080, 80), /* on 2001:db8::5 */
		TCP_BINDING(EVERY4, 7000, 7000, 80), /* on 127.0.0.1 */
		TCP_BINDING(EVERY4, 4004, 4004, 80), /* on every IPv4 address only */
	};
	static struct binding web[] = { { .proto = IPPROTO_TCP, .port = 80 } };
	static struct binding mac[] = { { .proto = IPPROTO_TCP, .port = 80 } };
	static struct endpoint db_at[1], web_at[1], mac_at[1];
	static struct container containers[] = {
		{ .id = (char *)"d",
		  .name = (char *)"db",
		  .is_running = true,
		  .bindings = db,
		  .bindings_count = ARRAY_SIZE(db),
		  .endpoints = db_at,
		  .endpoints_count = 1 },
		{ .id = (char *)"e",
		  .name = (char *)"web",
		  .is_running = true,
		  .bindings = web,
		  .bindings_count = ARRAY_SIZE(web),
		  .endpoints = web_at,
		  .endpoints_count = 1 },
		{ .id = (char *)"f",
		  .name = (char *)"mac",
		  .is_running = true,
		  .bindings = mac,
		  .bindings_count = ARRAY_SIZE(mac),
		  .endpoints = mac_at,
		  .endpoints_count = 1 },
	};
	static struct subnet subnets[4];
	static struct inventory inventory = { containers, ARRAY_SIZE(containers), subnets,
					      ARRAY_SIZE(subnets) };

	db[11].host = parse("192.0.2.5");
	db[12].host = parse("2001:db8::5");
	db[13].host = parse("127.0.0.1");
	db_at[0] = (struct endpoint){ .addr4 = parse("172.17.0.2"), .addr6 = parse("fd00:17::2") };
	web_at[0] = (struct endpoint){ .addr4 = parse("172.30.0.2"),
				       .addr6 = parse("fd00:30::2"),
				       .is_routed4 = true,
				       .is_routed6 = true };
	mac_at[0] = (struct endpoint){ .addr4 = parse("192.0.2.40") }; /* on a macvlan */
	subnets[0] = (struct subnet){ .prefix = parse("172.17.0.0/16") };
	subnets[1] = (struct subnet){ .prefix = parse("172.30.0.0/16"), .is_routed = true };
	subnets[2] = (struct subnet){ .prefix = parse("fd00:17::/64") };
	subnets[3] = (struct subnet){ .prefix = parse("fd00:30::/64"), .is_routed = true };
	return &inventory;
}

static struct netdev_list *make_addresses(void)
{
	static const char *const texts[] = { "172.17.0.1",  "172.30.0.1",    "192.0.2.1",
					     "192.0.2.5",   "198.51.100.1",  "2001:db8::1",
					     "2001:db8::5", "2001:db8:5::1", "fd00:17::1",
					     "fd00:30::1" };
	static struct prefix addresses[ARRAY_SIZE(texts)];
	static struct prefix broadcast;
	static struct netdev_list list = { .addresses = addresses,
					   .addresses_count = ARRAY_SIZE(addresses),
					   .groups = &broadcast,
					   .groups_count = 1 };

	broadcast = parse("192.0.2.255");

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		addresses[i] = parse(texts[i]);
	return &list;
}

static struct policy *make_policy(const struct scene *scene, const char *text)
{
	struct policy_input input = { .inventory = make_inventory(),
				      .netdevs = make_addresses(),
				      .now = NOW,
				      .is_audit = scene->is_audit };
	_cleanup_(config_freep) struct config *config = NULL;
	struct error at = {};
	struct error error;
	struct policy *policy;

	if (config_parse(text, strlen(text), NOW, &config, &at) < 0)
		die("%s:%u:%u: %s", scene->name, at.line, at.column, at.text);
	input.config = config;
	if (policy_build(&input, &policy, &error) < 0)
		die("%s: %s", scene->name, error.text);
	return policy;
}

__u32 stage_place(__u32 id)
{
	if (id < STAGE_COUNTERS / 2)
		return id;
	if (id < LIMIT_COUNTERS - STAGE_COUNTERS / 2)
		die("more than %u counters", STAGE_COUNTERS);
	return id - (LIMIT_COUNTERS - STAGE_COUNTERS);
}

/* Same names as user/engine/compile.c, as far as a test needs it: one for each rule and port. */
static __u32 counter_id(struct stage *stage, const char *kind, const char *identity, bool is_wide)
{
	_cleanup_free_ char *name = NULL;
	struct counter_request request = { .is_wide = is_wide };

	if (asprintf(&name, "%s %s", kind, identity) < 0)
		die("no memory");
	request.identity = name;
	if (counter_ids_give(stage->ids, &request, 1) != 0)
		die("no room for the counter '%s'", name);
	return request.id;
}

static void note_combined(struct stage *stage, const struct combined_counter *combined)
{
	for (size_t i = 0; i < stage->combined_count; i++)
		if (stage->combined[i].id == combined->id)
			return;
	stage->combined[stage->combined_count++] = *combined;
}

/* Every other entry gets a counter of its own, so that both ways to count are tested. */
static void join_counters(struct stage *stage, struct image *image)
{
	_cleanup_free_ struct image_entry *entries = NULL;
	size_t count;

	if (image_entries(image, &entries, &count) < 0)
		die("no memory");
	for (size_t i = 0; i < count; i += 2) {
		struct combined_counter combined = { .reason = entries[i].reason_counter,
						     .port = entries[i].entry->port_counter,
						     .rule = entries[i].entry->rule_counter };

		if (counter_ids_give_combined(stage->ids, &combined, 1) < 0 || !combined.id)
			die("no combined counter: %s", ERROR(&stage_error));
		note_combined(stage, &combined);
		entries[i].entry->counter = combined.id;
	}
	image_seal(image);
}

static __u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static void compile(struct stage *stage, const struct scene *scene, const struct policy *policy,
		    struct image *ret)
{
	_cleanup_free_ __u32 *rules = calloc(policy->rules_count + 1, sizeof(*rules));
	_cleanup_free_ __u32 *ports = calloc(policy->ports_count + 1, sizeof(*ports));
	struct image_input input = { .policy = policy,
				     .rule_counters = rules,
				     .port_counters = ports,
				     .now_epoch = NOW,
				     .now_monotonic_ns = monotonic_ns() };
	struct error error;

	for (size_t i = 0; i < policy->rules_count; i++)
		rules[i] = counter_id(stage, "rule", policy->rules[i].identity, false);
	for (size_t i = 0; i < policy->ports_count; i++)
		ports[i] = counter_id(stage, "port", policy->ports[i].identity, true);
	if (scene->is_expired) /* rules end at NOW + 1 h */
		input.now_monotonic_ns -= 3601 * SECOND;
	if (image_build(&input, ret, &error) < 0)
		die("%s: %s", scene->name, error.text);
	join_counters(stage, ret);
}

static void empty_slot(struct stage *stage, enum image_slot slot)
{
	__u32 key = slot;

	if (slot == SLOT_ACTIVE && kernel_disable_fastpath(stage->kernel, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	for (int i = 0; i < POLICY_SIZES; i++)
		if (bpf_map_delete_elem(stage->kernel->policy_fds[i], &key) < 0 && errno != ENOENT)
			die("cannot empty a slot");
}

static void fill_slot(struct stage *stage, enum image_slot slot, const struct scene *scene,
		      const char *text)
{
	struct policy *policy = make_policy(scene, text);
	_cleanup_(image_clear) struct image image = {};
	struct image_header *header;

	compile(stage, scene, policy, &image);
	header = image.bytes;
	if (slot == SLOT_ACTIVE && scene->is_trial)
		header->deadline_ns = monotonic_ns() + 3600 * SECOND;
	if (slot == SLOT_ACTIVE && scene->is_past_deadline)
		header->deadline_ns = monotonic_ns() - SECOND;
	if (slot == SLOT_ACTIVE && scene->damage)
		scene->damage(&image);
	if (kernel_swap(stage->kernel, slot, &image, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	if (slot == SLOT_CONFIRMED && scene->config && !scene->is_past_deadline) {
		policy_free(policy);
		return;
	}
	policy_free(stage->policy);
	stage->policy = policy;
}

/* ---- bound ports ------------------------------------------------------------------------ */

static void forget_bound(struct stage *stage)
{
	struct bound_key key;
	const int fds[] = { stage->kernel->bound_ports_fd, stage->kernel->bound_at_fd };

	for (int i = 0; i < 2; i++)
		while (bpf_map_get_next_key(fds[i], NULL, &key) == 0)
			if (bpf_map_delete_elem(fds[i], &key) < 0)
				die("cannot forget a learned port");
}

/* As bpf/bindwatch.bpf.c notes it. */
static void note_bound(struct stage *stage, const struct bound *bound)
{
	struct prefix addr = parse(bound->addr);
	struct bound_key key = { .family = addr.family,
				 .proto = bound->proto,
				 .port = bound->port };
	struct bound_value value = { .by = BOUND_BY_PROXY };
	static const __be32 every[4];
	int fd;

	memcpy(key.addr, addr.addr, sizeof(key.addr));
	fd = memcmp(key.addr, every, sizeof(every)) == 0 ? stage->kernel->bound_ports_fd
							 : stage->kernel->bound_at_fd;
	if (bpf_map_update_elem(fd, &key, &value, BPF_ANY) < 0)
		die("cannot note a learned port");
}

static void set_bound(struct stage *stage, const struct scene *scene)
{
	_cleanup_free_ struct bound_marks *ports = calloc(1, sizeof(*ports));
	__u32 key = 0;

	if (!ports)
		die("no memory");
	forget_bound(stage);
	for (size_t i = 0; i < BOUND_MAX && scene->bound[i].port; i++) {
		const struct bound *bound = &scene->bound[i];
		__u32 proto = bound->proto == IPPROTO_UDP ? PROTO_UDP : PROTO_TCP;

		ports->bits[0][BOUND_WORD(proto, bound->port)] |= BOUND_BIT(bound->port);
		note_bound(stage, bound);
	}
	if (bpf_map_update_elem(stage->kernel->bound_marks_fd, &key, ports, BPF_ANY) < 0)
		die("cannot mark the learned ports");
}

/* frame.c sends to that which ends with 1. */
static void set_mac(struct stage *stage, const struct scene *scene)
{
	struct mac_key mac = { .addr = { 2, 0, 0, 0, 0, scene->is_foreign ? 9 : 1 } };

	if (kernel_note_macs(stage->kernel, &mac, 1, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
}

void stage_set(struct stage *stage, const struct scene *scene)
{
	if (stage->scene == scene)
		return;
	stage->scene = scene;
	if (scene->config)
		fill_slot(stage, SLOT_ACTIVE, scene, scene->config);
	else
		empty_slot(stage, SLOT_ACTIVE);
	if (scene->confirmed)
		fill_slot(stage, SLOT_CONFIRMED, scene, scene->confirmed);
	else
		empty_slot(stage, SLOT_CONFIRMED);
	stage_set_forwarding(scene->is_forwarding_off ? "0" : "1");
	stage_set_shared(stage, scene->is_shared);
	set_mac(stage, scene);
	set_bound(stage, scene);
}

unsigned int stage_port_counter(struct stage *stage, const char *identity)
{
	for (size_t i = 0; stage->policy && i < stage->policy->ports_count; i++)
		if (streq(stage->policy->ports[i].identity, identity))
			return stage_place(counter_id(stage, "port", identity, true));
	return 0;
}

unsigned int stage_rule_counter(struct stage *stage, unsigned int number)
{
	for (size_t i = 0; stage->policy && i < stage->policy->rules_count; i++)
		if (stage->policy->rules[i].number == number)
			return stage_place(
				counter_id(stage, "rule", stage->policy->rules[i].identity, false));
	return 0;
}
