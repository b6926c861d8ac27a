#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Four ports in one VM: tulle0-tulle1 and tulle2-tulle3 are cabled. A bridge
# between two of them forwards; bonds of two fail over and aggregate.
. "$(dirname "$0")/../lib/env.sh"

PORTS=(tulle0 tulle1 tulle2 tulle3)

clean() {
	local p
	for n in nsa nsb; do
		for p in "${PORTS[@]}"; do
			ip -n $n link set "$p" nomaster 2>/dev/null
			ip -n $n link set "$p" netns 1 2>/dev/null
		done
		ip netns del $n 2>/dev/null
	done
	ip link del br0 2>/dev/null
	for p in "${PORTS[@]}"; do
		retry 10 test -e "/sys/class/net/$p" || return 1
		ip link set "$p" nomaster
		ip addr flush dev "$p"
		ip link set "$p" down
	done
}

# nsa: tulle0 | init: tulle1 - br0 - tulle2 | nsb: tulle3
bridge() {
	clean || return 1
	ip netns add nsa && ip netns add nsb || return 1
	ip link set tulle0 netns nsa && ip link set tulle3 netns nsb || return 1
	ip link add br0 type bridge
	ip link set tulle1 master br0 && ip link set tulle2 master br0 || return 1
	ip link set br0 up
	ip link set tulle1 up
	ip link set tulle2 up
	ip -n nsa addr add 192.0.4.1/24 dev tulle0
	ip -n nsb addr add 192.0.4.2/24 dev tulle3
	ip -n nsa link set tulle0 up
	ip -n nsb link set tulle3 up
	retry 20 ip netns exec nsa ping -c 1 -W 1 192.0.4.2 || return 1
	in_background ip netns exec nsb iperf3 -s -1
	retry 10 eval "ip netns exec nsb ss -Hltn 'sport = :5201' | grep -q ."
	ip netns exec nsa iperf3 -c 192.0.4.2 -t 3
}

# bond MODE...: nsa has tulle0 and tulle2, nsb their other ends.
bond_up() {
	clean || return 1
	ip netns add nsa && ip netns add nsb || return 1
	local n p
	for n in nsa nsb; do
		ip -n $n link add bond0 type bond "$@" miimon 50 || return 1
	done
	for p in tulle0 tulle2; do
		ip link set $p netns nsa && ip -n nsa link set $p master bond0 || return 1
	done
	for p in tulle1 tulle3; do
		ip link set $p netns nsb && ip -n nsb link set $p master bond0 || return 1
	done
	if [ "$2" = active-backup ]; then
		ip -n nsa link set bond0 type bond primary tulle0
		ip -n nsb link set bond0 type bond primary tulle1
	fi
	ip -n nsa addr add 192.0.5.1/24 dev bond0
	ip -n nsb addr add 192.0.5.2/24 dev bond0
	ip -n nsa link set bond0 up
	ip -n nsb link set bond0 up
	retry 30 ip netns exec nsa ping -c 1 -W 1 192.0.5.2
}

bond_state() { ip netns exec "$1" cat /proc/net/bonding/bond0; }

answers() { ip netns exec nsa ping -c 2 -i 0.2 -W 1 192.0.5.2; }

port_is_up() { # NAMESPACE PORT
	bond_state "$1" | sed -n "/^Slave Interface: $2\$/,/^\$/p" | grep -qx 'MII Status: up'
}

# Both ends see the cable of tulle0 or tulle2 as up.
cable_is_up() {
	port_is_up nsa "$1" && port_is_up nsb "tulle$((${1#tulle} + 1))"
}

# pulled PORT: traffic goes on without it, and it comes back.
pulled() {
	ip -n nsa link set "$1" down
	retry 10 answers || { echo "no answer without $1"; return 1; }
	! port_is_up nsb "tulle$((${1#tulle} + 1))" || { echo "the other end of $1 has a link"; return 1; }
	ip -n nsa link set "$1" up
	retry 20 cable_is_up "$1" || { echo "$1 does not come back"; return 1; }
}

failover() { # MODE...
	bond_up "$@" || return 1
	retry 20 cable_is_up tulle0 && retry 20 cable_is_up tulle2 || { echo "a cable is down"; return 1; }
	pulled tulle0 && pulled tulle2 || return 1
	retry 10 answers || return 1
	in_background ip netns exec nsb iperf3 -s -1
	retry 10 eval "ip netns exec nsb ss -Hltn 'sport = :5201' | grep -q ."
	ip netns exec nsa iperf3 -c 192.0.5.2 -t 3 -P 4
}

# Two bonds without a switch between them must agree on the active cable, so
# both prefer the same one.
active_is() { # NAMESPACE PORT
	[ "$(ip netns exec "$1" cat /sys/class/net/bond0/bonding/active_slave)" = "$2" ]
}

active_backup() {
	failover mode active-backup || { bond_state nsa; bond_state nsb; return 1; }
	retry 10 active_is nsa tulle0 && retry 10 active_is nsb tulle1 || { echo "not back on the primary"; return 1; }
	ip -n nsa link set tulle0 down
	retry 10 active_is nsa tulle2 && retry 10 active_is nsb tulle3 || { echo "not on the backup"; return 1; }
	retry 10 answers
}

# Both ports in one aggregator, in sync, collecting and distributing (state 61
# or, with short timeouts, 63), on either end.
in_sync() {
	ip netns exec nsa cat /proc/net/bonding/bond0 >"$KTAP_TMP/bond"
	grep -q 'Number of ports: 2' "$KTAP_TMP/bond" &&
		[ "$(grep -cE 'port state: (61|63)$' "$KTAP_TMP/bond")" = 4 ]
}

aggregated() {
	failover mode 802.3ad lacp_rate fast || { bond_state nsa; bond_state nsb; return 1; }
	retry 30 in_sync || { cat "$KTAP_TMP/bond"; return 1; }
}

ktap_begin
env_require_tulle "${PORTS[@]}"
ktap_check "bridge forwards" bridge
ktap_check "bond active-backup fails over" active_backup
ktap_check "bond 802.3ad aggregates and fails over" aggregated
clean
ktap_end
