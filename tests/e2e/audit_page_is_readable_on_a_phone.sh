#!/bin/bash
# The page of `tidegate audit --format html` in a real browser, at the widths of phones and of a desk,
# light and dark: nothing sticks out, every text can be read, and the page asks nobody for anything.
# TIDEGATE_SHOTS, a directory, gets the screenshots: look at them after a change of the page.
. "$(dirname "$0")/lib.sh"

look() { /usr/bin/python3 "$e2e/browser.py" "$@"; }

# each STATEMENT JQ-EXPRESSION: it is so at every width and in both schemes; $found names the file.
each() {
	local failed
	failed=$(jq -c "select(($2) | not)" $found)
	expect_equal "$1" "$failed" ""
}

network_up
engine_start
publish cache -p 6379:6379 -p 5353:53/udp
publish a-container-with-a-name-that-somebody-did-not-want-to-have-to-type-twice -p 8080:80 \
	-p "[2001:db8::1]:9000-9063:9000-9063"
image probe
docker run -d --name watcher --network host --cap-add NET_ADMIN probe /bin/probe serve tcp:7000 >/dev/null
eventually 10 is_serving watcher tcp:7000 || die "the container with the host's network serves"

command -v chromium >/dev/null || die "there is chromium: tests/deps test"
for state in "before up" "after up"; do
	because=$state
	page="/run/${state// /-}.html" found="/run/${state// /-}.json"
	if [ "$state" = "after up" ]; then
		configure <<-EOT
			set office 192.0.2.0/28 198.51.100.0/24 2001:db8:1::/48 2001:db8:2::/48 2001:db8:3::/48
			allow 6379/tcp from office
			allow 8080/tcp comment "everybody's"
		EOT
		tidegate up >/dev/null 2>&1
	fi
	tidegate audit --format html --fail-on never >"$page"
	shots=${TIDEGATE_SHOTS:+$TIDEGATE_SHOTS/${state// /-}}
	[ -z "$shots" ] || mkdir -p "$shots"
	# shellcheck disable=SC2086
	look "$page" $shots >"$found"
	expect_equal "a browser shows the page at four widths, light and dark, $state" "$(wc -l <"$found")" 8
	each "nobody has to scroll to the side" '.scroll <= .inner'
	each "nothing sticks out, and nothing is cut off" '.outside == [] and .broken == []'
	each "every text stands out from what is behind it, 4.5 to 1 and more" '.contrast[0] >= 4.5'
	each "and is large enough" '.smallest >= 12'
	each "it is dark where dark is asked for, and light otherwise" \
		'if .scheme == "dark" then .ground < 0.05 else .ground > 0.9 end'
	each "on a phone a row is a card with a heading for each cell, on a desk a line of a table" \
		'.rows > 3 and if .inner <= 768 then .cards == 7 * .rows and .headings == 0
		else .cards == 0 and .headings == 7 end'
	each "the browser complains of nothing, and asks for nothing" '.complaints == []'
done

# The measure can fail: a page that is too wide, pale, and asks for an image.
because="of a page that is bad"
sed 's|</body>|<p style="width: 100rem; color: #999">x</p><img src="http://192.0.2.66/x.png">&|' $page >/run/bad.html
look /run/bad.html >/run/bad.json
expect "too wide is seen" jq -es 'all(.scroll > .inner and (.outside | length > 0))' /run/bad.json
expect "pale as well" jq -es 'any(.contrast[0] < 4.5)' /run/bad.json
expect "and what it asks for" jq -es 'all(.complaints | length > 0)' /run/bad.json
