// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * What the device can do, and what it tells about itself.
 */
#include <stdio.h>
#include <string.h>

#include "flow.h"
#include "rdma.h"

/* What the binary was made of: whoever builds it may say so. */
#if __has_include("build.h")
#include "build.h"
#else
#define TFW_BUILD	"unversioned build"
#endif

/* Only what works from one end to the other stands here. */
static const u8 caps_built[] = {
	TULLE_CAP_ETH,
	TULLE_CAP_TX_CSUM,
	TULLE_CAP_TX_TSO4,
	TULLE_CAP_TX_TSO6,
	TULLE_CAP_TX_USO,
	TULLE_CAP_TX_VLAN,
	TULLE_CAP_TX_VLAN2,
	TULLE_CAP_TX_INLINE,
	TULLE_CAP_RX_CSUM,
	TULLE_CAP_RX_CSUM_COMPLETE,
	TULLE_CAP_RX_HASH,
	TULLE_CAP_RX_VLAN,
	TULLE_CAP_RX_VLAN2,
	TULLE_CAP_RX_GRO,
	TULLE_CAP_RX_SPLIT,
	TULLE_CAP_RX_MULTI,
	TULLE_CAP_RX_FCS,
	TULLE_CAP_RX_CHAIN,
	TULLE_CAP_CQ_MODERATION,
	TULLE_CAP_TIMESTAMP,
	TULLE_CAP_RSS_SYM_XOR,
	TULLE_CAP_RSS_SYM_OR_XOR,
	TULLE_CAP_LOOPBACK,
	TULLE_CAP_RESTORE,
	TULLE_CAP_TEST_HEALTH,
	TULLE_CAP_RDMA,
	TULLE_CAP_RDMA_UC,
	TULLE_CAP_RDMA_XRC,
	TULLE_CAP_RDMA_RAW,
	TULLE_CAP_RDMA_FRWR,
	TULLE_CAP_RDMA_MW,
	TULLE_CAP_RDMA_ATOMIC,
	TULLE_CAP_RDMA_ATOMIC_WRITE,
	TULLE_CAP_RDMA_FLUSH,
	TULLE_CAP_RDMA_MCAST,
	TULLE_CAP_RDMA_COUNTERS,
};

static bool cap_is_rdma(unsigned int cap)
{
	return cap == TULLE_CAP_RDMA ||
	       (cap >= TULLE_CAP_RDMA_UC && cap <= TULLE_CAP_RDMA_COUNTERS);
}

bool tfw_has_cap(const struct tfw_func *f, unsigned int cap)
{
	size_t i;

	if (cap_is_rdma(cap) && !f->dev->cfg.rdma)
		return false;
	for (i = 0; i < TFW_ARRAY_SIZE(caps_built); i++)
		if (caps_built[i] == cap)
			return true;
	return false;
}

static void caps_fill_bits(const struct tfw_func *f, struct tulle_caps *caps)
{
	u64 words[TULLE_CAP_WORDS] = { 0 };
	unsigned int cap;

	for (cap = 0; cap < 64 * TULLE_CAP_WORDS; cap++)
		if (tfw_has_cap(f, cap))
			words[cap / 64] |= 1ULL << (cap % 64);
	for (cap = 0; cap < TULLE_CAP_WORDS; cap++)
		caps->caps[cap] = cpu_to_le64(words[cap]);
}

static void caps_fill_steering(const struct tfw_func *f,
			       struct tulle_caps *caps)
{
	unsigned int domain;

	for (domain = 0; domain < 3; domain++)
		caps->actions[domain] = cpu_to_le32(tfw_flow_actions(f,
								     domain));
	caps->max_actions = TULLE_MAX_ACTIONS;
	caps->max_rules_batch = cpu_to_le32(TFW_MAX_RULES_BATCH);
	caps->max_tables_depth = TFW_MAX_TABLE_DEPTH;
}

static void caps_fill_rx(struct tulle_caps *caps)
{
	caps->log_max_rq_size = TFW_LOG_MAX_RQ;
	caps->log_max_rq_wqe = TFW_LOG_MAX_RQ_WQE;
	caps->max_rq_sges = cpu_to_le16(TFW_MAX_RQ_SGES);
	caps->log_max_rss = TFW_LOG_MAX_RSS;
	caps->max_gro_size = cpu_to_le32(TFW_MAX_GRO);
	caps->rss_fields = cpu_to_le32(TULLE_RSS_F_L3_SRC |
				       TULLE_RSS_F_L3_DST |
				       TULLE_RSS_F_L4_SRC |
				       TULLE_RSS_F_L4_DST |
				       TULLE_RSS_F_IP6_FL);
	caps->rss_types = cpu_to_le32(TULLE_BIT(TULLE_RSS_TCP4) |
				      TULLE_BIT(TULLE_RSS_UDP4) |
				      TULLE_BIT(TULLE_RSS_IP4) |
				      TULLE_BIT(TULLE_RSS_TCP6) |
				      TULLE_BIT(TULLE_RSS_UDP6) |
				      TULLE_BIT(TULLE_RSS_IP6));
	caps->log_min_stride = TFW_LOG_MIN_STRIDE;
	caps->log_max_stride = TFW_LOG_MAX_STRIDE;
	caps->log_max_strides = TFW_LOG_MAX_STRIDES;
}

