/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ethtool operations that live with what they configure. Prototypes are those
 * of struct ethtool_ops; everything runs under the instance lock.
 */
#ifndef TULLE_EN_ETHTOOL_H
#define TULLE_EN_ETHTOOL_H

#include <linux/ethtool.h>

/* link.c */
int tulle_en_get_link_ksettings(struct net_device *dev,
				struct ethtool_link_ksettings *ks);
int tulle_en_set_link_ksettings(struct net_device *dev,
				const struct ethtool_link_ksettings *ks);
int tulle_en_nway_reset(struct net_device *dev);
int tulle_en_get_fecparam(struct net_device *dev, struct ethtool_fecparam *fec);
int tulle_en_set_fecparam(struct net_device *dev, struct ethtool_fecparam *fec);
void tulle_en_get_pauseparam(struct net_device *dev,
			     struct ethtool_pauseparam *pause);
int tulle_en_set_pauseparam(struct net_device *dev,
			    struct ethtool_pauseparam *pause);
int tulle_en_get_link_ext_state(struct net_device *dev,
				struct ethtool_link_ext_state_info *info);
void tulle_en_get_link_ext_stats(struct net_device *dev,
				 struct ethtool_link_ext_stats *stats);

/* stats.c */
u32 tulle_en_stats_refresh_usecs(struct tulle_en_priv *priv);
int tulle_en_stats_set_refresh_usecs(struct tulle_en_priv *priv, u32 usecs,
				     struct netlink_ext_ack *extack);

/* ethtool_stats.c */
int tulle_en_get_sset_count(struct net_device *dev, int set);
void tulle_en_get_strings(struct net_device *dev, u32 set, u8 *data);
void tulle_en_get_ethtool_stats(struct net_device *dev,
				struct ethtool_stats *stats, u64 *data);
void tulle_en_get_eth_mac_stats(struct net_device *dev,
				struct ethtool_eth_mac_stats *mac);
void tulle_en_get_eth_phy_stats(struct net_device *dev,
				struct ethtool_eth_phy_stats *phy);
void tulle_en_get_eth_ctrl_stats(struct net_device *dev,
				 struct ethtool_eth_ctrl_stats *ctrl);
void tulle_en_get_rmon_stats(struct net_device *dev,
			     struct ethtool_rmon_stats *rmon,
			     const struct ethtool_rmon_hist_range **ranges);
void tulle_en_get_pause_stats(struct net_device *dev,
			      struct ethtool_pause_stats *pause);
void tulle_en_get_fec_stats(struct net_device *dev,
			    struct ethtool_fec_stats *fec,
			    struct ethtool_fec_hist *hist);

/* coalesce.c */
int tulle_en_get_coalesce(struct net_device *dev, struct ethtool_coalesce *ec,
			  struct kernel_ethtool_coalesce *kec,
			  struct netlink_ext_ack *extack);
int tulle_en_set_coalesce(struct net_device *dev, struct ethtool_coalesce *ec,
			  struct kernel_ethtool_coalesce *kec,
			  struct netlink_ext_ack *extack);
int tulle_en_get_per_queue_coalesce(struct net_device *dev, u32 queue,
				    struct ethtool_coalesce *ec);
int tulle_en_set_per_queue_coalesce(struct net_device *dev, u32 queue,
				    struct ethtool_coalesce *ec);

/* selftest.c */
int tulle_en_self_test_count(void);
void tulle_en_self_test_strings(u8 *data);
void tulle_en_self_test(struct net_device *dev, struct ethtool_test *test,
			u64 *data);

#endif /* TULLE_EN_ETHTOOL_H */
