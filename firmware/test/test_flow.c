// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Steering: commands and their refusals; the engine against a list that is
 * searched from front to back, up to a million rules; and how long it takes.
 */
#include <stdio.h>
#include <time.h>

#include "../flow.h"
#include "net.h"

struct fx {
	struct fake	env;
	struct net	n;
	struct net_rq	rq;
	u32		table;
	u64		rng;
};

static int setup(void **state)
{
	struct tulle_rq_ctx ctx = { 0 };
	struct tulle_table_ctx t = { .domain = TULLE_DOMAIN_RX, .level = 1 };
	struct fx *fx = calloc(1, sizeof(*fx));

	fake_init(&fx->env);
	net_init(&fx->n, &fx->env, NULL);
	net_rq_create(&fx->n, &fx->rq, &ctx, 4, 2048);
	fx->table = fake_create(&fx->n.d, TULLE_CMD_CREATE_TABLE, &t, sizeof(t),
				NULL);
	assert_int_not_equal(fx->table, 0);
	fx->rng = 88172645463325252ULL;
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fx *fx = *state;

	net_rq_free(&fx->rq);
	net_exit(&fx->n);
	fake_exit(&fx->env);
	free(fx);
	return 0;
}

static u32 rnd(struct fx *fx)
{
	fx->rng ^= fx->rng << 13;
	fx->rng ^= fx->rng >> 7;
	fx->rng ^= fx->rng << 17;
	return (u32)(fx->rng >> 16);
}

static struct tfw_table *table_of(struct fx *fx, u32 handle)
{
	struct tfw_func *f = tfw_func_find(fx->n.d.dev, 0);

	return tfw_obj_find(f, TULLE_OBJ_TABLE, handle);
}

static u32 make_mask(struct fx *fx, u32 table, const struct tulle_flow_key *key)
{
	struct tulle_mask_ctx ctx = { .table = cpu_to_le32(table), .key = *key };

	return fake_create(&fx->n.d, TULLE_CMD_CREATE_MASK, &ctx, sizeof(ctx),
			   NULL);
}

static enum tulle_status add_rules(struct fx *fx, u32 table,
				   const struct tulle_rule *rules, u32 n,
				   u8 flags, u32 *done)
{
	size_t len = sizeof(struct tulle_add_rules) + n * sizeof(*rules);
	struct tulle_add_rules *req = calloc(1, len);
	struct tulle_rules_rsp rsp = { 0 };
	enum tulle_status st;

	req->table = cpu_to_le32(table);
	req->count = cpu_to_le32(n);
	req->flags = flags;
	memcpy(req->rules, rules, n * sizeof(*rules));
	st = fake_cmd(&fx->n.d, TULLE_CMD_ADD_RULES, req, (u32)len, &rsp,
		      sizeof(rsp));
	free(req);
	if (done)
		*done = le32_to_cpu(rsp.done);
	return st;
}

static enum tulle_status del_rules(struct fx *fx, u32 table, const u32 *ids,
				   u32 n, u32 *done)
{
	size_t len = sizeof(struct tulle_del_rules) + n * sizeof(*ids);
	struct tulle_del_rules *req = calloc(1, len);
	struct tulle_rules_rsp rsp = { 0 };
	enum tulle_status st;
	u32 i;

	req->table = cpu_to_le32(table);
	req->count = cpu_to_le32(n);
	for (i = 0; i < n; i++)
		req->ids[i] = cpu_to_le32(ids[i]);
	st = fake_cmd(&fx->n.d, TULLE_CMD_DEL_RULES, req, (u32)len, &rsp,
		      sizeof(rsp));
	free(req);
	if (done)
		*done = le32_to_cpu(rsp.done);
	return st;
}

static struct tulle_rule drop_rule(u32 mask, u32 id, u32 priority)
{
	return (struct tulle_rule){
		.id = cpu_to_le32(id),
		.mask = cpu_to_le32(mask),
		.priority = cpu_to_le32(priority),
		.nactions = 1,
		.actions[0].type = TULLE_ACTION_DROP,
	};
}

/*
 * The reference: a list of rules, all looked at. @age: the older has less
 */
