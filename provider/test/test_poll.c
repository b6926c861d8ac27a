// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Polling: both sizes of CQE, over several laps, in both ways; arming; what a
 * completion does to the queue it came from; cleaning; resizing.
 */
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "fake.h"

static struct tulle_rdma_cqe cqe_of(uint64_t wr_id, uint32_t qpn, uint8_t op,
				    uint16_t wqe)
{
	return (struct tulle_rdma_cqe) {
		.wr_id = htole64(wr_id),
		.qn_op = htole32(qpn | (uint32_t)op << 24),
		.wqe = htole16(wqe),
	};
}

static void laps(uint64_t wc_flags, unsigned int size)
{
	struct tulle_cq *cq = fake_cq(8, wc_flags);
	struct ibv_wc wc[8];
	unsigned int i, n, index = 0, seen = 0;

	assert_int_equal(fake.cq.log_cqe_size, size);
	assert_int_equal(fake.cq.log_size, 3);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 8, wc), 0);
	/* Batches of 1..8, so that laps begin anywhere in a batch */
	for (n = 1; n <= 8; n++) {
		for (i = 0; i < n; i++) {
			struct tulle_rdma_cqe c =
				cqe_of(index, 5, TULLE_CQE_SEND, 0);

			fake_cqe(cq, index++, &c);
		}
		assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 8, wc), n);
		for (i = 0; i < n; i++)
			assert_int_equal(wc[i].wr_id, seen++);
		assert_int_equal(le32toh(cq->cons.dbr->ci), seen);
		assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 8, wc), 0);
	}
	assert_true(index > 4 * 8);
	tulle_cq_destroy(&cq->vcq.cq);
}

static void test_laps(void **state)
{
	(void)state;
	laps(0, 5);
	laps(IBV_WC_EX_WITH_COMPLETION_TIMESTAMP, 6);
}

/* What is there is polled to the limit that was asked for, and not beyond. */
static void test_limit(void **state)
{
	struct tulle_cq *cq = fake_cq(8, 0);
	struct ibv_wc wc[8];
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		struct tulle_rdma_cqe c = cqe_of(i, 5, TULLE_CQE_SEND, 0);

		fake_cqe(cq, i, &c);
	}
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 3, wc), 3);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 0, wc), 0);
	assert_int_equal(le32toh(cq->cons.dbr->ci), 3);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 8, wc), 5);
	assert_int_equal(wc[4].wr_id, 7);
	tulle_cq_destroy(&cq->vcq.cq);
}

static void test_opcodes(void **state)
{
	static const struct {
		uint8_t op;
		enum ibv_wc_opcode wc;
	} all[] = {
		{ 16, IBV_WC_SEND }, { 17, IBV_WC_RDMA_WRITE },
		{ 18, IBV_WC_RDMA_READ }, { 19, IBV_WC_COMP_SWAP },
		{ 20, IBV_WC_FETCH_ADD }, { 21, IBV_WC_LOCAL_INV },
		{ 23, IBV_WC_BIND_MW }, { 24, IBV_WC_ATOMIC_WRITE },
		{ 25, IBV_WC_FLUSH }, { 32, IBV_WC_RECV },
		{ 33, IBV_WC_RECV_RDMA_WITH_IMM },
	};
	struct tulle_cq *cq = fake_cq(16, 0);
	struct ibv_wc wc;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		struct tulle_rdma_cqe c = cqe_of(0, 5, all[i].op, 0);

		fake_cqe(cq, i, &c);
		assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
		assert_int_equal(wc.opcode, all[i].wc);
	}
	tulle_cq_destroy(&cq->vcq.cq);
}

