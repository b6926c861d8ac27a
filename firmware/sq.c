// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Send queues: commands, and the loop that fetches and executes WQEs.
 */
#include "eth.h"

#define LOG_MIN_SQ	4		/* the longest WQE fits */
#define FETCH		32		/* blocks at once */

static struct tfw_sq *sq_of(struct tfw_obj *obj)
{
	return tfw_container(obj, struct tfw_sq, wq.obj);
}

/* A WQE or the ring itself is bad: say where, and stop. */
static void sq_fail(struct tfw_sq *sq, const struct tfw_wqe_error *err)
{
	struct tulle_tx_cqe cqe = {
		.ci = cpu_to_le32(sq->wq.ci),
		.qn_op = cpu_to_le32(u32_encode_bits(tfw_obj_index(&sq->wq.obj),
						     TULLE_CQE_QN) |
				     u32_encode_bits(TULLE_CQE_TX_ERR,
						     TULLE_CQE_OP)),
		.status = err->status,
		.syndrome = err->syndrome,
	};

	sq->errors++;
	tfw_cq_push(sq->wq.cq, &cqe, sizeof(cqe), TFW_CQE_F_SOLICITED);
	tfw_wq_error(&sq->wq);
}

static bool sq_complete(struct tfw_sq *sq)
{
	struct tulle_tx_cqe cqe = {
		.ci = cpu_to_le32(sq->wq.ci),
		.qn_op = cpu_to_le32(u32_encode_bits(tfw_obj_index(&sq->wq.obj),
						     TULLE_CQE_QN) |
				     u32_encode_bits(TULLE_CQE_TX,
						     TULLE_CQE_OP)),
	};

	if (sq->flags & TULLE_SQ_F_TIMESTAMP)
		cqe.timestamp =
			cpu_to_le64(tfw_func_engine(sq->wq.obj.func)->now);
	if (tfw_cq_push(sq->wq.cq, &cqe, sizeof(cqe), 0))
		return true;
	tfw_wq_error(&sq->wq);
	return false;
}

/* A NOP may be as long as the rest of the ring asks for, hence so short. */
static bool check_nop(const struct tulle_wqe_ctrl *ctrl,
		      struct tfw_wqe_error *err)
{
	if (!ctrl->nsge && !ctrl->inl_len && !ctrl->imm && !ctrl->total_len)
		return true;
	*err = (struct tfw_wqe_error){ TULLE_CQE_BAD_WQE,
		offsetof(struct tulle_wqe_ctrl, nsge) };
	return false;
}

static bool check_ctrl(const struct tfw_sq *sq,
		       const struct tulle_wqe_ctrl *ctrl, u32 avail,
		       struct tfw_wqe_error *err)
{
	u32 left = (1U << sq->wq.ring.log_size) -
		   (sq->wq.ci & ((1U << sq->wq.ring.log_size) - 1));

	err->status = TULLE_CQE_BAD_WQE;
	err->syndrome = offsetof(struct tulle_wqe_ctrl, op);
	if (ctrl->op > TULLE_WQE_ETH)
		return false;
	err->syndrome = offsetof(struct tulle_wqe_ctrl, flags);
	if (ctrl->flags & ~TULLE_WQE_F_CQE)
		return false;
	err->syndrome = offsetof(struct tulle_wqe_ctrl, nblocks);
	if (!ctrl->nblocks || ctrl->nblocks > TULLE_SQ_MAX_BLOCKS ||
	    ctrl->nblocks > avail || ctrl->nblocks > left)
		return false;
	err->syndrome = offsetof(struct tulle_wqe_ctrl, index);
	return le16_to_cpu(ctrl->index) == (u16)sq->wq.ci;
}

/* What a frame that was sent cost. Short segments are packets like others. */
static s64 frame_cost(const struct tfw_frame *f)
{
	s64 cost = TFW_MAX((s64)tfw_frame_wire_bytes(f),
			   (s64)f->npkts * TFW_COST_MIN);

	return TFW_MAX(cost, (s64)f->probes * TFW_COST_PROBE);
}

/* Bytes this WQE cost; 0: the queue stopped. */
static s64 execute(struct tfw_sq *sq, const u8 *wqe, u32 avail)
{
	const struct tulle_wqe_ctrl *ctrl = (const void *)wqe;
	struct tfw_vport *vport = sq->wq.vport;
	struct tfw_frame *f = &vport->port->wire->frame;
	struct tfw_wqe_error err;
	s64 cost = TFW_COST_MIN;

	if (!check_ctrl(sq, ctrl, avail, &err))
		goto err_fail;
	if (ctrl->op == TULLE_WQE_NOP) {
		if (!check_nop(ctrl, &err))
			goto err_fail;
	} else {
		if (!tfw_tx_build(sq, wqe, f, &err))
			goto err_fail;
		sq->packets += f->npkts;
		sq->bytes += tfw_frame_wire_bytes(f);
		if (!tfw_tx_frame(vport, f))
			sq->drops += f->npkts;
		cost = frame_cost(f);
	}
	sq->wq.ci += ctrl->nblocks;
	if ((ctrl->flags & TULLE_WQE_F_CQE) && !sq_complete(sq))
		return 0;
	return cost;

err_fail:
	sq_fail(sq, &err);
	return 0;
}

