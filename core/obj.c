// SPDX-License-Identifier: GPL-2.0
/* Create, destroy, query and naming of any object, by handle. */

#include <linux/delay.h>
#include <linux/jiffies.h>
#include "core.h"

/* A destroy that failed inside the device is worth another try. */
#define TULLE_DESTROY_TRIES	3

/* More than it takes from a destroy command to the end of the object. */
#define TULLE_NAME_MS		1000

int tulle_obj_create(struct tulle_dev *dev, u16 op, const void *ctx, u32 len,
		     u32 *handle)
{
	struct tulle_handle_rsp rsp;
	int err;

	*handle = 0;
	err = tulle_cmd_exec(dev, op, ctx, len, &rsp, sizeof(rsp));
	/* The generation of a handle is never 0. */
	if (!err && !(le32_to_cpu(rsp.handle) & TULLE_HANDLE_GEN))
		err = -EPROTO;
	/* There may be an object now that nobody can name or destroy. */
	if (err == -EPROTO)
		tulle_dev_fail(dev, "firmware gave no proper handle");
	if (err)
		return err;
	*handle = le32_to_cpu(rsp.handle);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(tulle_obj_create, "TULLE_CORE");

void tulle_obj_destroy(struct tulle_dev *dev, u16 op, u32 handle)
{
	struct tulle_handle_req in = { .handle = cpu_to_le32(handle) };
	const struct tulle_op_info *info = tulle_op_info(op);
	unsigned int tries = TULLE_DESTROY_TRIES;
	int err;

	if (!handle)
		return;
	do {
		err = tulle_cmd_exec(dev, op, &in, sizeof(in), NULL, 0);
	} while (err == -EREMOTEIO && --tries);
	/*
	 * The object lives on and so may its DMA, but its owner frees the
	 * memory next: only DMA off makes that safe. -EIO: it is off.
	 */
	if (err && err != -EIO && info && info->flags & TULLE_OP_MEMORY)
		tulle_dev_fail(dev, "an object could not be destroyed");
}
EXPORT_SYMBOL_NS_GPL(tulle_obj_destroy, "TULLE_CORE");

int tulle_obj_query(struct tulle_dev *dev, u16 op, u32 handle, void *ctx,
		    u32 len)
{
	struct tulle_handle_req in = { .handle = cpu_to_le32(handle) };

	return tulle_cmd_exec(dev, op, &in, sizeof(in), ctx, len);
}
EXPORT_SYMBOL_NS_GPL(tulle_obj_query, "TULLE_CORE");

int tulle_obj_name(struct xarray *names, u32 index, void *obj)
{
	unsigned long end = jiffies + msecs_to_jiffies(TULLE_NAME_MS);
	int err;

	while ((err = xa_insert(names, index, obj, GFP_KERNEL)) == -EBUSY &&
	       time_before(jiffies, end))
		usleep_range(100, 1000);
	return err;
}
EXPORT_SYMBOL_NS_GPL(tulle_obj_name, "TULLE_CORE");
