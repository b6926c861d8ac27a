// SPDX-License-Identifier: GPL-2.0
/*
 * The command interface. A command takes a slot, and mailboxes when it does
 * not fit in it; slots complete in any order. Completions come as events once
 * EQ0 exists; the owner byte is looked at now and then all the same, so that a
 * lost interrupt costs little.
 *
 * A slot whose command timed out, or was abandoned because the device died,
 * may still be written by the device: it and its mailboxes rest as LOST until
 * the next reset.
 */

#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/slab.h>
#include "core.h"
#include "trace.h"

#define TULLE_CMD_DEFAULT_MS	10000
#define TULLE_CMD_MARGIN_MS	500
#define TULLE_CMD_LOOK_MS	100

static void tulle_ent_free_mboxes(struct tulle_cmdq *cmd,
				  struct tulle_cmd_ent *ent)
{
	tulle_mbox_free(cmd, &ent->in);
	tulle_mbox_free(cmd, &ent->out);
}

int tulle_cmd_init(struct tulle_core *core)
{
	struct tulle_cmdq *cmd = &core->cmd;
	struct device *dev = core->dev.device;
	unsigned int i;

	spin_lock_init(&cmd->lock);
	init_waitqueue_head(&cmd->wait);
	for (i = 0; i < TULLE_CMD_SLOTS; i++) {
		init_completion(&cmd->ent[i].done);
		cmd->ent[i].in.page = &cmd->ent[i].in.one;
		cmd->ent[i].out.page = &cmd->ent[i].out.one;
	}
	cmd->stats = kzalloc_objs(*cmd->stats, tulle_op_count());
	if (!cmd->stats)
		return -ENOMEM;
	cmd->pool = dma_pool_create("tulle_cmd", dev, TULLE_CMD_PAGE_SIZE,
				    TULLE_CMD_PAGE_SIZE, 0);
	if (!cmd->pool)
		goto err_free_stats;
	cmd->slots = dma_alloc_coherent(dev, TULLE_CMD_SLOTS *
					sizeof(*cmd->slots), &cmd->slots_dma,
					GFP_KERNEL);
	if (!cmd->slots)
		goto err_destroy_pool;
	return 0;

err_destroy_pool:
	dma_pool_destroy(cmd->pool);
err_free_stats:
	kfree(cmd->stats);
	return -ENOMEM;
}

/* After a reset, or with DMA off: the device writes no more. */
void tulle_cmd_cleanup(struct tulle_core *core)
{
	struct tulle_cmdq *cmd = &core->cmd;
	unsigned int i;

	for (i = 0; i < TULLE_CMD_SLOTS; i++)
		tulle_ent_free_mboxes(cmd, &cmd->ent[i]);
	dma_free_coherent(core->dev.device, TULLE_CMD_SLOTS *
			  sizeof(*cmd->slots), cmd->slots, cmd->slots_dma);
	dma_pool_destroy(cmd->pool);
	kfree(cmd->stats);
}

static void tulle_cmd_read_limits(struct tulle_core *core)
{
	u32 state = tulle_rd32(core, TULLE_REG_STATE);
	u32 caps = tulle_rd32(core, TULLE_REG_CMD_CAPS);
	struct tulle_cmdq *cmd = &core->cmd;
	u32 limit_ms, log_mbox, log_slots;

	limit_ms = FIELD_GET(TULLE_STATE_CMD_LIMIT, state) * 100;
	cmd->limit_ms = (limit_ms ?: TULLE_CMD_DEFAULT_MS) +
			TULLE_CMD_MARGIN_MS;
	log_slots = FIELD_GET(TULLE_CMD_CAPS_LOG_SLOTS, caps);
	cmd->nslots = min(1U << log_slots, (u32)TULLE_CMD_SLOTS);
	log_mbox = clamp(FIELD_GET(TULLE_CMD_CAPS_LOG_MAILBOX, caps),
			 (u32)ilog2(TULLE_CMD_PAGE_SIZE),
			 (u32)ilog2(TULLE_CMD_PAGE_SIZE * TULLE_CMD_LIST_MAX));
	cmd->max_mbox = 1U << log_mbox;
}

