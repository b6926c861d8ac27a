// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * What an application may do to its own queues: work requests, records and
 * doorbells that are hostile, on queue pairs of all types, most of them
 * connected within the device. The device may write nothing but what the
 * application may.
 */
#include "fuzz.h"
#include "rc.h"

#define BUFFER	65536
#define NQP	9
#define MAX_OPS	300

enum op {
	OP_SEND,		/* a good WQE with a few bytes changed */
	OP_RAW,			/* anything */
	OP_RECV,		/* a good receive WQE, likewise spoiled */
	OP_PI,
	OP_RECORD,
	OP_KICK,
	OP_TIME,
	OP_CONSUME,
	OP_STATE,
	OP_HOLE,
	OPS,
};

struct machine {
	struct rc	rc;
	struct rc_dev	*dev;
	struct fuzz_mem	mem;
	struct rc_qp	qp[NQP];
	u32		keys[4];
	u64		list;
};

static struct machine *fuzzed;

static void on_write(struct fake_dev *d, u64 addr, size_t len)
{
	(void)d;
	fuzz_check_write(&fuzzed->mem, addr, len);
}

static const u8 types[NQP] = {
	TULLE_QP_RC, TULLE_QP_RC, TULLE_QP_UC, TULLE_QP_UC, TULLE_QP_UD,
	TULLE_QP_XRC_INI, TULLE_QP_XRC_TGT, TULLE_QP_RAW, TULLE_QP_RC,
};

/* 0-1, 2-3 and 5-6 are connected; 8 to nobody. */
static unsigned int partner(unsigned int i)
{
	if (i == 5 || i == 6)
		return 11 - i;
	return i < 4 ? i ^ 1 : i;
}

static void bring_up(struct machine *m, unsigned int i)
{
	struct rc_attr at = { .sq_psn = 0xfffffc, .rq_psn = 0xfffffc,
			      .timeout = 8, .retry_cnt = 3, .rnr_retry = 2,
			      .mtu = 8 };
	struct rc_dev far = { .id = i == 8 ? 9 : 0 };

	at.dest_qpn = m->qp[partner(i)].qpn;
	rc_av(&far, 0, &at.av);
	m->qp[i].pi = 0;
	m->qp[i].rq_pi = 0;
	if (m->qp[i].dbr)
		memset(m->qp[i].dbr, 0, 64);
	rc_up(&m->qp[i], &at, TULLE_QPS_RTS);
}

/* Windows, and a region of the buffer's second half only for reading. */
static void make_keys(struct machine *m)
{
	struct tulle_mkey_ctx ctx = { .pd = cpu_to_le32(m->dev->pd) };
	static const u8 kinds[] = { TULLE_MKEY_MW1, TULLE_MKEY_MW2,
				    TULLE_MKEY_FRWR };
	unsigned int i;
	u32 h;

	m->keys[0] = m->dev->key;
	for (i = 0; i < 3; i++) {
		ctx.type = kinds[i];
		ctx.max_pages = cpu_to_le32(kinds[i] == TULLE_MKEY_FRWR ? 4 :
									  0);
		h = fake_create(&m->dev->d, TULLE_CMD_CREATE_MKEY, &ctx,
				sizeof(ctx), NULL);
		fuzz_assert(h);
		m->keys[i + 1] = TULLE_KEY(h);
	}
}

static void make_qps(struct machine *m)
{
	u32 xrcd = fake_create(&m->dev->d, TULLE_CMD_CREATE_XRCD, NULL, 0,
			       NULL);
	unsigned int i;

	m->dev->qp_flags = 0;
	for (i = 0; i < NQP; i++) {
		rc_qp_init(m->dev, &m->qp[i], types[i], 0,
			   types[i] == TULLE_QP_XRC_TGT ? xrcd : 0);
		if (m->qp[i].scq.handle)
			fuzz_grant_queue(&m->mem, &m->qp[i].scq);
		if (m->qp[i].rcq.handle)
			fuzz_grant_queue(&m->mem, &m->qp[i].rcq);
		if (m->qp[i].dbr)
			fuzz_grant_dbr(&m->mem, &m->dev->d, m->qp[i].dbr);
	}
	for (i = 0; i < NQP; i++)
		bring_up(m, i);
}

/* Segments of local operations, and of datagrams. */
static void make_segment(struct machine *m, struct fuzz_in *in,
			 struct tulle_qp_wqe *wqe)
{
	u32 key = m->keys[fuzz_u8(in) & 3] ^ (fuzz_u8(in) & 3);
	struct tulle_reg_mr_seg reg = { .key = cpu_to_le32(key),
		.npages = cpu_to_le32(1), .iova = cpu_to_le64(0x5000),
		.len = cpu_to_le64(4096), .pages = cpu_to_le64(m->list),
		.access = RC_ACCESS & ~TULLE_MKEY_MW_BIND,
		.log_page_size = 12 };
	struct tulle_bind_mw_seg bind = { .mw = cpu_to_le32(key),
		.mr = cpu_to_le32(m->dev->key),
		.iova = cpu_to_le64(m->dev->buf + fuzz_u8(in)),
		.len = cpu_to_le64(fuzz_u16(in)),
		.access = TULLE_MKEY_REMOTE_READ | TULLE_MKEY_REMOTE_WRITE };

