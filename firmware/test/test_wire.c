// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The wire: backends, pause, faults, capture, loopback.
 */
#include "fx.h"

static void test_backend(void **state)
{
	struct net_spec s = { .payload = 1 };
	struct tulle_port_stats st;
	struct fx *fx = *state;
	struct fake_dev *d = &fx->p->b.d;
	u32 len, i;
	u8 huge[17000] = { 0 };

	tfw_cable_leave(d->dev);
	tfw_port_set_backend(d->dev, true, true);
	fake_advance(&fx->p->env, 100000000);
	len = net_make(&s, fx->p->frame);
	net_rq_post(&fx->rq, 64);
	assert_true(fake_receive(d, fx->p->frame, len));
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(fx->p->pkt.len, 60);
	assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_L4_OK);
	assert_true(fake_receive(d, huge, 13));
	assert_true(fake_receive(d, huge, sizeof(huge)));
	assert_true(fake_receive(d, huge, 9700));
	net_stats(&fx->p->b, &st);
	assert_int_equal(le64_to_cpu(st.rx_undersize), 1);
	assert_int_equal(le64_to_cpu(st.rx_oversize), 2);
	assert_int_equal(le64_to_cpu(st.rx.frames), 1);
	/* Without buffers it says no at some time, and when to come back. */
	s.payload = 1400;
	len = net_make(&s, fx->p->frame);
	for (i = 0; i < 1000; i++)
		if (!fake_receive(d, fx->p->frame, len))
			break;
	assert_in_range(i, 100, 999);
	assert_int_equal(d->rx_ready, 0);
	for (; i; i--) {
		if (!net_rx(&fx->rq, &fx->p->pkt)) {
			net_rq_refill(&fx->rq, 32);
			assert_true(net_rx(&fx->rq, &fx->p->pkt));
		}
	}
	assert_true(d->rx_ready >= 1);
}

/* A backend that was refused hears of it, whatever the port does meanwhile. */
static void test_refused_then_loopback(void **state)
{
	struct net_spec s = { .payload = 1400 };
	struct fx *fx = *state;
	struct fake_dev *d = &fx->p->b.d;
	u32 len = net_make(&s, fx->p->frame), i;

	tfw_cable_leave(d->dev);
	tfw_port_set_backend(d->dev, true, true);
	fake_advance(&fx->p->env, 100000000);
	for (i = 0; i < 1000; i++)
		if (!fake_receive(d, fx->p->frame, len))
			break;
	assert_in_range(i, 100, 999);
	assert_int_equal(d->rx_ready, 0);
	net_set_loopback(&fx->p->b, 1);
	fake_advance(&fx->p->env, 100000000);
	for (; i; i--) {
		if (!net_rx(&fx->rq, &fx->p->pkt)) {
			net_rq_refill(&fx->rq, 32);
			assert_true(net_rx(&fx->rq, &fx->p->pkt));
		}
	}
	net_set_loopback(&fx->p->b, 0);
	fake_advance(&fx->p->env, 100000000);
	assert_true(d->rx_ready >= 1);
	assert_true(fake_receive(d, fx->p->frame, len));
}

static void set_faults(struct fx *fx, const char *text)
{
	char err[100];

	assert_true(tfw_dev_set_faults(fx->p->a.d.dev, text, err, sizeof(err)));
}

static u32 send_many(struct fx *fx, u32 n, u32 *order)
{
	struct net_spec s = { .payload = 100 };
	u32 i, got = 0;

	for (i = 0; i < n; i++) {
		s.seq = i;
		fx_send(fx, &s);
		while (net_rx(&fx->rq, &fx->p->pkt)) {
			order[got++] = get_be32(fx->p->pkt.data + 38);
			net_rq_post(&fx->rq, 1);
		}
	}
	fake_advance(&fx->p->env, 10000000);
	while (net_rx(&fx->rq, &fx->p->pkt)) {
		order[got++] = get_be32(fx->p->pkt.data + 38);
		net_rq_post(&fx->rq, 1);
	}
	return got;
}

