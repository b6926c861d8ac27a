// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * RSS: hashes against the published vectors and a bit-by-bit computation, and
 * the queues that follow from them.
 */
#include "../eth.h"
#include "fx.h"

static const u8 ms_key[TULLE_RSS_KEY_LEN] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
	0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
	0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
	0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
	0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* Bit by bit. */
static u32 toeplitz(const u8 *key, const u8 *in, u32 len)
{
	u32 hash = 0, i, b, window;

	for (i = 0; i < len * 8; i++) {
		if (!(in[i / 8] & (0x80 >> i % 8)))
			continue;
		for (window = 0, b = 0; b < 32; b++)
			window = window << 1 |
				 (key[(i + b) / 8] >> (7 - (i + b) % 8) & 1);
		hash ^= window;
	}
	return hash;
}

static void test_toeplitz(void **state)
{
	/* The published verification suite's first TCP/IPv4 pair. */
	static const u8 in[12] = { 66, 9, 149, 187, 161, 142, 100, 80,
				   0x0a, 0xea, 0x06, 0xe6 };
	struct tfw_toeplitz *t = malloc(sizeof(*t));
	u8 key[TULLE_RSS_KEY_LEN], data[40];
	u32 i, j;

	(void)state;
	tfw_toeplitz_init(t, ms_key);
	assert_int_equal(tfw_toeplitz_hash(t, in, 12), 0x51ccc178);
	assert_int_equal(tfw_toeplitz_hash(t, in, 8), 0x323e8fc2);
	srand(1);
	for (i = 0; i < 200; i++) {
		for (j = 0; j < sizeof(key); j++)
			key[j] = (u8)rand();
		for (j = 0; j < sizeof(data); j++)
			data[j] = (u8)rand();
		tfw_toeplitz_init(t, key);
		assert_int_equal(tfw_toeplitz_hash(t, data, i % 41),
				 toeplitz(key, data, i % 41));
	}
	free(t);
}

static u32 rss_create(struct fx *fx, const u8 *fields, u8 sym, u32 log,
		      const u32 *rq, enum tulle_status *st)
{
	size_t len = sizeof(struct tulle_rss) + (4UL << log);
	struct tulle_rss *r = calloc(1, len);
	u32 i, handle;

	r->ctx.log_size = (u8)log;
	r->ctx.sym = sym;
	memcpy(r->ctx.fields, fields, sizeof(r->ctx.fields));
	memcpy(r->ctx.key, ms_key, sizeof(ms_key));
	for (i = 0; i < 1U << log; i++)
		r->rq[i] = cpu_to_le32(rq[i]);
	handle = fake_create(&fx->p->b.d, TULLE_CMD_CREATE_RSS, r, (u32)len,
			     st);
	free(r);
	return handle;
}

static void xor_fields(u8 *in, u32 len, u8 sym)
{
	u32 i;

	for (i = 0; i < len; i++) {
		u8 a = in[i], b = in[len + i];

		in[i] = sym == TULLE_RSS_SYM_XOR ? a ^ b : a | b;
		in[len + i] = a ^ b;
	}
}

static u32 expected_hash(const struct net_spec *s, const u8 *f, u8 fields,
			 u8 sym)
{
	u32 l3 = net_l3(s), l4 = net_l4(s), alen = s->v6 ? 16 : 4, n;
	u8 in[64];

	memcpy(in, f + l3 + (s->v6 ? 8 : 12), alen * 2);
	if (sym)
		xor_fields(in, alen, sym);
	n = alen * 2;
	if (fields & TULLE_RSS_F_L4_SRC) {
		memcpy(in + n, f + l4, 4);
		if (sym)
			xor_fields(in + n, 2, sym);
		n += 4;
	}
	if (fields & TULLE_RSS_F_IP6_FL) {
		put_be32(in + n, get_be32(f + l3) & 0xfffff);
		n += 4;
	}
	return toeplitz(ms_key, in, n);
}

