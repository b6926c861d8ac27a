// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Completion queues: entries, moderation, arming, overrun.
 */
#include <string.h>

#include "rdma.h"

/* Reads consumer index and arm word, which lie side by side, at once. */
static bool cq_load(struct tfw_cq *cq, u32 *arm)
{
	u64 val;

	if (!tfw_dma_load64(cq->obj.func,
			    cq->dbr + offsetof(struct tulle_dbr, ci), &val))
		return false;
	cq->ci = (u32)val;
	*arm = (u32)(val >> 32);
	return true;
}

bool tfw_cq_room(struct tfw_cq *cq, u32 n)
{
	u32 size = 1U << cq->ring.log_size;
	u32 arm;

	if (cq->state != TULLE_QUEUE_READY || n > size)
		return false;
	if (cq->pi - cq->ci <= size - n)
		return true;
	return cq_load(cq, &arm) && cq->pi - cq->ci <= size - n;
}

static void cq_error(struct tfw_cq *cq)
{
	struct tfw_engine *e = tfw_func_engine(cq->obj.func);

	if (cq->state == TULLE_QUEUE_ERROR)
		return;
	cq->state = TULLE_QUEUE_ERROR;
	tfw_list_del(&cq->dirty);
	tfw_list_del(&cq->starved);
	tfw_timer_cancel(e, &cq->mod);
	tfw_log(e, TFW_LOG_DEBUG, "CQ %#x stopped", cq->obj.handle);
	tfw_event_queue_error(&cq->obj);
	tfw_qp_cq_error(cq->obj.func);
}

static void cq_fire(struct tfw_cq *cq, u32 sn)
{
	struct tulle_eqe eqe = {
		.type = TULLE_EVENT_COMPLETION,
		.obj = TULLE_OBJ_CQ,
		.func = cpu_to_le16(cq->obj.func->id),
		.handle = cpu_to_le32(cq->obj.handle),
	};

	tfw_timer_cancel(tfw_func_engine(cq->obj.func), &cq->mod);
	if (!tfw_eq_push(cq->eq, &eqe)) {
		tfw_eq_starve(cq->eq, cq);
		return;
	}
	cq->fired_sn = sn;
	cq->at_once = false;
	cq->fired_at = tfw_func_engine(cq->obj.func)->now;
	cq->solicited = false;
}

/*
 * Armed, and with CQEs that the driver has not consumed: now or later? A
 * completion after a quiet time does not wait: only a stream is slowed down.
 */
static void cq_moderate(struct tfw_cq *cq, u32 sn)
{
	struct tfw_engine *e = tfw_func_engine(cq->obj.func);
	bool restart = cq->flags & TULLE_CQ_F_MOD_CQE;
	u32 frames = 1U << cq->ring.log_size >> 1;
	u64 due;

	if (cq->mod_frames && cq->mod_frames < frames)
		frames = cq->mod_frames;
	due = (restart ? e->now : cq->fired_at) + (u64)cq->mod_usecs * 1000;
	if (due <= e->now || cq->pi - cq->ci >= frames)
		cq_fire(cq, sn);
	else if (restart || !tfw_timer_armed(&cq->mod))
		tfw_timer_arm(e, &cq->mod, due);
}

/*
 * The fence between the CQEs and this look at the arm word is the caller's.
 * A CQ that is not armed needs nothing: its driver polls once more after it
 * arms. One that was polled empty (ci == pi) needs nothing either, which
 * saves the interrupts that would find no work. Before the first CQE nobody
 * waits, and the driver may not know the handle yet, whatever a process has
 * written into its record.
 */
static void cq_evaluate(struct tfw_cq *cq, bool expired)
{
	u32 arm, sn, mode;

	if (cq->state != TULLE_QUEUE_READY || !cq_load(cq, &arm))
		return;
	mode = u32_get_bits(arm, TULLE_ARM_MODE);
	sn = u32_get_bits(arm, TULLE_ARM_SN);
	if (mode == TULLE_ARM_NONE || sn == cq->fired_sn || cq->pi == cq->ci ||
	    !cq->used) {
		tfw_timer_cancel(tfw_func_engine(cq->obj.func), &cq->mod);
		cq->solicited = false;
		return;
	}
	if (mode == TULLE_ARM_SOLICITED && !cq->solicited)
		return;
	if (expired || cq->at_once)
		cq_fire(cq, sn);
	else
		cq_moderate(cq, sn);
}

static void cq_mod_timer(struct tfw_timer *t)
{
	cq_evaluate(tfw_container(t, struct tfw_cq, mod), true);
}

void tfw_cq_poke(struct tfw_cq *cq)
{
	cq->at_once = true;
	atomic_thread_fence(memory_order_seq_cst);
	cq_evaluate(cq, false);
}

void tfw_cq_dirty(struct tfw_cq *cq)
{
	if (tfw_list_empty(&cq->dirty))
		tfw_list_add_tail(&tfw_func_engine(cq->obj.func)->dirty_cqs,
				  &cq->dirty);
}

