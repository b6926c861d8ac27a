// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Completion queues: create, resize, arm, clean, destroy. */

#include "provider.h"

#define TULLE_CQE_LOG		5
#define TULLE_CQE_LOG_EXT	6

#define TULLE_WC_FLAGS_EXT	IBV_WC_EX_WITH_COMPLETION_TIMESTAMP
#define TULLE_WC_FLAGS		(IBV_WC_STANDARD_FLAGS | IBV_WC_EX_WITH_CVLAN | \
				 TULLE_WC_FLAGS_EXT)
#define TULLE_CQ_FLAGS		(IBV_CREATE_CQ_ATTR_SINGLE_THREADED | \
				 IBV_CREATE_CQ_ATTR_IGNORE_OVERRUN)

/* log2 of the entries for so many CQEs, or -1. */
static int tulle_cq_log_size(const struct tulle_context *ctx, int cqe)
{
	int log_size;

	if (cqe <= 0)
		return -1;
	log_size = tulle_log2_ceil(cqe);
	return log_size <= ctx->info.log_max_cq ? log_size : -1;
}

static int tulle_cq_attr_check(const struct ibv_cq_init_attr_ex *attr)
{
	if (!check_comp_mask(attr->comp_mask, IBV_CQ_INIT_ATTR_MASK_FLAGS |
			     IBV_CQ_INIT_ATTR_MASK_PD))
		return EOPNOTSUPP;
	if (attr->comp_mask & IBV_CQ_INIT_ATTR_MASK_FLAGS &&
	    attr->flags & ~TULLE_CQ_FLAGS)
		return EOPNOTSUPP;
	if (attr->wc_flags & ~(uint64_t)TULLE_WC_FLAGS)
		return EOPNOTSUPP;
	return 0;
}

static struct ibv_pd *tulle_cq_domain(const struct ibv_cq_init_attr_ex *attr)
{
	return attr->comp_mask & IBV_CQ_INIT_ATTR_MASK_PD ?
	       attr->parent_domain : NULL;
}

static bool tulle_cq_is_single(const struct ibv_cq_init_attr_ex *attr)
{
	if (attr->comp_mask & IBV_CQ_INIT_ATTR_MASK_FLAGS &&
	    attr->flags & IBV_CREATE_CQ_ATTR_SINGLE_THREADED)
		return true;
	return tulle_single_threaded(tulle_cq_domain(attr));
}

/* Memory and lock of a CQ to be; on failure nothing is left behind. */
static int tulle_cq_init(struct tulle_cq *cq, struct tulle_context *ctx,
			 const struct ibv_cq_init_attr_ex *attr, int log_size)
{
	u8 log_entry = attr->wc_flags & TULLE_WC_FLAGS_EXT ? TULLE_CQE_LOG_EXT :
							     TULLE_CQE_LOG;
	struct tulle_dbr *dbr;
	int err;

	cq->ctx = ctx;
	err = tulle_lock_init(&cq->lock, !tulle_cq_is_single(attr));
	if (err)
		return err;
	err = tulle_buf_alloc(&cq->buf, tulle_cq_domain(attr),
			      TULLEDV_RES_TYPE_CQ,
			      1UL << (log_size + log_entry));
	if (err)
		goto err_lock;
	cq->domain = cq->buf.domain;
	dbr = tulle_dbr_alloc(ctx);
	if (!dbr) {
		err = ENOMEM;
		goto err_buf;
	}
	tulle_ring_init(&cq->cons.ring, cq->buf.addr, log_size, log_entry);
	tulle_cons_init(&cq->cons, dbr);
	return 0;

err_buf:
	tulle_buf_free(&cq->buf);
err_lock:
	tulle_lock_cleanup(&cq->lock);
	return err;
}

static void tulle_cq_cleanup(struct tulle_cq *cq)
{
	tulle_dbr_free(cq->ctx, cq->cons.dbr);
	tulle_buf_free(&cq->buf);
	tulle_lock_cleanup(&cq->lock);
}

