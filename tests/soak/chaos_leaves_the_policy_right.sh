#!/bin/bash
# Whatever happens around it, in whatever order: the daemon killed or stopped for a while, Docker
# restarted or killed, containers and networks that come and go, an editor's saves, files that are
# wrong for a while, a clock that is set, an interface that comes and goes, pins removed, nftables
# flushed.  Within ten seconds of each of them the policy that enforces is the one that
# configuration and Docker mean, asked by packets, and `status` agrees; no closed port answers
# meanwhile; the daemon's descriptors and memory stay what they were.
#
# TIDEGATE_SEED is printed, and repeats a sequence; TIDEGATE_SECONDS is for how long there are
# events, an hour if nothing else is said.  TIDEGATE_EVENTS are the names of the events to take,
# "kill stop edit".
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/window.sh"

seconds=${TIDEGATE_SECONDS-3600} seed=${TIDEGATE_SEED-$$}
rate=3000 patience=10
dir=${config%/*} pins=/sys/fs/bpf/tidegate

RANDOM=$seed
# pick LIMIT: a number below it into $picked.  Only in this shell, so that the seed tells all.
pick() { picked=$((RANDOM % $1)); }
# one_of WORD...: one of them into $picked.
one_of() {
	pick $#
	shift "$picked"
	picked=$1
}
# pause: at most half a second.
pause() {
	pick 500
	sleep "0.$(printf %03d "$picked")"
}
say() { note "$(printf '%4d s  %s' $((SECONDS - began)) "$*")"; }

# ---- the clock: of tidegate alone ------------------------------------------------------------------

clock_library=$(echo /usr/lib/*/faketime/libfaketime.so.1)
clock_offset=0
clock_set() {
	clock_offset=$1
	printf '%+d\n' "$clock_offset" >/run/clock.new
	mv /run/clock.new /run/clock
}
clock_now() { echo $(($(date +%s) + clock_offset)); }
clock_text() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }

# clock_up: from now on each `tidegate` has the clock that is in a file.
clock_up() {
	[ -e "$clock_library" ] || die "libfaketime is there"
	mount -t tmpfs none /dev/shm # where the library leaves what it shares, when it is killed
	clock_set 0
	cat >/run/tidegate.clock <<-END
		#!/bin/sh
		export LD_PRELOAD=$clock_library FAKETIME_TIMESTAMP_FILE=/run/clock FAKETIME_NO_CACHE=1
		export FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
		exec $tidegate "\$@"
	END
	chmod +x /run/tidegate.clock
	tidegate=/run/tidegate.clock
}

# ---- what is meant -----------------------------------------------------------------------------------

# What the file says.  meant[] is what it said when it could last be used.
declare -A file=([desk]=192.0.2.10 [banned]=192.0.2.30 [guest]=1 [web]=1 [until]=0) meant=()
declare -A set_file=([partners]=192.0.2.50 [wanted]=192.0.2.40) members=()
wrong_file='' wrong_set='' is_plugged='' added=''
ordered='' # whom a command has banned
sources=(192.0.2.{10,20,30,31,40,41,50,51,60,61,62,66})

text() {
	echo "interface eth0 eth1"
	echo "set partners file partners.list"
	echo "set wanted file wanted.list"
	[ -z "${file[web]}" ] || echo "allow 8080/tcp"
	echo "allow 8081/tcp from ${file[desk]}"
	echo "allow 8082/tcp from partners"
	echo "allow 8083/tcp from 192.0.2.60 until $(clock_text "${file[until]}")"
	[ -z "${file[guest]}" ] || echo "allow container guest from 192.0.2.10"
	echo "ban ${file[banned]}"
	echo "ban wanted"
}

# take_effect: the file can be used as it is.
take_effect() {
	local key
	wrong_file=''
	for key in "${!file[@]}"; do
		meant["$key"]=${file["$key"]}
	done
}

