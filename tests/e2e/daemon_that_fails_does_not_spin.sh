#!/bin/bash
# Rounds that fail are tried again every five seconds, also when a rule has expired meanwhile; and what
# is right again is applied at once.
. "$(dirname "$0")/lib.sh"

# Of the daemon until now, in hundredths of a second: proc(5), fields 14 and 15.
cpu() { awk '{ print $14 + $15 }' "/proc/$daemon_pid/stat"; }

network_up
configure <<<"docker off
allow 80/tcp"
expect "tidegate up succeeds" tidegate up
daemon_start
until=$(date --utc --date='+8 seconds' +%Y-%m-%dT%H:%M:%SZ)
configure <<<"docker off
allow 81/tcp until $until
allow 80/tcp"
is_applied() { grep -q "allow $1" <<<"$("$tidegate" list 2>/dev/null)"; }
expect "a rule that expires is applied" eventually 5 is_applied 81/tcp
sleep 0.5
configure <<<"docker off
alow 80/tcp"
sleep 10
expect "the daemon has found the mistake" grep -q alow /run/tidegate.log
before=$(cpu)
sleep 10
spent=$(($(cpu) - before))
note "$spent hundredths of a second of CPU in 10 s"
expect "it takes less than 3 % of a CPU while it fails and the rule is past" test "$spent" -lt 30
configure <<<"docker off
allow 82/tcp"
expect "a file that is right again is applied within a second" eventually 1 is_applied 82/tcp
expect "status is green" eventually 2 "$tidegate" status
daemon_stop
