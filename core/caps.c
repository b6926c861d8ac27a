// SPDX-License-Identifier: GPL-2.0
/*
 * Capabilities and identity: read at every start, checked, and compared with
 * what the device said first. Nothing of it is used unchecked.
 */

#include <linux/ctype.h>
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include "core.h"

/* What a driver cannot do without. */
static const struct {
	enum tulle_cap cap;
	const char *name;
} tulle_caps_needed[] = {
	{ TULLE_CAP_ETH, "Ethernet queues" },
};

/*
 * A numeric capability, of the same name and size in both structs. Below @low
 * the device is of no use; above @high the driver takes less.
 */
struct tulle_limit_desc {
	const char *name;
	u16 from;
	u16 to;
	u8 size;
	u32 low;
	u32 high;
};

#define TULLE_LIMIT(member, low, high) \
	{ #member, offsetof(struct tulle_caps, member), \
	  offsetof(struct tulle_limits, member), \
	  sizeof_field(struct tulle_caps, member), low, high }

static const struct tulle_limit_desc tulle_limit_table[] = {
	TULLE_LIMIT(max_msix, 2, 2048),
	TULLE_LIMIT(vport, 0, TULLE_VPORT_WIRE - 1),
	TULLE_LIMIT(port, 0, U8_MAX),
	TULLE_LIMIT(addr_bits, 32, 64),
	TULLE_LIMIT(log_max_eq_size, 7, 16),
	TULLE_LIMIT(log_max_cq_size, 6, 18),
	TULLE_LIMIT(log_max_sq_size, 6, 16),
	TULLE_LIMIT(log_max_rq_size, 6, 16),
	TULLE_LIMIT(log_max_rq_wqe, 5, 8),
	TULLE_LIMIT(log_max_rss, 0, 12),
	TULLE_LIMIT(max_tx_sges, 1, U8_MAX),
	TULLE_LIMIT(max_tx_blocks, 2, TULLE_SQ_MAX_BLOCKS),
	TULLE_LIMIT(max_tx_inline, 0, 1024),
	TULLE_LIMIT(max_tso_size, 0, 512 * 1024),
	TULLE_LIMIT(max_gro_size, 0, 512 * 1024),
	TULLE_LIMIT(min_mtu, ETH_MIN_MTU, ETH_DATA_LEN),
	TULLE_LIMIT(max_mtu, ETH_DATA_LEN, 16384),
	TULLE_LIMIT(max_rq_sges, 1, U8_MAX),
	TULLE_LIMIT(max_tx_queues, 1, 1024),
	TULLE_LIMIT(rss_fields, 0, U32_MAX),
	TULLE_LIMIT(rss_types, 0, U32_MAX),
	TULLE_LIMIT(log_min_stride, 0, 16),
	TULLE_LIMIT(log_max_stride, 0, 16),
	TULLE_LIMIT(log_max_strides, 0, 16),
	TULLE_LIMIT(max_actions, 1, TULLE_MAX_ACTIONS),
	TULLE_LIMIT(max_rules_batch, 1, 4096),
	TULLE_LIMIT(max_moderation_usecs, 0, U16_MAX),
	TULLE_LIMIT(max_moderation_frames, 0, U16_MAX),
	TULLE_LIMIT(max_tables_depth, 1, U8_MAX),
};

static u32 tulle_limit_get(const void *from, u8 size)
{
	switch (size) {
	case sizeof(u8):
		return *(const u8 *)from;
	case sizeof(__le16):
		return le16_to_cpup(from);
	default:
		return le32_to_cpup(from);
	}
}

static void tulle_limit_set(void *to, u8 size, u32 value)
{
	switch (size) {
	case sizeof(u8):
		*(u8 *)to = value;
		break;
	case sizeof(u16):
		*(u16 *)to = value;
		break;
	default:
		*(u32 *)to = value;
	}
}

static int tulle_limits_read(struct tulle_core *core,
			     const struct tulle_caps *caps,
			     struct tulle_limits *limits)
{
	const struct tulle_limit_desc *d = tulle_limit_table;
	unsigned int i;
	u32 value;

