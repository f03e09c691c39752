#!/bin/bash
# From a change in Docker, in the file, on the command line or of an interface to its being
# enforced: prints how long that takes.  The bound is there to see what hangs, and far above what a
# loaded machine needs.
#
# TIDEGATE_SOAK=1 is the long form: a hundred times each.
. "$(dirname "$0")/lib.sh"

runs=2
[ -z "${TIDEGATE_SOAK-}" ] || runs=100

network_up
engine_start
publish web -p 8080:80
configure </dev/null
because="with nobody to follow Docker"
expect "tidegate up succeeds" tidegate up
docker create -p 7000:80 --name armed probe /bin/probe serve tcp:80 >/dev/null
sleep 1
expect_refused stranger $host4 7000/tcp
docker rm armed >/dev/null

because="with the daemon"
sed -i 's/^interface .*/interface eth0 eth1/' "$config"
"$tidegate" run >>/run/tidegate.log 2>&1 &
daemon_pid=$!
sleep 1
export TIDEGATE=$tidegate
if python3 "$e2e/reaction.py" $runs /run/netns/outside $stranger4 $host4 >/run/reaction 2>&1; then
	ok "each change is enforced, $because"
else
	fail "each change is enforced, $because" </run/reaction
fi
sed 's/^/# /' /run/reaction
expect "in less than five seconds, $because" \
	awk 'NR > 2 && !/prompt/ && $NF >= 5000 { late = 1 } END { exit late || NR < 5 }' /run/reaction
