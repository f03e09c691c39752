# lib.sh: the vocabulary of the e2e scripts.  A script sources this file first; it then runs
# in a sandbox of its own (see sandbox), as root of a machine that has only this network:
#
#      namespace `outside`                      the docker host: this shell
#     ┌────────────────────────────┐          ┌────────────────────────────────────┐
#     │ office    192.0.2.10       │          │ 192.0.2.1                docker0   │
#     │           2001:db8::10     ├─eth0──eth0┤ 2001:db8::1      172.17.0.0/16 ──┤ containers
#     │ stranger  192.0.2.66       │          │                                    │
#     │           2001:db8::66     │          │ default route: 192.0.2.254         │
#     │ internet  198.51.100.7     │          └────────────────────────────────────┘
#     └────────────────────────────┘
#
# Output is TAP: every expectation is a case with a sentence.  A script that sources this
# file from a shell runs the same way: tests/e2e/NAME.sh.

if [ -z "${TIDEGATE_SANDBOX-}" ]; then
	exec "$(dirname "${BASH_SOURCE[0]}")/sandbox" "$(realpath "$0")" "$@"
fi

set -uo pipefail

e2e=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
root=$(realpath "$e2e/../..")
build=${TIDEGATE_BUILD:-$root/build}
probe=$build/tests/e2e/probe
tidegate=$build/tidegate
config=/etc/tidegate/tidegate.conf

host4=192.0.2.1 host6=2001:db8::1
office4=192.0.2.10 office6=2001:db8::10
stranger4=192.0.2.66 stranger6=2001:db8::66
internet4=198.51.100.7

# How long nobody answers before we believe it.  Under the second after which TCP sends its
# SYN again, so "closed" is about the first packet.
closed_ms=${TIDEGATE_CLOSED_MS:-500}
open_ms=${TIDEGATE_OPEN_MS:-3000}

# ---- cases ---------------------------------------------------------------------------

cases=0 failures=0 because='' daemon_pid='' engine_pid=''

ok() {
	cases=$((cases + 1))
	echo "ok $cases - $*"
}

# fail STATEMENT: reads what is known about it from stdin, if there is something to read.
fail() {
	cases=$((cases + 1)) failures=$((failures + 1))
	echo "not ok $cases - $*"
	[ -t 0 ] || sed 's/^/#   /'
	[ "$failures" != 1 ] || describe_state | sed 's/^/#   /'
}

skip() {
	cases=$((cases + 1))
	echo "ok $cases - $1 # skip $2"
}

note() { echo "# $*"; }

# die WHAT: the stage itself is broken; nothing after this would mean anything.
die() {
	fail "$@" </dev/null
	exit 1
}

# expect STATEMENT COMMAND...: the command succeeds.
expect() {
	local statement=$1 output
	shift
	if output=$("$@" 2>&1); then
		ok "$statement"
	else
		fail "$statement" <<<"exit $?: $*
$output"
	fi
}

# expect_not STATEMENT COMMAND...: it does not.
expect_not() {
	local statement=$1 output
	shift
	if output=$("$@" 2>&1); then
		fail "$statement" <<<"exit 0: $*
$output"
	else
		ok "$statement"
	fi
}

# expect_equal STATEMENT ACTUAL EXPECTED
expect_equal() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		fail "$1" <<<"got      '$2'
expected '$3'"
	fi
}

# expect_schema FILE NAME: the first JSON value of the file is as dist/schema/NAME.schema.json says.
expect_schema() {
	local what="$2's --json is as its schema says"
	if /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
		expect "$what" /usr/bin/python3 -c 'import json, jsonschema, sys
value, _ = json.JSONDecoder().raw_decode(open(sys.argv[1]).read())
jsonschema.validate(value, json.load(open(sys.argv[2])))' "$1" "$root/dist/schema/$2.schema.json"
	else
		skip "$what" "there is no python3-jsonschema"
	fi
}

# eventually SECONDS COMMAND...: until it succeeds, or not within that time.
eventually() {
	local deadline=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.05
	done
}

