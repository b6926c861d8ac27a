// SPDX-License-Identifier: GPL-2.0
/* Read-only views for a developer: commands, event queues, objects. */

#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "core.h"

static struct dentry *tulle_debugfs_root;

static int commands_show(struct seq_file *s, void *unused)
{
	struct tulle_core *core = s->private;
	struct tulle_cmdq *cmd = &core->cmd;
	struct tulle_op_stats st;
	unsigned int i;

	seq_printf(s, "open %d events %d slots %u free %u lost %u limit_ms %u\n",
		   cmd->open, cmd->events, cmd->nslots, cmd->nfree, cmd->nlost,
		   cmd->limit_ms);
	seq_printf(s, "timeouts %llu found_by_polling %llu stale_events %llu\n",
		   cmd->timeouts, cmd->found_by_poll, cmd->stale_events);
	seq_printf(s, "%-20s %10s %8s %12s %12s\n", "opcode", "count",
		   "failed", "avg_ns", "max_ns");
	for (i = 0; i < tulle_op_count(); i++) {
		spin_lock_irq(&cmd->lock);
		st = cmd->stats[i];
		spin_unlock_irq(&cmd->lock);
		if (st.count)
			seq_printf(s, "%-20s %10llu %8llu %12llu %12llu\n",
				   tulle_op_at(i)->name, st.count, st.failed,
				   div64_u64(st.nsecs, st.count),
				   st.nsecs_max);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(commands);

static int eqs_show(struct seq_file *s, void *unused)
{
	struct tulle_core *core = s->private;
	struct tulle_irqs *irqs = &core->irqs;
	unsigned int i;

	seq_printf(s, "async events dropped %llu\n", core->events.dropped);
	seq_printf(s, "%6s %6s %5s %10s %6s %10s %12s %12s %10s %8s %8s\n",
		   "vector", "irq", "users", "handle", "size", "ci",
		   "interrupts", "events", "recovered", "bogus", "storms");
	mutex_lock(&irqs->lock);
	for (i = 0; i < irqs->nvecs; i++) {
		struct tulle_vector *v = &irqs->vecs[i];
		struct tulle_eq *eq = &v->eq;

		if (!eq->handle && !v->users)
			continue;
		seq_printf(s, "%6u %6d %5u %#10x %6u %10u %12llu %12llu %10llu %8llu %8llu\n",
			   i, v->vec.irq, v->users, eq->handle,
			   eq->handle ? tulle_ring_size(&eq->cons.ring) : 0,
			   eq->cons.ci, eq->interrupts, eq->events,
			   eq->recovered, eq->bogus, eq->storms);
	}
	mutex_unlock(&irqs->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(eqs);

static int objects_show(struct seq_file *s, void *unused)
{
	static const char * const names[TULLE_OBJ_TYPES] = {
		[TULLE_OBJ_UAR]		= "UAR",
		[TULLE_OBJ_PD]		= "PD",
		[TULLE_OBJ_MKEY]	= "MKEY",
		[TULLE_OBJ_EQ]		= "EQ",
		[TULLE_OBJ_CQ]		= "CQ",
		[TULLE_OBJ_SQ]		= "SQ",
		[TULLE_OBJ_RQ]		= "RQ",
		[TULLE_OBJ_RSS]		= "RSS",
		[TULLE_OBJ_TABLE]	= "TABLE",
		[TULLE_OBJ_MASK]	= "MASK",
		[TULLE_OBJ_RULE]	= "RULE",
		[TULLE_OBJ_COUNTER]	= "COUNTER",
		[TULLE_OBJ_QP]		= "QP",
		[TULLE_OBJ_SRQ]		= "SRQ",
		[TULLE_OBJ_XRCD]	= "XRCD",
		[TULLE_OBJ_QP_COUNTER]	= "QP_COUNTER",
		[TULLE_OBJ_MCAST]	= "MCAST",
	};
	struct tulle_core *core = s->private;
	struct tulle_func_info *info;
	unsigned int i;
	int err;

	info = kzalloc_obj(*info);
	if (!info)
		return -ENOMEM;
	err = tulle_cmd_exec(&core->dev, TULLE_CMD_QUERY_FUNC, NULL, 0, info,
			     sizeof(*info));
	if (err)
		goto out_free;
	seq_printf(s, "func %u events %llu commands %llu\n",
		   le16_to_cpu(info->func), le64_to_cpu(info->events),
		   le64_to_cpu(info->commands));
	seq_printf(s, "%-10s %10s %10s\n", "object", "used", "quota");
	for (i = 0; i < TULLE_OBJ_TYPES; i++) {
		if (names[i])
			seq_printf(s, "%-10s %10u %10u\n", names[i],
				   le32_to_cpu(info->obj[i].used),
				   le32_to_cpu(info->obj[i].quota));
	}
out_free:
	kfree(info);
	return err;
}
DEFINE_SHOW_ATTRIBUTE(objects);

void tulle_debugfs_init(void)
{
	tulle_debugfs_root = debugfs_create_dir("tulle", NULL);
}

void tulle_debugfs_cleanup(void)
{
	debugfs_remove(tulle_debugfs_root);
}

void tulle_debugfs_add(struct tulle_core *core)
{
	struct dentry *dir = debugfs_create_dir(pci_name(core->dev.pdev),
						tulle_debugfs_root);

	debugfs_create_file("commands", 0400, dir, core, &commands_fops);
	debugfs_create_file("eqs", 0400, dir, core, &eqs_fops);
	debugfs_create_file("objects", 0400, dir, core, &objects_fops);
	core->debugfs = dir;
}

void tulle_debugfs_del(struct tulle_core *core)
{
	debugfs_remove(core->debugfs);
}