/* Copies what there is, up to the end of the ring; in blocks. */
static u32 fetch(struct tfw_sq *sq, void *buf)
{
	u32 size = 1U << sq->wq.ring.log_size;
	u32 n = sq->wq.pi - sq->wq.ci;

	n = TFW_MIN(n, size - (sq->wq.ci & (size - 1)));
	n = TFW_MIN(n, (u32)FETCH);
	return tfw_ring_read(sq->wq.obj.func, &sq->wq.ring, sq->wq.ci, n, buf) ?
		n : 0;
}

/* Executes a batch of WQEs; false: stop for now. */
static bool run_batch(struct tfw_sq *sq, s64 *quantum)
{
	static const struct tfw_wqe_error bad_index = { TULLE_CQE_BAD_WQE, 0 };
	static const struct tfw_wqe_error bad_dma = { TULLE_CQE_DMA, 0 };
	_Alignas(16) u8 buf[FETCH * TULLE_SQ_BLOCK];
	const struct tulle_wqe_ctrl *ctrl;
	u32 n, at = 0;
	s64 cost;

	if (sq->wq.pi - sq->wq.ci > 1U << sq->wq.ring.log_size) {
		sq_fail(sq, &bad_index);
		return false;
	}
	n = fetch(sq, buf);
	if (!n) {
		sq_fail(sq, &bad_dma);
		return false;
	}
	while (at < n && *quantum > 0) {
		if (!tfw_wire_may_send(sq->wq.vport->port, &sq->wait))
			return false;
		ctrl = (const void *)(buf + at * TULLE_SQ_BLOCK);
		/* Cut off by the fetch, not by the driver: comes again. */
		if (at && ctrl->nblocks <= TULLE_SQ_MAX_BLOCKS &&
		    at + ctrl->nblocks > n && n == FETCH)
			break;
		cost = execute(sq, (const u8 *)ctrl, n - at);
		if (!cost)
			return false;
		*quantum -= cost;
		at += ctrl->nblocks;
	}
	return true;
}

/* No more WQEs; true: look again. */
static bool sq_sleep(struct tfw_sq *sq)
{
	struct tfw_engine *e = tfw_func_engine(sq->wq.obj.func);
	bool ok;

	tfw_wq_store_hint(&sq->wq);
	if (tfw_wq_sleep(&sq->wq, &ok))
		return false;
	if (!ok) {
		tfw_wq_error(&sq->wq);
		return false;
	}
	if (sq->wq.pi == sq->wq.ci)
		tfw_wire_idle(e);
	return true;
}

static bool sq_run(struct tfw_work *w, struct tfw_budget *budget)
{
	struct tfw_sq *sq = tfw_container(w, struct tfw_sq, wq.work);
	s64 quantum = budget->bytes;
	s64 left = quantum;
	bool more = false;

	if (sq->wq.state != TULLE_QUEUE_READY)
		return false;
	if (!tfw_wq_load_pi(&sq->wq)) {
		tfw_wq_error(&sq->wq);
		return false;
	}
	while (sq->wq.pi != sq->wq.ci) {
		if (left <= 0 || !run_batch(sq, &left)) {
			more = left <= 0 && sq->wq.state == TULLE_QUEUE_READY &&
			       !tfw_waiter_waits(&sq->wait);
			break;
		}
		if (sq->wq.pi == sq->wq.ci && !tfw_wq_load_pi(&sq->wq)) {
			tfw_wq_error(&sq->wq);
			break;
		}
	}
	budget->bytes -= quantum - left;
	if (sq->wq.state != TULLE_QUEUE_READY || tfw_waiter_waits(&sq->wait))
		return false;
	if (sq->wq.pi == sq->wq.ci)
		return sq_sleep(sq);
	/* It takes longer: no need for kicks meanwhile. */
	if (more && !tfw_wq_awake(&sq->wq)) {
		tfw_wq_error(&sq->wq);
		return false;
	}
	return more;
}

static enum tulle_status check_ctx(struct tfw_cmd *cmd,
				   const struct tulle_sq_ctx *in)
{
	if (in->log_size < LOG_MIN_SQ || in->log_size > TFW_LOG_MAX_SQ)
		return TFW_CMD_BAD(cmd, struct tulle_sq_ctx, log_size);
	if (le16_to_cpu(in->flags) & ~TULLE_SQ_F_TIMESTAMP)
		return TFW_CMD_BAD(cmd, struct tulle_sq_ctx, flags);
	if (in->state)
		return TFW_CMD_BAD(cmd, struct tulle_sq_ctx, state);
	if (!in->handle &&
	    (in->ci || in->packets || in->bytes || in->errors || in->drops))
		return TFW_CMD_BAD(cmd, struct tulle_sq_ctx, ci);
	return TULLE_STATUS_OK;
}

