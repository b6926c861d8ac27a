# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What our RDMA tests share, for one machine and for two. Source it instead of
# env.sh.
#
#   here   tulle0 192.0.3.1/24, 2001:db8:1::1/64; IB, its GIDs GID4 and GID6
#   far    in topology pair tulle1 in ns-remote, in two the other machine's
#          tulle0, in peer Soft-RoCE on its NIC: 192.0.3.2/24,
#          2001:db8:1::2/64; FAR_IB, FAR_GID4, FAR_GID6
#
# The far port is in another namespace or machine, because the kernel would take
# the address of a port of its own for the way to itself.
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

RDMA_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RDMA_PORT=18600
RDMA_LIMIT=120
guest_is_slow && RDMA_LIMIT=600

# far LINE, or far COMMAND ARG...: runs it at the far end.
far() {
	if [ "$TULLE_TOPOLOGY" != pair ]; then
		peer "$@"
	elif [ $# -eq 1 ]; then
		in_ns sh -c "$1"
	else
		in_ns "$@"
	fi
}

# rdma-core renames devices: they are known by their network port.
rdma_of() { # PORT
	local dir
	for dir in "/sys/class/net/$1/device/infiniband"/*; do
		[ -e "$dir" ] && basename "$dir"
	done
}

rdma_is_active() { # IBDEV
	grep -q ACTIVE "/sys/class/infiniband/$1/ports/1/state"
}

gid_of() { "$RDMA_LIB/gid.py" "$@"; }
far_gid_of() { far "$RDMA_LIB/gid.py" "$@"; }

rdma_far_machine() {
	FAR_PORT=$(peer "ls /sys/class/net" | grep -xE 'peer0|tulle0')
	peer "modprobe -a rdma_ucm ib_umad
		ip link set $FAR_PORT mtu ${MTU:-4200} up
		ip addr replace $REMOTE_V4/24 dev $FAR_PORT
		ip addr replace $REMOTE_V6/64 dev $FAR_PORT nodad
		[ $FAR_PORT = tulle0 ] || { modprobe rdma_rxe && rdma link add rxe0 type rxe netdev $FAR_PORT; }"
	ip link set tulle0 mtu "${MTU:-4200}" up
	port_addresses
	retry 20 port_carrier tulle0
	retry 20 ping -c 1 -W 1 "$REMOTE_V4" >/dev/null
}

rdma_far_namespace() {
	FAR_PORT=tulle1
	env_pair
	ip link set tulle0 mtu "${MTU:-4200}"
	in_ns ip link set tulle1 mtu "${MTU:-4200}"
	retry 20 port_carrier tulle0
}

rdma_ports() {
	env_require_tulle tulle0
	modprobe -a rdma_ucm ib_umad
	if [ "$TULLE_TOPOLOGY" = pair ]; then
		rdma_far_namespace
	else
		rdma_far_machine
	fi
	IB=$(rdma_of tulle0)
	FAR_IB=$(far "ls /sys/class/net/$FAR_PORT/device/infiniband" 2>/dev/null | head -n 1)
	[ "$FAR_PORT" != peer0 ] || FAR_IB=rxe0
	if [ -z "$IB" ] || [ -z "$FAR_IB" ]; then
		echo "Bail out! a port has no RDMA device"
		exit 1
	fi
	retry 10 rdma_is_active "$IB"
	retry 10 far_gid_of "$FAR_IB" "$REMOTE_V6" >/dev/null
	retry 10 gid_of "$IB" "$LOCAL_V6" >/dev/null
	# A queue pair looks for its neighbour while the other end sends already, and
	# some programs never look at what became of their sends.
	retry 20 ping -c 1 -W 1 "$REMOTE_V4" >/dev/null
	retry 20 ping -c 1 -W 1 "$REMOTE_V6" >/dev/null
	GID4=$(gid_of "$IB" "$LOCAL_V4") GID6=$(gid_of "$IB" "$LOCAL_V6")
	FAR_GID4=$(far_gid_of "$FAR_IB" "$REMOTE_V4") FAR_GID6=$(far_gid_of "$FAR_IB" "$REMOTE_V6")
	echo "# $IB (GIDs $GID4, $GID6), far $FAR_IB (GIDs $FAR_GID4, $FAR_GID6)"
}

# What here and far are to WAY: within the device, across to the far end, back from
# there. Sets AT_SERVER, AT_CLIENT ("far", or "env" for here), ADDR4, ADDR6.
# shellcheck disable=SC2034
rdma_way() { # WAY
	AT_SERVER=env AT_CLIENT=env ADDR4=$LOCAL_V4 ADDR6=$LOCAL_V6
	case $1 in
	across) AT_SERVER=far ADDR4=$REMOTE_V4 ADDR6=$REMOTE_V6 ;;
	back) AT_CLIENT=far ;;
	esac
}

# rdma_listens RUN: something at that end listens on $RDMA_PORT, a socket or the
# connection manager.
rdma_listens() {
	"$1" ss -Hltun "sport = :$RDMA_PORT" | grep -q . ||
		"$1" rdma resource show cm_id | grep -qE "LISTEN .*:$RDMA_PORT( |$)"
}

rdma_ended() { ! kill -0 "$1" 2>/dev/null; } # PID

# rdma_pair RUN_SERVER RUN_CLIENT SERVER... -- CLIENT...: two programs that meet on
# $RDMA_PORT; RUN is "far" or "env", for here. Both statuses must be 0, else the
# output of both is shown. RDMA_STAYS=1 tells of a server that never ends, maybe of
# one that may not: it has a while, and its status counts if it does.
rdma_pair() {
	local at_server=$1 at_client=$2 server=() stays=${RDMA_STAYS:-} pid status rc
	shift 2
	while [ "$1" != -- ]; do
		server+=("$1")
		shift
	done
	shift
	"$at_server" timeout $RDMA_LIMIT "${server[@]}" >"$KTAP_TMP/server" 2>&1 &
	pid=$!
	retry "${RDMA_WAIT:-10}" rdma_listens "$at_server" || echo "the server does not listen"
	"$at_client" timeout $RDMA_LIMIT "$@" >"$KTAP_TMP/client" 2>&1
	rc=$?
	[ "$stays" = maybe ] && retry 5 rdma_ended $pid && stays=
	# A server without its client would wait for its whole time.
	[ $rc -eq 0 ] && [ -z "$stays" ] || pkill -P $pid || kill $pid 2>/dev/null
	wait $pid
	status=$?
	[ -z "$stays" ] || status=0
	RDMA_PORT=$((RDMA_PORT + 1))
	[ $rc -eq 0 ] && [ $status -eq 0 ] && return 0
	echo "client $rc, server $status"
	# Errors come first there: perftest's table waits in a buffer.
	tail -n 40 "$KTAP_TMP/client" | sed 's/^/client: /'
	tail -n 40 "$KTAP_TMP/server" | sed 's/^/server: /'
	return 1
}

mckey_joined() { grep -q "receiving data transfers" "$KTAP_TMP/receiver"; }

# rdma_mckey GROUP RECEIVER_ADDRESS SENDER_ADDRESS: the receiver at $AT_SERVER, the
# sender at $AT_CLIENT. Nothing is sent again: the receiver must have joined before.
rdma_mckey() {
	local pid status rc
	"$AT_SERVER" timeout 60 stdbuf -oL mckey -m "$1" -b "$2" -C "${N:-10}" >"$KTAP_TMP/receiver" 2>&1 &
	pid=$!
	retry 20 mckey_joined || echo "the receiver has not joined"
	"$AT_CLIENT" timeout 60 mckey -m "$1" -b "$3" -C "${N:-10}" -s >"$KTAP_TMP/sender" 2>&1
	rc=$?
	wait $pid
	status=$?
	[ $rc -eq 0 ] && [ $status -eq 0 ] && return 0
	echo "sender $rc, receiver $status"
	sed 's/^/sender: /' "$KTAP_TMP/sender"
	sed 's/^/receiver: /' "$KTAP_TMP/receiver"
	return 1
}

# rdma_objects RUN: how many objects of each kind there are at that end.
rdma_objects() { "$1" rdma resource show | sed 's/^[0-9]*: //'; }

# Connections linger a while after their programs, in TIMEWAIT.
rdma_objects_are() { # HERE FAR
	[ "$(rdma_objects env)" = "$1" ] && [ "$(rdma_objects far)" = "$2" ]
}

# rdma_no_leftovers HERE FAR: the same objects as when these were counted.
rdma_no_leftovers() {
	retry 20 rdma_objects_are "$1" "$2" && return 0
	printf 'before:\n%s\n%s\n' "$1" "$2"
	rdma_objects env
	rdma_objects far
	rdma resource show qp
	rdma resource show cm_id
	rdma resource show mr
	return 1
}

# udev gives the device its name a moment after it came.
rdma_is_named() {
	[ "$(rdma_of tulle0)" = "$IB" ] && rdma_is_active "$IB" && GID4=$(gid_of "$IB" "$LOCAL_V4")
}

far_is_named() {
	[ "$(far "ls /sys/class/net/$FAR_PORT/device/infiniband")" = "$FAR_IB" ] &&
		FAR_GID4=$(far_gid_of "$FAR_IB" "$REMOTE_V4")
}

pingpong() {
	rdma_pair far env ibv_rc_pingpong -p "$RDMA_PORT" -d "$FAR_IB" -g "$FAR_GID4" -n 20 -c -- \
		ibv_rc_pingpong -p "$RDMA_PORT" -d "$IB" -g "$GID4" -n 20 -c "$REMOTE_V4"
}

rdma_is_back() {
	retry 30 test -e /sys/class/net/tulle0 || { echo "tulle0 did not come back"; return 1; }
	ip link set tulle0 mtu 4200 up
	port_addresses
	retry 20 port_carrier tulle0 || { echo "no carrier"; return 1; }
	retry 20 rdma_is_named || { echo "no RDMA: $(rdma_of tulle0)"; rdma link; return 1; }
	retry 20 far_is_named || { echo "no RDMA at the far end"; rdma link; return 1; }
	retry 20 ping -c 1 -W 1 "$REMOTE_V4" >/dev/null && pingpong
}
