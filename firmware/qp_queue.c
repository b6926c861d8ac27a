// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The queues of a queue pair: fetching WQEs, the kick rule, completions. A WQE
 * is copied once; the copy is what is judged and executed.
 */
#include "rdma.h"

/* Far enough to last, as for Ethernet queues (wq.c). */
static bool evt_is_far(u32 evt, u32 pi)
{
	return evt - pi > TULLE_EVT_FAR / 2 && evt - pi <= TULLE_EVT_FAR;
}

bool tfw_qp_sq_load(struct tfw_qp *qp)
{
	return tfw_dma_load32(qp->obj.func,
			      qp->dbr + offsetof(struct tulle_dbr, pi),
			      &qp->sq_pi);
}

static bool sq_store_evt(struct tfw_qp *qp, u32 evt)
{
	qp->sq_evt = evt;
	return tfw_dma_store32(qp->obj.func,
			       qp->dbr + offsetof(struct tulle_dbr, evt), evt);
}

static bool sq_awake(struct tfw_qp *qp)
{
	return evt_is_far(qp->sq_evt, qp->sq_pi) ||
	       sq_store_evt(qp, qp->sq_pi + TULLE_EVT_FAR);
}

bool tfw_qp_sleep(struct tfw_qp *qp)
{
	u32 before = qp->sq_pi;
	bool ok;

	tfw_dma_store32(qp->obj.func,
			qp->dbr + offsetof(struct tulle_dbr, ci_hint),
			qp->sq_ci);
	if (tfw_func_engine(qp->obj.func)->polling) {
		ok = sq_awake(qp) && tfw_qp_sq_load(qp);
	} else {
		ok = sq_store_evt(qp, before);
		/* Pairs with the driver's fence between pi and evt. */
		atomic_thread_fence(memory_order_seq_cst);
		ok = ok && tfw_qp_sq_load(qp);
		if (ok && qp->sq_pi == before)
			return true;
	}
	if (ok)
		return false;
	qp->sq_ci = qp->sq_pi;
	tfw_qp_fail(qp, TULLE_QP_EVENT_FATAL);
	return true;
}

/* Nothing behind this point makes sense: nothing of it is executed. */
static int sq_broken(struct tfw_qp *qp)
{
	qp->sq_ci = qp->sq_pi;
	tfw_qp_fail(qp, TULLE_QP_EVENT_FATAL);
	return -1;
}

/* Nor here; but there is a WQE to blame, when its turn comes. */
static int sq_malformed(struct tfw_qp *qp, size_t where, u8 *wrong)
{
	qp->sq_ci = qp->sq_pi;
	*wrong = (u8)where;
	return -1;
}

int tfw_qp_fetch(struct tfw_qp *qp, u8 *buf, u8 *wrong)
{
	const struct tulle_wqe_ctrl *ctrl = (const void *)buf;
	u32 size = 1U << qp->sq.log_size, avail, left, n;
	struct tfw_func *f = qp->obj.func;

	*wrong = 0;
	if (qp->sq_ci == qp->sq_pi) {
		if (!tfw_qp_sq_load(qp))
			return sq_broken(qp);
		if (qp->sq_ci == qp->sq_pi)
			return 0;
		if (!sq_awake(qp))
			return sq_broken(qp);
	}
	avail = qp->sq_pi - qp->sq_ci;
	left = size - (qp->sq_ci & (size - 1));
	if (avail > size || !tfw_ring_read(f, &qp->sq, qp->sq_ci, 1, buf))
		return sq_broken(qp);
	n = ctrl->nblocks;
	if (!n || n > TULLE_SQ_MAX_BLOCKS || n > avail || n > left)
		return sq_malformed(qp, offsetof(struct tulle_wqe_ctrl,
						 nblocks), wrong);
	if (le16_to_cpu(ctrl->index) != (u16)qp->sq_ci)
		return sq_malformed(qp, offsetof(struct tulle_wqe_ctrl,
						 index), wrong);
	if (n > 1 && !tfw_ring_read(f, &qp->sq, qp->sq_ci + 1, n - 1,
				    buf + TULLE_SQ_BLOCK))
		return sq_broken(qp);
	qp->sq_ci += n;
	return (int)n;
}

bool tfw_rq_side_load(struct tfw_func *f, struct tfw_rq_side *rq)
{
	return tfw_dma_load32(f, rq->dbr_pi, &rq->pi);
}

static bool rq_store_evt(struct tfw_func *f, struct tfw_rq_side *rq, u32 evt)
{
	rq->evt = evt;
	return tfw_dma_store32(f, rq->dbr_evt, evt);
}

/* Not dry; nobody has to ring. */
static bool rq_awake(struct tfw_func *f, struct tfw_rq_side *rq)
{
	return evt_is_far(rq->evt, rq->pi) ||
	       rq_store_evt(f, rq, rq->pi + TULLE_EVT_FAR);
}

/*
 * Dry: a kick was asked for. An event index that was never written is one
 * behind pi here, which is neither far nor asking.
 */
