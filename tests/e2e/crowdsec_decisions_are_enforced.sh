#!/bin/bash
# Debian's CrowdSec on another host has 50 000 decisions, and its custom bouncer on this one hands them on
# by dist/tidegate-crowdsec: they are enforced, those that come and go as well, and hold when the bouncer
# dies.
. "$(dirname "$0")/lib.sh"

unpacked=$root/build/unpacked
lapi=$unpacked/crowdsec/root/usr/bin/crowdsec cscli=$unpacked/crowdsec/root/usr/bin/cscli
bouncer=$unpacked/crowdsec-custom-bouncer/root/usr/bin/crowdsec-custom-bouncer
[ -x "$lapi" ] && [ -x "$bouncer" ] || die "tests/deps test unpacks CrowdSec into build/unpacked"
work=/run/crowdsec
mkdir -p $work/{data,hub,notifications,plugins}
echo '{}' >$work/hub/.index.json
cp "$unpacked"/crowdsec/root/etc/crowdsec/{profiles,simulation}.yaml $work
cat >$work/config.yaml <<EOT
common: { daemonize: false, log_media: stdout, log_level: info, working_dir: . }
config_paths:
  config_dir: $work/
  data_dir: $work/data/
  simulation_path: $work/simulation.yaml
  hub_dir: $work/hub/
  index_path: $work/hub/.index.json
  notification_dir: $work/notifications/
  plugin_dir: $work/plugins/
cscli: { output: human }
db_config: { log_level: info, type: sqlite, db_path: $work/data/crowdsec.db, use_wal: true }
api:
  client: { credentials_path: $work/local.yaml }
  server: { log_level: info, listen_uri: $office4:8080, profiles_path: $work/profiles.yaml }
prometheus: { enabled: false }
EOT
echo >$work/local.yaml

decide() { outside "$cscli" -c $work/config.yaml "$@" >>$work/cscli.log 2>&1; }
banned() { [ "$("$tidegate" bans --comment crowdsec | wc -l)" = "$1" ]; }
answers() { outside curl -s -m 5 -o /dev/null "http://$office4:8080/"; }

network_up
engine_start
publish web -p 8080:80
configure <<<"allow 8080/tcp"
expect "tidegate up succeeds" tidegate up

# ---- the other host ------------------------------------------------------------------------

decide machines add host -p secret -f $work/local.yaml -u http://$office4:8080
key=$(outside "$cscli" -c $work/config.yaml bouncers add web1 -o raw)
outside "$lapi" -c $work/config.yaml -no-cs >$work/lapi.log 2>&1 &
lapi_pid=$!
expect "CrowdSec runs" eventually 30 answers
{
	echo duration,scope,value
	seq 50000 | awk '{ printf "24h,ip,20.%d.%d.%d\n", $1 / 65536, $1 / 256 % 256, $1 % 256 }'
	echo "24h,range,198.51.100.0/24"
	echo "24h,ip,2001:db8:77::1"
} >$work/decisions.csv
expect "it takes 50 002 decisions" decide decisions import -i $work/decisions.csv

# ---- this one --------------------------------------------------------------------------------

sed "s#@SBINDIR@/tidegate#$tidegate#" "$root/dist/tidegate-crowdsec" >$work/tidegate-crowdsec
chmod +x $work/tidegate-crowdsec
cat >$work/bouncer.yaml <<EOT
bin_path: $work/tidegate-crowdsec
feed_via_stdin: true
total_retries: -1
api_url: http://$office4:8080/
api_key: $key
piddir: $work
update_frequency: 1s
cache_retention_duration: 10s
daemonize: false
log_mode: stdout
log_level: info
prometheus: { enabled: false }
EOT
"$bouncer" -c $work/bouncer.yaml >$work/bouncer.log 2>&1 &
bouncer_pid=$!
before=$SECONDS
expect "all of them are banned here" eventually 60 banned 50002
note "after $((SECONDS - before)) s"
expect "one of them is dropped" grep -q "^dropped, banned" <("$tidegate" explain 20.0.195.80 8080)
expect "a range as well" grep -q "^dropped, banned" <("$tidegate" explain 198.51.100.9 8080)
expect "and IPv6" grep -q "^dropped, banned" <("$tidegate" explain 2001:db8:77::1 8080)
expect_open stranger $host4 8080/tcp
expect "a decision is made" decide decisions add -i $stranger4 -d 1h
because="of a decision on another host"
becomes closed 10 stranger $host4 8080/tcp
expect_open office $host4 8080/tcp
expect "it is taken back" decide decisions delete -i $stranger4
because="it was taken back"
becomes open 10 stranger $host4 8080/tcp
expect "nothing was wrong" sh -c "! grep -E 'left out|rror' $work/bouncer.log"

decide decisions add -i $stranger4 -d 1h
because="before the bouncer dies"
becomes closed 10 stranger $host4 8080/tcp
kill -KILL $bouncer_pid
kill $lapi_pid
wait $bouncer_pid $lapi_pid 2>/dev/null
because="the bouncer is dead, and CrowdSec is away"
expect_closed stranger $host4 8080/tcp
expect "all that were banned are" banned 50003
