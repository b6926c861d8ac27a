// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Shared receive queues, XRC ones too: creation, the limit, dry ones, last WQE,
 * whose PD and whose CQ.
 */
#include "rd.h"

#define BAD_SRQ(rd, ctx, member) do {					\
	struct rd_srq s_;						\
	BAD_AT(rd, rd_srq_make(rd, &s_, ctx), struct tulle_srq_ctx, member); \
} while (0)

#define REFUSED(member, ...) do {					\
	ctx = good;							\
	__VA_ARGS__;							\
	BAD_SRQ(rd, &ctx, member);					\
} while (0)

static void srq_create(struct rd *rd, struct rd_srq *s)
{
	struct tulle_srq_ctx ctx = rd_srq_ctx(rd, s);

	OK(rd_srq_make(rd, s, &ctx));
}

/* An UD queue pair on an SRQ. */
static void qp_on(struct rd *rd, struct rd_qp *q, const struct rd_srq *s)
{
	struct tulle_qp_ctx ctx = rd_qp_ctx(rd, TULLE_QP_UD, q);

	ctx.log_rq_size = 0;
	ctx.log_rq_wqe = 0;
	memset(&ctx.rq, 0, sizeof(ctx.rq));
	ctx.srq = cpu_to_le32(s->handle);
	OK(rd_qp_make(rd, q, &ctx));
	rd_goto(rd, q, TULLE_QPS_RTS);
}

static enum tulle_status arm(struct rd *rd, const struct rd_srq *s, u16 limit)
{
	struct tulle_arm_srq req = { .handle = cpu_to_le32(s->handle),
				     .limit = cpu_to_le16(limit) };

	return fake_cmd(&rd->d, TULLE_CMD_ARM_SRQ, &req, sizeof(req), NULL, 0);
}

static void query(struct rd *rd, u32 handle, struct tulle_srq_ctx *out)
{
	struct tulle_handle_req req = { .handle = cpu_to_le32(handle) };

	OK(fake_cmd(&rd->d, TULLE_CMD_QUERY_SRQ, &req, sizeof(req), out,
		    sizeof(*out)));
}

static void test_create(void **state)
{
	struct tulle_srq_ctx good, ctx, out;
	struct rd *rd = *state;
	struct rd_srq s;
	u32 xrcd;

	good = rd_srq_ctx(rd, &s);
	ctx = good;
	OK(rd_srq_make(rd, &s, &ctx));
	query(rd, s.handle, &out);
	ctx.handle = cpu_to_le32(s.handle);
	assert_memory_equal(&out, &ctx, sizeof(ctx));
	assert_ptr_equal(tfw_srq_by_number(rd->f, s.handle &
					   TULLE_HANDLE_INDEX), s.srq);
	REFUSED(flags, ctx.flags = 4);
	REFUSED(cq, ctx.cq = cpu_to_le32(rd->cq.handle));
	REFUSED(xrcd, ctx.xrcd = 1);
	REFUSED(dbr, ctx.dbr = cpu_to_le64(64));
	REFUSED(log_size, ctx.log_size = 16);
	REFUSED(log_wqe_size, ctx.log_wqe_size = 4);
	REFUSED(log_wqe_size, ctx.log_wqe_size = 9);
	REFUSED(state, ctx.state = 1);
	REFUSED(limit, ctx.limit = cpu_to_le16(1));
	REFUSED(ci, ctx.ci = cpu_to_le32(1));
	REFUSED(uar, ctx.uar = cpu_to_le16(7));
	REFUSED(pages, ctx.pages.levels = 3);
	REFUSED(rsvd, ctx.rsvd[3] = 1);
	ctx = good;
	ctx.pd = 0;
	assert_int_equal(rd_srq_make(rd, &s, &ctx), TULLE_STATUS_BAD_HANDLE);
	/* XRC */
	xrcd = fake_create(&rd->d, TULLE_CMD_CREATE_XRCD, NULL, 0, NULL);
	good.flags = TULLE_SRQ_F_XRC;
	ctx = good;
	ctx.cq = cpu_to_le32(rd->cq.handle);
	assert_int_equal(rd_srq_make(rd, &s, &ctx), TULLE_STATUS_BAD_HANDLE);
	ctx.xrcd = cpu_to_le32(xrcd);
	OK(rd_srq_make(rd, &s, &ctx));
	query(rd, s.handle, &out);
	ctx.handle = cpu_to_le32(s.handle);
	assert_memory_equal(&out, &ctx, sizeof(ctx));
	assert_int_equal(fake_destroy(&rd->d, TULLE_CMD_DESTROY_XRCD, xrcd),
			 TULLE_STATUS_IN_USE);
	assert_int_equal(fake_destroy(&rd->d, TULLE_CMD_DESTROY_CQ,
				      rd->cq.handle), TULLE_STATUS_IN_USE);
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_SRQ, s.handle));
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_XRCD, xrcd));
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_CQ, rd->cq.handle));
}

