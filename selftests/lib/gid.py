#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""gid.py IBDEV ADDRESS: prints the index of the RoCE v2 GID with that address."""

import ipaddress
import pathlib
import sys


def main():
    address = ipaddress.ip_address(sys.argv[2])
    raw = address.packed
    if address.version == 4:
        raw = bytes(10) + b"\xff\xff" + raw
    want = ":".join(raw[i : i + 2].hex() for i in range(0, 16, 2))
    port = pathlib.Path("/sys/class/infiniband", sys.argv[1], "ports/1")
    for path in sorted(port.glob("gids/*"), key=lambda p: int(p.name)):
        try:
            kind = (port / "gid_attrs/types" / path.name).read_text().strip()
        except OSError:
            continue  # no entry
        if path.read_text().strip() == want and kind == "RoCE v2":
            print(path.name)
            return 0
    return 1


sys.exit(main())
