// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Receive queues: commands, and fetching of WQEs.
 */
#include "eth.h"

#define RQ_FLAGS	(TULLE_RQ_F_VLAN_STRIP | TULLE_RQ_F_STAG_STRIP | \
			 TULLE_RQ_F_FCS | TULLE_RQ_F_CHAIN | TULLE_RQ_F_GRO | \
			 TULLE_RQ_F_TIMESTAMP | TULLE_RQ_F_CSUM_COMPLETE)

#define MIN_GRO		128	/* less than headers makes no aggregate */

#define PATIENCE_NS	400000ULL	/* longer than between refills in a flood */

void tfw_rq_fail(struct tfw_rq *rq, u32 wqe, u8 status, u8 syndrome)
{
	struct tulle_rx_cqe cqe = {
		.wqe = cpu_to_le32(wqe),
		.qn_op = cpu_to_le32(u32_encode_bits(tfw_obj_index(&rq->wq.obj),
						     TULLE_CQE_QN) |
				     u32_encode_bits(TULLE_CQE_RX_ERR,
						     TULLE_CQE_OP)),
		.status = status,
		.syndrome = syndrome,
	};

	if (rq->wq.state == TULLE_QUEUE_ERROR)
		return;
	tfw_cq_push(rq->wq.cq, &cqe, sizeof(cqe), TFW_CQE_F_SOLICITED);
	tfw_wq_error(&rq->wq);
}

/*
 * Nothing posted. A queue that got buffers a moment ago gets more in a moment,
 * and whoever sends to it comes by again: the next pass looks, which spares the
 * driver doorbells just where it is the bottleneck. Only when that does not
 * help, or nobody will come, it asks for a kick.
 */
static enum tfw_put run_dry(struct tfw_rq *rq)
{
	struct tfw_port *port = rq->wq.vport->port;
	bool ok;

	if (rq->patience > tfw_func_engine(rq->wq.obj.func)->now &&
	    !tfw_wire_is_held_up(port)) {
		tfw_wire_look(port, rq->patience);
		return TFW_PUT_DRY;
	}
	if (tfw_wq_sleep(&rq->wq, &ok))
		return TFW_PUT_DRY;
	if (!ok) {
		tfw_wq_error(&rq->wq);
		return TFW_PUT_ERROR;
	}
	return rq->wq.pi == rq->wq.ci ? TFW_PUT_DRY : TFW_PUT_OK;
}

/* WQEs that were not seen before: those of an aborted packet tell nothing. */
static void refilled(struct tfw_rq *rq, u32 top)
{
	rq->top = top;
	rq->patience = tfw_func_engine(rq->wq.obj.func)->now + PATIENCE_NS;
	rq->dead = false;
}

static u32 wqe_size(const struct tfw_rq *rq)
{
	return 1U << rq->wq.ring.log_entry;
}

static enum tfw_put fetch(struct tfw_rq *rq)
{
	u32 size = 1U << rq->wq.ring.log_size, n;
	enum tfw_put put;

	if (rq->wq.pi == rq->wq.ci) {
		if (!tfw_wq_load_pi(&rq->wq)) {
			tfw_wq_error(&rq->wq);
			return TFW_PUT_ERROR;
		}
		put = rq->wq.pi == rq->wq.ci ? run_dry(rq) : TFW_PUT_OK;
		if (put != TFW_PUT_OK)
			return put;
		tfw_wq_awake(&rq->wq);
	}
	n = rq->wq.pi - rq->wq.ci;
	if (n > size) {
		tfw_rq_fail(rq, rq->wq.ci, TULLE_CQE_BAD_WQE, 0);
		return TFW_PUT_ERROR;
	}
	n = TFW_MIN(n, size - (rq->wq.ci & (size - 1)));
	n = TFW_MIN(n, (u32)TFW_RQ_FETCH >> rq->wq.ring.log_entry);
	if (!tfw_ring_read(rq->wq.obj.func, &rq->wq.ring, rq->wq.ci, n,
			   rq->cache)) {
		tfw_rq_fail(rq, rq->wq.ci, TULLE_CQE_DMA, 0);
		return TFW_PUT_ERROR;
	}
	rq->fetched = rq->wq.ci;
	rq->ncache = n;
	if ((s32)(rq->wq.ci + n - rq->top) > 0)
		refilled(rq, rq->wq.ci + n);
	return TFW_PUT_OK;
}

