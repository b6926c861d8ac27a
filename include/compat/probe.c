// SPDX-License-Identifier: GPL-2.0
/* Every header whose contents probe.sh asks about; preprocessed, never compiled. */

#include <linux/module.h>
#include <linux/auxiliary_bus.h>
#include <linux/compiler.h>
#include <linux/dim.h>
#include <linux/ethtool.h>
#include <linux/export.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <net/devlink.h>
#include <net/ipv6.h>
#include <net/netdev_queues.h>
#include <net/netdev_rx_queue.h>
#include <net/netmem.h>
#include <net/page_pool/helpers.h>
#include <rdma/ib_umem.h>
#include <rdma/ib_verbs.h>
#include <rdma/uverbs_ioctl.h>
#if __has_include("net/netdev_lock.h")
#include <net/netdev_lock.h>
#endif
