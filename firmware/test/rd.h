/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The fixture of tests of RDMA objects: a device, the least of a driver, and
 * a double in place of the transport, which notes what it is told. The double
 * takes the calls by the linker's --wrap (see the Makefile).
 */
#ifndef TFW_TEST_RD_H
#define TFW_TEST_RD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../rdma.h"
#include "fake.h"

#define OK(call)	assert_int_equal(call, TULLE_STATUS_OK)
#define RD_COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define RD_GEN1		(1U << 24)

/* struct rd_double - what the transport was told */
static struct rd_double {
	unsigned int	inits;
	unsigned int	cleanups;
	unsigned int	changes;
	unsigned int	runs;
	unsigned int	kicks;
	unsigned int	roce;
	unsigned int	raw;
	u8		old_state;
	bool		no_memory;
	bool		take_roce;
	bool		(*on_run)(struct tfw_qp *qp);
} rd_double;

bool __wrap_tfw_transport_init(struct tfw_qp *qp);
void __wrap_tfw_transport_cleanup(struct tfw_qp *qp);
void __wrap_tfw_transport_changed(struct tfw_qp *qp, u8 old_state);
bool __wrap_tfw_requester_run(struct tfw_work *w, struct tfw_budget *budget);
void __wrap_tfw_transport_recv_kick(struct tfw_qp *qp);
bool __wrap_tfw_roce_rx(struct tfw_vport *vport, struct tfw_frame *f);
void __wrap_tfw_raw_rx(struct tfw_qp *qp, struct tfw_frame *f);

bool __wrap_tfw_transport_init(struct tfw_qp *qp)
{
	(void)qp;
	rd_double.inits++;
	return !rd_double.no_memory;
}

void __wrap_tfw_transport_cleanup(struct tfw_qp *qp)
{
	(void)qp;
	rd_double.cleanups++;
}

void __wrap_tfw_transport_changed(struct tfw_qp *qp, u8 old_state)
{
	(void)qp;
	rd_double.changes++;
	rd_double.old_state = old_state;
}

bool __wrap_tfw_requester_run(struct tfw_work *w, struct tfw_budget *budget)
{
	(void)budget;
	rd_double.runs++;
	return rd_double.on_run ?
		rd_double.on_run(tfw_container(w, struct tfw_qp, work)) : false;
}

void __wrap_tfw_transport_recv_kick(struct tfw_qp *qp)
{
	(void)qp;
	rd_double.kicks++;
}

bool __wrap_tfw_roce_rx(struct tfw_vport *vport, struct tfw_frame *f)
{
	(void)vport;
	(void)f;
	rd_double.roce++;
	return rd_double.take_roce;
}

void __wrap_tfw_raw_rx(struct tfw_qp *qp, struct tfw_frame *f)
{
	(void)qp;
	(void)f;
	rd_double.raw++;
}

/* A device with what all objects need. */
struct rd {
	struct fake		env;
	struct fake_dev		d;
	struct tfw_func		*f;
	struct fake_queue	eq0;
	struct fake_queue	eq;
	struct fake_queue	cq;	/* 32 bytes, 64 entries */
	u32			pd;
	u32			other_pd;
	u32			key;	/* DMA, of the kernel */
};

/* Driver's side of a QP or SRQ. */
struct rd_qp {
	struct tfw_qp		*qp;
	struct tulle_dbr	*dbr;
	u8			*sq;
	u8			*rq;
	u64			sq_addr;
	u64			rq_addr;
	u32			handle;
	struct tulle_qp_ctx	ctx;
};

struct rd_srq {
	struct tfw_srq		*srq;
	struct tulle_dbr	*dbr;
	u8			*ring;
	u64			ring_addr;
	u32			handle;
	struct tulle_srq_ctx	ctx;
};

static inline u32 rd_pd_create(struct rd *rd)
{
	struct tulle_pd_ctx ctx = { 0 };

	return fake_create(&rd->d, TULLE_CMD_CREATE_PD, &ctx, sizeof(ctx),
			   NULL);
}