describe_state() {
	echo "---- state of the docker host at the first failure"
	if [ -x "$tidegate" ]; then
		for command in status list; do
			echo "$ tidegate $command"
			timeout 10 "$tidegate" $command 2>&1
		done
		[ ! -f "$config" ] || { echo "$ cat $config"; cat "$config"; }
		[ ! -s /run/tidegate.log ] || { echo "$ tail /run/tidegate.log"; tail -n 30 /run/tidegate.log; }
	fi
	echo "$ ip -brief address"
	ip -brief address
	if [ -n "$engine_pid" ]; then
		echo "$ docker ps -a"
		timeout 10 docker ps -a
		echo "$ iptables -t nat -S; tail dockerd.log"
		iptables -t nat -S 2>&1 | grep DNAT
		tail -n 5 /run/dockerd.log
	fi
	echo "----"
}

finish() {
	local status=$?
	if [ "$status" != 0 ] && [ "$failures" = 0 ]; then
		fail "the script ends by itself (exit $status)" </dev/null
	fi
	echo "1..$cases"
	[ "$failures" = 0 ] || exit 1
}
trap finish EXIT

# ---- network -------------------------------------------------------------------------

outside() { ip netns exec outside "$@"; }

network_up() {
	ip netns add outside
	ip link add eth0 type veth peer name eth0 netns outside
	echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
	outside sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad'
	ip address add $host4/24 dev eth0
	ip address add $host6/64 dev eth0 nodad
	ip link set eth0 up
	ip -n outside link set lo up
	ip -n outside address add $office4/24 dev eth0
	ip -n outside address add $stranger4/24 dev eth0
	ip -n outside address add 192.0.2.254/24 dev eth0
	ip -n outside address add $office6/64 dev eth0 nodad
	ip -n outside address add $stranger6/64 dev eth0 nodad
	ip -n outside address add $internet4/32 dev lo
	ip -n outside link set eth0 up
	ip route add default via 192.0.2.254
	# Both ends answer before the first case, so that no case waits for a neighbour.
	eventually 10 busybox ping -q -c 1 -W 1 $office4 && eventually 10 busybox ping -q -c 1 -W 1 $office6 ||
		die "the docker host reaches the office"
}

# address WHO FOR: the address of `office`, `stranger` or `internet` in the family of FOR.
address() {
	local family=4
	[[ $2 != *:* ]] || family=6
	case $1 in
	office | stranger | internet)
		family=$1$family
		echo "${!family}"
		;;
	*) echo "$1" ;;
	esac
}

# at WHERE COMMAND...: in the network of office, stranger, internet, an address out there,
# `host`, or `container:NAME`.
at() {
	local where=$1 pid
	shift
	case $where in
	host) "$@" ;;
	container:*)
		pid=$(docker inspect -f '{{.State.Pid}}' "${where#*:}") || return 1
		nsenter --net="/proc/$pid/ns/net" "$@"
		;;
	*) outside "$@" ;;
	esac
}

# source_option FROM HOST: which address the probe binds; none where it has only one.
source_option() {
	case $1 in
	host | container:*) ;;
	*) echo "-s $(address "$1" "$2")" ;;
	esac
}

# ask FROM HOST PORT[/PROTO] [PROBE OPTIONS...]: prints what the probe found.  `asking` are
# more of these options, for the expectations below: asking=(-p 6379).
asking=()
ask() {
	local from=$1 host=$2 port=${3%/*} proto=${3#*/}
	shift 3
	[ "$proto" != "$port" ] || proto=tcp
	# shellcheck disable=SC2046
	at "$from" "$probe" ask "$proto" $(source_option "$from" "$host") "${asking[@]}" "$@" "$host" "$port"
}

