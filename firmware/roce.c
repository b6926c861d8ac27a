// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * RoCEv2 packets, received: whose they are, what they say, and whether they
 * can be believed. Whatever is wrong is dropped without a word and counted.
 */
#include "transport.h"

#define SEND	(ROCE_F_VALID | ROCE_F_UC | ROCE_F_REQ | ROCE_F_SEND)
#define WRITE	(ROCE_F_VALID | ROCE_F_UC | ROCE_F_REQ | ROCE_F_WRITE)
#define REQ	(ROCE_F_VALID | ROCE_F_REQ | ROCE_F_FIRST | ROCE_F_LAST)
#define RSP	(ROCE_F_VALID | ROCE_F_RSP)
#define FIRST	ROCE_F_FIRST
#define LAST	ROCE_F_LAST
#define ONLY	(FIRST | LAST)

const u16 tfw_roce_ops[ROCE_OPS] = {
	[ROCE_SEND_FIRST]	= SEND | FIRST,
	[ROCE_SEND_MIDDLE]	= SEND,
	[ROCE_SEND_LAST]	= SEND | LAST,
	[ROCE_SEND_LAST_IMM]	= SEND | LAST | ROCE_H_IMM,
	[ROCE_SEND_ONLY]	= SEND | ONLY,
	[ROCE_SEND_ONLY_IMM]	= SEND | ONLY | ROCE_H_IMM,
	[ROCE_WRITE_FIRST]	= WRITE | FIRST | ROCE_H_RETH,
	[ROCE_WRITE_MIDDLE]	= WRITE,
	[ROCE_WRITE_LAST]	= WRITE | LAST,
	[ROCE_WRITE_LAST_IMM]	= WRITE | LAST | ROCE_H_IMM,
	[ROCE_WRITE_ONLY]	= WRITE | ONLY | ROCE_H_RETH,
	[ROCE_WRITE_ONLY_IMM]	= WRITE | ONLY | ROCE_H_RETH | ROCE_H_IMM,
	[ROCE_READ]		= REQ | ROCE_H_RETH,
	[ROCE_READ_RSP_FIRST]	= RSP | FIRST | ROCE_H_AETH,
	[ROCE_READ_RSP_MIDDLE]	= RSP,
	[ROCE_READ_RSP_LAST]	= RSP | LAST | ROCE_H_AETH,
	[ROCE_READ_RSP_ONLY]	= RSP | ONLY | ROCE_H_AETH,
	[ROCE_ACK]		= RSP | ONLY | ROCE_H_AETH,
	[ROCE_ATOMIC_ACK]	= RSP | ONLY | ROCE_H_AETH | ROCE_H_ATOMACK,
	[ROCE_CMP_SWAP]		= REQ | ROCE_H_ATOMIC,
	[ROCE_FETCH_ADD]	= REQ | ROCE_H_ATOMIC,
	[ROCE_SEND_LAST_INV]	= SEND | LAST | ROCE_H_IETH,
	[ROCE_SEND_ONLY_INV]	= SEND | ONLY | ROCE_H_IETH,
	[ROCE_FLUSH]		= REQ | ROCE_H_FETH | ROCE_H_RETH,
	[ROCE_ATOMIC_WRITE]	= REQ | ROCE_H_RETH,
};

#define COUNT(func, member)	((func)->rdma->stats.member++)

static u64 get64(const u8 *p)
{
	return (u64)tfw_get32(p) << 32 | tfw_get32(p + 4);
}

/* Bytes of the headers behind the BTH. */
static u32 ext_len(const struct tfw_pkt *pkt)
{
	static const u8 len[8] = { 8, 4, 16, 28, 4, 8, 4, 4 };
	u32 n = pkt->class == ROCE_XRC && (pkt->op & ROCE_F_REQ) ? 4 : 0;
	unsigned int i;

	for (i = 0; i < TFW_ARRAY_SIZE(len); i++)
		if (pkt->op & 1U << i)
			n += len[i];
	return n;
}

static void decode_atomic(struct tfw_pkt *pkt, const u8 *p)
{
	pkt->va = get64(p);
	pkt->rkey = tfw_get32(p + 8);
	pkt->swap_add = get64(p + 12);
	pkt->compare = get64(p + 20);
	pkt->dma_len = sizeof(u64);
}

