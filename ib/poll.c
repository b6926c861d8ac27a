// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel completion queues: poll and arm. Each CQE is copied once, and what it
 * names is looked up among what was posted: the consumer gets its own wr_id
 * back. A CQE that cannot be may have been meant for any queue pair of its CQ,
 * so all of them are taken out of service: nothing outstanding is forgotten.
 */

#include "ib.h"

/*
 * Written over CQEs of a queue pair that is gone, as their qn_op: there is no
 * queue pair of that number. They are counted: the device could write it, too.
 */
#define POLL_DEAD	FIELD_PREP(TULLE_CQE_OP, 0xff)
#define POLL_MAX_LEN	0x80000000U
#define POLL_STILL	4	/* checks without a CQE before the device is asked */

/* What completes a WQE of the SQ, and what the consumer calls it. */
static const struct {
	u8 cqe;
	enum ib_wc_opcode wc;
} poll_send_ops[] = {
	[TULLE_WQE_SEND]	= { TULLE_CQE_SEND, IB_WC_SEND },
	[TULLE_WQE_SEND_IMM]	= { TULLE_CQE_SEND, IB_WC_SEND },
	[TULLE_WQE_SEND_INV]	= { TULLE_CQE_SEND, IB_WC_SEND },
	[TULLE_WQE_WRITE]	= { TULLE_CQE_WRITE, IB_WC_RDMA_WRITE },
	[TULLE_WQE_WRITE_IMM]	= { TULLE_CQE_WRITE, IB_WC_RDMA_WRITE },
	[TULLE_WQE_READ]	= { TULLE_CQE_READ, IB_WC_RDMA_READ },
	[TULLE_WQE_CMP_SWAP]	= { TULLE_CQE_CMP_SWAP, IB_WC_COMP_SWAP },
	[TULLE_WQE_FETCH_ADD]	= { TULLE_CQE_FETCH_ADD, IB_WC_FETCH_ADD },
	[TULLE_WQE_LOCAL_INV]	= { TULLE_CQE_LOCAL_INV, IB_WC_LOCAL_INV },
	[TULLE_WQE_REG_MR]	= { TULLE_CQE_REG_MR, IB_WC_REG_MR },
};

static enum ib_wc_status poll_status(u8 status)
{
	switch (status) {
	case TULLE_WC_LOC_LEN:
	case TULLE_WC_LOC_QP_OP:
	case TULLE_WC_LOC_PROT:
	case TULLE_WC_WR_FLUSH:
	case TULLE_WC_MW_BIND:
	case TULLE_WC_BAD_RESP:
	case TULLE_WC_LOC_ACCESS:
	case TULLE_WC_REM_INV_REQ:
	case TULLE_WC_REM_ACCESS:
	case TULLE_WC_REM_OP:
	case TULLE_WC_RETRY_EXC:
	case TULLE_WC_RNR_RETRY_EXC:
	case TULLE_WC_REM_ABORT:
	case TULLE_WC_FATAL:
		return (enum ib_wc_status)status;
	default:
		return IB_WC_GENERAL_ERR;
	}
}

static void poll_wc_init(struct ib_wc *wc, struct tulle_ib_qp *qp, u64 wr_id)
{
	memset(wc, 0, sizeof(*wc));
	wc->wr_id = wr_id;
	wc->qp = &qp->ibqp;
	wc->port_num = TULLE_IB_PORT;
}

/*
 * Find the WQE that ends at @end; those before it asked for no CQE, or it is
 * not for this one. Not beyond what was posted, only to where a WQE ends, and
 * not one that only fills the ring. Nothing is used up yet.
 */
static bool poll_sq_find(const struct tulle_ib_wq *sq, u16 end,
			 struct tulle_ib_swqe *swqe, u32 *new_ci)
{
	/* Shadow entries before pi: pairs with the release in post_send. */
	u32 pi = smp_load_acquire(&sq->prod.pi);
	u32 ci = sq->prod.ci;

	while (ci != pi) {
		*swqe = sq->swqe[ci & sq->prod.ring.mask];
		ci += swqe->nblocks;
		if ((u16)ci == end) {
			*new_ci = ci;
			return swqe->op != TULLE_WQE_NOP;
		}
		if (swqe->signalled)
			break;
	}
	return false;
}

static bool poll_send(struct tulle_ib_qp *qp,
		      const struct tulle_rdma_cqe *cqe, u8 op,
		      struct ib_wc *wc)
{
	struct tulle_ib_swqe swqe;
	u32 ci;

