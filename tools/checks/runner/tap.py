# SPDX-License-Identifier: GPL-2.0
"""Reads TAP and KTAP. A case is judged by its line, never by an exit status."""

import fnmatch
import re

LINE = re.compile(r"^(?P<bad>not )?ok\b(?:\s+\d+)?(?:\s+-)?\s*(?P<rest>.*)$")
DIRECTIVE = re.compile(r"\s*#\s*(?P<word>SKIP|XFAIL)\b:?\s*(?P<why>.*)$", re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d+)\b(?:\s*#\s*SKIP\b\s*(?P<why>.*))?", re.IGNORECASE)
TIMED_OUT = (124, 137)
FAILS = "fails:"
GLOB = re.compile(r"[*?\[]")
KSFT_SKIP = 4

PASS, FAIL, SKIP = "pass", "fail", "skip"


class Case:
    """One line of a test's output."""

    def __init__(self, name, verdict, why=""):
        self.name = name
        self.verdict = verdict
        self.why = why

    def pack(self):
        return [self.name, self.verdict, self.why]


def parse_case(line):
    match = LINE.match(line)
    if not match:
        return None
    rest = match["rest"]
    directive = DIRECTIVE.search(rest)
    if directive:
        name = rest[:directive.start()].strip()
        why = f"{directive['word'].upper()} {directive['why']}".strip()
        return Case(name, SKIP, why)
    name, _, comment = rest.partition(" # ")
    return Case(name.strip(), FAIL if match["bad"] else PASS, comment.strip())


def parse(text):
    """All cases, and what was wrong with the stream itself."""
    cases, problems, planned = [], [], None
    for raw in text.splitlines():
        line = raw.rstrip("\r")
        if line.startswith("Bail out!"):
            problems.append(line)
            continue
        plan = PLAN.match(line)
        if plan:
            # A test may print the streams of several programs.
            planned = (planned or 0) + int(plan[1])
            if int(plan[1]) == 0:
                planned += 1
                cases.append(Case("", SKIP, f"SKIP {plan['why'] or ''}".strip()))
            continue
        case = parse_case(line)
        if case:
            cases.append(case)
    if planned is not None and planned != len(cases):
        problems.append(f"{planned} cases planned, {len(cases)} seen")
    return cases, problems


def judge(text, status):
    """The cases of a test that ended with an exit status; there is always one."""
    cases, problems = parse(text)
    if status in TIMED_OUT:
        problems.append("timed out")
    elif status == KSFT_SKIP and not cases:
        cases.append(Case("", SKIP, f"SKIP {last_words(text)}"))
    elif status != 0 and not any(case.verdict == FAIL for case in cases):
        problems.append(f"exit status {status}")
    cases += [Case("", FAIL, problem) for problem in problems]
    if not cases:
        cases.append(Case("", PASS))
    return cases


def last_words(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


class Permits:
    """selftests/allowed-skips.txt: TEST | WHERE | CASE | REASON, the first three as globs.

    A reason that begins with "fails:" is for a case that cannot pass there. It
    names the case exactly, and the line itself fails once the case passes.
    """

    def __init__(self, path):
        self.rows = []
        self.failures = {}
        try:
            with open(path, encoding="utf-8") as text:
                lines = text.readlines()
        except FileNotFoundError:
            lines = []
        for number, line in enumerate(lines, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            fields = [field.strip() for field in line.split("|", 3)]
            if len(fields) != 4 or not fields[3]:
                raise ValueError(f"{path}:{number}: wants TEST | WHERE | CASE | REASON")
            if not fields[3].startswith(FAILS):
                self.rows.append(fields)
                continue
            if not all(fields[:3]) or GLOB.search("".join(fields[:3])):
                raise ValueError(f"{path}:{number}: a failure is permitted by name only, without globs")
            self.failures[tuple(fields[:3])] = fields[3][len(FAILS):].strip()

    def reason(self, test, where, case):
        for tests, wheres, names, reason in self.rows:
            if fnmatch.fnmatchcase(test, tests) and fnmatch.fnmatchcase(where, wheres) \
                    and fnmatch.fnmatchcase(case, names):
                return reason
        return None

    def apply(self, test, where, cases):
        """A skip that nobody justified is a failure; so is a justification that is wrong."""
        for case in cases:
            expected = self.failures.get((test, where, case.name))
            if expected and case.verdict == PASS:
                case.verdict = FAIL
                case.why = "passes, although allowed-skips.txt says that it cannot"
            elif expected and case.verdict == FAIL:
                case.verdict = SKIP
                case.why = f"XFAIL {expected}"
            elif not expected and case.verdict == SKIP and self.reason(test, where, case.name) is None:
                case.verdict = FAIL
                case.why = f"skipped without a permit: {case.why}"
        return cases