	for (; d < tulle_limit_table + ARRAY_SIZE(tulle_limit_table); d++) {
		value = tulle_limit_get((const u8 *)caps + d->from, d->size);
		if (value < d->low) {
			pci_err(core->dev.pdev,
				"capability %s is %u, at least %u is needed\n",
				d->name, value, d->low);
			return -ENODEV;
		}
		tulle_limit_set((u8 *)limits + d->to, d->size,
				min(value, d->high));
	}
	for (i = 0; i < ARRAY_SIZE(limits->actions); i++)
		limits->actions[i] = le32_to_cpu(caps->actions[i]);
	limits->max_frame = limits->max_mtu + ETH_HLEN + 2 * VLAN_HLEN;
	return 0;
}

static int tulle_caps_check(struct tulle_core *core)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tulle_caps_needed); i++) {
		if (tulle_cap_test(&core->dev, tulle_caps_needed[i].cap))
			continue;
		pci_err(core->dev.pdev, "device lacks a mandatory capability: %s\n",
			tulle_caps_needed[i].name);
		return -ENODEV;
	}
	return 0;
}

/* Text that the device wrote becomes text that may be shown. */
static void tulle_text_clean(char *text, size_t size)
{
	size_t i;

	text[size - 1] = '\0';
	for (i = 0; text[i]; i++) {
		if (!isascii(text[i]) || !isprint(text[i]))
			text[i] = '?';
	}
}

static int tulle_info_read(struct tulle_core *core)
{
	struct tulle_device_info *info = &core->dev.info;
	int err;

	err = tulle_cmd_exec(&core->dev, TULLE_CMD_QUERY_DEVICE, NULL, 0, info,
			     sizeof(*info));
	if (err)
		return err;
	tulle_text_clean(info->board_id, sizeof(info->board_id));
	tulle_text_clean(info->serial, sizeof(info->serial));
	tulle_text_clean(info->fw_version, sizeof(info->fw_version));
	tulle_text_clean(info->fw_build, sizeof(info->fw_build));
	return 0;
}

static int tulle_mac_read(struct tulle_core *core)
{
	struct tulle_dev *dev = &core->dev;
	struct tulle_vport_info info;
	int err;

	err = tulle_vport_query(dev, dev->limits.vport, &info);
	if (err)
		return err;
	ether_addr_copy(dev->perm_mac, info.perm_mac);
	if (!is_valid_ether_addr(dev->perm_mac))
		eth_zero_addr(dev->perm_mac);
	return 0;
}

/* The first time: everything that stays the same from now on. */
static int tulle_caps_take(struct tulle_core *core,
			   const struct tulle_caps *caps)
{
	struct tulle_dev *dev = &core->dev;
	unsigned int i;
	int err;

	for (i = 0; i < TULLE_CAP_WORDS; i++)
		dev->caps[i] = le64_to_cpu(caps->caps[i]);
	err = tulle_caps_check(core);
	if (err)
		return err;
	err = tulle_limits_read(core, caps, &dev->limits);
	if (err)
		return err;
	err = dma_set_mask_and_coherent(dev->device,
					DMA_BIT_MASK(dev->limits.addr_bits));
	if (err) {
		pci_err(dev->pdev, "no DMA with %u address bits: %pe\n",
			dev->limits.addr_bits, ERR_PTR(err));
		return -ENODEV;
	}
	err = tulle_mac_read(core);
	if (err)
		return err;
	core->caps = *caps;
	core->caps_known = true;
	return 0;
}

int tulle_caps_load(struct tulle_core *core)
{
	struct tulle_caps caps;
	int err;

	core->dev.func = FIELD_GET(TULLE_FUNC_ID,
				   tulle_rd32(core, TULLE_REG_FUNC));
	err = tulle_cmd_exec(&core->dev, TULLE_CMD_QUERY_CAPS, NULL, 0, &caps,
			     sizeof(caps));
	if (err)
		return err;
	if (!core->caps_known) {
		err = tulle_caps_take(core, &caps);
	} else if (memcmp(&caps, &core->caps, sizeof(caps))) {
		pci_err(core->dev.pdev, "device came back with other capabilities: unbind and bind the driver\n");
		err = -ENODEV;
	}
	if (!err)
		err = tulle_rdma_load(core);
	return err ?: tulle_info_read(core);
}
