# traffic.sh: allowed traffic through published ports of real containers: does it notice the
# filter?  iperf3 for bytes, wrk to nginx and redis-benchmark to redis for requests and p99.
#
# On veth any XDP program at all costs a copy of every packet that the stack sends (an skb
# has to become an XDP buffer), which no NIC does.  So the XDP filter is compared with an XDP
# program that does nothing, and the filter at tc with nothing at all.
#
# Seconds apart, one arrangement differs from itself by more than the filter could cost.  So the
# rounds only tell what each carries, and what the filter costs is found by putting it there and
# taking it away ten times a second while the traffic runs (alternate.c, arms.py).

source "$bench/engine.sh"
traffic_rounds=$(choose 3 1)
traffic_seconds=$(choose 2 1)
slots=$(choose 240 16)
slot_ms=100

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

# arrange WHAT: what stands in front of the ports.
arrange() {
	filter docker --quiet down >/dev/null 2>&1
	inside docker ip link set dev "$(receiver docker)" xdp off 2>/dev/null
	case $1 in
	none) ;;
	empty-xdp) attach docker pass_unread ;;
	tidegate-xdp) filter docker --quiet up --hook xdp ;;
	tidegate-tc) filter docker --quiet up --hook tcx ;;
	esac || die "cannot arrange $1"
	napi docker 0
	sleep 0.2
}

as_client() { generator taskset -c $send_cpu "$@"; }

traffic_measure() {
	local output host
	host=$(address docker)
	output=$(as_client iperf3 -c "$host" -t "$traffic_seconds" -J) || die "no iperf3"
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

# alternate_under WHO WHAT COUNTER LOAD...: what LOAD, which runs for long enough, loses by WHO.
alternate_under() {
	local who=$1 what=$2 counter=$3 load round=0 worse
	shift 3
	"$@" >/dev/null 2>&1 &
	load=$!
	sleep 1
	alternate "$who" "$counter" || die "cannot alternate $who"
	kill "$load" 2>/dev/null
	wait "$load" 2>/dev/null
	while read -r worse; do
		record traffic "$who, alternating" "$what" "$worse" % $((++round))
	done < <("$bench/arms.py" "$work/slots")
}

alternate() {
	local hook=xdp
	[ "$1" = tidegate-xdp ] || hook=tcx
	arrange "$1"
	inside docker "$programs/alternate" "$(receiver docker)" \
		"$(echo /sys/fs/bpf/docker/links/*-$hook)" "$programs/receiver.bpf.o" "$2" \
		"$slots" $slot_ms >"$work/slots"
}

# wait_under WHO WHAT SERVICE PORT: the same for the slowest hundredth of the answers.
wait_under() {
	local who=$1 what=$2 round=0 worse rr
	# A slot takes somewhat longer than it measures.
	generator "$programs/rr" "$(address docker)" "$4" $((slots * (slot_ms + 20) / 1000 + 3)) \
		$send_cpu "$3" "$work/trace" >/dev/null &
	rr=$!
	sleep 0.5
	alternate "$who" tx || die "cannot alternate $who"
	wait $rr || die "no answers from $3"
	while read -r worse; do
		record traffic "$who, alternating" "$what" "$worse" % $((++round))
	done < <("$bench/arms.py" "$work/slots" "$work/trace")
}

traffic_alternate() {
	local host load_seconds=60
	host=$(address docker)
	alternate_under "$1" "iperf3, throughput" rx as_client iperf3 -c "$host" -t $load_seconds
	alternate_under "$1" "nginx, requests" tx \
		as_client wrk -t 1 -c 16 -d ${load_seconds}s "http://$host:8080/"
	alternate_under "$1" "redis, requests" tx \
		as_client redis-benchmark -h "$host" -p 6380 -t get -c 16 -n 100000000
	# So few slots have no slowest hundredth worth the name.
	[ -z "$quick" ] || return 0
	wait_under "$1" "nginx, p99" http 8080
	wait_under "$1" "redis, p99" redis 6380
}

traffic_services
variants=(none empty-xdp tidegate-xdp tidegate-tc)
for ((round = 1; round <= traffic_rounds; round++)); do
	say "  round $round of $traffic_rounds"
	# Each begins once: who comes first meets other caches.
	for ((i = 0; i < ${#variants[@]}; i++)); do
		what=${variants[(i + round) % ${#variants[@]}]}
		arrange "$what"
		traffic_measure "$what" "$round"
	done
done
for what in tidegate-xdp tidegate-tc; do
	say "  alternating: $what"
	traffic_alternate "$what"
done
arrange none
engine_stop docker
