// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * What else work requests ask for: lists of many pieces, WQEs of all sizes,
 * windows and invalidation; and memory that goes away meanwhile.
 */
#include "peer.h"

struct duo {
	struct rc	*rc;
	struct rc_qp	a;
	struct rc_qp	b;
	u32		seed;
};

static struct duo *duo_make(unsigned int n)
{
	struct duo *t = calloc(1, sizeof(*t));

	t->rc = rc_create(n);
	rc_qp_init(&t->rc->dev[0], &t->a, TULLE_QP_RC, 0, 0);
	rc_qp_init(&t->rc->dev[n - 1], &t->b, TULLE_QP_RC, 0, 0);
	rc_connect(&t->a, &t->b, NULL);
	return t;
}

static void duo_free(struct duo *t)
{
	rc_destroy(t->rc);
	free(t);
}

static u32 rnd(struct duo *t, u32 below)
{
	t->seed = t->seed * 1664525 + 1013904223;
	return (t->seed >> 8) % below;
}

/* Cuts [addr, addr + len) into @n pieces, some of them empty. */
static void cut(struct duo *t, struct rc_dev *dev, u64 addr, u32 len,
		struct tulle_sge *sge, u32 n)
{
	u32 i, part;

	for (i = 0; i < n; i++) {
		part = i + 1 == n ? len : rnd(t, len + 1) / 2;
		if (i % 5 == 3 && i + 1 < n)
			part = 0;
		sge[i] = rc_sge(dev, addr, part);
		addr += part;
		len -= part;
	}
}

static void lists(unsigned int n)
{
	struct duo *t = duo_make(n);
	u64 src = rc_fill(t->a.dev, 20000, 5), dst = rc_mem(t->b.dev, 20000);
	struct tulle_sge out[TFW_MAX_QP_SGES], in[TFW_MAX_QP_RQ_SGES];
	u32 i;

	for (i = 0; i < 150; i++) {
		struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = i,
				   .len = rnd(t, 20000), .addr = src,
				   .flags = i & 1 ? TULLE_WQE_F_SOLICITED : 0 };
		struct tulle_rdma_cqe *cqe;
		u32 nin = 1 + rnd(t, TFW_MAX_QP_RQ_SGES);

		/* Sometimes inline instead: WQEs of up to ten blocks. */
		if (i % 3 == 2) {
			o.inl = true;
			o.len %= TFW_MAX_QP_INLINE + 1;
		} else {
			o.nsge = (u8)(1 + rnd(t, TFW_MAX_QP_SGES));
			o.sge = out;
			cut(t, t->a.dev, src, o.len, out, o.nsge);
		}
		memset(fake_ptr(&t->b.dev->d, dst), 0, 20000);
		cut(t, t->b.dev, dst, 20000, in, nin);
		rc_recv_sges(&t->b, i, in, (u8)nin);
		rc_do(&t->a, &o);
		rc_expect(&t->a.scq, i, 0);
		cqe = rc_expect(&t->b.rcq, i, 0);
		assert_int_equal(le32_to_cpu(cqe->byte_len), o.len);
		assert_int_equal(!!(le32_to_cpu(cqe->src_flags) &
				    TULLE_WC_F_SOLICITED), i & 1);
		rc_same(t->a.dev, src, t->b.dev, dst, o.len);
	}
	duo_free(t);
}

static void test_lists(void **state)
{
	(void)state;
	lists(1);
	lists(2);
}

