/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Ethernet driver, private to en/.
 *
 * A channel is one interrupt vector with its NAPI instance, one receive and
 * one send queue. Channels are allocated when first used and live until the
 * net_device goes, so statistics, moderation settings and RQ handles (to which
 * RSS tables and steering rules point) survive every reconfiguration. What a
 * reconfiguration replaces is the memory of a queue: struct tulle_en_rx_mem,
 * struct tulle_en_tx_mem.
 *
 * Locking: configuration is changed under the instance lock of the net_device
 * (rtnl on kernels without it): priv->params, priv->channel[], the memory
 * pointers of queues. Memory pointers change only while the channel's NAPI is
 * disabled (and, for Tx, its netdev_queue is locked), so NAPI and xmit read
 * them plainly.
 */
#ifndef TULLE_EN_H
#define TULLE_EN_H

#include <linux/dim.h>
#include <linux/netdevice.h>
#include <linux/u64_stats_sync.h>
#include <net/netmem.h>

#include "tulle_core.h"
#include "tulle_hw.h"

struct devlink_health_reporter;
struct page_pool;
struct tulle_en_channel;
struct tulle_en_coalesce;
struct tulle_en_filter;
struct tulle_en_health;
struct tulle_en_link;
struct tulle_en_priv;
struct tulle_en_rss;
struct tulle_en_stats;

#define TULLE_EN_RX_SIZE_MIN	64
#define TULLE_EN_RX_SIZE_DEFAULT 512
#define TULLE_EN_RX_SIZE_MAX	8192
#define TULLE_EN_TX_SIZE_MIN	64
#define TULLE_EN_TX_SIZE_DEFAULT 1024
#define TULLE_EN_TX_SIZE_MAX	8192
#define TULLE_EN_RX_BUF_MAX	65536
/* Small enough to fit two blocks together with the segments before it. */
#define TULLE_EN_TX_INLINE	(2 * TULLE_SQ_BLOCK - sizeof(struct tulle_eth_wqe))
#define TULLE_EN_HDS_THRESH_MAX	1024
#define TULLE_EN_CHANNELS_MAX	128

/**
 * struct tulle_en_params - everything that shapes queues
 * @channels: active channels
 * @rx_size: receive ring, in buffers (a power of two)
 * @tx_size: send ring, in 64-byte blocks (a power of two)
 * @rx_buf_len: bytes of a receive buffer, 0: the driver chooses
 * @tcp_data_split: ETHTOOL_TCP_DATA_SPLIT_*
 * @hds_thresh: packets of at most so many bytes are not split
 * @mtu: of the net_device
 * @features: of the net_device, as far as queues know them
 * @gro_max: largest aggregate the stack takes
 */
struct tulle_en_params {
	unsigned int channels;
	u32 rx_size;
	u32 tx_size;
	u32 rx_buf_len;
	u8 tcp_data_split;
	u32 hds_thresh;
	u32 mtu;
	netdev_features_t features;
	u32 gro_max;
};

/* Interrupt moderation of one direction of a channel (coalesce.c). */
struct tulle_en_moder {
	struct dim dim;
	u16 usecs;
	u16 frames;
	bool adaptive;
	bool cqe_mode;
	u16 events;		/* completion events, for DIM */
	u64 packets;		/* polled so far, for DIM */
	u64 bytes;
};

/* Written by NAPI only; read with u64_stats_fetch_begin(). */
struct tulle_en_rx_stats {
	struct u64_stats_sync syncp;
	u64_stats_t packets;		/* wire packets: segments counted */
	u64_stats_t bytes;		/* wire bytes */
	u64_stats_t csum_complete;
	u64_stats_t csum_unnecessary;
	u64_stats_t csum_none;
	u64_stats_t csum_bad;
	u64_stats_t gro_packets;
	u64_stats_t gro_bytes;
	u64_stats_t gro_wire_packets;
	u64_stats_t gro_wire_bytes;
	u64_stats_t multicast;
	u64_stats_t alloc_fail;		/* packets or buffers without memory */
	u64_stats_t dropped;		/* packets received and thrown away */
	u64_stats_t bad_cqe;		/* completions that make no sense */
	u64_stats_t split;		/* packets with headers apart from data */
};

