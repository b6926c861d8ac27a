#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# A Tulle port (tulle0) against whatever NIC the second VM has: ping at every MTU
# that both ends take, iperf3 both ways, BIG TCP, and transfers compared by hash, so
# that no bug of ours hides behind its mirror image. IOMMU=1: with an IOMMU in front
# of the port.
. "$(dirname "$0")/../lib/env.sh"
. "$(dirname "$0")/../lib/bigtcp.sh"

guest_is_slow && SECS=15
SECS=${SECS:-4}		# of each iperf3 run
MIB=${MIB:-256}		# of each transfer that is compared
PEER_DEV=$(peer "ls /sys/class/net" | grep -xE 'peer0|tulle0')

ping_size() { ping -c 3 -i 0.1 -W 2 -M "do" -s "$1" "$REMOTE_V4"; }
ping6_size() { ping -6 -c 3 -i 0.1 -W 2 -M "do" -s "$1" "$REMOTE_V6"; }

addresses() {
	port_addresses
	peer "ip addr replace $REMOTE_V4/24 dev $PEER_DEV; ip addr replace $REMOTE_V6/64 dev $PEER_DEV nodad"
}

# limit NAME [IN]: what the port at this end, or the other, says of itself.
limit() { ${2:-} ip -d -j link show dev "$([ -z "${2:-}" ] && echo tulle0 || echo "$PEER_DEV")" | jq ".[0].$1"; }

# The MTUs to try: the usual ones and both limits, as far as both NICs go.
common_mtus() {
	local a b low high
	a=$(limit min_mtu) b=$(limit min_mtu peer)
	low=$((a > b ? a : b))
	a=$(limit max_mtu) b=$(limit max_mtu peer)
	high=$((a < b ? a : b))
	printf '%s\n' $low 68 576 1280 1500 4000 9000 9600 $high | sort -nu |
		awk -v low=$low -v high=$high '$1 >= low && $1 <= high'
}

# What the stack learned of the path while the MTU was small goes with it. Some
# NICs lose their link for a moment.
set_mtu() {
	ip link set tulle0 mtu "$1" && peer "ip link set $PEER_DEV mtu $1 && ip route flush cache" || return 1
	ip route flush cache
	# IPv6 is turned off below 1280 and comes back without addresses
	addresses
	retry 20 ping -c 1 -W 1 "$REMOTE_V4" >/dev/null
}

ping_mtu() {
	set_mtu "$1" && ping_size $(($1 - 28)) && ping -c 2 -i 0.1 -W 2 -s 0 "$REMOTE_V4" || return 1
	[ "$1" -lt 1280 ] || ping6_size $(($1 - 48))
}

# transfer TO: $MIB MiB from this end of the cable, or towards it when TO is an
# address of ours, arrive as they were sent. The listener takes both protocols.
transfer() {
	local there=peer here=""
	case $1 in "$LOCAL_V4" | "$LOCAL_V6") there="" here=peer ;; esac
	[ "$1" = "${1#*:}" ] || set -- "[$1]"
	on "$there" "rm -f /tmp/got; nohup sh -c 'socat -u -b 1048576 TCP6-LISTEN:5300,reuseaddr,ipv6only=0 - |
		sha256sum > /tmp/got' >/dev/null 2>&1 &"
	retry 10 eval "on '$there' 'ss -Hltn sport = :5300' | grep -q ."
	on "$here" "dd if=/dev/urandom of=/tmp/sent bs=1M count=$MIB status=none &&
		socat -u -b 1048576 OPEN:/tmp/sent 'TCP:$1:5300'" || return 1
	retry 20 on "$there" "test -s /tmp/got"
	on "$here" "sha256sum </tmp/sent; rm /tmp/sent" >"$KTAP_TMP/sent"
	on "$there" "cat /tmp/got" >"$KTAP_TMP/got"
	echo "sent $(cat "$KTAP_TMP/sent")"
	echo "got  $(cat "$KTAP_TMP/got")"
	cmp "$KTAP_TMP/sent" "$KTAP_TMP/got"
}

on() { ${1:-bash -c} "$2"; }

peer_packets() { peer "cat /sys/class/net/$PEER_DEV/statistics/rx_packets"; }

