#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Do all compilers, in user space and in the kernel, agree on every size and
offset of include/tulle_hw.h with its parts, and of the provider's tulle-abi.h?

Writes a C file that holds sizeof and offsetof of every struct and member of
the headers in one section, compiles it with each compiler given, and compares
the sections.

    layout.py source [INCLUDE]        the C file, to stdout, for a copy of include/
    layout.py check NAME=OBJECT ...   compare objects, print TAP
"""

import glob
import os
import re
import struct
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INCLUDE = os.path.join(TOP, "include")
HEADERS = [os.path.join(INCLUDE, "tulle_hw.h"),
           *sorted(glob.glob(os.path.join(INCLUDE, "tulle_hw_*.h"))),
           os.path.join(INCLUDE, "uapi", "rdma", "tulle-abi.h")]
SECTION = ".tulle_layout"


def structs(header):
    """[(struct, [member, ...])]: named members of the outermost level and of
    anonymous unions."""
    with open(header, encoding="ascii") as f:
        text = f.read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"^\s*#.*?(?<!\\)$", "", text, flags=re.M)
    for m in re.finditer(r"^struct (\w+) \{\n(.*?)^\};", text, flags=re.M | re.S):
        members, depth, anonymous = [], 0, []
        for line in m.group(2).splitlines():
            line = line.strip()
            if re.match(r"(struct|union) \{", line):
                anonymous.append(line.startswith("union"))
                depth += 1
                continue
            if depth and (end := re.match(r"\}\s*(\w*)(\[\w+\])?;", line)):
                depth -= 1
                anonymous.pop()
                if end.group(1):
                    members.append(end.group(1))
                continue
            if depth and not all(anonymous):
                continue
            if field := re.match(r".*?(\w+)(\[\w*\])*;", line):
                members.append(field.group(1))
        yield m.group(1), members


def rows():
    for header in HEADERS:
        for name, members in structs(header):
            yield f"sizeof {name}", f"sizeof(struct {name})"
            for member in members:
                yield f"{name}.{member}", f"__builtin_offsetof(struct {name}, {member})"


def source(include=INCLUDE):
    values = ",\n\t".join(expr for _, expr in rows())
    includes = "".join(f'#include "{include}{header.removeprefix(INCLUDE)}"\n' for header in HEADERS)
    return (includes +
            f'extern const __u32 tulle_layout[];\n'
            f'const __u32 tulle_layout[] __attribute__((section("{SECTION}"), used)) = {{\n\t{values}\n}};\n')


def numbers(path):
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["objcopy", "-O", "binary", f"--only-section={SECTION}", path, out.name], check=True)
        data = out.read()
    return struct.unpack(f"<{len(data) // 4}I", data)


def check(objects):
    names = [name for name, _ in rows()]
    bad = 0
    first = None
    print("TAP version 13")
    for n, arg in enumerate(objects, 1):
        label, path = arg.split("=", 1)
        got = numbers(path)
        first = first or (label, got)
        wrong = [f"{name}: {a} with {first[0]}, {b} with {label}"
                 for name, a, b in zip(names, first[1], got) if a != b]
        if len(got) != len(names) or len(names) < 100:
            wrong.append(f"{len(got)} numbers for {len(names)} names")
        for line in wrong[:20]:
            print(f"# {line}")
        bad += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {n} layout with {label} ({len(got)} sizes and offsets)")
    print(f"1..{len(objects)}")
    return bad > 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["source"] and len(sys.argv) <= 3:
        sys.stdout.write(source(*sys.argv[2:]))
    elif sys.argv[1:2] == ["check"] and len(sys.argv) > 2:
        sys.exit(check(sys.argv[2:]))
    else:
        sys.exit(__doc__)
