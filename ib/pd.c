// SPDX-License-Identifier: GPL-2.0
/* Protection domains. */

#include "ib.h"

int tulle_ib_alloc_pd(struct ib_pd *ibpd, struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibpd->device);
	struct tulle_ib_uresp_alloc_pd rsp = {};
	struct tulle_ib_pd *pd = to_tulle_ib_pd(ibpd);
	struct tulle_pd_ctx ctx = {};
	int err;

	err = ib_is_udata_in_empty(udata);
	if (err)
		return err;
	err = tulle_obj_create(dev->tdev, TULLE_CMD_CREATE_PD, &ctx,
			       sizeof(ctx), &pd->handle);
	if (err)
		return err;
	rsp.pdn = tulle_ib_index(pd->handle);
	err = udata ? ib_respond_udata(udata, rsp) : 0;
	if (err)
		tulle_obj_destroy(dev->tdev, TULLE_CMD_DESTROY_PD, pd->handle);
	else
		tulle_ib_obj_count(dev, TULLE_IB_PDS);
	return err;
}

int tulle_ib_dealloc_pd(struct ib_pd *ibpd, struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibpd->device);
	int err;

	err = ib_no_udata_io(udata);
	if (err)
		return err;
	tulle_obj_destroy(dev->tdev, TULLE_CMD_DESTROY_PD,
			  to_tulle_ib_pd(ibpd)->handle);
	tulle_ib_obj_gone(dev, TULLE_IB_PDS);
	return 0;
}
