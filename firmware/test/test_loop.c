// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Both ends in one device: the same statuses, events and waits as on a wire.
 * Each case runs over a cable as well and must come out the same.
 */
#include "rc.h"

struct duo {
	struct rc	*rc;
	struct rc_qp	a;
	struct rc_qp	b;
	u64		src;
	u64		dst;
};

static struct duo *duo_make(unsigned int n, const struct rc_attr *at)
{
	struct duo *t = calloc(1, sizeof(*t));

	t->rc = rc_create(n);
	rc_qp_init(&t->rc->dev[0], &t->a, TULLE_QP_RC, 0, 0);
	rc_qp_init(&t->rc->dev[n - 1], &t->b, TULLE_QP_RC, 0, 0);
	rc_connect(&t->a, &t->b, at);
	t->src = rc_fill(t->a.dev, 8192, 1);
	t->dst = rc_mem(t->b.dev, 8192);
	return t;
}

static void duo_free(struct duo *t)
{
	rc_destroy(t->rc);
	free(t);
}

static void duo_do(struct duo *t, struct rc_op o)
{
	o.addr = o.addr ? o.addr : t->src;
	o.raddr = o.raddr ? o.raddr : t->dst;
	o.rkey = o.rkey ? o.rkey : t->b.dev->key;
	rc_do(&t->a, &o);
	fake_run(&t->rc->env);
}

/* As often as the partner was not ready, it is one message. */
static void sent(struct duo *t, u64 n)
{
	assert_int_equal(t->a.dev->f->rdma->stats.tx_messages, n);
}

static void rnr(unsigned int n)
{
	/* 2.56 ms, three times */
	struct rc_attr at = { .rnr_timer = 16, .rnr_retry = 3 };
	struct duo *t = duo_make(n, &at);
	struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 1, .len = 100 };

	duo_do(t, o);
	assert_null(rc_poll(&t->a.scq));
	rc_recv(&t->b, 5, t->dst, 100);
	fake_advance(&t->rc->env, 2 * RC_MS);
	assert_null(rc_poll(&t->b.rcq));
	fake_advance(&t->rc->env, RC_MS);
	rc_expect(&t->b.rcq, 5, 0);
	rc_expect(&t->a.scq, 1, 0);
	assert_int_equal(t->b.dev->f->rdma->stats.tx_naks_rnr, 1);
	sent(t, 1);
	/* And in vain. */
	duo_do(t, o);
	fake_advance(&t->rc->env, 7 * RC_MS);
	assert_null(rc_poll(&t->a.scq));
	fake_advance(&t->rc->env, 2 * RC_MS);
	rc_expect(&t->a.scq, 1, TULLE_WC_RNR_RETRY_EXC);
	sent(t, 2);
	assert_int_equal(t->a.qp->state, TULLE_QPS_ERR);
	assert_int_equal(t->b.qp->state, TULLE_QPS_RTS);
	duo_free(t);
}

static void test_rnr(void **state)
{
	(void)state;
	rnr(1);
	rnr(2);
}

static void refused(unsigned int n, struct rc_op o, u8 status, int event,
		    int recv_status)
{
	struct duo *t = duo_make(n, NULL);

	o.wr_id = 1;
	rc_recv(&t->b, 5, t->dst, 64);
	duo_do(t, o);
	rc_expect(&t->a.scq, 1, status);
	assert_int_equal(t->a.qp->state, TULLE_QPS_ERR);
	assert_int_equal(t->b.qp->state, TULLE_QPS_ERR);
	assert_int_equal(rc_event(t->b.dev), event);
	rc_expect(&t->b.rcq, 5, (u8)recv_status);
	duo_free(t);
}

static void test_refused(void **state)
{
	const struct rc_op write = {
		.op = TULLE_WQE_WRITE, .len = 8, .rkey = 0x9900,
	};
	const struct rc_op read = {
		.op = TULLE_WQE_READ, .len = 8, .raddr = 0x10,
	};
	unsigned int n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		refused(n, (struct rc_op){ .op = TULLE_WQE_SEND, .len = 100 },
			TULLE_WC_REM_INV_REQ, -1, TULLE_WC_LOC_LEN);
		refused(n, write, TULLE_WC_REM_ACCESS,
			TULLE_QP_EVENT_ACCESS_ERR,
			TULLE_WC_WR_FLUSH);
		refused(n, read, TULLE_WC_REM_ACCESS,
			TULLE_QP_EVENT_ACCESS_ERR,
			TULLE_WC_WR_FLUSH);
	}
}

