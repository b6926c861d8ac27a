#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""packets.py IBDEV GID FAR_IBDEV FAR_GID GID6 FAR_GID6: RoCEv2 packets that no good device
sends, from an AF_PACKET socket at the far port into a connection that is in
use: dropped without a word or refused as IBTA chapter 9 asks, and counted. What
can be survived is, with all data intact."""

import json
import os
import random
import socket
import struct
import subprocess
import sys
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "../net")]

import pyverbs.enums as e
from pyverbs.mr import MR

import bad_input
from verbs import Bench, Failed, check, exchange, run_cases

SEND_FIRST, SEND_MIDDLE, SEND_LAST, SEND_ONLY = 0, 1, 2, 4
WRITE_FIRST, WRITE_MIDDLE, WRITE_LAST, WRITE_LAST_IMM, WRITE_ONLY = 6, 7, 8, 9, 10
READ, READ_RSP_FIRST, READ_RSP_ONLY, ACK, ATOMIC_ACK, FETCH_ADD = 12, 13, 16, 17, 18, 20
UC, UD, CNP = 0x20, 0x60, 0x81
MTU = 1024
LOCAL_V6, REMOTE_V6 = "2001:db8:1::1", "2001:db8:1::2"
ROUNDS = int(os.environ.get("ROUNDS", "300"))


def bth(qpn, psn, opcode=SEND_ONLY, pkey=0xffff, flags=0, pad=0, tver=0, ack=True):
    return struct.pack("!BBHII", opcode, flags | pad << 4 | tver, pkey, qpn, (0x80000000 if ack else 0) | psn & 0xffffff)


def reth(addr, rkey, length):
    return struct.pack("!QII", addr & (2**64 - 1), rkey, length)


def aeth(syndrome, msn=0):
    return struct.pack("!I", syndrome << 24 | msn)


def ipv4(n, src, tos=0, ip_len=None, ip_sum=0):
    """A header in front of n bytes, and what the ICRC takes for it: what routers change
    counts as ones. ip_sum: what to add to the checksum."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + n if ip_len is None else ip_len, 7, 0x4000, 64, 17, 0,
                     socket.inet_aton(src or bad_input.REMOTE_V4), socket.inet_aton(bad_input.LOCAL_V4))
    masked = ip[:1] + b"\xff" + ip[2:8] + b"\xff" + ip[9:10] + b"\xff\xff" + ip[12:]
    return b"\x08\x00", ip[:10] + struct.pack("!H", bad_input.csum(ip) ^ ip_sum) + ip[12:], masked


def ipv6(n, src, tos=0, ip_len=None):
    ip = struct.pack("!IHBB", 6 << 28 | tos << 20, n if ip_len is None else ip_len, 17, 64)
    ip += socket.inet_pton(socket.AF_INET6, src or REMOTE_V6) + socket.inet_pton(socket.AF_INET6, LOCAL_V6)
    return b"\x86\xdd", ip, b"\x6f\xff\xff\xff" + ip[4:7] + b"\xff" + ip[8:]


class Wire(Bench):
    """With packets forged at the far end's port; @ip: what makes their IP header."""

    def __init__(self, near, near_gid, far, far_gid, ip=ipv4):
        super().__init__(near, near_gid, far, far_gid)
        self.name, self.ip = near, ip
        self.macs = bad_input.mac(bad_input.LOCAL) + bad_input.mac(bad_input.REMOTE, bad_input.NS)
        self.tx = bad_input.socket_in(bad_input.NS, bad_input.REMOTE)
        self.random = random.Random(int(os.environ.get("SEED", "1")))

    def frame(self, transport, src=None, icrc=0, udp_len=None, **of_ip):
        """Ethernet to RoCE around BTH and what follows it; icrc: what to add to it."""
        n = 8 + len(transport) + 4
        ethertype, ip, masked = self.ip(n, src, **of_ip)
        udp = struct.pack("!HHHH", 0xc123, 4791, n if udp_len is None else udp_len, 0)
        masked = b"\xff" * 8 + masked + udp[:6] + b"\xff\xff" + transport[:4] + b"\xff" + transport[5:]
        return self.macs + ethertype + ip + udp + transport + struct.pack("<I", zlib.crc32(masked) ^ icrc)

    def inject(self, transport, **kw):
        self.tx.send(self.frame(transport, **kw))

    def counters(self):
        text = subprocess.run(["rdma", "-j", "statistic", "show", "link", f"{self.name}/1"], check=True,
                              capture_output=True, text=True).stdout
        return json.loads(text)[0]

    def counted(self, before, **want):
        """Each counter moved by so much or more."""
        for _ in range(50):
            now = self.counters()
            moved = {name: now[name] - before[name] for name in want}
            if all(moved[name] >= n for name, n in want.items()):
                return
            time.sleep(0.1)
        raise Failed(f"counters moved by {moved}, not {want}")


