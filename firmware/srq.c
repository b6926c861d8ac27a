// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Shared receive queues: commands and the limit event. Nobody waits here for a
 * receive WQE: who found none is asked again by the sender (RC), or dropped what
 * it got (UC, UD).
 */
#include "rdma.h"

#define SRQ_FLAGS	(TULLE_SRQ_F_KERNEL | TULLE_SRQ_F_XRC)

struct tfw_srq *tfw_srq_by_number(struct tfw_func *f, u32 srqn)
{
	return tfw_obj_at(f, TULLE_OBJ_SRQ, srqn);
}

void tfw_srq_error(struct tfw_srq *srq)
{
	if (srq->state == TULLE_QUEUE_ERROR)
		return;
	srq->state = TULLE_QUEUE_ERROR;
	tfw_event_srq(srq, TULLE_SRQ_EVENT_ERROR);
}

void tfw_srq_check_limit(struct tfw_srq *srq)
{
	if (!srq->limit || srq->rq.pi - srq->rq.ci >= srq->limit)
		return;
	if (!tfw_rq_side_load(srq->obj.func, &srq->rq)) {
		tfw_srq_error(srq);
		return;
	}
	if (srq->rq.pi - srq->rq.ci >= srq->limit)
		return;
	srq->limit = 0;
	tfw_event_srq(srq, TULLE_SRQ_EVENT_LIMIT);
}

void tfw_srq_destroy(struct tfw_obj *obj)
{
	struct tfw_srq *srq = tfw_container(obj, struct tfw_srq, obj);
	struct tfw_func *f = obj->func;

	tfw_ring_cleanup(f, &srq->rq.ring);
	tfw_uar_put(f, srq->uar);
	tfw_obj_put(srq->pd);
	if (srq->cq)
		tfw_obj_put(&srq->cq->obj);
	if (srq->xrcd)
		tfw_obj_put(srq->xrcd);
	tfw_obj_free(obj);
}

static enum tulle_status srq_check_ctx(struct tfw_cmd *cmd,
				       const struct tulle_srq_ctx *ctx)
{
	bool xrc = ctx->flags & TULLE_SRQ_F_XRC;

	if (ctx->flags & ~SRQ_FLAGS ||
	    (xrc && !tfw_has_cap(cmd->func, TULLE_CAP_RDMA_XRC)))
		return TFW_CMD_BAD(cmd, struct tulle_srq_ctx, flags);
	if (!xrc && ctx->cq)
		return TFW_CMD_BAD(cmd, struct tulle_srq_ctx, cq);
	if (!xrc && ctx->xrcd)
		return TFW_CMD_BAD(cmd, struct tulle_srq_ctx, xrcd);
	if (le64_to_cpu(ctx->dbr) % sizeof(struct tulle_dbr))
		return TFW_CMD_BAD(cmd, struct tulle_srq_ctx, dbr);
	if (ctx->log_size > TFW_LOG_MAX_QP_RQ)
		return TFW_CMD_BAD(cmd, struct tulle_srq_ctx, log_size);
	if (ctx->log_wqe_size < TFW_LOG_MIN_RQ_WQE ||
	    ctx->log_wqe_size > TFW_LOG_MAX_RQ_WQE)
		return TFW_CMD_BAD(cmd, struct tulle_srq_ctx, log_wqe_size);
	if (ctx->state)
		return TFW_CMD_BAD(cmd, struct tulle_srq_ctx, state);
	if (ctx->limit)
		return TFW_CMD_BAD(cmd, struct tulle_srq_ctx, limit);
	if (!ctx->handle && ctx->ci)
		return TFW_CMD_BAD(cmd, struct tulle_srq_ctx, ci);
	return TULLE_STATUS_OK;
}

/* What it refers to; no references yet. */
static enum tulle_status srq_find(struct tfw_srq *srq, struct tfw_cmd *cmd,
				  const struct tulle_srq_ctx *ctx)
{
	struct tfw_func *f = cmd->func;

	srq->pd = tfw_obj_find(f, TULLE_OBJ_PD, le32_to_cpu(ctx->pd));
	if (!srq->pd)
		return TULLE_STATUS_BAD_HANDLE;
	if (!(ctx->flags & TULLE_SRQ_F_XRC))
		return TULLE_STATUS_OK;
	srq->cq = tfw_cq_find(f, le32_to_cpu(ctx->cq));
	srq->xrcd = tfw_obj_find(f, TULLE_OBJ_XRCD, le32_to_cpu(ctx->xrcd));
	return srq->cq && srq->xrcd ? TULLE_STATUS_OK :
				      TULLE_STATUS_BAD_HANDLE;
}

