// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Fuzzer of RDMA objects: requests that would be accepted, some with bytes
 * changed, in any order, with rings and records of nonsense, doorbells, time,
 * resets, memory that cannot be reached and allocations that fail.
 */
#include "fuzz.h"
#include "../dev.h"

#define MAX_OPS		96
#define KEPT		32		/* handles remembered */

enum op {
	OP_COMMAND,
	OP_CONNECT,
	OP_POKE,
	OP_POST,
	OP_KICK,
	OP_TIME,
	OP_HOLE,
	OP_SHORT_MEMORY,
	OP_RESET,
	OPS,
};

static const u16 opcodes[] = {
	TULLE_CMD_CREATE_PD, TULLE_CMD_CREATE_CQ, TULLE_CMD_CREATE_MKEY,
	TULLE_CMD_SET_GID, TULLE_CMD_CREATE_XRCD, TULLE_CMD_CREATE_SRQ,
	TULLE_CMD_CREATE_QP, TULLE_CMD_CREATE_QP_COUNTER,
	TULLE_CMD_MODIFY_QP, TULLE_CMD_ATTACH_MCAST, TULLE_CMD_ARM_SRQ,
	TULLE_CMD_MODIFY_MKEY, TULLE_CMD_RESIZE_CQ, TULLE_CMD_QUERY_QP,
	TULLE_CMD_QUERY_SRQ, TULLE_CMD_QUERY_MKEY, TULLE_CMD_QUERY_GID,
	TULLE_CMD_QUERY_QP_COUNTER, TULLE_CMD_QUERY_RDMA_CAPS,
	TULLE_CMD_QUERY_RDMA_STATS, TULLE_CMD_DETACH_MCAST,
	TULLE_CMD_DESTROY_QP, TULLE_CMD_DESTROY_SRQ, TULLE_CMD_DESTROY_XRCD,
	TULLE_CMD_DESTROY_QP_COUNTER, TULLE_CMD_DESTROY_MKEY,
	TULLE_CMD_DESTROY_CQ, TULLE_CMD_DESTROY_PD,
};

struct machine {
	struct fake		env;
	struct fake_dev		d;
	struct fuzz_mem		mem;
	struct fake_queue	eq0;
	struct fake_queue	eq;
	struct fuzz_area	area;
	u32			handle[KEPT];
	unsigned int		nhandles;
	u32			last[TULLE_OBJ_TYPES];
	u64			dbr;		/* of the latest QP or SRQ */
	u64			ring;
	u8			in[8192] __attribute__((aligned(8)));
};

static struct machine *fuzzed;

static void on_write(struct fake_dev *d, u64 addr, size_t len)
{
	fuzz_assert(d == &fuzzed->d);
	fuzz_check_write(&fuzzed->mem, addr, len);
	fuzz_assert(strcmp(tfw_dev_state(d->dev, TFW_FUNC_PF), "booting"));
}

/* Of levels 0 to 2, by @arg. */
static struct tulle_page_list pages(struct machine *m, u32 len, u8 arg)
{
	u32 n = (len + 4095) / 4096, i;
	struct tulle_page_list list = {
		.npages = cpu_to_le32(n), .log_page_size = 12,
		.levels = arg % 3,
	};
	u64 addr = fuzz_take(&m->area, len), at;
	__le64 *p;

	for (; arg % 3; arg--) {
		at = fuzz_take(&m->area, 4096);
		p = fake_ptr(&m->d, at);
		for (i = 0; i < n; i++)
			p[i] = cpu_to_le64(addr + 4096ULL * i);
		addr = at;
		n = 1;
	}
	list.addr = cpu_to_le64(addr);
	return list;
}

static __le32 last(struct machine *m, enum tulle_obj_type type)
{
	return cpu_to_le32(m->last[type]);
}

static u32 make_mkey(struct machine *m, struct tulle_mkey_ctx *key, u8 arg)
{
	*key = (struct tulle_mkey_ctx){
		.pd = last(m, TULLE_OBJ_PD), .type = 1 + arg % 5,
	};
	if (key->type < TULLE_MKEY_MW1)
		key->access = key->type == TULLE_MKEY_DMA ? 3 : 0x2f;
	if (key->type == TULLE_MKEY_FRWR)
		key->max_pages = cpu_to_le32(1 + arg);
	if (key->type == TULLE_MKEY_MR) {
		key->iova = cpu_to_le64(0x10000);
		key->len = cpu_to_le64(3 * 4096 - arg);
		key->pages = pages(m, 3 * 4096, arg);
	}
	return sizeof(*key);
}

