// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * What work requests do to memory keys: fast registration, windows,
 * invalidation. A request that is refused changes nothing.
 */
#include "rdma.h"

#define REMOTE_ACCESS	(TULLE_MKEY_REMOTE_READ | TULLE_MKEY_REMOTE_WRITE | \
			 TULLE_MKEY_REMOTE_ATOMIC | TULLE_MKEY_FLUSH)
/* Local rights are told with them by habit, and mean nothing to a window. */
#define WINDOW_ACCESS	(REMOTE_ACCESS | TULLE_MKEY_LOCAL_READ | \
			 TULLE_MKEY_LOCAL_WRITE)

static struct tfw_mkey *by_index(struct tfw_qp *qp, u32 key)
{
	return tfw_obj_at(qp->obj.func, TULLE_OBJ_MKEY,
			  u32_get_bits(key, TULLE_KEY_INDEX));
}

static u8 tag_of(u32 key)
{
	return (u8)u32_get_bits(key, TULLE_KEY_TAG);
}

/* An XRC target has no PD of its own: what counts is that of the SRQ. */
static bool is_mine(struct tfw_qp *qp, const struct tfw_mkey *k)
{
	return k->pd && k->pd->handle == tfw_qp_pd(qp);
}

/* Pages of the registration, 0: it cannot be. */
static u32 reg_pages(const struct tfw_mkey *k,
		     const struct tulle_reg_mr_seg *seg)
{
	u64 iova = le64_to_cpu(seg->iova), len = le64_to_cpu(seg->len);
	u8 log = seg->log_page_size;
	u64 page, need;

	if (log < 12 || log > 30 || !len || len > TFW_MAX_MR_SIZE ||
	    (k->max_len && len > k->max_len) || iova + len - 1 < iova)
		return 0;
	page = 1ULL << log;
	need = ((iova & (page - 1)) + len + page - 1) >> log;
	return need <= le32_to_cpu(seg->npages) &&
	       le32_to_cpu(seg->npages) <= k->max_pages ? (u32)need : 0;
}

static bool reg_read(struct tfw_func *f, u64 *to, u64 addr, u32 n, u8 log)
{
	u64 low = (1ULL << log) - 1;
	u32 i;

	if (!tfw_dma_read(f, addr, to, n * sizeof(*to)))
		return false;
	for (i = 0; i < n; i++) {
		to[i] = le64_to_cpu((TULLE_FORCE __le64)to[i]);
		if (to[i] & low || to[i] + low < to[i])
			return false;
	}
	return true;
}

/*
 * The list names bus addresses, so only the kernel's queue pairs may: a
 * process would choose any memory of the machine.
 */
u8 tfw_mkey_register(struct tfw_qp *qp, const struct tulle_reg_mr_seg *seg)
{
	u32 key = le32_to_cpu(seg->key), n;
	struct tfw_mkey *k = by_index(qp, key);
	u64 iova = le64_to_cpu(seg->iova);

	if (!(qp->flags & TULLE_QP_F_KERNEL))
		return TULLE_WC_LOC_QP_OP;
	if (!k || k->type != TULLE_MKEY_FRWR || !is_mine(qp, k) ||
	    k->state != TULLE_MKEY_FREE || !tfw_mkey_access_ok(seg->access) ||
	    !tfw_is_zero(seg->rsvd, sizeof(seg->rsvd)))
		return TULLE_WC_MW_BIND;
	n = reg_pages(k, seg);
	if (!n || !reg_read(qp->obj.func, k->pages, le64_to_cpu(seg->pages), n,
			    seg->log_page_size))
		return TULLE_WC_MW_BIND;
	k->npages = n;
	k->log_page = seg->log_page_size;
	k->offset = (u32)(iova & ((1ULL << k->log_page) - 1));
	k->iova = seg->access & TULLE_MKEY_ZERO_BASED ? 0 : iova;
	k->len = le64_to_cpu(seg->len);
	k->access = seg->access;
	k->tag = tag_of(key);
	k->state = TULLE_MKEY_VALID;
	return TULLE_WC_SUCCESS;
}

void tfw_mkey_unbind(struct tfw_mkey *mw)
{
	struct tfw_qp *qp;

	if (!mw->mr)
		return;
	mw->mr->bound--;
	tfw_obj_put(&mw->mr->obj);
	mw->mr = NULL;
	qp = tfw_obj_find(mw->obj.func, TULLE_OBJ_QP, mw->qp);
	if (qp)
		qp->windows--;
	mw->qp = 0;
	mw->access = 0;
	mw->iova = 0;
	mw->len = 0;
	mw->base = 0;
	mw->state = TULLE_MKEY_FREE;
}

