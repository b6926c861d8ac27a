// SPDX-License-Identifier: GPL-2.0
/*
 * Reconfiguration of running queues: the new one is had before the old one is
 * left, queues that do not change are not touched, and what cannot be had
 * leaves everything as it was.
 */
#include <linux/netdevice.h>
#include <net/netdev_lock.h>

#include "en.h"

/* Memory for channels [0, n), made before anything changes. */
struct new_mem {
	unsigned int n;
	struct tulle_en_rx_mem **rx;
	struct tulle_en_tx_mem **tx;
};

static void new_mem_free(struct new_mem *mem)
{
	unsigned int ix;

	for (ix = 0; mem->rx && ix < mem->n; ix++)
		tulle_en_rx_mem_free(mem->rx[ix]);
	for (ix = 0; mem->tx && ix < mem->n; ix++)
		tulle_en_tx_mem_free(mem->tx[ix]);
	kfree(mem->rx);
	kfree(mem->tx);
}

static struct tulle_en_rx_mem *new_rx(struct tulle_en_rxq *rxq,
				      const struct tulle_en_rx_geom *geom)
{
	struct tulle_en_rx_mem *mem = tulle_en_rx_mem_alloc(rxq, geom);
	int err;

	if (IS_ERR(mem))
		return mem;
	err = tulle_en_rx_mem_create(mem);
	if (err) {
		tulle_en_rx_mem_free(mem);
		return ERR_PTR(err);
	}
	return mem;
}

static int new_mem_rx(struct tulle_en_priv *priv, struct new_mem *mem,
		      const struct tulle_en_rx_geom *geom)
{
	struct tulle_en_rx_mem *rx;
	unsigned int ix;

	mem->rx = kcalloc(mem->n, sizeof(*mem->rx), GFP_KERNEL);
	if (!mem->rx)
		return -ENOMEM;
	for (ix = 0; ix < mem->n; ix++) {
		rx = new_rx(&priv->channel[ix]->rxq, geom);
		if (IS_ERR(rx))
			return PTR_ERR(rx);
		mem->rx[ix] = rx;
	}
	return 0;
}

static int new_mem_tx(struct tulle_en_priv *priv, struct new_mem *mem,
		      u32 size)
{
	struct tulle_en_tx_mem *tx;
	unsigned int ix;

	mem->tx = kcalloc(mem->n, sizeof(*mem->tx), GFP_KERNEL);
	if (!mem->tx)
		return -ENOMEM;
	for (ix = 0; ix < mem->n; ix++) {
		tx = tulle_en_tx_mem_create(&priv->channel[ix]->txq, size);
		if (IS_ERR(tx))
			return PTR_ERR(tx);
		mem->tx[ix] = tx;
	}
	return 0;
}

/* What a running queue can only get with another ring. */
static bool rx_needs_ring(const struct tulle_en_rx_geom *a,
			  const struct tulle_en_rx_geom *b)
{
	return a->type != b->type || a->log_size != b->log_size ||
	       a->buf_len != b->buf_len || a->hdr_len != b->hdr_len ||
	       /* Whether headers may be unreadable is up to the page pool. */
	       !a->split_thresh != !b->split_thresh;
}

static bool rx_needs_update(const struct tulle_en_rx_geom *a,
			    const struct tulle_en_rx_geom *b)
{
	return a->flags != b->flags || a->gro_max != b->gro_max ||
	       a->split_thresh != b->split_thresh;
}

/*
 * Swap memory in. On failure the queues swapped so far go back to the memory
 * they had, which was kept in @mem.
 */
