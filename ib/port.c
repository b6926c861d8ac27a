// SPDX-License-Identifier: GPL-2.0
/* The device and its port as verbs describe them; the port's net_device. */

#include <linux/bitfield.h>
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <rdma/ib_addr.h>
#include <rdma/ib_mad.h>

#include "ib.h"

#define PORT_ACK_DELAY		15	/* 4.096 us << n */
#define PORT_MAX_MESSAGE	0x80000000U
#define PORT_CLOCK_KHZ		1000000

static u32 port_quota(const struct tulle_ib_dev *dev, enum tulle_obj_type type)
{
	return min_t(u32, dev->quota[type], INT_MAX);
}

static u64 port_fw_version(const struct tulle_dev *tdev)
{
	u32 reg = tulle_reg_read(tdev, TULLE_REG_FW_VERSION);

	return (u64)FIELD_GET(TULLE_FW_VERSION_MAJOR, reg) << 32 |
	       FIELD_GET(TULLE_FW_VERSION_MINOR, reg) << 16 |
	       FIELD_GET(TULLE_FW_VERSION_PATCH, reg);
}

static u64 port_cap_flags(const struct tulle_ib_dev *dev)
{
	const struct tulle_dev *tdev = dev->tdev;
	u64 flags = IB_DEVICE_CURR_QP_STATE_MOD | IB_DEVICE_PORT_ACTIVE_EVENT |
		    IB_DEVICE_SYS_IMAGE_GUID | IB_DEVICE_RC_RNR_NAK_GEN;

	if (tulle_cap(tdev, RDMA_FRWR))
		flags |= IB_DEVICE_MEM_MGT_EXTENSIONS;
	if (tulle_cap(tdev, RDMA_MW))
		flags |= IB_DEVICE_MEM_WINDOW | IB_DEVICE_MEM_WINDOW_TYPE_2B;
	if (tulle_cap(tdev, RDMA_XRC))
		flags |= IB_DEVICE_XRC;
	if (tulle_cap(tdev, RDMA_FLUSH))
		flags |= IB_DEVICE_FLUSH_GLOBAL;
	if (tulle_cap(tdev, RDMA_ATOMIC_WRITE))
		flags |= IB_DEVICE_ATOMIC_WRITE;
	if (tulle_cap(tdev, RDMA_RAW) && dev->rx_root)
		flags |= IB_DEVICE_MANAGED_FLOW_STEERING;
	return flags;
}

/* Work requests of any shape: those with the largest WQE fill a ring first. */
static u32 port_max_wr(const struct tulle_rdma_limits *rdma)
{
	u32 data = max_t(u32, rdma->max_inline,
			 rdma->max_sq_sges * sizeof(struct tulle_sge));
	u32 blocks = DIV_ROUND_UP(sizeof(struct tulle_qp_wqe) +
				  sizeof(struct tulle_ud_seg) + data,
				  TULLE_SQ_BLOCK);

	return min((1U << rdma->log_max_qp_sq) / blocks - 1,
		   1U << rdma->log_max_qp_rq);
}

static void port_fill_queues(const struct tulle_ib_dev *dev,
			     struct ib_device_attr *attr)
{
	const struct tulle_rdma_limits *rdma = &dev->tdev->rdma;

	attr->max_qp = port_quota(dev, TULLE_OBJ_QP);
	attr->max_qp_wr = port_max_wr(rdma);
	attr->max_send_sge = rdma->max_sq_sges;
	attr->max_recv_sge = rdma->max_rq_sges;
	attr->max_sge_rd = rdma->max_sq_sges;
	attr->max_cq = port_quota(dev, TULLE_OBJ_CQ);
	attr->max_cqe = 1U << dev->tdev->limits.log_max_cq_size;
	attr->max_srq = port_quota(dev, TULLE_OBJ_SRQ);
	attr->max_srq_wr = 1U << rdma->log_max_qp_rq;
	attr->max_srq_sge = rdma->max_rq_sges;
	attr->max_qp_rd_atom = rdma->max_dest_rd_atomic;
	attr->max_qp_init_rd_atom = rdma->max_rd_atomic;
	attr->max_res_rd_atom = min_t(u64, (u64)attr->max_qp *
				      rdma->max_dest_rd_atomic, INT_MAX);
	if (tulle_cap(dev->tdev, RDMA_RAW))
		attr->max_raw_ethy_qp = attr->max_qp;
	attr->cq_caps.max_cq_moderation_count =
		min_t(u32, dev->tdev->limits.max_moderation_frames, U16_MAX);
	attr->cq_caps.max_cq_moderation_period =
		min_t(u32, dev->tdev->limits.max_moderation_usecs, U16_MAX);
}

static void port_fill_memory(const struct tulle_ib_dev *dev,
			     struct ib_device_attr *attr)
{
	const struct tulle_rdma_limits *rdma = &dev->tdev->rdma;

