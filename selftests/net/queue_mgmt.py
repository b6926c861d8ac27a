#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Gives a receive queue memory of a dma-buf, as device memory TCP does.

    queue_mgmt.py bind PORT QUEUE     until standard input ends
    queue_mgmt.py shows PORT QUEUE    the id of the dma-buf that the queue uses, or nothing
    queue_mgmt.py packets PORT QUEUE  how many it received
"""

import fcntl
import os
import socket
import struct
import sys

sys.path.insert(0, os.environ.get("KSFT", "/opt/ksft"))

from net.lib.py import NetdevFamily, NlError  # noqa: E402

UDMABUF_CREATE = 0x40187542
UDMABUF_FLAGS_CLOEXEC = 1
SIZE = 16 << 20


def udmabuf():
    memory = os.memfd_create("queue", os.MFD_ALLOW_SEALING)
    os.ftruncate(memory, SIZE)
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    with open("/dev/udmabuf", "rb") as device:
        wish = bytearray(struct.pack("=IIQQ", memory, UDMABUF_FLAGS_CLOEXEC, 0, SIZE))
        return fcntl.ioctl(device, UDMABUF_CREATE, wish, True)


def bind(netdev, ifindex, queue):
    answer = netdev.bind_rx({"ifindex": ifindex, "fd": udmabuf(), "queues": [{"type": "rx", "id": queue}]})
    print(answer["id"], flush=True)
    sys.stdin.read()


def shows(netdev, ifindex, queue):
    answer = netdev.queue_get({"ifindex": ifindex, "type": "rx", "id": queue})
    print(answer.get("dmabuf", ""))


def packets(netdev, ifindex, queue):
    answers = netdev.qstats_get({"ifindex": ifindex, "scope": "queue"}, dump=True)
    print(next(one["rx-packets"] for one in answers if one["queue-type"] == "rx" and one["queue-id"] == queue))


def main():
    ifindex, queue = socket.if_nametoindex(sys.argv[2]), int(sys.argv[3])
    try:
        {"bind": bind, "shows": shows, "packets": packets}[sys.argv[1]](NetdevFamily(), ifindex, queue)
    except NlError as err:
        print(err, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
