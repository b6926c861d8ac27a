// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Fuzzer of what the device finds in memory: WQEs, doorbell records and
 * doorbells of valid queues, on a port in loopback, so that what is sent comes
 * back to the RQs. The device may write to its queues' rings and records and
 * where a WQE of an RQ points, and nowhere else.
 */
#include "fuzz.h"

#define MAX_OPS		96
#define LOG_SQ		5
#define LOG_RQ		4
#define NSQ		2
#define NRQ		4
#define BUFFERS		(1U << 17)	/* SGEs of templates point into it */

enum op {
	OP_SEND,
	OP_RAW_WQE,
	OP_POST,
	OP_RAW_RQ_WQE,
	OP_PI,
	OP_RECORD,
	OP_KICK,
	OP_TIME,
	OP_CONSUME,
	OP_SWAP,
	OP_STEER,
	OP_FRAME,
	OP_SPACE,
	OP_PORT,
	OP_QUERY,
	OPS,
};

struct machine {
	struct fake	env;
	struct net	n;
	struct fuzz_mem	mem;
	struct net_sq	sq[NSQ];
	struct net_rq	rq[NRQ];
	u64		buf;
};

static struct machine *fuzzed;

static void on_write(struct fake_dev *d, u64 addr, size_t len)
{
	unsigned int i;

	fuzz_assert(d == &fuzzed->n.d);
	fuzz_check_write(&fuzzed->mem, addr, len);
	/* A WQE that points at an RQ's ring makes other WQEs. */
	for (i = 0; i < NRQ; i++)
		if (addr < fuzzed->rq[i].ring_addr + 4096 &&
		    addr + len > fuzzed->rq[i].ring_addr)
			fuzzed->mem.any = true;
}

/* The device may write wherever this WQE says, from now on. */
static void grant_wqe(struct machine *m, const struct net_rq *rq, u32 ix)
{
	size_t room = 1UL << rq->ctx.log_wqe_size;
	const struct tulle_rq_wqe *wqe;
	size_t i;

	wqe = (const void *)(rq->ring + ix * room);
	for (i = 0; i < (room - sizeof(*wqe)) / sizeof(wqe->sge[0]); i++)
		if (wqe->sge[i].len)
			fuzz_grant(&m->mem, le64_to_cpu(wqe->sge[i].addr),
				   le32_to_cpu(wqe->sge[i].len));
}

static u64 buffer(struct machine *m, struct fuzz_in *in)
{
	return m->buf + fuzz_u16(in);
}

static void op_send(struct machine *m, struct fuzz_in *in)
{
	u8 how = fuzz_u8(in), blocks = 1 + (fuzz_u8(in) & 3);
	struct net_sq *sq = &m->sq[how & 1];
	struct tulle_eth_wqe *wqe = net_wqe(sq, blocks);
	u8 nsge = 1 + (fuzz_u8(in) & 3);
	u32 total = 0, i, len;

	if (!(how & 2)) {
		for (i = 0; i < nsge && i * 16 + 48 < blocks * 64U; i++) {
			len = fuzz_u16(in) & 0x1fff;
			wqe->sge[i].addr = cpu_to_le64(buffer(m, in));
			wqe->sge[i].len = cpu_to_le32(len);
			wqe->sge[i].key = cpu_to_le32(m->n.key);
			total += len;
		}
		wqe->ctrl.nsge = (u8)i;
		wqe->ctrl.total_len = cpu_to_le32(total);
	} else {
		wqe->ctrl.inl_len = cpu_to_le16(16);
		wqe->ctrl.total_len = cpu_to_le32(16);
		fuzz_bytes(in, wqe->sge, 16);
	}
	if (how & 4)
		fuzz_bytes(in, &wqe->eth, 24);
	if (how & 8)
		fuzz_spoil(in, wqe, blocks * 64U);
	sq->pi += blocks;
	if (how & 16)
		net_ring(&m->n, sq->dbr, &sq->posted, sq->pi - sq->posted,
			 TULLE_UAR_SQ, sq->handle);
}

static void op_post(struct machine *m, struct fuzz_in *in)
{
	u8 how = fuzz_u8(in), n = 1 + (fuzz_u8(in) & 7), i;
	struct net_rq *rq = &m->rq[how % NRQ];
	u32 mask = (1U << LOG_RQ) - 1;

	net_rq_fill(rq, n);
	for (i = 0; i < n; i++) {
		if (how & 0x80)
			fuzz_spoil(in, rq->ring + (((rq->pi + i) & mask) <<
						   rq->ctx.log_wqe_size),
				   1U << rq->ctx.log_wqe_size);
		grant_wqe(m, rq, (rq->pi + i) & mask);
	}
	net_ring(&m->n, rq->dbr, &rq->pi, n, TULLE_UAR_RQ, rq->handle);
}

