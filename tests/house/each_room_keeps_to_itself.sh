#!/bin/bash
# Who may know what: bpf/ and user/ meet only in include/, libraries stay in their rooms, one
# file turns reasons into verdicts, and the pure files make no system call.
. "$(dirname "$0")/lib.sh"

# others PATTERN...: the files of user/ whose names match none.
others() {
	local file pattern
	for file in user/*.[ch]; do
		for pattern; do
			# shellcheck disable=SC2053
			[[ ${file#user/} != $pattern ]] || continue 2
		done
		echo "$file"
	done
}

# strangers DIRECTORY FILE...: "file: header" of quoted includes that are neither in the
# directory nor in include/, nor generated.
strangers() {
	local dir=$1 file header
	shift
	for file; do
		sed -nE 's/^#[[:space:]]*include "(.*)".*/\1/p' "$file" | while read -r header; do
			[ -e "$dir/$header" ] || [ -e "include/$header" ] ||
				[[ $dir/$header == bpf/vmlinux.h || $dir/$header == user/*.skel.h ]] ||
				echo "$file: $header"
		done
	done
}

printf '#include "%s"\n' policy.h decide.h >"$work/wrong.h"
expect "an include of user/ in bpf/ is noticed" grep -q policy.h <(strangers bpf "$work/wrong.h")
expect "an include of bpf/ in user/ is noticed" grep -q decide.h <(strangers user "$work/wrong.h")
strangers bpf bpf/* | none "bpf/ includes nothing of user/"
strangers user user/*.[ch] | none "user/ includes nothing of bpf/"
{
	(cd include && printf '"%s"\n' *.h)
	printf '%s\n' '"vmlinux.h"' '<linux/types.h>' '<bpf/bpf_helpers.h>'
} >"$work/allowed"
includes() { sed -nE 's/^#[[:space:]]*include ([<"][^>"]*[>"]).*/\1/p' "$@"; }
echo '#include "policy.h"' >"$work/wrong.h"
expect "an include of user/ in include/ is noticed" \
	grep -q . <(includes "$work/wrong.h" | grep -vxFf "$work/allowed")
includes include/*.h | sort -u | grep -vxFf "$work/allowed" |
	none "include/ includes itself, integer types and the helpers of BPF"
forbid "there is no #ifdef in bpf/" '^#[[:space:]]*ifn?def [^T]' '#ifdef DEBUG' bpf/*
# shellcheck disable=SC2046
forbid "only kernel*.c knows libbpf" '^#include (<bpf/|".*\.skel\.h")' '#include <bpf/bpf.h>' \
	$(others 'kernel*.c' kernel_private.h)
# shellcheck disable=SC2046
forbid "only netdev* and tracking* know libmnl" '^#include <libmnl' '#include <libmnl/libmnl.h>' \
	$(others 'netdev*' 'tracking*')
# shellcheck disable=SC2046
forbid "only tracking* knows libnftnl" '^#include <libnftnl' '#include <libnftnl/rule.h>' \
	$(others 'tracking*')
# shellcheck disable=SC2046
forbid "only docker* knows libcurl" '^#include <curl' '#include <curl/curl.h>' $(others 'docker*')
# shellcheck disable=SC2046
forbid "only docker* and what prints JSON know jansson" '^#include <jansson' \
	'#include <jansson.h>' $(others 'docker*' cmd_json.c cmd_json.h cmd_list.c cmd_status.c)
forbid "the parser calls nothing about maps" 'bpf_map_|"maps\.h"' \
	'bpf_map_lookup_elem(&policy, &key)' bpf/parse.h
# shellcheck disable=SC2046
forbid "one file turns reasons into verdicts" 'XDP_(DROP|ABORTED|TX)|TC_ACT_SHOT' \
	'return XDP_DROP;' $(printf '%s\n' bpf/* include/* | grep -v '^bpf/filter\.bpf\.c$')

# ---- what the objects ask of the C library -------------------------------------------------

# calls PATTERN OBJECT...: "object: symbol" of undefined symbols that match as a whole, by
# whatever name the C library's headers give them.
calls() {
	local pattern=$1 object
	shift
	for object; do
		nm -u "$object" | awk '{ print $2 }' | sed -E 's/@.*//; s/^__//; s/(64)?(_2)?(_chk)?$//' |
			grep -xE -- "$pattern" | sed "s#^#$object: #"
	done
}

syscalls='open|openat|read|write|pread|pwrite|close|stat|fstat|lstat|fopen|fdopen|fread|fgets'
syscalls+='|getline|opendir|readdir|socket|connect|bind|ioctl|bpf|syscall|fork|execve?|execvp?'
syscalls+='|system|popen|time|clock_gettime|gettimeofday|localtime|gmtime|getenv|secure_getenv'
syscalls+='|unlink|rename|mkdir|mmap|poll|select|getaddrinfo|getrandom|rand|random|isatty'
syscalls+='|printf|puts|putchar|exit'
pure=()
for file in user/config*.c user/policy*.c user/image*.c user/inventory.c user/prefix.c user/sets.c \
	user/sets_sort.c user/ranges.c user/intern.c user/notes.c user/reason.c user/netdev_kind.c \
	user/docker_json.c user/docker_ports.c user/docker_network.c user/docker_swarm.c; do
	pure+=("$build/${file%.c}.o")
done
if [ -e "$build/user/main.o" ] && command -v nm >/dev/null; then
	expect "a file that does make system calls is noticed" \
		grep -q open <(calls "$syscalls" "$build/user/lock.o" "$build/user/conffile.o")
	calls "$syscalls" "${pure[@]}" | none "the pure files make no system call"
	rest=()
	for object in "$build"/user/*.o; do
		[[ $object == */cmd_*.o || $object == */main.o ]] || rest+=("$object")
	done
	expect "a file that prints is noticed" \
		grep -q . <(calls 'stdout|printf|puts|putchar' "$build/user/cmd_check.o")
	calls 'stdout|printf|puts|putchar' "${rest[@]}" | none "only cmd_*.c and main.c print"
else
	skip "the pure files make no system call" "nothing is built, or there is no nm"
	skip "only cmd_*.c and main.c print" "nothing is built, or there is no nm"
fi
