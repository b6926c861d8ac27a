/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Network device core: instance lock, NAPI, queues, page pool.
 *
 * 7.3 name                        what an older kernel gets
 * ------------------------------- ------------------------------------------
 * netdev_lock(), _unlock()        nothing: all of a device is under the rtnl
 * netdev_lock_ops(), _unlock_ops  nothing (the caller holds the rtnl)
 * netdev_lock_ops_compat() ...    rtnl_lock(), rtnl_unlock()
 * netdev_assert_locked*()         ASSERT_RTNL()
 * netif_open(), netif_close()     dev_open(), dev_close()
 * netif_napi_add_config*()        netif_napi_add(): settings do not persist
 * *_locked() of NAPI              the plain form
 * netif_set_affinity_auto()       netif_napi_set_irq() spreads the vectors over
 *                                 the CPUs near the device; a vector whose
 *                                 affinity was ever set keeps it
 * netif_subqueue_sent()           netdev_tx_sent_queue()
 * netif_xmit_timeout_ms()         the same computation
 * struct netdev_queue_config      a structure of that shape, always zero
 * netif_rxq_has_unreadable_mp()   whether a memory provider is bound
 * page_pool_alloc_netmems() and
 * other netmem helpers            the older names; whole pages
 * page_pool_enable_direct_...()   the assignment that it is
 *
 * Helpers the driver calls instead of touching members that only 7.3 has:
 * tulle_netdev_request_ops_lock(), tulle_netdev_set_hds_thresh(),
 * tulle_qstat_set_csum_complete(), tulle_skb_remove_jumbo(),
 * TULLE_DEFINE_QUEUE_MGMT_OPS().
 */
#ifndef TULLE_COMPAT_NETDEV_H
#define TULLE_COMPAT_NETDEV_H

#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/msi.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/ipv6.h>
#include <net/netdev_queues.h>
#include <net/netdev_rx_queue.h>
#include <net/page_pool/helpers.h>

#if TULLE_HAVE_NETDEV_LOCK
#include <net/netdev_lock.h>
#else
static inline void netdev_lock(struct net_device *dev) { }
static inline void netdev_unlock(struct net_device *dev) { }
static inline void netdev_lock_ops(struct net_device *dev) { }
static inline void netdev_unlock_ops(struct net_device *dev) { }

static inline bool netdev_need_ops_lock(const struct net_device *dev)
{
	return false;
}

static inline void netdev_lock_ops_compat(struct net_device *dev)
{
	rtnl_lock();
}

static inline void netdev_unlock_ops_compat(struct net_device *dev)
{
	rtnl_unlock();
}

static inline void netdev_assert_locked_ops_compat(const struct net_device *dev)
{
	ASSERT_RTNL();
}

#define netdev_assert_locked(dev)	netdev_assert_locked_ops_compat(dev)
#define netdev_assert_locked_ops(dev)	netdev_assert_locked_ops_compat(dev)
#endif

/**
 * tulle_netdev_request_ops_lock() - ask for the instance lock around operations
 * @dev: device, not yet registered
 */
static inline void tulle_netdev_request_ops_lock(struct net_device *dev)
{
#if TULLE_HAVE_REQUEST_OPS_LOCK
	dev->request_ops_lock = true;
#endif
}

#if !TULLE_HAVE_NETIF_OPEN
static inline int netif_open(struct net_device *dev,
			     struct netlink_ext_ack *extack)
{
	return dev_open(dev, extack);
}

static inline void netif_close(struct net_device *dev)
{
	dev_close(dev);
}
#endif

#if !TULLE_HAVE_NAPI_LOCKED
static inline void napi_enable_locked(struct napi_struct *napi)
{
	napi_enable(napi);
}

static inline void napi_disable_locked(struct napi_struct *napi)
{
	napi_disable(napi);
}

static inline void netif_napi_add_locked(struct net_device *dev,
					 struct napi_struct *napi,
					 int (*poll)(struct napi_struct *, int))
{
	netif_napi_add(dev, napi, poll);
}

static inline void __netif_napi_del_locked(struct napi_struct *napi)
{
	__netif_napi_del(napi);
}

