#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Frames that no good stack sends, from an AF_PACKET socket on tulle1 (in
ns-remote) to tulle0: counted and dropped, or passed on as a real card would,
and traffic goes on afterwards. lib/env.sh's topology must be up."""

import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import netdev  # noqa: E402

LOCAL, REMOTE = "tulle0", "tulle1"
LOCAL_V4, REMOTE_V4 = "192.0.3.1", "192.0.3.2"
NS = "ns-remote"

# <linux/if_packet.h>: the tag that the port or the stack took off a frame
SOL_PACKET, PACKET_AUXDATA = 263, 8
AUXDATA = struct.Struct("=IIIHHHH")
VLAN_VALID, VLAN_TPID_VALID = 0x10, 0x40


def mac(dev, netns=None):
    cmd = ["cat", f"/sys/class/net/{dev}/address"]
    if netns:
        cmd = ["ip", "netns", "exec", netns] + cmd
    text = subprocess.run(cmd, check=True, capture_output=True, text=True).stdout
    return bytes.fromhex(text.strip().replace(":", ""))


def socket_in(netns, dev):
    """An AF_PACKET socket lives in the namespace it was made in."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    if netns:
        fd = os.open(f"/run/netns/{netns}", os.O_RDONLY)
        if libc.setns(fd, 0):
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)
    try:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        sock.bind((dev, 3))
        sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    finally:
        libc.setns(home, 0)
        os.close(home)
    sock.settimeout(1)
    return sock


def csum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(payload, proto=17, bad=False, total=None, ihl=5):
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | ihl, 0,
                       20 + len(payload) if total is None else total, 1, 0, 64,
                       proto, 0, socket.inet_aton(REMOTE_V4), socket.inet_aton(LOCAL_V4))
    value = csum(head) ^ (0x1234 if bad else 0)
    return head[:10] + struct.pack("!H", value) + head[12:] + payload


def udp(payload, bad=False, zero=False, length=None):
    length = 8 + len(payload) if length is None else length
    pseudo = (socket.inet_aton(REMOTE_V4) + socket.inet_aton(LOCAL_V4) +
              struct.pack("!BBH", 0, 17, length))
    head = struct.pack("!HHHH", 4000, 4001, length, 0)
    value = 0 if zero else (csum(pseudo + head + payload) or 0xffff)
    if bad:
        value ^= 0x0101
    return struct.pack("!HHHH", 4000, 4001, length, value) + payload


def run(*cmd):
    return subprocess.run(cmd, check=True, capture_output=True, text=True).stdout


def ethtool(*args):
    return json.loads(run("ethtool", "--json", *args))[0]


def snmp():
    """/proc/net/snmp and netstat: {"UdpInCsumErrors": 1, ...}"""
    found = {}
    for name in ("snmp", "netstat"):
        with open(f"/proc/net/{name}", encoding="ascii") as f:
            for head, values in zip(f, f):
                group, *names = head.split()
                found.update(zip((group[:-1] + n for n in names), map(int, values.split()[1:])))
    return found


class Bench:
    def __init__(self):
        self.dst, self.src = mac(LOCAL), mac(REMOTE, NS)
        self.tx = socket_in(NS, REMOTE)
        self.rx = socket_in(None, LOCAL)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((LOCAL_V4, 4001))
        self.udp.settimeout(2)
        self.probes = 0

    def eth(self, payload, kind=0x0800, dst=None):
        return (dst or self.dst) + self.src + struct.pack("!H", kind) + payload

    def send(self, frame):
        self.tx.send(frame)

    def datagram(self):
        try:
            return self.udp.recv(20000)
        except socket.timeout:
            return None

    def stat(self, name, dev=LOCAL):
        with open(f"/sys/class/net/{dev}/statistics/{name}", encoding="ascii") as f:
            return int(f.read())

    def delivered(self, letter):
        """The datagrams made of this letter that come in until it is quiet."""
        seen = []
        while (data := self.datagram()) is not None:
            if letter in data:
                seen.append(data)
        return seen

    def alive(self):
        """A datagram of its own still arrives; what arrives before it, from
        frames that were under way, belongs to the case and is thrown away."""
        self.probes += 1
        probe = b"ALIVE %d" % self.probes
        self.send(self.eth(ipv4(udp(probe))))
        while (data := self.datagram()) is not None:
            if data == probe:
                return True
        return False

    def counters(self):
        """All that may count a bad frame, under one name each."""
        mac = ethtool("-S", LOCAL, "--groups", "eth-mac", "eth-ctrl", "rmon")
        found = {k: v for group in ("eth-mac", "eth-ctrl", "rmon") for k, v in mac[group].items()}
        found.update(ethtool("-I", "-a", LOCAL)["statistics"])
        found.update(self.private())
        found.update(netdev.qstats(LOCAL))
        found.update(snmp())
        for name in os.listdir(f"/sys/class/net/{LOCAL}/statistics"):
            found[name] = self.stat(name)
        return found

    @staticmethod
    def private():
        """ethtool -S without groups, which has no JSON"""
        pairs = (line.split(":") for line in run("ethtool", "-S", LOCAL).splitlines()[1:])
        return {name.strip(): int(value) for name, value in pairs}

    def receive(self):
        """The next frame that the stack got, with its outer tag back in place."""
        data, ancillary, _, _ = self.rx.recvmsg(20000, 100)
        for level, kind, value in ancillary:
            if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
                continue
            status, _, _, _, _, tci, tpid = AUXDATA.unpack(value[:AUXDATA.size])
            if status & VLAN_VALID:
                tpid = tpid if status & VLAN_TPID_VALID else 0x8100
                data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
        return data

    def drain(self):
        """Forgets what was received: a full socket would take nothing more."""
        self.rx.setblocking(False)
        try:
            while True:
                self.rx.recv(1)
        except BlockingIOError:
            self.rx.settimeout(1)

    def counts(self, frames, exactly=True, **want):
        """Sends the frames; whether the named counters go up by so much, at the
        latest when the driver has asked the device again. What other frames may
        move as well goes up by at least so much."""
        before = self.counters()
        for frame in frames:
            self.send(frame)
        deadline = time.monotonic() + 10
        while True:
            after = self.counters()
            got = {name: after[name] - before[name] for name in want}
            if got == want or not exactly and all(got[name] >= n for name, n in want.items()):
                return True
            if time.monotonic() > deadline:
                print(f"# wanted {want}, got {got}")
                return False

    def collect(self, frames, timeout=1):
        """Sends the frames, one at a time; those that the stack got."""
        seen = []
        self.drain()
        for frame in frames:
            self.send(frame)
            wire = frame.ljust(60, b"\0")
            if self.saw(lambda data, wire=wire: data == wire, timeout):
                seen.append(frame)
        return seen

    def saw(self, want, seconds=1):
        """Whether the port handed such a frame to its stack; others may too."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if want(self.receive()):
                    return True
            except socket.timeout:
                break
        return False


