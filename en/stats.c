// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics of the net_device and of its queues.
 *
 * What the driver counts is kept per channel from probe to remove, so nothing
 * goes backwards when queues come and go. What the device counts is read by a
 * work item while the interface is open, because ndo_get_stats64() must not
 * sleep; the interval is ethtool's stats-block-usecs.
 */
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <net/netdev_queues.h>

#include "en.h"
#include "ethtool.h"

#define STATS_USECS_DEFAULT	250000
#define STATS_USECS_MIN		10000
#define STATS_USECS_MAX		60000000

/* Receive queues that one run of the work item asks about. */
#define STATS_RXQ_BATCH		8

/* Counters of the port that rtnl_link_stats64 wants. */
enum {
	STATS_RX_CRC,
	STATS_RX_FRAME,
	STATS_RX_LENGTH,
	STATS_RX_MISSED,
	STATS_RX_DROPPED,
	STATS_TX_DROPS,
	STATS_PORT_COUNT,
};

/* Why a receive queue drops. */
enum {
	DROPS_DRY,	/* no buffer */
	DROPS_BIG,	/* longer than its buffers */
	DROPS_STOPPED,	/* the queue does not receive */
	DROPS_COUNT,
};

/*
 * Drops of a receive queue. An RQ lives from open to close: @base is what its
 * predecessors had counted.
 */
struct rxq_drops {
	u32 handle;
	u64 base[DROPS_COUNT];
	u64 now[DROPS_COUNT];
};

struct tulle_en_stats {
	struct tulle_en_priv *priv;
	struct delayed_work work;
	u32 usecs;
	unsigned int next_rxq;
	/* drops[] and being the only writer of port[] */
	struct mutex lock;
	struct rxq_drops *drops;
	struct u64_stats_sync syncp;
	u64_stats_t port[STATS_PORT_COUNT];
};

/*
 * Counters of the device
 */

static void stats_rxq_fold(struct rxq_drops *d)
{
	unsigned int i;

	d->handle = 0;
	for (i = 0; i < DROPS_COUNT; i++) {
		d->base[i] += d->now[i];
		d->now[i] = 0;
	}
}

static void stats_rxq_refresh(struct tulle_en_priv *priv, unsigned int ix)
{
	struct tulle_en_channel *ch = READ_ONCE(priv->channel[ix]);
	struct rxq_drops *d = &priv->port_stats->drops[ix];
	struct tulle_handle_req in = {};
	struct tulle_rq_ctx ctx;
	struct tulle_cmd cmd = {
		.op = TULLE_CMD_QUERY_RQ,
		.func = TULLE_CMD_SELF,
		.in = &in,
		.in_len = sizeof(in),
		.out = &ctx,
		.out_len = sizeof(ctx),
	};
	u32 handle;

	handle = ch ? READ_ONCE(ch->rxq.handle) : 0;
	if (!handle)
		return;

	/* The queue may be gone by now: not worth a message. */
	in.handle = cpu_to_le32(handle);
	if (tulle_cmd_do(priv->tdev, &cmd) || cmd.out_used != sizeof(ctx))
		return;

	if (d->handle != handle) {
		stats_rxq_fold(d);
		d->handle = handle;
	}
	d->now[DROPS_DRY] = le64_to_cpu(ctx.drops_dry);
	d->now[DROPS_BIG] = le64_to_cpu(ctx.drops_big);
	d->now[DROPS_STOPPED] = le64_to_cpu(ctx.drops_stopped);
}

static u64 stats_rxq_drops(const struct rxq_drops *d, unsigned int why)
{
	return d->base[why] + d->now[why];
}

