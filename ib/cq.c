// SPDX-License-Identifier: GPL-2.0
/* Completion queues: create, resize, moderate, destroy. */

#include <linux/log2.h>
#include <linux/rcupdate.h>
#include <rdma/ib_umem.h>

#include "ib.h"

#define CQ_LOG_CQE_KERNEL	5
#define CQ_LOG_SIZE_MIN		4

/* From the event queue, in hard interrupt context. */
static void cq_comp_kernel(struct tulle_cq *tcq)
{
	tulle_ib_cq_wake(container_of(tcq, struct tulle_ib_cq, tcq));
}

static void cq_comp_user(struct tulle_cq *tcq)
{
	struct ib_cq *ibcq = &container_of(tcq, struct tulle_ib_cq, tcq)->ibcq;

	if (ibcq->comp_handler)
		ibcq->comp_handler(ibcq, ibcq->cq_context);
}

/*
 * A consumer hears of a CQ only when it asked for it, whatever the device
 * says, and only while there are queue pairs: without them ib_core may be
 * freeing what its handler uses. Any context.
 */
void tulle_ib_cq_wake(struct tulle_ib_cq *cq)
{
	struct ib_cq *ibcq = &cq->ibcq;

	/* Pairs with tulle_compat_wake_sync(). */
	rcu_read_lock();
	/* With none it stays armed, see qp_arm_again(). */
	if (!xa_empty(&cq->qps) && xchg(&cq->armed, false) &&
	    ibcq->comp_handler)
		ibcq->comp_handler(ibcq, ibcq->cq_context);
	rcu_read_unlock();
}

static void cq_wake_work(struct work_struct *work)
{
	tulle_ib_cq_wake(container_of(work, struct tulle_ib_cq, wake_work));
}

/* For who may hold locks that the consumer's handler takes. */
void tulle_ib_cq_wake_later(struct tulle_ib_cq *cq)
{
	if (READ_ONCE(cq->armed))
		queue_work(to_tulle_ib_dev(cq->ibcq.device)->adev->wake_wq,
			   &cq->wake_work);
}

void tulle_ib_cqs_lock(struct ib_cq *send, struct ib_cq *recv,
		       unsigned long *flags)
{
	struct tulle_ib_cq *a = send ? to_tulle_ib_cq(send) : NULL;
	struct tulle_ib_cq *b = recv ? to_tulle_ib_cq(recv) : NULL;

	if (a == b)
		b = NULL;
	/* Any two queue pairs must agree on the order. */
	if (!a || (b && a > b))
		swap(a, b);
	spin_lock_irqsave(&a->lock, *flags);
	if (b)
		spin_lock_nested(&b->lock, SINGLE_DEPTH_NESTING);
}

void tulle_ib_cqs_unlock(struct ib_cq *send, struct ib_cq *recv,
			 unsigned long flags)
{
	struct tulle_ib_cq *a = send ? to_tulle_ib_cq(send) : NULL;
	struct tulle_ib_cq *b = recv ? to_tulle_ib_cq(recv) : NULL;

	if (a == b)
		b = NULL;
	if (!a || (b && a > b))
		swap(a, b);
	if (b)
		spin_unlock(&b->lock);
	spin_unlock_irqrestore(&a->lock, flags);
}

static void cq_init(struct tulle_ib_cq *cq)
{
	spin_lock_init(&cq->lock);
	xa_init(&cq->qps);
	mutex_init(&cq->mutex);
	INIT_WORK(&cq->wake_work, cq_wake_work);
	tulle_ib_ref_init(&cq->ref);
}

static struct tulle_vec *cq_vec(struct tulle_ib_dev *dev,
				const struct ib_cq_init_attr *attr)
{
	return dev->vec[attr->comp_vector % dev->nvecs];
}

static int cq_enlist(struct tulle_ib_dev *dev, struct tulle_ib_cq *cq)
{
	return tulle_ib_name(dev, &dev->cqs, tulle_ib_index(cq->tcq.handle),
			     cq);
}

