// SPDX-License-Identifier: GPL-2.0
/* Multicast groups of datagram queue pairs. */

#include "ib.h"

static int mcast_exec(struct ib_qp *ibqp, const union ib_gid *gid, u16 op)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibqp->device);
	struct tulle_mcast in = {
		.qp = cpu_to_le32(to_tulle_ib_qp(ibqp)->handle),
	};

	memcpy(in.gid, gid->raw, sizeof(in.gid));
	return tulle_cmd_exec(dev->tdev, op, &in, sizeof(in), NULL, 0);
}

static int mcast_attach(struct ib_qp *ibqp, union ib_gid *gid, u16 lid)
{
	return mcast_exec(ibqp, gid, TULLE_CMD_ATTACH_MCAST);
}

static int mcast_detach(struct ib_qp *ibqp, union ib_gid *gid, u16 lid)
{
	int err = mcast_exec(ibqp, gid, TULLE_CMD_DETACH_MCAST);

	return err == -EIO ? 0 : err;
}

const struct ib_device_ops tulle_ib_mcast_ops = {
	.attach_mcast	= mcast_attach,
	.detach_mcast	= mcast_detach,
};