static void decode_ext(struct tfw_pkt *pkt, const u8 *p)
{
	if (pkt->class == ROCE_XRC && (pkt->op & ROCE_F_REQ)) {
		pkt->srqn = tfw_get32(p) & TULLE_HANDLE_INDEX;
		p += 4;
	}
	if (pkt->op & ROCE_H_DETH) {
		pkt->qkey = tfw_get32(p);
		pkt->src_qpn = tfw_get32(p + 4) & TULLE_HANDLE_INDEX;
		p += 8;
	}
	if (pkt->op & ROCE_H_FETH) {
		pkt->flush = tfw_get32(p);
		p += 4;
	}
	if (pkt->op & ROCE_H_RETH) {
		pkt->va = get64(p);
		pkt->rkey = tfw_get32(p + 8);
		pkt->dma_len = tfw_get32(p + 12);
		p += 16;
	}
	if (pkt->op & ROCE_H_ATOMIC) {
		decode_atomic(pkt, p);
		p += 28;
	}
	if (pkt->op & ROCE_H_AETH) {
		pkt->aeth = tfw_get32(p);
		p += 4;
	}
	if (pkt->op & ROCE_H_ATOMACK) {
		pkt->old = get64(p);
		p += 8;
	}
	if (pkt->op & ROCE_H_IMM)
		memcpy(&pkt->imm, p, 4);
	if (pkt->op & ROCE_H_IETH)
		pkt->inv_key = tfw_get32(p);
}

/* What the opcode means for its class; 0: nothing. */
static u16 op_of(u8 class, u8 opcode)
{
	u16 op = tfw_roce_ops[opcode];

	switch (class) {
	case ROCE_RC:
	case ROCE_XRC:
		return op;
	case ROCE_UC:
		return op & ROCE_F_UC && !(op & ROCE_H_IETH) ? op : 0;
	case ROCE_UD:
		if (opcode == ROCE_SEND_ONLY || opcode == ROCE_SEND_ONLY_IMM)
			return op | ROCE_H_DETH;
		return 0;
	default:
		return 0;
	}
}

#define HEADERS_MAX	(40 + ROCE_UDP_LEN + ROCE_BTH_LEN + 56)

/*
 * BTH, extended headers, and where the payload is. Lengths are those of UDP:
 * behind it there may be padding.
 */
static bool decode(struct tfw_frame *f, struct tfw_pkt *pkt)
{
	u8 h[HEADERS_MAX] = { 0 };
	u32 udp = tfw_get16(f->hdr + f->p.l4_off + 4), ext, pad;
	u32 at = f->p.l4_off + ROCE_UDP_LEN;

	if (f->p.l4_off + udp > f->p.l3_end ||
	    udp < ROCE_UDP_LEN + ROCE_BTH_LEN + ROCE_ICRC_LEN)
		return false;
	tfw_frame_copy(f, at, h, TFW_MIN(udp - ROCE_UDP_LEN,
					 (u32)sizeof(h)));
	/* Transport version 0 is the only one. */
	if (h[1] & 0x0f)
		return false;
	pkt->class = h[0] & ROCE_CLASS;
	pkt->opcode = h[0] & (u8)~ROCE_CLASS;
	pkt->op = op_of(pkt->class, pkt->opcode);
	pkt->solicited = h[1] & 0x80;
	pad = h[1] >> 4 & 3;
	pkt->pkey = tfw_get16(h + 2);
	pkt->qpn = tfw_get32(h + 4) & TFW_PSN_MASK;
	pkt->ack_req = h[8] & 0x80;
	pkt->psn = tfw_get32(h + 8) & TFW_PSN_MASK;
	pkt->npsn = 1;
	ext = ROCE_UDP_LEN + ROCE_BTH_LEN + ext_len(pkt);
	if (udp < ext + pad + ROCE_ICRC_LEN)
		return false;
	decode_ext(pkt, h + ROCE_BTH_LEN);
	pkt->data.f = f;
	pkt->data.off = f->p.l4_off + ext;
	pkt->data.len = udp - ext - pad - ROCE_ICRC_LEN;
	return true;
}

static bool icrc_good(struct tfw_frame *f)
{
	u32 end = f->p.l4_off + (u32)tfw_get16(f->hdr + f->p.l4_off + 4) -
		  ROCE_ICRC_LEN;
	u8 got[ROCE_ICRC_LEN], want[ROCE_ICRC_LEN];

	if (f->flags & TFW_F_ICRC_GOOD)
		return true;
	tfw_icrc_put(want, tfw_icrc_of(f, f->p.l3_off, end - f->p.l3_off));
	tfw_frame_copy(f, end, got, sizeof(got));
	return !memcmp(got, want, sizeof(got));
}

