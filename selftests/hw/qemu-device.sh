#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The device as QEMU sees it, without a guest system: properties, errors, hot
# plug, cables, removal. QEMU=BINARY tests that one instead of the lab's.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
n=0
bad=0
qemu_pid=

if [ -z "${QEMU:-}" ]; then
	QEMU=$("$top/tools/lab" build | sed -n 's/^qemu //p') || exit 1
fi

# Native hot plug: an empty slot is off, and one that is off asks no guest.
machine=(-M q35 -accel tcg -m 64 -nodefaults -display none
	-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off)
for dir in "${TULLE_LAB:-$HOME/.cache/tulle-lab}"/root/usr/share/{seabios,qemu} /usr/share/{seabios,qemu}; do
	[ -d "$dir" ] && machine+=(-L "$dir")
done

# What QEMU is started by: nothing, or a command that goes to another namespace first.
within=()

trap 'qemu_stop; rm -rf "$tmp"' EXIT

check() { # NAME COMMAND...
	local name=$1

	shift
	n=$((n + 1))
	if "$@" >"$tmp/out" 2>&1; then
		echo "ok $n $name"
	else
		tail -n 20 "$tmp/out" | sed 's/^/# /'
		bad=$((bad + 1))
		echo "not ok $n $name"
	fi
}

# A machine of four empty slots; it answers on the coprocess.
qemu_start() {
	local line slots=() i

	for i in 0 1 2 3; do
		slots+=(-device "pcie-root-port,id=rp$i,chassis=$i,slot=$i")
	done
	coproc VM { exec "${within[@]}" "$QEMU" "${machine[@]}" -qmp stdio "${slots[@]}" "$@" 2>"$tmp/stderr"; }
	qemu_pid=$VM_PID
	# Copies: the shell closes the coprocess's own in every subshell.
	exec {to_vm}>&"${VM[1]}" {from_vm}<&"${VM[0]}"
	: >"$tmp/events"
	read -r -t 60 line <&"$from_vm" || return 1
	qmp '{"execute": "qmp_capabilities"}'
}

qemu_stop() {
	[ -n "$qemu_pid" ] || return 0
	qmp '{"execute": "quit"}' >/dev/null
	exec {to_vm}>&- {from_vm}<&-
	wait "$qemu_pid"
	stopped=$?
	qemu_pid=
	return $stopped
}

# qmp JSON: prints the answer; events are kept aside.
qmp() {
	local line

	echo "$1" >&"$to_vm" || return 1
	while read -r -t 60 line <&"$from_vm"; do
		case $line in
		*'"event":'*) echo "$line" >>"$tmp/events" ;;
		*'"error":'*) echo "$line" && return 1 ;;
		*'"return":'*) echo "$line" && return 0 ;;
		esac
	done
	return 1
}

hmp() { qmp "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"$1\"}}"; }

get() { # DEVICE PROPERTY
	qmp "{\"execute\": \"qom-get\", \"arguments\": {\"path\": \"$1\", \"property\": \"$2\"}}"
}

set_prop() { # DEVICE PROPERTY JSON-VALUE
	qmp "{\"execute\": \"qom-set\", \"arguments\": {\"path\": \"$1\", \"property\": \"$2\", \"value\": $3}}"
}

plug() { # ID SLOT [MORE-JSON]
	qmp "{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"tulle\", \"id\": \"$1\", \"bus\": \"rp$2\"${3:+, $3}}}"
}

unplug() { # ID: and wait until it is gone
	local tries

	qmp "{\"execute\": \"device_del\", \"arguments\": {\"id\": \"$1\"}}" || return 1
	for tries in {1..50}; do
		get "$1" state >/dev/null || return 0
		sleep 0.1
	done
	echo "$1 is still there after $tries tries"
	return 1
}

