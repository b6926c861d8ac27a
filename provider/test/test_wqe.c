// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Send WQEs, byte for byte, of both ways to post. */
#include "wqe.h"

static void test_send(void **state)
{
	struct env t = env_new(IBV_QPT_RC, ALL_RC);
	struct ibv_send_wr wr;
	uint8_t e[128] = {};

	(void)state;
	/* 24 + 3 * 16 = 72: two blocks; flags: CQE, SOLICITED, FENCE */
	exp_ctrl(e, SEND, 0x01 | 0x04 | 0x08, 2, 3, 0, 0, 0, SGE_TOTAL);
	exp_sges(e, 24);
	wr = wr_of(IBV_WR_SEND, IBV_SEND_SIGNALED | IBV_SEND_SOLICITED |
		   IBV_SEND_FENCE);
	post_check(t.qp, &wr, e, 72, 2);
	start(&t, wr.send_flags);
	t.ex->wr_send(t.ex);
	t.ex->wr_set_sge_list(t.ex, 4, sges);
	ex_check(&t, e, 72, 2);

	/* The empty one takes no room: 24 + 2 * 16 = 56 */
	wr = wr_of(IBV_WR_SEND, 0);
	wr.num_sge = 3;
	exp_ctrl(e, SEND, 0, 1, 2, 0, 0, 0, 107);
	post_check(t.qp, &wr, e, 56, 1);

	/* One SGE: one block, not reported */
	memset(e, 0, sizeof(e));
	exp_ctrl(e, SEND_IMM, 0, 1, 1, 0, 0, 0, 100);
	put(e, 8, 4, 0xefbeadde);	/* de ad be ef */
	put(e, 24, 8, 0x1000);
	put(e, 32, 4, 100);
	put(e, 36, 4, 0x101);
	wr = wr_of(IBV_WR_SEND_WITH_IMM, 0);
	wr.num_sge = 1;
	wr.imm_data = htobe32(0xdeadbeef);
	post_check(t.qp, &wr, e, 40, 1);
	start(&t, 0);
	t.ex->wr_send_imm(t.ex, htobe32(0xdeadbeef));
	t.ex->wr_set_sge(t.ex, 0x101, 0x1000, 100);
	ex_check(&t, e, 40, 1);

	/* An R_Key is a number of the device */
	put(e, 0, 1, SEND_INV);
	put(e, 8, 4, RKEY);
	wr.opcode = IBV_WR_SEND_WITH_INV;
	wr.invalidate_rkey = RKEY;
	post_check(t.qp, &wr, e, 40, 1);
	start(&t, 0);
	t.ex->wr_send_inv(t.ex, RKEY);
	t.ex->wr_set_sge(t.ex, 0x101, 0x1000, 100);
	ex_check(&t, e, 40, 1);
	env_free(&t);
}

static void test_inline(void **state)
{
	static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	struct ibv_sge parts[3] = {
		{ .addr = (uintptr_t)text, .length = 10 },
		{ .addr = (uintptr_t)text, .length = 0 },
		{ .addr = (uintptr_t)text + 10, .length = 25 },
	};
	struct ibv_data_buf bufs[2] = {
		{ .addr = (void *)text, .length = 10 },
		{ .addr = (void *)(text + 10), .length = 25 },
	};
	struct env t = env_new(IBV_QPT_RC, ALL_RC);
	struct ibv_send_wr wr;
	uint8_t e[128] = {};

	(void)state;
	exp_ctrl(e, SEND, 0x01 | 0x10, 1, 0, 35, 0, 0, 35);
	memcpy(e + 24, text, 35);
	wr = wr_of(IBV_WR_SEND, IBV_SEND_SIGNALED | IBV_SEND_INLINE);
	wr.sg_list = parts;
	wr.num_sge = 3;
	post_check(t.qp, &wr, e, 59, 1);
	start(&t, IBV_SEND_SIGNALED);
	t.ex->wr_send(t.ex);
	t.ex->wr_set_inline_data_list(t.ex, 2, bufs);
	ex_check(&t, e, 59, 1);

	/* WRITE: 24 + 16 + 35 = 75 */
	memset(e, 0, sizeof(e));
	exp_ctrl(e, WRITE, 0x01 | 0x10, 2, 0, 35, 0, 0, 35);
	exp_rdma(e, 24);
	memcpy(e + 40, text, 35);
	wr.opcode = IBV_WR_RDMA_WRITE;
	wr.wr.rdma.remote_addr = ADDR;
	wr.wr.rdma.rkey = RKEY;
	post_check(t.qp, &wr, e, 75, 2);
	start(&t, IBV_SEND_SIGNALED);
	t.ex->wr_rdma_write(t.ex, RKEY, ADDR);
	t.ex->wr_set_inline_data(t.ex, (void *)text, 35);
	ex_check(&t, e, 75, 2);

	/* Nothing at all is inline data too */
	memset(e, 0, sizeof(e));
	exp_ctrl(e, SEND, 0x10, 1, 0, 0, 0, 0, 0);
	wr = wr_of(IBV_WR_SEND, IBV_SEND_INLINE);
	wr.num_sge = 0;
	post_check(t.qp, &wr, e, 24, 1);
	env_free(&t);
}

