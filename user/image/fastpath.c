/* SPDX-License-Identifier: GPL-2.0-only */
/* fastpath.c: see fastpath.h. */
#include "image/fastpath.h"

#include <string.h>

#include "datapath.h"
#include "image/image.h"

/* One counter is all that the fast path can move. */
static __u32 counter_of(const struct image_answer *answer)
{
	if (answer->counter)
		return answer->counter;
	return answer->port_counter || answer->rule_counter ? 0 : answer->reason;
}

/* Of a slot there is not, nothing. */
static const struct image_slot_entry *slot_at(const struct image *image, __u16 number)
{
	static const struct image_slot_entry none;
	const struct image_slot_entry *slots =
		(const void *)((const __u8 *)image->bytes + IMAGE_SLOTS);

	return number < image_header(image)->slots_used ? &slots[number] : &none;
}

static __u32 word_of(const struct image_answer *answer)
{
	__u32 counter = counter_of(answer);

	if (!answer->flags || !counter)
		return 0;
	return FASTPATH_ENTRY(answer->verdict, counter, answer->flags);
}

static void fill_answers(const struct image *image, struct fastpath_table *ret)
{
	const __u16 *index = (const void *)((const __u8 *)image->bytes + IMAGE_SLOT_INDEX);

	for (size_t proto = 0; proto < FASTPATH_PROTOS; proto++) {
		for (size_t port = 0; port < 65536; port++) {
			const struct image_slot_entry *slot =
				slot_at(image, index[proto * 65536 + port]);

			ret->answers[0][proto][port] = word_of(&slot->answer4);
			ret->answers[1][proto][port] = word_of(&slot->answer6);
		}
	}
}

void image_fill_fastpath(const struct image *image, struct fastpath_table *ret)
{
	const struct image_header *header = image_header(image);
	const __u8 *bytes = image->bytes;
	size_t size6 = header->unusual6.last / 8 + 1;

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->near4, header->near4, sizeof(ret->near4));
	memcpy(ret->near6, header->near6, sizeof(ret->near6));
	memcpy(ret->unusual4, bytes + IMAGE_UNUSUAL4, sizeof(ret->unusual4));
	memcpy(ret->own4, header->own4, sizeof(ret->own4));
	ret->shape6 = header->unusual6;
	ret->generation = header->generation;
	memcpy(ret->unusual6, bytes + header->unusual6.root,
	       size6 < sizeof(ret->unusual6) ? size6 : sizeof(ret->unusual6));
	fill_answers(image, ret);
}
