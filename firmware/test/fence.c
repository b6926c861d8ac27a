// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
#define _GNU_SOURCE		/* CPU affinity */
/*
 * Stress test of the fences between driver and device: the driver's own ring
 * code in one thread, the firmware in another (and, as behind a doorbell write
 * that finds the engine free, in the first), millions of times through the
 * windows in which a wake-up could be lost.
 *
 *   fence [-n PASSES] [-t SECONDS] [sq|rq|cq|eq|qp_sq|qp_rq|qp_rts|srq ...]
 *
 * A rule is done when its fence was passed so often, or after so many seconds.
 * What stopped early for want of time must have made FLOOR_PER_SECOND.
 *
 * A loss is noticed without a clock: the engine counts how often it came to
 * rest, and a driver that still waits for something after the engine rested
 * twice since waits forever.
 *
 * A store waits in the CPU's store buffer behind those before it. Stores to
 * memory that is in no cache, just ahead of the ones that matter, keep them
 * there long enough for a missing fence to show.
 */
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "fence_world.h"

#define COLD_LINES	(1U << 19)	/* 32 MiB: beyond the caches of one core */
#define COLD_MOST	24
#define PACKETS		64		/* delivered at once to the dry RQ */
#define PAIRS		4		/* SQs with CQ in the EQ test */
#define RQ_TICK_NS	500000	/* longer than the patience of a dry RQ */
#define PATIENCE	(1U << 17)	/* looks before the CPU is left to others */
#define HANG_SECONDS	100

/*
 * Passes a second below which the time went elsewhere, and a good result says
 * little. The slowest rule (srq) made 8400 of them, 230 under TSAN, on two cores
 * with a load of 13 while it was scheduled as idle (chrt -i): a busy machine
 * reaches a quarter of that. The other rules make up to ten times as many. So
 * -n 2000000 -t 1000 says of each fence that it was passed two million times.
 */
#if FENCE_TSAN
#define FLOOR_PER_SECOND	50
#else
#define FLOOR_PER_SECOND	2000
#endif

/* For each rule: what it is to reach, and when it ends at the latest. */
struct limit {
	u64	passes;
	double	seconds;
};

static u64 passes;		/* of the running rule's fence, by the driver */
static _Atomic u64 progress;
static cpu_set_t cpus;		/* that this process may use */
static struct world *now_running;	/* one at a time */

u32 jitter_next(struct jitter *j)
{
	j->seed ^= j->seed << 13;
	j->seed ^= j->seed >> 7;
	j->seed ^= j->seed << 17;
	return (u32)(j->seed >> 20);
}

/* Mostly nothing, sometimes long enough for the other side to pass by. */
void jitter_delay(struct jitter *j)
{
	u32 r = jitter_next(j), n = r >> 8 & 63, i;

	if (!(r & 3))
		return;
	if (!(r & 0xfc))
		n *= 32;
	for (i = 0; i < n; i++)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (!(r & 0xfff00))
		sched_yield();
}

static void jitter_stores(struct jitter *j)
{
	u32 n = jitter_next(j) % (2 * COLD_MOST);

	while (n-- > COLD_MOST)
		*(volatile u8 *)&j->cold[(size_t)(jitter_next(j) %
						  COLD_LINES) * 64] = 1;
}

static void device_write(struct fake_dev *d, u64 addr, size_t len)
{
	struct world *w = now_running;

	(void)d;
	(void)len;
	if (addr - w->slow < w->slow_len)
		jitter_stores(&w->device);
}

/* A pass as the host glue runs it; the lock is held. */
static void run_locked(struct world *w)
{
	w->env->now += 1000;
	while (tfw_engine_run(w->env->engine, 1 << 20, TFW_NEVER))
		;
	atomic_store(&w->irqs, w->d->irqs[1]);
}

/* No test posts so many that the index itself comes there. */
static bool has_asked(const struct tulle_dbr *dbr)
{
	return le32_to_cpu(__atomic_load_n(&dbr->evt, __ATOMIC_RELAXED)) <
	       TULLE_EVT_FAR;
}

/*
 * Nothing was asked of it; time passes. False: the engine was not to be had, so
 * that this was no rest.
 */
static bool idle_pass(struct world *w)
{
	if (!w->tick || (w->asks && has_asked(w->asks)))
		return true;
	if (pthread_mutex_trylock(&w->lock))
		return false;
	w->env->now += w->tick;
	run_locked(w);
	pthread_mutex_unlock(&w->lock);
	return true;
}

