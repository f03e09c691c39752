/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bindwatch.bpf.c: sees Docker bind a port on this host, -P ports included, and notes it before
 * anybody can connect.  Attached to the root of the control groups, so it runs for every
 * bind of the machine, before and after the fact, and always lets it be.
 *
 * What Docker binds is published, or will be in a moment: docker-proxy holds a port for as
 * long as it is published; without the proxy, and since Engine 28 with it, dockerd does.
 * SCTP sockets bind themselves past this hook (net/ipv4/af_inet.c, inet_bind_sk()).
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "map_values.h"
#include "policy_image.h"
#include "held.h"
#include "bound.h"

#define SOCK_STREAM   1
#define SOCK_DGRAM    2
#define IPPROTO_TCP   6
#define IPPROTO_UDP   17
#define CAP_NET_ADMIN 12

/* The network namespace that is guarded.  Containers bind ports as well, in theirs. */
const volatile __u64 netns_cookie = 0;

/* Since 6.2. */
void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

char LICENSE[] SEC("license") = "GPL";

/* Compared by words: a loop over bytes multiplies what the verifier has to follow. */
union comm {
	char text[16]; /* TASK_COMM_LEN, the rest zero */
	__u64 words[2];
};

static __always_inline bool is_same_comm(const union comm *a, const union comm *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

/*
 * What Docker needs for its networks, and a container in the host's network has not: who has it
 * can close each port of the host without us.  Counted in the user namespace of the machine, as
 * in one of one's own everybody has it.
 */
static __always_inline bool is_net_admin(void)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();
	const struct cred *cred = BPF_CORE_READ(task, cred);
	kernel_cap_t caps = {};

	if (BPF_CORE_READ(cred, user_ns, level) != 0)
		return false;
	bpf_core_read(&caps, sizeof(caps), &cred->cap_effective);
	/* In which of them the lower ones are is a matter of the byte order.  The upper ones
	 * have no such bit. */
	return (caps.words[0] | caps.words[1]) & (1u << CAP_NET_ADMIN);
}

/* Anybody takes a name: first, because it says no of nearly all processes. */
static __always_inline __u32 bound_by(void)
{
	const union comm proxy = { "docker-proxy" }, engine = { "dockerd" };
	union comm comm = {};
	__u32 by;

	bpf_get_current_comm(comm.text, sizeof(comm.text));
	if (is_same_comm(&comm, &proxy))
		by = BOUND_BY_PROXY;
	else if (is_same_comm(&comm, &engine))
		by = BOUND_BY_ENGINE;
	else
		return 0;
	return is_net_admin() ? by : 0;
}

/* The API, with and without TLS, and what the nodes of a swarm say to each other. */
static __always_inline bool is_engine_port(__u8 proto, __u16 port)
{
	if (proto == IPPROTO_UDP)
		return port == 7946 || port == 4789;
	return port == 2375 || port == 2376 || port == 2377 || port == 7946;
}

/* TCP also under the name of MPTCP; 0 = without ports, or ports of another kind. */
static __always_inline __u8 proto_of(__u32 type, __u32 protocol)
{
	if (type == SOCK_STREAM)
		return IPPROTO_TCP;
	return type == SOCK_DGRAM && protocol == IPPROTO_UDP ? IPPROTO_UDP : 0;
}

/* Behind the entry in the hash for every processor: only one that fetches is ordered, and the
 * compiler takes another where the result is of no use. */
static __always_inline void mark_in(__u32 *word, __u32 bit)
{
	__u32 before = __sync_fetch_and_or(word, bit);

	barrier_var(before);
}

static __always_inline void mark(const struct bound_key *key)
{
	__u32 word = BOUND_WORD(key->proto == IPPROTO_UDP ? PROTO_UDP : PROTO_TCP, key->port);
	struct bound_marks *ports = bound_marks_of();

	if (!ports || word >= BOUND_WORDS)
		return;
	mark_in(&ports->bits[0][word], BOUND_BIT(key->port));
	mark_in(&ports->bits[1][word], BOUND_BIT(key->port));
}

static __always_inline bool is_every(const struct bound_key *key)
{
	return !(key->addr[0] | key->addr[1] | key->addr[2] | key->addr[3]);
}

static __always_inline long note(const struct bound_key *key, const struct bound_value *value)
{
	long err = is_every(key) ? bpf_map_update_elem(&bound_ports, key, value, BPF_ANY)
				 : bpf_map_update_elem(&bound_ports_at, key, value, BPF_ANY);

	mark(key);
	return err;
}

static __always_inline void note_bound(struct bpf_sock *sk, const struct bound_key *key, __u32 by)
{
	struct bound_value value = { .bound_ns = bpf_ktime_get_coarse_ns(),
				     .by = by,
				     .flags = BOUND_COOKIE(bpf_get_socket_cookie(sk)) };
	struct bound_key every = { .family = key->family, .proto = key->proto, .port = key->port };

	if (note(key, &value) == 0 || is_every(key))
		return;
	value.flags = BOUND_WIDENED;
	(void)note(&every, &value);
}

/* Who binds, if it is Docker's, here, and not for itself; fills in all but the address. */
static __always_inline __u32 begin(struct bpf_sock *sk, struct bound_key *key)
{
	__u32 by = bound_by();

	if (!by || bpf_get_netns_cookie(sk) != netns_cookie)
		return 0;
	key->proto = proto_of(sk->type, sk->protocol);
	key->port = sk->src_port;
	if (!key->proto || (by == BOUND_BY_ENGINE && is_engine_port(key->proto, key->port)))
		return 0;
	return by;
}

