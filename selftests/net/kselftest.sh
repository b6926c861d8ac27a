#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs the kernel's own selftests on a pair of Tulle ports and fails when they
# turned out to run on anything else.
#
#   kselftest.sh [--peer] FOLDER/SCRIPT [ARGUMENT...]
#
# --peer: the other end is the second VM instead of a namespace.
. "$(dirname "$0")/../lib/env.sh"

KSFT=${KSFT:-/opt/ksft}
PEER=
[ "$1" = --peer ] && { PEER=y; shift; }
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

run_python() {
	"./$(basename "$TEST")" "$@" | tee "$KTAP_TMP/log"
	local rc=${PIPESTATUS[0]}
	grep -q '^# Interface: tulle0, driver: tulle' "$KTAP_TMP/log" || bail "$TEST did not run on a Tulle port"
	return "$rc"
}

cd "$KSFT/$(dirname "$TEST")" || bail "no $KSFT/$(dirname "$TEST"): tools/lab setup builds it"
export KSFT_MACHINE_SLOW=yes
case $TEST in
*.py)
	if [ $PEER ]; then peer_setup; else env_pair; write_config netns "$NS"; fi
	run_python "$@"
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
