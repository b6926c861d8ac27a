// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Registers, states, reset, the command interface and handle tables.
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

struct fixture {
	struct fake	env;
	struct fake_dev	d;
};

static int setup_cold(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	fake_init(&fx->env);
	if (!fake_dev_init(&fx->env, &fx->d, NULL))
		return -1;
	*state = fx;
	return 0;
}

static int setup(void **state)
{
	struct fixture *fx;

	if (setup_cold(state))
		return -1;
	fx = *state;
	fake_boot(&fx->d);
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

static u32 dev_state(struct fake_dev *d)
{
	return u32_get_bits(fake_reg(d, TULLE_REG_STATE), TULLE_STATE_STATE);
}

static void test_boot(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(fake_reg(&fx->d, TULLE_REG_MAGIC), TULLE_MAGIC);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_IF_VERSION),
			 TULLE_IF_MAJOR << 16 | TULLE_IF_MINOR);
	assert_int_equal(dev_state(&fx->d), TULLE_STATE_BOOTING);
	assert_string_equal(tfw_dev_state(fx->d.dev, 0), "booting");
	fake_run(&fx->env);
	assert_int_equal(dev_state(&fx->d), TULLE_STATE_BOOTING);
	fake_advance(&fx->env, 1000000);
	assert_int_equal(dev_state(&fx->d), TULLE_STATE_READY);
	assert_string_equal(tfw_dev_state(fx->d.dev, 0), "ready");
	assert_true(u32_get_bits(fake_reg(&fx->d, TULLE_REG_STATE),
				 TULLE_STATE_BOOT_LIMIT));
	assert_int_equal(tfw_mmio_read(fx->d.dev, 1, TULLE_REG_MAGIC), ~0U);
	assert_int_equal(fake_reg(&fx->d, TULLE_BAR_REGS_SIZE - 4), 0);
}

static void test_heartbeat(void **state)
{
	struct fixture *fx = *state;
	u32 before = fake_reg(&fx->d, TULLE_REG_HEARTBEAT);
	int i;

	for (i = 0; i < 20; i++) {
		fake_advance(&fx->env, 100000000);
		assert_true(fake_reg(&fx->d, TULLE_REG_HEARTBEAT) > before);
		before = fake_reg(&fx->d, TULLE_REG_HEARTBEAT);
	}
}

static void test_clock_latch(void **state)
{
	struct fixture *fx = *state;
	u64 before, lo, hi;

	fx->env.now = 0x2fffffff0ULL;
	before = fx->env.now;
	lo = fake_reg(&fx->d, TULLE_REG_CLOCK_LO);
	fx->env.now += 100;
	hi = fake_reg(&fx->d, TULLE_REG_CLOCK_HI);
	assert_int_equal(hi << 32 | lo, before);
}

static void test_registers_locked(void **state)
{
	struct fixture *fx = *state;
	u32 base = fake_reg(&fx->d, TULLE_REG_CMD_BASE_LO);

	/* Fixed while the interface is enabled. */
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_CMD_BASE_LO, 0x1000);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_CMD_BASE_LO), base);
	/* Read-only and unknown registers ignore writes. */
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_MAGIC, 0);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_MAGIC), TULLE_MAGIC);
	tfw_mmio_write(fx->d.dev, 0, 0x3ffc, 1);
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_SCRATCH, 0x12345678);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_SCRATCH), 0x12345678);
	assert_int_equal(tfw_mmio_read(fx->d.dev, 0, TULLE_REG_SCRATCH + 1),
			 0);
}

static void test_uar_stride(void **state)
{
	struct fixture *fx = *state;
	u32 uar;

	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_UAR_CFG, 16);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_UAR_CFG) & 31, 16);
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_UAR_CFG, 17);
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_UAR_CFG, 11);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_UAR_CFG) & 31, 16);
	uar = fake_create(&fx->d, TULLE_CMD_ALLOC_UAR, NULL, 0, NULL);
	assert_int_not_equal(uar, 0);
	assert_int_not_equal(uar & TULLE_HANDLE_INDEX, TULLE_UAR_KERNEL);
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_UAR_CFG, 12);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_UAR_CFG) & 31, 16);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_FREE_UAR, uar), 0);
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_UAR_CFG, 12);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_UAR_CFG) & 31, 12);
}

