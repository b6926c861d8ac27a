// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: completions to packets.
 *
 * No value of a CQE is used before it was compared with what the driver knows:
 * which WQEs the device owns, and how large their buffers are. A completion
 * that cannot be true stops the queue until it is recovered.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/prefetch.h>
#include <linux/tcp.h>
#include <net/ip6_checksum.h>
#include <net/page_pool/helpers.h>
#include <net/tcp.h>

#include "en.h"

/* Packets up to this size are copied: cheaper than giving their buffer away. */
#define TULLE_EN_RX_COPY	256
/* What goes to the linear part when the headers must be edited. */
#define TULLE_EN_RX_HEAD	128

/* A CQE, each member read once. */
struct rx_desc {
	const struct tulle_rx_cqe *cqe;
	u32 len;
	u32 wqe;
	u16 count;
	u16 hdr_len;
	u16 flags;
	u16 segs;
	u16 seg_size;
	u32 wire_bytes;
};

/* What a poll adds to the statistics at its end. */
struct rx_sums {
	unsigned int packets;
	unsigned int bytes;
	unsigned int csum_complete;
	unsigned int csum_unnecessary;
	unsigned int csum_none;
	unsigned int csum_bad;
	unsigned int gro_packets;
	unsigned int gro_bytes;
	unsigned int gro_wire_packets;
	unsigned int gro_wire_bytes;
	unsigned int multicast;
	unsigned int alloc_fail;
	unsigned int split;
	unsigned int dropped;
};

/* Where the next bytes of a packet lie. */
struct rx_cursor {
	u32 slot;
	u32 left;
};

static void rx_desc_read(struct rx_desc *d, const struct tulle_rx_cqe *cqe)
{
	d->cqe = cqe;
	d->len = le32_to_cpu(READ_ONCE(cqe->byte_len));
	d->wqe = le32_to_cpu(READ_ONCE(cqe->wqe));
	d->count = le16_to_cpu(READ_ONCE(cqe->count)) ?: 1;
	d->hdr_len = le16_to_cpu(READ_ONCE(cqe->hdr_len));
	d->flags = le16_to_cpu(READ_ONCE(cqe->flags));
	d->segs = 1;
	d->wire_bytes = d->len;
	if (d->flags & TULLE_RX_F_GRO) {
		d->segs = le16_to_cpu(READ_ONCE(cqe->gro_segs));
		d->seg_size = le16_to_cpu(READ_ONCE(cqe->gro_size));
	}
}

/* The headers of an aggregate. */
struct rx_tcp {
	struct iphdr *ip;	/* IPv4, or */
	struct ipv6hdr *ip6;
	struct tcphdr *th;
	u32 l4;
	u32 hdr_len;
};

/* Find them within @avail bytes: the device says that they are there. */
static bool rx_tcp_find(void *data, u32 avail, struct rx_tcp *tcp)
{
	__be16 proto = ((struct ethhdr *)data)->h_proto;
	u32 offset = ETH_HLEN;
	struct vlan_hdr *vlan;

	while (eth_type_vlan(proto) && offset + VLAN_HLEN <= avail) {
		vlan = data + offset;
		proto = vlan->h_vlan_encapsulated_proto;
		offset += VLAN_HLEN;
	}

	tcp->ip = NULL;
	tcp->ip6 = NULL;
	if (proto == htons(ETH_P_IP) && offset + sizeof(*tcp->ip) <= avail) {
		tcp->ip = data + offset;
		if (tcp->ip->protocol != IPPROTO_TCP)
			return false;
		offset += tcp->ip->ihl * 4;
	} else if (proto == htons(ETH_P_IPV6) &&
		   offset + sizeof(*tcp->ip6) <= avail) {
		tcp->ip6 = data + offset;
		if (tcp->ip6->nexthdr != IPPROTO_TCP)
			return false;
		offset += sizeof(*tcp->ip6);
	} else {
		return false;
	}
	if (offset + sizeof(*tcp->th) > avail)
		return false;
	tcp->th = data + offset;
	tcp->l4 = offset;
	tcp->hdr_len = offset + tcp->th->doff * 4;
	return true;
}

/*
 * Check an aggregate's numbers and tell the stack how to cut it again. The
 * device checked the segments' sums; the field gets what transmission expects.
 */
