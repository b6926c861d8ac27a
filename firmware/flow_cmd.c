// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Steering commands: everything a driver asks for is checked here, once.
 */
#include "flow.h"
#include "eth.h"
#include "rdma.h"

#define COUNTER_SUB	TULLE_BITS(7, 0)	/* of a handle's index */
#define COUNTER_BLOCK	TULLE_BITS(23, 8)

u32 tfw_flow_actions(const struct tfw_func *f, enum tulle_domain domain)
{
	u32 all = TULLE_BIT(TULLE_ACTION_DROP) | TULLE_BIT(TULLE_ACTION_GOTO) |
		  TULLE_BIT(TULLE_ACTION_MARK) | TULLE_BIT(TULLE_ACTION_COUNT) |
		  TULLE_BIT(TULLE_ACTION_META);

	if (domain != TULLE_DOMAIN_RX)
		return all | TULLE_BIT(TULLE_ACTION_VPORT);
	if (tfw_has_cap(f, TULLE_CAP_RDMA_RAW))
		all |= TULLE_BIT(TULLE_ACTION_QP);
	return all | TULLE_BIT(TULLE_ACTION_QUEUE) |
	       TULLE_BIT(TULLE_ACTION_RSS);
}

static struct tfw_table *find_table(struct tfw_func *func, __le32 handle)
{
	struct tfw_obj *obj = tfw_obj_find(func, TULLE_OBJ_TABLE,
					   le32_to_cpu(handle));

	return obj ? tfw_container(obj, struct tfw_table, obj) : NULL;
}

/* Counters are handed out in blocks; a handle's low index bits count in it. */
static struct tfw_counters *find_counter(struct tfw_func *func, u32 handle,
					 u32 *sub)
{
	u32 block = (handle & TULLE_HANDLE_GEN) |
		    u32_get_bits(handle, COUNTER_BLOCK);
	struct tfw_counters *c;
	struct tfw_obj *obj;

	*sub = u32_get_bits(handle, COUNTER_SUB);
	obj = tfw_obj_find(func, TULLE_OBJ_COUNTER, block);
	if (!obj)
		return NULL;
	c = tfw_container(obj, struct tfw_counters, obj);
	return *sub < c->n ? c : NULL;
}

static enum tulle_status get_vport(const struct tfw_table *t, u32 arg)
{
	/* Transmit knows one way out: the switch. */
	if (t->domain == TULLE_DOMAIN_TX)
		return arg == TULLE_VPORT_WIRE ? TULLE_STATUS_OK :
						 TULLE_STATUS_BAD_PARAM;
	if (arg == TULLE_VPORT_WIRE)
		return TULLE_STATUS_OK;
	if (arg > 0xffff || !tfw_vport_find(t->obj.func, (u16)arg))
		return TULLE_STATUS_BAD_PARAM;
	return TULLE_STATUS_OK;
}

static enum tulle_status get_goto(const struct tfw_table *t,
				  struct tfw_action *out)
{
	struct tfw_table *to;

	out->obj = tfw_obj_find(t->obj.func, TULLE_OBJ_TABLE, out->arg);
	if (!out->obj)
		return TULLE_STATUS_BAD_HANDLE;
	to = tfw_container(out->obj, struct tfw_table, obj);
	/* Deeper only: so every packet's walk ends. */
	if (to->domain != t->domain || to->vport != t->vport ||
	    to->level <= t->level)
		return TULLE_STATUS_BAD_PARAM;
	return TULLE_STATUS_OK;
}

static enum tulle_status get_rx_target(const struct tfw_table *t,
				       struct tfw_action *out)
{
	enum tulle_obj_type type = out->type == TULLE_ACTION_QUEUE ?
				   TULLE_OBJ_RQ : TULLE_OBJ_RSS;

	out->obj = tfw_obj_find(t->obj.func, type, out->arg);
	if (!out->obj)
		return TULLE_STATUS_BAD_HANDLE;
	return tfw_rx_target_vport(out->obj) == t->vport ?
		TULLE_STATUS_OK : TULLE_STATUS_BAD_PARAM;
}

static enum tulle_status get_qp(const struct tfw_table *t,
				struct tfw_action *out)
{
	struct tfw_qp *qp = tfw_obj_find(t->obj.func, TULLE_OBJ_QP, out->arg);