static void test_fields(void **state)
{
	struct tulle_cq *cq = fake_cq(4, 0);
	struct tulle_rdma_cqe c;
	struct ibv_wc wc;
	uint8_t *raw = (uint8_t *)&c;

	(void)state;
	/* A datagram, put together from offsets */
	put(raw, 0, 8, 0xfedcba9876543210);
	put(raw, 8, 4, 140);
	raw[12] = 1, raw[13] = 2, raw[14] = 3, raw[15] = 4;
	put(raw, 16, 4, 0xabcdef | 32U << 24);
	put(raw, 20, 2, 0);
	put(raw, 22, 1, 0);
	put(raw, 23, 1, 0x77);
	put(raw, 24, 4, 0x654321 | 1U << 24 | 1U << 25 | 1U << 30);
	put(raw, 28, 2, 0x0003);
	put(raw, 30, 1, 5);
	fake_cqe(cq, 0, &c);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(wc.wr_id, 0xfedcba9876543210);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.byte_len, 140);
	assert_int_equal(be32toh(wc.imm_data), 0x01020304);
	assert_int_equal(wc.qp_num, 0xabcdef);
	assert_int_equal(wc.src_qp, 0x654321);
	assert_int_equal(wc.wc_flags, IBV_WC_GRH | IBV_WC_WITH_IMM);
	assert_int_equal(wc.pkey_index, 3);
	assert_int_equal(wc.sl, 5);
	assert_int_equal(wc.vendor_err, 0x77);

	/* An invalidated key; a tag takes the place of the P_Key */
	put(raw, 24, 4, 1U << 26 | 1U << 28 | 1U << 29);
	put(raw, 28, 2, 0x6064);
	fake_cqe(cq, 1, &c);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(wc.invalidated_rkey, 0x04030201);
	assert_int_equal(wc.wc_flags, IBV_WC_WITH_INV | IBV_WC_IP_CSUM_OK);
	assert_int_equal(wc.pkey_index, 0);
	put(raw, 22, 1, 12);
	fake_cqe(cq, 2, &c);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_RETRY_EXC_ERR);
	tulle_cq_destroy(&cq->vcq.cq);
}

static void test_ex(void **state)
{
	struct tulle_cq *cq = fake_cq(4, IBV_WC_EX_WITH_COMPLETION_TIMESTAMP |
					 IBV_WC_EX_WITH_CVLAN |
					 IBV_WC_STANDARD_FLAGS);
	struct ibv_cq_ex *ex = &cq->vcq.cq_ex;
	struct ibv_poll_cq_attr attr = {};
	struct tulle_rdma_cqe c = cqe_of(7, 0xabcdef, TULLE_CQE_RECV, 0);
	unsigned int i;

	(void)state;
	assert_int_equal(ex->start_poll(ex, &attr), ENOENT);
	attr.comp_mask = 1;
	assert_int_equal(ex->start_poll(ex, &attr), EINVAL);
	attr.comp_mask = 0;
	c.byte_len = htole32(100);
	c.imm = htobe32(0x11223344);
	c.src_flags = htole32(0x55 | TULLE_WC_F_INV | TULLE_WC_F_VLAN |
			      TULLE_WC_F_GRH);
	c.pkey_vlan = htole16(0x2005);
	c.sl = 3;
	c.syndrome = 9;
	c.status = IBV_WC_SUCCESS;
	put(cq->buf.addr, 0, 8, 0x123456789abcdef0);
	fake_cqe(cq, 0, &c);
	c.wr_id = htole64(8);
	c.status = IBV_WC_WR_FLUSH_ERR;
	c.src_flags = 0;
	fake_cqe(cq, 1, &c);

	assert_int_equal(ex->start_poll(ex, &attr), 0);
	assert_int_equal(ex->wr_id, 7);
	assert_int_equal(ex->status, IBV_WC_SUCCESS);
	assert_int_equal(ibv_wc_read_opcode(ex), IBV_WC_RECV);
	assert_int_equal(ibv_wc_read_byte_len(ex), 100);
	assert_int_equal(ibv_wc_read_invalidated_rkey(ex), 0x44332211);
	assert_int_equal(ibv_wc_read_qp_num(ex), 0xabcdef);
	assert_int_equal(ibv_wc_read_src_qp(ex), 0x55);
	assert_int_equal(ibv_wc_read_wc_flags(ex),
			 IBV_WC_GRH | IBV_WC_WITH_INV);
	assert_int_equal(ibv_wc_read_cvlan(ex), 0x2005);
	assert_int_equal(ibv_wc_read_sl(ex), 3);
	assert_int_equal(ibv_wc_read_slid(ex), 0);
	assert_int_equal(ibv_wc_read_dlid_path_bits(ex), 0);
	assert_int_equal(ibv_wc_read_vendor_err(ex), 9);
	assert_int_equal(ibv_wc_read_completion_ts(ex), 0x123456789abcdef0);
	/* Still the process's: not given back */
	assert_int_equal(cq->cons.dbr->ci, 0);
	assert_int_equal(ex->next_poll(ex), 0);
	assert_int_equal(le32toh(cq->cons.dbr->ci), 1);
	assert_int_equal(ex->wr_id, 8);
	assert_int_equal(ex->status, IBV_WC_WR_FLUSH_ERR);
	assert_int_equal(be32toh(ibv_wc_read_imm_data(ex)), 0x11223344);
	assert_int_equal(ibv_wc_read_cvlan(ex), 0);
	assert_int_equal(ex->next_poll(ex), ENOENT);
	ex->end_poll(ex);
	assert_int_equal(le32toh(cq->cons.dbr->ci), 2);

	/* Laps: one at a time, the lock free in between */
	for (i = 2; i < 20; i++) {
		c.wr_id = htole64(i);
		fake_cqe(cq, i, &c);
		assert_int_equal(ex->start_poll(ex, &attr), 0);
		assert_int_equal(ex->wr_id, i);
		ex->end_poll(ex);
		assert_int_equal(ex->start_poll(ex, &attr), ENOENT);
	}
	tulle_cq_destroy(&cq->vcq.cq);
}

