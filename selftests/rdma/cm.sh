#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The connection manager and what is built on it: the programs of librdmacm and
# rsockets, within a device, to the far end and from there. rping -V, rstream -v and
# rcopy compare the data. QUICK=1: one way each.
. "$(dirname "$0")/../lib/rdma.sh"

N=${N:-10}
MIB=${MIB:-8}

# meet WAY PROGRAM [ARG...]: the same options for both, -s ADDR for the client and
# -b ADDR for the server.
meet() {
	local program=$2
	rdma_way "$1"
	shift 2
	rdma_pair "$AT_SERVER" "$AT_CLIENT" "$program" -b "${ADDR:-$ADDR4}" -p "$RDMA_PORT" "$@" -- \
		"$program" -s "${ADDR:-$ADDR4}" -p "$RDMA_PORT" "$@"
}
meet6() {
	rdma_way "$1"
	ADDR=$ADDR6 meet "$@"
}

# It has one port, and -p is something else.
datagrams() { # WAY ADDRESS_FAMILY ARG...
	local RDMA_PORT=7174 addr family=$2
	rdma_way "$1"
	shift 2
	addr=$ADDR4
	[ "$family" = v4 ] || addr=$ADDR6
	rdma_pair "$AT_SERVER" "$AT_CLIENT" udaddy -b "$addr" "$@" -- udaddy -s "$addr" "$@"
}

rping_v4() {
	rdma_way "$1"
	shift
	rdma_pair "$AT_SERVER" "$AT_CLIENT" rping -s -a "$ADDR4" -p "$RDMA_PORT" -V -C "$N" "$@" -- \
		rping -c -a "$ADDR4" -p "$RDMA_PORT" -V -C "$N" "$@"
}
rping_v6() {
	rdma_way "$1"
	shift
	rdma_pair "$AT_SERVER" "$AT_CLIENT" rping -s -a "$ADDR6" -p "$RDMA_PORT" -V -C "$N" "$@" -- \
		rping -c -a "$ADDR6" -p "$RDMA_PORT" -V -C "$N" "$@"
}

rdma_cs() {
	rdma_way "$1"
	rdma_pair "$AT_SERVER" "$AT_CLIENT" rdma_server -s "$ADDR4" -p "$RDMA_PORT" -- \
		rdma_client -s "$ADDR4" -p "$RDMA_PORT"
}
rdma_xcs() { # WAY r|x
	rdma_way "$1"
	rdma_pair "$AT_SERVER" "$AT_CLIENT" rdma_xserver -p "$RDMA_PORT" -c "$2" -- \
		rdma_xclient -s "$ADDR4" -p "$RDMA_PORT" -c "$2"
}

# In its last part nobody has queue pairs, and each side counts numbers up from -q:
# within one device they must not be the same.
cm_times() { # WAY N
	rdma_way "$1"
	rdma_pair "$AT_SERVER" "$AT_CLIENT" cmtime -b "$ADDR4" -p "$RDMA_PORT" -c "$2" -q 1000 -- \
		cmtime -s "$ADDR4" -p "$RDMA_PORT" -c "$2" -q 5000
}

mckey_v4() {
	rdma_way "$1"
	case $1 in
	within) rdma_mckey 239.1.2.3 "$LOCAL_V4" "$LOCAL_V4" ;;
	across) rdma_mckey 239.1.2.3 "$REMOTE_V4" "$LOCAL_V4" ;;
	back) rdma_mckey 239.1.2.3 "$LOCAL_V4" "$REMOTE_V4" ;;
	esac
}
# Over RoCE v2 the kernel's connection manager joins no IPv6 groups: ENOTSUPP.
mckey_v6_is_refused() { # WAY
	local addr=$LOCAL_V6 run=env
	[ "$1" != back ] || run=far addr=$REMOTE_V6
	"$run" timeout 20 mckey -m ff0e::1:2345 -b "$addr" -C 1 -s 2>&1 |
		grep -q "failure joining: Unknown error 524"
}
mckey_v6() {
	rdma_way "$1"
	case $1 in
	within) rdma_mckey ff0e::1:2345 "$LOCAL_V6" "$LOCAL_V6" ;;
	across) rdma_mckey ff0e::1:2345 "$REMOTE_V6" "$LOCAL_V6" ;;
	back) rdma_mckey ff0e::1:2345 "$LOCAL_V6" "$REMOTE_V6" ;;
	esac
}

