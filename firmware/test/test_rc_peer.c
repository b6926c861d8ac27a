// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The requester of an RC queue pair against a partner that answers as it
 * likes: acknowledgments, refusals, silence, wrong answers; and WQEs that
 * are not what they should be.
 */
#include "peer.h"

#define PSN	0xfffff0
#define MTU	1024

static struct peer *make_at(const struct rc_attr *a)
{
	return peer_make(TULLE_QP_RC, a);
}

static struct peer *make(void)
{
	struct rc_attr at = { .sq_psn = PSN, .retry_cnt = 2, .rnr_retry = 2,
			      .timeout = 14, .rd_atomic = 2 };

	return make_at(&at);
}

/* 4.096 us << 14, and some more */
#define TIMEOUT	(70 * RC_MS)

static void test_opcodes(void **state)
{
	struct peer *p = make();
	struct peer_pkt pkt;

	(void)state;
	peer_post(p, TULLE_WQE_WRITE, 1, 2 * MTU + 5);
	peer_expect(p, &pkt, 0x06, PSN);
	assert_int_equal(tfw_get32(pkt.ext + 4), 0x5000);
	assert_int_equal(tfw_get32(pkt.ext + 8), 0x777);
	assert_int_equal(tfw_get32(pkt.ext + 12), 2 * MTU + 5);
	assert_int_equal(pkt.len, 16 + MTU);
	assert_false(pkt.ack_req);
	peer_expect(p, &pkt, 0x07, PSN + 1);
	peer_expect(p, &pkt, 0x08, PSN + 2);
	assert_int_equal(pkt.len, 5);
	assert_true(pkt.ack_req);
	assert_int_equal(pkt.qpn, PEER_QPN);
	peer_ack(p, PSN + 2);
	rc_expect(&p->q.scq, 1, 0);
	peer_free(p);
}

static void test_inline_and_solicited(void **state)
{
	struct peer *p = make();
	struct rc_op o = { .op = TULLE_WQE_SEND_IMM, .inl = true, .len = 300,
			   .imm = 0x04030201, .flags = TULLE_WQE_F_SOLICITED };
	struct peer_pkt pkt;

	(void)state;
	o.addr = rc_fill(p->dev, 300, 3);
	rc_do(&p->q, &o);
	peer_expect(p, &pkt, 0x05, PSN);
	assert_true(pkt.solicited);
	assert_int_equal(tfw_get32(pkt.ext), 0x01020304);
	assert_memory_equal(pkt.ext + 4, fake_ptr(&p->dev->d, o.addr), 300);
	/* Again, from the private copy: the ring is the driver's. */
	memset(p->q.sq, 0xff, 512);
	fake_advance(&p->rc->env, TIMEOUT);
	peer_expect(p, &pkt, 0x05, PSN);
	assert_memory_equal(pkt.ext + 4, fake_ptr(&p->dev->d, o.addr), 300);
	peer_free(p);
}

static void test_window(void **state)
{
	struct peer *p = make();
	struct peer_pkt pkt;
	u32 i;

	(void)state;
	peer_post(p, TULLE_WQE_SEND, 1, 200 * MTU);
	for (i = 0; i < TFW_WINDOW; i++) {
		assert_true(peer_next(p, &pkt));
		assert_int_equal(pkt.psn, (PSN + i) & 0xffffff);
		assert_int_equal(pkt.ack_req, i % 32 == 31);
	}
	peer_expect_none(p);
	peer_ack(p, PSN + 9);
	for (i = 0; i < 10; i++)
		assert_true(peer_next(p, &pkt));
	assert_true(pkt.ack_req);
	peer_expect_none(p);
	peer_free(p);
}

/* Completions in order, also when one acknowledgment is for several. */
static void test_ack_many(void **state)
{
	struct peer *p = make();
	struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 2, .quiet = true };

	(void)state;
	peer_post(p, TULLE_WQE_SEND, 1, 10);
	rc_do(&p->q, &o);
	peer_post(p, TULLE_WQE_SEND, 3, 10);
	assert_null(rc_poll(&p->q.scq));
	peer_ack(p, PSN + 2);
	rc_expect(&p->q.scq, 1, 0);
	rc_expect(&p->q.scq, 3, 0);
	/* Late, and from the future: both mean nothing. */
	peer_ack(p, PSN);
	peer_ack(p, PSN + 50);
	assert_null(rc_poll(&p->q.scq));
	assert_int_equal(peer_state(p), TULLE_QPS_RTS);
	peer_free(p);
}

