// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * What the transport keeps for a QP: made when it leaves RESET, moved by its
 * state, and the turn it gets on the hot list.
 */
#include "transport.h"

#define LOG_ROOM	2	/* WQEs in progress, to begin with */

static bool has_responder(const struct tfw_qp *qp)
{
	return qp->type == TULLE_QP_RC || qp->type == TULLE_QP_UC ||
	       qp->type == TULLE_QP_XRC_TGT;
}

bool tfw_transport_init(struct tfw_qp *qp)
{
	struct tfw_engine *e = tfw_qp_engine(qp);
	struct tfw_requester *r = tfw_alloc(e, sizeof(*r));

	if (!r)
		return false;
	r->qp = qp;
	r->log_room = LOG_ROOM;
	r->ring = tfw_alloc(e, sizeof(*r->ring) << LOG_ROOM);
	tfw_timer_init(&r->timer, tfw_req_timer);
	tfw_waiter_init(&r->wait, &qp->work);
	qp->req = r;
	if (has_responder(qp))
		qp->resp = tfw_alloc(e, sizeof(*qp->resp));
	if (r->ring && (qp->resp || !has_responder(qp)))
		return true;
	tfw_transport_cleanup(qp);
	return false;
}

void tfw_transport_cleanup(struct tfw_qp *qp)
{
	struct tfw_engine *e = tfw_qp_engine(qp);
	struct tfw_requester *r = qp->req;

	tfw_work_cancel(&qp->work);
	if (r) {
		for (; r->head != r->tail; r->head++)
			tfw_swqe_free(qp, tfw_req_at(r, r->head));
		tfw_timer_cancel(e, &r->timer);
		tfw_list_del(&r->wait.node);
		tfw_free(e, r->ring);
		tfw_free(e, r);
	}
	tfw_free(e, qp->resp);
	qp->req = NULL;
	qp->resp = NULL;
	qp->recv.valid = false;
}

/* A partner rounds its limit up to a power of two as well. */
static u32 resources(u32 max)
{
	u32 n = 1;

	while (n < max && n < TFW_MAX_RD_ATOMIC)
		n *= 2;
	return n;
}

static void responder_start(struct tfw_qp *qp)
{
	struct tfw_responder *s = qp->resp;

	if (!s)
		return;
	s->epsn = qp->attr.rq_psn & TFW_PSN_MASK;
	s->event = -1;
}

static void requester_start(struct tfw_qp *qp)
{
	struct tfw_requester *r = qp->req;

	r->next_psn = qp->attr.sq_psn & TFW_PSN_MASK;
	r->new_psn = r->next_psn;
	r->max_psn = r->next_psn;
	r->una = r->next_psn;
	r->retry_left = qp->attr.retry_cnt;
	r->rnr_left = qp->attr.rnr_retry;
}

/* Whoever still owes an answer does not give it any more, but for a refusal. */
static void responder_stop(struct tfw_responder *s)
{
	u32 i;

	for (i = 0; i < TFW_MAX_RD_ATOMIC; i++)
		s->res[i].pending = false;
	s->ack &= (s->syndrome & ROCE_AETH_TYPE) == ROCE_AETH_NAK;
	s->dead = true;
}

void tfw_transport_changed(struct tfw_qp *qp, u8 old_state)
{
	struct tfw_requester *r = qp->req;

	if (!r)
		return;
	if (qp->state == TULLE_QPS_RTR && old_state == TULLE_QPS_INIT)
		responder_start(qp);
	if (qp->state == TULLE_QPS_RTS && old_state == TULLE_QPS_RTR)
		requester_start(qp);
	if (qp->state == TULLE_QPS_RTS && old_state == TULLE_QPS_SQE)
		tfw_req_restart(qp);
	/* May be changed in SQD; so may the requester's, who looks each time. */
	if (qp->resp)
		qp->resp->nres = resources(qp->attr.max_dest_rd_atomic);
	if (qp->state == TULLE_QPS_ERR || qp->state == TULLE_QPS_SQE) {
		tfw_timer_cancel(tfw_qp_engine(qp), &r->timer);
		r->rnr_wait = false;
		r->flushing = false;
	}
	if (qp->state == TULLE_QPS_ERR && qp->resp)
		responder_stop(qp->resp);
	r->looked = false;
	if (qp->state > TULLE_QPS_INIT)
		tfw_qp_wake(qp);
}

void tfw_transport_recv_kick(struct tfw_qp *qp)
{
	if (qp->req && qp->state == TULLE_QPS_ERR)
		tfw_qp_wake(qp);
}

static bool run_queues(struct tfw_qp *qp, s64 *left)
{
	bool more = false;

	switch (qp->state) {
	case TULLE_QPS_RTS:
	case TULLE_QPS_SQD:
		more = tfw_req_run(qp, left);
		break;
	case TULLE_QPS_SQE:
		more = tfw_req_flush(qp, left);
		break;
	case TULLE_QPS_ERR:
		more = tfw_req_flush(qp, left);
		more |= tfw_resp_flush(qp, left);
		break;
	}
	return more;
}

/* Answers take half of a turn, and what requests leave of the other half. */
bool tfw_requester_run(struct tfw_work *w, struct tfw_budget *budget)
{
	struct tfw_qp *qp = tfw_container(w, struct tfw_qp, work);
	s64 left = budget->bytes / 2, half = budget->bytes - left;
	bool more, answers = false;

	if (!qp->req)
		return false;
	if (qp->resp)
		answers = tfw_resp_run(qp, &half);
	left += half;
	more = run_queues(qp, &left);
	if (answers && left > 0)
		answers = tfw_resp_run(qp, &left);
	budget->bytes = left;
	return more || answers;
}