	switch (wqe->ctrl.op) {
	case TULLE_WQE_LOCAL_INV:
		wqe->ctrl.imm = cpu_to_le32(key);
		break;
	case TULLE_WQE_REG_MR:
		memcpy(wqe + 1, &reg, sizeof(reg));
		break;
	case TULLE_WQE_BIND_MW:
		memcpy(wqe + 1, &bind, sizeof(bind));
		break;
	}
	wqe->ctrl.nsge = 0;
	wqe->ctrl.total_len = 0;
}

static void make_datagram(struct machine *m, struct fuzz_in *in,
			  struct rc_qp *q, struct tulle_qp_wqe *wqe, u32 len)
{
	struct tulle_ud_seg seg = { .qpn = cpu_to_le32(q->qpn),
				    .qkey = cpu_to_le32(RC_QKEY) };
	struct tulle_sge sge = rc_sge(m->dev, m->dev->buf, len);

	rc_av(m->dev, fuzz_u8(in) % 3, &seg.av);
	memset(wqe + 1, 0, 104);
	memcpy(wqe + 1, &seg, sizeof(seg));
	memcpy((u8 *)(wqe + 1) + sizeof(seg), &sge, sizeof(sge));
	wqe->ctrl.nsge = 1;
}

static void op_send(struct machine *m, struct fuzz_in *in)
{
	struct rc_qp *q = &m->qp[fuzz_u8(in) % NQP];
	struct rc_op o = { .op = TULLE_WQE_SEND + fuzz_u8(in) % 13,
			   .len = fuzz_u16(in) % 9000, .flush = 1 };
	struct tulle_qp_wqe *wqe;
	u8 bits = fuzz_u8(in);

	if (!q->dbr)
		return;
	o.flags = bits & (TULLE_WQE_F_SOLICITED | TULLE_WQE_F_FENCE);
	o.quiet = bits & 1;
	o.inl = bits & 0x10;
	o.addr = m->dev->buf + fuzz_u8(in);
	o.raddr = m->dev->buf + 40000 + fuzz_u8(in) % 64 * 8;
	o.rkey = m->keys[bits >> 6];
	if (o.op == TULLE_WQE_CMP_SWAP || o.op == TULLE_WQE_FETCH_ADD ||
	    o.op == TULLE_WQE_ATOMIC_WRITE)
		o.len = 8;
	if (o.op != TULLE_WQE_WRITE && o.op != TULLE_WQE_FLUSH)
		o.flush = 0;
	if (o.op == TULLE_WQE_WRITE)
		o.flush = 0;
	if (o.inl)
		o.len %= 400;
	wqe = rc_make(q, &o);
	if (q->type == TULLE_QP_UD)
		make_datagram(m, in, q, wqe, o.len);
	if (o.op >= TULLE_WQE_LOCAL_INV && o.op <= TULLE_WQE_BIND_MW)
		make_segment(m, in, wqe);
	q->pi += wqe->ctrl.nblocks;
	fuzz_spoil(in, wqe, wqe->ctrl.nblocks * 64U);
	q->dbr->pi = cpu_to_le32(q->pi);
	rc_ring(q);
}

static void op_raw(struct machine *m, struct fuzz_in *in)
{
	struct rc_qp *q = &m->qp[fuzz_u8(in) % NQP];
	u8 *at;

	if (!q->dbr)
		return;
	at = q->sq + (q->pi & ((1U << RC_LOG_SQ) - 1)) * 64UL;
	fuzz_bytes(in, at, 64);
	tfw_put16(at + 6, 0);
	at[6] = (u8)q->pi;
	at[7] = (u8)(q->pi >> 8);
	q->dbr->pi = cpu_to_le32(++q->pi);
	rc_ring(q);
}

static void op_recv(struct machine *m, struct fuzz_in *in)
{
	struct rc_qp *q = &m->qp[fuzz_u8(in) % NQP];
	struct tulle_sge sge[3];
	unsigned int i;
	u8 *at;

	if (!q->rq)
		return;
	for (i = 0; i < 3; i++)
		sge[i] = rc_sge(m->dev, m->dev->buf + 20000 + 5000 * i,
				fuzz_u16(in) % 5000);
	at = q->rq + ((size_t)(q->rq_pi & ((1U << RC_LOG_RQ) - 1)) <<
		      RC_LOG_RQ_WQE);
	rc_recv_sges(q, 1, sge, 3);
	fuzz_spoil(in, at, 64);
}

static void op_consume(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < NQP; i++) {
		while (m->qp[i].scq.handle && rc_poll(&m->qp[i].scq))
			;
		while (m->qp[i].rcq.handle && rc_poll(&m->qp[i].rcq))
			;
	}
	rc_events_drop(m->dev);
}