/* Right after a reset: lost slots are the driver's again. */
int tulle_cmd_start(struct tulle_core *core)
{
	struct tulle_cmdq *cmd = &core->cmd;
	unsigned int i;

	tulle_cmd_read_limits(core);
	if (test_bit(TULLE_F_GONE, &core->flags))
		return -ENODEV;
	for (i = 0; i < TULLE_CMD_SLOTS; i++) {
		tulle_ent_free_mboxes(cmd, &cmd->ent[i]);
		cmd->ent[i].state = TULLE_SLOT_FREE;
	}
	memset(cmd->slots, 0, TULLE_CMD_SLOTS * sizeof(*cmd->slots));
	tulle_wr32(core, TULLE_REG_CMD_BASE_LO, lower_32_bits(cmd->slots_dma));
	tulle_wr32(core, TULLE_REG_CMD_BASE_HI, upper_32_bits(cmd->slots_dma));
	tulle_wr32(core, TULLE_REG_CMD_CFG, TULLE_CMD_CFG_ENABLE |
		   FIELD_PREP(TULLE_CMD_CFG_LOG_SLOTS, ilog2(cmd->nslots)));

	spin_lock_irq(&cmd->lock);
	cmd->nfree = cmd->nslots;
	cmd->nlost = 0;
	cmd->events = false;
	cmd->open = true;
	spin_unlock_irq(&cmd->lock);
	return 0;
}

void tulle_cmd_use_events(struct tulle_core *core, bool on)
{
	WRITE_ONCE(core->cmd.events, on);
}

/* From now on every command, also one under way, fails. Any context. */
void tulle_cmd_abort(struct tulle_core *core)
{
	struct tulle_cmdq *cmd = &core->cmd;
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&cmd->lock, flags);
	cmd->open = false;
	for (i = 0; i < TULLE_CMD_SLOTS; i++) {
		if (cmd->ent[i].state == TULLE_SLOT_BUSY)
			complete(&cmd->ent[i].done);
	}
	spin_unlock_irqrestore(&cmd->lock, flags);
	wake_up_all(&cmd->wait);
}

static bool tulle_cmd_is_idle(struct tulle_cmdq *cmd)
{
	bool idle = true;
	unsigned int i;

	spin_lock_irq(&cmd->lock);
	for (i = 0; i < TULLE_CMD_SLOTS; i++)
		idle &= cmd->ent[i].state != TULLE_SLOT_BUSY;
	spin_unlock_irq(&cmd->lock);
	return idle;
}

/* Abort, and wait until nobody is inside any more. */
void tulle_cmd_stop(struct tulle_core *core)
{
	tulle_cmd_abort(core);
	wait_event(core->cmd.wait, tulle_cmd_is_idle(&core->cmd));
	if (!test_bit(TULLE_F_GONE, &core->flags))
		tulle_wr32(core, TULLE_REG_CMD_CFG, 0);
}

/* From EQ0, hard interrupt context; @slots is the device's word. */
void tulle_cmd_event(struct tulle_core *core, u64 slots)
{
	struct tulle_cmdq *cmd = &core->cmd;
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&cmd->lock, flags);
	for (i = 0; i < TULLE_CMD_SLOTS; i++) {
		if (!(slots & BIT_ULL(i)))
			continue;
		if (cmd->ent[i].state == TULLE_SLOT_BUSY)
			complete(&cmd->ent[i].done);
		else
			cmd->stale_events++;
	}
	spin_unlock_irqrestore(&cmd->lock, flags);
}

static bool tulle_slot_try_get(struct tulle_cmdq *cmd, int *slot)
{
	bool stop = true;
	unsigned int i;

	spin_lock_irq(&cmd->lock);
	*slot = -EIO;
	if (!cmd->open)
		goto out_unlock;
	for (i = 0; i < cmd->nslots; i++) {
		if (cmd->ent[i].state == TULLE_SLOT_FREE)
			break;
	}
	stop = i < cmd->nslots;
	if (stop) {
		cmd->ent[i].state = TULLE_SLOT_BUSY;
		cmd->ent[i].token = ++cmd->token;
		reinit_completion(&cmd->ent[i].done);
		cmd->nfree--;
		*slot = i;
	}
out_unlock:
	spin_unlock_irq(&cmd->lock);
	return stop;
}

static int tulle_slot_get(struct tulle_cmdq *cmd)
{
	int slot;

	wait_event(cmd->wait, tulle_slot_try_get(cmd, &slot));
	return slot;
}

/* @lost: the device may still write to the slot and its mailboxes. */
static void tulle_slot_put(struct tulle_core *core, int slot, bool lost)
{
	struct tulle_cmdq *cmd = &core->cmd;
	struct tulle_cmd_ent *ent = &cmd->ent[slot];
	bool too_many;

	if (!lost)
		tulle_ent_free_mboxes(cmd, ent);
	spin_lock_irq(&cmd->lock);
	cmd->nlost += lost;
	too_many = cmd->open && cmd->nlost > cmd->nslots / 2;
	spin_unlock_irq(&cmd->lock);
	/* While the slot is busy nobody brings the device up anew. */
	if (too_many)
		tulle_dev_fail(&core->dev, "too many commands got no answer");

	spin_lock_irq(&cmd->lock);
	ent->state = lost ? TULLE_SLOT_LOST : TULLE_SLOT_FREE;
	cmd->nfree += !lost;
	spin_unlock_irq(&cmd->lock);
	/* Whoever waits for a slot, and whoever waits for all to be idle. */
	wake_up_all(&cmd->wait);
}

