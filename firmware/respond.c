// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Answers of a responder: acknowledgments, as few as possible, and the data
 * of READs and atomics, all in the order of the requests.
 */
#include "transport.h"

void tfw_resp_ack(struct tfw_qp *qp, u32 psn, u8 syndrome)
{
	struct tfw_responder *s = qp->resp;

	s->ack = true;
	s->ack_psn = psn;
	s->syndrome = syndrome;
	tfw_qp_wake(qp);
}

static u8 class_bits(const struct tfw_qp *qp)
{
	return qp->type == TULLE_QP_XRC_TGT ? ROCE_XRC : ROCE_RC;
}

static void put_aeth(struct tfw_roce_tx *tx, const struct tfw_responder *s,
		     u8 syndrome)
{
	tfw_roce_ext32(tx, (u32)syndrome << 24 | s->msn);
}

static void send_ack(struct tfw_qp *qp, s64 *left)
{
	struct tfw_responder *s = qp->resp;
	struct tfw_roce_tx tx = {
		.opcode = class_bits(qp) | ROCE_ACK,
		.qpn = qp->attr.dest_qpn,
		.psn = s->ack_psn,
	};

	put_aeth(&tx, s, s->syndrome);
	s->ack = false;
	if (s->syndrome == ROCE_AETH_ACK)
		TFW_QP_COUNT(qp, tx_acks, 1);
	*left -= TFW_COST_MIN;
	tfw_roce_send(qp, &qp->attr.av, &tx);
}

/* Which packet of the whole answer, and of what was asked for now? */
static u8 read_opcode(bool first, bool last)
{
	if (first)
		return last ? ROCE_READ_RSP_ONLY : ROCE_READ_RSP_FIRST;
	return last ? ROCE_READ_RSP_LAST : ROCE_READ_RSP_MIDDLE;
}

static void make_read(struct tfw_qp *qp, struct tfw_resource *r,
		      struct tfw_roce_tx *tx)
{
	u32 i = (r->from - r->psn) & TFW_PSN_MASK;
	u32 off = i << qp->attr.path_mtu;
	bool last = ((r->from + 1) & TFW_PSN_MASK) == r->end;

	tx->opcode = read_opcode(!r->begun, last);
	if (!r->begun || last)
		put_aeth(tx, qp->resp, ROCE_AETH_ACK);
	tx->data = (struct tfw_data){
		.qp = qp,
		.key = r->rkey,
		.pd = r->pd,
		.off = r->va + off,
		.access = TULLE_MKEY_REMOTE_READ,
		.len = TFW_MIN(r->len - off, tfw_qp_mtu(qp)),
	};
}

/* One packet of an answer. False: memory is gone. */
static bool send_response(struct tfw_qp *qp, struct tfw_resource *r, s64 *left)
{
	struct tfw_roce_tx tx = { .qpn = qp->attr.dest_qpn, .psn = r->from };

	switch (r->opcode) {
	case ROCE_READ:
		make_read(qp, r, &tx);
		break;
	case ROCE_CMP_SWAP:
	case ROCE_FETCH_ADD:
		tx.opcode = ROCE_ATOMIC_ACK;
		put_aeth(&tx, qp->resp, ROCE_AETH_ACK);
		tfw_roce_ext64(&tx, r->old);
		break;
	default:
		tx.opcode = ROCE_READ_RSP_ONLY;
		put_aeth(&tx, qp->resp, ROCE_AETH_ACK);
	}
	tx.opcode |= class_bits(qp);
	*left -= TFW_MAX((s64)tx.data.len, (s64)TFW_COST_MIN);
	return tfw_roce_send(qp, &qp->attr.av, &tx) == TULLE_WC_SUCCESS;
}

/* The oldest answer that is still to be given. */
static struct tfw_resource *oldest(struct tfw_responder *s)
{
	struct tfw_resource *best = NULL;
	u32 i;

	for (i = 0; i < TFW_MAX_RD_ATOMIC; i++)
		if (s->res[i].pending &&
		    (!best || tfw_psn_diff(s->res[i].from, best->from) < 0))
			best = &s->res[i];
	return best;
}

/*
 * A READ's memory went away under it: that packet is refused instead. A partner
 * that has the whole answer may have taken the key away while a repetition of
 * its request was still on its way: nobody waits for that one.
 */
static void gone(struct tfw_qp *qp, struct tfw_resource *r)
{
	struct tfw_responder *s = qp->resp;
	u32 psn = r->from;
	u32 i;

	if (r->again) {
		r->pending = false;
		return;
	}
	for (i = 0; i < TFW_MAX_RD_ATOMIC; i++)
		s->res[i].pending = false;
	s->dead = true;
	s->event = TULLE_QP_EVENT_ACCESS_ERR;
	TFW_QP_COUNT(qp, tx_naks_error, 1);
	tfw_resp_ack(qp, psn, ROCE_AETH_NAK | ROCE_NAK_ACCESS);
}

bool tfw_resp_run(struct tfw_qp *qp, s64 *left)
{
	struct tfw_responder *s = qp->resp;
	struct tfw_resource *r;

	while ((r = oldest(s)) || s->ack) {
		if (*left <= 0)
			return true;
		if (!tfw_qp_may_send(qp))
			return false;
		if (s->ack && (!r || tfw_psn_diff(s->ack_psn, r->from) < 0)) {
			/* What is left of an answer that was begun says as much. */
			if (r && r->begun && s->syndrome == ROCE_AETH_ACK)
				s->ack = false;
			else
				send_ack(qp, left);
			continue;
		}
		if (!send_response(qp, r, left)) {
			gone(qp, r);
			continue;
		}
		r->from = (r->from + 1) & TFW_PSN_MASK;
		r->pending = r->from != r->end;
		r->again |= !r->pending;
		r->begun = true;
	}
	if (s->dead && qp->state != TULLE_QPS_ERR)
		tfw_qp_fail(qp, s->event);
	return false;
}

static void flush_recv(struct tfw_qp *qp, const struct tfw_recv *r)
{
	struct tulle_rdma_cqe cqe = {
		.status = TULLE_WC_WR_FLUSH,
	};

	tfw_qp_complete_recv(qp, r, &cqe, TULLE_CQE_RECV, NULL, false);
}

bool tfw_resp_flush(struct tfw_qp *qp, s64 *left)
{
	enum tfw_recv_result res;
	struct tfw_recv recv;
	bool ok;

	tfw_qp_flush_recv(qp);
	/* What an SRQ holds is for others. */
	if (qp->srq || qp->type == TULLE_QP_XRC_TGT ||
	    qp->type == TULLE_QP_XRC_INI)
		return false;
	while (*left > 0) {
		*left -= TFW_COST_MIN;
		recv.valid = false;
		res = tfw_recv_take(qp, NULL, &recv);
		if (res == TFW_RECV_OK)
			flush_recv(qp, &recv);
		/* Nonsense was skipped; for what follows somebody has to ring. */
		else if (res == TFW_RECV_DRY ||
			 tfw_rq_side_is_dry(qp->obj.func, &qp->rq, &ok))
			return false;
	}
	return true;
}
