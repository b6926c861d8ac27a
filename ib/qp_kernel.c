// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel queue pairs: their rings and shadows, where CQs find them, and what
 * happens to those of which the device says what cannot be.
 */

#include <linux/log2.h>
#include <linux/slab.h>

#include "ib.h"

#define QP_SQ_LOG_MIN	4	/* the longest WQE fits */
#define QP_RQ_LOG_MIN	4

/*
 * Blocks of the largest WQE: two headers, one of which takes the segment, and
 * the larger of inline data and SGEs.
 */
static u32 qp_sq_blocks(const struct tulle_ib_qp *qp,
			const struct ib_qp_cap *cap)
{
	u32 head = sizeof(struct tulle_qp_wqe) + sizeof(struct tulle_ud_seg);
	u32 data = max_t(u32, cap->max_inline_data,
			 cap->max_send_sge * sizeof(struct tulle_sge));

	return DIV_ROUND_UP(head + data, TULLE_SQ_BLOCK);
}

static int qp_alloc_wq(struct tulle_ib_dev *dev, struct tulle_ib_wq *wq,
		       u8 log_size, u8 log_entry, size_t shadow)
{
	int err;

	spin_lock_init(&wq->lock);
	err = tulle_mem_alloc(dev->tdev, &wq->mem, 1UL << (log_size +
							   log_entry));
	if (err)
		return err;
	wq->swqe = kvcalloc(1U << log_size, shadow, GFP_KERNEL);
	if (!wq->swqe) {
		tulle_mem_free(dev->tdev, &wq->mem);
		return -ENOMEM;
	}
	tulle_ring_init(&wq->prod.ring, wq->mem.buf, log_size, log_entry);
	return 0;
}

static void qp_free_wq(struct tulle_ib_dev *dev, struct tulle_ib_wq *wq)
{
	kvfree(wq->swqe);
	wq->swqe = NULL;
	tulle_mem_free(dev->tdev, &wq->mem);
}

static int qp_alloc_sq(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp,
		       struct ib_qp_init_attr *init, struct tulle_qp_ctx *ctx)
{
	const struct tulle_rdma_limits *rdma = &dev->tdev->rdma;
	struct ib_qp_cap *cap = &init->cap;
	u32 blocks, log_size;
	int err;

	blocks = qp_sq_blocks(qp, cap);
	if (blocks > rdma->max_blocks)
		return -EINVAL;
	/* With room for what is left empty where the ring wraps. */
	log_size = max_t(u32, order_base_2((cap->max_send_wr + 1) * blocks),
			 QP_SQ_LOG_MIN);
	if (log_size > rdma->log_max_qp_sq) {
		ibdev_dbg(&dev->ibdev, "%u send work requests of %u blocks are too many\n",
			  cap->max_send_wr, blocks);
		return -EINVAL;
	}
	err = qp_alloc_wq(dev, &qp->sq, log_size, ilog2(TULLE_SQ_BLOCK),
			  sizeof(*qp->sq.swqe));
	if (err)
		return err;
	qp->sq.max_wr = cap->max_send_wr;
	qp->sq.max_sge = cap->max_send_sge;
	qp->max_inline = cap->max_inline_data;
	ctx->log_sq_size = log_size;
	ctx->sq = qp->sq.mem.pages;
	return 0;
}

static int qp_alloc_rq(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp,
		       struct ib_qp_init_attr *init, struct tulle_qp_ctx *ctx)
{
	struct ib_qp_cap *cap = &init->cap;
	u32 log_size, log_wqe;
	int err;

	log_size = max_t(u32, order_base_2(cap->max_recv_wr), QP_RQ_LOG_MIN);
	log_wqe = order_base_2(struct_size_t(struct tulle_rq_wqe, sge,
					     max(cap->max_recv_sge, 1U)));
	err = qp_alloc_wq(dev, &qp->rq, log_size, log_wqe,
			  sizeof(*qp->rq.rwqe));
	if (err)
		return err;
	qp->rq.max_wr = cap->max_recv_wr;
	qp->rq.max_sge = cap->max_recv_sge;
	ctx->log_rq_size = log_size;
	ctx->log_rq_wqe = log_wqe;
	ctx->rq = qp->rq.mem.pages;
	return 0;
}

