#!/bin/bash
# mandoc objects to nothing in the manual pages, and none of their lines is longer than 80 columns.
. "$(dirname "$0")/lib.sh"
need mandoc mandoc

# What is left out depends on which other manuals the machine has.
lint() { mandoc -T lint "$@" 2>&1 | grep -v 'referenced manual not found\|outdated mandoc.db'; }
long() { grep -nHE '^.{81,}' "$@"; }

printf '.Dd x\n.Foo\n%81s\n' x >"$work/wrong.8"
expect "a bad page is noticed" grep -q . <(lint "$work/wrong.8")
expect "a line of 81 columns is noticed" long "$work/wrong.8"
lint man/* | none "the manual pages are right"
long man/* | none "their lines are at most 80 columns"
