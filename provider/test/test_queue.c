// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Queues: receive WQEs, the ring's end, full rings, batches, what is refused. */
#include "wqe.h"

/* sq_sig_all: without a flag of the request. */
static void test_sig_all(void **state)
{
	struct env t = env_new(IBV_QPT_RC, 0);
	struct ibv_send_wr wr = wr_of(IBV_WR_SEND, 0);
	uint8_t e[128] = {};

	(void)state;
	t.qp->sig_all = true;
	exp_ctrl(e, SEND, 0x01, 2, 3, 0, 0, 0, SGE_TOTAL);
	exp_sges(e, 24);
	post_check(t.qp, &wr, e, 72, 2);
	env_free(&t);
}

static void test_recv(void **state)
{
	struct env t = env_new(IBV_QPT_RC, 0);
	struct ibv_recv_wr wr[2] = {
		{ .wr_id = WR_ID, .next = &wr[1], .sg_list = sges,
		  .num_sge = 3 },
		{ .wr_id = 1, .num_sge = 0 },
	}, *bad;
	uint8_t e[80] = {};

	(void)state;
	/* 3 SGEs and the head: 64 bytes a WQE */
	put(e, 0, 8, WR_ID);
	put(e, 8, 1, 2);
	put(e, 16, 8, 0x1000);
	put(e, 24, 4, 100);
	put(e, 28, 4, 0x101);
	put(e, 32, 8, 0x3000);
	put(e, 40, 4, 7);
	put(e, 44, 4, 0x303);
	put(e, 64, 8, 1);
	assert_int_equal(fake.qp.log_rq_wqe, 6);
	assert_int_equal(tulle_post_recv(&t.qp->vqp.qp, wr, &bad), 0);
	assert_memory_equal(t.qp->rq_buf.addr, e, 48);
	assert_memory_equal((char *)t.qp->rq_buf.addr + 64, e + 64, 16);
	assert_int_equal(le32toh(t.qp->dbr->rq_pi), 2);
	assert_int_equal(t.qp->dbr->pi, 0);
	assert_int_equal(fake_doorbell(TULLE_UAR_QP_RQ), t.qp->handle);
	wr[1].sg_list = sges;
	wr[1].num_sge = 4;
	assert_int_equal(tulle_post_recv(&t.qp->vqp.qp, &wr[1], &bad), EINVAL);
	assert_ptr_equal(bad, &wr[1]);
	wr[1].num_sge = 1;
	assert_int_equal(tulle_post_recv(&t.qp->vqp.qp, wr, &bad), 0);
	/* Four WQEs fill it */
	assert_int_equal(tulle_post_recv(&t.qp->vqp.qp, wr, &bad), ENOMEM);
	assert_ptr_equal(bad, wr);
	env_free(&t);
}

/* At the ring's end a WQE that does not fit is preceded by NOPs. */
static void test_wrap(void **state)
{
	struct env t = env_new(IBV_QPT_RC, 0);
	struct ibv_send_wr wr = wr_of(IBV_WR_SEND, 0), *bad;
	uint32_t size = 1U << fake.qp.log_sq_size;
	uint8_t *ring = t.qp->sq_buf.addr;
	uint8_t e[128] = {}, nop[24] = {};

	(void)state;
	/* Two blocks each would end in front of the last one */
	t.qp->sq.pi = 5 * size - 1;
	t.qp->sq.published = t.qp->sq.pi;
	t.qp->sq.ci = t.qp->sq.pi;
	assert_true(t.qp->max_blocks > 1);
	assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad), 0);
	put(nop, 0, 1, NOP);
	put(nop, 2, 1, 1);
	put(nop, 6, 2, 5 * size - 1);
	assert_memory_equal(ring + (size - 1) * 64, nop, 24);
	exp_ctrl(e, SEND, 0, 2, 3, 0, 5 * size, 0, SGE_TOTAL);
	exp_sges(e, 24);
	assert_memory_equal(ring, e, 72);
	assert_int_equal(le32toh(t.qp->dbr->pi), 5 * size + 2);
	fake_doorbell(TULLE_UAR_QP_SQ);
	env_free(&t);
}

