// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Received RoCEv2 packets against queue pairs of all types, in several states
 * and with requests on their way. The device may write nothing but what its
 * driver gave it, and must keep its own books.
 */
#include "fuzz.h"
#include "peer.h"

#define BUFFER	65536
#define NQP	9
#define MAX_OPS	300

enum op {
	OP_PACKET,		/* right but for a few bytes, ICRC good */
	OP_FLAWED,		/* likewise, spoiled behind the ICRC */
	OP_BYTES,		/* anything */
	OP_POST,
	OP_RECV,
	OP_SRQ,
	OP_TIME,
	OP_CONSUME,
	OP_STATE,
	OPS,
};

struct machine {
	struct rc	rc;
	struct peer	p;
	struct fuzz_mem	mem;
	struct rc_qp	qp[NQP];
	struct tulle_dbr *srq_dbr;
	u8		*srq_ring;
	u32		srq;
	u32		srq_pi;
	u64		seq;
	struct fake_queue srq_cq;
};

static struct machine *fuzzed;

static void on_write(struct fake_dev *d, u64 addr, size_t len)
{
	(void)d;
	fuzz_check_write(&fuzzed->mem, addr, len);
}

static const u8 types[NQP] = {
	TULLE_QP_RC, TULLE_QP_RC, TULLE_QP_RC, TULLE_QP_UC, TULLE_QP_UD,
	TULLE_QP_GSI, TULLE_QP_XRC_TGT, TULLE_QP_XRC_INI, TULLE_QP_RC,
};

static void bring_up(struct machine *m, unsigned int i, u8 state)
{
	struct rc_dev far = { .id = PEER_ID };
	struct rc_attr at = { .dest_qpn = PEER_QPN, .sq_psn = 0xfffffc,
			      .rq_psn = 0xfffffd, .timeout = 8,
			      .retry_cnt = 3, .mtu = 8 };

	rc_av(&far, 0, &at.av);
	m->qp[i].pi = 0;
	m->qp[i].rq_pi = 0;
	if (m->qp[i].dbr) {
		m->qp[i].dbr->pi = 0;
		m->qp[i].dbr->rq_pi = 0;
	}
	rc_up(&m->qp[i], &at, state);
}

static void make_srq(struct machine *m, u32 xrcd)
{
	struct fake_dev *d = &m->p.dev->d;
	u64 dbr = fake_mem(d, sizeof(struct tulle_dbr), 128), ring;
	struct tulle_srq_ctx ctx = { .pd = cpu_to_le32(m->p.dev->pd),
		.dbr = cpu_to_le64(dbr), .log_size = 4, .log_wqe_size = 6,
		.xrcd = cpu_to_le32(xrcd), .flags = TULLE_SRQ_F_XRC };

	m->srq_dbr = fake_ptr(d, dbr);
	ctx.pages = fake_pages(d, 64 << 4, &ring);
	m->srq_ring = fake_ptr(d, ring);
	fuzz_assert(!fake_cq_create(d, &m->srq_cq, m->p.dev->eq.handle, 6, 6,
				    0, 0));
	ctx.cq = cpu_to_le32(m->srq_cq.handle);
	m->srq = fake_create(d, TULLE_CMD_CREATE_SRQ, &ctx, sizeof(ctx), NULL);
	fuzz_assert(m->srq);
	fuzz_grant_queue(&m->mem, &m->srq_cq);
	fuzz_grant_dbr(&m->mem, d, m->srq_dbr);
}

static void make_qps(struct machine *m)
{
	struct rc_dev *dev = m->p.dev;
	u32 xrcd = fake_create(&dev->d, TULLE_CMD_CREATE_XRCD, NULL, 0, NULL);
	unsigned int i;

	make_srq(m, xrcd);
	for (i = 0; i < NQP; i++) {
		rc_qp_init(dev, &m->qp[i], types[i], 0,
			   types[i] == TULLE_QP_XRC_TGT ? xrcd : 0);
		bring_up(m, i, i == 1 ? TULLE_QPS_RTR : TULLE_QPS_RTS);
		if (m->qp[i].scq.handle)
			fuzz_grant_queue(&m->mem, &m->qp[i].scq);
		if (m->qp[i].rcq.handle)
			fuzz_grant_queue(&m->mem, &m->qp[i].rcq);
		if (m->qp[i].dbr)
			fuzz_grant_dbr(&m->mem, &dev->d, m->qp[i].dbr);
	}
}

static u8 class_of(u8 type)
{
	switch (type) {
	case TULLE_QP_UC:
		return ROCE_UC;
	case TULLE_QP_UD:
	case TULLE_QP_GSI:
		return ROCE_UD;
	case TULLE_QP_XRC_TGT:
	case TULLE_QP_XRC_INI:
		return ROCE_XRC;
	default:
		return ROCE_RC;
	}
}

