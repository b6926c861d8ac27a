#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Each point of the fault plan: it happens, it is reported where it is a
# failure, and the port works again without a reboot. The same seed gives the
# same counters.
. "$(dirname "$0")/../lib/env.sh"
. "$(dirname "$0")/../lib/faults.sh"

BDF=pci/$(port_pci tulle0)

reporter() { # REPORTER FIELD
	devlink -j health show "$BDF" reporter "$1" | jq -r ".health[][0].$2"
}

healthy() { [ "$(reporter fw state)" = healthy ]; }

works() {
	retry 30 port_carrier tulle0 && retry 30 ping -c 1 -W 1 "$REMOTE_V4" &&
		iperf_ok 100000 -c "$REMOTE_V4" -t 1
}

# The wire loses, bends or shuffles frames: TCP repairs it, counters tell.
wire() { # POINT PROBABILITY
	local sum
	set_faults "seed=7;$1:p=$2" || return 1
	iperf_ok 100000 -c "$REMOTE_V4" -t 4 || return 1
	iperf_ok 100000 -c "$REMOTE_V4" -t 4 -R || return 1
	happened "$1" || return 1
	sum=$(in_ns cat /sys/class/net/tulle1/statistics/rx_crc_errors)
	set_faults "" || return 1
	[ "$1" != wire_corrupt ] || [ "$sum" -gt 0 ] || { echo "no rx_crc_errors"; return 1; }
	works
}

# One-way frames and nothing else on the wire, so that both runs see the same.
same_seed_same_counters() {
	local i
	sysctl -qw net.ipv6.conf.tulle0.disable_ipv6=1
	in_ns sysctl -qw net.ipv6.conf.tulle1.disable_ipv6=1
	for i in 1 2; do
		set_faults "seed=42;wire_loss:p=0.05" || return 1
		mausezahn tulle0 -q -c 2000 -b 02:00:00:00:00:99 -p 100 "88:b5" || return 1
		sleep 0.5
		fault_count wire_loss >"$KTAP_TMP/seed$i"
		set_faults "" || return 1
	done
	sysctl -qw net.ipv6.conf.tulle0.disable_ipv6=0
	in_ns sysctl -qw net.ipv6.conf.tulle1.disable_ipv6=0
	port_addresses
	remote_addresses
	cat "$KTAP_TMP/seed1" "$KTAP_TMP/seed2"
	[ "$(cat "$KTAP_TMP/seed1")" -gt 0 ] && cmp "$KTAP_TMP/seed1" "$KTAP_TMP/seed2"
}

command_timeout() {
	local before
	before=$(reporter fw error)
	set_faults "cmd_timeout:n=1,c=1" || return 1
	ethtool -S tulle0 >/dev/null
	ip link set tulle0 mtu 1600
	retry 60 happened cmd_timeout || { happened cmd_timeout; return 1; }
	set_faults ""
	retry 60 eval "[ \"\$(reporter fw error)\" -gt $before ]" || { devlink health show "$BDF"; return 1; }
	retry 60 healthy || { devlink health show "$BDF"; return 1; }
	port_addresses
	works
}

command_failure() {
	set_faults "cmd_fail:n=1,c=1" || return 1
	ip link set tulle0 mtu 1700 && ip link set tulle0 mtu 1500
	ethtool -X tulle0 equal 2
	happened cmd_fail || return 1
	set_faults ""
	ip link set tulle0 mtu 1500 && ethtool -X tulle0 default && port_addresses && works
}

lost() { # POINT
	set_faults "seed=3;$1:p=0.02,c=5" || return 1
	iperf_ok 100000 -c "$REMOTE_V4" -t 8
	iperf_ok 100000 -c "$REMOTE_V4" -t 8 -R
	happened "$1" || return 1
	set_faults ""
	works
}

dies() { # POINT
	local before
	before=$(reporter fw error)
	set_faults "$1:n=1,c=1" || return 1
	ping -c 3 -i 0.2 -W 1 "$REMOTE_V4"
	retry 60 eval "[ \"\$(reporter fw error)\" -gt $before ]" || { devlink health show "$BDF"; return 1; }
	set_faults ""
	retry 60 healthy || { devlink health show "$BDF"; return 1; }
	works
}

health_test() {
	local before
	before=$(reporter fw error)
	devlink health test "$BDF" reporter fw || return 1
	retry 60 eval "[ \"\$(reporter fw error)\" -gt $before ]" || return 1
	retry 60 healthy || return 1
	devlink health dump show "$BDF" reporter fw | tee "$KTAP_TMP/dump"
	grep -qi syndrome "$KTAP_TMP/dump" || return 1
	devlink health dump clear "$BDF" reporter fw
	devlink health diagnose "$BDF" reporter fw || return 1
	works
}

ktap_begin
env_pair
iperf_server
ktap_check "wire loss" wire wire_loss 0.01
ktap_check "wire corruption" wire wire_corrupt 0.01
ktap_check "wire reorder" wire wire_reorder 0.01
ktap_check "same seed, same counters" same_seed_same_counters
ktap_check "command failure" command_failure
ktap_check "command timeout" command_timeout
ktap_check "lost interrupt" lost irq_lost
ktap_check "lost completion" lost cqe_lost
ktap_check "engine stall" dies engine_stall
ktap_check "firmware crash" dies fw_crash
ktap_check "devlink health test" health_test
ktap_end