static u32 make_srq(struct machine *m, struct tulle_srq_ctx *srq, u8 arg)
{
	*srq = (struct tulle_srq_ctx){
		.pd = last(m, TULLE_OBJ_PD), .log_size = 4, .log_wqe_size = 6,
		.pages = pages(m, 1024, arg),
		.dbr = cpu_to_le64(fuzz_take(&m->area, 128)),
	};
	m->dbr = le64_to_cpu(srq->dbr);
	if (!(arg & 1))
		return sizeof(*srq);
	srq->flags = TULLE_SRQ_F_XRC;
	srq->cq = last(m, TULLE_OBJ_CQ);
	srq->xrcd = last(m, TULLE_OBJ_XRCD);
	return sizeof(*srq);
}

static u32 make_qp(struct machine *m, struct tulle_qp_ctx *qp, u8 arg)
{
	*qp = (struct tulle_qp_ctx){
		.pd = last(m, TULLE_OBJ_PD), .type = arg % 7,
		.flags = arg & 0x40 ? TULLE_QP_F_KERNEL : 0,
	};
	if (qp->type == TULLE_QP_XRC_TGT) {
		qp->xrcd = last(m, TULLE_OBJ_XRCD);
		return sizeof(*qp);
	}
	qp->dbr = cpu_to_le64(fuzz_take(&m->area, 128));
	m->dbr = le64_to_cpu(qp->dbr);
	qp->send_cq = last(m, TULLE_OBJ_CQ);
	qp->log_sq_size = 4;
	qp->sq = pages(m, 1024, 0);
	m->ring = le64_to_cpu(qp->sq.addr);
	if (qp->type == TULLE_QP_XRC_INI)
		return sizeof(*qp);
	qp->recv_cq = qp->send_cq;
	if (arg & 0x80) {
		qp->srq = last(m, TULLE_OBJ_SRQ);
		return sizeof(*qp);
	}
	qp->log_rq_size = 4;
	qp->log_rq_wqe = 6;
	qp->rq = pages(m, 1024, arg);
	return sizeof(*qp);
}

/* What the verbs ask for on the way to a state. */
#define STATE		TULLE_QP_MOD_STATE
#define TO_INIT		(TULLE_QP_MOD_PKEY_INDEX | TULLE_QP_MOD_ACCESS)
#define TO_RTR		(TULLE_QP_MOD_AV | TULLE_QP_MOD_PATH_MTU | \
			 TULLE_QP_MOD_DEST_QPN | TULLE_QP_MOD_RQ_PSN)
#define RESPONDER	(TULLE_QP_MOD_MAX_DEST_RD_ATOMIC | \
			 TULLE_QP_MOD_MIN_RNR_TIMER)
#define TO_RTS		TULLE_QP_MOD_SQ_PSN
#define REQUESTER	(TULLE_QP_MOD_TIMEOUT | TULLE_QP_MOD_RETRY_CNT | \
			 TULLE_QP_MOD_RNR_RETRY | TULLE_QP_MOD_MAX_RD_ATOMIC)

static u32 make_modify(struct machine *m, struct tulle_modify_qp *mod, u8 arg)
{
	static const u32 masks[8] = {
		STATE, STATE | TO_INIT, STATE | TO_RTR | RESPONDER,
		STATE | TO_RTS | REQUESTER, TULLE_QP_MOD_CUR_STATE,
		STATE | TO_RTS, TULLE_QP_MOD_COUNTER,
		STATE | TULLE_QP_MOD_SQD_EVENT,
	};

	*mod = (struct tulle_modify_qp){
		.handle = last(m, TULLE_OBJ_QP),
		.mask = cpu_to_le32(masks[arg >> 5]),
		.attr = { .state = arg % 7, .path_mtu = 10, .timeout = 3,
			  .retry_cnt = 1, .access = 0x1c,
			  .max_rd_atomic = 2, .max_dest_rd_atomic = 2,
			  .counter = last(m, TULLE_OBJ_QP_COUNTER),
			  .dest_qpn = cpu_to_le32(2 + (arg & 1)),
			  .av.dgid = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 },
		},
	};
	return sizeof(*mod);
}