static int tulle_cq_cmd_create(struct tulle_cq *cq,
			       const struct ibv_cq_init_attr_ex *attr)
{
	struct tulle_u_create_cq_resp resp = {};
	struct tulle_u_create_cq cmd = {
		.drv = {
			.buf = (uintptr_t)cq->buf.addr,
			.dbr = (uintptr_t)cq->cons.dbr,
			.log_size = cq->cons.ring.log_size,
			.log_cqe_size = cq->cons.ring.log_entry,
		},
	};
	struct ibv_cq_init_attr_ex rounded = *attr;
	int err;

	rounded.cqe = tulle_ring_size(&cq->cons.ring);
	err = tulle_cmd_create_cq_ex(&cq->ctx->vctx.context, &rounded, &cq->vcq,
				     &cmd.ibv, sizeof(cmd), &resp.ibv,
				     sizeof(resp));
	if (err)
		return err;
	cq->handle = resp.drv.handle;
	cq->vcq.cq.cqe = rounded.cqe;
	return 0;
}

struct ibv_cq_ex *tulle_cq_create_ex(struct ibv_context *context,
				     struct ibv_cq_init_attr_ex *attr)
{
	struct tulle_context *ctx = to_tulle_context(context);
	int log_size = tulle_cq_log_size(ctx, attr->cqe);
	struct tulle_cq *cq;

	errno = log_size < 0 ? EINVAL : tulle_cq_attr_check(attr);
	if (errno)
		return NULL;
	cq = calloc(1, sizeof(*cq));
	if (!cq)
		return NULL;
	errno = tulle_cq_init(cq, ctx, attr, log_size);
	if (errno)
		goto err_free;
	errno = tulle_cq_cmd_create(cq, attr);
	if (errno)
		goto err_cleanup;
	tulle_cq_set_poll_ops(cq);
	return &cq->vcq.cq_ex;

err_cleanup:
	tulle_cq_cleanup(cq);
err_free:
	free(cq);
	return NULL;
}

struct ibv_cq *tulle_cq_create(struct ibv_context *context, int cqe,
			       struct ibv_comp_channel *channel, int vector)
{
	struct ibv_cq_init_attr_ex attr = {
		.cqe = cqe,
		.channel = channel,
		.comp_vector = vector,
	};
	struct ibv_cq_ex *cq = tulle_cq_create_ex(context, &attr);

	return cq ? ibv_cq_ex_to_cq(cq) : NULL;
}

int tulle_cq_destroy(struct ibv_cq *ibcq)
{
	struct tulle_cq *cq = to_tulle_cq(ibcq);
	int err;

	err = ibv_cmd_destroy_cq(ibcq);
	if (err)
		return err;
	tulle_cq_cleanup(cq);
	free(cq);
	return 0;
}

int tulle_cq_modify(struct ibv_cq *ibcq, struct ibv_modify_cq_attr *attr)
{
	struct ibv_modify_cq cmd = {};

	return ibv_cmd_modify_cq(ibcq, attr, &cmd, sizeof(cmd));
}

void tulle_cq_ring_clear(struct tulle_ring *ring, u32 ci)
{
	u32 i, last = (1U << ring->log_entry) - 1;

	for (i = ci; i != ci + tulle_ring_size(ring); i++) {
		u8 *owner = (u8 *)tulle_ring_at(ring, i) + last;

		*owner = i >> ring->log_size & 1;
	}
}

/*
 * The device copies what was not polled yet; nobody polls meanwhile. @buf is
 * then what is no longer used.
 */
static int tulle_cq_swap(struct tulle_cq *cq, int log_size,
			 struct tulle_buf *buf)
{
	struct ib_uverbs_resize_cq_resp resp = {};
	struct tulle_u_resize_cq cmd = {};
	struct tulle_buf old = cq->buf;
	struct tulle_ring ring;
	int err;

	tulle_ring_init(&ring, buf->addr, log_size, cq->cons.ring.log_entry);
	tulle_cq_ring_clear(&ring, cq->cons.ci);
	cmd.drv.buf = (uintptr_t)buf->addr;
	cmd.drv.log_size = log_size;
	tulle_cons_update(&cq->cons);
	err = ibv_cmd_resize_cq(&cq->vcq.cq, tulle_ring_size(&ring), &cmd.ibv,
				sizeof(cmd), &resp, sizeof(resp));
	if (err)
		return err;
	cq->cons.ring = ring;
	cq->vcq.cq.cqe = tulle_ring_size(&ring);
	cq->buf = *buf;
	*buf = old;
	return 0;
}

