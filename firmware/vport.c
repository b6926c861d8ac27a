// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Vports: where functions are plugged into the switch.
 */
#include <string.h>

#include "dev.h"

bool tfw_vport_init(struct tfw_func *f)
{
	struct tfw_vport *vport = tfw_alloc(tfw_func_engine(f), sizeof(*vport));

	if (!vport)
		return false;
	vport->func = f;
	vport->port = &f->dev->port;
	vport->id = f->id;
	memcpy(vport->perm_mac, f->dev->cfg.mac, sizeof(vport->perm_mac));
	memcpy(vport->mac, vport->perm_mac, sizeof(vport->mac));
	f->vport = vport;
	return true;
}

/* The tables were objects of the function, and went with them. */
void tfw_vport_reset(struct tfw_func *f)
{
	struct tfw_vport *vport = f->vport;

	if (!vport)
		return;
	memcpy(vport->mac, vport->perm_mac, sizeof(vport->mac));
	memset(vport->root, 0, sizeof(vport->root));
	memset(&vport->tx, 0, sizeof(vport->tx));
	memset(&vport->rx, 0, sizeof(vport->rx));
}

struct tfw_vport *tfw_vport_find(struct tfw_func *f, u16 id)
{
	return id == f->vport->id ? f->vport : NULL;
}

static u32 vport_root(const struct tfw_vport *vport, enum tulle_domain domain)
{
	return vport->root[domain] ? vport->root[domain]->handle : 0;
}

enum tulle_status tfw_cmd_query_vport(struct tfw_cmd *cmd)
{
	const struct tulle_query_vport *req = cmd->in;
	struct tulle_vport_info *info = cmd->out;
	struct tfw_vport *vport;

	vport = tfw_vport_find(cmd->func, le16_to_cpu(req->vport));
	if (!vport)
		return TULLE_STATUS_DENIED;
	info->vport = cpu_to_le16(vport->id);
	info->func = cpu_to_le16(vport->func->id);
	info->link_up = vport->port->link_up;
	memcpy(info->perm_mac, vport->perm_mac, sizeof(info->perm_mac));
	memcpy(info->mac, vport->mac, sizeof(info->mac));
	info->tx_root = cpu_to_le32(vport_root(vport, TULLE_DOMAIN_TX));
	info->rx_root = cpu_to_le32(vport_root(vport, TULLE_DOMAIN_RX));
	info->fdb_root = cpu_to_le32(vport_root(vport, TULLE_DOMAIN_FDB));
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_modify_vport(struct tfw_cmd *cmd)
{
	const struct tulle_modify_vport *req = cmd->in;
	u16 mask = le16_to_cpu(req->mask);
	struct tfw_vport *vport;

	vport = tfw_vport_find(cmd->func, le16_to_cpu(req->vport));
	if (!vport)
		return TULLE_STATUS_DENIED;
	if (mask & ~TULLE_VPORT_MOD_MAC)
		return TFW_CMD_BAD(cmd, struct tulle_modify_vport, mask);
	if (!(mask & TULLE_VPORT_MOD_MAC))
		return TULLE_STATUS_OK;
	if (req->mac[0] & 1 || tfw_is_zero(req->mac, sizeof(req->mac)))
		return TFW_CMD_BAD(cmd, struct tulle_modify_vport, mac);
	memcpy(vport->mac, req->mac, sizeof(vport->mac));
	tfw_event_vport(vport);
	return TULLE_STATUS_OK;
}

static void vport_fill_dir(struct tulle_vport_dir *to,
			   const struct tfw_vport_dir *from)
{
	to->packets = cpu_to_le64(from->packets);
	to->bytes = cpu_to_le64(from->bytes);
	to->unicast = cpu_to_le64(from->unicast);
	to->multicast = cpu_to_le64(from->multicast);
	to->broadcast = cpu_to_le64(from->broadcast);
	to->drops = cpu_to_le64(from->drops);
}

enum tulle_status tfw_cmd_query_vport_stats(struct tfw_cmd *cmd)
{
	const struct tulle_query_vport *req = cmd->in;
	struct tulle_vport_stats *stats = cmd->out;
	struct tfw_vport *vport;

	vport = tfw_vport_find(cmd->func, le16_to_cpu(req->vport));
	if (!vport)
		return TULLE_STATUS_DENIED;
	vport_fill_dir(&stats->tx, &vport->tx);
	vport_fill_dir(&stats->rx, &vport->rx);
	return TULLE_STATUS_OK;
}
