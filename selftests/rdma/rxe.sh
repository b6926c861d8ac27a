#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Against Soft-RoCE, another implementation of the protocol, in a second machine
# (topology peer): each end as client and as server, over IPv4 and IPv6, path MTU
# 1024 and 4096; then over a wire that loses and reorders packets.
#
#   rxe.sh [plain | faults | wire]...    without words: plain and faults
#
# wire is a little of everything, for whoever records it. QUICK=1 shortens.
. "$(dirname "$0")/../lib/rdma.sh"
. "$(dirname "$0")/../lib/faults.sh"

QUICK=${QUICK:-}
FAMILIES=(4 6)
PLANS=("wire_loss:p=0.01" "wire_reorder:p=0.01" "wire_loss:p=0.01;wire_reorder:p=0.01")
[ -z "$QUICK" ] || FAMILIES=(4) PLANS=("wire_loss:p=0.01;wire_reorder:p=0.01")
DATA=$(cd "$(dirname "$0")" && pwd)/data.py

# meet WAY FAMILY GID_OPTION PROGRAM ARGS...: between the ends. WAY "to": the client
# is here, "from": it is there. The ends find each other over IPv4.
meet() {
	local way=$1 gid=GID$2 far_gid=FAR_GID$2 option=$3 here there
	shift 3
	here=("$@" -p "$RDMA_PORT" -d "$IB" "$option" "${!gid}")
	there=("$@" -p "$RDMA_PORT" -d "$FAR_IB" "$option" "${!far_gid}")
	if [ "$way" = to ]; then
		rdma_pair far env "${there[@]}" -- "${here[@]}" "$REMOTE_V4"
	else
		rdma_pair env far "${here[@]}" -- "${there[@]}" "$LOCAL_V4"
	fi
}

pingpong() { # WAY FAMILY KIND ARGS...
	local way=$1 family=$2 kind=$3
	shift 3
	meet "$way" "$family" -g "ibv_${kind}_pingpong" -c "$@"
}

data() { # WAY FAMILY MTU
	meet "$1" "$2" -g "$DATA" -m "$3" ${QUICK:+--quick} ${LOSSY:+--lossy}
}

ping_cm() { # WAY FAMILY ARGS...
	local way=$1 local=LOCAL_V$2 remote=REMOTE_V$2
	shift 2
	if [ "$way" = to ]; then
		rdma_pair far env rping -s -V -a "${!remote}" -p "$RDMA_PORT" "$@" -- \
			rping -c -V -a "${!remote}" -p "$RDMA_PORT" "$@"
	else
		rdma_pair env far rping -s -V -a "${!local}" -p "$RDMA_PORT" "$@" -- \
			rping -c -V -a "${!local}" -p "$RDMA_PORT" "$@"
	fi
}

# perftest WAY FAMILY MTU PROGRAM SIZE...: as many messages as a slow peer bears.
# Left alone, perftest takes as many reads at once as its own device can and asks
# the other one for as many: not between devices that differ.
perftest() {
	local way=$1 family=$2 mtu=$3 program=$4 more=() size n
	shift 4
	[[ $program != @(read|atomic)_* ]] || more=(-o 8)
	for size; do
		n=$((size > 100000 ? 10 : 100))
		meet "$way" "$family" -x "ib_$program" -F -m "$mtu" -n $n -s "$size" "${more[@]}" || return 1
	done
}

stat_here() { rdma -j statistic show link "$IB/1" | jq -re ".[0].$1"; }
stat_far() { far "rdma -j statistic show link $FAR_IB/1" | jq -re ".[0].$1"; }

