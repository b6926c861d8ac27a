#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Judges a guest's kernel log: which lines mean that something went wrong.

Usable alone: logcheck.py [--allow REGEX]... FILE; status 1 when lines remain.
"""

import argparse
import re
import sys

# What no healthy run prints. Lines, not words: each pattern stands for one of
# the kernel's own reporters.
MARKERS = [
    r"\bBUG:", r"\bOops\b", r"\bWARNING:", r"Kernel panic", r"general protection fault",
    r"unable to handle (page fault|kernel)", r"\b(divide error|invalid opcode|stack segment):",
    r"\bKASAN:", r"\bKCSAN:", r"\bKMSAN:", r"\bKFENCE:", r"\bUBSAN:", r"\bODEBUG:",
    r"possible (circular|recursive) locking", r"possible (irq lock inversion|.*unsafe locking|.*lock order)",
    r"inconsistent lock state", r"suspicious RCU usage", r"held lock freed", r"Invalid wait context",
    r"bad unlock balance", r"lock held when returning to user", r"sleeping function called from invalid",
    r"scheduling while atomic", r"INFO: task .* blocked for more than", r"blocked for more than \d+ seconds",
    r"rcu: INFO: .*(stall|kthread)", r"rcu_.*detected.*stall", r"(soft|hard) lockup", r"LOCKUP",
    r"DMAR: \[[^]]*\] .*fault", r"DMAR: DRHD: handling fault", r"DMAR: .*[Ff]ault (addr|reason)",
    r"DMA-API:", r"kmemleak: (\d+ new suspected|unreferenced object)", r"kmemleak: .*disabled",
    r"page_pool_release_retry", r"stalled pool shutdown", r"page_pool.*(leak|inflight)", r"Page pool.*leak",
    r"refcount_t:", r"refcount.*(underflow|overflow|saturated|leak)", r"ref_tracker:.*(leak|users at)",
    r"unregister_netdevice: waiting for", r"leaked reference", r"list_(add|del) corruption", r"Bad page (state|map)",
    r"slab.*(corruption|[Rr]edzone|still in use)", r"Slab .*(corrupt|objects remaining)", r"Object .*still in use",
    r"NETDEV WATCHDOG", r"transmit queue \d+ timed out", r"irq \d+: nobody cared", r"Disabling IRQ",
    r"[Oo]ut of memory: Killed", r"page allocation failure", r"[Uu]se-after-free", r"double free",
    r"AER: .*(Correctable|Uncorrectable|Non-[Ff]atal|Fatal|[Cc]orrected|[Uu]ncorrected)",
    r"PCIe Bus Error", r"\bDPC: ", r"scheduling from the idle thread", r"Call Trace:", r"cut here",
    r"lab: (cannot boot|insmod)", r"Modules linked in:", r"corrupted (stack|list|page)",
    r"hw csum failure", r"bad gso", r"caps=\(0x[0-9a-f]+, 0x[0-9a-f]+\)",
]

# Said at boot by the same reporters, in good health.
HARMLESS = [
    r"DMA-API: (preallocated|debugging enabled)", r"kmemleak: Automatic memory scanning",
    r"kmemleak: Kernel memory leak detector initialized", r"AER: enabled with IRQ",
    r"DPC: enabled with IRQ", r"DPC: error containment capabilities", r"ODEBUG: (selftest|\d+ of)",
    r"DMA-API: debug area", r"WARNING: .*(this kernel|bigger than|will only be)",
    r"WARNING! (Consider|The)", r"rcu: .*RCU callback double-/use-after-free debug is enabled", r"page_pool: .*initialized",
]

# The kernel's own mistakes, by the lines that follow a report's title. pciehp of 7.3
# takes this lock and pci_rescan_remove_lock in both orders, in one thread, whatever
# card is plugged. No more than that: a chain that comes through a lock or a function
# of ours is a finding.
KNOWN = [
    r"WARNING: possible circular locking dependency detected .* irq/\d+-pciehp/\d+ is trying to acquire lock: \S+ \(&ctrl->reset_lock\)",
]
KNOWN_LINES = 6
# Where the chain of dependencies ends, which is never further down than this.
CHAIN_END = "other info that might help us debug this"
CHAIN_LINES = 1000
# In a chain: a lock, "-> #1 (name){...}", or what was called, "name+0x1/0x2 [module]".
CHAIN_LINK = re.compile(r"^-> #\d+ |\){[^}]*}|\+0x[0-9a-f]+/0x[0-9a-f]+")
OURS = re.compile(r"tulle|devlink")

# Between these lines of a boot the kernel looks at the device, and no driver has
# said a word yet.
PROBING = r"PCI host bridge to bus"
PROBED = r"Run /init as init process"
DRIVERS = r"\btulle_"
# While the kernel patches its code, an emulated processor may still run the breakpoint
# that is gone already. No card can put one there before it is allowed to write memory.
STALE_CODE = r"Oops: int3: 0000 \[#1\]"

# A permission that also matches one of these lets anything pass.
PROBES = [
    "", "x", "BUG: KASAN: slab-use-after-free in some_function+0x1/0x2",
    "WARNING: CPU: 0 PID: 1 at some/file.c:1 some_function+0x1/0x2",
    "INFO: task some:1 blocked for more than 120 seconds.",
    "DMAR: [DMA Read NO_PASID] Request device [01:00.0] fault addr 0x0",
]
STAMP = re.compile(r"^(<\d+>)?\[\s*\d+\.\d+\](\[\s*[CT]\d+\])? ?")
BLOCK_LINES = 120
# The host asks for this dump itself when a run hangs.
SYSRQ_LINES = 5000


def check_permission(regex):
    """The compiled permission, or an error text when it is none."""
    try:
        permission = re.compile(regex)
    except re.error as err:
        raise ValueError(f"--allow-log {regex!r}: {err}") from err
    if sum(bool(permission.search(probe)) for probe in PROBES) > 0:
        raise ValueError(f"--allow-log {regex!r} would permit anything: name the line that the test provokes")
    return permission


def chain_is_ours(texts):
    """Whether a locking report, given from its title on, leads through code of ours.
    One whose end is not there may do so as well."""
    for text in texts[:CHAIN_LINES]:
        if text.startswith(CHAIN_END):
            return False
        if CHAIN_LINK.search(text) and OURS.search(text):
            return True
    return True


class Judge:
    """Walks a log once and keeps what must not be there."""

    def __init__(self, allow=()):
        self.markers = re.compile("|".join(MARKERS))
        self.harmless = re.compile("|".join(HARMLESS))
        self.known = re.compile("|".join(KNOWN))
        self.allow = [check_permission(regex) for regex in allow]
        self.bad = []
        self.permitted = 0
        self.opening = None

    def lines(self, lines):
        """A report is a block: when its title is permitted, so are its trace and its rule."""
        grace = 0
        texts = [STAMP.sub("", line.rstrip("\r\n")) for line in lines]
        for number, text in enumerate(texts, 1):
            # A packet's dump, which some reports hold, is as long as the packet.
            if not text.startswith("skb "):
                grace -= 1
            if any(permission.search(text) for permission in self.allow):
                self.permitted += 1
                grace = BLOCK_LINES
                self.forget_rule(number)
                continue
            if "end trace" in text:
                grace = 0
                continue
            if not self.markers.search(text) or self.harmless.search(text):
                continue
            if self.known.match(" ".join(texts[number - 1:number - 1 + KNOWN_LINES])) \
                    and not chain_is_ours(texts[number - 1:]):
                grace = BLOCK_LINES
                continue
            if "sysrq: Show Blocked State" in text:
                grace = SYSRQ_LINES
            if grace > 0 and re.search(r"Call Trace:|Modules linked in:", text):
                continue
            if "cut here" in text:
                self.opening = number
            self.bad.append((number, text))
        return self.bad

    def forget_rule(self, number):
        """The "cut here" line before a permitted title was part of its report."""
        if self.opening is not None and self.bad and self.bad[-1][0] == self.opening \
                and number - self.opening <= 2:
            self.bad.pop()
        self.opening = None


def device_was_idle(text):
    """Whether a boot, by its log, ended while nothing had to do with the device: before
    the kernel looked for devices, between that and the loading of our drivers, or by
    what emulation does to code that is being patched."""
    if not text or re.search(DRIVERS, text):
        return False
    return bool(re.search(PROBED, text) or re.search(STALE_CODE, text)) or not re.search(PROBING, text)


def judge_file(path, allow=()):
    with open(path, encoding="utf-8", errors="replace") as log:
        return Judge(allow).lines(log)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--allow", action="append", default=[], metavar="REGEX")
    parser.add_argument("file")
    args = parser.parse_args()
    try:
        bad = judge_file(args.file, args.allow)
    except ValueError as err:
        sys.exit(f"logcheck: {err}")
    for number, text in bad:
        print(f"{number}: {text}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
