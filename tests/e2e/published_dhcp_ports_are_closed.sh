#!/bin/bash
# The answers of a DHCP server pass without a rule, because a host without an address has none to
# name.  Where a container has the client's port they are what they are elsewhere: datagrams to a
# published port.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
attacker_up
publish dhcp -p 546:53/udp -p 68:53/udp
echo "$attacker4" >/dev/null
expect_ports() {
	expect_frame "$1" "UDP over IPv6 from 547 to 546" udp,$attacker6,547,$host6,546
	expect_frame "$1" "UDP over IPv4 from 67 to 68" udp,$attacker4,67,$host4,68
	expect_frame "$1" "UDP over IPv4 from 67 to 68 at every address" \
		udp,$attacker4,67,255.255.255.255,68,mac=ff:ff:ff:ff:ff:ff
	expect_frame "$1" "UDP over IPv4 from another port to 68" udp,$attacker4,66,$host4,68
}

# What a client of this host does: asks at eth0, takes the address, and asks its server again.
lease() {
	local pid status
	rm -f /run/lease
	outside sh -c 'busybox udhcpd -f /run/udhcpd.conf >/run/udhcpd.log 2>&1 & echo $! >/run/udhcpd.pid'
	busybox udhcpc -i eth0 -f -n -q -t 5 -T 1 -s /run/udhcpc >/run/udhcpc.log 2>&1
	status=$?
	kill "$(cat /run/udhcpd.pid)"
	return $status
}
cat >/run/udhcpd.conf <<END
start 192.0.2.200
end 192.0.2.210
interface eth0
lease_file /run/leases
END
touch /run/leases
printf '#!/bin/sh\n[ "$1" != bound ] || echo "$ip" >/run/lease\n' >/run/udhcpc
chmod +x /run/udhcpc
expect_lease() {
	expect "a client of this host gets a lease, $because" lease
	expect "which is one of the server's, $because" grep -q 192.0.2.2 /run/lease
}

because="without tidegate"
expect_ports open
expect_lease

for without in '' learn,gate; do
	configure </dev/null
	export TIDEGATE_WITHOUT=$without
	expect "tidegate up succeeds without '$without'" tidegate up
	because="nothing allows it, without '$without'"
	expect_ports closed
	tidegate down
done
unset TIDEGATE_WITHOUT

docker rm -f dhcp >/dev/null
for default in published all; do
	configure <<<"default deny $default"
	expect "tidegate up succeeds with default deny $default" tidegate up
	because="nobody published it, default deny $default"
	expect_lease
done
