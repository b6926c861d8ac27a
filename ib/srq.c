// SPDX-License-Identifier: GPL-2.0
/* Shared receive queues: create, arm, destroy. */

#include <linux/log2.h>
#include <linux/slab.h>

#include "ib.h"

#define SRQ_LOG_MIN	4

static int srq_alloc_table(struct tulle_ib_srq *srq, u32 n)
{
	srq->wq.rwqe = kvzalloc_objs(*srq->wq.rwqe, n);
	srq->free = kvmalloc_objs(*srq->free, n);
	if (!srq->wq.rwqe || !srq->free)
		return -ENOMEM;
	for (srq->nfree = 0; srq->nfree < n; srq->nfree++)
		srq->free[srq->nfree] = srq->nfree;
	return 0;
}

static void srq_free_kernel(struct tulle_ib_dev *dev, struct tulle_ib_srq *srq)
{
	kvfree(srq->free);
	kvfree(srq->wq.rwqe);
	tulle_dbr_free(dev->tdev, &srq->dbr);
	tulle_mem_free(dev->tdev, &srq->wq.mem);
}

static int srq_alloc_kernel(struct tulle_ib_dev *dev, struct tulle_ib_srq *srq,
			    struct ib_srq_attr *attr,
			    struct tulle_srq_ctx *ctx)
{
	u32 log_size = max_t(u32, order_base_2(attr->max_wr), SRQ_LOG_MIN);
	u32 log_wqe = order_base_2(struct_size_t(struct tulle_rq_wqe, sge,
						 max(attr->max_sge, 1U)));
	int err;

	spin_lock_init(&srq->wq.lock);
	err = tulle_mem_alloc(dev->tdev, &srq->wq.mem,
			      1UL << (log_size + log_wqe));
	if (!err)
		err = tulle_dbr_alloc(dev->tdev, &srq->dbr);
	if (!err)
		err = srq_alloc_table(srq, 1U << log_size);
	if (err) {
		srq_free_kernel(dev, srq);
		return err;
	}
	tulle_ring_init(&srq->wq.prod.ring, srq->wq.mem.buf, log_size,
			log_wqe);
	tulle_prod_init(&srq->wq.prod, srq->dbr.dbr);
	srq->wq.max_wr = attr->max_wr;
	ctx->pages = srq->wq.mem.pages;
	ctx->dbr = cpu_to_le64(srq->dbr.dma);
	ctx->log_size = log_size;
	ctx->log_wqe_size = log_wqe;
	ctx->uar = cpu_to_le16(TULLE_UAR_KERNEL);
	ctx->flags |= TULLE_SRQ_F_KERNEL;
	return 0;
}

static int srq_get_user(struct tulle_ib_dev *dev, struct tulle_ib_srq *srq,
			struct tulle_srq_ctx *ctx, struct ib_udata *udata)
{
	const struct tulle_rdma_limits *rdma = &dev->tdev->rdma;
	struct tulle_ib_uctx *uctx = tulle_ib_udata_uctx(udata);
	struct tulle_ib_ureq_create_srq req;
	int err;

	err = ib_copy_validate_udata_in_cm(udata, req, rsvd, 0);
	if (err)
		return err;
	if (memchr_inv(req.rsvd, 0, sizeof(req.rsvd)) ||
	    req.log_size > rdma->log_max_qp_rq || req.log_wqe_size < 5 ||
	    req.log_wqe_size > rdma->log_max_rq_wqe)
		return -EINVAL;
	err = tulle_ib_ring_get(dev, &srq->umem, req.buf,
				1UL << (req.log_size + req.log_wqe_size), 0);
	if (err)
		return err;
	err = tulle_ib_dbr_get(dev, &srq->user, uctx, req.dbr);
	if (err) {
		tulle_ib_ring_put(dev, &srq->umem);
		return err;
	}
	/* The provider tells its user of the whole ring. */
	srq->wq.max_wr = 1U << req.log_size;
	ctx->pages = srq->umem.pages;
	ctx->dbr = cpu_to_le64(srq->user.dbr_dma);
	ctx->log_size = req.log_size;
	ctx->log_wqe_size = req.log_wqe_size;
	ctx->uar = cpu_to_le16(uctx->uar.index);
	return 0;
}

