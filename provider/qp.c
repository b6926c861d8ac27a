// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Queue pairs: create, open, modify, query, destroy; flow rules on them. */

#include "provider.h"

#define TULLE_MIN_LOG_SQ	6	/* blocks: a page */
#define TULLE_MIN_LOG_WQE	5

#define TULLE_QP_ATTRS		(IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_XRCD | \
				 IBV_QP_INIT_ATTR_CREATE_FLAGS | \
				 IBV_QP_INIT_ATTR_SEND_OPS_FLAGS)

#define TULLE_OPS(name)		(1ULL << TULLE_WQE_##name)
#define TULLE_OPS_SEND		(TULLE_OPS(SEND) | TULLE_OPS(SEND_IMM))
#define TULLE_OPS_UC		(TULLE_OPS_SEND | TULLE_OPS(WRITE) | \
				 TULLE_OPS(WRITE_IMM) | \
				 TULLE_OPS(LOCAL_INV) | TULLE_OPS(BIND_MW))
#define TULLE_OPS_XRC		(TULLE_OPS_UC | TULLE_OPS(SEND_INV) | \
				 TULLE_OPS(READ) | TULLE_OPS(CMP_SWAP) | \
				 TULLE_OPS(FETCH_ADD))
#define TULLE_OPS_RC		(TULLE_OPS_XRC | TULLE_OPS(ATOMIC_WRITE) | \
				 TULLE_OPS(FLUSH))

u64 tulle_qp_type_ops(enum ibv_qp_type type)
{
	switch (type) {
	case IBV_QPT_RC:
		return TULLE_OPS_RC;
	case IBV_QPT_XRC_SEND:
		return TULLE_OPS_XRC;
	case IBV_QPT_UC:
		return TULLE_OPS_UC;
	case IBV_QPT_UD:
		return TULLE_OPS_SEND;
	case IBV_QPT_RAW_PACKET:
		return TULLE_OPS(SEND);
	default:
		return 0;
	}
}

/* Bytes before the data of a SEND or WRITE. */
static u32 tulle_qp_data_at(enum ibv_qp_type type)
{
	u32 len = tulle_qp_hdr_len(type, TULLE_WQE_WRITE);

	if (type == IBV_QPT_UD)
		return len + sizeof(struct tulle_ud_seg);
	if (type == IBV_QPT_RAW_PACKET)
		return len;
	return len + sizeof(struct tulle_rdma_seg);
}

/* Blocks of the largest WQE that a QP with these limits can be asked for. */
static u32 tulle_qp_blocks(enum ibv_qp_type type, const struct ibv_qp_cap *cap)
{
	u32 sges = cap->max_send_sge * sizeof(struct tulle_sge);
	u32 data = sges > cap->max_inline_data ? sges : cap->max_inline_data;
	u32 len = tulle_qp_data_at(type) + data;
	u32 atomic = tulle_qp_hdr_len(type, TULLE_WQE_CMP_SWAP) +
		     sizeof(struct tulle_atomic_seg) + sizeof(struct tulle_sge);

	if (type != IBV_QPT_UD && type != IBV_QPT_RAW_PACKET && len < atomic)
		len = atomic;
	return (len + TULLE_SQ_BLOCK - 1) / TULLE_SQ_BLOCK;
}

static int tulle_min(int a, int b)
{
	return a < b ? a : b;
}

/*
 * So many of the largest WQEs fit whatever the others are, and wherever the
 * ring's end falls, which costs up to a WQE less one block.
 */
static int tulle_sq_size(const struct tulle_ib_uresp_alloc_ucontext *info,
			 enum ibv_qp_type type, struct ibv_qp_cap *cap,
			 struct tulle_qp_size *size)
{
	u32 blocks, inl;
	int log_sq;

	if (!cap->max_send_wr)
		cap->max_send_wr = 1;
	if (!cap->max_send_sge)
		cap->max_send_sge = 1;
	if (cap->max_send_sge > info->max_sq_sges ||
	    cap->max_inline_data > info->max_inline)
		return EINVAL;
	blocks = tulle_qp_blocks(type, cap);
	if (blocks > info->max_blocks)
		return EINVAL;
	log_sq = tulle_log2_ceil((u64)cap->max_send_wr * blocks + blocks - 1);
	if (log_sq < TULLE_MIN_LOG_SQ)
		log_sq = TULLE_MIN_LOG_SQ;
	if (log_sq > tulle_min(info->log_max_qp_sq, TULLE_MAX_LOG_SQ))
		return EINVAL;
	inl = blocks * TULLE_SQ_BLOCK - tulle_qp_data_at(type);
	cap->max_inline_data = inl < info->max_inline ? inl : info->max_inline;
	cap->max_send_wr = (tulle_min(1 << log_sq, 0xffff) - (blocks - 1)) /
			   blocks;
	size->sq_blocks = blocks;
	size->log_sq = log_sq;
	size->has_sq = true;
	return 0;
}

