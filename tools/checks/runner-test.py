#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Tests the test runner: what it counts, and that a dying guest loses one test only.

The lab is replaced by a script that runs the guest's commands right here, with a
file in place of the kernel log.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from runner import guest, plan, tap  # noqa: E402

FAKE_LAB = r"""#!/bin/bash
# exec [OPTIONS] -- "bash SCRIPT"
echo "lab: booting" >&2
echo "$*" >>"$FAKE/boots"
[ ! -f "$FAKE/no-boot" ] || { echo "lab: the guest did not come up" >&2; exit 125; }
script=${*: -1}
script=${script#bash }
: >"$FAKE/kmsg"
sed "s#/dev/kmsg#$FAKE/kmsg#; s#>\($FAKE/kmsg\)#>>\1#" "$script" >"$FAKE/script"
PATH=$FAKE/bin:$PATH
setsid bash -c 'export GUEST=$$; . "$FAKE/script"'
rc=$?
[ ! -f "$FAKE/kexec" ] || { rm "$FAKE/kexec"; exit 0; }
[ $rc = 0 ] || exit 125
grep -q "BUG: something" "$FAKE/kmsg" && exit 125
exit 0
"""

TESTS = r"""
h-pass   | host:fast | | 5 | true
h-fail   | host:fast | | 5 | echo reason; false
h-slow   | host:fast | | 1 | sleep 5
h-tap    | host:fast | | 5 | printf '1..4\nok 1 a\nnot ok 2 b\nok 3 c # SKIP no card\nok 4 d # SKIP no reason\n'
h-short  | host:fast | | 5 | printf '1..3\nok 1 a\n'
h-liar   | host:fast | | 5 | printf 'ok 1 a\n'; exit 3
one      | 7.3:check | share | 5 | printf 'TAP version 13\n1..1\nok 1 one.case\n'
dies     | 7.3:check | share | 5 | printf 'ok 1 before\n'; kill -9 -- -$GUEST; sleep 0.2
after    | 7.3:check | share | 5 | true
oops     | 7.3:check | share | 5 | echo 'BUG: something' >>$FAKE/kmsg
last     | 7.3:check | share | 5 | true
kexec    | 7.3:check | | 5 | printf 'ok 1 old\nok 2 new\n1..2\n'; touch $FAKE/kexec; kill -9 -- -$GUEST; sleep 0.2
alone    | 7.3:check | --allow-log 'BUG: wanted' | 5 | echo 'BUG: wanted' >>$FAKE/kmsg
"""

PERMITS = "h-tap | host | c | there is none\n"

EXPECT = {
    "host/h-pass": "ok", "host/h-fail": "not ok", "host/h-slow": "not ok", "host/h-tap/a": "ok",
    "host/h-tap/b": "not ok", "host/h-tap/c": "ok", "host/h-tap/d": "not ok", "host/h-short/a": "ok",
    "host/h-short": "not ok", "host/h-liar/a": "ok", "host/h-liar": "not ok", "7.3/one/one.case": "ok",
    "7.3/dies/before": "ok", "7.3/dies": "not ok", "7.3/after": "ok", "7.3/oops": "ok",
    "7.3/oops/kernel log": "not ok", "7.3/last": "ok", "7.3/kexec/old": "ok", "7.3/kexec/new": "ok", "7.3/alone": "ok",
}

