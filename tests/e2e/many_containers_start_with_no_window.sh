#!/bin/bash
# Promise 4: while somebody outside tries every port all the time, containers come and go, one
# by one and eight at a time, with ports that were asked for and with such that Docker chooses,
# some on new networks; the daemon follows.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/window.sh"

window_up
engine_start
image probe
expect_window "without tidegate"

configure </dev/null
expect "tidegate up succeeds" tidegate up
daemon_start
expect_no_window "with the daemon"
daemon_stop

export TIDEGATE_WITHOUT=learn,gate
daemon_start
expect_window "with the daemon, but neither bind learning nor the gate"
