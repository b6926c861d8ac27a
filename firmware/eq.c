// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Event queues: entries, arming, interrupts.
 */
#include "dev.h"

static void eq_interrupt(struct tfw_eq *eq)
{
	struct tfw_func *f = eq->obj.func;

	if (tfw_fault(f->dev, TFW_FAULT_IRQ_LOST))
		return;
	f->dev->engine->plat->irq(f->dev->host, f->id, eq->vector);
}

/* Reads consumer index and arm word, which lie side by side, at once. */
static bool eq_load(struct tfw_eq *eq, u32 *arm)
{
	u64 val;

	if (!tfw_dma_load64(eq->obj.func,
			    eq->dbr + offsetof(struct tulle_dbr, ci), &val))
		return false;
	eq->ci = (u32)val;
	*arm = (u32)(val >> 32);
	return true;
}

static bool eq_is_full(struct tfw_eq *eq)
{
	u32 size = 1U << eq->ring.log_size;
	u32 arm;

	if (eq->pi - eq->ci < size)
		return false;
	return !eq_load(eq, &arm) || eq->pi - eq->ci >= size;
}

static void eq_check_arm(struct tfw_eq *eq)
{
	u32 arm, sn;

	if (!eq_load(eq, &arm) || eq->ci == eq->pi)
		return;
	sn = u32_get_bits(arm, TULLE_ARM_SN);
	if (u32_get_bits(arm, TULLE_ARM_MODE) == TULLE_ARM_NONE ||
	    sn == eq->fired_sn)
		return;
	eq->fired_sn = sn;
	eq_interrupt(eq);
}

static bool eq_write(struct tfw_eq *eq, struct tulle_eqe *eqe)
{
	struct tfw_func *f = eq->obj.func;

	eqe->owner = !(eq->pi >> eq->ring.log_size & 1);
	if (!tfw_dma_publish(f, tfw_ring_addr(&eq->ring, eq->pi), eqe,
			     sizeof(*eqe))) {
		if (f->async_eq == eq && tfw_func_live(f))
			tfw_health_die(f, TULLE_SYNDROME_DMA, __FILE__,
				       __LINE__);
		return false;
	}
	eq->pi++;
	f->events++;
	return true;
}

bool tfw_eq_push(struct tfw_eq *eq, struct tulle_eqe *eqe)
{
	struct tulle_eqe copy = *eqe;
	bool storm;

	if (eq_is_full(eq))
		return false;
	storm = tfw_lie_eqe(eq->obj.func->dev, &copy);
	if (!eq_write(eq, &copy))
		return false;
	while (storm && !eq_is_full(eq))
		storm = eq_write(eq, &copy);
	/* Pairs with the driver's fence between arming and polling. */
	atomic_thread_fence(memory_order_seq_cst);
	eq_check_arm(eq);
	return true;
}

static void eq_retry_later(struct tfw_eq *eq)
{
	struct tfw_engine *e = tfw_func_engine(eq->obj.func);

	if (!tfw_timer_armed(&eq->retry))
		tfw_timer_arm(e, &eq->retry, e->now + TFW_EQ_RETRY_NS);
}

void tfw_eq_starve(struct tfw_eq *eq, struct tfw_cq *cq)
{
	if (tfw_list_empty(&cq->starved))
		tfw_list_add_tail(&eq->starved, &cq->starved);
	eq_retry_later(eq);
}

/* The starved get another try, as many as there is room for. */
static void eq_feed(struct tfw_eq *eq)
{
	struct tfw_list *n = NULL;

	while (!tfw_list_empty(&eq->starved)) {
		/* Back on the list: then no other would fare better. */
		if ((n && !tfw_list_empty(n)) || eq_is_full(eq)) {
			eq_retry_later(eq);
			return;
		}
		n = eq->starved.next;
		tfw_list_del(n);
		tfw_cq_poke(tfw_container(n, struct tfw_cq, starved));
	}
}

static void eq_retry(struct tfw_timer *t)
{
	eq_feed(tfw_container(t, struct tfw_eq, retry));
}

void tfw_eq_poke(struct tfw_eq *eq)
{
	struct tfw_func *f = eq->obj.func;

	atomic_thread_fence(memory_order_seq_cst);
	eq_check_arm(eq);
	eq_feed(eq);
	if (f->async_eq == eq)
		tfw_event_flush(f);
}

void tfw_eq_destroy(struct tfw_obj *obj)
{
	struct tfw_eq *eq = tfw_container(obj, struct tfw_eq, obj);
	struct tfw_func *f = obj->func;

	if (f->async_eq == eq) {
		f->async_eq = NULL;
		tfw_event_reset(f);
	}
	tfw_timer_cancel(f->dev->engine, &eq->retry);
	tfw_ring_cleanup(f, &eq->ring);
	tfw_uar_put(f, eq->uar);
	tfw_obj_free(obj);
}

