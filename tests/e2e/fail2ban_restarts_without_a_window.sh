#!/bin/bash
# Debian's fail2ban with dist/fail2ban-action, as a unit: of those that it has banned none gets in while
# it stops and starts, which is quick; `unban --all` takes all back in one call.
#
# TIDEGATE_SOAK=1 bans 2000, otherwise 200.

install_units() {
	make -s -C "$tests/.." install PREFIX=/opt/tidegate UNITDIR=/etc/systemd/system || exit 1
	mkdir -p /etc/systemd/system/fail2ban.service.d
	printf '[Unit]\nDefaultDependencies=no\n' >/etc/systemd/system/fail2ban.service.d/alone.conf
	ln -sf /dev/null /etc/systemd/system/firewalld.service
	cp "$tests/../dist/fail2ban-action" /etc/fail2ban/action.d/tidegate.conf
	sed -i 's#/usr/local/sbin#/opt/tidegate/sbin#' /etc/fail2ban/action.d/tidegate.conf
	cat >/etc/fail2ban/filter.d/web.conf <<-'EOT'
		[Definition]
		failregex = login failed from <HOST>
	EOT
	rm -f /etc/fail2ban/jail.d/*
	cat >/etc/fail2ban/jail.local <<-'EOT'
		[web]
		enabled = true
		backend = polling
		filter = web
		logpath = /run/container.log
		maxretry = 2
		bantime = 3600
		action = tidegate
	EOT
	: >/run/container.log
}

# shellcheck source=systemd.sh
. "$(dirname "$0")/systemd.sh"
# shellcheck source=window.sh
. "$tests/e2e/window.sh"
tidegate=/opt/tidegate/sbin/tidegate

is_up() { fail2ban-client ping >/dev/null 2>&1; }
banned() { [ "$("$tidegate" bans --comment 'fail2ban web' | wc -l)" = "$1" ]; }
seconds() {
	local before=$SECONDS
	timeout 120 "$@" || return
	took=$((SECONDS - before))
}

count=200
[ -z "${TIDEGATE_SOAK-}" ] || count=2000

network_up
engine_start
publish web -p 8080:80
configure <<<"allow 8080/tcp"
expect "tidegate up succeeds" "$tidegate" up
expect "fail2ban starts" systemctl start fail2ban
expect "it answers" eventually 20 is_up

# ---- one, by the log -------------------------------------------------------------------------

expect_open stranger $host4 8080/tcp
for _ in 1 2 3; do
	echo "$(date '+%b %d %H:%M:%S') web app[1]: login failed from $stranger4"
done >>/run/container.log
expect "who fails to log in is banned" eventually 40 banned 1
because="of the jail"
expect_closed stranger $host4 8080/tcp
expect_open office $host4 8080/tcp

# ---- many ------------------------------------------------------------------------------------

mapfile -t crowd < <(seq $((count - 1)) | awk '{ printf "20.0.%d.%d\n", $1 / 250, $1 % 250 + 1 }')
# Asked in turn, as it bans: one call of the action for each.
seconds fail2ban-client set web banip "${crowd[@]}" >/dev/null
expect "fail2ban bans $count" eventually 120 banned $count
watch_start tcp stranger $host4 8080/tcp
seconds systemctl stop fail2ban
expect "it stops within 5 s: $took s" test "$took" -le 5
expect "its bans stay" banned $count
seconds systemctl start fail2ban
expect "it starts" eventually 30 is_up
expect "within 10 s: $took s" test "$took" -le 10
knows() { [ "$(fail2ban-client status web | sed -n 's/.*Currently banned:\t*//p')" = $count ]; }
expect "it knows all that it had banned" eventually 60 knows
expect "they are banned" banned $count
because="while fail2ban stopped and started"
expect_nothing_got_in "$because" tcp
expect "one can be taken back" fail2ban-client set web unbanip "${crowd[0]}"
expect "and is" eventually 5 banned $((count - 1))
expect "all are taken back" seconds fail2ban-client unban --all
expect "in one call, within 5 s: $took s" test "$took" -le 5
expect "none is left" banned 0
because="nobody is banned"
expect_open stranger $host4 8080/tcp
systemctl stop fail2ban
