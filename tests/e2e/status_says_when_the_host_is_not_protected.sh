#!/bin/bash
# Promise 8: tidegate never fails silently.  `tidegate status` succeeds when the filter is
# attached, enforcing and fresh, and in no other case.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache -p 6379:6379

configure </dev/null
because="without tidegate"
expect_open stranger $host4 6379/tcp
expect_not "status fails before anything was started" tidegate status
expect_not "so does status --json" tidegate status --json

expect "tidegate up succeeds" tidegate up
daemon_start
expect "status succeeds when the filter enforces" tidegate status
expect "status --json is JSON" sh -c "'$tidegate' status --json | jq -e ."
expect "status names the guarded interface" sh -c "'$tidegate' status | grep -w eth0"
because="status is green"
expect_closed stranger $host4 6379/tcp

expect "audit mode can be entered" tidegate up --audit
expect_not "status fails in audit mode" tidegate status
because="in audit mode"
expect_open stranger $host4 6379/tcp
expect "audit mode can be left" tidegate up
expect "status succeeds again" tidegate status
because="enforcing again"
expect_closed stranger $host4 6379/tcp

daemon_kill
expect_not "status fails when the daemon was killed" tidegate status
because="the daemon was killed"
expect_closed stranger $host4 6379/tcp
daemon_start

ip link add eth1 type veth peer name eth1 netns outside
ip link set eth1 up
expect "an interface may be there that nobody wants guarded" tidegate status
configure <<<"interface eth0 eth7"
configure_interfaces() { printf 'interface eth0 eth7\n' >"$config"; }
configure_interfaces
tidegate reload >/dev/null 2>&1
expect_not "status fails when an interface of the configuration is not there" tidegate status
configure </dev/null
expect "reload succeeds" tidegate reload
expect "status succeeds with the interfaces that are there" eventually 5 "$tidegate" status

engine_stop
expect "status says that Docker does not answer" eventually 10 \
	sh -c "'$tidegate' status 2>&1 | grep -i docker"

daemon_stop
expect "tidegate down succeeds" tidegate down
expect_not "status fails after down" tidegate status
