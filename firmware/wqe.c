// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Send work requests: from a private copy of the ring's blocks to something
 * that was checked, and is kept until it was acknowledged.
 */
#include "transport.h"

#define RC	TULLE_BIT(TULLE_QP_RC)
#define UC	TULLE_BIT(TULLE_QP_UC)
#define UD	(TULLE_BIT(TULLE_QP_UD) | TULLE_BIT(TULLE_QP_GSI))
#define XRC	TULLE_BIT(TULLE_QP_XRC_INI)
#define RAW	TULLE_BIT(TULLE_QP_RAW)

#define USES_IMM	0x01	/* imm may be anything */
#define USES_SGES	0x02
#define USES_INLINE	0x04
#define HAS_LEN		0x08	/* total_len is not the SGEs' */
#define IS_LOCAL	0x10	/* no packet */
#define EIGHT		0x20	/* bytes, exactly */

/*
 * struct wqe_kind - what an operation looks like
 * @types: QP types that know it
 * @seg: bytes of its segment
 */
struct wqe_kind {
	u8	types;
	u8	uses;
	u8	seg;
	u8	cqe;
};

static const struct wqe_kind kinds[] = {
	[TULLE_WQE_SEND] = { RC | UC | UD | XRC | RAW,
		USES_SGES | USES_INLINE, 0, TULLE_CQE_SEND },
	[TULLE_WQE_SEND_IMM] = { RC | UC | UD | XRC,
		USES_SGES | USES_INLINE | USES_IMM, 0, TULLE_CQE_SEND },
	[TULLE_WQE_SEND_INV] = { RC | XRC,
		USES_SGES | USES_INLINE | USES_IMM, 0, TULLE_CQE_SEND },
	[TULLE_WQE_WRITE] = { RC | UC | XRC, USES_SGES | USES_INLINE,
		sizeof(struct tulle_rdma_seg), TULLE_CQE_WRITE },
	[TULLE_WQE_WRITE_IMM] = { RC | UC | XRC,
		USES_SGES | USES_INLINE | USES_IMM,
		sizeof(struct tulle_rdma_seg), TULLE_CQE_WRITE },
	[TULLE_WQE_READ] = { RC | XRC, USES_SGES,
		sizeof(struct tulle_rdma_seg), TULLE_CQE_READ },
	[TULLE_WQE_CMP_SWAP] = { RC | XRC, USES_SGES | EIGHT,
		sizeof(struct tulle_atomic_seg), TULLE_CQE_CMP_SWAP },
	[TULLE_WQE_FETCH_ADD] = { RC | XRC, USES_SGES | EIGHT,
		sizeof(struct tulle_atomic_seg), TULLE_CQE_FETCH_ADD },
	[TULLE_WQE_LOCAL_INV] = { RC | UC | XRC, USES_IMM | IS_LOCAL, 0,
		TULLE_CQE_LOCAL_INV },
	[TULLE_WQE_REG_MR] = { RC | UC | XRC, IS_LOCAL,
		sizeof(struct tulle_reg_mr_seg), TULLE_CQE_REG_MR },
	[TULLE_WQE_BIND_MW] = { RC | UC | XRC, IS_LOCAL,
		sizeof(struct tulle_bind_mw_seg), TULLE_CQE_BIND_MW },
	[TULLE_WQE_ATOMIC_WRITE] = { RC, USES_INLINE | EIGHT,
		sizeof(struct tulle_rdma_seg), TULLE_CQE_ATOMIC_WRITE },
	[TULLE_WQE_FLUSH] = { RC, HAS_LEN,
		sizeof(struct tulle_rdma_seg), TULLE_CQE_FLUSH },
};

#define WQE_FLAGS	(TULLE_WQE_F_CQE | TULLE_WQE_F_SOLICITED | \
			 TULLE_WQE_F_FENCE | TULLE_WQE_F_INLINE)

u8 tfw_swqe_cqe_op(u8 op)
{
	return op < TFW_ARRAY_SIZE(kinds) && kinds[op].cqe ? kinds[op].cqe :
							     TULLE_CQE_SEND;
}

static const struct wqe_kind *kind_of(const struct tfw_qp *qp, u8 op)
{
	if (op >= TFW_ARRAY_SIZE(kinds) ||
	    !(kinds[op].types & TULLE_BIT(qp->type)) ||
	    !tfw_rdma_knows(qp->obj.func, op))
		return NULL;
	return &kinds[op];
}