static bool rx_gro(struct sk_buff *skb, struct rx_desc *d, void *data,
		   u32 avail)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);
	struct rx_tcp tcp;
	u32 len = d->len;
	u32 payload;

	/* The inner tag is back in the packet, see rx_copy(). */
	if (unlikely(d->flags & TULLE_RX_F_VLAN1))
		len += VLAN_HLEN;
	if (!rx_tcp_find(data, avail, &tcp) || !(d->flags & TULLE_RX_F_L4_OK))
		return false;
	if (tcp.hdr_len >= len || !d->seg_size)
		return false;
	payload = len - tcp.hdr_len;
	if (d->segs < 2 || DIV_ROUND_UP(payload, d->seg_size) != d->segs)
		return false;

	if (tcp.ip) {
		shinfo->gso_type = SKB_GSO_TCPV4;
		tcp.th->check = ~tcp_v4_check(len - tcp.l4, tcp.ip->saddr,
					      tcp.ip->daddr, 0);
	} else {
		shinfo->gso_type = SKB_GSO_TCPV6;
		tcp.th->check = ~tcp_v6_check(len - tcp.l4, &tcp.ip6->saddr,
					      &tcp.ip6->daddr, 0);
	}
	if (tcp.th->cwr)
		shinfo->gso_type |= SKB_GSO_TCP_ECN;
	shinfo->gso_size = d->seg_size;
	shinfo->gso_segs = d->segs;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) + tcp.l4;
	skb->csum_offset = offsetof(struct tcphdr, check);
	d->wire_bytes = d->len + (d->segs - 1) * tcp.hdr_len;
	return true;
}

static void rx_csum(struct sk_buff *skb, const struct rx_desc *d,
		    struct rx_sums *sums)
{
	if (likely((d->flags & (TULLE_RX_F_L4_OK | TULLE_RX_F_L3_BAD)) ==
		   TULLE_RX_F_L4_OK)) {
		sums->csum_unnecessary++;
		if (skb->ip_summed == CHECKSUM_NONE)
			skb->ip_summed = CHECKSUM_UNNECESSARY;
		return;
	}
	if (d->flags & (TULLE_RX_F_L4_BAD | TULLE_RX_F_L3_BAD))
		sums->csum_bad++;
	/* The sum covers neither an FCS nor a tag that is put back. */
	if ((d->flags & TULLE_RX_F_CSUM) &&
	    !(d->flags & (TULLE_RX_F_FCS | TULLE_RX_F_VLAN1))) {
		skb->csum = csum_unfold((__force __sum16)READ_ONCE(d->cqe->csum));
		skb->ip_summed = CHECKSUM_COMPLETE;
		sums->csum_complete++;
		return;
	}
	sums->csum_none++;
}

static enum pkt_hash_types rx_hash_type(u8 hash_type)
{
	switch (hash_type - 1) {
	case TULLE_RSS_TCP4:
	case TULLE_RSS_UDP4:
	case TULLE_RSS_TCP6:
	case TULLE_RSS_UDP6:
		return PKT_HASH_TYPE_L4;
	default:
		return PKT_HASH_TYPE_L3;
	}
}

static void rx_metadata(struct tulle_en_rxq *rxq, struct sk_buff *skb,
			const struct rx_desc *d, struct rx_sums *sums)
{
	netdev_features_t features = rxq->dev->features;
	const struct tulle_rx_cqe *cqe = d->cqe;
	u8 hash_type;

	skb_record_rx_queue(skb, rxq->ix);
	if (features & NETIF_F_RXHASH) {
		hash_type = READ_ONCE(cqe->hash_type);
		if (hash_type)
			skb_set_hash(skb, le32_to_cpu(READ_ONCE(cqe->hash)),
				     rx_hash_type(hash_type));
	}
	if (likely(features & NETIF_F_RXCSUM))
		rx_csum(skb, d, sums);
	else
		sums->csum_none++;
	if (unlikely(d->flags & TULLE_RX_F_VLAN0)) {
		u16 proto = d->flags & TULLE_RX_F_VLAN0_STAG ?
			    ETH_P_8021AD : ETH_P_8021Q;

		__vlan_hwaccel_put_tag(skb, htons(proto),
				       le16_to_cpu(READ_ONCE(cqe->vlan[0])));
	}
}