/* The sender's own fault does the partner no harm. */
static void test_local_fault(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		struct duo *t = duo_make(n, NULL);
		struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 1, .len = 64,
				   .addr = FAKE_BASE + FAKE_MEM - 8 };

		rc_recv(&t->b, 5, t->dst, 64);
		duo_do(t, o);
		rc_expect(&t->a.scq, 1, TULLE_WC_LOC_PROT);
		sent(t, 0);
		assert_int_equal(t->b.qp->state, TULLE_QPS_RTS);
		assert_null(rc_poll(&t->b.rcq));
		duo_free(t);
	}
}

/* The partner goes away: as on a wire, nobody answers any more. */
static void test_partner_gone(void **state)
{
	struct rc_attr at = { .timeout = 8, .retry_cnt = 2 };
	unsigned int n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		struct duo *t = duo_make(n, &at);
		struct rc_op o = { .op = TULLE_WQE_WRITE, .wr_id = 1,
				   .len = 64 };

		duo_do(t, o);
		rc_expect(&t->a.scq, 1, 0);
		rc_to_state(&t->b, TULLE_QPS_RESET);
		duo_do(t, o);
		assert_null(rc_poll(&t->a.scq));
		fake_advance(&t->rc->env, 50 * RC_MS);
		rc_expect(&t->a.scq, 1, TULLE_WC_RETRY_EXC);
		duo_free(t);
	}
}

/* A QP that talks to itself. */
static void test_itself(void **state)
{
	struct rc *rc = rc_create(1);
	struct rc_attr at = { .sq_psn = 5, .rq_psn = 5 };
	struct rc_op o = { .op = TULLE_WQE_SEND, .len = 3000 };
	struct rc_qp q;
	u64 dst;
	u32 i;

	(void)state;
	rc_qp_init(&rc->dev[0], &q, TULLE_QP_RC, 0, 0);
	at.dest_qpn = q.qpn;
	rc_av(q.dev, 0, &at.av);
	rc_up(&q, &at, TULLE_QPS_RTS);
	o.addr = rc_fill(q.dev, 3000, 1);
	dst = rc_mem(q.dev, 3000);
	for (i = 0; i < 10; i++) {
		o.op = i & 1 ? TULLE_WQE_READ : TULLE_WQE_SEND;
		o.raddr = dst;
		o.rkey = q.dev->key;
		o.wr_id = i;
		rc_recv(&q, i, dst, 3000);
		rc_do(&q, &o);
		rc_expect(&q.scq, i, 0);
		rc_same(q.dev, o.addr, q.dev, dst, 3000);
	}
	rc_destroy(rc);
}

/*
 * A third queue pair of the same function, set to talk to one that is connected
 * to another: the address is right, the number is not.
 */
static void foreign_up(struct duo *t, struct rc_qp *x, u8 type)
{
	struct rc_attr at = { .timeout = 8, .retry_cnt = 2, .sq_psn = 7,
			      .rq_psn = 9, .dest_qpn = t->b.qpn };

	rc_qp_init(t->b.dev, x, type, 0, 0);
	rc_av(t->b.dev, 0, &at.av);
	rc_up(x, &at, TULLE_QPS_RTS);
}

static struct duo *foreign_make(u8 type)
{
	struct rc_attr at = { .sq_psn = 7, .rq_psn = 9 };
	struct duo *t = calloc(1, sizeof(*t));

	t->rc = rc_create(1);
	rc_qp_init(&t->rc->dev[0], &t->a, type, 0, 0);
	rc_qp_init(&t->rc->dev[0], &t->b, type, 0, 0);
	rc_connect(&t->a, &t->b, &at);
	t->src = rc_fill(t->a.dev, 8192, 1);
	t->dst = rc_mem(t->b.dev, 8192);
	return t;
}

