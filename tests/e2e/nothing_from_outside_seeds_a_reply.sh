#!/bin/bash
# "Reply" means that conntrack says so.  Here is what else makes entries in conntrack, or seems to,
# besides a forged source: for each, a way to have a closed port answered by it.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
attacker_up
publish dns -p 5353:53/udp -p 8080:80
publish ftp -p 21:21 -p 2121:8080
publish client
docker network create -d macvlan -o parent=eth0 --subnet 192.0.2.0/24 --ip-range 192.0.2.128/25 \
	lan >/dev/null
docker run -d --name neighbour --network lan probe /bin/probe serve udp:53 tcp:80 >/dev/null
dns=$(container_address dns)
client=$(container_address client)
neighbour=$(container_address neighbour)
iptables -P FORWARD ACCEPT
ip6tables -P FORWARD ACCEPT
for name in all default eth0; do
	echo 0 >/proc/sys/net/ipv4/conf/$name/rp_filter
done
outside "$probe" serve tcp:80 tcp:21 udp:53 >/dev/null &

port=20000
sport() { port=$((port + 1)); }

# wire NAME SUBNET: one more interface of this host, and what is behind it.
wire() {
	ip netns add "$1"
	ip link add "$1" type veth peer name eth0 netns "$1"
	ip address add "$2.1/24" dev "$1"
	ip link set "$1" up
	ip -n "$1" address add "$2.2/24" dev eth0
	ip -n "$1" link set lo up
	ip -n "$1" link set eth0 up
	ip -n "$1" route add default via "$2.1"
	echo 0 >"/proc/sys/net/ipv4/conf/$1/rp_filter"
	eventually 10 busybox ping -q -c 1 -W 1 "$2.2" || die "the docker host reaches $1"
}
wire uplink 198.18.0
wire vpn 10.9.0
ip netns exec uplink iptables -A INPUT -p udp -j DROP
ip -n outside route add 198.18.0.0/24 via $host4
ip -n outside route add 10.9.0.0/24 via $host4
# This host is the way out for whoever is on its wires, and hides them.
iptables -t nat -A POSTROUTING -o uplink -j MASQUERADE
iptables -t nat -A POSTROUTING -s 10.9.0.0/24 -o eth0 -j MASQUERADE
# What assigns a helper to a service on port 21.
iptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp

# from WIRE COMMAND...: frames.py at the far end of that wire.
from() {
	local name=$1
	shift
	HOST_MAC=$(cat "/sys/class/net/$name/address") ip netns exec "$name" \
		/usr/bin/python3 "$e2e/frames.py" "$@"
}

# ---- forwarded flows ------------------------------------------------------------------

forwarded() {
	local wanted=$1 seeds
	# The far end answers to a port that is published here: it is the attacker's flow.
	sport
	from uplink ask -w 3000 udp,198.18.0.2,$port,198.18.0.1,5353 >/run/uplink 2>&1 &
	seeds=$!
	eventually 5 test -e /run/uplink
	for _ in 1 2 3 4; do
		frames send udp,$attacker4,5353,198.18.0.2,$port,text=
		sleep 0.2
	done
	wait $seeds
	expect_equal "$wanted: UDP to a published port as the reply of a flow between two wires, $because" \
		"$(cut -d' ' -f1 /run/uplink)" "$wanted"
}

# The same, and the attacker sees what its accomplice says: the flow is theirs.
relayed() {
	sport
	at outside /usr/bin/python3 "$e2e/frames.py" see -w 3000 needle >/run/seen &
	local pid=$!
	eventually 5 grep -q ready /run/seen
	for _ in 1 2 3 4; do
		frames send udp,$attacker4,5353,198.18.0.2,$port
		from uplink send udp,198.18.0.2,$port,198.18.0.1,5353,text=needle
		sleep 0.2
	done
	wait $pid
	expect "the reply reaches who began the flow, $because" grep -q '^seen' /run/seen
}

through_the_vpn() {
	sport
	from vpn send udp,10.9.0.2,5353,$attacker4,$port
	# By who began it, where nobody listens any more.
	expect_frame refused "UDP to a published port as a reply to whom is behind a VPN" \
		udp,$attacker4,$port,$host4,5353
}

# ---- helpers ---------------------------------------------------------------------------

# The attacker is the client of a service that he may use, and names a port of his own, or of a
# third party, for a second channel; then he comes from there.
talk() {
	outside /usr/bin/python3 - $stranger4 $host4 "$1" <<-'END' &
		import socket, sys, time
		saddr, daddr, line = sys.argv[1:]
		control = socket.create_connection((daddr, 21), 5, (saddr, 0))
		for text in ('PING', line):
		    control.sendall(text.encode() + b'\r\n')
		    control.recv(100)
		time.sleep(4)
	END
	talker=$!
}
is_expected() { grep -q "dst=$stranger4 .*dport=7070" /proc/net/nf_conntrack_expect; }
expectations() {
	talk "EPRT |1|$stranger4|7070|"
	expect "conntrack expects a second channel, $because" eventually 5 is_expected
	asking=(-p 7070)
	expect_"$1" stranger $host4 8080/tcp 2121/tcp
	wait $talker
	talk "EPRT |1|$dns|7071|"
	asking=(-p 7071)
	expect_"$1" stranger $host4 8080/tcp
	asking=()
	wait $talker
}

