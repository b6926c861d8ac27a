// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Queue pairs: creation, their two queues, completions, events, many of them.
 */
#include "rd.h"

#define BAD_QP(rd, ctx, member) do {					\
	struct rd_qp q_;						\
	BAD_AT(rd, rd_qp_make(rd, &q_, ctx), struct tulle_qp_ctx, member); \
} while (0)

#define REFUSED(member, ...) do {					\
	ctx = good;							\
	__VA_ARGS__;							\
	BAD_QP(rd, &ctx, member);					\
} while (0)

static void query(struct rd *rd, u32 handle, struct tulle_query_qp *out)
{
	struct tulle_handle_req req = { .handle = cpu_to_le32(handle) };

	OK(fake_cmd(&rd->d, TULLE_CMD_QUERY_QP, &req, sizeof(req), out,
		    sizeof(*out)));
}

static void test_create(void **state)
{
	struct rd *rd = *state;
	struct tulle_query_qp out;
	struct tulle_qp_ctx ctx;
	struct rd_qp q;
	u32 uar, used;
	u8 type;

	uar = fake_create(&rd->d, TULLE_CMD_ALLOC_UAR, NULL, 0, NULL);
	for (type = 0; type <= TULLE_QP_RAW; type++) {
		ctx = rd_qp_ctx(rd, type, &q);
		if (type == TULLE_QP_XRC_TGT)
			ctx.xrcd = rd_xrcd_create(rd);
		ctx.uar = cpu_to_le16((u16)uar);
		OK(rd_qp_make(rd, &q, &ctx));
		query(rd, q.handle, &out);
		ctx.handle = cpu_to_le32(q.handle);
		assert_memory_equal(&out.ctx, &ctx, sizeof(ctx));
		used = q.handle & TULLE_HANDLE_INDEX;
		assert_int_equal(used == 1, type == TULLE_QP_GSI);
		assert_true(used);
		assert_int_equal(fake_destroy(&rd->d, TULLE_CMD_FREE_UAR, uar),
				 TULLE_STATUS_IN_USE);
		assert_int_equal(fake_destroy(&rd->d, TULLE_CMD_DESTROY_PD,
					      rd->pd), TULLE_STATUS_IN_USE);
		OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP, q.handle));
	}
	OK(fake_destroy(&rd->d, TULLE_CMD_FREE_UAR, uar));
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_CQ, rd->cq.handle));
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_PD, rd->pd));
}

static void test_create_refused(void **state)
{
	struct tulle_qp_ctx good, ctx;
	struct rd *rd = *state;
	struct rd_qp q;

	good = rd_qp_ctx(rd, TULLE_QP_RC, &q);
	REFUSED(type, ctx.type = TULLE_QP_RAW + 1);
	REFUSED(flags, ctx.flags = 8);
	REFUSED(flags, ctx.flags = TULLE_QP_F_NO_LOOPBACK);
	REFUSED(xrcd, ctx.xrcd = 1);
	REFUSED(state, ctx.state = TULLE_QPS_INIT);
	REFUSED(sq_ci, ctx.sq_ci = 1);
	REFUSED(rq_ci, ctx.rq_ci = 1);
	REFUSED(log_sq_size, ctx.log_sq_size = 3);
	REFUSED(log_sq_size, ctx.log_sq_size = 17);
	REFUSED(log_rq_size, ctx.log_rq_size = 16);
	REFUSED(log_rq_wqe, ctx.log_rq_wqe = 4);
	REFUSED(log_rq_wqe, ctx.log_rq_wqe = 9);
	REFUSED(dbr, ctx.dbr = cpu_to_le64(64));
	REFUSED(uar, ctx.uar = cpu_to_le16(9));
	REFUSED(sq, ctx.sq.npages = 0);
	REFUSED(rq, ctx.rq.npages = 0);
	REFUSED(sq.rsvd, ctx.sq.rsvd[0] = 1);
	REFUSED(rsvd, ctx.rsvd[31] = 1);
	REFUSED(handle, ctx.handle = cpu_to_le32(RD_GEN1 | 1));
	REFUSED(handle, ctx.handle = cpu_to_le32(RD_GEN1));
#define NO_HANDLE(member) do {						\
	ctx = good;							\
	ctx.member = cpu_to_le32(0x7f000007);				\
	assert_int_equal(rd_qp_make(rd, &q, &ctx), TULLE_STATUS_BAD_HANDLE); \
} while (0)
	NO_HANDLE(pd);
	NO_HANDLE(send_cq);
	NO_HANDLE(recv_cq);
	/* With an SRQ there is no RQ, with a type without SQ no SQ. */
	REFUSED(log_rq_size, ctx.srq = 1);
	good = rd_qp_ctx(rd, TULLE_QP_XRC_INI, &q);
	REFUSED(recv_cq, ctx.recv_cq = 1);
	REFUSED(srq, ctx.srq = 1);
	REFUSED(rq, ctx.rq.npages = 1);
	good = rd_qp_ctx(rd, TULLE_QP_XRC_TGT, &q);
	REFUSED(send_cq, ctx.send_cq = 1);
	REFUSED(sq, ctx.sq.npages = 1);
	REFUSED(dbr, ctx.dbr = cpu_to_le64(128));
	REFUSED(flags, ctx.flags = TULLE_QP_F_SIG_ALL);
	NO_HANDLE(xrcd);
	good = rd_qp_ctx(rd, TULLE_QP_GSI, &q);
	REFUSED(srq, ctx.srq = 1);
	REFUSED(handle, ctx.handle = cpu_to_le32(RD_GEN1 | 2));
	assert_int_equal(rd->f->obj[TULLE_OBJ_QP].used, 0);
}

