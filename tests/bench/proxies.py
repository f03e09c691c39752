#!/usr/bin/env python3
"""proxies.py COUNT: so many of Docker's own docker-proxy processes, until standard input ends.

One of them relays one published port of one family, as the Engine starts them.  As a module: for
daemon.py, which plays the Engine.
"""
import os
import shutil
import sys

PROGRAM = shutil.which("docker-proxy") or "/usr/libexec/docker/docker-proxy"
FIRST_PORT = 20000
# The descriptor by which the proxy tells its Engine that the port is bound.
SIGNAL_FD = 3


class Proxies:
    def __init__(self):
        self.pids = []

    def start(self, port, container_port, address):
        """Both families, and waits for neither: see wait()."""
        waiting = []
        for host in ("0.0.0.0", "::"):
            command = [PROGRAM, "-proto", "tcp", "-host-ip", host, "-host-port", str(port)]
            command += ["-container-ip", address, "-container-port", str(container_port)]
            read_fd, write_fd = os.pipe()
            actions = [(os.POSIX_SPAWN_DUP2, write_fd, SIGNAL_FD)]
            pid = os.posix_spawn(PROGRAM, command, os.environ, file_actions=actions)
            self.pids.append(pid)
            os.close(write_fd)
            waiting.append(read_fd)
        return waiting

    @staticmethod
    def wait(waiting):
        for read_fd in waiting:
            with os.fdopen(read_fd, "rb") as file:
                answer = file.read(2)
                if answer != b"0\n":
                    raise RuntimeError("docker-proxy: %s" % (answer + file.read()).decode())

    def end(self):
        for pid in self.pids:
            os.kill(pid, 9)
        for pid in self.pids:
            os.waitpid(pid, 0)
        self.pids = []


def main():
    proxies = Proxies()
    try:
        for number in range(int(sys.argv[1]) // 2):
            proxies.wait(proxies.start(FIRST_PORT + number, 80, "172.17.0.2"))
        print("ready", flush=True)
        sys.stdin.read()
    finally:
        proxies.end()


if __name__ == "__main__":
    main()
