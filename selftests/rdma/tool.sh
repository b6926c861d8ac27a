#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What iproute2's rdma and ibv_devinfo tell and do: counters of queue pairs, the
# objects of programs that run, limits, moderation. Compared with what is known
# from elsewhere.
. "$(dirname "$0")/../lib/rdma.sh"
. "$(dirname "$0")/../lib/device.sh"
. "$(dirname "$0")/../lib/nvme.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
MODERATE=$KTAP_TMP/moderate

#
# Programs that run while others look
#
# start PROGRAM ARGS...: both ends, until stop; their pids in SERVER and CLIENT.
start() {
	local prog=$1 port=$RDMA_PORT
	shift
	RDMA_PORT=$((RDMA_PORT + 1))
	ip netns exec "$NS" "$prog" -p "$port" -d "$FAR_IB" -g "$FAR_GID4" "$@" >"$KTAP_TMP/server" 2>&1 &
	SERVER=$!
	retry 20 eval "in_ns ss -Hltn 'sport = :$port' | grep -q ." || return 1
	"$prog" -p "$port" -d "$IB" -g "$GID4" "$@" "$REMOTE_V4" >"$KTAP_TMP/client" 2>&1 &
	CLIENT=$!
	ENV_PIDS+=("$SERVER" "$CLIENT")
	retry 20 is_running || { cat "$KTAP_TMP/server" "$KTAP_TMP/client"; return 1; }
}

stop() {
	kill "$CLIENT" "$SERVER"
	wait "$CLIENT" "$SERVER" 2>/dev/null
	return 0
}

# objects KIND [PID]: those of a process (the client), with the driver's details (the
# second -d), one in a line.
objects() {
	rdma -d -d -j resource show "$1" | jq -c ".[] | select(.pid == ${2:-$CLIENT})"
}

is_running() { objects qp | jq -e 'select(.state == "RTS")' && messages_go_on; } >/dev/null

hw_counter() { cat "/sys/class/infiniband/$IB/ports/1/hw_counters/$1"; }

messages_go_on() {
	local before
	before=$(hw_counter tx_messages)
	sleep 0.3
	[ "$(hw_counter tx_messages)" -gt "$before" ]
}

left() {
	device_get tulle0 objects && device_get tulle1 objects && rdma_objects env
}
is_as_before() { left >"$KTAP_TMP/now" && cmp -s "$KTAP_TMP/before" "$KTAP_TMP/now"; }
nothing_left() {
	retry 20 is_as_before && return 0
	diff "$KTAP_TMP/before" "$KTAP_TMP/now"
	return 1
}

#
# Counters of queue pairs
#
counters() { rdma -j statistic qp show link "$IB/1"; }
no_counter() { [ "$(counters | jq -c 'map(select(.cntn))')" = '[]' ]; }
counter_of() { counters | jq -e ".[] | select(.lqpn | index($1))"; }
mode_is() { rdma statistic qp mode link "$IB/1" | grep -q "$1"; }

lqpn_of() { objects qp "$1" | jq -e .lqpn; }

counts() { # LQPN
	local one two
	one=$(counter_of "$1" | jq -e .tx_packets) || return 1
	sleep 0.5
	two=$(counter_of "$1" | jq -e .tx_packets)
	echo "queue pair $1: $one, then $two packets"
	[ "$one" -gt 0 ] && [ "$two" -gt "$one" ]
}

auto_counters() {
	local qpn rc=0
	rdma statistic qp set link "$IB/1" auto type on || return 1
	mode_is 'auto.*type.*on' || { rdma statistic qp mode; rc=1; }
	start ibv_rc_pingpong -n 100000000 || return 1
	qpn=$(lqpn_of "$CLIENT")
	retry 10 counts "$qpn" || rc=1
	counter_of "$qpn" | jq -e '.["qp-type"] == "RC"' || rc=1
	is qp '.drv_counter > 0' || rc=1
	! rdma statistic qp bind link "$IB/1" lqpn "$qpn" || { echo "bound by hand as well"; rc=1; }
	stop
	retry 10 no_counter || { counters; rc=1; }
	nothing_left || rc=1
	return $rc
}

