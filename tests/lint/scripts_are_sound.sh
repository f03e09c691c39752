#!/bin/bash
# What shellcheck says: it finds nothing in the scripts.  .shellcheckrc has what it is not asked.
. "$(dirname "$0")/lib.sh"
need shellcheck shellcheck

check() { xargs --no-run-if-empty -P "$(nproc)" -n 8 shellcheck --format=gcc "$@"; }

printf '#!/bin/bash\ncd "$1"\nrm -r $(cat list)\n' >"$work/wrong.sh"
expect_not "a cd that may fail is noticed" check <<<"$work/wrong.sh"

# Only what has changed since nothing was found, unless it is something that others source.
clean=build/scripts-are-sound
scripts >"$work/scripts"
expect "scripts without a suffix are found" grep -qx ./tests/run "$work/scripts"
xargs -a "$work/scripts" grep -L '^#!' | cat - <(echo .shellcheckrc) >"$work/parts"
if [ -e $clean ] && [ -z "$(xargs -a "$work/parts" -I {} find {} -newer $clean)" ]; then
	xargs -a "$work/scripts" -I {} find {} -newer $clean >"$work/changed"
	mv "$work/changed" "$work/scripts"
fi
touch "$work/now"
{
	grep -vxFf "$work/parts" "$work/scripts" | check
	# Of a file that others source it isn't known where its variables come from and go to.
	grep -xFf "$work/parts" "$work/scripts" | check --shell=bash --exclude=SC2034,SC2154
} >"$work/found" 2>&1
none "shellcheck finds nothing" <"$work/found"
[ -s "$work/found" ] || touch -r "$work/now" $clean
