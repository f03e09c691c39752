#!/usr/bin/env python3
"""sets.py COUNT [--ipv6 | --beside]: that many different source prefixes, one a line.

Three in five are /24 (/48), the rest of any length from /17 to /32 (/33 to /64), at random
between 11.0.0.0 and 99.255.255.255 (in 2000::/4), as in tables of the Internet and lists of
abusers.  None has the third octet (the bit behind /32) above its half: so sources from there are
beside every prefix but below the same /16 (/32).  The same count gives the same prefixes.

With --beside: addresses that are in none of these prefixes, but in the same /20 as one.
"""
import ipaddress
import random
import sys


def make4():
    length = 24 if random.random() < 0.6 else random.randrange(17, 33)
    address = random.randrange(11, 100) << 24 | random.getrandbits(24)
    return address & ~0x8000 & (0xFFFFFFFF << (32 - length)), length


def make6():
    length = 48 if random.random() < 0.6 else random.randrange(33, 65)
    address = 0x2 << 124 | random.getrandbits(60) << 64
    return address & ~(1 << 95) & (((1 << length) - 1) << (128 - length)), length


def text4(address):
    return "%d.%d.%d.%d" % tuple(address >> shift & 255 for shift in (24, 16, 8, 0))


def text6(address):
    return str(ipaddress.IPv6Address(address))


def beside4(prefixes):
    """Each beside a prefix of its own, as far as there is room."""
    for address, _ in prefixes:
        near = address & ~0xFFF | random.getrandbits(12)
        if not any((near & (0xFFFFFFFF << (32 - n)), n) in prefixes for n in range(17, 33)):
            yield near, 32


def main():
    count = int(sys.argv[1])
    make, text = (make6, text6) if "--ipv6" in sys.argv else (make4, text4)
    random.seed(count)
    seen = {}
    while len(seen) < count:
        seen[make()] = None
    chosen = beside4(seen) if "--beside" in sys.argv else seen
    sys.stdout.writelines("%s/%d\n" % (text(address), length) for address, length in chosen)


main()
