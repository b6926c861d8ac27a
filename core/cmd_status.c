// SPDX-License-Identifier: GPL-2.0
/* Tables: what opcodes are called, what a status means. */

#include <linux/array_size.h>
#include <linux/errno.h>
#include "core.h"

#define TULLE_OP(name, flags) \
	{ TULLE_CMD_##name, flags, #name }

/*
 * TULLE_OP_MEMORY: the command hands memory to the device, or is what must be
 * answered before memory may be freed.
 */
static const struct tulle_op_info tulle_ops[] = {
	TULLE_OP(NOP, 0),
	TULLE_OP(QUERY_CAPS, 0),
	TULLE_OP(QUERY_DEVICE, 0),
	TULLE_OP(QUERY_FUNC, 0),
	TULLE_OP(TEST_HEALTH, 0),
	TULLE_OP(ALLOC_UAR, 0),
	TULLE_OP(FREE_UAR, TULLE_OP_MEMORY),
	TULLE_OP(CREATE_PD, 0),
	TULLE_OP(DESTROY_PD, 0),
	TULLE_OP(CREATE_MKEY, TULLE_OP_MEMORY),
	TULLE_OP(DESTROY_MKEY, TULLE_OP_MEMORY),
	TULLE_OP(QUERY_MKEY, 0),
	TULLE_OP(MODIFY_MKEY, TULLE_OP_MEMORY),
	TULLE_OP(CREATE_EQ, TULLE_OP_MEMORY),
	TULLE_OP(DESTROY_EQ, TULLE_OP_MEMORY),
	TULLE_OP(QUERY_EQ, 0),
	TULLE_OP(CREATE_CQ, TULLE_OP_MEMORY),
	TULLE_OP(DESTROY_CQ, TULLE_OP_MEMORY),
	TULLE_OP(QUERY_CQ, 0),
	TULLE_OP(MODIFY_CQ, 0),
	TULLE_OP(RESIZE_CQ, TULLE_OP_MEMORY),
	TULLE_OP(CREATE_SQ, TULLE_OP_MEMORY),
	TULLE_OP(DESTROY_SQ, TULLE_OP_MEMORY),
	TULLE_OP(QUERY_SQ, 0),
	TULLE_OP(CREATE_RQ, TULLE_OP_MEMORY),
	TULLE_OP(DESTROY_RQ, TULLE_OP_MEMORY),
	TULLE_OP(QUERY_RQ, 0),
	TULLE_OP(MODIFY_RQ, TULLE_OP_MEMORY),
	TULLE_OP(CREATE_RSS, 0),
	TULLE_OP(DESTROY_RSS, 0),
	TULLE_OP(QUERY_RSS, 0),
	TULLE_OP(MODIFY_RSS, 0),
	TULLE_OP(CREATE_TABLE, 0),
	TULLE_OP(DESTROY_TABLE, 0),
	TULLE_OP(QUERY_TABLE, 0),
	TULLE_OP(MODIFY_TABLE, 0),
	TULLE_OP(CREATE_MASK, 0),
	TULLE_OP(DESTROY_MASK, 0),
	TULLE_OP(QUERY_MASK, 0),
	TULLE_OP(ADD_RULES, 0),
	TULLE_OP(DEL_RULES, 0),
	TULLE_OP(QUERY_RULE, 0),
	TULLE_OP(CREATE_COUNTERS, 0),
	TULLE_OP(DESTROY_COUNTERS, 0),
	TULLE_OP(QUERY_COUNTERS, 0),
	TULLE_OP(QUERY_PORT, 0),
	TULLE_OP(MODIFY_PORT, 0),
	TULLE_OP(QUERY_PORT_STATS, 0),
	TULLE_OP(QUERY_VPORT, 0),
	TULLE_OP(MODIFY_VPORT, 0),
	TULLE_OP(QUERY_VPORT_STATS, 0),
	TULLE_OP(QUERY_RDMA_CAPS, 0),
	TULLE_OP(QUERY_RDMA_STATS, 0),
	TULLE_OP(SET_GID, 0),
	TULLE_OP(QUERY_GID, 0),
	TULLE_OP(CREATE_QP, TULLE_OP_MEMORY),
	TULLE_OP(DESTROY_QP, TULLE_OP_MEMORY),
	TULLE_OP(QUERY_QP, 0),
	TULLE_OP(MODIFY_QP, TULLE_OP_MEMORY),
	TULLE_OP(ATTACH_MCAST, 0),
	TULLE_OP(DETACH_MCAST, 0),
	TULLE_OP(CREATE_SRQ, TULLE_OP_MEMORY),
	TULLE_OP(DESTROY_SRQ, TULLE_OP_MEMORY),
	TULLE_OP(QUERY_SRQ, 0),
	TULLE_OP(ARM_SRQ, 0),
	TULLE_OP(CREATE_XRCD, 0),
	TULLE_OP(DESTROY_XRCD, 0),
	TULLE_OP(CREATE_QP_COUNTER, 0),
	TULLE_OP(DESTROY_QP_COUNTER, 0),
	TULLE_OP(QUERY_QP_COUNTER, 0),
};

static const struct {
	int err;
	const char *name;
} tulle_statuses[] = {
	[TULLE_STATUS_OK]		= { 0, "OK" },
	[TULLE_STATUS_BAD_OP]		= { -EOPNOTSUPP, "BAD_OP" },
	[TULLE_STATUS_BAD_LEN]		= { -EINVAL, "BAD_LEN" },
	[TULLE_STATUS_BAD_PARAM]	= { -EINVAL, "BAD_PARAM" },
	[TULLE_STATUS_BAD_HANDLE]	= { -ENXIO, "BAD_HANDLE" },
	[TULLE_STATUS_BAD_STATE]	= { -EBUSY, "BAD_STATE" },
	[TULLE_STATUS_IN_USE]		= { -EBUSY, "IN_USE" },
	[TULLE_STATUS_QUOTA]		= { -ENOSPC, "QUOTA" },
	[TULLE_STATUS_NOMEM]		= { -ENOMEM, "NOMEM" },
	[TULLE_STATUS_DENIED]		= { -EPERM, "DENIED" },
	[TULLE_STATUS_EXISTS]		= { -EEXIST, "EXISTS" },
	[TULLE_STATUS_NOT_FOUND]	= { -ENOENT, "NOT_FOUND" },
	[TULLE_STATUS_DMA]		= { -EFAULT, "DMA" },
	[TULLE_STATUS_INTERNAL]		= { -EREMOTEIO, "INTERNAL" },
};

/* NULL for an opcode that this driver does not know. */
const struct tulle_op_info *tulle_op_info(u16 op)
{
	unsigned int low = 0, high = ARRAY_SIZE(tulle_ops);

	/* The table is in ascending order. */
	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (tulle_ops[mid].op == op)
			return &tulle_ops[mid];
		if (tulle_ops[mid].op < op)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct tulle_op_info *tulle_op_at(unsigned int index)
{
	return &tulle_ops[index];
}

unsigned int tulle_op_index(const struct tulle_op_info *info)
{
	return info - tulle_ops;
}

unsigned int tulle_op_count(void)
{
	return ARRAY_SIZE(tulle_ops);
}

int tulle_status_to_errno(u8 status)
{
	return status < ARRAY_SIZE(tulle_statuses) ?
	       tulle_statuses[status].err : -EREMOTEIO;
}

const char *tulle_status_name(u8 status)
{
	return status < ARRAY_SIZE(tulle_statuses) ?
	       tulle_statuses[status].name : "unknown";
}
