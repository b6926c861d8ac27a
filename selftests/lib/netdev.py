#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What the kernel tells about ports over netlink, by its own library (YNL).

    netdev.py qstats PORT    statistics of all queues together, one "NAME VALUE" a line
    netdev.py queues PORT    JSON: {"rx": [{...}, ...], "tx": [...]}, by queue
    netdev.py pools          page pools of this network namespace, one a line
"""

import json
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.environ.get("KSFT", "/opt/ksft"), "net/lib"))
# pylint: disable=wrong-import-position,import-error
from py import NetdevFamily  # noqa: E402


def qstats(port):
    index = socket.if_nametoindex(port)
    # Asking for one port alone is younger than some kernels.
    for entry in NetdevFamily().qstats_get({}, dump=True):
        if entry["ifindex"] == index:
            return {k: v for k, v in entry.items() if k != "ifindex"}
    raise LookupError(f"no queue statistics of {port}")


def queues(port):
    index = socket.if_nametoindex(port)
    found = {"rx": {}, "tx": {}}
    for entry in NetdevFamily().qstats_get({"scope": "queue"}, dump=True):
        if entry["ifindex"] == index:
            found[entry["queue-type"]][entry["queue-id"]] = entry
    return {kind: [q[i] for i in sorted(q)] for kind, q in found.items()}


def pools():
    return NetdevFamily().page_pool_get({}, dump=True)


def main(args):
    if len(args) == 2 and args[0] == "qstats":
        for name, value in qstats(args[1]).items():
            print(name, value)
    elif len(args) == 2 and args[0] == "queues":
        json.dump(queues(args[1]), sys.stdout)
    elif args == ["pools"]:
        for pool in pools():
            print(json.dumps(pool))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
