#!/bin/bash
# Who can write the configuration, a set's file, or into their directories decides who may enter:
# if that is anybody but root, every command says so, and status is not content.
. "$(dirname "$0")/lib.sh"

dir=${config%/*}
# exposed TEXT: status names it and exits 1, and a command that edits warns.
exposed() {
	"$tidegate" status >/run/said 2>&1
	[ $? = 1 ] && grep -q "problem  .*$1" /run/said || { cat /run/said; return 1; }
	"$tidegate" ban 198.51.100.1 2>/run/said && grep -q "warning: .*$1" /run/said &&
		"$tidegate" unban 198.51.100.1 2>/run/said && grep -q "warning: .*$1" /run/said &&
		"$tidegate" reload 2>/run/said && grep -q "warning: .*$1" /run/said &&
		"$tidegate" check 2>/run/said && grep -q "warning: .*$1" /run/said || {
		cat /run/said
		return 1
	}
}

network_up
configure <<<"docker off
set office file office.list
allow 6379/tcp from office"
echo $office4 >"$dir/office.list"
expect "tidegate up succeeds" tidegate up
expect "status is content when only root can" tidegate status

chmod 666 "$config"
expect "a configuration that everybody can write" exposed "tidegate.conf' can be written by others"
chmod 664 "$config"
expect "is content with the group root" tidegate status
chgrp 12 "$config"
expect "a configuration that a group can write" exposed "tidegate.conf' can be written by others"
chmod 644 "$config"
chown 12 "$config"
expect "a configuration that is not root's" exposed "tidegate.conf' does not belong to root"
chown root:root "$config"
chmod 777 "$dir"
expect "a directory that everybody can write" exposed "tidegate.conf' is in a directory that others"
chmod 1777 "$dir"
expect "is content with the sticky bit" tidegate status
chmod 755 "$dir"
chmod 666 "$dir/office.list"
expect "a set's file that everybody can write" exposed "office.list' can be written by others"
mkdir /opt/lists
chown 12 /opt/lists
mv "$dir/office.list" /opt/lists
ln -s /opt/lists/office.list "$dir"
chmod 644 /opt/lists/office.list
expect "a set's file behind a link, in a directory that is not root's" \
	exposed "office.list' is in a directory that does not belong to root"
chown root /opt/lists
expect "status is content again" tidegate status
