# traffic.sh: allowed traffic through published ports of real containers: does it notice the
# filter?  iperf3 for bytes, wrk to nginx and redis-benchmark to redis for requests and p99.
#
# Any XDP program on a veth costs a copy of every packet that the other stack sends, because an skb
# has to become an XDP buffer; a NIC begins with such a buffer.  So the client is at the far end of
# a wire (wire.c) that makes the same copy on its way, with and without a filter.  What native XDP
# on a bare veth costs is measured first.
#
# Seconds apart, one arrangement differs from itself by more than the filter could cost.  So the
# rounds only tell what each carries, and what the filter costs is found by putting it there and
# taking it away many times while the traffic runs (alternate.c, arms.py).

source "$bench/engine.sh"
traffic_rounds=$(choose 3 1)
traffic_seconds=$(choose 2 1)
slots=$(choose 720 16)
slot_ms=60
# One flow of bulk data goes up and down by itself.
bulk_slots=$(choose 2000 16)
# The slowest hundredth wants longer ones: it is so few.
wait_slots=900
wait_slot_ms=100
# What iperf3 has under way is less than the 256 packets of a veth's ring: what overflows it is
# sent again, and how TCP takes that is all one would see.
window=300K

traffic_services() {
	contestant docker
	engine_start docker || exit
	image docker redis || exit
	image docker nginx || exit
	image docker probe || exit
	serve docker redis -p 6380:6379 redis /bin/redis-server --save "" --protected-mode no || exit
	serve docker nginx -p 8080:80 nginx "$(readlink -f "$(command -v nginx)")" || exit
	serve docker bulk -p 5201:5201 probe /bin/sleep 100000 || exit
	in_container docker bulk taskset -c $receive_cpu iperf3 -s >/dev/null 2>&1 &
	{
		echo "interface $(receiver docker)"
		echo "docker unix:///run/docker-docker/sock"
		printf 'set big file %s\n' "$(prefixes 10000)"
		echo "allow 6380/tcp from $(client docker) big"
		echo "allow 8080/tcp from $(client docker) big"
		echo "allow 5201/tcp from $(client docker) big"
	} >"$work/docker.conf"
}

# lay_wire: the client moves to its far end.
lay_wire() {
	local far=${tag}c near=${tag}w peer ready n=${number[docker]}
	peer=$(sender docker)
	ip -n flood link add "$far" type veth peer name "$near" || die "no wire"
	ip -n flood address flush dev "$peer"
	ip -n flood address add "10.200.$n.2/24" dev "$far"
	ip -n flood link set "$near" up
	ip -n flood link set "$far" up
	# What goes through the wire cannot say that its checksum is yet to be made.
	generator ethtool -K "$far" tx off >/dev/null
	coproc wire { exec nsenter --net=/run/netns/flood "$programs/wire" "$near" "$peer"; }
	read -r -u "${wire[0]}" ready && [ "$ready" = ready ] || die "no wire"
}

# arrange WHAT: what stands in front of the ports.
arrange() {
	filter docker --quiet down >/dev/null 2>&1
	case $1 in
	none) ;;
	tidegate-xdp) filter docker --quiet up --hook xdp ;;
	tidegate-tc) filter docker --quiet up --hook tcx ;;
	esac || die "cannot arrange $1"
	napi docker 0
	sleep 0.2
}

as_client() { generator taskset -c $send_cpu "$@"; }

# traffic_measure WHO ROUND
traffic_measure() {
	local output host
	host=$(address docker)
	output=$(as_client iperf3 -c "$host" -w $window -t "$traffic_seconds" -J) || die "no iperf3"
	keep "$1" "iperf3, throughput" "$(jq '.end.sum_received.bits_per_second / 1e9' <<<"$output")" \
		Gbit/s "$2"
	output=$(as_client wrk -t 1 -c 16 -d "${traffic_seconds}s" --latency "http://$host:8080/") ||
		die "no wrk"
	keep "$1" "nginx, requests" "$(awk '/^Requests\/sec/ { print $2 }' <<<"$output")" /s "$2"
	keep "$1" "nginx, p99" "$(wrk_us "$output")" us "$2"
	output=$(as_client redis-benchmark -h "$host" -p 6380 -t get -c 16 \
		-n $((traffic_seconds * 25000)) --csv 2>/dev/null | tail -n 1 | tr -d '"') ||
		die "no redis-benchmark"
	keep "$1" "redis, requests" "$(cut -d, -f2 <<<"$output")" /s "$2"
	keep "$1" "redis, p99" "$(cut -d, -f7 <<<"$output" | awk '{ print $1 * 1000 }')" us "$2"
}
keep() { record traffic "$@"; }

