#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# probe.sh OUTDIR COMPILER FLAGS...: ask the target's headers which interfaces
# they have and write OUTDIR/compat_config.h. Prints "ok", or what went wrong.
# Runs in kbuild's working directory, where relative include paths are valid.

set -u
LC_ALL=C
export LC_ALL

here=$(dirname "$0")
out=$1
shift

# NAME, then an extended regular expression that is matched against one
# declaration or structure member a line (white space collapsed) and against
# one #define a line.
probes()
{
	grep -v -e '^#' -e '^$' <<'END'
# base.h
NS_STRING		^#define MODULE_IMPORT_NS\(ns\) MODULE_INFO\(import_ns, ns\)
KZALLOC_OBJ		^#define kzalloc_obj\(
WQ_PERCPU		(^|[{, ])WQ_PERCPU ?=
TIMER_CONTAINER_OF	^#define timer_container_of\(
HRTIMER_SETUP		 hrtimer_setup\(struct hrtimer \*
SECS_TO_JIFFIES		^#define secs_to_jiffies\(
GUARDED_BY		^#define __guarded_by\(
NET_DIM_POINTER		 net_dim\([^)]*struct dim_sample \*

# netdev.h
NETDEV_LOCK		 netdev_lock_ops_compat\(struct net_device \*
REQUEST_OPS_LOCK	 bool request_ops_lock
NETIF_OPEN		 netif_open\(struct net_device \*
NAPI_ADD_CONFIG		 netif_napi_add_config_locked\(struct net_device \*
NAPI_LOCKED		 napi_enable_locked\(struct napi_struct \*
AFFINITY_AUTO		 netif_set_affinity_auto\(struct net_device \*
SUBQUEUE_SENT		 netif_subqueue_sent\(const struct net_device \*
XMIT_TIMEOUT_MS		 netif_xmit_timeout_ms\(struct netdev_queue \*
RX_CSUM_COMPLETE	 u64 csum_complete
QUEUE_CONFIG		\(\*ndo_queue_start\)\([^)]*struct netdev_queue_config \*
HAS_UNREADABLE_MP	 netif_rxq_has_unreadable_mp\(struct net_device \*
NETDEV_CFG		 struct netdev_config \*cfg$
RX_MODE_ASYNC		\(\*ndo_set_rx_mode_async\)\(
HOPOPT_JUMBO		 ipv6_hopopt_jumbo_remove\(struct sk_buff \*
ALLOC_NETMEMS		 page_pool_alloc_netmems\(struct page_pool \*
NETMEM_SYNC_FOR_CPU	 page_pool_dma_sync_netmem_for_cpu\(const struct page_pool \*
RECYCLE_DIRECT_NETMEM	 page_pool_recycle_direct_netmem\(struct page_pool \*
ENABLE_DIRECT_RECYCLING	 page_pool_enable_direct_recycling\(struct page_pool \*
NETMEM_IS_PFMEMALLOC	 netmem_is_pfmemalloc\(

# ethtool.h
RX_RING_COUNT		\(\*get_rx_ring_count\)\(struct net_device \*
RXFH_FIELDS		\(\*get_rxfh_fields\)\(struct net_device \*
INPUT_XFRM		 supported_input_xfrm ?:
CAP_RSS_SYM_XOR		 cap_rss_sym_xor_supported ?:
PER_CTX_FIELDS		 rxfh_per_ctx_fields ?:
IP6_FL			^#define RXH_IP6_FL
SYM_OR_XOR		^#define RXH_XFRM_SYM_OR_XOR
FEC_HIST		\(\*get_fec_stats\)\([^)]*struct ethtool_fec_hist \*
HDS_THRESH		 u32 hds_thresh_max
OP_NEEDS_RTNL		 u32 op_needs_rtnl

# devlink.h
HEALTH_OPS_PERIOD	 u64 default_graceful_period
PARAM_GET_EXTACK	\(\*get\)\(struct devlink \*[^)]*struct netlink_ext_ack \*
PARAM_VALUE_POINTER	 devl_param_driverinit_value_set\([^)]*union devlink_param_value \*

# rdma.h
UDATA_VALIDATE		^#define ib_copy_validate_udata_in\(
ROBUST_UDATA		 uverbs_robust_udata ?:
ALLOC_WITH_NET		^#define ib_alloc_device_with_net\(
UMEM_GET_VA		[ *]ib_umem_get_va\(struct ib_device \*
UMEM_GET_CQ_BUF		[ *]ib_umem_get_cq_buf_or_va\(struct ib_device \*
CREATE_USER_CQ		\(\*create_user_cq\)\(struct ib_cq \*
PRE_DESTROY_CQ		\(\*pre_destroy_cq\)\(struct ib_cq \*
RESIZE_USER_CQ		\(\*resize_user_cq\)\(struct ib_cq \*
REG_MR_DMAH		\(\*reg_user_mr\)\([^)]*struct ib_dmah \*
COUNTER_PORT		\(\*counter_unbind_qp\)\(struct ib_qp \*[a-z]*, u32
COUNTER_INIT		\(\*counter_init\)\(struct rdma_counter \*
QUERY_PORT_SPEED	\(\*query_port_speed\)\(struct ib_device \*
PORT_STATE_EVENT	 ib_dispatch_port_state_event\(struct ib_device \*
END
}

# What the answer depends on: compiler and flags, the probes, the configuration
# and the most changing header of the target.
fingerprint()
{
	printf '%s\n' "$*"
	cat "$here/probe.sh" "$here/probe.c"
	cat "${objtree:-.}/include/generated/autoconf.h" \
	    "${srctree:-.}/include/linux/netdevice.h" \
	    "${srctree:-.}/include/linux/ethtool.h" \
	    "${srctree:-.}/include/net/devlink.h" \
	    "${srctree:-.}/include/rdma/ib_verbs.h" 2>/dev/null
	"$1" --version | head -n 1
}

key=$(fingerprint "$@" | cksum)
config=$out/compat_config.h
if [ -f "$config" ] && [ "$(sed -n 's/^ \* key: //p' "$config")" = "$key" ]; then
	echo ok
	exit 0
fi

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

if ! "$@" -DKBUILD_MODNAME='"probe"' -DKBUILD_BASENAME='"probe"' -w -E -dD \
     "$here/probe.c" >"$tmp/text" 2>"$tmp/errors"; then
	echo "the target's headers do not preprocess: $(head -n 3 "$tmp/errors" | tr '\n' ' ')"
	exit 1
fi

# One declaration or structure member a line.
awk '
	/^#define / { gsub(/[ \t]+/, " "); print; next }
	/^#/ { next }
	{ buf = buf " " $0; if ($0 ~ /[;{}]/) flush_buf() }
	function flush_buf() {
		gsub(/[ \t\n]+/, " ", buf); gsub(/[;{}]/, "&\n", buf)
		gsub(/ *;/, "", buf); gsub(/\( /, "(", buf); gsub(/ \)/, ")", buf)
		printf "%s\n", buf; buf = ""
	}' "$tmp/text" >"$tmp/lines"

if ! grep -q 'struct net_device \*dev' "$tmp/lines"; then
	echo "the preprocessed headers cannot be read"
	exit 1
fi

{
	echo "/* SPDX-License-Identifier: GPL-2.0 */"
	echo "/* Generated by include/compat/probe.sh from the target's headers."
	echo " * key: $key"
	echo " */"
	echo "#ifndef TULLE_COMPAT_CONFIG_H"
	echo "#define TULLE_COMPAT_CONFIG_H"
	probes |
	while IFS='	' read -r name pattern; do
		pattern=${pattern##*	}
		if grep -qE -e "$pattern" "$tmp/lines"; then
			echo "#define TULLE_HAVE_$name 1"
		else
			echo "#define TULLE_HAVE_$name 0"
		fi
	done
	echo "#endif"
} >"$tmp/config"

mkdir -p "$out" && mv "$tmp/config" "$config" && echo ok