u32 tfw_rq_avail(struct tfw_rq *rq)
{
	if (rq->wq.pi == rq->wq.ci && fetch(rq) != TFW_PUT_OK)
		return 0;
	return rq->wq.pi - rq->wq.ci;
}

static bool check_count(const struct tfw_rq *rq, unsigned int n)
{
	if (!n || n > (wqe_size(rq) - sizeof(struct tulle_rq_wqe)) /
		      sizeof(struct tulle_sge))
		return false;
	if (rq->type == TULLE_RQ_SPLIT)
		return n == 2;
	return rq->type != TULLE_RQ_MULTI || n == 1;
}

/* 0, or the status and where it is wrong. */
static u8 check_wqe(struct tfw_rq *rq, const struct tulle_rq_wqe *wqe,
		    size_t *where)
{
	u64 total = 0;
	unsigned int i;

	*where = offsetof(struct tulle_rq_wqe, nsge);
	if (!check_count(rq, wqe->nsge))
		return TULLE_CQE_BAD_WQE;
	*where = offsetof(struct tulle_rq_wqe, rsvd);
	if (wqe->wr_id || !tfw_is_zero(wqe->rsvd, sizeof(wqe->rsvd)))
		return TULLE_CQE_BAD_WQE;
	for (i = 0; i < wqe->nsge; i++) {
		const struct tulle_sge *sge = &wqe->sge[i];
		u32 len = le32_to_cpu(sge->len);

		*where = sizeof(*wqe) + i * sizeof(*sge);
		if (!len)
			return TULLE_CQE_BAD_WQE;
		if (!tfw_mkey_check(rq->wq.obj.func, le32_to_cpu(sge->key),
				    le64_to_cpu(sge->addr), len,
				    TULLE_MKEY_LOCAL_WRITE))
			return TULLE_CQE_BAD_KEY;
		total += len;
	}
	if (rq->type == TULLE_RQ_MULTI &&
	    total < 1ULL << (rq->log_stride + rq->log_strides))
		return TULLE_CQE_BAD_WQE;
	rq->wqe_bytes = (u32)TFW_MIN(total, (u64)UINT32_MAX);
	return 0;
}

enum tfw_put tfw_rq_take(struct tfw_rq *rq, struct tulle_sge *sge,
			 unsigned int *n)
{
	const struct tulle_rq_wqe *wqe;
	enum tfw_put put;
	size_t where;
	u8 status;

	if (rq->wq.ci - rq->fetched >= rq->ncache) {
		put = fetch(rq);
		if (put != TFW_PUT_OK)
			return put;
	}
	wqe = (const void *)(rq->cache + ((rq->wq.ci - rq->fetched) <<
					  rq->wq.ring.log_entry));
	status = check_wqe(rq, wqe, &where);
	if (status) {
		tfw_rq_fail(rq, rq->wq.ci, status, (u8)where);
		return TFW_PUT_ERROR;
	}
	*n = wqe->nsge;
	memcpy(sge, wqe->sge, wqe->nsge * sizeof(*sge));
	rq->wq.ci++;
	return TFW_PUT_OK;
}

/* Kicked: there are buffers again. */
static bool rq_run(struct tfw_work *w, struct tfw_budget *budget)
{
	struct tfw_rq *rq = tfw_container(w, struct tfw_rq, wq.work);
	struct tfw_engine *e = tfw_func_engine(rq->wq.obj.func);

	budget->bytes -= TFW_COST_MIN;
	rq->dead = false;
	if (rq->wq.state != TULLE_QUEUE_READY)
		return false;
	if (!tfw_rx_drain(rq, budget))
		return e->polling && rq->wq.state == TULLE_QUEUE_READY;
	if (rq->fifo)
		return true;
	if (tfw_rq_avail(rq) && !tfw_wq_awake(&rq->wq))
		tfw_wq_error(&rq->wq);
	return false;
}

