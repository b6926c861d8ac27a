#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# NVMe over Fabrics over RDMA: the kernel's target at the far end with a disk of
# memory that keeps its data, the kernel's initiator here. fio verifies what it
# wrote, also while the link goes down and up; nothing is left afterwards.
. "$(dirname "$0")/../lib/rdma.sh"
. "$(dirname "$0")/../lib/faults.sh"

NQN=nqn.2014-08.org.nvmexpress:tulle-test
DISK_MIB=${DISK_MIB:-128}
SECS=${SECS:-20}

target_up() {
	far "set -e
		modprobe -a nvmet nvmet_rdma
		modprobe null_blk nr_devices=1 memory_backed=1 gb=1 bs=4096 queue_mode=2 submit_queues=2 discard=0
		mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
		cd /sys/kernel/config/nvmet
		mkdir subsystems/$NQN
		echo 1 >subsystems/$NQN/attr_allow_any_host
		mkdir subsystems/$NQN/namespaces/1
		echo /dev/nullb0 >subsystems/$NQN/namespaces/1/device_path
		echo 1 >subsystems/$NQN/namespaces/1/enable
		mkdir ports/1
		echo rdma >ports/1/addr_trtype
		echo ipv4 >ports/1/addr_adrfam
		echo $REMOTE_V4 >ports/1/addr_traddr
		echo 4420 >ports/1/addr_trsvcid
		ln -s /sys/kernel/config/nvmet/subsystems/$NQN ports/1/subsystems/$NQN"
}

target_down() {
	far "set -e
		cd /sys/kernel/config/nvmet
		rm ports/1/subsystems/$NQN
		rmdir ports/1
		echo 0 >subsystems/$NQN/namespaces/1/enable
		rmdir subsystems/$NQN/namespaces/1 subsystems/$NQN
		for i in 1 2 3 4 5 6 7 8 9 10; do
			modprobe -r nvmet_rdma && break
			sleep 1
		done
		modprobe -r null_blk"
}

controller() { # ATTRIBUTE
	local dir
	for dir in /sys/class/nvme/nvme*; do
		[ "$(cat "$dir/subsysnqn" 2>/dev/null)" = "$NQN" ] && cat "$dir/$1" && return
	done
	return 1
}

