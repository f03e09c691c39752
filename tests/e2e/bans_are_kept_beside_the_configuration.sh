#!/bin/bash
# Bans that commands make are in a file of their own, whatever the configuration has: one each, lists on
# standard input, and what a feed sends.  They hold after a restart, and end by themselves.
. "$(dirname "$0")/lib.sh"

bans=/var/lib/tidegate/bans
lines() { "$tidegate" bans "$@" | wc -l; }
has_lines() { [ "$(lines)" = "$1" ]; }
spread() { seq "$1" | awk -v first="$2" '{ printf "%d.%d.%d.%d\n", first, $1 / 65536, $1 / 256 % 256, $1 % 256 }'; }
# milliseconds COMMAND…: how long it takes; fails as it does.
milliseconds() {
	local before
	before=$(date +%s%N)
	"$@" || return
	echo $((($(date +%s%N) - before) / 1000000)) >/run/ms
}

network_up
engine_start
publish cache -p 6379:6379
configure <<<"allow 6379/tcp"
before=$(cat "$config")
expect "tidegate up succeeds" tidegate up
expect_open stranger $host4 6379/tcp

# ---- one -----------------------------------------------------------------------------------

expect "a ban succeeds" tidegate ban $stranger4 for 1h comment "one"
because="of the ban"
expect_closed stranger $host4 6379/tcp
expect_open office $host4 6379/tcp
expect_equal "the configuration is what it was" "$(cat "$config")" "$before"
expect "the ban is shown" grep -qE "^ban $stranger4 until .* comment \"one\"$" <("$tidegate" bans)
expect_equal "by list --bans as well" "$("$tidegate" list --bans)" "$("$tidegate" bans)"
expect "list tells of it" grep -qE "^ *- .* ban of 'one' +\(1, " <("$tidegate" list)
expect_equal "as JSON" "$("$tidegate" --json bans | jq -r '.[] | .source + " " + .comment')" "$stranger4 one"
expect "explain knows it" grep -q "banned" <("$tidegate" explain $stranger4 6379)
expect "status is green" tidegate status
expect "a second owner bans as well" tidegate ban $stranger4 comment two
tidegate unban $stranger4 comment one
because="one of two owners lifted it"
expect_closed stranger $host4 6379/tcp
expect_not "nobody lifts it twice" tidegate unban $stranger4 comment one
expect "unban lifts what is left" tidegate unban $stranger4
because="all is lifted"
expect_open stranger $host4 6379/tcp
expect_equal "there are none" "$(lines)" 0

tidegate ban $stranger4 for 3s
because="for 3 s"
expect_closed stranger $host4 6379/tcp
sleep 3.2
because="3 s are over, and no daemon runs"
expect_open stranger $host4 6379/tcp

# ---- whatever the configuration is -------------------------------------------------------

cp "$config" /run/right
echo "alow 8080/tcp" >>"$config"
expect "with an error in the configuration a ban is made" tidegate ban $stranger4
because="the configuration is wrong"
expect_closed stranger $host4 6379/tcp
expect_open office $host4 6379/tcp
expect_not "status tells of the error" "$tidegate" status
expect "and lifted" tidegate unban $stranger4
expect_open stranger $host4 6379/tcp
expect "and made again" tidegate ban $stranger4
mv "$config" /run/wrong
expect "without the file as well" tidegate ban 198.51.100.3
expect_closed stranger $host4 6379/tcp
cp /run/right "$config"
expect "the configuration is taken again" tidegate reload
expect "and the ban lifted" tidegate unban $stranger4
tidegate unban 198.51.100.3
echo "deny 6379/tcp from 203.0.113.3" >>"$config"
tidegate reload --confirm 1s 2>/dev/null
sleep 2
expect "after a trial that was not confirmed a ban is made" tidegate ban $stranger4
because="a trial was rolled back"
expect_closed stranger $host4 6379/tcp
expect_not "and does not bring back what was tried" grep -q 203.0.113.3 <("$tidegate" list)
cp /run/right "$config"
tidegate reload 2>/dev/null
tidegate unban $stranger4

