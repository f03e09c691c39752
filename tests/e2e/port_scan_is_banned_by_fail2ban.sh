#!/bin/bash
# What `watch --format kernel` prints is what the kernel would log: Debian's fail2ban reads it with
# dist/fail2ban-filter, and bans who tries many closed ports through dist/fail2ban-action, also on
# those that are open to everyone.
. "$(dirname "$0")/lib.sh"

jail=/run/fail2ban
# ask_jail COMMAND...: of fail2ban's own client.
ask_jail() { fail2ban-client -c $jail -s $jail/socket "$@"; }
is_up() { ask_jail ping >/dev/null 2>&1; }
banned() { ask_jail status portscan | grep -qE "Banned IP list:.*$1"; }

network_up
engine_start
publish cache -p 6379-6383:6379-6383
publish web -p 8080:80
configure <<<"allow 8080/tcp"
expect "tidegate up succeeds" tidegate up
expect_open stranger $host4 8080/tcp
expect_open office $host4 8080/tcp

mkdir -p $jail/{filter,action,jail,fail2ban}.d
cp /etc/fail2ban/filter.d/common.conf $jail/filter.d
cp "$root/dist/fail2ban-filter" $jail/filter.d/tidegate.conf
cp "$root/dist/fail2ban-action" $jail/action.d/tidegate.conf
cat >$jail/fail2ban.conf <<EOT
[Definition]
loglevel = INFO
logtarget = $jail/log
syslogsocket = auto
socket = $jail/socket
pidfile = $jail/pid
dbfile = None
EOT
cat >$jail/jail.conf <<EOT
[portscan]
enabled = true
backend = polling
filter = tidegate
logpath = $jail/drops
maxretry = 4
findtime = 60
bantime = 600
action = tidegate[tidegate=$tidegate]
EOT
: >$jail/drops
"$tidegate" watch --format kernel reason closed >>$jail/drops &
watcher=$!
fail2ban-server -xf -c $jail -s $jail/socket -p $jail/pid start >$jail/talk 2>&1 &
expect "fail2ban runs" eventually 20 is_up

because="of five closed ones"
expect_closed stranger $host4 6379/tcp 6380/tcp 6381/tcp 6382/tcp 6383/tcp
expect "who tried them is banned" eventually 20 banned "$stranger4"
names_jail() { tidegate bans | grep -q "^ban $stranger4 until .* comment \"fail2ban portscan\"$"; }
expect "the ban names the jail, and ends" eventually 10 names_jail
because="of who is banned, though the port is anyone's"
expect_closed stranger $host4 8080/tcp
because="of who is not"
expect_open office $host4 8080/tcp
expect "it is taken back" ask_jail set portscan unbanip "$stranger4"
because="of who was banned"
expect_open stranger $host4 8080/tcp

# Lines that do not come from tidegate, or say nothing of a source, ban nobody.
regex=$jail/filter.d/tidegate.conf
matches() { [[ $(fail2ban-regex "$1" "$regex") == *"Lines: 1 lines, 0 ignored, $2 matched"* ]]; }
expect "a line of the file is one" matches "$(head -1 $jail/drops)" 1
expect "a line of another filter is none" matches "$(head -1 $jail/drops | sed 's/TIDEGATE DROP/UFW BLOCK/')" 0
ask_jail stop >/dev/null
kill $watcher
