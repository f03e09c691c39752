/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_notable.c: which drops become entries of the journal: the first of a source and a port each
 * hour, and no more than so many, whoever sends what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/notable.h"

#define HOUR NOTABLE_AGAIN_MS

static struct sighting from(const char *source, unsigned short port)
{
	struct sighting sighting = { .proto = 6,
				     .has_ports = true,
				     .sport = 40000,
				     .dport = port,
				     .is_drop = true,
				     .count = 1 };

	assert_int_equal(prefix_parse(source, &sighting.saddr, NULL), 0);
	return sighting;
}

static bool is_new(struct notable *notable, const char *source, unsigned short port, int64_t now_ms)
{
	struct sighting sighting = from(source, port);

	return notable_is(notable, LOG_NEW, &sighting, now_ms);
}

static void source_and_port_are_new_once_an_hour(void **state)
{
	struct notable *notable = notable_new();

	assert_true(is_new(notable, "192.0.2.1", 80, 1000));
	assert_false(is_new(notable, "192.0.2.1", 80, 1001));
	assert_true(is_new(notable, "192.0.2.1", 81, 1001));
	assert_true(is_new(notable, "192.0.2.2", 80, 1001));
	assert_true(is_new(notable, "2001:db8::1", 80, 1001));
	assert_false(is_new(notable, "192.0.2.1", 80, 999 + HOUR));
	assert_true(is_new(notable, "192.0.2.1", 80, 1000 + HOUR));
	assert_false(is_new(notable, "192.0.2.1", 80, 1001 + HOUR));
	assert_int_equal(notable_take_unwritten(notable), 0);
	notable_free(notable);
}

static void protocol_counts_and_source_port_does_not(void **state)
{
	struct notable *notable = notable_new();
	struct sighting sighting = from("192.0.2.1", 53);

	assert_true(notable_is(notable, LOG_NEW, &sighting, 1));
	sighting.sport++;
	assert_false(notable_is(notable, LOG_NEW, &sighting, 1));
	sighting.proto = 17;
	assert_true(notable_is(notable, LOG_NEW, &sighting, 1));
	notable_free(notable);
}

/* What had no entry left for it is not known: it gets one later. */
static void entries_are_limited_and_what_is_not_written_is_counted(void **state)
{
	struct notable *notable = notable_new();
	int written = 0;

	for (int port = 1; port <= 1000; port++)
		written += is_new(notable, "192.0.2.1", port, 5000);
	assert_int_equal(written, NOTABLE_AT_ONCE);
	assert_int_equal(notable_take_unwritten(notable), 1000 - NOTABLE_AT_ONCE);
	assert_int_equal(notable_take_unwritten(notable), 0);
	assert_false(is_new(notable, "192.0.2.1", 1000, 5000 + NOTABLE_EACH_MS - 1));
	assert_true(is_new(notable, "192.0.2.1", 1000, 5000 + NOTABLE_EACH_MS));
	assert_false(is_new(notable, "192.0.2.1", 999, 5000 + NOTABLE_EACH_MS));
	/* A minute later there are as many as at the beginning, and no more. */
	written = 0;
	for (int port = 2001; port <= 3000; port++)
		written += is_new(notable, "192.0.2.1", port, 65000);
	assert_int_equal(written, NOTABLE_AT_ONCE);
	notable_free(notable);
}

static void all_are_written_again(void **state)
{
	struct notable *notable = notable_new();
	struct sighting sighting = from("192.0.2.1", 80);

	assert_true(notable_is(notable, LOG_ALL, &sighting, 1));
	assert_true(notable_is(notable, LOG_ALL, &sighting, 1));
	for (int i = 2; i < NOTABLE_AT_ONCE; i++)
		assert_true(notable_is(notable, LOG_ALL, &sighting, 1));
	sighting.count = 41;
	assert_false(notable_is(notable, LOG_ALL, &sighting, 1));
	assert_int_equal(notable_take_unwritten(notable), 41);
	notable_free(notable);
}

/* Sources without end, each with time for its entry, do not make it forget who goes on. */
static void many_sources_take_the_place_of_old_ones(void **state)
{
	struct notable *notable = notable_new();
	int64_t now_ms = 1;
	char source[32];
	int again = 0;

	for (unsigned int i = 0; i < 10 * NOTABLE_KNOWN; i++) {
		snprintf(source, sizeof(source), "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
		now_ms += NOTABLE_EACH_MS;
		assert_true(is_new(notable, source, 80, now_ms));
		assert_false(is_new(notable, source, 80, now_ms));
		if (i >= 100) {
			unsigned int past = i - 100;

			snprintf(source, sizeof(source), "10.%u.%u.%u", past >> 16,
				 (past >> 8) & 255, past & 255);
			again += is_new(notable, source, 80, now_ms);
		}
	}
	assert_in_range(again, 0, NOTABLE_KNOWN / 100);
	notable_free(notable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(source_and_port_are_new_once_an_hour),
		cmocka_unit_test(protocol_counts_and_source_port_does_not),
		cmocka_unit_test(entries_are_limited_and_what_is_not_written_is_counted),
		cmocka_unit_test(all_are_written_again),
		cmocka_unit_test(many_sources_take_the_place_of_old_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
