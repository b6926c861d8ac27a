// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The UDP source port of RoCE packets, by which networks spread flows over
 * paths: one port for all packets of a flow, as any other order would break
 * go-back-N, and many for many flows.
 */
#include "peer.h"

#define QPS	16
#define LEN	5000

static const struct rc_attr v4, v6 = { .sgid = 1 };

/* All that the device has sent since, as from one port. */
static u16 port_of(struct peer *p, unsigned int npkts)
{
	struct peer_pkt pkt;
	unsigned int n = 0;
	u16 port = 0;

	while (peer_next(p, &pkt)) {
		if (n++)
			assert_int_equal(pkt.sport, port);
		port = pkt.sport;
	}
	assert_int_equal(n, npkts);
	assert_in_range(port, 0xc000, 0xffff);
	return port;
}

static void do_op(struct rc_qp *q, u8 op, u32 len)
{
	struct rc_op o = { .op = op, .wr_id = 1, .len = len,
			   .addr = rc_mem(q->dev, LEN), .raddr = 0x1000,
			   .rkey = 0x100 };

	rc_do(q, &o);
}

/* Requests of all lengths, acknowledgments and responses. */
static void one_flow(const struct rc_attr *at)
{
	struct peer *p = peer_make(TULLE_QP_RC, at);
	u8 ext[16], data[8] = { 0 };
	u16 port;

	do_op(&p->q, TULLE_WQE_SEND, 1);
	port = port_of(p, 1);
	do_op(&p->q, TULLE_WQE_WRITE, LEN);
	assert_int_equal(port_of(p, 5), port);
	peer_ack(p, 5);
	do_op(&p->q, TULLE_WQE_READ, LEN);
	assert_int_equal(port_of(p, 1), port);
	/* What nobody answers is sent again. */
	fake_advance(&p->rc->env, 100 * RC_MS);
	assert_int_equal(port_of(p, 1), port);
	rc_recv(&p->q, 2, rc_mem(p->dev, 64), 64);
	peer_send(p, ROCE_SEND_ONLY, 0, true, NULL, 0, data, 8, 0);
	assert_int_equal(port_of(p, 1), port);
	peer_reth(ext, rc_mem(p->dev, LEN), p->dev->key, LEN);
	peer_send(p, ROCE_READ, 1, true, ext, 16, NULL, 0, 0);
	assert_int_equal(port_of(p, 5), port);
	peer_free(p);
}

static void test_one_flow(void **state)
{
	(void)state;
	one_flow(&v4);
	one_flow(&v6);
}

/* The port of another QP, connected to @dest. */
static u16 port_with(struct peer *p, struct rc_qp *q, u32 dest, u32 label)
{
	struct rc_dev far = { .id = PEER_ID };
	struct rc_attr at = { .sgid = p->v6, .dest_qpn = dest };

	rc_av(&far, at.sgid, &at.av);
	at.av.flow = cpu_to_le32(label);
	rc_up(q, &at, TULLE_QPS_RTS);
	do_op(q, TULLE_WQE_SEND, 8);
	return port_of(p, 1);
}

static unsigned int distinct(const u16 *port, unsigned int n)
{
	unsigned int i, j, found = 0;

	for (i = 0; i < n; i++) {
		for (j = 0; j < i && port[j] != port[i]; j++)
			;
		found += j == i;
	}
	return found;
}

static void test_spread(void **state)
{
	struct peer *p = peer_make(TULLE_QP_RC, &v4);
	struct rc_qp q[3 * QPS];
	u16 port[3 * QPS];
	unsigned int i;

	(void)state;
	for (i = 0; i < 3 * QPS; i++)
		rc_qp_init(p->dev, &q[i], TULLE_QP_RC, 0, 0);
	/* Here they differ, or there, or at both ends. */
	for (i = 0; i < QPS; i++)
		port[i] = port_with(p, &q[i], PEER_QPN, 0);
	assert_true(distinct(port, QPS) >= QPS - 2);
	for (; i < 2 * QPS; i++)
		port[i] = port_with(p, &q[i], 0x11 + 3 * i, 0);
	for (; i < 3 * QPS; i++)
		port[i] = port_with(p, &q[i], q[i].qpn, 0);
	assert_true(distinct(port + QPS, QPS) >= QPS - 2);
	assert_true(distinct(port + 2 * QPS, QPS) >= QPS - 2);
	peer_free(p);
}

/* Both directions of a flow have one port, like those of Linux' own. */
static void test_both_ways(void **state)
{
	struct peer *p = peer_make(TULLE_QP_RC, &v4);
	struct rc_qp x, y;
	u16 port;

	(void)state;
	rc_qp_init(p->dev, &x, TULLE_QP_RC, 0, 0);
	rc_qp_init(p->dev, &y, TULLE_QP_RC, 0, 0);
	port = port_with(p, &x, y.qpn, 0);
	assert_int_equal(port_with(p, &y, x.qpn, 0), port);
	peer_free(p);
}

static void test_datagrams(void **state)
{
	struct peer *p = peer_make(TULLE_QP_UD, &v4);
	struct rc_dev far = { .id = PEER_ID };
	struct tulle_ud_seg seg;
	struct tulle_qp_wqe *wqe;
	u16 port[QPS];
	unsigned int i;

	(void)state;
	for (i = 0; i < QPS; i++) {
		wqe = rc_wqe(&p->q, TULLE_WQE_SEND, i, 2);
		seg = (struct tulle_ud_seg){
			.qpn = cpu_to_le32(PEER_QPN + i),
			.qkey = cpu_to_le32(RC_QKEY),
		};
		rc_av(&far, 0, &seg.av);
		memcpy(wqe + 1, &seg, sizeof(seg));
		rc_put(&p->q, wqe);
		rc_ring(&p->q);
		port[i] = port_of(p, 1);
	}
	assert_true(distinct(port, QPS) >= QPS - 2);
	peer_free(p);
}

/* A flow label alone decides, and is in the IPv6 header. */
static void test_flow_label(void **state)
{
	static const struct { u32 label; u16 port; } is[] = {
		{ 0x00001, 0xc001 }, { 0x03fff, 0xffff }, { 0x12345, 0xe341 },
		{ 0x40000, 0xc010 }, { 0xfffff, 0xffc0 },
	};
	struct rc_qp q[2 * NET_COUNT(is)];
	struct peer *p = peer_make(TULLE_QP_RC, &v6);
	unsigned int i;

	(void)state;
	for (i = 0; i < NET_COUNT(q); i++) {
		unsigned int n = i % NET_COUNT(is);
		struct peer_pkt pkt;

		rc_qp_init(p->dev, &q[i], TULLE_QP_RC, 0, 0);
		assert_int_equal(port_with(p, &q[i], PEER_QPN + i,
					   is[n].label), is[n].port);
		p->seen--;
		assert_true(peer_next(p, &pkt));
		assert_int_equal(pkt.label, is[n].label);
	}
	peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_flow),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_flow_label),
	};

	return cmocka_run_group_tests_name("sport", tests, NULL, NULL);
}
