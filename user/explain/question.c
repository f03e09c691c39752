/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * question.c: which packet is meant.  What people type has an order of its own; the lines of logs
 * are told apart by what only they have.  See explain.h.
 */
#include "explain/explain.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/proto.h"

#define TOKENS 64

struct tokens {
	char *text; /* owns them */
	char *items[TOKENS];
	size_t count;
};

static void tokens_clear(struct tokens *tokens)
{
	free(tokens->text);
}

/* ---- words -------------------------------------------------------------------------------- */

static int split(char *const *words, size_t count, struct tokens *ret)
{
	size_t size;
	FILE *out = open_memstream(&ret->text, &size);
	char *at;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s ", words[i]);
	if (fclose(out) != 0)
		return -ENOMEM;
	for (at = strtok(ret->text, " \t\n"); at && ret->count < TOKENS; at = strtok(NULL, " \t\n"))
		ret->items[ret->count++] = at;
	return 0;
}

/* What stands behind `key` in a token, of the first that has it. */
static const char *value_of(const struct tokens *tokens, const char *key)
{
	size_t length = strlen(key);

	for (size_t i = 0; i < tokens->count; i++)
		if (strncmp(tokens->items[i], key, length) == 0)
			return tokens->items[i] + length;
	return NULL;
}

static int read_address(const char *text, struct prefix *ret, struct error *error)
{
	char fault[PREFIX_FAULT_STRLEN] = "";

	if (prefix_parse(text, ret, fault) < 0)
		return error_set(error, -EINVAL, "'%s': %s", text,
				 fault[0] ? fault : "not an address");
	if (!prefix_is_address(ret))
		return error_set(error, -EINVAL, "'%s': a packet has one address: name one of them",
				 text);
	return 0;
}

/* "6379", "6379/tcp". */
static int read_port(const char *text, struct explain_question *ret, struct error *error)
{
	/* A token is never NULL, which the analyzer does not see, here and below. */
	const char *slash = strchr(text, '/'); /* NOLINT(*NonNullParamChecker) */
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || end != (slash ?: text + strlen(text)) || !port ||
	    port > 65535)
		return error_set(error, -EINVAL, "'%s': not a port, which is 1 to 65535[/tcp]",
				 text);
	ret->dport = port;
	if (slash && proto_find(slash + 1, strlen(slash + 1)) == PROTO_MAX)
		return error_set(error, -EINVAL,
				 "'%s': unknown protocol '%s', use tcp, udp or sctp", text,
				 slash + 1);
	if (slash)
		ret->proto = proto_numbers[proto_find(slash + 1, strlen(slash + 1))];
	return 0;
}

#define MAPPED "::ffff:"

/* Of the text in front of a port: "192.0.2.1%eth0", "[2001:db8::1]%eth0", and of a socket that has
 * both families "[::ffff:192.0.2.1]", of which the packets are IPv4. */
static bool read_end(char *text, struct prefix *ret)
{
	size_t length;

	text[strcspn(text, "%")] = '\0';
	length = strlen(text);
	if (text[0] == '[') {
		if (text[length - 1] != ']')
			return false;
		text[length - 1] = '\0';
		text++;
		if (strncmp(text, MAPPED, strlen(MAPPED)) == 0 && strchr(text, '.'))
			text += strlen(MAPPED);
	} else if (strchr(text, ':')) {
		return false; /* an address: its last group is no port */
	}
	return prefix_parse(text, ret, NULL) == 0 && prefix_is_address(ret);
}

/* "192.0.2.1:6379", "[2001:db8::1]:6379".  False = it is none. */
static bool read_pair(const char *text, struct prefix *ret, unsigned short *ret_port)
{
	const char *colon = strrchr(text, ':');
	char address[PREFIX_STRLEN + IFNAMSIZ];
	unsigned long port;
	char *end;

	if (!colon || !isdigit((unsigned char)colon[1]) ||
	    (size_t)(colon - text) >= sizeof(address))
		return false;
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > 65535)
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)(colon - text), text);
	*ret_port = port;
	return read_end(address, ret);
}

/* Of who sends; 0 = it is not said. */
static int read_sport(const char *text, struct explain_question *ret, struct error *error)
{
	struct explain_question other = {};
	int err = text && !streq(text, "0") ? read_port(text, &other, error) : 0;

	ret->sport = other.dport;
	return err;
}

static int read_interface(const char *text, struct explain_question *ret, struct error *error)
{
	if (strlen(text) >= sizeof(ret->interface)) /* NOLINT(*NonNullParamChecker) */
		return error_set(error, -EINVAL, "'%s': too long for an interface", text);
	snprintf(ret->interface, sizeof(ret->interface), "%s", text);
	return 0;
}

