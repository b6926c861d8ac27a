#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What an installed system does by itself: udev's rules know the device for RoCE
# and name it, rdma-core's units then load modules, programs load theirs on
# demand. No case here loads a module by name.
#
# systemd is not the first process of the lab's guests, so units that udev asks for
# are not started. What they would run is taken from the units and run here.
. "$(dirname "$0")/../lib/rdma.sh"

UNITS=/usr/lib/systemd/system

properties() { udevadm info -q property -p "/sys/class/infiniband/$IB"; }

# Until 6.12 a driver takes user memory with functions of ib_uverbs, which is there
# as soon as the driver is.
comes_with_driver() { [[ ,$(modinfo -F depends tulle_ib), == *,$1,* ]]; }

nothing_is_loaded() {
	local m
	for m in rdma_ucm rdma_cm ib_umad ib_uverbs; do
		comes_with_driver $m || [ ! -e "/sys/module/$m" ] || { echo "$m is loaded already"; return 1; }
	done
}

# The device as udev's database has it, and no other technology than RoCE.
is_roce() {
	properties >"$KTAP_TMP/properties"
	cat "$KTAP_TMP/properties"
	grep -qx 'ID_RDMA_ROCE=1' "$KTAP_TMP/properties" &&
		! grep -E 'ID_RDMA_(INFINIBAND|IWARP|OPA)' "$KTAP_TMP/properties" &&
		grep -qE '^SYSTEMD_WANTS=.*rdma-hw\.target' "$KTAP_TMP/properties" &&
		grep -qE '^SYSTEMD_WANTS=.*rdma-load-modules@roce\.service' "$KTAP_TMP/properties"
}

changed() {
	udevadm trigger --action=change "/sys/class/infiniband/$IB" && udevadm settle --timeout=60 && is_roce
}

# By the PCI address, whatever the order in which devices came.
is_named() {
	local bdf
	bdf=$(port_pci tulle0)
	[ "$IB" = "rocep$((16#${bdf:5:2}))s$((16#${bdf:8:2}))" ] || { echo "$bdf is $IB"; return 1; }
}

# A new device with everything that the first one had.
comes_again() {
	local aux
	aux=$(basename "/sys/bus/pci/devices/$(port_pci tulle0)"/tulle_core.rdma.*)
	echo "$aux" >/sys/bus/auxiliary/drivers/tulle_ib.rdma/unbind
	retry 10 test ! -e "/sys/class/infiniband/$IB" || return 1
	echo "$aux" >/sys/bus/auxiliary/drivers/tulle_ib.rdma/bind
	retry 20 test -e "/sys/class/infiniband/$IB" && retry 20 is_roce
}

# libibverbs finds the provider by its .driver file, and loads ib_uverbs.
verbs() {
	grep -qx 'driver tulle' /etc/libibverbs.d/tulle.driver || return 1
	ibv_devinfo -d "$IB" | tee "$KTAP_TMP/devinfo"
	grep -q "hca_id:.*$IB" "$KTAP_TMP/devinfo" && [ -e /sys/module/ib_uverbs ] || return 1
	# A character device that was there first has a link of the name before this one.
	comes_with_driver ib_uverbs || retry 10 test -c "/dev/infiniband/by-ibdev/uverbs-$IB"
}

# What starts with the units in SYSTEMD_WANTS.
wanted() {
	local unit
	properties | sed -n 's/^SYSTEMD_WANTS=//p' | tr ' ' '\n' | while read -r unit; do
		echo "$unit"
		[ "${unit%.target}" = "$unit" ] || sed -n 's/^Wants=//p' "$UNITS/$unit" | tr ' ' '\n'
	done | grep '^rdma-load-modules@' | sort -u
}

# modules-load complains of modules that a kernel does not have, which is no matter here.
units() {
	local unit name
	wanted >"$KTAP_TMP/wanted"
	cat "$KTAP_TMP/wanted"
	grep -q '@rdma\.service' "$KTAP_TMP/wanted" && grep -q '@roce\.service' "$KTAP_TMP/wanted" || return 1
	while read -r unit; do
		name=${unit#*@}
		name=${name%.service}
		eval "$(sed -n "s/^ExecStart=//p" "$UNITS/rdma-load-modules@.service" | sed "s/%I/$name/g")"
	done <"$KTAP_TMP/wanted"
	[ -e /sys/module/rdma_ucm ] && retry 10 test -c /dev/infiniband/rdma_cm
}

# librdmacm asks the kernel for its device, which loads rdma_ucm.
on_demand() {
	! modprobe -r rdma_ucm 2>&1 | grep . || return 1
	[ ! -e /sys/module/rdma_ucm ] || return 1
	in_background rping -s -a "$LOCAL_V4" -p "$RDMA_PORT"
	retry 20 rdma_listens env && [ -e /sys/module/rdma_ucm ]
}

ktap_begin
env_pair
IB=$(rdma_of tulle0)
ktap_check "no module is loaded before somebody wants it" nothing_is_loaded
ktap_check "the device is known for RoCE" is_roce
ktap_check "it has the name of its place" is_named
ktap_check "and after a change" changed
ktap_check "and when it comes again" comes_again
ktap_check "libibverbs loads its provider and ib_uverbs" verbs
ktap_check "rdma_ucm is loaded by rdma-core's units" units
ktap_check "rdma_ucm is loaded on demand" on_demand
ktap_end