static void srq_put_rings(struct tulle_ib_dev *dev, struct tulle_ib_srq *srq)
{
	srq_free_kernel(dev, srq);
	tulle_ib_dbr_put(&srq->user);
	tulle_ib_ring_put(dev, &srq->umem);
}

static int srq_check(struct tulle_ib_dev *dev, struct ib_srq_init_attr *init)
{
	const struct tulle_rdma_limits *rdma = &dev->tdev->rdma;

	if (init->srq_type != IB_SRQT_BASIC &&
	    (init->srq_type != IB_SRQT_XRC || !tulle_cap(dev->tdev, RDMA_XRC)))
		return -EOPNOTSUPP;
	if (!init->attr.max_wr ||
	    init->attr.max_wr > 1U << rdma->log_max_qp_rq ||
	    init->attr.max_sge > rdma->max_rq_sges ||
	    init->attr.srq_limit > min(init->attr.max_wr, U16_MAX))
		return -EINVAL;
	return 0;
}

static int srq_arm(struct tulle_ib_dev *dev, struct tulle_ib_srq *srq,
		   u32 limit)
{
	struct tulle_arm_srq in = {
		.handle = cpu_to_le32(srq->handle),
		.limit = cpu_to_le16(limit),
	};
	bool before;
	int err;

	mutex_lock(&srq->mutex);
	before = READ_ONCE(srq->armed);
	/* The event may come before the answer. */
	WRITE_ONCE(srq->armed, limit);
	err = tulle_cmd_exec(dev->tdev, TULLE_CMD_ARM_SRQ, &in, sizeof(in),
			     NULL, 0);
	if (err)
		WRITE_ONCE(srq->armed, before);
	mutex_unlock(&srq->mutex);
	return err;
}

static void srq_fill_ctx(struct ib_srq *ibsrq, struct ib_srq_init_attr *init,
			 struct tulle_srq_ctx *ctx)
{
	ctx->pd = cpu_to_le32(to_tulle_ib_pd(ibsrq->pd)->handle);
	if (init->srq_type != IB_SRQT_XRC)
		return;
	ctx->flags |= TULLE_SRQ_F_XRC;
	ctx->cq = cpu_to_le32(to_tulle_ib_cq(init->ext.cq)->tcq.handle);
	ctx->xrcd =
		cpu_to_le32(to_tulle_ib_xrcd(init->ext.xrc.xrcd)->handle);
}

static int srq_make(struct tulle_ib_dev *dev, struct tulle_ib_srq *srq,
		    const struct tulle_srq_ctx *ctx)
{
	int err;

	err = tulle_obj_create(dev->tdev, TULLE_CMD_CREATE_SRQ, ctx,
			       sizeof(*ctx), &srq->handle);
	tulle_ib_pages_unmap(dev, &srq->umem);
	if (err)
		return err;
	tulle_ib_ref_init(&srq->ref);
	mutex_init(&srq->mutex);
	err = tulle_ib_name(dev, &dev->srqs, tulle_ib_index(srq->handle), srq);
	if (err) {
		mutex_destroy(&srq->mutex);
		tulle_obj_destroy(dev->tdev, TULLE_CMD_DESTROY_SRQ,
				  srq->handle);
	}
	return err;
}

static void srq_unmake(struct tulle_ib_dev *dev, struct tulle_ib_srq *srq)
{
	xa_erase(&dev->srqs, tulle_ib_index(srq->handle));
	tulle_ib_ref_kill(&srq->ref);
	mutex_destroy(&srq->mutex);
	tulle_obj_destroy(dev->tdev, TULLE_CMD_DESTROY_SRQ, srq->handle);
}