/* A full ring refuses; what was posted before is not touched. */
static void test_full(void **state)
{
	struct env t = env_new(IBV_QPT_RC, ALL_RC);
	struct ibv_send_wr wr = wr_of(IBV_WR_SEND, 0), *bad;
	unsigned int n = 0;
	u32 pi;

	(void)state;
	while (!tulle_post_send(&t.qp->vqp.qp, &wr, &bad))
		n++;
	assert_ptr_equal(bad, &wr);
	assert_true(n >= t.qp->cap.max_send_wr);
	pi = t.qp->sq.pi;
	start(&t, 0);
	t.ex->wr_send(t.ex);
	t.ex->wr_set_sge_list(t.ex, 4, sges);
	assert_int_equal(t.ex->wr_complete(t.ex), ENOMEM);
	assert_int_equal(t.qp->sq.pi, pi);
	assert_int_equal(le32toh(t.qp->dbr->pi), pi);
	assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad), ENOMEM);
	fake_doorbell(TULLE_UAR_QP_SQ);
	env_free(&t);
}

/* Of a batch that fails, or is given up, the device sees nothing. */
static void test_ex_rollback(void **state)
{
	struct env t = env_new(IBV_QPT_RC, ALL_RC);
	struct ibv_sge five[5] = {};
	char big[600] = {};

	(void)state;
	start(&t, 0);
	t.ex->wr_send(t.ex);
	t.ex->wr_set_sge(t.ex, 1, 2, 3);
	t.ex->wr_send(t.ex);
	t.ex->wr_set_inline_data(t.ex, big, t.qp->max_inline + 1);
	t.ex->wr_send(t.ex);
	assert_int_equal(t.ex->wr_complete(t.ex), EINVAL);
	start(&t, 0);
	t.ex->wr_send(t.ex);
	t.ex->wr_set_sge_list(t.ex, 5, five);
	assert_int_equal(t.ex->wr_complete(t.ex), EINVAL);
	start(&t, 0);
	t.ex->wr_set_sge(t.ex, 1, 2, 3);
	assert_int_equal(t.ex->wr_complete(t.ex), EINVAL);
	start(&t, 0);
	t.ex->wr_flush(t.ex, RKEY, ADDR, 8, 4, IBV_FLUSH_RANGE);
	assert_int_equal(t.ex->wr_complete(t.ex), EINVAL);
	start(&t, 0);
	t.ex->wr_send(t.ex);
	t.ex->wr_abort(t.ex);
	start(&t, 0);
	assert_int_equal(t.ex->wr_complete(t.ex), 0);
	assert_int_equal(t.qp->sq.pi, 0);
	assert_int_equal(t.qp->dbr->pi, 0);
	fake_no_doorbell();
	env_free(&t);
}

/*
 * Parts that do not belong together, at the very end of the ring: the second
 * set of SGEs would lie behind its memory, and the address sanitizer see it.
 */
static void test_ex_overflow(void **state)
{
	struct env t = env_new(IBV_QPT_RC, ALL_RC);
	uint32_t size = t.qp->sq.ring.mask + 1;

	(void)state;
	t.qp->sq.pi = size - t.qp->max_blocks;
	t.qp->sq.ci = t.qp->sq.pi;
	start(&t, 0);
	t.ex->wr_send(t.ex);
	t.ex->wr_set_sge_list(t.ex, 4, sges);
	t.ex->wr_set_sge_list(t.ex, 4, sges);
	assert_int_equal(t.ex->wr_complete(t.ex), EINVAL);
	start(&t, 0);
	t.ex->wr_send(t.ex);
	t.ex->wr_set_sge_list(t.ex, 4, sges);
	t.ex->wr_set_inline_data(t.ex, sges, t.qp->max_inline);
	assert_int_equal(t.ex->wr_complete(t.ex), EINVAL);
	fake_no_doorbell();
	env_free(&t);
}

