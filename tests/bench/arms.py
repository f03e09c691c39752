#!/usr/bin/env python3
"""arms.py SLOTS [TRACE]: how much worse it is with the filter than without, in percent.

SLOTS is what `alternate` printed.  Each four slots, 0110, give a figure a line: what less was
carried.  With a TRACE of `rr`: how much longer the slowest hundredth of the answers that came in
them took at least.
"""
import array
import bisect
import sys

BLOCK = 4


def read_blocks(path):
    with open(path) as file:
        rows = [[float(word) for word in line.split()] for line in file]
    return [rows[i : i + BLOCK] for i in range(0, len(rows) - BLOCK + 1, BLOCK)]


def read_trace(path):
    """When the answers came, and how long they took: some millions."""
    came, took = array.array("d"), array.array("d")
    with open(path) as file:
        for line in file:
            at, us = line.split()
            came.append(float(at))
            took.append(float(us))
    return came, took


def mean(values):
    return sum(values) / len(values)


def percentile99(values):
    return sorted(values)[len(values) * 99 // 100]


def carried(block, arm):
    return mean([rate for with_filter, _, _, rate in block if with_filter == arm])


def waited(block, arm, came, took):
    values = []
    for with_filter, begin, end, _ in block:
        if with_filter == arm:
            values += took[bisect.bisect(came, begin) : bisect.bisect(came, end)]
    return percentile99(values)


def main():
    blocks = read_blocks(sys.argv[1])
    if len(sys.argv) == 2:
        for block in blocks:
            if carried(block, 0):
                print(100 * (1 - carried(block, 1) / carried(block, 0)))
        return
    came, took = read_trace(sys.argv[2])
    for block in blocks:
        if block[-1][2] <= came[-1]:
            print(100 * (waited(block, 1, came, took) / waited(block, 0, came, took) - 1))


main()