# expect_answer WANTED MILLISECONDS FROM HOST PORT/PROTO... : all at the same time.
expect_answer() {
	local wanted=$1 wait=$2 from=$3 host=$4 port dir statement pids=()
	shift 4
	dir=$(mktemp -d /run/ask.XXXXXX)
	for port; do
		ask "$from" "$host" "$port" -w "$wait" >"$dir/${port/\//-}" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	for port; do
		statement="$wanted: $from to $host port $port${because:+, $because}"
		if [[ $(cat "$dir/${port/\//-}") == "$wanted"* ]]; then
			ok "$statement"
		else
			fail "$statement" <"$dir/${port/\//-}"
		fi
	done
	rm -r "$dir"
}

# expect_open FROM HOST PORT[/PROTO]...: the service behind the port answers.
# expect_closed …: nothing comes back, as a filter does it.
# expect_refused …: somebody says no, which is what an unfiltered port without service does.
# $because says in the statement why.
expect_open() { expect_answer open "$open_ms" "$@"; }
expect_closed() { expect_answer closed "$closed_ms" "$@"; }
expect_refused() { expect_answer refused "$open_ms" "$@"; }

# becomes open|closed SECONDS FROM HOST PORT[/PROTO]: for things that a daemon does in its
# own time.
becomes() {
	local wanted=$1 seconds=$2 from=$3 host=$4 port=$5 statement
	statement="$wanted within $seconds s: $from to $host port $port${because:+, $because}"
	is_now() { [[ $(ask "$from" "$host" "$port" -w "$closed_ms") == "$wanted"* ]]; }
	if eventually "$seconds" is_now; then
		ok "$statement"
	else
		fail "$statement" </dev/null
	fi
}

# ---- flows: one connection, asked again and again ------------------------------------

# flow_start NAME FROM HOST PORT[/PROTO] [PROBE OPTIONS...]
flow_start() {
	local name=$1 from=$2 host=$3 port=${4%/*} proto=${4#*/}
	shift 4
	[ "$proto" != "$port" ] || proto=tcp
	mkfifo "/run/flow.$name.ask"
	# shellcheck disable=SC2046
	at "$from" "$probe" flow "$proto" $(source_option "$from" "$host") -w 1000 "$@" "$host" "$port" \
		<>"/run/flow.$name.ask" >"/run/flow.$name.answers" 2>&1 &
	[[ $(flow_read "$name" 1) == open* ]] || die "the flow $name begins"
}

# flow_ask NAME: asks once more over the same flow and prints the answer.
flow_ask() {
	local lines
	lines=$(wc -l <"/run/flow.$1.answers")
	echo >"/run/flow.$1.ask"
	flow_read "$1" $((lines + 1))
}

flow_read() {
	has_line() { [ "$(wc -l <"/run/flow.$1.answers")" -ge "$2" ]; }
	eventually 5 has_line "$1" "$2" || { echo "no answer"; return; }
	sed -n "${2}p" "/run/flow.$1.answers"
}

# expect_flow NAME open|closed [WHY]
expect_flow() {
	local answer
	answer=$(flow_ask "$1")
	if [[ $answer == "$2"* ]]; then
		ok "the open flow $1 is $2${3:+, $3}"
	else
		fail "the open flow $1 is $2${3:+, $3}" <<<"$answer"
	fi
}

# expect_flow_recovers NAME [WHY]: TCP tries again at ever longer intervals.
expect_flow_recovers() {
	recovers() { [[ $(flow_ask "$1") == open* ]]; }
	expect "the open flow $1 goes on${2:+, $2}" eventually 20 recovers "$1"
}

# ---- watches: does anything get through while something happens? -------------------------

# watch_start NAME FROM HOST PORT[/PROTO]: a new attempt every two milliseconds.
watch_start() {
	local name=$1 from=$2 host=$3 port=${4%/*} proto=${4#*/}
	[ "$proto" != "$port" ] || proto=tcp
	mkfifo "/run/watch.$name.stop"
	# shellcheck disable=SC2046
	at "$from" "$probe" watch "$proto" $(source_option "$from" "$host") "$host" "$port" \
		<>"/run/watch.$name.stop" >"/run/watch.$name.result" 2>&1 &
	watches[$name]=$!
}
declare -A watches

