// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The port: link negotiation over cable, backend and loopback, FEC, pause,
 * events, vport addresses; and timers, which the link leans on.
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

#define MSEC	1000000ULL

struct fixture {
	struct fake		env;
	struct fake_dev		d[2];
	struct fake_queue	async;		/* of d[0] */
};

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));
	int i;

	fake_init(&fx->env);
	for (i = 0; i < 2; i++) {
		if (!fake_dev_init(&fx->env, &fx->d[i], NULL))
			return -1;
		fake_boot(&fx->d[i]);
	}
	if (fake_eq_create(&fx->d[0], &fx->async, 6, 0, TULLE_EQ_F_ASYNC))
		return -1;
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	fake_dev_exit(&fx->d[0]);
	fake_dev_exit(&fx->d[1]);
	fake_exit(&fx->env);
	free(fx);
	return 0;
}

static struct tulle_port_info query(struct fake_dev *d)
{
	struct tulle_port_info info;

	assert_int_equal(fake_cmd(d, TULLE_CMD_QUERY_PORT, NULL, 0, &info,
				  sizeof(info)), 0);
	return info;
}

static enum tulle_status modify(struct fake_dev *d, u32 mask,
				struct tulle_modify_port req)
{
	enum tulle_status st;

	req.mask = cpu_to_le32(mask);
	st = fake_cmd(d, TULLE_CMD_MODIFY_PORT, &req, sizeof(req), NULL, 0);
	fake_advance(d->env, 10 * MSEC);
	return st;
}

static u32 port_events(struct fixture *fx)
{
	struct tulle_eqe *eqe;
	u32 n = 0;

	while ((eqe = fake_poll(&fx->async)))
		n += eqe->type == TULLE_EVENT_PORT;
	return n;
}

static void check_down(struct fake_dev *d, u8 reason)
{
	struct tulle_port_info info = query(d);

	assert_int_equal(info.link_up, 0);
	assert_int_equal(info.down_reason, reason);
	assert_int_equal(le32_to_cpu(info.speed), 0);
	assert_int_equal(info.lanes, 0);
	assert_int_equal(info.fec_active, 0);
}

static void check_up(struct fake_dev *d, u32 speed, u8 fec)
{
	struct tulle_port_info info = query(d);

	assert_int_equal(info.link_up, 1);
	assert_int_equal(info.down_reason, TULLE_LINK_DOWN_NONE);
	assert_int_equal(le32_to_cpu(info.speed), speed);
	assert_int_equal(info.fec_active, fec);
}

static void test_reasons(void **state)
{
	struct fixture *fx = *state;

	check_down(&fx->d[0], TULLE_LINK_DOWN_ADMIN);
	fake_port_up(&fx->d[0]);
	check_down(&fx->d[0], TULLE_LINK_DOWN_NO_CABLE);
	assert_true(tfw_cable_join(fx->d[0].dev, fx->d[1].dev));
	assert_false(tfw_cable_join(fx->d[0].dev, fx->d[1].dev));
	check_down(&fx->d[0], TULLE_LINK_DOWN_NO_SIGNAL);
	fake_port_up(&fx->d[1]);
	fake_advance(&fx->env, 10 * MSEC);
	check_up(&fx->d[0], 200000, TULLE_FEC_RS);
	check_up(&fx->d[1], 200000, TULLE_FEC_RS);
	assert_int_equal(le64_to_cpu(query(&fx->d[0]).lp_advertised), 0x1f);
	assert_true(port_events(fx) >= 2);
	assert_int_equal(le32_to_cpu(query(&fx->d[0]).flaps), 0);
	tfw_cable_leave(fx->d[0].dev);
	fake_run(&fx->env);
	check_down(&fx->d[0], TULLE_LINK_DOWN_NO_CABLE);
	check_down(&fx->d[1], TULLE_LINK_DOWN_NO_CABLE);
	assert_int_equal(le32_to_cpu(query(&fx->d[0]).flaps), 1);
	assert_int_equal(port_events(fx), 1);
}

