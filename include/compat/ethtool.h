/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ethtool operations.
 *
 * In the initialiser of struct ethtool_ops the driver writes
 *
 *	TULLE_ETHTOOL_NEEDS_RTNL(ETHTOOL_OP_NEEDS_RTNL_...)	7.3: op_needs_rtnl
 *	TULLE_ETHTOOL_INPUT_XFRM(RXH_XFRM_...)	supported_input_xfrm, or the old
 *						symmetric-XOR bit
 *	TULLE_ETHTOOL_PER_CTX_FIELDS		rxfh_per_ctx_fields
 *	TULLE_RXNFC_OPS(prefix, get, set)	ring count, hash fields, rxnfc
 *	.get_fec_stats = TULLE_FEC_STATS(fn),
 *
 * all but the last without a comma, and before it, at file scope,
 *
 *	TULLE_DEFINE_RXNFC(prefix, get, set);
 *	TULLE_DEFINE_FEC_STATS(fn);
 *
 * where "prefix" names the functions, all with the prototypes of 7.3,
 *	u32 prefix_get_rx_ring_count(dev)
 *	int prefix_get_rxfh_fields(dev, struct ethtool_rxfh_fields *)
 *	int prefix_set_rxfh_fields(dev, const struct ethtool_rxfh_fields *, extack)
 * and "get", "set" are the driver's get_rxnfc and set_rxnfc, or NULL. Older
 * kernels ask for ring count and hash fields through rxnfc; the trampolines
 * answer that and hand the rest on.
 *
 * get_fec_stats(dev, stats, hist): older kernels throw the histogram away.
 *
 * Header split threshold: tulle_ringparam_hds_thresh() reads and
 * tulle_ringparam_set_hds_thresh() fills struct kernel_ethtool_ringparam;
 * ETHTOOL_RING_USE_HDS_THRS is 0 where there is none.
 *
 * RMON: a driver gives 10 ranges at most, what the smallest kernel holds.
 */
#ifndef TULLE_COMPAT_ETHTOOL_H
#define TULLE_COMPAT_ETHTOOL_H

/* ETHTOOL_TCP_DATA_SPLIT_*: ethtool.h brings it along on newer kernels only. */
#include <linux/ethtool_netlink.h>
#include <linux/ethtool.h>
#include <linux/netdevice.h>

#if TULLE_HAVE_OP_NEEDS_RTNL
#define TULLE_ETHTOOL_NEEDS_RTNL(bits)	.op_needs_rtnl = (bits),
#else
#define TULLE_ETHTOOL_NEEDS_RTNL(bits)
#endif

#if !TULLE_HAVE_SYM_OR_XOR
/* No user of such a kernel can ask for it; the name is for the driver's table. */
#define RXH_XFRM_SYM_OR_XOR	BIT(1)
#endif

#if !TULLE_HAVE_IP6_FL
/* No user of such a kernel can ask for the flow label: matches no request. */
#define RXH_IP6_FL	0
#endif

#if TULLE_HAVE_INPUT_XFRM
#define TULLE_ETHTOOL_INPUT_XFRM(xfrm)	.supported_input_xfrm = (xfrm),
#elif TULLE_HAVE_CAP_RSS_SYM_XOR
#define TULLE_ETHTOOL_INPUT_XFRM(xfrm) \
	.cap_rss_sym_xor_supported = !!((xfrm) & RXH_XFRM_SYM_XOR),
#else
#define TULLE_ETHTOOL_INPUT_XFRM(xfrm)
#endif

#if TULLE_HAVE_PER_CTX_FIELDS
#define TULLE_ETHTOOL_PER_CTX_FIELDS	.rxfh_per_ctx_fields = 1,
#else
#define TULLE_ETHTOOL_PER_CTX_FIELDS
#endif

#if !TULLE_HAVE_RXFH_FIELDS
/**
 * struct ethtool_rxfh_fields - which header fields are hashed
 * @data: RXH_* bits
 * @flow_type: *_FLOW value
 * @rss_context: context, 0 for the default one
 */
struct ethtool_rxfh_fields {
	u32 data;
	u32 flow_type;
	u32 rss_context;
};

static inline void tulle_compat_nfc_to_fields(const struct ethtool_rxnfc *nfc,
					      struct ethtool_rxfh_fields *to)
{
	*to = (struct ethtool_rxfh_fields) {
		.data = nfc->data,
		.flow_type = nfc->flow_type & ~FLOW_RSS,
		.rss_context = nfc->flow_type & FLOW_RSS ? nfc->rss_context : 0,
	};
}
#endif

typedef int (*tulle_get_rxnfc_fn)(struct net_device *dev,
				  struct ethtool_rxnfc *nfc, u32 *rules);
typedef int (*tulle_set_rxnfc_fn)(struct net_device *dev,
				  struct ethtool_rxnfc *nfc);

#if TULLE_HAVE_RX_RING_COUNT && TULLE_HAVE_RXFH_FIELDS

#define TULLE_DEFINE_RXNFC(prefix, get, set) \
	static_assert(__same_type(&prefix##_get_rx_ring_count, \
				  ((const struct ethtool_ops *)NULL)->get_rx_ring_count))