static void test_rdma(void **state)
{
	struct env t = env_new(IBV_QPT_RC, ALL_RC);
	struct ibv_send_wr wr;
	uint8_t e[128] = {};

	(void)state;
	exp_ctrl(e, WRITE_IMM, 0, 2, 3, 0, 0, 0, SGE_TOTAL);
	e[11] = 0x05;
	exp_rdma(e, 24);
	exp_sges(e, 40);
	wr = wr_of(IBV_WR_RDMA_WRITE_WITH_IMM, 0);
	wr.wr.rdma.remote_addr = ADDR;
	wr.wr.rdma.rkey = RKEY;
	wr.imm_data = htobe32(5);
	post_check(t.qp, &wr, e, 88, 2);
	start(&t, 0);
	t.ex->wr_rdma_write_imm(t.ex, RKEY, ADDR, htobe32(5));
	t.ex->wr_set_sge_list(t.ex, 4, sges);
	ex_check(&t, e, 88, 2);

	put(e, 0, 1, READ);
	put(e, 8, 4, 0);
	wr.opcode = IBV_WR_RDMA_READ;
	post_check(t.qp, &wr, e, 88, 2);
	start(&t, 0);
	t.ex->wr_rdma_read(t.ex, RKEY, ADDR);
	t.ex->wr_set_sge_list(t.ex, 4, sges);
	ex_check(&t, e, 88, 2);

	memset(e, 0, sizeof(e));
	exp_ctrl(e, ATOMIC_WRITE, 0x10, 1, 0, 8, 0, 0, 8);
	exp_rdma(e, 24);
	memcpy(e + 40, "ATOMIC!!", 8);
	wr.opcode = IBV_WR_ATOMIC_WRITE;
	wr.send_flags = IBV_SEND_INLINE;
	wr.num_sge = 1;
	wr.sg_list = &(struct ibv_sge){ .addr = (uintptr_t)"ATOMIC!!",
					.length = 8 };
	post_check(t.qp, &wr, e, 48, 1);
	start(&t, 0);
	t.ex->wr_atomic_write(t.ex, RKEY, ADDR, "ATOMIC!!");
	ex_check(&t, e, 48, 1);

	/* Types GLOBAL and PERSISTENT, level MR */
	memset(e, 0, sizeof(e));
	exp_ctrl(e, FLUSH, 0x01, 1, 0, 0, 0, 0, 0x2000);
	exp_rdma(e, 24);
	put(e, 36, 4, 0x13);
	start(&t, IBV_SEND_SIGNALED);
	t.ex->wr_flush(t.ex, RKEY, ADDR, 0x2000,
		       IBV_FLUSH_GLOBAL | IBV_FLUSH_PERSISTENT, IBV_FLUSH_MR);
	ex_check(&t, e, 40, 1);
	env_free(&t);
}

