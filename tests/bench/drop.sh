# drop.sh: what a receiver pays for each packet of a flood that it drops, tidegate and peers.
#
# The flood: TCP SYNs with valid checksums from random sources to port 6379, which every
# contestant closes to these sources.  The same policy for all: the port is open to N prefixes
# and to nobody else.  A peer has to count what it dropped, and that must be what was processed.

drop_seconds=$(choose 0.5 0.1)
drop_rounds=$(choose 7 1)
turns=$(choose 240 16) # by turns, of those that are close to each other
read -ra drop_sizes < <(choose "0 10 100 1000 10000 100000 1000000" "0 10000 1000000")
read -ra peer_sizes < <(choose "1 10 100 1000 10000" "1 10000")
read -ra line_sizes < <(choose "1 10 100 1000" "1 1000")

declare -A drops_of # contestant -> command that prints how many packets it dropped
declare -A label_of size_of source_of
declare -A allowed_of # contestant -> file of sources that it has to let in
order=()

# enter NAME LABEL SIZE COUNTER...
enter() {
	local name=$1
	label_of[$name]=$2 size_of[$name]=$3
	shift 3
	drops_of[$name]=$*
	order+=("$name")
}

# ---- the floor, the ceiling and tidegate ------------------------------------------------

drop_ceiling() {
	contestant unread
	attach unread drop_unread
	enter unread "drop, unread" 0 driver_drops unread
	contestant ceiling
	attach ceiling drop_read
	enter ceiling "read headers, count, drop" 0 driver_drops ceiling
}

drop_tidegate() {
	local n name
	for n in "${drop_sizes[@]}"; do
		name=tide$n
		contestant "$name"
		if [ "$n" = 0 ]; then
			echo "deny $port/tcp" | configure "$name"
		else
			printf 'set big file %s\nallow %s/tcp from big\n' "$(prefixes "$n")" $port |
				configure "$name"
		fi
		filter "$name" --quiet up || { fail "tidegate with $n prefixes"; continue; }
		[ "$n" = 0 ] || allowed_of[$name]=$(prefixes "$n")
		enter "$name" tidegate "$n" driver_drops "$name"
	done
}

# The other hooks, and the drop at an entry of the table in place of beside one.
drop_tidegate_hooks() {
	local hook name
	for hook in xdp-generic tcx; do
		name=tide-$hook
		contestant "$name"
		printf 'set big file %s\nallow %s/tcp from big\n' "$(prefixes 10000)" $port |
			configure "$name"
		filter "$name" --quiet up --hook $hook || { fail "no hook $hook"; continue; }
		allowed_of[$name]=$(prefixes 10000)
		enter "$name" "tidegate, $hook" 10000 filter_drops "$name"
	done
	contestant tide-ban
	printf 'set big file %s\nban big\n' "$(prefixes 10000)" | configure tide-ban
	filter tide-ban --quiet up || { fail "tidegate with bans"; return; }
	allowed_of[tide-ban]=outside
	source_of[tide-ban]=$(prefixes 10000)
	enter tide-ban "tidegate, ban" 10000 driver_drops tide-ban
}

# From sources that are told from those in prefixes by a search only.
drop_tidegate_beside() {
	local n name
	for n in 10000 1000000; do
		name=near$n
		contestant "$name"
		printf 'set big file %s\nallow %s/tcp from big\n' "$(prefixes "$n")" $port |
			configure "$name"
		filter "$name" --quiet up || { fail "tidegate with $n prefixes"; continue; }
		source_of[$name]=$(prefixes "$n" --beside)
		enter "$name" "tidegate, beside prefixes" "$n" driver_drops "$name"
	done
}

# The same in IPv6, from sources that have the first 32 bits in common with prefixes.
drop_tidegate6() {
	local file=$work/beside6
	contestant tide6
	printf 'set big file %s\nallow %s/tcp from big\n' "$(prefixes 10000 --ipv6)" $port |
		configure tide6
	filter tide6 --quiet up || { fail "tidegate with IPv6"; return; }
	allowed_of[tide6]=$(prefixes 10000 --ipv6)
	sed -n 's/^\([0-9a-f]*:[0-9a-f]*\):.*/\1:8000::\/33/p' "$(prefixes 10000 --ipv6)" >"$file"
	source_of[tide6]=$file
	enter tide6 "tidegate, IPv6" 10000 driver_drops tide6
}

filter_drops() { filter "$1" status 2>/dev/null | sed -n 's/^dropped: .*closed \([0-9]*\).*/\1/p'; }

# ---- peers -----------------------------------------------------------------------------