static int tulle_rq_size(const struct tulle_ib_uresp_alloc_ucontext *info,
			 struct ibv_qp_cap *cap, struct tulle_qp_size *size)
{
	int log_rq = tulle_log2_ceil(cap->max_recv_wr);
	int log_wqe;

	if (cap->max_recv_sge > info->max_rq_sges ||
	    log_rq > tulle_min(info->log_max_qp_rq, TULLE_MAX_LOG_RQ))
		return EINVAL;
	log_wqe = tulle_log2_ceil(sizeof(struct tulle_rq_wqe) +
				  cap->max_recv_sge * sizeof(struct tulle_sge));
	if (log_wqe < TULLE_MIN_LOG_WQE)
		log_wqe = TULLE_MIN_LOG_WQE;
	cap->max_recv_wr = 1U << log_rq;
	cap->max_recv_sge = tulle_min((1U << log_wqe) /
				      sizeof(struct tulle_sge) - 1,
				      info->max_rq_sges);
	size->log_rq = log_rq;
	size->log_rq_wqe = log_wqe;
	size->has_rq = true;
	return 0;
}

static bool tulle_qp_has_rq(enum ibv_qp_type type, bool has_srq)
{
	return type != IBV_QPT_XRC_SEND && type != IBV_QPT_XRC_RECV && !has_srq;
}

/* What is said of queues that it does not have is ignored. */
static void tulle_qp_cap_trim(enum ibv_qp_type type, bool has_srq,
			      struct ibv_qp_cap *cap)
{
	if (type == IBV_QPT_XRC_RECV)
		*cap = (struct ibv_qp_cap) {};
	if (!tulle_qp_has_rq(type, has_srq)) {
		cap->max_recv_wr = 0;
		cap->max_recv_sge = 0;
	}
}

int tulle_qp_size(const struct tulle_ib_uresp_alloc_ucontext *info,
		  enum ibv_qp_type type, bool has_srq, struct ibv_qp_cap *cap,
		  struct tulle_qp_size *size)
{
	int err = 0;

	*size = (struct tulle_qp_size) {};
	tulle_qp_cap_trim(type, has_srq, cap);
	if (type == IBV_QPT_XRC_RECV)
		return 0;
	if (tulle_qp_has_rq(type, has_srq))
		err = tulle_rq_size(info, cap, size);
	return err ? err : tulle_sq_size(info, type, cap, size);
}

static void tulle_qp_free(struct tulle_qp *qp)
{
	tulle_dbr_free(qp->ctx, qp->dbr);
	tulle_buf_free(&qp->rq_buf);
	tulle_buf_free(&qp->sq_buf);
	tulle_lock_cleanup(&qp->rq_lock);
	tulle_lock_cleanup(&qp->sq_lock);
	free(qp);
}

static struct tulle_qp *tulle_qp_new(struct tulle_context *ctx, bool threads)
{
	struct tulle_qp *qp = calloc(1, sizeof(*qp));

	if (!qp)
		return NULL;
	qp->ctx = ctx;
	if (tulle_lock_init(&qp->sq_lock, threads))
		goto err_free;
	if (tulle_lock_init(&qp->rq_lock, threads))
		goto err_sq_lock;
	return qp;

err_sq_lock:
	tulle_lock_cleanup(&qp->sq_lock);
err_free:
	free(qp);
	return NULL;
}

/* Rings and their record, as far as this QP has them. */
static int tulle_qp_memory(struct tulle_qp *qp, struct ibv_pd *pd,
			   const struct tulle_qp_size *size)
{
	u32 log_bytes;
	int err;

	if (!size->has_sq)
		return 0;
	qp->dbr = tulle_dbr_alloc(qp->ctx);
	if (!qp->dbr)
		return ENOMEM;
	err = tulle_buf_alloc(&qp->sq_buf, pd, TULLEDV_RES_TYPE_SQ,
			      (size_t)TULLE_SQ_BLOCK << size->log_sq);
	if (err)
		return err;
	tulle_ring_init(&qp->sq.ring, qp->sq_buf.addr, size->log_sq, 6);
	tulle_prod_init(&qp->sq, qp->dbr);
	if (!size->has_rq)
		return 0;
	log_bytes = size->log_rq + size->log_rq_wqe;
	err = tulle_buf_alloc(&qp->rq_buf, pd, TULLEDV_RES_TYPE_RQ,
			      1UL << log_bytes);
	if (err)
		return err;
	tulle_ring_init(&qp->rq.ring, qp->rq_buf.addr, size->log_rq,
			size->log_rq_wqe);
	tulle_prod_init(&qp->rq, qp->dbr);
	return 0;
}

