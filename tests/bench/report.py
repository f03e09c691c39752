#!/usr/bin/env python3
"""report.py RESULTS OUTPUT: from the lines that the suites recorded to bench.json and a table.

Every figure is the median of its rounds, with minimum and maximum.  Ratios are taken within each
round, between neighbours in time, and then their median: what slows the machine for a while
slows both.
"""
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections import OrderedDict

# Why a figure falls short of what was wanted, as profiling found it.  Printed only then.
REASONS = {
    "ceiling": "the ceiling is what it takes to move a frame between two cores, with the headers "
    "nearly free: a tenth of it is less than the look-up of a random source, two cache misses",
    "traffic-xdp": "veth copies every skb into an XDP buffer for any program at all; compare with "
    "the empty program",
    "xdp-filter": "without a rule for sources it looks at the destination port and at nothing else",
}


def load(path):
    """(suite, who, what) -> {round: [values]}, and the units."""
    values, units = OrderedDict(), {}
    with open(path) as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
                row["value"] = float(row["value"])
            except (ValueError, TypeError):
                print(
                    "report.py: line %d is no result: %s" % (number, line.strip()), file=sys.stderr
                )
                continue
            key = (row["suite"], row["who"], row["what"])
            values.setdefault(key, OrderedDict()).setdefault(row["round"], []).append(row["value"])
            units[key] = row["unit"]
    return values, units


class Results:
    def __init__(self, path):
        self.values, self.units = load(path)
        self.checks = []

    def all(self, *key):
        return [value for values in self.values.get(key, {}).values() for value in values]

    def median(self, *key):
        values = self.all(*key)
        return statistics.median(values) if values else None

    def ratio(self, over, under):
        """Median of over / under, round by round."""
        a, b = self.values.get(over, {}), self.values.get(under, {})
        ratios = [
            statistics.median(a[number]) / statistics.median(b[number])
            for number in a
            if number in b and statistics.median(b[number])
        ]
        return statistics.median(ratios) if ratios else None

    def check(self, point, text, value, unit, want, reason=None):
        """want: ("<=" or ">=", limit) or None for what is only stated."""
        if value is None:
            return
        is_met = None
        if want:
            is_met = value <= want[1] if want[0] == "<=" else value >= want[1]
        self.checks.append(
            {
                "point": point,
                "text": text,
                "value": round(value, 4),
                "unit": unit,
                "want": "%s %g" % want if want else "",
                "met": is_met,
                "reason": REASONS.get(reason, "") if is_met is False else "",
            }
        )


# ---- the definition of done -----------------------------------------------------------------


def spaced(number):
    return "{:,}".format(number).replace(",", " ")


def check_ceiling(results):
    ceiling = ("drop", "read headers, count, drop|0", "ns")
    for size in (0, 10, 100, 1000, 10000, 100000, 1000000):
        ratio = results.ratio(ceiling, ("drop", "tidegate|%d" % size, "ns"))
        want = (">=", 90) if size <= 10000 else (">=", 65) if size == 1000000 else None
        if ratio:
            results.check(
                1,
                "rate of the ceiling, %s prefixes" % spaced(size),
                ratio * 100,
                "%",
                want,
                "ceiling",
            )


def check_lookup(results):
    limits = {
        ("mixed4", 10000): 30,
        ("mixed4", 1000000): 150,
        ("mixed6", 10000): 60,
        ("mixed6", 1000000): 350,
    }
    for shape, family in (("mixed4", "IPv4"), ("mixed6", "IPv6")):
        for size in (10, 100, 1000, 10000, 100000, 1000000):
            image = results.median("lookup", "image|%s|%d" % (shape, size), "net")
            trie = results.median("lookup", "LPM trie|%s|%d" % (shape, size), "net")
            if image is None or trie is None:
                continue
            limit = limits.get((shape, size))
            text = "%s, %s prefixes" % (family, spaced(size))
            results.check(2, "look-up, " + text, image, "ns", ("<=", limit) if limit else None)
            want = (">=", 4) if size >= 10000 else (">=", 1) if size == 10 else None
            results.check(2, "LPM trie over it, " + text, trie / max(image, 1), "x", want)


