// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Fuzzer of the command interface: valid requests of every opcode with a few
 * bytes changed, raw slots, registers, resets, time, memory that cannot be
 * reached, allocations that fail, faults and lies.
 */
#include "fuzz.h"
#include "../dev.h"

#define MAX_OPS		64
#define KEPT		32		/* handles remembered */

enum op {
	OP_COMMAND,
	OP_RAW_SLOT,
	OP_WRITE_REG,
	OP_READ_REG,
	OP_KICK,
	OP_RESET,
	OP_TIME,
	OP_DMA,
	OP_POKE,
	OP_HOLE,
	OP_SHORT_MEMORY,
	OP_PLAN,
	OP_FRAME,
	OP_SETUP,
	OPS,
};

static const u16 opcodes[] = {
	TULLE_CMD_CREATE_EQ, TULLE_CMD_CREATE_CQ, TULLE_CMD_CREATE_SQ,
	TULLE_CMD_CREATE_RQ, TULLE_CMD_MODIFY_RQ, TULLE_CMD_CREATE_PD,
	TULLE_CMD_CREATE_MKEY, TULLE_CMD_CREATE_RSS, TULLE_CMD_MODIFY_RSS,
	TULLE_CMD_CREATE_TABLE, TULLE_CMD_MODIFY_TABLE, TULLE_CMD_CREATE_MASK,
	TULLE_CMD_ADD_RULES, TULLE_CMD_DEL_RULES, TULLE_CMD_CREATE_COUNTERS,
	TULLE_CMD_ALLOC_UAR, TULLE_CMD_DESTROY_EQ, TULLE_CMD_DESTROY_CQ,
	TULLE_CMD_DESTROY_SQ, TULLE_CMD_DESTROY_RQ, TULLE_CMD_DESTROY_RSS,
	TULLE_CMD_DESTROY_TABLE, TULLE_CMD_DESTROY_MASK, TULLE_CMD_DESTROY_PD,
	TULLE_CMD_DESTROY_MKEY, TULLE_CMD_FREE_UAR, TULLE_CMD_DESTROY_COUNTERS,
	TULLE_CMD_QUERY_EQ, TULLE_CMD_QUERY_CQ, TULLE_CMD_QUERY_SQ,
	TULLE_CMD_QUERY_RQ, TULLE_CMD_QUERY_RSS, TULLE_CMD_QUERY_TABLE,
	TULLE_CMD_QUERY_MASK, TULLE_CMD_QUERY_RULE, TULLE_CMD_QUERY_COUNTERS,
	TULLE_CMD_QUERY_MKEY, TULLE_CMD_MODIFY_CQ, TULLE_CMD_MODIFY_PORT,
	TULLE_CMD_QUERY_PORT, TULLE_CMD_QUERY_PORT_STATS,
	TULLE_CMD_QUERY_VPORT, TULLE_CMD_MODIFY_VPORT,
	TULLE_CMD_QUERY_VPORT_STATS, TULLE_CMD_QUERY_CAPS,
	TULLE_CMD_QUERY_DEVICE, TULLE_CMD_QUERY_FUNC, TULLE_CMD_TEST_HEALTH,
	TULLE_CMD_NOP,
};

static const char *const plans[] = {
	"", "cmd_timeout:p=0.3", "cmd_fail:n=3", "irq_lost:n=2",
	"cqe_lost:n=2", "engine_stall:n=1", "fw_crash:n=2",
	"wire_reorder:n=2;wire_delay:n=3", "wire_loss;wire_corrupt:p=0.5",
};

static const char *const lies[] = {
	"", "eqe_storm:n=2;eqe_handle", "cmd_status:p=0.5;cmd_out", "caps;no_eth",
	"cqe_index;cqe_len;cqe_op;cqe_qn;stride;csum", "gone:n=9", "if_version",
};

struct machine {
	struct fake	env;
	struct fake_dev	d;
	struct fuzz_mem	mem;
	struct fuzz_area	area;
	u32		handle[KEPT];
	unsigned int	nhandles;
	u32		last[TULLE_OBJ_TYPES];
	u8		in[8192] __attribute__((aligned(8)));
};

static struct machine *fuzzed;

static void on_write(struct fake_dev *d, u64 addr, size_t len)
{
	fuzz_assert(d == &fuzzed->d);
	fuzz_check_write(&fuzzed->mem, addr, len);
	/* Nothing but a function that is ready, or just died, writes. */
	fuzz_assert(strcmp(tfw_dev_state(d->dev, TFW_FUNC_PF), "booting"));
}