static void test_rss(void **state)
{
	static const u8 all = TULLE_RSS_F_L3_SRC | TULLE_RSS_F_L3_DST |
			      TULLE_RSS_F_L4_SRC | TULLE_RSS_F_L4_DST;
	static const u8 fields[TULLE_RSS_TYPES] = {
		all, all, 3, all | TULLE_RSS_F_IP6_FL, all, 3,
	};
	struct tulle_rq_ctx ctx = { 0 };
	struct net_rq rq[4];
	struct fx *fx = *state;
	u32 table[8], i, sym, handle, hits[4] = { 0 };
	enum tulle_status st;

	for (i = 0; i < 4; i++) {
		net_rq_create(&fx->p->b, &rq[i], &ctx, 8, 2048);
		net_rq_post(&rq[i], 256);
	}
	for (i = 0; i < 8; i++)
		table[i] = rq[i % 4].handle;
	for (sym = 0; sym < 3; sym++) {
		handle = rss_create(fx, fields, (u8)sym, 3, table, &st);
		assert_int_equal(st, 0);
		net_rx_default(&fx->p->b, TULLE_ACTION_RSS, handle);
		for (i = 0; i < 64; i++) {
			struct net_spec s = { .v6 = i & 1, .udp = i & 2,
					      .sport = (u16)(i * 77),
					      .dport = (u16)(i * 3),
					      .payload = 50 };
			u32 type, want;

			type = s.v6 ? (s.udp ? TULLE_RSS_UDP6 : TULLE_RSS_TCP6) :
				      (s.udp ? TULLE_RSS_UDP4 : TULLE_RSS_TCP4);
			fx_send(fx, &s);
			want = expected_hash(&s, fx->p->frame, fields[type],
					     (u8)sym);
			assert_true(net_rx(&rq[want & 3], &fx->p->pkt));
			assert_int_equal(le32_to_cpu(fx->p->pkt.cqe.hash),
					 want);
			assert_int_equal(fx->p->pkt.cqe.hash_type, type + 1);
			hits[want & 3]++;
		}
	}
	for (i = 0; i < 4; i++)
		assert_true(hits[i] > 10);
	assert_int_equal(fake_destroy(&fx->p->b.d, TULLE_CMD_DESTROY_RQ,
				      rq[0].handle), TULLE_STATUS_IN_USE);
	for (i = 0; i < 4; i++)
		net_rq_free(&rq[i]);
}

static void test_rss_commands(void **state)
{
	struct fx *fx = *state;
	u8 fields[TULLE_RSS_TYPES] = { 3 };
	u32 table[4] = { fx->rq.handle, fx->rq.handle, fx->rq.handle,
			 fx->rq.handle }, handle;
	_Alignas(8) u8 mod_buf[sizeof(struct tulle_modify_rss) + 8] = { 0 };
	static _Alignas(8) u8 back_buf[sizeof(struct tulle_rss) + 4 * 2048];
	struct tulle_modify_rss *mod = (void *)mod_buf;
	struct tulle_rss *back = (void *)back_buf;
	struct tulle_handle_req req = { 0 };
	enum tulle_status st;

	handle = rss_create(fx, fields, 0, 2, table, &st);
	assert_int_not_equal(handle, 0);
	table[3]++;
	assert_int_equal(rss_create(fx, fields, 0, 2, table, &st), 0);
	assert_int_equal(st, TULLE_STATUS_BAD_HANDLE);
	assert_int_equal(rss_create(fx, fields, 3, 1, table, &st), 0);
	fields[2] = TULLE_RSS_F_L4_SRC;
	assert_int_equal(rss_create(fx, fields, 0, 1, table, &st), 0);
	assert_int_equal(st, TULLE_STATUS_BAD_PARAM);
	mod->mask = cpu_to_le32(TULLE_RSS_MOD_TABLE | TULLE_RSS_MOD_KEY);
	mod->ctx.handle = cpu_to_le32(handle);
	mod->ctx.log_size = 1;
	mod->ctx.sym = TULLE_RSS_SYM_XOR;
	mod->rq[0] = cpu_to_le32(fx->rq.handle);
	assert_int_equal(fake_cmd(&fx->p->b.d, TULLE_CMD_MODIFY_RSS, mod,
				  sizeof(mod_buf), NULL, 0),
			 TULLE_STATUS_BAD_HANDLE);
	mod->rq[1] = cpu_to_le32(fx->rq.handle);
	assert_int_equal(fake_cmd(&fx->p->b.d, TULLE_CMD_MODIFY_RSS, mod,
				  sizeof(mod_buf), NULL, 0), 0);
	req.handle = cpu_to_le32(handle);
	assert_int_equal(fake_cmd(&fx->p->b.d, TULLE_CMD_QUERY_RSS, &req,
				  sizeof(req), back, sizeof(back_buf)), 0);
	assert_int_equal(back->ctx.log_size, 1);
	assert_int_equal(back->ctx.sym, TULLE_RSS_SYM_XOR);
	assert_int_equal(back->ctx.fields[0], 3);
	assert_int_equal(le32_to_cpu(back->rq[1]), fx->rq.handle);
	assert_int_equal(fake_destroy(&fx->p->b.d, TULLE_CMD_DESTROY_RSS,
				      handle), 0);
}

