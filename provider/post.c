// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* ibv_post_send(), ibv_post_recv(): lists of work requests. */

#include "provider.h"

/*
 * struct tulle_post_op - how an opcode of verbs becomes a WQE
 * @seg: bytes of the operation's segment (UD: tulle_ud_seg instead)
 * @fill: writes the segment and what the header has besides; may be NULL
 * @sges: takes SGEs
 * @inl: takes inline data
 */
struct tulle_post_op {
	u8 op;
	u8 seg;
	bool sges;
	bool inl;
	void (*fill)(struct tulle_wqe *wqe, const struct ibv_send_wr *wr);
};

static void tulle_fill_imm(struct tulle_wqe *wqe, const struct ibv_send_wr *wr)
{
	/* As it travels: not swapped. */
	wqe->hdr->ctrl.imm = (TULLE_FORCE __le32)wr->imm_data;
}

static void tulle_fill_inv(struct tulle_wqe *wqe, const struct ibv_send_wr *wr)
{
	wqe->hdr->ctrl.imm = cpu_to_le32(wr->invalidate_rkey);
}

static void tulle_fill_rdma(struct tulle_wqe *wqe, const struct ibv_send_wr *wr)
{
	*(struct tulle_rdma_seg *)wqe->seg = (struct tulle_rdma_seg) {
		.addr = cpu_to_le64(wr->wr.rdma.remote_addr),
		.key = cpu_to_le32(wr->wr.rdma.rkey),
	};
}

static void tulle_fill_rdma_imm(struct tulle_wqe *wqe,
				const struct ibv_send_wr *wr)
{
	tulle_fill_rdma(wqe, wr);
	tulle_fill_imm(wqe, wr);
}

static void tulle_fill_swap(struct tulle_wqe *wqe, const struct ibv_send_wr *wr)
{
	*(struct tulle_atomic_seg *)wqe->seg = (struct tulle_atomic_seg) {
		.addr = cpu_to_le64(wr->wr.atomic.remote_addr),
		.key = cpu_to_le32(wr->wr.atomic.rkey),
		.swap_add = cpu_to_le64(wr->wr.atomic.swap),
		.compare = cpu_to_le64(wr->wr.atomic.compare_add),
	};
}

static void tulle_fill_add(struct tulle_wqe *wqe, const struct ibv_send_wr *wr)
{
	*(struct tulle_atomic_seg *)wqe->seg = (struct tulle_atomic_seg) {
		.addr = cpu_to_le64(wr->wr.atomic.remote_addr),
		.key = cpu_to_le32(wr->wr.atomic.rkey),
		.swap_add = cpu_to_le64(wr->wr.atomic.compare_add),
	};
}

static void tulle_fill_bind(struct tulle_wqe *wqe, const struct ibv_send_wr *wr)
{
	tulle_wqe_bind(wqe, wr->bind_mw.rkey, &wr->bind_mw.bind_info);
}

static const struct tulle_post_op tulle_post_ops[] = {
	[IBV_WR_SEND] = {
		TULLE_WQE_SEND, 0, true, true, NULL
	},
	[IBV_WR_SEND_WITH_IMM] = {
		TULLE_WQE_SEND_IMM, 0, true, true, tulle_fill_imm
	},
	[IBV_WR_SEND_WITH_INV] = {
		TULLE_WQE_SEND_INV, 0, true, true, tulle_fill_inv
	},
	[IBV_WR_RDMA_WRITE] = {
		TULLE_WQE_WRITE, sizeof(struct tulle_rdma_seg), true, true,
		tulle_fill_rdma
	},
	[IBV_WR_RDMA_WRITE_WITH_IMM] = {
		TULLE_WQE_WRITE_IMM, sizeof(struct tulle_rdma_seg), true, true,
		tulle_fill_rdma_imm
	},
	[IBV_WR_RDMA_READ] = {
		TULLE_WQE_READ, sizeof(struct tulle_rdma_seg), true, false,
		tulle_fill_rdma
	},
	[IBV_WR_ATOMIC_CMP_AND_SWP] = {
		TULLE_WQE_CMP_SWAP, sizeof(struct tulle_atomic_seg), true,
		false, tulle_fill_swap
	},
	[IBV_WR_ATOMIC_FETCH_AND_ADD] = {
		TULLE_WQE_FETCH_ADD, sizeof(struct tulle_atomic_seg), true,
		false, tulle_fill_add
	},
	[IBV_WR_LOCAL_INV] = {
		TULLE_WQE_LOCAL_INV, 0, false, false, tulle_fill_inv
	},
	[IBV_WR_BIND_MW] = {
		TULLE_WQE_BIND_MW, sizeof(struct tulle_bind_mw_seg), false,
		false, tulle_fill_bind
	},
	[IBV_WR_ATOMIC_WRITE] = {
		TULLE_WQE_ATOMIC_WRITE, sizeof(struct tulle_rdma_seg), false,
		true, tulle_fill_rdma
	},
};

#define TULLE_SEND_FLAGS	(IBV_SEND_FENCE | IBV_SEND_SIGNALED | \
				 IBV_SEND_SOLICITED | IBV_SEND_INLINE)

/* The operation, or NULL: this QP cannot do what is asked. */
static const struct tulle_post_op *tulle_post_op(const struct tulle_qp *qp,
						 const struct ibv_send_wr *wr)
{
	const struct tulle_post_op *op;

	if ((unsigned int)wr->opcode >= ARRAY_SIZE(tulle_post_ops))
		return NULL;
	op = &tulle_post_ops[wr->opcode];
	if (!op->op || !(qp->ops >> op->op & 1))
		return NULL;
	if (wr->send_flags & ~TULLE_SEND_FLAGS || wr->num_sge < 0)
		return NULL;
	/* ATOMIC_WRITE has no other form. */
	if (wr->send_flags & IBV_SEND_INLINE ? !op->inl :
					       op->inl && !op->sges)
		return NULL;
	return op;
}