static enum tulle_status check_shape(struct tfw_cmd *cmd, size_t base,
				     const struct tulle_rq_ctx *in)
{
	u32 size = TFW_LOG_MIN_STRIDE;

	if (in->log_size > TFW_LOG_MAX_RQ)
		return tfw_cmd_bad(cmd, base +
				   offsetof(struct tulle_rq_ctx, log_size));
	if (in->log_wqe_size < TFW_LOG_MIN_RQ_WQE ||
	    in->log_wqe_size > TFW_LOG_MAX_RQ_WQE)
		return tfw_cmd_bad(cmd, base +
				   offsetof(struct tulle_rq_ctx, log_wqe_size));
	if (in->type > TULLE_RQ_SPLIT ||
	    (in->type == TULLE_RQ_SPLIT && in->log_wqe_size < 6))
		return tfw_cmd_bad(cmd, base +
				   offsetof(struct tulle_rq_ctx, type));
	if (in->type != TULLE_RQ_MULTI) {
		if (in->log_stride || in->log_strides)
			return tfw_cmd_bad(cmd, base +
				offsetof(struct tulle_rq_ctx, log_stride));
		return TULLE_STATUS_OK;
	}
	if (in->log_stride < size || in->log_stride > TFW_LOG_MAX_STRIDE)
		return tfw_cmd_bad(cmd, base +
				   offsetof(struct tulle_rq_ctx, log_stride));
	if (in->log_strides > TFW_LOG_MAX_STRIDES)
		return tfw_cmd_bad(cmd, base +
				   offsetof(struct tulle_rq_ctx, log_strides));
	return TULLE_STATUS_OK;
}

static enum tulle_status check_flags(struct tfw_cmd *cmd, size_t base,
				     const struct tulle_rq_ctx *in)
{
	u32 flags = le32_to_cpu(in->flags), max = le32_to_cpu(in->gro_max);

	if (flags & ~RQ_FLAGS)
		return tfw_cmd_bad(cmd, base +
				   offsetof(struct tulle_rq_ctx, flags));
	if ((flags & TULLE_RQ_F_GRO) &&
	    (max < MIN_GRO || max > TFW_MAX_GRO))
		return tfw_cmd_bad(cmd, base +
				   offsetof(struct tulle_rq_ctx, gro_max));
	return TULLE_STATUS_OK;
}

/* The ring a context describes, and its CQ; references taken. */
struct rq_ring {
	struct tfw_ring	ring;
	struct tfw_cq	*cq;
};

static enum tulle_status ring_get(struct tfw_cmd *cmd, size_t base,
				  const struct tulle_rq_ctx *in,
				  struct rq_ring *out)
{
	struct tfw_func *func = cmd->func;
	enum tulle_status status;

	out->cq = tfw_cq_find(func, le32_to_cpu(in->cq));
	if (!out->cq)
		return TULLE_STATUS_BAD_HANDLE;
	/* Rx completions need the long form. */
	if (out->cq->ring.log_entry != 6)
		return tfw_cmd_bad(cmd, base +
				   offsetof(struct tulle_rq_ctx, cq));
	status = tfw_ring_init(func, &out->ring, &in->pages, in->log_size,
			       in->log_wqe_size);
	if (status != TULLE_STATUS_OK) {
		cmd->syndrome = (u32)(base +
				      offsetof(struct tulle_rq_ctx, pages));
		return status;
	}
	tfw_obj_get(&out->cq->obj);
	return TULLE_STATUS_OK;
}

static void ring_put(struct tfw_rq *rq)
{
	struct tfw_func *func = rq->wq.obj.func;

	if (!rq->wq.cq)
		return;
	tfw_work_cancel(&rq->wq.work);
	tfw_ring_cleanup(func, &rq->wq.ring);
	tfw_uar_put(func, rq->wq.uar);
	tfw_obj_put(&rq->wq.cq->obj);
	rq->wq.cq = NULL;
}

