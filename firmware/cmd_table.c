// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The opcodes: lengths, capability, reserved ranges, handler.
 */
#include "dev.h"

#define RSVD(type, member) \
	{ offsetof(type, member), sizeof(((type *)0)->member) }
#define CAP(name)	(TULLE_CAP_##name + 1)

#define PAGES_RSVD(type, member) \
	{ offsetof(type, member) + offsetof(struct tulle_page_list, rsvd), \
	  sizeof(((struct tulle_page_list *)0)->rsvd) }

/* Requests that carry a context and are answered by a handle. */
#define IN_CREATE(type) \
	.in_min = sizeof(type), .out_min = sizeof(struct tulle_handle_rsp)
/* Requests that only name an object. */
#define IN_HANDLE \
	.in_min = sizeof(struct tulle_handle_req), \
	.rsvd = { RSVD(struct tulle_handle_req, rsvd) }
#define OUT(type)	.out_min = sizeof(type)
#define DESTROY(capability) \
	{ .fn = tfw_cmd_destroy, .cap = (capability), IN_HANDLE }

#define RSS_MAX		(sizeof(__le32) << TFW_LOG_MAX_RSS)

static const struct tfw_cmd_desc cmd_table[] = {
	[TULLE_CMD_NOP] = {
		.fn = tfw_cmd_nop,
	},
	[TULLE_CMD_QUERY_CAPS] = {
		.fn = tfw_cmd_query_caps,
		OUT(struct tulle_caps),
	},
	[TULLE_CMD_QUERY_DEVICE] = {
		.fn = tfw_cmd_query_device,
		OUT(struct tulle_device_info),
	},
	[TULLE_CMD_QUERY_FUNC] = {
		.fn = tfw_cmd_query_func,
		OUT(struct tulle_func_info),
	},
	[TULLE_CMD_TEST_HEALTH] = {
		.fn = tfw_cmd_test_health,
		.cap = CAP(TEST_HEALTH),
		.in_min = sizeof(struct tulle_test_health),
		.rsvd = { RSVD(struct tulle_test_health, rsvd) },
	},

	[TULLE_CMD_ALLOC_UAR] = {
		.fn = tfw_cmd_alloc_uar,
		OUT(struct tulle_handle_rsp),
	},
	[TULLE_CMD_FREE_UAR] = DESTROY(0),
	[TULLE_CMD_CREATE_PD] = {
		.fn = tfw_cmd_create_pd,
		IN_CREATE(struct tulle_pd_ctx),
		.rsvd = { RSVD(struct tulle_pd_ctx, rsvd) },
	},
	[TULLE_CMD_DESTROY_PD] = DESTROY(0),
	[TULLE_CMD_CREATE_MKEY] = {
		.fn = tfw_cmd_create_mkey,
		IN_CREATE(struct tulle_mkey_ctx),
		.rsvd = { RSVD(struct tulle_mkey_ctx, rsvd0) },
	},
	[TULLE_CMD_DESTROY_MKEY] = DESTROY(0),
	[TULLE_CMD_QUERY_MKEY] = {
		.fn = tfw_cmd_query_mkey,
		IN_HANDLE,
		OUT(struct tulle_mkey_ctx),
	},
	[TULLE_CMD_MODIFY_MKEY] = {
		.fn = tfw_cmd_modify_mkey,
		.cap = CAP(RDMA),
		.in_min = sizeof(struct tulle_modify_mkey),
		.rsvd = { RSVD(struct tulle_modify_mkey, rsvd),
			  RSVD(struct tulle_modify_mkey, ctx.rsvd0) },
	},

	[TULLE_CMD_CREATE_EQ] = {
		.fn = tfw_cmd_create_eq,
		IN_CREATE(struct tulle_eq_ctx),
		.rsvd = { RSVD(struct tulle_eq_ctx, rsvd0),
			  RSVD(struct tulle_eq_ctx, rsvd1),
			  PAGES_RSVD(struct tulle_eq_ctx, pages) },
	},
	[TULLE_CMD_DESTROY_EQ] = DESTROY(0),
	[TULLE_CMD_QUERY_EQ] = {
		.fn = tfw_cmd_query_eq,
		IN_HANDLE,
		OUT(struct tulle_eq_ctx),
	},

	[TULLE_CMD_CREATE_CQ] = {
		.fn = tfw_cmd_create_cq,
		IN_CREATE(struct tulle_cq_ctx),
		.rsvd = { RSVD(struct tulle_cq_ctx, rsvd0),
			  RSVD(struct tulle_cq_ctx, rsvd1),
			  PAGES_RSVD(struct tulle_cq_ctx, pages) },
	},
	[TULLE_CMD_DESTROY_CQ] = DESTROY(0),
	[TULLE_CMD_QUERY_CQ] = {
		.fn = tfw_cmd_query_cq,
		IN_HANDLE,
		OUT(struct tulle_cq_ctx),
	},
	[TULLE_CMD_MODIFY_CQ] = {
		.fn = tfw_cmd_modify_cq,
		.in_min = sizeof(struct tulle_modify_cq),
		.rsvd = { RSVD(struct tulle_modify_cq, rsvd) },
	},
	[TULLE_CMD_RESIZE_CQ] = {
		.fn = tfw_cmd_resize_cq,
		.in_min = sizeof(struct tulle_resize_cq),
		.rsvd = { RSVD(struct tulle_resize_cq, rsvd),
			  PAGES_RSVD(struct tulle_resize_cq, pages) },
	},

	[TULLE_CMD_CREATE_SQ] = {
		.fn = tfw_cmd_create_sq,
		.cap = CAP(ETH),
		IN_CREATE(struct tulle_sq_ctx),
		.rsvd = { RSVD(struct tulle_sq_ctx, rsvd0),
			  RSVD(struct tulle_sq_ctx, rsvd1),
			  PAGES_RSVD(struct tulle_sq_ctx, pages) },
	},
	[TULLE_CMD_DESTROY_SQ] = DESTROY(CAP(ETH)),
	[TULLE_CMD_QUERY_SQ] = {
		.fn = tfw_cmd_query_sq,
		.cap = CAP(ETH),
		IN_HANDLE,
		OUT(struct tulle_sq_ctx),
	},

	[TULLE_CMD_CREATE_RQ] = {
		.fn = tfw_cmd_create_rq,
		.cap = CAP(ETH),
		IN_CREATE(struct tulle_rq_ctx),
		.rsvd = { RSVD(struct tulle_rq_ctx, rsvd0),
			  RSVD(struct tulle_rq_ctx, rsvd1),
			  PAGES_RSVD(struct tulle_rq_ctx, pages) },
	},
	[TULLE_CMD_DESTROY_RQ] = DESTROY(CAP(ETH)),
	[TULLE_CMD_QUERY_RQ] = {
		.fn = tfw_cmd_query_rq,
		.cap = CAP(ETH),
		IN_HANDLE,
		OUT(struct tulle_rq_ctx),
	},
	[TULLE_CMD_MODIFY_RQ] = {
		.fn = tfw_cmd_modify_rq,
		.cap = CAP(ETH),
		.in_min = sizeof(struct tulle_modify_rq),
		.rsvd = { RSVD(struct tulle_modify_rq, rsvd),
			  RSVD(struct tulle_modify_rq, ctx.rsvd0),
			  RSVD(struct tulle_modify_rq, ctx.rsvd1),
			  RSVD(struct tulle_modify_rq, ctx.pages.rsvd) },
	},

	[TULLE_CMD_CREATE_RSS] = {
		.fn = tfw_cmd_create_rss,
		.cap = CAP(ETH),
		IN_CREATE(struct tulle_rss),
		.in_max = sizeof(struct tulle_rss) + RSS_MAX,
		.rsvd = { RSVD(struct tulle_rss, ctx.rsvd) },
	},
	[TULLE_CMD_DESTROY_RSS] = DESTROY(CAP(ETH)),
	[TULLE_CMD_QUERY_RSS] = {
		.fn = tfw_cmd_query_rss,
		.cap = CAP(ETH),
		IN_HANDLE,
		OUT(struct tulle_rss),
		.out_max = sizeof(struct tulle_rss) + RSS_MAX,
	},
	[TULLE_CMD_MODIFY_RSS] = {
		.fn = tfw_cmd_modify_rss,
		.cap = CAP(ETH),
		.in_min = sizeof(struct tulle_modify_rss),
		.in_max = sizeof(struct tulle_modify_rss) + RSS_MAX,
		.rsvd = { RSVD(struct tulle_modify_rss, rsvd),
			  RSVD(struct tulle_modify_rss, ctx.rsvd) },
	},

	[TULLE_CMD_CREATE_TABLE] = {
		.fn = tfw_cmd_create_table,
		.cap = CAP(ETH),
		IN_CREATE(struct tulle_table_ctx),
		.rsvd = { RSVD(struct tulle_table_ctx, miss.rsvd) },
	},
	[TULLE_CMD_DESTROY_TABLE] = DESTROY(CAP(ETH)),
	[TULLE_CMD_QUERY_TABLE] = {
		.fn = tfw_cmd_query_table,
		.cap = CAP(ETH),
		IN_HANDLE,
		OUT(struct tulle_table_ctx),
	},
	[TULLE_CMD_MODIFY_TABLE] = {
		.fn = tfw_cmd_modify_table,
		.cap = CAP(ETH),
		.in_min = sizeof(struct tulle_table_ctx),
		.rsvd = { RSVD(struct tulle_table_ctx, miss.rsvd) },
	},
	[TULLE_CMD_CREATE_MASK] = {
		.fn = tfw_cmd_create_mask,
		.cap = CAP(ETH),
		IN_CREATE(struct tulle_mask_ctx),
		.rsvd = { RSVD(struct tulle_mask_ctx, rsvd),
			  RSVD(struct tulle_mask_ctx, key.rsvd) },
	},
	[TULLE_CMD_DESTROY_MASK] = DESTROY(CAP(ETH)),
	[TULLE_CMD_QUERY_MASK] = {
		.fn = tfw_cmd_query_mask,
		.cap = CAP(ETH),
		IN_HANDLE,
		OUT(struct tulle_mask_ctx),
	},
	[TULLE_CMD_ADD_RULES] = {
		.fn = tfw_cmd_add_rules,
		.cap = CAP(ETH),
		.in_min = sizeof(struct tulle_add_rules) +
			  sizeof(struct tulle_rule),
		.in_max = sizeof(struct tulle_add_rules) +
			  TFW_MAX_RULES_BATCH * sizeof(struct tulle_rule),
		OUT(struct tulle_rules_rsp),
		.rsvd = { RSVD(struct tulle_add_rules, rsvd) },
	},
	[TULLE_CMD_DEL_RULES] = {
		.fn = tfw_cmd_del_rules,
		.cap = CAP(ETH),
		.in_min = sizeof(struct tulle_del_rules) + sizeof(__le32),
		.in_max = sizeof(struct tulle_del_rules) +
			  TFW_MAX_RULES_BATCH * sizeof(__le32),
		OUT(struct tulle_rules_rsp),
	},
	[TULLE_CMD_QUERY_RULE] = {
		.fn = tfw_cmd_query_rule,
		.cap = CAP(ETH),
		.in_min = sizeof(struct tulle_query_rule),
		OUT(struct tulle_rule),
	},
	[TULLE_CMD_CREATE_COUNTERS] = {
		.fn = tfw_cmd_create_counters,
		.cap = CAP(ETH),
		.in_min = sizeof(struct tulle_counters),
		OUT(struct tulle_counters),
	},
	[TULLE_CMD_DESTROY_COUNTERS] = {
		.fn = tfw_cmd_destroy_counters,
		.cap = CAP(ETH),
		.in_min = sizeof(struct tulle_counters),
	},
	[TULLE_CMD_QUERY_COUNTERS] = {
		.fn = tfw_cmd_query_counters,
		.cap = CAP(ETH),
		.in_min = sizeof(struct tulle_counters),
		OUT(struct tulle_count),
		.out_max = 256 * sizeof(struct tulle_count),
	},

	[TULLE_CMD_QUERY_PORT] = {
		.fn = tfw_cmd_query_port,
		OUT(struct tulle_port_info),
	},
	[TULLE_CMD_MODIFY_PORT] = {
		.fn = tfw_cmd_modify_port,
		.in_min = sizeof(struct tulle_modify_port),
		.rsvd = { RSVD(struct tulle_modify_port, rsvd) },
	},
	[TULLE_CMD_QUERY_PORT_STATS] = {
		.fn = tfw_cmd_query_port_stats,
		OUT(struct tulle_port_stats),
	},
	[TULLE_CMD_QUERY_VPORT] = {
		.fn = tfw_cmd_query_vport,
		.in_min = sizeof(struct tulle_query_vport),
		OUT(struct tulle_vport_info),
		.rsvd = { RSVD(struct tulle_query_vport, rsvd) },
	},
	[TULLE_CMD_MODIFY_VPORT] = {
		.fn = tfw_cmd_modify_vport,
		.in_min = sizeof(struct tulle_modify_vport),
		.rsvd = { RSVD(struct tulle_modify_vport, rsvd) },
	},
	[TULLE_CMD_QUERY_VPORT_STATS] = {
		.fn = tfw_cmd_query_vport_stats,
		.in_min = sizeof(struct tulle_query_vport),
		OUT(struct tulle_vport_stats),
		.rsvd = { RSVD(struct tulle_query_vport, rsvd) },
	},

	[TULLE_CMD_QUERY_RDMA_CAPS] = {
		.fn = tfw_cmd_query_rdma_caps,
		.cap = CAP(RDMA),
		OUT(struct tulle_rdma_caps),
	},
	[TULLE_CMD_QUERY_RDMA_STATS] = {
		.fn = tfw_cmd_query_rdma_stats,
		.cap = CAP(RDMA),
		OUT(struct tulle_rdma_stats),
	},
	[TULLE_CMD_SET_GID] = {
		.fn = tfw_cmd_set_gid,
		.cap = CAP(RDMA),
		.in_min = sizeof(struct tulle_gid),
		.rsvd = { RSVD(struct tulle_gid, rsvd) },
	},
	[TULLE_CMD_QUERY_GID] = {
		.fn = tfw_cmd_query_gid,
		.cap = CAP(RDMA),
		.in_min = sizeof(struct tulle_query_gid),
		OUT(struct tulle_gid),
		.rsvd = { RSVD(struct tulle_query_gid, rsvd) },
	},
	[TULLE_CMD_CREATE_QP] = {
		.fn = tfw_cmd_create_qp,
		.cap = CAP(RDMA),
		IN_CREATE(struct tulle_qp_ctx),
		.rsvd = { RSVD(struct tulle_qp_ctx, rsvd),
			  PAGES_RSVD(struct tulle_qp_ctx, sq),
			  PAGES_RSVD(struct tulle_qp_ctx, rq) },
	},
	[TULLE_CMD_DESTROY_QP] = DESTROY(CAP(RDMA)),
	[TULLE_CMD_QUERY_QP] = {
		.fn = tfw_cmd_query_qp,
		.cap = CAP(RDMA),
		IN_HANDLE,
		OUT(struct tulle_query_qp),
	},
	[TULLE_CMD_MODIFY_QP] = {
		.fn = tfw_cmd_modify_qp,
		.cap = CAP(RDMA),
		.in_min = sizeof(struct tulle_modify_qp),
		.rsvd = { RSVD(struct tulle_modify_qp, attr.rsvd0),
			  RSVD(struct tulle_modify_qp, attr.rsvd1),
			  RSVD(struct tulle_modify_qp, attr.rsvd2),
			  RSVD(struct tulle_modify_qp, attr.rsvd3) },
	},
	[TULLE_CMD_ATTACH_MCAST] = {
		.fn = tfw_cmd_attach_mcast,
		.cap = CAP(RDMA_MCAST),
		.in_min = sizeof(struct tulle_mcast),
		.rsvd = { RSVD(struct tulle_mcast, rsvd) },
	},
	[TULLE_CMD_DETACH_MCAST] = {
		.fn = tfw_cmd_detach_mcast,
		.cap = CAP(RDMA_MCAST),
		.in_min = sizeof(struct tulle_mcast),
		.rsvd = { RSVD(struct tulle_mcast, rsvd) },
	},
	[TULLE_CMD_CREATE_SRQ] = {
		.fn = tfw_cmd_create_srq,
		.cap = CAP(RDMA),
		IN_CREATE(struct tulle_srq_ctx),
		.rsvd = { RSVD(struct tulle_srq_ctx, rsvd),
			  PAGES_RSVD(struct tulle_srq_ctx, pages) },
	},
	[TULLE_CMD_DESTROY_SRQ] = DESTROY(CAP(RDMA)),
	[TULLE_CMD_QUERY_SRQ] = {
		.fn = tfw_cmd_query_srq,
		.cap = CAP(RDMA),
		IN_HANDLE,
		OUT(struct tulle_srq_ctx),
	},
	[TULLE_CMD_ARM_SRQ] = {
		.fn = tfw_cmd_arm_srq,
		.cap = CAP(RDMA),
		.in_min = sizeof(struct tulle_arm_srq),
		.rsvd = { RSVD(struct tulle_arm_srq, rsvd) },
	},
	[TULLE_CMD_CREATE_XRCD] = {
		.fn = tfw_cmd_create_xrcd,
		.cap = CAP(RDMA_XRC),
		OUT(struct tulle_handle_rsp),
	},
	[TULLE_CMD_DESTROY_XRCD] = DESTROY(CAP(RDMA_XRC)),
	[TULLE_CMD_CREATE_QP_COUNTER] = {
		.fn = tfw_cmd_create_qp_counter,
		.cap = CAP(RDMA_COUNTERS),
		OUT(struct tulle_handle_rsp),
	},
	[TULLE_CMD_DESTROY_QP_COUNTER] = DESTROY(CAP(RDMA_COUNTERS)),
	[TULLE_CMD_QUERY_QP_COUNTER] = {
		.fn = tfw_cmd_query_qp_counter,
		.cap = CAP(RDMA_COUNTERS),
		IN_HANDLE,
		OUT(struct tulle_rdma_stats),
	},
};

