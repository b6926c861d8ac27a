// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Rules of the fence test (fence.c) about RDMA queues: both queues of a queue
 * pair in ERR, where all that is posted comes back flushed; the SQ of one in
 * RTS, whose messages arrive at another of the same device; and an SRQ.
 */
#include "fence_world.h"

#define PAIRS		3	/* that share the SRQ */
#define SRQ_LOG		4
#define SRQ_LOG_WQE	6
#define SRQ_MOST	8	/* messages of a round: fewer than the ring holds */
#define SRQ_TICK_NS	20000	/* longer than the shortest RNR timer */
#define POISON		0xff	/* no WQE looks like that */
#define RTS_NUMBER	0x100000000ULL	/* what the messages of qp_rts count from */

/*
 * struct fence_srq - an SRQ and those who receive from it
 *
 * lane[0] is its ring, lane[1..PAIRS] are the senders' SQs.
 *
 * @peer: the receivers; @cq: of their receives
 * @sent, @got: messages of each pair so far
 * @buf: where the WQEs point, by slot
 * @seen: slots that came back, of those posted in this round
 * @back: how many
 * @to_send, @to_post: what is left of this round
 * @limit: limit events in this round
 */
struct fence_srq {
	struct rc_qp		peer[PAIRS];
	struct tulle_cons	cq[PAIRS];
	u32			sent[PAIRS];
	u32			got[PAIRS];
	u64			buf;
	u32			seen;
	u32			back;
	u32			to_send;
	u32			to_post;
	u32			limit;
};

static struct tulle_rdma_cqe *peek_cqe(const struct tulle_cons *c)
{
	u8 *entry = tulle_cons_peek(c);

	return entry ? (void *)(entry + sizeof(struct tulle_rdma_cqe_ext)) :
		       NULL;
}

static void pop_cqe(struct tulle_cons *c)
{
	tulle_cons_pop(c);
	tulle_cons_update(c);
}

/* Everything comes back flushed, in order, with what was written in it. */
static bool poll_flushed(struct world *w, struct lane *l)
{
	struct tulle_rdma_cqe *cqe;

	while (!tulle_prod_is_empty(&l->prod)) {
		if (!wait_entry(w, &l->cq))
			return false;
		cqe = peek_cqe(&l->cq);
		if (cqe->status != TULLE_WC_WR_FLUSH ||
		    le64_to_cpu(cqe->wr_id) != l->prod.ci)
			abort();
		l->prod.ci++;
		pop_cqe(&l->cq);
	}
	jitter_delay(&w->driver);
	return true;
}

/* A SEND of one block, with that number in it. */
static void put_send(struct lane *l, u64 number)
{
	struct tulle_qp_wqe *wqe = tulle_prod_at(&l->prod);
	__le64 payload = cpu_to_le64(number);

	wqe->ctrl = (struct tulle_wqe_ctrl){
		.op = TULLE_WQE_SEND,
		.flags = TULLE_WQE_F_CQE | TULLE_WQE_F_INLINE,
		.nblocks = 1,
		.inl_len = cpu_to_le16(sizeof(payload)),
		.index = cpu_to_le16((u16)l->prod.pi),
		.total_len = cpu_to_le32(sizeof(payload)),
	};
	wqe->wr_id = cpu_to_le64(l->prod.pi);
	memcpy(wqe + 1, &payload, sizeof(payload));
	l->prod.pi++;
}

static void put_recv(struct lane *l, u64 addr, u32 key)
{
	struct tulle_rq_wqe *wqe = tulle_prod_at(&l->prod);

	*wqe = (struct tulle_rq_wqe){
		.wr_id = cpu_to_le64(l->prod.pi),
		.nsge = 1,
	};
	wqe->sge[0] = (struct tulle_sge){
		.addr = cpu_to_le64(addr),
		.len = cpu_to_le32(sizeof(u64)),
		.key = cpu_to_le32(key),
	};
	l->prod.pi++;
}

static bool qp_sq_round(struct world *w)
{
	u32 n = 1 + jitter_next(&w->driver) % 3;
	struct lane *l = &w->lane[0];

	while (n--)
		put_send(l, 0);
	publish(w, l, false);
	return poll_flushed(w, l);
}

static bool qp_rq_round(struct world *w)
{
	u32 n = 1 + jitter_next(&w->driver) % 3;
	struct lane *l = &w->lane[0];

	while (n--)
		put_recv(l, 0, 0);
	publish(w, l, false);
	return poll_flushed(w, l);
}

/* The next of what lane @l completes: in order, and good. */
static bool take_one(struct world *w, struct lane *l)
{
	struct tulle_rdma_cqe *cqe;

	if (!wait_entry(w, &l->cq))
		return false;
	cqe = peek_cqe(&l->cq);
	if (cqe->status || le64_to_cpu(cqe->wr_id) != l->prod.ci)
		abort();
	l->prod.ci++;
	pop_cqe(&l->cq);
	return true;
}

