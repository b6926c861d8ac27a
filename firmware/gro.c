// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * HW-GRO: segments of a TCP flow become one packet. The aggregate grows in the
 * receive buffers themselves, as packets arrive; its headers are written when
 * it is closed. What may be merged follows the rules of the kernel's software
 * GRO, so that an aggregate can be cut again into the very same segments.
 *
 * The TCP checksum field of an aggregate means nothing (it is whatever the
 * first segment or the sender left there): all segments had good checksums,
 * which L4_OK says, and a driver that wants more fills in the pseudo header.
 *
 * Aggregates are completed in the order of their buffers. One that is not the
 * last in the ring grows within its buffer only.
 */
#include "eth.h"

#define SESSIONS	8
#define MAX_HEADER	128
#define MAX_SEGS	0xffff

/* TCP options and the bytes of the fixed header that all segments share. */
#define TCP_OFF_SEQ	4
#define TCP_OFF_ACK	8
#define TCP_OFF_DOFF	12
#define TCP_OFF_FLAGS	13
#define TCP_OFF_WINDOW	14
#define TCP_OFF_OPTIONS	20

/* These end an aggregate, as its last segment. */
#define TCP_ENDS	(TFW_TCP_FIN | TFW_TCP_PSH)

/*
 * struct session - an open aggregate
 * @place: its buffers
 * @cqe: as of its first segment
 * @hdr: its headers, tags stripped
 * @hdr_at: where they will be written
 * @hdr_len: how many bytes
 * @l3: offset of the IP header
 * @l4: offset of the TCP header
 * @next_seq: sequence number behind the last segment
 * @next_id: IPv4 identification behind it
 * @payload: bytes so far
 * @mss: bytes of every segment but the last
 * @segs: how many
 */
struct session {
	struct tfw_place	place;
	struct tulle_rx_cqe	cqe;
	u64			hdr_at;
	u32			next_seq;
	u32			payload;
	u32			segs;
	u16			mss;
	u16			next_id;
	u16			hdr_len;
	u16			l3;
	u16			l4;
	u8			hdr[MAX_HEADER];
};

/* Oldest first. */
struct tfw_gro {
	unsigned int	n;
	struct session	s[SESSIONS];
};

/* What a packet, or a super-frame, would add. */
struct unit {
	struct tfw_rx	*rx;
	const u8	*l3;
	const u8	*l4;
	u32		payload;
	u32		segs;
	u16		mss;
	u16		hdr_len;
	bool		v4;
};

bool tfw_gro_init(struct tfw_rq *rq)
{
	rq->gro = tfw_alloc(tfw_func_engine(rq->wq.obj.func), sizeof(*rq->gro));
	return rq->gro;
}

void tfw_gro_cleanup(struct tfw_rq *rq)
{
	tfw_free(tfw_func_engine(rq->wq.obj.func), rq->gro);
	rq->gro = NULL;
}

bool tfw_gro_eligible(const struct tfw_frame *f)
{
	const struct tfw_parse *p = &f->p;
	u8 never = TFW_TCP_SYN | TFW_TCP_RST | TFW_TCP_URG | TFW_TCP_CWR;

	return p->l4 == TULLE_L4_TCP && !p->frag && !p->options && !p->cut &&
	       (p->tcp_flags & TFW_TCP_ACK) && !(p->tcp_flags & never) &&
	       p->l3_end > p->end && p->end <= MAX_HEADER &&
	       p->end <= f->hdr_len;
}

static void unit_init(struct unit *u, struct tfw_rx *rx)
{
	const struct tfw_frame *f = rx->f;

	u->rx = rx;
	u->v4 = f->p.l3 == TULLE_L3_IPV4;
	u->l3 = rx->hdr + f->p.l3_off - rx->cut;
	u->l4 = rx->hdr + f->p.l4_off - rx->cut;
	u->hdr_len = (u16)(f->p.end - rx->cut);
	u->payload = f->p.l3_end - f->p.end;
	u->segs = f->npkts;
	u->mss = f->flags & TFW_F_GSO ? f->mss : (u16)u->payload;
}

static u16 ip_id(const struct unit *u)
{
	return u->v4 ? tfw_get16(u->l3 + 4) : 0;
}

/* Without DF the identification matters: it must count up. */
static bool id_fits(const struct session *s, const struct unit *u)
{
	return !u->v4 || (u->l3[6] & 0x40) || ip_id(u) == s->next_id;
}

static bool same_flow(const struct session *s, const struct unit *u)
{
	const u8 *l3 = s->hdr + s->l3, *l4 = s->hdr + s->l4;

	if (memcmp(l4, u->l4, 4) || (l3[0] ^ u->l3[0]) >> 4)
		return false;
	return u->v4 ? !memcmp(l3 + 12, u->l3 + 12, 8) :
		       !memcmp(l3 + 8, u->l3 + 8, 32);
}

