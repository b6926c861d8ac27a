/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Found only where the kernel has no <net/netdev_lock.h>. What that header
 * declares is in ../../netdev.h, which every file has already.
 */
#ifndef TULLE_COMPAT_NETDEV_LOCK_H
#define TULLE_COMPAT_NETDEV_LOCK_H

#include <linux/netdevice.h>

#endif /* TULLE_COMPAT_NETDEV_LOCK_H */
