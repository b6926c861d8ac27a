// SPDX-License-Identifier: GPL-2.0
/* The devlink instance: identification and the port. */

#include "core.h"

static int tulle_info_fixed(struct devlink_info_req *req,
			    const struct tulle_device_info *info)
{
	int err;

	if (info->serial[0]) {
		err = devlink_info_serial_number_put(req, info->serial);
		if (err)
			return err;
	}
	return devlink_info_version_fixed_put(req,
					      DEVLINK_INFO_VERSION_GENERIC_BOARD_ID,
					      info->board_id);
}

static int tulle_info_running(struct tulle_core *core,
			      struct devlink_info_req *req)
{
	const struct tulle_device_info *info = &core->dev.info;
	u32 version = tulle_rd32(core, TULLE_REG_IF_VERSION);
	char text[16];
	int err;

	err = devlink_info_version_running_put(req,
					       DEVLINK_INFO_VERSION_GENERIC_FW,
					       info->fw_version);
	if (err)
		return err;
	snprintf(text, sizeof(text), "%u.%u",
		 (u32)FIELD_GET(TULLE_IF_VERSION_MAJOR, version),
		 (u32)FIELD_GET(TULLE_IF_VERSION_MINOR, version));
	err = devlink_info_version_running_put(req,
					       DEVLINK_INFO_VERSION_GENERIC_FW_MGMT_API,
					       text);
	if (err || !info->fw_build[0])
		return err;
	return devlink_info_version_running_put(req, "fw.build",
						info->fw_build);
}

static int tulle_devlink_info_get(struct devlink *devlink,
				  struct devlink_info_req *req,
				  struct netlink_ext_ack *extack)
{
	struct tulle_core *core = devlink_priv(devlink);
	int err;

	/* Firmware that never came up has told nothing. */
	if (!core->caps_known)
		return 0;
	err = tulle_info_fixed(req, &core->dev.info);
	if (err)
		return err;
	return tulle_info_running(core, req);
}

const struct devlink_ops tulle_devlink_ops = {
	.info_get = tulle_devlink_info_get,
};

/* Once the port's number is known; it stays until remove. */
int tulle_port_register(struct tulle_core *core)
{
	struct devlink_port_attrs attrs = {};
	int err;

	devl_assert_locked(core->dev.devlink);
	if (test_bit(TULLE_F_PORT, &core->flags))
		return 0;
	if (core->dev.pdev->is_virtfn) {
		attrs.flavour = DEVLINK_PORT_FLAVOUR_VIRTUAL;
	} else {
		attrs.flavour = DEVLINK_PORT_FLAVOUR_PHYSICAL;
		attrs.phys.port_number = core->dev.limits.port;
	}
	devlink_port_attrs_set(&core->port, &attrs);
	err = devl_port_register(core->dev.devlink, &core->port,
				 core->dev.limits.port);
	if (err) {
		pci_err(core->dev.pdev, "cannot register devlink port: %pe\n",
			ERR_PTR(err));
		return err;
	}
	core->dev.devlink_port = &core->port;
	set_bit(TULLE_F_PORT, &core->flags);
	return 0;
}

void tulle_port_unregister(struct tulle_core *core)
{
	if (!test_and_clear_bit(TULLE_F_PORT, &core->flags))
		return;
	core->dev.devlink_port = NULL;
	devl_port_unregister(&core->port);
}
