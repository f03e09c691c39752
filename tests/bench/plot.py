#!/usr/bin/env python3
"""plot.py BENCH.JSON DIRECTORY: the figures of bench.json as SVG, for the README.

drop.svg    packets that one core drops in a second, over the number of rules or prefixes
lookup.svg  what one look-up of a source costs, over the number of prefixes
attack.svg  transactions of an allowed client, over the rate of a flood on a closed port

Points are medians; a thin line spans minimum and maximum.
"""
import json
import math
import os
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 820, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 210, 56, 76
INK, FAINT, GRID = "#24292f", "#57606a", "#d8dee4"
# Told apart without colour vision too (Okabe and Ito), and by the marks.
BLUE, RED, GREEN, PINK, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"
BROWN, GREY = "#8c6d31", "#7f7f7f"
COLOURS = [BLUE, RED, GREEN, PINK, ORANGE, SKY, INK, BROWN, GREY]
# The same contestant has the same colour in every figure.
COLOUR_OF = {
    "tidegate": BLUE,
    "tidegate, IPv4": BLUE,
    "tidegate, IPv6": GREEN,
    "tidegate, tcx": SKY,
    "nft netdev ingress, set": ORANGE,
    "raw PREROUTING, ipset": RED,
    "raw PREROUTING, rules": BROWN,
    "DOCKER-USER": PINK,
    "DOCKER-USER, iptables-legacy": GREY,
    "xdp-filter, addresses": INK,
    "no filter": GREY,
    "LPM trie, IPv4": RED,
    "LPM trie, IPv6": PINK,
}


class Axis:
    def __init__(self, low, high, start, end, is_log):
        self.low, self.high, self.start, self.end, self.is_log = low, high, start, end, is_log

    def at(self, value):
        if self.is_log:
            value = max(value, self.low)
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self):
        if self.is_log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(
                math.log10(self.high) + 1e-9
            )
            steps = (1, 2, 5) if last - first < 3 else (1,)
            ticks = [step * 10.0**power for power in range(first - 1, last + 1) for step in steps]
            return [tick for tick in ticks if self.low * 0.999 <= tick <= self.high * 1.001]
        step = 10 ** math.floor(math.log10(self.high - self.low))
        for finer in (1, 0.5, 0.2):
            if (self.high - self.low) / (step * finer) >= 4:
                step *= finer
                break
        count = int((self.high - self.low) / step + 1e-9)
        return [self.low + i * step for i in range(count + 1)]


def amount(value):
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return "%g%s" % (round(value / size, 2), letter)
    return "%g" % round(value, 2)


