#!/usr/bin/env python3
"""readme.py BENCH.JSON SVGS README: what `make bench` measured into the README.

Replaces what is between <!-- benchmark --> and <!-- /benchmark -->, and copies the SVGs to
tests/bench/figures.  A figure that fell short stays in, with the reason.
"""
import json
import os
import shutil
import sys

BEGIN, END = "<!-- benchmark -->", "<!-- /benchmark -->"
FIGURES = "tests/bench/figures"
TITLES = (
    "Close to the limit: dropping a flood of spoofed SYNs, native XDP on veth",
    "Looking up a source, in the kernel, net of the harness",
    "Not in the way: traffic that may enter",
    "Ahead of the peers: CPU time of the receiver for each dropped packet",
    "Cheap to change: from the command line to the kernel",
    "Under attack: transactions of an allowed client, of those without flood and filter",
    "Correct",
)
PLOTS = (
    ("drop", "Packets that one core drops in a second, over the number of rules"),
    ("lookup", "Cost of looking up a source, over the number of prefixes"),
    ("attack", "Transactions of an allowed client, over the rate of a flood"),
)


def amount(check):
    value, unit = check["value"], check["unit"]
    if value is None:
        return "–"
    text = "{:,.0f}".format(value).replace(",", " ") if value >= 1000 else "%.3g" % value
    return text + (" " if unit and unit not in "%x" else "") + {"x": "×"}.get(unit, unit)


def row(check):
    verdict = check["verdict"]
    if verdict == "stated":
        verdict = ""
    if verdict == "missed":
        verdict = "**missed**"
    if check["reason"]:
        verdict += ": " + check["reason"]
    want = check["want"].replace(">=", "≥").replace("<=", "≤")
    return "| %s | %s | %s | %s |" % (check["text"], amount(check), want, verdict)


def about(report):
    machine, counts = report["machine"], report["verdicts"]
    return "%s, %d cores%s, Linux %s, %s, commit %s. %d targets met, %d missed%s." % (
        machine["cpu"],
        machine["cores"],
        " (virtual)" if machine["virtual"] else "",
        machine["kernel"],
        machine["date"],
        report["commit"] or "unknown",
        counts["met"],
        counts["missed"],
        ", %d not measured" % counts["not measured"] if counts["not measured"] else "",
    )


def render(report, plots):
    lines = [about(report), ""]
    for name, text in plots:
        lines += ["![%s](%s/%s.svg)" % (text, FIGURES, name), ""]
    for point, title in enumerate(TITLES, 1):
        checks = [check for check in report["checks"] if check["point"] == point]
        if checks:
            lines += ["| %s | measured | target | |" % title, "|---|---|---|---|"]
            lines += [row(check) for check in checks] + [""]
    return "\n".join(lines)


def put(text, block):
    begin = text.index(BEGIN) + len(BEGIN)
    end = text.find(END)
    rest = text[end:] if end >= 0 else END + text[begin:]
    return text[:begin] + "\n" + block + rest


def main():
    path, svgs, readme = sys.argv[1:4]
    with open(path) as file:
        report = json.load(file)
    if report["is_quick"] or report["failed"]:
        sys.exit("readme.py: only the figures of a whole `make bench` go into the README")
    figures = os.path.join(os.path.dirname(os.path.abspath(readme)), FIGURES)
    plots = [plot for plot in PLOTS if os.path.exists(os.path.join(svgs, plot[0] + ".svg"))]
    os.makedirs(figures, exist_ok=True)
    for name, _ in plots:
        shutil.copy(os.path.join(svgs, name + ".svg"), figures)
    with open(readme) as file:
        text = file.read()
    with open(readme, "w") as file:
        file.write(put(text, render(report, plots)))


main()
