// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Faults and lies on purpose, death and recovery.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../dev.h"
#include "fake.h"

#define MSEC	1000000ULL

struct fixture {
	struct fake		env;
	struct fake_dev		d;
	struct fake_queue	async;
};

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	fake_init(&fx->env);
	if (!fake_dev_init(&fx->env, &fx->d, NULL))
		return -1;
	fake_boot(&fx->d);
	if (fake_eq_create(&fx->d, &fx->async, 6, 0, TULLE_EQ_F_ASYNC))
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

static u32 dev_state(struct fake_dev *d)
{
	return u32_get_bits(fake_reg(d, TULLE_REG_STATE), TULLE_STATE_STATE);
}

static bool plan(struct fixture *fx, const char *text)
{
	char err[80];

	return tfw_dev_set_faults(fx->d.dev, text, err, sizeof(err));
}

static const char *counters(struct fixture *fx)
{
	static char buf[512];

	tfw_dev_fault_counters(fx->d.dev, buf, sizeof(buf));
	return buf;
}

static void test_grammar(void **state)
{
	static const char *const good[] = {
		"", "seed=7", "wire_loss", "wire_loss:p=0.5",
		"wire_loss:p=0.01;cmd_timeout:n=3", "seed=1;fw_crash:n=5,c=1",
		"irq_lost:c=3", "cqe_lost:p=1", "cqe_lost:p=0",
		"cqe_lost:p=0.000000001;", "cqe_lost:p=0.12345678901234567890",
	};
	static const char *const bad[] = {
		"x", "wire_loss:", "wire_loss:q=1", "wire_loss:p=1.1",
		"wire_loss:p=2", "wire_loss:n=0", "wire_loss:n=",
		"wire_loss,n=1", ";", "wire_los", "wire_losss", "seed=",
		"seed=99999999999999999999999", "wire_loss:p=-1", ":",
		"wire_loss:p=0.5 ", "wire_loss:c=0", "seed=1x",
	};
	struct fixture *fx = *state;
	size_t i;

	for (i = 0; i < TFW_ARRAY_SIZE(good); i++)
		assert_true(plan(fx, good[i]));
	assert_true(plan(fx, "wire_loss:n=2"));
	for (i = 0; i < TFW_ARRAY_SIZE(bad); i++)
		assert_false(plan(fx, bad[i]));
	/* A wrong plan changes nothing. */
	assert_string_equal(counters(fx), "wire_loss=0/0");
	assert_true(plan(fx, NULL));
	assert_string_equal(counters(fx), "");
	for (i = 0; i < TFW_FAULT_POINTS; i++)
		assert_true(plan(fx, tfw_fault_name((unsigned int)i)));
	assert_null(tfw_fault_name(TFW_FAULT_POINTS));
	assert_null(tfw_lie_name(TFW_LIES));
}

static u32 strikes(struct fixture *fx, const char *text, u32 n)
{
	u32 i, hits = 0;

	assert_true(plan(fx, text));
	for (i = 0; i < n; i++)
		hits += tfw_fault(fx->d.dev, TFW_FAULT_WIRE_LOSS);
	return hits;
}

static void test_strikes(void **state)
{
	struct fixture *fx = *state;
	u32 a, b;

	assert_int_equal(strikes(fx, "wire_loss:n=7", 700), 100);
	assert_int_equal(strikes(fx, "wire_loss:n=7,c=5", 700), 5);
	assert_int_equal(strikes(fx, "wire_loss:p=1", 100), 100);
	assert_int_equal(strikes(fx, "wire_loss:p=0", 100), 0);
	assert_int_equal(strikes(fx, "cqe_lost:p=1", 100), 0);
	a = strikes(fx, "seed=5;wire_loss:p=0.1", 100000);
	assert_in_range(a, 9500, 10500);
	/* What another point does is no matter. */
	b = strikes(fx, "seed=5;cqe_lost:p=0.5;wire_loss:p=0.1", 100000);
	assert_int_equal(a, b);
	b = strikes(fx, "seed=6;wire_loss:p=0.1", 100000);
	assert_int_not_equal(a, b);
	assert_int_equal(strikes(fx, "wire_loss:n=3", 10), 3);
	assert_string_equal(counters(fx), "wire_loss=3/10");
	tfw_dev_reset(fx->d.dev);
	assert_string_equal(counters(fx), "wire_loss=0/0");
}

