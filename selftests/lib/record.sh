# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A recording of the device's wire and tshark as its judge, on the host. Source it
# from the top of the checkout. TSHARK has options for tshark.
. tools/checks/tap.sh

LAB=${TULLE_LAB:-$HOME/.cache/tulle-lab}
mkdir -p "$LAB/pcap"
PCAP=$(mktemp "$LAB/pcap/XXXXXX")
trap 'rm -rf "$TAP_TMP" "$PCAP"' EXIT
TSHARK=()

# record COMMAND LAB_OPTION...: COMMAND in a guest of $KERNEL, the wire in $PCAP.
record() {
	local command=$1
	shift
	tools/lab exec --kernel "${KERNEL:-7.3}" --quiet --share "$PWD" --pcap "$PCAP" "$@" -- "cd '$PWD' && $command"
}

# Each line is one packet of FILTER.
packets() { # FILTER
	tools/lab root tshark "${TSHARK[@]}" -r "$PCAP" -Y "$1" 2>"$TAP_TMP/tshark"
}

# A filter that finds nothing proves nothing unless the packets are there.
seen() { # FILTER [MINIMUM]
	local n

	n=$(packets "$1" | wc -l)
	echo "$n packets"
	[ "$n" -ge "${2:-5}" ] || { cat "$TAP_TMP/tshark"; return 1; }
}