static __always_inline void note_ipv4(struct bpf_sock *sk, struct bound_key *key, __be32 addr,
				      __u32 by)
{
	if ((addr & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000))
		return;
	key->family = 4;
	key->addr[0] = addr;
	note_bound(sk, key, by);
}

/* The names of the programs and of their pins are those of before, by which kernel_adopt() and an
 * upgrade know them. */
SEC("cgroup/post_bind4")
int learn_bind4(struct bpf_sock *sk)
{
	struct bound_key key = {};
	__u32 by = begin(sk, &key);

	if (by)
		note_ipv4(sk, &key, sk->src_ip4, by);
	return 1;
}

/* A socket on :: takes IPv4 as well unless told not to.  Where we cannot look, we believe
 * that it does: the port is then closed for both. */
static __always_inline bool is_ipv6only(struct bpf_sock *ctx)
{
	struct sock *sk;

	if (!bpf_cast_to_kern_ctx)
		return false;
	sk = bpf_cast_to_kern_ctx(ctx);
	return BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only);
}

static __always_inline void note_ipv6(struct bpf_sock *sk, struct bound_key *key, __u32 by)
{
	__be32 a = sk->src_ip6[0], b = sk->src_ip6[1], c = sk->src_ip6[2], d = sk->src_ip6[3];

	/* IPv4 written as IPv6, RFC 4291 2.5.5.2. */
	if (!a && !b && c == bpf_htonl(0xffff)) {
		note_ipv4(sk, key, d, by);
		return;
	}
	if (!a && !b && !c && d == bpf_htonl(1))
		return;
	if (!a && !b && !c && !d && !is_ipv6only(sk))
		note_ipv4(sk, key, 0, by);
	key->family = 6;
	key->addr[0] = a;
	key->addr[1] = b;
	key->addr[2] = c;
	key->addr[3] = d;
	note_bound(sk, key, by);
}

SEC("cgroup/post_bind6")
int learn_bind6(struct bpf_sock *sk)
{
	struct bound_key key = {};
	__u32 by = begin(sk, &key);

	if (by)
		note_ipv6(sk, &key, by);
	return 1;
}

/* ---- before ------------------------------------------------------------------------------- */

/*
 * A UDP socket is found by packets before the programs above run, so its port is noted when it is
 * asked for as well.  Not where somebody else receives what is sent there: Docker will not get it,
 * and what it does not get it does not close.  It may fail for another reason: so it counts for a
 * moment only, unless it was Docker's before and not forgotten yet.
 */
static __always_inline bool try_port(const struct bpf_sock *sk, const struct bound_key *key)
{
	struct bound_value value = { .bound_ns = bpf_ktime_get_coarse_ns(), .by = BOUND_PENDING };
	const struct bound_value *known = is_every(key) ? bpf_map_lookup_elem(&bound_ports, key)
							: bpf_map_lookup_elem(&bound_ports_at, key);

	if (is_held(sk, key))
		return false;
	if (known) {
		value.by = known->by;
		value.flags = known->flags;
	}
	/* Where there is no room, it is noted once it is bound. */
	(void)note(key, &value);
	return true;
}

/*
 * Between the last look of bpf/socket.bpf.c and the socket's being found a packet takes a fraction
 * of a microsecond, and longer where an interrupt comes in between.  One that was looked at just
 * before is through when this is over.
 */
#define SETTLE_NS    100000
#define SETTLE_TURNS 10000

static long is_settled(__u64 turn, void *arg)
{
	const __u64 *until_ns = arg;

	return bpf_ktime_get_ns() >= *until_ns;
}

static __always_inline void settle(void)
{
	__u64 until_ns = bpf_ktime_get_ns() + SETTLE_NS;

	bpf_loop(SETTLE_TURNS, is_settled, &until_ns, 0);
}

static __always_inline bool begin_try(struct bpf_sock_addr *ctx, struct bound_key *key)
{
	__u32 by = bound_by();

	if (!by || bpf_get_netns_cookie(ctx) != netns_cookie)
		return false;
	key->proto = proto_of(ctx->type, ctx->protocol);
	key->port = bpf_ntohs(ctx->user_port);
	return key->proto == IPPROTO_UDP && key->port &&
	       !(by == BOUND_BY_ENGINE && is_engine_port(key->proto, key->port));
}

SEC("cgroup/bind4")
int learn_try4(struct bpf_sock_addr *ctx)
{
	struct bound_key key = { .family = 4 };

	if (!begin_try(ctx, &key))
		return 1;
	key.addr[0] = ctx->user_ip4;
	if (try_port(ctx->sk, &key))
		settle();
	return 1;
}

/* Whether it takes IPv4 as well is not asked: for a moment it does not matter. */
SEC("cgroup/bind6")
int learn_try6(struct bpf_sock_addr *ctx)
{
	__be32 a = ctx->user_ip6[0], b = ctx->user_ip6[1], c = ctx->user_ip6[2];
	__be32 d = ctx->user_ip6[3];
	struct bound_key key = { .family = 4 };
	bool is_noted = false;

	if (!begin_try(ctx, &key))
		return 1;
	if (!a && !b && (c == bpf_htonl(0xffff) || (!c && !d))) {
		key.addr[0] = d;
		is_noted = try_port(ctx->sk, &key);
	}
	key.family = 6;
	key.addr[0] = a;
	key.addr[1] = b;
	key.addr[2] = c;
	key.addr[3] = d;
	is_noted |= try_port(ctx->sk, &key);
	if (is_noted)
		settle();
	return 1;
}
