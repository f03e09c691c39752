/* SPDX-License-Identifier: GPL-2.0-only */
/* probe.c: a program, opened or loaded again, and packets shown to it.  See probe.h. */
#include "kernel/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>

#include "kernel/private.h"
#include "host/netdev.h"
#include "base/cleanup.h"

static const struct probe no_probe = { .program_fd = -1, .counters_fd = -1 };

void probe_neighbor(const struct image_header *active, __u8 ret[6])
{
	ret[0] = 0x02; /* of no vendor */
	memcpy(ret + 1, active->digest, 5);
}

void probe_close(struct probe *probe)
{
	util_closep(&probe->program_fd);
	util_closep(&probe->counters_fd);
	if (probe->of)
		munmap(probe->of - COUNTERS_CPU(probe->cpu), probe->elements * sizeof(*probe->of));
	*probe = no_probe;
}

static void read_neighbor(struct kernel *kernel, struct probe *probe)
{
	struct image_header header = {};

	(void)kernel_read_header(kernel, SLOT_ACTIVE, &header, NULL);
	probe_neighbor(&header, probe->neighbor);
}

/* ---- the program that is attached ---------------------------------------------------------- */

static const char *const program_names[PROGRAM_MAX] = {
	[PROGRAM_XDP] = "filter_xdp",
	[PROGRAM_TC] = "filter_tc",
	[PROGRAM_TC_L3] = "filter_tc_l3",
};

static enum filter_program program_of(const struct program *program)
{
	for (int i = 0; i < PROGRAM_MAX; i++)
		if (streq(program->info.name, program_names[i]))
			return i;
	return PROGRAM_MAX;
}

static bool has_map(const struct program *program, int fd)
{
	__u32 id = kernel_map_id(fd);

	for (__u32 i = 0; i < program->info.nr_map_ids; i++)
		if (program->maps[i] == id)
			return id != 0;
	return false;
}

/* All by which it decides, and counts. */
static bool has_these_maps(const struct kernel *kernel, const struct program *program)
{
	bool has_all = has_map(program, kernel->fastpath_fd) &&
		       has_map(program, kernel->counters_fd) &&
		       has_map(program, kernel->interfaces_fd);

	for (int i = 0; i < POLICY_SIZES; i++)
		has_all = has_all && has_map(program, kernel->policy_fds[i]);
	return has_all;
}

static int open_attached(struct kernel *kernel, const struct attachment *attachment,
			 struct program *ret_program, struct probe *ret, struct error *error)
{
	int err;

	ret->program_fd = bpf_prog_get_fd_by_id(attachment->program_id);
	err = ret->program_fd < 0 ? -errno : kernel_read_program(ret->program_fd, ret_program);
	if (err < 0)
		return error_set_errno(error, err, "cannot open the program that is attached");
	if (program_of(ret_program) == PROGRAM_MAX)
		return error_set(error, -EPROTO,
				 "the program '%s' (id %u) is attached, and is none of tidegate's",
				 ret_program->info.name, attachment->program_id);
	if (!has_these_maps(kernel, ret_program))
		return error_set(error, -EPROTO,
				 "the program '%s' (id %u) is attached, and decides by other maps",
				 ret_program->info.name, attachment->program_id);
	ret->is_xdp = program_of(ret_program) == PROGRAM_XDP;
	ret->is_l3 = program_of(ret_program) == PROGRAM_TC_L3;
	return 0;
}

int probe_open(struct kernel *kernel, const struct attachment *attachment, const __u8 mac[6],
	       struct probe *ret, struct error *error)
{
	_cleanup_(probe_close) struct probe probe = no_probe;
	struct program program;
	int err = open_attached(kernel, attachment, &program, &probe, error);

	if (err < 0)
		return err;
	probe.ifindex = attachment->ifindex;
	memcpy(probe.mac, mac, sizeof(probe.mac));
	read_neighbor(kernel, &probe);
	*ret = probe;
	probe = no_probe;
	return 0;
}

/* ---- a copy of it ---------------------------------------------------------------------------- */

/* The copy counts on one CPU, because each has a megabyte. */
static int choose_cpu(__u32 *ret)
{
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return -errno;
	for (__u32 cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		*ret = cpu;
		return 0;
	}
	return -ENOENT;
}

static int map_counters(struct probe *probe)
{
	struct counters *of = mmap(NULL, probe->elements * sizeof(*of), PROT_READ | PROT_WRITE,
				   MAP_SHARED, probe->counters_fd, 0);

	if (of == MAP_FAILED)
		return -errno;
	probe->of = of + COUNTERS_CPU(probe->cpu);
	return 0;
}

