# lookup.sh: what looking up one source costs, net of the same program without a look-up, in
# the image and in the kernel's LPM trie with the same prefixes: the table that
# classify_bench prints, for the shapes that the README quotes.

for shape in mixed4 mixed6; do
	for n in $(choose "10 100 1000 10000 100000 1000000" "10 10000"); do
		line=$(taskset -c $receive_cpu "$programs/classify_bench" "$programs/classify_bench.bpf.o" \
			$shape "$n" 2>/dev/null)
		# shape prefixes build_s MiB empty base image lpm ratio differences
		read -r _ _ build_s mib _ _ image lpm _ differences < <(tail -n 1 <<<"$line")
		[ -n "${differences-}" ] || { fail "classify_bench $shape $n"; continue; }
		record lookup "image|$shape|$n" differences "$differences" ""
		record lookup "image|$shape|$n" net "$image" ns
		record lookup "LPM trie|$shape|$n" net "$lpm" ns
		record lookup "image|$shape|$n" build "$build_s" s
		record lookup "image|$shape|$n" memory "$mib" MiB
	done
done
