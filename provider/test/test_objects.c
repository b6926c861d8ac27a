// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* What objects ask of the kernel, their sizes, their memory, their locks. */
#include "fake.h"

static void test_dbr(void **state)
{
	struct tulle_dbr *dbr[128];
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 128; i++) {
		dbr[i] = tulle_dbr_alloc(&fake.ctx);
		assert_non_null(dbr[i]);
		assert_int_equal((uintptr_t)dbr[i] % 128, 0);
		for (j = 0; j < i; j++)
			assert_ptr_not_equal(dbr[i], dbr[j]);
		memset(dbr[i], 0xff, sizeof(*dbr[i]));
	}
	assert_int_equal(fake.forks, 4 * 4096);
	/* All are taken: one that comes back is the next, zeroed again */
	tulle_dbr_free(&fake.ctx, dbr[50]);
	assert_ptr_equal(tulle_dbr_alloc(&fake.ctx), dbr[50]);
	for (j = 0; j < 128; j++)
		assert_int_equal(((char *)dbr[50])[j], 0);
	for (i = 0; i < 128; i++)
		tulle_dbr_free(&fake.ctx, dbr[i]);
	tulle_dbr_free(&fake.ctx, NULL);
}

static int size_of(enum ibv_qp_type type, uint32_t wr, uint32_t sge,
		   uint32_t inl, struct ibv_qp_cap *cap,
		   struct tulle_qp_size *size)
{
	*cap = (struct ibv_qp_cap) {
		.max_send_wr = wr, .max_send_sge = sge, .max_inline_data = inl,
		.max_recv_wr = 5, .max_recv_sge = 2,
	};
	return tulle_qp_size(&fake.ctx.info, type, false, cap, size);
}

static void test_sizes(void **state)
{
	struct tulle_qp_size size;
	struct ibv_qp_cap cap;
	uint32_t wr, sge;

	(void)state;
	/* SEND or WRITE of one SGE fit in a block; a CAS needs 72 bytes */
	assert_int_equal(size_of(IBV_QPT_RC, 100, 1, 0, &cap, &size), 0);
	assert_int_equal(size.sq_blocks, 2);
	assert_int_equal(size.log_sq, 8);
	assert_int_equal(cap.max_send_wr, (256 - 1) / 2);
	assert_int_equal(cap.max_inline_data, 128 - 40);
	assert_int_equal(size.log_rq, 3);
	assert_int_equal(cap.max_recv_wr, 8);
	assert_int_equal(size.log_rq_wqe, 6);
	assert_int_equal(cap.max_recv_sge, 3);
	/* 24 + 40 + 16 */
	assert_int_equal(size_of(IBV_QPT_UD, 1, 1, 0, &cap, &size), 0);
	assert_int_equal(size.sq_blocks, 2);
	assert_int_equal(size.log_sq, 6);
	assert_int_equal(size_of(IBV_QPT_RAW_PACKET, 64, 2, 0, &cap, &size), 0);
	assert_int_equal(size.sq_blocks, 1);
	assert_int_equal(cap.max_send_wr, 64);
	/* 24 + 8 + 16 + 30 * 16 = 528 */
	assert_int_equal(size_of(IBV_QPT_XRC_SEND, 1, 30, 0, &cap, &size), 0);
	assert_int_equal(size.sq_blocks, 9);
	assert_false(size.has_rq);
	assert_int_equal(size_of(IBV_QPT_RC, 1, 31, 0, &cap, &size), EINVAL);
	assert_int_equal(size_of(IBV_QPT_RC, 1, 1, 513, &cap, &size), EINVAL);
	assert_int_equal(size_of(IBV_QPT_RC, 1 << 14, 1, 0, &cap, &size), EINVAL);
	assert_int_equal(size_of(IBV_QPT_XRC_RECV, 1, 1, 1, &cap, &size), 0);
	assert_false(size.has_sq || size.has_rq);
	assert_int_equal(cap.max_send_wr, 0);
	/* Never less than what was asked for */
	for (wr = 1; wr < 300; wr++) {
		for (sge = 1; sge <= 30; sge++) {
			assert_int_equal(size_of(IBV_QPT_RC, wr, sge, 17, &cap,
						 &size), 0);
			assert_true(cap.max_send_wr >= wr);
			assert_true(cap.max_inline_data >= 17);
		}
	}
	/* Log 16: an entry stays free */
	fake.ctx.info.log_max_qp_sq = 16;
	assert_int_equal(size_of(IBV_QPT_RAW_PACKET, 0xffff, 1, 0, &cap, &size), 0);
	assert_int_equal(size.log_sq, 16);
	assert_int_equal(cap.max_send_wr, 0xffff);
}