/*
 * struct plans - faults or lies, whichever a test is about
 * @hot: of the device
 */
struct plans {
	bool		(*set)(struct tfw_dev *dev, const char *text,
			       char *err, size_t err_len);
	void		(*counters)(struct tfw_dev *dev, char *buf,
				    size_t len);
	const char	*(*name)(unsigned int point);
	struct tfw_plan	*hot;
	u32		n;
};

static struct plans fault_plans(struct fixture *fx)
{
	return (struct plans){ tfw_dev_set_faults, tfw_dev_fault_counters,
			       tfw_fault_name, &fx->d.dev->faults,
			       TFW_FAULT_POINTS };
}

static struct plans lie_plans(struct fixture *fx)
{
	return (struct plans){ tfw_dev_set_liar, tfw_dev_liar_counters,
			       tfw_lie_name, &fx->d.dev->liar, TFW_LIES };
}

#define RUN_PASSES	2000
#define PLAN_LEN	1024

/*
 * struct run - what a plan did
 * @counters: as QEMU's user sees them
 * @hits: of each point
 * @what: of each point: when it struck, and what it drew then
 */
struct run {
	char	counters[1024];
	u64	hits[TFW_PLAN_POINTS];
	u64	what[TFW_PLAN_POINTS];
};

static void run_pass(struct plans *p, unsigned int point, struct run *run)
{
	u64 seen = 0;

	if (tfw_plan_test(p->hot, point)) {
		run->hits[point]++;
		seen = tfw_plan_random(p->hot, point) | 1;
	}
	run->what[point] = run->what[point] * 0x100000001b3ULL + seen;
}

/* Points from @first to @last, with probability. */
static void plan_text(const struct plans *p, unsigned int first,
		      unsigned int last, unsigned int seed, char *text)
{
	size_t len = (size_t)snprintf(text, PLAN_LEN, "seed=%u", seed);
	unsigned int i;

	for (i = first; i <= last; i++) {
		len += (size_t)snprintf(text + len, PLAN_LEN - len,
					";%s:p=0.1", p->name(i));
		assert_in_range(len, 1, PLAN_LEN - 1);
	}
}

/* Only @point; or all of them, with @point == p->n. */
static void run_plan(struct fixture *fx, struct plans *p, unsigned int point,
		     unsigned int seed, struct run *run)
{
	unsigned int i, first, last, pass;
	char text[PLAN_LEN], err[80];

	first = point < p->n ? point : 0;
	last = point < p->n ? point : p->n - 1;
	plan_text(p, first, last, seed, text);
	assert_true(p->set(fx->d.dev, text, err, sizeof(err)));
	memset(run, 0, sizeof(*run));
	for (pass = 0; pass < RUN_PASSES; pass++)
		for (i = first; i <= last; i++)
			run_pass(p, i, run);
	p->counters(fx->d.dev, run->counters, sizeof(run->counters));
}

static void check_seed(struct fixture *fx, struct plans *p, unsigned int point)
{
	struct run a, b;
	unsigned int i;

	run_plan(fx, p, point, 5, &a);
	run_plan(fx, p, point, 5, &b);
	assert_string_equal(a.counters, b.counters);
	assert_memory_equal(&a, &b, sizeof(a));
	run_plan(fx, p, point, 6, &b);
	for (i = 0; i < p->n; i++) {
		if (point < p->n && i != point)
			continue;
		assert_in_range(a.hits[i], RUN_PASSES / 20, RUN_PASSES / 5);
		assert_int_not_equal(a.what[i], b.what[i]);
	}
	/* Few counters are equal by chance; all of them never. */
	if (point == p->n)
		assert_string_not_equal(a.counters, b.counters);
}

