#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# perftest: every operation over every transport, each size, with events, many queue
# pairs, inline data, the connection manager; raw packets into flow rules. It ends
# well or not: what it measures under emulation means nothing. MATRIX=quick runs
# the telling part.
. "$(dirname "$0")/../lib/rdma.sh"

# A line is WAY | PROGRAM | OPTIONS, in the quick matrix as well if it begins with +.
# A way that ends in 6 goes from and to the IPv6 GIDs.
#
# What is not here perftest itself refuses, before it looks for a device:
#
#   WRITE with -e            Events feature not available on WRITE verb
#   READ, atomics with -I    Inline feature not available on READ/Atomic verbs
#   READ, atomics over UC    UC connection not possible in READ/ATOMIC verbs
#   UD for all but SEND      UD connection only possible in SEND verb
#   UC with -R               UC is not supported in librdmacm
#   XRC with -R              XRC does not support RDMA_CM
#   latency with -q          Multiple QPs only available on bw tests
#   latency with -b          Bidirectional is only available in BW test
#   atomics with -s, -a      Message size cannot be changed for Atomic tests
#   --use-srq but for SEND   Using SRQ only avavilible in SEND tests.
#
# -a begins with 2 bytes, so 1 byte has lines of its own.
MATRIX_LINES="
+across | write_bw | -a -n 5
+across | write_bw | -R -q 8 -n 20
 across | write_bw | -s 1 -n 20
 across | write_bw | -R -s 8388608 -n 5
 across | write_bw | -q 8 -n 20
 across | write_bw | -b -n 20
 across | write_bw | -I 64 -s 64 -n 50
 across | write_bw | --write_with_imm -n 20
 across | write_bw | --use_old_post_send -l 4 -n 20
 across | write_bw | -m 1024 -n 20
+across | write_bw | -c UC -a -n 5
 across | write_bw | -c UC -q 8 -n 20
 across | write_bw | -c UC -I 64 -s 64 -n 50
 across | write_bw | -c UC -s 1 -n 20
 across | write_bw | -c XRC -n 20
+within | write_bw | -a -n 5
 within | write_bw | -R -n 20
 within | write_bw | -c UC -n 20
 within | write_bw | -q 8 -I 64 -s 64 -n 50
 within | write_bw | -s 1 -n 20
 back   | write_bw | -R -n 20
+across | write_lat | -I 64 -s 64 -n 20
 across | write_lat | -a -n 5
 across | write_lat | -R -n 20
 across | write_lat | -c UC -n 20
 across | write_lat | -c UC -a -n 5
 across | write_lat | -c UC -I 64 -s 64 -n 20
 across | write_lat | -s 1 -n 20
 across | write_lat | -c XRC -n 20
 across | write_lat | --use_old_post_send -s 4096 -n 20
 within | write_lat | -n 20
 within | write_lat | -R -I 64 -s 64 -n 20
+across | read_bw | -a -n 5
 across | read_bw | -R -n 20
 across | read_bw | -e -n 20
 across | read_bw | -q 8 -n 20
 across | read_bw | -s 1 -n 20
 across | read_bw | -R -e -q 8 -n 20
 across | read_bw | -b -n 20
 across | read_bw | -o 1 -n 20
 across | read_bw | -c XRC -n 20
 within | read_bw | -s 1048576 -n 5
 within | read_bw | -a -n 5
 within | read_bw | -s 1 -n 20
 within | read_bw | -e -n 20
 within | read_bw | -q 8 -n 20
 within | read_bw | -R -n 20
 back   | read_bw | -n 20
+across | read_lat | -R -n 20
 across | read_lat | -a -n 5
 across | read_lat | -e -n 20
 across | read_lat | -R -e -n 20
 across | read_lat | -s 1 -n 20
 within | read_lat | -n 20
 within | read_lat | -R -e -n 20
 across | send_bw | -a -n 5
+across | send_bw | -e -q 8 -n 20
 across | send_bw | -R -n 20
 across | send_bw | -R -e -q 8 -n 20
 across | send_bw | -b -n 20
 across | send_bw | -s 1 -n 20
 across | send_bw | -I 64 -s 64 -n 50
 across | send_bw | --use-srq -q 8 -n 20
