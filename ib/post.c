// SPDX-License-Identifier: GPL-2.0
/* The data path of kernel queue pairs: work requests become WQEs. */

#include "ib.h"

/* What an operation puts between the head of its WQE and the data. */
enum post_seg {
	POST_SEG_NONE,
	POST_SEG_RDMA,
	POST_SEG_ATOMIC,
	POST_SEG_REG,
};

struct post_op {
	u8 op;
	u8 seg;
	bool has_data;
};

static const struct post_op post_ops[] = {
	[IB_WR_SEND]		= { TULLE_WQE_SEND, POST_SEG_NONE, true },
	[IB_WR_SEND_WITH_IMM]	= { TULLE_WQE_SEND_IMM, POST_SEG_NONE, true },
	[IB_WR_SEND_WITH_INV]	= { TULLE_WQE_SEND_INV, POST_SEG_NONE, true },
	[IB_WR_RDMA_WRITE]	= { TULLE_WQE_WRITE, POST_SEG_RDMA, true },
	[IB_WR_RDMA_WRITE_WITH_IMM] = { TULLE_WQE_WRITE_IMM, POST_SEG_RDMA,
					true },
	[IB_WR_RDMA_READ]	= { TULLE_WQE_READ, POST_SEG_RDMA, true },
	[IB_WR_ATOMIC_CMP_AND_SWP] = { TULLE_WQE_CMP_SWAP, POST_SEG_ATOMIC,
				       true },
	[IB_WR_ATOMIC_FETCH_AND_ADD] = { TULLE_WQE_FETCH_ADD, POST_SEG_ATOMIC,
					 true },
	[IB_WR_LOCAL_INV]	= { TULLE_WQE_LOCAL_INV, POST_SEG_NONE, false },
	[IB_WR_REG_MR]		= { TULLE_WQE_REG_MR, POST_SEG_REG, false },
};

static bool post_is_datagram(const struct tulle_ib_qp *qp)
{
	return qp->type == TULLE_QP_UD || qp->type == TULLE_QP_GSI;
}

static size_t post_put_ud(void *to, const struct ib_send_wr *wr)
{
	const struct ib_ud_wr *ud = ud_wr(wr);
	struct tulle_ud_seg *seg = to;

	seg->qpn = cpu_to_le32(ud->remote_qpn);
	seg->qkey = cpu_to_le32(ud->remote_qkey);
	seg->av = to_tulle_ib_ah(ud->ah)->av;
	return sizeof(*seg);
}

static size_t post_put_rdma(void *to, const struct ib_send_wr *wr)
{
	struct tulle_rdma_seg *seg = to;

	seg->addr = cpu_to_le64(rdma_wr(wr)->remote_addr);
	seg->key = cpu_to_le32(rdma_wr(wr)->rkey);
	return sizeof(*seg);
}

static size_t post_put_atomic(void *to, const struct ib_send_wr *wr)
{
	const struct ib_atomic_wr *atomic = atomic_wr(wr);
	struct tulle_atomic_seg *seg = to;

	seg->addr = cpu_to_le64(atomic->remote_addr);
	seg->key = cpu_to_le32(atomic->rkey);
	if (wr->opcode == IB_WR_ATOMIC_CMP_AND_SWP) {
		seg->compare = cpu_to_le64(atomic->compare_add);
		seg->swap_add = cpu_to_le64(atomic->swap);
	} else {
		seg->swap_add = cpu_to_le64(atomic->compare_add);
	}
	return sizeof(*seg);
}

static size_t post_put_reg(void *to, const struct ib_send_wr *wr)
{
	const struct ib_reg_wr *reg = reg_wr(wr);
	struct tulle_ib_mr *mr = to_tulle_ib_mr(reg->mr);
	struct tulle_reg_mr_seg *seg = to;

	seg->key = cpu_to_le32(reg->key);
	seg->npages = cpu_to_le32(mr->npages);
	seg->iova = cpu_to_le64(mr->ibmr.iova);
	seg->len = cpu_to_le64(mr->ibmr.length);
	seg->pages = cpu_to_le64(mr->pages_dma);
	seg->access = tulle_ib_access(reg->access);
	seg->log_page_size = ilog2(mr->ibmr.page_size);
	return sizeof(*seg);
}

