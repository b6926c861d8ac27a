// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * RSS contexts: which queue a flow goes to.
 */
#include "eth.h"

#define L3_FIELDS	(TULLE_RSS_F_L3_SRC | TULLE_RSS_F_L3_DST)
#define L4_FIELDS	(TULLE_RSS_F_L4_SRC | TULLE_RSS_F_L4_DST)

/* What each type may hash, by enum tulle_rss_type; also for the capabilities. */
static const u8 type_fields[TULLE_RSS_TYPES] = {
	[TULLE_RSS_TCP4] = L3_FIELDS | L4_FIELDS,
	[TULLE_RSS_UDP4] = L3_FIELDS | L4_FIELDS,
	[TULLE_RSS_IP4] = L3_FIELDS,
	[TULLE_RSS_TCP6] = L3_FIELDS | L4_FIELDS | TULLE_RSS_F_IP6_FL,
	[TULLE_RSS_UDP6] = L3_FIELDS | L4_FIELDS | TULLE_RSS_F_IP6_FL,
	[TULLE_RSS_IP6] = L3_FIELDS | TULLE_RSS_F_IP6_FL,
};

/* 32 bits of the key from bit @at on. */
static u32 key_window(const u8 *key, u32 at)
{
	u32 byte = at / 8, shift = at % 8;
	u64 v = (u64)tfw_get32(key + byte) << 8 | key[byte + 4];

	return (u32)(v >> (8 - shift));
}

void tfw_toeplitz_init(struct tfw_toeplitz *t, const u8 *key)
{
	u32 i, v, bit;

	for (i = 0; i < TFW_TOEPLITZ_BYTES * 2; i++) {
		for (v = 0; v < 16; v++) {
			t->nibble[i][v] = 0;
			for (bit = 0; bit < 4; bit++)
				if (v & (8U >> bit))
					t->nibble[i][v] ^=
						key_window(key, i * 4 + bit);
		}
	}
}

u32 tfw_toeplitz_hash(const struct tfw_toeplitz *t, const u8 *in, size_t len)
{
	const u32 (*table)[16] = t->nibble;
	u32 hash = 0;

	for (; len; len--, in++, table += 2)
		hash ^= table[0][*in >> 4] ^ table[1][*in & 15];
	return hash;
}

static u8 frame_type(const struct tfw_parse *p)
{
	bool v4 = p->l3 == TULLE_L3_IPV4;

	if (p->l4 == TULLE_L4_TCP)
		return v4 ? TULLE_RSS_TCP4 : TULLE_RSS_TCP6;
	if (p->l4 == TULLE_L4_UDP)
		return v4 ? TULLE_RSS_UDP4 : TULLE_RSS_UDP6;
	return v4 ? TULLE_RSS_IP4 : TULLE_RSS_IP6;
}

/* One pair of fields, made symmetric if asked for; where the next one goes. */
static u8 *add_pair(u8 *to, const u8 *src, const u8 *dst, u32 len, u8 sym,
		    bool with_src, bool with_dst)
{
	u8 a, b;
	u32 i;

	for (i = 0; i < len; i++) {
		a = src[i];
		b = dst[i];
		if (sym != TULLE_RSS_SYM_NONE && with_src && with_dst) {
			u8 x = a ^ b;

			a = sym == TULLE_RSS_SYM_XOR ? x : a | b;
			b = x;
		}
		if (with_src)
			to[i] = a;
		if (with_dst)
			to[with_src ? len + i : i] = b;
	}
	return to + len * (with_src + with_dst);
}

static size_t hash_input(const struct tfw_rss *rss, const struct tfw_frame *f,
			 u8 fields, u8 *in)
{
	const u8 *ip = f->hdr + f->p.l3_off, *l4 = f->hdr + f->p.l4_off;
	bool v4 = f->p.l3 == TULLE_L3_IPV4;
	u32 alen = v4 ? 4 : 16;
	u8 *at = in;

	ip += v4 ? 12 : 8;
	at = add_pair(at, ip, ip + alen, alen, rss->sym,
		      fields & TULLE_RSS_F_L3_SRC, fields & TULLE_RSS_F_L3_DST);
	if (fields & L4_FIELDS)
		at = add_pair(at, l4, l4 + 2, 2, rss->sym,
			      fields & TULLE_RSS_F_L4_SRC,
			      fields & TULLE_RSS_F_L4_DST);
	if (fields & TULLE_RSS_F_IP6_FL) {
		tfw_put32(at, tfw_get32(f->hdr + f->p.l3_off) & 0xfffff);
		at += 4;
	}
	return (size_t)(at - in);
}

