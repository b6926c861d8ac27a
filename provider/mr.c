// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Memory regions and memory windows. */

#include "provider.h"

struct ibv_mr *tulle_mr_reg(struct ibv_pd *pd, void *addr, size_t len,
			    uint64_t iova, int access)
{
	struct ib_uverbs_reg_mr_resp resp = {};
	struct ibv_reg_mr cmd = {};
	struct verbs_mr *vmr;

	vmr = calloc(1, sizeof(*vmr));
	if (!vmr)
		return NULL;
	errno = ibv_cmd_reg_mr(pd, addr, len, iova, access, vmr, &cmd,
			       sizeof(cmd), &resp, sizeof(resp));
	if (errno) {
		free(vmr);
		return NULL;
	}
	return &vmr->ibv_mr;
}

struct ibv_mr *tulle_mr_reg_dmabuf(struct ibv_pd *pd, uint64_t offset,
				   size_t len, uint64_t iova, int fd,
				   int access)
{
	struct verbs_mr *vmr;

	vmr = calloc(1, sizeof(*vmr));
	if (!vmr)
		return NULL;
	errno = ibv_cmd_reg_dmabuf_mr(pd, offset, len, iova, fd, access, vmr,
				      NULL);
	if (errno) {
		free(vmr);
		return NULL;
	}
	return &vmr->ibv_mr;
}

int tulle_mr_rereg(struct verbs_mr *vmr, int flags, struct ibv_pd *pd,
		   void *addr, size_t len, int access)
{
	struct ib_uverbs_rereg_mr_resp resp = {};
	struct ibv_rereg_mr cmd = {};

	return ibv_cmd_rereg_mr(vmr, flags, addr, len, (uintptr_t)addr, access,
				pd, &cmd, sizeof(cmd), &resp, sizeof(resp));
}

int tulle_mr_dereg(struct verbs_mr *vmr)
{
	int err = ibv_cmd_dereg_mr(vmr);

	if (err)
		return err;
	free(vmr);
	return 0;
}

struct ibv_mw *tulle_mw_alloc(struct ibv_pd *pd, enum ibv_mw_type type)
{
	struct ib_uverbs_alloc_mw_resp resp = {};
	struct ibv_alloc_mw cmd = {};
	struct ibv_mw *mw;

	mw = calloc(1, sizeof(*mw));
	if (!mw)
		return NULL;
	errno = ibv_cmd_alloc_mw(pd, type, mw, &cmd, sizeof(cmd), &resp,
				 sizeof(resp));
	if (errno) {
		free(mw);
		return NULL;
	}
	return mw;
}

int tulle_mw_dealloc(struct ibv_mw *mw)
{
	int err = ibv_cmd_dealloc_mw(mw);

	if (err)
		return err;
	free(mw);
	return 0;
}

/* Windows of type 1: the library, not the application, chooses the new tag. */
int tulle_mw_bind(struct ibv_qp *ibqp, struct ibv_mw *mw,
		  struct ibv_mw_bind *bind)
{
	const struct ibv_mw_bind_info *info = &bind->bind_info;
	struct ibv_send_wr *bad, wr = {
		.wr_id = bind->wr_id,
		.opcode = IBV_WR_BIND_MW,
		.send_flags = bind->send_flags,
		.bind_mw = {
			.mw = mw,
			.rkey = ibv_inc_rkey(mw->rkey),
			.bind_info = *info,
		},
	};
	int err;

	if (mw->type != IBV_MW_TYPE_1)
		return EINVAL;
	/* A parent domain and the domain in it are the same one. */
	if (info->length &&
	    (!info->mr || info->mr->pd->handle != mw->pd->handle))
		return EPERM;
	err = tulle_post_send(ibqp, &wr, &bad);
	if (!err)
		mw->rkey = wr.bind_mw.rkey;
	return err;
}

u8 tulle_access(unsigned int access)
{
	u8 ours = TULLE_MKEY_LOCAL_READ;

	if (access & IBV_ACCESS_LOCAL_WRITE)
		ours |= TULLE_MKEY_LOCAL_WRITE;
	if (access & IBV_ACCESS_REMOTE_READ)
		ours |= TULLE_MKEY_REMOTE_READ;
	if (access & IBV_ACCESS_REMOTE_WRITE)
		ours |= TULLE_MKEY_REMOTE_WRITE;
	if (access & IBV_ACCESS_REMOTE_ATOMIC)
		ours |= TULLE_MKEY_REMOTE_ATOMIC;
	if (access & IBV_ACCESS_MW_BIND)
		ours |= TULLE_MKEY_MW_BIND;
	if (access & IBV_ACCESS_ZERO_BASED)
		ours |= TULLE_MKEY_ZERO_BASED;
	if (access & IBV_ACCESS_FLUSH_GLOBAL)
		ours |= TULLE_MKEY_FLUSH;
	return ours;
}