static void rx_account(const struct rx_desc *d, const u8 *dmac,
		       struct rx_sums *sums)
{
	sums->packets += d->segs;
	sums->bytes += d->wire_bytes;
	sums->multicast += dmac[0] & 1;
	if (d->flags & TULLE_RX_F_GRO) {
		sums->gro_packets++;
		sums->gro_bytes += d->len;
		sums->gro_wire_packets += d->segs;
		sums->gro_wire_bytes += d->wire_bytes;
	}
}

/* A packet that the device received well and the stack does not get. */
static void rx_drop(const struct rx_desc *d, struct rx_sums *sums)
{
	sums->dropped += d->segs;
}

static void rx_no_memory(const struct rx_desc *d, struct rx_sums *sums)
{
	sums->alloc_fail++;
	rx_drop(d, sums);
}

/*
 * Copy the start of a packet to the linear part. The stack holds one tag
 * beside the packet: of two stripped ones the inner goes back into it.
 */
static void rx_copy(struct sk_buff *skb, const struct rx_desc *d,
		    const void *data, u32 len)
{
	if (likely(!(d->flags & TULLE_RX_F_VLAN1))) {
		skb_put_data(skb, data, len);
		return;
	}
	skb_put_data(skb, data, 2 * ETH_ALEN);
	*(__be16 *)skb_put(skb, 2) = htons(ETH_P_8021Q);
	*(__be16 *)skb_put(skb, 2) =
		cpu_to_be16(le16_to_cpu(READ_ONCE(d->cqe->vlan[1])));
	skb_put_data(skb, data + 2 * ETH_ALEN, len - 2 * ETH_ALEN);
}

static void rx_sync_cpu(struct tulle_en_rx_mem *mem, u32 slot, u32 len)
{
	page_pool_dma_sync_netmem_for_cpu(mem->pool, mem->netmem[slot], 0,
					  len);
}

/* The buffer was only read and the device will write to it again. */
static void rx_sync_device(struct tulle_en_rx_mem *mem, dma_addr_t dma,
			   u32 len)
{
	dma_sync_single_for_device(mem->rxq->channel->priv->tdev->device, dma,
				   len, DMA_FROM_DEVICE);
}

/* Give one buffer to the packet. */
static void rx_add_piece(struct tulle_en_rx_mem *mem, struct sk_buff *skb,
			 u32 slot, u32 skip, u32 len)
{
	skb_add_rx_frag_netmem(skb, skb_shinfo(skb)->nr_frags,
			       mem->netmem[slot], skip, len - skip,
			       mem->geom.buf_len);
	mem->netmem[slot] = 0;
}

/*
 * Give the bytes at the cursor to the packet, but for @skip copied ones. The
 * first buffer is not synced again if it was: headers may have been edited in it.
 */
static void rx_add_frags(struct tulle_en_rx_mem *mem, struct sk_buff *skb,
			 struct rx_cursor cur, u32 skip, bool synced)
{
	u32 len;

	while (cur.left) {
		len = min(cur.left, mem->geom.buf_len);
		if (!synced)
			rx_sync_cpu(mem, cur.slot, len);
		synced = false;
		rx_add_piece(mem, skb, cur.slot, skip, len);
		cur.left -= len;
		cur.slot = (cur.slot + 1) & mem->wq.prod.ring.mask;
		skip = 0;
	}
}

/* Small packets, and those whose headers must be edited: a linear part. */
static bool rx_linear(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem,
		      struct rx_desc *d, struct rx_cursor cur, const void *data,
		      struct rx_sums *sums)
{
	u32 head = d->len <= TULLE_EN_RX_COPY ? d->len : TULLE_EN_RX_HEAD;
	struct sk_buff *skb = tulle_en_rx_linear_alloc(mem, head);
	dma_addr_t dma;

	if (unlikely(!skb)) {
		rx_no_memory(d, sums);
		return true;
	}
	rx_copy(skb, d, data, head);
	if (head < d->len) {
		rx_add_frags(mem, skb, cur, head, true);
	} else {
		dma = page_pool_get_dma_addr_netmem(mem->netmem[cur.slot]);
		rx_sync_device(mem, dma, head);
	}

	if ((d->flags & TULLE_RX_F_GRO) &&
	    unlikely(!rx_gro(skb, d, skb->data, skb_headlen(skb)))) {
		dev_kfree_skb_any(skb);
		return false;
	}
	rx_metadata(rxq, skb, d, sums);
	rx_account(d, skb->data, sums);
	skb->protocol = eth_type_trans(skb, rxq->dev);
	napi_gro_receive(&rxq->channel->napi, skb);
	return true;
}

