// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The command interface: slots in guest memory, executed one after the other.
 * A slot, its lists and its mailboxes are read once, into private memory.
 */
#include <string.h>

#include "dev.h"

#define SLOT_TAIL	offsetof(struct tulle_cmd_slot, syndrome)
#define SLOT_ANSWER	offsetof(struct tulle_cmd_slot, out_len)
_Static_assert(SLOT_ANSWER % 8 == 0, "published in 8-byte words");

#define SLOT_FLAGS	(TULLE_CMD_F_EVENT | TULLE_CMD_F_IN_INLINE | \
			 TULLE_CMD_F_OUT_INLINE | TULLE_CMD_F_IN_LIST | \
			 TULLE_CMD_F_OUT_LIST)
#define SLOTS_PER_TURN	8
#define LONG_TURN_NS	100000	/* others wait no longer for their turn */
#define LIST_ENTRIES	(TULLE_CMD_PAGE_SIZE / sizeof(__le64))

static u64 slot_addr(const struct tfw_cmdq *q, u32 slot)
{
	return q->base + slot * sizeof(struct tulle_cmd_slot);
}

/*
 * Copies between @buf and a mailbox: one page, or the pages of a list. The
 * list itself is read here and nowhere else.
 */
static enum tulle_status mailbox_copy(struct tfw_func *f, u64 addr, bool list,
				      void *buf, u32 len, bool to_guest)
{
	__le64 pages[LIST_ENTRIES];
	u32 done, n, i;
	bool ok;

	if (addr % TULLE_CMD_PAGE_SIZE)
		return TULLE_STATUS_BAD_PARAM;
	pages[0] = cpu_to_le64(addr);
	n = (len + TULLE_CMD_PAGE_SIZE - 1) / TULLE_CMD_PAGE_SIZE;
	if (n > (list ? TULLE_CMD_LIST_MAX : 1))
		return TULLE_STATUS_BAD_LEN;
	if (list && !tfw_dma_read(f, addr, pages, n * sizeof(*pages)))
		return TULLE_STATUS_DMA;
	for (i = 0, done = 0; i < n; i++, done += TULLE_CMD_PAGE_SIZE) {
		u32 part = TFW_MIN(len - done, (u32)TULLE_CMD_PAGE_SIZE);
		char *p = (char *)buf + done;

		addr = le64_to_cpu(pages[i]);
		if (addr % TULLE_CMD_PAGE_SIZE)
			return TULLE_STATUS_BAD_PARAM;
		ok = to_guest ? tfw_dma_write(f, addr, p, part) :
				tfw_dma_read(f, addr, p, part);
		if (!ok)
			return TULLE_STATUS_DMA;
	}
	return TULLE_STATUS_OK;
}

static bool buf_grow(struct tfw_func *f, void **buf, u32 *size, u32 want)
{
	struct tfw_engine *e = tfw_func_engine(f);
	void *p;

	if (want <= *size)
		return true;
	want = TFW_MAX(want, (u32)TULLE_CMD_PAGE_SIZE);
	p = tfw_alloc(e, want);
	if (!p)
		return false;
	tfw_free(e, *buf);
	*buf = p;
	*size = want;
	return true;
}

static enum tulle_status cmd_check_slot(const struct tulle_cmd_slot *s,
					struct tfw_cmd *cmd)
{
	if (s->rsvd0)
		return TFW_CMD_BAD(cmd, struct tulle_cmd_slot, rsvd0);
	if (s->rsvd1)
		return TFW_CMD_BAD(cmd, struct tulle_cmd_slot, rsvd1);
	if (!tfw_is_zero(s->rsvd2, sizeof(s->rsvd2)))
		return TFW_CMD_BAD(cmd, struct tulle_cmd_slot, rsvd2);
	if (s->flags & ~SLOT_FLAGS)
		return TFW_CMD_BAD(cmd, struct tulle_cmd_slot, flags);
	return TULLE_STATUS_OK;
}

static enum tulle_status cmd_check_lengths(const struct tulle_cmd_slot *s,
					   const struct tfw_cmd_desc *d)
{
	u32 in_len = le32_to_cpu(s->in_len), out_len = le32_to_cpu(s->out_len);

	if (d->in_max ? in_len < d->in_min || in_len > d->in_max :
			in_len != d->in_min)
		return TULLE_STATUS_BAD_LEN;
	if (out_len < d->out_min)
		return TULLE_STATUS_BAD_LEN;
	if (s->flags & TULLE_CMD_F_IN_INLINE && in_len > sizeof(s->data))
		return TULLE_STATUS_BAD_LEN;
	if (s->flags & TULLE_CMD_F_OUT_INLINE && out_len > sizeof(s->data))
		return TULLE_STATUS_BAD_LEN;
	return TULLE_STATUS_OK;
}

