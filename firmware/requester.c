// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The sending side of a QP: WQEs are fetched one by one, cut into packets and
 * sent as far as the window, the fences and the wire permit.
 */
#include "transport.h"

#define ACK_EVERY	32	/* packets */

/* So far apart two numbers cannot be told from the other way round. */
#define PSN_REGION	(1U << 23)

/* What became of a look at the WQE that is next to send. */
enum step {
	STEP_ON,		/* look again */
	STEP_WAIT,		/* until something arrives, or a timer */
};

static bool has_queue(const struct tfw_qp *qp)
{
	return qp->type != TULLE_QP_XRC_TGT;
}

static bool reliable(const struct tfw_qp *qp)
{
	return tfw_qp_is_rc(qp);
}

/* Room for one more, at most as many as there are packets in the window. */
static bool make_room(struct tfw_qp *qp)
{
	struct tfw_requester *r = qp->req;
	u32 room = 1U << r->log_room, i;
	struct tfw_swqe *ring;

	if (r->tail - r->head < room)
		return true;
	if (room >= TFW_WINDOW)
		return false;
	ring = tfw_alloc(tfw_qp_engine(qp), 2 * room * sizeof(*ring));
	if (!ring)
		return false;
	for (i = r->head; i != r->tail; i++)
		ring[i & (2 * room - 1)] = *tfw_req_at(r, i);
	tfw_free(tfw_qp_engine(qp), r->ring);
	r->ring = ring;
	r->log_room++;
	return true;
}

static bool is_local(const struct tfw_swqe *e)
{
	return e->op == TULLE_WQE_LOCAL_INV || e->op == TULLE_WQE_REG_MR ||
	       e->op == TULLE_WQE_BIND_MW;
}

static bool uses_psn(const struct tfw_qp *qp, const struct tfw_swqe *e)
{
	return (reliable(qp) || qp->type == TULLE_QP_UC) && !is_local(e) &&
	       !e->status;
}

static bool nop_good(const struct tulle_wqe_ctrl *c)
{
	return !c->nsge && !c->inl_len && !c->imm && !c->total_len;
}

static void qp_stop(struct tfw_qp *qp)
{
	if (reliable(qp))
		tfw_qp_fail(qp, -1);
	else
		tfw_qp_sq_error(qp);
}

/* Its error comes in its turn, behind those before it. */
static int add_malformed(struct tfw_qp *qp, const u8 *buf, u16 ix, u8 wrong)
{
	const struct tulle_qp_wqe *w = (const void *)buf;
	struct tfw_requester *r = qp->req;

	*tfw_req_at(r, r->tail++) = (struct tfw_swqe){
		.wr_id = le64_to_cpu(w->wr_id),
		.ix = ix,
		.psn = r->new_psn,
		.op = TULLE_WQE_SEND,
		.status = TULLE_WC_LOC_QP_OP,
		.syndrome = wrong,
		.malformed = true,
	};
	return 1;
}

/* One more WQE at the tail; 0: there is none, < 0: stop. */
static int fetch(struct tfw_qp *qp)
{
	_Alignas(16) u8 buf[TULLE_SQ_MAX_BLOCKS * TULLE_SQ_BLOCK];
	const struct tulle_wqe_ctrl *c = (const void *)buf;
	struct tfw_requester *r = qp->req;
	u16 next = (u16)(qp->sq_ci + 1);
	struct tfw_swqe *e;
	u8 wrong;
	int n;

	n = tfw_qp_fetch(qp, buf, &wrong);
	if (n < 0 && wrong)
		return add_malformed(qp, buf, next, wrong);
	if (n <= 0)
		return n;
	if (c->op == TULLE_WQE_NOP && nop_good(c))
		return n;
	e = tfw_req_at(r, r->tail);
	if (!tfw_swqe_parse(qp, buf, (u32)n, e))
		e->status = TULLE_WC_GENERAL;
	e->psn = r->new_psn;
	if (uses_psn(qp, e)) {
		e->npsn = e->op == TULLE_WQE_FLUSH ? 1 :
						     tfw_qp_npsn(qp, e->len);
		if (e->npsn >= PSN_REGION) {
			e->npsn = 0;
			e->status = TULLE_WC_LOC_LEN;
		}
		r->new_psn = (r->new_psn + e->npsn) & TFW_PSN_MASK;
	}
	r->tail++;
	return n;
}

