# lib.sh: the vocabulary of the house tests, which read the tree and what was built from it.  A
# script sources this file first and is then in the root of the tree.  Output is TAP.
#
# A check that cannot fail proves nothing, so forbid and demand are told what they would object
# to, and object to it before they look at the tree.

set -u
# So that what ends a pipe can count.
shopt -s lastpipe

cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.." || exit 1
build=${TIDEGATE_BUILD:-build}
export LC_ALL=C.UTF-8
cases=0 failures=0
work=$(mktemp -d)

finish() {
	local status=$?
	rm -rf "$work"
	if [ "$status" != 0 ] && [ "$failures" = 0 ]; then
		echo "not ok $((++cases)) - the script ends by itself (exit $status)"
	fi
	echo "1..$cases"
	[ "$failures" = 0 ] || exit 1
}
trap finish EXIT

ok() { echo "ok $((++cases)) - $*"; }

# fail STATEMENT: reads what is wrong from stdin.
fail() {
	failures=$((failures + 1))
	echo "not ok $((++cases)) - $*"
	sed 's/^/#   /'
}

skip() { echo "ok $((++cases)) - $1 # skip $2"; }

# none STATEMENT: stdin lists what is wrong, a line each; nothing is right.
none() {
	local wrong
	wrong=$(cat)
	if [ -z "$wrong" ]; then ok "$1"; else fail "$1" <<<"$wrong"; fi
}

# expect STATEMENT COMMAND..., expect_not STATEMENT COMMAND...
expect() {
	local statement=$1 output
	shift
	if output=$("$@" 2>&1); then ok "$statement"; else fail "$statement" <<<"exit $?: $*
$output"; fi
}

expect_not() {
	local statement=$1 output
	shift
	if output=$("$@" 2>&1); then fail "$statement" <<<"exit 0: $*
$output"; else ok "$statement"; fi
}

# forbid STATEMENT PATTERN EXAMPLE FILE...: no line of the files matches the extended regular
# expression; the example does.
forbid() {
	local statement=$1 pattern=$2 example=$3
	shift 3
	grep -qE -- "$pattern" <<<"$example" || {
		fail "$statement" <<<"the check does not object to: $example"
		return
	}
	[ $# != 0 ] || {
		fail "$statement" <<<"there is no file to look at"
		return
	}
	grep -nHE -- "$pattern" "$@" | none "$statement"
}

# has FILE WORD: the file has the word as a whole.
has() { grep -qE -- "(^|[^[:alnum:]_-])$2($|[^[:alnum:]_-])" "$1"; }

# demand STATEMENT HAS FILE: every word on stdin is in the file by `HAS FILE WORD`, and a word
# that nobody ever wrote is not.
demand() {
	local statement=$1 has=$2 file=$3 words word
	words=$(cat)
	if [ -z "$words" ]; then
		fail "$statement" <<<"there is nothing to look for"
		return
	fi
	if "$has" "$file" nosuchword; then
		fail "$statement" <<<"the check would find anything in $file"
		return
	fi
	for word in $words; do
		"$has" "$file" "$word" || echo "$word is not in $file"
	done | none "$statement"
}
