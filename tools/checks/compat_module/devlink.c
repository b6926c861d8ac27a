// SPDX-License-Identifier: GPL-2.0
/* Health reporters and parameters. Compiled, never loaded. */

#include <net/devlink.h>

#include "shims.h"

#define SHIMS_PERIOD_MS	500

static int shims_param_get(struct devlink *devlink, u32 id,
			   struct devlink_param_gset_ctx *ctx,
			   struct netlink_ext_ack *extack)
{
	ctx->val.vbool = true;
	return 0;
}
TULLE_DEFINE_PARAM_GET(shims_param_get);

static const struct devlink_param shims_params[] = {
	DEVLINK_PARAM_GENERIC(ENABLE_ETH, BIT(DEVLINK_PARAM_CMODE_RUNTIME),
			      TULLE_PARAM_GET(shims_param_get), NULL, NULL),
};

static const struct devlink_health_reporter_ops shims_reporter_ops = {
	.name = "shims",
	TULLE_HEALTH_GRACEFUL_PERIOD(SHIMS_PERIOD_MS)
};

int shims_devlink(struct devlink *devlink, struct devlink_port *port)
{
	union devlink_param_value value = { .vbool = true };
	struct devlink_health_reporter *reporter;
	int err;

	err = devl_params_register(devlink, shims_params,
				   ARRAY_SIZE(shims_params));
	if (err)
		return err;
	devl_param_driverinit_value_set(devlink,
					DEVLINK_PARAM_GENERIC_ID_ENABLE_ETH,
					&value);
	reporter = tulle_health_reporter_create(devlink, &shims_reporter_ops,
						SHIMS_PERIOD_MS, port);
	if (IS_ERR(reporter))
		return PTR_ERR(reporter);
	reporter = tulle_port_health_reporter_create(port, &shims_reporter_ops,
						     SHIMS_PERIOD_MS, port);
	return PTR_ERR_OR_ZERO(reporter);
}
