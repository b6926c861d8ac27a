// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Receive queues without buffers: what waits, for whom, and for how long.
 */
#include "fx.h"

/* Dry: kept, then delivered in order after the kick. */
static void test_dry(void **state)
{
	struct net_spec s = { .payload = 500 };
	struct tulle_rq_ctx ctx;
	struct fx *fx = *state;
	u32 i, len;

	net_rq_post(&fx->rq, 3);
	for (i = 0; i < 10; i++) {
		s.seq = i;
		fx_send(fx, &s);
	}
	for (i = 0; i < 10; i++) {
		s.seq = i;
		len = net_make(&s, fx->p->frame);
		fx_expect_frame(fx, fx->p->frame, len);
		if (i >= 2)
			net_rq_refill(&fx->rq, 1);
	}
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
	fx_query(fx, &ctx);
	assert_int_equal(le64_to_cpu(ctx.drops_dry), 0);
	assert_int_equal(le64_to_cpu(ctx.packets), 10);
	/* Far away again: no kick for a refill that nobody waits for. */
	net_rq_post(&fx->rq, 1);
	i = fx->rq.pi;
	assert_true(i - le32_to_cpu(fx->rq.dbr->evt) - 1 > 0x1000);
}

/* Buffers that the device is not told of. */
static void post_silently(struct fx *fx, u32 n)
{
	net_rq_fill(&fx->rq, n);
	fx->rq.pi += n;
	__atomic_store_n(&fx->rq.dbr->pi, cpu_to_le32(fx->rq.pi),
			 __ATOMIC_RELEASE);
}

static bool wants_kick(const struct fx *fx)
{
	return le32_to_cpu(fx->rq.dbr->evt) == fx->rq.pi;
}

static void expect_seq(struct fx *fx, u32 seq)
{
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(get_be32(fx->p->pkt.data + 38), seq);
}

/*
 * A queue that had buffers a moment ago needs no kick while frames come, nor
 * when they stop; only when it stays dry it asks for one.
 */
static void test_patience(void **state)
{
	struct net_spec s = { .payload = 500 };
	struct fx *fx = *state;
	u32 i;

	net_rq_post(&fx->rq, 2);
	for (i = 0; i < 4; i++, s.seq++)
		fx_send(fx, &s);
	expect_seq(fx, 0);
	expect_seq(fx, 1);
	assert_false(wants_kick(fx));
	/* The next frame brings the ones that wait, and waits itself. */
	post_silently(fx, 2);
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
	fx_send(fx, &s);
	expect_seq(fx, 2);
	expect_seq(fx, 3);
	assert_false(wants_kick(fx));
	/* No frame comes: time does it. */
	post_silently(fx, 1);
	fake_advance(&fx->p->env, 500000);
	expect_seq(fx, 4);
	assert_false(wants_kick(fx));
	/* Nothing waits, nothing is asked for. */
	fake_advance(&fx->p->env, 10000000);
	assert_false(wants_kick(fx));
	/* Dry for long: asked for at once. */
	s.seq++;
	fx_send(fx, &s);
	assert_true(wants_kick(fx));
	net_rq_post(&fx->rq, 1);
	expect_seq(fx, 5);
	/* Dry, and it stays so. */
	s.seq++;
	fx_send(fx, &s);
	assert_false(wants_kick(fx));
	fake_advance(&fx->p->env, 500000);
	assert_true(wants_kick(fx));
	net_rq_post(&fx->rq, 1);
	expect_seq(fx, 6);
}

/* A sender that was stopped does not come by: nobody is waited for. */
static void test_no_patience(void **state)
{
	struct net_spec s = { .payload = 1400 };
	struct fx *fx = *state;
	u32 i;

	net_rq_post(&fx->rq, 1);
	for (i = 0; i < 250; i++, s.seq++)
		net_send(&fx->sq, fx->p->frame, net_make(&s, fx->p->frame));
	expect_seq(fx, 0);
	assert_true(wants_kick(fx));
	net_rq_post(&fx->rq, 8);
	for (i = 1; i < 9; i++)
		expect_seq(fx, i);
	assert_true(wants_kick(fx));
}

/* Half of what a packet needs, tried again and again, is nothing new. */
static void test_patience_ends(void **state)
{
	struct net_spec s = { .payload = 100 };
	struct fx *fx = *state;
	u32 i;

	/* The rest lies on both sides of the ring's end: two fetches each time. */
	for (i = 0; i < 63; i++) {
		net_rq_post(&fx->rq, 1);
		fx_send(fx, &s);
		assert_true(net_rx(&fx->rq, &fx->p->pkt));
	}
	post_silently(fx, 2);
	s.payload = 1200;
	s.seq = 7;
	fx_send(fx, &s);
	assert_false(wants_kick(fx));
	fake_advance(&fx->p->env, 1000000);
	assert_true(wants_kick(fx));
	net_rq_post(&fx->rq, 1);
	expect_seq(fx, 7);
}