struct tfw_rq *tfw_rss_select(const struct tfw_rss *rss,
			      const struct tfw_frame *f, u32 *hash, u8 *type)
{
	u8 in[TFW_TOEPLITZ_BYTES];
	u8 t, fields;

	*hash = 0;
	*type = 0;
	if (!f->p.l3)
		return rss->rq[0];
	t = frame_type(&f->p);
	fields = rss->fields[t];
	if (!fields)
		return rss->rq[0];
	*hash = tfw_toeplitz_hash(&rss->toeplitz, in,
				  hash_input(rss, f, fields, in));
	*type = t + 1;
	return rss->rq[*hash & ((1U << rss->log_size) - 1)];
}

static struct tfw_rss *rss_of(struct tfw_obj *obj)
{
	return tfw_container(obj, struct tfw_rss, obj);
}

u16 tfw_rx_target_vport(const struct tfw_obj *obj)
{
	if (obj->type == TULLE_OBJ_RSS)
		return tfw_container(obj, const struct tfw_rss, obj)->vport->id;
	return tfw_container(obj, const struct tfw_rq, wq.obj)->wq.vport->id;
}

static enum tulle_status check_fields(struct tfw_cmd *cmd, size_t base,
				      const u8 *fields)
{
	unsigned int i;

	for (i = 0; i < TULLE_RSS_TYPES; i++)
		if (fields[i] & ~type_fields[i])
			return tfw_cmd_bad(cmd, base + i +
				offsetof(struct tulle_rss_ctx, fields));
	return TULLE_STATUS_OK;
}

/* A table in its own memory, its queues referenced. */
static enum tulle_status table_get(struct tfw_cmd *cmd,
				   const struct tfw_vport *vport,
				   const __le32 *handles, u32 n,
				   struct tfw_rq ***table)
{
	struct tfw_engine *e = tfw_func_engine(cmd->func);
	struct tfw_rq **rq;
	struct tfw_obj *obj;
	u32 i;

	rq = tfw_alloc(e, n * sizeof(*rq));
	if (!rq)
		return TULLE_STATUS_NOMEM;
	for (i = 0; i < n; i++) {
		obj = tfw_obj_find(cmd->func, TULLE_OBJ_RQ,
				   le32_to_cpu(handles[i]));
		if (!obj || tfw_rx_target_vport(obj) != vport->id)
			goto err_put;
		tfw_obj_get(obj);
		rq[i] = tfw_rq_of(obj);
	}
	*table = rq;
	return TULLE_STATUS_OK;

err_put:
	cmd->syndrome = (u32)((const u8 *)&handles[i] - (const u8 *)cmd->in);
	while (i--)
		tfw_obj_put(&rq[i]->wq.obj);
	tfw_free(e, rq);
	return TULLE_STATUS_BAD_HANDLE;
}

static void table_put(struct tfw_rss *rss)
{
	u32 i;

	for (i = 0; rss->rq && i < 1U << rss->log_size; i++)
		tfw_obj_put(&rss->rq[i]->wq.obj);
	tfw_free(tfw_func_engine(rss->obj.func), rss->rq);
	rss->rq = NULL;
}

void tfw_rss_destroy(struct tfw_obj *obj)
{
	table_put(rss_of(obj));
	tfw_obj_free(obj);
}

static void set_key(struct tfw_rss *rss, const struct tulle_rss_ctx *in)
{
	rss->sym = in->sym;
	memcpy(rss->key, in->key, sizeof(rss->key));
	tfw_toeplitz_init(&rss->toeplitz, rss->key);
}

enum tulle_status tfw_cmd_create_rss(struct tfw_cmd *cmd)
{
	const struct tulle_rss *in = cmd->in;
	struct tulle_handle_rsp *rsp = cmd->out;
	enum tulle_status status;
	struct tfw_vport *vport;
	struct tfw_rss *rss;

