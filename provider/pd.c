// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Protection domains, thread domains, and parent domains that join the two. */

#include "provider.h"

struct ibv_pd *tulle_pd_alloc(struct ibv_context *context)
{
	struct tulle_u_alloc_pd_resp resp = {};
	struct ibv_alloc_pd cmd = {};
	struct tulle_pd *pd;

	pd = calloc(1, sizeof(*pd));
	if (!pd)
		return NULL;
	errno = ibv_cmd_alloc_pd(context, &pd->pd, &cmd, sizeof(cmd), &resp.ibv,
				 sizeof(resp));
	if (errno) {
		free(pd);
		return NULL;
	}
	pd->pdn = resp.drv.pdn;
	return &pd->pd;
}

static int tulle_parent_dealloc(struct tulle_pd *pd)
{
	__atomic_sub_fetch(&pd->parent->refs, 1, __ATOMIC_RELAXED);
	if (pd->td)
		__atomic_sub_fetch(&pd->td->refs, 1, __ATOMIC_RELAXED);
	free(pd);
	return 0;
}

int tulle_pd_dealloc(struct ibv_pd *ibpd)
{
	struct tulle_pd *pd = to_tulle_pd(ibpd);
	int err;

	if (pd->parent)
		return tulle_parent_dealloc(pd);
	if (__atomic_load_n(&pd->refs, __ATOMIC_RELAXED))
		return EBUSY;
	err = ibv_cmd_dealloc_pd(ibpd);
	if (err)
		return err;
	free(pd);
	return 0;
}

struct ibv_td *tulle_td_alloc(struct ibv_context *context,
			      struct ibv_td_init_attr *attr)
{
	struct tulle_td *td;

	if (attr->comp_mask) {
		errno = EINVAL;
		return NULL;
	}
	td = calloc(1, sizeof(*td));
	if (!td)
		return NULL;
	td->td.context = context;
	return &td->td;
}

int tulle_td_dealloc(struct ibv_td *ibtd)
{
	struct tulle_td *td = to_tulle_td(ibtd);

	if (__atomic_load_n(&td->refs, __ATOMIC_RELAXED))
		return EBUSY;
	free(td);
	return 0;
}

/* Allocators of the application's own are not called here. */
struct ibv_pd *tulle_parent_alloc(struct ibv_context *context,
				  struct ibv_parent_domain_init_attr *attr)
{
	struct tulle_pd *pd, *parent;

	if (ibv_check_alloc_parent_domain(attr))
		return NULL;
	if (attr->comp_mask || attr->pd->context != context) {
		errno = attr->comp_mask ? EOPNOTSUPP : EINVAL;
		return NULL;
	}
	pd = calloc(1, sizeof(*pd));
	if (!pd)
		return NULL;
	parent = to_tulle_pd(attr->pd);
	pd->parent = parent->parent ? parent->parent : parent;
	pd->pdn = parent->pdn;
	__atomic_add_fetch(&pd->parent->refs, 1, __ATOMIC_RELAXED);
	if (attr->td) {
		pd->td = to_tulle_td(attr->td);
		__atomic_add_fetch(&pd->td->refs, 1, __ATOMIC_RELAXED);
	}
	ibv_initialize_parent_domain(&pd->pd, attr->pd);
	return &pd->pd;
}

bool tulle_single_threaded(struct ibv_pd *pd)
{
	return pd && to_tulle_pd(pd)->td;
}