# The command must fail and say why.
refused() { # PATTERN COMMAND...
	local pattern=$1 text

	shift
	if text=$("$@" 2>&1); then
		echo "not refused: $text"
		return 1
	fi
	echo "$text"
	grep -Eq "$pattern" <<<"$text"
}

holds() { # PATTERN COMMAND...
	local pattern=$1 text

	shift
	text=$("$@" 2>&1) || { echo "failed: $text"; return 1; }
	echo "$text"
	grep -Eq "$pattern" <<<"$text"
}

eventually() { # COMMAND...
	local tries

	for tries in {1..100}; do
		"$@" && return 0
		sleep 0.1
	done
	echo "not within $tries tries"
	return 1
}

same() { # COMMAND...: gives the same answer as the device of before
	[ "$("$@")" = "$before" ]
}

bars_lost() { ! same bar_of t0 0; }

# Every property that the source defines, with a text behind it.
help_is_complete() {
	local name names missing=

	"$QEMU" -device tulle,help >"$tmp/help" || return 1
	names=$(sed -n -E 's/.*(DEFINE_PROP_[A-Z0-9]+\(|object_class_property_add_[a-z]+\(oc, )"([^"]+)".*/\2/p' \
		"$top/firmware/qemu/props.c")
	[ "$(wc -w <<<"$names")" -ge 25 ] || { echo "found too few: $names"; return 1; }
	for name in mac netdev $names; do
		grep -Eq "^  $name=<[a-z0-9]+> +- [A-Z]" "$tmp/help" || missing+=" $name"
	done
	echo "without description:$missing"
	[ -z "$missing" ]
}

# A wrong value on the command line ends QEMU with a line that names it.
bad_value() { # PROPERTIES PATTERN
	local text rc

	text=$(timeout 20 "$QEMU" "${machine[@]}" -S -device "pcie-root-port,id=rp0,chassis=1" \
		-device "tulle,bus=rp0,$1" 2>&1 </dev/null)
	rc=$?
	echo "$rc: $text"
	[ $rc -eq 1 ] && grep -Eq -- "$2" <<<"$text"
}

pcap_is_whole() { # FILE: the magic of the nanosecond format, version 2.4, Ethernet
	local words

	words=$(od -An -tx4 -w24 -N24 "$1" | xargs)
	echo "$words"
	[ "$words" = "a1b23c4d 00040002 00000000 00000000 00011000 00000001" ]
}

bar_of() { # DEVICE NUMBER: its address, as the BIOS assigned it
	hmp "info pci" | sed 's/\\r\\n/\n/g' |
		awk -v bar="BAR$2:" -v id="id \\\\\"$1\\\\\"" '
			/Bus .*device/ { addr = "" }
			$1 == bar { for (i = 1; i < NF; i++) if ($i == "at") addr = $(i + 1) }
			index($0, id) { print addr }'
}

bios_is_done() { [ -n "$(bar_of t0 0)" ] && [ "$(bar_of t0 0)" != 0xffffffffffffffff ]; }

word_at() { hmp "xp /1xw $1" | grep -o ': 0x[0-9a-f]*' | cut -c3-; }

reads() { # ADDRESS VALUE
	local word

	word=$(word_at "$1")
	echo "$1: $word, expected $2"
	[ "$word" = "$2" ]
}

# A network backend of every kind that needs no more than root, by its id. A socket
# that another process made (fd) comes in as one of these does.
backends=(
	"user,id=user"
	"tap,id=tap,ifname=tulle-tap,script=no,downscript=no"
	"hubport,id=hubport,hubid=5"
	"socket,id=socket-tcp,listen=127.0.0.1:5500"
	"socket,id=socket-udp,udp=127.0.0.1:5501,localaddr=127.0.0.1:5502"
	"socket,id=socket-mcast,mcast=230.0.0.1:5503,localaddr=127.0.0.1"
	"stream,id=stream-unix,server=on,addr.type=unix,addr.path=$tmp/stream"
	"stream,id=stream-inet,server=on,addr.type=inet,addr.host=127.0.0.1,addr.port=5504"
	"dgram,id=dgram-unix,local.type=unix,local.path=$tmp/here,remote.type=unix,remote.path=$tmp/there"
	"dgram,id=dgram-inet,local.type=inet,local.host=127.0.0.1,local.port=5505,remote.type=inet,remote.host=127.0.0.1,remote.port=5506"
)
# vhost-user is for virtio alone; bridge is tap with a helper that the lab does not build.
backends_left_out="vhost-user bridge"

