#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Frames that no good stack sends, from an AF_PACKET socket on tulle1 (in
ns-remote) to tulle0: counted and dropped, or passed on as a real card would,
and traffic goes on afterwards. lib/env.sh's topology must be up."""

import ctypes
import os
import socket
import struct
import subprocess
import sys
import time

LOCAL, REMOTE = "tulle0", "tulle1"
LOCAL_V4, REMOTE_V4 = "192.0.3.1", "192.0.3.2"
NS = "ns-remote"


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

    def saw(self, want, seconds=1):
        """Whether the port handed such a frame to its stack; others may too."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if want(self.rx.recv(20000)):
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
    b.send(frame)
    return b.saw(lambda seen: seen == frame.ljust(60, b"\0"))


def header_only(b):
    """a frame of nothing but an Ethernet header does no harm"""
    b.send(b.eth(b"", kind=0x88b5))
    return True


def bad_ip_csum(b):
    """a wrong IPv4 checksum is not delivered"""
    b.send(b.eth(ipv4(udp(b"x" * 64), bad=True)))
    return not b.delivered(b"x")


def bad_udp_csum(b):
    """a wrong UDP checksum is not delivered"""
    b.send(b.eth(ipv4(udp(b"y" * 64, bad=True))))
    return not b.delivered(b"y")


def zero_udp_csum(b):
    """a UDP datagram without checksum is delivered"""
    b.send(b.eth(ipv4(udp(b"z" * 64, zero=True))))
    return b.delivered(b"z") == [b"z" * 64]


def truncated(b):
    """headers cut off at every length do no harm"""
    whole = b.eth(ipv4(udp(b"t" * 16)))
    for n in range(14, len(whole)):
        b.send(whole[:n])
    return True


def lying_lengths(b):
    """IP and UDP lengths beyond the frame are not delivered"""
    for total in (0, 1, 19, 21, 400, 65535):
        b.send(b.eth(ipv4(udp(b"l" * 32), total=total)))
    for length in (0, 1, 7, 200, 65535):
        b.send(b.eth(ipv4(udp(b"l" * 32, length=length))))
    for ihl in (0, 1, 4, 15):
        b.send(b.eth(ipv4(udp(b"l" * 32), ihl=ihl)))
    return all(data == b"l" * len(data) for data in b.delivered(b"l"))


def odd_vlans(b):
    """three, empty and reserved VLAN tags do no harm"""
    inner = ipv4(udp(b"v" * 32))
    for tags in (b"\x81\x00\x00\x05", b"\x81\x00\x0f\xff", b"\x81\x00\x00\x00",
                 b"\x88\xa8\x00\x05\x81\x00\x00\x06",
                 b"\x81\x00\x00\x05\x81\x00\x00\x06\x81\x00\x00\x07"):
        b.send(b.dst + b.src + tags + b"\x08\x00" + inner)
        b.send(b.dst + b.src + tags)
    return True


def oversized(b):
    """a frame larger than the receiver's MTU is dropped and counted, or passed"""
    subprocess.run(["ip", "netns", "exec", NS, "ip", "link", "set", REMOTE, "mtu", "9600"], check=True)
    try:
        before = b.stat("rx_packets") + b.stat("rx_dropped") + b.stat("rx_errors") + b.stat("rx_length_errors")
        b.send(b.eth(ipv4(udp(b"o" * 9000))))
        time.sleep(0.5)
        after = b.stat("rx_packets") + b.stat("rx_dropped") + b.stat("rx_errors") + b.stat("rx_length_errors")
        return after > before
    finally:
        subprocess.run(["ip", "netns", "exec", NS, "ip", "link", "set", REMOTE, "mtu", "1500"], check=True)


def foreign_address(b):
    """a frame for another station is not received without promiscuous mode"""
    other = b"\x02\x99\x99\x99\x99\x99"
    b.send(b.eth(ipv4(udp(b"f" * 32)), dst=other))
    return not b.saw(lambda seen: seen[:6] == other)


def pause_frames(b):
    """pause frames from a sender do not stop the port for good"""
    for quanta in (0xffff, 0):
        b.send(bytes.fromhex("0180c2000001") + b.src + struct.pack("!HHH", 0x8808, 1, quanta) + b"\0" * 42)
    b.send(bytes.fromhex("0180c2000001") + b.src + struct.pack("!HH", 0x8808, 0x7777) + b"\0" * 44)
    return True


CASES = [good, runt, header_only, bad_ip_csum, bad_udp_csum, zero_udp_csum, truncated, lying_lengths,
         odd_vlans, oversized, foreign_address, pause_frames]


def main():
    bench = Bench()
    bad = 0
    print("TAP version 13")
    for n, case in enumerate(CASES, 1):
        try:
            ok = case(bench)
            why = "wrong result"
            if ok and not bench.alive():
                ok, why = False, "no traffic afterwards"
        except OSError as err:
            ok, why = False, str(err)
        bad += not ok
        print(f"{'ok' if ok else 'not ok'} {n} {case.__doc__}{'' if ok else ' # ' + why}", flush=True)
    print(f"1..{len(CASES)}")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
