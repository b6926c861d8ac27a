/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receive side scaling as ethtool sees it. What a context holds is known to
 * rss.c only; start, stop and change of channels are in en.h.
 */
#ifndef TULLE_EN_RSS_H
#define TULLE_EN_RSS_H

#include <linux/types.h>

struct ethtool_rxfh_context;
struct ethtool_rxfh_fields;
struct ethtool_rxfh_param;
struct net_device;
struct netlink_ext_ack;

/* Entries of the largest indirection table that the driver uses. */
#define TULLE_EN_RSS_LOG_SIZE_MAX	9
#define TULLE_EN_RSS_SIZE_MAX		BIT(TULLE_EN_RSS_LOG_SIZE_MAX)

u32 tulle_en_rss_indir_size(struct net_device *dev);
u32 tulle_en_rss_key_size(struct net_device *dev);
int tulle_en_rss_get(struct net_device *dev, struct ethtool_rxfh_param *rxfh);
int tulle_en_rss_set(struct net_device *dev, struct ethtool_rxfh_param *rxfh,
		     struct netlink_ext_ack *extack);
int tulle_en_rss_ctx_create(struct net_device *dev,
			    struct ethtool_rxfh_context *core,
			    const struct ethtool_rxfh_param *rxfh,
			    struct netlink_ext_ack *extack);
int tulle_en_rss_ctx_modify(struct net_device *dev,
			    struct ethtool_rxfh_context *core,
			    const struct ethtool_rxfh_param *rxfh,
			    struct netlink_ext_ack *extack);
int tulle_en_rss_ctx_remove(struct net_device *dev,
			    struct ethtool_rxfh_context *core, u32 id,
			    struct netlink_ext_ack *extack);
int tulle_en_rss_get_fields(struct net_device *dev,
			    struct ethtool_rxfh_fields *fields);
int tulle_en_rss_set_fields(struct net_device *dev,
			    const struct ethtool_rxfh_fields *fields,
			    struct netlink_ext_ack *extack);

/* Bytes of driver data in a context of the core: a pointer. */
#define TULLE_EN_RSS_PRIV_SIZE	sizeof(void *)

#endif /* TULLE_EN_RSS_H */
