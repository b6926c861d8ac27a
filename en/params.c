// SPDX-License-Identifier: GPL-2.0
/*
 * What shapes queues, computed in one place: from the settings of the user and
 * the limits of the device to the geometry of a receive queue.
 */
#include <linux/ethtool_netlink.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>

#include "en.h"

/* Smallest header slot: Ethernet, two tags, IPv6, TCP with all options. */
#define TULLE_EN_HDR_MIN	256

/* A receive WQE with two segments: header and data. */
#define TULLE_EN_SPLIT_WQE \
	roundup_pow_of_two(sizeof(struct tulle_rq_wqe) + \
			   2 * sizeof(struct tulle_sge))

/* Less than headers makes no aggregate. */
#define TULLE_EN_GRO_MIN	128

/**
 * tulle_en_gro_max() - the largest aggregate that the stack takes
 * @dev: the net_device
 *
 * Return: the limit for both families, as the device knows only one.
 */
u32 tulle_en_gro_max(const struct net_device *dev)
{
	u32 size = min(READ_ONCE(dev->gro_max_size),
		       READ_ONCE(dev->gro_ipv4_max_size));

	return min_t(u32, size, TULLE_GRO_MAX);
}

void tulle_en_params_init(struct tulle_en_priv *priv)
{
	struct tulle_en_params *params = &priv->params;

	params->channels = min_t(unsigned int, priv->max_channels,
				 netif_get_num_default_rss_queues());
	params->rx_size = min(TULLE_EN_RX_SIZE_DEFAULT,
			      tulle_en_rx_size_max(priv));
	params->tx_size = min(TULLE_EN_TX_SIZE_DEFAULT,
			      tulle_en_tx_size_max(priv));
	params->tcp_data_split = ETHTOOL_TCP_DATA_SPLIT_UNKNOWN;
	params->mtu = priv->netdev->mtu;
	params->features = priv->netdev->features;
	params->gro_max = tulle_en_gro_max(priv->netdev);
}

u32 tulle_en_rx_size_max(const struct tulle_en_priv *priv)
{
	const struct tulle_limits *limits = &priv->tdev->limits;

	/* Each buffer has a completion. */
	return min(TULLE_EN_RX_SIZE_MAX,
		   1U << min(limits->log_max_rq_size, limits->log_max_cq_size));
}

u32 tulle_en_tx_size_max(const struct tulle_en_priv *priv)
{
	const struct tulle_limits *limits = &priv->tdev->limits;

	/* The CQ has twice the entries. */
	return min(TULLE_EN_TX_SIZE_MAX,
		   1U << min(limits->log_max_sq_size,
			     limits->log_max_cq_size - 1));
}

static int check_rings(struct tulle_en_priv *priv,
		       const struct tulle_en_params *params,
		       struct netlink_ext_ack *extack)
{
	if (!is_power_of_2(params->rx_size) ||
	    !is_power_of_2(params->tx_size)) {
		NL_SET_ERR_MSG(extack, "Ring sizes are powers of two");
		return -EINVAL;
	}
	if (params->rx_size < TULLE_EN_RX_SIZE_MIN ||
	    params->rx_size > tulle_en_rx_size_max(priv)) {
		NL_SET_ERR_MSG_FMT(extack, "Rx ring takes %u to %u buffers",
				   TULLE_EN_RX_SIZE_MIN,
				   tulle_en_rx_size_max(priv));
		return -ERANGE;
	}
	if (params->tx_size < TULLE_EN_TX_SIZE_MIN ||
	    params->tx_size > tulle_en_tx_size_max(priv)) {
		NL_SET_ERR_MSG_FMT(extack, "Tx ring takes %u to %u blocks",
				   TULLE_EN_TX_SIZE_MIN,
				   tulle_en_tx_size_max(priv));
		return -ERANGE;
	}
	return 0;
}

static int check_split(struct tulle_en_priv *priv,
		       const struct tulle_en_params *params,
		       struct netlink_ext_ack *extack)
{
	if (params->hds_thresh > TULLE_EN_HDS_THRESH_MAX) {
		NL_SET_ERR_MSG_FMT(extack, "hds-thresh is at most %u",
				   TULLE_EN_HDS_THRESH_MAX);
		return -ERANGE;
	}
	if (params->tcp_data_split == ETHTOOL_TCP_DATA_SPLIT_ENABLED &&
	    (!tulle_cap(priv->tdev, RX_SPLIT) ||
	     priv->tdev->limits.max_rq_sges < 2 ||
	     priv->tdev->limits.log_max_rq_wqe < ilog2(TULLE_EN_SPLIT_WQE))) {
		NL_SET_ERR_MSG(extack, "The device cannot split headers");
		return -EOPNOTSUPP;
	}
	return 0;
}

