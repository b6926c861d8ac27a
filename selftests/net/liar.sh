#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# A hostile device: each lie of the liar mode under traffic and configuration,
# ROUNDS seeds each, then lies while the driver probes. The driver may give up
# on the device, with a report; the kernel stays sound (the log decides that)
# and an honest device works after unbind and bind. Lies can be named on the
# command line.
. "$(dirname "$0")/../lib/env.sh"
. "$(dirname "$0")/../lib/device.sh"
. "$(dirname "$0")/../lib/liar.sh"

ROUNDS=${ROUNDS:-$(guest_is_slow && echo 2 || echo 3)}

# What a user of the port would do; none of it need succeed.
use_port() {
	timeout 15 iperf3 -c "$REMOTE_V4" -t 1 --connect-timeout 2000
	timeout 15 iperf3 -c "$REMOTE_V4" -t 1 -R --connect-timeout 2000
	timeout 5 ping -c 20 -i 0.02 -s 4000 -W 1 "$REMOTE_V4"
	timeout 30 ethtool -G tulle0 rx 512 tx 512
	timeout 30 ethtool -G tulle0 rx 1024 tx 1024
	timeout 30 ethtool -L tulle0 combined 1
	timeout 30 ethtool -L tulle0 combined 2
	timeout 30 ethtool -X tulle0 equal 2
	timeout 30 ethtool -S tulle0
	timeout 30 ethtool -S tulle0 --all-groups
	timeout 30 ethtool -m tulle0
	timeout 30 ip link set tulle0 mtu 9000
	timeout 30 ip link set tulle0 mtu 1500
	timeout 30 ip link set tulle0 down
	timeout 30 ip link set tulle0 up
	timeout 30 devlink health diagnose "pci/$BDF0" reporter fw
	timeout 30 devlink dev info "pci/$BDF0"
	true
} >/dev/null 2>&1

honest_again() {
	set_lies "" || return 1
	let_go && take || return 1
	retry 20 test -e /sys/class/net/tulle0 || return 1
	ip link set tulle0 up
	port_addresses
	retry 30 port_carrier tulle0 && retry 30 ping -c 1 -W 1 "$REMOTE_V4" &&
		iperf_ok 100000 -c "$REMOTE_V4" -t 1
}

lie() { # POINT PROBABILITY
	local seed n=0
	for ((seed = 1; seed <= ROUNDS; seed++)); do
		set_lies "seed=$seed;$1:p=$2" || return 1
		use_port
		n=$((n + $(told "$1")))
		honest_again || { echo "after seed $seed"; return 1; }
	done
	echo "$n lies"
	[ "$n" -gt 0 ]
}

# The driver meets the liar when it probes: it may refuse the device or not.
lie_to_probe() { # POINT PROBABILITY
	local seed n=0
	for ((seed = 1; seed <= 4 * ROUNDS; seed++)); do
		let_go || return 1
		set_lies "seed=$seed;$1:p=$2" || return 1
		take 2>/dev/null
		[ $? -ne 124 ] || { echo "bind hangs, seed $seed"; return 1; }
		timeout 30 ip link set tulle0 up 2>/dev/null
		timeout 3 ping -c 2 -i 0.2 -W 1 "$REMOTE_V4" >/dev/null
		n=$((n + $(told "$1")))
	done
	honest_again || return 1
	echo "$n lies"
	[ "$n" -gt 0 ]
}

# Who tells a lie that the network port does not meet: rdma/liar.sh and
# unusable.sh. Every other one that the firmware knows must be told here.
run_lie() { # POINT
	case $1 in
	cqe_status | cqe_src | rdma_caps) ;;
	no_eth | if_version | gone) ;;
	cqe_* | stride | csum) ktap_check "lies under traffic: $1" lie "$1" 0.01 ;;
	eqe_*) ktap_check "lies under traffic: $1" lie "$1" 0.05 ;;
	cmd_*)
		ktap_check "lies to configuration: $1" lie "$1" 0.2
		ktap_check "lies to probe: $1" lie_to_probe "$1" 0.05
		;;
	caps) ktap_check "lies to probe: $1" lie_to_probe "$1" 1 ;;
	*) ktap_check "a lie that no test tells: $1" false ;;
	esac
}

ktap_begin
env_pair
iperf_server
if [ $# -eq 0 ]; then
	mapfile -t points < <(lies)
	[ ${#points[@]} -ge 19 ] || { echo "Bail out! $LIAR_C does not tell its lies"; exit 1; }
	set -- "${points[@]}"
fi
for point in "$@"; do
	run_lie "$point"
done
ktap_end
