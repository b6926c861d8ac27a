#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# dmabuf.c on the usual pair of ports: dma-bufs as memory of RDMA. Afterwards no
# object is left, and no dma-buf.
. "$(dirname "$0")/../lib/rdma.sh"
. "$(dirname "$0")/../lib/device.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
DMABUF=$KTAP_TMP/dmabuf

build() {
	gcc -O2 -g -Wall -Wextra -D_GNU_SOURCE -o "$DMABUF" "$HERE/dmabuf.c" -libverbs
}

# How many the kernel has; users of one that is closed keep it.
dmabufs() { sed -n 's/^Total \([0-9]*\) objects.*/\1/p' /sys/kernel/debug/dma_buf/bufinfo; }

left() {
	device_get tulle0 objects && device_get tulle1 objects && rdma_objects env | sort && dmabufs
}

is_as_before() { left >"$KTAP_TMP/now" && cmp -s "$KTAP_TMP/before" "$KTAP_TMP/now"; }

nothing_left() {
	retry 20 is_as_before && return 0
	diff "$KTAP_TMP/before" "$KTAP_TMP/now"
	return 1
}

ordeal() { # KIND
	timeout $RDMA_LIMIT "$DMABUF" "$1" "$IB" "$GID4" "$FAR_IB" "$FAR_GID4" && nothing_left
}

# A process that is killed deregisters nothing.
killed() {
	in_background "$DMABUF" linger "$IB" "$GID4" "$FAR_IB" "$FAR_GID4"
	local pid=$! out=$KTAP_TMP/bg.$((${#ENV_PIDS[@]} - 1))
	retry 20 grep -q registered "$out" || { cat "$out"; return 1; }
	! is_as_before || { echo "there is no region"; return 1; }
	kill -KILL $pid
	wait $pid
	nothing_left
}

# The device goes while the region is there: it is let go of, and the process lives.
device_goes() {
	in_background "$DMABUF" linger "$IB" "$GID4" "$FAR_IB" "$FAR_GID4"
	local pid=$! out=$KTAP_TMP/bg.$((${#ENV_PIDS[@]} - 1))
	retry 20 grep -q registered "$out" || { cat "$out"; return 1; }
	flr || return 1
	rdma_is_back || return 1
	kill -0 $pid || return 1
	kill -KILL $pid
	wait $pid
	nothing_left
}

ktap_begin
rdma_ports
ulimit -l unlimited
modprobe -q udmabuf
ktap_check "the program is built" build
left >"$KTAP_TMP/before" || { echo "Bail out! objects cannot be counted"; exit 1; }
ktap_check "pages of a memfd" ordeal udmabuf
ktap_check "pages of the system heap" ordeal heap
ktap_check "a process that is killed" killed
ktap_check "a device that is reset" device_goes
ktap_end
