// SPDX-License-Identifier: GPL-2.0
/* Steering commands: what is more than a create or destroy. */

#include <linux/slab.h>
#include "core.h"

int tulle_table_set_miss(struct tulle_dev *dev, u32 handle, u8 type, u32 arg)
{
	struct tulle_table_ctx in = {
		.handle = cpu_to_le32(handle),
		.miss.type = type,
		.miss.arg = cpu_to_le32(arg),
	};

	return tulle_cmd_exec(dev, TULLE_CMD_MODIFY_TABLE, &in, sizeof(in),
			      NULL, 0);
}
EXPORT_SYMBOL_NS_GPL(tulle_table_set_miss, "TULLE_CORE");

int tulle_mask_create(struct tulle_dev *dev, u32 table,
		      const struct tulle_flow_key *key, u32 *handle)
{
	struct tulle_mask_ctx in = {
		.table = cpu_to_le32(table),
		.key = *key,
	};

	return tulle_obj_create(dev, TULLE_CMD_CREATE_MASK, &in, sizeof(in),
				handle);
}
EXPORT_SYMBOL_NS_GPL(tulle_mask_create, "TULLE_CORE");

/* Both batches answer how many of @n entries were done before an error. */
static int tulle_rules_exec(struct tulle_dev *dev, u16 op, const void *in,
			    u32 in_len, u32 n, u32 *done)
{
	struct tulle_rules_rsp rsp;
	struct tulle_cmd cmd = {
		.op = op,
		.func = TULLE_CMD_SELF,
		.in = in,
		.in_len = in_len,
		.out = &rsp,
		.out_len = sizeof(rsp),
	};
	int err;

	err = tulle_cmd_do(dev, &cmd);
	*done = err ? min(le32_to_cpu(rsp.done), n) : n;
	if (!err && (cmd.out_used != sizeof(rsp) ||
		     le32_to_cpu(rsp.done) != n))
		err = -EPROTO;
	return err;
}

/* Entries that fit in one command, given the size of its head and of one. */
static u32 tulle_rules_batch(struct tulle_dev *dev, size_t head, size_t entry)
{
	u32 room = (to_tulle_core(dev)->cmd.max_mbox - head) / entry;

	return min(dev->limits.max_rules_batch, room);
}

int tulle_rules_add(struct tulle_dev *dev, u32 table,
		    const struct tulle_rule *rules, u32 n, u8 flags, u32 *done)
{
	u32 batch = tulle_rules_batch(dev, sizeof(struct tulle_add_rules),
				      sizeof(*rules));
	struct tulle_add_rules *in;
	u32 total = 0, did;
	int err = 0;

	batch = min(batch, n);
	in = kvzalloc_flex(*in, rules, batch);
	if (!in) {
		err = -ENOMEM;
		goto out;
	}
	in->table = cpu_to_le32(table);
	in->flags = flags;
	while (total < n && !err) {
		batch = min(batch, n - total);
		in->count = cpu_to_le32(batch);
		memcpy(in->rules, rules + total, batch * sizeof(*rules));
		err = tulle_rules_exec(dev, TULLE_CMD_ADD_RULES, in,
				       struct_size(in, rules, batch), batch,
				       &did);
		total += did;
	}
	kvfree(in);
out:
	if (done)
		*done = total;
	return err;
}
EXPORT_SYMBOL_NS_GPL(tulle_rules_add, "TULLE_CORE");

int tulle_rules_del(struct tulle_dev *dev, u32 table, const u32 *ids, u32 n)
{
	u32 batch = tulle_rules_batch(dev, sizeof(struct tulle_del_rules),
				      sizeof(*ids));
	struct tulle_del_rules *in;
	u32 i, total = 0, did;
	int err = 0;

	batch = min(batch, n);
	in = kvzalloc_flex(*in, ids, batch);
	if (!in)
		return -ENOMEM;
	in->table = cpu_to_le32(table);
	while (total < n && !err) {
		batch = min(batch, n - total);
		in->count = cpu_to_le32(batch);
		for (i = 0; i < batch; i++)
			in->ids[i] = cpu_to_le32(ids[total + i]);
		err = tulle_rules_exec(dev, TULLE_CMD_DEL_RULES, in,
				       struct_size(in, ids, batch), batch,
				       &did);
		total += did;
		/* The one that stopped the batch is not there: go past it. */
		if (err == -ENOENT) {
			total++;
			err = 0;
		}
	}
	kvfree(in);
	return err;
}
EXPORT_SYMBOL_NS_GPL(tulle_rules_del, "TULLE_CORE");
