// SPDX-License-Identifier: GPL-2.0
/*
 * Which packets the net_device takes: addresses, VLANs, promiscuous mode.
 *
 *	Rx root of the vport -> VLAN table -> address table -> RSS
 *
 * The VLAN table has a rule for each VID and for untagged packets; the address
 * table one for each address. A miss drops, unless the mode says otherwise:
 * modes change miss actions only, so a rule stays as long as its address does.
 * A key does not tell 802.1Q from 802.1ad, so VIDs of both share a rule, and
 * filtering is on only when both features are.
 *
 * Addresses and VIDs are remembered while the interface is closed.
 */
#include <linux/etherdevice.h>
#include <linux/hashtable.h>
#include <linux/idr.h>
#include <linux/if_vlan.h>
#include <linux/jhash.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "en.h"

#define FILTER_LEVEL_VLAN	1
#define FILTER_LEVEL_MAC	2

/* Rule id in the address table that no address has. */
#define FILTER_ID_ALLMULTI	0
#define FILTER_ID_FIRST		1

#define FILTER_BATCH		64

/* Who wants an address. */
#define FILTER_DEV		0x01
#define FILTER_BCAST		0x02
#define FILTER_UC		0x04
#define FILTER_MC		0x08

struct filter_addr {
	struct hlist_node node;
	u32 id;
	u8 addr[ETH_ALEN];
	u8 users;
	u8 next;		/* users after the update that is under way */
	bool installed;
};

/* A table and the miss action that it has now. */
struct filter_table {
	u32 handle;
	u32 mask;
	u8 miss;
};

struct tulle_en_filter {
	/* vlan ndos and rx_mode need not share a lock; leaf of all of them */
	struct mutex lock;
	DECLARE_HASHTABLE(addrs, 7);
	struct ida ids;
	DECLARE_BITMAP(ctags, VLAN_N_VID);
	DECLARE_BITMAP(stags, VLAN_N_VID);
	u8 own[ETH_ALEN];

	struct filter_table vlan;
	struct filter_table mac;
	u32 multi_mask;
	u32 root;

	bool running;
	bool vlan_filter;
	bool promisc;		/* asked for */
	bool allmulti;
	bool uc_overflow;	/* more addresses than the device takes */
	bool mc_overflow;
	bool allmulti_installed;
};

/*
 * Addresses
 */

static u32 filter_hash(const u8 *addr)
{
	return jhash(addr, ETH_ALEN, 0);
}

static struct filter_addr *filter_addr_find(struct tulle_en_filter *f,
					    const u8 *addr)
{
	struct filter_addr *a;

	hash_for_each_possible(f->addrs, a, node, filter_hash(addr))
		if (ether_addr_equal(a->addr, addr))
			return a;
	return NULL;
}

static struct filter_addr *filter_addr_get(struct tulle_en_filter *f,
					   const u8 *addr)
{
	struct filter_addr *a = filter_addr_find(f, addr);
	int id;

	if (a)
		return a;

	a = kzalloc_obj(*a);
	if (!a)
		return NULL;
	id = ida_alloc_min(&f->ids, FILTER_ID_FIRST, GFP_KERNEL);
	if (id < 0) {
		kfree(a);
		return NULL;
	}
	a->id = id;
	ether_addr_copy(a->addr, addr);
	hash_add(f->addrs, &a->node, filter_hash(addr));
	return a;
}

static void filter_addr_free(struct tulle_en_filter *f, struct filter_addr *a)
{
	hash_del(&a->node);
	ida_free(&f->ids, a->id);
	kfree(a);
}

static void filter_addr_rule(struct tulle_en_priv *priv,
			     const struct filter_addr *a,
			     struct tulle_rule *rule)
{
	struct tulle_en_filter *f = priv->filter;

	memset(rule, 0, sizeof(*rule));
	rule->id = cpu_to_le32(a->id);
	rule->mask = cpu_to_le32(f->mac.mask);
	rule->nactions = 1;
	ether_addr_copy(rule->key.dmac, a->addr);
	rule->actions[0].type = TULLE_ACTION_RSS;
	rule->actions[0].arg = cpu_to_le32(tulle_en_rss_handle(priv));
}