# may CONTAINER SOURCE: whether the policy that is meant lets it in.
may() {
	[ "$2" != "${meant[banned]}" ] && [ "$2" != "${members[wanted]}" ] && [ "$2" != "$ordered" ] ||
		return 1
	case $1 in
	web) [ -n "${meant[web]}" ] ;;
	desk) [ "$2" = "${meant[desk]}" ] ;;
	shop) [ "$2" = "${members[partners]}" ] ;;
	temp) [ "$2" = 192.0.2.60 ] && [ "$(clock_now)" -lt "${meant[until]}" ] ;;
	guest) [ -n "${meant[guest]}" ] && [ "$2" = 192.0.2.10 ] ;;
	*) false ;;
	esac
}

# ---- containers ------------------------------------------------------------------------------------------

declare -A options=([web]="-p 8080:80" [desk]="-p 8081:80" [shop]="-p 8082:80" [temp]="-p 8083:80"
	[guest]="-P --expose 80" [dark]="-p 7000:80 -p 7001:53/udp" [shy]="-P --expose 80 --expose 53/udp"
	[late]="-p 7002:80 --network late")
containers=(web desk shop temp guest dark shy late)

run() {
	[ "$1" != late ] || docker network create late >/dev/null 2>&1
	# shellcheck disable=SC2086
	docker run -d --restart unless-stopped --stop-signal KILL --name "$1" ${options[$1]} probe \
		/bin/probe serve tcp:80 udp:53 >/dev/null 2>>/run/docker.errors
}
remove() {
	docker rm -f "$1" >/dev/null 2>&1
	[ "$1" != late ] || docker network rm late >/dev/null 2>&1
}

# What runs now, and where: "CONTAINER PORT" a line.
running() {
	docker ps -q | xargs -r docker inspect -f '{{.Name}} {{range $port, $hosts := .NetworkSettings.Ports}}{{
		if eq $port "80/tcp"}}{{range $i, $host := $hosts}}{{if eq $i 0}}{{$host.HostPort}}{{end}}{{end}}{{end}}{{end}}' |
		sed 's|^/||; / $/d'
}

# ---- asking ---------------------------------------------------------------------------------------------------

# questions: "WANTED CONTAINER SOURCE DADDR PORT" a line.
questions() {
	local container port source wanted
	while read -r container port; do
		for source in "${sources[@]}"; do
			wanted=shut
			! may "$container" "$source" || wanted=open
			# Of those who may not, two are enough: a stranger, and who once might.
			case $wanted:$container:$source in
			open:* | shut:*:192.0.2.66 | shut:web:* | shut:desk:*.20 | shut:desk:*.10 | \
				shut:shop:*.5? | shut:temp:*.60 | shut:guest:*.10)
				echo "$wanted $container $source $host4 $port"
				;;
			esac
		done
		wanted=shut
		! may "$container" elsewhere || wanted=open
		case $container in
		web | dark)
			echo "$wanted $container $stranger6 $host6 $port"
			[ -z "$is_plugged" ] || echo "$wanted $container 203.0.113.66 203.0.113.1 $port"
			[ -z "$added" ] || echo "$wanted $container 192.0.2.66 $added $port"
			;;
		esac
	done < <(running)
}

# wrong_answers: those of $1's questions that are not answered as they should be.
wrong_answers() {
	local wanted container source daddr port answer
	while read -r wanted container source daddr port; do
		[ -n "$port" ] || continue
		{
			answer=$(outside "$probe" ask tcp -s "$source" -w "$closed_ms" "$daddr" "$port" 2>&1)
			[[ $wanted == open && $answer == open* || $wanted == shut && $answer == closed* ]] ||
				echo "$wanted $container $source $daddr $port: $answer"
		} &
	done <<<"$1"
	wait
}

