// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Datagrams: UD and GSI queue pairs, between devices, within one, to groups;
 * and what is dropped.
 */
#include "peer.h"

#define ROOM	(TULLE_GRH_LEN + 4096)

static void ud_make(struct rc_dev *dev, struct rc_qp *q, u8 type)
{
	static const struct rc_attr none;

	rc_qp_init(dev, q, type, 0, 0);
	rc_up(q, &none, TULLE_QPS_RTS);
}

static void ud_send(struct rc_qp *q, const struct tulle_av *av, u32 qpn,
		    u32 qkey, u64 addr, u32 len, u8 op)
{
	struct tulle_qp_wqe *wqe = rc_wqe(q, op, 1, 2);
	struct tulle_ud_seg seg = { cpu_to_le32(qpn), cpu_to_le32(qkey), *av };
	struct tulle_sge sge = rc_sge(q->dev, addr, len);

	if (op == TULLE_WQE_SEND_IMM)
		wqe->ctrl.imm = cpu_to_le32(0x44332211);
	wqe->ctrl.total_len = cpu_to_le32(len);
	wqe->ctrl.nsge = len ? 1 : 0;
	memcpy(wqe + 1, &seg, sizeof(seg));
	memcpy((u8 *)(wqe + 1) + sizeof(seg), &sge, sizeof(sge));
	rc_put(q, wqe);
	rc_ring(q);
}

static const struct tulle_rdma_cqe_ext *ext_of(const struct tulle_rdma_cqe *cqe)
{
	return (const void *)((const u8 *)cqe -
			      sizeof(struct tulle_rdma_cqe_ext));
}

static u32 flags_of(const struct tulle_rdma_cqe *cqe)
{
	return le32_to_cpu(cqe->src_flags) & ~TULLE_WC_SRC_QP;
}

static void one_way(unsigned int n, u16 sgid, u8 type)
{
	struct rc *rc = rc_create(n);
	struct rc_dev *to = &rc->dev[n - 1], *from = &rc->dev[0];
	const struct tulle_rdma_cqe *cqe;
	struct tulle_av av;
	struct rc_qp a, b;
	u64 buf, src = rc_fill(from, 4096, 5);
	u32 qkey = type == TULLE_QP_GSI ? 0x80010000 : RC_QKEY, want;
	u8 mac[6], *grh;

	if (n == 1 && type == TULLE_QP_GSI) {
		ud_make(from, &a, TULLE_QP_UD);
		ud_make(to, &b, type);
	} else {
		ud_make(from, &a, type);
		ud_make(to, &b, type);
	}
	if (n == 1 && type == TULLE_QP_GSI) {
		struct tulle_qp_attr at = { .qkey = cpu_to_le32(0x80010000) };

		OK(rc_modify(&a, TULLE_QP_MOD_QKEY, &at));
		qkey = 0x80000000;	/* the QP's own */
	}
	buf = rc_mem(to, ROOM);
	rc_recv(&b, 9, buf, ROOM);
	rc_av(to, sgid, &av);
	ud_send(&a, &av, type == TULLE_QP_GSI ? 1 : b.qpn, qkey, src, 4000,
		TULLE_WQE_SEND_IMM);
	rc_expect(&a.scq, 1, 0);
	cqe = rc_expect(&b.rcq, 9, 0);
	assert_int_equal(le32_to_cpu(cqe->byte_len), 4000 + TULLE_GRH_LEN);
	assert_int_equal(le32_get_bits(cqe->src_flags, TULLE_WC_SRC_QP),
			 type == TULLE_QP_GSI && n == 2 ? 1 : a.qpn);
	want = TULLE_WC_F_GRH | TULLE_WC_F_IMM;
	if (!sgid)
		want |= TULLE_WC_F_IPV4;
	if (sgid == 2)
		want |= TULLE_WC_F_VLAN;
	assert_int_equal(flags_of(cqe), want);
	assert_int_equal(cqe->sl, sgid == 2 ? 3 : 0);
	assert_memory_equal(&cqe->imm, "\x11\x22\x33\x44", 4);
	rc_mac(0, mac);
	assert_memory_equal(ext_of(cqe)->smac, mac, 6);
	rc_same(from, src, to, buf + TULLE_GRH_LEN, 4000);
	grh = fake_ptr(&to->d, buf);
	assert_int_equal(grh[sgid ? 0 : 20] >> 4, sgid ? 6 : 4);
	rc_destroy(rc);
}