static int tulle_slot_prepare(struct tulle_core *core, int slot,
			      const struct tulle_cmd *cmd)
{
	struct tulle_cmd_slot *s = &core->cmd.slots[slot];
	struct tulle_cmd_ent *ent = &core->cmd.ent[slot];
	u8 flags = 0;
	int err;

	memset(s, 0, sizeof(*s));
	if (cmd->in_len && cmd->in_len <= sizeof(s->data)) {
		flags |= TULLE_CMD_F_IN_INLINE;
		memcpy(s->data, cmd->in, cmd->in_len);
	} else if (cmd->in_len) {
		err = tulle_mbox_alloc(&core->cmd, &ent->in, cmd->in_len);
		if (err)
			return err;
		tulle_mbox_write(&ent->in, cmd->in, cmd->in_len);
		flags |= ent->in.list.buf ? TULLE_CMD_F_IN_LIST : 0;
		s->in_addr = cpu_to_le64(tulle_mbox_addr(&ent->in));
	}
	if (cmd->out_len && cmd->out_len <= sizeof(s->data)) {
		flags |= TULLE_CMD_F_OUT_INLINE;
	} else if (cmd->out_len) {
		err = tulle_mbox_alloc(&core->cmd, &ent->out, cmd->out_len);
		if (err)
			return err;
		flags |= ent->out.list.buf ? TULLE_CMD_F_OUT_LIST : 0;
		s->out_addr = cpu_to_le64(tulle_mbox_addr(&ent->out));
	}
	if (READ_ONCE(core->cmd.events))
		flags |= TULLE_CMD_F_EVENT;
	s->op = cpu_to_le16(cmd->op);
	s->flags = flags;
	s->token = cpu_to_le32(ent->token);
	s->func = cpu_to_le16(cmd->func == TULLE_CMD_SELF ? core->dev.func :
			      cmd->func);
	s->in_len = cpu_to_le32(cmd->in_len);
	s->out_len = cpu_to_le32(cmd->out_len);
	return 0;
}

static bool tulle_slot_is_done(struct tulle_cmdq *cmd, int slot)
{
	if (READ_ONCE(cmd->slots[slot].owner) == TULLE_CMD_OWNER_DEVICE)
		return false;
	/* Owner before the answer: pairs with the device's release of owner. */
	dma_rmb();
	return true;
}

static bool tulle_cmd_is_open(struct tulle_cmdq *cmd)
{
	return READ_ONCE(cmd->open);
}

/* One more look at a device that takes its time. */
static void tulle_cmd_check_state(struct tulle_core *core)
{
	u32 state = tulle_rd32(core, TULLE_REG_STATE);

	if (state != U32_MAX &&
	    FIELD_GET(TULLE_STATE_STATE, state) == TULLE_STATE_DEAD)
		tulle_dev_fail(&core->dev, "firmware died during a command");
}

static int tulle_slot_wait(struct tulle_core *core, int slot)
{
	struct tulle_cmdq *cmd = &core->cmd;
	struct completion *done = &cmd->ent[slot].done;
	unsigned long end, look;

	look = jiffies + msecs_to_jiffies(TULLE_CMD_LOOK_MS);
	end = jiffies + msecs_to_jiffies(cmd->limit_ms);
	while (!tulle_slot_is_done(cmd, slot)) {
		bool late = time_after(jiffies, end);

		if (!tulle_cmd_is_open(cmd))
			return -EIO;
		if (late)
			return tulle_slot_is_done(cmd, slot) ? 0 : -ETIMEDOUT;
		if (!READ_ONCE(cmd->events)) {
			usleep_range(50, 200);
		} else if (wait_for_completion_timeout(done,
				msecs_to_jiffies(TULLE_CMD_LOOK_MS))) {
			/* A hostile device may announce what is not there. */
			if (!tulle_slot_is_done(cmd, slot))
				usleep_range(50, 200);
		} else if (tulle_slot_is_done(cmd, slot)) {
			cmd->found_by_poll++;
		}
		if (time_after(jiffies, look)) {
			look = jiffies + msecs_to_jiffies(TULLE_CMD_LOOK_MS);
			tulle_cmd_check_state(core);
		}
	}
	return 0;
}

/* The device's answer is copied once and then checked. */
static int tulle_slot_result(struct tulle_core *core, int slot,
			     struct tulle_cmd *cmd)
{
	struct tulle_cmd_slot answer = core->cmd.slots[slot];
	struct tulle_cmd_ent *ent = &core->cmd.ent[slot];
	u32 used = le32_to_cpu(answer.out_used);

