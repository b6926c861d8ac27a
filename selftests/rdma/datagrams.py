#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""datagrams.py IBDEV GID FAR_IBDEV FAR_GID LENGTH: a datagram of that many bytes
arrives, one more byte completes with LOC_LEN and the queue pair recovers; on the
way to the far end and within the device."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import pyverbs.enums as e
from pyverbs.addr import AH

from verbs import Device, Side, check, connect

HEADER = 40  # the GRH, in front of what was received


def arrives(near, far, ah, length):
    data = bytes(i * 7 % 251 for i in range(length))
    near.mr.write(data, length, 0)
    far.mr.write(bytes(HEADER + length), HEADER + length, 8192)
    far.recv(sge=far.sge(8192, offset=8192))
    near.send(sge=near.sge(length), ah=ah, to=far.qp.qp_num)
    near.sent(e.IBV_WC_SUCCESS)
    far.received(e.IBV_WC_SUCCESS)
    check("the data are the same", far.mr.read(length, 8192 + HEADER) == data, True)


def too_long(near, far, ah, length):
    near.send(sge=near.sge(length), ah=ah, to=far.qp.qp_num)
    near.sent(e.IBV_WC_LOC_LEN_ERR)
    check("state", near.state(), e.IBV_QPS_SQE)
    near.set_state(e.IBV_QPS_RTS, e.IBV_QP_CUR_STATE, cur_qp_state=e.IBV_QPS_SQE)


def main():
    length = int(sys.argv[5])
    here, there = Device(*sys.argv[1:3]), Device(*sys.argv[3:5])
    for device in (there, here):
        near, far = Side(here, e.IBV_QPT_UD), Side(device, e.IBV_QPT_UD)
        connect(near, far)
        ah = AH(near.pd, attr=near.attr(far).ah_attr)
        near.extra.append(ah)
        arrives(near, far, ah, length)
        too_long(near, far, ah, length + 1)
        arrives(near, far, ah, length)
        near.close()
        far.close()


main()
