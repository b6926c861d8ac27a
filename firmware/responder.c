// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The receiving side of a connected QP: requests in the order of their
 * sequence numbers, checked as IBTA 9.7.4 asks, executed as they come. Nothing
 * is sent here; what is to be answered is noted.
 */
#include "transport.h"

/* The QP fails once its answers are out. */
static void doom(struct tfw_qp *qp, int event)
{
	qp->resp->dead = true;
	qp->resp->event = event;
	tfw_qp_wake(qp);
}

enum tfw_resp_result tfw_resp_refuse(struct tfw_qp *qp, u8 *nak, u8 code)
{
	static const int event[] = {
		[ROCE_NAK_SEQ]		= -1,
		[ROCE_NAK_INV_REQ]	= TULLE_QP_EVENT_REQ_ERR,
		[ROCE_NAK_ACCESS]	= TULLE_QP_EVENT_ACCESS_ERR,
		[ROCE_NAK_OP]		= TULLE_QP_EVENT_FATAL,
	};

	/* Who failed already has told, and does not again. */
	*nak = code;
	doom(qp, event[code]);
	return TFW_RESP_NAK;
}

void tfw_resp_established(struct tfw_qp *qp)
{
	if (qp->comm_est || qp->state != TULLE_QPS_RTR)
		return;
	qp->comm_est = true;
	tfw_event_qp(qp, TULLE_QP_EVENT_COMM_EST);
}

static u32 rsp_npsn(const struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	return pkt->opcode == ROCE_READ ? tfw_qp_npsn(qp, pkt->dma_len) :
					  pkt->npsn;
}

/*
 * Receive WQEs
 */
static struct tfw_srq *xrc_srq(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	struct tfw_srq *srq = tfw_srq_by_number(qp->obj.func, pkt->srqn);

	return srq && (srq->flags & TULLE_SRQ_F_XRC) &&
	       srq->xrcd == qp->xrcd ? srq : NULL;
}

/*
 * XRC: each message names its SRQ, and with it the PD of its keys. A WQE that
 * was taken for a sender whose own memory failed then is no other SRQ's.
 */
static bool choose_srq(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	struct tfw_srq *srq;

	if (qp->type != TULLE_QP_XRC_TGT)
		return true;
	srq = xrc_srq(qp, pkt);
	/* Not another one in the middle of a message. */
	if (!srq || (!(pkt->op & ROCE_F_FIRST) &&
		     srq->obj.handle != qp->xrc_srq))
		return false;
	if (srq->obj.handle != qp->xrc_srq)
		tfw_qp_flush_recv(qp);
	qp->xrc_srq = srq->obj.handle;
	return qp->state != TULLE_QPS_ERR;
}

/* One for the message that arrives; OK when there is one already. */
static enum tfw_resp_result take_recv(struct tfw_qp *qp,
				      const struct tfw_pkt *pkt, u8 *nak)
{
	struct tfw_srq *srq = NULL;

	if (qp->recv.valid)
		return TFW_RESP_OK;
	if (qp->type == TULLE_QP_XRC_TGT)
		srq = xrc_srq(qp, pkt);
	switch (tfw_recv_take(qp, srq, &qp->recv)) {
	case TFW_RECV_OK:
		return TFW_RESP_OK;
	case TFW_RECV_DRY:
		return TFW_RESP_RNR;
	default:
		return tfw_resp_refuse(qp, nak, ROCE_NAK_OP);
	}
}

static void complete_recv(struct tfw_qp *qp, const struct tfw_pkt *pkt,
			  u8 status, bool write)
{
	struct tulle_rdma_cqe cqe = {
		.status = status,
		.byte_len = cpu_to_le32(qp->resp->off),
	};
	u32 flags = 0;

	if (pkt->op & ROCE_H_IMM) {
		flags |= TULLE_WC_F_IMM;
		cqe.imm = pkt->imm;
	} else if (pkt->op & ROCE_H_IETH) {
		flags |= TULLE_WC_F_INV;
		cqe.imm = (TULLE_FORCE __be32)cpu_to_le32(pkt->inv_key);
	}
	if (pkt->solicited)
		flags |= TULLE_WC_F_SOLICITED;
	cqe.src_flags = cpu_to_le32(flags);
	qp->recv.valid = false;
	tfw_qp_complete_recv(qp, &qp->recv, &cqe,
			     write ? TULLE_CQE_RECV_WRITE : TULLE_CQE_RECV,
			     NULL, pkt->solicited);
}

/*
 * A receive WQE that cannot take the message ends with an error, which is all
 * that the consumer hears: no event for what a completion tells.
 */
