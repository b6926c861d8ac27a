// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * What SQs and RQs have in common: doorbell record, kick rule, error state.
 */
#include "rdma.h"

#define DBR_ALIGN	128

bool tfw_wq_load_pi(struct tfw_wq *q)
{
	return tfw_dma_load32(q->obj.func,
			      q->dbr + offsetof(struct tulle_dbr, pi), &q->pi);
}

static bool wq_store_evt(struct tfw_wq *q, u32 evt)
{
	q->evt = evt;
	return tfw_dma_store32(q->obj.func,
			       q->dbr + offsetof(struct tulle_dbr, evt), evt);
}

bool tfw_wq_awake(struct tfw_wq *q)
{
	/*
	 * Far enough to last: rewritten only when pi came within half the
	 * distance, so a busy queue costs a store per 2^30 entries.
	 */
	if (q->evt - q->pi > TULLE_EVT_FAR / 2 &&
	    q->evt - q->pi <= TULLE_EVT_FAR)
		return true;
	return wq_store_evt(q, q->pi + TULLE_EVT_FAR);
}

bool tfw_wq_sleep(struct tfw_wq *q, bool *ok)
{
	u32 before = q->pi;

	*ok = true;
	if (tfw_func_engine(q->obj.func)->polling) {
		*ok = tfw_wq_awake(q) && tfw_wq_load_pi(q);
		return false;
	}
	if (!wq_store_evt(q, before)) {
		*ok = false;
		return false;
	}
	/* Pairs with the driver's fence between storing pi and loading evt. */
	atomic_thread_fence(memory_order_seq_cst);
	*ok = tfw_wq_load_pi(q);
	return *ok && q->pi == before;
}

bool tfw_wq_store_hint(struct tfw_wq *q)
{
	return tfw_dma_store32(q->obj.func,
			       q->dbr + offsetof(struct tulle_dbr, ci_hint),
			       q->ci);
}

enum tulle_status tfw_wq_init(struct tfw_wq *q, struct tfw_cmd *cmd, u16 uar,
			      size_t uar_offset, u64 dbr, size_t dbr_offset)
{
	if (dbr & (DBR_ALIGN - 1))
		return tfw_cmd_bad(cmd, dbr_offset);
	if (!tfw_uar_get(q->obj.func, uar))
		return tfw_cmd_bad(cmd, uar_offset);
	q->uar = uar;
	q->dbr = dbr;
	return TULLE_STATUS_OK;
}

void tfw_wq_cleanup(struct tfw_wq *q)
{
	tfw_work_cancel(&q->work);
	tfw_ring_cleanup(q->obj.func, &q->ring);
	tfw_uar_put(q->obj.func, q->uar);
}

void tfw_wq_error(struct tfw_wq *q)
{
	if (q->state == TULLE_QUEUE_ERROR)
		return;
	q->state = TULLE_QUEUE_ERROR;
	tfw_work_cancel(&q->work);
	tfw_event_queue_error(&q->obj);
}

static void wq_kick_type(struct tfw_func *f, enum tulle_obj_type type,
			 u64 pages)
{
	struct tfw_wq *q;
	u32 index = 0;

	while ((q = tfw_obj_next(f, type, &index)))
		if (pages & tfw_page_bit(q->uar) &&
		    q->state == TULLE_QUEUE_READY)
			tfw_work_queue(f->dev->engine, &q->work);
}

void tfw_wq_kick_all(struct tfw_func *f, u64 pages)
{
	struct tfw_cq *cq;
	struct tfw_eq *eq;
	u32 index = 0;

	wq_kick_type(f, TULLE_OBJ_SQ, pages);
	wq_kick_type(f, TULLE_OBJ_RQ, pages);
	while ((cq = tfw_obj_next(f, TULLE_OBJ_CQ, &index)))
		if (pages & tfw_page_bit(cq->uar))
			tfw_cq_dirty(cq);
	tfw_rdma_kick_all(f, pages);
	for (index = 0; (eq = tfw_obj_next(f, TULLE_OBJ_EQ, &index));)
		if (pages & tfw_page_bit(eq->uar))
			tfw_eq_poke(eq);
}
