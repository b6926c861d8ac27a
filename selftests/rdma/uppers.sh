#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# RDMA on what is above a port. Four ports in one VM: tulle0-tulle1 and
# tulle2-tulle3 are cabled.
#
#   vlan   tulle0.7 here and tulle3.7 far; tulle1 and tulle2 are a bridge without
#          addresses, for which RoCE is traffic like any other: there tcpdump sees
#          what is on the wire
#   bond   bond0 of tulle0 and tulle2 here, of tulle1 and tulle3 far
. "$(dirname "$0")/../lib/rdma.sh"

VID=7
V4_HERE=192.0.7.1 V4_FAR=192.0.7.2
V6_HERE=2001:db8:7::1 V6_FAR=2001:db8:7::2
PORTS=(tulle0 tulle1 tulle2 tulle3)
declare -A IBDEV TABLE

# What the GID table of a device has: GID, type, network device.
gids() { # IBDEV
	local dir=/sys/class/infiniband/$1/ports/1 at ndev gid kind
	for at in "$dir"/gid_attrs/ndevs/*; do
		{ read -r ndev <"$at"; } 2>/dev/null || continue # no entry
		read -r kind <"$dir/gid_attrs/types/${at##*/}" && read -r gid <"$dir/gids/${at##*/}" &&
			echo "$gid $kind $ndev"
	done | sort
}

gids_of() { gids "${IBDEV[$1]}" | awk -v d="$2" '$NF == d'; } # PORT NETDEV

