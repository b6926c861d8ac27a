// SPDX-License-Identifier: GPL-2.0
/* Auxiliary devices and the clients that drive them. */

#include <linux/idr.h>
#include <linux/slab.h>
#include "core.h"
#include "trace.h"

#define TULLE_ATTACH_AGAIN	HZ	/* the first time; then twice as long */
#define TULLE_ATTACH_BACKOFF	6U

static DEFINE_IDA(tulle_adev_ida);

static bool tulle_eth_is_supported(const struct tulle_core *core)
{
	return tulle_cap(&core->dev, ETH);
}

static bool tulle_rdma_is_supported(const struct tulle_core *core)
{
	return tulle_cap(&core->dev, RDMA) &&
	       core->irqs.count[TULLE_VEC_RDMA];
}

static const struct {
	const char *suffix;
	bool (*is_supported)(const struct tulle_core *core);
} tulle_adev_table[TULLE_ADEVS] = {
	{ "eth", tulle_eth_is_supported },
	{ "rdma", tulle_rdma_is_supported },
};

static void tulle_adev_release(struct device *dev)
{
	struct tulle_adev *adev = to_tulle_adev(to_auxiliary_dev(dev));

	ida_free(&tulle_adev_ida, adev->adev.id);
	kfree(adev);
}

static int tulle_adev_add(struct tulle_core *core, unsigned int idx)
{
	struct tulle_adev *adev;
	int err;

	adev = kzalloc_obj(*adev);
	if (!adev)
		return -ENOMEM;
	err = ida_alloc(&tulle_adev_ida, GFP_KERNEL);
	if (err < 0)
		goto err_free;
	adev->dev = &core->dev;
	adev->idx = idx;
	adev->adev.id = err;
	adev->adev.name = tulle_adev_table[idx].suffix;
	adev->adev.dev.parent = core->dev.device;
	adev->adev.dev.release = tulle_adev_release;
	err = auxiliary_device_init(&adev->adev);
	if (err)
		goto err_free_id;
	core->adevs[idx] = adev;
	err = auxiliary_device_add(&adev->adev);
	if (err) {
		core->adevs[idx] = NULL;
		auxiliary_device_uninit(&adev->adev);
	}
	return err;

err_free_id:
	ida_free(&tulle_adev_ida, adev->adev.id);
err_free:
	kfree(adev);
	return err;
}

static void tulle_adev_del(struct tulle_core *core, unsigned int idx)
{
	struct tulle_adev *adev = core->adevs[idx];

	if (!adev)
		return;
	auxiliary_device_delete(&adev->adev);
	auxiliary_device_uninit(&adev->adev);
	core->adevs[idx] = NULL;
}

/* From probe or the work item, without the devlink lock. */
int tulle_adevs_add(struct tulle_core *core)
{
	unsigned int i;
	int err = 0;

	mutex_lock(&core->adev_lock);
	for (i = 0; i < TULLE_ADEVS; i++) {
		if (core->adevs[i] || !tulle_adev_table[i].is_supported(core))
			continue;
		err = tulle_adev_add(core, i);
		if (err) {
			pci_err(core->dev.pdev, "cannot add auxiliary device %s: %pe\n",
				tulle_adev_table[i].suffix, ERR_PTR(err));
			break;
		}
	}
	mutex_unlock(&core->adev_lock);
	return err;
}

void tulle_adevs_del(struct tulle_core *core)
{
	int i;

	for (i = TULLE_ADEVS - 1; i >= 0; i--)
		tulle_adev_del(core, i);
}

/* For a device that came up only after probe. */
void tulle_adev_work(struct work_struct *work)
{
	struct tulle_core *core = container_of(work, struct tulle_core,
					       adev_work);

	if (test_bit(TULLE_F_PORT, &core->flags) &&
	    !test_bit(TULLE_F_REMOVING, &core->flags))
		tulle_adevs_add(core);
}

/* The device is up, maybe for the first time: the rest of the kernel may know. */
void tulle_announce(struct tulle_core *core)
{
	if (!tulle_port_register(core))
		queue_work(core->wq, &core->adev_work);
}

static int tulle_client_attach(struct tulle_core *core, unsigned int idx)
{
	struct tulle_client_slot *slot = &core->clients[idx];
	int err;

	err = slot->client->attach(core->adevs[idx]);
	slot->attached = !err;
	trace_tulle_life(core, "attach", err);
	return err;
}

static void tulle_client_detach(struct tulle_core *core, unsigned int idx)
{
	struct tulle_client_slot *slot = &core->clients[idx];

	if (!slot->attached)
		return;
	slot->client->detach(core->adevs[idx]);
	slot->attached = false;
	trace_tulle_life(core, "detach", 0);
}

/*
 * Those that are not attached. What fails, for lack of memory in all likelihood,
 * is tried again; a device that has failed meanwhile attaches them when it is up.
 */
void tulle_clients_attach(struct tulle_core *core)
{
	bool again = false;
	unsigned int i;
	int err;

	for (i = 0; i < TULLE_ADEVS; i++) {
		if (!core->clients[i].client || core->clients[i].attached)
			continue;
		err = tulle_client_attach(core, i);
		if (!err || test_bit(TULLE_F_FAILED, &core->flags))
			continue;
		if (!core->attach_tries)
			pci_err(core->dev.pdev, "%s does not come back, will try again: %pe\n",
				tulle_adev_table[i].suffix, ERR_PTR(err));
		again = true;
	}
	if (again)
		queue_delayed_work(core->wq, &core->attach_work,
				   TULLE_ATTACH_AGAIN << core->attach_tries);
	core->attach_tries = again ? min(core->attach_tries + 1,
					 TULLE_ATTACH_BACKOFF) : 0;
}

void tulle_attach_work(struct work_struct *work)
{
	struct tulle_core *core = container_of(to_delayed_work(work),
					       struct tulle_core, attach_work);

	devl_lock(core->dev.devlink);
	if (core->loaded && !test_bit(TULLE_F_REMOVING, &core->flags))
		tulle_clients_attach(core);
	devl_unlock(core->dev.devlink);
}

void tulle_clients_detach(struct tulle_core *core)
{
	int i;

	for (i = TULLE_ADEVS - 1; i >= 0; i--)
		tulle_client_detach(core, i);
}

int tulle_client_register(struct tulle_adev *adev,
			  const struct tulle_client *client)
{
	struct tulle_core *core = to_tulle_core(adev->dev);
	struct tulle_client_slot *slot = &core->clients[adev->idx];
	int err = 0;

	devl_lock(core->dev.devlink);
	slot->client = client;
	if (core->loaded)
		err = tulle_client_attach(core, adev->idx);
	/* A device that dies just now is attached when it has recovered. */
	if (err && test_bit(TULLE_F_FAILED, &core->flags))
		err = 0;
	if (err)
		slot->client = NULL;
	devl_unlock(core->dev.devlink);
	return err;
}
EXPORT_SYMBOL_NS_GPL(tulle_client_register, "TULLE_CORE");

void tulle_client_unregister(struct tulle_adev *adev)
{
	struct tulle_core *core = to_tulle_core(adev->dev);

	devl_lock(core->dev.devlink);
	tulle_client_detach(core, adev->idx);
	core->clients[adev->idx].client = NULL;
	devl_unlock(core->dev.devlink);
}
EXPORT_SYMBOL_NS_GPL(tulle_client_unregister, "TULLE_CORE");
