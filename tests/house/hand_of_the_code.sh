#!/bin/bash
# The hand everything is written in, as far as a grep can tell.
. "$(dirname "$0")/lib.sh"

# In columns, tabs of 8; the tables of tests/verdict are wide on purpose.
long_lines() {
	local file
	for file; do
		expand "$file" | grep -nE '^.{101,}' | sed "s|^|$file:|"
	done
}

code=(bpf/* include/* user/*/*.[ch])
scripts=(tests/run tests/deps tests/demo .ci/run)
while read -r file; do
	scripts+=("$file")
done < <(find tests -name '*.sh' | sort)
mapfile -t extra < <(grep -rlE '^#!/bin/(ba)?sh' --include='*' tests dist 2>/dev/null |
	grep -vE '\.sh$|/(run|deps|demo)$')

printf '%101s\n' x >"$work/long"
expect "a line of 101 columns is noticed" grep -q . <(long_lines "$work/long")
long_lines "${code[@]}" | none "no line of the code is longer than 100 columns"
forbid "nothing is put off" '(TODO|FIXME|XXX)([^X]|$)' '/* TODO: IPv6 */' "${code[@]}" Makefile \
	README.md SECURITY.md man/* dist/*
forbid "no blank ends a line" '[[:blank:]]+$' 'int x; ' "${code[@]}" Makefile man/* dist/* README.md
forbid "no struct is hidden by a typedef" '^typedef (struct|enum|union)' \
	'typedef struct node node;' user/*/*.[ch] bpf/*.bpf.c bpf/*.h include/*.h
forbid "no file is a drawer" '^user/([a-z]+/)?(utils?|helpers?|misc|common)\.c$' 'user/utils.c' \
	<(printf '%s\n' user/*/*.c)
forbid "a message ends without a full stop" \
	'log_(error|warning|info)\(.*[a-z]\."[,)]' 'log_error(0, "cannot open it.");' user/*/*.c
for file in "${code[@]}"; do
	head -n 1 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-only' || echo "$file"
done | none "each file names its license"
for file in user/*/*.c bpf/*.bpf.c bpf/*.h include/*.h; do
	sed -n 2,3p "$file" | grep -q '^/\*' || echo "$file"
done | none "each file says in its first lines what it is"

echo 'if then' >"$work/broken.sh"
expect_not "a broken script is noticed" bash -n "$work/broken.sh"
for file in "${scripts[@]}" "${extra[@]}"; do
	[ ! -e "$file" ] || bash -n "$file" 2>&1
done | none "each script is one that bash can read"
for file in tests/{house,e2e,kernels}/*.sh; do
	[[ ! -e $file || $file == */lib.sh || $file == */window.sh || -x $file ]] || echo "$file: not executable, so never run"
done | none "each test script is run"