/* A window that @q binds to [addr, addr + len); its key. */
static u32 bind(struct rc_qp *q, u64 addr, u64 len)
{
	struct tulle_mkey_ctx ctx = { .type = TULLE_MKEY_MW2,
				      .pd = cpu_to_le32(q->dev->pd) };
	u32 h = fake_create(&q->dev->d, TULLE_CMD_CREATE_MKEY, &ctx,
			    sizeof(ctx), NULL);
	struct tulle_bind_mw_seg seg = {
		.mw = cpu_to_le32(TULLE_KEY(h) ^ 7),
		.mr = cpu_to_le32(q->dev->key),
		.iova = cpu_to_le64(addr),
		.len = cpu_to_le64(len),
		.access = TULLE_MKEY_REMOTE_WRITE,
	};
	struct tulle_qp_wqe *wqe;

	assert_int_not_equal(h, 0);
	wqe = rc_wqe(q, TULLE_WQE_BIND_MW, 77, 2);
	memcpy(wqe + 1, &seg, sizeof(seg));
	rc_put(q, wqe);
	rc_ring(q);
	rc_expect(&q->scq, 77, 0);
	return TULLE_KEY(h) ^ 7;
}

static void invalidate(unsigned int n)
{
	struct duo *t = duo_make(n);
	u64 src = rc_fill(t->a.dev, 64, 5), dst = rc_mem(t->b.dev, 64);
	u32 key = bind(&t->b, dst, 64);
	struct rc_op o = { .op = TULLE_WQE_WRITE, .wr_id = 1, .len = 64,
			   .addr = src, .raddr = dst, .rkey = key };
	struct tulle_rdma_cqe *cqe;

	rc_do(&t->a, &o);
	rc_expect(&t->a.scq, 1, 0);
	rc_same(t->a.dev, src, t->b.dev, dst, 64);
	rc_recv(&t->b, 2, dst, 64);
	o.op = TULLE_WQE_SEND_INV;
	o.imm = key;
	rc_do(&t->a, &o);
	rc_expect(&t->a.scq, 1, 0);
	cqe = rc_expect(&t->b.rcq, 2, 0);
	assert_true(le32_to_cpu(cqe->src_flags) & TULLE_WC_F_INV);
	assert_memory_equal(&cqe->imm, &key, 4);
	/* Gone: it can neither be used nor invalidated again. */
	rc_recv(&t->b, 3, dst, 64);
	rc_do(&t->a, &o);
	rc_expect(&t->a.scq, 1, TULLE_WC_REM_ACCESS);
	rc_expect(&t->b.rcq, 3, TULLE_WC_LOC_PROT);
	assert_int_equal(t->b.qp->state, TULLE_QPS_ERR);
	duo_free(t);
}

static void test_invalidate(void **state)
{
	(void)state;
	invalidate(1);
	invalidate(2);
}

static void read_req(struct peer *p, u32 psn, u64 va, u32 key, u32 len)
{
	u8 ext[16];

	peer_reth(ext, va, key, len);
	peer_send(p, 0x0c, psn, true, ext, 16, NULL, 0, 0);
}

/* The key of a READ that is being answered is unbound. */
static void test_read_memory_gone(void **state)
{
	struct peer *p = peer_make(TULLE_QP_RC, NULL);
	u64 buf = rc_fill(p->dev, 8192, 5);
	struct tulle_modify_mkey req = {
		.mask = cpu_to_le32(TULLE_MKEY_MOD_REVOKE),
		.ctx.handle = cpu_to_le32(p->dev->key >> 8 |
					  p->dev->key << 24),
	};
	struct peer_pkt pkt;

	(void)state;
	p->dev->d.tx_full = true;
	read_req(p, 0, buf, p->dev->key, 8192);
	OK(fake_cmd(&p->dev->d, TULLE_CMD_MODIFY_MKEY, &req, sizeof(req),
		    NULL, 0));
	p->dev->d.tx_full = false;
	tfw_port_tx_ready(p->dev->d.dev);
	fake_run(&p->rc->env);
	/* One packet had left before. */
	peer_expect(p, &pkt, 0x0d, 0);
	peer_expect_ack(p, 1, 0x62);
	peer_expect_none(p);
	assert_int_equal(peer_state(p), TULLE_QPS_ERR);
	assert_int_equal(rc_event(p->dev), TULLE_QP_EVENT_ACCESS_ERR);
	peer_free(p);
}