static size_t post_put_seg(const struct tulle_ib_qp *qp,
			   const struct post_op *op, void *to,
			   const struct ib_send_wr *wr)
{
	if (post_is_datagram(qp))
		return post_put_ud(to, wr);
	switch (op->seg) {
	case POST_SEG_RDMA:
		return post_put_rdma(to, wr);
	case POST_SEG_ATOMIC:
		return post_put_atomic(to, wr);
	case POST_SEG_REG:
		return post_put_reg(to, wr);
	default:
		return 0;
	}
}

static size_t post_seg_size(const struct tulle_ib_qp *qp,
			    const struct post_op *op)
{
	static const u8 size[] = {
		[POST_SEG_RDMA]		= sizeof(struct tulle_rdma_seg),
		[POST_SEG_ATOMIC]	= sizeof(struct tulle_atomic_seg),
		[POST_SEG_REG]		= sizeof(struct tulle_reg_mr_seg),
	};

	return post_is_datagram(qp) ? sizeof(struct tulle_ud_seg) :
				      size[op->seg];
}

static __le32 post_imm(const struct ib_send_wr *wr)
{
	switch (wr->opcode) {
	case IB_WR_SEND_WITH_IMM:
	case IB_WR_RDMA_WRITE_WITH_IMM:
		return (__force __le32)wr->ex.imm_data;
	case IB_WR_SEND_WITH_INV:
	case IB_WR_LOCAL_INV:
		return cpu_to_le32(wr->ex.invalidate_rkey);
	default:
		return 0;
	}
}

static u8 post_flags(const struct tulle_ib_qp *qp, const struct ib_send_wr *wr)
{
	u8 flags = 0;

	if (wr->send_flags & IB_SEND_SIGNALED || qp->sig_all)
		flags |= TULLE_WQE_F_CQE;
	if (wr->send_flags & IB_SEND_SOLICITED)
		flags |= TULLE_WQE_F_SOLICITED;
	if (wr->send_flags & IB_SEND_FENCE)
		flags |= TULLE_WQE_F_FENCE;
	return flags;
}

static u64 post_data_len(const struct ib_send_wr *wr)
{
	u64 len = 0;
	int i;

	for (i = 0; i < wr->num_sge; i++)
		len += wr->sg_list[i].length;
	return len;
}

static void post_put_inline(void *to, const struct ib_send_wr *wr)
{
	int i;

	for (i = 0; i < wr->num_sge; i++) {
		const struct ib_sge *sge = &wr->sg_list[i];

		/* Inline data is given by its address in the kernel. */
		memcpy(to, (const void *)(uintptr_t)sge->addr, sge->length);
		to += sge->length;
	}
}

/* Returns how many there are without the empty ones, whose keys may be none. */
static u8 post_put_sges(struct tulle_sge *to, const struct ib_sge *from, int n)
{
	u8 put = 0;

	for (; n; n--, from++) {
		if (!from->length)
			continue;
		to[put].addr = cpu_to_le64(from->addr);
		to[put].len = cpu_to_le32(from->length);
		to[put].key = cpu_to_le32(from->lkey);
		put++;
	}
	return put;
}

/* What must hold before anything is written. */
static int post_check(const struct tulle_ib_qp *qp,
		      const struct ib_send_wr *wr, u64 len)
{
	bool is_inline = wr->send_flags & IB_SEND_INLINE;

	if (wr->opcode >= ARRAY_SIZE(post_ops) || !post_ops[wr->opcode].op)
		return -EOPNOTSUPP;
	if (post_is_datagram(qp) && wr->opcode != IB_WR_SEND &&
	    wr->opcode != IB_WR_SEND_WITH_IMM)
		return -EINVAL;
	if (wr->num_sge < 0 || wr->num_sge > qp->sq.max_sge ||
	    (wr->num_sge && !post_ops[wr->opcode].has_data))
		return -EINVAL;
	if (len > 1U << 31 || (is_inline && len > qp->max_inline))
		return -EINVAL;
	/* Their buffers are written. */
	if (is_inline && (wr->opcode == IB_WR_RDMA_READ ||
			  post_ops[wr->opcode].seg == POST_SEG_ATOMIC))
		return -EINVAL;
	if (wr->opcode == IB_WR_REG_MR && !reg_wr(wr)->mr->page_size)
		return -EINVAL;
	return 0;
}

