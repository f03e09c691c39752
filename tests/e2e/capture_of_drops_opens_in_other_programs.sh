#!/bin/bash
# What `tidegate watch --pcap` writes opens in tcpdump and in tshark: the bytes of the packet as they
# were sent, the interface it came by, and why it was dropped as its comment.  What XDP drops no
# tcpdump on this host sees, so what was sent is captured where it is sent.
. "$(dirname "$0")/lib.sh"

# capture NAME ARGUMENT...: in the background, into /run/NAME.pcapng.
capture() {
	local name=$1
	shift
	"$tidegate" watch "$@" --all-packets --pcap "/run/$name.pcapng" 2>"/run/$name.talk" &
	captures+=($!)
	eventually 5 test -s "/run/$name.pcapng" && eventually 5 listening || die "$name listens"
}
captures=()

listening() {
	bpftool -j map dump pinned /sys/fs/bpf/tidegate/maps/listeners |
		jq -e --argjson clock "$(cut -d' ' -f1 /proc/uptime)" 'any(.. | objects
			| select(has("until_ns")) | .until_ns; . > $clock * 1e9)'
}

# end_captures: what the rings still have is written, and no reader saw half a block.
end_captures() {
	sleep 0.5
	kill -INT "${captures[@]}"
	wait "${captures[@]}"
	captures=()
}

# tell READER FILE ARGUMENT...: what it prints of the file.  Fails where the file ends in between.
tell() {
	local reader=$1 file=$2
	shift 2
	TZ=UTC $reader -nr "$file" "$@" 2>/dev/null
}

# hex FILE: each packet's bytes.
hex() {
	tell tcpdump "$1" -xx | awk '/^\t0x/ { sub(/^[^:]*: */, ""); gsub(/ /, ""); line = line $0; next }
		line { print line; line = "" } END { if (line) print line }'
}

network_up
ip link add eth1 type veth peer name eth1 netns outside
ip address add 203.0.113.1/24 dev eth1
ip link set eth1 up
outside ip link set eth1 up
outside ip address add 203.0.113.66/24 dev eth1
engine_start
publish cache -p 6379:6379 -p 9053:53/udp
publish web -p 8080:80
configure <<<'deny 8080/tcp from 192.0.2.66 comment "noisy"'
sed -i 's/^interface .*/interface eth0 eth1/' "$config"
expect "tidegate up succeeds" tidegate up

for hook in xdp tcx; do
	because="at $hook"
	tidegate up --hook $hook >/dev/null 2>&1
	expect "the hook is $hook" grep -qE "^  interface  eth0: $hook" <(tidegate status)
	ip netns exec outside tcpdump -Z root -Uni eth0 -w /run/sent.pcap \
		'dst host 192.0.2.1 or dst host 2001:db8::1 and not arp and not icmp6' 2>/run/sent.talk &
	sent=$!
	eventually 5 grep -q 'listening on' /run/sent.talk || die "tcpdump captures what is sent"
	capture $hook
	expect_closed stranger $host4 6379/tcp
	expect_closed stranger $host4 9053/udp
	expect_closed stranger $host6 6379/tcp
	expect_closed stranger $host4 8080/tcp
	expect_closed 203.0.113.66 203.0.113.1 6379/tcp
	end_captures
	kill $sent
	wait $sent

	file=/run/$hook.pcapng
	packets=$(tell tcpdump "$file" | wc -l)
	expect "tcpdump reads five packets and more, each once ($packets)" test "$packets" -ge 5
	expect_equal "tshark reads as many" "$(tell tshark "$file" | wc -l)" "$packets"
	expect "to its end, without a fault: tcpdump" tell tcpdump "$file"
	expect "tshark" tell tshark "$file" -V
	expect_equal "what came by eth0 has the bytes that were sent" \
		"$(tell tshark "$file" -Y 'frame.interface_name == "eth0"' -w - | hex - | sort)" "$(hex /run/sent.pcap | sort)"

	tell tshark "$file" -T fields -E separator='|' -e frame.interface_name -e ip.src -e ipv6.src \
		-e tcp.dstport -e udp.dstport -e frame.comment | sort -u >/run/fields
	for line in 'eth0|192.0.2.66||6379||dropped: closed, to cache' \
		'eth0|192.0.2.66|||9053|dropped: closed, to cache' \
		'eth0||2001:db8::66|6379||dropped: closed, to cache' \
		'eth0|192.0.2.66||8080||dropped: denied, to web, deny 8080/tcp from 192.0.2.66 comment "noisy"' \
		'eth1|203.0.113.66||6379||dropped: closed, to cache'; do
		expect "tshark shows interface and reason: $line" grep -qxF "$line" /run/fields
	done
	expect_equal "and nothing else" "$(wc -l </run/fields)" 5
	expect "tcpdump shows address, port and flags" grep -qE \
		"^[0-9:.]+ IP 192\.0\.2\.66\.[0-9]+ > 192\.0\.2\.1\.6379: Flags \[S\]" <(tell tcpdump "$file")
	expect "the time is that of the clock" test $(($(date +%s) - \
		$(tell tshark "$file" -T fields -e frame.time_epoch | tail -n 1 | cut -d. -f1))) -le 30
done

for reader in tcpdump tshark; do
	because="as a stream"
	(timeout 20 "$tidegate" watch --count 1 --pcap - | tell $reader - >"/run/$reader.out") &
	eventually 5 listening || die "the stream is listened to"
	expect_closed stranger $host4 6379/tcp
	wait $!
	expect "$reader reads it from a pipe" grep -q '192\.0\.2\.66.*6379' /run/$reader.out
done