static void test_takes_time(void **state)
{
	struct fixture *fx = *state;

	tfw_cable_join(fx->d[0].dev, fx->d[1].dev);
	fake_port_up(&fx->d[0]);
	fake_port_up(&fx->d[1]);
	check_down(&fx->d[0], TULLE_LINK_DOWN_NO_SIGNAL);
	fake_advance(&fx->env, 1 * MSEC);
	check_up(&fx->d[0], 200000, TULLE_FEC_RS);
}

static void test_speeds(void **state)
{
	struct fixture *fx = *state;
	struct tulle_modify_port req = { .autoneg = 1 }, again = req;
	u32 flaps;

	fake_cable(&fx->d[0], &fx->d[1]);
	again.advertised = query(&fx->d[1]).advertised;
	req.advertised = cpu_to_le64(TULLE_BIT(TULLE_LINK_10G_CR) |
				     TULLE_BIT(TULLE_LINK_50G_CR));
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_LINK, req), 0);
	check_up(&fx->d[1], 50000, TULLE_FEC_RS);
	assert_int_equal(query(&fx->d[1]).lanes, 1);
	/* Asked for the same again, both ends start over. */
	flaps = le32_to_cpu(query(&fx->d[0]).flaps);
	assert_int_equal(modify(&fx->d[1], TULLE_PORT_MOD_LINK, again), 0);
	check_up(&fx->d[0], 50000, TULLE_FEC_RS);
	assert_int_equal(le32_to_cpu(query(&fx->d[0]).flaps), flaps + 1);
	/* Fixed against negotiating: parallel detection. */
	req.autoneg = 0;
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_LINK, req),
			 TULLE_STATUS_BAD_PARAM);
	req.advertised = cpu_to_le64(TULLE_BIT(TULLE_LINK_10G_CR));
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_LINK, req), 0);
	check_up(&fx->d[1], 10000, TULLE_FEC_OFF);
	assert_int_equal(le64_to_cpu(query(&fx->d[1]).lp_advertised), 0);
	req.advertised = cpu_to_le64(TULLE_BIT(TULLE_LINK_25G_CR));
	assert_int_equal(modify(&fx->d[1], TULLE_PORT_MOD_LINK, req), 0);
	check_down(&fx->d[0], TULLE_LINK_DOWN_SPEED);
	check_down(&fx->d[1], TULLE_LINK_DOWN_SPEED);
	req.advertised = cpu_to_le64(0x20);
	assert_int_equal(modify(&fx->d[1], TULLE_PORT_MOD_LINK, req),
			 TULLE_STATUS_BAD_PARAM);
}

static void test_fec(void **state)
{
	struct fixture *fx = *state;
	struct tulle_modify_port req = {
		.autoneg = 1,
		.fec = TULLE_FEC_BASER,
	};

	fake_cable(&fx->d[0], &fx->d[1]);
	/* BASE-R exists up to 25G: that is what the two can do. */
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_FEC, req), 0);
	check_up(&fx->d[0], 25000, TULLE_FEC_BASER);
	req.advertised = cpu_to_le64(TULLE_BIT(TULLE_LINK_200G_CR4));
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_LINK, req), 0);
	check_down(&fx->d[1], TULLE_LINK_DOWN_FEC);
	req.fec = TULLE_FEC_RS | TULLE_FEC_BASER;
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_FEC, req), 0);
	check_up(&fx->d[1], 200000, TULLE_FEC_RS);
	req.fec = 0;
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_FEC, req),
			 TULLE_STATUS_BAD_PARAM);
	req.fec = 0x10;
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_FEC, req),
			 TULLE_STATUS_BAD_PARAM);
}