static bool filter_is_full(int err)
{
	return err == -ENOSPC || err == -ENOMEM;
}

/* Install a batch; what did not fit stays not installed. */
static int filter_install(struct tulle_en_priv *priv, struct filter_addr **addr,
			  struct tulle_rule *rules, u32 n)
{
	u32 done = 0;
	u32 i;
	int err;

	for (i = 0; i < n; i++)
		filter_addr_rule(priv, addr[i], &rules[i]);
	/* An id may still have the rule of an address that failed to go. */
	err = tulle_rules_add(priv->tdev, priv->filter->mac.handle, rules, n,
			      TULLE_RULES_F_REPLACE, &done);
	for (i = 0; i < min(done, n); i++)
		addr[i]->installed = true;
	return err;
}

/* Install every address that @users want and that has no rule. */
static int filter_install_missing(struct tulle_en_priv *priv, u8 users)
{
	struct filter_addr *addr[FILTER_BATCH];
	struct tulle_en_filter *f = priv->filter;
	struct tulle_rule *rules;
	struct filter_addr *a;
	int bkt, err = 0;
	u32 n = 0;

	rules = kvcalloc(FILTER_BATCH, sizeof(*rules), GFP_KERNEL);
	if (!rules)
		return -ENOMEM;

	hash_for_each(f->addrs, bkt, a, node) {
		if (a->installed || !(a->users & users))
			continue;
		addr[n++] = a;
		if (n < FILTER_BATCH)
			continue;
		err = filter_install(priv, addr, rules, n);
		n = 0;
		if (err)
			break;
	}
	if (n && !err)
		err = filter_install(priv, addr, rules, n);
	kvfree(rules);
	return err;
}

static int filter_uninstall(struct tulle_en_priv *priv, const u32 *ids, u32 n)
{
	return n ? tulle_rules_del(priv->tdev, priv->filter->mac.handle, ids,
				   n) : 0;
}

/* Remove the rules of addresses without users, and forget these. */
static int filter_remove_unused(struct tulle_en_priv *priv)
{
	struct tulle_en_filter *f = priv->filter;
	u32 ids[FILTER_BATCH];
	struct filter_addr *a;
	struct hlist_node *next;
	int bkt, err;
	u32 n = 0;

	hash_for_each_safe(f->addrs, bkt, next, a, node) {
		if (a->users)
			continue;
		if (a->installed) {
			if (n == FILTER_BATCH) {
				err = filter_uninstall(priv, ids, n);
				if (err)
					return err;
				n = 0;
			}
			ids[n++] = a->id;
		}
		filter_addr_free(f, a);
	}
	return filter_uninstall(priv, ids, n);
}

static bool filter_is_missing(struct tulle_en_filter *f, u8 user)
{
	struct filter_addr *a;
	int bkt;

	hash_for_each(f->addrs, bkt, a, node)
		if (a->users & user && !a->installed)
			return true;
	return false;
}

/*
 * Modes
 */

static int filter_set_miss(struct tulle_en_priv *priv, struct filter_table *t,
			   u8 type, u32 arg)
{
	int err;

	if (t->miss == type)
		return 0;
	err = tulle_table_set_miss(priv->tdev, t->handle, type, arg);
	if (!err)
		t->miss = type;
	return err;
}

static int filter_set_allmulti(struct tulle_en_priv *priv, bool on)
{
	struct tulle_en_filter *f = priv->filter;
	u32 id = FILTER_ID_ALLMULTI;
	struct tulle_rule rule = {
		.id = cpu_to_le32(id),
		.mask = cpu_to_le32(f->multi_mask),
		.nactions = 1,
		.key.dmac[0] = 0x01,
	};
	int err;

	if (on == f->allmulti_installed)
		return 0;

	rule.actions[0].type = TULLE_ACTION_RSS;
	rule.actions[0].arg = cpu_to_le32(tulle_en_rss_handle(priv));
	if (on)
		err = tulle_rules_add(priv->tdev, f->mac.handle, &rule, 1, 0,
				      NULL);
	else
		err = tulle_rules_del(priv->tdev, f->mac.handle, &id, 1);
	if (!err)
		f->allmulti_installed = on;
	return err;
}

