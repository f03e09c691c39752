#!/bin/bash
# All C is as .clang-format has it; `make format` makes it so.  The version is fixed, because the
# results of two versions differ, and this one is in Debian 12 and 13.
. "$(dirname "$0")/lib.sh"
need clang-format-19 clang-format-19

format() { clang-format-19 --style=file:.clang-format --dry-run --Werror --ferror-limit=3 "$@" 2>&1; }

printf 'int  x;\n' >"$work/wrong.c"
expect_not "a blank too many is noticed" format "$work/wrong.c"
tree '*.[ch]' | grep -v '^\./vmlinux\.h$' | xargs clang-format-19 --dry-run --ferror-limit=3 2>&1 |
	none "all C is formatted"
