/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hashes are kept in the kernel and below /var/lib, so they never change: neither XXH3's, nor
 * those that a build with layout 6 of the maps left behind.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "engine/trial.h"

static const struct {
	const char *text;
	__u64 hash[2], layout6[2];
} known[] = {
	{ "",
	  { 0x6001c324468d497f, 0x99aa06d3014798d8 },
	  { 0x4e17cf67001b3979, 0x8f61977145dabc65 } },
	{ "a",
	  { 0xe6c632b61e964e1f, 0xa96faf705af16834 },
	  { 0x33afc12a81ccf4b9, 0x53ef2797ec62ab65 } },
	{ "eightlet",
	  { 0xbff64b75b8c55622, 0x594f836ed1b77d59 },
	  { 0x44e4e3e09cce5815, 0xdeadf91de2eb7a8e } },
	{ "rule allow 8080/tcp",
	  { 0x555536a2cc47e85f, 0x4fe4f3e39cb227fa },
	  { 0x84e2aa8d7904d296, 0x74c72046be3db9d4 } },
};

static void hash_of_a_text_never_changes(void **state)
{
	__u64 hash[2];

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		hash_text(known[i].text, hash);
		assert_memory_equal(hash, known[i].hash, sizeof(hash));
		hash_text_layout6(known[i].text, hash);
		assert_memory_equal(hash, known[i].layout6, sizeof(hash));
	}
}

static void each_piece_and_their_order_count(void **state)
{
	__u64 ab[2] = {}, ba[2] = {}, whole[2] = {};

	hash_more(ab, "rule a", 6);
	hash_more(ab, "rule b", 6);
	hash_more(ba, "rule b", 6);
	hash_more(ba, "rule a", 6);
	hash_more(whole, "rule arule b", 12);
	assert_memory_not_equal(ab, ba, sizeof(ab));
	assert_memory_not_equal(ab, whole, sizeof(ab));
}

static void what_an_older_build_refused_is_refused(void **state)
{
	static const __u64 nothing[2] = {};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		assert_true(trial_is_refused(known[i].layout6, known[i].text));
		assert_true(trial_is_refused(known[i].hash, known[i].text));
		assert_false(trial_is_refused(known[i].layout6, "another"));
		assert_false(trial_is_refused(nothing, known[i].text));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_of_a_text_never_changes),
		cmocka_unit_test(each_piece_and_their_order_count),
		cmocka_unit_test(what_an_older_build_refused_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
