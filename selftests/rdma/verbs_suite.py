#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""verbs_suite.py [--tests DIR] --dev IBDEV --gid N [MODULE|MODULE.CLASS[.CASE]...]: runs
rdma-core's own tests of the verbs, each case a line of KTAP.

A module runs in a process of its own. A case that ends that process, or that does
not end, has failed; the others go on in the next one.
"""

import argparse
import importlib
import os
import pathlib
import select
import subprocess
import sys
import time
import types
import unittest

# Of other makers' devices and of graphics memory.
FOREIGN = ("test_mlx5", "test_efa", "test_irdma", "test_cuda")


def modules(folder):
    return {path.stem for path in pathlib.Path(folder).glob("test_*.py")}


class Reporter(unittest.TestResult):
    """Tells the parent what happens, a line each."""

    def __init__(self, out):
        super().__init__()
        self.out = out

    def say(self, what, test, text=""):
        name = test.id().removeprefix("tests.")
        print(what, name, text.replace("\n", " "), file=self.out, flush=True)

    def startTest(self, test):
        super().startTest(test)
        self.say("start", test)

    def addSuccess(self, test):
        self.say("ok", test)

    def addSkip(self, test, reason):
        self.say("skip", test, reason.replace("#", ""))

    def addError(self, test, err):
        for line in self._exc_info_to_string(err, test).splitlines():
            self.say("note", test, line)
        self.say("bad", test)

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err:
            self.addError(test, err)


def cases(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from cases(item)
        else:
            yield item


def selected(module, wanted, done):
    loaded = unittest.defaultTestLoader.loadTestsFromModule(module)
    for case in cases(loaded):
        name = case.id().removeprefix("tests.")
        if name in done:
            continue
        if not wanted or any(name == w or name.startswith(w + ".") for w in wanted):
            yield case


def child(args):
    """Runs what is wanted of one module."""
    # The package's own __init__ would load all modules, also the foreign ones.
    package = types.ModuleType("tests")
    package.__path__ = [args.tests]
    sys.modules["tests"] = package
    sys.path.insert(0, args.tests)
    sys.argv = ["run_tests.py", "--dev", args.dev, "--port", "1", "--gid", str(args.gid)]
    importlib.import_module("args_parser").parser.parse_args()
    module = importlib.import_module("tests." + args.child)
    done = set(filter(None, args.done.split(",")))
    with os.fdopen(args.report, "w") as out:
        result = Reporter(out)
        for case in selected(module, args.case, done):
            case(result)
        print("end", file=out)
    # Threads and processes that a failed case left behind are not waited for.
    os._exit(0)


class Run:
    """The lines of KTAP and what they add up to."""

    def __init__(self, args):
        self.args = args
        self.count = 0
        self.failed = 0
        self.done = set()

    def report(self, state, name, text=""):
        self.count += 1
        self.done.add(name)
        if state == "bad":
            self.failed += 1
            print(f"not ok {self.count} {name}", flush=True)
        elif state == "skip":
            print(f"ok {self.count} {name} # SKIP {text}", flush=True)
        else:
            print(f"ok {self.count} {name}", flush=True)

    def start(self, module, report):
        command = [sys.executable, __file__, "--tests", self.args.tests]
        command += ["--dev", self.args.dev, "--gid", str(self.args.gid)]
        command += ["--child", module, "--report", str(report)]
        command += ["--done", ",".join(self.done), *self.args.case]
        return subprocess.Popen(command, pass_fds=[report], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def line(self, line, current):
        """Returns the case that is under way."""
        what, name, text = (line.split(" ", 2) + ["", ""])[:3]
        if what == "start":
            return name
        if what == "note":
            print(f"# {text}")
            return current
        if name not in self.done:
            self.report(what, name, text)
        return current

    def read(self, fd):
        """Follows a child; returns (it reached its end, the case under way)."""
        current, rest, end = None, b"", time.monotonic() + self.args.limit
        while select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            data = os.read(fd, 65536)
            if not data:
                return False, current
            end = time.monotonic() + self.args.limit
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if line == b"end":
                    return True, current
                current = self.line(line.decode(errors="replace"), current)
        print(f"# no word for {self.args.limit} s")
        return False, current

    def once(self, module):
        """Returns True when nothing of the module is left to do."""
        reader, writer = os.pipe()
        process = self.start(module, writer)
        os.close(writer)
        try:
            ended, current = self.read(reader)
        finally:
            os.close(reader)
            process.kill()
            output, _ = process.communicate()
        if ended:
            return True
        for line in output.decode(errors="replace").splitlines()[-20:]:
            print(f"# {line}")
        print(f"# the process of {module} ended with {process.returncode}")
        if current is None or current in self.done:
            self.report("bad", module)
            return True
        self.report("bad", current)
        return False


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tests", default="/usr/share/doc/rdma-core/tests")
    parser.add_argument("--dev", required=True)
    parser.add_argument("--gid", type=int, required=True)
    parser.add_argument("--limit", type=float, default=180)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--report", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--done", default="", help=argparse.SUPPRESS)
    parser.add_argument("case", nargs="*")
    return parser.parse_args()


def main():
    args = parse()
    if args.child:
        child(args)
    run = Run(args)
    wanted = {case.split(".")[0] for case in args.case}
    print("TAP version 13")
    for module in sorted(wanted or modules(args.tests)):
        if module.startswith(FOREIGN) and module not in wanted:
            run.report("skip", module, "tests of another device")
            continue
        while not run.once(module):
            pass
    print(f"1..{run.count}")
    return 1 if run.failed or not run.count else 0


sys.exit(main())
