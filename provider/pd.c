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

	if (__atomic_load_n(&pd->refs, __ATOMIC_ACQUIRE))
		return EBUSY;
	if (pd->parent)
		return tulle_parent_dealloc(pd);
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

static int tulle_parent_check(const struct ibv_context *context,
			      const struct ibv_parent_domain_init_attr *attr)
{
	if (!check_comp_mask(attr->comp_mask,
			     IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS |
			     IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT))
		return EOPNOTSUPP;
	if (attr->pd->context != context)
		return EINVAL;
	/* One without the other would be asked for what it cannot do. */
	if (attr->comp_mask & IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS &&
	    (!attr->alloc || !attr->free))
		return EINVAL;
	return 0;
}

static void tulle_parent_init(struct tulle_pd *pd,
			      const struct ibv_parent_domain_init_attr *attr)
{
	if (attr->comp_mask & IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS) {
		pd->alloc = attr->alloc;
		pd->free = attr->free;
	}
	if (attr->comp_mask & IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT)
		pd->alloc_context = attr->pd_context;
}

struct ibv_pd *tulle_parent_alloc(struct ibv_context *context,
				  struct ibv_parent_domain_init_attr *attr)
{
	struct tulle_pd *pd, *parent;

	if (ibv_check_alloc_parent_domain(attr))
		return NULL;
	errno = tulle_parent_check(context, attr);
	if (errno)
		return NULL;
	pd = calloc(1, sizeof(*pd));
	if (!pd)
		return NULL;
	tulle_parent_init(pd, attr);
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

struct tulle_pd *tulle_domain_get(struct ibv_pd *pd)
{
	struct tulle_pd *domain = pd ? to_tulle_pd(pd) : NULL;

	if (!domain || !domain->parent)
		return NULL;
	__atomic_add_fetch(&domain->refs, 1, __ATOMIC_RELAXED);
	return domain;
}

void tulle_domain_put(struct tulle_pd *domain)
{
	if (domain)
		__atomic_sub_fetch(&domain->refs, 1, __ATOMIC_RELEASE);
}

bool tulle_single_threaded(struct ibv_pd *pd)
{
	return pd && to_tulle_pd(pd)->td;
}
