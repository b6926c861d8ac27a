// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Two QPs on functions of one device: messages are executed whole, from the
 * memory of one to that of the other, without packets. Sequence numbers move
 * as if there were some, so that either side may go on with packets at any
 * moment.
 */
#include "transport.h"

#define CHUNK	(256 * 1024U)	/* bytes at once, for the sake of others */

/* -1: none. */
static int vlan_of(const struct tulle_av *av)
{
	int vlan = le16_to_cpu(av->vlan) & 0xfff;

	return av->flow & cpu_to_le32(TULLE_AV_F_VLAN) && vlan ? vlan : -1;
}

/* Is @peer set to be the other end of @qp? */
static bool is_partner(struct tfw_qp *qp, struct tfw_qp *peer)
{
	const struct tfw_gid *mine, *its;
	u8 type = qp->type == TULLE_QP_XRC_INI ? TULLE_QP_XRC_TGT : qp->type;

	if (peer->type != type || !peer->resp || !tfw_qp_can_receive(peer) ||
	    !tfw_func_live(peer->obj.func) ||
	    peer->attr.dest_qpn != tfw_roce_qpn(qp) ||
	    peer->attr.path_mtu != qp->attr.path_mtu)
		return false;
	mine = tfw_gid_at(qp->obj.func, le16_to_cpu(qp->attr.av.sgid));
	its = tfw_gid_at(peer->obj.func, le16_to_cpu(peer->attr.av.sgid));
	return mine && its &&
	       tfw_gid_on_vlan(its, vlan_of(&qp->attr.av)) &&
	       tfw_gid_on_vlan(mine, vlan_of(&peer->attr.av)) &&
	       !memcmp(its->gid, qp->attr.av.dgid, sizeof(its->gid)) &&
	       !memcmp(its->mac, qp->attr.av.dmac, sizeof(its->mac)) &&
	       !memcmp(mine->gid, peer->attr.av.dgid, sizeof(mine->gid));
}

/* Who has that number; NULL with *@far: not on this device. */
static struct tfw_qp *look_up(struct tfw_qp *qp, bool *far)
{
	const struct tulle_av *av = &qp->attr.av;
	struct tfw_dev *dev = qp->obj.func->dev;
	struct tfw_func *func;

	func = tfw_gid_owner(dev, av->dgid, vlan_of(av));
	/* A cable is a cable, also between two ends in one process. */
	*far = !func || func->dev != dev;
	if (*far || !tfw_func_live(func))
		return NULL;
	return tfw_qp_by_number(func, qp->attr.dest_qpn);
}

struct tfw_qp *tfw_loop_peer(struct tfw_qp *qp)
{
	struct tfw_requester *r = qp->req;
	u32 epoch = qp->obj.func->rdma->epoch;
	bool far;

	if (!tfw_qp_is_rc(qp))
		return NULL;
	if (!r->looked || r->epoch != epoch) {
		r->peer = look_up(qp, &far);
		r->epoch = epoch;
		r->looked = far || r->peer;
	}
	/* Its state and attributes change without a new epoch. */
	return r->peer && is_partner(qp, r->peer) ? r->peer : NULL;
}

static bool quiet(const struct tfw_responder *s)
{
	u32 i;

	for (i = 0; i < TFW_MAX_RD_ATOMIC; i++)
		if (s->res[i].pending)
			return false;
	return !s->ack && !s->dead;
}

/* What the peer is asked to do, as a packet that stands for many. */
static void make_pkt(struct tfw_qp *qp, const struct tfw_swqe *e,
		     const struct tfw_sgl *sgl, struct tfw_pkt *pkt)
{
	u32 i = (qp->req->next_psn - e->psn) & TFW_PSN_MASK;
	u32 off = i << qp->attr.path_mtu;
	u32 len = TFW_MIN(e->len - off, CHUNK);

	*pkt = (struct tfw_pkt){
		.psn = qp->req->next_psn,
		.npsn = tfw_qp_npsn(qp, len),
		.solicited = e->flags & TULLE_WQE_F_SOLICITED &&
			     e->op != TULLE_WQE_WRITE,
		.srqn = e->srqn,
		.imm = (TULLE_FORCE __be32)e->imm,
		.inv_key = le32_to_cpu(e->imm),
		.va = le64_to_cpu(e->rdma.addr) + off,
		.rkey = le32_to_cpu(e->rdma.key),
		.dma_len = e->len - off,
		.flush = le32_to_cpu(e->rdma.flush),
		.data = { .qp = qp, .sgl = sgl, .off = off, .len = len,
			  .access = TULLE_MKEY_LOCAL_READ },
	};
	pkt->opcode = tfw_req_opcode(e, !off, off + len == e->len);
	pkt->op = tfw_roce_ops[pkt->opcode];
	if (pkt->op & ROCE_H_ATOMIC) {
		pkt->swap_add = le64_to_cpu(e->atomic.swap_add);
		pkt->compare = le64_to_cpu(e->atomic.compare);
	}
	if (!(pkt->op & (ROCE_F_SEND | ROCE_F_WRITE)) &&
	    pkt->opcode != ROCE_ATOMIC_WRITE)
		pkt->data.len = 0;
	if (!(pkt->op & (ROCE_F_SEND | ROCE_F_WRITE)))
		pkt->npsn = 1;
}

static u8 status_of(u8 nak)
{
	switch (nak) {
	case ROCE_NAK_INV_REQ:
		return TULLE_WC_REM_INV_REQ;
	case ROCE_NAK_ACCESS:
		return TULLE_WC_REM_ACCESS;
	case TFW_DATA_GONE:
		return TULLE_WC_LOC_PROT;
	default:
		return TULLE_WC_REM_OP;
	}
}