/* What the data path looks at. */
static void tulle_qp_init(struct tulle_qp *qp,
			  const struct ibv_qp_init_attr_ex *attr,
			  const struct tulle_qp_size *size)
{
	const struct tulle_ib_uresp_alloc_ucontext *info = &qp->ctx->info;

	qp->max_inline = qp->cap.max_inline_data;
	qp->max_sq_sges = qp->cap.max_send_sge;
	qp->max_rq_sges = qp->cap.max_recv_sge;
	qp->max_blocks = size->sq_blocks;
	qp->sig_all = attr->sq_sig_all;
	qp->ops = tulle_qp_type_ops(attr->qp_type) &
		  (info->ops[0] | (u64)info->ops[1] << 32);
	qp->srq = attr->srq ? to_tulle_srq(attr->srq) : NULL;
	qp->send_cq = attr->send_cq ? to_tulle_cq(attr->send_cq) : NULL;
	qp->recv_cq = attr->recv_cq ? to_tulle_cq(attr->recv_cq) : NULL;
	/* The builders need it before the kernel's answer is there. */
	qp->vqp.qp.qp_type = attr->qp_type;
}

static struct tulle_ib_ureq_create_qp
tulle_qp_request(const struct tulle_qp *qp, const struct tulle_qp_size *size)
{
	return (struct tulle_ib_ureq_create_qp) {
		.sq_buf = (uintptr_t)qp->sq_buf.addr,
		.rq_buf = (uintptr_t)qp->rq_buf.addr,
		.dbr = (uintptr_t)qp->dbr,
		.log_sq_size = size->log_sq,
		.log_rq_size = size->log_rq,
		.log_rq_wqe = size->log_rq_wqe,
	};
}

/* Create flags travel in the extended command only. */
static int tulle_qp_cmd_create(struct tulle_qp *qp,
			       struct ibv_qp_init_attr_ex *attr,
			       const struct tulle_qp_size *size)
{
	struct ibv_context *context = &qp->ctx->vctx.context;
	struct tulle_u_create_qp_ex_resp ex_resp = {};
	struct tulle_u_create_qp_resp resp = {};
	struct tulle_u_create_qp_ex ex = {};
	struct tulle_u_create_qp cmd = {};
	int err;

	if (attr->comp_mask & IBV_QP_INIT_ATTR_CREATE_FLAGS) {
		ex.drv = tulle_qp_request(qp, size);
		err = tulle_cmd_create_qp_ex2(context, &qp->vqp, attr, &ex.ibv,
					      sizeof(ex), &ex_resp.ibv,
					      sizeof(ex_resp));
		qp->handle = ex_resp.drv.handle;
		return err;
	}
	cmd.drv = tulle_qp_request(qp, size);
	err = ibv_cmd_create_qp_ex(context, &qp->vqp, attr, &cmd.ibv,
				   sizeof(cmd), &resp.ibv, sizeof(resp));
	qp->handle = resp.drv.handle;
	return err;
}

/* With ctx->qp_lock held. */
static struct tulle_qp **tulle_qp_slot(struct tulle_context *ctx, u32 qpn)
{
	struct tulle_qp ***chunk, **slots;

	chunk = &ctx->qps[qpn >> TULLE_QPN_CHUNK_LOG & (TULLE_QPN_CHUNK - 1)];
	if (!*chunk) {
		slots = calloc(TULLE_QPN_CHUNK, sizeof(*slots));
		if (!slots)
			return NULL;
		__atomic_store_n(chunk, slots, __ATOMIC_RELEASE);
	}
	return &(*chunk)[qpn & (TULLE_QPN_CHUNK - 1)];
}

/* Two CQs in an order that all agree on, or the one that serves both. */
static void tulle_qp_lock_cqs(struct tulle_qp *qp)
{
	struct tulle_cq *a = qp->send_cq, *b = qp->recv_cq;

	if (a > b) {
		a = qp->recv_cq;
		b = qp->send_cq;
	}
	if (a)
		tulle_lock(&a->lock);
	if (b && b != a)
		tulle_lock(&b->lock);
}

