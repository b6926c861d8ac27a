#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Settings of ethtool that no other test turns: each is set, read back, and seen
# to do what it says, with traffic.
. "$(dirname "$0")/../lib/env.sh"
. "$(dirname "$0")/../lib/faults.sh"

HW_H=$(readlink -f "$(dirname "$0")/../../include/tulle_hw.h")
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

COALESCE_OFF=(rx-usecs 0 rx-frames 0 tx-usecs 128 tx-frames 256 cqe-mode-rx off cqe-mode-tx off adaptive-rx off adaptive-tx off)

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

pktgen() { # FILE LINE...
	local file=/proc/net/pktgen/$1 line
	for line in "${@:2}"; do
		echo "$line" >"$file" || { echo "pktgen refuses $line"; return 1; }
	done
}

# Whoever waits for room in the ring does not wait for moderation: many packets
# through a small ring, and less than half of a delay for each time it was full.
coalesce_full_ring() {
	local begun ms stops delay=8 rc=0
	modprobe pktgen
	ethtool -G tulle0 tx 64 && ethtool -C tulle0 tx-usecs $((delay * 1000)) tx-frames 0 || return 1
	pktgen kpktgend_0 "add_device tulle0" &&
		pktgen tulle0 "count 20000" "pkt_size 60" "clone_skb 100" "delay 0" "dst_mac 02:00:00:00:00:99" || return 1
	qstats_save tulle0 stops.0 || return 1
	begun=$(date +%s%N)
	pktgen pgctrl start || rc=1
	ms=$((($(date +%s%N) - begun) / 1000000))
	qstats_save tulle0 stops.1 && stops=$(qstats_grew stops.0 stops.1 tx-stop) || rc=1
	pktgen kpktgend_0 rem_device_all
	works || rc=1
	ethtool -G tulle0 tx 1024 && ethtool -C tulle0 "${COALESCE_OFF[@]}" || rc=1
	echo "$ms ms, full ${stops:=0} times, a delay is $delay ms"
	[ $rc = 0 ] && [ "$stops" -gt 0 ] && [ $((ms * 2)) -lt $((stops * delay)) ]
}

# profile RX_OR_TX [MICROSECONDS PACKETS]: the five steps that net_dim chooses from;
# all of them set to that. The ethtool program has no words for them.
profile() {
	PYTHONPATH=$(dirname "$NETDEV_PY") python3 - "$@" <<-'END'
		import sys
		import netdev
		from py import EthtoolFamily
		name, port = f"{sys.argv[1]}-profile", {"header": {"dev-name": "tulle0"}}
		ethtool = EthtoolFamily()
		steps = ethtool.coalesce_get(port)[name]["irq-moderation"]
		if len(sys.argv) > 2:
		    step = {"usec": int(sys.argv[2]), "pkts": int(sys.argv[3])}
		    ethtool.coalesce_set(port | {name: {"irq-moderation": [step] * len(steps)}})
		else:
		    print(*(f"{step['usec']}/{step['pkts']}" for step in steps))
	END
}

