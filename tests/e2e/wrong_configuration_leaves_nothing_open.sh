#!/bin/bash
# A configuration with an error opens nothing: at boot, when there is no policy before it that
# could go on, every published port is closed until the file is right, also on interfaces that
# appear meanwhile.  The opposite is `tidegate up` without --boot, which then changes nothing.
# The file of a set that turns bad keeps the content it had, and Docker is followed on.
. "$(dirname "$0")/lib.sh"

# The policy has to do it alone.
export TIDEGATE_WITHOUT=learn,gate

network_up
engine_start
publish cache -p 6379:6379 -p 5353:53/udp
configure <<<"alow 6379/tcp from $office4"

because="with a configuration that cannot be used"
expect_not "tidegate up fails, $because" tidegate up
expect_open stranger $host4 6379/tcp 5353/udp

expect "tidegate up --boot succeeds" tidegate up --boot
"$tidegate" run >>/run/tidegate.log 2>&1 &
because="at boot, with a configuration that cannot be used"
becomes closed 5 stranger $host4 6379/tcp
expect_closed stranger $host4 5353/udp
expect_closed stranger $host6 6379/tcp
expect_not "tidegate status is not content" tidegate status
expect "it shows the line" grep -q 'tidegate.conf:2:1: ' <(tidegate status 2>&1)

publish late -p 7777:80
because="published while the configuration cannot be used"
becomes closed 5 stranger $host4 7777/tcp

ip link del eth0
ip link add eth0 type veth peer name eth0 netns outside
for command in "address add $host4/24 dev eth0" "link set eth0 up"; do
	ip $command
done
ip -n outside address add $stranger4/24 dev eth0
ip -n outside address add $office4/24 dev eth0
ip -n outside link set eth0 up
because="on an interface that appeared while the configuration cannot be used"
becomes closed 5 stranger $host4 6379/tcp
becomes closed 5 stranger $host4 7777/tcp

configure <<<"allow 6379/tcp from $office4"
because="the configuration was put right"
becomes open 5 office $host4 6379/tcp
expect_closed stranger $host4 6379/tcp 7777/tcp
expect "tidegate up --boot leaves a policy that enforces" tidegate up --boot
expect_open office $host4 6379/tcp

printf '%s\n' $office4 >"${config%/*}/friends.list"
configure <<<"set friends file friends.list
allow 6379,7777/tcp from friends
allow 7778/tcp"
because="with a set from a file"
becomes open 5 office $host4 7777/tcp

echo nonsense >>"${config%/*}/friends.list"
because="and the file turned bad"
complains() { grep -q 'friends.list:2:1: ' <(tidegate status 2>&1); }
lists_all() {
	local text
	tidegate list >/run/listed 2>&1 || return
	for text; do grep -qF "$text" /run/listed || return; done
}
expect "tidegate status shows its line" eventually 5 complains
expect "tidegate list says so, and shows the rules that run" \
	lists_all "friends.list:2:1: " "allow 6379,7777/tcp from friends"
expect "the daemon says that it keeps the previous content" eventually 5 \
	grep -q "friends.list:2:1: .*'friends' keeps its previous content" /run/tidegate.log
publish later -p 7778:80 -p 7779:80
becomes closed 5 stranger $host4 7779/tcp
expect_open office $host4 6379/tcp 7778/tcp
expect_closed stranger $host4 6379/tcp 7777/tcp

printf '%s\n' $stranger4 >"${config%/*}/friends.list"
because="and was put right"
becomes open 5 stranger $host4 6379/tcp
expect_closed office $host4 6379/tcp
expect "tidegate status is content" is_content

# Not an empty one: that would guard by `interface auto`, which is nothing here, and lift every ban.
refuses() {
	local why=$1
	shift
	timeout 5 "$tidegate" "$@" >/dev/null 2>/run/said
	[ $? = 1 ] && grep -q "$why" /run/said
}
mv "$config" /run/right.conf
because="with the configuration gone"
expect "the daemon says so" eventually 5 grep -q "is missing.*; keeping the active policy" /run/tidegate.log
expect_closed office $host4 6379/tcp
expect_open stranger $host4 6379/tcp
publish last -p 7780:80
becomes closed 5 stranger $host4 7780/tcp
for command in status reload "allow 80/tcp" "delete 1"; do
	expect "tidegate $command refuses" refuses "is missing" $command
done
bans() { timeout 5 "$tidegate" ban 203.0.113.50 2>/run/said && grep -q "$1" /run/said; }
expect "a ban is made, and told why it is all" bans "is missing.*; the active policy is kept"
expect_not "and nothing was written" test -e "$config"

: >"$config"
because="with the configuration emptied"
expect "the daemon says so" eventually 5 grep -q "is empty now.*; keeping the active policy" /run/tidegate.log
expect_closed office $host4 6379/tcp
expect_open stranger $host4 6379/tcp
expect_not "tidegate status is not content" tidegate status

rm "$config"
mkfifo "$config"
because="with a FIFO in place of the configuration"
for command in check status reload "delete 1"; do
	expect "tidegate $command refuses it at once" refuses "not a regular file" $command
done
tidegate unban 203.0.113.50
expect "a ban is made at once" bans "not a regular file.*; the active policy is kept"
expect_closed office $host4 6379/tcp
expect_open stranger $host4 6379/tcp
mv /run/right.conf "$config"
expect "tidegate reload succeeds when it is a file again" tidegate reload
