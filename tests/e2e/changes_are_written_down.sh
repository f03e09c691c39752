#!/bin/bash
# Each change of the policy leaves an entry: who made it, what was typed, which statements came and
# went, the digest before and after.  In systemd's journal, or in a file where there is none; a
# journal that hangs holds nobody up.  `tidegate log` shows them.
. "$(dirname "$0")/lib.sh"

# last FILTER: of the last entry.
last() { "$tidegate" --json log changes | jq -r ".entries[-1] | $1"; }
count() { "$tidegate" --json log | jq '.entries | length'; }
digest() { "$tidegate" metrics 2>/dev/null | sed -n 's/^tidegate_policy_info{digest="\(.*\)"} 1$/\1/p'; }

network_up
engine_start
publish cache -p 6379:6379
configure </dev/null

# ---- commands, where there is no journal -----------------------------------------------------

expect_equal "nothing has been written yet" "$(count)" 0
tidegate up
expect_equal "up is an entry" "$(last .command)" up
expect_equal "before it there was no policy" "$(last .digest_before)" ""
expect_equal "after it there is the one that enforces" "$(last .digest_after)" "$(digest)"
before=$(digest)
tidegate allow 6379/tcp from $office4 comment "for now"
expect_equal "allow says what was typed" "$(last .command)" \
	"allow 6379/tcp from $office4 comment \"for now\""
expect_equal "what has come" "$(last '.added[]')" "allow 6379/tcp from $office4 comment \"for now\""
expect_equal "that nothing went" "$(last '.removed[]')" ""
expect_equal "from which policy" "$(last .digest_before)" "$before"
expect_equal "to which" "$(last .digest_after)" "$(digest)"
expect_equal "and by whom" "$(last '.user + " " + .user_name')" "0 root"
expect_equal "there was no SSH" "$(last .ssh)" null
SSH_CONNECTION="$stranger4 50000 $host4 22" tidegate ban 203.0.113.9
expect_equal "an address of SSH is told" "$(last '.ssh + " " + .ssh_known')" "$stranger4 0"
expect "and that the kernel knows of no such connection" grep -q 'no such connection' <(last .message)
tidegate unban 203.0.113.9
expect_equal "unban says what went" "$(last '.removed[]')" "ban 203.0.113.9"
tidegate delete 1
expect_equal "delete as well" "$(last '.removed[]')" "allow 6379/tcp from $office4 comment \"for now\""
entries=$(count)
tidegate --dry-run allow 80 >/dev/null 2>&1
tidegate allow 80/tpc 2>/dev/null
expect_equal "what changes nothing is no entry" "$(count)" "$entries"
echo 'allow 6379/tcp' >>"$config"
tidegate reload --confirm 60s 2>/dev/null
expect_equal "reload says how" "$(last .command)" "reload --confirm 60s"
expect_equal "and what came from the file" "$(last '.added[]')" "allow 6379/tcp"
tidegate confirm
expect_equal "confirm is an entry" "$(last .command)" confirm

# ---- a journal that cannot be read ----

cat >/run/journalctl <<-'EOF'
	#!/bin/sh
	echo "Failed to open files: Input/output error" >&2
	exit 1
EOF
chmod +x /run/journalctl
mount --bind /run/journalctl /usr/bin/journalctl
expect_not "log that cannot ask the journal does not exit 0" tidegate log
expect "it says what the journal said" grep -qF \
	"cannot read the journal, but only '/var/log/tidegate.log': 'journalctl' failed: Failed to open files: Input/output error" \
	<(tidegate log 2>&1)
umount /usr/bin/journalctl

# ---- the daemon ------------------------------------------------------------------------------

