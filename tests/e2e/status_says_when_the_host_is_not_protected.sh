#!/bin/bash
# Promise 8: tidegate never fails silently.  `tidegate status` succeeds when the filter is
# attached, enforcing and fresh, and in no other case.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache --restart always -p 6379:6379

configure </dev/null
because="without tidegate"
expect_open stranger $host4 6379/tcp
expect_not "status fails before anything was started" tidegate status
expect_not "so does status --json" tidegate status --json

expect "tidegate up succeeds" tidegate up
daemon_start
expect "status succeeds when the filter enforces" tidegate status
expect "status --json is JSON" sh -c "'$tidegate' status --json | jq -e ."
expect "status names the guarded interface" sh -c "'$tidegate' status | grep -w eth0"
because="status is green"
expect_closed stranger $host4 6379/tcp

# Caught between a change and the daemon's word on it.
watch_status() {
	while [ -e /run/watching ]; do
		"$tidegate" status >/run/status 2>&1 || cat /run/status >>/run/alarms
	done
}
touch /run/watching /run/alarms
watch_status &
watching=$!
for number in 1 2 3 4 5 6; do
	publish "passing$number" -p "700$number:7000"
	docker rm -f "passing$number" >/dev/null
done
rm /run/watching
wait $watching
expect_equal "status raises no alarm while containers come and go" "$(cat /run/alarms)" ""

expect "a defense can be left out" env TIDEGATE_WITHOUT=learn "$tidegate" up
expect_not "status fails then" tidegate status
expect "and says why" grep -q TIDEGATE_WITHOUT <(tidegate status 2>&1)
expect "it is brought back" tidegate up
expect "status succeeds with it" tidegate status

expect "audit mode can be entered" tidegate up --audit
expect_not "status fails in audit mode" tidegate status
because="in audit mode"
expect_open stranger $host4 6379/tcp
expect "audit mode can be left" tidegate up
expect "status succeeds again" tidegate status
because="enforcing again"
expect_closed stranger $host4 6379/tcp

# who ADDRESS: what status says of 6379/tcp there.
who() {
	tidegate status |
		sed -nE "s/^6379\/tcp +$1 +[^ ]+ +(.*[^ ]) +[0-9]+ +[0-9]+\$/\1/p"
}
configure <<-EOF
	set six ::/0
	allow 6379/tcp from six
EOF
tidegate reload
because="allowed by IPv6 only"
expect_closed stranger $host4 6379/tcp
expect_open stranger $host6 6379/tcp
expect_equal "who may enter is said for each family" "$(who any)" "anyone by IPv6"
configure <<-EOF
	set six ::/0
	allow 6379/tcp
	allow 6379/tcp on $host4 from six
EOF
tidegate reload
expect_equal "IPv4 beside it is entered by anyone" "$(who 0.0.0.0)" anyone
expect_equal "an IPv4 address is entered by no IPv6 source" "$(who $host4)" anyone
configure </dev/null
tidegate reload

expect "another pin directory can be up as well" tidegate --pin /sys/fs/bpf/other up
expect "its status counts no daemon of another's as its own" \
	sh -c "'$tidegate' --pin /sys/fs/bpf/other status | grep 'not running'"
expect "and goes down by itself" tidegate --pin /sys/fs/bpf/other down

daemon_kill
expect "status says when the daemon was killed" sh -c "'$tidegate' status | grep 'not running'"
publish web -p 8080:80
expect_not "status fails when Docker has moved on and nobody followed" tidegate status
daemon_start
expect "status succeeds with the daemon back" tidegate status
because="the daemon is back"
expect_closed stranger $host4 6379/tcp 8080/tcp

sed -i 's/^interface .*/interface eth0 eth7/' "$config"
tidegate reload >/dev/null 2>&1
expect_not "status fails when an interface of the configuration is not there" tidegate status
configure </dev/null
expect "reload succeeds" tidegate reload
expect "status succeeds with the interfaces that are there" eventually 5 "$tidegate" status

engine_stop
expect "status says that Docker does not answer" eventually 10 \
	sh -c "'$tidegate' status 2>&1 | grep -i docker"

echo "allow 6379/tcpp" >>"$config"
expect_not "status fails when the configuration is wrong" tidegate status
configure </dev/null
daemon_stop

# What root can do by accident: take the filter away under our feet.
engine_start
expect "tidegate up succeeds again" tidegate up
expect "status succeeds once more" tidegate status
rm -r /sys/fs/bpf/tidegate
expect_not "status fails when its pins were removed" tidegate status
because="nothing is left that filters"
becomes open 5 stranger $host4 6379/tcp
expect "tidegate up repairs it" tidegate up
because="up again"
expect_closed stranger $host4 6379/tcp

expect "tidegate down succeeds" tidegate down
expect_not "status fails after down" tidegate status
