// SPDX-License-Identifier: GPL-2.0
/* Queue pairs: create and destroy. */

#include "ib.h"

#define QP_TYPE_NONE	0xff

static u8 qp_type(struct tulle_ib_dev *dev, enum ib_qp_type type)
{
	const struct tulle_dev *tdev = dev->tdev;

	switch (type) {
	case IB_QPT_RC:
		return TULLE_QP_RC;
	case IB_QPT_UD:
		return TULLE_QP_UD;
	case IB_QPT_GSI:
		return TULLE_QP_GSI;
	case IB_QPT_UC:
		return tulle_cap(tdev, RDMA_UC) ? TULLE_QP_UC : QP_TYPE_NONE;
	case IB_QPT_XRC_INI:
		return tulle_cap(tdev, RDMA_XRC) ? TULLE_QP_XRC_INI :
						   QP_TYPE_NONE;
	case IB_QPT_XRC_TGT:
		return tulle_cap(tdev, RDMA_XRC) ? TULLE_QP_XRC_TGT :
						   QP_TYPE_NONE;
	case IB_QPT_RAW_PACKET:
		return tulle_cap(tdev, RDMA_RAW) ? TULLE_QP_RAW : QP_TYPE_NONE;
	default:
		return QP_TYPE_NONE;
	}
}

/* What is said of queues that it does not have is nobody's concern. */
static bool qp_is_too_large(const struct tulle_rdma_limits *rdma,
			    const struct ib_qp_init_attr *init)
{
	const struct ib_qp_cap *cap = &init->cap;

	if (init->qp_type == IB_QPT_XRC_TGT)
		return false;
	if (cap->max_send_wr > 1U << rdma->log_max_qp_sq ||
	    cap->max_send_sge > rdma->max_sq_sges ||
	    cap->max_inline_data > rdma->max_inline)
		return true;
	return !init->srq && (cap->max_recv_wr > 1U << rdma->log_max_qp_rq ||
			      cap->max_recv_sge > rdma->max_rq_sges);
}

static int qp_check(struct tulle_ib_dev *dev, struct ib_qp_init_attr *init)
{
	const struct ib_qp_cap *cap = &init->cap;

	if (init->create_flags & ~IB_QP_CREATE_BLOCK_MULTICAST_LOOPBACK) {
		ibdev_dbg(&dev->ibdev, "QP create flags %#x are not offered\n",
			  init->create_flags);
		return -EOPNOTSUPP;
	}
	if (init->rwq_ind_tbl)
		return -EOPNOTSUPP;
	if (qp_is_too_large(&dev->tdev->rdma, init)) {
		ibdev_dbg(&dev->ibdev, "queue pair with %u/%u WRs, %u/%u SGEs, %u bytes inline is too large\n",
			  cap->max_send_wr, cap->max_recv_wr,
			  cap->max_send_sge, cap->max_recv_sge,
			  cap->max_inline_data);
		return -EINVAL;
	}
	return 0;
}

static void qp_fill_ctx(struct tulle_ib_qp *qp, struct ib_qp_init_attr *init,
			struct tulle_qp_ctx *ctx)
{
	ctx->type = qp->type;
	/* Targets of XRC have the protection domains of their SRQs. */
	if (qp->ibqp.pd)
		ctx->pd = cpu_to_le32(to_tulle_ib_pd(qp->ibqp.pd)->handle);
	if (qp->type == TULLE_QP_XRC_TGT)
		ctx->xrcd = cpu_to_le32(to_tulle_ib_xrcd(init->xrcd)->handle);
	else
		ctx->send_cq =
			cpu_to_le32(to_tulle_ib_cq(init->send_cq)->tcq.handle);
	if (qp->type != TULLE_QP_XRC_TGT && qp->type != TULLE_QP_XRC_INI)
		ctx->recv_cq =
			cpu_to_le32(to_tulle_ib_cq(init->recv_cq)->tcq.handle);
	if (init->srq && qp->type != TULLE_QP_XRC_TGT)
		ctx->srq = cpu_to_le32(to_tulle_ib_srq(init->srq)->handle);
	/* The kernel's WQEs say it themselves. */
	if (qp->sig_all && qp->is_user)
		ctx->flags |= TULLE_QP_F_SIG_ALL;
	if (init->create_flags & IB_QP_CREATE_BLOCK_MULTICAST_LOOPBACK)
		ctx->flags |= TULLE_QP_F_NO_LOOPBACK;
}

static int qp_get_rings(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp,
			struct ib_qp_init_attr *init, struct tulle_qp_ctx *ctx,
			struct ib_udata *udata)
{
	/* Targets of XRC have none: they receive into shared ones. */
	if (qp->type == TULLE_QP_XRC_TGT)
		return 0;
	if (udata)
		return tulle_ib_qp_get_user(dev, qp, init, ctx, udata);
	return tulle_ib_qp_alloc_kernel(dev, qp, init, ctx);
}

