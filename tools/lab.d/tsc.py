# SPDX-License-Identifier: GPL-2.0
"""How fast this machine's time stamp counter runs, which emulation shows to its guests.

A guest that has to find out by itself compares the counter with an emulated
timer. On a busy machine that goes wrong in one boot of many, and the guest's
clock then runs several times too fast: all its time limits are that much shorter.
"""

import ctypes
import mmap
import platform
import time

# rdtsc; shl $32, %rdx; or %rdx, %rax; ret
CODE = bytes.fromhex("0f3148c1e2204809d0c3")
SPAN = 0.03
TIGHT_NS = 5000
TRIES = 200


def sample(rdtsc):
    """A reading of the counter and its time; of many the one least disturbed."""
    best = None
    for _ in range(TRIES):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        ticks = rdtsc()
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        if best is None or after - before < best[0]:
            best = (after - before, ticks, (before + after) // 2)
        if best[0] < TIGHT_NS:
            break
    return best[1:]


def khz():
    """The frequency in kHz; None where there is no such counter."""
    if platform.machine() != "x86_64":
        return None
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(CODE)
    rdtsc = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    ticks, when = sample(rdtsc)
    time.sleep(SPAN)
    ticks_end, when_end = sample(rdtsc)
    return round((ticks_end - ticks) * 1000000 / (when_end - when))
