#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Each point of the fault plan: it happens, it is reported where it is a
# failure, and the port works again without a reboot. The same seed gives the
# same counters. With QUICK=1 not every command of a change fails once.
. "$(dirname "$0")/../lib/env.sh"
. "$(dirname "$0")/../lib/faults.sh"

STEP=${QUICK:+12}
STEP=${STEP:-1}
BDF=pci/$(port_pci tulle0)

reporter() { # REPORTER FIELD
	local handle=tulle0
	[ "$1" != fw ] || handle=$BDF
	devlink -j health show "$handle" reporter "$1" | jq -r ".health[][0].$2"
}

more_errors() { [ "$(reporter "$1" error)" -gt "$2" ]; } # REPORTER THAN

healthy() { [ "$(reporter "${1:-fw}" state)" = healthy ]; }

works() {
	retry 30 port_carrier tulle0 && retry 30 ping -c 1 -W 1 "$REMOTE_V4" &&
		iperf_ok 100000 -c "$REMOTE_V4" -t 1
}

remote_stat() { in_ns cat "/sys/class/net/tulle1/statistics/$1"; }
remote_fec() { in_ns ethtool -I --show-fec tulle1 | sed -n "s/^ *$1: //p"; }

# What the far end counted of it.
remote_counts() {
	in_ns ethtool -S tulle1 --groups eth-mac | sed -n 's/^.*FrameCheckSequenceErrors: //p'
	remote_fec corrected_blocks
	remote_fec corrected_bits
}

# The wire loses, bends or shuffles frames: TCP repairs it, counters tell.
wire() { # POINT PROBABILITY
	set_faults "seed=7;$1:p=$2" || return 1
	iperf_ok 100000 -c "$REMOTE_V4" -t 4 || return 1
	iperf_ok 100000 -c "$REMOTE_V4" -t 4 -R || return 1
	happened "$1" || return 1
	set_faults "" && works
}

# The far end's MAC drops what is corrupt, and says so.
wire_corrupt() {
	local before
	before=$(remote_stat rx_crc_errors)
	wire wire_corrupt 0.01 || return 1
	retry 5 eval "[ \$(remote_stat rx_crc_errors) -gt $before ]" || { echo "no rx_crc_errors"; return 1; }
}

# Frames that all come late by a millisecond or two make a slow path.
wire_delay() {
	local rtt
	wire wire_delay 0.05 && set_faults "wire_delay" || return 1
	ping -c 20 -i 0.05 -W 2 "$REMOTE_V4" >"$KTAP_TMP/ping" || return 1
	set_faults ""
	rtt=$(sed -n 's,^rtt .* = \([0-9]*\)\..*,\1,p' "$KTAP_TMP/ping")
	[ "$rtt" -ge 1 ] || { cat "$KTAP_TMP/ping"; return 1; }
}

# FEC corrects and counts; without it the frames are lost, as corrupt ones.
wire_symbol() {
	local blocks bits errors
	blocks=$(remote_fec corrected_blocks)
	bits=$(remote_fec corrected_bits)
	errors=$(remote_stat rx_crc_errors)
	wire wire_symbol 0.05 || return 1
	retry 5 eval "[ \$(remote_fec corrected_blocks) -gt $blocks ] && [ \$(remote_fec corrected_bits) -gt $bits ]" ||
		{ in_ns ethtool -I --show-fec tulle1; return 1; }
	sleep 0.5
	[ "$(remote_stat rx_crc_errors)" -eq "$errors" ] || { echo "FEC is on, and frames are lost"; return 1; }

	ethtool --set-fec tulle0 encoding off && in_ns ethtool --set-fec tulle1 encoding off && works || return 1
	blocks=$(remote_fec corrected_blocks)
	wire wire_symbol 0.01 || return 1
	retry 5 eval "[ \$(remote_stat rx_crc_errors) -gt $errors ]" || { echo "no FEC, and nothing is lost"; return 1; }
	[ "$(remote_fec corrected_blocks)" -eq "$blocks" ] || { echo "no FEC, and it corrects"; return 1; }
	ethtool --set-fec tulle0 encoding auto && in_ns ethtool --set-fec tulle1 encoding auto && works
}

# One-way frames and nothing else on the wire, so that both runs see the same:
# of the faults, and of what they did at the far end.
same_seed_same_counters() { # POINT
	local i before after
	sysctl -qw net.ipv6.conf.tulle0.disable_ipv6=1
	in_ns sysctl -qw net.ipv6.conf.tulle1.disable_ipv6=1
	for i in 1 2; do
		sleep 0.5
		mapfile -t before < <(remote_counts)
		set_faults "seed=42;$1:p=0.05" || return 1
		mausezahn tulle0 -q -c 2000 -b 02:00:00:00:00:99 -p 100 "88:b5" || return 1
		sleep 0.5
		fault_counters >"$KTAP_TMP/seed$i"
		happened "$1" || return 1
		set_faults "" || return 1
		mapfile -t after < <(remote_counts)
		echo $((after[0] - before[0])) $((after[1] - before[1])) $((after[2] - before[2])) >>"$KTAP_TMP/seed$i"
	done
	sysctl -qw net.ipv6.conf.tulle0.disable_ipv6=0
	in_ns sysctl -qw net.ipv6.conf.tulle1.disable_ipv6=0
	port_addresses
	remote_addresses
	cat "$KTAP_TMP/seed1" "$KTAP_TMP/seed2"
	cmp "$KTAP_TMP/seed1" "$KTAP_TMP/seed2"
}