static void test_arm(void **state)
{
	struct tulle_cq *cq = fake_cq(4, 0);
	struct tulle_rdma_cqe c = cqe_of(1, 5, TULLE_CQE_SEND, 0);
	struct ibv_wc wc;

	(void)state;
	fake_cqe(cq, 0, &c);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(tulle_cq_arm(&cq->vcq.cq, 0), 0);
	assert_int_equal(le32toh(cq->cons.dbr->arm), 1 << 2 | 1);
	assert_int_equal(le32toh(cq->cons.dbr->ci), 1);
	fake_cqe(cq, 1, &c);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(tulle_cq_arm(&cq->vcq.cq, 1), 0);
	assert_int_equal(le32toh(cq->cons.dbr->arm), 2 << 2 | 2);
	fake_no_doorbell();
	tulle_cq_destroy(&cq->vcq.cq);
}

static uint32_t arm_mode(struct tulle_cq *cq, int solicited_only)
{
	assert_int_equal(tulle_cq_arm(&cq->vcq.cq, solicited_only), 0);
	return le32toh(cq->cons.dbr->arm) & 3;
}

static void arm_pending(uint32_t index)
{
	struct tulle_cq *cq = fake_cq(4, 0);
	struct tulle_rdma_cqe c = cqe_of(1, 5, TULLE_CQE_SEND, 0);
	struct ibv_wc wc;
	unsigned int i;

	cq->cons.ci = index;
	tulle_cq_ring_clear(&cq->cons.ring, index);
	for (i = 0; i < 6; i++) {
		assert_int_equal(arm_mode(cq, 1), TULLE_ARM_SOLICITED);
		assert_int_equal(arm_mode(cq, 0), TULLE_ARM_ANY);
		assert_int_equal(arm_mode(cq, 1), TULLE_ARM_ANY);
		assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 0);
		assert_int_equal(arm_mode(cq, 1), TULLE_ARM_ANY);
		/* Those that were there raise nothing */
		fake_cqe(cq, index++, &c);
		fake_cqe(cq, index++, &c);
		assert_int_equal(arm_mode(cq, 0), TULLE_ARM_ANY);
		assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
		assert_int_equal(arm_mode(cq, 1), TULLE_ARM_ANY);
		assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
		assert_int_equal(arm_mode(cq, 1), TULLE_ARM_ANY);
		fake_cqe(cq, index++, &c);
		assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	}
	assert_int_equal(arm_mode(cq, 1), TULLE_ARM_SOLICITED);
	tulle_cq_destroy(&cq->vcq.cq);
}

/* An event for any CQE that was asked for and is not sure yet is not lost. */
static void test_arm_pending(void **state)
{
	(void)state;
	arm_pending(0);
	arm_pending(UINT32_MAX - 7);
}

