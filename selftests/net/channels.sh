#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# As many channels as the device has queue pairs, far more than CPUs: packets
# come and go over all of them, and what they took is given back.
. "$(dirname "$0")/../lib/env.sh"

MAX=128

combined() { # maximums|current
	ethtool -l tulle0 | awk -v want="$1" '/maximums/ { at = "maximums" } /Current/ { at = "current" }
		/^Combined/ && at == want { print $2 }'
}

# Of channels, that is: those of RDMA have higher numbers.
vectors() {
	sed -n -E "s/.* tulle-comp([0-9]+)@pci:$(port_pci tulle0)\$/\1/p" /proc/interrupts |
		awk '$1 < '$MAX' { n++ } END { print n + 0 }'
}

# Datagrams between random ports of the two ends, so that they hash everywhere.
spread() { # FROM TO [IN_NS]
	${3:-} python3 - "$1" "$2" <<-'PYTHON'
		import random, socket, sys
		for n in range(150):
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		        s.bind((sys.argv[1], 0))
		        for m in range(20):
		            try:
		                s.sendto(b"spread", (sys.argv[2], random.randrange(1024, 65536)))
		            except ConnectionRefusedError:
		                pass
	PYTHON
}

busy_queues() { # rx|tx: queues that had a packet since FILE
	"$NETDEV_PY" queues tulle0 >"$KTAP_TMP/now" || return 1
	jq -n --arg kind "$1" --slurpfile old "$KTAP_TMP/$2" --slurpfile new "$KTAP_TMP/now" \
		'[range($new[0][$kind] | length) as $i | ($kind + "-packets") as $key |
			select($new[0][$kind][$i][$key] > ($old[0][$kind][$i][$key] // 0))] | length'
}

go_to() { # CHANNELS
	ethtool -L tulle0 combined "$1" || return 1
	[ "$(combined current)" = "$1" ] || { ethtool -l tulle0; return 1; }
	[ "$(vectors)" = "$1" ] || { echo "$(vectors) completion vectors in use"; return 1; }
}

all_channels() {
	[ "$(combined maximums)" = $MAX ] || { ethtool -l tulle0; return 1; }
	go_to $MAX || return 1
	ethtool -x tulle0 | awk '/^ *[0-9]+:/ { for (i = 2; i <= NF; i++) if (!seen[$i]++) n++ }
		END { print n " queues in the table"; exit n != '$MAX' }'
}

all_receive() {
	local n
	"$NETDEV_PY" queues tulle0 >"$KTAP_TMP/before" && spread "$REMOTE_V4" "$LOCAL_V4" in_ns || return 1
	n=$(busy_queues rx before)
	echo "$n of $MAX queues received"
	[ "$n" = $MAX ]
}

many_send() {
	local n
	"$NETDEV_PY" queues tulle0 >"$KTAP_TMP/before" && spread "$LOCAL_V4" "$REMOTE_V4" || return 1
	n=$(busy_queues tx before)
	echo "$n of $MAX queues sent"
	[ "$n" -ge "$(nproc)" ]
}

tcp_works() { iperf_ok 100000 -c "$REMOTE_V4" -t 3 -P 8 && iperf_ok 100000 -c "$REMOTE_V4" -t 3 -P 8 -R; }

# While a flow runs on channels that stay.
down_and_up() {
	local rc=0
	in_background iperf3 -J -c "$REMOTE_V4" -t 20 --connect-timeout 10000
	local pid=$!
	sleep 1
	go_to 2 && go_to $MAX && go_to 4 || rc=1
	wait $pid || { echo "the flow broke"; rc=1; }
	return $rc
}

# On a busy machine it takes longer than the watchdog waits for a queue that moves:
# the new ones are not stuck, only not there yet, and the old ones not any more.
patience() {
	local nice start took hogs=() rc=0
	for _ in $(seq "$(nproc)"); do
		sh -c 'while :; do :; done' &
		hogs+=($!)
	done
	# A fast machine has to be slowed down more.
	for nice in $(guest_is_slow && echo 0) 5 19; do
		start=$SECONDS
		nice -n "$nice" ethtool -L tulle0 combined $MAX && nice -n "$nice" ethtool -L tulle0 combined 4 || rc=1
		took=$((SECONDS - start))
		echo "$took s for $MAX channels and back, at nice $nice"
		[ $took -lt 16 ] || break
	done
	kill "${hogs[@]}"
	wait "${hogs[@]}" 2>/dev/null
	[ $took -ge 16 ] && [ $rc -eq 0 ] && ! dmesg | grep 'transmit queue .* timed out'
}

too_many() { ! ethtool -L tulle0 combined $((MAX + 1)); }

ktap_begin
env_pair
iperf_server
ktap_check "$MAX channels" all_channels
ktap_check "no more than that" too_many
ktap_check "all of them receive" all_receive
ktap_check "as many send as there are CPUs" many_send
ktap_check "TCP over $MAX channels" tcp_works
ktap_check "down to 2, up to $MAX, back to 4" down_and_up
ktap_check "$MAX and back without haste" patience
ktap_check "TCP afterwards" tcp_works
ktap_end
