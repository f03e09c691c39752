#!/bin/bash
# Who types what other tools take is told what there is here: help by every spelling, the command
# or the option that was meant, what to write in place of another tool's command.
. "$(dirname "$0")/lib.sh"

tidegate=$build/tidegate
[ -x "$tidegate" ] || {
	skip "commands answer what people type" "$tidegate is not built"
	exit 0
}

help=$("$tidegate" --help)
commands=$(sed -nE 's/^  ([a-z]+) .*/\1/p' <<<"$help")

# says STATUS PATTERN ARGUMENT...: that exit status, and the pattern in what is printed.
says() {
	local status=$1 pattern=$2 output actual
	shift 2
	output=$("$tidegate" "$@" 2>&1)
	actual=$?
	[ "$actual" = "$status" ] && grep -qE -- "$pattern" <<<"$output" && return
	echo "exit $actual: $output"
	return 1
}

# ---- help and version -----------------------------------------------------------------------

expect "there are commands" grep -qx status <<<"$commands"
for arguments in -h help "--json --help"; do
	expect "tidegate $arguments lists the commands" says 0 '^  status ' $arguments
done
for arguments in -V --version version; do
	expect "tidegate $arguments is the version" says 0 '^tidegate [0-9.]+ \(layout [0-9]+\)$' $arguments
done
for command in $commands; do
	for arguments in "help $command" "$command --help" "$command -h" "-h $command"; do
		says 0 "^usage: tidegate $command( |\$)" $arguments >/dev/null || echo "$arguments"
	done
	text=$("$tidegate" help "$command")
	[ "$(grep -c "^  tidegate .*\b$command\b" <<<"$text")" -ge 2 ] || echo "$command: no two examples"
	grep -qE -- '^  --json ' <<<"$text" || echo "$command: no options"
done | none "each command has its own help, with options and two examples"
expect "help of a command shows the options of its own" says 0 '^  --confirm TIME ' help reload
"$tidegate" help reload | grep -- '^  --audit' | none "and none of another's"
expect "help of no command is an error" says 2 "'alow': no such command.*'allow'" help alow
for command in $commands; do
	"$tidegate" help "$command" | sed -nE 's/^  tidegate ((allow|deny|ban|failsafe) [^-].*)/\1/p'
done | sed -E 's/ for [0-9]+[a-z]$//' >"$work/examples.conf"
expect "help has examples of rules" test -s "$work/examples.conf"
expect "they are rules" "$tidegate" check "$work/examples.conf"

# ---- what was meant ---------------------------------------------------------------------------

expect "alow is nearly allow" says 2 "did you mean 'allow'" alow 80
expect "statsu is nearly status" says 2 "did you mean 'status'" statsu
expect "relaod is nearly reload" says 2 "did you mean 'reload'" relaod
expect_not "nosuchcommand is nearly nothing" says 2 "did you mean" nosuchcommand
expect "a misspelt option is an error" says 2 "'--jsno'.*did you mean '--json'" status --jsno
expect "an option of another command is an error" says 2 "'--audit': not an option of .*reload" reload --audit
expect "an option without its value is an error" says 2 "'--config': FILE is missing" check --config
for word in enable disable reset limit reject insert route app show logging default set interface \
	verbose start stop restart block drop remove flush docker labels; do
	text=$(says 2 "'$word': no such command; " "$word") || echo "$word: $text"
	"$tidegate" "$word" 2>&1 | grep -q 'lists them' && echo "$word: nothing but the help is named"
done | none "commands of other tools are answered by what there is here"

# ---- statements ---------------------------------------------------------------------------------

echo 'alow 80/tcp' >"$work/statement.conf"
expect "a misspelt statement is told" says 1 "'alow': unknown statement.*did you mean 'allow'" \
	check "$work/statement.conf"
echo 'allow 80/tcp form 192.0.2.1' >"$work/clause.conf"
expect "a misspelt clause is told" says 1 "'form'.*did you mean 'from'" check "$work/clause.conf"