static void stats_port_publish(struct tulle_en_priv *priv,
			       const struct tulle_port_stats *port)
{
	struct tulle_en_stats *stats = priv->port_stats;
	u64 drops[DROPS_COUNT] = {};
	unsigned int i, why;
	u64 length;

	for (i = 0; i < priv->max_channels; i++)
		for (why = 0; why < DROPS_COUNT; why++)
			drops[why] += stats_rxq_drops(&stats->drops[i], why);
	length = le64_to_cpu(port->rx_length_errors) +
		 le64_to_cpu(port->rx_undersize) +
		 le64_to_cpu(port->rx_oversize) + drops[DROPS_BIG];

	/* The mutex keeps other writers out, not interrupts. */
	local_bh_disable();
	u64_stats_update_begin(&stats->syncp);
	u64_stats_set(&stats->port[STATS_RX_CRC],
		      le64_to_cpu(port->rx_fcs_errors));
	u64_stats_set(&stats->port[STATS_RX_FRAME],
		      le64_to_cpu(port->rx_align_errors));
	u64_stats_set(&stats->port[STATS_RX_LENGTH], length);
	u64_stats_set(&stats->port[STATS_RX_MISSED], drops[DROPS_DRY]);
	u64_stats_set(&stats->port[STATS_RX_DROPPED], drops[DROPS_STOPPED]);
	u64_stats_set(&stats->port[STATS_TX_DROPS],
		      le64_to_cpu(port->tx_backend_drops));
	u64_stats_update_end(&stats->syncp);
	local_bh_enable();
}

static void stats_port_refresh(struct tulle_en_priv *priv)
{
	struct tulle_port_stats *port;
	struct tulle_cmd cmd = {
		.op = TULLE_CMD_QUERY_PORT_STATS,
		.func = TULLE_CMD_SELF,
		.out_len = sizeof(*port),
	};

	port = kzalloc_obj(*port);
	if (!port)
		return;
	cmd.out = port;
	if (!tulle_cmd_do(priv->tdev, &cmd) && cmd.out_used == sizeof(*port))
		stats_port_publish(priv, port);
	kfree(port);
}

static void stats_work(struct work_struct *work)
{
	struct tulle_en_stats *stats =
		container_of(work, struct tulle_en_stats, work.work);
	struct tulle_en_priv *priv = stats->priv;
	unsigned int channels, i;

	mutex_lock(&stats->lock);
	channels = READ_ONCE(priv->params.channels);
	for (i = 0; i < min(channels, STATS_RXQ_BATCH); i++) {
		if (stats->next_rxq >= channels)
			stats->next_rxq = 0;
		stats_rxq_refresh(priv, stats->next_rxq++);
	}
	stats_port_refresh(priv);
	mutex_unlock(&stats->lock);
	queue_delayed_work(system_dfl_wq, &stats->work,
			   usecs_to_jiffies(READ_ONCE(stats->usecs)));
}

void tulle_en_stats_start(struct tulle_en_priv *priv)
{
	struct tulle_en_stats *stats = priv->port_stats;

	queue_delayed_work(system_dfl_wq, &stats->work, 0);
}

/**
 * tulle_en_stats_settle() - take what receive queues counted before they go
 * @priv: the net_device's
 * @from: first index
 * @to: index behind the last
 *
 * A queue that is made after a reset may get the handle of one before it.
 */
void tulle_en_stats_settle(struct tulle_en_priv *priv, unsigned int from,
			   unsigned int to)
{
	struct tulle_en_stats *stats = priv->port_stats;
	unsigned int i;

	mutex_lock(&stats->lock);
	for (i = from; i < to; i++) {
		stats_rxq_refresh(priv, i);
		stats_rxq_fold(&stats->drops[i]);
	}
	mutex_unlock(&stats->lock);
}

void tulle_en_stats_stop(struct tulle_en_priv *priv)
{
	struct tulle_en_stats *stats = priv->port_stats;

	cancel_delayed_work_sync(&stats->work);
	tulle_en_stats_settle(priv, 0, priv->params.channels);
	mutex_lock(&stats->lock);
	stats_port_refresh(priv);
	mutex_unlock(&stats->lock);
}

int tulle_en_stats_init(struct tulle_en_priv *priv)
{
	struct tulle_en_stats *stats;

	stats = kzalloc_obj(*stats);
	if (!stats)
		return -ENOMEM;
	stats->drops = kzalloc_objs(*stats->drops, priv->max_channels);
	if (!stats->drops) {
		kfree(stats);
		return -ENOMEM;
	}
	stats->priv = priv;
	stats->usecs = STATS_USECS_DEFAULT;
	mutex_init(&stats->lock);
	u64_stats_init(&stats->syncp);
	INIT_DELAYED_WORK(&stats->work, stats_work);
	priv->port_stats = stats;
	return 0;
}

