// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Putting packets into receive buffers, whatever the type of the queue.
 */
#include "eth.h"

static u32 stride_size(const struct tfw_rq *rq)
{
	return 1U << rq->log_stride;
}

static u32 all_strides(const struct tfw_rq *rq)
{
	return 1U << rq->log_strides;
}

static void set_mark(const struct tfw_rq *rq, struct tfw_rq_mark *mark)
{
	mark->ci = rq->wq.ci;
	mark->stride = rq->stride;
	mark->base = rq->base;
}

void tfw_place_abort(struct tfw_rq *rq, const struct tfw_place *p)
{
	rq->wq.ci = p->mark.ci;
	rq->stride = p->mark.stride;
	rq->base = p->mark.base;
}

static void set_rooms(struct tfw_place *p, const struct tulle_sge *sge,
		      unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		p->room[i] = (struct tfw_room){ le64_to_cpu(sge[i].addr),
						le32_to_cpu(sge[i].len) };
	p->n = (u8)n;
	p->ix = 0;
}

static enum tfw_put open_plain(struct tfw_rq *rq, struct tfw_place *p)
{
	struct tulle_sge sge[TFW_MAX_RQ_SGES];
	enum tfw_put put;
	unsigned int n;

	put = tfw_rq_take(rq, sge, &n);
	if (put != TFW_PUT_OK)
		return put;
	set_rooms(p, sge, n);
	return put;
}

static enum tfw_put open_split(struct tfw_rq *rq, struct tfw_place *p, u32 len,
			       u32 hdr_len)
{
	struct tulle_sge sge[TFW_MAX_RQ_SGES];
	enum tfw_put put;
	unsigned int n;
	u32 room;

	put = tfw_rq_take(rq, sge, &n);
	if (put != TFW_PUT_OK)
		return put;
	room = le32_to_cpu(sge[0].len);
	if (len <= rq->split_thresh && len <= room)
		hdr_len = len;
	if (hdr_len && hdr_len <= room) {
		set_rooms(p, sge, 2);
		p->room[0].len = hdr_len;
		p->hdr_len = hdr_len;
	} else {
		set_rooms(p, sge + 1, 1);
	}
	return put;
}

/* Takes @n strides of the open WQE, which has that many. */
static void take_strides(struct tfw_rq *rq, struct tfw_place *p, u32 n)
{
	p->room[0] = (struct tfw_room){
		rq->base + ((u64)rq->stride << rq->log_stride),
		n << rq->log_stride };
	p->n = 1;
	p->ix = 0;
	p->nstrides += n;
	rq->stride += n;
	p->end = rq->stride;
	p->done = rq->stride == all_strides(rq);
	if (p->done)
		rq->stride = 0;
}

static enum tfw_put open_wqe(struct tfw_rq *rq)
{
	struct tulle_sge sge[TFW_MAX_RQ_SGES];
	enum tfw_put put;
	unsigned int n;

	put = tfw_rq_take(rq, sge, &n);
	if (put == TFW_PUT_OK)
		rq->base = le64_to_cpu(sge[0].addr);
	return put;
}

/* What is left of the open WQE goes back to the driver. */
static bool fill_wqe(struct tfw_rq *rq)
{
	struct tulle_rx_cqe cqe = {
		.wqe = cpu_to_le32(rq->wq.ci - 1),
		.stride = cpu_to_le16((u16)rq->stride),
		.count = cpu_to_le16((u16)(all_strides(rq) - rq->stride)),
		.flags = cpu_to_le16(TULLE_RX_F_FILLER | TULLE_RX_F_DONE),
		.qn_op = cpu_to_le32(u32_encode_bits(tfw_obj_index(&rq->wq.obj),
						     TULLE_CQE_QN) |
				     u32_encode_bits(TULLE_CQE_RX,
						     TULLE_CQE_OP)),
	};

	rq->stride = 0;
	if (tfw_cq_push(rq->wq.cq, &cqe, sizeof(cqe), 0))
		return true;
	tfw_wq_error(&rq->wq);
	return false;
}

static enum tfw_put open_multi(struct tfw_rq *rq, struct tfw_place *p, u32 len)
{
	u32 need = (len + stride_size(rq) - 1) >> rq->log_stride;
	enum tfw_put put = TFW_PUT_OK;

	if (rq->stride && need > all_strides(rq) - rq->stride) {
		if (!tfw_rq_avail(rq))
			return rq->wq.state == TULLE_QUEUE_READY ?
				TFW_PUT_DRY : TFW_PUT_ERROR;
		/* Completions stay in the order of the buffers. */
		tfw_gro_flush(rq);
		if (rq->wq.state != TULLE_QUEUE_READY || !fill_wqe(rq))
			return TFW_PUT_ERROR;
		set_mark(rq, &p->mark);
	}
	if (!rq->stride) {
		p->wqe = rq->wq.ci;
		put = open_wqe(rq);
		if (put != TFW_PUT_OK)
			return put;
	} else {
		p->wqe = rq->wq.ci - 1;
	}
	p->stride = rq->stride;
	take_strides(rq, p, TFW_MIN(need, all_strides(rq)));
	return put;
}

