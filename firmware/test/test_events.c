// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Event and completion queues: laps, arming, moderation, overrun, full event
 * queues, page lists, restore; command events.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../dev.h"
#include "fake.h"

#define VEC_ASYNC	0
#define VEC_COMP	5
#define MSEC		1000000ULL

struct fixture {
	struct fake		env;
	struct fake_dev		d;
	struct fake_queue	async;
	struct fake_queue	eq;
};

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	fake_init(&fx->env);
	if (!fake_dev_init(&fx->env, &fx->d, NULL))
		return -1;
	fake_boot(&fx->d);
	if (fake_eq_create(&fx->d, &fx->async, 4, VEC_ASYNC,
			   TULLE_EQ_F_ASYNC) ||
	    fake_eq_create(&fx->d, &fx->eq, 3, VEC_COMP, 0))
		return -1;
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	fake_dev_exit(&fx->d);
	fake_exit(&fx->env);
	free(fx);
	return 0;
}

static struct tfw_cq *cq_of(struct fake_queue *q)
{
	return tfw_cq_find(tfw_func_find(q->d->dev, 0), q->handle);
}

/* The device reports one completion, numbered so that order can be seen. */
static bool complete(struct fake_queue *q, u32 n)
{
	struct tulle_tx_cqe cqe = { .ci = cpu_to_le32(n) };
	bool ok = tfw_cq_push(cq_of(q), &cqe, sizeof(cqe), 0);

	fake_run(q->d->env);
	return ok;
}

static u32 poll_all(struct fake_queue *q)
{
	u32 n = 0;

	while (fake_poll(q))
		n++;
	return n;
}

static void test_cq_laps(void **state)
{
	struct fixture *fx = *state;
	struct tulle_tx_cqe *cqe;
	struct fake_queue cq;
	u32 i;

	assert_int_equal(fake_cq_create(&fx->d, &cq, fx->eq.handle, 3, 5, 0,
					0), 0);
	for (i = 0; i < 50; i++) {
		assert_null(fake_poll(&cq));
		assert_true(complete(&cq, i));
		cqe = fake_poll(&cq);
		assert_non_null(cqe);
		assert_int_equal(le32_to_cpu(cqe->ci), i);
	}
}

/* A 32-byte CQE in a 64-byte queue ends the entry. */
static void test_cq_wide(void **state)
{
	struct fixture *fx = *state;
	struct tulle_tx_cqe *cqe;
	struct fake_queue cq;
	u8 *entry;

	assert_int_equal(fake_cq_create(&fx->d, &cq, fx->eq.handle, 2, 6, 0,
					0), 0);
	assert_true(complete(&cq, 42));
	entry = fake_poll(&cq);
	assert_non_null(entry);
	cqe = (struct tulle_tx_cqe *)(void *)(entry + 32);
	assert_int_equal(le32_to_cpu(cqe->ci), 42);
	assert_true(tfw_is_zero(entry, 32));
}

static void test_cq_arm(void **state)
{
	struct fixture *fx = *state;
	struct tulle_eqe *eqe;
	struct fake_queue cq;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 0, 0);
	/* Not armed: nothing. */
	complete(&cq, 0);
	assert_null(fake_poll(&fx->eq));
	poll_all(&cq);
	/* Armed: one event per arming, however many completions. */
	fake_arm(&cq, TULLE_ARM_ANY);
	complete(&cq, 1);
	complete(&cq, 2);
	eqe = fake_poll(&fx->eq);
	assert_non_null(eqe);
	assert_int_equal(eqe->type, TULLE_EVENT_COMPLETION);
	assert_int_equal(le32_to_cpu(eqe->handle), cq.handle);
	assert_null(fake_poll(&fx->eq));
	poll_all(&cq);
	fake_arm(&cq, TULLE_ARM_ANY);
	complete(&cq, 3);
	assert_non_null(fake_poll(&fx->eq));
}

