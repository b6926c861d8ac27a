// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * States of a queue pair: which follow each other, what a driver must and may
 * give on the way, and what happens then.
 */
#include "rdma.h"

#define M(name)		TULLE_QP_MOD_##name
#define CONNECT		(M(AV) | M(PATH_MTU) | M(DEST_QPN) | M(RQ_PSN))
#define AS_RESPONDER	(M(MAX_DEST_RD_ATOMIC) | M(MIN_RNR_TIMER))
#define AS_REQUESTER	(M(TIMEOUT) | M(RETRY_CNT) | M(RNR_RETRY) | \
			 M(MAX_RD_ATOMIC))
#define MOD_ALL		(M(STATE) | M(CUR_STATE) | M(SQD_EVENT) | M(ACCESS) | \
			 M(PKEY_INDEX) | M(QKEY) | CONNECT | AS_RESPONDER | \
			 AS_REQUESTER | M(SQ_PSN) | M(COUNTER))
/* Goes with everything. */
#define MOD_ANY		(M(STATE) | M(CUR_STATE) | M(COUNTER))

/* What a transition requires and permits besides, of one type of QP. */
struct attrs {
	u32	must;
	u32	may;
};

struct transition {
	u8		from;
	u8		to;
	struct attrs	type[TULLE_QP_RAW + 1];
};

#define ATTRS_INIT { \
	[TULLE_QP_RC]		= { M(PKEY_INDEX) | M(ACCESS), 0 }, \
	[TULLE_QP_UC]		= { M(PKEY_INDEX) | M(ACCESS), 0 }, \
	[TULLE_QP_UD]		= { M(PKEY_INDEX) | M(QKEY), 0 }, \
	[TULLE_QP_GSI]		= { M(PKEY_INDEX) | M(QKEY), 0 }, \
	[TULLE_QP_XRC_INI]	= { M(PKEY_INDEX) | M(ACCESS), 0 }, \
	[TULLE_QP_XRC_TGT]	= { M(PKEY_INDEX) | M(ACCESS), 0 }, \
}

#define ATTRS_INIT_AGAIN { \
	[TULLE_QP_RC]		= { 0, M(PKEY_INDEX) | M(ACCESS) }, \
	[TULLE_QP_UC]		= { 0, M(PKEY_INDEX) | M(ACCESS) }, \
	[TULLE_QP_UD]		= { 0, M(PKEY_INDEX) | M(QKEY) }, \
	[TULLE_QP_GSI]		= { 0, M(PKEY_INDEX) | M(QKEY) }, \
	[TULLE_QP_XRC_INI]	= { 0, M(PKEY_INDEX) | M(ACCESS) }, \
	[TULLE_QP_XRC_TGT]	= { 0, M(PKEY_INDEX) | M(ACCESS) }, \
}

#define ATTRS_RTR { \
	[TULLE_QP_RC]		= { CONNECT | AS_RESPONDER, \
				    M(PKEY_INDEX) | M(ACCESS) }, \
	[TULLE_QP_UC]		= { CONNECT, M(PKEY_INDEX) | M(ACCESS) }, \
	[TULLE_QP_UD]		= { 0, M(PKEY_INDEX) | M(QKEY) }, \
	[TULLE_QP_GSI]		= { 0, M(PKEY_INDEX) | M(QKEY) }, \
	[TULLE_QP_XRC_INI]	= { CONNECT, M(PKEY_INDEX) | M(ACCESS) }, \
	[TULLE_QP_XRC_TGT]	= { CONNECT | AS_RESPONDER, \
				    M(PKEY_INDEX) | M(ACCESS) }, \
}

#define ATTRS_RTS { \
	[TULLE_QP_RC]		= { AS_REQUESTER | M(SQ_PSN), \
				    M(ACCESS) | M(MIN_RNR_TIMER) }, \
	[TULLE_QP_UC]		= { M(SQ_PSN), M(ACCESS) }, \
	[TULLE_QP_UD]		= { M(SQ_PSN), M(QKEY) }, \
	[TULLE_QP_GSI]		= { M(SQ_PSN), M(QKEY) }, \
	[TULLE_QP_XRC_INI]	= { AS_REQUESTER | M(SQ_PSN), M(ACCESS) }, \
	[TULLE_QP_XRC_TGT]	= { M(TIMEOUT) | M(SQ_PSN), \
				    M(ACCESS) | M(MIN_RNR_TIMER) }, \
}

