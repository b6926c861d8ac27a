/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TULLE_SHIMS_H
#define TULLE_SHIMS_H

#include <linux/netdevice.h>

struct shims_flex {
	spinlock_t lock; /* guards first */
	u32 first __guarded_by(&lock);
	u32 n;
	u32 tail[] __counted_by(n);
};

struct shims_priv {
	struct tulle_rx_mode rx_mode;
	struct napi_struct napi;
	struct page_pool *pool;
	struct timer_list timer;
	struct hrtimer hrtimer;
	struct dim dim;
};

extern const struct ethtool_ops shims_ethtool_ops;
extern const struct net_device_ops shims_netdev_ops;

int shims_base(struct shims_priv *priv);
int shims_devlink(struct devlink *devlink, struct devlink_port *port);
int shims_netdev(struct net_device *dev);

#endif /* TULLE_SHIMS_H */