/* Extended headers as the opcode wants them, mostly. */
static u32 make_ext(struct machine *m, struct fuzz_in *in, u8 class, u8 opcode,
		    u8 *ext)
{
	u16 op = tfw_roce_ops[opcode & 0x1f];
	u32 n = 0, len = fuzz_u16(in);

	if (class == ROCE_XRC && (op & ROCE_F_REQ)) {
		tfw_put32(ext, m->srq & TULLE_HANDLE_INDEX);
		n += 4;
	}
	if (class == ROCE_UD) {
		tfw_put32(ext + n, RC_QKEY);
		n += 8;
	}
	if (op & ROCE_H_FETH)
		tfw_put32(ext + n, fuzz_u8(in)), n += 4;
	if (op & ROCE_H_RETH)
		n += peer_reth(ext + n, m->p.dev->buf + (len & 0x0fff),
			       m->p.dev->key, len);
	if (op & ROCE_H_ATOMIC) {
		peer_reth(ext + n, m->p.dev->buf + (len & 0xff8),
			  m->p.dev->key, 0);
		n += 28;
	}
	if (op & ROCE_H_AETH) {
		ext[n] = fuzz_u8(in);
		n += 4;
	}
	if (op & ROCE_H_ATOMACK)
		n += 8;
	if (op & (ROCE_H_IMM | ROCE_H_IETH)) {
		tfw_put32(ext + n, m->p.dev->key);
		n += 4;
	}
	return n;
}

/* What the QP expects, so that most packets go deep. */
static u32 psn_near(const struct rc_qp *q, u8 opcode, s32 off)
{
	bool rsp = tfw_roce_ops[opcode & 0x1f] & ROCE_F_RSP;
	u32 psn = 0;

	if (rsp && q->qp->req)
		psn = q->qp->req->una;
	else if (q->qp->resp)
		psn = q->qp->resp->epsn;
	return (psn + (u32)off) & 0xffffff;
}

static void op_packet(struct machine *m, struct fuzz_in *in, bool flawed)
{
	static u8 data[8192];
	u8 which = fuzz_u8(in), opcode = fuzz_u8(in), len = fuzz_u8(in);
	s32 off = (s8)fuzz_u8(in);
	const struct rc_qp *q = &m->qp[which % NQP];
	u8 class = which & 0x80 ? opcode & 0xe0 : class_of(q->type);
	u32 payload = len & 1 ? 256 : len >> 1, n;
	u8 ext[64] = { 0 };

	opcode = class | (opcode & 0x1f);
	/* Mostly in order. */
	if (off & 0x40)
		off = 0;
	if (tfw_roce_ops[opcode & 0x1f] & (ROCE_H_ATOMIC | ROCE_H_ATOMACK))
		payload = 0;
	n = make_ext(m, in, class, opcode, ext);
	fuzz_spoil(in, ext, n ? n : 1);
	peer_send_to(&m->p, fuzz_u8(in) == 1 ? TULLE_QPN_MCAST : q->qpn, opcode,
		     psn_near(q, opcode, off), fuzz_u8(in) & 1, ext, n, data,
		     payload, flawed ? fuzz_u8(in) : 0);
}

static void op_bytes(struct machine *m, struct fuzz_in *in)
{
	u8 frame[160] = { 0 };
	u32 len = 14 + fuzz_u8(in) % 146;

	fuzz_bytes(in, frame, len);
	rc_mac(0, frame);
	frame[12] = 8;
	frame[13] = 0;
	frame[14] = 0x45;
	frame[23] = 17;
	memcpy(frame + 30, "\x0a\0\0\1", 4);
	tfw_put16(frame + 36, 4791);
	fake_receive(&m->p.dev->d, frame, len);
}

static void op_post(struct machine *m, struct fuzz_in *in)
{
	static const u8 ops[] = { TULLE_WQE_SEND, TULLE_WQE_WRITE,
		TULLE_WQE_READ, TULLE_WQE_FETCH_ADD, TULLE_WQE_CMP_SWAP,
		TULLE_WQE_FLUSH, TULLE_WQE_WRITE_IMM, TULLE_WQE_SEND_INV };
	struct rc_qp *q = &m->qp[fuzz_u8(in) % NQP];
	struct rc_op o = { .op = ops[fuzz_u8(in) % sizeof(ops)],
			   .wr_id = m->seq++, .addr = m->p.dev->buf,
			   .raddr = 0x1000, .rkey = 1, .flush = 1,
			   .len = fuzz_u16(in) % 3000 };

	/* The ring must not run over: that is another fuzzer's business. */
	if (!q->dbr || q->qp->state == TULLE_QPS_RESET ||
	    q->pi - q->qp->sq_ci > (1U << RC_LOG_SQ) - 8)
		return;
	if (q->type == TULLE_QP_UD || q->type == TULLE_QP_GSI)
		return;
	if (o.op == TULLE_WQE_FETCH_ADD || o.op == TULLE_WQE_CMP_SWAP)
		o.len = 8;
	rc_do(q, &o);
}

static void op_recv(struct machine *m, struct fuzz_in *in)
{
	struct rc_qp *q = &m->qp[fuzz_u8(in) % NQP];

	if (!q->rq || q->qp->state == TULLE_QPS_RESET ||
	    q->rq_pi - q->qp->rq.ci >= 1U << RC_LOG_RQ)
		return;
	rc_recv(q, m->seq++, m->p.dev->buf + 32768, fuzz_u16(in) % 4000);
}

