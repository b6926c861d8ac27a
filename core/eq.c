// SPDX-License-Identifier: GPL-2.0
/*
 * Event queues. EQ0 carries commands and asynchronous events, the others only
 * completions. Each completion EQ knows its own CQs: an event that names
 * another one goes nowhere, but may have been meant for any of them, and who
 * waits for it waits for ever. So all of them look.
 */

#include <linux/bottom_half.h>
#include <linux/timer.h>
#include "core.h"
#include "trace.h"

/* Entries taken in one go, in units of the ring; more is a storm. */
#define TULLE_EQ_LAPS		4
#define TULLE_EQ_REST_MS	10

static void tulle_eq_bogus(struct tulle_eq *eq, const struct tulle_eqe *eqe)
{
	eq->bogus++;
	eq->lost = true;
	dev_warn_ratelimited(eq->core->dev.device,
			     "event makes no sense: EQ %#x type %u handle %#x\n",
			     eq->handle, eqe->type, le32_to_cpu(eqe->handle));
}

static void tulle_eq_completion(struct tulle_eq *eq,
				const struct tulle_eqe *eqe)
{
	u32 handle = le32_to_cpu(eqe->handle);
	struct tulle_cq *cq;

	cq = xa_load(&eq->cqs, FIELD_GET(TULLE_HANDLE_INDEX, handle));
	if (!cq || cq->handle != handle) {
		tulle_eq_bogus(eq, eqe);
		return;
	}
	cq->comp(cq);
}

static void tulle_eq_async(struct tulle_eq *eq, const struct tulle_eqe *eqe)
{
	struct tulle_core *core = eq->core;

	switch (eqe->type) {
	case TULLE_EVENT_COMMAND:
		tulle_cmd_event(core, le64_to_cpu(eqe->slots));
		break;
	case TULLE_EVENT_PORT:
	case TULLE_EVENT_VPORT:
	case TULLE_EVENT_QUEUE_ERROR:
	case TULLE_EVENT_QP:
	case TULLE_EVENT_SRQ:
		tulle_event_post(core, eqe);
		break;
	case TULLE_EVENT_HEALTH:
		tulle_dev_fail(&core->dev, "firmware reported a crash");
		break;
	default:
		tulle_eq_bogus(eq, eqe);
		tulle_event_lost(core);
	}
}

/* Each entry is copied once: the device could change it under our eyes. */
static unsigned int tulle_eq_consume(struct tulle_eq *eq, unsigned int limit)
{
	struct tulle_cons *cons = &eq->cons;
	struct tulle_eqe eqe;
	unsigned int n;
	void *entry;

	for (n = 0; n < limit; n++) {
		entry = tulle_cons_peek(cons);
		if (!entry)
			break;
		memcpy(&eqe, entry, sizeof(eqe));
		tulle_cons_pop(cons);
		trace_tulle_event(eq->core, eq->handle, &eqe);
		if (eq->async)
			tulle_eq_async(eq, &eqe);
		else if (eqe.type == TULLE_EVENT_COMPLETION)
			tulle_eq_completion(eq, &eqe);
		else
			tulle_eq_bogus(eq, &eqe);
	}
	return n;
}

static void tulle_eq_find_lost(struct tulle_eq *eq)
{
	struct tulle_cq *cq;
	unsigned long index;

	eq->lost = false;
	xa_for_each(&eq->cqs, index, cq)
		cq->comp(cq);
}

/*
 * Take what there is and arm; what came between the two is taken as well. A
 * device that never stops is left alone for a while.
 */
static unsigned int tulle_eq_poll_locked(struct tulle_eq *eq)
{
	unsigned int limit = TULLE_EQ_LAPS * tulle_ring_size(&eq->cons.ring);
	unsigned int n = 0;

	do {
		n += tulle_eq_consume(eq, limit - n);
		if (n >= limit) {
			tulle_cons_update(&eq->cons);
			eq->storms++;
			mod_timer(&eq->again, jiffies +
				  msecs_to_jiffies(TULLE_EQ_REST_MS));
			break;
		}
		tulle_cons_arm(&eq->cons, TULLE_ARM_ANY);
	} while (tulle_cons_peek(&eq->cons));
	if (unlikely(eq->lost))
		tulle_eq_find_lost(eq);
	eq->events += n;
	return n;
}

