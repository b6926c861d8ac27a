// SPDX-License-Identifier: GPL-2.0
/*
 * The table of ethtool operations, and those that only translate: identity,
 * registers, rings, channels.
 */
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/netdevice.h>
#include <linux/pci.h>

#include "en.h"
#include "ethtool.h"
#include "rss.h"

static void tulle_en_get_drvinfo(struct net_device *dev,
				 struct ethtool_drvinfo *info)
{
	struct tulle_en_priv *priv = netdev_priv(dev);

	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->fw_version, priv->tdev->info.fw_version,
		sizeof(info->fw_version));
	strscpy(info->bus_info, pci_name(priv->tdev->pdev),
		sizeof(info->bus_info));
}

/* linkwatch has nothing to add to the carrier, and wants no rtnl this way. */
static u32 tulle_en_get_link(struct net_device *dev)
{
	return netif_carrier_ok(dev);
}

/*
 * Registers: those below in this order, then the crash record.
 */

#define REGS_VERSION	1

static const u32 regs_dumped[] = {
	TULLE_REG_MAGIC,
	TULLE_REG_IF_VERSION,
	TULLE_REG_FW_VERSION,
	TULLE_REG_STATE,
	TULLE_REG_SYNDROME,
	TULLE_REG_HEARTBEAT,
	TULLE_REG_FUNC,
	TULLE_REG_CLOCK_LO,
	TULLE_REG_CLOCK_HI,
	TULLE_REG_UAR_CFG,
	TULLE_REG_CMD_CAPS,
	TULLE_REG_CMD_BASE_LO,
	TULLE_REG_CMD_BASE_HI,
	TULLE_REG_CMD_CFG,
	TULLE_REG_SCRATCH,
};

static int tulle_en_get_regs_len(struct net_device *dev)
{
	return sizeof(regs_dumped) + sizeof(struct tulle_crash);
}

static void tulle_en_get_regs(struct net_device *dev, struct ethtool_regs *regs,
			      void *data)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	u32 *out = data;
	unsigned int i;

	regs->version = REGS_VERSION;
	for (i = 0; i < ARRAY_SIZE(regs_dumped); i++)
		*out++ = tulle_reg_read(priv->tdev, regs_dumped[i]);
	for (i = 0; i < sizeof(struct tulle_crash); i += sizeof(u32))
		*out++ = tulle_reg_read(priv->tdev, TULLE_REG_CRASH + i);
}

/*
 * Rings
 */

static u32 rx_buf_len(const struct tulle_en_priv *priv)
{
	struct tulle_en_rx_geom geom;

	tulle_en_rx_geom(priv, &priv->params, &geom);
	return geom.buf_len;
}

static void tulle_en_get_ringparam(struct net_device *dev,
				   struct ethtool_ringparam *ring,
				   struct kernel_ethtool_ringparam *kring,
				   struct netlink_ext_ack *extack)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	const struct tulle_en_params *params = &priv->params;

	ring->rx_max_pending = tulle_en_rx_size_max(priv);
	ring->tx_max_pending = tulle_en_tx_size_max(priv);
	ring->rx_pending = params->rx_size;
	ring->tx_pending = params->tx_size;
	kring->rx_buf_len = rx_buf_len(priv);

	if (!tulle_cap(priv->tdev, RX_SPLIT))
		return;
	/* "Unknown" leaves the choice to the driver, which does not split. */
	kring->tcp_data_split =
		params->tcp_data_split == ETHTOOL_TCP_DATA_SPLIT_ENABLED ?
		ETHTOOL_TCP_DATA_SPLIT_ENABLED :
		ETHTOOL_TCP_DATA_SPLIT_DISABLED;
	tulle_ringparam_set_hds_thresh(kring, params->hds_thresh,
				       TULLE_EN_HDS_THRESH_MAX);
}

static int tulle_en_set_ringparam(struct net_device *dev,
				  struct ethtool_ringparam *ring,
				  struct kernel_ethtool_ringparam *kring,
				  struct netlink_ext_ack *extack)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_en_params want = priv->params;

	want.rx_size = ring->rx_pending;
	want.tx_size = ring->tx_pending;
	want.tcp_data_split = kring->tcp_data_split;
	want.hds_thresh = tulle_ringparam_hds_thresh(kring);
	/* The core repeats what it was told: that is no wish of the user. */
	if (kring->rx_buf_len != rx_buf_len(priv))
		want.rx_buf_len = kring->rx_buf_len;
	return tulle_en_reconfigure(priv, &want, extack);
}

/*
 * Channels
 */

static void tulle_en_get_channels(struct net_device *dev,
				  struct ethtool_channels *ch)
{
	struct tulle_en_priv *priv = netdev_priv(dev);

	ch->max_combined = priv->max_channels;
	ch->combined_count = priv->params.channels;
}

static int tulle_en_set_channels(struct net_device *dev,
				 struct ethtool_channels *ch)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_en_params want = priv->params;
	struct netlink_ext_ack extack = {};
	int err;

	want.channels = ch->combined_count;
	err = tulle_en_reconfigure(priv, &want, &extack);
	/* The operation has no extack of its own. */
	if (err && extack._msg)
		netdev_err(dev, "%s\n", extack._msg);
	return err;
}