void tfw_req_error(struct tfw_qp *qp, u8 status, u8 syndrome)
{
	struct tfw_requester *r = qp->req;
	bool malformed = false;
	struct tfw_swqe *e;

	if (r->head != r->tail) {
		e = tfw_req_at(r, r->head);
		malformed = e->malformed;
		e->syndrome = syndrome;
		r->head++;
		if (r->cur - r->head > r->tail - r->head)
			r->cur = r->head;
		tfw_swqe_complete(qp, e, status);
		tfw_swqe_free(qp, e);
	}
	if (malformed)
		tfw_qp_fail(qp, -1);
	else
		qp_stop(qp);
}

bool tfw_req_retire(struct tfw_qp *qp)
{
	struct tfw_requester *r = qp->req;
	struct tfw_swqe *e;

	while (r->head != r->tail) {
		e = tfw_req_at(r, r->head);
		if (!e->done)
			break;
		if (e->started)
			r->rd_out--;
		if (r->cur == r->head)
			r->cur++;
		r->head++;
		tfw_swqe_complete(qp, e, TULLE_WC_SUCCESS);
		tfw_swqe_free(qp, e);
		if (qp->state == TULLE_QPS_ERR)
			return false;
	}
	return true;
}

/* Registers, binds or invalidates a key. */
static enum step run_local(struct tfw_qp *qp, struct tfw_swqe *e, s64 *left)
{
	struct tfw_requester *r = qp->req;

	*left -= TFW_COST_MIN;
	switch (e->op) {
	case TULLE_WQE_REG_MR:
		*left -= TFW_MIN(le32_to_cpu(e->reg.npages),
				 (u32)TFW_MAX_FRWR_PAGES) * (s64)sizeof(u64);
		e->status = tfw_mkey_register(qp, &e->reg);
		break;
	case TULLE_WQE_BIND_MW:
		e->status = tfw_mkey_bind(qp, &e->bind);
		break;
	default:
		/* What is on its way may have to be read again: wait for it. */
		if (r->head != r->cur)
			return STEP_WAIT;
		e->status = tfw_mkey_invalidate(qp, le32_to_cpu(e->imm), false);
	}
	if (e->status)
		return STEP_ON;
	e->done = true;
	r->cur++;
	tfw_req_retire(qp);
	return STEP_ON;
}

/* Datagrams and raw frames are done once they have left. */
static enum step run_datagram(struct tfw_qp *qp, struct tfw_swqe *e, s64 *left)
{
	struct tfw_requester *r = qp->req;

	if (!tfw_qp_may_send(qp))
		return STEP_WAIT;
	r->copies = 0;
	if (qp->type == TULLE_QP_RAW)
		tfw_raw_send(qp, e);
	else
		tfw_ud_send(qp, e);
	*left -= (1 + (s64)r->copies) * TFW_MAX(e->len, (u32)TFW_COST_MIN);
	if (e->status)
		return STEP_ON;
	tfw_req_sent(qp, e);
	e->done = true;
	r->cur++;
	tfw_req_retire(qp);
	return STEP_ON;
}

static u8 data_opcode(const struct tfw_swqe *e, bool first, bool last)
{
	bool write = e->op == TULLE_WQE_WRITE || e->op == TULLE_WQE_WRITE_IMM;
	bool imm = e->op == TULLE_WQE_WRITE_IMM || e->op == TULLE_WQE_SEND_IMM;
	u8 base = write ? ROCE_WRITE_FIRST : ROCE_SEND_FIRST;

	if (!last)
		return first ? base : (u8)(base + ROCE_SEND_MIDDLE);
	if (e->op == TULLE_WQE_SEND_INV)
		return first ? ROCE_SEND_ONLY_INV : ROCE_SEND_LAST_INV;
	return (u8)(base + (first ? ROCE_SEND_ONLY : ROCE_SEND_LAST) + imm);
}

