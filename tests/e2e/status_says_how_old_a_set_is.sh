#!/bin/bash
# status shows each set that is in a file: how many prefixes enforce, how old they are, and
# whether they are what the file had before it was emptied, cut off or removed.
. "$(dirname "$0")/lib.sh"

dir=${config%/*}
# shows NAME PATTERN: status has this about the set.
shows() { grep -qE "^  set        $1: $2\$" <<<"$(tidegate status 2>&1)"; }
# json NAME FILTER: likewise with --json.
json() { jq -e --arg name "$1" ".set_files[] | select(.set == \$name) | $2" <<<"$(tidegate status --json)"; }

network_up
configure <<<"docker off
set friends file friends.list
set bad file $dir/bad.list
set office 203.0.113.0/24
allow 6379/tcp from friends office
ban bad"
printf '%s\n' $office4 $office6 198.51.100.0/24 >"$dir/friends.list"
printf '198.51.100.%s\n' 1 2 3 4 >"$dir/bad.list"
touch -d '3 hours ago' "$dir/friends.list"
touch -d '5 days ago' "$dir/bad.list"
expect "tidegate up succeeds" tidegate up
expect "status is content" tidegate status
expect "it shows a set, and how old it is" shows friends "3 prefixes, 3 h old, $dir/friends.list"
expect "and another" shows bad "4 prefixes, 5 d old, $dir/bad.list"
expect_equal "each that is in a file" "$(tidegate status | grep -c '^  set  ')" 2
expect "--json has them too" json friends \
	".prefixes == 3 and .state == \"current\" and .file == \"$dir/friends.list\" and (now - .modified - 10800 | fabs < 300)"
tidegate status --json >/run/status.json
expect_schema /run/status.json status

# ---- the same again ------------------------------------------------------------------------

daemon_start
touch -d '25 minutes ago' "$dir/friends.list"
expect "a file that was written again is as old as that" shows friends "3 prefixes, 2[567] min old, $dir/friends.list"
saved() { [ "$(stat -c %Y "$(grep -l friends.list /var/lib/tidegate/sets/*)")" = "$(stat -c %Y "$dir/friends.list")" ]; }
expect "and so is the copy that the daemon saved" eventually 40 saved
because="the daemon runs"

# ---- emptied, cut off, gone --------------------------------------------------------------------

previous_friends="3 prefixes, 2[5-9] min old, the previous content of $dir/friends.list"
previous_bad="4 prefixes, 5 d old, the previous content of $dir/bad.list"
: >"$dir/friends.list"
expect "an emptied file has its content before, with its age" eventually 10 shows friends "$previous_friends"
expect "--json says that it is the previous one" json friends '.prefixes == 3 and .state == "previous"'
expect_equal "the exit status is 1" "$(tidegate status >/dev/null; echo $?)" 1
expect "the daemon keeps to it" test "$(tidegate status --json | jq '.sets.friends | length')" = 3
printf '# all who are bad\n' >"$dir/bad.list"
expect "so does one of which only a comment is left" eventually 10 shows bad "$previous_bad"
printf '198.51.100.1\n198.51.100.0/2' >"$dir/bad.list"
expect "one that was cut off" eventually 10 shows bad "$previous_bad"
head -c 5 /dev/urandom >"$dir/bad.list"
expect "one that is no list" eventually 10 shows bad "$previous_bad"
rm "$dir/bad.list"
expect "one that is gone" eventually 10 shows bad "$previous_bad"
mkdir "$dir/bad.list"
expect "one that cannot be read" eventually 10 shows bad "$previous_bad"
rmdir "$dir/bad.list"
tidegate status --json >/run/status.json
expect_schema /run/status.json status
expect_equal "all of it is still enforced" "$(tidegate list 2>/dev/null | grep -cE 'allow 6379/tcp from friends office|ban bad')" 2

# ---- a new one, and one that is empty on purpose -----------------------------------------------------

printf '198.51.100.%s\n' 1 2 >"$dir/bad.list.new"
mv "$dir/bad.list.new" "$dir/bad.list"
expect "a good file is taken" eventually 10 shows bad "2 prefixes, [0-9]+ s old, $dir/bad.list"
printf '# nobody is bad\nnone\n' >"$dir/bad.list"
expect "and one that says none" eventually 10 shows bad "0 prefixes, [0-9]+ s old, $dir/bad.list"
printf '%s\n' $office4 >"$dir/friends.list"
expect "status is content again" eventually 10 tidegate status
daemon_stop

echo "set never file never.list" >>"$config"
tidegate reload 2>/dev/null
expect "a set that never was read is not known" shows never "not known, nothing was ever read from $dir/never.list"
expect "--json says so" json never '.state == "unknown" and .modified == null'
tidegate status --json >/run/status.json
expect_schema /run/status.json status
tidegate status nonsense --json >/run/status.json
expect_schema /run/status.json status
