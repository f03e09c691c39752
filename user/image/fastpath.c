/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fastpath.c: the precomputed verdicts: what port, rule and flags come to for most sources, written
 * into the image beside each port; and from there into the table that the programs read.
 */
#include <errno.h>

#include "answer.h"
#include "datapath.h"
#include "base/digest.h"
#include "image/answers.h"
#include "image/fastpath.h"
#include "image/image.h"
#include "image/writer.h"
#include "base/cleanup.h"

/* ---- in the image ---------------------------------------------------------------------- */

static struct image_answer make_answer(const struct image_writer *writer,
				       const struct image_header *header, __u32 number,
				       bool is_ipv6)
{
	const struct image_port *ports = writer_at(writer, header->ports);
	const struct image_rule *rules = writer_at(writer, header->rules);
	const struct image_port *port = &ports[number];
	const struct image_rule *rule = &rules[is_ipv6 ? port->usual6 : port->usual4];
	struct image_answer answer = image_make_answer(header, number, port, rule);

	/* What passes depends on the source all the same: it may not be one from inside. */
	if (answer.flags && port->is_uniform && REASONS_DROP & (1u << answer.reason))
		answer.flags |= ANSWER_UNIFORM;
	return answer;
}

void answers_write(const struct image_writer *writer, const struct image_header *header)
{
	struct image_slot_entry *slots = writer_at(writer, IMAGE_SLOTS);

	for (__u32 i = 0; i < header->slots_used; i++) {
		slots[i].answer4 = make_answer(writer, header, slots[i].any4, false);
		slots[i].answer6 = make_answer(writer, header, slots[i].any6, true);
	}
}

static struct image_slot_entry *slots_of(const struct image *image)
{
	return (void *)((char *)image->bytes + IMAGE_SLOTS);
}

int image_answers(const struct image *image, struct image_answer ***ret, size_t *ret_count)
{
	struct image_slot_entry *slots = slots_of(image);
	size_t slots_count = image_header(image)->slots_used, count = 0;
	struct image_answer **answers = calloc(2 * slots_count, sizeof(*answers));

	if (!answers)
		return -ENOMEM;
	for (size_t i = 0; i < 2 * slots_count; i++) {
		struct image_answer *answer = i % 2 ? &slots[i / 2].answer6 : &slots[i / 2].answer4;

		if (answer->flags && (answer->port_counter || answer->rule_counter))
			answers[count++] = answer;
	}
	*ret = answers;
	*ret_count = count;
	return 0;
}

void image_seal(struct image *image)
{
	struct image_header *header = image->bytes;
	const struct image_slot_entry *slots = slots_of(image);
	struct digest digest = { { header->digest[0], header->digest[1] } };

	for (size_t i = 0; i < header->slots_used; i++)
		digest_word(&digest,
			    (__u64)slots[i].answer4.counter << 32 | slots[i].answer6.counter);
	header->digest[0] = digest.lane[0];
	header->digest[1] = digest.lane[1];
}

/* ---- in the programs' memory ------------------------------------------------------------ */

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
