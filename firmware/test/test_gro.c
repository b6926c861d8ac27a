// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * HW-GRO: what is merged, what is not, and that cutting an aggregate again
 * gives back the segments that went in.
 */
#include "../eth.h"
#include "fx.h"

/* All buffers posted. */
static struct fx *make(const struct tulle_rq_ctx *ctx, u32 log, u32 buf_len)
{
	struct fx *fx = fx_make(ctx, log, buf_len);

	net_rq_post(&fx->rq, 1U << log);
	return fx;
}

static int setup(void **state)
{
	struct tulle_rq_ctx ctx = {
		.flags = cpu_to_le32(TULLE_RQ_F_CHAIN | TULLE_RQ_F_GRO),
		.gro_max = cpu_to_le32(65536),
		.gro_usecs = cpu_to_le16(50),
	};

	*state = make(&ctx, 8, 4096);
	return 0;
}

static int setup_big(void **state)
{
	struct tulle_rq_ctx ctx = {
		.flags = cpu_to_le32(TULLE_RQ_F_CHAIN | TULLE_RQ_F_GRO),
		.gro_max = cpu_to_le32(262144),
	};

	*state = make(&ctx, 8, 4096);
	return 0;
}

static int setup_split(void **state)
{
	struct tulle_rq_ctx ctx = {
		.type = TULLE_RQ_SPLIT,
		.flags = cpu_to_le32(TULLE_RQ_F_CHAIN | TULLE_RQ_F_GRO),
		.gro_max = cpu_to_le32(65536),
	};

	*state = make(&ctx, 8, 2048);
	return 0;
}

static int setup_multi(void **state)
{
	struct tulle_rq_ctx ctx = {
		.type = TULLE_RQ_MULTI,
		.log_stride = 8,
		.log_strides = 7,
		.flags = cpu_to_le32(TULLE_RQ_F_GRO),
		.gro_max = cpu_to_le32(65536),
	};

	*state = make(&ctx, 4, 32768);
	return 0;
}

/* Queues a packet; nothing is sent before flush(). */
static void add(struct fx *fx, const struct net_spec *s)
{
	u32 len = net_make(s, fx->p->frame);
	struct tulle_eth_wqe *wqe = net_wqe(&fx->sq, 1);

	net_fill(&fx->sq, wqe, fx->p->frame, len, 0);
	fx->sq.pi++;
}

static void add_gso(struct fx *fx, const struct net_spec *s, u32 mss)
{
	u32 len = net_make(s, fx->p->frame);
	struct tulle_eth_wqe *wqe = net_wqe(&fx->sq, 1);

	net_fill(&fx->sq, wqe, fx->p->frame, len, 0);
	wqe->eth.flags = cpu_to_le16(TULLE_ETH_F_TSO);
	wqe->eth.mss = cpu_to_le16((u16)mss);
	wqe->eth.hdr_len = cpu_to_le16((u16)net_hdr_len(s));
	wqe->eth.l3 = cpu_to_le16((u16)net_l3(s));
	wqe->eth.l4 = cpu_to_le16((u16)net_l4(s));
	fx->sq.pi++;
}

static void flush(struct fx *fx)
{
	net_ring(&fx->p->a, fx->sq.dbr, &fx->sq.posted,
		 fx->sq.pi - fx->sq.posted, TULLE_UAR_SQ, fx->sq.handle);
}

static void next(struct net_spec *s, u32 payload)
{
	s->seq += s->payload;
	s->id++;
	s->payload = payload;
}

