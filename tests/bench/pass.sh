# pass.sh: what the program itself takes for a packet, under BPF_PROG_TEST_RUN with another
# source in every run, against an empty program and one that only reads the headers, counts and
# drops.  These have neither a driver nor a stack in them, so they tell small differences apart.

pass_rounds=$(choose 4 1)

# cost_of NAME WHAT BASE ADDRESS PORT SOURCE: minimum of the filter over the minimum of BASE, in
# nanoseconds, of each round.
cost_of() {
	local name=$1 what=$2 base=$3 id round output time verdict
	id=$(program_id "$name")
	shift 3
	for ((round = 1; round <= pass_rounds; round++)); do
		output=$(inside "$name" taskset -c $receive_cpu "$programs/cost" "$@" "$base" "$id") ||
			die "cannot run the filter of $name"
		read -r time verdict < <(awk -v base="$base" '$1 == base { b = $3 }
			$1 != base { f = $3; v = $2 } END { print f - b, v }' <<<"$output")
		record pass "$name" "$what" "$time" ns "$round"
		record pass "$name" "$what, verdict" "$verdict" xdp "$round"
	done
}

over_empty="over an empty program"
over_read="over reading the headers"

# A flow that this host began, from a local port that equals the closed one: its answers are
# let through because conntrack knows it.
open_flow() {
	inside "$1" iptables -t mangle -A OUTPUT -m conntrack --ctstate INVALID -j ACCEPT
	generator busybox nc -l -p 9999 < <(sleep 120) >/dev/null 2>&1 &
	listener=$!
	sleep 0.3
	inside "$1" busybox nc -p $port "$(client "$1")" 9999 < <(sleep 120) >/dev/null 2>&1 &
	dialer=$!
	sleep 0.3
}

for n in $(choose "0 10 10000 1000000" "0 10000"); do
	contestant "tide$n"
	if [ "$n" = 0 ]; then
		echo "deny $port/tcp" | configure "tide$n"
	else
		printf 'set big file %s\nset big6 file %s\nallow %s/tcp from big big6\n' \
			"$(prefixes "$n")" "$(prefixes "$n" --ipv6)" $port | configure "tide$n"
	fi
	filter "tide$n" --quiet up || die "tidegate with $n prefixes"
	host=$(address "tide$n") host6=$(address6 "tide$n")
	cost_of "tide$n" "unguarded port, $over_empty" cost_empty "$host" 80 inside
	cost_of "tide$n" "unguarded port, IPv6, $over_empty" cost_empty "$host6" 80 inside
	cost_of "tide$n" "closed port, $over_read" drop_read "$host" $port outside
	cost_of "tide$n" "closed port, IPv6, $over_read" drop_read "$host6" $port inside
done
open_flow tide10000
host=$(address tide10000) peer=$(client tide10000)
cost_of tide10000 "reply of a tracked flow, $over_empty" cost_empty "$host" $port "$peer:9999"
cost_of tide10000 "closed port, not a SYN, $over_empty" cost_empty "$host" $port "$peer:9998"
kill "$listener" "$dialer" 2>/dev/null

# ---- a host as people have them ------------------------------------------------------------------

# Twenty networks of Docker's, five addresses, two ports published at one of them, of each family;
# the first address is tide0's as well.
make_host() {
	local dev n
	contestant tidehost
	dev=$(receiver tidehost)
	for n in {1..20}; do
		ip -n tidehost link add "br-$n" type bridge
		ip -n tidehost address add "172.$((16 + n)).0.1/16" dev "br-$n"
		ip -n tidehost address add "fd00:d0c:$n::1/64" dev "br-$n" nodad
		ip -n tidehost link set "br-$n" up
	done
	for n in 1 2 3; do
		ip -n tidehost address add "203.0.$n.5/24" dev "$dev"
		ip -n tidehost address add "2001:db8:$n::5/64" dev "$dev" nodad
	done
	ip -n tidehost address add "$(address tide0)/24" dev "$dev"
	ip -n tidehost address add "$(address6 tide0)/64" dev "$dev" nodad
	for n in "$(address tide0)" "$(address6 tide0)"; do
		printf 'deny %s/tcp\nallow 443/tcp on %s\nallow 8443/tcp on %s\n' $port "$n" "$n"
	done | sort -u | configure tidehost
	filter tidehost --quiet up || die "tidegate on a host with twenty networks"
}

# more_than_tide0 WHAT ADDRESS PORT: minima of both filters for the same packets, which take turns.
more_than_tide0() {
	local what=$1 one many round more
	one=$(program_id tide0) many=$(program_id tidehost)
	for ((round = 1; round <= pass_rounds; round++)); do
		more=$(inside tide0 taskset -c $receive_cpu "$programs/cost" "$2" "$3" inside "$one" "$many" |
			awk -v one="$one" '$1 == one { o = $3 } $1 != one { m = $3 } END { print m - o }') ||
			die "cannot run the filter of a host with twenty networks"
		record host "$what" "over one address" "$more" ns "$round"
	done
}

make_host
echo "allow 443/tcp" >>$work/tide0.conf
filter tide0 --quiet reload || die "tidegate with an open port"
for host in "$(address tide0)" "$(address6 tide0)"; do
	[[ $host == *:* ]] && family=IPv6 || family=IPv4
	more_than_tide0 "closed port, $family" "$host" $port
	more_than_tide0 "unguarded port, $family" "$host" 80
	more_than_tide0 "port published at that address, $family" "$host" 443
done