# What lockdep says of pciehp's two locks; %s is a further link of the chain.
PCIEHP = """\
[   20.0] pcieport 0000:00:08.0: pciehp: Slot(1): Link Down
[   20.1] ======================================================
[   20.1] WARNING: possible circular locking dependency detected
[   20.1] 7.3.4-debug #1 Tainted: G           OE
[   20.1] ------------------------------------------------------
[   20.1] irq/25-pciehp/77 is trying to acquire lock:
[   20.1] ffff888101 (&ctrl->reset_lock){.+.+}-{4:4}, at: pciehp_unconfigure_device+0x1c5/0x300
[   20.1]
[   20.1] but task is already holding lock:
[   20.1] ffffffff8 (pci_rescan_remove_lock){+.+.}-{4:4}, at: pciehp_unconfigure_device+0xf5/0x300
[   20.1]
[   20.1] which lock already depends on the new lock.
[   20.1]
[   20.1] the existing dependency chain (in reverse order) is:
[   20.1]
[   20.1] -> #1 (pci_rescan_remove_lock){+.+.}-{4:4}:
[   20.1]        __mutex_lock+0x1a4/0x1460
%s[   20.1]        pciehp_ist+0x2a0/0x2d0
[   20.1] tulle_core 0000:01:00.0: what another processor says meanwhile
[   20.1]
[   20.1] -> #0 (&ctrl->reset_lock){.+.+}-{4:4}:
[   20.1]        down_read_nested+0x9b/0x4b0
[   20.1]
[   20.1] other info that might help us debug this:
[   20.1]
[   20.1]  *** DEADLOCK ***
[   20.1]
[   20.1] stack backtrace:
[   20.1] Call Trace:
[   20.1]  tulle_remove+0x10/0x20 [tulle_core]
"""
LINKS = (
    "[   20.1]        tulle_remove+0x10/0x20 [tulle_core]\n",
    "[   20.1]        wait_for_it+0x10/0x20 [tulle_en]\n",
    "[   20.1]        devlink_unregister+0x10/0x20\n",
    "[   20.1] -> #2 (&devlink->lock_key#2){+.+.}-{4:4}:\n",
)


class Sandbox:
    """A checkout that has a runner, a list and a false lab."""

    def __init__(self, root):
        self.root = root
        self.top = os.path.join(root, "top")
        self.fake = os.path.join(root, "fake")
        os.makedirs(os.path.join(self.fake, "bin"))
        os.makedirs(os.path.join(self.top, "tools", "checks"))
        os.makedirs(os.path.join(self.top, "tools", "lab.d"))
        os.makedirs(os.path.join(self.top, "selftests"))
        for path in ("tools/run-tests", "tools/lab.d/logcheck.py"):
            shutil.copy(os.path.join(TOP, path), os.path.join(self.top, path))
        shutil.copytree(os.path.join(HERE, "runner"), os.path.join(self.top, "tools", "checks", "runner"))
        self.write("tools/lab", FAKE_LAB, 0o755)
        self.write("selftests/tests.list", TESTS)
        self.write("selftests/allowed-skips.txt", PERMITS)
        subprocess.run(["git", "init", "-q", self.top], check=True)
        with open(os.path.join(self.fake, "bin", "dmesg"), "w", encoding="utf-8") as out:
            out.write('#!/bin/sh\ncat "$FAKE/kmsg"\n')
        os.chmod(os.path.join(self.fake, "bin", "dmesg"), 0o755)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.top, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, mode)

    def start(self, *args):
        env = dict(os.environ, FAKE=self.fake, TULLE_LAB=os.path.join(self.root, "lab"))
        env.pop("TULLE_LAB_ACCEL", None)
        return subprocess.Popen([os.path.join(self.top, "tools", "run-tests"), *args], env=env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *args):
        process = self.start(*args)
        out, err = process.communicate()
        return process.returncode, out, err

    def boots(self):
        path = os.path.join(self.fake, "boots")
        if not os.path.exists(path):
            return 0
        with open(path, encoding="utf-8") as text:
            return len(text.readlines())


def verdicts(text):
    found = {}
    for line in text.splitlines():
        match = re.match(r"(not ok|ok) \d+ ([^#]*?)(?: #.*)?$", line)
        if match:
            found[match[2]] = match[1]
    return found


def check_verdicts(box):
    status, text, err = box.run("--level", "check")
    assert status == 1, err
    assert verdicts(text) == EXPECT, f"{verdicts(text)}\n{text}\n{err}"


def check_totals(box):
    text = box.run("--level", "check")[1]
    good = sum(value == "ok" for value in EXPECT.values()) - 1
    bad = sum(value == "not ok" for value in EXPECT.values())
    assert text.splitlines()[-1] == f"{good} passed, {bad} failed, 1 skipped", text.splitlines()[-1]


def check_boots(box):
    """One boot for the five that share, one more after the death, one for each loner."""
    before = box.boots()
    box.run("--kernel", "7.3")
    assert box.boots() - before == 4, box.boots() - before


def check_resume(box):
    box.run("--level", "check", "--only", "one")
    before = box.boots()
    status, text, _ = box.run("--level", "check", "--only", "one", "--resume")
    assert status == 0 and box.boots() == before and "done before" in text, text
    box.write("selftests/new-file", "changes the tree\n")
    box.run("--level", "check", "--only", "one", "--resume")
    assert box.boots() == before + 1


