/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flood.c: sends SYNs over a veth interface for a while, and says what the other end paid for
 * each: one line of JSON on stdout.
 *
 *   flood INTERFACE to ADDRESS PORT [KEY VALUE]...
 *
 *   mac MAC           of the receiver
 *   from random|outside|FILE   sources: anywhere, beside the sets, or from the prefixes in FILE
 *   seconds S, rate PPS (0 = as fast as it goes), batch N, cpu N
 *   proc DIR          where the machine's own process ids are, as /proc/self/fd/9
 *   receiver NAME     the receiving interface, whose NAPI thread is watched there
 *   ready FILE        is made when it begins
 *   slots N, link PIN, against ID   see below
 *
 * SIGTERM ends it sooner.
 *
 * With slots, one flood is cut into so many short ones, by turns at the program that PIN, an XDP
 * link on the receiver, holds and at the program ID.  Between two floods, even at the same program,
 * a packet's price differs by a tenth and more; not within one.  Prints a line for each slot:
 * {"is_other": …, "processed": …, "ns": …}.  The order is 0110.
 *
 * What the receiver processed is what entered its ring: the sender's `xdp_xmit` counts exactly
 * those frames.  The offered rate says nothing: what did not fit never was anybody's work.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "flood.h"

#define FRAME4_BYTES 60
#define FRAME6_BYTES 74
#define FRAME_MAX    128
#define SLOT_US      20000

struct options {
	const char *interface, *address, *mac, *from, *proc, *receiver, *ready, *link;
	int port, cpu, slots, against;
	__u32 batch;
	double seconds, rate;
};

struct counts {
	__u64 sent, errors; /* frames that entered the receiver's ring, and that did not */
	__u64 cpu_ns;       /* of the receiver's NAPI thread */
};

static void fail(const char *what, const char *name)
{
	fprintf(stderr, "flood: cannot %s '%s': %s\n", what, name, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* ---- what the kernel counts --------------------------------------------------------------- */

static void ethtool(const char *interface, void *request)
{
	static int fd = -1;
	struct ifreq ifr = { .ifr_data = request };

	if (fd < 0)
		fd = socket(AF_INET, SOCK_DGRAM, 0);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCETHTOOL, &ifr))
		fail("read the counters of", interface);
}

/* The number has to be right: for any other the kernel answers with nothing. */
static __u32 count_driver_counters(const char *interface)
{
	struct {
		struct ethtool_sset_info info;
		__u32 count;
	} request = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1 << ETH_SS_STATS } };

	ethtool(interface, &request);
	return request.count;
}

/* The driver's counters of that name, summed over the queues: "tx_queue_0_xdp_xmit". */
static __u64 driver_counter(const char *interface, const char *suffix)
{
	__u32 count = count_driver_counters(interface);
	struct ethtool_gstrings *names = calloc(1, sizeof(*names) + count * ETH_GSTRING_LEN);
	struct ethtool_stats *values = calloc(1, sizeof(*values) + count * sizeof(__u64));
	__u64 sum = 0;

	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_STATS;
	names->len = count;
	ethtool(interface, names);
	values->cmd = ETHTOOL_GSTATS;
	values->n_stats = count;
	ethtool(interface, values);
	for (__u32 i = 0; i < count; i++) {
		const char *name = (const char *)names->data + i * ETH_GSTRING_LEN;
		size_t length = strnlen(name, ETH_GSTRING_LEN), end = strlen(suffix);

		if (length > end && !strncmp(name, "tx_", 3) &&
		    !strncmp(name + length - end, suffix, end))
			sum += values->data[i];
	}
	free(names);
	free(values);
	return sum;
}

