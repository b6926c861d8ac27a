#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Plain use of a pair of ports: ping at every size, TCP and UDP both ways, a
# large transfer compared by hash.
. "$(dirname "$0")/../lib/env.sh"

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

sha_transfer() { # MiB
	local sum
	in_background ip netns exec "$NS" bash -c "socat -u TCP-LISTEN:5300,reuseaddr - | sha256sum > $KTAP_TMP/got"
	local pid=$!
	retry 10 eval "in_ns ss -Hltn 'sport = :5300' | grep -q ."
	dd if=/dev/urandom of="$KTAP_TMP/data" bs=1M count="$1" status=none
	sum=$(sha256sum <"$KTAP_TMP/data")
	socat -u "OPEN:$KTAP_TMP/data" "TCP:$REMOTE_V4:5300"
	wait $pid
	rm -f "$KTAP_TMP/data"
	echo "sent $sum"
	echo "got  $(cat "$KTAP_TMP/got")"
	[ "$(cat "$KTAP_TMP/got")" = "$sum" ]
}

big_tcp() {
	local dev
	ip link set tulle0 gso_max_size 262144 gro_max_size 262144 \
		gso_ipv4_max_size 262144 gro_ipv4_max_size 262144 || return 1
	in_ns ip link set tulle1 gso_max_size 262144 gro_max_size 262144 \
		gso_ipv4_max_size 262144 gro_ipv4_max_size 262144 || return 1
	# As if the path were short: packets do not shrink because the guest is slow.
	sysctl -qw net.ipv4.tcp_tso_rtt_log=20
	for dev in "$REMOTE_V4" "$REMOTE_V6"; do
		in_background timeout $((SECS + 30)) tcpdump -ni tulle0 -s 128 -c 1 "greater 100000 and dst host $dev"
		local pid=$!
		sleep 2
		iperf_ok 1000000 -c "$dev" -t "$SECS" || return 1
		wait $pid || { echo "no packet over 100000 bytes seen towards $dev"; return 1; }
	done
	sysctl -qw net.ipv4.tcp_tso_rtt_log=9
	ip link set tulle0 gso_max_size 65536 gro_max_size 65536 \
		gso_ipv4_max_size 65536 gro_ipv4_max_size 65536
	in_ns ip link set tulle1 gso_max_size 65536 gro_max_size 65536 \
		gso_ipv4_max_size 65536 gro_ipv4_max_size 65536
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
ktap_check "no error was counted" errors_are_zero
ktap_end