static enum tfw_resp_result recv_failed(struct tfw_qp *qp,
					const struct tfw_pkt *pkt, u8 status,
					u8 *nak)
{
	*nak = ROCE_NAK_OP;
	/* The partner's fault, if it can be told. */
	if (status == TULLE_WC_LOC_LEN && qp->type != TULLE_QP_UC)
		*nak = ROCE_NAK_INV_REQ;
	else if (status == TULLE_WC_LOC_ACCESS)
		*nak = ROCE_NAK_ACCESS;
	complete_recv(qp, pkt, status, status == TULLE_WC_LOC_ACCESS);
	doom(qp, -1);
	return TFW_RESP_NAK;
}

/*
 * SEND and WRITE
 */
static enum tfw_resp_result do_send(struct tfw_qp *qp,
				    const struct tfw_pkt *pkt, u8 *nak)
{
	struct tfw_responder *s = qp->resp;
	enum tfw_resp_result res;
	u8 st;

	res = take_recv(qp, pkt, nak);
	if (res)
		return res;
	if (pkt->op & ROCE_F_FIRST)
		s->off = 0;
	if (pkt->data.len > TFW_MAX_MESSAGE - s->off)
		return recv_failed(qp, pkt, TULLE_WC_LOC_LEN, nak);
	st = tfw_data_to_sgl(&pkt->data, qp, &qp->recv.sgl, s->off);
	if (st == TFW_DATA_GONE) {
		*nak = st;		/* the sender's fault: loopback */
		return TFW_RESP_NAK;
	}
	if (st)
		return recv_failed(qp, pkt, st, nak);
	s->off += pkt->data.len;
	if (!(pkt->op & ROCE_F_LAST))
		return TFW_RESP_OK;
	if ((pkt->op & ROCE_H_IETH) &&
	    tfw_mkey_invalidate(qp, pkt->inv_key, true)) {
		res = recv_failed(qp, pkt, TULLE_WC_LOC_PROT, nak);
		*nak = ROCE_NAK_ACCESS;
		return res;
	}
	complete_recv(qp, pkt, TULLE_WC_SUCCESS, false);
	return TFW_RESP_OK;
}

/* Rights for the whole, at its first packet. */
static enum tfw_resp_result open_write(struct tfw_qp *qp,
				       const struct tfw_pkt *pkt, u8 *nak)
{
	struct tfw_responder *s = qp->resp;

	if (!(qp->attr.access & TULLE_MKEY_REMOTE_WRITE) ||
	    pkt->dma_len > TFW_MAX_MESSAGE)
		return tfw_resp_refuse(qp, nak, ROCE_NAK_INV_REQ);
	if (pkt->dma_len &&
	    !tfw_mkey_get(qp, pkt->rkey, pkt->va, pkt->dma_len,
			  TULLE_MKEY_REMOTE_WRITE, true))
		return tfw_resp_refuse(qp, nak, ROCE_NAK_ACCESS);
	s->va = pkt->va;
	s->rkey = pkt->rkey;
	s->left = pkt->dma_len;
	s->off = 0;
	return TFW_RESP_OK;
}

/* The memory went after the message began, or there is none at the address. */
static enum tfw_resp_result write_failed(struct tfw_qp *qp,
					 const struct tfw_pkt *pkt, u8 status,
					 u8 *nak)
{
	u8 code = status == TULLE_WC_REM_ACCESS ? ROCE_NAK_ACCESS : ROCE_NAK_OP;

	if (!(pkt->op & ROCE_H_IMM))
		return tfw_resp_refuse(qp, nak, code);
	/* UC drops the message only, and its receive WQE stays. */
	if (qp->type != TULLE_QP_UC || code != ROCE_NAK_ACCESS)
		recv_failed(qp, pkt, TULLE_WC_LOC_ACCESS, nak);
	*nak = code;
	return TFW_RESP_NAK;
}

static enum tfw_resp_result do_write(struct tfw_qp *qp,
				     const struct tfw_pkt *pkt, u8 *nak)
{
	struct tfw_responder *s = qp->resp;
	enum tfw_resp_result res;
	u8 st;

	res = pkt->op & ROCE_F_FIRST ? open_write(qp, pkt, nak) : TFW_RESP_OK;
	if (!res && (pkt->op & ROCE_H_IMM))
		res = take_recv(qp, pkt, nak);
	if (res)
		return res;
	if (pkt->op & ROCE_F_LAST ? pkt->data.len != s->left :
				    pkt->data.len >= s->left)
		return tfw_resp_refuse(qp, nak, ROCE_NAK_INV_REQ);
	st = tfw_data_to_key(&pkt->data, qp, s->rkey, s->va);
	if (st == TFW_DATA_GONE) {
		*nak = st;
		return TFW_RESP_NAK;
	}
	if (st)
		return write_failed(qp, pkt, st, nak);
	s->va += pkt->data.len;
	s->left -= pkt->data.len;
	s->off += pkt->data.len;
	if (pkt->op & ROCE_H_IMM)
		complete_recv(qp, pkt, TULLE_WC_SUCCESS, true);
	return TFW_RESP_OK;
}