static void op_state(struct machine *m, struct fuzz_in *in)
{
	unsigned int i = fuzz_u8(in) % NQP;
	u8 how = fuzz_u8(in) & 7;
	struct tulle_qp_attr attr = { .state = how & 1 ? TULLE_QPS_SQD :
							 TULLE_QPS_RTS };

	if (!how) {
		rc_to_state(&m->qp[i], TULLE_QPS_ERR);
	} else if (how < 5) {
		rc_to_state(&m->qp[i], TULLE_QPS_RESET);
		bring_up(m, i);
	} else {
		/* May be refused. */
		rc_modify(&m->qp[i], TULLE_QP_MOD_STATE, &attr);
	}
}

static void op_kick(struct machine *m, struct fuzz_in *in)
{
	static const u8 bells[] = { TULLE_UAR_QP_SQ, TULLE_UAR_QP_RQ,
				    TULLE_UAR_SRQ, TULLE_UAR_CQ };
	u8 which = fuzz_u8(in);
	u32 handle = which & 0x80 ? fuzz_u32(in) : m->qp[which % NQP].handle;

	fake_kick(&m->dev->d, bells[fuzz_u8(in) & 3], handle);
}

static void op_record(struct machine *m, struct fuzz_in *in)
{
	struct rc_qp *q = &m->qp[fuzz_u8(in) % NQP];

	if (q->dbr)
		((u8 *)q->dbr)[fuzz_u8(in) & 127] = fuzz_u8(in);
}

/* Part of the buffer cannot be reached for a while. */
static void op_hole(struct machine *m, struct fuzz_in *in)
{
	m->dev->d.hole = m->dev->buf + fuzz_u16(in);
	m->dev->d.hole_len = fuzz_u8(in) & 1 ? 256 : 0;
	m->dev->d.no_map = fuzz_u8(in) & 1;
}

static void check_books(const struct machine *m)
{
	unsigned int i;

	for (i = 0; i < NQP; i++) {
		const struct tfw_requester *r = m->qp[i].qp->req;

		if (!r)
			continue;
		fuzz_assert(r->cur - r->head <= r->tail - r->head);
		fuzz_assert(r->tail - r->head <= TFW_WINDOW);
		fuzz_assert(m->qp[i].qp->state == TULLE_QPS_ERR ||
			    r->rd_out <= 4);
	}
}

static void step(struct machine *m, struct fuzz_in *in)
{
	enum op op = fuzz_u8(in) % OPS;
	struct rc_qp *q;

	switch (op) {
	case OP_SEND:
		op_send(m, in);
		break;
	case OP_RAW:
		op_raw(m, in);
		break;
	case OP_RECV:
		op_recv(m, in);
		break;
	case OP_PI:
		q = &m->qp[fuzz_u8(in) % NQP];
		if (q->dbr)
			q->dbr->pi = cpu_to_le32(q->pi + (u32)(s8)fuzz_u8(in));
		break;
	case OP_RECORD:
		op_record(m, in);
		break;
	case OP_KICK:
		op_kick(m, in);
		break;
	case OP_TIME:
		fake_advance(&m->rc.env, fuzz_u16(in) * 1000ULL);
		break;
	case OP_CONSUME:
		op_consume(m);
		break;
	case OP_STATE:
		op_state(m, in);
		break;
	default:
		op_hole(m, in);
	}
	check_books(m);
	fake_frames_drop(&m->dev->d);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct machine *m = calloc(1, sizeof(*m));
	struct tfw_fw_config cfg;
	unsigned int n;

	fuzzed = m;
	fuzz_small_config(&cfg);
	m->rc.cfg = &cfg;
	m->rc.buf_len = BUFFER;
	rc_start(&m->rc, 1);
	m->dev = &m->rc.dev[0];
	make_keys(m);
	make_qps(m);
	m->list = fake_mem(&m->dev->d, 4096, 4096);
	*(__le64 *)fake_ptr(&m->dev->d, m->list) = cpu_to_le64(m->dev->buf);
	fuzz_grant_commands(&m->mem, &m->dev->d);
	fuzz_grant(&m->mem, m->dev->buf, BUFFER);
	fuzz_grant_queue(&m->mem, &m->dev->eq);
	fuzz_grant_queue(&m->mem, &m->dev->eq0);
	m->dev->d.on_write = on_write;
	for (n = 0; in.left && n < MAX_OPS; n++)
		step(m, &in);
	fuzz_end_dev(&m->dev->d, &m->mem);
	fake_exit(&m->rc.env);
	free(m);
	return 0;
}

/* Each work request once, on each queue pair. */
size_t fuzz_seed(unsigned int number, u8 *buf)
{
	size_t n = 0;
	u8 i;

	if (number >= 26)
		return 0;
	for (i = 0; i < NQP; i++) {
		const u8 program[] = {
			OP_RECV, i, 0xff, 0x0f, 0xff, 0x0f, 0xff, 0x0f, 0,
			OP_SEND, i, (u8)(number % 13), 0x20,
			(u8)(number >= 13 ? 0 : 4),
			(u8)(number >= 13 ? 0x10 : 0), 0, 0, 0, 0, 0, 0, 0,
			OP_CONSUME,
			OP_TIME, 0xff, 0x20,
		};

		memcpy(buf + n, program, sizeof(program));
		n += sizeof(program);
	}
	return n;
}