u8 tfw_req_opcode(const struct tfw_swqe *e, bool first, bool last)
{
	switch (e->op) {
	case TULLE_WQE_READ:
		return ROCE_READ;
	case TULLE_WQE_CMP_SWAP:
		return ROCE_CMP_SWAP;
	case TULLE_WQE_FETCH_ADD:
		return ROCE_FETCH_ADD;
	case TULLE_WQE_ATOMIC_WRITE:
		return ROCE_ATOMIC_WRITE;
	case TULLE_WQE_FLUSH:
		return ROCE_FLUSH;
	default:
		return data_opcode(e, first, last);
	}
}

/* A packet of a SEND or WRITE. */
static void make_data(const struct tfw_swqe *e, u32 i, struct tfw_roce_tx *tx)
{
	bool first = !i, last = i + 1 == e->npsn;

	tx->opcode = tfw_req_opcode(e, first, last);
	if (first && (e->op == TULLE_WQE_WRITE ||
		      e->op == TULLE_WQE_WRITE_IMM)) {
		tfw_roce_ext64(tx, le64_to_cpu(e->rdma.addr));
		tfw_roce_ext32(tx, le32_to_cpu(e->rdma.key));
		tfw_roce_ext32(tx, e->len);
	}
	if (!last)
		return;
	tx->solicited = e->flags & TULLE_WQE_F_SOLICITED &&
			e->op != TULLE_WQE_WRITE;
	if (e->op == TULLE_WQE_SEND_INV) {
		tfw_roce_ext32(tx, le32_to_cpu(e->imm));
	} else if (e->op != TULLE_WQE_SEND && e->op != TULLE_WQE_WRITE) {
		memcpy(tx->ext + tx->next, &e->imm, sizeof(e->imm));
		tx->next += sizeof(e->imm);
	}
}

/* READ, atomics, FLUSH: one request; a READ that was answered in part: rest. */
static void make_request(const struct tfw_swqe *e, u32 off,
			 struct tfw_roce_tx *tx)
{
	tx->opcode = tfw_req_opcode(e, true, true);
	if (e->op == TULLE_WQE_CMP_SWAP || e->op == TULLE_WQE_FETCH_ADD) {
		tfw_roce_ext64(tx, le64_to_cpu(e->atomic.addr));
		tfw_roce_ext32(tx, le32_to_cpu(e->atomic.key));
		tfw_roce_ext64(tx, le64_to_cpu(e->atomic.swap_add));
		tfw_roce_ext64(tx, le64_to_cpu(e->atomic.compare));
		return;
	}
	if (e->op == TULLE_WQE_FLUSH)
		tfw_roce_ext32(tx, le32_to_cpu(e->rdma.flush));
	tfw_roce_ext64(tx, le64_to_cpu(e->rdma.addr) + off);
	tfw_roce_ext32(tx, le32_to_cpu(e->rdma.key));
	tfw_roce_ext32(tx, e->len - off);
}

static bool wants_ack(struct tfw_requester *r, const struct tfw_roce_tx *tx,
		      bool last)
{
	if (last || ++r->since_req >= ACK_EVERY ||
	    tfw_psn_diff(tx->psn, r->una) + 1 >= TFW_WINDOW) {
		r->since_req = 0;
		return true;
	}
	return false;
}

/* Sequence numbers that the packet at the cursor takes: a READ's answer has some. */
static u32 packet_psns(const struct tfw_requester *r, const struct tfw_swqe *e)
{
	return tfw_swqe_answered(e) ?
	       e->npsn - ((r->next_psn - e->psn) & TFW_PSN_MASK) : 1;
}

/*
 * May it leave now? So that old and new can be told apart, all that is on its
 * way takes less than half of the numbers.
 */
static bool in_window(const struct tfw_requester *r, const struct tfw_swqe *e)
{
	u32 ahead = (r->next_psn - r->una) & TFW_PSN_MASK;

	return ahead < TFW_WINDOW && ahead + packet_psns(r, e) < PSN_REGION;
}