bool tfw_rq_side_is_dry(struct tfw_func *f, struct tfw_rq_side *rq, bool *ok)
{
	bool asked = rq->evt == rq->pi;

	*ok = true;
	if (rq->pi != rq->ci)
		return false;
	*ok = tfw_rq_side_load(f, rq);
	if (*ok && rq->pi == rq->ci && !asked) {
		*ok = rq_store_evt(f, rq, rq->pi);
		/* Pairs with the driver's fence between rq_pi and rq_evt. */
		atomic_thread_fence(memory_order_seq_cst);
		*ok = *ok && tfw_rq_side_load(f, rq);
	}
	if (!*ok || rq->pi == rq->ci)
		return true;
	*ok = rq_awake(f, rq);
	return !*ok;
}

static u8 recv_judge(const struct tulle_rq_wqe *wqe, u8 log_size,
		     struct tfw_sgl *sgl)
{
	u32 most = (u32)((1UL << log_size) - sizeof(*wqe)) / 16, i;
	u64 len = 0;

	if (wqe->nsge > TFW_MIN(most, (u32)TFW_MAX_QP_RQ_SGES) ||
	    !tfw_is_zero(wqe->rsvd, sizeof(wqe->rsvd)))
		return TULLE_WC_LOC_QP_OP;
	for (i = 0; i < wqe->nsge; i++)
		len += le32_to_cpu(wqe->sge[i].len);
	if (len > TFW_MAX_MESSAGE)
		return TULLE_WC_LOC_LEN;
	sgl->n = wqe->nsge;
	sgl->len = (u32)len;
	memcpy(sgl->sge, wqe->sge, wqe->nsge * sizeof(sgl->sge[0]));
	return TULLE_WC_SUCCESS;
}

int tfw_rq_side_take(struct tfw_func *f, struct tfw_rq_side *rq, bool judge,
		     struct tfw_recv *r)
{
	_Alignas(16) u8 buf[1 << TFW_LOG_MAX_RQ_WQE];
	const struct tulle_rq_wqe *wqe = (const void *)buf;

	if (rq->pi - rq->ci > 1U << rq->ring.log_size ||
	    !tfw_ring_read(f, &rq->ring, rq->ci, 1, buf)) {
		rq->ci = rq->pi;
		return -1;
	}
	rq->ci++;
	r->wr_id = le64_to_cpu(wqe->wr_id);
	r->valid = true;
	r->sgl.n = 0;
	r->sgl.len = 0;
	r->sgl.inl = NULL;
	r->sgl.pd = 0;
	return judge ? recv_judge(wqe, rq->ring.log_entry, &r->sgl) :
		       TULLE_WC_SUCCESS;
}

static enum tfw_recv_result recv_broken(struct tfw_qp *qp)
{
	tfw_qp_fail(qp, TULLE_QP_EVENT_FATAL);
	return TFW_RECV_BAD;
}

static enum tfw_recv_result recv_malformed(struct tfw_qp *qp,
					   struct tfw_recv *r, u8 status)
{
	struct tulle_rdma_cqe cqe = { .status = status };

	r->valid = false;
	tfw_qp_complete_recv(qp, r, &cqe, TULLE_CQE_RECV, NULL, true);
	tfw_qp_fail(qp, -1);
	return TFW_RECV_BAD;
}

static enum tfw_recv_result take_srq(struct tfw_qp *qp, struct tfw_srq *srq,
				     struct tfw_recv *r)
{
	struct tfw_func *f = qp->obj.func;
	bool dry, ok = false;
	int status = -1;

	if (srq->state != TULLE_QUEUE_READY)
		return recv_broken(qp);
	dry = tfw_rq_side_is_dry(f, &srq->rq, &ok);
	if (ok && dry)
		return TFW_RECV_DRY;
	if (ok)
		status = tfw_rq_side_take(f, &srq->rq, true, r);
	if (status < 0) {
		tfw_srq_error(srq);
		return recv_broken(qp);
	}
	tfw_dma_store32(f, srq->dbr + offsetof(struct tulle_dbr, ci_hint),
			srq->rq.ci);
	tfw_srq_check_limit(srq);
	r->wqe = srq->rq.ci - 1;
	r->sgl.pd = srq->pd->handle;
	return status ? recv_malformed(qp, r, (u8)status) : TFW_RECV_OK;
}

enum tfw_recv_result tfw_recv_take(struct tfw_qp *qp, struct tfw_srq *xrc_srq,
				   struct tfw_recv *r)
{
	bool judge = qp->state != TULLE_QPS_ERR, dry, ok;
	struct tfw_func *f = qp->obj.func;
	int status;

	if (xrc_srq)
		qp->xrc_srq = xrc_srq->obj.handle;
	if (xrc_srq || qp->srq)
		return take_srq(qp, xrc_srq ? xrc_srq : qp->srq, r);
	dry = tfw_rq_side_is_dry(f, &qp->rq, &ok);
	if (!ok)
		return recv_broken(qp);
	if (dry)
		return TFW_RECV_DRY;
	/* What is flushed may hold anything: only its wr_id is told. */
	status = tfw_rq_side_take(f, &qp->rq, judge, r);
	if (status < 0)
		return recv_broken(qp);
	r->wqe = qp->rq.ci;
	return status ? recv_malformed(qp, r, (u8)status) : TFW_RECV_OK;
}

