/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints: commands, events, and the device's ups and downs. */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM tulle

#if !defined(TULLE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TULLE_TRACE_H

#include <linux/tracepoint.h>
#include "core.h"

TRACE_EVENT(tulle_cmd_post,
	TP_PROTO(const struct tulle_core *core, const struct tulle_op_info *op,
		 int slot, u32 token, const struct tulle_cmd *cmd),

	TP_ARGS(core, op, slot, token, cmd),

	TP_STRUCT__entry(
		__string(dev, dev_name(core->dev.device))
		__string(name, op->name)
		__field(u16, op)
		__field(int, slot)
		__field(u32, token)
		__field(u32, in_len)
		__field(u32, out_len)
	),

	TP_fast_assign(
		__assign_str(dev);
		__assign_str(name);
		__entry->op = op->op;
		__entry->slot = slot;
		__entry->token = token;
		__entry->in_len = cmd->in_len;
		__entry->out_len = cmd->out_len;
	),

	TP_printk("%s %s(%#x) slot=%d token=%u in=%u out=%u",
		  __get_str(dev), __get_str(name), __entry->op, __entry->slot,
		  __entry->token, __entry->in_len, __entry->out_len)
);

TRACE_EVENT(tulle_cmd_done,
	TP_PROTO(const struct tulle_core *core, const struct tulle_op_info *op,
		 int slot, u32 token, const struct tulle_cmd *cmd, int err),

	TP_ARGS(core, op, slot, token, cmd, err),

	TP_STRUCT__entry(
		__string(dev, dev_name(core->dev.device))
		__string(name, op->name)
		__field(u16, op)
		__field(int, slot)
		__field(u32, token)
		__field(int, err)
		__field(u8, status)
		__field(u32, syndrome)
		__field(u32, out_used)
	),

	TP_fast_assign(
		__assign_str(dev);
		__assign_str(name);
		__entry->op = op->op;
		__entry->slot = slot;
		__entry->token = token;
		__entry->err = err;
		__entry->status = cmd->status;
		__entry->syndrome = cmd->syndrome;
		__entry->out_used = cmd->out_used;
	),

	TP_printk("%s %s(%#x) slot=%d token=%u err=%d status=%u syndrome=%#x out=%u",
		  __get_str(dev), __get_str(name), __entry->op, __entry->slot,
		  __entry->token, __entry->err, __entry->status,
		  __entry->syndrome, __entry->out_used)
);

TRACE_EVENT(tulle_event,
	TP_PROTO(const struct tulle_core *core, u32 eq,
		 const struct tulle_eqe *eqe),

	TP_ARGS(core, eq, eqe),

	TP_STRUCT__entry(
		__string(dev, dev_name(core->dev.device))
		__field(u32, eq)
		__field(u8, type)
		__field(u8, obj)
		__field(u16, func)
		__field(u32, handle)
		__field(u64, data)
	),

	TP_fast_assign(
		__assign_str(dev);
		__entry->eq = eq;
		__entry->type = eqe->type;
		__entry->obj = eqe->obj;
		__entry->func = le16_to_cpu(eqe->func);
		__entry->handle = le32_to_cpu(eqe->handle);
		__entry->data = le64_to_cpu(eqe->slots);
	),

	TP_printk("%s eq=%#x type=%u obj=%u func=%u handle=%#x data=%#llx",
		  __get_str(dev), __entry->eq, __entry->type, __entry->obj,
		  __entry->func, __entry->handle, __entry->data)
);

TRACE_EVENT(tulle_life,
	TP_PROTO(const struct tulle_core *core, const char *what, int err),

	TP_ARGS(core, what, err),

	TP_STRUCT__entry(
		__string(dev, dev_name(core->dev.device))
		__string(what, what)
		__field(int, err)
	),

	TP_fast_assign(
		__assign_str(dev);
		__assign_str(what);
		__entry->err = err;
	),

	TP_printk("%s %s err=%d", __get_str(dev), __get_str(what),
		  __entry->err)
);

#endif /* TULLE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