static enum tulle_status eq_check_ctx(struct tfw_cmd *cmd,
				      const struct tulle_eq_ctx *ctx)
{
	struct tfw_func *f = cmd->func;

	if (le16_to_cpu(ctx->vector) >= f->nvectors)
		return TFW_CMD_BAD(cmd, struct tulle_eq_ctx, vector);
	if (ctx->log_size > TFW_LOG_MAX_EQ)
		return TFW_CMD_BAD(cmd, struct tulle_eq_ctx, log_size);
	if (ctx->flags & ~TULLE_EQ_F_ASYNC)
		return TFW_CMD_BAD(cmd, struct tulle_eq_ctx, flags);
	if (le64_to_cpu(ctx->dbr) % sizeof(struct tulle_dbr))
		return TFW_CMD_BAD(cmd, struct tulle_eq_ctx, dbr);
	if (!ctx->handle && ctx->pi)
		return TFW_CMD_BAD(cmd, struct tulle_eq_ctx, pi);
	if (!ctx->handle && ctx->fired_sn)
		return TFW_CMD_BAD(cmd, struct tulle_eq_ctx, fired_sn);
	if (ctx->flags & TULLE_EQ_F_ASYNC && f->async_eq)
		return TULLE_STATUS_EXISTS;
	return TULLE_STATUS_OK;
}

static enum tulle_status eq_init(struct tfw_eq *eq, struct tfw_cmd *cmd,
				 const struct tulle_eq_ctx *ctx)
{
	u16 uar = le16_to_cpu(ctx->uar);
	enum tulle_status st;

	tfw_list_init(&eq->starved);
	tfw_timer_init(&eq->retry, eq_retry);
	eq->dbr = le64_to_cpu(ctx->dbr);
	eq->pi = le32_to_cpu(ctx->pi);
	eq->ci = eq->pi;
	eq->fired_sn = le32_to_cpu(ctx->fired_sn);
	eq->vector = le16_to_cpu(ctx->vector);
	eq->flags = ctx->flags;
	st = tfw_ring_init(cmd->func, &eq->ring, &ctx->pages, ctx->log_size,
			   5);
	if (st == TULLE_STATUS_BAD_PARAM)
		return TFW_CMD_BAD(cmd, struct tulle_eq_ctx, pages);
	if (st)
		return st;
	if (!tfw_uar_get(cmd->func, uar)) {
		tfw_ring_cleanup(cmd->func, &eq->ring);
		return TFW_CMD_BAD(cmd, struct tulle_eq_ctx, uar);
	}
	eq->uar = uar;
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_create_eq(struct tfw_cmd *cmd)
{
	const struct tulle_eq_ctx *ctx = cmd->in;
	struct tulle_handle_rsp *rsp = cmd->out;
	enum tulle_status st;
	struct tfw_eq *eq;
	u32 arm;

	st = eq_check_ctx(cmd, ctx);
	if (st)
		return st;
	eq = tfw_obj_alloc(cmd->func, TULLE_OBJ_EQ, sizeof(*eq),
			   le32_to_cpu(ctx->handle), &st);
	if (!eq)
		return st;
	st = eq_init(eq, cmd, ctx);
	if (st) {
		tfw_obj_free(&eq->obj);
		return st;
	}
	/* A restored queue may hold entries that were not consumed yet. */
	if (!eq_load(eq, &arm)) {
		tfw_eq_destroy(&eq->obj);
		return TULLE_STATUS_DMA;
	}
	if (eq->flags & TULLE_EQ_F_ASYNC)
		cmd->func->async_eq = eq;
	rsp->handle = cpu_to_le32(eq->obj.handle);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_eq(struct tfw_cmd *cmd)
{
	const struct tulle_handle_req *req = cmd->in;
	struct tulle_eq_ctx *ctx = cmd->out;
	struct tfw_eq *eq;

	eq = tfw_obj_find(cmd->func, TULLE_OBJ_EQ, le32_to_cpu(req->handle));
	if (!eq)
		return TULLE_STATUS_BAD_HANDLE;
	*ctx = (struct tulle_eq_ctx){
		.handle = cpu_to_le32(eq->obj.handle),
		.vector = cpu_to_le16(eq->vector),
		.uar = cpu_to_le16(eq->uar),
		.pages = eq->ring.list,
		.dbr = cpu_to_le64(eq->dbr),
		.log_size = eq->ring.log_size,
		.flags = eq->flags,
		.pi = cpu_to_le32(eq->pi),
		.fired_sn = cpu_to_le32(eq->fired_sn),
	};
	return TULLE_STATUS_OK;
}