static struct tulle_page_list pages(struct machine *m, u32 len)
{
	return (struct tulle_page_list){
		.addr = cpu_to_le64(fuzz_take(&m->area, len)),
		.npages = cpu_to_le32((len + 4095) / 4096),
		.log_page_size = 12,
	};
}

static __le32 last(struct machine *m, enum tulle_obj_type type)
{
	return cpu_to_le32(m->last[type]);
}

static u32 make_ring(struct machine *m, u16 op, void *buf)
{
	struct tulle_eq_ctx *eq = buf;
	struct tulle_cq_ctx *cq = buf;
	struct tulle_sq_ctx *sq = buf;

	switch (op) {
	case TULLE_CMD_CREATE_EQ:
		*eq = (struct tulle_eq_ctx){
			.vector = cpu_to_le16(1), .log_size = 5,
			.pages = pages(m, 1024),
			.dbr = cpu_to_le64(fuzz_take(&m->area, 128)),
		};
		return sizeof(*eq);
	case TULLE_CMD_CREATE_CQ:
		*cq = (struct tulle_cq_ctx){
			.eq = last(m, TULLE_OBJ_EQ), .log_size = 6,
			.log_cqe_size = 6, .pages = pages(m, 4096),
			.dbr = cpu_to_le64(fuzz_take(&m->area, 128)),
		};
		return sizeof(*cq);
	default:
		*sq = (struct tulle_sq_ctx){
			.cq = last(m, TULLE_OBJ_CQ), .log_size = 5,
			.pages = pages(m, 2048),
			.dbr = cpu_to_le64(fuzz_take(&m->area, 128)),
		};
		return sizeof(*sq);
	}
}

static u32 make_rq(struct machine *m, u16 op, void *buf)
{
	struct tulle_modify_rq *mod = buf;
	struct tulle_rq_ctx *rq = buf;

	if (op == TULLE_CMD_MODIFY_RQ) {
		*mod = (struct tulle_modify_rq){
			.mask = cpu_to_le32(TULLE_RQ_MOD_RING |
					    TULLE_RQ_MOD_FLAGS),
		};
		rq = &mod->ctx;
	}
	*rq = (struct tulle_rq_ctx){
		.cq = last(m, TULLE_OBJ_CQ), .log_size = 4,
		.log_wqe_size = 6, .pages = pages(m, 1024),
		.dbr = cpu_to_le64(fuzz_take(&m->area, 128)),
		.gro_max = cpu_to_le32(65536),
	};
	if (op == TULLE_CMD_MODIFY_RQ)
		rq->handle = last(m, TULLE_OBJ_RQ);
	return op == TULLE_CMD_MODIFY_RQ ? sizeof(*mod) : sizeof(*rq);
}

static u32 make_rss(struct machine *m, u16 op, void *buf)
{
	struct tulle_modify_rss *mod = buf;
	struct tulle_rss *rss = buf;
	struct tulle_rss_ctx *ctx = &rss->ctx;
	__le32 *rq = rss->rq;
	int i;

	if (op == TULLE_CMD_MODIFY_RSS) {
		mod->mask = cpu_to_le32(7);
		ctx = &mod->ctx;
		rq = mod->rq;
	}
	*ctx = (struct tulle_rss_ctx){ .log_size = 2 };
	if (op == TULLE_CMD_MODIFY_RSS)
		ctx->handle = last(m, TULLE_OBJ_RSS);
	for (i = 0; i < 6; i++)
		ctx->fields[i] = TULLE_RSS_F_L3_SRC | TULLE_RSS_F_L3_DST;
	for (i = 0; i < 4; i++)
		rq[i] = last(m, TULLE_OBJ_RQ);
	return (u32)((u8 *)(rq + 4) - (u8 *)buf);
}