static int cq_log_size(struct tulle_ib_dev *dev, u32 cqe)
{
	u32 max = dev->tdev->limits.log_max_cq_size;
	u32 log_size;

	if (!cqe || cqe > 1U << max)
		return -EINVAL;
	log_size = max_t(u32, order_base_2(cqe), CQ_LOG_SIZE_MIN);
	return min(log_size, max);
}

static int cq_create_kernel(struct ib_cq *ibcq,
			    const struct ib_cq_init_attr *init,
			    struct uverbs_attr_bundle *attrs)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibcq->device);
	struct tulle_ib_cq *cq = to_tulle_ib_cq(ibcq);
	struct tulle_cq_attr attr = {
		.log_cqe_size = CQ_LOG_CQE_KERNEL,
	};
	int log_size, err;

	if (init->flags)
		return -EOPNOTSUPP;
	log_size = cq_log_size(dev, init->cqe);
	if (log_size < 0)
		return log_size;
	attr.log_size = log_size;
	cq_init(cq);
	cq->tcq.comp = cq_comp_kernel;
	err = tulle_cq_create(dev->tdev, &cq->tcq, cq_vec(dev, init), &attr);
	if (err)
		return err;
	err = cq_enlist(dev, cq);
	if (err) {
		tulle_cq_destroy(dev->tdev, &cq->tcq);
		return err;
	}
	ibcq->cqe = 1U << log_size;
	tulle_ib_obj_count(dev, TULLE_IB_CQS);
	return 0;
}

static int cq_check_user(struct tulle_ib_dev *dev,
			 const struct tulle_ib_ureq_create_cq *req,
			 const struct ib_cq_init_attr *init)
{
	if (memchr_inv(req->rsvd, 0, sizeof(req->rsvd)))
		return -EOPNOTSUPP;
	if (req->log_cqe_size < 5 || req->log_cqe_size > 6 ||
	    req->log_size > dev->tdev->limits.log_max_cq_size ||
	    !init->cqe || init->cqe > 1U << req->log_size ||
	    req->buf & ~PAGE_MASK) {
		ibdev_dbg(&dev->ibdev, "CQ of 1 << %u entries of 1 << %u bytes for %u CQEs\n",
			  req->log_size, req->log_cqe_size, init->cqe);
		return -EINVAL;
	}
	return 0;
}

static int cq_pin_user(struct tulle_ib_dev *dev, struct tulle_ib_cq *cq,
		       const struct tulle_ib_ureq_create_cq *req,
		       struct tulle_ib_uctx *uctx,
		       struct uverbs_attr_bundle *attrs)
{
	struct ib_umem *umem;
	int err;

	umem = ib_umem_get_cq_buf_or_va(&dev->ibdev, attrs, req->buf,
					1UL << (req->log_size +
						req->log_cqe_size),
					IB_ACCESS_LOCAL_WRITE);
	if (IS_ERR(umem))
		return PTR_ERR(umem);
	cq->umem.umem = umem;
	err = tulle_ib_ring_map(dev, &cq->umem, req->buf);
	if (err)
		return err;
	err = tulle_ib_dbr_get(dev, &cq->user, uctx, req->dbr);
	if (err)
		tulle_ib_ring_put(dev, &cq->umem);
	return err;
}

static int cq_make_user(struct tulle_ib_dev *dev, struct tulle_ib_cq *cq,
			const struct tulle_ib_ureq_create_cq *req,
			struct tulle_vec *vec)
{
	struct tulle_cq_ctx ctx = {
		.pages = cq->umem.pages,
		.dbr = cpu_to_le64(cq->user.dbr_dma),
		.log_size = req->log_size,
		.log_cqe_size = req->log_cqe_size,
		.uar = cpu_to_le16(cq->user.uctx->uar.index),
	};
	int err;

