// SPDX-License-Identifier: GPL-2.0
/*
 * Sending: packets to WQEs, completions to freed packets.
 *
 * xmit runs under the lock of the netdev_queue and owns the producer index;
 * NAPI owns the consumer index. Each reads the other's.
 */
#include <linux/dma-mapping.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/netdev_queues.h>

#include "en.h"

/* A WQE and the NOP that may be needed to reach the start of the ring. */
#define TULLE_EN_TX_STOP	(2 * TULLE_SQ_MAX_BLOCKS)
#define TULLE_EN_TX_WAKE	(2 * TULLE_EN_TX_STOP)

/* ci is followed by a branch, which the writes to what is free depend on. */
static u32 tx_room(const struct tulle_prod *prod)
{
	return tulle_ring_size(&prod->ring) -
	       (READ_ONCE(prod->pi) - READ_ONCE(prod->ci));
}

static u32 tx_wake_room(const struct tulle_prod *prod)
{
	return min_t(u32, TULLE_EN_TX_WAKE, tulle_ring_size(&prod->ring) / 2);
}

static struct tulle_en_tx_info *tx_info(struct tulle_en_tx_mem *mem, u32 index)
{
	return &mem->info[index & mem->wq.prod.ring.mask];
}

static struct tulle_en_tx_dma *tx_dma(struct tulle_en_tx_mem *mem, u32 index)
{
	u32 block = index & mem->wq.prod.ring.mask;

	return &mem->dma[block * TULLE_EN_SGES_PER_BLOCK];
}

static void tx_unmap(struct tulle_en_tx_mem *mem, u32 index,
		     const struct tulle_en_tx_info *info)
{
	struct device *device = mem->txq->channel->priv->tdev->device;
	struct tulle_en_tx_dma *dma = tx_dma(mem, index);
	unsigned int i = 0;

	if (info->linear) {
		dma_unmap_single(device, dma->addr, dma->len, DMA_TO_DEVICE);
		i++;
	}
	for (; i < info->nsge; i++)
		dma_unmap_page(device, dma[i].addr, dma[i].len, DMA_TO_DEVICE);
}

/* Map the packet; @sge may be in device memory, so it is only written. */
static int tx_map(struct tulle_en_tx_mem *mem, struct sk_buff *skb, u32 index,
		  struct tulle_en_tx_info *info, struct tulle_sge *sge)
{
	struct device *device = mem->txq->channel->priv->tdev->device;
	struct tulle_en_tx_dma *dma = tx_dma(mem, index);
	u32 len = skb_headlen(skb);
	const skb_frag_t *frag;
	unsigned int i;

	info->nsge = 0;
	info->linear = len;
	if (len) {
		dma->addr = dma_map_single(device, skb->data, len,
					   DMA_TO_DEVICE);
		if (dma_mapping_error(device, dma->addr))
			return -ENOMEM;
		dma->len = len;
		sge->addr = cpu_to_le64(dma->addr);
		sge->len = cpu_to_le32(len);
		sge->key = mem->mkey;
		info->nsge++;
		dma++;
		sge++;
	}

	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++, dma++, sge++) {
		frag = &skb_shinfo(skb)->frags[i];
		len = skb_frag_size(frag);
		dma->addr = skb_frag_dma_map(device, frag, 0, len,
					     DMA_TO_DEVICE);
		if (dma_mapping_error(device, dma->addr))
			goto err_unmap;
		dma->len = len;
		sge->addr = cpu_to_le64(dma->addr);
		sge->len = cpu_to_le32(len);
		sge->key = mem->mkey;
		info->nsge++;
	}
	return 0;

err_unmap:
	tx_unmap(mem, index, info);
	return -ENOMEM;
}

/* Segmentation: what every segment carries and how many there will be. */
static u16 tx_gso(const struct sk_buff *skb, struct tulle_eth_seg *eth)
{
	unsigned int l4 = skb_transport_offset(skb);
	unsigned int hdr_len;
	u16 flags;

	if (skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4) {
		hdr_len = l4 + sizeof(struct udphdr);
		flags = TULLE_ETH_F_USO;
	} else {
		hdr_len = l4 + tcp_hdrlen(skb);
		flags = TULLE_ETH_F_TSO;
	}

	eth->mss = cpu_to_le16(skb_shinfo(skb)->gso_size);
	eth->hdr_len = cpu_to_le16(hdr_len);
	eth->l3 = cpu_to_le16(skb_network_offset(skb));
	eth->l4 = cpu_to_le16(l4);
	return flags;
}

static u16 tx_vlan(const struct sk_buff *skb, struct tulle_eth_seg *eth)
{
	eth->vlan[0] = cpu_to_le16(skb_vlan_tag_get(skb));
	if (skb->vlan_proto == htons(ETH_P_8021AD))
		return TULLE_ETH_F_VLAN0 | TULLE_ETH_F_VLAN0_STAG;
	return TULLE_ETH_F_VLAN0;
}