/* More READs at once than were agreed on. */
static void test_too_many_reads(void **state)
{
	struct rc_attr at = { .rd_atomic = 2 };
	struct peer *p = peer_make(TULLE_QP_RC, &at);
	u64 buf = rc_fill(p->dev, 8192, 5);
	struct peer_pkt pkt;
	u32 i;

	(void)state;
	p->dev->d.tx_full = true;
	read_req(p, 0, buf, p->dev->key, 8);
	for (i = 1; i < 4; i++)
		read_req(p, i, buf, p->dev->key, 8);
	p->dev->d.tx_full = false;
	tfw_port_tx_ready(p->dev->d.dev);
	fake_run(&p->rc->env);
	for (i = 0; i < 3; i++)
		peer_expect(p, &pkt, 0x10, i);
	peer_expect_ack(p, 3, 0x61);
	assert_int_equal(peer_state(p), TULLE_QPS_ERR);
	peer_free(p);
}

/* The requester's own limit: none at all means that READs are refused. */
static void test_no_reads(void **state)
{
	struct peer *p = peer_make(TULLE_QP_RC, NULL);
	struct rc_op o = { .op = TULLE_WQE_READ, .len = 8, .wr_id = 3,
			   .addr = FAKE_BASE, .raddr = 0x1000 };

	(void)state;
	p->q.qp->attr.max_rd_atomic = 0;
	rc_do(&p->q, &o);
	rc_expect(&p->q.scq, 3, TULLE_WC_LOC_QP_OP);
	peer_free(p);
}

/* A hole in memory: the first page is still there, the rest is not. */
static void test_hole(void **state)
{
	struct peer *p = peer_make(TULLE_QP_RC, NULL);
	struct rc_op o = { .op = TULLE_WQE_SEND, .len = 1000, .wr_id = 3 };

	(void)state;
	o.addr = fake_mem(&p->dev->d, 8192, 4096) + 4000;
	p->dev->d.hole = o.addr + 200;
	p->dev->d.hole_len = 10;
	rc_do(&p->q, &o);
	rc_expect(&p->q.scq, 3, TULLE_WC_LOC_PROT);
	peer_free(p);
}

/*
 * A hole at the responder: it cannot do what is asked and says so once, to its
 * own driver as well. Not where a completion tells.
 */
static void hole_op(unsigned int n, u8 type, u8 op, int event)
{
	struct rc *rc = rc_create(n);
	struct rc_dev *to = &rc->dev[n - 1];
	struct rc_op o = { .op = op, .wr_id = 3, .len = 8, .rkey = to->key,
			   .inl = op == TULLE_WQE_ATOMIC_WRITE };
	bool uc = type == TULLE_QP_UC;
	struct rc_qp a, b;

	rc_qp_init(&rc->dev[0], &a, type, 0, 0);
	rc_qp_init(to, &b, type, 0, 0);
	rc_connect(&a, &b, NULL);
	o.addr = rc_fill(a.dev, 8, 1);
	o.raddr = fake_mem(&to->d, 4096, 4096) + 64;
	to->d.hole = o.raddr;
	to->d.hole_len = 8;
	rc_recv(&b, 5, rc_mem(to, 8), 8);
	rc_post(&a, &o);
	/* What is wrong with the next one is not looked at any more. */
	o.rkey = 0x9900;
	rc_do(&a, &o);
	fake_advance(&rc->env, RC_MS);
	rc_expect(&a.scq, 3, uc ? 0 : TULLE_WC_REM_OP);
	rc_expect(&a.scq, 3, uc ? 0 : TULLE_WC_WR_FLUSH);
	assert_int_equal(b.qp->state, TULLE_QPS_ERR);
	assert_int_equal(rc_event(to), event);
	assert_int_equal(rc_event(to), -1);
	rc_expect(&b.rcq, 5, event < 0 ? TULLE_WC_LOC_ACCESS :
					 TULLE_WC_WR_FLUSH);
	assert_null(rc_poll(&b.rcq));
	rc_destroy(rc);
}

