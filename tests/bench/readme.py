#!/usr/bin/env python3
"""readme.py BENCH.JSON SVGS BENCHMARK.MD README: what `make bench` measured into the documents.

Each has a part between <!-- benchmark --> and <!-- /benchmark -->.  docs/benchmark.md gets every
figure; one that fell short stays in, with the reason.  The README gets the plots and the ten rows
of SUMMARY, taken from docs/benchmark.md.  The SVGs are copied to tests/bench/figures.

readme.py BENCHMARK.MD README: writes the README's part alone, from the figures that are there.
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
# What the README says of a row of docs/benchmark.md.
SUMMARY = (
    (
        "rate of the ceiling, 10 000 prefixes",
        "packets of a flood dropped, of what one core can read and drop at all, 10 000 prefixes",
    ),
    ("rate of the ceiling, 1 000 000 prefixes", "the same with 1 000 000 prefixes"),
    ("look-up, IPv4, 1 000 000 prefixes", "looking up a source among 1 000 000 prefixes"),
    (
        "unguarded port, over an empty program, 10 000 prefixes",
        "a packet to a port that is not guarded, more than an empty program",
    ),
    (
        "tidegate with 10 000 prefixes over DOCKER-USER, 1 rule",
        "CPU time for each dropped packet, 10 000 prefixes: DOCKER-USER with 1 rule needs",
    ),
    (
        "tidegate with 10 000 prefixes over nftables netdev ingress, set of 10 000",
        "nftables at netdev ingress with a set of 10 000 needs",
    ),
    (
        "tidegate with 10 000 prefixes over xdp-filter, 10 000 addresses",
        "xdp-filter with 10 000 addresses needs",
    ),
    (
        "transactions left at 800 000 SYN/s, tidegate",
        "transactions that an allowed client keeps under 800 000 SYN/s",
    ),
    ("transactions left at 800 000 SYN/s, no filter", "the same without a filter"),
    ("a policy of 20 rules: reload", "`tidegate reload` of 20 rules"),
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


def tables(report):
    lines = [about(report), ""]
    for point, title in enumerate(TITLES, 1):
        checks = [check for check in report["checks"] if check["point"] == point]
        if checks:
            lines += ["| %s | measured | target | |" % title, "|---|---|---|---|"]
            lines += [row(check) for check in checks] + [""]
    return "\n".join(lines)


def summary(benchmark):
    """Of the part of docs/benchmark.md."""
    lines = benchmark.strip().split("\n")
    cells = [[cell.strip() for cell in line.split("|")] for line in lines if line.startswith("| ")]
    measured = {row[1]: row[2] for row in cells}
    block = [lines[0], "", "| | measured |", "|---|---|"]
    block += ["| %s | %s |" % (text, measured[key]) for key, text in SUMMARY] + [""]
    for name, text in PLOTS:
        block += ["![%s](%s/%s.svg)" % (text, FIGURES, name), ""]
    return "\n".join(block)


def span(text):
    return text.index(BEGIN) + len(BEGIN), text.index(END)


def put(path, block):
    with open(path) as file:
        text = file.read()
    begin, end = span(text)
    with open(path, "w") as file:
        file.write(text[:begin] + "\n" + block + text[end:])


def put_summary(benchmark, readme):
    with open(benchmark) as file:
        text = file.read()
    begin, end = span(text)
    put(readme, summary(text[begin:end]))


def main():
    if len(sys.argv) == 3:
        put_summary(*sys.argv[1:])
        return
    path, svgs, benchmark, readme = sys.argv[1:5]
    with open(path) as file:
        report = json.load(file)
    if report["is_quick"] or report["failed"]:
        sys.exit("readme.py: only the figures of a whole `make bench` go into the documents")
    figures = os.path.join(os.path.dirname(os.path.abspath(readme)), FIGURES)
    os.makedirs(figures, exist_ok=True)
    for name, _ in PLOTS:
        shutil.copy(os.path.join(svgs, name + ".svg"), figures)
    put(benchmark, tables(report))
    put_summary(benchmark, readme)


main()