static void test_cable(void **state)
{
	u16 sgid;

	(void)state;
	for (sgid = 0; sgid < 3; sgid++)
		one_way(2, sgid, TULLE_QP_UD);
	one_way(2, 1, TULLE_QP_GSI);
}

static void test_same_function(void **state)
{
	u16 sgid;

	(void)state;
	for (sgid = 0; sgid < 3; sgid++)
		one_way(1, sgid, TULLE_QP_UD);
	one_way(1, 0, TULLE_QP_GSI);
}

static void test_drops(void **state)
{
	struct rc *rc = rc_create(2);
	struct rc_dev *from = &rc->dev[0], *to = &rc->dev[1];
	struct tfw_rdma_stats *st = &to->f->rdma->stats;
	struct tulle_av av;
	struct rc_qp a, b;
	u64 buf, src = rc_fill(from, 4096, 5);

	(void)state;
	ud_make(from, &a, TULLE_QP_UD);
	ud_make(to, &b, TULLE_QP_UD);
	buf = rc_mem(to, ROOM);
	rc_av(to, 0, &av);
	/* nothing to receive into */
	ud_send(&a, &av, b.qpn, RC_QKEY, src, 8, TULLE_WQE_SEND);
	assert_int_equal(st->ud_drops, 1);
	/* too long for it: it waits for another one */
	rc_recv(&b, 1, buf, TULLE_GRH_LEN + 100);
	ud_send(&a, &av, b.qpn, RC_QKEY, src, 101, TULLE_WQE_SEND);
	assert_int_equal(st->ud_drops, 2);
	assert_null(rc_poll(&b.rcq));
	/* another key, another QP, another tag */
	ud_send(&a, &av, b.qpn, RC_QKEY + 1, src, 8, TULLE_WQE_SEND);
	assert_int_equal(st->bad_key, 1);
	ud_send(&a, &av, b.qpn + 77, RC_QKEY, src, 8, TULLE_WQE_SEND);
	assert_int_equal(st->no_qp, 1);
	av.flow = cpu_to_le32(TULLE_AV_F_VLAN);
	av.vlan = cpu_to_le16(99);
	ud_send(&a, &av, b.qpn, RC_QKEY, src, 8, TULLE_WQE_SEND);
	assert_null(rc_poll(&b.rcq));
	rc_av(to, 0, &av);
	ud_send(&a, &av, b.qpn, RC_QKEY, src, 100, TULLE_WQE_SEND);
	rc_expect(&b.rcq, 1, 0);
	rc_destroy(rc);
}

static void test_send_errors(void **state)
{
	struct rc *rc = rc_create(2);
	struct rc_dev *from = &rc->dev[0];
	u64 src = rc_fill(from, 8192, 5);
	struct tulle_av av;
	struct rc_qp a;

	(void)state;
	ud_make(from, &a, TULLE_QP_UD);
	rc_av(&rc->dev[1], 0, &av);
	ud_send(&a, &av, 2, RC_QKEY, src, 4097, TULLE_WQE_SEND);
	rc_expect(&a.scq, 1, TULLE_WC_LOC_LEN);
	/* The SQ alone has stopped: it flushes, and can be set going again. */
	assert_int_equal(a.qp->state, TULLE_QPS_SQE);
	ud_send(&a, &av, 2, RC_QKEY, src, 8, TULLE_WQE_SEND);
	rc_expect(&a.scq, 1, TULLE_WC_WR_FLUSH);
	rc_to_state(&a, TULLE_QPS_RTS);
	ud_send(&a, &av, 2, RC_QKEY, src, 8, TULLE_WQE_SEND);
	rc_expect(&a.scq, 1, 0);
	av.sgid = cpu_to_le16(200);
	ud_send(&a, &av, 2, RC_QKEY, src, 8, TULLE_WQE_SEND);
	rc_expect(&a.scq, 1, TULLE_WC_LOC_QP_OP);
	rc_to_state(&a, TULLE_QPS_RTS);
	av.sgid = 0;
	ud_send(&a, &av, 2, RC_QKEY, FAKE_BASE + FAKE_MEM - 4, 8,
		TULLE_WQE_SEND);
	rc_expect(&a.scq, 1, TULLE_WC_LOC_PROT);
	rc_destroy(rc);
}

