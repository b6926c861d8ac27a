// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Receive: from a frame that steering gave to a queue, to bytes in its buffers
 * and a completion.
 */
#include "eth.h"

#define VLAN_STRIP	(TULLE_RQ_F_VLAN_STRIP | TULLE_RQ_F_STAG_STRIP)

static void add_flags(struct tulle_rx_cqe *cqe, u16 flags)
{
	cqe->flags |= cpu_to_le16(flags);
}

/* How many tags the queue wants taken out. */
static u32 tags_to_strip(const struct tfw_rq *rq, const struct tfw_parse *p,
			 const u8 *hdr)
{
	if (!p->nvlan)
		return 0;
	if (!p->stag)
		return rq->flags & TULLE_RQ_F_VLAN_STRIP ? 1 : 0;
	if (!(rq->flags & TULLE_RQ_F_STAG_STRIP))
		return 0;
	return p->nvlan == 2 && tfw_get16(hdr + 16) == TFW_P_8021Q ? 2 : 1;
}

void tfw_rx_strip(struct tfw_rq *rq, struct tfw_rx *rx)
{
	const struct tfw_frame *f = rx->f;
	u32 n = 0;

	if (rq->flags & VLAN_STRIP)
		n = tags_to_strip(rq, &f->p, f->hdr);
	rx->hdr = f->hdr;
	rx->hdr_len = f->hdr_len;
	rx->cut = n * TFW_VLAN_HLEN;
	if (!n)
		return;
	memcpy(rx->stripped, f->hdr, 12);
	memcpy(rx->stripped + 12, f->hdr + 12 + rx->cut,
	       f->hdr_len - 12 - rx->cut);
	rx->hdr = rx->stripped;
	rx->hdr_len -= rx->cut;
	rx->cqe.vlan[0] = cpu_to_le16(f->p.vlan[0]);
	add_flags(&rx->cqe, TULLE_RX_F_VLAN0);
	if (f->p.stag)
		add_flags(&rx->cqe, TULLE_RX_F_VLAN0_STAG);
	if (n == 2) {
		rx->cqe.vlan[1] = cpu_to_le16(f->p.vlan[1]);
		add_flags(&rx->cqe, TULLE_RX_F_VLAN1);
	}
}

static u32 csum_field(const struct tfw_parse *p)
{
	return p->l4_off + (p->l4 == TULLE_L4_TCP ? 16U : 6U);
}

static void pseudo(const struct tfw_frame *f, struct tfw_sum *s)
{
	tfw_pseudo_sum(s, f->hdr + f->p.l3_off, f->p.l3, f->p.proto,
		       f->p.l3_end - f->p.l4_off);
}

/*
 * The sender left the checksum to its device, which is us: then it is right by
 * construction, provided that it gave the right pseudo header.
 */
static bool is_ours(const struct tfw_frame *f)
{
	struct tfw_sum s = { 0 };

	if (f->flags & TFW_F_L4_GOOD)
		return true;
	if (!(f->flags & TFW_F_CSUM) || f->csum_start != f->p.l4_off ||
	    f->csum_at != csum_field(&f->p) || f->csum_at + 2U > f->hdr_len)
		return false;
	pseudo(f, &s);
	return tfw_sum_fold(&s) == tfw_get16(f->hdr + f->csum_at);
}

static bool l4_sum_is_good(const struct tfw_frame *f)
{
	struct tfw_sum s = { 0 };

	pseudo(f, &s);
	tfw_frame_sum(f, &s, f->p.l4_off, f->p.l3_end - f->p.l4_off);
	return tfw_sum_fold(&s) == 0xffff;
}

/*
 * A UDP sender may do without; the sum it left to its device may be that of
 * what a tunnel carries.
 */
static bool has_l4_csum(const struct tfw_frame *f)
{
	const struct tfw_parse *p = &f->p;

	if (p->frag || p->cut || (p->l4 != TULLE_L4_TCP && p->l4 != TULLE_L4_UDP))
		return false;
	return p->l4 == TULLE_L4_TCP || tfw_get16(f->hdr + csum_field(p)) ||
	       ((f->flags & TFW_F_CSUM) && f->csum_at == csum_field(p));
}