def check_pass(results):
    for (suite, who, what), _ in list(results.values.items()):
        if suite != "pass" or what.endswith("verdict"):
            continue
        is_limited = what == "unguarded port, over an empty program"
        text = "%s, %s prefixes" % (what, spaced(int(who[4:])))
        value = min(results.all(suite, who, what))
        results.check(3, text, value, "ns", ("<=", 15) if is_limited else None)


def check_traffic(results):
    for what in (
        "iperf3, throughput",
        "nginx, requests",
        "redis, requests",
        "nginx, p99",
        "redis, p99",
    ):
        for who, base in (
            ("tidegate-tc", "none"),
            ("tidegate-xdp", "empty-xdp"),
            ("tidegate-xdp", "none"),
        ):
            ratio = results.ratio(("traffic", who, what), ("traffic", base, what))
            if ratio is None:
                continue
            loss = (ratio - 1) * 100 if "p99" in what else (1 - ratio) * 100
            text = "%s: %s worse than %s" % (what, who, base)
            reason = "traffic-xdp" if base == "none" and who == "tidegate-xdp" else None
            results.check(3, text, loss, "%", ("<=", 2), reason)


def check_peers(results):
    tidegate = ("drop", "tidegate|10000", "ns")
    wanted = (
        ("DOCKER-USER|1", 8, "DOCKER-USER, 1 rule"),
        ("DOCKER-USER|1000", 50, "DOCKER-USER, 1 000 rules"),
        ("DOCKER-USER, iptables-legacy|1", None, "DOCKER-USER with iptables-legacy, 1 rule"),
        (
            "DOCKER-USER, iptables-legacy|1000",
            None,
            "DOCKER-USER with iptables-legacy, 1 000 rules",
        ),
        ("nft netdev ingress, set|10000", 3, "nftables netdev ingress, set of 10 000"),
        ("raw PREROUTING, ipset|10000", 3, "raw PREROUTING, ipset of 10 000"),
        ("xdp-filter, addresses|10000", 1, "xdp-filter, 10 000 addresses"),
        ("xdp-filter, addresses|1000", 1, "xdp-filter, 1 000 addresses"),
    )
    for who, limit, text in wanted:
        ratio = results.ratio(("drop", who, "ns"), tidegate)
        results.check(
            4,
            "tidegate with 10 000 prefixes over " + text,
            ratio,
            "x",
            (">=", limit) if limit else None,
        )
    ratio = results.ratio(("drop", "xdp-filter, port only|0", "ns"), ("drop", "tidegate|0", "ns"))
    results.check(
        4, "tidegate with no prefix over xdp-filter, port only", ratio, "x", (">=", 1), "xdp-filter"
    )
    for (suite, who, what), _ in list(results.values.items()):
        if what == "dropped":
            worst = max(results.all(suite, who, what), key=lambda value: abs(value - 1))
            if abs(worst - 1) > 0.001:
                results.check(
                    4,
                    "INVALID: %s dropped of what it processed" % who,
                    worst * 100,
                    "%",
                    (">=", 100),
                )


def check_change(results):
    limits = OrderedDict(
        (
            ("1 000 000 prefixes: up", 1000),
            ("1 000 000 prefixes: reload", 1000),
            ("1 000 000 prefixes: kernel memory", 32),
            ("one rule on top of 100 000 prefixes", 100),
            ("one rule deleted from 100 000 prefixes", 100),
            ("a policy of 20 rules: reload", 30),
            ("a policy of 20 rules: up", None),
            ("a policy of 20 rules: kernel memory", None),
            ("one ban on top of 100 000 bans", 100),
            ("daemon: resident, 1000 containers x 5 ports", 16),
            ("daemon: CPU when idle", 1),
            ("daemon: CPU for one container start", 20),
            ("daemon: a container's ports closed after its create event", None),
        )
    )
    for what, limit in limits.items():
        key = ("change", "tidegate", what)
        results.check(
            5, what, results.median(*key), results.units.get(key), ("<=", limit) if limit else None
        )


