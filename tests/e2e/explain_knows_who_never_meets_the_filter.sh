#!/bin/bash
# A source on this host, in Docker's networks or at an interface that is not guarded never meets the
# filter, and `tidegate explain` says so; of a macvlan, a bridge and an interface without Ethernet it
# asks where the packet is seen.
. "$(dirname "$0")/lib.sh"

network_up
ip link add br7 type bridge
ip address add 10.7.0.1/24 dev br7
ip link set br7 up
ip link add link eth0 name above type macvlan mode bridge
ip address add 10.5.0.1/24 dev above
ip link set above up
ip link add veth8 type veth peer name eth8 netns outside
ip link add br8 type bridge
ip link set veth8 master br8
ip link set veth8 up
ip address add 10.8.0.1/24 dev br8
ip link set br8 up
ip tuntap add tun0 mode tun
ip address add 10.9.0.1/24 dev tun0
ip link set tun0 up
engine_start
publish cache -p 6379:6379
configure <<-EOF
	allow 6379/tcp from $office4
EOF
sed -i 's/^interface .*/interface eth0 veth8 tun0/' "$config"
expect "tidegate up succeeds" tidegate up

# explains STATUS FIRST-LINE WORDS...
explains() {
	local status=$1 first=$2 output
	shift 2
	output=$(tidegate explain "$@" 2>&1)
	expect_equal "exit status of explain $*" $? "$status"
	expect_equal "answer of explain $*" "$(head -n 1 <<<"$output")" "$first"
}
forged="and never meets the filter; from outside the source is forged: name an interface, \`in IFACE\`"

explains 0 "passes: 127.0.0.1 is a loopback address, $forged" 127.0.0.1 6379
explains 0 "passes: ::1 is a loopback address, $forged" ::1 6379
explains 0 "passes: $host4 is this host's own, $forged" $host4 6379
explains 0 "passes: 172.17.0.2 is in Docker's network 'bridge', behind the filter, $forged" 172.17.0.2 6379
explains 0 "passes: 10.7.0.9 is in the network of 'br7', which is not guarded, $forged" 10.7.0.9 6379
explains 0 "passes: the interface 'br7' is not guarded, what comes in by it never meets the filter" \
	203.0.113.7 6379 in br7
explains 2 "tidegate: 'eth7': there is no such interface" 203.0.113.7 6379 in eth7
explains 1 "dropped, closed: 127.0.0.1 is in no rule of 6379/tcp (container cache)" 127.0.0.1 6379 in eth0

# Seen below: at the device of a macvlan (or VLAN), and at the bridge's port.
closed="dropped, closed: 203.0.113.7 is in no rule of 6379/tcp (container cache)"
explains 1 "$closed" 203.0.113.7 6379 in above
explains 1 "$closed" 203.0.113.7 6379 in br8
expect "the program on the bridge's port is asked" \
	grep -q "the program on veth8 (.*) drops it: closed" <(tidegate explain 203.0.113.7 6379 in br8)
explains 1 "dropped, closed: 10.8.0.9 is in no rule of 6379/tcp (container cache)" 10.8.0.9 6379

# Without an Ethernet header.
explains 1 "$closed" 203.0.113.7 6379 in tun0
explains 1 "dropped, closed: 2001:db8::7 is in no rule of 6379/tcp (container cache)" 2001:db8::7 6379 in tun0
explains 0 "passes, allowed: \`allow 6379/tcp from $office4\` decides about $office4 at 6379/tcp (container cache)" \
	$office4 6379 in tun0
explains 0 "passes, allowed, with a rule that is not there yet: \`allow 6379/tcp from 203.0.113.7\` decides about 203.0.113.7 at 6379/tcp (container cache)" \
	203.0.113.7 6379 in tun0 --with 'allow 6379/tcp from 203.0.113.7'
expect "the program on tun0 is asked" \
	grep -q "the program on tun0 (.*) drops it: closed" <(tidegate explain 203.0.113.7 6379 in tun0)
