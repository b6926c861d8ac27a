// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Queue pairs: creation, destruction, query. Their states are in qp_state.c,
 * their queues in qp_queue.c.
 */
#include "rdma.h"

#define QP_FLAGS	(TULLE_QP_F_KERNEL | TULLE_QP_F_SIG_ALL | \
			 TULLE_QP_F_NO_LOOPBACK)

/**
 * struct qp_kind - what a type of queue pair has
 * @cap: capability it needs, plus 1
 * @may_srq: an SRQ may take the place of the RQ
 * @datagram: may refuse what it sent itself
 */
struct qp_kind {
	u8	cap;
	bool	sq;
	bool	rq;
	bool	may_srq;
	bool	xrcd;
	bool	datagram;
};

static const struct qp_kind kinds[] = {
	[TULLE_QP_RC]	= { .sq = true, .rq = true, .may_srq = true },
	[TULLE_QP_UC]	= { .sq = true, .rq = true, .may_srq = true,
			    .cap = TULLE_CAP_RDMA_UC + 1 },
	[TULLE_QP_UD]	= { .sq = true, .rq = true, .may_srq = true,
			    .datagram = true },
	[TULLE_QP_GSI]	= { .sq = true, .rq = true, .datagram = true },
	[TULLE_QP_XRC_INI] = { .sq = true, .cap = TULLE_CAP_RDMA_XRC + 1 },
	[TULLE_QP_XRC_TGT] = { .xrcd = true, .cap = TULLE_CAP_RDMA_XRC + 1 },
	[TULLE_QP_RAW]	= { .sq = true, .rq = true, .datagram = true,
			    .cap = TULLE_CAP_RDMA_RAW + 1 },
};

#define BAD(cmd, member)	TFW_CMD_BAD(cmd, struct tulle_qp_ctx, member)

struct tfw_qp *tfw_qp_by_number(struct tfw_func *f, u32 qpn)
{
	return tfw_obj_at(f, TULLE_OBJ_QP, qpn);
}

static bool has_rq(const struct tulle_qp_ctx *ctx)
{
	return kinds[ctx->type].rq && !ctx->srq;
}

static bool size_ok(bool there, u8 log_size, u8 min, u8 max)
{
	return there ? log_size >= min && log_size <= max : !log_size;
}

/* What there is has a sane size; what there is not is zero. */
static enum tulle_status check_queues(struct tfw_cmd *cmd,
				      const struct tulle_qp_ctx *ctx)
{
	bool sq = kinds[ctx->type].sq, rq = has_rq(ctx);

	if (!size_ok(sq, ctx->log_sq_size, TFW_LOG_MIN_QP_SQ,
		     TFW_LOG_MAX_QP_SQ))
		return BAD(cmd, log_sq_size);
	if (!size_ok(rq, ctx->log_rq_size, 0, TFW_LOG_MAX_QP_RQ))
		return BAD(cmd, log_rq_size);
	if (!size_ok(rq, ctx->log_rq_wqe, TFW_LOG_MIN_RQ_WQE,
		     TFW_LOG_MAX_RQ_WQE))
		return BAD(cmd, log_rq_wqe);
	if (!sq && !tfw_is_zero(&ctx->sq, sizeof(ctx->sq)))
		return BAD(cmd, sq);
	if (!rq && !tfw_is_zero(&ctx->rq, sizeof(ctx->rq)))
		return BAD(cmd, rq);
	if (sq ? le64_to_cpu(ctx->dbr) % sizeof(struct tulle_dbr) : ctx->dbr)
		return BAD(cmd, dbr);
	return TULLE_STATUS_OK;
}

static enum tulle_status check_ctx(struct tfw_cmd *cmd,
				   const struct tulle_qp_ctx *ctx)
{
	const struct qp_kind *kind;

	if (ctx->type >= TFW_ARRAY_SIZE(kinds))
		return BAD(cmd, type);
	kind = &kinds[ctx->type];
	if (kind->cap && !tfw_has_cap(cmd->func, kind->cap - 1U))
		return BAD(cmd, type);
	if (ctx->flags & ~QP_FLAGS ||
	    (ctx->flags & TULLE_QP_F_NO_LOOPBACK && !kind->datagram) ||
	    (ctx->flags & TULLE_QP_F_SIG_ALL && !kind->sq))
		return BAD(cmd, flags);
	if (!kind->sq && ctx->send_cq)
		return BAD(cmd, send_cq);
	if (!kind->rq && ctx->recv_cq)
		return BAD(cmd, recv_cq);
	if (!kind->may_srq && ctx->srq)
		return BAD(cmd, srq);
	if (!kind->xrcd && ctx->xrcd)
		return BAD(cmd, xrcd);
	if (ctx->state)
		return BAD(cmd, state);
	if (!ctx->handle && ctx->sq_ci)
		return BAD(cmd, sq_ci);
	if (!ctx->handle && ctx->rq_ci)
		return BAD(cmd, rq_ci);
	return check_queues(cmd, ctx);
}

