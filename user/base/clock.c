/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.c: the one place that asks for the time.
 */
#include "base/clock.h"

static clock_reader *read_clock = clock_gettime;

void clock_replace(clock_reader *reader)
{
	read_clock = reader ?: clock_gettime;
}

/* Clocks that are there cannot fail: POSIX knows no other error than a wrong name. */
static struct timespec now(clockid_t clock)
{
	struct timespec time = { 0 };

	read_clock(clock, &time);
	return time;
}

__u64 clock_ns(clockid_t clock)
{
	struct timespec time = now(clock);

	return time.tv_sec * CLOCK_SECOND_NS + time.tv_nsec;
}

int64_t clock_ms(clockid_t clock)
{
	struct timespec time = now(clock);

	return time.tv_sec * INT64_C(1000) + time.tv_nsec / 1000000;
}

time_t clock_s(clockid_t clock)
{
	return now(clock).tv_sec;
}
