#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Settings of ethtool that no other test turns: each is set, read back, and seen
# to do what it says, with traffic.
. "$(dirname "$0")/../lib/env.sh"

BDF=$(port_pci tulle0)
COMMANDS=/sys/kernel/debug/tulle/$BDF/commands

# get OPTION NAME: what ethtool shows of tulle0; the last of several such lines
get() { ethtool "$1" tulle0 | sed -n "s/^ *$2:[[:space:]]*//p" | tail -n 1; }
get_remote() { in_ns ethtool "$1" tulle1 | sed -n "s/^ *$2:[[:space:]]*//p" | tail -n 1; }

# expect WANTED COMMAND...
expect() {
	local got
	got=$("${@:2}")
	[ "$got" = "$1" ] || { echo "${*:2}: $got, not $1"; return 1; }
}

works() {
	retry 30 port_carrier tulle0 && retry 30 ping -c 1 -W 1 "$REMOTE_V4" >/dev/null &&
		iperf_ok 100000 -c "$REMOTE_V4" -t 1 && iperf_ok 100000 -c "$REMOTE_V4" -t 1 -R
}

# transfer ADDRESS [MIB]: from the remote to ADDRESS of tulle0, data compared
transfer() {
	local sum pid
	in_background bash -c "socat -u TCP-LISTEN:5300,reuseaddr - | sha256sum >$KTAP_TMP/got"
	pid=$!
	retry 10 eval "ss -Hltn 'sport = :5300' | grep -q ."
	dd if=/dev/urandom of="$KTAP_TMP/data" bs=1M count="${2:-8}" status=none
	sum=$(sha256sum <"$KTAP_TMP/data")
	in_ns socat -u "OPEN:$KTAP_TMP/data" "TCP:$1:5300"
	wait "$pid"
	[ "$(cat "$KTAP_TMP/got")" = "$sum" ] || { echo "data differs"; return 1; }
}

# Interrupts of the vector of queue QUEUE
interrupts() {
	awk -v name="tulle-comp$1@pci:$BDF" '$NF == name { for (i = 2; i < 6; i++) n += $i } END { print n + 0 }' /proc/interrupts
}

# How many interrupts a trickle into QUEUE takes: 600 frames, half a millisecond
# apart or more. Everything goes to that queue.
trickle() { # QUEUE
	local before
	ethtool -X tulle0 equal 1 start "$1" >&2 || return 1
	before=$(interrupts "$1")
	in_ns mausezahn tulle1 -q -c 600 -d 500 -b ff:ff:ff:ff:ff:ff -p 100 "88:b5" >&2
	sleep 0.1
	echo $(($(interrupts "$1") - before))
	ethtool -X tulle0 default >&2
}

COALESCE_OFF=(rx-usecs 0 rx-frames 0 tx-usecs 64 tx-frames 256 cqe-mode-rx off cqe-mode-tx off adaptive-rx off adaptive-tx off)

coalesce() {
	local at_once by_time by_count
	ethtool -C tulle0 rx-usecs 0 rx-frames 0
	at_once=$(trickle 0)
	ethtool -C tulle0 rx-usecs 8000 rx-frames 0 tx-usecs 123 tx-frames 45 || return 1
	expect 8000 get -c rx-usecs && expect 123 get -c tx-usecs && expect 45 get -c tx-frames || return 1
	by_time=$(trickle 0)
	ethtool -C tulle0 rx-usecs 8000 rx-frames 2 && expect 2 get -c rx-frames || return 1
	by_count=$(trickle 0)
	works || return 1
	ethtool -C tulle0 "${COALESCE_OFF[@]}"
	echo "interrupts of 600 packets: at once $at_once, every 2 packets $by_count, every 8 ms $by_time"
	[ "$by_time" -gt 0 ] && [ $((by_time * 2)) -lt "$at_once" ] && [ "$by_time" -lt "$by_count" ]
}