# is_said_right: `status` is content if there is nothing wrong, and not otherwise.
is_said_right() {
	timeout 10 "$tidegate" status >/run/status 2>&1
	local status=$?
	if [ -z "$wrong_file$wrong_set" ] && [ -n "$is_plugged" ]; then
		[ $status = 0 ]
	else
		[ $status = 1 ]
	fi
}

# A filter that is there twice counts and costs twice.
is_once() {
	[ -z "$("$tidegate" --json status 2>/dev/null | jq -r '.interfaces[]?.name' | sort | uniq -d)" ]
}

# check WHAT HAPPENED: within $patience seconds all is as it is meant.  Docker is asked anew each time.
check() {
	local start=$SECONDS wrong
	while :; do
		# What the answers were to what was meant before the questions and is meant after them.
		wrong=$(wrong_answers "$(questions)" </dev/null)
		if [ -z "$wrong" ] && is_said_right && is_once; then
			checks=$((checks + 1))
			return 0
		fi
		[ $((SECONDS - start)) -lt $patience ] || break
		sleep 0.2
	done
	fail "the policy is right within $patience s: $1 (seed $seed)" <<-END
		${wrong:-status does not agree:
		$(cat /run/status)}
		wrong file: '$wrong_file', wrong set: '$wrong_set', eth1: '$is_plugged', clock: $clock_offset
		meant: $(declare -p meant members)
		what tidegate said, but for policies:
		$(grep -v ' enforces: ' /run/tidegate.log | tail -n 20)
		$(grep -m 1 tcx /run/tidegate.log)
		ports of the policy that enforces:
		$("$tidegate" metrics 2>/dev/null | grep '^tidegate_port_packets_total' | sed 's/ [0-9]*$//' | sort -u)
		as Docker has them:
		$(docker ps -aq | xargs -r docker inspect -f '{{.Name}} {{.State.Status}} {{json .HostConfig.PortBindings}} {{json .NetworkSettings.Ports}}')
		it becomes right later: $(eventually 40 is_said_right && echo "after $((SECONDS - start)) s")
	END
	return 1
}

# Sets of the daemon $fds but for sockets, $sockets, and $memory in KiB that is its own.
measure() {
	local kinds
	kinds=$(find "/proc/$daemon_pid/fd" -mindepth 1 -printf '%l\n' | sed 's/:\[[0-9]*\]$//')
	fds=$(grep -vc '^socket$' <<<"$kinds") sockets=$(grep -c '^socket$' <<<"$kinds")
	memory=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$daemon_pid/status")
	note "$fds descriptors, $sockets sockets, $memory KiB"
}

# Hundredths of a second that the daemon has worked.
work() { awk '{ print $14 + $15 }' "/proc/$daemon_pid/stat"; }

# ---- what happens ------------------------------------------------------------------------------------------------

# inner EVENT: in the course of another.
inner() {
	[ "$1" != kill ] || [ -z "$is_last_daemon" ] || return 0
	"event_$1"
}

# As systemd would.
service_start() {
	"$tidegate" up --boot >>/run/tidegate.log 2>&1
	"$tidegate" run >>/run/tidegate.log 2>&1 &
	daemon_pid=$!
}

# Often in the middle of what it does about something.
event_kill() {
	one_of "" edit set container clock
	[ -z "$picked" ] || inner "$picked"
	pick 300
	sleep "0.$(printf %03d "$picked")"
	say "the daemon is killed"
	daemon_kill
	pick 3
	sleep "$picked"
	service_start
}

event_stop() {
	pick 3
	say "the daemon stops for $((picked + 1)) s"
	kill -STOP "$daemon_pid"
	local length=$((picked + 1))
	one_of container edit edit set network clock
	inner "$picked"
	sleep $length
	kill -CONT "$daemon_pid"
}

engine_again() {
	engine_start "--live-restore=$live_restore"
	[ "$(docker ps -q | wc -l)" -gt 3 ] || docker start "${containers[@]}" >/dev/null 2>&1
	return 0
}