# Every message is counted once, whoever counts it, also after its queue pair.
counted() { # N COMMAND...
	local n=$1 tx rx
	shift
	tx=$(hw_counter tx_messages) rx=$(hw_counter rx_messages)
	"$@" || return 1
	sleep 0.2
	tx=$(($(hw_counter tx_messages) - tx)) rx=$(($(hw_counter rx_messages) - rx))
	echo "$tx sent and $rx received, $n expected"
	[ "$tx" = "$n" ] && [ "$rx" = "$n" ] &&
		[ "$(rdma -j statistic show link "$IB/1" | jq '.[0].tx_messages')" = "$(hw_counter tx_messages)" ]
}

auto_off() {
	rdma statistic qp set link "$IB/1" auto off && mode_is 'auto off' && nothing_left
}

by_hand() {
	local qpn n rc=0
	start ibv_rc_pingpong -n 100000000 || return 1
	qpn=$(lqpn_of "$CLIENT")
	no_counter || { echo "a counter before it was bound"; rc=1; }
	rdma statistic qp bind link "$IB/1" lqpn "$qpn" || rc=1
	counts "$qpn" || rc=1
	[ "$(device_get tulle0 objects | grep -o 'qp_counter=[0-9]*')" = qp_counter=1 ] || { echo "device: $(device_get tulle0 objects)"; rc=1; }
	n=$(counter_of "$qpn" | jq .cntn)
	! rdma statistic qp bind link "$IB/1" lqpn "$qpn" || { echo "bound twice"; rc=1; }
	! rdma statistic qp bind link "$IB/1" lqpn 7777777 || { echo "bound what is not there"; rc=1; }
	rdma statistic qp unbind link "$IB/1" cntn "$n" lqpn "$qpn" || rc=1
	no_counter || { echo "still there"; counters; rc=1; }
	messages_go_on || { echo "no messages any more"; rc=1; }
	# Once more, and the queue pair ends with its counter.
	rdma statistic qp bind link "$IB/1" lqpn "$qpn" || rc=1
	stop
	retry 10 no_counter || rc=1
	nothing_left || rc=1
	return $rc
}

messages() { # N
	rdma_pair far env ibv_rc_pingpong -p "$RDMA_PORT" -d "$FAR_IB" -g "$FAR_GID4" -n "$1" -c -- \
		ibv_rc_pingpong -p "$RDMA_PORT" -d "$IB" -g "$GID4" -n "$1" -c "$REMOTE_V4"
}

# Bound and unbound while messages pass; none is lost or counted twice.
in_and_out() { # N
	local qpn n i pid
	messages "$1" &
	pid=$!
	retry 20 eval "qpn=\$(rdma -j resource show qp link $IB/1 | jq -e '.[] | select(.comm == \"ibv_rc_pingpong\" and .state == \"RTS\") | .lqpn')" || return 1
	for ((i = 0; i < 50; i++)); do
		rdma statistic qp bind link "$IB/1" lqpn "$qpn" || break
		n=$(counter_of "$qpn" | jq .cntn)
		rdma statistic qp unbind link "$IB/1" cntn "$n" lqpn "$qpn" || break
	done
	echo "queue pair $qpn: bound $i times"
	wait $pid && [ $i -gt 3 ]
}

#
# Objects
#
# raw KIND ID-NAME ID: the device's context, a byte in a line.
raw() {
	local of=(dev "$IB")
	[ "$1" != qp ] || of=(link "$IB/1")
	rdma -j -r resource show "$1" "${of[@]}" "$2" "$3" | jq -e 'map(select(.data))[0].data[]'
}

# le SIZE OFFSET: a number in what raw printed
le() {
	local i v=0
	mapfile -t bytes
	for ((i = $1 - 1; i >= 0; i--)); do
		v=$((v * 256 + bytes[$2 + i]))
	done
	echo $v
}

# is KIND FILTER: the client's object satisfies jq's FILTER.
is() {
	objects "$1" | jq -se ".[0] | $2" >/dev/null && return 0
	echo "$1: not $2:"
	objects "$1"
	return 1
}

# The driver's word for it and the device's are the same.
raw_fits() { # KIND ID-NAME LENGTH
	local id handle bytes
	id=$(objects "$1" | jq -s ".[0].$2")
	handle=$(objects "$1" | jq -s '.[0].drv_handle')
	raw "$1" "$2" "$id" >"$KTAP_TMP/raw"
	bytes=$(wc -l <"$KTAP_TMP/raw")
	echo "$1 $id: handle $handle, $bytes bytes, first $(le 4 0 <"$KTAP_TMP/raw")"
	[ "$handle" -gt 0 ] && [ "$bytes" = "$3" ] && [ "$(le 4 0 <"$KTAP_TMP/raw")" = "$handle" ]
}