/* While it polls, a thread has the lock, and keeps the CQE that it reads. */
static void test_arm_in_poll(void **state)
{
	struct tulle_cq *cq = fake_cq(4, 0);
	struct ibv_cq_ex *ex = &cq->vcq.cq_ex;
	struct tulle_rdma_cqe c = cqe_of(1, 5, TULLE_CQE_SEND, 0);
	struct ibv_poll_cq_attr attr = {};
	unsigned int i;

	(void)state;
	/* Otherwise it would spin for ever */
	alarm(60);
	for (i = 0; i < 10; i++) {
		fake_cqe(cq, i, &c);
		assert_int_equal(ex->start_poll(ex, &attr), 0);
		assert_int_equal(arm_mode(cq, 0), TULLE_ARM_ANY);
		assert_int_equal(pthread_spin_trylock(&cq->lock.spin), EBUSY);
		assert_int_equal(le32toh(cq->cons.dbr->ci), i);
		assert_int_equal(ex->next_poll(ex), ENOENT);
		assert_int_equal(le32toh(cq->cons.dbr->ci), i + 1);
		assert_int_equal(arm_mode(cq, 1), TULLE_ARM_ANY);
		assert_int_equal(le32toh(cq->cons.dbr->ci), i + 1);
		ex->end_poll(ex);
		assert_int_equal(arm_mode(cq, 0), TULLE_ARM_ANY);
		assert_int_equal(pthread_spin_trylock(&cq->lock.spin), 0);
		pthread_spin_unlock(&cq->lock.spin);
	}
	alarm(0);
	tulle_cq_destroy(&cq->vcq.cq);
}

struct other_thread {
	struct tulle_cq *cq;
	atomic_bool begun;
	atomic_bool done;
};

static void *arm_in_thread(void *arg)
{
	struct other_thread *t = arg;

	atomic_store(&t->begun, true);
	tulle_cq_arm(&t->cq->vcq.cq, 0);
	atomic_store(&t->done, true);
	return NULL;
}

/* Another thread waits for the poll to end. */
static void test_arm_elsewhere(void **state)
{
	struct other_thread t = { .cq = fake_cq(4, 0) };
	struct ibv_cq_ex *ex = &t.cq->vcq.cq_ex;
	struct tulle_rdma_cqe c = cqe_of(1, 5, TULLE_CQE_SEND, 0);
	struct ibv_poll_cq_attr attr = {};
	pthread_t thread;

	(void)state;
	fake_cqe(t.cq, 0, &c);
	assert_int_equal(ex->start_poll(ex, &attr), 0);
	pthread_create(&thread, NULL, arm_in_thread, &t);
	while (!atomic_load(&t.begun))
		sched_yield();
	usleep(20000);
	assert_false(atomic_load(&t.done));
	assert_int_equal(t.cq->cons.dbr->arm, 0);
	ex->end_poll(ex);
	pthread_join(thread, NULL);
	assert_int_equal(le32toh(t.cq->cons.dbr->arm), 1 << 2 | 1);
	assert_int_equal(le32toh(t.cq->cons.dbr->ci), 1);
	tulle_cq_destroy(&t.cq->vcq.cq);
}

/* Room comes back by the index in the CQE, across unsignalled WQEs. */
static void test_room(void **state)
{
	struct tulle_cq *cq = fake_cq(64, 0);
	struct tulle_qp *qp = fake_qp(IBV_QPT_RC, cq, NULL, 0);
	struct tulle_rdma_cqe c;
	struct ibv_wc wc;

	(void)state;
	qp->sq.pi = 65536 + 20;
	qp->sq.ci = 65536 - 10;
	c = cqe_of(1, FAKE_QPN, TULLE_CQE_SEND, 5);
	fake_cqe(cq, 0, &c);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(qp->sq.ci, 65536 + 5);
	/* Beyond what was posted, and behind what was done: nothing moves */
	c = cqe_of(1, FAKE_QPN, TULLE_CQE_SEND, 21);
	fake_cqe(cq, 1, &c);
	c = cqe_of(1, FAKE_QPN, TULLE_CQE_SEND, 4);
	fake_cqe(cq, 2, &c);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(qp->sq.ci, 65536 + 5);
	/* An error tells as much */
	c = cqe_of(1, FAKE_QPN, TULLE_CQE_SEND, 20);
	c.status = IBV_WC_WR_FLUSH_ERR;
	fake_cqe(cq, 3, &c);
	qp->rq.pi = 3;
	c = cqe_of(1, FAKE_QPN, TULLE_CQE_RECV, 2);
	fake_cqe(cq, 4, &c);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(qp->sq.ci, 65536 + 20);
	assert_int_equal(qp->rq.ci, 2);
	/* A number that this process knows nothing of */
	c = cqe_of(99, 0xffffff, TULLE_CQE_RECV, 1);
	fake_cqe(cq, 5, &c);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(wc.wr_id, 99);
	tulle_qp_destroy(&qp->vqp.qp);
	tulle_cq_destroy(&cq->vcq.cq);
}