static void qp_put_rings(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp)
{
	if (qp->is_user)
		tulle_ib_qp_put_user(dev, qp);
	else
		tulle_ib_qp_free_kernel(dev, qp);
}

static int qp_enlist(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp)
{
	int err;

	err = tulle_ib_qp_enlist(qp);
	if (!err)
		err = tulle_ib_name(dev, &dev->qps, qp->qpn, qp);
	if (err)
		tulle_ib_qp_delist(qp);
	else
		tulle_ib_qp_check_cqs(qp);
	return err;
}

static int qp_make(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp,
		   const struct tulle_qp_ctx *ctx)
{
	int err;

	err = tulle_obj_create(dev->tdev, TULLE_CMD_CREATE_QP, ctx,
			       sizeof(*ctx), &qp->handle);
	/* The device has its own copy of the lists. */
	tulle_ib_pages_unmap(dev, &qp->sq_umem);
	tulle_ib_pages_unmap(dev, &qp->rq_umem);
	if (err)
		return err;
	qp->qpn = tulle_ib_index(qp->handle);
	qp->ibqp.qp_num = qp->type == TULLE_QP_GSI ? TULLE_QPN_GSI : qp->qpn;
	err = qp_enlist(dev, qp);
	if (err)
		tulle_obj_destroy(dev->tdev, TULLE_CMD_DESTROY_QP, qp->handle);
	return err;
}

/* Nobody hears of it, and the device knows it no more. */
static void qp_unmake(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp)
{
	xa_erase(&dev->qps, qp->qpn);
	tulle_ib_ref_kill(&qp->ref);
	mutex_lock(&qp->mutex);
	qp->gone = true;
	mutex_unlock(&qp->mutex);
	tulle_obj_destroy(dev->tdev, TULLE_CMD_DESTROY_QP, qp->handle);
	tulle_ib_qp_delist(qp);
}

static int qp_respond(struct tulle_ib_qp *qp, struct ib_udata *udata)
{
	struct tulle_ib_uresp_create_qp rsp = { .handle = qp->handle };

	return udata ? ib_respond_udata(udata, rsp) : 0;
}

static int qp_create(struct ib_qp *ibqp, struct ib_qp_init_attr *init,
		     struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibqp->device);
	struct tulle_ib_qp *qp = to_tulle_ib_qp(ibqp);
	struct tulle_qp_ctx ctx = {};
	int err;

	err = qp_check(dev, init);
	if (err)
		return err;
	qp->type = qp_type(dev, init->qp_type);
	if (qp->type == QP_TYPE_NONE) {
		ibdev_dbg(&dev->ibdev, "queue pairs of type %d are not offered\n",
			  init->qp_type);
		return -EOPNOTSUPP;
	}
	qp->dev = dev;
	/* Processes' targets of XRC are the core's: it hands over no udata. */
	qp->is_user = udata || qp->type == TULLE_QP_XRC_TGT;
	qp->sig_all = init->sq_sig_type == IB_SIGNAL_ALL_WR;
	qp->state = IB_QPS_RESET;
	mutex_init(&qp->mutex);
	tulle_ib_ref_init(&qp->ref);
	INIT_WORK(&qp->broken_work, tulle_ib_qp_broken_work);
	err = qp_get_rings(dev, qp, init, &ctx, udata);
	if (err)
		goto err_destroy_mutex;
	qp_fill_ctx(qp, init, &ctx);
	err = qp_make(dev, qp, &ctx);
	if (err)
		goto err_put_rings;
	err = qp_respond(qp, udata);
	if (err)
		goto err_unmake;
	tulle_ib_obj_count(dev, TULLE_IB_QPS);
	return 0;

err_unmake:
	qp_unmake(dev, qp);
err_put_rings:
	qp_put_rings(dev, qp);
err_destroy_mutex:
	mutex_destroy(&qp->mutex);
	return err;
}

static int qp_destroy(struct ib_qp *ibqp, struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibqp->device);
	struct tulle_ib_qp *qp = to_tulle_ib_qp(ibqp);
	int err;

	err = ib_no_udata_io(udata);
	if (err)
		return err;
	qp_unmake(dev, qp);
	qp_put_rings(dev, qp);
	mutex_destroy(&qp->mutex);
	tulle_ib_obj_gone(dev, TULLE_IB_QPS);
	return 0;
}

const struct ib_device_ops tulle_ib_qp_ops = {
	.create_qp	= qp_create,
	.destroy_qp	= qp_destroy,
	.modify_qp	= tulle_ib_modify_qp,
	.query_qp	= tulle_ib_query_qp,
	.post_send	= tulle_ib_post_send,
	.post_recv	= tulle_ib_post_recv,
	INIT_RDMA_OBJ_SIZE(ib_qp, tulle_ib_qp, ibqp),
};