/* No more pages than the BAR has at this stride, whatever the quota says. */
static void test_uar_exhaustion(void **state)
{
	struct fixture *fx = *state;
	enum tulle_status st;
	u32 n = 0;

	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_UAR_CFG, 16);
	while (fake_create(&fx->d, TULLE_CMD_ALLOC_UAR, NULL, 0, &st))
		n++;
	assert_int_equal(st, TULLE_STATUS_QUOTA);
	assert_int_equal(n, (1U << (24 - 16)) - 1);
	/* One that comes back can be had again. */
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_FREE_UAR,
				      1U << 24 | 100), 0);
	assert_int_equal(fake_create(&fx->d, TULLE_CMD_ALLOC_UAR, NULL, 0,
				     &st) & TULLE_HANDLE_INDEX, 100);
	/* A reset narrows them, and there are more. */
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_RESET, TULLE_RESET_MAGIC);
	fake_boot(&fx->d);
	for (n = 0; n < 1U << (24 - 16); n++)
		assert_int_not_equal(fake_create(&fx->d, TULLE_CMD_ALLOC_UAR,
						 NULL, 0, NULL), 0);
}

static void test_kernel_uar_is_fixed(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_FREE_UAR, 1U << 24),
			 TULLE_STATUS_DENIED);
}

static void test_unknown_ops(void **state)
{
	struct fixture *fx = *state;
	u32 op, known = 0;

	for (op = 0; op < 0x10000; op += op < 0x200 ? 1 : 251) {
		enum tulle_status st = fake_cmd(&fx->d, (u16)op, NULL, 0,
						NULL, 0);

		if (tfw_cmd_lookup((u16)op))
			known++;
		else
			assert_int_equal(st, TULLE_STATUS_BAD_OP);
	}
	assert_true(known > 40);
}

static void test_lengths(void **state)
{
	struct fixture *fx = *state;
	struct tulle_caps caps;
	u8 in[64] = { 0 };

	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_NOP, in, 4, NULL, 0),
			 TULLE_STATUS_BAD_LEN);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_QUERY_CAPS, NULL, 0,
				  &caps, sizeof(caps) - 1),
			 TULLE_STATUS_BAD_LEN);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_CREATE_PD, in, 4, in, 8),
			 TULLE_STATUS_BAD_LEN);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_CREATE_PD, in, 12, in, 8),
			 TULLE_STATUS_BAD_LEN);
	/* More room than the answer needs is fine, and stays untouched. */
	memset(fake_ptr(&fx->d, fx->d.out_box + 4096), 0xaa, 4096);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_QUERY_CAPS, NULL, 0, NULL,
				  4096), TULLE_STATUS_OK);
	assert_int_equal(fx->d.out_used, sizeof(caps));
	assert_int_equal(*(u8 *)fake_ptr(&fx->d, fx->d.out_box + 4096 +
					 sizeof(caps)), 0xaa);
}

static void test_reserved(void **state)
{
	struct fixture *fx = *state;
	struct tulle_handle_req req = { .handle = cpu_to_le32(5), };
	struct tulle_eq_ctx eq = { 0 };
	struct tulle_handle_rsp rsp;

	req.rsvd = cpu_to_le32(0x80000000);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_DESTROY_PD, &req,
				  sizeof(req), NULL, 0),
			 TULLE_STATUS_BAD_PARAM);
	assert_int_equal(fx->d.syndrome,
			 offsetof(struct tulle_handle_req, rsvd));
	eq.pages.rsvd[5] = 1;
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_CREATE_EQ, &eq,
				  sizeof(eq), &rsp, sizeof(rsp)),
			 TULLE_STATUS_BAD_PARAM);
	assert_int_equal(fx->d.syndrome,
			 offsetof(struct tulle_eq_ctx, pages.rsvd));
}

static void test_slot_reserved(void **state)
{
	struct fixture *fx = *state;
	struct tulle_cmd_slot *s = fake_slot(&fx->d, 3);

	memset(s, 0, sizeof(*s));
	s->rsvd0 = 1;
	fake_post(&fx->d, 3);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(s->owner, TULLE_CMD_OWNER_DRIVER);
	assert_int_equal(s->status, TULLE_STATUS_BAD_PARAM);
	assert_int_equal(le32_to_cpu(s->syndrome), 3);
	memset(s, 0, sizeof(*s));
	s->flags = 0x80;
	fake_post(&fx->d, 3);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(s->status, TULLE_STATUS_BAD_PARAM);
	memset(s, 0, sizeof(*s));
	s->func = cpu_to_le16(1);
	fake_post(&fx->d, 3);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(s->status, TULLE_STATUS_DENIED);
}