static void receive_locked(struct world *w)
{
	const struct tfw_iov iov = { .base = w->frame, .len = w->frame_len };
	u32 n = atomic_exchange(&w->packets, 0);

	while (n--)
		if (!tfw_port_receive(w->d->dev, &iov, 1))
			abort();	/* its FIFO holds more than that */
}

/* On one CPU the two would only take turns. */
static void pin(int which)
{
	cpu_set_t one;
	int cpu;

	if (CPU_COUNT(&cpus) < 2)
		return;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus) && !which--)
			break;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

static void *engine_thread(void *arg)
{
	struct world *w = arg;
	u32 idle = 0;

	pin(0);
	while (!atomic_load(&w->stop)) {
		if (!tfw_engine_kicked(w->env->engine) &&
		    !atomic_load(&w->packets)) {
			if (idle_pass(w))
				atomic_fetch_add(&w->rest, 1);
			if (++idle % PATIENCE == 0)
				sched_yield();
			continue;
		}
		idle = 0;
		if (pthread_mutex_trylock(&w->lock))
			continue;
		receive_locked(w);
		run_locked(w);
		pthread_mutex_unlock(&w->lock);
		jitter_delay(&w->engine);
	}
	return NULL;
}

/* A doorbell write: sometimes its thread runs the engine, as in fw.h. */
static void kick(struct world *w, const struct lane *l)
{
	bool inline_pass = !(jitter_next(&w->driver) & 7);

	w->kicks++;
	tfw_kick(w->d->dev, TFW_FUNC_PF, l->doorbell, l->handle);
	while (inline_pass && tfw_engine_kicked(w->env->engine) &&
	       !pthread_mutex_trylock(&w->lock)) {
		run_locked(w);
		pthread_mutex_unlock(&w->lock);
	}
}

bool at_rest(struct world *w, u64 since, u32 *spins)
{
	if (++*spins % PATIENCE == 0)
		sched_yield();
	return atomic_load(&w->rest) - since > 2;
}

bool wait_entry(struct world *w, const struct tulle_cons *c)
{
	u64 since = atomic_load(&w->rest);
	u32 spins = 0;

	while (!tulle_cons_peek(c))
		if (at_rest(w, since, &spins))
			return tulle_cons_peek(c);
	return true;
}

static bool wait_irq(struct world *w, u32 seen)
{
	u64 since = atomic_load(&w->rest);
	u32 spins = 0;

	while (atomic_load(&w->irqs) == seen)
		if (at_rest(w, since, &spins))
			return atomic_load(&w->irqs) != seen;
	return true;
}

void publish(struct world *w, struct lane *l, bool always)
{
	bool needed;

	jitter_stores(&w->driver);
	needed = tulle_prod_publish_at(&l->prod, l->pi, l->evt);
	if (always)
		fence_full();
	else
		passes++;
	if (needed || always)
		kick(w, l);
	else
		w->kicks_saved++;
}

static void put_nops(struct lane *l, u32 n)
{
	struct tulle_wqe_ctrl *ctrl;

	while (n--) {
		ctrl = tulle_prod_at(&l->prod);
		*ctrl = (struct tulle_wqe_ctrl){
			.op = TULLE_WQE_NOP,
			.flags = TULLE_WQE_F_CQE,
			.nblocks = 1,
			.index = cpu_to_le16((u16)l->prod.pi),
		};
		l->prod.pi++;
	}
}

/* Takes what there is. */
static void poll_tx(struct lane *l)
{
	struct tulle_tx_cqe *cqe;

	while ((cqe = tulle_cons_peek(&l->cq))) {
		if (cqe->status || le32_to_cpu(cqe->ci) != l->prod.ci + 1)
			abort();
		l->prod.ci++;
		tulle_cons_pop(&l->cq);
	}
	tulle_cons_update(&l->cq);
}

static bool sq_round(struct world *w)
{
	struct lane *l = &w->lane[0];

	put_nops(l, 1 + jitter_next(&w->driver) % 3);
	publish(w, l, false);
	while (!tulle_prod_is_empty(&l->prod)) {
		if (!wait_entry(w, &l->cq))
			return false;
		poll_tx(l);
	}
	jitter_delay(&w->driver);
	return true;
}