static enum tulle_status sq_setup(struct tfw_sq *sq, struct tfw_cmd *cmd,
				  const struct tulle_sq_ctx *in)
{
	struct tfw_func *func = cmd->func;
	enum tulle_status status;
	struct tfw_cq *cq;

	sq->wq.vport = tfw_vport_find(func, le16_to_cpu(in->vport));
	if (!sq->wq.vport)
		return TFW_CMD_BAD(cmd, struct tulle_sq_ctx, vport);
	cq = tfw_cq_find(func, le32_to_cpu(in->cq));
	if (!cq)
		return TULLE_STATUS_BAD_HANDLE;
	status = tfw_wq_init(&sq->wq, cmd, le16_to_cpu(in->uar),
			     offsetof(struct tulle_sq_ctx, uar),
			     le64_to_cpu(in->dbr),
			     offsetof(struct tulle_sq_ctx, dbr));
	if (status != TULLE_STATUS_OK)
		return status;
	status = tfw_ring_init(func, &sq->wq.ring, &in->pages, in->log_size, 6);
	if (status != TULLE_STATUS_OK) {
		cmd->syndrome = offsetof(struct tulle_sq_ctx, pages);
		tfw_wq_cleanup(&sq->wq);
		return status;
	}
	sq->wq.cq = cq;
	tfw_obj_get(&cq->obj);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_create_sq(struct tfw_cmd *cmd)
{
	const struct tulle_sq_ctx *in = cmd->in;
	struct tulle_handle_rsp *rsp = cmd->out;
	enum tulle_status status;
	struct tfw_sq *sq;

	status = check_ctx(cmd, in);
	if (status != TULLE_STATUS_OK)
		return status;
	sq = tfw_obj_alloc(cmd->func, TULLE_OBJ_SQ, sizeof(*sq),
			   le32_to_cpu(in->handle), &status);
	if (!sq)
		return status;
	tfw_waiter_init(&sq->wait, &sq->wq.work);
	tfw_work_init(&sq->wq.work, cmd->func, sq_run);
	status = sq_setup(sq, cmd, in);
	if (status != TULLE_STATUS_OK) {
		tfw_obj_free(&sq->wq.obj);
		return status;
	}
	sq->flags = le16_to_cpu(in->flags);
	sq->wq.ci = le32_to_cpu(in->ci);
	sq->wq.pi = sq->wq.ci;
	sq->packets = le64_to_cpu(in->packets);
	sq->bytes = le64_to_cpu(in->bytes);
	sq->errors = le64_to_cpu(in->errors);
	sq->drops = le64_to_cpu(in->drops);
	rsp->handle = cpu_to_le32(sq->wq.obj.handle);
	/* A restored queue may have work already. */
	tfw_work_queue(tfw_func_engine(cmd->func), &sq->wq.work);
	return TULLE_STATUS_OK;
}

void tfw_sq_destroy(struct tfw_obj *obj)
{
	struct tfw_sq *sq = sq_of(obj);

	tfw_list_del(&sq->wait.node);
	tfw_wq_cleanup(&sq->wq);
	tfw_obj_put(&sq->wq.cq->obj);
	tfw_obj_free(obj);
}

enum tulle_status tfw_cmd_query_sq(struct tfw_cmd *cmd)
{
	const struct tulle_handle_req *in = cmd->in;
	struct tulle_sq_ctx *out = cmd->out;
	struct tfw_obj *obj;
	struct tfw_sq *sq;

	obj = tfw_obj_find(cmd->func, TULLE_OBJ_SQ, le32_to_cpu(in->handle));
	if (!obj)
		return TULLE_STATUS_BAD_HANDLE;
	sq = sq_of(obj);
	out->handle = cpu_to_le32(obj->handle);
	out->cq = cpu_to_le32(sq->wq.cq->obj.handle);
	out->pages = sq->wq.ring.list;
	out->dbr = cpu_to_le64(sq->wq.dbr);
	out->log_size = sq->wq.ring.log_size;
	out->state = sq->wq.state;
	out->uar = cpu_to_le16(sq->wq.uar);
	out->vport = cpu_to_le16(sq->wq.vport->id);
	out->flags = cpu_to_le16(sq->flags);
	out->ci = cpu_to_le32(sq->wq.ci);
	out->packets = cpu_to_le64(sq->packets);
	out->bytes = cpu_to_le64(sq->bytes);
	out->errors = cpu_to_le64(sq->errors);
	out->drops = cpu_to_le64(sq->drops);
	return TULLE_STATUS_OK;
}