static void test_gsi(void **state)
{
	struct rd *rd = *state;
	struct tulle_qp_ctx ctx;
	struct rd_qp q, q2;
	u32 h;

	rd_qp_create(rd, &q, TULLE_QP_GSI, 0);
	assert_int_equal(tfw_qp_num(q.qp), TULLE_QPN_GSI);
	ctx = rd_qp_ctx(rd, TULLE_QP_GSI, &q2);
	assert_int_equal(rd_qp_make(rd, &q2, &ctx), TULLE_STATUS_EXISTS);
	h = q.handle;
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP, h));
	OK(rd_qp_make(rd, &q2, &ctx));
	/* Another generation: the old handle is nobody's. */
	assert_int_equal(q2.handle & TULLE_HANDLE_INDEX, TULLE_QPN_GSI);
	assert_int_not_equal(q2.handle, h);
	assert_int_equal(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP, h),
			 TULLE_STATUS_BAD_HANDLE);
	assert_ptr_equal(tfw_qp_by_number(rd->f, 1), q2.qp);
	assert_null(tfw_qp_by_number(rd->f, 0));
	assert_null(tfw_qp_by_number(rd->f, 0xffffff));
}

/* Numbers rest before they come again, and never 0 and 1. */
static void test_reuse(void **state)
{
	struct rd *rd = *state;
	struct tulle_qp_ctx ctx;
	struct rd_qp q;
	u32 i, last = 0;

	ctx = rd_qp_ctx(rd, TULLE_QP_RC, &q);
	for (i = 0; i < 300; i++) {
		OK(rd_qp_make(rd, &q, &ctx));
		assert_true((q.handle & TULLE_HANDLE_INDEX) >= 2);
		assert_int_not_equal(q.handle, last);
		last = q.handle;
		OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP, q.handle));
	}
	ctx.handle = cpu_to_le32(0x22001234);
	ctx.sq_ci = cpu_to_le32(77);
	ctx.rq_ci = cpu_to_le32(5);
	OK(rd_qp_make(rd, &q, &ctx));
	assert_int_equal(q.handle, 0x22001234);
	assert_int_equal(q.qp->sq_ci, 77);
	assert_int_equal(q.qp->rq.ci, 5);
	assert_int_equal(rd_qp_make(rd, &q, &ctx), TULLE_STATUS_EXISTS);
}

static u8 wqe_buf[TULLE_SQ_MAX_BLOCKS * TULLE_SQ_BLOCK];
static u8 wrong;

static u64 fetched_id(void)
{
	return le64_to_cpu(((struct tulle_qp_wqe *)(void *)wqe_buf)->wr_id);
}

/* Of all sizes, around the ring several times. */
static void test_fetch(void **state)
{
	struct rd *rd = *state;
	struct rd_qp q;
	u32 i, pi = 0, left, n;

	rd_qp_create(rd, &q, TULLE_QP_UD, 0);
	rd_goto(rd, &q, TULLE_QPS_RTS);
	assert_int_equal(tfw_qp_fetch(q.qp, wqe_buf, &wrong), 0);
	for (i = 0; i < 200; i++) {
		n = i % TULLE_SQ_MAX_BLOCKS + 1;
		left = 32 - pi % 32;
		n = TFW_MIN(n, left);
		rd_post_send(&q, (u8)n);
		q.sq[((pi + n - 1) % 32) * 64 + 63] = (u8)i;
		assert_int_equal(tfw_qp_fetch(q.qp, wqe_buf, &wrong), n);
		assert_int_equal(fetched_id(), pi);
		assert_int_equal(wqe_buf[n * 64 - 1], (u8)i);
		pi += n;
		assert_int_equal(q.qp->sq_ci, pi);
		assert_int_equal(tfw_qp_fetch(q.qp, wqe_buf, &wrong), 0);
	}
}

static const struct tulle_rdma_cqe *poll(struct rd *rd, u32 qpn, u8 op,
					 u8 status)
{
	const struct tulle_rdma_cqe *cqe = fake_poll(&rd->cq);

	assert_non_null(cqe);
	assert_int_equal(le32_get_bits(cqe->qn_op, TULLE_CQE_QN), qpn);
	assert_int_equal(le32_get_bits(cqe->qn_op, TULLE_CQE_OP), op);
	assert_int_equal(cqe->status, status);
	return cqe;
}

