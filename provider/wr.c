// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * ibv_wr_*(): a request is begun by its operation, completed by what sets its
 * data, and closed by the next operation or by ibv_wr_complete(). qp->sq_lock
 * is held from ibv_wr_start() to ibv_wr_complete() or ibv_wr_abort().
 */

#include "provider.h"

static struct tulle_qp *to_qp(struct ibv_qp_ex *ex)
{
	return to_tulle_qp(&ex->qp_base);
}

/* The open request is whole; nothing of it shows before ibv_wr_complete(). */
static void tulle_wr_close(struct tulle_qp *qp)
{
	if (qp->wqe.hdr)
		tulle_wqe_end(qp, &qp->wqe);
}

static void tulle_wr_start(struct ibv_qp_ex *ex)
{
	struct tulle_qp *qp = to_qp(ex);

	tulle_lock(&qp->sq_lock);
	qp->wr_pi = qp->sq.pi;
	qp->wr_err = tulle_qp_can_send(qp) ? 0 : EINVAL;
	qp->wqe.hdr = NULL;
}

static void tulle_wr_abort(struct ibv_qp_ex *ex)
{
	struct tulle_qp *qp = to_qp(ex);

	qp->sq.pi = qp->wr_pi;
	qp->wqe.hdr = NULL;
	tulle_unlock(&qp->sq_lock);
}

static int tulle_wr_complete(struct ibv_qp_ex *ex)
{
	struct tulle_qp *qp = to_qp(ex);
	int err = qp->wr_err;

	if (err) {
		tulle_wr_abort(ex);
		return err;
	}
	tulle_wr_close(qp);
	if (qp->sq.pi != qp->wr_pi)
		tulle_sq_publish(qp);
	tulle_unlock(&qp->sq_lock);
	return 0;
}

/* False after an error: what follows until ibv_wr_complete() is skipped. */
static bool tulle_wr_begin(struct tulle_qp *qp, u8 op, u32 seg_len)
{
	struct ibv_qp_ex *ex = &qp->vqp.qp_ex;

	if (qp->wr_err)
		return false;
	tulle_wr_close(qp);
	if (!(qp->ops >> op & 1)) {
		qp->wr_err = EINVAL;
		return false;
	}
	qp->wr_err = tulle_wqe_begin(qp, &qp->wqe, qp->max_blocks);
	if (qp->wr_err)
		return false;
	if (qp->vqp.qp.qp_type == IBV_QPT_UD)
		seg_len = sizeof(struct tulle_ud_seg);
	tulle_wqe_header(qp, &qp->wqe, op, ex->wr_id, ex->wr_flags, seg_len);
	/* Which SRQ, or which address, is said afterwards. */
	memset(qp->wqe.hdr + 1, 0, qp->wqe.data - (char *)(qp->wqe.hdr + 1));
	return true;
}

static bool tulle_wr_rdma(struct ibv_qp_ex *ex, u8 op, uint32_t rkey,
			  uint64_t addr)
{
	struct tulle_qp *qp = to_qp(ex);

	if (!tulle_wr_begin(qp, op, sizeof(struct tulle_rdma_seg)))
		return false;
	*(struct tulle_rdma_seg *)qp->wqe.seg = (struct tulle_rdma_seg) {
		.addr = cpu_to_le64(addr),
		.key = cpu_to_le32(rkey),
	};
	return true;
}

static void tulle_wr_atomic(struct ibv_qp_ex *ex, u8 op, uint32_t rkey,
			    uint64_t addr, uint64_t swap_add, uint64_t compare)
{
	struct tulle_qp *qp = to_qp(ex);

	if (!tulle_wr_begin(qp, op, sizeof(struct tulle_atomic_seg)))
		return;
	*(struct tulle_atomic_seg *)qp->wqe.seg = (struct tulle_atomic_seg) {
		.addr = cpu_to_le64(addr),
		.key = cpu_to_le32(rkey),
		.swap_add = cpu_to_le64(swap_add),
		.compare = cpu_to_le64(compare),
	};
}

static void tulle_wr_cmp_swap(struct ibv_qp_ex *ex, uint32_t rkey,
			      uint64_t addr, uint64_t compare, uint64_t swap)
{
	tulle_wr_atomic(ex, TULLE_WQE_CMP_SWAP, rkey, addr, swap, compare);
}

static void tulle_wr_fetch_add(struct ibv_qp_ex *ex, uint32_t rkey,
			       uint64_t addr, uint64_t add)
{
	tulle_wr_atomic(ex, TULLE_WQE_FETCH_ADD, rkey, addr, add, 0);
}

static void tulle_wr_atomic_write(struct ibv_qp_ex *ex, uint32_t rkey,
				  uint64_t addr, const void *value)
{
	struct tulle_qp *qp = to_qp(ex);

	if (tulle_wr_rdma(ex, TULLE_WQE_ATOMIC_WRITE, rkey, addr))
		qp->wr_err = tulle_wqe_inline(qp, &qp->wqe, value, 8);
}