static void test_inline(void **state)
{
	struct fixture *fx = *state;
	struct tulle_cmd_slot *s = fake_slot(&fx->d, 7);
	struct tulle_handle_rsp *rsp = (void *)s->data;

	memset(s, 0, sizeof(*s));
	s->op = cpu_to_le16(TULLE_CMD_CREATE_PD);
	s->flags = TULLE_CMD_F_IN_INLINE | TULLE_CMD_F_OUT_INLINE;
	s->in_len = cpu_to_le32(8);
	s->out_len = cpu_to_le32(8);
	s->token = cpu_to_le32(77);
	fake_post(&fx->d, 7);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(s->owner, TULLE_CMD_OWNER_DRIVER);
	assert_int_equal(s->status, TULLE_STATUS_OK);
	assert_int_equal(le32_to_cpu(s->out_used), 8);
	assert_int_equal(le32_to_cpu(s->token), 77);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_PD,
				      le32_to_cpu(rsp->handle)), 0);
	/* 17 bytes do not fit. */
	memset(s, 0, sizeof(*s));
	s->op = cpu_to_le16(TULLE_CMD_QUERY_PORT);
	s->flags = TULLE_CMD_F_OUT_INLINE;
	s->out_len = cpu_to_le32(64);
	fake_post(&fx->d, 7);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(s->status, TULLE_STATUS_BAD_LEN);
}

static void test_mailbox_faults(void **state)
{
	struct fixture *fx = *state;
	struct tulle_cmd_slot *s = fake_slot(&fx->d, 1);

	/* A page that is not there. */
	memset(s, 0, sizeof(*s));
	s->op = cpu_to_le16(TULLE_CMD_QUERY_CAPS);
	s->out_len = cpu_to_le32(256);
	s->out_addr = cpu_to_le64(0x7000000000000000ULL);
	fake_post(&fx->d, 1);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(s->status, TULLE_STATUS_DMA);
	assert_int_equal(s->out_used, 0);
	/* Not aligned. */
	s->out_addr = cpu_to_le64(fx->d.out_box + 8);
	fake_post(&fx->d, 1);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(s->status, TULLE_STATUS_BAD_PARAM);
	/* A single page holds no more than a page. */
	memset(s, 0, sizeof(*s));
	s->op = cpu_to_le16(TULLE_CMD_DEL_RULES);
	s->in_len = cpu_to_le32(8192);
	s->out_len = cpu_to_le32(8);
	s->in_addr = cpu_to_le64(fx->d.in_box);
	s->out_addr = cpu_to_le64(fx->d.out_box);
	fake_post(&fx->d, 1);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(s->status, TULLE_STATUS_BAD_LEN);
	assert_int_equal(dev_state(&fx->d), TULLE_STATE_READY);
}

/* All slots at once, one doorbell. */
static void test_many_slots(void **state)
{
	struct fixture *fx = *state;
	u32 i;

	for (i = 0; i < FAKE_SLOTS; i++) {
		memset(fake_slot(&fx->d, i), 0, sizeof(struct tulle_cmd_slot));
		fake_post(&fx->d, i);
	}
	fake_cmd_doorbell(&fx->d);
	for (i = 0; i < FAKE_SLOTS; i++)
		assert_int_equal(fake_slot(&fx->d, i)->owner,
				 TULLE_CMD_OWNER_DRIVER);
}

static void one_ms_per_write(struct fake_dev *d, u64 addr, size_t len)
{
	(void)addr;
	(void)len;
	d->env->now += 1000000;
}

