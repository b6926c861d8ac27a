// SPDX-License-Identifier: GPL-2.0
/* BARs and registers; the function's reset. */

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/slab.h>
#include "core.h"

#define TULLE_RESET_TIMEOUT_MS	2000
#define TULLE_BOOT_DEFAULT_MS	5000

static void tulle_gone(struct tulle_core *core)
{
	if (test_and_set_bit(TULLE_F_GONE, &core->flags))
		return;
	if (!test_bit(TULLE_F_REMOVING, &core->flags))
		pci_warn(core->dev.pdev, "device does not answer any more\n");
	tulle_dev_fail(&core->dev, "device is gone from the bus");
}

/*
 * All ones is a legal value of some registers, so it is MAGIC that tells
 * whether the function is still there.
 */
u32 tulle_rd32(struct tulle_core *core, u32 offset)
{
	u32 value = readl(core->regs + offset);

	if (unlikely(value == U32_MAX) &&
	    readl(core->regs + TULLE_REG_MAGIC) != TULLE_MAGIC)
		tulle_gone(core);
	return value;
}

void tulle_wr32(struct tulle_core *core, u32 offset, u32 value)
{
	writel(value, core->regs + offset);
}

u32 tulle_reg_read(const struct tulle_dev *dev, u32 offset)
{
	if (offset > TULLE_BAR_REGS_SIZE - sizeof(u32) || offset % sizeof(u32))
		return U32_MAX;
	return tulle_rd32(to_tulle_core(dev), offset);
}
EXPORT_SYMBOL_NS_GPL(tulle_reg_read, "TULLE_CORE");

int tulle_bar_map(struct tulle_core *core)
{
	struct pci_dev *pdev = core->dev.pdev;
	int err;

	if (pci_resource_len(pdev, TULLE_BAR_REGS) < TULLE_BAR_REGS_SIZE ||
	    pci_resource_len(pdev, TULLE_BAR_UAR) < PAGE_SIZE) {
		pci_err(pdev, "BARs are too small or not assigned\n");
		return -ENODEV;
	}
	err = pci_request_selected_regions(pdev, BIT(TULLE_BAR_REGS) |
					   BIT(TULLE_BAR_UAR), KBUILD_MODNAME);
	if (err) {
		pci_err(pdev, "cannot reserve BARs: %pe\n", ERR_PTR(err));
		return err;
	}
	err = -ENOMEM;
	core->regs = ioremap(pci_resource_start(pdev, TULLE_BAR_REGS),
			     TULLE_BAR_REGS_SIZE);
	if (!core->regs)
		goto err_release;
	core->dev.uar = ioremap(pci_resource_start(pdev, TULLE_BAR_UAR) +
				TULLE_UAR_KERNEL * PAGE_SIZE, PAGE_SIZE);
	if (!core->dev.uar)
		goto err_unmap_regs;
	return 0;

err_unmap_regs:
	iounmap(core->regs);
err_release:
	pci_release_selected_regions(pdev, BIT(TULLE_BAR_REGS) |
				     BIT(TULLE_BAR_UAR));
	pci_err(pdev, "cannot map BARs\n");
	return err;
}

void tulle_bar_unmap(struct tulle_core *core)
{
	iounmap(core->dev.uar);
	iounmap(core->regs);
	pci_release_selected_regions(core->dev.pdev, BIT(TULLE_BAR_REGS) |
				     BIT(TULLE_BAR_UAR));
}

