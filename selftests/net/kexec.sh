#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The next kernel is started by kexec while traffic runs: the ports are not
# reset by the machine, and must work for the driver that finds them.
. "$(dirname "$0")/../lib/env.sh"

SELF=$(readlink -f "$0")

traffic_works() {
	retry 20 port_carrier tulle0 && retry 20 ping -c 1 -W 1 "$REMOTE_V4" &&
		iperf_ok 100000 -c "$REMOTE_V4" -t 2 && iperf_ok 100000 -c "$REMOTE_V4" -t 2 -R
}

# The numbers go on where the first kernel stopped.
second_kernel() { # CASES SO FAR
	KTAP_N=$1
	env_pair
	iperf_server
	ktap_check "traffic after kexec" traffic_works
	ktap_end
}

[ "$1" != --second ] || second_kernel "$2"

ktap_begin
env_pair
iperf_server
ktap_check "traffic before kexec" traffic_works
[ $KTAP_BAD -eq 0 ] || ktap_end
in_background iperf3 -c "$REMOTE_V4" -t 600
sleep 2
kexec-into "cd '$PWD' && '$SELF' --second $KTAP_N"
echo "Bail out! kexec did not start another kernel"
exit 1