/* The window itself, in a state to be bound; NULL: not so. */
static struct tfw_mkey *bind_window(struct tfw_qp *qp,
				    const struct tulle_bind_mw_seg *seg)
{
	struct tfw_mkey *mw = by_index(qp, le32_to_cpu(seg->mw));

	if (!mw || !is_mine(qp, mw) ||
	    !tfw_is_zero(seg->rsvd, sizeof(seg->rsvd)))
		return NULL;
	if (mw->type == TULLE_MKEY_MW1)
		return seg->access & ~WINDOW_ACCESS ? NULL : mw;
	if (mw->type != TULLE_MKEY_MW2 || mw->state != TULLE_MKEY_FREE ||
	    !seg->len ||
	    seg->access & ~(WINDOW_ACCESS | TULLE_MKEY_ZERO_BASED))
		return NULL;
	return mw;
}

static struct tfw_mkey *bind_region(struct tfw_qp *qp,
				    const struct tulle_bind_mw_seg *seg)
{
	u32 key = le32_to_cpu(seg->mr);
	struct tfw_mkey *mr = by_index(qp, key);
	u8 access = TULLE_MKEY_MW_BIND;

	if (seg->access & (TULLE_MKEY_REMOTE_WRITE | TULLE_MKEY_REMOTE_ATOMIC))
		access |= TULLE_MKEY_LOCAL_WRITE;
	if (!mr || (mr->type != TULLE_MKEY_MR && mr->type != TULLE_MKEY_FRWR) ||
	    mr->access & TULLE_MKEY_ZERO_BASED)
		return NULL;
	return tfw_mkey_get(qp, key, le64_to_cpu(seg->iova),
			    le64_to_cpu(seg->len), access, false);
}

u8 tfw_mkey_bind(struct tfw_qp *qp, const struct tulle_bind_mw_seg *seg)
{
	struct tfw_mkey *mw = bind_window(qp, seg), *mr;

	if (!mw)
		return TULLE_WC_MW_BIND;
	if (!seg->len) {
		tfw_mkey_unbind(mw);
		mw->tag = tag_of(le32_to_cpu(seg->mw));
		return TULLE_WC_SUCCESS;
	}
	mr = bind_region(qp, seg);
	if (!mr)
		return TULLE_WC_MW_BIND;
	tfw_mkey_unbind(mw);
	mw->mr = mr;
	mr->bound++;
	tfw_obj_get(&mr->obj);
	if (mw->type == TULLE_MKEY_MW2) {
		mw->qp = qp->obj.handle;
		qp->windows++;
	}
	mw->base = le64_to_cpu(seg->iova);
	mw->iova = seg->access & TULLE_MKEY_ZERO_BASED ? 0 : mw->base;
	mw->len = le64_to_cpu(seg->len);
	mw->access = seg->access;
	mw->tag = tag_of(le32_to_cpu(seg->mw));
	mw->state = TULLE_MKEY_VALID;
	return TULLE_WC_SUCCESS;
}

/*
 * From afar only what is valid and was opened to others; at home a key that is
 * free already is as good as invalidated.
 */
static bool may_invalidate(struct tfw_qp *qp, const struct tfw_mkey *k,
			   bool remote)
{
	if (remote && (k->state != TULLE_MKEY_VALID ||
		       !(k->access & REMOTE_ACCESS)))
		return false;
	if (k->type == TULLE_MKEY_FRWR)
		return is_mine(qp, k) && !k->bound;
	if (k->type != TULLE_MKEY_MW2)
		return false;
	return k->state == TULLE_MKEY_VALID ? k->qp == qp->obj.handle :
					      is_mine(qp, k);
}

u8 tfw_mkey_invalidate(struct tfw_qp *qp, u32 key, bool remote)
{
	struct tfw_mkey *k = by_index(qp, key);

	if (!k || k->tag != tag_of(key) || !may_invalidate(qp, k, remote))
		return remote ? TULLE_WC_REM_ACCESS : TULLE_WC_MW_BIND;
	if (k->type == TULLE_MKEY_MW2)
		tfw_mkey_unbind(k);
	k->state = TULLE_MKEY_FREE;
	return TULLE_WC_SUCCESS;
}

void tfw_mkey_qp_gone(struct tfw_qp *qp)
{
	struct tfw_mkey *k;
	u32 index = 0;

	while (qp->windows &&
	       (k = tfw_obj_next(qp->obj.func, TULLE_OBJ_MKEY, &index)))
		if (k->mr && k->qp == qp->obj.handle)
			tfw_mkey_unbind(k);
}