static bool rq_round(struct world *w)
{
	struct lane *l = &w->lane[0];
	struct tulle_rx_cqe *cqe;

	if (!w->left) {
		w->left = PACKETS;
		atomic_store(&w->packets, PACKETS);
	}
	net_rq_fill(&l->rq, 1);
	l->rq.pi++;
	l->prod.pi++;
	publish(w, l, false);
	if (!wait_entry(w, &l->cq))
		return false;
	cqe = tulle_cons_peek(&l->cq);
	if (cqe->status || le32_to_cpu(cqe->wqe) != l->prod.ci)
		abort();
	l->prod.ci++;
	w->left--;
	tulle_cons_pop(&l->cq);
	tulle_cons_update(&l->cq);
	jitter_delay(&w->driver);
	return true;
}

static bool take_events(struct world *w)
{
	bool any = false;

	while (tulle_cons_peek(&w->eq)) {
		tulle_cons_pop(&w->eq);
		w->events++;
		any = true;
	}
	tulle_cons_update(&w->eq);
	return any;
}

/* An armed CQ's event, so that the next one depends on arming anew. */
static bool spend_arm(struct world *w, struct lane *l)
{
	put_nops(l, 1);
	publish(w, l, true);
	return wait_entry(w, &w->eq) && take_events(w);
}

/* As NAPI does: poll, arm, look again, wait. */
static bool cq_round(struct world *w)
{
	struct lane *l = &w->lane[0];

	if (!spend_arm(w, l))
		return false;
	put_nops(l, 1 + jitter_next(&w->driver) % 4);
	publish(w, l, true);
	jitter_delay(&w->driver);
	for (;;) {
		poll_tx(l);
		take_events(w);
		jitter_stores(&w->driver);
		tulle_cons_arm(&l->cq, TULLE_ARM_ANY);
		passes++;
		if (tulle_cons_peek(&l->cq))
			continue;
		if (tulle_prod_is_empty(&l->prod))
			return true;
		if (!wait_entry(w, &w->eq))
			return false;
	}
}

/* All lanes polled and armed; their CQs' fences are not what is tested. */
static bool serve_lanes(struct world *w)
{
	bool idle = true;
	int i;

	for (i = 0; i < PAIRS; i++) {
		struct lane *l = &w->lane[i];

		do {
			poll_tx(l);
			tulle_cons_arm(&l->cq, TULLE_ARM_ANY);
			fence_full();
		} while (tulle_cons_peek(&l->cq));
		idle = idle && tulle_prod_is_empty(&l->prod);
	}
	return idle;
}

/* An interrupt, so that the next one depends on arming anew. */
static bool spend_eq_arm(struct world *w)
{
	u32 seen = atomic_load(&w->irqs);

	tulle_cons_arm(&w->eq, TULLE_ARM_ANY);
	fence_full();
	put_nops(&w->lane[0], 1);
	publish(w, &w->lane[0], true);
	if (!wait_irq(w, seen))
		return false;
	take_events(w);
	serve_lanes(w);
	return true;
}

static bool eq_round(struct world *w)
{
	u32 seen;
	int i;

	if (!spend_eq_arm(w))
		return false;
	for (i = 0; i < PAIRS; i++) {
		put_nops(&w->lane[i], 1);
		publish(w, &w->lane[i], true);
		if (!(jitter_next(&w->driver) & 3))
			jitter_delay(&w->driver);
	}
	for (;;) {
		if (take_events(w) && serve_lanes(w))
			return true;
		seen = atomic_load(&w->irqs);
		jitter_stores(&w->driver);
		tulle_cons_arm(&w->eq, TULLE_ARM_ANY);
		passes++;
		if (tulle_cons_peek(&w->eq))
			continue;
		if (!wait_irq(w, seen))
			return false;
	}
}

void cons_from(struct tulle_cons *c, const struct fake_queue *q)
{
	tulle_ring_init(&c->ring, fake_ptr(q->d, q->ring), q->log_size,
			q->log_entry);
	tulle_cons_init(c, q->dbr);
	c->ci = q->ci;
}

void prod_init(struct lane *l, void *ring, u8 log_size, u8 log_entry,
	       struct tulle_dbr *dbr)
{
	tulle_ring_init(&l->prod.ring, ring, log_size, log_entry);
	tulle_prod_init(&l->prod, dbr);
	l->pi = &dbr->pi;
	l->evt = &dbr->evt;
}

static void setup_sq(struct world *w)
{
	int i;

	for (i = 0; i < PAIRS; i++) {
		struct lane *l = &w->lane[i];

		net_sq_create(&w->n, &l->sq, 6);
		l->handle = l->sq.handle;
		l->doorbell = TULLE_UAR_SQ;
		prod_init(l, l->sq.ring, 6, 6, l->sq.dbr);
		cons_from(&l->cq, &l->sq.cq);
	}
}