/* Bring modes to what is asked for and what overflow makes necessary. */
static int filter_apply_modes(struct tulle_en_priv *priv)
{
	struct tulle_en_filter *f = priv->filter;
	bool promisc = f->promisc || f->uc_overflow;
	int err;

	err = filter_set_allmulti(priv, f->allmulti || f->mc_overflow);
	if (filter_is_full(err)) {
		promisc = true;
		err = 0;
	}
	if (err)
		return err;

	if (promisc)
		err = filter_set_miss(priv, &f->mac, TULLE_ACTION_RSS,
				      tulle_en_rss_handle(priv));
	else
		err = filter_set_miss(priv, &f->mac, TULLE_ACTION_DROP, 0);
	if (err)
		return err;

	if (f->promisc || !f->vlan_filter)
		return filter_set_miss(priv, &f->vlan, TULLE_ACTION_GOTO,
				       f->mac.handle);
	return filter_set_miss(priv, &f->vlan, TULLE_ACTION_DROP, 0);
}

/* Bring rules and modes to what the lists say. */
static int filter_sync(struct tulle_en_priv *priv)
{
	struct tulle_en_filter *f = priv->filter;
	int err;

	err = filter_remove_unused(priv);
	if (err)
		return err;
	/* The own address first: there may not be room for all. */
	err = filter_install_missing(priv, FILTER_DEV | FILTER_BCAST);
	if (err)
		return err;
	err = filter_install_missing(priv, FILTER_UC | FILTER_MC);
	if (err && !filter_is_full(err))
		return err;

	f->uc_overflow = filter_is_missing(f, FILTER_UC);
	f->mc_overflow = filter_is_missing(f, FILTER_MC);
	return filter_apply_modes(priv);
}

static int filter_collect(struct tulle_en_filter *f,
			  struct netdev_hw_addr_list *list, u8 user)
{
	struct netdev_hw_addr *ha;
	struct filter_addr *a;

	netdev_hw_addr_list_for_each(ha, list) {
		a = filter_addr_get(f, ha->addr);
		if (!a)
			return -ENOMEM;
		a->next |= user;
	}
	return 0;
}

int tulle_en_set_rx_mode(struct net_device *dev, struct netdev_hw_addr_list *uc,
			 struct netdev_hw_addr_list *mc)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_en_filter *f = priv->filter;
	struct filter_addr *a;
	int bkt, err;

	mutex_lock(&f->lock);
	hash_for_each(f->addrs, bkt, a, node)
		a->next = a->users & ~(FILTER_UC | FILTER_MC);
	err = filter_collect(f, uc, FILTER_UC);
	if (!err)
		err = filter_collect(f, mc, FILTER_MC);
	/* Half a list is worse than the old one: keep that. */
	if (!err)
		hash_for_each(f->addrs, bkt, a, node)
			a->users = a->next;

	f->promisc = dev->flags & IFF_PROMISC;
	f->allmulti = dev->flags & IFF_ALLMULTI;
	if (f->running && !err)
		err = filter_sync(priv);
	mutex_unlock(&f->lock);
	return err;
}