coalesce_limits() {
	! ethtool -C tulle0 rx-usecs 100000 && ! ethtool -C tulle0 tx-frames 100000 &&
		! ethtool -C tulle0 stats-block-usecs 1 && expect 0 get -c rx-usecs && expect 256 get -c tx-frames
}

per_queue() { # QUEUE FIELD
	ethtool --per-queue tulle0 queue_mask "0x$((1 << $1))" --show-coalesce | sed -n "s/^$2:[[:space:]]*//p"
}

coalesce_per_queue() {
	local slow fast
	ethtool --per-queue tulle0 queue_mask 0x2 --coalesce rx-usecs 8000 rx-frames 0 tx-usecs 77 || return 1
	expect 8000 per_queue 1 rx-usecs && expect 77 per_queue 1 tx-usecs && expect 0 per_queue 0 rx-usecs || return 1
	slow=$(trickle 1)
	fast=$(trickle 0)
	# away and back, it is as it was
	ethtool -L tulle0 combined 1 && ethtool -L tulle0 combined 2 && expect 8000 per_queue 1 rx-usecs || return 1
	ethtool -C tulle0 rx-usecs 1 && expect 1 per_queue 1 rx-usecs || return 1
	ethtool -C tulle0 "${COALESCE_OFF[@]}"
	echo "interrupts of 600 packets: queue 0 $fast, queue 1 $slow"
	[ "$slow" -gt 0 ] && [ $((slow * 2)) -lt "$fast" ]
}

# A timer that starts anew with every packet does not end while they come.
coalesce_cqe_mode() {
	local eqe cqe
	ethtool -C tulle0 rx-usecs 8000 rx-frames 100 || return 1
	eqe=$(trickle 0)
	ethtool -C tulle0 cqe-mode-rx on cqe-mode-tx on || return 1
	expect 'on  TX: on' get -c 'CQE mode RX' || return 1
	cqe=$(trickle 0)
	works || return 1
	ethtool -C tulle0 "${COALESCE_OFF[@]}"
	echo "interrupts of 600 packets: time from the event $eqe, from the packet $cqe"
	[ "$cqe" -gt 0 ] && [ "$cqe" -lt "$eqe" ]
}

moderations() { awk '$1 == "MODIFY_CQ" { n = $2 } END { print n + 0 }' "$COMMANDS"; }

# net_dim changes the moderation as the traffic does; once off, nobody does.
coalesce_adaptive() {
	local before
	ethtool -C tulle0 adaptive-rx on adaptive-tx on || return 1
	expect 'on  TX: on' get -c 'Adaptive RX' || return 1
	before=$(moderations)
	iperf_ok 100000 -c "$REMOTE_V4" -t 3 && iperf_ok 100000 -c "$REMOTE_V4" -t 3 -R || return 1
	[ "$(moderations)" -gt "$before" ] || { echo "nothing was adapted"; cat "$COMMANDS"; return 1; }
	ethtool -C tulle0 "${COALESCE_OFF[@]}" && expect 'off  TX: off' get -c 'Adaptive RX' || return 1
	before=$(moderations)
	works && expect "$before" moderations
}

self_test() {
	ethtool -t tulle0 online && works && ethtool -t tulle0 offline && works
}

self_test_closed() {
	local rc
	ip link set tulle0 down
	ethtool -t tulle0 offline
	rc=$?
	[ "$(cat /sys/class/net/tulle0/flags)" = "$(printf '0x%x' $(($(cat /sys/class/net/tulle0/flags) & ~1)))" ] || rc=1
	ip link set tulle0 up
	port_addresses
	[ $rc -eq 0 ] && works
}

# Without a partner one test must say so, and only that one.
self_test_fails() {
	in_ns ip link set tulle1 down
	retry 10 eval '! port_carrier tulle0'
	ethtool -t tulle0 online >"$KTAP_TMP/test" && { cat "$KTAP_TMP/test"; return 1; }
	in_ns ip link set tulle1 up
	remote_addresses
	expect 1 grep -c '[1-9][0-9]*$' "$KTAP_TMP/test" && grep '^Link .*[1-9]$' "$KTAP_TMP/test" && works
}