static void rq_set_shape(struct tfw_rq *rq, const struct tulle_rq_ctx *in)
{
	rq->type = in->type;
	rq->log_stride = in->log_stride;
	rq->log_strides = in->log_strides;
	rq->stride = 0;
	rq->ncache = 0;
	rq->wqe_bytes = 0;
	rq->wq.ci = 0;
	rq->wq.pi = 0;
	rq->wq.evt = 0;
	rq->top = 0;
	rq->dead = false;
	rq->patience = 0;
}

/* Puts a ring in place of the old one, between two packets. */
static enum tulle_status rq_attach(struct tfw_rq *rq, struct tfw_cmd *cmd,
				   size_t base, const struct tulle_rq_ctx *in)
{
	u64 dbr = le64_to_cpu(in->dbr);
	struct rq_ring new = { 0 };
	enum tulle_status status;
	struct tfw_wq tmp;

	status = check_shape(cmd, base, in);
	if (status != TULLE_STATUS_OK)
		return status;
	status = ring_get(cmd, base, in, &new);
	if (status != TULLE_STATUS_OK)
		return status;
	tmp.obj = rq->wq.obj;
	status = tfw_wq_init(&tmp, cmd, le16_to_cpu(in->uar),
			     base + offsetof(struct tulle_rq_ctx, uar), dbr,
			     base + offsetof(struct tulle_rq_ctx, dbr));
	if (status != TULLE_STATUS_OK) {
		tfw_ring_cleanup(cmd->func, &new.ring);
		tfw_obj_put(&new.cq->obj);
		return status;
	}
	tfw_gro_flush(rq);
	ring_put(rq);
	rq->wq.ring = new.ring;
	rq->wq.cq = new.cq;
	rq->wq.uar = tmp.uar;
	rq->wq.dbr = tmp.dbr;
	rq_set_shape(rq, in);
	rq->wq.state = TULLE_QUEUE_READY;
	tfw_work_queue(tfw_func_engine(cmd->func), &rq->wq.work);
	return TULLE_STATUS_OK;
}

/* The memory that the flags need. */
static enum tulle_status gro_get(struct tfw_rq *rq,
				 const struct tulle_rq_ctx *in)
{
	if (!(le32_to_cpu(in->flags) & TULLE_RQ_F_GRO) || rq->gro ||
	    tfw_gro_init(rq))
		return TULLE_STATUS_OK;
	return TULLE_STATUS_NOMEM;
}

/* Gives back what the flags, as they are, do not need. */
static void gro_put(struct tfw_rq *rq)
{
	if (!(rq->flags & TULLE_RQ_F_GRO))
		tfw_gro_cleanup(rq);
}

static void rq_set_flags(struct tfw_rq *rq, const struct tulle_rq_ctx *in)
{
	tfw_gro_flush(rq);
	rq->flags = le32_to_cpu(in->flags);
	gro_put(rq);
	rq->gro_max = le32_to_cpu(in->gro_max);
	rq->gro_usecs = le16_to_cpu(in->gro_usecs);
	rq->split_thresh = le16_to_cpu(in->split_thresh);
}

static void rq_stop(struct tfw_rq *rq)
{
	tfw_gro_flush(rq);
	tfw_wire_forget(rq);
	ring_put(rq);
	rq->wq.state = TULLE_QUEUE_STOPPED;
}

static void rq_free(struct tfw_rq *rq)
{
	rq_stop(rq);
	tfw_gro_cleanup(rq);
	tfw_list_del(&rq->gro_node);
	tfw_list_del(&rq->parked);
	tfw_obj_free(&rq->wq.obj);
}

void tfw_rq_destroy(struct tfw_obj *obj)
{
	rq_free(tfw_rq_of(obj));
}