/* Running on, or running again. */
#define ATTRS_RUN { \
	[TULLE_QP_RC]		= { 0, M(ACCESS) | M(MIN_RNR_TIMER) }, \
	[TULLE_QP_UC]		= { 0, M(ACCESS) }, \
	[TULLE_QP_UD]		= { 0, M(QKEY) }, \
	[TULLE_QP_GSI]		= { 0, M(QKEY) }, \
	[TULLE_QP_XRC_INI]	= { 0, M(ACCESS) }, \
	[TULLE_QP_XRC_TGT]	= { 0, M(ACCESS) | M(MIN_RNR_TIMER) }, \
}

#define ATTRS_SQD { \
	[TULLE_QP_RC]		= { 0, M(SQD_EVENT) }, \
	[TULLE_QP_UC]		= { 0, M(SQD_EVENT) }, \
	[TULLE_QP_UD]		= { 0, M(SQD_EVENT) }, \
	[TULLE_QP_GSI]		= { 0, M(SQD_EVENT) }, \
	[TULLE_QP_XRC_INI]	= { 0, M(SQD_EVENT) }, \
	[TULLE_QP_XRC_TGT]	= { 0, M(SQD_EVENT) }, \
	[TULLE_QP_RAW]		= { 0, M(SQD_EVENT) }, \
}

#define ATTRS_SQD_AGAIN { \
	[TULLE_QP_RC]		= { 0, M(AV) | AS_REQUESTER | AS_RESPONDER | \
				       M(PKEY_INDEX) | M(ACCESS) }, \
	[TULLE_QP_UC]		= { 0, M(AV) | M(PKEY_INDEX) | M(ACCESS) }, \
	[TULLE_QP_UD]		= { 0, M(PKEY_INDEX) | M(QKEY) }, \
	[TULLE_QP_GSI]		= { 0, M(PKEY_INDEX) | M(QKEY) }, \
	[TULLE_QP_XRC_INI]	= { 0, M(AV) | AS_REQUESTER | \
				       M(PKEY_INDEX) | M(ACCESS) }, \
	[TULLE_QP_XRC_TGT]	= { 0, M(AV) | M(TIMEOUT) | AS_RESPONDER | \
				       M(PKEY_INDEX) | M(ACCESS) }, \
}

static const struct transition transitions[] = {
	{ TULLE_QPS_RESET, TULLE_QPS_INIT, ATTRS_INIT },
	{ TULLE_QPS_INIT, TULLE_QPS_INIT, ATTRS_INIT_AGAIN },
	{ TULLE_QPS_INIT, TULLE_QPS_RTR, ATTRS_RTR },
	{ TULLE_QPS_RTR, TULLE_QPS_RTS, ATTRS_RTS },
	{ TULLE_QPS_RTS, TULLE_QPS_RTS, ATTRS_RUN },
	{ TULLE_QPS_RTS, TULLE_QPS_SQD, ATTRS_SQD },
	{ TULLE_QPS_SQD, TULLE_QPS_SQD, ATTRS_SQD_AGAIN },
	{ TULLE_QPS_SQD, TULLE_QPS_RTS, ATTRS_RUN },
	{ TULLE_QPS_SQE, TULLE_QPS_RTS, ATTRS_RUN },
};

/* Only queue pairs that do not acknowledge stop their SQ alone. */
static bool has_sqe(const struct tfw_qp *qp)
{
	return qp->type == TULLE_QP_UC || qp->type == TULLE_QP_UD ||
	       qp->type == TULLE_QP_GSI || qp->type == TULLE_QP_RAW;
}

/* NULL: there is no such way. */
static const struct attrs *find_attrs(const struct tfw_qp *qp, u8 to)
{
	static const struct attrs none;
	size_t i;

	if (to == TULLE_QPS_RESET || to == TULLE_QPS_ERR)
		return &none;
	for (i = 0; i < TFW_ARRAY_SIZE(transitions); i++)
		if (transitions[i].from == qp->state &&
		    transitions[i].to == to)
			return &transitions[i].type[qp->type];
	return NULL;
}

static enum tulle_status check_way(struct tfw_cmd *cmd,
				   const struct tfw_qp *qp, u8 to)
{
	const struct tulle_modify_qp *req = cmd->in;
	u32 mask = le32_to_cpu(req->mask);
	const struct attrs *a;

	if (mask & ~MOD_ALL || !mask)
		return TFW_CMD_BAD(cmd, struct tulle_modify_qp, mask);
	if (to > TULLE_QPS_ERR)
		return TFW_CMD_BAD(cmd, struct tulle_modify_qp, attr.state);
	if (mask & TULLE_QP_MOD_CUR_STATE &&
	    req->attr.cur_state != qp->state)
		return TULLE_STATUS_BAD_STATE;
	/* A counter may come and go at any time. */
	if (to == qp->state && !(mask & ~MOD_ANY))
		return TULLE_STATUS_OK;
	a = find_attrs(qp, to);
	if (!a)
		return TULLE_STATUS_BAD_STATE;
	if ((mask & a->must) != a->must ||
	    mask & ~(a->must | a->may | MOD_ANY))
		return TFW_CMD_BAD(cmd, struct tulle_modify_qp, mask);
	return TULLE_STATUS_OK;
}