static bool ipv4_sum_is_good(const struct tfw_frame *f)
{
	const u8 *ip = f->hdr + f->p.l3_off;
	struct tfw_sum s = { 0 };

	tfw_sum_add(&s, ip, (ip[0] & 15) * 4U);
	return tfw_sum_fold(&s) == 0xffff;
}

/* Looks at checksums; those of the sender's that are due are computed. */
static void check_sums(struct tfw_rx *rx)
{
	struct tfw_frame *f = rx->f;
	bool good;

	if (f->p.l3 == TULLE_L3_IPV4)
		add_flags(&rx->cqe, ipv4_sum_is_good(f) ? TULLE_RX_F_L3_OK :
							  TULLE_RX_F_L3_BAD);
	if (!has_l4_csum(f))
		return;
	good = is_ours(f);
	if (good)
		f->flags |= TFW_F_L4_GOOD;
	if (!good) {
		tfw_frame_finish(f);
		good = l4_sum_is_good(f);
	}
	add_flags(&rx->cqe, good ? TULLE_RX_F_L4_OK : TULLE_RX_F_L4_BAD);
}

static void describe(struct tfw_rx *rx)
{
	const struct tfw_parse *p = &rx->f->p;
	const u8 *ip = rx->f->hdr + p->l3_off;
	u32 types;
	u8 tos;

	types = u32_encode_bits(p->l3, TULLE_RX_L3) |
		u32_encode_bits(p->l4, TULLE_RX_L4);
	if (p->frag)
		types |= TULLE_RX_FRAG;
	rx->cqe.types = (u8)types;
	if (!p->l3)
		return;
	tos = p->l3 == TULLE_L3_IPV4 ? ip[1] : (u8)(tfw_get16(ip) >> 4);
	if ((tos & 3) == 3)
		add_flags(&rx->cqe, TULLE_RX_F_ECN_CE);
}

static void rx_init(struct tfw_rq *rq, struct tfw_rx *rx, struct tfw_frame *f,
		    u32 hash, u8 hash_type)
{
	rx->f = f;
	memset(&rx->cqe, 0, sizeof(rx->cqe));
	rx->cqe.hash = cpu_to_le32(hash);
	rx->cqe.hash_type = hash_type;
	rx->cqe.vport = cpu_to_le16(f->vport);
	rx->cqe.flow_tag = cpu_to_le32(f->mark);
	if (!f->time)
		f->time = tfw_func_engine(rq->wq.obj.func)->now;
	if (rq->flags & TULLE_RQ_F_TIMESTAMP)
		rx->cqe.timestamp = cpu_to_le64(f->time);
	tfw_frame_parse(f);
	describe(rx);
}

static u32 frame_fcs(const struct tfw_frame *f)
{
	u32 crc = tfw_crc32(0, f->hdr, f->hdr_len);
	unsigned int i;

	for (i = 0; i < f->niov; i++)
		crc = tfw_crc32(crc, f->iov[i].base, f->iov[i].len);
	return crc;
}

static enum tfw_put put_frame(struct tfw_rq *rq, struct tfw_place *p,
			      const struct tfw_rx *rx, const __le32 *fcs)
{
	const struct tfw_frame *f = rx->f;
	enum tfw_put put;
	unsigned int i;

	put = tfw_place_put(rq, p, rx->hdr, rx->hdr_len);
	for (i = 0; i < f->niov && put == TFW_PUT_OK; i++)
		put = tfw_place_put(rq, p, f->iov[i].base, f->iov[i].len);
	if (fcs && put == TFW_PUT_OK)
		put = tfw_place_put(rq, p, fcs, sizeof(*fcs));
	return put;
}

/* One wire packet as it is, without aggregation. */
static enum tfw_put rx_single(struct tfw_rq *rq, struct tfw_rx *rx)
{
	struct tfw_frame *f = rx->f;
	struct tfw_place place;
	struct tfw_sum sum = { 0 };
	u32 len = f->len - rx->cut;
	enum tfw_put put;
	__le32 fcs;
	bool keep = rq->flags & TULLE_RQ_F_FCS;

