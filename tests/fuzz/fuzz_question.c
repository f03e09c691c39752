// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_question.c: any text as a question of `explain`: a packet that is whole, or an error with a
 * text.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "explain/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static void check_packet(const struct explain_question *question)
{
	require(prefix_is_address(&question->saddr));
	require(!question->daddr.family || (prefix_is_address(&question->daddr) &&
					    question->daddr.family == question->saddr.family));
	require(question->dport != 0);
	require(question->proto == IPPROTO_TCP || question->proto == IPPROTO_UDP ||
		question->proto == IPPROTO_SCTP);
	require(memchr(question->interface, '\0', sizeof(question->interface)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = calloc(size + 1, 1);
	char *words[] = { text };
	struct explain_question question;
	struct explain_name name;
	struct error error = { 0 };
	__u8 flags;
	int err;

	memcpy(text, data, size);
	err = explain_read_question(words, 1, &question, &error);
	require(err == 0 || (err == -EINVAL && error.text[0]));
	if (err == 0)
		check_packet(&question);
	if (explain_read_name(words, 1, &name) == 0)
		require(name.text == text && text[0]);
	(void)explain_read_flags(text, &flags, &error);
	return 0;
}
