#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Measures pairs of ports in the VM, one line of JSON per figure:
#
#   guest.sh SECONDS NAME=PORT_A,PORT_B ...
#
# PORT_A stays, PORT_B goes to a namespace; the pairs are measured in turn, so
# that all see the same machine.
set -u
SECS=$1
shift
NS=bench
A4=192.0.6.1 B4=192.0.6.2

emit() { printf '{"nic":"%s","metric":"%s","value":%s}\n' "$nic" "$1" "$2"; }
in_ns() { ip netns exec $NS "$@"; }
tx_packets() { cat "/sys/class/net/$a/statistics/tx_packets"; }

# What a user would set on that NIC: everything it offers.
best_settings() { # PREFIX... DEV
	local dev=${*: -1} pre=("${@:1:$#-1}") f
	for f in tso gso gro sg rx tx rx-gro-hw; do
		"${pre[@]}" ethtool -K "$dev" $f on >/dev/null 2>&1
	done
	if [ "$nic" = tulle ]; then
		"${pre[@]}" ip link set "$dev" gso_max_size 262144 gro_max_size 262144 \
			gso_ipv4_max_size 262144 gro_ipv4_max_size 262144
	fi
	return 0
}

setup() {
	ip netns add $NS
	ip link set "$b" netns $NS
	best_settings "$a"
	best_settings in_ns "$b"
	ip addr add $A4/24 dev "$a"
	in_ns ip addr add $B4/24 dev "$b"
	ip link set "$a" up
	in_ns ip link set "$b" up
	in_ns ip link set lo up
	for _ in $(seq 60); do
		ping -c 1 -W 1 $B4 >/dev/null && return 0
	done
	echo "bench: $nic does not answer" >&2
	return 1
}

teardown() {
	in_ns ip link set "$b" netns 1
	ip netns del $NS
	ip addr flush dev "$a"
	ip link set "$a" down
	ip link set "$b" down 2>/dev/null
}

tcp() { # STREAMS
	in_ns iperf3 -s -1 -D
	for _ in $(seq 50); do
		in_ns ss -Hltn 'sport = :5201' | grep -q . && break
		sleep 0.1
	done
	iperf3 -J -c $B4 -t "$SECS" -P "$1" |
		jq -r '(.end.sum_received.bits_per_second // 0) / 1e6'
}

rtt() { # average, ms
	ping -q -i 0.002 -c 1000 $B4 | sed -n 's/^rtt [^=]*= [^/]*\/\([^/]*\)\/.*/\1/p'
}

# 64-byte frames (60 and FCS) from one kernel thread: what the sender gets
# out, and what the receiver takes in and drops at the earliest point.
pktgen() {
	local mac t0 t1 p0 p1 r0 r1
	mac=$(in_ns cat "/sys/class/net/$b/address")
	in_ns tc qdisc add dev "$b" clsact
	in_ns tc filter add dev "$b" ingress matchall action drop
	modprobe pktgen
	echo rem_device_all >/proc/net/pktgen/kpktgend_0
	echo "add_device $a" >/proc/net/pktgen/kpktgend_0
	printf '%s\n' "count 0" "clone_skb 0" "pkt_size 60" "delay 0" "dst $B4" "dst_mac $mac" \
		"burst 32" "flag NO_TIMESTAMP" | while read -r l; do echo "$l" >"/proc/net/pktgen/$a" 2>/dev/null; done
	(sleep "$SECS"; echo stop >/proc/net/pktgen/pgctrl) &
	p0=$(tx_packets)
	r0=$(in_ns cat "/sys/class/net/$b/statistics/rx_packets")
	t0=$(date +%s%N)
	echo start >/proc/net/pktgen/pgctrl
	t1=$(date +%s%N)
	sleep 0.5
	p1=$(tx_packets)
	r1=$(in_ns cat "/sys/class/net/$b/statistics/rx_packets")
	echo rem_device_all >/proc/net/pktgen/kpktgend_0
	in_ns tc qdisc del dev "$b" clsact
	emit tx_kpps $(((p1 - p0) * 1000000 / (t1 - t0)))
	emit rx_kpps $(((r1 - r0) * 1000000 / (t1 - t0)))
}

for pair in "$@"; do
	nic=${pair%%=*}
	a=${pair#*=}
	b=${a#*,}
	a=${a%,*}
	setup || continue
	emit tcp1_mbps "$(tcp 1)"
	emit tcp4_mbps "$(tcp 4)"
	emit rtt_ms "$(rtt)"
	pktgen
	teardown
done
