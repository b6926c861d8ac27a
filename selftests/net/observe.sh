#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What the driver shows of itself: the self-test that notices lost interrupts,
# tracepoints of commands and events, debugfs.
. "$(dirname "$0")/../lib/env.sh"
. "$(dirname "$0")/../lib/faults.sh"

TRACE=/sys/kernel/tracing
BDF=$(port_pci tulle0)
DEBUG=/sys/kernel/debug/tulle/$BDF

self_test() { # NAME: its result
	ethtool -t tulle0 online | tee "$KTAP_TMP/selftest" |
		awk -v name="$1" '$1 == name { print $NF; n++ } END { exit !n }'
}

self_test_passes() { [ "$(self_test Interrupt)" = 0 ] && grep -q 'result is PASS' "$KTAP_TMP/selftest"; }

# Commands are found by polling then, so nothing else fails.
self_test_notices() {
	local rc=0
	set_faults "irq_lost:p=1" || return 1
	[ "$(self_test Interrupt)" = 2 ] || rc=1
	grep -q 'result is FAIL' "$KTAP_TMP/selftest" || rc=1
	awk '/online/ && $1 != "Interrupt" && $NF != 0 { exit 1 }' "$KTAP_TMP/selftest" || rc=1
	happened irq_lost || rc=1
	set_faults "" || rc=1
	cat "$KTAP_TMP/selftest"
	retry 20 self_test_passes || { cat "$KTAP_TMP/selftest"; return 1; }
	retry 20 ping -c 1 -W 1 "$REMOTE_V4" && return $rc
}

# Each command is posted and done under one token, without error, and an event
# of EQ0 (type 1 is that of commands) tells it.
traces_commands() {
	local post
	echo 1 >$TRACE/events/tulle/enable && echo >$TRACE/trace || return 1
	ethtool -S tulle0 >"$KTAP_TMP/stats"
	sleep 0.5
	echo 0 >$TRACE/events/tulle/enable
	grep -E "tulle_(cmd|event)" $TRACE/trace | grep "$BDF" >"$KTAP_TMP/trace"
	head -n 30 "$KTAP_TMP/trace"
	post=$(sed -n -E 's/.*tulle_cmd_post: .* QUERY_PORT_STATS\(0x[0-9a-f]+\) .*(token=[0-9]+) .*/\1/p' "$KTAP_TMP/trace" | head -n 1)
	[ -n "$post" ] || { echo "no QUERY_PORT_STATS"; return 1; }
	grep -Eq "tulle_cmd_done: .* QUERY_PORT_STATS\(.* $post err=0 status=0 " "$KTAP_TMP/trace" || { echo "not done"; return 1; }
	grep -q "tulle_event: " "$KTAP_TMP/trace" || { echo "no event"; return 1; }
}

# A cable that is pulled at the other end is an event of the port.
traces_port_events() {
	local i
	echo 1 >$TRACE/events/tulle/tulle_event/enable && echo >$TRACE/trace || return 1
	in_ns ip link set tulle1 down
	retry 10 eval '! port_carrier tulle0'
	i=$?
	echo 0 >$TRACE/events/tulle/enable
	in_ns ip link set tulle1 up
	remote_addresses
	retry 20 port_carrier tulle0 || return 1
	grep "tulle_event: $BDF .*type=$1 " $TRACE/trace && return $i
}

column() { # FILE ROW COLUMN: by the names in the header above
	awk -v row="$2" -v want="$3" '{ for (i = 1; i <= NF; i++) if ($i == want) at = i }
		at && $1 == row { print $at; exit }' "$DEBUG/$1"
}

debugfs_commands() {
	local before after
	before=$(column commands QUERY_PORT_STATS count)
	ethtool -S tulle0 >"$KTAP_TMP/stats"
	after=$(column commands QUERY_PORT_STATS count)
	cat "$DEBUG/commands"
	[ "$after" -gt "${before:-0}" ] && grep -q '^open 1 events 1 ' "$DEBUG/commands" &&
		[ "$(column commands QUERY_PORT_STATS failed)" = 0 ]
}

debugfs_eqs() {
	local before after irq
	before=$(column eqs 0 interrupts)
	ethtool -S tulle0 >"$KTAP_TMP/stats"
	after=$(column eqs 0 interrupts)
	irq=$(column eqs 0 irq)
	cat "$DEBUG/eqs"
	[ "$after" -gt "$before" ] && grep -q "^ *$irq:.*tulle-async0@pci:$BDF" /proc/interrupts
}

# One queue pair a channel, and none above its quota.
debugfs_objects() {
	local channels
	cat "$DEBUG/objects"
	channels=$(ethtool -l tulle0 | awk '/^Combined/ { n = $2 } END { print n }')
	[ "$(column objects SQ used)" = "$channels" ] && [ "$(column objects RQ used)" = "$channels" ] &&
		[ "$(column objects QP quota)" -gt 0 ] && [ "$(column objects MCAST quota)" -gt 0 ] || return 1
	awk '$2 ~ /^[0-9]+$/ && $3 ~ /^[0-9]+$/ { n++; if ($2 > $3) exit 1 } END { exit n < 17 }' "$DEBUG/objects"
}

ktap_begin
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
mountpoint -q $TRACE || mount -t tracefs tracefs $TRACE
env_pair
ktap_check "self-test" retry 5 self_test_passes
ktap_check "self-test fails without interrupts" self_test_notices
ktap_check "tracepoints of commands" traces_commands
ktap_check "tracepoint of a port's event" traces_port_events "$(sed -n -E 's/.*TULLE_EVENT_PORT\s*=\s*([0-9]+),.*/\1/p' "$(dirname "$0")/../../include/tulle_hw_queue.h")"
ktap_check "debugfs: commands" debugfs_commands
ktap_check "debugfs: event queues" debugfs_eqs
ktap_check "debugfs: objects" debugfs_objects
ktap_end
