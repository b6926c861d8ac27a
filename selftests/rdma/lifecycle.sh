#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Everything that can happen to a card while programs and the kernel use its
# RDMA, ROUNDS times each. Programs hear of it at once or, when they look at
# nothing but their completions, can be killed at once; nothing hangs, nothing
# stays behind, and afterwards it works again. Cases can be named on the command
# line.
. "$(dirname "$0")/../lib/rdma.sh"
. "$(dirname "$0")/../lib/device.sh"
. "$(dirname "$0")/../lib/nvme.sh"

ROUNDS=${ROUNDS:-20}
HOLD=$KTAP_TMP/bin/hold
# "At once", in ms.
AT_ONCE=2000
guest_is_slow && AT_ONCE=10000

build() {
	mkdir -p "$(dirname "$HOLD")" &&
		gcc -O2 -g -Wall -Wextra -o "$HOLD" "$(dirname "$0")/hold.c" -libverbs
}

# load PROGRAM COMMAND...: in the background; its pid in LOAD[PROGRAM].
declare -A LOAD
load() {
	local name=$1
	shift
	"$@" >"$KTAP_TMP/$name" 2>&1 &
	LOAD[$name]=$!
}

load_runs() { kill -0 "${LOAD[$1]}" 2>/dev/null; }
load_gone() { ! load_runs "$1"; }
load_said() { grep -qi "$2" "$KTAP_TMP/$1"; } # PROGRAM WORDS

# A RUN ip netns exec in between hands signals on, because it becomes the program.
load_start() {
	local port=$RDMA_PORT
	RDMA_PORT=$((RDMA_PORT + 2))
	load idle ibv_asyncwatch -d "$IB"
	load bw_server ip netns exec "$NS" ib_write_bw -d "$FAR_IB" -x "$FAR_GID4" -p "$port" -s 4096 -F --run_infinitely -D 1
	load cm_server ip netns exec "$NS" rping -s -a "$REMOTE_V4" -p $((port + 1)) -C 1000000
	retry 20 eval "in_ns ss -Hltn 'sport = :$port' | grep -q ." || { cat "$KTAP_TMP/bw_server"; return 1; }
	load bw ib_write_bw -d "$IB" -x "$GID4" -p "$port" -s 4096 -F --run_infinitely -D 1 "$REMOTE_V4"
	load cm rping -c -a "$REMOTE_V4" -I "$LOCAL_V4" -p $((port + 1)) -C 1000000 -v
	load cm_end sh -c "while kill -0 ${LOAD[cm]}; do sleep 0.05; done 2>/dev/null; date +%s%3N"
	load hold "$HOLD" "$IB" "$GID4"
	retry 30 load_said cm ping && retry 30 load_said bw '^ *4096' && retry 10 load_said idle 'async event' &&
		retry 30 load_said hold ready && return 0
	echo "no load:"
	tail -n 5 "$KTAP_TMP"/{idle,bw,cm,hold,bw_server,cm_server}
	return 1
}

# Whatever is left goes by a signal, at once.
load_stop() {
	local name rc=0
	for name in "${!LOAD[@]}"; do
		kill "${LOAD[$name]}" 2>/dev/null
		retry 10 load_gone "$name" || {
			echo "$name does not die: $(cat "/proc/${LOAD[$name]}/stack" "/proc/${LOAD[$name]}/wchan")"
			kill -KILL "${LOAD[$name]}"
			rc=1
		}
		wait "${LOAD[$name]}" 2>/dev/null
		unset "LOAD[$name]"
	done
	return $rc
}

# at_once COMMAND...: breaks something; what follows is measured from here on, or
# from where COMMAND says.
at_once() {
	broken
	"$@"
}
broken() { BROKEN=$(($(date +%s%3N) + ${1:-0})); } # [MS from now]

# took WHAT WHEN
took() {
	local ms
	[ -n "$2" ] || { echo "$1: no time"; return 1; }
	ms=$(($2 > BROKEN ? $2 - BROKEN : 0))
	echo "$1 after $ms ms" | tee -a "$KTAP_TMP/times"
	[ $ms -le $AT_ONCE ]
}

# Those who listen heard of it, at once. Events do not end with that one: a program that
# waits for the next waits on.
load_was_told() {
	retry 15 load_said idle DEVICE_FATAL || { echo "no fatal event:"; cat "$KTAP_TMP/idle"; return 1; }
	retry 20 load_gone cm || { echo "rping goes on:"; tail -n 3 "$KTAP_TMP/cm"; return 1; }
	retry 20 load_gone cm_end
	load_let_go || return 1
	took "fatal event" "$(awk '/^fatal/ { print $2; exit }' "$KTAP_TMP/hold")" &&
		took "rping's end" "$(cat "$KTAP_TMP/cm_end")"
}

