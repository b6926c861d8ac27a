# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Lies that the device of tulle0 tells, and how the driver gets rid of a liar.
# Source it behind device.sh.

DRIVER=/sys/bus/pci/drivers/tulle_core

set_lies() { # PLAN
	qmp "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"tulle0\",\"property\":\"liar\",\"value\":\"$1\"}}" >"$KTAP_TMP/qmp" &&
		! grep '"error"' "$KTAP_TMP/qmp"
}

# Every lie that the firmware knows, in its order.
LIAR_C=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../../firmware/fault.c")
lies() { sed -n '/lie_names\[\] = {/,/^};/s/.*= "\(.*\)",$/\1/p' "$LIAR_C"; }

told() { # POINT: lies told since the plan was set
	device_get tulle0 liar-counters | grep -oE "\b$1=[0-9]+" | cut -d= -f2
}

is_bound() { [ -e "$DRIVER/$BDF0" ]; }
is_over() { ! kill -0 "$1" 2>/dev/null; }

# in_time WHAT COMMAND...: 124 when it hangs, and where; it may not be killable.
in_time() {
	local what=$1 pid
	shift
	"$@" &
	pid=$!
	retry 60 is_over $pid && { wait $pid; return; }
	echo "$what hangs: $(cat /proc/$pid/stack)"
	return 124
}

driver_write() { echo "$BDF0" >"$DRIVER/$1"; }

let_go() { ! is_bound || in_time unbind driver_write unbind; }
take() { in_time bind driver_write bind; }
