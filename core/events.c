// SPDX-License-Identifier: GPL-2.0
/* Asynchronous events: from the interrupt, through a fifo, to the clients. */

#include "core.h"

static void tulle_events_call(struct tulle_core *core,
			      struct tulle_async_event *event)
{
	if (tulle_dev_is_up(&core->dev) || event->type == TULLE_EVENT_DEAD)
		blocking_notifier_call_chain(&core->events.chain, event->type,
					     event);
}

static void tulle_events_work(struct work_struct *work)
{
	struct tulle_core *core = container_of(work, struct tulle_core,
					       events.work);
	struct tulle_async_event event;

	while (kfifo_out_spinlocked(&core->events.fifo, &event, 1,
				    &core->events.lock))
		tulle_events_call(core, &event);
	/* What did not fit may have been one of these: look again. */
	if (xchg(&core->events.missed, false)) {
		event = (struct tulle_async_event) {
			.type = TULLE_EVENT_PORT,
			.port = core->dev.limits.port,
		};
		tulle_events_call(core, &event);
		event = (struct tulle_async_event) { .type = TULLE_EVENT_QP };
		tulle_events_call(core, &event);
		event = (struct tulle_async_event) {
			.type = TULLE_EVENT_QUEUE_ERROR,
		};
		tulle_events_call(core, &event);
	}
	if (xchg(&core->events.dead, false)) {
		event = (struct tulle_async_event) { .type = TULLE_EVENT_DEAD };
		tulle_events_call(core, &event);
	}
}

void tulle_events_init(struct tulle_core *core)
{
	struct tulle_events *events = &core->events;

	BLOCKING_INIT_NOTIFIER_HEAD(&events->chain);
	INIT_WORK(&events->work, tulle_events_work);
	INIT_KFIFO(events->fifo);
	spin_lock_init(&events->lock);
}

void tulle_events_flush(struct tulle_core *core)
{
	unsigned long flags;

	cancel_work_sync(&core->events.work);
	spin_lock_irqsave(&core->events.lock, flags);
	kfifo_reset(&core->events.fifo);
	core->events.missed = false;
	core->events.dead = false;
	spin_unlock_irqrestore(&core->events.lock, flags);
}

/* Clients look for themselves. Any context. */
void tulle_event_lost(struct tulle_core *core)
{
	WRITE_ONCE(core->events.missed, true);
	queue_work(core->wq, &core->events.work);
}

/* From EQ0, hard interrupt context. */
void tulle_event_post(struct tulle_core *core, const struct tulle_eqe *eqe)
{
	struct tulle_events *events = &core->events;
	struct tulle_async_event event = {
		.type = eqe->type,
		.obj = eqe->obj,
		.handle = le32_to_cpu(eqe->handle),
		.port = le32_to_cpu(eqe->port),	/* or the code */
	};

	if (!kfifo_in_spinlocked(&events->fifo, &event, 1, &events->lock)) {
		events->dropped++;
		WRITE_ONCE(events->missed, true);
	}
	queue_work(core->wq, &events->work);
}

/* Any context; clients need not wait for the devlink lock to hear of it. */
void tulle_event_post_dead(struct tulle_core *core)
{
	WRITE_ONCE(core->events.dead, true);
	queue_work(core->wq, &core->events.work);
}

int tulle_event_register(struct tulle_dev *dev, struct notifier_block *nb)
{
	return blocking_notifier_chain_register(&to_tulle_core(dev)->events.chain,
						nb);
}
EXPORT_SYMBOL_NS_GPL(tulle_event_register, "TULLE_CORE");

void tulle_event_unregister(struct tulle_dev *dev, struct notifier_block *nb)
{
	blocking_notifier_chain_unregister(&to_tulle_core(dev)->events.chain,
					   nb);
}
EXPORT_SYMBOL_NS_GPL(tulle_event_unregister, "TULLE_CORE");