/* Every point, alone and among all others, which do not matter to it. */
static void check_seeds(struct fixture *fx, struct plans *p)
{
	struct run alone, all;
	unsigned int i;

	check_seed(fx, p, p->n);
	run_plan(fx, p, p->n, 5, &all);
	for (i = 0; i < p->n; i++) {
		check_seed(fx, p, i);
		run_plan(fx, p, i, 5, &alone);
		assert_int_equal(alone.hits[i], all.hits[i]);
		assert_int_equal(alone.what[i], all.what[i]);
	}
	for (i = 1; i < p->n; i++)
		assert_int_not_equal(all.what[i], all.what[0]);
}

static void test_fault_seeds(void **state)
{
	struct plans p = fault_plans(*state);

	check_seeds(*state, &p);
}

static void test_lie_seeds(void **state)
{
	struct plans p = lie_plans(*state);

	check_seeds(*state, &p);
}

/* What a device that lies in everything writes, as a number. */
static u64 lies_told(struct fixture *fx, const char *text, char *counters,
		     size_t len)
{
	u64 told = 0;
	char err[80];
	u32 i, k;

	assert_true(tfw_dev_set_liar(fx->d.dev, text, err, sizeof(err)));
	for (i = 0; i < 1000; i++) {
		union {
			struct tulle_rx_cqe	rx;
			struct tulle_rdma_cqe	rdma;
			struct tulle_eqe	eqe;
			u8			byte[64];
		} u = { .byte = { 0 } };

		if (i % 3 == 0)
			u.rx.qn_op = le32_encode_bits(TULLE_CQE_RX,
						      TULLE_CQE_OP);
		if (i % 3 == 1)
			u.rdma.qn_op = le32_encode_bits(TULLE_CQE_RECV,
							TULLE_CQE_OP);
		if (i % 3 == 2)
			told += tfw_lie_eqe(fx->d.dev, &u.eqe);
		else
			tfw_lie_cqe(fx->d.dev, &u, i % 3 ? sizeof(u.rdma) :
							   sizeof(u.rx));
		for (k = 0; k < sizeof(u); k++)
			told = told * 0x100000001b3ULL + u.byte[k];
	}
	tfw_dev_liar_counters(fx->d.dev, counters, len);
	return told;
}

/* The same lies in the same places, not only as many. */
static void test_same_lies(void **state)
{
	struct plans p = lie_plans(*state);
	struct fixture *fx = *state;
	char text[PLAN_LEN], one[512], two[512];
	u64 told;

	plan_text(&p, 0, TFW_LIE_EQE_STORM, 5, text);
	told = lies_told(fx, text, one, sizeof(one));
	assert_int_equal(lies_told(fx, text, two, sizeof(two)), told);
	assert_string_equal(one, two);
	plan_text(&p, 0, TFW_LIE_EQE_STORM, 6, text);
	assert_int_not_equal(lies_told(fx, text, two, sizeof(two)), told);
	assert_string_not_equal(one, two);
}

static void test_cmd_faults(void **state)
{
	struct fixture *fx = *state;

	assert_true(plan(fx, "cmd_fail:n=2"));
	assert_int_equal(fake_cmd(&fx->d, 0, NULL, 0, NULL, 0), 0);
	assert_int_equal(fake_cmd(&fx->d, 0, NULL, 0, NULL, 0),
			 TULLE_STATUS_INTERNAL);
	assert_int_equal(fake_slot(&fx->d, 0)->owner, TULLE_CMD_OWNER_DRIVER);
	/* A swallowed slot stays the device's until reset, others work. */
	assert_true(plan(fx, "cmd_timeout:n=1,c=1"));
	fake_cmd(&fx->d, 0, NULL, 0, NULL, 0);
	assert_int_equal(fake_slot(&fx->d, 0)->owner, TULLE_CMD_OWNER_DEVICE);
	fake_advance(&fx->env, 10000 * MSEC);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(fake_slot(&fx->d, 0)->owner, TULLE_CMD_OWNER_DEVICE);
	memset(fake_slot(&fx->d, 1), 0, 64);
	fake_post(&fx->d, 1);
	fake_cmd_doorbell(&fx->d);
	assert_int_equal(fake_slot(&fx->d, 1)->owner, TULLE_CMD_OWNER_DRIVER);
	tfw_func_reset(fx->d.dev, 0);
	fake_boot(&fx->d);
	assert_int_equal(fake_cmd(&fx->d, 0, NULL, 0, NULL, 0), 0);
}

