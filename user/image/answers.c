/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * answers.c: for each slot, what its ports and their rules come to for the sources that most
 * are.  In image.h is what is done with the answers of an image that is complete.
 */
#include <errno.h>

#include "answer.h"
#include "datapath.h"
#include "base/digest.h"
#include "image/image.h"
#include "image/answers.h"
#include "image/writer.h"
#include "base/cleanup.h"

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
