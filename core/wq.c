// SPDX-License-Identifier: GPL-2.0
/* Send and receive queues: memory and contexts. */

#include "core.h"

int tulle_wq_alloc(struct tulle_dev *dev, struct tulle_wq *wq, u8 log_size,
		   u8 log_entry)
{
	int err;

	memset(wq, 0, sizeof(*wq));
	if (log_entry < 5 || log_entry > 12 ||
	    log_size > max(dev->limits.log_max_sq_size,
			   dev->limits.log_max_rq_size))
		return -EINVAL;
	err = tulle_mem_alloc(dev, &wq->mem, 1UL << (log_size + log_entry));
	if (err)
		return err;
	err = tulle_dbr_alloc(dev, &wq->dbr);
	if (err) {
		tulle_mem_free(dev, &wq->mem);
		return err;
	}
	tulle_ring_init(&wq->prod.ring, wq->mem.buf, log_size, log_entry);
	tulle_prod_init(&wq->prod, wq->dbr.dbr);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(tulle_wq_alloc, "TULLE_CORE");

void tulle_wq_free(struct tulle_dev *dev, struct tulle_wq *wq)
{
	tulle_dbr_free(dev, &wq->dbr);
	tulle_mem_free(dev, &wq->mem);
}
EXPORT_SYMBOL_NS_GPL(tulle_wq_free, "TULLE_CORE");

int tulle_sq_create(struct tulle_dev *dev, struct tulle_wq *wq,
		    struct tulle_sq_ctx *ctx)
{
	ctx->handle = 0;
	ctx->pages = wq->mem.pages;
	ctx->dbr = cpu_to_le64(wq->dbr.dma);
	ctx->log_size = wq->prod.ring.log_size;
	ctx->uar = cpu_to_le16(TULLE_UAR_KERNEL);
	return tulle_obj_create(dev, TULLE_CMD_CREATE_SQ, ctx, sizeof(*ctx),
				&wq->handle);
}
EXPORT_SYMBOL_NS_GPL(tulle_sq_create, "TULLE_CORE");

static void tulle_rq_fill(struct tulle_wq *wq, struct tulle_rq_ctx *ctx)
{
	ctx->pages = wq->mem.pages;
	ctx->dbr = cpu_to_le64(wq->dbr.dma);
	ctx->log_size = wq->prod.ring.log_size;
	ctx->log_wqe_size = wq->prod.ring.log_entry;
	ctx->uar = cpu_to_le16(TULLE_UAR_KERNEL);
}

int tulle_rq_create(struct tulle_dev *dev, struct tulle_wq *wq,
		    struct tulle_rq_ctx *ctx)
{
	ctx->handle = 0;
	tulle_rq_fill(wq, ctx);
	return tulle_obj_create(dev, TULLE_CMD_CREATE_RQ, ctx, sizeof(*ctx),
				&wq->handle);
}
EXPORT_SYMBOL_NS_GPL(tulle_rq_create, "TULLE_CORE");

int tulle_rq_modify(struct tulle_dev *dev, u32 handle, u32 mask,
		    const struct tulle_rq_ctx *ctx)
{
	struct tulle_modify_rq in = {
		.mask = cpu_to_le32(mask),
		.ctx = *ctx,
	};
	int err;

	in.ctx.handle = cpu_to_le32(handle);
	err = tulle_cmd_exec(dev, TULLE_CMD_MODIFY_RQ, &in, sizeof(in), NULL,
			     0);
	/*
	 * When a stop is refused, or it is not clear which ring is in use now,
	 * memory can only be freed with DMA off. -EIO: it is off.
	 */
	if (err == -EPROTO ||
	    (err && err != -EIO && mask & TULLE_RQ_MOD_STATE &&
	     ctx->state == TULLE_QUEUE_STOPPED))
		tulle_dev_fail(dev, "a receive queue could not be stopped");
	return err;
}
EXPORT_SYMBOL_NS_GPL(tulle_rq_modify, "TULLE_CORE");

int tulle_rq_swap(struct tulle_dev *dev, u32 handle, struct tulle_wq *wq,
		  struct tulle_rq_ctx *ctx)
{
	int err;

	ctx->state = TULLE_QUEUE_READY;
	tulle_rq_fill(wq, ctx);
	err = tulle_rq_modify(dev, handle,
			      TULLE_RQ_MOD_RING | TULLE_RQ_MOD_FLAGS, ctx);
	if (!err)
		wq->handle = handle;
	return err;
}
EXPORT_SYMBOL_NS_GPL(tulle_rq_swap, "TULLE_CORE");