rcopy_file() { # WAY
	local got=/var/tmp/rcopied want
	rdma_way "$1"
	head -c $((MIB << 20)) /dev/urandom >"$KTAP_TMP/data"
	if [ "$AT_CLIENT" = far ]; then
		far "head -c $((MIB << 20)) /dev/urandom > /var/tmp/data"
		want=$(far "sha256sum < /var/tmp/data")
		RDMA_STAYS=1 rdma_pair env far rcopy -p "$RDMA_PORT" -- \
			rcopy /var/tmp/data "$ADDR4:$got" -p "$RDMA_PORT" || return
	else
		want=$(sha256sum <"$KTAP_TMP/data")
		RDMA_STAYS=1 rdma_pair "$AT_SERVER" env rcopy -p "$RDMA_PORT" -- \
			rcopy "$KTAP_TMP/data" "$ADDR4:$got" -p "$RDMA_PORT" || return
	fi
	[ "$("$AT_SERVER" sha256sum "$got" | cut -c 1-64)" = "${want%% *}" ] || {
		echo "the copy differs"
		return 1
	}
}

pong() { # WAY ARG...
	rdma_way "$1"
	shift
	RDMA_STAYS=1 rdma_pair "$AT_SERVER" "$AT_CLIENT" udpong -b "$ADDR4" -p "$RDMA_PORT" "$@" -- \
		udpong -s "$ADDR4" -p "$RDMA_PORT" "$@"
}

# Before it meets anybody.
pong_is_refused() {
	rdma_way "$1"
	"$AT_CLIENT" timeout 20 udpong -s "$ADDR4" -p "$RDMA_PORT" -S 1000 -C 1 2>&1 | grep -q '^rconnect: '
}

quick() {
	ktap_check "rping across" rping_v4 across -S 4000
	ktap_check "rping v6 back" rping_v6 back
	ktap_check "rping within" rping_v4 within
	ktap_check "ucmatose across" meet across ucmatose -c 5 -C $N -S 4096
	ktap_check "udaddy back" datagrams back v4 -c 3 -C $N -S 1000
	ktap_check "mckey across" mckey_v4 across
	ktap_check "cmtime across" cm_times across $N
	ktap_check "rcopy across" rcopy_file across
}

full() {
	local way
	for way in within across back; do
		for size in 64 1000 65535; do
			ktap_check "rping $way, $size bytes" rping_v4 $way -S $size
			ktap_check "rping v6 $way, $size bytes" rping_v6 $way -S $size
		done
		ktap_check "ucmatose $way" meet $way ucmatose -c 10 -C $N -S 4096
		ktap_check "ucmatose v6 $way" meet6 $way ucmatose -c 10 -C $N -S 65536
		ktap_check "udaddy $way" datagrams $way v4 -c 5 -C $N -S 1000
		ktap_check "udaddy v6 $way" datagrams $way v6 -c 5 -C $N -S 4000
		ktap_check "mckey $way" mckey_v4 $way
		if mckey_v6_is_refused $way; then
			ktap_skip "mckey v6 $way" "the kernel joins no IPv6 groups over RoCE v2"
		else
			ktap_check "mckey v6 $way" mckey_v6 $way
		fi
		ktap_check "cmtime $way" cm_times $way 50
		ktap_check "rdma_client $way" rdma_cs $way
		ktap_check "rdma_xclient $way" rdma_xcs $way r
		ktap_check "rdma_xclient XRC $way" rdma_xcs $way x
		# Not -T a of the streams: they take the end of the last answer for an error.
		for how in b n; do
			ktap_check "rstream $way, -T $how" meet $way rstream -S 65536 -C 10 -I 2 -T v -T $how
			ktap_check "riostream $way, -T $how" meet $way riostream -S 65536 -C 10 -I 2 -T v -T $how
		done
		if pong_is_refused $way; then
			ktap_skip "udpong $way" "rsockets address their own queue pair without a GRH, which RoCE requires"
		else
			ktap_check "udpong $way" pong $way -S 1000 -C 100 -T e
		fi
		for size in 1 64 4096 1048576; do
			ktap_check "rstream $way, $size bytes" meet $way rstream -S $size -C 10 -I 2 -T v
		done
		ktap_check "rstream v6 $way" meet6 $way rstream -S 4096 -C 10 -I 2 -T v
		ktap_check "rcopy $way" rcopy_file $way
	done
}

ktap_begin
rdma_ports
HERE=$(rdma_objects env) FAR=$(rdma_objects far)
if [ -n "${QUICK:-}" ]; then quick; else full; fi
ktap_check "nothing is left" rdma_no_leftovers "$HERE" "$FAR"
ktap_end
