// SPDX-License-Identifier: GPL-2.0
/*
 * Queue pairs: attributes and states. The numbers of states and of the mask
 * are those of the verbs on both sides.
 */

#include <linux/log2.h>

#include "ib.h"

static_assert(TULLE_QPS_ERR == (int)IB_QPS_ERR);
static_assert(TULLE_QPS_SQE == (int)IB_QPS_SQE);
static_assert(TULLE_QP_MOD_AV == (int)IB_QP_AV);
static_assert(TULLE_QP_MOD_RQ_PSN == (int)IB_QP_RQ_PSN);
static_assert(TULLE_QP_MOD_DEST_QPN == (int)IB_QP_DEST_QPN);

#define QP_MTU_LOG(mtu)	((mtu) + 7)	/* IB_MTU_256 is 1 */
#define QP_REMOTE	(TULLE_MKEY_REMOTE_READ | TULLE_MKEY_REMOTE_WRITE | \
			 TULLE_MKEY_REMOTE_ATOMIC | TULLE_MKEY_FLUSH)

/* Attributes that the device takes, and those it need not know. */
#define QP_MASK_DEVICE	(IB_QP_STATE | IB_QP_CUR_STATE | \
			 IB_QP_EN_SQD_ASYNC_NOTIFY | IB_QP_ACCESS_FLAGS | \
			 IB_QP_PKEY_INDEX | IB_QP_QKEY | IB_QP_AV | \
			 IB_QP_PATH_MTU | IB_QP_TIMEOUT | IB_QP_RETRY_CNT | \
			 IB_QP_RNR_RETRY | IB_QP_RQ_PSN | \
			 IB_QP_MAX_QP_RD_ATOMIC | IB_QP_MIN_RNR_TIMER | \
			 IB_QP_SQ_PSN | IB_QP_MAX_DEST_RD_ATOMIC | \
			 IB_QP_DEST_QPN)
#define QP_MASK_OTHER	(IB_QP_PORT | IB_QP_PATH_MIG_STATE)

static int qp_check_attr(struct tulle_ib_qp *qp, const struct ib_qp_attr *attr,
			 int mask)
{
	const struct tulle_rdma_limits *rdma = &qp->dev->tdev->rdma;

	if (mask & ~(QP_MASK_DEVICE | QP_MASK_OTHER))
		return -EOPNOTSUPP;
	if (mask & IB_QP_PATH_MIG_STATE &&
	    attr->path_mig_state != IB_MIG_MIGRATED)
		return -EOPNOTSUPP;
	if ((mask & IB_QP_PORT && attr->port_num != TULLE_IB_PORT) ||
	    (mask & IB_QP_PKEY_INDEX && attr->pkey_index >= TULLE_IB_PKEYS) ||
	    (mask & IB_QP_MAX_QP_RD_ATOMIC &&
	     attr->max_rd_atomic > rdma->max_rd_atomic) ||
	    (mask & IB_QP_MAX_DEST_RD_ATOMIC &&
	     attr->max_dest_rd_atomic > rdma->max_dest_rd_atomic))
		return -EINVAL;
	if (mask & IB_QP_PATH_MTU &&
	    (attr->path_mtu < IB_MTU_256 || attr->path_mtu > IB_MTU_4096 ||
	     QP_MTU_LOG(attr->path_mtu) > rdma->max_mtu))
		return -EINVAL;
	if (mask & IB_QP_AV &&
	    (attr->ah_attr.type != RDMA_AH_ATTR_TYPE_ROCE ||
	     !(rdma_ah_get_ah_flags(&attr->ah_attr) & IB_AH_GRH)))
		return -EINVAL;
	return 0;
}