/*
 * The first group is written by xmit under the queue's lock, the second by
 * NAPI: a sync for each.
 */
struct tulle_en_tx_stats {
	struct u64_stats_sync syncp;
	u64_stats_t packets;		/* wire packets: segments counted */
	u64_stats_t bytes;		/* wire bytes */
	u64_stats_t csum_none;
	u64_stats_t needs_csum;
	u64_stats_t gso_packets;
	u64_stats_t gso_bytes;
	u64_stats_t gso_wire_packets;
	u64_stats_t gso_wire_bytes;
	u64_stats_t dropped;		/* refused: mapping failed, malformed */
	u64_stats_t stop;

	struct u64_stats_sync napi_syncp ____cacheline_aligned_in_smp;
	u64_stats_t wake;
	u64_stats_t errors;		/* completed with an error or flushed */
	u64_stats_t bad_cqe;
};

/**
 * struct tulle_en_rx_geom - shape of a receive queue, computed by params.c
 * @type: TULLE_RQ_PLAIN or TULLE_RQ_SPLIT
 * @log_size: WQEs
 * @log_wqe: bytes of a WQE
 * @log_cq: CQEs
 * @order: page order of a buffer
 * @buf_len: bytes of a buffer
 * @hdr_len: SPLIT: bytes of a header slot
 * @split_thresh: SPLIT: packets of at most so many bytes stay whole
 * @flags: TULLE_RQ_F_
 * @gro_max: largest aggregate
 */
struct tulle_en_rx_geom {
	u8 type;
	u8 log_size;
	u8 log_wqe;
	u8 log_cq;
	u8 order;
	u32 buf_len;
	u32 hdr_len;
	u32 split_thresh;
	u32 flags;
	u32 gro_max;
};

/**
 * struct tulle_en_rx_mem - ring, CQ and buffers of a receive queue
 * @wq: ring
 * @cq: completion queue; its handle is 0 while the device is not open
 * @geom: shape
 * @netmem: buffer of each WQE; stays there when it was not given away
 * @draining: no refill: the device has left this ring
 * @pool: where buffers come from
 * @head_pool: where linear parts of packets come from
 * @hdr_pool: SPLIT: where header pages come from
 * @hdr_page: SPLIT: header pages; they never leave
 * @rxq: the queue
 */
struct tulle_en_rx_mem {
	struct tulle_wq wq;
	struct tulle_cq cq;
	struct tulle_en_rx_geom geom;
	netmem_ref *netmem;
	bool draining;
	struct page_pool *pool;
	struct page_pool *head_pool;
	struct page_pool *hdr_pool;
	struct page **hdr_page;
	struct tulle_en_rxq *rxq;
};

enum tulle_en_rxq_flags {
	TULLE_EN_RXQ_STARVED,	/* no buffers: the retry timer runs */
	TULLE_EN_RXQ_ERROR,	/* stopped; recovery is on its way */
};

/**
 * struct tulle_en_rxq - a receive queue, whatever memory it has now
 * @mem: ring, CQ, buffers; NULL while stopped
 * @channel: the channel it belongs to
 * @dev: net_device
 * @ix: queue index
 * @handle: RQ handle, from open to close
 * @flags: enum tulle_en_rxq_flags
 * @retry: refill again after a failed allocation
 * @stats: survive everything
 */
struct tulle_en_rxq {
	struct tulle_en_rx_mem *mem;
	struct tulle_en_channel *channel;
	struct net_device *dev;
	unsigned int ix;
	u32 handle;
	unsigned long flags;
	struct timer_list retry;
	struct tulle_en_rx_stats stats;
};

