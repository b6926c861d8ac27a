// SPDX-License-Identifier: GPL-2.0
/* Memory windows: the kernel makes them, user space binds them. */

#include "ib.h"

static int mw_alloc(struct ib_mw *ibmw, struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibmw->device);
	struct tulle_ib_mw *mw = to_tulle_ib_mw(ibmw);
	struct tulle_mkey_ctx ctx = {
		.pd = cpu_to_le32(to_tulle_ib_pd(ibmw->pd)->handle),
		.type = ibmw->type == IB_MW_TYPE_1 ? TULLE_MKEY_MW1 :
						     TULLE_MKEY_MW2,
	};
	int err;

	err = ib_no_udata_io(udata);
	if (err)
		return err;
	err = tulle_obj_create(dev->tdev, TULLE_CMD_CREATE_MKEY, &ctx,
			       sizeof(ctx), &mw->handle);
	if (err)
		return err;
	ibmw->rkey = TULLE_KEY(mw->handle);
	return 0;
}

static int mw_dealloc(struct ib_mw *ibmw)
{
	return tulle_ib_key_destroy(to_tulle_ib_dev(ibmw->device),
				    to_tulle_ib_mw(ibmw)->handle, false);
}

const struct ib_device_ops tulle_ib_mw_ops = {
	.alloc_mw	= mw_alloc,
	.dealloc_mw	= mw_dealloc,
	INIT_RDMA_OBJ_SIZE(ib_mw, tulle_ib_mw, ibmw),
};
