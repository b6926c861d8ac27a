#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# RoCEv2 on the wire between Tulle and Soft-RoCE, recorded by the device: tshark
# decodes every packet, and each one's ICRC is computed again from what was
# recorded. What both ends send passes the same judge, so it is known to be good.
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
		0x04 RC send only
		0x06 RC write first
		0x07 RC write middle
		0x08 RC write last
		0x0a RC write only
		0x0c RC read request
		0x0d RC read response first
		0x0e RC read response middle
		0x0f RC read response last
		0x10 RC read response only
		0x11 RC acknowledge
		0x12 RC atomic acknowledge
		0x13 RC compare and swap
		0x14 RC fetch and add
		0x20 UC send first
		0x64 UD send only
	END
}

tap_case "recorded traffic" record "selftests/rdma/rxe.sh wire" --topology peer --timeout 900
for ip in ip ipv6; do
	tap_case "RC over $ip is there" seen "$ip && infiniband.bth.opcode <= 0x14"
done
while read -r code name; do
	tap_case "$name is there" seen "infiniband.bth.opcode == $code"
done < <(opcodes)
tap_case "connection management is there" seen 'infiniband.mad.mgmtclass == 0x07'
tap_none "no packet of RoCE stays undecoded" packets 'udp.dstport == 4791 && !infiniband'
tap_none "no packet is malformed" packets '_ws.malformed || _ws.short'
tap_none "no ICRC is wrong" icrc
tap_case "the ICRC of both ends was judged" judged
tap_end
