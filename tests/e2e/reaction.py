#!/usr/bin/env python3
"""reaction.py RUNS NETNS SADDR DADDR: how long after a change is it enforced?

A thread in the network namespace NETNS opens TCP connections from SADDR to DADDR, one every half
millisecond; one is `in` when somebody answers or refuses.  Each case makes its change, and the time
goes from then to the first attempt that is in, or past the last one.  Prints a table in
milliseconds.  Port 8080 is published by a container and closed, 7000 by none.
"""
import ctypes
import errno
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

INTERVAL = 0.0005
QUIET = 0.3  # so long nobody is in before it is believed to be shut
PATIENCE = 20
TIDEGATE = os.environ["TIDEGATE"]
CONFIG = "/etc/tidegate/tidegate.conf"
PINS = "/sys/fs/bpf/tidegate/links"


class Watch(threading.Thread):
    """Attempts at one port at a time; last_in and first_in are when they were sent."""

    def __init__(self, netns, saddr, daddr):
        super().__init__(daemon=True)
        self.netns, self.saddr, self.daddr = netns, saddr, daddr
        self.aim(8080)

    def aim(self, port):
        self.port, self.since, self.first_in, self.last_in = port, time.monotonic(), None, 0

    def run(self):
        with open(self.netns) as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0x40000000) != 0:
                os._exit(3)
        waiting = []
        while True:
            now = time.monotonic()
            attempt = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            attempt.bind((self.saddr, 0))
            attempt.connect_ex((self.daddr, self.port))
            waiting.append((attempt, self.port, now))
            time.sleep(INTERVAL)
            waiting = [one for one in waiting if not self.is_over(*one)]

    def is_over(self, attempt, port, sent):
        """Answered, refused, or without either for 50 ms."""
        refused = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
        try:
            attempt.getpeername()
            is_in = True
        except OSError:
            is_in = refused
        if is_in and port == self.port and sent >= self.since:
            self.first_in = self.first_in or sent
            self.last_in = max(self.last_in, sent)
        if is_in or time.monotonic() - sent > 0.05:
            attempt.close()
            return True
        return False

    def opened(self, began):
        """Milliseconds until the first attempt since that is in."""
        self.since, self.first_in = began, None
        deadline = time.monotonic() + PATIENCE
        while self.first_in is None:
            if time.monotonic() > deadline:
                raise SystemExit("reaction: it does not open")
            time.sleep(0.001)
        return (self.first_in - began) * 1000

    def shut(self, began):
        """Milliseconds until the last one."""
        deadline = began + PATIENCE
        while time.monotonic() - max(began, self.last_in) < QUIET:
            if time.monotonic() > deadline:
                raise SystemExit("reaction: it does not shut")
            time.sleep(0.005)
        return max(0, self.last_in - began) * 1000


class Docker(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/docker.sock")

    def call(self, method, path, body=None):
        self.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        answer = self.getresponse().read()
        return json.loads(answer) if answer else None


def tidegate(*words):
    subprocess.run([TIDEGATE, "--quiet", *words], check=True)


def write_config(lines):
    with open(CONFIG + ".new", "w") as file:
        file.write("interface eth0 eth1\n" + lines)
    os.rename(CONFIG + ".new", CONFIG)


# Each case yields times of two kinds.

def created(watch, docker):
    watch.aim(7000)
    watch.opened(time.monotonic())
    made = docker.call("POST", "/containers/create", {
        "Image": "probe", "Cmd": ["/bin/probe", "serve", "tcp:80"], "ExposedPorts": {"80/tcp": {}},
        "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "7000"}]}}})
    yield "docker create: answered, to armed", watch.shut(time.monotonic())
    began = time.monotonic()
    docker.call("DELETE", "/containers/" + made["Id"])
    yield "docker rm: asked, to left alone", watch.opened(began)


def typed(watch, docker):
    watch.aim(8080)
    began = time.monotonic()
    tidegate("allow", "8080/tcp", "from", watch.saddr)
    done = (time.monotonic() - began) * 1000
    yield "tidegate allow: typed, to let in", watch.opened(began)
    yield "tidegate allow: typed, to prompt", done
    began = time.monotonic()
    tidegate("delete", "allow", "8080/tcp", "from", watch.saddr)
    yield "tidegate delete: typed, to kept out", watch.shut(began)


def written(watch, docker):
    watch.aim(8080)
    began = time.monotonic()
    write_config("allow 8080/tcp\n")
    yield "file written: renamed, to let in", watch.opened(began)
    began = time.monotonic()
    write_config("")
    yield "file written: renamed, to kept out", watch.shut(began)


def reloaded(watch, docker):
    began = time.monotonic()
    tidegate("reload")
    yield "tidegate reload: typed, to prompt", (time.monotonic() - began) * 1000


def plugged(watch, docker):
    subprocess.run("ip link add eth1 type veth peer name eth1 netns outside", shell=True, check=True)
    began = time.monotonic()
    pin = "%s/%d-xdp" % (PINS, socket.if_nametoindex("eth1"))
    while not os.path.exists(pin) and time.monotonic() < began + PATIENCE:
        time.sleep(0.0005)
    yield "interface made, to guarded", (time.monotonic() - began) * 1000
    subprocess.run("ip link delete eth1", shell=True, check=True)


def main():
    runs = int(sys.argv[1])
    watch = Watch(*sys.argv[2:5])
    watch.start()
    docker = Docker("docker")
    found = {}
    for case in created, typed, written, reloaded, plugged:
        for _ in range(runs):
            for what, ms in case(watch, docker):
                found.setdefault(what, []).append(ms)
            time.sleep(0.05)
    print("load %.2f %.2f %.2f, %d processors, milliseconds" % (*os.getloadavg(), os.cpu_count()))
    print("%-38s %5s %8s %8s" % ("", "runs", "median", "maximum"))
    for what, list_ms in found.items():
        print("%-38s %5d %8.1f %8.1f" % (what, len(list_ms), statistics.median(list_ms), max(list_ms)))


main()
