# SPDX-License-Identifier: GPL-2.0
"""Connected queue pairs of pyverbs, and asynchronous events with a time limit.

Both ends are in one process: in the lab every namespace sees all devices."""

import os
import select
import time
import traceback

import pyverbs.enums as e
from pyverbs.addr import AHAttr, GlobalRoute
from pyverbs.cq import CQ
from pyverbs.device import Context
from pyverbs.mr import MR
from pyverbs.pd import PD
from pyverbs.pyverbs_error import PyverbsRDMAError
from pyverbs.qp import QP, QPAttr, QPCap, QPEx, QPInitAttr, QPInitAttrEx
from pyverbs.wr import SGE, RecvWR, SendWR

SLOW = 4 if os.uname().release.endswith("-debug") else 1
ACCESS = (e.IBV_ACCESS_LOCAL_WRITE | e.IBV_ACCESS_REMOTE_READ | e.IBV_ACCESS_REMOTE_WRITE |
          e.IBV_ACCESS_REMOTE_ATOMIC | e.IBV_ACCESS_MW_BIND)
REMOTE = e.IBV_ACCESS_REMOTE_READ | e.IBV_ACCESS_REMOTE_WRITE | e.IBV_ACCESS_REMOTE_ATOMIC
SIZE = 16384
STATUS = {getattr(e, n): n for n in dir(e) if n == "IBV_WC_SUCCESS" or n.startswith("IBV_WC_") and n.endswith("_ERR")}
EVENT = {getattr(e, n): n for n in dir(e) if n.startswith("IBV_EVENT_")}


class Failed(Exception):
    """A check did not hold."""


def check(what, got, want):
    if got != want:
        raise Failed(f"{what}: {got}, not {want}")


def names(statuses):
    return [STATUS.get(s, s) for s in statuses]


def event_fds():
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{fd}") == "anon_inode:[infinibandevent]":
                found.add(int(fd))
        except OSError:
            pass  # the folder's own
    return found


class Device:
    def __init__(self, name, gid_index):
        before = event_fds()
        self.context = Context(name=name)
        (self.async_fd,) = event_fds() - before
        self.gid_index = int(gid_index)
        self.gid = self.context.query_gid(1, self.gid_index)

    def event(self, seconds):
        """The next asynchronous event, or None."""
        ready, _, _ = select.select([self.async_fd], [], [], seconds)
        if not ready:
            return None
        event = self.context.get_async_event()
        kind = event.event_type
        event.ack()
        return kind

    def events(self, *want, seconds=10):
        """These events come, in any order; others may lie between."""
        missing, seen = list(want), []
        deadline = time.monotonic() + seconds * SLOW
        while missing and (kind := self.event(max(0, deadline - time.monotonic()))) is not None:
            seen.append(EVENT.get(kind, kind))
            if kind in missing:
                missing.remove(kind)
        if missing:
            raise Failed(f"no {[EVENT[k] for k in missing]}, only {seen}")

    def quiet(self, *unwanted):
        """Takes what has come; none of it is unwanted."""
        while (kind := self.event(0.2)) is not None:
            if kind in unwanted:
                raise Failed(f"unwanted {EVENT[kind]}")


