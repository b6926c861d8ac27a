// SPDX-License-Identifier: GPL-2.0
/* ethtool operations. Compiled, never loaded. */

#include <linux/ethtool.h>

#include "shims.h"

static u32 shims_get_rx_ring_count(struct net_device *dev)
{
	return dev->real_num_rx_queues;
}

static int shims_get_rxfh_fields(struct net_device *dev,
				 struct ethtool_rxfh_fields *fields)
{
	fields->data = fields->flow_type == TCP_V4_FLOW ? RXH_IP_SRC :
							 RXH_IP6_FL;
	return 0;
}

static int shims_set_rxfh_fields(struct net_device *dev,
				 const struct ethtool_rxfh_fields *fields,
				 struct netlink_ext_ack *extack)
{
	if (fields->rss_context) {
		NL_SET_ERR_MSG(extack, "no such context");
		return -ENOENT;
	}
	return 0;
}

static int shims_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *nfc,
			   u32 *rules)
{
	return nfc->cmd == ETHTOOL_GRXCLSRLCNT ? 0 : -EOPNOTSUPP;
}
TULLE_DEFINE_RXNFC(shims, shims_get_rxnfc, NULL);

static void shims_get_fec_stats(struct net_device *dev,
				struct ethtool_fec_stats *stats,
				struct ethtool_fec_hist *hist)
{
	stats->corrected_blocks.total = 1;
	hist->values[0].sum = 1;
}
TULLE_DEFINE_FEC_STATS(shims_get_fec_stats);

static void shims_get_ringparam(struct net_device *dev,
				struct ethtool_ringparam *ring,
				struct kernel_ethtool_ringparam *kr,
				struct netlink_ext_ack *extack)
{
	tulle_ringparam_set_hds_thresh(kr, 0, 1024);
}

static int shims_set_ringparam(struct net_device *dev,
			       struct ethtool_ringparam *ring,
			       struct kernel_ethtool_ringparam *kr,
			       struct netlink_ext_ack *extack)
{
	return tulle_ringparam_hds_thresh(kr) > 5 ? -EINVAL : 0;
}

const struct ethtool_ops shims_ethtool_ops = {
	.supported_ring_params = ETHTOOL_RING_USE_TCP_DATA_SPLIT |
				 ETHTOOL_RING_USE_HDS_THRS,
	.rxfh_per_ctx_key = 1,
	TULLE_ETHTOOL_NEEDS_RTNL(ETHTOOL_OP_NEEDS_RTNL_SCHANNELS |
				 ETHTOOL_OP_NEEDS_RTNL_GLINK)
	TULLE_ETHTOOL_INPUT_XFRM(RXH_XFRM_SYM_XOR | RXH_XFRM_SYM_OR_XOR)
	TULLE_ETHTOOL_PER_CTX_FIELDS
	TULLE_RXNFC_OPS(shims, shims_get_rxnfc, NULL)
	.get_fec_stats = TULLE_FEC_STATS(shims_get_fec_stats),
	.get_ringparam = shims_get_ringparam,
	.set_ringparam = shims_set_ringparam,
	.get_link = ethtool_op_get_link,
};
