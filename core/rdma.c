// SPDX-License-Identifier: GPL-2.0
/* What the device says about its RDMA half: read at every start, checked. */

#include "core.h"

#define TULLE_RDMA_FRWR_MIN	16U

/*
 * A numeric capability of RDMA. Below @low it is of no use; above @high the
 * driver takes less.
 */
static bool tulle_rdma_take(struct tulle_core *core, const char *name,
			    u32 value, u32 low, u32 high, u32 *to)
{
	if (value < low) {
		pci_warn(core->dev.pdev, "no RDMA: capability %s is %u, at least %u is needed\n",
			 name, value, low);
		return false;
	}
	*to = min(value, high);
	return true;
}

static bool tulle_rdma_take_rings(struct tulle_core *core,
				  const struct tulle_rdma_caps *caps,
				  struct tulle_rdma_limits *to)
{
	return tulle_rdma_take(core, "log_max_qp_sq", caps->log_max_qp_sq, 6,
			       15, &to->log_max_qp_sq) &&
	       tulle_rdma_take(core, "log_max_qp_rq", caps->log_max_qp_rq, 6,
			       15, &to->log_max_qp_rq) &&
	       tulle_rdma_take(core, "log_max_rq_wqe", caps->log_max_rq_wqe, 5,
			       8, &to->log_max_rq_wqe) &&
	       tulle_rdma_take(core, "max_sq_sges", caps->max_sq_sges, 1, 60,
			       &to->max_sq_sges) &&
	       tulle_rdma_take(core, "max_rq_sges", caps->max_rq_sges, 1,
			       ((1U << to->log_max_rq_wqe) - 16) / 16,
			       &to->max_rq_sges) &&
	       tulle_rdma_take(core, "max_blocks", caps->max_blocks, 2,
			       TULLE_SQ_MAX_BLOCKS, &to->max_blocks) &&
	       tulle_rdma_take(core, "max_inline",
			       le16_to_cpu(caps->max_inline), 0, 960,
			       &to->max_inline);
}

static bool tulle_rdma_take_all(struct tulle_core *core,
				const struct tulle_rdma_caps *caps,
				struct tulle_rdma_limits *to)
{
	return tulle_rdma_take_rings(core, caps, to) &&
	       tulle_rdma_take(core, "max_mr_pages",
			       le32_to_cpu(caps->max_mr_pages), 1, U32_MAX,
			       &to->max_mr_pages) &&
	       tulle_rdma_take(core, "max_frwr_pages",
			       le32_to_cpu(caps->max_frwr_pages), 0, 4096,
			       &to->max_frwr_pages) &&
	       tulle_rdma_take(core, "max_rd_atomic", caps->max_rd_atomic, 1,
			       128, &to->max_rd_atomic) &&
	       tulle_rdma_take(core, "max_dest_rd_atomic",
			       caps->max_dest_rd_atomic, 1, 128,
			       &to->max_dest_rd_atomic) &&
	       tulle_rdma_take(core, "max_mtu", caps->max_mtu, 8, 12,
			       &to->max_mtu) &&
	       tulle_rdma_take(core, "max_gids", le16_to_cpu(caps->max_gids),
			       2, 256, &to->max_gids) &&
	       tulle_rdma_take(core, "max_mcast_qps",
			       le16_to_cpu(caps->max_mcast_qps), 0, U16_MAX,
			       &to->max_mcast_qps) &&
	       tulle_rdma_take(core, "max_mcast_groups",
			       le32_to_cpu(caps->max_mcast_groups), 0, INT_MAX,
			       &to->max_mcast_groups);
}

static void tulle_rdma_none(struct tulle_core *core)
{
	core->dev.caps[TULLE_CAP_RDMA / 64] &=
		~BIT_ULL(TULLE_CAP_RDMA % 64);
}

/* Consumers in the kernel divide by it, and less is of no use to them. */
static void tulle_rdma_check_frwr(struct tulle_core *core,
				  const struct tulle_rdma_limits *limits)
{
	if (!tulle_cap(&core->dev, RDMA_FRWR) ||
	    limits->max_frwr_pages >= TULLE_RDMA_FRWR_MIN)
		return;
	pci_warn(core->dev.pdev, "no fast registration: capability max_frwr_pages is %u, at least %u is needed\n",
		 limits->max_frwr_pages, TULLE_RDMA_FRWR_MIN);
	core->dev.caps[TULLE_CAP_RDMA_FRWR / 64] &=
		~BIT_ULL(TULLE_CAP_RDMA_FRWR % 64);
}

static void tulle_rdma_first(struct tulle_core *core,
			     const struct tulle_rdma_caps *caps)
{
	struct tulle_rdma_limits *to = &core->dev.rdma;
	unsigned int i;

	to->page_sizes = le64_to_cpu(caps->page_sizes) & TULLE_PAGE_SIZES;
	to->max_mr_size = le64_to_cpu(caps->max_mr_size);
	memcpy(to->node_guid, &caps->node_guid, sizeof(to->node_guid));
	for (i = 0; i < ARRAY_SIZE(to->ops); i++)
		to->ops[i] = le32_to_cpu(caps->ops[i]);
	if (!(to->page_sizes & PAGE_SIZE)) {
		pci_warn(core->dev.pdev, "no RDMA: memory keys have no pages of %lu bytes\n",
			 PAGE_SIZE);
		tulle_rdma_none(core);
	} else if (to->max_mr_size < PAGE_SIZE) {
		pci_warn(core->dev.pdev, "no RDMA: memory regions have at most %llu bytes\n",
			 to->max_mr_size);
		tulle_rdma_none(core);
	} else if (!tulle_rdma_take_all(core, caps, to)) {
		tulle_rdma_none(core);
	}
	tulle_rdma_check_frwr(core, to);
	core->rdma_caps = *caps;
	core->rdma_caps_known = true;
}

/* Without proper answers there is no RDMA, but the rest works. */
int tulle_rdma_load(struct tulle_core *core)
{
	struct tulle_rdma_caps caps;
	int err;

	if (!tulle_cap(&core->dev, RDMA))
		return 0;
	err = tulle_cmd_exec(&core->dev, TULLE_CMD_QUERY_RDMA_CAPS, NULL, 0,
			     &caps, sizeof(caps));
	/* Refused, not unheard: Ethernet needs no answer to this. */
	if (err && err != -EIO && err != -ETIMEDOUT && !core->rdma_caps_known) {
		pci_warn(core->dev.pdev, "no RDMA: its capabilities cannot be read: %pe\n",
			 ERR_PTR(err));
		tulle_rdma_none(core);
		return 0;
	}
	if (err)
		return err;
	if (!core->rdma_caps_known) {
		tulle_rdma_first(core, &caps);
		return 0;
	}
	if (!memcmp(&caps, &core->rdma_caps, sizeof(caps)))
		return 0;
	pci_err(core->dev.pdev, "device came back with other RDMA capabilities: unbind and bind the driver\n");
	return -ENODEV;
}