static void test_atomic(void **state)
{
	struct env t = env_new(IBV_QPT_RC, ALL_RC);
	struct ibv_send_wr wr;
	uint8_t e[128] = {};

	(void)state;
	exp_ctrl(e, CMP_SWAP, 0x01, 2, 1, 0, 0, 0, 8);
	put(e, 24, 8, ADDR);
	put(e, 32, 4, RKEY);
	put(e, 40, 8, 0x5a5a5a5a5a5a5a5a);	/* swap */
	put(e, 48, 8, 0x0102030405060708);	/* compare */
	put(e, 56, 8, 0x4000);
	put(e, 64, 4, 8);
	put(e, 68, 4, 0x44);
	wr = wr_of(IBV_WR_ATOMIC_CMP_AND_SWP, IBV_SEND_SIGNALED);
	wr.num_sge = 1;
	wr.sg_list = &(struct ibv_sge){ 0x4000, 8, 0x44 };
	wr.wr.atomic.remote_addr = ADDR;
	wr.wr.atomic.rkey = RKEY;
	wr.wr.atomic.swap = 0x5a5a5a5a5a5a5a5a;
	wr.wr.atomic.compare_add = 0x0102030405060708;
	post_check(t.qp, &wr, e, 72, 2);
	start(&t, IBV_SEND_SIGNALED);
	t.ex->wr_atomic_cmp_swp(t.ex, RKEY, ADDR, 0x0102030405060708,
				0x5a5a5a5a5a5a5a5a);
	t.ex->wr_set_sge(t.ex, 0x44, 0x4000, 8);
	ex_check(&t, e, 72, 2);

	put(e, 0, 1, FETCH_ADD);
	put(e, 40, 8, 0x0102030405060708);	/* add */
	put(e, 48, 8, 0);
	wr.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD;
	post_check(t.qp, &wr, e, 72, 2);
	start(&t, IBV_SEND_SIGNALED);
	t.ex->wr_atomic_fetch_add(t.ex, RKEY, ADDR, 0x0102030405060708);
	t.ex->wr_set_sge(t.ex, 0x44, 0x4000, 8);
	ex_check(&t, e, 72, 2);
	env_free(&t);
}

static void test_keys(void **state)
{
	struct env t = env_new(IBV_QPT_RC, ALL_RC);
	struct ibv_mr mr = { .lkey = 0x701, .rkey = 0x702 };
	struct ibv_mw mw = { .rkey = 0x9ff };
	struct ibv_send_wr wr;
	uint8_t e[128] = {};

	(void)state;
	exp_ctrl(e, LOCAL_INV, 0x08, 1, 0, 0, 0, RKEY, 0);
	wr = wr_of(IBV_WR_LOCAL_INV, IBV_SEND_FENCE);
	wr.invalidate_rkey = RKEY;
	post_check(t.qp, &wr, e, 24, 1);
	start(&t, IBV_SEND_FENCE);
	t.ex->wr_local_inv(t.ex, RKEY);
	ex_check(&t, e, 24, 1);

	/* LOCAL_READ always, REMOTE_WRITE, ATOMIC, ZERO_BASED */
	memset(e, 0, sizeof(e));
	exp_ctrl(e, BIND_MW, 0x01, 1, 0, 0, 0, 0, 0);
	put(e, 24, 4, RKEY);
	put(e, 28, 4, 0x701);
	put(e, 32, 8, ADDR);
	put(e, 40, 8, 0x123456789);
	put(e, 48, 1, 0x01 | 0x08 | 0x10 | 0x40);
	wr = wr_of(IBV_WR_BIND_MW, IBV_SEND_SIGNALED);
	wr.bind_mw.mw = &mw;
	wr.bind_mw.rkey = RKEY;
	wr.bind_mw.bind_info = (struct ibv_mw_bind_info) {
		.mr = &mr,
		.addr = ADDR,
		.length = 0x123456789,
		.mw_access_flags = IBV_ACCESS_REMOTE_WRITE |
				   IBV_ACCESS_REMOTE_ATOMIC |
				   IBV_ACCESS_ZERO_BASED,
	};
	post_check(t.qp, &wr, e, 56, 1);
	start(&t, IBV_SEND_SIGNALED);
	t.ex->wr_bind_mw(t.ex, &mw, RKEY, &wr.bind_mw.bind_info);
	ex_check(&t, e, 56, 1);
	env_free(&t);
}