/* What the MTU of the network permits, and not one byte more. */
static void test_mtu(void **state)
{
	static const struct { u32 mtu; u32 len; } is[] = {
		{ 68, 256 }, { 576, 256 }, { 607, 256 }, { 608, 512 },
		{ 1500, 1024 }, { 2143, 1024 }, { 2144, 2048 }, { 2200, 2048 },
		{ 4191, 2048 }, { 4192, 4096 }, { 4200, 4096 }, { 9600, 4096 },
	};
	struct tulle_modify_port port = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_MAX_FRAME),
	};
	struct rc *rc = rc_create(2);
	struct rc_dev *from = &rc->dev[0], *to = &rc->dev[1];
	u64 src = rc_fill(from, 8192, 5), buf = rc_mem(to, ROOM);
	struct rc_qp a, b, self;
	struct tulle_av av, own;
	unsigned int i;

	(void)state;
	ud_make(from, &a, TULLE_QP_UD);
	ud_make(from, &self, TULLE_QP_UD);
	ud_make(to, &b, TULLE_QP_UD);
	rc_av(to, 1, &av);
	rc_av(from, 1, &own);
	for (i = 0; i < NET_COUNT(is); i++) {
		port.max_frame = cpu_to_le32(is[i].mtu + 14 + 8);
		OK(fake_cmd(&from->d, TULLE_CMD_MODIFY_PORT, &port,
			    sizeof(port), NULL, 0));
		ud_send(&a, &av, b.qpn, RC_QKEY, src, is[i].len + 1,
			TULLE_WQE_SEND);
		rc_expect(&a.scq, 1, TULLE_WC_LOC_LEN);
		rc_to_state(&a, TULLE_QPS_RTS);
		/* The way to itself is no wider. */
		ud_send(&self, &own, a.qpn, RC_QKEY, src, is[i].len + 1,
			TULLE_WQE_SEND);
		rc_expect(&self.scq, 1, TULLE_WC_LOC_LEN);
		rc_to_state(&self, TULLE_QPS_RTS);
		assert_null(rc_poll(&a.rcq));
		/* Below the least that RoCE needs the wire takes nothing. */
		if (is[i].mtu < 352)
			continue;
		memset(fake_ptr(&to->d, buf), 0, ROOM);
		rc_recv(&b, i, buf, ROOM);
		ud_send(&a, &av, b.qpn, RC_QKEY, src, is[i].len,
			TULLE_WQE_SEND_IMM);
		rc_expect(&a.scq, 1, 0);
		rc_expect(&b.rcq, i, 0);
		rc_same(from, src, to, buf + TULLE_GRH_LEN, is[i].len);
	}
	rc_destroy(rc);
}

static void join(struct rc_qp *q, const u8 *gid)
{
	struct tulle_mcast req = { .qp = cpu_to_le32(q->handle) };

	memcpy(req.gid, gid, 16);
	OK(fake_cmd(&q->dev->d, TULLE_CMD_ATTACH_MCAST, &req, sizeof(req),
		    NULL, 0));
}

/* To members on both ends; the sender hears itself unless it does not want. */
static void test_multicast(void **state)
{
	struct rc *rc = rc_create(2);
	struct tulle_av av = { .hop_limit = 1,
		.dgid = { [10] = 0xff, [11] = 0xff, 239, 1, 2, 3 },
		.dmac = { 1, 0, 0x5e, 1, 2, 3 } };
	struct rc_qp q[4];
	u64 buf[4], src = rc_fill(&rc->dev[0], 64, 5);
	u32 i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct rc_dev *dev = &rc->dev[i / 2];

		ud_make(dev, &q[i], TULLE_QP_UD);
		buf[i] = rc_mem(dev, ROOM);
		rc_recv(&q[i], i, buf[i], ROOM);
	}
	for (i = 0; i < 3; i++)
		join(&q[i], av.dgid);
	ud_send(&q[0], &av, TULLE_QPN_MCAST, RC_QKEY, src, 64, TULLE_WQE_SEND);
	for (i = 0; i < 3; i++) {
		rc_expect(&q[i].rcq, i, 0);
		rc_same(&rc->dev[0], src, q[i].dev, buf[i] + TULLE_GRH_LEN, 64);
		rc_recv(&q[i], i, buf[i], ROOM);
	}
	assert_null(rc_poll(&q[3].rcq));
	q[0].qp->flags |= TULLE_QP_F_NO_LOOPBACK;
	ud_send(&q[0], &av, TULLE_QPN_MCAST, RC_QKEY, src, 64, TULLE_WQE_SEND);
	assert_null(rc_poll(&q[0].rcq));
	rc_expect(&q[1].rcq, 1, 0);
	rc_expect(&q[2].rcq, 2, 0);
	rc_destroy(rc);
}