enum tfw_resp_result tfw_resp_message(struct tfw_qp *qp,
				      const struct tfw_pkt *pkt, u8 *nak)
{
	struct tfw_responder *s = qp->resp;
	enum tfw_resp_result res;

	res = pkt->op & ROCE_F_SEND ? do_send(qp, pkt, nak) :
				      do_write(qp, pkt, nak);
	if (res)
		return res;
	s->op = pkt->op & ROCE_F_LAST ? 0 :
		pkt->op & (ROCE_F_SEND | ROCE_F_WRITE);
	return TFW_RESP_OK;
}

/*
 * READ
 */
/*
 * No more at once than were agreed on. Who asks for one more has the answer to
 * the oldest: if that is being repeated, it was without need.
 */
bool tfw_resp_has_room(struct tfw_responder *s)
{
	const struct tfw_resource *r = tfw_resp_back(s, s->nres);

	return !r->pending || r->again;
}

struct tfw_resource *tfw_resp_resource(struct tfw_qp *qp,
				       const struct tfw_pkt *pkt, u32 npsn)
{
	struct tfw_responder *s = qp->resp;
	struct tfw_resource *r;

	if (!tfw_resp_has_room(s))
		return NULL;
	tfw_resp_back(s, s->nres)->pending = false;
	s->next_res++;
	r = tfw_resp_back(s, 1);
	*r = (struct tfw_resource){
		.psn = pkt->psn,
		.npsn = npsn,
		.from = pkt->psn,
		.end = (pkt->psn + npsn) & TFW_PSN_MASK,
		.va = pkt->va,
		.rkey = pkt->rkey,
		.pd = tfw_qp_pd(qp),
		.len = pkt->dma_len,
		.opcode = pkt->opcode,
		.valid = true,
		.pending = true,
	};
	tfw_qp_wake(qp);
	return r;
}

enum tfw_resp_result tfw_resp_read(struct tfw_qp *qp, const struct tfw_pkt *pkt,
				   u8 *nak)
{
	if (!(qp->attr.access & TULLE_MKEY_REMOTE_READ) ||
	    !qp->attr.max_dest_rd_atomic || pkt->dma_len > TFW_MAX_MESSAGE)
		return tfw_resp_refuse(qp, nak, ROCE_NAK_INV_REQ);
	if (pkt->dma_len &&
	    !tfw_mkey_get(qp, pkt->rkey, pkt->va, pkt->dma_len,
			  TULLE_MKEY_REMOTE_READ, true))
		return tfw_resp_refuse(qp, nak, ROCE_NAK_ACCESS);
	if (!tfw_resp_resource(qp, pkt, tfw_qp_npsn(qp, pkt->dma_len)))
		return tfw_resp_refuse(qp, nak, ROCE_NAK_INV_REQ);
	return TFW_RESP_OK;
}

/*
 * Order
 */

/* Does it continue what came before? */
static bool in_sequence(const struct tfw_responder *s,
			const struct tfw_pkt *pkt)
{
	if (pkt->op & ROCE_F_FIRST)
		return !s->op;
	return s->op && (pkt->op & s->op);
}

/* Packets but the last of a message are full; the last is not empty. */
static bool length_good(const struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	u32 mtu = tfw_qp_mtu(qp), len = pkt->data.len;

	if (!(pkt->op & (ROCE_F_SEND | ROCE_F_WRITE)))
		return pkt->opcode == ROCE_ATOMIC_WRITE ? len == 8 : !len;
	if (!(pkt->op & ROCE_F_LAST))
		return (u64)len == (u64)mtu * pkt->npsn;
	return (pkt->op & ROCE_F_FIRST || len) &&
	       tfw_qp_npsn(qp, len) == pkt->npsn;
}

enum tfw_resp_result tfw_resp_execute(struct tfw_qp *qp,
				      const struct tfw_pkt *pkt, u8 *nak)
{
	struct tfw_responder *s = qp->resp;
	enum tfw_resp_result res;

	if (!in_sequence(s, pkt) || !length_good(qp, pkt) ||
	    !choose_srq(qp, pkt))
		res = tfw_resp_refuse(qp, nak, ROCE_NAK_INV_REQ);
	else if (pkt->op & (ROCE_F_SEND | ROCE_F_WRITE))
		res = tfw_resp_message(qp, pkt, nak);
	else if (pkt->opcode == ROCE_READ)
		res = tfw_resp_read(qp, pkt, nak);
	else
		res = tfw_resp_atomic(qp, pkt, nak);
	/* Executed, but its completion was lost: nobody here will know of it. */
	if (!res && qp->state == TULLE_QPS_ERR) {
		*nak = ROCE_NAK_OP;
		return TFW_RESP_NAK;
	}
	if (res)
		return res;
	s->epsn = (s->epsn + rsp_npsn(qp, pkt)) & TFW_PSN_MASK;
	qp->attr.rq_psn = s->epsn;
	s->nak_sent = false;
	if (pkt->op & ROCE_F_LAST) {
		s->msn = (s->msn + 1) & TFW_PSN_MASK;
		TFW_QP_COUNT(qp, rx_messages, 1);
	}
	return TFW_RESP_OK;
}

