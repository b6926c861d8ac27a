// SPDX-License-Identifier: GPL-2.0
/*
 * Channels: a vector with its NAPI and its two queues.
 *
 * open makes everything on the device, start lets traffic flow, stop and close
 * undo them. The channel itself is allocated once and kept.
 */
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <net/netdev_lock.h>

#include "en.h"

static void rx_stats_init(struct tulle_en_rx_stats *stats)
{
	u64_stats_init(&stats->syncp);
}

static void tx_stats_init(struct tulle_en_tx_stats *stats)
{
	u64_stats_init(&stats->syncp);
	u64_stats_init(&stats->napi_syncp);
}

static struct tulle_en_channel *channel_get(struct tulle_en_priv *priv,
					    unsigned int ix)
{
	struct tulle_en_channel *ch = priv->channel[ix];

	if (ch)
		return ch;
	ch = kzalloc_node(sizeof(*ch), GFP_KERNEL, priv->tdev->numa_node);
	if (!ch)
		return NULL;

	ch->priv = priv;
	ch->ix = ix;
	spin_lock_init(&ch->arming);
	ch->rxq.channel = ch;
	ch->rxq.dev = priv->netdev;
	ch->rxq.ix = ix;
	timer_setup(&ch->rxq.retry, tulle_en_rx_retry, 0);
	rx_stats_init(&ch->rxq.stats);
	ch->txq.channel = ch;
	ch->txq.nq = netdev_get_tx_queue(priv->netdev, ix);
	ch->txq.ix = ix;
	ch->txq.flags = BIT(TULLE_EN_TXQ_DOWN);
	tx_stats_init(&ch->txq.stats);
	tulle_en_moder_init(ch);
	/* Statistics are read without a lock. */
	smp_store_release(&priv->channel[ix], ch);
	return ch;
}

/* Called when nobody reads statistics any more. */
void tulle_en_channels_free(struct tulle_en_priv *priv)
{
	unsigned int ix;

	for (ix = 0; ix < priv->max_channels; ix++) {
		kfree(priv->channel[ix]);
		priv->channel[ix] = NULL;
	}
}

static int channel_open_rx(struct tulle_en_channel *ch,
			   const struct tulle_en_params *params)
{
	struct tulle_en_rx_geom geom;
	struct tulle_en_rx_mem *mem;
	int err;

	tulle_en_rx_geom(ch->priv, params, &geom);
	mem = tulle_en_rx_mem_alloc(&ch->rxq, &geom);
	if (IS_ERR(mem))
		return PTR_ERR(mem);
	err = tulle_en_rx_mem_create(mem);
	if (err)
		goto err_free;
	err = tulle_en_rxq_create(&ch->rxq, mem);
	if (err)
		goto err_free;
	return 0;

err_free:
	tulle_en_rx_mem_free(mem);
	return err;
}

static int channel_open_tx(struct tulle_en_channel *ch,
			   const struct tulle_en_params *params)
{
	struct tulle_en_tx_mem *mem;

	mem = tulle_en_tx_mem_create(&ch->txq, params->tx_size);
	if (IS_ERR(mem))
		return PTR_ERR(mem);
	tulle_en_txq_open(&ch->txq, mem);
	return 0;
}

/*
 * The machine may have no more to give: then those of the first channels serve
 * several. Any other failure is one.
 */
static struct tulle_vec *channel_get_vec(struct tulle_en_channel *ch)
{
	struct tulle_en_priv *priv = ch->priv;
	struct tulle_vec *vec;
	unsigned int n = 0;

	ch->shares_vec = false;
	vec = tulle_vec_get(priv->tdev, TULLE_VEC_ETH, ch->ix);
	if (vec != ERR_PTR(-ENOSPC))
		return vec;
	while (n < ch->ix && !priv->channel[n]->shares_vec)
		n++;
	if (!n)
		return vec;
	ch->shares_vec = true;
	return tulle_vec_get(priv->tdev, TULLE_VEC_ETH, ch->ix % n);
}

