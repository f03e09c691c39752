#!/bin/bash
# Promise 7: who is logged in by SSH is not cut off by accident, whether a command would do it,
# from tmux, cron or anywhere else without SSH_CONNECTION, or a file that was saved.  With a real
# sshd and real logins.
. "$(dirname "$0")/lib.sh"

sshd_start() {
	mkdir -p /run/ssh /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f /run/ssh/host
	ssh-keygen -q -t ed25519 -N '' -f /run/ssh/user
	cp /run/ssh/user.pub /run/ssh/authorized
	/usr/sbin/sshd -f /dev/null -h /run/ssh/host -p 22 -p 2222 -E /run/sshd.log \
		-o UsePAM=no -o StrictModes=no -o AuthorizedKeysFile=/run/ssh/authorized
}

# login NAME FROM HOST PORT [USER]: a session that repeats what it is told.
session='while read -r said && [ "$said" != bye ]; do echo "$said"; done'
login() {
	mkfifo "/run/login.$1"
	# shellcheck disable=SC2046
	at "$2" ssh -F none -b $([ "$2" = host ] && echo "$3" || address "$2" "$3") -p "$4" -i /run/ssh/user \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
		"${5-root}@$3" "$session" <>"/run/login.$1" >"/run/login.$1.out" 2>&1 &
	eventually 10 answers "$1" || die "$2 logs in to $3 port $4"
}
answers() {
	local said=$EPOCHREALTIME
	echo "$said" >"/run/login.$1"
	eventually 0 grep -qx "$said" "/run/login.$1.out"
}
logout() { echo bye >"/run/login.$1"; }
nobody_is_in() { ! pgrep -f '^sshd[^ ]*: root@notty' >/dev/null; }

# refused STATEMENT FROM PORT COMMAND...: exit status 1, source and port named, the file as before.
refused() {
	local statement=$1 from=$2 port=$3 before output
	shift 3
	before=$(cat $config)
	output=$("$@" 2>&1)
	if [ $? = 1 ] && [[ $output == *"cut"*"$from"*" $port "* && $(cat $config) == "$before" ]]; then
		ok "refused: $statement"
	else
		fail "refused: $statement" <<<"$output"
	fi
}
says() { grep -q "$1" <("$tidegate" status); }

network_up
sshd_start
"$probe" serve tcp:6379 >/dev/null &
login admin office $host4 22
configure <<<"docker off"
expect "tidegate up succeeds" tidegate up

# ---- commands ------------------------------------------------------------------------------

refused "a ban of who is logged in" $office4 22 tidegate ban $office4
expect "of a list others are banned" sh -c "printf '%s\n' 198.51.100.5 192.0.2.8/29 198.51.100.6 |
	'$tidegate' ban --stdin 2>/run/said"
expect "who is logged in is left out, and told of" grep -q "$office4 is logged in by SSH" /run/said
expect_equal "just these are" "$("$tidegate" bans)" $'ban 198.51.100.5\nban 198.51.100.6'
expect "the login goes on while a list bans others" answers admin
"$tidegate" unban --comment ''
refused "a rule that lets only others in" $office4 22 tidegate allow 22/tcp from $stranger4
refused "a deny" $office4 22 tidegate deny 22/tcp from 192.0.2.0/24
configure <<<"default deny all"
refused "a reload of a file that closes everything" $office4 22 tidegate reload
refused "the same by up" $office4 22 tidegate up
expect "the login is alive" answers admin
printf '%s\n' "default deny all" "allow 22/tcp from $office4" >/run/new
configure </run/new
expect "a file that lets him in is applied" tidegate reload
refused "to delete what lets him in" $office4 22 tidegate delete 1
expect "what does not concern him goes through" tidegate allow 80/tcp

configure <<<"ban $office4"
expect "a trial goes on" tidegate reload --confirm 3s
expect_not "and cuts" answers admin
expect "until it is taken back" eventually 10 answers admin

