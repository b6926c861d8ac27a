// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Doorbells from several threads against one engine: the protocol of fw.h.
 * Meant for the thread sanitizer as well; what it asserts is that no kick is
 * ever left behind.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../dev.h"
#include "fake.h"

#define THREADS	3
#define ROUNDS	200000

struct fixture {
	struct fake		env;
	struct fake_dev		d;
	pthread_mutex_t		lock;	/* the engine's */
	_Atomic bool		failed;
};

struct producer {
	struct fixture		*fx;
	struct tfw_wq		*wq;
	_Atomic u32		runs;
	u32			burst;
	pthread_t		thread;
};

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	fake_init(&fx->env);
	if (!fake_dev_init(&fx->env, &fx->d, NULL))
		return -1;
	fake_boot(&fx->d);
	pthread_mutex_init(&fx->lock, NULL);
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	fake_dev_exit(&fx->d);
	fake_exit(&fx->env);
	pthread_mutex_destroy(&fx->lock);
	free(fx);
	return 0;
}

/* A queue with nothing behind it but a count of its turns. */
struct counted_wq {
	struct tfw_wq	wq;
	_Atomic u32	*runs;
};

static bool count_run(struct tfw_work *w, struct tfw_budget *budget)
{
	struct tfw_wq *wq = tfw_container(w, struct tfw_wq, work);

	(void)budget;
	atomic_fetch_add(tfw_container(wq, struct counted_wq, wq)->runs, 1);
	return false;
}

static struct tfw_wq *counted_create(struct fixture *fx, _Atomic u32 *runs)
{
	struct tfw_func *f = tfw_func_find(fx->d.dev, 0);
	enum tulle_status st;
	struct counted_wq *q;

	q = tfw_obj_alloc(f, TULLE_OBJ_SQ, sizeof(*q), 0, &st);
	assert_non_null(q);
	tfw_work_init(&q->wq.work, f, count_run);
	q->runs = runs;
	return &q->wq;
}

static void host_run(struct fixture *fx)
{
	while (tfw_engine_kicked(fx->env.engine) &&
	       !pthread_mutex_trylock(&fx->lock)) {
		while (tfw_engine_run(fx->env.engine, 1 << 20, TFW_NEVER))
			;
		pthread_mutex_unlock(&fx->lock);
	}
}

/* Kicks, then waits until the kick was seen: it must be, without another. */
static void *produce(void *arg)
{
	struct producer *p = arg;
	u32 i, j, before, spins;

	for (i = 0; i < ROUNDS / p->burst + 100 && !atomic_load(&p->fx->failed); i++) {
		before = atomic_load(&p->runs);
		for (j = 0; j < p->burst; j++)
			tfw_kick(p->fx->d.dev, 0, TULLE_UAR_SQ,
				 p->wq->obj.handle);
		host_run(p->fx);
		for (spins = 0; atomic_load(&p->runs) == before; spins++) {
			if (spins > 10000000) {
				atomic_store(&p->fx->failed, true);
				break;
			}
			sched_yield();
		}
	}
	return NULL;
}

static void race(struct fixture *fx, u32 burst)
{
	struct producer p[THREADS];
	int i;

	memset(p, 0, sizeof(p));
	for (i = 0; i < THREADS; i++) {
		p[i].fx = fx;
		p[i].burst = burst;
		p[i].wq = counted_create(fx, &p[i].runs);
	}
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&p[i].thread, NULL, produce,
						&p[i]), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(p[i].thread, NULL);
	assert_false(atomic_load(&fx->failed));
	for (i = 0; i < THREADS; i++) {
		tfw_work_cancel(&p[i].wq->work);
		tfw_obj_free(&p[i].wq->obj);
	}
}

static void test_no_kick_lost(void **state)
{
	race(*state, 1);
}

/* More than the queue of kicks holds at once: the overflow path. */
static void test_no_kick_lost_overflow(void **state)
{
	race(*state, TFW_KICKS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_kick_lost, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_no_kick_lost_overflow,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