/*
 * Messages from lane 0 to lane 1, which has its WQEs beforehand. Some may be on
 * their way still when the next ones are posted, so that the device goes to
 * sleep behind any of them.
 */
static bool qp_rts_round(struct world *w)
{
	u32 n = 1 + jitter_next(&w->driver) % 3, i, keep;
	struct lane *sq = &w->lane[0], *rq = &w->lane[1];
	u64 addr;

	keep = jitter_next(&w->driver) % 4;
	for (i = 0; i < n; i++) {
		addr = w->rc->dev[0].buf + 8 * (rq->prod.pi & 63);
		put_recv(rq, addr, w->rc->dev[0].key);
		put_send(sq, RTS_NUMBER + sq->prod.pi);
	}
	publish(w, rq, false);
	publish(w, sq, false);
	while (tulle_prod_used(&sq->prod) > keep) {
		const u64 *p = fake_ptr(w->d, w->rc->dev[0].buf);
		u32 ix = rq->prod.ci;

		if (!take_one(w, rq))
			return false;
		if (le64_to_cpu(p[ix & 63]) != RTS_NUMBER + ix)
			abort();
		if (!take_one(w, sq))
			return false;
	}
	jitter_delay(&w->driver);
	return true;
}

static void srq_poison(struct world *w, u32 index)
{
	u32 slot = index & ((1U << SRQ_LOG) - 1);

	memset(tulle_ring_at(&w->lane[0].prod.ring, index), POISON,
	       1U << SRQ_LOG_WQE);
	memset(fake_ptr(w->d, w->srq->buf + 8 * slot), POISON, 8);
}

static void srq_fill(struct world *w, u32 n)
{
	struct lane *l = &w->lane[0];
	u32 mask = (1U << SRQ_LOG) - 1;

	while (n--)
		put_recv(l, w->srq->buf + 8 * (l->prod.pi & mask),
			 w->rc->dev[0].key);
}

/*
 * Without the driver's fence, on a CPU that does not keep its stores in order,
 * the entries are there after the index. This one does keep them: it is done
 * for it.
 */
static void srq_post(struct world *w, u32 n)
{
	struct lane *l = &w->lane[0];

	w->srq->to_post -= n;
	if (BREAK_FENCE == 1) {
		l->prod.pi += n;
		publish(w, l, false);
		l->prod.pi -= n;
		jitter_delay(&w->driver);
		srq_fill(w, n);
		return;
	}
	srq_fill(w, n);
	publish(w, l, false);
}

static void srq_send(struct world *w, u32 n)
{
	u32 i = jitter_next(&w->driver) % PAIRS;
	struct lane *l = &w->lane[1 + i];

	w->srq->to_send -= n;
	while (n--)
		put_send(l, (u64)i << 32 | w->srq->sent[i]++);
	publish(w, l, true);
}

/* A receive of pair @i: of a WQE that was posted, with the next message. */
static bool srq_recv(struct world *w, u32 i, const struct tulle_rdma_cqe *cqe)
{
	struct fence_srq *s = w->srq;
	struct tulle_prod *prod = &w->lane[0].prod;
	u32 ix = (u32)le64_to_cpu(cqe->wr_id), bit;
	const u64 *buf = fake_ptr(w->d, s->buf);

	bit = 1U << (ix & prod->ring.mask);
	if (cqe->status || !tulle_prod_has(prod, ix) || s->seen & bit ||
	    le64_to_cpu(buf[ix & prod->ring.mask]) !=
	    ((u64)i << 32 | s->got[i])) {
		printf("# srq: pair %u: status %u, WQE %#llx of %u..%u\n", i,
		       cqe->status, (unsigned long long)cqe->wr_id, prod->ci,
		       prod->pi);
		return false;
	}
	s->seen |= bit;
	s->got[i]++;
	s->back++;
	srq_poison(w, ix);
	return true;
}

/* All that completed; false: something is wrong with it. */
static bool srq_poll(struct world *w, bool *any)
{
	struct tulle_rdma_cqe *cqe;
	struct lane *l;
	u32 i;

	*any = false;
	for (i = 0; i < PAIRS; i++) {
		while ((cqe = peek_cqe(&w->srq->cq[i]))) {
			*any = true;
			if (!srq_recv(w, i, cqe))
				return false;
			pop_cqe(&w->srq->cq[i]);
		}
		l = &w->lane[1 + i];
		while ((cqe = peek_cqe(&l->cq))) {
			*any = true;
			if (cqe->status ||
			    le64_to_cpu(cqe->wr_id) != l->prod.ci)
				return false;
			l->prod.ci++;
			pop_cqe(&l->cq);
		}
	}
	return true;
}