event_docker() {
	one_of stop stop kill
	# Killed without it, Docker gives the containers' addresses away before they are gone.
	[ "$live_restore" = true ] || picked=stop
	say "Docker: $picked, start"
	"engine_$picked" 2>/dev/null
	one_of "" edit set clock kill
	[ -z "$picked" ] || inner "$picked"
	pause
	engine_again
}

event_container() {
	local name
	one_of "${containers[@]}"
	name=$picked
	one_of start stop kill remove renew renew
	say "container $name: $picked"
	case $picked in
	start) docker start "$name" >/dev/null 2>&1 || run "$name" ;;
	stop) docker stop -t 0 "$name" >/dev/null 2>&1 ;;
	kill) docker kill "$name" >/dev/null 2>&1 ;;
	remove) remove "$name" ;;
	renew)
		remove "$name"
		run "$name"
		;;
	esac
	return 0
}

event_network() {
	say "a network comes, with a container, and goes"
	docker network create fleeting >/dev/null 2>&1
	docker run -d --rm --name fleeting --network fleeting -p 7003:80 probe /bin/probe serve tcp:80 >/dev/null 2>&1
	pause
	docker rm -f fleeting >/dev/null 2>&1
	docker network rm fleeting >/dev/null 2>&1
	return 0
}

# change: another text than before.
change() {
	one_of desk banned guest web until
	what=$picked
	case $what in
	desk) one_of 192.0.2.10 192.0.2.20 && file[desk]=$picked ;;
	banned) one_of 192.0.2.30 192.0.2.31 && file[banned]=$picked ;;
	guest) file[guest]=$([ -n "${file[guest]}" ] || echo 1) ;;
	web) file[web]=$([ -n "${file[web]}" ] || echo 1) ;;
	until)
		one_of -5 8 20 300
		file[until]=$(($(clock_now) + picked))
		;;
	esac
}

# save HOW: the file as it is meant, as different editors do it.
save() {
	text >/run/text
	[ ! -d "$config" ] || rmdir "$config"
	case $1 in
	vim)
		touch "$dir/4913"
		rm "$dir/4913"
		[ ! -e "$config" ] || mv "$config" "$config~"
		pause
		cp /run/text "$config"
		rm -f "$config~"
		;;
	truncate)
		: >"$config"
		pause
		cat /run/text >"$config"
		;;
	pieces)
		head -c 100 /run/text >"$config"
		pause
		tail -c +101 /run/text >>"$config"
		;;
	rename)
		cp /run/text "$dir/.new"
		mv "$dir/.new" "$config"
		;;
	sed)
		cp /run/text "$config"
		sed -i 's/$/ /' "$config"
		;;
	esac
	take_effect
}

event_edit() {
	change
	one_of vim truncate pieces rename sed
	say "the file is saved with another '$what', as $picked does it"
	save "$picked"
}

event_command() {
	local address
	[ "$wrong_file" != empty ] || return 0 # which is a configuration
	one_of 192.0.2.61 192.0.2.62
	address=$picked
	say "tidegate ban $address, unban $ordered"
	[ "$address" != "$ordered" ] || return 0
	"$tidegate" ban "$address" >/dev/null 2>>/run/commands.log &&
		{ [ -z "$ordered" ] || "$tidegate" unban "$ordered" >/dev/null 2>>/run/commands.log; } ||
		fail "the commands succeed" </run/commands.log
	ordered=$address
}

# The file is wrong until it is saved again.
event_wrong() {
	# What was saved a moment ago is to be taken first: otherwise nobody can tell what enforces.
	[ -n "$wrong_file" ] || eventually 5 is_said_right || true
	one_of typo missing empty directory binary
	say "the file is wrong: $picked"
	wrong_file=$picked
	[ ! -d "$config" ] || rmdir "$config"
	change
	text >/run/text
	case $wrong_file in
	typo) sed '2s/set/sett/' /run/text >"$config" ;;
	missing) rm -f "$config" ;;
	empty) : >"$config" ;;
	directory)
		rm -f "$config"
		mkdir "$config"
		;;
	binary) head -c 300 /dev/zero >"$config" ;;
	esac
}

