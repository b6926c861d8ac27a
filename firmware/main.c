// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Engine, devices and functions: creation, reset, and the pass that runs
 * whatever has something to do.
 */
#include <stdio.h>
#include <string.h>

#include "rdma.h"

bool tfw_is_zero(const void *p, size_t len)
{
	const u8 *b = p;

	while (len--)
		if (*b++)
			return false;
	return true;
}

void tfw_log(struct tfw_engine *e, enum tfw_log_level level,
	     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	e->plat->log(e->host, level, fmt, ap);
	va_end(ap);
}

struct tfw_engine *tfw_engine_create(const struct tfw_platform *plat,
				     void *host)
{
	struct tfw_engine *e = plat->alloc(host, sizeof(*e));

	if (!e)
		return NULL;
	e->plat = plat;
	e->host = host;
	e->now = plat->now_ns(host);
	tfw_list_init(&e->devs);
	tfw_list_init(&e->hot);
	tfw_list_init(&e->dirty_cqs);
	atomic_init(&e->kicked, false);
	return e;
}

void tfw_engine_destroy(struct tfw_engine *e)
{
	struct tfw_list *n, *next;

	if (!e)
		return;
	for (n = e->devs.next; n != &e->devs; n = next) {
		next = n->next;
		tfw_dev_destroy(tfw_container(n, struct tfw_dev, node));
	}
	tfw_free(e, e);
}

void tfw_engine_set_polling(struct tfw_engine *e, bool on)
{
	e->polling = on;
}

void tfw_work_queue(struct tfw_engine *e, struct tfw_work *w)
{
	if (tfw_work_queued(w))
		return;
	tfw_list_add_tail(&e->hot, &w->node);
}

void tfw_work_cancel(struct tfw_work *w)
{
	if (w->node.next)
		tfw_list_del(&w->node);
}

/* One turn of the work at the head of the hot list; its cost in bytes. */
static s64 engine_turn(struct tfw_engine *e, s64 left)
{
	struct tfw_budget budget = { .bytes = TFW_MIN(left, TFW_QUANTUM) };
	struct tfw_work *w = tfw_container(e->hot.next, struct tfw_work, node);
	s64 given = budget.bytes;

	/* Off the list first: a work may cancel or free itself in its turn. */
	tfw_list_del(&w->node);
	if (w->func && !tfw_func_live(w->func))
		return 0;
	if (w->run(w, &budget))
		tfw_work_queue(e, w);
	/* Idle for a moment: a polling host's pass has no better end. */
	if (budget.bytes == given)
		tfw_cq_flush(e);
	return TFW_MAX(given - budget.bytes, TFW_COST_MIN);
}

bool tfw_engine_run(struct tfw_engine *e, uint64_t bytes, uint64_t deadline)
{
	s64 left = (s64)TFW_MIN(bytes, (u64)INT64_MAX);
	bool settled = false;

	e->pass++;
	do {
		tfw_kicks_drain(e);
		e->now = e->plat->now_ns(e->host);
		if (tfw_timer_run(e))
			settled = false;
		if (!tfw_list_empty(&e->hot)) {
			left -= engine_turn(e, left);
			settled = false;
		} else if (!settled) {
			/* No more packets at hand: aggregates are closed. */
			tfw_wire_idle(e);
			settled = true;
		} else {
			break;
		}
	} while (left > 0 && e->now < deadline);
	tfw_cq_flush(e);
	return !settled || !tfw_list_empty(&e->hot) || tfw_engine_kicked(e);
}

void tfw_fw_config_init(struct tfw_fw_config *cfg)
{
	*cfg = (struct tfw_fw_config){
		.queue_pairs = 128,
		.vectors = 256,
		.serial = "TULLE0000",
		.link_modes = TULLE_BIT64(TULLE_LINK_10G_CR) |
			      TULLE_BIT64(TULLE_LINK_25G_CR) |
			      TULLE_BIT64(TULLE_LINK_50G_CR) |
			      TULLE_BIT64(TULLE_LINK_100G_CR2) |
			      TULLE_BIT64(TULLE_LINK_200G_CR4),
		.log_uar_size = 24,
		.boot_ms = 20,
		.link_ms = 20,
		.stall_ms = 2000,
		.port_fifo = 512 * 1024,
		.rdma = true,
	};
}

static const char *config_wrong(const struct tfw_fw_config *cfg)
{
	if (!cfg->queue_pairs || cfg->queue_pairs > 1024)
		return "queue pairs must be 1..1024";
	if (!cfg->vectors || cfg->vectors > 2048)
		return "vectors must be 1..2048";
	if (cfg->log_uar_size < 16 || cfg->log_uar_size > 26)
		return "doorbell BAR must be 64 KiB to 64 MiB";
	if (!cfg->link_modes ||
	    cfg->link_modes >> (TULLE_LINK_200G_CR4 + 1))
		return "no or unknown link modes";
	if (cfg->boot_ms > 10000)
		return "boot delay over 10 s";
	if (!memchr(cfg->serial, 0, sizeof(cfg->serial)))
		return "serial too long";
	if (cfg->mac[0] & 1)
		return "MAC address is multicast";
	if (cfg->port_fifo < 64 * 1024 || cfg->port_fifo > 64 * 1024 * 1024)
		return "port FIFO must be 64 KiB to 64 MiB";
	return NULL;
}

