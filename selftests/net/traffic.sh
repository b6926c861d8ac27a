#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Plain use of a pair of ports: ping at every size, TCP and UDP both ways, a
# large transfer compared by hash. IOMMU=1: with an IOMMU in front of the ports.
. "$(dirname "$0")/../lib/env.sh"
. "$(dirname "$0")/../lib/bigtcp.sh"

guest_is_slow && SECS=15
SECS=${SECS:-4}		# of each iperf3 run
MIB=${MIB:-256}		# of the transfer that is compared

# What the stack learned of the path while the MTU was small goes with it.
set_mtu() {
	ip link set tulle0 mtu "$1" && in_ns ip link set tulle1 mtu "$1" &&
		ip route flush cache && in_ns ip route flush cache
}

ping_v4() { # MTU
	set_mtu "$1" || return 1
	ping -c 3 -i 0.05 -W 2 -M "do" -s $(($1 - 28)) "$REMOTE_V4" &&
		ping -c 2 -i 0.05 -W 2 -s 0 "$REMOTE_V4"
}

ping_v6() {
	set_mtu "$1" || return 1
	# IPv6 is turned off below 1280 and comes back without addresses
	port_addresses
	remote_addresses
	ping -6 -c 3 -i 0.05 -W 2 -M "do" -s $(($1 - 48)) "$REMOTE_V6"
}

# transfer SERVER_NETNS CLIENT_NETNS ADDRESS MIB: data arrives as it was sent.
transfer() {
	local sum pid server=() client=()
	[ -z "$1" ] || server=(ip netns exec "$1")
	[ -z "$2" ] || client=(ip netns exec "$2")
	in_background "${server[@]}" bash -c "socat -u TCP-LISTEN:5300,reuseaddr - | sha256sum > $KTAP_TMP/got"
	pid=$!
	retry 10 eval "${server[*]} ss -Hltn 'sport = :5300' | grep -q ."
	dd if=/dev/urandom of="$KTAP_TMP/data" bs=1M count="$4" status=none
	sum=$(sha256sum <"$KTAP_TMP/data")
	"${client[@]}" socat -u "OPEN:$KTAP_TMP/data" "TCP:$3:5300"
	wait $pid
	rm -f "$KTAP_TMP/data"
	echo "sent $sum"
	echo "got  $(cat "$KTAP_TMP/got")"
	[ "$(cat "$KTAP_TMP/got")" = "$sum" ]
}

sha_transfer() { # MiB
	transfer "$NS" "" "$REMOTE_V4" "$1"
}

big_tcp_to() { # ADDRESS
	local pids=()
	in_background timeout $((SECS + 30)) tcpdump -ni tulle0 -s 128 -c 1 "greater 100000 and dst host $1"
	pids+=($!)
	in_background ip netns exec "$NS" timeout $((SECS + 30)) tcpdump -ni tulle1 -s 128 -c 1 "greater 100000 and dst host $1"
	pids+=($!)
	sleep 2
	qstats_save tulle0 sender.0 && qstats_save tulle1 receiver.0 in_ns || return 1
	iperf_ok 1000000 -c "$1" -t "$SECS" || return 1
	qstats_save tulle0 sender.1 && qstats_save tulle1 receiver.1 in_ns || return 1
	wait "${pids[0]}" || { echo "no packet over 100000 bytes seen towards $1"; return 1; }
	wait "${pids[1]}" || { echo "no packet over 100000 bytes received at $1"; return 1; }
	# An aggregate also ends when the receiver was late with its buffers: tcpdump has
	# seen one of full size, the mean is what a busy machine reaches.
	big_on_counters sender tx-hw-gso 65536 &&
		big_on_counters receiver rx-hw-gro 32768
}

big_tcp() {
	local to
	in_ns ethtool -K tulle1 rx-gro-hw on || return 1
	offload_sizes tulle1 $BIG $BIG in_ns && big_tcp_begin tulle0 || return 1
	for to in "$REMOTE_V4" "$REMOTE_V6"; do
		big_tcp_to "$to" || return 1
	done
	big_tcp_end tulle0
	offload_sizes tulle1 65536 65536 in_ns
}

split_packets() { ethtool -S tulle0 | sed -n 's/^ *rx_split_packets: //p'; }

# Towards tulle0, which puts headers and data into different buffers: the data
# arrives unchanged, in at least so many pieces.
split_transfer() { # HW_GRO THRESHOLD MIN_PACKETS
	local before
	ethtool -K tulle0 rx-gro-hw "$1" && ethtool -G tulle0 tcp-data-split on || return 1
	[ -z "$2" ] || ethtool -G tulle0 hds-thresh "$2" || return 1
	ethtool -g tulle0 | grep -q '^TCP data split:[[:space:]]*on' || return 1
	before=$(split_packets)
	transfer "" "$NS" "$LOCAL_V4" 32 && ping_all || return 1
	echo "$(($(split_packets) - before)) packets were split"
	[ $(($(split_packets) - before)) -ge "$3" ]
}

