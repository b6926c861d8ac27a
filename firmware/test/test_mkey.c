// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Memory keys: page lists, rights, fast registration, and the bytes that come
 * through them. Windows have test_mw.c.
 */
#include "mkey.h"

static enum tulle_status query(struct rd *rd, u32 handle,
			       struct tulle_mkey_ctx *out)
{
	struct tulle_handle_req req = { .handle = cpu_to_le32(handle) };

	return fake_cmd(&rd->d, TULLE_CMD_QUERY_MKEY, &req, sizeof(req), out,
			sizeof(*out));
}

#define BAD_CREATE(rd, ctx, member) do {				\
	u32 h_;								\
	BAD_AT(rd, rd_mkey(rd, ctx, &h_), struct tulle_mkey_ctx, member); \
} while (0)

static void test_create_dma(void **state)
{
	const struct tulle_mkey_ctx good = {
		.type = TULLE_MKEY_DMA,
		.access = RIGHTS & ~TULLE_MKEY_MW_BIND,
	};
	struct tulle_mkey_ctx ctx = good, back;
	struct rd *rd = *state;
	u32 h;

	assert_int_equal(rd_mkey(rd, &ctx, &h), TULLE_STATUS_BAD_HANDLE);
	ctx.pd = cpu_to_le32(rd->pd);
	OK(rd_mkey(rd, &ctx, &h));
	assert_true(h & TULLE_HANDLE_INDEX);
	OK(query(rd, h, &back));
	ctx.handle = cpu_to_le32(h);
	ctx.tag = 1;
	assert_memory_equal(&back, &ctx, sizeof(ctx));
	ctx = good;
	ctx.flags = TULLE_MKEY_F_KERNEL;
	BAD_CREATE(rd, &ctx, access);	/* it is not for others */
	ctx.access = 3;
	ctx.pd = cpu_to_le32(rd->pd);
	BAD_CREATE(rd, &ctx, pd);
	ctx = good;
	ctx.access |= TULLE_MKEY_MW_BIND;
	BAD_CREATE(rd, &ctx, access);
	ctx = good;
	ctx.iova = cpu_to_le64(1);
	BAD_CREATE(rd, &ctx, iova);
	ctx = good;
	ctx.len = cpu_to_le64(1);
	BAD_CREATE(rd, &ctx, len);
	ctx = good;
	ctx.pages.npages = cpu_to_le32(1);
	BAD_CREATE(rd, &ctx, pages);
	ctx = good;
	ctx.max_pages = cpu_to_le32(1);
	BAD_CREATE(rd, &ctx, max_pages);
	ctx = good;
	ctx.flags = 2;
	BAD_CREATE(rd, &ctx, flags);
	ctx = good;
	ctx.rsvd0[2] = 1;
	BAD_CREATE(rd, &ctx, rsvd0);
}

static void test_create_mr(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx good, ctx, back;
	u64 mem;
	u32 h;

	good = mr_ctx(rd, 3 * 4096, &mem);
	OK(rd_mkey(rd, &good, &h));
	OK(query(rd, h, &back));
	ctx = good;
	ctx.handle = cpu_to_le32(h);
	ctx.tag = 1;
	assert_memory_equal(&back, &ctx, sizeof(ctx));
#define REFUSED(member, ...) do {					\
	ctx = good;							\
	__VA_ARGS__;							\
	BAD_CREATE(rd, &ctx, member);					\
} while (0)
	REFUSED(type, ctx.type = 0);
	REFUSED(type, ctx.type = 6);
	REFUSED(flags, ctx.flags = TULLE_MKEY_F_KERNEL);
	REFUSED(access, ctx.access = TULLE_MKEY_REMOTE_WRITE);
	REFUSED(access, ctx.access = TULLE_MKEY_REMOTE_ATOMIC);
	REFUSED(len, ctx.len = 0);
	REFUSED(len, ctx.len = cpu_to_le64((1ULL << 48) + 1));
	REFUSED(iova, ctx.iova = cpu_to_le64(-4096ULL));
	REFUSED(iova, ctx.access |= TULLE_MKEY_ZERO_BASED);
	REFUSED(max_pages, ctx.max_pages = cpu_to_le32(1));
	REFUSED(state, ctx.state = TULLE_MKEY_REVOKED);
	REFUSED(tag, ctx.tag = 1);
	REFUSED(bound, ctx.bound = cpu_to_le32(1));
	REFUSED(pages, ctx.pages.levels = 3);
	REFUSED(pages, ctx.pages.log_page_size = 11);
	REFUSED(pages, ctx.pages.log_page_size = 31);
	REFUSED(pages, ctx.pages.npages = cpu_to_le32(2));
	REFUSED(pages, ctx.pages.first_offset = cpu_to_le32(4096));
	REFUSED(pages, ctx.pages.first_offset = cpu_to_le32(1));
	REFUSED(pages, ctx.pages.addr = cpu_to_le64(mem + 8));
	REFUSED(pages, ctx.pages.addr = cpu_to_le64(-4096ULL));
	REFUSED(pages, ctx.pages.rsvd[0] = 1);
	ctx = good;
	ctx.pd = cpu_to_le32(rd->pd + RD_GEN1);
	assert_int_equal(rd_mkey(rd, &ctx, &h), TULLE_STATUS_BAD_HANDLE);
}

