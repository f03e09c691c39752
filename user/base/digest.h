/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * digest.h: a 128-bit hash of bytes, for telling equal from different.  Not keyed and not
 * cryptographic: what is hashed is root's own configuration.
 */
#ifndef TIDEGATE_DIGEST_H
#define TIDEGATE_DIGEST_H

#include <stddef.h>
#include <linux/types.h>

struct digest {
	__u64 lane[2];
};

/* Start with DIGEST_INIT; add in any number of pieces of a whole number of eight bytes each,
 * except the last. */
#define DIGEST_INIT                                                  \
	{                                                            \
		{                                                    \
			0x9e3779b97f4a7c15ull, 0xc2b2ae3d27d4eb4full \
		}                                                    \
	}

static inline __u64 digest_mix(__u64 value)
{
	value ^= value >> 32;
	value *= 0xd6e8feb86659fd93ull;
	value ^= value >> 32;
	value *= 0xd6e8feb86659fd93ull;
	return value ^ value >> 32;
}

static inline void digest_word(struct digest *digest, __u64 word)
{
	digest->lane[0] = digest_mix(digest->lane[0] ^ word);
	digest->lane[1] = digest_mix(digest->lane[1] + word * 0x9fb21c651e98df25ull);
}

static inline void digest_add(struct digest *digest, const void *bytes, size_t size)
{
	const unsigned char *byte = bytes;
	__u64 word;

	for (; size >= sizeof(word); size -= sizeof(word), byte += sizeof(word)) {
		__builtin_memcpy(&word, byte, sizeof(word));
		digest_word(digest, word);
	}
	word = (__u64)size << 56;
	__builtin_memcpy(&word, byte, size);
	digest_word(digest, word);
}

#endif
