# smoke.sh: a packet must not become dearer unnoticed.  Times are in percent of a program that reads
# the headers, counts and drops, of the same run, so that a slow or busy machine makes no
# difference; and instructions are counted.  What they are held to is in report.py.
#
# Both times include the harness: a program that changes the source and a tail call.

# cost NAME WHAT ADDRESS PORT SOURCE.  A disturbance may spoil one run, not three.
cost() {
	local name=$1 what=$2 id best=100000 ratio
	shift 2
	id=$(program_id "$name")
	for _ in 1 2 3; do
		ratio=$(inside "$name" "$programs/cost" "$@" drop_read "$id" |
			awk '$1 == "drop_read" { b = $3 } $1 != "drop_read" { f = $3 } END { print int(100 * f / b) }')
		[ "$ratio" -ge "$best" ] || best=$ratio
	done
	record smoke tidegate "$what, of reading the headers" "$best" %
}

contestant tide0
contestant tide10000
echo "deny $port/tcp" | configure tide0
printf 'set big file %s\nallow %s/tcp from big\n' "$(prefixes 10000)" $port | configure tide10000
filter tide0 --quiet up && filter tide10000 --quiet up || die "the filter does not come up"
cost tide0 "a port nobody guards" "$(address tide0)" 80 inside
cost tide0 "a port nobody guards, IPv6" "$(address6 tide0)" 80 inside
cost tide0 "a closed port" "$(address tide0)" $port inside
cost tide10000 "a closed port, 10 000 prefixes" "$(address tide10000)" $port outside
read -r instructions verified < <("$programs/cost" size "$(program_id tide0)")
record smoke tidegate "instructions of the XDP program" "$instructions" ""
record smoke tidegate "instructions that the verifier looks at" "$verified" ""
