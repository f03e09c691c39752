#!/bin/bash
# A connection that was cut stays cut when connection tracking loses sight of it, or never had it: the
# next packet that the service sends of its own (a keepalive, a retransmission) is picked up in
# mid-stream, and looks as if this host had begun the flow.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish web -p 8080:80
# A service that speaks on its own, published under its own number, which masquerading keeps.
image probe
docker run -d --name ticker -p 81:81 probe /bin/busybox nc -ll -p 81 -e /bin/busybox sh -c \
	'while busybox sleep 0.5; do echo tick; done' >/dev/null

# `conntrack -F`, which people type to cut flows.
forget_flows() {
	/usr/bin/python3 - <<-'END'
		import socket, struct
		netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
		netlink.send(struct.pack('=IHHII', 20, 0x102, 5, 1, 0) + bytes(4))
		assert netlink.recv(4096)[16:20] == bytes(4)
	END
}

listen_to() {
	outside /usr/bin/python3 - $stranger4 $host4 >/run/ticks 2>&1 <<-'END' &
		import socket, sys
		service = socket.socket()
		service.bind((sys.argv[1], 0))
		service.connect((sys.argv[2], 81))
		for _ in range(1000):
		    print(service.recv(100), flush=True)
	END
}
ticks() { wc -l </run/ticks; }
hears() { local before=$1; [ "$(ticks)" -gt "$before" ]; }

flow_start before stranger $host6 8080/tcp
expect_flow before open "without tidegate"
listen_to
expect "the service speaks" eventually 5 hears 1

configure <<<"allow 81/tcp"
expect "tidegate up succeeds" tidegate up
expect_flow before closed "which was open before over IPv6"
expect "the service still speaks, because it is allowed" eventually 5 hears "$(ticks)"
expect "the allow is taken back" tidegate delete allow 81/tcp
sleep 1
before=$(ticks)
sleep 2
expect_equal "the service is not heard" "$(ticks)" "$before"
expect "connection tracking forgets all" forget_flows
# docker-proxy asks after 15 s whether its peer is there, and retransmissions come ever later.
sleep 25
expect_equal "the service is still not heard, whose retransmission was picked up" "$(ticks)" "$before"
expect "conntrack takes that for the container's own doing" \
	grep -q 'sport=81 .*dport=81 ' /proc/net/nf_conntrack
expect_flow before closed "whose keepalive was picked up"
expect "conntrack takes that for this host's own doing" \
	grep -q "ipv6.* sport=8080 dport=[0-9]* .*dport=8080 " /proc/net/nf_conntrack

expect "tidegate down succeeds" tidegate down
because="after tidegate down"
expect_open stranger $host6 8080/tcp
