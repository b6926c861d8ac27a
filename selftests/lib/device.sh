# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What can happen to the device of tulle0, and what it then holds. Source it
# behind env.sh.

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

flr() { echo flr >"/sys/bus/pci/devices/$BDF0/reset_method" && echo 1 >"/sys/bus/pci/devices/$BDF0/reset"; }
unbind() { echo "$BDF0" >/sys/bus/pci/drivers/tulle_core/unbind; }

# The device is made again as it was: plug_save asks what that is.
unplug() { plug_save && unplug_saved; }
plug_save() {
	PLUG="\"id\":\"tulle0\",\"bus\":\"rp0\",\"cable\":\"$(device_get tulle0 cable)\",\"mac\":\"$(device_get tulle0 mac)\""
}
unplug_saved() {
	qmp '{"execute":"device_del","arguments":{"id":"tulle0"}}'
	retry 20 test ! -e "/sys/bus/pci/devices/$BDF0" && retry 20 qemu_has_let_go tulle0
}
plug_in() { qmp "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"tulle\",$PLUG}}"; }

set_removed() { # true|false
	qmp "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"tulle0\",\"property\":\"removed\",\"value\":$1}}"
}

fw_state() { devlink -j health show "pci/$BDF0" reporter fw | jq -r '.health[][0].state'; }
fw_is() { [ "$(fw_state)" = "$1" ]; }