/* A locally administered address from the serial number (FNV-1a). */
static void config_derive_mac(struct tfw_fw_config *cfg)
{
	u64 hash = 0xcbf29ce484222325ULL;
	const char *c;
	int i;

	for (c = cfg->serial; *c; c++)
		hash = (hash ^ (u8)*c) * 0x100000001b3ULL;
	cfg->mac[0] = 0x02;
	for (i = 1; i < 6; i++)
		cfg->mac[i] = (u8)(hash >> (8 * i));
}

/*
 * Quotas of the PF: what its queue pairs need, twice over for swaps; RDMA as
 * much as a cluster node may want.
 */
static void func_set_quotas(struct tfw_func *f)
{
	const struct tfw_fw_config *cfg = &f->dev->cfg;
	u32 queues = 2U * cfg->queue_pairs + 64;
	u32 rdma = cfg->rdma ? 1 : 0;
	const u32 quota[TULLE_OBJ_TYPES] = {
		[TULLE_OBJ_UAR]		= 1U << (cfg->log_uar_size -
						TFW_LOG_UAR_STRIDE),
		[TULLE_OBJ_PD]		= 4096,
		[TULLE_OBJ_MKEY]	= 1U << 18,
		[TULLE_OBJ_EQ]		= 2U * cfg->vectors,
		[TULLE_OBJ_CQ]		= 2 * queues + (rdma << 16),
		[TULLE_OBJ_SQ]		= queues,
		[TULLE_OBJ_RQ]		= queues,
		[TULLE_OBJ_RSS]		= 512,
		[TULLE_OBJ_TABLE]	= 1024,
		[TULLE_OBJ_MASK]	= 4096,
		[TULLE_OBJ_RULE]	= 2U << 20,
		[TULLE_OBJ_COUNTER]	= 2U << 20,
		[TULLE_OBJ_QP]		= rdma << 17,
		[TULLE_OBJ_SRQ]		= rdma << 16,
		[TULLE_OBJ_XRCD]	= rdma << 12,
		[TULLE_OBJ_QP_COUNTER]	= rdma << 12,
		[TULLE_OBJ_MCAST]	= rdma << 14,
	};
	int i;

	for (i = 0; i < TULLE_OBJ_TYPES; i++)
		f->obj[i].quota = quota[i];
}

/* The objects that exist from reset on, and count for nobody. */
static bool func_make_fixed(struct tfw_func *f)
{
	int i;

	if (!tfw_uar_make_kernel(f) || !tfw_flow_vport_init(f->vport))
		return false;
	for (i = 0; i < TULLE_OBJ_TYPES; i++)
		f->obj[i].base = f->obj[i].used;
	return true;
}

static void func_boot_timer(struct tfw_timer *t)
{
	struct tfw_func *f = tfw_container(t, struct tfw_func, boot);

	if (!func_make_fixed(f) || !tfw_rdma_init(f)) {
		tfw_health_die(f, TULLE_SYNDROME_NOMEM, __FILE__, __LINE__);
		return;
	}
	f->state = TULLE_STATE_READY;
	tfw_health_ready(f);
	tfw_cmdq_doorbell(f);
	if (f->type == TULLE_FUNC_TYPE_PF)
		tfw_port_negotiate(&f->dev->port);
}

/* Everything back to its reset value; booting starts. */
static void func_restart(struct tfw_func *f)
{
	struct tfw_engine *e = tfw_func_engine(f);
	u64 boot_ns = (u64)f->dev->cfg.boot_ms * 1000000;

	atomic_fetch_add(&f->gen, 1);
	tfw_uar_set_stride(f, TFW_LOG_UAR_STRIDE);
	f->state = TULLE_STATE_BOOTING;
	f->stalled = false;
	f->scratch = 0;
	f->clock_hi = 0;
	f->cmd_base[0] = 0;
	f->cmd_base[1] = 0;
	f->events = 0;
	tfw_cmdq_reset(f);
	tfw_health_reset(f);
	e->now = e->plat->now_ns(e->host);
	tfw_timer_arm(e, &f->boot, e->now + boot_ns);
}

static void func_stop(struct tfw_func *f)
{
	struct tfw_engine *e = tfw_func_engine(f);
	int i;

	/* First: whatever the hooks below do, memory is out of reach. */
	f->state = TULLE_STATE_BOOTING;
	tfw_timer_cancel(e, &f->boot);
	if (f->type == TULLE_FUNC_TYPE_PF)
		tfw_port_reset(&f->dev->port);
	tfw_rdma_reset(f);
	tfw_obj_destroy_all(f);
	tfw_rdma_cleanup(f);
	for (i = 0; i < TULLE_OBJ_TYPES; i++)
		f->obj[i].base = 0;
	tfw_event_reset(f);
	tfw_vport_reset(f);
}

