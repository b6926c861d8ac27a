// SPDX-License-Identifier: GPL-2.0
/* The PCI driver: probe, remove, power management, error recovery. */

#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "core.h"

static int tulle_pci_enable(struct tulle_core *core)
{
	struct pci_dev *pdev = core->dev.pdev;
	int err;

	err = pci_enable_device_mem(pdev);
	if (err) {
		pci_err(pdev, "cannot enable device: %pe\n", ERR_PTR(err));
		return err;
	}
	/* Firmware of before (kexec) must not write while we start. */
	pci_clear_master(pdev);
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err) {
		pci_err(pdev, "no 64-bit DMA: %pe\n", ERR_PTR(err));
		goto err_disable;
	}
	err = tulle_bar_map(core);
	if (err)
		goto err_disable;
	err = tulle_bar_check(core);
	if (err)
		goto err_unmap;
	return 0;

err_unmap:
	tulle_bar_unmap(core);
err_disable:
	pci_disable_device(pdev);
	return err;
}

static void tulle_pci_disable(struct tulle_core *core)
{
	tulle_bar_unmap(core);
	/* After a fatal bus error it is disabled already. */
	if (pci_is_enabled(core->dev.pdev))
		pci_disable_device(core->dev.pdev);
}

static int tulle_core_init(struct tulle_core *core)
{
	spin_lock_init(&core->life_lock);
	mutex_init(&core->irqs.lock);
	tulle_uars_init(core);
	tulle_events_init(core);
	tulle_health_init(core);
	INIT_WORK(&core->adev_work, tulle_adev_work);
	INIT_DELAYED_WORK(&core->attach_work, tulle_attach_work);
	mutex_init(&core->adev_lock);
	core->wq = alloc_workqueue("tulle-%s", WQ_UNBOUND, 0,
				   pci_name(core->dev.pdev));
	if (!core->wq)
		return -ENOMEM;
	return 0;
}

static void tulle_core_cleanup(struct tulle_core *core)
{
	kfree(core->config);
	destroy_workqueue(core->wq);
	tulle_uars_cleanup(core);
	mutex_destroy(&core->adev_lock);
	mutex_destroy(&core->irqs.lock);
}

/*
 * A device that is of no use ends probe; one whose firmware does not come up
 * stays, so that devlink can tell, dump, and recover it.
 */
static int tulle_devlink_start(struct tulle_core *core)
{
	struct devlink *devlink = core->dev.devlink;
	int err;

	devl_lock(devlink);
	err = tulle_health_create(core);
	if (err)
		goto out_unlock;
	err = tulle_up(core);
	if (err == -ENODEV)
		goto err_destroy_health;
	if (err) {
		pci_err(core->dev.pdev, "device is not usable now: %pe; see devlink health\n",
			ERR_PTR(err));
	} else {
		err = tulle_port_register(core);
		if (err)
			goto err_down;
	}
	err = devl_register(devlink);
	if (err)
		goto err_unregister_port;
	if (!core->loaded)
		tulle_health_note(core, "firmware did not come up at probe");
	devl_unlock(devlink);
	return 0;

err_unregister_port:
	tulle_port_unregister(core);
err_down:
	tulle_down(core);
err_destroy_health:
	set_bit(TULLE_F_REMOVING, &core->flags);
	devl_unlock(devlink);
	tulle_health_drain(core);
	devl_lock(devlink);
	tulle_health_destroy(core);
out_unlock:
	devl_unlock(devlink);
	return err;
}

static void tulle_devlink_stop(struct tulle_core *core)
{
	struct devlink *devlink = core->dev.devlink;

	devl_lock(devlink);
	devl_unregister(devlink);
	tulle_down(core);
	tulle_port_unregister(core);
	tulle_health_destroy(core);
	devl_unlock(devlink);
}