/* Both ends' settings and what 802.3 makes of them (Table 28B-3). */
static void test_pause(void **state)
{
	const u8 rx = TULLE_PAUSE_RX, tx = TULLE_PAUSE_TX, both = rx | tx;
	const struct { u8 a, b, want_a, want_b; } cases[] = {
		{ both, both, both, both },
		{ both, 0, 0, 0 },
		{ both, rx, both, both },
		{ both, tx, 0, 0 },
		{ rx, rx, both, both },
		{ rx, tx, rx, tx },
		{ tx, rx, tx, rx },
		{ tx, tx, 0, 0 },
		{ 0, 0, 0, 0 },
	};
	struct fixture *fx = *state;
	struct tulle_modify_port req = { 0 };
	size_t i;

	fake_cable(&fx->d[0], &fx->d[1]);
	assert_int_equal(query(&fx->d[0]).pause_active, both);
	for (i = 0; i < TFW_ARRAY_SIZE(cases); i++) {
		req.pause = cases[i].a | TULLE_PAUSE_AUTONEG;
		modify(&fx->d[0], TULLE_PORT_MOD_PAUSE, req);
		req.pause = cases[i].b | TULLE_PAUSE_AUTONEG;
		modify(&fx->d[1], TULLE_PORT_MOD_PAUSE, req);
		assert_int_equal(query(&fx->d[0]).pause_active,
				 cases[i].want_a);
		assert_int_equal(query(&fx->d[1]).pause_active,
				 cases[i].want_b);
	}
	/* Forced: whatever the other end says. The link stays up. */
	req.pause = TULLE_PAUSE_TX;
	modify(&fx->d[0], TULLE_PORT_MOD_PAUSE, req);
	assert_int_equal(query(&fx->d[0]).pause_active, tx);
	assert_int_equal(query(&fx->d[1]).pause_active, 0);
	assert_int_equal(le32_to_cpu(query(&fx->d[0]).flaps), 0);
	req.pause = 0x08;
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_PAUSE, req),
			 TULLE_STATUS_BAD_PARAM);
}

/* Without a partner who negotiates, what is forced holds and nothing else. */
static void check_forced_pause(struct fake_dev *d)
{
	const u8 rx = TULLE_PAUSE_RX, tx = TULLE_PAUSE_TX;
	const u8 forced[] = { rx | tx, rx, tx, 0 };
	struct tulle_modify_port req = { 0 };
	size_t i;

	for (i = 0; i < TFW_ARRAY_SIZE(forced); i++) {
		req.pause = forced[i];
		assert_int_equal(modify(d, TULLE_PORT_MOD_PAUSE, req), 0);
		assert_int_equal(query(d).pause_active, forced[i]);
		req.pause |= TULLE_PAUSE_AUTONEG;
		assert_int_equal(modify(d, TULLE_PORT_MOD_PAUSE, req), 0);
		assert_int_equal(query(d).pause_active, 0);
	}
	req.pause = rx | tx;
	assert_int_equal(modify(d, TULLE_PORT_MOD_PAUSE, req), 0);
}

static void test_backend(void **state)
{
	struct fixture *fx = *state;

	fake_port_up(&fx->d[0]);
	tfw_port_set_backend(fx->d[0].dev, true, false);
	fake_run(&fx->env);
	check_down(&fx->d[0], TULLE_LINK_DOWN_NO_SIGNAL);
	tfw_port_set_backend(fx->d[0].dev, true, true);
	fake_advance(&fx->env, 10 * MSEC);
	check_up(&fx->d[0], 200000, TULLE_FEC_RS);
	assert_false(tfw_cable_join(fx->d[0].dev, fx->d[1].dev));
	assert_int_equal(query(&fx->d[0]).pause_active, 0);
	check_forced_pause(&fx->d[0]);
	tfw_port_set_backend(fx->d[0].dev, true, false);
	check_down(&fx->d[0], TULLE_LINK_DOWN_NO_SIGNAL);
	assert_int_equal(query(&fx->d[0]).pause_active, 0);
	tfw_port_set_backend(fx->d[0].dev, true, true);
	fake_advance(&fx->env, 10 * MSEC);
	assert_int_equal(query(&fx->d[0]).pause_active,
			 TULLE_PAUSE_RX | TULLE_PAUSE_TX);
}

static void test_loopback(void **state)
{
	struct fixture *fx = *state;
	struct tulle_modify_port req = { .loopback = 1 };

	fake_cable(&fx->d[0], &fx->d[1]);
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_LOOPBACK, req), 0);
	check_up(&fx->d[0], 200000, TULLE_FEC_RS);
	check_down(&fx->d[1], TULLE_LINK_DOWN_NO_SIGNAL);
	check_forced_pause(&fx->d[0]);
	assert_int_equal(query(&fx->d[1]).pause_active, 0);
	req.loopback = 0;
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_LOOPBACK, req), 0);
	check_up(&fx->d[0], 200000, TULLE_FEC_RS);
	check_up(&fx->d[1], 200000, TULLE_FEC_RS);
	req.loopback = 2;
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_LOOPBACK, req),
			 TULLE_STATUS_BAD_PARAM);
}

