# engine.sh: real Docker Engines, each in the network namespace of a contestant, and containers
# from Debian's packages.

declare -A engine_pid

# engine_start NAME: with the iptables of PATH.
engine_start() {
	local dir=/run/docker-$1
	mkdir -p "$dir"
	nsenter --net="/run/netns/$1" dockerd --data-root "$dir/data" --exec-root "$dir/exec" \
		--pidfile "$dir/pid" --host "unix://$dir/sock" --cgroup-parent "/$TIDEGATE_SANDBOX" \
		--exec-opt native.cgroupdriver=cgroupfs >"$dir/log" 2>&1 6>&- 7>&- 8>&- 9>&- &
	engine_pid[$1]=$!
	for _ in {1..150}; do
		curl -s --unix-socket "$dir/sock" http://docker/_ping >/dev/null && return
		sleep 0.2
	done
	tail -n 5 "$dir/log" >&2
	fail "the Docker Engine does not start"
}

engine_stop() {
	engine "$1" ps -q | xargs -r docker --host "unix:///run/docker-$1/sock" rm -f >/dev/null
	kill "${engine_pid[$1]}" && wait "${engine_pid[$1]}"
}

# engine NAME COMMAND...: docker, to that Engine.
engine() { docker --host "unix:///run/docker-$1/sock" "${@:2}"; }

# image NAME IMAGE: one of those that tests/e2e/images/make makes.
image() {
	engine "$1" image inspect "$2" >/dev/null 2>&1 ||
		engine "$1" import "$build/tests/e2e/$2.tar" "$2" >/dev/null || fail "no image $2"
}

# publish NAME CONTAINER [DOCKER RUN OPTIONS...]: a container that answers on the closed port.
publish() {
	image "$1" probe &&
		engine "$1" run -d --name "$2" "${@:3}" probe /bin/probe serve "tcp:$port" >/dev/null ||
		fail "container $2 does not start"
}

# serve NAME CONTAINER [DOCKER RUN OPTIONS...] IMAGE COMMAND...: on the receiving CPU.
serve() {
	engine "$1" run -d --name "$2" --cpuset-cpus $receive_cpu "${@:3}" >/dev/null ||
		fail "container $2 does not start"
}

# in_container NAME CONTAINER COMMAND...: in its network, with the programs of this machine.
in_container() {
	nsenter --net="/proc/$(engine "$1" inspect -f '{{.State.Pid}}' "$2")/ns/net" "${@:3}"
}
