#!/bin/bash
# What shellcheck says: it finds nothing in the scripts.  .shellcheckrc has what it is not asked.
. "$(dirname "$0")/lib.sh"
need shellcheck shellcheck

check() { xargs -P "$(nproc)" -n 8 shellcheck --format=gcc "$@"; }

printf '#!/bin/bash\ncd "$1"\nrm -r $(cat list)\n' >"$work/wrong.sh"
expect_not "a cd that may fail is noticed" check <<<"$work/wrong.sh"
scripts >"$work/scripts"
xargs -a "$work/scripts" grep -L '^#!' >"$work/parts"
expect "scripts without a suffix are found" grep -qx ./tests/run "$work/scripts"
{
	grep -vxFf "$work/parts" "$work/scripts" | check
	# Of a file that others source it isn't known where its variables come from and go to.
	check --shell=bash --exclude=SC2034,SC2154 <"$work/parts"
} | none "shellcheck finds nothing"
