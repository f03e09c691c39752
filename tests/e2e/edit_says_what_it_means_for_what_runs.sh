#!/bin/bash
# A command that edits the rules says what its rule comes to with the containers that run: a word
# that is no container, the wrong side of -p 8080:80, a container that has no ports of its own.  It
# says nothing about the other rules.
. "$(dirname "$0")/lib.sh"

# says STATUS PATTERN ARGUMENT...: that exit status, and the pattern in what is printed.
says() {
	local status=$1 pattern=$2 output actual
	shift 2
	output=$(tidegate "$@" 2>&1)
	actual=$?
	[ "$actual" = "$status" ] && grep -qE -- "$pattern" <<<"$output" && return
	echo "exit $actual: $output"
	return 1
}

# changes_nothing STATEMENT COMMAND...: a refusal that leaves the file as it was.
changes_nothing() {
	local before statement=$1
	before=$(cat "$config")
	shift
	expect "$statement" "$@"
	expect_equal "and the file is as it was" "$(cat "$config")" "$before"
}

network_up
engine_start
publish web -p 8080:80
publish cache -p 6379:6379
publish agent --network host
publish idle
configure <<EOT
allow container ghost
allow container spirit
EOT
expect "tidegate up succeeds" says 0 enforcing up

for word in ssh http OpenSSH all icmp; do
	changes_nothing "allow $word is refused" says 1 "'$word'.*\`tidegate allow container $word\`" allow $word
done
expect "a service's port is named" says 1 '`tidegate allow 22/tcp`' allow ssh
changes_nothing "allow 8080:80 names the spelling" says 1 "'8080'" allow 8080:80
changes_nothing "allow web:80 names the spelling" says 1 "'container web port 80'" allow web:80
changes_nothing "allow 127.0.0.1:8080 names the spelling" says 1 "'8080 on 127.0.0.1'" allow 127.0.0.1:8080
expect_equal "a container that runs may be named by a word" \
	"$(tidegate allow cache from $office4 2>&1)" ""
expect "and is written as a container" grep -qx "allow container cache from $office4" "$config"
expect "delete takes the word as well" tidegate delete allow cache from $office4
expect_equal "the comment --force is a comment" \
	"$(tidegate --dry-run allow 6379/tcp comment --force | tail -n 1)" 'allow 6379/tcp comment "--force"'

expect "the wrong side of -p 8080:80 is told" \
	says 0 "no published port 80; .*'web' publishes its port 80 as 8080: \`tidegate allow 8080/tcp\`" allow 80
expect "a container on the host's network is told" \
	says 0 "container 'agent' publishes no port.* host's network" allow container agent
expect "a container without ports is told" says 0 "container 'idle' publishes no port" allow container idle
expect "a container that is none is told" says 0 "'allow container nobody'.* matches no running container" \
	allow container nobody
expect_equal "nothing is said of other rules" "$(tidegate allow 8080/tcp 2>&1)" ""
expect_equal "nor when one is deleted" "$(tidegate delete allow 8080/tcp 2>&1)" ""
expect "list says it of each" test "$(tidegate list | grep -c '(matches no running container)')" = 3
expect "list says why" grep -q "agent.*uses the host's network" <(tidegate list)
expect "status says how many there are" says 0 '^  rules +5 of 6 have no effect now' status

engine_stop
expect "a container that was there when Docker last answered is known" \
	tidegate allow cache from $office4
changes_nothing "others are not" says 1 "'ssh'.*no such container" allow ssh
