// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The responder of an RC queue pair against a partner that sends what it
 * likes: order, duplicates, lengths, rights, and what is answered.
 */
#include "peer.h"

#define PSN	0xfffffe	/* so that everything wraps */
#define MTU	1024

static u8 data[16384];

static struct peer *make(void)
{
	struct rc_attr at = { .rq_psn = PSN, .sq_psn = 9, .rnr_timer = 14 };
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (u8)(i * 31 + (i >> 8));
	return peer_make(TULLE_QP_RC, &at);
}

static void send(struct peer *p, u8 opcode, u32 n, bool ack, u32 from, u32 len)
{
	peer_send(p, opcode, PSN + n, ack, NULL, 0, data + from, len, 0);
}

static void test_send_parts(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 4096);
	struct tulle_rdma_cqe *cqe;
	struct peer_pkt pkt;

	(void)state;
	rc_recv(&p->q, 1, buf, 4096);
	send(p, 0x00, 0, false, 0, MTU);
	send(p, 0x01, 1, false, MTU, MTU);
	assert_null(rc_poll(&p->q.rcq));
	peer_expect_none(p);
	send(p, 0x02, 2, true, 2 * MTU, 7);
	cqe = rc_expect(&p->q.rcq, 1, TULLE_WC_SUCCESS);
	assert_int_equal(le32_to_cpu(cqe->byte_len), 2 * MTU + 7);
	assert_memory_equal(fake_ptr(&p->dev->d, buf), data, 2 * MTU + 7);
	peer_expect(p, &pkt, 0x11, PSN + 2);
	assert_int_equal(tfw_get32(pkt.ext), 0x1f000001);
	assert_int_equal(pkt.qpn, PEER_QPN);
	peer_free(p);
}

/* One acknowledgment for many, none where none is asked for. */
static void test_coalesce(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 4096);
	u32 i;

	(void)state;
	for (i = 0; i < 4; i++)
		rc_recv(&p->q, i, buf, 4096);
	send(p, 0x04, 0, false, 0, 5);
	send(p, 0x04, 1, false, 0, 0);
	peer_expect_none(p);
	send(p, 0x04, 2, true, 0, 5);
	peer_expect_ack(p, PSN + 2, 0x1f);
	peer_expect_none(p);
	peer_free(p);
}

static void test_duplicate_and_gap(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 4096);
	u32 i;

	(void)state;
	for (i = 0; i < 4; i++)
		rc_recv(&p->q, i, buf, 4096);
	send(p, 0x04, 0, true, 0, 5);
	peer_expect_ack(p, PSN, 0x1f);
	send(p, 0x04, 0, true, 0, 5);
	peer_expect_ack(p, PSN, 0x1f);
	assert_int_equal(peer_stats(p)->duplicates, 1);
	rc_expect(&p->q.rcq, 0, 0);
	assert_null(rc_poll(&p->q.rcq));
	/* One NAK per gap. */
	send(p, 0x04, 2, true, 0, 5);
	peer_expect_ack(p, PSN + 1, 0x60);
	send(p, 0x04, 3, true, 0, 5);
	peer_expect_none(p);
	assert_int_equal(peer_stats(p)->out_of_sequence, 2);
	send(p, 0x04, 1, true, 0, 5);
	peer_expect_ack(p, PSN + 1, 0x1f);
	send(p, 0x04, 3, true, 0, 5);
	peer_expect_ack(p, PSN + 2, 0x60);
	assert_int_equal(peer_state(p), TULLE_QPS_RTS);
	peer_free(p);
}

static void test_rnr(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 4096);

	(void)state;
	send(p, 0x04, 0, true, 0, 5);
	peer_expect_ack(p, PSN, 0x20 | 14);
	/* Nothing is said about what comes behind it. */
	send(p, 0x04, 1, true, 0, 5);
	peer_expect_none(p);
	rc_recv(&p->q, 7, buf, 4096);
	send(p, 0x04, 0, true, 0, 5);
	peer_expect_ack(p, PSN, 0x1f);
	rc_expect(&p->q.rcq, 7, 0);
	assert_int_equal(peer_stats(p)->tx_naks_rnr, 1);
	peer_free(p);
}

