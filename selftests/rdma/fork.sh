#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# fork.c on the usual pair of ports: children that write over all their memory
# harm no queue and no region of their parent.
. "$(dirname "$0")/../lib/rdma.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
FORK=$KTAP_TMP/fork

build() {
	gcc -O2 -g -Wall -Wextra -D_GNU_SOURCE -rdynamic -o "$FORK" "$HERE/fork.c" -libverbs
}

# Restartable sequences have the kernel read a thread's memory whenever it goes on:
# a child that has written over it would be killed.
forks() { # MODE
	local here far
	here=$(rdma_objects env) far=$(rdma_objects far)
	GLIBC_TUNABLES=glibc.pthread.rseq=0 timeout $RDMA_LIMIT "$FORK" "$1" "$IB" "$GID4" "$FAR_IB" "$FAR_GID4" && rdma_no_leftovers "$here" "$far"
}

ktap_begin
rdma_ports
ulimit -l unlimited
ktap_check "the program is built" build
ktap_check "without ibv_fork_init()" forks plain
ktap_check "with ibv_fork_init()" forks init
ktap_check "with ibv_fork_init(), as on a kernel that does not copy pinned pages" forks keep
ktap_end
