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
		.rsvd = { RSVD(struct tulle_mkey_ctx, rsvd0),
			  RSVD(struct tulle_mkey_ctx, rsvd1) },
	},
	[TULLE_CMD_DESTROY_MKEY] = DESTROY(0),
	[TULLE_CMD_QUERY_MKEY] = {
		.fn = tfw_cmd_query_mkey,
		IN_HANDLE,
		OUT(struct tulle_mkey_ctx),
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