static void test_create_frwr_mw(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx good = {
		.pd = cpu_to_le32(rd->pd),
		.type = TULLE_MKEY_FRWR,
		.max_pages = cpu_to_le32(TFW_MAX_FRWR_PAGES),
	}, ctx, back;
	u32 h;

	OK(rd_mkey(rd, &good, &h));
	OK(query(rd, h, &back));
	assert_int_equal(back.state, TULLE_MKEY_FREE);
	assert_int_equal(le32_to_cpu(back.max_pages), TFW_MAX_FRWR_PAGES);
	REFUSED(max_pages, ctx.max_pages = 0);
	REFUSED(max_pages, ctx.max_pages = cpu_to_le32(TFW_MAX_FRWR_PAGES + 1));
	REFUSED(iova, ctx.iova = cpu_to_le64(4096));
	REFUSED(len, ctx.len = cpu_to_le64((1ULL << 48) + 1));
	REFUSED(pages, ctx.pages.npages = cpu_to_le32(1));
	REFUSED(state, ctx.state = TULLE_MKEY_FREE);
	good.type = TULLE_MKEY_MW2;
	good.max_pages = 0;
	OK(rd_mkey(rd, &good, &h));
	REFUSED(max_pages, ctx.max_pages = cpu_to_le32(1));
	REFUSED(access, ctx.access = TULLE_MKEY_REMOTE_READ);
	REFUSED(len, ctx.len = cpu_to_le64(1));
}

/* Where byte @off of the region lies, told by the list alone. */
static u64 list_byte(struct rd *rd, const struct tulle_page_list *list,
		     u64 off)
{
	u64 addr = le64_to_cpu(list->addr), page;
	const __le64 *p;

	off += le32_to_cpu(list->first_offset);
	page = off >> list->log_page_size;
	off &= (1ULL << list->log_page_size) - 1;
	if (!list->levels)
		return addr + (page << list->log_page_size) + off;
	if (list->levels == 2) {
		p = fake_ptr(&rd->d, addr + page / 512 * 8);
		addr = le64_to_cpu(*p);
		page %= 512;
	}
	p = fake_ptr(&rd->d, addr + page * 8);
	return le64_to_cpu(*p) + off;
}

/* @n pages of 1 << @log at made-up addresses, neighbours now and then. */
static struct tulle_page_list make_list(struct rd *rd, u32 n, u8 log, u8 levels)
{
	struct tulle_page_list list = {
		.npages = cpu_to_le32(n),
		.log_page_size = log,
		.levels = levels,
		.first_offset = cpu_to_le32(0x123),
	};
	u32 i, left = n, take;
	u64 addr = fake_mem(&rd->d, 8UL * n, 4096), next = 5;
	__le64 *p = fake_ptr(&rd->d, addr), *dir;

	for (i = 0; i < n; i++) {
		p[i] = cpu_to_le64(next << log);
		next += i % 5 < 2 ? 1 : 3;
	}
	list.addr = cpu_to_le64(addr);
	if (levels == 2) {
		list.addr = cpu_to_le64(fake_mem(&rd->d, 4096, 4096));
		dir = fake_ptr(&rd->d, le64_to_cpu(list.addr));
		for (; left; left -= take, addr += 4096) {
			take = left < 512 ? left : 512;
			*dir++ = cpu_to_le64(addr);
		}
	}
	return list;
}