/* After a command that took long the others have their turn. */
static void test_slow_commands(void **state)
{
	struct fixture *fx = *state;
	u32 i, done = 0;

	for (i = 0; i < 8; i++) {
		memset(fake_slot(&fx->d, i), 0, sizeof(struct tulle_cmd_slot));
		fake_post(&fx->d, i);
	}
	fx->d.on_write = one_ms_per_write;
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_CMD_DOORBELL, 0);
	/* No more than one turn. */
	assert_true(tfw_engine_run(fx->env.engine, 1, TFW_NEVER));
	for (i = 0; i < 8; i++)
		done += fake_slot(&fx->d, i)->owner == TULLE_CMD_OWNER_DRIVER;
	assert_int_equal(done, 1);
	fake_run(&fx->env);
	for (i = 0; i < 8; i++)
		assert_int_equal(fake_slot(&fx->d, i)->owner,
				 TULLE_CMD_OWNER_DRIVER);
	fx->d.on_write = NULL;
}

static void test_slots_unreachable(void **state)
{
	struct fixture *fx = *state;
	struct tulle_crash crash;
	__le32 *words = (__le32 *)&crash;
	u32 i;

	fx->d.hole = fx->d.slots;
	fx->d.hole_len = 64;
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(dev_state(&fx->d), TULLE_STATE_DEAD);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_SYNDROME),
			 TULLE_SYNDROME_DMA);
	for (i = 0; i < sizeof(crash) / 4; i++)
		words[i] = cpu_to_le32(fake_reg(&fx->d, TULLE_REG_CRASH +
						4 * i));
	assert_int_equal(le32_to_cpu(crash.syndrome), TULLE_SYNDROME_DMA);
	assert_string_equal(crash.file, "cmd.c");
	fx->d.hole_len = 0;
	tfw_func_reset(fx->d.dev, 0);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_SYNDROME), 0);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_CRASH), 0);
	fake_boot(&fx->d);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_NOP, NULL, 0, NULL, 0), 0);
}

static void test_reset_register(void **state)
{
	struct fixture *fx = *state;
	u32 gen = tfw_func_generation(fx->d.dev, 0);

	assert_int_not_equal(fake_create(&fx->d, TULLE_CMD_ALLOC_UAR, NULL, 0,
					 NULL), 0);
	fake_post(&fx->d, 9);
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_CMD_DOORBELL, 0);
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_RESET, 0xdead);
	assert_int_equal(tfw_func_generation(fx->d.dev, 0), gen);
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_RESET, TULLE_RESET_MAGIC);
	assert_int_equal(fx->d.resets, 1);
	assert_int_equal(tfw_func_generation(fx->d.dev, 0), gen + 1);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_CMD_CFG), 0);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_CMD_BASE_LO), 0);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_SCRATCH), 0);
	fx->d.writes = 0;
	fake_advance(&fx->env, 1000000000);
	assert_int_equal(fx->d.writes, 0);
	assert_int_equal(fake_slot(&fx->d, 9)->owner, TULLE_CMD_OWNER_DEVICE);
}

static void count_objects(struct fake_dev *d, struct tulle_func_info *info)
{
	assert_int_equal(fake_cmd(d, TULLE_CMD_QUERY_FUNC, NULL, 0, info,
				  sizeof(*info)), 0);
}

static void test_query_func(void **state)
{
	struct fixture *fx = *state;
	struct tulle_func_info info;
	struct tulle_pd_ctx pd = { 0 };
	char text[256];
	u32 i, handle;

	count_objects(&fx->d, &info);
	for (i = 0; i < TULLE_OBJ_TYPES; i++)
		assert_int_equal(le32_to_cpu(info.obj[i].used), 0);
	handle = fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd),
			     NULL);
	count_objects(&fx->d, &info);
	assert_int_equal(le32_to_cpu(info.obj[TULLE_OBJ_PD].used), 1);
	tfw_dev_objects(fx->d.dev, text, sizeof(text));
	assert_non_null(strstr(text, "pd=1"));
	assert_non_null(strstr(text, "uar=0"));
	fake_destroy(&fx->d, TULLE_CMD_DESTROY_PD, handle);
	count_objects(&fx->d, &info);
	assert_int_equal(le32_to_cpu(info.obj[TULLE_OBJ_PD].used), 0);
}

static void test_stale_handles(void **state)
{
	struct fixture *fx = *state;
	struct tulle_pd_ctx pd = { 0 };
	u32 a = fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd),
			    NULL);

	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_PD, a), 0);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_PD, a),
			 TULLE_STATUS_BAD_HANDLE);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_PD, 0),
			 TULLE_STATUS_BAD_HANDLE);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_PD, ~0U),
			 TULLE_STATUS_BAD_HANDLE);
	/* Of another type. */
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_EQ, a),
			 TULLE_STATUS_BAD_HANDLE);
}