/* The rest of the ring is one WQE that does nothing. */
static void post_fill(struct tulle_ib_wq *sq, u32 nblocks)
{
	struct tulle_prod *prod = &sq->prod;
	struct tulle_qp_wqe *wqe = tulle_prod_at(prod);

	memset(wqe, 0, sizeof(*wqe));
	wqe->ctrl.op = TULLE_WQE_NOP;
	wqe->ctrl.nblocks = nblocks;
	wqe->ctrl.index = cpu_to_le16(prod->pi);
	sq->swqe[prod->pi & prod->ring.mask] = (struct tulle_ib_swqe) {
		.op = TULLE_WQE_NOP,
		.nblocks = nblocks,
	};
	/* The shadow before pi: pairs with the acquire of who polls. */
	smp_store_release(&prod->pi, prod->pi + nblocks);
}

/* Make room for a WQE in one piece. */
static int post_reserve(struct tulle_ib_wq *sq, u32 nblocks)
{
	struct tulle_prod *prod = &sq->prod;
	u32 to_end = tulle_prod_to_end(prod);
	u32 fill = nblocks > to_end ? to_end : 0;
	/* Slots before ci may be written: pairs with the release in poll. */
	u32 used = prod->pi - smp_load_acquire(&prod->ci);

	if (used + fill + nblocks > tulle_ring_size(&prod->ring))
		return -ENOMEM;
	if (fill)
		post_fill(sq, fill);
	return 0;
}

static void post_write(struct tulle_ib_qp *qp, const struct ib_send_wr *wr,
		       u32 len, u32 nblocks)
{
	const struct post_op *op = &post_ops[wr->opcode];
	struct tulle_prod *prod = &qp->sq.prod;
	struct tulle_qp_wqe *wqe = tulle_prod_at(prod);
	u8 flags = post_flags(qp, wr);
	void *to = wqe + 1;

	memset(wqe, 0, nblocks * TULLE_SQ_BLOCK);
	to += post_put_seg(qp, op, to, wr);
	if (wr->send_flags & IB_SEND_INLINE && op->has_data) {
		post_put_inline(to, wr);
		flags |= TULLE_WQE_F_INLINE;
		wqe->ctrl.inl_len = cpu_to_le16(len);
	} else {
		wqe->ctrl.nsge = post_put_sges(to, wr->sg_list, wr->num_sge);
	}
	wqe->ctrl.op = op->op;
	wqe->ctrl.flags = flags;
	wqe->ctrl.nblocks = nblocks;
	wqe->ctrl.index = cpu_to_le16(prod->pi);
	wqe->ctrl.imm = post_imm(wr);
	wqe->ctrl.total_len = cpu_to_le32(len);
	qp->sq.swqe[prod->pi & prod->ring.mask] = (struct tulle_ib_swqe) {
		.wr_id = wr->wr_id,
		.len = len,
		.op = op->op,
		.nblocks = nblocks,
		.signalled = flags & TULLE_WQE_F_CQE,
	};
	/* The shadow before pi: pairs with the acquire of who polls. */
	smp_store_release(&prod->pi, prod->pi + nblocks);
}

static int post_send_one(struct tulle_ib_qp *qp, const struct ib_send_wr *wr)
{
	u64 len = post_data_len(wr);
	size_t size;
	u32 nblocks;
	int err;

	err = post_check(qp, wr, len);
	if (err)
		return err;
	size = sizeof(struct tulle_qp_wqe) +
	       post_seg_size(qp, &post_ops[wr->opcode]) +
	       (wr->send_flags & IB_SEND_INLINE ? len :
		wr->num_sge * sizeof(struct tulle_sge));
	nblocks = DIV_ROUND_UP(size, TULLE_SQ_BLOCK);
	err = post_reserve(&qp->sq, nblocks);
	if (err)
		return err;
	post_write(qp, wr, len, nblocks);
	return 0;
}

