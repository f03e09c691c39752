#!/bin/bash
# tidegate-fetch gets a list from a web server, or the addresses of a name, and puts it in place of a
# set's file; the daemon takes it.  What is empty, cut off, no list, as wide as the world or has
# shrunk is refused, and what was there before goes on.
. "$(dirname "$0")/lib.sh"

dir=${config%/*}
www=/run/www
server=http://$office4:8000
fetch=/opt/tidegate/sbin/tidegate-fetch

# settings NAME: of a list, from stdin.
settings() { cat >"$dir/fetch/$1.conf"; }
# says STATUS PATTERN ARGUMENT...: tidegate-fetch has that exit status, and says so.
says() {
	local status=$1 pattern=$2 output actual
	shift 2
	output=$("$fetch" "$@" 2>&1)
	actual=$?
	[ "$actual" = "$status" ] && grep -qE -- "$pattern" <<<"$output" && return
	echo "exit $actual: $output"
	return 1
}
takes() { expect "$1" says 0 "$2" "${3-friends}"; }
# refuses WHAT PATTERN [NAME]: and nothing changes in the directory, nor in what enforces.
refuses() {
	local name=${3-friends} before after
	before=$(ls -la --time-style=full-iso "$dir"; cat "$dir/$name.list")
	expect "$1 is refused" says 1 "^tidegate-fetch: $name: .*$2.*'$dir/$name.list' stays as it is, [0-9]+ entr(y|ies) of 20" "$name"
	after=$(ls -la --time-style=full-iso "$dir"; cat "$dir/$name.list")
	expect_equal "the file before stays, $1" "$after" "$before"
}
# serve_raw: what stands on stdin, whatever it is; at port 8001.
serve_raw() {
	cat >/run/raw
	outside /usr/bin/python3 -c 'import socket, sys
server = socket.create_server((sys.argv[1], 8001))
while True:
	client, _ = server.accept()
	client.recv(4096)
	client.sendall(open("/run/raw", "rb").read())
	client.close()' $office4 &
	raw_pid=$!
	is_listening() { outside ss -Htln 'sport = 8001' | grep -q .; }
	eventually 5 is_listening || die "the server of broken answers listens"
}

network_up
engine_start
publish cache -p 6379:6379
make -s -C "$root" install PREFIX=/opt/tidegate UNITDIR=/opt/tidegate/units || die "make install"
tidegate=/opt/tidegate/sbin/tidegate
mkdir -p $www
outside /usr/bin/python3 -m http.server --bind $office4 --directory $www 8000 >/run/www.log 2>&1 &
eventually 10 curl -sf -o /run/null $server/ || die "the web server answers"

# ---- taken ------------------------------------------------------------------------------------

printf '%s\n' $office4 203.0.113.{1..8} >$www/v4
printf '2001:db8:1::/48' >$www/v6
settings friends <<EOT
# Both of them.
URL=$server/v4
URL="$server/v6"
EOT
takes "a list of two files is fetched" "^tidegate-fetch: friends: 10 entries in '$dir/friends.list'$"
expect_equal "each has its lines" "$(grep -cE '^(192\.0\.2\.10|203\.0\.113\.8|2001:db8:1::/48)$' "$dir/friends.list")" 3
expect_equal "everybody may read the file" "$(stat -c '%a %U' "$dir/friends.list")" "644 root"
expect_equal "nothing is beside it" "$(ls -A "$dir")" "$(printf '%s\n' fetch friends.list tidegate.conf)"

configure <<<"set friends file friends.list
allow 6379/tcp from friends"
expect "tidegate up succeeds" tidegate up
daemon_start
because="it was fetched"
expect_open office $host4 6379/tcp
expect_closed stranger $host4 6379/tcp
sed -i "1i $stranger4" $www/v4
takes "a list with one more is fetched" "11 entries in .*, it had 10$"
because="the daemon has taken it"
becomes open 10 stranger $host4 6379/tcp
expect "status shows the set" eventually 10 grep -qE "^  set        friends: 11 prefixes, [0-9]+ s old, $dir/friends.list$" <(tidegate status)
touch -d '2 days ago' "$dir/friends.list"
takes "the same list is fetched again" "11 entries in .*, it had 11$"
expect "and is as fresh as that" test "$(find "$dir/friends.list" -mmin -5)"

# ---- refused -----------------------------------------------------------------------------------

cp $www/v4 /run/v4
: >$www/v4
refuses "a list that is empty" "$server/v4 answered is empty"
printf '# the server is down\n\n' >$www/v4
refuses "one of comments" "is empty"
echo none >$www/v4
refuses "one that says none" "is empty"
head -n 4 /run/v4 >$www/v4
refuses "one that shrank to less than half" "shrunk from 11 to 5 entries.*--force friends"
head -n 5 /run/v4 >$www/v4
expect "one that kept more than half is taken" says 0 "6 entries in .*, it had 11$" friends
cp /run/v4 $www/v4
expect "so is one that has grown" says 0 "11 entries in .*, it had 6$" friends
echo '<html><body>Please log in</body></html>' >$www/v4
refuses "a page" "$server/v4 answered is no list of prefixes: line 1:1: '<html"
{ cat /run/v4; printf '203.0.113.0/2'; } >$www/v4
refuses "a prefix that was cut off" "no list of prefixes: line 11:1: .*host bits"
{ cat /run/v4; printf '128.0.0.0/1'; } >$www/v4
refuses "one that was cut off behind its length" "line 11:1: .*cut off behind /1"
for wide in 0.0.0.0/0 64.0.0.0/2 ::/0 2000::/3 0.0.0.0-255.255.255.255 '1.0.0.0 - 100.0.0.0' ::-ffff:: '0.0.0.0/0 # all'; do
	{ cat /run/v4; echo "$wide"; } >$www/v4
	refuses "a list with $wide" "has '$wide', which is as wide"
done
{ cat /run/v4; printf '%s\n' 16.0.0.0/4 10.0.0.0-10.1.2.3 2a00::/13 2a00::-2a01::; } >$www/v4
takes "one with networks of a large provider is not" "15 entries"
cp /run/v4 $www/v4
rm $www/v6
refuses "a file that is not there" "cannot fetch $server/v6: .*404"
printf '2001:db8:1::/48\n' >$www/v6
takes "when it is there again, it is fetched" "11 entries"
head -c 3000 /dev/urandom >$www/v4
refuses "noise" "no list of prefixes"
cp /run/v4 $www/v4

settings friends <<<"URL=http://user:secret@$office4:8001/"
serve_raw < <(printf 'HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n'; cat /run/v4)
refuses "an answer that was cut off" "cannot fetch http://$office4:8001/: .*(18)"
kill "$raw_pid" && wait "$raw_pid" 2>/dev/null
refuses "a server that is gone" "cannot fetch http://$office4:8001/: "
expect_equal "a password is not told" "$("$fetch" friends 2>&1 | grep -c secret)" 0
because="through all of that"
expect_open office $host4 6379/tcp
expect_open stranger $host4 6379/tcp
expect "status is content" tidegate status

# ---- how much may go is settable ----------------------------------------------------------------

head -n 8 /run/v4 >$www/v4
settings friends <<<"URL=$server/v4
MIN_PERCENT=80"
refuses "a list that shrank by more than may go" "shrunk from 11 to 8 entries, and more than 80% must"
settings friends <<<"URL=$server/v4
MIN_PERCENT=70"
takes "it is taken where more may go" "8 entries"
echo $office4 >$www/v4
refuses "one of which hardly anything is left" "shrunk from 8 to 1 entry"
expect "it is taken when somebody says so" says 0 "1 entry" --force friends
because="it is not in the list any more"
becomes closed 10 stranger $host4 6379/tcp
expect_open office $host4 6379/tcp
: >$www/v4
expect "an empty one is not" says 1 "is empty" --force friends

# ---- a name --------------------------------------------------------------------------------------

# hosts ADDRESS...: what home.example.net is.
cp /etc/hosts /run/hosts
hosts() {
	{ cat /run/hosts; for address; do echo "$address home.example.net"; done; } >/etc/hosts
}
hosts $stranger4
settings friends <<<"NAME_TO_RESOLVE=home.example.net"
takes "the address of a name is fetched" "1 entry"
because="its name leads there"
becomes open 10 stranger $host4 6379/tcp
expect_closed office $host4 6379/tcp
hosts
refuses "a name that does not resolve" "'home.example.net' does not resolve"
because="it was the last answer"
expect_open stranger $host4 6379/tcp
hosts $stranger4 $office4 $office6
takes "a name may have more addresses" "3 entries in .*, it had 1$"
hosts $office4
takes "and fewer of them" "1 entry in .*, it had 3$"
because="its name leads elsewhere"
becomes closed 10 stranger $host4 6379/tcp
expect_open office $host4 6379/tcp

# ---- settings that are wrong -----------------------------------------------------------------------

expect "a list that nobody described" says 1 "there is no '$dir/fetch/nobody.conf'" nobody
expect "a name that leads elsewhere" says 2 "usage: " ../friends
# wrong SETTINGS PATTERN
wrong() {
	settings wrong <<<"$1"
	expect "wrong settings are told: ${1//$'\n'/, }" says 1 "$2" wrong
}
wrong "# nothing" "wrong.conf names nothing to fetch"
wrong "URL=ftp://$office4/v4" "wrong.conf:1: 'ftp:.* is no URL"
wrong "URL=file:///etc/shadow" "is no URL"
wrong 'URL=http://x/" output="/etc/passwd' "is no URL"
wrong "URL=$server/v4
MIN_PERCENT=100" "wrong.conf:2: MIN_PERCENT is a number from 0 to 99"
wrong "URI=$server/v4" "wrong.conf:1: 'URI': no such setting"
wrong "url $server/v4" "wrong.conf:1: .* is not of the form KEY=VALUE"
# shellcheck disable=SC2016
wrong 'NAME_TO_RESOLVE=$(touch /run/executed)' "is no name of a host"
expect_not "nothing of it is executed" test -e /run/executed
wrong "URL=$server/v6
FILE=/nonexistent/directory/list" "cannot write to '/nonexistent/directory'"
settings wrong <<<"URL=$server/v6
FILE=other.list"
expect "a file of another name" says 0 "'$dir/other.list'" wrong
rm "$dir/fetch/wrong.conf"

# ---- the examples ----------------------------------------------------------------------------------

# From this server, at the same path.
grep -rhoE '^URL=https://.*' /opt/tidegate/share/tidegate/fetch | sed -E 's|^URL=https://[^/]+/||' |
	while read -r path; do
		mkdir -p "$www/$(dirname "$path")"
		printf '198.51.100.0/24\n2001:db8::/32\n' >"$www/$path"
	done
for example in /opt/tidegate/share/tidegate/fetch/*.conf; do
	name=$(basename "$example" .conf)
	sed -E "s|^URL=https://[^/]+|URL=$server|" "$example" | settings "$name"
	expect "the example $name is one: $(grep -m 1 -oE '^(URL|NAME_TO_RESOLVE)=.*' "$example")" \
		says 0 "entr(y|ies) in '$dir/$name.list'" "$name"
done
daemon_stop