def expected(side):
    """The sequence number that comes next."""
    return side.qp.query(e.IBV_QP_RQ_PSN)[0].rq_psn


def under_way(b, near, far, forge, n=8, size=3000):
    """Messages from far to near; forge(i) between them and while they go."""
    for i in range(n):
        far.mr.write(chr(97 + i % 26) * size, size, (i % 2) * 4096)
        near.mr.write("\0" * size, size, 8192)
        near.recv(wr_id=i)
        forge(i)
        far.send(wr_id=i, sge=far.sge(size, offset=(i % 2) * 4096))
        forge(i)
        near.received(e.IBV_WC_SUCCESS)
        far.sent(e.IBV_WC_SUCCESS)
        check("data", near.mr.read(size, 8192) == chr(97 + i % 26).encode() * size, True)


def dropped(b, transport, n=16, answered=None, **frame):
    """Such packets change nothing; transport(near, far): their bytes; answered:
    the counters that move."""
    near, far = b.pair()
    exchange(near, far, 1)
    before = b.counters()
    under_way(b, near, far, lambda _: b.inject(transport(near, far), **frame))
    b.counted(before, **{name: n for name in answered})
    exchange(near, far, 1)
    bad = e.IBV_EVENT_QP_REQ_ERR, e.IBV_EVENT_QP_ACCESS_ERR, e.IBV_EVENT_QP_FATAL
    b.near.quiet(*bad)
    b.far.quiet(*bad)


def good(b):
    """a packet made here is believed when nothing is wrong with it"""
    near, _ = b.pair()
    near.recv()
    before = b.counters()
    b.inject(bth(near.qp.qp_num, expected(near)) + b"made by hand")
    near.received(e.IBV_WC_SUCCESS)
    check("data", near.mr.read(12, 8192), b"made by hand")
    b.counted(before, rx_messages=1, tx_acks=1)


def marked(b):
    """a congestion mark is counted, and its packet a good one"""
    near, _ = b.pair()
    before = b.counters()
    for i, tos in enumerate((3, 1, 2, 0xff)):
        near.recv()
        b.inject(bth(near.qp.qp_num, expected(near)) + bytes([i] * 4), tos=tos)
        near.received(e.IBV_WC_SUCCESS)
        check("data", near.mr.read(4, 8192), bytes([i] * 4))
    b.counted(before, ecn_marked=2, rx_messages=4)
    check("marks", b.counters()["ecn_marked"] - before["ecn_marked"], 2)


def bad_icrc(b):
    """a wrong ICRC is dropped"""
    dropped(b, lambda near, _: bth(near.qp.qp_num, expected(near)) + b"abcd", icrc=1, answered=["icrc_errors"])


def bad_ip_sum(b):
    """a wrong IPv4 checksum is dropped"""
    dropped(b, lambda near, _: bth(near.qp.qp_num, expected(near)) + b"abcd", ip_sum=0x101, answered=["malformed"])