forced_speed() {
	local speed
	for speed in 10000 25000 100000; do
		ethtool -s tulle0 speed $speed autoneg off && in_ns ethtool -s tulle1 speed $speed autoneg off || return 1
		retry 10 expect $speed cat /sys/class/net/tulle0/speed && retry 10 expect $speed in_ns cat /sys/class/net/tulle1/speed && works || return 1
	done
	ethtool -s tulle0 speed 25000 autoneg off
	retry 10 eval '! port_carrier tulle0' || { echo "a link between 25000 and 100000"; return 1; }
	ethtool tulle0 | grep 'No partner detected during force mode' || return 1
	ethtool -s tulle0 autoneg on
	in_ns ethtool -s tulle1 autoneg on
	retry 10 expect 200000 cat /sys/class/net/tulle0/speed && works
}

advertised_speed() {
	ethtool -s tulle0 advertise 25000baseCR/Full on 10000baseCR/Full on 50000baseCR/Full off 100000baseCR2/Full off 200000baseCR4/Full off || return 1
	retry 10 expect 25000 cat /sys/class/net/tulle0/speed && retry 10 expect 25000 in_ns cat /sys/class/net/tulle1/speed && works || return 1
	in_ns ethtool tulle1 | sed -n '/Link partner advertised link modes/,/Link partner advertised pause/p' | grep -c baseCR | grep -qx 2 || return 1
	in_ns ethtool -s tulle1 advertise 50000baseCR/Full on 25000baseCR/Full off 10000baseCR/Full off 100000baseCR2/Full off 200000baseCR4/Full off
	retry 10 eval '! port_carrier tulle0' && ethtool tulle0 | grep 'No HCD' || return 1
	ethtool -s tulle0 autoneg on advertise 25000baseCR/Full on 10000baseCR/Full on 50000baseCR/Full on 100000baseCR2/Full on 200000baseCR4/Full on
	in_ns ethtool -s tulle1 autoneg on advertise 25000baseCR/Full on 10000baseCR/Full on 50000baseCR/Full on 100000baseCR2/Full on 200000baseCR4/Full on
	retry 10 expect 200000 cat /sys/class/net/tulle0/speed && works
}

active_fec() { get --show-fec 'Active FEC encoding' | tr '[:upper:]' '[:lower:]'; }
active_fec_remote() { get_remote --show-fec 'Active FEC encoding' | tr '[:upper:]' '[:lower:]'; }

fec() {
	local word
	ethtool -s tulle0 speed 25000 autoneg off && in_ns ethtool -s tulle1 speed 25000 autoneg off || return 1
	for word in rs baser off; do
		ethtool --set-fec tulle0 encoding $word && in_ns ethtool --set-fec tulle1 encoding $word || return 1
		retry 10 expect $word active_fec && retry 10 expect $word active_fec_remote && works || return 1
	done
	ethtool --set-fec tulle0 encoding rs && in_ns ethtool --set-fec tulle1 encoding baser || return 1
	retry 10 eval '! port_carrier tulle0' && ethtool tulle0 | grep 'FEC mismatch during override' || return 1
	# one common encoding is enough
	ethtool --set-fec tulle0 encoding rs baser && retry 10 expect baser active_fec && works || return 1
	ethtool --set-fec tulle0 encoding auto && in_ns ethtool --set-fec tulle1 encoding auto || return 1
	ethtool -s tulle0 autoneg on
	in_ns ethtool -s tulle1 autoneg on
	retry 10 expect 200000 cat /sys/class/net/tulle0/speed && works
}

negotiated() { echo "$(get -a 'RX negotiated') $(get -a 'TX negotiated')"; }
negotiated_remote() { echo "$(get_remote -a 'RX negotiated') $(get_remote -a 'TX negotiated')"; }