static bool srq_all_back(const struct world *w)
{
	u32 i;

	for (i = 1; i <= PAIRS; i++)
		if (!tulle_prod_is_empty(&w->lane[i].prod))
			return false;
	return w->srq->back == tulle_prod_used(&w->lane[0].prod);
}

/* The SRQ has a WQE for every message: all of it completes. */
static bool srq_collect(struct world *w)
{
	u64 since = atomic_load(&w->rest);
	struct fence_srq *s = w->srq;
	u32 spins = 0;
	bool any;

	while (!srq_all_back(w)) {
		bool rested = at_rest(w, since, &spins);

		if (!srq_poll(w, &any) || (rested && !any))
			return false;
		if (any)
			since = atomic_load(&w->rest);
	}
	w->lane[0].prod.ci += s->back;
	s->back = 0;
	s->seen = 0;
	jitter_delay(&w->driver);
	return true;
}

/* Messages and WQEs in any order: dry or not, the ones find the others. */
static bool srq_mixed(struct world *w)
{
	struct fence_srq *s = w->srq;

	s->to_send = 1 + jitter_next(&w->driver) % SRQ_MOST;
	s->to_post = s->to_send;
	while (s->to_send || s->to_post) {
		if (s->to_send && (!s->to_post || jitter_next(&w->driver) & 1))
			srq_send(w, 1 + jitter_next(&w->driver) % s->to_send);
		else
			srq_post(w, 1 + jitter_next(&w->driver) % s->to_post);
		jitter_delay(&w->driver);
	}
	return srq_collect(w);
}

static bool srq_arm(struct world *w, u32 limit)
{
	struct tulle_arm_srq req = {
		.handle = cpu_to_le32(w->lane[0].handle),
		.limit = cpu_to_le16((u16)limit),
	};
	enum tulle_status st;

	pthread_mutex_lock(&w->lock);
	st = fake_cmd(w->d, TULLE_CMD_ARM_SRQ, &req, sizeof(req), NULL, 0);
	pthread_mutex_unlock(&w->lock);
	return !st;
}

static void srq_events(struct world *w)
{
	struct tulle_eqe *eqe;

	while ((eqe = tulle_cons_peek(&w->eq))) {
		if (eqe->type == TULLE_EVENT_SRQ) {
			if (le32_to_cpu(eqe->code) != TULLE_SRQ_EVENT_LIMIT)
				abort();
			w->srq->limit++;
			w->events++;
		}
		tulle_cons_pop(&w->eq);
	}
	tulle_cons_update(&w->eq);
}

/* The event comes, once so many WQEs were taken. */
static bool srq_wait_limit(struct world *w, u32 taken)
{
	struct fence_srq *s = w->srq;
	bool any;

	while (!s->limit) {
		if (!wait_entry(w, &w->eq))
			return false;
		srq_events(w);
	}
	/* Of the last one the completion may be behind the event. */
	if (!srq_poll(w, &any))
		return false;
	return s->back + 1 >= taken;
}

/* A driver that posts more when the limit event says so, or does not wait. */
static bool srq_limited(struct world *w)
{
	u32 n = 2 + jitter_next(&w->driver) % (SRQ_MOST - 1);
	u32 have = 1 + jitter_next(&w->driver) % (n - 1);
	u32 limit = 1 + jitter_next(&w->driver) % have;
	bool waits = jitter_next(&w->driver) & 1;
	struct fence_srq *s = w->srq;

	s->limit = 0;
	s->to_send = n;
	s->to_post = n;
	srq_post(w, have);
	if (!srq_arm(w, limit))
		return false;
	srq_events(w);
	if (s->limit)
		return false;	/* they were all there */
	while (s->to_send)
		srq_send(w, 1 + jitter_next(&w->driver) % s->to_send);
	if (waits && !srq_wait_limit(w, have - limit + 1))
		return false;
	while (s->to_post)
		srq_post(w, 1 + jitter_next(&w->driver) % s->to_post);
	if (!waits && !srq_wait_limit(w, have - limit + 1))
		return false;
	if (!srq_collect(w))
		return false;
	srq_events(w);
	return s->limit == 1;
}

static bool srq_round(struct world *w)
{
	return jitter_next(&w->driver) & 3 ? srq_mixed(w) : srq_limited(w);
}

static void lane_sq(struct lane *l, const struct rc_qp *q)
{
	l->handle = q->handle;
	l->doorbell = TULLE_UAR_QP_SQ;
	prod_init(l, q->sq, RC_LOG_SQ, 6, q->dbr);
	cons_from(&l->cq, &q->scq);
}

