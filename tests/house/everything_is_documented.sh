#!/bin/bash
# Commands, options, statements, reasons and limits are in the manual pages; docs/commands.md shows
# every command; the examples are right; what a newcomer is told to type is what continuous
# integration runs.
. "$(dirname "$0")/lib.sh"

tidegate=$build/tidegate
[ -x "$tidegate" ] || {
	skip "everything is documented" "$tidegate is not built"
	exit 0
}

# ---- commands and options -----------------------------------------------------------------------

help=$("$tidegate" --help)
"$tidegate" completion bash >"$work/completion"
commands() { sed -nE 's/^  ([a-z]+) .*/\1/p' <<<"$help"; }
options() { grep -oE -- '--[a-z-]+' <<<"$help" | sort -u; }
global_options() { sed -nE 's/^  (--[a-z-]+) .*/\1/p' <<<"$help"; }

man_has_command() { grep -qE "^\.(It )?Cm $2( |$)" "$1"; }
man_has_option() { grep -qE -- "^\.(It |Op |.*Oo )?.*Fl ${2#-}( |$)" "$1"; }
has_command() { grep -qE "\*\*$2\*\*" "$1"; }
texts=(README.md SECURITY.md docs/*.md)

commands | demand "tidegate(8) has every command" man_has_command man/tidegate.8
commands | demand "docs/commands.md has every command" has_command docs/commands.md
options | demand "tidegate(8) has every option" man_has_option man/tidegate.8
{ commands; global_options; } |
	demand "the completion has every command and option" has "$work/completion"
for command in $(commands); do
	grep -qE "^# tidegate (--[a-z-]+ )*$command( |$)" README.md docs/commands.md || echo "$command"
done | none "every command is shown at work"

# All outputs are compared by tests/e2e/readme_shows_what_the_program_prints.sh.
expect "docs/commands.md shows this version" \
	grep -qxF "$("$tidegate" version | head -n 1)" docs/commands.md

# Nothing is documented that is not there: commands that were renamed stay behind in examples.
known=$(commands)
documented() {
	{
		sed -nE '/^\.Bd -literal/,/^\.Ed/p' man/*.[58]
		sed -n '/^```\(sh\|console\)$/,/^```$/p' "${texts[@]}"
		grep -ohE '`tidegate [^`]*`' "${texts[@]}" | tr -d '`'
	} | sed -nE 's/^(# |.*sudo .*)?tidegate (--[a-z-]+ )*([a-z]+).*/\3/p' | sort -u
}
expect "examples are found" grep -qx confirm <(documented)
documented | grep -vxF "$known" | none "every command that an example uses exists"

# ---- statements and clauses ---------------------------------------------------------------------

# The parser says itself which statements it knows.
statements() {
	echo nosuchstatement >"$work/wrong.conf"
	"$tidegate" check "$work/wrong.conf" 2>&1 | sed -n 's/.*unknown statement, use //p' |
		tr -d ',' | sed 's/ or / /'
}
clauses() { sed -nE 's/^[[:space:]]*\{ "([a-z]+)", CLAUSE_.*/\1/p' user/config/rule.c; }
man_has_statement() { grep -qE "^\.It Ic $2( |$)|^\.Ic $2( |$)" "$1"; }
man_has_clause() { grep -qE "(Ic|Ar [a-z]+|^allow.*) $2( |$)" "$1"; }

statements | demand "tidegate.conf(5) has every statement" man_has_statement man/tidegate.conf.5
clauses | demand "tidegate.conf(5) has every clause" man_has_clause man/tidegate.conf.5

# ---- reasons, hooks, limits ---------------------------------------------------------------------

reasons() {
	sed -nE 's/^[[:space:]]*X\((PASS|DROP)_[A-Z_]+, .*"([a-z-]+)"\).*/\2/p' include/reason.h
}
hooks() {
	sed -nE 's/^[[:space:]]*\[HOOK_[A-Z_]+\] = "([a-z-]+)".*/\1/p' user/kernel/attach.c |
		grep -v none
}
man_has_reason() { grep -qE "^\.Sy $2( |$)" "$1"; }
limits() { sed -nE 's/^#define (LIMIT_[A-Z0-9_]+) .*/\1/p' include/limit.h; }
# The number as well, right behind the name.
man_has_limit() {
	local value
	value=$(sed -nE "s/^#define $2 +([0-9]+).*/\1/p" include/limit.h)
	grep -A1 "^\.It Dv $2\$" "$1" | tail -n 1 | grep -q "^$value "
}