/* A stopped one takes no completion any more; what is restored may have it. */
static enum tulle_status find_cq(struct tfw_cmd *cmd,
				 const struct tulle_qp_ctx *ctx, __le32 handle,
				 struct tfw_cq **cq)
{
	*cq = tfw_cq_find(cmd->func, le32_to_cpu(handle));
	if (!*cq)
		return TULLE_STATUS_BAD_HANDLE;
	return (*cq)->state == TULLE_QUEUE_ERROR && !ctx->handle ?
	       TULLE_STATUS_BAD_STATE : TULLE_STATUS_OK;
}

/* What it refers to; no references yet. */
static enum tulle_status find_users(struct tfw_qp *qp, struct tfw_cmd *cmd,
				    const struct tulle_qp_ctx *ctx)
{
	const struct qp_kind *kind = &kinds[ctx->type];
	enum tulle_status st = TULLE_STATUS_OK;
	struct tfw_func *f = cmd->func;

	qp->pd = tfw_obj_find(f, TULLE_OBJ_PD, le32_to_cpu(ctx->pd));
	/* An XRC target works in the PDs of the SRQs. */
	if (!qp->pd && (!kind->xrcd || ctx->pd))
		return TULLE_STATUS_BAD_HANDLE;
	if (kind->sq)
		st = find_cq(cmd, ctx, ctx->send_cq, &qp->send_cq);
	if (!st && kind->rq)
		st = find_cq(cmd, ctx, ctx->recv_cq, &qp->recv_cq);
	if (st)
		return st;
	if (kind->xrcd) {
		qp->xrcd = tfw_obj_find(f, TULLE_OBJ_XRCD,
					le32_to_cpu(ctx->xrcd));
		if (!qp->xrcd)
			return TULLE_STATUS_BAD_HANDLE;
	}
	if (!ctx->srq)
		return TULLE_STATUS_OK;
	qp->srq = tfw_obj_find(f, TULLE_OBJ_SRQ, le32_to_cpu(ctx->srq));
	if (!qp->srq)
		return TULLE_STATUS_BAD_HANDLE;
	return qp->srq->flags & TULLE_SRQ_F_XRC ? BAD(cmd, srq) :
						  TULLE_STATUS_OK;
}

static enum tulle_status init_rings(struct tfw_qp *qp, struct tfw_cmd *cmd,
				    const struct tulle_qp_ctx *ctx)
{
	enum tulle_status st = TULLE_STATUS_OK;

	if (kinds[ctx->type].sq)
		st = tfw_ring_init(cmd->func, &qp->sq, &ctx->sq,
				   ctx->log_sq_size, 6);
	if (st == TULLE_STATUS_BAD_PARAM)
		return BAD(cmd, sq);
	if (st || !has_rq(ctx))
		return st;
	st = tfw_ring_init(cmd->func, &qp->rq.ring, &ctx->rq,
			   ctx->log_rq_size, ctx->log_rq_wqe);
	if (!st)
		return st;
	tfw_ring_cleanup(cmd->func, &qp->sq);
	return st == TULLE_STATUS_BAD_PARAM ? BAD(cmd, rq) : st;
}

static void get_users(struct tfw_qp *qp)
{
	if (qp->pd)
		tfw_obj_get(qp->pd);
	if (qp->send_cq)
		tfw_obj_get(&qp->send_cq->obj);
	if (qp->recv_cq)
		tfw_obj_get(&qp->recv_cq->obj);
	if (qp->srq)
		tfw_obj_get(&qp->srq->obj);
	if (qp->xrcd)
		tfw_obj_get(qp->xrcd);
}

static void put_users(struct tfw_qp *qp)
{
	if (qp->pd)
		tfw_obj_put(qp->pd);
	if (qp->send_cq)
		tfw_obj_put(&qp->send_cq->obj);
	if (qp->recv_cq)
		tfw_obj_put(&qp->recv_cq->obj);
	if (qp->srq)
		tfw_obj_put(&qp->srq->obj);
	if (qp->xrcd)
		tfw_obj_put(qp->xrcd);
	if (qp->counter)
		tfw_obj_put(&qp->counter->obj);
}

static void init_indices(struct tfw_qp *qp, const struct tulle_qp_ctx *ctx)
{
	tfw_qp_queues_reset(qp);
	qp->dbr = le64_to_cpu(ctx->dbr);
	qp->sq_ci = le32_to_cpu(ctx->sq_ci);
	qp->sq_pi = qp->sq_ci;
	qp->sq_evt = qp->sq_pi;
	if (!has_rq(ctx))
		return;
	qp->rq.dbr_pi = qp->dbr + offsetof(struct tulle_dbr, rq_pi);
	qp->rq.dbr_evt = qp->dbr + offsetof(struct tulle_dbr, rq_evt);
	qp->rq.ci = le32_to_cpu(ctx->rq_ci);
	qp->rq.pi = qp->rq.ci;
	qp->rq.evt = qp->rq.pi - 1;	/* not known */
}