static bool same_l3(const struct session *s, const struct unit *u)
{
	const u8 *a = s->hdr + s->l3, *b = u->l3;

	if (u->v4)
		return a[0] == b[0] && a[1] == b[1] && a[8] == b[8] &&
		       a[9] == b[9] && !memcmp(a + 6, b + 6, 2);
	return !memcmp(a, b, 4) && !memcmp(a + 6, b + 6, 2);
}

static bool same_tcp(const struct session *s, const struct unit *u)
{
	const u8 *a = s->hdr + s->l4, *b = u->l4;

	return !memcmp(a + TCP_OFF_ACK, b + TCP_OFF_ACK, 4) &&
	       a[TCP_OFF_DOFF] == b[TCP_OFF_DOFF] &&
	       !((a[TCP_OFF_FLAGS] ^ b[TCP_OFF_FLAGS]) & ~TCP_ENDS) &&
	       !memcmp(a + TCP_OFF_WINDOW, b + TCP_OFF_WINDOW, 2) &&
	       !memcmp(a + TCP_OFF_OPTIONS, b + TCP_OFF_OPTIONS,
		       s->hdr_len - s->l4 - (size_t)TCP_OFF_OPTIONS);
}

static bool same_tags(const struct session *s, const struct unit *u)
{
	const __le16 tags = cpu_to_le16(TULLE_RX_F_VLAN0 | TULLE_RX_F_VLAN1 |
					TULLE_RX_F_VLAN0_STAG);
	const struct tulle_rx_cqe *a = &s->cqe, *b = &u->rx->cqe;

	return !((a->flags ^ b->flags) & tags) &&
	       a->vlan[0] == b->vlan[0] && a->vlan[1] == b->vlan[1] &&
	       a->flow_tag == b->flow_tag && a->vport == b->vport;
}

static bool mergeable(const struct tfw_rq *rq, const struct session *s,
		      const struct unit *u)
{
	if (s->hdr_len != u->hdr_len || s->l3 != u->l3 - u->rx->hdr ||
	    memcmp(s->hdr, u->rx->hdr, s->l3) || !same_l3(s, u) ||
	    !same_tcp(s, u) || !same_tags(s, u) || !id_fits(s, u))
		return false;
	if (tfw_get32(u->l4 + TCP_OFF_SEQ) != s->next_seq)
		return false;
	/* Full segments so far; the new ones must not be longer. */
	if (u->segs > 1 ? u->mss != s->mss : u->payload > s->mss)
		return false;
	return s->hdr_len + s->payload + u->payload <= rq->gro_max &&
	       s->segs + u->segs <= MAX_SEGS;
}

/* Lengths beyond what the fields can say are 0, as in any super-frame. */
static void fix_headers(struct session *s)
{
	u32 len = s->hdr_len + s->payload - s->l3;
	u8 *ip = s->hdr + s->l3;

	if (ip[0] >> 4 == 4) {
		tfw_put16(ip + 2, len > 0xffff ? 0 : len);
		tfw_ipv4_csum(ip);
	} else {
		tfw_put16(ip + 4, len - 40 > 0xffff ? 0 : len - 40);
	}
}

static void emit(struct tfw_rq *rq, struct session *s)
{
	if (rq->wq.state != TULLE_QUEUE_READY)
		return;
	if (s->segs > 1) {
		fix_headers(s);
		s->cqe.flags |= cpu_to_le16(TULLE_RX_F_GRO);
		s->cqe.flags &= cpu_to_le16((u16)~TULLE_RX_F_CSUM);
		s->cqe.gro_segs = cpu_to_le16((u16)s->segs);
		s->cqe.gro_size = cpu_to_le16(s->mss);
	}
	if (!tfw_dma_write(rq->wq.obj.func, s->hdr_at, s->hdr, s->hdr_len)) {
		tfw_rq_fail(rq, s->place.wqe, TULLE_CQE_DMA, 0);
		return;
	}
	tfw_place_emit(rq, &s->place, &s->cqe);
}

/* Closes the @n oldest. */
static void close_first(struct tfw_rq *rq, unsigned int n)
{
	struct tfw_gro *gro = rq->gro;
	unsigned int i;

	for (i = 0; i < n; i++)
		emit(rq, &gro->s[i]);
	gro->n -= n;
	if (n && gro->n)
		memmove(&gro->s[0], &gro->s[n], gro->n * sizeof(gro->s[0]));
	if (!gro->n)
		tfw_list_del(&rq->gro_node);
}

void tfw_gro_flush(struct tfw_rq *rq)
{
	if (rq->gro && rq->gro->n)
		close_first(rq, rq->gro->n);
}

