# against.sh: this build beside another one, by turns: what a change of the data plane did to a
# packet.  Not part of a run of all suites.  $TIDEGATE_AGAINST is the other build's program.
#
# Both have the same policy and the same addresses, each in a namespace of its own.  Their programs
# take turns: under BPF_PROG_TEST_RUN, and before a flood on this build's interface.

other=${TIDEGATE_AGAINST:?names the program of the other build}
turns=$(choose 240 16)

# pair NAME: both contestants, with what is on stdin as policy.
pair() {
	local policy build
	policy=$(cat)
	contestant "$1"
	contestant "$1-other"
	ip -n "$1" address add "$(address "$1-other")/32" dev lo
	ip -n "$1-other" address add "$(address "$1")/32" dev lo
	ip -n "$1" address add "$(address6 "$1-other")/128" dev lo nodad
	ip -n "$1-other" address add "$(address6 "$1")/128" dev lo nodad
	configure "$1" <<<"$policy"
	configure "$1-other" <<<"$policy"
	filter "$1" --quiet up || die "this build does not come up"
	tidegate=$other filter "$1-other" --quiet up || die "the other build does not come up"
}

# cost NAME WHAT ADDRESS PORT SOURCE
cost() {
	local name=$1 what=$2 this that
	shift 2
	for round in $(choose "1 2 3 4 5" 1); do
		read -r this that < <(inside "$name" "$programs/cost" "$@" "$(program_id "$name")" \
			"$(program_id "$name-other")" | awk '{ printf "%s ", $3 } END { print "" }')
		record against this "$what" "$this" ns "$round"
		record against other "$what" "$that" ns "$round"
	done
}

# turns NAME WHAT: under a flood of what is dropped.
turns() {
	local is_other ns processed slot=0
	napi "$1" 50
	while read -r is_other ns processed; do
		[ "$processed" -lt 1000 ] || if [ "$is_other" = 1 ]; then
			record against other "$2" "$ns" ns $((slot / 2))
		else
			record against this "$2" "$ns" ns $((slot / 2))
		fi
		slot=$((slot + 1))
	done < <(flood "$1" from outside slots "$turns" against "$(program_id "$1-other")" \
		link "$(echo "/sys/fs/bpf/$1/links/"*-xdp)" |
		jq -r '.is_other as $other | "\(.is_other) \(.ns) \(.processed)"')
	[ "$slot" = "$turns" ] || fail "no turns for $2"
}

pair none <<<"deny $port/tcp"
cost none "test run: a port nobody guards" "$(address none)" 80 inside
cost none "test run: the same, IPv6" "$(address6 none)" 80 inside
cost none "test run: a closed port" "$(address none)" $port inside
turns none "flood: a closed port"
for n in 10000 $(choose 1000000 ''); do
	pair "list$n" <<<"set big file $(prefixes "$n")
allow $port/tcp from big"
	cost "list$n" "test run: $n prefixes, dropped" "$(address "list$n")" $port outside
	cost "list$n" "test run: $n prefixes, allowed" "$(address "list$n")" $port inside
	turns "list$n" "flood: $n prefixes, dropped"
done