/* As many queue pairs as a function has by default, a vector each. */
#define ALL_QUEUES	128

static void all_create(struct fx *fx, struct net_sq *sq, struct net_rq *rq,
		       struct fake_queue *eq)
{
	struct net *a = &fx->p->a, *b = &fx->p->b;
	struct fake_queue first = b->eq;
	struct tulle_rq_ctx ctx = { 0 };
	u16 i;

	for (i = 0; i < ALL_QUEUES; i++) {
		net_sq_create(a, &sq[i], 4);
		assert_int_equal(fake_eq_create(&b->d, &eq[i], 4,
						(u16)(FAKE_VECTORS - 1 - i), 0),
				 0);
		b->eq = eq[i];
		net_rq_create(b, &rq[i], &ctx, 4, 2048);
		net_rq_post(&rq[i], 16);
		fake_arm(&eq[i], TULLE_ARM_ANY);
		fake_arm(&rq[i].cq, TULLE_ARM_ANY);
	}
	b->eq = first;
}

/* One frame over each SQ goes to each RQ, and its vector alone fires. */
static void test_all_queues(void **state)
{
	struct net_sq *sq = calloc(ALL_QUEUES, sizeof(*sq));
	struct net_rq *rq = calloc(ALL_QUEUES, sizeof(*rq));
	struct fake_queue *eq = calloc(ALL_QUEUES, sizeof(*eq));
	struct net_spec s = { .udp = true, .payload = 100 };
	static const u8 fields[TULLE_RSS_TYPES] = { 15, 15, 3, 15, 15, 3 };
	u32 table[4 * ALL_QUEUES], handle, i, flow = 0, len, want;
	struct fx *fx = *state;
	enum tulle_status st;
	u8 *f = fx->p->frame;

	all_create(fx, sq, rq, eq);
	for (i = 0; i < 4 * ALL_QUEUES; i++)
		table[i] = rq[i % ALL_QUEUES].handle;
	handle = rss_create(fx, fields, 0, 9, table, &st);
	assert_int_equal(st, 0);
	net_rx_default(&fx->p->b, TULLE_ACTION_RSS, handle);
	for (i = 0; i < ALL_QUEUES; i++) {
		struct tulle_eqe *eqe;

		do {
			flow++;
			s.sport = (u16)flow;
			len = net_make(&s, f);
			want = expected_hash(&s, f, 15, 0) % ALL_QUEUES;
		} while (want != i);
		net_send(&sq[ALL_QUEUES - 1 - i], f, len);
		assert_non_null(fake_poll(&sq[ALL_QUEUES - 1 - i].cq));
		assert_true(net_rx(&rq[i], &fx->p->pkt));
		assert_memory_equal(fx->p->pkt.data, f, len);
		assert_int_equal(fx->p->b.d.irqs[FAKE_VECTORS - 1 - i], 1);
		eqe = fake_poll(&eq[i]);
		assert_non_null(eqe);
		assert_int_equal(le32_to_cpu(eqe->handle), rq[i].cq.handle);
	}
	for (i = 0; i < ALL_QUEUES; i++) {
		assert_false(net_rx(&rq[i], &fx->p->pkt));
		assert_null(fake_poll(&eq[i]));
		net_rq_free(&rq[i]);
	}
	free(sq);
	free(rq);
	free(eq);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_toeplitz),
		T(test_rss),
		T(test_rss_commands),
		T(test_all_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