static void test_faults(void **state)
{
	struct tulle_port_stats a, b;
	struct fx *fx = *state;
	u32 order[200], i, n;

	net_rq_post(&fx->rq, 64);
	set_faults(fx, "seed=7;wire_loss:n=10");
	assert_int_equal(send_many(fx, 100, order), 90);
	net_stats(&fx->p->a, &a);
	net_stats(&fx->p->b, &b);
	assert_int_equal(le64_to_cpu(a.tx.frames), 100);
	assert_int_equal(le64_to_cpu(b.rx.frames), 90);

	set_faults(fx, "seed=7;wire_corrupt:n=10");
	assert_int_equal(send_many(fx, 100, order), 90);
	net_stats(&fx->p->b, &b);
	assert_int_equal(le64_to_cpu(b.rx_fcs_errors), 10);
	assert_int_equal(le64_to_cpu(b.rx.frames), 180);

	set_faults(fx, "seed=7;wire_reorder:n=10");
	assert_int_equal(send_many(fx, 100, order), 100);
	assert_int_equal(order[9], 10);
	assert_int_equal(order[10], 9);
	assert_int_equal(order[11], 11);

	set_faults(fx, "seed=7;wire_delay:n=10,c=2");
	n = send_many(fx, 100, order);
	assert_int_equal(n, 100);
	for (i = 0; i < 98; i++)
		assert_int_not_equal(order[i], 9);

	set_faults(fx, "seed=7;wire_symbol:n=5");
	n = send_many(fx, 100, order);
	net_stats(&fx->p->b, &b);
	assert_true(n == 100 ? le64_to_cpu(b.fec_corrected_blocks) == 20 :
			       le64_to_cpu(b.rx_symbol_errors) >= 20);
}

/* What comes from a backend is shuffled too, and nothing stays behind. */
static void test_backend_reorder(void **state)
{
	struct net_spec s = { .payload = 100 };
	struct fx *fx = *state;
	struct fake_dev *d = &fx->p->b.d;
	u32 order[20], i, got = 0;
	char err[100];

	tfw_cable_leave(d->dev);
	tfw_port_set_backend(d->dev, true, true);
	fake_advance(&fx->p->env, 100000000);
	assert_true(tfw_dev_set_faults(d->dev, "wire_reorder:n=10", err,
				       sizeof(err)));
	net_rq_post(&fx->rq, 64);
	for (i = 0; i < 20; i++) {
		s.seq = i;
		assert_true(fake_receive(d, fx->p->frame,
					 net_make(&s, fx->p->frame)));
		while (net_rx(&fx->rq, &fx->p->pkt))
			order[got++] = get_be32(fx->p->pkt.data + 38);
	}
	assert_int_equal(got, 19);
	fake_advance(&fx->p->env, 10000000);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	order[got++] = get_be32(fx->p->pkt.data + 38);
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
	for (i = 0; i < 20; i++)
		assert_int_equal(order[i], i == 9 ? 10 : i == 10 ? 9 : i);
}

/* The same seed loses the same packets. */
static void test_seed(void **state)
{
	struct fx *fx = *state;
	u32 one[300], two[300], n;

	net_rq_post(&fx->rq, 64);
	set_faults(fx, "seed=3;wire_loss:p=0.2");
	n = send_many(fx, 200, one);
	assert_in_range(n, 100, 199);
	set_faults(fx, "seed=3;wire_loss:p=0.2");
	assert_int_equal(send_many(fx, 200, two), n);
	assert_memory_equal(one, two, n * sizeof(one[0]));
}

/* A point draws for every packet, however long they are apart. */
static void test_seed_any_pace(void **state)
{
	static const char *const plans[] = {
		"seed=5;wire_reorder:p=0.3", "seed=5;wire_delay:p=0.3",
		"seed=5;wire_delay:p=0.6;wire_reorder:p=0.3",
	};
	struct net_spec s = { .payload = 100 };
	struct fx *fx = *state;
	char counters[2][200];
	u32 i, slow, plan;

	net_rq_post(&fx->rq, 64);
	for (plan = 0; plan < 3; plan++) {
		for (slow = 0; slow < 2; slow++) {
			set_faults(fx, plans[plan]);
			for (i = 0; i < 300; i++) {
				fx_send(fx, &s);
				if (slow)
					fake_advance(&fx->p->env, 5000000);
				while (net_rx(&fx->rq, &fx->p->pkt))
					net_rq_post(&fx->rq, 1);
			}
			tfw_dev_fault_counters(fx->p->a.d.dev, counters[slow],
					       sizeof(counters[slow]));
			fake_advance(&fx->p->env, 10000000);
			while (net_rx(&fx->rq, &fx->p->pkt))
				net_rq_post(&fx->rq, 1);
		}
		assert_non_null(strstr(counters[0], "/300"));
		assert_string_equal(counters[0], counters[1]);
	}
}