	cq->tcq.comp = cq_comp_user;
	/* For resize: the kernel does not look into the ring. */
	cq->tcq.cons.ring.log_size = req->log_size;
	cq->tcq.cons.ring.log_entry = req->log_cqe_size;
	err = tulle_cq_create_on(dev->tdev, &cq->tcq, vec, &ctx);
	tulle_ib_pages_unmap(dev, &cq->umem);
	if (err)
		return err;
	err = cq_enlist(dev, cq);
	if (err)
		tulle_cq_destroy(dev->tdev, &cq->tcq);
	return err;
}

static void cq_unlist(struct tulle_ib_dev *dev, struct tulle_ib_cq *cq)
{
	xa_erase(&dev->cqs, tulle_ib_index(cq->tcq.handle));
	tulle_ib_ref_kill(&cq->ref);
}

static int cq_create_user(struct ib_cq *ibcq,
			  const struct ib_cq_init_attr *init,
			  struct uverbs_attr_bundle *attrs)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibcq->device);
	struct ib_udata *udata = &attrs->driver_udata;
	struct tulle_ib_uctx *uctx = tulle_ib_udata_uctx(udata);
	struct tulle_ib_cq *cq = to_tulle_ib_cq(ibcq);
	struct tulle_ib_uresp_create_cq rsp = {};
	struct tulle_ib_ureq_create_cq req;
	int err;

	/* Timestamps of completions come with CQEs of 64 bytes. */
	if (init->flags & ~IB_UVERBS_CQ_FLAGS_TIMESTAMP_COMPLETION)
		return -EOPNOTSUPP;
	err = ib_copy_validate_udata_in_cm(udata, req, rsvd, 0);
	if (!err)
		err = cq_check_user(dev, &req, init);
	if (err)
		return err;
	cq_init(cq);
	err = cq_pin_user(dev, cq, &req, uctx, attrs);
	if (err)
		return err;
	err = cq_make_user(dev, cq, &req, cq_vec(dev, init));
	if (err)
		goto err_unpin;
	rsp.handle = cq->tcq.handle;
	err = ib_respond_udata(udata, rsp);
	if (err)
		goto err_destroy;
	ibcq->cqe = 1U << req.log_size;
	tulle_ib_obj_count(dev, TULLE_IB_CQS);
	return 0;

err_destroy:
	cq_unlist(dev, cq);
	tulle_cq_destroy(dev->tdev, &cq->tcq);
err_unpin:
	tulle_ib_dbr_put(&cq->user);
	tulle_ib_ring_put(dev, &cq->umem);
	return err;
}

TULLE_DEFINE_CREATE_CQ(cq_create_kernel, cq_create_user);

/*
 * When it returns, nobody calls the consumer's handlers any more; polling finds
 * an empty queue.
 */
static int cq_retire(struct ib_cq *ibcq)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibcq->device);
	struct tulle_ib_cq *cq = to_tulle_ib_cq(ibcq);

	/* ib_core may still poll, arm and moderate it. */
	mutex_lock(&cq->mutex);
	spin_lock_irq(&cq->lock);
	cq->gone = true;
	spin_unlock_irq(&cq->lock);
	mutex_unlock(&cq->mutex);
	cq_unlist(dev, cq);
	tulle_cq_retire(dev->tdev, &cq->tcq);
	/* Not queued again: all queue pairs are gone. */
	cancel_work_sync(&cq->wake_work);
	return 0;
}

static void cq_free(struct ib_cq *ibcq)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibcq->device);
	struct tulle_ib_cq *cq = to_tulle_ib_cq(ibcq);

	tulle_cq_destroy(dev->tdev, &cq->tcq);
	tulle_ib_dbr_put(&cq->user);
	tulle_ib_ring_put(dev, &cq->umem);
	WARN_ON_ONCE(!xa_empty(&cq->qps));
	mutex_destroy(&cq->mutex);
	tulle_ib_obj_gone(dev, TULLE_IB_CQS);
}

