// SPDX-License-Identifier: GPL-2.0
/*
 * Address handles. The device has none: their content travels in work requests
 * and queue pair attributes, so that creating one never sleeps.
 */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <rdma/ib_addr.h>
#include <rdma/ib_cache.h>

#include "ib.h"

#define AH_VLAN_NONE	0xffff

/* The VLAN is that of the source address's interface; the SL its priority. */
static u16 ah_vlan(const struct rdma_ah_attr *attr)
{
	u16 vid = AH_VLAN_NONE;

	if (attr->grh.sgid_attr &&
	    rdma_read_gid_l2_fields(attr->grh.sgid_attr, &vid, NULL))
		return AH_VLAN_NONE;
	if (vid >= VLAN_N_VID)
		return AH_VLAN_NONE;
	return vid | (rdma_ah_get_sl(attr) & 7) << VLAN_PRIO_SHIFT;
}

/**
 * tulle_ib_av_fill() - an address as the device takes it
 * @av: filled
 * @attr: resolved address of kind RoCE
 */
void tulle_ib_av_fill(struct tulle_av *av, const struct rdma_ah_attr *attr)
{
	const struct ib_global_route *grh = rdma_ah_read_grh(attr);
	u32 flow = grh->flow_label & TULLE_AV_FLOW_LABEL;
	u16 vlan = ah_vlan(attr);

	memset(av, 0, sizeof(*av));
	memcpy(av->dgid, grh->dgid.raw, sizeof(av->dgid));
	ether_addr_copy(av->dmac, attr->roce.dmac);
	if (vlan != AH_VLAN_NONE) {
		av->vlan = cpu_to_le16(vlan);
		flow |= TULLE_AV_F_VLAN;
	}
	av->flow = cpu_to_le32(flow);
	av->sgid = cpu_to_le16(grh->sgid_index);
	av->hop_limit = grh->hop_limit;
	av->tclass = grh->traffic_class;
}

/* The reverse, as far as it goes. */
void tulle_ib_av_read(const struct tulle_av *av, u8 sl,
		      struct rdma_ah_attr *attr)
{
	u32 flow = le32_to_cpu(av->flow);

	memset(attr, 0, sizeof(*attr));
	attr->type = RDMA_AH_ATTR_TYPE_ROCE;
	rdma_ah_set_port_num(attr, TULLE_IB_PORT);
	rdma_ah_set_grh(attr, NULL, flow & TULLE_AV_FLOW_LABEL,
			le16_to_cpu(av->sgid) & 0xff, av->hop_limit,
			av->tclass);
	rdma_ah_set_dgid_raw(attr, (void *)av->dgid);
	ether_addr_copy(attr->roce.dmac, av->dmac);
	rdma_ah_set_sl(attr, sl);
}

static int ah_respond(const struct tulle_ib_ah *ah, struct ib_udata *udata)
{
	struct tulle_ib_uresp_create_ah rsp = {
		.vlan = AH_VLAN_NONE,
		.sgid = le16_to_cpu(ah->av.sgid),
	};

	ether_addr_copy(rsp.dmac, ah->av.dmac);
	if (ah->av.flow & cpu_to_le32(TULLE_AV_F_VLAN))
		rsp.vlan = le16_to_cpu(ah->av.vlan);
	return ib_respond_udata(udata, rsp);
}

int tulle_ib_create_ah(struct ib_ah *ibah, struct rdma_ah_init_attr *init,
		       struct ib_udata *udata)
{
	struct tulle_ib_ah *ah = to_tulle_ib_ah(ibah);
	struct rdma_ah_attr *attr = init->ah_attr;
	int err;

	err = ib_is_udata_in_empty(udata);
	if (err)
		return err;
	if (attr->type != RDMA_AH_ATTR_TYPE_ROCE ||
	    !(rdma_ah_get_ah_flags(attr) & IB_AH_GRH)) {
		ibdev_dbg(ibah->device, "address handle without a GRH\n");
		return -EINVAL;
	}
	tulle_ib_av_fill(&ah->av, attr);
	ah->sl = rdma_ah_get_sl(attr);
	return udata ? ah_respond(ah, udata) : 0;
}

int tulle_ib_query_ah(struct ib_ah *ibah, struct rdma_ah_attr *attr)
{
	struct tulle_ib_ah *ah = to_tulle_ib_ah(ibah);

	tulle_ib_av_read(&ah->av, ah->sl, attr);
	return 0;
}

int tulle_ib_destroy_ah(struct ib_ah *ibah, u32 flags)
{
	return 0;
}
