#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The kernel's queue management API: it takes one receive queue after the other
# away, gives it memory of its own (a dma-buf) and gives it back. Other queues' flows
# lose nothing, and a configuration that cannot be is refused and changes nothing.
. "$(dirname "$0")/../lib/env.sh"

ROUNDS=${ROUNDS:-3}
QUEUE=1
TOOL=$(dirname "$0")/queue_mgmt.py

bound() { [ -n "$("$TOOL" shows tulle0 $QUEUE)" ]; }
not_bound() { [ -z "$("$TOOL" shows tulle0 $QUEUE)" ]; }

# In the background with its standard input kept open by this shell.
bind_queue() {
	exec {HOLD}> >("$TOOL" bind tulle0 $QUEUE >"$KTAP_TMP/bound" 2>&1)
	retry 10 grep -q '^[0-9]' "$KTAP_TMP/bound" || { cat "$KTAP_TMP/bound"; return 1; }
}

let_queue_go() {
	exec {HOLD}>&-
	retry 10 not_bound || { echo "still bound"; return 1; }
}

refused() { # WORDS
	"$TOOL" bind tulle0 $QUEUE </dev/null >"$KTAP_TMP/refused" 2>&1 && { echo "was bound"; return 1; }
	grep "$1" "$KTAP_TMP/refused" || { cat "$KTAP_TMP/refused"; return 1; }
	not_bound && ping -q -c 3 -i 0.2 "$REMOTE_V4"
}

bind_and_back() {
	bind_queue && bound && let_queue_go
}

# Echoes that the other end has sent and that did not come back, ever.
unanswered() {
	in_ns awk '$1 == "Icmp:" && !names { for (i = 2; i <= NF; i++) at[$i] = i; names = 1; next }
		$1 == "Icmp:" { print $at["OutEchos"] - $at["InEchoReps"] }' /proc/net/snmp
}

all_answered() { [ "$(unanswered)" -eq "$before" ]; }

# The other queue's flow, an echo each 10 ms, hears nothing of it.
rounds_under_load() {
	local before load i rc=0
	before=$(unanswered)
	# A function in the background is a shell, which signals would not pass.
	ip netns exec "$NS" ping -q -i 0.01 -c 100000 "$LOCAL_V4" >"$KTAP_TMP/ping" &
	load=$!
	sleep 0.5
	for ((i = 0; i < ROUNDS && rc == 0; i++)); do
		bind_and_back || rc=1
	done
	sleep 0.5
	kill -INT $load
	wait $load
	tail -n 2 "$KTAP_TMP/ping"
	grep -q ' [1-9][0-9]* received' "$KTAP_TMP/ping" || rc=1
	# The last one may be under way when ping ends, and is lost to it alone.
	retry 10 all_answered || { echo "$(($(unanswered) - before)) were not answered"; rc=1; }
	return $rc
}

closed_while_bound() {
	bind_queue && ip link set tulle0 down && ip link set tulle0 up || return 1
	port_addresses
	retry 20 port_carrier tulle0
	retry 10 bound || { echo "the queue lost its memory"; return 1; }
	retry 10 ping -q -c 3 -i 0.2 "$REMOTE_V4" && let_queue_go
}

# Back on ordinary memory the queue takes its share.
receives_again() {
	local before got port
	ethtool -X tulle0 default && ethtool -G tulle0 tcp-data-split auto || return 1
	before=$("$TOOL" packets tulle0 $QUEUE)
	for port in $(seq 6001 6016); do
		transfer "$port" || return 1
	done
	got=$(($("$TOOL" packets tulle0 $QUEUE) - before))
	echo "$got packets on queue $QUEUE"
	[ $got -gt 0 ]
}

transfer() { # PORT
	local listener
	socat -u "TCP-LISTEN:$1,reuseaddr" "CREATE:$KTAP_TMP/got" &
	listener=$!
	head -c 65536 /dev/urandom >"$KTAP_TMP/data"
	retry 10 in_ns socat -u "OPEN:$KTAP_TMP/data" "TCP:$LOCAL_V4:$1" || return 1
	wait $listener
	cmp "$KTAP_TMP/data" "$KTAP_TMP/got"
}

ktap_begin
env_pair
modprobe -q udmabuf
if ! [ -e /dev/udmabuf ]; then
	echo "Bail out! no /dev/udmabuf"
	exit 1
fi
ethtool -L tulle0 combined 2 && ethtool -X tulle0 equal 1 || exit 1
ethtool -G tulle0 tcp-data-split auto
ktap_check "refused without header split" refused "tcp-data-split is disabled"
ethtool -G tulle0 tcp-data-split on hds-thresh 0 || exit 1
ktap_check "a queue on a dma-buf and back" bind_and_back
ktap_check "$ROUNDS times beside a flow that loses nothing" rounds_under_load
ktap_check "port down and up meanwhile" closed_while_bound
ktap_check "the queue receives again" receives_again
ktap_end