	if (!qp)
		return TULLE_STATUS_BAD_HANDLE;
	out->obj = &qp->obj;
	return qp->type == TULLE_QP_RAW && t->obj.func->vport->id == t->vport ?
		TULLE_STATUS_OK : TULLE_STATUS_BAD_PARAM;
}

enum tulle_status tfw_action_get(struct tfw_table *t,
				 const struct tulle_flow_action *in,
				 struct tfw_action *out)
{
	enum tulle_status status = TULLE_STATUS_OK;
	u32 arg = le32_to_cpu(in->arg);
	struct tfw_counters *c;

	*out = (struct tfw_action){ .type = in->type, .arg = arg };
	if (in->type > TULLE_ACTION_QP ||
	    !(tfw_flow_actions(t->obj.func, t->domain) &
	      TULLE_BIT(in->type)) ||
	    !tfw_is_zero(in->rsvd, sizeof(in->rsvd)))
		return TULLE_STATUS_BAD_PARAM;
	switch (in->type) {
	case TULLE_ACTION_DROP:
		status = arg ? TULLE_STATUS_BAD_PARAM : TULLE_STATUS_OK;
		break;
	case TULLE_ACTION_QUEUE:
	case TULLE_ACTION_RSS:
		status = get_rx_target(t, out);
		break;
	case TULLE_ACTION_QP:
		status = get_qp(t, out);
		break;
	case TULLE_ACTION_VPORT:
		status = get_vport(t, arg);
		break;
	case TULLE_ACTION_GOTO:
		status = get_goto(t, out);
		break;
	case TULLE_ACTION_MARK:
		if (arg > 0xffffff)
			status = TULLE_STATUS_BAD_PARAM;
		break;
	case TULLE_ACTION_COUNT:
		c = find_counter(t->obj.func, arg, &out->arg);
		if (!c)
			return TULLE_STATUS_BAD_HANDLE;
		out->obj = &c->obj;
		break;
	}
	if (status == TULLE_STATUS_OK && out->obj)
		tfw_obj_get(out->obj);
	return status;
}

void tfw_action_put(struct tfw_func *func, struct tfw_action *a)
{
	/* On reset a table may go before those that lead to it. */
	if (a->type == TULLE_ACTION_GOTO)
		a->obj = tfw_obj_find(func, TULLE_OBJ_TABLE, a->arg);
	if (a->obj)
		tfw_obj_put(a->obj);
	a->obj = NULL;
}

/* What a driver would have to give to get this action. */
static struct tulle_flow_action action_out(const struct tfw_action *a)
{
	u32 arg = a->arg;

	if (a->type == TULLE_ACTION_COUNT)
		arg |= (a->obj->handle & TULLE_HANDLE_GEN) |
		       u32_encode_bits(tfw_obj_index(a->obj), COUNTER_BLOCK);
	return (struct tulle_flow_action){ .type = a->type,
					   .arg = cpu_to_le32(arg) };
}

static bool is_miss_action(u8 type)
{
	return type == TULLE_ACTION_DROP || type == TULLE_ACTION_QUEUE ||
	       type == TULLE_ACTION_RSS || type == TULLE_ACTION_VPORT ||
	       type == TULLE_ACTION_GOTO;
}

/* Where the way of a packet may end in a rule. */
static bool is_end_action(u8 type)
{
	return is_miss_action(type) || type == TULLE_ACTION_QP;
}

/* What RDMA found out about the ways between vports may not hold any more. */
static void ways_changed(const struct tfw_table *t)
{
	if (t->domain != TULLE_DOMAIN_RX)
		tfw_rdma_changed(t->obj.func->dev);
}