bool tfw_qp_can_receive(const struct tfw_qp *qp)
{
	return qp->state >= TULLE_QPS_RTR && qp->state <= TULLE_QPS_SQE;
}

bool tfw_qp_can_send(const struct tfw_qp *qp)
{
	return qp->state == TULLE_QPS_RTS;
}

/*
 * Of an SRQ nothing is flushed but the WQE that was taken already; the driver
 * learns that no other will be.
 */
static void flush_srq(struct tfw_qp *qp)
{
	if (!qp->srq && qp->type != TULLE_QP_XRC_TGT)
		return;
	tfw_qp_flush_recv(qp);
	if (qp->srq)
		tfw_event_qp(qp, TULLE_QP_EVENT_LAST_WQE);
}

static void enter(struct tfw_qp *qp, u8 state)
{
	u8 old = qp->state;

	qp->state = state;
	if (state != old)
		qp->draining = state == TULLE_QPS_SQD;
	if (old < TULLE_QPS_RTR)
		qp->comm_est = false;
	tfw_transport_changed(qp, old);
	if (state == TULLE_QPS_ERR && old != TULLE_QPS_ERR)
		flush_srq(qp);
	/* Without an SQ nothing is left to do. */
	if (qp->type == TULLE_QP_XRC_TGT)
		tfw_qp_drained(qp);
	tfw_qp_kick_sq(qp);
}

static void reset(struct tfw_qp *qp)
{
	if (qp->state == TULLE_QPS_RESET)
		return;
	qp->state = TULLE_QPS_RESET;
	tfw_transport_cleanup(qp);
	tfw_work_cancel(&qp->work);
	tfw_qp_queues_reset(qp);
	qp->draining = false;
	/* What was not told yet is not of its new life. */
	qp->events = 0;
	tfw_list_del(&qp->obj.event);
	memset(&qp->attr, 0, sizeof(qp->attr));
	tfw_rdma_changed(qp->obj.func->dev);
}

enum tulle_status tfw_cmd_modify_qp(struct tfw_cmd *cmd)
{
	const struct tulle_modify_qp *req = cmd->in;
	enum tulle_status st;
	struct tfw_qp *qp;
	u8 to;

	qp = tfw_obj_find(cmd->func, TULLE_OBJ_QP, le32_to_cpu(req->handle));
	if (!qp)
		return TULLE_STATUS_BAD_HANDLE;
	to = le32_to_cpu(req->mask) & TULLE_QP_MOD_STATE ? req->attr.state :
							   qp->state;
	st = check_way(cmd, qp, to);
	if (!st)
		st = tfw_qp_attr_check(cmd, qp, req);
	if (st)
		return st;
	if (to == TULLE_QPS_RESET)
		reset(qp);
	else if (qp->state == TULLE_QPS_RESET && !tfw_transport_init(qp))
		return TULLE_STATUS_NOMEM;
	/* Asked for each time. */
	if (to == TULLE_QPS_SQD && qp->state != TULLE_QPS_SQD)
		qp->attr.sqd_event = false;
	tfw_qp_attr_set(qp, req);
	if (to != TULLE_QPS_RESET)
		enter(qp, to);
	return TULLE_STATUS_OK;
}

void tfw_qp_fail(struct tfw_qp *qp, int event)
{
	if (qp->state == TULLE_QPS_RESET || qp->state == TULLE_QPS_ERR)
		return;
	enter(qp, TULLE_QPS_ERR);
	if (event >= 0)
		tfw_event_qp(qp, (enum tulle_qp_event)event);
}

void tfw_qp_sq_error(struct tfw_qp *qp)
{
	if (!has_sqe(qp))
		tfw_qp_fail(qp, -1);
	else if (qp->state == TULLE_QPS_RTS || qp->state == TULLE_QPS_SQD)
		enter(qp, TULLE_QPS_SQE);
}

void tfw_qp_drained(struct tfw_qp *qp)
{
	if (qp->state != TULLE_QPS_SQD || !qp->draining)
		return;
	qp->draining = false;
	if (qp->attr.sqd_event)
		tfw_event_qp(qp, TULLE_QP_EVENT_SQ_DRAINED);
}
