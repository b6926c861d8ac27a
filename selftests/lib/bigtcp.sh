# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# BIG TCP, as the tests that send it need it, and the proof that an IOMMU is at
# work. Source it after env.sh.

BIG=262144

# offload_sizes PORT GSO GRO [IN]: sizes up to which the stack puts packets together.
offload_sizes() {
	${4:-} ip link set "$1" gso_max_size "$2" gso_ipv4_max_size "$2" \
		gro_max_size "$3" gro_ipv4_max_size "$3"
}

# As if the path were short: packets do not shrink because the guest is slow.
big_tcp_begin() { # PORT
	offload_sizes "$1" $BIG $BIG && sysctl -qw net.ipv4.tcp_tso_rtt_log=20
}

big_tcp_end() {
	sysctl -qw net.ipv4.tcp_tso_rtt_log=9
	offload_sizes "$1" 65536 65536
}

# The stack hands over, and gets, so many bytes at a time on average. Each such packet
# is many on the wire.
big_on_counters() { # FILES SIDE MEAN: from qstats_save
	local packets bytes wire
	packets=$(qstats_grew "$1.0" "$1.1" "$2-packets") &&
		bytes=$(qstats_grew "$1.0" "$1.1" "$2-bytes") &&
		wire=$(qstats_grew "$1.0" "$1.1" "$2-wire-packets") || return 1
	echo "$1: $packets $2 packets of $bytes bytes, $wire on the wire"
	[ "$packets" -gt 0 ] && [ $((bytes / packets)) -gt "$3" ] && [ $((wire / packets)) -gt $(($3 / 1460)) ]
}

# Every address that a function uses is translated: its IOMMU group has a domain of
# its own, in strict mode. Without that, a run with --iommu proves nothing.
iommu_translates() {
	local pci type
	[ -n "$TULLE_PCI" ] || { echo "no Tulle function"; return 1; }
	for pci in $TULLE_PCI; do
		type=$(cat "/sys/bus/pci/devices/$pci/iommu_group/type") || return 1
		[ "$type" = DMA ] || { echo "$pci: the IOMMU group's type is $type"; return 1; }
	done
}

iommu_check() {
	[ "${IOMMU:-0}" = 0 ] || ktap_check "an IOMMU translates for every function" iommu_translates
}
