#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The MTU of RoCE follows that of the network device: the largest of 256, 512, 1024,
# 2048 and 4096 bytes that leaves room for 96 bytes of headers. With the usual 1500
# everything works, and nothing longer leaves the port.
export MTU=1500
. "$(dirname "$0")/../lib/rdma.sh"

active_mtu() { ibv_devinfo -v -d "$IB" | awk '$1 == "active_mtu:" { print $2 }'; }

follows() { # MTU ACTIVE_MTU
	ip link set tulle0 mtu "$1" || return 1
	echo "MTU $1: $(active_mtu), not $2"
	[ "$(active_mtu)" = "$2" ]
}

# With that MTU at both ends, messages of exactly that size pass.
passes() { # MTU ACTIVE_MTU
	ip link set tulle0 mtu "$1" && far ip link set "$FAR_PORT" mtu "$1" || return 1
	pingpong rc -c -s 10000 -m "$2" && pingpong uc -c -s 10000 -m "$2" && pingpong ud -s "$2"
}

pingpong() { # KIND ARG...
	local pp=ibv_$1_pingpong
	shift
	rdma_pair far env "$pp" -p "$RDMA_PORT" -d "$FAR_IB" -g "$FAR_GID4" -n 100 "$@" -- \
		"$pp" -p "$RDMA_PORT" -d "$IB" -g "$GID4" -n 100 "$@" "$REMOTE_V4"
}

rping_of() { # SIZE
	rdma_pair far env rping -s -a "$REMOTE_V4" -p "$RDMA_PORT" -V -C 10 -S "$1" -- \
		rping -c -a "$REMOTE_V4" -p "$RDMA_PORT" -V -C 10 -S "$1"
}

# Packets that no frame of that MTU can carry.
carries_nothing() {
	! pingpong rc -s 4096 -m 4096 -n 5 || return 1
	cat "$KTAP_TMP/client"
	grep -q 'transport retry counter exceeded' "$KTAP_TMP/client"
}

datagrams() { "$(dirname "$0")/datagrams.py" "$IB" "$GID4" "$FAR_IB" "$FAR_GID4" "$1"; }

ktap_begin
rdma_ports
for pair in 1500:1024 1119:512 1120:1024 576:256 607:256 608:512 2200:2048 4191:2048 4192:4096 4200:4096 9000:4096; do
	ktap_check "MTU ${pair%:*}: active_mtu ${pair#*:}" follows "${pair%:*}" "${pair#*:}"
done
for pair in 576:256 608:512 1120:1024 2144:2048 4192:4096 1500:1024; do
	ktap_check "MTU ${pair%:*}: path MTU ${pair#*:}" passes "${pair%:*}" "${pair#*:}"
	ktap_check "MTU ${pair%:*}: datagrams up to ${pair#*:} bytes" datagrams "${pair#*:}"
done
ktap_check "MTU 1500: rping" rping_of 64
ktap_check "MTU 1500: rping, 65000 bytes" rping_of 65000
ktap_check "MTU 1500: srq" pingpong srq
ktap_check "MTU 1500: path MTU 4096 carries nothing" carries_nothing
ktap_check "MTU 1500: rc after that" pingpong rc -c
ktap_end
