#!/bin/bash
# A network of Docker's that is made again while no daemon runs has a bridge that nobody has seen,
# and its containers' sources are known to be inside: they still reach this host.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
image probe
docker network create --subnet 172.30.0.0/16 again >/dev/null
configure </dev/null
expect "tidegate up succeeds" tidegate up
docker network rm again >/dev/null
docker network create --subnet 172.30.0.0/16 again >/dev/null

"$probe" serve udp:5353 tcp:7000 &
docker run -d --name one --network again probe /bin/probe serve tcp:80 >/dev/null ||
	die "a container of the new network starts"

because="from a container of the network made again"
expect_open container:one 172.30.0.1 5353/udp 7000/tcp
expect_open container:one $host4 5353/udp 7000/tcp