static void tx_fill_eth(const struct sk_buff *skb, struct tulle_eth_seg *eth)
{
	u16 flags = 0;

	memset(eth, 0, sizeof(*eth));
	if (skb_is_gso(skb)) {
		flags = tx_gso(skb, eth);
	} else if (skb->ip_summed == CHECKSUM_PARTIAL) {
		eth->csum_start = cpu_to_le16(skb_checksum_start_offset(skb));
		eth->csum_offset = cpu_to_le16(skb->csum_offset);
		flags = TULLE_ETH_F_CSUM;
	}
	if (skb_vlan_tag_present(skb))
		flags |= tx_vlan(skb, eth);
	eth->flags = cpu_to_le16(flags);
}

/* A WQE does not wrap: one NOP takes what is left of the ring. */
static void tx_fill_nop(struct tulle_en_tx_mem *mem, u32 nblocks)
{
	struct tulle_prod *prod = &mem->wq.prod;
	struct tulle_wqe_ctrl *ctrl = tulle_prod_at(prod);
	struct tulle_en_tx_info *info = tx_info(mem, prod->pi);

	memset(ctrl, 0, sizeof(*ctrl));
	ctrl->op = TULLE_WQE_NOP;
	ctrl->nblocks = nblocks;
	ctrl->index = cpu_to_le16(prod->pi);

	memset(info, 0, sizeof(*info));
	info->nblocks = nblocks;
	/* info before pi, as in tx_commit(). */
	smp_store_release(&prod->pi, prod->pi + nblocks);
}

static u32 tx_blocks(const struct sk_buff *skb, bool inl)
{
	unsigned int bytes = sizeof(struct tulle_eth_wqe);

	if (inl)
		bytes += ALIGN(skb->len, sizeof(struct tulle_sge));
	else
		bytes += (skb_shinfo(skb)->nr_frags + !!skb_headlen(skb)) *
			 sizeof(struct tulle_sge);
	return DIV_ROUND_UP(bytes, TULLE_SQ_BLOCK);
}

static int tx_copy(void *to, const struct sk_buff *skb)
{
	if (unlikely(skb_is_nonlinear(skb)))
		return skb_copy_bits(skb, 0, to, skb->len);
	skb_copy_from_linear_data(skb, to, skb->len);
	return 0;
}

/* Build the WQE of a packet; tx_commit() makes it one that may complete. */
static int tx_build(struct tulle_en_tx_mem *mem, struct sk_buff *skb)
{
	bool inl = skb->len <= TULLE_EN_TX_INLINE && !skb_is_gso(skb);
	struct tulle_prod *prod = &mem->wq.prod;
	u32 nblocks = tx_blocks(skb, inl);
	struct tulle_en_tx_info *info;
	struct tulle_eth_wqe *wqe;
	int err;

	if (tulle_prod_to_end(prod) < nblocks)
		tx_fill_nop(mem, tulle_prod_to_end(prod));

	wqe = tulle_prod_at(prod);
	info = tx_info(mem, prod->pi);
	info->nsge = 0;
	info->linear = false;
	if (inl)
		err = tx_copy(wqe->sge, skb);
	else
		err = tx_map(mem, skb, prod->pi, info, wqe->sge);
	if (unlikely(err))
		return err;

	tx_fill_eth(skb, &wqe->eth);
	wqe->ctrl = (struct tulle_wqe_ctrl) {
		.op = TULLE_WQE_ETH,
		.nblocks = nblocks,
		.nsge = info->nsge,
		.inl_len = cpu_to_le16(inl ? skb->len : 0),
		.index = cpu_to_le16(prod->pi),
		.total_len = cpu_to_le32(skb->len),
	};
	info->skb = skb;
	info->bytes = skb->len;
	info->nblocks = nblocks;
	mem->last = &wqe->ctrl;
	return 0;
}

/*
 * From here on NAPI takes a completion of the packet for possible, true or
 * not: statistics and BQL know of it before, and nobody touches it after.
 */
static void tx_commit(struct tulle_en_tx_mem *mem)
{
	struct tulle_prod *prod = &mem->wq.prod;

	/* info and BQL before pi: NAPI reads them up to the pi that it sees. */
	smp_store_release(&prod->pi,
			  prod->pi + tx_info(mem, prod->pi)->nblocks);
}