static inline enum tulle_status rd_mkey(struct rd *rd,
					const struct tulle_mkey_ctx *ctx,
					u32 *handle)
{
	enum tulle_status st;

	*handle = fake_create(&rd->d, TULLE_CMD_CREATE_MKEY, ctx, sizeof(*ctx),
			      &st);
	return st;
}

static inline struct tfw_mkey *rd_mkey_of(struct rd *rd, u32 handle)
{
	return tfw_obj_find(rd->f, TULLE_OBJ_MKEY, handle);
}

static inline int rd_setup(void **state)
{
	struct tulle_mkey_ctx key = {
		.type = TULLE_MKEY_DMA,
		.access = TULLE_MKEY_LOCAL_READ | TULLE_MKEY_LOCAL_WRITE,
		.flags = TULLE_MKEY_F_KERNEL,
	};
	struct rd *rd = calloc(1, sizeof(*rd));

	memset(&rd_double, 0, sizeof(rd_double));
	fake_init(&rd->env);
	assert_true(fake_dev_init(&rd->env, &rd->d, NULL));
	fake_boot(&rd->d);
	rd->f = tfw_func_find(rd->d.dev, 0);
	OK(fake_eq_create(&rd->d, &rd->eq0, 6, 0, TULLE_EQ_F_ASYNC));
	OK(fake_eq_create(&rd->d, &rd->eq, 6, 1, 0));
	OK(fake_cq_create(&rd->d, &rd->cq, rd->eq.handle, 6, 5, 0, 0));
	rd->pd = rd_pd_create(rd);
	rd->other_pd = rd_pd_create(rd);
	OK(rd_mkey(rd, &key, &rd->key));
	*state = rd;
	return 0;
}

static inline int rd_teardown(void **state)
{
	struct rd *rd = *state;

	fake_dev_exit(&rd->d);
	fake_exit(&rd->env);
	free(rd);
	return 0;
}

/* A context that is accepted, for any type without xrcd. */
static inline struct tulle_qp_ctx rd_qp_ctx(struct rd *rd, u8 type,
					    struct rd_qp *q)
{
	struct tulle_qp_ctx ctx = {
		.type = type,
		.pd = cpu_to_le32(rd->pd),
	};
	u64 dbr;

	memset(q, 0, sizeof(*q));
	if (type == TULLE_QP_XRC_TGT)
		return ctx;
	dbr = fake_mem(&rd->d, sizeof(struct tulle_dbr), 128);
	q->dbr = fake_ptr(&rd->d, dbr);
	ctx.dbr = cpu_to_le64(dbr);
	ctx.send_cq = cpu_to_le32(rd->cq.handle);
	ctx.log_sq_size = 5;
	ctx.sq = fake_pages(&rd->d, 64 << 5, &q->sq_addr);
	q->sq = fake_ptr(&rd->d, q->sq_addr);
	if (type == TULLE_QP_XRC_INI)
		return ctx;
	ctx.recv_cq = ctx.send_cq;
	ctx.log_rq_size = 3;
	ctx.log_rq_wqe = 6;
	ctx.rq = fake_pages(&rd->d, 64 << 3, &q->rq_addr);
	q->rq = fake_ptr(&rd->d, q->rq_addr);
	return ctx;
}

static inline enum tulle_status rd_qp_make(struct rd *rd, struct rd_qp *q,
					   const struct tulle_qp_ctx *ctx)
{
	enum tulle_status st;

	q->ctx = *ctx;
	q->handle = fake_create(&rd->d, TULLE_CMD_CREATE_QP, ctx, sizeof(*ctx),
				&st);
	q->qp = tfw_obj_find(rd->f, TULLE_OBJ_QP, q->handle);
	return st;
}

static inline __le32 rd_xrcd_create(struct rd *rd)
{
	return cpu_to_le32(fake_create(&rd->d, TULLE_CMD_CREATE_XRCD, NULL, 0,
				       NULL));
}

static inline void rd_qp_create(struct rd *rd, struct rd_qp *q, u8 type,
				u8 flags)
{
	struct tulle_qp_ctx ctx = rd_qp_ctx(rd, type, q);

	ctx.flags = flags;
	if (type == TULLE_QP_XRC_TGT)
		ctx.xrcd = rd_xrcd_create(rd);
	OK(rd_qp_make(rd, q, &ctx));
}