struct ref {
	const union tfw_key	*mask;
	union tfw_key		key;
	u32			id;
	u32			priority;
	u32			age;
	bool			live;
};

static bool ref_match(const struct ref *r, const union tfw_key *key)
{
	size_t i;

	for (i = 0; i < TFW_KEY_WORDS; i++)
		if ((key->word[i] & r->mask->word[i]) != r->key.word[i])
			return false;
	return true;
}

static bool ref_is_before(const struct ref *a, const struct ref *b)
{
	return a->priority != b->priority ? a->priority < b->priority :
					    a->age < b->age;
}

static const struct ref *ref_lookup(const struct ref *refs, u32 n,
				    const union tfw_key *key)
{
	const struct ref *best = NULL;
	u32 i;

	for (i = 0; i < n; i++) {
		if (!refs[i].live || (best && !ref_is_before(&refs[i], best)))
			continue;
		if (ref_match(&refs[i], key))
			best = &refs[i];
	}
	return best;
}

/* Few values per field, 0 to @most, so that rules overlap a lot. */
static void random_key(struct fx *fx, struct tulle_flow_key *key, u8 most)
{
	memset(key, 0, sizeof(*key));
	key->dmac[5] = rnd(fx) & most;
	key->smac[5] = rnd(fx) & most;
	key->ethertype = cpu_to_be16(0x0800);
	key->vlan[0] = cpu_to_be16(rnd(fx) & most);
	key->ip_proto = rnd(fx) & 1 ? 6 : 17;
	key->src[0] = cpu_to_be32(rnd(fx) & most);
	key->dst[3] = cpu_to_be32(rnd(fx) & most);
	key->l4_src = cpu_to_be16(rnd(fx) & most);
	key->l4_dst = cpu_to_be16(rnd(fx) & most);
	key->vport = cpu_to_le16(rnd(fx) & 1);
}

static void random_mask(struct fx *fx, struct tulle_flow_key *m)
{
	memset(m, 0, sizeof(*m));
	if (rnd(fx) & 1)
		memset(m->dmac, 0xff, 6);
	if (rnd(fx) & 1)
		m->vlan[0] = cpu_to_be16(0x0fff);
	if (rnd(fx) & 1)
		m->ip_proto = 0xff;
	if (rnd(fx) & 1)
		m->src[0] = cpu_to_be32(0xfffffffe);
	if (rnd(fx) & 1)
		m->dst[3] = cpu_to_be32(0xffffffff);
	if (rnd(fx) & 1)
		m->l4_dst = cpu_to_be16(0xffff);
	if (rnd(fx) & 1)
		m->vport = cpu_to_le16(0xffff);
}

static void mask_key(struct tulle_flow_key *key,
		     const struct tulle_flow_key *mask)
{
	const u8 *m = (const u8 *)mask;
	u8 *k = (u8 *)key;
	size_t i;

	for (i = 0; i < sizeof(*key); i++)
		k[i] &= m[i];
}

/* One packet, whose fields have values up to @most. Found anything? */
static bool compare_one(struct fx *fx, const struct ref *refs, u32 n, u8 most)
{
	const struct ref *want;
	struct tfw_rule *got;
	union tfw_key key;

	random_key(fx, &key.key, most);
	want = ref_lookup(refs, n, &key);
	got = tfw_table_lookup(table_of(fx, fx->table), &key);
	if (!want != !got || (want && got->id.aux != want->id))
		fail_msg("want %d, got %d", want ? (int)want->id : -1,
			 got ? (int)got->id.aux : -1);
	return want;
}

static void compare(struct fx *fx, const struct ref *refs, u32 n, u32 rounds)
{
	while (rounds--)
		compare_one(fx, refs, n, 3);
}

#define REF_MASKS	16
#define REF_RULES	1500