static bool ip_sum_good(const struct tfw_frame *f)
{
	struct tfw_sum s = { 0 };

	if (f->p.l3 != TULLE_L3_IPV4)
		return true;
	tfw_sum_add(&s, f->hdr + f->p.l3_off, 20);
	return tfw_sum_fold(&s) == 0xffff;
}

/* -1: none. */
static int vlan_of(const struct tfw_pkt *pkt)
{
	return pkt->tagged ? pkt->vlan & 0xfff : -1;
}

/*
 * RC, UC, XRC: is it the partner's? Off the wire its addresses are all that
 * tells; processes on one function share those, but there the sender is known.
 */
static bool from_partner(const struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	const struct tfw_gid *gid;

	if (pkt->from && tfw_roce_qpn(pkt->from) != qp->attr.dest_qpn)
		return false;
	gid = tfw_gid_at(qp->obj.func, le16_to_cpu(qp->attr.av.sgid));
	return gid && tfw_gid_on_vlan(gid, vlan_of(pkt)) &&
	       !memcmp(gid->gid, pkt->dgid, sizeof(pkt->dgid)) &&
	       !memcmp(qp->attr.av.dgid, pkt->sgid, sizeof(pkt->sgid));
}

static u8 class_of(const struct tfw_qp *qp)
{
	switch (qp->type) {
	case TULLE_QP_RC:
		return ROCE_RC;
	case TULLE_QP_UC:
		return ROCE_UC;
	case TULLE_QP_UD:
	case TULLE_QP_GSI:
		return ROCE_UD;
	case TULLE_QP_XRC_INI:
	case TULLE_QP_XRC_TGT:
		return ROCE_XRC;
	default:
		return 0xff;
	}
}

/* May packets of that kind reach it now? */
static bool qp_takes(const struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	if (!qp->req || class_of(qp) != pkt->class)
		return false;
	if (pkt->op & ROCE_F_RSP)
		return tfw_qp_is_rc(qp) && (qp->state == TULLE_QPS_RTS ||
					    qp->state == TULLE_QPS_SQD);
	return qp->type != TULLE_QP_XRC_INI && tfw_qp_can_receive(qp);
}

static void to_qp(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	TFW_QP_COUNT(qp, rx_packets, 1);
	TFW_QP_COUNT(qp, rx_bytes, pkt->data.f->p.l3_end -
				   pkt->data.f->p.l3_off);
	if (pkt->class == ROCE_UD) {
		tfw_ud_rx(qp, pkt);
		return;
	}
	if (!from_partner(qp, pkt)) {
		TFW_QP_COUNT(qp, bad_source, 1);
		return;
	}
	tfw_resp_established(qp);
	if (pkt->op & ROCE_F_RSP)
		tfw_ack_rx(qp, pkt);
	else if (pkt->class == ROCE_UC)
		tfw_uc_rx(qp, pkt);
	else
		tfw_resp_rx(qp, pkt);
}

/* Multicast: every one of @n members but @not gets it, @given did. */
struct each_member {
	const struct tfw_pkt	*pkt;
	const struct tfw_qp	*not;
	u32			n;
	u32			given;
};

static void to_member(struct tfw_qp *qp, void *arg)
{
	struct each_member *m = arg;

	m->n++;
	if (!m->pkt || qp == m->not || !qp_takes(qp, m->pkt))
		return;
	m->given++;
	to_qp(qp, m->pkt);
}

static bool has_members(struct tfw_func *func, const u8 *gid)
{
	struct each_member m = { 0 };

	tfw_mcast_each(func, gid, to_member, &m);
	return m.n;
}

/* To how many queue pairs? */
static u32 deliver(struct tfw_func *func, const struct tfw_pkt *pkt,
		   bool multicast, const struct tfw_qp *not)
{
	struct each_member m = { .pkt = pkt, .not = not };
	struct tfw_qp *qp;

	if (pkt->qpn == TULLE_QPN_MCAST) {
		if (multicast && pkt->class == ROCE_UD)
			tfw_mcast_each(func, pkt->dgid, to_member, &m);
		else
			COUNT(func, malformed);
		return m.given;
	}
	qp = multicast ? NULL : tfw_qp_by_number(func, pkt->qpn);
	if (qp && (pkt->class | pkt->opcode) == ROCE_CNP) {
		TFW_QP_COUNT(qp, cnps, 1);
		return 0;
	}
	if (!qp || !pkt->op || !qp_takes(qp, pkt)) {
		COUNT(func, no_qp);
		return 0;
	}
	to_qp(qp, pkt);
	return 1;
}