daemon_start
entries=$(count)
publish web -p 8080:80
is_guarded() { grep -q '^8080/tcp' <<<"$("$tidegate" status)"; }
eventually 10 is_guarded
expect_equal "a container is no change of the policy's text" "$(count)" "$entries"
sed -i 's/^allow 6379.*/deny 6379\/tcp/' "$config"
is_taken() { [ "$(last '.command // "none"')" = none ]; }
expect "a file that was saved is one, with no command" eventually 10 is_taken
expect_equal "it says which file" "$(last .file)" "$config"
expect_equal "what came and went" "$(last '(.removed + .added) | join(", ")')" "allow 6379/tcp, deny 6379/tcp"
entries=$(count)
tidegate allow 8080/tcp
sleep 1
expect_equal "a command is not written down again by the daemon" "$(count)" $((entries + 1))
daemon_stop
tidegate down
expect_equal "down is an entry" "$(last '.command + .digest_after')" down

# ---- what is shown ---------------------------------------------------------------------------

"$tidegate" --json log >/run/log.json
expect_schema /run/log.json log
tidegate log >/run/shown
expect "people see who, what and the policies" grep -qE \
	"^[0-9-]+ [0-9:]+  change  allow 6379/tcp from $office4 comment \"for now\", by root" /run/shown
expect "the statements" grep -qx '    + deny 6379/tcp' /run/shown
expect "no control character reaches the terminal" sh -c \
	"'$tidegate' --quiet allow 1/tcp comment \"\$(printf 'a\\033[31mb')\"; ! '$tidegate' log | grep -q \$(printf '\\033')"
expect_equal "of another time there is nothing" "$("$tidegate" log drops)" ""
expect_equal "nobody else may read the file" "$(stat -c %a /var/log/tidegate.log)" 600

# ---- the journal -----------------------------------------------------------------------------

# One that hears nothing of the kernel's log and of its audit, which are the machine's.
mkdir -p /etc/systemd/journald.conf.d /run/systemd/journal /run/log
[ -s /etc/machine-id ] || echo 0123456789abcdef0123456789abcdef >/etc/machine-id
printf '[Journal]\nStorage=volatile\nAudit=\nReadKMsg=no\nForwardToSyslog=no\n' \
	>/etc/systemd/journald.conf.d/test.conf
/lib/systemd/systemd-journald >/run/journald.log 2>&1 &
journald=$!
eventually 5 test -S /run/systemd/journal/socket
rm /var/log/tidegate.log
tidegate --quiet allow 4/tcp
expect_not "where there is a journal the file is not written" test -e /var/log/tidegate.log
is_logged() { [ "$(last .command)" = "--quiet allow 4/tcp" ]; }
expect "tidegate log reads the journal" eventually 5 is_logged
expect_equal "with all that is in the entry" "$(last '.added[]')" "allow 4/tcp"
setpriv --reuid 65534 --clear-groups python3 -c '
import socket
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(
    b"TIDEGATE_EVENT=change\nMESSAGE=forged\n", "/run/systemd/journal/socket")'
has_forged() { journalctl --no-pager TIDEGATE_EVENT=change | grep forged; }
expect "anybody can write to the journal" eventually 5 has_forged
expect_not "and what another than root wrote is not shown" grep forged <(tidegate log)
kill $journald
wait $journald
rm -f /run/systemd/journal/socket

# ---- a journal that hangs --------------------------------------------------------------------

python3 - <<'EOT' &
import socket
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")
open("/run/journal.got", "wb").write(journal.recv(65536))
while True: # a journal that hangs, with its queue full
    other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    other.setblocking(False)
    try:
        while True: other.sendto(b"x", "/run/systemd/journal/socket")
    except BlockingIOError:
        break
open("/run/journal.full", "w")
import time; time.sleep(60)
EOT
eventually 5 test -S /run/systemd/journal/socket
tidegate allow 2/tcp
expect "the journal gets the entry" eventually 5 grep -qa '^TIDEGATE_COMMAND=allow 2/tcp$' /run/journal.got
expect "with the fields that it is found by" grep -qax 'TIDEGATE_EVENT=change' /run/journal.got
expect_not "and the file does not" test -e /var/log/tidegate.log
eventually 5 test -e /run/journal.full
expect "a journal that hangs holds no command up" timeout 5 "$tidegate" allow 3/tcp
expect "whose entry is in the file" grep -qx 'TIDEGATE_COMMAND=allow 3/tcp' /var/log/tidegate.log