write_sets() {
	local name
	for name in partners wanted; do
		echo "${set_file[$name]}" >"$dir/$name.list"
		members[$name]=${set_file[$name]}
	done
	wrong_set=''
}

event_set() {
	one_of 192.0.2.50 192.0.2.51
	set_file[partners]=$picked
	one_of 192.0.2.40 192.0.2.41
	set_file[wanted]=$picked
	say "partners: ${set_file[partners]}, wanted: ${set_file[wanted]}"
	write_sets
}

event_wrong_set() {
	one_of partners wanted
	wrong_set=$picked
	one_of nonsense missing empty
	say "the file of set $wrong_set: $picked"
	case $picked in
	nonsense) echo "192.0.2.999" >>"$dir/$wrong_set.list" ;;
	missing) rm -f "$dir/$wrong_set.list" ;;
	empty) : >"$dir/$wrong_set.list" ;;
	esac
}

event_clock() {
	one_of 3600 -3600 15 -15 400 -400 86400
	say "the clock is set by $picked s"
	clock_set $((clock_offset + picked))
}

event_interface() {
	if [ -n "$is_plugged" ]; then
		say "eth1 goes"
		unplug
		one_of yes no
		[ "$picked" = yes ] || return 0
	fi
	say "eth1 comes"
	plug
}

plug() {
	ip link add eth1 type veth peer name eth1 netns outside
	ip -n outside address add 203.0.113.66/24 dev eth1
	ip -n outside link set eth1 up
	watch_start plugged 203.0.113.66 203.0.113.1 7000/tcp
	ip address add 203.0.113.1/24 dev eth1
	ip link set eth1 up
	is_plugged=1
}

unplug() {
	watch_stop plugged
	[ "$answered" = 0 ] || fail "nothing got in by eth1 (seed $seed)" <<<"$answered of $sent"
	ip link delete eth1
	is_plugged=''
}

# Not the cache, of which each load of programs makes its own.
pin_names() { (cd $pins && find . -type f ! -name recents | sort); }

# Without them, who kills the daemon takes the filter away: nothing else may happen meanwhile.
event_pins() {
	local before
	before=$(pin_names)
	are_back() { [ "$(pin_names 2>/dev/null)" = "$before" ]; }
	one_of all link map hidden
	say "pins are removed: $picked"
	case $picked in
	hidden)
		mount -t bpf none /sys/fs/bpf
		check "the pins are hidden" || return
		umount /sys/fs/bpf
		say "they are no longer hidden"
		return
		;;
	all) rm -r $pins ;;
	link) rm -f "$(find $pins/links -type f | sort | head -n 1)" ;;
	map) rm -f "$(find $pins/maps -type f | sort | tail -n 1)" ;;
	esac
	eventually $patience are_back || fail "the pins are back (seed $seed)" <<<"$(diff <(echo "$before") <(pin_names))"
}

event_address() {
	if [ -n "$added" ]; then
		say "$added goes"
		ip address del "$added/24" dev eth0
		added=''
		return
	fi
	one_of 192.0.2.3 192.0.2.200
	added=$picked
	say "$added comes"
	ip address add "$added/24" dev eth0
}

# Whatever is wrong at the moment keeps nobody busy.
event_quiet() {
	local before
	before=$(work)
	sleep 3
	say "nothing; the daemon worked for $(($(work) - before))0 ms of 3 s"
	[ $(($(work) - before)) -lt 60 ] || fail "the daemon is idle when nothing happens (seed $seed)" <<-END
		$(($(work) - before))0 ms of 3 s; wrong file: '$wrong_file', wrong set: '$wrong_set'
	END
}

# What Docker had there comes back when it starts.
event_nftables() {
	say "nft flush ruleset, and Docker restarts"
	nft flush ruleset
	pause
	engine_stop
	engine_again
}

