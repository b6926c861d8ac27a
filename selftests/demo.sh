#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What `make demo` shows, inside the VM: two cabled Tulle ports at work.
. "$(dirname "$0")/lib/env.sh"

fail() { echo "demo: $*" >&2; exit 1; }
line() { printf '%-14s %s\n' "$1" "$2"; }

env_pair
port_carrier tulle0 || fail "no link"
line "kernel" "$(uname -r)"
line "driver" "$(ethtool -i tulle0 | sed -n 's/^driver: //p'), $(modinfo -F description tulle_core)"
line "device" "$(lspci -nn -s "$(port_pci tulle0)" | cut -d' ' -f2-)"
devlink dev info "pci/$(port_pci tulle0)" | sed '1d; s/^ */               /'
line "link" "$(ethtool tulle0 | sed -n 's/^\tSpeed: //p'), $(ethtool -l tulle0 | awk '/Combined/{n=$2} END{print n}') channels"
line "ping v4" "$(ping -q -c 20 -i 0.02 "$REMOTE_V4" | tail -n 1)"
line "ping v6" "$(ping -6 -q -c 20 -i 0.02 "$REMOTE_V6" | tail -n 1)"
iperf_server
for streams in 1 4; do
	iperf_ok 1 -c "$REMOTE_V4" -t 4 -P $streams || fail "iperf3 -P $streams"
	line "tcp $streams" "$(jq -r '.end.sum_received.bits_per_second / 1e6 | floor' "$KTAP_TMP/iperf.json") Mb/s"
done
env_cleanup