# Packets of up to 256 KiB from the stack here, cut by the device. The other stack
# gets as many as there are on the wire, and the data in them.
big_tcp() { # ADDRESS
	local before arrived
	before=$(peer_packets)
	qstats_save tulle0 sender.0 && transfer "$1" && qstats_save tulle0 sender.1 || return 1
	arrived=$(($(peer_packets) - before))
	echo "$arrived packets arrived"
	big_on_counters sender tx-hw-gso 65536 && [ $arrived -ge $((MIB * 1048576 / 1460)) ]
}

# The other end's device puts together again what this one cut.
big_tcp_both() { # ADDRESS
	qstats_save tulle0 sender.0 && qstats_save "$PEER_DEV" receiver.0 peer || return 1
	transfer "$1" || return 1
	qstats_save tulle0 sender.1 && qstats_save "$PEER_DEV" receiver.1 peer || return 1
	big_on_counters sender tx-hw-gso 65536 && big_on_counters receiver rx-hw-gro 16384
}

# And this device what another stack and its NIC cut.
big_tcp_reverse() { # ADDRESS
	qstats_save tulle0 receiver.0 && transfer "$1" && qstats_save tulle0 receiver.1 || return 1
	big_on_counters receiver rx-hw-gro 4096
}

ktap_begin
env_require_tulle tulle0
iommu_check
echo "# peer: $(peer "ethtool -i $PEER_DEV" | head -n 1)"
ip link set tulle0 up
peer "ip link set $PEER_DEV up"
addresses
ktap_check "the peer answers" retry 30 ping -c 1 -W 1 "$REMOTE_V4"
mapfile -t mtus < <(common_mtus)
echo "# MTUs: ${mtus[*]}"
# None at all would fail nothing below.
ktap_check "MTUs in common" test "${#mtus[@]}" -ge 3
for mtu in "${mtus[@]}"; do
	ktap_check "ping mtu $mtu" ping_mtu "$mtu"
done
set_mtu 1500
peer "nohup iperf3 -s >/dev/null 2>&1 &"
retry 15 eval "peer 'ss -Hltn sport = :5201' | grep -q ."
ktap_check "tcp" iperf_ok 1000000 -c "$REMOTE_V4" -t "$SECS"
ktap_check "tcp reverse" iperf_ok 1000000 -c "$REMOTE_V4" -t "$SECS" -R
ktap_check "tcp 8 streams" iperf_ok 1000000 -c "$REMOTE_V4" -t "$SECS" -P 8
ktap_check "tcp v6 both ways" iperf_ok 1000000 -c "$REMOTE_V6" -t "$SECS" --bidir
ktap_check "udp" iperf_ok 100000 -c "$REMOTE_V4" -u -b 10M -t "$SECS"
ktap_check "udp reverse, large datagrams" iperf_ok 100000 -c "$REMOTE_V4" -u -b 10M -l 8000 -t "$SECS" -R
ktap_check "$MIB MiB arrive unchanged" transfer "$REMOTE_V4"

big_tcp_begin tulle0
ethtool -K tulle0 rx-gro-hw on
# The other NIC's packets as far as it takes them; its stack aggregates in software.
gso=$(limit tso_max_size peer)
peer sysctl -qw net.ipv4.tcp_tso_rtt_log=20
offload_sizes "$PEER_DEV" $((gso < BIG ? gso : BIG)) $BIG peer
peer ethtool -K "$PEER_DEV" rx-gro-hw off 2>/dev/null
ktap_check "BIG TCP, $MIB MiB" big_tcp "$REMOTE_V4"
ktap_check "BIG TCP v6, $MIB MiB" big_tcp "$REMOTE_V6"
ktap_check "aggregates, $MIB MiB" big_tcp_reverse "$LOCAL_V4"
ktap_check "aggregates v6, $MIB MiB" big_tcp_reverse "$LOCAL_V6"
if [ "$PEER_DEV" = tulle0 ]; then
	peer ethtool -K tulle0 rx-gro-hw on
	ktap_check "BIG TCP, cut and aggregated" big_tcp_both "$REMOTE_V4"
	ktap_check "BIG TCP v6, cut and aggregated" big_tcp_both "$REMOTE_V6"
fi
big_tcp_end tulle0

mtu=$(common_mtus | tail -n 1)
set_mtu "$mtu"
ktap_check "tcp mtu $mtu" iperf_ok 1000000 -c "$REMOTE_V4" -t "$SECS"
ktap_end