/* The EQ interrupts once per arming, too. */
static void test_eq_arm(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue cq;
	u32 i;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 0, 0);
	for (i = 0; i < 3; i++) {
		poll_all(&cq);
		fake_arm(&cq, TULLE_ARM_ANY);
		complete(&cq, i);
	}
	assert_int_equal(fx->d.irqs[VEC_COMP], 0);
	assert_int_equal(poll_all(&fx->eq), 3);
	fake_arm(&fx->eq, TULLE_ARM_ANY);
	for (i = 0; i < 3; i++) {
		poll_all(&cq);
		fake_arm(&cq, TULLE_ARM_ANY);
		complete(&cq, i);
	}
	assert_int_equal(fx->d.irqs[VEC_COMP], 1);
}

static void test_cq_solicited(void **state)
{
	struct fixture *fx = *state;
	struct tulle_tx_cqe cqe = { 0 };
	struct fake_queue cq;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 0, 0);
	fake_arm(&cq, TULLE_ARM_SOLICITED);
	complete(&cq, 1);
	assert_null(fake_poll(&fx->eq));
	tfw_cq_push(cq_of(&cq), &cqe, sizeof(cqe), TFW_CQE_F_SOLICITED);
	fake_run(&fx->env);
	assert_non_null(fake_poll(&fx->eq));
}

/* A CQ that its driver polled empty raises nothing when it was armed late. */
static void test_cq_no_spurious(void **state)
{
	struct fixture *fx = *state;
	struct tulle_tx_cqe cqe = { 0 };
	struct fake_queue cq;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 0, 0);
	tfw_cq_push(cq_of(&cq), &cqe, sizeof(cqe), 0);
	fake_arm(&cq, TULLE_ARM_ANY);
	assert_int_equal(poll_all(&cq), 1);
	fake_run(&fx->env);
	assert_null(fake_poll(&fx->eq));
	complete(&cq, 1);
	assert_non_null(fake_poll(&fx->eq));
}

/* Nor one that was never used, whatever its record says: nobody knows it yet. */
static void test_cq_unused(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue cq;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 0, 0);
	cq.dbr->ci = cpu_to_le32(7);
	fake_arm(&cq, TULLE_ARM_ANY);
	tfw_cq_poke(cq_of(&cq));
	fake_run(&fx->env);
	assert_null(fake_poll(&fx->eq));
	cq.dbr->ci = 0;
	complete(&cq, 1);
	assert_non_null(fake_poll(&fx->eq));
}

/* An event that leaves the CQ armed, empty and in its quiet time. */
static void raise_one(struct fixture *fx, struct fake_queue *cq)
{
	fake_arm(cq, TULLE_ARM_ANY);
	fake_advance(&fx->env, 10000000);
	complete(cq, 0);
	assert_non_null(fake_poll(&fx->eq));
	assert_int_equal(poll_all(cq), 1);
	fake_arm(cq, TULLE_ARM_ANY);
}

static void test_moderation_usecs(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue cq;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 0, 100);
	/* The first after a quiet time does not wait. */
	raise_one(fx, &cq);
	fake_advance(&fx->env, 60000);
	complete(&cq, 1);
	assert_null(fake_poll(&fx->eq));
	fake_advance(&fx->env, 39000);
	complete(&cq, 2);
	assert_null(fake_poll(&fx->eq));
	fake_advance(&fx->env, 1000);
	assert_non_null(fake_poll(&fx->eq));
	assert_null(fake_poll(&fx->eq));
}

static void test_moderation_cqe_mode(void **state)
{
	struct fixture *fx = *state;
	struct tulle_modify_cq mod = {
		.mod_usecs = cpu_to_le16(100),
		.flags = TULLE_CQ_F_MOD_CQE,
	};
	struct fake_queue cq;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 0, 0);
	mod.handle = cpu_to_le32(cq.handle);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_MODIFY_CQ, &mod,
				  sizeof(mod), NULL, 0), 0);
	fake_arm(&cq, TULLE_ARM_ANY);
	complete(&cq, 0);
	fake_advance(&fx->env, 60000);
	complete(&cq, 1);
	fake_advance(&fx->env, 60000);
	assert_null(fake_poll(&fx->eq));
	fake_advance(&fx->env, 40000);
	assert_non_null(fake_poll(&fx->eq));
}