	attr->max_mr_size = rdma->max_mr_size;
	attr->page_size_cap = rdma->page_sizes;
	attr->max_mr = port_quota(dev, TULLE_OBJ_MKEY);
	attr->max_pd = port_quota(dev, TULLE_OBJ_PD);
	attr->max_ah = INT_MAX;
	if (tulle_cap(dev->tdev, RDMA_MW))
		attr->max_mw = attr->max_mr;
	if (tulle_cap(dev->tdev, RDMA_FRWR))
		attr->max_fast_reg_page_list_len = rdma->max_frwr_pages;
	attr->atomic_cap = tulle_cap(dev->tdev, RDMA_ATOMIC) ?
			   IB_ATOMIC_GLOB : IB_ATOMIC_NONE;
	if (!tulle_cap(dev->tdev, RDMA_MCAST))
		return;
	attr->max_mcast_grp = rdma->max_mcast_groups;
	attr->max_mcast_qp_attach = rdma->max_mcast_qps;
	attr->max_total_mcast_qp_attach =
		min_t(u64, (u64)rdma->max_mcast_groups * rdma->max_mcast_qps,
		      INT_MAX);
}

static int port_query_device(struct ib_device *ibdev,
			     struct ib_device_attr *attr,
			     struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibdev);
	struct pci_dev *pdev = dev->tdev->pdev;
	int err;

	err = ib_no_udata_io(udata);
	if (err)
		return err;
	memset(attr, 0, sizeof(*attr));
	attr->fw_ver = port_fw_version(dev->tdev);
	attr->sys_image_guid = ibdev->node_guid;
	attr->vendor_id = pdev->vendor;
	attr->vendor_part_id = pdev->device;
	attr->hw_ver = pdev->revision;
	attr->device_cap_flags = port_cap_flags(dev);
	attr->kernel_cap_flags = IBK_LOCAL_DMA_LKEY |
				 IBK_BLOCK_MULTICAST_LOOPBACK;
	if (pdev->is_virtfn)
		attr->kernel_cap_flags |= IBK_VIRTUAL_FUNCTION;
	attr->local_ca_ack_delay = PORT_ACK_DELAY;
	attr->max_pkeys = TULLE_IB_PKEYS;
	if (tulle_cap(dev->tdev, TIMESTAMP)) {
		attr->timestamp_mask = U64_MAX;
		attr->hca_core_clock = PORT_CLOCK_KHZ;
	}
	port_fill_queues(dev, attr);
	port_fill_memory(dev, attr);
	return 0;
}

static void port_fill_link(struct ib_device *ibdev, struct ib_port_attr *attr,
			   struct net_device *ndev)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibdev);
	enum ib_mtu max = dev->tdev->rdma.max_mtu - 7;

	attr->max_mtu = min(max, iboe_get_mtu(ndev->max_mtu));
	/* What is below the smallest has no number. */
	attr->active_mtu = clamp(iboe_get_mtu(ndev->mtu), IB_MTU_256,
				 attr->max_mtu);
	if (!netif_running(ndev)) {
		attr->phys_state = IB_PORT_PHYS_STATE_DISABLED;
	} else if (!netif_carrier_ok(ndev)) {
		attr->phys_state = IB_PORT_PHYS_STATE_POLLING;
	} else {
		attr->state = IB_PORT_ACTIVE;
		attr->phys_state = IB_PORT_PHYS_STATE_LINK_UP;
	}
}

static int port_query(struct ib_device *ibdev, u32 port,
		      struct ib_port_attr *attr)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibdev);
	struct net_device *ndev;

	attr->state = IB_PORT_DOWN;
	attr->phys_state = IB_PORT_PHYS_STATE_DISABLED;
	attr->max_mtu = dev->tdev->rdma.max_mtu - 7;
	attr->active_mtu = min(attr->max_mtu, IB_MTU_1024);
	attr->gid_tbl_len = dev->tdev->rdma.max_gids;
	attr->pkey_tbl_len = TULLE_IB_PKEYS;
	attr->ip_gids = true;
	attr->port_cap_flags = IB_PORT_CM_SUP;
	attr->max_msg_sz = PORT_MAX_MESSAGE;
	attr->max_vl_num = 1;
	attr->active_width = IB_WIDTH_1X;
	attr->active_speed = IB_SPEED_SDR;
	ndev = ib_device_get_netdev(ibdev, port);
	if (!ndev)
		return 0;
	port_fill_link(ibdev, attr, ndev);
	dev_put(ndev);
	/* A link that is down has no speed, and asking would be logged. */
	if (attr->state == IB_PORT_ACTIVE)
		ib_get_eth_speed(ibdev, port, &attr->active_speed,
				 &attr->active_width);
	return 0;
}

