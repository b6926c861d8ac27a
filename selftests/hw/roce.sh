#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# RoCEv2 on the wire between Tulle and Soft-RoCE, recorded by the device: tshark
# decodes every packet, and each one's ICRC is computed again from what was
# recorded. What both ends send passes the same judge, so it is known to be good.
# Then what Tulle ports alone say to each other.
# KERNEL=... takes another guest kernel.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib/record.sh
. selftests/lib/record.sh

# What guesses at payload is left out: the payload here belongs to no protocol.
for guess in smcr_infiniband smb_direct_infiniband rpcrdma_infiniband iser_infiniband sdp_infiniband \
	fc_infiniband eth_over_ib lnet_ib mellanox_eoib nvme_rdma; do
	TSHARK+=(--disable-heuristic "$guess")
done

icrc() { selftests/hw/icrc.py "$PCAP" 2>"$TAP_TMP/right"; }

# Both ends, both versions of IP.
judged() {
	cat "$TAP_TMP/right"
	[ "$(awk '$NF >= 100' "$TAP_TMP/right" | wc -l)" -eq 4 ]
}

# OPCODE NAME: base transport headers of the operations that took place
opcodes() {
	cat <<-END
		0x00 RC send first
		0x03 RC send last with immediate
		0x04 RC send only
		0x05 RC send only with immediate
		0x06 RC write first
		0x07 RC write middle
		0x08 RC write last
		0x09 RC write last with immediate
		0x0a RC write only
		0x0b RC write only with immediate
		0x0c RC read request
		0x0d RC read response first
		0x0e RC read response middle
		0x0f RC read response last
		0x10 RC read response only
		0x11 RC acknowledge
		0x12 RC atomic acknowledge
		0x13 RC compare and swap
		0x14 RC fetch and add
		0x1d RC atomic write
		0x20 UC send first
		0x64 UD send only
	END
}

# FLUSH among them, whose ICRC Soft-RoCE computes otherwise than the specification.
own_opcodes() {
	cat <<-END
		0x1c RC flush
		0x26 UC write first
		0x27 UC write middle
		0x28 UC write last
		0x2a UC write only
		0xa0 XRC send first
		0xa2 XRC send last
		0xb1 XRC acknowledge
	END
}

all_seen() { # LIST
	while read -r code name; do
		tap_case "$name is there" seen "infiniband.bth.opcode == $code"
	done < <("$1")
}

all_right() {
	tap_none "no packet of RoCE stays undecoded" packets 'udp.dstport == 4791 && !infiniband'
	tap_none "no packet is malformed" packets '_ws.malformed || _ws.short'
	tap_none "no ICRC is wrong" icrc
	tap_case "the ICRC of both ends was judged" judged
}

tap_case "recorded traffic with Soft-RoCE" record "selftests/rdma/rxe.sh wire" --topology peer --timeout 900
for ip in ip ipv6; do
	tap_case "RC over $ip is there" seen "$ip && infiniband.bth.opcode <= 0x1d"
done
all_seen opcodes
# One each way at the end of every connection.
tap_case "RC send last with invalidate is there" seen 'infiniband.bth.opcode == 0x16' 2
tap_case "connection management is there" seen 'infiniband.mad.mgmtclass == 0x07'
all_right

tap_case "recorded traffic of two Tulle ports" record selftests/rdma/wire.sh --timeout 600
all_seen own_opcodes
for ip in ip ipv6; do
	tap_case "RC over $ip with a tag is there" seen "$ip && vlan.id == 7 && vlan.priority == 3 && infiniband.bth.opcode <= 0x1d"
	tap_case "UC over $ip with a tag is there" seen "$ip && vlan.id == 7 && vlan.priority == 6 && infiniband.bth.opcode == 0x20"
	tap_case "UD over $ip with a tag is there" seen "$ip && vlan.id == 7 && vlan.priority == 5 && infiniband.bth.opcode == 0x64"
done
all_right
tap_end
