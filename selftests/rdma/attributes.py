#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""attributes.py IBDEV GID FAR_IBDEV FAR_GID: attributes that mean nothing are
ignored, and those that mean something are told as they were given."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import pyverbs.enums as e
from pyverbs.addr import AHAttr, GlobalRoute
from pyverbs.qp import QP, QPCap, QPInitAttr
from pyverbs.srq import SRQ, SrqAttr, SrqInitAttr

from verbs import Bench, check, run_cases


def rereg(b):
    """a memory region goes to the protection domain that it has"""
    side = b.side(b.near)
    side.mr.rereg(e.IBV_REREG_MR_CHANGE_PD, side.pd)


def receive_caps(b):
    """what a queue pair with a shared receive queue wants for receiving is ignored"""
    side = b.side(b.near, srq=lambda s: SRQ(s.pd, SrqInitAttr(SrqAttr(max_wr=8, max_sge=1))))
    cap = QPCap(max_send_wr=4, max_recv_wr=1 << 30, max_send_sge=1, max_recv_sge=10000)
    QP(side.pd, QPInitAttr(qp_type=e.IBV_QPT_RC, scq=side.scq, rcq=side.rcq, srq=side.srq, cap=cap)).close()


def service_level(b):
    """the service level comes back, tagged or not"""
    near, far = b.side(b.near), b.side(b.far)
    attr = near.attr(far)
    route = GlobalRoute(dgid=far.device.gid, sgid_index=near.device.gid_index)
    route.hop_limit = 64
    attr.ah_attr = AHAttr(gr=route, is_global=1, port_num=1, sl=5)
    near.qp.to_rts(attr)
    check("service level", near.qp.query(e.IBV_QP_AV)[0].ah_attr.sl, 5)


def smallest_mtu(b):
    """a network device with a tiny MTU leaves 256"""
    subprocess.run(["ip", "link", "set", "tulle0", "mtu", "300"], check=True)
    try:
        check("active MTU", b.near.context.query_port(1).active_mtu, e.IBV_MTU_256)
    finally:
        subprocess.run(["ip", "link", "set", "tulle0", "mtu", "4200"], check=True)


sys.exit(run_cases(Bench(*sys.argv[1:5]), [rereg, receive_caps, service_level, smallest_mtu], __file__))
