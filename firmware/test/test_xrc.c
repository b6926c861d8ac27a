// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * XRC: one initiator, one target, two SRQs behind it; and SRQs of ordinary
 * queue pairs.
 */
#include "peer.h"

struct srq {
	u32			handle;
	u32			n;
	struct tulle_dbr	*dbr;
	u8			*ring;
	struct fake_queue	cq;
};

static void srq_make_of(struct rc_dev *dev, struct srq *s, u32 pd, u32 xrcd)
{
	u64 dbr = fake_mem(&dev->d, sizeof(struct tulle_dbr), 128), ring;
	struct tulle_srq_ctx ctx = {
		.pd = cpu_to_le32(pd),
		.dbr = cpu_to_le64(dbr),
		.log_size = 4,
		.log_wqe_size = 6,
		.xrcd = cpu_to_le32(xrcd),
		.flags = xrcd ? TULLE_SRQ_F_XRC : 0,
	};

	memset(s, 0, sizeof(*s));
	s->dbr = fake_ptr(&dev->d, dbr);
	ctx.pages = fake_pages(&dev->d, 64 << 4, &ring);
	s->ring = fake_ptr(&dev->d, ring);
	if (xrcd) {
		OK(fake_cq_create(&dev->d, &s->cq, dev->eq.handle, 6, 6, 0, 0));
		ctx.cq = cpu_to_le32(s->cq.handle);
	}
	s->handle = fake_create(&dev->d, TULLE_CMD_CREATE_SRQ, &ctx,
				sizeof(ctx), NULL);
	assert_int_not_equal(s->handle, 0);
}

static void srq_make(struct rc_dev *dev, struct srq *s, u32 xrcd)
{
	srq_make_of(dev, s, dev->pd, xrcd);
}

static void srq_post(struct rc_dev *dev, struct srq *s, u64 wr_id, u64 addr,
		     u32 len)
{
	struct tulle_rq_wqe *wqe = (void *)(s->ring + (s->n & 15) * 64);

	memset(wqe, 0, 64);
	wqe->wr_id = cpu_to_le64(wr_id);
	wqe->nsge = 1;
	wqe->sge[0] = rc_sge(dev, addr, len);
	s->dbr->pi = cpu_to_le32(++s->n);
	fake_kick(&dev->d, TULLE_UAR_SRQ, s->handle);
}

static void run_xrc(unsigned int n)
{
	struct rc *rc = rc_create(n);
	struct rc_dev *from = &rc->dev[0], *to = &rc->dev[n - 1];
	u32 xrcd = fake_create(&to->d, TULLE_CMD_CREATE_XRCD, NULL, 0, NULL);
	u32 other = fake_create(&to->d, TULLE_CMD_CREATE_XRCD, NULL, 0, NULL);
	struct rc_qp ini, tgt;
	struct srq s[3];
	struct rc_op o = { .len = 5000 };
	u64 dst;
	u32 i;

	rc_qp_init(from, &ini, TULLE_QP_XRC_INI, 0, 0);
	rc_qp_init(to, &tgt, TULLE_QP_XRC_TGT, 0, xrcd);
	rc_connect(&ini, &tgt, NULL);
	srq_make(to, &s[0], xrcd);
	srq_make(to, &s[1], xrcd);
	srq_make(to, &s[2], other);
	o.addr = rc_fill(from, 5000, 3);
	dst = rc_mem(to, 5000);
	o.rkey = to->key;
	o.raddr = dst;
	for (i = 0; i < 6; i++) {
		struct tulle_rdma_cqe *cqe;

		o.op = TULLE_WQE_SEND;
		o.wr_id = i;
		o.srqn = s[i & 1].handle & TULLE_HANDLE_INDEX;
		memset(fake_ptr(&to->d, dst), 0, 5000);
		srq_post(to, &s[i & 1], 100 + i, dst, 5000);
		rc_do(&ini, &o);
		rc_expect(&ini.scq, i, 0);
		cqe = rc_expect(&s[i & 1].cq, 100 + i, 0);
		assert_int_equal(le32_get_bits(cqe->qn_op, TULLE_CQE_QN),
				 tgt.qpn);
		rc_same(from, o.addr, to, dst, 5000);
		o.op = i & 1 ? TULLE_WQE_WRITE : TULLE_WQE_READ;
		rc_do(&ini, &o);
		rc_expect(&ini.scq, i, 0);
	}
	/* An SRQ of another domain */
	o.op = TULLE_WQE_SEND;
	o.srqn = s[2].handle & TULLE_HANDLE_INDEX;
	srq_post(to, &s[2], 7, dst, 5000);
	rc_do(&ini, &o);
	rc_expect(&ini.scq, o.wr_id, TULLE_WC_REM_INV_REQ);
	assert_null(rc_poll(&s[2].cq));
	assert_int_equal(tgt.qp->state, TULLE_QPS_ERR);
	rc_destroy(rc);
}

