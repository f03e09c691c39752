#!/bin/bash
# A feed with 1000 changes a second, while others ban by hand and the feed sends rubbish as well: in the
# end just those are banned that should be, each change enforced in time, who may enter always did, and
# the process that reads it stays as large as it was.
#
# TIDEGATE_SOAK=1: a million live bans, and TIDEGATE_SECONDS (3600) of it; otherwise 20 000 and 12 s.
. "$(dirname "$0")/lib.sh"

live=20000 seconds=12 within_ms=1500
[ -z "${TIDEGATE_SOAK-}" ] || live=1000000 seconds=${TIDEGATE_SECONDS:-3600}

network_up
engine_start
publish cache -p 6379:6379
configure <<<"allow 6379/tcp"
expect "tidegate up succeeds" tidegate up
mkfifo /run/feed
"$tidegate" bans follow crowd </run/feed 2>/run/feed.log &
feeder=$!

# Writes the feed: `live` bans, then 500 that come and 500 that go each second, of those that were there
# longest.  /run/model is what is left in the end.  Now and then a line that is none.
cat >/run/feeder.py <<'EOF'
import collections, random, sys, time
live, seconds = int(sys.argv[1]), int(sys.argv[2])
random.seed(7)
out = open("/run/feed", "w", buffering=1 << 16)
model = collections.OrderedDict()

def text(number):
    return "%d.%d.%d.%d" % (number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255)

def add():
    while True:
        number = random.randrange(20 << 24, 180 << 24)
        if number >> 24 != 127 and number not in model:
            break
    model[number] = None
    out.write('{"action":"add","value":"%s","duration":"%dh","scope":"Ip","type":"ban"}\n'
              % (text(number), random.choice((4, 24, 168))))

def remove():
    number = model.popitem(last=False)[0]
    out.write('{"action":"del","value":"%s","duration":"-1s"}\n' % text(number))

for _ in range(live):
    add()
out.flush()
open("/run/loaded", "w").close()
start = time.monotonic()
for second in range(seconds):
    for tenth in range(10):
        for _ in range(50):
            add()
            remove()
        out.write("rubbish %d\n" % second)
        out.flush()
        time.sleep(max(0, start + second + (tenth + 1) / 10 - time.monotonic()))
with open("/run/model", "w") as model_file:
    model_file.writelines(text(number) + "\n" for number in model)
out.close()
EOF
/usr/bin/python3 /run/feeder.py $live $seconds &
driver=$!
exec 7>/run/feed # the feed goes on when the driver is done
has() { [ "$("$tidegate" bans --comment crowd | wc -l)" -ge "$1" ]; }
expect "all $live are banned" eventually 200 has "$live"

# ---- meanwhile -----------------------------------------------------------------------------

# least COMMAND: of a second, because a batch that is under way has its own.
least() { for _ in {1..40}; do "$1"; sleep 0.02; done | sort -n | head -n 1; }
memory() { sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' /proc/$feeder/status; }
descriptors() { find /proc/$feeder/fd -mindepth 1 | wc -l; }
is_closed() { [[ $(outside "$probe" ask tcp -s $stranger4 -w 200 $host4 6379) == closed* ]]; }
sleep 2
before_kb=$(least memory) before_fds=$(least descriptors) worst=0 rounds=0 wrong=0
while kill -0 $driver 2>/dev/null; do
	echo "{\"action\":\"add\",\"value\":\"$stranger4\",\"duration\":\"1h\"}" >&7
	start=$(date +%s%N)
	until is_closed; do
		[ $((($(date +%s%N) - start) / 1000000)) -lt 10000 ] || break
	done
	took=$((($(date +%s%N) - start) / 1000000 - 200)) # how long to wait for an answer that does not come
	[ $took -le $worst ] || worst=$took
	[[ $(outside "$probe" ask tcp -s $office4 -w 1000 $host4 6379) == open* ]] || wrong=$((wrong + 1))
	echo "{\"action\":\"del\",\"value\":\"$stranger4\"}" >&7
	"$tidegate" ban 198.51.100.$((rounds % 250 + 1)) comment hand 2>/dev/null
	rounds=$((rounds + 1))
	after_kb=$(least memory) after_fds=$(least descriptors)
done
exec 7>&-
wait $driver
expect "the feed ends when nobody writes to it any more" eventually 60 sh -c "! kill -0 $feeder 2>/dev/null"
note "$rounds rounds, at most $worst ms until a ban was enforced"
expect "who may enter always did" test "$wrong" = 0
expect "a change was enforced within $within_ms ms: $worst" test "$worst" -le $within_ms
expect "it has as much memory as before: $before_kb, then $after_kb KiB" \
	test "$after_kb" -le $((before_kb + before_kb / 4 + 4096))
expect_equal "and as many files open" "$after_fds" "$before_fds"
expect "rubbish was told, and not each line of it" \
	sh -c 'told=$(grep -c "left out" /run/feed.log) && [ $told -ge 1 ] && [ $told -le '"$((seconds * 8 + 20))"' ]'
"$tidegate" --json bans --comment crowd | jq -r '.[].source' | grep -vx $stranger4 | sort >/run/banned
expect_equal "just those are banned that should be, of $live" \
	"$(sort /run/model | comm -3 - /run/banned | wc -l)" 0
expect "and by hand" test "$("$tidegate" bans --comment hand | wc -l)" -ge $((rounds < 250 ? rounds - 1 : 249))
because="in the end"
expect_open stranger $host4 6379/tcp