# What holds everything heard of it, too, got errors, closed all and ended well.
load_let_go() {
	local rc=0
	retry 20 load_gone hold || rc=1
	[ $rc -ne 0 ] || { wait "${LOAD[hold]}" && unset "LOAD[hold]"; } || rc=1
	[ $rc -eq 0 ] || { echo "hold:"; cat "$KTAP_TMP/hold"; }
	return $rc
}

# All objects in the devices, doorbell pages and steering among them, and those of
# verbs in the kernel.
verbs_objects() {
	{ device_get tulle0 objects && device_get tulle1 objects; } | tr ' ' '\n'
	rdma resource show | sed 's/^[0-9]*: //' | sort
}
is_as_before() { verbs_objects >"$KTAP_TMP/now" && cmp -s "$KTAP_TMP/before" "$KTAP_TMP/now"; }
nothing_is_left() {
	retry 20 is_as_before && return 0
	diff "$KTAP_TMP/before" "$KTAP_TMP/now"
	return 1
}

# under_load BREAK REPAIR: programs run while it breaks.
under_load() {
	local i rc=0
	verbs_objects >"$KTAP_TMP/before"
	for ((i = 0; i < ROUNDS && rc == 0; i++)); do
		load_start || { load_stop; return 1; }
		{ at_once "$1" "$i" && load_was_told; } || { echo "round $i: $1"; rc=1; }
		load_stop || { echo "round $i: programs after $1"; rc=1; }
		{ "$2" "$i" && rdma_is_back; } || { echo "round $i: $2"; return 1; }
		nothing_is_left || { echo "round $i: after $2"; return 1; }
	done
	return $rc
}

nothing() { :; }

ib_out() { timeout 60 rmmod tulle_ib; }
ib_in() { modprobe tulle_ib; }

aux_device() { basename "/sys/bus/pci/devices/$BDF0"/tulle_core.rdma.*; }
aux_unbind() { AUX=$(aux_device) && echo "$AUX" >/sys/bus/auxiliary/drivers/tulle_ib.rdma/unbind; }
aux_bind() { echo "$AUX" >/sys/bus/auxiliary/drivers/tulle_ib.rdma/bind; }

bind() {
	no_live_object tulle0 && echo "$BDF0" >/sys/bus/pci/drivers/tulle_core/bind
}

crash() { devlink health test "pci/$BDF0" reporter fw; }
recovered() { retry 60 fw_is healthy; }

# Whoever presses the button of a slot has five seconds to think better of it; to ask
# the device what it is takes seconds too, and is not counted.
unplug_slot() {
	plug_save
	broken 5000
	unplug_saved
}
plug() { retry 20 plug_in && retry 30 test -e "/sys/bus/pci/devices/$BDF0"; }

# As in net/lifecycle.sh: told every second time, else found out.
surprise() { # ROUND
	set_removed true || return 1
	# A card that is gone says nothing; the driver looks once a second.
	broken 1000
	retry 20 fw_is error || { echo "nobody noticed"; return 1; }
	[ $(($1 % 2)) -eq 1 ] || echo 1 >"/sys/bus/pci/devices/$BDF0/remove"
}
surprise_end() { # ROUND
	set_removed false || return 1
	if [ $(($1 % 2)) -eq 1 ]; then
		devlink health recover "pci/$BDF0" reporter fw && retry 20 fw_is healthy
	else
		echo 1 >/sys/bus/pci/rescan
	fi
}

# killed: whoever holds everything is killed; every second time when it was asleep
# while its device went.
killed() {
	local i
	verbs_objects >"$KTAP_TMP/before"
	for ((i = 0; i < ROUNDS || i < 2; i++)); do
		load hold "$HOLD" "$IB" "$GID4"
		retry 30 load_said hold ready || { cat "$KTAP_TMP/hold"; load_stop; return 1; }
		if [ $((i % 2)) -eq 1 ]; then
			kill -STOP "${LOAD[hold]}"
			flr || { echo "round $i: reset"; return 1; }
		fi
		kill -KILL "${LOAD[hold]}"
		retry 10 load_gone hold || { echo "round $i: it does not die"; return 1; }
		wait "${LOAD[hold]}" 2>/dev/null
		unset "LOAD[hold]"
		rdma_is_back && nothing_is_left || { echo "round $i"; return 1; }
	done
}

#
# The kernel as the user: NVMe over Fabrics, target on tulle0, host at the far end
# or on tulle0 as well
#
nvme_start() { # RUN
	local disk
	nvmet_up || return 1
	"$1" timeout 60 nvme connect -t rdma -a "$LOCAL_V4" -s 4420 -n "$NQN" -i 2 \
		--ctrl-loss-tmo=5 --reconnect-delay=1 --keep-alive-tmo=5 || return 1
	retry 10 nvme_disk || return 1
	disk=$(nvme_disk)
	dd if=/dev/urandom of="$KTAP_TMP/blob" bs=64k count=8 status=none
	dd if="$KTAP_TMP/blob" of="$disk" bs=64k oflag=direct conv=notrunc status=none || return 1
	dd if="$disk" bs=64k count=8 iflag=direct status=none | cmp - "$KTAP_TMP/blob" || return 1
	load io sh -c "while dd if=$disk of=/dev/null bs=64k iflag=direct status=none; do :; done"
	sleep 0.3
}