/* Everything else: the buffers become the packet, GRO pulls the headers. */
static bool rx_frags(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem,
		     struct rx_desc *d, struct rx_cursor cur, void *data,
		     struct rx_sums *sums)
{
	struct napi_struct *napi = &rxq->channel->napi;
	struct sk_buff *skb = napi_get_frags(napi);

	if (unlikely(!skb)) {
		rx_no_memory(d, sums);
		return true;
	}
	if ((d->flags & TULLE_RX_F_GRO) &&
	    unlikely(!rx_gro(skb, d, data,
			     min(cur.left, mem->geom.buf_len)))) {
		napi_free_frags(napi);
		return false;
	}
	rx_account(d, data, sums);
	rx_metadata(rxq, skb, d, sums);
	rx_add_frags(mem, skb, cur, 0, true);
	skb_mark_for_recycle(skb);
	napi_gro_frags(napi);
	return true;
}

/* A packet that lies in buffers from @cur on, its place checked. */
static bool rx_packet(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem,
		      struct rx_desc *d, struct rx_cursor cur,
		      struct rx_sums *sums)
{
	void *data = netmem_address(mem->netmem[cur.slot]);

	/* Not split, and in memory that only its owner may read. */
	if (unlikely(!data)) {
		rx_drop(d, sums);
		return true;
	}
	rx_sync_cpu(mem, cur.slot, min(cur.left, mem->geom.buf_len));
	prefetch(data);
	if (d->len <= TULLE_EN_RX_COPY ||
	    unlikely(d->flags & TULLE_RX_F_VLAN1))
		return rx_linear(rxq, mem, d, cur, data, sums);
	return rx_frags(rxq, mem, d, cur, data, sums);
}

/* A packet whose header lies in a header slot. */
static bool rx_split(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem,
		     struct rx_desc *d, struct rx_cursor cur,
		     struct rx_sums *sums)
{
	struct sk_buff *skb = tulle_en_rx_linear_alloc(mem, d->hdr_len);
	dma_addr_t dma;
	void *hdr;

	if (unlikely(!skb)) {
		rx_no_memory(d, sums);
		return true;
	}
	hdr = tulle_en_rx_hdr(mem, cur.slot, &dma);
	dma_sync_single_for_cpu(rxq->channel->priv->tdev->device, dma,
				d->hdr_len, DMA_FROM_DEVICE);
	rx_copy(skb, d, hdr, d->hdr_len);
	rx_sync_device(mem, dma, d->hdr_len);
	if ((d->flags & TULLE_RX_F_GRO) &&
	    unlikely(!rx_gro(skb, d, skb->data, skb_headlen(skb)))) {
		dev_kfree_skb_any(skb);
		return false;
	}
	if (cur.left) {
		rx_add_frags(mem, skb, cur, 0, false);
		sums->split++;
	}

	rx_metadata(rxq, skb, d, sums);
	rx_account(d, skb->data, sums);
	skb->protocol = eth_type_trans(skb, rxq->dev);
	napi_gro_receive(&rxq->channel->napi, skb);
	return true;
}

/* WQEs complete in order, each packet takes whole ones. */
static bool rx_whole(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem,
		     struct rx_desc *d, struct rx_sums *sums)
{
	struct tulle_prod *prod = &mem->wq.prod;
	struct rx_cursor cur;
	u32 count;
	bool ok;

	if (unlikely(d->hdr_len > mem->geom.hdr_len || d->hdr_len > d->len))
		return false;
	cur.left = d->len - d->hdr_len;
	cur.slot = d->wqe & prod->ring.mask;
	count = cur.left <= mem->geom.buf_len ? 1 :
		DIV_ROUND_UP(cur.left, mem->geom.buf_len);
	if (unlikely(d->wqe != prod->ci || d->count != count ||
		     count > tulle_prod_used(prod) || count > MAX_SKB_FRAGS))
		return false;

	if (d->hdr_len >= ETH_HLEN)
		ok = rx_split(rxq, mem, d, cur, sums);
	else
		ok = !d->hdr_len && rx_packet(rxq, mem, d, cur, sums);
	prod->ci += count;
	return ok;
}

