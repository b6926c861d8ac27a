// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * What a requester does when nothing comes back, or a refusal: it goes back to
 * the oldest packet that is missing, so often as it may.
 */
#include "transport.h"

/* IBTA table 45, in units of 10 us. */
static const u32 rnr_delay[32] = {
	65536, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192,
	256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288,
	16384, 24576, 32768, 49152,
};

u64 tfw_rnr_ns(u8 code)
{
	return rnr_delay[code & ROCE_AETH_VALUE] * 10000ULL;
}

#define RNR_FOREVER	7
#define IMPLIED_SHARE	16	/* of the time for an acknowledgment */
#define LONGEST		4	/* times that: IBTA 9.7.6.1.3 */

static u64 ack_ns(const struct tfw_qp *qp)
{
	return 4096ULL << (qp->attr.timeout & 31);
}

static bool in_flight(const struct tfw_requester *r)
{
	return r->una != r->max_psn;
}

static void wait_anew(struct tfw_qp *qp)
{
	struct tfw_requester *r = qp->req;
	u64 now = tfw_qp_engine(qp)->now;

	r->due = now + ack_ns(qp);
	r->due_last = now + LONGEST * ack_ns(qp);
}

/*
 * What comes is not what is missing, but who sends it is still busy: a long answer
 * that was asked for twice comes twice, and whatever is behind it waits that long.
 */
void tfw_req_alive(struct tfw_qp *qp)
{
	struct tfw_requester *r = qp->req;

	if (in_flight(r))
		r->due = TFW_MIN(tfw_qp_engine(qp)->now + ack_ns(qp),
				 r->due_last);
}

/* The deadline moves often, the timer seldom: it looks again when it fires. */
void tfw_req_timer_start(struct tfw_qp *qp)
{
	struct tfw_requester *r = qp->req;

	if (!in_flight(r))
		wait_anew(qp);
	if (!qp->attr.timeout || r->rnr_wait || tfw_timer_armed(&r->timer))
		return;
	wait_anew(qp);
	tfw_timer_arm(tfw_qp_engine(qp), &r->timer, r->due);
}

void tfw_req_timer_renew(struct tfw_qp *qp)
{
	struct tfw_requester *r = qp->req;

	if (tfw_timer_armed(&r->timer))
		return;
	r->rnr_wait = false;
	if (in_flight(r))
		tfw_req_timer_start(qp);
}

void tfw_req_progress(struct tfw_qp *qp)
{
	struct tfw_requester *r = qp->req;

	r->retry_left = qp->attr.retry_cnt;
	r->rnr_left = qp->attr.rnr_retry;
	r->implied = false;
	wait_anew(qp);
}

void tfw_req_seek(struct tfw_requester *r, u32 psn)
{
	struct tfw_swqe *e;
	u32 ix;

	for (ix = r->head; ix != r->tail; ix++) {
		e = tfw_req_at(r, ix);
		if (e->npsn ? tfw_psn_diff(psn, e->psn + e->npsn) < 0 :
			      !e->done)
			break;
	}
	r->cur = ix;
	r->next_psn = psn;
	r->since_req = 0;
}

static void implied_asked(struct tfw_qp *qp)
{
	struct tfw_requester *r = qp->req;

	r->implied_lost = false;
	r->implied_max = r->max_psn;
	r->implied_at = tfw_qp_engine(qp)->now;
}

bool tfw_req_again(struct tfw_qp *qp, u32 psn)
{
	struct tfw_requester *r = qp->req;

	if (!r->retry_left) {
		tfw_req_error(qp, TULLE_WC_RETRY_EXC, 0);
		return false;
	}
	r->retry_left--;
	/* The timer's, for what an answer skipped: that may still go on. */
	r->implied &= r->implied_psn == psn;
	implied_asked(qp);
	wait_anew(qp);
	tfw_req_seek(r, psn);
	tfw_qp_wake(qp);
	return true;
}

/*
 * Does @got tell that what was asked for again got lost again? The old answer goes
 * on from where it was: what belongs to its first half once more is the beginning
 * of a new one. And who answers what was first sent after the repetition has passed
 * that. Without a timer any answer tells, lest the last hope be missed.
 */
static bool lost_again(struct tfw_qp *qp, u32 got)
{
	struct tfw_requester *r = qp->req;
	u32 half = r->implied_psn + (u32)tfw_psn_diff(got, r->implied_psn) / 2;

	if (tfw_psn_diff(half, r->implied_half) > 0)
		r->implied_half = half & TFW_PSN_MASK;
	return !qp->attr.timeout || tfw_psn_diff(got, r->implied_half) <= 0 ||
	       tfw_psn_diff(got, r->implied_max) >= 0;
}

/*
 * Answers behind the one that is missing, to what was sent before it was asked for
 * again, arrive until the partner comes to that; one that is executing a long READ
 * finishes it first. To go back for each of them would have the same answered many
 * times over.
 */
void tfw_req_skipped(struct tfw_qp *qp, u32 psn, u32 got)
{
	struct tfw_requester *r = qp->req;
	u64 now = tfw_qp_engine(qp)->now;

	if (r->implied && r->implied_psn == psn) {
		tfw_req_alive(qp);
		r->implied_lost |= lost_again(qp, got);
		if (!r->implied_lost ||
		    now - r->implied_at < ack_ns(qp) / IMPLIED_SHARE)
			return;
		tfw_req_seek(r, psn);
		tfw_qp_wake(qp);
	} else if (!tfw_req_again(qp, psn)) {
		return;
	}
	TFW_QP_COUNT(qp, implied_naks, 1);
	r->implied = true;
	r->implied_psn = psn;
	r->implied_half = got;
	implied_asked(qp);
}

void tfw_req_rnr(struct tfw_qp *qp, u8 code)
{
	struct tfw_requester *r = qp->req;

	if (!r->rnr_left && qp->attr.rnr_retry != RNR_FOREVER) {
		tfw_req_error(qp, TULLE_WC_RNR_RETRY_EXC, 0);
		return;
	}
	if (qp->attr.rnr_retry != RNR_FOREVER)
		r->rnr_left--;
	tfw_req_seek(r, r->una);
	r->rnr_wait = true;
	tfw_timer_arm(tfw_qp_engine(qp), &r->timer,
		      tfw_qp_engine(qp)->now + tfw_rnr_ns(code));
}

void tfw_req_timer(struct tfw_timer *t)
{
	struct tfw_requester *r = tfw_container(t, struct tfw_requester, timer);
	struct tfw_qp *qp = r->qp;
	struct tfw_engine *e = tfw_qp_engine(qp);

	/* Nobody can answer: the QP's next turn comes when somebody can. */
	if (!tfw_func_live(qp->obj.func))
		return;
	if (r->rnr_wait) {
		r->rnr_wait = false;
		tfw_qp_wake(qp);
		return;
	}
	if (!in_flight(r) || !qp->attr.timeout)
		return;
	if (e->now < r->due) {
		tfw_timer_arm(e, t, r->due);
		return;
	}
	/* The wire takes nothing at all: that is nobody's loss. */
	if (tfw_waiter_waits(&r->wait)) {
		wait_anew(qp);
		tfw_timer_arm(e, t, r->due);
		return;
	}
	TFW_QP_COUNT(qp, timeouts, 1);
	if (tfw_req_again(qp, r->una))
		tfw_timer_arm(e, t, r->due);
}