void tfw_qp_flush_recv(struct tfw_qp *qp)
{
	struct tulle_rdma_cqe cqe = { .status = TULLE_WC_WR_FLUSH };

	if (!qp->recv.valid)
		return;
	qp->recv.valid = false;
	tfw_qp_complete_recv(qp, &qp->recv, &cqe, TULLE_CQE_RECV, NULL, false);
}

void tfw_qp_kick_sq(struct tfw_qp *qp)
{
	if (qp->state >= TULLE_QPS_RTS && qp->type != TULLE_QP_XRC_TGT)
		tfw_work_queue(tfw_func_engine(qp->obj.func), &qp->work);
}

void tfw_qp_kick_rq(struct tfw_qp *qp)
{
	bool ok;

	if (qp->srq || !qp->rq.dbr_pi || qp->state < TULLE_QPS_RTR ||
	    qp->rq.evt != qp->rq.pi)
		return;
	if (!tfw_rq_side_is_dry(qp->obj.func, &qp->rq, &ok))
		tfw_transport_recv_kick(qp);
	else if (!ok)
		tfw_qp_fail(qp, TULLE_QP_EVENT_FATAL);
}

void tfw_qp_queues_reset(struct tfw_qp *qp)
{
	qp->recv.valid = false;
	qp->xrc_srq = 0;
	qp->sq_pi = 0;
	qp->sq_ci = 0;
	qp->sq_evt = 0;
	qp->rq.pi = 0;
	qp->rq.ci = 0;
	qp->rq.evt = ~0U;	/* not known */
}

static void count_status(struct tfw_qp *qp, u8 status)
{
	switch (status) {
	case TULLE_WC_SUCCESS:
		break;
	case TULLE_WC_WR_FLUSH:
		TFW_QP_COUNT(qp, flushed, 1);
		break;
	case TULLE_WC_REM_INV_REQ:
	case TULLE_WC_REM_ACCESS:
	case TULLE_WC_REM_OP:
	case TULLE_WC_REM_ABORT:
	case TULLE_WC_RETRY_EXC:
	case TULLE_WC_RNR_RETRY_EXC:
		TFW_QP_COUNT(qp, remote_errors, 1);
		break;
	default:
		TFW_QP_COUNT(qp, local_errors, 1);
	}
}

static void complete(struct tfw_qp *qp, struct tfw_cq *cq,
		     const struct tulle_rdma_cqe *cqe, u8 op, const u8 *smac,
		     bool solicited)
{
	struct {
		struct tulle_rdma_cqe_ext	ext;
		struct tulle_rdma_cqe		cqe;
	} full = { .cqe = *cqe };
	unsigned int flags = solicited || cqe->status ?
			     TFW_CQE_F_SOLICITED : 0;
	bool ok;

	full.cqe.qn_op = le32_encode_bits(tfw_qp_num(qp), TULLE_CQE_QN) |
			 le32_encode_bits(op, TULLE_CQE_OP);
	full.ext.timestamp = cpu_to_le64(tfw_func_engine(qp->obj.func)->now);
	if (smac)
		memcpy(full.ext.smac, smac, sizeof(full.ext.smac));
	count_status(qp, cqe->status);
	if (cq->ring.log_entry == 6)
		ok = tfw_cq_push(cq, &full, sizeof(full), flags);
	else
		ok = tfw_cq_push(cq, &full.cqe, sizeof(full.cqe), flags);
	if (!ok)
		tfw_qp_fail(qp, TULLE_QP_EVENT_FATAL);
}

void tfw_qp_complete_send(struct tfw_qp *qp, struct tulle_rdma_cqe *cqe, u8 op,
			  bool solicited)
{
	complete(qp, qp->send_cq, cqe, op, NULL, solicited);
}

void tfw_qp_complete_recv(struct tfw_qp *qp, const struct tfw_recv *r,
			  struct tulle_rdma_cqe *cqe, u8 op, const u8 *smac,
			  bool solicited)
{
	struct tfw_cq *cq = qp->recv_cq;
	struct tfw_srq *srq;

	cqe->wr_id = cpu_to_le64(r->wr_id);
	cqe->wqe = cpu_to_le16((u16)r->wqe);
	if (qp->type == TULLE_QP_XRC_TGT) {
		srq = tfw_obj_find(qp->obj.func, TULLE_OBJ_SRQ, qp->xrc_srq);
		if (!srq)
			return;		/* it went, and its WQEs with it */
		cq = srq->cq;
		cqe->src_flags |= le32_encode_bits(tfw_obj_index(&srq->obj),
						   TULLE_WC_SRC_QP);
	}
	complete(qp, cq, cqe, op, smac, solicited);
}
