// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The machine and the least of a driver: see fake.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static u8 *mem_at(struct fake_dev *d, u64 addr, size_t len)
{
	if (addr < FAKE_BASE || addr - FAKE_BASE > FAKE_MEM ||
	    len > FAKE_MEM - (addr - FAKE_BASE))
		return NULL;
	if (d->hole_len && addr < d->hole + d->hole_len &&
	    addr + len > d->hole)
		return NULL;
	return d->mem + (addr - FAKE_BASE);
}

static void note_write(struct fake_dev *d, u64 addr, size_t len)
{
	if (d->on_write)
		d->on_write(d, addr, len);
	d->writes++;
}

static bool op_dma_read(void *dev, uint16_t func, uint64_t addr, void *buf,
			size_t len)
{
	u8 *p = mem_at(dev, addr, len);

	if (func || !p)
		return false;
	memcpy(buf, p, len);
	return true;
}

static bool op_dma_write(void *dev, uint16_t func, uint64_t addr,
			 const void *buf, size_t len)
{
	struct fake_dev *d = dev;
	u8 *p = mem_at(d, addr, len);

	if (func || !p)
		return false;
	note_write(d, addr, len);
	memmove(p, buf, len);
	return true;
}

static const void *op_dma_map(void *dev, uint16_t func, uint64_t addr,
			      size_t len)
{
	struct fake_dev *d = dev;

	return func || d->no_map ? NULL : mem_at(d, addr, len);
}

static bool op_dma_load32(void *dev, uint16_t func, uint64_t addr,
			  uint32_t *val)
{
	u8 *p = mem_at(dev, addr, 4);

	((struct fake_dev *)dev)->loads++;
	if (func || !p || addr % 4)
		return false;
	*val = __atomic_load_n((u32 *)(void *)p, __ATOMIC_ACQUIRE);
	return true;
}

static bool op_dma_load64(void *dev, uint16_t func, uint64_t addr,
			  uint64_t *val)
{
	u8 *p = mem_at(dev, addr, 8);

	((struct fake_dev *)dev)->loads++;
	if (func || !p || addr % 8)
		return false;
	*val = __atomic_load_n((u64 *)(void *)p, __ATOMIC_ACQUIRE);
	return true;
}

static bool op_dma_store32(void *dev, uint16_t func, uint64_t addr,
			   uint32_t val)
{
	struct fake_dev *d = dev;
	u8 *p = mem_at(d, addr, 4);

	if (func || !p || addr % 4)
		return false;
	note_write(d, addr, 4);
	__atomic_store_n((u32 *)(void *)p, val, __ATOMIC_RELEASE);
	return true;
}

static bool op_dma_publish(void *dev, uint16_t func, uint64_t addr,
			   const void *buf, size_t len)
{
	struct fake_dev *d = dev;
	u8 *p = mem_at(d, addr, len);
	u64 last;

	if (func || !p || addr % 8 || len % 8 || !len || len > 64 ||
	    (addr & 4095) + len > 4096)
		return false;
	note_write(d, addr, len);
	memcpy(&last, (const char *)buf + len - 8, 8);
	memcpy(p, buf, len - 8);
	__atomic_store_n((u64 *)(void *)(p + len - 8), last, __ATOMIC_RELEASE);
	return true;
}