static void test_nak_seq(void **state)
{
	struct peer *p = make();
	u32 i;

	(void)state;
	for (i = 0; i < 4; i++)
		peer_post(p, TULLE_WQE_SEND, i, 10);
	peer_expect_sends(p, PSN, 4);
	peer_aeth(p, 0x11, PSN + 1, 0x60, NULL, 0);
	rc_expect(&p->q.scq, 0, 0);
	peer_expect_sends(p, PSN + 1, 3);
	assert_int_equal(peer_stats(p)->retransmits, 3);
	assert_int_equal(peer_stats(p)->rx_naks_seq, 1);
	peer_ack(p, PSN + 3);
	for (i = 1; i < 4; i++)
		rc_expect(&p->q.scq, i, 0);
	peer_free(p);
}

static void test_nak_fatal(void **state)
{
	static const struct { u8 code; u8 status; } naks[] = {
		{ 0x61, TULLE_WC_REM_INV_REQ },
		{ 0x62, TULLE_WC_REM_ACCESS },
		{ 0x63, TULLE_WC_REM_OP },
	};
	size_t i;

	(void)state;
	for (i = 0; i < NET_COUNT(naks); i++) {
		struct peer *p = make();

		peer_post(p, TULLE_WQE_SEND, 1, 10);
		peer_post(p, TULLE_WQE_SEND, 2, 10);
		peer_post(p, TULLE_WQE_SEND, 3, 10);
		peer_aeth(p, 0x11, PSN + 1, naks[i].code, NULL, 0);
		rc_expect(&p->q.scq, 1, 0);
		rc_expect(&p->q.scq, 2, naks[i].status);
		rc_expect(&p->q.scq, 3, TULLE_WC_WR_FLUSH);
		assert_int_equal(peer_state(p), TULLE_QPS_ERR);
		peer_free(p);
	}
}

static void test_timeout(void **state)
{
	struct peer *p = make();
	u32 i;

	(void)state;
	peer_post(p, TULLE_WQE_SEND, 1, 10);
	peer_expect_sends(p, PSN, 1);
	/* Twice again, then it is given up. */
	for (i = 0; i < 2; i++) {
		fake_advance(&p->rc->env, TIMEOUT);
		peer_expect_sends(p, PSN, 1);
		peer_expect_none(p);
	}
	fake_advance(&p->rc->env, TIMEOUT);
	peer_expect_none(p);
	rc_expect(&p->q.scq, 1, TULLE_WC_RETRY_EXC);
	assert_int_equal(peer_stats(p)->timeouts, 3);
	assert_int_equal(peer_stats(p)->retry_exceeded, 1);
	peer_free(p);
}

/* Progress gives all retries back; no packet is late that was just sent. */
static void test_timeout_renewed(void **state)
{
	struct peer *p = make();
	u32 i;

	(void)state;
	for (i = 0; i < 5; i++) {
		peer_post(p, TULLE_WQE_SEND, i, 10);
		peer_expect_sends(p, PSN + i, 1);
		fake_advance(&p->rc->env, TIMEOUT);
		peer_expect_sends(p, PSN + i, 1);
		peer_ack(p, PSN + i);
		rc_expect(&p->q.scq, i, 0);
		fake_advance(&p->rc->env, 40 * RC_MS);
		peer_expect_none(p);
	}
	assert_int_equal(peer_stats(p)->timeouts, 5);
	peer_post(p, TULLE_WQE_SEND, 9, 10);
	peer_expect_sends(p, PSN + 5, 1);
	fake_advance(&p->rc->env, 50 * RC_MS);
	peer_expect_none(p);
	peer_free(p);
}

