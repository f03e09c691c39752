#!/bin/bash
# Sources that look as if they could not come from outside, and do: neighbours in the subnet that a
# macvlan network of Docker's has in common with the wire; 0.0.0.0 of who asks for an address, or
# for group memberships; :: of who asks whether an address is taken.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
attacker_up
publish web -p 8080:80 -p 5353:53/udp
docker network create -d macvlan -o parent=eth0 --subnet 192.0.2.0/24 --ip-range 192.0.2.128/25 \
	--ipv6 --subnet 2001:db8::/64 --ip-range 2001:db8::8000/113 lan >/dev/null
docker run -d --name neighbour --network lan probe /bin/probe serve udp:53 >/dev/null

cat >/run/udhcpd.conf <<END
start 192.0.2.200
end 192.0.2.210
interface eth0
lease_file /run/leases
END
touch /run/leases
busybox udhcpd -f /run/udhcpd.conf >/run/udhcpd.log 2>&1 &

# A DHCPDISCOVER has a fixed layout; what counts is that an offer comes back.
expect_lease() {
	expect "who has no address yet is offered one by a DHCP server on this host, $because" \
		outside timeout 10 busybox udhcpc -i eth0 -n -q -f -t 3 -T 1 -s /bin/true
}

# The host has joined a group on eth0, and says so when somebody asks.
/usr/bin/python3 - <<'END' &
import socket, struct, time
group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                 socket.inet_aton('239.1.2.3') + socket.inet_aton('192.0.2.1'))
time.sleep(120)
END
expect_membership() {
	local pid
	outside /usr/bin/python3 "$e2e/frames.py" see -w 4000 '\xef\x01\x02\x03' >/run/seen &
	pid=$!
	eventually 5 grep -q ready /run/seen
	frames send igmp,0.0.0.0,0,224.0.0.1,0,mac=01:00:5e:00:00:01
	wait $pid
	expect "a question for groups from 0.0.0.0 is answered, $because" grep -q seen /run/seen
}

# Duplicate address detection of an address that this host has.
expect_defended() {
	outside sh -c 'ip link add link eth0 name copy type macvlan; echo 1 >/proc/sys/net/ipv6/conf/copy/accept_dad
		ip link set copy up; ip address add 2001:db8::1/64 dev copy'
	failed() { outside ip -6 address show dev copy | grep -q dadfailed; }
	expect "an address of this host is defended from who asks for it from ::, $because" eventually 5 failed
	ip -n outside link delete copy
}

all_of_them() {
	expect_lease
	expect_membership
	expect_defended
}

because="without tidegate"
all_of_them
for default in published all; do
	configure <<-END
		default deny $default
		allow 8080/tcp
	END
	[ $default = published ] || echo "allow 67/udp" >>"$config"
	expect "tidegate up succeeds with default deny $default" tidegate up
	because="default deny $default"
	expect_open stranger $host4 8080/tcp
	expect_open stranger $host6 8080/tcp
	expect_open office $host6 8080/tcp
	expect_closed stranger $host4 5353/udp
	all_of_them
done
