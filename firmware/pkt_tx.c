// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Transmit: from a WQE to a frame.
 */
#include "eth.h"

#define ETH_FLAGS	(TULLE_ETH_F_CSUM | TULLE_ETH_F_TSO | TULLE_ETH_F_USO | \
			 TULLE_ETH_F_VLAN0 | TULLE_ETH_F_VLAN0_STAG | \
			 TULLE_ETH_F_VLAN1)
#define ETH_GSO		(TULLE_ETH_F_TSO | TULLE_ETH_F_USO)

#define MAX_SEGS	65535

/* Each byte of a checksum field makes three pieces of one. */
#define MAX_PARTS	(TFW_FRAME_IOVS - 4)

/* The pieces of a frame as the WQE names them. */
struct tx_parts {
	struct tfw_iov	iov[MAX_PARTS];
	unsigned int	n;
};

static bool add_part(struct tx_parts *parts, const void *p, u32 len)
{
	if (parts->n == MAX_PARTS)
		return false;
	parts->iov[parts->n++] = (struct tfw_iov){ p, len };
	return true;
}

static bool refuse(struct tfw_wqe_error *err, size_t offset)
{
	err->status = TULLE_CQE_BAD_WQE;
	err->syndrome = (u8)offset;
	return false;
}

#define REFUSE(err, member) \
	refuse(err, offsetof(struct tulle_eth_wqe, member))

static u32 inline_space(const struct tulle_eth_wqe *wqe)
{
	return (le16_to_cpu(wqe->ctrl.inl_len) + 15U) & ~15U;
}

static bool check_size(const struct tulle_eth_wqe *wqe,
		       struct tfw_wqe_error *err)
{
	bool gso = le16_to_cpu(wqe->eth.flags) & ETH_GSO;
	u32 total = le32_to_cpu(wqe->ctrl.total_len);
	u32 inl = le16_to_cpu(wqe->ctrl.inl_len);
	u32 need;

	if (inl > TFW_MAX_TX_INLINE || inl > total)
		return REFUSE(err, ctrl.inl_len);
	need = (u32)sizeof(*wqe) + inline_space(wqe) +
	       wqe->ctrl.nsge * (u32)sizeof(struct tulle_sge);
	if (need > wqe->ctrl.nblocks * (u32)TULLE_SQ_BLOCK)
		return REFUSE(err, ctrl.nsge);
	if (total < TFW_ETH_HLEN || total > (gso ? TFW_MAX_TSO : TFW_PLAIN_MAX))
		return REFUSE(err, ctrl.total_len);
	if (wqe->ctrl.imm)
		return REFUSE(err, ctrl.imm);
	return true;
}

static bool check_eth(const struct tulle_eth_wqe *wqe,
		      struct tfw_wqe_error *err)
{
	u32 total = le32_to_cpu(wqe->ctrl.total_len);
	const struct tulle_eth_seg *eth = &wqe->eth;
	u16 flags = le16_to_cpu(eth->flags);
	u32 start = le16_to_cpu(eth->csum_start);

	if ((flags & ~ETH_FLAGS) || (flags & ETH_GSO) == ETH_GSO)
		return REFUSE(err, eth.flags);
	if ((flags & (TULLE_ETH_F_VLAN0_STAG | TULLE_ETH_F_VLAN1)) &&
	    !(flags & TULLE_ETH_F_VLAN0))
		return REFUSE(err, eth.flags);
	if (eth->rsvd || eth->crypto)
		return REFUSE(err, eth.rsvd);
	if (eth->outer_l3 || eth->outer_l4)
		return REFUSE(err, eth.outer_l3);
	if (!(flags & TULLE_ETH_F_CSUM) || (flags & ETH_GSO))
		return true;
	if (start < TFW_ETH_HLEN || start >= total)
		return REFUSE(err, eth.csum_start);
	if (start + le16_to_cpu(eth->csum_offset) + 2 > total)
		return REFUSE(err, eth.csum_offset);
	return true;
}

/* Segmentation offsets; the headers themselves are looked at later. */
static bool check_gso(const struct tulle_eth_wqe *wqe,
		      struct tfw_wqe_error *err)
{
	const struct tulle_eth_seg *eth = &wqe->eth;
	u32 total = le32_to_cpu(wqe->ctrl.total_len);
	u32 hdr = le16_to_cpu(eth->hdr_len);
	u32 mss = le16_to_cpu(eth->mss);
	u32 l3 = le16_to_cpu(eth->l3);
	u32 l4 = le16_to_cpu(eth->l4);
	u32 min = le16_to_cpu(eth->flags) & TULLE_ETH_F_TSO ? 20 : 8;