int tulle_en_filter_set_mac(struct tulle_en_priv *priv, const u8 *addr)
{
	struct tulle_en_filter *f = priv->filter;
	struct filter_addr *a, *old;
	int err = 0;

	mutex_lock(&f->lock);
	old = filter_addr_find(f, f->own);
	a = filter_addr_get(f, addr);
	if (!a) {
		err = -ENOMEM;
		goto out_unlock;
	}
	a->users |= FILTER_DEV;
	if (f->running) {
		err = filter_install_missing(priv, FILTER_DEV);
		if (a->installed)
			err = tulle_vport_set_mac(priv->tdev,
						  priv->tdev->limits.vport,
						  addr);
		else
			err = err ?: -ENOSPC;
	}
	/* One of the two loses its user: the new one when it did not work. */
	if (err)
		old = a;
	else
		ether_addr_copy(f->own, addr);
	if (old && !ether_addr_equal(old->addr, f->own))
		old->users &= ~FILTER_DEV;
	if (f->running)
		filter_remove_unused(priv);
out_unlock:
	mutex_unlock(&f->lock);
	return err;
}

/*
 * VLANs
 */

static bool filter_has_vid(struct tulle_en_filter *f, u16 vid)
{
	/* VID 0 also stands for untagged packets. */
	return !vid || test_bit(vid, f->ctags) || test_bit(vid, f->stags);
}

static int filter_vid_install(struct tulle_en_priv *priv, u16 vid)
{
	struct tulle_en_filter *f = priv->filter;
	struct tulle_rule rule = {
		.id = cpu_to_le32(vid),
		.mask = cpu_to_le32(f->vlan.mask),
		.nactions = 1,
		.key.vlan[0] = cpu_to_be16(vid),
	};

	rule.actions[0].type = TULLE_ACTION_GOTO;
	rule.actions[0].arg = cpu_to_le32(f->mac.handle);
	return tulle_rules_add(priv->tdev, f->vlan.handle, &rule, 1,
			       TULLE_RULES_F_REPLACE, NULL);
}

static int filter_vid_remove(struct tulle_en_priv *priv, u16 vid)
{
	u32 id = vid;

	return tulle_rules_del(priv->tdev, priv->filter->vlan.handle, &id, 1);
}

static unsigned long *filter_vids(struct tulle_en_filter *f, __be16 proto)
{
	return proto == htons(ETH_P_8021AD) ? f->stags : f->ctags;
}

int tulle_en_vlan_rx_add_vid(struct net_device *dev, __be16 proto, u16 vid)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_en_filter *f = priv->filter;
	int err = 0;

	mutex_lock(&f->lock);
	if (f->running && !filter_has_vid(f, vid))
		err = filter_vid_install(priv, vid);
	if (!err)
		__set_bit(vid, filter_vids(f, proto));
	mutex_unlock(&f->lock);
	return err;
}

int tulle_en_vlan_rx_kill_vid(struct net_device *dev, __be16 proto, u16 vid)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_en_filter *f = priv->filter;
	int err = 0;

	mutex_lock(&f->lock);
	__clear_bit(vid, filter_vids(f, proto));
	if (f->running && !filter_has_vid(f, vid))
		err = filter_vid_remove(priv, vid);
	mutex_unlock(&f->lock);
	return err;
}

static bool filter_wants_vlans(netdev_features_t features)
{
	return features & NETIF_F_HW_VLAN_CTAG_FILTER &&
	       features & NETIF_F_HW_VLAN_STAG_FILTER;
}

int tulle_en_filter_set_features(struct tulle_en_priv *priv,
				 netdev_features_t features)
{
	struct tulle_en_filter *f = priv->filter;
	bool before;
	int err = 0;

	mutex_lock(&f->lock);
	before = f->vlan_filter;
	f->vlan_filter = filter_wants_vlans(features);
	if (f->running)
		err = filter_apply_modes(priv);
	if (err)
		f->vlan_filter = before;
	mutex_unlock(&f->lock);
	return err;
}

/*
 * Tables
 */

