// SPDX-License-Identifier: GPL-2.0
/*
 * Flow rules of raw packet queue pairs. They stand in the root table of the
 * vport's receive side, before what the Ethernet driver has there: what they
 * match is taken from the net_device.
 */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/in.h>
#include <linux/slab.h>

#include "ib.h"

/* Ids of the Ethernet driver are small. */
#define FLOW_ID_FIRST	0x40000000
#define FLOW_ID_LAST	0x4fffffff

struct flow {
	struct ib_flow ibflow;
	u32 mask;
	u32 id;
};

struct flow_spec_keys {
	struct tulle_flow_key mask;
	struct tulle_flow_key key;
};

static int flow_put_eth(struct flow_spec_keys *keys,
			const struct ib_flow_spec_eth *eth)
{
	ether_addr_copy(keys->mask.dmac, eth->mask.dst_mac);
	ether_addr_copy(keys->key.dmac, eth->val.dst_mac);
	ether_addr_copy(keys->mask.smac, eth->mask.src_mac);
	ether_addr_copy(keys->key.smac, eth->val.src_mac);
	keys->mask.ethertype = eth->mask.ether_type;
	keys->key.ethertype = eth->val.ether_type;
	keys->mask.vlan[0] = eth->mask.vlan_tag;
	keys->key.vlan[0] = eth->val.vlan_tag;
	if (eth->mask.vlan_tag) {
		keys->mask.nvlan = U8_MAX;
		keys->key.nvlan = 1;
	}
	return 0;
}

static int flow_put_ipv4(struct flow_spec_keys *keys,
			 const struct ib_flow_spec_ipv4 *ip)
{
	if (ip->mask.flags)
		return -EOPNOTSUPP;
	keys->mask.l3 = U8_MAX;
	keys->key.l3 = TULLE_L3_IPV4;
	keys->mask.src[0] = ip->mask.src_ip;
	keys->key.src[0] = ip->val.src_ip;
	keys->mask.dst[0] = ip->mask.dst_ip;
	keys->key.dst[0] = ip->val.dst_ip;
	keys->mask.ip_proto = ip->mask.proto;
	keys->key.ip_proto = ip->val.proto;
	keys->mask.tos = ip->mask.tos;
	keys->key.tos = ip->val.tos;
	keys->mask.ttl = ip->mask.ttl;
	keys->key.ttl = ip->val.ttl;
	return 0;
}

static int flow_put_ipv6(struct flow_spec_keys *keys,
			 const struct ib_flow_spec_ipv6 *ip)
{
	keys->mask.l3 = U8_MAX;
	keys->key.l3 = TULLE_L3_IPV6;
	memcpy(keys->mask.src, ip->mask.src_ip, sizeof(keys->mask.src));
	memcpy(keys->key.src, ip->val.src_ip, sizeof(keys->key.src));
	memcpy(keys->mask.dst, ip->mask.dst_ip, sizeof(keys->mask.dst));
	memcpy(keys->key.dst, ip->val.dst_ip, sizeof(keys->key.dst));
	keys->mask.flow_label = ip->mask.flow_label;
	keys->key.flow_label = ip->val.flow_label;
	keys->mask.ip_proto = ip->mask.next_hdr;
	keys->key.ip_proto = ip->val.next_hdr;
	keys->mask.tos = ip->mask.traffic_class;
	keys->key.tos = ip->val.traffic_class;
	keys->mask.ttl = ip->mask.hop_limit;
	keys->key.ttl = ip->val.hop_limit;
	return 0;
}

static int flow_put_l4(struct flow_spec_keys *keys,
		       const struct ib_flow_spec_tcp_udp *l4, u8 type)
{
	keys->mask.l4 = U8_MAX;
	keys->key.l4 = type;
	keys->mask.l4_src = l4->mask.src_port;
	keys->key.l4_src = l4->val.src_port;
	keys->mask.l4_dst = l4->mask.dst_port;
	keys->key.l4_dst = l4->val.dst_port;
	return 0;
}

static int flow_put_spec(struct flow_spec_keys *keys,
			 const union ib_flow_spec *spec)
{
	switch (spec->type) {
	case IB_FLOW_SPEC_ETH:
		return flow_put_eth(keys, &spec->eth);
	case IB_FLOW_SPEC_IPV4:
		return flow_put_ipv4(keys, &spec->ipv4);
	case IB_FLOW_SPEC_IPV6:
		return flow_put_ipv6(keys, &spec->ipv6);
	case IB_FLOW_SPEC_TCP:
		return flow_put_l4(keys, &spec->tcp_udp, TULLE_L4_TCP);
	case IB_FLOW_SPEC_UDP:
		return flow_put_l4(keys, &spec->tcp_udp, TULLE_L4_UDP);
	default:
		return -EOPNOTSUPP;
	}
}