# watch_stop NAME: sets $sent and $answered.
watch_stop() {
	echo >"/run/watch.$1.stop"
	wait "${watches[$1]}"
	sent=0 answered=-1
	read -r _ sent _ answered <"/run/watch.$1.result"
	rm -f "/run/watch.$1".*
}

# expect_nothing_got_in WHY NAME...: ends these watches.
expect_nothing_got_in() {
	local why=$1 name
	shift
	sleep 0.3 # a hundred attempts, also where all went fast
	for name; do
		watch_stop "$name"
		if [ "$sent" -gt 100 ] && [ "$answered" = 0 ]; then
			ok "nothing got in by $name, $why"
		else
			fail "nothing got in by $name, $why" <<<"$answered of $sent attempts got in"
		fi
	done
}

# expect_some_got_in WHY NAME...
expect_some_got_in() {
	local why=$1 name
	shift
	for name; do
		watch_stop "$name"
		expect "some attempts by $name got in ($answered of $sent), $why" test "$answered" -gt 0
	done
}

# ---- frames that no socket would send --------------------------------------------------

attacker4=192.0.2.99 attacker6=2001:db8::99

# attacker_up: a neighbour on the wire whose own kernel says nothing to TCP, UDP and SCTP, so that
# what frames.py says is all that is said.
attacker_up() {
	local proto
	ip -n outside address add $attacker4/24 dev eth0
	ip -n outside address add $attacker6/64 dev eth0 nodad
	for proto in tcp udp sctp; do
		outside iptables -A INPUT -p $proto -d $attacker4 -j DROP
		outside ip6tables -A INPUT -p $proto -d $attacker6 -j DROP
	done
	HOST_MAC=$(cat /sys/class/net/eth0/address)
	export HOST_MAC
}

# frames COMMAND...: see frames.py; at the attacker's.
frames() { outside /usr/bin/python3 "$e2e/frames.py" "$@"; }

# expect_frame WANTED STATEMENT FRAMES-OPTIONS...: what an attacker gets for a frame of his:
# `open` when the service answers, `closed` when nothing comes back, `refused`, or `shut` for either
# of the two: errors have a limit of so many a second.
expect_frame() {
	local wanted=$1 statement=$2 wait=$closed_ms output
	shift 2
	[[ $wanted == open || $wanted == refused ]] && wait=$open_ms
	output=$(frames ask -w "$wait" "$@" 2>&1)
	if [[ $output == "$wanted"* || ($wanted == shut && $output =~ ^(closed|refused)) ]]; then
		ok "$wanted: $statement${because:+, $because}"
	else
		fail "$wanted: $statement${because:+, $because}" <<<"$output
$(flows_of "${@: -1}")"
	fi
}

# expect_seen [not] WHERE STATEMENT FRAME...: whether what nobody can answer arrives, as the
# interface $seen_at there sees it.  %text in the frames is a payload to know it by.
seen_at=eth0
expect_seen() {
	local wanted=seen where statement frame text wait=$open_ms pid
	[ "$1" != not ] || { wanted=nothing wait=$closed_ms; shift; }
	where=$1 statement=$2
	shift 2
	text=needle-$RANDOM$RANDOM
	at "$where" /usr/bin/python3 "$e2e/frames.py" see -i "$seen_at" -w "$wait" $text >/run/seen 2>&1 &
	pid=$!
	eventually 5 grep -q ready /run/seen || die "frames.py watches at $where"
	while kill -0 $pid 2>/dev/null; do
		for frame; do
			frames send "${frame//%text/text=$text}"
		done
		sleep 0.3
	done
	wait $pid
	if grep -q "^$wanted" /run/seen; then
		ok "$wanted at $where: $statement${because:+, $because}"
	else
		fail "$wanted at $where: $statement${because:+, $because}" </run/seen
	fi
}

# flows_of FRAME: conntrack's entries with the port of its source in them.
flows_of() { grep -w "[sd]port=$(cut -d, -f3 <<<"$1")" /proc/net/nf_conntrack; }

# ---- Docker ----------------------------------------------------------------------------