	if (!poll_sq_find(&qp->sq, le16_to_cpu(cqe->wqe), &swqe, &ci)) {
		tulle_ib_cq_break(to_tulle_ib_cq(qp->ibqp.send_cq),
				  "completion of no send WQE",
				  le16_to_cpu(cqe->wqe));
		return false;
	}
	if (poll_send_ops[swqe.op].cqe != op ||
	    (!cqe->status && (!swqe.signalled ||
			      le32_to_cpu(cqe->byte_len) > swqe.len))) {
		tulle_ib_cq_break(to_tulle_ib_cq(qp->ibqp.send_cq),
				  "send completion that does not fit", op);
		return false;
	}
	/* Reads of the shadow before ci: the slots are free. */
	smp_store_release(&qp->sq.prod.ci, ci);
	poll_wc_init(wc, qp, swqe.wr_id);
	wc->opcode = poll_send_ops[swqe.op].wc;
	if (cqe->status) {
		wc->status = poll_status(cqe->status);
		wc->vendor_err = cqe->syndrome;
	} else {
		wc->byte_len = le32_to_cpu(cqe->byte_len);
	}
	return true;
}

/* Strictly in order; it is not used up yet. */
static bool poll_rq_find(const struct tulle_ib_wq *rq,
			 const struct tulle_rdma_cqe *cqe,
			 struct tulle_ib_rwqe *rwqe)
{
	u32 ci = rq->prod.ci;

	/* Shadow before pi: pairs with post_recv. */
	if (ci == smp_load_acquire(&rq->prod.pi) ||
	    (u16)(ci + 1) != le16_to_cpu(cqe->wqe))
		return false;
	*rwqe = rq->rwqe[ci & rq->prod.ring.mask];
	return true;
}

/* That of an SRQ is taken at once: nobody but this CQE knows of it. */
static bool poll_recv_find(struct tulle_ib_qp *qp,
			   const struct tulle_rdma_cqe *cqe,
			   struct tulle_ib_rwqe *rwqe)
{
	if (qp->ibqp.srq)
		return tulle_ib_srq_take(to_tulle_ib_srq(qp->ibqp.srq),
					 le64_to_cpu(cqe->wr_id), rwqe);
	return poll_rq_find(&qp->rq, cqe, rwqe);
}

static void poll_recv_used(struct tulle_ib_qp *qp)
{
	struct tulle_prod *prod = &qp->rq.prod;

	if (qp->ibqp.srq)
		return;
	/* Reads of the shadow before ci: the slot is free. */
	smp_store_release(&prod->ci, prod->ci + 1);
}

static void poll_recv_datagram(const struct tulle_rdma_cqe *cqe, u32 flags,
			       struct ib_wc *wc)
{
	wc->src_qp = flags & TULLE_WC_SRC_QP;
	wc->sl = cqe->sl & 7;
	if (flags & TULLE_WC_F_GRH) {
		wc->wc_flags |= IB_WC_GRH | IB_WC_WITH_NETWORK_HDR_TYPE;
		wc->network_hdr_type = flags & TULLE_WC_F_IPV4 ?
				       RDMA_NETWORK_IPV4 : RDMA_NETWORK_IPV6;
	}
	if (flags & TULLE_WC_F_VLAN) {
		wc->wc_flags |= IB_WC_WITH_VLAN;
		wc->vlan_id = le16_to_cpu(cqe->pkey_vlan) & 0xfff;
	}
}

static void poll_recv_flags(struct tulle_ib_qp *qp,
			    const struct tulle_rdma_cqe *cqe, struct ib_wc *wc)
{
	u32 flags = le32_to_cpu(cqe->src_flags);

	if (flags & TULLE_WC_F_INV) {
		wc->wc_flags |= IB_WC_WITH_INVALIDATE;
		wc->ex.invalidate_rkey = le32_to_cpu((__force __le32)cqe->imm);
	} else if (flags & TULLE_WC_F_IMM) {
		wc->wc_flags |= IB_WC_WITH_IMM;
		wc->ex.imm_data = cqe->imm;
	}
	if (flags & TULLE_WC_F_CSUM)
		wc->wc_flags |= IB_WC_IP_CSUM_OK;
	if (qp->type == TULLE_QP_UD || qp->type == TULLE_QP_GSI)
		poll_recv_datagram(cqe, flags, wc);
}