static int swap_rx(struct tulle_en_priv *priv, struct new_mem *mem)
{
	struct tulle_en_rx_mem *old;
	unsigned int ix;
	int err = 0;

	for (ix = 0; ix < mem->n; ix++) {
		err = tulle_en_rxq_swap(&priv->channel[ix]->rxq, mem->rx[ix],
					&old);
		if (err)
			break;
		mem->rx[ix] = old;
	}
	if (!err)
		return 0;

	while (ix--) {
		/* It had none, because it could not be started: nor now. */
		if (!mem->rx[ix]) {
			tulle_en_rxq_stop(&priv->channel[ix]->rxq,
					  &mem->rx[ix]);
			continue;
		}
		/* Short of buffers is better than the wrong configuration. */
		tulle_en_rx_mem_renew(mem->rx[ix]);
		if (tulle_en_rxq_swap(&priv->channel[ix]->rxq, mem->rx[ix],
				      &old)) {
			tulle_dev_fail(priv->tdev, "Rx queue not restored");
			break;
		}
		mem->rx[ix] = old;
	}
	return err;
}

static int update_rx(struct tulle_en_priv *priv, unsigned int n,
		     const struct tulle_en_rx_geom *geom,
		     const struct tulle_en_rx_geom *old)
{
	unsigned int ix;
	int err = 0;

	for (ix = 0; ix < n; ix++) {
		if (!priv->channel[ix]->rxq.mem)
			continue;
		err = tulle_en_rxq_update(&priv->channel[ix]->rxq, geom);
		if (err)
			break;
	}
	if (!err)
		return 0;
	while (ix--)
		if (priv->channel[ix]->rxq.mem)
			tulle_en_rxq_update(&priv->channel[ix]->rxq, old);
	return err;
}

static void swap_tx(struct tulle_en_priv *priv, struct new_mem *mem)
{
	unsigned int ix;

	for (ix = 0; ix < mem->n; ix++) {
		tulle_en_txq_swap(&priv->channel[ix]->txq, mem->tx[ix]);
		mem->tx[ix] = NULL;
	}
}

/* New shape for the channels that stay. */
static int reshape(struct tulle_en_priv *priv,
		   const struct tulle_en_params *want, unsigned int n,
		   struct netlink_ext_ack *extack)
{
	struct tulle_en_rx_geom geom, old;
	struct new_mem mem = { .n = n };
	int err = 0;

	tulle_en_rx_geom(priv, &priv->params, &old);
	tulle_en_rx_geom(priv, want, &geom);
	if (rx_needs_ring(&geom, &old))
		err = new_mem_rx(priv, &mem, &geom);
	if (!err && want->tx_size != priv->params.tx_size)
		err = new_mem_tx(priv, &mem, want->tx_size);
	if (err) {
		NL_SET_ERR_MSG(extack, "No resources for the new queues");
		goto out_free;
	}

	if (mem.rx)
		err = swap_rx(priv, &mem);
	else if (rx_needs_update(&geom, &old))
		err = update_rx(priv, n, &geom, &old);
	if (err) {
		NL_SET_ERR_MSG(extack, "The device refused the new queues");
		goto out_free;
	}
	if (mem.tx)
		swap_tx(priv, &mem);
out_free:
	new_mem_free(&mem);
	return err;
}

static int grow(struct tulle_en_priv *priv, const struct tulle_en_params *want,
		struct netlink_ext_ack *extack)
{
	unsigned int from = priv->params.channels;
	unsigned int to = want->channels;
	int err;

	err = tulle_en_channels_open(priv, from, to, want);
	if (err) {
		NL_SET_ERR_MSG(extack, "No resources for more channels");
		return err;
	}
	err = netif_set_real_num_queues(priv->netdev, to, to);
	if (err)
		goto err_close;
	err = tulle_en_rss_set_channels(priv, to);
	if (err) {
		NL_SET_ERR_MSG(extack, "The device refused the new RSS table");
		goto err_real_num;
	}
	tulle_en_channels_start(priv, from, to);
	return 0;

err_real_num:
	netif_set_real_num_queues(priv->netdev, from, from);
err_close:
	tulle_en_channels_close(priv, from, to);
	return err;
}

static int shrink(struct tulle_en_priv *priv,
		  const struct tulle_en_params *want,
		  struct netlink_ext_ack *extack)
{
	unsigned int from = want->channels;
	unsigned int to = priv->params.channels;
	int err;