static void op_srq(struct machine *m, struct fuzz_in *in)
{
	struct tulle_rq_wqe *wqe = (void *)(m->srq_ring +
					    (m->srq_pi & 15) * 64);

	memset(wqe, 0, 64);
	wqe->nsge = 1;
	wqe->sge[0] = rc_sge(m->p.dev, m->p.dev->buf, fuzz_u16(in) % 4000);
	m->srq_dbr->pi = cpu_to_le32(++m->srq_pi);
	fake_kick(&m->p.dev->d, TULLE_UAR_SRQ, m->srq);
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
	while (rc_poll(&m->srq_cq))
		;
	rc_events_drop(m->p.dev);
}

static void op_state(struct machine *m, struct fuzz_in *in)
{
	unsigned int i = fuzz_u8(in) % NQP;
	u8 how = fuzz_u8(in) & 7;
	struct tulle_qp_attr attr = { .state = how & 1 ? TULLE_QPS_SQD :
							 TULLE_QPS_RTS };

	if (how < 2) {
		rc_to_state(&m->qp[i], TULLE_QPS_ERR);
	} else if (how < 5) {
		rc_to_state(&m->qp[i], TULLE_QPS_RESET);
		bring_up(m, i, how == 2 ? TULLE_QPS_RTR : TULLE_QPS_RTS);
	} else {
		/* May be refused. */
		rc_modify(&m->qp[i], TULLE_QP_MOD_STATE, &attr);
	}
}

static void check_books(const struct machine *m)
{
	unsigned int i;

	for (i = 0; i < NQP; i++) {
		const struct tfw_requester *r = m->qp[i].qp->req;

		if (!r || m->qp[i].qp->state < TULLE_QPS_RTS)
			continue;
		fuzz_assert(r->cur - r->head <= r->tail - r->head);
		fuzz_assert(r->tail - r->head <= TFW_WINDOW);
		if (types[i] != TULLE_QP_RC ||
		    m->qp[i].qp->state == TULLE_QPS_ERR)
			continue;
		fuzz_assert(tfw_psn_diff(r->max_psn, r->una) >= 0);
		fuzz_assert(tfw_psn_diff(r->next_psn, r->una) >= 0);
		fuzz_assert(tfw_psn_diff(r->new_psn, r->max_psn) >= 0);
		fuzz_assert(r->rd_out <= 4);
	}
}

static void step(struct machine *m, struct fuzz_in *in)
{
	enum op op = fuzz_u8(in) % OPS;

	switch (op) {
	case OP_PACKET:
	case OP_FLAWED:
		op_packet(m, in, op == OP_FLAWED);
		break;
	case OP_BYTES:
		op_bytes(m, in);
		break;
	case OP_POST:
		op_post(m, in);
		break;
	case OP_RECV:
		op_recv(m, in);
		break;
	case OP_SRQ:
		op_srq(m, in);
		break;
	case OP_TIME:
		fake_advance(&m->rc.env, fuzz_u16(in) * 1000ULL);
		break;
	case OP_CONSUME:
		op_consume(m);
		break;
	default:
		op_state(m, in);
	}
	check_books(m);
	fake_frames_drop(&m->p.dev->d);
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
	m->p.rc = &m->rc;
	m->p.dev = &m->rc.dev[0];
	make_qps(m);
	fuzz_grant_commands(&m->mem, &m->p.dev->d);
	fuzz_grant(&m->mem, m->p.dev->buf, BUFFER);
	fuzz_grant_queue(&m->mem, &m->p.dev->eq);
	fuzz_grant_queue(&m->mem, &m->p.dev->eq0);
	m->p.dev->d.on_write = on_write;
	for (n = 0; in.left && n < MAX_OPS; n++)
		step(m, &in);
	fuzz_end_dev(&m->p.dev->d, &m->mem);
	fake_exit(&m->rc.env);
	free(m);
	return 0;
}

/* Each operation once, to each QP, with something to receive into. */
size_t fuzz_seed(unsigned int number, u8 *buf)
{
	size_t n = 0;
	u8 i;

	if (number >= 2 * ROCE_OPS)
		return 0;
	for (i = 0; i < NQP; i++) {
		const u8 program[] = {
			OP_RECV, i, 0xa0, 0x0f,
			OP_SRQ, 0xa0, 0x0f,
			OP_POST, i, (u8)(number % 8), 0x00, 0x02,
			OP_PACKET, i, (u8)(number % ROCE_OPS), (u8)(number & 1),
			0, 0x00, 0x01, 0x1f, 0, 0, 1,
			OP_PACKET, i, (u8)(number % ROCE_OPS), 1,
			(u8)(number / ROCE_OPS), 0x00, 0x01, 0x1f, 0, 0, 1,
			OP_CONSUME,
			OP_TIME, 0xff, 0x20,
		};

		memcpy(buf + n, program, sizeof(program));
		n += sizeof(program);
	}
	return n;
}