static enum tulle_status qp_init(struct tfw_qp *qp, struct tfw_cmd *cmd,
				 const struct tulle_qp_ctx *ctx)
{
	u16 uar = le16_to_cpu(ctx->uar);
	enum tulle_status st;

	qp->type = ctx->type;
	qp->flags = ctx->flags;
	tfw_work_init(&qp->work, cmd->func, tfw_requester_run);
	st = find_users(qp, cmd, ctx);
	if (!st)
		st = init_rings(qp, cmd, ctx);
	if (st)
		return st;
	if (!tfw_uar_get(cmd->func, uar)) {
		tfw_ring_cleanup(cmd->func, &qp->sq);
		tfw_ring_cleanup(cmd->func, &qp->rq.ring);
		return BAD(cmd, uar);
	}
	qp->uar = uar;
	init_indices(qp, ctx);
	get_users(qp);
	return TULLE_STATUS_OK;
}

/*
 * The handle to ask for; 0: any. The GSI queue pair has its place, and nobody
 * else may sit there.
 */
static enum tulle_status choose_handle(struct tfw_cmd *cmd,
				       const struct tulle_qp_ctx *ctx,
				       u32 *handle)
{
	bool gsi = ctx->type == TULLE_QP_GSI;
	u32 index;

	*handle = le32_to_cpu(ctx->handle);
	if (!*handle) {
		if (!gsi)
			return TULLE_STATUS_OK;
		*handle = tfw_obj_handle_at(cmd->func, TULLE_OBJ_QP,
					    TULLE_QPN_GSI);
	}
	index = u32_get_bits(*handle, TULLE_HANDLE_INDEX);
	if (gsi ? index == TULLE_QPN_GSI : index > TULLE_QPN_GSI)
		return TULLE_STATUS_OK;
	return BAD(cmd, handle);
}

enum tulle_status tfw_cmd_create_qp(struct tfw_cmd *cmd)
{
	const struct tulle_qp_ctx *ctx = cmd->in;
	struct tulle_handle_rsp *rsp = cmd->out;
	enum tulle_status st;
	struct tfw_qp *qp;
	u32 handle;

	st = check_ctx(cmd, ctx);
	if (!st)
		st = choose_handle(cmd, ctx, &handle);
	if (st)
		return st;
	qp = tfw_obj_alloc(cmd->func, TULLE_OBJ_QP, sizeof(*qp), handle, &st);
	if (!qp)
		return st;
	st = qp_init(qp, cmd, ctx);
	if (st) {
		tfw_obj_free(&qp->obj);
		return st;
	}
	tfw_rdma_changed(cmd->func->dev);
	rsp->handle = cpu_to_le32(qp->obj.handle);
	return TULLE_STATUS_OK;
}

void tfw_qp_destroy(struct tfw_obj *obj)
{
	struct tfw_qp *qp = tfw_container(obj, struct tfw_qp, obj);
	struct tfw_func *f = obj->func;

	if (qp->state != TULLE_QPS_RESET)
		tfw_transport_cleanup(qp);
	qp->state = TULLE_QPS_RESET;
	tfw_work_cancel(&qp->work);
	tfw_mkey_qp_gone(qp);
	put_users(qp);
	tfw_ring_cleanup(f, &qp->sq);
	tfw_ring_cleanup(f, &qp->rq.ring);
	tfw_uar_put(f, qp->uar);
	tfw_rdma_changed(f->dev);
	tfw_obj_free(obj);
}

enum tulle_status tfw_cmd_query_qp(struct tfw_cmd *cmd)
{
	const struct tulle_handle_req *req = cmd->in;
	struct tulle_query_qp *out = cmd->out;
	struct tfw_qp *qp;

	qp = tfw_obj_find(cmd->func, TULLE_OBJ_QP, le32_to_cpu(req->handle));
	if (!qp)
		return TULLE_STATUS_BAD_HANDLE;
	out->ctx = (struct tulle_qp_ctx){
		.handle = cpu_to_le32(qp->obj.handle),
		.pd = cpu_to_le32(qp->pd ? qp->pd->handle : 0),
		.send_cq = cpu_to_le32(qp->send_cq ?
				       qp->send_cq->obj.handle : 0),
		.recv_cq = cpu_to_le32(qp->recv_cq ?
				       qp->recv_cq->obj.handle : 0),
		.srq = cpu_to_le32(qp->srq ? qp->srq->obj.handle : 0),
		.xrcd = cpu_to_le32(qp->xrcd ? qp->xrcd->handle : 0),
		.sq = qp->sq.list,
		.rq = qp->rq.ring.list,
		.dbr = cpu_to_le64(qp->dbr),
		.type = qp->type,
		.state = qp->state,
		.log_sq_size = qp->sq.log_size,
		.log_rq_size = qp->rq.ring.log_size,
		.log_rq_wqe = qp->rq.ring.log_entry,
		.flags = qp->flags,
		.uar = cpu_to_le16(qp->uar),
		.sq_ci = cpu_to_le32(qp->sq_ci),
		.rq_ci = cpu_to_le32(qp->rq.ci),
	};
	tfw_qp_attr_get(qp, &out->attr);
	return TULLE_STATUS_OK;
}
