#!/bin/bash
# What `tidegate audit` says of containers that others reach without a published port, beside who does
# reach them: one on the wire by macvlan, which no filter of this host stands before, and one on a
# bridge with an IPv6 address that the neighbours have a route to, which the filter closes.
. "$(dirname "$0")/lib.sh"

# direct ADDRESS COLUMN: of the row of a container's address, bare; "-" where there is none.
direct() {
	jq -r --arg bound "$1" --arg column "$2" '[.rows[] | select(.kind == "container-address" and
		(.bound | startswith($bound))) | .[$column]] | unique | if . == [] then "-" else join(" ") end' /run/rows
}
look() { "$tidegate" audit --json --fail-on never "$@" >/run/rows; }

network_up
engine_start
wire4=192.0.2.129 wire6=2001:db8::129 routed6=2001:db8:77::77
docker network create -d macvlan -o parent=eth0 --ipv6 --subnet 192.0.2.0/24 --subnet 2001:db8::/64 \
	lan >/dev/null || die "Docker makes a macvlan"
docker network create --ipv6 --subnet 172.29.0.0/16 --subnet 2001:db8:77::/64 routed >/dev/null ||
	die "Docker makes a bridge with addresses that are routed"
ip -n outside route add 2001:db8:77::/64 via $host6
ip -n outside route add 172.29.0.0/16 via $host4
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
image probe
docker run -d --name wire --network lan --ip $wire4 --ip6 $wire6 probe /bin/probe serve tcp:8080 \
	>/dev/null || die "a container on the wire starts"
docker run -d --name inside --network routed --ip 172.29.0.77 --ip6 $routed6 probe \
	/bin/probe serve tcp:8080 >/dev/null || die "a container on the bridge starts"
ip6tables -P FORWARD ACCEPT

because="before up"
becomes open 10 stranger $wire6 8080/tcp
expect_open stranger $wire4 8080/tcp
becomes open 10 stranger $routed6 8080/tcp
look
for address in $wire4 $wire6 $routed6; do
	expect_equal "the row of $address says who reaches it, $because" "$(direct $address reached_by)" anyone
	expect_equal "and that it is open" "$(direct $address level)" open
done
expect_equal "whose it is" "$(direct $wire4 leads_to) $(direct $routed6 leads_to)" "wire inside"
expect_equal "an address behind the NAT has no row" "$(direct 172.29.0.77 level)" -
look --from $stranger6
expect_equal "from an IPv6 address only what that reaches" \
	"$(direct $wire4 level) $(direct $wire6 level) $(direct $routed6 level)" "- open open"

configure </dev/null
expect "tidegate up succeeds" tidegate up
because="after up"
expect_open stranger $wire4 8080/tcp
expect_open stranger $wire6 8080/tcp
expect_closed stranger $routed6 8080/tcp
look
for address in $wire4 $wire6; do
	expect_equal "the container on the wire is open as before" \
		"$(direct $address level) $(direct $address reached_by)" "open anyone, where no rule names the port"
done
expect_equal "what the filter closes is closed" \
	"$(direct $routed6 level) $(direct $routed6 reached_by)" "closed nobody"
look --from $stranger6
expect_equal "also when a source is asked about" "$(direct $wire6 level) $(direct $routed6 level)" "open -"

because="with the command that is said to mend it"
look
fix=$(direct $wire4 fix)
expect "it is one" sh -c "tidegate() { $tidegate \"\$@\"; }; $fix"
expect_closed stranger $wire4 8080/tcp
look
expect_equal "and nothing at the address is open any more" "$(direct $wire4 level)" closed

because="with a rule for the address"
expect "it is taken" tidegate allow 8080/tcp on $routed6 from $stranger6
expect_open $stranger6 $routed6 8080/tcp
expect_closed $office6 $routed6 8080/tcp
look
expect_equal "its port is a row of its own" "$(jq -r --arg bound $routed6 '.rows[] |
	select(.kind == "container-address" and .bound == $bound and .first_port == 8080) | .level, .reached_by' \
	/run/rows | xargs)" "limited $stranger6"
