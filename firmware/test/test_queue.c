// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Send and receive queues as objects: refusals, memory that runs out or cannot
 * be reached, restoring, and hosts that poll.
 */
#include "net.h"

struct fx {
	struct net_pair	*p;
	struct net_sq	sq;
	struct net_rq	rq;
};

static int setup(void **state)
{
	struct tulle_rq_ctx ctx = { 0 };
	struct fx *fx = calloc(1, sizeof(*fx));

	fx->p = net_pair_create();
	net_sq_create(&fx->p->a, &fx->sq, 6);
	net_rq_create(&fx->p->b, &fx->rq, &ctx, 4, 2048);
	net_rx_default(&fx->p->b, TULLE_ACTION_QUEUE, fx->rq.handle);
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fx *fx = *state;

	net_rq_free(&fx->rq);
	net_pair_destroy(fx->p);
	free(fx);
	return 0;
}

static u32 send_one(struct fx *fx, u32 seq)
{
	struct net_spec s = { .payload = 500, .seq = seq };
	u32 len = net_make(&s, fx->p->frame);

	net_send(&fx->sq, fx->p->frame, len);
	return len;
}

static void expect_one(struct fx *fx, u32 seq)
{
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(get_be32(fx->p->pkt.data + 38), seq);
}

static enum tulle_status try_sq(struct fx *fx, const struct tulle_sq_ctx *ctx)
{
	enum tulle_status st;
	u32 handle = fake_create(&fx->p->a.d, TULLE_CMD_CREATE_SQ, ctx,
				 sizeof(*ctx), &st);

	if (handle)
		assert_int_equal(fake_destroy(&fx->p->a.d, TULLE_CMD_DESTROY_SQ,
					      handle), 0);
	return st;
}

static struct tulle_sq_ctx query_sq(struct fx *fx)
{
	struct tulle_handle_req req = { cpu_to_le32(fx->sq.handle), 0 };
	struct tulle_sq_ctx ctx;

	assert_int_equal(fake_cmd(&fx->p->a.d, TULLE_CMD_QUERY_SQ, &req,
				  sizeof(req), &ctx, sizeof(ctx)), 0);
	return ctx;
}

static void test_sq_refusals(void **state)
{
	struct fx *fx = *state;
	struct tulle_sq_ctx good = query_sq(fx), c;
	u32 i;

	good.handle = 0;
	assert_int_equal(try_sq(fx, &good), TULLE_STATUS_OK);
	for (i = 0; i < 9; i++) {
		enum tulle_status want = TULLE_STATUS_BAD_PARAM;

		c = good;
		switch (i) {
		case 0:
			c.log_size = 3;
			break;
		case 1:
			c.log_size = 17;
			break;
		case 2:
			c.flags = cpu_to_le16(2);
			break;
		case 3:
			c.state = 1;
			break;
		case 4:
			c.ci = cpu_to_le32(1);
			break;
		case 5:
			c.vport = cpu_to_le16(9);
			break;
		case 6:
			c.uar = cpu_to_le16(77);
			break;
		case 7:
			c.cq = cpu_to_le32(fx->sq.cq.handle + 1);
			want = TULLE_STATUS_BAD_HANDLE;
			break;
		case 8:
			c.pages.levels = 3;
			break;
		}
		if (try_sq(fx, &c) != want)
			fail_msg("case %u", i);
	}
	/* Its CQ cannot go before it. */
	assert_int_equal(fake_destroy(&fx->p->a.d, TULLE_CMD_DESTROY_CQ,
				      fx->sq.cq.handle), TULLE_STATUS_IN_USE);
}

/* Each allocation fails once: a status, and nothing is left behind. */
static void test_no_memory(void **state)
{
	struct tulle_rq_ctx rq = { .state = TULLE_QUEUE_STOPPED,
				   .flags = cpu_to_le32(TULLE_RQ_F_GRO),
				   .gro_max = cpu_to_le32(65536) };
	struct tulle_table_ctx table = { .domain = TULLE_DOMAIN_RX,
					 .level = 1 };
	struct tulle_mask_ctx mask = { .key.ttl = 0xff };
	struct fx *fx = *state;
	struct tulle_sq_ctx sq = query_sq(fx);
	enum tulle_status st;
	u32 i, made = 0, h;

	sq.handle = 0;
	for (i = 0; i < 12; i++) {
		fx->p->env.alloc_budget = i;
		st = try_sq(fx, &sq);
		assert_true(!st || st == TULLE_STATUS_NOMEM);
		fx->p->env.alloc_budget = i;
		h = fake_create(&fx->p->a.d, TULLE_CMD_CREATE_RQ, &rq,
				sizeof(rq), &st);
		assert_true(h ? !st : st == TULLE_STATUS_NOMEM);
		made += !!h;
		fx->p->env.alloc_budget = i;
		h = fake_create(&fx->p->a.d, TULLE_CMD_CREATE_TABLE, &table,
				sizeof(table), &st);
		assert_true(h ? !st : st == TULLE_STATUS_NOMEM);
		mask.table = cpu_to_le32(h);
		fx->p->env.alloc_budget = i;
		h = fake_create(&fx->p->a.d, TULLE_CMD_CREATE_MASK, &mask,
				sizeof(mask), &st);
		assert_true(h || st == TULLE_STATUS_NOMEM ||
			    st == TULLE_STATUS_BAD_HANDLE);
	}
	fx->p->env.alloc_budget = -1;
	assert_true(made);
}

