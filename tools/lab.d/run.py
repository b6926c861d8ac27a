#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Boots the lab's guests, runs one command in the first and judges the result.

Called by tools/lab once everything it needs is built.
"""

import ctypes
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import logcheck
import options
import vm

LAB = os.environ["TULLE_LAB"]
T0 = time.time()
BOOT_LIMIT = {"kvm": 60, "tcg": 180}
HALT_LIMIT = 60
WAKE_AGAIN = 2
KEEP_RUNS = 40
TIMED_OUT = 124
FAILED = 125


class Failure(Exception):
    """What ends the run with status 125."""


def say(quiet, text):
    if not quiet:
        print(f"lab [{time.time() - T0:5.1f}s] {text}", file=sys.stderr, flush=True)


def die_with_parent():
    """No guest outlives this process, however it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def listen(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    return server


class Running:
    """A started guest and the sockets that its serial ports came in on."""

    def __init__(self, guest, qemu, tty=False):
        self.guest = guest
        self.servers = {name: listen(os.path.join(guest.sock, name)) for name in ("ctl", "out")}
        self.conns = {}
        self.text = b""
        self.wake_at = None
        # QEMU makes the log; a QEMU that cannot start leaves none.
        with open(guest.console, "wb"):
            pass
        with open(os.path.join(guest.rundir, f"qemu-{guest.name}.log"), "wb") as log:
            self.process = subprocess.Popen(
                [qemu, *guest.args], preexec_fn=die_with_parent, stdout=None if tty else log,
                stderr=log, stdin=None if tty else subprocess.DEVNULL)

    def accept(self):
        """QEMU connects while it starts, or dies."""
        end = time.time() + 60
        for name, server in self.servers.items():
            server.settimeout(0.2)
            while name not in self.conns:
                try:
                    self.conns[name] = server.accept()[0]
                except TimeoutError:
                    if self.process.poll() is not None or time.time() > end:
                        raise Failure(self.qemu_words()) from None
            server.close()

    def qemu_words(self, what="did not start"):
        with open(os.path.join(self.guest.rundir, f"qemu-{self.guest.name}.log"), encoding="utf-8",
                  errors="replace") as log:
            words = log.read().strip()
        return f"QEMU of guest {self.guest.name} {what}: {words or 'it said nothing'}"

    def press_power(self):
        """The power button: it ends a suspend to idle and nothing else listens to it."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(os.path.join(self.guest.sock, "host"))
            with sock.makefile("rw", encoding="utf-8") as talk:
                talk.readline()
                for command in ("qmp_capabilities", "system_powerdown"):
                    talk.write(json.dumps({"execute": command}) + "\n")
                    talk.flush()
                    talk.readline()

    def control(self):
        """The lines that the guest's first process has sent; None once it hung up."""
        try:
            data = self.conns["ctl"].recv(4096)
        except ConnectionError:
            data = b""
        if not data:
            return None
        self.text += data
        *lines, self.text = self.text.split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Run:
    """One exec or shell."""

    def __init__(self, opts):
        self.opts = opts
        os.makedirs(os.path.join(LAB, "runs"), exist_ok=True)
        stamp = time.strftime("%m%d-%H%M%S")
        self.dir = tempfile.mkdtemp(prefix=f"{stamp}-", dir=os.path.join(LAB, "runs"))
        self.socks = tempfile.mkdtemp(prefix="tulle-lab-")
        self.running = []
        self.begun = time.time()
        self.status = None
        self.started = None
        self.mods = os.environ.get("LAB_MODULES_LAYER", "")
        self.kernel = os.environ["LAB_KERNEL"]
        self.layers = [layer for layer in os.environ["LAB_LAYERS"].split(":") if layer]
        self.accel = os.environ["LAB_ACCEL"]

    def say(self, text):
        say(self.opts.quiet, text)

    def new_guest(self, name):
        guest = vm.Guest(LAB, self.opts, name, self.dir, self.socks)
        guest.base(self.accel)
        guest.channel("ctl")
        guest.channel("out")
        guest.monitor()
        return guest

    def wire(self, guest, ident, server):
        """One end of a link between the guests' processes."""
        path = os.path.join(self.socks, f"{ident}.link")
        end = "server=on" if server else "server=off,reconnect-ms=200"
        guest.add("-netdev", f"stream,id={ident},{end},addr.type=unix,addr.path={path}")
        return f"netdev={ident}"

    def cable(self, guest, index):
        """Ports 0-1, 2-3 .. of one guest are joined inside QEMU."""
        if "TULLE_LAB_NIC" not in os.environ:
            return f"cable=c{index // 2}"
        guest.add("-netdev", f"hubport,id=cable{index},hubid={index // 2}")
        return f"netdev=cable{index}"

    def first_guest(self):
        opts = self.opts
        guest = self.new_guest("a")
        for index in range(opts.ports):
            backend = self.cable(guest, index) if opts.topology == "pair" else self.wire(guest, f"link{index}", False)
            guest.tulle(backend, opts.sets(index), opts.pcap if index == 0 else None)
        for index, text in enumerate(opts.nic):
            model, _, rest = text.partition(",")
            props = rest.split(",") if rest else []
            if not any(prop.startswith("netdev=") for prop in props):
                guest.add("-netdev", f"hubport,id=nic{index},hubid={100 + index // 2}")
                props.append(f"netdev=nic{index}")
            guest.nic(model, index, props, f"nic{index}")
        if opts.count_insns and self.accel == "tcg":
            guest.count_insns(os.environ["LAB_QEMU"])
        guest.spare_ports()
        for path in opts.share:
            guest.share(path)
        for path in opts.out:
            guest.share(path, writable=True)
        for text in opts.device:
            guest.add("-device", text)
        guest.add(*opts.qemu)
        return guest

    def second_guest(self):
        opts = self.opts
        guest = self.new_guest("b")
        for index in range(opts.ports):
            backend = self.wire(guest, f"link{index}", True)
            if opts.topology == "two":
                guest.tulle(backend, opts.sets(opts.ports + index))
            else:
                guest.nic(opts.peer_nic, index, [backend], f"peer{index}")
        for path in opts.share:
            guest.share(path)
        return guest

    def finish_guest(self, guest, role):
        opts = self.opts
        env = {
            "LAB_MODULES": "0" if opts.no_modules else "1",
            "LAB_PEER": "1" if opts.topology != "pair" else "0", "LAB_CWD": os.getcwd(),
            "LAB_LEAKS": "0" if opts.no_leak_check else "1",
            "LAB_HUNG": "120" if self.accel == "kvm" else "180",
            "TULLE_KERNEL": self.kernel, "TULLE_TOPOLOGY": opts.topology, "TULLE_ACCEL": self.accel,
        }
        if self.accel == "tcg":
            env["KSFT_MACHINE_SLOW"] = "yes"
        if role == "shell" and sys.stdin.isatty():
            size = os.get_terminal_size(0)
            env.update({"LAB_ROWS": str(size.lines), "LAB_COLUMNS": str(size.columns),
                        "TERM": os.environ.get("TERM", "linux")})
        for text in opts.env:
            key, _, value = text.partition("=")
            env[key] = value
        guest.files(role, opts.command, env)
        for source, name in ((os.environ["LAB_VMLINUZ"], "vmlinuz"),
                             (os.path.join(LAB, "boot", self.kernel, "initramfs"), "initramfs")):
            os.link(source, os.path.join(guest.dir, name))
        layers = ([self.mods] if self.mods else []) + self.layers
        guest.boot(self.kernel, layers)

    def start(self, role):
        opts = self.opts
        qemu = os.environ["LAB_QEMU"]
        first = self.first_guest()
        if opts.topology != "pair":
            second = self.second_guest()
            path = os.path.join(self.socks, "peer.sock")
            second.add("-chardev", f"socket,id=cpeer,path={path},server=on,wait=off",
                       "-device", "virtserialport,chardev=cpeer,name=lab.peer")
            first.channel("peer", path)
            self.finish_guest(second, "agent")
            self.running.append(Running(second, qemu))
            # Its sockets must exist before the first guest dials them.
            self.running[0].accept()
        if role == "shell":
            first.add("-chardev", "stdio,id=tty,signal=off", "-device", "virtconsole,chardev=tty")
        self.finish_guest(first, role)
        with open(os.path.join(self.dir, "qemu-command"), "w", encoding="utf-8") as out:
            out.write("\n".join([qemu, *first.args]) + "\n")
        self.running.insert(0, Running(first, qemu, tty=role == "shell"))
        self.running[0].accept()
        self.say(f"booting {self.kernel}, {opts.topology}, {self.accel}, {opts.cpus} cpus; logs in {self.dir}")

    def on_control(self, guest, line):
        word, _, rest = line.partition(" ")
        if word == "note":
            self.say(rest)
        elif word == "started" and guest is self.running[0] and self.started is None:
            self.started = time.time()
            self.say(f"the command runs, {self.started - self.begun:.1f} s after the start")
        elif word == "wake":
            guest.wake_at = time.time() + float(rest)
        elif word == "awake":
            guest.wake_at = None
        elif word == "status" and guest is self.running[0]:
            self.status = int(rest)

    def deadline(self):
        """When patience ends, and the failure that it is then."""
        if self.started is None:
            limit = self.opts.boot_timeout or BOOT_LIMIT[self.accel] * (3 if "debug" in self.kernel else 1)
            return self.begun + limit, "the guest did not come up"
        if self.status is not None:
            return time.time() + HALT_LIMIT, "the guest did not power off"
        return self.started + self.opts.timeout if self.opts.timeout else float("inf"), None

    def watch(self):
        """Relays output until the first guest is gone; the rule for time is deadline()."""
        first = self.running[0]
        poll = selectors.DefaultSelector()
        poll.register(first.conns["out"], selectors.EVENT_READ, ("out", first))
        for guest in self.running:
            poll.register(guest.conns["ctl"], selectors.EVENT_READ, ("ctl", guest))
        end, why = self.deadline()
        while first.process.poll() is None or poll.get_map().get(first.conns["out"].fileno()):
            for key, _ in poll.select(max(0.0, min(0.5, end - time.time()))):
                kind, guest = key.data
                if kind == "out":
                    if not self.relay(key.fileobj):
                        poll.unregister(key.fileobj)
                    continue
                lines = guest.control()
                if lines is None:
                    poll.unregister(key.fileobj)
                for line in lines or ():
                    self.on_control(guest, line)
                    end, why = self.deadline()
            for guest in self.running:
                if guest.wake_at and time.time() >= guest.wake_at:
                    # A guest that was not asleep yet has not noticed.
                    guest.wake_at = time.time() + WAKE_AGAIN
                    try:
                        guest.press_power()
                    except OSError:
                        # That guest is gone.
                        guest.wake_at = None
            if time.time() >= end:
                self.late(why)
                return

    @staticmethod
    def relay(conn):
        try:
            data = conn.recv(65536)
        except ConnectionError:
            data = b""
        view = memoryview(data)
        while view:
            view = view[os.write(1, view):]
        return bool(data)

    def late(self, why):
        """Time is up: what was everybody waiting for?"""
        for guest in self.running:
            try:
                guest.conns["ctl"].sendall(b"w\n")
            except OSError:
                continue
        time.sleep(3)
        if why:
            raise Failure(f"{why}; the end of its log:\n{self.tail(25)}")
        self.say(f"timeout: the command ran longer than {self.opts.timeout:g} s")
        self.status = TIMED_OUT

    def tail(self, count):
        with open(self.running[0].guest.console, encoding="utf-8", errors="replace") as log:
            return "".join(f"    {line}" for line in log.readlines()[-count:])

    def judge(self):
        """The kernel logs are part of the result."""
        bad = False
        for guest in self.running:
            lines = logcheck.judge_file(guest.guest.console, self.opts.allow_log)
            if lines:
                bad = True
                print(f"lab: the kernel log of guest {guest.guest.name} has {len(lines)} bad lines "
                      f"({guest.guest.console}):", file=sys.stderr)
            for number, text in lines[:30]:
                print(f"    {number}: {text}", file=sys.stderr)
        return bad

    def innocent(self):
        """A stock kernel may die on its way up under emulation; that is nobody's test result.
        What the device may have to do with is none of these: a QEMU that failed itself, a
        log that is empty (the BIOS hung) or ends while the kernel probes PCI (but for a stale
        breakpoint), and any that has a line of our drivers."""
        if self.started or not self.running:
            return False
        if any(guest.process.poll() not in (None, 0) for guest in self.running):
            return False
        logs = []
        for guest in self.running:
            with open(guest.guest.console, encoding="utf-8", errors="replace") as log:
                logs.append(log.read())
        return all(logcheck.device_was_idle(text) for text in logs)

    def result(self):
        if self.status is None:
            if not self.innocent():
                self.judge()
            if not self.tail(1):
                raise Failure(self.running[0].qemu_words())
            raise Failure("the guest is gone before the command ended; the end of its log:\n"
                          f"{self.tail(25)}\n{self.running[0].qemu_words('ended')}")
        bad = self.judge() and not self.opts.no_log_check
        return FAILED if bad and self.status == 0 else self.status

    def end(self):
        for guest in self.running:
            guest.kill()
        if self.opts.console and self.running:
            with open(self.opts.console, "w", encoding="utf-8") as out:
                for guest in self.running:
                    with open(guest.guest.console, encoding="utf-8", errors="replace") as log:
                        shutil.copyfileobj(log, out)
        shutil.rmtree(self.socks, ignore_errors=True)


def prune():
    """Old runs' logs go; those of a run that still goes on are younger than the rest."""
    runs = os.path.join(LAB, "runs")
    old = sorted((entry.stat().st_mtime, entry.path) for entry in os.scandir(runs) if entry.is_dir())
    for stamp, path in old[:-KEEP_RUNS]:
        if time.time() - stamp > 3600:
            shutil.rmtree(path, ignore_errors=True)


def attempt(role, opts, again):
    """One boot and its status; None when the machine failed and nothing of ours took part."""
    run = Run(opts)
    try:
        run.start(role)
        run.watch()
        status = run.result()
        run.say(f"done: status {status}")
    except Failure as err:
        if again and run.innocent():
            # Even when asked to be quiet: what happens often is no accident.
            say(False, f"the guest failed while our device was idle ({run.dir}): booting again, once")
            return None
        print(f"lab: {err}", file=sys.stderr)
        status = FAILED
    finally:
        run.end()
    return status


def main():
    role = sys.argv[1]
    opts = options.parse(role, sys.argv[2:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        status = attempt(role, opts, True)
        if status is None:
            status = attempt(role, opts, False)
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    prune()
    return status


if __name__ == "__main__":
    sys.exit(main())