+across | send_bw | -c XRC --use-srq -n 20
 across | send_bw | -c UC -a -n 5
 across | send_bw | -c UC -e -q 8 -n 20
 across | send_bw | -c UC -I 64 -s 64 -n 50
 across | send_bw | -c UC -s 1 -n 20
+across | send_bw | -c UD -e -s 1024 -n 50
 across | send_bw | -c UD -a -n 20
 across | send_bw | -c UD -R -s 1024 -n 20
 across | send_bw | -c UD -R -e -s 1024 -n 20
 across | send_bw | -c UD -R -q 8 -s 1024 -n 20
 across | send_bw | -c UD -q 8 -s 1024 -n 20
 across | send_bw | -c UD -I 64 -s 64 -n 50
 across | send_bw | -c UD -s 1 -n 20
 within | send_bw | -n 20
 within | send_bw | -a -n 5
 within | send_bw | -e -n 20
 within | send_bw | -q 8 -n 20
 within | send_bw | -I 64 -s 64 -n 50
 within | send_bw | -R -n 20
 within | send_bw | -c UC -n 20
 within | send_bw | -c UC -e -q 8 -n 20
 within | send_bw | -c UD -s 4096 -n 20
 within | send_bw | -c UD -R -e -q 8 -s 1024 -n 20
 back   | send_bw | -R -n 20
+across6 | send_bw | -c UD -g -s 1024 -n 50
 across6 | send_bw | -c UC -n 20
 across6 | write_bw | -n 20
 across6 | read_bw | -n 20
 across | send_lat | -a -n 5
 across | send_lat | -R -n 20
 across | send_lat | -e -n 20
 across | send_lat | -I 64 -s 64 -n 20
 across | send_lat | -s 1 -n 20
+across | send_lat | -R -e -n 20
 across | send_lat | -c UC -e -n 20
 across | send_lat | -c UC -a -n 5
 across | send_lat | -c UC -I 64 -s 64 -n 20
 across | send_lat | -c UD -n 20
 across | send_lat | -c UD -e -n 20
 across | send_lat | -c UD -R -s 1 -n 20
 across | send_lat | -c UD -I 64 -s 64 -n 20
 across | send_lat | -c XRC --use-srq -n 20
 within | send_lat | -n 20
 within | send_lat | -R -e -I 64 -s 64 -n 20
 within | send_lat | -c UC -s 1 -n 20
+across | atomic_bw | -A FETCH_AND_ADD -n 20
+across | atomic_bw | -A CMP_AND_SWAP -R -q 8 -n 20
 across | atomic_bw | -A CMP_AND_SWAP -e -n 20
 across | atomic_bw | -A FETCH_AND_ADD -c XRC -n 20
 within | atomic_bw | -A CMP_AND_SWAP -n 20
 within | atomic_bw | -A CMP_AND_SWAP -e -n 20
 within | atomic_bw | -A FETCH_AND_ADD -q 8 -n 20
 within | atomic_bw | -A FETCH_AND_ADD -R -n 20
 back   | atomic_bw | -A FETCH_AND_ADD -n 20
 across | atomic_lat | -A FETCH_AND_ADD -n 20
 across | atomic_lat | -A FETCH_AND_ADD -e -n 20
 across | atomic_lat | -A CMP_AND_SWAP -R -e -n 20
 within | atomic_lat | -A FETCH_AND_ADD -n 20
 within | atomic_lat | -A CMP_AND_SWAP -R -e -n 20
"

# A line of figures for each size that was to be measured. Its times are inf where perftest
# could not tell the clock's frequency: on a busy host its samples do not make a line.
has_figures() { # OPTIONS
	local lines=1 got
	case $1 in
	*"-c UD -a"*) lines=12 ;; # 2 to 4096 bytes
	*"-a "*) lines=23 ;; # 2 bytes to 8 MiB
	esac
	got=$(grep -cE '^ *[0-9]+ +[0-9]+ +([0-9.]+|inf) ' "$KTAP_TMP/client")
	[ "$got" -ge $lines ] && return 0
	echo "$got of $lines lines of figures"
	tail -n 5 "$KTAP_TMP/client"
	return 1
}

