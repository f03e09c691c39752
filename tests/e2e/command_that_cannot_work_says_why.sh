#!/bin/bash
# Who cannot look does not say that nothing is there: without root, without the kernel's types, with
# nowhere to print to, a command says so and does not exit 0.
. "$(dirname "$0")/lib.sh"

as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
# exits WANTED COMMAND...
exits() {
	local wanted=$1 status
	shift
	"$@" >/run/output 2>&1
	status=$?
	[ $status = "$wanted" ] || { echo "exit $status"; cat /run/output; return 1; }
}
to() {
	local file=$1
	shift
	"$@" >"$file"
}
closed() { "$@" >&-; }

# Where a plain user can run it, as in /usr/local/sbin.
install -m 755 "$tidegate" /opt/tidegate
chmod 755 /run
network_up
configure <<<"allow 22/tcp"
expect "tidegate up succeeds" tidegate up

because="not root"
for command in status list "status numbered" "allow 80/tcp" "delete 1" up run reload confirm down; do
	expect "$command exits 2, $because" exits 2 as_nobody /opt/tidegate $command
	expect "it says what it needs, $because" grep -q "$command: needs root\|${command%% *}: needs root" /run/output
done
expect "version needs no root" exits 0 as_nobody /opt/tidegate version
expect "check needs none either" exits 0 as_nobody /opt/tidegate check
expect "root without the right to look is no root" \
	exits 2 setpriv --bounding-set=-all --inh-caps=-all "$tidegate" status

because="the disk is full"
for command in status list check version help "completion bash" "--json status" "--json list" \
	"--dry-run delete 1" --version; do
	expect "$command exits 1, $because" exits 1 to /dev/full tidegate $command
	expect "it says so, $because" grep -q "cannot write to standard output: No space left" /run/output
done
expect "a command that prints nothing does not need it" exits 0 to /dev/full tidegate allow 80/tcp
expect "status exits 1 with no standard output" exits 1 closed tidegate status
expect "a command that prints nothing needs none" exits 0 closed tidegate allow 81/tcp
expect "the configuration is as it should be" exits 0 tidegate check
expect "so is the lock" test ! -s /run/tidegate/lock

expect "tidegate down succeeds" tidegate down
mount -t tmpfs none /sys/kernel/btf
because="the kernel does not describe its types"
expect "up exits 1, $because" exits 1 tidegate up
expect "it says so, $because" grep -q 'this kernel has no BTF type information.*CONFIG_DEBUG_INFO_BTF' /run/output
umount /sys/kernel/btf