static int check_same_code(const struct program *attached, int copy_fd, struct error *error)
{
	struct program copy;
	int err = kernel_read_program(copy_fd, &copy);

	if (err < 0)
		return error_set_errno(error, err, "cannot read the copy of the program");
	if (memcmp(copy.info.tag, attached->info.tag, sizeof(copy.info.tag)) != 0)
		return error_set(error, -EPROTO,
				 "the program '%s' (id %u) that is attached is not the one of this "
				 "build: `tidegate up` replaces it",
				 attached->info.name, attached->info.id);
	return 0;
}

/* Without an Ethernet header the kernel cannot be asked about each source: the program for such
 * interfaces is loaded to be compared, and the one for Ethernet to be asked, as of a broadcast
 * frame, which is for this host as well. */
static int open_asked(struct kernel *kernel, const struct image *image, struct probe *copy,
		      struct error *error)
{
	static const __u8 broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const struct copy_request request = { PROGRAM_TC, copy->elements, image };

	memcpy(copy->mac, broadcast, sizeof(copy->mac));
	util_closep(&copy->program_fd);
	util_closep(&copy->counters_fd);
	copy->program_fd = copy->counters_fd = -1;
	return kernel_load_copy(kernel, &request, &copy->program_fd, &copy->counters_fd, error);
}

static int open_copy(struct kernel *kernel, const struct program *program,
		     const struct image *image, struct probe *copy, struct error *error)
{
	struct copy_request request = { program_of(program), 0, image };
	int err = choose_cpu(&copy->cpu);

	if (err < 0)
		return error_set_errno(error, err, "cannot choose a processor");
	request.elements = copy->elements = COUNTERS_CPU(copy->cpu) + 1;
	err = kernel_load_copy(kernel, &request, &copy->program_fd, &copy->counters_fd, error);
	if (err == 0)
		err = check_same_code(program, copy->program_fd, error);
	if (err == 0 && request.program == PROGRAM_TC_L3)
		err = open_asked(kernel, image, copy, error);
	if (err < 0)
		return err;
	err = map_counters(copy);
	return err < 0 ? error_set_errno(error, err, "cannot map the copy's counters") : 0;
}

int probe_open_copy(struct kernel *kernel, const struct probe_request *request, struct probe *ret,
		    struct error *error)
{
	_cleanup_(probe_close) struct probe copy = no_probe;
	_cleanup_(probe_close) struct probe attached = no_probe;
	struct program program;
	int err = open_attached(kernel, request->attachment, &program, &attached, error);

	if (err < 0)
		return err;
	copy.ifindex = request->attachment->ifindex;
	copy.is_xdp = attached.is_xdp;
	memcpy(copy.mac, request->mac, sizeof(copy.mac));
	read_neighbor(kernel, &copy);
	err = open_copy(kernel, &program, request->image, &copy, error);
	if (err < 0)
		return err;
	*ret = copy;
	copy = no_probe;
	return 0;
}

/* ---- its bytes: Ethernet, IP and the head of TCP, UDP or SCTP ------------------------- */

#define PROBE_ETHERNET 14

struct frame {
	__u8 bytes[128];
	size_t length;
};

#define SCTP_BYTES 28 /* RFC 9260 3.3.2: the common header and a chunk INIT without parameters */

static void *put(struct frame *frame, size_t size)
{
	void *place = frame->bytes + frame->length;

	memset(place, 0, size);
	frame->length += size;
	return place;
}

static void put_ethernet(struct frame *frame, const struct probe_packet *packet, const __u8 mac[6],
			 const __u8 neighbor[6])
{
	struct ethhdr *eth = put(frame, sizeof(*eth));

	memcpy(eth->h_dest, mac, ETH_ALEN);
	memcpy(eth->h_source, neighbor, ETH_ALEN);
	eth->h_proto = htons(packet->saddr.family == 4 ? ETH_P_IP : ETH_P_IPV6);
}

static void put_ipv4(struct frame *frame, const struct probe_packet *packet, size_t payload)
{
	struct iphdr *ip = put(frame, sizeof(*ip));

	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = htons(sizeof(*ip) + payload);
	ip->ttl = 64;
	ip->protocol = packet->proto;
	memcpy(&ip->saddr, packet->saddr.addr, sizeof(ip->saddr));
	memcpy(&ip->daddr, packet->daddr.addr, sizeof(ip->daddr));
}

