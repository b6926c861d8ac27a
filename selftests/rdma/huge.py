#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""huge.py IBDEV: registers a huge page, two of them in one region, and small pages,
says "registered" and waits for a line on stdin, so that others can look."""

import ctypes
import mmap
import sys

import pyverbs.enums as e
from pyverbs.device import Context
from pyverbs.mr import MR
from pyverbs.pd import PD

HUGE = 2 << 20
MAP_HUGETLB = 0x40000


def main(name):
    domain = PD(Context(name=name))
    held = []
    for size, flags in ((HUGE, MAP_HUGETLB), (2 * HUGE, MAP_HUGETLB), (8192, 0)):
        memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | flags)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        held.append((memory, MR(domain, size, e.IBV_ACCESS_LOCAL_WRITE, address=address)))
    print("registered", flush=True)
    sys.stdin.readline()
    for _, region in held:
        region.close()


main(sys.argv[1])