pingpong_objects() {
	local rc=0 far_qpn
	start ibv_rc_pingpong -n 100000000 -s 6000 -r 100 || return 1
	far_qpn=$(lqpn_of "$SERVER")
	is qp ".type == \"RC\" and .state == \"RTS\" and .comm == \"ibv_rc_pingpong\" and .rqpn == $far_qpn and .ifname == \"$IB\"" || rc=1
	is qp '.drv_handle > 0 and .drv_counter == 0' || rc=1
	raw_fits qp lqpn 224 || rc=1
	is cq '.cqe >= 101 and .users == 2 and .drv_handle > 0 and .drv_vector > 0 and .cqe == pow(2; .drv_log_size)' || rc=1
	raw_fits cq cqn 64 || rc=1
	is mr '.mrlen == 6000 and .drv_handle > 0 and .drv_page_size >= 4096 and .drv_max_pages == 0' || rc=1
	raw_fits mr mrn 64 || rc=1
	is pd '.users >= 2' || rc=1
	is ctx '.comm == "ibv_rc_pingpong"' || rc=1
	[ "$(objects qp | jq .pdn)" = "$(objects pd | jq .pdn)" ] || { echo "another PD"; rc=1; }
	stop
	nothing_left || rc=1
	return $rc
}

srq_objects() {
	local rc=0
	start ibv_srq_pingpong -n 100000000 -q 4 || return 1
	is srq '.type == "BASIC" and .drv_handle > 0 and .drv_max_wr >= 500 and .drv_max_sge == 1' || rc=1
	raw_fits srq srqn 64 || rc=1
	[ "$(objects qp | wc -l)" = 4 ] || { objects qp; rc=1; }
	stop
	nothing_left || rc=1
	return $rc
}

cm_is_connected() { objects cm_id | jq -e 'select(.state == "CONNECT")'; }

cm_objects() {
	local rc=0
	in_background ip netns exec "$NS" rping -s -a "$REMOTE_V4" -p "$RDMA_PORT" -C 1000000
	SERVER=$!
	retry 20 rdma_listens far || return 1
	in_background rping -c -a "$REMOTE_V4" -I "$LOCAL_V4" -p "$RDMA_PORT" -C 1000000
	CLIENT=$!
	retry 20 cm_is_connected || rc=1
	is cm_id ".comm == \"rping\" and .[\"src-addr\"][:${#LOCAL_V4}] == \"$LOCAL_V4\" and .[\"dst-addr\"] == \"$REMOTE_V4:$RDMA_PORT\"" || rc=1
	is cm_id ".lqpn == $(lqpn_of "$CLIENT")" || rc=1
	stop
	nothing_left || rc=1
	return $rc
}

# Memory of huge pages is known to the device by huge pages, small memory by small ones.
huge_pages() {
	local rc=0 before
	before=$(sysctl -n vm.nr_hugepages)
	sysctl -qw vm.nr_hugepages=4
	coproc HUGE { exec "$HERE/huge.py" "$IB" 2>&1; }
	CLIENT=$HUGE_PID
	grep -m 1 registered <&"${HUGE[0]}" || rc=1
	objects mr
	objects mr | jq -se 'sort_by(.mrlen) | map(.mrlen) == [8192, 2097152, 4194304] and
		.[0].drv_page_size <= 8192 and .[1].drv_page_size == 2097152 and .[2].drv_page_size >= 2097152' || rc=1
	echo >&"${HUGE[1]}"
	wait "$CLIENT" || { echo "its data"; rc=1; }
	nothing_left || rc=1
	sysctl -qw vm.nr_hugepages="$before"
	return $rc
}

#
# Doorbells
#
# A doorbell wakes the device, which as a rule has done a short request by the time
# the CPU goes on, and sleeps again. While it works, which long requests ensure, it
# looks at its queues itself; and a list is posted with one doorbell.
few_doorbells() { # WAY OPTION...
	local messages doorbells server=("$IB" "$GID4")
	rdma_way "$1"
	shift
	[ "$AT_SERVER" = env ] || server=("$FAR_IB" "$FAR_GID4")
	messages=$(hw_counter tx_messages) doorbells=$(hw_counter doorbells)
	rdma_pair "$AT_SERVER" env ib_write_bw -F -p "$RDMA_PORT" -d "${server[0]}" -x "${server[1]}" "$@" -- \
		ib_write_bw -F -p "$RDMA_PORT" -d "$IB" -x "$GID4" "$@" "$ADDR4" || return 1
	messages=$(($(hw_counter tx_messages) - messages)) doorbells=$(($(hw_counter doorbells) - doorbells))
	echo "$doorbells doorbells for $messages messages"
	[ $messages -ge 500 ] && [ $((20 * doorbells)) -le $messages ]
}