class Plot:
    def __init__(self, title, subtitle, x_label, y_label):
        self.parts = []
        self.series = []
        self.lines = []
        self.title, self.subtitle, self.x_label, self.y_label = title, subtitle, x_label, y_label

    def add(self, name, points, is_reference=False):
        """points: (x, median, min, max).  A reference is a level that does not depend on x."""
        if points:
            (self.lines if is_reference else self.series).append((name, sorted(points)))

    def text(self, x, y, text, size=12, anchor="start", colour=INK, extra=""):
        self.parts.append(
            '<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s" fill="%s"%s>%s</text>'
            % (x, y, size, anchor, colour, extra, escape(text))
        )

    def line(self, x1, y1, x2, y2, colour, width=1.0, extra=""):
        self.parts.append(
            '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%.1f"%s/>'
            % (x1, y1, x2, y2, colour, width, extra)
        )

    def mark(self, x, y, shape, colour):
        if shape % 3 == 0:
            self.parts.append('<circle cx="%.1f" cy="%.1f" r="3.6" fill="%s"/>' % (x, y, colour))
        elif shape % 3 == 1:
            self.parts.append(
                '<rect x="%.1f" y="%.1f" width="6.6" height="6.6" fill="%s"/>'
                % (x - 3.3, y - 3.3, colour)
            )
        else:
            points = "%.1f,%.1f %.1f,%.1f %.1f,%.1f" % (x, y - 4.4, x - 4, y + 3.2, x + 4, y + 3.2)
            self.parts.append('<polygon points="%s" fill="%s"/>' % (points, colour))

    def draw_frame(self, x_axis, y_axis):
        self.text(LEFT, 24, self.title, 16, extra=' font-weight="600"')
        self.text(LEFT, 42, self.subtitle, 11, colour=FAINT)
        for tick in y_axis.ticks():
            y = y_axis.at(tick)
            self.line(LEFT, y, WIDTH - RIGHT, y, GRID)
            self.text(LEFT - 8, y + 4, amount(tick), 11, "end", FAINT)
        for tick in x_axis.ticks():
            x = x_axis.at(tick)
            self.line(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 4, FAINT)
            self.text(x, HEIGHT - BOTTOM + 18, amount(tick), 11, "middle", FAINT)
        self.line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, FAINT)
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 38, self.x_label, 12, "middle")
        middle = (TOP + HEIGHT - BOTTOM) / 2
        self.text(
            18,
            middle,
            self.y_label,
            12,
            "middle",
            extra=' transform="rotate(-90 18 %.1f)"' % middle,
        )

    def draw_series(self, x_axis, y_axis):
        """Draws the curves and returns where each ends, for its name."""
        ends = []
        for number, (name, points) in enumerate(self.series):
            colour = COLOUR_OF.get(name, COLOURS[number % len(COLOURS)])
            places = [(x_axis.at(x), y_axis.at(y)) for x, y, _, _ in points]
            path = " ".join("%.1f,%.1f" % place for place in places)
            width = 2.6 if name.startswith("tidegate") else 1.6
            self.parts.append(
                '<polyline points="%s" fill="none" stroke="%s" stroke-width="%.1f"/>'
                % (path, colour, width)
            )
            for (x, y), (_, _, low, high) in zip(places, points):
                self.line(x, y_axis.at(low), x, y_axis.at(high), colour, 1)
                self.mark(x, y, number, colour)
            ends.append((places[-1][1], places[-1][0], name, colour, number))
        for name, points in self.lines:
            y = y_axis.at(points[0][1])
            self.line(LEFT, y, WIDTH - RIGHT, y, INK, 1.2, ' stroke-dasharray="5 4"')
            ends.append((y, WIDTH - RIGHT, name, INK, None))
        return sorted(ends)

    def draw_names(self, ends):
        """Beside the curves' ends, moved apart."""
        ys = []
        for y, *_ in ends:
            ys.append(max(y, ys[-1] + 15) if ys else max(y, TOP))
        overflow = ys[-1] - (HEIGHT - BOTTOM) if ys else 0
        for i in range(len(ys) - 1, -1, -1):
            limit = HEIGHT - BOTTOM if i == len(ys) - 1 else ys[i + 1] - 15
            if overflow > 0:
                ys[i] = min(ys[i], limit)
        x = WIDTH - RIGHT + 18
        for y, (end_y, end_x, name, colour, shape) in zip(ys, ends):
            self.line(end_x + 5, end_y, x - 10, y, colour, 0.5, ' stroke-opacity="0.5"')
            if shape is not None:
                self.mark(x - 4, y, shape, colour)
            weight = ' font-weight="600"' if name.startswith("tidegate") else ""
            self.text(x + 5, y + 4, name, 11, colour=colour, extra=weight)

    def write(self, path, footer, x_log=True, y_log=True, y_low=None):
        everything = self.series + self.lines
        if not everything:
            return
        xs = [point[0] for _, points in self.series for point in points]
        lows = [point[2] for _, points in everything for point in points if point[2] > 0]
        highs = [point[3] for _, points in everything for point in points]
        low, high = min(lows), max(highs)
        if y_log:
            low, high = (
                10 ** math.floor(math.log10(low) + 0.3) if low < 1 else low * 0.7,
                high * 1.3,
            )
        else:
            low, high = 0, high * 1.08
        if y_low is not None:
            low = y_low
        x_axis = Axis(min(xs), max(max(xs), min(xs) + 1), LEFT + 8, WIDTH - RIGHT - 8, x_log)
        y_axis = Axis(low, high, HEIGHT - BOTTOM, TOP, y_log)
        self.draw_frame(x_axis, y_axis)
        self.draw_names(self.draw_series(x_axis, y_axis))
        self.text(LEFT, HEIGHT - 12, footer, 10, colour=FAINT)
        with open(path, "w") as file:
            file.write(
                '<svg xmlns="http://www.w3.org/2000/svg" '
                'viewBox="0 0 %d %d" width="%d" height="%d" '
                'font-family="-apple-system, Segoe UI, Helvetica, Arial, sans-serif" role="img">\n'
                "<title>%s</title>\n"
                '<rect width="%d" height="%d" fill="#ffffff"/>\n'
                % (WIDTH, HEIGHT, WIDTH, HEIGHT, escape(self.title), WIDTH, HEIGHT)
            )
            file.write("\n".join(self.parts))
            file.write("\n</svg>\n")


