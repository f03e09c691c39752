#!/bin/bash
# Promise 4: the same with --userland-proxy=false: dockerd binds the ports itself.  The short form
# is without the daemon.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/window.sh"

window_up
engine_start --userland-proxy=false
image probe
expect_window "without tidegate"

configure </dev/null
expect "tidegate up succeeds" tidegate up
daemon_start
[ -z "${TIDEGATE_SOAK-}" ] || expect_no_window "with the daemon"
daemon_kill
expect_no_window "with the daemon killed"

TIDEGATE_WITHOUT=learn,gate expect "tidegate up succeeds without either means" tidegate up
expect_window "with the daemon killed, and neither bind learning nor the gate"
