// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Two threads that post to one QP, one that polls and sleeps between events,
 * and one that is the device and sleeps between doorbells. A fence that is
 * missing leaves somebody asleep for good, and the alarm ends the program.
 */
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "fake.h"

#define ROUNDS	200000	/* work requests of each thread */
#define THREADS	2
#define PAUSE	1000	/* after so many, a thread waits for the device to sleep */

struct stage {
	struct tulle_cq *cq;
	struct tulle_qp *qp;
	atomic_uint events;
	atomic_bool stop;
	atomic_uint sleeps;	/* of the device */
};

static uint32_t load(const void *at)
{
	return le32toh(__atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE));
}

static void store(void *at, uint32_t value)
{
	__atomic_store_n((uint32_t *)at, htole32(value), __ATOMIC_RELEASE);
}

/* The device's side of the arm rule; at most one event for each number. */
static void device_event(struct stage *s, uint32_t *fired)
{
	uint32_t arm;

	atomic_thread_fence(memory_order_seq_cst);
	arm = load(&s->cq->cons.dbr->arm);
	if (!(arm & 3) || arm >> 2 == *fired)
		return;
	*fired = arm >> 2;
	atomic_fetch_add(&s->events, 1);
}

static void device_complete(struct stage *s, uint32_t index, uint64_t wr_id,
			    uint16_t behind)
{
	struct tulle_cq *cq = s->cq;
	uint32_t n = 1U << cq->cons.ring.log_size;
	struct tulle_rdma_cqe *to = (struct tulle_rdma_cqe *)cq->buf.addr +
				    index % n;

	while (index - load(&cq->cons.dbr->ci) >= n)
		sched_yield();
	to->wr_id = wr_id;
	to->qn_op = htole32(FAKE_QPN | TULLE_CQE_SEND << 24);
	to->wqe = htole16(behind);
	__atomic_store_n(&to->owner, !(index / n & 1), __ATOMIC_RELEASE);
}

/* Its side of the kick rule: true when it went to sleep and was woken. */
static void device_idle(struct stage *s, uint32_t seen)
{
	struct tulle_dbr *dbr = s->qp->dbr;

	store(&dbr->evt, seen);
	atomic_thread_fence(memory_order_seq_cst);
	if (load(&dbr->pi) == seen) {
		atomic_fetch_add(&s->sleeps, 1);
		while (!__atomic_exchange_n(&fake.uar[TULLE_UAR_QP_SQ / 4], 0,
					    __ATOMIC_ACQ_REL) &&
		       !atomic_load(&s->stop))
			sched_yield();
	}
	store(&dbr->evt, seen + TULLE_EVT_FAR);
}

static void *device(void *arg)
{
	struct stage *s = arg;
	uint32_t size = s->qp->sq.ring.mask + 1;
	uint32_t ci = 0, fired = 0, index = 0;

	while (!atomic_load(&s->stop)) {
		uint32_t pi = load(&s->qp->dbr->pi);

		while (ci != pi) {
			const struct tulle_qp_wqe *wqe = s->qp->sq_buf.addr;

			wqe = (const void *)((const char *)wqe +
					     (ci & (size - 1)) * 64);
			assert_int_equal(le16toh(wqe->ctrl.index), ci & 0xffff);
			ci += wqe->ctrl.nblocks;
			if (wqe->ctrl.op == TULLE_WQE_NOP)
				continue;
			device_complete(s, index++, wqe->wr_id, ci);
			device_event(s, &fired);
		}
		device_idle(s, ci);
	}
	return NULL;
}

static void *poster(void *arg)
{
	struct stage *s = ((void **)arg)[0];
	uint64_t id = (uintptr_t)((void **)arg)[1];
	struct ibv_sge sge[4] = {
		{ 1, 1, 1 }, { 2, 2, 2 }, { 3, 3, 3 }, { 4, 4, 4 },
	};
	unsigned int i, sleeps;

	for (i = 0; i < ROUNDS; i++) {
		struct ibv_send_wr wr = {
			.wr_id = id << 32 | i,
			.opcode = IBV_WR_SEND,
			.sg_list = sge,
			.num_sge = i % 5,
		}, *bad;

		sleeps = atomic_load(&s->sleeps);
		while (tulle_post_send(&s->qp->vqp.qp, &wr, &bad))
			sched_yield();
		/* However busy the machine is, there is somebody to wake. */
		while (i % PAUSE == PAUSE - 1 &&
		       atomic_load(&s->sleeps) == sleeps)
			sched_yield();
	}
	return NULL;
}

/* Every request completes once, those of a thread in their order. */
static void take(const struct ibv_wc *wc, unsigned int *next)
{
	unsigned int id = wc->wr_id >> 32;

	assert_true(id < THREADS);
	assert_int_equal((uint32_t)wc->wr_id, next[id]);
	next[id]++;
}

static void poll_all(struct stage *s)
{
	unsigned int next[THREADS] = {}, done = 0, events = 0;
	struct ibv_cq *cq = &s->cq->vcq.cq;
	struct ibv_wc wc[3];
	int i, n;

	while (done < THREADS * ROUNDS) {
		n = tulle_cq_poll(cq, 3, wc);
		if (!n) {
			events = atomic_load(&s->events);
			tulle_cq_arm(cq, 0);
			n = tulle_cq_poll(cq, 3, wc);
			while (!n && atomic_load(&s->events) == events)
				sched_yield();
		}
		for (i = 0; i < n; i++)
			take(&wc[i], next);
		done += n;
	}
}

static void test_threads(void **state)
{
	struct stage s = { .cq = fake_cq(32, 0) };
	void *args[THREADS][2];
	pthread_t dev, posters[THREADS];
	uintptr_t i;

	(void)state;
	s.qp = fake_qp(IBV_QPT_RC, s.cq, NULL, 0);
	alarm(120);
	pthread_create(&dev, NULL, device, &s);
	for (i = 0; i < THREADS; i++) {
		args[i][0] = &s;
		args[i][1] = (void *)i;
		pthread_create(&posters[i], NULL, poster, args[i]);
	}
	poll_all(&s);
	for (i = 0; i < THREADS; i++)
		pthread_join(posters[i], NULL);
	atomic_store(&s.stop, true);
	pthread_join(dev, NULL);
	alarm(0);
	/* Otherwise nothing was shown. */
	assert_true(atomic_load(&s.sleeps) >= ROUNDS / PAUSE);
	assert_true(atomic_load(&s.events) > 0);
	fake_doorbell(TULLE_UAR_QP_SQ);
	tulle_qp_destroy(&s.qp->vqp.qp);
	tulle_cq_destroy(&s.cq->vcq.cq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_threads, fake_setup,
						fake_teardown),
	};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
