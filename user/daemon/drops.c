/* SPDX-License-Identifier: GPL-2.0-only */
/* drops.c: what is heard becomes entries.  See drops.h. */
#include "daemon/drops.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/proto.h"
#include "daemon/daemon.h"
#include "daemon/notable.h"
#include "journal/entry.h"
#include "kernel/kernel.h"
#include "reason.h"
#include "watch/fold.h"
#include "watch/form.h"
#include "watch/watch.h"

/* The ring buffer has room for what the filter reports in such a time, and its lease is longer. */
#define TURN_MS  500
#define RETRY_MS 5000
/* How often it is said how much was not written. */
#define ACCOUNT_MS 60000

struct drops {
	const struct daemon_setup *setup;
	enum log_mode mode;
	struct kernel *kernel;
	struct watch *watch; /* NULL: does not listen */
	struct fold *fold;
	struct notable *notable;
	int64_t next_ms, account_ms; /* CLOCK_MONOTONIC */
	__u64 unheard;
	bool was_failing;
};

struct drops *drops_new(const struct daemon_setup *setup)
{
	struct drops *drops = calloc(1, sizeof(*drops));

	if (!drops)
		return NULL;
	drops->setup = setup;
	drops->fold = fold_new();
	drops->notable = notable_new();
	if (drops->fold && drops->notable)
		return drops;
	drops_free(drops);
	return NULL;
}

static void stop(struct drops *drops)
{
	watch_closep(&drops->watch);
	drops->watch = NULL;
	kernel_free(TAKE_PTR(drops->kernel));
}

void drops_free(struct drops *drops)
{
	if (!drops)
		return;
	stop(drops);
	fold_free(drops->fold);
	notable_free(drops->notable);
	free(drops);
}

void drops_want(struct drops *drops, enum log_mode mode)
{
	if (mode == LOG_OFF)
		stop(drops);
	if (mode != drops->mode)
		drops->was_failing = false;
	drops->mode = mode;
}

int drops_timeout_ms(const struct drops *drops)
{
	int64_t left = drops->next_ms - clock_ms(CLOCK_MONOTONIC);

	if (drops->mode == LOG_OFF)
		return -1;
	return left > 0 ? (int)left : 0;
}

/* ---- entries --------------------------------------------------------------------------------- */

static void add_address(struct journal_entry *entry, const char *name, const struct prefix *address)
{
	char text[PREFIX_STRLEN];

	if (address->family)
		journal_add(entry, name, "%s", prefix_format(address, text));
}

static void add_message(struct journal_entry *entry, const struct sighting *sighting,
			const char *file)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	form_packet(sighting, file, out);
	if (fclose(out) == 0)
		journal_add(entry, "MESSAGE", "%s", text);
}

static void write_entry(const struct drops *drops, const struct sighting *sighting)
{
	struct journal_entry entry;

	journal_begin(&entry, "drop", JOURNAL_INFO);
	add_message(&entry, sighting, drops->setup->config.path);
	journal_add(&entry, "TIDEGATE_REASON", "%s", reason_name(sighting->reason));
	journal_add(&entry, "TIDEGATE_PACKETS", "%u", sighting->count);
	if (sighting->is_audit)
		journal_add(&entry, "TIDEGATE_AUDIT", "passed");
	journal_add(&entry, "IN", "%s", sighting->interface);
	add_address(&entry, "SRC", &sighting->saddr);
	add_address(&entry, "DST", &sighting->daddr);
	journal_add(&entry, "PROTO", "%s",
		    sighting->has_ports ? proto_name(sighting->proto) : "other");
	if (sighting->has_ports) {
		journal_add(&entry, "SPT", "%u", sighting->sport);
		journal_add(&entry, "DPT", "%u", sighting->dport);
	}
	if (sighting->owner[0])
		journal_add(&entry, "CONTAINER", "%s", sighting->owner);
	if (sighting->rule[0]) {
		journal_add(&entry, "TIDEGATE_RULE", "%s", sighting->rule);
		journal_add(&entry, "TIDEGATE_LINE", "%u", sighting->line);
	}
	journal_send(&entry);
}

static int write_one(void *arg, const struct sighting *sighting)
{
	struct drops *drops = arg;

	if (notable_is(drops->notable, drops->mode, sighting, clock_ms(CLOCK_MONOTONIC)))
		write_entry(drops, sighting);
	return 0;
}

static int take(void *arg, const struct sighting *sighting)
{
	struct drops *drops = arg;

	if (drops->mode == LOG_ALL && !fold_is_first(drops->fold, sighting))
		return 0;
	return write_one(drops, sighting);
}

/* Both are packets, but only of the first kind it is known that they are worth an entry. */
static void account(struct drops *drops, int64_t now_ms)
{
	struct journal_entry entry;
	__u64 unwritten;

	if (now_ms < drops->account_ms)
		return;
	drops->account_ms = now_ms + ACCOUNT_MS;
	unwritten = notable_take_unwritten(drops->notable);
	if (!unwritten && !drops->unheard)
		return;
	journal_begin(&entry, "drop", JOURNAL_INFO);
	journal_add(&entry, "MESSAGE",
		    "%llu more packets were dropped and not written down, and %llu not looked at: "
		    "they were too many",
		    unwritten, drops->unheard);
	journal_add(&entry, "TIDEGATE_UNWRITTEN", "%llu", unwritten);
	journal_add(&entry, "TIDEGATE_UNHEARD", "%llu", drops->unheard);
	journal_send(&entry);
	drops->unheard = 0;
}

/* ---- listening ------------------------------------------------------------------------------- */

static int fail(struct drops *drops, int err, const struct error *error)
{
	if (!drops->was_failing)
		log_warning("dropped packets are not written down for now: %s", ERROR(error));
	drops->was_failing = true;
	stop(drops);
	drops->next_ms += RETRY_MS - TURN_MS;
	return err;
}

static int start(struct drops *drops)
{
	struct watch_input input = { .config_path = drops->setup->config.path,
				     .sets_dir = drops->setup->sets_dir };
	struct error error = {};
	int err = kernel_open(drops->setup->pin_dir, &drops->kernel, &error);

	input.kernel = drops->kernel;
	if (err == 0)
		err = watch_open(&input, &drops->watch, &error);
	return err < 0 ? fail(drops, err, &error) : 0;
}

void drops_run(struct drops *drops)
{
	int64_t now_ms = clock_ms(CLOCK_MONOTONIC);
	struct error error = {};

	if (drops->mode == LOG_OFF || now_ms < drops->next_ms)
		return;
	drops->next_ms = now_ms + TURN_MS;
	if (!drops->watch && start(drops) < 0)
		return;
	(void)watch_read(drops->watch, take, drops);
	if (drops->mode == LOG_ALL)
		(void)fold_flush(drops->fold, write_one, drops);
	drops->unheard += watch_lost(drops->watch);
	account(drops, now_ms);
	if (watch_tick(drops->watch, &error) < 0)
		(void)fail(drops, -ESTALE, &error);
	else
		drops->was_failing = false;
}