static void test_rnr_nak(void **state)
{
	struct peer *p = make();
	u32 i;

	(void)state;
	peer_post(p, TULLE_WQE_SEND, 1, 10);
	peer_post(p, TULLE_WQE_SEND, 2, 10);
	peer_expect_sends(p, PSN, 2);
	for (i = 0; i < 2; i++) {
		/* code 14: 1.28 ms */
		peer_aeth(p, 0x11, PSN, 0x20 | 16, NULL, 0);
		fake_advance(&p->rc->env, 2500000);
		peer_expect_none(p);
		fake_advance(&p->rc->env, 100000);
		peer_expect_sends(p, PSN, 2);
	}
	peer_aeth(p, 0x11, PSN, 0x20 | 16, NULL, 0);
	rc_expect(&p->q.scq, 1, TULLE_WC_RNR_RETRY_EXC);
	rc_expect(&p->q.scq, 2, TULLE_WC_WR_FLUSH);
	assert_int_equal(peer_stats(p)->rnr_retry_exceeded, 1);
	assert_int_equal(peer_stats(p)->rx_naks_rnr, 3);
	peer_free(p);
}

static void test_rnr_forever(void **state)
{
	struct rc_attr at = { .sq_psn = PSN };
	struct peer *p = make_at(&at);
	u32 i;

	(void)state;
	peer_post(p, TULLE_WQE_SEND, 1, 10);
	for (i = 0; i < 20; i++) {
		peer_expect_sends(p, PSN, 1);
		peer_aeth(p, 0x11, PSN, 0x20 | 1, NULL, 0);
		fake_advance(&p->rc->env, 20000);
	}
	peer_ack(p, PSN);
	rc_expect(&p->q.scq, 1, 0);
	peer_free(p);
}

static u8 answer[8 * MTU];

/* A READ is answered in part; the rest is asked for again. */
static void test_partial_read(void **state)
{
	struct peer *p = make();
	struct rc_op o = { .op = TULLE_WQE_READ, .wr_id = 1, .len = 3 * MTU + 5,
			   .raddr = 0x10000, .rkey = 0x55 };
	struct peer_pkt pkt;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answer); i++)
		answer[i] = (u8)(i * 13);
	o.addr = rc_mem(p->dev, o.len);
	rc_do(&p->q, &o);
	peer_post(p, TULLE_WQE_SEND, 2, 10);
	peer_expect(p, &pkt, 0x0c, PSN);
	assert_int_equal(tfw_get32(pkt.ext + 12), o.len);
	/* The SEND comes behind four numbers. */
	peer_expect(p, &pkt, 0x04, PSN + 4);
	peer_aeth(p, 0x0d, PSN, 0x1f, answer, MTU);
	/* The second got lost. */
	peer_send(p, 0x0e, PSN + 2, false, NULL, 0, answer + 2 * MTU, MTU, 0);
	peer_expect(p, &pkt, 0x0c, PSN + 1);
	assert_int_equal(tfw_get32(pkt.ext + 4), 0x10000 + MTU);
	assert_int_equal(tfw_get32(pkt.ext + 12), 2 * MTU + 5);
	peer_expect(p, &pkt, 0x04, PSN + 4);
	assert_int_equal(peer_stats(p)->implied_naks, 1);
	peer_aeth(p, 0x0d, PSN + 1, 0x1f, answer + MTU, MTU);
	/* An acknowledgment behind it means that the rest was lost. */
	peer_ack(p, PSN + 4);
	peer_expect(p, &pkt, 0x0c, PSN + 2);
	peer_expect(p, &pkt, 0x04, PSN + 4);
	assert_int_equal(peer_stats(p)->implied_naks, 2);
	assert_null(rc_poll(&p->q.scq));
	peer_aeth(p, 0x0d, PSN + 2, 0x1f, answer + 2 * MTU, MTU);
	peer_aeth(p, 0x0f, PSN + 3, 0x1f, answer + 3 * MTU, 5);
	rc_expect(&p->q.scq, 1, 0);
	assert_memory_equal(fake_ptr(&p->dev->d, o.addr), answer, o.len);
	peer_ack(p, PSN + 4);
	rc_expect(&p->q.scq, 2, 0);
	peer_free(p);
}

