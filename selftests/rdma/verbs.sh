#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# libibverbs' own programs: from a device to itself, to the far end, and from
# there. -c compares the data; ibv_xsrq_pingpong cannot, its -c counts clients.
. "$(dirname "$0")/../lib/rdma.sh"

N=${N:-1000}
DATA=$(cd "$(dirname "$0")" && pwd)/data.py

within() {
	local pp=ibv_$1_pingpong
	shift
	rdma_pair env env "$pp" -p "$RDMA_PORT" -d "$IB" -g "$GID4" -n "$N" "$@" -- \
		"$pp" -p "$RDMA_PORT" -d "$IB" -g "$GID4" -n "$N" "$@" 127.0.0.1
}
across() {
	local pp=ibv_$1_pingpong
	shift
	rdma_pair far env "$pp" -p "$RDMA_PORT" -d "$FAR_IB" -g "$FAR_GID4" -n "$N" "$@" -- \
		"$pp" -p "$RDMA_PORT" -d "$IB" -g "$GID4" -n "$N" "$@" "$REMOTE_V4"
}
across6() {
	local pp=ibv_$1_pingpong
	shift
	rdma_pair far env "$pp" -p "$RDMA_PORT" -d "$FAR_IB" -g "$FAR_GID6" -n "$N" "$@" -- \
		"$pp" -p "$RDMA_PORT" -d "$IB" -g "$GID6" -n "$N" "$@" "$REMOTE_V4"
}
back() {
	local pp=ibv_$1_pingpong
	shift
	rdma_pair env far "$pp" -p "$RDMA_PORT" -d "$IB" -g "$GID4" -n "$N" "$@" -- \
		"$pp" -p "$RDMA_PORT" -d "$FAR_IB" -g "$FAR_GID4" -n "$N" "$@" "$LOCAL_V4"
}

# data.py compares what the others do not send.
all_within() { # MTU
	rdma_pair env env "$DATA" -p "$RDMA_PORT" -d "$IB" -g "$GID4" -m "$1" -- \
		"$DATA" -p "$RDMA_PORT" -d "$IB" -g "$GID4" -m "$1" 127.0.0.1
}
all_kinds() {
	rdma_pair far env "$DATA" -p "$RDMA_PORT" -d "$FAR_IB" -g "$FAR_GID4" -m 4096 --quick -- \
		"$DATA" -p "$RDMA_PORT" -d "$IB" -g "$GID4" -m 4096 --quick "$REMOTE_V4"
}

devinfo() {
	ibv_devinfo -v -d "$IB" >"$KTAP_TMP/devinfo" && grep -q PORT_ACTIVE "$KTAP_TMP/devinfo" && return 0
	cat "$KTAP_TMP/devinfo"
	return 1
}

rdma_tool() {
	rdma dev show "$IB" && rdma link show "$IB/1" | grep -q 'state ACTIVE.*netdev tulle0' &&
		rdma resource show "$IB" && rdma statistic show link "$IB/1"
}

ktap_begin
rdma_ports
ktap_check "ibv_devinfo" devinfo
ktap_check "rdma tool" rdma_tool
for kind in rc uc; do
	for way in within across across6 back; do
		ktap_check "$kind $way" $way $kind -c
		ktap_check "$kind $way, events" $way $kind -c -e
	done
	ktap_check "$kind across, 1 MiB" across $kind -c -s 1048576 -m 4096 -n 50
	for mtu in 256 512 1024 2048 4096; do
		ktap_check "$kind across, path MTU $mtu" across $kind -c -s 16384 -m $mtu
	done
done
for kind in ud srq; do
	for way in within across across6 back; do
		ktap_check "$kind $way" $way $kind -c -s 1024
		ktap_check "$kind $way, events" $way $kind -c -s 1024 -e
	done
done
ktap_check "srq across, several packets each" across srq -c -s 4096
ktap_check "rc across, new post send" across rc -c -N
[ "$FAR_IB" = rxe0 ] || ktap_check "rc across, timestamps" across rc -c -t
[ "$FAR_IB" = rxe0 ] || ktap_check "all kinds of requests" all_kinds
for mtu in 1024 4096; do
	ktap_check "all kinds of requests within, path MTU $mtu" all_within $mtu
done
ways=(within across across6 back)
[ "$FAR_IB" != rxe0 ] || ways=(within)
for way in "${ways[@]}"; do
	ktap_check "xsrq $way" "$way" xsrq
	ktap_check "xsrq $way, events" "$way" xsrq -e
done
ktap_end