/* A partner that asks again gets the same answer, or part of it. */
static void repeat(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	struct tfw_responder *s = qp->resp;
	u32 i, off, skip;

	/* The newest first: numbers come back after a while. */
	for (i = 1; i <= s->nres; i++) {
		struct tfw_resource *r = tfw_resp_back(s, i);

		skip = (pkt->psn - r->psn) & TFW_PSN_MASK;
		if (!r->valid || skip >= r->npsn || r->opcode != pkt->opcode)
			continue;
		off = skip << qp->attr.path_mtu;
		if (r->opcode == ROCE_READ &&
		    (pkt->va != r->va + off || pkt->rkey != r->rkey ||
		     pkt->dma_len != r->len - off))
			return;
		r->from = pkt->psn;
		r->pending = true;
		r->begun = false;
		tfw_qp_wake(qp);
		return;
	}
}

/* Was a READ or atomic accepted behind @psn? Then it must not be passed. */
static bool resource_behind(const struct tfw_responder *s, u32 psn)
{
	u32 i;

	for (i = 0; i < TFW_MAX_RD_ATOMIC; i++)
		if (s->res[i].valid && tfw_psn_diff(s->res[i].psn, psn) > 0 &&
		    tfw_psn_diff(s->res[i].psn, s->epsn) < 0)
			return true;
	return false;
}

static void duplicate(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	struct tfw_responder *s = qp->resp;

	TFW_QP_COUNT(qp, duplicates, 1);
	if (!(pkt->op & (ROCE_F_SEND | ROCE_F_WRITE))) {
		repeat(qp, pkt);
		return;
	}
	/*
	 * Who repeats a message asks at its end. An answer before that comes
	 * in the middle of the repetition; Soft-RoCE of 7.3 was seen to send
	 * nothing any more after that.
	 */
	if (!pkt->ack_req)
		return;
	/* A refusal that waits to be sent says more. */
	if (s->ack && s->syndrome != ROCE_AETH_ACK)
		return;
	if (!resource_behind(s, pkt->psn))
		tfw_resp_ack(qp, (s->epsn - 1) & TFW_PSN_MASK, ROCE_AETH_ACK);
	/* So does an acknowledgment of more. */
	else if (!s->ack || tfw_psn_diff(s->ack_psn, pkt->psn) < 0)
		tfw_resp_ack(qp, pkt->psn, ROCE_AETH_ACK);
}

static void answer(struct tfw_qp *qp, const struct tfw_pkt *pkt,
		   enum tfw_resp_result res, u8 nak)
{
	struct tfw_responder *s = qp->resp;

	switch (res) {
	case TFW_RESP_OK:
		if (pkt->ack_req &&
		    (pkt->op & (ROCE_F_SEND | ROCE_F_WRITE)))
			tfw_resp_ack(qp, pkt->psn, ROCE_AETH_ACK);
		break;
	case TFW_RESP_RNR:
		TFW_QP_COUNT(qp, tx_naks_rnr, 1);
		s->nak_sent = true;
		tfw_resp_ack(qp, pkt->psn, ROCE_AETH_RNR |
			     (qp->attr.min_rnr_timer & ROCE_AETH_VALUE));
		break;
	case TFW_RESP_NAK:
		TFW_QP_COUNT(qp, tx_naks_error, 1);
		tfw_resp_ack(qp, pkt->psn, ROCE_AETH_NAK | nak);
		break;
	}
}

void tfw_resp_rx(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	struct tfw_responder *s = qp->resp;
	s32 diff = tfw_psn_diff(pkt->psn, s->epsn);
	enum tfw_resp_result res;
	u8 nak = 0;

	if (s->dead)
		return;
	if (diff < 0) {
		duplicate(qp, pkt);
		return;
	}
	if (diff > 0) {
		TFW_QP_COUNT(qp, out_of_sequence, 1);
		if (s->nak_sent)
			return;
		s->nak_sent = true;
		TFW_QP_COUNT(qp, tx_naks_seq, 1);
		tfw_resp_ack(qp, s->epsn, ROCE_AETH_NAK | ROCE_NAK_SEQ);
		return;
	}
	res = tfw_resp_execute(qp, pkt, &nak);
	answer(qp, pkt, res, nak);
}