/*
 * As many requests as were promised are always taken, whatever their sizes,
 * wherever the ring begins.
 */
static void test_promise(void **state)
{
	struct ibv_qp_init_attr attr = {
		.cap = { .max_send_wr = 11, .max_send_sge = 9,
			 .max_inline_data = 120 },
		.qp_type = IBV_QPT_RC,
	};
	struct ibv_sge sge[9];
	unsigned int i, round, seed = 1, ends[1024];
	struct tulle_cq *cq = fake_cq(64, 0);
	struct ibv_pd *pd = fake_pd();
	struct tulle_qp *qp;

	(void)state;
	attr.send_cq = &cq->vcq.cq;
	attr.recv_cq = &cq->vcq.cq;
	qp = to_tulle_qp(tulle_qp_create(pd, &attr));
	assert_true(attr.cap.max_send_wr >= 11);
	for (i = 0; i < 9; i++)
		sge[i] = (struct ibv_sge) { i, 1, i };
	for (round = 0, i = 0; round < 20000; round++, i++) {
		struct ibv_send_wr wr = {
			.opcode = IBV_WR_RDMA_WRITE,
			.sg_list = sge,
		}, *bad;

		seed = seed * 1103515245 + 12345;
		wr.num_sge = (seed >> 16) % 10;
		/* The oldest completes when all that were promised are there */
		if (i >= attr.cap.max_send_wr)
			tulle_prod_done(&qp->sq,
					ends[(i - attr.cap.max_send_wr) % 1024]);
		assert_int_equal(tulle_post_send(&qp->vqp.qp, &wr, &bad), 0);
		ends[i % 1024] = qp->sq.pi;
		assert_true(qp->sq.pi - qp->sq.ci <= qp->sq.ring.mask + 1);
	}
	fake_doorbell(TULLE_UAR_QP_SQ);
	tulle_qp_destroy(&qp->vqp.qp);
	tulle_cq_destroy(&cq->vcq.cq);
	tulle_pd_dealloc(pd);
}

static void test_requests(void **state)
{
	struct tulle_cq *cq = fake_cq(100, 0);
	struct tulle_qp *qp;

	(void)state;
	assert_int_equal(fake.cq.log_size, 7);
	assert_int_equal(fake.cq.buf % 4096, 0);
	assert_int_equal(fake.cq.dbr % 128, 0);
	assert_int_equal(fake.cq.comp_mask, 0);
	assert_int_equal(cq->vcq.cq.cqe, 128);
	assert_int_equal(cq->handle, 0x55000001);
	qp = fake_qp(IBV_QPT_RC, cq, NULL, 0);
	assert_false(fake.qp_ex);
	assert_ptr_equal((void *)fake.qp.sq_buf, qp->sq_buf.addr);
	assert_ptr_equal((void *)fake.qp.rq_buf, qp->rq_buf.addr);
	assert_ptr_equal((void *)fake.qp.dbr, qp->dbr);
	assert_int_equal(fake.qp.sq_buf % 4096, 0);
	assert_int_equal(1U << fake.qp.log_sq_size, qp->sq.ring.mask + 1);
	assert_int_equal(fake.qp.log_rq_size, 2);
	assert_int_equal(fake.qp.log_rq_wqe, 6);
	assert_int_equal(qp->handle, FAKE_HANDLE);
	assert_ptr_equal(tulle_qp_find(&fake.ctx, FAKE_QPN), qp);
	tulle_qp_destroy(&qp->vqp.qp);
	assert_null(tulle_qp_find(&fake.ctx, FAKE_QPN));
	tulle_cq_destroy(&cq->vcq.cq);
}