/* Dropped without a word. */
static void test_silent(void **state)
{
	static const u32 flaws[] = { PEER_BAD_ICRC, PEER_BAD_PKEY,
		PEER_BAD_TVER, PEER_BAD_SRC, PEER_BAD_SUM };
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 4096);
	struct tfw_rdma_stats *st = peer_stats(p);
	size_t i;

	(void)state;
	rc_recv(&p->q, 1, buf, 4096);
	for (i = 0; i < NET_COUNT(flaws); i++)
		peer_send(p, 0x04, PSN, true, NULL, 0, data, 5, flaws[i]);
	/* Other classes, no operation at all, no such QP. */
	peer_send(p, 0x24, PSN, true, NULL, 0, data, 5, 0);
	peer_send(p, 0x1f, PSN, true, NULL, 0, data, 5, 0);
	peer_send_to(p, 0x7777, 0x04, PSN, true, NULL, 0, data, 5, 0);
	peer_expect_none(p);
	assert_null(rc_poll(&p->q.rcq));
	assert_int_equal(st->icrc_errors, 1);
	assert_int_equal(st->bad_key, 1);
	assert_int_equal(st->malformed, 2);
	assert_int_equal(st->bad_source, 1);
	assert_int_equal(st->no_qp, 3);
	/* Cut short by whoever sent it: not RDMA's at all. */
	peer_send(p, 0x04, PSN, true, NULL, 0, data, 5, PEER_CUT);
	assert_int_equal(st->malformed, 2);
	/* Marked packets count and are taken, CNPs count. */
	peer_send(p, 0x81, 0, false, NULL, 0, data, 16, 0);
	assert_int_equal(st->cnps, 1);
	peer_send(p, 0x04, PSN, true, NULL, 0, data, 5, PEER_CE);
	assert_int_equal(st->ecn_marked, 1);
	rc_expect(&p->q.rcq, 1, 0);
	peer_free(p);
}

/* A request that ends the QP: what is told, completed and raised. */
struct fatal {
	u8	opcode;
	u32	len;
	u64	va;		/* 0: good */
	u32	dma_len;
	bool	bad_key;
	u8	syndrome;
	int	event;
	int	status;		/* of the receive WQE; -1: flushed */
};

static void check_fatal(const struct fatal *c)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 4096);
	struct tulle_rdma_cqe *cqe;
	u32 n = 0;
	u8 ext[28];

	rc_recv(&p->q, 1, buf, 600);
	if (c->opcode != 0x04 && c->opcode != 0x00)
		n = 16;
	peer_reth(ext, c->va ? c->va : buf, p->dev->key ^ c->bad_key,
		  c->dma_len);
	if (c->opcode == 0x01 || c->opcode == 0x02 || c->opcode == 0x08)
		n = 0;
	if (c->opcode == 0x13)
		n = 28;
	if (c->opcode == 0x17)
		n = 4;
	memset(ext + 16, 0, 12);
	peer_send(p, c->opcode, PSN, true, ext, n, data, c->len, 0);
	peer_expect_ack(p, PSN, c->syndrome);
	assert_int_equal(peer_state(p), TULLE_QPS_ERR);
	assert_int_equal(rc_event(p->dev), c->event);
	cqe = rc_expect(&p->q.rcq, 1, c->status < 0 ? TULLE_WC_WR_FLUSH :
						      (u8)c->status);
	assert_int_equal(cqe->status, c->status < 0 ? 5 : c->status);
	peer_free(p);
}

