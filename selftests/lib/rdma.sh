# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What our RDMA tests share. Source it instead of env.sh.
#
#   tulle0 192.0.3.1/24, 2001:db8:1::1/64	IB0, GID indices G0 (IPv4) and G0_V6
#   tulle1 192.0.3.2/24, 2001:db8:1::2/64	IB1, G1, G1_V6
#
# Both stay in the first namespace: a queue pair names its port, so that what
# IB0 sends to IB1 does travel over the cable.
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# rdma-core renames devices: they are known by their network port.
ib_of() { # PORT
	local dir
	for dir in "/sys/class/net/$1/device/infiniband"/*; do
		[ -e "$dir" ] && basename "$dir"
	done
}

# gid_of IBDEV ADDRESS: index of its RoCE v2 entry
gid_of() {
	local dir=/sys/class/infiniband/$1/ports/1 want i
	want=$(python3 -c 'import ipaddress, sys
a = ipaddress.ip_address(sys.argv[1]).packed
a = (bytes(10) + b"\xff\xff" + a)[-16:].hex() if len(a) == 4 else a.hex()
print(":".join(a[i:i + 4] for i in range(0, 32, 4)))' "$2")
	for i in $(seq 0 255); do
		[ "$(cat "$dir/gids/$i" 2>/dev/null)" = "$want" ] || continue
		[ "$(cat "$dir/gid_attrs/types/$i" 2>/dev/null)" = "RoCE v2" ] || continue
		echo "$i"
		return 0
	done
	return 1
}

gid_is_there() { gid_of "$@" >/dev/null; }

port_is_active() { # IBDEV
	grep -q ACTIVE "/sys/class/infiniband/$1/ports/1/state"
}

rdma_ports() {
	local p
	env_home
	env_require_tulle tulle0 tulle1
	modprobe -a rdma_ucm ib_umad
	for p in 0 1; do
		ip link set "tulle$p" mtu "${MTU:-4200}" up
		ip addr replace "192.0.3.$((p + 1))/24" dev "tulle$p"
		ip addr replace "2001:db8:1::$((p + 1))/64" dev "tulle$p" nodad
	done
	retry 20 port_carrier tulle0
	IB0=$(ib_of tulle0) IB1=$(ib_of tulle1)
	[ -n "$IB0" ] && [ -n "$IB1" ] || {
		echo "Bail out! the ports have no RDMA device"
		exit 1
	}
	retry 10 port_is_active "$IB0"
	retry 10 port_is_active "$IB1"
	retry 10 gid_is_there "$IB1" 2001:db8:1::2
	G0=$(gid_of "$IB0" 192.0.3.1) G0_V6=$(gid_of "$IB0" 2001:db8:1::1)
	G1=$(gid_of "$IB1" 192.0.3.2) G1_V6=$(gid_of "$IB1" 2001:db8:1::2)
}

RDMA_PORT=18600

# server_client SERVER... -- CLIENT...: two programs that meet on $RDMA_PORT. The
# client's status, and the server's; the output of both when one is not 0.
server_client() {
	local server=() pid status rc
	while [ "$1" != -- ]; do
		server+=("$1")
		shift
	done
	shift
	timeout 120 "${server[@]}" >"$KTAP_TMP/server" 2>&1 &
	pid=$!
	retry 20 eval "ss -Hltn 'sport = :$RDMA_PORT' | grep -q ." || sleep 1
	timeout 120 "$@" >"$KTAP_TMP/client" 2>&1
	rc=$?
	wait $pid
	status=$?
	RDMA_PORT=$((RDMA_PORT + 1))
	[ $rc -eq 0 ] && [ $status -eq 0 ] && return 0
	echo "client $rc, server $status"
	sed 's/^/client: /' "$KTAP_TMP/client"
	sed 's/^/server: /' "$KTAP_TMP/server"
	return 1
}
