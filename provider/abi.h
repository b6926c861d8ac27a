/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Two things that have the word ABI in their name. How libibverbs' private
 * interface differs between its versions (IBVERBS_PABI_VERSION says which);
 * and the kernel's structs with ours behind them, as both travel.
 */
#ifndef TULLE_PROVIDER_ABI_H
#define TULLE_PROVIDER_ABI_H

#include <infiniband/driver.h>

#include "uapi/rdma/tulle-abi.h"

static inline int tulle_cmd_get_context(struct verbs_context *ctx,
					struct ibv_get_context *cmd,
					size_t cmd_size,
					struct ib_uverbs_get_context_resp *resp,
					size_t resp_size)
{
#if IBVERBS_PABI_VERSION >= 57
	return ibv_cmd_get_context(ctx, cmd, cmd_size, NULL, resp, resp_size);
#else
	return ibv_cmd_get_context(ctx, cmd, cmd_size, resp, resp_size);
#endif
}

static inline int tulle_cmd_create_cq_ex(struct ibv_context *ctx,
					 const struct ibv_cq_init_attr_ex *attr,
					 struct verbs_cq *cq,
					 struct ibv_create_cq_ex *cmd,
					 size_t cmd_size,
					 struct ib_uverbs_ex_create_cq_resp *resp,
					 size_t resp_size)
{
#if IBVERBS_PABI_VERSION >= 59
	return ibv_cmd_create_cq_ex(ctx, attr, NULL, cq, cmd, cmd_size, resp,
				    resp_size, 0);
#else
	return ibv_cmd_create_cq_ex(ctx, attr, cq, cmd, cmd_size, resp,
				    resp_size, 0);
#endif
}

static inline int tulle_cmd_create_qp_ex2(struct ibv_context *ctx,
					  struct verbs_qp *qp,
					  struct ibv_qp_init_attr_ex *attr,
					  struct ibv_create_qp_ex *cmd,
					  size_t cmd_size,
					  struct ib_uverbs_ex_create_qp_resp *resp,
					  size_t resp_size)
{
#if IBVERBS_PABI_VERSION >= 64
	return ibv_cmd_create_qp_ex2(ctx, qp, attr, cmd, cmd_size, resp,
				     resp_size, NULL);
#else
	return ibv_cmd_create_qp_ex2(ctx, qp, attr, cmd, cmd_size, resp,
				     resp_size);
#endif
}

/* A member of struct verbs_context_ops where there is one. */
#if IBVERBS_PABI_VERSION >= 65
#define TULLE_QUERY_PORT_SPEED	.query_port_speed = ibv_cmd_query_port_speed,
#else
#define TULLE_QUERY_PORT_SPEED
#endif

/*
 * Ours follows the kernel's without a gap, although the latter is not always a
 * multiple of 8 bytes.
 */
#define TULLE_PAIR(name, first, second)					\
	struct name {							\
		first ibv;						\
		second drv;						\
	} __attribute__((packed, aligned(4)));				\
	_Static_assert(sizeof(struct name) ==				\
		       sizeof(first) + sizeof(second), #name " has a gap")

TULLE_PAIR(tulle_u_get_context, struct ibv_get_context,
	   struct tulle_ib_ureq_alloc_ucontext);
TULLE_PAIR(tulle_u_get_context_resp, struct ib_uverbs_get_context_resp,
	   struct tulle_ib_uresp_alloc_ucontext);
TULLE_PAIR(tulle_u_alloc_pd_resp, struct ib_uverbs_alloc_pd_resp,
	   struct tulle_ib_uresp_alloc_pd);
TULLE_PAIR(tulle_u_create_cq, struct ibv_create_cq_ex,
	   struct tulle_ib_ureq_create_cq);
TULLE_PAIR(tulle_u_create_cq_resp, struct ib_uverbs_ex_create_cq_resp,
	   struct tulle_ib_uresp_create_cq);
TULLE_PAIR(tulle_u_resize_cq, struct ibv_resize_cq,
	   struct tulle_ib_ureq_resize_cq);
TULLE_PAIR(tulle_u_create_srq, struct ibv_create_srq,
	   struct tulle_ib_ureq_create_srq);
TULLE_PAIR(tulle_u_create_xsrq, struct ibv_create_xsrq,
	   struct tulle_ib_ureq_create_srq);
TULLE_PAIR(tulle_u_create_srq_resp, struct ib_uverbs_create_srq_resp,
	   struct tulle_ib_uresp_create_srq);
TULLE_PAIR(tulle_u_create_qp, struct ibv_create_qp,
	   struct tulle_ib_ureq_create_qp);
TULLE_PAIR(tulle_u_create_qp_resp, struct ib_uverbs_create_qp_resp,
	   struct tulle_ib_uresp_create_qp);
TULLE_PAIR(tulle_u_create_qp_ex, struct ibv_create_qp_ex,
	   struct tulle_ib_ureq_create_qp);
TULLE_PAIR(tulle_u_create_qp_ex_resp, struct ib_uverbs_ex_create_qp_resp,
	   struct tulle_ib_uresp_create_qp);
TULLE_PAIR(tulle_u_create_ah_resp, struct ib_uverbs_create_ah_resp,
	   struct tulle_ib_uresp_create_ah);

#endif /* TULLE_PROVIDER_ABI_H */