def check_resume_repeats_failures(box):
    """What failed runs again, and so does all that ran in a guest that ended badly."""
    box.write("selftests/tests.list", "flaky | host:fast | | 5 | ! mkdir $FAKE/first\n"
              "fine  | 7.3:check | share | 5 | true\n")
    broken = os.path.join(box.fake, "kmsg-at-end")
    box.write("tools/lab", FAKE_LAB.replace("exit 0", f"[ ! -f {broken} ] || exit 125\nexit 0"), 0o755)
    with open(broken, "w", encoding="utf-8"):
        pass
    status, text, _ = box.run("--level", "check")
    assert status == 1 and verdicts(text) == {"host/flaky": "not ok", "7.3/fine": "ok",
                                              "7.3/guest-of-fine": "not ok"}, text
    os.unlink(broken)
    before = box.boots()
    status, text, _ = box.run("--level", "check", "--resume")
    assert status == 0 and verdicts(text) == {"host/flaky": "ok", "7.3/fine": "ok"}, text
    assert box.boots() == before + 1
    assert box.run("--level", "check", "--resume")[0] == 0 and box.boots() == before + 1


def interrupt(box, *args):
    """A run that is told to end once the test named slow has begun."""
    process = box.start("--level", "check", *args)
    end = time.time() + 20
    while not os.path.exists(os.path.join(box.fake, "slow")) and time.time() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out = process.communicate()[0]
    return process.returncode, out


def check_interrupted(box):
    """Summary of what ran, nothing left running, and the rest in the next call."""
    box.write("selftests/tests.list", "first | host:fast | | 5 | true\n"
              "slow | host:fast | | 60 | touch $FAKE/slow; sleep 2; touch $FAKE/survived\n"
              "third | 7.3:check | | 5 | true\n")
    status, text = interrupt(box)
    assert status == 130 and verdicts(text) == {"host/first": "ok"}, text
    assert "2 of 3 tests did not run" in text and "# host: 1 passed, 0 failed, 0 skipped" in text, text
    time.sleep(2.5)
    assert not os.path.exists(os.path.join(box.fake, "survived"))
    status, text, _ = box.run("--level", "check", "--resume")
    assert status == 0 and "# host/first: done before" in text, text
    assert "# 1 tests passed in an earlier call" in text, text
    assert "# host: 2 passed, 0 failed, 0 skipped\n# 7.3: 1 passed, 0 failed, 0 skipped" in text, text


def check_interrupted_guest(box):
    """Tests that ended before the interruption count, although their guest did not."""
    box.write("selftests/tests.list", "first | 7.3:check | share | 5 | true\n"
              "slow | 7.3:check | share | 60 | touch $FAKE/slow; sleep 2\n")
    status, text = interrupt(box)
    assert status == 130 and verdicts(text) == {"7.3/first": "ok"}, text
    status, text, _ = box.run("--level", "check", "--resume")
    assert status == 0 and "# 7.3/first: done before" in text, text


def check_known_failures(box):
    """A failure that is permitted by name is expected; one that no longer happens is not."""
    box.write("selftests/tests.list", "old | 6.12:all 7.3:all | | 5 | printf 'ok 1 a\\nnot ok 2 b\\n'; false\n")
    box.write("selftests/allowed-skips.txt", "old | 6.12 | b | fails: not there yet\n")
    status, text, _ = box.run("--level", "all", "--kernel", "6.12")
    assert status == 0 and text.splitlines()[-1] == "1 passed, 0 failed, 1 skipped", text
    assert box.run("--level", "all", "--kernel", "7.3")[0] == 1
    box.write("selftests/allowed-skips.txt", "old | 6.12 | b | fails: not there yet\nold | 6.12 | a | fails: lie\n")
    status, text, _ = box.run("--level", "all", "--kernel", "6.12")
    assert status == 1 and verdicts(text)["6.12/old/a"] == "not ok", text
    box.write("selftests/allowed-skips.txt", "old | 6.12 | * | fails: all of it\n")
    assert box.run("--level", "all", "--kernel", "6.12")[0] == 1