void tfw_cq_flush(struct tfw_engine *e)
{
	struct tfw_cq *cq;

	if (tfw_list_empty(&e->dirty_cqs))
		return;
	/* One for all; pairs with the fence of drivers after arming. */
	atomic_thread_fence(memory_order_seq_cst);
	while (!tfw_list_empty(&e->dirty_cqs)) {
		cq = tfw_container(e->dirty_cqs.next, struct tfw_cq, dirty);
		tfw_list_del(&cq->dirty);
		cq_evaluate(cq, false);
	}
}

/* Entry of the ring's size from a CQE of 32 or 64 bytes. */
static void cq_build(struct tfw_cq *cq, u8 *entry, const void *cqe, size_t len)
{
	size_t size = 1UL << cq->ring.log_entry;

	memset(entry, 0, size - len);
	memcpy(entry + size - len, cqe, len);
	tfw_lie_cqe(cq->obj.func->dev, entry, size);
	entry[size - 1] = !(cq->pi >> cq->ring.log_size & 1);
}

bool tfw_cq_push(struct tfw_cq *cq, void *cqe, size_t len, unsigned int flags)
{
	u8 entry[64] __attribute__((aligned(8)));
	struct tfw_func *f = cq->obj.func;

	if (cq->state != TULLE_QUEUE_READY)
		return false;
	if (!tfw_assert(f->dev, len <= 1UL << cq->ring.log_entry))
		return false;
	if (tfw_fault(f->dev, TFW_FAULT_CQE_LOST))
		return true;
	if (!tfw_cq_room(cq, 1)) {
		cq_error(cq);
		return false;
	}
	cq_build(cq, entry, cqe, len);
	if (!tfw_dma_publish(f, tfw_ring_addr(&cq->ring, cq->pi), entry,
			     1UL << cq->ring.log_entry)) {
		cq_error(cq);
		return false;
	}
	cq->pi++;
	cq->used = true;
	if (flags & TFW_CQE_F_SOLICITED)
		cq->solicited = true;
	tfw_cq_dirty(cq);
	return true;
}

struct tfw_cq *tfw_cq_find(struct tfw_func *f, u32 handle)
{
	return tfw_obj_find(f, TULLE_OBJ_CQ, handle);
}

void tfw_cq_destroy(struct tfw_obj *obj)
{
	struct tfw_cq *cq = tfw_container(obj, struct tfw_cq, obj);

	tfw_list_del(&cq->dirty);
	tfw_list_del(&cq->starved);
	tfw_timer_cancel(tfw_func_engine(obj->func), &cq->mod);
	tfw_ring_cleanup(obj->func, &cq->ring);
	tfw_uar_put(obj->func, cq->uar);
	tfw_obj_put(&cq->eq->obj);
	tfw_obj_free(obj);
}

static enum tulle_status cq_check_ctx(struct tfw_cmd *cmd,
				      const struct tulle_cq_ctx *ctx)
{
	if (ctx->log_size > TFW_LOG_MAX_CQ)
		return TFW_CMD_BAD(cmd, struct tulle_cq_ctx, log_size);
	if (ctx->log_cqe_size < 5 || ctx->log_cqe_size > 6)
		return TFW_CMD_BAD(cmd, struct tulle_cq_ctx, log_cqe_size);
	if (ctx->flags & ~TULLE_CQ_F_MOD_CQE)
		return TFW_CMD_BAD(cmd, struct tulle_cq_ctx, flags);
	if (le16_to_cpu(ctx->mod_usecs) > TFW_MAX_MODERATION)
		return TFW_CMD_BAD(cmd, struct tulle_cq_ctx, mod_usecs);
	if (le16_to_cpu(ctx->mod_frames) > TFW_MAX_MODERATION)
		return TFW_CMD_BAD(cmd, struct tulle_cq_ctx, mod_frames);
	if (le64_to_cpu(ctx->dbr) % sizeof(struct tulle_dbr))
		return TFW_CMD_BAD(cmd, struct tulle_cq_ctx, dbr);
	if (ctx->handle ? ctx->state > TULLE_QUEUE_ERROR : ctx->state)
		return TFW_CMD_BAD(cmd, struct tulle_cq_ctx, state);
	if (!ctx->handle && ctx->pi)
		return TFW_CMD_BAD(cmd, struct tulle_cq_ctx, pi);
	if (!ctx->handle && ctx->fired_sn)
		return TFW_CMD_BAD(cmd, struct tulle_cq_ctx, fired_sn);
	return TULLE_STATUS_OK;
}

/*
 * Every CQ may have one event in its EQ: no more CQs than entries, and none
 * on EQ0, whose events have room promised to nobody.
 */
static enum tulle_status cq_find_eq(struct tfw_cmd *cmd,
				    const struct tulle_cq_ctx *ctx,
				    struct tfw_eq **out)
{
	struct tfw_eq *eq;

	eq = tfw_obj_find(cmd->func, TULLE_OBJ_EQ, le32_to_cpu(ctx->eq));
	if (!eq)
		return TULLE_STATUS_BAD_HANDLE;
	if (eq->flags & TULLE_EQ_F_ASYNC)
		return TFW_CMD_BAD(cmd, struct tulle_cq_ctx, eq);
	if (eq->obj.refs >= 1U << eq->ring.log_size)
		return TULLE_STATUS_QUOTA;
	*out = eq;
	return TULLE_STATUS_OK;
}

