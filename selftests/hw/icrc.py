#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""icrc.py PCAP: the invariant CRC of every RoCEv2 packet in a recording.

Computed with zlib from the bytes on the wire, as Annex A17 of the InfiniBand
specification has it: eight bytes of ones, then IP, UDP and BTH with ones in every
field that a router may change, then the rest. Prints each packet whose CRC differs,
or that lacks one, and to stderr how many of each sender and IP version were right.
"""

import collections
import struct
import sys
import zlib

ROCE_PORT = 4791
MAGIC_NS = 0xA1B23C4D
VLANS = (0x8100, 0x88A8)


def frames(path):
    with open(path, "rb") as file:
        magic, _, _, _, _, _, link = struct.unpack("<IHHiIII", file.read(24))
        if magic != MAGIC_NS or link != 1:
            sys.exit(f"{path}: not what the device records")
        while head := file.read(16):
            _, _, kept, length = struct.unpack("<IIII", head)
            if kept != length:
                sys.exit(f"{path}: a packet was cut")
            yield file.read(kept)


def network(frame):
    """The IP packet and its version; None for others."""
    at = 12
    kind = int.from_bytes(frame[at:at + 2], "big")
    while kind in VLANS:
        at += 4
        kind = int.from_bytes(frame[at:at + 2], "big")
    return {0x0800: (frame[at + 2:], 4), 0x86DD: (frame[at + 2:], 6)}.get(kind)


def masked_ip(packet, version):
    """IP header with the variant fields set, and how much of the packet is real."""
    if version == 4:
        size = (packet[0] & 15) * 4
        head = bytearray(packet[:size])
        head[1] = 0xFF  # type of service
        head[8] = 0xFF  # time to live
        head[10:12] = b"\xff\xff"  # checksum
        return head, packet[9], int.from_bytes(packet[2:4], "big")
    head = bytearray(packet[:40])
    head[0] |= 0x0F  # traffic class, flow label
    head[1:4] = b"\xff\xff\xff"
    head[7] = 0xFF  # hop limit
    return head, packet[6], 40 + int.from_bytes(packet[4:6], "big")


def judge(packet, version):
    """None when it is not RoCE; else (right, what it is)."""
    head, protocol, end = masked_ip(packet, version)
    if protocol != 17:
        return None
    udp = bytearray(packet[len(head):len(head) + 8])
    if int.from_bytes(udp[2:4], "big") != ROCE_PORT:
        return None
    rest = bytearray(packet[len(head) + 8:end])
    if len(rest) < 16 or end != len(head) + int.from_bytes(udp[4:6], "big"):
        return False, f"{len(rest)} bytes in UDP, {end} in IP"
    udp[6:8] = b"\xff\xff"  # checksum
    rest[4] = 0xFF  # FECN, BECN
    want = zlib.crc32(b"\xff" * 8 + head + udp + rest[:-4])
    got = int.from_bytes(rest[-4:], "little")
    return want == got, f"opcode {rest[0]:#04x}, {len(rest)} bytes, ICRC {got:#010x}, not {want:#010x}"


def main():
    right = collections.Counter()
    for number, frame in enumerate(frames(sys.argv[1]), 1):
        packet = network(frame)
        verdict = packet and judge(*packet)
        if not verdict:
            continue
        sender = frame[6:12].hex(":")
        if verdict[0]:
            right[sender, packet[1]] += 1
        else:
            print(f"packet {number} of {sender}, IPv{packet[1]}: {verdict[1]}")
    for (sender, version), count in sorted(right.items()):
        print(f"right: {sender} IPv{version} {count}", file=sys.stderr)


main()