static void test_moderation_frames(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue cq;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 3, 1000);
	raise_one(fx, &cq);
	complete(&cq, 0);
	complete(&cq, 1);
	assert_null(fake_poll(&fx->eq));
	complete(&cq, 2);
	assert_non_null(fake_poll(&fx->eq));
}

/* Completions that keep coming do not put the event off for ever. */
static void test_moderation_half_full(void **state)
{
	struct fixture *fx = *state;
	struct tulle_modify_cq mod = {
		.mod_usecs = cpu_to_le16(1000),
		.flags = TULLE_CQ_F_MOD_CQE,
	};
	struct fake_queue cq;
	u32 i;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 0, 0);
	mod.handle = cpu_to_le32(cq.handle);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_MODIFY_CQ, &mod,
				  sizeof(mod), NULL, 0), 0);
	fake_arm(&cq, TULLE_ARM_ANY);
	for (i = 0; i < 7; i++) {
		complete(&cq, i);
		fake_advance(&fx->env, 900000);
		assert_null(fake_poll(&fx->eq));
	}
	complete(&cq, i);
	assert_non_null(fake_poll(&fx->eq));
}

/* New, shorter terms count for what already waits. */
static void test_moderation_shortened(void **state)
{
	struct fixture *fx = *state;
	struct tulle_modify_cq mod = { 0 };
	struct fake_queue cq;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 0, 8000);
	raise_one(fx, &cq);
	complete(&cq, 0);
	assert_null(fake_poll(&fx->eq));
	mod.handle = cpu_to_le32(cq.handle);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_MODIFY_CQ, &mod,
				  sizeof(mod), NULL, 0), 0);
	assert_non_null(fake_poll(&fx->eq));
}

static void test_cq_overrun(void **state)
{
	struct fixture *fx = *state;
	struct tulle_handle_req req;
	struct tulle_cq_ctx ctx;
	struct tulle_eqe *eqe;
	struct fake_queue cq;
	u32 i;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 2, 5, 0, 0);
	assert_true(tfw_cq_room(cq_of(&cq), 4));
	assert_false(tfw_cq_room(cq_of(&cq), 5));
	for (i = 0; i < 4; i++)
		assert_true(complete(&cq, i));
	assert_false(tfw_cq_room(cq_of(&cq), 1));
	assert_false(complete(&cq, 4));
	assert_false(complete(&cq, 5));
	eqe = fake_poll(&fx->async);
	assert_non_null(eqe);
	assert_int_equal(eqe->type, TULLE_EVENT_QUEUE_ERROR);
	assert_int_equal(eqe->obj, TULLE_OBJ_CQ);
	assert_int_equal(le32_to_cpu(eqe->handle), cq.handle);
	assert_null(fake_poll(&fx->async));
	req = (struct tulle_handle_req){ .handle = cpu_to_le32(cq.handle) };
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_QUERY_CQ, &req,
				  sizeof(req), &ctx, sizeof(ctx)), 0);
	assert_int_equal(ctx.state, TULLE_QUEUE_ERROR);
	assert_int_equal(poll_all(&cq), 4);
}

static void test_cq_unreachable(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue cq;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 2, 5, 0, 0);
	fx->d.hole = cq.ring;
	fx->d.hole_len = 4096;
	assert_false(complete(&cq, 0));
	assert_int_equal(((struct tulle_eqe *)fake_poll(&fx->async))->type,
			 TULLE_EVENT_QUEUE_ERROR);
}

/* As many CQs as the EQ has entries, none on EQ0. */
static void test_cq_count(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue cq[9];
	int i;

	for (i = 0; i < 8; i++)
		assert_int_equal(fake_cq_create(&fx->d, &cq[i], fx->eq.handle,
						2, 5, 0, 0), 0);
	assert_int_equal(fake_cq_create(&fx->d, &cq[8], fx->eq.handle, 2, 5,
					0, 0), TULLE_STATUS_QUOTA);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_EQ,
				      fx->eq.handle), TULLE_STATUS_IN_USE);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_CQ,
				      cq[3].handle), 0);
	assert_int_equal(fake_cq_create(&fx->d, &cq[8], fx->eq.handle, 2, 5,
					0, 0), 0);
	assert_int_equal(fake_cq_create(&fx->d, &cq[3], fx->async.handle, 2,
					5, 0, 0), TULLE_STATUS_BAD_PARAM);
}