static int filter_table_create(struct tulle_en_priv *priv,
			       struct filter_table *t, u8 level,
			       const struct tulle_flow_key *key)
{
	struct tulle_table_ctx ctx = {
		.domain = TULLE_DOMAIN_RX,
		.level = level,
		.vport = cpu_to_le16(priv->tdev->limits.vport),
		.miss.type = TULLE_ACTION_DROP,
	};
	int err;

	err = tulle_table_create(priv->tdev, &ctx, &t->handle);
	if (err)
		return err;
	err = tulle_mask_create(priv->tdev, t->handle, key, &t->mask);
	if (err)
		goto err_table_destroy;
	t->miss = TULLE_ACTION_DROP;
	return 0;

err_table_destroy:
	tulle_table_destroy(priv->tdev, t->handle);
	t->handle = 0;
	return err;
}

static void filter_table_destroy(struct tulle_en_priv *priv,
				 struct filter_table *t)
{
	tulle_mask_destroy(priv->tdev, t->mask);
	tulle_table_destroy(priv->tdev, t->handle);
	t->mask = 0;
	t->handle = 0;
}

static int filter_tables_create(struct tulle_en_priv *priv)
{
	const struct tulle_flow_key vid = { .vlan[0] = htons(VLAN_VID_MASK) };
	const struct tulle_flow_key multi = { .dmac[0] = 0x01 };
	struct tulle_en_filter *f = priv->filter;
	struct tulle_flow_key mac = {};
	int err;

	eth_broadcast_addr(mac.dmac);
	err = filter_table_create(priv, &f->mac, FILTER_LEVEL_MAC, &mac);
	if (err)
		return err;
	err = tulle_mask_create(priv->tdev, f->mac.handle, &multi,
				&f->multi_mask);
	if (err)
		goto err_mac_destroy;
	err = filter_table_create(priv, &f->vlan, FILTER_LEVEL_VLAN, &vid);
	if (err)
		goto err_multi_destroy;
	return 0;

err_multi_destroy:
	tulle_mask_destroy(priv->tdev, f->multi_mask);
err_mac_destroy:
	filter_table_destroy(priv, &f->mac);
	return err;
}

static void filter_tables_destroy(struct tulle_en_priv *priv)
{
	struct tulle_en_filter *f = priv->filter;

	filter_table_destroy(priv, &f->vlan);
	tulle_mask_destroy(priv->tdev, f->multi_mask);
	filter_table_destroy(priv, &f->mac);
	f->multi_mask = 0;
}

static int filter_vids_install(struct tulle_en_priv *priv)
{
	unsigned int vid;
	int err;

	for (vid = 0; vid < VLAN_N_VID; vid++) {
		if (!filter_has_vid(priv->filter, vid))
			continue;
		err = filter_vid_install(priv, vid);
		if (err)
			return err;
	}
	return 0;
}

static void filter_rules_remove(struct tulle_en_priv *priv)
{
	struct tulle_en_filter *f = priv->filter;
	u32 ids[FILTER_BATCH];
	struct filter_addr *a;
	unsigned int vid;
	int bkt;
	u32 n = 0;

	for (vid = 0; vid < VLAN_N_VID; vid++)
		if (filter_has_vid(f, vid))
			filter_vid_remove(priv, vid);

	filter_set_allmulti(priv, false);
	f->allmulti_installed = false;
	hash_for_each(f->addrs, bkt, a, node) {
		if (!a->installed)
			continue;
		a->installed = false;
		if (n == FILTER_BATCH) {
			filter_uninstall(priv, ids, n);
			n = 0;
		}
		ids[n++] = a->id;
	}
	filter_uninstall(priv, ids, n);
}

static int filter_root_find(struct tulle_en_priv *priv)
{
	struct tulle_vport_info info;
	int err;

	err = tulle_vport_query(priv->tdev, priv->tdev->limits.vport, &info);
	if (err)
		return err;
	priv->filter->root = le32_to_cpu(info.rx_root);
	return priv->filter->root ? 0 : -EPROTO;
}

static int filter_vid_note(struct net_device *vdev, int vid, void *vids)
{
	__set_bit(vid, vids);
	return 0;
}

/**
 * tulle_en_filter_replay() - learn what changed while the device was detached
 * @priv: the net_device's, closed
 *
 * The stack tells nobody then. VLANs that it tried to add it was refused; those
 * that it has dropped are forgotten.
 *
 * Context: rtnl and instance lock.
 * Return: 0 or -ENOMEM.
 */