/* Builds and sends the packet at the cursor. */
static u8 send_one(struct tfw_qp *qp, struct tfw_swqe *e, s64 *left)
{
	struct tfw_requester *r = qp->req;
	u32 i = (r->next_psn - e->psn) & TFW_PSN_MASK;
	u32 off = i << qp->attr.path_mtu;
	struct tfw_roce_tx tx = { .qpn = qp->attr.dest_qpn,
				  .psn = r->next_psn };
	struct tfw_sgl sgl;

	if (qp->type == TULLE_QP_XRC_INI)
		tfw_roce_ext32(&tx, e->srqn);
	if (tfw_swqe_answered(e)) {
		make_request(e, off, &tx);
		tx.ack_req = true;
	} else {
		make_data(e, i, &tx);
		if (reliable(qp))
			tx.ack_req = wants_ack(r, &tx, i + 1 == e->npsn);
	}
	if (!tfw_swqe_answered(e) || e->op == TULLE_WQE_ATOMIC_WRITE) {
		tfw_swqe_sgl(e, &sgl);
		tx.data = (struct tfw_data){ .qp = qp, .sgl = &sgl, .off = off,
			.access = TULLE_MKEY_LOCAL_READ,
			.len = TFW_MIN(e->len - off, tfw_qp_mtu(qp)) };
	}
	if (qp->type == TULLE_QP_UC)
		tx.opcode |= ROCE_UC;
	else if (qp->type == TULLE_QP_XRC_INI)
		tx.opcode |= ROCE_XRC;
	*left -= TFW_MAX((s64)tx.data.len, (s64)TFW_COST_MIN);
	return tfw_roce_send(qp, &qp->attr.av, &tx) ? TULLE_WC_LOC_PROT :
						      TULLE_WC_SUCCESS;
}

/* The cursor moves on behind the packet of @e that was sent. */
static void advance(struct tfw_qp *qp, struct tfw_swqe *e)
{
	struct tfw_requester *r = qp->req;
	u32 n = packet_psns(r, e);

	tfw_req_sent(qp, e);
	if (tfw_psn_diff(r->next_psn, r->max_psn) < 0)
		TFW_QP_COUNT(qp, retransmits, 1);
	r->next_psn = (r->next_psn + n) & TFW_PSN_MASK;
	qp->attr.sq_psn = r->next_psn;
	if (tfw_psn_diff(r->next_psn, r->max_psn) > 0)
		r->max_psn = r->next_psn;
	if (r->next_psn == ((e->psn + e->npsn) & TFW_PSN_MASK)) {
		r->cur++;
		if (!reliable(qp))
			e->done = true;
	}
}

static enum step run_packet(struct tfw_qp *qp, struct tfw_swqe *e, s64 *left)
{
	if (reliable(qp) && !in_window(qp->req, e))
		return STEP_WAIT;
	if (!tfw_qp_may_send(qp))
		return STEP_WAIT;
	e->status = send_one(qp, e, left);
	/* What was sent within the function may have been too much for it. */
	if (e->status || qp->state == TULLE_QPS_ERR)
		return STEP_ON;
	if (reliable(qp))
		tfw_req_timer_start(qp);
	advance(qp, e);
	if (!reliable(qp))
		tfw_req_retire(qp);
	return STEP_ON;
}

/* READs and atomics: no more at once than the partner takes. */
static bool may_start(struct tfw_qp *qp, struct tfw_swqe *e)
{
	struct tfw_requester *r = qp->req;

	if (!tfw_swqe_answered(e) || e->started)
		return true;
	if (!qp->attr.max_rd_atomic) {
		e->status = TULLE_WC_LOC_QP_OP;
		return true;
	}
	if (r->rd_out >= qp->attr.max_rd_atomic)
		return false;
	e->started = true;
	r->rd_out++;
	return true;
}

static enum step run_wqe(struct tfw_qp *qp, struct tfw_swqe *e, s64 *left)
{
	struct tfw_requester *r = qp->req;
	struct tfw_qp *peer;