static void tx_count(struct tulle_en_tx_stats *stats, const struct sk_buff *skb)
{
	unsigned int segs = 1;
	unsigned int bytes = skb->len;

	u64_stats_update_begin(&stats->syncp);
	if (skb_is_gso(skb)) {
		unsigned int hdr_len = skb_transport_offset(skb);

		if (skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4)
			hdr_len += sizeof(struct udphdr);
		else
			hdr_len += tcp_hdrlen(skb);
		segs = DIV_ROUND_UP(skb->len - hdr_len,
				    skb_shinfo(skb)->gso_size);
		bytes += (segs - 1) * hdr_len;
		u64_stats_inc(&stats->gso_packets);
		u64_stats_add(&stats->gso_bytes, skb->len);
		u64_stats_add(&stats->gso_wire_packets, segs);
		u64_stats_add(&stats->gso_wire_bytes, bytes);
	}
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		u64_stats_inc(&stats->needs_csum);
	else
		u64_stats_inc(&stats->csum_none);
	u64_stats_add(&stats->packets, segs);
	u64_stats_add(&stats->bytes, bytes);
	u64_stats_update_end(&stats->syncp);
}

/**
 * tulle_en_tx_flush() - hand what was built to the device
 * @txq: the queue, locked
 * @mem: its memory
 *
 * The last WQE of a batch reports completion, and with it all before.
 */
void tulle_en_tx_flush(struct tulle_en_txq *txq, struct tulle_en_tx_mem *mem)
{
	if (!mem->last)
		return;
	mem->last->flags |= TULLE_WQE_F_CQE;
	mem->last = NULL;
	tulle_wq_kick(txq->channel->priv->tdev, &mem->wq, TULLE_UAR_SQ);
}

static void tx_drop(struct tulle_en_txq *txq, struct sk_buff *skb)
{
	struct tulle_en_tx_stats *stats = &txq->stats;

	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->dropped);
	u64_stats_update_end(&stats->syncp);
	dev_kfree_skb_any(skb);
}

/* The stack waits for room, and room for the event. */
static void tx_stopped(struct tulle_en_txq *txq, struct tulle_en_tx_mem *mem)
{
	struct tulle_en_tx_stats *stats = &txq->stats;

	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->stop);
	u64_stats_update_end(&stats->syncp);
	tulle_cq_hurry(txq->channel->priv->tdev, &mem->cq);
}

/* A WQE that the device refuses stops the queue. */
static bool tx_fits(const struct tulle_en_priv *priv, const struct sk_buff *skb)
{
	return skb->len >= ETH_HLEN &&
	       (skb_is_gso(skb) || skb->len <= priv->tdev->limits.max_frame);
}

netdev_tx_t tulle_en_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	bool more = netdev_xmit_more();
	struct tulle_en_tx_mem *mem;
	struct tulle_en_txq *txq;
	bool flush;

	txq = &priv->channel[skb_get_queue_mapping(skb)]->txq;
	mem = txq->mem;
	/* Who chose the queue before it was closed may come this late. */
	if (unlikely(!mem)) {
		tx_drop(txq, skb);
		return NETDEV_TX_OK;
	}

	/* Only a false wake-up leads here with a full ring. */
	if (unlikely(!netif_txq_maybe_stop(txq->nq, tx_room(&mem->wq.prod),
					   TULLE_EN_TX_STOP,
					   tx_wake_room(&mem->wq.prod)))) {
		tulle_en_tx_flush(txq, mem);
		return NETDEV_TX_BUSY;
	}

	if (unlikely(!tx_fits(priv, skb) || tulle_skb_remove_jumbo(skb)))
		goto err_drop;
	skb_tx_timestamp(skb);
	if (unlikely(tx_build(mem, skb)))
		goto err_drop;
	tx_count(&txq->stats, skb);
	flush = __netdev_tx_sent_queue(txq->nq, skb->len, more);
	tx_commit(mem);

	if (!netif_txq_maybe_stop(txq->nq, tx_room(&mem->wq.prod),
				  TULLE_EN_TX_STOP,
				  tx_wake_room(&mem->wq.prod))) {
		tx_stopped(txq, mem);
		flush = true;
	}
	if (flush)
		tulle_en_tx_flush(txq, mem);
	return NETDEV_TX_OK;

err_drop:
	tx_drop(txq, skb);
	if (!more)
		tulle_en_tx_flush(txq, mem);
	return NETDEV_TX_OK;
}

/*
 * Free what completed up to @ci; false: @ci is not the end of a WQE that was
 * sent, and nothing behind the last good one was touched.
 */
static bool tx_complete(struct tulle_en_tx_mem *mem, u32 ci, int budget,
			unsigned int *packets, unsigned int *bytes)
{
	struct tulle_prod *prod = &mem->wq.prod;
	/* pi before info: pairs with the release in tx_commit(). */
	u32 used = smp_load_acquire(&prod->pi) - prod->ci;
	struct tulle_en_tx_info *info;
	u32 index = prod->ci;

	if (unlikely(ci - index > used))
		return false;

	while (index != ci) {
		info = tx_info(mem, index);
		if (unlikely(info->nblocks > ci - index))
			break;
		if (info->skb) {
			if (info->nsge)
				tx_unmap(mem, index, info);
			napi_consume_skb(info->skb, budget);
			info->skb = NULL;
			*packets += 1;
			*bytes += info->bytes;
		}
		index += info->nblocks;
	}
	/* info before ci: xmit fills what it finds free, see tx_room(). */
	smp_store_release(&prod->ci, index);
	return index == ci;
}