/* A queue that was given up is not when it has buffers, whoever noticed. */
static void test_back(void **state)
{
	struct net_spec s = { .payload = 1400 };
	struct tulle_rq_ctx ctx;
	struct fx *fx = *state;

	fx_send(fx, &s);
	fake_advance(&fx->p->env, 300000000);
	fx_query(fx, &ctx);
	assert_int_equal(le64_to_cpu(ctx.drops_dry), 1);
	post_silently(fx, 1);
	s.seq = 1;
	fx_send(fx, &s);
	expect_seq(fx, 1);
	s.seq = 2;
	fx_send(fx, &s);
	net_rq_refill(&fx->rq, 1);
	expect_seq(fx, 2);
	fx_query(fx, &ctx);
	assert_int_equal(le64_to_cpu(ctx.drops_dry), 1);
}

static bool link_is_up(struct net *n)
{
	struct tulle_port_info info;

	assert_int_equal(fake_cmd(&n->d, TULLE_CMD_QUERY_PORT, NULL, 0, &info,
				  sizeof(info)), 0);
	return info.link_up;
}

/* An end whose link is down yet keeps nobody from sending, full or not. */
static void test_one_end_up(void **state)
{
	struct net_spec s = { .payload = 1400 };
	struct tulle_port_stats before, after;
	struct fx *fx = *state;
	u32 i;

	for (i = 0; i < 250; i++)
		net_send(&fx->sq, fx->p->frame, net_make(&s, fx->p->frame));
	/* Of the one millisecond that a link takes. */
	net_set_loopback(&fx->p->a, 1);
	fake_advance(&fx->p->env, 500000);
	net_set_loopback(&fx->p->a, 0);
	fake_advance(&fx->p->env, 600000);
	assert_true(link_is_up(&fx->p->a));
	assert_false(link_is_up(&fx->p->b));
	net_stats(&fx->p->a, &before);
	fx_send(fx, &s);
	net_stats(&fx->p->a, &after);
	assert_int_equal(le64_to_cpu(after.tx.frames),
			 le64_to_cpu(before.tx.frames) + 1);
}

/* What waited is not handed out in one turn. */
static void test_drain_in_turns(void **state)
{
	struct net_spec s = { .payload = 8900 };
	struct fx *fx = *state;
	struct fake_dev *d = &fx->p->b.d;
	u32 i, n = 0;

	for (i = 0; i < 25; i++) {
		s.seq = i;
		fx_send(fx, &s);
	}
	post_silently(fx, 64);
	tfw_kick(d->dev, TFW_FUNC_PF, TULLE_UAR_RQ, fx->rq.handle);
	assert_true(tfw_engine_run(fx->p->env.engine, 10000, TFW_NEVER));
	for (; net_rx(&fx->rq, &fx->p->pkt); n++)
		assert_int_equal(get_be32(fx->p->pkt.data + 38), n);
	assert_in_range(n, 12, 18);
	/* One that comes now is the last. */
	s.seq = 25;
	fx_send(fx, &s);
	for (; net_rx(&fx->rq, &fx->p->pkt); n++)
		assert_int_equal(get_be32(fx->p->pkt.data + 38), n);
	assert_int_equal(n, 26);
}

static int setup_jumbo(void **state)
{
	return fx_setup_flags(state, 0, 9216);
}

static int setup_small_multi(void **state)
{
	struct tulle_rq_ctx ctx = {
		.type = TULLE_RQ_MULTI, .log_stride = 6, .log_strides = 1,
		.flags = cpu_to_le32(TULLE_RQ_F_CHAIN),
	};

	*state = fx_make(&ctx, 2, 128);
	return 0;
}

/* Longer than the whole ring: dropped, and the next one has its buffers. */
static void test_longer_than_ring(void **state)
{
	struct net_spec s = { .payload = 600 };
	struct tulle_rq_ctx ctx;
	struct fx *fx = *state;
	u32 len;

	net_rq_post(&fx->rq, 4);
	fx_send(fx, &s);
	fx_query(fx, &ctx);
	assert_int_equal(le64_to_cpu(ctx.drops_big), 1);
	s.payload = 400;
	len = fx_send(fx, &s);
	fx_expect_frame(fx, fx->p->frame, len);
}