/* A driver that arms again and again without reading its EQ harms nobody. */
static void test_eq_full(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue cq;
	u32 i;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 6, 5, 0, 0);
	for (i = 0; i < 20; i++) {
		fake_arm(&cq, TULLE_ARM_ANY);
		complete(&cq, i);
	}
	assert_int_equal(poll_all(&fx->eq), 8);
	assert_null(fake_poll(&fx->eq));
	/* The event that found no room comes when there is some. */
	fake_advance(&fx->env, 2 * MSEC);
	assert_int_equal(poll_all(&fx->eq), 1);
	fake_advance(&fx->env, 2 * MSEC);
	assert_int_equal(poll_all(&fx->eq), 0);
}

#define CQS	64

/* However many wait for room in it, a full EQ costs nobody time. */
static void test_eq_full_for_many(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue eq, cq[CQS];
	u32 i, lap;
	u64 loads;

	assert_int_equal(fake_eq_create(&fx->d, &eq, 6, VEC_COMP, 0), 0);
	for (i = 0; i < CQS; i++)
		assert_int_equal(fake_cq_create(&fx->d, &cq[i], eq.handle, 4,
						5, 0, 0), 0);
	for (lap = 0; lap < 2; lap++) {
		for (i = 0; i < CQS; i++) {
			fake_arm(&cq[i], TULLE_ARM_ANY);
			complete(&cq[i], i);
		}
	}
	loads = fx->d.loads;
	fake_kick(&fx->d, TULLE_UAR_EQ, eq.handle);
	assert_in_range(fx->d.loads - loads, 0, 4);
	loads = fx->d.loads;
	fake_advance(&fx->env, 10 * MSEC);
	assert_in_range(fx->d.loads - loads, 0, 40);
	/* Each has its turn once there is room. */
	assert_int_equal(poll_all(&eq), CQS);
	fake_advance(&fx->env, 2 * MSEC);
	assert_int_equal(poll_all(&eq), CQS);
	fake_advance(&fx->env, 2 * MSEC);
	assert_int_equal(poll_all(&eq), 0);
}

/* An EQ that cannot be reached: all keep waiting, nobody runs in circles. */
static void test_eq_gone_for_many(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue eq, cq[4];
	u32 i;

	assert_int_equal(fake_eq_create(&fx->d, &eq, 6, VEC_COMP, 0), 0);
	fx->d.hole = eq.ring;
	fx->d.hole_len = 64 * 32;
	for (i = 0; i < 4; i++) {
		assert_int_equal(fake_cq_create(&fx->d, &cq[i], eq.handle, 4,
						5, 0, 0), 0);
		fake_arm(&cq[i], TULLE_ARM_ANY);
		complete(&cq[i], i);
	}
	fake_advance(&fx->env, 10 * MSEC);
	assert_int_equal(poll_all(&eq), 0);
	fx->d.hole_len = 0;
	fake_advance(&fx->env, 2 * MSEC);
	assert_int_equal(poll_all(&eq), 4);
}

static void post_nops(struct fake_dev *d, u32 n)
{
	struct tulle_cmd_slot *s;
	u32 i;

	for (i = 0; i < n; i++) {
		s = fake_slot(d, i);
		memset(s, 0, sizeof(*s));
		s->flags = TULLE_CMD_F_EVENT;
		fake_post(d, i);
	}
}

static u64 command_events(struct fake_queue *async)
{
	struct tulle_eqe *eqe;
	u64 slots = 0;

	while ((eqe = fake_poll(async))) {
		if (eqe->type != TULLE_EVENT_COMMAND)
			continue;
		assert_false(slots & le64_to_cpu(eqe->slots));
		slots |= le64_to_cpu(eqe->slots);
	}
	return slots;
}

static void test_command_events(void **state)
{
	struct fixture *fx = *state;

	fake_arm(&fx->async, TULLE_ARM_ANY);
	post_nops(&fx->d, 3);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(command_events(&fx->async), 7);
	assert_int_equal(fx->d.irqs[VEC_ASYNC], 1);
}

