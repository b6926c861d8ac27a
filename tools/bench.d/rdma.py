#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""rdma.py ROUNDS SECONDS LINK...: measures RDMA in the VM, a line of JSON per figure.

tulle       from one port over the cable to the other
tulle-loop  from a port to itself
rxe         Soft-RoCE on two virtio-net NICs, from one to the other

The far ends are in a namespace of their own. perftest and cmtime tell the figures.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

NETNS = "bench"
GID_OF = pathlib.Path(__file__).resolve().parents[2] / "selftests/lib/gid.py"
ROUNDS = int(sys.argv[1])
SECONDS = int(sys.argv[2])
LINKS = sys.argv[3:]
SIZES = {"4k": 4096, "64k": 65536, "1m": 1 << 20, "8m": 8 << 20}
LIMIT = 120


class End:
    """One end of a link: where its programs run, its device, GID and address."""

    def __init__(self, port, address, far=False, rxe=None):
        self.prefix = ["ip", "netns", "exec", NETNS] if far else []
        self.address = address
        if far:
            subprocess.run(["ip", "link", "set", port, "netns", NETNS], check=True)
        self.run("ip", "link", "set", port, "mtu", "4200", "up")
        self.run("ip", "addr", "add", f"{address}/26", "dev", port)
        if rxe:
            self.run("rdma", "link", "add", rxe, "type", "rxe", "netdev", port)
        self.device = rxe or self.run("ls", f"/sys/class/net/{port}/device/infiniband").split()[0]
        for _ in range(100):
            self.gid = self.find_gid()
            if self.gid:
                break
            time.sleep(0.1)

    def run(self, *words):
        return subprocess.run([*self.prefix, *words], check=True, capture_output=True, text=True).stdout

    def start(self, *words):
        return subprocess.Popen([*self.prefix, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def find_gid(self):
        """Its index, or nothing before it is there."""
        words = [*self.prefix, str(GID_OF), self.device, self.address]
        return subprocess.run(words, check=False, capture_output=True, text=True).stdout.strip()

    def listens(self, port):
        return self.run("ss", "-Hltn", f"sport = :{port}").strip()


class Link:
    """Two ends, and what is measured between them."""

    tcp_port = 18700

    def __init__(self, name, near, far):
        self.name = name
        self.near = near
        self.far = far

    def emit(self, metric, value):
        print(json.dumps({"nic": self.name, "metric": metric, "value": value}), flush=True)

    def perftest(self, tool, *options):
        """The columns of the result line."""
        Link.tcp_port += 1
        words = [tool, "-F", "-p", str(Link.tcp_port), "-m", "4096", *options]
        server = self.far.start("timeout", str(LIMIT), *words, "-d", self.far.device, "-x", self.far.gid)
        for _ in range(100):
            if self.far.listens(Link.tcp_port):
                break
            time.sleep(0.1)
        client = self.near.start("timeout", str(LIMIT), *words, "-d", self.near.device, "-x", self.near.gid,
                                 self.far.address if self.far is not self.near else "127.0.0.1")
        text, _ = client.communicate()
        said, _ = server.communicate()
        rows = [line.split() for line in text.splitlines() if re.match(r"\s*\d+\s+\d+\s+[\d.]+", line)]
        if client.returncode or not rows:
            print(f"{self.name}: {' '.join(words)}\n{text}\n{said}", file=sys.stderr)
            return None
        return [float(cell) for cell in rows[-1]]

    def bandwidth(self, op, size):
        """MB/s. Few requests under way when they are long, so that slow links finish some."""
        depth = "128" if size < 1 << 20 else "4"
        receive = ["-r", depth] if op == "send" else []
        columns = self.perftest(f"ib_{op}_bw", "-s", str(size), "-t", depth, *receive, "-Q", "1",
                                "-D", str(SECONDS))
        return columns and columns[3]

    def latency(self, op):
        """Microseconds, the median."""
        size = ["-s", "8"] if op != "atomic" else []
        columns = self.perftest(f"ib_{op}_lat", *size, "-n", "2000")
        return columns and columns[4]

    def message_rate(self):
        columns = self.perftest("ib_write_bw", "-s", "8", "-q", "4", "-D", str(SECONDS))
        return columns and columns[4] * 1e6

    def connections(self):
        """Set up per second, by the connection manager."""
        Link.tcp_port += 1
        count = 100
        server = self.far.start("timeout", str(LIMIT), "cmtime", "-b", self.far.address, "-p", str(Link.tcp_port))
        time.sleep(1)
        try:
            text = self.near.run("timeout", str(LIMIT), "cmtime", "-s", self.far.address, "-p", str(Link.tcp_port),
                                 "-c", str(count))
        except subprocess.CalledProcessError as error:
            print(f"{self.name}: cmtime: {error.stdout} {error.stderr}", file=sys.stderr)
            return None
        finally:
            server.terminate()
            server.communicate()
        return cmtime_rate(text)

    def counter(self, name):
        path = pathlib.Path(f"/sys/class/infiniband/{self.near.device}/ports/1/hw_counters/{name}")
        return int(path.read_text()) if path.exists() else None

    def doorbells_per_message(self):
        doorbells, messages = self.counter("doorbells"), self.counter("tx_messages")
        if doorbells is None or not self.message_rate():
            return None
        return (self.counter("doorbells") - doorbells) / max(1, self.counter("tx_messages") - messages)

    def measure(self):
        for op in ("write", "read", "send"):
            for name, size in SIZES.items():
                self.emit(f"{op}_{name}_mbs", self.bandwidth(op, size))
        for op in ("write", "send", "atomic"):
            self.emit(f"{op}_lat_us", self.latency(op))
        self.emit("msgs_per_s", self.message_rate())
        if self.near is not self.far:
            self.emit("conns_per_s", self.connections())
        if self.name.startswith("tulle"):
            self.emit("doorbells_per_msg", self.doorbells_per_message())


def cmtime_rate(text):
    """cmtime's first column is the time for each connection of the whole step, in microseconds."""
    found = re.findall(r"^full connect\s+(\d+)", text, re.MULTILINE)
    if not found:
        print(text, file=sys.stderr)
        return None
    return 1e6 / max(1, int(found[-1]))


def main():
    subprocess.run(["modprobe", "-a", "rdma_ucm", "ib_umad", "rdma_rxe"], check=True)
    subprocess.run(["ip", "netns", "add", NETNS], check=True)
    subprocess.run(["ip", "netns", "exec", NETNS, "ip", "link", "set", "lo", "up"], check=True)
    near = End("tulle0", "192.0.6.1")
    links = {
        "tulle": Link("tulle", near, End("tulle1", "192.0.6.2", far=True)),
        "tulle-loop": Link("tulle-loop", near, near),
    }
    if "rxe" in LINKS:
        links["rxe"] = Link("rxe", End("nic0", "192.0.6.65", rxe="rxe0"),
                            End("nic1", "192.0.6.66", far=True, rxe="rxe1"))
    time.sleep(2)
    os.environ["LC_ALL"] = "C"
    for _ in range(ROUNDS):
        for name in LINKS:
            links[name].measure()


main()
