// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* What is in a completion queue: as struct ibv_wc, and one member at a time. */

#include "provider.h"

#define TULLE_WC_SAME(name) \
	_Static_assert((int)TULLE_WC_##name == (int)IBV_WC_##name##_ERR, #name)
_Static_assert((int)TULLE_WC_SUCCESS == (int)IBV_WC_SUCCESS, "SUCCESS");
TULLE_WC_SAME(LOC_LEN);
TULLE_WC_SAME(LOC_QP_OP);
TULLE_WC_SAME(LOC_PROT);
TULLE_WC_SAME(WR_FLUSH);
TULLE_WC_SAME(MW_BIND);
TULLE_WC_SAME(BAD_RESP);
TULLE_WC_SAME(LOC_ACCESS);
TULLE_WC_SAME(REM_INV_REQ);
TULLE_WC_SAME(REM_ACCESS);
TULLE_WC_SAME(REM_OP);
TULLE_WC_SAME(RETRY_EXC);
TULLE_WC_SAME(RNR_RETRY_EXC);
TULLE_WC_SAME(REM_ABORT);
TULLE_WC_SAME(FATAL);
TULLE_WC_SAME(GENERAL);

static const u8 tulle_wc_opcodes[64] = {
	[TULLE_CQE_SEND]	 = IBV_WC_SEND,
	[TULLE_CQE_WRITE]	 = IBV_WC_RDMA_WRITE,
	[TULLE_CQE_READ]	 = IBV_WC_RDMA_READ,
	[TULLE_CQE_CMP_SWAP]	 = IBV_WC_COMP_SWAP,
	[TULLE_CQE_FETCH_ADD]	 = IBV_WC_FETCH_ADD,
	[TULLE_CQE_LOCAL_INV]	 = IBV_WC_LOCAL_INV,
	[TULLE_CQE_BIND_MW]	 = IBV_WC_BIND_MW,
	[TULLE_CQE_ATOMIC_WRITE] = IBV_WC_ATOMIC_WRITE,
	[TULLE_CQE_FLUSH]	 = IBV_WC_FLUSH,
	[TULLE_CQE_RECV]	 = IBV_WC_RECV,
	[TULLE_CQE_RECV_WRITE]	 = IBV_WC_RECV_RDMA_WITH_IMM,
};

static u32 tulle_cqe_op(const struct tulle_rdma_cqe *cqe)
{
	return le32_get_bits(cqe->qn_op, TULLE_CQE_OP);
}

static u32 tulle_cqe_qpn(const struct tulle_rdma_cqe *cqe)
{
	return le32_get_bits(cqe->qn_op, TULLE_CQE_QN);
}

static enum ibv_wc_opcode tulle_cqe_wc_op(const struct tulle_rdma_cqe *cqe)
{
	return tulle_wc_opcodes[tulle_cqe_op(cqe) & 63];
}

static unsigned int tulle_cqe_wc_flags(const struct tulle_rdma_cqe *cqe)
{
	u32 flags = le32_to_cpu(cqe->src_flags);

	return (flags & TULLE_WC_F_GRH ? IBV_WC_GRH : 0) |
	       (flags & TULLE_WC_F_IMM ? IBV_WC_WITH_IMM : 0) |
	       (flags & TULLE_WC_F_INV ? IBV_WC_WITH_INV : 0) |
	       (flags & TULLE_WC_F_CSUM ? IBV_WC_IP_CSUM_OK : 0);
}

/* One that the verbs know. */
static enum ibv_wc_status tulle_cqe_status(const struct tulle_rdma_cqe *cqe)
{
	return cqe->status <= TULLE_WC_GENERAL ? cqe->status :
						 IBV_WC_GENERAL_ERR;
}

/*
 * Room in the queue that it came from. An XRC target may be another process's,
 * and what does not complete here is not held by this CQ's lock.
 */
static void tulle_cqe_consume(struct tulle_cq *cq,
			      const struct tulle_rdma_cqe *cqe)
{
	struct tulle_qp *qp = tulle_qp_find(cq->ctx, tulle_cqe_qpn(cqe));
	bool is_recv = TULLE_CQE_IS_RECV(tulle_cqe_op(cqe));
	u16 wqe = le16_to_cpu(cqe->wqe);

	if (!qp || cq != (is_recv ? qp->recv_cq : qp->send_cq))
		return;
	if (!is_recv)
		tulle_prod_done(&qp->sq, wqe);
	else if (!qp->srq)
		tulle_prod_done(&qp->rq, wqe);
	else
		tulle_prod_done(&qp->srq->rq, wqe + 1);
}

/* The next CQE, which stays the process's until the index is given back. */
static const struct tulle_rdma_cqe *tulle_cq_next(struct tulle_cq *cq)
{
	const struct tulle_rdma_cqe *cqe;
	char *entry = tulle_cons_peek(&cq->cons);

	if (!entry)
		return NULL;
	cqe = (void *)(entry + (1U << cq->cons.ring.log_entry) - sizeof(*cqe));
	tulle_cons_pop(&cq->cons);
	tulle_cqe_consume(cq, cqe);
	return cqe;
}

static void tulle_cqe_to_wc(const struct tulle_rdma_cqe *cqe,
			    struct ibv_wc *wc)
{
	u32 src = le32_to_cpu(cqe->src_flags);

	wc->wr_id = le64_to_cpu(cqe->wr_id);
	wc->status = tulle_cqe_status(cqe);
	wc->opcode = tulle_cqe_wc_op(cqe);
	wc->vendor_err = cqe->syndrome;
	wc->byte_len = le32_to_cpu(cqe->byte_len);
	wc->qp_num = tulle_cqe_qpn(cqe);
	wc->src_qp = src & TULLE_WC_SRC_QP;
	wc->wc_flags = tulle_cqe_wc_flags(cqe);
	/* The same bytes: an R_Key is little-endian, data are as they came. */
	if (src & TULLE_WC_F_INV)
		wc->invalidated_rkey = le32toh((TULLE_FORCE u32)cqe->imm);
	else
		wc->imm_data = cqe->imm;
	wc->pkey_index = src & TULLE_WC_F_VLAN ? 0 :
						 le16_to_cpu(cqe->pkey_vlan);
	wc->slid = 0;
	wc->sl = cqe->sl;
	wc->dlid_path_bits = 0;
}

int tulle_cq_poll(struct ibv_cq *ibcq, int n, struct ibv_wc *wc)
{
	struct tulle_cq *cq = to_tulle_cq(ibcq);
	const struct tulle_rdma_cqe *cqe;
	int i;

	tulle_lock(&cq->lock);
	for (i = 0; i < n; i++) {
		cqe = tulle_cq_next(cq);
		if (!cqe)
			break;
		tulle_cqe_to_wc(cqe, &wc[i]);
	}
	if (i)
		tulle_cons_update(&cq->cons);
	tulle_unlock(&cq->lock);
	return i;
}

/* Extended polling */

static struct tulle_cq *to_cq(struct ibv_cq_ex *cq_ex)
{
	return to_tulle_cq(ibv_cq_ex_to_cq(cq_ex));
}

static int tulle_cq_step(struct tulle_cq *cq)
{
	cq->cur = tulle_cq_next(cq);
	if (!cq->cur)
		return ENOENT;
	cq->vcq.cq_ex.wr_id = le64_to_cpu(cq->cur->wr_id);
	cq->vcq.cq_ex.status = tulle_cqe_status(cq->cur);
	return 0;
}

static int tulle_cq_start_poll(struct ibv_cq_ex *cq_ex,
			       struct ibv_poll_cq_attr *attr)
{
	struct tulle_cq *cq = to_cq(cq_ex);
	int err;

	if (attr->comp_mask)
		return EINVAL;
	tulle_lock(&cq->lock);
	err = tulle_cq_step(cq);
	if (err)
		tulle_unlock(&cq->lock);
	else
		__atomic_store_n(&cq->poller, pthread_self(), __ATOMIC_RELAXED);
	return err;
}

/* The one before goes back first: a poll may last for more than one lap. */
static int tulle_cq_next_poll(struct ibv_cq_ex *cq_ex)
{
	struct tulle_cq *cq = to_cq(cq_ex);

	tulle_cons_update(&cq->cons);
	return tulle_cq_step(cq);
}

static void tulle_cq_end_poll(struct ibv_cq_ex *cq_ex)
{
	struct tulle_cq *cq = to_cq(cq_ex);

	tulle_cons_update(&cq->cons);
	cq->cur = NULL;
	__atomic_store_n(&cq->poller, 0, __ATOMIC_RELAXED);
	tulle_unlock(&cq->lock);
}

static enum ibv_wc_opcode tulle_wc_read_opcode(struct ibv_cq_ex *cq)
{
	return tulle_cqe_wc_op(to_cq(cq)->cur);
}

static uint32_t tulle_wc_read_vendor_err(struct ibv_cq_ex *cq)
{
	return to_cq(cq)->cur->syndrome;
}

static uint32_t tulle_wc_read_byte_len(struct ibv_cq_ex *cq)
{
	return le32_to_cpu(to_cq(cq)->cur->byte_len);
}

/* Of an invalidated R_Key as well, which the caller wants as a number. */
static __be32 tulle_wc_read_imm_data(struct ibv_cq_ex *cq)
{
	const struct tulle_rdma_cqe *cqe = to_cq(cq)->cur;

	if (le32_to_cpu(cqe->src_flags) & TULLE_WC_F_INV)
		return (TULLE_FORCE __be32)le32toh((TULLE_FORCE u32)cqe->imm);
	return cqe->imm;
}

static uint32_t tulle_wc_read_qp_num(struct ibv_cq_ex *cq)
{
	return tulle_cqe_qpn(to_cq(cq)->cur);
}

static uint32_t tulle_wc_read_src_qp(struct ibv_cq_ex *cq)
{
	return le32_get_bits(to_cq(cq)->cur->src_flags, TULLE_WC_SRC_QP);
}

static unsigned int tulle_wc_read_flags(struct ibv_cq_ex *cq)
{
	return tulle_cqe_wc_flags(to_cq(cq)->cur);
}

static uint32_t tulle_wc_read_slid(struct ibv_cq_ex *cq)
{
	(void)cq;
	return 0;
}

static uint8_t tulle_wc_read_sl(struct ibv_cq_ex *cq)
{
	return to_cq(cq)->cur->sl;
}

static uint8_t tulle_wc_read_path_bits(struct ibv_cq_ex *cq)
{
	(void)cq;
	return 0;
}

static uint64_t tulle_wc_read_timestamp(struct ibv_cq_ex *cq)
{
	const struct tulle_rdma_cqe *cqe = to_cq(cq)->cur;

	return le64_to_cpu(((const struct tulle_rdma_cqe_ext *)cqe)[-1].timestamp);
}

static uint16_t tulle_wc_read_cvlan(struct ibv_cq_ex *cq)
{
	const struct tulle_rdma_cqe *cqe = to_cq(cq)->cur;

	return le32_to_cpu(cqe->src_flags) & TULLE_WC_F_VLAN ?
	       le16_to_cpu(cqe->pkey_vlan) : 0;
}

void tulle_cq_set_poll_ops(struct tulle_cq *cq)
{
	struct ibv_cq_ex *ex = &cq->vcq.cq_ex;

	ex->start_poll = tulle_cq_start_poll;
	ex->next_poll = tulle_cq_next_poll;
	ex->end_poll = tulle_cq_end_poll;
	ex->read_opcode = tulle_wc_read_opcode;
	ex->read_vendor_err = tulle_wc_read_vendor_err;
	ex->read_byte_len = tulle_wc_read_byte_len;
	ex->read_imm_data = tulle_wc_read_imm_data;
	ex->read_qp_num = tulle_wc_read_qp_num;
	ex->read_src_qp = tulle_wc_read_src_qp;
	ex->read_wc_flags = tulle_wc_read_flags;
	ex->read_slid = tulle_wc_read_slid;
	ex->read_sl = tulle_wc_read_sl;
	ex->read_dlid_path_bits = tulle_wc_read_path_bits;
	ex->read_cvlan = tulle_wc_read_cvlan;
	if (cq->cons.ring.log_entry > 5)
		ex->read_completion_ts = tulle_wc_read_timestamp;
}