/* What the consumer learns, and what it asked for beyond the queue itself. */
static int srq_finish(struct tulle_ib_dev *dev, struct tulle_ib_srq *srq,
		      struct ib_srq_init_attr *init, struct ib_udata *udata)
{
	struct tulle_ib_uresp_create_srq rsp = { .handle = srq->handle };
	int err = 0;

	srq->wq.max_sge = init->attr.max_sge;
	if (init->srq_type == IB_SRQT_XRC)
		srq->ibsrq.ext.xrc.srq_num = tulle_ib_index(srq->handle);
	if (init->attr.srq_limit)
		err = srq_arm(dev, srq, init->attr.srq_limit);
	if (!err && udata)
		err = ib_respond_udata(udata, rsp);
	return err;
}

static int srq_create(struct ib_srq *ibsrq, struct ib_srq_init_attr *init,
		      struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibsrq->device);
	struct tulle_ib_srq *srq = to_tulle_ib_srq(ibsrq);
	struct tulle_srq_ctx ctx = {};
	int err;

	err = srq_check(dev, init);
	if (err)
		return err;
	err = udata ? srq_get_user(dev, srq, &ctx, udata) :
		      srq_alloc_kernel(dev, srq, &init->attr, &ctx);
	if (err)
		return err;
	srq_fill_ctx(ibsrq, init, &ctx);
	err = srq_make(dev, srq, &ctx);
	if (err)
		goto err_put_rings;
	err = srq_finish(dev, srq, init, udata);
	if (err)
		goto err_unmake;
	tulle_ib_obj_count(dev, TULLE_IB_SRQS);
	return 0;

err_unmake:
	srq_unmake(dev, srq);
err_put_rings:
	srq_put_rings(dev, srq);
	return err;
}

static int srq_modify(struct ib_srq *ibsrq, struct ib_srq_attr *attr,
		      enum ib_srq_attr_mask mask, struct ib_udata *udata)
{
	struct tulle_ib_srq *srq = to_tulle_ib_srq(ibsrq);
	int err;

	err = ib_no_udata_io(udata);
	if (err)
		return err;
	if (mask & ~IB_SRQ_LIMIT)
		return -EOPNOTSUPP;
	if (attr->srq_limit > min(srq->wq.max_wr, U16_MAX))
		return -EINVAL;
	return mask ? srq_arm(to_tulle_ib_dev(ibsrq->device), srq,
			      attr->srq_limit) : 0;
}

static int srq_query(struct ib_srq *ibsrq, struct ib_srq_attr *attr)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibsrq->device);
	struct tulle_ib_srq *srq = to_tulle_ib_srq(ibsrq);
	struct tulle_srq_ctx ctx;
	int err;

	err = tulle_obj_query(dev->tdev, TULLE_CMD_QUERY_SRQ, srq->handle,
			      &ctx, sizeof(ctx));
	if (err)
		return err;
	attr->max_wr = srq->wq.max_wr;
	attr->max_sge = srq->wq.max_sge;
	attr->srq_limit = min_t(u32, le16_to_cpu(ctx.limit), srq->wq.max_wr);
	return 0;
}

static int srq_destroy(struct ib_srq *ibsrq, struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibsrq->device);
	struct tulle_ib_srq *srq = to_tulle_ib_srq(ibsrq);
	int err;

	err = ib_no_udata_io(udata);
	if (err)
		return err;
	srq_unmake(dev, srq);
	srq_put_rings(dev, srq);
	tulle_ib_obj_gone(dev, TULLE_IB_SRQS);
	return 0;
}

const struct ib_device_ops tulle_ib_srq_ops = {
	.create_srq	= srq_create,
	.modify_srq	= srq_modify,
	.query_srq	= srq_query,
	.destroy_srq	= srq_destroy,
	.post_srq_recv	= tulle_ib_post_srq_recv,
	INIT_RDMA_OBJ_SIZE(ib_srq, tulle_ib_srq, ibsrq),
};
