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

mark() {
	MARK="unusable $$: device $((++PLUGGED))"
	echo "$MARK" >/dev/kmsg
}

plug() { # PROPERTIES
	mark
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

# What the drivers say: all of it is about this device, the others are idle. While
# they probe the PCI core speaks in their name.
driver_lines() { log | grep tulle | grep -v ': enabling device ('; }
has_lines() { [ -n "$(driver_lines)" ]; }

# Nothing but the PCI device itself is there.
nothing_left() {
	local what found=0
	for what in driver net infiniband "tulle_core.*"; do
		# shellcheck disable=SC2086
		ls -d "/sys/bus/pci/devices/$BDF/"$what 2>/dev/null && found=1
	done
	devlink dev show | grep "$BDF" && found=1
	ls -d "/sys/kernel/debug/tulle/$BDF" 2>/dev/null && found=1
	grep "$BDF" /proc/interrupts && found=1
	grep -A 1 "$BDF" /proc/iomem | grep tulle && found=1
	[ $found = 0 ] || { echo "is left of the device"; return 1; }
}

is_refused() { # PATTERN
	local lines
	retry 20 has_lines || { echo "the driver says nothing"; return 1; }
	# what comes late is too much as well
	sleep 1
	driver_lines
	lines=$(driver_lines | wc -l)
	[ "$lines" -eq 1 ] || { echo "$lines lines"; return 1; }
	driver_lines | grep -qE "tulle_core $BDF: $1\$" || { echo "it does not say: $1"; return 1; }
	nothing_left
}

refused() { # LIE PATTERN
	local rc=0
	ls /sys/bus/pci/devices >"$KTAP_TMP/before"
	plug ",\"liar\":\"$1:n=1\"" || return 1
	retry 20 appeared || { echo "the device did not appear"; return 1; }
	BDF=$(port_of_rp2)
	is_refused "$2" || rc=1
	unplug && return $rc
}

# By hand it is refused the same way, and accepted once it tells the truth.
refused_again() { # LIE PATTERN
	local rc=0
	ls /sys/bus/pci/devices >"$KTAP_TMP/before"
	plug ",\"liar\":\"$1:n=1\"" && retry 20 appeared || return 1
	BDF=$(port_of_rp2)
	retry 20 has_lines || return 1
	sleep 1
	mark
	! echo "$BDF" >/sys/bus/pci/drivers/tulle_core/bind || { echo "bind says it worked"; rc=1; }
	is_refused "$2" || rc=1
	qmp '{"execute":"qom-set","arguments":{"path":"extra","property":"liar","value":""}}' >/dev/null
	echo "$BDF" >/sys/bus/pci/drivers/tulle_core/bind || { echo "the honest device is refused"; rc=1; }
	retry 20 test -e "/sys/bus/pci/devices/$BDF/net" || { log | tail; rc=1; }
	unplug && return $rc
}

good() {
	ls /sys/bus/pci/devices >"$KTAP_TMP/before"
	plug "" || return 1
	retry 20 appeared || return 1
	BDF=$(port_of_rp2)
	retry 20 test -e "/sys/bus/pci/devices/$BDF/net" || { log | tail; return 1; }
	unplug
}

GONE='registers read as all ones: no device behind the BAR'
VERSION='device interface version is [0-9]+\.[0-9]+, this driver knows 1\.x'
# Below it there is nothing that devlink could do for the device.
NO_ETH='device lacks a mandatory capability: Ethernet queues'

ktap_begin
env_home
env_require_tulle tulle0
ktap_check "a function that reads as all ones" refused gone "$GONE"
ktap_check "another interface major" refused if_version "$VERSION"
ktap_check "no Ethernet" refused no_eth "$NO_ETH"
ktap_check "bound by hand" refused_again no_eth "$NO_ETH"
ktap_check "a good one in the same slot" good
ktap_end
