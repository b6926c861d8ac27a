// SPDX-License-Identifier: GPL-2.0
/* Queue pairs of user space: their rings and records are the provider's. */

#include "ib.h"

static int qp_user_check(struct tulle_ib_dev *dev,
			 const struct tulle_ib_ureq_create_qp *req)
{
	const struct tulle_rdma_limits *rdma = &dev->tdev->rdma;

	if (memchr_inv(req->rsvd, 0, sizeof(req->rsvd)))
		return -EOPNOTSUPP;
	if (req->log_sq_size > rdma->log_max_qp_sq ||
	    req->log_rq_size > rdma->log_max_qp_rq ||
	    (req->rq_buf && (req->log_rq_wqe < 5 ||
			     req->log_rq_wqe > rdma->log_max_rq_wqe))) {
		ibdev_dbg(&dev->ibdev, "queue pair of 1 << %u blocks, 1 << %u WQEs of 1 << %u bytes\n",
			  req->log_sq_size, req->log_rq_size, req->log_rq_wqe);
		return -EINVAL;
	}
	return 0;
}

static int qp_user_get_sq(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp,
			  const struct tulle_ib_ureq_create_qp *req,
			  struct tulle_qp_ctx *ctx)
{
	int err;

	if (!req->sq_buf)
		return 0;
	err = tulle_ib_ring_get(dev, &qp->sq_umem, req->sq_buf,
				(size_t)TULLE_SQ_BLOCK << req->log_sq_size, 0);
	if (err)
		return err;
	ctx->sq = qp->sq_umem.pages;
	ctx->log_sq_size = req->log_sq_size;
	return 0;
}

static int qp_user_get_rq(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp,
			  const struct tulle_ib_ureq_create_qp *req,
			  struct tulle_qp_ctx *ctx)
{
	int err;

	if (!req->rq_buf)
		return 0;
	err = tulle_ib_ring_get(dev, &qp->rq_umem, req->rq_buf,
				1UL << (req->log_rq_size + req->log_rq_wqe), 0);
	if (err)
		return err;
	ctx->rq = qp->rq_umem.pages;
	ctx->log_rq_size = req->log_rq_size;
	ctx->log_rq_wqe = req->log_rq_wqe;
	return 0;
}

void tulle_ib_qp_put_user(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp)
{
	tulle_ib_dbr_put(&qp->user);
	tulle_ib_ring_put(dev, &qp->rq_umem);
	tulle_ib_ring_put(dev, &qp->sq_umem);
}

/**
 * tulle_ib_qp_get_user() - pin what a process gives for a queue pair
 * @dev: the device
 * @qp: the queue pair; its type is set
 * @init: what was asked for
 * @ctx: rings and record are filled
 * @udata: the provider's request
 *
 * Return: 0 or an error, and nothing is pinned.
 */
int tulle_ib_qp_get_user(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp,
			 struct ib_qp_init_attr *init,
			 struct tulle_qp_ctx *ctx, struct ib_udata *udata)
{
	struct tulle_ib_uctx *uctx = tulle_ib_udata_uctx(udata);
	struct tulle_ib_ureq_create_qp req;
	int err;

	err = ib_copy_validate_udata_in_cm(udata, req, rsvd, 0);
	if (!err)
		err = qp_user_check(dev, &req);
	if (err)
		return err;
	/* All others have an SQ, and an RQ unless receives are shared. */
	if (!req.sq_buf ||
	    (req.rq_buf && (init->srq || qp->type == TULLE_QP_XRC_INI)))
		return -EINVAL;
	err = qp_user_get_sq(dev, qp, &req, ctx);
	if (!err)
		err = qp_user_get_rq(dev, qp, &req, ctx);
	if (!err)
		err = tulle_ib_dbr_get(dev, &qp->user, uctx, req.dbr);
	if (err) {
		tulle_ib_qp_put_user(dev, qp);
		return err;
	}
	/* Only for those who ask: work requests are the provider's. */
	qp->sq.max_wr = init->cap.max_send_wr;
	qp->sq.max_sge = init->cap.max_send_sge;
	qp->rq.max_wr = init->srq ? 0 : init->cap.max_recv_wr;
	qp->rq.max_sge = init->srq ? 0 : init->cap.max_recv_sge;
	qp->max_inline = init->cap.max_inline_data;
	ctx->dbr = cpu_to_le64(qp->user.dbr_dma);
	ctx->uar = cpu_to_le16(uctx->uar.index);
	return 0;
}
