// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Memory keys: commands. A key holds its page addresses itself; the driver's
 * lists are read once. How keys are used is in mkey_access.c, what work
 * requests change about them in mkey_wr.c.
 */
#include "rdma.h"

#define LOCAL_ACCESS	(TULLE_MKEY_LOCAL_READ | TULLE_MKEY_LOCAL_WRITE)
#define REMOTE_ACCESS	(TULLE_MKEY_REMOTE_READ | TULLE_MKEY_REMOTE_WRITE | \
			 TULLE_MKEY_REMOTE_ATOMIC)

/* What MODIFY and CREATE have to find out before anything changes. */
struct mkey_pages {
	u64	*pages;
	u64	base;
	u32	npages;
};

/* Whoever lets others write must be able to write. */
bool tfw_mkey_access_ok(u8 access)
{
	return !(access & (TULLE_MKEY_REMOTE_WRITE |
			   TULLE_MKEY_REMOTE_ATOMIC)) ||
	       access & TULLE_MKEY_LOCAL_WRITE;
}

/* Room for @n addresses; the DMA key needs none, so RDMA is there. */
static enum tulle_status pages_charge(struct tfw_func *f, u32 n)
{
	if (!n)
		return TULLE_STATUS_OK;
	if (n > TFW_MKEY_PAGES - f->rdma->mkey_pages)
		return TULLE_STATUS_QUOTA;
	f->rdma->mkey_pages += n;
	return TULLE_STATUS_OK;
}

static enum tulle_status pages_alloc(struct tfw_func *f, u32 n, u64 **pages)
{
	enum tulle_status st = pages_charge(f, n);

	if (st)
		return st;
	*pages = tfw_alloc(tfw_func_engine(f), n * sizeof(**pages));
	if (*pages)
		return TULLE_STATUS_OK;
	f->rdma->mkey_pages -= n;
	return TULLE_STATUS_NOMEM;
}

static void pages_free(struct tfw_func *f, u64 *pages, u32 n)
{
	if (!pages)
		return;
	f->rdma->mkey_pages -= n;
	tfw_free(tfw_func_engine(f), pages);
}

/* Reads the lists; what turns out contiguous needs no array. */
static enum tulle_status pages_read(struct tfw_func *f,
				    const struct tulle_page_list *list,
				    u32 need, struct mkey_pages *out)
{
	enum tulle_status st;

	st = pages_alloc(f, need, &out->pages);
	if (st)
		return st;
	st = tfw_pages_read(f, list, need, out->pages);
	if (!st && !tfw_pages_contiguous(out->pages, need,
					 list->log_page_size)) {
		out->npages = need;
		return TULLE_STATUS_OK;
	}
	if (!st)
		out->base = out->pages[0] + le32_to_cpu(list->first_offset);
	pages_free(f, out->pages, need);
	out->pages = NULL;
	return st;
}

/* A list of @len bytes. BAD_PARAM: the list is wrong. */
static enum tulle_status pages_init(struct tfw_func *f,
				    const struct tulle_page_list *list,
				    u64 len, struct mkey_pages *out)
{
	u32 offset = le32_to_cpu(list->first_offset);
	u64 addr = le64_to_cpu(list->addr), need;
	u8 log = list->log_page_size;

	*out = (struct mkey_pages){ 0 };
	if (!tfw_is_zero(list->rsvd, sizeof(list->rsvd)) ||
	    list->levels > 2 || log < 12 || log > 30 || offset >> log)
		return TULLE_STATUS_BAD_PARAM;
	need = (offset + len + (1ULL << log) - 1) >> log;
	if (!need || need > le32_to_cpu(list->npages))
		return TULLE_STATUS_BAD_PARAM;
	if (list->levels) {
		if (need > TFW_MAX_MR_PAGES)
			return TULLE_STATUS_BAD_PARAM;
		return pages_read(f, list, (u32)need, out);
	}
	if (addr & (TULLE_CMD_PAGE_SIZE - 1) ||
	    addr + offset + len < addr)
		return TULLE_STATUS_BAD_PARAM;
	out->base = addr + offset;
	return TULLE_STATUS_OK;
}