def good(b):
    """a good datagram arrives"""
    return b.alive()


def runt(b):
    """a runt is padded by the sender and passed"""
    frame = b.eth(b"\x01\x02", kind=0x88b5)
    return b.collect([frame]) == [frame]


def header_only(b):
    """a frame of nothing but an Ethernet header is padded and passed"""
    frame = b.eth(b"", kind=0x88b5)
    return b.collect([frame]) == [frame]


def bad_ip_csum(b):
    """a wrong IPv4 checksum is counted and not delivered"""
    frame = b.eth(ipv4(udp(b"x" * 64), bad=True))
    return b.counts([frame], **{"rx-csum-bad": 1, "IpExtInCsumErrors": 1}) and not b.delivered(b"x")


def bad_udp_csum(b):
    """a wrong UDP checksum is counted and not delivered"""
    frame = b.eth(ipv4(udp(b"y" * 64, bad=True)))
    return b.counts([frame], **{"rx-csum-bad": 1, "UdpInCsumErrors": 1}) and not b.delivered(b"y")


def zero_udp_csum(b):
    """a UDP datagram without checksum is delivered"""
    b.send(b.eth(ipv4(udp(b"z" * 64, zero=True))))
    return b.delivered(b"z") == [b"z" * 64]


def truncated(b):
    """frames cut off at every length are passed as they are, and not delivered"""
    whole = b.eth(ipv4(udp(b"t" * 60)))
    # Shorter ones are padded: to the stack the headers are whole, their sums wrong.
    for n in range(14, 60):
        b.send(whole[:n])
    cut = [whole[:n] for n in range(60, len(whole))]
    return (b.counts(cut, IpExtInTruncatedPkts=len(cut)) and b.collect(cut) == cut and
            not b.delivered(b"t"))


def lying_lengths(b):
    """IP and UDP lengths beyond the frame are not delivered"""
    for total in (0, 1, 19, 21, 400, 65535):
        b.send(b.eth(ipv4(udp(b"l" * 32), total=total)))
    for length in (0, 1, 7, 200, 65535):
        b.send(b.eth(ipv4(udp(b"l" * 32, length=length))))
    for ihl in (0, 1, 4, 15):
        b.send(b.eth(ipv4(udp(b"l" * 32), ihl=ihl)))
    return all(data == b"l" * len(data) for data in b.delivered(b"l"))