/* An answer acknowledges what was sent before its request. */
static void test_read_acks(void **state)
{
	struct peer *p = make();

	(void)state;
	peer_post(p, TULLE_WQE_SEND, 1, 10);
	peer_post(p, TULLE_WQE_READ, 2, 10);
	peer_aeth(p, 0x10, PSN + 1, 0x1f, answer, 10);
	rc_expect(&p->q.scq, 1, 0);
	rc_expect(&p->q.scq, 2, 0);
	peer_free(p);
}

static void test_bad_response(void **state)
{
	static const struct { u8 op; u32 len; } bad[] = {
		{ 0x10, 9 }, { 0x10, 11 }, { 0x0d, MTU }, { 0x12, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < NET_COUNT(bad); i++) {
		struct peer *p = make();
		u8 ext[12] = { 0x1f };

		peer_post(p, TULLE_WQE_READ, 1, 10);
		peer_send(p, bad[i].op, PSN, false, ext,
			  bad[i].op == 0x12 ? 12 : 4, answer, bad[i].len, 0);
		rc_expect(&p->q.scq, 1, TULLE_WC_BAD_RESP);
		assert_int_equal(peer_state(p), TULLE_QPS_ERR);
		peer_free(p);
	}
}

/*
 * A READ whose answer takes almost half of all sequence numbers waits until
 * nothing else is on its way: answers to what is before it could not be told
 * from old ones.
 */
static void test_read_huge(void **state)
{
	struct rc_attr at = { .sq_psn = PSN, .mtu = 8 };
	struct peer *p = make_at(&at);
	struct rc_op o = { .op = TULLE_WQE_READ, .wr_id = 3,
			   .len = 0x80000000U - 256, .addr = FAKE_BASE,
			   .raddr = 0x10000, .rkey = 0x55 };
	struct peer_pkt pkt;

	(void)state;
	peer_post(p, TULLE_WQE_SEND, 1, 10);
	peer_post(p, TULLE_WQE_SEND, 2, 10);
	rc_do(&p->q, &o);
	peer_expect_sends(p, PSN, 2);
	peer_expect_none(p);
	peer_ack(p, PSN);
	rc_expect(&p->q.scq, 1, 0);
	peer_expect_none(p);
	peer_ack(p, PSN + 1);
	rc_expect(&p->q.scq, 2, 0);
	peer_expect(p, &pkt, 0x0c, PSN + 2);
	assert_int_equal(tfw_get32(pkt.ext + 12), o.len);
	/* Its last number is taken for one to come: no answer, so once more. */
	peer_ack(p, PSN + 2 + 0x7ffffe);
	assert_int_equal(peer_stats(p)->duplicates, 0);
	peer_expect(p, &pkt, 0x0c, PSN + 2);
	peer_free(p);
}

/* At most so many READs at once; a fence waits for all of them. */
static void test_read_limit_and_fence(void **state)
{
	struct peer *p = make();
	struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 9,
			   .flags = TULLE_WQE_F_FENCE };
	struct peer_pkt pkt;

	(void)state;
	peer_post(p, TULLE_WQE_READ, 1, 4);
	peer_post(p, TULLE_WQE_READ, 2, 4);
	peer_post(p, TULLE_WQE_READ, 3, 4);
	rc_do(&p->q, &o);
	peer_expect(p, &pkt, 0x0c, PSN);
	peer_expect(p, &pkt, 0x0c, PSN + 1);
	peer_expect_none(p);
	peer_aeth(p, 0x10, PSN, 0x1f, answer, 4);
	peer_expect(p, &pkt, 0x0c, PSN + 2);
	peer_expect_none(p);
	peer_aeth(p, 0x10, PSN + 1, 0x1f, answer, 4);
	peer_expect_none(p);
	peer_aeth(p, 0x10, PSN + 2, 0x1f, answer, 4);
	peer_expect(p, &pkt, 0x04, PSN + 3);
	peer_free(p);
}