/* An aggregate of @segs, the stream from @seq on, @len bytes of payload. */
static void expect(struct fx *fx, const struct net_spec *s, u32 seq, u32 len,
		   u32 segs, u32 mss, u8 flags)
{
	u32 l3 = net_l3(s), l4 = net_l4(s), hdr = net_hdr_len(s), i, tot;
	struct net_pkt *p = &fx->p->pkt;

	assert_true(net_rx(&fx->rq, p));
	assert_int_equal(get_be32(p->data + l4 + 4), seq);
	assert_int_equal(p->len, hdr + len);
	tot = p->len - l3;
	if (segs > 1) {
		assert_true(net_flags(p) & TULLE_RX_F_GRO);
		assert_int_equal(le16_to_cpu(p->cqe.gro_segs), segs);
		assert_int_equal(le16_to_cpu(p->cqe.gro_size), mss);
	} else {
		assert_false(net_flags(p) & TULLE_RX_F_GRO);
		assert_true(net_sums_good(p->data, l3, l4, p->len));
	}
	assert_true(net_flags(p) & TULLE_RX_F_L4_OK);
	if (s->v6) {
		tot -= 40;
		assert_int_equal(get_be16(p->data + l3 + 4),
				 tot > 0xffff ? 0 : tot);
	} else {
		assert_int_equal(get_be16(p->data + l3 + 2),
				 tot > 0xffff ? 0 : tot);
		assert_int_equal(sum_bytes(p->data + l3, 20, 0), 0xffff);
	}
	assert_int_equal(p->data[l4 + 13], flags);
	for (i = 0; i < len; i++)
		if (p->data[hdr + i] != net_byte(seq + i))
			fail_msg("byte %u", i);
}

static void expect_none(struct fx *fx)
{
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
}

static void test_merge(void **state)
{
	struct fx *fx = *state;
	u32 i;

	for (i = 0; i < 4; i++) {
		struct net_spec s = {
			.v6 = i & 1, .opt = i & 2 ? 12 : 0, .payload = 1000,
			.seq = 0xfffffa00, .id = 0xfffe, .tsval = 9,
		};

		add(fx, &s);
		next(&s, 1000);
		add(fx, &s);
		next(&s, 1000);
		add(fx, &s);
		next(&s, 400);
		add(fx, &s);
		flush(fx);
		expect(fx, &s, 0xfffffa00, 3400, 4, 1000, 0x10);
		expect_none(fx);
	}
}

/* Packets that end an aggregate are its last segment. */
static void test_ends(void **state)
{
	static const u8 ends[] = { 0x18, 0x11, 0x19 };
	struct fx *fx = *state;
	u32 i;

	for (i = 0; i < 3; i++) {
		struct net_spec s = { .payload = 500, .flags = 0x10 };

		add(fx, &s);
		next(&s, 500);
		s.flags = ends[i];
		add(fx, &s);
		next(&s, 500);
		s.flags = 0x10;
		add(fx, &s);
		flush(fx);
		expect(fx, &s, 0, 1000, 2, 500, ends[i]);
		expect(fx, &s, 1000, 500, 1, 0, 0x10);
		expect_none(fx);
	}
	/* A short one, too. */
	struct net_spec s = { .payload = 500 };

	add(fx, &s);
	next(&s, 499);
	add(fx, &s);
	next(&s, 499);
	add(fx, &s);
	flush(fx);
	expect(fx, &s, 0, 999, 2, 500, 0x10);
	expect(fx, &s, 999, 499, 1, 0, 0x10);
	expect_none(fx);
}

enum change {
	SEQ, ACK, WINDOW, TSVAL, SPORT, DPORT, FLAG_ECE, LONGER, ID, TOS, TTL,
	DMAC, CHANGES,
};

static void change(struct net_spec *s, u8 *f, enum change c)
{
	u32 l3 = net_l3(s), l4 = net_l4(s);

	if (c == TOS)
		f[l3 + 1] ^= 4;
	if (c == TTL)
		f[l3 + 8]--;
	if (c == ID)
		put_be16(f + l3 + 6, 0);
	if (c == DMAC)
		f[5] ^= 1;
	put_be16(f + l3 + 10, 0);
	put_be16(f + l3 + 10, ~sum_bytes(f + l3, 20, 0));
	(void)l4;
}