static void test_fatal(void **state)
{
	static const struct fatal cases[] = {
		/* longer than the receive WQE */
		{ 0x04, 700, 0, 0, false, 0x61, -1, TULLE_WC_LOC_LEN },
		/* the key to invalidate: not one that may be */
		{ 0x17, 5, 0, 0, false, 0x62, -1, TULLE_WC_LOC_PROT },
		/* not in a message */
		{ 0x01, MTU, 0, 0, false, 0x61, TULLE_QP_EVENT_REQ_ERR, -1 },
		{ 0x02, 5, 0, 0, false, 0x61, TULLE_QP_EVENT_REQ_ERR, -1 },
		{ 0x08, 5, 0, 0, false, 0x61, TULLE_QP_EVENT_REQ_ERR, -1 },
		/* lengths */
		{ 0x00, MTU - 4, 0, 0, false, 0x61, TULLE_QP_EVENT_REQ_ERR,
		  -1 },
		{ 0x04, MTU + 4, 0, 0, false, 0x61, TULLE_QP_EVENT_REQ_ERR,
		  -1 },
		{ 0x0a, 8, 0, 12, false, 0x61, TULLE_QP_EVENT_REQ_ERR, -1 },
		{ 0x06, MTU, 0, MTU, false, 0x61, TULLE_QP_EVENT_REQ_ERR, -1 },
		{ 0x0c, 0, 0, 0x80000001, false, 0x61, TULLE_QP_EVENT_REQ_ERR,
		  -1 },
		/* rights */
		{ 0x0a, 8, 0, 8, true, 0x62, TULLE_QP_EVENT_ACCESS_ERR, -1 },
		{ 0x0a, 8, 0x1000, 8, false, 0x62, TULLE_QP_EVENT_ACCESS_ERR,
		  -1 },
		{ 0x0c, 0, 0, 8, true, 0x62, TULLE_QP_EVENT_ACCESS_ERR, -1 },
		{ 0x0c, 0, FAKE_BASE + FAKE_MEM - 4, 8, false, 0x62,
		  TULLE_QP_EVENT_ACCESS_ERR, -1 },
		/* an atomic on something crooked */
		{ 0x13, 0, FAKE_BASE + 4, 0, false, 0x61,
		  TULLE_QP_EVENT_REQ_ERR, -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < NET_COUNT(cases); i++)
		check_fatal(&cases[i]);
}

static void test_no_rights(void **state)
{
	struct rc_attr at = { .rq_psn = PSN, .no_access = true };
	struct peer *p = peer_make(TULLE_QP_RC, &at);
	u64 buf = rc_mem(p->dev, 4096);
	u8 ext[16];

	(void)state;
	peer_reth(ext, buf, p->dev->key, 8);
	peer_send(p, 0x0a, PSN, true, ext, 16, data, 8, 0);
	peer_expect_ack(p, PSN, 0x61);
	assert_int_equal(peer_state(p), TULLE_QPS_ERR);
	peer_free(p);
}

static void test_write(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 8192);
	u8 ext[16];

	(void)state;
	peer_reth(ext, buf + 3, p->dev->key, 2 * MTU + 9);
	peer_send(p, 0x06, PSN, false, ext, 16, data, MTU, 0);
	send(p, 0x07, 1, false, MTU, MTU);
	/* A duplicate of the first does no harm in between, and none asks. */
	peer_send(p, 0x06, PSN, false, ext, 16, data, MTU, 0);
	peer_expect_none(p);
	peer_send(p, 0x06, PSN, true, ext, 16, data, MTU, 0);
	peer_expect_ack(p, PSN + 1, 0x1f);
	send(p, 0x08, 2, true, 2 * MTU, 9);
	peer_expect_ack(p, PSN + 2, 0x1f);
	assert_memory_equal(fake_ptr(&p->dev->d, buf + 3), data, 2 * MTU + 9);
	/* Without bytes no key is needed. */
	peer_reth(ext, 0, 0, 0);
	peer_send(p, 0x0a, PSN + 3, true, ext, 16, NULL, 0, 0);
	peer_expect_ack(p, PSN + 3, 0x1f);
	peer_free(p);
}