/* The FIFO fills, the sender pauses; nothing is lost on a cable. */
static void test_pause(void **state)
{
	struct net_spec s = { .payload = 1400 };
	struct tulle_port_stats a, b;
	struct tulle_rq_ctx ctx;
	struct fx *fx = *state;
	u32 i, len;

	for (i = 0; i < 250; i++) {
		s.seq = i;
		len = net_make(&s, fx->p->frame);
		net_send(&fx->sq, fx->p->frame, len);
	}
	net_stats(&fx->p->a, &a);
	net_stats(&fx->p->b, &b);
	assert_true(le64_to_cpu(b.tx.pause) == 1);
	assert_true(le64_to_cpu(a.rx.pause) == 1);
	assert_true(le64_to_cpu(a.tx.frames) < 250);
	for (i = 0; i < 250; i++) {
		s.seq = i;
		len = net_make(&s, fx->p->frame);
		net_rq_refill(&fx->rq, 1);
		fx_expect_frame(fx, fx->p->frame, len);
	}
	net_stats(&fx->p->a, &a);
	net_stats(&fx->p->b, &b);
	assert_int_equal(le64_to_cpu(a.tx.frames), 250);
	/* On and off by turns, off at the end. */
	assert_int_equal(le64_to_cpu(b.tx.pause) % 2, 0);
	assert_int_equal(le64_to_cpu(a.rx.ctrl), le64_to_cpu(b.tx.pause));
	fx_query(fx, &ctx);
	assert_int_equal(le64_to_cpu(ctx.drops_dry), 0);
}

/* A machine that stood still has not kept anybody waiting. */
static void test_standstill(void **state)
{
	struct net_spec s = { .payload = 1400 };
	struct tulle_rq_ctx ctx;
	struct fx *fx = *state;
	u32 i, len = 0;

	for (i = 0; i < 20; i++)
		len = fx_send(fx, &s);
	fx->p->env.now += 900000000;
	fake_run(&fx->p->env);
	fx_query(fx, &ctx);
	assert_int_equal(le64_to_cpu(ctx.drops_dry), 0);
	/* Whoever takes some has the more time for the rest. */
	for (i = 0; i < 20; i++) {
		net_rq_post(&fx->rq, 1);
		fx_expect_frame(fx, fx->p->frame, len);
		fake_advance(&fx->p->env, 150000000);
	}
	fx_query(fx, &ctx);
	assert_int_equal(le64_to_cpu(ctx.drops_dry), 0);
}

/* What waits for a queue goes with it, at once. */
static void test_error_dry(void **state)
{
	struct net_spec s = { .payload = 1400 };
	struct tulle_port_stats st;
	struct tulle_rq_ctx ctx;
	struct fx *fx = *state;
	u32 i;

	for (i = 0; i < 240; i++)
		net_send(&fx->sq, fx->p->frame, net_make(&s, fx->p->frame));
	net_rq_fill(&fx->rq, 1);
	fx->rq.ring[offsetof(struct tulle_rq_wqe, nsge)] = 0;
	net_ring(&fx->p->b, fx->rq.dbr, &fx->rq.pi, 1, TULLE_UAR_RQ,
		 fx->rq.handle);
	fx_query(fx, &ctx);
	assert_int_equal(ctx.state, TULLE_QUEUE_ERROR);
	assert_int_equal(le64_to_cpu(ctx.drops_stopped), 240);
	/* The sender was let go. */
	net_stats(&fx->p->a, &st);
	assert_int_equal(le64_to_cpu(st.tx.frames), 240);
}

/* A queue that nobody serves does not hold up the others for ever. */
static void test_stuck(void **state)
{
	struct net_spec s = { .payload = 1400 };
	struct tulle_rq_ctx ctx;
	struct fx *fx = *state;
	u32 i, len, total = 240;

	for (i = 0; i < total; i++) {
		len = net_make(&s, fx->p->frame);
		net_send(&fx->sq, fx->p->frame, len);
	}
	fake_advance(&fx->p->env, 300000000);
	fx_query(fx, &ctx);
	assert_int_equal(le64_to_cpu(ctx.drops_dry), total);
	/* And is served again as soon as it comes back. */
	net_rq_post(&fx->rq, 1);
	s.seq = 5;
	len = fx_send(fx, &s);
	fx_expect_frame(fx, fx->p->frame, len);
}

#define T(name, s) cmocka_unit_test_setup_teardown(name, s, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dry, fx_setup),
		T(test_dry, fx_setup_split),
		T(test_patience, fx_setup),
		T(test_no_patience, fx_setup),
		T(test_patience_ends, fx_setup_chain),
		T(test_back, fx_setup),
		T(test_one_end_up, fx_setup),
		T(test_drain_in_turns, setup_jumbo),
		T(test_longer_than_ring, setup_small_multi),
		T(test_pause, fx_setup),
		T(test_stuck, fx_setup),
		T(test_standstill, fx_setup),
		T(test_error_dry, fx_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