/* The kernel thread `napi/NAME-ID`, or 0. */
static int find_thread(const struct options *options)
{
	DIR *proc = opendir(options->proc);
	struct dirent *entry;
	char path[600], comm[80], wanted[40];
	int found = 0;

	if (!proc)
		fail("read", options->proc);
	snprintf(wanted, sizeof(wanted), "napi/%s-", options->receiver);
	while (!found && (entry = readdir(proc))) {
		FILE *file;

		if (!atoi(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s/comm", options->proc, entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(comm, sizeof(comm), file) && !strncmp(comm, wanted, strlen(wanted)))
			found = atoi(entry->d_name);
		fclose(file);
	}
	closedir(proc);
	return found;
}

static __u64 thread_ns(const struct options *options, int thread)
{
	unsigned long long ns = 0;
	char path[600];
	FILE *file;

	if (!thread)
		return 0;
	snprintf(path, sizeof(path), "%s/%d/schedstat", options->proc, thread);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%llu", &ns) != 1)
		fail("read", path);
	fclose(file);
	return ns;
}

/* Once the thread sleeps: its time is only accounted for then. */
static struct counts read_counts(const struct options *options, int thread)
{
	struct counts counts;
	__u64 before;

	counts.cpu_ns = thread_ns(options, thread);
	for (int i = 0; i < 100; i++) {
		before = counts.cpu_ns;
		usleep(4000);
		counts.cpu_ns = thread_ns(options, thread);
		if (counts.cpu_ns == before)
			break;
	}
	counts.sent = driver_counter(options->interface, "_xdp_xmit");
	counts.errors = driver_counter(options->interface, "_xdp_xmit_errors");
	return counts;
}

/* ---- the generator ------------------------------------------------------------------------- */

static __u32 sum32(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	__u64 sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += bytes[i] | bytes[i + 1] << 8;
	return sum;
}

static void read_mac(const char *text, __u8 mac[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != 6)
		fail("read the address", text);
}

/* The parts of the checksums that are the same in every packet. */
static void sum_constants(struct flood_config *config)
{
	const __u8 ip[] = { 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6 };
	const __u8 tcp[] = { 0, 6, 0, 20, 5 << 4, 0x02, 64240 >> 8, 64240 & 0xff };
	size_t width = config->is_ipv6 ? 16 : 4;

	config->ip_sum = sum32(ip, sizeof(ip)) + sum32(config->daddr, width);
	config->tcp_sum = sum32(tcp, sizeof(tcp)) + sum32(config->daddr, width) + config->dport;
}

/* "ADDRESS/LENGTH" -> the address and the bits behind the prefix. */
static bool read_source(char *line, bool is_ipv6, struct flood_source *source)
{
	unsigned char *mask = (unsigned char *)source->mask;
	int width = is_ipv6 ? 128 : 32, length = width;
	char *slash = strpbrk(line, "/\r\n");

	memset(source, 0, sizeof(*source));
	if (slash && *slash == '/')
		length = atoi(slash + 1);
	if (slash)
		*slash = 0;
	for (int bit = length; bit < width; bit++)
		mask[bit / 8] |= 0x80 >> bit % 8;
	return inet_pton(is_ipv6 ? AF_INET6 : AF_INET, line, source->addr) == 1;
}

/* Fills the table, up to a power of two, by starting over. */
static void fill_sources(const char *path, struct flood_config *config,
			 struct flood_source *sources)
{
	FILE *file = fopen(path, "r");
	__u32 read = 0, size = 1;
	char line[128];

	if (!file)
		fail("read", path);
	while (read < FLOOD_SOURCES && fgets(line, sizeof(line), file))
		read += read_source(line, config->is_ipv6, &sources[read]);
	fclose(file);
	if (!read)
		fail("find a prefix in", path);
	while (size < read)
		size *= 2;
	for (__u32 i = read; i < size; i++)
		sources[i] = sources[i - read];
	config->sources = size;
}

static void configure(struct bpf_object *object, const struct options *options,
		      struct flood_config *config)
{
	const struct bpf_map *table = bpf_object__find_map_by_name(object, "sources");
	size_t size = FLOOD_SOURCES * sizeof(struct flood_source);
	struct ifreq request = {};
	void *sources;

	config->is_ipv6 = strchr(options->address, ':') != NULL;
	config->ifindex = if_nametoindex(options->interface);
	if (!config->ifindex)
		fail("find the interface", options->interface);
	if (inet_pton(config->is_ipv6 ? AF_INET6 : AF_INET, options->address, config->daddr) != 1)
		fail("read the address", options->address);
	config->dport = htons(options->port);
	config->gap_ns = options->rate ? 1e9 / options->rate : 0;
	config->sources = 1;
	read_mac(options->mac, config->dst_mac);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", options->interface);
	if (ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCGIFHWADDR, &request))
		fail("read the address of", options->interface);
	memcpy(config->src_mac, request.ifr_hwaddr.sa_data, 6);
	sum_constants(config);
	if (!strcmp(options->from, "random")) {
		config->mode = FLOOD_RANDOM;
	} else if (!strcmp(options->from, "outside")) {
		config->mode = FLOOD_OUTSIDE;
	} else {
		config->mode = FLOOD_TABLE;
		sources =
			mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(table), 0);
		if (sources == MAP_FAILED)
			fail("map", "sources");
		fill_sources(options->from, config, sources);
	}
}