static void put_ipv6(struct frame *frame, const struct probe_packet *packet, size_t payload)
{
	struct ipv6hdr *ip = put(frame, sizeof(*ip));

	ip->version = 6;
	ip->payload_len = htons(payload);
	ip->nexthdr = packet->proto;
	ip->hop_limit = 64;
	memcpy(&ip->saddr, packet->saddr.addr, sizeof(ip->saddr));
	memcpy(&ip->daddr, packet->daddr.addr, sizeof(ip->daddr));
}

static size_t transport_size(__u8 proto)
{
	return proto == IPPROTO_TCP   ? sizeof(struct tcphdr)
	       : proto == IPPROTO_UDP ? sizeof(struct udphdr)
				      : SCTP_BYTES;
}

#define TCP_FLAGS_AT 13

/* All three begin with the ports. */
static void put_transport(struct frame *frame, const struct probe_packet *packet)
{
	__u8 *start = put(frame, transport_size(packet->proto));
	__be16 ports[] = { htons(packet->sport), htons(packet->dport) };

	memcpy(start, ports, sizeof(ports));
	if (packet->proto == IPPROTO_TCP) {
		((struct tcphdr *)start)->doff = sizeof(struct tcphdr) / 4;
		start[TCP_FLAGS_AT] = packet->tcp_flags;
	} else if (packet->proto == IPPROTO_UDP) {
		((struct udphdr *)start)->len = htons(sizeof(struct udphdr));
	} else {
		start[12] = 1; /* INIT */
		start[15] = SCTP_BYTES - 12;
	}
}

/* From `neighbor` to the interface of the other address.  Checksums are zero: no program looks at
 * them. */
static void make_frame(const struct probe_packet *packet, const __u8 mac[6], const __u8 neighbor[6],
		       struct frame *ret)
{
	size_t payload = transport_size(packet->proto);

	ret->length = 0;
	put_ethernet(ret, packet, mac, neighbor);
	if (packet->saddr.family == 4)
		put_ipv4(ret, packet, payload);
	else
		put_ipv6(ret, packet, payload);
	put_transport(ret, packet);
}

/* ---- showing it a packet --------------------------------------------------------------------- */

/* To one CPU, and back. */
static int run_here(const struct probe *probe, struct bpf_test_run_opts *opts)
{
	cpu_set_t before, one;
	int err;

	if (!probe->of)
		return bpf_prog_test_run_opts(probe->program_fd, opts) < 0 ? -errno : 0;
	CPU_ZERO(&one);
	CPU_SET(probe->cpu, &one);
	if (sched_getaffinity(0, sizeof(before), &before) < 0 ||
	    sched_setaffinity(0, sizeof(one), &one) < 0)
		return -errno;
	err = bpf_prog_test_run_opts(probe->program_fd, opts) < 0 ? -errno : 0;
	(void)sched_setaffinity(0, sizeof(before), &before);
	return err;
}

/* 1 = dropped, 0 = passed.  Once: to repeat makes the kernel change its dispatcher of XDP. */
static int run_xdp(const struct probe *probe, const struct frame *frame)
{
	struct xdp_md ctx = { .data_end = frame->length, .ingress_ifindex = probe->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->length,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 1);
	int err = run_here(probe, &opts);

	if (err < 0)
		return err;
	return opts.retval == XDP_DROP ? 1 : opts.retval == XDP_PASS ? 0 : -EPROTO;
}

static int run_tc(const struct probe *probe, const struct frame *frame)
{
	size_t skip = probe->is_l3 ? PROBE_ETHERNET : 0;
	struct __sk_buff ctx = { .ifindex = probe->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes + skip,
		    .data_size_in = frame->length - skip, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1);
	int err = run_here(probe, &opts);

	if (err < 0)
		return err;
	return opts.retval == TC_ACT_SHOT ? 1 : (int)opts.retval == TC_ACT_UNSPEC ? 0 : -EPROTO;
}

int probe_run(const struct probe *probe, const struct probe_packet *packet, bool *ret_is_dropped,
	      size_t *ret_bytes, struct error *error)
{
	struct frame frame;
	int dropped;

	make_frame(packet, probe->mac, probe->neighbor, &frame);
	dropped = probe->is_xdp ? run_xdp(probe, &frame) : run_tc(probe, &frame);
	if (dropped < 0)
		return error_set_errno(error, dropped, "the kernel does not run the program");
	*ret_is_dropped = dropped;
	*ret_bytes = frame.length - (probe->is_l3 ? PROBE_ETHERNET : 0);
	return 0;
}

/* bpf_prog_test_run_skb() takes the first 14 bytes for an Ethernet header, whatever the program: of
 * an IP header two bytes of the source are where it looks for the protocol then. */