static void test_partner_reset(void **state)
{
	struct fixture *fx = *state;

	fake_cable(&fx->d[0], &fx->d[1]);
	port_events(fx);
	tfw_func_reset(fx->d[1].dev, 0);
	fake_run(&fx->env);
	check_down(&fx->d[0], TULLE_LINK_DOWN_NO_SIGNAL);
	assert_int_equal(port_events(fx), 1);
	fake_boot(&fx->d[1]);
	fake_port_up(&fx->d[1]);
	fake_advance(&fx->env, 10 * MSEC);
	check_up(&fx->d[0], 200000, TULLE_FEC_RS);
}

static void test_max_frame(void **state)
{
	struct fixture *fx = *state;
	struct tulle_modify_port req = { .max_frame = cpu_to_le32(9622) };

	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_MAX_FRAME, req), 0);
	assert_int_equal(le32_to_cpu(query(&fx->d[0]).max_frame), 9622);
	req.max_frame = cpu_to_le32(9623);
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_MAX_FRAME, req),
			 TULLE_STATUS_BAD_PARAM);
	req.max_frame = cpu_to_le32(63);
	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_MAX_FRAME, req),
			 TULLE_STATUS_BAD_PARAM);
	assert_int_equal(modify(&fx->d[0], 0x40, req),
			 TULLE_STATUS_BAD_PARAM);
}

/* All or nothing: a request with one wrong member changes none. */
static void test_modify_is_atomic(void **state)
{
	struct fixture *fx = *state;
	struct tulle_modify_port req = { .admin_up = 1, .loopback = 7 };

	assert_int_equal(modify(&fx->d[0], TULLE_PORT_MOD_ADMIN |
				TULLE_PORT_MOD_LOOPBACK, req),
			 TULLE_STATUS_BAD_PARAM);
	assert_int_equal(query(&fx->d[0]).admin_up, 0);
}

static void test_fec_counters(void **state)
{
	struct fixture *fx = *state;
	struct tulle_port_stats stats;
	struct tfw_port *port = &fx->d[0].dev->port;

	assert_false(tfw_port_fec_corrected(port, 1, 1));
	fake_cable(&fx->d[0], &fx->d[1]);
	port->stats.rx.octets += 64000 - 20 * 50;
	port->stats.rx.frames += 50;
	assert_true(tfw_port_fec_corrected(port, 3, 5));
	assert_true(tfw_port_fec_corrected(port, 99, 1));
	tfw_port_fec_failed(port);
	assert_int_equal(fake_cmd(&fx->d[0], TULLE_CMD_QUERY_PORT_STATS, NULL,
				  0, &stats, sizeof(stats)), 0);
	assert_int_equal(le64_to_cpu(stats.fec_hist[0]), 100);
	assert_int_equal(le64_to_cpu(stats.fec_hist[3]), 1);
	assert_int_equal(le64_to_cpu(stats.fec_hist[15]), 1);
	assert_int_equal(le64_to_cpu(stats.fec_corrected_blocks), 2);
	assert_int_equal(le64_to_cpu(stats.fec_corrected_bits), 6);
	assert_int_equal(le64_to_cpu(stats.fec_uncorrectable_blocks), 1);
	assert_int_equal(le64_to_cpu(stats.rx.frames), 50);
}