static void op_raw(struct machine *m, struct fuzz_in *in, enum op op)
{
	u8 which = fuzz_u8(in), at = fuzz_u8(in);
	struct net_sq *sq = &m->sq[which % NSQ];
	struct net_rq *rq = &m->rq[which % NRQ];
	u32 ix = at & ((1U << LOG_RQ) - 1);

	if (op == OP_RAW_WQE) {
		fuzz_bytes(in, sq->ring + (at & 31) * 64, 64);
		return;
	}
	fuzz_bytes(in, rq->ring + (ix << rq->ctx.log_wqe_size),
		   1U << rq->ctx.log_wqe_size);
	grant_wqe(m, rq, ix);
}

static struct tulle_dbr *record(struct machine *m, u8 which)
{
	switch (which % 8) {
	case 0:
	case 1:
		return m->sq[which & 1].dbr;
	case 2:
		return m->sq[0].cq.dbr;
	case 3:
		return m->n.eq.dbr;
	case 4:
		return m->rq[0].cq.dbr;
	default:
		return m->rq[which % NRQ].dbr;
	}
}

static void op_pi(struct machine *m, struct fuzz_in *in)
{
	u8 which = fuzz_u8(in), step = fuzz_u8(in);
	struct tulle_dbr *dbr = record(m, which);
	u32 val = le32_to_cpu(dbr->pi) + step;

	if (step == 0xff)
		val = fuzz_u32(in);
	__atomic_store_n(&dbr->pi, cpu_to_le32(val), __ATOMIC_RELEASE);
	if (which & 0x80)
		fake_kick(&m->n.d, which & 0x40 ? TULLE_UAR_RQ : TULLE_UAR_SQ,
			  which & 0x40 ? m->rq[which % NRQ].handle :
					 m->sq[which & 1].handle);
}

static void op_kick(struct machine *m, struct fuzz_in *in)
{
	u8 what = fuzz_u8(in), which = fuzz_u8(in);

	switch (what & 7) {
	case 0:
		fake_kick(&m->n.d, fuzz_u16(in), fuzz_u32(in));
		break;
	case 1:
		fake_kick(&m->n.d, TULLE_UAR_CQ, m->rq[which % NRQ].cq.handle);
		break;
	case 2:
		fake_kick(&m->n.d, TULLE_UAR_EQ, m->n.eq.handle);
		break;
	case 3:
		fake_kick(&m->n.d, TULLE_UAR_RQ, m->rq[which % NRQ].handle);
		break;
	default:
		fake_kick(&m->n.d, TULLE_UAR_SQ, m->sq[which % NSQ].handle);
		break;
	}
}

static void op_consume(struct machine *m, struct fuzz_in *in)
{
	u8 which = fuzz_u8(in), n = fuzz_u8(in);
	struct fake_queue *q = which & 1 ? &m->rq[which / 2 % NRQ].cq :
					   &m->sq[which / 2 % NSQ].cq;

	if (which & 0x40)
		q = &m->n.eq;
	while (n-- && fake_poll(q))
		;
	if (which & 0x80)
		fake_arm(q, TULLE_ARM_ANY);
}

/* What the ring of an RQ gets: its old memory, other shape and flags. */
static void op_swap(struct machine *m, struct fuzz_in *in)
{
	struct net_rq *rq = &m->rq[fuzz_u8(in) % NRQ];
	struct tulle_modify_rq mod = {
		.mask = cpu_to_le32(fuzz_u8(in) & 7),
		.ctx = rq->ctx,
	};
	u32 i;

	mod.ctx.handle = cpu_to_le32(rq->handle);
	mod.ctx.type = fuzz_u8(in) & 3;
	mod.ctx.state = fuzz_u8(in) & 3;
	mod.ctx.flags = cpu_to_le32(fuzz_u8(in));
	mod.ctx.gro_max = cpu_to_le32(fuzz_u16(in) << 2);
	mod.ctx.split_thresh = cpu_to_le16(fuzz_u16(in));
	if (mod.ctx.type == TULLE_RQ_MULTI) {
		mod.ctx.log_stride = 6 + (fuzz_u8(in) & 3);
		mod.ctx.log_strides = fuzz_u8(in) & 3;
	} else {
		mod.ctx.log_stride = 0;
		mod.ctx.log_strides = 0;
	}
	if (fake_cmd(&m->n.d, TULLE_CMD_MODIFY_RQ, &mod, sizeof(mod), NULL, 0))
		return;
	if (le32_to_cpu(mod.mask) & TULLE_RQ_MOD_RING) {
		mod.ctx.handle = 0;
		mod.ctx.state = 0;
		rq->ctx = mod.ctx;
		rq->pi = 0;
		rq->dbr->pi = 0;
	}
	/* Old entries count again. */
	for (i = 0; i < 1U << LOG_RQ; i++)
		grant_wqe(m, rq, i);
}

