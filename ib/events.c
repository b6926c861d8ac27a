// SPDX-License-Identifier: GPL-2.0
/* Asynchronous events of queue pairs, shared receive queues and CQs. */

#include "ib.h"

/* Tell the consumer of a queue pair; process context, no locks. */
void tulle_ib_qp_event(struct tulle_ib_qp *qp, enum ib_event_type type)
{
	struct ib_event event = {
		.device = qp->ibqp.device,
		.event = type,
		.element.qp = &qp->ibqp,
	};

	if (qp->ibqp.event_handler)
		qp->ibqp.event_handler(&event, qp->ibqp.qp_context);
}

static void event_bogus(struct tulle_ib_dev *dev, const char *what, u32 handle,
			u32 code)
{
	ibdev_warn_ratelimited(&dev->ibdev, "event makes no sense: %s %#x code %#x\n",
			       what, handle, code);
}

static void event_qp(struct tulle_ib_dev *dev, u32 handle, u32 code)
{
	static const enum ib_event_type types[TULLE_QP_EVENTS] = {
		[TULLE_QP_EVENT_FATAL]		= IB_EVENT_QP_FATAL,
		[TULLE_QP_EVENT_REQ_ERR]	= IB_EVENT_QP_REQ_ERR,
		[TULLE_QP_EVENT_ACCESS_ERR]	= IB_EVENT_QP_ACCESS_ERR,
		[TULLE_QP_EVENT_COMM_EST]	= IB_EVENT_COMM_EST,
		[TULLE_QP_EVENT_SQ_DRAINED]	= IB_EVENT_SQ_DRAINED,
		[TULLE_QP_EVENT_LAST_WQE]	= IB_EVENT_QP_LAST_WQE_REACHED,
	};
	struct tulle_ib_qp *qp;

	if (code >= TULLE_QP_EVENTS) {
		event_bogus(dev, "QP", handle, code);
		return;
	}
	xa_lock(&dev->qps);
	qp = xa_load(&dev->qps, tulle_ib_index(handle));
	if (qp && (qp->handle != handle ||
		   !refcount_inc_not_zero(&qp->ref.users)))
		qp = NULL;
	xa_unlock(&dev->qps);
	if (!qp)
		return;
	tulle_ib_qp_event(qp, types[code]);
	tulle_ib_ref_put(&qp->ref);
}

static bool event_is_drained(const struct tulle_qp_attr *attr)
{
	return attr->state == TULLE_QPS_SQD &&
	       (attr->flags & (TULLE_QP_ATTR_SQD_EVENT |
			       TULLE_QP_ATTR_DRAINING)) ==
	       TULLE_QP_ATTR_SQD_EVENT;
}

/* By itself the device may be further than what was asked of it. */
static int event_qp_lost(struct tulle_ib_qp *qp, bool ask)
{
	struct tulle_query_qp rsp = {};
	int err = 0;

	if (READ_ONCE(qp->state) == IB_QPS_ERR)
		rsp.attr.state = TULLE_QPS_ERR;
	else if (ask)
		err = tulle_obj_query(qp->dev->tdev, TULLE_CMD_QUERY_QP,
				      qp->handle, &rsp, sizeof(rsp));
	if (err)
		return err;
	if (rsp.attr.state == TULLE_QPS_ERR && qp->ibqp.srq)
		tulle_ib_qp_event(qp, IB_EVENT_QP_LAST_WQE_REACHED);
	else if (event_is_drained(&rsp.attr))
		tulle_ib_qp_event(qp, IB_EVENT_SQ_DRAINED);
	return 0;
}

/**
 * tulle_ib_qps_lost() - events of queue pairs got lost, or come no more
 * @dev: the device, dead or alive
 *
 * Raises those that are waited for; they may come twice. Context: process.
 */
void tulle_ib_qps_lost(struct tulle_ib_dev *dev)
{
	bool ask = !tulle_ib_is_dead(dev);
	struct tulle_ib_qp *qp;
	unsigned long index;

	xa_lock(&dev->qps);
	xa_for_each(&dev->qps, index, qp) {
		if ((!qp->ibqp.srq && !READ_ONCE(qp->tell_drained)) ||
		    !refcount_inc_not_zero(&qp->ref.users))
			continue;
		xa_unlock(&dev->qps);
		/* Each that is not answered takes a command's time. */
		if (event_qp_lost(qp, ask))
			ask = false;
		tulle_ib_ref_put(&qp->ref);
		xa_lock(&dev->qps);
	}
	xa_unlock(&dev->qps);
}

/* Tell the consumer of a shared receive queue; the caller holds a reference. */
static void event_srq_tell(struct tulle_ib_srq *srq, u32 code)
{
	struct ib_event event = {
		.device = srq->ibsrq.device,
		.event = code == TULLE_SRQ_EVENT_LIMIT ?
			 IB_EVENT_SRQ_LIMIT_REACHED : IB_EVENT_SRQ_ERR,
		.element.srq = &srq->ibsrq,
	};

	if (code == TULLE_SRQ_EVENT_LIMIT)
		WRITE_ONCE(srq->armed, false);
	else if (xchg(&srq->failed, true))
		return;
	if (srq->ibsrq.event_handler)
		srq->ibsrq.event_handler(&event, srq->ibsrq.srq_context);
}

static void event_srq(struct tulle_ib_dev *dev, u32 handle, u32 code)
{
	struct tulle_ib_srq *srq;

	if (code >= TULLE_SRQ_EVENTS) {
		event_bogus(dev, "SRQ", handle, code);
		return;
	}
	xa_lock(&dev->srqs);
	srq = xa_load(&dev->srqs, tulle_ib_index(handle));
	if (srq && (srq->handle != handle ||
		    !refcount_inc_not_zero(&srq->ref.users)))
		srq = NULL;
	xa_unlock(&dev->srqs);
	if (!srq)
		return;
	event_srq_tell(srq, code);
	tulle_ib_ref_put(&srq->ref);
}