const struct tfw_cmd_desc *tfw_cmd_lookup(u16 op)
{
	if (op >= TFW_ARRAY_SIZE(cmd_table) || !cmd_table[op].fn)
		return NULL;
	return &cmd_table[op];
}

/* What a DESTROY opcode destroys. */
static const struct {
	u16	op;
	u8	type;
} destroy_types[] = {
	{ TULLE_CMD_FREE_UAR,		TULLE_OBJ_UAR },
	{ TULLE_CMD_DESTROY_PD,		TULLE_OBJ_PD },
	{ TULLE_CMD_DESTROY_MKEY,	TULLE_OBJ_MKEY },
	{ TULLE_CMD_DESTROY_EQ,		TULLE_OBJ_EQ },
	{ TULLE_CMD_DESTROY_CQ,		TULLE_OBJ_CQ },
	{ TULLE_CMD_DESTROY_SQ,		TULLE_OBJ_SQ },
	{ TULLE_CMD_DESTROY_RQ,		TULLE_OBJ_RQ },
	{ TULLE_CMD_DESTROY_RSS,	TULLE_OBJ_RSS },
	{ TULLE_CMD_DESTROY_TABLE,	TULLE_OBJ_TABLE },
	{ TULLE_CMD_DESTROY_MASK,	TULLE_OBJ_MASK },
	{ TULLE_CMD_DESTROY_QP,		TULLE_OBJ_QP },
	{ TULLE_CMD_DESTROY_SRQ,	TULLE_OBJ_SRQ },
	{ TULLE_CMD_DESTROY_XRCD,	TULLE_OBJ_XRCD },
	{ TULLE_CMD_DESTROY_QP_COUNTER,	TULLE_OBJ_QP_COUNTER },
};

enum tulle_status tfw_cmd_destroy(struct tfw_cmd *cmd)
{
	const struct tulle_handle_req *req = cmd->in;
	size_t i;

	for (i = 0; i < TFW_ARRAY_SIZE(destroy_types); i++)
		if (destroy_types[i].op == cmd->op)
			return tfw_obj_destroy(cmd->func,
					       destroy_types[i].type,
					       le32_to_cpu(req->handle));
	return TULLE_STATUS_BAD_OP;
}