static enum tulle_status check_create(struct tfw_cmd *cmd,
				      const struct tulle_rq_ctx *in)
{
	if (in->rsvd0)
		return TFW_CMD_BAD(cmd, struct tulle_rq_ctx, rsvd0);
	if (in->state && in->state != TULLE_QUEUE_STOPPED)
		return TFW_CMD_BAD(cmd, struct tulle_rq_ctx, state);
	if (!in->handle &&
	    (in->ci || in->stride || in->packets || in->bytes ||
	     in->drops_dry || in->drops_big || in->drops_stopped))
		return TFW_CMD_BAD(cmd, struct tulle_rq_ctx, ci);
	return check_flags(cmd, 0, in);
}

/* A WQE that was in use is opened again where it was left. */
static void restore_stride(struct tfw_rq *rq, u32 stride)
{
	struct tulle_sge sge[TFW_MAX_RQ_SGES];
	unsigned int n;

	if (rq->type != TULLE_RQ_MULTI || !stride ||
	    stride >= 1U << rq->log_strides)
		return;
	rq->wq.ci--;
	rq->wq.pi--;
	if (tfw_rq_take(rq, sge, &n) != TFW_PUT_OK)
		return;
	rq->base = le64_to_cpu(sge[0].addr);
	rq->stride = stride;
}

static void rq_restore(struct tfw_rq *rq, const struct tulle_rq_ctx *in)
{
	rq->wq.ci = le32_to_cpu(in->ci);
	rq->wq.pi = rq->wq.ci;
	rq->top = rq->wq.ci;
	if (rq->wq.state == TULLE_QUEUE_READY)
		restore_stride(rq, le32_to_cpu(in->stride));
	rq->packets = le64_to_cpu(in->packets);
	rq->bytes = le64_to_cpu(in->bytes);
	rq->drops_dry = le64_to_cpu(in->drops_dry);
	rq->drops_big = le64_to_cpu(in->drops_big);
	rq->drops_stopped = le64_to_cpu(in->drops_stopped);
}

enum tulle_status tfw_cmd_create_rq(struct tfw_cmd *cmd)
{
	const struct tulle_rq_ctx *in = cmd->in;
	struct tulle_handle_rsp *rsp = cmd->out;
	enum tulle_status status;
	struct tfw_vport *vport;
	struct tfw_rq *rq;