reasons | demand "tidegate(8) has every reason" man_has_reason man/tidegate.8
hooks | demand "tidegate(8) has every hook" man_has_command man/tidegate.8
programs() { basename -s .bpf.c bpf/*.bpf.c; }
# What bindwatch.bpf.c does was called bind learning.
speaks_of() { grep -qiE "\b${2/#bindwatch/(bindwatch|bind learning)}s?\b" "$1"; }
limits | demand "tidegate(8) has every limit and its value" man_has_limit man/tidegate.8

programs | demand "tidegate(8) speaks of every program in the kernel" speaks_of man/tidegate.8

# ---- the pages themselves -----------------------------------------------------------------------

# What is left out depends on which other manuals the machine has.
lint() { mandoc -T lint "$@" 2>&1 | grep -v 'referenced manual not found\|outdated mandoc.db'; }
printf '.Dd x\n.Foo\n' >"$work/wrong.8"
if command -v mandoc >/dev/null; then
	expect "a bad page is noticed" grep -q . <(lint "$work/wrong.8")
	lint man/tidegate.8 man/tidegate.conf.5 | none "the manual pages are right"
else
	skip "the manual pages are right" "there is no mandoc"
fi

# ---- examples -----------------------------------------------------------------------------------

# Sets that examples read from a file.
printf '198.51.100.0/24\n' >"$work/cloudflare.list"
sed -n '/^```tidegate.conf$/,/^```$/{/^```/d;p}' README.md >"$work/readme.conf"
sed -n '/^\.Sh EXAMPLES/,/^\.Ed/{/^\./d;p}' man/tidegate.conf.5 >"$work/man.conf"
cp dist/tidegate.conf "$work/dist.conf"
sed -E 's/^#([a-z])/\1/; s/^interface eth0 eth1$//; s/^docker off$//' dist/tidegate.conf \
	>"$work/uncommented.conf"
expect "the README has an example configuration" test -s "$work/readme.conf"
expect "the README's example is a configuration" "$tidegate" check "$work/readme.conf"
expect "tidegate.conf(5) has an example" test -s "$work/man.conf"
expect "tidegate.conf(5)'s example is a configuration" "$tidegate" check "$work/man.conf"
expect "dist/tidegate.conf is a configuration" "$tidegate" check "$work/dist.conf"
expect "with its examples uncommented as well" "$tidegate" check "$work/uncommented.conf"
sed 's/^allow 80/alow 80/' "$work/readme.conf" >"$work/broken.conf"
expect_not "a broken example is noticed" "$tidegate" check "$work/broken.conf"

# ---- what a newcomer is told --------------------------------------------------------------------

targets() {
	sed '/^## /q' README.md | grep -oE '^make [a-z-]+' | sed 's/make //'
}
runs_target() { grep -qE "^[[:space:]]*make $2( \|\||\$)" "$1"; }
targets | demand "the clean room runs what a newcomer is told to" runs_target tests/clean-room
expect "continuous integration runs it in the clean room" grep -q 'tests/clean-room' .ci/run
grep -hoE '\bmake [a-z-]+' "${texts[@]}" | sort -u | while read -r _ target; do
	grep -qE "^$target:|^[a-z -]*\b$target\b[a-z -]*:" Makefile || echo "make $target"
done | grep -vE 'make (and|as|of|sure)$' | none "every make target that is named exists"
grep -oE '\]\([^)#:]+(#[^)]*)?\)' "${texts[@]}" | sed -E 's/([^:]*):\]\(([^)#]*).*/\1 \2/' |
	while read -r file path; do [ -e "$(dirname "$file")/$path" ] || echo "$file: $path"; done |
	none "every file that is linked exists"

# ---- figures ------------------------------------------------------------------------------------

has_figures_of() {
	cp README.md "$work/figures.md"
	tests/bench/readme.py "$1" "$work/figures.md" && cmp README.md "$work/figures.md"
}
sed '/^| a policy of 20 rules: reload /s/ ms / min /' docs/benchmark.md >"$work/benchmark.md"
expect "the README's figures are those of docs/benchmark.md" has_figures_of docs/benchmark.md
expect_not "another figure is noticed" has_figures_of "$work/benchmark.md"
