#!/bin/bash
# Promise 5: removing an allow cuts flows that are already open, on the next packet; so does
# a ban.  The opposite is what rules in DOCKER-USER do when they let established flows pass,
# as every guide has them.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache -p 6379:6379 -p 5353:53/udp
flow_start tcp office $host4 6379/tcp
flow_start udp office $host4 5353/udp
flow_start tcp6 office $host6 6379/tcp

because="without a filter"
expect_flow tcp open "$because"
expect_flow udp open "$because"
expect_flow tcp6 open "$because"

iptables -I DOCKER-USER -i eth0 -p tcp --dport 6379 -j DROP
iptables -I DOCKER-USER -i eth0 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
because="in DOCKER-USER"
expect_closed office $host4 6379/tcp
expect_flow tcp open "though closed for new ones $because"
iptables -F DOCKER-USER

configure <<EOT
allow 6379/tcp from $office4
allow 6379/tcp from $office6
allow 5353/udp from $office4
EOT
expect "tidegate up succeeds" tidegate up
expect_flow tcp open "allowed"
expect_flow udp open "allowed"
expect_flow tcp6 open "allowed, through docker-proxy"

expect "an allow can be deleted" tidegate delete allow 6379/tcp from $office4
expect_flow tcp closed "its allow is gone"
expect_flow tcp6 open "its allow is still there"
expect_flow udp open "its allow is still there"
expect "another can be deleted" tidegate delete allow 6379/tcp from $office6
expect_flow tcp6 closed "its allow is gone"
expect "another can be deleted" tidegate delete allow 5353/udp from $office4
expect_flow udp closed "its allow is gone"

expect "allowing it again succeeds" tidegate allow 6379/tcp from $office4
expect_flow_recovers tcp "allowed again"
expect "a ban succeeds" tidegate ban $office4
expect_flow tcp closed "its source is banned"
expect "an unban succeeds" tidegate unban $office4
expect_flow_recovers tcp "no longer banned"