static void test_against_list(void **state)
{
	struct ref *refs = calloc(REF_RULES, sizeof(*refs));
	union tfw_key masks[REF_MASKS];
	struct fx *fx = *state;
	u32 handle[REF_MASKS], i, m;

	for (i = 0; i < REF_MASKS; i++) {
		random_mask(fx, &masks[i].key);
		handle[i] = make_mask(fx, fx->table, &masks[i].key);
		assert_int_not_equal(handle[i], 0);
	}
	for (i = 0; i < REF_RULES; i++) {
		struct tulle_rule rule;

		m = rnd(fx) % REF_MASKS;
		rule = drop_rule(handle[m], i, rnd(fx) % 7);
		random_key(fx, &rule.key, 3);
		mask_key(&rule.key, &masks[m].key);
		refs[i] = (struct ref){ &masks[m], { rule.key }, i,
					le32_to_cpu(rule.priority), i, true };
		assert_int_equal(add_rules(fx, fx->table, &rule, 1, 0, NULL), 0);
		if (i % 5 == 4) {
			u32 victim = rnd(fx) % (i + 1);
			enum tulle_status want = refs[victim].live ?
				TULLE_STATUS_OK : TULLE_STATUS_NOT_FOUND;

			assert_int_equal(del_rules(fx, fx->table, &victim, 1,
						   NULL), want);
			refs[victim].live = false;
		}
		if (i % 50 == 0)
			compare(fx, refs, i + 1, 100);
	}
	compare(fx, refs, REF_RULES, 3000);
	/* Down to nothing, in a different order. */
	for (i = 0; i < REF_RULES; i++) {
		u32 victim = (i * 7) % REF_RULES;

		if (refs[victim].live)
			assert_int_equal(del_rules(fx, fx->table, &victim, 1,
						   NULL), 0);
		refs[victim].live = false;
		if (i % 100 == 0)
			compare(fx, refs, REF_RULES, 50);
	}
	compare(fx, refs, REF_RULES, 100);
	free(refs);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#define BATCH	4096

/*
 * struct many - a table and its list, in sizes that drivers reach
 * @refs: @n of them, by id
 * @added: so far, with those that went again
 */
struct many {
	union tfw_key	masks[REF_MASKS];
	u32		handle[REF_MASKS];
	struct ref	*refs;
	u32		n;
	u32		added;
};

#define MANY_VALUES	0x0f	/* of each field of a rule */
#define MANY_PACKETS	0x1f	/* of a packet: some match nothing */
#define MANY_FIELDS	3	/* that a mask has at least, so that some do not */

/* The thread sanitizer has nothing to tell of one thread, and takes its time. */
#ifdef __SANITIZE_THREAD__
#define MANY_SAMPLES	50
#define MOST_RULES	200000
#define MOST_SAMPLES	20
#else
#define MANY_SAMPLES	500
#define MOST_RULES	1000000
#define MOST_SAMPLES	25
#endif

static u32 mask_fields(const struct tulle_flow_key *m)
{
	return !!m->dmac[0] + !!m->vlan[0] + !!m->src[0] + !!m->dst[3] +
	       !!m->l4_dst;
}

static void many_create(struct fx *fx, struct many *many, u32 n)
{
	u32 i;

	*many = (struct many){
		.refs = calloc(n, sizeof(*many->refs)),
		.n = n,
	};
	assert_non_null(many->refs);
	for (i = 0; i < REF_MASKS; i++) {
		do
			random_mask(fx, &many->masks[i].key);
		while (mask_fields(&many->masks[i].key) < MANY_FIELDS);
		many->handle[i] = make_mask(fx, fx->table,
					    &many->masks[i].key);
		assert_int_not_equal(many->handle[i], 0);
	}
}

/* A new one with this id. */
static struct tulle_rule many_rule(struct fx *fx, struct many *many, u32 id)
{
	u32 m = rnd(fx) % REF_MASKS;
	struct tulle_rule rule = drop_rule(many->handle[m], id, rnd(fx) % 7);

	random_key(fx, &rule.key, MANY_VALUES);
	mask_key(&rule.key, &many->masks[m].key);
	many->refs[id] = (struct ref){ &many->masks[m], { rule.key }, id,
				       le32_to_cpu(rule.priority),
				       many->added++, true };
	return rule;
}

/* All that are not there. */
static void many_add(struct fx *fx, struct many *many)
{
	struct tulle_rule *rules = calloc(BATCH, sizeof(*rules));
	u32 id, n = 0;

	for (id = 0; id < many->n; id++) {
		if (!many->refs[id].live)
			rules[n++] = many_rule(fx, many, id);
		if (n == BATCH || (n && id + 1 == many->n)) {
			assert_int_equal(add_rules(fx, fx->table, rules, n, 0,
						   NULL), 0);
			n = 0;
		}
	}
	free(rules);
}

/* Every other one, by chance. */
static void many_del_half(struct fx *fx, struct many *many)
{
	u32 ids[BATCH], id, n = 0;

	for (id = 0; id < many->n; id++) {
		if (many->refs[id].live && rnd(fx) & 1) {
			many->refs[id].live = false;
			ids[n++] = id;
		}
		if (n == BATCH || (n && id + 1 == many->n)) {
			assert_int_equal(del_rules(fx, fx->table, ids, n,
						   NULL), 0);
			n = 0;
		}
	}
}

static void many_compare(struct fx *fx, const struct many *many, u32 samples)
{
	u32 i, live = 0, found = 0;

	for (i = 0; i < many->n; i++)
		live += many->refs[i].live;
	assert_int_equal(table_of(fx, fx->table)->ids.count, live);
	for (i = 0; i < samples; i++)
		found += compare_one(fx, many->refs, many->n, MANY_PACKETS);
	printf("# %u rules in %u masks: %u packets as in the list, %u of them match nothing\n",
	       live, REF_MASKS, samples, samples - found);
	assert_in_range(found, 1, samples - 1);
}

static void against_many(struct fx *fx, u32 n, u32 samples)
{
	double start = seconds();
	struct many many;
	u32 i;

	many_create(fx, &many, n);
	for (i = 0; i < 2; i++) {
		many_add(fx, &many);
		many_compare(fx, &many, samples);
		many_del_half(fx, &many);
		many_compare(fx, &many, samples);
	}
	printf("# %.1f s\n", seconds() - start);
	free(many.refs);
}

static void test_against_long_list(void **state)
{
	against_many(*state, 100000, MANY_SAMPLES);
}

static void test_against_longest_list(void **state)
{
	against_many(*state, MOST_RULES, MOST_SAMPLES);
}

/* @per_mask rules in each of @nmasks; ids count up, keys are all different. */
static void fill(struct fx *fx, u32 nmasks, u32 per_mask)
{
	struct tulle_rule *rules = calloc(BATCH, sizeof(*rules));
	u32 m, i, n;

	for (m = 0; m < nmasks; m++) {
		struct tulle_flow_key key = { 0 };
		u32 mask;

		key.dst[0] = cpu_to_be32(0xffffffff);
		key.l4_dst = cpu_to_be16((u16)(0xffff << m));
		mask = make_mask(fx, fx->table, &key);
		assert_int_not_equal(mask, 0);
		for (i = 0; i < per_mask; i += n) {
			u32 k;

			n = per_mask - i < BATCH ? per_mask - i : BATCH;
			for (k = 0; k < n; k++) {
				u32 id = m * per_mask + i + k;

				rules[k] = drop_rule(mask, id, m);
				rules[k].key.dst[0] = cpu_to_be32(id);
			}
			assert_int_equal(add_rules(fx, fx->table, rules, n, 0,
						   NULL), 0);
		}
	}
	free(rules);
}

static void empty(struct fx *fx, u32 n)
{
	u32 ids[BATCH], i, k, at = 0;

	for (i = 0; i < n; i += k) {
		for (k = 0; k < BATCH && i + k < n; k++) {
			/* Some permutation: odd multiplier. */
			ids[k] = at;
			at = (at + 7919) % n;
		}
		assert_int_equal(del_rules(fx, fx->table, ids, k, NULL), 0);
	}
}

static void look_up_all(struct fx *fx, u32 n)
{
	struct tfw_table *t = table_of(fx, fx->table);
	union tfw_key key;
	struct tfw_rule *r;
	double start;
	u32 i, id;

	memset(&key, 0, sizeof(key));
	start = seconds();
	for (i = 0; i < 200000; i++) {
		id = rnd(fx) % n;
		key.key.dst[0] = cpu_to_be32(id);
		r = tfw_table_lookup(t, &key);
		assert_non_null(r);
		assert_int_equal(r->id.aux, id);
	}
	printf("# %u rules in %u masks: %.0f ns per lookup\n", n, t->nmasks,
	       (seconds() - start) * 1e9 / 200000);
}

static void test_16_masks(void **state)
{
	struct fx *fx = *state;
	double start = seconds();

	fill(fx, 16, 62500);
	printf("# 1M rules added in %.2f s\n", seconds() - start);
	look_up_all(fx, 1000000);
	start = seconds();
	empty(fx, 1000000);
	printf("# and deleted in %.2f s\n", seconds() - start);
	assert_int_equal(table_of(fx, fx->table)->ids.count, 0);
}

static void test_million(void **state)
{
	struct fx *fx = *state;

	fill(fx, 1, 1000000);
	look_up_all(fx, 1000000);
	/* A reset copes with a full table as well. */
	tfw_func_reset(fx->n.d.dev, 0);
}

static void test_refusals(void **state)
{
	struct tulle_flow_key mk = { .ip_proto = 0xff }, vni = { .vni = 1 };
	struct tulle_table_ctx bad_table = { .domain = 3, .level = 1 };
	struct fx *fx = *state;
	struct tulle_rule r;
	enum tulle_status st;
	u32 mask;

	mask = make_mask(fx, fx->table, &mk);
	assert_int_equal(make_mask(fx, fx->table, &vni), 0);
	assert_int_equal(make_mask(fx, fx->table + 1, &mk), 0);
	assert_int_equal(fake_create(&fx->n.d, TULLE_CMD_CREATE_TABLE,
				     &bad_table, sizeof(bad_table), &st), 0);
	assert_int_equal(st, TULLE_STATUS_BAD_PARAM);
	bad_table = (struct tulle_table_ctx){ .domain = TULLE_DOMAIN_RX };
	assert_int_equal(fake_create(&fx->n.d, TULLE_CMD_CREATE_TABLE,
				     &bad_table, sizeof(bad_table), &st), 0);
	/* Key bits outside the mask. */
	r = drop_rule(mask, 1, 0);
	r.key.tos = 1;
	assert_int_equal(add_rules(fx, fx->table, &r, 1, 0, NULL),
			 TULLE_STATUS_BAD_PARAM);
	assert_int_equal(fx->n.d.syndrome, sizeof(struct tulle_add_rules) +
			 offsetof(struct tulle_rule, key));
	/* A mask of another table. */
	r = drop_rule(mask, 1, 0);
	assert_int_equal(add_rules(fx, fx->n.rx_root, &r, 1, 0, NULL),
			 TULLE_STATUS_BAD_HANDLE);
	assert_int_equal(fake_destroy(&fx->n.d, TULLE_CMD_DESTROY_MASK, mask),
			 0);
}

static void refuse(struct fx *fx, const struct tulle_rule *r,
		   enum tulle_status want)
{
	assert_int_equal(add_rules(fx, fx->table, r, 1, 0, NULL), want);
}

static void test_refused_actions(void **state)
{
	struct tulle_flow_key mk = { .ip_proto = 0xff };
	struct fx *fx = *state;
	struct tulle_rule r;

	r = drop_rule(make_mask(fx, fx->table, &mk), 1, 0);
	r.nactions = 0;
	refuse(fx, &r, TULLE_STATUS_BAD_PARAM);
	r.nactions = 9;
	refuse(fx, &r, TULLE_STATUS_BAD_PARAM);
	r.nactions = 1;
	r.actions[1].arg = cpu_to_le32(1);
	refuse(fx, &r, TULLE_STATUS_BAD_PARAM);
	r.actions[1].arg = 0;
	r.actions[0].type = TULLE_ACTION_MARK;
	refuse(fx, &r, TULLE_STATUS_BAD_PARAM);
	r.actions[0].type = TULLE_ACTION_VPORT;
	refuse(fx, &r, TULLE_STATUS_BAD_PARAM);
	r.actions[0].type = TULLE_ACTION_QUEUE;
	r.actions[0].arg = cpu_to_le32(fx->rq.handle + (1 << 24));
	refuse(fx, &r, TULLE_STATUS_BAD_HANDLE);
	/* Up, or in circles: no. */
	r.actions[0].type = TULLE_ACTION_GOTO;
	r.actions[0].arg = cpu_to_le32(fx->n.rx_root);
	refuse(fx, &r, TULLE_STATUS_BAD_PARAM);
	r.actions[0].arg = cpu_to_le32(fx->table);
	refuse(fx, &r, TULLE_STATUS_BAD_PARAM);
}

/* Batches stop where they must and say where. */
static void test_batches(void **state)
{
	struct tulle_flow_key mk = { .ip_proto = 0xff };
	struct fx *fx = *state;
	u32 mask = make_mask(fx, fx->table, &mk), ids[3] = { 1, 77, 2 }, done;
	struct tulle_rule three[3] = { drop_rule(mask, 1, 0),
				       drop_rule(mask, 1, 0),
				       drop_rule(mask, 2, 0) };

	assert_int_equal(add_rules(fx, fx->table, three, 3, 0, &done),
			 TULLE_STATUS_EXISTS);
	assert_int_equal(done, 1);
	assert_int_equal(add_rules(fx, fx->table, three, 3,
				   TULLE_RULES_F_REPLACE, &done), 0);
	assert_int_equal(done, 3);
	assert_int_equal(del_rules(fx, fx->table, ids, 3, &done),
			 TULLE_STATUS_NOT_FOUND);
	assert_int_equal(done, 1);
	assert_int_equal(table_of(fx, fx->table)->ids.count, 1);
}

/* Roots cannot be destroyed, nor tables that others lead to. */
static void test_destroy(void **state)
{
	struct tulle_flow_key mk = { .ip_proto = 0xff };
	struct fx *fx = *state;
	u32 other;

	assert_int_equal(fake_destroy(&fx->n.d, TULLE_CMD_DESTROY_TABLE,
				      fx->n.rx_root), TULLE_STATUS_DENIED);
	net_rx_default(&fx->n, TULLE_ACTION_GOTO, fx->table);
	assert_int_equal(fake_destroy(&fx->n.d, TULLE_CMD_DESTROY_TABLE,
				      fx->table), TULLE_STATUS_IN_USE);
	net_rx_default(&fx->n, TULLE_ACTION_DROP, 0);
	assert_int_equal(fake_destroy(&fx->n.d, TULLE_CMD_DESTROY_TABLE,
				      fx->table), 0);
	other = make_mask(fx, fx->n.rx_root, &mk);
	assert_int_not_equal(other, 0);
	assert_int_equal(fake_destroy(&fx->n.d, TULLE_CMD_DESTROY_MASK, other),
			 0);
}

static void test_references(void **state)
{
	struct tulle_flow_key mk = { .ip_proto = 0xff };
	struct tulle_counters c = { .count = cpu_to_le32(5) }, out;
	struct fx *fx = *state;
	struct tulle_rule r, back;
	struct tulle_query_rule q = { cpu_to_le32(fx->table), cpu_to_le32(9) };
	u32 id = 9;

	assert_int_equal(fake_cmd(&fx->n.d, TULLE_CMD_CREATE_COUNTERS, &c,
				  sizeof(c), &out, sizeof(out)), 0);
	r = drop_rule(make_mask(fx, fx->table, &mk), 9, 3);
	r.key.ip_proto = 6;
	r.nactions = 3;
	r.actions[0].type = TULLE_ACTION_COUNT;
	r.actions[0].arg = cpu_to_le32(le32_to_cpu(out.handle) + 4);
	r.actions[1].type = TULLE_ACTION_MARK;
	r.actions[1].arg = cpu_to_le32(0xabcdef);
	r.actions[2].type = TULLE_ACTION_QUEUE;
	r.actions[2].arg = cpu_to_le32(fx->rq.handle);
	assert_int_equal(add_rules(fx, fx->table, &r, 1, 0, NULL), 0);
	assert_int_equal(fake_cmd(&fx->n.d, TULLE_CMD_QUERY_RULE, &q, sizeof(q),
				  &back, sizeof(back)), 0);
	assert_memory_equal(&r, &back, sizeof(r));
	assert_int_equal(fake_destroy(&fx->n.d, TULLE_CMD_DESTROY_RQ,
				      fx->rq.handle), TULLE_STATUS_IN_USE);
	out.count = cpu_to_le32(5);
	assert_int_equal(fake_cmd(&fx->n.d, TULLE_CMD_DESTROY_COUNTERS, &out,
				  sizeof(out), NULL, 0), TULLE_STATUS_IN_USE);
	assert_int_equal(del_rules(fx, fx->table, &id, 1, NULL), 0);
	assert_int_equal(fake_cmd(&fx->n.d, TULLE_CMD_DESTROY_COUNTERS, &out,
				  sizeof(out), NULL, 0), 0);
	assert_int_equal(fake_cmd(&fx->n.d, TULLE_CMD_DESTROY_COUNTERS, &out,
				  sizeof(out), NULL, 0),
			 TULLE_STATUS_BAD_HANDLE);
	assert_int_equal(fake_destroy(&fx->n.d, TULLE_CMD_DESTROY_RQ,
				      fx->rq.handle), 0);
}

/* Packets through tables: goto, metadata, marks, counters, several queues. */
static void test_packets(void **state)
{
	struct tulle_flow_key by_port = { .l4_dst = cpu_to_be16(0xffff) };
	struct tulle_flow_key by_meta = { .meta = cpu_to_le32(0xffffffff) };
	struct tulle_table_ctx t2 = { .domain = TULLE_DOMAIN_RX, .level = 2 };
	struct tulle_counters c = { .count = cpu_to_le32(2) };
	struct net_spec s = { .dport = 80, .payload = 100 };
	struct tulle_count count[2];
	struct fx *fx = *state;
	struct net_pkt *pkt = calloc(1, sizeof(*pkt));
	struct tulle_rule r;
	u32 deep, len;
	u8 f[300];

	tfw_port_set_backend(fx->n.d.dev, true, true);
	assert_int_equal(fake_port_up(&fx->n.d), 0);
	fake_advance(&fx->env, 100000000);
	net_rq_post(&fx->rq, 16);
	deep = fake_create(&fx->n.d, TULLE_CMD_CREATE_TABLE, &t2, sizeof(t2),
			   NULL);
	assert_int_equal(fake_cmd(&fx->n.d, TULLE_CMD_CREATE_COUNTERS, &c,
				  sizeof(c), &c, sizeof(c)), 0);
	net_rx_default(&fx->n, TULLE_ACTION_GOTO, fx->table);
	r = drop_rule(make_mask(fx, fx->table, &by_port), 1, 0);
	r.key.l4_dst = cpu_to_be16(80);
	r.nactions = 3;
	r.actions[0].type = TULLE_ACTION_META;
	r.actions[0].arg = cpu_to_le32(0x1234);
	r.actions[1].type = TULLE_ACTION_COUNT;
	r.actions[1].arg = cpu_to_le32(le32_to_cpu(c.handle) + 1);
	r.actions[2].type = TULLE_ACTION_GOTO;
	r.actions[2].arg = cpu_to_le32(deep);
	assert_int_equal(add_rules(fx, fx->table, &r, 1, 0, NULL), 0);
	r = drop_rule(make_mask(fx, deep, &by_meta), 1, 0);
	r.key.meta = cpu_to_le32(0x1234);
	r.nactions = 3;
	r.actions[0].type = TULLE_ACTION_MARK;
	r.actions[0].arg = cpu_to_le32(99);
	r.actions[1].type = TULLE_ACTION_QUEUE;
	r.actions[1].arg = cpu_to_le32(fx->rq.handle);
	r.actions[2] = r.actions[1];
	assert_int_equal(add_rules(fx, deep, &r, 1, 0, NULL), 0);

	len = net_make(&s, f);
	assert_true(fake_receive(&fx->n.d, f, len));
	s.dport = 81;
	net_make(&s, f);
	assert_true(fake_receive(&fx->n.d, f, len));
	fake_run(&fx->env);
	assert_true(net_rx(&fx->rq, pkt));
	assert_int_equal(le32_to_cpu(pkt->cqe.flow_tag), 99);
	assert_int_equal(le16_to_cpu(pkt->cqe.vport), TULLE_VPORT_WIRE);
	assert_true(net_rx(&fx->rq, pkt));
	assert_false(net_rx(&fx->rq, pkt));
	c.count = cpu_to_le32(2);
	assert_int_equal(fake_cmd(&fx->n.d, TULLE_CMD_QUERY_COUNTERS, &c,
				  sizeof(c), count, sizeof(count)), 0);
	assert_int_equal(le64_to_cpu(count[0].packets), 0);
	assert_int_equal(le64_to_cpu(count[1].packets), 1);
	assert_int_equal(le64_to_cpu(count[1].bytes), len);
	assert_int_equal(table_of(fx, fx->table)->miss_packets, 1);
	free(pkt);
}

/* The same packet again and again, while rules come and go. */
static void test_train(void **state)
{
	struct fx *fx = *state;
	struct tulle_flow_key bits = { .l4_dst = cpu_to_be16(0xffff) };
	u32 mask = make_mask(fx, fx->table, &bits), id;
	struct tulle_rule r[2] = {
		drop_rule(mask, 1, 9), drop_rule(mask, 2, 3),
	};
	struct tfw_table *t = table_of(fx, fx->table);
	union tfw_key pkt = { .key.l4_dst = cpu_to_be16(80) };

	r[0].key.l4_dst = cpu_to_be16(80);
	r[1].key.l4_dst = cpu_to_be16(80);
	assert_null(tfw_table_lookup(t, &pkt));
	assert_int_equal(add_rules(fx, fx->table, &r[0], 1, 0, NULL), 0);
	assert_ptr_equal(tfw_table_lookup(t, &pkt), tfw_rule_find(t, 1));
	assert_int_equal(add_rules(fx, fx->table, &r[1], 1, 0, NULL), 0);
	assert_ptr_equal(tfw_table_lookup(t, &pkt), tfw_rule_find(t, 2));
	for (id = 2; id; id--) {
		assert_int_equal(del_rules(fx, fx->table, &id, 1, NULL), 0);
		assert_ptr_equal(tfw_table_lookup(t, &pkt),
				 id == 2 ? tfw_rule_find(t, 1) : NULL);
	}
}

static void test_switch_rules(void **state)
{
	struct fx *fx = *state;
	struct tulle_query_rule q = { .table = cpu_to_le32(fx->n.fdb) };
	struct tulle_rule r;
	u32 id = TFW_RULE_UPLINK;

	q.id = cpu_to_le32(id);
	assert_int_equal(fake_cmd(&fx->n.d, TULLE_CMD_QUERY_RULE, &q, sizeof(q),
				  &r, sizeof(r)), 0);
	assert_int_equal(r.actions[0].type, TULLE_ACTION_VPORT);
	assert_int_equal(le16_to_cpu(r.key.vport), TULLE_VPORT_WIRE);
	/* The driver may take the default path away ... */
	assert_int_equal(del_rules(fx, fx->n.fdb, &id, 1, NULL), 0);
	assert_int_equal(fake_cmd(&fx->n.d, TULLE_CMD_QUERY_RULE, &q, sizeof(q),
				  &r, sizeof(r)), TULLE_STATUS_NOT_FOUND);
	/* ... but not use the device's own mask. */
	r.id = cpu_to_le32(5);
	assert_int_equal(add_rules(fx, fx->n.fdb, &r, 1, 0, NULL),
			 TULLE_STATUS_BAD_HANDLE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_against_list),
		T(test_refusals),
		T(test_refused_actions),
		T(test_batches),
		T(test_destroy),
		T(test_references),
		T(test_packets),
		T(test_train),
		T(test_switch_rules),
		T(test_against_long_list),
		T(test_against_longest_list),
		T(test_16_masks),
		T(test_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
