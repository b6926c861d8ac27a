/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ndo_set_rx_mode_async(dev, uc, mc): 7.3 calls it in process context with
 * copies of the address lists and tries again when it returns an error.
 *
 * Older kernels call ndo_set_rx_mode() with a spinlock held. There the operation
 * only queues a work item; the work takes the rtnl, copies the lists under the
 * address lock and calls the body, and backs off for 1, 2, 4 and 8 seconds when
 * that fails, as 7.3 does.
 *
 *	struct priv { struct tulle_rx_mode rx_mode; ... };	in netdev_priv()
 *	TULLE_DEFINE_RX_MODE_ASYNC(fn, struct priv, rx_mode);	after fn()
 *	static const struct net_device_ops ops = {
 *		TULLE_RX_MODE_ASYNC(fn)
 *	};
 *	tulle_rx_mode_init(&priv->rx_mode, dev, fn);	before register_netdev()
 *	tulle_rx_mode_cancel(&priv->rx_mode);		after unregister_netdev()
 *
 * The body walks the copies with netdev_hw_addr_list_for_each() and changes
 * nothing in them: __hw_addr_sync_dev() works on 7.3 only.
 */
#ifndef TULLE_COMPAT_RX_MODE_H
#define TULLE_COMPAT_RX_MODE_H

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

typedef int (*tulle_rx_mode_fn)(struct net_device *dev,
				struct netdev_hw_addr_list *uc,
				struct netdev_hw_addr_list *mc);

static inline void tulle_compat_addrs_free(struct netdev_hw_addr_list *list)
{
	struct netdev_hw_addr *ha, *next;

	list_for_each_entry_safe(ha, next, &list->list, list)
		kfree(ha);
}

static inline int tulle_compat_addrs_copy(struct netdev_hw_addr_list *to,
					  struct netdev_hw_addr_list *from)
{
	struct netdev_hw_addr *ha, *copy;

	netdev_hw_addr_list_for_each(ha, from) {
		copy = kmemdup(ha, sizeof(*ha), GFP_ATOMIC);
		if (!copy)
			return -ENOMEM;
		list_add_tail(&copy->list, &to->list);
		to->count++;
	}
	return 0;
}

/**
 * tulle_rx_mode_replay() - call the body with the address lists as they are
 * @dev: the device
 * @fn: the driver's body
 *
 * For lists that changed while the device was detached: no kernel calls the
 * operation then, nor afterwards. Context: what the body needs.
 *
 * Return: the body's, or -ENOMEM.
 */
static inline int tulle_rx_mode_replay(struct net_device *dev,
				       tulle_rx_mode_fn fn)
{
	struct netdev_hw_addr_list uc, mc;
	int err;

	__hw_addr_init(&uc);
	__hw_addr_init(&mc);

	netif_addr_lock_bh(dev);
	err = tulle_compat_addrs_copy(&uc, &dev->uc);
	if (!err)
		err = tulle_compat_addrs_copy(&mc, &dev->mc);
	netif_addr_unlock_bh(dev);

	if (!err)
		err = fn(dev, &uc, &mc);

	tulle_compat_addrs_free(&uc);
	tulle_compat_addrs_free(&mc);
	return err;
}

#if TULLE_HAVE_RX_MODE_ASYNC

struct tulle_rx_mode { };

#define TULLE_DEFINE_RX_MODE_ASYNC(fn, type, member) \
	static_assert(__same_type(((type *)NULL)->member, struct tulle_rx_mode))
#define TULLE_RX_MODE_ASYNC(fn)	.ndo_set_rx_mode_async = fn,

static inline void tulle_rx_mode_init(struct tulle_rx_mode *rx_mode,
				      struct net_device *dev,
				      tulle_rx_mode_fn fn) { }
static inline void tulle_rx_mode_cancel(struct tulle_rx_mode *rx_mode) { }

#else

#define TULLE_RX_MODE_RETRIES	4

/**
 * struct tulle_rx_mode - deferred update of the receive filters
 * @work: runs @fn under the rtnl
 * @dev: the device
 * @fn: the driver's body
 * @retries: failures in a row, guarded by the rtnl
 */
struct tulle_rx_mode {
	struct delayed_work work;
	struct net_device *dev;
	tulle_rx_mode_fn fn;
	unsigned int retries;
};

static inline void tulle_compat_rx_mode_work(struct work_struct *work)
{
	struct tulle_rx_mode *rx_mode;
	int err = 0;

	rx_mode = container_of(to_delayed_work(work), struct tulle_rx_mode,
			       work);

	rtnl_lock();
	/* ndo_open is followed by another call: a device that is down waits. */
	if ((rx_mode->dev->flags & IFF_UP) && netif_device_present(rx_mode->dev))
		err = tulle_rx_mode_replay(rx_mode->dev, rx_mode->fn);
	if (!err)
		rx_mode->retries = 0;
	else if (rx_mode->retries < TULLE_RX_MODE_RETRIES)
		schedule_delayed_work(&rx_mode->work, HZ << rx_mode->retries++);
	else
		netdev_err(rx_mode->dev, "receive filters not set: %d\n", err);
	rtnl_unlock();
}

static inline void tulle_rx_mode_init(struct tulle_rx_mode *rx_mode,
				      struct net_device *dev,
				      tulle_rx_mode_fn fn)
{
	INIT_DELAYED_WORK(&rx_mode->work, tulle_compat_rx_mode_work);
	rx_mode->dev = dev;
	rx_mode->fn = fn;
	rx_mode->retries = 0;
}

/* The caller does not hold the rtnl: the work takes it. */
static inline void tulle_rx_mode_cancel(struct tulle_rx_mode *rx_mode)
{
	cancel_delayed_work_sync(&rx_mode->work);
}

#define TULLE_DEFINE_RX_MODE_ASYNC(fn, type, member_) \
static void fn##_sched(struct net_device *dev) \
{ \
	type *priv = netdev_priv(dev); \
	mod_delayed_work(system_percpu_wq, &priv->member_.work, 0); \
} \
static_assert(__same_type(((type *)NULL)->member_, struct tulle_rx_mode))
#define TULLE_RX_MODE_ASYNC(fn)	.ndo_set_rx_mode = fn##_sched,

#endif /* TULLE_HAVE_RX_MODE_ASYNC */

#endif /* TULLE_COMPAT_RX_MODE_H */
