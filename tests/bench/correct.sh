# correct.sh: whether the compiled image answers as a linear evaluator does, on the host, at
# every size.  That the kernel's answers are the host's is checked where it is timed, lookup.sh.

correct_lookups=$(choose 10000000 1000000)

for n in $(choose "10 100 1000 10000 100000 1000000" "10 10000 1000000"); do
	for family in 4 6; do
		# 1: it found differences, and has printed them.
		output=$("$programs/correct" $family "$n" "$correct_lookups")
		read -r lookups differences _ <<<"$output"
		[ -n "${differences-}" ] || die "cannot compare IPv$family, $n prefixes"
		record correct "IPv$family|$n" lookups "$lookups" ""
		record correct "IPv$family|$n" differences "$differences" ""
	done
done

# Small policies of every kind, made by the fuzzer, against the policy read off its structs.
fuzzer=$build/tests/fuzz/fuzz_classify
[ ! -x "$fuzzer" ] || {
	output=$("$fuzzer" -max_total_time="$(choose 30 3)" -print_final_stats=1 2>&1) ||
		die "the fuzzer found something: $(tail -n 5 <<<"$output")"
	record correct fuzzer executions \
		"$(awk '/number_of_executed_units/ { print $2 }' <<<"$output")" ""
}
