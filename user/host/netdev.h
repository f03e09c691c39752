/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netdev.h: this host's interfaces, addresses and listening sockets from the kernel, and
 * word of changes to them.  By rtnetlink and sock_diag.
 */
#ifndef TIDEGATE_NETDEV_H
#define TIDEGATE_NETDEV_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "addr/prefix.h"

struct netdev {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[16];       /* IFLA_INFO_KIND: "veth", "bridge", …; "" = a real device */
	unsigned short type; /* ARPHRD_* */
	int master;          /* ifindex, 0 = none */
	int link; /* ifindex of the lower device (VLAN, macvlan) or of a veth's other end, 0 = none
		     or not here */
	bool is_link_elsewhere; /* it is in another network namespace */
	bool has_default_route; /* of IPv4 or IPv6.  Read where a veth may be the way out */
	bool is_up;
	__u8 mac[6]; /* zero where it has no such address */
};

/* Whose a socket is.  Docker's, of dockerd or docker-proxy, means a published port, and not one of
 * the host's own. */
enum holder {
	HOLDER_UNKNOWN, /* nobody wants to know */
	HOLDER_ASKED,   /* see netdev_find_holders() */
	HOLDER_DOCKER,
	HOLDER_OTHER,
};

/* A local socket that listens (TCP) or is bound (UDP). */
struct listener {
	__u8 proto;
	struct prefix addr; /* length 0 = every address; one on :: that takes IPv4 as well is
			       listed twice, once for each family */
	unsigned short port;
	enum holder holder;
	unsigned long inode;
	__u64 cookie; /* no other socket has had it since the machine booted */
};

struct netdev_list {
	struct netdev *devices; /* by ifindex */
	size_t devices_count;
	struct prefix *addresses; /* full length, sorted, no duplicates; loopback ones left out */
	size_t addresses_count;
	struct prefix *groups; /* likewise: what else this host receives: the broadcast addresses
				  of its networks, and the groups it has joined, but for
				  solicited-node ones */
	size_t groups_count;
};

int netdev_read(struct netdev_list **ret);
const struct netdev *netdev_find(const struct netdev_list *list, const char *name);
const struct netdev *netdev_find_index(const struct netdev_list *list, int ifindex);

/*
 * "interface auto": a NIC that faces the outside: not lo, a bridge, tunnel, dummy, a bond's
 * member or a VLAN or macvlan of a device that is in the list (its frames are seen there; not so
 * those of MACsec).  A veth is one that leads to another network namespace and carries a default
 * route: where the machine itself is a container, its eth0 is one.
 */
bool netdev_is_outside(const struct netdev_list *list, const struct netdev *device);
/* A veth that would be outside with a default route, and is not yet. */
bool netdev_may_be_outside(const struct netdev *device);
/* A bridge, and a port of one that leads outside: not a VM's or container's, nor one that has its
 * other end here. */
bool netdev_is_bridge(const struct netdev *device);
bool netdev_is_outer_port(const struct netdev_list *list, const struct netdev *device);
/* A bridge that Docker made, by its name: docker0, docker_gwbridge, br-0123456789ab. */
bool netdev_is_docker_bridge(const struct netdev *device);
/* For people: "bridge", "NIC". */
const char *netdev_kind_text(const struct netdev *device);
/* Carries frames for others than this host: bridge port, or parent of a macvlan/ipvlan, or
 * one of its VLANs does.  A macvlan that was moved into a container is not in the list. */
bool netdev_is_shared(const struct netdev_list *list, const struct netdev *device);
/* Not a place to attach, but where the stack sees what came in by `ifindex`: a VLAN, macvlan or
 * VRF above it.  Not a bridge: what its other ports send looks the same. */
bool netdev_is_upper(const struct netdev_list *list, const struct netdev *device, int ifindex);
/* Is up, and gives what comes in to this host's own stack rather than to a bridge or bond. */
bool netdev_receives(const struct netdev_list *list, const struct netdev *device);
/* Has an Ethernet header. */
bool netdev_is_ethernet(const struct netdev *device);

/* Whether netfilter translates addresses of what comes in by the bridge's ports before the bridge's
 * own hooks see it (br_netfilter): of either family, for this bridge or for all. */
bool netdev_is_translated_early(const char *bridge);

/*
 * TCP and UDP sockets of this network namespace, by sock_diag, sorted by protocol, port and
 * address; with SO_REUSEPORT several are equal in all three.  SCTP is left out: asking would load
 * the protocol's module.  The holders are unknown.
 */
int netdev_read_listeners(struct listener **ret, size_t *ret_count);

/*
 * Finds the holders that are HOLDER_ASKED.  Looks into each of Docker's processes, of which there
 * is one for each published port: ask only where the answer changes something.  One that is closed
 * meanwhile counts as Docker's.
 */
int netdev_find_holders(struct listener *listeners, size_t count);

/* An established TCP connection of this network namespace. */
struct connection {
	struct prefix peer, local; /* full length */
	unsigned short port;       /* the local one */
	unsigned long inode;       /* of the socket */
};

/* Those that some process has accepted or made. */
int netdev_read_connections(struct connection **ret, size_t *ret_count);

/*
 * Leaves only those by which somebody is logged in by SSH: a process with CAP_NET_ADMIN that is
 * named sshd holds the socket, and none waits for a password; whoever guesses passwords is not to
 * keep himself from being banned.  Where no such process can be looked into, what is connected to
 * port 22.
 */
int netdev_keep_ssh(struct connection *connections, size_t *count);

/* A non-blocking netlink socket that becomes readable when links, addresses or default
 * routes change. */
int netdev_subscribe(int *ret_fd);
/* Empties it.  1 = something may have changed (an overrun counts), 0 = nothing, or -errno. */
int netdev_drain(int fd);

void netdev_list_free(struct netdev_list *list);
void netdev_list_freep(struct netdev_list **list);

/* A filter of tc at the ingress of an interface (filters.c). */
struct netdev_filter {
	char kind[16]; /* "bpf", "flower" */
	__u32 priority, handle;
};

/* The one that a packet meets first.  1 = there is one, 0 = none, or -errno. */
int netdev_first_filter(int ifindex, struct netdev_filter *ret);

#endif
