// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Memory keys in use: who may touch what through a key, and where it lies.
 */
#include "rdma.h"

#define BOUNCE	4096

bool tfw_mkey_check(struct tfw_func *f, u32 key, u64 addr, u64 len, u8 access)
{
	struct tfw_mkey *k = tfw_obj_find(f, TULLE_OBJ_MKEY, key);

	return k && k->type == TULLE_MKEY_DMA &&
	       (k->access & access) == access && addr + len >= addr;
}

u32 tfw_qp_pd(struct tfw_qp *qp)
{
	struct tfw_srq *srq;

	if (qp->type != TULLE_QP_XRC_TGT)
		return qp->pd->handle;
	srq = tfw_obj_find(qp->obj.func, TULLE_OBJ_SRQ, qp->xrc_srq);
	return srq ? srq->pd->handle : 0;
}

static bool covers(const struct tfw_mkey *k, u64 addr, u64 len)
{
	u64 off = addr - k->iova;

	if (k->type == TULLE_MKEY_DMA)
		return addr + len >= addr;
	return addr >= k->iova && off <= k->len && len <= k->len - off;
}

/* Is it a key that this QP may name? */
static bool is_for(const struct tfw_mkey *k, const struct tfw_qp *qp, u32 pd,
		   bool remote)
{
	switch (k->type) {
	case TULLE_MKEY_MW1:
		return remote && k->pd->handle == pd;
	case TULLE_MKEY_MW2:
		return remote && k->qp == qp->obj.handle;
	}
	if (k->flags & TULLE_MKEY_F_KERNEL)
		return !remote && qp->flags & TULLE_QP_F_KERNEL;
	return k->pd->handle == pd;
}

struct tfw_mkey *tfw_mkey_get_of(struct tfw_qp *qp, u32 pd, u32 key, u64 addr,
				 u64 len, u8 access, bool remote)
{
	struct tfw_mkey *k = tfw_obj_at(qp->obj.func, TULLE_OBJ_MKEY,
					u32_get_bits(key, TULLE_KEY_INDEX));

	if (!pd)
		pd = tfw_qp_pd(qp);
	if (!k || k->tag != u32_get_bits(key, TULLE_KEY_TAG) ||
	    k->state != TULLE_MKEY_VALID || !is_for(k, qp, pd, remote))
		return NULL;
	/* A region may be revoked under its windows. */
	if (k->mr && k->mr->state != TULLE_MKEY_VALID)
		return NULL;
	return (k->access & access) == access && covers(k, addr, len) ? k :
									NULL;
}

struct tfw_mkey *tfw_mkey_get(struct tfw_qp *qp, u32 key, u64 addr, u64 len,
			      u8 access, bool remote)
{
	return tfw_mkey_get_of(qp, 0, key, addr, len, access, remote);
}

u64 tfw_mkey_piece(const struct tfw_mkey *k, u64 addr, u32 *n)
{
	u64 off, page, left;
	u32 i;

	if (k->mr) {
		addr = addr - k->iova + k->base;
		k = k->mr;
	}
	off = addr - k->iova;
	if (!k->pages)
		return k->base + off;
	off += k->offset;
	page = 1ULL << k->log_page;
	i = (u32)(off >> k->log_page);
	off &= page - 1;
	/* Neighbours that happen to be contiguous are one piece. */
	for (left = page - off, addr = k->pages[i] + off; left < *n;
	     left += page, i++)
		if (i + 1 >= k->npages || k->pages[i + 1] != k->pages[i] + page)
			break;
	*n = (u32)TFW_MIN(left, (u64)*n);
	return addr;
}

bool tfw_mkey_read(const struct tfw_mkey *k, u64 addr, void *buf, u32 len)
{
	char *to = buf;
	u64 bus;
	u32 n;

	for (; len; len -= n, addr += n, to += n) {
		n = len;
		bus = tfw_mkey_piece(k, addr, &n);
		if (!tfw_dma_read(k->obj.func, bus, to, n))
			return false;
	}
	return true;
}

bool tfw_mkey_write(const struct tfw_mkey *k, u64 addr, const void *buf,
		    u32 len)
{
	const char *from = buf;
	u64 bus;
	u32 n;

	for (; len; len -= n, addr += n, from += n) {
		n = len;
		bus = tfw_mkey_piece(k, addr, &n);
		if (!tfw_dma_write(k->obj.func, bus, from, n))
			return false;
	}
	return true;
}

/*
 * One piece on each side. Ranges that overlap go through the buffer as well:
 * what arrives then is not defined, but nobody copies onto what it reads.
 */
static bool copy_piece(struct tfw_func *to, u64 dst, struct tfw_func *from,
		       u64 src, u32 len)
{
	bool overlap = to == from && dst < src + len && src < dst + len;
	const void *p = overlap ? NULL : tfw_dma_map(from, src, len);
	u8 buf[BOUNCE];
	u32 n;

	if (p)
		return tfw_dma_write(to, dst, p, len);
	for (; len; len -= n, src += n, dst += n) {
		n = TFW_MIN(len, (u32)BOUNCE);
		if (!tfw_dma_read(from, src, buf, n) ||
		    !tfw_dma_write(to, dst, buf, n))
			return false;
	}
	return true;
}

bool tfw_mkey_copy(const struct tfw_mkey *to, u64 to_addr,
		   const struct tfw_mkey *from, u64 from_addr, u32 len)
{
	u64 src, dst;
	u32 n;

	for (; len; len -= n, to_addr += n, from_addr += n) {
		n = len;
		src = tfw_mkey_piece(from, from_addr, &n);
		dst = tfw_mkey_piece(to, to_addr, &n);
		if (!copy_piece(to->obj.func, dst, from->obj.func, src, n))
			return false;
	}
	return true;
}