all_events=(kill kill stop stop docker container container container network edit edit edit command
	wrong wrong set wrong_set clock interface address pins nftables quiet)
[ -z "${TIDEGATE_EVENTS-}" ] || read -ra all_events <<<"$TIDEGATE_EVENTS"

next_event() {
	one_of "${all_events[@]}"
	happened=$picked
	# What is wrong does not stay so for long, and the daemon that is measured lives on.
	if [ -n "$wrong_file" ] && [ $((RANDOM % 4)) = 0 ]; then
		happened=edit
	elif [ -n "$wrong_set" ] && [ $((RANDOM % 4)) = 0 ]; then
		happened="set"
	elif [ "$happened" = kill ] && [ -n "$is_last_daemon" ]; then
		happened=container
	fi
	"event_$happened"
}

# rest: everything as it was in the beginning, for long enough that the daemon has nothing to do.
rest() {
	file[web]=1 file[guest]=1
	save rename
	write_sets
	[ -n "$is_plugged" ] || plug
	[ -z "$added" ] || event_address
	for name in "${containers[@]}"; do
		docker start "$name" >/dev/null 2>&1 || run "$name"
	done
	check "all as in the beginning" || return
	sleep 4
	measure
}

# ---- the case --------------------------------------------------------------------------------------------------------

began=$SECONDS checks=0 is_last_daemon='' fds=0 sockets=0 memory=0
one_of true false
live_restore=$picked
note "seed $seed, $seconds s, live-restore $live_restore"
window_up
for source in "${sources[@]}"; do
	ip -n outside address add "$source/24" dev eth0 2>/dev/null
done
clock_up
engine_start "--live-restore=$live_restore"
image probe
mkdir -p "$dir"
file[until]=$(($(clock_now) + 30))
write_sets
save rename
service_start
plug
for name in "${containers[@]}"; do
	run "$name"
done
hammer_start
expect "all is right in the beginning" check "the start"

# events_for SECONDS: one in three is followed by another at once.
events_for() {
	local end=$((SECONDS + $1))
	until [ $SECONDS -ge $end ] || [ "$failures" != 0 ] || heard_something; do
		next_event
		if [ $((RANDOM % 3)) = 0 ] && [ "$happened" != pins ]; then
			next_event
		fi
		check "after the last event above"
	done
}

events_for $((seconds / 3))
is_last_daemon=1
[ "$failures" != 0 ] || rest
fds_before=$fds sockets_before=$sockets memory_before=$memory
events_for $((seconds - seconds / 3))
[ "$failures" != 0 ] || rest
[ -z "$is_plugged" ] || unplug
hammer_stop
note "$checks checks, $sent attempts at closed ports, $answered answers"
[ "$failures" != 0 ] ||
	expect "there was something to see" test "$checks" -ge $((seconds / 12)) -a "$sent" -gt 10000
expect_unanswered "whatever happened (seed $seed)"
expect "the daemon lives" kill -0 "$daemon_pid"
if [ "$failures" = 0 ]; then
	expect "it has as many descriptors as before ($fds_before, $fds)" test "$fds" -le "$fds_before"
	# libcurl keeps up to four connections to the Engine, malloc what a round needed: seen were
	# 1.9 to 4.0 MiB, up and down, of a daemon that had 1.9 in the beginning and in the end.
	expect "no more sockets than that explains ($sockets_before, $sockets)" \
		test "$sockets" -le $((sockets_before + 4))
	expect "and as much memory ($memory_before, $memory KiB)" test "$memory" -le $((memory_before + 2560))
fi
daemon_stop
expect "tidegate down succeeds" tidegate down
expect_not "and leaves nothing" test -e $pins
docker start "${containers[@]}" >/dev/null 2>&1
hammer_start
expect "closed ports answer without tidegate" eventually 10 heard_something
hammer_stop