/* What a CQE says of a queue pair that completes elsewhere is not believed. */
static void test_other_cq(void **state)
{
	struct tulle_cq *cq = fake_cq(64, 0), *other = fake_cq(64, 0);
	struct tulle_qp *qp = fake_qp(IBV_QPT_RC, cq, NULL, 0);
	struct tulle_rdma_cqe c;
	struct ibv_wc wc;

	(void)state;
	qp->sq.pi = 4;
	qp->rq.pi = 4;
	c = cqe_of(1, FAKE_QPN, TULLE_CQE_SEND, 2);
	fake_cqe(other, 0, &c);
	c = cqe_of(2, FAKE_QPN, TULLE_CQE_RECV, 2);
	c.status = 200;
	fake_cqe(other, 1, &c);
	assert_int_equal(tulle_cq_poll(&other->vcq.cq, 1, &wc), 1);
	assert_int_equal(tulle_cq_poll(&other->vcq.cq, 1, &wc), 1);
	assert_int_equal(wc.wr_id, 2);
	assert_int_equal(wc.status, IBV_WC_GENERAL_ERR);
	assert_int_equal(qp->sq.ci, 0);
	assert_int_equal(qp->rq.ci, 0);
	tulle_qp_destroy(&qp->vqp.qp);
	tulle_cq_destroy(&other->vcq.cq);
	tulle_cq_destroy(&cq->vcq.cq);
}

static struct ibv_srq *srq_new(struct ibv_pd *pd)
{
	struct ibv_srq_init_attr attr = {
		.attr = { .max_wr = 4, .max_sge = 1 },
	};
	struct ibv_srq *srq = tulle_srq_create(pd, &attr);

	assert_non_null(srq);
	assert_int_equal(attr.attr.max_wr, 4);
	return srq;
}

/* WQEs are fetched in order and complete in any. */
static void test_srq(void **state)
{
	struct ibv_recv_wr wr = { .wr_id = 1 }, *bad;
	struct ibv_pd *pd = fake_pd();
	struct ibv_srq *ibsrq = srq_new(pd);
	struct tulle_srq *srq = to_tulle_srq(ibsrq);
	struct tulle_cq *cq = fake_cq(64, 0);
	struct tulle_qp *qp = fake_qp(IBV_QPT_RC, cq, ibsrq, 0);
	struct tulle_rdma_cqe c;
	struct ibv_wc wc;
	unsigned int i;

	(void)state;
	assert_int_equal(fake.qp.rq_buf, 0);
	assert_int_equal(tulle_post_recv(&qp->vqp.qp, &wr, &bad), EINVAL);
	for (i = 0; i < 4; i++)
		assert_int_equal(tulle_srq_post(ibsrq, &wr, &bad), 0);
	assert_int_equal(fake_doorbell(TULLE_UAR_SRQ), 0x66000123);
	assert_int_equal(tulle_srq_post(ibsrq, &wr, &bad), ENOMEM);
	assert_ptr_equal(bad, &wr);
	assert_int_equal(le32toh(srq->rq.dbr->pi), 4);
	/* The third completes first: three are fetched */
	c = cqe_of(1, FAKE_QPN, TULLE_CQE_RECV, 2);
	fake_cqe(cq, 0, &c);
	c = cqe_of(1, FAKE_QPN, TULLE_CQE_RECV, 0);
	fake_cqe(cq, 1, &c);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(srq->rq.ci, 3);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 1);
	assert_int_equal(srq->rq.ci, 3);
	for (i = 0; i < 3; i++)
		assert_int_equal(tulle_srq_post(ibsrq, &wr, &bad), 0);
	assert_int_equal(tulle_srq_post(ibsrq, &wr, &bad), ENOMEM);
	/* Completions that went elsewhere: the device's hint is heard */
	srq->rq.dbr->ci_hint = htole32(5);
	for (i = 0; i < 2; i++)
		assert_int_equal(tulle_srq_post(ibsrq, &wr, &bad), 0);
	assert_int_equal(tulle_srq_post(ibsrq, &wr, &bad), ENOMEM);
	/* ... unless it is nonsense */
	srq->rq.dbr->ci_hint = htole32(100);
	assert_int_equal(tulle_srq_post(ibsrq, &wr, &bad), ENOMEM);
	fake_doorbell(TULLE_UAR_SRQ);
	tulle_qp_destroy(&qp->vqp.qp);
	tulle_srq_destroy(ibsrq);
	tulle_cq_destroy(&cq->vcq.cq);
	tulle_pd_dealloc(pd);
}