static enum tulle_status cmd_fetch(struct tfw_func *f, struct tfw_cmd *cmd,
				   const struct tulle_cmd_slot *s)
{
	struct tfw_cmdq *q = &f->cmdq;

	cmd->in_len = le32_to_cpu(s->in_len);
	if (!buf_grow(f, &q->in, &q->in_size, cmd->in_len))
		return TULLE_STATUS_NOMEM;
	cmd->in = q->in;
	if (!cmd->in_len)
		return TULLE_STATUS_OK;
	if (s->flags & TULLE_CMD_F_IN_INLINE) {
		memcpy(q->in, s->data, cmd->in_len);
		return TULLE_STATUS_OK;
	}
	return mailbox_copy(f, le64_to_cpu(s->in_addr),
			    s->flags & TULLE_CMD_F_IN_LIST, q->in,
			    cmd->in_len, false);
}

static enum tulle_status cmd_check_rsvd(struct tfw_cmd *cmd,
					const struct tfw_cmd_desc *d)
{
	const struct tfw_rsvd *r;

	for (r = d->rsvd; r < d->rsvd + TFW_CMD_RSVD && r->len; r++)
		if (!tfw_is_zero((const char *)cmd->in + r->off, r->len))
			return tfw_cmd_bad(cmd, r->off);
	return TULLE_STATUS_OK;
}

static enum tulle_status cmd_room(struct tfw_func *f, struct tfw_cmd *cmd,
				  const struct tulle_cmd_slot *s,
				  const struct tfw_cmd_desc *d)
{
	struct tfw_cmdq *q = &f->cmdq;
	u32 most = TFW_MAX(d->out_min, d->out_max);

	cmd->out_room = TFW_MIN(le32_to_cpu(s->out_len), most);
	if (!buf_grow(f, &q->out, &q->out_size, cmd->out_room))
		return TULLE_STATUS_NOMEM;
	cmd->out = q->out;
	if (cmd->out_room)
		memset(cmd->out, 0, cmd->out_room);
	return TULLE_STATUS_OK;
}

/* From a copied slot to a status; the answer is in @cmd->out. */
static enum tulle_status cmd_execute(struct tfw_func *f, struct tfw_cmd *cmd,
				     const struct tulle_cmd_slot *s)
{
	const struct tfw_cmd_desc *d = tfw_cmd_lookup(cmd->op);
	enum tulle_status st;

	st = cmd_check_slot(s, cmd);
	if (st)
		return st;
	if (!d || (d->cap && !tfw_has_cap(f, d->cap - 1)))
		return TULLE_STATUS_BAD_OP;
	/* Nobody manages other functions yet. */
	if (le16_to_cpu(s->func) != f->id)
		return TULLE_STATUS_DENIED;
	if (tfw_fault(f->dev, TFW_FAULT_CMD_FAIL))
		return TULLE_STATUS_INTERNAL;
	cmd->func = f;
	st = cmd_check_lengths(s, d);
	if (!st)
		st = cmd_fetch(f, cmd, s);
	if (!st)
		st = cmd_check_rsvd(cmd, d);
	if (!st)
		st = cmd_room(f, cmd, s, d);
	if (st)
		return st;
	cmd->out_used = d->out_min;
	st = d->fn(cmd);
	if (!tfw_assert(f->dev, cmd->out_used <= cmd->out_room))
		st = TULLE_STATUS_INTERNAL;
	if (st && !cmd->out_always)
		cmd->out_used = 0;
	return st;
}

static enum tulle_status cmd_answer(struct tfw_func *f, struct tfw_cmd *cmd,
				    struct tulle_cmd_slot *s)
{
	if (!cmd->out_used)
		return TULLE_STATUS_OK;
	if (s->flags & TULLE_CMD_F_OUT_INLINE) {
		memcpy(s->data, cmd->out, cmd->out_used);
		return TULLE_STATUS_OK;
	}
	return mailbox_copy(f, le64_to_cpu(s->out_addr),
			    s->flags & TULLE_CMD_F_OUT_LIST, cmd->out,
			    cmd->out_used, true);
}

static void cmd_complete(struct tfw_func *f, u32 slot,
			 struct tulle_cmd_slot *s)
{
	s->owner = TULLE_CMD_OWNER_DRIVER;
	if (!tfw_dma_publish(f, slot_addr(&f->cmdq, slot) + SLOT_ANSWER,
			     (char *)s + SLOT_ANSWER,
			     sizeof(*s) - SLOT_ANSWER)) {
		if (tfw_func_live(f))
			tfw_health_die(f, TULLE_SYNDROME_DMA, __FILE__,
				       __LINE__);
		return;
	}
	f->cmdq.done++;
	if (s->flags & TULLE_CMD_F_EVENT)
		tfw_event_cmd(f, slot);
}