int tulle_en_filter_replay(struct tulle_en_priv *priv)
{
	struct tulle_en_filter *f = priv->filter;
	unsigned long *vids;

	vids = bitmap_zalloc(VLAN_N_VID, GFP_KERNEL);
	if (!vids)
		return -ENOMEM;
	vlan_for_each(priv->netdev, filter_vid_note, vids);
	mutex_lock(&f->lock);
	bitmap_and(f->ctags, f->ctags, vids, VLAN_N_VID);
	bitmap_and(f->stags, f->stags, vids, VLAN_N_VID);
	mutex_unlock(&f->lock);
	bitmap_free(vids);
	return tulle_rx_mode_replay(priv->netdev, tulle_en_set_rx_mode);
}

int tulle_en_filter_start(struct tulle_en_priv *priv)
{
	struct tulle_en_filter *f = priv->filter;
	int err;

	mutex_lock(&f->lock);
	f->vlan_filter = filter_wants_vlans(priv->netdev->features);
	err = filter_root_find(priv);
	if (err)
		goto out_unlock;
	err = filter_tables_create(priv);
	if (err)
		goto out_unlock;
	err = filter_vids_install(priv);
	if (err)
		goto err_rules_remove;
	err = filter_sync(priv);
	if (err)
		goto err_rules_remove;
	err = tulle_vport_set_mac(priv->tdev, priv->tdev->limits.vport, f->own);
	if (err)
		goto err_rules_remove;
	err = tulle_table_set_miss(priv->tdev, f->root, TULLE_ACTION_GOTO,
				   f->vlan.handle);
	if (err)
		goto err_rules_remove;
	f->running = true;
	goto out_unlock;

err_rules_remove:
	filter_rules_remove(priv);
	filter_tables_destroy(priv);
out_unlock:
	mutex_unlock(&f->lock);
	return err;
}

void tulle_en_filter_stop(struct tulle_en_priv *priv)
{
	struct tulle_en_filter *f = priv->filter;

	mutex_lock(&f->lock);
	f->running = false;
	tulle_table_set_miss(priv->tdev, f->root, TULLE_ACTION_DROP, 0);
	/* The VLAN table points at the other one with rules and miss. */
	filter_set_miss(priv, &f->vlan, TULLE_ACTION_DROP, 0);
	filter_set_miss(priv, &f->mac, TULLE_ACTION_DROP, 0);
	filter_rules_remove(priv);
	filter_tables_destroy(priv);
	mutex_unlock(&f->lock);
}

int tulle_en_filter_init(struct tulle_en_priv *priv)
{
	u8 bcast[ETH_ALEN];
	struct tulle_en_filter *f;
	struct filter_addr *a;

	f = kzalloc_obj(*f);
	if (!f)
		return -ENOMEM;

	mutex_init(&f->lock);
	hash_init(f->addrs);
	ida_init(&f->ids);
	priv->filter = f;

	eth_broadcast_addr(bcast);
	a = filter_addr_get(f, bcast);
	if (!a)
		goto err_cleanup;
	a->users = FILTER_BCAST;

	ether_addr_copy(f->own, priv->netdev->dev_addr);
	a = filter_addr_get(f, f->own);
	if (!a)
		goto err_cleanup;
	a->users |= FILTER_DEV;
	return 0;

err_cleanup:
	tulle_en_filter_cleanup(priv);
	return -ENOMEM;
}

void tulle_en_filter_cleanup(struct tulle_en_priv *priv)
{
	struct tulle_en_filter *f = priv->filter;
	struct filter_addr *a;
	struct hlist_node *next;
	int bkt;

	if (!f)
		return;

	hash_for_each_safe(f->addrs, bkt, next, a, node)
		filter_addr_free(f, a);
	ida_destroy(&f->ids);
	mutex_destroy(&f->lock);
	kfree(f);
	priv->filter = NULL;
}
