#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# A little of every kind of traffic, for whoever records it: pings small and
# large, TCP and UDP over both protocols with segmentation by the device, BIG
# TCP (to port 5202), one and two VLAN tags.
. "$(dirname "$0")/../lib/env.sh"
. "$(dirname "$0")/../lib/bigtcp.sh"

# vlan NAME LINK PROTOCOL ID ADDRESS, on both ends
vlan_pair() {
	ip link add link "$1" name "$2" type vlan protocol "$3" id "$4" &&
		ip link set "$2" up && ip addr add "$5.1/24" dev "$2" || return 1
	in_ns ip link add link "${1/tulle0/tulle1}" name "$2" type vlan protocol "$3" id "$4" &&
		in_ns ip link set "$2" up && in_ns ip addr add "$5.2/24" dev "$2"
}

vlan() {
	vlan_pair tulle0 v7 802.1q 7 192.0.7 && iperf_ok 100000 -c 192.0.7.2 -n 4M
}

two_vlans() {
	vlan_pair tulle0 s8 802.1ad 8 192.0.8 && vlan_pair s8 s8.9 802.1q 9 192.0.9 &&
		iperf_ok 100000 -c 192.0.9.2 -n 4M
}

udp() { # ADDRESS
	iperf_ok 100000 -c "$1" -u -b 20M -l 1200 -t 1 && iperf_ok 100000 -c "$1" -u -b 20M -l 8000 -t 1 -R
}

# Send calls of twenty datagrams each, which the device cuts (UDP_SEGMENT).
udp_segments() { # ADDRESS
	python3 - "$1" <<-'END'
		import socket, sys
		family, kind, _, _, address = socket.getaddrinfo(sys.argv[1], 5300, type=socket.SOCK_DGRAM)[0]
		with socket.socket(family, kind) as sock:
		    sock.setsockopt(socket.IPPROTO_UDP, 103, 1200)
		    for _ in range(5):
		        sock.sendto(bytes(range(240)) * 100, address)
	END
}

# To a receiver that aggregates nothing, so packets of 256 KiB cross the wire in pieces.
big_tcp() { # ADDRESS
	big_tcp_begin tulle0 && qstats_save tulle0 sender.0 || return 1
	iperf_ok 16000000 -c "$1" -p 5202 -n 16M || return 1
	qstats_save tulle0 sender.1 && big_tcp_end tulle0 || return 1
	big_on_counters sender tx-hw-gso 65536
}

jumbo() {
	ip link set tulle0 mtu 9000 && in_ns ip link set tulle1 mtu 9000 || return 1
	ping -c 5 -i 0.1 -W 2 -M "do" -s 8972 "$REMOTE_V4"
}

ktap_begin
env_pair
iperf_server
ktap_check "ping" ping -c 5 -i 0.1 -W 2 -s 1472 "$REMOTE_V4"
ktap_check "ping v6" ping -6 -c 5 -i 0.1 -W 2 "$REMOTE_V6"
ktap_check "tcp" iperf_ok 100000 -c "$REMOTE_V4" -n 8M
ktap_check "tcp reverse" iperf_ok 100000 -c "$REMOTE_V4" -n 8M -R
ktap_check "tcp v6" iperf_ok 100000 -c "$REMOTE_V6" -n 8M
in_ns ethtool -K tulle1 rx-gro-hw off
iperf_server 5202
ktap_check "BIG TCP" big_tcp "$REMOTE_V4"
ktap_check "BIG TCP v6" big_tcp "$REMOTE_V6"
ktap_check "udp" udp "$REMOTE_V4"
ktap_check "udp v6" udp "$REMOTE_V6"
in_background ip netns exec "$NS" socat -u UDP6-RECV:5300,ipv6only=0 OPEN:/dev/null
ktap_check "udp segmentation" udp_segments "$REMOTE_V4"
ktap_check "udp segmentation v6" udp_segments "$REMOTE_V6"
ktap_check "vlan" vlan
ktap_check "two vlans" two_vlans
ktap_check "jumbo" jumbo
ktap_end