static u32 health_event(struct fixture *fx)
{
	struct tulle_eqe *eqe;

	while ((eqe = fake_poll(&fx->async)))
		if (eqe->type == TULLE_EVENT_HEALTH)
			return le32_to_cpu(eqe->syndrome);
	return 0;
}

static void check_dead(struct fixture *fx, u32 syndrome)
{
	u32 beat;

	assert_int_equal(dev_state(&fx->d), TULLE_STATE_DEAD);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_SYNDROME), syndrome);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_CRASH), syndrome);
	beat = fake_reg(&fx->d, TULLE_REG_HEARTBEAT);
	fx->d.writes = 0;
	fake_post(&fx->d, 5);
	fake_cmd_doorbell(&fx->d);
	fake_advance(&fx->env, 1000 * MSEC);
	assert_int_equal(fx->d.writes, 0);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_HEARTBEAT), beat);
	tfw_func_reset(fx->d.dev, 0);
	assert_int_equal(dev_state(&fx->d), TULLE_STATE_BOOTING);
	fake_boot(&fx->d);
	assert_int_equal(fake_cmd(&fx->d, 0, NULL, 0, NULL, 0), 0);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_SYNDROME), 0);
}

static void test_crash(void **state)
{
	struct fixture *fx = *state;

	assert_true(plan(fx, "fw_crash:n=1,c=1"));
	fake_advance(&fx->env, 100 * MSEC);
	assert_int_equal(health_event(fx), TULLE_SYNDROME_INJECTED);
	check_dead(fx, TULLE_SYNDROME_INJECTED);
}

static void test_stall(void **state)
{
	struct fixture *fx = *state;
	u32 beat;

	assert_true(plan(fx, "engine_stall:n=1,c=1"));
	fake_advance(&fx->env, 100 * MSEC);
	assert_int_equal(dev_state(&fx->d), TULLE_STATE_READY);
	beat = fake_reg(&fx->d, TULLE_REG_HEARTBEAT);
	memset(fake_slot(&fx->d, 0), 0, 64);
	fake_post(&fx->d, 0);
	fake_cmd_doorbell(&fx->d);
	fake_advance(&fx->env, 1000 * MSEC);
	assert_int_equal(fake_slot(&fx->d, 0)->owner, TULLE_CMD_OWNER_DEVICE);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_HEARTBEAT), beat);
	assert_int_equal(dev_state(&fx->d), TULLE_STATE_READY);
	fake_advance(&fx->env, 2000 * MSEC);
	assert_int_equal(health_event(fx), TULLE_SYNDROME_STALL);
	check_dead(fx, TULLE_SYNDROME_STALL);
}

static void test_stall_reset(void **state)
{
	struct fixture *fx = *state;

	assert_true(plan(fx, "engine_stall:n=1,c=1"));
	fake_advance(&fx->env, 100 * MSEC);
	tfw_func_reset(fx->d.dev, 0);
	fake_boot(&fx->d);
	fake_advance(&fx->env, 5000 * MSEC);
	assert_int_equal(dev_state(&fx->d), TULLE_STATE_READY);
	assert_int_equal(fake_cmd(&fx->d, 0, NULL, 0, NULL, 0), 0);
}