/* Every level and page size: pieces agree with the list, byte by byte. */
static void test_page_lists(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx ctx = {
		.pd = cpu_to_le32(rd->pd), .type = TULLE_MKEY_MR, .access = 3,
		.iova = cpu_to_le64(0x7000000000ULL + 0x55),
	};
	u64 len, off, addr, at;
	struct tfw_mkey *k;
	u8 log, levels;
	u32 h, n, i;

	for (log = 12; log <= 30; log++) {
		for (levels = 1; levels <= 2; levels++) {
			u32 pages = levels == 2 ? 1100 : 40;

			ctx.pages = make_list(rd, pages, log, levels);
			len = ((u64)pages << log) - 0x123;
			ctx.len = cpu_to_le64(len);
			OK(rd_mkey(rd, &ctx, &h));
			k = rd_mkey_of(rd, h);
			assert_int_equal(k->npages, pages);
			for (i = 0; i < 400; i++) {
				off = (len / 400) * i + i;
				n = 0x3000;
				addr = tfw_mkey_piece(k, k->iova + off, &n);
				assert_true(n && n <= 0x3000);
				at = list_byte(rd, &ctx.pages, off);
				assert_int_equal(addr, at);
				if (off + n > len)
					n = (u32)(len - off);
				at = list_byte(rd, &ctx.pages, off + n - 1);
				assert_int_equal(addr + n - 1, at);
			}
			/* The last byte, and one too many. */
			ctx.len = cpu_to_le64(len + 1);
			BAD_CREATE(rd, &ctx, pages);
			OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_MKEY, h));
		}
	}
	assert_int_equal(rd->f->rdma->mkey_pages, 0);
}

static void test_page_lists_bad(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx good = {
		.pd = cpu_to_le32(rd->pd), .type = TULLE_MKEY_MR, .access = 3,
		.len = cpu_to_le64(1000UL << 13),
	}, ctx;
	__le64 *dir, *p, save;
	u32 h;

	good.pages = make_list(rd, 1001, 13, 2);
	dir = fake_ptr(&rd->d, le64_to_cpu(good.pages.addr));
	p = fake_ptr(&rd->d, le64_to_cpu(dir[1]));
	save = p[3];
	p[3] = cpu_to_le64(0x1000);	/* not a multiple of 8192 */
	REFUSED(pages, (void)0);
	p[3] = save;
	save = dir[1];
	dir[1] = cpu_to_le64(le64_to_cpu(save) + 8);
	REFUSED(pages, (void)0);
	dir[1] = cpu_to_le64(1ULL << 60);
	assert_int_equal(rd_mkey(rd, &good, &h), TULLE_STATUS_DMA);
	dir[1] = save;
	good.pages.npages = cpu_to_le32(~0U);
	REFUSED(pages, ctx.len = cpu_to_le64(((1ULL << 18) + 1) << 13));
	assert_int_equal(rd->f->rdma->mkey_pages, 0);
	OK(rd_mkey(rd, &good, &h));
	assert_int_equal(rd->f->rdma->mkey_pages, 1001);
}

/* Pages that lie side by side need no array. */
static void test_contiguous(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx ctx = {
		.pd = cpu_to_le32(rd->pd), .type = TULLE_MKEY_MR, .access = 3,
		.len = cpu_to_le64(64 * 4096 - 0x123),
	};
	struct tfw_mkey *k;
	__le64 *p;
	u32 h, i, n = 64 * 4096;

	ctx.pages = make_list(rd, 64, 12, 1);
	p = fake_ptr(&rd->d, le64_to_cpu(ctx.pages.addr));
	for (i = 0; i < 64; i++)
		p[i] = cpu_to_le64((100 + i) * 4096ULL);
	OK(rd_mkey(rd, &ctx, &h));
	k = rd_mkey_of(rd, h);
	assert_null(k->pages);
	assert_int_equal(rd->f->rdma->mkey_pages, 0);
	assert_int_equal(tfw_mkey_piece(k, 1, &n), 100 * 4096 + 0x124);
	assert_int_equal(n, 64 * 4096);
}

/* Page memory has a quota of its own; what is refused costs nothing. */
static void test_page_quota(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx ctx = {
		.pd = cpu_to_le32(rd->pd), .type = TULLE_MKEY_FRWR,
		.max_pages = cpu_to_le32(TFW_MAX_FRWR_PAGES),
	};
	u32 h, room = 3 * TFW_MAX_FRWR_PAGES + 5;

	rd->f->rdma->mkey_pages = TFW_MKEY_PAGES - room;
	OK(rd_mkey(rd, &ctx, &h));
	OK(rd_mkey(rd, &ctx, &h));
	OK(rd_mkey(rd, &ctx, &h));
	assert_int_equal(rd_mkey(rd, &ctx, &h), TULLE_STATUS_QUOTA);
	ctx.max_pages = cpu_to_le32(6);
	assert_int_equal(rd_mkey(rd, &ctx, &h), TULLE_STATUS_QUOTA);
	ctx.max_pages = cpu_to_le32(5);
	OK(rd_mkey(rd, &ctx, &h));
	assert_int_equal(rd->f->rdma->mkey_pages, TFW_MKEY_PAGES);
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_MKEY, h));
	assert_int_equal(rd->f->rdma->mkey_pages, TFW_MKEY_PAGES - 5);
}