/* The limit may be changed in SQD. */
static void test_read_limit_changed(void **state)
{
	struct tulle_qp_attr attr = { .max_rd_atomic = 3 };
	struct peer *p = make();
	struct peer_pkt pkt;
	u32 i;

	(void)state;
	peer_post(p, TULLE_WQE_READ, 0, 4);
	peer_expect(p, &pkt, 0x0c, PSN);
	rc_to_state(&p->q, TULLE_QPS_SQD);
	OK(rc_modify(&p->q, TULLE_QP_MOD_MAX_RD_ATOMIC, &attr));
	rc_to_state(&p->q, TULLE_QPS_RTS);
	for (i = 1; i < 4; i++)
		peer_post(p, TULLE_WQE_READ, i, 4);
	for (i = 1; i < 3; i++)
		peer_expect(p, &pkt, 0x0c, PSN + i);
	peer_expect_none(p);
	peer_free(p);
}

/* Sent again it does not wait for what came behind it. */
static void test_fence_again(void **state)
{
	struct peer *p = make();
	struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 1,
			   .flags = TULLE_WQE_F_FENCE };
	struct peer_pkt pkt;
	u32 i;

	(void)state;
	rc_do(&p->q, &o);
	peer_post(p, TULLE_WQE_READ, 2, 4);
	for (i = 0; i < 2; i++) {
		peer_expect(p, &pkt, 0x04, PSN);
		peer_expect(p, &pkt, 0x0c, PSN + 1);
		if (!i)
			peer_aeth(p, 0x11, PSN, 0x60, NULL, 0);
	}
	peer_aeth(p, 0x10, PSN + 1, 0x1f, answer, 4);
	rc_expect(&p->q.scq, 1, 0);
	rc_expect(&p->q.scq, 2, 0);
	peer_free(p);
}

/* A queue full of NOPs is not for nothing: others have their turn. */
static void test_nops_cost(void **state)
{
	struct peer *p = make();
	struct tulle_qp_wqe *wqe;
	struct tfw_budget budget;
	u32 i;

	(void)state;
	for (i = 0; i < 100; i++) {
		wqe = rc_wqe(&p->q, TULLE_WQE_NOP, 0, 1);
		wqe->ctrl.flags = 0;
		rc_put(&p->q, wqe);
	}
	budget.bytes = 10 * TFW_COST_MIN;
	assert_true(tfw_requester_run(&p->q.qp->work, &budget));
	assert_in_range(p->q.qp->sq_ci, 1, 20);
	peer_free(p);
}

static void test_drain(void **state)
{
	struct peer *p = make();
	struct tulle_qp_attr attr = { .state = TULLE_QPS_SQD,
				      .flags = TULLE_QP_ATTR_SQD_EVENT };

	(void)state;
	peer_post(p, TULLE_WQE_SEND, 1, 10);
	peer_expect_sends(p, PSN, 1);
	OK(rc_modify(&p->q, TULLE_QP_MOD_STATE | TULLE_QP_MOD_SQD_EVENT,
		     &attr));
	peer_post(p, TULLE_WQE_SEND, 2, 10);
	peer_expect_none(p);
	assert_int_equal(rc_event(p->dev), -1);
	peer_ack(p, PSN);
	rc_expect(&p->q.scq, 1, 0);
	assert_int_equal(rc_event(p->dev), TULLE_QP_EVENT_SQ_DRAINED);
	peer_expect_none(p);
	rc_to_state(&p->q, TULLE_QPS_RTS);
	peer_expect_sends(p, PSN + 1, 1);
	peer_ack(p, PSN + 1);
	rc_expect(&p->q.scq, 2, 0);
	peer_free(p);
}

/* A key that is gone: told when everything before it was. */
static void test_local_prot(void **state)
{
	struct peer *p = make();
	struct tulle_sge sge;
	struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 2, .len = 16,
			   .sge = &sge, .nsge = 1 };

	(void)state;
	sge = rc_sge(p->dev, FAKE_BASE + FAKE_MEM - 8, 16);
	peer_post(p, TULLE_WQE_SEND, 1, 10);
	rc_do(&p->q, &o);
	peer_post(p, TULLE_WQE_SEND, 3, 10);
	peer_expect_sends(p, PSN, 1);
	peer_expect_none(p);
	assert_null(rc_poll(&p->q.scq));
	peer_ack(p, PSN);
	rc_expect(&p->q.scq, 1, 0);
	rc_expect(&p->q.scq, 2, TULLE_WC_LOC_PROT);
	rc_expect(&p->q.scq, 3, TULLE_WC_WR_FLUSH);
	peer_free(p);
}

