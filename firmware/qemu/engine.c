// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs the firmware: whoever brings work runs it.
 *
 * A doorbell write that finds the engine free runs one bounded pass right in
 * the vCPU's MMIO handler. What is left, timers and what came while the
 * engine was busy go to the engine thread. A pass never takes the BQL (a
 * vCPU that holds it may wait for the engine) and does not need it; what a
 * pass sends out of the device is collected and delivered afterwards, with
 * the BQL held.
 */
#include "host.h"
#include "qemu/error-report.h"
#include "qemu/log.h"
#include "qemu/main-loop.h"
#include "qemu/processor.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "hw/boards.h"
#include "hw/pci/msix.h"
#include "qapi/error.h"
#include <sched.h>
#include <sys/timerfd.h>

/*
 * A pass, bounded in bytes and time: a vCPU stands still for an inline one,
 * and a reset waits for one of the thread's.
 */
#define INLINE_BYTES		(256 * 1024)
#define INLINE_NS		(100 * 1000)
#define THREAD_BYTES		(1024 * 1024)
#define THREAD_NS		(200 * 1000)
#define POLL_MAX_NS		(20 * 1000)
#define POLL_MIN_NS		1000
#define SLACK_MIN_NS		(50 * 1000)
#define SLACK_MAX_NS		(400 * 1000)
#define DOORBELL_ROUNDS		4
#define DELIVER_ROUNDS		16
#define LOG_LINES_PER_SECOND	10

bool tqemu_mode_parse(const char *text, enum tqemu_mode *mode)
{
	static const char * const name[] = {
		[TQEMU_MODE_AUTO] = "auto",
		[TQEMU_MODE_INLINE] = "inline",
		[TQEMU_MODE_THREAD] = "thread",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(name); i++) {
		if (!strcmp(text, name[i])) {
			*mode = i;
			return true;
		}
	}
	return false;
}

/* Platform operations that concern the engine itself. */

static uint64_t engine_now_ns(void *engine)
{
	return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void *engine_alloc(void *engine, size_t size)
{
	return g_try_malloc0(size);
}

static void engine_free(void *engine, void *ptr)
{
	g_free(ptr);
}

/* The guest can provoke lines: only so many of them reach the terminal. */
static bool log_is_allowed(struct tqemu_group *g)
{
	uint64_t second = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) / 1000;

	if (second != g->log_second) {
		g->log_second = second;
		g->log_lines = 0;
	}
	return g->log_lines++ < LOG_LINES_PER_SECOND;
}

static void G_GNUC_PRINTF(3, 0)
engine_log(void *engine, enum tfw_log_level level, const char *fmt, va_list ap)
{
	g_autofree char *line = NULL;

	if (level > TFW_LOG_ERROR && !qemu_loglevel_mask(LOG_GUEST_ERROR))
		return;
	if (level > TFW_LOG_WARN && !qemu_loglevel_mask(LOG_UNIMP))
		return;
	line = g_strdup_vprintf(fmt, ap);
	if (level > TFW_LOG_ERROR)
		qemu_log("tulle: %s\n", line);
	else if (log_is_allowed(engine))
		error_report("tulle: %s", line);
}

static void engine_fatal(void *engine, const char *file, int line)
{
	if (log_is_allowed(engine))
		error_report("tulle: firmware assertion failed at %s:%d", file,
			     line);
}

static void engine_irq(void *opaque, uint16_t func, uint16_t vector)
{
	struct tqemu_dev *dev = opaque;

	if (vector >= dev->vectors)
		return;
	qatomic_set(&dev->irq_gen, tfw_func_generation(dev->fw, func));
	set_bit_atomic(vector, dev->irq);
	/* Pairs with the exchange in irq_deliver(): the bit is seen with it. */
	qatomic_store_release(&dev->irq_any, true);
}

void tqemu_irq_purge(struct tqemu_dev *dev)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dev->irq); i++)
		qatomic_set(&dev->irq[i], 0);
}

static void engine_reset_done(void *opaque, uint16_t func)
{
	tqemu_irq_purge(opaque);
}

