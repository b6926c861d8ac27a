#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# rdma-core's own tests of the verbs (pyverbs) on a port; arguments are modules or
# cases. RXE=1 runs them on Soft-RoCE instead, for comparison.
. "$(dirname "$0")/../lib/rdma.sh"

# Processes pin memory and use huge pages.
ulimit -l unlimited
sysctl -qw vm.nr_hugepages=16

rxe_port() {
	modprobe rdma_rxe
	ip link add veth0 type veth peer name veth1
	ip addr add 192.0.4.1/24 dev veth0
	ip link set veth0 up
	ip link set veth1 up
	rdma link add rxe0 type rxe netdev veth0
	IB=rxe0
	retry 10 gid_of rxe0 192.0.4.1 >/dev/null
	GID4=$(gid_of rxe0 192.0.4.1)
}

if [ -n "${RXE:-}" ]; then
	rxe_port
else
	rdma_ports >&2
	# Raw packets go to wherever; those who wait for them are on the same port.
	ethtool -K tulle0 loopback on
	retry 20 port_carrier tulle0
	retry 10 rdma_is_active "$IB"
fi
"$(dirname "$0")/verbs_suite.py" --dev "$IB" --gid "$GID4" "$@"
rc=$?
[ -n "${RXE:-}" ] || ethtool -K tulle0 loopback off
env_cleanup
exit $rc