void tfw_caps_fill(const struct tfw_func *f, struct tulle_caps *caps)
{
	caps_fill_bits(f, caps);
	caps->max_msix = cpu_to_le16(f->nvectors);
	caps->vport = cpu_to_le16(f->vport->id);
	caps->addr_bits = 64;
	caps->log_max_eq_size = TFW_LOG_MAX_EQ;
	caps->log_max_cq_size = TFW_LOG_MAX_CQ;
	caps->log_max_sq_size = TFW_LOG_MAX_SQ;
	caps->max_tx_sges = TFW_MAX_TX_SGES;
	caps->max_tx_blocks = TULLE_SQ_MAX_BLOCKS;
	caps->max_tx_inline = cpu_to_le16(TFW_MAX_TX_INLINE);
	caps->max_tso_size = cpu_to_le32(TFW_MAX_TSO);
	caps->min_mtu = cpu_to_le16(TFW_MIN_MTU);
	caps->max_mtu = cpu_to_le16(TFW_MAX_MTU);
	caps->max_tx_queues = cpu_to_le16(f->dev->cfg.queue_pairs);
	caps->max_moderation_usecs = cpu_to_le32(TFW_MAX_MODERATION);
	caps->max_moderation_frames = cpu_to_le32(TFW_MAX_MODERATION);
	caps_fill_rx(caps);
	caps_fill_steering(f, caps);
}

enum tulle_status tfw_cmd_query_caps(struct tfw_cmd *cmd)
{
	tfw_caps_fill(cmd->func, cmd->out);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_device(struct tfw_cmd *cmd)
{
	const struct tfw_fw_config *cfg = &cmd->func->dev->cfg;
	struct tulle_device_info *info = cmd->out;

	snprintf(info->board_id, sizeof(info->board_id), "TULLE-1P");
	snprintf(info->serial, sizeof(info->serial), "%s", cfg->serial);
	snprintf(info->fw_version, sizeof(info->fw_version), "%d.%d.%d",
		 TFW_VERSION_MAJOR, TFW_VERSION_MINOR, TFW_VERSION_PATCH);
	snprintf(info->fw_build, sizeof(info->fw_build), "%s", TFW_BUILD);
	memcpy(info->perm_mac, cfg->mac, sizeof(info->perm_mac));
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_func(struct tfw_cmd *cmd)
{
	struct tulle_func_info *info = cmd->out;
	struct tfw_func *f = cmd->func;
	const struct tfw_obj_table *t;
	int i;

	info->func = cpu_to_le16(f->id);
	for (i = 0; i < TULLE_OBJ_TYPES; i++) {
		t = &f->obj[i];
		info->obj[i].quota = cpu_to_le32(t->quota - t->base);
		info->obj[i].used = cpu_to_le32(t->used - t->base);
	}
	info->events = cpu_to_le64(f->events);
	info->commands = cpu_to_le64(f->cmdq.done);
	return TULLE_STATUS_OK;
}

static const char *const obj_names[TULLE_OBJ_TYPES] = {
	[TULLE_OBJ_UAR]		= "uar",
	[TULLE_OBJ_PD]		= "pd",
	[TULLE_OBJ_MKEY]	= "mkey",
	[TULLE_OBJ_EQ]		= "eq",
	[TULLE_OBJ_CQ]		= "cq",
	[TULLE_OBJ_SQ]		= "sq",
	[TULLE_OBJ_RQ]		= "rq",
	[TULLE_OBJ_RSS]		= "rss",
	[TULLE_OBJ_TABLE]	= "table",
	[TULLE_OBJ_MASK]	= "mask",
	[TULLE_OBJ_RULE]	= "rule",
	[TULLE_OBJ_COUNTER]	= "counter",
	[TULLE_OBJ_QP]		= "qp",
	[TULLE_OBJ_SRQ]		= "srq",
	[TULLE_OBJ_XRCD]	= "xrcd",
	[TULLE_OBJ_QP_COUNTER]	= "qp_counter",
	[TULLE_OBJ_MCAST]	= "mcast",
};

void tfw_dev_objects(struct tfw_dev *dev, char *buf, size_t len)
{
	size_t pos = 0;
	u32 used, fn;
	int i;

	if (len)
		buf[0] = 0;
	for (i = 0; i < TULLE_OBJ_TYPES; i++) {
		if (!obj_names[i])
			continue;
		for (used = 0, fn = 0; fn < dev->nfuncs; fn++)
			used += dev->funcs[fn].obj[i].used -
				dev->funcs[fn].obj[i].base;
		if (pos < len)
			pos += (size_t)snprintf(buf + pos, len - pos,
						"%s%s=%u", pos ? " " : "",
						obj_names[i], used);
	}
}

const char *tfw_dev_state(struct tfw_dev *dev, uint16_t func)
{
	static const char *const names[] = {
		[TULLE_STATE_BOOTING]	= "booting",
		[TULLE_STATE_READY]	= "ready",
		[TULLE_STATE_DEAD]	= "dead",
	};
	struct tfw_func *f = tfw_func_find(dev, func);

	return f ? names[f->state] : "absent";
}
