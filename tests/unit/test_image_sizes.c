/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_image_sizes.c: from ten prefixes to a hundred thousand, and to a million when
 * IMAGE_LOOKUPS asks for a long run.  Reading such a policy prefix after prefix would take
 * hours; here a binary trie, one bit a step, says what is right.
 */
#include "image_fixture.h"

struct trie {
	struct node {
		__u32 child[2]; /* 0 = none: nothing leads back to the root */
		__u32 rule;     /* number of the rule entry, 0 = no prefix ends here */
	} * nodes;
	__u32 count, room;
};

static __u32 trie_node(struct trie *trie)
{
	if (trie->count == trie->room) {
		trie->room = trie->room ? trie->room * 2 : 1024;
		trie->nodes = realloc(trie->nodes, trie->room * sizeof(*trie->nodes));
	}
	trie->nodes[trie->count] = (struct node){};
	return trie->count++;
}

/* At equal length deny wins, then the first in the file. */
static bool is_better(const struct policy *policy, __u32 rule, __u32 than)
{
	enum statement_kind kind = policy->rules[rule - 3].kind;

	if (!than)
		return true;
	if (kind != policy->rules[than - 3].kind)
		return kind == STATEMENT_DENY;
	return rule < than;
}

static void trie_add(struct trie *trie, const struct policy *policy, const struct prefix *prefix,
		     __u32 rule)
{
	__u32 at = 0;

	for (int bit = 0; bit < prefix->length; bit++) {
		bool side = oracle_bit(prefix, bit);

		if (!trie->nodes[at].child[side]) {
			__u32 new = trie_node(trie);

			trie->nodes[at].child[side] = new;
		}
		at = trie->nodes[at].child[side];
	}
	if (is_better(policy, rule, trie->nodes[at].rule))
		trie->nodes[at].rule = rule;
}

static void trie_fill(struct trie *trie, const struct policy *policy, __u8 family)
{
	trie_node(trie);
	for (size_t i = 0; i < policy->rules_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		for (size_t j = 0; j < rule->sources_count; j++) {
			if (rule->sources[j].family == family)
				trie_add(trie, policy, &rule->sources[j], 3 + i);
		}
	}
}

static __u32 trie_rule(const struct trie *trie, const struct prefix *address)
{
	__u32 at = 0, rule = 2; /* the ports are closed */

	for (int bit = 0;; bit++) {
		if (trie->nodes[at].rule)
			rule = trie->nodes[at].rule;
		if (bit == oracle_width(address->family))
			return rule;
		at = trie->nodes[at].child[oracle_bit(address, bit)];
		if (!at)
			return rule;
	}
}

/* ---- shapes ------------------------------------------------------------------------- */

typedef struct prefix make_fn(void);

static struct prefix mixed4(void)
{
	return v4(random64() >> 32, below(5) < 3 ? 24 : 8 + below(25));
}

static struct prefix crowded4(void)
{
	return v4((below(64) * 0x9e3779b9u & 0xffff0000u) | below(65536), 20 + below(13));
}

static struct prefix mixed6(void)
{
	return v6(0x2000000000000000ull | random64() >> 3, random64(),
		  below(5) < 3 ? 48 : 16 + below(113));
}

static struct prefix crowded6(void)
{
	__u64 site = 0x20010db800000000ull | below(200) * 0x9e3779b9u % 65536 << 16;

	return v6(site | below(4), below(3) ? random64() : below(100000), 60 + below(69));
}

static void assert_size(__u8 family, make_fn *make, size_t prefixes, size_t questions)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	_cleanup_(image_clear) struct image image;
	struct trie trie = {};

	for (int i = 0; i < 5; i++)
		add_rule(policy, i % 2 ? STATEMENT_ALLOW : STATEMENT_DENY);
	for (size_t i = 0; i < prefixes; i++)
		oracle_add_source(policy, below(5), make());
	build(policy, &image);
	trie_fill(&trie, policy, family);
	for (size_t i = 0; i < questions; i++) {
		struct prefix saddr = random_source(policy, family), daddr = saddr;

		memset(daddr.addr, 0xc0, oracle_width(family) / 8);
		assert_int_equal(image_ask(image.bytes, &saddr, &daddr, IPPROTO_TCP, 80).rule,
				 trie_rule(&trie, &saddr));
	}
	free(trie.nodes);
}

static void assert_sizes(__u8 family, make_fn *make)
{
	size_t largest = lookups(0) > 1000000 ? 1000000 : 100000;

	for (size_t prefixes = 10; prefixes <= largest; prefixes *= 10)
		assert_size(family, make, prefixes, lookups(100000));
}

static void mixed_ipv4_agrees_at_every_size(void **state)
{
	assert_sizes(4, mixed4);
}

static void crowded_ipv4_agrees_at_every_size(void **state)
{
	assert_sizes(4, crowded4);
}

static void mixed_ipv6_agrees_at_every_size(void **state)
{
	assert_sizes(6, mixed6);
}

static void crowded_ipv6_agrees_at_every_size(void **state)
{
	assert_sizes(6, crowded6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mixed_ipv4_agrees_at_every_size),
		cmocka_unit_test(crowded_ipv4_agrees_at_every_size),
		cmocka_unit_test(mixed_ipv6_agrees_at_every_size),
		cmocka_unit_test(crowded_ipv6_agrees_at_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