	cmd->status = answer.status;
	cmd->syndrome = le32_to_cpu(answer.syndrome);
	if (used > cmd->out_len) {
		dev_err_ratelimited(core->dev.device,
				    "%s: answer of %u bytes in room of %u\n",
				    tulle_op_info(cmd->op)->name, used,
				    cmd->out_len);
		return -EPROTO;
	}
	if (used && cmd->out_len <= sizeof(answer.data))
		memcpy(cmd->out, answer.data, used);
	else if (used)
		tulle_mbox_read(&ent->out, cmd->out, used);
	cmd->out_used = used;
	return tulle_status_to_errno(cmd->status);
}

static void tulle_cmd_account(struct tulle_core *core,
			      const struct tulle_op_info *info, int err,
			      u64 nsecs)
{
	struct tulle_cmdq *cmd = &core->cmd;
	struct tulle_op_stats *stats = &cmd->stats[tulle_op_index(info)];

	spin_lock_irq(&cmd->lock);
	stats->count++;
	stats->failed += !!err;
	stats->nsecs += nsecs;
	stats->nsecs_max = max(stats->nsecs_max, nsecs);
	cmd->timeouts += err == -ETIMEDOUT;
	spin_unlock_irq(&cmd->lock);
}

static int tulle_cmd_run(struct tulle_core *core, int slot,
			 struct tulle_cmd *cmd)
{
	struct tulle_cmd_slot *s = &core->cmd.slots[slot];
	int err;

	/* The slot before its owner: pairs with the device's acquire. */
	dma_wmb();
	WRITE_ONCE(s->owner, TULLE_CMD_OWNER_DEVICE);
	tulle_wr32(core, TULLE_REG_CMD_DOORBELL, slot);
	err = tulle_slot_wait(core, slot);
	if (err) {
		tulle_slot_put(core, slot, true);
		return err;
	}
	err = tulle_slot_result(core, slot, cmd);
	tulle_slot_put(core, slot, false);
	return err;
}

static void tulle_cmd_timed_out(struct tulle_core *core,
				const struct tulle_op_info *info)
{
	dev_err_ratelimited(core->dev.device, "%s got no answer in %u ms\n",
			    info->name, core->cmd.limit_ms);
	/* Memory in unknown hands cannot be freed unless DMA is off. */
	if (info->flags & TULLE_OP_MEMORY)
		tulle_dev_fail(&core->dev, "a command that hands over memory got no answer");
	else
		tulle_health_note(core, "a command got no answer");
}

int tulle_cmd_do(struct tulle_dev *dev, struct tulle_cmd *cmd)
{
	const struct tulle_op_info *info = tulle_op_info(cmd->op);
	struct tulle_core *core = to_tulle_core(dev);
	u64 start = ktime_get_ns();
	u32 token;
	int slot;
	int err;

	if (WARN_ON_ONCE(!info))
		return -EINVAL;
	cmd->out_used = 0;
	cmd->status = TULLE_STATUS_OK;
	cmd->syndrome = 0;
	if (cmd->out_len)
		memset(cmd->out, 0, cmd->out_len);
	slot = tulle_slot_get(&core->cmd);
	if (slot < 0)
		return slot;
	if (cmd->in_len > core->cmd.max_mbox ||
	    cmd->out_len > core->cmd.max_mbox)
		err = -E2BIG;
	else
		err = tulle_slot_prepare(core, slot, cmd);
	if (err) {
		tulle_slot_put(core, slot, false);
		return err;
	}
	token = core->cmd.ent[slot].token;
	trace_tulle_cmd_post(core, info, slot, token, cmd);
	err = tulle_cmd_run(core, slot, cmd);
	trace_tulle_cmd_done(core, info, slot, token, cmd, err);
	tulle_cmd_account(core, info, err, ktime_get_ns() - start);
	if (err == -ETIMEDOUT)
		tulle_cmd_timed_out(core, info);
	return err;
}
EXPORT_SYMBOL_NS_GPL(tulle_cmd_do, "TULLE_CORE");

int tulle_cmd_exec(struct tulle_dev *dev, u16 op, const void *in, u32 in_len,
		   void *out, u32 out_len)
{
	struct tulle_cmd cmd = {
		.op = op,
		.func = TULLE_CMD_SELF,
		.in = in,
		.in_len = in_len,
		.out = out,
		.out_len = out_len,
	};
	int err;

	err = tulle_cmd_do(dev, &cmd);
	if (!err && cmd.out_used != out_len)
		err = -EPROTO;
	/* Down is reported once, and a timeout where it was seen. */
	if (err && err != -EIO && err != -ETIMEDOUT)
		dev_err_ratelimited(dev->device,
				    "%s failed: %pe, status %s, syndrome %#x\n",
				    tulle_op_info(op)->name, ERR_PTR(err),
				    tulle_status_name(cmd.status),
				    cmd.syndrome);
	return err;
}
EXPORT_SYMBOL_NS_GPL(tulle_cmd_exec, "TULLE_CORE");
