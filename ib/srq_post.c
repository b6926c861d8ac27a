// SPDX-License-Identifier: GPL-2.0
/*
 * The data path of kernel SRQs. The device takes WQEs in the order of the ring
 * but they complete in any order, so each carries a cookie: an index into a
 * table as large as the ring. A cookie is free again when its completion came;
 * as all that the device has not fetched is in use, the slot at pi is always
 * free when a cookie is.
 */

#include "ib.h"

static int srq_post_one(struct tulle_ib_srq *srq, const struct ib_recv_wr *wr)
{
	struct tulle_prod *prod = &srq->wq.prod;
	struct tulle_rq_wqe *wqe = tulle_prod_at(prod);
	u32 cookie, len;

	if (wr->num_sge < 0 || wr->num_sge > srq->wq.max_sge)
		return -EINVAL;
	if (!srq->nfree)
		return -ENOMEM;
	cookie = srq->free[--srq->nfree];
	len = tulle_ib_rwqe_write(wqe, wr);
	wqe->wr_id = cpu_to_le64(cookie);
	srq->wq.rwqe[cookie] = (struct tulle_ib_rwqe) {
		.wr_id = wr->wr_id,
		.len = len,
		.busy = true,
	};
	prod->pi++;
	return 0;
}

int tulle_ib_post_srq_recv(struct ib_srq *ibsrq, const struct ib_recv_wr *wr,
			   const struct ib_recv_wr **bad)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibsrq->device);
	struct tulle_ib_srq *srq = to_tulle_ib_srq(ibsrq);
	struct tulle_prod *prod = &srq->wq.prod;
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&srq->wq.lock, flags);
	for (; wr && !err; wr = wr->next) {
		err = srq_post_one(srq, wr);
		if (err)
			*bad = wr;
	}
	if (prod->pi != prod->published && tulle_prod_publish(prod))
		tulle_doorbell(dev->tdev, TULLE_UAR_SRQ, srq->handle);
	spin_unlock_irqrestore(&srq->wq.lock, flags);
	return err;
}

/**
 * tulle_ib_srq_take() - a WQE of an SRQ completed
 * @srq: the SRQ
 * @cookie: from the CQE
 * @rwqe: filled with what was posted
 *
 * Context: under the CQ's lock.
 * Return: false when nothing with that cookie is outstanding.
 */
bool tulle_ib_srq_take(struct tulle_ib_srq *srq, u64 cookie,
		       struct tulle_ib_rwqe *rwqe)
{
	bool found = false;

	spin_lock(&srq->wq.lock);
	if (cookie < tulle_ring_size(&srq->wq.prod.ring) &&
	    srq->wq.rwqe[cookie].busy) {
		*rwqe = srq->wq.rwqe[cookie];
		srq->wq.rwqe[cookie].busy = false;
		srq->free[srq->nfree++] = cookie;
		found = true;
	}
	spin_unlock(&srq->wq.lock);
	return found;
}