	if (!(le16_to_cpu(eth->flags) & ETH_GSO))
		return true;
	if (hdr > TFW_HDR_WQE || hdr >= total)
		return REFUSE(err, eth.hdr_len);
	if (l3 < TFW_ETH_HLEN || l3 + 20 > hdr)
		return REFUSE(err, eth.l3);
	if (l4 < l3 + 20 || l4 + min > hdr)
		return REFUSE(err, eth.l4);
	if (mss < TULLE_MSS_MIN || hdr + mss > TFW_PLAIN_MAX ||
	    (total - hdr + mss - 1) / mss > MAX_SEGS)
		return REFUSE(err, eth.mss);
	return true;
}

/* The headers must be what the offsets say, or segments would be garbage. */
static bool check_headers(const struct tfw_frame *f, struct tfw_wqe_error *err)
{
	const u8 *ip = f->hdr + f->l3, *l4 = f->hdr + f->l4;
	bool tso = f->flags & TFW_F_TSO;
	u32 hlen = tso ? (l4[12] >> 4) * 4U : 8;

	if (ip[0] >> 4 == 4) {
		if (f->l3 + (ip[0] & 15) * 4U != f->l4)
			return REFUSE(err, eth.l4);
	} else if (ip[0] >> 4 != 6 || f->l4 < f->l3 + 40U) {
		return REFUSE(err, eth.l3);
	}
	if (hlen < (tso ? 20 : 8) || f->l4 + hlen != f->hdr_len)
		return REFUSE(err, eth.hdr_len);
	return true;
}

/* Memory that cannot be mapped is read into the bounce buffer. */
static bool bounce(struct tfw_sq *sq, struct tx_parts *parts, u64 addr, u32 len)
{
	struct tfw_wire *wire = sq->wq.vport->port->wire;
	u8 *to = wire->bounce + wire->bounced;

	if (len > TFW_BOUNCE - wire->bounced ||
	    !tfw_dma_read(sq->wq.obj.func, addr, to, len))
		return false;
	wire->bounced += len;
	return add_part(parts, to, len);
}

#define MAP_PAGE	4096

static bool map_sge(struct tfw_sq *sq, struct tx_parts *parts, u64 addr,
		    u32 len)
{
	struct tfw_func *func = sq->wq.obj.func;
	const void *p = tfw_dma_map(func, addr, len);
	u32 n;

	if (p)
		return add_part(parts, p, len);
	/* Contiguous for the bus only: page by page. */
	for (; len; addr += n, len -= n) {
		n = MAP_PAGE - (u32)(addr & (MAP_PAGE - 1));
		n = TFW_MIN(n, len);
		p = tfw_dma_map(func, addr, n);
		if (p ? !add_part(parts, p, n) : !bounce(sq, parts, addr, n))
			return false;
	}
	return true;
}

static bool gather(struct tfw_sq *sq, const struct tulle_eth_wqe *wqe,
		   struct tx_parts *parts, struct tfw_wqe_error *err)
{
	u32 total = le16_to_cpu(wqe->ctrl.inl_len), len;
	const u8 *at = (const u8 *)(wqe + 1);
	const struct tulle_sge *sge;
	unsigned int i;

	parts->n = 0;
	if (total)
		add_part(parts, at, total);
	sge = (const void *)(at + inline_space(wqe));
	for (i = 0; i < wqe->ctrl.nsge; i++) {
		size_t where = (size_t)((const u8 *)&sge[i] - (const u8 *)wqe);

		len = le32_to_cpu(sge[i].len);
		err->syndrome = (u8)TFW_MIN(where, (size_t)255);
		err->status = TULLE_CQE_BAD_WQE;
		if (!len || len > le32_to_cpu(wqe->ctrl.total_len) - total)
			return false;
		total += len;
		err->status = TULLE_CQE_BAD_KEY;
		if (!tfw_mkey_check(sq->wq.obj.func, le32_to_cpu(sge[i].key),
				    le64_to_cpu(sge[i].addr), len,
				    TULLE_MKEY_LOCAL_READ))
			return false;
		err->status = TULLE_CQE_DMA;
		if (!map_sge(sq, parts, le64_to_cpu(sge[i].addr), len))
			return false;
	}
	if (total != le32_to_cpu(wqe->ctrl.total_len))
		return REFUSE(err, ctrl.total_len);
	return true;
}