static void test_get(void **state)
{
	struct rd *rd = *state;
	u64 mem, len = 3 * 4096;
	struct rd_qp user, kern;
	u32 h = mr_make(rd, len, &mem), key = TULLE_KEY(h);
	u32 dma = TULLE_KEY(rd->key);
	const u8 lr = TULLE_MKEY_LOCAL_READ, rr = TULLE_MKEY_REMOTE_READ;
	const u64 at = 0x10000;

	rd_qp_create(rd, &user, TULLE_QP_RC, 0);
	rd_qp_create(rd, &kern, TULLE_QP_RC, TULLE_QP_F_KERNEL);
	assert_non_null(tfw_mkey_get(user.qp, key, at, len, lr, false));
	assert_non_null(tfw_mkey_get(user.qp, key, at + len, 0, lr, false));
	assert_non_null(tfw_mkey_get(user.qp, key, at, 1, rr, true));
	/* Bounds */
	assert_null(tfw_mkey_get(user.qp, key, at, len + 1, lr, false));
	assert_null(tfw_mkey_get(user.qp, key, at - 1, 1, lr, false));
	assert_null(tfw_mkey_get(user.qp, key, at + len, 1, lr, false));
	assert_null(tfw_mkey_get(user.qp, key, at + 1, -1ULL, lr, false));
	assert_null(tfw_mkey_get(user.qp, key, -1ULL, 2, lr, false));
	/* Tag, index */
	assert_null(tfw_mkey_get(user.qp, key + 1, at, 1, lr, false));
	assert_null(tfw_mkey_get(user.qp, key + 0x4000, at, 1, lr, false));
	assert_null(tfw_mkey_get(user.qp, 0, at, 1, 0, false));
	assert_null(tfw_mkey_get(user.qp, ~0U, at, 1, 0, false));
	/* Rights */
	assert_null(tfw_mkey_get(user.qp, key, at, 8,
				 TULLE_MKEY_REMOTE_ATOMIC, true));
	/* PD */
	user.qp->pd = tfw_obj_find(rd->f, TULLE_OBJ_PD, rd->other_pd);
	assert_null(tfw_mkey_get(user.qp, key, at, 1, lr, false));
	user.qp->pd = kern.qp->pd;
	/* The kernel's key: its QPs, and never from afar */
	assert_non_null(tfw_mkey_get(kern.qp, dma, 0x123, 1ULL << 40, lr,
				     false));
	assert_null(tfw_mkey_get(kern.qp, dma, -1ULL, 2, lr, false));
	assert_null(tfw_mkey_get(kern.qp, dma, 0, 1, 0, true));
	assert_null(tfw_mkey_get(user.qp, dma, 0, 1, lr, false));
	/* Ethernet queues take addresses of the bus, so no regions. */
	assert_true(tfw_mkey_check(rd->f, rd->key, 0, 1, lr));
	assert_false(tfw_mkey_check(rd->f, h, at, 1, lr));
}

static void test_zero_based(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx ctx;
	struct rd_qp q;
	u64 mem;
	u32 h, n = 1;

	rd_qp_create(rd, &q, TULLE_QP_RC, 0);
	ctx = mr_ctx(rd, 4096, &mem);
	ctx.access |= TULLE_MKEY_ZERO_BASED;
	ctx.iova = 0;
	OK(rd_mkey(rd, &ctx, &h));
	assert_non_null(tfw_mkey_get(q.qp, TULLE_KEY(h), 0, 4096, 1, true));
	assert_int_equal(tfw_mkey_piece(rd_mkey_of(rd, h), 7, &n), mem + 7);
}

