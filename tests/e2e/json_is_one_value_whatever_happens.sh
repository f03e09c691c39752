#!/bin/bash
# With --json standard output is one value of JSON, whether a command does what it should, refuses
# or was typed wrong, and nothing is said beside it.  What people see shortened is complete there.
. "$(dirname "$0")/lib.sh"

# gives STATUS FILTER ARGUMENT...: that exit status, one value that the filter of jq is true of,
# and nothing on standard error.
gives() {
	local status=$1 filter=$2 actual
	shift 2
	tidegate --json "$@" >/run/json 2>/run/talk
	actual=$?
	[ "$actual" = "$status" ] && jq -es "length == 1 and (.[0] | $filter)" /run/json >/run/jq 2>&1 &&
		[ ! -s /run/talk ] && return
	echo "exit $actual"
	cat /run/json /run/talk /run/jq
	return 1
}
done_well='.ok and (has("error") | not)'
failed='(.ok | not) and (.error | type == "string" and length > 0)'

network_up
engine_start
publish web -p 8080:80
publish cache -p 6379:6379
configure </dev/null

expect "down when it is not up" gives 0 "$done_well" down
expect "confirm with nothing to confirm" gives 1 "$failed" confirm
expect "reload with nothing to reload" gives 1 "$failed" reload
expect "status of a host without protection" gives 1 '(.ok | not) and (.problems[0] | test("not up"))' status
expect "up" gives 0 "$done_well and (.messages[0] | test(\"2 published ports\"))" up
expect "reload" gives 0 "$done_well" reload
expect "a trial" gives 0 "$done_well" reload --confirm 60s
expect "confirm" gives 0 "$done_well" confirm
expect "allow" gives 0 "$done_well and .warnings == []" allow 6379/tcp from $office4
expect "allow with a warning" gives 0 \
	"$done_well and (.warnings | length == 1 and (.[0] | test(\"publishes its port 80 as 8080\")))" allow 80
expect "allow of what is there" gives 0 "$done_well" allow 80
expect "allow of nonsense" gives 1 "$failed" allow 80/tpc
expect "allow of a word" gives 1 "$failed" allow ssh
expect "allow without a target" gives 2 "$failed" allow
expect "a dry run" gives 0 "$done_well and (.configuration | test(\"deny 8080/tcp\"))" --dry-run deny 8080/tcp
expect "deny" gives 0 "$done_well" deny 8080/tcp from $stranger4
expect "ban" gives 0 "$done_well" ban 203.0.113.9
expect "unban" gives 0 "$done_well" unban 203.0.113.9
expect "unban of who is not banned" gives 1 "$failed" unban 203.0.113.9
expect "delete" gives 0 "$done_well" delete allow 80
expect "delete of no rule" gives 1 "$failed" delete 99
expect "failsafe" gives 0 "$done_well" failsafe from 203.0.113.7
expect "check" gives 0 "$done_well and .rules == 3 and (.configuration | test(\"failsafe\"))" check
expect "version" gives 0 "$done_well and (.layout | type == \"number\") and .conntrack_kfuncs != null" version
expect "--version" gives 0 "$done_well and .version" --version
expect "list" gives 0 'type == "array" and length == 3 and .[0].number == 1' list
expect "no such command" gives 2 "$failed" nosuchcommand
expect "no such option" gives 2 "$failed" status --nosuchoption
expect "no command" gives 2 "$failed"

cat >>"$config" <<EOT
set many $(printf '192.0.2.%s ' {128..139})
set listed file many.list
allow 8080/tcp from many listed $(printf '203.0.113.%s ' {1..9}) 2001:db8::9
EOT
seq -f 198.51.100.%g 1 11 >"${config%/*}/many.list"
expect "reload takes long lists" gives 0 "$done_well" reload
expect "status has every source of a port" gives 0 \
	'(.ports[] | select(.port == 8080 and (.address | test("any|0.0.0.0"))).who[] | select(.allow).sources)
	| index("203.0.113.9") and index("many") and index("listed")' status
expect "and says who may not" gives 0 \
	"any(.ports[] | select(.port == 8080).who[]; (.allow | not) and .sources == [\"$stranger4\"])" status
expect "and what is in the sets" gives 0 \
	'(.sets.many | length == 12) and (.sets.listed | length == 11 and .[0] == "198.51.100.1")' status
expect "a closed port is not open, and names nobody" gives 0 \
	'all(.ports[]; .open == false)' status

printf 'alow 80\n' >>"$config"
expect "check of a broken file" gives 1 "$failed and (.error | test(\":[0-9]+:1: 'alow'\"))" check
expect "reload of a broken file" gives 1 "$failed" reload
expect "allow into a broken file" gives 1 "$failed" allow 80
expect "status says so" gives 1 '(.ok | not) and (.problems | length > 0)' status
expect "down" gives 0 "$done_well" down
