// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Multicast groups: which UD queue pairs of a function want what is sent to
 * an address. An attachment holds its queue pair.
 */
#include "rdma.h"

struct mcast_group {
	struct tfw_list	node;		/* tfw_rdma.mcast */
	u8		gid[16];
	u32		n;
	u32		room;
	struct tfw_qp	**qp;
};

static struct mcast_group *find_group(struct tfw_rdma *rdma, const u8 *gid)
{
	struct mcast_group *g;
	struct tfw_list *n;

	for (n = rdma->mcast.next; n != &rdma->mcast; n = n->next) {
		g = tfw_container(n, struct mcast_group, node);
		if (!memcmp(g->gid, gid, sizeof(g->gid)))
			return g;
	}
	return NULL;
}

void tfw_mcast_each(struct tfw_func *f, const u8 *gid,
		    void (*fn)(struct tfw_qp *qp, void *arg), void *arg)
{
	struct mcast_group *g = f->rdma ? find_group(f->rdma, gid) : NULL;
	u32 i;

	for (i = 0; g && i < g->n; i++)
		fn(g->qp[i], arg);
}

static void free_group(struct tfw_func *f, struct mcast_group *g)
{
	tfw_list_del(&g->node);
	tfw_free(tfw_func_engine(f), g->qp);
	tfw_free(tfw_func_engine(f), g);
	f->rdma->ngroups--;
}

static enum tulle_status make_group(struct tfw_func *f, const u8 *gid,
				    struct mcast_group **out)
{
	struct mcast_group *g;

	if (f->rdma->ngroups >= TFW_MAX_MCAST_GROUPS)
		return TULLE_STATUS_QUOTA;
	g = tfw_alloc(tfw_func_engine(f), sizeof(*g));
	if (!g)
		return TULLE_STATUS_NOMEM;
	memcpy(g->gid, gid, sizeof(g->gid));
	tfw_list_add_tail(&f->rdma->mcast, &g->node);
	f->rdma->ngroups++;
	*out = g;
	return TULLE_STATUS_OK;
}

static enum tulle_status group_add(struct tfw_func *f, struct mcast_group *g,
				   struct tfw_qp *qp)
{
	struct tfw_engine *e = tfw_func_engine(f);
	enum tulle_status st;
	struct tfw_qp **p;
	u32 room;

	if (g->n >= TFW_MAX_MCAST_QPS)
		return TULLE_STATUS_QUOTA;
	if (g->n == g->room) {
		room = g->room ? g->room * 2 : 4;
		p = tfw_alloc(e, room * sizeof(*p));
		if (!p)
			return TULLE_STATUS_NOMEM;
		if (g->n)
			memcpy(p, g->qp, g->n * sizeof(*p));
		tfw_free(e, g->qp);
		g->qp = p;
		g->room = room;
	}
	st = tfw_obj_charge(f, TULLE_OBJ_MCAST, 1);
	if (st)
		return st;
	g->qp[g->n++] = qp;
	tfw_obj_get(&qp->obj);
	return TULLE_STATUS_OK;
}

static u32 group_index(const struct mcast_group *g, const struct tfw_qp *qp)
{
	u32 i;

	for (i = 0; i < g->n && g->qp[i] != qp; i++)
		;
	return i;
}

static enum tulle_status get_qp(struct tfw_cmd *cmd,
				const struct tulle_mcast *in,
				struct tfw_qp **out)
{
	struct tfw_qp *qp;

	qp = tfw_obj_find(cmd->func, TULLE_OBJ_QP, le32_to_cpu(in->qp));
	if (!qp)
		return TULLE_STATUS_BAD_HANDLE;
	if (qp->type != TULLE_QP_UD)
		return TFW_CMD_BAD(cmd, struct tulle_mcast, qp);
	if (!tfw_gid_is_multicast(in->gid))
		return TFW_CMD_BAD(cmd, struct tulle_mcast, gid);
	*out = qp;
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_attach_mcast(struct tfw_cmd *cmd)
{
	const struct tulle_mcast *in = cmd->in;
	struct tfw_func *f = cmd->func;
	enum tulle_status st;
	struct mcast_group *g;
	struct tfw_qp *qp;

	st = get_qp(cmd, in, &qp);
	if (st)
		return st;
	g = find_group(f->rdma, in->gid);
	if (g && group_index(g, qp) < g->n)
		return TULLE_STATUS_EXISTS;
	if (!g)
		st = make_group(f, in->gid, &g);
	if (st)
		return st;
	st = group_add(f, g, qp);
	if (!g->n)
		free_group(f, g);
	tfw_rdma_changed(f->dev);
	return st;
}

enum tulle_status tfw_cmd_detach_mcast(struct tfw_cmd *cmd)
{
	const struct tulle_mcast *in = cmd->in;
	struct tfw_func *f = cmd->func;
	enum tulle_status st;
	struct mcast_group *g;
	struct tfw_qp *qp;
	u32 i;

	st = get_qp(cmd, in, &qp);
	if (st)
		return st;
	g = find_group(f->rdma, in->gid);
	i = g ? group_index(g, qp) : 0;
	if (!g || i == g->n)
		return TULLE_STATUS_NOT_FOUND;
	g->qp[i] = g->qp[--g->n];
	tfw_obj_put(&qp->obj);
	tfw_obj_charge(f, TULLE_OBJ_MCAST, -1);
	if (!g->n)
		free_group(f, g);
	tfw_rdma_changed(f->dev);
	return TULLE_STATUS_OK;
}

void tfw_mcast_reset(struct tfw_func *f)
{
	struct mcast_group *g;

	while (!tfw_list_empty(&f->rdma->mcast)) {
		g = tfw_container(f->rdma->mcast.next, struct mcast_group,
				  node);
		while (g->n)
			tfw_obj_put(&g->qp[--g->n]->obj);
		free_group(f, g);
	}
	f->obj[TULLE_OBJ_MCAST].used = 0;
}