static void lane_rq(struct lane *l, const struct rc_qp *q)
{
	l->handle = q->handle;
	l->doorbell = TULLE_UAR_QP_RQ;
	prod_init(l, q->rq, RC_LOG_RQ, RC_LOG_RQ_WQE, q->dbr);
	l->pi = &q->dbr->rq_pi;
	l->evt = &q->dbr->rq_evt;
	cons_from(&l->cq, &q->rcq);
}

static void setup_flush(struct world *w, bool sq)
{
	struct lane *l = &w->lane[0];

	rc_qp_init(&w->rc->dev[0], &l->qp, TULLE_QP_UD, 0, 0);
	rc_to_state(&l->qp, TULLE_QPS_ERR);
	if (sq)
		lane_sq(l, &l->qp);
	else
		lane_rq(l, &l->qp);
	slow_at(w, l->evt, 4);
}

static void setup_qp_sq(struct world *w)
{
	setup_flush(w, true);
}

static void setup_qp_rq(struct world *w)
{
	setup_flush(w, false);
}

static void setup_qp_rts(struct world *w)
{
	struct rc_dev *dev = &w->rc->dev[0];
	struct lane *sq = &w->lane[0], *rq = &w->lane[1];

	rc_qp_init(dev, &sq->qp, TULLE_QP_RC, 0, 0);
	rc_qp_init(dev, &rq->qp, TULLE_QP_RC, 0, 0);
	rc_connect(&sq->qp, &rq->qp, NULL);
	lane_sq(sq, &sq->qp);
	lane_rq(rq, &rq->qp);
	dev->buf = rc_mem(dev, 64 * sizeof(u64));
	slow_at(w, sq->evt, 4);
}

static void srq_create(struct world *w, struct lane *l)
{
	struct rc_dev *dev = &w->rc->dev[0];
	u64 dbr = fake_mem(w->d, sizeof(struct tulle_dbr), 128), ring;
	struct tulle_srq_ctx ctx = {
		.pd = cpu_to_le32(dev->pd),
		.dbr = cpu_to_le64(dbr),
		.log_size = SRQ_LOG,
		.log_wqe_size = SRQ_LOG_WQE,
	};

	ctx.pages = fake_pages(w->d, 1UL << (SRQ_LOG + SRQ_LOG_WQE), &ring);
	l->handle = fake_create(w->d, TULLE_CMD_CREATE_SRQ, &ctx, sizeof(ctx),
				NULL);
	assert_int_not_equal(l->handle, 0);
	l->doorbell = TULLE_UAR_SRQ;
	prod_init(l, fake_ptr(w->d, ring), SRQ_LOG, SRQ_LOG_WQE,
		  fake_ptr(w->d, dbr));
}

static void setup_srq(struct world *w)
{
	const struct rc_attr attr = { .rnr_timer = 1 };	/* the shortest */
	struct fence_srq *s = calloc(1, sizeof(*s));
	struct rc_dev *dev = &w->rc->dev[0];
	struct lane *l = &w->lane[0];
	u32 i;

	if (!s)
		abort();
	w->srq = s;
	w->tick = SRQ_TICK_NS;
	srq_create(w, l);
	s->buf = rc_mem(dev, sizeof(u64) << SRQ_LOG);
	for (i = 0; i < 1U << SRQ_LOG; i++)
		srq_poison(w, i);
	for (i = 0; i < PAIRS; i++) {
		rc_qp_init(dev, &l[1 + i].qp, TULLE_QP_RC, 0, 0);
		rc_qp_init(dev, &s->peer[i], TULLE_QP_RC, l->handle, 0);
		rc_connect(&l[1 + i].qp, &s->peer[i], &attr);
		lane_sq(&l[1 + i], &l[1 + i].qp);
		cons_from(&s->cq[i], &s->peer[i].rcq);
	}
	slow_at(w, l->evt, 4);
}

const struct rule fence_rdma_rules[] = {
	{ "qp_sq", "kick rule of a QP's SQ in ERR: no wake-up lost",
	  qp_sq_round, setup_qp_sq, .rdma = true, .breaks = FENCE_BOTH },
	{ "qp_rq", "kick rule of a QP's RQ in ERR: no wake-up lost",
	  qp_rq_round, setup_qp_rq, .rdma = true, .breaks = FENCE_BOTH },
	{ "qp_rts", "kick rule of a QP's SQ in RTS: no wake-up lost",
	  qp_rts_round, setup_qp_rts, .rdma = true, .breaks = FENCE_BOTH },
	/* The device is not woken by an SRQ: no fence of its own matters. */
	{ "srq", "an SRQ: no WQE taken before its index, no limit event lost",
	  srq_round, setup_srq, .rdma = true, .breaks = FENCE_DRIVER },
	{ 0 }
};
