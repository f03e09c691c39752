#!/bin/bash
# Promise 8: pins removed, or hidden by a mount, and programs detached by hand, while the daemon
# runs: nobody gets in, or for seconds at most, and all is in order again.  Without a daemon
# `status` says it, and each command works on what is attached, not on what it finds pinned.
. "$(dirname "$0")/lib.sh"

pins=/sys/fs/bpf/tidegate

is_green() { "$tidegate" status; }
state_id() { bpftool -j map show pinned $pins/maps/state | jq .id; }
link_ids() {
	local pin
	for pin in "$pins"/links/*; do
		echo "${pin##*/} $(bpftool -j link show pinned "$pin" | jq .id)"
	done
}
attached() { ip -d link show dev eth0 | grep -c 'prog/xdp'; }

network_up
engine_start
ip -n outside route add 172.16.0.0/12 via $host4
iptables -P FORWARD ACCEPT
publish cache -p 6379:6379
publish web -p 8080:80
configure <<<"allow 8080/tcp"

# ---- with a daemon ---------------------------------------------------------------------------------

daemon_start
state=$(state_id) links=$(link_ids)

because="the pins were removed"
watch_start tcp stranger $host4 6379/tcp
watch_start direct stranger 172.17.0.2 6379/tcp
sleep 0.3
rm -r $pins
expect "status is green within 5 s, $because" eventually 5 is_green
sleep 0.3
expect_nothing_got_in "$because" tcp direct
expect_equal "the maps are the same, $because" "$(state_id)" "$state"
expect_equal "the links are the same, $because" "$(link_ids)" "$links"
expect "the daemon says so, $because" grep -q "pins below '$pins' were missing" /run/tidegate.log
expect "an edit succeeds, $because" "$tidegate" allow 6379/tcp from $stranger4
expect_open stranger $host4 6379/tcp
expect "and is taken back, $because" "$tidegate" delete allow 6379/tcp from $stranger4
expect_closed stranger $host4 6379/tcp

because="a pin was removed"
rm $pins/links/*-xdp
expect "status is green within 5 s, $because" eventually 5 is_green
expect_equal "the links are the same, $because" "$(link_ids)" "$links"

because="a pin was removed again and again, at any moment of a round"
for ((i = 0; i < ${TIDEGATE_REMOVALS:-150}; i++)); do
	kill -HUP "$daemon_pid"
	sleep "0.0$((i % 6))$((i % 10))"
	rm -f $pins/links/*-xdp
done
expect "status is green within 5 s, $because" eventually 5 is_green
expect_equal "the links are the same, $because" "$(link_ids)" "$links"

because="a file system was mounted over them"
mount -t bpf none /sys/fs/bpf
expect "status is green within 5 s, $because" eventually 5 is_green
expect_equal "the maps are the same, $because" "$(state_id)" "$state"
expect "up succeeds, $because" "$tidegate" up
expect_equal "one program is attached, $because" "$(attached)" 1
expect "an edit succeeds, $because" "$tidegate" allow 6379/tcp from $stranger4
expect_open stranger $host4 6379/tcp
expect "and is taken back, $because" "$tidegate" delete allow 6379/tcp from $stranger4
expect_closed stranger $host4 6379/tcp
umount /sys/fs/bpf
because="it was unmounted"
expect "status is green within 5 s, $because" eventually 5 is_green
expect_closed stranger $host4 6379/tcp

because="it was detached by hand"
expect_not "ip cannot" ip link set dev eth0 xdp off
bpftool link detach pinned "$(echo $pins/links/*-xdp)"
becomes closed 5 stranger $host4 6379/tcp
expect "status is green within 5 s, $because" eventually 5 is_green
for link in learn-4 learn-socket; do
	bpftool link detach pinned $pins/links/$link
	expect "status is green within 5 s, $because: $link" eventually 5 is_green
done
"$tidegate" up --hook clsact 2>/dev/null
expect "status is green within 5 s, at clsact" eventually 5 is_green
tc filter del dev eth0 ingress
because="the filter of tc was deleted"
becomes closed 5 stranger $host4 6379/tcp
expect "status is green within 5 s, $because" eventually 5 is_green
watch_start tcp stranger $host4 6379/tcp
rm -r $pins
because="the pins were removed, at clsact"
expect "status is green within 5 s, $because" eventually 5 is_green
expect_nothing_got_in "$because" tcp
"$tidegate" up --hook xdp 2>/dev/null

because="an interface goes, and the pins do"
ip link add eth1 type veth peer name eth1 netns outside
ip link set eth1 up
sed -i 's/^interface .*/interface eth0 eth1/' "$config"
guards_both() { [ "$(find $pins/links -name '*-xdp*' | wc -l)" = 2 ]; }
expect "both are guarded until $because" eventually 10 guards_both
kill -STOP "$daemon_pid" # which holds the links
ip link delete eth1
rm -r $pins
expect "an edit succeeds, $because" "$tidegate" ban 203.0.113.9
expect_equal "no pin is made of a link without an interface, $because" "$(find $pins/links -name '0-*')" ""
kill -CONT "$daemon_pid"
sed -i 's/^interface .*/interface eth0/' "$config"
expect "status is green within 5 s, $because" eventually 5 is_green
daemon_stop

# ---- without one -------------------------------------------------------------------------------------

for command in "up" "down" "allow 6379/tcp from $stranger4" "up --hook tcx"; do
	"$tidegate" down 2>/dev/null
	"$tidegate" up 2>/dev/null
	state=$(state_id)
	mount -t bpf none /sys/fs/bpf
	because="without a daemon, before $command"
	expect_not "status is red, $because" "$tidegate" status
	expect "it says that the pins are missing, $because" \
		sh -c "'$tidegate' --json status | jq -e '.problems | any(test(\"its pins are missing\"))'"
	expect_closed stranger $host4 6379/tcp
	because="without a daemon, after $command"
	"$tidegate" $command >/run/answer 2>&1
	expect_equal "it succeeds, $because" $? 0
	expect_not "nothing is said of another tool, $because" grep -q 'another tool' /run/answer
	case $command in
	down)
		expect_open stranger $host4 6379/tcp
		expect_equal "no program is attached, $because" "$(attached)" 0
		;;
	allow*)
		expect_open stranger $host4 6379/tcp
		expect_equal "the maps are the same, $because" "$(state_id)" "$state"
		expect "status is green, $because" "$tidegate" status
		"$tidegate" delete allow 6379/tcp from $stranger4 2>/dev/null
		;;
	*)
		expect_closed stranger $host4 6379/tcp
		expect_equal "the maps are the same, $because" "$(state_id)" "$state"
		expect "status is green, $because" "$tidegate" status
		;;
	esac
	"$tidegate" down 2>/dev/null
	umount /sys/fs/bpf
	expect_equal "down leaves nothing attached" "$(attached)" 0
done