/* Anything that differs keeps two packets apart, and loses none. */
static void test_differences(void **state)
{
	struct fx *fx = *state;
	struct net_pkt *p = &fx->p->pkt;
	u32 c, len, total = 0;

	for (c = 0; c < CHANGES; c++) {
		struct net_spec s = { .payload = 600, .opt = 12, .sport = 5,
				      .ack = 1, .window = 100, .id = 40 };
		struct tulle_eth_wqe *wqe;

		len = net_make(&s, fx->p->frame);
		change(&s, fx->p->frame, c == ID ? ID : CHANGES);
		wqe = net_wqe(&fx->sq, 1);
		net_fill(&fx->sq, wqe, fx->p->frame, len, 0);
		fx->sq.pi++;
		next(&s, c == LONGER ? 601 : 600);
		s.seq += c == SEQ;
		s.ack += c == ACK;
		s.window += c == WINDOW;
		s.tsval += c == TSVAL;
		s.sport += c == SPORT;
		s.dport += c == DPORT;
		s.id += c == ID;
		s.flags = c == FLAG_ECE ? 0x50 : 0x10;
		len = net_make(&s, fx->p->frame);
		change(&s, fx->p->frame, c);
		wqe = net_wqe(&fx->sq, 1);
		net_fill(&fx->sq, wqe, fx->p->frame, len, 0);
		fx->sq.pi++;
		flush(fx);
		for (total = 0; net_rx(&fx->rq, p); total++) {
			if (net_flags(p) & TULLE_RX_F_GRO)
				fail_msg("change %u was merged", c);
			assert_true(net_sums_good(p->data, 14, 34, p->len));
		}
		if (total != 2)
			fail_msg("change %u: %u packets", c, total);
	}
}

/* Never part of an aggregate; packets before them are delivered first. */
static void test_never(void **state)
{
	static const u8 flags[] = { 0x12, 0x14, 0x30, 0x90, 0x00 };
	struct fx *fx = *state;
	u32 i;

	for (i = 0; i < sizeof(flags); i++) {
		struct net_spec s = { .payload = 100, .flags = 0x10 };

		add(fx, &s);
		next(&s, 100);
		s.flags = flags[i] ? flags[i] : 0x10;
		if (!flags[i])
			s.payload = 0;
		add(fx, &s);
		flush(fx);
		expect(fx, &s, 0, 100, 1, 0, 0x10);
		assert_true(net_rx(&fx->rq, &fx->p->pkt));
		assert_false(net_flags(&fx->p->pkt) & TULLE_RX_F_GRO);
		expect_none(fx);
	}
}

static void test_bad_sum(void **state)
{
	struct fx *fx = *state;
	struct net_spec s = { .payload = 100 };
	struct tulle_eth_wqe *wqe;
	u32 len;

	add(fx, &s);
	next(&s, 100);
	len = net_make(&s, fx->p->frame);
	fx->p->frame[len - 1] ^= 1;
	wqe = net_wqe(&fx->sq, 1);
	net_fill(&fx->sq, wqe, fx->p->frame, len, 0);
	fx->sq.pi++;
	flush(fx);
	expect(fx, &s, 0, 100, 1, 0, 0x10);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_L4_BAD);
	assert_false(net_flags(&fx->p->pkt) & TULLE_RX_F_GRO);
}

/* A super-frame is an aggregate as it is, and takes others of its kind. */
static void test_super(void **state)
{
	struct net_spec s = { .payload = 20000, .opt = 12, .flags = 0x10 };
	struct fx *fx = *state;

	add_gso(fx, &s, 1000);
	next(&s, 20000);
	s.id = 20;
	s.flags = 0x18;
	add_gso(fx, &s, 1000);
	flush(fx);
	expect(fx, &s, 0, 40000, 40, 1000, 0x18);
	expect_none(fx);
	/* Segment sizes that differ do not mix. */
	s = (struct net_spec){ .payload = 2000, .flags = 0x10 };
	add_gso(fx, &s, 1000);
	next(&s, 2000);
	s.id = 2;
	add_gso(fx, &s, 500);
	flush(fx);
	expect(fx, &s, 0, 2000, 2, 1000, 0x10);
	expect(fx, &s, 2000, 2000, 4, 500, 0x10);
	expect_none(fx);
}

static void test_super_limits(void **state)
{
	struct net_spec s = { .payload = 65000, .flags = 0x10, .v6 = true };
	struct fx *fx = *state;

	/* Two do not fit in gro_max. */
	add_gso(fx, &s, 1000);
	next(&s, 65000);
	add_gso(fx, &s, 1000);
	flush(fx);
	expect(fx, &s, 0, 65000, 65, 1000, 0x10);
	expect(fx, &s, 65000, 65000, 65, 1000, 0x10);
	expect_none(fx);
	/* One that alone does not fit is cut and comes as several. */
	s = (struct net_spec){ .payload = 130000, .flags = 0x18 };
	add_gso(fx, &s, 1000);
	flush(fx);
	expect(fx, &s, 0, 65000, 65, 1000, 0x10);
	expect(fx, &s, 65000, 65000, 65, 1000, 0x18);
	expect_none(fx);
}