/* A message that this WQE can have received. */
static bool poll_recv_fits(const struct tulle_ib_qp *qp,
			   const struct tulle_rdma_cqe *cqe, u8 op, u32 room)
{
	u32 flags = le32_to_cpu(cqe->src_flags);
	u32 len = le32_to_cpu(cqe->byte_len);

	if (flags & TULLE_WC_F_INV && flags & TULLE_WC_F_IMM)
		return false;
	/* A WRITE with immediate data puts nothing into the buffer. */
	if (op == TULLE_CQE_RECV_WRITE)
		return flags & TULLE_WC_F_IMM && len <= POLL_MAX_LEN;
	if (op != TULLE_CQE_RECV || len > room)
		return false;
	return len >= sizeof(struct ib_grh) ||
	       (qp->type != TULLE_QP_UD && qp->type != TULLE_QP_GSI);
}

static bool poll_recv(struct tulle_ib_qp *qp,
		      const struct tulle_rdma_cqe *cqe, u8 op,
		      struct ib_wc *wc)
{
	struct tulle_ib_rwqe rwqe;

	if (!poll_recv_find(qp, cqe, &rwqe)) {
		tulle_ib_cq_break(to_tulle_ib_cq(qp->ibqp.recv_cq),
				  "completion of no receive WQE",
				  le16_to_cpu(cqe->wqe));
		return false;
	}
	poll_wc_init(wc, qp, rwqe.wr_id);
	wc->opcode = IB_WC_RECV;
	if (!cqe->status && !poll_recv_fits(qp, cqe, op, rwqe.len)) {
		tulle_ib_cq_break(to_tulle_ib_cq(qp->ibqp.recv_cq),
				  "receive completion that does not fit",
				  le32_to_cpu(cqe->byte_len));
		/* One that is the queue pair's own is outstanding as before. */
		wc->status = IB_WC_FATAL_ERR;
		return qp->ibqp.srq;
	}
	poll_recv_used(qp);
	if (cqe->status) {
		wc->status = poll_status(cqe->status);
		wc->vendor_err = cqe->syndrome;
		return true;
	}
	if (op == TULLE_CQE_RECV_WRITE)
		wc->opcode = IB_WC_RECV_RDMA_WITH_IMM;
	wc->byte_len = le32_to_cpu(cqe->byte_len);
	poll_recv_flags(qp, cqe, wc);
	return true;
}

/*
 * Of a broken queue pair nothing is believed; what is its own is completed in
 * software. But a WQE of an SRQ is nobody's until a CQE names it.
 */
static bool poll_broken(struct tulle_ib_qp *qp,
			const struct tulle_rdma_cqe *cqe, bool is_recv,
			struct ib_wc *wc)
{
	struct tulle_ib_rwqe rwqe;

	if (!is_recv || !qp->ibqp.srq || !poll_recv_find(qp, cqe, &rwqe))
		return false;
	poll_wc_init(wc, qp, rwqe.wr_id);
	wc->opcode = IB_WC_RECV;
	wc->status = IB_WC_WR_FLUSH_ERR;
	return true;
}

/* One CQE; true when the consumer gets it. */
static bool poll_one(struct tulle_ib_cq *cq, const struct tulle_rdma_cqe *cqe,
		     struct ib_wc *wc)
{
	u32 qn_op = le32_to_cpu(cqe->qn_op);
	u8 op = FIELD_GET(TULLE_CQE_OP, qn_op);
	bool is_recv = TULLE_CQE_IS_RECV(op);
	struct tulle_ib_qp *qp;

	if (qn_op == POLL_DEAD && cq->dead) {
		cq->dead--;
		return false;
	}
	qp = xa_load(&cq->qps, FIELD_GET(TULLE_CQE_QN, qn_op));
	if (!qp || &cq->ibcq != (is_recv ? qp->ibqp.recv_cq :
					   qp->ibqp.send_cq)) {
		tulle_ib_cq_break(cq, "completion of no queue pair", qn_op);
		return false;
	}
	if (READ_ONCE(qp->broken))
		return poll_broken(qp, cqe, is_recv, wc);
	return is_recv ? poll_recv(qp, cqe, op, wc) :
			 poll_send(qp, cqe, op, wc);
}

static int poll_ring(struct tulle_ib_cq *cq, int n, struct ib_wc *wc)
{
	struct tulle_cons *cons = &cq->tcq.cons;
	u32 limit = tulle_ring_size(&cons->ring);
	struct tulle_rdma_cqe cqe;
	u32 ci = cons->ci;
	int done = 0;
	void *entry;

	while (done < n && limit--) {
		entry = tulle_cons_peek(cons);
		if (!entry)
			break;
		memcpy(&cqe, entry, sizeof(cqe));
		tulle_cons_pop(cons);
		if (poll_one(cq, &cqe, wc + done))
			done++;
	}
	if (cons->ci != ci)
		tulle_cons_update(cons);
	return done;
}