def check_no_boot(box):
    """A guest that never comes up fails every test, and soon."""
    path = os.path.join(box.fake, "no-boot")
    with open(path, "w", encoding="utf-8"):
        pass
    status, text, _ = box.run("--level", "check", "--only", "one", "--only", "last")
    os.unlink(path)
    assert status == 1, text
    assert set(verdicts(text).values()) == {"not ok"} and len(verdicts(text)) == 2, text


def check_kept_runs(box):
    """What was added to last stays, however early it began."""
    results = os.path.join(box.root, "lab", "results")
    for number in range(30):
        folder = os.path.join(results, f"2000{number:02}-all")
        os.makedirs(folder)
        os.utime(folder, (1, 1) if number else None)
    status, text, err = box.run("--level", "check", "--only", "one")
    left = os.listdir(results)
    assert status == 0 and len(left) == 20 and "200000-all" in left, f"{left}\n{text}\n{err}"


def check_levels(box):
    text = box.run("--level", "fast", "--list")[1]
    assert "7.3/" not in text and "host/h-pass" in text, text


def check_nothing(box):
    """No test at all is no success."""
    status, text, _ = box.run("--level", "check", "--only", "no-such-test")
    assert status == 1 and text.splitlines()[-1] == "0 passed, 0 failed, 0 skipped", text


def check_ksft_words(_):
    cases, problems = tap.parse("KTAP version 1\n1..3\nok 1 t.a\nok 2 t.b # SKIP none\nok 3 t.c # XFAIL slow\n"
                                "# Totals: pass:1 fail:0 xfail:1\n    not ok 1 nested\n# not ok 9 quoted\n")
    assert [case.verdict for case in cases] == ["pass", "skip", "skip"] and not problems
    assert cases[2].why == "XFAIL slow"
    assert tap.judge("", 4)[0].verdict == "skip"
    assert tap.judge("Bail out! no port\n", 1)[0].verdict == "fail"


def check_bad_list(_):
    for line in ("a | host:fast | | 5", "a | moon:fast | | 5 | true", "a | host:never | | 5 | true"):
        try:
            plan.parse_line(line, "here")
        except ValueError:
            continue
        raise AssertionError(f"accepted: {line}")


def check_pciehp_report(_):
    """The kernel's own mistake is none of ours, unless the chain leads through us."""
    def judged(text):
        return [line for _, line in guest.load_logcheck(TOP).Judge().lines(text.splitlines())]

    title = "WARNING: possible circular locking dependency detected"
    assert not judged(PCIEHP % ""), judged(PCIEHP % "")
    for link in LINKS:
        assert title in judged(PCIEHP % link), link
    cut = (PCIEHP % "").split("other info", maxsplit=1)[0]
    assert title in judged(cut), "a chain without an end"
    other = (PCIEHP % "").replace("(&ctrl->reset_lock){.+.+}-{4:4}, at", "(&tc->lock){.+.+}-{4:4}, at")
    assert title in judged(other), "another lock"
    assert "BUG: else" in judged(PCIEHP % "" + "BUG: else\n"), "what follows"


def check_boot_accidents(_):
    """A boot is repeated only when it died far from the device."""
    idle = guest.load_logcheck(TOP).device_was_idle
    early = "[    0.0] Linux version 7.3.4\n[    3.1] PCI: Using configuration type 1 for base access\n"
    probing = early + "[    3.5] PCI host bridge to bus 0000:00\n[    3.6] pci 0000:01:00.0: [1af4:10f0] type 00\n"
    up = probing + "[    9.0] Run /init as init process\n"
    assert idle(early) and idle(up)
    assert not idle("") and not idle(probing)
    assert idle(probing + "[    3.7] Oops: int3: 0000 [#1] SMP NOPTI\n")
    assert not idle(probing + "[    3.7] Oops: 0000 [#1] SMP NOPTI\n[    3.8] Oops: int3: 0000 [#2] SMP\n")
    assert not idle(up + "[   11.0] tulle_core: loading out-of-tree module taints kernel.\n")


def main():
    checks = [value for name, value in globals().items() if name.startswith("check_")]
    bad = 0
    print(f"1..{len(checks)}")
    for number, check in enumerate(checks, 1):
        with tempfile.TemporaryDirectory() as root:
            try:
                check(Sandbox(root))
                print(f"ok {number} {check.__name__}")
            except AssertionError as err:
                bad += 1
                print("\n".join(f"# {line}" for line in str(err).splitlines()))
                print(f"not ok {number} {check.__name__}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
