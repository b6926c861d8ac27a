// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Attributes of a queue pair: the bounds of each, and where they go.
 */
#include "rdma.h"

#define PSN_MASK	TFW_PSN_MASK
#define ACCESS_MASK	(TULLE_MKEY_LOCAL_READ | TULLE_MKEY_LOCAL_WRITE | \
			 TULLE_MKEY_REMOTE_READ | TULLE_MKEY_REMOTE_WRITE | \
			 TULLE_MKEY_REMOTE_ATOMIC | TULLE_MKEY_FLUSH)
#define AV_MASK		(TULLE_AV_FLOW_LABEL | TULLE_AV_F_VLAN)

/* Attributes that are a number with bounds. */
static const struct {
	u32	bit;
	u16	off;
	u8	size;
	u8	min;
	u32	max;
} ranges[] = {
#define RANGE(name, member, lo, hi) \
	{ TULLE_QP_MOD_##name, offsetof(struct tulle_qp_attr, member), \
	  sizeof(((struct tulle_qp_attr *)0)->member), lo, hi }
	RANGE(PKEY_INDEX, pkey_index, 0, 0),
	RANGE(PATH_MTU, path_mtu, 8, 12),
	RANGE(TIMEOUT, timeout, 0, 31),
	RANGE(RETRY_CNT, retry_cnt, 0, 7),
	RANGE(RNR_RETRY, rnr_retry, 0, 7),
	RANGE(RQ_PSN, rq_psn, 0, PSN_MASK),
	RANGE(MAX_RD_ATOMIC, max_rd_atomic, 0, TFW_MAX_RD_ATOMIC),
	RANGE(MIN_RNR_TIMER, min_rnr_timer, 0, 31),
	RANGE(SQ_PSN, sq_psn, 0, PSN_MASK),
	RANGE(MAX_DEST_RD_ATOMIC, max_dest_rd_atomic, 0, TFW_MAX_RD_ATOMIC),
	RANGE(DEST_QPN, dest_qpn, 0, PSN_MASK),
};

static u32 number_at(const void *p, u8 size)
{
	__le32 v32;
	__le16 v16;

	if (size == 1)
		return *(const u8 *)p;
	if (size == 2) {
		memcpy(&v16, p, sizeof(v16));
		return le16_to_cpu(v16);
	}
	memcpy(&v32, p, sizeof(v32));
	return le32_to_cpu(v32);
}

static enum tulle_status bad_attr(struct tfw_cmd *cmd, size_t off)
{
	return tfw_cmd_bad(cmd, offsetof(struct tulle_modify_qp, attr) + off);
}

#define BAD_ATTR(cmd, member) \
	bad_attr(cmd, offsetof(struct tulle_qp_attr, member))

/* Source and destination must be of one kind; the wire has no other. */
static enum tulle_status check_av(struct tfw_cmd *cmd,
				  const struct tulle_av *av)
{
	const struct tfw_gid *g;

	g = tfw_gid_at(cmd->func, le16_to_cpu(av->sgid));
	if (!g)
		return BAD_ATTR(cmd, av.sgid);
	if (le32_to_cpu(av->flow) & ~AV_MASK)
		return BAD_ATTR(cmd, av.flow);
	if (!(le32_to_cpu(av->flow) & TULLE_AV_F_VLAN) && av->vlan)
		return BAD_ATTR(cmd, av.vlan);
	if (g->type != (tfw_gid_is_v4(av->dgid) ? TULLE_GID_IPV4 :
						  TULLE_GID_IPV6))
		return BAD_ATTR(cmd, av.dgid);
	return TULLE_STATUS_OK;
}

static struct tfw_qp_counter *find_counter(struct tfw_func *f,
					   const struct tulle_qp_attr *attr)
{
	return tfw_obj_find(f, TULLE_OBJ_QP_COUNTER,
			    le32_to_cpu(attr->counter));
}