static size_t protocol_in_source(const struct prefix *saddr)
{
	return saddr->family == 4 ? 0 : 4;
}

static const __u8 *protocol_bytes(const struct prefix *saddr)
{
	static const __u8 ipv4[] = { 0x08, 0x00 }, ipv6[] = { 0x86, 0xdd };

	return saddr->family == 4 ? ipv4 : ipv6;
}

struct prefix probe_source(const struct probe *probe, const struct prefix *saddr)
{
	struct prefix source = *saddr;

	if (probe->is_l3)
		memcpy(source.addr + protocol_in_source(saddr), protocol_bytes(saddr), 2);
	return source;
}

/* ---- what was counted ------------------------------------------------------------------------ */

static void note_counted(struct counter_ids *ids, __u32 id, struct probe_counted *counted)
{
	struct combined_counter combined;

	if (id < COUNTER_FIRST) {
		counted->reason = id % COUNTER_IPV6;
	} else if (ids && counter_ids_split(ids, id, &combined)) {
		*counted = (struct probe_counted){ combined.reason % COUNTER_IPV6, combined.port,
						   combined.rule };
	} else if (ids && counter_ids_is_wide(ids, id)) {
		counted->port = id;
	} else {
		counted->rule = id;
	}
}

int probe_read_counted(const struct probe *probe, struct counter_ids *ids,
		       struct probe_counted *ret, struct error *error)
{
	*ret = (struct probe_counted){ REASON_NONE };
	for (__u32 id = 0; id < LIMIT_COUNTERS; id++) {
		if (!probe->of->of[id].packets)
			continue;
		note_counted(ids, id, ret);
		probe->of->of[id] = (struct counter){};
	}
	return ret->reason ? 0 : error_set(error, -EPROTO, "the program decided without a reason");
}

int probe_uncount(struct kernel *kernel, const struct probe_packet *packet,
		  const struct probe_counted *counted, size_t bytes, struct error *error)
{
	__u32 reason = COUNTER_OF_REASON(counted->reason, packet->saddr.family == 6);
	const struct counter less = { .packets = -1ull, .bytes = -(__u64)bytes };
	int err = kernel_map_counters(kernel, error);

	if (err < 0)
		return err;
	kernel_add_to_counter(kernel, reason, &less);
	if (counted->port)
		kernel_add_to_counter(kernel, counted->port, &less);
	if (counted->rule)
		kernel_add_to_counter(kernel, counted->rule, &less);
	return 0;
}

/* ---- who else is there -------------------------------------------------------------------------
 */

static char *program_text(__u32 id)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	char *text = NULL;

	if (fd >= 0)
		(void)bpf_obj_get_info_by_fd(fd, &info, &size);
	return asprintf(&text, "'%s' (id %u)", info.name, id) < 0 ? NULL : text;
}

/* tcx comes before clsact. */
static char *find_in_tcx(const struct attachment *attachment)
{
	__u32 ids[64] = {}, count = ARRAY_SIZE(ids);

	if (bpf_prog_query(attachment->ifindex, ATTACH_TCX_INGRESS, 0, NULL, ids, &count) < 0 ||
	    !count || ids[0] == attachment->program_id)
		return NULL;
	return program_text(ids[0]);
}

static char *find_in_clsact(const struct attachment *attachment)
{
	struct netdev_filter first;
	char *text = NULL;

	if (netdev_first_filter(attachment->ifindex, &first) <= 0 ||
	    (first.handle == CLSACT_HANDLE && first.priority == CLSACT_PRIORITY))
		return NULL;
	return asprintf(&text, "'%s' (priority %u, handle %u)", first.kind, first.priority,
			first.handle) < 0
		       ? NULL
		       : text;
}

char *probe_find_in_front(const struct attachment *attachment)
{
	char *text = NULL;

	if (attachment->hook == HOOK_TCX || attachment->hook == HOOK_CLSACT)
		text = find_in_tcx(attachment);
	if (!text && attachment->hook == HOOK_CLSACT)
		text = find_in_clsact(attachment);
	return text;
}

char *probe_find_before(const struct attachment *attachment)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	__u32 id;

	if ((attachment->hook != HOOK_TCX && attachment->hook != HOOK_CLSACT) ||
	    bpf_xdp_query(attachment->ifindex, 0, &query) < 0)
		return NULL;
	/* With several of them it names none; there is one where packets of the wire come in. */
	id = query.prog_id ?: query.hw_prog_id ?: query.drv_prog_id ?: query.skb_prog_id;
	return id ? program_text(id) : NULL;
}
