// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Raw packet queue pairs: frames out, frames in by a steering rule.
 */
#include "rc.h"

/* Everything that reaches the function goes to @q. */
static void take_all(struct rc_qp *q)
{
	struct tulle_query_vport qv = { 0 };
	struct tulle_vport_info info;
	struct tulle_mask_ctx mask = { 0 };
	struct {
		struct tulle_add_rules	head;
		struct tulle_rule	rule;
	} req = { .head.count = cpu_to_le32(1), .rule = { .nactions = 1 } };
	struct tulle_rules_rsp rsp;

	OK(fake_cmd(&q->dev->d, TULLE_CMD_QUERY_VPORT, &qv, sizeof(qv), &info,
		    sizeof(info)));
	mask.table = info.rx_root;
	req.head.table = info.rx_root;
	req.rule.mask = cpu_to_le32(fake_create(&q->dev->d,
						TULLE_CMD_CREATE_MASK, &mask,
						sizeof(mask), NULL));
	req.rule.id = cpu_to_le32(1);
	req.rule.actions[0].type = TULLE_ACTION_QP;
	req.rule.actions[0].arg = cpu_to_le32(q->handle);
	OK(fake_cmd(&q->dev->d, TULLE_CMD_ADD_RULES, &req, sizeof(req), &rsp,
		    sizeof(rsp)));
}

static void test_frames(void **state)
{
	static const struct rc_attr none;
	struct rc *rc = rc_create(2);
	struct rc_qp a, b;
	struct net_spec spec = { .udp = true, .sport = 5, .dport = 6,
				 .payload = 500 };
	struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = 1 };
	struct tulle_rdma_cqe *cqe;
	static u8 frame[2048];
	u64 dst;

	(void)state;
	rc_qp_init(&rc->dev[0], &a, TULLE_QP_RAW, 0, 0);
	rc_qp_init(&rc->dev[1], &b, TULLE_QP_RAW, 0, 0);
	rc_up(&a, &none, TULLE_QPS_RTS);
	rc_up(&b, &none, TULLE_QPS_RTS);
	take_all(&b);
	o.len = net_make(&spec, frame);
	o.addr = rc_mem(a.dev, o.len);
	memcpy(fake_ptr(&a.dev->d, o.addr), frame, o.len);
	dst = rc_mem(b.dev, 2048);
	/* nothing to receive into; then too short */
	rc_do(&a, &o);
	rc_expect(&a.scq, 1, 0);
	rc_recv(&b, 2, dst, 100);
	rc_do(&a, &o);
	rc_expect(&a.scq, 1, 0);
	assert_null(rc_poll(&b.rcq));
	assert_int_equal(b.dev->f->rdma->stats.ud_drops, 2);
	rc_to_state(&b, TULLE_QPS_ERR);
	rc_expect(&b.rcq, 2, TULLE_WC_WR_FLUSH);
	rc_to_state(&b, TULLE_QPS_RESET);
	b.rq_pi = 0;
	b.dbr->rq_pi = 0;
	rc_up(&b, &none, TULLE_QPS_RTS);
	rc_recv(&b, 3, dst, 2048);
	rc_do(&a, &o);
	rc_expect(&a.scq, 1, 0);
	cqe = rc_expect(&b.rcq, 3, 0);
	assert_int_equal(le32_to_cpu(cqe->byte_len), o.len);
	assert_true(le32_to_cpu(cqe->src_flags) & TULLE_WC_F_CSUM);
	rc_same(a.dev, o.addr, b.dev, dst, o.len);
	/* A wrong sum is not called good. */
	((u8 *)fake_ptr(&a.dev->d, o.addr))[100] ^= 1;
	rc_recv(&b, 4, dst, 2048);
	rc_do(&a, &o);
	rc_expect(&a.scq, 1, 0);
	cqe = rc_expect(&b.rcq, 4, 0);
	assert_false(le32_to_cpu(cqe->src_flags) & TULLE_WC_F_CSUM);
	/* Too short to be a frame. */
	o.len = 13;
	rc_do(&a, &o);
	rc_expect(&a.scq, 1, TULLE_WC_LOC_LEN);
	assert_int_equal(a.qp->state, TULLE_QPS_SQE);
	rc_destroy(rc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests_name("raw", tests, NULL, NULL);
}
