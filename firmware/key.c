// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Doorbell pages and protection domains.
 */
#include "dev.h"

/* A UAR's index is its page; page 0 is the kernel's and always there. */
bool tfw_uar_make_kernel(struct tfw_func *f)
{
	u32 handle = u32_encode_bits(1, TULLE_HANDLE_GEN) | TULLE_UAR_KERNEL;
	enum tulle_status st;
	struct tfw_obj *obj;

	obj = tfw_obj_alloc(f, TULLE_OBJ_UAR, sizeof(*obj), handle, &st);
	if (!obj)
		return false;
	obj->fixed = true;
	return true;
}

/* With wide pages there are fewer of them. */
void tfw_uar_set_stride(struct tfw_func *f, u8 log_stride)
{
	atomic_store(&f->log_stride, log_stride);
	f->obj[TULLE_OBJ_UAR].quota =
		1U << (f->dev->cfg.log_uar_size - log_stride);
}

bool tfw_uar_get(struct tfw_func *f, u16 page)
{
	struct tfw_obj *obj = tfw_obj_at(f, TULLE_OBJ_UAR, page);

	if (!obj)
		return false;
	tfw_obj_get(obj);
	return true;
}

void tfw_uar_put(struct tfw_func *f, u16 page)
{
	struct tfw_obj *obj = tfw_obj_at(f, TULLE_OBJ_UAR, page);

	if (obj)
		tfw_obj_put(obj);
}

void tfw_uar_destroy(struct tfw_obj *obj)
{
	tfw_obj_free(obj);
}

enum tulle_status tfw_cmd_alloc_uar(struct tfw_cmd *cmd)
{
	struct tulle_handle_rsp *rsp = cmd->out;
	struct tfw_func *f = cmd->func;
	enum tulle_status st;
	struct tfw_obj *obj;

	obj = tfw_obj_alloc(f, TULLE_OBJ_UAR, sizeof(*obj), 0, &st);
	if (!obj)
		return st;
	rsp->handle = cpu_to_le32(obj->handle);
	return TULLE_STATUS_OK;
}

void tfw_pd_destroy(struct tfw_obj *obj)
{
	tfw_obj_free(obj);
}

enum tulle_status tfw_cmd_create_pd(struct tfw_cmd *cmd)
{
	const struct tulle_pd_ctx *ctx = cmd->in;
	struct tulle_handle_rsp *rsp = cmd->out;
	enum tulle_status st;
	struct tfw_obj *obj;

	obj = tfw_obj_alloc(cmd->func, TULLE_OBJ_PD, sizeof(*obj),
			    le32_to_cpu(ctx->handle), &st);
	if (!obj)
		return st;
	rsp->handle = cpu_to_le32(obj->handle);
	return TULLE_STATUS_OK;
}