# ---- what is drawn ----------------------------------------------------------------------------


def rows_of(report, suite, what):
    return [row for row in report["figures"] if row["suite"] == suite and row["what"] == what]


def draw_drop(report, directory, footer):
    plot = Plot(
        "Packets dropped by one core",
        "TCP SYNs from random sources to a published port that they may not reach",
        "rules or prefixes",
        "million packets per second",
    )
    curves = {}
    for row in rows_of(report, "drop", "ns"):
        name, size = row["who"].split("|")
        if not row["min"]:
            continue
        point = (max(int(size), 1), 1e3 / row["median"], 1e3 / row["max"], 1e3 / row["min"])
        curves.setdefault(name, []).append(point)
    references = ("read headers, count, drop", "xdp-filter, port only")
    left_out = (
        "drop, unread",
        "tidegate, ban",
        "tidegate, beside prefixes",
        "tidegate, xdp-generic",
    )
    for name, points in curves.items():
        if name not in left_out:
            plot.add(name, points, name in references)
    plot.write(os.path.join(directory, "drop.svg"), footer)


def draw_lookup(report, directory, footer):
    plot = Plot(
        "Looking up one source address",
        "in the kernel, random addresses below the prefixes",
        "prefixes",
        "nanoseconds",
    )
    curves = {}
    families = {"mixed4": "IPv4", "mixed6": "IPv6"}
    for row in rows_of(report, "lookup", "net"):
        who, shape, size = row["who"].split("|")
        name = "%s, %s" % ("tidegate" if who == "image" else "LPM trie", families[shape])
        curves.setdefault(name, []).append(
            (int(size), max(row["median"], 1), max(row["min"], 1), max(row["max"], 1))
        )
    for name, points in curves.items():
        plot.add(name, points)
    plot.write(os.path.join(directory, "lookup.svg"), footer)


def draw_attack(report, directory, footer):
    plot = Plot(
        "An allowed client while another port is flooded",
        "requests to redis on 16 connections; filter, Docker, redis and client share the flooded core",
        "SYNs per second on a closed published port",
        "transactions per second",
    )
    curves = {}
    for row in rows_of(report, "attack", "transactions"):
        name, rate = row["who"].split("|")
        curves.setdefault(name, []).append((int(rate), row["median"], row["min"], row["max"]))
    for name, points in curves.items():
        plot.add(name, points)
    plot.write(os.path.join(directory, "attack.svg"), footer, x_log=False, y_log=False)


def main():
    with open(sys.argv[1]) as file:
        report = json.load(file)
    machine = report["machine"]
    footer = "%s, %d cores%s · Linux %s · %s" % (
        machine["cpu"],
        machine["cores"],
        " (virtual)" if machine["virtual"] else "",
        machine["kernel"],
        machine["date"],
    )
    for draw in (draw_drop, draw_lookup, draw_attack):
        draw(report, sys.argv[2], footer)


main()