/* WQEs that say what cannot be; @at: the byte that is told. */
struct wrong {
	u8	op;
	u8	at;
	u8	status;
	u8	byte;
	u8	val;
};

static void test_wrong_wqes(void **state)
{
	static const struct wrong cases[] = {
		{ TULLE_WQE_SEND, 0, 2, 0, 99 },
		{ TULLE_WQE_SEND, 0, 2, 0, TULLE_WQE_ETH },
		{ TULLE_WQE_SEND, 1, 2, 1, 0x80 },
		{ TULLE_WQE_SEND, 3, 2, 3, 31 },
		{ TULLE_WQE_SEND, 2, 2, 3, 20 },
		{ TULLE_WQE_SEND, 4, 2, 4, 1 },
		{ TULLE_WQE_SEND, 8, 2, 8, 1 },
		{ TULLE_WQE_SEND, 12, 2, 12, 17 },
		{ TULLE_WQE_SEND, 12, 1, 15, 0x81 },
		{ TULLE_WQE_READ, 1, 2, 1, TULLE_WQE_F_INLINE },
		{ TULLE_WQE_WRITE, 24, 2, 36, 1 },
		{ TULLE_WQE_FETCH_ADD, 12, 2, 12, 9 },
		{ TULLE_WQE_FETCH_ADD, 24, 2, 24, 4 },
		{ TULLE_WQE_CMP_SWAP, 3, 2, 3, 2 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < NET_COUNT(cases); i++) {
		const struct wrong *c = &cases[i];
		struct peer *p = make();
		struct rc_op o = { .op = c->op, .wr_id = 1,
				   .len = c->op >= TULLE_WQE_CMP_SWAP ? 8 : 16,
				   .raddr = 0x8000 };
		struct tulle_qp_wqe *wqe;
		struct tulle_rdma_cqe *cqe;

		o.addr = rc_mem(p->dev, 16);
		wqe = rc_make(&p->q, &o);
		((u8 *)wqe)[c->byte] = c->val;
		rc_put(&p->q, wqe);
		rc_ring(&p->q);
		cqe = rc_expect(&p->q.scq, 1, c->status);
		assert_int_equal(cqe->syndrome, c->at);
		assert_int_equal(peer_state(p), TULLE_QPS_ERR);
		peer_expect_none(p);
		peer_free(p);
	}
}

/* Fast registration: used by what follows, gone after LOCAL_INV. */
static void test_frwr(void **state)
{
	struct peer *p = make();
	u64 list = fake_mem(&p->dev->d, 4096, 4096);
	u64 page = fake_mem(&p->dev->d, 8192, 4096);
	struct tulle_mkey_ctx ctx = { .type = TULLE_MKEY_FRWR,
		.pd = cpu_to_le32(p->dev->pd), .max_pages = cpu_to_le32(4),
		.access = 0 };
	struct tulle_reg_mr_seg seg = { .npages = cpu_to_le32(2),
		.iova = cpu_to_le64(0x7000), .len = cpu_to_le64(8192),
		.pages = cpu_to_le64(list),
		.access = RC_ACCESS & ~TULLE_MKEY_MW_BIND,
		.log_page_size = 12 };
	struct tulle_qp_wqe *wqe;
	struct peer_pkt pkt;
	u32 h, key;
	u8 ext[16];

	(void)state;
	((__le64 *)fake_ptr(&p->dev->d, list))[0] = cpu_to_le64(page + 4096);
	((__le64 *)fake_ptr(&p->dev->d, list))[1] = cpu_to_le64(page);
	h = fake_create(&p->dev->d, TULLE_CMD_CREATE_MKEY, &ctx, sizeof(ctx),
			NULL);
	assert_int_not_equal(h, 0);
	key = TULLE_KEY(h) ^ 0x10;
	seg.key = cpu_to_le32(key);
	wqe = rc_wqe(&p->q, TULLE_WQE_REG_MR, 1, 2);
	memcpy(wqe + 1, &seg, sizeof(seg));
	rc_put(&p->q, wqe);
	rc_ring(&p->q);
	assert_int_equal(rc_cqe_op(rc_expect(&p->q.scq, 1, 0)),
			 TULLE_CQE_REG_MR);
	peer_reth(ext, 0x7000, key, 4);
	peer_send(p, 0x0a, 0, true, ext, 16, "abcd", 4, 0);
	peer_expect_ack(p, 0, 0x1f);
	assert_memory_equal(fake_ptr(&p->dev->d, page + 4096), "abcd", 4);
	/* Waits for what is on its way: it may have to be sent again. */
	peer_post(p, TULLE_WQE_SEND, 2, 10);
	peer_expect(p, &pkt, 0x04, PSN);
	wqe = rc_wqe(&p->q, TULLE_WQE_LOCAL_INV, 3, 1);
	wqe->ctrl.imm = cpu_to_le32(key);
	rc_put(&p->q, wqe);
	rc_ring(&p->q);
	assert_null(rc_poll(&p->q.scq));
	peer_send(p, 0x0a, 1, true, ext, 16, "efgh", 4, 0);
	peer_expect_ack(p, 1, 0x1f);
	peer_ack(p, PSN);
	rc_expect(&p->q.scq, 2, 0);
	rc_expect(&p->q.scq, 3, 0);
	peer_send(p, 0x0a, 2, true, ext, 16, "ijkl", 4, 0);
	peer_expect_ack(p, 2, 0x62);
	peer_free(p);
}

/* The backend takes nothing for a while: nothing is lost, nothing counted. */
static void test_back_pressure(void **state)
{
	struct peer *p = make();
	u32 i;

	(void)state;
	p->dev->d.tx_full = true;
	for (i = 0; i < 4; i++)
		peer_post(p, TULLE_WQE_SEND, i, 10);
	fake_advance(&p->rc->env, 500 * RC_MS);
	assert_null(rc_poll(&p->q.scq));
	p->dev->d.tx_full = false;
	tfw_port_tx_ready(p->dev->d.dev);
	fake_run(&p->rc->env);
	peer_expect_sends(p, PSN, 4);
	assert_int_equal(peer_stats(p)->timeouts, 0);
	peer_free(p);
}

/* Answers to the partner's READs leave room for requests. */
static void test_requests_among_answers(void **state)
{
	struct peer *p = make();
	u64 src = rc_fill(p->dev, 64 * MTU, 5);
	struct tfw_budget budget = { .bytes = 8 * MTU };
	u32 reads = 0, sends = 0;
	struct peer_pkt pkt;
	u8 ext[16];

	(void)state;
	p->dev->d.tx_full = true;
	peer_reth(ext, src, p->dev->key, 64 * MTU);
	peer_send(p, 0x0c, 0, true, ext, 16, NULL, 0, 0);
	peer_post(p, TULLE_WQE_SEND, 1, 10);
	p->dev->d.tx_full = false;
	tfw_port_tx_ready(p->dev->d.dev);
	assert_true(tfw_requester_run(&p->q.qp->work, &budget));
	while (peer_next(p, &pkt)) {
		reads += pkt.opcode == 0x0d || pkt.opcode == 0x0e;
		sends += pkt.opcode == 0x04;
	}
	assert_int_equal(sends, 1);
	/* They had half, then all that was left; one had gone before. */
	assert_in_range(reads, 8, 9);
	peer_free(p);
}

/* What is nonsense fails in its turn, not before. */
static void test_malformed_in_turn(void **state)
{
	struct peer *p = make();
	struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 3 };
	struct tulle_rdma_cqe *cqe;
	struct tulle_qp_wqe *wqe;

	(void)state;
	peer_post(p, TULLE_WQE_SEND, 1, 10);
	peer_post(p, TULLE_WQE_SEND, 2, 10);
	wqe = rc_make(&p->q, &o);
	rc_put(&p->q, wqe);
	wqe->ctrl.nblocks = 0;
	rc_ring(&p->q);
	peer_expect_sends(p, PSN, 2);
	peer_ack(p, PSN);
	rc_expect(&p->q.scq, 1, 0);
	assert_null(rc_poll(&p->q.scq));
	assert_int_equal(peer_state(p), TULLE_QPS_RTS);
	peer_ack(p, PSN + 1);
	rc_expect(&p->q.scq, 2, 0);
	cqe = rc_expect(&p->q.scq, 3, TULLE_WC_LOC_QP_OP);
	assert_int_equal(cqe->syndrome, offsetof(struct tulle_wqe_ctrl,
						 nblocks));
	assert_int_equal(peer_state(p), TULLE_QPS_ERR);
	assert_int_equal(rc_event(p->dev), -1);
	o.wr_id = 4;
	rc_do(&p->q, &o);
	rc_expect(&p->q.scq, 4, TULLE_WC_WR_FLUSH);
	peer_free(p);
}