	/* Once it began, what it had to wait for is over. */
	if (!e->status && (e->flags & TULLE_WQE_F_FENCE) && !e->started &&
	    !e->sent && r->rd_out)
		return STEP_WAIT;
	if (!e->status && uses_psn(qp, e) && !may_start(qp, e))
		return STEP_WAIT;
	/* An error is told when everything before it was. */
	if (e->status) {
		if (r->cur != r->head)
			return STEP_WAIT;
		tfw_req_error(qp, e->status, e->syndrome);
		return STEP_ON;
	}
	if (is_local(e)) {
		/* Once: what it did may be undone by now, and for good. */
		if (!e->done)
			return run_local(qp, e, left);
		r->cur++;
		return STEP_ON;
	}
	if (!uses_psn(qp, e))
		return run_datagram(qp, e, left);
	peer = tfw_loop_peer(qp);
	if (peer && tfw_loop_run(qp, peer, e, left))
		return r->rnr_wait ? STEP_WAIT : STEP_ON;
	return run_packet(qp, e, left);
}

bool tfw_req_run(struct tfw_qp *qp, s64 *left)
{
	struct tfw_requester *r = qp->req;
	int n;

	if (!has_queue(qp))
		return false;
	if (r->flushing)
		tfw_req_flush(qp, left);
	tfw_req_timer_renew(qp);
	while (*left > 0) {
		if (qp->state != TULLE_QPS_RTS && qp->state != TULLE_QPS_SQD)
			return true;
		if (r->rnr_wait)
			return false;
		if (r->cur != r->tail) {
			if (run_wqe(qp, tfw_req_at(r, r->cur), left) ==
			    STEP_WAIT)
				return false;
			continue;
		}
		if (qp->state == TULLE_QPS_SQD) {
			if (r->head == r->tail)
				tfw_qp_drained(qp);
			return false;
		}
		if (!make_room(qp))
			return false;
		n = fetch(qp);
		if (n < 0)
			return qp->state != TULLE_QPS_RTS;
		if (!n)
			return !tfw_qp_sleep(qp);
		/* Nothing was queued by it: a NOP, which is not free either. */
		if (r->cur == r->tail)
			*left -= TFW_COST_MIN;
	}
	return true;
}

/* What the SQ still holds, one WQE; as fetch(). */
static int flush_one(struct tfw_qp *qp)
{
	_Alignas(16) u8 buf[TULLE_SQ_MAX_BLOCKS * TULLE_SQ_BLOCK];
	const struct tulle_qp_wqe *w = (const void *)buf;
	u16 next = (u16)(qp->sq_ci + 1);
	struct tfw_swqe e;
	u8 wrong;
	int n;

	n = tfw_qp_fetch(qp, buf, &wrong);
	if (n < 0 && wrong && qp->state != TULLE_QPS_ERR) {
		add_malformed(qp, buf, next, wrong);
		tfw_req_error(qp, TULLE_WC_LOC_QP_OP, wrong);
	}
	if (n <= 0 || w->ctrl.op == TULLE_WQE_NOP)
		return n;
	e = (struct tfw_swqe){
		.wr_id = le64_to_cpu(w->wr_id),
		.ix = (u16)qp->sq_ci,
		.op = w->ctrl.op,
	};
	tfw_swqe_complete(qp, &e, TULLE_WC_WR_FLUSH);
	return n;
}

bool tfw_req_flush(struct tfw_qp *qp, s64 *left)
{
	struct tfw_requester *r = qp->req;

	if (!has_queue(qp))
		return false;
	for (; r->head != r->tail; r->head++, *left -= TFW_COST_MIN) {
		struct tfw_swqe *e = tfw_req_at(r, r->head);

		tfw_swqe_complete(qp, e, TULLE_WC_WR_FLUSH);
		tfw_swqe_free(qp, e);
	}
	r->cur = r->tail;
	r->rd_out = 0;
	r->next_psn = r->new_psn;
	while (*left > 0) {
		if (r->flushing && qp->sq_ci == r->flush_to) {
			r->flushing = false;
			break;
		}
		/* Nonsense was skipped; what follows it is flushed as well. */
		if (flush_one(qp) <= 0)
			return !tfw_qp_sleep(qp);
		*left -= TFW_COST_MIN;
	}
	return true;
}

void tfw_req_restart(struct tfw_qp *qp)
{
	struct tfw_requester *r = qp->req;

	/* When it is out of reach, whoever fetches from it finds out. */
	tfw_qp_sq_load(qp);
	r->flush_to = qp->sq_pi;
	r->flushing = true;
}
