#!/bin/bash
# `tidegate check FILE` of a file that is to become the configuration, somewhere else, as Ansible's
# `validate: tidegate check %s` does it: a set's relative file is taken from beside the copy, else
# from beside the configuration.
. "$(dirname "$0")/lib.sh"

dir=${config%/*}
mkdir -p "$dir" /opt/copy
configure <<<"docker off"
echo $office4 >"$dir/office.list"
printf 'set office file office.list\nallow 6379/tcp from office\n' >/opt/copy/tmp.conf

refuses() {
	local why=$1
	shift
	"$tidegate" "$@" >/dev/null 2>/run/said
	[ $? = 1 ] && grep -q "$why" /run/said || { cat /run/said; return 1; }
}
expect "a copy is right with the set's file where the configuration is" tidegate check /opt/copy/tmp.conf
expect "and as standard input" tidegate check - </opt/copy/tmp.conf
echo nonsense >/opt/copy/office.list
expect "one beside the copy comes first" refuses "/opt/copy/office.list:1:1" check /opt/copy/tmp.conf
rm /opt/copy/office.list
echo nonsense >"$dir/office.list"
expect "a bad one where the configuration is" refuses "$dir/office.list:1:1" check /opt/copy/tmp.conf
rm "$dir/office.list"
expect "none at all" refuses "$dir/office.list': No such file" check /opt/copy/tmp.conf
mkdir /opt/other
echo $office4 >/opt/other/office.list
expect "beside another configuration" tidegate --config /opt/other/tidegate.conf check /opt/copy/tmp.conf
chown 12 /opt/copy
chmod 666 /opt/copy/tmp.conf
"$tidegate" --config /opt/other/tidegate.conf check /opt/copy/tmp.conf >/dev/null 2>/run/said
expect_not "who can write the copy does not matter" grep -q "warning" /run/said
