// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt moderation: what a user set, and what net_dim makes of it.
 *
 * Each direction of a channel has its own settings; those of the net_device
 * are what a new channel starts with and what a change for all writes to each.
 */
#include <linux/dim.h>
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/netdev_lock.h>

#include "en.h"
#include "ethtool.h"

/*
 * A transmit completion only frees memory, so it may wait for others, well
 * below the millisecond of data that TCP keeps in a device; a socket waits for
 * every packet received, and who prefers fewer interrupts asks.
 */
#define TX_USECS	128
#define TX_FRAMES	256

struct moder_config {
	u16 usecs;
	u16 frames;
	bool adaptive;
	bool cqe_mode;
};

struct moder_pair {
	struct moder_config rx;
	struct moder_config tx;
};

struct tulle_en_coalesce {
	struct moder_pair all;
};

/*
 * The device
 */

static int moder_push(struct tulle_en_channel *ch, struct tulle_cq *cq,
		      u32 frames, u32 usecs, bool cqe_mode)
{
	struct tulle_dev *tdev = ch->priv->tdev;

	if (!tulle_cap(tdev, CQ_MODERATION))
		return 0;
	return tulle_cq_moderate(tdev, cq,
				 min(frames, tdev->limits.max_moderation_frames),
				 min(usecs, tdev->limits.max_moderation_usecs),
				 cqe_mode ? TULLE_CQ_F_MOD_CQE : 0);
}

/* CQ of a direction, NULL while it has none. */
static struct tulle_cq *moder_cq(struct tulle_en_channel *ch, bool tx)
{
	if (!ch->active)
		return NULL;
	if (tx)
		return ch->txq.mem ? &ch->txq.mem->cq : NULL;
	return ch->rxq.mem ? &ch->rxq.mem->cq : NULL;
}

/*
 * Adaptive moderation. The work items run between start and stop only, when
 * the memory of the channel's queues stays where it is.
 */

static void moder_dim_apply(struct tulle_en_channel *ch,
			    struct tulle_en_moder *m, bool tx,
			    const struct dim_cq_moder *cur)
{
	struct tulle_cq *cq = moder_cq(ch, tx);

	if (cq && READ_ONCE(m->adaptive))
		moder_push(ch, cq, cur->pkts, cur->usec, m->cqe_mode);
	m->dim.state = DIM_START_MEASURE;
}

static void moder_rx_work(struct work_struct *work)
{
	struct dim *dim = container_of(work, struct dim, work);
	struct tulle_en_channel *ch =
		container_of(dim, struct tulle_en_channel, rx.dim);
	struct dim_cq_moder cur =
		net_dim_get_rx_irq_moder(ch->priv->netdev, dim);

	moder_dim_apply(ch, &ch->rx, false, &cur);
}

static void moder_tx_work(struct work_struct *work)
{
	struct dim *dim = container_of(work, struct dim, work);
	struct tulle_en_channel *ch =
		container_of(dim, struct tulle_en_channel, tx.dim);
	struct dim_cq_moder cur =
		net_dim_get_tx_irq_moder(ch->priv->netdev, dim);

	moder_dim_apply(ch, &ch->tx, true, &cur);
}

void tulle_en_rx_dim(struct tulle_en_channel *ch)
{
	struct tulle_en_rx_stats *stats = &ch->rxq.stats;
	struct dim_sample sample = {};

	if (!READ_ONCE(ch->rx.adaptive))
		return;
	dim_update_sample(ch->rx.events, u64_stats_read(&stats->packets),
			  u64_stats_read(&stats->bytes), &sample);
	net_dim(&ch->rx.dim, &sample);
}

void tulle_en_tx_dim(struct tulle_en_channel *ch)
{
	struct tulle_en_tx_stats *stats = &ch->txq.stats;
	struct dim_sample sample = {};
	unsigned int start;
	u64 packets, bytes;

	if (!READ_ONCE(ch->tx.adaptive))
		return;
	do {
		start = u64_stats_fetch_begin(&stats->syncp);
		packets = u64_stats_read(&stats->packets);
		bytes = u64_stats_read(&stats->bytes);
	} while (u64_stats_fetch_retry(&stats->syncp, start));
	dim_update_sample(ch->tx.events, packets, bytes, &sample);
	net_dim(&ch->tx.dim, &sample);
}

static void moder_dim_reset(struct tulle_en_channel *ch,
			    struct tulle_en_moder *m, bool tx)
{
	memset(&m->dim, 0, sizeof(m->dim));
	net_dim_setting(ch->priv->netdev, &m->dim, tx);
	m->dim.state = DIM_START_MEASURE;
}

static void moder_load(struct tulle_en_moder *m,
		       const struct moder_config *config)
{
	m->usecs = config->usecs;
	m->frames = config->frames;
	m->cqe_mode = config->cqe_mode;
	WRITE_ONCE(m->adaptive, config->adaptive);
}