static u32 make_gid(struct tulle_gid *gid, u8 arg)
{
	*gid = (struct tulle_gid){
		.index = cpu_to_le16(arg % 4), .type = TULLE_GID_IPV4,
		.mac = { 2, 0, 0, 0, 0, 1 },
		.gid = { [10] = 0xff, [11] = 0xff, 10, 0, 0, arg % 4 + 1 },
	};
	return sizeof(*gid);
}

static u32 make_other(struct machine *m, u16 op, u8 arg)
{
	struct tulle_cq_ctx *cq = (void *)m->in;
	struct tulle_resize_cq *resize = (void *)m->in;
	struct tulle_modify_mkey *mod = (void *)m->in;
	struct tulle_arm_srq *arm = (void *)m->in;
	struct tulle_mcast *mcast = (void *)m->in;

	switch (op) {
	case TULLE_CMD_CREATE_CQ:
		cq->eq = cpu_to_le32(m->eq.handle);
		cq->log_size = 4;
		cq->log_cqe_size = 5 + (arg & 1);
		cq->pages = pages(m, 1024, arg);
		cq->dbr = cpu_to_le64(fuzz_take(&m->area, 128));
		return sizeof(*cq);
	case TULLE_CMD_RESIZE_CQ:
		resize->handle = last(m, TULLE_OBJ_CQ);
		resize->log_size = arg % 8;
		resize->pages = pages(m, 8192, arg);
		return sizeof(*resize);
	case TULLE_CMD_MODIFY_MKEY:
		mod->mask = cpu_to_le32(1U << arg % 4);
		make_mkey(m, &mod->ctx, 1);
		mod->ctx.handle = last(m, TULLE_OBJ_MKEY);
		return sizeof(*mod);
	case TULLE_CMD_ARM_SRQ:
		arm->handle = last(m, TULLE_OBJ_SRQ);
		arm->limit = cpu_to_le16(arg % 17);
		return sizeof(*arm);
	default:
		mcast->qp = last(m, TULLE_OBJ_QP);
		mcast->gid[0] = 0xff;
		mcast->gid[15] = arg % 3;
		return sizeof(*mcast);
	}
}

/* What a create makes, a query or destroy names. */
static int type_of(u16 op)
{
	switch (op) {
	case TULLE_CMD_CREATE_PD:
	case TULLE_CMD_DESTROY_PD:
		return TULLE_OBJ_PD;
	case TULLE_CMD_CREATE_MKEY:
	case TULLE_CMD_DESTROY_MKEY:
	case TULLE_CMD_QUERY_MKEY:
		return TULLE_OBJ_MKEY;
	case TULLE_CMD_CREATE_CQ:
	case TULLE_CMD_DESTROY_CQ:
		return TULLE_OBJ_CQ;
	case TULLE_CMD_CREATE_QP:
	case TULLE_CMD_DESTROY_QP:
	case TULLE_CMD_QUERY_QP:
		return TULLE_OBJ_QP;
	case TULLE_CMD_CREATE_SRQ:
	case TULLE_CMD_DESTROY_SRQ:
	case TULLE_CMD_QUERY_SRQ:
		return TULLE_OBJ_SRQ;
	case TULLE_CMD_CREATE_XRCD:
	case TULLE_CMD_DESTROY_XRCD:
		return TULLE_OBJ_XRCD;
	case TULLE_CMD_CREATE_QP_COUNTER:
	case TULLE_CMD_DESTROY_QP_COUNTER:
	case TULLE_CMD_QUERY_QP_COUNTER:
		return TULLE_OBJ_QP_COUNTER;
	}
	return -1;
}

static bool is_create(u16 op)
{
	return op == TULLE_CMD_CREATE_PD || op == TULLE_CMD_CREATE_MKEY ||
	       op == TULLE_CMD_CREATE_CQ || op == TULLE_CMD_CREATE_QP ||
	       op == TULLE_CMD_CREATE_SRQ || op == TULLE_CMD_CREATE_XRCD ||
	       op == TULLE_CMD_CREATE_QP_COUNTER;
}