enum tulle_status tfw_qp_attr_check(struct tfw_cmd *cmd, struct tfw_qp *qp,
				    const struct tulle_modify_qp *req)
{
	const struct tulle_qp_attr *attr = &req->attr;
	u32 mask = le32_to_cpu(req->mask), i, val;

	for (i = 0; i < TFW_ARRAY_SIZE(ranges); i++) {
		if (!(mask & ranges[i].bit))
			continue;
		val = number_at((const u8 *)attr + ranges[i].off,
				ranges[i].size);
		if (val < ranges[i].min || val > ranges[i].max)
			return bad_attr(cmd, ranges[i].off);
	}
	if (attr->flags & ~(mask & TULLE_QP_MOD_SQD_EVENT ?
			    TULLE_QP_ATTR_SQD_EVENT : 0))
		return BAD_ATTR(cmd, flags);
	if (mask & TULLE_QP_MOD_ACCESS && attr->access & ~ACCESS_MASK)
		return BAD_ATTR(cmd, access);
	if (mask & TULLE_QP_MOD_COUNTER && attr->counter) {
		if (!tfw_has_cap(cmd->func, TULLE_CAP_RDMA_COUNTERS))
			return BAD_ATTR(cmd, counter);
		if (!find_counter(qp->obj.func, attr))
			return TULLE_STATUS_BAD_HANDLE;
	}
	return mask & TULLE_QP_MOD_AV ? check_av(cmd, &attr->av) :
					TULLE_STATUS_OK;
}

static void set_counter(struct tfw_qp *qp, struct tfw_qp_counter *c)
{
	if (c)
		tfw_obj_get(&c->obj);
	if (qp->counter)
		tfw_obj_put(&qp->counter->obj);
	qp->counter = c;
}

void tfw_qp_attr_set(struct tfw_qp *qp, const struct tulle_modify_qp *req)
{
	const struct tulle_qp_attr *in = &req->attr;
	u32 mask = le32_to_cpu(req->mask);

#define SET(name, member, value) do {					\
	if (mask & TULLE_QP_MOD_##name)					\
		qp->attr.member = (value);				\
} while (0)
	SET(SQD_EVENT, sqd_event, in->flags & TULLE_QP_ATTR_SQD_EVENT);
	SET(ACCESS, access, in->access);
	SET(PKEY_INDEX, pkey_index, le16_to_cpu(in->pkey_index));
	SET(QKEY, qkey, le32_to_cpu(in->qkey));
	SET(AV, av, in->av);
	SET(PATH_MTU, path_mtu, in->path_mtu);
	SET(TIMEOUT, timeout, in->timeout);
	SET(RETRY_CNT, retry_cnt, in->retry_cnt);
	SET(RNR_RETRY, rnr_retry, in->rnr_retry);
	SET(RQ_PSN, rq_psn, le32_to_cpu(in->rq_psn));
	SET(MAX_RD_ATOMIC, max_rd_atomic, in->max_rd_atomic);
	SET(MIN_RNR_TIMER, min_rnr_timer, in->min_rnr_timer);
	SET(SQ_PSN, sq_psn, le32_to_cpu(in->sq_psn));
	SET(MAX_DEST_RD_ATOMIC, max_dest_rd_atomic, in->max_dest_rd_atomic);
	SET(DEST_QPN, dest_qpn, le32_to_cpu(in->dest_qpn));
#undef SET
	if (mask & TULLE_QP_MOD_COUNTER)
		set_counter(qp, find_counter(qp->obj.func, in));
}

void tfw_qp_attr_get(const struct tfw_qp *qp, struct tulle_qp_attr *attr)
{
	*attr = (struct tulle_qp_attr){
		.state = qp->state,
		.cur_state = qp->state,
		.path_mtu = qp->attr.path_mtu,
		.access = qp->attr.access,
		.max_rd_atomic = qp->attr.max_rd_atomic,
		.max_dest_rd_atomic = qp->attr.max_dest_rd_atomic,
		.min_rnr_timer = qp->attr.min_rnr_timer,
		.timeout = qp->attr.timeout,
		.retry_cnt = qp->attr.retry_cnt,
		.rnr_retry = qp->attr.rnr_retry,
		.flags = (qp->attr.sqd_event ? TULLE_QP_ATTR_SQD_EVENT : 0) |
			 (qp->draining ? TULLE_QP_ATTR_DRAINING : 0),
		.pkey_index = cpu_to_le16(qp->attr.pkey_index),
		.qkey = cpu_to_le32(qp->attr.qkey),
		.dest_qpn = cpu_to_le32(qp->attr.dest_qpn),
		.sq_psn = cpu_to_le32(qp->attr.sq_psn),
		.rq_psn = cpu_to_le32(qp->attr.rq_psn),
		.counter = cpu_to_le32(qp->counter ?
				       qp->counter->obj.handle : 0),
		.av = qp->attr.av,
	};
}
