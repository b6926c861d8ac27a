#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Measures pairs of ports in the VM, one line of JSON per figure:
#
#   guest.sh speed|insns SECONDS NAME=PORT_A,PORT_B ...
#
# PORT_A stays, PORT_B goes to a namespace; the pairs are measured in turn, so
# that all see the same machine. "insns" counts the guest's instructions
# instead of time, which is the same on a busy machine.
set -u
WHAT=$1
SECS=$2
shift 2
NS=bench
A4=192.0.6.1 B4=192.0.6.2

emit() { printf '{"nic":"%s","metric":"%s","value":%s}\n' "$nic" "$1" "$2"; }
in_ns() { ip netns exec $NS "$@"; }
tx_packets() { cat "/sys/class/net/$a/statistics/tx_packets"; }

# What a user would set on that NIC: everything it offers. Large aggregates are the
# stack's affair, large frames to send have to be the NIC's as well.
best_settings() { # PREFIX... DEV
	local dev=${*: -1} pre=("${@:1:$#-1}") f tso
	for f in tso gso gro sg rx tx rx-gro-hw; do
		"${pre[@]}" ethtool -K "$dev" $f on >/dev/null 2>&1
	done
	tso=$("${pre[@]}" ip -d -j link show "$dev" | jq '[.[0].tso_max_size, 262144] | min')
	"${pre[@]}" ip link set "$dev" gro_max_size 262144 gro_ipv4_max_size 262144 \
		gso_max_size "$tso" gso_ipv4_max_size "$tso" || echo "bench: $dev: no large frames" >&2
	return 0
}

# Interrupts without delay, where the NIC has any; and what was there before.
declare -A RX_USECS
no_delay() { # DEV PREFIX...
	local dev=$1
	shift
	RX_USECS[$dev]=$("$@" ethtool -c "$dev" | sed -n 's/^rx-usecs:[[:space:]]*\([0-9]*\)$/\1/p')
	[ "${RX_USECS[$dev]:-0}" = 0 ] || "$@" ethtool -C "$dev" rx-usecs 0
}

delay_again() { # DEV PREFIX...
	local dev=$1
	shift
	[ "${RX_USECS[$dev]:-0}" = 0 ] || "$@" ethtool -C "$dev" rx-usecs "${RX_USECS[$dev]}"
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
	unpin
	[ "$nic" = tulle ] && in_ns ethtool -A "$b" autoneg on rx on tx on
	in_ns tc qdisc del dev "$b" clsact
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

# All interrupts of a NIC to one CPU.
pin() { # CPU PCI_DEVICE
	local irq
	for irq in "$2"/msi_irqs/*; do
		echo "$1" >"/proc/irq/${irq##*/}/smp_affinity_list"
	done 2>/dev/null
}

irqs_of() { for irq in "$pci_a"/msi_irqs/* "$pci_b"/msi_irqs/*; do echo "${irq##*/}"; done; }

declare -A AFFINITY
remember_affinity() {
	local irq
	for irq in $(irqs_of); do
		AFFINITY[$irq]=$(cat "/proc/irq/$irq/smp_affinity_list" 2>/dev/null)
	done
}

unpin() {
	local irq
	for irq in $(irqs_of); do
		echo "${AFFINITY[$irq]:-0}" >"/proc/irq/$irq/smp_affinity_list"
	done 2>/dev/null
}

pci_of() { # DEV, in sysfs; virtio has a device of its own between
	local d
	d=$(readlink -f "/sys/class/net/$1/device")
	[ -e "$d/msi_irqs" ] || d=${d%/*}
	echo "$d"
}

# Everything on one CPU: the way there and back, not how soon another virtual
# CPU wakes up. Average, ms.
rtt() {
	pin 0 "$pci_a"
	pin 0 "$pci_b"
	no_delay "$a"
	no_delay "$b" in_ns
	taskset -c 0 ping -q -i 0.002 -c 1000 $B4 | sed -n 's/^rtt [^=]*= [^/]*\/\([^/]*\)\/.*/\1/p'
	delay_again "$a"
	delay_again "$b" in_ns
}

pg() { # FILE LINE...: refused lines are options that the driver has not
	local file=/proc/net/pktgen/$1 line
	shift
	for line in "$@"; do
		echo "$line" 2>/dev/null >"$file"
	done
}

# 64-byte frames (60 and FCS) from one kernel thread to MAC for SECS seconds:
# sets SENT, GOT and MS, and with them TX and RX, thousands per second that left and that the receiver's stack
# was handed (it drops them at the earliest point).
flood() { # MAC
	local t0 t1 p0 p1 r0 r1
	pg kpktgend_0 rem_device_all "add_device $a"
	pg "$a" "count 0" "clone_skb 1000" "pkt_size 60" "delay 0" "dst $B4" "dst_mac $1" \
		"burst 32" "flag NO_TIMESTAMP"
	(sleep "$SECS"; pg pgctrl stop) &
	p0=$(tx_packets)
	r0=$(in_ns cat "/sys/class/net/$b/statistics/rx_packets")
	t0=$(date +%s%N)
	pg pgctrl start
	t1=$(date +%s%N)
	sleep 0.5
	p1=$(tx_packets)
	r1=$(in_ns cat "/sys/class/net/$b/statistics/rx_packets")
	pg kpktgend_0 rem_device_all
	SENT=$((p1 - p0))
	GOT=$((r1 - r0))
	MS=$(((t1 - t0) / 1000000))
	TX=$((SENT / MS))
	RX=$((GOT / MS))
}

# Who sends and who receives get a CPU each. A receiver that cannot keep up
# drops, as without flow control, and does not hold the sender back.
packets_setup() {
	modprobe pktgen
	pin 0 "$pci_a"
	pin 1 "$pci_b"
	[ "$nic" = tulle ] && in_ns ethtool -A "$b" autoneg off rx off tx off
	in_ns tc qdisc add dev "$b" clsact
	in_ns tc filter add dev "$b" ingress matchall action drop
	MAC=$(in_ns cat "/sys/class/net/$b/address")
}

# The sender alone, to a station that is not there; then to the other port.
speed() {
	emit tcp1_mbps "$(tcp 1)"
	emit tcp4_mbps "$(tcp 4)"
	emit rtt_ms "$(rtt)"
	packets_setup
	flood 02:00:00:00:99:99
	emit tx_kpps $TX
	flood "$MAC"
	emit rx_kpps $RX
}

# Instructions of the guest for a packet sent, for one received and dropped by
# its stack, and for a ping and its answer.
count() {
	local i0 i1 tx
	rtt >/dev/null
	i0=$(insns) || exit
	taskset -c 0 ping -q -f -c 5000 $B4 >/dev/null
	i1=$(insns)
	emit ping_insns $(((i1 - i0) / 5000))
	packets_setup
	i0=$(insns)
	flood 02:00:00:00:99:99
	i1=$(insns)
	tx=$(((i1 - i0) / (SENT + 1)))
	emit tx_insns $tx
	i0=$(insns)
	flood "$MAC"
	i1=$(insns)
	emit rx_insns $(((i1 - i0 - SENT * tx) / (GOT + 1)))
}

for pair in "$@"; do
	nic=${pair%%=*}
	a=${pair#*=}
	b=${a#*,}
	a=${a%,*}
	pci_a=$(pci_of "$a")
	pci_b=$(pci_of "$b")
	setup || continue
	remember_affinity
	if [ "$WHAT" = insns ]; then count; else speed; fi
	teardown
done