/* Nothing is left of what the kernel refused. */
static void test_refusals(void **state)
{
	struct ibv_cq_init_attr_ex cq_attr = { .cqe = 4 };
	struct ibv_context *context = &fake.ctx.vctx.context;
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 1, .max_recv_wr = 1 },
		.comp_mask = IBV_QP_INIT_ATTR_CREATE_FLAGS,
	};
	struct tulle_cq *cq = fake_cq(4, 0);

	(void)state;
	fake.fail = ENOSPC;
	assert_null(tulle_cq_create_ex(context, &cq_attr));
	assert_int_equal(errno, ENOSPC);
	cq_attr.wc_flags = IBV_WC_EX_WITH_TM_INFO;
	assert_null(tulle_cq_create_ex(context, &cq_attr));
	assert_int_equal(errno, EOPNOTSUPP);
	cq_attr.wc_flags = 0;
	cq_attr.cqe = 0;
	assert_null(tulle_cq_create_ex(context, &cq_attr));
	assert_int_equal(errno, EINVAL);
	attr.send_cq = &cq->vcq.cq;
	attr.recv_cq = &cq->vcq.cq;
	fake.fail = EPERM;
	assert_null(tulle_qp_create_ex(context, &attr));
	assert_int_equal(errno, EPERM);
	assert_true(fake.qp_ex);
	attr.comp_mask = IBV_QP_INIT_ATTR_MAX_TSO_HEADER;
	assert_null(tulle_qp_create_ex(context, &attr));
	assert_int_equal(errno, EOPNOTSUPP);
	attr.comp_mask = 0;
	attr.qp_type = IBV_QPT_DRIVER;
	assert_null(tulle_qp_create_ex(context, &attr));
	assert_int_equal(errno, EOPNOTSUPP);
	tulle_cq_destroy(&cq->vcq.cq);
}

/* RESET: indices, record and rings start over, old CQEs are gone. */
static void test_reset(void **state)
{
	struct ibv_send_wr wr = { .opcode = IBV_WR_SEND }, *bad;
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };
	struct tulle_cq *cq = fake_cq(16, 0);
	struct tulle_qp *qp = fake_qp(IBV_QPT_RC, cq, NULL, 0);
	struct tulle_qp *other = fake_qp(IBV_QPT_RC, cq, NULL, 0);
	struct tulle_rdma_cqe c = {
		.qn_op = htole32(FAKE_QPN | TULLE_CQE_SEND << 24),
		.wqe = htole16(1),
	};
	struct ibv_wc wc[4];

	(void)state;
	assert_int_equal(tulle_post_send(&qp->vqp.qp, &wr, &bad), 0);
	assert_int_equal(fake_doorbell(TULLE_UAR_QP_SQ), FAKE_HANDLE);
	fake_cqe(cq, 0, &c);
	c.qn_op = htole32((FAKE_QPN + 1) | TULLE_CQE_RECV << 24);
	c.wr_id = htole64(42);
	fake_cqe(cq, 1, &c);
	qp->dbr->evt = htole32(77);
	assert_int_equal(tulle_qp_modify(&qp->vqp.qp, &attr, IBV_QP_STATE), 0);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 4, wc), 1);
	assert_int_equal(wc[0].wr_id, 42);
	assert_int_equal(qp->sq.pi, 0);
	assert_int_equal(qp->dbr->pi, 0);
	assert_int_equal(qp->dbr->evt, 0);
	assert_int_equal(tulle_post_send(&qp->vqp.qp, &wr, &bad), 0);
	assert_int_equal(le32toh(qp->dbr->pi), 1);
	assert_int_equal(fake_doorbell(TULLE_UAR_QP_SQ), FAKE_HANDLE);
	/* Refused: nothing changes */
	fake.fail = EINVAL;
	assert_int_equal(tulle_qp_modify(&qp->vqp.qp, &attr, IBV_QP_STATE),
			 EINVAL);
	assert_int_equal(qp->sq.pi, 1);
	tulle_qp_destroy(&other->vqp.qp);
	tulle_qp_destroy(&qp->vqp.qp);
	tulle_cq_destroy(&cq->vcq.cq);
}

