#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What Documentation/lab.rst promises: statuses, helpers in the guest, the kernel
# log as part of the result, two runs at once. KERNEL=... takes another guest kernel.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tools/checks/tap.sh
. tools/checks/tap.sh

lab() { tools/lab exec --kernel "${KERNEL:-7.3}" "$@"; }

ends_with() { # STATUS OPTION...
	local want=$1 got=0
	shift
	lab "$@" || got=$?
	echo "status $got, expected $want"
	[ $got = "$want" ]
}

says() { # TEXT OPTION...
	local want=$1 got
	shift
	got=$(lab --quiet "$@") || return 1
	echo "said '$got', expected '$want'"
	[ "$got" = "$want" ]
}

# Nothing is lost of either, and they take neither files nor ports from each other.
two_at_once() {
	says first -- 'sleep 5; echo first' &
	says second --topology two -- 'peer "sleep 5; echo second"' || { wait; return 1; }
	wait $!
}

# Boots that fail are repeated once, and not if the device may have to do with it.
# Without its folder init gives up; without init the kernel does, with no word of
# having left the probing of devices behind.
boots_again() { # TIMES WORD
	local rc=0 again
	lab --quiet --append "$2" -- true >"$TAP_TMP/boot" 2>&1 || rc=$?
	again=$(grep -c 'booting again, once' "$TAP_TMP/boot")
	echo "status $rc, $again times again, expected $1"
	[ $rc = 125 ] && [ "$again" = "$1" ]
}

# Between the shell's last word and the kernel's.
nothing_runs_at_the_end() {
	local console
	lab -- '(while :; do echo "left behind" >/dev/kmsg; sleep 0.01; done) & sleep 1' >"$TAP_TMP/end" 2>&1 ||
		{ cat "$TAP_TMP/end"; return 1; }
	console=$(sed -n 's/.*; logs in //p' "$TAP_TMP/end")/console-a.log
	grep -q 'left behind' "$console" && grep -q 'lab: every process is gone' "$console" || return 1
	! sed '1,/lab: every process is gone/d' "$console" | grep 'left behind'
}

PORTS='for i in 0 1 2 3; do
	pci=$(ethtool -i tulle$i | sed -n "s/^bus-info: //p")
	[ "$(echo $TULLE_PCI | cut -d" " -f$((i + 1)))" = "$pci" ] || exit 1
done
ip -br link show up | grep -q tulle && exit 2
[ "$TULLE_TOPOLOGY" = pair ] && [ -n "$TULLE_KERNEL" ]'

HELPERS='peer "exit 5"; [ $? = 5 ] || exit 1
[ "$(peer "cat; echo there" </dev/null)" = there ] || exit 2
hmp info version | grep -q 10 || exit 3
qmp "{\"execute\":\"query-status\"}" | grep -q running || exit 4
qmp "{\"execute\":\"no-such-command\"}" && exit 5
freeze 3 || exit 6
# The button is pressed before anything sleeps.
freeze 0 || exit 8
peer "sleep 100" & sleep 2; kill $!; wait $!
peer "pgrep -x sleep" && exit 7
exit 0'

tap_case "the command's status" ends_with 7 -- 'exit 7'
tap_case "several words are a command and its arguments" says 'a b|$HOME|' -- printf '%s|' 'a b' '$HOME'
tap_case "both streams, in order" says $'one\ntwo\nthree' -- 'echo one; echo two >&2; echo three'
tap_case "out of time" ends_with 124 --timeout 3 -- 'sleep 600'
tap_case "a bad line in the kernel log" ends_with 125 -- 'echo "WARNING: made up" >/dev/kmsg'
tap_case "one that is permitted" ends_with 0 --allow-log 'WARNING: made up' -- 'echo "WARNING: made up" >/dev/kmsg'
tap_case "a permission for anything is refused" ends_with 125 --allow-log '.*' -- true
tap_case "a guest that dies" ends_with 125 -- 'echo c >/proc/sysrq-trigger; sleep 60'
tap_case "a guest that dies far from the device is booted again" boots_again 1 lab.run=none
tap_case "one that dies while it probes devices is not" boots_again 0 rdinit=/none
tap_case "ports by their slots, and what the guest is told" ends_with 0 --ports 4 -- "$PORTS"
tap_case "peer, qmp, hmp and freeze" ends_with 0 --topology two -- "$HELPERS"
tap_case "no process is left when the power goes" nothing_runs_at_the_end
tap_case "two runs at once" two_at_once
tap_end
