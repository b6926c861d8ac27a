// SPDX-License-Identifier: GPL-2.0
/*
 * The GSI queue pair starts over. All connection management goes through it, and
 * the MAD layer never connects it anew: when a CQE about it cannot be, it is reset,
 * and what was outstanding is posted once more. Messages may get lost or arrive
 * twice that way, as on any wire; who uses the GSI expects both.
 */

#include <linux/slab.h>
#include <rdma/ib_mad.h>

#include "ib.h"

/* A ring and its shadow before the reset. */
struct gsi_copy {
	struct tulle_ring ring;
	void *shadow;
	size_t shadow_size;
	u32 ci;
	u32 pi;
};

static int gsi_copy_alloc(struct gsi_copy *copy, const struct tulle_ib_wq *wq,
			  size_t entry)
{
	copy->ring = wq->prod.ring;
	copy->shadow_size = tulle_ring_size(&copy->ring) * entry;
	copy->ring.buf = kvmalloc(wq->mem.size, GFP_KERNEL);
	copy->shadow = kvmalloc(copy->shadow_size, GFP_KERNEL);
	return copy->ring.buf && copy->shadow ? 0 : -ENOMEM;
}

static void gsi_copy_free(struct gsi_copy *copy)
{
	kvfree(copy->ring.buf);
	kvfree(copy->shadow);
}

static void gsi_copy_fill(struct gsi_copy *copy, const struct tulle_ib_wq *wq)
{
	memcpy(copy->ring.buf, wq->mem.buf, wq->mem.size);
	memcpy(copy->shadow, wq->swqe, copy->shadow_size);
	copy->ci = wq->prod.ci;
	copy->pi = wq->prod.pi;
}

/* They fit from the start of the ring on: they were there before, with gaps. */
static void gsi_put_sends(struct tulle_ib_wq *sq, const struct gsi_copy *copy)
{
	const struct tulle_ib_swqe *swqe = copy->shadow;
	struct tulle_prod *prod = &sq->prod;
	struct tulle_qp_wqe *wqe;
	u32 ci = copy->ci;
	u32 slot;

	while (ci != copy->pi) {
		slot = ci & copy->ring.mask;
		ci += swqe[slot].nblocks;
		if (swqe[slot].op == TULLE_WQE_NOP)
			continue;
		wqe = tulle_prod_at(prod);
		memcpy(wqe, tulle_ring_at(&copy->ring, slot),
		       swqe[slot].nblocks * TULLE_SQ_BLOCK);
		wqe->ctrl.index = cpu_to_le16(prod->pi);
		sq->swqe[prod->pi] = swqe[slot];
		prod->pi += swqe[slot].nblocks;
	}
}

static void gsi_put_receives(struct tulle_ib_wq *rq,
			     const struct gsi_copy *copy)
{
	const struct tulle_ib_rwqe *rwqe = copy->shadow;
	struct tulle_prod *prod = &rq->prod;
	u32 ci;

	for (ci = copy->ci; ci != copy->pi; ci++) {
		memcpy(tulle_prod_at(prod), tulle_ring_at(&copy->ring, ci),
		       1U << copy->ring.log_entry);
		rq->rwqe[prod->pi] = rwqe[ci & copy->ring.mask];
		prod->pi++;
	}
}

/* The device has let go of the rings: what it did not complete goes to their start. */
static void gsi_repost(struct tulle_ib_qp *qp, struct gsi_copy *sq,
		       struct gsi_copy *rq)
{
	struct tulle_dbr *dbr = qp->dbr.dbr;
	unsigned long flags;

	tulle_ib_qp_lock_rings(qp, &flags);
	gsi_copy_fill(sq, &qp->sq);
	gsi_copy_fill(rq, &qp->rq);
	tulle_ib_qp_reset_rings_locked(qp);
	gsi_put_sends(&qp->sq, sq);
	gsi_put_receives(&qp->rq, rq);
	tulle_prod_publish(&qp->sq.prod);
	tulle_prod_publish_at(&qp->rq.prod, &dbr->rq_pi, &dbr->rq_evt);
	tulle_ib_qp_unlock_rings(qp, flags);
}

static int gsi_ready(struct tulle_ib_qp *qp)
{
	struct ib_qp_attr attr = { .qkey = IB_QP1_QKEY };
	int err;

	attr.qp_state = IB_QPS_INIT;
	err = tulle_ib_qp_set_attr(qp, &attr, IB_QP_STATE | IB_QP_PKEY_INDEX |
					      IB_QP_QKEY);
	if (err)
		return err;
	attr.qp_state = IB_QPS_RTR;
	err = tulle_ib_qp_set_attr(qp, &attr, IB_QP_STATE);
	if (err)
		return err;
	attr.qp_state = IB_QPS_RTS;
	err = tulle_ib_qp_set_attr(qp, &attr, IB_QP_STATE | IB_QP_SQ_PSN);
	if (err)
		return err;
	/* Those that came before this were for a queue pair that was not ready. */
	tulle_doorbell(qp->dev->tdev, TULLE_UAR_QP_RQ, qp->handle);
	tulle_doorbell(qp->dev->tdev, TULLE_UAR_QP_SQ, qp->handle);
	return 0;
}

/**
 * tulle_ib_gsi_restart() - bring the GSI queue pair back with its work requests
 * @qp: the queue pair, broken
 *
 * Context: process, under @qp->mutex.
 * Return: 0; -EIO: it cannot be, or its CQ is of no use any more; what the device
 * or the allocator said.
 */
int tulle_ib_gsi_restart(struct tulle_ib_qp *qp)
{
	struct gsi_copy sq = {}, rq = {};
	int err;

	lockdep_assert_held(&qp->mutex);
	if (qp->state != IB_QPS_RTS || qp->ibqp.srq ||
	    READ_ONCE(to_tulle_ib_cq(qp->ibqp.send_cq)->stopped) ||
	    READ_ONCE(to_tulle_ib_cq(qp->ibqp.recv_cq)->stopped))
		return -EIO;
	err = gsi_copy_alloc(&sq, &qp->sq, sizeof(*qp->sq.swqe)) ?:
	      gsi_copy_alloc(&rq, &qp->rq, sizeof(*qp->rq.rwqe));
	if (!err)
		err = tulle_ib_qp_set_state(qp, TULLE_QPS_RESET);
	if (!err) {
		gsi_repost(qp, &sq, &rq);
		err = gsi_ready(qp);
		/* One that stopped meanwhile found the queue pair broken already. */
		if (!err)
			tulle_ib_qp_check_cqs(qp);
	}
	gsi_copy_free(&rq);
	gsi_copy_free(&sq);
	return err;
}