/* CQEs of one of three QPs go; the others keep their order, and their lap. */
static void clean(uint32_t first, uint64_t wc_flags)
{
	struct tulle_cq *cq = fake_cq(16, wc_flags);
	struct ibv_wc wc[16];
	unsigned int i, n = 0;
	int got;

	cq->cons.ci = first;
	tulle_cq_ring_clear(&cq->cons.ring, first);
	for (i = 0; i < 16; i++) {
		struct tulle_rdma_cqe c =
			cqe_of(i, i % 3, TULLE_CQE_SEND, 0);

		fake_cqe(cq, first + i, &c);
	}
	tulle_cq_clean(cq, 1);
	got = tulle_cq_poll(&cq->vcq.cq, 16, wc);
	assert_int_equal(got, 11);
	for (i = 0; i < 16; i++)
		if (i % 3 != 1)
			assert_int_equal(wc[n++].wr_id, i);
	assert_int_equal(le32toh(cq->cons.dbr->ci), first + 16);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 16, wc), 0);
	tulle_cq_destroy(&cq->vcq.cq);
}

static void test_clean(void **state)
{
	uint32_t first;

	(void)state;
	for (first = 0; first < 40; first += 3) {
		clean(first, 0);
		clean(first, IBV_WC_EX_WITH_COMPLETION_TIMESTAMP);
	}
}

/* An empty new ring is empty, whatever lap the index is in. */
static void test_resize(void **state)
{
	struct tulle_cq *cq = fake_cq(16, 0);
	struct ibv_wc wc[16];
	uint32_t ci, log;

	(void)state;
	for (ci = 0; ci < 200; ci += 7) {
		for (log = 2; log < 7; log++) {
			cq->cons.ci = ci;
			assert_int_equal(tulle_cq_resize(&cq->vcq.cq, 1 << log),
					 0);
			assert_int_equal(cq->cons.ring.log_size, log);
			assert_int_equal(cq->vcq.cq.cqe, 1 << log);
			assert_int_equal(fake.resize.log_size, log);
			assert_int_equal(fake.resize.buf,
					 (uintptr_t)cq->buf.addr);
			assert_int_equal(le32toh(cq->cons.dbr->ci), ci);
			assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 16, wc), 0);
		}
	}
	/* A kernel that refuses leaves the old one in place */
	fake.fail = EBUSY;
	assert_int_equal(tulle_cq_resize(&cq->vcq.cq, 1024), EBUSY);
	assert_int_equal(cq->cons.ring.log_size, 6);
	assert_int_equal(tulle_cq_resize(&cq->vcq.cq, 0), EINVAL);
	assert_int_equal(tulle_cq_resize(&cq->vcq.cq, 1 << 17), EINVAL);
	tulle_cq_destroy(&cq->vcq.cq);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_laps), T(test_limit), T(test_opcodes), T(test_fields),
		T(test_ex), T(test_arm), T(test_arm_pending),
		T(test_arm_in_poll), T(test_arm_elsewhere), T(test_room),
		T(test_other_cq), T(test_srq), T(test_clean), T(test_resize),
	};

	return cmocka_run_group_tests_name("poll", tests, NULL, NULL);
}
