#!/usr/bin/env python3
"""daemon.py OPTIONS -- COMMAND...: the daemon with many containers.

Plays a Docker Engine on a unix socket, with the answers of a real one, and with real docker-proxy
processes for the ports of some of the containers and of each that starts.  Starts COMMAND and
measures it: resident memory, CPU when nothing happens, and for each container that starts the
time until the kernel has the new policy and the CPU that took.  Prints "VALUE UNIT WHAT" lines.
"""
import argparse
import ctypes
import http.server
import json
import os
import queue
import socketserver
import subprocess
import sys
import threading
import time

from proxies import Proxies

PORTS = 5
BPF_MAP_LOOKUP_ELEM, BPF_OBJ_GET = 1, 7
STATE_BYTES, GENERATION = 4096, 8  # more than struct state of map_values.h


# ---- the Engine -------------------------------------------------------------------------


class Container:
    def __init__(self, number):
        self.id = "%064x" % (number + 1)
        self.name = "/bench%d" % number
        self.ports = [10000 + PORTS * number + i for i in range(PORTS)]
        self.address = "172.17.%d.%d" % ((number + 2) // 256, (number + 2) % 256)
        self.is_running = True

    def endpoint(self):
        return {
            "NetworkID": "2" * 64,
            "EndpointID": self.id if self.is_running else "",
            "Gateway": "172.17.0.1",
            "IPAddress": self.address if self.is_running else "",
            "IPPrefixLen": 16,
            "GlobalIPv6Address": "",
            "GlobalIPv6PrefixLen": 0,
        }

    def listed(self):
        ports = [
            {"IP": ip, "PrivatePort": 80 + i, "PublicPort": port, "Type": "tcp"}
            for i, port in enumerate(self.ports)
            for ip in ("0.0.0.0", "::")
        ]
        return {
            "Id": self.id,
            "Names": [self.name],
            "Image": "bench",
            "ImageID": "sha256:" + "b" * 64,
            "Command": "run",
            "Created": 1763625600,
            "Ports": ports if self.is_running else [],
            "Labels": {},
            "State": "running" if self.is_running else "created",
            "Status": "Up 2 hours" if self.is_running else "Created",
            "HostConfig": {"NetworkMode": "bridge"},
            "NetworkSettings": {"Networks": {"bridge": self.endpoint()}},
            "Mounts": [],
        }

    def bind(self, proxies):
        """Its docker-proxies are there and have the ports, which comes before it runs."""
        waiting = []
        for i, port in enumerate(self.ports):
            waiting += proxies.start(port, 80 + i, self.address)
        proxies.wait(waiting)

    def inspected(self):
        bindings = {
            "%d/tcp" % (80 + i): [{"HostIp": "", "HostPort": str(port)}]
            for i, port in enumerate(self.ports)
        }
        return {
            "Id": self.id,
            "Name": self.name,
            "State": {
                "Status": "running" if self.is_running else "created",
                "Running": self.is_running,
            },
            "HostConfig": {
                "NetworkMode": "bridge",
                "PortBindings": bindings,
                "PublishAllPorts": False,
            },
            "Config": {"ExposedPorts": {key: {} for key in bindings}, "Labels": {}},
            "NetworkSettings": {
                "Ports": bindings if self.is_running else {},
                "Networks": {"bridge": self.endpoint()},
            },
        }


NETWORKS = [
    {
        "Name": "bridge",
        "Id": "2" * 64,
        "Scope": "local",
        "Driver": "bridge",
        "EnableIPv4": True,
        "EnableIPv6": False,
        "IPAM": {
            "Driver": "default",
            "Options": None,
            "Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}],
        },
        "Internal": False,
        "Options": {},
        "Labels": {},
    }
]


class Engine:
    """What it has, and who listens."""

    def __init__(self, count):
        self.lock = threading.Lock()
        self.containers = {}
        self.texts = {}
        self.listeners = []
        for number in range(count):
            self.put(Container(number))

    def put(self, container):
        with self.lock:
            self.containers[container.id] = container
            self.texts[container.id] = json.dumps(container.listed())

    def list(self):
        with self.lock:
            return "[" + ",".join(self.texts.values()) + "]"

    def say(self, kind, action, actor, attributes):
        event = {"Type": kind, "Action": action, "Actor": {"ID": actor, "Attributes": attributes}}
        event["time"] = int(time.time())
        for listener in self.listeners:
            listener.put(json.dumps(event) + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def address_string(self):
        return "unix"

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Api-Version", "1.51")
        self.send_header("Swarm", "inactive")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, engine):
        events = queue.Queue()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        engine.listeners.append(events)
        while True:
            line = events.get().encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        engine = self.server.engine
        path = self.path.split("?")[0]
        if path.startswith("/v1."):
            path = path[path.index("/", 1) :]
        parts = path.strip("/").split("/")
        if path == "/_ping":
            self.answer("OK")
        elif path == "/containers/json":
            self.answer(engine.list())
        elif path == "/networks":
            self.answer(json.dumps(NETWORKS))
        elif path == "/info":
            self.answer(
                json.dumps({"Swarm": {"LocalNodeState": "inactive", "ControlAvailable": False}})
            )
        elif path == "/events":
            self.stream(engine)
        elif parts[0] == "containers" and parts[1] in engine.containers:
            self.answer(json.dumps(engine.containers[parts[1]].inspected()))
        else:
            self.send_error(404)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


# ---- the kernel --------------------------------------------------------------------------


class State:
    """The pinned map `state`: its generation grows with each image that is swapped in."""

    def __init__(self, pin):
        self.libc = ctypes.CDLL(None, use_errno=True)
        path = ctypes.create_string_buffer((pin + "/maps/state").encode())
        attributes = (ctypes.c_uint64 * 16)(ctypes.addressof(path))
        self.map = self.libc.syscall(321, BPF_OBJ_GET, attributes, 128)
        if self.map < 0:
            raise OSError(ctypes.get_errno(), "cannot open the map 'state'")
        self.key = ctypes.c_uint32(0)
        self.value = ctypes.create_string_buffer(STATE_BYTES)
        self.attributes = (ctypes.c_uint64 * 16)(
            self.map, ctypes.addressof(self.key), ctypes.addressof(self.value)
        )

    def generation(self):
        if self.libc.syscall(321, BPF_MAP_LOOKUP_ELEM, self.attributes, 128) < 0:
            raise OSError(ctypes.get_errno(), "cannot read the map 'state'")
        return int.from_bytes(self.value.raw[GENERATION : GENERATION + 8], sys.byteorder)

    def wait_for_another(self, generation, seconds):
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            if self.generation() != generation:
                return time.perf_counter() - start
            time.sleep(0.0002)
        return None


# ---- measuring ----------------------------------------------------------------------------


def cpu_seconds(pid):
    with open("/proc/%d/schedstat" % pid) as file:
        return int(file.read().split()[0]) / 1e9


def resident_mib(pid):
    with open("/proc/%d/status" % pid) as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0


def say(value, unit, what):
    print("%.3f %s %s" % (value, unit, what), flush=True)


def start_one(engine, proxies, state, daemon, number):
    """docker run: create, bind, network connect, start, as a real Engine does it."""
    container = Container(number)
    container.is_running = False
    before, cpu = state.generation(), cpu_seconds(daemon.pid)
    attributes = {"image": "bench", "name": container.name[1:]}
    engine.put(container)
    engine.say("container", "create", container.id, attributes)
    armed = state.wait_for_another(before, 5)
    time.sleep(0.3)
    container.bind(proxies)
    container.is_running = True
    engine.put(container)
    engine.say(
        "network",
        "connect",
        "2" * 64,
        {"container": container.id, "name": "bridge", "type": "bridge"},
    )
    time.sleep(0.05)
    engine.say("container", "start", container.id, attributes)
    time.sleep(0.5)
    if armed is None:
        raise RuntimeError("the daemon did not follow a container")
    say(armed * 1000, "ms", "daemon: a container's ports closed after its create event")
    say((cpu_seconds(daemon.pid) - cpu) * 1000, "ms", "daemon: CPU for one container start")


def measure(options, engine, proxies, daemon):
    deadline = time.time() + 60
    state = None
    while time.time() < deadline and (not state or not engine.listeners or not state.generation()):
        time.sleep(0.1)
        if not state and os.path.exists(options.pin + "/maps/state"):
            state = State(options.pin)
        if daemon.poll() is not None:
            raise RuntimeError("the daemon ended")
    # Now that the daemon's programs see what Docker binds.
    for number in range(options.proxies // (2 * PORTS)):
        Container(number).bind(proxies)
    time.sleep(2)
    say(
        resident_mib(daemon.pid),
        "MiB",
        "daemon: resident, %d containers x %d ports" % (options.containers, PORTS),
    )
    cpu = cpu_seconds(daemon.pid)
    time.sleep(options.idle)
    say((cpu_seconds(daemon.pid) - cpu) / options.idle * 100, "%", "daemon: CPU when idle")
    for number in range(options.starts):
        start_one(engine, proxies, state, daemon, options.containers + number)
    time.sleep(2)
    say(resident_mib(daemon.pid), "MiB", "daemon: resident, after %d starts" % options.starts)


def main():
    parser = argparse.ArgumentParser()
    for name in ("containers", "proxies", "starts", "idle"):
        parser.add_argument("--" + name, type=int, required=True)
    for name in ("socket", "pin"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    engine = Engine(options.containers)
    proxies = Proxies()
    server = Server(options.socket, Handler)
    server.engine = engine
    threading.Thread(target=server.serve_forever, daemon=True).start()
    daemon = subprocess.Popen(options.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        measure(options, engine, proxies, daemon)
    except (OSError, RuntimeError) as error:
        daemon.kill()
        print(error, daemon.stderr.read().decode()[-400:])
        sys.exit(1)
    finally:
        proxies.end()
    daemon.terminate()
    daemon.wait()


main()