# ---- lists ---------------------------------------------------------------------------------

spread 100000 20 | sed 's/$/ for 4h comment list/' >/run/list
echo "$stranger4" >>/run/list
expect "100 000 addresses are banned" milliseconds tidegate ban --stdin </run/list
expect "within 2 s: $(cat /run/ms) ms" test "$(cat /run/ms)" -le 2000
expect_equal "all of them are there" "$(lines)" 100001
expect_equal "those of the comment as well" "$(lines --comment list)" 100000
because="of the list"
expect_closed stranger $host4 6379/tcp
expect "one of them would be dropped" grep -q "^dropped, banned" <("$tidegate" explain 20.1.134.160 6379)
expect "who is not in it would not" grep -q "^passes" <("$tidegate" explain 20.2.134.160 6379)
expect "all with the comment are lifted" milliseconds tidegate unban --comment list
note "in $(cat /run/ms) ms"
expect_equal "but no others" "$("$tidegate" bans)" "ban $stranger4"
tidegate ban 198.51.100.1
tidegate unban 198.51.100.1
expect "the file is made smaller by the next" test "$(stat -c %s $bans)" -lt 1000
expect "unban takes a list as well" tidegate unban --stdin <<<"$stranger4"
because="it is lifted"
expect_open stranger $host4 6379/tcp
expect_not "wrong lines are told" tidegate ban --stdin <<<$'198.51.100.1\nrubbish here\n10.0.0.0/7'
expect_equal "and leave out nothing else" "$("$tidegate" bans)" "ban 198.51.100.1"
tidegate unban --stdin <<<198.51.100.1
long=$(printf '%05000d' 0)
expect_not "a line that is too long is told" sh -c "{ printf %s $long; sleep 1; echo 198.51.100.2; echo 198.51.100.3; } |
	'$tidegate' ban --stdin"
expect_equal "and its end is no line by itself" "$("$tidegate" bans)" "ban 198.51.100.3"
tidegate unban 198.51.100.3

# ---- a feed --------------------------------------------------------------------------------

mkfifo /run/feed
"$tidegate" bans follow crowd </run/feed 2>/run/feed.log &
feeder=$!
exec 7>/run/feed
cat >&7 <<EOT
{"action":"add","value":"$stranger4","duration":"3h59m57.3s","scope":"Ip","type":"ban","scenario":"x"}
{"action":"add","value":"198.51.100.0/24","duration":"1h","scope":"Range","type":"ban","origin":"cscli"}
{"action":"add","value":"DE","duration":"1h","scope":"Country","type":"ban"}
{"action":"add","value":"not an address","duration":"1h"}
{"action":
EOT
eventually 3 has_lines 2
because="of the feed"
expect_closed stranger $host4 6379/tcp
expect_equal "its bans have its name" "$(lines --comment crowd)" 2
expect_equal "what is wrong is told" "$(grep -c "was left out" /run/feed.log)" 2
echo "{\"action\":\"del\",\"value\":\"$stranger4\",\"duration\":\"-1s\",\"scope\":\"Ip\",\"type\":\"ban\"}" >&7
expect "it lifts" eventually 2 has_lines 1
because="the feed lifted it"
expect_open stranger $host4 6379/tcp
echo "$stranger4 for 1h" >&7
eventually 3 has_lines 2
kill -KILL $feeder
wait $feeder 2>/dev/null
exec 7>&-
because="the feed was killed"
expect_closed stranger $host4 6379/tcp
tidegate down 2>/dev/null
tidegate up 2>/dev/null
because="after down and up"
expect_closed stranger $host4 6379/tcp
printf '198.51.100.77 x' >>$bans # cut off
expect "a line that was cut off is none" tidegate reload
expect "the next change takes its place" tidegate ban 203.0.113.1
expect_not "it is gone" grep -q '77 x' $bans
printf 'rubbish\n' >>$bans
expect "a bad line is told by status" sh -c "! '$tidegate' status >/run/status; grep -q '$bans:.*left out' /run/status"
because="one line is bad"
expect_closed stranger $host4 6379/tcp