configure <<<"docker off"
expect "tidegate reload" tidegate reload
login other office $host4 2222
refused "a rule that closes another port of sshd" $office4 2222 tidegate deny 2222/tcp
logout other
useradd --password '*' --shell /bin/bash alice || die "there is a user"
login six office $host6 22 alice
refused "a ban by IPv6" $office6 22 tidegate ban $office6
logout six

# ---- what is no reason ---------------------------------------------------------------------

login local host 127.0.0.1 22
login self host $host4 22
expect "a login by loopback is no reason" tidegate ban 127.0.0.0/8
expect "nor is one of this host to itself" tidegate ban $host4
logout local
logout self

outside python3 - $stranger4 $host4 <<'PYTHON' &
import socket, sys, time
guesser = socket.create_connection((sys.argv[2], 22), source_address=(sys.argv[1], 0))
guesser.recv(100)
guesser.send(b"SSH-2.0-guess\r\n")
time.sleep(600)
PYTHON
guesses() { pgrep -f '^sshd[^ ]*: .*\[(net|accepted)\]'; }
expect "somebody guesses passwords" eventually 5 guesses
expect "he can be banned" tidegate ban $stranger4
expect "and unbanned" tidegate unban $stranger4

flow_start redis stranger $host4 6379
expect "a connection to another service is no reason" tidegate ban $stranger4
expect_flow redis closed "he is banned"

expect "--force bans who is logged in" tidegate --force ban $office4
expect_not "and cuts him off" answers admin
expect "who was cut before is no reason" tidegate allow 81/tcp
expect "an unban" tidegate unban $office4
expect "the login goes on" eventually 20 answers admin

# ---- a file that is saved ------------------------------------------------------------------

file() {
	printf '%s\n' "docker off" "$@" >/run/new
	configure </run/new
}

file
expect "tidegate reload" tidegate reload
daemon_start
file "allow 22/tcp from $stranger4"
expect "status says whom a saved file would cut" eventually 5 says "not applied.*$office4 to port 22"
expect_not "and fails" tidegate status
expect "so does the daemon" eventually 5 grep -q "not applied.*$office4 to port 22.*--confirm" /run/tidegate.log
expect "the login is alive" answers admin
expect_not "an edit on top of it is refused" tidegate allow 82/tcp
refused "it is not applied by hand either" $office4 22 tidegate reload
logout admin
eventually 5 nobody_is_in || die "everybody has left"
kill -HUP "$daemon_pid"
sleep 1
because="it is not applied when he has left"
expect_open office $host4 22/tcp

file "deny 22/tcp from $office4"
because="a file that cuts nobody is applied at once"
becomes closed 5 office $host4 22/tcp
file
becomes open 5 office $host4 22/tcp
expect "status succeeds" eventually 5 tidegate status

login admin2 office $host4 22
file "allow 22/tcp from $stranger4"
expect "it is refused" eventually 5 says "not applied.*$office4"
expect "and can be tried" tidegate reload --confirm 3s
expect_not "which cuts" answers admin2
sleep 3
expect "and is taken back" eventually 20 answers admin2
expect "status says so" says "not confirmed and was rolled back"
kill -HUP "$daemon_pid"
sleep 1
expect "the daemon leaves it so" answers admin2

echo 203.0.113.0/24 >/run/list
file "set list file /run/list" "ban list"
expect "a file with a list is applied" eventually 5 tidegate status
echo 192.0.2.0/24 >>/run/list
kill -HUP "$daemon_pid"
expect "a list that would cut him is not applied" eventually 5 says "$office4 to port 22"
expect "the login is alive" answers admin2

# ---- with nothing that enforced before --------------------------------------------------------

daemon_stop
tidegate down
file "default deny all"
refused "to come up with it" $office4 22 tidegate up
expect "the unit comes up without it" tidegate up --boot
expect "the login is alive" answers admin2
"$tidegate" run >>/run/tidegate.log 2>&1 &
daemon_pid=$!
expect "nor does the daemon apply it" eventually 5 says "not applied.*$office4 to port 22"
expect "the login is alive" answers admin2