static void tulle_qp_unlock_cqs(struct tulle_qp *qp)
{
	if (qp->send_cq)
		tulle_unlock(&qp->send_cq->lock);
	if (qp->recv_cq && qp->recv_cq != qp->send_cq)
		tulle_unlock(&qp->recv_cq->lock);
}

static void tulle_qp_clean_cqs(struct tulle_qp *qp)
{
	u32 qpn = qp->vqp.qp.qp_num;

	if (qp->send_cq)
		tulle_cq_clean(qp->send_cq, qpn);
	if (qp->recv_cq && qp->recv_cq != qp->send_cq)
		tulle_cq_clean(qp->recv_cq, qpn);
}

/*
 * With ctx->qp_lock held: a QP that the kernel no longer knows is not found
 * again. Whoever has its number next may have been here first.
 */
static void tulle_qp_leave(struct tulle_qp *qp)
{
	u32 qpn = qp->vqp.qp.qp_num;

	if (tulle_qp_find(qp->ctx, qpn) != qp)
		return;
	tulle_qp_lock_cqs(qp);
	tulle_qp_clean_cqs(qp);
	__atomic_store_n(tulle_qp_slot(qp->ctx, qpn), NULL, __ATOMIC_RELAXED);
	tulle_qp_unlock_cqs(qp);
}

/*
 * A number that the kernel gave out is free, although its last owner may still
 * wait in ibv_cmd_destroy_qp() for the program to acknowledge events: its CQEs
 * go now, before there are others of that number. XRC targets stay out: nothing
 * completes in a CQ of theirs, whose lock would keep them while they are looked
 * at.
 */
static int tulle_qp_enter(struct tulle_qp *qp)
{
	struct tulle_context *ctx = qp->ctx;
	u32 qpn = qp->vqp.qp.qp_num;
	struct tulle_qp *old, **slot;
	int err = 0;

	pthread_mutex_lock(&ctx->qp_lock);
	old = tulle_qp_find(ctx, qpn);
	if (old)
		tulle_qp_leave(old);
	if (qp->vqp.qp.qp_type == IBV_QPT_XRC_RECV)
		goto out_unlock;
	slot = tulle_qp_slot(ctx, qpn);
	if (slot)
		__atomic_store_n(slot, qp, __ATOMIC_RELEASE);
	else
		err = ENOMEM;
out_unlock:
	pthread_mutex_unlock(&ctx->qp_lock);
	return err;
}

/* The kernel is asked for what the application wants, no more. */
static int tulle_qp_cmd_and_enter(struct tulle_qp *qp,
				  struct ibv_qp_init_attr_ex *attr,
				  const struct tulle_qp_size *size)
{
	struct ibv_qp_cap wanted = attr->cap;
	int err;

	tulle_qp_cap_trim(attr->qp_type, attr->srq, &attr->cap);
	err = tulle_qp_cmd_create(qp, attr, size);
	if (err)
		goto err_cap;
	err = tulle_qp_enter(qp);
	if (err)
		goto err_destroy;
	attr->cap = qp->cap;
	return 0;

err_destroy:
	ibv_cmd_destroy_qp(&qp->vqp.qp);
err_cap:
	attr->cap = wanted;
	return err;
}

struct ibv_qp *tulle_qp_create_ex(struct ibv_context *context,
				  struct ibv_qp_init_attr_ex *attr)
{
	struct ibv_pd *pd = attr->comp_mask & IBV_QP_INIT_ATTR_PD ? attr->pd :
								    NULL;
	struct tulle_context *ctx = to_tulle_context(context);
	struct ibv_qp_cap cap = attr->cap;
	struct tulle_qp_size size;
	struct tulle_qp *qp;

	if (!check_comp_mask(attr->comp_mask, TULLE_QP_ATTRS) ||
	    (attr->qp_type != IBV_QPT_XRC_RECV &&
	     !tulle_qp_type_ops(attr->qp_type))) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	errno = tulle_qp_size(&ctx->info, attr->qp_type, attr->srq, &cap,
			      &size);
	if (errno)
		return NULL;
	qp = tulle_qp_new(ctx, !tulle_single_threaded(pd));
	if (!qp)
		return NULL;
	qp->cap = cap;
	errno = tulle_qp_memory(qp, pd, &size);
	if (errno)
		goto err_free;
	tulle_qp_init(qp, attr, &size);
	if (attr->comp_mask & IBV_QP_INIT_ATTR_SEND_OPS_FLAGS) {
		errno = tulle_wr_set_ops(qp, attr->send_ops_flags);
		if (errno)
			goto err_free;
	}
	errno = tulle_qp_cmd_and_enter(qp, attr, &size);
	if (errno)
		goto err_free;
	if (attr->comp_mask & IBV_QP_INIT_ATTR_SEND_OPS_FLAGS)
		qp->vqp.comp_mask |= VERBS_QP_EX;
	return &qp->vqp.qp;

err_free:
	tulle_qp_free(qp);
	return NULL;
}

