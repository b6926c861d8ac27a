// SPDX-License-Identifier: GPL-2.0
/* The kernel's protection domain and the key that covers all DMA addresses. */

#include "core.h"

int tulle_mkey_init(struct tulle_core *core)
{
	struct tulle_dev *dev = &core->dev;
	struct tulle_mkey_ctx ctx = {
		.type = TULLE_MKEY_DMA,
		.access = TULLE_MKEY_LOCAL_READ | TULLE_MKEY_LOCAL_WRITE,
	};
	struct tulle_pd_ctx pd = {};
	int err;

	err = tulle_obj_create(dev, TULLE_CMD_CREATE_PD, &pd, sizeof(pd),
			       &core->pd);
	if (err)
		return err;
	ctx.pd = cpu_to_le32(core->pd);
	err = tulle_obj_create(dev, TULLE_CMD_CREATE_MKEY, &ctx, sizeof(ctx),
			       &dev->mkey);
	if (err)
		goto err_destroy_pd;
	return 0;

err_destroy_pd:
	tulle_obj_destroy(dev, TULLE_CMD_DESTROY_PD, core->pd);
	core->pd = 0;
	return err;
}

void tulle_mkey_cleanup(struct tulle_core *core)
{
	tulle_obj_destroy(&core->dev, TULLE_CMD_DESTROY_MKEY, core->dev.mkey);
	tulle_obj_destroy(&core->dev, TULLE_CMD_DESTROY_PD, core->pd);
	core->dev.mkey = 0;
	core->pd = 0;
}
