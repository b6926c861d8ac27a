#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# libibverbs' own programs on a pair of ports: across the cable, and from a
# device to itself. -c compares the data.
. "$(dirname "$0")/../lib/rdma.sh"

N=${N:-1000}

# pingpong KIND SERVER_DEV SERVER_GID CLIENT_DEV CLIENT_GID ARGS...
pingpong() {
	local kind=$1 sd=$2 sg=$3 cd=$4 cg=$5
	shift 5
	server_client "ibv_${kind}_pingpong" -p "$RDMA_PORT" -d "$sd" -g "$sg" -n "$N" "$@" -- \
		"ibv_${kind}_pingpong" -p "$RDMA_PORT" -d "$cd" -g "$cg" -n "$N" "$@" 127.0.0.1
}

across() { local kind=$1; shift; pingpong "$kind" "$IB1" "$G1" "$IB0" "$G0" "$@"; }
across6() { local kind=$1; shift; pingpong "$kind" "$IB1" "$G1_V6" "$IB0" "$G0_V6" "$@"; }
within() { local kind=$1; shift; pingpong "$kind" "$IB0" "$G0" "$IB0" "$G0" "$@"; }

devinfo() {
	ibv_devinfo -v -d "$IB0" | tee "$KTAP_TMP/devinfo" | grep -q PORT_ACTIVE && return 0
	cat "$KTAP_TMP/devinfo"
	return 1
}

rdma_tool() {
	rdma dev show "$IB0" && rdma link show "$IB0/1" | grep -q 'state ACTIVE.*netdev tulle0' &&
		rdma resource show "$IB0" && rdma statistic show link "$IB0/1"
}

ktap_begin
rdma_ports
ktap_check "ibv_devinfo" devinfo
ktap_check "rdma tool" rdma_tool
for kind in rc uc; do
	for way in within across across6; do
		ktap_check "$kind $way" $way $kind -c
		ktap_check "$kind $way, events" $way $kind -c -e
	done
	ktap_check "$kind across, 1 MiB" across $kind -s 1048576 -m 4096
	for mtu in 256 512 1024 2048 4096; do
		ktap_check "$kind across, path MTU $mtu" across $kind -c -s 16384 -m $mtu
	done
done
for way in within across across6; do
	ktap_check "ud $way" $way ud -s 1024
	ktap_check "ud $way, events" $way ud -s 1024 -e
	ktap_check "srq $way" $way srq
done
ktap_check "rc across, new post send" across rc -c -N
ktap_check "rc across, timestamps" across rc -c -t
ktap_check "xsrq across" across xsrq
ktap_end
