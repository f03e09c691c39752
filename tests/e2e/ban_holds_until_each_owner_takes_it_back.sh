#!/bin/bash
# Two jails of fail2ban ban one address, with the commands of dist/fail2ban-action: it stays out
# until both have taken it back.  Who unbans by hand takes back all of it.
. "$(dirname "$0")/lib.sh"

# jail NAME ACTION: what fail2ban would run.
jail() {
	local command
	command=$(sed -n "s/^$2 = //p" "$root/dist/fail2ban-action")
	command=${command//<ends>/$(sed -n 's/^ends = //p' "$root/dist/fail2ban-action")}
	command=${command//<bantime>/600} command=${command//<restored>/0}
	command=${command//<tidegate>/$tidegate}
	command=${command//<ip>/$stranger4}
	eval "${command//<name>/$1}"
}

network_up
engine_start
publish cache -p 6379:6379
configure <<<"allow 6379/tcp"
expect "tidegate up succeeds" tidegate up
expect_open stranger $host4 6379/tcp

expect "the jail sshd bans" jail sshd actionban
expect "the jail recidive bans" jail recidive actionban
because="two jails ban it"
expect_closed stranger $host4 6379/tcp
expect "the jail sshd takes its ban back" jail sshd actionunban
because="one of two jails took its ban back"
expect_closed stranger $host4 6379/tcp
expect_not "the jail sshd has none left to take back" jail sshd actionunban
because="it tried again"
expect_closed stranger $host4 6379/tcp
expect "the jail recidive takes its ban back" jail recidive actionunban
because="both jails took their bans back"
expect_open stranger $host4 6379/tcp

jail sshd actionban
tidegate ban $stranger4
because="a jail and a person ban it"
expect_closed stranger $host4 6379/tcp
expect "unban without a comment succeeds" tidegate unban $stranger4
because="all bans were taken back"
expect_open stranger $host4 6379/tcp
