#!/bin/bash
# codespell knows no common misspelling in the tree; what is meant is in .codespellrc.
. "$(dirname "$0")/lib.sh"
need codespell codespell

printf 'teh port\n' >"$work/wrong"
expect_not "a misspelling is noticed" codespell "$work/wrong"
codespell . 2>&1 | grep -v '^Used config files:\|^ *[0-9]*: \./\.codespellrc\|^$' |
	none "no word is misspelt"