pause() {
	retry 5 expect 'on on' negotiated || return 1
	ethtool -A tulle0 rx off tx on && in_ns ethtool -A tulle1 rx on tx off || return 1
	retry 5 expect 'off on' negotiated && retry 5 expect 'on off' negotiated_remote || return 1
	ethtool -A tulle0 rx off tx off
	retry 5 expect 'off off' negotiated && retry 5 expect 'off off' negotiated_remote && works || return 1
	ethtool -A tulle0 rx on tx on && in_ns ethtool -A tulle1 rx on tx on
	retry 5 expect 'on on' negotiated && works
}

pause_count() { ethtool -I -a tulle0 | sed -n 's/^ *rx_pause_frames: //p'; }

# Pause frames from a socket at the far end are counted, obeyed or not.
pause_frames() {
	local before
	ethtool -A tulle0 autoneg off rx off tx off || return 1
	before=$(pause_count)
	in_ns mausezahn tulle1 -q -c 5 -a own -b 01:80:c2:00:00:01 -p 46 "88:08:00:01:ff:ff"
	retry 5 eval "[ \$(pause_count) -ge $((before + 5)) ]" ||
		{ ethtool -I -a tulle0; return 1; }
	expect off get -a RX && works || return 1
	ethtool -A tulle0 autoneg on rx on tx on && works
}

buf_len() {
	local len
	ip link set tulle0 mtu 9000 && in_ns ip link set tulle1 mtu 9000 || return 1
	for len in 8192 16384 4096; do
		ethtool -G tulle0 rx-buf-len $len && expect $len get -g 'RX Buf Len' || return 1
		ethtool -K tulle0 rx-gro-hw off && transfer "$LOCAL_V4" || return 1
		ethtool -K tulle0 rx-gro-hw on && transfer "$LOCAL_V4" || return 1
	done
	! ethtool -G tulle0 rx-buf-len 5000 && ! ethtool -G tulle0 rx-buf-len 1024 && expect 4096 get -g 'RX Buf Len' || return 1
	ip link set tulle0 mtu 1500 && in_ns ip link set tulle1 mtu 1500 && works
}

# Two tags: the device strips both, the driver puts the inner one back.
vlan_pair() { # NAME LINK PROTOCOL ID ADDRESS
	ip link add link "$2" name "$1" type vlan protocol "$3" id "$4" && ip link set "$1" up &&
		ip addr add "$5.1/24" dev "$1" || return 1
	in_ns ip link add link "${2/tulle0/tulle1}" name "$1" type vlan protocol "$3" id "$4" &&
		in_ns ip link set "$1" up && in_ns ip addr add "$5.2/24" dev "$1"
}

two_tags() {
	local ctag stag size
	vlan_pair s8 tulle0 802.1ad 8 192.0.8 && vlan_pair s8.9 s8 802.1q 9 192.0.9 || return 1
	for stag in on off; do
		for ctag in on off; do
			ethtool -K tulle0 rx-vlan-stag-hw-parse $stag && ethtool -K tulle0 rx-vlan-hw-parse $ctag || return 1
			echo "stag $stag ctag $ctag"
			for size in 0 56 200 300 1000 1400; do
				in_ns ping -q -c 2 -i 0.02 -W 2 -s $size 192.0.9.1 || return 1
			done
			transfer 192.0.8.1 4 && transfer 192.0.9.1 4 || return 1
		done
	done
	ethtool -K tulle0 rx-vlan-hw-parse on
	ip link del s8 && in_ns ip link del s8
	works
}

rxhash_off() {
	ethtool -K tulle0 rxhash off && transfer "$LOCAL_V4" && works && ethtool -K tulle0 rxhash on && works
}