# engine_start [DOCKERD OPTIONS...]: a Docker Engine that writes nowhere but below /run.
engine_start() {
	dockerd --data-root /run/docker/data --exec-root /run/docker/exec --pidfile /run/docker.pid \
		--host unix:///run/docker.sock --cgroup-parent "/$TIDEGATE_SANDBOX" \
		--exec-opt native.cgroupdriver=cgroupfs "$@" >>/run/dockerd.log 2>&1 &
	engine_pid=$!
	eventually 30 curl -s --unix-socket /run/docker.sock http://docker/_ping || {
		tail /run/dockerd.log
		die "the Docker Engine starts"
	}
}

engine_stop() {
	kill "$engine_pid" && wait "$engine_pid"
	engine_pid=''
}

engine_kill() {
	kill -KILL "$engine_pid" && wait "$engine_pid" 2>/dev/null
	engine_pid=''
}

# image NAME: one of those that images/make makes.
image() {
	docker image inspect "$1" >/dev/null 2>&1 || docker import "$build/tests/e2e/$1.tar" "$1" >/dev/null
}

# served_ports OPTIONS...: the container ports in a list of docker run options, as the
# probe's serve wants them.
served_ports() {
	local option previous='' proto range port
	for option; do
		case $previous in
		-p | --publish | --expose)
			proto=tcp
			[[ $option != */* ]] || proto=${option#*/}
			range=${option%/*}
			range=${range##*:}
			for ((port = ${range%-*}; port <= ${range#*-}; port++)); do
				echo "$proto:$port"
			done
			;;
		esac
		previous=$option
	done | sort -u
}

# publish NAME [DOCKER RUN OPTIONS...]: a container that answers on every port published.
publish() {
	local name=$1
	shift
	image probe
	# shellcheck disable=SC2046
	docker run -d --name "$name" "$@" probe /bin/probe serve $(served_ports "$@") \
		>/dev/null || die "container $name starts"
	# shellcheck disable=SC2046
	eventually 10 is_serving "$name" $(served_ports "$@") || die "container $name serves"
}

# is_serving NAME PROTO:PORT...: docker run is done before the process in the container has its
# sockets.
is_serving() {
	local pid service port
	pid=$(docker inspect -f '{{.State.Pid}}' "$1") || return 1
	shift
	for service; do
		[ "${service%:*}" != sctp ] || continue
		port=$(printf '%04X' "${service#*:}")
		grep -qs ":$port [0-9A-F]*:0000 " "/proc/$pid/net/${service%:*}"{,6} || return 1
	done
}

container_address() {
	docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"
}

# ---- tidegate ---------------------------------------------------------------------------

tidegate() { "$tidegate" "$@"; }

# configure: the configuration is what stands on stdin, for the interface of this stage and no
# other that a script makes.
configure() {
	mkdir -p "${config%/*}"
	{ echo "interface eth0"; [ -t 0 ] || cat; } >"$config"
}

# daemon_start: `tidegate run`, as the unit would run it.
# is_content: `status` is, but for what this test leaves out.
is_content() {
	[ -n "${TIDEGATE_WITHOUT-}" ] || { "$tidegate" status; return; }
	jq -e '[.problems[] | select(contains("TIDEGATE_WITHOUT") | not)] == []' \
		<("$tidegate" status --json) >/dev/null
}

daemon_start() {
	is_followed() { is_content && grep -q '^  daemon  *running' <<<"$("$tidegate" status)"; }
	"$tidegate" run "$@" >>/run/tidegate.log 2>&1 &
	daemon_pid=$!
	eventually 30 is_followed || {
		cat /run/tidegate.log
		die "the daemon starts and status is green"
	}
}

# A daemon that has died is a failure: without one, status can be green as well.
daemon_stop() {
	if kill "$daemon_pid" 2>/dev/null; then
		wait "$daemon_pid"
	else
		fail "the daemon runs until it is stopped" </run/tidegate.log
	fi
	daemon_pid=''
}

daemon_kill() {
	kill -KILL "$daemon_pid" && wait "$daemon_pid" 2>/dev/null
	daemon_pid=''
}