static u32 make_request(struct machine *m, u16 op, u8 arg)
{
	const struct tfw_cmd_desc *desc = tfw_cmd_lookup(op);

	memset(m->in, 0, sizeof(m->in));
	switch (op) {
	case TULLE_CMD_CREATE_MKEY:
		return make_mkey(m, (void *)m->in, arg);
	case TULLE_CMD_CREATE_SRQ:
		return make_srq(m, (void *)m->in, arg);
	case TULLE_CMD_CREATE_QP:
		return make_qp(m, (void *)m->in, arg);
	case TULLE_CMD_MODIFY_QP:
		return make_modify(m, (void *)m->in, arg);
	case TULLE_CMD_SET_GID:
		return make_gid((void *)m->in, arg);
	case TULLE_CMD_CREATE_CQ:
	case TULLE_CMD_RESIZE_CQ:
	case TULLE_CMD_MODIFY_MKEY:
	case TULLE_CMD_ARM_SRQ:
	case TULLE_CMD_ATTACH_MCAST:
	case TULLE_CMD_DETACH_MCAST:
		return make_other(m, op, arg);
	}
	if (desc->in_min == sizeof(struct tulle_handle_req) &&
	    type_of(op) >= 0 && !is_create(op))
		*(__le32 *)(void *)m->in = last(m, type_of(op));
	return desc->in_min;
}

static void op_command(struct machine *m, struct fuzz_in *in)
{
	u8 sel = fuzz_u8(in), flags = fuzz_u8(in), arg = fuzz_u8(in);
	u16 op = opcodes[sel % FUZZ_COUNT(opcodes)];
	u32 len = make_request(m, op, arg), rsp[1024] = { 0 };

	/* Another handle than the latest, and a few bytes anyhow */
	if (flags & 1 && len >= 8)
		memcpy(m->in + (fuzz_u8(in) * 4U) % (len - 3),
		       &m->handle[fuzz_u8(in) % KEPT], 4);
	if (flags & 2)
		fuzz_spoil(in, m->in, len);
	if (fake_cmd(&m->d, op, m->in, len, rsp,
		     tfw_cmd_lookup(op)->out_min) || !is_create(op))
		return;
	m->last[type_of(op)] = rsp[0];
	m->handle[m->nhandles++ % KEPT] = rsp[0];
}

/* The latest QP to RTS the usual way, whatever it is. */
static void op_connect(struct machine *m, u8 arg)
{
	static const u32 masks[][3] = {
		{ TO_INIT, TO_RTR | RESPONDER, TO_RTS | REQUESTER },
		{ TO_INIT, TO_RTR, TO_RTS },
		{ TO_INIT, TO_RTR, TO_RTS | REQUESTER },
		{ TO_INIT, TO_RTR | RESPONDER,
		  TO_RTS | TULLE_QP_MOD_TIMEOUT },
		{ TULLE_QP_MOD_PKEY_INDEX | TULLE_QP_MOD_QKEY, 0, TO_RTS },
		{ 0, 0, 0 },
	};
	struct tulle_modify_qp mod;
	u8 state;

	for (state = TULLE_QPS_INIT; state <= TULLE_QPS_RTS; state++) {
		make_modify(m, &mod, arg & 1);
		mod.attr.state = state;
		mod.mask = cpu_to_le32(STATE |
				       masks[arg % FUZZ_COUNT(masks)]
					    [state - 1]);
		fake_cmd(&m->d, TULLE_CMD_MODIFY_QP, &mod, sizeof(mod), NULL,
			 0);
	}
}

/* A WQE of whatever bytes at the place where the next is expected. */
static void op_post(struct machine *m, struct fuzz_in *in)
{
	u8 how = fuzz_u8(in), wqe[64] = { 0 };
	struct tulle_wqe_ctrl *ctrl = (void *)wqe;
	struct tulle_dbr *dbr;
	u32 pi, at;

	if (!m->dbr || !m->ring)
		return;
	dbr = fake_ptr(&m->d, m->dbr);
	pi = le32_to_cpu(dbr->pi);
	at = (pi & 15) * 64;
	fuzz_bytes(in, wqe, how & 1 ? 64 : 16);
	if (how & 2) {
		ctrl->nblocks = 1;
		ctrl->index = cpu_to_le16((u16)pi);
	}
	memcpy(fake_ptr(&m->d, m->ring + at), wqe, sizeof(wqe));
	dbr->pi = cpu_to_le32(pi + (how & 4 ? how : 1));
	dbr->rq_pi = cpu_to_le32(le32_to_cpu(dbr->rq_pi) + (how & 8 ? 1 : 0));
	fake_kick(&m->d, TULLE_UAR_QP_SQ, m->last[TULLE_OBJ_QP]);
}

