#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# A hostile device under RDMA: each lie of the liar mode that RDMA can meet, while
# programs, the connection manager and NVMe over Fabrics (host and target on the
# liar, fast registration, a shared receive queue) use it, ROUNDS seeds each; then
# while the driver probes. Work may fail; nothing hangs or stays behind, the kernel
# stays sound (the log decides that), and an honest device works after unbind and
# bind. Lies can be named on the command line.
. "$(dirname "$0")/../lib/rdma.sh"
. "$(dirname "$0")/../lib/device.sh"
. "$(dirname "$0")/../lib/liar.sh"
. "$(dirname "$0")/../lib/nvme.sh"

ROUNDS=${ROUNDS:-2}
# Who waits for a completion that was lied away is not waited for.
PATIENCE=8
guest_is_slow && PATIENCE=15

within() { # PROGRAM [ARGS...]
	local pp=$1
	shift
	rdma_pair env env "$pp" -p "$RDMA_PORT" -d "$IB" -g "$GID4" -n 200 "$@" -- \
		"$pp" -p "$RDMA_PORT" -d "$IB" -g "$GID4" -n 200 "$@" 127.0.0.1
}

across() { # PROGRAM [ARGS...]
	local pp=$1
	shift
	rdma_pair far env "$pp" -p "$RDMA_PORT" -d "$FAR_IB" -g "$FAR_GID4" -n 200 "$@" -- \
		"$pp" -p "$RDMA_PORT" -d "$IB" -g "$GID4" -n 200 "$@" "$REMOTE_V4"
}

cm() {
	rdma_pair far env rping -s -a "$REMOTE_V4" -p "$RDMA_PORT" -C 5 -- \
		rping -c -a "$REMOTE_V4" -I "$LOCAL_V4" -p "$RDMA_PORT" -C 5
}

ask() {
	timeout "$PATIENCE" ibv_devinfo -v -d "$IB"
	timeout "$PATIENCE" rdma -d resource show qp
	timeout "$PATIENCE" rdma resource show cq
	timeout "$PATIENCE" rdma resource show mr
	timeout "$PATIENCE" rdma resource show srq
	timeout "$PATIENCE" rdma statistic show
}

nvme_io() {
	local disk
	disk=$(nvme_disk) || return 1
	timeout "$PATIENCE" dd if=/dev/zero of="$disk" bs=64k count=32 oflag=direct conv=notrunc
	timeout "$PATIENCE" dd if="$disk" of=/dev/null bs=4k count=64 iflag=direct
}

# Everything that gets completions, events and answers; none of it need succeed.
use_rdma() {
	# shellcheck disable=SC2034
	local RDMA_LIMIT=$PATIENCE RDMA_WAIT=3
	nvme_io
	within ibv_rc_pingpong -c
	within ibv_srq_pingpong
	within ibv_ud_pingpong -s 1024
	across ibv_rc_pingpong -c -e
	across ibv_xsrq_pingpong
	cm
	ask
	nvme_io
	true
} >/dev/null 2>&1

nvme_start() {
	nvmet_up || return 1
	timeout 60 nvme connect -t rdma -a "$LOCAL_V4" -s 4420 -n "$NQN" -i 2 \
		--ctrl-loss-tmo=5 --reconnect-delay=1 --keep-alive-tmo=5 || return 1
	retry 20 nvme_disk >/dev/null && nvme_io
}

# It may be gone already.
nvme_hang_up() { nvme disconnect -n "$NQN" || true; }

# Connections end by order or with the device, every second time.
nvme_stop() { # SEED POINT
	if [ $(($1 % 2)) -eq 1 ]; then
		in_time "nvme disconnect" nvme_hang_up || return 1
	fi
	let_go || return 1
	retry 60 nvme_gone || { echo "controllers are left"; return 1; }
	nvmet_down
	# What was made by a command that failed, as the device said, goes with its next reset.
	[[ $2 == cmd_* ]] || retry 20 no_live_object tulle0 >/dev/null ||
		{ echo "objects are left"; no_live_object tulle0; return 1; }
}

works() {
	take || return 1
	rdma_is_back && within ibv_srq_pingpong && cm
}

lie() { # POINT PROBABILITY
	local seed n=0
	for ((seed = 1; seed <= ROUNDS; seed++)); do
		nvme_start || { echo "before seed $seed"; nvmet_down; return 1; }
		set_lies "seed=$seed;$1:p=$2" || return 1
		use_rdma
		n=$((n + $(told "$1")))
		{ set_lies "" && nvme_stop $seed "$1" && works; } || { echo "after seed $seed"; nvmet_down; return 1; }
	done
	echo "$n lies"
	[ "$n" -gt 0 ]
}

# Whatever its network port is called as yet.
has_rdma() { [ -n "$(ls "/sys/bus/pci/devices/$BDF0/infiniband" 2>/dev/null)" ]; }

has_rdma_or_says_why() { # MARK
	has_rdma || dmesg | sed "0,/$1\$/d" |
		grep -E '(tulle_core|tulle_ib|infiniband).*(no RDMA|fail|cannot|capabilit|not ready|lacks)'
}

probe_liar() { # POINT PROBABILITY SEED
	local mark="liar $$: $1, seed $3"
	echo "$mark" >/dev/kmsg
	set_lies "seed=$3;$1:p=$2" || return 1
	take 2>/dev/null
	[ $? -ne 124 ] || return 1
	sleep 1
	has_rdma_or_says_why "$mark" || { echo "no RDMA and no reason"; return 1; }
	if has_rdma; then
		ip link set tulle0 up
		ask >/dev/null 2>&1
	fi
	let_go
}

# The driver meets the liar when it probes: RDMA may be there or not.
lie_to_probe() { # POINT PROBABILITY
	local seed n=0 rc=0
	let_go || return 1
	for ((seed = 1; seed <= 4 * ROUNDS && rc == 0; seed++)); do
		probe_liar "$1" "$2" $seed || { echo "seed $seed"; rc=1; }
		n=$((n + $(told "$1")))
	done
	{ set_lies "" && let_go && works; } || return 1
	echo "$n lies"
	[ $rc -eq 0 ] && [ "$n" -gt 0 ]
}

run_lies() { # POINT
	case $1 in
	cqe_*) ktap_check "lies in completions: $1" lie "$1" 0.01 ;;
	eqe_*) ktap_check "lies in events: $1" lie "$1" 0.05 ;;
	cmd_*)
		ktap_check "lies to verbs: $1" lie "$1" 0.1
		ktap_check "lies to probe: $1" lie_to_probe "$1" 0.05
		;;
	rdma_caps) ktap_check "lies to probe: $1" lie_to_probe "$1" 1 ;;
	*) echo "Bail out! no lie $1"; exit 1 ;;
	esac
}

ktap_begin
rdma_ports
ulimit -l unlimited
if ! modprobe nvmet-rdma use_srq=1 || ! modprobe nvme-rdma; then
	echo "Bail out! no NVMe over RDMA"
	exit 1
fi
# I/O whose completion was lied away
echo 5 >/sys/module/nvme_core/parameters/io_timeout
echo 5 >/sys/module/nvme_core/parameters/admin_timeout
[ $# -gt 0 ] || set -- cqe_index cqe_len cqe_op cqe_qn cqe_status cqe_src eqe_handle eqe_type eqe_code eqe_storm \
	cmd_status cmd_out rdma_caps
for point in "$@"; do
	run_lies "$point"
done
ktap_end