# The connection ends in time, however its device went; what is open gets errors.
nvme_stop() {
	timeout 60 nvme disconnect -n "$NQN" || { echo "disconnect hangs"; return 1; }
	retry 30 nvme_gone || { echo "controllers are left"; return 1; }
	retry 30 load_gone io || { echo "I/O hangs"; return 1; }
	load_stop
	nvmet_down
}

# under_nvme RUN BREAK REPAIR: as under_load; RUN is far or env, where the host is.
under_nvme() {
	local i rc=0
	verbs_objects >"$KTAP_TMP/before"
	for ((i = 0; i < ROUNDS && rc == 0; i++)); do
		nvme_start "$1" || { nvme_stop; return 1; }
		"$2" "$i" || { echo "round $i: $2"; rc=1; }
		nvme_stop || { echo "round $i: after $2"; rc=1; }
		{ "$3" "$i" && rdma_is_back; } || { echo "round $i: $3"; return 1; }
		nothing_is_left || { echo "round $i: after $3"; return 1; }
	done
	return $rc
}

#
# Namespaces that own devices
#
netns_exclusive() {
	local i rc=0
	ip netns del "$NS"
	retry 10 test -e /sys/class/net/tulle1
	retry 10 rdma system set netns exclusive || { echo "not exclusive"; rc=1; }
	ip netns add "$NS"
	ip link set tulle1 netns "$NS" && in_ns ip link set tulle1 mtu 4200 up && remote_addresses
	rdma dev set "$FAR_IB" netns "$NS" || rc=1
	in_ns rdma dev show "$FAR_IB" || rc=1
	! ibv_devinfo -d "$FAR_IB" || { echo "seen from outside"; rc=1; }
	rdma_is_back || rc=1
	ip netns add ns-third
	ip netns attach ns-first 1
	for ((i = 0; i < ROUNDS && rc == 0; i++)); do
		load_start || rc=1
		at_once rdma dev set "$IB" netns ns-third || { echo "round $i: away"; rc=1; }
		load_was_told || { echo "round $i"; rc=1; }
		load_stop || rc=1
		! ibv_devinfo -d "$IB" || { echo "still there"; rc=1; }
		ip netns exec ns-third rdma dev set "$IB" netns ns-first || { echo "round $i: home"; rc=1; }
		rdma_is_back || rc=1
	done
	netns_shared
	return $rc
}

# Devices of a namespace that ends come home.
netns_shared() {
	ip netns del ns-third
	ip netns del ns-first
	ip netns del "$NS"
	retry 20 test -e /sys/class/net/tulle1
	retry 20 test -e "/sys/class/infiniband/$FAR_IB"
	retry 10 rdma system set netns shared
	rdma_ports
}

run_case() {
	case $1 in
	module) ktap_check "rmmod and modprobe" under_load ib_out ib_in ;;
	auxiliary) ktap_check "unbind and bind of the auxiliary device" under_load aux_unbind aux_bind ;;
	bind) ktap_check "unbind and bind of the PCI device" under_load unbind bind ;;
	flr) ktap_check "function level reset" under_load flr nothing ;;
	crash) ktap_check "firmware crash" under_load crash recovered ;;
	hotplug) ktap_check "hot unplug and plug" under_load unplug_slot plug ;;
	surprise) ktap_check "surprise removal" under_load surprise surprise_end ;;
	nvme-flr) ktap_check "function level reset of an NVMe-oF target" under_nvme far flr nothing ;;
	nvme-crash) ktap_check "firmware crash under NVMe-oF, host and target" under_nvme env crash recovered ;;
	nvme-surprise) ktap_check "surprise removal under NVMe-oF, host and target" under_nvme env surprise surprise_end ;;
	netns) ktap_check "exclusive namespaces" netns_exclusive ;;
	kill) ktap_check "SIGKILL of a program that holds everything" killed ;;
	*) echo "Bail out! no case $1"; exit 1 ;;
	esac
}

ktap_begin
rdma_ports
ulimit -l unlimited
build || { echo "Bail out! no hold"; exit 1; }
[ $# -gt 0 ] || set -- module auxiliary bind flr crash hotplug surprise nvme-flr nvme-crash nvme-surprise netns kill
for c in "$@"; do
	: >"$KTAP_TMP/times"
	run_case "$c"
	sort -k1,1 -k4,4nr "$KTAP_TMP/times" | sort -su -k1,1 | sed 's/^/# longest: /'
done
ktap_end