static void test_xrc(void **state)
{
	(void)state;
	run_xrc(1);
	run_xrc(2);
}

/* An initiator of the same function that the target is not connected to. */
static void test_foreign(void **state)
{
	struct rc_attr at = { .timeout = 8, .retry_cnt = 2 };
	struct rc *rc = rc_create(1);
	struct rc_dev *dev = &rc->dev[0];
	u32 xrcd = fake_create(&dev->d, TULLE_CMD_CREATE_XRCD, NULL, 0, NULL);
	struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 1, .len = 100 };
	struct rc_qp ini, tgt, x;
	struct srq s;
	u64 dst;

	(void)state;
	rc_qp_init(dev, &ini, TULLE_QP_XRC_INI, 0, 0);
	rc_qp_init(dev, &x, TULLE_QP_XRC_INI, 0, 0);
	rc_qp_init(dev, &tgt, TULLE_QP_XRC_TGT, 0, xrcd);
	rc_connect(&ini, &tgt, NULL);
	at.dest_qpn = tgt.qpn;
	rc_av(dev, 0, &at.av);
	rc_up(&x, &at, TULLE_QPS_RTS);
	srq_make(dev, &s, xrcd);
	o.addr = rc_fill(dev, 100, 3);
	dst = rc_mem(dev, 100);
	srq_post(dev, &s, 5, dst, 100);
	o.srqn = (s.handle & TULLE_HANDLE_INDEX) + 1;	/* none */
	rc_do(&x, &o);
	fake_advance(&rc->env, 50 * RC_MS);
	rc_expect(&x.scq, 1, TULLE_WC_RETRY_EXC);
	assert_int_equal(dev->f->rdma->stats.bad_source, 3);
	assert_int_equal(tgt.qp->state, TULLE_QPS_RTS);
	assert_null(rc_poll(&s.cq));
	o.srqn = s.handle & TULLE_HANDLE_INDEX;
	/* By packets, and without */
	tgt.qp->attr.path_mtu = 11;
	rc_do(&ini, &o);
	rc_expect(&ini.scq, 1, 0);
	rc_expect(&s.cq, 5, 0);
	assert_int_equal(dev->f->rdma->stats.loopback_messages, 0);
	tgt.qp->attr.path_mtu = 10;
	srq_post(dev, &s, 6, dst, 100);
	rc_do(&ini, &o);
	rc_expect(&ini.scq, 1, 0);
	rc_expect(&s.cq, 6, 0);
	assert_int_equal(dev->f->rdma->stats.loopback_messages, 1);
	rc_destroy(rc);
}

static u32 xrc_reth(u8 *ext, const struct srq *s, u64 va, u32 rkey, u32 len)
{
	tfw_put32(ext, s->handle & TULLE_HANDLE_INDEX);
	return 4 + peer_reth(ext + 4, va, rkey, len);
}

