// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * BAR0: one table of registers. What is not in it reads as 0 and ignores
 * writes.
 */
#include <string.h>

#include "dev.h"

/* Longest times the device promises, in units of 100 ms. */
#define LIMIT_CMD		20
#define LIMIT_BOOT_SLACK	10

struct reg {
	u32	(*read)(struct tfw_func *f);
	void	(*write)(struct tfw_func *f, u32 val);
};

static u32 magic_read(struct tfw_func *f)
{
	(void)f;
	return TULLE_MAGIC;
}

static u32 if_version_read(struct tfw_func *f)
{
	(void)f;
	return u32_encode_bits(TULLE_IF_MAJOR, TULLE_IF_VERSION_MAJOR) |
	       u32_encode_bits(TULLE_IF_MINOR, TULLE_IF_VERSION_MINOR);
}

static u32 fw_version_read(struct tfw_func *f)
{
	(void)f;
	return u32_encode_bits(TFW_VERSION_MAJOR, TULLE_FW_VERSION_MAJOR) |
	       u32_encode_bits(TFW_VERSION_MINOR, TULLE_FW_VERSION_MINOR) |
	       u32_encode_bits(TFW_VERSION_PATCH, TULLE_FW_VERSION_PATCH);
}

static u32 state_read(struct tfw_func *f)
{
	u32 boot = f->dev->cfg.boot_ms / 100 + LIMIT_BOOT_SLACK;

	return u32_encode_bits(f->state, TULLE_STATE_STATE) |
	       u32_encode_bits(boot, TULLE_STATE_BOOT_LIMIT) |
	       u32_encode_bits(LIMIT_CMD, TULLE_STATE_CMD_LIMIT);
}

static void reset_write(struct tfw_func *f, u32 val)
{
	struct tfw_dev *dev = f->dev;

	if (val != TULLE_RESET_MAGIC)
		return;
	tfw_func_reset(dev, f->id);
	if (dev->engine->plat->reset_done)
		dev->engine->plat->reset_done(dev->host, f->id);
}

static u32 syndrome_read(struct tfw_func *f)
{
	return f->syndrome;
}

static u32 heartbeat_read(struct tfw_func *f)
{
	return f->heartbeat;
}

static u32 func_read(struct tfw_func *f)
{
	return u32_encode_bits(f->id, TULLE_FUNC_ID) |
	       u32_encode_bits(f->type, TULLE_FUNC_TYPE);
}

static u32 clock_lo_read(struct tfw_func *f)
{
	struct tfw_engine *e = tfw_func_engine(f);
	u64 now = e->plat->now_ns(e->host);

	f->clock_hi = (u32)(now >> 32);
	return (u32)now;
}

static u32 clock_hi_read(struct tfw_func *f)
{
	return f->clock_hi;
}

static u32 uar_cfg_read(struct tfw_func *f)
{
	return u32_encode_bits(atomic_load(&f->log_stride),
			       TULLE_UAR_CFG_LOG_STRIDE) |
	       u32_encode_bits(f->dev->cfg.log_uar_size,
			       TULLE_UAR_CFG_LOG_SIZE);
}

static void uar_cfg_write(struct tfw_func *f, u32 val)
{
	u32 log = u32_get_bits(val, TULLE_UAR_CFG_LOG_STRIDE);

	/* The kernel's page is the one that does not count. */
	if (log < 12 || log > 16 || f->obj[TULLE_OBJ_UAR].used > 1)
		return;
	tfw_uar_set_stride(f, (u8)log);
}

static u32 cmd_caps_read(struct tfw_func *f)
{
	(void)f;
	return u32_encode_bits(6, TULLE_CMD_CAPS_LOG_SLOTS) |
	       u32_encode_bits(21, TULLE_CMD_CAPS_LOG_MAILBOX);
}

static u32 cmd_base_lo_read(struct tfw_func *f)
{
	return f->cmd_base[0];
}

static u32 cmd_base_hi_read(struct tfw_func *f)
{
	return f->cmd_base[1];
}

static void cmd_base_lo_write(struct tfw_func *f, u32 val)
{
	if (!f->cmdq.enabled)
		f->cmd_base[0] = val & ~63U;
}

static void cmd_base_hi_write(struct tfw_func *f, u32 val)
{
	if (!f->cmdq.enabled)
		f->cmd_base[1] = val;
}