/* Up to the quota; indices stay below it and come back oldest first. */
static void test_quota_and_reuse(void **state)
{
	struct fixture *fx = *state;
	struct tulle_func_info info;
	struct tulle_pd_ctx pd = { 0 };
	enum tulle_status st;
	u32 quota, i, *h;

	count_objects(&fx->d, &info);
	quota = le32_to_cpu(info.obj[TULLE_OBJ_PD].quota);
	h = calloc(quota, sizeof(*h));
	for (i = 0; i < quota; i++) {
		h[i] = fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd,
				   sizeof(pd), &st);
		assert_int_equal(st, 0);
		assert_true((h[i] & TULLE_HANDLE_INDEX) < quota);
	}
	fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd), &st);
	assert_int_equal(st, TULLE_STATUS_QUOTA);
	for (i = 10; i < 20; i++)
		fake_destroy(&fx->d, TULLE_CMD_DESTROY_PD, h[i]);
	for (i = 10; i < 20; i++) {
		u32 n = fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd,
				    sizeof(pd), NULL);

		assert_int_equal(n & TULLE_HANDLE_INDEX,
				 h[i] & TULLE_HANDLE_INDEX);
		assert_int_not_equal(n, h[i]);
	}
	free(h);
}

static void test_restore(void **state)
{
	struct fixture *fx = *state;
	struct tulle_pd_ctx pd = { .handle = cpu_to_le32(0x05000123) };
	enum tulle_status st;
	u32 i, h;

	h = fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd), &st);
	assert_int_equal(st, 0);
	assert_int_equal(h, 0x05000123);
	fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd), &st);
	assert_int_equal(st, TULLE_STATUS_EXISTS);
	pd.handle = cpu_to_le32(0x00000124);
	fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd), &st);
	assert_int_equal(st, TULLE_STATUS_BAD_HANDLE);
	pd.handle = cpu_to_le32(0x01ffffff);
	fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd), &st);
	assert_int_equal(st, TULLE_STATUS_QUOTA);
	/* Fresh ones step around it, also after it came and went. */
	pd.handle = 0;
	for (i = 0; i < 0x200; i++) {
		h = fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd),
				&st);
		assert_int_equal(st, 0);
		assert_int_not_equal(h & TULLE_HANDLE_INDEX, 0x123);
	}
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_PD,
				      0x05000123), 0);
}

/* A restored index that waits in the list of freed ones is not given twice. */
static void test_restore_freed(void **state)
{
	struct fixture *fx = *state;
	struct tulle_pd_ctx pd = { 0 };
	bool seen[4096] = { false };
	enum tulle_status st;
	u32 i, h[200];

	for (i = 0; i < 200; i++)
		h[i] = fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd,
				   sizeof(pd), NULL);
	for (i = 0; i < 200; i++)
		fake_destroy(&fx->d, TULLE_CMD_DESTROY_PD, h[i]);
	for (i = 0; i < 200; i += 3) {
		pd.handle = cpu_to_le32(h[i]);
		assert_int_equal(fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd,
					     sizeof(pd), &st), h[i]);
		seen[h[i] & TULLE_HANDLE_INDEX] = true;
	}
	pd.handle = 0;
	for (;;) {
		u32 n = fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd,
				    sizeof(pd), &st) & TULLE_HANDLE_INDEX;

		if (st)
			break;
		assert_false(seen[n]);
		seen[n] = true;
	}
	assert_int_equal(st, TULLE_STATUS_QUOTA);
	for (i = 0; i < 4096; i++)
		assert_true(seen[i]);
}