/* A READ is judged by its own SRQ's PD, whatever came after it. */
static void test_read_of_its_pd(void **state)
{
	struct tulle_pd_ctx ctx = { 0 };
	struct rc_dev far = { .id = PEER_ID };
	struct rc_attr at = { .dest_qpn = PEER_QPN };
	struct peer p = { .rc = rc_create(1) };
	struct peer_pkt pkt;
	struct srq own, other;
	u32 xrcd, pd, len;
	u8 ext[20];
	u64 src;

	(void)state;
	p.dev = &p.rc->dev[0];
	xrcd = fake_create(&p.dev->d, TULLE_CMD_CREATE_XRCD, NULL, 0, NULL);
	pd = fake_create(&p.dev->d, TULLE_CMD_CREATE_PD, &ctx, sizeof(ctx),
			 NULL);
	rc_av(&far, 0, &at.av);
	rc_qp_init(p.dev, &p.q, TULLE_QP_XRC_TGT, 0, xrcd);
	rc_up(&p.q, &at, TULLE_QPS_RTS);
	srq_make(p.dev, &own, xrcd);
	srq_make_of(p.dev, &other, pd, xrcd);
	src = rc_fill(p.dev, 3000, 1);
	p.dev->d.tx_full = true;
	len = xrc_reth(ext, &own, src, p.dev->key, 3000);
	peer_send(&p, 0xac, 0, true, ext, len, NULL, 0, 0);
	/* An empty WRITE */
	len = xrc_reth(ext, &other, 0, 0, 0);
	peer_send(&p, 0xaa, 3, true, ext, len, NULL, 0, 0);
	peer_expect_none(&p);
	p.dev->d.tx_full = false;
	tfw_port_tx_ready(p.dev->d.dev);
	fake_run(&p.rc->env);
	peer_expect(&p, &pkt, 0xad, 0);
	peer_expect(&p, &pkt, 0xae, 1);
	assert_memory_equal(pkt.ext, (u8 *)fake_ptr(&p.dev->d, src) + 1024,
			    1024);
	peer_expect(&p, &pkt, 0xaf, 2);
	peer_expect(&p, &pkt, 0xb1, 3);
	assert_int_equal(pkt.ext[0], 0x1f);
	/* The other PD has no such key. */
	len = xrc_reth(ext, &other, src, p.dev->key, 3000);
	peer_send(&p, 0xac, 4, true, ext, len, NULL, 0, 0);
	peer_expect(&p, &pkt, 0xb1, 4);
	assert_int_equal(pkt.ext[0], 0x62);
	rc_destroy(p.rc);
}

/*
 * Its sender's memory fails when a message has its receive WQE already; then the
 * sender is connected anew, and sends to another SRQ.
 */
static void srq_changed(u8 op)
{
	struct rc *rc = rc_create(1);
	struct rc_dev *dev = &rc->dev[0];
	u32 xrcd = fake_create(&dev->d, TULLE_CMD_CREATE_XRCD, NULL, 0, NULL);
	struct rc_attr at = { 0 };
	struct rc_op o = { .op = op, .wr_id = 1, .len = 64, .rkey = dev->key,
			   .addr = FAKE_BASE + FAKE_MEM - 8 };
	struct rc_qp ini, tgt;
	struct srq s[2];
	u32 i;

	rc_qp_init(dev, &ini, TULLE_QP_XRC_INI, 0, 0);
	rc_qp_init(dev, &tgt, TULLE_QP_XRC_TGT, 0, xrcd);
	rc_connect(&ini, &tgt, NULL);
	o.raddr = rc_mem(dev, 64);
	for (i = 0; i < 2; i++) {
		srq_make(dev, &s[i], xrcd);
		srq_post(dev, &s[i], 100 + i, rc_mem(dev, 64), 64);
	}
	o.srqn = s[0].handle & TULLE_HANDLE_INDEX;
	rc_do(&ini, &o);
	rc_expect(&ini.scq, 1, TULLE_WC_LOC_PROT);
	assert_int_equal(tgt.qp->state, TULLE_QPS_RTS);
	rc_to_state(&ini, TULLE_QPS_RESET);
	ini.pi = 0;
	ini.dbr->pi = 0;
	at.dest_qpn = tgt.qpn;
	rc_av(dev, 0, &at.av);
	rc_up(&ini, &at, TULLE_QPS_RTS);
	o.srqn = s[1].handle & TULLE_HANDLE_INDEX;
	o.addr = rc_fill(dev, 64, 3);
	rc_do(&ini, &o);
	rc_expect(&ini.scq, 1, 0);
	rc_expect(&s[1].cq, 101, 0);
	rc_expect(&s[0].cq, 100, TULLE_WC_WR_FLUSH);
	assert_null(rc_poll(&s[0].cq));
	assert_null(rc_poll(&s[1].cq));
	rc_destroy(rc);
}

static void test_srq_changed(void **state)
{
	(void)state;
	srq_changed(TULLE_WQE_SEND);
	srq_changed(TULLE_WQE_WRITE_IMM);
}