static inline enum tulle_status rd_modify(struct rd *rd, const struct rd_qp *q,
					  struct tulle_modify_qp *req)
{
	req->handle = cpu_to_le32(q->handle);
	return fake_cmd(&rd->d, TULLE_CMD_MODIFY_QP, req, sizeof(*req), NULL,
			0);
}

static inline void rd_gid(struct rd *rd, u16 index, u8 last)
{
	struct tulle_gid gid = {
		.index = cpu_to_le16(index),
		.type = TULLE_GID_IPV4,
		.mac = { 2, 0, 0, 0, 0, 1 },
		.gid = { [10] = 0xff, [11] = 0xff, 10, 0, 0, last },
	};

	OK(fake_cmd(&rd->d, TULLE_CMD_SET_GID, &gid, sizeof(gid), NULL, 0));
}

/* What the verbs ask for on the way to @to, with good values. */
static inline struct tulle_modify_qp rd_way(u8 type, u8 to)
{
	struct tulle_modify_qp req = {
		.attr = { .state = to, .path_mtu = 10, .timeout = 14,
			  .retry_cnt = 7, .rnr_retry = 7, .max_rd_atomic = 4,
			  .max_dest_rd_atomic = 4, .min_rnr_timer = 12,
			  .access = TULLE_MKEY_REMOTE_READ |
				    TULLE_MKEY_REMOTE_WRITE,
			  .av.dgid = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 2 },
		},
	};
	bool ud = type == TULLE_QP_UD || type == TULLE_QP_GSI;
	u32 mask = TULLE_QP_MOD_STATE;

	if (type != TULLE_QP_RAW && to == TULLE_QPS_INIT)
		mask |= TULLE_QP_MOD_PKEY_INDEX |
			(ud ? TULLE_QP_MOD_QKEY : TULLE_QP_MOD_ACCESS);
	if (type != TULLE_QP_RAW && !ud && to == TULLE_QPS_RTR)
		mask |= TULLE_QP_MOD_AV | TULLE_QP_MOD_PATH_MTU |
			TULLE_QP_MOD_DEST_QPN | TULLE_QP_MOD_RQ_PSN;
	if ((type == TULLE_QP_RC || type == TULLE_QP_XRC_TGT) &&
	    to == TULLE_QPS_RTR)
		mask |= TULLE_QP_MOD_MAX_DEST_RD_ATOMIC |
			TULLE_QP_MOD_MIN_RNR_TIMER;
	if (type != TULLE_QP_RAW && to == TULLE_QPS_RTS)
		mask |= TULLE_QP_MOD_SQ_PSN;
	if ((type == TULLE_QP_RC || type == TULLE_QP_XRC_INI) &&
	    to == TULLE_QPS_RTS)
		mask |= TULLE_QP_MOD_TIMEOUT | TULLE_QP_MOD_RETRY_CNT |
			TULLE_QP_MOD_RNR_RETRY | TULLE_QP_MOD_MAX_RD_ATOMIC;
	if (type == TULLE_QP_XRC_TGT && to == TULLE_QPS_RTS)
		mask |= TULLE_QP_MOD_TIMEOUT;
	req.mask = cpu_to_le32(mask);
	return req;
}

/* Along the usual path, from RESET; SQE and ERR by failing. */
static inline void rd_goto(struct rd *rd, struct rd_qp *q, u8 state)
{
	static const u8 path[] = { TULLE_QPS_INIT, TULLE_QPS_RTR,
				   TULLE_QPS_RTS, TULLE_QPS_SQD };
	struct tulle_modify_qp req;
	size_t i;

	req = (struct tulle_modify_qp){
		.mask = cpu_to_le32(TULLE_QP_MOD_STATE),
	};
	OK(rd_modify(rd, q, &req));
	for (i = 0; i < RD_COUNT(path) && q->qp->state != state; i++) {
		if (path[i] == TULLE_QPS_SQD && state > TULLE_QPS_SQD)
			break;
		req = rd_way(q->ctx.type, path[i]);
		if (path[i] == TULLE_QPS_SQD)
			req.mask = cpu_to_le32(TULLE_QP_MOD_STATE);
		OK(rd_modify(rd, q, &req));
	}
	if (state == TULLE_QPS_SQE)
		tfw_qp_sq_error(q->qp);
	if (state == TULLE_QPS_ERR)
		tfw_qp_fail(q->qp, -1);
	assert_int_equal(q->qp->state, state);
}

