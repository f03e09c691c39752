#!/bin/bash
# clsact has no links: the pin and the attached program are two things, and `up` may be killed
# between them.  Whatever it leaves, the port stays closed, the next `up` takes it over, `status`
# is green then, and `down` takes it away.
. "$(dirname "$0")/lib.sh"

pins=/sys/fs/bpf/tidegate
next=$build/next/tidegate

attached() { tc filter show dev eth0 ingress | grep -c 'filter_tc'; }

# Each call attaches and replaces once more, killed a little later each time.
kill_up() {
	local build=$1 delay=$2
	"$build" up 2>/dev/null &
	sleep "$(printf '0.%03d' "$delay")"
	kill -KILL $! 2>/dev/null
	wait $! 2>/dev/null
}

network_up
engine_start
publish cache -p 6379:6379
configure </dev/null

# The three things that a kill can leave, made by hand, because it leaves them rarely.
for left in "the pin of another program" "no pin" "a pin under the other name"; do
	because="$left is left"
	expect "up succeeds" "$tidegate" up --hook clsact
	case $left in
	"no pin") rm $pins/links/*-clsact ;;
	"a pin under the other name") mv $pins/links/*-clsact "$(echo $pins/links/*-clsact)-new" ;;
	*)
		bpftool prog pin id "$(bpftool -j prog show pinned $pins/links/*-clsact | jq .id)" /sys/fs/bpf/before
		"$next" up 2>/dev/null
		mv /sys/fs/bpf/before "$(echo $pins/links/*-clsact)"
		;;
	esac
	expect_closed stranger $host4 6379/tcp
	expect "up succeeds, $because" "$tidegate" up --hook clsact
	expect_equal "one program is attached, $because" "$(attached)" 1
	expect "status is green, $because" "$tidegate" status
	expect "down succeeds, $because" "$tidegate" down
	expect_equal "no program is attached after down, $because" "$(attached)" 0
done

because="killed again and again"
expect "up succeeds" "$tidegate" up --hook clsact
watch_start tcp stranger $host4 6379/tcp
for ((delay = 100; delay < 900; delay += ${TIDEGATE_STEP:-40})); do
	kill_up "$next" $delay
	kill_up "$tidegate" $((900 - delay))
done
expect_nothing_got_in "$because" tcp
expect "up succeeds, $because" "$tidegate" up
expect_equal "one program is attached, $because" "$(attached)" 1
expect "status is green, $because" "$tidegate" status
expect "down succeeds, $because" "$tidegate" down
expect_equal "no program is attached after down, $because" "$(attached)" 0