static int poll_flush_sq(struct tulle_ib_qp *qp, int n, struct ib_wc *wc)
{
	struct tulle_ib_wq *sq = &qp->sq;
	const struct tulle_ib_swqe *swqe;
	int done = 0;
	u32 ci;

	while (done < n) {
		ci = sq->prod.ci;
		/* As in poll_sq_find(). */
		if (ci == smp_load_acquire(&sq->prod.pi))
			break;
		swqe = &sq->swqe[ci & sq->prod.ring.mask];
		if (swqe->op != TULLE_WQE_NOP) {
			poll_wc_init(wc, qp, swqe->wr_id);
			wc->opcode = poll_send_ops[swqe->op].wc;
			wc->status = IB_WC_WR_FLUSH_ERR;
			wc++;
			done++;
		}
		/* As in poll_send(). */
		smp_store_release(&sq->prod.ci, ci + swqe->nblocks);
	}
	return done;
}

static int poll_flush_rq(struct tulle_ib_qp *qp, int n, struct ib_wc *wc)
{
	struct tulle_ib_wq *rq = &qp->rq;
	int done = 0;
	u32 ci;

	while (done < n) {
		ci = rq->prod.ci;
		/* As in poll_rq_find(). */
		if (ci == smp_load_acquire(&rq->prod.pi))
			break;
		poll_wc_init(wc, qp, rq->rwqe[ci & rq->prod.ring.mask].wr_id);
		wc->opcode = IB_WC_RECV;
		wc->status = IB_WC_WR_FLUSH_ERR;
		wc++;
		done++;
		/* As in poll_recv_used(). */
		smp_store_release(&rq->prod.ci, ci + 1);
	}
	return done;
}

/* What the device will not complete any more. */
static int poll_flush(struct tulle_ib_cq *cq, int n, struct ib_wc *wc)
{
	struct tulle_ib_qp *qp;
	unsigned long index;
	int done = 0;

	xa_for_each(&cq->qps, index, qp) {
		/* The GSI queue pair is in the list twice. */
		if (index != qp->qpn || !tulle_ib_qp_is_flushed(qp))
			continue;
		if (qp->ibqp.send_cq == &cq->ibcq)
			done += poll_flush_sq(qp, n - done, wc + done);
		if (qp->ibqp.recv_cq == &cq->ibcq && !qp->ibqp.srq)
			done += poll_flush_rq(qp, n - done, wc + done);
		if (done == n)
			break;
	}
	return done;
}

static bool poll_has_flush(struct tulle_ib_cq *cq)
{
	struct tulle_ib_qp *qp;
	unsigned long index;

	xa_for_each(&cq->qps, index, qp) {
		if (!tulle_ib_qp_is_flushed(qp))
			continue;
		if (qp->ibqp.send_cq == &cq->ibcq &&
		    qp->sq.prod.ci != READ_ONCE(qp->sq.prod.pi))
			return true;
		if (qp->ibqp.recv_cq == &cq->ibcq && !qp->ibqp.srq &&
		    qp->rq.prod.ci != READ_ONCE(qp->rq.prod.pi))
			return true;
	}
	return false;
}

/* Rare enough that walking all queue pairs is no matter, but not for free. */
static bool poll_may_flush(struct tulle_ib_cq *cq)
{
	return unlikely(READ_ONCE(cq->flushes)) ||
	       tulle_ib_is_dead(to_tulle_ib_dev(cq->ibcq.device));
}

int tulle_ib_poll_cq(struct ib_cq *ibcq, int n, struct ib_wc *wc)
{
	struct tulle_ib_cq *cq = to_tulle_ib_cq(ibcq);
	unsigned long flags;
	int done;

	spin_lock_irqsave(&cq->lock, flags);
	done = likely(!cq->gone) ? poll_ring(cq, n, wc) : 0;
	if (done < n && poll_may_flush(cq))
		done += poll_flush(cq, n - done, wc + done);
	spin_unlock_irqrestore(&cq->lock, flags);
	return done;
}

static bool poll_has_any(struct tulle_ib_cq *cq)
{
	return tulle_cons_peek(&cq->tcq.cons) ||
	       (poll_may_flush(cq) && poll_has_flush(cq));
}