static void setup(struct machine *m)
{
	m->d.top = FAKE_BASE;
	m->dbr = 0;
	m->ring = 0;
	fake_boot(&m->d);
	fuzz_area_init(&m->area, &m->d);
	memset(m->last, 0, sizeof(m->last));
	fuzz_assert(!fake_eq_create(&m->d, &m->eq0, 4, 0, TULLE_EQ_F_ASYNC));
	fuzz_assert(!fake_eq_create(&m->d, &m->eq, 5, 1, 0));
}

static void op_reset(struct machine *m, u8 how)
{
	if (how & 1)
		tfw_func_reset(m->d.dev, TFW_FUNC_PF);
	else
		tfw_dev_reset(m->d.dev);
	fuzz_check_objects(&m->d);
	setup(m);
}

static void step(struct machine *m, struct fuzz_in *in)
{
	enum op op = fuzz_u8(in) % OPS;
	u8 arg;

	if (op == OP_COMMAND) {
		op_command(m, in);
		return;
	}
	if (op == OP_POST) {
		op_post(m, in);
		return;
	}
	arg = fuzz_u8(in);
	switch (op) {
	case OP_CONNECT:
		op_connect(m, arg);
		break;
	case OP_POKE:
		fuzz_bytes(in, fake_ptr(&m->d, m->area.addr + arg % 64 * 4096ULL +
					(fuzz_u8(in) << 3)), 8);
		break;
	case OP_KICK:
		fake_kick(&m->d, arg % 8 * 8U,
			  m->handle[fuzz_u8(in) % KEPT]);
		break;
	case OP_TIME:
		fake_advance(&m->env, arg * 1000000ULL);
		break;
	case OP_HOLE:
		m->d.hole = m->area.addr + arg % 64 * 4096ULL;
		m->d.hole_len = fuzz_u8(in) * 64;
		break;
	case OP_SHORT_MEMORY:
		m->env.alloc_budget = arg % 8;
		op_command(m, in);
		m->env.alloc_budget = -1;
		break;
	default:
		m->d.hole_len = 0;
		op_reset(m, arg);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct machine *m = calloc(1, sizeof(*m));
	struct tfw_fw_config cfg;
	unsigned int n;

	fuzzed = m;
	m->mem.any = true;
	fuzz_small_config(&cfg);
	cfg.rdma = true;
	fake_init(&m->env);
	fuzz_assert(fake_dev_init(&m->env, &m->d, &cfg));
	m->d.on_write = on_write;
	setup(m);
	for (n = 0; in.left && n < MAX_OPS; n++)
		step(m, &in);
	m->d.hole_len = 0;
	fuzz_end_dev(&m->d, &m->mem);
	fake_exit(&m->env);
	free(m);
	return 0;
}

/* One for each type of QP: all is made, connected, used and destroyed. */
size_t fuzz_seed(unsigned int number, u8 *buf)
{
	static const u8 connect[] = { 0, 1, 4, 4, 2, 3, 5 };
	static const u8 post[] = { OP_POST, 10, 16, 1, 1, 0, 0, 0, 0, 0 };
	size_t n = 0;
	u8 i;

	if (number > TULLE_QP_RAW)
		return 0;
	for (i = 0; i < FUZZ_COUNT(opcodes); i++) {
		buf[n++] = OP_COMMAND;
		buf[n++] = i;
		buf[n++] = 0;
		buf[n++] = (u8)number;
		if (opcodes[i] != TULLE_CMD_CREATE_QP_COUNTER)
			continue;
		buf[n++] = OP_CONNECT;
		buf[n++] = connect[number];
		memcpy(buf + n, post, sizeof(post));
		n += sizeof(post);
		buf[n++] = OP_TIME;
		buf[n++] = 200;
	}
	return n;
}