/**
 * struct tulle_en_tx_info - what a WQE is, at the index of its first block
 * @skb: the packet, NULL: a NOP
 * @bytes: as given to BQL
 * @nblocks: of the WQE
 * @nsge: mapped pieces, the first of them a linear one if @linear
 * @linear: the skb's head is among the pieces
 */
struct tulle_en_tx_info {
	struct sk_buff *skb;
	u32 bytes;
	u8 nblocks;
	u8 nsge;
	bool linear;
};

struct tulle_en_tx_dma {
	dma_addr_t addr;
	u32 len;
};

/**
 * struct tulle_en_tx_mem - ring, CQ and packets of a send queue
 * @wq: ring, in blocks
 * @cq: completion queue
 * @info: by block
 * @dma: by SGE, TULLE_EN_SGES_PER_BLOCK for each block
 * @last: the last WQE that was not published yet
 * @mkey: key for SGEs
 * @txq: the queue
 */
struct tulle_en_tx_mem {
	struct tulle_wq wq;
	struct tulle_cq cq;
	struct tulle_en_tx_info *info;
	struct tulle_en_tx_dma *dma;
	struct tulle_wqe_ctrl *last;
	__le32 mkey;
	struct tulle_en_txq *txq;
};

#define TULLE_EN_SGES_PER_BLOCK	(TULLE_SQ_BLOCK / sizeof(struct tulle_sge))

enum tulle_en_txq_flags {
	TULLE_EN_TXQ_DOWN,	/* must not be woken: closing, swapping */
	TULLE_EN_TXQ_ERROR,	/* stopped; recovery is on its way */
};

/**
 * struct tulle_en_txq - a send queue, whatever memory it has now
 * @mem: ring, CQ, packets; NULL while stopped
 * @nq: its netdev_queue
 * @channel: the channel it belongs to
 * @ix: queue index
 * @flags: enum tulle_en_txq_flags
 * @stats: survive everything
 */
struct tulle_en_txq {
	struct tulle_en_tx_mem *mem;
	struct netdev_queue *nq;
	struct tulle_en_channel *channel;
	unsigned int ix;
	unsigned long flags;
	struct tulle_en_tx_stats stats;
};

/**
 * struct tulle_en_channel - a vector, its NAPI and its queues
 * @napi: polls both queues
 * @priv: the net_device's
 * @ix: index of vector and queues
 * @active: NAPI exists and both queues have memory
 * @shares_vec: @vec is another channel's as well
 * @disarmed: NAPI runs and neither CQ is armed
 * @arming: held while a poll that has completed its NAPI arms the CQs
 * @recovered: times that events were found whose interrupt may be lost
 * @vec: its vector with the completion EQ; NULL while not active
 * @rxq: receive queue
 * @txq: send queue
 * @rx: moderation of the receive CQ
 * @tx: moderation of the send CQ
 */
struct tulle_en_channel {
	struct napi_struct napi;
	struct tulle_en_priv *priv;
	unsigned int ix;
	bool active;
	bool shares_vec;
	bool disarmed;
	spinlock_t arming;	/* arm words and disarmed, while NAPI is complete */
	unsigned int recovered;
	struct tulle_vec *vec;
	struct tulle_en_rxq rxq;
	struct tulle_en_txq txq;
	struct tulle_en_moder rx;
	struct tulle_en_moder tx;
};

enum tulle_en_priv_flags {
	TULLE_EN_OPENED,	/* channels are running */
};

/**
 * struct tulle_en_priv - private part of a net_device
 * @netdev: the net_device
 * @tdev: core device
 * @params: configuration in force
 * @max_channels: channels the device and its vectors allow
 * @channel: by index; NULL until first used, then until the end
 * @flags: enum tulle_en_priv_flags
 * @rx_mode: deferred receive filter update of older kernels
 * @service: periodic care, service.c
 * @gro_work: adopts another gro_max_size
 * @events: asynchronous events of the device
 * @rss: rss.c
 * @filter: filter.c
 * @link: link.c
 * @port_stats: stats.c
 * @coalesce: coalesce.c
 * @health: health.c
 * @tx_reporter: health.c
 * @rx_reporter: health.c
 */
