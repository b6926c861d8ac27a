#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# A Tulle port (tulle0) against whatever NIC the second VM has: ping and iperf3
# both ways, and a transfer compared by hash, so that no bug of ours hides
# behind its mirror image.
. "$(dirname "$0")/../lib/env.sh"

PEER_DEV=$(peer "ls /sys/class/net" | grep -xE 'peer0|tulle0')

both_mtu() { ip link set tulle0 mtu "$1" && peer "ip link set $PEER_DEV mtu $1"; }
ping_size() { ping -c 3 -i 0.1 -W 2 -M "do" -s "$1" "$REMOTE_V4"; }
ping6_size() { ping -6 -c 3 -i 0.1 -W 2 -M "do" -s "$1" "$REMOTE_V6"; }

sha_transfer() { # MiB
	peer "nohup sh -c 'socat -u TCP-LISTEN:5300,reuseaddr - | sha256sum > /tmp/got' >/dev/null 2>&1 &"
	retry 10 eval "peer 'ss -Hltn sport = :5300' | grep -q ."
	dd if=/dev/urandom of="$KTAP_TMP/data" bs=1M count="$1" status=none
	socat -u "OPEN:$KTAP_TMP/data" "TCP:$REMOTE_V4:5300" || return 1
	retry 10 peer "test -s /tmp/got"
	[ "$(peer 'cut -c1-64 /tmp/got')" = "$(sha256sum <"$KTAP_TMP/data" | cut -c1-64)" ]
}

ktap_begin
env_require_tulle tulle0
echo "# peer: $(peer "ethtool -i $PEER_DEV" | head -n 1)"
ip link set tulle0 up
port_addresses
peer "ip link set $PEER_DEV up; ip addr replace $REMOTE_V4/24 dev $PEER_DEV; ip addr replace $REMOTE_V6/64 dev $PEER_DEV nodad"
ktap_check "the peer answers" retry 30 ping -c 1 -W 1 "$REMOTE_V4"
ktap_check "ping v4 1500" ping_size 1472
ktap_check "ping v6 1500" ping6_size 1452
peer "nohup iperf3 -s >/dev/null 2>&1 &"
retry 15 eval "peer 'ss -Hltn sport = :5201' | grep -q ."
ktap_check "tcp" iperf_ok 1000000 -c "$REMOTE_V4" -t 4
ktap_check "tcp reverse" iperf_ok 1000000 -c "$REMOTE_V4" -t 4 -R
ktap_check "tcp 8 streams" iperf_ok 1000000 -c "$REMOTE_V4" -t 4 -P 8
ktap_check "tcp v6 both ways" iperf_ok 1000000 -c "$REMOTE_V6" -t 4 --bidir
ktap_check "udp" iperf_ok 100000 -c "$REMOTE_V4" -u -b 10M -t 3
ktap_check "udp reverse, large datagrams" iperf_ok 100000 -c "$REMOTE_V4" -u -b 10M -l 8000 -t 3 -R
ktap_check "64 MiB arrive unchanged" sha_transfer 64
if both_mtu 9000 2>/dev/null; then
	ktap_check "ping v4 9000" ping_size 8972
	ktap_check "tcp mtu 9000" iperf_ok 1000000 -c "$REMOTE_V4" -t 4
else
	ktap_skip "mtu 9000" "the peer's NIC does not take it"
fi
ktap_end
