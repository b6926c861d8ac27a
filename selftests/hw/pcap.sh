#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What is on the wire, judged by another implementation: a run with every kind
# of traffic is recorded by the device, and tshark finds neither a malformed
# packet nor a wrong checksum in it. KERNEL=... takes another guest kernel.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib/record.sh
. selftests/lib/record.sh

# Sums are not looked at unless asked for.
TSHARK=(-o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE)
BAD_SUM='ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || udp.checksum.status == "Bad" ||
	icmp.checksum.status == "Bad" || icmpv6.checksum.status == "Bad"'

tap_case "recorded traffic" record selftests/net/wire.sh --timeout 300
tap_case "TCP over IPv4 is there, its sums are right" seen 'ip && tcp.checksum.status == "Good" && tcp.len > 0'
tap_case "TCP over IPv6 is there, its sums are right" seen 'ipv6 && tcp.checksum.status == "Good" && tcp.len > 0'
# 16 MiB each way of addressing, in segments of 1448 and 1428 bytes.
tap_case "segments of BIG TCP over IPv4 are there, their sums are right" \
	seen 'ip && tcp.dstport == 5202 && tcp.len > 0 && ip.checksum.status == "Good" && tcp.checksum.status == "Good"' 11000
tap_case "segments of BIG TCP over IPv6 are there, their sums are right" \
	seen 'ipv6 && tcp.dstport == 5202 && tcp.len > 0 && tcp.checksum.status == "Good"' 11000
tap_case "UDP over IPv4 is there, its sums are right" seen 'ip && udp.checksum.status == "Good"'
tap_case "UDP over IPv6 is there, its sums are right" seen 'ipv6 && udp.checksum.status == "Good"'
tap_case "the device's own segments of UDP are there" seen 'udp.dstport == 5300 && udp.length == 1208 && udp.checksum.status == "Good"'
tap_case "VLAN tags are there" seen 'vlan.id == 7 && tcp'
tap_case "two VLAN tags are there" seen 'ieee8021ad && tcp'
tap_case "pings of 9000 bytes are there" seen 'icmp && frame.len > 9000'
tap_none "no packet is malformed" packets '_ws.malformed || _ws.short'
tap_none "no packet is longer than its MTU permits" packets 'frame.len > 9022 || (tcp.port in {5201, 5202} && frame.len > 1522)'
tap_none "no checksum is wrong" packets "$BAD_SUM"
tap_end
