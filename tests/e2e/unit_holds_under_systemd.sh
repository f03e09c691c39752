#!/bin/bash
# The unit as `make install` makes it, started by a systemd of its own in the sandbox: it works
# with the capabilities, paths and system calls it is left with; it enforces before Docker is
# there; what hangs is started again; a crash, a restart and a stop leave the filter, a trial and the
# audit mode as they are.

install_units() {
	make -s -C "$tests/.." install PREFIX=/opt/tidegate UNITDIR=/etc/systemd/system || exit 1
	mkdir -p /etc/systemd/system/tidegate.service.d
	cat >/etc/systemd/system/tidegate.service.d/log.conf <<-'EOT'
		[Service]
		StandardOutput=append:/run/tidegate.log
		StandardError=append:/run/tidegate.log
		# Shorter than the unit's, for the test to be short.
		WatchdogSec=10
	EOT
	# What others want, and this machine must not get: sysinit.target, with udev and /dev.
	local unit
	ln -sf /dev/null /etc/systemd/system/network-online.target
	for unit in tidegate-metrics.socket tidegate-metrics@.service tidegate-textfile.service \
		tidegate-fetch@.service; do
		mkdir -p /etc/systemd/system/$unit.d
		printf '[Unit]\nDefaultDependencies=no\n' >/etc/systemd/system/$unit.d/alone.conf
	done
	cat >/etc/systemd/system/tidegate-fetch@.service.d/tries.conf <<-'EOT'
		[Service]
		ExecStartPre=/bin/sh -c 'for place in /etc /var /home /etc/tidegate/fetch; do \
			! mkdir $place/written || exit 1; done; \
			! echo >>/etc/tidegate/tidegate.conf && ! mv /etc/hostname /etc/tidegate/tidegate.conf'
	EOT
}

# shellcheck source=systemd.sh
. "$(dirname "$0")/systemd.sh"
tidegate=/opt/tidegate/sbin/tidegate

main_pid() { systemctl show -P MainPID tidegate; }
says() { grep -q -- "$1" <<<"$("$tidegate" status 2>&1)"; }
# Not only begun: the watchdog is for a daemon that is ready.
has_restarted() {
	[ "$(main_pid)" != 0 ] && [ "$(main_pid)" != "$1" ] &&
		systemctl --quiet is-active tidegate && says 'daemon  *running'
}

network_up
configure <<<"allow 6379/tcp from $office4"

# ---- before Docker -----------------------------------------------------------------------

expect "the unit starts without Docker" timeout 20 systemctl start tidegate
expect "it is ordered before the network and Docker" sh -c \
	'for unit in network-pre.target docker.service docker.socket; do
		systemctl show -P Before tidegate | grep -qw "$unit" || exit 1; done'
expect_not "status says that Docker is not there" "$tidegate" status
# Their numbers, include/uapi/linux/capability.h: net_admin, sys_ptrace, sys_admin, perfmon, bpf.
expect_equal "it has the capabilities that its file names, and no more" \
	"$(sed -n 's/^CapBnd:\t*//p' "/proc/$(main_pid)/status")" \
	"$(printf %016x $((1 << 12 | 1 << 19 | 1 << 21 | 1 << 38 | 1 << 39)))"
expect "system calls are filtered" grep -qx 'Seccomp:.2' "/proc/$(main_pid)/status"
expect "it can write pins" nsenter --target "$(main_pid)" --mount mkdir /sys/fs/bpf/written
for place in /etc /home /var /sys/kernel /proc/sys/net/ipv4; do
	expect_not "it cannot write to $place" \
		nsenter --target "$(main_pid)" --mount mkdir "$place/written"
done

engine_start
publish cache -p 6379:6379
publish web -p 8080:80
because="the unit was there before Docker"
becomes open 5 office $host4 6379/tcp
expect_closed stranger $host4 6379/tcp 8080/tcp
expect "status is green once Docker answers" eventually 10 "$tidegate" status

# ---- reload --------------------------------------------------------------------------------

configure <<<"allow 8080/tcp"
expect "systemctl reload succeeds" systemctl reload tidegate
because="after a reload"
expect_open stranger $host4 8080/tcp
expect_closed office $host4 6379/tcp
echo "alow 6379/tcp" >>"$config"
expect_not "systemctl reload fails when the configuration is wrong" systemctl reload tidegate
expect "the unit goes on" systemctl --quiet is-active tidegate
because="the policy before goes on"
expect_open stranger $host4 8080/tcp
expect_closed office $host4 6379/tcp
configure <<<"allow 8080/tcp"
expect "status is green when it is right again" eventually 10 "$tidegate" status

# ---- sets --------------------------------------------------------------------------------------