measure() { # WAY PROGRAM OPTION...
	local program=ib_$2 gid=$GID4 far_gid=$FAR_GID4 server client
	[[ $1 != *6 ]] || gid=$GID6 far_gid=$FAR_GID6
	server=("$IB" "$gid") client=("$IB" "$gid")
	rdma_way "${1%6}"
	[ "$AT_SERVER" = env ] || server=("$FAR_IB" "$far_gid")
	[ "$AT_CLIENT" = env ] || client=("$FAR_IB" "$far_gid")
	shift 2
	rdma_pair "$AT_SERVER" "$AT_CLIENT" \
		"$program" -F -d "${server[0]}" -x "${server[1]}" -p "$RDMA_PORT" "$@" -- \
		"$program" -F -d "${client[0]}" -x "${client[1]}" -p "$RDMA_PORT" "$@" "$ADDR4" &&
		has_figures "$* "
}

run_matrix() {
	local way program options
	while IFS='|' read -r way program options; do
		[ -n "$way" ] || continue
		[[ ${MATRIX:-} != quick || $way = +* ]] || continue
		way=${way#[+ ]} way=${way// /} program=${program// /}
		# shellcheck disable=SC2086
		ktap_check "$program $way$options" measure "$way" "$program" $options
	done <<<"$MATRIX_LINES"
}

# The receiver of raw packets has a queue pair that receives.
raw_listens() { far rdma resource show qp | grep -q 'type RAW_PACKET state RT'; }

# What is lost is not sent again, and nobody tells who is ready.
raw() { # PROGRAM OPTION...
	local program=$1 pid status rc
	shift
	far timeout 60 "$program" --server -d "$FAR_IB" -B "$FAR_MAC" -E "$MAC" "$@" >"$KTAP_TMP/server" 2>&1 &
	pid=$!
	retry 15 raw_listens || echo "the receiver does not listen"
	sleep 1
	timeout 60 "$program" --client -d "$IB" -B "$MAC" -E "$FAR_MAC" "$@" >"$KTAP_TMP/client" 2>&1
	rc=$?
	wait $pid
	status=$?
	[ $rc -eq 0 ] && [ $status -eq 0 ] && has_figures "$* " && return 0
	echo "client $rc, server $status"
	tail -n 15 "$KTAP_TMP/client" | sed 's/^/client: /'
	tail -n 15 "$KTAP_TMP/server" | sed 's/^/server: /'
	return 1
}

run_raw() {
	MAC=$(cat /sys/class/net/tulle0/address)
	FAR_MAC=$(far cat "/sys/class/net/$FAR_PORT/address")
	local udp=(-J "$REMOTE_V4" -j "$LOCAL_V4" -K 5000 -k 6000)
	ktap_check "raw_ethernet_bw by MAC" raw raw_ethernet_bw -F -s 1000 -n 100
	ktap_check "raw_ethernet_lat by UDP port" raw raw_ethernet_lat -F -s 512 -n 50 "${udp[@]}"
	[ "${MATRIX:-}" != quick ] || return 0
	ktap_check "raw_ethernet_bw by UDP port" raw raw_ethernet_bw -F -s 1000 -n 100 "${udp[@]}"
	ktap_check "raw_ethernet_bw by TCP port" raw raw_ethernet_bw -F -s 1000 -n 100 "${udp[@]}" --tcp
	ktap_check "raw_ethernet_bw by IPv4 address" raw raw_ethernet_bw -F -s 64 -n 100 -J "$REMOTE_V4" -j "$LOCAL_V4"
	ktap_check "raw_ethernet_bw by IPv6 address" \
		raw raw_ethernet_bw -F -s 64 -n 100 --raw_ipv6 -J "$REMOTE_V6" -j "$LOCAL_V6"
	ktap_check "raw_ethernet_lat by MAC" raw raw_ethernet_lat -F -s 64 -n 50
}

ktap_begin
rdma_ports
HERE=$(rdma_objects env) FAR=$(rdma_objects far)
run_matrix
[ "$FAR_IB" = rxe0 ] || run_raw
ktap_check "nothing is left" rdma_no_leftovers "$HERE" "$FAR"
ktap_end