static enum tulle_status cq_init(struct tfw_cq *cq, struct tfw_cmd *cmd,
				 const struct tulle_cq_ctx *ctx)
{
	u16 uar = le16_to_cpu(ctx->uar);
	enum tulle_status st;

	tfw_list_init(&cq->dirty);
	tfw_list_init(&cq->starved);
	tfw_timer_init(&cq->mod, cq_mod_timer);
	cq->dbr = le64_to_cpu(ctx->dbr);
	cq->pi = le32_to_cpu(ctx->pi);
	cq->fired_sn = le32_to_cpu(ctx->fired_sn);
	cq->mod_frames = le16_to_cpu(ctx->mod_frames);
	cq->mod_usecs = le16_to_cpu(ctx->mod_usecs);
	cq->flags = ctx->flags;
	cq->state = ctx->state;
	st = tfw_ring_init(cmd->func, &cq->ring, &ctx->pages, ctx->log_size,
			   ctx->log_cqe_size);
	if (st == TULLE_STATUS_BAD_PARAM)
		return TFW_CMD_BAD(cmd, struct tulle_cq_ctx, pages);
	if (st)
		return st;
	if (!tfw_uar_get(cmd->func, uar)) {
		tfw_ring_cleanup(cmd->func, &cq->ring);
		return TFW_CMD_BAD(cmd, struct tulle_cq_ctx, uar);
	}
	cq->uar = uar;
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_create_cq(struct tfw_cmd *cmd)
{
	const struct tulle_cq_ctx *ctx = cmd->in;
	struct tulle_handle_rsp *rsp = cmd->out;
	enum tulle_status st;
	struct tfw_eq *eq;
	struct tfw_cq *cq;
	u32 arm;

	st = cq_check_ctx(cmd, ctx);
	if (!st)
		st = cq_find_eq(cmd, ctx, &eq);
	if (st)
		return st;
	cq = tfw_obj_alloc(cmd->func, TULLE_OBJ_CQ, sizeof(*cq),
			   le32_to_cpu(ctx->handle), &st);
	if (!cq)
		return st;
	st = cq_init(cq, cmd, ctx);
	if (st) {
		tfw_obj_free(&cq->obj);
		return st;
	}
	cq->eq = eq;
	tfw_obj_get(&eq->obj);
	if (!cq_load(cq, &arm)) {
		tfw_cq_destroy(&cq->obj);
		return TULLE_STATUS_DMA;
	}
	/* A restored one may owe an event. */
	cq->used = ctx->handle;
	tfw_cq_dirty(cq);
	rsp->handle = cpu_to_le32(cq->obj.handle);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_cq(struct tfw_cmd *cmd)
{
	const struct tulle_handle_req *req = cmd->in;
	struct tulle_cq_ctx *ctx = cmd->out;
	struct tfw_cq *cq;

	cq = tfw_cq_find(cmd->func, le32_to_cpu(req->handle));
	if (!cq)
		return TULLE_STATUS_BAD_HANDLE;
	*ctx = (struct tulle_cq_ctx){
		.handle = cpu_to_le32(cq->obj.handle),
		.eq = cpu_to_le32(cq->eq->obj.handle),
		.pages = cq->ring.list,
		.dbr = cpu_to_le64(cq->dbr),
		.log_size = cq->ring.log_size,
		.log_cqe_size = cq->ring.log_entry,
		.uar = cpu_to_le16(cq->uar),
		.mod_frames = cpu_to_le16(cq->mod_frames),
		.mod_usecs = cpu_to_le16(cq->mod_usecs),
		.flags = cq->flags,
		.state = cq->state,
		.pi = cpu_to_le32(cq->pi),
		.fired_sn = cpu_to_le32(cq->fired_sn),
	};
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_modify_cq(struct tfw_cmd *cmd)
{
	const struct tulle_modify_cq *req = cmd->in;
	struct tfw_cq *cq;

	cq = tfw_cq_find(cmd->func, le32_to_cpu(req->handle));
	if (!cq)
		return TULLE_STATUS_BAD_HANDLE;
	if (req->flags & ~TULLE_CQ_F_MOD_CQE)
		return TFW_CMD_BAD(cmd, struct tulle_modify_cq, flags);
	if (le16_to_cpu(req->mod_frames) > TFW_MAX_MODERATION)
		return TFW_CMD_BAD(cmd, struct tulle_modify_cq, mod_frames);
	if (le16_to_cpu(req->mod_usecs) > TFW_MAX_MODERATION)
		return TFW_CMD_BAD(cmd, struct tulle_modify_cq, mod_usecs);
	cq->mod_frames = le16_to_cpu(req->mod_frames);
	cq->mod_usecs = le16_to_cpu(req->mod_usecs);
	cq->flags = req->flags;
	/* What waits under the old terms is judged by the new ones. */
	tfw_timer_cancel(tfw_func_engine(cmd->func), &cq->mod);
	tfw_cq_dirty(cq);
	return TULLE_STATUS_OK;
}
