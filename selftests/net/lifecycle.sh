#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Everything that can happen to a card while it carries traffic, ROUNDS times
# each. Where the interface survives, the flow must go on by itself; where it
# does not, a new one must work afterwards. Cases can be named on the command
# line.
. "$(dirname "$0")/../lib/env.sh"

ROUNDS=${ROUNDS:-20}
BDF0=$(port_pci tulle0)

device_get() { # DEVICE PROPERTY
	qmp "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"$1\",\"property\":\"$2\"}}" |
		jq -re .
}

no_live_object() {
	local o
	o=$(device_get "$1" objects) || return 1
	echo "$o"
	! grep -Eq '=[1-9]' <<<"$o"
}

flow_start() {
	in_background iperf3 -c "$REMOTE_V4" -t 600 -i 1 --forceflush --connect-timeout 5000 "$@"
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
flr() { echo flr >"/sys/bus/pci/devices/$BDF0/reset_method" && echo 1 >"/sys/bus/pci/devices/$BDF0/reset"; }
suspend() { freeze 2; }

aer() { # QEMU error name by round; -c marks it correctable
	local e
	case $(($1 % 3)) in
	0) e="-c tulle0 BAD_TLP" ;;
	1) e="tulle0 COMP_TIMEOUT" ;;
	*) e="tulle0 MALFORMED_TLP" ;;
	esac
	hmp "pcie_aer_inject_error $e"
	sleep 1
	retry 20 port_carrier tulle0
}

# Loses nothing: a flow steered to another queue sees no retransmission that
# the ring change caused.
ring_change_is_lossless() {
	local i before after
	ethtool -L tulle0 combined 4 || return 1
	flow_start -R || return 1
	before=$(nstat -asz TcpRetransSegs | awk '/TcpRetransSegs/{print $2}')
	before=$((before + $(in_ns nstat -asz TcpRetransSegs | awk '/TcpRetransSegs/{print $2}')))
	for ((i = 0; i < ROUNDS; i++)); do
		rings "$i" || return 1
		sleep 0.3
	done
	after=$(nstat -asz TcpRetransSegs | awk '/TcpRetransSegs/{print $2}')
	after=$((after + $(in_ns nstat -asz TcpRetransSegs | awk '/TcpRetransSegs/{print $2}')))
	flow_stop
	echo "retransmitted $((after - before))"
	[ "$after" -eq "$before" ]
}

traffic_works() {
	retry 20 port_carrier tulle0 && retry 20 ping -c 1 -W 1 "$REMOTE_V4" >/dev/null &&
		iperf_ok 1000000 -c "$REMOTE_V4" -t 1
}

ports_are_back() {
	retry 30 test -e /sys/class/net/tulle0 || { echo "tulle0 did not come back"; return 1; }
	[ -n "$1" ] && { retry 30 test -e /sys/class/net/tulle1 || return 1; ip link set tulle1 netns "$NS"; }
	ip link set tulle0 up
	in_ns ip link set tulle1 up
	port_addresses
	remote_addresses
	pgrep -f 'iperf3 -s' >/dev/null || iperf_server
	traffic_works
}

# rounds_under_load BREAK REPAIR: the interface goes away while traffic runs.
rounds_under_load() {
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		flow_start || return 1
		"$1" || { echo "round $i: $1"; flow_stop; return 1; }
		flow_stop
		"$2" || { echo "round $i: $2"; return 1; }
	done
}

unbind() { echo "$BDF0" >/sys/bus/pci/drivers/tulle_core/unbind; }
bind() { echo "$BDF0" >/sys/bus/pci/drivers/tulle_core/bind && ports_are_back ""; }
modules_out() {
	rmmod tulle_en tulle_core && no_live_object tulle0 && no_live_object tulle1
}
modules_in() { modprobe tulle_en && ports_are_back both; }

# The device is made again as it was.
unplug() {
	PLUG="\"id\":\"tulle0\",\"bus\":\"rp0\",\"cable\":\"$(device_get tulle0 cable)\",\"mac\":\"$(device_get tulle0 mac)\""
	qmp '{"execute":"device_del","arguments":{"id":"tulle0"}}'
	retry 20 test ! -e "/sys/bus/pci/devices/$BDF0"
}
plug() {
	qmp "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"tulle\",$PLUG}}"
	retry 30 test -e "/sys/bus/pci/devices/$BDF0" && ports_are_back ""
}

surprise() {
	qmp '{"execute":"qom-set","arguments":{"path":"tulle0","property":"removed","value":true}}'
	sleep 1
	echo 1 >"/sys/bus/pci/devices/$BDF0/remove"
}
return_from_surprise() {
	qmp '{"execute":"qom-set","arguments":{"path":"tulle0","property":"removed","value":false}}'
	echo 1 >/sys/bus/pci/rescan
	ports_are_back ""
}

page_pools_are_empty() {
	! dmesg | grep -q 'page_pool_release_retry\|stalled pool'
}

run_case() {
	case $1 in
	link) ktap_check "link down and up" under_flow link_down_up ;;
	rings) ktap_check "ring sizes" under_flow rings ;;
	lossless) ktap_check "ring sizes cost other flows nothing" ring_change_is_lossless ;;
	channels) ktap_check "channel count" under_flow channels ;;
	rss) ktap_check "indirection table" under_flow rss ;;
	mtu) ktap_check "MTU" under_flow mtus ;;
	flr) ktap_check "function level reset" under_flow flr ;;
	suspend) ktap_check "suspend to idle" under_flow suspend ;;
	aer) ktap_check "PCIe errors" under_flow aer ;;
	bind) ktap_check "unbind and bind" rounds_under_load unbind bind ;;
	modules) ktap_check "rmmod and modprobe" rounds_under_load modules_out modules_in ;;
	hotplug) ktap_check "hot unplug and plug" rounds_under_load unplug plug ;;
	surprise) ktap_check "surprise removal" rounds_under_load surprise return_from_surprise ;;
	*) echo "Bail out! no case $1"; exit 1 ;;
	esac
}

ktap_begin
env_pair
iperf_server
[ $# -gt 0 ] || set -- link rings lossless channels rss mtu flr suspend aer bind modules hotplug surprise
for c in "$@"; do
	run_case "$c"
done
ktap_check "no page is missing" page_pools_are_empty
ktap_end
