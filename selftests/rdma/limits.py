#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""limits.py IBDEV GID FAR_IBDEV FAR_GID: what ibv_query_device() calls the most
is what can be had, and one more is refused."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import pyverbs.enums as e
from pyverbs.cq import CQ
from pyverbs.pd import PD
from pyverbs.pyverbs_error import PyverbsError
from pyverbs.qp import QP, QPCap, QPInitAttr
from pyverbs.srq import SRQ, SrqAttr, SrqInitAttr

from verbs import Bench, Failed, check, run_cases


def reaches(what, most, make):
    """make(most) works and make(most + 1) does not."""
    made = make(most)
    try:
        more = make(most + 1)
    except (PyverbsError, OverflowError):
        return made
    more.close()
    raise Failed(f"{what}: {most + 1} was taken, {most} should be the most")


def cqe(b):
    """completion queue entries"""
    ctx = b.near.context
    most = ctx.query_device().max_cqe
    cq = reaches("max_cqe", most, lambda n: CQ(ctx, n))
    check("entries", cq.cqe, most)
    cq.close()


def qp(side, **cap):
    caps = {"max_send_wr": 1, "max_recv_wr": 1, "max_send_sge": 1, "max_recv_sge": 1, **cap}
    return QP(side.pd, QPInitAttr(qp_type=e.IBV_QPT_RC, scq=side.scq, rcq=side.rcq, cap=QPCap(**caps)))


def qp_wr(b):
    """work requests of a queue pair, of any size"""
    side = b.side(b.near)
    attr = b.near.context.query_device()
    most = attr.max_qp_wr
    qp(side, max_recv_wr=most, max_recv_sge=attr.max_sge).close()
    qp(side, max_send_wr=most, max_send_sge=attr.max_sge).close()
    # Of one kind, or small, there may be more, but not without end.
    for kind in ("max_send_wr", "max_recv_wr"):
        try:
            qp(side, **{kind: 1 << 16}).close()
        except PyverbsError:
            continue
        raise Failed(f"{kind}: 65536 were taken")


def qp_sge(b):
    """scatter and gather entries"""
    side = b.side(b.near)
    most = b.near.context.query_device().max_sge
    reaches("receive", most, lambda n: qp(side, max_recv_sge=n)).close()
    qp(side, max_send_sge=most).close()


def srq(b):
    """a shared receive queue's requests and entries"""
    pd = PD(b.near.context)
    attr = b.near.context.query_device()
    reaches("max_srq_wr", attr.max_srq_wr,
            lambda n: SRQ(pd, SrqInitAttr(SrqAttr(max_wr=n, max_sge=1)))).close()
    reaches("max_srq_sge", attr.max_srq_sge,
            lambda n: SRQ(pd, SrqInitAttr(SrqAttr(max_wr=1, max_sge=n)))).close()
    pd.close()


def rd_atomic(b):
    """outstanding RDMA READs of a connection"""
    attr = b.near.context.query_device()
    for name, most in (("max_rd_atomic", attr.max_qp_init_rd_atom), ("max_dest_rd_atomic", attr.max_qp_rd_atom)):
        b.pair(near_attr={name: most})
        one, two = b.side(b.near), b.side(b.far)
        try:
            one.qp.to_rts(one.attr(two, **{name: most + 1}))
        except PyverbsError:
            continue
        raise Failed(f"{name} {most + 1} was taken")


def pds(b):
    """protection domains: all of them, and again"""
    ctx = b.near.context
    most = ctx.query_device().max_pd
    made = []
    try:
        while len(made) <= most:
            made.append(PD(ctx))
    except PyverbsError:
        pass
    n = len(made)
    for pd in made:
        pd.close()
    # The kernel has some of its own.
    check("all but a few of max_pd", most - 16 <= n < most, True)
    PD(ctx).close()


CASES = [cqe, qp_wr, qp_sge, srq, rd_atomic, pds]


if __name__ == "__main__":
    sys.exit(run_cases(Bench(*sys.argv[1:5]), CASES, __file__))
