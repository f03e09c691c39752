/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hash.h: XXH3 of bytes, for telling equal from different.  Not keyed and not cryptographic: what
 * is hashed is root's own configuration.  The value for the same bytes never changes, so it may be
 * kept.
 */
#ifndef TIDEGATE_HASH_H
#define TIDEGATE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <linux/types.h>
#include <xxhash.h>

static inline void hash_bytes(const void *bytes, size_t size, __u64 ret[static 2])
{
	XXH128_hash_t hash = XXH3_128bits(bytes, size);

	ret[0] = hash.low64;
	ret[1] = hash.high64;
}

static inline void hash_text(const char *text, __u64 ret[static 2])
{
	hash_bytes(text, strlen(text), ret);
}

/* Of what was hashed before, and these bytes; of different pieces it is a different one. */
static inline void hash_more(__u64 hash[static 2], const void *bytes, size_t size)
{
	__u64 both[4] = { hash[0], hash[1] };

	hash_bytes(bytes, size, both + 2);
	hash_bytes(both, sizeof(both), hash);
}

/* For a table in memory. */
static inline __u64 hash_short(const void *bytes, size_t size)
{
	return XXH3_64bits(bytes, size);
}

/* As builds with layout 6 of the maps, and the first ones with layout 7, hashed what they left in
 * them; goes when they go. */
static inline void hash_text_layout6(const char *text, __u64 ret[static 2])
{
	size_t left = strlen(text);
	bool is_last = false;

	ret[0] = 0x9e3779b97f4a7c15ull;
	ret[1] = 0xc2b2ae3d27d4eb4full;
	for (; !is_last; text += 8, left -= 8) {
		__u64 word, *lane;

		is_last = left < 8;
		word = is_last ? (__u64)left << 56 : 0;
		memcpy(&word, text, is_last ? left : 8);
		ret[0] ^= word;
		ret[1] += word * 0x9fb21c651e98df25ull;
		for (lane = ret; lane < ret + 2; lane++) {
			*lane = (*lane ^ *lane >> 32) * 0xd6e8feb86659fd93ull;
			*lane = (*lane ^ *lane >> 32) * 0xd6e8feb86659fd93ull;
			*lane ^= *lane >> 32;
		}
	}
}

#endif