enum spoil { BLOCKS_0, BLOCKS_17, BLOCKS_AVAIL, BLOCKS_WRAP, INDEX, PI, HOLE };

/* Whatever the ring holds: a status, an event, and the QP alone suffers. */
static void test_fetch_bad(void **state)
{
	struct rd *rd = *state;
	struct tulle_qp_wqe *wqe;
	struct rd_qp q;
	int how, i;

	rd_qp_create(rd, &q, TULLE_QP_UD, 0);
	for (how = BLOCKS_0; how <= HOLE; how++) {
		rd_goto(rd, &q, TULLE_QPS_RESET);
		memset(q.dbr, 0, sizeof(*q.dbr));
		rd_goto(rd, &q, TULLE_QPS_RTS);
		for (i = 0; i < 31; i++)
			rd_post_send(&q, 1);
		for (i = 0; i < 30; i++)
			assert_int_equal(tfw_qp_fetch(q.qp, wqe_buf, &wrong), 1);
		wqe = (void *)(q.sq + 30 * 64);
		if (how == BLOCKS_0)
			wqe->ctrl.nblocks = 0;
		if (how == BLOCKS_17)
			wqe->ctrl.nblocks = 17;
		if (how == BLOCKS_AVAIL)
			wqe->ctrl.nblocks = 2;
		if (how == BLOCKS_WRAP) {
			wqe->ctrl.nblocks = 3;
			q.dbr->pi = cpu_to_le32(40);
			q.qp->sq_pi = 40;
		}
		if (how == INDEX)
			wqe->ctrl.index = cpu_to_le16(31);
		if (how == PI)
			q.qp->sq_pi = 30 + 33;
		rd->d.hole = q.sq_addr + 30 * 64;
		rd->d.hole_len = how == HOLE;
		assert_int_equal(tfw_qp_fetch(q.qp, wqe_buf, &wrong), -1);
		rd->d.hole_len = 0;
		assert_int_equal(q.qp->sq_ci, q.qp->sq_pi);
		assert_null(fake_poll(&rd->cq));
		if (how >= PI) {
			assert_int_equal(wrong, 0);
			assert_int_equal(q.qp->state, TULLE_QPS_ERR);
			assert_int_equal(rd_event(rd, TULLE_EVENT_QP,
						  q.handle),
					 TULLE_QP_EVENT_FATAL);
			continue;
		}
		/* Whoever fetched it has it completed, in its turn. */
		assert_int_equal(wrong, how == INDEX ?
				 offsetof(struct tulle_wqe_ctrl, index) :
				 offsetof(struct tulle_wqe_ctrl, nblocks));
		assert_int_equal(q.qp->state, TULLE_QPS_RTS);
		assert_int_equal(fetched_id(), 30);
		assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle), -1);
	}
}

/* No kick is lost: what comes behind the last look is asked for. */
static void test_sleep(void **state)
{
	struct rd *rd = *state;
	struct rd_qp q;

	rd_qp_create(rd, &q, TULLE_QP_UD, 0);
	rd_goto(rd, &q, TULLE_QPS_RTS);
	assert_true(tfw_qp_sleep(q.qp));
	assert_int_equal(le32_to_cpu(q.dbr->evt), 0);
	rd_post_send(&q, 1);
	assert_int_equal(tfw_qp_fetch(q.qp, wqe_buf, &wrong), 1);
	/* Busy: nobody needs to ring. */
	assert_int_equal(le32_to_cpu(q.dbr->evt), 1 + TULLE_EVT_FAR);
	rd_post_send(&q, 1);
	assert_false(tfw_qp_sleep(q.qp));
	assert_int_equal(tfw_qp_fetch(q.qp, wqe_buf, &wrong), 1);
	assert_true(tfw_qp_sleep(q.qp));
	assert_int_equal(le32_to_cpu(q.dbr->evt), 2);
	assert_int_equal(le32_to_cpu(q.dbr->ci_hint), 2);
	tfw_engine_set_polling(rd->env.engine, true);
	assert_false(tfw_qp_sleep(q.qp));
	assert_int_equal(le32_to_cpu(q.dbr->evt), 2 + TULLE_EVT_FAR);
	tfw_engine_set_polling(rd->env.engine, false);
	rd->d.hole = (u64)((u8 *)q.dbr - rd->d.mem) + FAKE_BASE;
	rd->d.hole_len = 128;
	assert_true(tfw_qp_sleep(q.qp));
	assert_int_equal(q.qp->state, TULLE_QPS_ERR);
}

