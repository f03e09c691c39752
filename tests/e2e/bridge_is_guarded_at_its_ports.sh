#!/bin/bash
# The host's address is on a bridge, as with libvirt and Proxmox, and Docker has br_netfilter send
# what comes in by the bridge's ports through netfilter: it is translated before the bridge's own
# hooks see it.  Who names the bridge gets its ports that lead outside guarded, and VMs
# behind it are left alone.
. "$(dirname "$0")/lib.sh"

vm4=192.0.2.50

# wan NAME LOWER: a port that leads outside by that veth.  The veth itself cannot be it: it looks
# like one of a VM.
wan() { ip link add "$1" link "$2" type macvlan mode passthru && ip link set "$1" master br0 up; }

bridge_up() {
	ip address flush dev eth0
	ip link add br0 address "$(cat /sys/class/net/eth0/address)" type bridge
	echo 0 >/proc/sys/net/ipv6/conf/br0/accept_dad
	wan wan0 eth0
	ip link set br0 up
	ip address add $host4/24 dev br0
	ip address add $host6/64 dev br0 nodad
	ip route add default via 192.0.2.254
	echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
	echo 1 >/proc/sys/net/bridge/bridge-nf-call-ip6tables
	ip netns add vm
	ip link add vnet0 type veth peer name eth0 netns vm
	ip link set vnet0 master br0 up
	ip -n vm link set lo up
	ip -n vm address add $vm4/24 dev eth0
	ip -n vm link set eth0 up
	eventually 10 busybox ping -q -c 1 -W 1 $office4 || die "the docker host reaches the office by br0"
}
vm() { ip netns exec vm "$@"; }
# vm_asks PORT: what a VM gets from the host.
vm_asks() { vm "$probe" ask tcp -w "$open_ms" $host4 "$1" | cut -d ' ' -f 1; }
interfaces() { tidegate --json status | jq -r '.interfaces | map(.name) | sort | join(" ")'; }
are() { [ "$(interfaces)" = "$1" ]; }

network_up
bridge_up
engine_start
# Docker closes FORWARD, for what is only bridged as well.
iptables -I DOCKER-USER -i br0 -o br0 -j ACCEPT
publish cache -p 6379:6379 -p 5353:53/udp
publish web -p 8080:80
vm "$probe" serve tcp:6379 tcp:2222 &
mkdir -p "${config%/*}"
cat >"$config" <<-END
	interface br0
	allow 8080/tcp from $office4
END

because="without tidegate"
expect_open stranger $host4 6379/tcp
expect_open stranger $vm4 6379/tcp
expect "tidegate up succeeds" tidegate up
expect "status is green" tidegate status
expect_equal "the port that leads outside is guarded, and nothing else" "$(interfaces)" wan0
expect "status says of which bridge it is one" grep -q 'wan0: .*port of br0' <(tidegate status)
because="with interface br0"
expect_closed stranger $host4 6379/tcp 5353/udp 8080/tcp
expect_closed stranger $host6 6379/tcp
expect_open office $host4 8080/tcp
because="a VM is left alone"
expect_open stranger $vm4 6379/tcp 2222/tcp
expect_equal "the VM reaches what is published, $because" "$(vm_asks 6379)" open

# Ports that come and go.
daemon_start
ip link add eth1 type veth peer name eth1 netns outside
ip link set eth1 up
wan wan1 eth1
expect "a port that comes later is guarded" eventually 5 are "wan0 wan1"
ip link set wan1 nomaster
ip link set wan1 master br0
expect "it stays so when it goes and comes back" eventually 5 are "wan0 wan1"
ip link delete wan1
expect "one that is gone is forgotten" eventually 5 are wan0
ip link set wan0 nomaster
ip link set wan0 master br0
because="a port that went and came back"
becomes closed 5 stranger $host4 6379/tcp
expect "status is green, $because" eventually 5 "$tidegate" status
daemon_stop

# None that can be told from a VM's: the bridge itself, and it is said what that means.
echo "default allow" >>"$config"
expect "tidegate reload succeeds with default allow" tidegate reload
because="with default allow"
expect_open stranger $host4 6379/tcp
expect_open office $host4 8080/tcp
expect "tidegate down succeeds" tidegate down
ip link delete wan0
ip link set eth0 master br0
expect "tidegate up succeeds with ports that look like a VM's" tidegate up
expect "up warns" grep -q "warning: 'br0': .*bridge-nf-call-iptables" <(tidegate up 2>&1)
expect_not "status is not green" tidegate status
expect "it names what to do" grep -q "problem .*'br0': .*name the port" <(tidegate status)
sed -i 's/^interface .*/interface br0 eth0/' "$config"
expect "tidegate up succeeds with the port named" tidegate up
expect "status is green again" tidegate status
expect_equal "the port is guarded in place of the bridge" "$(interfaces)" eth0
sed -i '/^default/d' "$config"
expect "tidegate reload succeeds" tidegate reload
because="with interface br0 eth0"
expect_closed stranger $host4 6379/tcp
expect_open office $host4 8080/tcp
expect_open stranger $vm4 6379/tcp