static void test_in_use(void **state)
{
	struct tulle_qp_ctx ctx;
	struct rd *rd = *state;
	struct rd_srq s;
	struct rd_qp q;

	srq_create(rd, &s);
	qp_on(rd, &q, &s);
	assert_int_equal(fake_destroy(&rd->d, TULLE_CMD_DESTROY_SRQ, s.handle),
			 TULLE_STATUS_IN_USE);
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP, q.handle));
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_SRQ, s.handle));
	ctx = q.ctx;
	assert_int_equal(rd_qp_make(rd, &q, &ctx), TULLE_STATUS_BAD_HANDLE);
}

static void test_take(void **state)
{
	struct rd *rd = *state;
	struct tulle_rq_wqe *wqe;
	struct rd_qp q[2];
	struct tfw_recv r;
	struct rd_srq s;
	u32 i;

	srq_create(rd, &s);
	qp_on(rd, &q[0], &s);
	qp_on(rd, &q[1], &s);
	for (i = 0; i < 50; i++) {
		wqe = rd_post_srq(&s);
		wqe->nsge = 1;
		wqe->sge[0].len = cpu_to_le32(i);
		assert_int_equal(tfw_recv_take(q[i % 2].qp, NULL, &r),
				 TFW_RECV_OK);
		/* Of an SRQ the index of the WQE itself */
		assert_int_equal(r.wqe, i);
		assert_int_equal(r.wr_id, 0x1000 + i);
		assert_int_equal(r.sgl.len, i);
		assert_int_equal(r.sgl.pd, rd->pd);
		assert_int_equal(le32_to_cpu(s.dbr->ci_hint), i + 1);
	}
}

/*
 * Who found it dry is not woken: the next receive looks for itself, whether
 * somebody rang or not.
 */
static void test_dry(void **state)
{
	struct rd *rd = *state;
	struct tfw_recv r;
	struct rd_qp q[3];
	struct rd_srq s;
	int i;

	srq_create(rd, &s);
	for (i = 0; i < 3; i++) {
		qp_on(rd, &q[i], &s);
		assert_int_equal(tfw_recv_take(q[i].qp, NULL, &r),
				 TFW_RECV_DRY);
		assert_int_equal(tfw_recv_take(q[i].qp, NULL, &r),
				 TFW_RECV_DRY);
	}
	assert_int_equal(le32_to_cpu(s.dbr->evt), 0);
	rd_post_srq(&s);
	rd_post_srq(&s);
	fake_kick(&rd->d, TULLE_UAR_SRQ, s.handle);
	assert_int_equal(rd->f->rdma->stats.doorbells, 1);
	assert_int_equal(rd_double.kicks, 0);
	assert_int_equal(tfw_recv_take(q[2].qp, NULL, &r), TFW_RECV_OK);
	assert_int_equal(r.wr_id, 0x1000);
	/* Not dry: far away. */
	assert_true(le32_to_cpu(s.dbr->evt) - 2 > TULLE_EVT_FAR / 2);
	assert_int_equal(tfw_recv_take(q[0].qp, NULL, &r), TFW_RECV_OK);
	assert_int_equal(tfw_recv_take(q[1].qp, NULL, &r), TFW_RECV_DRY);
	assert_int_equal(le32_to_cpu(s.dbr->evt), 2);
	rd_post_srq(&s);
	assert_int_equal(tfw_recv_take(q[1].qp, NULL, &r), TFW_RECV_OK);
	assert_int_equal(r.wr_id, 0x1002);
}

static void test_limit(void **state)
{
	struct rd *rd = *state;
	struct tulle_srq_ctx out;
	struct tfw_recv r;
	struct rd_srq s;
	struct rd_qp q;
	int i;

	srq_create(rd, &s);
	qp_on(rd, &q, &s);
	BAD_AT(rd, arm(rd, &s, 17), struct tulle_arm_srq, limit);
	for (i = 0; i < 16; i++)
		rd_post_srq(&s);
	OK(arm(rd, &s, 16));
	query(rd, s.handle, &out);
	assert_int_equal(le16_to_cpu(out.limit), 16);
	OK(arm(rd, &s, 14));
	/* 15, 14: not fewer; 13 is. */
	for (i = 0; i < 2; i++) {
		assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_OK);
		assert_int_equal(rd_event(rd, TULLE_EVENT_SRQ, s.handle), -1);
	}
	/* What was posted meanwhile counts. */
	rd_post_srq(&s);
	assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_OK);
	assert_int_equal(rd_event(rd, TULLE_EVENT_SRQ, s.handle), -1);
	assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_OK);
	assert_int_equal(rd_event(rd, TULLE_EVENT_SRQ, s.handle),
			 TULLE_SRQ_EVENT_LIMIT);
	/* Once; armed again, at once when it is low already; 0 disarms. */
	assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_OK);
	assert_int_equal(rd_event(rd, TULLE_EVENT_SRQ, s.handle), -1);
	OK(arm(rd, &s, 13));
	assert_int_equal(rd_event(rd, TULLE_EVENT_SRQ, s.handle),
			 TULLE_SRQ_EVENT_LIMIT);
	OK(arm(rd, &s, 5));
	OK(arm(rd, &s, 0));
	for (i = 0; i < 12; i++)
		assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_OK);
	assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_DRY);
	assert_int_equal(rd_event(rd, TULLE_EVENT_SRQ, s.handle), -1);
}

