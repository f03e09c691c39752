#!/bin/bash
# The daemon only follows what changes.  Killed, it leaves a filter that enforces what it
# knew and drops what it does not know; the command line works without it; its successor
# takes over without a gap.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache -p 6379:6379
publish web -p 8080:80

because="without tidegate"
expect_open stranger $host4 6379/tcp 8080/tcp
expect_open stranger $host6 6379/tcp

configure <<<"allow 8080/tcp"
expect "tidegate up succeeds" tidegate up
daemon_start
because="with the daemon"
expect_closed stranger $host4 6379/tcp
expect_open stranger $host4 8080/tcp

watch_start tcp stranger $host4 6379/tcp
watch_start tcp6 stranger $host6 6379/tcp
daemon_kill
because="the daemon was killed"
expect_closed stranger $host4 6379/tcp
expect_closed stranger $host6 6379/tcp
expect_open stranger $host4 8080/tcp

publish late -p 7777:80 -p 5353:53/udp
docker run -d --name ephemeral -P --expose 80 probe /bin/probe serve tcp:80 >/dev/null
expect "a container with a port of Docker's choice serves" eventually 10 is_serving ephemeral tcp:80
ephemeral=$(docker port ephemeral 80/tcp | sed -n 's/^0.0.0.0://p')
because="published while nobody looked"
expect_open host $host4 7777/tcp "$ephemeral"
expect_closed stranger $host4 7777/tcp 5353/udp "$ephemeral/tcp"
expect_closed stranger $host6 7777/tcp 5353/udp
said=$(tidegate status)
expect "status says that the policy is out of date" grep -q "out of date" <<<"$said"
expect_not "and takes what is closed until it is not for no fault" grep -q "against" <<<"$said"

expect "tidegate allow works without the daemon" tidegate allow 7777/tcp from $office4
because="allowed without the daemon"
expect_open office $host4 7777/tcp
expect_closed stranger $host4 7777/tcp

daemon_start
daemon_stop
daemon_start
because="with the daemon again"
expect_closed stranger $host4 6379/tcp 5353/udp "$ephemeral/tcp"
expect_open office $host4 7777/tcp
expect_open stranger $host4 8080/tcp
expect_nothing_got_in "all the time" tcp tcp6
