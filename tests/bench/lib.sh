# lib.sh: the vocabulary of the benchmarks.  Sourced by `stage`, which runs in a sandbox.
#
# Every contestant has a network namespace of its own with one interface, the end of a veth
# pair whose other end is in namespace `flood`.  CPU 0 sends, CPU 1 receives.
#
#      namespace `flood`                       namespace NAME
#      10.200.N.2  generator ──xdp_xmit──► NAPI thread ► filter   10.200.N.1

set -uo pipefail

bench=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
root=$(realpath "$bench/../..")
build=${TIDEGATE_BUILD:-$root/build}
programs=$build/tests/bench
tidegate=$build/tidegate
quick=${BENCH_QUICK-}
machine_proc=/proc/self/fd/9
send_cpu=0 receive_cpu=1
port=6379 # closed everywhere
tag=b$((RANDOM % 900 + 100))
work=/run/bench
mkdir -p $work

say() { echo "$*" >&2; }
die() { say "bench: $*"; exit 1; }
# fail WHAT: this figure is lost, and the run has failed, but the others go on.
failures=0
fail() { say "bench: $*"; failures=1; return 1; }

# choose FULL QUICK: one of both.
choose() { if [ -n "$quick" ]; then echo "$2"; else echo "$1"; fi; }

# record SUITE WHO WHAT VALUE UNIT [ROUND]: a line of build/bench/results.jsonl.
record() {
	[[ $4 =~ ^-?[0-9.]+(e[-+]?[0-9]+)?$ ]] || { fail "no figure for $1, $2: $3"; return; }
	printf '{"suite": "%s", "who": "%s", "what": "%s", "value": %s, "unit": "%s", "round": %s}\n' \
		"$1" "$2" "$3" "$4" "$5" "${6:-0}" >&6
}

# ---- namespaces -----------------------------------------------------------------------

declare -A number thread_of mac_of
stages=0

inside() { nsenter --net="/run/netns/$1" "${@:2}"; }
generator() { inside flood "$@"; }
receiver() { echo "${tag}r${number[$1]}"; }
sender() { echo "${tag}g${number[$1]}"; }
address() { echo "10.200.${number[$1]}.1"; }
address6() { echo "fd00:${number[$1]}::1"; }
client() { echo "10.200.${number[$1]}.2"; }

# contestant NAME: makes its namespace, unless it is there, and its interface.
contestant() {
	local name=$1 dev peer n
	shift
	n=$((++stages))
	number[$name]=$n
	dev=$(receiver "$name") peer=$(sender "$name")
	[ -e /run/netns/flood ] || { ip netns add flood; ip -n flood link set lo up; }
	[ -e "/run/netns/$name" ] || { ip netns add "$name"; ip -n "$name" link set lo up; }
	ip -n "$name" link add "$dev" type veth peer name "$peer" netns flood || die "no veth for $name"
	connect "$name"
	mac_of[$name]=$(inside "$name" ip -j link show dev "$dev" | jq -r '.[0].address')
}

# connect NAME: addresses for both ends, and neighbours that nobody has to ask for.
connect() {
	local dev peer n=${number[$1]}
	dev=$(receiver "$1") peer=$(sender "$1")
	inside "$1" sh -c "echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
		echo 0 >/proc/sys/net/ipv4/conf/$dev/rp_filter
		echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 0 >/proc/sys/net/ipv6/conf/$dev/accept_dad"
	generator sh -c "echo 0 >/proc/sys/net/ipv6/conf/$peer/accept_dad"
	ip -n "$1" address add "10.200.$n.1/24" dev "$dev"
	ip -n "$1" address add "fd00:$n::1/64" dev "$dev" nodad
	ip -n flood address add "10.200.$n.2/24" dev "$peer"
	ip -n flood address add "fd00:$n::2/64" dev "$peer" nodad
	ip -n "$1" link set "$dev" up
	ip -n flood link set "$peer" up
	ip -n "$1" route replace default via "10.200.$n.2"
	ip -n "$1" -6 route replace default via "fd00:$n::2"
	# A kernel thread receives: what a packet costs is what that thread ran.  GRO keeps it
	# there with and without an XDP program.
	inside "$1" ethtool -K "$dev" gro on
	unshare --mount nsenter --net="/run/netns/$1" sh -c \
		"[ -e /sys/class/net/$dev ] || mount -t sysfs none /sys
		echo 1 >/sys/class/net/$dev/threaded" ||
		die "no threaded NAPI for $1"
}

# dismiss NAME: takes its interface away.
dismiss() { ip -n "$1" link delete "$(receiver "$1")"; }

# napi NAME PRIORITY: pins the receiver's thread to its CPU; above 0 it is a real-time thread.
# Whoever attached a program may have made a new thread.
napi() {
	local file pid answer
	file=$(grep -l "^napi/$(receiver "$1")-" $machine_proc/[0-9]*/comm 2>/dev/null | head -n 1)
	[ -n "$file" ] || die "$1 has no NAPI thread"
	pid=${file%/comm}
	pid=${pid##*/}
	[ "${thread_of[$1]-}" != "$pid $2" ] || return 0
	echo "$pid $receive_cpu $2" >&8
	read -r answer <&7
	[ "$answer" = "done" ] || die "cannot pin the NAPI thread of $1"
	thread_of[$1]="$pid $2"
}

# ---- floods ---------------------------------------------------------------------------

# flood NAME [KEY VALUE]...: sends SYNs to its closed port for a while; JSON.
flood() {
	local name=$1 to
	shift
	to=$(address "$name")
	[[ $name != *6 ]] || to=$(address6 "$name")
	# Both sides ahead of what else this machine does: who waits for a CPU has a cold cache.
	napi "$name" 50
	generator chrt --fifo 50 "$programs/flood" "$(sender "$name")" to "$to" $port \
		mac "${mac_of[$name]}" proc $machine_proc receiver "$(receiver "$name")" \
		cpu $send_cpu "$@"
}

driver_drops() {
	inside "$1" ethtool -S "$(receiver "$1")" |
		awk '/rx_queue_.*_xdp_drops/ { n += $2 } END { print n + 0 }'
}
iptables_drops() {
	inside "$1" "$(tools "$1")iptables-save" -c -t "$2" |
		sed -n "s/^\[\([0-9]*\):.*-A $3 .*-j DROP$/\1/p" | tail -n 1
}
# tools NAME: the directory of its iptables, if that is not the usual one.
tools() { case $1 in *-legacy) echo "$work/legacy/" ;; esac; }

# ---- policies -------------------------------------------------------------------------

# prefixes COUNT [--ipv6]: the name of a file with that many.
prefixes() {
	local file=$work/set.$1${2-}
	[ -e "$file" ] || "$bench/sets.py" "$@" >"$file"
	echo "$file"
}

# filter NAME COMMAND...: tidegate in the contestant's namespace, without Docker.
filter() {
	local name=$1
	shift
	inside "$name" "$tidegate" --config "$work/$name.conf" --pin "/sys/fs/bpf/$name" "$@"
}

# configure NAME: statements on stdin.
configure() {
	{ echo "interface $(receiver "$1")"; echo "docker off"; cat; } >"$work/$1.conf"
}

program_id() { inside "$1" ip -j link show dev "$(receiver "$1")" | jq -r '.[0].xdp.prog.id'; }

# attach NAME PROGRAM: one of receiver.bpf.c.
attach() {
	inside "$1" ip link set dev "$(receiver "$1")" \
		xdpdrv object "$programs/receiver.bpf.o" program "$2"
}