static void test_kick_sq(void **state)
{
	struct rd *rd = *state;
	struct rd_qp q;
	u32 uar, other, runs;

	uar = fake_create(&rd->d, TULLE_CMD_ALLOC_UAR, NULL, 0, NULL) &
	      TULLE_HANDLE_INDEX;
	other = fake_create(&rd->d, TULLE_CMD_ALLOC_UAR, NULL, 0, NULL) &
		TULLE_HANDLE_INDEX;
	q.ctx = rd_qp_ctx(rd, TULLE_QP_UD, &q);
	q.ctx.uar = cpu_to_le16((u16)uar);
	OK(rd_qp_make(rd, &q, &q.ctx));
	fake_kick(&rd->d, (uar << 12) + TULLE_UAR_QP_SQ, q.handle);
	assert_int_equal(rd_double.runs, 0);	/* in RESET */
	rd_goto(rd, &q, TULLE_QPS_RTS);
	runs = rd_double.runs;
	fake_kick(&rd->d, (uar << 12) + TULLE_UAR_QP_SQ, q.handle);
	assert_int_equal(rd_double.runs, runs + 1);
	/* From another page, a stale handle, another bell, an odd place */
	fake_kick(&rd->d, (other << 12) + TULLE_UAR_QP_SQ, q.handle);
	fake_kick(&rd->d, (uar << 12) + TULLE_UAR_QP_SQ, q.handle + RD_GEN1);
	fake_kick(&rd->d, (uar << 12) + TULLE_UAR_SQ, q.handle);
	fake_kick(&rd->d, (uar << 12) + TULLE_UAR_SRQ, q.handle);
	fake_kick(&rd->d, (uar << 12) + TULLE_UAR_QP_SQ + 4, q.handle);
	fake_kick(&rd->d, (uar << 12) + 0x38, q.handle);
	assert_int_equal(rd_double.runs, runs + 1);
	assert_int_equal(rd->f->rdma->stats.doorbells, 2);
	/* Lost ones are made up for. */
	tfw_wq_kick_all(rd->f, TFW_ALL_PAGES);
	fake_run(&rd->env);
	assert_int_equal(rd_double.runs, runs + 2);
}

static struct tfw_qp *last_run;

static bool note_run(struct tfw_qp *qp)
{
	last_run = qp;
	return false;
}

static u32 qp_on_page(struct rd *rd, struct rd_qp *q)
{
	u32 uar = fake_create(&rd->d, TULLE_CMD_ALLOC_UAR, NULL, 0, NULL) &
		  TULLE_HANDLE_INDEX;

	q->ctx = rd_qp_ctx(rd, TULLE_QP_UD, q);
	q->ctx.uar = cpu_to_le16((u16)uar);
	OK(rd_qp_make(rd, q, &q->ctx));
	rd_goto(rd, q, TULLE_QPS_RTS);
	fake_run(&rd->env);
	return uar << 12;
}

/*
 * One page's doorbells fill the queue: those of the pages that lost some are
 * made up for, and no other queue pair has to run for it.
 */
static void test_lost_kicks(void **state)
{
	struct rd *rd = *state;
	struct rd_qp q[3];
	u32 page[3], i, runs;

	for (i = 0; i < 3; i++)
		page[i] = qp_on_page(rd, &q[i]);
	rd_double.on_run = note_run;
	runs = rd_double.runs;
	for (i = 0; i < 2 * TFW_KICKS; i++)
		tfw_kick(rd->d.dev, 0, page[0] + TULLE_UAR_CQ, 0);
	fake_run(&rd->env);
	assert_int_equal(rd_double.runs, runs + 1);
	assert_ptr_equal(last_run, q[0].qp);
	for (i = 0; i < TFW_KICKS; i++)
		tfw_kick(rd->d.dev, 0, page[0] + TULLE_UAR_CQ, 0);
	tfw_kick(rd->d.dev, 0, page[2] + TULLE_UAR_QP_SQ, q[2].handle);
	fake_run(&rd->env);
	assert_int_equal(rd_double.runs, runs + 2);
	assert_ptr_equal(last_run, q[2].qp);
	/* There is room again. */
	tfw_kick(rd->d.dev, 0, page[1] + TULLE_UAR_QP_SQ, q[1].handle);
	fake_run(&rd->env);
	assert_int_equal(rd_double.runs, runs + 3);
	assert_ptr_equal(last_run, q[1].qp);
}

static void test_recv(void **state)
{
	struct rd *rd = *state;
	struct tulle_rq_wqe *wqe;
	struct tfw_recv r;
	struct rd_qp q;
	u32 i;

	rd_qp_create(rd, &q, TULLE_QP_UD, 0);
	rd_goto(rd, &q, TULLE_QPS_RTS);
	assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_DRY);
	assert_int_equal(le32_to_cpu(q.dbr->rq_evt), 0);
	for (i = 0; i < 40; i++) {
		wqe = rd_post_recv(&q);
		wqe->nsge = 3;
		wqe->sge[2].len = cpu_to_le32(100 + i);
		wqe->sge[0].len = cpu_to_le32(0x7fffff00);
		assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_OK);
		assert_true(r.valid);
		assert_int_equal(r.wr_id, 0x1000 + i);
		assert_int_equal(r.wqe, i + 1);
		assert_int_equal(r.sgl.n, 3);
		assert_int_equal(r.sgl.len, 0x7fffff00 + 100 + i);
		assert_int_equal(le32_to_cpu(r.sgl.sge[2].len), 100 + i);
		assert_int_equal(r.sgl.pd, 0);
		assert_in_range(le32_to_cpu(q.dbr->rq_evt) - i - 1,
				TULLE_EVT_FAR / 2 + 1, TULLE_EVT_FAR);
	}
	assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_DRY);
	assert_int_equal(le32_to_cpu(q.dbr->rq_evt), 40);
	/* The kick that was asked for comes once for a dry queue. */
	fake_kick(&rd->d, TULLE_UAR_QP_RQ, q.handle);
	assert_int_equal(rd_double.kicks, 0);
	rd_post_recv(&q);
	fake_kick(&rd->d, TULLE_UAR_QP_RQ, q.handle);
	assert_int_equal(rd_double.kicks, 1);
	fake_kick(&rd->d, TULLE_UAR_QP_RQ, q.handle);
	assert_int_equal(rd_double.kicks, 1);
}