/* More than EQ0 holds: they merge, and none is lost. */
static void test_command_events_coalesce(void **state)
{
	struct fixture *fx = *state;
	u64 slots;

	post_nops(&fx->d, 64);
	fake_cmd_doorbell(&fx->d);
	slots = command_events(&fx->async);
	assert_true(slots != ~0ULL);
	fake_advance(&fx->env, 2 * MSEC);
	assert_true((slots | command_events(&fx->async)) == ~0ULL);
}

/* Also when a kick, not the timer, says that there is room. */
static void test_eq_kick(void **state)
{
	struct fixture *fx = *state;
	u64 slots;

	post_nops(&fx->d, 64);
	fake_cmd_doorbell(&fx->d);
	slots = command_events(&fx->async);
	fake_kick(&fx->d, TULLE_UAR_EQ, fx->async.handle);
	slots |= command_events(&fx->async);
	assert_true(slots == ~0ULL);
}

/* A lost interrupt is found again by a kick. */
static void test_eq_recovery(void **state)
{
	struct fixture *fx = *state;
	char err[80];

	assert_true(tfw_dev_set_faults(fx->d.dev, "irq_lost:n=1,c=1", err,
				       sizeof(err)));
	fake_arm(&fx->async, TULLE_ARM_ANY);
	post_nops(&fx->d, 1);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(fx->d.irqs[VEC_ASYNC], 0);
	fake_arm(&fx->async, TULLE_ARM_ANY);
	fake_kick(&fx->d, TULLE_UAR_EQ + 4096, fx->async.handle);
	assert_int_equal(fx->d.irqs[VEC_ASYNC], 0);
	fake_kick(&fx->d, TULLE_UAR_EQ, fx->async.handle);
	assert_int_equal(fx->d.irqs[VEC_ASYNC], 1);
}

static void test_cq_kick(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue cq;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 0, 8000);
	raise_one(fx, &cq);
	complete(&cq, 0);
	fake_kick(&fx->d, TULLE_UAR_CQ + 4096, cq.handle);
	assert_null(fake_poll(&fx->eq));
	fake_kick(&fx->d, TULLE_UAR_CQ, cq.handle);
	assert_non_null(fake_poll(&fx->eq));
}

/* Before there is anything to tell, armed or not: one event does not wait. */
static void test_cq_kick_ahead(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue cq;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 0, 8000);
	raise_one(fx, &cq);
	fake_kick(&fx->d, TULLE_UAR_CQ, cq.handle);
	assert_null(fake_poll(&fx->eq));
	complete(&cq, 0);
	assert_non_null(fake_poll(&fx->eq));
	assert_int_equal(poll_all(&cq), 1);

	fake_kick(&fx->d, TULLE_UAR_CQ, cq.handle);
	fake_arm(&cq, TULLE_ARM_ANY);
	complete(&cq, 1);
	assert_non_null(fake_poll(&fx->eq));
	assert_int_equal(poll_all(&cq), 1);

	fake_arm(&cq, TULLE_ARM_ANY);
	complete(&cq, 2);
	assert_null(fake_poll(&fx->eq));
}

/* More kicks than the queue holds, none of them valid, then a good one. */
static void test_kick_overflow(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue cq;
	u32 i;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 4, 5, 0, 8000);
	fake_arm(&cq, TULLE_ARM_ANY);
	complete(&cq, 0);
	for (i = 0; i < 3 * TFW_KICKS; i++)
		tfw_kick(fx->d.dev, 0, (i * 8) & 0xffffff, i * 0x01234567);
	assert_true(tfw_engine_kicked(fx->env.engine));
	fake_run(&fx->env);
	assert_false(tfw_engine_kicked(fx->env.engine));
	fake_kick(&fx->d, TULLE_UAR_CQ, cq.handle);
	assert_non_null(fake_poll(&fx->eq));
}

