#!/bin/bash
# Promise 3, the hard part: flows that this side began from a source port which is also a
# closed published port.  Their replies are addressed to the closed port.  The opposite is
# shown with the filter people write first, which drops by port and forgets who began.
. "$(dirname "$0")/lib.sh"

network_up
outside "$probe" serve tcp:80 udp:53 >/dev/null &
engine_start
publish cache -p 6379:6379 -p 5353:53/udp
publish client

# Docker's masquerading keeps the source port.  The host's own flows are opened before the
# port is published, because afterwards docker-proxy holds it.
from_published_ports() {
	asking=(-p 6379)
	"expect_$1" container:client $internet4 80/tcp
	asking=(-p 5353)
	"expect_$1" container:client $internet4 53/udp
	asking=()
}
flow_start host_tcp host $internet4 80/tcp -p 7777
flow_start host_udp host $internet4 53/udp -p 7778
flow_start host_tcp6 host $office6 80/tcp -p 7779
publish late -p 7777:80 -p 7779:80

because="from a published port's number, without a filter"
from_published_ports open
expect_flow host_tcp open "$because"
expect_flow host_udp open "$because"
expect_flow host_tcp6 open "$because"
because="without a filter"
expect_open stranger $host4 6379/tcp 5353/udp 7777/tcp

because="from a published port's number, with a filter that forgets who began"
iptables -t raw -A PREROUTING -i eth0 -p tcp -m multiport --dports 6379,7777 -j DROP
iptables -t raw -A PREROUTING -i eth0 -p udp -m multiport --dports 5353,7778 -j DROP
ip6tables -t raw -A PREROUTING -i eth0 -p tcp --dport 7779 -j DROP
from_published_ports closed
expect_flow host_tcp closed "$because"
expect_flow host_udp closed "$because"
expect_flow host_tcp6 closed "$because"
iptables -t raw -F
ip6tables -t raw -F

configure <<<"deny 7778/udp" # docker-proxy cannot publish a UDP port that is in use
TIDEGATE_WITHOUT=tracking expect "tidegate up succeeds, leaving connection tracking to others" \
	tidegate up
expect_flow host_tcp6 closed "nobody asked for connection tracking of IPv6"
expect "tidegate up asks for it" tidegate up
because="nothing allows it"
expect_closed stranger $host4 6379/tcp 5353/udp 7777/tcp
expect_closed stranger $host6 7779/tcp
because="from a published port's number, with tidegate"
from_published_ports open
expect_flow_recovers host_udp "$because"
flow_start tracked_tcp host $internet4 80/tcp -p 7781
flow_start tracked_tcp6 host $office6 80/tcp -p 7780
publish later -p 7780:80 -p 7781:80
expect "tidegate up closes one more port" tidegate up
expect_closed stranger $host6 7780/tcp
expect_closed stranger $host4 7781/tcp
expect_flow tracked_tcp open "$because"
expect_flow tracked_tcp6 open "$because"
# Who began these nobody can tell any more: it may as well be somebody outside.
for flow in host_tcp host_tcp6; do
	expect_flow $flow closed "which was there before the first tidegate up, at a port published since"
done

# Nobody here began these.
because="a packet from a port that nobody here asked"
asking=(-p 81)
expect_closed internet $host4 6379/tcp
asking=(-p 54)
expect_closed internet $host4 5353/udp
