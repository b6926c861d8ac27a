// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Asynchronous events. What happened is kept as state ("the port changed",
 * "these slots are done") and turned into entries as EQ0 has room: however
 * slow the driver, nothing is lost and nothing piles up.
 */
#include "rdma.h"

static bool event_push(struct tfw_func *f, struct tulle_eqe *eqe)
{
	eqe->func = cpu_to_le16(f->id);
	return tfw_eq_push(f->async_eq, eqe);
}

static bool event_push_health(struct tfw_func *f)
{
	struct tulle_eqe eqe = {
		.type = TULLE_EVENT_HEALTH,
		.syndrome = cpu_to_le32(f->async.syndrome),
	};

	if (f->async.health && !event_push(f, &eqe))
		return false;
	f->async.health = false;
	return true;
}

static bool event_push_cmds(struct tfw_func *f)
{
	struct tulle_eqe eqe = {
		.type = TULLE_EVENT_COMMAND,
		.slots = cpu_to_le64(f->async.cmds),
	};

	if (f->async.cmds && !event_push(f, &eqe))
		return false;
	f->async.cmds = 0;
	return true;
}

static bool event_push_port(struct tfw_func *f)
{
	struct tulle_eqe eqe = {
		.type = TULLE_EVENT_PORT,
	};

	if (f->async.port && !event_push(f, &eqe))
		return false;
	f->async.port = false;
	return true;
}

static bool event_push_vport(struct tfw_func *f)
{
	struct tulle_eqe eqe = {
		.type = TULLE_EVENT_VPORT,
		.handle = cpu_to_le32(f->vport->id),
	};

	if (f->async.vport && !event_push(f, &eqe))
		return false;
	f->async.vport = false;
	return true;
}

/* Pending events of a QP or SRQ; NULL: of a queue that just failed. */
static u32 *event_bits(struct tfw_obj *obj)
{
	if (obj->type == TULLE_OBJ_QP)
		return &tfw_container(obj, struct tfw_qp, obj)->events;
	if (obj->type == TULLE_OBJ_SRQ)
		return &tfw_container(obj, struct tfw_srq, obj)->events;
	return NULL;
}

/* All that an object has to say, lowest code first. */
static bool event_push_codes(struct tfw_obj *obj, u32 *bits)
{
	u32 code;

	for (code = 0; *bits; code++) {
		struct tulle_eqe eqe = {
			.type = obj->type == TULLE_OBJ_QP ? TULLE_EVENT_QP :
							    TULLE_EVENT_SRQ,
			.obj = obj->type,
			.handle = cpu_to_le32(obj->handle),
			.code = cpu_to_le32(code),
		};

		if (!(*bits & TULLE_BIT(code)))
			continue;
		if (!event_push(obj->func, &eqe))
			return false;
		*bits &= ~TULLE_BIT(code);
	}
	return true;
}

static bool event_push_error(struct tfw_obj *obj)
{
	struct tulle_eqe eqe = {
		.type = TULLE_EVENT_QUEUE_ERROR,
		.obj = obj->type,
		.handle = cpu_to_le32(obj->handle),
	};

	return event_push(obj->func, &eqe);
}

static bool event_push_objects(struct tfw_func *f)
{
	struct tfw_obj *obj;
	u32 *bits;

	while (!tfw_list_empty(&f->async.errors)) {
		obj = tfw_container(f->async.errors.next, struct tfw_obj,
				    event);
		bits = event_bits(obj);
		if (bits ? !event_push_codes(obj, bits) :
			   !event_push_error(obj))
			return false;
		tfw_list_del(&obj->event);
	}
	return true;
}

void tfw_event_flush(struct tfw_func *f)
{
	struct tfw_engine *e = tfw_func_engine(f);

	if (!f->async_eq || !tfw_func_live(f))
		return;
	if (event_push_health(f) && event_push_cmds(f) &&
	    event_push_port(f) && event_push_vport(f) &&
	    event_push_objects(f))
		return;
	if (!tfw_timer_armed(&f->async.retry))
		tfw_timer_arm(e, &f->async.retry, e->now + TFW_EQ_RETRY_NS);
}

static void event_retry(struct tfw_timer *t)
{
	struct tfw_async *async = tfw_container(t, struct tfw_async, retry);

	tfw_event_flush(tfw_container(async, struct tfw_func, async));
}

/* Without EQ0 nobody listens: the driver reads states when it makes one. */
void tfw_event_cmd(struct tfw_func *f, u32 slot)
{
	if (!f->async_eq)
		return;
	f->async.cmds |= 1ULL << slot;
	tfw_event_flush(f);
}

void tfw_event_port(struct tfw_dev *dev)
{
	u32 i;

	for (i = 0; i < dev->nfuncs; i++) {
		if (!dev->funcs[i].async_eq)
			continue;
		dev->funcs[i].async.port = true;
		tfw_event_flush(&dev->funcs[i]);
	}
}

void tfw_event_vport(struct tfw_vport *vport)
{
	if (!vport->func->async_eq)
		return;
	vport->func->async.vport = true;
	tfw_event_flush(vport->func);
}

static void event_list(struct tfw_obj *obj)
{
	struct tfw_func *f = obj->func;

	if (!tfw_list_empty(&obj->event))
		return;
	tfw_list_add_tail(&f->async.errors, &obj->event);
	tfw_event_flush(f);
}

void tfw_event_queue_error(struct tfw_obj *obj)
{
	if (obj->func->async_eq)
		event_list(obj);
}

void tfw_event_qp(struct tfw_qp *qp, enum tulle_qp_event code)
{
	if (!qp->obj.func->async_eq)
		return;
	qp->events |= TULLE_BIT(code);
	event_list(&qp->obj);
}

void tfw_event_srq(struct tfw_srq *srq, enum tulle_srq_event code)
{
	if (!srq->obj.func->async_eq)
		return;
	srq->events |= TULLE_BIT(code);
	event_list(&srq->obj);
}

void tfw_event_health(struct tfw_func *f, u32 syndrome)
{
	if (!f->async_eq)
		return;
	f->async.health = true;
	f->async.syndrome = syndrome;
	tfw_event_flush(f);
}

void tfw_event_init(struct tfw_func *f)
{
	tfw_list_init(&f->async.errors);
	tfw_timer_init(&f->async.retry, event_retry);
}

void tfw_event_reset(struct tfw_func *f)
{
	struct tfw_obj *obj;
	u32 *bits;

	tfw_timer_cancel(tfw_func_engine(f), &f->async.retry);
	while (!tfw_list_empty(&f->async.errors)) {
		obj = tfw_container(f->async.errors.next, struct tfw_obj,
				    event);
		bits = event_bits(obj);
		if (bits)
			*bits = 0;
		tfw_list_del(&obj->event);
	}
	f->async.cmds = 0;
	f->async.port = false;
	f->async.vport = false;
	f->async.health = false;
}
