#!/bin/bash
# `tidegate explain` answers what the loaded program does with a packet, with the rule's place, and
# moves no counter.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache -p 6379:6379
publish web -p 8080:80 -p $host4:8443:443

configure <<-EOF
	set office $office4 2001:db8:ffff::/48
	allow 6379/tcp from office
	allow 8080/tcp
	deny 8080/tcp from $stranger4
	allow 6379/tcp from 203.0.113.0/24 until 2020-01-01T00:00Z
	ban 203.0.113.66
EOF
expect "tidegate up succeeds" tidegate up

# explains STATUS FIRST-LINE WORDS...: and what the packet itself meets.
explains() {
	local status=$1 first=$2 output
	shift 2
	output=$(tidegate explain "$@" 2>&1)
	expect_equal "exit status of explain $*" $? "$status"
	expect_equal "answer of explain $*" "$(head -n 1 <<<"$output")" "$first"
}
# and_says TEXT WORDS...: somewhere below.
and_says() {
	local text=$1
	shift
	expect "explain $* says: $text" grep -qF -- "$text" <(tidegate explain "$@" 2>&1)
}

# What the test itself sent: nothing. What this host and its neighbours say of themselves counts too.
counted() { tidegate status --json | jq -c '.reasons | del(.control, ."not-ip")'; }
before=$(counted)
explains 1 "dropped, closed: 203.0.113.7 is in no rule of 6379/tcp (container cache)" 203.0.113.7 6379
and_says "near miss   $config:3: allow 6379/tcp from office: the set 'office' does not contain 203.0.113.7" 203.0.113.7 6379
and_says "its time (until) is past" 203.0.113.7 6379
explains 0 "passes, allowed: \`allow 6379/tcp from office\` decides about $office4 at 6379/tcp (container cache)" $office4 6379/tcp
explains 1 "dropped, denied: \`deny 8080/tcp from $stranger4\` decides about $stranger4 at 8080/tcp (container web)" $stranger4 8080
explains 1 "dropped, banned: \`ban 203.0.113.66\` decides about 203.0.113.66 at 6379/tcp (container cache)" 203.0.113.66 6379
explains 0 "passes, unguarded: no container publishes and no rule names 22/tcp" 203.0.113.7 22
explains 1 "dropped, closed: 2001:db8::7 is in no rule of 6379/tcp (container cache)" 2001:db8::7 6379
and_says "its sources are all IPv4, 2001:db8::7 is IPv6" 2001:db8::7 6379
explains 1 "dropped, direct: no rule names 6379/tcp" 203.0.113.7 172.17.0.2 6379
explains 1 "dropped, closed: no rule names 8443/tcp (container web)" 203.0.113.7 8443
explains 1 "dropped, closed: 203.0.113.7 is in no rule of 6379/tcp (container cache)" \
	"12:01:07 eth0 203.0.113.7:40122 → 6379/tcp cache closed"
explains 1 "dropped, closed: 203.0.113.7 is in no rule of 6379/tcp (container cache)" \
	"[TIDEGATE DROP] IN=eth0 OUT= SRC=203.0.113.7 DST=$host4 LEN=60 PROTO=TCP SPT=40122 DPT=6379 SYN"
explains 0 "passes, unguarded: no container publishes and no rule names 53/udp" 203.0.113.7 53/udp
explains 1 "dropped, closed: 203.0.113.7 is in no rule of 6379/tcp (container cache)" 203.0.113.7 6379 --flags A
explains 1 "dropped, closed: 203.0.113.7 is in no rule of 6379/tcp (container cache)" 203.0.113.7 6379 in eth0
and_says "never" 172.17.0.2 6379
expect "--json has the same" jq -e '.dropped and .reason == "closed" and .container == "cache"' \
	<(tidegate explain 203.0.113.7 6379 --json)
tidegate explain 203.0.113.7 2>/dev/null
expect_equal "half a question is wrong usage" $? 2
for question in "203.0.113.7 6379" "$office4 6379" "$stranger4 8080" "203.0.113.66 6379" "172.17.0.2 6379" \
	web "203.0.113.7 6379 in nowhere"; do
	# shellcheck disable=SC2086 # words
	tidegate explain $question --json >/run/explain.json
	expect_schema /run/explain.json explain
done
tidegate explain 203.0.113.7 6379 --with 'allow 6379/tcp from 203.0.113.7' --json >/run/explain.json
expect_schema /run/explain.json explain

