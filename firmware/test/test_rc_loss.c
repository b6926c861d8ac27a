// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The requester of an RC queue pair when answers get lost: what it asks for
 * again, how often, and how long it waits for a partner that is busy.
 */
#include "peer.h"

#define PSN	0xfffffc	/* numbers wrap early */
#define MTU	1024

static u8 answer[MTU];

static struct peer *make(void)
{
	struct rc_attr at = { .sq_psn = PSN, .retry_cnt = 2, .rnr_retry = 2,
			      .timeout = 14, .rd_atomic = 2 };

	return peer_make(TULLE_QP_RC, &at);
}

/* A partner that has the request for a READ of @n packets. */
static struct peer *make_reader(u32 n)
{
	struct peer *p = make();
	struct peer_pkt pkt;

	peer_post(p, TULLE_WQE_READ, 1, n * MTU);
	peer_expect(p, &pkt, 0x0c, PSN);
	return p;
}

static void answer_part(struct peer *p, u32 i, u32 n)
{
	u8 op = i + 1 == n ? 0x0f : i ? 0x0e : 0x0d;

	if (op == 0x0e)
		peer_send(p, op, PSN + i, false, NULL, 0, answer, MTU, 0);
	else
		peer_aeth(p, op, PSN + i, 0x1f, answer, MTU);
}

/*
 * A slow partner finishes an answer with a hole before it comes to the request for
 * the rest. That is asked for once, and once more when the new answer lacks it too.
 */
static void test_slow_answer(void **state)
{
	struct peer *p = make_reader(8);
	struct peer_pkt pkt;
	u32 i, round;

	(void)state;
	answer_part(p, 0, 8);
	for (round = 0; round < 2; round++) {
		for (i = 2 + round; i < 8; i++) {
			answer_part(p, i, 8);
			if (i == 2 + round)
				peer_expect(p, &pkt, 0x0c, PSN + 1);
			peer_expect_none(p);
			fake_advance(&p->rc->env, 20 * RC_MS);
		}
	}
	assert_int_equal(peer_stats(p)->implied_naks, 2);
	assert_int_equal(peer_stats(p)->timeouts, 0);
	for (i = 1; i < 8; i++)
		answer_part(p, i, 8);
	rc_expect(&p->q.scq, 1, 0);
	peer_expect_none(p);
	peer_free(p);
}

/* Packets that change places at the end of the old answer begin no new one. */
static void test_answer_reordered(void **state)
{
	static const u8 order[] = { 2, 3, 4, 6, 5, 7 };
	struct peer *p = make_reader(8);
	struct peer_pkt pkt;
	size_t i;

	(void)state;
	answer_part(p, 0, 8);
	for (i = 0; i < NET_COUNT(order); i++) {
		answer_part(p, order[i], 8);
		fake_advance(&p->rc->env, 10 * RC_MS);
	}
	peer_expect(p, &pkt, 0x0c, PSN + 1);
	peer_expect_none(p);
	peer_free(p);
}

/*
 * Whoever sends an old answer has not come to the next request yet: time for that
 * one, but not more than four times what was asked for.
 */
static void test_partner_busy(void **state)
{
	struct peer *p = make_reader(8);
	struct peer_pkt pkt;
	u32 i;

	(void)state;
	for (i = 0; i < 8; i++)
		answer_part(p, i, 8);
	rc_expect(&p->q.scq, 1, 0);
	peer_post(p, TULLE_WQE_SEND, 2, 10);
	peer_expect(p, &pkt, 0x04, PSN + 8);
	for (i = 0; i < 6; i++) {
		fake_advance(&p->rc->env, 40 * RC_MS);
		answer_part(p, i, 8);
		peer_expect_none(p);
	}
	/* 4 x 67 ms */
	fake_advance(&p->rc->env, 40 * RC_MS);
	peer_expect(p, &pkt, 0x04, PSN + 8);
	assert_int_equal(peer_stats(p)->timeouts, 1);
	/* And anew from there. */
	for (i = 0; i < 5; i++) {
		fake_advance(&p->rc->env, 40 * RC_MS);
		answer_part(p, i, 8);
		peer_expect_none(p);
	}
	/* In silence it is the plain time again. */
	fake_advance(&p->rc->env, 80 * RC_MS);
	peer_expect(p, &pkt, 0x04, PSN + 8);
	fake_advance(&p->rc->env, 40 * RC_MS);
	peer_expect_none(p);
	peer_ack(p, PSN + 8);
	rc_expect(&p->q.scq, 2, 0);
	assert_int_equal(peer_stats(p)->timeouts, 2);
	peer_free(p);
}