int tulle_ib_qp_alloc_kernel(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp,
			     struct ib_qp_init_attr *init,
			     struct tulle_qp_ctx *ctx)
{
	int err;

	spin_lock_init(&qp->sq.lock);
	spin_lock_init(&qp->rq.lock);
	/* Nothing in the kernel uses them. */
	if (qp->type == TULLE_QP_XRC_INI)
		return -EOPNOTSUPP;
	err = qp_alloc_sq(dev, qp, init, ctx);
	if (err)
		return err;
	if (!init->srq) {
		err = qp_alloc_rq(dev, qp, init, ctx);
		if (err)
			goto err_free_sq;
	}
	err = tulle_dbr_alloc(dev->tdev, &qp->dbr);
	if (err)
		goto err_free_rq;
	ctx->dbr = cpu_to_le64(qp->dbr.dma);
	ctx->uar = cpu_to_le16(TULLE_UAR_KERNEL);
	ctx->flags |= TULLE_QP_F_KERNEL;
	tulle_prod_init(&qp->sq.prod, qp->dbr.dbr);
	tulle_prod_init(&qp->rq.prod, qp->dbr.dbr);
	return 0;

err_free_rq:
	qp_free_wq(dev, &qp->rq);
err_free_sq:
	qp_free_wq(dev, &qp->sq);
	return err;
}

void tulle_ib_qp_free_kernel(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp)
{
	qp_free_wq(dev, &qp->sq);
	qp_free_wq(dev, &qp->rq);
	tulle_dbr_free(dev->tdev, &qp->dbr);
}

static int qp_enlist_cq(struct tulle_ib_qp *qp, struct ib_cq *ibcq)
{
	struct tulle_ib_cq *cq = to_tulle_ib_cq(ibcq);
	int err;

	err = tulle_ib_name(qp->dev, &cq->qps, qp->qpn, qp);
	if (err || qp->type != TULLE_QP_GSI || qp->qpn == TULLE_QPN_GSI)
		return err;
	/* Whatever its index, CQEs may use the number that the wire knows. */
	return tulle_ib_name(qp->dev, &cq->qps, TULLE_QPN_GSI, qp);
}

static void qp_delist_cq(struct tulle_ib_qp *qp, struct ib_cq *ibcq)
{
	struct tulle_ib_cq *cq = to_tulle_ib_cq(ibcq);

	/* If the device gave a name twice, it is the other one's. */
	xa_cmpxchg(&cq->qps, qp->qpn, qp, NULL, GFP_KERNEL);
	if (qp->type == TULLE_QP_GSI)
		xa_cmpxchg(&cq->qps, TULLE_QPN_GSI, qp, NULL, GFP_KERNEL);
}

/*
 * An event that came while the CQ had no queue pairs told nobody, and the device
 * gives no other until it is asked again.
 */
static void qp_arm_again(struct ib_cq *ibcq)
{
	struct tulle_ib_cq *cq = to_tulle_ib_cq(ibcq);
	unsigned long flags;

	spin_lock_irqsave(&cq->lock, flags);
	if (READ_ONCE(cq->armed))
		tulle_cons_arm(&cq->tcq.cons, cq->any ? TULLE_ARM_ANY :
							TULLE_ARM_SOLICITED);
	spin_unlock_irqrestore(&cq->lock, flags);
}

/*
 * From now on CQEs of the queue pair are understood; after a failure as well,
 * until tulle_ib_qp_delist().
 */
int tulle_ib_qp_enlist(struct tulle_ib_qp *qp)
{
	int err;

	if (qp->is_user)
		return 0;
	err = qp_enlist_cq(qp, qp->ibqp.send_cq);
	if (!err && qp->ibqp.recv_cq != qp->ibqp.send_cq)
		err = qp_enlist_cq(qp, qp->ibqp.recv_cq);
	if (err)
		return err;
	qp_arm_again(qp->ibqp.send_cq);
	qp_arm_again(qp->ibqp.recv_cq);
	return 0;
}

static void qp_clean_cqs(struct tulle_ib_qp *qp)
{
	tulle_ib_cq_clean(to_tulle_ib_cq(qp->ibqp.send_cq), qp);
	if (qp->ibqp.recv_cq != qp->ibqp.send_cq)
		tulle_ib_cq_clean(to_tulle_ib_cq(qp->ibqp.recv_cq), qp);
}

