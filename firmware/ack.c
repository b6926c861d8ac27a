// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Answers that a requester receives: acknowledgments, refusals, the data of
 * READs and atomics. Everything is in the order of the requests; an answer
 * that skips one means that the one before was lost.
 */
#include "transport.h"

static u32 psn_add(u32 psn, u32 n)
{
	return (psn + n) & TFW_PSN_MASK;
}

/* Everything before @una is known to have arrived. */
static void set_una(struct tfw_qp *qp, u32 una)
{
	struct tfw_requester *r = qp->req;

	if (tfw_psn_diff(una, r->una) <= 0)
		return;
	r->una = una;
	tfw_req_progress(qp);
	/* It was about to be sent again: no need any more. */
	if (tfw_psn_diff(una, r->next_psn) > 0)
		tfw_req_seek(r, una);
}

/* First packet that was not answered, of a READ or atomic at its turn. */
static u32 awaited(const struct tfw_swqe *e)
{
	return psn_add(e->psn, e->got);
}

/* Marks what an answer for @psn covers; the request that it skips, or NULL. */
static struct tfw_swqe *mark_done(struct tfw_requester *r, u32 psn)
{
	struct tfw_swqe *e;
	u32 ix;

	for (ix = r->head; ix != r->tail; ix++) {
		e = tfw_req_at(r, ix);
		if (!e->npsn) {
			if (!e->done)
				return NULL;
			continue;
		}
		if (tfw_swqe_answered(e))
			return tfw_psn_diff(psn, awaited(e)) >= 0 ? e : NULL;
		if (tfw_psn_diff(psn, psn_add(e->psn, e->npsn - 1)) < 0)
			return NULL;
		e->done = true;
	}
	return NULL;
}

bool tfw_ack_upto(struct tfw_qp *qp, u32 psn, u32 got)
{
	struct tfw_requester *r = qp->req;
	struct tfw_swqe *skipped = mark_done(r, psn);
	u32 again = skipped ? awaited(skipped) : 0;

	set_una(qp, skipped ? again : psn_add(psn, 1));
	if (!tfw_req_retire(qp))
		return false;
	tfw_qp_wake(qp);
	if (!skipped)
		return true;
	/* Told already: what was sent since then is not here yet. */
	if (tfw_psn_diff(psn, r->next_psn) < 0)
		tfw_req_skipped(qp, again, got);
	return false;
}

static u8 nak_status(u8 code)
{
	switch (code) {
	case ROCE_NAK_INV_REQ:
		return TULLE_WC_REM_INV_REQ;
	case ROCE_NAK_ACCESS:
		return TULLE_WC_REM_ACCESS;
	case ROCE_NAK_OP:
		return TULLE_WC_REM_OP;
	default:
		return TULLE_WC_SUCCESS;
	}
}

static void rx_nak(struct tfw_qp *qp, u32 psn, u8 syndrome)
{
	u8 code = syndrome & ROCE_AETH_VALUE;

	/* What lies before it arrived. */
	if (!tfw_ack_upto(qp, psn_add(psn, TFW_PSN_MASK), psn))
		return;
	if (code == ROCE_NAK_SEQ) {
		TFW_QP_COUNT(qp, rx_naks_seq, 1);
		if (tfw_psn_diff(psn, qp->req->next_psn) < 0)
			tfw_req_again(qp, psn);
		return;
	}
	TFW_QP_COUNT(qp, rx_naks_error, 1);
	if (nak_status(code))
		tfw_req_error(qp, nak_status(code), syndrome);
}

static void rx_ack(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	u8 syndrome = (u8)(pkt->aeth >> 24);

	switch (syndrome & ROCE_AETH_TYPE) {
	case 0:
		TFW_QP_COUNT(qp, rx_acks, 1);
		tfw_ack_upto(qp, pkt->psn, pkt->psn);
		break;
	case ROCE_AETH_RNR:
		TFW_QP_COUNT(qp, rx_naks_rnr, 1);
		if (tfw_ack_upto(qp, psn_add(pkt->psn, TFW_PSN_MASK),
				 pkt->psn) &&
		    tfw_psn_diff(pkt->psn, qp->req->next_psn) < 0)
			tfw_req_rnr(qp, syndrome & ROCE_AETH_VALUE);
		break;
	case ROCE_AETH_NAK:
		rx_nak(qp, pkt->psn, syndrome);
		break;
	}
}

