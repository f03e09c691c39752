#!/bin/bash
# Promise 7: nobody is locked out by accident.  A policy on trial is taken back by the kernel
# when nobody confirms it, even when no user space is left to do it.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache -p 6379:6379
"$probe" serve tcp:22 >/dev/null &

because="without tidegate"
expect_open office $host4 6379/tcp 22/tcp
configure <<<"allow 6379/tcp from $office4"
expect "tidegate up succeeds" tidegate up
because="allowed by what is confirmed"
expect_open office $host4 6379/tcp 22/tcp

# Somebody closes everything, himself included.
printf 'interface eth0\ndefault deny all\n' >"$config"
expect "a policy can be put on trial" tidegate reload --confirm 4s
because="on trial"
expect_closed office $host4 6379/tcp 22/tcp
because="the trial is over and nobody confirmed"
becomes open 8 office $host4 22/tcp
expect_open office $host4 6379/tcp

# The same without anybody to take it back: no daemon runs, and no command is given.
printf 'interface eth0\ndefault deny all\nallow 22/tcp from %s\n' $office4 >"$config"
expect "another can be put on trial" tidegate reload --confirm 3s
expect "and confirmed" tidegate confirm
sleep 3.5
because="confirmed"
expect_open office $host4 22/tcp
expect_closed office $host4 6379/tcp
expect_closed stranger $host4 22/tcp 6379/tcp