/* WRITE with immediate: RNR at its end, then the end once more. */
static void test_write_imm_rnr(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 8192);
	u8 ext[16], imm[4] = { 1, 2, 3, 4 };
	struct tulle_rdma_cqe *cqe;

	(void)state;
	peer_reth(ext, buf, p->dev->key, MTU + 8);
	peer_send(p, 0x06, PSN, false, ext, 16, data, MTU, 0);
	peer_send(p, 0x09, PSN + 1, true, imm, 4, data + MTU, 8, 0);
	peer_expect_ack(p, PSN + 1, 0x20 | 14);
	rc_recv_sges(&p->q, 5, NULL, 0);
	peer_send(p, 0x09, PSN + 1, true, imm, 4, data + MTU, 8, 0);
	peer_expect_ack(p, PSN + 1, 0x1f);
	cqe = rc_expect(&p->q.rcq, 5, 0);
	assert_memory_equal(&cqe->imm, imm, 4);
	assert_int_equal(rc_cqe_op(cqe), TULLE_CQE_RECV_WRITE);
	assert_memory_equal(fake_ptr(&p->dev->d, buf), data, MTU + 8);
	peer_free(p);
}

/* Memory that goes in the middle of a WRITE with immediate data. */
static void test_write_imm_gone(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 8192);
	u8 ext[16], imm[4] = { 1, 2, 3, 4 };
	u32 key = p->dev->key;

	(void)state;
	rc_recv_sges(&p->q, 5, NULL, 0);
	peer_reth(ext, buf, key, MTU + 8);
	peer_send(p, 0x06, PSN, false, ext, 16, data, MTU, 0);
	assert_int_equal(fake_destroy(&p->dev->d, TULLE_CMD_DESTROY_MKEY,
				      key >> 8 | key << 24), 0);
	peer_send(p, 0x09, PSN + 1, true, imm, 4, data + MTU, 8, 0);
	peer_expect_ack(p, PSN + 1, 0x62);
	rc_expect(&p->q.rcq, 5, TULLE_WC_LOC_ACCESS);
	assert_int_equal(peer_state(p), TULLE_QPS_ERR);
	assert_int_equal(rc_event(p->dev), -1);
	peer_free(p);
}

static void read_at(struct peer *p, u32 n, u64 va, u32 len)
{
	u8 ext[16];

	peer_reth(ext, va, p->dev->key, len);
	peer_send(p, 0x0c, PSN + n, true, ext, 16, NULL, 0, 0);
}

static void expect_read(struct peer *p, u8 opcode, u32 n, u64 from, u32 len)
{
	struct peer_pkt pkt;
	u32 aeth = opcode == 0x0e ? 0 : 4;

	peer_expect(p, &pkt, opcode, PSN + n);
	assert_int_equal(pkt.len, aeth + len);
	assert_memory_equal(pkt.ext + aeth, fake_ptr(&p->dev->d, from), len);
}

static void test_read(void **state)
{
	struct peer *p = make();
	u64 buf = rc_fill(p->dev, 8192, 9);
	u64 in = rc_mem(p->dev, 64);

	(void)state;
	rc_recv(&p->q, 1, in, 64);
	read_at(p, 0, buf, 3 * MTU + 1);
	expect_read(p, 0x0d, 0, buf, MTU);
	expect_read(p, 0x0e, 1, buf + MTU, MTU);
	expect_read(p, 0x0e, 2, buf + 2 * MTU, MTU);
	expect_read(p, 0x0f, 3, buf + 3 * MTU, 1);
	/* It took four numbers. */
	send(p, 0x04, 4, true, 0, 8);
	peer_expect_ack(p, PSN + 4, 0x1f);
	/* The rest of it again, from the middle. */
	read_at(p, 2, buf + 2 * MTU, MTU + 1);
	expect_read(p, 0x0d, 2, buf + 2 * MTU, MTU);
	expect_read(p, 0x0f, 3, buf + 3 * MTU, 1);
	/* Not what was asked the first time: nothing. */
	read_at(p, 2, buf, MTU + 1);
	peer_expect_none(p);
	read_at(p, 5, buf, 0);
	expect_read(p, 0x10, 5, buf, 0);
	peer_free(p);
}