every_backend() {
	local kind missing=

	"$QEMU" -netdev help | tail -n +2 >"$tmp/kinds"
	[ "$(wc -l <"$tmp/kinds")" -ge 5 ] || return 1
	while read -r kind; do
		[[ " $backends_left_out ${backends[*]%%,*} " == *" $kind "* ]] || missing+=" $kind"
	done <"$tmp/kinds"
	echo "not tried:$missing"
	[ -z "$missing" ]
}

network() { hmp "info network" | sed 's/\\r\\n/\n/g; s/\\\\/\\/g'; }

# joined DEVICE BACKEND: they are each other's peers, by QEMU's own account, which
# puts a backend below its NIC and one on a hub before it.
joined() {
	network | tee "$tmp/network"
	awk -v dev="$1:" -v backend="$2:" '
		$1 == "\\" && $2 == backend && ($3 == dev || above == dev) { found = 1 }
		{ above = $1 }
		END { exit !found }' "$tmp/network"
}

# apart DEVICE BACKEND: the one is gone, the other there for the next.
apart() {
	network | tee "$tmp/network"
	grep -Eq "(^| )$2(:|\$)" "$tmp/network" && ! grep -Eq "(^| )$1:" "$tmp/network"
}

echo "TAP version 13"

check "help describes every property" help_is_complete
check "bad vectors" bad_value vectors=0 'vectors must be 1..2048'
check "bad queue-pairs" bad_value queue-pairs=0 'queue pairs'
check "bad uar-size" bad_value uar-size=100000 'uar-size must be a power of two'
check "bad speeds" bad_value speeds=7 "speeds must be a list .*'7'"
check "bad engine-mode" bad_value engine-mode=fast "engine-mode must be .*'fast'"
check "bad mac" bad_value mac=01:00:00:00:00:01 'mac is a multicast address'
check "long serial" bad_value serial=0123456789012345678901234567890123456789 'serial must be shorter'
check "bad fault point" bad_value 'faults=no_such_point:n=1' 'no_such_point'
check "bad lie" bad_value 'liar=no_such_lie:n=1' 'no_such_lie'
check "bad pcap" bad_value "pcap=$tmp/none/x.pcap" "cannot write pcap file '.*none/x.pcap'"
check "unknown property" bad_value 'colour=red' "Property 'tulle.colour' not found"
check "removed at start" bad_value 'removed=on' 'only a device that is there'

check "machine without a guest" qemu_start -S -netdev hubport,id=hub0,hubid=0 -netdev hubport,id=hub1,hubid=0
for round in 1 2; do
	check "hot plug $round" plug t0 0 "\"cable\": \"c\", \"pcap\": \"$tmp/t0.pcap\", \"serial\": \"S$round\""
	check "hot plug other end $round" plug t1 1 '"cable": "c", "mac": "02:00:00:00:00:01"'
	check "third end refused $round" refused "cable 'c' already joins two devices, 't0' and 't1'" plug t2 2 '"cable": "c"'
	check "serial $round" holds "\"S$round\"" get t0 serial
	check "hot unplug $round" unplug t0
	check "other end stays $round" holds '"return": "(booting|ready)"' get t1 state
	check "end is free again $round" plug t0 0 '"cable": "c"'
	check "hot unplug one $round" unplug t1
	check "hot unplug both $round" unplug t0
