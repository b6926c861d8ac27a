// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * RDMA statistics: of the function, and of the queue pairs bound to a counter.
 */
#include "rdma.h"

static void stats_out(const struct tfw_rdma_stats *stats, void *out)
{
	const u64 *from = (const u64 *)stats;
	__le64 *to = out;
	size_t i;

	for (i = 0; i < sizeof(*stats) / sizeof(*from); i++)
		to[i] = cpu_to_le64(from[i]);
}

enum tulle_status tfw_cmd_query_rdma_stats(struct tfw_cmd *cmd)
{
	stats_out(&cmd->func->rdma->stats, cmd->out);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_create_qp_counter(struct tfw_cmd *cmd)
{
	struct tulle_handle_rsp *rsp = cmd->out;
	struct tfw_qp_counter *c;
	enum tulle_status st;

	c = tfw_obj_alloc(cmd->func, TULLE_OBJ_QP_COUNTER, sizeof(*c), 0, &st);
	if (!c)
		return st;
	rsp->handle = cpu_to_le32(c->obj.handle);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_qp_counter(struct tfw_cmd *cmd)
{
	const struct tulle_handle_req *req = cmd->in;
	struct tfw_qp_counter *c;

	c = tfw_obj_find(cmd->func, TULLE_OBJ_QP_COUNTER,
			 le32_to_cpu(req->handle));
	if (!c)
		return TULLE_STATUS_BAD_HANDLE;
	stats_out(&c->stats, cmd->out);
	return TULLE_STATUS_OK;
}

void tfw_qp_counter_destroy(struct tfw_obj *obj)
{
	tfw_obj_free(obj);
}