static void refuse(struct tfw_swqe *e, u8 status, size_t offset)
{
	e->status = status;
	e->syndrome = (u8)TFW_MIN(offset, (size_t)255);
}

#define REFUSE(e, member) \
	refuse(e, TULLE_WC_LOC_QP_OP, offsetof(struct tulle_wqe_ctrl, member))

static bool check_ctrl(const struct tulle_wqe_ctrl *c,
		       const struct wqe_kind *k, struct tfw_swqe *e)
{
	bool inl = c->flags & TULLE_WQE_F_INLINE;
	u32 inl_len = le16_to_cpu(c->inl_len);

	if (c->flags & ~WQE_FLAGS || (inl && !(k->uses & USES_INLINE)))
		REFUSE(e, flags);
	else if (c->nsge > TFW_MAX_QP_SGES ||
		 (c->nsge && (inl || !(k->uses & USES_SGES))) ||
		 ((k->uses & EIGHT) && !inl && c->nsge != 1))
		REFUSE(e, nsge);
	else if (inl_len > TFW_MAX_QP_INLINE || (inl_len && !inl) ||
		 ((k->uses & EIGHT) && inl && inl_len != 8))
		REFUSE(e, inl_len);
	else if (c->imm && !(k->uses & USES_IMM))
		REFUSE(e, imm);
	else
		return true;
	return false;
}

/* Where the data description starts, behind the segments; 0: refused. */
static u32 take_segments(const struct tfw_qp *qp, const u8 *wqe,
			 const struct wqe_kind *k, struct tfw_swqe *e)
{
	u32 at = sizeof(struct tulle_qp_wqe), len = k->seg;
	const struct tulle_xrc_seg *xrc;

	if (qp->type == TULLE_QP_XRC_INI && !(k->uses & IS_LOCAL)) {
		xrc = (const void *)(wqe + at);
		e->srqn = le32_to_cpu(xrc->srq);
		if (xrc->rsvd || e->srqn > TULLE_HANDLE_INDEX) {
			refuse(e, TULLE_WC_LOC_QP_OP, at);
			return 0;
		}
		at += sizeof(*xrc);
	}
	if (TULLE_BIT(qp->type) & UD)
		len = sizeof(e->ud);
	memcpy(e->seg, wqe + at, len);
	return at + len;
}

/* Reserved bits, and what only some operations may say. */
static bool check_segment(const struct tfw_swqe *e)
{
	u32 flush;

	switch (e->op) {
	case TULLE_WQE_FLUSH:
		flush = le32_to_cpu(e->rdma.flush);
		return !(flush & ~(TULLE_FLUSH_TYPE | TULLE_FLUSH_LEVEL)) &&
		       u32_get_bits(flush, TULLE_FLUSH_LEVEL) <= 1;
	case TULLE_WQE_ATOMIC_WRITE:
		return !e->rdma.flush && !(le64_to_cpu(e->rdma.addr) & 7);
	case TULLE_WQE_WRITE:
	case TULLE_WQE_WRITE_IMM:
	case TULLE_WQE_READ:
		return !e->rdma.flush;
	case TULLE_WQE_CMP_SWAP:
	case TULLE_WQE_FETCH_ADD:
		return !e->atomic.rsvd && !(le64_to_cpu(e->atomic.addr) & 7);
	case TULLE_WQE_REG_MR:
		return tfw_is_zero(e->reg.rsvd, sizeof(e->reg.rsvd));
	case TULLE_WQE_BIND_MW:
		return tfw_is_zero(e->bind.rsvd, sizeof(e->bind.rsvd));
	default:
		return true;
	}
}

/* Bytes that the SGEs name, at most 2^31; more: ~0. */
static u64 sum_sges(const struct tulle_sge *sge, u32 n)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < n; i++)
		sum += le32_to_cpu(sge[i].len);
	return sum;
}

static bool take_data(struct tfw_qp *qp, const struct tulle_wqe_ctrl *c,
		      const struct wqe_kind *k, const u8 *at, u32 room,
		      struct tfw_swqe *e)
{
	u32 inl_len = le16_to_cpu(c->inl_len);
	u32 bytes = inl_len + c->nsge * (u32)sizeof(struct tulle_sge);
	u64 sum = inl_len;
	u8 *to = e->small;