static void pages_take(struct tfw_mkey *k, const struct tulle_mkey_ctx *ctx,
		       const struct mkey_pages *p)
{
	pages_free(k->obj.func, k->pages, k->npages);
	k->pages = p->pages;
	k->npages = p->npages;
	k->base = p->base;
	k->list = ctx->pages;
	k->offset = le32_to_cpu(ctx->pages.first_offset);
	k->log_page = ctx->pages.log_page_size;
	k->iova = le64_to_cpu(ctx->iova);
	k->len = le64_to_cpu(ctx->len);
}

/* Range and rights of a region; @at: where the context lies in the request. */
static enum tulle_status check_range(struct tfw_cmd *cmd,
				     const struct tulle_mkey_ctx *ctx,
				     u8 access, size_t at)
{
	u64 iova = le64_to_cpu(ctx->iova), len = le64_to_cpu(ctx->len);

	if (!len || len > TFW_MAX_MR_SIZE)
		return tfw_cmd_bad(cmd, at + offsetof(struct tulle_mkey_ctx,
						      len));
	if (iova + len - 1 < iova || (access & TULLE_MKEY_ZERO_BASED && iova))
		return tfw_cmd_bad(cmd, at + offsetof(struct tulle_mkey_ctx,
						      iova));
	return TULLE_STATUS_OK;
}

static enum tulle_status check_dma(struct tfw_cmd *cmd,
				   const struct tulle_mkey_ctx *ctx)
{
	bool kernel = ctx->flags & TULLE_MKEY_F_KERNEL;
	u8 access = kernel || !cmd->func->rdma ? LOCAL_ACCESS :
						 LOCAL_ACCESS | REMOTE_ACCESS;

	if (kernel && ctx->pd)
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, pd);
	if (ctx->access & ~access)
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, access);
	if (ctx->iova)
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, iova);
	if (ctx->len)
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, len);
	return TULLE_STATUS_OK;
}

static enum tulle_status check_free_type(struct tfw_cmd *cmd,
					 const struct tulle_mkey_ctx *ctx)
{
	u32 max_pages = le32_to_cpu(ctx->max_pages);
	bool frwr = ctx->type == TULLE_MKEY_FRWR;

	if (ctx->iova)
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, iova);
	if (frwr ? le64_to_cpu(ctx->len) > TFW_MAX_MR_SIZE : ctx->len)
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, len);
	if (frwr ? !max_pages || max_pages > TFW_MAX_FRWR_PAGES : max_pages)
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, max_pages);
	if (!frwr && ctx->access)
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, access);
	return TULLE_STATUS_OK;
}

/* Members that the device owns: a restore may give some. */
static enum tulle_status check_state(struct tfw_cmd *cmd,
				     const struct tulle_mkey_ctx *ctx)
{
	u8 state = 0;

	if (ctx->handle && ctx->type == TULLE_MKEY_MR)
		state = TULLE_MKEY_REVOKED;
	if (ctx->handle && ctx->type > TULLE_MKEY_MR)
		state = TULLE_MKEY_FREE;
	if (ctx->state && ctx->state != state)
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, state);
	if (!ctx->handle && ctx->tag)
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, tag);
	if (ctx->bound)
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, bound);
	return TULLE_STATUS_OK;
}

static bool type_exists(const struct tfw_func *f, u8 type)
{
	switch (type) {
	case TULLE_MKEY_DMA:
		return true;
	case TULLE_MKEY_MR:
		return f->rdma;
	case TULLE_MKEY_FRWR:
		return f->rdma && tfw_has_cap(f, TULLE_CAP_RDMA_FRWR);
	case TULLE_MKEY_MW1:
	case TULLE_MKEY_MW2:
		return f->rdma && tfw_has_cap(f, TULLE_CAP_RDMA_MW);
	}
	return false;
}