int tulle_ib_post_send(struct ib_qp *ibqp, const struct ib_send_wr *wr,
		       const struct ib_send_wr **bad)
{
	struct tulle_ib_qp *qp = to_tulle_ib_qp(ibqp);
	struct tulle_prod *prod = &qp->sq.prod;
	unsigned long flags;
	int err = 0;

	if (READ_ONCE(qp->state) < IB_QPS_RTS) {
		*bad = wr;
		return -EINVAL;
	}
	spin_lock_irqsave(&qp->sq.lock, flags);
	for (; wr && !err; wr = wr->next) {
		err = post_send_one(qp, wr);
		if (err)
			*bad = wr;
	}
	if (prod->pi != prod->published &&
	    tulle_prod_publish(prod) && !qp->flush)
		tulle_doorbell(qp->dev->tdev, TULLE_UAR_QP_SQ, qp->handle);
	spin_unlock_irqrestore(&qp->sq.lock, flags);
	if (unlikely(tulle_ib_qp_is_flushed(qp)))
		tulle_ib_qp_wake(qp);
	return err;
}

/* Returns the bytes that the buffers hold. */
u32 tulle_ib_rwqe_write(struct tulle_rq_wqe *wqe, const struct ib_recv_wr *wr)
{
	u64 len = 0;
	int i;

	for (i = 0; i < wr->num_sge; i++)
		len += wr->sg_list[i].length;
	memset(wqe, 0, sizeof(*wqe));
	wqe->nsge = post_put_sges(wqe->sge, wr->sg_list, wr->num_sge);
	return min_t(u64, len, U32_MAX);
}

static int post_recv_one(struct tulle_ib_wq *rq, const struct ib_recv_wr *wr)
{
	struct tulle_prod *prod = &rq->prod;
	/* As in post_reserve(). */
	u32 used = prod->pi - smp_load_acquire(&prod->ci);

	if (wr->num_sge < 0 || wr->num_sge > rq->max_sge)
		return -EINVAL;
	if (used == tulle_ring_size(&prod->ring))
		return -ENOMEM;
	rq->rwqe[prod->pi & prod->ring.mask] = (struct tulle_ib_rwqe) {
		.wr_id = wr->wr_id,
		.len = tulle_ib_rwqe_write(tulle_prod_at(prod), wr),
	};
	/* The shadow before pi: pairs with the acquire of who polls. */
	smp_store_release(&prod->pi, prod->pi + 1);
	return 0;
}

int tulle_ib_post_recv(struct ib_qp *ibqp, const struct ib_recv_wr *wr,
		       const struct ib_recv_wr **bad)
{
	struct tulle_ib_qp *qp = to_tulle_ib_qp(ibqp);
	struct tulle_prod *prod = &qp->rq.prod;
	unsigned long flags;
	int err = 0;

	if (READ_ONCE(qp->state) == IB_QPS_RESET || ibqp->srq) {
		*bad = wr;
		return -EINVAL;
	}
	spin_lock_irqsave(&qp->rq.lock, flags);
	for (; wr && !err; wr = wr->next) {
		err = post_recv_one(&qp->rq, wr);
		if (err)
			*bad = wr;
	}
	if (prod->pi != prod->published &&
	    tulle_prod_publish_at(prod, &prod->dbr->rq_pi,
				  &prod->dbr->rq_evt) && !qp->flush)
		tulle_doorbell(qp->dev->tdev, TULLE_UAR_QP_RQ, qp->handle);
	spin_unlock_irqrestore(&qp->rq.lock, flags);
	if (unlikely(tulle_ib_qp_is_flushed(qp)))
		tulle_ib_qp_wake(qp);
	return err;
}