int tulle_ib_req_notify_cq(struct ib_cq *ibcq, enum ib_cq_notify_flags flags)
{
	bool solicited = (flags & IB_CQ_SOLICITED_MASK) == IB_CQ_SOLICITED;
	struct tulle_ib_cq *cq = to_tulle_ib_cq(ibcq);
	unsigned long irq_flags;
	bool missed = false;

	spin_lock_irqsave(&cq->lock, irq_flags);
	if (!cq->gone) {
		/* What was asked for before is still to come. */
		cq->any = !solicited || (READ_ONCE(cq->armed) && cq->any);
		WRITE_ONCE(cq->armed, true);
		tulle_cons_arm(&cq->tcq.cons, cq->any ? TULLE_ARM_ANY :
							TULLE_ARM_SOLICITED);
		missed = poll_has_any(cq);
	}
	spin_unlock_irqrestore(&cq->lock, irq_flags);
	return flags & IB_CQ_REPORT_MISSED_EVENTS ? missed : 0;
}

/* Somebody waits: for what was sent, or to drain what may be received. */
static bool poll_is_awaited(struct tulle_ib_cq *cq)
{
	struct tulle_ib_qp *qp;
	unsigned long index;

	xa_for_each(&cq->qps, index, qp) {
		if (qp->ibqp.send_cq == &cq->ibcq &&
		    qp->sq.prod.ci != READ_ONCE(qp->sq.prod.pi))
			return true;
		if (qp->ibqp.recv_cq == &cq->ibcq && !qp->ibqp.srq &&
		    READ_ONCE(qp->state) == IB_QPS_ERR &&
		    qp->rq.prod.ci != READ_ONCE(qp->rq.prod.pi))
			return true;
	}
	return false;
}

/**
 * tulle_ib_cq_check() - wake a consumer whose event never came
 * @cq: the CQ
 *
 * For one that was on its way there is time until the next check.
 *
 * Return: true when nothing has come for long, though it should: has it stopped?
 */
bool tulle_ib_cq_check(struct tulle_ib_cq *cq)
{
	unsigned long flags;
	bool any, late, lost;
	bool stuck = false;
	u32 ci;

	spin_lock_irqsave(&cq->lock, flags);
	ci = cq->tcq.cons.ci;
	any = poll_has_any(cq);
	late = READ_ONCE(cq->armed) && cq->any && any && !xa_empty(&cq->qps);
	lost = late && cq->late && cq->late_ci == ci;
	if (any || cq->late_ci != ci || !poll_is_awaited(cq))
		cq->still = 0;
	else
		stuck = !(++cq->still % POLL_STILL);
	cq->late = late;
	cq->late_ci = ci;
	spin_unlock_irqrestore(&cq->lock, flags);
	if (lost) {
		ibdev_warn_ratelimited(cq->ibcq.device,
				       "CQ %#x: event of a completion did not come\n",
				       cq->tcq.handle);
		tulle_ib_cq_wake(cq);
	}
	return stuck;
}

/* Those in front: there may be nothing else that their consumer would poll for. */
static void poll_drop_dead(struct tulle_ib_cq *cq)
{
	struct tulle_cons *cons = &cq->tcq.cons;
	struct tulle_rdma_cqe *cqe;

	while (cq->dead && (cqe = tulle_cons_peek(cons)) &&
	       READ_ONCE(cqe->qn_op) == cpu_to_le32(POLL_DEAD)) {
		tulle_cons_pop(cons);
		cq->dead--;
	}
	tulle_cons_update(cons);
}

/*
 * Forget the CQEs of a queue pair whose rings start over or go away. Under the
 * CQ's lock; the device adds none any more.
 */
void tulle_ib_cq_clean(struct tulle_ib_cq *cq, struct tulle_ib_qp *qp)
{
	struct tulle_cons cons = cq->tcq.cons;
	u32 n = tulle_ring_size(&cons.ring);
	struct tulle_rdma_cqe *cqe;
	struct tulle_ib_rwqe rwqe;
	u32 qn_op, qn;

	lockdep_assert_held(&cq->lock);
	for (; n && (cqe = tulle_cons_peek(&cons)); n--) {
		tulle_cons_pop(&cons);
		qn_op = le32_to_cpu(READ_ONCE(cqe->qn_op));
		qn = FIELD_GET(TULLE_CQE_QN, qn_op);
		if (qn_op == POLL_DEAD || xa_load(&cq->qps, qn) != qp)
			continue;
		if (TULLE_CQE_IS_RECV(FIELD_GET(TULLE_CQE_OP, qn_op)) &&
		    qp->ibqp.srq)
			tulle_ib_srq_take(to_tulle_ib_srq(qp->ibqp.srq),
					  le64_to_cpu(cqe->wr_id), &rwqe);
		WRITE_ONCE(cqe->qn_op, cpu_to_le32(POLL_DEAD));
		cq->dead++;
	}
	poll_drop_dead(cq);
}