/* In a rule bits outside its mask are 0. */
static void flow_trim(struct flow_spec_keys *keys)
{
	const u8 *mask = (const u8 *)&keys->mask;
	u8 *key = (u8 *)&keys->key;
	size_t i;

	for (i = 0; i < sizeof(keys->key); i++)
		key[i] &= mask[i];
}

/* Specifications follow one another, each as long as it says. */
static int flow_parse(const struct ib_flow_attr *attr, struct flow_spec_keys *keys)
{
	const void *at = attr->flows;
	unsigned int i;
	int err;

	memset(keys, 0, sizeof(*keys));
	for (i = 0; i < attr->num_of_specs; i++) {
		const union ib_flow_spec *spec = at;

		err = flow_put_spec(keys, spec);
		if (err)
			return err;
		at += spec->size;
	}
	flow_trim(keys);
	return 0;
}

static int flow_install(struct tulle_ib_dev *dev, struct flow *flow,
			const struct tulle_ib_qp *qp,
			const struct flow_spec_keys *keys, u16 priority)
{
	struct tulle_rule rule = {
		.id = cpu_to_le32(flow->id),
		.priority = cpu_to_le32(priority),
		.nactions = 1,
		.key = keys->key,
		.actions[0] = {
			.type = TULLE_ACTION_QP,
			.arg = cpu_to_le32(qp->handle),
		},
	};
	int err;

	err = tulle_mask_create(dev->tdev, dev->rx_root, &keys->mask,
				&flow->mask);
	if (err)
		return err;
	rule.mask = cpu_to_le32(flow->mask);
	err = tulle_rules_add(dev->tdev, dev->rx_root, &rule, 1, 0, NULL);
	if (err)
		tulle_mask_destroy(dev->tdev, flow->mask);
	return err;
}

static struct ib_flow *flow_make(struct tulle_ib_dev *dev,
				 const struct tulle_ib_qp *qp,
				 const struct flow_spec_keys *keys, u16 priority)
{
	struct flow *flow;
	int err;

	flow = kzalloc_obj(*flow);
	if (!flow)
		return ERR_PTR(-ENOMEM);
	err = ida_alloc_range(&dev->rule_ids, FLOW_ID_FIRST, FLOW_ID_LAST,
			      GFP_KERNEL);
	if (err < 0)
		goto err_free;
	flow->id = err;
	err = flow_install(dev, flow, qp, keys, priority);
	if (err)
		goto err_free_id;
	return &flow->ibflow;

err_free_id:
	ida_free(&dev->rule_ids, flow->id);
err_free:
	kfree(flow);
	return ERR_PTR(err);
}

static struct ib_flow *flow_create(struct ib_qp *ibqp,
				   struct ib_flow_attr *attr,
				   struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibqp->device);
	struct tulle_ib_qp *qp = to_tulle_ib_qp(ibqp);
	struct flow_spec_keys keys;
	int err;

	err = ib_no_udata_io(udata);
	if (err)
		return ERR_PTR(err);
	if (qp->type != TULLE_QP_RAW || !dev->rx_root)
		return ERR_PTR(-EOPNOTSUPP);
	/* A rule without a condition would take everything. */
	if (attr->type != IB_FLOW_ATTR_NORMAL || attr->flags ||
	    attr->port != TULLE_IB_PORT || !attr->num_of_specs) {
		ibdev_dbg(ibqp->device, "flow of type %d with flags %#x is not offered\n",
			  attr->type, attr->flags);
		return ERR_PTR(-EOPNOTSUPP);
	}
	err = flow_parse(attr, &keys);
	if (err) {
		ibdev_dbg(ibqp->device, "flow cannot be matched: %pe\n",
			  ERR_PTR(err));
		return ERR_PTR(err);
	}
	return flow_make(dev, qp, &keys, attr->priority);
}

static int flow_destroy(struct ib_flow *ibflow)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibflow->device);
	struct flow *flow = container_of(ibflow, struct flow, ibflow);
	int err;

	err = tulle_rules_del(dev->tdev, dev->rx_root, &flow->id, 1);
	if (err && !tulle_ib_is_dead(dev))
		return err;
	tulle_mask_destroy(dev->tdev, flow->mask);
	ida_free(&dev->rule_ids, flow->id);
	kfree(flow);
	return 0;
}

const struct ib_device_ops tulle_ib_flow_ops = {
	.create_flow	= flow_create,
	.destroy_flow	= flow_destroy,
};