# gids_at NETDEV PORT ADDRESS...: these and the link-local one
gids_at() {
	local ndev=$1 port=$2 addr
	shift 2
	for addr; do
		gid_of "${IBDEV[$port]}" "$addr" >/dev/null || return 1
	done
	[ "$(gids_of "$port" "$ndev" | wc -l)" -ge $(($# + 1)) ]
}

# The kernel gives a bond's link-local GID to each of its ports.
no_gids_at() { # NETDEV PORT
	! gids_of "$2" "$1" | grep -qv '^fe80:'
}

show_gids() {
	local p
	for p in "${PORTS[@]}"; do
		gids "${IBDEV[$p]}" | sed "s/^/$p: /"
	done
}

tables_are_as_before() {
	local p
	for p in "${PORTS[@]}"; do
		[ "$(gids "${IBDEV[$p]}")" = "${TABLE[$p]}" ] || return 1
	done
}

as_before() {
	local p
	retry 20 tables_are_as_before && return 0
	show_gids
	for p in "${PORTS[@]}"; do
		printf '%s\n' "${TABLE[$p]}" | sed "s/^/$p was: /"
	done
	return 1
}

addresses() { # NETDEV: here; the same one far
	ip addr add "$V4_HERE/24" dev "$1" && ip addr add "$V6_HERE/64" dev "$1" nodad &&
		in_ns ip addr add "$V4_FAR/24" dev "$1" && in_ns ip addr add "$V6_FAR/64" dev "$1" nodad
}

reaches() { retry 30 ping -c 1 -W 1 "$V4_FAR" && retry 30 ping -c 1 -W 1 "$V6_FAR"; }

# pingpong KIND HERE_PORT FAR_PORT HERE_ADDRESS FAR_ADDRESS ARG...: on the GIDs with
# these addresses. The ends find each other over IPv4.
pingpong() {
	local kind=$1 ib=${IBDEV[$2]} far_ib=${IBDEV[$3]} gid far_gid
	gid=$(gid_of "$ib" "$4") && far_gid=$(gid_of "$far_ib" "$5") || { show_gids; return 1; }
	shift 5
	rdma_pair far env "ibv_${kind}_pingpong" -p "$RDMA_PORT" -d "$far_ib" -g "$far_gid" -n 100 "$@" -- \
		"ibv_${kind}_pingpong" -p "$RDMA_PORT" -d "$ib" -g "$gid" -n 100 "$@" "$V4_FAR"
}

rping_to() { # ADDRESS
	rdma_pair far env rping -s -a "$1" -p "$RDMA_PORT" -V -C 10 -S 4000 -- \
		rping -c -a "$1" -p "$RDMA_PORT" -V -C 10 -S 4000
}

# It has one port.
datagrams() { # ADDRESS
	local RDMA_PORT=7174
	rdma_pair far env udaddy -b "$1" -c 3 -C 10 -S 1000 -- udaddy -s "$1" -c 3 -C 10 -S 1000
}

multicast() { AT_SERVER=far AT_CLIENT=env rdma_mckey 239.1.2.3 "$V4_FAR" "$V4_HERE"; }

# The type of service becomes a priority, and that, through the VLAN's map, the tag's.
with_tos() {
	rdma_pair far env ucmatose -b "$V4_FAR" -p "$RDMA_PORT" -t 16 -c 2 -C 10 -S 1000 -- \
		ucmatose -s "$V4_FAR" -p "$RDMA_PORT" -t 16 -c 2 -C 10 -S 1000
}

programs() {
	ktap_check "$1: rping" rping_to "$V4_FAR"
	ktap_check "$1: rping v6" rping_to "$V6_FAR"
	ktap_check "$1: udaddy" datagrams "$V4_FAR"
	ktap_check "$1: mckey" multicast
}

#
# VLAN
#
vlan_make() {
	ip link set tulle3 netns "$NS"
	ip link add br0 type bridge && ip link set tulle1 master br0 && ip link set tulle2 master br0 || return 1
	for p in br0 tulle0 tulle1 tulle2; do
		ip link set $p up
	done
	in_ns ip link set tulle3 up
	retry 20 port_carrier tulle0 && retry 20 port_carrier tulle2 || { echo "no carrier"; return 1; }
	sleep 1 # for the link-local addresses of the ports themselves
	note_tables
	ip link add link tulle0 name upper type vlan id $VID egress-qos-map 6:5 &&
		in_ns ip link add link tulle3 name upper type vlan id $VID egress-qos-map 6:5 || return 1
	addresses upper
	ip link set upper up
	in_ns ip link set upper up
	reaches
}

note_tables() {
	local p
	for p in "${PORTS[@]}"; do
		TABLE[$p]=$(gids "${IBDEV[$p]}")
	done
}

vlan_gids() {
	retry 10 gids_at upper tulle0 "$V4_HERE" "$V6_HERE" && retry 10 gids_at upper tulle3 "$V4_FAR" "$V6_FAR" &&
		no_gids_at upper tulle1 && no_gids_at upper tulle2 && return 0
	show_gids
	return 1
}

sniffing() { grep -q "listening on" "$KTAP_TMP/tcpdump"; }
caught() { tcpdump -n -e -r "$KTAP_TMP/pcap" "$@" 2>/dev/null; } # FILTER

# tagged MAC PRIORITY MINIMUM: RoCE of that sender, all with that priority.
tagged() {
	local all right
	all=$(caught "ether src $1 and vlan $VID and udp dst port 4791" | wc -l)
	right=$(caught "ether src $1 and vlan $VID and udp dst port 4791" | grep -c "vlan $VID, p $2, ")
	echo "$1: $all frames of RoCE, $right with priority $2"
	[ "$all" -ge "$3" ] && [ "$right" -eq "$all" ]
}

# on_wire COMMAND...: with tcpdump between the ends; nothing may be untagged.
on_wire() {
	local pid rc
	tcpdump -i tulle1 -U -w "$KTAP_TMP/pcap" 2>"$KTAP_TMP/tcpdump" &
	pid=$!
	retry 10 sniffing || cat "$KTAP_TMP/tcpdump"
	"$@"
	rc=$?
	sleep 1
	kill $pid
	wait $pid
	[ "$(caught 'udp dst port 4791' | wc -l)" = 0 ] || { echo "RoCE without a tag"; return 1; }
	return $rc
}

priority_of_sl() { # KIND SL
	on_wire pingpong "$1" tulle0 tulle3 "$V4_HERE" "$V4_FAR" -l "$2" || return 1
	tagged "$MAC_HERE" "$2" 100 && tagged "$MAC_FAR" "$2" 100 || { caught | head -n 20; return 1; }
}

priority_of_tos() {
	on_wire with_tos || return 1
	caught "ether src $MAC_HERE and vlan $VID and udp dst port 4791" >"$KTAP_TMP/frames"
	# Connection management has a priority of its own; data are to other QPs.
	[ "$(grep -c "vlan $VID, p 5, " "$KTAP_TMP/frames")" -ge 20 ] || { cat "$KTAP_TMP/frames"; return 1; }
}

other_mac() {
	ip link set upper address 02:00:00:00:07:01 || return 1
	retry 10 reaches && retry 10 gids_at upper tulle0 "$V4_HERE" "$V6_HERE" || { show_gids; return 1; }
	pingpong rc tulle0 tulle3 "$V4_HERE" "$V4_FAR" -c && rping_to "$V4_FAR"
}

vlan_remove() {
	ip link del upper
	in_ns ip link del upper
	as_before
}

vlan() {
	local kind
	ktap_check "VLAN: made" vlan_make
	MAC_HERE=$(cat /sys/class/net/upper/address) MAC_FAR=$(in_ns cat /sys/class/net/upper/address)
	ktap_check "VLAN: its GIDs" vlan_gids
	for kind in "rc -c" "uc -c" "ud -s 1024" "srq"; do
		# shellcheck disable=SC2086
		{
			set -- $kind
			ktap_check "VLAN: $1" pingpong "$1" tulle0 tulle3 "$V4_HERE" "$V4_FAR" "${@:2}"
			ktap_check "VLAN: $1 v6" pingpong "$1" tulle0 tulle3 "$V6_HERE" "$V6_FAR" "${@:2}"
		}
	done
	programs VLAN
	ktap_check "VLAN: tag with the service level of RC" priority_of_sl rc 3
	ktap_check "VLAN: tag with the service level of UC" priority_of_sl uc 7
	ktap_check "VLAN: tag with the service level of UD" priority_of_sl ud 5
	ktap_check "VLAN: tag with the priority of a connection" priority_of_tos
	ktap_check "VLAN: another MAC address" other_mac
	ktap_check "VLAN: removed, the GIDs as before" vlan_remove
}

#
# Bond
#
# Both ends must agree on the active cable, so they prefer the same one.
bond_make() { # MODE...
	local p
	for p in tulle1 tulle3; do
		ip link set $p netns "$NS"
	done
	for p in tulle0 tulle2; do
		ip link set $p up
	done
	for p in tulle1 tulle3; do
		in_ns ip link set $p up
	done
	retry 20 port_carrier tulle0 && retry 20 port_carrier tulle2 || { echo "no carrier"; return 1; }
	sleep 1
	note_tables
	ip link add bond0 type bond "$@" miimon 50 && in_ns ip link add bond0 type bond "$@" miimon 50 || return 1
	for p in tulle0 tulle2; do
		ip link set $p down && ip link set $p master bond0 || return 1
	done
	for p in tulle1 tulle3; do
		in_ns ip link set $p down && in_ns ip link set $p master bond0 || return 1
	done
	if [ "$2" = active-backup ]; then
		ip link set bond0 type bond primary tulle0
		in_ns ip link set bond0 type bond primary tulle1
	fi
	addresses bond0
	ip link set bond0 up
	in_ns ip link set bond0 up
	reaches
}

bond_active() { # PORT FAR_PORT
	[ "$(cat /sys/class/net/bond0/bonding/active_slave)" = "$1" ] &&
		[ "$(in_ns cat /sys/class/net/bond0/bonding/active_slave)" = "$2" ]
}

# The GIDs of the bond are at the active ports, and nowhere else.
bond_gids() { # PORT FAR_PORT OTHER OTHER_FAR
	retry 20 bond_active "$1" "$2" && retry 10 gids_at bond0 "$1" "$V4_HERE" "$V6_HERE" &&
		retry 10 gids_at bond0 "$2" "$V4_FAR" "$V6_FAR" &&
		retry 10 no_gids_at bond0 "$3" && retry 10 no_gids_at bond0 "$4" && return 0
	cat /proc/net/bonding/bond0
	in_ns cat /proc/net/bonding/bond0
	show_gids
	return 1
}

bond_works() { # WHEN PORT FAR_PORT
	ktap_check "bond $1: rc" pingpong rc "$2" "$3" "$V4_HERE" "$V4_FAR" -c
	ktap_check "bond $1: ud v6" pingpong ud "$2" "$3" "$V6_HERE" "$V6_FAR" -s 1024
	programs "bond $1"
}

# A VLAN above the bond goes with it.
bond_vlan() {
	local V4_HERE=192.0.8.1 V4_FAR=192.0.8.2 V6_HERE=2001:db8:8::1 V6_FAR=2001:db8:8::2
	if [ ! -e /sys/class/net/upper ]; then
		ip link add link bond0 name upper type vlan id $VID &&
			in_ns ip link add link bond0 name upper type vlan id $VID || return 1
		addresses upper
		ip link set upper up
		in_ns ip link set upper up
	fi
	reaches || return 1
	retry 10 gids_at upper "$1" "$V4_HERE" "$V6_HERE" && retry 10 no_gids_at upper "$3" || { show_gids; return 1; }
	pingpong rc "$1" "$2" "$V4_HERE" "$V4_FAR" -c && rping_to "$V4_FAR"
}

# Programs hear of the link of a bond's port.
bond_tells() { # EVENT
	retry 10 grep -q "$1" "$KTAP_TMP/watch" || { cat "$KTAP_TMP/watch"; return 1; }
}

bond_fails_over() {
	stdbuf -oL ibv_asyncwatch -d "${IBDEV[tulle0]}" >"$KTAP_TMP/watch" 2>&1 &
	ENV_PIDS+=($!)
	retry 10 grep -q "async event" "$KTAP_TMP/watch" || return 1
	in_ns ip link set tulle1 down
	bond_tells PORT_ERR || return 1
	in_ns ip link set tulle1 up
	bond_tells PORT_ACTIVE || return 1
	ip link set tulle0 down
	bond_gids tulle2 tulle3 tulle0 tulle1 && reaches
}

bond_goes_back() {
	ip link set tulle0 up
	bond_gids tulle0 tulle1 tulle2 tulle3 && reaches
}

bond_remove() {
	local p
	ip link del upper
	in_ns ip link del upper
	ip link del bond0
	in_ns ip link del bond0
	for p in tulle0 tulle2; do
		ip link set $p up
	done
	for p in tulle1 tulle3; do
		in_ns ip link set $p up
	done
	as_before
}

bond() {
	ktap_check "bond: made" bond_make mode active-backup
	ktap_check "bond: its GIDs" bond_gids tulle0 tulle1 tulle2 tulle3
	bond_works "at first" tulle0 tulle1
	ktap_check "bond at first: a VLAN on it" bond_vlan tulle0 tulle1 tulle2
	ktap_check "bond fails over: its GIDs" bond_fails_over
	bond_works "failed over" tulle2 tulle3
	ktap_check "bond failed over: a VLAN on it" bond_vlan tulle2 tulle3 tulle0
	ktap_check "bond goes back: its GIDs" bond_goes_back
	bond_works "back" tulle0 tulle1
	ktap_check "bond back: a VLAN on it" bond_vlan tulle0 tulle1 tulle2
	ktap_check "bond: removed, the GIDs as before" bond_remove
}

home() {
	local p
	ip link del br0 2>/dev/null
	ip link del upper 2>/dev/null
	ip link del bond0 2>/dev/null
	for p in "${PORTS[@]}"; do
		ip -n "$NS" link set "$p" netns 1 2>/dev/null
	done
	ip netns del "$NS" 2>/dev/null
	for p in "${PORTS[@]}"; do
		retry 10 test -e "/sys/class/net/$p" || return 1
		ip addr flush dev "$p"
		ip link set "$p" down mtu 1500
	done
	ip netns add "$NS"
	in_ns ip link set lo up
}

ktap_begin
home
env_require_tulle "${PORTS[@]}"
modprobe -a rdma_ucm ib_umad
for port in "${PORTS[@]}"; do
	IBDEV[$port]=$(rdma_of "$port")
done
[ $# -gt 0 ] || set -- vlan bond
for part; do
	home
	"$part"
done
home
ktap_end