const struct tfw_platform tqemu_platform = {
	.dma_read	= tqemu_dma_read,
	.dma_write	= tqemu_dma_write,
	.dma_map	= tqemu_dma_map,
	.dma_load32	= tqemu_dma_load32,
	.dma_load64	= tqemu_dma_load64,
	.dma_store32	= tqemu_dma_store32,
	.dma_publish	= tqemu_dma_publish,
	.dma_atomic	= tqemu_dma_atomic,
	.irq		= engine_irq,
	.port_tx	= tqemu_port_tx,
	.port_rx_ready	= tqemu_port_rx_ready,
	.capture	= tqemu_capture,
	.reset_done	= engine_reset_done,
	.now_ns		= engine_now_ns,
	.alloc		= engine_alloc,
	.free		= engine_free,
	.log		= engine_log,
	.fatal		= engine_fatal,
};

/* The engine lock and the thread's alarm clock. */

static void group_wake(struct tqemu_group *g)
{
	qatomic_set(&g->wake, true);
	/* Pairs with the barrier in thread_sleep(). */
	smp_mb();
	if (qatomic_read(&g->sleeping))
		event_notifier_set(&g->wakeup);
}

/*
 * Blocking; for callers with the BQL. They wait for at most one pass: the
 * thread and doorbells let them go first.
 */
void tqemu_group_lock(struct tqemu_group *g)
{
	qatomic_inc(&g->waiters);
	qemu_mutex_lock(&g->lock);
	qatomic_dec(&g->waiters);
}

static void group_wake_if_due(struct tqemu_group *g)
{
	if (!qatomic_read(&g->next_timer) || tfw_engine_kicked(g->fw))
		group_wake(g);
}

/* Neither a kick that found the lock taken nor work that is due is left behind. */
void tqemu_group_unlock(struct tqemu_group *g)
{
	qemu_mutex_unlock(&g->lock);
	/* Pairs with the failed trylock of a doorbell: its kick is seen here. */
	smp_mb();
	group_wake_if_due(g);
}

/*
 * Sets the thread's alarm without waking it; engine lock held. It is never put
 * off: to do so for each timer that a doorbell has run would cost more than one
 * look in vain. The slack lets the next doorbell run what is due, which is
 * cheaper than two threads in each other's way.
 */
static void group_set_alarm(struct tqemu_group *g)
{
	struct itimerspec when = { 0 };
	uint64_t now, ns;

	if (!g->next_timer || g->next_timer >= g->alarm_at)
		return;
	now = engine_now_ns(g);
	ns = MAX(g->next_timer, now) - now + g->slack_ns;
	when.it_value.tv_sec = ns / NANOSECONDS_PER_SECOND;
	when.it_value.tv_nsec = ns % NANOSECONDS_PER_SECOND;
	if (!timerfd_settime(g->alarm, 0, &when, NULL))
		g->alarm_at = g->next_timer;
}

/*
 * Engine lock held. In vain: doorbells run the timers, who shall have more time
 * for it; that is over with the first timer that was left to the thread.
 */
static void group_alarm_rang(struct tqemu_group *g)
{
	g->alarm_at = TFW_NEVER;
	if (g->next_timer > engine_now_ns(g))
		g->slack_ns = MIN(g->slack_ns * 2, SLACK_MAX_NS);
	else
		g->slack_ns = SLACK_MIN_NS;
}

/* One pass, engine lock held. True: there is more to do. */
static bool group_pass(struct tqemu_group *g, uint64_t bytes, uint64_t ns)
{
	unsigned int i;
	bool more;

	if (!g->running || g->quit)
		return false;
	/* Pages that the tables name stay while a reader is in here. */
	rcu_read_lock();
	more = tfw_engine_run(g->fw, bytes, engine_now_ns(g) + ns);
	qatomic_set(&g->next_timer, more ? 0 : tfw_engine_next_timer(g->fw));
	rcu_read_unlock();
	group_set_alarm(g);
	for (i = 0; i < TQEMU_CABLE_ENDS && !more; i++)
		if (g->dev[i])
			tqemu_pcap_flush(g->dev[i]->pcap);
	return more;
}