static int tulle_post_inline(struct tulle_qp *qp, struct tulle_wqe *wqe,
			     const struct ibv_send_wr *wr)
{
	int i, err;

	/* Says so even when there is nothing. */
	err = tulle_wqe_inline(qp, wqe, NULL, 0);
	for (i = 0; !err && i < wr->num_sge; i++)
		err = tulle_wqe_inline(qp, wqe,
				       (void *)(uintptr_t)wr->sg_list[i].addr,
				       wr->sg_list[i].length);
	if (!err && wr->opcode == IBV_WR_ATOMIC_WRITE &&
	    le16_to_cpu(wqe->hdr->ctrl.inl_len) != 8)
		err = EINVAL;
	return err;
}

static int tulle_post_one(struct tulle_qp *qp, const struct ibv_send_wr *wr)
{
	const struct tulle_post_op *op = tulle_post_op(qp, wr);
	bool ud = qp->vqp.qp.qp_type == IBV_QPT_UD;
	struct tulle_wqe wqe;
	int err;

	if (!op)
		return EINVAL;
	err = tulle_wqe_begin(qp, &wqe, qp->max_blocks);
	if (err)
		return err;
	tulle_wqe_header(qp, &wqe, op->op, wr->wr_id, wr->send_flags,
			 ud ? sizeof(struct tulle_ud_seg) : op->seg);
	if (qp->vqp.qp.qp_type == IBV_QPT_XRC_SEND)
		tulle_wqe_xrc(&wqe, wr->qp_type.xrc.remote_srqn);
	if (ud)
		tulle_wqe_ud(&wqe, wr->wr.ud.ah, wr->wr.ud.remote_qpn,
			     wr->wr.ud.remote_qkey);
	if (op->fill)
		op->fill(&wqe, wr);
	if (wr->send_flags & IBV_SEND_INLINE)
		err = tulle_post_inline(qp, &wqe, wr);
	else if (op->sges)
		err = tulle_wqe_sges(qp, &wqe, wr->num_sge, wr->sg_list);
	if (!err)
		tulle_wqe_end(qp, &wqe);
	return err;
}

int tulle_post_send(struct ibv_qp *ibqp, struct ibv_send_wr *wr,
		    struct ibv_send_wr **bad)
{
	struct tulle_qp *qp = to_tulle_qp(ibqp);
	int err = 0;
	u32 pi;

	if (!tulle_qp_can_send(qp)) {
		*bad = wr;
		return EINVAL;
	}
	tulle_lock(&qp->sq_lock);
	pi = qp->sq.pi;
	for (; wr; wr = wr->next) {
		err = tulle_post_one(qp, wr);
		if (err) {
			*bad = wr;
			break;
		}
	}
	/* NOPs in front of a request that was refused do no harm. */
	if (qp->sq.pi != pi)
		tulle_sq_publish(qp);
	tulle_unlock(&qp->sq_lock);
	return err;
}

int tulle_rq_write(struct tulle_prod *rq, u32 max_sges,
		   const struct ibv_recv_wr *wr)
{
	struct tulle_rq_wqe *wqe = tulle_prod_at(rq);
	u32 i, used = 0;

	if (wr->num_sge < 0 || (u32)wr->num_sge > max_sges)
		return EINVAL;
	for (i = 0; i < (u32)wr->num_sge; i++) {
		if (!wr->sg_list[i].length)
			continue;
		wqe->sge[used++] = (struct tulle_sge) {
			.addr = cpu_to_le64(wr->sg_list[i].addr),
			.len = cpu_to_le32(wr->sg_list[i].length),
			.key = cpu_to_le32(wr->sg_list[i].lkey),
		};
	}
	*wqe = (struct tulle_rq_wqe) {
		.wr_id = cpu_to_le64(wr->wr_id),
		.nsge = used,
	};
	rq->pi++;
	return 0;
}

static int tulle_post_recvs(struct tulle_qp *qp, struct ibv_recv_wr *wr,
			    struct ibv_recv_wr **bad)
{
	u32 room = tulle_prod_room_now(&qp->rq);
	int err;

	for (; wr; wr = wr->next) {
		err = room ? tulle_rq_write(&qp->rq, qp->max_rq_sges, wr) :
			     ENOMEM;
		if (err) {
			*bad = wr;
			return err;
		}
		room--;
	}
	return 0;
}

int tulle_post_recv(struct ibv_qp *ibqp, struct ibv_recv_wr *wr,
		    struct ibv_recv_wr **bad)
{
	struct tulle_qp *qp = to_tulle_qp(ibqp);
	int err;
	u32 pi;

	/* No RQ: receives come from an SRQ, or there are none. */
	if (!qp->rq_buf.addr || ibqp->state == IBV_QPS_RESET) {
		*bad = wr;
		return EINVAL;
	}
	tulle_lock(&qp->rq_lock);
	pi = qp->rq.pi;
	err = tulle_post_recvs(qp, wr, bad);
	if (qp->rq.pi != pi &&
	    tulle_prod_publish_at(&qp->rq, &qp->dbr->rq_pi, &qp->dbr->rq_evt))
		tulle_doorbell(qp->ctx, TULLE_UAR_QP_RQ, qp->handle);
	tulle_unlock(&qp->rq_lock);
	return err;
}