static int channel_open(struct tulle_en_priv *priv, unsigned int ix,
			const struct tulle_en_params *params)
{
	struct tulle_en_channel *ch = channel_get(priv, ix);
	struct net_device *dev = priv->netdev;
	int err;

	if (!ch)
		return -ENOMEM;
	ch->vec = channel_get_vec(ch);
	if (IS_ERR(ch->vec)) {
		err = PTR_ERR(ch->vec);
		ch->vec = NULL;
		return err;
	}
	netif_napi_add_config_locked(dev, &ch->napi, tulle_en_poll, ix);
	/* The stack takes an interrupt for that of one NAPI. */
	if (!ch->shares_vec)
		netif_napi_set_irq_locked(&ch->napi, ch->vec->irq);

	err = channel_open_rx(ch, params);
	if (err)
		goto err_del_napi;
	err = channel_open_tx(ch, params);
	if (err)
		goto err_destroy_rxq;

	netif_queue_set_napi(dev, ix, NETDEV_QUEUE_TYPE_RX, &ch->napi);
	netif_queue_set_napi(dev, ix, NETDEV_QUEUE_TYPE_TX, &ch->napi);
	ch->active = true;
	tulle_en_napi_enable(ch);
	return 0;

err_destroy_rxq:
	tulle_en_rxq_destroy(&ch->rxq);
err_del_napi:
	netif_napi_del_locked(&ch->napi);
	tulle_vec_put(priv->tdev, ch->vec);
	ch->vec = NULL;
	return err;
}

/*
 * The watchdog looks at every stopped queue, and it has less patience than many
 * channels may need when memory is scarce or interrupts get lost.
 */
static void channels_are_not_stuck(struct tulle_en_priv *priv,
				   unsigned int from, unsigned int to)
{
	for (; from < to; from++)
		txq_trans_cond_update(priv->channel[from]->txq.nq);
}

/**
 * tulle_en_channels_open() - make channels; their Tx queues stay stopped
 * @priv: the net_device's
 * @from: first index
 * @to: index behind the last
 * @params: shape of the queues
 *
 * Return: 0, or an error and none is open.
 */
int tulle_en_channels_open(struct tulle_en_priv *priv, unsigned int from,
			   unsigned int to,
			   const struct tulle_en_params *params)
{
	unsigned int shared = 0;
	unsigned int ix;
	int err;

	for (ix = from; ix < to; ix++) {
		err = channel_open(priv, ix, params);
		if (err) {
			tulle_en_channels_close(priv, from, ix);
			return err;
		}
		shared += priv->channel[ix]->shares_vec;
		channels_are_not_stuck(priv, from, ix + 1);
	}
	if (shared)
		netdev_warn(priv->netdev, "no interrupt is left for %u channels, they share those of others\n",
			    shared);
	return 0;
}

/**
 * tulle_en_channels_close() - undo tulle_en_channels_open()
 * @priv: the net_device's
 * @from: first index
 * @to: index behind the last
 *
 * No RSS table and no rule points to the queues any more.
 */
void tulle_en_channels_close(struct tulle_en_priv *priv, unsigned int from,
			     unsigned int to)
{
	struct net_device *dev = priv->netdev;
	struct tulle_en_channel *ch;
	unsigned int ix;

	if (from == to)
		return;
	for (ix = from; ix < to; ix++) {
		ch = priv->channel[ix];
		ch->active = false;
		napi_disable_locked(&ch->napi);
		channels_are_not_stuck(priv, from, to);
	}
	/* As tulle_en_napi_disable() does, for all of them at once. */
	synchronize_rcu_expedited();
	for (ix = from; ix < to; ix++) {
		ch = priv->channel[ix];
		tulle_en_moder_stop(ch);
		ch->disarmed = false;
		netif_queue_set_napi(dev, ix, NETDEV_QUEUE_TYPE_RX, NULL);
		netif_queue_set_napi(dev, ix, NETDEV_QUEUE_TYPE_TX, NULL);
		tulle_en_rxq_destroy(&ch->rxq);
		tulle_en_txq_close(&ch->txq);
		__netif_napi_del_locked(&ch->napi);
		tulle_en_health_closed(priv, ix);
		channels_are_not_stuck(priv, ix + 1, to);
	}
	/* Readers of the list of NAPIs, before their vectors go. */
	synchronize_rcu_expedited();
	for (ix = from; ix < to; ix++) {
		ch = priv->channel[ix];
		tulle_vec_put(priv->tdev, ch->vec);
		ch->vec = NULL;
	}
}

void tulle_en_channels_start(struct tulle_en_priv *priv, unsigned int from,
			     unsigned int to)
{
	for (; from < to; from++)
		tulle_en_txq_start(&priv->channel[from]->txq);
}

void tulle_en_channels_stop(struct tulle_en_priv *priv, unsigned int from,
			    unsigned int to)
{
	for (; from < to; from++)
		tulle_en_txq_stop(&priv->channel[from]->txq, false);
}

u32 tulle_en_rxq_handle(struct tulle_en_priv *priv, unsigned int ix)
{
	struct tulle_en_channel *ch = priv->channel[ix];

	return ch ? ch->rxq.handle : 0;
}