/* The ring, a doorbell record or a buffer is not reachable any more. */
static void test_holes(void **state)
{
	struct fx *fx = *state;
	struct tulle_tx_cqe *cqe;
	struct tulle_rx_cqe *rx;

	net_rq_post(&fx->rq, 1);
	send_one(fx, 1);
	expect_one(fx, 1);
	fake_poll(&fx->sq.cq);
	/* A receive buffer. */
	fx->p->b.d.hole = fx->rq.buf[1];
	fx->p->b.d.hole_len = 4096;
	net_rq_post(&fx->rq, 1);
	send_one(fx, 2);
	rx = fake_poll(&fx->rq.cq);
	assert_non_null(rx);
	assert_int_equal(rx->status, TULLE_CQE_DMA);
	fake_poll(&fx->sq.cq);
	/* The send ring. */
	fx->p->a.d.hole = le64_to_cpu(query_sq(fx).pages.addr);
	fx->p->a.d.hole_len = 4096;
	send_one(fx, 3);
	cqe = fake_poll(&fx->sq.cq);
	assert_non_null(cqe);
	assert_int_equal(cqe->status, TULLE_CQE_DMA);
	assert_int_equal(query_sq(fx).state, TULLE_QUEUE_ERROR);
}

static void test_doorbell_record_gone(void **state)
{
	struct fx *fx = *state;
	struct tulle_sq_ctx ctx = query_sq(fx);

	net_rq_post(&fx->rq, 1);
	fx->p->a.d.hole = le64_to_cpu(ctx.dbr);
	fx->p->a.d.hole_len = 128;
	send_one(fx, 3);
	assert_int_equal(query_sq(fx).state, TULLE_QUEUE_ERROR);
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
}

static void test_bad_nop(void **state)
{
	struct fx *fx = *state;
	struct tulle_eth_wqe *wqe = net_wqe(&fx->sq, 3);
	struct tulle_tx_cqe *cqe;

	wqe->ctrl.op = TULLE_WQE_NOP;
	net_post(&fx->sq, wqe);
	cqe = fake_poll(&fx->sq.cq);
	assert_non_null(cqe);
	assert_int_equal(cqe->status, 0);
	wqe = net_wqe(&fx->sq, 1);
	wqe->ctrl.op = TULLE_WQE_NOP;
	wqe->ctrl.total_len = cpu_to_le32(1);
	net_post(&fx->sq, wqe);
	cqe = fake_poll(&fx->sq.cq);
	assert_non_null(cqe);
	assert_int_equal(cqe->status, TULLE_CQE_BAD_WQE);
}

/* A host that polls needs no kick, for new work as for new buffers. */
static void test_polling(void **state)
{
	struct fx *fx = *state;
	u32 i, got = 0;

	tfw_engine_set_polling(fx->p->env.engine, true);
	for (i = 0; i < 40; i++) {
		struct net_spec s = { .payload = 500, .seq = i };
		u32 len = net_make(&s, fx->p->frame);
		struct tulle_eth_wqe *wqe = net_wqe(&fx->sq, 1);

		net_fill(&fx->sq, wqe, fx->p->frame, len, 0);
		fx->sq.pi++;
		fx->sq.posted = fx->sq.pi;
		__atomic_store_n(&fx->sq.dbr->pi, cpu_to_le32(fx->sq.pi),
				 __ATOMIC_RELEASE);
		if (!i)
			tfw_kick(fx->p->a.d.dev, 0, TULLE_UAR_SQ,
				 fx->sq.handle);
		tfw_engine_run(fx->p->env.engine, 1 << 20, UINT64_MAX);
		if (!(i & 1))
			continue;
		/* Two frames per refill: they have waited. */
		assert_false(net_rx(&fx->rq, &fx->p->pkt));
		net_rq_fill(&fx->rq, 2);
		fx->rq.pi += 2;
		__atomic_store_n(&fx->rq.dbr->pi, cpu_to_le32(fx->rq.pi),
				 __ATOMIC_RELEASE);
		tfw_engine_run(fx->p->env.engine, 1 << 20, UINT64_MAX);
		expect_one(fx, got++);
		expect_one(fx, got++);
	}
	tfw_engine_set_polling(fx->p->env.engine, false);
	fake_run(&fx->p->env);
	net_rq_post(&fx->rq, 1);
	send_one(fx, 40);
	expect_one(fx, 40);
}

