// SPDX-License-Identifier: GPL-2.0
/*
 * The GID table: the device tells by it which packets are RDMA's, and finds
 * the source of what it sends.
 */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <rdma/ib_cache.h>
#include <rdma/ib_verbs.h>

#include "ib.h"

static int gid_set(struct ib_device *ibdev, const struct tulle_gid *in)
{
	return tulle_cmd_exec(to_tulle_ib_dev(ibdev)->tdev, TULLE_CMD_SET_GID,
			      in, sizeof(*in), NULL, 0);
}

int tulle_ib_add_gid(const struct ib_gid_attr *attr, void **context)
{
	const struct in6_addr *ip = (const struct in6_addr *)attr->gid.raw;
	bool v4 = ipv6_addr_v4mapped(ip);
	struct tulle_gid in = {
		.index = cpu_to_le16(attr->index),
		.type = v4 ? TULLE_GID_IPV4 : TULLE_GID_IPV6,
	};
	u16 vlan = VLAN_N_VID;
	int err;

	if (attr->gid_type != IB_GID_TYPE_ROCE_UDP_ENCAP)
		return -EOPNOTSUPP;
	/* A port that joins an IPv4 group by its address has one of these. */
	if (v4 ? ipv4_is_multicast(ip->s6_addr32[3]) :
		 ipv6_addr_is_multicast(ip))
		return -EINVAL;
	err = rdma_read_gid_l2_fields(attr, &vlan, in.mac);
	if (err)
		return err;
	if (vlan < VLAN_N_VID) {
		in.flags = TULLE_GID_F_VLAN;
		in.vlan = cpu_to_le16(vlan);
	}
	memcpy(in.gid, attr->gid.raw, sizeof(in.gid));
	return gid_set(attr->device, &in);
}

int tulle_ib_del_gid(const struct ib_gid_attr *attr, void **context)
{
	struct tulle_gid in = {
		.index = cpu_to_le16(attr->index),
		.type = TULLE_GID_NONE,
	};
	int err = gid_set(attr->device, &in);

	/* A device that is down has no table any more. */
	return err == -EIO ? 0 : err;
}