void tulle_en_moder_init(struct tulle_en_channel *ch)
{
	moder_load(&ch->rx, &ch->priv->coalesce->all.rx);
	moder_load(&ch->tx, &ch->priv->coalesce->all.tx);
	moder_dim_reset(ch, &ch->rx, false);
	moder_dim_reset(ch, &ch->tx, true);
}

void tulle_en_moder_start(struct tulle_en_channel *ch)
{
	moder_dim_reset(ch, &ch->rx, false);
	moder_dim_reset(ch, &ch->tx, true);
}

void tulle_en_moder_stop(struct tulle_en_channel *ch)
{
	net_dim_work_cancel(&ch->rx.dim);
	net_dim_work_cancel(&ch->tx.dim);
}

int tulle_en_coalesce_init(struct tulle_en_priv *priv)
{
	const struct tulle_limits *limits = &priv->tdev->limits;
	struct tulle_en_coalesce *c;
	int err;

	c = kzalloc_obj(*c);
	if (!c)
		return -ENOMEM;
	err = net_dim_init_irq_moder(priv->netdev,
				     DIM_PROFILE_RX | DIM_PROFILE_TX,
				     DIM_COALESCE_USEC | DIM_COALESCE_PKTS,
				     DIM_CQ_PERIOD_MODE_START_FROM_EQE,
				     DIM_CQ_PERIOD_MODE_START_FROM_EQE,
				     moder_rx_work, moder_tx_work);
	if (err) {
		kfree(c);
		return err;
	}
	if (tulle_cap(priv->tdev, CQ_MODERATION)) {
		c->all.tx.usecs = min(TX_USECS, limits->max_moderation_usecs);
		c->all.tx.frames = min(TX_FRAMES,
				       limits->max_moderation_frames);
	}
	priv->coalesce = c;
	return 0;
}

void tulle_en_coalesce_cleanup(struct tulle_en_priv *priv)
{
	if (!priv->coalesce)
		return;
	/* The profiles are RTNL's. */
	rtnl_lock();
	net_dim_free_irq_moder(priv->netdev);
	rtnl_unlock();
	kfree(priv->coalesce);
	priv->coalesce = NULL;
}

/*
 * ethtool
 */

static struct moder_config moder_save(const struct tulle_en_moder *m)
{
	return (struct moder_config) {
		.usecs = m->usecs,
		.frames = m->frames,
		.adaptive = m->adaptive,
		.cqe_mode = m->cqe_mode,
	};
}

static int moder_set(struct tulle_en_channel *ch, bool tx,
		     const struct moder_config *config)
{
	struct tulle_en_moder *m = tx ? &ch->tx : &ch->rx;
	struct moder_config old = moder_save(m);
	struct tulle_cq *cq = moder_cq(ch, tx);
	int err;

	moder_load(m, config);
	if (!cq)
		return 0;
	if (!config->adaptive) {
		net_dim_work_cancel(&m->dim);
		m->dim.state = DIM_START_MEASURE;
	}
	/* Adaptive moderation starts from here, too. */
	err = moder_push(ch, cq, config->frames, config->usecs,
			 config->cqe_mode);
	if (err)
		moder_load(m, &old);
	return err;
}

/* Both directions of a channel, or none; @old: (result) what it had. */
static int moder_set_pair(struct tulle_en_channel *ch,
			  const struct moder_pair *config,
			  struct moder_pair *old)
{
	int err;

	old->rx = moder_save(&ch->rx);
	old->tx = moder_save(&ch->tx);
	err = moder_set(ch, false, &config->rx);
	if (err)
		return err;
	err = moder_set(ch, true, &config->tx);
	if (err)
		moder_set(ch, false, &old->rx);
	return err;
}

/* All channels, or none. */
static int moder_set_all(struct tulle_en_priv *priv,
			 const struct moder_pair *config,
			 struct netlink_ext_ack *extack)
{
	struct moder_pair *old, scratch;
	struct tulle_en_channel *ch;
	unsigned int i;
	int err = 0;

	old = kzalloc_objs(*old, priv->max_channels);
	if (!old)
		return -ENOMEM;
	for (i = 0; i < priv->max_channels && !err; i++) {
		ch = priv->channel[i];
		if (ch)
			err = moder_set_pair(ch, config, &old[i]);
	}
	if (err) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "device refused the settings for queue %u",
				       --i);
		while (i--) {
			ch = priv->channel[i];
			if (ch)
				moder_set_pair(ch, &old[i], &scratch);
		}
	}
	kfree(old);
	return err;
}

static int moder_check(struct tulle_en_priv *priv,
		       const struct ethtool_coalesce *ec,
		       struct netlink_ext_ack *extack)
{
	const struct tulle_limits *limits = &priv->tdev->limits;
	u32 usecs = min_t(u32, limits->max_moderation_usecs, U16_MAX);
	u32 frames = min_t(u32, limits->max_moderation_frames, U16_MAX);

