#!/bin/bash
# Promise 4 as upgrade_across_layouts_leaves_no_window.sh has it, from the layout before the last one.
from=6
: "${TIDEGATE_STEP:=140}" # it is killed at a fourth of the moments
. "$(dirname "$0")/upgrade_across_layouts_leaves_no_window.sh"
