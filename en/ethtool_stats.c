// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics of the port for ethtool. Whatever has a standard interface is
 * there and nowhere else; the private strings at the end are what is left.
 */
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/slab.h>

#include "en.h"
#include "ethtool.h"

static struct tulle_port_stats *port_stats_read(struct net_device *dev)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_port_stats *port;

	port = kzalloc_obj(*port);
	if (!port)
		return NULL;
	if (tulle_port_query_stats(priv->tdev, port)) {
		kfree(port);
		return NULL;
	}
	return port;
}

void tulle_en_get_eth_mac_stats(struct net_device *dev,
				struct ethtool_eth_mac_stats *mac)
{
	struct tulle_port_stats *port = port_stats_read(dev);

	if (!port)
		return;

	mac->FramesTransmittedOK = le64_to_cpu(port->tx.frames);
	mac->OctetsTransmittedOK = le64_to_cpu(port->tx.octets);
	mac->MulticastFramesXmittedOK = le64_to_cpu(port->tx.multicast);
	mac->BroadcastFramesXmittedOK = le64_to_cpu(port->tx.broadcast);
	mac->FramesLostDueToIntMACXmitError = le64_to_cpu(port->tx.errors);

	mac->FramesReceivedOK = le64_to_cpu(port->rx.frames);
	mac->OctetsReceivedOK = le64_to_cpu(port->rx.octets);
	mac->MulticastFramesReceivedOK = le64_to_cpu(port->rx.multicast);
	mac->BroadcastFramesReceivedOK = le64_to_cpu(port->rx.broadcast);
	mac->FramesLostDueToIntMACRcvError = le64_to_cpu(port->rx.errors);
	mac->FrameCheckSequenceErrors = le64_to_cpu(port->rx_fcs_errors);
	mac->AlignmentErrors = le64_to_cpu(port->rx_align_errors);
	mac->InRangeLengthErrors = le64_to_cpu(port->rx_length_errors);
	mac->FrameTooLongErrors = le64_to_cpu(port->rx_oversize);

	/* A full duplex MAC: these are 0 by construction. */
	mac->OutOfRangeLengthField = 0;
	mac->SingleCollisionFrames = 0;
	mac->MultipleCollisionFrames = 0;
	mac->FramesWithDeferredXmissions = 0;
	mac->LateCollisions = 0;
	mac->FramesAbortedDueToXSColls = 0;
	mac->CarrierSenseErrors = 0;
	mac->FramesWithExcessiveDeferral = 0;
	kfree(port);
}

void tulle_en_get_eth_phy_stats(struct net_device *dev,
				struct ethtool_eth_phy_stats *phy)
{
	struct tulle_port_stats *port = port_stats_read(dev);

	if (!port)
		return;
	phy->SymbolErrorDuringCarrier = le64_to_cpu(port->rx_symbol_errors);
	kfree(port);
}

void tulle_en_get_eth_ctrl_stats(struct net_device *dev,
				 struct ethtool_eth_ctrl_stats *ctrl)
{
	struct tulle_port_stats *port = port_stats_read(dev);

	if (!port)
		return;
	ctrl->MACControlFramesTransmitted = le64_to_cpu(port->tx.ctrl);
	ctrl->MACControlFramesReceived = le64_to_cpu(port->rx.ctrl);
	ctrl->UnsupportedOpcodesReceived = le64_to_cpu(port->rx.unknown_ctrl);
	kfree(port);
}

void tulle_en_get_pause_stats(struct net_device *dev,
			      struct ethtool_pause_stats *pause)
{
	struct tulle_port_stats *port = port_stats_read(dev);

	if (!port)
		return;
	pause->tx_pause_frames = le64_to_cpu(port->tx.pause);
	pause->rx_pause_frames = le64_to_cpu(port->rx.pause);
	kfree(port);
}

/*
 * Kernels with room for one range less get the two largest in one: the last
 * range that fits ends where the device's last one does.
 */