/**
 * tulle_en_params_check() - can this configuration be had at all?
 * @priv: the net_device's
 * @params: the configuration
 * @extack: says what is wrong
 *
 * Return: 0 or an error.
 */
int tulle_en_params_check(struct tulle_en_priv *priv,
			  const struct tulle_en_params *params,
			  struct netlink_ext_ack *extack)
{
	int err;

	if (!params->channels || params->channels > priv->max_channels) {
		NL_SET_ERR_MSG_FMT(extack, "1 to %u channels",
				   priv->max_channels);
		return -ERANGE;
	}
	if (params->rx_buf_len &&
	    (!is_power_of_2(params->rx_buf_len) ||
	     params->rx_buf_len < PAGE_SIZE ||
	     params->rx_buf_len > TULLE_EN_RX_BUF_MAX)) {
		NL_SET_ERR_MSG_FMT(extack,
				   "rx-buf-len is a power of two from %lu to %u",
				   PAGE_SIZE, TULLE_EN_RX_BUF_MAX);
		return -ERANGE;
	}
	err = check_rings(priv, params, extack);
	if (err)
		return err;
	return check_split(priv, params, extack);
}

static u32 rx_flags(const struct tulle_en_priv *priv,
		    const struct tulle_en_params *params)
{
	netdev_features_t features = params->features;
	const struct tulle_dev *tdev = priv->tdev;
	u32 flags = TULLE_RQ_F_CHAIN;

	if (features & NETIF_F_HW_VLAN_CTAG_RX)
		flags |= TULLE_RQ_F_VLAN_STRIP;
	if (features & NETIF_F_HW_VLAN_STAG_RX)
		flags |= TULLE_RQ_F_STAG_STRIP;
	if (features & NETIF_F_RXFCS)
		flags |= TULLE_RQ_F_FCS;
	if (features & NETIF_F_GRO_HW && params->gro_max >= TULLE_EN_GRO_MIN)
		flags |= TULLE_RQ_F_GRO;
	if ((features & NETIF_F_RXCSUM) && tulle_cap(tdev, RX_CSUM_COMPLETE))
		flags |= TULLE_RQ_F_CSUM_COMPLETE;
	return flags;
}

static void rx_geom_split(const struct tulle_en_params *params,
			  struct tulle_en_rx_geom *geom)
{
	geom->type = TULLE_RQ_SPLIT;
	geom->log_wqe = ilog2(TULLE_EN_SPLIT_WQE);
	geom->split_thresh = params->hds_thresh;
	geom->hdr_len = TULLE_EN_HDR_MIN;
	if (params->hds_thresh > TULLE_EN_HDR_MIN)
		geom->hdr_len = roundup_pow_of_two(params->hds_thresh);
}

/* Large aggregates (BIG TCP) need large buffers: a packet has few fragments. */
static u32 rx_buf_len(const struct tulle_en_priv *priv,
		      const struct tulle_en_params *params)
{
	u32 gro_max = min(params->gro_max, priv->tdev->limits.max_gro_size);
	u32 len;

	if (params->rx_buf_len)
		return params->rx_buf_len;
	if (!(params->features & NETIF_F_GRO_HW) || !gro_max)
		return PAGE_SIZE;
	len = roundup_pow_of_two(DIV_ROUND_UP(gro_max, MAX_SKB_FRAGS - 1));
	return clamp_t(u32, len, PAGE_SIZE, TULLE_EN_RX_BUF_MAX);
}

/**
 * tulle_en_rx_geom() - shape of the receive queues of a configuration
 * @priv: the net_device's
 * @params: the configuration, checked
 * @geom: (result) the shape
 */
void tulle_en_rx_geom(const struct tulle_en_priv *priv,
		      const struct tulle_en_params *params,
		      struct tulle_en_rx_geom *geom)
{
	*geom = (struct tulle_en_rx_geom) {
		.type = TULLE_RQ_PLAIN,
		.log_size = ilog2(params->rx_size),
		.log_wqe = ilog2(sizeof(struct tulle_rq_wqe) +
				 sizeof(struct tulle_sge)),
		.buf_len = rx_buf_len(priv, params),
		.flags = rx_flags(priv, params),
	};

	if (params->tcp_data_split == ETHTOOL_TCP_DATA_SPLIT_ENABLED)
		rx_geom_split(params, geom);
	geom->order = get_order(geom->buf_len);
	geom->log_cq = geom->log_size;
	/* An aggregate has to fit in the fragments of one packet. */
	if (geom->flags & TULLE_RQ_F_GRO)
		geom->gro_max = min3(params->gro_max,
				     priv->tdev->limits.max_gro_size,
				     (MAX_SKB_FRAGS - 1) * geom->buf_len);
}
