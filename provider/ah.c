// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Address handles, and XRC domains. */

#include "provider.h"

#define TULLE_NO_VLAN	0xffff

/* The vector that every datagram to this address carries. */
static void tulle_ah_fill(struct tulle_av *av, const struct ibv_ah_attr *attr,
			  const struct tulle_ib_uresp_create_ah *resp)
{
	u32 flow = attr->grh.flow_label & TULLE_AV_FLOW_LABEL;

	if (resp->vlan != TULLE_NO_VLAN) {
		av->vlan = cpu_to_le16(resp->vlan);
		flow |= TULLE_AV_F_VLAN;
	}
	memcpy(av->dgid, attr->grh.dgid.raw, sizeof(av->dgid));
	memcpy(av->dmac, resp->dmac, sizeof(av->dmac));
	av->flow = cpu_to_le32(flow);
	av->sgid = cpu_to_le16(resp->sgid);
	av->hop_limit = attr->grh.hop_limit;
	av->tclass = attr->grh.traffic_class;
}

struct ibv_ah *tulle_ah_create(struct ibv_pd *pd, struct ibv_ah_attr *attr)
{
	struct tulle_u_create_ah_resp resp = {};
	struct tulle_ib_uresp_create_ah ours;
	struct tulle_ah *ah;

	/* RoCE has no address but the global one. */
	if (!attr->is_global) {
		errno = EINVAL;
		return NULL;
	}
	ah = calloc(1, sizeof(*ah));
	if (!ah)
		return NULL;
	errno = ibv_cmd_create_ah(pd, &ah->ah, attr, &resp.ibv, sizeof(resp));
	if (errno) {
		free(ah);
		return NULL;
	}
	ours = resp.drv;
	tulle_ah_fill(&ah->av, attr, &ours);
	return &ah->ah;
}

int tulle_ah_destroy(struct ibv_ah *ah)
{
	int err = ibv_cmd_destroy_ah(ah);

	if (err)
		return err;
	free(to_tulle_ah(ah));
	return 0;
}

struct ibv_xrcd *tulle_xrcd_open(struct ibv_context *context,
				 struct ibv_xrcd_init_attr *attr)
{
	struct ib_uverbs_open_xrcd_resp resp = {};
	struct ibv_open_xrcd cmd = {};
	struct verbs_xrcd *xrcd;

	xrcd = calloc(1, sizeof(*xrcd));
	if (!xrcd)
		return NULL;
	errno = ibv_cmd_open_xrcd(context, xrcd, sizeof(*xrcd), attr, &cmd,
				  sizeof(cmd), &resp, sizeof(resp));
	if (errno) {
		free(xrcd);
		return NULL;
	}
	return &xrcd->xrcd;
}

int tulle_xrcd_close(struct ibv_xrcd *ibxrcd)
{
	struct verbs_xrcd *xrcd = container_of(ibxrcd, struct verbs_xrcd, xrcd);
	int err;

	err = ibv_cmd_close_xrcd(xrcd);
	if (err)
		return err;
	free(xrcd);
	return 0;
}