/* Is this a device that this driver can talk to at all? One line if not. */
int tulle_bar_check(struct tulle_core *core)
{
	struct pci_dev *pdev = core->dev.pdev;
	u32 magic = readl(core->regs + TULLE_REG_MAGIC);
	u32 version;

	if (magic == U32_MAX) {
		pci_err(pdev, "registers read as all ones: no device behind the BAR\n");
		return -ENODEV;
	}
	if (magic != TULLE_MAGIC) {
		pci_err(pdev, "not a Tulle device: magic is %#010x, not %#010x\n",
			magic, TULLE_MAGIC);
		return -ENODEV;
	}
	version = readl(core->regs + TULLE_REG_IF_VERSION);
	if (FIELD_GET(TULLE_IF_VERSION_MAJOR, version) != TULLE_IF_MAJOR) {
		pci_err(pdev, "device interface version is %u.%u, this driver knows %u.x\n",
			(u32)FIELD_GET(TULLE_IF_VERSION_MAJOR, version),
			(u32)FIELD_GET(TULLE_IF_VERSION_MINOR, version),
			TULLE_IF_MAJOR);
		return -ENODEV;
	}
	return 0;
}

int tulle_wait_ready(struct tulle_core *core)
{
	u32 reg = tulle_rd32(core, TULLE_REG_STATE);
	u32 limit_ms = FIELD_GET(TULLE_STATE_BOOT_LIMIT, reg) * 100;
	unsigned long end;

	end = jiffies + msecs_to_jiffies(limit_ms ?: TULLE_BOOT_DEFAULT_MS);
	for (;;) {
		bool late = time_after(jiffies, end);

		reg = tulle_rd32(core, TULLE_REG_STATE);
		if (test_bit(TULLE_F_GONE, &core->flags))
			return -ENODEV;
		switch (FIELD_GET(TULLE_STATE_STATE, reg)) {
		case TULLE_STATE_READY:
			return 0;
		case TULLE_STATE_DEAD:
			return -EIO;
		}
		if (late)
			return -ETIMEDOUT;
		usleep_range(1000, 2000);
	}
}

/* REG_SCRATCH is 0 after a reset: that is how its end is seen. */
static int tulle_reset_by_register(struct tulle_core *core)
{
	unsigned long end = jiffies + msecs_to_jiffies(TULLE_RESET_TIMEOUT_MS);
	u32 value;

	tulle_wr32(core, TULLE_REG_SCRATCH, TULLE_MAGIC);
	tulle_wr32(core, TULLE_REG_RESET, TULLE_RESET_MAGIC);
	for (;;) {
		bool late = time_after(jiffies, end);

		value = tulle_rd32(core, TULLE_REG_SCRATCH);
		if (test_bit(TULLE_F_GONE, &core->flags))
			return -ENODEV;
		if (!value)
			return 0;
		if (late)
			return -ETIMEDOUT;
		usleep_range(100, 1000);
	}
}

bool tulle_answers(struct tulle_core *core)
{
	return readl(core->regs + TULLE_REG_MAGIC) == TULLE_MAGIC;
}

/* A copy of our own: what the PCI core saves it forgets when it restores. */
void tulle_config_save(struct tulle_core *core)
{
	struct pci_dev *pdev = core->dev.pdev;

	kfree(core->config);
	core->config = NULL;
	if (!pci_save_state(pdev))
		core->config = pci_store_saved_state(pdev);
}

/* BARs, MSI-X and the rest, after a reset of the bus took them. */
void tulle_config_restore(struct tulle_core *core)
{
	struct pci_dev *pdev = core->dev.pdev;

	if (core->config && !pci_load_saved_state(pdev, core->config))
		pci_restore_state(pdev);
}

/* Whatever the function did before, it does no more when this returns 0. */
int tulle_reset(struct tulle_core *core)
{
	struct pci_dev *pdev = core->dev.pdev;
	int err;

	/* A device that was away may be back, as one just plugged in. */
	if (!tulle_answers(core))
		tulle_config_restore(core);
	if (tulle_answers(core))
		clear_bit(TULLE_F_GONE, &core->flags);
	err = tulle_reset_by_register(core);
	if (err == -ETIMEDOUT) {
		pci_warn(pdev, "reset register has no effect, trying FLR\n");
		err = pci_save_state(pdev);
		if (!err)
			err = pcie_reset_flr(pdev, PCI_RESET_DO_RESET);
		pci_restore_state(pdev);
	}
	if (err)
		return err;
	return tulle_wait_ready(core);
}