static struct peer *make_one_read(void)
{
	struct rc_attr at = { .rq_psn = PSN, .sq_psn = 9, .rd_atomic = 1 };

	return peer_make(TULLE_QP_RC, &at);
}

/* One READ at a time: each answer begins anew. */
static void test_read_one(void **state)
{
	struct peer *p = make_one_read();
	u64 buf = rc_fill(p->dev, 8192, 9);

	(void)state;
	read_at(p, 0, buf, 10);
	expect_read(p, 0x10, 0, buf, 10);
	read_at(p, 1, buf, MTU + 10);
	expect_read(p, 0x0d, 1, buf, MTU);
	expect_read(p, 0x0f, 2, buf + MTU, 10);
	read_at(p, 3, buf, 10);
	expect_read(p, 0x10, 3, buf, 10);
	peer_free(p);
}

/*
 * The partner asked again, then the answer came after all: it goes on with the
 * next READ while the repetition is still under way.
 */
static void test_read_overtaken(void **state)
{
	struct peer *p = make_one_read();
	u64 buf = rc_fill(p->dev, 8192, 9);
	struct peer_pkt pkt;
	u8 ext[28] = { 0 };

	(void)state;
	read_at(p, 0, buf, 2 * MTU);
	expect_read(p, 0x0d, 0, buf, MTU);
	expect_read(p, 0x0f, 1, buf + MTU, MTU);
	p->dev->d.tx_full = true;
	read_at(p, 0, buf, 2 * MTU);
	read_at(p, 2, buf, 10);
	peer_expect_none(p);
	p->dev->d.tx_full = false;
	tfw_port_tx_ready(p->dev->d.dev);
	fake_run(&p->rc->env);
	expect_read(p, 0x0d, 0, buf, MTU);
	expect_read(p, 0x10, 2, buf, 10);
	peer_expect_none(p);
	/* An atomic takes the place just the same. */
	p->dev->d.tx_full = true;
	read_at(p, 2, buf, 10);
	read_at(p, 2, buf, 10);
	tfw_put32(ext, (u32)(buf >> 32));
	tfw_put32(ext + 4, (u32)buf);
	tfw_put32(ext + 8, p->dev->key);
	peer_send(p, 0x14, PSN + 3, true, ext, 28, NULL, 0, 0);
	p->dev->d.tx_full = false;
	tfw_port_tx_ready(p->dev->d.dev);
	fake_run(&p->rc->env);
	expect_read(p, 0x10, 2, buf, 10);
	peer_expect(p, &pkt, 0x12, PSN + 3);
	peer_free(p);
}

static void set_limit(struct peer *p, u8 n)
{
	struct tulle_qp_attr attr = { .max_dest_rd_atomic = n };

	rc_to_state(&p->q, TULLE_QPS_SQD);
	OK(rc_modify(&p->q, TULLE_QP_MOD_MAX_DEST_RD_ATOMIC, &attr));
	rc_to_state(&p->q, TULLE_QPS_RTS);
}

/* How many READs a partner may have outstanding is not for ever. */
static void test_read_limit_changed(void **state)
{
	struct peer *p = make_one_read();
	u64 buf = rc_fill(p->dev, 8192, 9);
	u32 i;

	(void)state;
	read_at(p, 0, buf, 10);
	expect_read(p, 0x10, 0, buf, 10);
	set_limit(p, 3);
	p->dev->d.tx_full = true;
	for (i = 1; i <= 4; i++)
		read_at(p, i, buf + i, 10);
	peer_expect_none(p);
	assert_int_equal(peer_stats(p)->tx_naks_error, 0);
	/* What is under way is answered all the same. */
	set_limit(p, 1);
	read_at(p, 5, buf, 10);
	assert_int_equal(peer_stats(p)->tx_naks_error, 1);
	p->dev->d.tx_full = false;
	tfw_port_tx_ready(p->dev->d.dev);
	fake_run(&p->rc->env);
	for (i = 1; i <= 4; i++)
		expect_read(p, 0x10, i, buf + i, 10);
	peer_expect_ack(p, PSN + 5, 0x61);
	peer_free(p);
}