static enum tulle_status set_miss(struct tfw_table *t,
				  const struct tulle_flow_action *in)
{
	struct tfw_action miss;
	enum tulle_status status;

	if (!is_miss_action(in->type))
		return TULLE_STATUS_BAD_PARAM;
	status = tfw_action_get(t, in, &miss);
	if (status != TULLE_STATUS_OK)
		return status;
	tfw_action_put(t->obj.func, &t->miss);
	t->miss = miss;
	ways_changed(t);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_create_table(struct tfw_cmd *cmd)
{
	const struct tulle_table_ctx *in = cmd->in;
	struct tulle_handle_rsp *rsp = cmd->out;
	enum tulle_status status;
	struct tfw_vport *vport;
	struct tfw_table *t;

	if (in->domain > TULLE_DOMAIN_RX)
		return TFW_CMD_BAD(cmd, struct tulle_table_ctx, domain);
	if (!in->level || in->level > TFW_MAX_TABLE_DEPTH)
		return TFW_CMD_BAD(cmd, struct tulle_table_ctx, level);
	vport = tfw_vport_find(cmd->func, le16_to_cpu(in->vport));
	if (!vport || !vport->root[in->domain])
		return TFW_CMD_BAD(cmd, struct tulle_table_ctx, vport);
	if (in->rules || in->masks || in->miss_packets)
		return TFW_CMD_BAD(cmd, struct tulle_table_ctx, rules);
	t = tfw_obj_alloc(cmd->func, TULLE_OBJ_TABLE, sizeof(*t),
			  le32_to_cpu(in->handle), &status);
	if (!t)
		return status;
	t->domain = in->domain;
	t->level = in->level;
	t->vport = vport->id;
	status = set_miss(t, &in->miss);
	if (status != TULLE_STATUS_OK) {
		tfw_table_destroy(&t->obj);
		cmd->syndrome = offsetof(struct tulle_table_ctx, miss);
		return status;
	}
	rsp->handle = cpu_to_le32(t->obj.handle);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_table(struct tfw_cmd *cmd)
{
	const struct tulle_handle_req *in = cmd->in;
	struct tfw_table *t = find_table(cmd->func, in->handle);
	struct tulle_table_ctx *out = cmd->out;

	if (!t)
		return TULLE_STATUS_BAD_HANDLE;
	out->handle = cpu_to_le32(t->obj.handle);
	out->domain = t->domain;
	out->level = t->level;
	out->vport = cpu_to_le16(t->vport);
	out->miss = action_out(&t->miss);
	out->rules = cpu_to_le32(t->ids.count);
	out->masks = cpu_to_le32(t->nmasks);
	out->miss_packets = cpu_to_le64(t->miss_packets);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_modify_table(struct tfw_cmd *cmd)
{
	const struct tulle_table_ctx *in = cmd->in;
	struct tfw_table *t = find_table(cmd->func, in->handle);
	enum tulle_status status;

	if (!t)
		return TULLE_STATUS_BAD_HANDLE;
	status = set_miss(t, &in->miss);
	if (status != TULLE_STATUS_OK)
		cmd->syndrome = offsetof(struct tulle_table_ctx, miss);
	return status;
}

enum tulle_status tfw_cmd_create_mask(struct tfw_cmd *cmd)
{
	const struct tulle_mask_ctx *in = cmd->in;
	struct tulle_handle_rsp *rsp = cmd->out;
	enum tulle_status status;
	struct tfw_mask *mask;
	struct tfw_table *t;

	t = find_table(cmd->func, in->table);
	if (!t)
		return TULLE_STATUS_BAD_HANDLE;
	if (!tfw_is_zero(in->key.rsvd, sizeof(in->key.rsvd)))
		return TFW_CMD_BAD(cmd, struct tulle_mask_ctx, key.rsvd);
	/* Tunnels are not parsed: refuse rather than never match. */
	if (in->key.vni)
		return TFW_CMD_BAD(cmd, struct tulle_mask_ctx, key.vni);
	if (in->rules || in->rsvd)
		return TFW_CMD_BAD(cmd, struct tulle_mask_ctx, rules);
	mask = tfw_obj_alloc(cmd->func, TULLE_OBJ_MASK, sizeof(*mask),
			     le32_to_cpu(in->handle), &status);
	if (!mask)
		return status;
	tfw_mask_setup(mask, t, &in->key);
	status = tfw_table_link(t, mask);
	if (status != TULLE_STATUS_OK) {
		tfw_obj_free(&mask->obj);
		return status;
	}
	rsp->handle = cpu_to_le32(mask->obj.handle);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_mask(struct tfw_cmd *cmd)
{
	const struct tulle_handle_req *in = cmd->in;
	struct tulle_mask_ctx *out = cmd->out;
	struct tfw_mask *mask;

	mask = tfw_obj_find(cmd->func, TULLE_OBJ_MASK, le32_to_cpu(in->handle));
	if (!mask)
		return TULLE_STATUS_BAD_HANDLE;
	out->handle = cpu_to_le32(mask->obj.handle);
	out->table = cpu_to_le32(mask->table->obj.handle);
	out->rules = cpu_to_le32(mask->rules.count);
	out->key = mask->key;
	return TULLE_STATUS_OK;
}

static bool key_within_mask(const struct tulle_flow_key *key,
			    const struct tulle_flow_key *mask)
{
	const u8 *k = (const u8 *)key, *m = (const u8 *)mask;
	size_t i;

	for (i = 0; i < sizeof(*key); i++)
		if (k[i] & ~m[i])
			return false;
	return true;
}

/* One end and nothing behind a goto; what is not decided is not a rule. */
static bool actions_end(const struct tulle_rule *in)
{
	bool end = false;
	unsigned int i;

	for (i = 0; i < in->nactions; i++) {
		if (in->actions[i].type == TULLE_ACTION_GOTO ||
		    in->actions[i].type == TULLE_ACTION_DROP)
			return !end && i == in->nactions - 1U;
		end |= is_end_action(in->actions[i].type);
	}
	return end;
}

static enum tulle_status check_rule(struct tfw_table *t,
				    const struct tulle_rule *in,
				    struct tfw_mask **mask, size_t *where)
{
	struct tfw_mask *m;

	m = tfw_obj_find(t->obj.func, TULLE_OBJ_MASK, le32_to_cpu(in->mask));
	*where = offsetof(struct tulle_rule, mask);
	if (!m || m->obj.fixed || m->table != t)
		return TULLE_STATUS_BAD_HANDLE;
	*where = offsetof(struct tulle_rule, rsvd);
	if (!tfw_is_zero(in->rsvd, sizeof(in->rsvd)))
		return TULLE_STATUS_BAD_PARAM;
	*where = offsetof(struct tulle_rule, key);
	if (!key_within_mask(&in->key, &m->key))
		return TULLE_STATUS_BAD_PARAM;
	*where = offsetof(struct tulle_rule, nactions);
	if (!in->nactions || in->nactions > TULLE_MAX_ACTIONS ||
	    !actions_end(in))
		return TULLE_STATUS_BAD_PARAM;
	*where = offsetof(struct tulle_rule, actions);
	if (!tfw_is_zero(&in->actions[in->nactions],
			 (TULLE_MAX_ACTIONS - in->nactions) *
			 sizeof(in->actions[0])))
		return TULLE_STATUS_BAD_PARAM;
	*mask = m;
	return TULLE_STATUS_OK;
}

static enum tulle_status get_actions(struct tfw_table *t,
				     const struct tulle_rule *in,
				     struct tfw_action *a)
{
	enum tulle_status status;
	unsigned int i;

	for (i = 0; i < in->nactions; i++) {
		status = tfw_action_get(t, &in->actions[i], &a[i]);
		if (status == TULLE_STATUS_OK)
			continue;
		while (i--)
			tfw_action_put(t->obj.func, &a[i]);
		return status;
	}
	return TULLE_STATUS_OK;
}

static enum tulle_status add_rule(struct tfw_table *t,
				  const struct tulle_rule *in, bool replace,
				  size_t *where)
{
	struct tfw_action actions[TULLE_MAX_ACTIONS];
	struct tfw_func *func = t->obj.func;
	enum tulle_status status;
	struct tfw_mask *mask;
	struct tfw_rule *old;
	unsigned int i;

	status = check_rule(t, in, &mask, where);
	if (status != TULLE_STATUS_OK)
		return status;
	old = tfw_rule_find(t, le32_to_cpu(in->id));
	*where = offsetof(struct tulle_rule, id);
	if (old && (!replace || old->mask->obj.fixed))
		return TULLE_STATUS_EXISTS;
	*where = offsetof(struct tulle_rule, actions);
	status = get_actions(t, in, actions);
	if (status != TULLE_STATUS_OK)
		return status;
	status = old ? TULLE_STATUS_OK :
		       tfw_obj_charge(func, TULLE_OBJ_RULE, 1);
	if (status == TULLE_STATUS_OK) {
		status = tfw_rule_insert(mask, in, actions, old);
		if (status == TULLE_STATUS_OK) {
			if (old)
				tfw_rule_remove(old);
			return TULLE_STATUS_OK;
		}
		if (!old)
			tfw_obj_charge(func, TULLE_OBJ_RULE, -1);
	}
	for (i = 0; i < in->nactions; i++)
		tfw_action_put(func, &actions[i]);
	return status;
}

enum tulle_status tfw_cmd_add_rules(struct tfw_cmd *cmd)
{
	const struct tulle_add_rules *in = cmd->in;
	enum tulle_status status = TULLE_STATUS_OK;
	struct tulle_rules_rsp *rsp = cmd->out;
	u32 count = le32_to_cpu(in->count), i;
	struct tfw_table *t;
	size_t where;

	t = find_table(cmd->func, in->table);
	if (!t)
		return TULLE_STATUS_BAD_HANDLE;
	if (in->flags & ~TULLE_RULES_F_REPLACE)
		return TFW_CMD_BAD(cmd, struct tulle_add_rules, flags);
	if (!count || count > TFW_MAX_RULES_BATCH)
		return TFW_CMD_BAD(cmd, struct tulle_add_rules, count);
	if (cmd->in_len != sizeof(*in) + count * sizeof(in->rules[0]))
		return TULLE_STATUS_BAD_LEN;
	cmd->out_always = true;
	for (i = 0; i < count; i++) {
		status = add_rule(t, &in->rules[i],
				  in->flags & TULLE_RULES_F_REPLACE, &where);
		if (status != TULLE_STATUS_OK) {
			cmd->syndrome = (u32)(sizeof(*in) + where +
					      i * sizeof(in->rules[0]));
			break;
		}
	}
	ways_changed(t);
	rsp->done = cpu_to_le32(i);
	return status;
}

enum tulle_status tfw_cmd_del_rules(struct tfw_cmd *cmd)
{
	const struct tulle_del_rules *in = cmd->in;
	enum tulle_status status = TULLE_STATUS_OK;
	struct tulle_rules_rsp *rsp = cmd->out;
	u32 count = le32_to_cpu(in->count), i;
	struct tfw_table *t;
	struct tfw_rule *r;

	t = find_table(cmd->func, in->table);
	if (!t)
		return TULLE_STATUS_BAD_HANDLE;
	if (!count || count > TFW_MAX_RULES_BATCH)
		return TFW_CMD_BAD(cmd, struct tulle_del_rules, count);
	if (cmd->in_len != sizeof(*in) + count * sizeof(in->ids[0]))
		return TULLE_STATUS_BAD_LEN;
	cmd->out_always = true;
	for (i = 0; i < count; i++) {
		r = tfw_rule_find(t, le32_to_cpu(in->ids[i]));
		if (!r) {
			status = TULLE_STATUS_NOT_FOUND;
			cmd->syndrome = (u32)(sizeof(*in) +
					      i * sizeof(in->ids[0]));
			break;
		}
		if (!r->mask->obj.fixed)
			tfw_obj_charge(cmd->func, TULLE_OBJ_RULE, -1);
		tfw_rule_remove(r);
	}
	ways_changed(t);
	rsp->done = cpu_to_le32(i);
	return status;
}

enum tulle_status tfw_cmd_query_rule(struct tfw_cmd *cmd)
{
	const struct tulle_query_rule *in = cmd->in;
	struct tulle_rule *out = cmd->out;
	union tfw_key key = { 0 };
	struct tfw_table *t;
	struct tfw_rule *r;
	unsigned int i;

	t = find_table(cmd->func, in->table);
	if (!t)
		return TULLE_STATUS_BAD_HANDLE;
	r = tfw_rule_find(t, le32_to_cpu(in->id));
	if (!r)
		return TULLE_STATUS_NOT_FOUND;
	for (i = 0; i < r->mask->nwords; i++)
		key.word[r->mask->word[i]] = r->word[i];
	out->id = in->id;
	out->mask = cpu_to_le32(r->mask->obj.handle);
	out->priority = cpu_to_le32(r->key.aux);
	out->nactions = r->nactions;
	out->key = key.key;
	for (i = 0; i < r->nactions; i++)
		out->actions[i] = action_out(&tfw_rule_actions(r)[i]);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_create_counters(struct tfw_cmd *cmd)
{
	const struct tulle_counters *in = cmd->in;
	struct tulle_counters *out = cmd->out;
	u32 n = le32_to_cpu(in->count);
	struct tfw_counters *c;
	enum tulle_status status;

	if (in->handle)
		return TFW_CMD_BAD(cmd, struct tulle_counters, handle);
	if (!n || n > COUNTER_SUB + 1)
		return TFW_CMD_BAD(cmd, struct tulle_counters, count);
	c = tfw_obj_alloc(cmd->func, TULLE_OBJ_COUNTER,
			  sizeof(*c) + n * sizeof(c->count[0]), 0, &status);
	if (!c)
		return status;
	c->n = 1;
	/* The first one was charged by the allocation. */
	status = tfw_obj_charge(cmd->func, TULLE_OBJ_COUNTER, (s32)n - 1);
	if (status != TULLE_STATUS_OK) {
		tfw_obj_free(&c->obj);
		return status;
	}
	c->n = n;
	out->handle = cpu_to_le32((c->obj.handle & TULLE_HANDLE_GEN) |
				  u32_encode_bits(tfw_obj_index(&c->obj),
						  COUNTER_BLOCK));
	out->count = in->count;
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_destroy_counters(struct tfw_cmd *cmd)
{
	const struct tulle_counters *in = cmd->in;
	struct tfw_counters *c;
	u32 sub;

	c = find_counter(cmd->func, le32_to_cpu(in->handle), &sub);
	if (!c || sub)
		return TULLE_STATUS_BAD_HANDLE;
	if (le32_to_cpu(in->count) != c->n)
		return TFW_CMD_BAD(cmd, struct tulle_counters, count);
	if (c->obj.refs)
		return TULLE_STATUS_IN_USE;
	tfw_counter_destroy(&c->obj);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_counters(struct tfw_cmd *cmd)
{
	const struct tulle_counters *in = cmd->in;
	u32 n = le32_to_cpu(in->count), sub, i;
	struct tulle_count *out = cmd->out;
	struct tfw_counters *c;

	c = find_counter(cmd->func, le32_to_cpu(in->handle), &sub);
	if (!c)
		return TULLE_STATUS_BAD_HANDLE;
	if (!n || n > c->n - sub)
		return TFW_CMD_BAD(cmd, struct tulle_counters, count);
	if (cmd->out_room < n * sizeof(*out))
		return TULLE_STATUS_BAD_LEN;
	for (i = 0; i < n; i++) {
		out[i].packets = cpu_to_le64(c->count[sub + i].packets);
		out[i].bytes = cpu_to_le64(c->count[sub + i].bytes);
	}
	cmd->out_used = n * (u32)sizeof(*out);
	return TULLE_STATUS_OK;
}

static struct tfw_table *make_root(struct tfw_vport *vport, u8 domain)
{
	enum tulle_status status;
	struct tfw_table *t;

	t = tfw_obj_alloc(vport->func, TULLE_OBJ_TABLE, sizeof(*t), 0, &status);
	if (!t)
		return NULL;
	t->obj.fixed = true;
	t->domain = domain;
	t->vport = vport->id;
	if (domain == TULLE_DOMAIN_TX)
		t->miss = (struct tfw_action){ .type = TULLE_ACTION_VPORT,
					       .arg = TULLE_VPORT_WIRE };
	vport->root[domain] = &t->obj;
	return t;
}

/* "What comes from @from goes to @to." */
static bool make_path(struct tfw_mask *mask, u32 id, u16 from, u16 to)
{
	struct tfw_action action = { .type = TULLE_ACTION_VPORT, .arg = to };
	struct tulle_rule rule = {
		.id = cpu_to_le32(id),
		.priority = cpu_to_le32(TFW_RULE_DEFAULT),
		.nactions = 1,
		.key.vport = cpu_to_le16(from),
	};

	return tfw_rule_insert(mask, &rule, &action, NULL) == TULLE_STATUS_OK;
}

/* The switch as it comes up: the manager's vport is wired to the port. */
static bool make_fdb(struct tfw_vport *vport)
{
	struct tulle_flow_key key = { .vport = cpu_to_le16(0xffff) };
	enum tulle_status status;
	struct tfw_mask *mask;
	struct tfw_table *t;

	t = make_root(vport, TULLE_DOMAIN_FDB);
	if (!t)
		return false;
	mask = tfw_obj_alloc(vport->func, TULLE_OBJ_MASK, sizeof(*mask), 0,
			     &status);
	if (!mask)
		return false;
	mask->obj.fixed = true;
	tfw_mask_setup(mask, t, &key);
	if (tfw_table_link(t, mask) != TULLE_STATUS_OK) {
		tfw_obj_free(&mask->obj);
		return false;
	}
	return make_path(mask, TFW_RULE_VPORT(vport->id), vport->id,
			 TULLE_VPORT_WIRE) &&
	       make_path(mask, TFW_RULE_UPLINK, TULLE_VPORT_WIRE, vport->id);
}

bool tfw_flow_vport_init(struct tfw_vport *vport)
{
	if (!make_root(vport, TULLE_DOMAIN_TX) ||
	    !make_root(vport, TULLE_DOMAIN_RX))
		return false;
	return vport->func->type != TULLE_FUNC_TYPE_PF || make_fdb(vport);
}