#define RMON_LAST	(ETHTOOL_RMON_HIST_MAX - 1)
#define RMON_HIGH(i, high) \
	((i) == RMON_LAST ? 10239 : (high))

static const struct ethtool_rmon_hist_range rmon_ranges[] = {
	{ 0, 64 },
	{ 65, 127 },
	{ 128, 255 },
	{ 256, 511 },
	{ 512, 1023 },
	{ 1024, 1518 },
	{ 1519, 2047 },
	{ 2048, 4095 },
	{ 4096, 8191 },
	{ 8192, RMON_HIGH(9, 9216) },
	{ 9217, 10239 },
	{}
};

static_assert(ARRAY_SIZE(rmon_ranges) == TULLE_RMON_BUCKETS + 1);
static_assert(RMON_LAST == TULLE_RMON_BUCKETS - 1 ||
	      RMON_LAST == TULLE_RMON_BUCKETS - 2);

static void rmon_fill(u64 *hist, const __le64 *buckets)
{
	unsigned int i;

	for (i = 0; i <= RMON_LAST; i++)
		hist[i] = 0;
	for (i = 0; i < TULLE_RMON_BUCKETS; i++)
		hist[min_t(unsigned int, i, RMON_LAST)] +=
			le64_to_cpu(buckets[i]);
}

void tulle_en_get_rmon_stats(struct net_device *dev,
			     struct ethtool_rmon_stats *rmon,
			     const struct ethtool_rmon_hist_range **ranges)
{
	struct tulle_port_stats *port = port_stats_read(dev);

	if (!port)
		return;
	rmon->undersize_pkts = le64_to_cpu(port->rx_undersize);
	rmon->oversize_pkts = le64_to_cpu(port->rx_oversize);
	rmon->fragments = le64_to_cpu(port->rx_fragments);
	rmon->jabbers = le64_to_cpu(port->rx_jabbers);
	rmon_fill(rmon->hist, port->rx.rmon);
	rmon_fill(rmon->hist_tx, port->tx.rmon);
	*ranges = rmon_ranges;
	kfree(port);
}

/* Symbol errors in a block, by bin. */
static const struct ethtool_fec_hist_range fec_ranges[] = {
	{ 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 3 },
	{ 4, 4 }, { 5, 5 }, { 6, 6 }, { 7, 7 },
	{ 8, 8 }, { 9, 9 }, { 10, 10 }, { 11, 11 },
	{ 12, 12 }, { 13, 13 }, { 14, 14 }, { 15, 15 },
	{}
};

static_assert(ARRAY_SIZE(fec_ranges) == TULLE_FEC_BINS + 1);
static_assert(TULLE_FEC_BINS < ETHTOOL_FEC_HIST_MAX);

void tulle_en_get_fec_stats(struct net_device *dev,
			    struct ethtool_fec_stats *fec,
			    struct ethtool_fec_hist *hist)
{
	struct tulle_port_stats *port = port_stats_read(dev);
	unsigned int i;

	if (!port)
		return;
	fec->corrected_blocks.total = le64_to_cpu(port->fec_corrected_blocks);
	fec->uncorrectable_blocks.total =
		le64_to_cpu(port->fec_uncorrectable_blocks);
	fec->corrected_bits.total = le64_to_cpu(port->fec_corrected_bits);
	for (i = 0; i < TULLE_FEC_BINS; i++)
		hist->values[i].sum = le64_to_cpu(port->fec_hist[i]);
	hist->ranges = fec_ranges;
	kfree(port);
}

/*
 * Private statistics, described in Documentation/ethtool.rst
 */