static void test_rereg(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx ctx;
	u64 mem, mem2;
	u32 h = mr_make(rd, 8192, &mem), n = 1;
	struct tfw_mkey *k = rd_mkey_of(rd, h);

	ctx = mr_ctx(rd, 4096, &mem2);
	ctx.iova = cpu_to_le64(0x900000);
	OK(modify(rd, TULLE_MKEY_MOD_PAGES, &ctx, h));
	assert_int_equal(tfw_mkey_piece(k, 0x900000, &n), mem2);
	assert_int_equal(k->len, 4096);
	assert_int_equal(k->access, RIGHTS);
	ctx.access = TULLE_MKEY_LOCAL_READ;
	ctx.pd = cpu_to_le32(rd->other_pd);
	OK(modify(rd, TULLE_MKEY_MOD_PD | TULLE_MKEY_MOD_ACCESS, &ctx, h));
	assert_int_equal(k->access, TULLE_MKEY_LOCAL_READ);
	assert_int_equal(k->pd->handle, rd->other_pd);
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_PD, rd->pd));
	assert_int_equal(fake_destroy(&rd->d, TULLE_CMD_DESTROY_PD,
				      rd->other_pd), TULLE_STATUS_IN_USE);
	/* A stale PD, and wrong pages: nothing changed. */
	ctx.pd = cpu_to_le32(rd->pd);
	assert_int_equal(modify(rd, 7, &ctx, h), TULLE_STATUS_BAD_HANDLE);
	ctx.pages.levels = 3;
	BAD_AT(rd, modify(rd, TULLE_MKEY_MOD_PAGES, &ctx, h),
	       struct tulle_modify_mkey, ctx.pages);
	ctx.len = 0;
	BAD_AT(rd, modify(rd, TULLE_MKEY_MOD_PAGES, &ctx, h),
	       struct tulle_modify_mkey, ctx.len);
	ctx.access = TULLE_MKEY_REMOTE_WRITE;
	BAD_AT(rd, modify(rd, TULLE_MKEY_MOD_ACCESS, &ctx, h),
	       struct tulle_modify_mkey, ctx.access);
	ctx.access = 3 | TULLE_MKEY_ZERO_BASED;
	BAD_AT(rd, modify(rd, TULLE_MKEY_MOD_ACCESS, &ctx, h),
	       struct tulle_modify_mkey, ctx.access);
	BAD_AT(rd, modify(rd, 0, &ctx, h), struct tulle_modify_mkey, mask);
	BAD_AT(rd, modify(rd, 16, &ctx, h), struct tulle_modify_mkey, mask);
	BAD_AT(rd, modify(rd, 9, &ctx, h), struct tulle_modify_mkey, mask);
	assert_int_equal(modify(rd, 2, &ctx, rd->key), TULLE_STATUS_BAD_STATE);
	assert_int_equal(modify(rd, 2, &ctx, 77), TULLE_STATUS_BAD_HANDLE);
	assert_int_equal(k->len, 4096);
	assert_int_equal(k->access, TULLE_MKEY_LOCAL_READ);
}

static void test_revoke(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx ctx;
	struct rd_qp q;
	u64 mem;
	u32 h = mr_make(rd, 4096, &mem), key = TULLE_KEY(h);

	rd_qp_create(rd, &q, TULLE_QP_RC, 0);
	assert_non_null(tfw_mkey_get(q.qp, key, 0x10000, 1, 1, false));
	OK(modify(rd, TULLE_MKEY_MOD_REVOKE, NULL, h));
	assert_null(tfw_mkey_get(q.qp, key, 0x10000, 1, 1, false));
	ctx = mr_ctx(rd, 4096, &mem);
	OK(modify(rd, TULLE_MKEY_MOD_ACCESS, &ctx, h));
	assert_null(tfw_mkey_get(q.qp, key, 0x10000, 1, 1, false));
	OK(modify(rd, TULLE_MKEY_MOD_PAGES, &ctx, h));
	assert_non_null(tfw_mkey_get(q.qp, key, 0x10000, 1, 1, false));
}

#define REG_REFUSED(...) do {						\
	seg = good;							\
	__VA_ARGS__;							\
	assert_int_equal(REG(&q, &seg), TULLE_WC_MW_BIND);		\
	assert_int_equal(k->state, TULLE_MKEY_FREE);			\
} while (0)

static void test_frwr_refused(void **state)
{
	struct rd *rd = *state;
	struct tulle_reg_mr_seg good, seg;
	u32 h = frwr_make(rd, 8, 6 * 4096);
	struct tfw_mkey *k = rd_mkey_of(rd, h);
	struct rd_qp q, user;
	u64 mem;
	u32 mr = mr_make(rd, 4096, &mem);

	rd_qp_create(rd, &q, TULLE_QP_RC, TULLE_QP_F_KERNEL);
	rd_qp_create(rd, &user, TULLE_QP_RC, 0);
	good = reg_seg(rd, h, 4, &mem);
	assert_int_equal(REG(&user, &good), TULLE_WC_LOC_QP_OP);
	REG_REFUSED(seg.key = cpu_to_le32(TULLE_KEY(mr)));
	REG_REFUSED(seg.key = cpu_to_le32(0xffffff00));
	REG_REFUSED(seg.len = 0);
	REG_REFUSED(seg.len = cpu_to_le64(4 * 4096 - 0xf));
	REG_REFUSED(seg.len = cpu_to_le64(-1ULL));
	REG_REFUSED(seg.iova = cpu_to_le64(-0x10ULL));
	REG_REFUSED(seg.npages = 0);
	REG_REFUSED(seg.npages = cpu_to_le32(9));
	REG_REFUSED(seg.npages = cpu_to_le32(7), seg.len = cpu_to_le64(6 * 4096 + 1));
	REG_REFUSED(seg.pages = cpu_to_le64(1ULL << 60));
	REG_REFUSED(seg.log_page_size = 11);
	REG_REFUSED(seg.log_page_size = 31);
	REG_REFUSED(seg.log_page_size = 13);	/* the pages are not that big */
	REG_REFUSED(seg.access = TULLE_MKEY_REMOTE_WRITE);
	REG_REFUSED(seg.rsvd[0] = 1);
	k->pd = tfw_obj_find(rd->f, TULLE_OBJ_PD, rd->other_pd);
	REG_REFUSED((void)0);
	k->pd = q.qp->pd;
	assert_int_equal(REG(&q, &good), TULLE_WC_SUCCESS);
	/* Not twice. */
	assert_int_equal(REG(&q, &good), TULLE_WC_MW_BIND);
}