static enum tulle_status check_ctx(struct tfw_cmd *cmd,
				   const struct tulle_mkey_ctx *ctx)
{
	enum tulle_status st = check_state(cmd, ctx);

	if (!type_exists(cmd->func, ctx->type))
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, type);
	if (st)
		return st;
	if (ctx->flags & ~(ctx->type == TULLE_MKEY_DMA ?
			   TULLE_MKEY_F_KERNEL : 0))
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, flags);
	if (!tfw_mkey_access_ok(ctx->access))
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, access);
	if (ctx->type != TULLE_MKEY_FRWR && ctx->type < TULLE_MKEY_MW1 &&
	    ctx->max_pages)
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, max_pages);
	if (ctx->type != TULLE_MKEY_MR &&
	    !tfw_is_zero(&ctx->pages, sizeof(ctx->pages)))
		return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, pages);
	if (ctx->type == TULLE_MKEY_DMA)
		return check_dma(cmd, ctx);
	if (ctx->type == TULLE_MKEY_MR)
		return check_range(cmd, ctx, ctx->access, 0);
	return check_free_type(cmd, ctx);
}

static enum tulle_status mkey_setup(struct tfw_mkey *k, struct tfw_cmd *cmd,
				    const struct tulle_mkey_ctx *ctx)
{
	struct mkey_pages p = { 0 };
	enum tulle_status st;

	k->type = ctx->type;
	k->access = ctx->access;
	k->flags = ctx->flags;
	k->tag = ctx->handle && ctx->type > TULLE_MKEY_MR ? ctx->tag :
		 (u8)u32_get_bits(k->obj.handle, TULLE_HANDLE_GEN);
	if (ctx->type == TULLE_MKEY_DMA)
		return TULLE_STATUS_OK;
	if (ctx->type == TULLE_MKEY_MR) {
		st = pages_init(cmd->func, &ctx->pages, le64_to_cpu(ctx->len),
				&p);
		if (st == TULLE_STATUS_BAD_PARAM)
			return TFW_CMD_BAD(cmd, struct tulle_mkey_ctx, pages);
		if (st)
			return st;
		pages_take(k, ctx, &p);
		k->state = ctx->state;
		return TULLE_STATUS_OK;
	}
	k->state = TULLE_MKEY_FREE;
	k->max_len = le64_to_cpu(ctx->len);
	k->max_pages = le32_to_cpu(ctx->max_pages);
	if (!k->max_pages)
		return TULLE_STATUS_OK;
	return pages_alloc(cmd->func, k->max_pages, &k->pages);
}

enum tulle_status tfw_cmd_create_mkey(struct tfw_cmd *cmd)
{
	const struct tulle_mkey_ctx *ctx = cmd->in;
	struct tulle_handle_rsp *rsp = cmd->out;
	struct tfw_obj *pd = NULL;
	enum tulle_status st;
	struct tfw_mkey *k;

	st = check_ctx(cmd, ctx);
	if (st)
		return st;
	if (!(ctx->flags & TULLE_MKEY_F_KERNEL)) {
		pd = tfw_obj_find(cmd->func, TULLE_OBJ_PD,
				  le32_to_cpu(ctx->pd));
		if (!pd)
			return TULLE_STATUS_BAD_HANDLE;
	}
	k = tfw_obj_alloc(cmd->func, TULLE_OBJ_MKEY, sizeof(*k),
			  le32_to_cpu(ctx->handle), &st);
	if (!k)
		return st;
	st = mkey_setup(k, cmd, ctx);
	if (st) {
		tfw_obj_free(&k->obj);
		return st;
	}
	k->pd = pd;
	if (pd)
		tfw_obj_get(pd);
	rsp->handle = cpu_to_le32(k->obj.handle);
	return TULLE_STATUS_OK;
}

void tfw_mkey_destroy(struct tfw_obj *obj)
{
	struct tfw_mkey *k = tfw_container(obj, struct tfw_mkey, obj);

	tfw_mkey_unbind(k);
	pages_free(obj->func, k->pages, TFW_MAX(k->npages, k->max_pages));
	if (k->pd)
		tfw_obj_put(k->pd);
	tfw_obj_free(obj);
}

enum tulle_status tfw_cmd_query_mkey(struct tfw_cmd *cmd)
{
	const struct tulle_handle_req *req = cmd->in;
	struct tulle_mkey_ctx *ctx = cmd->out;
	struct tfw_mkey *k;

