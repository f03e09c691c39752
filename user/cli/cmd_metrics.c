/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_metrics.c: what Prometheus is told.  Read-only, and without a daemon.  That nothing enforces
 * is an answer, and the most important one: whatever cannot be read, the text is printed, and says
 * so.
 */
#include "cli/cmd.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/status.h"
#include "docker/docker.h"
#include "engine/health.h"
#include "image/image.h"
#include "metrics/metrics.h"
#include "metrics/response.h"

/* Prometheus waits for ten seconds, if it is not told otherwise. */
#define DOCKER_MS 4000

/* What enforces; NULL when nothing does. */
static struct desired *read_active(const struct options *options, struct kernel *kernel)
{
	_cleanup_(image_clear) struct image image = {};
	const struct desired_input input = { .config_path = options->config,
					     .sets_dir = SETS_DIR,
					     .running = &image };
	struct desired *desired = NULL;
	struct error error = {};
	int err;

	if (!kernel || kernel_read_image(kernel, SLOT_ACTIVE, &image, NULL) < 0)
		return NULL;
	err = image_check(image.bytes, image.size);
	if (err == 0)
		err = desired_from_image(&input, &desired, &error);
	if (err < 0)
		log_failure(err, &error);
	return desired;
}

/* To memory first: half an exposition is worth less than none. */
static char *print(const struct metrics *metrics, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	if (!out)
		return NULL;
	metrics_print(out, metrics);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Allocated; NULL = no memory. */
static char *read_metrics(const struct options *options, size_t *ret_size)
{
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	_cleanup_(desired_freep) struct desired *active = NULL;
	_cleanup_(health_clear) struct health health = {};
	_cleanup_(cmd_counted_clear) struct counted counted = {};
	struct metrics metrics = {};

	if (status_read(options, DOCKER_MS, &kernel, &health) == 0)
		metrics.health = &health;
	active = read_active(options, kernel);
	metrics.active = active;
	if (cmd_read_counted(kernel, &counted) == 0) {
		metrics.ids = counted.ids;
		metrics.totals = counted.totals;
	}
	return print(&metrics, ret_size);
}

/* The service manager hands the connection over as standard input and output. */
static int serve(const struct options *options)
{
	_cleanup_free_ char *text = NULL;
	struct request request;
	size_t size = 0;
	int err = response_read_request(STDIN_FILENO, &request);

	if (err == -ECONNRESET)
		return CMD_DONE; /* nobody asked: a probe of the port */
	if (err < 0)
		return log_error(err, "cannot read the request"), CMD_FAILED;
	if (request.status == 200) {
		text = read_metrics(options, &size);
		request.status = text ? 200 : 500;
	}
	err = response_send(STDOUT_FILENO, &request, text, size);
	return err < 0 ? log_error(err, "cannot send the response"), CMD_FAILED : CMD_DONE;
}

int cmd_metrics(const struct options *options, int argc, char **argv)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;

	if (argc > 1)
		return cmd_usage(argv[0], "'%s': takes no argument", argv[1]);
	if (options->http)
		return serve(options);
	text = read_metrics(options, &size);
	if (!text)
		return log_error(-ENOMEM, "cannot print the metrics"), CMD_FAILED;
	fwrite(text, 1, size, stdout);
	return CMD_DONE;
}