# With native multipath the disk belongs to the subsystem, else to the controller.
disk() {
	local dir name
	for dir in /sys/class/nvme-subsystem/* /sys/class/nvme/*; do
		[ "$(cat "$dir/subsysnqn" 2>/dev/null)" = "$NQN" ] || continue
		name=$(find "$dir/" -maxdepth 1 -printf '%f\n' | grep -xE 'nvme[0-9]+n[0-9]+') || continue
		echo "/dev/$name"
		return
	done
	return 1
}

is_live() { [ "$(controller state)" = live ]; }
disk_is_there() { [ -b "$(disk)" ]; }

connect() { # [ARGS...]
	nvme connect -t rdma -a "$REMOTE_V4" -s 4420 -n "$NQN" --keep-alive-tmo=5 --reconnect-delay=1 \
		--ctrl-loss-tmo=300 "$@" || return 1
	retry 20 is_live && retry 20 disk_is_there
}

disconnect() {
	nvme disconnect -n "$NQN" | tee "$KTAP_TMP/disconnect"
	grep -q 'disconnected 1 ' "$KTAP_TMP/disconnect"
}

discover() {
	nvme discover -t rdma -a "$REMOTE_V4" -s 4420 | tee "$KTAP_TMP/discover"
	grep -q "$NQN" "$KTAP_TMP/discover"
}

# verify NAME ARGS...: whatever is read is what was written, by checksum.
verify() {
	local name=$1
	shift
	fio --name="$name" --filename="$(disk)" --direct=1 --ioengine=libaio --size="${DISK_MIB}M" --verify=crc32c \
		--verify_fatal=1 --verify_state_save=0 --randrepeat=1 --output="$KTAP_TMP/fio.$name" "$@"
	local rc=$?
	tail -n 25 "$KTAP_TMP/fio.$name"
	return $rc
}

# All of the disk is written once in blocks of mixed sizes, read back and compared.
whole() {
	verify whole --rw=randwrite --bsrange=4k-1m --iodepth=8
}

# Reads and writes together; what was written is read again as it goes and at the end.
mixed() {
	verify mixed --rw=randrw --bsrange=4k-1m --iodepth=8 --verify_backlog=64 --loops=2
}

# Four streams on disjoint parts keep every queue pair busy.
streams() {
	verify streams --rw=randrw --bsrange=4k-256k --iodepth=4 --numjobs=4 \
		--size="$((DISK_MIB / 4))M" --offset_increment="$((DISK_MIB / 4))M"
}

# What one fio writes, another one finds, on a new connection.
kept() {
	verify kept --rw=write --bs=64k --iodepth=4 --do_verify=0 || return 1
	disconnect && connect -i 4 || return 1
	verify kept --rw=write --bs=64k --iodepth=4 --verify_only
}

no_carrier() { ! port_carrier tulle0; }
cable() { hmp "set_link tulle0 $1"; }
link() { ip link set tulle0 "$1"; }

# interrupted HOW DOWN UP SECONDS: the link goes, by cable or by order, and comes back
# while fio works. fio sees no error, only a pause; the controller is live again.
interrupted() {
	local how=$1 down=$2 up=$3 seconds=$4 pid rc state
	verify "$how" --rw=randrw --bsrange=4k-1m --iodepth=8 --verify_backlog=64 --time_based --runtime="$SECS" \
		>"$KTAP_TMP/fio.out" 2>&1 &
	pid=$!
	sleep 4
	"$how" "$down" && retry 5 no_carrier || return 1
	sleep "$seconds"
	state=$(controller state)
	echo "state while away: $state"
	"$how" "$up" || return 1
	# Keep-alive, every five seconds, noticed.
	[ "$seconds" -lt 10 ] || [ "$state" != live ] || return 1
	retry 30 port_carrier tulle0 || return 1
	wait $pid
	rc=$?
	cat "$KTAP_TMP/fio.out"
	[ $rc -eq 0 ] && retry 60 is_live
}

# A wire that loses packets, under kernel consumers.
lossy() {
	set_faults "seed=11;wire_loss:p=0.005;wire_reorder:p=0.005" || return 1
	verify lossy --rw=randrw --bsrange=4k-1m --iodepth=8 --size=32M
	local rc=$?
	happened wire_loss || rc=1
	set_faults ""
	return $rc
}

# Nothing but what the kernel's MAD layer always has: QP1 and what belongs to it.
# CQs are not counted: ib_core keeps those that it lent to users until the device goes.
resources() { # RUN...
	"$@" rdma -j resource show | jq -c 'sort_by(.ifname) | map({ifname, qp, cm_id, mr, pd, srq})'
}

nothing_left() {
	[ "$(resources env)" = "$BEFORE_HERE" ] && [ "$(resources far)" = "$BEFORE_FAR" ]
}

clean() {
	retry 20 nothing_left && return 0
	echo "here: $(resources env), before $BEFORE_HERE"
	echo "far: $(resources far), before $BEFORE_FAR"
	rdma resource show qp
	rdma resource show mr
	return 1
}

ktap_begin
rdma_ports
modprobe nvme_rdma
BEFORE_HERE=$(resources env) BEFORE_FAR=$(resources far)
ktap_check "target" target_up
ktap_check "discover" discover
ktap_check "connect" connect -i 4
ktap_check "4k to 1m, all of the disk" whole
ktap_check "mixed reads and writes" mixed
ktap_check "four streams" streams
ktap_check "data outlives the connection" kept
ktap_check "loss and reorder on the wire" lossy
ktap_check "cable pulled for 2 s during I/O" interrupted cable off on 2
ktap_check "cable pulled for 12 s during I/O" interrupted cable off on 12
ktap_check "link down for 12 s during I/O" interrupted link down up 12
ktap_check "all of the disk again" whole
ktap_check "disconnect" disconnect
ktap_check "connect with one queue" connect -i 1
ktap_check "mixed, one queue" mixed
ktap_check "disconnect again" disconnect
ktap_check "target away" target_down
ktap_check "nothing is left" clean
ktap_end