# https://github.com/xdp-project/xdp-tools, xdp-filter(8): "drop all packets to a port", with
# only the feature it takes; and "deny by default", with every source address that may enter.
# Its maps are pinned where every instance finds them, so each gets a file system of its own.
drop_xdp_filter() {
	local n
	n=$(choose 10000 1000)
	contestant xdpf
	xdp_filter xdpf "xdp-filter load --features tcp $(receiver xdpf) &&
		xdp-filter port --proto tcp --mode dst $port" || { fail "no xdp-filter"; return; }
	enter xdpf "xdp-filter, port only" 0 driver_drops xdpf
	contestant xdpfa
	sed 's|/.*||' "$(prefixes "$n")" | sort -u >"$work/addresses"
	xdp_filter xdpfa "xdp-filter load --policy deny $(receiver xdpfa) &&
		while read -r addr; do
			xdp-filter ip --mode src \$addr >/dev/null
		done <$work/addresses" || { fail "no xdp-filter for addresses"; return; }
	allowed_of[xdpfa]=$work/addresses
	enter xdpfa "xdp-filter, addresses" "$n" driver_drops xdpfa
}
xdp_filter() { inside "$1" unshare --mount sh -c "mount -t bpf none /sys/fs/bpf && $2"; }

# https://wiki.nftables.org, "Nftables families", netdev, and "Sets", intervals.
drop_nft() {
	local n name
	for n in "${peer_sizes[@]}"; do
		name=nft$n
		contestant "$name"
		{
			echo "table netdev filter {"
			echo "set big { type ipv4_addr; flags interval; auto-merge; elements = {"
			sed 's/$/,/' "$(prefixes "$n")"
			echo "} }"
			echo "chain ingress { type filter hook ingress device $(receiver "$name") priority -500;"
			echo "tcp dport $port ip saddr != @big counter drop"
			echo "}"
			echo "}"
		} >"$work/nft"
		inside "$name" nft -f "$work/nft" || { fail "nft with $n prefixes"; continue; }
		allowed_of[$name]=$(prefixes "$n")
		enter "$name" "nft netdev ingress, set" "$n" nft_drops "$name"
	done
}
nft_drops() {
	inside "$1" nft -j list chain netdev filter ingress |
		jq '[.. | .counter? | .packets? // empty] | add'
}

# https://ipset.netfilter.org, hash:net.
drop_raw() {
	local n name
	for n in "${peer_sizes[@]}"; do
		name=raw$n
		contestant "$name"
		{
			echo "create big hash:net maxelem 1048576"
			sed 's/^/add big /' "$(prefixes "$n")"
		} | inside "$name" ipset restore || { fail "ipset with $n prefixes"; continue; }
		inside "$name" iptables -t raw -A PREROUTING -p tcp --dport $port \
			-m set ! --match-set big src -j DROP || { fail "no ipset match"; continue; }
		allowed_of[$name]=$(prefixes "$n")
		enter "$name" "raw PREROUTING, ipset" "$n" iptables_drops "$name" raw PREROUTING
	done
	for n in "${line_sizes[@]}"; do
		name=rule$n
		contestant "$name"
		linear raw PREROUTING ACCEPT "$name" "$n" || continue
		[ "$n" = 1 ] || allowed_of[$name]=$(first_prefixes $((n - 1)))
		enter "$name" "raw PREROUTING, rules" "$n" iptables_drops "$name" raw PREROUTING
	done
}

# linear TABLE CHAIN TARGET NAME COUNT: a rule for each prefix that may enter, then DROP: COUNT
# rules in all.
linear() {
	{
		echo "*$1"
		[ "$2" = DOCKER-USER ] || echo ":$2 ACCEPT"
		[ "$2" != DOCKER-USER ] || echo "-F DOCKER-USER"
		[ "$5" = 1 ] || sed "s|.*|-A $2 -i $(receiver "$4") -s & -p tcp --dport $port -j $3|" \
			"$(first_prefixes $(($5 - 1)))"
		echo "-A $2 -i $(receiver "$4") -j DROP"
		[ "$2" != DOCKER-USER ] || echo "-A DOCKER-USER -j RETURN"
		echo COMMIT
	} | inside "$4" "$(tools "$4")iptables-restore" -n || fail "$5 rules in $2"
}
first_prefixes() {
	head -n "$1" "$(prefixes 1000)" >"$work/first.$1"
	echo "$work/first.$1"
}

