#!/bin/bash
# Promise 4: while the policy is replaced, again and again, nobody gets in who may not, and
# nobody who may is kept out.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache -p 6379:6379 -p 5353:53/udp
publish web -p 8080:80

because="without tidegate"
watch_start before stranger $host4 6379/tcp
sleep 0.3
expect_some_got_in "$because" before

configure <<<"allow 8080/tcp"
expect "tidegate up succeeds" tidegate up
daemon_start
because="with tidegate"
expect_closed stranger $host4 6379/tcp 5353/udp
expect_open stranger $host4 8080/tcp

watch_start tcp stranger $host4 6379/tcp
watch_start udp stranger $host4 5353/udp
watch_start tcp6 stranger $host6 6379/tcp
watch_start allowed stranger $host4 8080/tcp
flow_start web stranger $host4 8080/tcp
rounds=0 failed=0
for round in {1..20}; do
	{
		echo "interface eth0"
		echo "allow 8080/tcp"
		for i in $(seq "$round"); do
			echo "allow $((20000 + i))/tcp from 198.51.100.$i"
		done
		[ $((round % 2)) = 0 ] || echo "allow 6379/tcp from $office4"
	} >"$config"
	tidegate reload || failed=$((failed + 1))
	rounds=$round
done 2>/run/reload.log
sleep 0.6
expect_equal "each of $rounds reloads succeeds" $failed 0
expect_flow web open "through all of them"
expect_nothing_got_in "through all of them" tcp udp tcp6
watch_stop allowed
# Those of the last moment may still be under way.
expect "what is allowed always got in ($answered of $sent)" \
	test "$answered" -gt 100 -a "$answered" -ge $((sent - 60))

printf 'interface eth0\nallow 8080/tcpp\n' >"$config"
expect_not "a reload with a bad line fails" tidegate reload
because="the previous policy is kept"
expect_closed stranger $host4 6379/tcp
expect_open stranger $host4 8080/tcp
