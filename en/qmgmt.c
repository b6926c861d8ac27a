// SPDX-License-Identifier: GPL-2.0
/*
 * Queue management: the core restarts single receive queues, with memory of
 * its own (devmem, io_uring) or none.
 */
#include <linux/netdevice.h>
#include <net/netdev_queues.h>

#include "en.h"

/* The core's "per queue memory". */
struct qmgmt_mem {
	struct tulle_en_rx_mem *rx;
};

static int qmgmt_alloc(struct net_device *dev, struct netdev_queue_config *qcfg,
		       void *per_queue_mem, int idx)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct qmgmt_mem *mem = per_queue_mem;
	struct tulle_en_rx_geom geom;
	struct tulle_en_rx_mem *rx;
	int err = 0;

	/* A closed device makes its queues when it opens. */
	if (!priv->channel[idx])
		return -ENETDOWN;
	tulle_en_rx_geom(priv, &priv->params, &geom);
	rx = tulle_en_rx_mem_alloc(&priv->channel[idx]->rxq, &geom);
	if (IS_ERR(rx))
		return PTR_ERR(rx);
	if (tulle_en_is_open(priv))
		err = tulle_en_rx_mem_create(rx);
	if (err) {
		tulle_en_rx_mem_free(rx);
		return err;
	}
	mem->rx = rx;
	return 0;
}

static void qmgmt_free(struct net_device *dev, void *per_queue_mem)
{
	struct qmgmt_mem *mem = per_queue_mem;

	tulle_en_rx_mem_free(mem->rx);
	mem->rx = NULL;
}

static int qmgmt_start(struct net_device *dev, struct netdev_queue_config *qcfg,
		       void *per_queue_mem, int idx)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct qmgmt_mem *mem = per_queue_mem;
	struct tulle_en_rx_mem *old;
	bool back;
	int err;

	if (!tulle_en_is_open(priv))
		return -ENETDOWN;
	/* What the core stopped had failed to start before. */
	if (!mem->rx)
		return 0;
	/* Memory that was stopped before starts over. */
	back = mem->rx->draining;
	if (back)
		tulle_en_rx_mem_renew(mem->rx);
	err = tulle_en_rxq_swap(&priv->channel[idx]->rxq, mem->rx, &old);
	if (err) {
		/* The core leaves it without memory: recover it. */
		if (back)
			tulle_en_health_rx_error(priv, idx, TULLE_CQE_FLUSHED,
						 0);
		return err;
	}
	mem->rx = old;
	return 0;
}

static int qmgmt_stop(struct net_device *dev, void *per_queue_mem, int idx)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct qmgmt_mem *mem = per_queue_mem;

	if (!tulle_en_is_open(priv))
		return -ENETDOWN;
	/* Stopped it is in any case; a device that failed recovers as a whole. */
	tulle_en_rxq_stop(&priv->channel[idx]->rxq, &mem->rx);
	return 0;
}

TULLE_DEFINE_QUEUE_MGMT_OPS(qmgmt_ops, sizeof(struct qmgmt_mem), qmgmt_alloc,
			    qmgmt_free, qmgmt_start, qmgmt_stop);

void tulle_en_set_queue_mgmt_ops(struct net_device *dev)
{
	dev->queue_mgmt_ops = &qmgmt_ops;
}
