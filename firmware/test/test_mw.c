// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Memory windows of both types, on regions and on fast registered memory. */
#include "mkey.h"

struct windows {
	struct rd_qp			a;
	struct rd_qp			b;
	struct tulle_bind_mw_seg	seg;
	u64				mem;
	u32				mr;
	u32				mw;
	u32				key;
	struct tfw_mkey			*k;
};

/* A window of @type, and a request that binds [0x11000, 0x11800). */
static void windows_make(struct rd *rd, struct windows *w, u8 type)
{
	struct tulle_mkey_ctx ctx = { .type = type };

	rd_qp_create(rd, &w->a, TULLE_QP_RC, 0);
	rd_qp_create(rd, &w->b, TULLE_QP_RC, 0);
	w->mr = mr_make(rd, 4 * 4096, &w->mem);
	ctx.pd = cpu_to_le32(rd->pd);
	OK(rd_mkey(rd, &ctx, &w->mw));
	w->k = rd_mkey_of(rd, w->mw);
	w->key = TULLE_KEY(w->mw) + 1;
	w->seg = (struct tulle_bind_mw_seg){
		.mw = cpu_to_le32(w->key),
		.mr = cpu_to_le32(TULLE_KEY(w->mr)),
		.iova = cpu_to_le64(0x11000),
		.len = cpu_to_le64(0x800),
		.access = TULLE_MKEY_REMOTE_WRITE,
	};
}

#define BIND_REFUSED(...) do {						\
	struct tulle_bind_mw_seg seg = w.seg;				\
	__VA_ARGS__;							\
	assert_int_equal(tfw_mkey_bind(w.a.qp, &seg), TULLE_WC_MW_BIND); \
} while (0)

static void test_bind_refused(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx zero;
	struct tfw_mkey *mr;
	struct windows w;
	u64 mem;
	u32 h;

	windows_make(rd, &w, TULLE_MKEY_MW2);
	mr = rd_mkey_of(rd, w.mr);
	BIND_REFUSED(seg.mw = cpu_to_le32(TULLE_KEY(w.mr)));
	BIND_REFUSED(seg.mw = cpu_to_le32(0xffffff00));
	BIND_REFUSED(seg.mr = cpu_to_le32(TULLE_KEY(w.mr) + 1));
	BIND_REFUSED(seg.mr = cpu_to_le32(TULLE_KEY(rd->key)));
	BIND_REFUSED(seg.mr = seg.mw);
	BIND_REFUSED(seg.len = 0);
	BIND_REFUSED(seg.len = cpu_to_le64(0x3001));
	BIND_REFUSED(seg.iova = cpu_to_le64(0xffff));
	BIND_REFUSED(seg.access |= TULLE_MKEY_MW_BIND);
	BIND_REFUSED(seg.rsvd[6] = 1);
	mr->access = RIGHTS & ~TULLE_MKEY_MW_BIND;
	BIND_REFUSED((void)0);
	mr->access = TULLE_MKEY_LOCAL_READ | TULLE_MKEY_MW_BIND;
	BIND_REFUSED((void)0);
	mr->access = RIGHTS;
	mr->state = TULLE_MKEY_REVOKED;
	BIND_REFUSED((void)0);
	mr->state = TULLE_MKEY_VALID;
	zero = mr_ctx(rd, 0x20000, &mem);
	zero.access |= TULLE_MKEY_ZERO_BASED;
	zero.iova = 0;
	OK(rd_mkey(rd, &zero, &h));
	BIND_REFUSED(seg.mr = cpu_to_le32(TULLE_KEY(h)));
	w.a.qp->pd = tfw_obj_find(rd->f, TULLE_OBJ_PD, rd->other_pd);
	BIND_REFUSED((void)0);
	w.a.qp->pd = w.b.qp->pd;
	assert_int_equal(w.k->state, TULLE_MKEY_FREE);
	assert_int_equal(mr->bound, 0);
}

static void test_window_type2(void **state)
{
	const u8 rw = TULLE_MKEY_REMOTE_WRITE;
	struct rd *rd = *state;
	struct windows w;
	u32 n = 0x10;

	windows_make(rd, &w, TULLE_MKEY_MW2);
	assert_null(tfw_mkey_get(w.a.qp, w.key, 0x11000, 1, rw, true));
	assert_int_equal(tfw_mkey_bind(w.a.qp, &w.seg), TULLE_WC_SUCCESS);
	assert_ptr_equal(tfw_mkey_get(w.a.qp, w.key, 0x11000, 0x800, rw, true),
			 w.k);
	assert_int_equal(tfw_mkey_piece(w.k, 0x11004, &n), w.mem + 0x1004);
	/* Bounds, rights, other QPs, as a local key */
	assert_null(tfw_mkey_get(w.a.qp, w.key, 0x11000, 0x801, rw, true));
	assert_null(tfw_mkey_get(w.a.qp, w.key, 0x10fff, 1, rw, true));
	assert_null(tfw_mkey_get(w.a.qp, w.key, 0x11000, 1,
				 TULLE_MKEY_REMOTE_READ, true));
	assert_null(tfw_mkey_get(w.b.qp, w.key, 0x11000, 1, rw, true));
	assert_null(tfw_mkey_get(w.a.qp, w.key, 0x11000, 1, rw, false));
	assert_null(tfw_mkey_get(w.a.qp, w.key - 1, 0x11000, 1, rw, true));
	/* Bound: not again; the region stays; only the binder lets go. */
	BIND_REFUSED((void)0);
	assert_int_equal(fake_destroy(&rd->d, TULLE_CMD_DESTROY_MKEY, w.mr),
			 TULLE_STATUS_IN_USE);
	assert_int_equal(modify(rd, TULLE_MKEY_MOD_ACCESS, NULL, w.mr),
			 TULLE_STATUS_IN_USE);
	assert_int_equal(tfw_mkey_invalidate(w.b.qp, w.key, false),
			 TULLE_WC_MW_BIND);
	assert_int_equal(tfw_mkey_invalidate(w.a.qp, w.key, true),
			 TULLE_WC_SUCCESS);
	assert_null(tfw_mkey_get(w.a.qp, w.key, 0x11000, 1, rw, true));
	/* Once more; then the QP goes. */
	w.seg.access |= TULLE_MKEY_ZERO_BASED;
	assert_int_equal(tfw_mkey_bind(w.a.qp, &w.seg), TULLE_WC_SUCCESS);
	assert_int_equal(w.a.qp->windows, 1);
	assert_non_null(tfw_mkey_get(w.a.qp, w.key, 0, 0x800, rw, true));
	n = 1;
	assert_int_equal(tfw_mkey_piece(w.k, 0x10, &n), w.mem + 0x1010);
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP, w.a.handle));
	assert_int_equal(w.k->state, TULLE_MKEY_FREE);
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_MKEY, w.mr));
}