plain_pingpongs() { # WAY FAMILY
	local mtu
	for mtu in 1024 4096; do
		ktap_check "rc $1 v$2 mtu $mtu" pingpong "$1" "$2" rc -m $mtu -s 16384 -n 200
		ktap_check "uc $1 v$2 mtu $mtu" pingpong "$1" "$2" uc -m $mtu -s 16384 -n 200
		ktap_check "srq $1 v$2 mtu $mtu" pingpong "$1" "$2" srq -m $mtu -n 50
		ktap_check "data $1 v$2 mtu $mtu" data "$1" "$2" $mtu
	done
	ktap_check "rc $1 v$2, events" pingpong "$1" "$2" rc -n 200 -e
	ktap_check "rc $1 v$2, 1 MiB" pingpong "$1" "$2" rc -m 4096 -s 1048576 -n 10
	ktap_check "ud $1 v$2" pingpong "$1" "$2" ud -s 1024 -n 200
	ktap_check "ud $1 v$2, 4000 bytes, events" pingpong "$1" "$2" ud -s 4000 -n 200 -e
	ktap_check "rping $1 v$2" ping_cm "$1" "$2" -C 50 -S 4000
	ktap_check "rping $1 v$2, 65000 bytes" ping_cm "$1" "$2" -C 20 -S 65000
}

plain_perftest() { # WAY FAMILY MTU SIZE...
	local way=$1 family=$2 mtu=$3 kind
	shift 3
	for kind in write_bw write_lat read_bw read_lat send_bw send_lat; do
		ktap_check "ib_$kind $way v$family mtu $mtu, bytes: $*" perftest "$way" "$family" "$mtu" $kind "$@"
	done
	for kind in atomic_bw atomic_lat; do
		ktap_check "ib_$kind $way v$family mtu $mtu" perftest "$way" "$family" "$mtu" $kind 8
	done
}

plain() {
	local way
	for way in to from; do
		plain_pingpongs $way 4
		plain_perftest $way 4 4096 1 4097 65536 1048576
		plain_pingpongs $way 6
		plain_perftest $way 4 1024 1023 65536
		plain_perftest $way 6 1024 1 262144
		plain_perftest $way 6 4096 65536
	done
}

quick() {
	local way
	for way in to from; do
		ktap_check "rc $way v4 mtu 4096" pingpong $way 4 rc -m 4096 -s 16384 -n 100
		ktap_check "rc $way v6 mtu 1024, events" pingpong $way 6 rc -m 1024 -n 100 -e
		ktap_check "uc $way v6 mtu 4096" pingpong $way 6 uc -m 4096 -s 16384 -n 100
		ktap_check "ud $way v4" pingpong $way 4 ud -s 1024 -n 100
		ktap_check "srq $way v4" pingpong $way 4 srq -n 20
		ktap_check "rping $way v6" ping_cm $way 6 -C 10 -S 4000
		ktap_check "data $way v4 mtu 1024" data $way 4 1024
		ktap_check "ib_write_bw $way v6 mtu 4096" perftest $way 6 4096 write_bw 65536
		ktap_check "ib_read_lat $way v4 mtu 4096" perftest $way 4 4096 read_lat 4097
		ktap_check "ib_atomic_bw $way v4 mtu 1024" perftest $way 4 1024 atomic_bw 8
	done
}

# tries N COMMAND...: N times at most.
tries() {
	local n
	for ((n = $1; n > 1; n--)); do
		"${@:2}" && return 0
		echo "once more"
	done
	"${@:2}"
}

# A ping-pong that has all that it waits for takes its queue pair along; when its
# last acknowledgment is lost, the other one asks in vain for another.
again() { tries 2 "$@"; }

# Soft-RoCE as requester (rxe_comp.c of 7.3) loses its place in the answer to a READ
# when a late acknowledgment comes in the middle of it, warns, and takes its queue
# pair to ERR: a wire that reorders brings that about now and then, once twice in a row.
data_over() { # WAY FAMILY MTU
	if [ "$1" = from ]; then tries 3 data "$@"; else data "$@"; fi
}