/* A repetition of an older answer does not make the one it interrupts begin anew. */
static void test_read_interrupted(void **state)
{
	struct peer *p = make();
	u64 buf = rc_fill(p->dev, 8192, 9);

	(void)state;
	read_at(p, 0, buf, 10);
	expect_read(p, 0x10, 0, buf, 10);
	p->dev->d.tx_full = true;
	read_at(p, 1, buf, 3 * MTU);
	read_at(p, 0, buf, 10);
	p->dev->d.tx_full = false;
	tfw_port_tx_ready(p->dev->d.dev);
	fake_run(&p->rc->env);
	expect_read(p, 0x0d, 1, buf, MTU);
	expect_read(p, 0x10, 0, buf, 10);
	expect_read(p, 0x0e, 2, buf + MTU, MTU);
	expect_read(p, 0x0f, 3, buf + 2 * MTU, MTU);
	peer_free(p);
}

/* One that has its answer, and took the key away, waits for no repetition. */
static void test_read_repeated_late(void **state)
{
	struct peer *p = make();
	u64 buf = rc_fill(p->dev, 8192, 9);
	struct tfw_mkey *k = tfw_obj_at(p->dev->f, TULLE_OBJ_MKEY,
					p->dev->key >> 8);

	(void)state;
	read_at(p, 0, buf, 10);
	expect_read(p, 0x10, 0, buf, 10);
	k->state = TULLE_MKEY_FREE;
	read_at(p, 0, buf, 10);
	peer_expect_none(p);
	assert_int_equal(peer_state(p), TULLE_QPS_RTS);
	k->state = TULLE_MKEY_VALID;
	read_at(p, 1, buf, 10);
	expect_read(p, 0x10, 1, buf, 10);
	peer_free(p);
}

/* An acknowledgment never passes a READ that was asked for again. */
static void test_ack_behind_read(void **state)
{
	struct peer *p = make();
	u64 buf = rc_fill(p->dev, 8192, 9);
	u64 in = rc_mem(p->dev, 64);

	(void)state;
	rc_recv(&p->q, 1, in, 64);
	rc_recv(&p->q, 2, in, 64);
	send(p, 0x04, 0, true, 0, 8);
	read_at(p, 1, buf, 10);
	send(p, 0x04, 2, true, 0, 8);
	p->seen = p->dev->d.nframes;
	send(p, 0x04, 0, true, 0, 8);
	peer_expect_ack(p, PSN, 0x1f);
	read_at(p, 1, buf, 10);
	expect_read(p, 0x10, 1, buf, 10);
	send(p, 0x04, 2, true, 0, 8);
	peer_expect_ack(p, PSN + 2, 0x1f);
	peer_free(p);
}

/* Nor does one for less replace another that waits to be sent. */
static void test_ack_of_more(void **state)
{
	struct peer *p = make();
	u64 buf = rc_fill(p->dev, 8192, 9);
	u64 in = rc_mem(p->dev, 64);

	(void)state;
	rc_recv(&p->q, 1, in, 64);
	rc_recv(&p->q, 2, in, 64);
	send(p, 0x04, 0, false, 0, 8);
	p->dev->d.tx_full = true;
	/* The first packet of a wire that is full is under way. */
	read_at(p, 1, buf, 10);
	read_at(p, 2, buf, 10);
	send(p, 0x04, 3, true, 0, 8);
	send(p, 0x04, 0, true, 0, 8);
	p->dev->d.tx_full = false;
	tfw_port_tx_ready(p->dev->d.dev);
	fake_run(&p->rc->env);
	expect_read(p, 0x10, 1, buf, 10);
	expect_read(p, 0x10, 2, buf, 10);
	peer_expect_ack(p, PSN + 3, 0x1f);
	peer_expect_none(p);
	peer_free(p);
}