static void foreign_request(u8 type, u8 op, u32 rkey)
{
	struct duo *t = foreign_make(type);
	struct rc_op o = { .op = op, .wr_id = 1, .len = 64, .addr = t->src,
			   .raddr = t->dst, .rkey = rkey };
	struct rc_qp x;

	foreign_up(t, &x, type);
	rc_recv(&t->b, 5, t->dst, 64);
	rc_do(&x, &o);
	fake_advance(&t->rc->env, 50 * RC_MS);
	rc_expect(&x.scq, 1, type == TULLE_QP_UC ? 0 : TULLE_WC_RETRY_EXC);
	assert_true(t->b.dev->f->rdma->stats.bad_source > 0);
	assert_int_equal(t->b.qp->state, TULLE_QPS_RTS);
	assert_null(rc_poll(&t->b.rcq));
	assert_int_equal(rc_event(t->b.dev), -1);
	/* Its own partner, with the same numbers */
	o.op = TULLE_WQE_SEND;
	duo_do(t, o);
	rc_expect(&t->a.scq, 1, 0);
	rc_expect(&t->b.rcq, 5, 0);
	rc_same(t->a.dev, t->src, t->b.dev, t->dst, 64);
	duo_free(t);
}

/* Nor is its answer taken, while a request waits for the right one. */
static void foreign_answer(void)
{
	struct duo *t = foreign_make(TULLE_QP_RC);
	struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 2, .len = 64,
			   .addr = t->dst };
	struct rc_qp x;

	foreign_up(t, &x, TULLE_QP_RC);
	rc_to_state(&t->a, TULLE_QPS_RESET);
	rc_do(&t->b, &o);
	fake_run(&t->rc->env);
	tfw_resp_ack(x.qp, 9, ROCE_AETH_NAK | ROCE_NAK_ACCESS);
	fake_run(&t->rc->env);
	tfw_resp_ack(x.qp, 9, ROCE_AETH_ACK);
	fake_run(&t->rc->env);
	assert_null(rc_poll(&t->b.scq));
	assert_int_equal(t->b.dev->f->rdma->stats.bad_source, 2);
	assert_int_equal(t->b.qp->state, TULLE_QPS_RTS);
	duo_free(t);
}

static void test_foreign(void **state)
{
	(void)state;
	foreign_request(TULLE_QP_RC, TULLE_WQE_SEND, 0);
	foreign_request(TULLE_QP_RC, TULLE_WQE_WRITE, 0x9900);
	foreign_request(TULLE_QP_RC, TULLE_WQE_READ, 0x9900);
	foreign_request(TULLE_QP_UC, TULLE_WQE_SEND, 0);
	foreign_request(TULLE_QP_UC, TULLE_WQE_WRITE, 0x9900);
	foreign_answer();
}

/* Path MTUs that differ: no short cut, and the partner's packets arrive. */
static void test_packets_within(void **state)
{
	struct duo *t = foreign_make(TULLE_QP_RC);
	struct rc_op o = { .op = TULLE_WQE_READ, .wr_id = 3, .len = 64 };

	(void)state;
	t->b.qp->attr.path_mtu = 11;
	duo_do(t, o);
	rc_expect(&t->a.scq, 3, 0);
	rc_same(t->a.dev, t->src, t->b.dev, t->dst, 64);
	o.op = TULLE_WQE_FETCH_ADD;
	o.len = 8;
	o.swap_add = 1;
	duo_do(t, o);
	rc_expect(&t->a.scq, 3, 0);
	assert_int_equal(t->b.dev->f->rdma->stats.bad_source, 0);
	assert_int_equal(t->b.dev->f->rdma->stats.loopback_messages, 0);
	duo_free(t);
}

/* Ranges that overlap in one memory. */
static void test_overlap(void **state)
{
	struct duo *t = duo_make(1, NULL);
	u8 want[4096];
	struct rc_op o = { .op = TULLE_WQE_WRITE, .wr_id = 1, .len = 4096 };

	(void)state;
	memcpy(want, fake_ptr(&t->a.dev->d, t->src), sizeof(want));
	o.raddr = t->src + 100;
	duo_do(t, o);
	rc_expect(&t->a.scq, 1, 0);
	assert_memory_equal(fake_ptr(&t->a.dev->d, t->src + 100), want,
			    sizeof(want));
	duo_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rnr),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_local_fault),
		cmocka_unit_test(test_partner_gone),
		cmocka_unit_test(test_itself),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_packets_within),
		cmocka_unit_test(test_overlap),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
