/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stage.c: namespaces, interfaces and programs.  Nothing outlives the process: the network
 * and mount namespaces are its own, and so is the BPF file system in them.
 */
#include "stage_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "flows.h"
#include "base/cleanup.h"

#define PIN_DIR "/sys/fs/bpf/tidegate"

struct error stage_error;

void die(const char *format, ...)
{
	va_list args;

	printf("Bail out! ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(": %s\n", strerror(errno));
	exit(1);
}

/* ---- interfaces ---------------------------------------------------------------------- */

static const char links_text[] = "link add veth0 mtu 9000 type veth peer name veth1 mtu 9000\n"
				 "link add vm0 type veth peer name vm1\n"
				 "link add docker0 type veth peer name docker1\n";

static const char addresses_text[] = "link set lo up\n"
				     "link set veth0 addrgenmode none\n"
				     "link set vm0 addrgenmode none\n"
				     "link set docker0 addrgenmode none\n"
				     "link set tun0 addrgenmode none\n"
				     "addr add 192.0.2.1/24 dev veth0\n"
				     "addr add 192.0.2.5/24 dev veth0\n"
				     "addr add 192.0.2.77/24 dev veth0\n"
				     "addr add 2001:db8::1/64 dev veth0 nodad\n"
				     "addr add 2001:db8::5/64 dev veth0 nodad\n"
				     "addr add 2001:db8::77/64 dev veth0 nodad\n"
				     "addr add 198.51.100.1/24 dev vm0\n"
				     "addr add 2001:db8:5::1/64 dev vm0 nodad\n"
				     "addr add 172.17.0.1/16 dev docker0\n"
				     "addr add 172.30.0.1/16 dev docker0\n"
				     "addr add fd00:17::1/64 dev docker0 nodad\n"
				     "addr add fd00:30::1/64 dev docker0 nodad\n"
				     "link set veth0 up\n"
				     "link set veth1 up\n"
				     "link set vm0 up\n"
				     "link set vm1 up\n"
				     "link set docker0 up\n"
				     "link set docker1 up\n"
				     "link set tun0 up\n"
				     "route add default via 192.0.2.254\n"
				     "route add default via 2001:db8::254\n";

static void write_sysctl(const char *name, const char *value)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	if (asprintf(&path, "/proc/sys/net/%s", name) < 0)
		die("no memory");
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		die("cannot write '%s'", path);
}

static int open_tun(void)
{
	struct ifreq request = { .ifr_flags = IFF_TUN, .ifr_name = "tun0" };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		die("cannot make tun0");
	return fd;
}

static int open_wire(void)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	addr.sll_ifindex = if_nametoindex("veth1");
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die("cannot open a socket on veth1");
	return fd;
}

static void run_ip(const char *text)
{
	FILE *ip = popen("ip -batch -", "w");

	if (!ip || fputs(text, ip) < 0 || pclose(ip) != 0)
		die("ip cannot set up the interfaces");
}

/* Nothing but what a row sends may reach a guarded interface: veth1 keeps quiet. */
static void make_interfaces(struct stage *stage)
{
	write_sysctl("ipv6/conf/default/disable_ipv6", "1");
	stage->tun_fd = open_tun();
	run_ip(links_text);
	write_sysctl("ipv6/conf/veth0/disable_ipv6", "0");
	write_sysctl("ipv6/conf/vm0/disable_ipv6", "0");
	write_sysctl("ipv6/conf/docker0/disable_ipv6", "0");
	write_sysctl("ipv6/conf/tun0/disable_ipv6", "0");
	run_ip(addresses_text);
	stage->wire_fd = open_wire();
	stage->veth = if_nametoindex("veth0");
	stage->tun = if_nametoindex("tun0");
}

void stage_set_forwarding(const char *value)
{
	write_sysctl("ipv4/conf/all/forwarding", value);
	write_sysctl("ipv4/conf/veth0/forwarding", value);
	write_sysctl("ipv4/conf/tun0/forwarding", value);
	write_sysctl("ipv6/conf/all/forwarding", value);
	write_sysctl("ipv6/conf/veth0/forwarding", value);
	write_sysctl("ipv6/conf/tun0/forwarding", value);
}

void stage_set_shared(const struct stage *stage, bool is_shared)
{
	struct interface interface = { .flags = is_shared ? INTERFACE_SHARED : 0 };
	const int *ifindexes[] = { &stage->veth, &stage->tun };

	for (size_t i = 0; i < ARRAY_SIZE(ifindexes); i++)
		if (bpf_map_update_elem(stage->kernel->interfaces_fd, ifindexes[i], &interface,
					BPF_ANY) < 0)
			die("cannot note an interface");
}

/* ---- programs --------------------------------------------------------------------------- */

#define ATTACH_TCX_INGRESS 46

/* The product would take XDP here; the point of this interface is what tc sees. */
static void attach_veth(struct stage *stage)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, opts);
	int program = kernel_program(stage->kernel, PROGRAM_TC, &stage_error);

	LIBBPF_OPTS(bpf_tc_hook, clsact, .ifindex = stage->veth, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = program);

	if (bpf_link_create(program, stage->veth, ATTACH_TCX_INGRESS, &opts) >= 0)
		return;
	/* Before 6.6. */
	if (bpf_tc_hook_create(&clsact) < 0 || bpf_tc_attach(&clsact, &filter) < 0)
		die("cannot attach to veth0");
}

static void attach_tun(struct stage *stage)
{
	struct attach_request request = { .ifindex = stage->tun };
	_cleanup_free_ char *note = NULL;
	enum hook_kind hook;

	if (kernel_attach(stage->kernel, &request, &hook, &note, &stage_error) < 0 ||
	    (hook != HOOK_TCX && hook != HOOK_CLSACT))
		die("cannot attach to tun0: %s", ERROR(&stage_error));
}

static void enter_namespaces(void)
{
	if (geteuid() != 0) {
		printf("1..0 # SKIP network namespaces and BPF need root\n");
		exit(77);
	}
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		die("cannot unshare");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=700") < 0)
		die("cannot mount a BPF file system");
}

struct stage *stage_open(void)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!stage)
		die("no memory");
	enter_namespaces();
	make_interfaces(stage);
	/* Frames have no checksums.  What conntrack calls invalid is unknown to the gate, which
	 * would count it a second time. */
	write_sysctl("netfilter/nf_conntrack_checksum", "0");
	flows_make();
	/* Not on the machine's control groups; scenes say themselves what Docker bound. */
	setenv("TIDEGATE_WITHOUT", "learn", 1);
	if (kernel_load(PIN_DIR, &stage->kernel, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	if (counter_ids_read(stage->kernel, &stage->ids, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	attach_veth(stage);
	attach_tun(stage);
	return stage;
}