static void tulle_wr_flush(struct ibv_qp_ex *ex, uint32_t rkey, uint64_t addr,
			   size_t len, uint8_t type, uint8_t level)
{
	struct tulle_qp *qp = to_qp(ex);
	struct tulle_rdma_seg *seg;

	if (!tulle_wr_rdma(ex, TULLE_WQE_FLUSH, rkey, addr))
		return;
	if (len > TULLE_MAX_SEND_SIZE || level > IBV_FLUSH_MR ||
	    type & ~(IBV_FLUSH_GLOBAL | IBV_FLUSH_PERSISTENT)) {
		qp->wr_err = EINVAL;
		return;
	}
	seg = (struct tulle_rdma_seg *)qp->wqe.seg;
	seg->flush = cpu_to_le32(u32_encode_bits(type, TULLE_FLUSH_TYPE) |
				 u32_encode_bits(level, TULLE_FLUSH_LEVEL));
	qp->wqe.hdr->ctrl.total_len = cpu_to_le32(len);
}

static void tulle_wr_bind_mw(struct ibv_qp_ex *ex, struct ibv_mw *mw,
			     uint32_t rkey,
			     const struct ibv_mw_bind_info *info)
{
	struct tulle_qp *qp = to_qp(ex);

	(void)mw;
	if (tulle_wr_begin(qp, TULLE_WQE_BIND_MW,
			   sizeof(struct tulle_bind_mw_seg)))
		tulle_wqe_bind(&qp->wqe, rkey, info);
}

static void tulle_wr_local_inv(struct ibv_qp_ex *ex, uint32_t rkey)
{
	struct tulle_qp *qp = to_qp(ex);

	if (tulle_wr_begin(qp, TULLE_WQE_LOCAL_INV, 0))
		qp->wqe.hdr->ctrl.imm = cpu_to_le32(rkey);
}

static void tulle_wr_read(struct ibv_qp_ex *ex, uint32_t rkey, uint64_t addr)
{
	tulle_wr_rdma(ex, TULLE_WQE_READ, rkey, addr);
}

static void tulle_wr_write(struct ibv_qp_ex *ex, uint32_t rkey, uint64_t addr)
{
	tulle_wr_rdma(ex, TULLE_WQE_WRITE, rkey, addr);
}

static void tulle_wr_write_imm(struct ibv_qp_ex *ex, uint32_t rkey,
			       uint64_t addr, __be32 imm)
{
	if (tulle_wr_rdma(ex, TULLE_WQE_WRITE_IMM, rkey, addr))
		to_qp(ex)->wqe.hdr->ctrl.imm = (TULLE_FORCE __le32)imm;
}

static void tulle_wr_send(struct ibv_qp_ex *ex)
{
	tulle_wr_begin(to_qp(ex), TULLE_WQE_SEND, 0);
}

static void tulle_wr_send_imm(struct ibv_qp_ex *ex, __be32 imm)
{
	struct tulle_qp *qp = to_qp(ex);

	if (tulle_wr_begin(qp, TULLE_WQE_SEND_IMM, 0))
		qp->wqe.hdr->ctrl.imm = (TULLE_FORCE __le32)imm;
}

static void tulle_wr_send_inv(struct ibv_qp_ex *ex, uint32_t rkey)
{
	struct tulle_qp *qp = to_qp(ex);

	if (tulle_wr_begin(qp, TULLE_WQE_SEND_INV, 0))
		qp->wqe.hdr->ctrl.imm = cpu_to_le32(rkey);
}

/* Is there a request that a setter may act on? */
static bool tulle_wr_is_open(struct tulle_qp *qp)
{
	if (!qp->wr_err && !qp->wqe.hdr)
		qp->wr_err = EINVAL;
	return !qp->wr_err;
}

static void tulle_wr_set_ud_addr(struct ibv_qp_ex *ex, struct ibv_ah *ah,
				 uint32_t qpn, uint32_t qkey)
{
	struct tulle_qp *qp = to_qp(ex);

	if (tulle_wr_is_open(qp))
		tulle_wqe_ud(&qp->wqe, ah, qpn, qkey);
}

static void tulle_wr_set_xrc_srqn(struct ibv_qp_ex *ex, uint32_t srqn)
{
	struct tulle_qp *qp = to_qp(ex);

	if (tulle_wr_is_open(qp))
		tulle_wqe_xrc(&qp->wqe, srqn);
}

static void tulle_wr_set_inline(struct ibv_qp_ex *ex, void *data, size_t len)
{
	struct tulle_qp *qp = to_qp(ex);

	if (tulle_wr_is_open(qp))
		qp->wr_err = tulle_wqe_inline(qp, &qp->wqe, data, len);
}