static void test_on_request(void **state)
{
	struct fixture *fx = *state;
	struct tulle_test_health req = { 0 };

	req.syndrome = cpu_to_le32(TULLE_SYNDROME_ASSERT);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_TEST_HEALTH, &req,
				  sizeof(req), NULL, 0),
			 TULLE_STATUS_BAD_PARAM);
	req.syndrome = cpu_to_le32(TULLE_SYNDROME_INJECTED);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_TEST_HEALTH, &req,
				  sizeof(req), NULL, 0), 0);
	fake_advance(&fx->env, 100 * MSEC);
	check_dead(fx, TULLE_SYNDROME_INJECTED);
	req.syndrome = cpu_to_le32(TULLE_SYNDROME_STALL);
	assert_int_equal(fake_cmd(&fx->d, TULLE_CMD_TEST_HEALTH, &req,
				  sizeof(req), NULL, 0), 0);
	fake_advance(&fx->env, 5000 * MSEC);
	check_dead(fx, TULLE_SYNDROME_STALL);
}

static void test_crash_record(void **state)
{
	struct fixture *fx = *state;
	struct tulle_crash crash;
	__le32 *words = (__le32 *)&crash;
	u32 i;

	fake_cmd(&fx->d, TULLE_CMD_DESTROY_PD, &(u64){ 0 }, 8, NULL, 0);
	fake_cmd(&fx->d, TULLE_CMD_NOP, NULL, 0, NULL, 0);
	tfw_health_die(tfw_func_find(fx->d.dev, 0), TULLE_SYNDROME_ASSERT,
		       "some/where.c", 77);
	for (i = 0; i < sizeof(crash) / 4; i++)
		words[i] = cpu_to_le32(fake_reg(&fx->d, TULLE_REG_CRASH +
						4 * i));
	assert_int_equal(le32_to_cpu(crash.line), 77);
	assert_string_equal(crash.file, "where.c");
	assert_int_equal(le32_to_cpu(crash.last_op[0]), TULLE_CMD_NOP);
	assert_int_equal(le32_to_cpu(crash.last_op[1]), TULLE_CMD_DESTROY_PD);
	assert_int_equal(le32_to_cpu(crash.last_status[1]),
			 TULLE_STATUS_BAD_HANDLE);
	assert_int_equal(le64_to_cpu(crash.time), fx->env.now);
	assert_true(le32_to_cpu(crash.passes));
}

static void test_assert(void **state)
{
	struct fixture *fx = *state;

	assert_true(tfw_assert(fx->d.dev, true));
	assert_int_equal(fx->env.fatals, 0);
	assert_false(tfw_assert(fx->d.dev, false));
	assert_int_equal(fx->env.fatals, 1);
	check_dead(fx, TULLE_SYNDROME_ASSERT);
}

static void test_lost_completion(void **state)
{
	struct fixture *fx = *state;
	struct tulle_tx_cqe cqe = { 0 };
	struct fake_queue eq, q;
	struct tfw_cq *cq;
	u32 i, n = 0;

	fake_eq_create(&fx->d, &eq, 4, 1, 0);
	fake_cq_create(&fx->d, &q, eq.handle, 6, 5, 0, 0);
	cq = tfw_cq_find(tfw_func_find(fx->d.dev, 0), q.handle);
	assert_true(plan(fx, "cqe_lost:n=5"));
	for (i = 0; i < 40; i++)
		assert_true(tfw_cq_push(cq, &cqe, sizeof(cqe), 0));
	while (fake_poll(&q))
		n++;
	assert_int_equal(n, 32);
}

struct lie {
	const char	*plan;
	size_t		off;
	size_t		len;
	bool		more;	/* changes other members as well */
};

/* Every lie changes something, and only what it says. */
static void check_lies(struct fixture *fx, const struct lie *lie, size_t n,
		       const void *truth, size_t len)
{
	char err[80];
	u8 cqe[64];

	for (; n; n--, lie++) {
		assert_true(tfw_dev_set_liar(fx->d.dev, lie->plan, err,
					     sizeof(err)));
		memcpy(cqe, truth, len);
		tfw_lie_cqe(fx->d.dev, cqe, len);
		assert_memory_not_equal(cqe + lie->off,
					(const char *)truth + lie->off,
					lie->len);
		if (lie->more)
			continue;
		memcpy(cqe + lie->off, (const char *)truth + lie->off,
		       lie->len);
		assert_memory_equal(cqe, truth, len);
	}
}