static void rx_failed(struct tulle_en_rxq *rxq, u8 status, u8 syndrome)
{
	if (test_and_set_bit(TULLE_EN_RXQ_ERROR, &rxq->flags))
		return;
	u64_stats_update_begin(&rxq->stats.syncp);
	u64_stats_inc(&rxq->stats.bad_cqe);
	u64_stats_update_end(&rxq->stats.syncp);
	tulle_en_health_rx_error(rxq->channel->priv, rxq->ix, status, syndrome);
}

static void rx_bad(struct tulle_en_rxq *rxq, const struct rx_desc *d, u32 qn_op)
{
	if (net_ratelimit())
		netdev_warn(rxq->dev,
			    "Rx %u: bad completion, qn_op %#x wqe %u/%u count %u len %u/%u flags %#x\n",
			    rxq->ix, qn_op, d->wqe, rxq->mem->wq.prod.ci,
			    d->count, d->hdr_len, d->len, d->flags);
	rx_failed(rxq, TULLE_CQE_OK, 0);
}

/* One CQE. False: the queue is in error. */
static bool rx_cqe(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem,
		   const struct tulle_rx_cqe *cqe, struct rx_sums *sums)
{
	u32 qn_op = le32_to_cpu(READ_ONCE(cqe->qn_op));
	struct rx_desc d;

	rx_desc_read(&d, cqe);
	if (unlikely((qn_op ^ (rxq->handle & TULLE_CQE_QN)) !=
		     TULLE_CQE_RX << 24)) {
		if (qn_op >> 24 != TULLE_CQE_RX_ERR)
			goto err_bad;
		rx_failed(rxq, READ_ONCE(cqe->status) ?: TULLE_CQE_BAD_WQE,
			  READ_ONCE(cqe->syndrome));
		return false;
	}
	if (likely(d.len >= ETH_HLEN && rx_whole(rxq, mem, &d, sums)))
		return true;
err_bad:
	rx_bad(rxq, &d, qn_op);
	return false;
}

static void rx_sum_up(struct tulle_en_rxq *rxq, const struct rx_sums *sums)
{
	struct tulle_en_rx_stats *stats = &rxq->stats;

	rxq->channel->rx.packets += sums->packets;
	rxq->channel->rx.bytes += sums->bytes;

	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->packets, sums->packets);
	u64_stats_add(&stats->bytes, sums->bytes);
	u64_stats_add(&stats->csum_complete, sums->csum_complete);
	u64_stats_add(&stats->csum_unnecessary, sums->csum_unnecessary);
	u64_stats_add(&stats->csum_none, sums->csum_none);
	u64_stats_add(&stats->csum_bad, sums->csum_bad);
	u64_stats_add(&stats->gro_packets, sums->gro_packets);
	u64_stats_add(&stats->gro_bytes, sums->gro_bytes);
	u64_stats_add(&stats->gro_wire_packets, sums->gro_wire_packets);
	u64_stats_add(&stats->gro_wire_bytes, sums->gro_wire_bytes);
	u64_stats_add(&stats->multicast, sums->multicast);
	u64_stats_add(&stats->alloc_fail, sums->alloc_fail);
	u64_stats_add(&stats->split, sums->split);
	u64_stats_add(&stats->dropped, sums->dropped);
	u64_stats_update_end(&stats->syncp);
}

/**
 * tulle_en_rx_poll() - take received packets
 * @rxq: the queue
 * @budget: at most so many
 *
 * Context: NAPI, or the NAPI is disabled and bottom halves are.
 * Return: packets taken.
 */
int tulle_en_rx_poll(struct tulle_en_rxq *rxq, int budget)
{
	struct tulle_en_rx_mem *mem = rxq->mem;
	struct rx_sums sums = {};
	struct tulle_rx_cqe *cqe;
	struct tulle_cons *cons;
	int done = 0;

	if (unlikely(!mem || test_bit(TULLE_EN_RXQ_ERROR, &rxq->flags)))
		return 0;

	cons = &mem->cq.cons;
	while (done < budget) {
		cqe = tulle_cons_peek(cons);
		if (!cqe || unlikely(!rx_cqe(rxq, mem, cqe, &sums)))
			break;
		tulle_cons_pop(cons);
		done++;
	}

	if (done) {
		tulle_cons_update(cons);
		rx_sum_up(rxq, &sums);
	}
	if (likely(!mem->draining))
		tulle_en_rx_refill(rxq, mem);
	return done;
}
