# SPDX-License-Identifier: GPL-2.0
"""Runs a group of tests in one lab guest and takes its output apart again.

The guest prints a line at the beginning and at the end of each test and, after
it, what the kernel logged meanwhile. When the guest dies, the test that was
running has failed and the rest begins in a fresh guest.
"""

import importlib.util
import os
import shlex
import subprocess

from . import tap

MARK = "@@tulle-test"
BOOT_GRACE = 300
TEST_GRACE = 30
LAB_FAILED = 125
# What tools/lab returns on its own account: out of time, failed, killed.
LAB_ENDINGS = (124, LAB_FAILED, 137, -9, -15)
KERNEL_LOG = "kernel log"

LOOP = r"""
cd {top} || exit 125
one() {{
	echo "{mark} begin $1"
	echo "{mark} $1;" >/dev/kmsg
	# It switches itself off at its first report, whoever that was about.
	! grep -qs "debug_locks: *0" /proc/lockdep_stats || echo "BUG: lockdep is off" >/dev/kmsg
	timeout -k 10 "$2" bash -c "$3" </dev/null 2>&1
	rc=$?
	echo
	echo "{mark} end $1 $rc"
	dmesg | awk -v mark="{mark} $1;" 'on {{ print "{mark} log " $0 }} index($0, mark) {{ on = 1 }}'
	echo "{mark} done $1"
}}
"""


def load_logcheck(top):
    """The lab's own judge of kernel logs; the list of markers exists once."""
    path = os.path.join(top, "tools", "lab.d", "logcheck.py")
    spec = importlib.util.spec_from_file_location("logcheck", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Outcome:
    """What one test left behind."""

    def __init__(self, test):
        self.test = test
        self.text = []
        self.log = []
        self.status = None

    def cases(self, logcheck, permits):
        text = "".join(self.text)
        if self.status is None:
            cases = tap.parse(text)[0]
            cases.append(tap.Case("", tap.FAIL, "the guest died or ran out of time"))
        else:
            cases = tap.judge(text, self.status)
        bad = logcheck.Judge(allowed_log(self.test)).lines(self.log)
        if bad:
            cases.append(tap.Case(KERNEL_LOG, tap.FAIL, bad[0][1][:160]))
        return permits.apply(self.test.name, self.test.place, cases)


def allowed_log(test):
    words = test.options
    return [words[i + 1] for i, word in enumerate(words[:-1]) if word == "--allow-log"]


def script(top, tests):
    lines = [LOOP.format(top=shlex.quote(top), mark=MARK)]
    lines += [f"one {shlex.quote(test.name)} {test.limit} {shlex.quote(test.command)}\n" for test in tests]
    return "".join(lines)


def command(top, tests, folder):
    first = tests[0]
    path = os.path.join(folder, f"guest-{os.getpid()}-{first.name}.sh")
    with open(path, "w", encoding="utf-8") as out:
        out.write(script(top, tests))
    limit = BOOT_GRACE + sum(test.limit + TEST_GRACE for test in tests)
    return [os.path.join(top, "tools", "lab"), "exec", "--kernel", first.place, "--timeout", str(limit),
            "--share", top, "--share", folder, *first.options, "--", f"bash {shlex.quote(path)}"]


class Reader:
    """Gives each line of a guest's output to the test that printed it."""

    def __init__(self, tests, on_done):
        self.outcomes = {test.name: Outcome(test) for test in tests}
        self.order = [test.name for test in tests]
        self.on_done = on_done
        self.current = None
        self.finished = []
        self.stray = []

    def line(self, line):
        words = line.split()
        if words[:1] != [MARK] or len(words) < 2:
            (self.current.text if self.current else self.stray).append(line)
            return
        kind = words[1]
        if kind == "begin" and words[2] in self.outcomes:
            self.current = self.outcomes[words[2]]
        elif kind == "end" and self.current:
            self.current.status = int(words[3])
        elif kind == "log" and self.current:
            self.current.log.append(line.split(" log ", 1)[1])
        elif kind == "done" and self.current:
            self.finish()

    def finish(self):
        outcome, self.current = self.current, None
        self.finished.append(outcome.test.name)
        self.on_done(outcome)

    def rest(self):
        return [self.outcomes[name].test for name in self.order if name not in self.finished]


def boot(top, tests, folder, on_done):
    """One guest for these tests. Returns the tests left over, the status, stray output."""
    reader = Reader(tests, on_done)
    process = subprocess.Popen(command(top, tests, folder), stdin=subprocess.DEVNULL, cwd=top, text=True,
                               errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for line in process.stdout:
            reader.line(line)
        status = process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if reader.current:
        # A test may hand on to another kernel (kexec): the guest then ends with
        # the test, and with its status.
        if reader.current.status is None and status not in LAB_ENDINGS:
            reader.current.status = status
        reader.finish()
    return reader.rest(), status, "".join(reader.stray)


def run_group(top, tests, folder, on_done):
    """Runs all tests, with as many guests as it takes. Yields problems of guests as text."""
    left, barren = list(tests), 0
    while left:
        before = len(left)
        left, status, stray = boot(top, left, folder, on_done)
        if len(left) < before:
            barren = 0
            if not left and status == LAB_FAILED:
                yield stray
            continue
        barren += 1
        if barren == 2:
            for test in left:
                outcome = Outcome(test)
                outcome.text.append(stray)
                on_done(outcome)
            return