def bad_lengths(b):
    """lengths of UDP beyond the packet, or too short for its headers, are dropped"""
    for udp_len in (0, 7, 8, 12, 20, 23, 400, 65535):
        dropped(b, lambda near, _: bth(near.qp.qp_num, expected(near)) + b"abcd", udp_len=udp_len,
                answered=["malformed"] if udp_len not in (0, 7) else [])
    # No room for what the opcode asks for, and more padding than payload.
    for opcode in (WRITE_ONLY, READ, FETCH_ADD, ACK):
        dropped(b, lambda near, _, op=opcode: bth(near.qp.qp_num, expected(near), op), answered=["malformed"])
    dropped(b, lambda near, _: bth(near.qp.qp_num, expected(near), pad=3), answered=["malformed"])


def bad_version(b):
    """another version of the transport is dropped"""
    dropped(b, lambda near, _: bth(near.qp.qp_num, expected(near), tver=1) + b"abcd", answered=["malformed"])


def bad_pkey(b):
    """another partition is dropped"""
    for pkey in (0, 0x8001, 0xfffe, 0x7ffe):
        dropped(b, lambda near, _, k=pkey: bth(near.qp.qp_num, expected(near), pkey=k) + b"abcd", answered=["bad_key"])


def bad_qpn(b):
    """queue pairs that are not there, and the management's, take no such packets"""
    for qpn in (0, 1, 2, 0x7fffff, 0xfffffe):
        dropped(b, lambda near, _, n=qpn: bth(n, expected(near)) + b"abcd", answered=["no_qp"])


def bad_class(b):
    """opcodes of other transports, and such as nobody knows, are dropped"""
    for opcode in (UC | SEND_ONLY, UD | SEND_ONLY, 0x1f, 0xa0 | SEND_ONLY, 0xe4):
        dropped(b, lambda near, _, op=opcode: bth(near.qp.qp_num, expected(near), op) + b"\0" * 32, answered=["no_qp"])


def bad_source(b):
    """another address is not the partner"""
    dropped(b, lambda near, _: bth(near.qp.qp_num, expected(near)) + b"abcd", src="192.0.3.77",
            answered=["bad_source"])


def behind(b):
    """requests seen before are not executed again, and are acknowledged"""
    dropped(b, lambda near, _: bth(near.qp.qp_num, expected(near) - 1) + b"again", answered=["duplicates"])


def ahead(b):
    """requests that skip one are refused once, and the rest comes in order"""
    near, far = b.pair()
    before = b.counters()
    under_way(b, near, far, lambda _: b.inject(bth(near.qp.qp_num, expected(near) + 200) + b"soon"))
    b.counted(before, out_of_sequence=8, tx_naks_seq=1)
    exchange(near, far)


def bad_answers(b):
    """acknowledgments of what was not sent, of another kind, or unasked are dropped"""
    for answer in (lambda: bth(0, 0x900000, ACK) + aeth(0), lambda: bth(0, 0x900000, ACK) + aeth(0x60),
                   lambda: bth(0, 0x900000, ACK) + aeth(0x63), lambda: bth(0, 0x900000, ACK) + aeth(0x7f),
                   lambda: bth(0, 0x900000, READ_RSP_ONLY) + aeth(0) + b"x" * 64,
                   lambda: bth(0, 0x900000, ATOMIC_ACK) + aeth(0) + b"x" * 8):
        def to_qp(near, _, make=answer):
            return make()[:4] + struct.pack("!I", near.qp.qp_num) + make()[8:]
        dropped(b, to_qp, answered=["duplicates"])