static struct bpf_object *load(const struct options *options, struct flood_config *ret_config)
{
	char path[4096];
	struct bpf_object *object;
	const struct bpf_map *map;
	__u32 zero = 0;
	size_t size;
	ssize_t end = readlink("/proc/self/exe", path, sizeof(path) - 8);
	char *value;

	path[end < 0 ? 0 : end] = 0;
	strcat(path, ".bpf.o");
	object = bpf_object__open_file(path, NULL);
	if (!object || bpf_object__load(object))
		fail("load", path);
	memset(ret_config, 0, sizeof(*ret_config));
	configure(object, options, ret_config);
	map = bpf_object__find_map_by_name(object, ".data.config");
	size = bpf_map__value_size(map);
	value = calloc(1, size);
	memcpy(value, ret_config, sizeof(*ret_config));
	if (bpf_map_update_elem(bpf_map__fd(map), &zero, value, 0))
		fail("write", "the configuration");
	free(value);
	return object;
}

static double interrupted_at;

/* The clock, or somebody, ends the run. */
static void interrupt(int signal)
{
	interrupted_at = now();
}

static void set_alarm(double seconds)
{
	struct itimerval timer = { .it_value = { .tv_sec = seconds,
						 .tv_usec = (seconds - (long)seconds) * 1e6 } };
	struct sigaction action = { .sa_handler = interrupt };

	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * One system call for all of it.  At the end of each the kernel waits for several grace periods
 * with the page pool it sent from, some 50 ms in which nothing is sent.
 */
static double run(const struct bpf_object *object, const struct options *options,
		  const struct flood_config *config)
{
	const char *name = config->is_ipv6 ? "flood6" : "flood4";
	int fd = bpf_program__fd(bpf_object__find_program_by_name(object, name));
	__u32 frame = config->is_ipv6 ? FRAME6_BYTES : FRAME4_BYTES;
	char packet[FRAME_MAX] = {};
	struct xdp_md context = { .data_end = frame };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = frame,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = INT_MAX,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = options->batch);
	double start = now();

	set_alarm(options->seconds);
	if (options->ready)
		close(creat(options->ready, 0600));
	if (bpf_prog_test_run_opts(fd, &opts) && errno != EINTR)
		fail("send on", options->interface);
	return interrupted_at - start;
}

static void run_once(const struct bpf_object *object, const struct options *options,
		     const struct flood_config *config, int thread)
{
	struct counts before, after;
	__u64 sent, cpu_ns;
	double seconds;

	before = read_counts(options, thread);
	seconds = run(object, options, config);
	after = read_counts(options, thread);
	sent = after.sent - before.sent;
	cpu_ns = after.cpu_ns - before.cpu_ns;
	printf("{\"processed\": %llu, \"refused\": %llu, \"seconds\": %.3f, \"cpu_ns\": %llu, "
	       "\"ns\": %.1f, \"busy\": %.3f}\n",
	       (unsigned long long)sent, (unsigned long long)(after.errors - before.errors),
	       seconds, (unsigned long long)cpu_ns, sent ? (double)cpu_ns / sent : 0,
	       cpu_ns / 1e9 / seconds);
}

/* ---- by turns ------------------------------------------------------------------------------ */

struct turns {
	struct flood_config *config; /* as the program that sends reads it */
	int link_fd;
	int program_fds[2];
	pid_t sender;
};

static void open_programs(const struct options *options, struct turns *turns)
{
	struct bpf_link_info info = {};
	__u32 length = sizeof(info);

	turns->link_fd = bpf_obj_get(options->link ?: "");
	if (turns->link_fd < 0 || bpf_obj_get_info_by_fd(turns->link_fd, &info, &length))
		fail("open the link", options->link ?: "");
	turns->program_fds[0] = bpf_prog_get_fd_by_id(info.prog_id);
	turns->program_fds[1] = bpf_prog_get_fd_by_id(options->against);
	if (turns->program_fds[0] < 0 || turns->program_fds[1] < 0)
		fail("open the programs of", options->link);
}

/* A process of its own sends, because sending is one system call.  This one is ahead of it on the
 * same CPU, and hardly ever awake. */