static void test_references(void **state)
{
	struct fixture *fx = *state;
	struct tulle_mkey_ctx key = { .type = TULLE_MKEY_DMA, .access = 3 };
	struct tulle_mkey_ctx back;
	struct tulle_handle_req req = { 0 };
	struct tulle_pd_ctx pd = { 0 };
	u32 p, k;

	p = fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd), NULL);
	key.pd = cpu_to_le32(p);
	k = fake_create(&fx->d, TULLE_CMD_CREATE_MKEY, &key, sizeof(key),
			NULL);
	assert_int_not_equal(k, 0);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_PD, p),
			 TULLE_STATUS_IN_USE);
	req.handle = cpu_to_le32(k);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_QUERY_MKEY, &req,
				  sizeof(req), &back, sizeof(back)), 0);
	key.handle = cpu_to_le32(k);
	key.tag = (u8)u32_get_bits(k, TULLE_HANDLE_GEN);
	assert_memory_equal(&back, &key, sizeof(key));
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_MKEY, k), 0);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_PD, p), 0);
}

static void test_key_check(void **state)
{
	struct fixture *fx = *state;
	struct tulle_mkey_ctx key = { .type = TULLE_MKEY_DMA,
				      .access = TULLE_MKEY_LOCAL_READ };
	struct tulle_pd_ctx pd = { 0 };
	struct tfw_func *f = tfw_func_find(fx->d.dev, 0);
	u32 k;

	key.pd = cpu_to_le32(fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd,
					 sizeof(pd), NULL));
	k = fake_create(&fx->d, TULLE_CMD_CREATE_MKEY, &key, sizeof(key),
			NULL);
	assert_true(tfw_mkey_check(f, k, 0, 1, TULLE_MKEY_LOCAL_READ));
	assert_false(tfw_mkey_check(f, k, 0, 1, TULLE_MKEY_LOCAL_WRITE));
	assert_false(tfw_mkey_check(f, k + (1 << 24), 0, 1, 0));
	assert_false(tfw_mkey_check(f, k, ~0ULL, 2, TULLE_MKEY_LOCAL_READ));
}

static void test_caps(void **state)
{
	struct fixture *fx = *state;
	struct tulle_device_info info;
	struct tulle_caps caps;

	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_QUERY_CAPS, NULL, 0,
				  &caps, sizeof(caps)), 0);
	assert_true(le64_to_cpu(caps.caps[0]) & 1ULL << TULLE_CAP_ETH);
	assert_true(le64_to_cpu(caps.caps[0]) & 1ULL << TULLE_CAP_RDMA);
	assert_int_equal(le16_to_cpu(caps.max_msix), 256);
	assert_int_equal(le16_to_cpu(caps.max_tx_queues), 128);
	assert_int_equal(le16_to_cpu(caps.max_mtu), 9600);
	assert_true(tfw_is_zero(caps.rsvd, sizeof(caps.rsvd)));
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_QUERY_DEVICE, NULL, 0,
				  &info, sizeof(info)), 0);
	assert_string_equal(info.fw_version, "0.1.0");
	assert_int_equal(info.perm_mac[0], 2);
}

/* Whatever allocation fails: a status, no leak, no crash. */
static void test_out_of_memory(void **state)
{
	struct fixture *fx = *state;
	struct fake_queue eq;
	enum tulle_status st;
	long budget;

	for (budget = 0; budget < 20; budget++) {
		fx->env.alloc_budget = budget;
		st = fake_eq_create(&fx->d, &eq, 4, 0, 0);
		fx->env.alloc_budget = -1;
		if (!st)
			break;
		assert_int_equal(st, TULLE_STATUS_NOMEM);
	}
	assert_int_equal(st, 0);
	assert_int_equal(fake_destroy(&fx->d, TULLE_CMD_DESTROY_EQ,
				      eq.handle), 0);
}

/* What could not be made keeps no index. */
static void test_index_out_of_memory(void **state)
{
	struct fixture *fx = *state;
	struct tulle_pd_ctx pd = { 0 };
	enum tulle_status st;
	u32 i, h;

	for (i = 0; i < 3; i++) {
		/* The object, but no slots. */
		fx->env.alloc_budget = 1;
		fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd), &st);
		fx->env.alloc_budget = -1;
		assert_int_equal(st, TULLE_STATUS_NOMEM);
	}
	h = fake_create(&fx->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd), &st);
	assert_int_equal(st, 0);
	assert_int_equal(h & TULLE_HANDLE_INDEX, 0);
}

