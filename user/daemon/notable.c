/* SPDX-License-Identifier: GPL-2.0-only */
/* notable.c: a table of who was written down in the last hour, and a bucket.  See notable.h. */
#include "daemon/notable.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"

#define WAYS 8
#define ROWS (NOTABLE_KNOWN / WAYS)

/* Of a source and a port. */
struct known {
	struct {
		__u8 addr[16];
		unsigned short port;
		__u8 family, proto;
	} key;
	int64_t at_ms; /* when it was written; 0 = free */
};

struct notable {
	struct known table[ROWS][WAYS];
	int64_t filled_ms; /* the bucket's time; 0 = not begun */
	unsigned int entries;
	__u64 unwritten;
};

struct notable *notable_new(void)
{
	return calloc(1, sizeof(struct notable));
}

void notable_free(struct notable *notable)
{
	free(notable);
}

static bool take_entry(struct notable *notable, int64_t now_ms)
{
	int64_t more = (now_ms - notable->filled_ms) / NOTABLE_EACH_MS;

	if (!notable->filled_ms || more + notable->entries >= NOTABLE_AT_ONCE) {
		notable->entries = NOTABLE_AT_ONCE;
		notable->filled_ms = now_ms;
	} else if (more > 0) {
		notable->entries += more;
		notable->filled_ms += more * NOTABLE_EACH_MS;
	}
	if (!notable->entries)
		return false;
	notable->entries--;
	return true;
}

/* Its place: where it is, or else a free one, or that of who was written longest ago. */
static struct known *find(struct notable *notable, const struct known *one, int64_t now_ms)
{
	struct known *row = notable->table[hash_short(&one->key, sizeof(one->key)) % ROWS];
	struct known *oldest = row;

	for (int i = 0; i < WAYS; i++) {
		if (row[i].at_ms && now_ms - row[i].at_ms >= NOTABLE_AGAIN_MS)
			row[i].at_ms = 0;
		if (row[i].at_ms && memcmp(&row[i].key, &one->key, sizeof(one->key)) == 0)
			return &row[i];
		if (row[i].at_ms < oldest->at_ms)
			oldest = &row[i];
	}
	oldest->at_ms = 0;
	return oldest;
}

static struct known known_of(const struct sighting *sighting)
{
	struct known one = {};

	memcpy(one.key.addr, sighting->saddr.addr, sizeof(one.key.addr));
	one.key.family = sighting->saddr.family;
	one.key.proto = sighting->proto;
	one.key.port = sighting->has_ports ? sighting->dport : 0;
	return one;
}

bool notable_is(struct notable *notable, enum log_mode mode, const struct sighting *sighting,
		int64_t now_ms)
{
	struct known one = known_of(sighting), *place = NULL;

	if (mode == LOG_NEW)
		place = find(notable, &one, now_ms);
	if (place && place->at_ms)
		return false;
	if (!take_entry(notable, now_ms)) {
		notable->unwritten += sighting->count;
		return false;
	}
	if (place) {
		*place = one;
		place->at_ms = now_ms;
	}
	return true;
}

__u64 notable_take_unwritten(struct notable *notable)
{
	__u64 unwritten = notable->unwritten;

	notable->unwritten = 0;
	return unwritten;
}