static void tulle_wr_set_inline_list(struct ibv_qp_ex *ex, size_t n,
				     const struct ibv_data_buf *list)
{
	struct tulle_qp *qp = to_qp(ex);
	size_t i;

	if (!tulle_wr_is_open(qp))
		return;
	/* Says so even when there is nothing. */
	qp->wr_err = tulle_wqe_inline(qp, &qp->wqe, NULL, 0);
	for (i = 0; !qp->wr_err && i < n; i++)
		qp->wr_err = tulle_wqe_inline(qp, &qp->wqe, list[i].addr,
					      list[i].length);
}

static void tulle_wr_set_sge_list(struct ibv_qp_ex *ex, size_t n,
				  const struct ibv_sge *list)
{
	struct tulle_qp *qp = to_qp(ex);

	if (!tulle_wr_is_open(qp))
		return;
	qp->wr_err = n > qp->max_sq_sges ? EINVAL :
		     tulle_wqe_sges(qp, &qp->wqe, n, list);
}

static void tulle_wr_set_sge(struct ibv_qp_ex *ex, uint32_t lkey,
			     uint64_t addr, uint32_t len)
{
	struct ibv_sge sge = { .addr = addr, .length = len, .lkey = lkey };

	tulle_wr_set_sge_list(ex, 1, &sge);
}

/* What each flag of send_ops_flags needs of the QP. */
static const struct {
	uint64_t flag;
	u8 op;
} tulle_wr_flags[] = {
	{ IBV_QP_EX_WITH_RDMA_WRITE, TULLE_WQE_WRITE },
	{ IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM, TULLE_WQE_WRITE_IMM },
	{ IBV_QP_EX_WITH_SEND, TULLE_WQE_SEND },
	{ IBV_QP_EX_WITH_SEND_WITH_IMM, TULLE_WQE_SEND_IMM },
	{ IBV_QP_EX_WITH_RDMA_READ, TULLE_WQE_READ },
	{ IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP, TULLE_WQE_CMP_SWAP },
	{ IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD, TULLE_WQE_FETCH_ADD },
	{ IBV_QP_EX_WITH_LOCAL_INV, TULLE_WQE_LOCAL_INV },
	{ IBV_QP_EX_WITH_BIND_MW, TULLE_WQE_BIND_MW },
	{ IBV_QP_EX_WITH_SEND_WITH_INV, TULLE_WQE_SEND_INV },
	{ IBV_QP_EX_WITH_FLUSH, TULLE_WQE_FLUSH },
	{ IBV_QP_EX_WITH_ATOMIC_WRITE, TULLE_WQE_ATOMIC_WRITE },
};

static bool tulle_wr_ops_known(const struct tulle_qp *qp, u64 ops)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tulle_wr_flags); i++)
		if (qp->ops >> tulle_wr_flags[i].op & 1)
			ops &= ~tulle_wr_flags[i].flag;
	return !ops;
}

/* A function that the application did not ask for refuses like one it did. */
int tulle_wr_set_ops(struct tulle_qp *qp, u64 ops)
{
	struct ibv_qp_ex *ex = &qp->vqp.qp_ex;

	if (!tulle_wr_ops_known(qp, ops))
		return EOPNOTSUPP;
	ex->wr_start = tulle_wr_start;
	ex->wr_complete = tulle_wr_complete;
	ex->wr_abort = tulle_wr_abort;
	ex->wr_atomic_cmp_swp = tulle_wr_cmp_swap;
	ex->wr_atomic_fetch_add = tulle_wr_fetch_add;
	ex->wr_atomic_write = tulle_wr_atomic_write;
	ex->wr_bind_mw = tulle_wr_bind_mw;
	ex->wr_flush = tulle_wr_flush;
	ex->wr_local_inv = tulle_wr_local_inv;
	ex->wr_rdma_read = tulle_wr_read;
	ex->wr_rdma_write = tulle_wr_write;
	ex->wr_rdma_write_imm = tulle_wr_write_imm;
	ex->wr_send = tulle_wr_send;
	ex->wr_send_imm = tulle_wr_send_imm;
	ex->wr_send_inv = tulle_wr_send_inv;
	ex->wr_set_inline_data = tulle_wr_set_inline;
	ex->wr_set_inline_data_list = tulle_wr_set_inline_list;
	ex->wr_set_sge = tulle_wr_set_sge;
	ex->wr_set_sge_list = tulle_wr_set_sge_list;
	if (qp->vqp.qp.qp_type == IBV_QPT_UD)
		ex->wr_set_ud_addr = tulle_wr_set_ud_addr;
	if (qp->vqp.qp.qp_type == IBV_QPT_XRC_SEND)
		ex->wr_set_xrc_srqn = tulle_wr_set_xrc_srqn;
	return 0;
}