static struct tulle_cq *shared_cq;
static struct tulle_qp *second;

/* The thread that has an event of the first yet to acknowledge. */
static void destroy_second(struct ibv_qp *qp)
{
	(void)qp;
	assert_int_equal(tulle_qp_destroy(&second->vqp.qp), 0);
	second = fake_qp(IBV_QPT_RC, shared_cq, NULL, 0);
}

static void test_destroy_waits(void **state)
{
	struct tulle_qp *qp;

	(void)state;
	shared_cq = fake_cq(16, 0);
	qp = fake_qp(IBV_QPT_RC, shared_cq, NULL, 0);
	second = fake_qp(IBV_QPT_RC, shared_cq, NULL, 0);
	fake.destroyed_qp = destroy_second;
	assert_int_equal(tulle_qp_destroy(&qp->vqp.qp), 0);
	assert_null(tulle_qp_find(&fake.ctx, FAKE_QPN));
	assert_null(tulle_qp_find(&fake.ctx, FAKE_QPN + 1));
	assert_ptr_equal(tulle_qp_find(&fake.ctx, FAKE_QPN + 2), second);
	tulle_qp_destroy(&second->vqp.qp);
	tulle_cq_destroy(&shared_cq->vcq.cq);
}

static void fake_done(struct tulle_cq *cq, uint32_t index, uint64_t wr_id,
		      uint16_t wqe)
{
	struct tulle_rdma_cqe c = {
		.wr_id = htole64(wr_id),
		.qn_op = htole32(FAKE_QPN | TULLE_CQE_SEND << 24),
		.wqe = htole16(wqe),
	};

	fake_cqe(cq, index, &c);
}

static void same_number(struct ibv_qp *qp)
{
	fake.qps = 0;
	second = fake_qp(IBV_QPT_RC, shared_cq, NULL, 0);
	assert_int_equal(second->vqp.qp.qp_num, qp->qp_num);
	second->sq.pi = 4;
	fake_done(shared_cq, 1, 2, 3);
}

/* A QP whose number was another's a moment ago loses none of its own CQEs. */
static void test_number_again(void **state)
{
	struct tulle_qp *qp;
	struct ibv_wc wc[4];

	(void)state;
	shared_cq = fake_cq(16, 0);
	qp = fake_qp(IBV_QPT_RC, shared_cq, NULL, 0);
	qp->sq.pi = 4;
	fake_done(shared_cq, 0, 1, 4);
	fake.destroyed_qp = same_number;
	assert_int_equal(tulle_qp_destroy(&qp->vqp.qp), 0);
	assert_ptr_equal(tulle_qp_find(&fake.ctx, FAKE_QPN), second);
	assert_int_equal(tulle_cq_poll(&shared_cq->vcq.cq, 4, wc), 1);
	assert_int_equal(wc[0].wr_id, 2);
	assert_int_equal(second->sq.ci, 3);
	tulle_qp_destroy(&second->vqp.qp);
	tulle_cq_destroy(&shared_cq->vcq.cq);
}

/* Something holds on to it: it goes on as before. */
static void test_destroy_refused(void **state)
{
	struct tulle_cq *cq = fake_cq(16, 0);
	struct tulle_qp *qp = fake_qp(IBV_QPT_RC, cq, NULL, 0);
	struct ibv_wc wc[4];

	(void)state;
	qp->sq.pi = 4;
	fake_done(cq, 0, 1, 4);
	fake.fail = EBUSY;
	assert_int_equal(tulle_qp_destroy(&qp->vqp.qp), EBUSY);
	assert_ptr_equal(tulle_qp_find(&fake.ctx, FAKE_QPN), qp);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 4, wc), 1);
	assert_int_equal(qp->sq.ci, 4);
	tulle_qp_destroy(&qp->vqp.qp);
	tulle_cq_destroy(&cq->vcq.cq);
}