/* A bad WQE fails its taker; a bad ring fails the SRQ. */
static void test_bad(void **state)
{
	const struct tulle_rdma_cqe *cqe;
	struct rd *rd = *state;
	struct tulle_rq_wqe *wqe;
	struct rd_qp q[4];
	struct tfw_recv r;
	struct rd_srq s;
	int i;

	srq_create(rd, &s);
	for (i = 0; i < 4; i++)
		qp_on(rd, &q[i], &s);
	wqe = rd_post_srq(&s);
	wqe->nsge = 9;
	assert_int_equal(tfw_recv_take(q[0].qp, NULL, &r), TFW_RECV_BAD);
	cqe = fake_poll(&rd->cq);
	assert_int_equal(cqe->status, TULLE_WC_LOC_QP_OP);
	assert_int_equal(le64_to_cpu(cqe->wr_id), 0x1000);
	assert_int_equal(q[0].qp->state, TULLE_QPS_ERR);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q[0].handle),
			 TULLE_QP_EVENT_LAST_WQE);
	assert_int_equal(tfw_recv_take(q[1].qp, NULL, &r), TFW_RECV_DRY);
	s.dbr->pi = cpu_to_le32(99);
	assert_int_equal(tfw_recv_take(q[2].qp, NULL, &r), TFW_RECV_BAD);
	assert_int_equal(q[2].qp->state, TULLE_QPS_ERR);
	assert_int_equal(s.srq->state, TULLE_QUEUE_ERROR);
	assert_int_equal(rd_event(rd, TULLE_EVENT_SRQ, s.handle),
			 TULLE_SRQ_EVENT_ERROR);
	/* Who found it dry before fails when it looks again. */
	assert_int_equal(q[1].qp->state, TULLE_QPS_RTS);
	assert_int_equal(tfw_recv_take(q[1].qp, NULL, &r), TFW_RECV_BAD);
	assert_int_equal(q[1].qp->state, TULLE_QPS_ERR);
	assert_int_equal(tfw_recv_take(q[3].qp, NULL, &r), TFW_RECV_BAD);
	assert_int_equal(q[3].qp->state, TULLE_QPS_ERR);
	assert_int_equal(arm(rd, &s, 1), TULLE_STATUS_BAD_STATE);
}

/* The receive under way is flushed, then the driver hears of the last WQE. */
static void test_last_wqe(void **state)
{
	const struct tulle_rdma_cqe *cqe;
	struct rd *rd = *state;
	struct rd_srq s;
	struct rd_qp q;

	srq_create(rd, &s);
	qp_on(rd, &q, &s);
	rd_post_srq(&s);
	rd_post_srq(&s);
	assert_int_equal(tfw_recv_take(q.qp, NULL, &q.qp->recv), TFW_RECV_OK);
	rd_goto(rd, &q, TULLE_QPS_RTS);		/* by RESET: forgotten */
	assert_null(fake_poll(&rd->cq));
	assert_int_equal(tfw_recv_take(q.qp, NULL, &q.qp->recv), TFW_RECV_OK);
	tfw_qp_fail(q.qp, -1);
	cqe = fake_poll(&rd->cq);
	assert_int_equal(cqe->status, TULLE_WC_WR_FLUSH);
	assert_int_equal(le64_to_cpu(cqe->wr_id), 0x1001);
	assert_null(fake_poll(&rd->cq));
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle),
			 TULLE_QP_EVENT_LAST_WQE);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle), -1);
}

struct xrc {
	struct rd_srq		srq;
	struct rd_qp		tgt;
	struct fake_queue	cq;
	u32			xrcd;
};

