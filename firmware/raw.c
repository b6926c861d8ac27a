// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Raw packet QPs: whole Ethernet frames, to and from the application.
 */
#include "transport.h"

struct raw_gather {
	struct tfw_frame	*f;
	struct tfw_wire		*wire;
};

static u8 gather(void *arg, const void *p, u32 len, bool copy)
{
	struct raw_gather *g = arg;
	struct tfw_frame *f = g->f;
	u32 n = TFW_MIN(len, TFW_HDR_PEEK - (u32)f->hdr_len);

	/* The headers, as far as anybody looks at them. */
	memcpy(f->hdr + f->hdr_len, p, n);
	f->hdr_len = (u16)(f->hdr_len + n);
	p = (const u8 *)p + n;
	len -= n;
	if (!len)
		return TULLE_WC_SUCCESS;
	if (f->niov > TFW_FRAME_IOVS - 4 || len > TFW_BOUNCE - g->wire->bounced)
		return TFW_DATA_GONE;
	if (copy) {
		memcpy(g->wire->bounce + g->wire->bounced, p, len);
		p = g->wire->bounce + g->wire->bounced;
		g->wire->bounced += len;
	}
	f->iov[f->niov++] = (struct tfw_iov){ p, len };
	return TULLE_WC_SUCCESS;
}

void tfw_raw_send(struct tfw_qp *qp, struct tfw_swqe *e)
{
	struct tfw_vport *vport = qp->obj.func->vport;
	struct tfw_wire *wire = vport->port->wire;
	struct tfw_frame *f = &wire->frame;
	struct raw_gather g = { .f = f, .wire = wire };
	struct tfw_data data = { .qp = qp, .len = e->len,
		.access = TULLE_MKEY_LOCAL_READ };
	struct tfw_sgl sgl;

	if (e->len < TFW_ETH_HLEN || e->len > TFW_PLAIN_MAX) {
		e->status = TULLE_WC_LOC_LEN;
		return;
	}
	tfw_swqe_sgl(e, &sgl);
	data.sgl = &sgl;
	tfw_frame_init(f);
	f->vport = vport->id;
	f->len = e->len;
	wire->bounced = 0;
	if (tfw_data_each(&data, gather, &g)) {
		e->status = TULLE_WC_LOC_PROT;
		return;
	}
	TFW_QP_COUNT(qp, tx_packets, 1);
	tfw_tx_frame(vport, f);
}

/* Were both checksums looked at, and good? */
static bool sums_good(const struct tfw_frame *f)
{
	const struct tfw_parse *p = &f->p;
	struct tfw_sum s = { 0 };

	if (p->l3 == TULLE_L3_IPV4) {
		tfw_sum_add(&s, f->hdr + p->l3_off,
			    (f->hdr[p->l3_off] & 15) * 4U);
		if (tfw_sum_fold(&s) != 0xffff)
			return false;
	}
	if (!p->l3 || p->frag || p->cut || p->l3_end < p->l4_off ||
	    (p->l4 != TULLE_L4_TCP && p->l4 != TULLE_L4_UDP))
		return false;
	s = (struct tfw_sum){ 0 };
	tfw_frame_sum(f, &s, p->l4_off, p->l3_end - p->l4_off);
	tfw_pseudo_sum(&s, f->hdr + p->l3_off, p->l3, p->proto,
		       p->l3_end - p->l4_off);
	return tfw_sum_fold(&s) == 0xffff;
}

static void rx_one(struct tfw_qp *qp, struct tfw_frame *f)
{
	struct tfw_data data = { .f = f, .len = f->len };
	struct tulle_rdma_cqe cqe = { 0 };
	u8 st;

	if (!qp->recv.valid &&
	    tfw_recv_take(qp, NULL, &qp->recv) != TFW_RECV_OK) {
		TFW_QP_COUNT(qp, ud_drops, 1);
		return;
	}
	if (qp->recv.sgl.len < f->len) {
		TFW_QP_COUNT(qp, ud_drops, 1);
		return;
	}
	tfw_frame_finish(f);
	tfw_frame_parse(f);
	st = tfw_data_to_sgl(&data, qp, &qp->recv.sgl, 0);
	TFW_QP_COUNT(qp, rx_packets, 1);
	TFW_QP_COUNT(qp, rx_messages, 1);
	qp->recv.valid = false;
	cqe.status = st;
	cqe.byte_len = cpu_to_le32(f->len);
	if (sums_good(f))
		cqe.src_flags = cpu_to_le32(TULLE_WC_F_CSUM);
	tfw_qp_complete_recv(qp, &qp->recv, &cqe, TULLE_CQE_RECV, f->hdr + 6,
			     false);
	if (st)
		tfw_qp_fail(qp, -1);
}

void tfw_raw_rx(struct tfw_qp *qp, struct tfw_frame *f)
{
	struct tfw_frame *pkt = &qp->obj.func->vport->port->wire->rx_pkt;
	struct tfw_cut cut;

	if (!qp->req || !tfw_qp_can_receive(qp))
		return;
	if (!(f->flags & TFW_F_GSO)) {
		rx_one(qp, f);
		return;
	}
	tfw_cut_init(&cut, f);
	while (tfw_cut_next(&cut, pkt))
		rx_one(qp, pkt);
}
