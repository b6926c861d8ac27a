/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Commands: how a handler sees one, and the handlers.
 */
#ifndef TFW_CMD_H
#define TFW_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "tulle_bits.h"
#include "tulle_hw.h"

struct tfw_func;

/**
 * struct tfw_cmd - a command being executed
 * @func: on whose behalf
 * @in: private copy of the request; @in_len is within the table's limits and
 *	the reserved ranges the table names are zero
 * @out: zeroed, @out_room bytes: at least the table's minimum, at most its
 *	maximum (so a fixed-size response always fits)
 * @out_used: preset to the table's minimum; handlers of variable responses
 *	set it. Nothing is returned when the status is not OK, unless
 *	@out_always is set
 * @syndrome: detail for the driver's log
 */
struct tfw_cmd {
	struct tfw_func	*func;
	const void	*in;
	void		*out;
	u32		in_len;
	u32		out_room;
	u32		out_used;
	u32		syndrome;
	u16		op;
	bool		out_always;
};

typedef enum tulle_status (*tfw_cmd_fn)(struct tfw_cmd *cmd);

/* A member of the request is wrong: the syndrome is its offset. */
static inline enum tulle_status tfw_cmd_bad(struct tfw_cmd *cmd, size_t offset)
{
	cmd->syndrome = (u32)offset;
	return TULLE_STATUS_BAD_PARAM;
}

#define TFW_CMD_BAD(cmd, type, member) \
	tfw_cmd_bad(cmd, offsetof(type, member))

/* A range of the request that must be zero. */
struct tfw_rsvd {
	u16	off;
	u16	len;
};

/**
 * struct tfw_cmd_desc - one opcode
 * @fn: handler; NULL: the opcode does not exist
 * @in_min: shortest and, when @in_max is 0, only length of the request
 * @in_max: longest request, when it varies
 * @out_min: length of the response, or its shortest
 * @out_max: longest response, when it varies
 * @cap: capability the opcode needs, plus 1; 0: always there
 * @rsvd: up to TFW_CMD_RSVD ranges, closed by one of length 0
 */
#define TFW_CMD_RSVD	5

struct tfw_cmd_desc {
	tfw_cmd_fn	fn;
	u32		in_min;
	u32		in_max;
	u32		out_min;
	u32		out_max;
	u8		cap;
	struct tfw_rsvd	rsvd[TFW_CMD_RSVD];
};

/* NULL: no such opcode. */
const struct tfw_cmd_desc *tfw_cmd_lookup(u16 op);

/* Device, keys, event and completion queues, ports */
enum tulle_status tfw_cmd_nop(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_caps(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_device(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_func(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_test_health(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_alloc_uar(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_pd(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_mkey(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_mkey(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_eq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_eq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_cq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_cq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_modify_cq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_port(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_modify_port(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_port_stats(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_vport(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_modify_vport(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_vport_stats(struct tfw_cmd *cmd);

/* DESTROY of any type: the opcode says which; in cmd_table.c. */
enum tulle_status tfw_cmd_destroy(struct tfw_cmd *cmd);

/* Data path and steering */
enum tulle_status tfw_cmd_create_sq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_sq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_rq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_rq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_modify_rq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_rss(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_rss(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_modify_rss(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_table(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_table(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_modify_table(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_mask(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_mask(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_add_rules(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_del_rules(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_rule(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_counters(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_destroy_counters(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_counters(struct tfw_cmd *cmd);

/* RDMA */
enum tulle_status tfw_cmd_modify_mkey(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_resize_cq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_rdma_caps(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_rdma_stats(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_set_gid(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_gid(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_qp(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_qp(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_modify_qp(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_attach_mcast(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_detach_mcast(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_srq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_srq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_arm_srq(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_xrcd(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_create_qp_counter(struct tfw_cmd *cmd);
enum tulle_status tfw_cmd_query_qp_counter(struct tfw_cmd *cmd);

#endif /* TFW_CMD_H */
