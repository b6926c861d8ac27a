// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Registration with libibverbs; contexts; attributes of device and port. */

#include <stdio.h>
#include <sys/mman.h>

#include "provider.h"

static int tulle_query_device(struct ibv_context *context,
			      const struct ibv_query_device_ex_input *input,
			      struct ibv_device_attr_ex *attr, size_t attr_size)
{
	struct ib_uverbs_ex_query_device_resp resp;
	size_t resp_size = sizeof(resp);
	u64 fw;
	int err;

	err = ibv_cmd_query_device_any(context, input, attr, attr_size, &resp,
				       &resp_size);
	if (err)
		return err;
	fw = resp.base.fw_ver;
	/* As most drivers have it: major, minor and patch, the latter two of 16 bits. */
	snprintf(attr->orig_attr.fw_ver, sizeof(attr->orig_attr.fw_ver),
		 "%u.%u.%u", (u32)(fw >> 32), (u16)(fw >> 16), (u16)fw);
	return 0;
}

static int tulle_query_port(struct ibv_context *context, uint8_t port,
			    struct ibv_port_attr *attr)
{
	struct ibv_query_port cmd = {};

	return ibv_cmd_query_port(context, port, attr, &cmd, sizeof(cmd));
}

static void tulle_context_free(struct ibv_context *context)
{
	struct tulle_context *ctx = to_tulle_context(context);
	unsigned int i;

	munmap(ctx->uar, ctx->info.uar_size);
	for (i = 0; i < TULLE_QPN_CHUNK; i++)
		free(ctx->qps[i]);
	pthread_mutex_destroy(&ctx->dbr_lock);
	pthread_mutex_destroy(&ctx->qp_lock);
	verbs_uninit_context(&ctx->vctx);
	free(ctx);
}

static const struct verbs_context_ops tulle_ops = {
	.alloc_mw = tulle_mw_alloc,
	.alloc_parent_domain = tulle_parent_alloc,
	.alloc_pd = tulle_pd_alloc,
	.alloc_td = tulle_td_alloc,
	.attach_mcast = ibv_cmd_attach_mcast,
	.bind_mw = tulle_mw_bind,
	.close_xrcd = tulle_xrcd_close,
	.create_ah = tulle_ah_create,
	.create_cq = tulle_cq_create,
	.create_cq_ex = tulle_cq_create_ex,
	.create_flow = tulle_flow_create,
	.create_qp = tulle_qp_create,
	.create_qp_ex = tulle_qp_create_ex,
	.create_srq = tulle_srq_create,
	.create_srq_ex = tulle_srq_create_ex,
	.dealloc_mw = tulle_mw_dealloc,
	.dealloc_pd = tulle_pd_dealloc,
	.dealloc_td = tulle_td_dealloc,
	.dereg_mr = tulle_mr_dereg,
	.destroy_ah = tulle_ah_destroy,
	.destroy_cq = tulle_cq_destroy,
	.destroy_flow = tulle_flow_destroy,
	.destroy_qp = tulle_qp_destroy,
	.destroy_srq = tulle_srq_destroy,
	.detach_mcast = ibv_cmd_detach_mcast,
	.free_context = tulle_context_free,
	.get_srq_num = tulle_srq_num,
	.modify_cq = tulle_cq_modify,
	.modify_qp = tulle_qp_modify,
	.modify_srq = tulle_srq_modify,
	.open_qp = tulle_qp_open,
	.open_xrcd = tulle_xrcd_open,
	.poll_cq = tulle_cq_poll,
	.post_recv = tulle_post_recv,
	.post_send = tulle_post_send,
	.post_srq_recv = tulle_srq_post,
	.query_device_ex = tulle_query_device,
	.query_port = tulle_query_port,
	TULLE_QUERY_PORT_SPEED
	.query_qp = tulle_qp_query,
	.query_srq = tulle_srq_query,
	.reg_dmabuf_mr = tulle_mr_reg_dmabuf,
	.reg_mr = tulle_mr_reg,
	.req_notify_cq = tulle_cq_arm,
	.rereg_mr = tulle_mr_rereg,
	.resize_cq = tulle_cq_resize,
};

/* The doorbell page, which the device only lets be written. */
static int tulle_context_map(struct tulle_context *ctx, int cmd_fd)
{
	void *uar;

	uar = mmap(NULL, ctx->info.uar_size, PROT_WRITE, MAP_SHARED, cmd_fd,
		   ctx->info.uar_offset);
	if (uar == MAP_FAILED)
		return errno;
	ctx->uar = uar;
	return 0;
}

static int tulle_context_get(struct tulle_context *ctx, int cmd_fd)
{
	struct tulle_u_get_context_resp resp = {};
	struct tulle_u_get_context cmd = {};
	int err;

	err = tulle_cmd_get_context(&ctx->vctx, &cmd.ibv, sizeof(cmd),
				    &resp.ibv, sizeof(resp));
	if (err)
		return err;
	ctx->info = resp.drv;
	return tulle_context_map(ctx, cmd_fd);
}

static struct verbs_context *tulle_context_alloc(struct ibv_device *device,
						 int cmd_fd, void *private_data)
{
	struct tulle_context *ctx;
	int err;

	(void)private_data;
	ctx = verbs_init_and_alloc_context(device, cmd_fd, ctx, vctx,
					   TULLE_RDMA_DRIVER_ID);
	if (!ctx)
		return NULL;
	err = tulle_context_get(ctx, cmd_fd);
	if (err) {
		verbs_uninit_context(&ctx->vctx);
		free(ctx);
		errno = err;
		return NULL;
	}
	pthread_mutex_init(&ctx->qp_lock, NULL);
	pthread_mutex_init(&ctx->dbr_lock, NULL);
	verbs_set_ops(&ctx->vctx, &tulle_ops);
	return &ctx->vctx;
}

static struct verbs_device *tulle_device_alloc(struct verbs_sysfs_dev *sysfs)
{
	(void)sysfs;
	return calloc(1, sizeof(struct verbs_device));
}

static void tulle_device_uninit(struct verbs_device *device)
{
	free(device);
}

static const struct verbs_match_ent tulle_match[] = {
	VERBS_DRIVER_ID(TULLE_RDMA_DRIVER_ID),
	VERBS_PCI_MATCH(TULLE_PCI_VENDOR, TULLE_PCI_DEVICE_PF, NULL),
	VERBS_PCI_MATCH(TULLE_PCI_VENDOR, TULLE_PCI_DEVICE_VF, NULL),
	{}
};

static const struct verbs_device_ops tulle_device_ops = {
	.name = "tulle",
	.match_min_abi_version = TULLE_UVERBS_ABI_VERSION,
	.match_max_abi_version = TULLE_UVERBS_ABI_VERSION,
	.match_table = tulle_match,
	.alloc_device = tulle_device_alloc,
	.uninit_device = tulle_device_uninit,
	.alloc_context = tulle_context_alloc,
};

static __attribute__((constructor)) void tulle_register(void)
{
	verbs_register_driver(&tulle_device_ops);
}
