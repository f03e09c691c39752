# change.sh: what a change of the policy takes, from the command line to the kernel, and what it
# keeps there; and the daemon with a thousand containers.  Of Docker the processes are real that
# hold the published ports: to search them is most of what a change can cost.

change_rounds=$(choose 15 3)
big_rounds=$(choose 7 2)
proxies=600

# timed WHAT COMMAND...: its milliseconds.
timed() {
	local start=${EPOCHREALTIME/./} what=$1
	shift
	"$@" || { fail "$what"; return; }
	record change tidegate "$what" "$(awk "BEGIN { print (${EPOCHREALTIME/./} - $start) / 1000 }")" ms
}

# kernel_memory NAME: MiB of all its maps, the images in their slots included.
kernel_memory() {
	local map id
	for map in /sys/fs/bpf/"$1"/maps/*; do
		bpftool -j map show pinned "$map"
		[[ $map == */policy* ]] || continue
		# What a look-up finds in a map of maps is the inner map's id, in bytes.
		for id in $(bpftool -j map dump pinned "$map" |
			jq -r '.[].value | reverse | map(.[2:]) | "0x" + join("")'); do
			bpftool -j map show id $((id))
		done
	done | jq -s 'map(.bytes_memlock) | add / 1048576'
}

change_big() {
	local round
	contestant big
	for ((round = 1; round <= big_rounds; round++)); do
		printf 'set big file %s\nallow %s/tcp from big\n' "$(prefixes 1000000)" $port | configure big
		timed "1 000 000 prefixes: up" filter big --quiet up
		printf 'set big file %s\nallow %s/tcp from big\n' "$(prefixes 10)" $port | configure big
		filter big --quiet reload
		printf 'set big file %s\nallow %s/tcp from big\n' "$(prefixes 1000000)" $port | configure big
		timed "1 000 000 prefixes: reload" filter big --quiet reload
		[ "$round" != 1 ] || record change tidegate "1 000 000 prefixes: kernel memory" \
			"$(kernel_memory big)" MiB
		filter big --quiet down
	done
}

change_rule() {
	local round rule=(allow 8080/tcp from 192.0.2.9)
	contestant rule
	printf 'set big file %s\nallow %s/tcp from big\n' "$(prefixes 100000)" $port | configure rule
	filter rule --quiet up
	for ((round = 1; round <= change_rounds; round++)); do
		timed "one rule on top of 100 000 prefixes" filter rule --quiet "${rule[@]}"
		timed "one rule deleted from 100 000 prefixes" filter rule --quiet delete "${rule[@]}"
	done
}

change_ban() {
	local round
	contestant bans
	printf 'set bad file %s\nban bad\n' "$(prefixes 100000)" | configure bans
	filter bans --quiet up
	for ((round = 1; round <= change_rounds; round++)); do
		timed "one ban on top of 100 000 bans" filter bans --quiet ban 198.51.100.7
		filter bans --quiet unban 198.51.100.7
	done
}

change_small() {
	local round i
	contestant small
	for ((i = 1; i <= 20; i++)); do
		echo "allow $((8000 + i))/tcp from 192.0.2.$i 198.51.100.0/24"
	done | configure small
	filter small --quiet up
	for ((round = 1; round <= change_rounds; round++)); do
		timed "a policy of 20 rules: reload" filter small --quiet reload
	done
	for ((round = 1; round <= big_rounds; round++)); do
		filter small --quiet down
		timed "a policy of 20 rules: up" filter small --quiet up
	done
	record change tidegate "a policy of 20 rules: kernel memory" "$(kernel_memory small)" MiB
}

# Without Docker nobody has to know whose they are.
change_proxies() {
	local round ready
	contestant proxies
	coproc proxy { inside proxies "$bench/proxies.py" $proxies; }
	read -r -t 120 ready <&"${proxy[0]}" || { fail "no docker-proxies"; return; }
	echo "allow 8001/tcp from 192.0.2.1" | configure proxies
	filter proxies --quiet up
	for ((round = 1; round <= change_rounds; round++)); do
		timed "$proxies docker-proxies, \`docker off\`: reload" filter proxies --quiet reload
	done
	# shellcheck disable=SC1083,SC2093
	exec {proxy[1]}>&-
	wait "$proxy_PID"
}

change_daemon() {
	contestant daemon
	echo "allow 10000/tcp from 192.0.2.0/24" | configure daemon
	sed -i "s|^docker off|docker unix://$work/engine|" "$work/daemon.conf"
	inside daemon "$bench/daemon.py" --containers 1000 --proxies $proxies \
		--starts "$(choose 50 5)" --idle "$(choose 30 3)" --socket "$work/engine" \
		--pin /sys/fs/bpf/daemon -- "$tidegate" --config "$work/daemon.conf" \
		--pin /sys/fs/bpf/daemon run >"$work/daemon.out" ||
		{ fail "the daemon: $(tail -n 3 "$work/daemon.out")"; return; }
	while read -r value unit what; do
		record change tidegate "$what" "$value" "$unit"
	done <"$work/daemon.out"
}

change_small
change_rule
change_ban
change_big
change_proxies
change_daemon
