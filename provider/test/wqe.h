/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Expected WQEs, put together from the offsets of the device manual, not from
 * the structs of tulle_hw.h; and what both ways to post need to be compared
 * with them.
 */
#ifndef TULLE_PROVIDER_WQE_H
#define TULLE_PROVIDER_WQE_H

#include "fake.h"

#define ALL_RC	(IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM | \
		 IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_SEND_WITH_IMM | \
		 IBV_QP_EX_WITH_RDMA_READ | IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP | \
		 IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD | IBV_QP_EX_WITH_LOCAL_INV | \
		 IBV_QP_EX_WITH_BIND_MW | IBV_QP_EX_WITH_SEND_WITH_INV | \
		 IBV_QP_EX_WITH_FLUSH | IBV_QP_EX_WITH_ATOMIC_WRITE)
#define ALL_XRC	(ALL_RC & ~(IBV_QP_EX_WITH_FLUSH | IBV_QP_EX_WITH_ATOMIC_WRITE))
#define ALL_UD	(IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_SEND_WITH_IMM)

#define WR_ID	0x1122334455667788ULL
#define ADDR	0x8899aabbccddeeffULL
#define RKEY	0xa1b2c3d4U

enum {
	NOP = 0, SEND = 16, SEND_IMM, SEND_INV, WRITE, WRITE_IMM, READ,
	CMP_SWAP, FETCH_ADD, LOCAL_INV, REG_MR, BIND_MW, ATOMIC_WRITE, FLUSH,
};

/* Control segment and wr_id: 24 bytes. */
static inline void exp_ctrl(uint8_t *e, uint8_t op, uint8_t flags, uint8_t blocks,
			    uint8_t nsge, uint16_t inl, uint16_t index, uint32_t imm,
			    uint32_t total)
{
	put(e, 0, 1, op);
	put(e, 1, 1, flags);
	put(e, 2, 1, blocks);
	put(e, 3, 1, nsge);
	put(e, 4, 2, inl);
	put(e, 6, 2, index);
	put(e, 8, 4, imm);
	put(e, 12, 4, total);
	put(e, 16, 8, WR_ID);
}

static inline void exp_rdma(uint8_t *e, unsigned int at)
{
	put(e, at, 8, ADDR);
	put(e, at + 8, 4, RKEY);
	put(e, at + 12, 4, 0);
}

static struct ibv_sge sges[4] __attribute__((unused)) = {
	{ .addr = 0x1000, .length = 100, .lkey = 0x101 },
	{ .addr = 0x2001, .length = 0, .lkey = 0x202 },
	{ .addr = 0x3000, .length = 7, .lkey = 0x303 },
	{ .addr = 0xfffffffff000, .length = 0x10000, .lkey = 0xffffff04 },
};

/* The three that are not empty. */
static inline void exp_sges(uint8_t *e, unsigned int at)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (!sges[i].length)
			continue;
		put(e, at, 8, sges[i].addr);
		put(e, at + 8, 4, sges[i].length);
		put(e, at + 12, 4, sges[i].lkey);
		at += 16;
	}
}
#define SGE_TOTAL	(100 + 7 + 0x10000)

static inline struct ibv_send_wr wr_of(enum ibv_wr_opcode op, unsigned int flags)
{
	return (struct ibv_send_wr) {
		.wr_id = WR_ID,
		.sg_list = sges,
		.num_sge = 4,
		.opcode = op,
		.send_flags = flags,
	};
}

/* Compares and takes the WQE back, so that each case starts at index 0. */
static inline void check_wqe(struct tulle_qp *qp, const uint8_t *e, unsigned int bytes,
			     unsigned int blocks)
{
	assert_memory_equal(qp->sq_buf.addr, e, bytes);
	assert_int_equal(qp->sq.pi, blocks);
	assert_int_equal(le32toh(qp->dbr->pi), blocks);
	memset(qp->sq_buf.addr, 0xee, qp->sq_buf.len);
	memset(qp->dbr, 0, sizeof(*qp->dbr));
	tulle_prod_init(&qp->sq, qp->dbr);
	fake_doorbell(TULLE_UAR_QP_SQ);
}

static inline void post_check(struct tulle_qp *qp, struct ibv_send_wr *wr,
			      const uint8_t *e, unsigned int bytes,
			      unsigned int blocks)
{
	struct ibv_send_wr *bad;

	assert_int_equal(tulle_post_send(&qp->vqp.qp, wr, &bad), 0);
	check_wqe(qp, e, bytes, blocks);
}

struct env {
	struct tulle_cq *cq;
	struct tulle_qp *qp;
	struct ibv_qp_ex *ex;
};

static inline struct env env_new(enum ibv_qp_type type, uint64_t ops)
{
	struct env e = { .cq = fake_cq(64, 0) };

	e.qp = fake_qp(type, e.cq, NULL, ops);
	e.ex = &e.qp->vqp.qp_ex;
	memset(e.qp->sq_buf.addr, 0xee, e.qp->sq_buf.len);
	return e;
}

static inline void env_free(struct env *e)
{
	assert_int_equal(tulle_qp_destroy(&e->qp->vqp.qp), 0);
	assert_int_equal(tulle_cq_destroy(&e->cq->vcq.cq), 0);
}

static inline void start(struct env *t, unsigned int flags)
{
	t->ex->wr_start(t->ex);
	t->ex->wr_id = WR_ID;
	t->ex->wr_flags = flags;
}

static inline void ex_check(struct env *t, const uint8_t *e, unsigned int bytes,
			    unsigned int blocks)
{
	assert_int_equal(t->ex->wr_complete(t->ex), 0);
	check_wqe(t->qp, e, bytes, blocks);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

#endif /* TULLE_PROVIDER_WQE_H */