static u32 cmd_cfg_read(struct tfw_func *f)
{
	return u32_encode_bits(f->cmdq.log_slots, TULLE_CMD_CFG_LOG_SLOTS) |
	       (f->cmdq.enabled ? TULLE_CMD_CFG_ENABLE : 0);
}

static void cmd_cfg_write(struct tfw_func *f, u32 val)
{
	u32 log = u32_get_bits(val, TULLE_CMD_CFG_LOG_SLOTS);

	if (!(val & TULLE_CMD_CFG_ENABLE)) {
		f->cmdq.enabled = false;
		return;
	}
	if (f->cmdq.enabled || (1U << log) > TFW_CMD_SLOTS)
		return;
	f->cmdq.base = f->cmd_base[0] | (u64)f->cmd_base[1] << 32;
	f->cmdq.log_slots = (u8)log;
	/* A scan of another array is not gone on with. */
	f->cmdq.next = 0;
	f->cmdq.left = 0;
	f->cmdq.enabled = true;
}

static void cmd_doorbell_write(struct tfw_func *f, u32 val)
{
	(void)val;
	tfw_cmdq_doorbell(f);
}

static u32 scratch_read(struct tfw_func *f)
{
	return f->scratch;
}

static void scratch_write(struct tfw_func *f, u32 val)
{
	f->scratch = val;
}

static const struct reg regs[] = {
	[TULLE_REG_MAGIC / 4]		= { magic_read, NULL },
	[TULLE_REG_IF_VERSION / 4]	= { if_version_read, NULL },
	[TULLE_REG_FW_VERSION / 4]	= { fw_version_read, NULL },
	[TULLE_REG_STATE / 4]		= { state_read, NULL },
	[TULLE_REG_RESET / 4]		= { NULL, reset_write },
	[TULLE_REG_SYNDROME / 4]	= { syndrome_read, NULL },
	[TULLE_REG_HEARTBEAT / 4]	= { heartbeat_read, NULL },
	[TULLE_REG_FUNC / 4]		= { func_read, NULL },
	[TULLE_REG_CLOCK_LO / 4]	= { clock_lo_read, NULL },
	[TULLE_REG_CLOCK_HI / 4]	= { clock_hi_read, NULL },
	[TULLE_REG_UAR_CFG / 4]		= { uar_cfg_read, uar_cfg_write },
	[TULLE_REG_CMD_CAPS / 4]	= { cmd_caps_read, NULL },
	[TULLE_REG_CMD_BASE_LO / 4]	= { cmd_base_lo_read,
					    cmd_base_lo_write },
	[TULLE_REG_CMD_BASE_HI / 4]	= { cmd_base_hi_read,
					    cmd_base_hi_write },
	[TULLE_REG_CMD_CFG / 4]		= { cmd_cfg_read, cmd_cfg_write },
	[TULLE_REG_CMD_DOORBELL / 4]	= { NULL, cmd_doorbell_write },
	[TULLE_REG_SCRATCH / 4]		= { scratch_read, scratch_write },
};

static u32 crash_read(const struct tfw_func *f, u32 offset)
{
	__le32 word;

	memcpy(&word, (const char *)&f->crash + offset, sizeof(word));
	return le32_to_cpu(word);
}

uint32_t tfw_mmio_read(struct tfw_dev *dev, uint16_t func, uint32_t offset)
{
	struct tfw_func *f = tfw_func_find(dev, func);
	u32 ix = offset / 4;

	if (!f)
		return ~0U;
	if (offset % 4)
		return 0;
	if (offset >= TULLE_REG_CRASH &&
	    offset < TULLE_REG_CRASH + sizeof(struct tulle_crash))
		return crash_read(f, offset - TULLE_REG_CRASH);
	if (ix >= TFW_ARRAY_SIZE(regs) || !regs[ix].read)
		return 0;
	return tfw_lie_reg(dev, offset, regs[ix].read(f));
}

void tfw_mmio_write(struct tfw_dev *dev, uint16_t func, uint32_t offset,
		    uint32_t value)
{
	struct tfw_func *f = tfw_func_find(dev, func);
	u32 ix = offset / 4;

	if (f && offset % 4 == 0 && ix < TFW_ARRAY_SIZE(regs) &&
	    regs[ix].write)
		regs[ix].write(f, value);
}