static void set_dma(struct peer *p, bool on)
{
	tfw_func_set_dma(p->dev->d.dev, 0, on);
	fake_run(&p->rc->env);
}

/* While the function is out of memory's reach time stands still. */
static void test_no_dma(void **state)
{
	struct peer *p = make();
	u32 i;

	(void)state;
	peer_post(p, TULLE_WQE_SEND, 1, 10);
	peer_expect_sends(p, PSN, 1);
	set_dma(p, false);
	for (i = 0; i < 5; i++)
		fake_advance(&p->rc->env, TIMEOUT);
	set_dma(p, true);
	assert_int_equal(peer_state(p), TULLE_QPS_RTS);
	fake_advance(&p->rc->env, TIMEOUT / 2);
	peer_expect_none(p);
	fake_advance(&p->rc->env, TIMEOUT / 2);
	peer_expect_sends(p, PSN, 1);
	assert_int_equal(peer_stats(p)->timeouts, 1);
	/* code 16: 2.56 ms */
	peer_aeth(p, 0x11, PSN, 0x20 | 16, NULL, 0);
	set_dma(p, false);
	fake_advance(&p->rc->env, TIMEOUT);
	peer_expect_none(p);
	set_dma(p, true);
	peer_expect_sends(p, PSN, 1);
	peer_ack(p, PSN);
	rc_expect(&p->q.scq, 1, 0);
	peer_free(p);
}

