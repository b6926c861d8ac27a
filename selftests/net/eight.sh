#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Eight ports in one VM, in four cables: all are there, each reaches its partner
# and nobody else, and all four cables carry TCP at once, also with more channels
# than the machine has interrupt vectors.
. "$(dirname "$0")/../lib/env.sh"

PORTS=(tulle0 tulle1 tulle2 tulle3 tulle4 tulle5 tulle6 tulle7)
CABLES=(0 1 2 3)

# A port in a namespace of its own: 192.0.5.N in one network, N from 1.
place() { # INDEX
	ip netns add "ns$1" && ip link set "tulle$1" netns "ns$1" || return 1
	ip -n "ns$1" addr add "192.0.5.$(($1 + 1))/24" dev "tulle$1" || return 1
	ip -n "ns$1" link set "tulle$1" up
}

place_all() {
	local i
	for i in "${!PORTS[@]}"; do
		place "$i" || return 1
	done
}

reaches() { # FROM TO, indices
	ip netns exec "ns$1" ping -c 3 -i 0.1 -W 1 "192.0.5.$(($2 + 1))"
}

partners_answer() { # CABLE
	local a=$(($1 * 2)) b=$(($1 * 2 + 1))
	retry 20 reaches $a $b && reaches $b $a
}

cables_are_apart() {
	! reaches 0 2 && ! reaches 5 3 && ! reaches 7 4
}

all_at_once() {
	local c pids=() bad=0
	for c in "${CABLES[@]}"; do
		in_background ip netns exec "ns$((c * 2 + 1))" iperf3 -s
		retry 15 eval "ip netns exec ns$((c * 2 + 1)) ss -Hltn 'sport = :5201' | grep -q ." || return 1
	done
	for c in "${CABLES[@]}"; do
		ip netns exec "ns$((c * 2))" iperf3 -J -c "192.0.5.$((c * 2 + 2))" -t 4 \
			--connect-timeout 10000 >"$KTAP_TMP/iperf.$c" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for c in "${CABLES[@]}"; do
		jq -e '.error == null and .end.sum_received.bytes >= 1000000' "$KTAP_TMP/iperf.$c" >/dev/null ||
			{ jq -c '{error, end: .end.sum_received}' "$KTAP_TMP/iperf.$c"; bad=1; }
	done
	return $bad
}

# Handlers of completion events, of all ports
vectors() {
	grep -c ' tulle-comp[0-9]*@' /proc/interrupts
}

# More than two CPUs have interrupt vectors: 8 * 64 channels, some without one.
many_channels() {
	local i
	for i in "${!PORTS[@]}"; do
		ip netns exec "ns$i" ethtool -L "tulle$i" combined 64 || return 1
	done
	echo "$(vectors) vectors for $((64 * 8)) channels"
	[ "$(nproc)" -gt 2 ] || [ "$(vectors)" -lt $((64 * 8)) ] || return 1
	for i in "${CABLES[@]}"; do
		retry 5 reaches $((i * 2)) $((i * 2 + 1)) || return 1
	done
	all_at_once
}

few_channels() {
	local i
	for i in "${!PORTS[@]}"; do
		ip netns exec "ns$i" ethtool -L "tulle$i" combined 2 || return 1
	done
	all_at_once
}

ktap_begin
env_require_tulle "${PORTS[@]}"
ktap_check "all ports come up" place_all
for c in "${CABLES[@]}"; do
	ktap_check "tulle$((c * 2)) and tulle$((c * 2 + 1)) answer each other" partners_answer "$c"
done
ktap_check "no frame leaves its cable" cables_are_apart
ktap_check "four cables carry TCP at once" all_at_once
ktap_check "channels that find no interrupt vector share those of others" many_channels
ktap_check "back to two channels each" few_channels
ktap_end