static void start_sender(const struct bpf_object *object, const struct options *options,
			 const struct flood_config *config, struct turns *turns)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, ".data.config");
	struct sched_param ahead = { .sched_priority = 51 };

	turns->config = mmap(NULL, bpf_map__value_size(map), PROT_READ | PROT_WRITE, MAP_SHARED,
			     bpf_map__fd(map), 0);
	if (turns->config == MAP_FAILED)
		fail("map", "the configuration");
	turns->config->is_paused = 1;
	turns->sender = fork();
	if (turns->sender < 0)
		fail("start", "a process that sends");
	if (turns->sender == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		run(object, options, config);
		_exit(0);
	}
	if (sched_setscheduler(0, SCHED_FIFO, &ahead))
		fail("get ahead of", "the process that sends");
}

static void take_turn(const struct options *options, struct turns *turns, int thread, int number)
{
	struct counts before, after;
	__u64 sent;

	if (bpf_link_update(turns->link_fd, turns->program_fds[number], NULL))
		fail("change the program of", options->link);
	before = read_counts(options, thread);
	turns->config->is_paused = 0;
	usleep(SLOT_US);
	turns->config->is_paused = 1;
	after = read_counts(options, thread);
	sent = after.sent - before.sent;
	printf("{\"is_other\": %d, \"processed\": %llu, \"ns\": %.2f}\n", number,
	       (unsigned long long)sent, sent ? (double)(after.cpu_ns - before.cpu_ns) / sent : 0);
}

static void run_by_turns(const struct bpf_object *object, struct options *options,
			 const struct flood_config *config, int thread)
{
	struct turns turns;

	options->seconds = 5 + options->slots * 0.5; /* it is told to end long before */
	open_programs(options, &turns);
	start_sender(object, options, config, &turns);
	for (int i = 0; i < options->slots; i++)
		take_turn(options, &turns, thread, i % 4 == 1 || i % 4 == 2);
	kill(turns.sender, SIGTERM);
	waitpid(turns.sender, NULL, 0);
	if (bpf_link_update(turns.link_fd, turns.program_fds[0], NULL))
		fail("put back the program of", options->link);
}

/* ---- main ------------------------------------------------------------------------------------ */

static bool set_option(struct options *options, const char *key, const char *value)
{
	const struct {
		const char *key;
		const char **text;
	} texts[] = {
		{ "mac", &options->mac },     { "from", &options->from },
		{ "proc", &options->proc },   { "receiver", &options->receiver },
		{ "ready", &options->ready }, { "link", &options->link },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (!strcmp(key, texts[i].key)) {
			*texts[i].text = value;
			return true;
		}
	}
	if (!strcmp(key, "seconds"))
		options->seconds = atof(value);
	else if (!strcmp(key, "rate"))
		options->rate = atof(value);
	else if (!strcmp(key, "batch"))
		options->batch = atoi(value);
	else if (!strcmp(key, "cpu"))
		options->cpu = atoi(value);
	else if (!strcmp(key, "slots"))
		options->slots = atoi(value);
	else if (!strcmp(key, "against"))
		options->against = atoi(value);
	else
		return false;
	return true;
}

static bool parse(int argc, char **argv, struct options *options)
{
	if (argc < 5 || strcmp(argv[2], "to") || argc % 2 == 0)
		return false;
	options->interface = argv[1];
	options->address = argv[3];
	options->port = atoi(argv[4]);
	for (int i = 5; i + 1 < argc; i += 2)
		if (!set_option(options, argv[i], argv[i + 1]))
			return false;
	return true;
}

static void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		fail("stay on", "that CPU");
}

int main(int argc, char **argv)
{
	struct options options = { .mac = "ff:ff:ff:ff:ff:ff",
				   .from = "random",
				   .proc = "/proc",
				   .batch = 256,
				   .seconds = 1 };
	struct flood_config config;
	struct bpf_object *object;
	int thread;

	if (!parse(argc, argv, &options)) {
		fprintf(stderr, "usage: flood INTERFACE to ADDRESS PORT [KEY VALUE]...\n");
		return 2;
	}
	thread = options.receiver ? find_thread(&options) : 0;
	if (options.receiver && !thread) {
		fprintf(stderr, "flood: '%s' has no NAPI thread\n", options.receiver);
		return 1;
	}
	object = load(&options, &config);
	pin(options.cpu);
	if (options.slots)
		run_by_turns(object, &options, &config, thread);
	else
		run_once(object, &options, &config, thread);
	bpf_object__close(object);
	return 0;
}
