// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Shared receive queues, those of XRC included. */

#include "provider.h"

/* The ring has room for what is asked, or more. */
static int tulle_srq_memory(struct tulle_srq *srq, struct ibv_pd *pd,
			    const struct ibv_srq_attr *attr)
{
	const struct tulle_ib_uresp_alloc_ucontext *info = &srq->ctx->info;
	struct ibv_qp_cap cap = {
		.max_recv_wr = attr->max_wr,
		.max_recv_sge = attr->max_sge,
		.max_send_wr = 1,
	};
	struct tulle_qp_size size;
	struct tulle_dbr *dbr;
	int err;

	/* The WQEs of a QP's own RQ have the same limits. */
	err = tulle_qp_size(info, IBV_QPT_RC, false, &cap, &size);
	if (err)
		return err;
	err = tulle_buf_alloc(&srq->buf, pd, TULLEDV_RES_TYPE_SRQ,
			      1UL << (size.log_rq + size.log_rq_wqe));
	if (err)
		return err;
	dbr = tulle_dbr_alloc(srq->ctx);
	if (!dbr) {
		tulle_buf_free(&srq->buf);
		return ENOMEM;
	}
	tulle_ring_init(&srq->rq.ring, srq->buf.addr, size.log_rq,
			size.log_rq_wqe);
	tulle_prod_init(&srq->rq, dbr);
	srq->max_sges = cap.max_recv_sge;
	return 0;
}

static void tulle_srq_fill(const struct tulle_srq *srq,
			   struct ibv_srq_attr *attr)
{
	attr->max_wr = tulle_ring_size(&srq->rq.ring);
	attr->max_sge = srq->max_sges;
}

static void tulle_srq_free(struct tulle_srq *srq)
{
	tulle_dbr_free(srq->ctx, srq->rq.dbr);
	tulle_buf_free(&srq->buf);
	tulle_lock_cleanup(&srq->lock);
	free(srq);
}

static struct tulle_srq *tulle_srq_new(struct ibv_pd *pd,
				       const struct ibv_srq_attr *attr)
{
	struct tulle_srq *srq;

	srq = calloc(1, sizeof(*srq));
	if (!srq)
		return NULL;
	srq->ctx = to_tulle_context(pd->context);
	errno = tulle_lock_init(&srq->lock, !tulle_single_threaded(pd));
	if (errno)
		goto err_free;
	errno = tulle_srq_memory(srq, pd, attr);
	if (errno)
		goto err_lock;
	return srq;

err_lock:
	tulle_lock_cleanup(&srq->lock);
err_free:
	free(srq);
	return NULL;
}

static struct tulle_ib_ureq_create_srq
tulle_srq_request(const struct tulle_srq *srq)
{
	return (struct tulle_ib_ureq_create_srq) {
		.buf = (uintptr_t)srq->buf.addr,
		.dbr = (uintptr_t)srq->rq.dbr,
		.log_size = srq->rq.ring.log_size,
		.log_wqe_size = srq->rq.ring.log_entry,
	};
}

struct ibv_srq *tulle_srq_create(struct ibv_pd *pd,
				 struct ibv_srq_init_attr *attr)
{
	struct tulle_u_create_srq_resp resp = {};
	struct tulle_u_create_srq cmd = {};
	struct tulle_srq *srq;

	srq = tulle_srq_new(pd, &attr->attr);
	if (!srq)
		return NULL;
	cmd.drv = tulle_srq_request(srq);
	errno = ibv_cmd_create_srq(pd, &srq->vsrq.srq, attr, &cmd.ibv,
				   sizeof(cmd), &resp.ibv, sizeof(resp));
	if (errno) {
		tulle_srq_free(srq);
		return NULL;
	}
	tulle_srq_fill(srq, &attr->attr);
	srq->handle = resp.drv.handle;
	return &srq->vsrq.srq;
}

static struct ibv_srq *tulle_xsrq_create(struct ibv_context *context,
					 struct ibv_srq_init_attr_ex *attr)
{
	struct tulle_u_create_srq_resp resp = {};
	struct tulle_u_create_xsrq cmd = {};
	struct tulle_srq *srq;

