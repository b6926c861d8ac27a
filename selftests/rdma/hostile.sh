#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# hostile.c, as nobody, while other processes use the same device: it harms
# itself only, and leaves nothing behind.
. "$(dirname "$0")/../lib/rdma.sh"
. "$(dirname "$0")/../lib/device.sh"

SECS=${SECS:-20}
HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$HERE/../..
HOSTILE=$KTAP_TMP/hostile

build() {
	gcc -O2 -g -Wall -Wextra -I"$TOP/include" -o "$HOSTILE" "$HERE/hostile.c" && chmod -R go+rX "$KTAP_TMP"
}

as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }

fw_health() { devlink -j health show "pci/$BDF0" reporter fw | jq -c '.health[][0] | {state, error, recover}'; }

# What the device and ib_core know of, by kind.
left() {
	device_get tulle0 objects && rdma resource show "$IB"
}

is_as_before() {
	left >"$KTAP_TMP/now" && cmp -s "$KTAP_TMP/before" "$KTAP_TMP/now"
}

nothing_left() {
	retry 20 is_as_before && return 0
	diff "$KTAP_TMP/before" "$KTAP_TMP/now"
	return 1
}

# One pingpong after the other, its data compared, until told to stop.
neighbours() {
	local n=0
	while [ ! -e "$KTAP_TMP/stop" ]; do
		rdma_pair far env ibv_rc_pingpong -p "$RDMA_PORT" -d "$FAR_IB" -g "$FAR_GID4" -n 500 -c -- \
			ibv_rc_pingpong -p "$RDMA_PORT" -d "$IB" -g "$GID4" -n 500 -c "$REMOTE_V4" || return 1
		n=$((n + 1))
		echo $n >"$KTAP_TMP/rounds"
	done
}

no_ping_lost() {
	local text
	text=$(sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$KTAP_TMP/pings")
	echo "pings sent and received: $text"
	[ -n "$text" ] && [ "${text% *}" -gt 0 ] && [ "${text% *}" = "${text#* }" ]
}

# disturbed MODE [ARG...]: the hostile process, with neighbours that notice nothing.
disturbed() {
	local rc=0 before pinger pid
	before=$(fw_health)
	left >"$KTAP_TMP/before" || return 1
	rm -f "$KTAP_TMP/stop" "$KTAP_TMP/rounds"
	(neighbours) >"$KTAP_TMP/neighbours" 2>&1 &
	pid=$!
	ping -q -i 0.1 -W 10 "$REMOTE_V4" >"$KTAP_TMP/pings" &
	pinger=$!
	retry 60 test -e "$KTAP_TMP/rounds" || { cat "$KTAP_TMP/neighbours"; rc=1; }
	as_nobody timeout $((RDMA_LIMIT * 2 + SECS)) "$HOSTILE" "$1" "$IB" "$GID4" "${@:2}" || rc=1
	touch "$KTAP_TMP/stop"
	wait $pid || { echo "a pingpong failed:"; cat "$KTAP_TMP/neighbours"; rc=1; }
	# Answers that are still on their way are not lost.
	sleep 0.5
	kill -INT $pinger
	wait $pinger
	no_ping_lost || rc=1
	echo "pingpongs: $(cat "$KTAP_TMP/rounds")"
	[ "$(fw_health)" = "$before" ] || { echo "firmware: $before, then $(fw_health)"; rc=1; }
	nothing_left || rc=1
	return $rc
}

ktap_begin
rdma_ports
# The limit of pinned memory is the user's, not ours.
ulimit -l unlimited
ktap_check "the hostile program is built" build
ktap_check "nonsense in objects' parameters is refused" disturbed abi
ktap_check "keys, handles and queue pairs of another process" disturbed keys
ktap_check "shared receive queues that hold more than they can" disturbed srq
ktap_check "random rings, records and doorbells" disturbed fuzz "$SECS" "${SEED:-1}"
ktap_end
