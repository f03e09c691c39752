#!/bin/bash
# `tidegate audit` says what can be reached on a host where UFW denies and Docker publishes: before
# `up`, when nobody has configured anything, and after it, when it is the policy in the kernel that
# says who gets in.  What it says is compared with who does.
. "$(dirname "$0")/lib.sh"

# row PORT [COLUMN]: of the table, the blanks between columns as one |.
row() { "$tidegate" audit --fail-on never | sed 's/   */|/g' | grep "^$1|${2-}"; }

# found JQ-EXPRESSION: what it picks out of the rows.
found() { "$tidegate" audit --json | jq -r "[.rows[] | select($1)] | length"; }

audit_exits() {
	local wanted=$1 status
	shift
	"$tidegate" audit "$@" >/run/audit 2>&1
	status=$?
	[ "$status" = "$wanted" ] || { echo "exit $status"; cat /run/audit; return 1; }
}

network_up
sed -i 's/^IPT_SYSCTL=/#&/' /etc/default/ufw # the machine's, not the namespace's
ufw default deny incoming >/dev/null && ufw allow 22/tcp >/dev/null && ufw allow 8080/tcp >/dev/null &&
	ufw --force enable >/dev/null || die "ufw is active"
engine_start
publish cache -p 6379:6379 -p 5353:53/udp
publish web -p 8080:80 -p 127.0.0.1:9000:80 -p $host4:9001-9003:9001-9003
image probe
docker run -d --name watcher --network host --read-only --security-opt no-new-privileges \
	probe /bin/probe serve tcp:7000 >/dev/null
eventually 10 is_serving watcher tcp:7000 || die "the container with the host's network serves"
ufw allow 7000/tcp >/dev/null

because="before up"
expect_open stranger $host4 6379/tcp 8080/tcp 9002/tcp 7000/tcp
expect_closed stranger $host6 6379/tcp # docker-proxy relays it, and that ufw does filter
expect_open stranger $host6 8080/tcp
expect_equal "the port that ufw denies is said to be open, with a command against it" "$(row 6379/tcp)" \
	"6379/tcp|any|cache:6379|anyone by IPv4|ufw: deny — open|risky: cache|tidegate up"
expect_equal "ufw's rule for a port is told" "$(row 8080/tcp | cut -d'|' -f4,5)" "anyone|ufw: allow"
expect "UDP is in it" row 5353/udp "any|cache:53|anyone by IPv4|ufw: deny — open|open"
expect "a port that is bound to one address as well" row 9001-9003/tcp "$host4|web:9001|anyone|"
expect "and one on 127.0.0.1, which a neighbour can route to" row 9000/tcp "127.0.0.1|web:80|neighbours"
expect "and a container in the host's network" row 7000/tcp "any|watcher (host network)|anyone|ufw: allow"
expect "the interface that nothing guards is a row" row any "eth0|every port|anyone on eth0|"
expect "what cannot be seen is said" grep -q "^not seen from here: the provider's firewall" \
	<("$tidegate" audit)
expect "why is said as well, when asked for" grep -q "^note .*cache.*: runs as root" \
	<("$tidegate" audit --verbose)
expect_not "what is not so is not said" grep -q "watcher[^:]*: can change" \
	<("$tidegate" audit --verbose)
expect_not "nothing was changed: the filter is not up" test -e /sys/fs/bpf/tidegate

expect "something open is exit status 1" audit_exits 1
expect "something risky as well" audit_exits 1 --fail-on risky
expect "but not with --fail-on never" audit_exits 0 --fail-on never
expect "wrong usage is 2" audit_exits 2 --fail-on sometimes
expect "also of --from" audit_exits 2 --from nobody
expect "and --format" audit_exits 2 --format pdf

# ---- formats ---------------------------------------------------------------------------------

"$tidegate" audit --json >/run/audit.json
expect_schema /run/audit.json audit
# is_sarif SCHEMA [JQ-EXPRESSION]: the SARIF, changed like that.
is_sarif() {
	jq "${2-.}" /run/audit.sarif | /usr/bin/python3 -c 'import json, jsonschema, sys
jsonschema.validate(json.load(sys.stdin), json.load(open(sys.argv[1])))' "$1"
}
"$tidegate" audit --format sarif >/run/audit.sarif
# OASIS's own schema is not kept here; TIDEGATE_SARIF_SCHEMA may name a copy of it.
for schema in "$e2e/sarif.schema.json" ${TIDEGATE_SARIF_SCHEMA-}; do
	because="by ${schema##*/}"
	expect "--format sarif is SARIF 2.1.0, $because" is_sarif "$schema"
	for broken in 'del(.runs[0].results[0].message)' '.runs[0].results[0].level = "high"' \
		'.runs[0].results[0].risk = "cache"' 'del(.runs[0].tool.driver.name)' '.version = "2.0"' \
		'.runs[0].results[0].locations[0].physicalLocation.region.startLine = 0' \
		'.runs[0].invocations[0] |= del(.executionSuccessful)'; do
		expect_not "$broken is not, $because" is_sarif "$schema" "$broken"
	done
done
because="before up"
expect "each result's rule is described, and there are some results" jq -e '.runs[0] |
	([.results[].ruleId] - [.tool.driver.rules[].id]) == [] and (.results | length > 4)' /run/audit.sarif
