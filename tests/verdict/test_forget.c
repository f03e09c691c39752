/* SPDX-License-Identifier: GPL-2.0-only */
/* test_forget.c: ports that Docker bound are forgotten one by one, in the kernel's own maps. */
#include <pthread.h>
#include <stdatomic.h>
#include <netinet/in.h>

#include "stage_private.h"
#include "tap.h"
#include "base/cleanup.h"

#define TIMES 20000

static const struct bound_port old = {
	.key = { .family = 4, .proto = IPPROTO_TCP, .port = 8080 },
	.value = { .bound_ns = 1000, .by = BOUND_BY_PROXY },
};

struct watcher {
	int fd;
	_Atomic bool is_ended;
	unsigned int missed;
};

/* As the filter does it, without a pause. */
static void *watch(void *watcher_)
{
	struct watcher *watcher = watcher_;
	struct bound_value value;

	while (!watcher->is_ended)
		watcher->missed += bpf_map_lookup_elem(watcher->fd, &old.key, &value) < 0;
	return NULL;
}

static void note(struct kernel *kernel, const struct bound_port *port)
{
	if (bpf_map_update_elem(kernel->bound_ports_fd, &port->key, &port->value, BPF_ANY) < 0)
		die("cannot note a port");
}

static bool is_there(struct kernel *kernel, const struct bound_port *port)
{
	struct bound_value value;

	return bpf_map_lookup_elem(kernel->bound_ports_fd, &port->key, &value) == 0;
}

static bool is_marked(struct kernel *kernel, const struct bound_port *port)
{
	_cleanup_free_ struct bound_marks *ports = calloc(1, sizeof(*ports));
	__u32 key = 0;

	if (!ports || bpf_map_lookup_elem(kernel->bound_marks_fd, &key, ports) < 0)
		die("cannot read the marks");
	return ports->bits[ports->current][BOUND_WORD(PROTO_TCP, port->key.port)] &
	       BOUND_BIT(port->key.port);
}

static void one_that_is_bound_again_is_never_missing(struct kernel *kernel)
{
	struct watcher watcher = { .fd = kernel->bound_ports_fd };
	_cleanup_free_ struct bound_port *stale = calloc(TIMES, sizeof(*stale));
	struct bound_port again = old;
	pthread_t thread;

	for (int i = 0; stale && i < TIMES; i++)
		stale[i] = old;
	again.value.bound_ns = 3000;
	note(kernel, &again);
	if (!stale || pthread_create(&thread, NULL, watch, &watcher) != 0)
		die("no thread");
	if (kernel_forget(kernel, stale, TIMES, 2000, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	watcher.is_ended = true;
	pthread_join(thread, NULL);
	tap_case(watcher.missed == 0 && is_marked(kernel, &old),
		 "one_that_is_bound_again_is_never_missing (%u)", watcher.missed);
}

static void only_what_is_stale_is_forgotten(struct kernel *kernel)
{
	struct bound_port other = old;

	other.key.port = 8081;
	note(kernel, &old);
	note(kernel, &other);
	if (kernel_forget(kernel, &old, 1, 2000, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	tap_case(!is_there(kernel, &old) && !is_marked(kernel, &old), "what_is_stale_is_forgotten");
	tap_case(is_there(kernel, &other) && is_marked(kernel, &other), "and_nothing_else");
}

/* More than one system call reads, in both maps. */
static void many_are_read(struct kernel *kernel)
{
	_cleanup_free_ struct bound_port *ports = NULL;
	_cleanup_free_ bool *seen = calloc(65536, sizeof(*seen));
	struct bound_port port = old;
	size_t count = 0, seen_count = 0;

	if (!seen)
		die("no memory");
	for (int i = 1; i <= 5000; i++) {
		port.key.port = i;
		port.key.addr[0] = i % 2 ? 0 : htonl(0xc0000205);
		if (bpf_map_update_elem(i % 2 ? kernel->bound_ports_fd : kernel->bound_at_fd,
					&port.key, &port.value, BPF_ANY) < 0)
			die("cannot note a port");
	}
	if (kernel_read_bound(kernel, &ports, &count, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	for (size_t i = 0; i < count; i++) {
		seen_count += ports[i].key.port <= 5000 && !seen[ports[i].key.port] &&
			      ports[i].value.bound_ns == old.value.bound_ns;
		seen[ports[i].key.port] = true;
	}
	tap_case(seen_count == 5000, "all_are_read_however_many (%zu)", seen_count);
}

int main(void)
{
	struct stage *stage = stage_open();

	one_that_is_bound_again_is_never_missing(stage->kernel);
	only_what_is_stale_is_forgotten(stage->kernel);
	many_are_read(stage->kernel);
	return tap_end();
}