/* @n packets were sent and acknowledged. */
static void advance(struct tfw_qp *qp, struct tfw_swqe *e, u32 n)
{
	struct tfw_requester *r = qp->req;

	r->next_psn = (r->next_psn + n) & TFW_PSN_MASK;
	qp->attr.sq_psn = r->next_psn;
	r->max_psn = r->next_psn;
	r->una = r->next_psn;
	tfw_req_progress(qp);
	if (r->next_psn != ((e->psn + e->npsn) & TFW_PSN_MASK))
		return;
	TFW_QP_COUNT(qp, loopback_messages, 1);
	e->done = true;
	r->cur++;
	tfw_req_retire(qp);
}

/* The part of a READ that is next, straight into the reader's memory. */
static void run_read(struct tfw_qp *qp, struct tfw_qp *peer,
		     struct tfw_swqe *e, s64 *left)
{
	u32 off = e->got << qp->attr.path_mtu;
	struct tfw_data data = {
		.qp = peer,
		.key = le32_to_cpu(e->rdma.key),
		.pd = tfw_resp_back(peer->resp, 1)->pd,
		.off = le64_to_cpu(e->rdma.addr) + off,
		.access = TULLE_MKEY_REMOTE_READ,
		.len = TFW_MIN(e->len - off, CHUNK),
	};
	u32 n = tfw_qp_npsn(qp, data.len);
	struct tfw_sgl sgl;
	u8 st;

	tfw_swqe_sgl(e, &sgl);
	st = tfw_data_to_sgl(&data, qp, &sgl, off);
	*left -= TFW_MAX((s64)data.len, (s64)TFW_COST_MIN);
	if (st == TFW_DATA_GONE) {
		tfw_req_error(qp, TULLE_WC_REM_ACCESS, 0);
		tfw_qp_fail(peer, TULLE_QP_EVENT_ACCESS_ERR);
		return;
	}
	if (st) {
		tfw_req_error(qp, st, 0);
		return;
	}
	e->got += n;
	advance(qp, e, n);
}

/* The peer's answer, that would have been a packet. */
static void take_answer(struct tfw_qp *qp, struct tfw_qp *peer,
			struct tfw_swqe *e, s64 *left)
{
	struct tfw_resource *res = tfw_resp_back(peer->resp, 1);
	__le64 old = cpu_to_le64(res->old);
	struct tfw_sgl sgl;
	u8 st = 0;

	res->pending = false;
	if (e->op == TULLE_WQE_READ) {
		run_read(qp, peer, e, left);
		return;
	}
	tfw_swqe_sgl(e, &sgl);
	if (e->op == TULLE_WQE_CMP_SWAP || e->op == TULLE_WQE_FETCH_ADD)
		st = tfw_sgl_write(qp, &sgl, 0, &old, sizeof(old));
	if (st) {
		tfw_req_error(qp, st, 0);
		return;
	}
	e->got = 1;
	advance(qp, e, 1);
}

/* Has the peer accepted that READ, and nothing since, nor begun anew? */
static bool is_begun(const struct tfw_swqe *e, struct tfw_responder *s)
{
	const struct tfw_resource *res = tfw_resp_back(s, 1);
	u32 end = (e->psn + e->npsn) & TFW_PSN_MASK;

	return e->op == TULLE_WQE_READ && e->got && e->got < e->npsn &&
	       res->valid && res->end == end && s->epsn == end;
}

static void refused(struct tfw_qp *qp, struct tfw_qp *peer,
		    struct tfw_swqe *e, u8 nak)
{
	u8 status = status_of(nak);

	if (status == TULLE_WC_LOC_PROT) {
		e->status = status;
		return;
	}
	TFW_QP_COUNT(peer, tx_naks_error, 1);
	TFW_QP_COUNT(qp, rx_naks_error, 1);
	tfw_req_error(qp, status, ROCE_AETH_NAK | nak);
}

bool tfw_loop_run(struct tfw_qp *qp, struct tfw_qp *peer, struct tfw_swqe *e,
		  s64 *left)
{
	struct tfw_requester *r = qp->req;
	enum tfw_resp_result res;
	struct tfw_pkt pkt;
	struct tfw_sgl sgl;
	u8 nak = 0;

	/* Nothing on its way as a packet, and both of one mind. */
	if (r->head != r->cur || r->una != r->next_psn ||
	    r->max_psn != r->next_psn || !quiet(peer->resp))
		return false;
	if (is_begun(e, peer->resp)) {
		run_read(qp, peer, e, left);
		return true;
	}
	if (peer->resp->epsn != r->next_psn)
		return false;
	tfw_resp_established(peer);
	tfw_swqe_sgl(e, &sgl);
	make_pkt(qp, e, &sgl, &pkt);
	*left -= TFW_MAX((s64)pkt.data.len, (s64)TFW_COST_MIN);
	res = tfw_resp_execute(peer, &pkt, &nak);
	if (nak != TFW_DATA_GONE)
		tfw_req_sent(qp, e);
	switch (res) {
	case TFW_RESP_OK:
		if (tfw_swqe_answered(e))
			take_answer(qp, peer, e, left);
		else
			advance(qp, e, pkt.npsn);
		break;
	case TFW_RESP_RNR:
		TFW_QP_COUNT(peer, tx_naks_rnr, 1);
		TFW_QP_COUNT(qp, rx_naks_rnr, 1);
		tfw_req_rnr(qp, peer->attr.min_rnr_timer);
		break;
	case TFW_RESP_NAK:
		refused(qp, peer, e, nak);
		break;
	}
	return true;
}