static void test_big_tcp(void **state)
{
	struct fx *fx = *state;
	u32 v6;

	for (v6 = 0; v6 < 2; v6++) {
		struct net_spec s = { .payload = 250000, .flags = 0x18,
				      .opt = 12, .v6 = v6 };

		add_gso(fx, &s, 1400);
		flush(fx);
		expect(fx, &s, 0, 250000, 179, 1400, 0x18);
		expect_none(fx);
		net_rq_post(&fx->rq, 62);
	}
}

/* Two flows by turns, in buffers that hold several segments each. */
static void test_two_flows(void **state)
{
	struct net_spec a = { .payload = 1000, .sport = 1 };
	struct net_spec b = { .payload = 1000, .sport = 2 };
	struct fx *fx = *state;
	u32 i, got[3] = { 0 };

	for (i = 0; i < 12; i++) {
		add(fx, &a);
		add(fx, &b);
		next(&a, 1000);
		next(&b, 1000);
	}
	flush(fx);
	while (net_rx(&fx->rq, &fx->p->pkt)) {
		const u8 *f = fx->p->pkt.data;
		u32 port = get_be16(f + 34);

		assert_true(port == 1 || port == 2);
		/* In order within the flow, nothing missing. */
		assert_int_equal(get_be32(f + 38), got[port]);
		got[port] += fx->p->pkt.len - 54;
	}
	assert_int_equal(got[1], 12000);
	assert_int_equal(got[2], 12000);
}

static void test_completions_in_order(void **state)
{
	struct fx *fx = *state;
	u32 i, next_wqe = 0;

	for (i = 0; i < 60; i++) {
		struct net_spec s = { .payload = 700 + i % 3, .seq = i * 5000,
				      .sport = (u16)(i % 11) };

		add(fx, &s);
	}
	flush(fx);
	for (i = 0; net_rx(&fx->rq, &fx->p->pkt); i++) {
		assert_int_equal(le32_to_cpu(fx->p->pkt.cqe.wqe), next_wqe);
		next_wqe += le16_to_cpu(fx->p->pkt.cqe.count);
	}
	assert_int_equal(i, 60);
}

/* From a backend packets come one by one; the pass that follows flushes. */
static void test_backend(void **state)
{
	struct net_spec s = { .payload = 1400, .opt = 12 };
	struct fx *fx = *state;
	struct tfw_iov iov;
	u32 i;

	tfw_cable_leave(fx->p->b.d.dev);
	tfw_port_set_backend(fx->p->b.d.dev, true, true);
	fake_advance(&fx->p->env, 100000000);
	for (i = 0; i < 5; i++) {
		iov.base = fx->p->frame;
		iov.len = net_make(&s, fx->p->frame);
		assert_true(tfw_port_receive(fx->p->b.d.dev, &iov, 1));
		next(&s, 1400);
	}
	expect_none(fx);
	fake_run(&fx->p->env);
	expect(fx, &s, 0, 7000, 5, 1400, 0x10);
	expect_none(fx);
}

/* The queue that waits least sets the time for all. */
static void test_earliest_timer(void **state)
{
	struct fx *fx = *state;
	struct tulle_rq_ctx ctx = fx->rq.ctx;
	struct tfw_func *f = tfw_func_find(fx->p->b.d.dev, 0);
	struct tfw_timer *t = &f->dev->port.wire->gro_timer;
	struct tfw_rq *slow, *fast;
	struct net_rq other;
	u64 now = f->dev->engine->now, when[3];

	ctx.gro_usecs = cpu_to_le16(5);
	net_rq_create(&fx->p->b, &other, &ctx, 4, 4096);
	slow = tfw_rq_of(tfw_obj_find(f, TULLE_OBJ_RQ, fx->rq.handle));
	fast = tfw_rq_of(tfw_obj_find(f, TULLE_OBJ_RQ, other.handle));
	tfw_wire_gro_open(slow);
	when[0] = t->when;
	tfw_wire_gro_open(fast);
	when[1] = t->when;
	tfw_list_del(&slow->gro_node);
	tfw_wire_gro_open(slow);
	when[2] = t->when;
	/* They have nothing to flush. */
	tfw_list_del(&fast->gro_node);
	tfw_list_del(&slow->gro_node);
	assert_int_equal(when[0], now + 50000);
	assert_int_equal(when[1], now + 5000);
	assert_int_equal(when[2], now + 5000);
	net_rq_free(&other);
}

