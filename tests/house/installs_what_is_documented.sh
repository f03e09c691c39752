#!/bin/bash
# `make install` puts the files where README and manual say, keeps an operator's
# configuration, and `make uninstall` takes all else back.  The unit is one that systemd takes.
. "$(dirname "$0")/lib.sh"

[ -x "$build/tidegate" ] || {
	skip "make install" "$build/tidegate is not built"
	exit 0
}
dest=$work/root
install() { make -s install DESTDIR="$dest" PREFIX=/usr/local; }
unit=$dest/lib/systemd/system/tidegate.service
conf=$dest/etc/tidegate/tidegate.conf

expect "make install succeeds" install
while read -r mode path; do
	[ -e "$dest$path" ] || { echo "$path is not there"; continue; }
	found=$(stat -c %a "$dest$path")
	[ "$found" = "$mode" ] || echo "$path has mode $found, not $mode"
done <<-'EOT' | none "every file is in its place"
	755 /usr/local/sbin/tidegate
	644 /lib/systemd/system/tidegate.service
	755 /usr/local/sbin/tidegate-fetch
	644 /lib/systemd/system/tidegate-fetch@.service
	644 /lib/systemd/system/tidegate-fetch@.timer
	644 /usr/local/share/tidegate/fetch/cloudflare.conf
	644 /usr/local/share/tidegate/fetch/country.conf
	644 /usr/local/share/tidegate/fetch/dyndns.conf
	644 /lib/systemd/system/tidegate-metrics.socket
	644 /lib/systemd/system/tidegate-metrics@.service
	644 /lib/systemd/system/tidegate-textfile.timer
	644 /lib/systemd/system/tidegate-textfile.service
	644 /etc/tidegate/tidegate.conf
	644 /usr/local/share/tidegate/prometheus/tidegate.rules.yml
	644 /usr/local/share/tidegate/prometheus/tidegate.dashboard.json
	644 /usr/local/share/man/man8/tidegate.8
	644 /usr/local/share/man/man5/tidegate.conf.5
	644 /usr/local/share/bash-completion/completions/tidegate
EOT
expect "what is installed runs" "$dest/usr/local/sbin/tidegate" version
expect "the configuration is right" "$dest/usr/local/sbin/tidegate" check "$conf"
expect "the completion is one that bash can read" bash -n \
	"$dest/usr/local/share/bash-completion/completions/tidegate"
units=("$dest"/lib/systemd/system/tidegate*)
grep -ohE '@[A-Z]+@' dist/tidegate*.service >"$work/placeholders"
expect "the unit in dist/ has places to fill" test -s "$work/placeholders"
grep -nE '@[A-Z]+@' "${units[@]}" "$dest/usr/local/sbin/tidegate-fetch" | none "no place is left to fill"
sed -nE 's/^Exec[A-Za-z]+=[-+@!:]*(.*)/\1/p' "${units[@]}" | grep -oE '/[^ ]*/tidegate(-fetch)?( |$)' | sort -u |
	while read -r path; do [ -x "$dest$path" ] || echo "$path"; done |
	none "the units start what was installed"

if command -v systemd-analyze >/dev/null; then
	# verify UNIT [NAME]: as it is installed there, in one directory with the others.
	verify() {
		local other
		mkdir -p "$work/units"
		for other in "${units[@]}"; do
			sed "s|/usr/local/sbin|$dest/usr/local/sbin|" "$other" >"$work/units/${other##*/}"
		done
		sed "s|/usr/local/sbin|$dest/usr/local/sbin|" "$1" >"$work/units/${2-${1##*/}}"
		systemd-analyze --man=no verify "$work/units/${2-${1##*/}}"
	}
	sed 's/^Restart=.*/Restart=sometimes/; s/^ProtectSystem/ProtectSystems/' "$unit" >"$work/wrong"
	expect "a bad unit is noticed" grep -q . <(verify "$work/wrong" tidegate.service 2>&1)
	for unit in "${units[@]}"; do
		verify "$unit" 2>&1
	done | none "systemd has nothing to say against the units"
else
	skip "systemd has nothing to say against the units" "there is no systemd-analyze"
fi

echo 'allow 80/tcp' >"$conf"
expect "make install again succeeds" install
expect "the operator's configuration stays" grep -qx 'allow 80/tcp' "$conf"
expect "make uninstall succeeds" make -s uninstall DESTDIR="$dest" PREFIX=/usr/local
find "$dest" -type f | grep -vxF "$conf" | none "nothing but the configuration is left"
expect "and that is" test -e "$conf"
