#!/bin/bash
# So many rules and ports as the manual says do work, one more is refused with the limit's name
# and what to do, and what was before goes on.
. "$(dirname "$0")/lib.sh"

limit() { sed -nE "s/^#define $1 +([0-9]+).*/\1/p" "$root/include/limit.h"; }
rules=$(limit LIMIT_RULES) ports=$(limit LIMIT_PORTS)

# rules COUNT FIRST: a port of its own for each, so that no two make a range.  TCP over IPv4 and
# over IPv6 are two ports.
rules() {
	local i
	for ((i = 0; i < $1; i++)); do
		echo "allow $((2 * i + $2))/tcp from $stranger4"
	done
}

# expect_refused_because WHAT WORD...: `up` fails and says each of these.
expect_refused_because() {
	local what=$1 word output
	shift
	if output=$("$tidegate" up 2>&1); then
		fail "$what is refused" <<<"exit 0: $output"
		return
	fi
	for word; do
		[[ $output == *"$word"* ]] || { fail "$what is refused: $word" <<<"$output"; return; }
	done
	ok "$what is refused"
}

serve() { "$probe" serve tcp:4001 tcp:4002 >/dev/null & }

network_up
serve
echo "docker off" | configure
rules "$rules" 1 >>"$config"
expect "$rules rules, and $ports ports, are enforced" "$tidegate" up
expect "status says so" eventually 10 "$tidegate" status
because="with $rules rules"
expect_open stranger $host4 4001/tcp
expect_closed office $host4 4001/tcp
expect_closed stranger $host6 4001/tcp

echo "ban 203.0.113.1" >>"$config"
expect_refused_because "one rule more" "$rules" LIMIT_RULES "put sources of equal rules into a set"
expect_open stranger $host4 4001/tcp
expect_closed office $host4 4001/tcp

echo "docker off" | configure
echo "deny $(seq -s , 1 2 $((ports + 1)))/tcp from $office4" >>"$config"
expect_refused_because "one port more" "$((ports + 2)) guarded ports" "limit is $ports" "write ranges"

# Nothing of the policy before may take room from this one.
echo "docker off" | configure
rules "$rules" 2 >>"$config"
expect "as many others in their place are enforced" "$tidegate" up
because="with $rules others"
expect_open stranger $host4 4002/tcp
expect_closed office $host4 4002/tcp
expect "tidegate down succeeds" "$tidegate" down