/* Progress renews the longest time as well. */
static void test_busy_with_progress(void **state)
{
	struct peer *p = make_reader(8);
	u32 i;

	(void)state;
	for (i = 0; i < 8; i++) {
		answer_part(p, i, 8);
		fake_advance(&p->rc->env, 50 * RC_MS);
		answer_part(p, 0, 8);
		fake_advance(&p->rc->env, 50 * RC_MS);
	}
	rc_expect(&p->q.scq, 1, 0);
	peer_expect_none(p);
	peer_free(p);
}

/* The beginning of a new answer is not forgotten, however early it comes. */
static void test_answer_lost_soon(void **state)
{
	struct peer *p = make_reader(8);
	struct peer_pkt pkt;
	u32 i;

	(void)state;
	answer_part(p, 0, 8);
	for (i = 2; i < 7; i++)
		answer_part(p, i, 8);
	peer_expect(p, &pkt, 0x0c, PSN + 1);
	answer_part(p, 2, 8);
	answer_part(p, 3, 8);
	peer_expect_none(p);
	fake_advance(&p->rc->env, 10 * RC_MS);
	answer_part(p, 7, 8);
	peer_expect(p, &pkt, 0x0c, PSN + 1);
	peer_expect_none(p);
	peer_free(p);
}

/* What was first sent behind the repetition is answered: that got lost too. */
static void test_passed_again(void **state)
{
	struct peer *p = make();
	struct peer_pkt pkt;

	(void)state;
	peer_post(p, TULLE_WQE_READ, 1, 10);
	peer_post(p, TULLE_WQE_SEND, 2, 10);
	peer_expect(p, &pkt, 0x0c, PSN);
	peer_expect_sends(p, PSN + 1, 1);
	peer_ack(p, PSN + 1);
	peer_expect(p, &pkt, 0x0c, PSN);
	peer_expect_sends(p, PSN + 1, 1);
	peer_post(p, TULLE_WQE_SEND, 3, 10);
	peer_expect_sends(p, PSN + 2, 1);
	fake_advance(&p->rc->env, 10 * RC_MS);
	peer_ack(p, PSN + 2);
	peer_expect(p, &pkt, 0x0c, PSN);
	peer_expect_sends(p, PSN + 1, 2);
	assert_int_equal(peer_stats(p)->implied_naks, 2);
	peer_aeth(p, 0x10, PSN, 0x1f, answer, 10);
	rc_expect(&p->q.scq, 1, 0);
	peer_ack(p, PSN + 2);
	rc_expect(&p->q.scq, 2, 0);
	rc_expect(&p->q.scq, 3, 0);
	peer_free(p);
}

/* The timer in the middle of an old answer is one retry, not two. */
static void test_timeout_in_answer(void **state)
{
	struct peer *p = make_reader(12);
	struct peer_pkt pkt;
	u32 i;

	(void)state;
	answer_part(p, 0, 12);
	for (i = 2; i < 8; i++) {
		answer_part(p, i, 12);
		fake_advance(&p->rc->env, 60 * RC_MS);
	}
	peer_expect(p, &pkt, 0x0c, PSN + 1);
	peer_expect(p, &pkt, 0x0c, PSN + 1);
	for (; i < 10; i++)
		answer_part(p, i, 12);
	peer_expect_none(p);
	assert_int_equal(peer_stats(p)->timeouts, 1);
	assert_int_equal(peer_stats(p)->implied_naks, 1);
	assert_int_equal(peer_state(p), TULLE_QPS_RTS);
	peer_free(p);
}

/* No timer will help: every answer that skips it asks, though not too often. */
static void test_skipped_without_timer(void **state)
{
	struct peer *p = make_reader(8);
	struct peer_pkt pkt;

	(void)state;
	p->q.qp->attr.timeout = 0;
	answer_part(p, 1, 8);
	peer_expect(p, &pkt, 0x0c, PSN);
	answer_part(p, 2, 8);
	peer_expect_none(p);
	fake_advance(&p->rc->env, RC_MS);
	answer_part(p, 7, 8);
	peer_expect(p, &pkt, 0x0c, PSN);
	peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow_answer),
		cmocka_unit_test(test_answer_reordered),
		cmocka_unit_test(test_partner_busy),
		cmocka_unit_test(test_busy_with_progress),
		cmocka_unit_test(test_answer_lost_soon),
		cmocka_unit_test(test_passed_again),
		cmocka_unit_test(test_timeout_in_answer),
		cmocka_unit_test(test_skipped_without_timer),
	};

	return cmocka_run_group_tests_name("rc_loss", tests, NULL, NULL);
}