static void test_lies(void **state)
{
	static const struct lie lies[] = {
		{ "cqe_index", offsetof(struct tulle_rx_cqe, wqe), 4, false },
		{ "cqe_len", offsetof(struct tulle_rx_cqe, byte_len), 4, true },
		{ "cqe_op", offsetof(struct tulle_rx_cqe, qn_op) + 3, 1,
		  false },
		{ "cqe_qn", offsetof(struct tulle_rx_cqe, qn_op), 3, false },
		{ "stride", offsetof(struct tulle_rx_cqe, stride), 4, false },
		{ "csum", offsetof(struct tulle_rx_cqe, csum), 2, true },
	};
	struct tulle_rx_cqe truth = {
		.qn_op = le32_encode_bits(TULLE_CQE_RX, TULLE_CQE_OP),
	};

	check_lies(*state, lies, TFW_ARRAY_SIZE(lies), &truth, sizeof(truth));
}

/* In both sizes: what precedes a CQE of 64 bytes stays as it is. */
static void test_rdma_lies(void **state)
{
	static const struct lie lies[] = {
		{ "cqe_index", offsetof(struct tulle_rdma_cqe, wqe), 2, true },
		{ "cqe_index", offsetof(struct tulle_rdma_cqe, wr_id), 4,
		  true },
		{ "cqe_len", offsetof(struct tulle_rdma_cqe, byte_len), 4,
		  false },
		{ "cqe_op", offsetof(struct tulle_rdma_cqe, qn_op) + 3, 1,
		  false },
		{ "cqe_qn", offsetof(struct tulle_rdma_cqe, qn_op), 3, false },
		{ "cqe_status", offsetof(struct tulle_rdma_cqe, status), 2,
		  false },
		{ "cqe_src", offsetof(struct tulle_rdma_cqe, src_flags), 4,
		  true },
		{ "cqe_src", offsetof(struct tulle_rdma_cqe, imm), 4, true },
	};
	struct {
		struct tulle_rdma_cqe_ext	ext;
		struct tulle_rdma_cqe		cqe;
	} truth = {
		.cqe.qn_op = le32_encode_bits(TULLE_CQE_RECV, TULLE_CQE_OP) |
			     cpu_to_le32(5),
		.cqe.wr_id = cpu_to_le64(1ULL << 32),
	};
	struct lie ext[TFW_ARRAY_SIZE(lies)];
	size_t i;

	check_lies(*state, lies, TFW_ARRAY_SIZE(lies), &truth.cqe,
		   sizeof(truth.cqe));
	for (i = 0; i < TFW_ARRAY_SIZE(lies); i++) {
		ext[i] = lies[i];
		ext[i].off += sizeof(truth.ext);
	}
	check_lies(*state, ext, TFW_ARRAY_SIZE(ext), &truth, sizeof(truth));
}

static void test_rdma_caps_lies(void **state)
{
	struct tulle_rdma_caps truth, caps;
	struct fixture *fx = *state;
	char err[80], text[80];

	fake_cmd(&fx->d, TULLE_CMD_QUERY_RDMA_CAPS, NULL, 0, &truth,
		 sizeof(truth));
	assert_true(tfw_dev_set_liar(fx->d.dev, "rdma_caps", err,
				     sizeof(err)));
	fake_cmd(&fx->d, TULLE_CMD_QUERY_RDMA_CAPS, NULL, 0, &caps,
		 sizeof(caps));
	assert_memory_not_equal(&caps, &truth, sizeof(caps));
	tfw_dev_liar_counters(fx->d.dev, text, sizeof(text));
	assert_string_equal(text, "rdma_caps=1/1");
}

