#!/bin/bash
# A rule that names a container keeps its meaning when the container is made anew with
# another address and another port; one that names the port never depended on it.  The
# opposite are rules by container address, which go stale.
. "$(dirname "$0")/lib.sh"

# recreate OPTIONS...: cache, but not where it was.
recreate() {
	docker rm -f cache >/dev/null
	publish "squatter$((squatters += 1))"
	publish cache "$@"
}
squatters=0

network_up
engine_start
publish cache -p 6379:6379
first=$(container_address cache)

because="without tidegate"
expect_open stranger $host4 6379/tcp
iptables -I DOCKER-USER -i eth0 -o docker0 -p tcp -m conntrack --ctstate NEW -j DROP
iptables -I DOCKER-USER -i eth0 -d "$first" -p tcp --dport 6379 -s $office4 -j RETURN
because="with a rule by the container's address"
expect_open office $host4 6379/tcp
expect_closed stranger $host4 6379/tcp
recreate -p 6379:6379
second=$(container_address cache)
expect "the container has another address ($first, now $second)" test "$first" != "$second"
because="with a rule by an address that is no longer the container's"
expect_closed office $host4 6379/tcp
iptables -F DOCKER-USER

configure <<EOT
allow container cache from $office4
allow 7000/tcp from $office4
EOT
expect "tidegate up succeeds" tidegate up
daemon_start
because="by a rule that names the container"
expect_open office $host4 6379/tcp
because="the rule names another source"
expect_closed stranger $host4 6379/tcp

recreate -p 6379:6379
because="made anew with another address"
becomes open 5 office $host4 6379/tcp
expect_closed stranger $host4 6379/tcp

recreate -p 6380:6379 -p 7000:80
because="made anew with another port"
becomes open 5 office $host4 6380/tcp
expect_closed stranger $host4 6380/tcp 7000/tcp
because="by a rule that names the port"
expect_open office $host4 7000/tcp

publish other -p 6379:6379
because="the port now belongs to another container"
expect_closed office $host4 6379/tcp
expect_closed stranger $host4 6379/tcp