# The last four bytes of what a socket gets are the FCS of the frame.
fcs_arrives() {
	python3 - "$NS" <<-'END'
		import os, socket, sys, zlib
		PROTO = 0x88b5
		def raw(name):
		    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(PROTO))
		    sock.bind((name, PROTO))
		    return sock
		here = raw("tulle0")
		here.settimeout(5)
		os.setns(os.open(f"/run/netns/{sys.argv[1]}", os.O_RDONLY))
		there = raw("tulle1")
		for size in (60, 61, 200, 1000, 1513, 1514):
		    frame = b"\xff" * 6 + b"\x02" + bytes(5) + PROTO.to_bytes(2, "big") + os.urandom(size - 14)
		    there.send(frame)
		    want = frame + zlib.crc32(frame).to_bytes(4, "little")
		    got = here.recv(4096)
		    if got != want:
		        sys.exit(f"{size} bytes sent, {len(got)} received, {got[-8:].hex()}, not {want[-8:].hex()}")
	END
}

rx_fcs() {
	local rc=0
	ethtool -K tulle0 rx-fcs on && fcs_arrives && transfer "$LOCAL_V4" && works || rc=1
	ethtool -k tulle0 | grep -q '^rx-gro-hw: off' || { echo "aggregates have no FCS"; rc=1; }
	ethtool -K tulle0 rx-fcs off && ethtool -K tulle0 rx-gro-hw on || rc=1
	! fcs_arrives && works || rc=1
	return $rc
}

# How much a statistic of tulle0 grows by a transfer from there, or with "to" there.
grows() { # NAME [to]
	qstats_save tulle0 grow.0 || return 1
	if [ "$2" = to ]; then
		iperf_ok 100000 -c "$REMOTE_V4" -t 1 >&2 || return 1
	else
		transfer "$LOCAL_V4" >&2 || return 1
	fi
	qstats_save tulle0 grow.1 && qstats_grew grow.0 grow.1 "$1"
}

# Without the device's word on checksums the stack looks itself.
rx_sums() {
	local rc=0
	[ "$(grows rx-csum-unnecessary)" -gt 0 ] || { echo "nobody says that sums are right"; rc=1; }
	ethtool -K tulle0 rx off || return 1
	expect 0 grows rx-csum-unnecessary || rc=1
	[ "$(grows rx-csum-none)" -gt 0 ] || { echo "unlooked at packets are not counted"; rc=1; }
	ethtool -K tulle0 rx on && ethtool -K tulle0 rx-gro-hw on && works || rc=1
	return $rc
}

# What the stack has summed the device leaves alone; it cannot segment it either.
tx_sums() {
	local rc=0
	ethtool -K tulle0 tx off || return 1
	ethtool -k tulle0 | grep -q '^tcp-segmentation-offload: off' || { echo "TSO without checksums"; rc=1; }
	expect 0 grows tx-needs-csum to || rc=1
	expect 0 grows tx-hw-gso-packets to || rc=1
	ethtool -K tulle0 tx on && ethtool -K tulle0 tso on || rc=1
	[ "$(grows tx-needs-csum to)" -gt 0 ] || { echo "the device sums nothing"; rc=1; }
	return $rc
}

ktap_begin
env_pair
ethtool -L tulle0 combined 2
iperf_server
ktap_check "coalescing" coalesce
ktap_check "coalescing out of range" coalesce_limits
ktap_check "coalescing per queue" coalesce_per_queue
ktap_check "coalescing from the completion" coalesce_cqe_mode
ktap_check "adaptive coalescing" coalesce_adaptive
ktap_check "self-test" self_test
ktap_check "self-test of a closed interface" self_test_closed
ktap_check "self-test fails" self_test_fails
ktap_check "forced speed" forced_speed
ktap_check "advertised speed" advertised_speed
ktap_check "FEC" fec
ktap_check "pause" pause
ktap_check "pause frames" pause_frames
ktap_check "receive buffer length" buf_len
ktap_check "two VLAN tags" two_tags
ktap_check "no receive hash" rxhash_off
ktap_check "FCS" rx_fcs
ktap_check "receive checksums" rx_sums
ktap_check "transmit checksums" tx_sums
ktap_end