	if (in->ctx.log_size > TFW_LOG_MAX_RSS)
		return TFW_CMD_BAD(cmd, struct tulle_rss, ctx.log_size);
	if (cmd->in_len != sizeof(*in) +
			   (sizeof(in->rq[0]) << in->ctx.log_size))
		return TULLE_STATUS_BAD_LEN;
	if (in->ctx.sym > TULLE_RSS_SYM_OR_XOR)
		return TFW_CMD_BAD(cmd, struct tulle_rss, ctx.sym);
	status = check_fields(cmd, 0, in->ctx.fields);
	if (status != TULLE_STATUS_OK)
		return status;
	vport = tfw_vport_find(cmd->func, le16_to_cpu(in->ctx.vport));
	if (!vport)
		return TFW_CMD_BAD(cmd, struct tulle_rss, ctx.vport);
	rss = tfw_obj_alloc(cmd->func, TULLE_OBJ_RSS, sizeof(*rss),
			    le32_to_cpu(in->ctx.handle), &status);
	if (!rss)
		return status;
	rss->vport = vport;
	rss->log_size = in->ctx.log_size;
	status = table_get(cmd, vport, in->rq, 1U << rss->log_size, &rss->rq);
	if (status != TULLE_STATUS_OK) {
		tfw_obj_free(&rss->obj);
		return status;
	}
	memcpy(rss->fields, in->ctx.fields, sizeof(rss->fields));
	set_key(rss, &in->ctx);
	rsp->handle = cpu_to_le32(rss->obj.handle);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_rss(struct tfw_cmd *cmd)
{
	const struct tulle_handle_req *in = cmd->in;
	struct tulle_rss *out = cmd->out;
	struct tfw_obj *obj;
	struct tfw_rss *rss;
	size_t len;
	u32 i;

	obj = tfw_obj_find(cmd->func, TULLE_OBJ_RSS, le32_to_cpu(in->handle));
	if (!obj)
		return TULLE_STATUS_BAD_HANDLE;
	rss = rss_of(obj);
	len = sizeof(*out) + (sizeof(out->rq[0]) << rss->log_size);
	if (cmd->out_room < len)
		return TULLE_STATUS_BAD_LEN;
	out->ctx.handle = cpu_to_le32(obj->handle);
	out->ctx.vport = cpu_to_le16(rss->vport->id);
	out->ctx.log_size = rss->log_size;
	out->ctx.sym = rss->sym;
	memcpy(out->ctx.fields, rss->fields, sizeof(rss->fields));
	memcpy(out->ctx.key, rss->key, sizeof(rss->key));
	for (i = 0; i < 1U << rss->log_size; i++)
		out->rq[i] = cpu_to_le32(rss->rq[i]->wq.obj.handle);
	cmd->out_used = (u32)len;
	return TULLE_STATUS_OK;
}

#define RSS_MODS	(TULLE_RSS_MOD_KEY | TULLE_RSS_MOD_FIELDS | \
			 TULLE_RSS_MOD_TABLE)

static enum tulle_status check_modify(struct tfw_cmd *cmd,
				      const struct tulle_modify_rss *in,
				      u32 mask)
{
	size_t len = sizeof(*in);

	if (!mask || (mask & ~RSS_MODS))
		return TFW_CMD_BAD(cmd, struct tulle_modify_rss, mask);
	if ((mask & TULLE_RSS_MOD_TABLE) &&
	    in->ctx.log_size > TFW_LOG_MAX_RSS)
		return TFW_CMD_BAD(cmd, struct tulle_modify_rss, ctx.log_size);
	if (mask & TULLE_RSS_MOD_TABLE)
		len += sizeof(in->rq[0]) << in->ctx.log_size;
	if (cmd->in_len != len)
		return TULLE_STATUS_BAD_LEN;
	if ((mask & TULLE_RSS_MOD_KEY) && in->ctx.sym > TULLE_RSS_SYM_OR_XOR)
		return TFW_CMD_BAD(cmd, struct tulle_modify_rss, ctx.sym);
	if (mask & TULLE_RSS_MOD_FIELDS)
		return check_fields(cmd, offsetof(struct tulle_modify_rss, ctx),
				    in->ctx.fields);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_modify_rss(struct tfw_cmd *cmd)
{
	const struct tulle_modify_rss *in = cmd->in;
	u32 mask = le32_to_cpu(in->mask);
	struct tfw_rq **table = NULL;
	enum tulle_status status;
	struct tfw_obj *obj;
	struct tfw_rss *rss;

	obj = tfw_obj_find(cmd->func, TULLE_OBJ_RSS,
			   le32_to_cpu(in->ctx.handle));
	if (!obj)
		return TULLE_STATUS_BAD_HANDLE;
	rss = rss_of(obj);
	status = check_modify(cmd, in, mask);
	if (status != TULLE_STATUS_OK)
		return status;
	if (mask & TULLE_RSS_MOD_TABLE) {
		status = table_get(cmd, rss->vport, in->rq,
				   1U << in->ctx.log_size, &table);
		if (status != TULLE_STATUS_OK)
			return status;
		table_put(rss);
		rss->rq = table;
		rss->log_size = in->ctx.log_size;
	}
	if (mask & TULLE_RSS_MOD_KEY)
		set_key(rss, &in->ctx);
	if (mask & TULLE_RSS_MOD_FIELDS)
		memcpy(rss->fields, in->ctx.fields, sizeof(rss->fields));
	return TULLE_STATUS_OK;
}
