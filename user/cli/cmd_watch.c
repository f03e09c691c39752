/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_watch.c: single packets as they are dropped, until it is interrupted. */
#include "cli/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>

#include "reason.h"
#include "watch/fold.h"
#include "watch/form.h"
#include "watch/pcapng.h"
#include "watch/watch.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/proto.h"
#include "base/cleanup.h"

enum form { FORM_TEXT, FORM_JSON, FORM_KERNEL, FORM_PCAP };

struct show {
	enum form form;
	const char *file; /* name of the configuration */
	char host[65];
	struct watch_filter filter;
	struct fold *fold; /* NULL = each packet */
	struct pcapng *pcapng;
	FILE *out;
	unsigned long left; /* lines until it ends; 0 = without end */
	bool is_over;
};

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
	is_interrupted = 1;
}

/* ---- what is asked for ------------------------------------------------------------------- */

static unsigned long parse_number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end && value <= max ? value : 0;
}

/* 0 = it is none. */
static unsigned long parse_seconds(const char *text)
{
	static const struct {
		char letter;
		unsigned int seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 } };
	char *end;
	unsigned long value = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;

	for (size_t i = 0; value && value < 1000000 && i < ARRAY_SIZE(units); i++)
		if (end[0] == units[i].letter && !end[1])
			return value * units[i].seconds;
	return 0;
}

static int find_reason(const char *name)
{
	for (int i = 1; i < REASON_MAX; i++)
		if (streq(reason_name(i), name))
			return i;
	return 0;
}

static bool take_port(const char *text, struct watch_filter *filter)
{
	_cleanup_free_ char *copy = strdup(text);
	char *slash = copy ? strchr(copy, '/') : NULL;
	enum proto_index proto;

	if (slash) {
		*slash++ = '\0';
		proto = proto_find(slash, strlen(slash));
		if (proto == PROTO_MAX)
			return false;
		filter->proto = proto_numbers[proto];
	}
	filter->port = copy ? parse_number(copy, 65535) : 0;
	return filter->port;
}

/* Whether the two words are a filter. */
static bool take_filter(const char *word, const char *value, struct watch_filter *filter)
{
	if (streq(word, "from"))
		return prefix_parse(value, &filter->source, NULL) == 0;
	if (streq(word, "port"))
		return take_port(value, filter);
	if (streq(word, "reason"))
		return (filter->reason = find_reason(value));
	if (streq(word, "in"))
		return (filter->interface = value);
	return (streq(word, "container") || streq(word, "compose")) && (filter->owner = value);
}

static int read_filters(int argc, char **argv, struct watch_filter *filter)
{
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc)
			return cmd_usage(argv[0],
					 "'%s': from SOURCE, port PORT, container NAME, reason "
					 "REASON or in IFACE is expected",
					 argv[i]);
		if (!take_filter(argv[i], argv[i + 1], filter))
			return cmd_usage(argv[0],
					 "'%s %s': not a filter (from SOURCE, port PORT, container "
					 "NAME, reason REASON, in IFACE)",
					 argv[i], argv[i + 1]);
	}
	return CMD_DONE;
}

static int read_form(const struct options *options, struct show *show)
{
	const char *format = options->format ?: options->json ? "json" : "text";

	if (options->pcap)
		show->form = FORM_PCAP;
	else if (streq(format, "json"))
		show->form = FORM_JSON;
	else if (streq(format, "kernel"))
		show->form = FORM_KERNEL;
	else if (!streq(format, "text"))
		return cmd_usage("watch", "'--format %s': not text, json or kernel", format);
	if (options->count && !(show->left = parse_number(options->count, 1000000000)))
		return cmd_usage("watch", "'--count %s': not a number", options->count);
	return CMD_DONE;
}

/* ---- shown -------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static json_t *address_json(const struct prefix *address)
{
	char text[PREFIX_STRLEN];

	return address->family ? json_string(prefix_format(address, text)) : json_null();
}

static void put_json_line(json_t *object, FILE *out)
{
	if (object)
		json_dumpf(object, out, JSON_COMPACT);
	json_decref(object);
	fputs("\n", out);
}

static void put_json(const struct sighting *sighting, FILE *out)
{
	json_t *object = json_pack(
		"{si sf ss so so ss si si ss sb sb ss so so so si si}", "schema", 1, "time",
		sighting->at.tv_sec + sighting->at.tv_nsec / 1e9, "interface", sighting->interface,
		"source", address_json(&sighting->saddr), "destination",
		address_json(&sighting->daddr), "protocol",
		sighting->has_ports ? proto_name(sighting->proto) : "other", "source_port",
		sighting->sport, "port", sighting->dport, "verdict",
		sighting->is_drop ? "drop" : "pass", "audit", sighting->is_audit, "unseen",
		sighting->is_unseen, "reason", reason_name(sighting->reason), "owner",
		text_or_null(sighting->owner), "process", text_or_null(sighting->process), "rule",
		text_or_null(sighting->rule), "line", sighting->line, "packets", sighting->count);

	put_json_line(object, out);
}

static void put(struct show *show, const struct sighting *sighting)
{
	if (show->form == FORM_JSON)
		put_json(sighting, show->out);
	else if (show->form == FORM_KERNEL)
		form_kernel(sighting, show->host, show->out);
	else if (show->form == FORM_TEXT)
		form_text(sighting, show->file, show->out);
	else
		(void)pcapng_write(show->pcapng, sighting);
}

static int show_one(void *arg, const struct sighting *sighting)
{
	struct show *show = arg;

	put(show, sighting);
	if (show->left)
		show->is_over = --show->left == 0;
	show->is_over = show->is_over || ferror(show->out);
	return show->is_over ? -ECANCELED : 0;
}

static int take(void *arg, const struct sighting *sighting)
{
	struct show *show = arg;

	if (!watch_is_wanted(&show->filter, sighting) ||
	    (show->fold && !fold_is_first(show->fold, sighting)))
		return 0;
	return show_one(show, sighting);
}

static void put_lost(struct show *show, __u64 lost)
{
	if (!lost)
		return;
	if (show->form == FORM_TEXT)
		fprintf(show->out, "%llu more\n", lost);
	else if (show->form == FORM_JSON)
		put_json_line(json_pack("{si sI}", "schema", 1, "more", (json_int_t)lost),
			      show->out);
	else
		log_info("%llu more", lost);
}

/* Once a second. */
static int tick(struct watch *watch, struct show *show)
{
	struct error error = {};
	int err = watch_tick(watch, &error);

	if (err < 0)
		return log_failure(err, &error);
	if (show->fold)
		(void)fold_flush(show->fold, show_one, show);
	put_lost(show, watch_lost(watch));
	return 0;
}

