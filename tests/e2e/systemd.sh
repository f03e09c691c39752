#!/bin/bash
# systemd.sh: what follows in the test that reads this is run by a systemd of its own in the sandbox, as
# a unit.  The test defines install_units before, which writes the units that it wants.
#
# The test is run three times: as the caller, as the machine that becomes systemd, and as the story that
# systemd runs.
self=$(realpath "$0")
tests=$(dirname "$(dirname "$self")")

# The machine: process 1 of a process namespace below the sandbox's, with a control group of its
# own as root.  What of /proc/sys is not tied to a namespace cannot be written.
become_systemd() {
	local dir
	umount -R /sys/fs/cgroup
	mount -t cgroup2 none /sys/fs/cgroup
	for dir in kernel fs vm; do
		mount --bind /proc/sys/$dir /proc/sys/$dir
		mount -o remount,bind,ro /proc/sys/$dir
	done
	export container=sandbox
	exec /lib/systemd/systemd --system --unit=story.service --show-status=no --log-level=warning
}

write_story() {
	cat >/etc/systemd/system/story.service <<-EOT
		[Unit]
		DefaultDependencies=no
		[Service]
		Type=oneshot
		Environment=TIDEGATE_SANDBOX=$TIDEGATE_SANDBOX TIDEGATE_BUILD=${TIDEGATE_BUILD-} HOME=/run/home \
			TIDEGATE_SOAK=${TIDEGATE_SOAK-}
		Environment=PATH=$PATH
		ExecStart=/bin/bash $self story
		ExecStopPost=/bin/systemctl exit --force --force 0
		StandardOutput=append:/run/story.tap
		StandardError=append:/run/story.tap
		TimeoutStartSec=280
	EOT
}

case ${1-} in
'')
	[ -x /lib/systemd/systemd ] || { echo "# there is no systemd"; exit 77; }
	[ -n "${TIDEGATE_SANDBOX-}" ] || exec "$tests/e2e/sandbox" "$self"
	group=/sys/fs/cgroup
	[ ! -d $group/unified ] || group=$group/unified
	mkdir -p "$group/$TIDEGATE_SANDBOX"
	install_units
	write_story
	( echo "$BASHPID" >"$group/$TIDEGATE_SANDBOX/cgroup.procs" &&
		exec unshare --mount --pid --fork --kill-child --mount-proc --cgroup --uts \
			"$self" systemd ) >/run/systemd.log 2>&1
	cat /run/story.tap || cat /run/systemd.log
	! grep -q '^not ok' /run/story.tap
	exit
	;;
systemd) become_systemd ;;
esac

[ -n "${TIDEGATE_BUILD-}" ] || unset TIDEGATE_BUILD
# shellcheck source=lib.sh
. "$tests/e2e/lib.sh"
