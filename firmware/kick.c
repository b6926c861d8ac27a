// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Doorbell writes on their way from the bus to the engine. The writer may not
 * wait for the engine, so it leaves the kick in a bounded queue; when that is
 * full a bit says that any queue of that doorbell page may have been kicked,
 * which is always a correct thing to believe. The pages that share the bit pay
 * for it as well, the others with no more than a glance.
 */
#include "rdma.h"

#define KICK_KIND	TULLE_BITS64(7, 0)
#define KICK_PAGE	TULLE_BITS64(31, 8)
#define KICK_FUNC	TULLE_BITS64(47, 32)

/* Doorbell offset / 8. */
enum kick_kind {
	KICK_SQ		= TULLE_UAR_SQ / 8,
	KICK_RQ		= TULLE_UAR_RQ / 8,
	KICK_CQ		= TULLE_UAR_CQ / 8,
	KICK_EQ		= TULLE_UAR_EQ / 8,
	KICK_QP_SQ	= TULLE_UAR_QP_SQ / 8,
	KICK_QP_RQ	= TULLE_UAR_QP_RQ / 8,
	KICK_SRQ	= TULLE_UAR_SRQ / 8,
	KICKS		= 7,
};

void tfw_kicks_init(struct tfw_kicks *k)
{
	u32 i;

	k->head = 0;
	atomic_init(&k->tail, 0);
	atomic_init(&k->overflow, false);
	for (i = 0; i < TFW_KICKS; i++)
		atomic_init(&k->cell[i].seq, i);
}

/*
 * A cell is free for position p when seq == p, and filled when seq == p + 1
 * (release, pairs with the acquire in kicks_pop()).
 */
static bool kicks_push(struct tfw_kicks *k, u64 from, u32 handle)
{
	u32 pos = atomic_load_explicit(&k->tail, memory_order_relaxed);
	struct tfw_kick_cell *cell;
	s32 diff;

	for (;;) {
		cell = &k->cell[pos & (TFW_KICKS - 1)];
		diff = (s32)(atomic_load_explicit(&cell->seq,
						  memory_order_acquire) - pos);
		if (diff < 0)
			return false;
		if (diff > 0) {
			pos = atomic_load_explicit(&k->tail,
						   memory_order_relaxed);
			continue;
		}
		/* The weak form: a failure loads pos anew. */
		if (atomic_compare_exchange_weak(&k->tail, &pos, pos + 1))
			break;
	}
	cell->from = from;
	cell->handle = handle;
	atomic_store_explicit(&cell->seq, pos + 1, memory_order_release);
	return true;
}

static bool kicks_pop(struct tfw_kicks *k, u64 *from, u32 *handle)
{
	struct tfw_kick_cell *cell = &k->cell[k->head & (TFW_KICKS - 1)];
	u32 seq = atomic_load_explicit(&cell->seq, memory_order_acquire);

	if (seq != k->head + 1)
		return false;
	*from = cell->from;
	*handle = cell->handle;
	atomic_store_explicit(&cell->seq, k->head + TFW_KICKS,
			      memory_order_release);
	k->head++;
	return true;
}

void tfw_kick(struct tfw_dev *dev, uint16_t func, uint32_t offset,
	      uint32_t value)
{
	struct tfw_func *f = tfw_func_find(dev, func);
	u32 log_stride, in_page;
	u64 from;

	if (!f)
		return;
	log_stride = atomic_load_explicit(&f->log_stride, memory_order_relaxed);
	in_page = offset & ((1U << log_stride) - 1);
	if (in_page / 8 >= KICKS || in_page % 8)
		return;
	from = u64_encode_bits(in_page / 8, KICK_KIND) |
	       u64_encode_bits(offset >> log_stride, KICK_PAGE) |
	       u64_encode_bits(func, KICK_FUNC);
	if (!kicks_push(&dev->kicks, from, value)) {
		atomic_fetch_or(&f->lost_kicks,
				tfw_page_bit(offset >> log_stride));
		atomic_store(&dev->kicks.overflow, true);
	}
	/*
	 * Behind the push, sequentially consistent: whoever drops the engine
	 * lock reads it afterwards (tfw_engine_kicked()), whoever wrote it
	 * tries the lock afterwards. One of the two sees the other.
	 */
	atomic_store(&dev->engine->kicked, true);
}