/* The order of IBTA 9.6: the packet as such, the QP, keys, the partner. */
static u32 take(struct tfw_func *func, struct tfw_frame *f,
		struct tfw_pkt *pkt, bool multicast, const struct tfw_qp *not)
{
	const u8 *ip = f->hdr + f->p.l3_off;

	if (!ip_sum_good(f) || !decode(f, pkt)) {
		COUNT(func, malformed);
		return 0;
	}
	if (!icrc_good(f)) {
		COUNT(func, icrc_errors);
		return 0;
	}
	if (((f->p.l3 == TULLE_L3_IPV4 ? ip[1] :
	      (u8)(tfw_get16(ip) >> 4)) & 3) == 3)
		COUNT(func, ecn_marked);
	/* The highest bit is membership: full and limited ones may talk. */
	if ((pkt->pkey & 0x7fff) != (TULLE_PKEY_DEFAULT & 0x7fff)) {
		COUNT(func, bad_key);
		return 0;
	}
	pkt->ip = ip;
	pkt->eth = f->hdr;
	return deliver(func, pkt, multicast, not);
}

static bool is_roce(const struct tfw_frame *f)
{
	const struct tfw_parse *p = &f->p;

	return p->l4 == TULLE_L4_UDP && !p->cut && !p->frag && !p->options &&
	       p->nvlan <= 1 && !p->stag &&
	       tfw_get16(f->hdr + p->l4_off + 2) == TULLE_ROCE_PORT;
}

/* Source and destination as GIDs; true: to a group. */
static bool addresses(const struct tfw_frame *f, struct tfw_pkt *pkt)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	const u8 *ip = f->hdr + f->p.l3_off;

	pkt->tagged = f->p.nvlan && (f->p.vlan[0] & 0xfff);
	pkt->vlan = f->p.nvlan ? f->p.vlan[0] : 0;
	if (f->p.l3 == TULLE_L3_IPV4) {
		memcpy(pkt->sgid, mapped, 12);
		memcpy(pkt->sgid + 12, ip + 12, 4);
		memcpy(pkt->dgid, mapped, 12);
		memcpy(pkt->dgid + 12, ip + 16, 4);
		return (ip[16] & 0xf0) == 0xe0;
	}
	memcpy(pkt->sgid, ip + 8, 16);
	memcpy(pkt->dgid, ip + 24, 16);
	return ip[24] == 0xff;
}

/* A RoCE packet is taken if it is for one of the function's GIDs or groups. */
static bool roce_take(struct tfw_func *func, struct tfw_frame *f,
		      const struct tfw_qp *from)
{
	struct tfw_pkt pkt = { .from = from };
	const struct tfw_gid *gid;
	bool multicast;

	multicast = addresses(f, &pkt);
	if (multicast) {
		if (!(f->hdr[0] & 1) || !has_members(func, pkt.dgid))
			return false;
	} else {
		gid = tfw_gid_find(func, pkt.dgid, vlan_of(&pkt));
		if (!gid || (!(f->hdr[0] & 1) &&
			     memcmp(gid->mac, f->hdr, sizeof(gid->mac))))
			return false;
	}
	take(func, f, &pkt, multicast, NULL);
	return true;
}

static bool receive(struct tfw_func *func, struct tfw_frame *f,
		    const struct tfw_qp *from)
{
	if (!func->rdma || !tfw_func_live(func) || (f->flags & TFW_F_GSO))
		return false;
	tfw_frame_parse(f);
	return is_roce(f) && roce_take(func, f, from);
}

bool tfw_roce_rx(struct tfw_vport *vport, struct tfw_frame *f)
{
	return receive(vport->func, f, NULL);
}

void tfw_roce_rx_own(struct tfw_qp *qp, struct tfw_frame *f)
{
	receive(qp->obj.func, f, qp);
}

void tfw_roce_rx_group(struct tfw_qp *qp, struct tfw_frame *f)
{
	bool itself = !(qp->flags & TULLE_QP_F_NO_LOOPBACK);
	struct tfw_func *func = qp->obj.func;
	struct tfw_pkt pkt = { 0 };

	tfw_frame_parse(f);
	if (is_roce(f) && addresses(f, &pkt) && has_members(func, pkt.dgid))
		qp->req->copies = take(func, f, &pkt, true, itself ? NULL : qp);
}
