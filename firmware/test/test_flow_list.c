// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Steering at full size against the plainest thing that can be right: 16
 * masks of 100,000 rules each, and a list of them all that is searched from
 * front to back for every packet.
 */
#include <stdio.h>

#include "../flow.h"
#include "net.h"

#define MASKS	16
#define RULES	100000U		/* of each mask */
#define BATCH	4000U
#define LOOKUPS	300
#define VALUES	2000U		/* that an address takes: many rules match a packet */

/* The fields that rules match here. */
struct fields {
	u32	src;
	u32	dst;
	u16	port;
	u16	proto;
};

struct entry {
	struct fields	key;
	u32		priority;
	bool		live;
};

struct fx {
	struct fake	env;
	struct net	n;
	u32		table;
	u64		rng;
	struct fields	mask[MASKS];
	u32		handle[MASKS];
	struct entry	list[MASKS * RULES];	/* by rule id: as inserted */
};

static u32 rnd(struct fx *fx)
{
	fx->rng ^= fx->rng << 13;
	fx->rng ^= fx->rng >> 7;
	fx->rng ^= fx->rng << 17;
	return (u32)(fx->rng >> 16);
}

static struct fields random_fields(struct fx *fx)
{
	return (struct fields){
		.src = (rnd(fx) % VALUES) * 0x00010101U,
		.dst = (rnd(fx) % VALUES) * 0x00010101U,
		.port = (u16)(rnd(fx) & 0x0f0f),
		.proto = rnd(fx) & 1 ? 6 : 17,
	};
}

/* Prefixes of both addresses, with and without port and protocol. */
static struct fields mask_of(u32 i)
{
	return (struct fields){
		.src = i & 1 ? 0xffffffff : 0xfffff000,
		.dst = i & 2 ? 0xffffffff : 0xff000000,
		.port = i & 4 ? 0xffff : 0,
		.proto = i & 8 ? 0xff : 0,
	};
}

static struct fields and_fields(struct fields a, const struct fields *m)
{
	a.src &= m->src;
	a.dst &= m->dst;
	a.port &= m->port;
	a.proto &= m->proto;
	return a;
}

static struct tulle_flow_key flow_key(const struct fields *f)
{
	return (struct tulle_flow_key){
		.src[0] = cpu_to_be32(f->src),
		.dst[0] = cpu_to_be32(f->dst),
		.l4_dst = cpu_to_be16(f->port),
		.ip_proto = (u8)f->proto,
	};
}

static void make_masks(struct fx *fx)
{
	u32 i;

	for (i = 0; i < MASKS; i++) {
		struct tulle_mask_ctx ctx = {
			.table = cpu_to_le32(fx->table),
		};

		fx->mask[i] = mask_of(i);
		ctx.key = flow_key(&fx->mask[i]);
		fx->handle[i] = fake_create(&fx->n.d, TULLE_CMD_CREATE_MASK,
					    &ctx, sizeof(ctx), NULL);
		assert_int_not_equal(fx->handle[i], 0);
	}
}

/* Rule @id: the masks take turns, so that age and mask are unrelated. */
static void make_rule(struct fx *fx, struct tulle_rule *rule, u32 id)
{
	struct entry *e = &fx->list[id];
	u32 m = id % MASKS;

	e->key = and_fields(random_fields(fx), &fx->mask[m]);
	e->priority = rnd(fx) % 16;
	e->live = true;
	*rule = (struct tulle_rule){
		.id = cpu_to_le32(id),
		.mask = cpu_to_le32(fx->handle[m]),
		.priority = cpu_to_le32(e->priority),
		.nactions = 1,
		.key = flow_key(&e->key),
		.actions[0].type = TULLE_ACTION_DROP,
	};
}