/* The kick that is dropped is an EQ's. */
static void test_kick_overflow_eq(void **state)
{
	struct fixture *fx = *state;
	u32 i;

	post_nops(&fx->d, 1);
	fake_cmd_doorbell(&fx->d);
	fake_arm(&fx->async, TULLE_ARM_ANY);
	for (i = 0; i < TFW_KICKS; i++)
		tfw_kick(fx->d.dev, 0, TULLE_UAR_CQ, 0);
	assert_int_equal(fx->d.irqs[VEC_ASYNC], 0);
	fake_kick(&fx->d, TULLE_UAR_EQ, fx->async.handle);
	assert_int_equal(fx->d.irqs[VEC_ASYNC], 1);
}

static void test_second_async_eq(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue eq;

	assert_int_equal(fake_eq_create(&fx->d, &eq, 4, 1, TULLE_EQ_F_ASYNC),
			 TULLE_STATUS_EXISTS);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_EQ,
				      fx->async.handle), 0);
	assert_int_equal(fake_eq_create(&fx->d, &eq, 4, 1, TULLE_EQ_F_ASYNC),
			 0);
}

static void test_eq_unreachable(void **state)
{
	struct fixture *fx = *state;

	fx->d.hole = fx->async.ring;
	fx->d.hole_len = 4096;
	post_nops(&fx->d, 1);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_SYNDROME),
			 TULLE_SYNDROME_DMA);
}

static void test_eq_bad_params(void **state)
{
	struct fixture *fx = *state;
	struct tulle_eq_ctx good = { .log_size = 4 }, ctx;
	enum tulle_status st;
	u64 ring;

	good.pages = fake_pages(&fx->d, 512, &ring);
	good.dbr = cpu_to_le64(fake_mem(&fx->d, 128, 128));
#define REFUSED(member, value) do {					\
	ctx = good;							\
	ctx.member = value;						\
	fake_create(&fx->d, TULLE_CMD_CREATE_EQ, &ctx, sizeof(ctx), &st); \
	assert_int_equal(st, TULLE_STATUS_BAD_PARAM);			\
} while (0)
	REFUSED(vector, cpu_to_le16(256));
	REFUSED(uar, cpu_to_le16(7));
	REFUSED(log_size, TFW_LOG_MAX_EQ + 1);
	REFUSED(log_size, 255);
	REFUSED(flags, 2);
	REFUSED(dbr, cpu_to_le64(64));
	REFUSED(pi, cpu_to_le32(1));
	REFUSED(fired_sn, cpu_to_le32(1));
	REFUSED(pages.levels, 3);
	REFUSED(pages.log_page_size, 11);
	REFUSED(pages.log_page_size, 31);
	REFUSED(pages.npages, 0);
	REFUSED(pages.first_offset, cpu_to_le32(8));
	REFUSED(pages.first_offset, cpu_to_le32(4096));
	REFUSED(pages.first_offset, cpu_to_le32(4064));
	REFUSED(pages.addr, cpu_to_le64(ring + 32));
#undef REFUSED
	/* Beyond the end of the address space. */
	ctx = good;
	ctx.log_size = 8;
	ctx.pages.npages = cpu_to_le32(2);
	ctx.pages.addr = cpu_to_le64(~0xfffULL);
	fake_create(&fx->d, TULLE_CMD_CREATE_EQ, &ctx, sizeof(ctx), &st);
	assert_int_equal(st, TULLE_STATUS_BAD_PARAM);
	ctx = good;
	ctx.dbr = cpu_to_le64(1ULL << 60);
	fake_create(&fx->d, TULLE_CMD_CREATE_EQ, &ctx, sizeof(ctx), &st);
	assert_int_equal(st, TULLE_STATUS_DMA);
	ctx = good;
	fake_create(&fx->d, TULLE_CMD_CREATE_EQ, &ctx, sizeof(ctx), &st);
	assert_int_equal(st, 0);
}