static void test_recv_bad(void **state)
{
	const struct tulle_rdma_cqe *cqe;
	struct rd *rd = *state;
	struct tulle_rq_wqe *wqe;
	struct tfw_recv r;
	struct rd_qp q;
	int how;

	rd_qp_create(rd, &q, TULLE_QP_UD, 0);
	for (how = 0; how < 5; how++) {
		rd_goto(rd, &q, TULLE_QPS_RESET);
		memset(q.dbr, 0, sizeof(*q.dbr));
		rd_goto(rd, &q, TULLE_QPS_RTR);
		wqe = rd_post_recv(&q);
		wqe->nsge = how == 0 ? 4 : 2;	/* 3 fit */
		wqe->rsvd[6] = how == 1;
		wqe->sge[0].len = cpu_to_le32(how == 2 ? 0x80000000 : 1);
		wqe->sge[1].len = cpu_to_le32(1);
		if (how == 3)
			q.dbr->rq_pi = cpu_to_le32(9);
		rd->d.hole = q.rq_addr;
		rd->d.hole_len = how == 4;
		assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_BAD);
		rd->d.hole_len = 0;
		assert_int_equal(q.qp->state, TULLE_QPS_ERR);
		if (how < 3) {
			cqe = poll(rd, tfw_qp_num(q.qp), TULLE_CQE_RECV,
				   how == 2 ? TULLE_WC_LOC_LEN :
					      TULLE_WC_LOC_QP_OP);
			assert_int_equal(le64_to_cpu(cqe->wr_id), 0x1000);
		} else {
			assert_int_equal(rd_event(rd, TULLE_EVENT_QP,
						  q.handle),
					 TULLE_QP_EVENT_FATAL);
		}
		assert_null(fake_poll(&rd->cq));
		/* What is left can be flushed, whatever it holds. */
		q.dbr->rq_pi = cpu_to_le32(q.qp->rq.ci);
		wqe = rd_post_recv(&q);
		wqe->nsge = 200;
		assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_OK);
		assert_int_equal(r.sgl.n, 0);
		assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_DRY);
	}
}

static void test_complete(void **state)
{
	struct tulle_rdma_cqe cqe = {
		.wr_id = cpu_to_le64(0x1122334455667788),
		.byte_len = cpu_to_le32(5), .wqe = cpu_to_le16(9),
	};
	const u8 smac[6] = { 2, 3, 4, 5, 6, 7 };
	const struct tulle_rdma_cqe_ext *ext;
	const struct tulle_rdma_cqe *out;
	struct tfw_recv r = { .wr_id = 42, .wqe = 0x12345 };
	struct rd *rd = *state;
	struct fake_queue wide;
	struct rd_qp q;

	OK(fake_cq_create(&rd->d, &wide, rd->eq.handle, 4, 6, 0, 0));
	q.ctx = rd_qp_ctx(rd, TULLE_QP_UD, &q);
	q.ctx.recv_cq = cpu_to_le32(wide.handle);
	OK(rd_qp_make(rd, &q, &q.ctx));
	rd_goto(rd, &q, TULLE_QPS_RTS);
	tfw_qp_complete_send(q.qp, &cqe, TULLE_CQE_WRITE, false);
	out = poll(rd, tfw_qp_num(q.qp), TULLE_CQE_WRITE, 0);
	assert_int_equal(le64_to_cpu(out->wr_id), 0x1122334455667788);
	assert_int_equal(le16_to_cpu(out->wqe), 9);
	assert_int_equal(le32_to_cpu(out->byte_len), 5);
	tfw_qp_complete_recv(q.qp, &r, &cqe, TULLE_CQE_RECV, smac, false);
	ext = fake_poll(&wide);
	assert_non_null(ext);
	assert_memory_equal(ext->smac, smac, 6);
	assert_true(ext->timestamp);
	out = (const void *)(ext + 1);
	assert_int_equal(le64_to_cpu(out->wr_id), 42);
	assert_int_equal(le16_to_cpu(out->wqe), 0x2345);
	/* Errors wake who waits for solicited ones, and are counted. */
	fake_arm(&rd->cq, TULLE_ARM_SOLICITED);
	tfw_qp_complete_send(q.qp, &cqe, TULLE_CQE_WRITE, false);
	fake_run(&rd->env);
	assert_int_equal(rd->d.irqs[1], 0);
	fake_arm(&rd->eq, TULLE_ARM_ANY);
	cqe.status = TULLE_WC_REM_ACCESS;
	tfw_qp_complete_send(q.qp, &cqe, TULLE_CQE_WRITE, false);
	fake_run(&rd->env);
	assert_int_equal(rd->d.irqs[1], 1);
	cqe.status = TULLE_WC_WR_FLUSH;
	tfw_qp_complete_send(q.qp, &cqe, TULLE_CQE_WRITE, false);
	cqe.status = TULLE_WC_LOC_PROT;
	tfw_qp_complete_send(q.qp, &cqe, TULLE_CQE_WRITE, false);
	assert_int_equal(rd->f->rdma->stats.remote_errors, 1);
	assert_int_equal(rd->f->rdma->stats.flushed, 1);
	assert_int_equal(rd->f->rdma->stats.local_errors, 1);
}