# ---- errors, and the middle of a stream ---------------------------------------------------

errors() {
	local code
	for code in 3 1; do
		sport
		expect_frame "$1" "UDP after an error about a flow that is none" \
			-e icmp,$attacker4,3,$host4,$code,inner=udp+$host4+5353+$attacker4+$port \
			udp,$attacker4,$port,$host4,5353
		sport
		expect_frame "$1" "UDP after an error about a container's flow that is none" \
			-e icmp,$attacker4,3,$host4,$code,inner=udp+$dns+53+$attacker4+$port \
			udp,$attacker4,$port,$host4,5353
	done
	sport
	expect_frame "$1" "UDP over IPv6 after an error about a flow that is none" \
		-e icmp,$attacker6,1,$host6,4,inner=udp+$host6+5353+$attacker6+$port \
		udp,$attacker6,$port,$host6,5353
}

middle_of_a_stream() {
	local flags
	for flags in A PA FA SA R; do
		sport
		expect_frame "$1" "TCP after a segment with $flags" \
			-e tcp,$attacker4,$port,$host4,8080,flags=$flags,ack=1,text=PING \
			tcp,$attacker4,$port,$host4,8080
		sport
		expect_frame "$1" "TCP over IPv6 after a segment with $flags" \
			-e tcp,$attacker6,$port,$host6,8080,flags=$flags,ack=1,text=PING \
			tcp,$attacker6,$port,$host6,8080
	done
}

# ---- what containers do ------------------------------------------------------------------

# From the number of a published port, which masquerading keeps: who is asked may answer, to
# who asked; not the service that has the number here.
asked_from_a_published_number() {
	sport
	at container:client "$probe" ask udp -p 5353 -w 300 $attacker4 $port >/dev/null
	expect "a container asked the attacker from a published port's number, $because" \
		grep -q "src=$client dst=$attacker4 sport=5353 dport=$port .*dport=5353 " /proc/net/nf_conntrack
	expect_frame refused "UDP to a published port as the reply to another container" \
		udp,$attacker4,$port,$host4,5353
	expect_frame closed "UDP from another port of who was asked" udp,$attacker4,19999,$host4,5353
}

# A container asks another by the host's address; the attacker answers in its place.
answered_in_its_place() {
	local not=${1-}
	echo 1 >/proc/sys/net/ipv4/conf/all/accept_local
	sport
	at container:client "$probe" ask udp -p $port -w 300 $host4 5353 >/dev/null
	expect_seen $not container:client "an answer of this host's, forged" \
		udp,$host4,5353,$client,$port,%text
	sport
	at container:client "$probe" ask udp -p $port -w 300 "$dns" 9999 >/dev/null
	expect_seen $not container:client "an answer of another container's, forged" \
		udp,$dns,9999,$client,$port,%text
	echo 0 >/proc/sys/net/ipv4/conf/all/accept_local
}

# ---- who else may be forged ---------------------------------------------------------------

neighbours_mac() { at container:neighbour ip -j link show dev eth0 | jq -r '.[].address'; }
a_container_on_the_wire() {
	sport
	expect_frame "$1" "UDP to a container on the same wire" \
		udp,$attacker4,$port,$neighbour,53,mac="$(neighbours_mac)"
	sport
	expect_frame "$1" "UDP to a container on the same wire, as a reply" \
		-e udp,$neighbour,53,$attacker4,$port \
		udp,$attacker4,$port,$neighbour,53,mac="$(neighbours_mac)"
}

# ---------------------------------------------------------------------------------------

because="without tidegate"
sport
expect_frame open "UDP to the published port" udp,$attacker4,$port,$host4,5353
expect_frame open "TCP to the published port" tcp,$attacker4,$port,$host4,8080
relayed
answered_in_its_place
a_container_on_the_wire open
middle_of_a_stream open

for default in published all; do
	mkdir -p "${config%/*}"
	cat >"$config" <<-END
		interface eth0 uplink
		default deny $default
		allow 21/tcp
		allow 53/udp on $neighbour from $office4
	END
	expect "tidegate up succeeds with default deny $default" tidegate up
	because="default deny $default"
	sport
	expect_frame closed "UDP to the published port" udp,$attacker4,$port,$host4,5353
	expect_frame closed "TCP to the published port" tcp,$attacker4,$port,$host4,8080
	forwarded closed
	relayed
	through_the_vpn
	expectations closed
	errors closed
	middle_of_a_stream closed
	asked_from_a_published_number
	answered_in_its_place not
	a_container_on_the_wire closed
done
