// SPDX-License-Identifier: GPL-2.0
/* Locks, NAPI, queues, page pool, receive mode. Compiled, never loaded. */

#include <linux/netdevice.h>
#include <net/netdev_lock.h>
#include <net/netdev_queues.h>
#include <net/page_pool/helpers.h>

#include "shims.h"

static int shims_rx_mode(struct net_device *dev, struct netdev_hw_addr_list *uc,
			 struct netdev_hw_addr_list *mc)
{
	struct netdev_hw_addr *ha;
	int n = 0;

	netdev_assert_locked_ops_compat(dev);
	netdev_hw_addr_list_for_each(ha, uc)
		n += is_valid_ether_addr(ha->addr);
	return n + netdev_hw_addr_list_count(mc) > 64 ? -ENOSPC : 0;
}
TULLE_DEFINE_RX_MODE_ASYNC(shims_rx_mode, struct shims_priv, rx_mode);

static netdev_tx_t shims_xmit(struct sk_buff *skb, struct net_device *dev)
{
	if (!tulle_skb_remove_jumbo(skb)) {
		netif_subqueue_sent(dev, 0, skb->len);
		netif_subqueue_maybe_stop(dev, 0, 7, 5, 9);
	}
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

static void shims_tx_timeout(struct net_device *dev, unsigned int queue)
{
	netdev_err(dev, "%u ms\n",
		   netif_xmit_timeout_ms(netdev_get_tx_queue(dev, queue)));
}

const struct net_device_ops shims_netdev_ops = {
	.ndo_start_xmit = shims_xmit,
	.ndo_tx_timeout = shims_tx_timeout,
	TULLE_RX_MODE_ASYNC(shims_rx_mode)
};

static int shims_queue_alloc(struct net_device *dev,
			     struct netdev_queue_config *qcfg, void *mem, int ix)
{
	return qcfg->rx_page_size ? -EINVAL : 0;
}

static void shims_queue_free(struct net_device *dev, void *mem)
{
}

static int shims_queue_start(struct net_device *dev,
			     struct netdev_queue_config *qcfg, void *mem, int ix)
{
	return netif_rxq_has_unreadable_mp(dev, ix) ? -EOPNOTSUPP : 0;
}

static int shims_queue_stop(struct net_device *dev, void *mem, int ix)
{
	netdev_assert_locked(dev);
	return 0;
}

TULLE_DEFINE_QUEUE_MGMT_OPS(shims_queue_mgmt_ops, 64, shims_queue_alloc,
			    shims_queue_free, shims_queue_start,
			    shims_queue_stop);

static void shims_queue_stats(struct net_device *dev, int ix,
			      struct netdev_queue_stats_rx *stats)
{
	tulle_qstat_set_csum_complete(stats, 5);
}

static const struct netdev_stat_ops shims_stat_ops = {
	.get_queue_stats_rx = shims_queue_stats,
};

static int shims_poll(struct napi_struct *napi, int budget)
{
	struct shims_priv *priv = container_of(napi, struct shims_priv, napi);
	unsigned int offset = 0;
	netmem_ref netmem;

	netmem = page_pool_alloc_netmems(priv->pool, GFP_ATOMIC);
	page_pool_dma_sync_netmem_for_cpu(priv->pool, netmem, 0, 64);
	if (netmem_is_pfmemalloc(netmem))
		page_pool_recycle_direct_netmem(priv->pool, netmem);
	netmem = page_pool_alloc_frag_netmem(priv->pool, &offset, 100,
					     GFP_ATOMIC);
	page_pool_put_full_netmem(priv->pool, netmem, false);
	return 0;
}

static void shims_napi(struct net_device *dev, struct napi_struct *napi)
{
	netif_napi_add_config_locked(dev, napi, shims_poll, 0);
	netif_napi_set_irq_locked(napi, -1);
	napi_enable_locked(napi);
	netif_queue_set_napi(dev, 0, NETDEV_QUEUE_TYPE_RX, napi);
	napi_disable_locked(napi);
	netif_napi_del_locked(napi);
	netif_napi_add_locked(dev, napi, shims_poll);
	__netif_napi_del_locked(napi);
}

int shims_netdev(struct net_device *dev)
{
	struct shims_priv *priv = netdev_priv(dev);
	int err;

	dev->queue_mgmt_ops = &shims_queue_mgmt_ops;
	dev->stat_ops = &shims_stat_ops;
	tulle_netdev_request_ops_lock(dev);
	tulle_netdev_set_hds_thresh(dev, 0);
	netif_set_affinity_auto(dev);
	tulle_rx_mode_init(&priv->rx_mode, dev, shims_rx_mode);
	netif_napi_add_config(dev, &priv->napi, shims_poll, 0);
	netif_napi_set_irq(&priv->napi, -1);

	netdev_lock_ops_compat(dev);
	shims_napi(dev, &priv->napi);
	netdev_unlock_ops_compat(dev);

	rtnl_lock();
	netdev_lock_ops(dev);
	netdev_assert_locked_ops(dev);
	err = netif_open(dev, NULL);
	netif_close(dev);
	netdev_unlock_ops(dev);
	rtnl_unlock();

	netdev_lock(dev);
	netdev_unlock(dev);
	tulle_rx_mode_cancel(&priv->rx_mode);
	return err;
}