static void group_pass_inline(struct tqemu_group *g, struct tqemu_dev *dev)
{
	dev->count.passes_inline++;
	group_pass(g, INLINE_BYTES, INLINE_NS);
}

/*
 * After a call into the firmware that wants a run: engine lock and BQL held.
 * What the pass leaves is due now, which wakes the thread at unlock.
 */
void tqemu_group_run(struct tqemu_group *g, struct tqemu_dev *dev)
{
	if (!g->running)
		return;
	if (g->mode == TQEMU_MODE_THREAD)
		qatomic_set(&g->next_timer, 0);
	else
		group_pass_inline(g, dev);
}

/*
 * Several rounds: whoever has the engine also does what other doorbells bring
 * meanwhile. What has no end, or is in somebody's way, is the thread's.
 */
static void doorbell_run(struct tqemu_group *g, struct tqemu_dev *dev, bool bql)
{
	unsigned int rounds = DOORBELL_ROUNDS;

	while (rounds-- && tfw_engine_kicked(g->fw) &&
	       !qatomic_read(&g->waiters)) {
		if (qemu_mutex_trylock(&g->lock))
			return;
		/* A vIOMMU may have been switched on since we looked. */
		if (bql || !g->needs_bql)
			group_pass_inline(g, dev);
		qemu_mutex_unlock(&g->lock);
		/* Pairs with the failed trylock of another doorbell. */
		smp_mb();
	}
	group_wake_if_due(g);
}

/*
 * BQL held. A pass takes a while, in which every access of another vCPU to any
 * device would wait for it, so it runs without: but only where the access is a
 * vCPU's own (@cpu). A device that writes to our BAR has the BQL for itself.
 */
void tqemu_doorbell(struct tqemu_dev *dev, uint16_t func, uint32_t offset,
		    uint32_t value, bool cpu)
{
	struct tqemu_group *g = dev->group;
	bool leave_bql = cpu && !g->needs_bql;

	dev->count.doorbells++;
	tfw_kick(dev->fw, func, offset, value);
	if (g->mode == TQEMU_MODE_THREAD || qatomic_read(&g->polling)) {
		group_wake(g);
		return;
	}
	/* Meanwhile the device may be unplugged. */
	object_ref(OBJECT(dev));
	qatomic_inc(&g->refs);
	if (leave_bql)
		bql_unlock();
	doorbell_run(g, dev, !leave_bql);
	if (leave_bql)
		bql_lock();
	tqemu_group_deliver(g);
	tqemu_group_put(g);
	object_unref(OBJECT(dev));
}

/* Delivery: what passes have collected, BQL held. */

static bool irq_deliver(struct tqemu_dev *dev)
{
	unsigned int i, bit, vector;
	unsigned long word;
	bool stale;

	if (!qatomic_xchg(&dev->irq_any, false))
		return false;
	/* Without bus mastering messages wait: nobody raises them again. */
	if (!dev->dma.on)
		return false;
	stale = qatomic_read(&dev->irq_gen) !=
		tfw_func_generation(dev->fw, TFW_FUNC_PF);
	for (i = 0; i < BITS_TO_LONGS(dev->vectors); i++) {
		word = qatomic_xchg(&dev->irq[i], 0);
		while (word) {
			bit = ctzl(word);
			word &= word - 1;
			vector = i * BITS_PER_LONG + bit;
			/* While disabled a message has nowhere to go. */
			if (stale || !msix_enabled(&dev->pci)) {
				dev->count.irqs_dropped++;
				continue;
			}
			dev->count.irqs++;
			msix_notify(&dev->pci, vector);
			/* It went to a register that unplugs us. */
			if (!dev->group)
				return true;
		}
	}
	return true;
}

/* BQL or engine lock held. */
static bool group_pending(struct tqemu_group *g)
{
	unsigned int i;

	for (i = 0; i < TQEMU_CABLE_ENDS; i++)
		if (g->dev[i] && (qatomic_read(&g->dev[i]->irq_any) ||
				  tqemu_net_pending(g->dev[i])))
			return true;
	return false;
}