/* A window of type 1 gets its next tag from the library, when it is bound. */
static void test_bind_type1(void **state)
{
	struct env t = env_new(IBV_QPT_RC, 0);
	struct ibv_pd *pd = fake_pd();
	struct ibv_mw *mw = tulle_mw_alloc(pd, IBV_MW_TYPE_1);
	struct ibv_mr mr = { .pd = pd, .lkey = 0x701 };
	struct ibv_mw_bind bind = {
		.wr_id = WR_ID,
		.bind_info = { .mr = &mr, .addr = 0x1000, .length = 64 },
	};
	uint8_t *ring = t.qp->sq_buf.addr;
	uint32_t key;

	(void)state;
	assert_int_equal(tulle_mw_bind(&t.qp->vqp.qp, mw, &bind), 0);
	assert_int_equal(mw->rkey, 0x900);
	memcpy(&key, ring + 24, 4);
	assert_int_equal(le32toh(key), 0x900);
	mr.pd = &(struct ibv_pd){ .handle = 99 };
	assert_int_equal(tulle_mw_bind(&t.qp->vqp.qp, mw, &bind), EPERM);
	bind.bind_info.mr = NULL;
	assert_int_equal(tulle_mw_bind(&t.qp->vqp.qp, mw, &bind), EPERM);
	bind.bind_info.mr = &mr;
	assert_int_equal(mw->rkey, 0x900);
	mw->type = IBV_MW_TYPE_2;
	mr.pd = pd;
	assert_int_equal(tulle_mw_bind(&t.qp->vqp.qp, mw, &bind), EINVAL);
	fake_doorbell(TULLE_UAR_QP_SQ);
	tulle_mw_dealloc(mw);
	tulle_pd_dealloc(pd);
	env_free(&t);
}

static void exp_av(uint8_t *e, unsigned int at, bool vlan)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		put(e, at + i, 1, 0xf0 + i);
	for (i = 0; i < 6; i++)
		put(e, at + 16 + i, 1, 0x50 + i);
	put(e, at + 22, 2, vlan ? 0x6064 : 0);
	put(e, at + 24, 4, 0xabcde | (vlan ? 0x80000000U : 0));
	put(e, at + 28, 2, 9);
	put(e, at + 30, 1, 64);
	put(e, at + 31, 1, 0x20);
}

static void ud_case(bool vlan)
{
	struct env t = env_new(IBV_QPT_UD, ALL_UD);
	struct ibv_ah_attr attr = {
		.is_global = 1,
		.grh = { .flow_label = 0xffabcde, .sgid_index = 3,
			 .hop_limit = 64, .traffic_class = 0x20 },
	};
	struct ibv_pd *pd = fake_pd();
	struct ibv_send_wr wr;
	uint8_t e[128] = {};
	struct ibv_ah *ah;
	unsigned int i;

	for (i = 0; i < 16; i++)
		attr.grh.dgid.raw[i] = 0xf0 + i;
	fake.ah = (struct tulle_ib_uresp_create_ah) {
		.dmac = { 0x50, 0x51, 0x52, 0x53, 0x54, 0x55 },
		.vlan = vlan ? 0x6064 : 0xffff,
		.sgid = 9,
	};
	ah = tulle_ah_create(pd, &attr);
	assert_non_null(ah);
	/* 24 + 40 + 3 * 16 = 112 */
	exp_ctrl(e, SEND, 0x01, 2, 3, 0, 0, 0, SGE_TOTAL);
	put(e, 24, 4, 0xabcdef);
	put(e, 28, 4, 0x80010000);
	exp_av(e, 32, vlan);
	exp_sges(e, 64);
	wr = wr_of(IBV_WR_SEND, IBV_SEND_SIGNALED);
	wr.wr.ud.ah = ah;
	wr.wr.ud.remote_qpn = 0xabcdef;
	wr.wr.ud.remote_qkey = 0x80010000;
	post_check(t.qp, &wr, e, 112, 2);
	/* In whichever order the setters come */
	start(&t, IBV_SEND_SIGNALED);
	t.ex->wr_send(t.ex);
	t.ex->wr_set_sge_list(t.ex, 4, sges);
	t.ex->wr_set_ud_addr(t.ex, ah, 0xabcdef, 0x80010000);
	ex_check(&t, e, 112, 2);
	start(&t, IBV_SEND_SIGNALED);
	t.ex->wr_send(t.ex);
	t.ex->wr_set_ud_addr(t.ex, ah, 0xabcdef, 0x80010000);
	t.ex->wr_set_sge_list(t.ex, 4, sges);
	ex_check(&t, e, 112, 2);
	tulle_ah_destroy(ah);
	attr.is_global = 0;
	assert_null(tulle_ah_create(pd, &attr));
	tulle_pd_dealloc(pd);
	env_free(&t);
}

