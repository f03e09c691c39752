# watch.sh: what it costs a flood's receiver that somebody watches.
#
# Two filters have the same policy and the same addresses, each in a namespace of its own; one of
# them is watched.  Their programs take turns before one flood on the interface of that one, as in
# against.sh.  The watcher has its place at the sender's CPU, ahead of the sender: one that gets no
# CPU is taken for dead, and nothing would have been measured.  What it says of packets, shown and not
# shown, has to be the packets that were dropped.  The tokens of both programs' turns go to its own,
# so that twice as many packets are told as in a flood that nothing interrupts.

watch_turns=$(choose 240 16)
watched=0 # instances, so far

# watch_pair NAME: both filters, with the policy on stdin.
watch_pair() {
	local policy
	policy=$(cat)
	contestant "$1"
	contestant "$1-alone"
	ip -n "$1" address add "$(address "$1-alone")/32" dev lo
	ip -n "$1-alone" address add "$(address "$1")/32" dev lo
	configure "$1" <<<"$policy"
	configure "$1-alone" <<<"$policy"
	filter "$1" --quiet up && filter "$1-alone" --quiet up || die "the filters do not come up"
}

# is_watched NAME: by the map of who listens, and until when.
is_watched() {
	bpftool -j map dump pinned "/sys/fs/bpf/$1/maps/listeners" |
		jq -e --argjson clock "$(cut -d' ' -f1 /proc/uptime)" 'any(.. | objects
			| select(has("until_ns")) | .until_ns; . > $clock * 1e9)' >/dev/null
}

# watch_cost NAME WHAT: of both programs under BPF_PROG_TEST_RUN, which has no token left for nearly
# all of its packets, so that none is told.
watch_cost() {
	local watched alone
	read -r watched alone < <(inside "$1" "$programs/cost" "$(address "$1")" $port outside \
		"$(program_id "$1")" "$(program_id "$1-alone")" | awk '{ printf "%s ", $3 } END { print "" }')
	record watch watched "$2, not told" "$watched" ns
	record watch nobody "$2, not told" "$alone" ns
}

# watch_turns_of NAME WHAT WATCH-OPTION...
watch_turns_of() {
	local name=$1 what=$2 out pid is_other ns processed slot=0 packets=0 told
	shift 2
	out=$work/watched.$((++watched))
	# Not through filter(): what is to be ended is the program itself.
	taskset -c $send_cpu chrt --fifo 60 nsenter --net="/run/netns/$name" "$tidegate" \
		--config "$work/$name.conf" --pin "/sys/fs/bpf/$name" watch "$@" >>"$out" 2>>"$out.talk" &
	pid=$!
	for _ in {1..50}; do
		is_watched "$name" && break
		sleep 0.1
	done
	is_watched "$name" || { fail "nobody watches $name"; kill $pid; return; }
	watch_cost "$name" "$what"
	sleep 1.5 # what was not told of these is said by then
	: >"$out"
	: >"$out.talk"
	while read -r is_other ns processed; do
		[ "$is_other" = 1 ] || packets=$((packets + processed))
		[ "$processed" -lt 1000 ] || if [ "$is_other" = 1 ]; then
			record watch nobody "$what" "$ns" ns $((slot / 2))
		else
			record watch watched "$what" "$ns" ns $((slot / 2))
		fi
		slot=$((slot + 1))
	done < <(flood "$name" from outside slots "$watch_turns" against "$(program_id "$name-alone")" \
		link "$(echo "/sys/fs/bpf/$name/links/"*-xdp)" | jq -r '"\(.is_other) \(.ns) \(.processed)"')
	[ "$slot" = "$watch_turns" ] || fail "no turns for $what"
	is_watched "$name" || fail "$what: who watches was taken for dead"
	sleep 1.5
	kill $pid
	wait $pid
	told=$(cat "$out" "$out.talk" | awk '/more$/ { n += $(NF - 1); next } /→/ { n++ } END { print n + 0 }')
	record watch "$what" told "$(jq -n "$told / $packets")" ratio
}

watch_pair watch0 <<<"deny $port/tcp"
watch_turns_of watch0 "a closed port" --all-packets
watch_turns_of watch0 "a closed port, folded lines"
watch_pair watch10000 <<<"set big file $(prefixes 10000)
allow $port/tcp from big"
watch_turns_of watch10000 "10 000 prefixes" --all-packets
watch_turns_of watch10000 "10 000 prefixes, folded lines"
watch_turns_of watch10000 "10 000 prefixes, pcapng" --pcap /dev/null