# Rules that are not there yet: asked of the kernel as well, and nobody else sees them.
explains 0 "passes, allowed, with a rule that is not there yet: \`allow 6379/tcp from 203.0.113.7\` decides about 203.0.113.7 at 6379/tcp (container cache)" \
	203.0.113.7 6379 --with 'allow 6379/tcp from 203.0.113.7'
and_says "rule        not there yet: allow 6379/tcp from 203.0.113.7" 203.0.113.7 6379 --with 'allow 6379/tcp from 203.0.113.7'
and_says "the program on eth0 (xdp) passes it: allowed" 203.0.113.7 6379 --with 'allow 6379/tcp from 203.0.113.7'
explains 1 "dropped, denied, with 2 rules that are not there yet: \`deny container web from 203.0.113.0/24\` decides about 203.0.113.7 at 8080/tcp (container web)" \
	203.0.113.7 8080 --with 'ban 198.51.100.1' --with 'deny container web from 203.0.113.0/24'
explains 1 "dropped, denied, with a rule that is not there yet: \`deny 8080/tcp from $stranger4\` decides about $stranger4 at 8080/tcp (container web)" \
	$stranger4 8080 --with 'allow 443/tcp'
and_says "$config:5: deny 8080/tcp from $stranger4" $stranger4 8080 --with 'allow 443/tcp'
and_says "$config:7: ban 203.0.113.66" 203.0.113.66 6379 --with 'allow 443/tcp'
explains 1 "dropped, banned, with a rule that is not there yet: \`ban 2001:db8:ffff::/48\` decides about 2001:db8:ffff::1 at 6379/tcp (container cache)" \
	2001:db8:ffff::1 6379 --with 'ban 2001:db8:ffff::/48'
expect "--json names the rule, which has no place" jq -e '.rules_not_there == 1 and .rule.line == null' \
	<(tidegate explain 203.0.113.7 6379 --with 'allow 6379/tcp from 203.0.113.7' --json)
explains 2 "tidegate: explain: '--with allow 6379/tpc': column 7: '6379/tpc': unknown protocol 'tpc', use tcp, udp or sctp (see \`tidegate help explain\`)" 203.0.113.7 6379 --with 'allow 6379/tpc'
explains 2 "tidegate: '--with allow 6379/tcp from home': there is no set 'home' in the policy" \
	203.0.113.7 6379 --with 'allow 6379/tcp from home'
explains 2 "tidegate: '--with allow 6379/tcp from office': it is in the policy already" \
	203.0.113.7 6379 --with 'allow 6379/tcp from office'
explains 2 "tidegate: explain: '--with default deny all': not a rule, which begins with allow, deny, ban or failsafe (see \`tidegate help explain\`)" \
	203.0.113.7 6379 --with 'default deny all'
explains 1 "dropped, closed: 203.0.113.7 is in no rule of 6379/tcp (container cache)" 203.0.113.7 6379
# A container: each of its ports.
explains 0 "6379/tcp at any, of cache: port 6379 of the container" cache
and_says "  gets in     $office4, 2001:db8:ffff::/48" cache
and_says "  rule        $config:3: allow 6379/tcp from office" container cache
and_says "  ban         1 ban comes before that" cache
and_says "  then        Docker sends it to cache, 172.17.0.2 port 6379 (DNAT)" cache
and_says "8443/tcp at $host4, of web: port 443 of the container" web
and_says "  gets in     anyone; not $stranger4" web
and_says "  rule        not there yet: allow 8443/tcp" web --with 'allow 8443/tcp'
explains 2 "tidegate: 'kache': no container of that name runs, or is about to; did you mean 'cache'?" kache
explains 2 "tidegate: 'shop/db': no container of that name runs, or is about to (\`docker ps\` shows who does)" compose shop/db
expect "--json has its ports" jq -e '.ports | length == 1 and .[0].container_port == 6379 and .[0].bans == 1' \
	<(tidegate explain cache --json)

expect_equal "no counter has moved" "$(counted)" "$before"

# Packets say the same.
because="as explain says"
expect_closed stranger $host4 6379/tcp 8080/tcp
expect_open office $host4 6379/tcp 8080/tcp

for hook in tcx clsact; do
	tidegate up --hook $hook >/dev/null
	explains 1 "dropped, closed: 203.0.113.7 is in no rule of 6379/tcp (container cache)" 203.0.113.7 6379
	and_says "the program on eth0 ($hook) drops it: closed" 203.0.113.7 6379
done
tidegate down >/dev/null
tidegate explain 203.0.113.7 6379 2>/dev/null
expect_equal "where nothing is up it does not say that a packet passes" $? 1