#define TULLE_RXNFC_OPS(prefix, get, set) \
	.get_rx_ring_count = prefix##_get_rx_ring_count, \
	.get_rxfh_fields = prefix##_get_rxfh_fields, \
	.set_rxfh_fields = prefix##_set_rxfh_fields, \
	.get_rxnfc = get, \
	.set_rxnfc = set,

#elif TULLE_HAVE_RXFH_FIELDS

#define TULLE_DEFINE_RXNFC(prefix, get, set) \
static int prefix##_compat_get_rxnfc(struct net_device *dev, \
				     struct ethtool_rxnfc *nfc, u32 *rules) \
{ \
	const tulle_get_rxnfc_fn next = get; \
	if (nfc->cmd == ETHTOOL_GRXRINGS) { \
		nfc->data = prefix##_get_rx_ring_count(dev); \
		return 0; \
	} \
	return next ? next(dev, nfc, rules) : -EOPNOTSUPP; \
} \
static_assert(true)
#define TULLE_RXNFC_OPS(prefix, get, set) \
	.get_rxfh_fields = prefix##_get_rxfh_fields, \
	.set_rxfh_fields = prefix##_set_rxfh_fields, \
	.get_rxnfc = prefix##_compat_get_rxnfc, \
	.set_rxnfc = set,

#else

#define TULLE_DEFINE_RXNFC(prefix, get, set) \
static int prefix##_compat_get_rxnfc(struct net_device *dev, \
				     struct ethtool_rxnfc *nfc, u32 *rules) \
{ \
	const tulle_get_rxnfc_fn next = get; \
	struct ethtool_rxfh_fields fields; \
	int err; \
	switch (nfc->cmd) { \
	case ETHTOOL_GRXRINGS: \
		nfc->data = prefix##_get_rx_ring_count(dev); \
		return 0; \
	case ETHTOOL_GRXFH: \
		tulle_compat_nfc_to_fields(nfc, &fields); \
		err = prefix##_get_rxfh_fields(dev, &fields); \
		nfc->data = fields.data; \
		return err; \
	} \
	return next ? next(dev, nfc, rules) : -EOPNOTSUPP; \
} \
static int prefix##_compat_set_rxnfc(struct net_device *dev, \
				     struct ethtool_rxnfc *nfc) \
{ \
	const tulle_set_rxnfc_fn next = set; \
	struct ethtool_rxfh_fields fields; \
	if (nfc->cmd == ETHTOOL_SRXFH) { \
		tulle_compat_nfc_to_fields(nfc, &fields); \
		return prefix##_set_rxfh_fields(dev, &fields, NULL); \
	} \
	return next ? next(dev, nfc) : -EOPNOTSUPP; \
} \
static_assert(true)
#define TULLE_RXNFC_OPS(prefix, get, set) \
	.get_rxnfc = prefix##_compat_get_rxnfc, \
	.set_rxnfc = prefix##_compat_set_rxnfc,

#endif

#if TULLE_HAVE_FEC_HIST
#define TULLE_DEFINE_FEC_STATS(fn) \
	static_assert(__same_type(&fn, \
				  ((const struct ethtool_ops *)NULL)->get_fec_stats))
#define TULLE_FEC_STATS(fn)	fn
#else
#define ETHTOOL_FEC_HIST_MAX	17

struct ethtool_fec_hist_range {
	u16 low;
	u16 high;
};

struct ethtool_fec_hist {
	struct ethtool_fec_hist_value {
		u64 sum;
		u64 per_lane[ETHTOOL_MAX_LANES];
	} values[ETHTOOL_FEC_HIST_MAX];
	const struct ethtool_fec_hist_range *ranges;
	struct ethtool_fec_hist_range ranges_buf[ETHTOOL_FEC_HIST_MAX];
};

#define TULLE_DEFINE_FEC_STATS(fn) \
static void fn##_nohist(struct net_device *dev, \
			struct ethtool_fec_stats *stats) \
{ \
	struct ethtool_fec_hist hist = {}; \
	fn(dev, stats, &hist); \
} \
static_assert(true)
#define TULLE_FEC_STATS(fn)	fn##_nohist
#endif

#if !TULLE_HAVE_HDS_THRESH
#define ETHTOOL_RING_USE_HDS_THRS	0
#endif

/**
 * tulle_ringparam_hds_thresh() - requested header split threshold
 * @kr: extended ring parameters
 *
 * Return: bytes; 0, "split every packet", where the kernel has no such setting.
 */
static inline u32
tulle_ringparam_hds_thresh(const struct kernel_ethtool_ringparam *kr)
{
#if TULLE_HAVE_HDS_THRESH
	return kr->hds_thresh;
#else
	return 0;
#endif
}

/**
 * tulle_ringparam_set_hds_thresh() - report the header split threshold
 * @kr: extended ring parameters
 * @thresh: bytes in force
 * @max: largest that can be set
 */
static inline void
tulle_ringparam_set_hds_thresh(struct kernel_ethtool_ringparam *kr,
			       u32 thresh, u32 max)
{
#if TULLE_HAVE_HDS_THRESH
	kr->hds_thresh = thresh;
	kr->hds_thresh_max = max;
#endif
}

#endif /* TULLE_COMPAT_ETHTOOL_H */