/* The device has destroyed it: nobody finds it any more. */
void tulle_ib_qp_delist(struct tulle_ib_qp *qp)
{
	struct ib_qp *ibqp = &qp->ibqp;
	unsigned long flags;

	if (qp->is_user)
		return;
	tulle_ib_cqs_lock(ibqp->send_cq, ibqp->recv_cq, &flags);
	qp_clean_cqs(qp);
	tulle_ib_cqs_unlock(ibqp->send_cq, ibqp->recv_cq, flags);
	qp_delist_cq(qp, ibqp->send_cq);
	if (ibqp->recv_cq != ibqp->send_cq)
		qp_delist_cq(qp, ibqp->recv_cq);
	/* Who looked it up did so under the locks: wait for the last one. */
	tulle_ib_cqs_lock(ibqp->send_cq, ibqp->recv_cq, &flags);
	tulle_ib_cqs_unlock(ibqp->send_cq, ibqp->recv_cq, flags);
	/* Not queued again: its CQEs are not understood any more. */
	cancel_work_sync(&qp->broken_work);
	/* The consumer is called on its behalf no more. */
	flush_work(&to_tulle_ib_cq(ibqp->send_cq)->wake_work);
	flush_work(&to_tulle_ib_cq(ibqp->recv_cq)->wake_work);
	if (xa_empty(&to_tulle_ib_cq(ibqp->send_cq)->qps) ||
	    xa_empty(&to_tulle_ib_cq(ibqp->recv_cq)->qps))
		tulle_compat_wake_sync();
}

static void qp_reset_wq(struct tulle_ib_wq *wq, struct tulle_dbr *dbr)
{
	if (!wq->mem.buf)
		return;
	memset(wq->mem.buf, 0, wq->mem.size);
	tulle_prod_init(&wq->prod, dbr);
}

/* Neither posts nor polls until tulle_ib_qp_unlock_rings(). */
void tulle_ib_qp_lock_rings(struct tulle_ib_qp *qp, unsigned long *flags)
{
	tulle_ib_cqs_lock(qp->ibqp.send_cq, qp->ibqp.recv_cq, flags);
	spin_lock(&qp->sq.lock);
	spin_lock_nested(&qp->rq.lock, SINGLE_DEPTH_NESTING);
}

void tulle_ib_qp_unlock_rings(struct tulle_ib_qp *qp, unsigned long flags)
{
	spin_unlock(&qp->rq.lock);
	spin_unlock(&qp->sq.lock);
	tulle_ib_cqs_unlock(qp->ibqp.send_cq, qp->ibqp.recv_cq, flags);
}

/* In RESET the rings are empty and start from index 0. */
void tulle_ib_qp_reset_rings_locked(struct tulle_ib_qp *qp)
{
	lockdep_assert_held(&qp->rq.lock);
	qp_clean_cqs(qp);
	memset(qp->dbr.dbr, 0, sizeof(*qp->dbr.dbr));
	qp_reset_wq(&qp->sq, qp->dbr.dbr);
	qp_reset_wq(&qp->rq, qp->dbr.dbr);
	qp->broken = false;
	WRITE_ONCE(qp->flush, false);
}

void tulle_ib_qp_reset_rings(struct tulle_ib_qp *qp)
{
	unsigned long flags;

	if (qp->is_user)
		return;
	tulle_ib_qp_lock_rings(qp, &flags);
	tulle_ib_qp_reset_rings_locked(qp);
	tulle_ib_qp_unlock_rings(qp, flags);
	tulle_ib_qp_check_cqs(qp);
}

/* Let the consumers of both CQs find what is completed in software. */
void tulle_ib_qp_wake(struct tulle_ib_qp *qp)
{
	tulle_ib_cq_wake_later(to_tulle_ib_cq(qp->ibqp.send_cq));
	if (qp->ibqp.recv_cq != qp->ibqp.send_cq)
		tulle_ib_cq_wake_later(to_tulle_ib_cq(qp->ibqp.recv_cq));
}