/* Scattered pages through one or two levels, an offset in the first. */
static void check_levels(struct fixture *fx, u8 levels)
{
	struct tulle_cq_ctx ctx = {
		.eq = cpu_to_le32(fx->eq.handle),
		.log_size = 8,
		.log_cqe_size = 6,
	};
	u64 page[5], list = fake_mem(&fx->d, 4096, 4096);
	u64 dir = fake_mem(&fx->d, 4096, 4096);
	struct tulle_tx_cqe cqe = { 0 };
	struct tfw_cq *cq;
	enum tulle_status st;
	u32 i, at, handle;
	u8 *entry;

	for (i = 0; i < 5; i++) {
		fake_mem(&fx->d, 4096 * (i + 1), 4096);
		page[i] = fake_mem(&fx->d, 4096, 4096);
		((__le64 *)fake_ptr(&fx->d, list))[i] = cpu_to_le64(page[i]);
	}
	*(__le64 *)fake_ptr(&fx->d, dir) = cpu_to_le64(list);
	ctx.pages.addr = cpu_to_le64(levels == 2 ? dir : list);
	ctx.pages.npages = cpu_to_le32(5);
	ctx.pages.first_offset = cpu_to_le32(192);
	ctx.pages.log_page_size = 12;
	ctx.pages.levels = levels;
	ctx.dbr = cpu_to_le64(fake_mem(&fx->d, 128, 128));
	handle = fake_create(&fx->d, TULLE_CMD_CREATE_CQ, &ctx, sizeof(ctx),
			     &st);
	assert_int_equal(st, 0);
	cq = tfw_cq_find(tfw_func_find(fx->d.dev, 0), handle);
	for (i = 0; i < 256; i++) {
		cqe.ci = cpu_to_le32(i);
		assert_true(tfw_cq_push(cq, &cqe, sizeof(cqe), 0));
		at = 192 + 64 * i;
		entry = (u8 *)fake_ptr(&fx->d, page[at / 4096]) + at % 4096;
		cqe.owner = 1;
		assert_memory_equal(entry + 32, &cqe, sizeof(cqe));
	}
	ctx.pages.npages = cpu_to_le32(4);
	fake_create(&fx->d, TULLE_CMD_CREATE_CQ, &ctx, sizeof(ctx), &st);
	assert_int_equal(st, TULLE_STATUS_BAD_PARAM);
}

static void test_page_lists(void **state)
{
	check_levels(*state, 1);
	check_levels(*state, 2);
}

static void test_page_list_faults(void **state)
{
	struct fixture *fx = *state;
	struct tulle_eq_ctx ctx = { .log_size = 8 };
	u64 list = fake_mem(&fx->d, 4096, 4096);
	__le64 *entry = fake_ptr(&fx->d, list);
	enum tulle_status st;

	ctx.pages.addr = cpu_to_le64(list);
	ctx.pages.npages = cpu_to_le32(2);
	ctx.pages.log_page_size = 12;
	ctx.pages.levels = 1;
	ctx.dbr = cpu_to_le64(fake_mem(&fx->d, 128, 128));
	entry[0] = cpu_to_le64(FAKE_BASE);
	entry[1] = cpu_to_le64(FAKE_BASE + 512);
	fake_create(&fx->d, TULLE_CMD_CREATE_EQ, &ctx, sizeof(ctx), &st);
	assert_int_equal(st, TULLE_STATUS_BAD_PARAM);
	ctx.pages.addr = cpu_to_le64(1ULL << 62);
	fake_create(&fx->d, TULLE_CMD_CREATE_EQ, &ctx, sizeof(ctx), &st);
	assert_int_equal(st, TULLE_STATUS_DMA);
	ctx.pages.levels = 2;
	fake_create(&fx->d, TULLE_CMD_CREATE_EQ, &ctx, sizeof(ctx), &st);
	assert_int_equal(st, TULLE_STATUS_DMA);
}

