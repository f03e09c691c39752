#!/bin/bash
# Promise 7, with a daemon that applies the file as soon as it is saved: a trial of that text
# goes back to what enforced before the edit, not to what the daemon took from the file meanwhile.
. "$(dirname "$0")/lib.sh"

# file WHO [COMMENT]: only they may reach the service.
file() {
	printf '%s\n' "# ${2-}" "docker off" "allow 6379/tcp from $(address "$1" 4)" >/run/new
	configure </run/new
}

network_up
"$probe" serve tcp:6379 >/dev/null &
file stranger
expect "tidegate up succeeds" tidegate up
daemon_start
because="a person's word"
expect_open stranger $host4 6379/tcp

file office
because="the daemon has seen the new file"
becomes closed 5 stranger $host4 6379/tcp
expect "a trial of the text that enforces already" tidegate reload --confirm 3s
sleep 3.2
because="nobody confirmed: back to before the edit"
expect_open stranger $host4 6379/tcp
expect_closed office $host4 6379/tcp
says() { grep -q "$1" <("$tidegate" status); }
expect "status says so" eventually 5 says "not confirmed"
expect_not "and fails" tidegate status
kill -HUP "$daemon_pid"
sleep 1
because="the daemon does not take it from the file again"
expect_open stranger $host4 6379/tcp

file internet
becomes closed 5 stranger $host4 6379/tcp
file office "another text"
because="of two files, each saved a moment after the other"
becomes open 5 office $host4 6379/tcp
expect "the second is tried" tidegate reload --confirm 3s
sleep 3.2
because="nobody confirmed: back to before both"
expect_open stranger $host4 6379/tcp

expect "a person's word: reload" tidegate reload
because="that is what was asked for"
expect_open office $host4 6379/tcp
file stranger "once more"
because="the daemon has seen the new file"
becomes closed 5 office $host4 6379/tcp
expect "a trial" tidegate reload --confirm 3s
sleep 3.2
because="back to what the person wanted"
expect_open office $host4 6379/tcp

expect "a trial of the same" tidegate reload --confirm 3s
expect "confirmed" tidegate confirm
file internet "once more"
because="the daemon has seen the new file"
becomes closed 5 stranger $host4 6379/tcp
expect "a trial" tidegate reload --confirm 3s
sleep 3.2
because="back to what was confirmed"
expect_open stranger $host4 6379/tcp