# wrk_us OUTPUT: its 99th percentile.
wrk_us() {
	awk '$1 == "99%" {
		n = $2 + 0
		if ($2 ~ /[0-9]ms$/) n *= 1000
		else if ($2 ~ /[0-9]s$/) n *= 1e6
		print n
	}' <<<"$1"
}

# alternate_under WHO WHAT COUNTER SLOTS LOAD...: what LOAD, which runs for long enough, loses by
# WHO.
alternate_under() {
	local who=$1 what=$2 counter=$3 slots=$4 load
	shift 4
	# Not as_client: its process would be another one than the load's.
	nsenter --net=/run/netns/flood taskset -c $send_cpu "$@" >/dev/null 2>&1 &
	load=$!
	sleep 1
	alternate "$who" "$counter" "$slots" $slot_ms
	kill "$load" 2>/dev/null || { fail "$1 ended before it was measured"; return; }
	wait "$load" 2>/dev/null
	record_arms "$who" "$what"
}

# wait_under WHO WHAT SERVICE PORT: the same for the slowest hundredth of the answers.
wait_under() {
	local rr
	# A slot takes somewhat longer than it measures.
	generator "$programs/rr" "$(address docker)" "$4" \
		$((wait_slots * (wait_slot_ms + 20) / 1000 + 3)) $send_cpu "$3" "$work/trace" >/dev/null &
	rr=$!
	sleep 0.5
	alternate "$1" tx $wait_slots $wait_slot_ms
	wait $rr || die "no answers from $3"
	record_arms "$1" "$2" "$work/trace"
}

# alternate WHO COUNTER SLOTS MILLISECONDS
alternate() {
	local hook=xdp let_in
	[ "$1" = tidegate-xdp ] || hook=tcx
	arrange "$1"
	inside docker "$programs/alternate" "$(receiver docker)" \
		"$(echo /sys/fs/bpf/docker/links/*-$hook)" "$2" "$3" "$4" >"$work/slots" ||
		die "cannot alternate $1"
	let_in=$(filter docker list --json | jq 'map(.counter.packets) | add')
	[ "${let_in:-0}" -gt 0 ] || die "$1 let nothing in: it was not in front of the port"
}

# record_arms WHO WHAT [TRACE]
record_arms() {
	local round=0 worse
	while read -r worse; do
		record traffic "$1, alternating" "$2" "$worse" % $((++round))
	done < <("$bench/arms.py" "$work/slots" "${@:3}")
}

traffic_alternate() {
	local host load_seconds=240
	host=$(address docker)
	alternate_under "$1" "iperf3, throughput" rx "$bulk_slots" \
		iperf3 -c "$host" -w $window -t $load_seconds
	alternate_under "$1" "nginx, requests" tx "$slots" \
		wrk -t 1 -c 16 -d ${load_seconds}s "http://$host:8080/"
	alternate_under "$1" "redis, requests" tx "$slots" \
		redis-benchmark -h "$host" -p 6380 -t get -c 16 -n 100000000
	# So few slots have no slowest hundredth worth the name.
	[ -z "$quick" ] || return 0
	wait_under "$1" "nginx, p99" http 8080
	wait_under "$1" "redis, p99" redis 6380
}

# take_rounds PLACE WHO...: each begins once: who comes first meets other caches.
take_rounds() {
	local place=$1 round i what
	shift
	for ((round = 1; round <= traffic_rounds; round++)); do
		say "  $place: round $round of $traffic_rounds"
		for ((i = 1; i <= $#; i++)); do
			what=${*:(i + round) % $# + 1:1}
			arrange "$what"
			traffic_measure "$what, $place" "$round"
		done
	done
}

traffic_services
take_rounds "bare veth" none tidegate-xdp
lay_wire
take_rounds wire none tidegate-xdp tidegate-tc
for what in tidegate-xdp tidegate-tc; do
	say "  alternating: $what"
	traffic_alternate "$what"
done
arrange none
engine_stop docker
kill "$wire_PID"
