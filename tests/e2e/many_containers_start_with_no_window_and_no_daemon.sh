#!/bin/bash
# Promise 4: the same with the daemon killed before the first of them starts.  What the gate
# alone closes is in gate_closes_what_the_filter_cannot_know.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/window.sh"

window_up
engine_start
image probe

configure </dev/null
expect "tidegate up succeeds" tidegate up
daemon_start
daemon_kill
expect_no_window "with the daemon killed"

TIDEGATE_WITHOUT=learn expect "tidegate up succeeds without bind learning" tidegate up
expect_window "with the daemon killed and no bind learning: what docker-proxy relays"