enum {
	PRIVATE_RX_STEER_DROPS,
	PRIVATE_RX_VPORT_UNICAST,
	PRIVATE_RX_VPORT_DROPS,
	PRIVATE_TX_VPORT_UNICAST,
	PRIVATE_TX_VPORT_DROPS,
	PRIVATE_RX_BAD_COMPLETIONS,
	PRIVATE_TX_BAD_COMPLETIONS,
	PRIVATE_RX_SPLIT_PACKETS,
	PRIVATE_COUNT,
};

static const char private_names[PRIVATE_COUNT][ETH_GSTRING_LEN] = {
	[PRIVATE_RX_STEER_DROPS] = "rx_steer_drops",
	[PRIVATE_RX_VPORT_UNICAST] = "rx_vport_unicast",
	[PRIVATE_RX_VPORT_DROPS] = "rx_vport_drops",
	[PRIVATE_TX_VPORT_UNICAST] = "tx_vport_unicast",
	[PRIVATE_TX_VPORT_DROPS] = "tx_vport_drops",
	[PRIVATE_RX_BAD_COMPLETIONS] = "rx_bad_completions",
	[PRIVATE_TX_BAD_COMPLETIONS] = "tx_bad_completions",
	[PRIVATE_RX_SPLIT_PACKETS] = "rx_split_packets",
};

int tulle_en_get_sset_count(struct net_device *dev, int set)
{
	switch (set) {
	case ETH_SS_STATS:
		return PRIVATE_COUNT;
	case ETH_SS_TEST:
		return tulle_en_self_test_count();
	default:
		return -EOPNOTSUPP;
	}
}

void tulle_en_get_strings(struct net_device *dev, u32 set, u8 *data)
{
	switch (set) {
	case ETH_SS_STATS:
		memcpy(data, private_names, sizeof(private_names));
		break;
	case ETH_SS_TEST:
		tulle_en_self_test_strings(data);
		break;
	}
}

static void private_queues(struct tulle_en_priv *priv, u64 *data)
{
	struct tulle_en_channel *ch;
	unsigned int start, i;
	u64 bad, split;

	for (i = 0; i < priv->max_channels; i++) {
		ch = READ_ONCE(priv->channel[i]);
		if (!ch)
			continue;
		do {
			start = u64_stats_fetch_begin(&ch->rxq.stats.syncp);
			bad = u64_stats_read(&ch->rxq.stats.bad_cqe);
			split = u64_stats_read(&ch->rxq.stats.split);
		} while (u64_stats_fetch_retry(&ch->rxq.stats.syncp, start));
		data[PRIVATE_RX_BAD_COMPLETIONS] += bad;
		data[PRIVATE_RX_SPLIT_PACKETS] += split;
		do {
			start = u64_stats_fetch_begin(&ch->txq.stats.napi_syncp);
			bad = u64_stats_read(&ch->txq.stats.bad_cqe);
		} while (u64_stats_fetch_retry(&ch->txq.stats.napi_syncp, start));
		data[PRIVATE_TX_BAD_COMPLETIONS] += bad;
	}
}

void tulle_en_get_ethtool_stats(struct net_device *dev,
				struct ethtool_stats *stats, u64 *data)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_vport_stats vport = {};
	struct tulle_port_stats *port;

	memset(data, 0, sizeof(*data) * PRIVATE_COUNT);
	port = port_stats_read(dev);
	if (port) {
		data[PRIVATE_RX_STEER_DROPS] =
			le64_to_cpu(port->rx_steer_drops);
		kfree(port);
	}
	if (!tulle_vport_query_stats(priv->tdev, priv->tdev->limits.vport,
				     &vport)) {
		data[PRIVATE_RX_VPORT_UNICAST] = le64_to_cpu(vport.rx.unicast);
		data[PRIVATE_RX_VPORT_DROPS] = le64_to_cpu(vport.rx.drops);
		data[PRIVATE_TX_VPORT_UNICAST] = le64_to_cpu(vport.tx.unicast);
		data[PRIVATE_TX_VPORT_DROPS] = le64_to_cpu(vport.tx.drops);
	}
	private_queues(priv, data);
}