/* An overrun takes every QP of that CQ down, however many, and no other. */
static void test_cq_overrun(void **state)
{
	struct tulle_rdma_cqe cqe = { 0 };
	struct rd *rd = *state;
	struct tulle_qp_ctx ctx;
	struct rd_qp q[700], safe;
	struct fake_queue cq;
	u32 i;

	OK(fake_cq_create(&rd->d, &cq, rd->eq.handle, 4, 5, 0, 0));
	rd_qp_create(rd, &safe, TULLE_QP_UD, 0);
	rd_goto(rd, &safe, TULLE_QPS_RTS);
	ctx = rd_qp_ctx(rd, TULLE_QP_UD, &q[0]);
	for (i = 0; i < 700; i++) {
		q[i] = q[0];
		ctx.send_cq = cpu_to_le32(i & 1 ? cq.handle : rd->cq.handle);
		ctx.recv_cq = cpu_to_le32(i & 1 ? rd->cq.handle : cq.handle);
		OK(rd_qp_make(rd, &q[i], &ctx));
		rd_goto(rd, &q[i], TULLE_QPS_INIT + i % 3);
	}
	for (i = 0; i < 16; i++)
		tfw_qp_complete_send(q[1].qp, &cqe, TULLE_CQE_SEND, false);
	assert_int_equal(q[1].qp->state, TULLE_QPS_RTR);
	tfw_qp_complete_send(q[1].qp, &cqe, TULLE_CQE_SEND, false);
	assert_int_equal(q[1].qp->state, TULLE_QPS_ERR);
	fake_run(&rd->env);
	for (i = 0; i < 700; i++)
		assert_int_equal(q[i].qp->state, TULLE_QPS_ERR);
	assert_int_equal(safe.qp->state, TULLE_QPS_RTS);
	assert_int_equal(fake_destroy(&rd->d, TULLE_CMD_DESTROY_CQ, cq.handle),
			 TULLE_STATUS_IN_USE);
	/* No other one comes to it, at either end. */
	for (i = 0; i < 2; i++) {
		ctx.send_cq = cpu_to_le32(i ? cq.handle : rd->cq.handle);
		ctx.recv_cq = cpu_to_le32(i ? rd->cq.handle : cq.handle);
		assert_int_equal(rd_qp_make(rd, &q[0], &ctx),
				 TULLE_STATUS_BAD_STATE);
	}
}

/* EQ0 full: pending bits wait, equal ones are one, none is lost. */
static void test_events(void **state)
{
	struct rd *rd = *state;
	struct rd_qp q[80];
	u32 i, seen = 0, drained = 0;
	struct tulle_eqe *eqe;

	for (i = 0; i < 80; i++) {
		rd_qp_create(rd, &q[i], TULLE_QP_UD, 0);
		tfw_event_qp(q[i].qp, TULLE_QP_EVENT_SQ_DRAINED);
		tfw_event_qp(q[i].qp, TULLE_QP_EVENT_COMM_EST);
	}
	/* 64 entries: 32 QPs were told; of the rest both are pending. */
	for (i = 0; i < 5; i++)
		tfw_event_qp(q[79].qp, TULLE_QP_EVENT_COMM_EST);
	assert_int_equal(q[79].qp->events, TULLE_BIT(3) | TULLE_BIT(4));
	/* One that goes takes its events along. */
	while ((eqe = fake_poll(&rd->eq0))) {
		seen++;
		drained += le32_to_cpu(eqe->code) == TULLE_QP_EVENT_SQ_DRAINED;
		assert_int_equal(eqe->type, TULLE_EVENT_QP);
		assert_int_equal(eqe->obj, TULLE_OBJ_QP);
		if (seen == 64) {
			OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP,
					q[70].handle));
			fake_advance(&rd->env, 10 * TFW_EQ_RETRY_NS);
		}
		if (seen > 64)
			fake_advance(&rd->env, 10 * TFW_EQ_RETRY_NS);
	}
	assert_int_equal(seen, 158);
	assert_int_equal(drained, 79);
	for (i = 0; i < 80; i++)
		if (i != 70)
			assert_int_equal(q[i].qp->events, 0);
	/* Without EQ0 nobody listens, and nothing is remembered. */
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_EQ, rd->eq0.handle));
	tfw_event_qp(q[0].qp, TULLE_QP_EVENT_FATAL);
	assert_int_equal(q[0].qp->events, 0);
}

