// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Kick rule, polling, bus mastering and reset, seen from a send queue.
 */
#include "net.h"

#include "../dev.h"

#define MSEC	1000000ULL

static const u8 frame[64] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

static int setup(void **state)
{
	struct net_pair *p = net_pair_create();

	*state = p;
	return p ? 0 : -1;
}

static int teardown(void **state)
{
	net_pair_destroy(*state);
	return 0;
}

static u32 evt_of(const struct net_sq *sq)
{
	return le32_to_cpu(__atomic_load_n(&sq->dbr->evt, __ATOMIC_ACQUIRE));
}

static struct tulle_sq_ctx query(struct net_sq *sq)
{
	struct tulle_handle_req req = { .handle = cpu_to_le32(sq->handle) };
	struct tulle_sq_ctx ctx;

	assert_int_equal(fake_cmd(&sq->n->d, TULLE_CMD_QUERY_SQ, &req,
				  sizeof(req), &ctx, sizeof(ctx)), 0);
	return ctx;
}

static u32 sent(struct net_sq *sq)
{
	return (u32)le64_to_cpu(query(sq).packets);
}

/* Fills a WQE and moves pi, but rings nothing. */
static void post_quietly(struct net_sq *sq)
{
	struct tulle_eth_wqe *wqe = net_wqe(sq, 1);

	net_fill(sq, wqe, frame, sizeof(frame), 0);
	sq->pi++;
	sq->posted = sq->pi;
	__atomic_store_n(&sq->dbr->pi, cpu_to_le32(sq->pi), __ATOMIC_RELEASE);
}

static void test_sleeps(void **state)
{
	struct net_pair *p = *state;
	struct net_sq sq;
	u32 i;

	net_sq_create(&p->a, &sq, 6);
	for (i = 1; i < 200; i++) {
		net_send(&sq, frame, sizeof(frame));
		assert_int_equal(evt_of(&sq), sq.pi);
		assert_int_equal(sent(&sq), i);
		while (fake_poll(&sq.cq))
			;
	}
}

static void test_polling(void **state)
{
	struct net_pair *p = *state;
	struct tfw_engine *e = p->env.engine;
	struct net_sq sq;
	u32 i;

	net_sq_create(&p->a, &sq, 6);
	tfw_engine_set_polling(e, true);
	tfw_kick(p->a.d.dev, 0, TULLE_UAR_SQ, sq.handle);
	assert_true(tfw_engine_run(e, 4096, TFW_NEVER));
	for (i = 0; i < 50; i++) {
		/* Nobody has to ring: pi stays away from evt. */
		assert_true(evt_of(&sq) - sq.pi > 1U << 30);
		post_quietly(&sq);
		fake_arm(&sq.cq, TULLE_ARM_ANY);
		assert_true(tfw_engine_run(e, 4096, TFW_NEVER));
		assert_non_null(fake_poll(&sq.cq));
		assert_non_null(fake_poll(&p->a.eq));
	}
	tfw_engine_set_polling(e, false);
	fake_run(&p->env);
	assert_int_equal(evt_of(&sq), sq.pi);
	assert_int_equal(sent(&sq), 50);
}

/* While bus mastering is off nothing is lost and nothing is touched. */
static void test_bus_master_off(void **state)
{
	struct net_pair *p = *state;
	struct net_sq sq;

	net_sq_create(&p->a, &sq, 6);
	net_send(&sq, frame, sizeof(frame));
	tfw_func_set_dma(p->a.d.dev, 0, false);
	p->a.d.writes = 0;
	net_send(&sq, frame, sizeof(frame));
	fake_advance(&p->env, 100 * MSEC);
	assert_int_equal(p->a.d.writes, 0);
	tfw_func_set_dma(p->a.d.dev, 0, true);
	fake_run(&p->env);
	assert_int_equal(sent(&sq), 2);
}

static void test_foreign_page(void **state)
{
	struct net_pair *p = *state;
	struct net_sq sq;

	net_sq_create(&p->a, &sq, 6);
	post_quietly(&sq);
	fake_kick(&p->a.d, TULLE_UAR_SQ + 4096, sq.handle);
	fake_kick(&p->a.d, TULLE_UAR_SQ, sq.handle + (1U << 24));
	fake_kick(&p->a.d, TULLE_UAR_RQ, sq.handle);
	fake_kick(&p->a.d, TULLE_UAR_SQ + 4, sq.handle);
	assert_int_equal(sent(&sq), 0);
	fake_kick(&p->a.d, TULLE_UAR_SQ, sq.handle);
	assert_int_equal(sent(&sq), 1);
}

/* So many kicks that some are dropped: every queue is looked at instead. */
static void test_kicks_overflow(void **state)
{
	struct net_pair *p = *state;
	struct net_sq sq;
	u32 i;

	net_sq_create(&p->a, &sq, 6);
	for (i = 0; i < TFW_KICKS; i++)
		tfw_kick(p->a.d.dev, 0, TULLE_UAR_CQ, i);
	post_quietly(&sq);
	fake_kick(&p->a.d, TULLE_UAR_SQ, sq.handle);
	assert_int_equal(sent(&sq), 1);
}

static void test_reset_with_work(void **state)
{
	struct net_pair *p = *state;
	struct net_sq sq;
	u32 i;

	net_sq_create(&p->a, &sq, 6);
	for (i = 0; i < 20; i++)
		post_quietly(&sq);
	tfw_kick(p->a.d.dev, 0, TULLE_UAR_SQ, sq.handle);
	tfw_engine_run(p->env.engine, 1, TFW_NEVER);
	tfw_func_reset(p->a.d.dev, 0);
	p->a.d.writes = 0;
	tfw_kick(p->a.d.dev, 0, TULLE_UAR_SQ, sq.handle);
	fake_advance(&p->env, 100 * MSEC);
	assert_int_equal(p->a.d.writes, 0);
}

/* An index far beyond the ring is the driver's bug and stops the queue. */
static void test_wild_index(void **state)
{
	struct net_pair *p = *state;
	struct net_sq sq;

	net_sq_create(&p->a, &sq, 6);
	sq.dbr->pi = cpu_to_le32(0x12345678);
	fake_kick(&p->a.d, TULLE_UAR_SQ, sq.handle);
	assert_int_equal(query(&sq).state, TULLE_QUEUE_ERROR);
	assert_int_equal(sent(&sq), 0);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sleeps),
		TEST(test_polling),
		TEST(test_bus_master_off),
		TEST(test_foreign_page),
		TEST(test_kicks_overflow),
		TEST(test_reset_with_work),
		TEST(test_wild_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