/* Read out, destroyed and made again at the same place: it goes on. */
static void test_restore(void **state)
{
	struct tulle_handle_req req;
	struct fx *fx = *state;
	struct tulle_rq_ctx rq;
	struct tulle_sq_ctx sq;
	enum tulle_status st;

	net_rq_post(&fx->rq, 8);
	send_one(fx, 1);
	expect_one(fx, 1);
	sq = query_sq(fx);
	assert_int_equal(fake_destroy(&fx->p->a.d, TULLE_CMD_DESTROY_SQ,
				      fx->sq.handle), 0);
	assert_int_equal(fake_create(&fx->p->a.d, TULLE_CMD_CREATE_SQ, &sq,
				     sizeof(sq), &st), fx->sq.handle);
	sq = query_sq(fx);
	assert_int_equal(le64_to_cpu(sq.packets), 1);
	assert_int_equal(le32_to_cpu(sq.ci), 1);

	req = (struct tulle_handle_req){ cpu_to_le32(fx->rq.handle), 0 };
	net_rx_default(&fx->p->b, TULLE_ACTION_DROP, 0);
	assert_int_equal(fake_cmd(&fx->p->b.d, TULLE_CMD_QUERY_RQ, &req,
				  sizeof(req), &rq, sizeof(rq)), 0);
	assert_int_equal(fake_destroy(&fx->p->b.d, TULLE_CMD_DESTROY_RQ,
				      fx->rq.handle), 0);
	assert_int_equal(fake_create(&fx->p->b.d, TULLE_CMD_CREATE_RQ, &rq,
				     sizeof(rq), &st), fx->rq.handle);
	net_rx_default(&fx->p->b, TULLE_ACTION_QUEUE, fx->rq.handle);
	send_one(fx, 2);
	expect_one(fx, 2);
	assert_int_equal(le32_to_cpu(fx->p->pkt.cqe.wqe), 1);
}

/* Likewise with a WQE that was half used up. */
static void test_restore_stride(void **state)
{
	struct tulle_rq_ctx ctx = { .type = TULLE_RQ_MULTI, .log_stride = 8,
				    .log_strides = 4 };
	struct tulle_handle_req req;
	struct fx *fx = *state;
	struct net_rq rq, keep;
	enum tulle_status st;

	net_rq_create(&fx->p->b, &rq, &ctx, 3, 4096);
	net_rx_default(&fx->p->b, TULLE_ACTION_QUEUE, rq.handle);
	net_rq_post(&rq, 8);
	send_one(fx, 1);
	keep = fx->rq;
	fx->rq = rq;
	expect_one(fx, 1);
	req = (struct tulle_handle_req){ cpu_to_le32(rq.handle), 0 };
	net_rx_default(&fx->p->b, TULLE_ACTION_DROP, 0);
	assert_int_equal(fake_cmd(&fx->p->b.d, TULLE_CMD_QUERY_RQ, &req,
				  sizeof(req), &ctx, sizeof(ctx)), 0);
	assert_int_equal(le32_to_cpu(ctx.stride), 3);
	assert_int_equal(fake_destroy(&fx->p->b.d, TULLE_CMD_DESTROY_RQ,
				      rq.handle), 0);
	assert_int_equal(fake_create(&fx->p->b.d, TULLE_CMD_CREATE_RQ, &ctx,
				     sizeof(ctx), &st), rq.handle);
	net_rx_default(&fx->p->b, TULLE_ACTION_QUEUE, rq.handle);
	send_one(fx, 2);
	expect_one(fx, 2);
	assert_int_equal(le32_to_cpu(fx->p->pkt.cqe.wqe), 0);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.stride), 3);
	fx->rq = keep;
	net_rq_free(&rq);
}

/* Completions that the driver never reads: the CQ stops, not the device. */
static void test_cq_overrun(void **state)
{
	struct fx *fx = *state;
	struct tulle_rq_ctx ctx = { 0 };
	struct net_rq rq;
	u32 i;

	net_rq_create(&fx->p->b, &rq, &ctx, 10, 256);
	net_rx_default(&fx->p->b, TULLE_ACTION_QUEUE, rq.handle);
	for (i = 0; i < 5000; i++) {
		net_rq_fill(&rq, 1);
		rq.pi++;
		rq.dbr->pi = cpu_to_le32(rq.pi);
		{
			struct net_spec s = { .payload = 20 };
			u32 len = net_make(&s, fx->p->frame);
			struct tulle_eth_wqe *wqe = net_wqe(&fx->sq, 1);
			u64 top = fx->p->a.d.top;

			net_fill(&fx->sq, wqe, fx->p->frame, len, 0);
			wqe->ctrl.flags = 0;
			net_post(&fx->sq, wqe);
			fx->p->a.d.top = top;
		}
	}
	for (i = 0; net_rx(&rq, &fx->p->pkt); i++)
		;
	assert_in_range(i, 4095, 4096);
	net_rq_free(&rq);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_sq_refusals),
		T(test_no_memory),
		T(test_holes),
		T(test_doorbell_record_gone),
		T(test_bad_nop),
		T(test_polling),
		T(test_restore),
		T(test_restore_stride),
		T(test_cq_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