static void test_vport(void **state)
{
	struct fixture *fx = *state;
	struct tulle_query_vport q = { 0 };
	struct tulle_modify_vport m = {
		.mask = cpu_to_le16(TULLE_VPORT_MOD_MAC),
		.mac = { 0x02, 1, 2, 3, 4, 5 },
	};
	struct tulle_vport_info info;
	struct tulle_vport_stats stats;

	assert_int_equal(fake_cmd(&fx->d[0], TULLE_CMD_MODIFY_VPORT, &m,
				  sizeof(m), NULL, 0), 0);
	assert_int_equal(fake_cmd(&fx->d[0], TULLE_CMD_QUERY_VPORT, &q,
				  sizeof(q), &info, sizeof(info)), 0);
	assert_memory_equal(info.mac, m.mac, 6);
	assert_memory_not_equal(info.perm_mac, m.mac, 6);
	assert_int_equal(((struct tulle_eqe *)fake_poll(&fx->async))->type,
			 TULLE_EVENT_VPORT);
	assert_int_equal(fake_cmd(&fx->d[0], TULLE_CMD_QUERY_VPORT_STATS, &q,
				  sizeof(q), &stats, sizeof(stats)), 0);
	m.mac[0] = 3;
	assert_int_equal(fake_cmd(&fx->d[0], TULLE_CMD_MODIFY_VPORT, &m,
				  sizeof(m), NULL, 0),
			 TULLE_STATUS_BAD_PARAM);
	q.vport = cpu_to_le16(1);
	assert_int_equal(fake_cmd(&fx->d[0], TULLE_CMD_QUERY_VPORT, &q,
				  sizeof(q), &info, sizeof(info)),
			 TULLE_STATUS_DENIED);
}

static void test_parse_speeds(void **state)
{
	(void)state;
	assert_int_equal(tfw_parse_speeds("10"), 1);
	assert_int_equal(tfw_parse_speeds("10,25,50,100,200"), 0x1f);
	assert_int_equal(tfw_parse_speeds("200,25"), 0x12);
	assert_int_equal(tfw_parse_speeds(""), 0);
	assert_int_equal(tfw_parse_speeds("40"), 0);
	assert_int_equal(tfw_parse_speeds("10;25"), 0);
	assert_int_equal(tfw_parse_speeds("99999999999999999999"), 0);
}

/* Timers against a list that is searched: same order, none lost. */
#define NTIMERS	500

struct tick {
	struct tfw_timer	timer;
	struct fixture		*fx;
	bool			armed;
};

static void tick(struct tfw_timer *t)
{
	struct tick *k = tfw_container(t, struct tick, timer);

	assert_true(k->armed);
	assert_true(t->when <= k->fx->env.now);
	k->armed = false;
}

static void test_timers(void **state)
{
	struct fixture *fx = *state;
	struct tick *k = calloc(NTIMERS, sizeof(*k));
	struct tfw_engine *e = fx->env.engine;
	u32 i, step, n;
	u64 min;

	srand(1);
	for (i = 0; i < NTIMERS; i++) {
		tfw_timer_init(&k[i].timer, tick);
		k[i].fx = fx;
	}
	for (step = 0; step < 2000; step++) {
		n = (u32)rand() % NTIMERS;
		if (rand() % 4) {
			tfw_timer_arm(e, &k[n].timer, fx->env.now +
				      (u64)(rand() % 5000));
			k[n].armed = true;
		} else {
			tfw_timer_cancel(e, &k[n].timer);
			k[n].armed = false;
		}
		if (rand() % 8 == 0) {
			fx->env.now += (u64)(rand() % 500);
			fake_run(&fx->env);
		}
		min = TFW_NEVER;
		for (i = 0; i < NTIMERS; i++) {
			assert_int_equal(k[i].armed,
					 tfw_timer_armed(&k[i].timer));
			if (k[i].armed)
				min = TFW_MIN(min, k[i].timer.when);
		}
		if (min != TFW_NEVER)
			assert_true(tfw_engine_next_timer(e) <= min);
	}
	for (i = 0; i < NTIMERS; i++)
		tfw_timer_cancel(e, &k[i].timer);
	free(k);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reasons),
		TEST(test_takes_time),
		TEST(test_speeds),
		TEST(test_fec),
		TEST(test_pause),
		TEST(test_backend),
		TEST(test_loopback),
		TEST(test_partner_reset),
		TEST(test_max_frame),
		TEST(test_modify_is_atomic),
		TEST(test_fec_counters),
		TEST(test_vport),
		cmocka_unit_test(test_parse_speeds),
		TEST(test_timers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
