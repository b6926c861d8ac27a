#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Everything that can happen to a card while it carries traffic, ROUNDS times
# each. Where the interface survives, the flow must go on by itself; where it
# does not, a new one must work afterwards. Cases can be named on the command
# line.
. "$(dirname "$0")/../lib/env.sh"
. "$(dirname "$0")/../lib/device.sh"

ROUNDS=${ROUNDS:-20}
SERVER=

flow_start() {
	in_background iperf3 -c "$REMOTE_V4" -t 600 -i 1 --forceflush --connect-timeout 5000
	FLOW=$!
	FLOW_LOG=$KTAP_TMP/bg.$((${#ENV_PIDS[@]} - 1))
	retry 10 grep -q 'bits/sec' "$FLOW_LOG"
}

flow_stop() {
	kill "$FLOW" 2>/dev/null
	wait "$FLOW" 2>/dev/null
	return 0
}

remote_rx_bytes() { in_ns cat /sys/class/net/tulle1/statistics/rx_bytes; }

# The flow moves on: at least 100 kB arrive within SECONDS.
flow_moves() { # SECONDS
	local before end=$((SECONDS + $1))
	before=$(remote_rx_bytes)
	while [ $SECONDS -lt $end ]; do
		[ $(($(remote_rx_bytes) - before)) -gt 100000 ] && return 0
		sleep 0.2
	done
	kill -0 "$FLOW" 2>/dev/null || echo "iperf3 has ended"
	tail -n 3 "$FLOW_LOG"
	echo "no traffic for $1 s"
	return 1
}

# under_flow COMMAND: ROUNDS times with a flow that has to survive each.
under_flow() {
	local i
	flow_start || return 1
	for ((i = 0; i < ROUNDS; i++)); do
		"$@" "$i" || { echo "round $i: $*"; flow_stop; return 1; }
		flow_moves 20 || { echo "after round $i"; flow_stop; return 1; }
	done
	flow_stop
}

link_down_up() {
	ip link set tulle0 down
	sleep 0.2
	ip link set tulle0 up
	port_addresses
}

channels() { ethtool -L tulle0 combined $(($1 % 2 ? 4 : 2)); }
rings() { ethtool -G tulle0 rx $(($1 % 2 ? 1024 : 256)) tx $(($1 % 2 ? 1024 : 256)); }
rss() { ethtool -X tulle0 equal $(($1 % 2 ? 1 : 2)); }
mtus() { ip link set tulle0 mtu $(($1 % 2 ? 1500 : 9000)) && port_addresses; }
# The PCI core says on request in which state a function sleeps.
sleeps_in_d3hot() { dmesg | grep -c "$BDF0: PCI PM: Suspend power state: D3hot"; }

suspend() {
	local before
	echo 'func pci_pm_suspend_noirq +p' >/sys/kernel/debug/dynamic_debug/control || return 1
	before=$(sleeps_in_d3hot)
	# The alarm must not ring before everything sleeps: nothing else wakes the guest.
	freeze "$(guest_is_slow && echo 30 || echo 2)" || return 1
	[ "$(sleeps_in_d3hot)" -eq $((before + 1)) ] || { echo "$BDF0 did not sleep in D3hot"; return 1; }
}

# PCIe errors, by round: correctable, non-fatal, fatal. The root port counts what
# reached the kernel; a fatal one resets the slot.
AER_ERRORS=(RCVR:cor COMP_TIME:nonfatal MALF_TLP:fatal)

aer_count() { # SEVERITY
	cat "$(readlink -f "/sys/bus/pci/devices/$BDF0")/../aer_rootport_total_err_$1"
}

aer_counted() { [ "$(aer_count "$1")" -gt "$2" ]; }

aer() { # ROUND
	local error=${AER_ERRORS[$1 % 3]} severity before
	severity=${error#*:}
	before=$(aer_count "$severity")
	hmp "pcie_aer_inject_error tulle0 ${error%:*}"
	retry 20 aer_counted "$severity" "$before" || { echo "no $severity error was reported"; return 1; }
	retry 20 port_carrier tulle0
}

# Each kind ROUNDS times.
every_aer() {
	local ROUNDS=$((ROUNDS * 3))
	under_flow aer
}

# A steady flow of datagrams in each direction, both well below what the port
# can carry: whatever does not arrive was lost by the change.
udp_flow() { # PORT ARGS...
	in_background iperf3 -J -c "$REMOTE_V4" -p "$1" -u -b 4M -l 1000 -w 2M --connect-timeout 5000 "${@:2}"
	UDP_PIDS+=($!)
	UDP_LOGS+=("$KTAP_TMP/bg.$((${#ENV_PIDS[@]} - 1))")
}

udp_lost() { # LOG
	jq -e '.error == null and .end.sum.packets > 0' "$1" >/dev/null || { jq .error "$1"; return 1; }
	jq -c '.end.sum | {lost_packets, packets}' "$1"
	[ "$(jq .end.sum.lost_packets "$1")" = 0 ]
}

# On queues 0 and 1, which stay whatever becomes of the others.
is_lossless() { # CHANGE
	local i seconds=$((ROUNDS * 3 + 5)) UDP_PIDS=() UDP_LOGS=()
	guest_is_slow && seconds=$((seconds * 5))
	sysctl -qw net.core.rmem_max=8388608 net.core.wmem_max=8388608
	ethtool -L tulle0 combined 4 && ethtool -X tulle0 equal 2 || return 1
	echo f >/sys/class/net/tulle0/queues/tx-0/xps_cpus
	iperf_server 5211 && iperf_server 5212 || return 1
	udp_flow 5211 -t "$seconds"
	udp_flow 5212 -t "$seconds" -R
	sleep 2
	for ((i = 0; i < ROUNDS; i++)); do
		"$1" "$i" || return 1
		sleep 0.3
	done
	kill -0 "${UDP_PIDS[@]}" || { echo "the flows ended before the changes"; return 1; }
	wait "${UDP_PIDS[@]}"
	kill "${ENV_PIDS[@]: -4:2}"
	wait "${ENV_PIDS[@]: -4:2}"
	echo 0 >/sys/class/net/tulle0/queues/tx-0/xps_cpus
	ethtool -L tulle0 combined 4 && ethtool -X tulle0 default
	udp_lost "${UDP_LOGS[0]}" && udp_lost "${UDP_LOGS[1]}"
}

traffic_works() {
	retry 20 port_carrier tulle0 && retry 20 ping -c 1 -W 1 "$REMOTE_V4" >/dev/null &&
		iperf_ok 100000 -c "$REMOTE_V4" -t 1
}

# The server that lost its client with the port would wait for it.
server_anew() {
	kill "$SERVER" 2>/dev/null
	wait "$SERVER" 2>/dev/null
	iperf_server
	SERVER=${ENV_PIDS[-1]}
}

# ports_are_back BOTH: empty when tulle1 never went
ports_are_back() {
	retry 30 test -e /sys/class/net/tulle0 || { echo "tulle0 did not come back"; return 1; }
	[ -n "$1" ] && { retry 30 test -e /sys/class/net/tulle1 || return 1; ip link set tulle1 netns "$NS"; }
	ip link set tulle0 up
	in_ns ip link set tulle1 up
	port_addresses
	remote_addresses
	server_anew
	traffic_works
}

# rounds_under_load BREAK REPAIR: the interface goes away while traffic runs.
rounds_under_load() {
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		flow_start || return 1
		"$1" "$i" || { echo "round $i: $1"; flow_stop; return 1; }
		flow_stop
		"$2" "$i" || { echo "round $i: $2"; return 1; }
	done
}

bind() { echo "$BDF0" >/sys/bus/pci/drivers/tulle_core/bind && ports_are_back ""; }
modules_out() {
	{ [ ! -d /sys/module/tulle_ib ] || rmmod tulle_ib; } &&
		rmmod tulle_en tulle_core && no_live_object tulle0 && no_live_object tulle1
}
modules_in() { modprobe tulle_en && ports_are_back both; }


plug() {
	# QEMU refuses while the slot's power changes.
	retry 20 plug_in && retry 30 test -e "/sys/bus/pci/devices/$BDF0" && ports_are_back ""
}

# Pulled out without a word. In one round the driver is told, by removing the
# function; in the next it finds out by itself and stays, for devlink.
surprise() { # ROUND
	set_removed true || return 1
	retry 20 fw_is error || { echo "nobody noticed"; return 1; }
	[ $(($1 % 2)) -eq 1 ] || echo 1 >"/sys/bus/pci/devices/$BDF0/remove"
}
return_from_surprise() { # ROUND
	set_removed false || return 1
	if [ $(($1 % 2)) -eq 1 ]; then
		devlink health recover "pci/$BDF0" reporter fw && retry 20 fw_is healthy || return 1
	else
		echo 1 >/sys/bus/pci/rescan
	fi
	ports_are_back ""
}

# A pool of a queue that is gone stays listed until its last page has come back;
# what a removed port leaves behind is listed with the loopback device.
no_page_pool() {
	local cpu
	# An skb freed on another CPU than its own waits for that one's next packet.
	for cpu in $(seq 0 $(($(nproc --all) - 1))); do
		taskset -c "$cpu" ping -q -c 1 127.0.0.1 >/dev/null || return 1
	done
	{ "$NETDEV_PY" pools && in_ns "$NETDEV_PY" pools; } >"$KTAP_TMP/pools" && [ ! -s "$KTAP_TMP/pools" ]
}

page_pools_are_empty() {
	"$NETDEV_PY" pools >"$KTAP_TMP/pools" || return 1
	grep -q "\"ifindex\": $(cat /sys/class/net/tulle0/ifindex)\b" "$KTAP_TMP/pools" || { echo "tulle0 has no page pool"; return 1; }
	kill "$SERVER"
	ip link set tulle0 down
	in_ns ip link set tulle1 down
	retry 30 no_page_pool || { cat "$KTAP_TMP/pools"; return 1; }
}

run_case() {
	case $1 in
	link) ktap_check "link down and up" under_flow link_down_up ;;
	rings) ktap_check "ring sizes" under_flow rings ;;
	lossless)
		ktap_check "ring sizes cost no packet" is_lossless rings
		ktap_check "channel count costs other flows nothing" is_lossless channels
		ktap_check "MTU costs no packet" is_lossless mtus
		;;
	channels) ktap_check "channel count" under_flow channels ;;
	rss) ktap_check "indirection table" under_flow rss ;;
	mtu) ktap_check "MTU" under_flow mtus ;;
	flr) ktap_check "function level reset" under_flow flr ;;
	suspend) ktap_check "suspend to idle" under_flow suspend ;;
	aer) ktap_check "PCIe errors" every_aer ;;
	bind) ktap_check "unbind and bind" rounds_under_load unbind bind ;;
	modules) ktap_check "rmmod and modprobe" rounds_under_load modules_out modules_in ;;
	hotplug) ktap_check "hot unplug and plug" rounds_under_load unplug plug ;;
	surprise) ktap_check "surprise removal" rounds_under_load surprise return_from_surprise ;;
	*) echo "Bail out! no case $1"; exit 1 ;;
	esac
}

ktap_begin
env_pair
server_anew
[ $# -gt 0 ] || set -- link rings lossless channels rss mtu flr suspend aer bind modules hotplug surprise
for c in "$@"; do
	run_case "$c"
done
ktap_check "no page is missing" page_pools_are_empty
ktap_end