static inline void netif_napi_del_locked(struct napi_struct *napi)
{
	netif_napi_del(napi);
}
#endif

#if !TULLE_HAVE_NAPI_ADD_CONFIG
static inline void
netif_napi_add_config(struct net_device *dev, struct napi_struct *napi,
		      int (*poll)(struct napi_struct *, int), int index)
{
	netif_napi_add(dev, napi, poll);
}

static inline void
netif_napi_add_config_locked(struct net_device *dev, struct napi_struct *napi,
			     int (*poll)(struct napi_struct *, int), int index)
{
	netif_napi_add(dev, napi, poll);
}
#endif

#if !TULLE_HAVE_AFFINITY_AUTO
static inline void netif_set_affinity_auto(struct net_device *dev) { }

/*
 * The descriptor of a vector lives as long as the vector, so "was ever set"
 * survives every reconfiguration of the queues, like the stored mask of 7.3.
 */
static inline void tulle_compat_napi_set_irq(struct napi_struct *napi, int irq)
{
	struct irq_data *data = irq >= 0 ? irq_get_irq_data(irq) : NULL;
	struct msi_desc *msi = data ? irq_data_get_msi_desc(data) : NULL;
	int node;

	netif_napi_set_irq(napi, irq);
	if (!msi || irqd_affinity_was_set(data))
		return;

	node = dev_to_node(msi_desc_to_dev(msi));
	irq_set_affinity(irq,
			 cpumask_of(cpumask_local_spread(msi->msi_index, node)));
}

#define netif_napi_set_irq(napi, irq)		tulle_compat_napi_set_irq(napi, irq)
#define netif_napi_set_irq_locked(napi, irq)	tulle_compat_napi_set_irq(napi, irq)
#endif

#if !TULLE_HAVE_SUBQUEUE_SENT
static inline void netif_subqueue_sent(const struct net_device *dev,
				       unsigned int idx, unsigned int bytes)
{
	netdev_tx_sent_queue(netdev_get_tx_queue(dev, idx), bytes);
}
#endif

#if !TULLE_HAVE_XMIT_TIMEOUT_MS
static inline unsigned int netif_xmit_timeout_ms(struct netdev_queue *txq)
{
	unsigned long start = READ_ONCE(txq->trans_start);

	if (!netif_xmit_stopped(txq) ||
	    !time_after(jiffies, start + txq->dev->watchdog_timeo))
		return 0;
	return jiffies_to_msecs(jiffies - start);
}
#endif

/**
 * tulle_qstat_set_csum_complete() - report packets with a complete checksum
 * @stats: statistics of a receive queue; kernels without the counter drop it
 * @packets: number of packets
 */
static inline void
tulle_qstat_set_csum_complete(struct netdev_queue_stats_rx *stats, u64 packets)
{
#if TULLE_HAVE_RX_CSUM_COMPLETE
	stats->csum_complete = packets;
#endif
}

/**
 * tulle_netdev_set_hds_thresh() - set the header split threshold at start
 * @dev: device, not yet registered
 * @thresh: bytes; older kernels keep no threshold
 */
static inline void tulle_netdev_set_hds_thresh(struct net_device *dev,
					       u32 thresh)
{
#if TULLE_HAVE_NETDEV_CFG
	dev->cfg->hds_thresh = thresh;
#endif
}

/**
 * tulle_skb_remove_jumbo() - take the hop-by-hop jumbo option out of a BIG TCP
 *	packet, so that the device sees TCP right behind the IPv6 header
 * @skb: packet about to be sent; newer kernels never insert the option
 *
 * Return: 0, or a negative value when the packet must be dropped.
 */
static inline int tulle_skb_remove_jumbo(struct sk_buff *skb)
{
#if TULLE_HAVE_HOPOPT_JUMBO
	return ipv6_hopopt_jumbo_remove(skb);
#else
	return 0;
#endif
}

/*
 * TULLE_GRO_MAX: the largest aggregate that the stack takes without a jumbo
 * option in its IPv6 header.
 */
