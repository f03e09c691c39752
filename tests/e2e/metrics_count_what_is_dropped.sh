#!/bin/bash
# `tidegate metrics` is text that Prometheus takes: promtool has nothing to say against it, and a real
# Prometheus scrapes it through the units of dist/ and evaluates their alert rules.  It counts what was
# dropped, no reload resets it, and it says so when nothing enforces.
. "$(dirname "$0")/lib.sh"

# sample NAME{LABELS}: its value; the labels in any order, of those that are there.
sample() {
	local name=${1%%\{*} labels line
	labels=${1#"$name"} labels=${labels#\{} labels=${labels%\}}
	while read -r line; do
		local label found=1
		while IFS= read -r -d, label; do
			[[ -z $label || ${line//[\{\}]/,} == *",$label,"* ]] || found=
		done <<<"$labels,"
		[ -z "$found" ] || echo "${line##* }"
	done < <("$tidegate" metrics 2>/dev/null | grep -E "^${name}[{ ]")
}
sample_of() { expect_equal "$1" "$(sample "$2")" "$3"; }
is_exposition() { "$tidegate" metrics >/run/metrics && promtool check metrics </run/metrics; }

network_up
engine_start
configure </dev/null

# ---- nothing enforces --------------------------------------------------------------------

expect "promtool takes what is said before up" is_exposition
expect_equal "it is not up, and enforces nothing" \
	"$(grep -E '^tidegate_(up|enforcing|problems) ' /run/metrics)" \
	$'tidegate_up 0\ntidegate_enforcing 0\ntidegate_problems 1'

# ---- counters ------------------------------------------------------------------------------

publish cache -p 6379:6379
configure <<EOT
set office $office4 2001:db8::10/124
allow 6379/tcp from office comment "say \\"hi\\" \\\\"
deny 6379/tcp from 203.0.113.66
ban 203.0.113.9
EOT
tidegate up
expect "promtool takes what is said when it enforces" is_exposition
expect_equal "it is up and enforces, without a daemon" \
	"$(grep -E '^tidegate_(up|enforcing|problems|daemon_up|docker_in_step) ' /run/metrics)" \
	$'tidegate_up 1\ntidegate_enforcing 1\ntidegate_problems 0\ntidegate_daemon_up 0\ntidegate_docker_in_step 1'
closed='tidegate_packets_total{verdict="drop",reason="closed",family="ipv4"}'
port='tidegate_port_packets_total{port="6379",protocol="tcp",container="cache",family="ipv4",verdict="drop"}'
sample_of "nothing is dropped yet" "$closed" 0
expect_closed stranger $host4 6379/tcp
dropped=$(sample "$closed")
expect "what is dropped is counted ($dropped)" test "$dropped" -gt 0
sample_of "at the port and its container as well" "$port" "$dropped"
sample_of "by the other family nothing is" "${port/ipv4/ipv6}" 0
sample_of "nor for the reason" "${closed/ipv4/ipv6}" 0
expect_closed stranger $host6 6379/tcp
dropped6=$(sample "${closed/ipv4/ipv6}")
expect "IPv6 is counted by itself ($dropped6)" test "$dropped6" -gt 0
sample_of "at the port as well" "${port/ipv4/ipv6}" "$dropped6"
sample_of "and does not count as IPv4" "$closed" "$dropped"
expect_equal "where no families are told, it is the sum" \
	"$("$tidegate" status --json | jq .reasons.closed)" $((dropped + dropped6))
expect_open office $host4 6379/tcp
expect "a rule counts what it let in" test \
	"$(sample 'tidegate_rule_packets_total{rule="allow 6379/tcp",from="office"}')" -gt 0
sample_of "the interface has the filter" 'tidegate_interface_attached{interface="eth0",hook="xdp"}' 1
sample_of "the set has two prefixes" 'tidegate_set_prefixes{set="office"}' 2
expect "no source address is in a label" \
	sh -c "'$tidegate' metrics | grep '^[^#]' >/run/m && ! grep -E '203\.0\.113|$office4|2001:db8::/' /run/m"
expect "quotes are escaped" grep -qF 'comment="say \"hi\" \\"' /run/metrics

digest() { "$tidegate" metrics | sed -n 's/^tidegate_policy_info{digest="\(.*\)"} 1$/\1/p'; }
before=$(digest)
tidegate ban 203.0.113.10
expect_not "another policy has another digest" test "$before" = "$(digest)"
sample_of "a reload resets no counter" "$closed" "$dropped"
tidegate reload --confirm 60s 2>/dev/null
expect "the trial's time is told" test "$(sample tidegate_trial_seconds_left)" -gt 30
tidegate confirm
tidegate up --audit 2>/dev/null
sample_of "in audit mode nothing is enforced" tidegate_enforcing 0
tidegate up

# ---- over HTTP -----------------------------------------------------------------------------

systemd-socket-activate --accept --inetd -l 127.0.0.1:9734 "$tidegate" metrics --http 2>/run/activate.log &
scrape() { curl -s -m 10 "$@"; }
answers() { scrape http://127.0.0.1:9734/metrics | grep -q '^tidegate_up 1$'; }
expect "a connection is one scrape" eventually 5 answers
expect "promtool takes what it is answered" sh -c \
	'curl -s http://127.0.0.1:9734/metrics | promtool check metrics'
scrape -D /run/head -o /run/body http://127.0.0.1:9734/metrics
expect "its type is what Prometheus asks for" \
	grep -q $'^Content-Type: text/plain; version=0\\.0\\.4; charset=utf-8\r$' /run/head
expect_equal "its length is right" "$(sed -n 's/^Content-Length: \([0-9]*\)\r$/\1/p' /run/head)" \
	"$(wc -c </run/body)"
status_of() { scrape -o /run/body -w '%{http_code}' "$@"; }
expect_equal "HEAD has no body" "$(status_of -I http://127.0.0.1:9734/metrics)" 200
expect_equal "another path is not found" "$(status_of http://127.0.0.1:9734/etc/passwd)" 404
expect_equal "nothing can be posted" "$(status_of -d x=y http://127.0.0.1:9734/metrics)" 405
raw() { { printf '%b' "$1"; sleep "${2-0}"; } | timeout 20 busybox nc 127.0.0.1 9734 | head -n 1 | tr -d '\r'; }
expect_equal "what is no HTTP is refused" "$(raw 'hello\r\n\r\n')" "HTTP/1.1 400 Bad Request"
expect_equal "so is a header without end" \
	"$(raw "GET / HTTP/1.1\r\nX: $(head -c 9000 /dev/zero | tr '\0' x)")" \
	"HTTP/1.1 431 Request Header Fields Too Large"
expect_equal "who says nothing is not waited for" "$(raw 'GET /metrics' 8)" "HTTP/1.1 408 Request Timeout"

# ---- Prometheus ------------------------------------------------------------------------------

rules=$root/dist/prometheus/tidegate.rules.yml
expect "promtool takes the rules" promtool check rules "$rules"
expect "the dashboard is JSON" jq -e '.panels | length > 5' "$root/dist/prometheus/tidegate.dashboard.json"
dashboard_metrics() { jq -r '.. | .expr? | strings' "$1" | grep -oE '\btidegate_[a-z_]+' | sort -u; }
expect "the dashboard's metrics are found" grep -qx tidegate_set_prefixes \
	<(dashboard_metrics "$root/dist/prometheus/tidegate.dashboard.json")
expect_equal "every metric of dashboard and rules exists" \
	"$({ dashboard_metrics "$root/dist/prometheus/tidegate.dashboard.json"
		grep -oE '\btidegate_[a-z_]+' "$rules"; } | sort -u |
		grep -vxF -f <(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' /run/metrics))" ""

mkdir /run/prometheus
sed 's/for: [15]m/for: 0s/' "$rules" >/run/prometheus/rules.yml
cat >/run/prometheus/prometheus.yml <<-'EOT'
	global: { scrape_interval: 1s, evaluation_interval: 1s }
	rule_files: [/run/prometheus/rules.yml]
	scrape_configs:
	  - job_name: tidegate
	    static_configs: [{ targets: ['127.0.0.1:9734'] }]
EOT
prometheus --config.file=/run/prometheus/prometheus.yml --storage.tsdb.path=/run/prometheus/data \
	--web.listen-address=127.0.0.1:9090 >/run/prometheus.log 2>&1 &
prometheus=$!
query() {
	curl -s -m 5 -G --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query |
		jq -r '.data.result[0].value[1]'
}
expect_closed stranger $host4 6379/tcp
dropped=$(sample "$closed")
is_scraped() { [ "$(query "$closed")" = "$dropped" ]; }
expect "a real Prometheus has what was dropped ($dropped)" eventually 30 is_scraped
is_firing() { curl -s -m 5 http://127.0.0.1:9090/api/v1/alerts | jq -e --arg name "$1" \
	'.data.alerts | any(.labels.alertname == $name and .state == "firing")'; }
expect_not "no alert fires while all is well" is_firing TidegateNotEnforcing
expect_not "nor the other one" is_firing TidegateProblems
echo 'allow 1/tcpp' >>"$config"
expect "a problem fires the one" eventually 15 is_firing TidegateProblems
sed -i '$d' "$config"

tidegate down
sample_of "after down it is not up" tidegate_up 0
expect "and fires the other one" eventually 15 is_firing TidegateNotEnforcing
kill $prometheus
wait $prometheus 2>/dev/null