static int tulle_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct tulle_core *core;
	struct devlink *devlink;
	int err;

	devlink = devlink_alloc(&tulle_devlink_ops, sizeof(*core), &pdev->dev);
	if (!devlink)
		return -ENOMEM;
	core = devlink_priv(devlink);
	core->dev.pdev = pdev;
	core->dev.device = &pdev->dev;
	core->dev.devlink = devlink;
	core->dev.numa_node = dev_to_node(&pdev->dev);
	pci_set_drvdata(pdev, core);

	err = tulle_core_init(core);
	if (err)
		goto err_free_devlink;
	err = tulle_pci_enable(core);
	if (err)
		goto err_cleanup_core;
	err = tulle_cmd_init(core);
	if (err)
		goto err_disable_pci;
	err = tulle_devlink_start(core);
	if (err)
		goto err_cleanup_cmd;
	/* The port is there when the device came up. */
	if (test_bit(TULLE_F_PORT, &core->flags)) {
		err = tulle_adevs_add(core);
		if (err)
			goto err_stop_devlink;
	}
	tulle_debugfs_add(core);
	return 0;

err_stop_devlink:
	set_bit(TULLE_F_REMOVING, &core->flags);
	tulle_health_drain(core);
	disable_work_sync(&core->adev_work);
	tulle_adevs_del(core);
	tulle_devlink_stop(core);
err_cleanup_cmd:
	tulle_irqs_cleanup(core);
	tulle_cmd_cleanup(core);
err_disable_pci:
	tulle_pci_disable(core);
err_cleanup_core:
	tulle_core_cleanup(core);
err_free_devlink:
	devlink_free(devlink);
	return err;
}

static void tulle_remove(struct pci_dev *pdev)
{
	struct tulle_core *core = pci_get_drvdata(pdev);

	set_bit(TULLE_F_REMOVING, &core->flags);
	/* Pulled out: let nobody wait for answers. */
	if (!pci_device_is_present(pdev)) {
		set_bit(TULLE_F_GONE, &core->flags);
		tulle_dev_fail(&core->dev, "device is gone from the bus");
	}
	tulle_debugfs_del(core);
	tulle_health_drain(core);
	disable_work_sync(&core->adev_work);
	tulle_adevs_del(core);
	tulle_devlink_stop(core);
	/* What could not be destroyed goes with a reset. */
	if (test_bit(TULLE_F_FAILED, &core->flags) &&
	    !test_bit(TULLE_F_GONE, &core->flags))
		tulle_reset(core);
	tulle_irqs_cleanup(core);
	tulle_cmd_cleanup(core);
	tulle_pci_disable(core);
	tulle_core_cleanup(core);
	devlink_free(core->dev.devlink);
}

/*
 * The bus takes the device: down it goes, and recovery keeps its hands off.
 * With a @reason the device cannot be talked to any more.
 */
static void tulle_hold(struct tulle_core *core, const char *reason)
{
	devl_lock(core->dev.devlink);
	core->held = true;
	if (reason)
		tulle_dev_fail(&core->dev, reason);
	tulle_down(core);
	devl_unlock(core->dev.devlink);
}

static int tulle_release(struct tulle_core *core)
{
	int err;

	devl_lock(core->dev.devlink);
	core->held = false;
	err = tulle_up(core);
	if (!err)
		tulle_announce(core);
	devl_unlock(core->dev.devlink);
	if (err) {
		pci_err(core->dev.pdev, "device does not come up: %pe\n",
			ERR_PTR(err));
		tulle_health_note(core, "device did not come up after a bus reset");
	}
	return err;
}

static void tulle_shutdown(struct pci_dev *pdev)
{
	struct tulle_core *core = pci_get_drvdata(pdev);

	set_bit(TULLE_F_REMOVING, &core->flags);
	tulle_hold(core, NULL);
	/* No DMA from here on, also when the next kernel is started by kexec. */
	if (!test_bit(TULLE_F_GONE, &core->flags))
		tulle_reset(core);
}