static void cmd_run_slot(struct tfw_func *f, u32 slot,
			 struct tulle_cmd_slot *s)
{
	struct tfw_cmd cmd = { .op = le16_to_cpu(s->op) };
	enum tulle_status st, answer;

	st = cmd_execute(f, &cmd, s);
	s->status = (u8)st;
	tfw_lie_cmd(f->dev, &cmd, &s->status);
	answer = cmd_answer(f, &cmd, s);
	if (answer) {
		cmd.out_used = 0;
		if (!st)
			s->status = (u8)answer;
	}
	s->syndrome = cpu_to_le32(cmd.syndrome);
	s->out_used = cpu_to_le32(cmd.out_used);
	tfw_health_command(f, cmd.op, s->status);
	cmd_complete(f, slot, s);
}

/* Looks at one slot; true: there was a command in it. */
static bool cmd_look(struct tfw_func *f, u32 slot)
{
	struct tfw_cmdq *q = &f->cmdq;
	struct tulle_cmd_slot s;
	u64 tail;

	if (q->swallowed >> slot & 1)
		return false;
	/* The owner byte is the highest of the last 8 bytes. */
	if (!tfw_dma_load64(f, slot_addr(q, slot) + SLOT_TAIL, &tail) ||
	    (tail >> 56 == TULLE_CMD_OWNER_DEVICE &&
	     !tfw_dma_read(f, slot_addr(q, slot), &s, sizeof(s)))) {
		if (tfw_func_live(f))
			tfw_health_die(f, TULLE_SYNDROME_DMA, __FILE__,
				       __LINE__);
		return false;
	}
	if (tail >> 56 != TULLE_CMD_OWNER_DEVICE)
		return false;
	if (tfw_fault(f->dev, TFW_FAULT_CMD_TIMEOUT))
		q->swallowed |= 1ULL << slot;
	else
		cmd_run_slot(f, slot, &s);
	return true;
}

static u64 now_ns(const struct tfw_engine *e)
{
	return e->plat->now_ns(e->host);
}

static bool cmdq_run(struct tfw_work *w, struct tfw_budget *budget)
{
	struct tfw_cmdq *q = tfw_container(w, struct tfw_cmdq, work);
	struct tfw_func *f = tfw_container(q, struct tfw_func, cmdq);
	struct tfw_engine *e = tfw_func_engine(f);
	u64 end = e->now + LONG_TURN_NS;
	u8 slots = (u8)(1U << q->log_slots);
	u32 done = 0;
	bool ran;

	if (!q->enabled)
		return false;
	if (q->scan) {
		q->scan = false;
		q->left = slots;
	}
	while (q->left && done < SLOTS_PER_TURN && tfw_func_live(f)) {
		ran = cmd_look(f, q->next);
		done += ran;
		q->next = (u8)((q->next + 1) % slots);
		q->left--;
		if (ran && now_ns(e) >= end)
			break;
	}
	budget->bytes -= (s64)(done + 1) * TULLE_CMD_PAGE_SIZE;
	return q->left || q->scan;
}

void tfw_cmdq_doorbell(struct tfw_func *f)
{
	f->cmdq.scan = true;
	if (f->cmdq.enabled && tfw_func_live(f))
		tfw_work_queue(tfw_func_engine(f), &f->cmdq.work);
}

void tfw_cmdq_init(struct tfw_func *f)
{
	tfw_work_init(&f->cmdq.work, f, cmdq_run);
}

void tfw_cmdq_reset(struct tfw_func *f)
{
	struct tfw_cmdq *q = &f->cmdq;

	tfw_work_cancel(&q->work);
	q->base = 0;
	q->swallowed = 0;
	q->done = 0;
	q->log_slots = 0;
	q->next = 0;
	q->left = 0;
	q->enabled = false;
	q->scan = false;
	memset(q->last_op, 0, sizeof(q->last_op));
	memset(q->last_status, 0, sizeof(q->last_status));
}

void tfw_cmdq_cleanup(struct tfw_func *f)
{
	struct tfw_engine *e = tfw_func_engine(f);

	tfw_free(e, f->cmdq.in);
	tfw_free(e, f->cmdq.out);
}

enum tulle_status tfw_cmd_nop(struct tfw_cmd *cmd)
{
	(void)cmd;
	return TULLE_STATUS_OK;
}