static void test_frwr(void **state)
{
	struct rd *rd = *state;
	u32 h = frwr_make(rd, 8, 0), key = (TULLE_KEY(h) & ~0xffU) | 0x77;
	struct tfw_mkey *k = rd_mkey_of(rd, h);
	struct tulle_reg_mr_seg seg;
	struct rd_qp q, user;
	u32 n = 4096;
	u64 mem;

	rd_qp_create(rd, &q, TULLE_QP_RC, TULLE_QP_F_KERNEL);
	rd_qp_create(rd, &user, TULLE_QP_RC, 0);
	seg = reg_seg(rd, h, 4, &mem);
	assert_null(tfw_mkey_get(q.qp, key, 0x20000010, 1, 1, false));
	assert_int_equal(REG(&q, &seg), TULLE_WC_SUCCESS);
	assert_ptr_equal(tfw_mkey_get(q.qp, key, 0x20000010, 4 * 4096 - 0x10,
				      TULLE_MKEY_REMOTE_WRITE, true), k);
	assert_null(tfw_mkey_get(q.qp, TULLE_KEY(h), 0x20000010, 1, 1, true));
	assert_int_equal(tfw_mkey_piece(k, 0x20001000, &n), mem + 2 * 4096);
	/* The wrong tag, a foreign QP's PD; from afar without any right. */
	assert_int_equal(tfw_mkey_invalidate(q.qp, key + 1, false),
			 TULLE_WC_MW_BIND);
	assert_int_equal(tfw_mkey_invalidate(q.qp, key + 1, true),
			 TULLE_WC_REM_ACCESS);
	user.qp->pd = tfw_obj_find(rd->f, TULLE_OBJ_PD, rd->other_pd);
	assert_int_equal(tfw_mkey_invalidate(user.qp, key, false),
			 TULLE_WC_MW_BIND);
	user.qp->pd = q.qp->pd;
	k->access = 3;
	assert_int_equal(tfw_mkey_invalidate(q.qp, key, true),
			 TULLE_WC_REM_ACCESS);
	k->access = RIGHTS;
	assert_int_equal(tfw_mkey_invalidate(q.qp, key, true),
			 TULLE_WC_SUCCESS);
	assert_null(tfw_mkey_get(q.qp, key, 0x20000010, 1, 1, true));
	assert_int_equal(tfw_mkey_invalidate(q.qp, key, true),
			 TULLE_WC_REM_ACCESS);
	assert_int_equal(tfw_mkey_invalidate(q.qp, key, false),
			 TULLE_WC_SUCCESS);
	/* Again, under a new tag, counted from zero. */
	seg.key = cpu_to_le32(key + 1);
	seg.access |= TULLE_MKEY_ZERO_BASED;
	assert_int_equal(REG(&q, &seg), TULLE_WC_SUCCESS);
	assert_null(tfw_mkey_get(q.qp, key, 0, 1, 1, true));
	assert_non_null(tfw_mkey_get(q.qp, key + 1, 0, 1, 1, true));
	n = 1;
	assert_int_equal(tfw_mkey_piece(k, 0, &n), mem + 3 * 4096 + 0x10);
	assert_int_equal(tfw_mkey_invalidate(q.qp, key + 1, false),
			 TULLE_WC_SUCCESS);
	/* Regions are not invalidated. */
	h = mr_make(rd, 4096, &mem);
	assert_int_equal(tfw_mkey_invalidate(q.qp, TULLE_KEY(h), false),
			 TULLE_WC_MW_BIND);
}

static void fill(u8 *p, size_t n, u32 seed)
{
	while (n--) {
		seed = seed * 1664525 + 1013904223;
		*p++ = (u8)(seed >> 24);
	}
}