def read_responses(b):
    """an answer to a READ that is not what was asked for is BAD_RESP; the right one is taken"""
    ok, bad = e.IBV_WC_SUCCESS, e.IBV_WC_BAD_RESP_ERR
    for size, status, opcode, rest in ((64, ok, READ_RSP_ONLY, 64), (64, bad, READ_RSP_ONLY, 60),
                                       (64, bad, READ_RSP_ONLY, 68), (64, bad, READ_RSP_ONLY, 0),
                                       (64, bad, READ_RSP_FIRST, 64), (64, bad, ATOMIC_ACK, 8),
                                       (MTU + 64, bad, READ_RSP_FIRST, 64), (MTU + 64, bad, READ_RSP_ONLY, MTU)):
        near, far = b.pair(near_attr={"timeout": 18})
        # Nobody else answers it.
        far.set_state(e.IBV_QPS_RESET)
        psn = near.qp.query(e.IBV_QP_SQ_PSN)[0].sq_psn
        near.mr.write("\0" * size, size)
        before = b.counters()
        near.send(e.IBV_WR_RDMA_READ, sge=near.sge(size), to=(far.mr.buf, far.mr.rkey))
        b.counted(before, tx_packets=1)
        b.inject(bth(near.qp.qp_num, psn, opcode, ack=False) + aeth(0) + b"r" * rest)
        near.sent(status)
        check("data", near.mr.read(size, 0), (b"r" if status == ok else b"\0") * size)
        check("state", near.state(), e.IBV_QPS_RTS if status == ok else e.IBV_QPS_ERR)


def congestion(b):
    """congestion notifications are counted, whatever they say"""
    dropped(b, lambda near, _: bth(near.qp.qp_num, 0, CNP, ack=False) + bytes(16), answered=["cnps"])