static int tulle_suspend(struct device *dev)
{
	tulle_hold(dev_get_drvdata(dev), NULL);
	return 0;
}

static int tulle_resume(struct device *dev)
{
	/* A device that does not wake up is for devlink health, not for PM. */
	tulle_release(dev_get_drvdata(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(tulle_pm_ops, tulle_suspend, tulle_resume);

static void tulle_reset_prepare(struct pci_dev *pdev)
{
	tulle_hold(pci_get_drvdata(pdev), NULL);
}

static void tulle_reset_done(struct pci_dev *pdev)
{
	tulle_release(pci_get_drvdata(pdev));
}

static pci_ers_result_t tulle_error_detected(struct pci_dev *pdev,
					     pci_channel_state_t state)
{
	struct tulle_core *core = pci_get_drvdata(pdev);

	/* One transaction failed; registers work and may show no damage. */
	if (state == pci_channel_io_normal)
		return PCI_ERS_RESULT_CAN_RECOVER;
	pci_err(pdev, "PCI channel failed, state %d\n", state);
	tulle_hold(core, "fatal PCI error");
	if (state == pci_channel_io_perm_failure)
		return PCI_ERS_RESULT_DISCONNECT;
	if (pci_is_enabled(pdev))
		pci_disable_device(pdev);
	return PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t tulle_mmio_enabled(struct pci_dev *pdev)
{
	return tulle_answers(pci_get_drvdata(pdev)) ?
	       PCI_ERS_RESULT_RECOVERED : PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t tulle_slot_reset(struct pci_dev *pdev)
{
	struct tulle_core *core = pci_get_drvdata(pdev);

	/* Others on the bus may have asked for the reset: nobody answers now. */
	tulle_hold(core, "reset by the bus");
	if (!pci_is_enabled(pdev) && pci_enable_device_mem(pdev))
		return PCI_ERS_RESULT_DISCONNECT;
	tulle_config_restore(core);
	if (!tulle_answers(core)) {
		pci_err(pdev, "device does not answer after a slot reset\n");
		return PCI_ERS_RESULT_DISCONNECT;
	}
	return PCI_ERS_RESULT_RECOVERED;
}

static void tulle_error_resume(struct pci_dev *pdev)
{
	tulle_release(pci_get_drvdata(pdev));
}

static const struct pci_error_handlers tulle_error_handlers = {
	.error_detected = tulle_error_detected,
	.mmio_enabled = tulle_mmio_enabled,
	.slot_reset = tulle_slot_reset,
	.resume = tulle_error_resume,
	.reset_prepare = tulle_reset_prepare,
	.reset_done = tulle_reset_done,
};

static const struct pci_device_id tulle_pci_ids[] = {
	{ PCI_DEVICE(TULLE_PCI_VENDOR, TULLE_PCI_DEVICE_PF) },
	{ PCI_DEVICE(TULLE_PCI_VENDOR, TULLE_PCI_DEVICE_VF) },
	{ }
};
MODULE_DEVICE_TABLE(pci, tulle_pci_ids);

static struct pci_driver tulle_pci_driver = {
	.name = KBUILD_MODNAME,
	.id_table = tulle_pci_ids,
	.probe = tulle_probe,
	.remove = tulle_remove,
	.shutdown = tulle_shutdown,
	.driver.pm = pm_sleep_ptr(&tulle_pm_ops),
	.err_handler = &tulle_error_handlers,
};

static int __init tulle_module_init(void)
{
	int err;

	tulle_debugfs_init();
	err = pci_register_driver(&tulle_pci_driver);
	if (err)
		tulle_debugfs_cleanup();
	return err;
}
module_init(tulle_module_init);

static void __exit tulle_module_exit(void)
{
	pci_unregister_driver(&tulle_pci_driver);
	tulle_debugfs_cleanup();
}
module_exit(tulle_module_exit);

MODULE_DESCRIPTION("Tulle NIC: PCI function, firmware interface and services");
MODULE_LICENSE("GPL");