command_timeout() {
	local before
	before=$(reporter fw error)
	set_faults "cmd_timeout:n=1,c=1" || return 1
	ethtool -S tulle0 >/dev/null
	ip link set tulle0 mtu 1600
	retry 60 happened cmd_timeout || { happened cmd_timeout; return 1; }
	set_faults ""
	retry 60 more_errors fw "$before" || { devlink health show "$BDF"; return 1; }
	retry 60 healthy || { devlink health show "$BDF"; return 1; }
	port_addresses
	works
}

# What the settings are that command_failure() changes.
settings() {
	cat /sys/class/net/tulle0/mtu
	ethtool -g tulle0 | sed -n '/^Current/,$p'
	ethtool -l tulle0 | sed -n '/^Current/,$p'
	ethtool -x tulle0
}

# Each command of a change fails in turn: the change fails, and everything is as
# it was; a command that only cleans up behind a change may fail unnoticed. No
# other commands meanwhile: the driver asks for no counters.
command_failure() { # CHANGE BACK
	local n rc refused=0
	for ((n = 1; n < 200; n += STEP)); do
		quiet || return 1
		sleep 0.5
		settings >"$KTAP_TMP/before"
		set_faults "cmd_fail:n=$n,c=1" >"$KTAP_TMP/set" || return 1
		eval "$1"
		rc=$?
		fault_count cmd_fail >"$KTAP_TMP/hits"
		set_faults "" >"$KTAP_TMP/set" || return 1
		[ "$(cat "$KTAP_TMP/hits")" = 1 ] || break
		settings >"$KTAP_TMP/after"
		if [ $rc -ne 0 ]; then
			refused=$((refused + 1))
			diff "$KTAP_TMP/before" "$KTAP_TMP/after" || { echo "command $n failed, and something changed"; return 1; }
		else
			echo "command $n failed and nobody cared"
			cmp -s "$KTAP_TMP/before" "$KTAP_TMP/after" && { echo "nothing has changed"; return 1; }
			retry 30 healthy && retry 10 eval "$2" || return 1
		fi
		retry 30 healthy && retry 30 ping -c 1 -W 1 "$REMOTE_V4" || return 1
	done
	[ $rc -eq 0 ] || { echo "it fails without a fault"; return 1; }
	[ $refused -gt 0 ] || { echo "nothing was refused in $n rounds"; return 1; }
	echo "$refused commands that failed made it fail, of $((n - 1))"
	eval "$2" && not_quiet && works
}

# An interrupt that is lost is no failure: the driver looks for it.
irq_lost() {
	set_faults "seed=3;irq_lost:p=0.02,c=5" || return 1
	iperf_ok 100000 -c "$REMOTE_V4" -t 8 || return 1
	iperf_ok 100000 -c "$REMOTE_V4" -t 8 -R || return 1
	happened irq_lost && set_faults "" && works
}

# A receive queue without a completion has a gap: it is reported and made anew.
cqe_lost() {
	local before
	before=$(reporter rx error)
	set_faults "seed=3;cqe_lost:p=0.02,c=20" || return 1
	iperf_ok 100000 -c "$REMOTE_V4" -t 8
	iperf_ok 100000 -c "$REMOTE_V4" -t 8 -R
	happened cqe_lost && set_faults "" || return 1
	retry 10 more_errors rx "$before" || { devlink health show tulle0; return 1; }
	retry 30 healthy rx && retry 30 healthy tx || { devlink health show tulle0; return 1; }
	works
}

dies() { # POINT
	local before
	before=$(reporter fw error)
	set_faults "$1:n=1,c=1" || return 1
	ping -c 3 -i 0.2 -W 1 "$REMOTE_V4"
	retry 60 more_errors fw "$before" || { devlink health show "$BDF"; return 1; }
	set_faults ""
	retry 60 healthy || { devlink health show "$BDF"; return 1; }
	works
}

health_test() {
	local before
	before=$(reporter fw error)
	devlink health test "$BDF" reporter fw || return 1
	retry 60 more_errors fw "$before" || return 1
	retry 60 healthy || return 1
	devlink health dump show "$BDF" reporter fw | tee "$KTAP_TMP/dump"
	grep -qi syndrome "$KTAP_TMP/dump" || return 1
	devlink health dump clear "$BDF" reporter fw
	devlink health diagnose "$BDF" reporter fw || return 1
	works
}

ktap_begin
env_pair
iperf_server
ktap_check "wire loss" wire wire_loss 0.01
ktap_check "wire corruption" wire_corrupt
ktap_check "wire reorder" wire wire_reorder 0.01
ktap_check "wire delay" wire_delay
ktap_check "symbol errors" wire_symbol
for point in loss corrupt reorder delay symbol; do
	ktap_check "same seed, same counters: wire_$point" same_seed_same_counters wire_$point
done
ethtool -L tulle0 combined 2
ktap_check "command failure: MTU" command_failure "ip link set tulle0 mtu 1600" "ip link set tulle0 mtu 1500"
ktap_check "command failure: rings" command_failure "ethtool -G tulle0 rx 256 tx 256" "ethtool -G tulle0 rx 512 tx 1024"
ktap_check "command failure: more channels" command_failure "ethtool -L tulle0 combined 3" "ethtool -L tulle0 combined 2"
ktap_check "command failure: fewer channels" command_failure "ethtool -L tulle0 combined 1" "ethtool -L tulle0 combined 2"
ktap_check "command failure: RSS table" command_failure "ethtool -X tulle0 equal 1" "ethtool -X tulle0 default"
ktap_check "command timeout" command_timeout
ktap_check "lost interrupt" irq_lost
ktap_check "lost completion" cqe_lost
ktap_check "engine stall" dies engine_stall
ktap_check "firmware crash" dies fw_crash
ktap_check "devlink health test" health_test
ktap_end