void tfw_func_reset(struct tfw_dev *dev, uint16_t func)
{
	struct tfw_func *f = tfw_func_find(dev, func);

	if (!f)
		return;
	func_stop(f);
	func_restart(f);
}

void tfw_dev_reset(struct tfw_dev *dev)
{
	u32 i;

	for (i = 0; i < dev->nfuncs; i++)
		tfw_func_reset(dev, dev->funcs[i].id);
	memset(&dev->port.stats, 0, sizeof(dev->port.stats));
	dev->port.flaps = 0;
	dev->port.fec_octets = 0;
	tfw_plan_reset(&dev->faults);
	tfw_plan_reset(&dev->liar);
}

void tfw_func_set_dma(struct tfw_dev *dev, uint16_t func, bool enabled)
{
	struct tfw_func *f = tfw_func_find(dev, func);

	if (!f || f->dma == enabled)
		return;
	/* Aggregates are finished while memory is in reach. */
	if (!enabled && tfw_func_live(f))
		tfw_wire_gro_flush(&dev->port);
	f->dma = enabled;
	if (!tfw_func_live(f))
		return;
	tfw_cmdq_doorbell(f);
	tfw_wq_kick_all(f, TFW_ALL_PAGES);
	tfw_event_flush(f);
}

uint32_t tfw_func_generation(struct tfw_dev *dev, uint16_t func)
{
	struct tfw_func *f = tfw_func_find(dev, func);

	return f ? atomic_load(&f->gen) : 0;
}

struct tfw_func *tfw_func_find(struct tfw_dev *dev, u16 id)
{
	return id < dev->nfuncs ? &dev->funcs[id] : NULL;
}

static bool func_init(struct tfw_dev *dev, struct tfw_func *f, u16 id)
{
	f->dev = dev;
	f->id = id;
	f->type = TULLE_FUNC_TYPE_PF;
	f->dma = true;
	f->nvectors = dev->cfg.vectors;
	func_set_quotas(f);
	tfw_timer_init(&f->boot, func_boot_timer);
	tfw_health_init(f);
	tfw_event_init(f);
	tfw_cmdq_init(f);
	return tfw_obj_init(f) && tfw_vport_init(f);
}

static void func_cleanup(struct tfw_func *f)
{
	struct tfw_engine *e = tfw_func_engine(f);

	func_stop(f);
	tfw_health_reset(f);
	tfw_cmdq_reset(f);
	tfw_cmdq_cleanup(f);
	tfw_obj_cleanup(f);
	tfw_free(e, f->vport);
}

static bool dev_init(struct tfw_dev *dev, char *err, size_t err_len)
{
	struct tfw_engine *e = dev->engine;

	tfw_port_init(dev, &dev->port);
	if (!tfw_dev_set_faults(dev, dev->cfg.faults, err, err_len) ||
	    !tfw_dev_set_liar(dev, dev->cfg.liar, err, err_len))
		return false;
	snprintf(err, err_len, "out of memory");
	dev->funcs = tfw_alloc(e, sizeof(*dev->funcs));
	if (!dev->funcs)
		return false;
	dev->nfuncs = 1;
	if (!func_init(dev, &dev->funcs[0], TFW_FUNC_PF))
		return false;
	return tfw_wire_init(&dev->port);
}

struct tfw_dev *tfw_dev_create(struct tfw_engine *e,
			       const struct tfw_fw_config *cfg, void *host,
			       char *err, size_t err_len)
{
	const char *wrong = config_wrong(cfg);
	struct tfw_dev *dev;
	char none[1];

	if (!err || !err_len) {
		err = none;
		err_len = sizeof(none);
	}
	if (wrong) {
		snprintf(err, err_len, "%s", wrong);
		return NULL;
	}
	snprintf(err, err_len, "out of memory");
	dev = tfw_alloc(e, sizeof(*dev));
	if (!dev)
		return NULL;
	dev->engine = e;
	dev->host = host;
	dev->cfg = *cfg;
	if (tfw_is_zero(cfg->mac, sizeof(cfg->mac)))
		config_derive_mac(&dev->cfg);
	tfw_kicks_init(&dev->kicks);
	tfw_list_add_tail(&e->devs, &dev->node);
	if (!dev_init(dev, err, err_len)) {
		tfw_dev_destroy(dev);
		return NULL;
	}
	dev->cfg.faults = NULL;
	dev->cfg.liar = NULL;
	func_restart(&dev->funcs[0]);
	return dev;
}

void tfw_dev_destroy(struct tfw_dev *dev)
{
	struct tfw_engine *e;
	u32 i;

	if (!dev)
		return;
	e = dev->engine;
	tfw_cable_leave(dev);
	for (i = 0; i < dev->nfuncs; i++)
		func_cleanup(&dev->funcs[i]);
	tfw_wire_cleanup(&dev->port);
	tfw_timer_cancel(e, &dev->port.link_timer);
	tfw_list_del(&dev->node);
	tfw_free(e, dev->funcs);
	tfw_free(e, dev);
}
