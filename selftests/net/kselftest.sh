#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs the kernel's own selftests on a pair of Tulle ports and fails when they
# turned out to run on anything else.
#
#   kselftest.sh [--peer | --trickle] FOLDER/SCRIPT [ARGUMENT...]
#
# --peer: the other end is the second VM instead of a namespace.
# --trickle: a packet now and then arrives on queue 1, meanwhile.
. "$(dirname "$0")/../lib/env.sh"

KSFT=${KSFT:-/opt/ksft}
PEER='' TRICKLE=''
[ "$1" = --peer ] && { PEER=y; shift; }
[ "$1" = --trickle ] && { TRICKLE=y; shift; }
TEST=$1
shift

write_config() {
	local dir
	for dir in drivers/net drivers/net/hw; do
		cat >"$KSFT/$dir/net.config" <<-CONFIG
			NETIF=tulle0
			LOCAL_V4=$LOCAL_V4
			LOCAL_V6=$LOCAL_V6
			REMOTE_V4=$REMOTE_V4
			REMOTE_V6=$REMOTE_V6
			LOCAL_PREFIX_V6=2001:db8:2::0/64
			REMOTE_TYPE=$1
			REMOTE_ARGS=$2
		CONFIG
	done
}

bail() {
	echo "Bail out! $*"
	exit 1
}

# ssh to the second VM, kept open, as the kernel's remote helper wants it.
peer_ssh() {
	mkdir -p /root/.ssh
	ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id_ed25519
	cat >/root/.ssh/config <<-CONFIG
		Host *
			StrictHostKeyChecking no
			UserKnownHostsFile /dev/null
			LogLevel ERROR
			ControlMaster auto
			ControlPath /run/ssh-%C
			ControlPersist yes
	CONFIG
	peer "mkdir -p /root/.ssh /run/sshd; echo '$(cat /root/.ssh/id_ed25519.pub)' >/root/.ssh/authorized_keys;
		chmod 700 /root/.ssh; ssh-keygen -A >/dev/null; /usr/sbin/sshd" &&
		retry 60 ssh "root@$REMOTE_V4" true
}

peer_setup() {
	env_home
	env_require_tulle tulle0
	ip link set tulle0 up
	port_addresses
	peer "ip link set peer0 up; ip addr replace $REMOTE_V4/24 dev peer0; ip addr replace $REMOTE_V6/64 dev peer0 nodad" ||
		bail "the peer could not be configured"
	retry 20 ping -c 1 -W 1 "$REMOTE_V4" >/dev/null || bail "the peer does not answer"
	peer_ssh || bail "no ssh to the peer"
	write_config ssh "root@$REMOTE_V4"
}

# csum.py gives its receiver two seconds in all, which a slow machine needs for
# starting the sender, and asks for a receive buffer that a stock limit refuses:
# a hundred packets must wait in it when the receiver gets no CPU meanwhile. The
# last -L wins, so only receiving waits longer.
patience='sysctl -qw net.core.rmem_max=4194304
	cd /opt/ksft/net/lib && [ ! -e csum.real ] && mv csum csum.real &&
	printf "#!/bin/sh\nexec /opt/ksft/net/lib/csum.real \"\$@\" -L 4\n" >csum && chmod 755 csum'

run_python() {
	"./$(basename "$TEST")" "$@" | tee "$KTAP_TMP/log"
	local rc=${PIPESTATUS[0]}
	grep -q '^# Interface: tulle0, driver: tulle' "$KTAP_TMP/log" || bail "$TEST did not run on a Tulle port"
	return "$rc"
}

# csum.py makes a wrong checksum of the right one by inverting it: of 0x0000 that
# gives 0xffff, which is right as well. Among some hundred packets of random data
# that happens now and then, and decides nothing.
csum_run() {
	local rc try
	for try in 1 2; do
		(run_python "$@") >"$KTAP_TMP/csum"
		rc=$?
		[ $rc -ne 0 ] && [ "$try" = 1 ] && grep -q 'csum=0xffff verify=0x0$' "$KTAP_TMP/csum" || break
		echo "# once more: an inverted checksum was right"
	done
	cat "$KTAP_TMP/csum"
	return $rc
}

# A NAPI instance puts its interrupt off (napi_defer_hard_irqs) only after it has
# received something: without that, sends are completed at once whatever a test
# asks for, and no backlog builds up.
trickle_run() {
	local rc
	ethtool -X tulle0 equal 1 start 1 || bail "no indirection to queue 1"
	in_background ip netns exec "$NS" ping -q -i 0.2 "$LOCAL_V4"
	run_python "$@"
	rc=$?
	env_cleanup
	ethtool -X tulle0 default
	return $rc
}

cd "$KSFT/$(dirname "$TEST")" || bail "no $KSFT/$(dirname "$TEST"): tools/lab setup builds it"
export KSFT_MACHINE_SLOW=yes
case $TEST in
*.py)
	if [ "$TEST" = drivers/net/hw/csum.py ]; then
		bash -c "$patience"
		[ ! $PEER ] || peer "$patience"
	fi
	if [ $PEER ]; then peer_setup; else env_pair; write_config netns "$NS"; fi
	case $TRICKLE:$TEST in
	y:*) trickle_run "$@" ;;
	*/csum.py) csum_run "$@" ;;
	*) run_python "$@" ;;
	esac
	;;
drivers/net/hw/ethtool_std_stats.sh)
	# takes its ports from the configuration and wants the second elsewhere
	env_pair
	write_config netns "$NS"
	"./$(basename "$TEST")"
	;;
net/netdevice.sh)
	# it looks for ports named ethN, without an address and down, and falls
	# back to a veth pair in silence
	env_home
	env_require_tulle tulle0
	ip link set tulle0 name eth7
	"./$(basename "$TEST")" | tee "$KTAP_TMP/log"
	rc=${PIPESTATUS[0]}
	ip link set eth7 down
	ip link set eth7 name tulle0
	grep -q ' eth7: ' "$KTAP_TMP/log" || bail "$TEST did not use the Tulle port"
	n=0
	while read -r line; do
		n=$((n + 1))
		case $line in
		*PASS:*) echo "ok $n ${line#*PASS: }" ;;
		*XFAIL:* | *SKIP:*) echo "ok $n ${line#*: } # SKIP" ;;
		*) echo "not ok $n ${line#*FAIL: }" ;;
		esac
	done < <(grep -E '(PASS|FAIL|XFAIL|SKIP):' "$KTAP_TMP/log")
	echo "1..$n"
	exit "$rc"
	;;
*)
	env_home
	env_require_tulle tulle0 tulle1
	ip link set tulle0 up
	ip link set tulle1 up
	retry 20 port_carrier tulle0
	"./$(basename "$TEST")" tulle0 tulle1 "$@"
	;;
esac