# Small packets, as pings and UDP are, in pieces and whole.
ping_all() {
	local size
	for size in 0 32 100 200 500 1000 1472; do
		in_ns ping -c 2 -i 0.02 -W 2 -s $size "$LOCAL_V4" || return 1
	done
	in_ns ping -6 -c 2 -i 0.02 -W 2 -s 1200 "$LOCAL_V6"
}

# Packets up to the threshold stay whole.
split_threshold() {
	local before
	ethtool -G tulle0 hds-thresh 1024 || return 1
	before=$(split_packets)
	in_background socat -u UDP-RECV:5400 OPEN:/dev/null
	in_ns bash -c "for i in {1..50}; do head -c 900 /dev/zero >/dev/udp/$LOCAL_V4/5400; done"
	sleep 0.5
	[ "$(split_packets)" -eq "$before" ] || { echo "split below the threshold"; return 1; }
	in_ns bash -c "for i in {1..50}; do head -c 1400 /dev/zero >/dev/udp/$LOCAL_V4/5400; done"
	retry 5 eval "[ \$(split_packets) -ge $((before + 50)) ]" || { echo "not split above it"; return 1; }
}

# Nothing is split any more.
split_off() {
	local before
	ethtool -G tulle0 tcp-data-split off && ethtool -K tulle0 rx-gro-hw on || return 1
	before=$(split_packets)
	transfer "" "$NS" "$LOCAL_V4" 8 && [ "$(split_packets)" -eq "$before" ]
}

# Length errors are permitted: while the ends differ in MTU, packets are too long.
errors_are_zero() {
	local f bad=0
	for f in tx_errors rx_crc_errors rx_frame_errors rx_over_errors tx_aborted_errors; do
		[ "$(cat /sys/class/net/tulle0/statistics/$f)" = 0 ] || { echo "tulle0 $f"; bad=1; }
		[ "$(in_ns cat /sys/class/net/tulle1/statistics/$f)" = 0 ] || { echo "tulle1 $f"; bad=1; }
	done
	return $bad
}

ktap_begin
iommu_check
env_pair
for mtu in 68 576 1280 1500 4000 9000 9600; do
	ktap_check "ping v4 mtu $mtu" ping_v4 $mtu
done
for mtu in 1280 1500 9600; do
	ktap_check "ping v6 mtu $mtu" ping_v6 $mtu
done
set_mtu 1500
port_addresses
remote_addresses
iperf_server
ktap_check "tcp 1 stream" iperf_ok 1000000 -c "$REMOTE_V4" -t "$SECS"
ktap_check "tcp 8 streams" iperf_ok 1000000 -c "$REMOTE_V4" -t "$SECS" -P 8
ktap_check "tcp reverse" iperf_ok 1000000 -c "$REMOTE_V4" -t "$SECS" -R
ktap_check "tcp v6" iperf_ok 1000000 -c "$REMOTE_V6" -t "$SECS"
ktap_check "udp" iperf_ok 100000 -c "$REMOTE_V4" -u -b 20M -t "$SECS"
ktap_check "udp reverse, large datagrams" iperf_ok 100000 -c "$REMOTE_V4" -u -b 20M -l 8000 -R -t "$SECS"
set_mtu 9600
ktap_check "tcp mtu 9600" iperf_ok 1000000 -c "$REMOTE_V4" -t "$SECS"
set_mtu 68
# iperf3 counts whole blocks: one of the usual size is 4681 packets here.
ktap_check "tcp mtu 68" iperf_ok 10000 -c "$REMOTE_V4" -t "$SECS" -l 2K
set_mtu 1500
ktap_check "$MIB MiB arrive unchanged" sha_transfer "$MIB"
port_addresses
remote_addresses
ktap_check "BIG TCP" big_tcp
# 32 MiB in aggregates of 64 KiB are 512 pieces at least, without them 22000.
ktap_check "header split, aggregates" split_transfer on "" 400
ktap_check "header split, single packets" split_transfer off "" 20000
if ethtool -g tulle0 | grep -q '^HDS thresh:[[:space:]]*[0-9]'; then
	ktap_check "header split above 512 bytes, aggregates" split_transfer on 512 400
	ktap_check "header split above 512 bytes, single packets" split_transfer off 512 20000
	ktap_check "header split, small packets whole" split_threshold
	ethtool -G tulle0 hds-thresh 0
else
	ktap_skip "header split threshold" "the kernel has no interface for it"
fi
ktap_check "header split off again" split_off
ktap_check "no error was counted" errors_are_zero
ktap_end