static void op_frame(struct machine *m, struct fuzz_in *in)
{
	struct net_spec spec = {
		.v6 = fuzz_u8(in) & 1,
		.udp = fuzz_u8(in) & 1,
		.tags = fuzz_u8(in) % 3,
		.payload = fuzz_u16(in) & 0x7ff,
	};
	u32 at = fuzz_u16(in), len;
	static u8 frame[4096];

	/* It is sent by somebody. */
	len = net_make(&spec, frame);
	fuzz_spoil(in, frame, len);
	memcpy(fake_ptr(&m->n.d, m->buf + at % (BUFFERS - 4096)), frame, len);
	fake_receive(&m->n.d, frame, len);
}

static void op_space(struct machine *m, struct fuzz_in *in)
{
	u8 how = fuzz_u8(in);

	m->n.d.no_map = how & 1;
	m->n.d.tx_full = how & 2;
	m->n.d.hole = m->buf + fuzz_u16(in);
	m->n.d.hole_len = how & 4 ? fuzz_u8(in) : 0;
	if (how & 8)
		tfw_port_tx_ready(m->n.d.dev);
	if (how & 16)
		tfw_engine_set_polling(m->env.engine, how & 32);
	if (how & 64)
		tfw_func_set_dma(m->n.d.dev, TFW_FUNC_PF, how & 128);
	m->mem.quiet = (how & 64) && !(how & 128);
	/* A polling engine always has more to do. */
	if (how & 16 && how & 32) {
		tfw_engine_run(m->env.engine, 1 << 16, TFW_NEVER);
		tfw_engine_set_polling(m->env.engine, false);
	}
	fake_run(&m->env);
}

static void op_steer(struct machine *m, struct fuzz_in *in)
{
	u8 which = fuzz_u8(in);
	struct tulle_table_ctx ctx = {
		.handle = cpu_to_le32(m->n.rx_root),
		.domain = TULLE_DOMAIN_RX,
		.miss = { .type = which & 0x80 ? TULLE_ACTION_DROP :
						 TULLE_ACTION_QUEUE,
			  .arg = which & 0x80 ? 0 :
				cpu_to_le32(m->rq[which % NRQ].handle) },
	};

	fake_cmd(&m->n.d, TULLE_CMD_MODIFY_TABLE, &ctx, sizeof(ctx), NULL, 0);
}

static void op_port(struct machine *m, struct fuzz_in *in)
{
	struct tulle_modify_port mp = {
		.mask = cpu_to_le32(fuzz_u8(in) & ~TULLE_PORT_MOD_LINK),
		.admin_up = fuzz_u8(in) & 1,
		.fec = TULLE_FEC_AUTO,
		.pause = fuzz_u8(in) & 7,
		.max_frame = cpu_to_le32(fuzz_u16(in)),
		.loopback = fuzz_u8(in) & 1,
	};

	fake_cmd(&m->n.d, TULLE_CMD_MODIFY_PORT, &mp, sizeof(mp), NULL, 0);
}

static void check_counters(struct machine *m)
{
	struct tulle_port_stats st;

	if (fake_cmd(&m->n.d, TULLE_CMD_QUERY_PORT_STATS, NULL, 0, &st,
		     sizeof(st)))
		return;
	fuzz_check_port(&st);
}