/* Events that wait when EQ0 goes away are forgotten, bits and all. */
static void test_events_reset(void **state)
{
	struct rd *rd = *state;
	struct rd_qp q;
	u32 i;

	rd_qp_create(rd, &q, TULLE_QP_UD, 0);
	for (i = 0; i < 70; i++)
		tfw_event_qp(q.qp, TULLE_QP_EVENT_COMM_EST);
	assert_int_not_equal(q.qp->events, 0);
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_EQ, rd->eq0.handle));
	assert_int_equal(q.qp->events, 0);
	OK(fake_eq_create(&rd->d, &rd->eq0, 6, 0, TULLE_EQ_F_ASYNC));
	tfw_event_qp(q.qp, TULLE_QP_EVENT_FATAL);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle),
			 TULLE_QP_EVENT_FATAL);
}

/* So are those of a queue pair's former life. */
static void test_events_of_reset(void **state)
{
	struct rd *rd = *state;
	struct rd_qp q;
	u32 i;

	rd_qp_create(rd, &q, TULLE_QP_UD, 0);
	rd_goto(rd, &q, TULLE_QPS_RTS);
	for (i = 0; i < 70; i++)
		tfw_event_qp(q.qp, TULLE_QP_EVENT_COMM_EST);
	assert_int_not_equal(q.qp->events, 0);
	rd_goto(rd, &q, TULLE_QPS_RESET);
	for (i = 0; i < 64; i++)
		assert_non_null(fake_poll(&rd->eq0));
	fake_advance(&rd->env, 10 * TFW_EQ_RETRY_NS);
	assert_null(fake_poll(&rd->eq0));
	tfw_event_qp(q.qp, TULLE_QP_EVENT_FATAL);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle),
			 TULLE_QP_EVENT_FATAL);
}

/* A CQ that stopped just before DMA did stops its users when that is back. */
static void test_cq_error_without_dma(void **state)
{
	struct rd *rd = *state;
	struct tulle_rdma_cqe cqe = { 0 };
	struct tfw_cq *cq = tfw_cq_find(rd->f, rd->cq.handle);
	struct rd_qp q;

	rd_qp_create(rd, &q, TULLE_QP_UD, 0);
	rd_goto(rd, &q, TULLE_QPS_RTS);
	while (tfw_cq_push(cq, &cqe, sizeof(cqe), 0))
		;
	tfw_func_set_dma(rd->d.dev, 0, false);
	fake_run(&rd->env);
	assert_int_equal(q.qp->state, TULLE_QPS_RTS);
	tfw_func_set_dma(rd->d.dev, 0, true);
	fake_run(&rd->env);
	assert_int_equal(q.qp->state, TULLE_QPS_ERR);
}

/* RESET empties both queues; the driver starts over. */
static void test_reset_state(void **state)
{
	struct rd *rd = *state;
	struct tfw_recv r;
	struct rd_qp q;

	rd_qp_create(rd, &q, TULLE_QP_UD, 0);
	rd_goto(rd, &q, TULLE_QPS_RTS);
	rd_post_send(&q, 3);
	rd_post_recv(&q);
	assert_int_equal(tfw_qp_fetch(q.qp, wqe_buf, &wrong), 3);
	assert_int_equal(tfw_recv_take(q.qp, NULL, &q.qp->recv), TFW_RECV_OK);
	rd_goto(rd, &q, TULLE_QPS_RESET);
	assert_false(q.qp->recv.valid);
	q.dbr->pi = 0;
	q.dbr->rq_pi = 0;
	q.dbr->evt = cpu_to_le32(0x12345);	/* of its former life */
	q.dbr->rq_evt = cpu_to_le32(0x12345);
	rd_goto(rd, &q, TULLE_QPS_RTS);
	assert_int_equal(tfw_qp_fetch(q.qp, wqe_buf, &wrong), 0);
	assert_true(tfw_qp_sleep(q.qp));
	assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_DRY);
	assert_int_equal(q.dbr->evt, 0);
	assert_int_equal(q.dbr->rq_evt, 0);
	rd_post_send(&q, 1);
	assert_int_equal(tfw_qp_fetch(q.qp, wqe_buf, &wrong), 1);
	assert_int_equal(fetched_id(), 0);
	rd_post_recv(&q);
	assert_int_equal(tfw_recv_take(q.qp, NULL, &r), TFW_RECV_OK);
	assert_int_equal(r.wr_id, 0x1000);
	assert_null(fake_poll(&rd->cq));
}

