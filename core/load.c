// SPDX-License-Identifier: GPL-2.0
/* Up and down: the two transitions of a device's life. */

#include "core.h"
#include "trace.h"

/* The stride of doorbell pages: a page of the CPU each. */
static void tulle_uar_config(struct tulle_core *core)
{
	tulle_wr32(core, TULLE_REG_UAR_CFG,
		   FIELD_PREP(TULLE_UAR_CFG_LOG_STRIDE, PAGE_SHIFT));
}

static int tulle_start(struct tulle_core *core)
{
	int err;

	/* Nobody is in the middle of switching the device off any more. */
	spin_lock_irq(&core->life_lock);
	clear_bit(TULLE_F_FAILED, &core->flags);
	spin_unlock_irq(&core->life_lock);
	err = tulle_reset(core);
	if (err) {
		pci_err(core->dev.pdev, "device is not ready after reset: %pe\n",
			ERR_PTR(err));
		/* For devlink the device stays; only a hopeless one goes. */
		return -EIO;
	}
	err = tulle_bar_check(core);
	if (err)
		return err;
	pci_set_master(core->dev.pdev);
	tulle_uar_config(core);
	err = tulle_cmd_start(core);
	if (err)
		goto err_clear_master;
	err = tulle_caps_load(core);
	if (err)
		goto err_stop_cmd;
	err = tulle_irqs_init(core);
	if (err)
		goto err_stop_cmd;
	err = tulle_irqs_start(core);
	if (err)
		goto err_stop_cmd;
	err = tulle_mkey_init(core);
	if (err)
		goto err_stop_irqs;
	return 0;

err_stop_irqs:
	tulle_irqs_stop(core);
err_stop_cmd:
	tulle_cmd_stop(core);
err_clear_master:
	pci_clear_master(core->dev.pdev);
	return err;
}

static void tulle_stop(struct tulle_core *core)
{
	tulle_mkey_cleanup(core);
	tulle_irqs_stop(core);
	tulle_cmd_stop(core);
	pci_clear_master(core->dev.pdev);
}

/**
 * tulle_up() - bring the device up, from whatever state
 * @core: the device; nothing happens if it is up
 *
 * Return: 0; -ENODEV when the device is of no use to this driver; another
 * error when a later attempt may succeed.
 */
int tulle_up(struct tulle_core *core)
{
	int err = 0;

	devl_assert_locked(core->dev.devlink);
	if (core->loaded)
		return 0;
	if (test_bit(TULLE_F_REMOVING, &core->flags))
		return -ENODEV;
	err = tulle_start(core);
	core->up_error = err;
	trace_tulle_life(core, "up", err);
	if (err)
		return err;
	core->loaded = true;
	core->attach_tries = 0;
	spin_lock_irq(&core->life_lock);
	WRITE_ONCE(core->dev.up, !test_bit(TULLE_F_FAILED, &core->flags));
	spin_unlock_irq(&core->life_lock);
	tulle_config_save(core);
	tulle_health_start(core);
	tulle_clients_attach(core);
	return 0;
}

/* Take the device down, dead or alive; it does no DMA afterwards. */
void tulle_down(struct tulle_core *core)
{
	devl_assert_locked(core->dev.devlink);
	if (!core->loaded)
		return;
	tulle_health_stop(core);
	tulle_clients_detach(core);
	WRITE_ONCE(core->dev.up, false);
	tulle_events_flush(core);
	tulle_stop(core);
	core->loaded = false;
	trace_tulle_life(core, "down", 0);
}