/* Copies for a group's members here cost as much as what leaves. */
static void test_multicast_cost(void **state)
{
	struct rc *rc = rc_create(1);
	struct tulle_av av = { .hop_limit = 1,
		.dgid = { [10] = 0xff, [11] = 0xff, 239, 1, 2, 3 },
		.dmac = { 1, 0, 0x5e, 1, 2, 3 } };
	u64 src = rc_fill(&rc->dev[0], 1000, 5);
	struct tfw_budget budget;
	struct rc_qp q[5];
	u32 i;

	(void)state;
	for (i = 0; i < 5; i++) {
		ud_make(&rc->dev[0], &q[i], TULLE_QP_UD);
		join(&q[i], av.dgid);
		rc_recv(&q[i], i, rc_mem(q[i].dev, ROOM), ROOM);
	}
	q[0].qp->flags |= TULLE_QP_F_NO_LOOPBACK;
	rc_to_state(&q[4], TULLE_QPS_ERR);
	rc->dev[0].d.tx_full = true;
	ud_send(&q[0], &av, TULLE_QPN_MCAST, RC_QKEY, src, 1000,
		TULLE_WQE_SEND);
	for (i = 1; i < 4; i++)
		rc_expect(&q[i].rcq, i, 0);
	ud_send(&q[0], &av, TULLE_QPN_MCAST, RC_QKEY, src, 1000,
		TULLE_WQE_SEND);
	rc->dev[0].d.tx_full = false;
	tfw_port_tx_ready(rc->dev[0].d.dev);
	budget.bytes = 100000;
	tfw_requester_run(&q[0].qp->work, &budget);
	assert_int_equal(budget.bytes, 100000 - 4 * 1000);
	rc_destroy(rc);
}

/* What the SQ held when it was set going again is flushed all the same. */
static void test_flush_before_rts(void **state)
{
	struct rc *rc = rc_create(2);
	struct tulle_av av;
	struct rc_qp a;
	u64 src = rc_fill(&rc->dev[0], 64, 5);
	u32 i;

	(void)state;
	ud_make(&rc->dev[0], &a, TULLE_QP_UD);
	rc_av(&rc->dev[1], 0, &av);
	tfw_qp_sq_error(a.qp);
	tfw_work_cancel(&a.qp->work);
	for (i = 0; i < 5; i++) {
		struct tulle_qp_wqe *wqe = rc_wqe(&a, TULLE_WQE_SEND, i, 2);

		rc_put(&a, wqe);
	}
	tfw_work_cancel(&a.qp->work);
	rc_to_state(&a, TULLE_QPS_RTS);
	ud_send(&a, &av, 2, RC_QKEY, src, 8, TULLE_WQE_SEND);
	for (i = 0; i < 5; i++)
		rc_expect(&a.scq, i, TULLE_WC_WR_FLUSH);
	rc_expect(&a.scq, 1, 0);
	assert_int_equal(a.qp->state, TULLE_QPS_RTS);
	rc_destroy(rc);
}

/* Nonsense is worse than an error: the RQ ends as well. */
static void test_malformed(void **state)
{
	struct rc *rc = rc_create(1);
	struct tulle_qp_wqe *wqe;
	struct rc_qp a;
	u8 s;

	(void)state;
	ud_make(&rc->dev[0], &a, TULLE_QP_UD);
	for (s = TULLE_QPS_RTS; s <= TULLE_QPS_SQE; s += 2) {
		if (s == TULLE_QPS_SQE)
			tfw_qp_sq_error(a.qp);
		assert_int_equal(a.qp->state, s);
		wqe = rc_wqe(&a, TULLE_WQE_SEND, 7, 2);
		rc_put(&a, wqe);
		wqe->ctrl.nblocks = 0;
		rc_ring(&a);
		rc_expect(&a.scq, 7, TULLE_WC_LOC_QP_OP);
		assert_null(rc_poll(&a.scq));
		assert_int_equal(a.qp->state, TULLE_QPS_ERR);
		rc_to_state(&a, TULLE_QPS_RESET);
		a.pi = 0;
		a.dbr->pi = 0;
		rc_up(&a, &(struct rc_attr){ 0 }, TULLE_QPS_RTS);
	}
	rc_destroy(rc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cable),
		cmocka_unit_test(test_same_function),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_send_errors),
		cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_multicast),
		cmocka_unit_test(test_multicast_cost),
		cmocka_unit_test(test_flush_before_rts),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests_name("ud", tests, NULL, NULL);
}