/* What a backend was to get is lost, and no error of this port. */
static void test_backend_errors(void **state)
{
	struct net_spec s = { .payload = 100 };
	struct fx *fx = *state;
	struct fake_dev *d = &fx->p->a.d;
	struct tulle_port_stats st;
	u32 i;

	tfw_cable_leave(d->dev);
	tfw_port_set_backend(d->dev, true, true);
	fake_advance(&fx->p->env, 100000000);
	fake_frames_drop(d);
	set_faults(fx, "seed=7;wire_corrupt:n=5;wire_symbol:n=7");
	for (i = 0; i < 100; i++)
		fx_send(fx, &s);
	assert_in_range(d->nframes, 60, 80);
	net_stats(&fx->p->a, &st);
	assert_int_equal(le64_to_cpu(st.tx.frames), 100);
	assert_int_equal(le64_to_cpu(st.rx_fcs_errors), 0);
	assert_int_equal(le64_to_cpu(st.rx_symbol_errors), 0);
	assert_int_equal(le64_to_cpu(st.fec_corrected_blocks), 0);
	assert_int_equal(le64_to_cpu(st.fec_uncorrectable_blocks), 0);
}

/* A pause frame to another station is eaten, but not obeyed. */
static void test_pause_address(void **state)
{
	static const u8 other[6] = { 0x02, 0, 0, 0, 0, 0x77 };
	u8 pause[60] = { 0x01, 0x80, 0xc2, 0, 0, 1, 2, 2, 2, 2, 2, 2,
			 0x88, 0x08, 0, 1, 0xff, 0xff };
	struct tulle_query_vport qv = { 0 };
	struct tulle_vport_info info;
	struct net_spec s = { .payload = 100 };
	struct tulle_port_stats st;
	struct fx *fx = *state;
	struct net_sq back;
	u32 i;

	assert_int_equal(fake_cmd(&fx->p->a.d, TULLE_CMD_QUERY_VPORT, &qv,
				  sizeof(qv), &info, sizeof(info)), 0);
	net_rq_post(&fx->rq, 64);
	net_sq_create(&fx->p->b, &back, 6);
	for (i = 0; i < 2; i++) {
		memcpy(pause, i ? info.mac : other, 6);
		net_send(&back, pause, 60);
		net_stats(&fx->p->a, &st);
		assert_int_equal(le64_to_cpu(st.rx.pause), i + 1);
		assert_int_equal(le64_to_cpu(st.rx.frames), 0);
		fx_send(fx, &s);
		assert_int_equal(net_rx(&fx->rq, &fx->p->pkt), !i);
	}
	fake_advance(&fx->p->env, 10000000);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
}

/* A real pause frame stops the port for the time it says. */
static void test_pause_frame(void **state)
{
	u8 pause[60] = { 0x01, 0x80, 0xc2, 0, 0, 1, 2, 2, 2, 2, 2, 2,
			 0x88, 0x08, 0, 1, 0xff, 0xff };
	struct net_spec s = { .payload = 100 };
	struct tulle_port_stats st;
	struct fx *fx = *state;
	struct net_sq back;

	net_rq_post(&fx->rq, 64);
	net_sq_create(&fx->p->b, &back, 6);
	net_send(&back, pause, 60);
	fx_send(fx, &s);
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
	net_stats(&fx->p->a, &st);
	assert_int_equal(le64_to_cpu(st.rx.pause), 1);
	assert_int_equal(le64_to_cpu(st.rx.frames), 0);
	fake_advance(&fx->p->env, 10000000);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	pause[15] = 2;
	net_send(&back, pause, 60);
	net_stats(&fx->p->a, &st);
	assert_int_equal(le64_to_cpu(st.rx.unknown_ctrl), 1);
}

/* Nobody negotiates with a backend: what is forced counts. */
static void test_pause_backend(void **state)
{
	u8 pause[60] = { 0x01, 0x80, 0xc2, 0, 0, 1, 2, 2, 2, 2, 2, 2,
			 0x88, 0x08, 0, 1, 0xff, 0xff };
	struct tulle_modify_port req = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_PAUSE),
		.pause = TULLE_PAUSE_AUTONEG | TULLE_PAUSE_RX | TULLE_PAUSE_TX,
	};
	struct net_spec s = { .payload = 100 };
	struct tulle_port_stats st;
	struct fx *fx = *state;
	struct net *a = &fx->p->a;
	int forced;

	tfw_cable_leave(a->d.dev);
	tfw_port_set_backend(a->d.dev, true, true);
	fake_advance(&fx->p->env, 100000000);
	for (forced = 0; forced < 2; forced++) {
		assert_int_equal(fake_cmd(&a->d, TULLE_CMD_MODIFY_PORT, &req,
					  sizeof(req), NULL, 0), 0);
		assert_true(fake_receive(&a->d, pause, sizeof(pause)));
		fx_send(fx, &s);
		net_stats(a, &st);
		assert_int_equal(le64_to_cpu(st.tx.frames), 1);
		fake_advance(&fx->p->env, 10000000);
		net_stats(a, &st);
		assert_int_equal(le64_to_cpu(st.tx.frames), 1 + forced);
		req.pause = TULLE_PAUSE_RX;
	}
	assert_int_equal(le64_to_cpu(st.rx.pause), 2);
}

