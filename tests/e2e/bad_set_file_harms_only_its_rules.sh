#!/bin/bash
# The file of a set that is emptied, broken or gone keeps what it held when it last enforced: for
# every command, and at boot, when nothing is left in the kernel.  All other rules hold, and can
# be changed.  A set that never could be read lets nobody in.
. "$(dirname "$0")/lib.sh"

dir=${config%/*}
publish_all() {
	publish cache -p 6379:6379
	publish web -p 8080:80
	publish api -p 9090:80
}
# problem TEXT: status names it, and exits 1.
problem() {
	"$tidegate" status >/run/said 2>&1
	[ $? = 1 ] && grep -q "problem  .*$1" /run/said
}
# warns TEXT COMMAND...: it succeeds, and says so.
warns() {
	local text=$1
	shift
	"$tidegate" "$@" >/dev/null 2>/run/said && grep -q "warning: .*$text" /run/said
}
expect_as_before() {
	expect_open office $host4 6379/tcp
	expect_closed stranger $host4 6379/tcp 8080/tcp
	expect_open office $host4 8080/tcp
}

network_up
engine_start
publish_all
configure <<<"set friends file friends.list
set bad file bad.list
allow 6379/tcp from friends
allow 8080/tcp
ban bad"
echo $office4 >"$dir/friends.list"
echo $stranger4 >"$dir/bad.list"
expect "tidegate up succeeds" tidegate up
expect "status is content" tidegate status
because="with two sets from files"
expect_as_before

mv /var/lib/tidegate/sets /var/lib/elsewhere
touch /var/lib/tidegate/sets
expect "status shows that nothing is kept" problem "no copy of set 'friends' is saved"
expect "reload says why" warns "cannot save a copy of set 'friends' .*: Not a directory" reload
rm /var/lib/tidegate/sets
expect "reload keeps it again" tidegate reload
expect "status is content" tidegate status

# ---- emptied ---------------------------------------------------------------------------

: >"$dir/friends.list"
echo "# the server is down" >"$dir/bad.list"
expect "reload succeeds with emptied files, and warns" warns "friends.list' is empty" reload
because="with emptied files"
expect_as_before
expect "status shows the first" problem "friends.list' is empty now"
expect "status shows the second" problem "bad.list' is empty now"

# ---- cut off, gone -----------------------------------------------------------------------

printf '203.0.113.5/0' >"$dir/bad.list"
rm "$dir/friends.list"
expect "reload succeeds with bad files, and warns" warns "bad.list:1:1: .* has host bits" reload
because="with bad files"
expect_as_before
expect "status shows the one that is cut off" problem "bad.list:1:1"
expect "status shows the one that is gone" problem "friends.list': No such file"
expect "list shows the rules" grep -q "6379/tcp from friends" <(tidegate list 2>&1)
expect_not "check refuses" tidegate check

expect "a port can be allowed" tidegate allow 9090/tcp
expect_open office $host4 9090/tcp
expect "a source can be banned" tidegate ban $office4
expect_closed office $host4 9090/tcp
expect "and unbanned" tidegate unban $office4
expect "a rule can be deleted" tidegate delete allow 9090/tcp
expect_closed office $host4 9090/tcp
expect_as_before

# ---- too many -------------------------------------------------------------------------------

# prefixes COUNT: that many of IPv6, and the office.
prefixes() {
	echo $office4
	awk -v count="$1" 'BEGIN { for (i = 1; i < count; i++) printf "2001:%x:%x::/48\n", i / 65536 + 4096, i % 65536 }'
}
prefixes 10 >"$dir/friends.list"
tidegate allow 9090/tcp from friends
because="with a set of ten"
expect_open office $host4 9090/tcp
expect_closed stranger $host4 9090/tcp
prefixes 1000001 >"$dir/friends.list"
expect "reload succeeds with more prefixes than a policy may have" \
	warns "source prefixes over all rules.*'friends' keeps its previous content" reload
because="with a set that has grown too much"
expect_open office $host4 6379/tcp 9090/tcp
expect_closed stranger $host4 9090/tcp
expect "a source can be banned meanwhile" tidegate ban 198.51.100.99
expect "status shows it" problem "source prefixes over all rules"
tidegate delete allow 9090/tcp from friends
tidegate unban 198.51.100.99
rm "$dir/friends.list"

# ---- at boot -----------------------------------------------------------------------------

expect "tidegate down succeeds" tidegate down
expect "tidegate up --boot succeeds" warns "bad.list:1:1" up --boot
because="at boot, with bad files"
expect_as_before

echo $office4 >"$dir/friends.list"
echo none >"$dir/bad.list"
expect "reload succeeds with good files" tidegate reload
expect "status is content again" tidegate status
because="the list of bans is empty and says so"
expect_open stranger $host4 8080/tcp
expect_closed stranger $host4 6379/tcp
: >"$dir/bad.list"
expect "an empty list that was empty is no problem" tidegate status

# ---- never read ----------------------------------------------------------------------------

{ cat "$config"; echo "set never file never.list
allow 9090/tcp from never
ban never
deny 8080/tcp from never
deny 22/tcp from never
allow 8080/tcp from $office4"; } >/run/config
cp /run/config "$config"
expect "reload succeeds with a set that never could be read" warns "never.*allows and bans nobody" reload
because="with a set that never could be read"
expect_open office $host4 6379/tcp 8080/tcp
expect_closed stranger $host4 6379/tcp
expect_closed office $host4 9090/tcp
expect_closed stranger $host4 8080/tcp
expect_refused stranger $host4 22/tcp
expect "status shows it" problem "never.list"
echo $stranger4 >"$dir/never.list"
expect "reload succeeds when it can" tidegate reload
because="the set can be read"
expect_closed stranger $host4 8080/tcp 9090/tcp
