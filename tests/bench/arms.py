#!/usr/bin/env python3
"""arms.py SLOTS [TRACE]: how much worse it is with the filter than without, in percent.

SLOTS is what `alternate` printed.  Each four slots, 0110, give a figure a line: what less was
carried.  With a TRACE of `rr`: each twelve give one, how much longer the slowest hundredth of the
answers that came in them took at least.
"""
import bisect
import sys

BLOCK = 4
LONG_BLOCK = 12


def read(path):
    with open(path) as file:
        return [[float(word) for word in line.split()] for line in file]


def split(rows, size):
    return [rows[i : i + size] for i in range(0, len(rows) - size + 1, size)]


def mean(values):
    return sum(values) / len(values)


def percentile99(values):
    return sorted(values)[len(values) * 99 // 100]


def carried(block, arm):
    return mean([rate for with_filter, _, _, rate in block if with_filter == arm])


def waited(block, arm, trace):
    values = []
    for with_filter, begin, end, _ in block:
        if with_filter == arm:
            first, last = bisect.bisect(trace, [begin]), bisect.bisect(trace, [end])
            values += [us for _, us in trace[first:last]]
    return percentile99(values)


def main():
    slots = read(sys.argv[1])
    if len(sys.argv) == 2:
        for block in split(slots, BLOCK):
            if carried(block, 0):
                print(100 * (1 - carried(block, 1) / carried(block, 0)))
        return
    trace = read(sys.argv[2])
    for block in split(slots, LONG_BLOCK):
        if block[-1][2] <= trace[-1][0]:
            print(100 * (waited(block, 1, trace) / waited(block, 0, trace) - 1))


main()