static int wait_ms(__s64 left_ms)
{
	return left_ms < 0 ? 0 : left_ms < WATCH_TURN_MS ? (int)left_ms : WATCH_TURN_MS;
}

static int follow(struct watch *watch, struct show *show, unsigned long seconds)
{
	__s64 next_ms = clock_ms(CLOCK_MONOTONIC) + 1000;
	__s64 end_ms = next_ms - 1000 + seconds * 1000;
	int err = 0;

	while (err == 0 && !is_interrupted && !show->is_over) {
		struct pollfd fd = { .fd = watch_fd(watch), .events = POLLIN };
		__s64 now_ms = clock_ms(CLOCK_MONOTONIC);
		bool is_end = seconds && now_ms >= end_ms;

		if (now_ms >= next_ms || is_end) {
			err = tick(watch, show);
			next_ms = now_ms + 1000;
		}
		show->is_over = show->is_over || is_end;
		if (fflush(show->out) != 0 || ferror(show->out))
			break;
		if (err < 0 || show->is_over)
			break;
		(void)poll(&fd, 1, wait_ms(next_ms - now_ms));
		(void)watch_read(watch, take, show);
	}
	return err;
}

/* ---- begun and ended ------------------------------------------------------------------------ */

/* Who reads no more has seen enough: that is no failure.  What is left goes nowhere. */
static int end_output(struct show *show)
{
	int fd;

	if (fflush(show->out) == 0 && !ferror(show->out))
		return CMD_DONE;
	if (errno != EPIPE || show->out != stdout) {
		log_error(-errno, "cannot write what was seen");
		return CMD_FAILED;
	}
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)dup2(fd, STDOUT_FILENO);
	util_closep(&fd);
	clearerr(stdout);
	return CMD_DONE;
}

static int open_output(const struct options *options, struct show *show)
{
	show->out = stdout;
	if (options->pcap && !streq(options->pcap, "-"))
		show->out = fopen(options->pcap, "we");
	if (!show->out)
		return log_error(-errno, "cannot write '%s'", options->pcap);
	if (show->form == FORM_PCAP && show->out == stdout && isatty(STDOUT_FILENO))
		return log_error(-EINVAL, "bytes of packets are nothing for a terminal: `tidegate "
					  "watch --pcap - | tcpdump -nr -`");
	if (show->form != FORM_PCAP)
		return 0;
	show->pcapng = pcapng_new(show->out);
	return show->pcapng ? 0 : log_error(-EIO, "cannot write '%s'", options->pcap);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt };

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static int watch_packets(const struct options *options, struct show *show)
{
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	_cleanup_(watch_closep) struct watch *watch = NULL;
	struct watch_input input = { .config_path = options->config,
				     .sets_dir = SETS_DIR,
				     .has_processes = true };
	struct error error = {};
	int err;

	input.flags = (options->all ? LISTENER_PASSES : 0) | (options->pcap ? LISTENER_WHOLE : 0);
	err = kernel_open(options->pin_dir, &kernel, &error);
	if (err == -ENOENT)
		return log_error(err, "tidegate is not up, so nothing is dropped: `tidegate up`");
	input.kernel = kernel;
	if (err == 0)
		err = watch_open(&input, &watch, &error);
	if (err == 0)
		err = open_output(options, show);
	else
		log_failure(err, &error);
	if (err < 0)
		return err;
	catch_signals();
	if (show->form == FORM_TEXT && isatty(STDOUT_FILENO))
		log_info("watching; Ctrl-C ends it");
	return follow(watch, show, options->time ? parse_seconds(options->time) : 0);
}

static void clear_show(struct show *show)
{
	fold_free(show->fold);
	pcapng_free(show->pcapng);
	if (show->out && show->out != stdout)
		fclose(show->out);
}

int cmd_watch(const struct options *options, int argc, char **argv)
{
	_cleanup_(clear_show) struct show show = { .file = options->config };
	int status = read_filters(argc, argv, &show.filter);

	if (status == CMD_DONE)
		status = read_form(options, &show);
	if (status != CMD_DONE)
		return status;
	if (options->time && !parse_seconds(options->time))
		return cmd_usage(argv[0], "'--for %s': not a time such as 30s, 5m, 2h",
				 options->time);
	if (gethostname(show.host, sizeof(show.host) - 1) < 0)
		memcpy(show.host, "?", 2);
	if (!options->all_packets && show.form != FORM_PCAP && show.form != FORM_KERNEL)
		show.fold = fold_new();
	if (watch_packets(options, &show) < 0)
		return CMD_FAILED;
	return end_output(&show);
}
