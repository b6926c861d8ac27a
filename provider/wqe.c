// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Send WQEs: room in the ring, header, what they carry, and the doorbell. The
 * two ways to post (post.c, wr.c) are made of these; both hold qp->sq_lock.
 */

#include "provider.h"

static u32 tulle_blocks(size_t bytes)
{
	return (bytes + TULLE_SQ_BLOCK - 1) / TULLE_SQ_BLOCK;
}

/* A WQE does not wrap: one of NOPs takes what is left of the ring. */
static void tulle_wqe_nop(struct tulle_qp *qp, u32 blocks)
{
	struct tulle_qp_wqe *nop = tulle_prod_at(&qp->sq);

	*nop = (struct tulle_qp_wqe) {
		.ctrl = {
			.op = TULLE_WQE_NOP,
			.nblocks = blocks,
			.index = cpu_to_le16(qp->sq.pi),
		},
	};
	qp->sq.pi += blocks;
}

int tulle_wqe_begin(struct tulle_qp *qp, struct tulle_wqe *wqe, u32 blocks)
{
	u32 room = tulle_prod_room_now(&qp->sq);
	u32 to_end = tulle_prod_to_end(&qp->sq);
	u32 pad = to_end < blocks ? to_end : 0;

	if (room < blocks + pad)
		return ENOMEM;
	if (pad)
		tulle_wqe_nop(qp, pad);
	wqe->hdr = tulle_prod_at(&qp->sq);
	return 0;
}

void tulle_wqe_end(struct tulle_qp *qp, struct tulle_wqe *wqe)
{
	u32 blocks = tulle_blocks(wqe->data - (char *)wqe->hdr);

	wqe->hdr->ctrl.nblocks = blocks;
	qp->sq.pi += blocks;
	wqe->hdr = NULL;
}

void tulle_wqe_header(struct tulle_qp *qp, struct tulle_wqe *wqe, u8 op,
		      u64 wr_id, unsigned int send_flags, u32 seg_len)
{
	u8 flags = 0;

	if (send_flags & IBV_SEND_SIGNALED || qp->sig_all)
		flags |= TULLE_WQE_F_CQE;
	if (send_flags & IBV_SEND_SOLICITED)
		flags |= TULLE_WQE_F_SOLICITED;
	if (send_flags & IBV_SEND_FENCE)
		flags |= TULLE_WQE_F_FENCE;
	*wqe->hdr = (struct tulle_qp_wqe) {
		.ctrl = {
			.op = op,
			.flags = flags,
			.index = cpu_to_le16(qp->sq.pi),
		},
		.wr_id = cpu_to_le64(wr_id),
	};
	wqe->seg = (char *)wqe->hdr + tulle_qp_hdr_len(qp->vqp.qp.qp_type, op);
	wqe->data = wqe->seg + seg_len;
}

/*
 * Bytes that may still be written: a request whose parts do not belong together
 * must not reach beyond what was reserved for it.
 */
static size_t tulle_wqe_left(const struct tulle_qp *qp,
			     const struct tulle_wqe *wqe)
{
	return (char *)wqe->hdr + qp->max_blocks * TULLE_SQ_BLOCK - wqe->data;
}

/* An SGE of no bytes names no memory, and is left out. */
int tulle_wqe_sges(struct tulle_qp *qp, struct tulle_wqe *wqe, u32 n,
		   const struct ibv_sge *sge)
{
	struct tulle_sge *to = (struct tulle_sge *)wqe->data;
	u64 total = 0;
	u32 i, used = 0;

	if (n > qp->max_sq_sges || n * sizeof(*to) > tulle_wqe_left(qp, wqe))
		return EINVAL;
	for (i = 0; i < n; i++) {
		if (!sge[i].length)
			continue;
		total += sge[i].length;
		to[used++] = (struct tulle_sge) {
			.addr = cpu_to_le64(sge[i].addr),
			.len = cpu_to_le32(sge[i].length),
			.key = cpu_to_le32(sge[i].lkey),
		};
	}
	if (total > TULLE_MAX_SEND_SIZE)
		return EINVAL;
	wqe->hdr->ctrl.nsge = used;
	wqe->hdr->ctrl.total_len = cpu_to_le32(total);
	wqe->data += used * sizeof(*to);
	return 0;
}

/* Adds to what is inline already. */
int tulle_wqe_inline(struct tulle_qp *qp, struct tulle_wqe *wqe,
		     const void *data, size_t len)
{
	struct tulle_wqe_ctrl *ctrl = &wqe->hdr->ctrl;
	u32 have = le16_to_cpu(ctrl->inl_len);

	if (len > qp->max_inline - have || len > tulle_wqe_left(qp, wqe))
		return EINVAL;
	if (len)
		memcpy(wqe->data, data, len);
	wqe->data += len;
	ctrl->flags |= TULLE_WQE_F_INLINE;
	ctrl->inl_len = cpu_to_le16(have + len);
	ctrl->total_len = cpu_to_le32(have + len);
	return 0;
}

/* Of an XRC initiator. What sends nothing has no SRQ at the other end. */
void tulle_wqe_xrc(struct tulle_wqe *wqe, u32 srqn)
{
	if (!tulle_op_is_remote(wqe->hdr->ctrl.op))
		return;
	*(struct tulle_xrc_seg *)(wqe->hdr + 1) = (struct tulle_xrc_seg) {
		.srq = cpu_to_le32(srqn),
	};
}

void tulle_wqe_ud(struct tulle_wqe *wqe, struct ibv_ah *ah, u32 qpn, u32 qkey)
{
	*(struct tulle_ud_seg *)wqe->seg = (struct tulle_ud_seg) {
		.qpn = cpu_to_le32(qpn),
		.qkey = cpu_to_le32(qkey),
		.av = to_tulle_ah(ah)->av,
	};
}

void tulle_wqe_bind(struct tulle_wqe *wqe, u32 rkey,
		    const struct ibv_mw_bind_info *info)
{
	*(struct tulle_bind_mw_seg *)wqe->seg = (struct tulle_bind_mw_seg) {
		.mw = cpu_to_le32(rkey),
		.mr = cpu_to_le32(info->mr ? info->mr->lkey : 0),
		.iova = cpu_to_le64(info->addr),
		.len = cpu_to_le64(info->length),
		.access = tulle_access(info->mw_access_flags),
	};
}

void tulle_sq_publish(struct tulle_qp *qp)
{
	if (tulle_prod_publish_at(&qp->sq, &qp->dbr->pi, &qp->dbr->evt))
		tulle_doorbell(qp->ctx, TULLE_UAR_QP_SQ, qp->handle);
}