/* Payload bytes of a frame, which may be followed by padding. */
static enum tfw_put put_payload(struct tfw_rq *rq, struct tfw_place *place,
				const struct unit *u)
{
	const struct tfw_rx *rx = u->rx;
	enum tfw_put put = TFW_PUT_OK;
	u32 left = u->payload, n;
	unsigned int i;

	if (rx->hdr_len > u->hdr_len) {
		n = TFW_MIN(rx->hdr_len - u->hdr_len, left);
		put = tfw_place_put(rq, place, rx->hdr + u->hdr_len, n);
		left -= n;
	}
	for (i = 0; i < rx->f->niov && left && put == TFW_PUT_OK; i++) {
		n = (u32)TFW_MIN(rx->f->iov[i].len, (size_t)left);
		put = tfw_place_put(rq, place, rx->f->iov[i].base, n);
		left -= n;
	}
	return put;
}

/* A session keeps what it had: only the part of a place that a put changes. */
static enum tfw_put append(struct tfw_rq *rq, struct session *s,
			   const struct unit *u)
{
	struct tfw_place before = s->place;
	enum tfw_put put;
	u8 *tcp = s->hdr + s->l4;

	before.mark.ci = rq->wq.ci;
	before.mark.stride = rq->stride;
	before.mark.base = rq->base;
	put = put_payload(rq, &s->place, u);
	if (put != TFW_PUT_OK) {
		tfw_place_abort(rq, &before);
		s->place = before;
		return put;
	}
	tcp[TCP_OFF_FLAGS] |= u->l4[TCP_OFF_FLAGS] & TCP_ENDS;
	s->payload += u->payload;
	s->segs += u->segs;
	s->next_seq += u->payload;
	s->next_id = (u16)(ip_id(u) + u->segs);
	return put;
}

/* No segment may follow a short one, a push or a FIN. */
static bool is_last(const struct tfw_rq *rq, const struct session *s)
{
	return (s->hdr[s->l4 + TCP_OFF_FLAGS] & TCP_ENDS) ||
	       s->payload % s->mss ||
	       s->hdr_len + s->payload + s->mss > rq->gro_max;
}

static enum tfw_put start(struct tfw_rq *rq, const struct unit *u)
{
	u32 len = u->hdr_len + u->payload;
	struct tfw_gro *gro = rq->gro;
	struct session *s;
	enum tfw_put put;

	if (gro->n == SESSIONS)
		close_first(rq, 1);
	/* Opening may flush the others, so the slot is known only then. */
	s = &gro->s[gro->n];
	put = tfw_place_open(rq, &s->place, len, u->hdr_len);
	if (put != TFW_PUT_OK)
		return put;
	if (s != &gro->s[gro->n]) {
		gro->s[gro->n] = *s;
		s = &gro->s[gro->n];
	}
	s->hdr_at = tfw_place_reserve(&s->place, u->hdr_len);
	put = s->hdr_at ? put_payload(rq, &s->place, u) : TFW_PUT_STUCK;
	if (put != TFW_PUT_OK) {
		tfw_place_abort(rq, &s->place);
		return put;
	}
	memcpy(s->hdr, u->rx->hdr, u->hdr_len);
	s->cqe = u->rx->cqe;
	s->hdr_len = u->hdr_len;
	s->l3 = (u16)(u->l3 - u->rx->hdr);
	s->l4 = (u16)(u->l4 - u->rx->hdr);
	s->next_seq = tfw_get32(u->l4 + TCP_OFF_SEQ) + u->payload;
	s->next_id = (u16)(ip_id(u) + u->segs);
	s->payload = u->payload;
	s->segs = u->segs;
	s->mss = u->mss;
	if (!gro->n++)
		tfw_wire_gro_open(rq);
	return TFW_PUT_OK;
}

static int find(const struct tfw_gro *gro, const struct unit *u)
{
	unsigned int i;

	for (i = gro->n; i--;)
		if (same_flow(&gro->s[i], u))
			return (int)i;
	return -1;
}

enum tfw_put tfw_gro_add(struct tfw_rq *rq, struct tfw_rx *rx)
{
	struct tfw_gro *gro = rq->gro;
	enum tfw_put put;
	struct unit u;
	int ix;

	unit_init(&u, rx);
	if (u.hdr_len + u.payload > rq->gro_max)
		return TFW_PUT_STUCK;
	ix = find(gro, &u);
	if (ix >= 0 && mergeable(rq, &gro->s[ix], &u)) {
		put = append(rq, &gro->s[ix], &u);
		if (put == TFW_PUT_ERROR)
			return put;
		if (put == TFW_PUT_OK) {
			if (is_last(rq, &gro->s[ix]))
				close_first(rq, (unsigned int)ix + 1);
			return put;
		}
	}
	if (ix >= 0)
		close_first(rq, (unsigned int)ix + 1);
	/* Alone it may stay, so its own checksum must be right. */
	if (u.segs == 1 && (rx->f->flags & TFW_F_CSUM)) {
		tfw_frame_finish(rx->f);
		tfw_rx_strip(rq, rx);
		unit_init(&u, rx);
	}
	put = start(rq, &u);
	if (put == TFW_PUT_OK && is_last(rq, &gro->s[gro->n - 1]))
		close_first(rq, gro->n);
	return put;
}