# https://docs.docker.com/engine/network/packet-filtering-firewalls: DOCKER-USER, with a real
# Engine and a container behind the port.  The rules change between measurements.  Which
# iptables is in its PATH decides what Docker writes: Debian's is nftables in disguise, and
# slower by the rule than the old one.
drop_docker() {
	local n name
	for name in $(choose "docker docker-legacy" docker); do
		contestant "$name"
		if [ "$name" = docker ]; then
			engine_start "$name"
		else
			legacy_tools
			PATH=$work/legacy:$PATH engine_start "$name"
		fi && publish "$name" web -p $port:$port || continue
		for n in "${line_sizes[@]}"; do
			label_of[$name:$n]="DOCKER-USER" size_of[$name:$n]=$n
			[ "$name" = docker ] || label_of[$name:$n]="DOCKER-USER, iptables-legacy"
			drops_of[$name:$n]="iptables_drops $name filter DOCKER-USER"
			[ "$n" = 1 ] || allowed_of[$name:$n]=$(first_prefixes $((n - 1)))
			order+=("$name:$n")
		done
	done
}

legacy_tools() {
	local tool
	mkdir -p "$work/legacy"
	for tool in iptables iptables-save iptables-restore ip6tables; do
		ln -sf "/usr/sbin/${tool/tables/tables-legacy}" "$work/legacy/$tool"
	done
}

# ---- the rounds ----------------------------------------------------------------------------

# prepare NAME: the rules of a DOCKER-USER contestant, which share an Engine.
prepare() { [[ $1 != *:* ]] || linear filter DOCKER-USER RETURN "${1%:*}" "${1#*:}"; }

# measure_drop NAME ROUND SECONDS
measure_drop() {
	local name=${1%:*} line before after who
	prepare "$1" || return
	for _ in 1 2 3; do
		before=$(${drops_of[$1]})
		line=$(flood "$name" from "${source_of[$name]-outside}" seconds "$3") ||
			{ fail "no flood for $1"; return; }
		after=$(${drops_of[$1]})
		# A generator that did not get its CPU has measured nothing.
		[ "$(jq .processed <<<"$line")" -lt 1000 ] || break
	done
	who="${label_of[$1]}|${size_of[$1]}"
	record drop "$who" ns "$(jq .ns <<<"$line")" ns "$2"
	record drop "$who" dropped \
		"$(jq "(${after:-0} - ${before:-0}) / .processed" <<<"$line")" ratio "$2"
	record drop "$who" offered "$(jq "(.processed + .refused) / .seconds" <<<"$line")" pps "$2"
	record drop "$who" busy "$(jq .busy <<<"$line")" ratio "$2"
}

# measure_turns NAME OTHER: by turns with the other's program, in one flood on the same interface.
# What differs between two floods, by more than such two do, is the same for both.
measure_turns() {
	local is_other ns processed slot=0 who
	[ -n "${drops_of[$1]-}" ] && [ -n "${drops_of[$2]-}" ] || return
	who="${label_of[$1]}|${size_of[$1]}"
	while read -r is_other ns processed; do
		# The packets of a slot that did not get its CPU have measured nothing.
		[ "$processed" -lt 1000 ] || if [ "$is_other" = 1 ]; then
			record drop "$who" "${label_of[$2]}, by turns" "$ns" ns $((slot / 2))
		else
			record drop "$who" "by turns with ${label_of[$2]}" "$ns" ns $((slot / 2))
		fi
		slot=$((slot + 1))
	done < <(flood "$1" from outside slots "$turns" against "$(program_id "$2")" \
		link "$(echo "/sys/fs/bpf/$1/links/"*-xdp)" |
		jq -r '"\(.is_other) \(.ns) \(.processed)"')
	[ "$slot" = "$turns" ] || fail "no turns for $1 and $2"
}

# check_allowed NAME: a few packets that it has to let in.  Who drops everything is no peer.
check_allowed() {
	local name=${1%:*} line before after
	[ -n "${allowed_of[$1]-}" ] && prepare "$1" || return
	before=$(${drops_of[$1]})
	line=$(flood "$name" from "${allowed_of[$1]}" seconds 0.1 rate 50000 batch 16) || return
	after=$(${drops_of[$1]})
	record drop "${label_of[$1]}|${size_of[$1]}" "allowed, dropped" \
		"$(jq "(${after:-0} - ${before:-0}) / .processed" <<<"$line")" ratio
}

drop_ceiling
drop_tidegate
drop_tidegate_hooks
drop_tidegate_beside
drop_tidegate6
drop_xdp_filter
drop_nft
drop_raw
source "$bench/engine.sh"
drop_docker
for name in "${order[@]}"; do
	check_allowed "$name"
done
for ((round = 1; round <= drop_rounds; round++)); do
	say "  round $round of $drop_rounds"
	for name in "${order[@]}"; do
		measure_drop "$name" "$round" "$drop_seconds"
	done
done
say "  by turns"
for n in "${drop_sizes[@]}"; do
	measure_turns "tide$n" ceiling
done
measure_turns tide0 xdpf
engine_stop docker
[ -n "$quick" ] || engine_stop docker-legacy