def tagged(b, *tags):
    """with a datagram behind the tags, and with nothing behind them"""
    head = b.dst + b.src + b"".join(struct.pack("!HH", kind, vid) for kind, vid in tags)
    return [head + b"\x08\x00" + ipv4(udp(b"v" * 32)), head]


def priority_tag(b):
    """a tag with VID 0 is stripped, its datagram delivered"""
    b.send(tagged(b, (0x8100, 0xe000))[0])
    return b.delivered(b"v") == [b"v" * 32]


ODD_TAGS = [[(0x8100, 5)], [(0x8100, 0xfff)], [(0x88a8, 5), (0x8100, 6)],
            [(0x8100, 5), (0x8100, 6), (0x8100, 7)]]


def filtered_vlans(b):
    """VLANs that nobody uses are filtered and counted"""
    frames = [frame for tags in ODD_TAGS for frame in tagged(b, *tags)]
    if not b.counts(frames, exactly=False, rx_vport_drops=len(frames)):
        return False
    return not b.collect(frames, 0.2) and not b.delivered(b"v")


def odd_vlans(b):
    """three, empty and reserved VLAN tags are passed as they are, stripped or not"""
    frames = [frame for tags in ODD_TAGS + [[(0x8100, 0)]] for frame in tagged(b, *tags)]
    stripping = ("rx-vlan-offload", "rx-vlan-stag-hw-parse")
    features = ("rx-vlan-filter", "rx-vlan-stag-filter") + stripping
    was = ethtool("-k", LOCAL)
    try:
        for name in features:
            run("ethtool", "-K", LOCAL, name, "off")
        if b.collect(frames) != frames:
            return False
        for name in stripping:
            run("ethtool", "-K", LOCAL, name, "on")
        return b.collect(frames) == frames
    finally:
        for name in features:
            run("ethtool", "-K", LOCAL, name, "on" if was[name]["active"] else "off")


def set_mtu(mtu, *netns):
    run(*netns, "ip", "link", "set", REMOTE if netns else LOCAL, "mtu", str(mtu))


def oversized(b):
    """a frame larger than the receiver's MTU is counted and dropped, or fits after all"""
    frame = b.eth(ipv4(udp(b"o" * 9000)))
    in_ns = ("ip", "netns", "exec", NS)
    set_mtu(9600, *in_ns)
    try:
        if not b.counts([frame], FrameTooLongErrors=1, etherStatsOversizePkts=1, rx_length_errors=1, rx_errors=1):
            return False
        if b.delivered(b"o"):
            return False
        set_mtu(9600)
        b.send(frame)
        return b.delivered(b"o") == [b"o" * 9000]
    finally:
        set_mtu(1500, *in_ns)
        set_mtu(1500)


def foreign_address(b):
    """a frame for another station is not received without promiscuous mode"""
    other = b"\x02\x99\x99\x99\x99\x99"
    b.send(b.eth(ipv4(udp(b"f" * 32)), dst=other))
    return not b.saw(lambda seen: seen[:6] == other)


def pause_frames(b):
    """MAC control frames are counted, stay in the port and do not stop it for good"""
    head = bytes.fromhex("0180c2000001") + b.src
    frames = [head + struct.pack("!HHH", 0x8808, 1, quanta) + b"\0" * 42 for quanta in (0xffff, 0)]
    frames.append(head + struct.pack("!HH", 0x8808, 0x7777) + b"\0" * 44)
    return (b.counts(frames, MACControlFramesReceived=3, UnsupportedOpcodesReceived=1, rx_pause_frames=2) and
            not b.saw(lambda seen: seen[12:14] == b"\x88\x08"))


CASES = [good, runt, header_only, bad_ip_csum, bad_udp_csum, zero_udp_csum, truncated, lying_lengths,
         priority_tag, filtered_vlans, odd_vlans, oversized, foreign_address, pause_frames]


def main():
    bench = Bench()
    bad = 0
    print("TAP version 13")
    for n, case in enumerate(CASES, 1):
        try:
            bench.drain()
            ok = case(bench)
            why = "wrong result"
            if ok and not bench.alive():
                ok, why = False, "no traffic afterwards"
        except (OSError, LookupError, subprocess.CalledProcessError) as err:
            ok, why = False, repr(err)
        bad += not ok
        print(f"{'ok' if ok else 'not ok'} {n} {case.__doc__}{'' if ok else ' # ' + why}", flush=True)
    print(f"1..{len(CASES)}")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