	k = tfw_obj_find(cmd->func, TULLE_OBJ_MKEY, le32_to_cpu(req->handle));
	if (!k)
		return TULLE_STATUS_BAD_HANDLE;
	ctx->handle = cpu_to_le32(k->obj.handle);
	ctx->pd = cpu_to_le32(k->pd ? k->pd->handle : 0);
	ctx->type = k->type;
	ctx->access = k->access;
	ctx->flags = k->flags;
	ctx->state = k->state;
	ctx->tag = k->tag;
	ctx->iova = cpu_to_le64(k->iova);
	ctx->len = cpu_to_le64(k->len);
	ctx->pages = k->list;
	ctx->max_pages = cpu_to_le32(k->max_pages);
	ctx->bound = cpu_to_le32(k->bound);
	return TULLE_STATUS_OK;
}

#define MOD_ALL	(TULLE_MKEY_MOD_PD | TULLE_MKEY_MOD_ACCESS | \
		 TULLE_MKEY_MOD_PAGES | TULLE_MKEY_MOD_REVOKE)
#define MOD_BAD(cmd, member) TFW_CMD_BAD(cmd, struct tulle_modify_mkey, member)

static enum tulle_status modify_check(struct tfw_cmd *cmd,
				      const struct tfw_mkey *k,
				      const struct tulle_modify_mkey *req)
{
	u32 mask = le32_to_cpu(req->mask);
	u8 access = k->access;

	if (!mask || mask & ~MOD_ALL ||
	    (mask & TULLE_MKEY_MOD_REVOKE && mask != TULLE_MKEY_MOD_REVOKE))
		return MOD_BAD(cmd, mask);
	if (k->type != TULLE_MKEY_MR)
		return TULLE_STATUS_BAD_STATE;
	/* Windows were judged by what the region was. */
	if (k->bound && mask != TULLE_MKEY_MOD_REVOKE)
		return TULLE_STATUS_IN_USE;
	if (mask & TULLE_MKEY_MOD_ACCESS)
		access = req->ctx.access;
	if (!tfw_mkey_access_ok(access) ||
	    (access & TULLE_MKEY_ZERO_BASED &&
	     !(mask & TULLE_MKEY_MOD_PAGES) && k->iova))
		return MOD_BAD(cmd, ctx.access);
	if (mask & TULLE_MKEY_MOD_PAGES)
		return check_range(cmd, &req->ctx, access,
				   offsetof(struct tulle_modify_mkey, ctx));
	return TULLE_STATUS_OK;
}

static void modify_pd(struct tfw_mkey *k, struct tfw_obj *pd)
{
	tfw_obj_put(k->pd);
	k->pd = pd;
	tfw_obj_get(pd);
}

enum tulle_status tfw_cmd_modify_mkey(struct tfw_cmd *cmd)
{
	const struct tulle_modify_mkey *req = cmd->in;
	u32 mask = le32_to_cpu(req->mask);
	struct tfw_obj *pd = NULL;
	struct mkey_pages p;
	enum tulle_status st;
	struct tfw_mkey *k;

	k = tfw_obj_find(cmd->func, TULLE_OBJ_MKEY,
			 le32_to_cpu(req->ctx.handle));
	if (!k)
		return TULLE_STATUS_BAD_HANDLE;
	st = modify_check(cmd, k, req);
	if (st)
		return st;
	if (mask & TULLE_MKEY_MOD_PD) {
		pd = tfw_obj_find(cmd->func, TULLE_OBJ_PD,
				  le32_to_cpu(req->ctx.pd));
		if (!pd)
			return TULLE_STATUS_BAD_HANDLE;
	}
	if (mask & TULLE_MKEY_MOD_PAGES) {
		st = pages_init(cmd->func, &req->ctx.pages,
				le64_to_cpu(req->ctx.len), &p);
		if (st == TULLE_STATUS_BAD_PARAM)
			return MOD_BAD(cmd, ctx.pages);
		if (st)
			return st;
		pages_take(k, &req->ctx, &p);
		k->state = TULLE_MKEY_VALID;
	}
	if (pd)
		modify_pd(k, pd);
	if (mask & TULLE_MKEY_MOD_ACCESS)
		k->access = req->ctx.access;
	if (mask & TULLE_MKEY_MOD_REVOKE)
		k->state = TULLE_MKEY_REVOKED;
	return TULLE_STATUS_OK;
}