static enum tulle_status srq_init(struct tfw_srq *srq, struct tfw_cmd *cmd,
				  const struct tulle_srq_ctx *ctx)
{
	u16 uar = le16_to_cpu(ctx->uar);
	enum tulle_status st;

	st = srq_find(srq, cmd, ctx);
	if (st)
		return st;
	st = tfw_ring_init(cmd->func, &srq->rq.ring, &ctx->pages,
			   ctx->log_size, ctx->log_wqe_size);
	if (st == TULLE_STATUS_BAD_PARAM)
		return TFW_CMD_BAD(cmd, struct tulle_srq_ctx, pages);
	if (st)
		return st;
	if (!tfw_uar_get(cmd->func, uar)) {
		tfw_ring_cleanup(cmd->func, &srq->rq.ring);
		return TFW_CMD_BAD(cmd, struct tulle_srq_ctx, uar);
	}
	srq->uar = uar;
	tfw_obj_get(srq->pd);
	if (srq->cq)
		tfw_obj_get(&srq->cq->obj);
	if (srq->xrcd)
		tfw_obj_get(srq->xrcd);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_create_srq(struct tfw_cmd *cmd)
{
	const struct tulle_srq_ctx *ctx = cmd->in;
	struct tulle_handle_rsp *rsp = cmd->out;
	enum tulle_status st;
	struct tfw_srq *srq;

	st = srq_check_ctx(cmd, ctx);
	if (st)
		return st;
	srq = tfw_obj_alloc(cmd->func, TULLE_OBJ_SRQ, sizeof(*srq),
			    le32_to_cpu(ctx->handle), &st);
	if (!srq)
		return st;
	st = srq_init(srq, cmd, ctx);
	if (st) {
		tfw_obj_free(&srq->obj);
		return st;
	}
	srq->dbr = le64_to_cpu(ctx->dbr);
	srq->rq.dbr_pi = srq->dbr + offsetof(struct tulle_dbr, pi);
	srq->rq.dbr_evt = srq->dbr + offsetof(struct tulle_dbr, evt);
	srq->rq.ci = le32_to_cpu(ctx->ci);
	srq->rq.pi = srq->rq.ci;
	srq->rq.evt = srq->rq.pi - 1;	/* not known: see tfw_rq_side_is_dry() */
	srq->flags = ctx->flags;
	rsp->handle = cpu_to_le32(srq->obj.handle);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_srq(struct tfw_cmd *cmd)
{
	const struct tulle_handle_req *req = cmd->in;
	struct tulle_srq_ctx *ctx = cmd->out;
	struct tfw_srq *srq;

	srq = tfw_obj_find(cmd->func, TULLE_OBJ_SRQ, le32_to_cpu(req->handle));
	if (!srq)
		return TULLE_STATUS_BAD_HANDLE;
	*ctx = (struct tulle_srq_ctx){
		.handle = cpu_to_le32(srq->obj.handle),
		.pd = cpu_to_le32(srq->pd->handle),
		.cq = cpu_to_le32(srq->cq ? srq->cq->obj.handle : 0),
		.xrcd = cpu_to_le32(srq->xrcd ? srq->xrcd->handle : 0),
		.pages = srq->rq.ring.list,
		.dbr = cpu_to_le64(srq->dbr),
		.log_size = srq->rq.ring.log_size,
		.log_wqe_size = srq->rq.ring.log_entry,
		.state = srq->state,
		.flags = srq->flags,
		.uar = cpu_to_le16(srq->uar),
		.limit = cpu_to_le16(srq->limit),
		.ci = cpu_to_le32(srq->rq.ci),
	};
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_arm_srq(struct tfw_cmd *cmd)
{
	const struct tulle_arm_srq *req = cmd->in;
	u16 limit = le16_to_cpu(req->limit);
	struct tfw_srq *srq;

	srq = tfw_obj_find(cmd->func, TULLE_OBJ_SRQ, le32_to_cpu(req->handle));
	if (!srq)
		return TULLE_STATUS_BAD_HANDLE;
	if (limit > 1U << srq->rq.ring.log_size)
		return TFW_CMD_BAD(cmd, struct tulle_arm_srq, limit);
	if (srq->state != TULLE_QUEUE_READY)
		return TULLE_STATUS_BAD_STATE;
	srq->limit = limit;
	tfw_srq_check_limit(srq);
	return TULLE_STATUS_OK;
}