/* Limits of queues that it does not have: anything goes, nothing is asked. */
static void test_ignored_caps(void **state)
{
	struct ibv_context *context = &fake.ctx.vctx.context;
	struct ibv_pd *pd = fake_pd();
	struct ibv_srq_init_attr srq_attr = { .attr = { .max_wr = 4 } };
	struct ibv_srq *srq = tulle_srq_create(pd, &srq_attr);
	struct tulle_cq *cq = fake_cq(4, 0);
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_UD,
		.send_cq = &cq->vcq.cq,
		.recv_cq = &cq->vcq.cq,
		.srq = srq,
		.cap = {
			.max_send_wr = 3,
			.max_recv_wr = ~0U,
			.max_recv_sge = ~0U,
		},
	};
	const struct ibv_qp_cap none = {};
	struct ibv_qp *qp;

	(void)state;
	/* Refused: what it said is as it was */
	fake.fail = EPERM;
	assert_null(tulle_qp_create_ex(context, &attr));
	assert_int_equal(attr.cap.max_recv_wr, ~0U);
	qp = tulle_qp_create_ex(context, &attr);
	assert_non_null(qp);
	assert_int_equal(fake.cap.max_send_wr, 3);
	assert_int_equal(fake.cap.max_recv_wr, 0);
	assert_int_equal(fake.cap.max_recv_sge, 0);
	assert_true(attr.cap.max_send_wr >= 3);
	assert_int_equal(attr.cap.max_recv_wr, 0);
	tulle_qp_destroy(qp);
	attr.qp_type = IBV_QPT_XRC_SEND;
	attr.srq = NULL;
	attr.cap.max_recv_wr = ~0U;
	qp = tulle_qp_create_ex(context, &attr);
	assert_non_null(qp);
	assert_int_equal(fake.cap.max_recv_wr, 0);
	tulle_qp_destroy(qp);
	attr = (struct ibv_qp_init_attr_ex) { .qp_type = IBV_QPT_XRC_RECV };
	memset(&attr.cap, 0xff, sizeof(attr.cap));
	qp = tulle_qp_create_ex(context, &attr);
	assert_non_null(qp);
	assert_memory_equal(&fake.cap, &none, sizeof(none));
	assert_memory_equal(&attr.cap, &none, sizeof(none));
	tulle_qp_destroy(qp);
	tulle_srq_destroy(srq);
	tulle_cq_destroy(&cq->vcq.cq);
	tulle_pd_dealloc(pd);
}

static void test_parent_domain(void **state)
{
	struct ibv_context *context = &fake.ctx.vctx.context;
	struct ibv_parent_domain_init_attr attr = {};
	struct ibv_pd *pd = fake_pd(), *parent, *plain;
	struct ibv_td *td = tulle_td_alloc(context,
					   &(struct ibv_td_init_attr){});
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 1, .max_recv_wr = 1 },
	};
	struct ibv_cq_init_attr_ex cq_attr = {
		.cqe = 4,
		.comp_mask = IBV_CQ_INIT_ATTR_MASK_PD,
	};
	struct tulle_cq *cq = fake_cq(4, 0);
	struct ibv_cq_ex *single;
	struct ibv_qp *qp;

	(void)state;
	assert_null(tulle_parent_alloc(context, &attr));
	attr.pd = pd;
	plain = tulle_parent_alloc(context, &attr);
	assert_non_null(plain);
	attr.td = td;
	parent = tulle_parent_alloc(context, &attr);
	assert_int_equal(parent->handle, pd->handle);
	assert_int_equal(tulle_td_dealloc(td), EBUSY);
	assert_int_equal(tulle_pd_dealloc(pd), EBUSY);

	init.send_cq = &cq->vcq.cq;
	init.recv_cq = &cq->vcq.cq;
	assert_true(cq->lock.on);
	qp = tulle_qp_create(parent, &init);
	assert_false(to_tulle_qp(qp)->sq_lock.on);
	assert_false(to_tulle_qp(qp)->rq_lock.on);
	tulle_qp_destroy(qp);
	qp = tulle_qp_create(plain, &init);
	assert_true(to_tulle_qp(qp)->sq_lock.on);
	tulle_qp_destroy(qp);
	cq_attr.parent_domain = parent;
	single = tulle_cq_create_ex(context, &cq_attr);
	assert_false(to_tulle_cq(ibv_cq_ex_to_cq(single))->lock.on);
	tulle_cq_destroy(ibv_cq_ex_to_cq(single));
	cq_attr.comp_mask = IBV_CQ_INIT_ATTR_MASK_FLAGS;
	cq_attr.flags = IBV_CREATE_CQ_ATTR_SINGLE_THREADED;
	single = tulle_cq_create_ex(context, &cq_attr);
	assert_false(to_tulle_cq(ibv_cq_ex_to_cq(single))->lock.on);
	tulle_cq_destroy(ibv_cq_ex_to_cq(single));

	tulle_cq_destroy(&cq->vcq.cq);
	assert_int_equal(tulle_pd_dealloc(parent), 0);
	assert_int_equal(tulle_pd_dealloc(plain), 0);
	assert_int_equal(tulle_td_dealloc(td), 0);
	assert_int_equal(tulle_pd_dealloc(pd), 0);
}

