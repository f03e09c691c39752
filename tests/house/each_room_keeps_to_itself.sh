#!/bin/bash
# Who may know what: bpf/ and user/ meet only in include/; the folders of user/ use each other in one
# direction and by their public headers; libraries stay in their folders; one file turns reasons into
# verdicts; the pure files make no system call.
. "$(dirname "$0")/lib.sh"

# Left is used by the right; those between commas do not know each other.
order='base addr config,docker,host bans policy image kernel engine audit,explain,metrics,journal,watch daemon cli'
declare -A rank
number=0
for level in $order; do
	number=$((number + 1))
	for folder in ${level//,/ }; do
		rank[$folder]=$number
	done
done

# "FOLDER/HEADER" of each that a folder gives to the others.
declare -A public
for folder in "${!rank[@]}"; do
	while read -r header; do
		public[$folder/$header]=1
	done < <(sed -n '/^Public:/,$p' "user/$folder/README" | grep -oE '[a-z_]+\.h')
done

# includes FILE...: "FILE HEADER" a line, the header as it is quoted there.
includes() { awk '/^#[[:space:]]*include/ { sub(/^#[[:space:]]*include[[:space:]]*/, ""); print FILENAME, $1 }' "$@"; }

# misplaced: of "FILE HEADER" on stdin those that the place of the file rules out.
misplaced() {
	local file header place other
	while read -r file header; do
		[[ $header == '"'* ]] || continue
		header=${header//\"/} place=${file%/*} other=${header%%/*}
		[ ! -e "include/$header" ] || continue
		case $place in
		user/*)
			[[ $header != *.skel.h ]] || continue
			[ "$other" != "${place#user/}" ] || continue
			[ "${rank[$other]:-99}" -lt "${rank[${place#user/}]:-0}" ] &&
				[ -n "${public[$header]-}" ] && continue
			;;
		*) [ ! -e "$place/$header" ] && [ "$header" != vmlinux.h ] || continue ;;
		esac
		echo "$file: $header"
	done
}

while read -r file header; do
	expect "$header is noticed in $file" grep -q . <(misplaced <<<"$file \"$header\"")
done <<-'EOT'
	bpf/decide.h policy/policy.h
	include/datapath.h policy/policy.h
	user/cli/main.c decide.h
	user/addr/prefix.c policy/policy.h
	user/kernel/kernel.c image/writer.h
EOT
expect_not "policy/policy.h is none in user/image/image.c" \
	grep -q . <(misplaced <<<'user/image/image.c "policy/policy.h"')
includes bpf/* include/* user/*/*.[ch] >"$work/includes"
expect "includes are found" grep -q '^user/image/.* "policy/policy.h"$' "$work/includes"
misplaced <"$work/includes" | none "who includes what goes in one direction, and is public"
for folder in user/*/; do
	[ -s "$folder/README" ] || echo "$folder has no README"
	[ "$(find "$folder" -name '*.[ch]' | wc -l)" -le 25 ] || echo "$folder has more than 25 files"
done | none "each folder says what it is, and has at most 25 files"

# ---- libraries --------------------------------------------------------------------------------

# strangers OWNER HEADER: of "FILE HEADER" on stdin those files of user/ that are not the owner's and
# include the header.
strangers() { awk -v owner="^user/$1" -v header="^$2" '/^user/ && $1 !~ owner && $2 ~ header'; }

while read -r owner header example; do
	expect "$example is noticed" grep -q . <(strangers "$owner" "$header" <<<"user/addr/prefix.c $example")
	strangers "$owner" "$header" <"$work/includes" | none "only $owner includes $example"
done <<-'EOT'
	kernel/ (<bpf/|".*\.skel\.h") <bpf/bpf.h>
	host/ <libmnl/ <libmnl/libmnl.h>
	host/tracking\.c <nftables/ <nftables/libnftables.h>
	base/hash\.h <xxhash <xxhash.h>
	docker/ <curl/ <curl/curl.h>
	(docker|audit|bans|cli)/ <jansson <jansson.h>
EOT
forbid "include/ takes nothing but integer types and the helpers of BPF" \
	'^#include <' '#include <stdio.h>' \
	<(grep -hvE '<(linux/types|bpf/bpf_helpers)\.h>' include/*)
forbid "there is no #ifdef in bpf/" '^#[[:space:]]*ifn?def [^T]' '#ifdef DEBUG' bpf/*
forbid "the parser calls nothing about maps" 'bpf_map_|"maps\.h"' \
	'bpf_map_lookup_elem(&policy, &key)' bpf/parse.h
mapfile -t rest < <(printf '%s\n' bpf/* include/* | grep -v '^bpf/filter\.bpf\.c$')
forbid "one file turns reasons into verdicts" 'XDP_(DROP|ABORTED|TX)|TC_ACT_SHOT' \
	'return XDP_DROP;' "${rest[@]}"

# ---- circles ---------------------------------------------------------------------------------

# headers FILE...: "header header" for each that includes another.
headers() {
	local file
	for file; do
		sed -nE "s;^#[[:space:]]*include \"([a-z]+/.*)\".*;$file user/\\1;p" "$file"
	done
}

# objects OBJECT...: "object object" for each that uses a symbol of another.
objects() {
	nm -gA "$@" | awk '
		{ file = $1; sub(/:.*/, "", file) }
		$(NF - 1) == "U" { used[file " " $NF]; next }
		{ owner[$NF] = file }
		END {
			for (key in used) {
				split(key, part, " ")
				if (part[2] in owner)
					print part[1], owner[part[2]]
			}
		}'
}

