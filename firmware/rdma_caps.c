// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * What RDMA can do here, and its state of a function.
 */
#include "rdma.h"

#define OPS(first, last)	TULLE_BITS(last, first)

/* Modified EUI-64 of the permanent address. */
static void fill_guid(const u8 *mac, __le64 *guid)
{
	const u8 eui[8] = {
		mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5],
	};

	memcpy(guid, eui, sizeof(eui));
}

static u32 ops_of(const struct tfw_func *f)
{
	u32 ops = TULLE_BIT(TULLE_WQE_NOP) |
		  OPS(TULLE_WQE_SEND, TULLE_WQE_SEND_IMM) |
		  OPS(TULLE_WQE_WRITE, TULLE_WQE_READ);

	if (tfw_has_cap(f, TULLE_CAP_RDMA_ATOMIC))
		ops |= OPS(TULLE_WQE_CMP_SWAP, TULLE_WQE_FETCH_ADD);
	if (tfw_has_cap(f, TULLE_CAP_RDMA_FRWR))
		ops |= TULLE_BIT(TULLE_WQE_SEND_INV) |
		       TULLE_BIT(TULLE_WQE_LOCAL_INV) |
		       TULLE_BIT(TULLE_WQE_REG_MR);
	if (tfw_has_cap(f, TULLE_CAP_RDMA_MW))
		ops |= TULLE_BIT(TULLE_WQE_SEND_INV) |
		       TULLE_BIT(TULLE_WQE_LOCAL_INV) |
		       TULLE_BIT(TULLE_WQE_BIND_MW);
	if (tfw_has_cap(f, TULLE_CAP_RDMA_ATOMIC_WRITE))
		ops |= TULLE_BIT(TULLE_WQE_ATOMIC_WRITE);
	if (tfw_has_cap(f, TULLE_CAP_RDMA_FLUSH))
		ops |= TULLE_BIT(TULLE_WQE_FLUSH);
	return ops;
}

enum tulle_status tfw_cmd_query_rdma_caps(struct tfw_cmd *cmd)
{
	struct tulle_rdma_caps *caps = cmd->out;

	fill_guid(cmd->func->vport->perm_mac, &caps->node_guid);
	caps->page_sizes = cpu_to_le64(TULLE_BITS64(30, 12));
	caps->max_mr_size = cpu_to_le64(TFW_MAX_MR_SIZE);
	caps->max_mr_pages = cpu_to_le32(TFW_MAX_MR_PAGES);
	caps->max_frwr_pages = cpu_to_le32(TFW_MAX_FRWR_PAGES);
	caps->log_max_qp_sq = TFW_LOG_MAX_QP_SQ;
	caps->log_max_qp_rq = TFW_LOG_MAX_QP_RQ;
	caps->log_max_rq_wqe = TFW_LOG_MAX_RQ_WQE;
	caps->max_sq_sges = TFW_MAX_QP_SGES;
	caps->max_rq_sges = TFW_MAX_QP_RQ_SGES;
	caps->max_blocks = TULLE_SQ_MAX_BLOCKS;
	caps->max_inline = cpu_to_le16(TFW_MAX_QP_INLINE);
	caps->max_rd_atomic = TFW_MAX_RD_ATOMIC;
	caps->max_dest_rd_atomic = TFW_MAX_RD_ATOMIC;
	caps->min_mtu = 8;
	caps->max_mtu = 12;
	caps->max_gids = cpu_to_le16(TFW_MAX_GIDS);
	caps->max_mcast_qps = cpu_to_le16(TFW_MAX_MCAST_QPS);
	caps->max_mcast_groups = cpu_to_le32(TFW_MAX_MCAST_GROUPS);
	caps->ops[0] = cpu_to_le32(cmd->func->rdma->ops);
	return TULLE_STATUS_OK;
}

#define CQ_SCAN	256	/* QPs looked at in a turn */

static bool cq_in_error(const struct tfw_cq *cq)
{
	return cq && cq->state == TULLE_QUEUE_ERROR;
}

/* Fails whoever completes to a CQ in error; a part of all QPs at a time. */
static bool cq_work_run(struct tfw_work *w, struct tfw_budget *budget)
{
	struct tfw_rdma *rdma = tfw_container(w, struct tfw_rdma, cq_work);
	u32 left = CQ_SCAN;
	struct tfw_qp *qp;

	while (left-- &&
	       (qp = tfw_obj_next(w->func, TULLE_OBJ_QP, &rdma->cq_next))) {
		if (cq_in_error(qp->send_cq) || cq_in_error(qp->recv_cq))
			tfw_qp_fail(qp, TULLE_QP_EVENT_FATAL);
		if (!left)
			break;
	}
	budget->bytes -= CQ_SCAN * 64;
	if (qp)
		return true;
	rdma->cq_next = 0;
	return false;
}

void tfw_qp_cq_error(struct tfw_func *f)
{
	if (!f->rdma)
		return;
	/* From the start: those already passed may be users of this one. */
	f->rdma->cq_next = 0;
	tfw_work_queue(tfw_func_engine(f), &f->rdma->cq_work);
}

bool tfw_rdma_init(struct tfw_func *f)
{
	struct tfw_rdma *rdma;

	if (!tfw_has_cap(f, TULLE_CAP_RDMA))
		return true;
	rdma = tfw_alloc(tfw_func_engine(f), sizeof(*rdma));
	if (!rdma)
		return false;
	rdma->ops = ops_of(f);
	tfw_list_init(&rdma->mcast);
	tfw_work_init(&rdma->cq_work, f, cq_work_run);
	f->rdma = rdma;
	return true;
}

/* What would hold objects that are about to go, or be held by them. */
void tfw_rdma_reset(struct tfw_func *f)
{
	struct tfw_mkey *k;
	u32 index = 0;

	if (!f->rdma)
		return;
	tfw_work_cancel(&f->rdma->cq_work);
	tfw_mcast_reset(f);
	while ((k = tfw_obj_next(f, TULLE_OBJ_MKEY, &index)))
		tfw_mkey_unbind(k);
	tfw_rdma_changed(f->dev);
}

void tfw_rdma_cleanup(struct tfw_func *f)
{
	tfw_free(tfw_func_engine(f), f->rdma);
	f->rdma = NULL;
}

/* Of every function of the engine: loopback crosses devices. */
void tfw_rdma_changed(struct tfw_dev *dev)
{
	struct tfw_list *devs = &dev->engine->devs, *n;
	struct tfw_dev *d;
	u32 i;

	for (n = devs->next; n != devs; n = n->next) {
		d = tfw_container(n, struct tfw_dev, node);
		for (i = 0; i < d->nfuncs; i++)
			if (d->funcs[i].rdma)
				d->funcs[i].rdma->epoch++;
	}
}

void tfw_rdma_kick_all(struct tfw_func *f, u64 pages)
{
	struct tfw_qp *qp;
	u32 index = 0;

	if (!f->rdma)
		return;
	while ((qp = tfw_obj_next(f, TULLE_OBJ_QP, &index))) {
		if (!(pages & tfw_page_bit(qp->uar)))
			continue;
		tfw_qp_kick_sq(qp);
		tfw_qp_kick_rq(qp);
		/* DMA is back: answers, flushes and timers wait as well. */
		if (pages == TFW_ALL_PAGES && qp->req)
			tfw_work_queue(tfw_func_engine(f), &qp->work);
	}
	if (pages == TFW_ALL_PAGES)
		tfw_qp_cq_error(f);
}
