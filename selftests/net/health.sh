#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The health reporters: fw of the device, tx and rx of the port. Real failures
# of queues are reported and recovered; every command of devlink health works.
. "$(dirname "$0")/../lib/env.sh"
. "$(dirname "$0")/../lib/faults.sh"

DEV=pci/$(port_pci tulle0)
FAIL=/sys/kernel/debug/fail_function

handle() { # REPORTER
	if [ "$1" = fw ]; then echo "$DEV"; else echo tulle0; fi
}

health() { # COMMAND REPORTER [ARGS...]
	devlink health "$1" "$(handle "$2")" reporter "${@:2}"
}

field() { # REPORTER FIELD
	devlink -j health show "$(handle "$1")" reporter "$1" | jq -r ".health[][0].$2"
}

# is REPORTER STATE
is() { [ "$(field "$1" state)" = "$2" ]; }

remember() { # REPORTER
	ERRORS=$(field "$1" error)
	RECOVERS=$(field "$1" recover)
}

more_errors() { [ "$(field "$1" error)" -gt "$ERRORS" ]; }
more_recovers() { [ "$(field "$1" recover)" -gt "$RECOVERS" ]; }

# One more error than remembered, and repaired by itself.
repaired() { # REPORTER
	retry 30 more_errors "$1" && retry 30 more_recovers "$1" && retry 30 is "$1" healthy && return 0
	echo "before: error $ERRORS recover $RECOVERS"
	health show "$1"
	return 1
}

works() {
	retry 30 port_carrier tulle0 && retry 30 ping -c 1 -W 1 "$REMOTE_V4" &&
		iperf_ok 100000 -c "$REMOTE_V4" -t 1 && iperf_ok 100000 -c "$REMOTE_V4" -t 1 -R
}

# has FILE KEY...: output of devlink -j has them, at any depth
has() {
	local key
	for key in "${@:2}"; do
		jq -e --arg key "$key" '[.. | objects | has($key)] | any' "$1" >/dev/null ||
			{ echo "no $key in"; cat "$1"; return 1; }
	done
}

queues() { jq '[.. | objects | select(has("device_state"))] | length' "$1"; }

show() {
	local r
	devlink -j health show >"$KTAP_TMP/all" || return 1
	for r in fw tx rx; do
		jq -e --arg r $r '[.. | objects | select(.reporter == $r)] | length == 2' "$KTAP_TMP/all" ||
			{ echo "not one $r for each of two ports"; return 1; }
		devlink -j health show "$(handle $r)" reporter $r >"$KTAP_TMP/one" &&
			has "$KTAP_TMP/one" reporter state error recover auto_recover auto_dump && is $r healthy || return 1
	done
}

# What a reporter tells of healthy queues, which all have to be there.
diagnose() { # REPORTER KEY...
	devlink -j health diagnose "$(handle "$1")" reporter "$1" >"$KTAP_TMP/diag" && has "$KTAP_TMP/diag" "${@:2}" || return 1
	[ "$1" = fw ] || [ "$(queues "$KTAP_TMP/diag")" = 4 ] || { echo "not 4 queues"; cat "$KTAP_TMP/diag"; return 1; }
}

diagnose_fw() {
	diagnose fw state syndrome up gone failures recoveries heartbeat command_slots lost_slots command_timeouts &&
		jq -e '[.. | objects | select(has("up"))] | .[0] | .up and (.gone | not)' "$KTAP_TMP/diag"
}

# The index of the device is where the driver's is, once nothing moves.
diagnose_tx() {
	diagnose tx queue handle stopped error last_status size pi ci published cq device_state device_ci device_errors &&
		jq -e '[.. | objects | select(has("device_ci")) | .stopped or .error or .ci != .pi or .device_ci != .pi] | any | not' "$KTAP_TMP/diag"
}
diagnose_rx() {
	diagnose rx queue handle starved error last_status size pi ci published cq device_state device_ci device_drops_dry &&
		jq -e '[.. | objects | select(has("device_ci")) | .starved or .error or .device_ci != .ci] | any | not' "$KTAP_TMP/diag"
}

# dumped REPORTER KEY: a dump is there, has KEY, and is gone when cleared.
dumped() {
	devlink -j health dump show "$(handle "$1")" reporter "$1" >"$KTAP_TMP/dump" && has "$KTAP_TMP/dump" "$2" || return 1
	[ "$(field "$1" last_dump_time)" != null ] || { health show "$1"; return 1; }
	devlink health dump clear "$(handle "$1")" reporter "$1"
}

# The reporter's own test is an error as from outside: reported, dumped,
# recovered, while the traffic that it hits goes on.
tested() { # REPORTER KEY_OF_DUMP
	local flow
	in_background iperf3 -c "$REMOTE_V4" -t 600 --connect-timeout 5000
	flow=$!
	devlink health dump clear "$(handle "$1")" reporter "$1"
	remember "$1"
	devlink health test "$(handle "$1")" reporter "$1" && repaired "$1" && dumped "$1" "$2" || return 1
	sleep 1
	kill -0 $flow || { echo "the flow ended"; return 1; }
	kill $flow
	works
}