def check_attack(results):
    rates = sorted(
        {int(who.split("|")[1]) for suite, who, _ in results.values if suite == "attack"}
    )
    contestants = OrderedDict(
        (who.split("|")[0], 1) for suite, who, _ in results.values if suite == "attack"
    )
    calm = results.median("attack", "no filter|0", "transactions")
    for rate in rates[1:]:
        for who in contestants:
            value = results.median("attack", "%s|%d" % (who, rate), "transactions")
            if value is not None and calm:
                text = "transactions left at %s SYN/s, %s" % (spaced(rate), who)
                results.check(6, text, value / calm * 100, "%", None)


# ---- output -------------------------------------------------------------------------------------


def machine():
    model = "unknown CPU"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    try:
        with open("/sys/devices/system/cpu/vulnerabilities/spec_rstack_overflow") as file:
            returns = file.read().strip()
    except OSError:
        returns = ""
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "virtual": "hypervisor" in open("/proc/cpuinfo").read(),
        "kernel": platform.release(),
        "return_mitigation": returns,
        "date": time.strftime("%Y-%m-%d"),
    }


def commit():
    here = os.path.dirname(os.path.realpath(__file__))
    try:
        command = ["git", "-C", here, "rev-parse", "--short", "HEAD"]
        return subprocess.check_output(command, stderr=subprocess.DEVNULL).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def figures(results):
    for (suite, who, what), rounds in results.values.items():
        values = [value for values in rounds.values() for value in values]
        yield {
            "suite": suite,
            "who": who,
            "what": what,
            "unit": results.units[suite, who, what],
            "min": min(values),
            "median": statistics.median(values),
            "max": max(values),
            "rounds": len(values),
        }


def print_drops(rows):
    rows = [row for row in rows if row["suite"] == "drop" and row["what"] == "ns"]
    if not rows:
        return
    print(
        "\n%-34s %9s %8s %8s %8s %9s"
        % ("dropped by", "rules", "ns min", "median", "max", "Mpps/core")
    )
    for row in rows:
        who, size = row["who"].split("|")
        print(
            "%-34s %9s %8.0f %8.0f %8.0f %9.3f"
            % (
                who,
                spaced(int(size)),
                row["min"],
                row["median"],
                row["max"],
                1000 / row["median"] if row["median"] else 0,
            )
        )


def print_others(rows):
    rows = [row for row in rows if row["suite"] in ("traffic", "change")]
    if rows:
        print("\n%-62s %10s %10s %10s" % ("", "min", "median", "max"))
    for row in rows:
        text = "%s: %s, %s" % (row["who"], row["what"], row["unit"])
        print("%-62s %10.4g %10.4g %10.4g" % (text, row["min"], row["median"], row["max"]))


def print_checks(checks):
    marks = {True: "met", False: "SHORT", None: ""}
    print("\n%-2s %-74s %9s %-4s %8s %s" % ("", "", "measured", "", "wanted", ""))
    for check in checks:
        print(
            "%-2d %-74s %9.4g %-4s %8s %s"
            % (
                check["point"],
                check["text"],
                check["value"],
                check["unit"],
                check["want"],
                marks[check["met"]],
            )
        )
        if check["reason"]:
            print("   because " + check["reason"])
    met = sum(check["met"] is True for check in checks)
    short = sum(check["met"] is False for check in checks)
    print(
        "\n%d figures as wanted, %d short of it, %d only stated"
        % (met, short, len(checks) - met - short)
    )


def main():
    results = Results(sys.argv[1])
    for check in (
        check_ceiling,
        check_lookup,
        check_pass,
        check_traffic,
        check_peers,
        check_change,
        check_attack,
    ):
        check(results)
    rows = list(figures(results))
    report = {"machine": machine(), "commit": commit(), "checks": results.checks, "figures": rows}
    with open(sys.argv[2], "w") as file:
        json.dump(report, file, indent=1)
        file.write("\n")
    about = report["machine"]
    print(
        "%s, %d cores%s, Linux %s, %s"
        % (
            about["cpu"],
            about["cores"],
            " (virtual)" if about["virtual"] else "",
            about["kernel"],
            about["date"],
        )
    )
    print_drops(rows)
    print_others(rows)
    print_checks(results.checks)


main()