static void test_create_out_of_memory(void **state)
{
	struct fixture *fx = *state;
	struct fake_dev d;
	bool ok = false;
	long budget, before = fx->env.allocs;

	for (budget = 0; budget < 200 && !ok; budget++) {
		fx->env.alloc_budget = budget;
		ok = fake_dev_init(&fx->env, &d, NULL);
		fx->env.alloc_budget = -1;
		if (!ok)
			assert_int_equal(fx->env.allocs, before);
	}
	assert_true(ok);
	fake_dev_exit(&d);
	assert_int_equal(fx->env.allocs, before);
}

static void test_bad_config(void **state)
{
	struct fixture *fx = *state;
	struct tfw_fw_config cfg;
	char err[80];

	tfw_fw_config_init(&cfg);
	cfg.vectors = 0;
	assert_null(tfw_dev_create(fx->env.engine, &cfg, &fx->d, err,
				   sizeof(err)));
	assert_non_null(strstr(err, "vectors"));
	tfw_fw_config_init(&cfg);
	cfg.faults = "wire_loss:p=2";
	assert_null(tfw_dev_create(fx->env.engine, &cfg, &fx->d, err,
				   sizeof(err)));
	assert_non_null(strstr(err, "plan"));
}

/* A new array is looked at from its start, and no further than it goes. */
static void test_other_slots(void **state)
{
	struct fixture *fx = *state;
	u32 i;

	for (i = 0; i < 12; i++)
		fake_post(&fx->d, i);
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_CMD_DOORBELL, 0);
	/* One turn: the scan stops half way. */
	tfw_engine_run(fx->env.engine, 1, UINT64_MAX);
	assert_int_equal(fake_slot(&fx->d, 7)->owner, TULLE_CMD_OWNER_DRIVER);
	assert_int_equal(fake_slot(&fx->d, 8)->owner, TULLE_CMD_OWNER_DEVICE);
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_CMD_CFG, 0);
	tfw_mmio_write(fx->d.dev, 0, TULLE_REG_CMD_CFG, TULLE_CMD_CFG_ENABLE);
	fake_post(&fx->d, 0);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(fake_slot(&fx->d, 0)->owner, TULLE_CMD_OWNER_DRIVER);
	for (i = 8; i < 12; i++)
		assert_int_equal(fake_slot(&fx->d, i)->owner,
				 TULLE_CMD_OWNER_DEVICE);
}

/* Bus mastering off: nothing happens; on again: what waited happens. */
static void test_bus_master(void **state)
{
	struct fixture *fx = *state;
	struct tulle_cmd_slot *s = fake_slot(&fx->d, 0);

	tfw_func_set_dma(fx->d.dev, 0, false);
	memset(s, 0, sizeof(*s));
	fake_post(&fx->d, 0);
	fx->d.writes = 0;
	fake_cmd_doorbell(&fx->d);
	fake_advance(&fx->env, 500000000);
	assert_int_equal(s->owner, TULLE_CMD_OWNER_DEVICE);
	assert_int_equal(fx->d.writes, 0);
	assert_int_equal(dev_state(&fx->d), TULLE_STATE_READY);
	tfw_func_set_dma(fx->d.dev, 0, true);
	fake_run(&fx->env);
	assert_int_equal(s->owner, TULLE_CMD_OWNER_DRIVER);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define COLD(fn)	cmocka_unit_test_setup_teardown(fn, setup_cold, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		COLD(test_boot),
		TEST(test_heartbeat),
		TEST(test_clock_latch),
		TEST(test_registers_locked),
		TEST(test_uar_stride),
		TEST(test_uar_exhaustion),
		TEST(test_kernel_uar_is_fixed),
		TEST(test_unknown_ops),
		TEST(test_lengths),
		TEST(test_reserved),
		TEST(test_slot_reserved),
		TEST(test_inline),
		TEST(test_mailbox_faults),
		TEST(test_many_slots),
		TEST(test_slow_commands),
		TEST(test_slots_unreachable),
		TEST(test_reset_register),
		TEST(test_query_func),
		TEST(test_stale_handles),
		TEST(test_quota_and_reuse),
		TEST(test_restore),
		TEST(test_restore_freed),
		TEST(test_references),
		TEST(test_key_check),
		TEST(test_caps),
		TEST(test_out_of_memory),
		TEST(test_index_out_of_memory),
		COLD(test_create_out_of_memory),
		COLD(test_bad_config),
		TEST(test_other_slots),
		TEST(test_bus_master),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