# The firmware dies, and takes all queues with it; no flow is promised to last.
tested_fw() {
	devlink health dump clear "$DEV" reporter fw
	remember fw
	devlink health test "$DEV" reporter fw && repaired fw && dumped fw registers && works
}

# Nobody repairs what was told not to be; by hand it goes.
by_hand() { # REPORTER
	devlink health set "$(handle "$1")" reporter "$1" auto_recover false || return 1
	remember "$1"
	devlink health test "$(handle "$1")" reporter "$1" && retry 30 more_errors "$1" && retry 30 is "$1" error || return 1
	sleep 1
	more_recovers "$1" && { echo "recovered by itself"; return 1; }
	devlink health recover "$(handle "$1")" reporter "$1" || return 1
	devlink health set "$(handle "$1")" reporter "$1" auto_recover true
	retry 30 is "$1" healthy && more_recovers "$1" && works
}

# All completions are lost until the stack finds that a send queue has stopped,
# which a small one does soon: a socket sends only so much before it waits.
# Nothing comes in meanwhile: a lost completion there is another error.
tx_timeout() {
	local before
	before=$(dmesg | grep -c 'NETDEV WATCHDOG: .*timed out')
	ethtool -G tulle0 tx 64 || return 1
	remember tx
	set_faults "cqe_lost:p=1" || return 1
	timeout 10 mausezahn tulle0 -q -c 3000 -b 02:00:00:00:00:99 -p 1400 "88:b5"
	happened cqe_lost || return 1
	retry 20 more_errors tx
	set_faults "" || return 1
	more_errors tx || { health show tx; return 1; }
	[ "$(dmesg | grep -c 'NETDEV WATCHDOG: .*timed out')" -gt "$before" ] || { echo "the watchdog was silent"; return 1; }
	dmesg | grep 'send queues timed out' || return 1
	repaired tx && works && ethtool -G tulle0 tx 1024 && works
}

# One lost completion is a gap, which the next one shows.
rx_gap() {
	remember rx
	set_faults "cqe_lost:p=0.1,c=3" || return 1
	in_ns timeout 20 mausezahn tulle1 -q -c 200 -d 2m -b ff:ff:ff:ff:ff:ff -p 100 "88:b5"
	happened cqe_lost && set_faults "" && repaired rx && works
}

# No page for any receive buffer, for so long that recovery fails as well.
starve() {
	echo page_pool_alloc_netmems >$FAIL/inject || return 1
	echo 0 >$FAIL/page_pool_alloc_netmems/retval
	echo 0 >$FAIL/verbose
	echo -1 >$FAIL/times
	echo 0 >$FAIL/interval
	echo 100 >$FAIL/probability
	in_ns timeout 60 mausezahn tulle1 -q -c 5000 -a 02:00:00:00:00:98 -b ff:ff:ff:ff:ff:ff -p 1400 "88:b5"
	echo 0 >$FAIL/probability
}

rx_starved() {
	remember rx
	starve || return 1
	echo >$FAIL/inject
	retry 30 more_errors rx || { health show rx; return 1; }
	dmesg | grep 'receive queues have no buffers' || return 1
	retry 30 is rx healthy || { health show rx; return 1; }
	works || return 1
	# and what fails next is repaired as ever
	remember rx
	devlink health test tulle0 reporter rx && repaired rx && works
}

# Closed while the firmware is down, and opened when it is back: no queue, used or
# not, is taken for one that does not send.
closed_meanwhile() {
	devlink health set "$DEV" reporter fw auto_recover false && devlink health test "$DEV" reporter fw || return 1
	retry 30 is fw error || return 1
	ip link set tulle0 down
	devlink health recover "$DEV" reporter fw || return 1
	devlink health set "$DEV" reporter fw auto_recover true
	retry 30 is fw healthy || return 1
	remember tx
	ip link set tulle0 up
	port_addresses
	works || return 1
	# more than the watchdog waits
	sleep 7
	! more_errors tx || { health show tx; return 1; }
}

ktap_begin
env_pair
ethtool -L tulle0 combined 4
iperf_server
ktap_check "show" show
ktap_check "fw diagnose" diagnose_fw
ktap_check "tx diagnose" retry 5 diagnose_tx
ktap_check "rx diagnose" retry 5 diagnose_rx
ktap_check "tx test" tested tx sq_ctx
ktap_check "rx test" tested rx rq_ctx
ktap_check "tx recover by hand" by_hand tx
ktap_check "rx recover by hand" by_hand rx
ktap_check "rx lost completion" rx_gap
ktap_check "tx timeout" tx_timeout
if [ -d $FAIL ]; then
	ktap_check "rx starvation" rx_starved
else
	ktap_skip "rx starvation" "the kernel cannot have allocations fail (FAIL_FUNCTION)"
fi
ktap_check "fw test" tested_fw
ktap_check "fw recover by hand" by_hand fw
ktap_check "closed while the firmware is down" closed_meanwhile
ktap_check "all healthy" eval 'is fw healthy && is tx healthy && is rx healthy'
ktap_end
