// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Unreliable connections: whole messages or none, in both directions.
 */
#include "peer.h"

#define PSN	0xffffff
#define MTU	1024

static u8 data[8192];

static struct peer *make(void)
{
	struct rc_attr at = { .rq_psn = PSN, .sq_psn = 3 };
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (u8)(i * 17 + 1);
	return peer_make(TULLE_QP_UC, &at);
}

static void send(struct peer *p, u8 opcode, u32 n, u32 from, u32 len)
{
	peer_send(p, 0x20 | opcode, PSN + n, false, NULL, 0, data + from, len,
		  0);
}

static void test_whole_or_nothing(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 4096);
	struct tulle_rdma_cqe *cqe;

	(void)state;
	rc_recv(&p->q, 1, buf, 4096);
	send(p, 0x00, 0, 0, MTU);
	send(p, 0x01, 1, MTU, MTU);
	/* The next is missing: the message is lost, its WQE is not. */
	send(p, 0x02, 3, 3 * MTU, 9);
	assert_null(rc_poll(&p->q.rcq));
	assert_int_equal(peer_stats(p)->uc_drops, 1);
	send(p, 0x00, 4, 0, MTU);
	send(p, 0x02, 5, MTU, 9);
	cqe = rc_expect(&p->q.rcq, 1, 0);
	assert_int_equal(le32_to_cpu(cqe->byte_len), MTU + 9);
	assert_memory_equal(fake_ptr(&p->dev->d, buf), data, MTU + 9);
	/* Cut short by the next one, which counts. */
	rc_recv(&p->q, 2, buf, 4096);
	send(p, 0x00, 6, 0, MTU);
	send(p, 0x04, 7, 40, 16);
	cqe = rc_expect(&p->q.rcq, 2, 0);
	assert_int_equal(le32_to_cpu(cqe->byte_len), 16);
	assert_int_equal(peer_stats(p)->uc_drops, 2);
	/* Whole messages may be missing. */
	rc_recv(&p->q, 3, buf, 4096);
	send(p, 0x04, 40, 40, 16);
	rc_expect(&p->q.rcq, 3, 0);
	/* No receive WQE: lost. */
	send(p, 0x04, 41, 40, 16);
	assert_int_equal(peer_stats(p)->uc_drops, 3);
	peer_expect_none(p);
	assert_int_equal(peer_state(p), TULLE_QPS_RTS);
	peer_free(p);
}

static void test_write(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 8192);
	u8 ext[16];

	(void)state;
	peer_reth(ext, buf, p->dev->key, MTU + 4);
	peer_send(p, 0x26, PSN, false, ext, 16, data, MTU, 0);
	send(p, 0x08, 1, MTU, 4);
	assert_memory_equal(fake_ptr(&p->dev->d, buf), data, MTU + 4);
	/* A key that is none: nothing is written and nobody is told. */
	peer_reth(ext, buf, p->dev->key + 1, 4);
	peer_send(p, 0x2a, PSN + 2, false, ext, 16, data + 100, 4, 0);
	assert_memory_equal(fake_ptr(&p->dev->d, buf), data, MTU + 4);
	peer_expect_none(p);
	assert_int_equal(peer_state(p), TULLE_QPS_RTS);
	/* Things that only reliable ones have. */
	peer_send(p, 0x2c, PSN + 3, false, ext, 16, NULL, 0, 0);
	assert_int_equal(peer_stats(p)->no_qp, 1);
	peer_free(p);
}

/* Memory that goes in the middle: the message is lost, its WQE is not. */
static void test_write_imm_gone(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 8192);
	struct tfw_mkey *k = tfw_obj_at(p->dev->f, TULLE_OBJ_MKEY,
					p->dev->key >> 8);
	u8 ext[16], imm[4] = { 1, 2, 3, 4 };

	(void)state;
	rc_recv(&p->q, 5, buf, 64);
	peer_reth(ext, buf, p->dev->key, MTU + 8);
	peer_send(p, 0x26, PSN, false, ext, 16, data, MTU, 0);
	k->state = TULLE_MKEY_FREE;
	peer_send(p, 0x29, PSN + 1, false, imm, 4, data + MTU, 8, 0);
	assert_null(rc_poll(&p->q.rcq));
	assert_int_equal(peer_stats(p)->uc_drops, 1);
	k->state = TULLE_MKEY_VALID;
	send(p, 0x04, 2, 0, 16);
	rc_expect(&p->q.rcq, 5, 0);
	assert_int_equal(peer_state(p), TULLE_QPS_RTS);
	peer_free(p);
}

static void test_requester(void **state)
{
	struct peer *p = make();
	struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 1,
			   .len = 2 * MTU + 3 };
	struct peer_pkt pkt;

	(void)state;
	o.addr = rc_fill(p->dev, o.len, 1);
	rc_do(&p->q, &o);
	/* Done when it has left. */
	rc_expect(&p->q.scq, 1, 0);
	peer_expect(p, &pkt, 0x20, 3);
	assert_false(pkt.ack_req);
	peer_expect(p, &pkt, 0x21, 4);
	peer_expect(p, &pkt, 0x22, 5);
	assert_int_equal(pkt.len, 3);
	o.op = TULLE_WQE_READ;
	rc_do(&p->q, &o);
	rc_expect(&p->q.scq, 1, TULLE_WC_LOC_QP_OP);
	assert_int_equal(p->q.qp->state, TULLE_QPS_SQE);
	peer_free(p);
}

static void test_pair(void **state)
{
	unsigned int n;
	u32 i;

	(void)state;
	for (n = 1; n <= 2; n++) {
		struct rc *rc = rc_create(n);
		struct rc_qp a, b;
		u64 src, dst;

		rc_qp_init(&rc->dev[0], &a, TULLE_QP_UC, 0, 0);
		rc_qp_init(&rc->dev[n - 1], &b, TULLE_QP_UC, 0, 0);
		rc_connect(&a, &b, NULL);
		src = rc_fill(a.dev, 70000, 8);
		dst = rc_mem(b.dev, 70000);
		for (i = 0; i < 20; i++) {
			struct rc_op o = { .op = i & 1 ? TULLE_WQE_SEND :
				TULLE_WQE_WRITE_IMM, .wr_id = i, .addr = src,
				.len = i * 3500 + 1, .raddr = dst,
				.rkey = b.dev->key };

			rc_recv(&b, i, dst, 70000);
			rc_do(&a, &o);
			rc_expect(&a.scq, i, 0);
			rc_expect(&b.rcq, i, 0);
			rc_same(a.dev, src, b.dev, dst, o.len);
		}
		rc_destroy(rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_or_nothing),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_imm_gone),
		cmocka_unit_test(test_requester),
		cmocka_unit_test(test_pair),
	};

	return cmocka_run_group_tests_name("uc", tests, NULL, NULL);
}
