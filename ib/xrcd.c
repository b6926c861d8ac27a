// SPDX-License-Identifier: GPL-2.0
/* XRC domains. */

#include "ib.h"

static int xrcd_alloc(struct ib_xrcd *ibxrcd, struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibxrcd->device);
	int err;

	err = ib_no_udata_io(udata);
	if (err)
		return err;
	return tulle_obj_create(dev->tdev, TULLE_CMD_CREATE_XRCD, NULL, 0,
				&to_tulle_ib_xrcd(ibxrcd)->handle);
}

static int xrcd_dealloc(struct ib_xrcd *ibxrcd, struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibxrcd->device);
	int err;

	err = ib_no_udata_io(udata);
	if (err)
		return err;
	tulle_obj_destroy(dev->tdev, TULLE_CMD_DESTROY_XRCD,
			  to_tulle_ib_xrcd(ibxrcd)->handle);
	return 0;
}

const struct ib_device_ops tulle_ib_xrcd_ops = {
	.alloc_xrcd	= xrcd_alloc,
	.dealloc_xrcd	= xrcd_dealloc,
	INIT_RDMA_OBJ_SIZE(ib_xrcd, tulle_ib_xrcd, ibxrcd),
};
