#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# No memory for received packets (failslab, so the debug kernel only): each is
# counted as dropped where "ip -s link" shows it, and none in two places.
. "$(dirname "$0")/../lib/env.sh"

FAIL=/sys/kernel/debug/failslab
CACHE=/sys/kernel/slab/skbuff_head_cache/failslab

# Only skbs, and only where the allocation cannot wait: the senders' can.
fail() { # PER CENT
	echo 0 >$FAIL/verbose && echo Y >$FAIL/cache-filter && echo Y >$FAIL/ignore-gfp-wait &&
		echo -1 >$FAIL/times && echo 1 >$FAIL/interval && echo 1 >$CACHE && echo "$1" >$FAIL/probability
}

stat() { cat "/sys/class/net/tulle0/statistics/$1"; }

datagrams() {
	in_ns python3 - "$LOCAL_V4" "$1" <<-'PYTHON'
		import socket, sys
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		    for n in range(2000):
		        s.sendto(bytes(int(sys.argv[2])), (sys.argv[1], 9))
	PYTHON
}

arrived() { ethtool -S tulle0 | awk '/rx_vport_(unicast|multicast|broadcast):/ { n += $2 } END { print n }'; }

# Whatever reached the function, ever, was received or dropped.
all_accounted() {
	got=$(($(stat rx_packets) + $(stat rx_dropped) + $(stat rx_missed_errors)))
	[ $got -eq "$(arrived)" ]
}

dropped() { # LENGTH: of the datagrams
	local drops came got rc=0
	drops=$(stat rx_dropped)
	came=$(arrived)
	qstats_save tulle0 before && fail 100 || return 1
	datagrams "$1" || rc=1
	fail 0
	retry 10 all_accounted || { echo "$got of $(arrived) received or dropped"; rc=1; }
	drops=$(($(stat rx_dropped) - drops))
	came=$(($(arrived) - came))
	qstats_save tulle0 after || return 1
	echo "$came came, $drops dropped, $(qstats_grew before after rx-alloc-fail) allocations failed," \
		"$(qstats_grew before after rx-hw-drops) dropped by the device"
	[ $came -ge 2000 ] && [ $drops -gt 0 ] && [ $drops -eq "$(qstats_grew before after rx-alloc-fail)" ] &&
		[ "$(qstats_grew before after rx-hw-drops)" = 0 ] || return 1
	ping -c 3 -i 0.2 -W 2 "$REMOTE_V4" && return $rc
}

ktap_begin
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
env_pair
[ -e $CACHE ] || { echo "Bail out! this kernel has no failslab"; exit 1; }
ktap_check "small packets, which are copied" dropped 100
ktap_check "larger ones, which are not" dropped 1000
ktap_end
