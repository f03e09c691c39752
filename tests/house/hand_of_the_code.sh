#!/bin/bash
# What is agreed on about the code and no tool knows.
. "$(dirname "$0")/lib.sh"

code=(bpf/* include/* user/*/*.[ch])

forbid "no struct is hidden by a typedef" '^typedef (struct|enum|union)' \
	'typedef struct node node;' "${code[@]}"
forbid "a message ends without a full stop" \
	'log_(error|warning|info)\(.*[a-z]\."[,)]' 'log_error(0, "cannot open it.");' user/*/*.c

# nameless FILE...: those whose first lines are not the license and what the file is.
nameless() {
	awk 'FNR == 1 && !/SPDX-License-Identifier: GPL-2.0-only/ { print FILENAME ": no license" }
		FNR == 2 || FNR == 3 { is_told = is_told || /^\/\*/ }
		FNR == 4 { if (!is_told) print FILENAME ": does not say what it is"
			is_told = 0; nextfile }' "$@"
}

printf '// SPDX-License-Identifier: GPL-2.0-only\n#include <a.h>\nint a;\n\n' >"$work/wrong.c"
expect "a file that does not say what it is is noticed" grep -q . <(nameless "$work/wrong.c")
nameless "${code[@]}" | none "each file begins with its license and what it is"
for file in tests/{lint,house,e2e,kernels}/*.sh; do
	[[ $file == */lib.sh || $file == */window.sh || $file == */systemd.sh || -x $file ]] || echo "$file"
done | none "each test can be run"