struct tulle_en_priv {
	struct net_device *netdev;
	struct tulle_dev *tdev;
	struct tulle_en_params params;
	unsigned int max_channels;
	struct tulle_en_channel **channel;
	unsigned long flags;
	struct tulle_rx_mode rx_mode;
	struct delayed_work service;
	struct work_struct gro_work;
	struct notifier_block events;

	struct tulle_en_rss *rss;
	struct tulle_en_filter *filter;
	struct tulle_en_link *link;
	struct tulle_en_stats *port_stats;
	struct tulle_en_coalesce *coalesce;
	struct tulle_en_health *health;
	struct devlink_health_reporter *tx_reporter;
	struct devlink_health_reporter *rx_reporter;
};

/* main.c: under rtnl and the instance lock */
int tulle_en_open_locked(struct tulle_en_priv *priv,
			 struct netlink_ext_ack *extack);
void tulle_en_close_locked(struct tulle_en_priv *priv);

/* params.c */
void tulle_en_params_init(struct tulle_en_priv *priv);
int tulle_en_params_check(struct tulle_en_priv *priv,
			  const struct tulle_en_params *params,
			  struct netlink_ext_ack *extack);

void tulle_en_rx_geom(const struct tulle_en_priv *priv,
		      const struct tulle_en_params *params,
		      struct tulle_en_rx_geom *geom);
u32 tulle_en_rx_size_max(const struct tulle_en_priv *priv);
u32 tulle_en_tx_size_max(const struct tulle_en_priv *priv);
u32 tulle_en_gro_max(const struct net_device *dev);

/* channel.c: under the instance lock; ranges are [from, to) */
int tulle_en_channels_open(struct tulle_en_priv *priv, unsigned int from,
			   unsigned int to,
			   const struct tulle_en_params *params);
void tulle_en_channels_close(struct tulle_en_priv *priv, unsigned int from,
			     unsigned int to);
void tulle_en_channels_start(struct tulle_en_priv *priv, unsigned int from,
			     unsigned int to);
void tulle_en_channels_stop(struct tulle_en_priv *priv, unsigned int from,
			    unsigned int to);
void tulle_en_channels_free(struct tulle_en_priv *priv);
u32 tulle_en_rxq_handle(struct tulle_en_priv *priv, unsigned int ix);

/* reconfig.c: under the instance lock */
/* All or nothing, open or closed; rtnl too if the number of channels changes. */
int tulle_en_reconfigure(struct tulle_en_priv *priv,
			 const struct tulle_en_params *want,
			 struct netlink_ext_ack *extack);
/* Restart with fresh memory of the same shape (health recovery). */
int tulle_en_rxq_recover(struct tulle_en_priv *priv, unsigned int ix);
int tulle_en_txq_recover(struct tulle_en_priv *priv, unsigned int ix);

/* qmgmt.c */
void tulle_en_set_queue_mgmt_ops(struct net_device *dev);

/* rxq.c: memory and life of receive queues */
struct tulle_en_rx_mem *
tulle_en_rx_mem_alloc(struct tulle_en_rxq *rxq,
		      const struct tulle_en_rx_geom *geom);
int tulle_en_rx_mem_create(struct tulle_en_rx_mem *mem);
int tulle_en_rx_mem_renew(struct tulle_en_rx_mem *mem);
void tulle_en_rx_mem_free(struct tulle_en_rx_mem *mem);
int tulle_en_rxq_create(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem);
void tulle_en_rxq_destroy(struct tulle_en_rxq *rxq);
int tulle_en_rxq_swap(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem,
		      struct tulle_en_rx_mem **old);
int tulle_en_rxq_stop(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem **old);
bool tulle_en_rxq_is_broken(struct tulle_en_rxq *rxq);
int tulle_en_rxq_update(struct tulle_en_rxq *rxq,
			const struct tulle_en_rx_geom *geom);