/* A queue pair that only answers is not forgotten either. */
static void test_no_dma_answers(void **state)
{
	struct peer *p = make();
	struct peer_pkt pkt;
	u8 ext[16];

	(void)state;
	p->q.qp->state = TULLE_QPS_RTR;
	p->dev->d.tx_full = true;
	peer_reth(ext, rc_fill(p->dev, 8 * MTU, 5), p->dev->key, 8 * MTU);
	peer_send(p, 0x0c, 0, true, ext, 16, NULL, 0, 0);
	tfw_func_set_dma(p->dev->d.dev, 0, false);
	p->dev->d.tx_full = false;
	tfw_port_tx_ready(p->dev->d.dev);
	fake_run(&p->rc->env);
	peer_expect(p, &pkt, 0x0d, 0);
	peer_expect_none(p);
	set_dma(p, true);
	peer_expect(p, &pkt, 0x0e, 1);
	while (pkt.psn < 7)
		assert_true(peer_next(p, &pkt));
	assert_int_equal(pkt.opcode, 0x0f);
	peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opcodes),
		cmocka_unit_test(test_inline_and_solicited),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_ack_many),
		cmocka_unit_test(test_nak_seq),
		cmocka_unit_test(test_nak_fatal),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_timeout_renewed),
		cmocka_unit_test(test_rnr_nak),
		cmocka_unit_test(test_rnr_forever),
		cmocka_unit_test(test_partial_read),
		cmocka_unit_test(test_read_acks),
		cmocka_unit_test(test_bad_response),
		cmocka_unit_test(test_read_huge),
		cmocka_unit_test(test_read_limit_and_fence),
		cmocka_unit_test(test_read_limit_changed),
		cmocka_unit_test(test_fence_again),
		cmocka_unit_test(test_nops_cost),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_local_prot),
		cmocka_unit_test(test_wrong_wqes),
		cmocka_unit_test(test_frwr),
		cmocka_unit_test(test_back_pressure),
		cmocka_unit_test(test_requests_among_answers),
		cmocka_unit_test(test_malformed_in_turn),
		cmocka_unit_test(test_no_dma),
		cmocka_unit_test(test_no_dma_answers),
	};

	return cmocka_run_group_tests_name("rc_peer", tests, NULL, NULL);
}