"$tidegate" audit --format markdown >/run/audit.md
expect "--format markdown has the row" \
	grep -qF '| 6379/tcp | any | cache:6379 | anyone by IPv4 | ufw: deny — open | risky: cache | `tidegate up` |' \
	/run/audit.md
"$tidegate" audit --format html >/run/audit.html
expect "--format html has it as well" grep -qF 'ufw: deny — open' /run/audit.html
expect_not "and no script, and nothing from elsewhere" grep -qiE '<script|https?://|<img|<link|@import' /run/audit.html

# ---- what up would do -------------------------------------------------------------------------

flow_start stranger stranger $host4 6379/tcp
flow_start office office $host4 6379/tcp
configure <<EOT
allow 6379/tcp from $office4
allow 9002/tcp
EOT
"$tidegate" audit --would --fail-on never >/run/would
expect "--would says who is connected and would be cut off" \
	grep -qxF "cut    $stranger4, which is connected to 6379/tcp now" /run/would
expect_equal "and nobody else" "$(grep -c '^cut .*/tcp' /run/would)" 1
expect "it shows the ports as they would be" grep -qE "^6379/tcp  *any  *cache:6379  *$office4  *ufw: deny  *limited" \
	/run/would
expect_not "the interface would be guarded" grep -q 'not guarded' /run/would
expect_not "nothing was changed" test -e /sys/fs/bpf/tidegate
expect_flow stranger open "until up"

# What the row says is what is so: knocked at from outside, as image and policy have it.
expect "tidegate up succeeds" tidegate up
expect_flow stranger closed "as was said"
expect_flow office open "as was said"
because="after up"
expect_open office $host4 6379/tcp 9002/tcp
expect_closed stranger $host4 6379/tcp 8080/tcp 9001/tcp
expect_equal "who may enter is who is said to" "$(row 6379/tcp)" \
	"6379/tcp|any|cache:6379|$office4|ufw: deny|limited: cache|-"
expect_equal "what is closed is no alarm, though it is bound to every address" "$(row 8080/tcp)" \
	"8080/tcp|any|web:80|nobody|ufw: allow|closed|-"
expect_equal "a rule inside of a range cuts it" \
	"$(row '900[1-3].*' | cut -d'|' -f1,4 | sort | tr '\n' ' ')" \
	"9001/tcp|nobody 9002/tcp|anyone 9003/tcp|nobody "
expect_equal "what a rule opens to all is mended by taking it back" \
	"$(row 9002/tcp | cut -d'|' -f7)" "tidegate delete 2"
expect "the port on 127.0.0.1 is this host's" row 9000/tcp "127.0.0.1|web:80|this host only|"
expect_equal "no interface is unguarded" "$(found '.kind == "interface"')" 0
expect "a container in the host's network is open as before" row 7000/tcp "any|watcher (host network)|anyone"
expect_open stranger $host4 7000/tcp
fix=$(row 7000/tcp | cut -d'|' -f7)
expect "the command against it is one" sh -c "tidegate() { $tidegate \"\$@\"; }; $fix"
expect_closed stranger $host4 7000/tcp
expect "and the row says so" row 7000/tcp "any|watcher (host network)|nobody"

expect_equal "--from a source shows what that one reaches" \
	"$("$tidegate" audit --json --from $office4 | jq -r '.rows[] | .first_port' | sort | xargs)" \
	"6379 9002"
expect_equal "and another what it does" \
	"$("$tidegate" audit --json --from $stranger4 | jq -r '.rows[] | .first_port' | xargs)" "9002"
expect_equal "a prefix shows what any of it does" \
	"$("$tidegate" audit --json --from 192.0.2.0/24 | jq -r '.rows[] | .first_port' | sort | xargs)" \
	"6379 9002"
# What --from takes for a set is the configuration's, inline or in a file.
echo 'set trusted 198.51.100.0/24 192.0.2.10' >>"$config"
echo 'set partners file /etc/tidegate/partners.list' >>"$config"
printf '198.51.100.9\n2001:db8::66\n' >/etc/tidegate/partners.list
expect_equal "a set shows what one of its members does" \
	"$("$tidegate" audit --json --from trusted | jq -r '.from, (.rows[] | .first_port)' | sort | xargs)" \
	"6379 9002 trusted"
expect_equal "a set in a file as well" \
	"$("$tidegate" audit --json --from partners | jq -r '.rows[] | .first_port' | xargs)" "9002"
rm /etc/tidegate/partners.list
expect "a set whose file is gone is no answer" audit_exits 3 --from partners
expect "and why is said" grep -q "cannot tell who is in set 'partners': .*partners.list" /run/audit
expect "what is no set is wrong usage" audit_exits 2 --from patners
expect "and that is said" grep -q "a set of the configuration, which has none of that name: 'patners'" /run/audit
sed -i '/^set trusted\|^set partners/d' "$config"

expect "no more than a rule opens: nothing risky is" audit_exits 0 --fail-on risky

tidegate up --audit
because="with up --audit, which drops nothing"
expect_open stranger $host4 6379/tcp
expect "it is said to be open" row 6379/tcp "any|cache:6379|anyone by IPv4|ufw: deny — open|risky: cache|"
tidegate up

engine_stop
expect "where Docker does not answer the exit status is 3, and not 0" audit_exits 3 --fail-on never
expect "and why is said" grep -q 'cannot connect to the Docker Engine' /run/audit