void tulle_en_stats_cleanup(struct tulle_en_priv *priv)
{
	struct tulle_en_stats *stats = priv->port_stats;

	if (!stats)
		return;
	cancel_delayed_work_sync(&stats->work);
	mutex_destroy(&stats->lock);
	kfree(stats->drops);
	kfree(stats);
	priv->port_stats = NULL;
}

u32 tulle_en_stats_refresh_usecs(struct tulle_en_priv *priv)
{
	return priv->port_stats->usecs;
}

int tulle_en_stats_set_refresh_usecs(struct tulle_en_priv *priv, u32 usecs,
				     struct netlink_ext_ack *extack)
{
	struct tulle_en_stats *stats = priv->port_stats;

	if (usecs < STATS_USECS_MIN || usecs > STATS_USECS_MAX) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "stats-block-usecs must be in %u..%u",
				       STATS_USECS_MIN, STATS_USECS_MAX);
		return -ERANGE;
	}
	WRITE_ONCE(stats->usecs, usecs);
	if (tulle_en_is_open(priv))
		mod_delayed_work(system_dfl_wq, &stats->work,
				 usecs_to_jiffies(usecs));
	return 0;
}

/*
 * ndo_get_stats64
 */

static void stats64_add_rx(const struct tulle_en_rx_stats *rx,
			   struct rtnl_link_stats64 *sum)
{
	u64 packets, bytes, multicast, dropped, bad_cqe;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&rx->syncp);
		packets = u64_stats_read(&rx->packets);
		bytes = u64_stats_read(&rx->bytes);
		multicast = u64_stats_read(&rx->multicast);
		dropped = u64_stats_read(&rx->dropped);
		bad_cqe = u64_stats_read(&rx->bad_cqe);
	} while (u64_stats_fetch_retry(&rx->syncp, start));

	sum->rx_packets += packets;
	sum->rx_bytes += bytes;
	sum->multicast += multicast;
	sum->rx_dropped += dropped;
	sum->rx_errors += bad_cqe;
}

static void stats64_add_tx(const struct tulle_en_tx_stats *tx,
			   struct rtnl_link_stats64 *sum)
{
	u64 packets, bytes, dropped, errors;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&tx->syncp);
		packets = u64_stats_read(&tx->packets);
		bytes = u64_stats_read(&tx->bytes);
		dropped = u64_stats_read(&tx->dropped);
	} while (u64_stats_fetch_retry(&tx->syncp, start));
	do {
		start = u64_stats_fetch_begin(&tx->napi_syncp);
		errors = u64_stats_read(&tx->errors);
	} while (u64_stats_fetch_retry(&tx->napi_syncp, start));

	sum->tx_packets += packets;
	sum->tx_bytes += bytes;
	sum->tx_dropped += dropped;
	sum->tx_errors += errors;
}

static void stats64_add_port(struct tulle_en_stats *stats,
			     struct rtnl_link_stats64 *sum)
{
	u64 port[STATS_PORT_COUNT];
	unsigned int start, i;

	do {
		start = u64_stats_fetch_begin(&stats->syncp);
		for (i = 0; i < STATS_PORT_COUNT; i++)
			port[i] = u64_stats_read(&stats->port[i]);
	} while (u64_stats_fetch_retry(&stats->syncp, start));

	sum->rx_crc_errors = port[STATS_RX_CRC];
	sum->rx_frame_errors = port[STATS_RX_FRAME];
	sum->rx_length_errors = port[STATS_RX_LENGTH];
	sum->rx_missed_errors = port[STATS_RX_MISSED];
	sum->rx_dropped += port[STATS_RX_DROPPED];
	sum->rx_errors += port[STATS_RX_CRC] + port[STATS_RX_FRAME] +
			  port[STATS_RX_LENGTH];
	sum->tx_errors += port[STATS_TX_DROPS];
	sum->tx_fifo_errors = port[STATS_TX_DROPS];
}