#
# One truth
#
devinfo() { ibv_devinfo -v -d "$IB" | sed -n "s/^[[:space:]]*$1:[[:space:]]*//p" | head -n 1; }
quota() { awk -v what="$1" '$1 == what { print $3 }' "/sys/kernel/debug/tulle/$BDF0/objects"; }

same() { # WHAT VALUE...
	local what=$1 first=$2 v
	shift
	echo "$what: $*"
	[ -n "$first" ] || return 1
	for v in "$@"; do
		[ "$v" = "$first" ] || return 1
	done
}

eui64() { # MAC
	local m=${1//:/}
	printf '%02x%s:%sff:fe%s:%s\n' $((16#${m:0:2} ^ 2)) "${m:2:2}" "${m:4:2}" "${m:6:2}" "${m:8:4}"
}

identity() {
	local dev rc=0
	dev=$(rdma -dj dev show "$IB" | jq '.[0]')
	same firmware "$(devinfo fw_ver)" "$(cat "/sys/class/infiniband/$IB/fw_ver")" "$(jq -r .fw <<<"$dev")" \
		"$(devlink -j dev info "pci/$BDF0" | jq -r '.info[].versions.running.fw')" || rc=1
	same "node GUID" "$(devinfo node_guid)" "$(cat "/sys/class/infiniband/$IB/node_guid")" \
		"$(jq -r .node_guid <<<"$dev")" "$(eui64 "$(ethtool -P tulle0 | grep -oE '([0-9a-f]{2}:){5}.*')")" || rc=1
	same "system image" "$(devinfo sys_image_guid)" "$(cat "/sys/class/infiniband/$IB/sys_image_guid")" \
		"$(jq -r .sys_image_guid <<<"$dev")" || rc=1
	same vendor "$(devinfo vendor_id)" "$(cat "/sys/bus/pci/devices/$BDF0/vendor")" || rc=1
	same part "$(devinfo vendor_part_id)" "$(($(cat "/sys/bus/pci/devices/$BDF0/device")))" || rc=1
	same "netdev" tulle0 "$(rdma -j link show "$IB/1" | jq -r '.[0].netdev')" || rc=1
	same "link" ACTIVE "$(rdma -j link show "$IB/1" | jq -r '.[0].state')" || rc=1
	same "active MTU" "4096 (5)" "$(devinfo active_mtu)" || rc=1
	return $rc
}

quotas() {
	local rc=0
	same QP "$(devinfo max_qp)" "$(quota QP)" || rc=1
	same CQ "$(devinfo max_cq)" "$(quota CQ)" || rc=1
	same MR "$(devinfo max_mr)" "$(quota MKEY)" || rc=1
	same PD "$(devinfo max_pd)" "$(quota PD)" || rc=1
	same SRQ "$(devinfo max_srq)" "$(quota SRQ)" || rc=1
	return $rc
}

#
# Moderation
#
moderated() { # COUNT PERIOD: as the device has it, in the CQ of the program
	local id
	for id in $(objects cq "$CLIENT" | jq "select(.ifname == \"$IB\") | .cqn"); do
		raw cq cqn "$id" >"$KTAP_TMP/raw"
		echo "CQ $id: $(le 2 44 <"$KTAP_TMP/raw") frames, $(le 2 46 <"$KTAP_TMP/raw") us, $1 $2 expected"
		[ "$(le 2 44 <"$KTAP_TMP/raw")" = "$1" ] && [ "$(le 2 46 <"$KTAP_TMP/raw")" = "$2" ] && return 0
	done
	return 1
}

moderation() {
	local rc=0 what count period most_count most_period
	gcc -O2 -Wall -Wextra -o "$MODERATE" "$HERE/moderate.c" -libverbs || return 1
	most_count=$(devinfo max_cq_count) most_period=$(devinfo max_cq_period)
	coproc MOD { exec "$MODERATE" "$FAR_IB" "$FAR_GID4" "$IB" "$GID4" 2>&1; }
	CLIENT=$MOD_PID
	while read -r what count period <&"${MOD[0]}"; do
		echo "$what $count $period"
		[ "$what" = moderation ] || continue
		[ "$count" -le "$most_count" ] || count=$most_count
		[ "$period" -le "${most_period% us}" ] || period=${most_period% us}
		moderated "$count" "$period" || rc=1
		echo >&"${MOD[1]}"
	done
	wait "$CLIENT" || rc=1
	nothing_left || rc=1
	return $rc
}

# CQs of the kernel that are moderated.
kernel_moderation() {
	local id
	for id in $(rdma -dj resource show cq dev "$IB" | jq '.[] | select(.pid == null) | .cqn'); do
		raw cq cqn "$id" >"$KTAP_TMP/raw"
		echo "$(le 2 44 <"$KTAP_TMP/raw") $(le 2 46 <"$KTAP_TMP/raw")"
	done | grep -v '^0 0$'
}

# NVMe over Fabrics with its target here reads a while.
kernel_traffic() {
	nvmet_up || return 1
	far timeout 60 nvme connect -t rdma -a "$LOCAL_V4" -s 4420 -n "$NQN" -i 2 || return 1
	retry 10 nvme_disk || return 1
	timeout 60 dd if="$(nvme_disk)" of=/dev/null bs=4k count=2000 iflag=direct status=none
}

kernel_stop() {
	nvme disconnect -n "$NQN"
	retry 30 nvme_gone
	nvmet_down
}

adaptive_is() { [ "$(rdma -dj dev show "$IB" | jq '.[0]["adaptive-moderation"]')" = "$1" ]; }

# adaptive on|off true|false: CQs that the kernel makes from then on obey.
adaptive() {
	local rc=0 aux
	# CQs that ib_core has lent out once stay until the device goes.
	aux=$(basename "/sys/bus/pci/devices/$BDF0"/tulle_core.rdma.*)
	echo "$aux" >/sys/bus/auxiliary/drivers/tulle_ib.rdma/unbind
	echo "$aux" >/sys/bus/auxiliary/drivers/tulle_ib.rdma/bind
	rdma_is_back || return 1
	adaptive_is true || { echo "not on by itself"; rc=1; }
	rdma dev set "$IB" adaptive-moderation "$1" && adaptive_is "$2" || rc=1
	kernel_traffic || rc=1
	kernel_moderation >"$KTAP_TMP/dim"
	echo "moderated: $(wc -l <"$KTAP_TMP/dim")"
	cat "$KTAP_TMP/dim"
	[ "$1" = off ] && [ -s "$KTAP_TMP/dim" ] && rc=1
	[ "$1" = on ] && [ ! -s "$KTAP_TMP/dim" ] && rc=1
	kernel_stop || rc=1
	return $rc
}

ktap_begin
rdma_ports
ulimit -l unlimited
left >"$KTAP_TMP/before"
ktap_check "counters by type count, and go with their queue pairs" auto_counters
ktap_check "messages with counters are counted once" counted 200 messages 200
ktap_check "counters off" auto_off
ktap_check "messages without counters are counted once" counted 200 messages 200
ktap_check "a counter by hand" by_hand
ktap_check "bound and unbound while messages pass" counted 20000 in_and_out 20000
ktap_check "objects of a pingpong" pingpong_objects
ktap_check "objects with a shared receive queue" srq_objects
ktap_check "objects of the connection manager" cm_objects
ktap_check "huge pages of a memory region" huge_pages
for way in across within; do
	ktap_check "no doorbells while the device is awake, $way" few_doorbells $way -s 1048576 -t 512 -n 512
	ktap_check "one doorbell for a list, $way" few_doorbells $way -s 64 -l 64 -n 6400
done
ktap_check "who the device is" identity
ktap_check "how many objects there can be" quotas
ktap_check "limits are those that are told" "$HERE/limits.py" "$IB" "$GID4" "$FAR_IB" "$FAR_GID4"
# An MTU under 1280 takes the IPv6 addresses away.
ktap_check "attributes" "$HERE/attributes.py" "$IB" "$GID4" "$FAR_IB" "$FAR_GID4"
ip link set tulle0 mtu 4200
port_addresses
ktap_check "moderation of a program's events" moderation
ktap_check "adaptive moderation off" adaptive off false
ktap_check "adaptive moderation on" adaptive on true
ktap_end
