#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What a port takes in: its addresses, VLANs, promiscuous mode, by frames that the
# far end sends and a packet socket gets or does not get, and through whatever
# makes the driver tell the device all of it again.
. "$(dirname "$0")/../lib/env.sh"
. "$(dirname "$0")/../lib/device.sh"
. "$(dirname "$0")/../lib/faults.sh"
. "$(dirname "$0")/../lib/liar.sh"

COMMANDS=/sys/kernel/debug/tulle/$BDF0/commands
MANY=300

BROADCAST=ff:ff:ff:ff:ff:ff
FOREIGN=02:00:00:00:ff:01
GROUP=01:00:5e:7f:00:01 OTHER_GROUP=33:33:00:ff:00:02

# The prober: a line names frames, DESTINATION[/TYPE.VID]..., and its answer is
# how many of them came in at tulle0. All of them go to queue 0 and so stay in
# order: when the broadcast sent after them is there, what is missing was dropped.
probe_start() {
	cat >"$KTAP_TMP/probe.py" <<-'END'
		import os, socket, sys, time
		OUTGOING = 4
		def raw(name):
		    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
		    sock.bind((name, 3))
		    return sock
		here = raw("tulle0")
		here.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)  # SO_RCVBUFFORCE
		os.setns(os.open(f"/run/netns/{sys.argv[1]}", os.O_RDONLY))
		there = raw("tulle1")
		own = there.getsockname()[4]
		def frame(spec, text):
		    dst, *tags = spec.split("/")
		    head = bytes.fromhex(dst.replace(":", "")) + own
		    for tag in tags:
		        kind, vid = tag.split(".")
		        head += bytes.fromhex(kind) + int(vid).to_bytes(2, "big")
		    return head + b"\x88\xb5" + text.ljust(60)
		def attempt(specs, run):
		    for i, spec in enumerate(specs):
		        there.send(frame(spec, b"probe %d %d end" % (run, i)))
		    there.send(frame("ff:ff:ff:ff:ff:ff", b"probe %d last end" % run))
		    seen, end = set(), time.monotonic() + 2
		    while (left := end - time.monotonic()) > 0:
		        here.settimeout(left)
		        data, address = here.recvfrom(4096)
		        words = data[data.find(b"probe "):].split()
		        if address[2] == OUTGOING or words[:2] != [b"probe", b"%d" % run]:
		            continue
		        if words[2] == b"last":
		            return len(seen)
		        seen.add(words[2])
		    return None
		for run, line in enumerate(sys.stdin):
		    found = None
		    for again in range(20):
		        try:
		            found = attempt(line.split(), run * 20 + again)
		        except OSError:  # down, or a timeout
		            time.sleep(0.2)
		        if found is not None:
		            break
		    print(-1 if found is None else found, flush=True)
	END
	coproc PROBE { exec python3 "$KTAP_TMP/probe.py" "$NS" 2>&1; }
	# shellcheck disable=SC2154
	ENV_PIDS+=("$PROBE_PID")
}

came_in() { # NUMBER FRAME...
	local got
	echo "${*:2}" >&"${PROBE[1]}" && read -r -t 120 got <&"${PROBE[0]}" || return 1
	[ "$got" = "$1" ] && return 0
	echo "$got of ${*:2:4}.. came in, not $1"
	return 1
}

