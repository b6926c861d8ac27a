// SPDX-License-Identifier: GPL-2.0
/*
 * Receive buffers. Every one comes from the page pool of its queue.
 *
 * A buffer stays in the slot of the ring where it was posted. When the packet
 * in it was copied and not given to the stack, the next lap posts it again as
 * it is.
 */
#include <linux/dma-mapping.h>
#include <linux/if_vlan.h>
#include <net/page_pool/helpers.h>

#include "en.h"

#define RX_HEADROOM	(NET_SKB_PAD + NET_IP_ALIGN)
/* Pages that a pool keeps for headers, many of which share one. */
#define RX_POOL_SMALL	256
/* Memory that the device writes to. */
#define RX_POOL_DMA	(PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV)

/* So many free slots make a refill worth its doorbell record. */
#define TULLE_EN_RX_BATCH	16
/* Memory is tried again after this time when a queue ran dry for lack of it. */
#define TULLE_EN_RX_RETRY	msecs_to_jiffies(20)

static int rx_pool_create(struct tulle_en_rx_mem *mem, struct page_pool **pool,
			  unsigned int order, u32 size, unsigned int flags)
{
	struct tulle_en_rxq *rxq = mem->rxq;
	struct tulle_dev *tdev = rxq->channel->priv->tdev;
	struct page_pool_params params = {
		.order = order,
		.pool_size = size,
		.nid = tdev->numa_node,
		.dev = tdev->device,
		.dma_dir = DMA_FROM_DEVICE,
		.max_len = PAGE_SIZE << order,
		.netdev = rxq->dev,
		.queue_idx = rxq->ix,
		.flags = flags,
	};
	int err;

	*pool = page_pool_create(&params);
	if (!IS_ERR(*pool))
		return 0;
	err = PTR_ERR(*pool);
	*pool = NULL;
	return err;
}

static u32 rx_hdrs_per_page(const struct tulle_en_rx_geom *geom)
{
	return PAGE_SIZE / geom->hdr_len;
}

static int rx_hdr_pages_alloc(struct tulle_en_rx_mem *mem)
{
	u32 n = DIV_ROUND_UP(1U << mem->geom.log_size,
			     rx_hdrs_per_page(&mem->geom));
	u32 i;

	mem->hdr_page = kvzalloc_objs(*mem->hdr_page, n, GFP_KERNEL);
	if (!mem->hdr_page)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		mem->hdr_page[i] = page_pool_alloc_pages(mem->hdr_pool,
							 GFP_KERNEL);
		if (!mem->hdr_page[i])
			return -ENOMEM;
	}
	return 0;
}

static void rx_hdr_pages_free(struct tulle_en_rx_mem *mem)
{
	u32 i, n;

	if (!mem->hdr_page)
		return;
	n = DIV_ROUND_UP(1U << mem->geom.log_size, rx_hdrs_per_page(&mem->geom));
	for (i = 0; i < n && mem->hdr_page[i]; i++)
		page_pool_put_full_page(mem->hdr_pool, mem->hdr_page[i], false);
	kvfree(mem->hdr_page);
	mem->hdr_page = NULL;
}

/**
 * tulle_en_rx_hdr() - header slot of a WQE
 * @mem: a queue of type SPLIT
 * @slot: masked index of the WQE
 * @dma: (result) its address for the device
 *
 * Return: its address.
 */
void *tulle_en_rx_hdr(const struct tulle_en_rx_mem *mem, u32 slot,
		      dma_addr_t *dma)
{
	u32 per_page = rx_hdrs_per_page(&mem->geom);
	struct page *page = mem->hdr_page[slot / per_page];
	u32 offset = slot % per_page * mem->geom.hdr_len;

	*dma = page_pool_get_dma_addr(page) + offset;
	return page_address(page) + offset;
}

/**
 * tulle_en_rx_pools_create() - page pools of a queue, and its header pages
 * @mem: memory of the queue, its shape known
 *
 * Return: 0 or an error.
 */
int tulle_en_rx_pools_create(struct tulle_en_rx_mem *mem)
{
	const struct tulle_en_rx_geom *geom = &mem->geom;
	unsigned int flags = RX_POOL_DMA;
	int err;

	/* What the CPU may not read must not be where headers can land. */
	if (geom->type == TULLE_RQ_SPLIT && !geom->split_thresh)
		flags |= PP_FLAG_ALLOW_UNREADABLE_NETMEM;
	err = rx_pool_create(mem, &mem->pool, geom->order,
			     1U << geom->log_size, flags);
	if (err)
		return err;
	err = rx_pool_create(mem, &mem->head_pool, 0, RX_POOL_SMALL, 0);
	if (err || geom->type != TULLE_RQ_SPLIT)
		return err;
	err = rx_pool_create(mem, &mem->hdr_pool, 0, RX_POOL_SMALL,
			     RX_POOL_DMA);
	return err ?: rx_hdr_pages_alloc(mem);
}

/**
 * tulle_en_rx_linear_alloc() - an skb whose linear part the driver fills
 * @mem: memory of the queue
 * @len: bytes of the packet that will be put there; a tag has room beside them
 *
 * Its head is a piece of a page of the queue's own: cheaper than a slab object,
 * which a hardened kernel clears each time it is allocated.
 *
 * Context: NAPI.
 * Return: the skb, or NULL.
 */
struct sk_buff *tulle_en_rx_linear_alloc(struct tulle_en_rx_mem *mem, u32 len)
{
	unsigned int size = SKB_HEAD_ALIGN(RX_HEADROOM + VLAN_HLEN + len);
	struct sk_buff *skb;
	void *head;