enum tfw_put tfw_place_open(struct tfw_rq *rq, struct tfw_place *p, u32 len,
			    u32 hdr_len)
{
	set_mark(rq, &p->mark);
	p->wqe = rq->wq.ci;
	p->nwqe = 1;
	p->stride = 0;
	p->nstrides = 0;
	p->end = 0;
	p->len = 0;
	p->hdr_len = 0;
	p->done = false;
	switch (rq->type) {
	case TULLE_RQ_SPLIT:
		return open_split(rq, p, len, hdr_len);
	case TULLE_RQ_MULTI:
		return open_multi(rq, p, len);
	default:
		return open_plain(rq, p);
	}
}

static enum tfw_put extend_multi(struct tfw_rq *rq, struct tfw_place *p)
{
	enum tfw_put put;

	if (p->nstrides == 0xffff)
		return TFW_PUT_STUCK;
	if (p->done) {
		if (rq->stride || rq->wq.ci != p->wqe + p->nwqe)
			return TFW_PUT_STUCK;
		/* More than the whole ring will not come by waiting. */
		if (p->nwqe == 1U << rq->wq.ring.log_size)
			return TFW_PUT_BIG;
		put = open_wqe(rq);
		if (put != TFW_PUT_OK)
			return put;
		p->nwqe++;
	} else if (rq->stride != p->end ||
		   rq->wq.ci != p->wqe + p->nwqe) {
		return TFW_PUT_STUCK;
	}
	take_strides(rq, p, 1);
	return TFW_PUT_OK;
}

static enum tfw_put extend_wqe(struct tfw_rq *rq, struct tfw_place *p)
{
	struct tulle_sge sge[TFW_MAX_RQ_SGES];
	enum tfw_put put;
	unsigned int n;

	if (!(rq->flags & TULLE_RQ_F_CHAIN))
		return TFW_PUT_BIG;
	if (rq->wq.ci != p->wqe + p->nwqe || p->nwqe == 0xffff)
		return TFW_PUT_STUCK;
	/* More than the whole ring will not come by waiting. */
	if (p->nwqe == 1U << rq->wq.ring.log_size)
		return TFW_PUT_BIG;
	put = tfw_rq_take(rq, sge, &n);
	if (put != TFW_PUT_OK)
		return put;
	p->nwqe++;
	if (rq->type == TULLE_RQ_SPLIT)
		set_rooms(p, sge + 1, 1);
	else
		set_rooms(p, sge, n);
	return put;
}

u64 tfw_place_reserve(struct tfw_place *p, u32 hdr_len)
{
	u64 addr = p->room[0].addr;

	if (p->room[0].len < hdr_len)
		return 0;
	p->room[0].addr += hdr_len;
	p->room[0].len -= hdr_len;
	p->len += hdr_len;
	return addr;
}

enum tfw_put tfw_place_put(struct tfw_rq *rq, struct tfw_place *p,
			   const void *data, size_t len)
{
	enum tfw_put put;
	u32 n;

	while (len) {
		struct tfw_room *room = &p->room[p->ix];

		if (!room->len) {
			if (++p->ix < p->n)
				continue;
			put = tfw_rq_is_multi(rq) ? extend_multi(rq, p) :
						    extend_wqe(rq, p);
			if (put != TFW_PUT_OK) {
				p->ix--;
				return put;
			}
			continue;
		}
		n = (u32)TFW_MIN(len, (size_t)room->len);
		if (!tfw_dma_write(rq->wq.obj.func, room->addr, data, n)) {
			tfw_rq_fail(rq, p->wqe + p->nwqe - 1, TULLE_CQE_DMA, 0);
			return TFW_PUT_ERROR;
		}
		room->addr += n;
		room->len -= n;
		p->len += n;
		data = (const u8 *)data + n;
		len -= n;
	}
	return TFW_PUT_OK;
}

bool tfw_place_emit(struct tfw_rq *rq, const struct tfw_place *p,
		    struct tulle_rx_cqe *cqe)
{
	cqe->byte_len = cpu_to_le32(p->len);
	cqe->wqe = cpu_to_le32(p->wqe);
	cqe->stride = cpu_to_le16((u16)p->stride);
	cqe->count = cpu_to_le16((u16)(tfw_rq_is_multi(rq) ? p->nstrides :
							     p->nwqe));
	cqe->hdr_len = cpu_to_le16((u16)p->hdr_len);
	if (p->done)
		cqe->flags |= cpu_to_le16(TULLE_RX_F_DONE);
	cqe->qn_op = cpu_to_le32(u32_encode_bits(tfw_obj_index(&rq->wq.obj),
						 TULLE_CQE_QN) |
				 u32_encode_bits(TULLE_CQE_RX, TULLE_CQE_OP));
	if (tfw_cq_push(rq->wq.cq, cqe, sizeof(*cqe), 0))
		return true;
	tfw_wq_error(&rq->wq);
	return false;
}
