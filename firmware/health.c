// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Heartbeat, syndrome, crash record, and the watchdog that turns an engine
 * without progress into a dead function.
 */
#include <stdio.h>
#include <string.h>

#include "dev.h"

#define BEAT_NS		50000000ULL

static void health_record(struct tfw_func *f, u32 syndrome, const char *file,
			  int line)
{
	struct tfw_engine *e = tfw_func_engine(f);
	struct tulle_crash *c = &f->crash;
	const char *base = strrchr(file, '/');
	int i;

	memset(c, 0, sizeof(*c));
	c->syndrome = cpu_to_le32(syndrome);
	c->line = cpu_to_le32((u32)line);
	c->time = cpu_to_le64(e->plat->now_ns(e->host));
	snprintf(c->file, sizeof(c->file), "%s", base ? base + 1 : file);
	for (i = 0; i < 8; i++) {
		c->last_op[i] = cpu_to_le32(f->cmdq.last_op[i]);
		c->last_status[i] = cpu_to_le32(f->cmdq.last_status[i]);
	}
	c->passes = cpu_to_le32((u32)e->pass);
	c->events = cpu_to_le32((u32)f->events);
}

void tfw_health_die(struct tfw_func *f, u32 syndrome, const char *file,
		    int line)
{
	struct tfw_engine *e = tfw_func_engine(f);

	if (f->syndrome)
		return;
	f->syndrome = syndrome;
	health_record(f, syndrome, file, line);
	tfw_log(e, TFW_LOG_WARN, "function %u died: syndrome %u at %s:%d",
		f->id, syndrome, f->crash.file, line);
	/* The last thing it says; a stalled engine gets to say it as well. */
	f->stalled = false;
	tfw_event_health(f, syndrome);
	f->state = TULLE_STATE_DEAD;
	tfw_timer_cancel(e, &f->beat);
	tfw_timer_cancel(e, &f->watchdog);
	if (f->type == TULLE_FUNC_TYPE_PF)
		tfw_port_negotiate(&f->dev->port);
}

void tfw_assert_failed(struct tfw_dev *dev, const char *file, int line)
{
	u32 i;

	tfw_log(dev->engine, TFW_LOG_ERROR, "assertion failed at %s:%d", file,
		line);
	for (i = 0; i < dev->nfuncs; i++)
		tfw_health_die(&dev->funcs[i], TULLE_SYNDROME_ASSERT, file,
			       line);
	if (dev->engine->plat->fatal)
		dev->engine->plat->fatal(dev->engine->host, file, line);
}

/* The engine stops for this function: no commands, no queues, no heartbeat. */
void tfw_health_stall(struct tfw_func *f)
{
	struct tfw_engine *e = tfw_func_engine(f);
	u64 limit = (u64)f->dev->cfg.stall_ms * 1000000;

	if (f->stalled)
		return;
	f->stalled = true;
	tfw_timer_cancel(e, &f->beat);
	tfw_timer_arm(e, &f->watchdog, e->now + limit);
}

static void health_watchdog(struct tfw_timer *t)
{
	struct tfw_func *f = tfw_container(t, struct tfw_func, watchdog);

	tfw_health_die(f, TULLE_SYNDROME_STALL, __FILE__, __LINE__);
}

/* The beat is also when the fault plan may stop the engine or kill it. */
static void health_beat(struct tfw_timer *t)
{
	struct tfw_func *f = tfw_container(t, struct tfw_func, beat);
	struct tfw_engine *e = tfw_func_engine(f);

	f->heartbeat++;
	tfw_timer_arm(e, &f->beat, e->now + BEAT_NS);
	if (f->test_syndrome == TULLE_SYNDROME_INJECTED ||
	    tfw_fault(f->dev, TFW_FAULT_FW_CRASH))
		tfw_health_die(f, TULLE_SYNDROME_INJECTED, __FILE__, __LINE__);
	else if (f->test_syndrome == TULLE_SYNDROME_STALL ||
		 tfw_fault(f->dev, TFW_FAULT_ENGINE_STALL))
		tfw_health_stall(f);
}

void tfw_health_command(struct tfw_func *f, u16 op, u8 status)
{
	struct tfw_cmdq *q = &f->cmdq;

	memmove(q->last_op + 1, q->last_op, sizeof(q->last_op) - 4);
	memmove(q->last_status + 1, q->last_status,
		sizeof(q->last_status) - 4);
	q->last_op[0] = op;
	q->last_status[0] = status;
}

void tfw_health_init(struct tfw_func *f)
{
	tfw_timer_init(&f->beat, health_beat);
	tfw_timer_init(&f->watchdog, health_watchdog);
}

void tfw_health_ready(struct tfw_func *f)
{
	struct tfw_engine *e = tfw_func_engine(f);

	tfw_timer_arm(e, &f->beat, e->now + BEAT_NS);
}

void tfw_health_reset(struct tfw_func *f)
{
	struct tfw_engine *e = tfw_func_engine(f);

	tfw_timer_cancel(e, &f->beat);
	tfw_timer_cancel(e, &f->watchdog);
	f->syndrome = TULLE_SYNDROME_NONE;
	f->test_syndrome = TULLE_SYNDROME_NONE;
	f->heartbeat = 0;
	memset(&f->crash, 0, sizeof(f->crash));
}

/*
 * The answer to this command comes before what it asks for: die and stall
 * take effect with the next heartbeat.
 */
enum tulle_status tfw_cmd_test_health(struct tfw_cmd *cmd)
{
	const struct tulle_test_health *req = cmd->in;
	struct tfw_func *f = cmd->func;

	switch (le32_to_cpu(req->syndrome)) {
	case TULLE_SYNDROME_INJECTED:
		f->test_syndrome = TULLE_SYNDROME_INJECTED;
		return TULLE_STATUS_OK;
	case TULLE_SYNDROME_STALL:
		f->test_syndrome = TULLE_SYNDROME_STALL;
		return TULLE_STATUS_OK;
	default:
		return TFW_CMD_BAD(cmd, struct tulle_test_health, syndrome);
	}
}