static void test_xrc(void **state)
{
	struct ibv_context *context = &fake.ctx.vctx.context;
	struct tulle_cq *cq = fake_cq(4, 0);
	struct ibv_pd *pd = fake_pd();
	struct ibv_xrcd_init_attr xattr = {};
	struct ibv_xrcd *xrcd = tulle_xrcd_open(context, &xattr);
	struct ibv_srq_init_attr_ex attr = {
		.srq_context = &attr,
		.attr = { .max_wr = 3, .max_sge = 5 },
		.comp_mask = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_PD,
		.srq_type = IBV_SRQT_XRC,
		.pd = pd,
		.xrcd = xrcd,
		.cq = &cq->vcq.cq,
	};
	struct ibv_qp_init_attr_ex tgt = {
		.qp_type = IBV_QPT_XRC_RECV,
		.comp_mask = IBV_QP_INIT_ATTR_XRCD,
		.xrcd = xrcd,
	};
	struct ibv_qp_open_attr open = { .qp_num = 0x99 };
	struct ibv_srq *srq;
	struct ibv_qp *qp;
	uint32_t num;

	(void)state;
	assert_null(tulle_srq_create_ex(context, &attr));
	assert_int_equal(errno, EINVAL);
	attr.comp_mask |= IBV_SRQ_INIT_ATTR_XRCD | IBV_SRQ_INIT_ATTR_CQ;
	srq = tulle_srq_create_ex(context, &attr);
	assert_non_null(srq);
	assert_int_equal(tulle_srq_num(srq, &num), 0);
	assert_int_equal(num, 0x124);
	assert_ptr_equal(srq->pd, pd);
	assert_ptr_equal(srq->srq_context, &attr);
	assert_int_equal(fake.srq.log_size, 2);
	/* 16 + 5 * 16 = 96 */
	assert_int_equal(fake.srq.log_wqe_size, 7);
	assert_int_equal(attr.attr.max_wr, 4);
	assert_int_equal(attr.attr.max_sge, 7);
	qp = tulle_qp_create_ex(context, &tgt);
	assert_non_null(qp);
	assert_int_equal(fake.qp.sq_buf, 0);
	assert_int_equal(fake.qp.rq_buf, 0);
	assert_int_equal(fake.qp.dbr, 0);
	/* No CQ of its own, whose lock would keep it for those who poll */
	assert_null(tulle_qp_find(&fake.ctx, qp->qp_num));
	tulle_qp_destroy(qp);
	qp = tulle_qp_open(context, &open);
	assert_non_null(qp);
	tulle_qp_destroy(qp);
	tulle_srq_destroy(srq);
	tulle_xrcd_close(xrcd);
	tulle_cq_destroy(&cq->vcq.cq);
	tulle_pd_dealloc(pd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dbr), T(test_sizes), T(test_promise), T(test_requests),
		T(test_refusals), T(test_reset), T(test_destroy_waits),
		T(test_number_again), T(test_destroy_refused),
		T(test_ignored_caps), T(test_parent_domain), T(test_xrc),
	};

	return cmocka_run_group_tests_name("objects", tests, NULL, NULL);
}
