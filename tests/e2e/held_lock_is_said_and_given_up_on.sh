#!/bin/bash
# Whoever waits for the lock says for whom after a second, and gives up after half a minute with
# nothing changed.
. "$(dirname "$0")/lib.sh"

network_up
configure <<<"docker off"
expect "tidegate up succeeds" tidegate up

flock /run/tidegate/lock sleep infinity &
holder=$!
locked() { ! flock --nonblock /run/tidegate/lock true; }
eventually 5 locked || die "the lock is held"

started=$SECONDS
tidegate ban 203.0.113.9 2>/run/ban &
ban=$!
tidegate --force reload 2>/run/reload &
reload=$!
sleep 2
expect "after two seconds it has said what it waits for" \
	grep -q "waiting for .flock .*(pid $holder).*/run/tidegate/lock" /run/ban
expect "status needs no lock" timeout 5 "$tidegate" status
is_over() { ! kill -0 "$1" 2>/dev/null; }
expect "the ban gives up" eventually 40 is_over "$ban"
expect "after half a minute" test $((SECONDS - started)) -ge 29
wait "$ban"
expect_equal "with exit status 1" $? 1
expect "and says who holds the lock" grep -q "nothing was changed.*pid $holder" /run/ban
expect_not "nothing was changed" grep -q ban $config
wait "$reload"
expect_equal "a reload gives up as well" $? 1

tidegate ban 203.0.113.9 2>/run/ban &
ban=$!
sleep 2
kill "$(pgrep -P "$holder")" && wait "$holder"
wait "$ban"
expect_equal "who waits gets the lock when it is free" $? 0
expect "and does its work" grep -q "^ban 203.0.113.9$" <(tidegate bans)
