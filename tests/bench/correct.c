/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * correct.c: does the compiled image answer as the policy does when its prefixes are gone
 * through one after the other?
 *
 *   correct 4|6 PREFIXES LOOKUPS
 *
 * Half of the addresses are random, half are adversarial: the first and the last of a prefix, and
 * their neighbours.  The other evaluator is linear: it looks at each prefix once and marks every
 * address between its first and last, as longest, as deny at equal length, as first of its kind.
 * The addresses are sorted for that, or it would take hours.  Prints "LOOKUPS DIFFERENCES
 * SECONDS".
 */
#include <stdio.h>
#include <time.h>

#include "../random.h"
#include "../unit/image_oracle.h"

#define BATCH  1000000
#define RULES  5
#define CLOSED 2 /* what image_rule() says when no rule contains the source */

typedef unsigned __int128 address_t;

struct question {
	address_t address;
	int length; /* of the longest prefix around it so far, -1 = none */
	__u32 rule;
};

static address_t to_number(const struct prefix *address)
{
	int bytes = oracle_width(address->family) / 8;
	address_t number = 0;

	for (int i = 0; i < bytes; i++)
		number = number << 8 | address->addr[i];
	return number;
}

static struct prefix to_address(address_t number, __u8 family)
{
	int bytes = oracle_width(family) / 8;
	struct prefix address = { .family = family, .length = bytes * 8 };

	for (int i = bytes - 1; i >= 0; i--, number >>= 8)
		address.addr[i] = number;
	return address;
}

/* ---- policies ------------------------------------------------------------------------- */

/* Nine in ten as in tables of the Internet, one of any length in a few places, where they nest. */
static struct prefix make_source(__u8 family)
{
	address_t number = (address_t)random64() << 64 | random64();
	int width = oracle_width(family), long_from = family == 4 ? 17 : 33;
	int long_to = family == 4 ? 32 : 64;
	struct prefix prefix;
	bool is_crowded = !below(10);

	if (family == 4)
		number >>= 96;
	else
		number = number >> 3 | (address_t)1 << 125;
	if (is_crowded)
		number &= ((address_t)3 << (width - 4)) | (((address_t)1 << (width / 2)) - 1);
	prefix = to_address(number, family);
	if (is_crowded)
		prefix.length = width / 2 + below(width / 2 + 1);
	else
		prefix.length = below(5) < 3 ? (family == 4 ? 24 : 48)
					     : long_from + (int)below(long_to - long_from + 1);
	return prefix;
}

static struct policy *make_policy(__u8 family, size_t prefixes)
{
	struct policy *policy = oracle_policy();
	struct policy_port *port =
		oracle_add_port(policy, IPPROTO_TCP, (struct prefix){ .family = family }, 80, 80);

	for (unsigned int i = 0; i < RULES; i++)
		oracle_bind(port,
			    oracle_add_rule(policy, i % 2 ? STATEMENT_ALLOW : STATEMENT_DENY));
	for (size_t i = 0; i < prefixes; i++)
		oracle_add_source(policy, below(RULES), make_source(family));
	return policy;
}

/* ---- questions --------------------------------------------------------------------------- */

static const struct prefix *some_source(const struct policy *policy)
{
	const struct policy_rule *rule;

	do
		rule = &policy->rules[below(policy->rules_count)];
	while (!rule->sources_count);
	return &rule->sources[below(rule->sources_count)];
}

static address_t make_address(const struct policy *policy, __u8 family)
{
	struct prefix address;

	if (below(2)) {
		address = make_source(family);
		return to_number(&address);
	}
	address = oracle_near(some_source(policy), below(NEAR_MAX), random64());
	return to_number(&address);
}

static int compare(const void *a, const void *b)
{
	const struct question *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static void make_questions(const struct policy *policy, __u8 family, struct question *questions,
			   size_t count)
{
	for (size_t i = 0; i < count; i++)
		questions[i] = (struct question){ make_address(policy, family), -1, CLOSED };
	qsort(questions, count, sizeof(*questions), compare);
}

/* ---- the linear evaluator ------------------------------------------------------------------ */

static size_t first_from(const struct question *questions, size_t count, address_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (questions[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_better(const struct policy *policy, __u32 rule, __u32 than)
{
	enum statement_kind kind = policy->rules[rule - 3].kind;

	if (kind != policy->rules[than - 3].kind)
		return kind == STATEMENT_DENY;
	return rule < than;
}

static void mark(const struct policy *policy, __u32 rule, const struct prefix *prefix,
		 struct question *questions, size_t count)
{
	struct prefix last = oracle_near(prefix, NEAR_LAST, 0);
	address_t end = to_number(&last);

	for (size_t i = first_from(questions, count, to_number(prefix));
	     i < count && questions[i].address <= end; i++) {
		struct question *question = &questions[i];

		if (prefix->length < question->length || (prefix->length == question->length &&
							  !is_better(policy, rule, question->rule)))
			continue;
		question->length = prefix->length;
		question->rule = rule;
	}
}

static void evaluate(const struct policy *policy, struct question *questions, size_t count)
{
	for (size_t i = 0; i < policy->rules_count; i++)
		for (size_t j = 0; j < policy->rules[i].sources_count; j++)
			mark(policy, 3 + i, &policy->rules[i].sources[j], questions, count);
}

/* ---- both ---------------------------------------------------------------------------------- */

static size_t count_differences(const struct image *image, __u8 family,
				const struct question *questions, size_t count)
{
	struct prefix daddr =
		to_address(((address_t)0xc0 << 120 | 1) >> (family == 4 ? 96 : 0), family);
	size_t differences = 0;

	for (size_t i = 0; i < count; i++) {
		struct prefix saddr = to_address(questions[i].address, family);

		differences += image_ask(image->bytes, &saddr, &daddr, IPPROTO_TCP, 80).rule !=
			       questions[i].rule;
	}
	return differences;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct question *questions = calloc(BATCH, sizeof(*questions));
	size_t lookups, done = 0, differences = 0;
	_cleanup_(oracle_freep) struct policy *policy = NULL;
	_cleanup_(image_clear) struct image image = {};
	struct error error;
	double start = seconds();
	__u8 family;

	if (argc != 4 || !questions) {
		fprintf(stderr, "usage: correct 4|6 PREFIXES LOOKUPS\n");
		return 2;
	}
	family = atoi(argv[1]);
	lookups = strtoul(argv[3], NULL, 10);
	policy = make_policy(family, strtoul(argv[2], NULL, 10));
	if (oracle_build(policy, &image, &error)) {
		fprintf(stderr, "correct: %s\n", error.text);
		return 1;
	}
	for (size_t count; done < lookups; done += count) {
		count = lookups - done < BATCH ? lookups - done : BATCH;
		make_questions(policy, family, questions, count);
		evaluate(policy, questions, count);
		differences += count_differences(&image, family, questions, count);
	}
	free(questions);
	printf("%zu %zu %.1f\n", done, differences, seconds() - start);
	return differences != 0;
}