static void fill(struct fx *fx)
{
	size_t len = sizeof(struct tulle_add_rules) +
		     BATCH * sizeof(struct tulle_rule);
	struct tulle_add_rules *req = calloc(1, len);
	struct tulle_rules_rsp rsp;
	u32 id, i;

	req->table = cpu_to_le32(fx->table);
	req->count = cpu_to_le32(BATCH);
	for (id = 0; id < MASKS * RULES; id += BATCH) {
		for (i = 0; i < BATCH; i++)
			make_rule(fx, &req->rules[i], id + i);
		assert_int_equal(fake_cmd(&fx->n.d, TULLE_CMD_ADD_RULES, req,
					  (u32)len, &rsp, sizeof(rsp)), 0);
		assert_int_equal(le32_to_cpu(rsp.done), BATCH);
	}
	free(req);
}

/* Every third rule. */
static void thin_out(struct fx *fx)
{
	size_t len = sizeof(struct tulle_del_rules) + BATCH * 4;
	struct tulle_del_rules *req = calloc(1, len);
	struct tulle_rules_rsp rsp;
	u32 id = 0, n;

	req->table = cpu_to_le32(fx->table);
	while (id < MASKS * RULES) {
		for (n = 0; n < BATCH && id < MASKS * RULES; n++, id += 3) {
			req->ids[n] = cpu_to_le32(id);
			fx->list[id].live = false;
		}
		req->count = cpu_to_le32(n);
		assert_int_equal(fake_cmd(&fx->n.d, TULLE_CMD_DEL_RULES, req,
					  (u32)sizeof(*req) + 4 * n, &rsp,
					  sizeof(rsp)), 0);
	}
	free(req);
}

/* The lowest priority value wins, the older rule among equals; -1: none. */
static int list_lookup(const struct fx *fx, const struct fields *key)
{
	struct fields masked[MASKS];
	int best = -1, i;

	for (i = 0; i < MASKS; i++)
		masked[i] = and_fields(*key, &fx->mask[i]);
	for (i = 0; i < (int)(MASKS * RULES); i++) {
		const struct entry *e = &fx->list[i];
		const struct fields *k = &masked[i % MASKS];

		if (e->live && e->key.src == k->src && e->key.dst == k->dst &&
		    e->key.port == k->port && e->key.proto == k->proto &&
		    (best < 0 || e->priority < fx->list[best].priority))
			best = i;
	}
	return best;
}

static void compare(struct fx *fx, u32 *hits)
{
	struct tfw_func *f = tfw_func_find(fx->n.d.dev, 0);
	struct tfw_table *t = tfw_obj_find(f, TULLE_OBJ_TABLE, fx->table);
	struct tfw_rule *got;
	union tfw_key key;
	u32 i;

	for (i = 0; i < LOOKUPS; i++) {
		struct fields k = random_fields(fx), r;
		int want;

		/* Most of them near a rule: bits it does not look at differ. */
		if (i % 4) {
			u32 id = rnd(fx) % (MASKS * RULES);
			const struct fields *m = &fx->mask[id % MASKS];

			r = fx->list[id].key;
			k.src = r.src | (k.src & ~m->src);
			k.dst = r.dst | (k.dst & ~m->dst);
			k.port = r.port | (u16)(k.port & ~m->port);
			k.proto = m->proto ? r.proto : k.proto;
		}
		memset(&key, 0, sizeof(key));
		key.key = flow_key(&k);
		want = list_lookup(fx, &k);
		got = tfw_table_lookup(t, &key);
		assert_int_equal(got ? (int)got->id.aux : -1, want);
		*hits += want >= 0;
	}
}

static void test_full_size(void **state)
{
	struct tulle_table_ctx ctx = {
		.domain = TULLE_DOMAIN_RX, .level = 1,
	};
	struct fx *fx = calloc(1, sizeof(*fx));
	u32 hits = 0;

	(void)state;
	fx->rng = 88172645463325252ULL;
	fake_init(&fx->env);
	net_init(&fx->n, &fx->env, NULL);
	fx->table = fake_create(&fx->n.d, TULLE_CMD_CREATE_TABLE, &ctx,
				sizeof(ctx), NULL);
	assert_int_not_equal(fx->table, 0);
	make_masks(fx);
	fill(fx);
	compare(fx, &hits);
	thin_out(fx);
	compare(fx, &hits);
	assert_in_range(hits, LOOKUPS, 2 * LOOKUPS);
	net_exit(&fx->n);
	fake_exit(&fx->env);
	free(fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
