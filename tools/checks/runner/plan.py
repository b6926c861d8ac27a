# SPDX-License-Identifier: GPL-2.0
"""selftests/tests.list: which test runs where, at which level."""

import fnmatch
import shlex

LEVELS = ["fast", "check", "all"]
PLACES = ["host", "7.3", "6.12", "7.3-debug"]
SHARE = "share"
# All the checks of the debug kernel make a guest several times slower.
SLOWER = {"7.3-debug": 4}


class Test:
    """One line of the list at one place."""

    def __init__(self, name, place, options, limit, command):
        self.name = name
        self.place = place
        words = shlex.split(options)
        self.shared = SHARE in words
        self.options = [word for word in words if word != SHARE]
        self.limit = limit * SLOWER.get(place, 1)
        self.command = command

    @property
    def key(self):
        return f"{self.place}/{self.name}"

    def group(self):
        """Tests of one group may use one boot."""
        return (self.place, *self.options) if self.shared else (self.place, self.name, *self.options)


def parse_line(line, where):
    fields = [field.strip() for field in line.split("|", 4)]
    if len(fields) != 5 or not fields[0] or not fields[4]:
        raise ValueError(f"{where}: wants NAME | PLACE:LEVEL ... | LAB OPTIONS | LIMIT | COMMAND")
    name, runs, options, limit, command = fields
    tests = []
    for run in runs.split():
        place, _, level = run.partition(":")
        if place not in PLACES or level not in LEVELS:
            raise ValueError(f"{where}: {run}: a place is one of {PLACES}, a level one of {LEVELS}")
        tests.append((LEVELS.index(level), Test(name, place, options, int(limit), command)))
    return tests


def load(path):
    """[(level, Test)], in the order of the list."""
    rows, names = [], set()
    with open(path, encoding="utf-8") as text:
        for number, line in enumerate(text, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            tests = parse_line(line, f"{path}:{number}")
            if tests[0][1].name in names:
                raise ValueError(f"{path}:{number}: a second test named {tests[0][1].name}")
            names.add(tests[0][1].name)
            rows += tests
    return rows


def select(rows, level, places, globs):
    """The tests of a level, place by place."""
    limit = LEVELS.index(level)
    chosen = []
    for place in PLACES:
        if places and place not in places:
            continue
        chosen += [test for rank, test in rows
                   if test.place == place and rank <= limit
                   and (not globs or any(fnmatch.fnmatchcase(test.name, glob) for glob in globs))]
    return chosen


def groups(tests):
    """Lists of tests that share a boot, in the order of their first members."""
    found = {}
    for test in tests:
        found.setdefault(test.group(), []).append(test)
    return list(found.values())