/* True: something was done. A message can unplug the device that sends it. */
static bool dev_deliver(struct tqemu_dev *dev)
{
	bool any;

	object_ref(OBJECT(dev));
	any = irq_deliver(dev);
	if (dev->group)
		any |= tqemu_net_deliver(dev);
	if (dev->group)
		tqemu_pcap_flush(dev->pcap);
	object_unref(OBJECT(dev));
	return any;
}

/*
 * A backend may answer a frame with another one before it returns: the inner
 * call leaves everything to the outer one's loop. That ends after some rounds,
 * however much the guest has to send: others wait for the BQL.
 */
void tqemu_group_deliver(struct tqemu_group *g)
{
	unsigned int i, rounds = DELIVER_ROUNDS;
	bool again;

	if (g->delivering || !g->running)
		return;
	qatomic_inc(&g->refs);
	g->delivering = true;
	do {
		again = false;
		for (i = 0; i < TQEMU_CABLE_ENDS; i++)
			if (g->dev[i])
				again |= dev_deliver(g->dev[i]);
	} while (again && --rounds);
	g->delivering = false;
	for (i = 0; i < TQEMU_CABLE_ENDS && again; i++)
		if (g->dev[i] && g->dev[i]->net.bh)
			qemu_bh_schedule(g->dev[i]->net.bh);
	tqemu_group_put(g);
}

/* The engine thread. */

static bool thread_has_work(struct tqemu_group *g)
{
	return qatomic_read(&g->wake) ||
	       (qatomic_read(&g->running) && tfw_engine_kicked(g->fw));
}

/* Waits for work without sleeping; worth it only where a core is idle. */
static bool thread_poll(struct tqemu_group *g)
{
	int64_t end;
	bool found;

	if (!g->poll_ns)
		return false;
	end = get_clock() + g->poll_ns;
	qatomic_set(&g->polling, true);
	/* Pairs with the kick: a doorbell that saw no polling runs it itself. */
	smp_mb();
	while (!(found = thread_has_work(g)) && get_clock() < end)
		cpu_relax();
	qatomic_set(&g->polling, false);
	smp_mb();
	found = found || thread_has_work(g);
	if (!found)
		g->poll_ns = g->poll_ns / 2 < POLL_MIN_NS ? 0 : g->poll_ns / 2;
	return found;
}

/* Returns whether the alarm went off. */
static bool thread_sleep(struct tqemu_group *g)
{
	GPollFD fds[] = {
		{ .fd = event_notifier_get_fd(&g->wakeup), .events = G_IO_IN },
		{ .fd = g->alarm, .events = G_IO_IN },
	};
	int64_t start = get_clock();
	uint64_t times;
	bool alarm;

	qatomic_set(&g->sleeping, true);
	/* Pairs with the one in group_wake(). */
	smp_mb();
	if (!thread_has_work(g))
		qemu_poll_ns(fds, ARRAY_SIZE(fds), -1);
	qatomic_set(&g->sleeping, false);
	event_notifier_test_and_clear(&g->wakeup);
	alarm = fds[1].revents & G_IO_IN &&
		read(g->alarm, &times, sizeof(times)) == sizeof(times);
	/* A short sleep would better have been spent polling. */
	if (get_clock() - start < POLL_MAX_NS)
		g->poll_ns = MIN(g->poll_ns * 2 + POLL_MIN_NS, g->poll_max_ns);
	return alarm;
}

static void thread_count_pass(struct tqemu_group *g)
{
	unsigned int i;

	for (i = 0; i < TQEMU_CABLE_ENDS; i++)
		if (g->dev[i])
			g->dev[i]->count.passes_thread++;
}

