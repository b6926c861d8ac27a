# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What our guest-side tests share: KTAP output and the two-port topology. Source it.
#
#   init namespace: tulle0 192.0.3.1/24, 2001:db8:1::1/64
#   ns-remote:      tulle1 192.0.3.2/24, 2001:db8:1::2/64

NS=ns-remote
LOCAL_V4=192.0.3.1 REMOTE_V4=192.0.3.2
LOCAL_V6=2001:db8:1::1 REMOTE_V6=2001:db8:1::2
KTAP_N=0 KTAP_BAD=0
KTAP_TMP=$(mktemp -d)
ENV_PIDS=()

# The debug kernel, whose checks make everything several times slower.
guest_is_slow() { [[ $(uname -r) == *-debug ]]; }

ktap_begin() { echo "TAP version 13"; }

# ktap_check NAME COMMAND...: one case; its output is shown when it fails.
ktap_check() {
	local name=$1 rc=0
	shift
	KTAP_N=$((KTAP_N + 1))
	"$@" >"$KTAP_TMP/out" 2>&1 || rc=$?
	if [ $rc -eq 0 ]; then
		echo "ok $KTAP_N $name"
	else
		KTAP_BAD=$((KTAP_BAD + 1))
		tail -n 40 "$KTAP_TMP/out" | sed 's/^/# /'
		echo "not ok $KTAP_N $name # exit $rc"
	fi
	return 0
}

# ktap_skip NAME REASON
ktap_skip() {
	KTAP_N=$((KTAP_N + 1))
	echo "ok $KTAP_N $1 # SKIP $2"
}

ktap_end() {
	echo "1..$KTAP_N"
	env_cleanup
	[ $KTAP_BAD -eq 0 ]
	exit
}

in_ns() { ip netns exec "$NS" "$@"; }

# in_background COMMAND...: ended by env_cleanup; its pid in $!.
in_background() {
	"$@" >"$KTAP_TMP/bg.$((${#ENV_PIDS[@]}))" 2>&1 &
	ENV_PIDS+=($!)
}

# retry SECONDS COMMAND...: until it succeeds; a slow guest has four times as long.
retry() {
	local seconds=$1 end
	guest_is_slow && seconds=$((4 * seconds))
	end=$((SECONDS + seconds))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

port_driver() { basename "$(readlink "/sys/class/net/$1/device/driver")" 2>/dev/null; }
port_carrier() { [ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]; }
port_pci() { ethtool -i "$1" | sed -n 's/^bus-info: //p'; }

# QEMU frees an unplugged device when the slot's power is off, which is some
# time after the guest let go of it.
qemu_has_let_go() { # ID
	qmp '{"execute":"qom-list","arguments":{"path":"/machine/peripheral"}}' >"$KTAP_TMP/ids" &&
		! jq -r '.[].name' "$KTAP_TMP/ids" | grep -qx "$1"
}

# A test on the wrong driver proves nothing.
env_require_tulle() {
	local p
	for p in "$@"; do
		ethtool -i "$p" | grep -q '^driver: tulle' || {
			echo "Bail out! $p is not a Tulle port"
			exit 1
		}
	done
}

port_addresses() {
	ip addr replace "$LOCAL_V4/24" dev tulle0
	ip addr replace "$LOCAL_V6/64" dev tulle0 nodad
	sysctl -qw net.ipv6.conf.tulle0.keep_addr_on_down=1
}

remote_addresses() {
	in_ns ip addr replace "$REMOTE_V4/24" dev tulle1
	in_ns ip addr replace "$REMOTE_V6/64" dev tulle1 nodad
	in_ns sysctl -qw net.ipv6.conf.tulle1.keep_addr_on_down=1
}

# Undoes what an earlier test in the same boot left behind.
env_home() {
	local p
	if ip netns list | grep -q "^$NS\b"; then
		ip netns pids "$NS" | xargs -r kill
		ip -n "$NS" link set tulle1 netns 1 2>/dev/null
		ip netns del "$NS"
	fi
	for p in tulle0 tulle1; do
		retry 10 test -e "/sys/class/net/$p" || continue
		ip addr flush dev "$p"
		ip link set "$p" down
		ip link set "$p" mtu 1500
	done
}

env_pair() {
	env_home
	env_require_tulle tulle0 tulle1
	ip netns add "$NS"
	ip link set tulle1 netns "$NS" || exit 1
	in_ns ip link set lo up
	ip link set tulle0 up
	in_ns ip link set tulle1 up
	port_addresses
	remote_addresses
	retry 20 port_carrier tulle0 || echo "# tulle0 has no carrier"
	retry 10 ping -c 1 -W 1 "$REMOTE_V4" >/dev/null
}

env_cleanup() {
	local pid
	for pid in "${ENV_PIDS[@]}"; do
		kill "$pid" 2>/dev/null
	done
	rm -rf "$KTAP_TMP"
}

# iperf_server [PORT]: in the remote namespace, until env_cleanup.
iperf_server() {
	local port=${1:-5201}
	in_background ip netns exec "$NS" iperf3 -s -p "$port"
	retry 15 eval "in_ns ss -Hltn 'sport = :$port' | grep -q ."
}

# iperf ARGS...: client against the remote, JSON to stdout.
iperf() { iperf3 -J --connect-timeout 10000 "$@"; }

# iperf_ok MIN_BYTES ARGS...: the transfer ended well and moved at least so much.
iperf_ok() {
	local min=$1
	shift
	iperf "$@" >"$KTAP_TMP/iperf.json" || {
		jq -r '.error // empty' "$KTAP_TMP/iperf.json"
		return 1
	}
	jq -e --argjson min "$min" \
		'(.error == null) and ((.end.sum_received.bytes // .end.sum.bytes) >= $min)' \
		"$KTAP_TMP/iperf.json" >/dev/null || {
		jq -c '.end | {sum_received, sum}' "$KTAP_TMP/iperf.json"
		return 1
	}
}

# What netlink tells: queue statistics, page pools.
NETDEV_PY=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/netdev.py")

# qstats_save PORT FILE [IN_NS]: all queues of the port together, to compare with later.
qstats_save() { ${3:-} "$NETDEV_PY" qstats "$1" >"$KTAP_TMP/$2" && [ -s "$KTAP_TMP/$2" ]; }

# qstats_grew FROM TO NAME: by how much a statistic went up between two files.
qstats_grew() {
	awk -v name="$3" '$1 == name { v[FILENAME] = $2; n++ }
		END { if (n != 2) exit 1; print v[ARGV[2]] - v[ARGV[1]] }' "$KTAP_TMP/$1" "$KTAP_TMP/$2"
}
