#!/bin/bash
# What the README and docs/ show under commands is what these print, on the host of docs/commands.md,
# except for counters, which depend on who knocked.
. "$(dirname "$0")/lib.sh"

texts=("$root"/README.md "$root"/SECURITY.md "$root"/docs/*.md)

# shown COMMAND: what is printed below it.
shown() {
	awk -v command="# $1" 'FNR == 1 { inside = found = 0 }
		/^```/ { inside = /^```console$/; found = 0; next }
		inside && /^# / { found = $0 == command; next }
		inside && found' "${texts[@]}"
}

# Counters, generations and the blanks that align them.
without_numbers() {
	sed -E 's/^ *([0-9]+) +[0-9]+ +[0-9]+ /\1 N N /; s/ +[0-9]+ +[0-9]+$/ N N/
		s/^(passed|dropped): .*/\1/; s/policy [0-9]+/policy N/; s/ +/ /g; s/ $//'
}

# shows COMMAND [ENVIRONMENT...]: prints what is shown, as on a terminal.
shows() {
	local command=$1 arguments output
	shift
	read -ra arguments <<<"${command#tidegate }"
	output=$(env "$@" stdbuf -oL "$tidegate" "${arguments[@]}" 2>&1 | without_numbers)
	expect_equal "the documents show what \`$command\` prints" \
		"$output" "$(shown "$command" | without_numbers)"
	compared+=("# $command")
}
compared=()

# shows_of COMMAND: likewise, of a line for the shell.
shows_of() {
	expect_equal "the documents show what \`$1\` prints" \
		"$(PATH=${tidegate%/*}:$PATH bash -c "$1")" "$(shown "$1")"
	compared+=("# $1")
}

network_up
sed -i 's/^IPT_SYSCTL=/#&/' /etc/default/ufw # the machine's, not the namespace's
ufw default deny incoming >/dev/null && ufw allow 22/tcp >/dev/null && ufw --force enable >/dev/null ||
	die "ufw is active"
engine_start
publish cache -p 6379:6379 -p 5353:53/udp
publish web -p 8080:80
docker create --name later -p 9000:80 probe /bin/probe serve tcp:80 >/dev/null
configure <<EOT
set office 192.0.2.0/26
allow 8080/tcp
EOT

shows "tidegate version"
shows "tidegate check"
shows "tidegate audit"
shows "tidegate up"
shows "tidegate audit --fail-on risky"
shows "tidegate down"

daemon_start
has_two_lines() { [ "$(wc -l </run/tidegate.log)" -ge 2 ]; }
expect "the daemon speaks" eventually 5 has_two_lines
expect_equal "the documents show what \`tidegate run\` prints" \
	"$(without_numbers </run/tidegate.log)" "$(shown "tidegate run" | without_numbers)"
compared+=("# tidegate run")

shows "tidegate allow 6379/tcp from 192.0.2.10 comment bastion"
shows "tidegate deny 8080/tcp from 192.0.2.66"
# The last two entries; times and digests are those of the moment.
without_moments() { sed -E 's/^[0-9: -]{19}/WHEN/; s/policy [0-9a-f]{8} → [0-9a-f]{8}/policy A → B/'; }
expect_equal "the documents show what \`tidegate log\` prints" \
	"$(tidegate log | tail -n 6 | without_moments)" "$(shown "tidegate log" | without_moments)"
compared+=("# tidegate log")
tidegate ban 203.0.113.9
expect_open office $host4 8080/tcp 6379/tcp
"$tidegate" watch --count 2 >/run/watched &
watcher=$!
sleep 2
expect_closed stranger $host4 8080/tcp 6379/tcp
wait "$watcher"
# Both ports are asked at the same time.
without_moment() { sed -E 's/^[0-9:]{8} /WHEN /; s/:[0-9]+ →/:PORT →/'; }
expect_equal "the documents show what \`tidegate watch\` prints" \
	"$(without_moment </run/watched | sort)" "$(shown "tidegate watch" | without_moment | sort)"
compared+=("# tidegate watch")
shows "tidegate explain 192.0.2.66 6379"
shows "tidegate list"
shows "tidegate status"
shows_of "tidegate metrics | grep -E '^tidegate_(up|enforcing|problems)'"
shows "tidegate --dry-run delete 3"
shows "tidegate failsafe from 192.0.2.10"
shows "tidegate reload --confirm 120s"
shows "tidegate confirm"
shows "tidegate ban 203.0.113.9 for 1d"
shows "tidegate unban 203.0.113.9"
cd /run && printf '%s\n' '198.51.100.0/24 comment scans' 203.0.113.77 >addresses
shows_of "tidegate ban --stdin <addresses"
shows "tidegate bans"
shows "tidegate unban --comment scans"
shows "tidegate allow container ghost"
shows "tidegate allow 80"
shows "tidegate allow ssh"
tidegate delete failsafe from 192.0.2.10
shows "tidegate deny 22/tcp from 192.0.2.0/24" SSH_CONNECTION="$office4 50000 $host4 22"

echo "log new" >>"$config"
listens() { bpftool -j map dump pinned /sys/fs/bpf/tidegate/maps/listeners | grep -qE '"until_ns": ?[1-9]'; }
expect "the daemon listens" eventually 10 listens
expect_closed stranger $host4 6379/tcp
is_written() { [ -n "$(tidegate log drops)" ]; }
expect "it writes down what it hears" eventually 5 is_written
expect_equal "the documents show what \`tidegate log drops\` prints" \
	"$(tidegate log drops | without_moments | sed -E 's/:[0-9]+ →/:PORT →/')" \
	"$(shown "tidegate log drops" | without_moments | sed -E 's/:[0-9]+ →/:PORT →/')"
compared+=("# tidegate log drops")

configure <<<'allow 6379/tpc'
shows "tidegate reload"

# All that is shown: a command that is new in the documents is compared as well.
for text in "${texts[@]}"; do
	awk '/^```/ { inside = /^```console$/; next } inside && /^# tidegate/' "$text"
done | grep -vE '^# tidegate (completion|help) ' >/run/all
expect_equal "every command that is shown was compared" \
	"$(grep -vxFf <(printf '%s\n' "${compared[@]}") /run/all)" ""
expect_equal "none is shown twice" "$(sort /run/all | uniq -d)" ""