	err = tulle_en_rss_set_channels(priv, from);
	if (err) {
		NL_SET_ERR_MSG(extack, "The device refused the new RSS table");
		return err;
	}
	err = netif_set_real_num_queues(priv->netdev, from, from);
	if (err) {
		tulle_en_rss_set_channels(priv, to);
		return err;
	}
	/* Nobody asks about these any more once they are settled. */
	WRITE_ONCE(priv->params.channels, from);
	tulle_en_stats_settle(priv, from, to);
	tulle_en_channels_stop(priv, from, to);
	tulle_en_channels_close(priv, from, to);
	return 0;
}

/* Undo reshape(), which compares with what is in force. */
static void reshape_back(struct tulle_en_priv *priv,
			 const struct tulle_en_params *want, unsigned int n)
{
	struct tulle_en_params old = priv->params;

	priv->params = *want;
	reshape(priv, &old, n, NULL);
	priv->params = old;
}

static int reconfigure_open(struct tulle_en_priv *priv,
			    const struct tulle_en_params *want,
			    struct netlink_ext_ack *extack)
{
	unsigned int now = priv->params.channels;
	int err;

	err = reshape(priv, want, min(now, want->channels), extack);
	if (err)
		return err;
	if (want->channels == now)
		return 0;
	err = want->channels > now ? grow(priv, want, extack) :
				     shrink(priv, want, extack);
	if (err)
		reshape_back(priv, want, min(now, want->channels));
	return err;
}

/**
 * tulle_en_reconfigure() - change the configuration, open or closed
 * @priv: the net_device's
 * @want: the configuration wanted
 * @extack: says what went wrong
 *
 * Context: instance lock; rtnl too if the number of channels changes.
 * Return: 0, or an error, and the configuration in force is the old one.
 */
int tulle_en_reconfigure(struct tulle_en_priv *priv,
			 const struct tulle_en_params *want,
			 struct netlink_ext_ack *extack)
{
	int err;

	err = tulle_en_params_check(priv, want, extack);
	if (err)
		return err;
	if (want->channels != priv->params.channels) {
		err = tulle_en_rss_check_channels(priv, want->channels, extack);
		if (err)
			return err;
	}

	if (!tulle_en_is_open(priv)) {
		if (want->channels != priv->params.channels)
			err = tulle_en_rss_set_channels(priv, want->channels);
		if (!err)
			priv->params = *want;
		return err;
	}

	tulle_en_service_stop(priv);
	err = reconfigure_open(priv, want, extack);
	if (!err)
		priv->params = *want;
	tulle_en_service_start(priv);
	return err;
}

/**
 * tulle_en_rxq_recover() - restart a receive queue with fresh memory
 * @priv: the net_device's
 * @ix: index of the queue
 *
 * Return: 0, or an error and the queue is as it was.
 */
int tulle_en_rxq_recover(struct tulle_en_priv *priv, unsigned int ix)
{
	struct tulle_en_rx_mem *mem, *old;
	struct tulle_en_channel *ch;
	struct tulle_en_rx_geom geom;
	int err;

	if (!tulle_en_is_open(priv) || ix >= priv->params.channels)
		return 0;
	ch = priv->channel[ix];
	tulle_en_rx_geom(priv, &priv->params, &geom);
	mem = new_rx(&ch->rxq, &geom);
	if (IS_ERR(mem))
		return PTR_ERR(mem);
	err = tulle_en_rxq_swap(&ch->rxq, mem, &old);
	tulle_en_rx_mem_free(err ? mem : old);
	return err;
}

/**
 * tulle_en_txq_recover() - restart a send queue with fresh memory
 * @priv: the net_device's
 * @ix: index of the queue
 *
 * Return: 0, or an error and the queue is as it was.
 */
int tulle_en_txq_recover(struct tulle_en_priv *priv, unsigned int ix)
{
	struct tulle_en_tx_mem *mem;
	struct tulle_en_channel *ch;

	if (!tulle_en_is_open(priv) || ix >= priv->params.channels)
		return 0;
	ch = priv->channel[ix];
	mem = tulle_en_tx_mem_create(&ch->txq, priv->params.tx_size);
	if (IS_ERR(mem))
		return PTR_ERR(mem);
	tulle_en_txq_swap(&ch->txq, mem);
	return 0;
}
