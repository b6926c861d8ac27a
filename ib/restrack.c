// SPDX-License-Identifier: GPL-2.0
/* What `rdma resource show` tells beyond the verbs' own. */

#include <net/netlink.h>
#include <rdma/rdma_netlink.h>
#include <rdma/restrack.h>

#include "ib.h"

struct restrack_item {
	const char *name;
	u32 value;
};

static int restrack_put(struct sk_buff *msg, const struct restrack_item *item,
			unsigned int n)
{
	struct nlattr *table;

	table = nla_nest_start(msg, RDMA_NLDEV_ATTR_DRIVER);
	if (!table)
		return -EMSGSIZE;
	for (; n; n--, item++) {
		if (rdma_nl_put_driver_u32_hex(msg, item->name, item->value)) {
			nla_nest_cancel(msg, table);
			return -EMSGSIZE;
		}
	}
	nla_nest_end(msg, table);
	return 0;
}

/* The device's own context, as it is in tulle_hw.h. */
static int restrack_put_raw(struct sk_buff *msg, struct ib_device *ibdev,
			    u16 op, u32 handle, void *ctx, size_t len)
{
	struct tulle_dev *tdev = to_tulle_ib_dev(ibdev)->tdev;
	int err;

	err = tulle_obj_query(tdev, op, handle, ctx, len);
	if (err)
		return err;
	return nla_put(msg, RDMA_NLDEV_ATTR_RES_RAW, len, ctx);
}

static int restrack_qp(struct sk_buff *msg, struct ib_qp *ibqp)
{
	struct tulle_ib_qp *qp = to_tulle_ib_qp(ibqp);
	const struct restrack_item items[] = {
		{ "handle", qp->handle },
		{ "counter", qp->counter },
		{ "sq_pi", READ_ONCE(qp->sq.prod.pi) },
		{ "sq_ci", READ_ONCE(qp->sq.prod.ci) },
		{ "rq_pi", READ_ONCE(qp->rq.prod.pi) },
		{ "rq_ci", READ_ONCE(qp->rq.prod.ci) },
	};

	/* Of user space's rings the kernel knows no indices. */
	return restrack_put(msg, items, qp->is_user ? 2 : ARRAY_SIZE(items));
}

static int restrack_qp_raw(struct sk_buff *msg, struct ib_qp *ibqp)
{
	struct tulle_query_qp ctx;

	return restrack_put_raw(msg, ibqp->device, TULLE_CMD_QUERY_QP,
				to_tulle_ib_qp(ibqp)->handle, &ctx,
				sizeof(ctx));
}

static int restrack_cq(struct sk_buff *msg, struct ib_cq *ibcq)
{
	struct tulle_ib_cq *cq = to_tulle_ib_cq(ibcq);
	const struct restrack_item items[] = {
		{ "handle", cq->tcq.handle },
		{ "vector", cq->tcq.vec->index },
		{ "log_size", cq->tcq.cons.ring.log_size },
		{ "ci", READ_ONCE(cq->tcq.cons.ci) },
	};

	return restrack_put(msg, items, ibcq->uobject ? 3 : ARRAY_SIZE(items));
}

static int restrack_cq_raw(struct sk_buff *msg, struct ib_cq *ibcq)
{
	struct tulle_cq_ctx ctx;

	return restrack_put_raw(msg, ibcq->device, TULLE_CMD_QUERY_CQ,
				to_tulle_ib_cq(ibcq)->tcq.handle, &ctx,
				sizeof(ctx));
}

static int restrack_mr(struct sk_buff *msg, struct ib_mr *ibmr)
{
	struct tulle_ib_mr *mr = to_tulle_ib_mr(ibmr);
	const struct restrack_item items[] = {
		{ "handle", mr->handle },
		{ "page_size", ibmr->page_size },
		{ "max_pages", mr->max_pages },
	};

	return restrack_put(msg, items, ARRAY_SIZE(items));
}

static int restrack_mr_raw(struct sk_buff *msg, struct ib_mr *ibmr)
{
	struct tulle_mkey_ctx ctx;

	return restrack_put_raw(msg, ibmr->device, TULLE_CMD_QUERY_MKEY,
				to_tulle_ib_mr(ibmr)->handle, &ctx,
				sizeof(ctx));
}

static int restrack_srq(struct sk_buff *msg, struct ib_srq *ibsrq)
{
	struct tulle_ib_srq *srq = to_tulle_ib_srq(ibsrq);
	const struct restrack_item items[] = {
		{ "handle", srq->handle },
		{ "max_wr", srq->wq.max_wr },
		{ "max_sge", srq->wq.max_sge },
	};

	return restrack_put(msg, items, ARRAY_SIZE(items));
}

static int restrack_srq_raw(struct sk_buff *msg, struct ib_srq *ibsrq)
{
	struct tulle_srq_ctx ctx;

	return restrack_put_raw(msg, ibsrq->device, TULLE_CMD_QUERY_SRQ,
				to_tulle_ib_srq(ibsrq)->handle, &ctx,
				sizeof(ctx));
}

const struct ib_device_ops tulle_ib_restrack_ops = {
	.fill_res_cq_entry	= restrack_cq,
	.fill_res_cq_entry_raw	= restrack_cq_raw,
	.fill_res_mr_entry	= restrack_mr,
	.fill_res_mr_entry_raw	= restrack_mr_raw,
	.fill_res_qp_entry	= restrack_qp,
	.fill_res_qp_entry_raw	= restrack_qp_raw,
	.fill_res_srq_entry	= restrack_srq,
	.fill_res_srq_entry_raw	= restrack_srq_raw,
};