void tulle_en_get_stats64(struct net_device *dev,
			  struct rtnl_link_stats64 *stats)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_en_channel *ch;
	unsigned int i;

	for (i = 0; i < priv->max_channels; i++) {
		ch = READ_ONCE(priv->channel[i]);
		if (!ch)
			continue;
		stats64_add_rx(&ch->rxq.stats, stats);
		stats64_add_tx(&ch->txq.stats, stats);
	}
	stats64_add_port(priv->port_stats, stats);
}

/*
 * Statistics of queues (netdev-genl). The counters reported are the same for
 * queues and for the rest of the device: first zeroed, then added up.
 */

static void qstats_rx_zero(struct netdev_queue_stats_rx *rx)
{
	rx->packets = 0;
	rx->bytes = 0;
	rx->alloc_fail = 0;
	rx->hw_drops = 0;
	rx->hw_drop_overruns = 0;
	tulle_qstat_set_csum_complete(rx, 0);
	rx->csum_unnecessary = 0;
	rx->csum_none = 0;
	rx->csum_bad = 0;
	rx->hw_gro_packets = 0;
	rx->hw_gro_bytes = 0;
	rx->hw_gro_wire_packets = 0;
	rx->hw_gro_wire_bytes = 0;
}

/* Return: packets with a complete checksum; not every kernel has a place. */
static u64 qstats_rx_add(const struct tulle_en_rx_stats *s,
			 struct netdev_queue_stats_rx *rx)
{
	struct netdev_queue_stats_rx add;
	u64 csum_complete;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&s->syncp);
		add.packets = u64_stats_read(&s->packets);
		add.bytes = u64_stats_read(&s->bytes);
		add.alloc_fail = u64_stats_read(&s->alloc_fail);
		csum_complete = u64_stats_read(&s->csum_complete);
		add.csum_unnecessary = u64_stats_read(&s->csum_unnecessary);
		add.csum_none = u64_stats_read(&s->csum_none);
		add.csum_bad = u64_stats_read(&s->csum_bad);
		add.hw_gro_packets = u64_stats_read(&s->gro_packets);
		add.hw_gro_bytes = u64_stats_read(&s->gro_bytes);
		add.hw_gro_wire_packets = u64_stats_read(&s->gro_wire_packets);
		add.hw_gro_wire_bytes = u64_stats_read(&s->gro_wire_bytes);
	} while (u64_stats_fetch_retry(&s->syncp, start));

	rx->packets += add.packets;
	rx->bytes += add.bytes;
	rx->alloc_fail += add.alloc_fail;
	rx->csum_unnecessary += add.csum_unnecessary;
	rx->csum_none += add.csum_none;
	rx->csum_bad += add.csum_bad;
	rx->hw_gro_packets += add.hw_gro_packets;
	rx->hw_gro_bytes += add.hw_gro_bytes;
	rx->hw_gro_wire_packets += add.hw_gro_wire_packets;
	rx->hw_gro_wire_bytes += add.hw_gro_wire_bytes;
	return csum_complete;
}

static void stats_rxq_add_drops(const struct rxq_drops *d,
				struct netdev_queue_stats_rx *rx)
{
	unsigned int why;

	for (why = 0; why < DROPS_COUNT; why++)
		rx->hw_drops += stats_rxq_drops(d, why);
	rx->hw_drop_overruns += stats_rxq_drops(d, DROPS_DRY);
}

/* Receive queues @from .. @to - 1, added up. */
static void qstats_rx_sum(struct tulle_en_priv *priv, unsigned int from,
			  unsigned int to, struct netdev_queue_stats_rx *rx)
{
	struct tulle_en_stats *stats = priv->port_stats;
	struct tulle_en_channel *ch;
	u64 csum_complete = 0;
	unsigned int i;

	qstats_rx_zero(rx);
	mutex_lock(&stats->lock);
	for (i = from; i < to; i++) {
		ch = priv->channel[i];
		if (!ch)
			continue;
		csum_complete += qstats_rx_add(&ch->rxq.stats, rx);
		stats_rxq_refresh(priv, i);
		stats_rxq_add_drops(&stats->drops[i], rx);
	}
	mutex_unlock(&stats->lock);
	tulle_qstat_set_csum_complete(rx, csum_complete);
}