static void step(struct machine *m, struct fuzz_in *in)
{
	enum op op = fuzz_u8(in) % OPS;
	u8 arg;

	switch (op) {
	case OP_SEND:
		op_send(m, in);
		break;
	case OP_RAW_WQE:
	case OP_RAW_RQ_WQE:
		op_raw(m, in, op);
		break;
	case OP_POST:
		op_post(m, in);
		break;
	case OP_PI:
		op_pi(m, in);
		break;
	case OP_RECORD:
		arg = fuzz_u8(in);
		((u8 *)record(m, arg))[fuzz_u8(in) & 127] = fuzz_u8(in);
		break;
	case OP_KICK:
		op_kick(m, in);
		break;
	case OP_TIME:
		fake_advance(&m->env, fuzz_u16(in) * 1000ULL);
		break;
	case OP_CONSUME:
		op_consume(m, in);
		break;
	case OP_SWAP:
		op_swap(m, in);
		break;
	case OP_STEER:
		op_steer(m, in);
		break;
	case OP_FRAME:
		op_frame(m, in);
		break;
	case OP_SPACE:
		op_space(m, in);
		break;
	case OP_PORT:
		op_port(m, in);
		break;
	default:
		check_counters(m);
		break;
	}
	fake_frames_drop(&m->n.d);
}

static void make_queues(struct machine *m)
{
	static const struct tulle_rq_ctx shapes[NRQ] = {
		{ .type = TULLE_RQ_PLAIN },
		{ .type = TULLE_RQ_MULTI, .log_stride = 6, .log_strides = 3 },
		{ .type = TULLE_RQ_SPLIT, .split_thresh = 200 },
		{ .type = TULLE_RQ_PLAIN, .flags = TULLE_RQ_F_GRO |
		  TULLE_RQ_F_CHAIN | TULLE_RQ_F_VLAN_STRIP,
		  .gro_max = 65536 },
	};
	int i;

	for (i = 0; i < NSQ; i++) {
		net_sq_create(&m->n, &m->sq[i], LOG_SQ);
		fuzz_grant_queue(&m->mem, &m->sq[i].cq);
		fuzz_grant_dbr(&m->mem, &m->n.d, m->sq[i].dbr);
	}
	for (i = 0; i < NRQ; i++) {
		net_rq_create(&m->n, &m->rq[i], &shapes[i], LOG_RQ,
			      i ? 512 : 2048);
		fuzz_grant_queue(&m->mem, &m->rq[i].cq);
		fuzz_grant_dbr(&m->mem, &m->n.d, m->rq[i].dbr);
	}
	fuzz_grant_queue(&m->mem, &m->n.eq);
	net_rx_default(&m->n, TULLE_ACTION_QUEUE, m->rq[0].handle);
}

static void start_port(struct machine *m)
{
	struct tulle_modify_port mp = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_ADMIN |
				    TULLE_PORT_MOD_LOOPBACK |
				    TULLE_PORT_MOD_MAX_FRAME),
		.admin_up = 1,
		.loopback = 1,
		.max_frame = cpu_to_le32(9622),
	};

	tfw_port_set_backend(m->n.d.dev, true, true);
	fuzz_assert(!fake_cmd(&m->n.d, TULLE_CMD_MODIFY_PORT, &mp, sizeof(mp),
			      NULL, 0));
	fake_advance(&m->env, 10000000);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct machine *m = calloc(1, sizeof(*m));
	struct tfw_fw_config cfg;
	unsigned int n;

	fuzzed = m;
	fuzz_small_config(&cfg);
	fake_init(&m->env);
	net_init(&m->n, &m->env, &cfg);
	fuzz_grant_commands(&m->mem, &m->n.d);
	make_queues(m);
	m->buf = fake_mem(&m->n.d, BUFFERS, 4096);
	m->n.d.on_write = on_write;
	start_port(m);
	for (n = 0; in.left && n < MAX_OPS; n++)
		step(m, &in);
	check_counters(m);
	for (n = 0; n < NRQ; n++)
		net_rq_free(&m->rq[n]);
	fuzz_end_dev(&m->n.d, &m->mem);
	fake_exit(&m->env);
	free(m);
	return 0;
}

/* Traffic through each type of RQ, with something else in its middle. */
size_t fuzz_seed(unsigned int number, u8 *buf)
{
	size_t n = 0;
	u8 i;

	if (number >= OPS)
		return 0;
	for (i = 0; i < NRQ; i++) {
		const u8 program[] = {
			OP_STEER, i,
			OP_POST, i, 7,
			OP_FRAME, i & 1, i >> 1, i % 3, 100, i, 0, 0, 0,
			OP_SEND, 16, 0, 1, 200, 0, 0, 0,
			OP_SEND, 16 | 2, 1, 0,
			(u8)number, i, 1, 2, 3, 4, 5, 6, 7,
			OP_CONSUME, (u8)(1 + 2 * i), 9,
			OP_CONSUME, 0x80, 9,
			OP_QUERY,
		};

		memcpy(buf + n, program, sizeof(program));
		n += sizeof(program);
	}
	return n;
}