static u32 make_rules(struct machine *m, u16 op, void *buf, u8 count)
{
	struct tulle_add_rules *add = buf;
	struct tulle_del_rules *del = buf;
	u32 i;

	if (op == TULLE_CMD_DEL_RULES) {
		del->table = last(m, TULLE_OBJ_TABLE);
		del->count = cpu_to_le32(count);
		for (i = 0; i < count; i++)
			del->ids[i] = cpu_to_le32(i);
		return sizeof(*del) + 4U * count;
	}
	*add = (struct tulle_add_rules){
		.table = last(m, TULLE_OBJ_TABLE),
		.count = cpu_to_le32(count),
	};
	for (i = 0; i < count; i++)
		add->rules[i] = (struct tulle_rule){
			.id = cpu_to_le32(i),
			.mask = last(m, TULLE_OBJ_MASK),
			.nactions = 2,
			.key = { .ethertype = (__be16)(0x0008 + i) },
			.actions = {
				{ .type = TULLE_ACTION_COUNT,
				  .arg = last(m, TULLE_OBJ_COUNTER) },
				{ .type = TULLE_ACTION_QUEUE,
				  .arg = last(m, TULLE_OBJ_RQ) },
			},
		};
	return sizeof(*add) + count * sizeof(struct tulle_rule);
}

static u32 make_flow(struct machine *m, u16 op, void *buf)
{
	struct tulle_table_ctx *table = buf;
	struct tulle_mask_ctx *mask = buf;

	if (op == TULLE_CMD_CREATE_MASK) {
		*mask = (struct tulle_mask_ctx){
			.table = last(m, TULLE_OBJ_TABLE),
			.key = { .ethertype = 0xffff },
		};
		return sizeof(*mask);
	}
	*table = (struct tulle_table_ctx){
		.domain = TULLE_DOMAIN_RX, .level = 1,
	};
	if (op == TULLE_CMD_MODIFY_TABLE)
		table->handle = last(m, TULLE_OBJ_TABLE);
	return sizeof(*table);
}

/* The type of object that an opcode of destroying or querying names. */
static enum tulle_obj_type named(u16 op)
{
	switch (op) {
	case TULLE_CMD_FREE_UAR:
		return TULLE_OBJ_UAR;
	case TULLE_CMD_DESTROY_PD:
		return TULLE_OBJ_PD;
	case TULLE_CMD_DESTROY_MKEY:
	case TULLE_CMD_QUERY_MKEY:
		return TULLE_OBJ_MKEY;
	case TULLE_CMD_DESTROY_COUNTERS:
	case TULLE_CMD_QUERY_COUNTERS:
		return TULLE_OBJ_COUNTER;
	}
	if (op < 0x30)
		return TULLE_OBJ_EQ;
	if (op < 0x40)
		return TULLE_OBJ_CQ;
	if (op < 0x48)
		return TULLE_OBJ_SQ;
	if (op < 0x50)
		return TULLE_OBJ_RQ;
	if (op < 0x60)
		return TULLE_OBJ_RSS;
	return op < 0x64 || op == TULLE_CMD_QUERY_RULE ? TULLE_OBJ_TABLE :
							 TULLE_OBJ_MASK;
}

/* A request that would be accepted if what it names exists; its length. */
static u32 make_request(struct machine *m, u16 op, u8 arg)
{
	struct tulle_mkey_ctx *key = (void *)m->in;
	struct tulle_counters *counters = (void *)m->in;
	const struct tfw_cmd_desc *desc = tfw_cmd_lookup(op);

	memset(m->in, 0, sizeof(m->in));
	switch (op) {
	case TULLE_CMD_CREATE_EQ:
	case TULLE_CMD_CREATE_CQ:
	case TULLE_CMD_CREATE_SQ:
		return make_ring(m, op, m->in);
	case TULLE_CMD_CREATE_RQ:
	case TULLE_CMD_MODIFY_RQ:
		return make_rq(m, op, m->in);
	case TULLE_CMD_CREATE_RSS:
	case TULLE_CMD_MODIFY_RSS:
		return make_rss(m, op, m->in);
	case TULLE_CMD_ADD_RULES:
	case TULLE_CMD_DEL_RULES:
		return make_rules(m, op, m->in, 1 + arg % 8);
	case TULLE_CMD_CREATE_TABLE:
	case TULLE_CMD_MODIFY_TABLE:
	case TULLE_CMD_CREATE_MASK:
		return make_flow(m, op, m->in);
	case TULLE_CMD_CREATE_MKEY:
		key->type = TULLE_MKEY_DMA;
		key->access = 3;
		key->pd = last(m, TULLE_OBJ_PD);
		return sizeof(*key);
	case TULLE_CMD_CREATE_COUNTERS:
		counters->count = cpu_to_le32(1 + arg);
		return sizeof(*counters);
	}
	if (desc && desc->in_min >= 8)
		*(__le32 *)(void *)m->in = last(m, named(op));
	return desc ? desc->in_min : arg;
}

