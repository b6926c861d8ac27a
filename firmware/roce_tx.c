// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * RoCEv2 packets, built: headers in the frame, payload where the sender has
 * it, or copied when it is short or must not change any more.
 */
#include "transport.h"

#define BTH_SE		0x80
#define BTH_MIGREQ	0x40
#define BTH_ACKREQ	0x80
#define IP_DF		0x4000
#define DEFAULT_HOPS	64

/* What the frame's own buffer takes, tags that the switch may add left out. */
#define WHOLE_MAX	TFW_HDR_WQE

void tfw_roce_ext32(struct tfw_roce_tx *tx, u32 v)
{
	tfw_put32(tx->ext + tx->next, v);
	tx->next += 4;
}

void tfw_roce_ext64(struct tfw_roce_tx *tx, u64 v)
{
	tfw_roce_ext32(tx, (u32)(v >> 32));
	tfw_roce_ext32(tx, (u32)v);
}

/* The way Linux makes it, so that both ends of a flow take the same path. */
static u16 source_port(const struct tfw_qp *qp, const struct tulle_av *av,
		       u32 dest_qpn)
{
	u32 fl = le32_get_bits(av->flow, TULLE_AV_FLOW_LABEL);
	u64 v;

	if (!fl) {
		v = (u64)tfw_roce_qpn(qp) * dest_qpn;
		v ^= v >> 20;
		v ^= v >> 40;
		fl = (u32)v & 0xfffff;
	}
	return (u16)(((fl & 0x03fff) ^ (fl & 0xfc000) >> 14) | 0xc000);
}

static u8 *put_eth(u8 *p, const struct tfw_gid *gid, const struct tulle_av *av)
{
	memcpy(p, av->dmac, 6);
	memcpy(p + 6, gid->mac, 6);
	p += 12;
	if (av->flow & cpu_to_le32(TULLE_AV_F_VLAN)) {
		tfw_put16(p, TFW_P_8021Q);
		tfw_put16(p + 2, le16_to_cpu(av->vlan));
		p += TFW_VLAN_HLEN;
	}
	tfw_put16(p, gid->type == TULLE_GID_IPV4 ? TFW_P_IPV4 : TFW_P_IPV6);
	return p + 2;
}

static u8 *put_ip(u8 *p, const struct tfw_gid *gid, const struct tulle_av *av,
		  u32 len)
{
	u8 hops = av->hop_limit ? av->hop_limit : DEFAULT_HOPS;

	if (gid->type == TULLE_GID_IPV4) {
		memset(p, 0, 20);
		p[0] = 0x45;
		p[1] = av->tclass;
		tfw_put16(p + 2, 20 + len);
		tfw_put16(p + 6, IP_DF);
		p[8] = hops;
		p[9] = TFW_IPPROTO_UDP;
		memcpy(p + 12, gid->gid + 12, 4);
		memcpy(p + 16, av->dgid + 12, 4);
		tfw_ipv4_csum(p);
		return p + 20;
	}
	tfw_put32(p, 6U << 28 | (u32)av->tclass << 20 |
		     le32_get_bits(av->flow, TULLE_AV_FLOW_LABEL));
	tfw_put16(p + 4, len);
	p[6] = TFW_IPPROTO_UDP;
	p[7] = hops;
	memcpy(p + 8, gid->gid, 16);
	memcpy(p + 24, av->dgid, 16);
	return p + 40;
}

static u8 *put_bth(u8 *p, const struct tfw_roce_tx *tx, u32 pad)
{
	p[0] = tx->opcode;
	p[1] = (u8)((tx->solicited ? BTH_SE : 0) | BTH_MIGREQ | pad << 4);
	tfw_put16(p + 2, TULLE_PKEY_DEFAULT);
	tfw_put32(p + 4, tx->qpn);
	tfw_put32(p + 8, tx->psn & TFW_PSN_MASK);
	p[8] = tx->ack_req ? BTH_ACKREQ : 0;
	memcpy(p + ROCE_BTH_LEN, tx->ext, tx->next);
	return p + ROCE_BTH_LEN + tx->next;
}

/* Payload is gathered here. */
struct gather {
	struct tfw_frame	*f;
	struct tfw_wire		*wire;
	bool			whole;	/* into f->hdr */
	bool			stable;	/* copied in any case */
};