done
check "pcap file" pcap_is_whole "$tmp/t0.pcap"

check "hot plug with netdev" plug t0 0 "\"netdev\": \"hub0\", \"pcap\": \"$tmp/t0.pcap\""
check "cable and netdev refused" refused 'either a cable or a netdev' plug t1 1 '"netdev": "hub1", "cable": "c"'
check "same pcap refused" refused 'another port records' plug t1 1 "\"pcap\": \"$tmp/t0.pcap\""
check "engine-mode differs" plug t2 2 '"cable": "m", "engine-mode": "thread"'
check "engine-mode refused" refused 'same engine-mode' plug t1 1 '"cable": "m"'
for name in serial mac engine-mode speeds faults liar fault-counters liar-counters objects state counters removed vectors; do
	check "property $name" holds '"return":' get t0 $name
done
check "counters read only" refused 'counters' set_prop t0 counters '"1"'
check "faults set" set_prop t0 faults '"seed=7;wire_loss:p=0.5;cmd_timeout:n=3,c=1"'
check "faults read back" holds 'wire_loss:p=0.5' get t0 faults
check "fault counters" holds 'wire_loss=0/0' get t0 fault-counters
check "bad faults refused" refused 'no_such' set_prop t0 faults '"no_such:n=1"'
check "old faults stay" holds 'wire_loss:p=0.5' get t0 faults
check "faults cleared" set_prop t0 faults '""'
check "link down" qmp '{"execute": "set_link", "arguments": {"name": "t0", "up": false}}'
check "link up" qmp '{"execute": "set_link", "arguments": {"name": "t0", "up": true}}'
check "not migratable" refused 'tulle' qmp '{"execute": "migrate", "arguments": {"uri": "exec:cat >/dev/null"}}'
check "hot unplug with netdev" unplug t0
check "hot unplug last" unplug t2
check "quit" qemu_stop

check "every kind of backend is tried" every_backend
within=(unshare -n sh -c 'ip link set lo up && exec "$@"' sh)
words=()
for backend in "${backends[@]}"; do
	words+=(-netdev "$backend")
done
check "machine with backends" qemu_start -S "${words[@]}"
within=()
for backend in "${backends[@]}"; do
	id=${backend#*,id=}
	id=${id%%,*}
	check "$id: hot plug" plug t0 0 "\"netdev\": \"$id\""
	check "$id: joined" joined t0 "$id"
	check "$id: hot unplug" unplug t0
	check "$id: free again" apart t0 "$id"
done
check "quit" qemu_stop

check "machine with BIOS" qemu_start -device tulle,id=t0,bus=rp0,cable=c,boot-ms=1 -device tulle,id=t1,bus=rp1,cable=c
check "BIOS assigns BARs" eventually bios_is_done
before=$(bar_of t0 0)
regs=$before
check "BAR0 has the magic" reads "$regs" 0x454c5554
check "ready" eventually holds '"ready"' get t0 state
check "AER" holds 'OK id: t0' hmp 'pcie_aer_inject_error t0 RCVR'
check "surprise removal" set_prop t0 removed true
check "BAR0 reads ones" reads "$regs" 0xffffffff
check "device gone from its bus" eventually test -z "$(bar_of t0 0)"
check "other end survives" holds '"ready"' get t1 state
check "put back" set_prop t0 removed false
check "back, with BARs unassigned" bars_lost
check "system reset" hmp system_reset
check "BIOS assigns BARs again" eventually same bar_of t0 0
check "BAR0 has the magic again" eventually reads "$regs" 0x454c5554
check "ready again" eventually holds '"ready"' get t0 state
check "stop" qmp '{"execute": "stop"}'
check "registers while stopped" reads "$regs" 0x454c5554
check "cont" qmp '{"execute": "cont"}'
check "still ready" holds '"ready"' get t0 state
check "quit" qemu_stop

echo "1..$n"
[ $bad -eq 0 ]