/* What ib_core polls itself it destroys in two steps, where it knows of them. */
static int cq_destroy(struct ib_cq *ibcq, struct ib_udata *udata)
{
	int err;

	err = ib_no_udata_io(udata);
	if (err)
		return err;
	cq_retire(ibcq);
	cq_free(ibcq);
	return 0;
}

static int cq_resize_locked(struct tulle_ib_dev *dev, struct tulle_ib_cq *cq,
			    const struct tulle_ib_ureq_resize_cq *req)
{
	struct tulle_ring *ring = &cq->tcq.cons.ring;
	struct tulle_resize_cq in = {
		.handle = cpu_to_le32(cq->tcq.handle),
		.log_size = req->log_size,
	};
	struct tulle_ib_umem um = {};
	int err;

	err = tulle_ib_ring_get(dev, &um, req->buf,
				1UL << (req->log_size + ring->log_entry),
				IB_ACCESS_LOCAL_WRITE);
	if (err)
		return err;
	in.pages = um.pages;
	err = tulle_cmd_exec(dev->tdev, TULLE_CMD_RESIZE_CQ, &in, sizeof(in),
			     NULL, 0);
	tulle_ib_pages_unmap(dev, &um);
	if (err) {
		/* Which ring is in use now? Neither, with DMA off. */
		if (err == -EPROTO)
			tulle_dev_fail(dev->tdev, "a CQ was resized or not");
		tulle_ib_ring_put(dev, &um);
		return err;
	}
	swap(cq->umem, um);
	tulle_ib_ring_put(dev, &um);
	ring->log_size = req->log_size;
	cq->ibcq.cqe = 1U << req->log_size;
	return 0;
}

static int cq_resize(struct ib_cq *ibcq, unsigned int cqe,
		     struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibcq->device);
	struct tulle_ib_cq *cq = to_tulle_ib_cq(ibcq);
	struct tulle_ib_ureq_resize_cq req;
	int err;

	err = ib_copy_validate_udata_in_cm(udata, req, rsvd, 0);
	if (err)
		return err;
	if (memchr_inv(req.rsvd, 0, sizeof(req.rsvd)) ||
	    req.log_size > dev->tdev->limits.log_max_cq_size ||
	    !cqe || cqe > 1U << req.log_size)
		return -EINVAL;
	mutex_lock(&cq->mutex);
	err = cq_resize_locked(dev, cq, &req);
	mutex_unlock(&cq->mutex);
	return err ?: ib_respond_empty_udata(udata);
}

TULLE_DEFINE_RESIZE_USER_CQ(cq_resize);

/* Also what adaptive moderation calls, which knows no limits. */
static int cq_modify(struct ib_cq *ibcq, u16 count, u16 period)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibcq->device);
	const struct tulle_limits *limits = &dev->tdev->limits;
	struct tulle_ib_cq *cq = to_tulle_ib_cq(ibcq);
	int err = 0;

	if (!tulle_cap(dev->tdev, CQ_MODERATION))
		return -EOPNOTSUPP;
	mutex_lock(&cq->mutex);
	if (!cq->gone)
		err = tulle_cq_moderate(dev->tdev, &cq->tcq,
					min_t(u32, count,
					      limits->max_moderation_frames),
					min_t(u32, period,
					      limits->max_moderation_usecs), 0);
	mutex_unlock(&cq->mutex);
	return err;
}

const struct ib_device_ops tulle_ib_cq_ops = {
	TULLE_CREATE_CQ(cq_create_kernel, cq_create_user)
	TULLE_RESIZE_USER_CQ(cq_resize)
	TULLE_PRE_DESTROY_CQ(cq_retire, cq_free)
	.destroy_cq	= cq_destroy,
	.modify_cq	= cq_modify,
	.poll_cq	= tulle_ib_poll_cq,
	.req_notify_cq	= tulle_ib_req_notify_cq,
	INIT_RDMA_OBJ_SIZE(ib_cq, tulle_ib_cq, ibcq),
};