/* Read out, destroyed, made again: goes on where it was. */
static void test_cq_restore(void **state)
{
	struct fixture *fx = *state;
	struct tulle_handle_req req = { 0 };
	struct tulle_cq_ctx ctx, back;
	struct fake_queue cq;
	enum tulle_status st;
	u32 i;

	fake_cq_create(&fx->d, &cq, fx->eq.handle, 2, 5, 1, 7);
	for (i = 0; i < 6; i++) {
		fake_arm(&cq, TULLE_ARM_ANY);
		complete(&cq, i);
		poll_all(&fx->eq);
		assert_non_null(fake_poll(&cq));
	}
	req.handle = cpu_to_le32(cq.handle);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_QUERY_CQ, &req,
				  sizeof(req), &ctx, sizeof(ctx)), 0);
	assert_int_equal(le32_to_cpu(ctx.pi), 6);
	assert_int_equal(le32_to_cpu(ctx.fired_sn), 6);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_CQ,
				      cq.handle), 0);
	assert_int_equal(fake_create(&fx->d, TULLE_CMD_CREATE_CQ, &ctx,
				     sizeof(ctx), &st), cq.handle);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_QUERY_CQ, &req,
				  sizeof(req), &back, sizeof(back)), 0);
	assert_memory_equal(&back, &ctx, sizeof(ctx));
	fake_run(&fx->env);
	assert_null(fake_poll(&fx->eq));
	fake_arm(&cq, TULLE_ARM_ANY);
	complete(&cq, 6);
	assert_non_null(fake_poll(&cq));
	assert_int_equal(poll_all(&fx->eq), 1);
}

static void test_eq_restore(void **state)
{
	struct fixture *fx = *state;
	struct tulle_handle_req req = { 0 };
	struct tulle_eq_ctx ctx;

	post_nops(&fx->d, 3);
	fake_cmd_doorbell(&fx->d);
	poll_all(&fx->async);
	req.handle = cpu_to_le32(fx->async.handle);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_QUERY_EQ, &req,
				  sizeof(req), &ctx, sizeof(ctx)), 0);
	assert_int_equal(le32_to_cpu(ctx.pi), fx->async.ci);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_EQ,
				      fx->async.handle), 0);
	assert_int_equal(fake_create(&fx->d, TULLE_CMD_CREATE_EQ, &ctx,
				     sizeof(ctx), NULL), fx->async.handle);
	post_nops(&fx->d, 2);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(command_events(&fx->async), 3);
}

/* A reset in the middle of everything: no write, no interrupt, no leak. */
static void test_reset_with_objects(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue cq[3];
	char text[256];
	u32 i;

	for (i = 0; i < 3; i++) {
		fake_cq_create(&fx->d, &cq[i], fx->eq.handle, 4, 5, 0,
			       i * 1000);
		fake_arm(&cq[i], TULLE_ARM_ANY);
		tfw_cq_push(cq_of(&cq[i]), &(struct tulle_tx_cqe){ 0 },
			    sizeof(struct tulle_tx_cqe), 0);
	}
	fake_arm(&fx->eq, TULLE_ARM_ANY);
	tfw_func_reset(fx->d.dev, 0);
	fx->d.writes = 0;
	memset(fx->d.irqs, 0, sizeof(fx->d.irqs));
	fake_advance(&fx->env, 100 * MSEC);
	assert_int_equal(fx->d.writes, 0);
	assert_int_equal(fx->d.irqs[VEC_COMP], 0);
	tfw_dev_objects(fx->d.dev, text, sizeof(text));
	assert_non_null(strstr(text, "eq=0 cq=0"));
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cq_laps),
		TEST(test_cq_wide),
		TEST(test_cq_arm),
		TEST(test_eq_arm),
		TEST(test_cq_solicited),
		TEST(test_cq_no_spurious),
		TEST(test_cq_unused),
		TEST(test_moderation_usecs),
		TEST(test_moderation_cqe_mode),
		TEST(test_moderation_frames),
		TEST(test_moderation_half_full),
		TEST(test_moderation_shortened),
		TEST(test_cq_overrun),
		TEST(test_cq_unreachable),
		TEST(test_cq_count),
		TEST(test_eq_full),
		TEST(test_eq_full_for_many),
		TEST(test_eq_gone_for_many),
		TEST(test_command_events),
		TEST(test_command_events_coalesce),
		TEST(test_eq_kick),
		TEST(test_eq_recovery),
		TEST(test_cq_kick),
		TEST(test_cq_kick_ahead),
		TEST(test_kick_overflow),
		TEST(test_kick_overflow_eq),
		TEST(test_second_async_eq),
		TEST(test_eq_unreachable),
		TEST(test_eq_bad_params),
		TEST(test_page_lists),
		TEST(test_page_list_faults),
		TEST(test_cq_restore),
		TEST(test_eq_restore),
		TEST(test_reset_with_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