static bool op_dma_atomic(void *dev, uint16_t func, uint64_t addr,
			  const uint64_t *compare, uint64_t operand,
			  uint64_t *old)
{
	struct fake_dev *d = dev;
	u8 *p = mem_at(d, addr, 8);

	if (func || !p || addr % 8)
		return false;
	note_write(d, addr, 8);
	if (!compare) {
		*old = __atomic_fetch_add((u64 *)(void *)p, operand,
					  __ATOMIC_SEQ_CST);
		return true;
	}
	*old = *compare;
	__atomic_compare_exchange_n((u64 *)(void *)p, old, operand, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return true;
}

static void op_irq(void *dev, uint16_t func, uint16_t vector)
{
	struct fake_dev *d = dev;

	if (!func && vector < FAKE_VECTORS)
		d->irqs[vector]++;
}

static bool op_port_tx(void *dev, const struct tfw_iov *iov, unsigned int n)
{
	struct fake_dev *d = dev;
	struct fake_frame *f;
	unsigned int i;
	size_t pos = 0;

	if (d->tx_full || d->nframes == FAKE_FRAMES)
		return false;
	f = &d->frames[d->nframes++];
	f->len = 0;
	for (i = 0; i < n; i++)
		f->len += iov[i].len;
	f->data = malloc(f->len ? f->len : 1);
	if (!f->data)
		abort();
	for (i = 0; i < n; i++) {
		memcpy(f->data + pos, iov[i].base, iov[i].len);
		pos += iov[i].len;
	}
	return true;
}

static void op_port_rx_ready(void *dev)
{
	((struct fake_dev *)dev)->rx_ready++;
}

static void op_capture(void *dev, bool tx, const struct tfw_iov *iov,
		       unsigned int n)
{
	(void)tx;
	(void)iov;
	(void)n;
	((struct fake_dev *)dev)->captured++;
}

static void op_reset_done(void *dev, uint16_t func)
{
	if (!func)
		((struct fake_dev *)dev)->resets++;
}

static uint64_t op_now(void *engine)
{
	return ((struct fake *)engine)->now;
}

static void *op_alloc(void *engine, size_t size)
{
	struct fake *env = engine;
	void *p;

	if (!env->alloc_budget)
		return NULL;
	if (env->alloc_budget > 0)
		env->alloc_budget--;
	p = calloc(1, size);
	if (p)
		env->allocs++;
	return p;
}

static void op_free(void *engine, void *ptr)
{
	struct fake *env = engine;

	if (ptr)
		env->allocs--;
	free(ptr);
}

__attribute__((format(printf, 3, 0)))
static void op_log(void *engine, enum tfw_log_level level, const char *fmt,
		   va_list ap)
{
	struct fake *env = engine;

	if (level == TFW_LOG_ERROR)
		env->log_errors++;
	if (getenv("FAKE_LOG")) {
		vfprintf(stderr, fmt, ap);
		fputc('\n', stderr);
	}
}

static void op_fatal(void *engine, const char *file, int line)
{
	(void)file;
	(void)line;
	((struct fake *)engine)->fatals++;
}

static const struct tfw_platform fake_platform = {
	.dma_read	= op_dma_read,
	.dma_write	= op_dma_write,
	.dma_map	= op_dma_map,
	.dma_load32	= op_dma_load32,
	.dma_load64	= op_dma_load64,
	.dma_store32	= op_dma_store32,
	.dma_publish	= op_dma_publish,
	.dma_atomic	= op_dma_atomic,
	.irq		= op_irq,
	.port_tx	= op_port_tx,
	.port_rx_ready	= op_port_rx_ready,
	.capture	= op_capture,
	.reset_done	= op_reset_done,
	.now_ns		= op_now,
	.alloc		= op_alloc,
	.free		= op_free,
	.log		= op_log,
	.fatal		= op_fatal,
};

void fake_init(struct fake *env)
{
	*env = (struct fake){ .now = 1000000000, .alloc_budget = -1 };
	env->engine = tfw_engine_create(&fake_platform, env);
	if (!env->engine)
		abort();
}

void fake_exit(struct fake *env)
{
	tfw_engine_destroy(env->engine);
	env->engine = NULL;
	if (fake_leaks(env))
		abort();
}

u64 fake_leaks(const struct fake *env)
{
	return (u64)env->allocs;
}

bool fake_dev_init(struct fake *env, struct fake_dev *d,
		   const struct tfw_fw_config *cfg)
{
	struct tfw_fw_config def;
	char err[80] = "";

	memset(d, 0, sizeof(*d));
	d->env = env;
	d->mem = calloc(1, FAKE_MEM);
	if (!d->mem)
		abort();
	d->top = FAKE_BASE;
	if (!cfg) {
		tfw_fw_config_init(&def);
		def.boot_ms = 1;
		def.link_ms = 1;
		cfg = &def;
	}
	d->dev = tfw_dev_create(env->engine, cfg, d, err, sizeof(err));
	if (d->dev)
		return true;
	free(d->mem);
	d->mem = NULL;
	return false;
}

void fake_dev_exit(struct fake_dev *d)
{
	tfw_dev_destroy(d->dev);
	fake_frames_drop(d);
	free(d->mem);
	d->dev = NULL;
	d->mem = NULL;
}

void fake_run(struct fake *env)
{
	unsigned int passes = 0;

	while (tfw_engine_run(env->engine, 1 << 20, TFW_NEVER))
		if (++passes > 1000000)
			abort();	/* it never comes to rest */
}

void fake_advance(struct fake *env, u64 ns)
{
	u64 end = env->now + ns, next;

	fake_run(env);
	while ((next = tfw_engine_next_timer(env->engine)) <= end) {
		if (next > env->now)
			env->now = next;
		fake_run(env);
	}
	env->now = end;
	fake_run(env);
}

u64 fake_mem(struct fake_dev *d, size_t size, size_t align)
{
	u64 addr = (d->top + align - 1) & ~(u64)(align - 1);

	d->top = addr + size;
	if (d->top - FAKE_BASE > FAKE_MEM)
		abort();
	memset(d->mem + (addr - FAKE_BASE), 0, size);
	return addr;
}

void *fake_ptr(struct fake_dev *d, u64 addr)
{
	return d->mem + (addr - FAKE_BASE);
}

u32 fake_reg(struct fake_dev *d, u32 offset)
{
	return tfw_mmio_read(d->dev, TFW_FUNC_PF, offset);
}

static void fake_reg_write(struct fake_dev *d, u32 offset, u32 val)
{
	tfw_mmio_write(d->dev, TFW_FUNC_PF, offset, val);
}

void fake_cmd_setup(struct fake_dev *d)
{
	d->slots = fake_mem(d, FAKE_SLOTS * sizeof(struct tulle_cmd_slot),
			    4096);
	d->in_box = fake_mem(d, FAKE_BOX * 4096, 4096);
	d->out_box = fake_mem(d, FAKE_BOX * 4096, 4096);
	fake_reg_write(d, TULLE_REG_CMD_BASE_LO, (u32)d->slots);
	fake_reg_write(d, TULLE_REG_CMD_BASE_HI, (u32)(d->slots >> 32));
	fake_reg_write(d, TULLE_REG_CMD_CFG, TULLE_CMD_CFG_ENABLE | 6);
}

void fake_boot(struct fake_dev *d)
{
	fake_advance(d->env, 20 * 1000000);
	fake_cmd_setup(d);
}

struct tulle_cmd_slot *fake_slot(struct fake_dev *d, u32 slot)
{
	return (struct tulle_cmd_slot *)fake_ptr(d, d->slots) + slot;
}

void fake_post(struct fake_dev *d, u32 slot)
{
	__atomic_store_n(&fake_slot(d, slot)->owner, TULLE_CMD_OWNER_DEVICE,
			 __ATOMIC_RELEASE);
}

void fake_cmd_doorbell(struct fake_dev *d)
{
	fake_reg_write(d, TULLE_REG_CMD_DOORBELL, 0);
	fake_run(d->env);
}

/* A list in the box's first page that names the pages behind it. */
static u64 box_list(struct fake_dev *d, u64 box, u32 len)
{
	__le64 *list = fake_ptr(d, box);
	u32 i;

	for (i = 0; i < (len + 4095) / 4096; i++)
		list[i] = cpu_to_le64(box + 4096 * (i + 1));
	return box;
}

enum tulle_status fake_cmd(struct fake_dev *d, u16 op, const void *in,
			   u32 in_len, void *out, u32 out_len)
{
	struct tulle_cmd_slot *s = fake_slot(d, 0);

	memset(s, 0, sizeof(*s));
	s->op = cpu_to_le16(op);
	s->in_len = cpu_to_le32(in_len);
	s->out_len = cpu_to_le32(out_len);
	s->in_addr = cpu_to_le64(box_list(d, d->in_box, in_len));
	s->out_addr = cpu_to_le64(box_list(d, d->out_box, out_len));
	s->flags = TULLE_CMD_F_IN_LIST | TULLE_CMD_F_OUT_LIST;
	if (in_len)
		memcpy(fake_ptr(d, d->in_box + 4096), in, in_len);
	fake_post(d, 0);
	fake_cmd_doorbell(d);
	if (s->owner != TULLE_CMD_OWNER_DRIVER)
		return TULLE_STATUS_INTERNAL;
	d->syndrome = le32_to_cpu(s->syndrome);
	d->out_used = le32_to_cpu(s->out_used);
	if (out && d->out_used && d->out_used <= out_len)
		memcpy(out, fake_ptr(d, d->out_box + 4096), d->out_used);
	return s->status;
}

u32 fake_create(struct fake_dev *d, u16 op, const void *in, u32 in_len,
		enum tulle_status *st)
{
	struct tulle_handle_rsp rsp = { 0 };
	enum tulle_status status;

	status = fake_cmd(d, op, in, in_len, &rsp, sizeof(rsp));
	if (st)
		*st = status;
	return status ? 0 : le32_to_cpu(rsp.handle);
}

enum tulle_status fake_destroy(struct fake_dev *d, u16 op, u32 handle)
{
	struct tulle_handle_req req = { .handle = cpu_to_le32(handle) };

	return fake_cmd(d, op, &req, sizeof(req), NULL, 0);
}

void fake_kick(struct fake_dev *d, u32 doorbell, u32 handle)
{
	tfw_kick(d->dev, TFW_FUNC_PF, doorbell, handle);
	fake_run(d->env);
}

struct tulle_page_list fake_pages(struct fake_dev *d, size_t size, u64 *addr)
{
	size_t bytes = (size + 4095) & ~(size_t)4095;

	*addr = fake_mem(d, bytes, 4096);
	return (struct tulle_page_list){
		.addr = cpu_to_le64(*addr),
		.npages = cpu_to_le32((u32)(bytes / 4096)),
		.log_page_size = 12,
	};
}

static void queue_init(struct fake_dev *d, struct fake_queue *q, u8 log_size,
		       u8 log_entry)
{
	*q = (struct fake_queue){
		.d = d,
		.log_size = log_size,
		.log_entry = log_entry,
	};
	q->dbr_addr = fake_mem(d, sizeof(struct tulle_dbr), 128);
	q->dbr = fake_ptr(d, q->dbr_addr);
}

enum tulle_status fake_eq_create(struct fake_dev *d, struct fake_queue *q,
				 u8 log_size, u16 vector, u8 flags)
{
	struct tulle_eq_ctx ctx = { .log_size = log_size, .flags = flags };
	enum tulle_status st;

	queue_init(d, q, log_size, 5);
	ctx.vector = cpu_to_le16(vector);
	ctx.pages = fake_pages(d, 32UL << log_size, &q->ring);
	ctx.dbr = cpu_to_le64(q->dbr_addr);
	q->handle = fake_create(d, TULLE_CMD_CREATE_EQ, &ctx, sizeof(ctx),
				&st);
	return st;
}

enum tulle_status fake_cq_create(struct fake_dev *d, struct fake_queue *q,
				 u32 eq, u8 log_size, u8 log_cqe,
				 u16 mod_frames, u16 mod_usecs)
{
	struct tulle_cq_ctx ctx = {
		.log_size = log_size,
		.log_cqe_size = log_cqe,
		.eq = cpu_to_le32(eq),
		.mod_frames = cpu_to_le16(mod_frames),
		.mod_usecs = cpu_to_le16(mod_usecs),
	};
	enum tulle_status st;

	queue_init(d, q, log_size, log_cqe);
	ctx.pages = fake_pages(d, 1UL << (log_size + log_cqe), &q->ring);
	ctx.dbr = cpu_to_le64(q->dbr_addr);
	q->handle = fake_create(d, TULLE_CMD_CREATE_CQ, &ctx, sizeof(ctx),
				&st);
	return st;
}

void *fake_poll(struct fake_queue *q)
{
	size_t size = 1UL << q->log_entry;
	u32 ix = q->ci & ((1U << q->log_size) - 1);
	u8 *entry = (u8 *)fake_ptr(q->d, q->ring) + ix * size;
	u8 owner = __atomic_load_n(entry + size - 1, __ATOMIC_ACQUIRE);

	if ((owner & 1) == ((q->ci >> q->log_size) & 1))
		return NULL;
	q->ci++;
	__atomic_store_n(&q->dbr->ci, cpu_to_le32(q->ci), __ATOMIC_RELEASE);
	return entry;
}

void fake_arm(struct fake_queue *q, enum tulle_arm_mode mode)
{
	q->sn++;
	__atomic_store_n(&q->dbr->arm,
			 le32_encode_bits(q->sn, TULLE_ARM_SN) |
			 le32_encode_bits(mode, TULLE_ARM_MODE),
			 __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void fake_frames_drop(struct fake_dev *d)
{
	while (d->nframes)
		free(d->frames[--d->nframes].data);
}

bool fake_receive(struct fake_dev *d, const void *data, size_t len)
{
	const struct tfw_iov iov = { .base = data, .len = len };
	bool taken = tfw_port_receive(d->dev, &iov, 1);

	fake_run(d->env);
	return taken;
}

enum tulle_status fake_port_up(struct fake_dev *d)
{
	struct tulle_modify_port req = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_ADMIN),
		.admin_up = 1,
	};

	return fake_cmd(d, TULLE_CMD_MODIFY_PORT, &req, sizeof(req), NULL, 0);
}

bool fake_cable(struct fake_dev *a, struct fake_dev *b)
{
	if (!tfw_cable_join(a->dev, b->dev) || fake_port_up(a) ||
	    fake_port_up(b))
		return false;
	fake_advance(a->env, 100 * 1000000);
	return true;
}