	if (!tulle_cap(priv->tdev, CQ_MODERATION)) {
		usecs = 0;
		frames = 0;
	}
	if (ec->rx_coalesce_usecs > usecs || ec->tx_coalesce_usecs > usecs) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "interrupts are delayed by %u usecs at most",
				       usecs);
		return -ERANGE;
	}
	if (ec->rx_max_coalesced_frames > frames ||
	    ec->tx_max_coalesced_frames > frames) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "interrupts wait for %u frames at most",
				       frames);
		return -ERANGE;
	}
	return 0;
}

static struct moder_config moder_config_rx(const struct ethtool_coalesce *ec,
					   bool cqe_mode)
{
	return (struct moder_config) {
		.usecs = ec->rx_coalesce_usecs,
		.frames = ec->rx_max_coalesced_frames,
		.adaptive = ec->use_adaptive_rx_coalesce,
		.cqe_mode = cqe_mode,
	};
}

static struct moder_config moder_config_tx(const struct ethtool_coalesce *ec,
					   bool cqe_mode)
{
	return (struct moder_config) {
		.usecs = ec->tx_coalesce_usecs,
		.frames = ec->tx_max_coalesced_frames,
		.adaptive = ec->use_adaptive_tx_coalesce,
		.cqe_mode = cqe_mode,
	};
}

int tulle_en_get_coalesce(struct net_device *dev, struct ethtool_coalesce *ec,
			  struct kernel_ethtool_coalesce *kec,
			  struct netlink_ext_ack *extack)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	const struct moder_pair *c = &priv->coalesce->all;

	ec->rx_coalesce_usecs = c->rx.usecs;
	ec->rx_max_coalesced_frames = c->rx.frames;
	ec->use_adaptive_rx_coalesce = c->rx.adaptive;
	kec->use_cqe_mode_rx = c->rx.cqe_mode;
	ec->tx_coalesce_usecs = c->tx.usecs;
	ec->tx_max_coalesced_frames = c->tx.frames;
	ec->use_adaptive_tx_coalesce = c->tx.adaptive;
	kec->use_cqe_mode_tx = c->tx.cqe_mode;
	ec->stats_block_coalesce_usecs = tulle_en_stats_refresh_usecs(priv);
	return 0;
}

int tulle_en_set_coalesce(struct net_device *dev, struct ethtool_coalesce *ec,
			  struct kernel_ethtool_coalesce *kec,
			  struct netlink_ext_ack *extack)
{
	const struct moder_pair want = {
		.rx = moder_config_rx(ec, kec->use_cqe_mode_rx),
		.tx = moder_config_tx(ec, kec->use_cqe_mode_tx),
	};
	struct tulle_en_priv *priv = netdev_priv(dev);
	u32 usecs = tulle_en_stats_refresh_usecs(priv);
	int err;

	err = moder_check(priv, ec, extack);
	if (err)
		return err;
	err = tulle_en_stats_set_refresh_usecs(priv,
					       ec->stats_block_coalesce_usecs,
					       extack);
	if (err)
		return err;
	err = moder_set_all(priv, &want, extack);
	if (err) {
		tulle_en_stats_set_refresh_usecs(priv, usecs, NULL);
		return err;
	}

	priv->coalesce->all = want;
	net_dim_set_rx_mode(dev, kec->use_cqe_mode_rx);
	net_dim_set_tx_mode(dev, kec->use_cqe_mode_tx);
	return 0;
}

int tulle_en_get_per_queue_coalesce(struct net_device *dev, u32 queue,
				    struct ethtool_coalesce *ec)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_en_channel *ch;

	if (queue >= priv->params.channels)
		return -EINVAL;
	ch = priv->channel[queue];
	if (!ch)
		return -ENETDOWN;

	ec->rx_coalesce_usecs = ch->rx.usecs;
	ec->rx_max_coalesced_frames = ch->rx.frames;
	ec->use_adaptive_rx_coalesce = ch->rx.adaptive;
	ec->tx_coalesce_usecs = ch->tx.usecs;
	ec->tx_max_coalesced_frames = ch->tx.frames;
	ec->use_adaptive_tx_coalesce = ch->tx.adaptive;
	return 0;
}

int tulle_en_set_per_queue_coalesce(struct net_device *dev, u32 queue,
				    struct ethtool_coalesce *ec)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct moder_pair config, old;
	struct tulle_en_channel *ch;
	int err;

	if (queue >= priv->params.channels)
		return -EINVAL;
	ch = priv->channel[queue];
	if (!ch)
		return -ENETDOWN;
	err = moder_check(priv, ec, NULL);
	if (err)
		return err;

	config.rx = moder_config_rx(ec, ch->rx.cqe_mode);
	config.tx = moder_config_tx(ec, ch->tx.cqe_mode);
	return moder_set_pair(ch, &config, &old);
}
