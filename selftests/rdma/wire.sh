#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What two Tulle ports say to each other and Soft-RoCE does not, or not with a VLAN
# tag, for whoever records it: XRC, UC WRITE, tags with priorities, over IPv4 and IPv6.
. "$(dirname "$0")/../lib/rdma.sh"

# meet FAMILY GID_OPTION PROGRAM ARG...: the ends find each other over IPv4.
meet() {
	local gid=GID$1 far_gid=FAR_GID$1 option=$2
	shift 2
	rdma_pair far env "$@" -p "$RDMA_PORT" -d "$FAR_IB" "$option" "${!far_gid}" -- \
		"$@" -p "$RDMA_PORT" -d "$IB" "$option" "${!gid}" "$REMOTE_V4"
}

# shellcheck disable=SC2034 # by name, in meet
vlan() {
	ip link add link tulle0 name upper type vlan id 7 && in_ns ip link add link tulle1 name upper type vlan id 7 || return 1
	ip addr add 192.0.7.1/24 dev upper && ip addr add 2001:db8:7::1/64 dev upper nodad &&
		in_ns ip addr add 192.0.7.2/24 dev upper && in_ns ip addr add 2001:db8:7::2/64 dev upper nodad || return 1
	ip link set upper up
	in_ns ip link set upper up
	retry 20 ping -c 1 -W 1 192.0.7.2 && retry 20 ping -c 1 -W 1 2001:db8:7::2 || return 1
	GID4=$(retry 10 gid_of "$IB" 192.0.7.1) && GID6=$(retry 10 gid_of "$IB" 2001:db8:7::1) &&
		FAR_GID4=$(retry 10 gid_of "$FAR_IB" 192.0.7.2) && FAR_GID6=$(retry 10 gid_of "$FAR_IB" 2001:db8:7::2)
}

ktap_begin
rdma_ports
for family in 4 6; do
	ktap_check "xsrq v$family" meet $family -g ibv_xsrq_pingpong -n 100
	ktap_check "UC WRITE v$family" meet $family -x ib_write_bw -c UC -F -n 100 -s 10001
	ktap_check "UC WRITE of one packet v$family" meet $family -x ib_write_bw -c UC -F -n 100 -s 1001
	ktap_check "UC SEND v$family" meet $family -g ibv_uc_pingpong -c -n 100
done
ktap_check "VLAN" vlan
for family in 4 6; do
	ktap_check "RC with a tag v$family" meet $family -g ibv_rc_pingpong -c -n 100 -l 3
	ktap_check "UC with a tag v$family" meet $family -g ibv_uc_pingpong -c -n 100 -l 6
	ktap_check "UD with a tag v$family" meet $family -g ibv_ud_pingpong -s 1024 -n 100 -l 5
	ktap_check "all operations with a tag v$family" meet $family -g "$(dirname "$0")/data.py" -m 1024 --quick
done
ip link del upper
in_ns ip link del upper
ktap_end