void slow_at(struct world *w, const void *start, u64 len)
{
	w->slow = (u64)((const u8 *)start - w->d->mem) + FAKE_BASE;
	w->slow_len = len;
}

static void setup_kick(struct world *w)
{
	setup_sq(w);
	slow_at(w, &w->lane[0].prod.dbr->evt, 4);
}

static void setup_cq(struct world *w)
{
	setup_sq(w);
	serve_lanes(w);
	slow_at(w, w->lane[0].cq.ring.buf, 32UL << w->lane[0].cq.ring.log_size);
}

static void setup_eq(struct world *w)
{
	setup_sq(w);
	serve_lanes(w);
	slow_at(w, w->eq.ring.buf, 32UL << w->eq.ring.log_size);
}

static void setup_rq(struct world *w)
{
	const struct tulle_rq_ctx ctx = { .type = TULLE_RQ_PLAIN };
	const struct net_spec spec = { .udp = true, .payload = 18 };
	struct lane *l = &w->lane[0];

	net_rq_create(&w->n, &l->rq, &ctx, 4, 256);
	l->handle = l->rq.handle;
	l->doorbell = TULLE_UAR_RQ;
	prod_init(l, l->rq.ring, 4, 5, l->rq.dbr);
	cons_from(&l->cq, &l->rq.cq);
	net_rx_default(&w->n, TULLE_ACTION_QUEUE, l->handle);
	tfw_port_set_backend(w->d->dev, true, true);
	fake_port_up(w->d);
	fake_advance(w->env, 100000000);
	slow_at(w, &l->prod.dbr->evt, 4);
	/* A queue that waits in vain long enough would drop. */
	w->tick = RQ_TICK_NS;
	w->asks = l->prod.dbr;
	w->frame_len = net_make(&spec, w->frame);
}

static const struct rule eth_rules[] = {
	{ "sq", "kick rule of an SQ: no wake-up lost", sq_round, setup_kick,
	  .breaks = FENCE_BOTH },
	{ "rq", "kick rule of a dry RQ: no wake-up lost", rq_round, setup_rq,
	  .breaks = FENCE_BOTH },
	{ "cq", "arm rule of a CQ: no event lost", cq_round, setup_cq,
	  .breaks = FENCE_BOTH },
	{ "eq", "arm rule of an EQ: no interrupt lost", eq_round, setup_eq,
	  .breaks = FENCE_BOTH },
	{ 0 }
};

static void jitter_init(struct jitter *j, u64 seed)
{
	j->seed = seed;
	j->cold = malloc(COLD_LINES * 64UL);
	if (!j->cold)
		abort();
	memset(j->cold, 0, COLD_LINES * 64UL);
}

static struct world *world_create(const struct rule *r)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	if (r->rdma) {
		w->rc = rc_create(1);
		w->env = &w->rc->env;
		w->d = &w->rc->dev[0].d;
		cons_from(&w->eq, &w->rc->dev[0].eq0);
	} else {
		w->env = &w->own_env;
		w->d = &w->n.d;
		fake_init(w->env);
		net_init(&w->n, w->env, NULL);
		cons_from(&w->eq, &w->n.eq);
	}
	r->setup(w);
	jitter_init(&w->driver, 0x9e3779b97f4a7c15);
	jitter_init(&w->device, 0xd1b54a32d192ed03);
	w->engine.seed = 0xa0761d6478bd642f;
	now_running = w;
	w->d->on_write = device_write;
	pthread_mutex_init(&w->lock, NULL);
	if (pthread_create(&w->thread, NULL, engine_thread, w))
		abort();
	pin(1);
	return w;
}

static void world_destroy(struct world *w)
{
	atomic_store(&w->stop, true);
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->lock);
	free(w->driver.cold);
	free(w->device.cold);
	free(w->lane[0].rq.buf);
	free(w->lane[0].rq.hdr);
	free(w->srq);
	if (w->rc) {
		rc_destroy(w->rc);
	} else {
		net_exit(&w->n);
		fake_exit(w->env);
	}
	free(w);
}

