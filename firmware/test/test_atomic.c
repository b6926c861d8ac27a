// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Atomics, ATOMIC_WRITE and FLUSH: over a cable, within a device, and what a
 * responder remembers of them.
 */
#include "peer.h"

struct both {
	struct rc	*rc;
	struct rc_qp	a;
	struct rc_qp	b;
	u64		word;
	u64		old;
};

static struct both *both_make_at(unsigned int n, const struct rc_attr *at)
{
	struct both *t = calloc(1, sizeof(*t));

	t->rc = rc_create(n);
	rc_qp_init(&t->rc->dev[0], &t->a, TULLE_QP_RC, 0, 0);
	rc_qp_init(&t->rc->dev[n - 1], &t->b, TULLE_QP_RC, 0, 0);
	rc_connect(&t->a, &t->b, at);
	t->word = rc_mem(t->b.dev, 16);
	t->old = rc_mem(t->a.dev, 16);
	return t;
}

static struct both *both_make(unsigned int n)
{
	return both_make_at(n, NULL);
}

static void both_free(struct both *t)
{
	rc_destroy(t->rc);
	free(t);
}

static u64 *word_of(struct both *t)
{
	return fake_ptr(&t->b.dev->d, t->word);
}

static u64 old_of(struct both *t)
{
	return *(u64 *)fake_ptr(&t->a.dev->d, t->old);
}

static void atomic_op(struct both *t, u8 op, u64 swap_add, u64 compare,
		      u8 status)
{
	struct rc_op o = { .op = op, .wr_id = 1, .addr = t->old, .len = 8,
			   .raddr = t->word, .rkey = t->b.dev->key,
			   .swap_add = swap_add, .compare = compare };
	struct tulle_rdma_cqe *cqe;

	rc_do(&t->a, &o);
	fake_advance(&t->rc->env, RC_MS);
	cqe = rc_expect(&t->a.scq, 1, status);
	if (!status)
		assert_int_equal(le32_to_cpu(cqe->byte_len), 8);
}

static void run_both(unsigned int n)
{
	struct both *t = both_make(n);

	*word_of(t) = 0x1122334455667788;
	atomic_op(t, TULLE_WQE_FETCH_ADD, 0x10, 0, 0);
	assert_int_equal(old_of(t), 0x1122334455667788);
	assert_int_equal(*word_of(t), 0x1122334455667798);
	atomic_op(t, TULLE_WQE_CMP_SWAP, 7, 0x1122334455667798, 0);
	assert_int_equal(old_of(t), 0x1122334455667798);
	assert_int_equal(*word_of(t), 7);
	atomic_op(t, TULLE_WQE_CMP_SWAP, 9, 8, 0);
	assert_int_equal(old_of(t), 7);
	assert_int_equal(*word_of(t), 7);
	/* carry and wrap */
	*word_of(t) = ~0ULL;
	atomic_op(t, TULLE_WQE_FETCH_ADD, 2, 0, 0);
	assert_int_equal(*word_of(t), 1);
	both_free(t);
}

static void test_values(void **state)
{
	(void)state;
	run_both(2);
	run_both(1);
}

static void test_atomic_write(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		struct both *t = both_make(n);
		struct rc_op o = { .op = TULLE_WQE_ATOMIC_WRITE, .wr_id = 2,
				   .inl = true, .len = 8, .raddr = t->word,
				   .rkey = t->b.dev->key };

		o.addr = rc_fill(t->a.dev, 8, 4);
		rc_do(&t->a, &o);
		fake_advance(&t->rc->env, RC_MS);
		rc_expect(&t->a.scq, 2, 0);
		rc_same(t->a.dev, o.addr, t->b.dev, t->word, 8);
		both_free(t);
	}
}

static void flush_op(struct both *t, u32 flush, u32 len, u8 status)
{
	struct rc_op o = { .op = TULLE_WQE_FLUSH, .wr_id = 3, .len = len,
			   .raddr = t->word, .rkey = t->b.dev->key,
			   .flush = flush };

	rc_do(&t->a, &o);
	fake_advance(&t->rc->env, RC_MS);
	rc_expect(&t->a.scq, 3, status);
}

static void test_flush(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		struct both *t = both_make(n);

		flush_op(t, 1, 16, 0);
		flush_op(t, 1 | 1 << 4, 0, 0);
		/* That memory outlives the machine is not for us to say. */
		flush_op(t, 2, 16, TULLE_WC_REM_ACCESS);
		assert_int_equal(rc_event(t->b.dev), TULLE_QP_EVENT_ACCESS_ERR);
		both_free(t);
	}
}

/* Executed once, answered as often as it is asked for. */
static void test_replay(void **state)
{
	struct rc_attr at = { .rq_psn = 40, .rd_atomic = 5 };
	struct peer *p = peer_make(TULLE_QP_RC, &at);
	u64 word = rc_mem(p->dev, 8);
	u64 *val = fake_ptr(&p->dev->d, word);
	struct peer_pkt pkt;
	u8 ext[28] = { 0 };
	u32 i;

	(void)state;
	*val = 100;
	peer_reth(ext, word, p->dev->key, 0);
	tfw_put32(ext + 12, 0);
	tfw_put32(ext + 16, 1);
	/* A limit of five is one of eight: partners round up. */
	for (i = 0; i < 8; i++)
		peer_send(p, 0x14, 40 + i, true, ext, 28, NULL, 0, 0);
	assert_int_equal(*val, 108);
	for (i = 0; i < 8; i++) {
		peer_expect(p, &pkt, 0x12, 40 + i);
		assert_int_equal(pkt.len, 12);
		assert_int_equal(tfw_get32(pkt.ext + 8), 100 + i);
	}
	for (i = 0; i < 8; i++) {
		peer_send(p, 0x14, 40 + i, true, ext, 28, NULL, 0, 0);
		peer_expect(p, &pkt, 0x12, 40 + i);
		assert_int_equal(tfw_get32(pkt.ext + 8), 100 + i);
	}
	assert_int_equal(*val, 108);
	/* Forgotten, or of another kind: no answer. */
	peer_send(p, 0x14, 39, true, ext, 28, NULL, 0, 0);
	peer_send(p, 0x13, 41, true, ext, 28, NULL, 0, 0);
	peer_expect_none(p);
	assert_int_equal(*val, 108);
	peer_free(p);
}

static void test_no_right(void **state)
{
	struct rc_attr at = {
		.access = RC_REMOTE & ~TULLE_MKEY_REMOTE_ATOMIC,
	};
	unsigned int n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		struct both *t = both_make_at(n, &at);

		flush_op(t, 1, 16, 0);
		atomic_op(t, TULLE_WQE_FETCH_ADD, 1, 0, TULLE_WC_REM_INV_REQ);
		assert_int_equal(*word_of(t), 0);
		both_free(t);
	}
	at.access = RC_REMOTE & ~TULLE_MKEY_FLUSH;
	for (n = 1; n <= 2; n++) {
		struct both *t = both_make_at(n, &at);

		atomic_op(t, TULLE_WQE_FETCH_ADD, 1, 0, 0);
		flush_op(t, 1, 16, TULLE_WC_REM_INV_REQ);
		assert_int_equal(rc_event(t->b.dev), TULLE_QP_EVENT_REQ_ERR);
		both_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_atomic_write),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_no_right),
	};

	return cmocka_run_group_tests_name("atomic", tests, NULL, NULL);
}