/* How much of the frame is copied: all of a small one, else the headers. */
static u32 header_bytes(const struct tulle_eth_wqe *wqe)
{
	u32 total = le32_to_cpu(wqe->ctrl.total_len);
	u16 flags = le16_to_cpu(wqe->eth.flags);
	u32 at;

	if (flags & ETH_GSO)
		return le16_to_cpu(wqe->eth.hdr_len);
	if (total <= TFW_HDR_WQE)
		return total;
	if (!(flags & TULLE_ETH_F_CSUM))
		return TFW_HDR_PEEK;
	at = le16_to_cpu(wqe->eth.csum_start) +
	     le16_to_cpu(wqe->eth.csum_offset) + 2U;
	return at > TFW_HDR_PEEK && at <= TFW_HDR_WQE ? at : TFW_HDR_PEEK;
}

static void fill_frame(struct tfw_frame *f, const struct tx_parts *parts,
		       u32 hdr_len)
{
	unsigned int i;
	size_t n;

	f->hdr_len = 0;
	f->niov = 0;
	for (i = 0; i < parts->n; i++) {
		n = TFW_MIN(parts->iov[i].len, (size_t)hdr_len - f->hdr_len);
		if (n)
			memcpy(f->hdr + f->hdr_len, parts->iov[i].base, n);
		f->hdr_len = (u16)(f->hdr_len + n);
		if (n == parts->iov[i].len)
			continue;
		f->iov[f->niov++] = (struct tfw_iov){
			(const u8 *)parts->iov[i].base + n,
			parts->iov[i].len - n };
	}
}

static void set_offloads(struct tfw_frame *f, const struct tulle_eth_seg *eth)
{
	u16 flags = le16_to_cpu(eth->flags);
	u32 payload = tfw_frame_payload(f);

	f->mss = le16_to_cpu(eth->mss);
	f->l3 = le16_to_cpu(eth->l3);
	f->l4 = le16_to_cpu(eth->l4);
	if (flags & ETH_GSO) {
		f->flags = flags & TULLE_ETH_F_TSO ? TFW_F_TSO : TFW_F_USO;
		f->npkts = (payload + f->mss - 1) / f->mss;
	} else if (flags & TULLE_ETH_F_CSUM) {
		f->flags = TFW_F_CSUM;
		f->csum_start = le16_to_cpu(eth->csum_start);
		f->csum_at = (u16)(f->csum_start +
				   le16_to_cpu(eth->csum_offset));
	}
}

static void insert_tag(struct tfw_frame *f, u16 type, u16 tci)
{
	memmove(f->hdr + 12 + TFW_VLAN_HLEN, f->hdr + 12, f->hdr_len - 12U);
	tfw_put16(f->hdr + 12, type);
	tfw_put16(f->hdr + 14, tci);
	f->hdr_len += TFW_VLAN_HLEN;
	f->len += TFW_VLAN_HLEN;
	f->csum_start += TFW_VLAN_HLEN;
	f->csum_at += TFW_VLAN_HLEN;
	f->l3 += TFW_VLAN_HLEN;
	f->l4 += TFW_VLAN_HLEN;
}

bool tfw_tx_build(struct tfw_sq *sq, const u8 *buf, struct tfw_frame *f,
		  struct tfw_wqe_error *err)
{
	const struct tulle_eth_wqe *wqe = (const void *)buf;
	u16 flags = le16_to_cpu(wqe->eth.flags);
	struct tx_parts parts;

	if (!check_size(wqe, err) || !check_eth(wqe, err) ||
	    !check_gso(wqe, err))
		return false;
	sq->wq.vport->port->wire->bounced = 0;
	if (!gather(sq, wqe, &parts, err))
		return false;
	fill_frame(f, &parts, header_bytes(wqe));
	f->len = le32_to_cpu(wqe->ctrl.total_len);
	f->npkts = 1;
	f->flags = 0;
	f->mark = 0;
	f->probes = 0;
	f->time = 0;
	f->vport = sq->wq.vport->id;
	f->meta = le32_to_cpu(wqe->eth.meta);
	set_offloads(f, &wqe->eth);
	if ((f->flags & TFW_F_GSO) && !check_headers(f, err))
		return false;
	if (flags & TULLE_ETH_F_VLAN1)
		insert_tag(f, TFW_P_8021Q, le16_to_cpu(wqe->eth.vlan[1]));
	if (flags & TULLE_ETH_F_VLAN0)
		insert_tag(f, flags & TULLE_ETH_F_VLAN0_STAG ?
			      TFW_P_8021AD : TFW_P_8021Q,
			   le16_to_cpu(wqe->eth.vlan[0]));
	return true;
}