struct ibv_qp *tulle_qp_create(struct ibv_pd *pd,
			       struct ibv_qp_init_attr *attr)
{
	struct ibv_qp_init_attr_ex ex = {
		.qp_context = attr->qp_context,
		.send_cq = attr->send_cq,
		.recv_cq = attr->recv_cq,
		.srq = attr->srq,
		.cap = attr->cap,
		.qp_type = attr->qp_type,
		.sq_sig_all = attr->sq_sig_all,
		.comp_mask = IBV_QP_INIT_ATTR_PD,
		.pd = pd,
	};
	struct ibv_qp *qp = tulle_qp_create_ex(pd->context, &ex);

	if (qp)
		attr->cap = ex.cap;
	return qp;
}

/* An XRC target that another process made: it has no queues here or there. */
struct ibv_qp *tulle_qp_open(struct ibv_context *context,
			     struct ibv_qp_open_attr *attr)
{
	struct ib_uverbs_create_qp_resp resp = {};
	struct ibv_open_qp cmd = {};
	struct tulle_qp *qp;

	qp = tulle_qp_new(to_tulle_context(context), true);
	if (!qp)
		return NULL;
	errno = ibv_cmd_open_qp(context, &qp->vqp, sizeof(qp->vqp), attr, &cmd,
				sizeof(cmd), &resp, sizeof(resp));
	if (errno) {
		tulle_qp_free(qp);
		return NULL;
	}
	return &qp->vqp.qp;
}

int tulle_qp_query(struct ibv_qp *ibqp, struct ibv_qp_attr *attr, int mask,
		   struct ibv_qp_init_attr *init)
{
	struct tulle_qp *qp = to_tulle_qp(ibqp);
	struct ibv_query_qp cmd = {};
	int err;

	err = ibv_cmd_query_qp(ibqp, attr, mask, init, &cmd, sizeof(cmd));
	if (err)
		return err;
	init->cap = qp->cap;
	attr->cap = qp->cap;
	return 0;
}

/* In RESET the device has let go of rings and record; all starts over. */
static void tulle_qp_restart(struct tulle_qp *qp)
{
	tulle_qp_lock_cqs(qp);
	tulle_qp_clean_cqs(qp);
	if (qp->dbr) {
		memset(qp->dbr, 0, sizeof(*qp->dbr));
		tulle_prod_init(&qp->sq, qp->dbr);
		tulle_prod_init(&qp->rq, qp->dbr);
		memset(qp->sq_buf.addr, 0, qp->sq_buf.len);
	}
	if (qp->rq_buf.addr)
		memset(qp->rq_buf.addr, 0, qp->rq_buf.len);
	tulle_qp_unlock_cqs(qp);
}

int tulle_qp_modify(struct ibv_qp *ibqp, struct ibv_qp_attr *attr, int mask)
{
	struct ibv_modify_qp cmd = {};
	int err;

	err = ibv_cmd_modify_qp(ibqp, attr, mask, &cmd, sizeof(cmd));
	if (!err && mask & IBV_QP_STATE && attr->qp_state == IBV_QPS_RESET)
		tulle_qp_restart(to_tulle_qp(ibqp));
	return err;
}

/*
 * The command waits until the program has acknowledged all events, without a
 * lock: the thread that will do so may first make or destroy another QP.
 */
int tulle_qp_destroy(struct ibv_qp *ibqp)
{
	struct tulle_qp *qp = to_tulle_qp(ibqp);
	int err;

	err = ibv_cmd_destroy_qp(ibqp);
	if (err)
		return err;
	pthread_mutex_lock(&qp->ctx->qp_lock);
	tulle_qp_leave(qp);
	pthread_mutex_unlock(&qp->ctx->qp_lock);
	tulle_qp_free(qp);
	return 0;
}

struct ibv_flow *tulle_flow_create(struct ibv_qp *qp,
				   struct ibv_flow_attr *attr)
{
	struct ibv_flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	errno = ibv_cmd_create_flow(qp, flow, attr, NULL, 0);
	if (errno) {
		free(flow);
		return NULL;
	}
	return flow;
}

int tulle_flow_destroy(struct ibv_flow *flow)
{
	int err = ibv_cmd_destroy_flow(flow);

	if (err)
		return err;
	free(flow);
	return 0;
}