	status = check_create(cmd, in);
	if (status != TULLE_STATUS_OK)
		return status;
	vport = tfw_vport_find(cmd->func, le16_to_cpu(in->vport));
	if (!vport)
		return TFW_CMD_BAD(cmd, struct tulle_rq_ctx, vport);
	rq = tfw_obj_alloc(cmd->func, TULLE_OBJ_RQ, sizeof(*rq),
			   le32_to_cpu(in->handle), &status);
	if (!rq)
		return status;
	rq->wq.vport = vport;
	rq->wq.state = TULLE_QUEUE_STOPPED;
	tfw_list_init(&rq->parked);
	tfw_list_init(&rq->gro_node);
	tfw_work_init(&rq->wq.work, cmd->func, rq_run);
	status = gro_get(rq, in);
	if (status == TULLE_STATUS_OK)
		rq_set_flags(rq, in);
	if (status == TULLE_STATUS_OK && in->state != TULLE_QUEUE_STOPPED)
		status = rq_attach(rq, cmd, 0, in);
	if (status != TULLE_STATUS_OK) {
		rq_free(rq);
		return status;
	}
	rq_restore(rq, in);
	rsp->handle = cpu_to_le32(rq->wq.obj.handle);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_rq(struct tfw_cmd *cmd)
{
	const struct tulle_handle_req *in = cmd->in;
	struct tulle_rq_ctx *out = cmd->out;
	struct tfw_obj *obj;
	struct tfw_rq *rq;

	obj = tfw_obj_find(cmd->func, TULLE_OBJ_RQ, le32_to_cpu(in->handle));
	if (!obj)
		return TULLE_STATUS_BAD_HANDLE;
	rq = tfw_rq_of(obj);
	out->handle = cpu_to_le32(obj->handle);
	if (rq->wq.cq) {
		out->cq = cpu_to_le32(rq->wq.cq->obj.handle);
		out->pages = rq->wq.ring.list;
		out->dbr = cpu_to_le64(rq->wq.dbr);
		out->log_size = rq->wq.ring.log_size;
		out->log_wqe_size = rq->wq.ring.log_entry;
		out->uar = cpu_to_le16(rq->wq.uar);
	}
	out->type = rq->type;
	out->state = rq->wq.state;
	out->vport = cpu_to_le16(rq->wq.vport->id);
	out->log_stride = rq->log_stride;
	out->log_strides = rq->log_strides;
	out->split_thresh = cpu_to_le16(rq->split_thresh);
	out->flags = cpu_to_le32(rq->flags);
	out->gro_max = cpu_to_le32(rq->gro_max);
	out->gro_usecs = cpu_to_le16(rq->gro_usecs);
	out->ci = cpu_to_le32(rq->wq.ci);
	out->stride = cpu_to_le32(rq->stride);
	out->packets = cpu_to_le64(rq->packets);
	out->bytes = cpu_to_le64(rq->bytes);
	out->drops_dry = cpu_to_le64(rq->drops_dry);
	out->drops_big = cpu_to_le64(rq->drops_big);
	out->drops_stopped = cpu_to_le64(rq->drops_stopped);
	return TULLE_STATUS_OK;
}

#define RQ_MODS	(TULLE_RQ_MOD_STATE | TULLE_RQ_MOD_RING | TULLE_RQ_MOD_FLAGS)

static enum tulle_status set_state(struct tfw_rq *rq, struct tfw_cmd *cmd,
				   u8 state)
{
	switch (state) {
	case TULLE_QUEUE_STOPPED:
		rq_stop(rq);
		return TULLE_STATUS_OK;
	case TULLE_QUEUE_READY:
		/* Without a ring, or with a broken one, there is no way. */
		return rq->wq.state == TULLE_QUEUE_READY ?
			TULLE_STATUS_OK : TULLE_STATUS_BAD_STATE;
	default:
		return TFW_CMD_BAD(cmd, struct tulle_modify_rq, ctx.state);
	}
}

enum tulle_status tfw_cmd_modify_rq(struct tfw_cmd *cmd)
{
	const size_t base = offsetof(struct tulle_modify_rq, ctx);
	const struct tulle_modify_rq *in = cmd->in;
	u32 mask = le32_to_cpu(in->mask);
	enum tulle_status status;
	struct tfw_obj *obj;
	struct tfw_rq *rq;

	obj = tfw_obj_find(cmd->func, TULLE_OBJ_RQ,
			   le32_to_cpu(in->ctx.handle));
	if (!obj)
		return TULLE_STATUS_BAD_HANDLE;
	rq = tfw_rq_of(obj);
	if (!mask || (mask & ~RQ_MODS) ||
	    ((mask & TULLE_RQ_MOD_RING) && (mask & TULLE_RQ_MOD_STATE) &&
	     in->ctx.state != TULLE_QUEUE_READY))
		return TFW_CMD_BAD(cmd, struct tulle_modify_rq, mask);
	if (mask & TULLE_RQ_MOD_FLAGS) {
		status = check_flags(cmd, base, &in->ctx);
		if (status == TULLE_STATUS_OK)
			status = gro_get(rq, &in->ctx);
		if (status != TULLE_STATUS_OK)
			return status;
	}
	/* What can fail comes first, so a refused request changes nothing. */
	if (mask & TULLE_RQ_MOD_RING)
		status = rq_attach(rq, cmd, base, &in->ctx);
	else if (mask & TULLE_RQ_MOD_STATE)
		status = set_state(rq, cmd, in->ctx.state);
	else
		status = TULLE_STATUS_OK;
	if (status == TULLE_STATUS_OK && (mask & TULLE_RQ_MOD_FLAGS))
		rq_set_flags(rq, &in->ctx);
	gro_put(rq);
	return status;
}
