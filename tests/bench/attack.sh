# attack.sh: how many transactions an allowed client gets while the same interface is flooded
# on a closed port, over the rate of the flood.
#
# CPU 0 does nothing but send the flood.  CPU 1 is the host: its NAPI thread, Docker's
# forwarding, the redis container, and also the client, which costs the same whatever filter
# stands there.  The NAPI thread goes before processes, as a soft interrupt does: what is left
# for them is what the flood does not take.  All share the interface's one ring.

source "$bench/engine.sh"
read -ra attack_rates < <(choose "0 100000 200000 400000 800000 1200000 1600000 2000000" \
	"0 1000000")
attack_seconds=$(choose 1.2 0.5)
attack_rounds=$(choose 3 1)

attack_services() {
	contestant docker
	engine_start docker || exit
	image docker redis || exit
	publish docker web -p $port:$port || exit
	serve docker redis -p 6380:6379 redis /bin/redis-server --save "" --protected-mode no || exit
	{
		echo "interface $(receiver docker)"
		echo "docker unix:///run/docker-docker/sock"
		printf 'set big file %s\n' "$(prefixes 10000)"
		echo "allow 6380/tcp from $(client docker)"
		echo "allow $port/tcp from big"
	} >"$work/docker.conf"
	# Half-open connections of the unfiltered flood must not outlive their round.
	inside docker sh -c 'echo 2 >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_syn_recv
		echo 2 >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_syn_sent' 2>/dev/null
	inside docker ipset create big hash:net maxelem 1048576
	sed 's/^/add big /' "$(prefixes 10000)" | inside docker ipset restore
}

# defend WHO: puts that filter, and no other, in front of the closed port.
defend() {
	filter docker --quiet down >/dev/null 2>&1
	inside docker nft delete table netdev filter 2>/dev/null
	inside docker iptables -t raw -F PREROUTING
	inside docker iptables -F DOCKER-USER
	case $1 in
	"no filter") ;;
	tidegate) filter docker --quiet up ;;
	"tidegate, tcx") filter docker --quiet up --hook tcx ;;
	DOCKER-USER)
		inside docker iptables -A DOCKER-USER -i "$(receiver docker)" -p tcp \
			-m conntrack --ctorigdstport $port --ctdir ORIGINAL -j DROP ;;
	"raw PREROUTING, ipset")
		inside docker iptables -t raw -A PREROUTING -p tcp --dport $port \
			-m set ! --match-set big src -j DROP ;;
	"nft netdev ingress, set")
		{
			echo "table netdev filter {"
			echo "set big { type ipv4_addr; flags interval; auto-merge; elements = {"
			sed 's/$/,/' "$(prefixes 10000)"
			echo "} }"
			echo "chain ingress { type filter hook ingress device $(receiver docker) priority -500;"
			echo "tcp dport $port ip saddr != @big counter drop"
			echo "}"
			echo "}"
		} >"$work/nft"
		inside docker nft -f "$work/nft" ;;
	esac || die "cannot defend with $1"
	napi docker 50
	sleep 0.1
}

# attack WHO RATE ROUND
attack() {
	local line flooder=''
	if [ "$2" != 0 ]; then
		rm -f "$work/ready"
		# Not the function: its process would be another one than the flood's.
		nsenter --net=/run/netns/flood chrt --fifo 50 "$programs/flood" \
			"$(sender docker)" to "$(address docker)" $port mac "${mac_of[docker]}" \
			from outside rate "$2" batch 64 cpu $send_cpu \
			seconds "$((${attack_seconds%.*} + 3))" ready "$work/ready" >"$work/flood" &
		flooder=$!
		for _ in {1..100}; do
			[ ! -e "$work/ready" ] || break
			sleep 0.05
		done
		sleep 0.1
	fi
	line=$(generator "$programs/rr" "$(address docker)" 6380 "$attack_seconds" $receive_cpu)
	if [ -n "$flooder" ]; then
		kill "$flooder"
		wait "$flooder"
		record attack "$1|$2" sent "$(jq '(.processed + .refused) / .seconds' "$work/flood")" pps "$3"
		record attack "$1|$2" processed "$(jq '.processed / .seconds' "$work/flood")" pps "$3"
	fi
	record attack "$1|$2" transactions "$(jq .rate <<<"$line")" /s "$3"
	record attack "$1|$2" p99 "$(jq .p99_us <<<"$line")" us "$3"
}

attack_services
defenders=("no filter" tidegate "tidegate, tcx" DOCKER-USER "raw PREROUTING, ipset"
	"nft netdev ingress, set")
for ((round = 1; round <= attack_rounds; round++)); do
	for who in "${defenders[@]}"; do
		say "  round $round of $attack_rounds: $who"
		defend "$who"
		for rate in "${attack_rates[@]}"; do
			attack "$who" "$rate" "$round"
		done
	done
done
defend "no filter"
engine_stop docker