/* Nor does one come in the middle of an answer, which says as much. */
static void test_no_ack_within_read(void **state)
{
	struct peer *p = make();
	u64 buf = rc_fill(p->dev, 8192, 9);
	u64 in = rc_mem(p->dev, 64);

	(void)state;
	rc_recv(&p->q, 1, in, 64);
	send(p, 0x04, 0, true, 0, 8);
	peer_expect_ack(p, PSN, 0x1f);
	p->dev->d.tx_full = true;
	read_at(p, 1, buf, 3 * MTU);
	send(p, 0x04, 0, true, 0, 8);
	p->dev->d.tx_full = false;
	tfw_port_tx_ready(p->dev->d.dev);
	fake_run(&p->rc->env);
	expect_read(p, 0x0d, 1, buf, MTU);
	expect_read(p, 0x0e, 2, buf + MTU, MTU);
	expect_read(p, 0x0f, 3, buf + 2 * MTU, MTU);
	peer_expect_none(p);
	peer_free(p);
}

static void test_comm_est(void **state)
{
	struct rc_attr at = { .rq_psn = PSN, .dest_qpn = PEER_QPN };
	struct peer *p = calloc(1, sizeof(*p));
	struct rc_dev far = { .id = PEER_ID };
	u64 buf;

	(void)state;
	p->rc = rc_create(1);
	p->dev = &p->rc->dev[0];
	rc_av(&far, 0, &at.av);
	rc_qp_init(p->dev, &p->q, TULLE_QP_RC, 0, 0);
	rc_up(&p->q, &at, TULLE_QPS_INIT);
	buf = rc_mem(p->dev, 64);
	rc_recv(&p->q, 1, buf, 64);
	/* Not yet. */
	send(p, 0x04, 0, true, 0, 8);
	assert_int_equal(peer_stats(p)->no_qp, 1);
	rc_to_state(&p->q, TULLE_QPS_RESET);
	rc_up(&p->q, &at, TULLE_QPS_RTR);
	p->q.rq_pi = 0;
	p->q.dbr->rq_pi = 0;
	rc_recv(&p->q, 1, buf, 64);
	send(p, 0x04, 0, true, 0, 8);
	assert_int_equal(rc_event(p->dev), TULLE_QP_EVENT_COMM_EST);
	peer_expect_ack(p, PSN, 0x1f);
	rc_expect(&p->q.rcq, 1, 0);
	peer_free(p);
}

/* In ERR what is posted later is flushed too, and nothing arrives. */
static void test_flush(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 64);
	struct rc_op o = { .op = TULLE_WQE_SEND, .addr = buf, .len = 8,
			   .wr_id = 50, .quiet = true };

	(void)state;
	rc_recv(&p->q, 1, buf, 64);
	rc_do(&p->q, &o);
	rc_to_state(&p->q, TULLE_QPS_ERR);
	rc_expect(&p->q.scq, 50, TULLE_WC_WR_FLUSH);
	rc_expect(&p->q.rcq, 1, TULLE_WC_WR_FLUSH);
	rc_recv(&p->q, 2, buf, 64);
	rc_expect(&p->q.rcq, 2, TULLE_WC_WR_FLUSH);
	o.wr_id = 51;
	rc_do(&p->q, &o);
	rc_expect(&p->q.scq, 51, TULLE_WC_WR_FLUSH);
	send(p, 0x04, 0, true, 0, 8);
	assert_null(rc_poll(&p->q.rcq));
	peer_free(p);
}