static int event_srq_lost(struct tulle_ib_srq *srq)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(srq->ibsrq.device);
	struct tulle_srq_ctx ctx;
	bool reached;
	int err;

	/* Not while a limit is set here and not yet there. */
	mutex_lock(&srq->mutex);
	err = tulle_obj_query(dev->tdev, TULLE_CMD_QUERY_SRQ, srq->handle,
			      &ctx, sizeof(ctx));
	reached = !err && !ctx.limit && READ_ONCE(srq->armed);
	mutex_unlock(&srq->mutex);
	if (err)
		return err;
	if (ctx.state == TULLE_QUEUE_ERROR)
		event_srq_tell(srq, TULLE_SRQ_EVENT_ERROR);
	if (reached)
		event_srq_tell(srq, TULLE_SRQ_EVENT_LIMIT);
	return 0;
}

/* As tulle_ib_qps_lost(). */
static void event_srqs_lost(struct tulle_ib_dev *dev)
{
	struct tulle_ib_srq *srq;
	unsigned long index;
	int err = 0;

	xa_lock(&dev->srqs);
	xa_for_each(&dev->srqs, index, srq) {
		if (!refcount_inc_not_zero(&srq->ref.users))
			continue;
		xa_unlock(&dev->srqs);
		err = event_srq_lost(srq);
		tulle_ib_ref_put(&srq->ref);
		xa_lock(&dev->srqs);
		if (err)
			break;
	}
	xa_unlock(&dev->srqs);
}

/*
 * No more completions come, and who waits for them in the kernel may not listen
 * to events. The caller holds a reference.
 */
static void event_cq_stopped(struct tulle_ib_cq *cq)
{
	struct ib_event event = {
		.device = cq->ibcq.device,
		.event = IB_EVENT_CQ_ERR,
		.element.cq = &cq->ibcq,
	};
	unsigned long flags;
	bool known;

	spin_lock_irqsave(&cq->lock, flags);
	known = cq->stopped;
	WRITE_ONCE(cq->stopped, true);
	if (!known && !cq->ibcq.uobject)
		tulle_ib_cq_break(cq, "stopped by the device", 0);
	spin_unlock_irqrestore(&cq->lock, flags);
	if (known)
		return;
	if (cq->ibcq.uobject)
		ibdev_err_ratelimited(event.device, "CQ %#x stopped\n",
				      cq->tcq.handle);
	if (cq->ibcq.event_handler)
		cq->ibcq.event_handler(&event, cq->ibcq.cq_context);
}

/**
 * tulle_ib_cq_ask() - has a CQ stopped, and the event of it got lost?
 * @cq: the CQ, with a reference
 *
 * Context: process.
 * Return: 0; an error when the device does not say.
 */
int tulle_ib_cq_ask(struct tulle_ib_cq *cq)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(cq->ibcq.device);
	struct tulle_cq_ctx ctx;
	int err;

	if (READ_ONCE(cq->stopped) || tulle_ib_is_dead(dev))
		return 0;
	err = tulle_obj_query(dev->tdev, TULLE_CMD_QUERY_CQ, cq->tcq.handle,
			      &ctx, sizeof(ctx));
	if (!err && ctx.state == TULLE_QUEUE_ERROR)
		event_cq_stopped(cq);
	return err;
}

static void event_cqs_lost(struct tulle_ib_dev *dev)
{
	struct tulle_ib_cq *cq;
	unsigned long index;
	int err = 0;

	xa_lock(&dev->cqs);
	xa_for_each(&dev->cqs, index, cq) {
		if (!refcount_inc_not_zero(&cq->ref.users))
			continue;
		xa_unlock(&dev->cqs);
		err = tulle_ib_cq_ask(cq);
		tulle_ib_ref_put(&cq->ref);
		xa_lock(&dev->cqs);
		/* Each that is not answered takes a command's time. */
		if (err)
			break;
	}
	xa_unlock(&dev->cqs);
}

static void event_cq(struct tulle_ib_dev *dev, u32 handle)
{
	struct tulle_ib_cq *cq;

	xa_lock(&dev->cqs);
	cq = xa_load(&dev->cqs, tulle_ib_index(handle));
	if (cq && (cq->tcq.handle != handle ||
		   !refcount_inc_not_zero(&cq->ref.users)))
		cq = NULL;
	xa_unlock(&dev->cqs);
	if (!cq)
		return;
	event_cq_stopped(cq);
	tulle_ib_ref_put(&cq->ref);
}

int tulle_ib_event(struct notifier_block *nb, unsigned long type, void *data)
{
	struct tulle_ib_dev *dev = container_of(nb, struct tulle_ib_dev,
						events);
	const struct tulle_async_event *event = data;

	switch (type) {
	case TULLE_EVENT_QP:
		if (!event->handle) {
			event_cqs_lost(dev);
			tulle_ib_qps_lost(dev);
			event_srqs_lost(dev);
			break;
		}
		event_qp(dev, event->handle, event->code);
		break;
	case TULLE_EVENT_SRQ:
		event_srq(dev, event->handle, event->code);
		break;
	case TULLE_EVENT_DEAD:
		tulle_ib_report_death(dev);
		break;
	case TULLE_EVENT_QUEUE_ERROR:
		if (event->obj == TULLE_OBJ_CQ)
			event_cq(dev, event->handle);
		break;
	}
	return NOTIFY_DONE;
}