static int read_proto(const char *text, struct explain_question *ret, struct error *error)
{
	size_t length = strlen(text); /* NOLINT(*NonNullParamChecker) */
	enum proto_index index = proto_find(text, length);

	if (index == PROTO_MAX)
		return error_set(error, -EINVAL,
				 "'%s': only TCP, UDP and SCTP have ports, and are asked about",
				 text);
	ret->proto = proto_numbers[index];
	return 0;
}

/* ---- lines of logs --------------------------------------------------------------------------- */

/* Behind the ports: in front of them is a prefix of any words. */
static void read_logged_flags(const struct tokens *tokens, struct explain_question *ret)
{
	static const char *const names[] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG" };
	bool is_behind = false;
	__u8 flags = 0;

	for (size_t i = 0; i < tokens->count; i++) {
		is_behind = is_behind || strncmp(tokens->items[i], "DPT=", 4) == 0;
		for (size_t j = 0; is_behind && j < ARRAY_SIZE(names); j++)
			flags |= streq(tokens->items[i], names[j]) ? 1u << j : 0;
	}
	ret->tcp_flags = flags ?: ret->tcp_flags;
}

/* Who logs in FORWARD sees what DNAT has made of the packet. */
static int check_not_behind(const struct tokens *tokens, struct error *error)
{
	const char *in = value_of(tokens, "IN="), *out = value_of(tokens, "OUT="),
		   *daddr = value_of(tokens, "DST=");

	if (!in || !in[0] || !out || !out[0])
		return 0;
	return error_set(error, -EINVAL,
			 "the line is of a packet behind the filter, on its way to %s: where it "
			 "was sent to is not in it; name the port that is published",
			 daddr ?: "somewhere");
}

/* "IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1 … PROTO=TCP SPT=40122 DPT=6379 … SYN" */
static int read_kernel_log(const struct tokens *tokens, struct explain_question *ret,
			   struct error *error)
{
	const char *daddr = value_of(tokens, "DST="), *dport = value_of(tokens, "DPT="),
		   *proto = value_of(tokens, "PROTO=");
	int err = read_address(value_of(tokens, "SRC="), &ret->saddr, error);

	if (err == 0 && daddr)
		err = read_address(daddr, &ret->daddr, error);
	if (err == 0)
		err = proto ? read_proto(proto, ret, error)
			    : error_set(error, -EINVAL, "the line has no PROTO=");
	if (err == 0)
		err = dport ? read_port(dport, ret, error)
			    : error_set(error, -EINVAL, "the line has no DPT=");
	if (err == 0)
		err = read_sport(value_of(tokens, "SPT="), ret, error);
	if (err == 0)
		err = read_interface(value_of(tokens, "IN=") ?: "", ret, error);
	read_logged_flags(tokens, ret);
	return err < 0 ? err : check_not_behind(tokens, error);
}

/* "tcp 6 117 SYN_SENT src=203.0.113.7 dst=192.0.2.1 sport=40122 dport=6379 …": of two directions
 * the first is who began. */
static int read_conntrack(const struct tokens *tokens, struct explain_question *ret,
			  struct error *error)
{
	const char *daddr = value_of(tokens, "dst="), *dport = value_of(tokens, "dport=");
	int err = read_address(value_of(tokens, "src="), &ret->saddr, error);
	size_t proto = 0;

	while (proto < tokens->count &&
	       proto_find(tokens->items[proto], strlen(tokens->items[proto])) == PROTO_MAX)
		proto++;
	if (err == 0)
		err = proto < tokens->count ? read_proto(tokens->items[proto], ret, error)
					    : error_set(error, -EINVAL,
							"the line names neither tcp, udp nor sctp");
	if (err == 0 && daddr)
		err = read_address(daddr, &ret->daddr, error);
	if (err == 0)
		err = dport ? read_port(dport, ret, error)
			    : error_set(error, -EINVAL, "the line has no dport=");
	return err < 0 ? err : read_sport(value_of(tokens, "sport="), ret, error);
}

static bool is_arrow(const char *token)
{
	return streq(token, "→") || streq(token, "->");
}

/* "12:01:07 eth0 203.0.113.7:40122 → 6379/tcp cache closed" */
static int read_watch(const struct tokens *tokens, size_t arrow, struct explain_question *ret,
		      struct error *error)
{
	const char *source, *port;
	int err = 0;

	if (arrow < 1 || arrow + 1 >= tokens->count)
		return error_set(error, -EINVAL, "a line of `watch` is TIME IFACE SOURCE → PORT");
	source = tokens->items[arrow - 1];
	port = tokens->items[arrow + 1];
	if (!read_pair(source, &ret->saddr, &ret->sport))
		err = read_address(source, &ret->saddr, error);
	if (err == 0)
		err = read_port(port, ret, error);
	if (err == 0 && arrow >= 2 && !strchr(tokens->items[arrow - 2], ':'))
		err = read_interface(tokens->items[arrow - 2], ret, error);
	return err;
}