static u8 gather_piece(void *arg, const void *p, u32 len, bool copy)
{
	struct gather *g = arg;
	struct tfw_frame *f = g->f;

	if (g->whole) {
		memcpy(f->hdr + f->hdr_len, p, len);
		f->hdr_len = (u16)(f->hdr_len + len);
		return TULLE_WC_SUCCESS;
	}
	/* Room for two more: the trailer, and padding. */
	if (f->niov > TFW_FRAME_IOVS - 4 || len > TFW_BOUNCE - g->wire->bounced)
		return TFW_DATA_GONE;
	if (copy || g->stable) {
		memcpy(g->wire->bounce + g->wire->bounced, p, len);
		p = g->wire->bounce + g->wire->bounced;
		g->wire->bounced += len;
	}
	f->iov[f->niov++] = (struct tfw_iov){ p, len };
	return TULLE_WC_SUCCESS;
}

static void put_trailer(struct tfw_frame *f, u32 pad, bool whole)
{
	f->csum_at = (u16)(f->len - ROCE_ICRC_LEN);
	f->csum_start = (u16)pad;
	f->flags |= TFW_F_ICRC | TFW_F_ICRC_GOOD;
	if (whole) {
		memset(f->hdr + f->hdr_len, 0, pad);
		f->hdr_len = (u16)f->len;
		return;
	}
	memset(f->patch, 0, sizeof(f->patch));
	f->iov[f->niov++] = (struct tfw_iov){ f->patch, pad + ROCE_ICRC_LEN };
}

static u8 build(struct tfw_qp *qp, const struct tulle_av *av,
		const struct tfw_gid *gid, const struct tfw_roce_tx *tx,
		struct tfw_frame *f)
{
	struct tfw_port *port = qp->obj.func->vport->port;
	u32 pad = -tx->data.len & 3, udp;
	struct gather g = { .f = f, .wire = port->wire,
			    .stable = !port->peer };
	u8 *p, st;

	udp = ROCE_UDP_LEN + ROCE_BTH_LEN + tx->next + tx->data.len + pad +
	      ROCE_ICRC_LEN;
	tfw_frame_init(f);
	p = put_eth(f->hdr, gid, av);
	f->l3 = (u16)(p - f->hdr);
	p = put_ip(p, gid, av, udp);
	f->l4 = (u16)(p - f->hdr);
	tfw_put16(p, source_port(qp, av, tx->qpn));
	tfw_put16(p + 2, TULLE_ROCE_PORT);
	tfw_put16(p + 4, udp);
	tfw_put16(p + 6, 0);
	p = put_bth(p + ROCE_UDP_LEN, tx, pad);
	f->hdr_len = (u16)(p - f->hdr);
	f->len = f->l4 + udp;
	f->vport = qp->obj.func->vport->id;
	port->wire->bounced = 0;
	g.whole = f->len <= WHOLE_MAX;
	st = tfw_data_each(&tx->data, gather_piece, &g);
	if (st)
		return st;
	put_trailer(f, pad, g.whole);
	/* Short ones, and what leaves the machine: now. */
	if (g.whole || g.stable)
		tfw_frame_finish(f);
	return TULLE_WC_SUCCESS;
}

static bool is_multicast(const struct tulle_av *av, const struct tfw_gid *gid)
{
	if (gid->type == TULLE_GID_IPV4)
		return (av->dgid[12] & 0xf0) == 0xe0;
	return av->dgid[0] == 0xff;
}

u8 tfw_roce_send(struct tfw_qp *qp, const struct tulle_av *av,
		 const struct tfw_roce_tx *tx)
{
	struct tfw_func *func = qp->obj.func;
	struct tfw_frame *f = &func->vport->port->wire->frame;
	bool tagged = av->flow & cpu_to_le32(TULLE_AV_F_VLAN);
	int vlan = tagged ? le16_to_cpu(av->vlan) & 0xfff : 0;
	const struct tfw_gid *gid;
	u8 st;

	gid = tfw_gid_at(func, le16_to_cpu(av->sgid));
	if (!gid)
		return TULLE_WC_SUCCESS;
	st = build(qp, av, gid, tx, f);
	if (st)
		return st;
	TFW_QP_COUNT(qp, tx_packets, 1);
	TFW_QP_COUNT(qp, tx_bytes, f->len - f->l3);
	/* The switch gives nothing back to where it came from: done here. */
	if (is_multicast(av, gid)) {
		tfw_roce_rx_group(qp, f);
	} else if (tfw_gid_find(func, av->dgid, vlan ? vlan : -1)) {
		tfw_roce_rx_own(qp, f);
		return TULLE_WC_SUCCESS;
	}
	tfw_tx_frame(func->vport, f);
	return TULLE_WC_SUCCESS;
}