def mutated(b):
    """packets with random bits turned over do nothing"""
    near, far = b.pair()

    def forge(_):
        for _ in range(ROUNDS // 16):
            transport = bth(near.qp.qp_num, expected(near)) + b"m" * b.random.randrange(80)
            frame = bytearray(b.frame(transport))
            start = len(frame) - len(transport) - 4
            # Not all at the same place, which would be a good packet again; IP's TOS and TTL are not covered.
            for at in {b.random.randrange(start, len(frame)) for _ in range(b.random.randint(1, 8))}:
                if at != start + 4:
                    frame[at] ^= 1 << b.random.randrange(8)
            frame[-1] ^= 0x10
            b.tx.send(frame)
    before = b.counters()
    under_way(b, near, far, forge)
    b.counted(before, icrc_errors=ROUNDS // 4)
    exchange(near, far)


def nonsense(b):
    """random headers with a good ICRC harm nobody but the queue pair that they name"""
    near, far = b.pair()
    victim, _ = b.pair()

    def forge(_):
        for _ in range(ROUNDS // 16):
            head = bytearray(b.random.randbytes(12 + b.random.randrange(80)))
            head[1] &= 0xf0
            head[2:4] = b"\xff\xff"
            number = victim.qp.qp_num if b.random.random() < 0.8 else b.random.randrange(2, 1 << 24)
            if number == near.qp.qp_num:
                continue
            head[4:8] = struct.pack("!I", number)
            if b.random.random() < 0.7:
                head[0] &= 0x1f
                head[8:12] = struct.pack("!I", b.random.choice([0, 1 << 31]) | (expected(victim) + b.random.choice([0, 0, 1, -1])) & 0xffffff)
            b.inject(bytes(head))
    under_way(b, near, far, forge)
    exchange(near, far)


def refuses(b, packets, event, counter="tx_naks_error"):
    """In-sequence packets of which the last one must be refused: NAK, event, error state."""
    near, far = b.pair()
    exchange(near, far, 1)
    near.recv()
    before = b.counters()
    psn = expected(near)
    for i, (opcode, rest) in enumerate(packets(near)):
        b.inject(bth(near.qp.qp_num, psn + i, opcode) + rest)
    near.fails()
    if event is not None:
        b.near.events(event)
    b.counted(before, **{counter: 1})


def bad_order(b):
    """opcodes out of sequence within messages are invalid requests"""
    full = b"f" * MTU
    write = lambda near, n: reth(near.mr.buf, near.mr.rkey, n)  # noqa: E731
    for packets in (
            lambda near: [(SEND_MIDDLE, full)],
            lambda near: [(SEND_LAST, b"abcd")],
            lambda near: [(WRITE_LAST, b"abcd")],
            lambda near: [(SEND_FIRST, full), (SEND_ONLY, b"abcd")],
            lambda near: [(SEND_FIRST, full), (SEND_FIRST, full)],
            lambda near: [(SEND_FIRST, full), (WRITE_LAST, b"abcd")],
            lambda near: [(WRITE_FIRST, write(near, 2048) + full), (SEND_LAST, b"abcd")],
            lambda near: [(SEND_FIRST, full), (READ, write(near, 64))]):
        refuses(b, packets, e.IBV_EVENT_QP_REQ_ERR)


def bad_payload(b):
    """payload that does not fit opcode, path MTU or announced length is an invalid request"""
    full = b"f" * MTU
    write = lambda near, n: reth(near.mr.buf, near.mr.rkey, n)  # noqa: E731
    for packets in (
            lambda near: [(SEND_FIRST, b"abcd")],
            lambda near: [(SEND_ONLY, full + b"abcd")],
            lambda near: [(SEND_FIRST, full), (SEND_LAST, b"")],
            lambda near: [(SEND_FIRST, full), (SEND_MIDDLE, b"abcd")],
            lambda near: [(WRITE_ONLY, write(near, 8) + b"abcd")],
            lambda near: [(WRITE_ONLY, write(near, 4) + b"abcdefgh")],
            lambda near: [(WRITE_FIRST, write(near, 1028) + full), (WRITE_LAST, b"abcdefgh")],
            lambda near: [(WRITE_ONLY, write(near, 0x80000001) + full)],
            lambda near: [(READ, write(near, 64) + b"abcd")],
            lambda near: [(FETCH_ADD, struct.pack("!QIQQ", near.mr.buf + 4, near.mr.rkey, 1, 0))]):
        refuses(b, packets, e.IBV_EVENT_QP_REQ_ERR)


def bad_key(b):
    """keys that do not fit are remote access errors"""
    for packets in (
            lambda near: [(WRITE_ONLY, reth(near.mr.buf, near.mr.rkey ^ 1, 4) + b"abcd")],
            lambda near: [(WRITE_ONLY, reth(near.mr.buf - 4, near.mr.rkey, 4) + b"abcd")],
            lambda near: [(WRITE_FIRST, reth(near.mr.buf, near.mr.rkey, 1 << 20) + b"f" * MTU)],
            lambda near: [(READ, reth(2**64 - 64, near.mr.rkey, 64))],
            lambda near: [(READ, reth(near.mr.buf, 0, 64))],
            lambda near: [(FETCH_ADD, struct.pack("!QIQQ", near.mr.buf, 0xffffff00, 1, 0))]):
        refuses(b, packets, e.IBV_EVENT_QP_ACCESS_ERR)


def loc_access(b):
    """memory that goes before the last packet, with immediate data: LOC_ACCESS"""
    near, far = b.pair()
    exchange(near, far, 1)
    near.recv()
    mr = MR(near.pd, 4096, e.IBV_ACCESS_LOCAL_WRITE | e.IBV_ACCESS_REMOTE_WRITE)
    psn = expected(near)
    b.inject(bth(near.qp.qp_num, psn, WRITE_FIRST) + reth(mr.buf, mr.rkey, MTU + 4) + b"f" * MTU)
    deadline = time.monotonic() + 10
    while expected(near) == psn and time.monotonic() < deadline:
        time.sleep(0.01)
    check("data", mr.read(MTU, 0), b"f" * MTU)
    mr.close()
    b.inject(bth(near.qp.qp_num, psn + 1, WRITE_LAST_IMM) + b"imm!abcd")
    near.received(e.IBV_WC_LOC_ACCESS_ERR)
    near.fails()


CASES = [good, marked, bad_icrc, bad_ip_sum, bad_lengths, bad_version, bad_pkey, bad_qpn, bad_class, bad_source, behind, ahead,
         bad_answers, read_responses, congestion, mutated, nonsense, bad_order, bad_payload, bad_key, loc_access]


CASES_V6 = [good, marked, bad_icrc, bad_lengths, behind, ahead, read_responses, mutated]


def main(near, gid4, far, far_gid4, gid6, far_gid6):
    return run_cases(Wire(near, gid4, far, far_gid4), CASES, __file__,
                     ("IPv6: ", Wire(near, gid6, far, far_gid6, ipv6), CASES_V6))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:7]))
