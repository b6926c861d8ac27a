/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * A queue pair for the fence test. It is in ERR, where whatever is posted to
 * either queue comes back flushed: both kick rules, and nothing else.
 */
#ifndef TFW_TEST_FENCE_QP_H
#define TFW_TEST_FENCE_QP_H

#include "net.h"

#define FENCE_QP_LOG	5	/* entries of either queue */

struct fence_qp {
	struct fake_queue	cq;
	struct tulle_dbr	*dbr;
	u8			*sq;
	u8			*rq;
	u32			handle;
};

static inline void fence_qp_create(struct net *n, struct fence_qp *q)
{
	u64 dbr = fake_mem(&n->d, sizeof(struct tulle_dbr), 128), sq, rq;
	struct tulle_qp_ctx ctx = {
		.type = TULLE_QP_UD, .pd = cpu_to_le32(n->pd),
		.log_sq_size = FENCE_QP_LOG, .log_rq_size = FENCE_QP_LOG,
		.log_rq_wqe = 5, .dbr = cpu_to_le64(dbr),
	};
	struct tulle_modify_qp mod = {
		.mask = cpu_to_le32(TULLE_QP_MOD_STATE),
		.attr.state = TULLE_QPS_ERR,
	};

	assert_int_equal(fake_cq_create(&n->d, &q->cq, n->eq.handle, 7, 5, 0,
					0), 0);
	ctx.send_cq = cpu_to_le32(q->cq.handle);
	ctx.recv_cq = ctx.send_cq;
	ctx.sq = fake_pages(&n->d, 64UL << FENCE_QP_LOG, &sq);
	ctx.rq = fake_pages(&n->d, 32UL << FENCE_QP_LOG, &rq);
	q->dbr = fake_ptr(&n->d, dbr);
	q->sq = fake_ptr(&n->d, sq);
	q->rq = fake_ptr(&n->d, rq);
	q->handle = fake_create(&n->d, TULLE_CMD_CREATE_QP, &ctx, sizeof(ctx),
				NULL);
	mod.handle = cpu_to_le32(q->handle);
	assert_int_equal(fake_cmd(&n->d, TULLE_CMD_MODIFY_QP, &mod,
				  sizeof(mod), NULL, 0), 0);
}

#endif /* TFW_TEST_FENCE_QP_H */
