/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* What the tests of memory keys and of memory windows share. */
#ifndef TFW_TEST_MKEY_H
#define TFW_TEST_MKEY_H

#include "rd.h"

#define RIGHTS	(TULLE_MKEY_LOCAL_READ | TULLE_MKEY_LOCAL_WRITE | \
		 TULLE_MKEY_REMOTE_READ | TULLE_MKEY_REMOTE_WRITE | \
		 TULLE_MKEY_MW_BIND)

/* A region of @len bytes of fresh contiguous memory at iova 0x10000. */
static inline struct tulle_mkey_ctx mr_ctx(struct rd *rd, u64 len, u64 *mem)
{
	return (struct tulle_mkey_ctx){
		.pd = cpu_to_le32(rd->pd),
		.type = TULLE_MKEY_MR,
		.access = RIGHTS,
		.iova = cpu_to_le64(0x10000),
		.len = cpu_to_le64(len),
		.pages = fake_pages(&rd->d, len, mem),
	};
}

static inline u32 mr_make(struct rd *rd, u64 len, u64 *mem)
{
	struct tulle_mkey_ctx ctx = mr_ctx(rd, len, mem);
	u32 handle;

	OK(rd_mkey(rd, &ctx, &handle));
	return handle;
}

static inline enum tulle_status modify(struct rd *rd, u32 mask,
				       const struct tulle_mkey_ctx *ctx, u32 handle)
{
	struct tulle_modify_mkey req = { .mask = cpu_to_le32(mask) };

	if (ctx)
		req.ctx = *ctx;
	req.ctx.handle = cpu_to_le32(handle);
	return fake_cmd(&rd->d, TULLE_CMD_MODIFY_MKEY, &req, sizeof(req), NULL,
			0);
}

/* A list of @n pages for REG_MR, and the request that names it. */
static inline struct tulle_reg_mr_seg reg_seg(struct rd *rd, u32 handle,
					      u32 n, u64 *mem)
{
	struct tulle_reg_mr_seg seg = {
		.key = cpu_to_le32((TULLE_KEY(handle) & ~0xffU) | 0x77),
		.npages = cpu_to_le32(n),
		.iova = cpu_to_le64(0x20000010),
		.len = cpu_to_le64(n * 4096UL - 0x10),
		.access = RIGHTS,
		.log_page_size = 12,
	};
	u64 list = fake_mem(&rd->d, 8UL * n, 64);
	__le64 *p = fake_ptr(&rd->d, list);
	u32 i;

	*mem = fake_mem(&rd->d, 4096UL * n, 4096);
	for (i = 0; i < n; i++)
		p[i] = cpu_to_le64(*mem + 4096UL * (n - 1 - i));
	seg.pages = cpu_to_le64(list);
	return seg;
}

static inline u32 frwr_make(struct rd *rd, u32 max_pages, u64 len)
{
	struct tulle_mkey_ctx ctx = {
		.pd = cpu_to_le32(rd->pd), .type = TULLE_MKEY_FRWR,
		.max_pages = cpu_to_le32(max_pages), .len = cpu_to_le64(len),
	};
	u32 h;

	OK(rd_mkey(rd, &ctx, &h));
	return h;
}

#define REG(q, seg)	tfw_mkey_register((q)->qp, seg)

#endif /* TFW_TEST_MKEY_H */