/* Which type a successful request of this opcode made. */
static int made(u16 op)
{
	switch (op) {
	case TULLE_CMD_ALLOC_UAR:
		return TULLE_OBJ_UAR;
	case TULLE_CMD_CREATE_PD:
		return TULLE_OBJ_PD;
	case TULLE_CMD_CREATE_MKEY:
		return TULLE_OBJ_MKEY;
	case TULLE_CMD_CREATE_COUNTERS:
		return TULLE_OBJ_COUNTER;
	case TULLE_CMD_CREATE_EQ:
	case TULLE_CMD_CREATE_CQ:
	case TULLE_CMD_CREATE_SQ:
	case TULLE_CMD_CREATE_RQ:
	case TULLE_CMD_CREATE_RSS:
	case TULLE_CMD_CREATE_TABLE:
	case TULLE_CMD_CREATE_MASK:
		return named(op);
	}
	return -1;
}

static void remember(struct machine *m, u16 op, u32 handle)
{
	int type = made(op);

	if (type < 0 || !handle)
		return;
	m->last[type] = handle;
	m->handle[m->nhandles++ % KEPT] = handle;
}

static void setup_commands(struct machine *m)
{
	m->d.top = FAKE_BASE;
	fake_boot(&m->d);
	fuzz_area_init(&m->area, &m->d);
	memset(m->last, 0, sizeof(m->last));
}

/* Where the other bytes of a request point: to a handle, or to memory. */
static void patch(struct machine *m, struct fuzz_in *in, u32 len)
{
	u8 what = fuzz_u8(in), arg = fuzz_u8(in);
	u16 at = fuzz_u16(in);
	u64 val;

	if (len < 8)
		return;
	val = what & 1 ? m->handle[arg % KEPT] : m->area.addr + arg * 4096ULL;
	memcpy(m->in + at % (len - 7), &val, what & 1 ? 4 : 8);
}

static void op_command(struct machine *m, struct fuzz_in *in)
{
	u8 sel = fuzz_u8(in), flags = fuzz_u8(in), arg = fuzz_u8(in);
	u16 op = sel < 0xf0 ? opcodes[sel % FUZZ_COUNT(opcodes)] : fuzz_u16(in);
	const struct tfw_cmd_desc *desc = tfw_cmd_lookup(op);
	u32 len = make_request(m, op, arg), out = desc ? desc->out_min : arg;
	u32 rsp[1024] = { 0 };

	if (flags & 1)
		patch(m, in, len);
	if (flags & 2)
		fuzz_spoil(in, m->in, len);
	if (flags & 4)
		len = fuzz_u16(in) % sizeof(m->in);
	if (flags & 8)
		out = fuzz_u16(in) % sizeof(rsp);
	if (!fake_cmd(&m->d, op, m->in, len, rsp, out))
		remember(m, op, le32_to_cpu(rsp[0]));
}

/* A slot as it comes, its addresses in reach often enough. */
static void op_raw_slot(struct machine *m, struct fuzz_in *in)
{
	u8 nr = fuzz_u8(in), how = fuzz_u8(in);
	struct tulle_cmd_slot *s = fake_slot(&m->d, nr % FAKE_SLOTS);

	if (!m->d.slots)
		return;
	fuzz_bytes(in, s, how & 1 ? sizeof(*s) : 32);
	if (how & 2)
		s->in_addr = cpu_to_le64(m->area.addr + (fuzz_u8(in) << 12));
	if (how & 4)
		s->out_addr = cpu_to_le64(m->area.addr + (fuzz_u8(in) << 12));
	if (how & 8)
		s->owner = TULLE_CMD_OWNER_DEVICE;
	fake_cmd_doorbell(&m->d);
}

static void op_reset(struct machine *m, struct fuzz_in *in)
{
	u8 how = fuzz_u8(in);

	if (how % 4 == 0)
		tfw_func_reset(m->d.dev, TFW_FUNC_PF);
	else if (how % 4 == 1)
		tfw_dev_reset(m->d.dev);
	else
		tfw_mmio_write(m->d.dev, TFW_FUNC_PF, TULLE_REG_RESET,
			       TULLE_RESET_MAGIC);
	fuzz_check_objects(&m->d);
	if (how & 0x80)
		fake_run(&m->env);
	else
		setup_commands(m);
}