class Side:
    """A queue pair with two CQs and memory of its own; @ops: of wr_*()."""

    def __init__(self, device, kind=e.IBV_QPT_RC, cqe=64, srq=None, sig_all=0, access=ACCESS, pd=None, ops=0):
        self.device, self.kind, self.foreign_pd = device, kind, pd
        self.pd = pd or PD(device.context)
        self.scq, self.rcq = CQ(device.context, 64), CQ(device.context, cqe)
        self.srq = srq(self) if srq else None
        self.mr = MR(self.pd, SIZE, access)
        cap = QPCap(max_send_wr=32, max_recv_wr=0 if srq else 32, max_send_sge=2, max_recv_sge=0 if srq else 2)
        init = {"qp_type": kind, "scq": self.scq, "rcq": self.rcq, "srq": self.srq, "cap": cap, "sq_sig_all": sig_all}
        if ops:
            mask = e.IBV_QP_INIT_ATTR_PD | e.IBV_QP_INIT_ATTR_SEND_OPS_FLAGS
            self.qp = QPEx(device.context, QPInitAttrEx(**init, pd=self.pd, send_ops_flags=ops, comp_mask=mask))
        else:
            self.qp = QP(self.pd, QPInitAttr(**init))
        self.extra = []  # closed before the rest, last one first

    def close(self):
        for obj in reversed(self.extra):
            obj.close()
        for obj in (self.qp, self.mr, self.srq, self.scq, self.rcq, None if self.foreign_pd else self.pd):
            if obj is not None:
                obj.close()

    def attr(self, peer, **over):
        attr = QPAttr(port_num=1)
        attr.qp_access_flags = REMOTE | e.IBV_ACCESS_LOCAL_WRITE
        attr.path_mtu = e.IBV_MTU_1024
        attr.dest_qp_num = peer.qp.qp_num
        attr.max_rd_atomic = attr.max_dest_rd_atomic = 4
        attr.min_rnr_timer, attr.timeout, attr.retry_cnt, attr.rnr_retry = 12, 12, 3, 3
        attr.rq_psn, attr.sq_psn = 0x1000, 0x1000
        route = GlobalRoute(dgid=peer.device.gid, sgid_index=self.device.gid_index)
        route.hop_limit = 64
        attr.ah_attr = AHAttr(gr=route, is_global=1, port_num=1)
        if self.kind == e.IBV_QPT_UD:
            attr.qkey = 0x1234
        for name, value in over.items():
            setattr(attr, name, value)
        return attr

    def state(self):
        return self.qp.query(e.IBV_QP_STATE)[0].qp_state

    def set_state(self, state, mask=0, **over):
        attr = QPAttr()
        attr.qp_state = state
        for name, value in over.items():
            setattr(attr, name, value)
        self.qp.modify(attr, e.IBV_QP_STATE | mask)

    def sge(self, length=64, offset=0, lkey=None):
        return SGE(self.mr.buf + offset, length, self.mr.lkey if lkey is None else lkey)

    def recv(self, wr_id=1, sge=None):
        (self.srq or self.qp).post_recv(RecvWR(wr_id, 1, [sge or self.sge(offset=8192, length=4096)]))

    def send(self, opcode=e.IBV_WR_SEND, wr_id=1, sge=None, flags=e.IBV_SEND_SIGNALED, to=None, ah=None):
        """@to: (address, rkey) of RDMA, and an atomic's two operands."""
        wr = SendWR(wr_id, opcode=opcode, num_sge=1, sg=[sge or self.sge()], send_flags=flags)
        if ah:
            wr.set_wr_ud(ah, to, 0x1234)
        elif to and len(to) > 2:
            wr.set_wr_atomic(to[1], to[0], *to[2:])
        elif to:
            wr.set_wr_rdma(to[1], to[0])
        self.qp.post_send(wr)

    def flush(self, to, kind=e.IBV_FLUSH_GLOBAL, length=64):
        self.qp.wr_start()
        self.qp.wr_id, self.qp.wr_flags = 1, e.IBV_SEND_SIGNALED
        self.qp.wr_flush(to[1], to[0], length, kind, e.IBV_FLUSH_RANGE)
        self.qp.wr_complete()

    def poll(self, cq, n=1, seconds=20):
        """Completions of @cq: n of them, or fewer when time is up."""
        done = []
        deadline = time.monotonic() + seconds * SLOW
        while len(done) < n and time.monotonic() < deadline:
            done += cq.poll(n - len(done))[1]
        return done

    def sent(self, *want, seconds=20):
        check("send completions", names(wc.status for wc in self.poll(self.scq, len(want), seconds)), names(want))

    def received(self, *want, seconds=20):
        check("receive completions", names(wc.status for wc in self.poll(self.rcq, len(want), seconds)), names(want))

    def fails(self, seconds=10):
        """The queue pair comes to the error state."""
        deadline = time.monotonic() + seconds * SLOW
        while (state := self.state()) != e.IBV_QPS_ERR and time.monotonic() < deadline:
            time.sleep(0.05)
        check("state", state, e.IBV_QPS_ERR)


def connect(near, far, near_attr=None, far_attr=None):
    near.qp.to_rts(near.attr(far, **(near_attr or {})))
    far.qp.to_rts(far.attr(near, **(far_attr or {})))


def exchange(near, far, n=4, size=3000):
    """Messages both ways; their bytes are compared."""
    for src, dst in ((near, far), (far, near)):
        for i in range(n):
            text = bytes([65 + i % 26]) * size
            src.mr.write(text.decode(), size)
            dst.mr.write("\0" * size, size, 8192)
            dst.recv(wr_id=i)
            src.send(wr_id=i, sge=src.sge(length=size))
            dst.received(e.IBV_WC_SUCCESS)
            src.sent(e.IBV_WC_SUCCESS)
            if dst.mr.read(size, 8192) != text:
                raise Failed("data differ")


class Bench:
    """A device at each end, and the queue pairs of the case that runs."""

    def __init__(self, near, near_gid, far, far_gid):
        self.near, self.far = Device(near, near_gid), Device(far, far_gid)
        self.sides = []

    def side(self, device, **kw):
        side = Side(device, **kw)
        self.sides.append(side)
        return side

    def pair(self, near_attr=None, far_attr=None, far=None, **kw):
        """Two fresh queue pairs, connected; from near to far."""
        one, two = self.side(self.near, **kw), self.side(self.far, **{**kw, **(far or {})})
        connect(one, two, near_attr, far_attr)
        return one, two

    def clean(self):
        while self.sides:
            self.sides.pop().close()
        self.near.quiet()
        self.far.quiet()


def run_cases(bench, cases, path, *more):
    """Each case gets the bench, which is cleaned behind it; @more: (prefix of the
    names, bench, cases). TAP; returns the exit status."""
    bad = 0
    print("TAP version 13")
    rounds = [(prefix, b, case) for prefix, b, some in (("", bench, cases), *more) for case in some]
    for n, (prefix, b, case) in enumerate(rounds, 1):
        why = ""
        try:
            case(b)
        except Exception as err:  # whatever it is, the other cases go on
            lines = [frame.lineno for frame in traceback.extract_tb(err.__traceback__) if frame.filename == path]
            why = f"line {lines[-1]}: {type(err).__name__}: {err}"
        try:
            b.clean()
        except (Failed, PyverbsRDMAError) as err:
            why = why or f"afterwards: {err}"
        bad += bool(why)
        print(f"{'not ok' if why else 'ok'} {n} {prefix}{case.__doc__}" + (f" # {why}" if why else ""), flush=True)
    print(f"1..{len(rounds)}")
    return bad > 0