/**
 * tulle_ib_cq_break() - the device contradicts itself about a kernel CQ
 * @cq: the CQ
 * @what: what cannot be, for the log
 * @value: detail, for the log
 *
 * Whose completion it should have been is not known: all its queue pairs are
 * stopped, and what is outstanding completes in software.
 *
 * Context: under the CQ's lock.
 */
void tulle_ib_cq_break(struct tulle_ib_cq *cq, const char *what, u32 value)
{
	struct tulle_ib_qp *qp;
	unsigned long index;

	lockdep_assert_held(&cq->lock);
	ibdev_err_ratelimited(cq->ibcq.device, "CQ %#x: %s (%#x), stopping its queue pairs\n",
			      cq->tcq.handle, what, value);
	xa_for_each(&cq->qps, index, qp) {
		if (qp->broken)
			continue;
		WRITE_ONCE(qp->broken, true);
		queue_work(system_long_wq, &qp->broken_work);
	}
}

/*
 * One of its CQs may have stopped before the queue pair was enlisted, or reset:
 * the device completes nothing of what is posted from now on.
 */
void tulle_ib_qp_check_cqs(struct tulle_ib_qp *qp)
{
	struct ib_cq *ibcq[] = { qp->ibqp.send_cq, qp->ibqp.recv_cq };
	struct tulle_ib_cq *cq;
	unsigned long flags;
	unsigned int i;

	for (i = 0; !qp->is_user && i < ARRAY_SIZE(ibcq); i++) {
		cq = to_tulle_ib_cq(ibcq[i]);
		spin_lock_irqsave(&cq->lock, flags);
		if (cq->stopped)
			tulle_ib_cq_break(cq, "stopped before", qp->qpn);
		spin_unlock_irqrestore(&cq->lock, flags);
	}
}

/* That one nobody connects anew, or anything without it. */
static bool qp_restart(struct tulle_ib_qp *qp)
{
	int err;

	if (qp->type != TULLE_QP_GSI)
		return false;
	err = tulle_ib_gsi_restart(qp);
	if (err)
		tulle_dev_fail(qp->dev->tdev,
			       "connection management was stopped");
	else
		ibdev_notice(&qp->dev->ibdev,
			     "connection management was restarted\n");
	return !err;
}

static void qp_start_flush(struct tulle_ib_qp *qp)
{
	struct ib_qp *ibqp = &qp->ibqp;
	unsigned long flags;

	tulle_ib_cqs_lock(ibqp->send_cq, ibqp->recv_cq, &flags);
	WRITE_ONCE(qp->flush, true);
	WRITE_ONCE(to_tulle_ib_cq(ibqp->send_cq)->flushes, true);
	WRITE_ONCE(to_tulle_ib_cq(ibqp->recv_cq)->flushes, true);
	tulle_ib_cqs_unlock(ibqp->send_cq, ibqp->recv_cq, flags);
}

/*
 * The device must have let go of everything before the consumer is told so:
 * the queue pair is reset, and in ERR only for those above. In ERR first, where
 * it gives back what it has taken from an SRQ.
 */
static int qp_stop(struct tulle_ib_qp *qp)
{
	if (qp->ibqp.srq && qp->state != IB_QPS_RESET)
		tulle_ib_qp_set_state(qp, TULLE_QPS_ERR);
	return tulle_ib_qp_set_state(qp, TULLE_QPS_RESET);
}

void tulle_ib_qp_broken_work(struct work_struct *work)
{
	struct tulle_ib_qp *qp = container_of(work, struct tulle_ib_qp,
					      broken_work);
	bool stopped = false;

	mutex_lock(&qp->mutex);
	if (READ_ONCE(qp->broken) && !qp->gone && !qp_restart(qp)) {
		if (qp_stop(qp) && !tulle_ib_is_dead(qp->dev))
			tulle_dev_fail(qp->dev->tdev,
				       "a queue pair could not be stopped");
		qp->state = IB_QPS_ERR;
		qp_start_flush(qp);
		stopped = true;
	}
	mutex_unlock(&qp->mutex);
	if (!stopped)
		return;
	tulle_ib_qp_wake(qp);
	tulle_ib_qp_event(qp, IB_EVENT_QP_FATAL);
	if (qp->ibqp.srq)
		tulle_ib_qp_event(qp, IB_EVENT_QP_LAST_WQE_REACHED);
}