# The stack tells the driver some time after the command: wait for it.
takes() { retry 10 came_in $# "$@"; }
drops() { retry 10 came_in 0 "$@"; }

port_counter() { ethtool -S tulle0 | sed -n "s/^ *$1: //p"; }
rules() { device_get tulle0 objects | grep -o '\brule=[0-9]*' | cut -d= -f2; }
rules_are() { [ "$(rules)" = "$1" ] || { echo "$(rules) rules, not $1"; return 1; }; }
uc() { bridge fdb "$1" "$2" dev tulle0 self permanent; }
mc() { ip maddr "$1" "$2" dev tulle0; }

addresses() {
	local before
	takes "$MAC" $BROADCAST "$MAC" || return 1
	before=$(port_counter rx_steer_drops)
	drops $FOREIGN $FOREIGN $FOREIGN $GROUP $OTHER_GROUP || return 1
	[ "$(($(port_counter rx_steer_drops) - before))" -ge 5 ] || { echo "drops are not counted"; return 1; }
}

promisc() {
	ip link set tulle0 promisc on
	takes $FOREIGN $GROUP "$MAC/8100.9" $FOREIGN/88a8.9 $OTHER_GROUP/8100.9 || return 1
	ip link set tulle0 promisc off
	drops $FOREIGN $GROUP "$MAC/8100.9" $FOREIGN/88a8.9 && takes "$MAC"
}

group() {
	mc add $GROUP && takes $GROUP && drops $OTHER_GROUP || return 1
	mc add $OTHER_GROUP && takes $GROUP $OTHER_GROUP || return 1
	mc del $GROUP && drops $GROUP && takes $OTHER_GROUP || return 1
	mc del $OTHER_GROUP && drops $GROUP $OTHER_GROUP || return 1
	# as a program joins
	ip addr add 239.1.2.3/32 dev tulle0 autojoin && takes 01:00:5e:01:02:03 || return 1
	ip addr del 239.1.2.3/32 dev tulle0 && drops 01:00:5e:01:02:03
}

allmulti() {
	ip link set tulle0 allmulticast on
	takes $GROUP $OTHER_GROUP 01:80:c2:00:00:0e && drops $FOREIGN $GROUP/8100.9 || return 1
	# a group in between is neither lost nor left behind
	mc add $GROUP
	ip link set tulle0 allmulticast off
	drops $OTHER_GROUP && takes $GROUP || return 1
	mc del $GROUP && drops $GROUP
}

# It has an address of its own, in traffic too.
macvlan_add() { # NUMBER
	ip link add link tulle0 name "m$1" address "02:00:00:00:01:0$1" type macvlan mode bridge &&
		ip addr add "192.0.1$1.1/24" dev "m$1" && ip link set "m$1" up &&
		in_ns ip addr add "192.0.1$1.2/24" dev tulle1
}

macvlans() {
	local i
	# or tulle0 answers for all of them
	sysctl -qw net.ipv4.conf.all.arp_ignore=1
	drops 02:00:00:00:01:0{1,2,3} || return 1
	for i in 1 2 3; do
		macvlan_add $i || return 1
	done
	takes 02:00:00:00:01:0{1,2,3} "$MAC" && drops 02:00:00:00:01:04 || return 1
	for i in 1 2 3; do
		retry 10 in_ns ping -q -c 1 -W 1 "192.0.1$i.1" || return 1
		in_ns ip neigh show "192.0.1$i.1" | grep "02:00:00:00:01:0$i" || { in_ns ip neigh; return 1; }
	done
	ip link del m2
	drops 02:00:00:00:01:02 && takes 02:00:00:00:01:0{1,3} && retry 10 in_ns ping -q -c 1 -W 1 192.0.13.1 || return 1
	ip link set m3 address 02:00:00:00:01:04
	takes 02:00:00:00:01:0{1,4} && drops 02:00:00:00:01:03 || return 1
	ip link del m1 && ip link del m3
	drops 02:00:00:00:01:0{1,2,3,4} && takes "$MAC"
}

# The ip program does only the first of a batch of groups.
groups() { # REQUEST ADDRESS...
	python3 - "$@" <<-'END'
		import fcntl, socket, struct, sys
		SIOC = {"add": 0x8931, "del": 0x8932}[sys.argv[1]]
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
		    for text in sys.argv[2:]:
		        address = bytes.fromhex(text.replace(":", ""))
		        fcntl.ioctl(sock, SIOC, struct.pack("16sH14s8x", b"tulle0", 0, address))
	END
}

many_addresses() { # add|del
	printf "fdb $1 %s dev tulle0 self permanent\n" "${UCS[@]}" | bridge -batch - && groups "$1" "${MCS[@]}"
}

many() {
	local i UCS=() MCS=() before
	for ((i = 0; i < MANY; i++)); do
		UCS+=("$(printf '02:00:00:02:%02x:%02x' $((i / 256)) $((i % 256)))")
		MCS+=("$(printf '03:00:00:02:%02x:%02x' $((i / 256)) $((i % 256)))")
	done
	before=$(rules)
	drops "${UCS[@]}" && drops "${MCS[@]}" || return 1
	many_addresses add && takes "${UCS[@]}" && takes "${MCS[@]}" && drops $FOREIGN $OTHER_GROUP || return 1
	retry 10 rules_are $((before + 2 * MANY)) || return 1
	down_up && takes "${UCS[@]}" && takes "${MCS[@]}" && drops $FOREIGN $OTHER_GROUP || return 1
	many_addresses del && drops "${UCS[@]}" && drops "${MCS[@]}" && takes "$MAC" && retry 10 rules_are "$before"
}

# The seed with which the first COUNT lies about a status say QUOTA or NOMEM. The
# device has room for two million rules: there is no other way to fill it.
quota_seed() { # COUNT
	python3 - "$1" "$(lies | grep -nx cmd_status | cut -d: -f1)" <<-'END'
		import itertools, sys
		M = (1 << 64) - 1
		def rng(state):
		    state = state + 0x9e3779b97f4a7c15 & M
		    z = (state ^ state >> 30) * 0xbf58476d1ce4e5b9 & M
		    z = (z ^ z >> 27) * 0x94d049bb133111eb & M
		    return state, z ^ z >> 31
		def fits(seed):
		    _, state = rng(seed * 0xd1342543de82ef95 + int(sys.argv[2]) - 1 & M)
		    for _ in range(int(sys.argv[1])):
		        state, r = rng(state)
		        if not r & 1 or r >> 32 & 0xff not in (7, 8):
		            return False
		    return True
		print(next(filter(fits, itertools.count(1))))
	END
}

failed_adds() { awk '$1 == "ADD_RULES" { n = $3 } END { print n + 0 }' "$COMMANDS"; }
told_all() { [ "$(told cmd_status)" = "$1" ]; }

# no_room COUNT COMMAND...: the device refuses the next COUNT rules.
no_room() {
	local n=$1 rc=0 seed before
	shift
	seed=$(quota_seed "$n") && quiet && before=$(failed_adds) || return 1
	set_faults "cmd_fail:n=1,c=$n" && set_lies "seed=$seed;cmd_status:n=1,c=$n" && "$@" || rc=1
	retry 5 told_all "$n" && [ "$(fault_count cmd_fail)" = "$n" ] || { echo "told $(told cmd_status)"; rc=1; }
	set_lies "" && set_faults "" || rc=1
	[ $(($(failed_adds) - before)) = "$n" ] || { echo "it was not $n rules that failed"; cat "$COMMANDS"; rc=1; }
	return $rc
}

overflow_uc() {
	drops 02:00:00:00:02:01 && no_room 1 uc add 02:00:00:00:02:01 || return 1
	# any address, in the VLANs that are there
	takes 02:00:00:00:02:01 $FOREIGN $GROUP && drops "$MAC/8100.9" || return 1
	# the next change finds room
	uc add 02:00:00:00:02:02 && drops $FOREIGN $GROUP && takes 02:00:00:00:02:01 02:00:00:00:02:02 "$MAC" || return 1
	uc del 02:00:00:00:02:01 && uc del 02:00:00:00:02:02 && drops 02:00:00:00:02:01 02:00:00:00:02:02
}

overflow_mc() { # RULES: without room for the group, or for all groups either
	drops $GROUP && no_room "$1" mc add $GROUP && takes $GROUP $OTHER_GROUP || return 1
	if [ "$1" = 1 ]; then drops $FOREIGN; else takes $FOREIGN; fi || return 1
	drops "$MAC/8100.9" || return 1
	mc add 03:00:00:00:02:02 && drops $OTHER_GROUP $FOREIGN && takes $GROUP 03:00:00:00:02:02 || return 1
	mc del $GROUP && mc del 03:00:00:00:02:02 && drops $GROUP 03:00:00:00:02:02
}

vlan_add() { # ID [PROTOCOL]
	ip link add link tulle0 name "v$1${2:+s}" type vlan protocol "${2:-802.1q}" id "$1"
}

vlans() {
	drops "$MAC"/8100.{5,6} && vlan_add 5 || return 1
	takes "$MAC/8100.5" "$MAC" $BROADCAST/8100.5 && drops "$MAC/8100.6" $FOREIGN/8100.5 $GROUP/8100.5 || return 1
	vlan_add 6 && vlan_add 4094 && takes "$MAC"/8100.{5,6,4094} || return 1
	ip link del v5 && drops "$MAC/8100.5" && takes "$MAC"/8100.{6,4094} || return 1
	# the inner one does not count, and a priority is no VLAN
	drops "$MAC/8100.5/8100.6" && takes "$MAC/8100.6/8100.5" "$MAC/8100.0" || return 1
	ip link del v6 && ip link del v4094 && drops "$MAC"/8100.{5,6,4094}
}

# Both kinds of tag share a rule: it goes with the last that wants it.
service_vlans() {
	drops "$MAC"/{8100,88a8}.7 && vlan_add 7 802.1ad && takes "$MAC/88a8.7" && drops "$MAC/88a8.8" || return 1
	vlan_add 7 && ip link del v7s && takes "$MAC/8100.7" || return 1
	ip link del v7 && drops "$MAC"/{8100,88a8}.7
}

vlan_filter_off() {
	local feature
	vlan_add 5 || return 1
	for feature in rx-vlan-filter rx-vlan-stag-filter; do
		drops "$MAC"/{8100,88a8}.9 || return 1
		ethtool -K tulle0 $feature off || return 1
		takes "$MAC"/{8100,88a8}.9 "$MAC/8100.5" && drops $FOREIGN/8100.9 || return 1
		# made and removed while nobody filters
		vlan_add 6 && ip link del v5 || return 1
		ethtool -K tulle0 $feature on || return 1
		drops "$MAC"/{8100,88a8}.9 "$MAC/8100.5" && takes "$MAC/8100.6" || return 1
		ip link del v6 && vlan_add 5 && takes "$MAC/8100.5" || return 1
	done
	ip link del v5 && drops "$MAC/8100.5"
}

FILTERS=()
UNWANTED=("$FOREIGN" "$OTHER_GROUP" 02:00:00:00:03:02)

filters_set() {
	uc add 02:00:00:00:03:01 && mc add $GROUP && vlan_add 5 && vlan_add 7 802.1ad || return 1
	FILTERS=(02:00:00:00:03:01 "$GROUP")
}

filters_hold() {
	takes "$MAC" $BROADCAST "${FILTERS[@]}" "$MAC/8100.5" "$MAC/88a8.7" && drops "${UNWANTED[@]}" "$MAC"/8100.{6,9}
}

down_up() {
	ip link set tulle0 down
	ip link set tulle0 up
	port_addresses
	retry 20 port_carrier tulle0
}

reset_function() { flr && retry 30 port_carrier tulle0; }

# survives COMMAND...: all filters, and each mode, twice.
survives() {
	filters_hold && "$@" && filters_hold || return 1
	ip link set tulle0 allmulticast on
	takes $OTHER_GROUP && "$@" && takes $OTHER_GROUP && drops $FOREIGN || return 1
	ip link set tulle0 allmulticast off
	ip link set tulle0 promisc on
	takes $FOREIGN "$MAC/8100.9" && "$@" && takes $FOREIGN "$MAC/8100.9" || return 1
	ip link set tulle0 promisc off
	filters_hold
}

# What is told to a closed interface it knows when it opens.
closed() {
	filters_hold || return 1
	ip link set tulle0 down
	uc add 02:00:00:00:03:02 && uc del 02:00:00:00:03:01 && mc add $OTHER_GROUP && mc del $GROUP || return 1
	vlan_add 6 && ip link del v5 || return 1
	ip link set tulle0 up
	port_addresses
	retry 20 port_carrier tulle0
	takes "$MAC" 02:00:00:00:03:02 $OTHER_GROUP "$MAC/8100.6" && drops 02:00:00:00:03:01 $GROUP "$MAC/8100.5" || return 1
	uc del 02:00:00:00:03:02 && uc add 02:00:00:00:03:01 && mc del $OTHER_GROUP && mc add $GROUP || return 1
	vlan_add 5 && ip link del v6 && filters_hold
}

set_mac() { # ADDRESS
	ip link set tulle0 address "$1" && MAC=$1
}

# The address is a filter itself: the old one goes, open or closed. One that it
# shares with a filter stays with that.
mac_change() {
	local old=$MAC
	drops 02:00:00:00:04:01 && set_mac 02:00:00:00:04:01 && filters_hold && drops "$old" || return 1
	ip link set tulle0 down
	set_mac 02:00:00:00:04:02 || return 1
	ip link set tulle0 up
	port_addresses
	retry 20 port_carrier tulle0
	filters_hold && drops "$old" 02:00:00:00:04:01 || return 1
	set_mac 02:00:00:00:03:01 && set_mac "$old" && filters_hold && drops 02:00:00:00:04:02 || return 1
	retry 20 ping -q -c 1 -W 1 "$REMOTE_V4"
}

# away COMMAND...: while the firmware is down, and the stack tells the driver nothing
away() {
	local rc=0
	devlink health set "pci/$BDF0" reporter fw auto_recover false || return 1
	devlink health test "pci/$BDF0" reporter fw
	{ retry 20 fw_is error && "$@"; } || rc=1
	devlink health recover "pci/$BDF0" reporter fw && retry 20 fw_is healthy || rc=1
	devlink health set "pci/$BDF0" reporter fw auto_recover true
	retry 30 port_carrier tulle0 && return $rc
}

away_changes() {
	uc add 02:00:00:00:03:02 && uc del 02:00:00:00:03:01 && ip link del v5 && ip addr add 239.1.2.3/32 dev tulle0 autojoin
}

changed_away() {
	filters_hold && away away_changes || return 1
	takes "$MAC" 02:00:00:00:03:02 $GROUP 01:00:5e:01:02:03 "$MAC/88a8.7" && drops 02:00:00:00:03:01 "$MAC/8100.5" || return 1
	ip addr del 239.1.2.3/32 dev tulle0
	uc del 02:00:00:00:03:02 && uc add 02:00:00:00:03:01 && vlan_add 5 && filters_hold
}

filters_gone() {
	uc del 02:00:00:00:03:01 && mc del $GROUP && ip link del v5 && ip link del v7s || return 1
	drops "${FILTERS[@]}" "${UNWANTED[@]}" "$MAC"/{8100.5,88a8.7} && takes "$MAC" && retry 10 rules_are "$RULES"
}

ktap_begin
env_pair
CHANNELS=$(ethtool -l tulle0 | sed -n '/^Current/,$s/^Combined:[[:space:]]*//p')
ethtool -L tulle0 combined 1
MAC=$(cat /sys/class/net/tulle0/address)
RULES=$(rules)
probe_start
ktap_check "own, foreign and group addresses" addresses
ktap_check "promiscuous" promisc
ktap_check "groups" group
ktap_check "all groups" allmulti
ktap_check "macvlans" macvlans
ktap_check "$((2 * MANY)) addresses" many
ktap_check "no room for an address" overflow_uc
ktap_check "no room for a group" overflow_mc 1
ktap_check "no room for all groups" overflow_mc 2
ktap_check "VLANs" vlans
ktap_check "service VLANs" service_vlans
ktap_check "VLAN filter off" vlan_filter_off
ktap_check "filters" eval "filters_set && filters_hold"
ktap_check "filters survive down and up" survives down_up
ktap_check "filters change while down" closed
ktap_check "another address" mac_change
ktap_check "filters survive a reset of the function" survives reset_function
ktap_check "filters change while the firmware is down" changed_away
ktap_check "filters gone" filters_gone
# Others come after in the same boot.
sysctl -qw net.ipv4.conf.all.arp_ignore=0
not_quiet
ethtool -L tulle0 combined "$CHANNELS"
ktap_end
