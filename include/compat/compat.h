/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Force-included into every file of the modules: the interface of Linux 7.3 on
 * whatever kernel is the target. See README.rst beside this file.
 */
#ifndef TULLE_COMPAT_H
#define TULLE_COMPAT_H

/* Before any header that prints: a later definition would come too late. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "generated/compat_config.h"

#include "base.h"
#include "netdev.h"
#include "rx_mode.h"
#include "ethtool.h"
#include "devlink.h"

#endif /* TULLE_COMPAT_H */