/* In ERR nonsense is skipped; for what follows somebody is asked to ring. */
static void test_flush_behind_nonsense(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 64);
	struct rc_op o = { .op = TULLE_WQE_SEND, .addr = buf, .len = 8 };

	(void)state;
	rc_to_state(&p->q, TULLE_QPS_ERR);
	rc_make(&p->q, &o)->ctrl.nblocks = 0;
	p->q.pi += 2;
	p->q.dbr->pi = cpu_to_le32(p->q.pi);
	rc_ring(&p->q);
	assert_null(rc_poll(&p->q.scq));
	assert_int_equal(le32_to_cpu(p->q.dbr->evt), p->q.pi);
	o.wr_id = 51;
	rc_do(&p->q, &o);
	rc_expect(&p->q.scq, 51, TULLE_WC_WR_FLUSH);
	/* More than the ring holds */
	p->q.rq_pi += 1000;
	rc_recv(&p->q, 1, buf, 64);
	fake_kick(&p->dev->d, TULLE_UAR_QP_RQ, p->q.handle);
	assert_null(rc_poll(&p->q.rcq));
	assert_int_equal(le32_to_cpu(p->q.dbr->rq_evt), p->q.rq_pi);
	rc_recv(&p->q, 2, buf, 64);
	rc_expect(&p->q.rcq, 2, TULLE_WC_WR_FLUSH);
	assert_null(rc_poll(&p->q.rcq));
	peer_free(p);
}

/* The address is the same on every VLAN, the partner is not. */
static void test_vlan(void **state)
{
	u16 sgid;

	(void)state;
	for (sgid = 1; sgid <= 2; sgid++) {
		struct rc_attr at = { .rq_psn = PSN, .sgid = sgid };
		struct peer *p = peer_make(TULLE_QP_RC, &at);
		u32 tag = sgid == 2 ? PEER_TAG : 0;

		rc_recv(&p->q, 1, rc_mem(p->dev, 64), 64);
		peer_send(p, 0x04, PSN, false, NULL, 0, data, 7,
			  tag ^ PEER_TAG);
		assert_null(rc_poll(&p->q.rcq));
		assert_int_equal(peer_stats(p)->bad_source, 1);
		peer_send(p, 0x04, PSN, false, NULL, 0, data, 7, tag);
		rc_expect(&p->q.rcq, 1, 0);
		assert_int_equal(peer_stats(p)->bad_source, 1);
		peer_free(p);
	}
}

static void test_ipv6(void **state)
{
	struct rc_attr at = { .rq_psn = PSN, .sgid = 1 };
	struct peer *p = peer_make(TULLE_QP_RC, &at);
	u64 buf = rc_mem(p->dev, 4096);

	(void)state;
	rc_recv(&p->q, 1, buf, 4096);
	send(p, 0x04, 0, true, 0, 77);
	peer_expect_ack(p, PSN, 0x1f);
	rc_expect(&p->q.rcq, 1, 0);
	assert_memory_equal(fake_ptr(&p->dev->d, buf), data, 77);
	peer_free(p);
}

/* Headers and payload cut anywhere behind UDP. */
static void test_split_frames(void **state)
{
	struct peer *p = make();
	u64 buf = rc_mem(p->dev, 4096);
	u32 i;

	(void)state;
	for (i = 0; i < 30; i++) {
		p->split = 42 + i;
		rc_recv(&p->q, i, buf, 4096);
		send(p, 0x04, i, true, i, 77);
		peer_expect_ack(p, PSN + i, 0x1f);
		rc_expect(&p->q.rcq, i, 0);
		assert_memory_equal(fake_ptr(&p->dev->d, buf), data + i, 77);
	}
	assert_int_equal(peer_stats(p)->icrc_errors, 0);
	peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send_parts),
		cmocka_unit_test(test_coalesce),
		cmocka_unit_test(test_duplicate_and_gap),
		cmocka_unit_test(test_rnr),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_fatal),
		cmocka_unit_test(test_no_rights),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_imm_rnr),
		cmocka_unit_test(test_write_imm_gone),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_one),
		cmocka_unit_test(test_read_overtaken),
		cmocka_unit_test(test_read_limit_changed),
		cmocka_unit_test(test_read_interrupted),
		cmocka_unit_test(test_read_repeated_late),
		cmocka_unit_test(test_ack_behind_read),
		cmocka_unit_test(test_ack_of_more),
		cmocka_unit_test(test_no_ack_within_read),
		cmocka_unit_test(test_comm_est),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_flush_behind_nonsense),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_split_frames),
	};

	return cmocka_run_group_tests_name("rc", tests, NULL, NULL);
}