/* A function reset with all of it alive and busy. */
static void test_function_reset(void **state)
{
	struct rd *rd = *state;
	struct rd_qp q;
	u8 type;

	rd_gid(rd, 0, 1);
	for (type = 0; type <= TULLE_QP_RAW; type++) {
		rd_qp_create(rd, &q, type, 0);
		rd_goto(rd, &q, type % 2 ? TULLE_QPS_ERR : TULLE_QPS_RTS);
		tfw_event_qp(q.qp, TULLE_QP_EVENT_FATAL);
	}
	rd_double.cleanups = 0;
	tfw_func_reset(rd->d.dev, 0);
	assert_int_equal(rd_double.cleanups, TULLE_QP_RAW + 1);
	rd->d.writes = 0;
	fake_advance(&rd->env, 1000000);
	assert_int_equal(rd->d.writes, 0);
	fake_boot(&rd->d);
	OK(fake_eq_create(&rd->d, &rd->eq, 6, 1, 0));
	OK(fake_cq_create(&rd->d, &rd->cq, rd->eq.handle, 6, 5, 0, 0));
	rd->pd = rd_pd_create(rd);
	rd_qp_create(rd, &q, TULLE_QP_RC, 0);
	/* QPNs start over, and still not at 0 or 1. */
	assert_int_equal(q.handle & TULLE_HANDLE_INDEX, 2);
	assert_null(tfw_gid_at(rd->f, 0));
}

#define MANY	100000

static void test_many(void **state)
{
	struct rd *rd = *state;
	struct tulle_qp_ctx ctx;
	struct rd_qp q;
	u32 *h = calloc(MANY, sizeof(*h)), i;
	enum tulle_status st;

	rd_gid(rd, 0, 1);
	ctx = rd_qp_ctx(rd, TULLE_QP_RC, &q);
	for (i = 0; i < MANY; i++) {
		h[i] = fake_create(&rd->d, TULLE_CMD_CREATE_QP, &ctx,
				   sizeof(ctx), &st);
		OK(st);
	}
	printf("# %zu bytes of a QP without its transport\n",
	       sizeof(struct tfw_qp));
	q.handle = h[MANY - 1];
	q.qp = tfw_qp_by_number(rd->f, h[MANY - 1] & TULLE_HANDLE_INDEX);
	q.ctx = ctx;
	rd_goto(rd, &q, TULLE_QPS_RTS);
	for (i = 0; i < MANY; i++)
		OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP, h[i]));
	assert_int_equal(rd->f->obj[TULLE_OBJ_QP].used, 0);
	free(h);
}

/* Whatever allocation fails: a status and no leak. */
static void test_out_of_memory(void **state)
{
	enum tulle_status st = TULLE_STATUS_NOMEM;
	struct rd *rd = *state;
	struct tulle_qp_ctx ctx;
	struct rd_qp q;
	__le64 *list;
	long budget;
	u64 addr;
	u32 i;

	ctx = rd_qp_ctx(rd, TULLE_QP_RC, &q);
	ctx.log_sq_size = 8;
	addr = fake_mem(&rd->d, 4096, 4096);
	list = fake_ptr(&rd->d, addr);
	for (i = 0; i < 4; i++)
		list[i] = cpu_to_le64(fake_mem(&rd->d, 8192, 4096));
	ctx.sq = (struct tulle_page_list){
		.addr = cpu_to_le64(addr), .npages = cpu_to_le32(4),
		.log_page_size = 12, .levels = 1,
	};
	ctx.rq = ctx.sq;
	ctx.log_rq_size = 8;
	for (budget = 0; st && budget < 20; budget++) {
		long before = rd->env.allocs;

		rd->env.alloc_budget = budget;
		st = rd_qp_make(rd, &q, &ctx);
		rd->env.alloc_budget = -1;
		if (!st)
			break;
		assert_int_equal(st, TULLE_STATUS_NOMEM);
		/* A leaf of the table may stay. */
		assert_in_range(rd->env.allocs, before, before + 1);
		assert_int_equal(rd->f->obj[TULLE_OBJ_QP].used, 0);
	}
	assert_int_equal(st, 0);
	assert_in_range(budget, 3, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RD_TEST(test_create),
		RD_TEST(test_create_refused),
		RD_TEST(test_gsi),
		RD_TEST(test_reuse),
		RD_TEST(test_fetch),
		RD_TEST(test_fetch_bad),
		RD_TEST(test_sleep),
		RD_TEST(test_kick_sq),
		RD_TEST(test_lost_kicks),
		RD_TEST(test_recv),
		RD_TEST(test_recv_bad),
		RD_TEST(test_complete),
		RD_TEST(test_cq_overrun),
		RD_TEST(test_events),
		RD_TEST(test_events_reset),
		RD_TEST(test_events_of_reset),
		RD_TEST(test_cq_error_without_dma),
		RD_TEST(test_reset_state),
		RD_TEST(test_function_reset),
		RD_TEST(test_many),
		RD_TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