	srq = tulle_srq_new(attr->pd, &attr->attr);
	if (!srq)
		return NULL;
	cmd.drv = tulle_srq_request(srq);
	errno = ibv_cmd_create_srq_ex(context, &srq->vsrq, attr, &cmd.ibv,
				      sizeof(cmd), &resp.ibv, sizeof(resp));
	if (errno) {
		tulle_srq_free(srq);
		return NULL;
	}
	tulle_srq_fill(srq, &attr->attr);
	srq->handle = resp.drv.handle;
	srq->vsrq.srq_num = srq->handle & TULLE_HANDLE_INDEX;
	/* What the library does for the other kind only. */
	srq->vsrq.srq.srq_context = attr->srq_context;
	srq->vsrq.srq.pd = attr->pd;
	return &srq->vsrq.srq;
}

struct ibv_srq *tulle_srq_create_ex(struct ibv_context *context,
				    struct ibv_srq_init_attr_ex *attr)
{
	const uint32_t xrc = IBV_SRQ_INIT_ATTR_XRCD | IBV_SRQ_INIT_ATTR_CQ;
	const uint32_t known = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_PD |
			       xrc;
	enum ibv_srq_type type = attr->comp_mask & IBV_SRQ_INIT_ATTR_TYPE ?
				 attr->srq_type : IBV_SRQT_BASIC;

	if (attr->comp_mask & ~known || type > IBV_SRQT_XRC) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	if (!(attr->comp_mask & IBV_SRQ_INIT_ATTR_PD) ||
	    (type == IBV_SRQT_XRC && (attr->comp_mask & xrc) != xrc)) {
		errno = EINVAL;
		return NULL;
	}
	return tulle_xsrq_create(context, attr);
}

int tulle_srq_modify(struct ibv_srq *ibsrq, struct ibv_srq_attr *attr,
		     int mask)
{
	struct ibv_modify_srq cmd = {};

	return ibv_cmd_modify_srq(ibsrq, attr, mask, &cmd, sizeof(cmd));
}

int tulle_srq_query(struct ibv_srq *ibsrq, struct ibv_srq_attr *attr)
{
	struct tulle_srq *srq = to_tulle_srq(ibsrq);
	struct ibv_query_srq cmd = {};
	int err;

	err = ibv_cmd_query_srq(ibsrq, attr, &cmd, sizeof(cmd));
	if (err)
		return err;
	tulle_srq_fill(srq, attr);
	return 0;
}

int tulle_srq_destroy(struct ibv_srq *ibsrq)
{
	int err = ibv_cmd_destroy_srq(ibsrq);

	if (err)
		return err;
	tulle_srq_free(to_tulle_srq(ibsrq));
	return 0;
}

int tulle_srq_num(struct ibv_srq *ibsrq, uint32_t *num)
{
	*num = to_tulle_srq(ibsrq)->vsrq.srq_num;
	return 0;
}

/*
 * Completions say what was taken, but not all of them are seen here: those of
 * an XRC target name a queue pair that may be another process's, and those of
 * a queue pair that is gone never come. When nothing seems free the device's
 * own word is heard. If it is wrong, an application that keeps to the limits
 * it was told still overwrites nothing.
 */
static u32 tulle_srq_room(struct tulle_srq *srq)
{
	u32 room = tulle_prod_room_now(&srq->rq);

	if (!room) {
		u32 hint = le32_to_cpu(READ_ONCE(srq->rq.dbr->ci_hint));

		tulle_prod_done(&srq->rq, hint);
		room = tulle_prod_room_now(&srq->rq);
	}
	return room;
}

int tulle_srq_post(struct ibv_srq *ibsrq, struct ibv_recv_wr *wr,
		   struct ibv_recv_wr **bad)
{
	struct tulle_srq *srq = to_tulle_srq(ibsrq);
	u32 room, pi;
	int err = 0;

	tulle_lock(&srq->lock);
	pi = srq->rq.pi;
	room = tulle_srq_room(srq);
	for (; wr; wr = wr->next) {
		err = room ? tulle_rq_write(&srq->rq, srq->max_sges, wr) :
			     ENOMEM;
		if (err) {
			*bad = wr;
			break;
		}
		room--;
	}
	if (srq->rq.pi != pi && tulle_prod_publish(&srq->rq))
		tulle_doorbell(srq->ctx, TULLE_UAR_SRQ, srq->handle);
	tulle_unlock(&srq->lock);
	return err;
}