	if (bytes > room) {
		REFUSE(e, nblocks);
		return true;
	}
	if (bytes > TFW_SWQE_SMALL) {
		e->more = tfw_alloc(tfw_qp_engine(qp), bytes);
		if (!e->more)
			return false;
		to = e->more;
	}
	memcpy(to, at, bytes);
	e->nsge = c->nsge;
	e->inl_len = (u16)inl_len;
	sum += sum_sges((const void *)to, c->nsge);
	e->len = le32_to_cpu(c->total_len);
	if (k->uses & HAS_LEN)
		return true;
	if (e->len > TFW_MAX_MESSAGE)
		refuse(e, TULLE_WC_LOC_LEN,
		       offsetof(struct tulle_wqe_ctrl, total_len));
	else if (sum != e->len || ((k->uses & EIGHT) && sum != 8))
		REFUSE(e, total_len);
	return true;
}

bool tfw_swqe_parse(struct tfw_qp *qp, const u8 *wqe, u32 nblocks,
		    struct tfw_swqe *e)
{
	const struct tulle_qp_wqe *w = (const void *)wqe;
	const struct wqe_kind *k = kind_of(qp, w->ctrl.op);
	u32 at;

	memset(e, 0, sizeof(*e));
	e->wr_id = le64_to_cpu(w->wr_id);
	e->ix = (u16)qp->sq_ci;
	e->op = w->ctrl.op;
	e->flags = w->ctrl.flags;
	e->imm = w->ctrl.imm;
	if (!k) {
		REFUSE(e, op);
		return true;
	}
	if (!check_ctrl(&w->ctrl, k, e))
		return true;
	at = take_segments(qp, wqe, k, e);
	if (!at)
		return true;
	if (!check_segment(e)) {
		refuse(e, TULLE_WC_LOC_QP_OP, sizeof(*w));
		return true;
	}
	return take_data(qp, &w->ctrl, k, wqe + at,
			 nblocks * TULLE_SQ_BLOCK - at, e);
}

void tfw_swqe_sgl(const struct tfw_swqe *e, struct tfw_sgl *sgl)
{
	const u8 *from = e->more ? e->more : e->small;

	sgl->n = e->nsge;
	sgl->pd = 0;
	sgl->len = e->op == TULLE_WQE_FLUSH ? 0 : e->len;
	sgl->inl = e->inl_len ? from : NULL;
	if (e->nsge)
		memcpy(sgl->sge, from, e->nsge * sizeof(sgl->sge[0]));
}

void tfw_swqe_free(struct tfw_qp *qp, struct tfw_swqe *e)
{
	tfw_free(tfw_qp_engine(qp), e->more);
	e->more = NULL;
}

bool tfw_swqe_answered(const struct tfw_swqe *e)
{
	return e->op == TULLE_WQE_READ || e->op == TULLE_WQE_CMP_SWAP ||
	       e->op == TULLE_WQE_FETCH_ADD ||
	       e->op == TULLE_WQE_ATOMIC_WRITE || e->op == TULLE_WQE_FLUSH;
}

void tfw_swqe_complete(struct tfw_qp *qp, const struct tfw_swqe *e, u8 status)
{
	struct tulle_rdma_cqe cqe = {
		.wr_id = cpu_to_le64(e->wr_id),
		.wqe = cpu_to_le16(e->ix),
		.status = status,
		.syndrome = e->syndrome,
	};

	if (status == TULLE_WC_RETRY_EXC)
		TFW_QP_COUNT(qp, retry_exceeded, 1);
	else if (status == TULLE_WC_RNR_RETRY_EXC)
		TFW_QP_COUNT(qp, rnr_retry_exceeded, 1);
	if (!status && !(e->flags & TULLE_WQE_F_CQE) &&
	    !(qp->flags & TULLE_QP_F_SIG_ALL))
		return;
	if (e->op == TULLE_WQE_READ || e->op == TULLE_WQE_CMP_SWAP ||
	    e->op == TULLE_WQE_FETCH_ADD)
		cqe.byte_len = cpu_to_le32(e->len);
	tfw_qp_complete_send(qp, &cqe, tfw_swqe_cqe_op(e->op), false);
}
