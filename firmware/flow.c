// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Steering: lookup, insertion, removal, and running a packet through tables.
 */
#include "flow.h"
#include "rdma.h"

/*
 * Rules with the same key, and rules in one chain of the hash table, whoever
 * made their keys collide: a walk has an end.
 */
#define MAX_EQUAL	64
#define MAX_CHAIN	1024

#define WORD_OF(member) \
	(offsetof(struct tulle_flow_key, member) / sizeof(u64))

/* Strong enough that one function cannot aim at another's chains. */
static u32 key_hash(const u64 *word, unsigned int n, u64 salt)
{
	u64 h = salt;
	unsigned int i;

	for (i = 0; i < n; i++) {
		h ^= word[i];
		h *= 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
	}
	h *= 0xbf58476d1ce4e5b9ULL;
	return (u32)(h >> 32);
}

/* Objects lie at addresses nobody can guess: salt enough for one process. */
static u64 salt_of(const struct tfw_obj *obj)
{
	return (u64)(uintptr_t)obj * 0x94d049bb133111ebULL;
}

static u32 id_hash(const struct tfw_table *t, u32 id)
{
	u64 word = id;

	return key_hash(&word, 1, salt_of(&t->obj));
}

static bool words_equal(const u64 *a, const u64 *b, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

/* The best rule with these words; those with equal keys are chained best first. */
static struct tfw_rule *mask_find(const struct tfw_mask *mask, const u64 *word)
{
	u32 hash = key_hash(word, mask->nwords, salt_of(&mask->obj));
	struct tfw_hnode *n;
	struct tfw_rule *r;

	for (n = tfw_hash_first(&mask->rules, hash); n; n = n->next) {
		if (n->hash != hash)
			continue;
		r = tfw_container(n, struct tfw_rule, key);
		if (words_equal(r->word, word, mask->nwords))
			return r;
	}
	return NULL;
}

static struct tfw_rule *mask_lookup(struct tfw_mask *mask,
				    const union tfw_key *key)
{
	u64 word, differ = !mask->has_last;
	unsigned int i;

	for (i = 0; i < mask->nwords; i++) {
		word = key->word[mask->word[i]] & mask->bits[i];
		differ |= word ^ mask->last[i];
		mask->last[i] = word;
	}
	if (differ) {
		mask->last_rule = mask_find(mask, mask->last);
		mask->has_last = true;
	}
	return mask->last_rule;
}

static bool is_better(const struct tfw_rule *a, const struct tfw_rule *b)
{
	if (a->key.aux != b->key.aux)
		return a->key.aux < b->key.aux;
	return a->seq < b->seq;
}

/* @probes: grows by the masks that were looked at. */
static inline struct tfw_rule *lookup(const struct tfw_table *t,
				      const union tfw_key *key, u32 *probes)
{
	struct tfw_rule *best = NULL, *r;
	unsigned int i;

	for (i = 0; i < t->nmasks; i++) {
		if (best && t->masks[i]->min_priority > best->key.aux)
			break;
		r = mask_lookup(t->masks[i], key);
		if (r && (!best || is_better(r, best)))
			best = r;
	}
	*probes += i;
	return best;
}

struct tfw_rule *tfw_table_lookup(const struct tfw_table *t,
				  const union tfw_key *key)
{
	u32 probes = 0;

	return lookup(t, key, &probes);
}

struct tfw_rule *tfw_rule_find(const struct tfw_table *t, u32 id)
{
	u32 hash = id_hash(t, id);
	struct tfw_hnode *n;

	for (n = tfw_hash_first(&t->ids, hash); n; n = n->next)
		if (n->aux == id)
			return tfw_container(n, struct tfw_rule, id);
	return NULL;
}

/* Keeps the walk in order of priority after a mask's bound moved. */
static void sort_mask(struct tfw_table *t, struct tfw_mask *mask)
{
	unsigned int i;

	for (i = 0; t->masks[i] != mask; i++)
		;
	for (; i && t->masks[i - 1]->min_priority > mask->min_priority; i--)
		t->masks[i] = t->masks[i - 1];
	for (; i + 1 < t->nmasks &&
	     t->masks[i + 1]->min_priority < mask->min_priority; i++)
		t->masks[i] = t->masks[i + 1];
	t->masks[i] = mask;
}

void tfw_mask_setup(struct tfw_mask *mask, struct tfw_table *t,
		    const struct tulle_flow_key *key)
{
	union tfw_key bits, other;
	unsigned int i;

	mask->table = t;
	mask->key = *key;
	mask->min_priority = TFW_RULE_DEFAULT;
	bits.key = *key;
	other.key = *key;
	other.key.vport = 0;
	other.key.meta = 0;
	for (i = 0; i < TFW_KEY_WORDS; i++) {
		if (!bits.word[i])
			continue;
		mask->word[mask->nwords] = (u8)i;
		mask->bits[mask->nwords++] = bits.word[i];
		mask->packet |= !!other.word[i];
	}
}

enum tulle_status tfw_table_link(struct tfw_table *t, struct tfw_mask *mask)
{
	struct tfw_engine *e = tfw_func_engine(t->obj.func);
	struct tfw_mask **masks;
	u32 room;

	if (t->nmasks == t->room) {
		room = t->room ? t->room * 2 : 4;
		masks = tfw_alloc(e, room * sizeof(*masks));
		if (!masks)
			return TULLE_STATUS_NOMEM;
		if (t->nmasks)
			memcpy(masks, t->masks, t->nmasks * sizeof(*masks));
		tfw_free(e, t->masks);
		t->masks = masks;
		t->room = room;
	}
	t->masks[t->nmasks++] = mask;
	t->npacket += mask->packet;
	return TULLE_STATUS_OK;
}

/*
 * Behind those that are better or older, so that the first match is best.
 * False: too many there.
 */
static bool chain_rule(struct tfw_mask *mask, struct tfw_rule *rule,
		       const struct tfw_rule *old)
{
	struct tfw_hnode *pos = NULL, *n;
	u32 all = 0, equal = 0;
	struct tfw_rule *r;

	n = tfw_hash_first(&mask->rules, rule->key.hash);
	for (; n; n = n->next) {
		r = tfw_container(n, struct tfw_rule, key);
		all += r != old;
		if (n->hash != rule->key.hash ||
		    !words_equal(r->word, rule->word, mask->nwords))
			continue;
		equal += r != old;
		if (is_better(r, rule))
			pos = n;
	}
	if (equal >= MAX_EQUAL || all >= MAX_CHAIN)
		return false;
	tfw_hash_add(&mask->rules, &rule->key, pos);
	mask->has_last = false;
	return true;
}

enum tulle_status tfw_rule_insert(struct tfw_mask *mask,
				  const struct tulle_rule *in,
				  const struct tfw_action *actions,
				  const struct tfw_rule *old)
{
	struct tfw_table *t = mask->table;
	struct tfw_engine *e = tfw_func_engine(t->obj.func);
	u32 priority = le32_to_cpu(in->priority);
	u32 id = le32_to_cpu(in->id);
	struct tfw_rule *rule;
	union tfw_key key;
	unsigned int i;

	rule = tfw_alloc(e, sizeof(*rule) + mask->nwords * sizeof(u64) +
			 in->nactions * sizeof(*actions));
	if (!rule || !tfw_hash_reserve(e, &mask->rules) ||
	    !tfw_hash_reserve(e, &t->ids)) {
		tfw_free(e, rule);
		return TULLE_STATUS_NOMEM;
	}
	key.key = in->key;
	for (i = 0; i < mask->nwords; i++)
		rule->word[i] = key.word[mask->word[i]];
	rule->mask = mask;
	rule->nactions = in->nactions;
	memcpy(tfw_rule_actions(rule), actions,
	       in->nactions * sizeof(*actions));
	rule->seq = t->seq++;
	rule->key.hash = key_hash(rule->word, mask->nwords,
				  salt_of(&mask->obj));
	rule->key.aux = priority;
	rule->id.hash = id_hash(t, id);
	rule->id.aux = id;
	if (!chain_rule(mask, rule, old)) {
		tfw_free(e, rule);
		return TULLE_STATUS_QUOTA;
	}
	tfw_hash_add(&t->ids, &rule->id, NULL);
	if (priority < mask->min_priority || mask->rules.count == 1) {
		mask->min_priority = priority;
		sort_mask(t, mask);
	}
	return TULLE_STATUS_OK;
}

/* Costs all rules and buckets, which stay when rules go. */
static bool is_refresh_due(const struct tfw_mask *mask)
{
	u32 size = 1U << mask->rules.log_size;

	return mask->dels * 2 > TFW_MAX(mask->rules.count, size / 16);
}

/* Exact again. */
static void refresh_bound(struct tfw_mask *mask)
{
	u32 bound = TFW_RULE_DEFAULT, size = 1U << mask->rules.log_size, i;
	struct tfw_hnode *n;

	for (i = 0; mask->rules.count && i < size; i++) {
		for (n = *tfw_hash_head(&mask->rules, i); n; n = n->next)
			bound = TFW_MIN(bound, n->aux);
	}
	mask->dels = 0;
	mask->min_priority = bound;
	sort_mask(mask->table, mask);
}

void tfw_rule_remove(struct tfw_rule *r)
{
	struct tfw_mask *mask = r->mask;
	struct tfw_table *t = mask->table;
	struct tfw_func *func = t->obj.func;
	struct tfw_engine *e = tfw_func_engine(func);
	bool at_bound = r->key.aux == mask->min_priority;
	unsigned int i;

	tfw_hash_del(e, &mask->rules, &r->key);
	mask->has_last = false;
	tfw_hash_del(e, &t->ids, &r->id);
	for (i = 0; i < r->nactions; i++)
		tfw_action_put(func, &tfw_rule_actions(r)[i]);
	tfw_free(e, r);
	mask->dels += at_bound || mask->dels;
	if (is_refresh_due(mask))
		refresh_bound(mask);
}

static void count_packet(struct tfw_action *a, const struct tfw_frame *f)
{
	struct tfw_counters *c;

	c = tfw_container(a->obj, struct tfw_counters, obj);
	c->count[a->arg].packets += f->npkts;
	c->count[a->arg].bytes += tfw_frame_wire_bytes(f);
}

/* Runs one action list; the table to go on in, or NULL. */
static struct tfw_table *run_actions(struct tfw_action *a, unsigned int n,
				     struct tfw_frame *f, union tfw_key *key,
				     struct tfw_fates *out)
{
	struct tfw_table *next = NULL;

	for (; n; n--, a++) {
		switch (a->type) {
		case TULLE_ACTION_QUEUE:
		case TULLE_ACTION_RSS:
		case TULLE_ACTION_QP:
		case TULLE_ACTION_VPORT:
			if (out->n < TULLE_MAX_ACTIONS)
				out->fate[out->n++] = *a;
			break;
		case TULLE_ACTION_GOTO:
			next = tfw_container(a->obj, struct tfw_table, obj);
			break;
		case TULLE_ACTION_MARK:
			f->mark = a->arg;
			break;
		case TULLE_ACTION_COUNT:
			count_packet(a, f);
			break;
		case TULLE_ACTION_META:
			f->meta = a->arg;
			key->key.meta = cpu_to_le32(f->meta);
			break;
		}
	}
	return next;
}

/* Vport and metadata are known without a look inside. */
static void key_outside(const struct tfw_frame *f, union tfw_key *key)
{
	key->word[WORD_OF(vport)] = 0;
	key->word[WORD_OF(meta)] = 0;
	key->key.vport = cpu_to_le16(f->vport);
	key->key.meta = cpu_to_le32(f->meta);
}

void tfw_flow_run(struct tfw_table *t, struct tfw_frame *f,
		  struct tfw_fates *out)
{
	struct tfw_rule *r;
	bool full = false;
	union tfw_key key;

	out->n = 0;
	key_outside(f, &key);
	while (t) {
		r = NULL;
		if (t->npacket && !full) {
			tfw_frame_parse(f);
			tfw_frame_key(f, &key.key);
			full = true;
		}
		if (t->nmasks)
			r = lookup(t, &key, &f->probes);
		if (r) {
			t = run_actions(tfw_rule_actions(r), r->nactions, f,
					&key, out);
			continue;
		}
		t->miss_packets += f->npkts;
		t = run_actions(&t->miss, 1, f, &key, out);
	}
}

static void empty_mask(struct tfw_mask *mask)
{
	struct tfw_func *func = mask->obj.func;
	struct tfw_hnode *n;
	u32 from = 0;

	for (n = tfw_hash_any(&mask->rules, &from); n;
	     n = tfw_hash_any(&mask->rules, &from)) {
		/* No bound to keep any more. */
		mask->dels = 0;
		mask->min_priority = 0;
		tfw_rule_remove(tfw_container(n, struct tfw_rule, key));
		if (!mask->obj.fixed)
			tfw_obj_charge(func, TULLE_OBJ_RULE, -1);
	}
}

void tfw_mask_destroy(struct tfw_obj *obj)
{
	struct tfw_mask *mask = tfw_container(obj, struct tfw_mask, obj);
	struct tfw_table *t = mask->table;
	unsigned int i;

	empty_mask(mask);
	/* Made ready for a rule that then was not added. */
	tfw_free(tfw_func_engine(obj->func), mask->rules.bucket);
	for (i = 0; t->masks[i] != mask; i++)
		;
	t->nmasks--;
	t->npacket -= mask->packet;
	for (; i < t->nmasks; i++)
		t->masks[i] = t->masks[i + 1];
	if (t->domain != TULLE_DOMAIN_RX)
		tfw_rdma_changed(obj->func->dev);
	tfw_obj_free(obj);
}

void tfw_table_destroy(struct tfw_obj *obj)
{
	struct tfw_table *t = tfw_container(obj, struct tfw_table, obj);
	struct tfw_func *func = obj->func;

	while (t->nmasks)
		tfw_mask_destroy(&t->masks[t->nmasks - 1]->obj);
	tfw_action_put(func, &t->miss);
	tfw_free(tfw_func_engine(func), t->masks);
	tfw_free(tfw_func_engine(func), t->ids.bucket);
	tfw_obj_free(obj);
}

void tfw_counter_destroy(struct tfw_obj *obj)
{
	struct tfw_counters *c = tfw_container(obj, struct tfw_counters, obj);

	tfw_obj_charge(obj->func, TULLE_OBJ_COUNTER, 1 - (s32)c->n);
	tfw_obj_free(obj);
}
