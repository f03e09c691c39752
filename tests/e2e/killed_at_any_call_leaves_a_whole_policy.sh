#!/bin/bash
# `tidegate reload` and `tidegate up` killed at each call of bpf(2) that they make, one after the
# other: the policy that enforces is the one before or the one after, whole; what is allowed by both
# always gets in and what neither allows never does; and the next command ends what was begun.
#
# TIDEGATE_SOAK=1 takes every call, the short form a few.
. "$(dirname "$0")/lib.sh"

# choose_step NUMBER: into $step, with which so many calls of $total are killed, or all of them.
choose_step() {
	step=$((total / ($1 + 1) + 1))
	[ -z "${TIDEGATE_SOAK-}" ] || step=1
}

# calls COMMAND...: how many calls of bpf(2) it makes.
calls() {
	strace -f -qq -e trace=bpf -o /run/calls "$tidegate" "$@" 2>/dev/null
	grep -c 'bpf(' /run/calls
}

# killed_at NUMBER COMMAND...
killed_at() {
	local number=$1
	shift
	strace -f -qq -e trace=bpf -e inject=bpf:signal=KILL:when="$number" -o /dev/null \
		"$tidegate" "$@" >/dev/null 2>&1
	[ $? = 137 ]
}

is_open() { [[ $(ask "$@" -w 300) == open* ]]; }

network_up
engine_start
publish cache -p 6379:6379
publish web -p 8080:80
publish api -p 9090:80

before="allow 8080/tcp
allow 9090/tcp from $office4"
after="allow 8080/tcp
allow 9090/tcp from $stranger4
ban 198.51.100.0/24"

# try KILLS NAME COMMAND...: from one policy to the other, back and forth.
try() {
	local kills=$1 because=$2 total number odd=0 killed=0 torn=0 refused=0 office stranger
	shift 2
	configure <<<"$before"
	"$tidegate" up 2>/dev/null
	configure <<<"$after"
	total=$(calls "$@")
	choose_step "$kills"
	expect "it makes calls ($total), $because" test "$total" -gt 20
	watch_start closed stranger $host4 6379/tcp
	watch_start allowed stranger $host4 8080/tcp
	for ((number = 1; number <= total; number += step)); do
		odd=$((1 - odd))
		if [ $odd = 1 ]; then configure <<<"$before"; else configure <<<"$after"; fi
		! killed_at $number "$@" || killed=$((killed + 1))
		office='' stranger=''
		! is_open office $host4 9090/tcp || office=1
		! is_open stranger $host4 9090/tcp || stranger=1
		[ "$office$stranger" = 1 ] || torn=$((torn + 1))
		"$tidegate" "$@" >>/run/again 2>&1 || refused=$((refused + 1))
	done
	expect "it was killed ($killed times), $because" test $killed -gt 2
	expect_equal "each time one of the two policies enforced, $because" $torn 0
	expect_equal "each time the next one succeeded, $because" $refused 0
	sleep 0.3
	expect_nothing_got_in "$because" closed
	watch_stop allowed
	expect "what is allowed always got in ($answered of $sent), $because" \
		test "$answered" -gt 100 -a "$answered" -ge $((sent - 60))
	expect "status is green, $because" "$tidegate" status
}

try 12 "reload was killed" reload
try 6 "up was killed" up
if [ -n "${TIDEGATE_SOAK-}" ]; then
	try 0 "up at another hook was killed" up --hook tcx
	try 0 "up from tcx to xdp was killed" up --hook xdp
fi

# The first one: nothing is there before.
because="the first up was killed"
configure <<<"$before"
tidegate down 2>/dev/null
total=$(calls up)
choose_step 5
killed=0 refused=0 left=0
for ((number = 1; number <= total; number += step)); do
	tidegate down 2>/dev/null
	[ ! -e /sys/fs/bpf/tidegate ] || left=$((left + 1))
	! killed_at $number up || killed=$((killed + 1))
	"$tidegate" up >>/run/again 2>&1 || refused=$((refused + 1))
done
expect "it was killed ($killed times), $because" test $killed -gt 2
expect_equal "each time the next one succeeded, $because" $refused 0
expect_equal "each time down left nothing, $because" $left 0
expect_closed stranger $host4 6379/tcp
expect_open office $host4 9090/tcp
expect "status is green, $because" "$tidegate" status