static void test_capture(void **state)
{
	struct net_spec s = { .payload = 5000, .flags = 0x18 };
	struct fx *fx = *state;
	struct tulle_eth_wqe *wqe;
	u32 len = net_make(&s, fx->p->frame), i;

	net_rq_post(&fx->rq, 64);
	tfw_dev_set_capture(fx->p->a.d.dev, true);
	tfw_dev_set_capture(fx->p->b.d.dev, true);
	wqe = net_wqe(&fx->sq, 1);
	net_fill(&fx->sq, wqe, fx->p->frame, len, 0);
	wqe->eth.flags = cpu_to_le16(TULLE_ETH_F_TSO);
	wqe->eth.mss = cpu_to_le16(1000);
	wqe->eth.hdr_len = cpu_to_le16(54);
	wqe->eth.l3 = cpu_to_le16(14);
	wqe->eth.l4 = cpu_to_le16(34);
	net_post(&fx->sq, wqe);
	assert_int_equal(fx->p->a.d.captured, 5);
	assert_int_equal(fx->p->b.d.captured, 5);
	for (i = 0; i < 5; i++)
		assert_true(net_rx(&fx->rq, &fx->p->pkt));
}

/* In loopback a port talks to itself and not to the other end. */
static void test_loopback(void **state)
{
	struct tulle_modify_port mp = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_LOOPBACK),
		.loopback = 1,
	};
	struct net_spec s = { .payload = 100 };
	struct tulle_rq_ctx ctx = { 0 };
	struct tulle_port_stats st;
	struct fx *fx = *state;
	struct net_rq rq;
	u32 len;

	net_rq_post(&fx->rq, 4);
	net_rq_create(&fx->p->a, &rq, &ctx, 4, 2048);
	net_rx_default(&fx->p->a, TULLE_ACTION_QUEUE, rq.handle);
	net_rq_post(&rq, 4);
	assert_int_equal(fake_cmd(&fx->p->a.d, TULLE_CMD_MODIFY_PORT, &mp,
				  sizeof(mp), NULL, 0), 0);
	fake_advance(&fx->p->env, 100000000);
	len = fx_send(fx, &s);
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
	assert_true(net_rx(&rq, &fx->p->pkt));
	assert_memory_equal(fx->p->pkt.data, fx->p->frame, len);
	net_stats(&fx->p->a, &st);
	assert_int_equal(le64_to_cpu(st.tx.frames), 1);
	assert_int_equal(le64_to_cpu(st.rx.frames), 1);
	net_rq_free(&rq);
}

/* Nobody at the other end: frames are lost and counted, not kept. */
static void test_no_link(void **state)
{
	struct net_spec s = { .payload = 100 };
	struct tulle_port_stats st;
	struct fx *fx = *state;

	net_rq_post(&fx->rq, 4);
	tfw_cable_leave(fx->p->a.d.dev);
	fake_run(&fx->p->env);
	fx_send(fx, &s);
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
	net_stats(&fx->p->a, &st);
	assert_int_equal(le64_to_cpu(st.tx.frames), 0);
	assert_int_equal(le64_to_cpu(st.tx_backend_drops), 1);
}

/* Whatever the moment, destroying and resetting leave nothing behind. */
static void test_reset_under_load(void **state)
{
	struct net_spec s = { .payload = 1400 };
	struct fx *fx = *state;
	u32 i, len;

	set_faults(fx, "wire_delay:n=3;wire_reorder:n=7");
	net_rq_post(&fx->rq, 5);
	for (i = 0; i < 200; i++) {
		len = net_make(&s, fx->p->frame);
		net_send(&fx->sq, fx->p->frame, len);
	}
	tfw_func_reset(fx->p->b.d.dev, 0);
	fake_run(&fx->p->env);
	tfw_func_reset(fx->p->a.d.dev, 0);
	fake_advance(&fx->p->env, 1000000000);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_backend),
		T(test_refused_then_loopback),
		T(test_backend_errors),
		T(test_faults),
		T(test_backend_reorder),
		T(test_seed),
		T(test_seed_any_pace),
		T(test_pause_frame),
		T(test_pause_address),
		T(test_pause_backend),
		T(test_capture),
		T(test_loopback),
		T(test_no_link),
		T(test_reset_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