# Of "user used" pairs on stdin: what is in a circle.
circles() { tsort 2>&1 >/dev/null | sed 's/^tsort: //'; }

expect "a circle is noticed" grep -q b.h <(printf '%s\n' 'a.h b.h' 'b.h c.h' 'c.h a.h' | circles)
expect_not "two ways to one file are none" \
	grep -q . <(printf '%s\n' 'a.h b.h' 'a.h c.h' 'b.h d.h' 'c.h d.h' | circles)
headers user/*/*.h | circles | none "no header includes itself by way of others"

# ---- what the objects ask of the C library -------------------------------------------------

# calls PATTERN OBJECT...: "object: symbol" of undefined symbols that match as a whole, by
# whatever name the C library's headers give them.
calls() {
	local pattern=$1
	shift
	nm -uA "$@" | sed -E 's/: +[A-Za-z] /: /; s/@.*//; s/: __/: /; s/(64)?(_2)?(_chk)?$//' |
		grep -E -- ": ($pattern)\$"
}

syscalls='open|openat|read|write|pread|pwrite|close|stat|fstat|lstat|fopen|fdopen|fread|fgets'
syscalls+='|getline|opendir|readdir|socket|connect|bind|ioctl|bpf|syscall|fork|execve?|execvp?'
syscalls+='|system|popen|time|clock_gettime|clock_n?s|clock_ms|gettimeofday|localtime|gmtime|getenv|secure_getenv'
syscalls+='|unlink|rename|mkdir|mmap|poll|select|getaddrinfo|getrandom|rand|random|isatty'
syscalls+='|printf|puts|putchar|exit'
pure=()
for file in user/{addr,config,policy,image}/*.c user/docker/{inventory,json,list,network,ports}.c \
	user/host/kind.c user/image/snapshot.c user/daemon/decide.c user/base/{buffer,error,intern}.c; do
	[[ $file != */setfile_read.c && $file != */setfile_kept.c && $file != */hint.c ]] || continue
	pure+=("$build/${file%.c}.o")
done
if [ -e "$build/user/cli/main.o" ] && command -v nm >/dev/null; then
	all=()
	for file in user/*/*.c; do
		all+=("$build/${file%.c}.o")
	done
	expect "a file that uses another is noticed" \
		grep -q 'engine/reconcile\.o .*engine/trial\.o$' <(objects "${all[@]}")
	# The table of the verbs names help, which prints the table.
	objects "${all[@]}" | grep -v ' .*/cli/cmd_table\.o$' | circles |
		none "no two files use each other, by whatever way"
	expect "a file that does make system calls is noticed" \
		grep -q open <(calls "$syscalls" "$build/user/base/lock.o" "$build/user/base/file.o")
	calls "$syscalls" "${pure[@]}" | none "the pure files make no system call"
	rest=()
	for object in "$build"/user/*/*.o; do
		[[ $object == */cli/* ]] || rest+=("$object")
	done
	expect "a file that prints is noticed" \
		grep -q . <(calls 'stdout|printf|puts|putchar' "$build/user/cli/cmd_check.o")
	calls 'stdout|printf|puts|putchar' "${rest[@]}" | none "only cli/ prints"

	# unused OBJECT...: what they offer and none of them takes, nor a macro, nor a test.
	unused() {
		comm -23 <(nm -g --defined-only "$@" | awk 'NF == 3 { print $3 }' | sort -u) \
			<(nm -u "$@" | awk '{ print $2 }' | sort -u) |
			grep -vxF -f <(grep -rhoE '\w+' --include='*.[ch]' tests | sort -u) \
				-f <(grep -h '^#define' user/*/*.h | grep -oE '\w+' | sort -u)
	}
	objects=()
	for file in user/*/*.c; do
		objects+=("$build/${file%.c}.o")
	done
	expect "a function that nobody calls is noticed" \
		grep -qx kernel_finish_move <(unused "$build/user/kernel/move.o")
	unused "${objects[@]}" | grep -vx main | none "each function of a header is called"
else
	skip "no two files use each other, by whatever way" "nothing is built, or there is no nm"
	skip "the pure files make no system call" "nothing is built, or there is no nm"
	skip "only cli/ prints" "nothing is built, or there is no nm"
	skip "each function of a header is called" "nothing is built, or there is no nm"
fi
