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

/*
 * Rules that are one mask's
 */
struct small {
	struct fake	env;
	struct net	n;
	u32		table;
	u32		mask;
};

static int setup(void **state)
{
	struct tulle_table_ctx table = {
		.domain = TULLE_DOMAIN_RX, .level = 1,
	};
	struct tulle_mask_ctx mask = { .key.src[0] = cpu_to_be32(0xffffffff) };
	struct small *sm = calloc(1, sizeof(*sm));

	fake_init(&sm->env);
	net_init(&sm->n, &sm->env, NULL);
	sm->table = fake_create(&sm->n.d, TULLE_CMD_CREATE_TABLE, &table,
				sizeof(table), NULL);
	mask.table = cpu_to_le32(sm->table);
	sm->mask = fake_create(&sm->n.d, TULLE_CMD_CREATE_MASK, &mask,
			       sizeof(mask), NULL);
	assert_int_not_equal(sm->mask, 0);
	*state = sm;
	return 0;
}

static int teardown(void **state)
{
	struct small *sm = *state;

	net_exit(&sm->n);
	fake_exit(&sm->env);
	free(sm);
	return 0;
}

/* @n rules from id @id on; the key of each is its id plus @key. */
static enum tulle_status add(struct small *sm, u32 id, u32 n, u32 key,
			     u32 priority, bool replace)
{
	size_t len = sizeof(struct tulle_add_rules) +
		     n * sizeof(struct tulle_rule);
	struct tulle_add_rules *req = calloc(1, len);
	struct tulle_rules_rsp rsp;
	enum tulle_status st;
	u32 i;

	req->table = cpu_to_le32(sm->table);
	req->count = cpu_to_le32(n);
	req->flags = replace ? TULLE_RULES_F_REPLACE : 0;
	for (i = 0; i < n; i++) {
		req->rules[i].id = cpu_to_le32(id + i);
		req->rules[i].mask = cpu_to_le32(sm->mask);
		req->rules[i].priority = cpu_to_le32(priority);
		req->rules[i].nactions = 1;
		req->rules[i].actions[0].type = TULLE_ACTION_DROP;
		req->rules[i].key.src[0] = cpu_to_be32(id + i + key);
	}
	st = fake_cmd(&sm->n.d, TULLE_CMD_ADD_RULES, req, (u32)len, &rsp,
		      sizeof(rsp));
	free(req);
	return st;
}

static enum tulle_status del(struct small *sm, u32 id, u32 n)
{
	size_t len = sizeof(struct tulle_del_rules) + n * 4;
	struct tulle_del_rules *req = calloc(1, len);
	struct tulle_rules_rsp rsp;
	enum tulle_status st;
	u32 i;

	req->table = cpu_to_le32(sm->table);
	req->count = cpu_to_le32(n);
	for (i = 0; i < n; i++)
		req->ids[i] = cpu_to_le32(id + i);
	st = fake_cmd(&sm->n.d, TULLE_CMD_DEL_RULES, req, (u32)len, &rsp,
		      sizeof(rsp));
	free(req);
	return st;
}

static struct tfw_rule *find(struct small *sm, u32 src)
{
	struct tfw_func *f = tfw_func_find(sm->n.d.dev, 0);
	union tfw_key key = { .key.src[0] = cpu_to_be32(src) };

	return tfw_table_lookup(tfw_obj_find(f, TULLE_OBJ_TABLE, sm->table),
				&key);
}

#define EQUAL	64	/* rules of one key */

/* So many rules may have the same key, and no more. */
static void test_equal_keys(void **state)
{
	struct small *sm = *state;
	u32 i;

	for (i = 0; i < EQUAL; i++)
		assert_int_equal(add(sm, i, 1, 1000 - i, 100 - i, false), 0);
	assert_int_equal(add(sm, i, 1, 1000 - i, 1, false),
			 TULLE_STATUS_QUOTA);
	assert_int_equal(find(sm, 1000)->id.aux, EQUAL - 1);
	/* One in place of another, and keys of their own. */
	assert_int_equal(add(sm, 7, 1, 1000 - 7, 1, true), 0);
	assert_int_equal(find(sm, 1000)->id.aux, 7);
	assert_int_equal(add(sm, i, 1, 0, 1, false), 0);
	assert_int_equal(add(sm, i, 1, 1000 - i, 1, true),
			 TULLE_STATUS_QUOTA);
	assert_int_equal(find(sm, i)->id.aux, i);
	assert_int_equal(del(sm, 7, 1), 0);
	assert_int_equal(find(sm, 1000)->id.aux, EQUAL - 1);
	assert_int_equal(add(sm, i, 1, 1000 - i, 0, true), 0);
	assert_int_equal(find(sm, 1000)->id.aux, i);
	assert_null(find(sm, i));
}

/* A rule that comes and goes in a table that was large costs no walk. */
static void test_few_left(void **state)
{
	struct small *sm = *state;
	struct tfw_func *f = tfw_func_find(sm->n.d.dev, 0);
	struct tfw_mask *mask;
	u32 i;

	for (i = 0; i < 25; i++)
		assert_int_equal(add(sm, i * BATCH, BATCH, 0, 5, false), 0);
	for (i = 0; i < 25; i++)
		assert_int_equal(del(sm, i * BATCH + !i, BATCH - !i), 0);
	mask = tfw_obj_find(f, TULLE_OBJ_MASK, sm->mask);
	assert_int_equal(mask->rules.count, 1);
	mask->dels = 0;
	for (i = 0; i < 100; i++)
		assert_int_equal(add(sm, 0, 1, 0, 5, true), 0);
	assert_int_equal(mask->dels, 100);
	assert_int_equal(mask->min_priority, 5);
	/* Exact again at last. */
	for (i = 0; i < 10000; i++)
		assert_int_equal(add(sm, 0, 1, 0, i & 1 ? 7 : 6, true), 0);
	assert_in_range(mask->min_priority, 6, 7);
	assert_int_equal(del(sm, 0, 1), 0);
	assert_null(find(sm, 0));
}

#define BLOCKS	65536	/* of counters, as handles can name */

/* Refused ones leave nothing behind. */
static void test_counter_blocks(void **state)
{
	struct tulle_counters req = { .count = cpu_to_le32(1) }, rsp;
	struct small *sm = *state;
	enum tulle_status st;
	u32 i, last = 0;

	for (i = 0; i < BLOCKS; i++) {
		assert_int_equal(fake_cmd(&sm->n.d, TULLE_CMD_CREATE_COUNTERS,
					  &req, sizeof(req), &rsp,
					  sizeof(rsp)), 0);
		last = le32_to_cpu(rsp.handle);
	}
	for (i = 0; i < 100; i++) {
		st = fake_cmd(&sm->n.d, TULLE_CMD_CREATE_COUNTERS, &req,
			      sizeof(req), &rsp, sizeof(rsp));
		assert_int_equal(st, TULLE_STATUS_QUOTA);
	}
	req.handle = cpu_to_le32(last);
	assert_int_equal(fake_cmd(&sm->n.d, TULLE_CMD_DESTROY_COUNTERS, &req,
				  sizeof(req), NULL, 0), 0);
	req.handle = 0;
	assert_int_equal(fake_cmd(&sm->n.d, TULLE_CMD_CREATE_COUNTERS, &req,
				  sizeof(req), &rsp, sizeof(rsp)), 0);
	assert_int_equal(le32_to_cpu(rsp.handle) & TULLE_HANDLE_INDEX,
			 last & TULLE_HANDLE_INDEX);
}

#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_equal_keys),
		T(test_few_left),
		T(test_counter_blocks),
		cmocka_unit_test(test_full_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