#if TULLE_HAVE_HOPOPT_JUMBO
#define TULLE_GRO_MAX	GRO_LEGACY_MAX_SIZE
#else
#define TULLE_GRO_MAX	GRO_MAX_SIZE
#endif

#if !TULLE_HAVE_HAS_UNREADABLE_MP
static inline bool netif_rxq_has_unreadable_mp(struct net_device *dev,
					       unsigned int rxq)
{
	return rxq < dev->real_num_rx_queues &&
	       __netif_get_rx_queue(dev, rxq)->mp_params.mp_priv;
}
#endif

#if !TULLE_HAVE_ALLOC_NETMEMS
static inline netmem_ref page_pool_alloc_netmems(struct page_pool *pool,
						 gfp_t gfp)
{
	return page_pool_alloc_netmem(pool, gfp);
}
#endif

#if !TULLE_HAVE_NETMEM_SYNC_FOR_CPU
static inline void
page_pool_dma_sync_netmem_for_cpu(const struct page_pool *pool,
				  netmem_ref netmem, u32 offset, u32 size)
{
	if (!netmem_is_net_iov(netmem))
		page_pool_dma_sync_for_cpu(pool, netmem_to_page(netmem),
					   offset, size);
}
#endif

#if !TULLE_HAVE_ENABLE_DIRECT_RECYCLING
static inline void page_pool_enable_direct_recycling(struct page_pool *pool,
						     struct napi_struct *napi)
{
	WRITE_ONCE(pool->p.napi, napi);
}
#endif

#if !TULLE_HAVE_RECYCLE_DIRECT_NETMEM
static inline void page_pool_recycle_direct_netmem(struct page_pool *pool,
						   netmem_ref netmem)
{
	page_pool_put_full_netmem(pool, netmem, true);
}
#endif

#if !TULLE_HAVE_NETMEM_IS_PFMEMALLOC
static inline bool netmem_is_pfmemalloc(netmem_ref netmem)
{
	return !netmem_is_net_iov(netmem) &&
	       page_is_pfmemalloc(netmem_to_page(netmem));
}
#endif

/*
 * TULLE_DEFINE_QUEUE_MGMT_OPS(NAME, SIZE, ALLOC, FREE, START, STOP) defines
 * "static const struct netdev_queue_mgmt_ops NAME" from functions with the
 * prototypes of 7.3:
 *	int ALLOC(dev, qcfg, mem, idx), void FREE(dev, mem),
 *	int START(dev, qcfg, mem, idx), int STOP(dev, mem, idx)
 * Older kernels have no per-queue configuration: ALLOC and START see a zeroed
 * one there, as they do when the user asked for nothing.
 */
#if TULLE_HAVE_QUEUE_CONFIG
#define TULLE_DEFINE_QUEUE_MGMT_OPS(name, size, alloc, free, start, stop) \
static const struct netdev_queue_mgmt_ops name = { \
	.ndo_queue_mem_size	= size, \
	.ndo_queue_mem_alloc	= alloc, \
	.ndo_queue_mem_free	= free, \
	.ndo_queue_start	= start, \
	.ndo_queue_stop		= stop, \
}
#else
struct netdev_queue_config {
	u32 rx_page_size;
};

#define TULLE_DEFINE_QUEUE_MGMT_OPS(name, size, alloc, free, start, stop) \
static int name##_alloc(struct net_device *dev, void *mem, int idx) \
{ \
	struct netdev_queue_config qcfg = {}; \
	return alloc(dev, &qcfg, mem, idx); \
} \
static int name##_start(struct net_device *dev, void *mem, int idx) \
{ \
	struct netdev_queue_config qcfg = {}; \
	return start(dev, &qcfg, mem, idx); \
} \
static const struct netdev_queue_mgmt_ops name = { \
	.ndo_queue_mem_size	= size, \
	.ndo_queue_mem_alloc	= name##_alloc, \
	.ndo_queue_mem_free	= free, \
	.ndo_queue_start	= name##_start, \
	.ndo_queue_stop		= stop, \
}
#endif

#endif /* TULLE_COMPAT_NETDEV_H */