static void test_event_lies(void **state)
{
	static const struct lie lies[] = {
		{ "eqe_handle", offsetof(struct tulle_eqe, handle), 4, false },
		{ "eqe_type", offsetof(struct tulle_eqe, type), 1, false },
		{ "eqe_code", offsetof(struct tulle_eqe, code), 4, false },
	};
	struct tulle_eqe truth = { .type = TULLE_EVENT_QP }, eqe;
	struct fixture *fx = *state;
	char err[80];
	size_t i;

	for (i = 0; i < TFW_ARRAY_SIZE(lies); i++) {
		assert_true(tfw_dev_set_liar(fx->d.dev, lies[i].plan, err,
					     sizeof(err)));
		eqe = truth;
		assert_false(tfw_lie_eqe(fx->d.dev, &eqe));
		assert_memory_not_equal((char *)&eqe + lies[i].off,
					(char *)&truth + lies[i].off,
					lies[i].len);
	}
}

static void test_cmd_lies(void **state)
{
	struct fixture *fx = *state;
	struct tulle_caps truth, caps;
	char err[80], text[80];

	fake_cmd(&fx->d, TULLE_CMD_QUERY_CAPS, NULL, 0, &truth,
		 sizeof(truth));
	assert_true(tfw_dev_set_liar(fx->d.dev, "seed=3;caps", err,
				     sizeof(err)));
	fake_cmd(&fx->d, TULLE_CMD_QUERY_CAPS, NULL, 0, &caps, sizeof(caps));
	assert_memory_not_equal(&caps, &truth, sizeof(caps));
	tfw_dev_liar_counters(fx->d.dev, text, sizeof(text));
	assert_string_equal(text, "caps=1/1");
	assert_true(tfw_dev_set_liar(fx->d.dev, "cmd_status", err,
				     sizeof(err)));
	assert_int_not_equal(fake_cmd(&fx->d, 0, NULL, 0, NULL, 0), 0);
}

/* A device that no driver can use. */
static void test_unusable(void **state)
{
	struct fixture *fx = *state;
	struct tulle_caps caps;
	char err[80];

	assert_true(tfw_dev_set_liar(fx->d.dev, "no_eth", err, sizeof(err)));
	fake_cmd(&fx->d, TULLE_CMD_QUERY_CAPS, NULL, 0, &caps, sizeof(caps));
	assert_false(le64_to_cpu(caps.caps[0]) & 1ULL << TULLE_CAP_ETH);
	assert_true(tfw_dev_set_liar(fx->d.dev, "if_version", err,
				     sizeof(err)));
	assert_int_not_equal(fake_reg(&fx->d, TULLE_REG_IF_VERSION) >> 16,
			     TULLE_IF_MAJOR);
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_MAGIC), TULLE_MAGIC);
	assert_true(tfw_dev_set_liar(fx->d.dev, "gone", err, sizeof(err)));
	assert_int_equal(fake_reg(&fx->d, TULLE_REG_MAGIC), ~0U);
}

static void test_storm(void **state)
{
	struct fixture *fx = *state;
	struct tulle_eqe eqe = { .type = TULLE_EVENT_PORT };
	char err[80];
	u32 n = 0;

	assert_true(tfw_dev_set_liar(fx->d.dev, "eqe_storm", err,
				     sizeof(err)));
	tfw_eq_push(tfw_func_find(fx->d.dev, 0)->async_eq, &eqe);
	while (fake_poll(&fx->async))
		n++;
	assert_int_equal(n, 64);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_grammar),
		TEST(test_strikes),
		TEST(test_fault_seeds),
		TEST(test_lie_seeds),
		TEST(test_same_lies),
		TEST(test_cmd_faults),
		TEST(test_crash),
		TEST(test_stall),
		TEST(test_stall_reset),
		TEST(test_on_request),
		TEST(test_crash_record),
		TEST(test_assert),
		TEST(test_lost_completion),
		TEST(test_lies),
		TEST(test_rdma_lies),
		TEST(test_rdma_caps_lies),
		TEST(test_event_lies),
		TEST(test_cmd_lies),
		TEST(test_unusable),
		TEST(test_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