static void test_responder_hole(void **state)
{
	static const u8 ops[] = { TULLE_WQE_WRITE, TULLE_WQE_CMP_SWAP,
				  TULLE_WQE_FETCH_ADD,
				  TULLE_WQE_ATOMIC_WRITE };
	unsigned int n, i;

	(void)state;
	for (n = 1; n <= 2; n++) {
		for (i = 0; i < TFW_ARRAY_SIZE(ops); i++)
			hole_op(n, TULLE_QP_RC, ops[i], TULLE_QP_EVENT_FATAL);
		hole_op(n, TULLE_QP_RC, TULLE_WQE_WRITE_IMM, -1);
		hole_op(n, TULLE_QP_UC, TULLE_WQE_WRITE, TULLE_QP_EVENT_FATAL);
		hole_op(n, TULLE_QP_UC, TULLE_WQE_WRITE_IMM, -1);
	}
}

/* A receive queue that is out of reach has told already. */
static void test_recv_hole(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		struct duo *t = duo_make(n);
		struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 3, .len = 8,
				   .addr = rc_fill(t->a.dev, 8, 1) };

		rc_recv(&t->b, 5, rc_mem(t->b.dev, 8), 8);
		t->b.dev->d.hole = (u64)(t->b.rq - t->b.dev->d.mem) + FAKE_BASE;
		t->b.dev->d.hole_len = 1;
		rc_do(&t->a, &o);
		fake_advance(&t->rc->env, RC_MS);
		rc_expect(&t->a.scq, 3, TULLE_WC_REM_OP);
		assert_int_equal(rc_event(t->b.dev), TULLE_QP_EVENT_FATAL);
		assert_int_equal(rc_event(t->b.dev), -1);
		duo_free(t);
	}
}

/* One after the other overruns the CQ: the QP fails, nothing worse. */
static void test_cq_overrun(void **state)
{
	unsigned int n;
	u32 i;

	(void)state;
	for (n = 1; n <= 2; n++) {
		struct duo *t = duo_make(n);
		struct rc_op o = { .op = TULLE_WQE_WRITE, .len = 8,
				   .addr = rc_mem(t->a.dev, 8),
				   .raddr = rc_mem(t->b.dev, 8),
				   .rkey = t->b.dev->key };

		for (i = 0; i < 256; i++)
			rc_do(&t->a, &o);
		assert_int_equal(t->a.qp->state, TULLE_QPS_RTS);
		rc_do(&t->a, &o);
		assert_int_equal(t->a.qp->state, TULLE_QPS_ERR);
		assert_int_equal(rc_event(t->a.dev), TULLE_QP_EVENT_FATAL);
		assert_int_equal(t->b.qp->state, TULLE_QPS_RTS);
		duo_free(t);
	}
}

/* Nor is a message acknowledged whose completion found no place. */
static void test_recv_cq_overrun(void **state)
{
	unsigned int n;
	u32 i;

	(void)state;
	for (n = 1; n <= 2; n++) {
		struct duo *t = duo_make(n);
		struct rc_op o = { .op = TULLE_WQE_SEND, .len = 8,
				   .addr = rc_mem(t->a.dev, 8) };
		u64 buf = rc_mem(t->b.dev, 8);

		for (i = 0; i < 256; i++) {
			rc_recv(&t->b, i, buf, 8);
			rc_do(&t->a, &o);
			rc_expect(&t->a.scq, 0, 0);
		}
		rc_recv(&t->b, i, buf, 8);
		rc_do(&t->a, &o);
		fake_advance(&t->rc->env, RC_MS);
		rc_expect(&t->a.scq, 0, TULLE_WC_REM_OP);
		assert_int_equal(t->b.qp->state, TULLE_QPS_ERR);
		assert_int_equal(rc_event(t->b.dev), TULLE_QP_EVENT_FATAL);
		assert_int_equal(rc_event(t->b.dev), -1);
		duo_free(t);
	}
}