static void dump(const struct world *w, const struct rule *r)
{
	const struct tulle_dbr *eq = w->eq.dbr;
	int i;

	for (i = 0; i < LANES && w->lane[i].handle; i++) {
		const struct lane *l = &w->lane[i];
		const struct tulle_dbr *p = l->prod.dbr, *c = l->cq.dbr;

		printf("# %s %d: pi %u evt %u hint %u, driver pi %u ci %u\n",
		       r->name, i, le32_to_cpu(p->pi), le32_to_cpu(p->evt),
		       le32_to_cpu(p->ci_hint), l->prod.pi, l->prod.ci);
		if (!c)
			continue;
		printf("#   CQ ci %u arm %#x, driver ci %u, entry %s\n",
		       le32_to_cpu(c->ci), le32_to_cpu(c->arm), l->cq.ci,
		       tulle_cons_peek(&l->cq) ? "waits" : "none");
	}
	printf("# EQ ci %u arm %#x, driver ci %u, entry %s; interrupts %u, engine %s\n",
	       le32_to_cpu(eq->ci), le32_to_cpu(eq->arm), w->eq.ci,
	       tulle_cons_peek(&w->eq) ? "waits" : "none",
	       atomic_load(&w->irqs),
	       tfw_engine_kicked(w->env->engine) ? "kicked" : "at rest");
}

static double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* With a broken fence the first loss is enough. */
static bool passed_enough(const struct limit *limit)
{
	double least = limit->seconds * FLOOR_PER_SECOND;

	if (BREAK_FENCE || passes >= limit->passes || (double)passes >= least)
		return true;
	printf("# too few: %llu passes of the fence, expected %.0f at least\n",
	       (unsigned long long)passes, least);
	return false;
}

/* True: as it must be. With a broken fence that is a loss. */
static bool run_rule(const struct rule *r, unsigned int number,
		     const struct limit *limit)
{
	struct world *w = world_create(r);
	double start = now_seconds(), end = start + limit->seconds;
	bool lost = false, good;
	u64 i;

	passes = 0;
	for (i = 0; passes < limit->passes && !lost; i++) {
		lost = !r->round(w);
		atomic_fetch_add(&progress, 1);
		if (i % 64 == 0 && now_seconds() > end)
			break;
	}
	good = lost == !!BREAK_FENCE && (lost || passed_enough(limit));
	printf("%sok %u - %s%s\n", good ? "" : "not ", number, r->what,
	       BREAK_FENCE == 1 ? " (noticed without the driver's fence)" :
	       BREAK_FENCE == 2 ? " (noticed without the device's fence)" : "");
	printf("# %s: %llu rounds, %llu passes of its fence in %.1f s\n",
	       r->name, (unsigned long long)i, (unsigned long long)passes,
	       now_seconds() - start);
	printf("# %s: %llu kicks, %llu saved, %llu events, %u interrupts\n",
	       r->name, (unsigned long long)w->kicks,
	       (unsigned long long)w->kicks_saved,
	       (unsigned long long)w->events, atomic_load(&w->irqs));
	if (!good)
		dump(w, r);
	fflush(stdout);
	world_destroy(w);
	return good;
}

/* The last resort: a hang that the threads themselves do not notice. */
static void *watchdog(void *arg)
{
	u64 seen = 0, now;
	int still = 0;

	(void)arg;
	for (;;) {
		sleep(1);
		now = atomic_load(&progress);
		still = now == seen ? still + 1 : 0;
		seen = now;
		if (still > HANG_SECONDS) {
			printf("Bail out! no progress for %d s\n",
			       HANG_SECONDS);
			fflush(stdout);
			abort();
		}
	}
	return NULL;
}

static bool chosen(const char *name, char **names, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return !n;
}

static bool run_rules(const struct rule *r, char **names, int n,
		      const struct limit *limit, unsigned int *number)
{
	bool good = true;

	for (; r->name; r++) {
		if (!chosen(r->name, names, n))
			continue;
		if (BREAK_FENCE && !(r->breaks & 1U << BREAK_FENCE)) {
			printf("# %s: nobody depends on that fence\n", r->name);
			continue;
		}
		good &= run_rule(r, ++*number, limit);
	}
	return good;
}

int main(int argc, char **argv)
{
	struct limit limit = { .passes = 2000000, .seconds = 20 };
	unsigned int number = 0;
	pthread_t dog;
	bool good;
	int opt;

	while ((opt = getopt(argc, argv, "n:t:")) != -1) {
		if (opt == 'n')
			limit.passes = strtoull(optarg, NULL, 0);
		else if (opt == 't')
			limit.seconds = strtod(optarg, NULL);
		else
			return 2;
	}
	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return 2;
	if (pthread_create(&dog, NULL, watchdog, NULL))
		return 2;
	pthread_detach(dog);
	argv += optind;
	argc -= optind;
	good = run_rules(eth_rules, argv, argc, &limit, &number);
	good &= run_rules(fence_rdma_rules, argv, argc, &limit, &number);
	printf("1..%u\n", number);
	return good && number ? 0 : 1;
}
