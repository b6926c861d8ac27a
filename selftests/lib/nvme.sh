# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The kernel as the user of RDMA: a target of NVMe over Fabrics on tulle0, its
# namespace a file. Source it behind rdma.sh.

NQN=nqn.2014-08.org.example:tulle
NVMET=/sys/kernel/config/nvmet
NVME_LOOP=$KTAP_TMP/nvme.img

nvmet_up() {
	modprobe -a nvmet-rdma nvme-rdma && truncate -s 64M "$NVME_LOOP" || return 1
	mkdir "$NVMET/subsystems/$NQN" "$NVMET/subsystems/$NQN/namespaces/1" "$NVMET/ports/1" || return 1
	echo 1 >"$NVMET/subsystems/$NQN/attr_allow_any_host"
	echo -n "$NVME_LOOP" >"$NVMET/subsystems/$NQN/namespaces/1/device_path"
	echo 1 >"$NVMET/subsystems/$NQN/namespaces/1/enable" || return 1
	echo rdma >"$NVMET/ports/1/addr_trtype"
	echo ipv4 >"$NVMET/ports/1/addr_adrfam"
	echo "$LOCAL_V4" >"$NVMET/ports/1/addr_traddr"
	echo 4420 >"$NVMET/ports/1/addr_trsvcid"
	ln -s "$NVMET/subsystems/$NQN" "$NVMET/ports/1/subsystems/$NQN"
}

nvmet_down() {
	rm -f "$NVMET/ports/1/subsystems/$NQN"
	[ ! -d "$NVMET/ports/1" ] || rmdir "$NVMET/ports/1"
	if [ -d "$NVMET/subsystems/$NQN" ]; then
		echo 0 >"$NVMET/subsystems/$NQN/namespaces/1/enable"
		rmdir "$NVMET/subsystems/$NQN/namespaces/1" "$NVMET/subsystems/$NQN"
	fi
	rm -f "$NVME_LOOP"
}

nvme_disk() { find /dev -maxdepth 1 -name 'nvme*n1' | grep .; }

nvme_gone() { [ -z "$(ls /sys/class/nvme 2>/dev/null)" ]; }