/* "tcp ESTAB 0 0 192.0.2.1:6379 203.0.113.7:40122": the local end first.  1 = it is one. */
static int read_ss(const struct tokens *tokens, struct explain_question *ret)
{
	struct prefix ends[2];
	unsigned short ports[2];
	size_t found = 0;

	for (size_t i = 0; i < tokens->count && found < 2; i++)
		found += read_pair(tokens->items[i], &ends[found], &ports[found]);
	if (found < 2 || ends[0].family != ends[1].family || !ports[0])
		return 0;
	ret->daddr = ends[0];
	ret->dport = ports[0];
	ret->saddr = ends[1];
	ret->sport = ports[1];
	if (proto_find(tokens->items[0], strlen(tokens->items[0])) < PROTO_MAX)
		(void)read_proto(tokens->items[0], ret, NULL);
	return 1;
}

/* ---- what people type --------------------------------------------------------------------------
 */

static bool is_address(const char *text)
{
	struct prefix prefix;

	return prefix_parse(text, &prefix, NULL) == 0 && prefix_is_address(&prefix) &&
	       (strchr(text, '.') || strchr(text, ':'));
}

/* `from`, `to`, `port`, `proto`, `in` stand before what they name; without them it is known by its
 * place. */
static int read_word(const struct tokens *tokens, size_t *at, struct explain_question *ret,
		     struct error *error)
{
	const char *word = tokens->items[*at],
		   *value = *at + 1 < tokens->count ? tokens->items[*at + 1] : NULL;
	bool is_keyword = streq(word, "from") || streq(word, "to") || streq(word, "port") ||
			  streq(word, "proto") || streq(word, "in");

	if (is_keyword && !value)
		return error_set(error, -EINVAL, "'%s': something is missing behind it", word);
	*at += 1 + is_keyword;
	if (streq(word, "in"))
		return read_interface(value, ret, error);
	if (streq(word, "proto"))
		return read_proto(value, ret, error);
	if (streq(word, "port"))
		return read_port(value, ret, error);
	if (streq(word, "from"))
		return read_address(value, &ret->saddr, error);
	if (streq(word, "to"))
		return read_address(value, &ret->daddr, error);
	if (!ret->saddr.family)
		return read_address(word, &ret->saddr, error);
	if (is_address(word) && (ret->daddr.family || ret->dport))
		return error_set(error, -EINVAL, "'%s': one address too many", word);
	if (is_address(word))
		return read_address(word, &ret->daddr, error);
	if (ret->dport)
		return error_set(error, -EINVAL, "'%s': one port too many", word);
	return read_port(word, ret, error);
}

static int read_words(const struct tokens *tokens, struct explain_question *ret,
		      struct error *error)
{
	int err = 0;

	for (size_t at = 0; err == 0 && at < tokens->count;)
		err = read_word(tokens, &at, ret, error);
	if (err == 0 && !ret->saddr.family)
		err = error_set(error, -EINVAL, "the source is missing");
	if (err == 0 && !ret->dport)
		err = error_set(error, -EINVAL, "the port is missing");
	return err;
}

static int read_tokens(const struct tokens *tokens, struct explain_question *ret,
		       struct error *error)
{
	if (value_of(tokens, "SRC="))
		return read_kernel_log(tokens, ret, error);
	if (value_of(tokens, "src="))
		return read_conntrack(tokens, ret, error);
	for (size_t i = 0; i < tokens->count; i++)
		if (is_arrow(tokens->items[i]))
			return read_watch(tokens, i, ret, error);
	if (read_ss(tokens, ret))
		return 0;
	return read_words(tokens, ret, error);
}

int explain_read_question(char *const *words, size_t count, struct explain_question *ret,
			  struct error *error)
{
	_cleanup_(tokens_clear) struct tokens tokens = {};
	struct explain_question question = { .proto = IPPROTO_TCP, .tcp_flags = PROBE_SYN };
	int err = split(words, count, &tokens);

	if (err == 0)
		err = read_tokens(&tokens, &question, error);
	if (err == 0 && question.daddr.family && question.daddr.family != question.saddr.family)
		err = error_set(error, -EINVAL, "source and destination are of two families");
	if (err < 0)
		return err;
	*ret = question;
	return 0;
}

int explain_read_flags(const char *text, __u8 *ret, struct error *error)
{
	static const char letters[] = "FSRPAU";
	__u8 flags = 0;

	for (const char *at = text; *at; at++) {
		const char *letter = strchr(letters, toupper((unsigned char)*at));

		if (!letter)
			return error_set(error, -EINVAL,
					 "'--flags %s': the flags of TCP are letters of %s, as SA",
					 text, letters);
		flags |= 1u << (letter - letters);
	}
	*ret = flags;
	return 0;
}