echo $office4 >"${config%/*}/friends.list"
configure <<<"set friends file friends.list
allow 8080/tcp
allow 6379/tcp from friends"
expect "systemctl reload succeeds with a set's file" systemctl reload tidegate
expect "its content is kept" sh -c 'grep -rq friends.list /var/lib/tidegate/sets'
echo $stranger4 >>"${config%/*}/friends.list"
expect "the daemon keeps it as well" eventually 10 grep -rqFx $stranger4 /var/lib/tidegate/sets

mkdir /run/www
/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory /run/www 8000 >/run/www.log 2>&1 &
eventually 10 curl -sf -o /run/null http://127.0.0.1:8000/ || die "the web server answers"
printf '%s\n' $office4 $office6 198.51.100.9 >/run/www/friends
mkdir -p "${config%/*}/fetch"
printf 'URL=http://127.0.0.1:8000/friends\nMIN_PERCENT=0\n' >"${config%/*}/fetch/friends.conf"
expect "its file can be fetched, by who can write nothing but such files" \
	systemctl start tidegate-fetch@friends
expect "and the daemon takes it" eventually 10 grep -rqFx 198.51.100.9 /var/lib/tidegate/sets
echo 'NAME_TO_RESOLVE=localhost' >"${config%/*}/fetch/friends.conf"
expect "names can be looked up" systemctl start tidegate-fetch@friends
expect "and their addresses are taken" eventually 10 grep -rqFx 127.0.0.1 /var/lib/tidegate/sets
echo 'NAME_TO_RESOLVE=nosuch.invalid' >"${config%/*}/fetch/friends.conf"
expect_not "a list that is refused fails its unit" systemctl start tidegate-fetch@friends
expect "and is as it was" grep -qFx 127.0.0.1 "${config%/*}/friends.list"
configure <<<"allow 8080/tcp"
expect "systemctl reload succeeds without" systemctl reload tidegate

# ---- metrics -----------------------------------------------------------------------------------

expect "the socket of the metrics can be started" systemctl start tidegate-metrics.socket
curl -s -m 20 http://127.0.0.1:9734/metrics >/run/metrics
expect_equal "its unit has what it needs to see that all is well" \
	"$(grep -E '^tidegate_(enforcing|problems|daemon_up|docker_in_step) ' /run/metrics)" \
	$'tidegate_enforcing 1\ntidegate_problems 0\ntidegate_daemon_up 1\ntidegate_docker_in_step 1'
expect "and counts" grep -q '^tidegate_packets_total{verdict="drop",reason="closed",family="ipv4"} [1-9]' /run/metrics
mkdir -p /var/lib/prometheus/node-exporter
expect "the text file can be written" systemctl start tidegate-textfile.service
expect_equal "and is whole" "$(cat /var/lib/prometheus/node-exporter/*.prom | grep -c '^tidegate_enforcing 1$')" 1
expect_equal "with nothing beside it" "$(ls /var/lib/prometheus/node-exporter)" tidegate.prom
expect_not "and nothing was started that belongs to a machine's boot" \
	systemctl --quiet is-active sysinit.target

# ---- crash, restart, stop --------------------------------------------------------------------

expect_equal "a daemon that lives is left alone by the watchdog" \
	"$(systemctl show -P NRestarts tidegate)" 0
watch_start tcp stranger $host4 6379/tcp
pid=$(main_pid)
kill -KILL "$pid"
expect "a daemon that was killed is started again" eventually 10 has_restarted "$pid"

pid=$(main_pid)
kill -STOP "$pid"
expect "a daemon that hangs is killed and started again" eventually 20 has_restarted "$pid"

"$tidegate" reload --confirm 60s 2>/dev/null
expect "a trial is pending" says 'on trial'
pid=$(main_pid)
kill -KILL "$pid"
expect "the daemon crashes and comes back" eventually 10 has_restarted "$pid"
expect "the trial is still pending" says 'on trial'
expect "systemctl restart succeeds" systemctl restart tidegate
expect "the trial is still pending, after a restart" says 'on trial'
expect "it can be confirmed" "$tidegate" confirm

expect "systemctl stop succeeds" systemctl stop tidegate
expect "the locks stay where the command line looks for them" test -e /run/tidegate/lock
expect "the filter stays" says 'interface  *eth0: xdp$'
expect "systemctl start succeeds" systemctl start tidegate
expect "status is green again" eventually 10 "$tidegate" status
because="through crash, restart and stop"
expect_nothing_got_in "$because" tcp

"$tidegate" up --audit 2>/dev/null
expect "systemctl restart succeeds in audit mode" systemctl restart tidegate
expect "audit mode stays" says AUDIT
expect "systemctl stop succeeds at the end" systemctl stop tidegate
expect "tidegate down succeeds" "$tidegate" down
expect "and nothing is attached" sh -c '! ip link show eth0 | grep -q xdp'