/* Any context. */
unsigned int tulle_eq_poll(struct tulle_eq *eq)
{
	unsigned long flags;
	unsigned int n = 0;

	spin_lock_irqsave(&eq->lock, flags);
	if (eq->live)
		n = tulle_eq_poll_locked(eq);
	spin_unlock_irqrestore(&eq->lock, flags);
	return n;
}

/* Process context: the NAPIs it schedules run before it returns. */
unsigned int tulle_eq_look(struct tulle_eq *eq)
{
	unsigned int n;

	local_bh_disable();
	n = tulle_eq_poll(eq);
	local_bh_enable();
	return n;
}

static void tulle_eq_again(struct timer_list *timer)
{
	struct tulle_eq *eq = timer_container_of(eq, timer, again);

	tulle_eq_poll(eq);
}

void tulle_eq_init(struct tulle_core *core, struct tulle_eq *eq)
{
	eq->core = core;
	spin_lock_init(&eq->lock);
	xa_init(&eq->cqs);
	timer_setup(&eq->again, tulle_eq_again, 0);
}

static int tulle_eq_alloc(struct tulle_core *core, struct tulle_eq *eq,
			  u8 log_size)
{
	u8 log_entry = ilog2(sizeof(struct tulle_eqe));
	int err;

	err = tulle_mem_alloc(&core->dev, &eq->mem, 1UL << (log_size +
			      log_entry));
	if (err)
		return err;
	err = tulle_dbr_alloc(&core->dev, &eq->dbr);
	if (err) {
		tulle_mem_free(&core->dev, &eq->mem);
		return err;
	}
	tulle_ring_init(&eq->cons.ring, eq->mem.buf, log_size, log_entry);
	tulle_cons_init(&eq->cons, eq->dbr.dbr);
	return 0;
}

static void tulle_eq_free(struct tulle_core *core, struct tulle_eq *eq)
{
	tulle_dbr_free(&core->dev, &eq->dbr);
	tulle_mem_free(&core->dev, &eq->mem);
}

int tulle_eq_create(struct tulle_core *core, struct tulle_eq *eq,
		    unsigned int vector, u8 log_size, bool async)
{
	struct tulle_eq_ctx ctx = {
		.vector = cpu_to_le16(vector),
		.uar = cpu_to_le16(TULLE_UAR_KERNEL),
		.log_size = log_size,
		.flags = async ? TULLE_EQ_F_ASYNC : 0,
	};
	int err;

	eq->async = async;
	err = tulle_eq_alloc(core, eq, log_size);
	if (err)
		return err;
	ctx.pages = eq->mem.pages;
	ctx.dbr = cpu_to_le64(eq->dbr.dma);
	err = tulle_obj_create(&core->dev, TULLE_CMD_CREATE_EQ, &ctx,
			       sizeof(ctx), &eq->handle);
	if (err)
		goto err_free;
	spin_lock_irq(&eq->lock);
	eq->live = true;
	spin_unlock_irq(&eq->lock);
	/* Arms it, and takes what an early interrupt left. */
	tulle_eq_look(eq);
	return 0;

err_free:
	tulle_eq_free(core, eq);
	return err;
}

void tulle_eq_destroy(struct tulle_core *core, struct tulle_eq *eq)
{
	if (!eq->handle)
		return;
	spin_lock_irq(&eq->lock);
	eq->live = false;
	spin_unlock_irq(&eq->lock);
	timer_delete_sync(&eq->again);
	tulle_obj_destroy(&core->dev, TULLE_CMD_DESTROY_EQ, eq->handle);
	eq->handle = 0;
	tulle_eq_free(core, eq);
	/* What was left behind must not keep its name from others. */
	if (WARN_ON_ONCE(!xa_empty(&eq->cqs)))
		xa_destroy(&eq->cqs);
}

int tulle_eq_add_cq(struct tulle_eq *eq, struct tulle_cq *cq)
{
	return tulle_obj_name(&eq->cqs,
			      FIELD_GET(TULLE_HANDLE_INDEX, cq->handle), cq);
}

/* When it returns, cq->comp is not running and will not be called. */
void tulle_eq_del_cq(struct tulle_eq *eq, struct tulle_cq *cq)
{
	xa_erase(&eq->cqs, FIELD_GET(TULLE_HANDLE_INDEX, cq->handle));
	/* Lookups are made under the lock: wait for the last one. */
	spin_lock_irq(&eq->lock);
	spin_unlock_irq(&eq->lock);
}
