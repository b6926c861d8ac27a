# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The fault plan of tulle0, as its QEMU has it. Source it after env.sh.

set_faults() { # PLAN
	qmp "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"tulle0\",\"property\":\"faults\",\"value\":\"$1\"}}" >"$KTAP_TMP/qmp" || return 1
	cat "$KTAP_TMP/qmp"
	! grep -q '"error"' "$KTAP_TMP/qmp"
}

fault_counters() {
	qmp '{"execute":"qom-get","arguments":{"path":"tulle0","property":"fault-counters"}}' | jq -re .
}

fault_count() { fault_counters | grep -oE "\b$1=[0-9]+" | cut -d= -f2; }

happened() { # POINT
	local n
	n=$(fault_count "$1")
	echo "$1 happened ${n:-0} times"
	[ "${n:-0}" -gt 0 ]
}

# A minute without a command of the driver's own: a new interval begins now. The
# value alternates, because ethtool does not set what is set already.
QUIET=60000000
quiet() {
	QUIET=$((119999999 - QUIET))
	ethtool -C tulle0 stats-block-usecs $QUIET
}

not_quiet() { ethtool -C tulle0 stats-block-usecs 250000; }