/* rx_page.c: buffers */
int tulle_en_rx_pools_create(struct tulle_en_rx_mem *mem);
struct sk_buff *tulle_en_rx_linear_alloc(struct tulle_en_rx_mem *mem, u32 len);
void tulle_en_rx_pools_destroy(struct tulle_en_rx_mem *mem);
void *tulle_en_rx_hdr(const struct tulle_en_rx_mem *mem, u32 slot,
		      dma_addr_t *dma);
void tulle_en_rx_ring_init(struct tulle_en_rx_mem *mem);
int tulle_en_rx_fill(struct tulle_en_rx_mem *mem, gfp_t gfp);
void tulle_en_rx_refill(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem);
void tulle_en_rx_retry(struct timer_list *timer);

/* rx.c */
int tulle_en_rx_poll(struct tulle_en_rxq *rxq, int budget);

/* txq.c: memory and life of send queues */
struct tulle_en_tx_mem *tulle_en_tx_mem_create(struct tulle_en_txq *txq,
					       u32 size);
void tulle_en_tx_mem_free(struct tulle_en_tx_mem *mem);
void tulle_en_txq_open(struct tulle_en_txq *txq, struct tulle_en_tx_mem *mem);
void tulle_en_txq_close(struct tulle_en_txq *txq);
void tulle_en_txq_start(struct tulle_en_txq *txq);
void tulle_en_txq_stop(struct tulle_en_txq *txq, bool drain);
void tulle_en_txq_swap(struct tulle_en_txq *txq, struct tulle_en_tx_mem *mem);

/* tx.c */
netdev_tx_t tulle_en_xmit(struct sk_buff *skb, struct net_device *dev);
bool tulle_en_tx_poll(struct tulle_en_txq *txq, int budget);
void tulle_en_tx_flush(struct tulle_en_txq *txq, struct tulle_en_tx_mem *mem);
void tulle_en_tx_drop_all(struct tulle_en_tx_mem *mem);

/* napi.c */
int tulle_en_poll(struct napi_struct *napi, int budget);
void tulle_en_cq_event_rx(struct tulle_cq *cq);
void tulle_en_cq_event_tx(struct tulle_cq *cq);
void tulle_en_napi_disable(struct tulle_en_channel *ch);
void tulle_en_napi_enable(struct tulle_en_channel *ch);
void tulle_en_napi_kick(struct tulle_en_channel *ch);

/* service.c */
int tulle_en_service_init(struct tulle_en_priv *priv);
void tulle_en_service_cleanup(struct tulle_en_priv *priv);
void tulle_en_service_start(struct tulle_en_priv *priv);
void tulle_en_service_stop(struct tulle_en_priv *priv);

/* ethtool.c */
extern const struct ethtool_ops tulle_en_ethtool_ops;

/* rss.c: init/cleanup memory; start/stop device objects (RQs 0..channels-1 exist) */
int tulle_en_rss_init(struct tulle_en_priv *priv);
void tulle_en_rss_cleanup(struct tulle_en_priv *priv);
int tulle_en_rss_start(struct tulle_en_priv *priv);
void tulle_en_rss_stop(struct tulle_en_priv *priv);
/* Refuse a number of channels that some user's table or context forbids. */
int tulle_en_rss_check_channels(struct tulle_en_priv *priv, unsigned int channels,
				struct netlink_ext_ack *extack);
/* New RQs exist already, old ones still run. */
int tulle_en_rss_set_channels(struct tulle_en_priv *priv, unsigned int channels);
u32 tulle_en_rss_handle(struct tulle_en_priv *priv);

/* filter.c: start/stop install and remove the rules */
int tulle_en_filter_init(struct tulle_en_priv *priv);
void tulle_en_filter_cleanup(struct tulle_en_priv *priv);
int tulle_en_filter_replay(struct tulle_en_priv *priv);
int tulle_en_filter_start(struct tulle_en_priv *priv);
void tulle_en_filter_stop(struct tulle_en_priv *priv);
int tulle_en_filter_set_mac(struct tulle_en_priv *priv, const u8 *addr);
int tulle_en_filter_set_features(struct tulle_en_priv *priv,
				 netdev_features_t features);