#define LONG	(1024 * 1024U)

/*
 * The partner is connected anew in the middle of a READ that takes no packets:
 * what it accepted in its former life means nothing. @goes_on: it expects now
 * what comes next
 */
static void read_of_other_life(bool goes_on)
{
	struct rc_attr at = { .timeout = 8, .retry_cnt = 2, .sq_psn = 5 };
	struct rc *rc = rc_create(1);
	struct rc_dev *dev = &rc->dev[0];
	struct rc_op o = { .op = TULLE_WQE_READ, .wr_id = 3, .len = LONG };
	struct tfw_budget budget = { .bytes = LONG / 4 };
	struct rc_qp a, b;

	rc_qp_init(dev, &a, TULLE_QP_RC, 0, 0);
	rc_qp_init(dev, &b, TULLE_QP_RC, 0, 0);
	rc_connect(&a, &b, &at);
	o.addr = rc_mem(dev, LONG);
	o.raddr = rc_fill(dev, LONG, 1);
	o.rkey = dev->key;
	rc_post(&a, &o);
	assert_true(tfw_requester_run(&a.qp->work, &budget));
	assert_int_equal(a.qp->attr.sq_psn, 5 + LONG / 4096);
	rc_to_state(&b, TULLE_QPS_RESET);
	at.dest_qpn = a.qpn;
	at.rq_psn = goes_on ? a.qp->attr.sq_psn : 5;
	rc_av(dev, 0, &at.av);
	rc_up(&b, &at, TULLE_QPS_RTS);
	rc_ring(&a);
	fake_advance(&rc->env, 50 * RC_MS);
	rc_expect(&a.scq, 3, goes_on ? 0 : TULLE_WC_RETRY_EXC);
	if (goes_on)
		rc_same(dev, o.addr, dev, o.raddr, LONG);
	assert_int_equal(b.qp->attr.rq_psn, goes_on ? 5 + LONG / 1024 : 5);
	rc_destroy(rc);
}

static void test_read_of_other_life(void **state)
{
	(void)state;
	read_of_other_life(false);
	read_of_other_life(true);
}

/*
 * The partner has the address on two VLANs, and is connected on the other one:
 * what is dropped on a wire does not take the short cut either.
 */
static void test_other_vlan(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		struct rc *rc = rc_create(n);
		struct rc_dev *to = &rc->dev[n - 1];
		struct rc_attr at = { .timeout = 8, .retry_cnt = 2 };
		struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 3 };
		struct rc_qp a, b;

		rc_qp_init(&rc->dev[0], &a, TULLE_QP_RC, 0, 0);
		rc_qp_init(to, &b, TULLE_QP_RC, 0, 0);
		at.sgid = 2;
		at.dest_qpn = b.qpn;
		rc_av(to, 2, &at.av);
		rc_up(&a, &at, TULLE_QPS_RTS);
		at.dest_qpn = a.qpn;
		rc_av(&rc->dev[0], 1, &at.av);
		rc_up(&b, &at, TULLE_QPS_RTS);
		rc_recv_sges(&b, 5, NULL, 0);
		rc_do(&a, &o);
		fake_advance(&rc->env, 50 * RC_MS);
		rc_expect(&a.scq, 3, TULLE_WC_RETRY_EXC);
		assert_null(rc_poll(&b.rcq));
		assert_int_equal(to->f->rdma->stats.bad_source, 3);
		rc_destroy(rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_invalidate),
		cmocka_unit_test(test_read_memory_gone),
		cmocka_unit_test(test_too_many_reads),
		cmocka_unit_test(test_no_reads),
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_responder_hole),
		cmocka_unit_test(test_recv_hole),
		cmocka_unit_test(test_cq_overrun),
		cmocka_unit_test(test_recv_cq_overrun),
		cmocka_unit_test(test_read_of_other_life),
		cmocka_unit_test(test_other_vlan),
	};

	return cmocka_run_group_tests_name("verbs", tests, NULL, NULL);
}