/*
 * Receive side scaling: names that the compat layer composes.
 */

static u32 tulle_en_get_rx_ring_count(struct net_device *dev)
{
	struct tulle_en_priv *priv = netdev_priv(dev);

	return priv->params.channels;
}

static int tulle_en_get_rxfh_fields(struct net_device *dev,
				    struct ethtool_rxfh_fields *fields)
{
	return tulle_en_rss_get_fields(dev, fields);
}

static int tulle_en_set_rxfh_fields(struct net_device *dev,
				    const struct ethtool_rxfh_fields *fields,
				    struct netlink_ext_ack *extack)
{
	return tulle_en_rss_set_fields(dev, fields, extack);
}

TULLE_DEFINE_RXNFC(tulle_en, NULL, NULL);
TULLE_DEFINE_FEC_STATS(tulle_en_get_fec_stats);

const struct ethtool_ops tulle_en_ethtool_ops = {
	.cap_link_lanes_supported = true,
	.rxfh_per_ctx_key = true,
	.rxfh_indir_space = TULLE_EN_RSS_SIZE_MAX,
	.rxfh_key_space = TULLE_RSS_KEY_LEN,
	.rxfh_priv_size = TULLE_EN_RSS_PRIV_SIZE,
	TULLE_ETHTOOL_PER_CTX_FIELDS
	TULLE_ETHTOOL_INPUT_XFRM(RXH_XFRM_SYM_XOR | RXH_XFRM_SYM_OR_XOR)
	TULLE_ETHTOOL_NEEDS_RTNL(ETHTOOL_OP_NEEDS_RTNL_SCHANNELS |
				 ETHTOOL_OP_NEEDS_RTNL_SCOALESCE |
				 ETHTOOL_OP_NEEDS_RTNL_TEST)
	.supported_coalesce_params = ETHTOOL_COALESCE_USECS |
				     ETHTOOL_COALESCE_MAX_FRAMES |
				     ETHTOOL_COALESCE_USE_ADAPTIVE |
				     ETHTOOL_COALESCE_USE_CQE |
				     ETHTOOL_COALESCE_STATS_BLOCK_USECS |
				     ETHTOOL_COALESCE_RX_PROFILE |
				     ETHTOOL_COALESCE_TX_PROFILE,
	.supported_ring_params = ETHTOOL_RING_USE_RX_BUF_LEN |
				 ETHTOOL_RING_USE_TCP_DATA_SPLIT |
				 ETHTOOL_RING_USE_HDS_THRS,

	.get_drvinfo = tulle_en_get_drvinfo,
	.get_link = tulle_en_get_link,
	.get_ts_info = ethtool_op_get_ts_info,
	.get_regs_len = tulle_en_get_regs_len,
	.get_regs = tulle_en_get_regs,

	.get_ringparam = tulle_en_get_ringparam,
	.set_ringparam = tulle_en_set_ringparam,
	.get_channels = tulle_en_get_channels,
	.set_channels = tulle_en_set_channels,
	.get_coalesce = tulle_en_get_coalesce,
	.set_coalesce = tulle_en_set_coalesce,
	.get_per_queue_coalesce = tulle_en_get_per_queue_coalesce,
	.set_per_queue_coalesce = tulle_en_set_per_queue_coalesce,

	TULLE_RXNFC_OPS(tulle_en, NULL, NULL)
	.get_rxfh_indir_size = tulle_en_rss_indir_size,
	.get_rxfh_key_size = tulle_en_rss_key_size,
	.get_rxfh = tulle_en_rss_get,
	.set_rxfh = tulle_en_rss_set,
	.create_rxfh_context = tulle_en_rss_ctx_create,
	.modify_rxfh_context = tulle_en_rss_ctx_modify,
	.remove_rxfh_context = tulle_en_rss_ctx_remove,

	.get_link_ksettings = tulle_en_get_link_ksettings,
	.set_link_ksettings = tulle_en_set_link_ksettings,
	.nway_reset = tulle_en_nway_reset,
	.get_link_ext_state = tulle_en_get_link_ext_state,
	.get_link_ext_stats = tulle_en_get_link_ext_stats,
	.get_fecparam = tulle_en_get_fecparam,
	.set_fecparam = tulle_en_set_fecparam,
	.get_pauseparam = tulle_en_get_pauseparam,
	.set_pauseparam = tulle_en_set_pauseparam,

	.get_sset_count = tulle_en_get_sset_count,
	.get_strings = tulle_en_get_strings,
	.get_ethtool_stats = tulle_en_get_ethtool_stats,
	.get_eth_mac_stats = tulle_en_get_eth_mac_stats,
	.get_eth_phy_stats = tulle_en_get_eth_phy_stats,
	.get_eth_ctrl_stats = tulle_en_get_eth_ctrl_stats,
	.get_rmon_stats = tulle_en_get_rmon_stats,
	.get_pause_stats = tulle_en_get_pause_stats,
	.get_fec_stats = TULLE_FEC_STATS(tulle_en_get_fec_stats),

	.self_test = tulle_en_self_test,
};
