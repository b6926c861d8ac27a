#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""One RC connection over which every byte is compared.

data.py -d IBDEV -g GID_INDEX -m MTU -p PORT [--quick] [HOST]

Without HOST it serves one client. The client writes, reads back and sends
messages of many sizes, with requests of all kinds in flight together, and counts
with atomics; both ends compare what they find in their memory. perftest looks at
no data, and programs that do use few kinds of requests.
"""

import argparse
import json
import random
import socket
import sys
import time

from pyverbs import enums as e
from pyverbs.addr import GID, AHAttr, GlobalRoute
from pyverbs.cq import CQ
from pyverbs.device import Context
from pyverbs.mr import MR
from pyverbs.pd import PD
from pyverbs.qp import QP, QPAttr, QPCap, QPInitAttr
from pyverbs.wr import SGE, RecvWR, SendWR

HALF = 2 << 20  # of the buffer: what the other end sees, what it does not
SIZES = [1, 3, 64, 1023, 1024, 1025, 4095, 4096, 4097, 12289, 65536, 262143, 1 << 20]
QUICK = [1, 1025, 4097, 65536]
ACCESS = (e.IBV_ACCESS_LOCAL_WRITE | e.IBV_ACCESS_REMOTE_WRITE | e.IBV_ACCESS_REMOTE_READ |
          e.IBV_ACCESS_REMOTE_ATOMIC)
DEPTH = 32
LIMIT = 100


class Wrong(Exception):
    """The data, or a status, is not what it must be."""


class Talk:
    """One JSON object a line, to keep the ends in step."""

    def __init__(self, sock):
        self.file = sock.makefile("rw")

    def say(self, what):
        print(json.dumps(what), file=self.file, flush=True)

    def hear(self):
        line = self.file.readline()
        if not line:
            raise Wrong("the other end is gone")
        return json.loads(line)


class End:
    def __init__(self, opts, talk):
        self.talk = talk
        self.context = Context(name=opts.d)
        self.domain = PD(self.context)
        self.cq = CQ(self.context, 4 * DEPTH)
        self.mr = MR(self.domain, 2 * HALF, ACCESS)
        caps = QPCap(max_send_wr=DEPTH, max_recv_wr=DEPTH, max_send_sge=1, max_recv_sge=1)
        self.qp = QP(self.domain, QPInitAttr(qp_type=e.IBV_QPT_RC, scq=self.cq, rcq=self.cq, cap=caps,
                                             sq_sig_all=1))
        psn = random.randrange(1 << 24)
        talk.say({"qpn": self.qp.qp_num, "psn": psn, "rkey": self.mr.rkey, "addr": self.mr.buf,
                  "gid": self.context.query_gid(1, opts.g).gid})
        self.far = talk.hear()
        self.connect(opts, psn)
        talk.say("ready")
        talk.hear()

    def connect(self, opts, psn):
        attr = QPAttr(port_num=1)
        attr.qp_access_flags = ACCESS
        self.qp.to_init(attr)
        route = GlobalRoute(dgid=GID(self.far["gid"]), sgid_index=opts.g, hop_limit=64)
        attr.ah_attr = AHAttr(gr=route, is_global=1, port_num=1)
        attr.path_mtu = {1024: e.IBV_MTU_1024, 4096: e.IBV_MTU_4096}[opts.m]
        attr.dest_qp_num = self.far["qpn"]
        attr.rq_psn = self.far["psn"]
        attr.max_dest_rd_atomic = 8
        attr.min_rnr_timer = 12
        self.qp.to_rtr(attr)
        attr.timeout = 14
        attr.retry_cnt = 7
        attr.rnr_retry = 7
        attr.sq_psn = psn
        attr.max_rd_atomic = 8
        self.qp.to_rts(attr)

    def sge(self, offset, size):
        return [SGE(self.mr.buf + offset, size, self.mr.lkey)]

    def post(self, opcode, offset, size, far=0, atomic=None):
        request = SendWR(opcode=opcode, num_sge=1, sg=self.sge(offset, size))
        if atomic:
            request.set_wr_atomic(self.far["rkey"], self.far["addr"] + far, *atomic)
        elif opcode != e.IBV_WR_SEND:
            request.set_wr_rdma(self.far["rkey"], self.far["addr"] + far)
        self.qp.post_send(request)

    def receive(self, offset, size):
        self.qp.post_recv(RecvWR(num_sge=1, sg=self.sge(offset, size)))

    def wait(self, count):
        done = []
        end = time.monotonic() + LIMIT
        while len(done) < count:
            if time.monotonic() > end:
                raise Wrong(f"{count - len(done)} of {count} completions are missing")
            for wc in self.cq.poll(DEPTH)[1]:
                if wc.status:
                    raise Wrong(f"completion with status {wc.status}, vendor {wc.vendor_err:#x}")
                done.append(wc)
        return done

    def compare(self, what, offset, want):
        got = self.mr.read(len(want), offset)
        if got == want:
            return
        at = next(i for i, pair in enumerate(zip(got, want)) if pair[0] != pair[1])
        raise Wrong(f"{what}: {len(want)} bytes differ from byte {at} on: {got[at:at + 16].hex()}, "
                    f"not {want[at:at + 16].hex()}")

    def word(self, offset):
        return int.from_bytes(self.mr.read(8, offset), sys.byteorder)


def pattern(seed, size):
    return random.Random(seed).randbytes(size)


# A message at an odd place, with untouched bytes around it.
def framed(data):
    return b"\xa5" * 5 + data + b"\xa5" * 5


def client_message(end, size):
    """WRITE and READ of the same bytes, and a SEND behind them, all in flight."""
    data = pattern(size, size)
    end.mr.write(framed(data), size + 10, HALF)
    end.mr.write(bytes(size + 10), size + 10, 0)
    end.talk.say({"size": size})
    end.talk.hear()
    end.post(e.IBV_WR_RDMA_WRITE, HALF + 5, size, far=5)
    end.post(e.IBV_WR_RDMA_READ, 5, size, far=5)
    end.post(e.IBV_WR_SEND, HALF + 5, size)
    end.wait(3)
    end.compare("read", 0, bytes(5) + data + bytes(5))
    end.talk.say("sent")
    end.talk.hear()


def server_message(end, size):
    data = pattern(size, size)
    blank = b"\xa5" * (size + 10)
    end.mr.write(blank, len(blank), 0)
    end.mr.write(blank, len(blank), HALF)
    end.receive(HALF + 5, size)
    end.talk.say("posted")
    wc = end.wait(1)[0]
    if wc.byte_len != size:
        raise Wrong(f"{wc.byte_len} bytes received, not {size}")
    end.talk.hear()
    end.compare("written", 0, framed(data))
    end.compare("received", HALF, framed(data))
    end.talk.say("right")


def client_count(end, count):
    """Every fetch-and-add happens once and in its turn, however often it is sent."""
    end.mr.write(bytes(8 * DEPTH), 8 * DEPTH, 0)
    for first in range(0, count, DEPTH):
        for i in range(DEPTH):
            end.post(e.IBV_WR_ATOMIC_FETCH_AND_ADD, 8 * i, 8, atomic=(3, 0))
        end.wait(DEPTH)
        for i in range(DEPTH):
            if end.word(8 * i) != 3 * (first + i):
                raise Wrong(f"add {first + i} found {end.word(8 * i)}, not {3 * (first + i)}")
    # The first of each two finds what it compares with, the second does not.
    for i in range(DEPTH):
        end.post(e.IBV_WR_ATOMIC_CMP_AND_SWP, 8 * i, 8,
                 atomic=(3 * count + i // 2, 3 * count + i // 2 + 1))
    end.wait(DEPTH)
    for i in range(DEPTH):
        want = 3 * count + (i + 1) // 2
        if end.word(8 * i) != want:
            raise Wrong(f"swap {i} found {end.word(8 * i)}, not {want}")


def client(end, opts):
    count = DEPTH if opts.quick else 8 * DEPTH
    for size in QUICK if opts.quick else SIZES:
        client_message(end, size)
    end.talk.say({"count": count})
    end.talk.hear()
    client_count(end, count)
    end.talk.say("counted")
    end.talk.hear()


def server(end):
    while True:
        what = end.talk.hear()
        if "count" in what:
            break
        server_message(end, what["size"])
    end.mr.write(bytes(8), 8, 0)
    end.talk.say("zero")
    end.talk.hear()
    want = 3 * what["count"] + DEPTH // 2
    if end.word(0) != want:
        raise Wrong(f"the counter stands at {end.word(0)}, not at {want}")
    end.talk.say("right")


def serve(opts):
    with socket.create_server(("", opts.p)) as listener:
        sock, _ = listener.accept()
    with sock:
        server(End(opts, Talk(sock)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-d", required=True)
    for name in ("-g", "-m", "-p"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("host", nargs="?")
    opts = parser.parse_args()
    try:
        if opts.host is None:
            serve(opts)
        else:
            with socket.create_connection((opts.host, opts.p)) as sock:
                client(End(opts, Talk(sock)), opts)
    except Wrong as err:
        sys.exit(f"data.py: {err}")


main()
