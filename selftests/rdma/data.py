#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""One RC connection over which every byte is compared.

data.py -d IBDEV -g GID_INDEX -m MTU -p PORT [--quick] [--lossy] [HOST]

Without HOST it serves one client. The client writes, reads back and sends
messages of many sizes, with requests of all kinds in flight together, and counts
with atomics; both ends compare what they find in their memory. Then immediate
data, atomic writes, flushes, and a memory window that a message invalidates: the
last request goes there and is refused, but not with --lossy, as a refusal is said
only once. perftest looks at no data, and programs that do use few kinds of requests.
"""

import argparse
import json
import random
import socket
import sys
import time

from pyverbs import enums as e
from pyverbs.addr import GID, AHAttr, GlobalRoute
from pyverbs.base import inc_rkey
from pyverbs.cq import CQ
from pyverbs.device import Context
from pyverbs.mr import MR, MW, MWBindInfo
from pyverbs.pd import PD
from pyverbs.qp import QPAttr, QPCap, QPEx, QPInitAttrEx
from pyverbs.wr import SGE, RecvWR, SendWR

HALF = 2 << 20  # of the buffer: what the other end sees, what it does not
SIZES = [1, 3, 64, 1023, 1024, 1025, 4095, 4096, 4097, 12289, 65536, 262143, 1 << 20]
QUICK = [1, 1025, 4097, 65536]
ACCESS = (e.IBV_ACCESS_LOCAL_WRITE | e.IBV_ACCESS_REMOTE_WRITE | e.IBV_ACCESS_REMOTE_READ |
          e.IBV_ACCESS_REMOTE_ATOMIC | e.IBV_ACCESS_FLUSH_GLOBAL)
OPS = (e.IBV_QP_EX_WITH_RDMA_WRITE | e.IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM | e.IBV_QP_EX_WITH_SEND |
       e.IBV_QP_EX_WITH_SEND_WITH_IMM | e.IBV_QP_EX_WITH_RDMA_READ | e.IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP |
       e.IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD | e.IBV_QP_EX_WITH_BIND_MW | e.IBV_QP_EX_WITH_SEND_WITH_INV |
       e.IBV_QP_EX_WITH_FLUSH | e.IBV_QP_EX_WITH_ATOMIC_WRITE)
DEPTH = 32
WORDS = 8
RXE_WITH_INV = e.IBV_WC_WITH_INV | 1 << 2
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
        self.soft = opts.d.startswith("rxe")
        # Soft-RoCE tells programs the kernel's flag, which is another one.
        self.with_inv = RXE_WITH_INV if self.soft else e.IBV_WC_WITH_INV
        self.context = Context(name=opts.d)
        self.domain = PD(self.context)
        self.cq = CQ(self.context, 4 * DEPTH)
        self.mr = MR(self.domain, 2 * HALF, ACCESS | e.IBV_ACCESS_MW_BIND)
        caps = QPCap(max_send_wr=DEPTH, max_recv_wr=DEPTH, max_send_sge=1, max_recv_sge=1)
        self.qp = QPEx(self.context, QPInitAttrEx(
            qp_type=e.IBV_QPT_RC, scq=self.cq, rcq=self.cq, cap=caps, sq_sig_all=1, pd=self.domain,
            send_ops_flags=OPS, comp_mask=e.IBV_QP_INIT_ATTR_PD | e.IBV_QP_INIT_ATTR_SEND_OPS_FLAGS))
        psn = random.randrange(1 << 24)
        talk.say({"qpn": self.qp.qp_num, "psn": psn, "rkey": self.mr.rkey, "addr": self.mr.buf, "soft": self.soft,
                  "gid": self.context.query_gid(1, opts.g).gid})
        self.far = talk.hear()
        self.connect(opts, psn)
        # Soft-RoCE's ICRC covers the headers of a FLUSH twice: no other device takes
        # that, nor it another's. And an ATOMIC_WRITE that it repeats goes to address 0.
        self.flushes = 0 if self.soft or self.far["soft"] else 2
        self.words = 0 if self.soft and opts.lossy else WORDS
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

    def post_ex(self, kind, *args, sge=None):
        """What has no place in a SendWR: ibv_wr_KIND()."""
        self.qp.wr_start()
        self.qp.wr_id, self.qp.wr_flags = 1, e.IBV_SEND_SIGNALED
        getattr(self.qp, f"wr_{kind}")(*args)
        if sge:
            self.qp.wr_set_sge(sge[0])
        self.qp.wr_complete()

    def there(self, offset=0):
        return self.far["rkey"], self.far["addr"] + offset

    def receive(self, offset, size):
        self.qp.post_recv(RecvWR(num_sge=1, sg=self.sge(offset, size)))

    def wait(self, count, status=e.IBV_WC_SUCCESS):
        done = []
        end = time.monotonic() + LIMIT
        while len(done) < count:
            if time.monotonic() > end:
                raise Wrong(f"{count - len(done)} of {count} completions are missing")
            for wc in self.cq.poll(DEPTH)[1]:
                if wc.status != status:
                    raise Wrong(f"completion with status {wc.status}, not {status}, vendor {wc.vendor_err:#x}")
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


def client_immediate(end, size, imm):
    """A SEND and a WRITE, each with immediate data."""
    data = pattern(size + 1, size)
    end.mr.write(data, size, HALF)
    end.talk.say({"immediate": imm, "size": size})
    end.talk.hear()
    end.post_ex("send_imm", imm, sge=end.sge(HALF, size))
    end.post_ex("rdma_write_imm", *end.there(5), imm ^ 0xffffffff, sge=end.sge(HALF, size))
    end.wait(2)
    end.talk.say("sent")
    end.talk.hear()


def server_immediate(end, size, imm):
    data = pattern(size + 1, size)
    blank = b"\xa5" * (size + 10)
    end.mr.write(blank, len(blank), 0)
    end.mr.write(blank, len(blank), HALF)
    end.receive(HALF + 5, size)
    end.receive(2 * HALF - 8, 8)
    end.talk.say("posted")
    for wc, opcode, want in zip(end.wait(2), (e.IBV_WC_RECV, e.IBV_WC_RECV_RDMA_WITH_IMM),
                                (imm, imm ^ 0xffffffff)):
        got = (wc.opcode, wc.byte_len, wc.wc_flags & e.IBV_WC_WITH_IMM, socket.ntohl(wc.imm_data))
        if got != (opcode, size, e.IBV_WC_WITH_IMM, want):
            raise Wrong(f"opcode, length, flag, immediate data: {got}, not {opcode}, {size}, .., {want}")
    end.talk.hear()
    end.compare("received", HALF, framed(data))
    end.compare("written", 0, framed(data))
    end.talk.say("right")


def client_words(end, size):
    """Atomic writes behind a WRITE, a flush of either kind, and all of it read back."""
    data = pattern(size + 2, size)
    words = pattern(size + 3, 8 * end.words)
    end.mr.write(data, size, HALF)
    end.mr.write(bytes(len(words) + size), len(words) + size, 0)
    end.talk.say({"words": end.words, "size": size})
    end.talk.hear()
    end.post(e.IBV_WR_RDMA_WRITE, HALF, size, far=len(words))
    for at in range(0, len(words), 8):
        end.post_ex("atomic_write", *end.there(at), words[at:at + 8])
    if end.flushes:
        end.post_ex("flush", *end.there(len(words)), size, e.IBV_FLUSH_GLOBAL, e.IBV_FLUSH_RANGE)
        end.post_ex("flush", *end.there(), 0, e.IBV_FLUSH_GLOBAL, e.IBV_FLUSH_MR)
    end.post(e.IBV_WR_RDMA_READ, 0, len(words) + size)
    kinds = [wc.opcode for wc in end.wait(end.words + end.flushes + 2)]
    want = [e.IBV_WC_RDMA_WRITE, *end.words * [e.IBV_WC_ATOMIC_WRITE], *end.flushes * [e.IBV_WC_FLUSH],
            e.IBV_WC_RDMA_READ]
    if kinds != want:
        raise Wrong(f"completions of {kinds}, not {want}")
    end.compare("read", 0, words + data)
    end.talk.say("sent")
    end.talk.hear()


def server_words(end, count, size):
    want = pattern(size + 3, 8 * count) + pattern(size + 2, size) + b"\xa5" * 8
    end.mr.write(b"\xa5" * len(want), len(want), 0)
    end.talk.say("blank")
    end.talk.hear()
    end.compare("atomic writes and the WRITE", 0, want)
    end.talk.say("right")


def client_window(end, size, lossy):
    """Through a window, and the message that closes it."""
    data = pattern(size + 4, size)
    end.mr.write(data, size, HALF)
    end.talk.say({"window": size})
    rkey = end.talk.hear()
    end.post_ex("rdma_write", rkey, end.far["addr"] + 5, sge=end.sge(HALF, size))
    end.post_ex("send_inv", rkey, sge=end.sge(HALF, size))
    end.wait(2)
    end.talk.say("sent")
    end.talk.hear()
    if not lossy:
        end.post_ex("rdma_write", rkey, end.far["addr"] + 5, sge=end.sge(0, size))
        end.wait(1, e.IBV_WC_REM_ACCESS_ERR)
    end.talk.say("refused")
    end.talk.hear()


def server_window(end, size):
    data = pattern(size + 4, size)
    end.mr.write(b"\xa5" * (size + 10), size + 10, 0)
    window = MW(end.domain, e.IBV_MW_TYPE_2)
    rkey = inc_rkey(window.rkey)
    end.post_ex("bind_mw", window, rkey, MWBindInfo(end.mr, end.mr.buf + 5, size, e.IBV_ACCESS_REMOTE_WRITE))
    end.wait(1)
    end.receive(HALF, size)
    end.talk.say(rkey)
    wc = end.wait(1)[0]
    # The key is in a union with the immediate data.
    if (wc.byte_len, wc.imm_data) != (size, rkey) or not wc.wc_flags & end.with_inv:
        raise Wrong(f"length, key, flags: {wc.byte_len}, {wc.imm_data}, {wc.wc_flags}, not {size}, {rkey}")
    end.talk.hear()
    end.compare("written through the window", 0, framed(data))
    end.compare("received with invalidate", HALF, data)
    end.talk.say("right")
    end.talk.hear()
    end.compare("not written through what is no window", 0, framed(data))
    end.talk.say("right")
    window.close()


def client(end, opts):
    count = DEPTH if opts.quick else 8 * DEPTH
    for size in QUICK if opts.quick else SIZES:
        client_message(end, size)
    end.talk.say({"count": count})
    end.talk.hear()
    client_count(end, count)
    end.talk.say("counted")
    end.talk.hear()
    for size in [0, 7, *QUICK]:
        client_immediate(end, size, 0x01020304 + size)
    for size in QUICK:
        client_words(end, size)
    client_window(end, 4097, opts.lossy)


def server_count(end, count):
    end.mr.write(bytes(8), 8, 0)
    end.talk.say("zero")
    end.talk.hear()
    want = 3 * count + DEPTH // 2
    if end.word(0) != want:
        raise Wrong(f"the counter stands at {end.word(0)}, not at {want}")
    end.talk.say("right")


def server(end):
    what = {}
    while "window" not in what:
        what = end.talk.hear()
        if "count" in what:
            server_count(end, what["count"])
        elif "immediate" in what:
            server_immediate(end, what["size"], what["immediate"])
        elif "words" in what:
            server_words(end, what["words"], what["size"])
        elif "window" in what:
            server_window(end, what["window"])
        else:
            server_message(end, what["size"])


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
    for name in ("--quick", "--lossy"):
        parser.add_argument(name, action="store_true")
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