/*
 * The queue runs dry in the middle: what is there is delivered, the rest comes
 * when there are buffers again, and the stream is whole.
 */
static void test_dry(void **state)
{
	struct net_spec s = { .payload = 60000, .flags = 0x18 };
	struct fx *fx = *state;
	u32 seq = 0, i, n, spent = 0;

	for (i = 0; i < 20; i++) {
		s.seq = i * 60000;
		s.id = (u16)(i * 60);
		add_gso(fx, &s, 1000);
	}
	flush(fx);
	for (n = 0; seq < 1200000 && n < 1000; n++) {
		while (net_rx(&fx->rq, &fx->p->pkt)) {
			assert_int_equal(get_be32(fx->p->pkt.data + 38), seq);
			for (i = 54; i < fx->p->pkt.len; i++, seq++)
				if (fx->p->pkt.data[i] != net_byte(seq))
					fail_msg("byte %u", seq);
			spent += le16_to_cpu(fx->p->pkt.cqe.count);
		}
		if (spent)
			net_rq_refill(&fx->rq, spent > 7 ? 7 : spent);
		spent -= spent > 7 ? 7 : spent;
	}
	assert_int_equal(seq, 1200000);
}

/* Cutting an aggregate again gives the segments that went in. */
static void test_round_trip(void **state)
{
	static u8 want[8][1600];
	u32 lens[8], i;
	struct net_spec s = { .payload = 1000, .opt = 12, .id = 7 };
	struct fx *fx = *state;
	u8 *f;

	for (i = 0; i < 8; i++) {
		lens[i] = net_make(&s, want[i]);
		add(fx, &s);
		next(&s, i == 6 ? 333 : 1000);
		s.flags = i == 6 ? 0x18 : 0x10;
	}
	flush(fx);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	f = fx->p->pkt.data;
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.gro_segs), 8);
	for (i = 0; i < 8; i++) {
		struct net_spec c = { .opt = 12, .id = (u16)(7 + i) };
		u8 out[1600];

		c.seq = get_be32(f + 38) + i * 1000;
		c.payload = i == 7 ? fx->p->pkt.len - 66 - 7000 : 1000;
		c.flags = i == 7 ? f[47] : f[47] & ~0x08;
		assert_int_equal(net_make(&c, out), lens[i]);
		assert_memory_equal(out, want[i], lens[i]);
	}
}

static void test_multi_positions(void **state)
{
	struct net_spec s = { .payload = 1000 };
	struct fx *fx = *state;
	u32 i, j;

	/* Grows over the end of a WQE's buffer: 128 strides of 256 bytes. */
	for (j = 0; j < 3; j++) {
		u32 seq = s.seq;

		for (i = 0; i < 60; i++) {
			add(fx, &s);
			next(&s, 1000);
		}
		flush(fx);
		expect(fx, &s, seq, 60000, 60, 1000, 0x10);
		expect_none(fx);
	}
}

#define T(name, s) cmocka_unit_test_setup_teardown(name, s, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_merge, setup),
		T(test_merge, setup_split),
		T(test_merge, setup_multi),
		T(test_ends, setup),
		T(test_earliest_timer, setup),
		T(test_differences, setup),
		T(test_never, setup),
		T(test_bad_sum, setup),
		T(test_super, setup),
		T(test_super, setup_split),
		T(test_super, setup_multi),
		T(test_super_limits, setup),
		T(test_big_tcp, setup_big),
		T(test_two_flows, setup),
		T(test_two_flows, setup_multi),
		T(test_two_flows, setup_split),
		T(test_completions_in_order, setup),
		T(test_backend, setup),
		T(test_dry, setup),
		T(test_dry, setup_split),
		T(test_round_trip, setup),
		T(test_multi_positions, setup_multi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
