/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The steering engine: tables of masks of rules. All rules of a mask sit in
 * one hash table, so a lookup costs one probe per mask, however many rules
 * there are; masks are tried best priority first and the walk ends as soon as
 * no later one can win.
 */
#ifndef TFW_FLOW_H
#define TFW_FLOW_H

#include "dev.h"
#include "frame.h"
#include "hash.h"

#define TFW_KEY_WORDS	(sizeof(struct tulle_flow_key) / sizeof(u64))

/* Priority of the rules that the device makes itself: behind all others. */
#define TFW_RULE_DEFAULT	0xffffffffU

/* Their ids in the FDB. */
#define TFW_RULE_UPLINK		0xffffff00U	/* from the wire */
#define TFW_RULE_VPORT(vport)	(0xffffff01U + (vport))

/*
 * struct tfw_action - an action in a rule
 * @obj: what the argument names, for QUEUE, RSS, QP, GOTO, COUNT; the rule holds a
 *	reference, so it is there as long as the rule
 */
struct tfw_action {
	struct tfw_obj	*obj;
	u32		arg;
	u8		type;
};

/*
 * struct tfw_rule - one rule
 * @key: in its mask's table; aux is the priority
 * @id: in its table's index; aux is the id
 * @seq: age
 * @word: nwords of the mask, then the actions
 */
struct tfw_rule {
	struct tfw_hnode	key;
	struct tfw_hnode	id;
	struct tfw_mask		*mask;
	u64			seq;
	u8			nactions;
	u64			word[];
};

/*
 * struct tfw_mask - rules that look at the same bits
 * @key: as the driver gave it
 * @word: positions of the 64-bit words of a key that count
 * @bits: which bits of them
 * @min_priority: no rule has a lower one (may be too low after deletes)
 * @dels: deletes since @min_priority was exact
 * @packet: looks at something else than vport and metadata
 * @last: masked words of the latest lookup, as frames come in trains
 * @last_rule: what it found, NULL for nothing
 * @has_last: since then no rule came or went
 */
struct tfw_mask {
	struct tfw_obj		obj;
	struct tfw_table	*table;
	struct tfw_hash		rules;
	struct tulle_flow_key	key;
	u64			bits[TFW_KEY_WORDS];
	u8			word[TFW_KEY_WORDS];
	u8			nwords;
	bool			packet;
	bool			has_last;
	u32			min_priority;
	u32			dels;
	u64			last[TFW_KEY_WORDS];
	struct tfw_rule		*last_rule;
};

/*
 * struct tfw_table - a flow table
 * @masks: by min_priority
 * @room: length of that array
 * @npacket: masks with @packet set
 */
struct tfw_table {
	struct tfw_obj		obj;
	struct tfw_mask		**masks;
	struct tfw_hash		ids;
	struct tfw_action	miss;
	u64			seq;
	u64			miss_packets;
	u32			nmasks;
	u32			room;
	u32			npacket;
	u16			vport;
	u8			domain;
	u8			level;
};

struct tfw_counters {
	struct tfw_obj	obj;
	u32		n;
	struct {
		u64	packets;
		u64	bytes;
	} count[];
};

/* A packet key as lookups want it. */
union tfw_key {
	struct tulle_flow_key	key;
	u64			word[TFW_KEY_WORDS];
};

static inline struct tfw_action *tfw_rule_actions(struct tfw_rule *r)
{
	return (struct tfw_action *)&r->word[r->mask->nwords];
}

/* Where steering ends: at most one destination per action. */
struct tfw_fates {
	struct tfw_action	fate[TULLE_MAX_ACTIONS];
	unsigned int		n;
};

/*
 * Runs @f through @t and what it points to. No fate: dropped. Parses the
 * frame when a rule looks into it; mark and metadata of the frame follow the
 * actions. Super-frames count as the wire packets they stand for.
 */
void tfw_flow_run(struct tfw_table *t, struct tfw_frame *f,
		  struct tfw_fates *out);

struct tfw_rule *tfw_table_lookup(const struct tfw_table *t,
				  const union tfw_key *key);
struct tfw_rule *tfw_rule_find(const struct tfw_table *t, u32 id);

/* What the commands do, once the request has been checked. */
void tfw_mask_setup(struct tfw_mask *mask, struct tfw_table *t,
		    const struct tulle_flow_key *key);
enum tulle_status tfw_table_link(struct tfw_table *t, struct tfw_mask *mask);

/* @old: the rule that it replaces, still there; or NULL. */
enum tulle_status tfw_rule_insert(struct tfw_mask *mask,
				  const struct tulle_rule *in,
				  const struct tfw_action *actions,
				  const struct tfw_rule *old);
void tfw_rule_remove(struct tfw_rule *r);

/* Resolves an action of a table's rule; a reference on its object is taken. */
enum tulle_status tfw_action_get(struct tfw_table *t,
				 const struct tulle_flow_action *in,
				 struct tfw_action *out);
void tfw_action_put(struct tfw_func *func, struct tfw_action *a);

/* Bits by enum tulle_action that a domain takes; also for the capabilities. */
u32 tfw_flow_actions(const struct tfw_func *f, enum tulle_domain domain);

#endif /* TFW_FLOW_H */