/* The READ or atomic that @psn answers, NULL: none. */
static struct tfw_swqe *find_request(struct tfw_requester *r, u32 psn)
{
	struct tfw_swqe *e;
	u32 ix;

	for (ix = r->head; ix != r->tail; ix++) {
		e = tfw_req_at(r, ix);
		if (e->npsn && tfw_psn_diff(psn, e->psn) >= 0 &&
		    tfw_psn_diff(psn, psn_add(e->psn, e->npsn)) < 0)
			return tfw_swqe_answered(e) ? e : NULL;
	}
	return NULL;
}

/* Does the packet have the length and the opcode that its place asks for? */
static bool fits(const struct tfw_qp *qp, const struct tfw_swqe *e,
		 const struct tfw_pkt *pkt)
{
	u32 left, mtu = tfw_qp_mtu(qp);
	bool last = e->got + 1 == e->npsn;

	if (e->op == TULLE_WQE_CMP_SWAP || e->op == TULLE_WQE_FETCH_ADD)
		return pkt->opcode == ROCE_ATOMIC_ACK && !pkt->data.len;
	if (pkt->opcode == ROCE_ATOMIC_ACK)
		return false;
	if (e->op != TULLE_WQE_READ)
		return pkt->opcode == ROCE_READ_RSP_ONLY && !pkt->data.len;
	left = e->len - (e->got << qp->attr.path_mtu);
	return last == !!(pkt->op & ROCE_F_LAST) &&
	       pkt->data.len == TFW_MIN(left, mtu);
}

static u8 place(struct tfw_qp *qp, const struct tfw_swqe *e,
		const struct tfw_pkt *pkt)
{
	struct tfw_data data = pkt->data;
	struct tfw_sgl sgl;
	__le64 old;
	u8 st;

	tfw_swqe_sgl(e, &sgl);
	if (pkt->opcode == ROCE_ATOMIC_ACK) {
		old = cpu_to_le64(pkt->old);
		return tfw_sgl_write(qp, &sgl, 0, &old, sizeof(old));
	}
	if (e->op != TULLE_WQE_READ)
		return TULLE_WC_SUCCESS;
	st = tfw_data_to_sgl(&data, qp, &sgl, e->got << qp->attr.path_mtu);
	return st == TFW_DATA_GONE ? TULLE_WC_LOC_PROT : st;
}

static void rx_response(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	struct tfw_requester *r = qp->req;
	struct tfw_swqe *e = find_request(r, pkt->psn);
	u8 st;

	if (!e ||
	    !tfw_ack_upto(qp, psn_add(e->psn, TFW_PSN_MASK), pkt->psn) ||
	    r->head == r->tail || e != tfw_req_at(r, r->head))
		return;
	if (pkt->psn != awaited(e)) {
		/* Later: something between was lost. Earlier: seen before. */
		if (tfw_psn_diff(pkt->psn, awaited(e)) > 0 &&
		    tfw_psn_diff(pkt->psn, r->next_psn) < 0)
			tfw_req_skipped(qp, awaited(e), pkt->psn);
		return;
	}
	st = fits(qp, e, pkt) ? place(qp, e, pkt) : TULLE_WC_BAD_RESP;
	if (st) {
		tfw_req_error(qp, st, 0);
		return;
	}
	e->got++;
	e->done = e->got == e->npsn;
	set_una(qp, awaited(e));
	if (tfw_req_retire(qp))
		tfw_qp_wake(qp);
}

void tfw_ack_rx(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	struct tfw_requester *r = qp->req;

	/* Only of what is on its way; others are late, or not for us. */
	if (tfw_psn_diff(pkt->psn, r->una) < 0 ||
	    tfw_psn_diff(pkt->psn, r->max_psn) >= 0) {
		TFW_QP_COUNT(qp, duplicates, 1);
		if (tfw_psn_diff(pkt->psn, r->una) < 0)
			tfw_req_alive(qp);
		return;
	}
	if (pkt->opcode == ROCE_ACK)
		rx_ack(qp, pkt);
	else
		rx_response(qp, pkt);
}