	if (keep) {
		fcs = cpu_to_le32(frame_fcs(f));
		len += TFW_FCS_LEN;
		add_flags(&rx->cqe, TULLE_RX_F_FCS);
	}
	put = tfw_place_open(rq, &place, len, f->p.end - rx->cut);
	if (put != TFW_PUT_OK)
		return put;
	put = put_frame(rq, &place, rx, keep ? &fcs : NULL);
	if (put != TFW_PUT_OK) {
		tfw_place_abort(rq, &place);
		return put == TFW_PUT_STUCK ? TFW_PUT_BIG : put;
	}
	if (rq->flags & TULLE_RQ_F_CSUM_COMPLETE) {
		tfw_frame_sum(f, &sum, TFW_ETH_HLEN + rx->cut,
			      f->len - TFW_ETH_HLEN - rx->cut);
		rx->cqe.csum = cpu_to_be16(tfw_sum_fold(&sum));
		add_flags(&rx->cqe, TULLE_RX_F_CSUM);
	}
	return tfw_place_emit(rq, &place, &rx->cqe) ? TFW_PUT_OK :
						      TFW_PUT_ERROR;
}

static bool wants_gro(const struct tfw_rq *rq, const struct tfw_rx *rx)
{
	const __le16 good = cpu_to_le16(TULLE_RX_F_L4_OK);
	const __le16 bad = cpu_to_le16(TULLE_RX_F_L3_BAD);

	return rq->gro && !(rq->flags & TULLE_RQ_F_FCS) &&
	       (rx->cqe.flags & good) && !(rx->cqe.flags & bad) &&
	       tfw_gro_eligible(rx->f);
}

static void count_rx(struct tfw_rq *rq, const struct tfw_frame *f)
{
	rq->packets += f->npkts;
	rq->bytes += tfw_frame_wire_bytes(f);
}

static enum tfw_put rx_packet(struct tfw_rq *rq, struct tfw_rx *rx)
{
	struct tfw_frame *f = rx->f;
	enum tfw_put put;

	check_sums(rx);
	if (wants_gro(rq, rx)) {
		tfw_rx_strip(rq, rx);
		put = tfw_gro_add(rq, rx);
		if (put == TFW_PUT_OK || put == TFW_PUT_ERROR)
			goto out_count;
	}
	tfw_gro_flush(rq);
	put = TFW_PUT_ERROR;
	if (rq->wq.state != TULLE_QUEUE_READY)
		goto out_count;
	tfw_frame_finish(f);
	tfw_rx_strip(rq, rx);
	put = rx_single(rq, rx);

out_count:
	if (put == TFW_PUT_OK)
		count_rx(rq, f);
	if (put == TFW_PUT_ERROR)
		rq->drops_stopped += f->npkts;
	if (put == TFW_PUT_BIG) {
		rq->drops_big += f->npkts;
		return TFW_PUT_OK;
	}
	return put;
}

/* Saves copying what would then find no more buffers; a guess is enough. */
static bool seems_to_fit(struct tfw_rq *rq, u32 len)
{
	u64 need = len;

	if (rq->wqe_bytes)
		need = (need + rq->wqe_bytes - 1) / rq->wqe_bytes;
	else
		need = 1;
	return rq->wq.pi - rq->wq.ci >= need ||
	       (tfw_wq_load_pi(&rq->wq) && rq->wq.pi - rq->wq.ci >= need) ||
	       (rq->stride && len < rq->wqe_bytes);
}

/* Do the headers lie where the sender said? It may have lied. */
static bool offsets_agree(const struct tfw_frame *f)
{
	return f->p.l3_off == f->l3 && f->p.l4_off == f->l4 &&
	       f->p.end == f->hdr_len;
}

/* A super-frame as one aggregate, without cutting it. */
static bool rx_whole(struct tfw_rq *rq, struct tfw_frame *f, u32 hash,
		     u8 hash_type)
{
	struct tfw_rx *rx = &rq->wq.vport->port->wire->rx;

	if (!rq->gro || !(f->flags & TFW_F_TSO) || f->npkts < 2 ||
	    (rq->flags & TULLE_RQ_F_FCS) || !tfw_gro_eligible(f) ||
	    !offsets_agree(f) || !seems_to_fit(rq, f->len))
		return false;
	rx_init(rq, rx, f, hash, hash_type);
	add_flags(&rx->cqe, TULLE_RX_F_L4_OK);
	if (f->p.l3 == TULLE_L3_IPV4)
		add_flags(&rx->cqe, TULLE_RX_F_L3_OK);
	tfw_rx_strip(rq, rx);
	if (tfw_gro_add(rq, rx) != TFW_PUT_OK)
		return false;
	count_rx(rq, f);
	return true;
}