int tulle_en_set_rx_mode(struct net_device *dev, struct netdev_hw_addr_list *uc,
			 struct netdev_hw_addr_list *mc);
int tulle_en_vlan_rx_add_vid(struct net_device *dev, __be16 proto, u16 vid);
int tulle_en_vlan_rx_kill_vid(struct net_device *dev, __be16 proto, u16 vid);

/* link.c */
int tulle_en_link_init(struct tulle_en_priv *priv);
void tulle_en_link_cleanup(struct tulle_en_priv *priv);
void tulle_en_link_open(struct tulle_en_priv *priv);
void tulle_en_link_close(struct tulle_en_priv *priv);
void tulle_en_link_event(struct tulle_en_priv *priv);
/* MODIFY_PORT: what the port takes; link_open does it by itself. */
int tulle_en_link_set_mtu(struct tulle_en_priv *priv, u32 mtu);
int tulle_en_link_set_loopback(struct tulle_en_priv *priv, bool on);

/* stats.c */
extern const struct netdev_stat_ops tulle_en_stat_ops;
int tulle_en_stats_init(struct tulle_en_priv *priv);
void tulle_en_stats_cleanup(struct tulle_en_priv *priv);
void tulle_en_stats_start(struct tulle_en_priv *priv);
void tulle_en_stats_stop(struct tulle_en_priv *priv);
void tulle_en_stats_settle(struct tulle_en_priv *priv, unsigned int from,
			   unsigned int to);
void tulle_en_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *stats);

/* coalesce.c: moder_init once per channel; start and stop while NAPI is disabled */
int tulle_en_coalesce_init(struct tulle_en_priv *priv);
void tulle_en_coalesce_cleanup(struct tulle_en_priv *priv);
void tulle_en_moder_init(struct tulle_en_channel *ch);
void tulle_en_moder_start(struct tulle_en_channel *ch);
void tulle_en_moder_stop(struct tulle_en_channel *ch);
/* From NAPI, after napi_complete_done(). */
void tulle_en_rx_dim(struct tulle_en_channel *ch);
void tulle_en_tx_dim(struct tulle_en_channel *ch);

/* health.c: reports may come from NAPI, recovery runs in a work item */
int tulle_en_health_init(struct tulle_en_priv *priv);
void tulle_en_health_cleanup(struct tulle_en_priv *priv);
void tulle_en_health_tx_timeout(struct tulle_en_priv *priv, unsigned int ix);
void tulle_en_health_tx_error(struct tulle_en_priv *priv, unsigned int ix,
			      u8 status, u8 syndrome);
void tulle_en_health_rx_error(struct tulle_en_priv *priv, unsigned int ix,
			      u8 status, u8 syndrome);
void tulle_en_health_closed(struct tulle_en_priv *priv, unsigned int ix);
void tulle_en_health_rx_starved(struct tulle_en_priv *priv, unsigned int ix);

/* Does an event about an object concern this queue? Under the instance lock. */
static inline bool tulle_en_rxq_has(const struct tulle_en_rxq *rxq, u8 obj,
				    u32 handle)
{
	return (obj == TULLE_OBJ_RQ && handle == rxq->handle) ||
	       (obj == TULLE_OBJ_CQ && rxq->mem &&
		handle == rxq->mem->cq.handle);
}

static inline bool tulle_en_txq_has(const struct tulle_en_txq *txq, u8 obj,
				    u32 handle)
{
	return txq->mem &&
	       ((obj == TULLE_OBJ_SQ && handle == txq->mem->wq.handle) ||
		(obj == TULLE_OBJ_CQ && handle == txq->mem->cq.handle));
}

static inline bool tulle_en_is_open(const struct tulle_en_priv *priv)
{
	return test_bit(TULLE_EN_OPENED, &priv->flags);
}

#endif /* TULLE_EN_H */