static void tx_failed(struct tulle_en_txq *txq, u8 status, u8 syndrome)
{
	struct tulle_en_tx_stats *stats = &txq->stats;

	if (test_and_set_bit(TULLE_EN_TXQ_ERROR, &txq->flags))
		return;
	u64_stats_update_begin(&stats->napi_syncp);
	u64_stats_inc(status ? &stats->errors : &stats->bad_cqe);
	u64_stats_update_end(&stats->napi_syncp);
	tulle_en_health_tx_error(txq->channel->priv, txq->ix, status, syndrome);
}

/* One CQE; what it says is checked against what was sent. */
static void tx_cqe(struct tulle_en_txq *txq, struct tulle_en_tx_mem *mem,
		   const struct tulle_tx_cqe *cqe, int budget,
		   unsigned int *packets, unsigned int *bytes)
{
	u32 qn_op = le32_to_cpu(READ_ONCE(cqe->qn_op));
	u32 ci = le32_to_cpu(READ_ONCE(cqe->ci));
	u8 op = qn_op >> 24;

	if (unlikely((qn_op ^ mem->wq.handle) & TULLE_CQE_QN))
		goto err_bad;
	if (likely(op == TULLE_CQE_TX)) {
		if (unlikely(!tx_complete(mem, ci, budget, packets, bytes)))
			goto err_bad;
		return;
	}
	if (op == TULLE_CQE_TX_ERR) {
		tx_failed(txq, READ_ONCE(cqe->status) ?: TULLE_CQE_BAD_WQE,
			  READ_ONCE(cqe->syndrome));
		return;
	}
err_bad:
	if (net_ratelimit())
		netdev_warn(txq->channel->priv->netdev,
			    "Tx %u: bad completion, op %u qn %#x ci %u\n",
			    txq->ix, op, qn_op & TULLE_CQE_QN, ci);
	tx_failed(txq, TULLE_CQE_OK, 0);
}

static void tx_woken(struct tulle_en_txq *txq)
{
	struct tulle_en_tx_stats *stats = &txq->stats;

	u64_stats_update_begin(&stats->napi_syncp);
	u64_stats_inc(&stats->wake);
	u64_stats_update_end(&stats->napi_syncp);
}

/**
 * tulle_en_tx_poll() - take completions
 * @txq: the queue
 * @budget: NAPI's, 0 from netpoll
 *
 * Context: NAPI.
 * Return: true when there may be more.
 */
bool tulle_en_tx_poll(struct tulle_en_txq *txq, int budget)
{
	struct tulle_en_tx_mem *mem = txq->mem;
	unsigned int packets = 0, bytes = 0;
	/* The CQ has room for as many unreported reads as the smallest ring. */
	unsigned int left = TULLE_EN_TX_SIZE_MIN;
	struct tulle_cons *cons;
	struct tulle_tx_cqe *cqe;

	if (unlikely(!mem))
		return false;
	cons = &mem->cq.cons;
	cqe = tulle_cons_peek(cons);
	if (!cqe)
		return false;

	do {
		if (likely(!test_bit(TULLE_EN_TXQ_ERROR, &txq->flags)))
			tx_cqe(txq, mem, cqe, budget, &packets, &bytes);
		tulle_cons_pop(cons);
		cqe = tulle_cons_peek(cons);
	} while (cqe && --left);
	tulle_cons_update(cons);

	txq->channel->tx.packets += packets;
	txq->channel->tx.bytes += bytes;
	if (!__netif_txq_completed_wake(txq->nq, packets, bytes,
					tx_room(&mem->wq.prod),
					tx_wake_room(&mem->wq.prod),
					test_bit(TULLE_EN_TXQ_DOWN, &txq->flags)))
		tx_woken(txq);
	return cqe;
}

/**
 * tulle_en_tx_drop_all() - free packets that were never reported
 * @mem: memory that neither the device nor NAPI nor xmit uses
 */
void tulle_en_tx_drop_all(struct tulle_en_tx_mem *mem)
{
	struct tulle_prod *prod = &mem->wq.prod;
	struct tulle_en_tx_info *info;

	while (prod->ci != prod->pi) {
		info = tx_info(mem, prod->ci);
		if (info->skb) {
			if (info->nsge)
				tx_unmap(mem, prod->ci, info);
			dev_kfree_skb_any(info->skb);
			info->skb = NULL;
		}
		prod->ci += info->nblocks;
	}
}