# Reliable connections alone: what they carry arrives whole over any wire.
faulty_wire() {
	local way family kind LOSSY=1
	for way in to from; do
		for family in "${FAMILIES[@]}"; do
			ktap_check "$1: data $way v$family mtu 1024" data_over $way $family 1024
			ktap_check "$1: data $way v$family mtu 4096" data_over $way $family 4096
			ktap_check "$1: rc $way v$family" again pingpong $way $family rc -m 1024 -s 65536 -n 30
		done
		ktap_check "$1: srq $way" again pingpong $way 4 srq -n 30
		# The client says once that it goes. When that gets lost nobody
		# tells the server, whose word is not needed then: -V compares here.
		for family in 4 6; do
			RDMA_STAYS=maybe ktap_check "$1: rping $way v$family" ping_cm $way $family -C 30 -S 60000
		done
		ktap_check "$1: ib_write_bw $way v6 mtu 1024" perftest $way 6 1024 write_bw 65536
		[ -z "$QUICK" ] || continue
		for kind in read_bw send_bw send_lat; do
			ktap_check "$1: ib_$kind $way v6 mtu 1024" perftest $way 6 1024 $kind 64 65536
		done
		for kind in write_bw read_bw send_bw write_lat send_lat; do
			ktap_check "$1: ib_$kind $way" perftest $way 4 4096 $kind 64 65536
		done
		ktap_check "$1: ib_atomic_bw $way" perftest $way 4 4096 atomic_bw 8
	done
}

# Both ends sent something again, and both had something out of turn.
repaired() {
	local counter
	for counter in retransmits out_of_sequence rx_naks_seq tx_naks_seq; do
		echo "here $counter: $(stat_here $counter), before $(cat "$KTAP_TMP/$counter")"
		[ "$(stat_here $counter)" -gt "$(cat "$KTAP_TMP/$counter")" ] || return 1
	done
	for counter in completer_retry_err out_of_seq_request; do
		echo "far $counter: $(stat_far $counter), before $(cat "$KTAP_TMP/$counter")"
		[ "$(stat_far $counter)" -gt "$(cat "$KTAP_TMP/$counter")" ] || return 1
	done
}

note_counters() {
	local counter
	for counter in retransmits out_of_sequence rx_naks_seq tx_naks_seq; do
		stat_here $counter >"$KTAP_TMP/$counter"
	done
	for counter in completer_retry_err out_of_seq_request; do
		stat_far $counter >"$KTAP_TMP/$counter"
	done
}

# A lossy wire loses the search for a neighbour too, and it is made once a second only:
# longer than a queue pair waits for one.
know_neighbours() {
	local here there address
	here=$(cat /sys/class/net/tulle0/address)
	there=$(far "cat /sys/class/net/$FAR_PORT/address")
	for address in "$REMOTE_V4" "$REMOTE_V6"; do
		ip neigh replace "$address" lladdr "$there" dev tulle0 nud permanent || return 1
	done
	for address in "$LOCAL_V4" "$LOCAL_V6"; do
		far "ip neigh replace $address lladdr $here dev $FAR_PORT nud permanent" || return 1
	done
}

faults() {
	local plan point
	ktap_check "neighbours are known" know_neighbours
	for plan in "${PLANS[@]}"; do
		note_counters
		ktap_check "plan $plan" set_faults "seed=5;$plan"
		faulty_wire "$plan"
		for point in $(grep -oE 'wire_[a-z]+' <<<"$plan"); do
			ktap_check "$plan: $point happened" happened "$point"
		done
		ktap_check "$plan: packets were sent again" repaired
		ktap_check "$plan: end" set_faults ""
	done
	ktap_check "rc on a sound wire again" pingpong to 4 rc -n 100
}

ktap_begin
rdma_ports
[ $# -gt 0 ] || set -- plain faults
for part; do
	case $part in
	plain) if [ -n "$QUICK" ]; then quick; else plain; fi ;;
	faults) faults ;;
	wire) quick ;;
	esac
done
ktap_end