/* What a SEND may invalidate is of the PD of the SRQ that it names. */
static void test_invalidate(void **state)
{
	struct tulle_mkey_ctx ctx = { .type = TULLE_MKEY_FRWR,
				      .max_pages = cpu_to_le32(4) };
	struct rc_dev far = { .id = PEER_ID };
	struct rc_attr at = { .dest_qpn = PEER_QPN };
	struct peer p = { .rc = rc_create(1) };
	struct tulle_pd_ctx pd = { 0 };
	struct tfw_mkey *k[2];
	struct peer_pkt pkt;
	struct srq s;
	u32 xrcd, i, h;
	u8 ext[8];

	(void)state;
	p.dev = &p.rc->dev[0];
	xrcd = fake_create(&p.dev->d, TULLE_CMD_CREATE_XRCD, NULL, 0, NULL);
	rc_av(&far, 0, &at.av);
	rc_qp_init(p.dev, &p.q, TULLE_QP_XRC_TGT, 0, xrcd);
	rc_up(&p.q, &at, TULLE_QPS_RTS);
	srq_make(p.dev, &s, xrcd);
	for (i = 0; i < 2; i++) {
		ctx.pd = cpu_to_le32(i ? fake_create(&p.dev->d,
						     TULLE_CMD_CREATE_PD, &pd,
						     sizeof(pd), NULL) :
					 p.dev->pd);
		h = fake_create(&p.dev->d, TULLE_CMD_CREATE_MKEY, &ctx,
				sizeof(ctx), NULL);
		k[i] = tfw_obj_find(p.dev->f, TULLE_OBJ_MKEY, h);
		k[i]->state = TULLE_MKEY_VALID;
		k[i]->access = TULLE_MKEY_REMOTE_WRITE;
		srq_post(p.dev, &s, i, rc_mem(p.dev, 8), 8);
		tfw_put32(ext, s.handle & TULLE_HANDLE_INDEX);
		tfw_put32(ext + 4, TULLE_KEY(h));
		peer_send(&p, 0xb7, i, true, ext, 8, "12345678", 8, 0);
		peer_expect(&p, &pkt, 0xb1, i);
		assert_int_equal(pkt.ext[0], i ? 0x62 : 0x1f);
		rc_expect(&s.cq, i, i ? TULLE_WC_LOC_PROT : 0);
	}
	assert_int_equal(k[0]->state, TULLE_MKEY_FREE);
	assert_int_equal(k[1]->state, TULLE_MKEY_VALID);
	rc_destroy(p.rc);
}

/* Two QPs, one SRQ: strict order of its ring; the last WQE is told. */
static void test_srq(void **state)
{
	struct rc *rc = rc_create(2);
	struct rc_dev *from = &rc->dev[0], *to = &rc->dev[1];
	struct rc_qp a[2], b[2];
	struct rc_op o = { .op = TULLE_WQE_SEND, .len = 3000 };
	struct srq s;
	u64 dst[4];
	u32 i;

	(void)state;
	srq_make(to, &s, 0);
	for (i = 0; i < 2; i++) {
		rc_qp_init(from, &a[i], TULLE_QP_RC, 0, 0);
		rc_qp_init(to, &b[i], TULLE_QP_RC, s.handle, 0);
		rc_connect(&a[i], &b[i], NULL);
	}
	o.addr = rc_fill(from, 3000, 3);
	for (i = 0; i < 4; i++) {
		dst[i] = rc_mem(to, 3000);
		srq_post(to, &s, i, dst[i], 3000);
	}
	for (i = 0; i < 4; i++) {
		o.wr_id = i;
		rc_do(&a[i & 1], &o);
		rc_expect(&b[i & 1].rcq, i, 0);
		rc_expect(&a[i & 1].scq, i, 0);
		rc_same(from, o.addr, to, dst[i], 3000);
	}
	rc_events_drop(to);
	rc_to_state(&b[0], TULLE_QPS_ERR);
	assert_int_equal(rc_event(to), TULLE_QP_EVENT_LAST_WQE);
	assert_int_equal(rc_event(to), -1);
	rc_destroy(rc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xrc),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_read_of_its_pd),
		cmocka_unit_test(test_srq_changed),
		cmocka_unit_test(test_invalidate),
		cmocka_unit_test(test_srq),
	};

	return cmocka_run_group_tests_name("xrc", tests, NULL, NULL);
}