/* Several requests, one doorbell; the order is that of the calls. */
static void test_batch(void **state)
{
	struct env t = env_new(IBV_QPT_RC, ALL_RC);
	uint8_t *ring = t.qp->sq_buf.addr;

	(void)state;
	start(&t, 0);
	t.ex->wr_send(t.ex);
	t.ex->wr_set_sge(t.ex, 1, 2, 3);
	t.ex->wr_local_inv(t.ex, 7);
	t.ex->wr_rdma_read(t.ex, 1, 2);
	t.ex->wr_set_sge_list(t.ex, 4, sges);
	t.ex->wr_send(t.ex);
	assert_int_equal(t.qp->dbr->pi, 0);
	assert_int_equal(t.ex->wr_complete(t.ex), 0);
	assert_int_equal(le32toh(t.qp->dbr->pi), 5);
	assert_int_equal(ring[0], SEND);
	assert_int_equal(ring[64], LOCAL_INV);
	assert_int_equal(ring[64 + 6], 1);
	assert_int_equal(ring[128], READ);
	assert_int_equal(ring[128 + 2], 2);
	assert_int_equal(ring[256], SEND);
	assert_int_equal(ring[256 + 6], 4);
	assert_int_equal(fake_doorbell(TULLE_UAR_QP_SQ), t.qp->handle);
	env_free(&t);
}

static void test_refused(void **state)
{
	struct env t = env_new(IBV_QPT_UC, 0);
	struct ibv_send_wr wr = wr_of(IBV_WR_RDMA_READ, 0), *bad;
	struct ibv_sge huge[2] = {
		{ .length = 0x80000000U }, { .length = 1 },
	};

	(void)state;
	assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad), EINVAL);
	wr.opcode = 200;
	assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad), EINVAL);
	wr.opcode = IBV_WR_TSO;
	assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad), EINVAL);
	wr = wr_of(IBV_WR_SEND, 0);
	wr.num_sge = -1;
	assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad), EINVAL);
	wr.num_sge = 5;
	assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad), EINVAL);
	wr.sg_list = huge;
	wr.num_sge = 2;
	assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad), EINVAL);
	wr = wr_of(IBV_WR_LOCAL_INV, IBV_SEND_INLINE);
	assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad), EINVAL);
	fake_no_doorbell();
	assert_int_equal(t.qp->dbr->pi, 0);
	/* A device without the operation */
	assert_int_equal(tulle_wr_set_ops(t.qp, IBV_QP_EX_WITH_RDMA_READ),
			 EOPNOTSUPP);
	assert_int_equal(tulle_wr_set_ops(t.qp, IBV_QP_EX_WITH_TSO), EOPNOTSUPP);
	env_free(&t);
}

/* In RESET nothing is taken, and in INIT and RTR nothing to send. */
static void test_state(void **state)
{
	struct env t = env_new(IBV_QPT_RC, ALL_RC);
	struct ibv_send_wr wr = wr_of(IBV_WR_SEND, 0), *bad = NULL;
	struct ibv_recv_wr recv = {}, *bad_recv = NULL;
	int s;

	(void)state;
	for (s = IBV_QPS_RESET; s < IBV_QPS_RTS; s++) {
		t.qp->vqp.qp.state = s;
		assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad),
				 EINVAL);
		assert_ptr_equal(bad, &wr);
		start(&t, 0);
		t.ex->wr_send(t.ex);
		t.ex->wr_set_sge_list(t.ex, 4, sges);
		assert_int_equal(t.ex->wr_complete(t.ex), EINVAL);
	}
	t.qp->vqp.qp.state = IBV_QPS_RESET;
	assert_int_equal(tulle_post_recv(&t.qp->vqp.qp, &recv, &bad_recv),
			 EINVAL);
	assert_ptr_equal(bad_recv, &recv);
	fake_no_doorbell();
	t.qp->vqp.qp.state = IBV_QPS_INIT;
	assert_int_equal(tulle_post_recv(&t.qp->vqp.qp, &recv, &bad_recv), 0);
	t.qp->vqp.qp.state = IBV_QPS_ERR;
	assert_int_equal(tulle_post_send(&t.qp->vqp.qp, &wr, &bad), 0);
	fake_doorbell(TULLE_UAR_QP_RQ);
	fake_doorbell(TULLE_UAR_QP_SQ);
	env_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_sig_all), T(test_recv), T(test_wrap), T(test_full),
		T(test_ex_rollback), T(test_ex_overflow), T(test_batch),
		T(test_refused), T(test_state),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