static void qp_fill_attr(struct tulle_qp_attr *to,
			 const struct ib_qp_attr *attr, int mask)
{
	if (mask & IB_QP_STATE)
		to->state = attr->qp_state;
	if (mask & IB_QP_CUR_STATE)
		to->cur_state = attr->cur_qp_state;
	if (mask & IB_QP_EN_SQD_ASYNC_NOTIFY && attr->en_sqd_async_notify)
		to->flags = TULLE_QP_ATTR_SQD_EVENT;
	if (mask & IB_QP_ACCESS_FLAGS)
		to->access = tulle_ib_access(attr->qp_access_flags) & QP_REMOTE;
	if (mask & IB_QP_QKEY)
		to->qkey = cpu_to_le32(attr->qkey);
	if (mask & IB_QP_AV)
		tulle_ib_av_fill(&to->av, &attr->ah_attr);
	if (mask & IB_QP_PATH_MTU)
		to->path_mtu = QP_MTU_LOG(attr->path_mtu);
	if (mask & IB_QP_TIMEOUT)
		to->timeout = attr->timeout;
	if (mask & IB_QP_RETRY_CNT)
		to->retry_cnt = attr->retry_cnt;
	if (mask & IB_QP_RNR_RETRY)
		to->rnr_retry = attr->rnr_retry;
	if (mask & IB_QP_RQ_PSN)
		to->rq_psn = cpu_to_le32(attr->rq_psn & 0xffffff);
	if (mask & IB_QP_MAX_QP_RD_ATOMIC)
		to->max_rd_atomic = attr->max_rd_atomic;
	if (mask & IB_QP_MIN_RNR_TIMER)
		to->min_rnr_timer = attr->min_rnr_timer;
	if (mask & IB_QP_SQ_PSN)
		to->sq_psn = cpu_to_le32(attr->sq_psn & 0xffffff);
	if (mask & IB_QP_MAX_DEST_RD_ATOMIC)
		to->max_dest_rd_atomic = attr->max_dest_rd_atomic;
	if (mask & IB_QP_DEST_QPN)
		to->dest_qpn = cpu_to_le32(attr->dest_qp_num);
}

static int qp_modify(struct tulle_ib_qp *qp, struct tulle_modify_qp *in)
{
	in->handle = cpu_to_le32(qp->handle);
	return tulle_cmd_exec(qp->dev->tdev, TULLE_CMD_MODIFY_QP, in,
			      sizeof(*in), NULL, 0);
}

/* What was checked; the caller keeps @qp->state. */
int tulle_ib_qp_set_attr(struct tulle_ib_qp *qp, const struct ib_qp_attr *attr,
			 int mask)
{
	struct tulle_modify_qp in = {
		.mask = cpu_to_le32(mask & QP_MASK_DEVICE),
	};

	qp_fill_attr(&in.attr, attr, mask);
	return qp_modify(qp, &in);
}

/* Only the state, likewise. */
int tulle_ib_qp_set_state(struct tulle_ib_qp *qp, u8 state)
{
	struct tulle_modify_qp in = {
		.mask = cpu_to_le32(TULLE_QP_MOD_STATE),
		.attr.state = state,
	};

	return qp_modify(qp, &in);
}

/*
 * Consumers take a queue pair that cannot be stopped for a bug of their own: a
 * dead device is stopped, and one that was broken was reset.
 */
static bool qp_is_stopped_anyway(const struct tulle_ib_qp *qp,
				 enum ib_qp_state state)
{
	if (state == IB_QPS_ERR)
		return tulle_ib_qp_is_flushed(qp);
	return state == IB_QPS_RESET && tulle_ib_is_dead(qp->dev);
}

static int qp_modify_locked(struct tulle_ib_qp *qp,
			    const struct ib_qp_attr *attr, int mask)
{
	enum ib_qp_state cur = mask & IB_QP_CUR_STATE ? attr->cur_qp_state :
							 qp->state;
	enum ib_qp_state next = mask & IB_QP_STATE ? attr->qp_state : cur;
	int err;

	if (!ib_modify_qp_is_ok(cur, next, qp->ibqp.qp_type, mask)) {
		ibdev_dbg(qp->ibqp.device, "QP %#x: no way from state %d to %d with mask %#x\n",
			  qp->handle, cur, next, mask);
		return -EINVAL;
	}
	err = qp_check_attr(qp, attr, mask);
	if (err)
		return err;
	/* Before it, because the event may come before the answer. */
	if (mask & IB_QP_EN_SQD_ASYNC_NOTIFY)
		WRITE_ONCE(qp->tell_drained, attr->en_sqd_async_notify);
	if (!qp_is_stopped_anyway(qp, next)) {
		err = tulle_ib_qp_set_attr(qp, attr, mask);
		/* Who drains its queue pair frees the memory next. */
		if (err && !qp->is_user && next == IB_QPS_ERR)
			tulle_dev_fail(qp->dev->tdev,
				       "a queue pair could not be stopped");
		if (err && !qp_is_stopped_anyway(qp, next))
			return err;
	}
	if (next == IB_QPS_RESET)
		tulle_ib_qp_reset_rings(qp);
	if (mask & IB_QP_AV)
		qp->sl = rdma_ah_get_sl(&attr->ah_attr);
	/* A change of attributes alone may find the device in another state. */
	if (mask & IB_QP_STATE)
		WRITE_ONCE(qp->state, next);
	return 0;
}

/* In ERR everything outstanding comes back, by whoever does it. */
static void qp_after_error(struct tulle_ib_qp *qp)
{
	if (!tulle_ib_qp_is_flushed(qp))
		return;
	if (!qp->is_user)
		tulle_ib_qp_wake(qp);
	if (qp->ibqp.srq)
		tulle_ib_qp_event(qp, IB_EVENT_QP_LAST_WQE_REACHED);
}