	head = page_pool_dev_alloc_va(mem->head_pool, &size);
	if (unlikely(!head))
		return NULL;
	skb = napi_build_skb(head, size);
	if (unlikely(!skb)) {
		page_pool_free_va(mem->head_pool, head, true);
		return NULL;
	}
	skb_reserve(skb, RX_HEADROOM);
	skb_mark_for_recycle(skb);
	return skb;
}

void tulle_en_rx_pools_destroy(struct tulle_en_rx_mem *mem)
{
	u32 slot;

	if (mem->pool) {
		for (slot = 0; slot < 1U << mem->geom.log_size; slot++)
			if (mem->netmem[slot])
				page_pool_put_full_netmem(mem->pool,
							  mem->netmem[slot],
							  false);
		page_pool_destroy(mem->pool);
		mem->pool = NULL;
	}
	rx_hdr_pages_free(mem);
	page_pool_destroy(mem->hdr_pool);
	mem->hdr_pool = NULL;
	page_pool_destroy(mem->head_pool);
	mem->head_pool = NULL;
}

static struct tulle_sge *rx_sge(struct tulle_en_rx_mem *mem, u32 slot)
{
	struct tulle_rq_wqe *wqe = tulle_ring_at(&mem->wq.prod.ring, slot);

	return &wqe->sge[mem->geom.type == TULLE_RQ_SPLIT];
}

/**
 * tulle_en_rx_ring_init() - write the parts of WQEs that never change
 * @mem: memory of a queue, its ring empty and zeroed
 */
void tulle_en_rx_ring_init(struct tulle_en_rx_mem *mem)
{
	bool split = mem->geom.type == TULLE_RQ_SPLIT;
	__le32 key = cpu_to_le32(mem->rxq->channel->priv->tdev->mkey);
	struct tulle_rq_wqe *wqe;
	struct tulle_sge *sge;
	dma_addr_t dma;
	u32 slot;

	for (slot = 0; slot < 1U << mem->geom.log_size; slot++) {
		wqe = tulle_ring_at(&mem->wq.prod.ring, slot);
		wqe->nsge = 1 + split;
		if (split) {
			tulle_en_rx_hdr(mem, slot, &dma);
			wqe->sge[0].addr = cpu_to_le64(dma);
			wqe->sge[0].len = cpu_to_le32(mem->geom.hdr_len);
			wqe->sge[0].key = key;
		}
		sge = rx_sge(mem, slot);
		sge->len = cpu_to_le32(mem->geom.buf_len);
		sge->key = key;
		if (mem->netmem[slot])
			sge->addr = cpu_to_le64(page_pool_get_dma_addr_netmem(mem->netmem[slot]));
	}
}

static bool rx_buf_get(struct tulle_en_rx_mem *mem, u32 slot, gfp_t gfp)
{
	netmem_ref netmem = page_pool_alloc_netmems(mem->pool, gfp);

	if (unlikely(!netmem))
		return false;
	mem->netmem[slot] = netmem;
	rx_sge(mem, slot)->addr =
		cpu_to_le64(page_pool_get_dma_addr_netmem(netmem));
	return true;
}

/**
 * tulle_en_rx_fill() - give every free slot a buffer
 * @mem: memory of a queue, owned by the caller
 * @gfp: how to allocate
 *
 * The indices move; nothing is published.
 *
 * Return: 0 or -ENOMEM, when slots were left.
 */
int tulle_en_rx_fill(struct tulle_en_rx_mem *mem, gfp_t gfp)
{
	struct tulle_prod *prod = &mem->wq.prod;
	u32 room = tulle_prod_room(prod);
	u32 slot;

	for (; room; room--) {
		slot = prod->pi & prod->ring.mask;
		if (!mem->netmem[slot] && !rx_buf_get(mem, slot, gfp))
			return -ENOMEM;
		prod->pi++;
	}
	return 0;
}

static void rx_starved(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem)
{
	u64_stats_update_begin(&rxq->stats.syncp);
	u64_stats_inc(&rxq->stats.alloc_fail);
	u64_stats_update_end(&rxq->stats.syncp);

	/* Any buffer left brings a packet, and with it the next attempt. */
	if (tulle_prod_used(&mem->wq.prod) > TULLE_EN_RX_BATCH)
		return;
	if (!test_and_set_bit(TULLE_EN_RXQ_STARVED, &rxq->flags))
		tulle_en_health_rx_starved(rxq->channel->priv, rxq->ix);
	mod_timer(&rxq->retry, jiffies + TULLE_EN_RX_RETRY);
}

/**
 * tulle_en_rx_refill() - post buffers for the packets that were taken
 * @rxq: the queue
 * @mem: its memory
 *
 * Context: NAPI.
 */
void tulle_en_rx_refill(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem)
{
	struct tulle_prod *prod = &mem->wq.prod;
	u32 batch = min_t(u32, TULLE_EN_RX_BATCH,
			  tulle_ring_size(&prod->ring) / 4);

	if (tulle_prod_room(prod) < batch)
		return;
	if (unlikely(tulle_en_rx_fill(mem, GFP_ATOMIC | __GFP_NOWARN)))
		rx_starved(rxq, mem);
	else if (unlikely(test_bit(TULLE_EN_RXQ_STARVED, &rxq->flags)))
		clear_bit(TULLE_EN_RXQ_STARVED, &rxq->flags);

	if (prod->pi != prod->published)
		tulle_wq_kick(rxq->channel->priv->tdev, &mem->wq,
			      TULLE_UAR_RQ);
}

void tulle_en_rx_retry(struct timer_list *timer)
{
	struct tulle_en_rxq *rxq = timer_container_of(rxq, timer, retry);

	napi_schedule(&rxq->channel->napi);
}