static void qstats_tx_zero(struct netdev_queue_stats_tx *tx)
{
	tx->packets = 0;
	tx->bytes = 0;
	tx->csum_none = 0;
	tx->needs_csum = 0;
	tx->hw_gso_packets = 0;
	tx->hw_gso_bytes = 0;
	tx->hw_gso_wire_packets = 0;
	tx->hw_gso_wire_bytes = 0;
	tx->hw_drop_errors = 0;
	tx->stop = 0;
	tx->wake = 0;
}

static void qstats_tx_add(const struct tulle_en_tx_stats *s,
			  struct netdev_queue_stats_tx *tx)
{
	struct netdev_queue_stats_tx add;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&s->syncp);
		add.packets = u64_stats_read(&s->packets);
		add.bytes = u64_stats_read(&s->bytes);
		add.csum_none = u64_stats_read(&s->csum_none);
		add.needs_csum = u64_stats_read(&s->needs_csum);
		add.hw_gso_packets = u64_stats_read(&s->gso_packets);
		add.hw_gso_bytes = u64_stats_read(&s->gso_bytes);
		add.hw_gso_wire_packets = u64_stats_read(&s->gso_wire_packets);
		add.hw_gso_wire_bytes = u64_stats_read(&s->gso_wire_bytes);
		add.stop = u64_stats_read(&s->stop);
	} while (u64_stats_fetch_retry(&s->syncp, start));
	do {
		start = u64_stats_fetch_begin(&s->napi_syncp);
		add.wake = u64_stats_read(&s->wake);
		add.hw_drop_errors = u64_stats_read(&s->errors);
	} while (u64_stats_fetch_retry(&s->napi_syncp, start));

	tx->packets += add.packets;
	tx->bytes += add.bytes;
	tx->csum_none += add.csum_none;
	tx->needs_csum += add.needs_csum;
	tx->hw_gso_packets += add.hw_gso_packets;
	tx->hw_gso_bytes += add.hw_gso_bytes;
	tx->hw_gso_wire_packets += add.hw_gso_wire_packets;
	tx->hw_gso_wire_bytes += add.hw_gso_wire_bytes;
	tx->hw_drop_errors += add.hw_drop_errors;
	tx->stop += add.stop;
	tx->wake += add.wake;
}

static void qstats_tx_sum(struct tulle_en_priv *priv, unsigned int from,
			  unsigned int to, struct netdev_queue_stats_tx *tx)
{
	struct tulle_en_channel *ch;
	unsigned int i;

	qstats_tx_zero(tx);
	for (i = from; i < to; i++) {
		ch = priv->channel[i];
		if (ch)
			qstats_tx_add(&ch->txq.stats, tx);
	}
}

static void tulle_en_get_queue_stats_rx(struct net_device *dev, int ix,
					struct netdev_queue_stats_rx *rx)
{
	qstats_rx_sum(netdev_priv(dev), ix, ix + 1, rx);
}

static void tulle_en_get_queue_stats_tx(struct net_device *dev, int ix,
					struct netdev_queue_stats_tx *tx)
{
	qstats_tx_sum(netdev_priv(dev), ix, ix + 1, tx);
}

/* Queues that are not in use now. */
static void tulle_en_get_base_stats(struct net_device *dev,
				    struct netdev_queue_stats_rx *rx,
				    struct netdev_queue_stats_tx *tx)
{
	struct tulle_en_priv *priv = netdev_priv(dev);

	qstats_rx_sum(priv, dev->real_num_rx_queues, priv->max_channels, rx);
	qstats_tx_sum(priv, dev->real_num_tx_queues, priv->max_channels, tx);
}

const struct netdev_stat_ops tulle_en_stat_ops = {
	.get_queue_stats_rx = tulle_en_get_queue_stats_rx,
	.get_queue_stats_tx = tulle_en_get_queue_stats_tx,
	.get_base_stats = tulle_en_get_base_stats,
};
