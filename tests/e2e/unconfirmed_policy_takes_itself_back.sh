#!/bin/bash
# Promise 7: a policy on trial that nobody confirms is taken back by the kernel at its
# deadline, with no process of tidegate alive; a confirmed one stays.  What would cut the
# caller's own SSH connection is refused.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache -p 6379:6379

configure <<<"allow 6379/tcp"
expect "tidegate up succeeds" tidegate up
because="the confirmed policy allows it"
expect_open stranger $host4 6379/tcp

configure </dev/null
expect "a trial of 4 s succeeds" tidegate reload --confirm 4s
because="the policy on trial does not allow it"
expect_closed stranger $host4 6379/tcp
expect "nothing of tidegate runs" bash -c '! pgrep -x tidegate'
sleep 4
because="nobody confirmed in time"
expect_open stranger $host4 6379/tcp
expect_not "confirming is too late" tidegate confirm
expect "status fails and says so" grep -q "not confirmed" <(tidegate status)
expect_not "an edit would bring it back and is refused" tidegate allow 8080/tcp

expect "a trial can be repeated" tidegate reload --confirm 3s
expect "and confirmed" tidegate confirm
sleep 3.2
because="it was confirmed"
expect_closed stranger $host4 6379/tcp
expect "status succeeds" tidegate status

expect "down" tidegate down
because="not up"
expect_open stranger $host4 6379/tcp
expect "the first policy of all can be a trial" tidegate up --confirm 3s
because="on trial"
expect_closed stranger $host4 6379/tcp
sleep 3.2
because="falling back means being as before"
expect_open stranger $host4 6379/tcp

export SSH_CONNECTION="$office4 50022 $host4 22"
expect "tidegate up succeeds" tidegate up
expect_not "a ban of the caller is refused" tidegate ban "$office4"
expect_not "a rule that keeps the caller out is refused" tidegate allow 22/tcp from "$stranger4"
expect_not "neither by sudo, which takes the variable away" \
	bash -c "env -u SSH_CONNECTION '$tidegate' ban $office4; exit \$?"
expect "the configuration is as it was" bash -c '! grep -q "ban\|allow" /etc/tidegate/tidegate.conf'
expect "a rule that lets the caller in is not" tidegate allow 22/tcp from "$office4"
expect "insisting works" tidegate --force ban "$office4"
