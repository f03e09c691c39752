#!/bin/bash
# A virtual machine gets a processor more while the filter is attached.  What is loaded later, by
# `up`, for another hook or by the daemon, goes on with the maps that are there; and the new
# processor filters, though it has no counters.
. "$(dirname "$0")/lib.sh"

present=/sys/devices/system/cpu/present

network_up
engine_start
publish cache -p 6379:6379
configure </dev/null

echo 0 >/run/present
mount --bind /run/present $present
expect "tidegate up succeeds with one processor" tidegate up
umount $present
if [ "$(cat $present)" = 0 ]; then
	echo 0-1 >/run/present
	mount --bind /run/present $present
fi

because="with more processors than there were"
expect "tidegate up succeeds, $because" tidegate up
expect "a program for another hook is loaded, $because" tidegate up --hook tcx
expect "status is green, $because" tidegate status
daemon_start
expect "the daemon follows, $because" tidegate status
daemon_stop
expect_closed stranger $host4 6379/tcp
for cpu in $(seq 0 $(($(nproc) - 1))); do
	because="asked by processor $cpu"
	taskset -p -c "$cpu" $$ >/dev/null
	expect_closed stranger $host4 6379/tcp
done

expect "tidegate down succeeds" tidegate down
expect "the next tidegate up has counters for each" tidegate up
elements=$(bpftool -j map show pinned /sys/fs/bpf/tidegate/maps/counters | jq .max_entries)
last=$(cat $present)
expect_equal "one element for each processor, and one" "$elements" $((${last##*[-,]} + 2))
