#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What `make demo` shows, inside the VM: two cabled Tulle ports at work.
. "$(dirname "$0")/lib/rdma.sh"

fail() { echo "demo: $*" >&2; exit 1; }
line() { printf '%-14s %s\n' "$1" "$2"; }

# perftest PROGRAM OPTION...: from here to the far end; the line of figures in $figures.
perftest() {
	local program=$1
	shift
	rdma_pair far env "$program" -F -d "$FAR_IB" -x "$FAR_GID4" -p "$RDMA_PORT" "$@" -- \
		"$program" -F -d "$IB" -x "$GID4" -p "$RDMA_PORT" "$@" "$REMOTE_V4" || fail "$program"
	figures=$(grep -E '^ *[0-9]+ +[0-9]+ +[0-9.]+ ' "$KTAP_TMP/client") || fail "$program: no figures"
}

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
rdma_ports > >(grep -v '^#')
line "rdma link" "$(rdma link show "$IB/1" | sed 's/^link //; s/ *$//')"
perftest ib_write_bw -s 65536 -Q 1 -D 3 --report_gbits
line "rdma write" "$(awk '{ printf "%d", $4 * 1000 }' <<<"$figures") Mb/s, 64 KiB"
perftest ib_write_lat -s 8 -n 1000
line "rdma latency" "$(awk '{ print $5 }' <<<"$figures") us, 8 bytes"
env_cleanup