/* In units of 100 Mb/s; 0: there is no link. Not every kernel asks. */
static int __maybe_unused port_query_speed(struct ib_device *ibdev, u32 port,
					   u64 *speed)
{
	struct ethtool_link_ksettings set = {};
	struct net_device *ndev;

	*speed = 0;
	ndev = ib_device_get_netdev(ibdev, port);
	if (!ndev)
		return 0;
	rtnl_lock();
	if (ndev->reg_state == NETREG_REGISTERED && netif_running(ndev) &&
	    netif_carrier_ok(ndev) &&
	    !__ethtool_get_link_ksettings(ndev, &set) &&
	    set.base.speed != (u32)SPEED_UNKNOWN)
		*speed = set.base.speed / 100;
	rtnl_unlock();
	dev_put(ndev);
	return 0;
}

static enum rdma_link_layer port_link_layer(struct ib_device *ibdev, u32 port)
{
	return IB_LINK_LAYER_ETHERNET;
}

static int port_query_pkey(struct ib_device *ibdev, u32 port, u16 index,
			   u16 *pkey)
{
	if (index >= TULLE_IB_PKEYS)
		return -EINVAL;
	*pkey = TULLE_PKEY_DEFAULT;
	return 0;
}

static int port_immutable(struct ib_device *ibdev, u32 port,
			  struct ib_port_immutable *immutable)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibdev);

	immutable->core_cap_flags = RDMA_CORE_PORT_IBA_ROCE_UDP_ENCAP;
	if (tulle_cap(dev->tdev, RDMA_RAW))
		immutable->core_cap_flags |= RDMA_CORE_PORT_RAW_PACKET;
	immutable->pkey_tbl_len = TULLE_IB_PKEYS;
	immutable->gid_tbl_len = dev->tdev->rdma.max_gids;
	immutable->max_mad_size = IB_MGMT_MAD_SIZE;
	return 0;
}

static void port_fw_str(struct ib_device *ibdev, char *str)
{
	strscpy(str, to_tulle_ib_dev(ibdev)->tdev->info.fw_version,
		IB_FW_VERSION_NAME_MAX);
}

static int port_modify_device(struct ib_device *ibdev, int mask,
			      struct ib_device_modify *attr)
{
	if (mask & ~IB_DEVICE_MODIFY_NODE_DESC)
		return -EOPNOTSUPP;
	if (mask & IB_DEVICE_MODIFY_NODE_DESC)
		memcpy(ibdev->node_desc, attr->node_desc,
		       sizeof(ibdev->node_desc));
	return 0;
}

const struct ib_device_ops tulle_ib_port_ops = {
	.get_dev_fw_str		= port_fw_str,
	.get_link_layer		= port_link_layer,
	.get_port_immutable	= port_immutable,
	.modify_device		= port_modify_device,
	.query_device		= port_query_device,
	.query_pkey		= port_query_pkey,
	.query_port		= port_query,
	TULLE_QUERY_PORT_SPEED(port_query_speed)
};

/* The one net_device of this function's physical port. */
static bool port_is_of(const struct tulle_dev *tdev,
		       const struct net_device *ndev)
{
	return ndev->dev.parent == tdev->device &&
	       ndev->devlink_port == tdev->devlink_port &&
	       ndev->dev_port == tdev->limits.port;
}

static void port_set_netdev(struct tulle_ib_adev *adev,
			    struct net_device *ndev)
{
	adev->netdev = ndev;
	if (adev->dev)
		ib_device_set_netdev(&adev->dev->ibdev, ndev, TULLE_IB_PORT);
}

/*
 * Where ib_core does not look at net_devices itself: at ports of bonds never, but
 * it remembers what it was told.
 */
static void port_dispatch(struct tulle_ib_adev *adev, struct net_device *ndev)
{
	bool up = netif_running(ndev) && netif_carrier_ok(ndev);
	bool is_new = up != adev->port_up;

	adev->port_up = up;
	if (!adev->dev || !adev->registered)
		return;
	if (TULLE_CORE_REPORTS_PORTS ? netif_is_lag_port(ndev) : is_new)
		ib_dispatch_port_state_event(&adev->dev->ibdev, ndev);
}

int tulle_ib_netdev_event(struct notifier_block *nb, unsigned long event,
			  void *ptr)
{
	struct net_device *ndev = netdev_notifier_info_to_dev(ptr);
	struct tulle_ib_adev *adev = container_of(nb, struct tulle_ib_adev,
						  netdev_nb);

	if (!port_is_of(adev->tdev, ndev))
		return NOTIFY_DONE;
	mutex_lock(&adev->lock);
	switch (event) {
	case NETDEV_REGISTER:
		port_set_netdev(adev, ndev);
		break;
	case NETDEV_UNREGISTER:
		port_set_netdev(adev, NULL);
		break;
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
		port_dispatch(adev, ndev);
		break;
	}
	mutex_unlock(&adev->lock);
	return NOTIFY_DONE;
}
