// SPDX-License-Identifier: GPL-2.0
/* Completion queues: of the kernel, and on memory that others brought. */

#include "core.h"

static struct tulle_eq *tulle_vec_eq(struct tulle_vec *vec)
{
	return &container_of(vec, struct tulle_vector, vec)->eq;
}

static int tulle_cq_alloc(struct tulle_dev *dev, struct tulle_cq *cq,
			  const struct tulle_cq_attr *attr)
{
	int err;

	if (attr->log_size > dev->limits.log_max_cq_size ||
	    attr->log_cqe_size < 5 || attr->log_cqe_size > 6)
		return -EINVAL;
	err = tulle_mem_alloc(dev, &cq->mem,
			      1UL << (attr->log_size + attr->log_cqe_size));
	if (err)
		return err;
	err = tulle_dbr_alloc(dev, &cq->dbr);
	if (err) {
		tulle_mem_free(dev, &cq->mem);
		return err;
	}
	tulle_ring_init(&cq->cons.ring, cq->mem.buf, attr->log_size,
			attr->log_cqe_size);
	tulle_cons_init(&cq->cons, cq->dbr.dbr);
	return 0;
}

static void tulle_cq_free(struct tulle_dev *dev, struct tulle_cq *cq)
{
	tulle_dbr_free(dev, &cq->dbr);
	tulle_mem_free(dev, &cq->mem);
	cq->handle = 0;
}

int tulle_cq_create_on(struct tulle_dev *dev, struct tulle_cq *cq,
		       struct tulle_vec *vec, struct tulle_cq_ctx *ctx)
{
	int err;

	ctx->eq = cpu_to_le32(vec->eq);
	err = tulle_obj_create(dev, TULLE_CMD_CREATE_CQ, ctx, sizeof(*ctx),
			       &cq->handle);
	if (err)
		return err;
	cq->vec = vec;
	cq->retired = false;
	err = tulle_eq_add_cq(tulle_vec_eq(vec), cq);
	if (err) {
		/* To destroy the one would destroy the other. */
		if (err == -EBUSY)
			tulle_dev_fail(dev, "firmware gave a handle twice");
		tulle_obj_destroy(dev, TULLE_CMD_DESTROY_CQ, cq->handle);
		cq->handle = 0;
	}
	return err;
}
EXPORT_SYMBOL_NS_GPL(tulle_cq_create_on, "TULLE_CORE");

int tulle_cq_create(struct tulle_dev *dev, struct tulle_cq *cq,
		    struct tulle_vec *vec, const struct tulle_cq_attr *attr)
{
	struct tulle_cq_ctx ctx = {
		.log_size = attr->log_size,
		.log_cqe_size = attr->log_cqe_size,
		.uar = cpu_to_le16(TULLE_UAR_KERNEL),
		.mod_frames = cpu_to_le16(attr->mod_frames),
		.mod_usecs = cpu_to_le16(attr->mod_usecs),
		.flags = attr->mod_flags,
	};
	int err;

	err = tulle_cq_alloc(dev, cq, attr);
	if (err)
		return err;
	ctx.pages = cq->mem.pages;
	ctx.dbr = cpu_to_le64(cq->dbr.dma);
	err = tulle_cq_create_on(dev, cq, vec, &ctx);
	if (err)
		tulle_cq_free(dev, cq);
	return err;
}
EXPORT_SYMBOL_NS_GPL(tulle_cq_create, "TULLE_CORE");

void tulle_cq_retire(struct tulle_dev *dev, struct tulle_cq *cq)
{
	struct tulle_eq *eq;

	if (cq->retired)
		return;
	eq = tulle_vec_eq(cq->vec);
	tulle_obj_destroy(dev, TULLE_CMD_DESTROY_CQ, cq->handle);
	/* Take its last events while its name is still known. */
	tulle_eq_look(eq);
	tulle_eq_del_cq(eq, cq);
	cq->retired = true;
}
EXPORT_SYMBOL_NS_GPL(tulle_cq_retire, "TULLE_CORE");

void tulle_cq_destroy(struct tulle_dev *dev, struct tulle_cq *cq)
{
	if (!cq->handle)
		return;
	tulle_cq_retire(dev, cq);
	tulle_cq_free(dev, cq);
}
EXPORT_SYMBOL_NS_GPL(tulle_cq_destroy, "TULLE_CORE");

int tulle_cq_moderate(struct tulle_dev *dev, struct tulle_cq *cq, u32 frames,
		      u32 usecs, u8 flags)
{
	struct tulle_modify_cq in = {
		.handle = cpu_to_le32(cq->handle),
		.mod_frames = cpu_to_le16(frames),
		.mod_usecs = cpu_to_le16(usecs),
		.flags = flags,
	};

	if (frames > dev->limits.max_moderation_frames ||
	    usecs > dev->limits.max_moderation_usecs)
		return -ERANGE;
	return tulle_cmd_exec(dev, TULLE_CMD_MODIFY_CQ, &in, sizeof(in), NULL,
			      0);
}
EXPORT_SYMBOL_NS_GPL(tulle_cq_moderate, "TULLE_CORE");