/* How many of a frame's packets are dealt with; the rest found no buffers. */
static u32 rx_frame(struct tfw_rq *rq, struct tfw_frame *f, u32 hash,
		    u8 hash_type)
{
	struct tfw_wire *wire = rq->wq.vport->port->wire;
	struct tfw_cut cut;
	u32 done = 0;

	if (!(f->flags & TFW_F_GSO)) {
		rx_init(rq, &wire->rx, f, hash, hash_type);
		return rx_packet(rq, &wire->rx) != TFW_PUT_DRY;
	}
	if (rx_whole(rq, f, hash, hash_type))
		return f->npkts;
	tfw_cut_init(&cut, f);
	while (rq->wq.state == TULLE_QUEUE_READY &&
	       tfw_cut_next(&cut, &wire->rx_pkt)) {
		tfw_frame_pad(&wire->rx_pkt);
		rx_init(rq, &wire->rx, &wire->rx_pkt, hash, hash_type);
		if (rx_packet(rq, &wire->rx) == TFW_PUT_DRY)
			return done;
		done++;
	}
	rq->drops_stopped += f->npkts - done;
	return f->npkts;
}

/* What is left of a frame after its first @done packets; may be itself. */
static struct tfw_frame *rest_of(struct tfw_wire *wire, struct tfw_frame *f,
				 u32 done)
{
	struct tfw_cut cut;

	if (!done)
		return f;
	tfw_cut_init(&cut, f);
	tfw_cut_skip(&cut, done);
	tfw_cut_rest(&cut, &wire->rx_rest);
	return &wire->rx_rest;
}

void tfw_rx_queue(struct tfw_rq *rq, struct tfw_frame *f, u32 hash,
		  u8 hash_type)
{
	struct tfw_wire *wire = rq->wq.vport->port->wire;
	u32 done = 0;

	if (rq->wq.state != TULLE_QUEUE_READY) {
		rq->drops_stopped += f->npkts;
		return;
	}
	/* Those that wait already go first. */
	if (!rq->fifo)
		done = rx_frame(rq, f, hash, hash_type);
	if (done == f->npkts)
		return;
	/* The driver cannot refill what it was not told about. */
	tfw_gro_flush(rq);
	if (rq->wq.state == TULLE_QUEUE_READY)
		tfw_wire_park(rq, rest_of(wire, f, done), hash, hash_type);
	else
		rq->drops_stopped += f->npkts - done;
}

bool tfw_rx_drain(struct tfw_rq *rq, struct tfw_budget *budget)
{
	struct tfw_wire *wire = rq->wq.vport->port->wire;
	struct tfw_fifo *ff = &wire->fifo;
	struct tfw_frame *f;
	u8 hash_type;
	u32 hash, n;

	while (rq->fifo && rq->wq.state == TULLE_QUEUE_READY) {
		u16 first = rq->fifo;

		/*
		 * Beyond the budget: what comes meanwhile has to wait as well,
		 * and a FIFO that never gets empty copies everything twice.
		 */
		if (budget->bytes <= -TFW_QUANTUM / 2)
			return true;
		tfw_fifo_load(ff, first, &wire->rx_frame, &hash, &hash_type);
		f = rest_of(wire, &wire->rx_frame, tfw_fifo_skip(ff, first));
		n = rx_frame(rq, f, hash, hash_type);
		budget->bytes -= TFW_MAX((s64)f->len,
					 (s64)n * TFW_COST_MIN);
		if (n < f->npkts) {
			tfw_gro_flush(rq);
			tfw_fifo_advance(ff, first, n);
			return false;
		}
		tfw_wire_unpark(rq);
	}
	/* Stopped by an error: nothing will ever take the rest. */
	if (rq->fifo)
		tfw_wire_forget(rq);
	return true;
}
