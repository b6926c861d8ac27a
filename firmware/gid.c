// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The GID table of a function: by which addresses it is known on the wire.
 */
#include "rdma.h"

static const u8 v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool tfw_gid_is_v4(const u8 *gid)
{
	return !memcmp(gid, v4_prefix, sizeof(v4_prefix));
}

bool tfw_gid_is_multicast(const u8 *gid)
{
	return tfw_gid_is_v4(gid) ? (gid[12] & 0xf0) == 0xe0 : gid[0] == 0xff;
}

const struct tfw_gid *tfw_gid_at(struct tfw_func *f, u16 index)
{
	const struct tfw_gid *g;

	if (!f->rdma || index >= TFW_MAX_GIDS)
		return NULL;
	g = &f->rdma->gid[index];
	return g->type ? g : NULL;
}

const struct tfw_gid *tfw_gid_find(struct tfw_func *f, const u8 *gid, int vlan)
{
	const struct tfw_gid *g;
	u32 i;

	if (!f->rdma)
		return NULL;
	for (i = 0; i < f->rdma->ngids; i++) {
		g = &f->rdma->gid[i];
		if (g->type && tfw_gid_on_vlan(g, vlan) &&
		    !memcmp(g->gid, gid, sizeof(g->gid)))
			return g;
	}
	return NULL;
}

static struct tfw_func *dev_gid_owner(struct tfw_dev *dev, const u8 *gid,
				      int vlan)
{
	u32 i;

	for (i = 0; i < dev->nfuncs; i++)
		if (tfw_gid_find(&dev->funcs[i], gid, vlan))
			return &dev->funcs[i];
	return NULL;
}

/* The own device first: an address may be known more than once. */
struct tfw_func *tfw_gid_owner(struct tfw_dev *dev, const u8 *gid, int vlan)
{
	struct tfw_func *f = dev_gid_owner(dev, gid, vlan);
	struct tfw_list *devs = &dev->engine->devs, *n;

	for (n = devs->next; !f && n != devs; n = n->next)
		f = dev_gid_owner(tfw_container(n, struct tfw_dev, node), gid,
				  vlan);
	return f;
}

static enum tulle_status check_gid(struct tfw_cmd *cmd,
				   const struct tulle_gid *in)
{
	bool tagged = in->flags & TULLE_GID_F_VLAN;
	u16 vlan = le16_to_cpu(in->vlan);

	if (in->type > TULLE_GID_IPV6)
		return TFW_CMD_BAD(cmd, struct tulle_gid, type);
	if (in->flags & ~TULLE_GID_F_VLAN)
		return TFW_CMD_BAD(cmd, struct tulle_gid, flags);
	if (tagged ? vlan > 4094 : vlan)
		return TFW_CMD_BAD(cmd, struct tulle_gid, vlan);
	if (tfw_is_zero(in->mac, sizeof(in->mac)) || in->mac[0] & 1)
		return TFW_CMD_BAD(cmd, struct tulle_gid, mac);
	if (tfw_is_zero(in->gid, sizeof(in->gid)) ||
	    tfw_gid_is_multicast(in->gid) ||
	    in->type != (tfw_gid_is_v4(in->gid) ? TULLE_GID_IPV4 :
						  TULLE_GID_IPV6))
		return TFW_CMD_BAD(cmd, struct tulle_gid, gid);
	return TULLE_STATUS_OK;
}

/* An entry not in use says nothing else. */
static enum tulle_status check_none(struct tfw_cmd *cmd,
				    const struct tulle_gid *in)
{
	if (in->flags)
		return TFW_CMD_BAD(cmd, struct tulle_gid, flags);
	if (in->vlan)
		return TFW_CMD_BAD(cmd, struct tulle_gid, vlan);
	if (!tfw_is_zero(in->mac, sizeof(in->mac)))
		return TFW_CMD_BAD(cmd, struct tulle_gid, mac);
	if (!tfw_is_zero(in->gid, sizeof(in->gid)))
		return TFW_CMD_BAD(cmd, struct tulle_gid, gid);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_set_gid(struct tfw_cmd *cmd)
{
	struct tfw_rdma *rdma = cmd->func->rdma;
	const struct tulle_gid *in = cmd->in;
	u16 index = le16_to_cpu(in->index);
	enum tulle_status st;
	struct tfw_gid *g;

	if (index >= TFW_MAX_GIDS)
		return TFW_CMD_BAD(cmd, struct tulle_gid, index);
	st = in->type == TULLE_GID_NONE ? check_none(cmd, in) :
					  check_gid(cmd, in);
	if (st)
		return st;
	g = &rdma->gid[index];
	*g = (struct tfw_gid){
		.type = in->type,
		.vlan = le16_to_cpu(in->vlan),
		/* A tag with id 0 is none, on the wire as well. */
		.tagged = in->vlan,
	};
	memcpy(g->gid, in->gid, sizeof(g->gid));
	memcpy(g->mac, in->mac, sizeof(g->mac));
	if (g->type && rdma->ngids <= index)
		rdma->ngids = index + 1U;
	while (rdma->ngids && !rdma->gid[rdma->ngids - 1].type)
		rdma->ngids--;
	tfw_rdma_changed(cmd->func->dev);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_gid(struct tfw_cmd *cmd)
{
	const struct tulle_query_gid *in = cmd->in;
	u16 index = le16_to_cpu(in->index);
	struct tulle_gid *out = cmd->out;
	const struct tfw_gid *g;

	if (index >= TFW_MAX_GIDS)
		return TFW_CMD_BAD(cmd, struct tulle_query_gid, index);
	g = &cmd->func->rdma->gid[index];
	out->index = in->index;
	out->type = g->type;
	out->flags = g->tagged ? TULLE_GID_F_VLAN : 0;
	out->vlan = cpu_to_le16(g->vlan);
	memcpy(out->mac, g->mac, sizeof(out->mac));
	memcpy(out->gid, g->gid, sizeof(out->gid));
	return TULLE_STATUS_OK;
}