/* One round: a pass and its delivery. Returns whether another one is due. */
static bool thread_round(struct tqemu_group *g, bool alarm)
{
	bool bql, retry, pending, more = false;

	bql = qatomic_read(&g->needs_bql);
	if (bql)
		bql_lock();
	while (qatomic_read(&g->waiters))
		sched_yield();

	qemu_mutex_lock(&g->lock);
	if (alarm)
		group_alarm_rang(g);
	/* A vIOMMU may have been switched on since we looked. */
	retry = g->needs_bql && !bql;
	if (!retry && g->running && !g->quit) {
		thread_count_pass(g);
		more = group_pass(g, THREAD_BYTES, THREAD_NS);
	}
	/* Under the lock: a device may be leaving. */
	pending = group_pending(g);
	qemu_mutex_unlock(&g->lock);
	if (retry)
		return true;

	if (!bql && pending) {
		bql_lock();
		bql = true;
	}
	if (bql) {
		tqemu_group_deliver(g);
		bql_unlock();
	}
	return more;
}

static void *thread_main(void *opaque)
{
	struct tqemu_group *g = opaque;
	bool alarm = false, more;

	rcu_register_thread();
	while (!qatomic_read(&g->quit)) {
		qatomic_set(&g->wake, false);
		/* Whoever sets it later has its work seen by this round. */
		smp_mb();
		more = thread_round(g, alarm);
		alarm = false;
		if (!more && !thread_poll(g))
			alarm = thread_sleep(g);
	}
	tqemu_group_put(g);
	rcu_unregister_thread();
	return NULL;
}

/* Life of a group. */

static bool core_is_free(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return false;
	/* One for each vCPU, one for the main loop, one for us. */
	return CPU_COUNT(&set) >= (int)current_machine->smp.cpus + 2;
}

static void group_vmstate(void *opaque, bool running, RunState state)
{
	struct tqemu_group *g = opaque;

	tqemu_group_lock(g);
	qatomic_set(&g->running, running);
	qatomic_set(&g->next_timer, running ? 0 : TFW_NEVER);
	tqemu_group_unlock(g);
	if (running) {
		group_wake(g);
		/* Last: a message may unplug all there is. */
		tqemu_group_deliver(g);
	}
}

struct tqemu_group *tqemu_group_create(const char *cable, enum tqemu_mode mode,
				       Error **errp)
{
	struct tqemu_group *g = g_new0(struct tqemu_group, 1);

	g->cable = g_strdup(cable);
	g->mode = mode;
	g->next_timer = TFW_NEVER;
	g->alarm_at = TFW_NEVER;
	g->slack_ns = SLACK_MIN_NS;
	g->running = runstate_is_running();
	qemu_mutex_init(&g->lock);
	g->alarm = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (g->alarm < 0) {
		error_setg_errno(errp, errno, "no clock for the engine thread");
		goto err_free;
	}
	if (event_notifier_init(&g->wakeup, 0)) {
		error_setg(errp, "no file descriptor for the engine thread");
		goto err_alarm;
	}
	g->fw = tfw_engine_create(&tqemu_platform, g);
	if (!g->fw) {
		error_setg(errp, "no memory for an engine");
		goto err_notifier;
	}
	if (mode != TQEMU_MODE_INLINE && core_is_free())
		g->poll_max_ns = POLL_MAX_NS;
	g->refs = 2;
	g->vmstate = qemu_add_vm_change_state_handler(group_vmstate, g);
	qemu_thread_create(&g->thread, "tulle", thread_main, g,
			   QEMU_THREAD_DETACHED);
	return g;

err_notifier:
	event_notifier_cleanup(&g->wakeup);
err_alarm:
	close(g->alarm);
err_free:
	qemu_mutex_destroy(&g->lock);
	g_free(g->cable);
	g_free(g);
	return NULL;
}

/*
 * No device is left. The thread may be waiting for the BQL, which our caller
 * holds, so nobody waits for the thread.
 */
void tqemu_group_retire(struct tqemu_group *g)
{
	qemu_del_vm_change_state_handler(g->vmstate);
	tqemu_group_lock(g);
	qatomic_set(&g->quit, true);
	qemu_mutex_unlock(&g->lock);
	group_wake(g);
	tqemu_group_put(g);
}

void tqemu_group_put(struct tqemu_group *g)
{
	if (qatomic_dec_fetch(&g->refs))
		return;
	tfw_engine_destroy(g->fw);
	event_notifier_cleanup(&g->wakeup);
	close(g->alarm);
	qemu_mutex_destroy(&g->lock);
	g_free(g->cable);
	g_free(g);
}
