/* SPDX-License-Identifier: GPL-2.0-only */
/* exposition.c: see exposition.h.  One bad byte makes Prometheus refuse the whole text. */
#include "metrics/exposition.h"

#include <stddef.h>

/* Bytes of the character of UTF-8 that the text begins with; 0 = it is none (RFC 3629, 4). */
static size_t character_length(const unsigned char *text)
{
	size_t length = text[0] < 0x80   ? 1
			: text[0] < 0xc2 ? 0
			: text[0] < 0xe0 ? 2
			: text[0] < 0xf0 ? 3
			: text[0] < 0xf5 ? 4
					 : 0;

	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than need be, a half of a pair of UTF-16, beyond the last one. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

static void put_value(FILE *out, const char *value)
{
	const unsigned char *at = (const unsigned char *)value;
	size_t length;

	for (; *at; at += length ? length : 1) {
		length = character_length(at);
		if (!length)
			fputs("\xef\xbf\xbd", out); /* U+FFFD, in place of what cannot be read */
		else if (*at == '\n')
			fputs("\\n", out);
		else if (*at == '"' || *at == '\\')
			fprintf(out, "\\%c", *at);
		else
			fwrite(at, 1, length, out);
	}
}

void exposition_describe(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void exposition_put(FILE *out, const char *name, const struct exposition_label *labels,
		    unsigned long long value)
{
	const char *separator = "{";

	fputs(name, out);
	for (; labels && labels->name; labels++) {
		if (!labels->value)
			continue;
		fprintf(out, "%s%s=\"", separator, labels->name);
		put_value(out, labels->value);
		fputc('"', out);
		separator = ",";
	}
	fprintf(out, "%s %llu\n", separator[0] == ',' ? "}" : "", value);
}
