#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# A device that cannot be used: the driver refuses it with one clear line and
# leaves nothing behind; a good one in the same slot works.
. "$(dirname "$0")/../lib/env.sh"

BDF="" MARK="" PLUGGED=0

# The kernel log since the device was plugged.
log() { dmesg | sed "0,/$MARK\$/d"; }

device_add() { # PROPERTIES
	qmp "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"tulle\",\"id\":\"extra\",\"bus\":\"rp2\"$1}}"
}

plug() { # PROPERTIES
	MARK="unusable $$: device $((++PLUGGED))"
	echo "$MARK" >/dev/kmsg
	# While the slot's power changes QEMU takes nothing in.
	retry 20 device_add "$1"
}

device_del() { qmp '{"execute":"device_del","arguments":{"id":"extra"}}'; }

unplug() {
	# As in plug().
	retry 20 device_del || return 1
	retry 20 test ! -e "/sys/bus/pci/devices/$BDF" || { echo "the guest keeps the device"; return 1; }
	retry 20 qemu_has_let_go extra || { echo "QEMU keeps the device"; return 1; }
}

port_of_rp2() { # the bridge whose slot fills when the device is plugged
	comm -13 "$KTAP_TMP/before" <(ls /sys/bus/pci/devices)
}

appeared() { [ -n "$(port_of_rp2)" ]; }

refused() { # LIE PATTERN
	local lines
	ls /sys/bus/pci/devices >"$KTAP_TMP/before"
	plug ",\"liar\":\"$1:n=1\"" || return 1
	retry 20 appeared || { echo "the device did not appear"; return 1; }
	BDF=$(port_of_rp2)
	retry 20 eval "log | grep -q 'tulle_core $BDF'"
	sleep 1
	log | grep "tulle_core $BDF" | tee "$KTAP_TMP/lines"
	lines=$(grep -cE 'tulle_core [0-9a-f:.]+: ' "$KTAP_TMP/lines")
	grep -qiE "$2" "$KTAP_TMP/lines" || { echo "no line says why"; unplug; return 1; }
	[ "$lines" -le 2 ] || { echo "$lines lines"; unplug; return 1; }
	! ls "/sys/bus/pci/devices/$BDF/net" 2>/dev/null || { echo "it has a port"; unplug; return 1; }
	unplug
}

good() {
	ls /sys/bus/pci/devices >"$KTAP_TMP/before"
	plug "" || return 1
	retry 20 appeared || return 1
	BDF=$(port_of_rp2)
	retry 20 test -e "/sys/bus/pci/devices/$BDF/net" || { log | tail; return 1; }
	unplug
}

ktap_begin
env_home
env_require_tulle tulle0
ktap_check "a function that reads as all ones" refused gone "not respond|all ones|gone|not there"
ktap_check "another interface major" refused if_version "interface|version"
ktap_check "no Ethernet" refused no_eth "ethernet|capabilit"
ktap_check "a good one in the same slot" good
ktap_end