/* Posts a send WQE of @blocks, whose wr_id is its index; no doorbell. */
static inline struct tulle_qp_wqe *rd_post_send(struct rd_qp *q, u8 blocks)
{
	u32 pi = le32_to_cpu(q->dbr->pi);
	struct tulle_qp_wqe *wqe;

	wqe = (void *)(q->sq + (pi % (1U << q->ctx.log_sq_size)) * 64);
	memset(wqe, 0, blocks * 64U);
	wqe->ctrl.op = TULLE_WQE_SEND;
	wqe->ctrl.nblocks = blocks;
	wqe->ctrl.index = cpu_to_le16((u16)pi);
	wqe->wr_id = cpu_to_le64(pi);
	q->dbr->pi = cpu_to_le32(pi + blocks);
	return wqe;
}

static inline struct tulle_rq_wqe *rd_post(u8 *ring, __le32 *pi, u32 size,
					   u32 wqe_size)
{
	struct tulle_rq_wqe *wqe;

	wqe = (void *)(ring + (le32_to_cpu(*pi) % size) * wqe_size);
	memset(wqe, 0, wqe_size);
	wqe->wr_id = cpu_to_le64(0x1000 + le32_to_cpu(*pi));
	*pi = cpu_to_le32(le32_to_cpu(*pi) + 1);
	return wqe;
}

static inline struct tulle_rq_wqe *rd_post_recv(struct rd_qp *q)
{
	return rd_post(q->rq, &q->dbr->rq_pi, 1U << q->ctx.log_rq_size,
		       1U << q->ctx.log_rq_wqe);
}

static inline struct tulle_rq_wqe *rd_post_srq(struct rd_srq *s)
{
	return rd_post(s->ring, &s->dbr->pi, 1U << s->ctx.log_size,
		       1U << s->ctx.log_wqe_size);
}

static inline struct tulle_srq_ctx rd_srq_ctx(struct rd *rd, struct rd_srq *s)
{
	u64 dbr = fake_mem(&rd->d, sizeof(struct tulle_dbr), 128);
	struct tulle_srq_ctx ctx = {
		.pd = cpu_to_le32(rd->pd),
		.dbr = cpu_to_le64(dbr),
		.log_size = 4,
		.log_wqe_size = 6,
	};

	memset(s, 0, sizeof(*s));
	s->dbr = fake_ptr(&rd->d, dbr);
	ctx.pages = fake_pages(&rd->d, 64 << 4, &s->ring_addr);
	s->ring = fake_ptr(&rd->d, s->ring_addr);
	return ctx;
}

static inline enum tulle_status rd_srq_make(struct rd *rd, struct rd_srq *s,
					    const struct tulle_srq_ctx *ctx)
{
	enum tulle_status st;

	s->ctx = *ctx;
	s->handle = fake_create(&rd->d, TULLE_CMD_CREATE_SRQ, ctx,
				sizeof(*ctx), &st);
	s->srq = tfw_obj_find(rd->f, TULLE_OBJ_SRQ, s->handle);
	return st;
}

/* The next event of that type; its code, or -1. */
static inline int rd_event(struct rd *rd, u8 type, u32 handle)
{
	struct tulle_eqe *eqe = fake_poll(&rd->eq0);

	if (!eqe)
		return -1;
	assert_int_equal(eqe->type, type);
	assert_int_equal(le32_to_cpu(eqe->handle), handle);
	return (int)le32_to_cpu(eqe->code);
}

/* Whatever a command's request says wrong, it says where. */
#define BAD_AT(rd, call, type, member) do {				\
	assert_int_equal(call, TULLE_STATUS_BAD_PARAM);			\
	assert_int_equal((rd)->d.syndrome, offsetof(type, member));	\
} while (0)

#define RD_TEST(fn)	cmocka_unit_test_setup_teardown(fn, rd_setup, rd_teardown)

#endif /* TFW_TEST_RD_H */