static void xrc_make(struct rd *rd, struct xrc *x)
{
	struct tulle_qp_ctx qctx;
	struct tulle_srq_ctx ctx;

	rd_gid(rd, 0, 1);
	OK(fake_cq_create(&rd->d, &x->cq, rd->eq.handle, 4, 5, 0, 0));
	x->xrcd = fake_create(&rd->d, TULLE_CMD_CREATE_XRCD, NULL, 0, NULL);
	ctx = rd_srq_ctx(rd, &x->srq);
	ctx.flags = TULLE_SRQ_F_XRC;
	ctx.pd = cpu_to_le32(rd->other_pd);
	ctx.cq = cpu_to_le32(x->cq.handle);
	ctx.xrcd = cpu_to_le32(x->xrcd);
	OK(rd_srq_make(rd, &x->srq, &ctx));
	qctx = rd_qp_ctx(rd, TULLE_QP_XRC_TGT, &x->tgt);
	qctx.pd = 0;
	qctx.xrcd = cpu_to_le32(x->xrcd);
	OK(rd_qp_make(rd, &x->tgt, &qctx));
	rd_goto(rd, &x->tgt, TULLE_QPS_RTS);
}

/* A target works in the PD of the SRQ that a message names, on its CQ. */
static void test_xrc(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx key = {
		.pd = cpu_to_le32(rd->other_pd), .type = TULLE_MKEY_MR,
		.access = 0xf, .iova = cpu_to_le64(0x1000),
		.len = cpu_to_le64(4096),
	};
	struct tulle_rdma_cqe cqe = { 0 };
	const struct tulle_rdma_cqe *out;
	struct tfw_qp *tgt;
	struct tfw_recv r;
	struct xrc x;
	u64 mem;
	u32 h;

	xrc_make(rd, &x);
	tgt = x.tgt.qp;
	key.pages = fake_pages(&rd->d, 4096, &mem);
	OK(rd_mkey(rd, &key, &h));
	assert_null(tfw_mkey_get(tgt, TULLE_KEY(h), 0x1000, 1, 4, true));
	tgt->xrc_srq = x.srq.handle;
	assert_non_null(tfw_mkey_get(tgt, TULLE_KEY(h), 0x1000, 1, 4, true));
	tgt->xrc_srq = 0;
	rd_post_srq(&x.srq);
	assert_int_equal(tfw_recv_take(tgt, x.srq.srq, &r), TFW_RECV_OK);
	assert_int_equal(tgt->xrc_srq, x.srq.handle);
	assert_int_equal(r.sgl.pd, rd->other_pd);
	tfw_qp_complete_recv(tgt, &r, &cqe, TULLE_CQE_RECV, NULL, false);
	out = fake_poll(&x.cq);
	assert_non_null(out);
	assert_int_equal(le32_get_bits(out->qn_op, TULLE_CQE_QN),
			 tfw_qp_num(tgt));
	assert_int_equal(le32_get_bits(out->src_flags, TULLE_WC_SRC_QP),
			 x.srq.handle & TULLE_HANDLE_INDEX);
	/* One that was dry goes away. */
	assert_int_equal(tfw_recv_take(tgt, x.srq.srq, &r), TFW_RECV_DRY);
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_SRQ, x.srq.handle));
	assert_null(tfw_mkey_get(tgt, TULLE_KEY(h), 0x1000, 1, 4, true));
	cqe.status = TULLE_WC_WR_FLUSH;
	tfw_qp_complete_recv(tgt, &r, &cqe, TULLE_CQE_RECV, NULL, false);
	assert_null(fake_poll(&x.cq));
}

/* In the middle of a message: the flush goes to the SRQ's CQ. */
static void test_xrc_fail(void **state)
{
	const struct tulle_rdma_cqe *cqe;
	struct rd *rd = *state;
	struct xrc x;

	xrc_make(rd, &x);
	rd_post_srq(&x.srq);
	assert_int_equal(tfw_recv_take(x.tgt.qp, x.srq.srq, &x.tgt.qp->recv),
			 TFW_RECV_OK);
	tfw_qp_fail(x.tgt.qp, -1);
	cqe = fake_poll(&x.cq);
	assert_int_equal(cqe->status, TULLE_WC_WR_FLUSH);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, x.tgt.handle), -1);
}

/* An XRC SRQ is not for ordinary queue pairs. */
static void test_xrc_srq_wrong(void **state)
{
	struct tulle_qp_ctx ctx;
	struct rd *rd = *state;
	struct rd_qp q;
	struct xrc x;

	xrc_make(rd, &x);
	ctx = rd_qp_ctx(rd, TULLE_QP_RC, &q);
	ctx.log_rq_size = 0;
	ctx.log_rq_wqe = 0;
	memset(&ctx.rq, 0, sizeof(ctx.rq));
	ctx.srq = cpu_to_le32(x.srq.handle);
	BAD_AT(rd, rd_qp_make(rd, &q, &ctx), struct tulle_qp_ctx, srq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RD_TEST(test_create),
		RD_TEST(test_in_use),
		RD_TEST(test_take),
		RD_TEST(test_dry),
		RD_TEST(test_limit),
		RD_TEST(test_bad),
		RD_TEST(test_last_wqe),
		RD_TEST(test_xrc),
		RD_TEST(test_xrc_fail),
		RD_TEST(test_xrc_srq_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