bool tfw_engine_kicked(struct tfw_engine *e)
{
	return atomic_load(&e->kicked);
}

static void kick_wq(struct tfw_func *f, enum tulle_obj_type type, u32 handle,
		    u16 page)
{
	struct tfw_wq *q = tfw_obj_find(f, type, handle);

	if (q && q->uar == page && q->state == TULLE_QUEUE_READY)
		tfw_work_queue(f->dev->engine, &q->work);
}

static void kick_qp(struct tfw_func *f, u32 handle, u16 page, bool sq)
{
	struct tfw_qp *qp = tfw_obj_find(f, TULLE_OBJ_QP, handle);

	if (!qp || qp->uar != page || qp->type == TULLE_QP_XRC_TGT)
		return;
	TFW_QP_COUNT(qp, doorbells, 1);
	if (sq)
		tfw_qp_kick_sq(qp);
	else
		tfw_qp_kick_rq(qp);
}

static void kick_srq(struct tfw_func *f, u32 handle, u16 page)
{
	struct tfw_srq *srq = tfw_obj_find(f, TULLE_OBJ_SRQ, handle);

	/* Nothing waits for it: the next receive looks for itself. */
	if (srq && srq->uar == page)
		f->rdma->stats.doorbells++;
}

static void kick_apply(struct tfw_dev *dev, u64 from, u32 handle)
{
	struct tfw_func *f = tfw_func_find(dev, (u16)u64_get_bits(from,
								  KICK_FUNC));
	u16 page = (u16)u64_get_bits(from, KICK_PAGE);
	struct tfw_cq *cq;
	struct tfw_eq *eq;

	if (!tfw_func_live(f))
		return;		/* all queues are looked at once it is */
	switch (u64_get_bits(from, KICK_KIND)) {
	case KICK_SQ:
		kick_wq(f, TULLE_OBJ_SQ, handle, page);
		break;
	case KICK_RQ:
		kick_wq(f, TULLE_OBJ_RQ, handle, page);
		break;
	case KICK_CQ:
		cq = tfw_obj_find(f, TULLE_OBJ_CQ, handle);
		if (cq && cq->uar == page)
			tfw_cq_poke(cq);
		break;
	case KICK_EQ:
		eq = tfw_obj_find(f, TULLE_OBJ_EQ, handle);
		if (eq && eq->uar == page)
			tfw_eq_poke(eq);
		break;
	case KICK_QP_SQ:
		kick_qp(f, handle, page, true);
		break;
	case KICK_QP_RQ:
		kick_qp(f, handle, page, false);
		break;
	case KICK_SRQ:
		kick_srq(f, handle, page);
		break;
	}
}

static void kicks_drain_dev(struct tfw_dev *dev)
{
	unsigned int left = TFW_KICKS;
	u64 from, pages;
	u32 i, handle;

	while (left-- && kicks_pop(&dev->kicks, &from, &handle))
		kick_apply(dev, from, handle);
	if (!atomic_exchange(&dev->kicks.overflow, false))
		return;
	for (i = 0; i < dev->nfuncs; i++) {
		pages = atomic_exchange(&dev->funcs[i].lost_kicks, 0);
		if (pages && tfw_func_live(&dev->funcs[i]))
			tfw_wq_kick_all(&dev->funcs[i], pages);
	}
}

void tfw_kicks_drain(struct tfw_engine *e)
{
	struct tfw_list *n;

	if (!atomic_load_explicit(&e->kicked, memory_order_relaxed) ||
	    !atomic_exchange(&e->kicked, false))
		return;
	for (n = e->devs.next; n != &e->devs; n = n->next)
		kicks_drain_dev(tfw_container(n, struct tfw_dev, node));
}
