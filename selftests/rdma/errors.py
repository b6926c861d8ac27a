#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""errors.py IBDEV GID FAR_IBDEV FAR_GID: errors of every class, provoked on
purpose, give the completion and the asynchronous event that IBTA names, and
events that are no errors come when they should. The same within the device, where
requests are executed without packets."""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import pyverbs.enums as e
from pyverbs.addr import AH
from pyverbs.mr import MR, MW, MWBindInfo
from pyverbs.pd import PD
from pyverbs.pyverbs_error import PyverbsRDMAError
from pyverbs.srq import SRQ, SrqAttr, SrqInitAttr
from pyverbs.wr import SGE, RecvWR, SendWR

from verbs import ACCESS, REMOTE, Bench, Failed, check, exchange, names, run_cases

OK, FLUSH = e.IBV_WC_SUCCESS, e.IBV_WC_WR_FLUSH_ERR
REQ_ERR, ACCESS_ERR = e.IBV_EVENT_QP_REQ_ERR, e.IBV_EVENT_QP_ACCESS_ERR
BAD_KEYS = (0, 1, 0xffffffff, 0xdeadbeef)


def target(side, offset=0):
    return side.mr.buf + offset, side.mr.rkey


def refused(b, status, event, opcode, to, **kw):
    """One request that the far end refuses: its status here, its event there."""
    near, far = b.pair(**kw)
    near.send(opcode, to=to(far))
    near.sent(status)
    near.fails()
    far.fails()
    if event is not None:
        b.far.events(event)


def ordinary(b):
    """messages of good queue pairs arrive, nothing else"""
    exchange(*b.pair())
    b.near.quiet(REQ_ERR, ACCESS_ERR, e.IBV_EVENT_QP_FATAL)
    b.far.quiet(REQ_ERR, ACCESS_ERR, e.IBV_EVENT_QP_FATAL)


def loc_len(b):
    """LOC_LEN: message longer than the receive request; REM_INV_REQ at its sender"""
    near, far = b.pair()
    far.recv(sge=far.sge(100))
    far.recv(wr_id=2)
    near.send(sge=near.sge(101))
    near.sent(e.IBV_WC_REM_INV_REQ_ERR)
    far.received(e.IBV_WC_LOC_LEN_ERR, FLUSH)
    near.fails()
    far.fails()
    # The completion tells of it already.
    b.far.quiet(REQ_ERR, ACCESS_ERR)


def loc_len_many(b):
    """LOC_LEN: found in a later packet of the message"""
    near, far = b.pair()
    far.recv(sge=far.sge(4000))
    near.send(sge=near.sge(5000))
    near.sent(e.IBV_WC_REM_INV_REQ_ERR)
    far.received(e.IBV_WC_LOC_LEN_ERR)


def ud_too_long(b):
    """UD: a datagram longer than the path MTU ends with LOC_LEN, SQE, and the QP recovers"""
    near, far = b.pair(kind=e.IBV_QPT_UD)
    ah = AH(near.pd, attr=near.attr(far).ah_attr)
    near.extra.append(ah)
    near.send(sge=near.sge(8192), ah=ah, to=far.qp.qp_num)
    near.send(wr_id=2, ah=ah, to=far.qp.qp_num)
    near.sent(e.IBV_WC_LOC_LEN_ERR, FLUSH)
    check("state", near.state(), e.IBV_QPS_SQE)
    near.set_state(e.IBV_QPS_RTS, e.IBV_QP_CUR_STATE, cur_qp_state=e.IBV_QPS_SQE)
    far.recv()
    near.send(ah=ah, to=far.qp.qp_num)
    near.sent(OK)
    far.received(OK)


def loc_qp_op(b):
    """LOC_QP_OP: an atomic operation on an address that is not aligned"""
    near, far = b.pair()
    near.send(e.IBV_WR_ATOMIC_FETCH_AND_ADD, sge=near.sge(8), to=(*target(far, 4), 1, 0))
    near.sent(e.IBV_WC_LOC_QP_OP_ERR)
    near.fails()
    check("far state", far.state(), e.IBV_QPS_RTS)


def loc_prot_send(b):
    """LOC_PROT: keys that are none, beyond the region, of another PD"""
    other = b.side(b.near)
    for key in BAD_KEYS:
        near, far = b.pair()
        far.recv()
        near.send(sge=near.sge(lkey=key))
        near.send(wr_id=2)
        near.sent(e.IBV_WC_LOC_PROT_ERR, FLUSH)
        check("far state", far.state(), e.IBV_QPS_RTS)
    for sge in (lambda s: s.sge(64, offset=16384 - 63), lambda s: s.sge(64, offset=-1),
                lambda s: SGE(other.mr.buf, 64, other.mr.lkey)):
        near, far = b.pair()
        far.recv()
        near.send(sge=sge(near))
        near.sent(e.IBV_WC_LOC_PROT_ERR)
        near.fails()


def loc_prot_read(b):
    """LOC_PROT: RDMA READ into memory without local write access"""
    near, far = b.pair()
    mr = MR(near.pd, 4096, 0)
    near.extra.append(mr)
    near.send(e.IBV_WR_RDMA_READ, sge=SGE(mr.buf, 64, mr.lkey), to=target(far))
    near.sent(e.IBV_WC_LOC_PROT_ERR)
    near.fails()


def rem_op(b):
    """LOC_PROT of a receive request; REM_OP at the sender"""
    for key in BAD_KEYS:
        near, far = b.pair()
        far.recv(sge=far.sge(lkey=key))
        near.send()
        near.sent(e.IBV_WC_REM_OP_ERR)
        far.received(e.IBV_WC_LOC_PROT_ERR)
        near.fails()
        far.fails()


def flush_order(b):
    """WR_FLUSH: in the order of posting, unsignalled ones too, each once"""
    near, far = b.pair()
    for i in range(4):
        far.recv(wr_id=100 + i)
    near.send(wr_id=1, flags=0)
    near.send(wr_id=2, flags=0, sge=near.sge(lkey=0))
    for i in range(3, 8):
        near.send(wr_id=i, flags=e.IBV_SEND_SIGNALED if i % 2 else 0)
    done = near.poll(near.scq, 7, seconds=3)
    check("order", [wc.wr_id for wc in done], [2, 3, 4, 5, 6, 7])
    check("statuses", names(wc.status for wc in done), names([e.IBV_WC_LOC_PROT_ERR] + [FLUSH] * 5))
    far.set_state(e.IBV_QPS_ERR)
    done = far.poll(far.rcq, 4)
    check("receive order", [wc.wr_id for wc in done], [100, 101, 102, 103])
    check("receive statuses", names(wc.status for wc in done), names([OK] + [FLUSH] * 3))
    # What is posted in the error state is flushed as well.
    near.send(wr_id=9, flags=0)
    far.recv(wr_id=104)
    near.sent(FLUSH)
    far.received(FLUSH)


def mw_bind(b):
    """MW_BIND: windows beyond the region, without its rights, of another PD"""
    def plain(s, _):
        mr = MR(s.pd, 4096, e.IBV_ACCESS_LOCAL_WRITE)
        s.extra.append(mr)
        return mr, mr.buf, 64

    def foreign(_, other):
        return other.mr, other.mr.buf, 64

    def beyond(s, _):
        return s.mr, s.mr.buf + 16384 - 32, 64

    def good(s, _):
        return s.mr, s.mr.buf, 64

    other = b.side(b.near)
    for choose, status in ((good, OK), (plain, e.IBV_WC_MW_BIND_ERR), (foreign, e.IBV_WC_MW_BIND_ERR),
                           (beyond, e.IBV_WC_MW_BIND_ERR)):
        near, _ = b.pair()
        mr, addr, length = choose(near, other)
        mw = MW(near.pd, e.IBV_MW_TYPE_2)
        near.extra.append(mw)
        wr = SendWR(1, opcode=e.IBV_WR_BIND_MW, num_sge=0, sg=None, send_flags=e.IBV_SEND_SIGNALED)
        wr.set_bind_wr(mw, MWBindInfo(mr, addr, length, e.IBV_ACCESS_REMOTE_READ))
        near.qp.post_send(wr)
        near.sent(status)
        if status != OK:
            near.fails()


def imm_without_access(b):
    """WRITE with immediate data by a bad key: REM_ACCESS, and the receive request is flushed"""
    near, far = b.pair()
    far.recv()
    near.send(e.IBV_WR_RDMA_WRITE_WITH_IMM, to=(far.mr.buf, far.mr.rkey ^ 0x55))
    near.sent(e.IBV_WC_REM_ACCESS_ERR)
    far.received(FLUSH)
    b.far.events(ACCESS_ERR)


def rem_inv_req(b):
    """REM_INV_REQ: operations that the queue pair does not take"""
    none = {"far_attr": {"qp_access_flags": e.IBV_ACCESS_LOCAL_WRITE}}
    refused(b, e.IBV_WC_REM_INV_REQ_ERR, REQ_ERR, e.IBV_WR_RDMA_READ, target, **none)
    refused(b, e.IBV_WC_REM_INV_REQ_ERR, REQ_ERR, e.IBV_WR_RDMA_WRITE, target, **none)
    near, far = b.pair(**none)
    near.send(e.IBV_WR_ATOMIC_FETCH_AND_ADD, sge=near.sge(8), to=(*target(far), 1, 0))
    near.sent(e.IBV_WC_REM_INV_REQ_ERR)
    b.far.events(REQ_ERR)
    refused(b, e.IBV_WC_REM_INV_REQ_ERR, REQ_ERR, e.IBV_WR_RDMA_READ, target,
            far_attr={"max_dest_rd_atomic": 0})


def rem_access(b):
    """REM_ACCESS: keys that are none, stale, of another PD, beyond, without the right"""
    other = b.side(b.far)
    gone = MR(other.pd, 4096, e.IBV_ACCESS_LOCAL_WRITE | e.IBV_ACCESS_REMOTE_WRITE)
    stale = gone.buf, gone.rkey
    gone.close()

    def readonly(far):
        mr = MR(far.pd, 4096, e.IBV_ACCESS_LOCAL_WRITE | e.IBV_ACCESS_REMOTE_READ)
        far.extra.append(mr)
        return mr.buf, mr.rkey

    wants = [lambda far, k=k: (far.mr.buf, k) for k in BAD_KEYS]
    wants += [lambda far: stale, lambda far: target(other), lambda far: target(far, 16384 - 63),
              lambda far: target(far, -1), lambda far: (0, far.mr.rkey), lambda far: (2**64 - 32, far.mr.rkey),
              readonly]
    for to in wants:
        refused(b, e.IBV_WC_REM_ACCESS_ERR, ACCESS_ERR, e.IBV_WR_RDMA_WRITE, to)
    near, far = b.pair()
    near.send(e.IBV_WR_RDMA_READ, to=target(other))
    near.sent(e.IBV_WC_REM_ACCESS_ERR)
    b.far.events(ACCESS_ERR)
    near, far = b.pair()
    near.send(e.IBV_WR_ATOMIC_CMP_AND_SWP, sge=near.sge(8), to=(*readonly(far), 0, 1))
    near.sent(e.IBV_WC_REM_ACCESS_ERR)
    b.far.events(ACCESS_ERR)


def retry_exceeded(b):
    """RETRY_EXC: a number that nobody has, a partner that is reset, one that is gone"""
    near, far = b.pair(near_attr={"dest_qp_num": 0xabcdef, "timeout": 8})
    near.send()
    near.send(wr_id=2)
    near.sent(e.IBV_WC_RETRY_EXC_ERR, FLUSH)
    near.fails()
    near, far = b.pair(near_attr={"timeout": 8})
    far.set_state(e.IBV_QPS_RESET)
    near.send(e.IBV_WR_RDMA_WRITE, to=target(far))
    near.sent(e.IBV_WC_RETRY_EXC_ERR)
    near, far = b.pair(near_attr={"timeout": 8})
    to = target(far)
    b.sides.remove(far)
    far.close()
    near.send(e.IBV_WR_RDMA_READ, to=to)
    near.sent(e.IBV_WC_RETRY_EXC_ERR)


def rnr_retry_exceeded(b):
    """RNR_RETRY_EXC: no receive request, in spite of retries"""
    near, far = b.pair(near_attr={"rnr_retry": 2}, far_attr={"min_rnr_timer": 1})
    near.send()
    near.send(wr_id=2)
    near.sent(e.IBV_WC_RNR_RETRY_EXC_ERR, FLUSH)
    near.fails()
    check("far state", far.state(), e.IBV_QPS_RTS)
    # One that comes in time.
    near, far = b.pair(near_attr={"rnr_retry": 7})
    near.send()
    time.sleep(0.2)
    far.recv()
    near.sent(OK)
    far.received(OK)


def cq_overrun(b):
    """a CQ that overruns: CQ_ERR, and QP_FATAL for the queue pairs on it"""
    near, far = b.pair(far={"cqe": 3})
    room = far.rcq.cqe
    check("room", room < 30, True)
    for i in range(room + 2):
        far.recv(wr_id=i)
    for i in range(room + 2):
        near.send(wr_id=i)
    b.far.events(e.IBV_EVENT_CQ_ERR, e.IBV_EVENT_QP_FATAL)
    far.fails()
    exchange(*b.pair())


def shared(max_wr=16, limit=0):
    return lambda side: SRQ(side.pd, SrqInitAttr(SrqAttr(max_wr=max_wr, max_sge=1, srq_limit=limit)))


def srq_limit(b):
    """an SRQ that falls below its limit tells so, once"""
    near, far = b.pair(far={"srq": shared()})
    for i in range(8):
        far.recv(wr_id=i)
    far.srq.modify(SrqAttr(srq_limit=6), e.IBV_SRQ_LIMIT)
    near.send()
    near.send(wr_id=2)
    near.sent(OK, OK)
    b.far.quiet(e.IBV_EVENT_SRQ_LIMIT_REACHED)
    near.send(wr_id=3)
    b.far.events(e.IBV_EVENT_SRQ_LIMIT_REACHED)
    near.send(wr_id=4)
    near.sent(OK, OK)
    b.far.quiet(e.IBV_EVENT_SRQ_LIMIT_REACHED)
    check("limit", far.srq.query().srq_limit, 0)


def last_wqe(b):
    """LAST_WQE_REACHED: a queue pair with an SRQ enters the error state"""
    _, far = b.pair(far={"srq": shared()})
    far.recv()
    far.set_state(e.IBV_QPS_ERR)
    b.far.events(e.IBV_EVENT_QP_LAST_WQE_REACHED)


def sq_drained(b):
    """SQ_DRAINED: once what was begun is done; the rest goes on afterwards"""
    near, far = b.pair(near_attr={"rnr_retry": 7}, far_attr={"min_rnr_timer": 1})
    near.send()
    near.set_state(e.IBV_QPS_SQD, e.IBV_QP_EN_SQD_ASYNC_NOTIFY, en_sqd_async_notify=1)
    b.near.quiet(e.IBV_EVENT_SQ_DRAINED)
    near.send(wr_id=2)
    far.recv()
    far.recv(wr_id=2)
    near.sent(OK)
    b.near.events(e.IBV_EVENT_SQ_DRAINED)
    check("more", len(near.poll(near.scq, seconds=0.3)), 0)
    near.set_state(e.IBV_QPS_RTS)
    near.sent(OK)
    far.received(OK, OK)


def comm_est(b):
    """COMM_EST: a message before the state that waits for it"""
    near, far = b.side(b.near), b.side(b.far)
    far.qp.to_rtr(far.attr(near))
    far.recv()
    near.qp.to_rts(near.attr(far))
    near.send()
    near.sent(OK)
    far.received(OK)
    b.far.events(e.IBV_EVENT_COMM_EST)


def run(*words):
    subprocess.run(words, check=True)


def port_events(b):
    """PORT_ERR and PORT_ACTIVE with the link, at both ends"""
    try:
        run("ip", "link", "set", "tulle0", "down")
        b.near.events(e.IBV_EVENT_PORT_ERR)
        b.far.events(e.IBV_EVENT_PORT_ERR)
        check("port state", b.near.context.query_port(1).state, e.IBV_PORT_DOWN)
    finally:
        run("ip", "link", "set", "tulle0", "up")
    b.near.events(e.IBV_EVENT_PORT_ACTIVE)
    b.far.events(e.IBV_EVENT_PORT_ACTIVE)
    check("port state", b.near.context.query_port(1).state, e.IBV_PORT_ACTIVE)


def gid_change(b):
    """GID_CHANGE when an address comes and when it goes"""
    run("ip", "addr", "add", "192.0.9.1/24", "dev", "tulle0")
    b.near.events(e.IBV_EVENT_GID_CHANGE)
    run("ip", "addr", "del", "192.0.9.1/24", "dev", "tulle0")
    b.near.events(e.IBV_EVENT_GID_CHANGE)


def wrong_modify(b):
    """transitions and attributes that are not allowed are refused, and nothing changes"""
    near, far = b.pair()
    for state in (e.IBV_QPS_INIT, e.IBV_QPS_RTR):
        try:
            near.set_state(state)
        except PyverbsRDMAError:
            continue
        raise Failed(f"state {state} was taken")
    try:
        b.side(b.near).qp.to_rtr(near.attr(far, path_mtu=9))
        raise Failed("a path MTU of 9 was taken")
    except PyverbsRDMAError:
        pass
    exchange(near, far)


def full_queues(b):
    """a full queue refuses, and goes on when there is room"""
    near, far = b.pair(near_attr={"rnr_retry": 7}, far_attr={"min_rnr_timer": 1})
    n = 0
    try:
        while n < 4096:
            near.send(wr_id=n)
            n += 1
    except PyverbsRDMAError:
        pass
    check("it filled", 32 <= n < 4096, True)
    for i in range(n):
        far.qp.post_recv(RecvWR(i, 1, [far.sge(offset=8192, length=64)]))
        near.sent(OK)
        far.received(OK)
    exchange(near, far)


def flush_right(b):
    """FLUSH: where the far queue pair permits it, else REM_INV_REQ; never to persistence"""
    right = e.IBV_ACCESS_FLUSH_GLOBAL
    for access, kind, status in ((REMOTE | right, e.IBV_FLUSH_GLOBAL, OK),
                                 (REMOTE, e.IBV_FLUSH_GLOBAL, e.IBV_WC_REM_INV_REQ_ERR),
                                 (REMOTE | right, e.IBV_FLUSH_PERSISTENT, e.IBV_WC_REM_ACCESS_ERR)):
        near, far = b.pair(ops=e.IBV_QP_EX_WITH_FLUSH, access=ACCESS | right, far_attr={"qp_access_flags": access})
        told = far.qp.query(e.IBV_QP_ACCESS_FLAGS)[0].qp_access_flags
        check("access of the queue pair", told & right, access & right)
        near.flush(target(far), kind)
        near.sent(status)
    b.far.events(REQ_ERR, ACCESS_ERR)
    try:
        far.extra.append(MR(far.pd, 4096, e.IBV_ACCESS_FLUSH_PERSISTENT))
    except PyverbsRDMAError:
        return
    raise Failed("memory that outlives the machine was registered")


def foreign_pd(b):
    """a receive request with a key of another PD is a protection error"""
    near, far = b.pair()
    pd = PD(b.far.context)
    mr = MR(pd, 4096, e.IBV_ACCESS_LOCAL_WRITE)
    far.extra += [pd, mr]
    far.recv(sge=SGE(mr.buf, 4096, mr.lkey))
    near.send()
    near.sent(e.IBV_WC_REM_OP_ERR)
    far.received(e.IBV_WC_LOC_PROT_ERR)


CASES = [ordinary, loc_len, loc_len_many, ud_too_long, loc_qp_op, loc_prot_send, loc_prot_read, rem_op, foreign_pd,
         flush_order, mw_bind, imm_without_access, flush_right, rem_inv_req, rem_access, retry_exceeded,
         rnr_retry_exceeded, cq_overrun, srq_limit, last_wqe, sq_drained, comm_est, wrong_modify, full_queues,
         port_events, gid_change]


def main(near, near_gid, far, far_gid):
    within = [case for case in CASES if case not in (port_events, gid_change)]
    return run_cases(Bench(near, near_gid, far, far_gid), CASES, __file__,
                     ("within: ", Bench(near, near_gid, near, near_gid), within))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
