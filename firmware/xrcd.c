// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * XRC domains: a bracket around XRC targets and XRC SRQs, without state.
 */
#include "rdma.h"

enum tulle_status tfw_cmd_create_xrcd(struct tfw_cmd *cmd)
{
	struct tulle_handle_rsp *rsp = cmd->out;
	enum tulle_status st;
	struct tfw_obj *obj;

	obj = tfw_obj_alloc(cmd->func, TULLE_OBJ_XRCD, sizeof(*obj), 0, &st);
	if (!obj)
		return st;
	rsp->handle = cpu_to_le32(obj->handle);
	return TULLE_STATUS_OK;
}

void tfw_xrcd_destroy(struct tfw_obj *obj)
{
	tfw_obj_free(obj);
}