/* Bytes in and out through pages in reverse order, at odd places. */
static void test_read_write(void **state)
{
	struct rd *rd = *state;
	u32 h = frwr_make(rd, 16, 0), i, off, len;
	struct tulle_reg_mr_seg seg;
	u8 in[20000], out[20000];
	struct tfw_mkey *k;
	struct rd_qp q;
	u64 mem;

	rd_qp_create(rd, &q, TULLE_QP_RC, TULLE_QP_F_KERNEL);
	seg = reg_seg(rd, h, 16, &mem);
	assert_int_equal(REG(&q, &seg), TULLE_WC_SUCCESS);
	k = rd_mkey_of(rd, h);
	for (i = 0; i < 50; i++) {
		off = i * 37;
		len = i * 391;
		fill(in, len, i);
		assert_true(tfw_mkey_write(k, k->iova + off, in, len));
		memset(out, 0, sizeof(out));
		assert_true(tfw_mkey_read(k, k->iova + off, out, len));
		assert_memory_equal(in, out, len);
	}
	/* The first page of the region is the last of the memory. */
	assert_memory_equal(fake_ptr(&rd->d, mem + 15 * 4096 + 0x10 + off), in,
			    4096 - 0x10 - off);
	rd->d.hole = mem + 14 * 4096;
	rd->d.hole_len = 4096;
	assert_false(tfw_mkey_read(k, k->iova, out, 5000));
	assert_false(tfw_mkey_write(k, k->iova, in, 5000));
	assert_true(tfw_mkey_read(k, k->iova, out, 4000));
}

static void test_copy(void **state)
{
	struct rd *rd = *state;
	u64 mem_a, mem_b, mem_c;
	u32 a = mr_make(rd, 0x20000, &mem_a), h = frwr_make(rd, 16, 0), i;
	struct tfw_mkey *from = rd_mkey_of(rd, a), *to = rd_mkey_of(rd, h);
	u32 b = mr_make(rd, 0x20000, &mem_c);
	struct tulle_reg_mr_seg seg;
	struct rd_qp q;
	u8 back[50000];

	rd_qp_create(rd, &q, TULLE_QP_RC, TULLE_QP_F_KERNEL);
	seg = reg_seg(rd, h, 16, &mem_b);
	assert_int_equal(REG(&q, &seg), TULLE_WC_SUCCESS);
	for (i = 0; i < 2; i++) {
		rd->d.no_map = i;
		fill(fake_ptr(&rd->d, mem_a), 0x20000, 5 + i);
		assert_true(tfw_mkey_copy(to, to->iova + 3, from, 0x10000 + 7,
					  50000));
		assert_true(tfw_mkey_read(to, to->iova + 3, back, 50000));
		assert_memory_equal(back, fake_ptr(&rd->d, mem_a + 7), 50000);
	}
	/* Onto itself, and shifted: nobody is hurt. */
	rd->d.no_map = false;
	assert_true(tfw_mkey_copy(from, 0x10000, from, 0x10000, 9000));
	assert_true(tfw_mkey_copy(from, 0x10001, from, 0x10000, 9000));
	rd->d.hole = mem_c + 0x8000;
	rd->d.hole_len = 1;
	assert_false(tfw_mkey_copy(rd_mkey_of(rd, b), 0x10000, from, 0x10000,
				   0x9000));
	assert_false(tfw_mkey_copy(from, 0x10000, rd_mkey_of(rd, b), 0x10000,
				   0x9000));
}