int tulle_ib_modify_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
		       struct ib_udata *udata)
{
	struct tulle_ib_qp *qp = to_tulle_ib_qp(ibqp);
	int err;

	err = ib_no_udata_io(udata);
	if (err)
		return err;
	mutex_lock(&qp->mutex);
	err = qp_modify_locked(qp, attr, mask);
	mutex_unlock(&qp->mutex);
	if (!err && mask & IB_QP_STATE && attr->qp_state == IB_QPS_ERR)
		qp_after_error(qp);
	return err;
}

static int qp_access_read(u8 access)
{
	return (access & TULLE_MKEY_REMOTE_READ ? IB_ACCESS_REMOTE_READ : 0) |
	       (access & TULLE_MKEY_REMOTE_WRITE ? IB_ACCESS_REMOTE_WRITE : 0) |
	       (access & TULLE_MKEY_REMOTE_ATOMIC ? IB_ACCESS_REMOTE_ATOMIC :
						    0) |
	       (access & TULLE_MKEY_FLUSH ? IB_ACCESS_FLUSH_GLOBAL : 0);
}

static void qp_read_attr(struct tulle_ib_qp *qp,
			 const struct tulle_qp_attr *from,
			 struct ib_qp_attr *attr)
{
	/* One that is stopped in software was reset on the device. */
	attr->qp_state = READ_ONCE(qp->flush) ? IB_QPS_ERR :
			 min_t(u8, from->state, IB_QPS_ERR);
	attr->cur_qp_state = attr->qp_state;
	attr->path_mtu = clamp(from->path_mtu, 8, 12) - 7;
	attr->path_mig_state = IB_MIG_MIGRATED;
	attr->qkey = le32_to_cpu(from->qkey);
	attr->rq_psn = le32_to_cpu(from->rq_psn) & 0xffffff;
	attr->sq_psn = le32_to_cpu(from->sq_psn) & 0xffffff;
	attr->dest_qp_num = le32_to_cpu(from->dest_qpn) & 0xffffff;
	attr->qp_access_flags = qp_access_read(from->access);
	attr->pkey_index = min_t(u16, le16_to_cpu(from->pkey_index),
				 TULLE_IB_PKEYS - 1);
	attr->en_sqd_async_notify = from->flags & TULLE_QP_ATTR_SQD_EVENT;
	attr->sq_draining = !!(from->flags & TULLE_QP_ATTR_DRAINING);
	attr->max_rd_atomic = from->max_rd_atomic;
	attr->max_dest_rd_atomic = from->max_dest_rd_atomic;
	attr->min_rnr_timer = from->min_rnr_timer;
	attr->port_num = TULLE_IB_PORT;
	attr->timeout = from->timeout;
	attr->retry_cnt = from->retry_cnt;
	attr->rnr_retry = from->rnr_retry;
	if (qp->type != TULLE_QP_UD && qp->type != TULLE_QP_GSI &&
	    qp->type != TULLE_QP_RAW)
		tulle_ib_av_read(&from->av, qp->sl, &attr->ah_attr);
}

int tulle_ib_query_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
		      struct ib_qp_init_attr *init)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibqp->device);
	struct tulle_ib_qp *qp = to_tulle_ib_qp(ibqp);
	struct tulle_query_qp rsp;
	int err;

	err = tulle_obj_query(dev->tdev, TULLE_CMD_QUERY_QP, qp->handle, &rsp,
			      sizeof(rsp));
	if (err)
		return err;
	memset(attr, 0, sizeof(*attr));
	memset(init, 0, sizeof(*init));
	qp_read_attr(qp, &rsp.attr, attr);
	attr->cap.max_send_wr = qp->sq.max_wr;
	attr->cap.max_send_sge = qp->sq.max_sge;
	attr->cap.max_recv_wr = qp->rq.max_wr;
	attr->cap.max_recv_sge = qp->rq.max_sge;
	attr->cap.max_inline_data = qp->max_inline;
	init->cap = attr->cap;
	init->qp_type = ibqp->qp_type;
	init->qp_context = ibqp->qp_context;
	init->send_cq = ibqp->send_cq;
	init->recv_cq = ibqp->recv_cq;
	init->srq = ibqp->srq;
	init->xrcd = ibqp->xrcd;
	init->sq_sig_type = qp->sig_all ? IB_SIGNAL_ALL_WR : IB_SIGNAL_REQ_WR;
	if (rsp.ctx.flags & TULLE_QP_F_NO_LOOPBACK)
		init->create_flags = IB_QP_CREATE_BLOCK_MULTICAST_LOOPBACK;
	init->port_num = TULLE_IB_PORT;
	return 0;
}