static bool tulle_cq_has_size(struct tulle_cq *cq, int log_size)
{
	bool same;

	tulle_lock(&cq->lock);
	same = log_size == cq->cons.ring.log_size;
	tulle_unlock(&cq->lock);
	return same;
}

int tulle_cq_resize(struct ibv_cq *ibcq, int cqe)
{
	struct tulle_cq *cq = to_tulle_cq(ibcq);
	int log_size = tulle_cq_log_size(cq->ctx, cqe);
	struct tulle_pd *domain = cq->domain;
	struct tulle_buf buf;
	int err;

	if (log_size < 0)
		return EINVAL;
	if (tulle_cq_has_size(cq, log_size))
		return 0;
	/* A program's allocator runs without the lock. */
	err = tulle_buf_alloc(&buf, domain ? &domain->pd : NULL,
			      TULLEDV_RES_TYPE_CQ,
			      1UL << (log_size + cq->cons.ring.log_entry));
	if (err)
		return err;
	tulle_lock(&cq->lock);
	err = tulle_cq_swap(cq, log_size, &buf);
	tulle_unlock(&cq->lock);
	tulle_buf_free(&buf);
	return err;
}

static void *tulle_cq_valid(struct tulle_cq *cq, u32 index)
{
	u32 size = 1U << cq->cons.ring.log_entry;
	u8 *entry = tulle_ring_at(&cq->cons.ring, index);

	if (!tulle_owner_is_valid(READ_ONCE(entry[size - 1]), index,
				  cq->cons.ring.log_size))
		return NULL;
	return entry;
}

/* Index behind the last CQE that is there. */
static u32 tulle_cq_end(struct tulle_cq *cq)
{
	u32 pi = cq->cons.ci;

	while (pi - cq->cons.ci < tulle_ring_size(&cq->cons.ring) &&
	       tulle_cq_valid(cq, pi))
		pi++;
	return pi;
}

/*
 * An event for any CQE that may still be to come. What was there when it was
 * asked for need not have raised it.
 */
static bool tulle_cq_owes_any(const struct tulle_cq *cq)
{
	return cq->any && (s32)(cq->cons.ci - cq->any_end) <= 0;
}

/* A request for less does not take back one for more. */
static void tulle_cq_arm_locked(struct tulle_cq *cq, bool solicited_only)
{
	cq->any = !solicited_only || tulle_cq_owes_any(cq);
	/* The CQE that is being read is not given back yet. */
	cq->cons.ci -= !!cq->cur;
	tulle_cons_arm(&cq->cons, cq->any ? TULLE_ARM_ANY :
					    TULLE_ARM_SOLICITED);
	cq->cons.ci += !!cq->cur;
	if (cq->any)
		cq->any_end = tulle_cq_end(cq);
}

/*
 * Stores to memory; the caller polls once more, as verbs demand. It may do this
 * between start_poll and end_poll, and has the lock then.
 */
int tulle_cq_arm(struct ibv_cq *ibcq, int solicited_only)
{
	struct tulle_cq *cq = to_tulle_cq(ibcq);
	bool locked = __atomic_load_n(&cq->poller, __ATOMIC_RELAXED) ==
		      pthread_self();

	if (!locked)
		tulle_lock(&cq->lock);
	tulle_cq_arm_locked(cq, solicited_only);
	if (!locked)
		tulle_unlock(&cq->lock);
	return 0;
}

/*
 * What remains moves up, the newest first, each to a place whose owner bit is
 * right already; then the consumer index skips the gap at the front.
 */
void tulle_cq_clean(struct tulle_cq *cq, u32 qpn)
{
	u32 size = 1U << cq->cons.ring.log_entry;
	u32 pi = tulle_cq_end(cq), gone = 0;
	char *entry, *to;

	dma_rmb();
	while (pi-- != cq->cons.ci) {
		const struct tulle_rdma_cqe *cqe;

		entry = tulle_ring_at(&cq->cons.ring, pi);
		cqe = (void *)(entry + size - sizeof(*cqe));
		if (le32_get_bits(cqe->qn_op, TULLE_CQE_QN) == qpn) {
			gone++;
		} else if (gone) {
			to = tulle_ring_at(&cq->cons.ring, pi + gone);
			memcpy(to, entry, size - 1);
		}
	}
	cq->cons.ci += gone;
	if (gone)
		tulle_cons_update(&cq->cons);
}