static void test_sgl(void **state)
{
	struct rd *rd = *state;
	u64 mem, mem2;
	u32 h = mr_make(rd, 8192, &mem), ro;
	struct tulle_mkey_ctx ctx = mr_ctx(rd, 4096, &mem2);
	struct tfw_sgl sgl = { .n = 4, .len = 300 };
	u8 in[300], out[300];
	struct rd_qp q;

	ctx.access = TULLE_MKEY_LOCAL_READ;
	OK(rd_mkey(rd, &ctx, &ro));
	rd_qp_create(rd, &q, TULLE_QP_RC, 0);
	sgl.sge[0] = (struct tulle_sge){ cpu_to_le64(0x10ff0),
		cpu_to_le32(100), cpu_to_le32(TULLE_KEY(h)) };
	/* Nothing there: its key does not count. */
	sgl.sge[1] = (struct tulle_sge){ cpu_to_le64(0), 0, ~0U };
	sgl.sge[2] = (struct tulle_sge){ cpu_to_le64(0x11800),
		cpu_to_le32(199), cpu_to_le32(TULLE_KEY(h)) };
	sgl.sge[3] = (struct tulle_sge){ cpu_to_le64(0x10000),
		cpu_to_le32(1), cpu_to_le32(TULLE_KEY(ro)) };
	fill(in, 300, 1);
	assert_int_equal(tfw_sgl_write(q.qp, &sgl, 0, in, 299), 0);
	assert_memory_equal(fake_ptr(&rd->d, mem + 0xff0), in, 100);
	assert_memory_equal(fake_ptr(&rd->d, mem + 0x1800), in + 100, 199);
	assert_int_equal(tfw_sgl_read(q.qp, &sgl, 0, out, 300), 0);
	assert_memory_equal(out, in, 299);
	assert_int_equal(tfw_sgl_read(q.qp, &sgl, 99, out, 2), 0);
	assert_memory_equal(out, in + 99, 2);
	assert_int_equal(tfw_sgl_read(q.qp, &sgl, 300, out, 0), 0);
	assert_int_equal(tfw_sgl_read(q.qp, &sgl, 0, out, 301),
			 TULLE_WC_LOC_LEN);
	assert_int_equal(tfw_sgl_read(q.qp, &sgl, 301, out, 1),
			 TULLE_WC_LOC_LEN);
	assert_int_equal(tfw_sgl_write(q.qp, &sgl, 0, in, 300),
			 TULLE_WC_LOC_PROT);
	assert_int_equal(tfw_sgl_check(q.qp, &sgl, TULLE_MKEY_LOCAL_READ), 0);
	assert_int_equal(tfw_sgl_check(q.qp, &sgl, TULLE_MKEY_LOCAL_WRITE),
			 TULLE_WC_LOC_PROT);
	/* Of another PD, as an SRQ's may be. */
	sgl.pd = rd->other_pd;
	assert_int_equal(tfw_sgl_check(q.qp, &sgl, TULLE_MKEY_LOCAL_READ),
			 TULLE_WC_LOC_PROT);
	sgl.pd = rd->pd;
	assert_int_equal(tfw_sgl_check(q.qp, &sgl, TULLE_MKEY_LOCAL_READ), 0);
	sgl.pd = 0;
	/* Gone meanwhile */
	OK(modify(rd, TULLE_MKEY_MOD_REVOKE, NULL, h));
	assert_int_equal(tfw_sgl_read(q.qp, &sgl, 0, out, 10),
			 TULLE_WC_LOC_PROT);
	/* Inline */
	sgl.inl = in;
	assert_int_equal(tfw_sgl_read(q.qp, &sgl, 5, out, 295), 0);
	assert_memory_equal(out, in + 5, 295);
	assert_int_equal(tfw_sgl_read(q.qp, &sgl, 5, out, 296),
			 TULLE_WC_LOC_LEN);
	assert_int_equal(tfw_sgl_check(q.qp, &sgl, TULLE_MKEY_LOCAL_READ), 0);
}

static void test_out_of_memory(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx ctx = {
		.pd = cpu_to_le32(rd->pd), .type = TULLE_MKEY_MR, .access = 3,
		.len = cpu_to_le64(4096 * 90),
	};
	const struct tulle_mkey_ctx dma = {
		.pd = ctx.pd, .type = TULLE_MKEY_DMA,
	};
	enum tulle_status st = TULLE_STATUS_NOMEM;
	long budget, before;
	u32 h;

	OK(rd_mkey(rd, &dma, &h));
	ctx.pages = make_list(rd, 100, 12, 1);
	before = rd->env.allocs;
	for (budget = 0; st && budget < 10; budget++) {
		rd->env.alloc_budget = budget;
		st = rd_mkey(rd, &ctx, &h);
		rd->env.alloc_budget = -1;
		if (!st)
			break;
		assert_int_equal(st, TULLE_STATUS_NOMEM);
		assert_int_equal(rd->env.allocs, before);
		assert_int_equal(rd->f->rdma->mkey_pages, 0);
	}
	assert_int_equal(st, 0);
	assert_int_equal(budget, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RD_TEST(test_create_dma),
		RD_TEST(test_create_mr),
		RD_TEST(test_create_frwr_mw),
		RD_TEST(test_page_lists),
		RD_TEST(test_page_lists_bad),
		RD_TEST(test_contiguous),
		RD_TEST(test_page_quota),
		RD_TEST(test_get),
		RD_TEST(test_zero_based),
		RD_TEST(test_rereg),
		RD_TEST(test_revoke),
		RD_TEST(test_frwr_refused),
		RD_TEST(test_frwr),
		RD_TEST(test_read_write),
		RD_TEST(test_copy),
		RD_TEST(test_sgl),
		RD_TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
