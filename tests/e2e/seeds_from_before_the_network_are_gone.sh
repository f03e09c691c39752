#!/bin/bash
# A forged source that was nobody's when it came in, because tidegate was not up or the network was
# not there, is evidence of nothing when it is a container's.  The forger keeps such flows alive.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
attacker_up
publish web -p 8080:80 -p 5353:53/udp -p 51820:51820/udp
web=$(container_address web)
iptables -P FORWARD ACCEPT
ip6tables -P FORWARD ACCEPT
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
# As every firewall of IPv6 has it: flows are tracked.
ip6tables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
for name in all default eth0; do
	echo 0 >/proc/sys/net/ipv4/conf/$name/rp_filter
done
# Where that source would lead is of no concern to a host that does not check it.
ip route add 172.30.0.0/16 via 192.0.2.254
ip route add fd00:5:30::/64 via $office6

# What the forger sends goes on while everything else happens.
seeds=()
keep_alive() {
	while sleep 0.3; do
		frames send "$@"
	done &
	seeds+=($!)
}

expect_answers() {
	expect_frame "$1" "UDP as a reply to container port 53" udp,$attacker4,20001,$host4,53
	expect_frame "$1" "UDP as a reply of this host's over IPv6" udp,$attacker6,20002,$host6,5353
	expect_frame "$1" "UDP as a reply to a container port among the clients'" \
		udp,$attacker4,20005,$host4,51820
	expect_frame "$1" "UDP as a reply of this host's, from a port among the clients'" \
		udp,$attacker6,20006,$host6,51820
}
expect_answers_of_later() {
	expect_frame "$1" "UDP to the later container as a reply" \
		udp,$attacker4,20003,172.30.0.2,53
	expect_frame "$1" "UDP to the later container's IPv6 address as a reply" \
		udp,$attacker6,20004,fd00:5:30::2,53
}

because="before all"
expect_open host "$web" 53/udp 51820/udp
expect_open host $host6 5353/udp 51820/udp
frames send udp,$web,53,$attacker4,20001,text= udp,$host6,5353,$attacker6,20002,text= \
	udp,$web,51820,$attacker4,20005,text= udp,$host6,51820,$attacker6,20006,text=
because="without tidegate"
expect_answers open
keep_alive udp,$attacker4,20001,$host4,53,text= udp,$attacker6,20002,$host6,5353,text= \
	udp,$attacker4,20005,$host4,51820,text= udp,$attacker6,20006,$host6,51820,text=

configure </dev/null
expect "tidegate up succeeds" tidegate up
because="which was seeded before"
expect_answers shut
expect "tidegate down succeeds" tidegate down

daemon_start
frames send udp,172.30.0.2,53,$attacker4,20003,text= udp,fd00:5:30::2,53,$attacker6,20004,text=
keep_alive udp,$attacker4,20003,172.30.0.2,53,text= udp,$attacker6,20004,fd00:5:30::2,53,text=
expect "conntrack has the flows of addresses that are nobody's" eventually 3 \
	sh -c "grep -q 'src=172.30.0.2 .*dport=20003' /proc/net/nf_conntrack &&
		grep -q 'src=fd00:0005:0030:.* .*dport=20004' /proc/net/nf_conntrack"
ip route delete 172.30.0.0/16
ip route delete fd00:5:30::/64
docker network create --subnet 172.30.0.0/16 --ipv6 --subnet fd00:5:30::/64 later >/dev/null
docker run -d --name later --network later probe /bin/probe serve udp:53 tcp:80 >/dev/null
because="which has that address now"
expect_open host 172.30.0.2 53/udp
expect_open host fd00:5:30::2 53/udp
because="which was seeded before its network was there"
expect_answers_of_later closed

kill "${seeds[@]}"
daemon_stop
expect "tidegate down succeeds" tidegate down
because="after tidegate down"
frames send udp,172.30.0.2,53,$attacker4,20003,text= udp,fd00:5:30::2,53,$attacker6,20004,text=
expect_answers_of_later open