static void op_frame(struct machine *m, struct fuzz_in *in)
{
	u8 how = fuzz_u8(in), frame[128];

	tfw_port_set_backend(m->d.dev, how & 1, how & 2);
	fuzz_bytes(in, frame, how & 4 ? sizeof(frame) : 16);
	fake_receive(&m->d, frame, how & 8 ? how : 64);
}

static void op_device(struct machine *m, struct fuzz_in *in, enum op op)
{
	u8 arg = fuzz_u8(in);

	switch (op) {
	case OP_DMA:
		tfw_func_set_dma(m->d.dev, TFW_FUNC_PF, arg & 1);
		m->mem.quiet = !(arg & 1);
		fake_run(&m->env);
		break;
	case OP_POKE:
		fuzz_bytes(in, fake_ptr(&m->d, m->area.addr + arg * 4096ULL +
					(fuzz_u8(in) << 3)), 8);
		break;
	case OP_HOLE:
		m->d.hole = m->area.addr + arg * 4096ULL;
		m->d.hole_len = fuzz_u8(in) * 64;
		break;
	case OP_SHORT_MEMORY:
		m->env.alloc_budget = arg % 8;
		op_command(m, in);
		m->env.alloc_budget = -1;
		break;
	case OP_PLAN:
		tfw_dev_set_faults(m->d.dev, plans[arg % FUZZ_COUNT(plans)],
				   NULL, 0);
		arg = fuzz_u8(in);
		tfw_dev_set_liar(m->d.dev, lies[arg % FUZZ_COUNT(lies)],
				 NULL, 0);
		break;
	default:
		break;
	}
}

static void step(struct machine *m, struct fuzz_in *in)
{
	enum op op = fuzz_u8(in) % OPS;
	u32 reg;

	switch (op) {
	case OP_COMMAND:
		op_command(m, in);
		break;
	case OP_RAW_SLOT:
		op_raw_slot(m, in);
		break;
	case OP_WRITE_REG:
		reg = fuzz_u16(in) & (TULLE_BAR_REGS_SIZE - 4);
		tfw_mmio_write(m->d.dev, TFW_FUNC_PF,
			       reg & 0x1000 ? reg & 0x3c : reg, fuzz_u32(in));
		fake_run(&m->env);
		break;
	case OP_READ_REG:
		fake_reg(&m->d, fuzz_u16(in) & (TULLE_BAR_REGS_SIZE - 4));
		break;
	case OP_KICK:
		reg = fuzz_u16(in) & 0x1001f;
		fake_kick(&m->d, reg, m->handle[fuzz_u8(in) % KEPT]);
		break;
	case OP_RESET:
		op_reset(m, in);
		break;
	case OP_TIME:
		fake_advance(&m->env, fuzz_u16(in) * 10000ULL);
		break;
	case OP_FRAME:
		op_frame(m, in);
		break;
	case OP_SETUP:
		setup_commands(m);
		break;
	default:
		op_device(m, in, op);
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
	fake_init(&m->env);
	fuzz_assert(fake_dev_init(&m->env, &m->d, &cfg));
	m->d.on_write = on_write;
	setup_commands(m);
	for (n = 0; in.left && n < MAX_OPS; n++)
		step(m, &in);
	tfw_dev_set_faults(m->d.dev, NULL, NULL, 0);
	tfw_dev_set_liar(m->d.dev, NULL, NULL, 0);
	fuzz_end_dev(&m->d, &m->mem);
	fake_exit(&m->env);
	free(m);
	return 0;
}

/* 0: everything created, queried and destroyed in order; others: from it. */
size_t fuzz_seed(unsigned int number, u8 *buf)
{
	static const u8 extra[][3] = {
		{ OP_TIME, 0xff, 0xff }, { OP_RESET, 0, 0 }, { OP_DMA, 0, 0 },
		{ OP_SHORT_MEMORY, 2, 0 }, { OP_PLAN, 5, 1 }, { OP_HOLE, 4, 9 },
		{ OP_FRAME, 3, 0 }, { OP_SETUP, 0, 0 },
	};
	size_t n = 0;
	u8 i;

	if (number > FUZZ_COUNT(extra))
		return 0;
	for (i = 0; i < FUZZ_COUNT(opcodes); i++) {
		buf[n++] = OP_COMMAND;
		buf[n++] = i;
		buf[n++] = 0;
		buf[n++] = 3;
		if (number && i == 15) {
			memcpy(buf + n, extra[number - 1], 3);
			n += 3;
		}
	}
	return n;
}
