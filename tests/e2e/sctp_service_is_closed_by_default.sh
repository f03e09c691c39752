#!/bin/bash
# Promise 1 for SCTP.  docker-proxy opens an SCTP socket for the host port, which a kernel
# without SCTP refuses, so that a container with such a port cannot start here.  It can be
# created: then the Engine's API tells the same of it.  The rules that Docker would have
# installed are put in by hand, towards a second container that serves the port.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish server --expose 9999/sctp
image probe
docker create --name diameter -p 3868:9999/sctp probe /bin/probe serve sctp:9999 >/dev/null
server=$(container_address server)
iptables -t nat -A DOCKER ! -i docker0 -p sctp -m sctp --dport 3868 -j DNAT \
	--to-destination "$server:9999"
iptables -A DOCKER -d "$server/32" ! -i docker0 -o docker0 -p sctp -m sctp --dport 9999 -j ACCEPT

because="without tidegate"
expect_open stranger $host4 3868/sctp
because="nobody serves it"
expect_refused stranger $host4 3869/sctp

configure </dev/null
expect "tidegate up succeeds" tidegate up
because="nothing allows it"
expect_closed stranger $host4 3868/sctp
because="not published"
expect_refused stranger $host4 3869/sctp

expect "an address can be allowed" tidegate allow 3868/sctp from $office4
because="allowed from the office"
expect_open office $host4 3868/sctp
because="the allow names another source"
expect_closed stranger $host4 3868/sctp