# Five equal steps leave no choice: whatever net_dim does, this comes of it.
coalesce_profile() {
	local at_once adapted rx tx
	rx=$(profile rx) && tx=$(profile tx) && [ "$(wc -w <<<"$rx $tx")" = 10 ] || { echo "profiles: $rx $tx"; return 1; }
	profile rx 8000 200 && profile tx 77 33 || return 1
	expect "8000/200 8000/200 8000/200 8000/200 8000/200" profile rx &&
		expect "77/33 77/33 77/33 77/33 77/33" profile tx || return 1
	at_once=$(trickle 0)
	ethtool -C tulle0 adaptive-rx on adaptive-tx on || return 1
	iperf_ok 100000 -c "$REMOTE_V4" -t 2 -R || return 1
	adapted=$(trickle 0)
	ethtool -C tulle0 "${COALESCE_OFF[@]}"
	echo "interrupts of 600 packets: at once $at_once, adapted $adapted"
	[ "$adapted" -gt 0 ] && [ $((adapted * 2)) -lt "$at_once" ] && works
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

# How often the links of both ends went down.
down_events() {
	ethtool -I tulle0 | sed -n 's/^\tLink Down Events: //p'
	in_ns ethtool -I tulle1 | sed -n 's/^\tLink Down Events: //p'
}
down_events_are() { [ "$(down_events | tr '\n' ' ')" = "$1 $2 " ]; }

# Both ends lose the link for it, once.
renegotiate() {
	local before
	mapfile -t before < <(down_events)
	[ ${#before[@]} = 2 ] || { ethtool -I tulle0; return 1; }
	sleep 1
	down_events_are "${before[@]}" || { echo "the link goes down by itself"; return 1; }
	ethtool -r tulle0 || return 1
	retry 10 down_events_are $((before[0] + 1)) $((before[1] + 1)) ||
		{ echo "the links went down ${before[*]} times before," "$(down_events)" "now"; return 1; }
	retry 10 port_carrier tulle0 && expect 200000 cat /sys/class/net/tulle0/speed && works
}

# Without autonegotiation there is nothing to restart.
renegotiate_forced() {
	local before rc=0
	ethtool -s tulle0 speed 100000 autoneg off && in_ns ethtool -s tulle1 speed 100000 autoneg off || return 1
	retry 10 expect 100000 cat /sys/class/net/tulle0/speed || rc=1
	mapfile -t before < <(down_events)
	ethtool -r tulle0 && { echo "not refused"; rc=1; }
	sleep 0.5
	down_events_are "${before[@]}" || { echo "the link went down"; rc=1; }
	ethtool -s tulle0 autoneg on
	in_ns ethtool -s tulle1 autoneg on
	retry 10 expect 200000 cat /sys/class/net/tulle0/speed && works && return $rc
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

symbol_errors() { "$@" -S "${PORT:-tulle0}" --groups eth-phy | sed -n 's/^eth-phy-SymbolErrorDuringCarrier: //p'; }
symbol_errors_remote() { PORT=tulle1 symbol_errors in_ns ethtool; }

# Symbol errors in five frames from here: FEC repairs them, or the far end counts them.
symbols() { # FEC
	ethtool --set-fec tulle0 encoding "$1" && in_ns ethtool --set-fec tulle1 encoding "$1" || return 1
	retry 10 expect "$1" active_fec && retry 20 port_carrier tulle0 && sleep 1
	set_faults "wire_symbol:n=1,c=5" || return 1
	mausezahn tulle0 -q -c 10 -d 1m -b 02:00:00:00:00:99 -p 100 "88:b5"
	retry 5 happened wire_symbol && set_faults ""
}

phy_stats() {
	local here there
	ethtool -s tulle0 speed 25000 autoneg off && in_ns ethtool -s tulle1 speed 25000 autoneg off || return 1
	here=$(symbol_errors ethtool) && there=$(symbol_errors_remote) && [ -n "$here$there" ] || return 1
	symbols rs && expect "$there" symbol_errors_remote || return 1
	symbols off || return 1
	retry 5 eval "[ \$(symbol_errors_remote) -ge $((there + 5)) ]" || { echo "$there before, $(symbol_errors_remote) now"; return 1; }
	expect "$here" symbol_errors ethtool || return 1
	ethtool --set-fec tulle0 encoding auto && in_ns ethtool --set-fec tulle1 encoding auto || return 1
	ethtool -s tulle0 autoneg on
	in_ns ethtool -s tulle1 autoneg on
	retry 10 expect 200000 cat /sys/class/net/tulle0/speed && works
}

hw_define() { awk -v name="$1" '$1 == "#define" && $2 == name { print $3 }' "$HW_H"; }

# The order of Documentation/ethtool.rst: fifteen registers and struct tulle_crash.
# The program knows no names for them and shows the same bytes in hexadecimal.
registers() {
	local version
	version=$(ethtool -i tulle0 | sed -n 's/^firmware-version: //p')
	ethtool -d tulle0 raw on >"$KTAP_TMP/regs.0" && sleep 0.5 && ethtool -d tulle0 raw on >"$KTAP_TMP/regs.1" &&
		ethtool -d tulle0 hex on >"$KTAP_TMP/regs.hex" && ethtool -d tulle0 >"$KTAP_TMP/regs.text" || return 1
	python3 - "$KTAP_TMP" "$(hw_define TULLE_MAGIC)" "$(hw_define TULLE_IF_MAJOR)" "$version" <<-'END'
		import re, struct, sys
		NAMES = ("MAGIC IF_VERSION FW_VERSION STATE SYNDROME HEARTBEAT FUNC CLOCK_LO CLOCK_HI UAR_CFG "
		         "CMD_CAPS CMD_BASE_LO CMD_BASE_HI CMD_CFG SCRATCH").split()
		folder, magic, major, version = sys.argv[1:]
		first, second = (open(f"{folder}/regs.{i}", "rb").read() for i in (0, 1))
		bad = []
		def expect(what, right):
		    if not right:
		        bad.append(what)
		expect(f"{len(first)} and {len(second)} bytes", len(first) == len(second) == 4 * len(NAMES) + 128)
		old, new = (dict(zip(NAMES, struct.unpack_from(f"<{len(NAMES)}I", d))) for d in (first, second))
		clock = lambda r: r["CLOCK_HI"] << 32 | r["CLOCK_LO"]
		expect("magic", new["MAGIC"] == int(magic.rstrip("U"), 16))
		expect("interface version", new["IF_VERSION"] >> 16 == int(major))
		fw = new["FW_VERSION"]
		expect("firmware version", version.split("-")[0] == f"{fw >> 24}.{fw >> 16 & 255}.{fw & 65535}")
		expect("state", new["STATE"] & 15 == 1)
		expect("syndrome", new["SYNDROME"] == 0)
		expect("heartbeat", new["HEARTBEAT"] > old["HEARTBEAT"])
		expect("clock", clock(new) - clock(old) > 400_000_000)
		expect("command queue", new["CMD_BASE_LO"] | new["CMD_BASE_HI"] and new["CMD_CFG"])
		moving = ("HEARTBEAT", "CLOCK_LO", "CLOCK_HI")
		expect("what stands still", all(new[n] == old[n] for n in NAMES if n not in moving))
		expect("crash record", not any(first[4 * len(NAMES):]))
		for name in ("hex", "text"):
		    text = open(f"{folder}/regs.{name}").read()
		    shown = bytes.fromhex("".join(re.findall(r"^0x[0-9a-f]+:\s+(.*)$", text, re.M)))
		    expect(f"{name} shows {len(shown)} bytes", len(shown) == len(first) and shown[:16] == first[:16])
		print(new, "firmware", version)
		sys.exit(f"wrong: {', '.join(bad)}" if bad else None)
	END
}

# flows_meet: of how many of 16 UDP flows both directions come to the same queue, as
# the queues count; and over how many queues they spread.
flows_meet() {
	PYTHONPATH=$(dirname "$NETDEV_PY") python3 - "$NS" "$(cat /sys/class/net/tulle0/address)" <<-'END'
		import os, random, socket, struct, sys, time
		import netdev
		FRAMES = 20
		mac = bytes.fromhex(sys.argv[2].replace(":", ""))
		def counts():
		    return [q["rx-packets"] for q in netdev.queues("tulle0")["rx"]]
		home = os.open("/proc/self/ns/net", os.O_RDONLY)
		os.setns(os.open(f"/run/netns/{sys.argv[1]}", os.O_RDONLY))
		sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		sock.bind(("tulle1", 0))
		os.setns(home)
		def csum(data):
		    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
		    return ~(total % 0xffff) & 0xffff
		def frame(src, dst):
		    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 48, 1, 0, 64, 17, 0, src[0], dst[0])
		    head = head[:10] + struct.pack("!H", csum(head)) + head[12:]
		    return mac + b"\2\0\0\0\0\x77\x08\0" + head + struct.pack("!HHHH", src[1], dst[1], 28, 0) + bytes(20)
		def queue(packet):
		    before = counts()
		    for _ in range(FRAMES):
		        sock.send(packet)
		    for _ in range(50):
		        grown = [b - a for a, b in zip(before, counts())]
		        if max(grown) >= FRAMES:
		            return grown.index(max(grown))
		        time.sleep(0.05)
		    sys.exit(f"the frames are in no queue: {grown}")
		chance = random.Random(1)
		address = lambda: (bytes((192, 0, 2, chance.randrange(256))), chance.randrange(1024, 65536))
		pairs = []
		for _ in range(16):
		    a, b = address(), address()
		    pairs.append((queue(frame(a, b)), queue(frame(b, a))))
		print(sum(x == y for x, y in pairs), len({q for pair in pairs for q in pair}))
		print(pairs, file=sys.stderr)
	END
}

symmetric() { # TRANSFORMATION
	local plain both queues rc=0
	ethtool -L tulle0 combined 4 && ethtool -X tulle0 xfrm none || return 1
	plain=$(flows_meet)
	ethtool -X tulle0 xfrm "$1" && ethtool -x tulle0 | grep "^ *$1: on" || rc=1
	read -r both queues <<<"$(flows_meet)"
	ethtool -X tulle0 xfrm none && ethtool -L tulle0 combined 2 || rc=1
	echo "both directions on one queue: ${plain% *} of 16 without, $both with $1, over $queues queues"
	[ "$both" = 16 ] && [ "${plain% *}" -lt 16 ] && [ "$queues" -gt 1 ] && works && return $rc
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
ktap_check "coalescing while the ring is full" coalesce_full_ring
ktap_check "adaptive coalescing" coalesce_adaptive
ktap_check "profiles of adaptive coalescing" coalesce_profile
ktap_check "registers" registers
ktap_check "self-test" self_test
ktap_check "self-test of a closed interface" self_test_closed
ktap_check "self-test fails" self_test_fails
ktap_check "forced speed" forced_speed
ktap_check "advertised speed" advertised_speed
ktap_check "autonegotiation again" renegotiate
ktap_check "autonegotiation again, forced" renegotiate_forced
ktap_check "FEC" fec
ktap_check "symbol errors" phy_stats
ktap_check "pause" pause
ktap_check "pause frames" pause_frames
ktap_check "receive buffer length" buf_len
ktap_check "two VLAN tags" two_tags
ktap_check "no receive hash" rxhash_off
ktap_check "FCS" rx_fcs
ktap_check "symmetric hash" symmetric symmetric-xor
if ethtool -X tulle0 xfrm symmetric-or-xor 2>/dev/null; then
	ktap_check "symmetric hash, or" symmetric symmetric-or-xor
else
	ktap_skip "symmetric hash, or" "the kernel does not know it"
fi
ktap_check "receive checksums" rx_sums
ktap_check "transmit checksums" tx_sums
ktap_end
