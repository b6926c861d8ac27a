// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Another ring for a completion queue that is in use.
 */
#include "rdma.h"

#define CHUNK	4096

static u8 owner_of(u32 ix, u8 log_size)
{
	return !(ix >> log_size & 1);
}

/* How many of @n places lie together: to the end of the lap, or of a page. */
static u32 together(const struct tfw_ring *ring, u32 ix, u32 n)
{
	u32 size = 1U << ring->log_size;
	u32 page = CHUNK - (u32)(tfw_ring_addr(ring, ix) % CHUNK);

	n = TFW_MIN(n, size - (ix & (size - 1)));
	return TFW_MIN(n, page >> ring->log_entry);
}

/* What was not consumed goes where its index lies in the new ring. */
static bool move_entries(struct tfw_cq *cq, const struct tfw_ring *to)
{
	struct tfw_func *f = cq->obj.func;
	u8 log = to->log_entry;
	u8 buf[CHUNK];
	u32 ix, n, i;

	for (ix = cq->ci; ix != cq->pi; ix += n) {
		n = together(&cq->ring, ix, cq->pi - ix);
		n = together(to, ix, n);
		if (!tfw_ring_read(f, &cq->ring, ix, n, buf))
			return false;
		for (i = 1; i <= n; i++)
			buf[(i << log) - 1] = owner_of(ix, to->log_size);
		if (!tfw_dma_write(f, tfw_ring_addr(to, ix), buf,
				   (size_t)n << log))
			return false;
	}
	return true;
}

/*
 * The places that are free must look it. In a ring of zeros they do on even
 * laps; on odd ones a zero owner byte means a new entry, so they are filled
 * with the owner of the lap before.
 */
static bool fill_free(struct tfw_cq *cq, const struct tfw_ring *to)
{
	u32 size = 1U << to->log_size, end = cq->ci + size, ix, n, i;
	u32 most = CHUNK >> to->log_entry;
	struct tfw_func *f = cq->obj.func;
	u8 buf[CHUNK] = { 0 };

	for (i = 1; i <= most; i++)
		buf[(i << to->log_entry) - 1] = 1;
	for (ix = cq->pi; ix != end; ix += n) {
		n = together(to, ix, end - ix);
		if (owner_of(ix, to->log_size))
			continue;
		if (!tfw_dma_write(f, tfw_ring_addr(to, ix), buf,
				   (size_t)n << to->log_entry))
			return false;
	}
	return true;
}

/* Both rings hold what there is. */
static enum tulle_status resize_check(struct tfw_cmd *cmd, struct tfw_cq *cq,
				      u8 log_size)
{
	u32 used;

	if (log_size > TFW_LOG_MAX_CQ)
		return TFW_CMD_BAD(cmd, struct tulle_resize_cq, log_size);
	if (cq->state != TULLE_QUEUE_READY)
		return TULLE_STATUS_BAD_STATE;
	if (!tfw_dma_load32(cmd->func, cq->dbr + offsetof(struct tulle_dbr, ci),
			    &cq->ci))
		return TULLE_STATUS_DMA;
	used = cq->pi - cq->ci;
	if (used > 1U << cq->ring.log_size)
		return TULLE_STATUS_BAD_STATE;
	if (used > 1U << log_size)
		return TFW_CMD_BAD(cmd, struct tulle_resize_cq, log_size);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_resize_cq(struct tfw_cmd *cmd)
{
	const struct tulle_resize_cq *req = cmd->in;
	struct tfw_ring ring;
	enum tulle_status st;
	struct tfw_cq *cq;

	cq = tfw_cq_find(cmd->func, le32_to_cpu(req->handle));
	if (!cq)
		return TULLE_STATUS_BAD_HANDLE;
	st = resize_check(cmd, cq, req->log_size);
	if (st)
		return st;
	st = tfw_ring_init(cmd->func, &ring, &req->pages, req->log_size,
			   cq->ring.log_entry);
	if (st == TULLE_STATUS_BAD_PARAM)
		return TFW_CMD_BAD(cmd, struct tulle_resize_cq, pages);
	if (st)
		return st;
	if (!move_entries(cq, &ring) || !fill_free(cq, &ring)) {
		tfw_ring_cleanup(cmd->func, &ring);
		return TULLE_STATUS_DMA;
	}
	tfw_ring_cleanup(cmd->func, &cq->ring);
	cq->ring = ring;
	return TULLE_STATUS_OK;
}