static void test_window_type1(void **state)
{
	const u8 rw = TULLE_MKEY_REMOTE_WRITE;
	struct rd *rd = *state;
	struct tfw_mkey *mr;
	struct windows w;

	windows_make(rd, &w, TULLE_MKEY_MW1);
	mr = rd_mkey_of(rd, w.mr);
	BIND_REFUSED(seg.access |= TULLE_MKEY_ZERO_BASED);
	assert_int_equal(tfw_mkey_bind(w.a.qp, &w.seg), TULLE_WC_SUCCESS);
	/* Any QP of the PD; not invalidated by work requests. */
	assert_non_null(tfw_mkey_get(w.b.qp, w.key, 0x11000, 0x800, rw, true));
	assert_int_equal(tfw_mkey_invalidate(w.a.qp, w.key, false),
			 TULLE_WC_MW_BIND);
	/* Bound anew in one step. */
	w.seg.mw = cpu_to_le32(w.key + 1);
	w.seg.iova = cpu_to_le64(0x12000);
	assert_int_equal(tfw_mkey_bind(w.b.qp, &w.seg), TULLE_WC_SUCCESS);
	assert_int_equal(mr->bound, 1);
	assert_null(tfw_mkey_get(w.b.qp, w.key, 0x11000, 1, rw, true));
	assert_non_null(tfw_mkey_get(w.a.qp, w.key + 1, 0x12000, 1, rw, true));
	/* A revoked region takes its windows along. */
	OK(modify(rd, TULLE_MKEY_MOD_REVOKE, NULL, w.mr));
	assert_null(tfw_mkey_get(w.a.qp, w.key + 1, 0x12000, 1, rw, true));
	w.seg.len = 0;
	w.seg.mw = cpu_to_le32(w.key + 2);
	assert_int_equal(tfw_mkey_bind(w.a.qp, &w.seg), TULLE_WC_SUCCESS);
	assert_int_equal(mr->bound, 0);
	assert_int_equal(w.k->state, TULLE_MKEY_FREE);
	/* A window that goes lets go. */
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_MKEY, w.mw));
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_MKEY, w.mr));
}

/* FRWR under a window: neither invalidated nor destroyed. */
static void test_window_on_frwr(void **state)
{
	struct tulle_reg_mr_seg seg;
	struct rd *rd = *state;
	struct windows w;
	struct rd_qp q;
	u32 h = frwr_make(rd, 8, 0);
	u64 mem;

	windows_make(rd, &w, TULLE_MKEY_MW2);
	rd_qp_create(rd, &q, TULLE_QP_RC, TULLE_QP_F_KERNEL);
	seg = reg_seg(rd, h, 4, &mem);
	assert_int_equal(REG(&q, &seg), TULLE_WC_SUCCESS);
	w.seg.mr = seg.key;
	w.seg.iova = seg.iova;
	assert_int_equal(tfw_mkey_bind(w.a.qp, &w.seg), TULLE_WC_SUCCESS);
	assert_int_equal(tfw_mkey_invalidate(q.qp, le32_to_cpu(seg.key),
					     false), TULLE_WC_MW_BIND);
	assert_int_equal(tfw_mkey_invalidate(w.a.qp, w.key, false),
			 TULLE_WC_SUCCESS);
	assert_int_equal(tfw_mkey_invalidate(q.qp, le32_to_cpu(seg.key),
					     false), TULLE_WC_SUCCESS);
}

/* Everything at once, then a reset: nothing is left, nothing dangles. */
static void test_reset(void **state)
{
	struct rd *rd = *state;
	struct windows w, v;
	u32 i;

	windows_make(rd, &w, TULLE_MKEY_MW2);
	windows_make(rd, &v, TULLE_MKEY_MW1);
	for (i = 0; i < 10; i++)
		frwr_make(rd, 100, 0);
	assert_int_equal(tfw_mkey_bind(w.a.qp, &w.seg), TULLE_WC_SUCCESS);
	assert_int_equal(tfw_mkey_bind(v.a.qp, &v.seg), TULLE_WC_SUCCESS);
	tfw_func_reset(rd->d.dev, 0);
	assert_null(rd->f->rdma);
	fake_boot(&rd->d);
	assert_int_equal(rd->f->rdma->mkey_pages, 0);
	assert_int_equal(rd->f->obj[TULLE_OBJ_MKEY].used, 0);
	assert_int_equal(rd->f->obj[TULLE_OBJ_QP].used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RD_TEST(test_bind_refused),
		RD_TEST(test_window_type2),
		RD_TEST(test_window_type1),
		RD_TEST(test_window_on_frwr),
		RD_TEST(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