static void test_ud(void **state)
{
	(void)state;
	ud_case(false);
	ud_case(true);
}

static void test_xrc(void **state)
{
	struct env t = env_new(IBV_QPT_XRC_SEND, ALL_XRC);
	struct ibv_send_wr wr;
	uint8_t e[128] = {};

	(void)state;
	/* 24 + 8 + 16 + 3 * 16 = 96 */
	exp_ctrl(e, WRITE, 0, 2, 3, 0, 0, 0, SGE_TOTAL);
	put(e, 24, 8, 0x123);
	exp_rdma(e, 32);
	exp_sges(e, 48);
	wr = wr_of(IBV_WR_RDMA_WRITE, 0);
	wr.wr.rdma.remote_addr = ADDR;
	wr.wr.rdma.rkey = RKEY;
	wr.qp_type.xrc.remote_srqn = 0x123;
	post_check(t.qp, &wr, e, 96, 2);
	start(&t, 0);
	t.ex->wr_rdma_write(t.ex, RKEY, ADDR);
	t.ex->wr_set_xrc_srqn(t.ex, 0x123);
	t.ex->wr_set_sge_list(t.ex, 4, sges);
	ex_check(&t, e, 96, 2);

	/* What sends nothing names no SRQ */
	memset(e, 0, sizeof(e));
	exp_ctrl(e, BIND_MW, 0, 1, 0, 0, 0, 0, 0);
	put(e, 24, 4, RKEY);
	put(e, 32, 8, ADDR);
	put(e, 48, 1, 0x01);
	wr = wr_of(IBV_WR_BIND_MW, 0);
	wr.qp_type.xrc.remote_srqn = 0x123;
	wr.bind_mw.rkey = RKEY;
	wr.bind_mw.bind_info.addr = ADDR;
	post_check(t.qp, &wr, e, 56, 1);
	start(&t, 0);
	t.ex->wr_bind_mw(t.ex, NULL, RKEY, &wr.bind_mw.bind_info);
	t.ex->wr_set_xrc_srqn(t.ex, 0x123);
	ex_check(&t, e, 56, 1);
	env_free(&t);
}

static void test_raw(void **state)
{
	struct env t = env_new(IBV_QPT_RAW_PACKET, IBV_QP_EX_WITH_SEND);
	struct ibv_send_wr wr = wr_of(IBV_WR_SEND, 0), *bad;
	uint8_t e[128] = {};

	(void)state;
	exp_ctrl(e, SEND, 0, 2, 3, 0, 0, 0, SGE_TOTAL);
	exp_sges(e, 24);
	post_check(t.qp, &wr, e, 72, 2);
	wr.opcode = IBV_WR_RDMA_WRITE;
	assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad), EINVAL);
	wr.opcode = IBV_WR_SEND;
	wr.send_flags = IBV_SEND_IP_CSUM;
	assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad), EINVAL);
	fake_no_doorbell();
	env_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_send), T(test_inline), T(test_rdma), T(test_atomic),
		T(test_keys), T(test_bind_type1), T(test_ud), T(test_xrc),
		T(test_raw),
	};

	return cmocka_run_group_tests_name("wqe", tests, NULL, NULL);
}
