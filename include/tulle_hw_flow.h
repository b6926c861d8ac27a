/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* Tulle device interface: steering. A part of tulle_hw.h, which includes it. */
#ifndef TULLE_HW_FLOW_H
#define TULLE_HW_FLOW_H

/*
 * 10. Steering
 *
 * A packet enters at the root table of its domain. In a table the matching
 * rule with the lowest priority value wins (the older one among equals); its
 * actions run in order. No match: the table's miss action.
 */
enum tulle_domain {
	TULLE_DOMAIN_TX		= 0,	/* what a vport sends */
	TULLE_DOMAIN_FDB	= 1,	/* between vports and the wire */
	TULLE_DOMAIN_RX		= 2,	/* what reaches a vport */
};

enum tulle_action {
	TULLE_ACTION_DROP	= 0,
	TULLE_ACTION_QUEUE	= 1,	/* arg: RQ */
	TULLE_ACTION_RSS	= 2,	/* arg: RSS context */
	TULLE_ACTION_VPORT	= 3,	/* arg: vport */
	TULLE_ACTION_GOTO	= 4,	/* arg: table of the same domain, deeper level */
	TULLE_ACTION_MARK	= 5,	/* arg: flow tag, 24 bits */
	TULLE_ACTION_COUNT	= 6,	/* arg: counter handle */
	TULLE_ACTION_META	= 7,	/* arg: new metadata register */
	TULLE_ACTION_QP		= 8,	/* arg: raw packet QP */
};

struct tulle_flow_action {
	__u8	type;
	__u8	rsvd[3];
	__le32	arg;
};
TULLE_SIZE(struct tulle_flow_action, 8);

#define TULLE_VPORT_WIRE	0xffff	/* the physical port */

/*
 * What can be matched. In a mask every member holds the bits that count; in a
 * rule bits outside its mask are 0. Absent headers read as 0.
 */
struct tulle_flow_key {
	__u8	dmac[6];
	__u8	smac[6];
	__be16	ethertype;	/* behind VLAN tags */
	__be16	vlan[2];	/* TCI, outer first */
	__u8	nvlan;		/* 0..2 */
	__u8	ip_proto;
	__be32	src[4];		/* IPv4 in src[0] */
	__be32	dst[4];
	__be16	l4_src;
	__be16	l4_dst;
	__u8	l3;		/* enum tulle_l3 */
	__u8	l4;		/* enum tulle_l4 */
	__u8	frag;		/* 1: a fragment */
	__u8	tos;
	__u8	ttl;
	__u8	tcp_flags;
	__le16	vport;		/* source */
	__be32	flow_label;
	__le32	meta;
	__be32	vni;
	__u8	rsvd[52];
};
TULLE_SIZE(struct tulle_flow_key, 128);

struct tulle_table_ctx {
	__le32	handle;
	__u8	domain;
	__u8	level;		/* 0: a root, made by the device; 1.. */
	__le16	vport;
	struct tulle_flow_action miss;	/* DROP, GOTO, RSS, QUEUE or VPORT */
	__le32	rules;		/* (state) */
	__le32	masks;		/* (state) */
	__le64	miss_packets;	/* (state) */
};
TULLE_SIZE(struct tulle_table_ctx, 32);

struct tulle_mask_ctx {
	__le32	handle;
	__le32	table;
	__le32	rules;		/* (state) */
	__le32	rsvd;
	struct tulle_flow_key key;
};
TULLE_SIZE(struct tulle_mask_ctx, 144);

#define TULLE_MAX_ACTIONS	8

struct tulle_rule {
	__le32	id;		/* chosen by the driver, unique in the table */
	__le32	mask;
	__le32	priority;
	__u8	nactions;
	__u8	rsvd[3];
	struct tulle_flow_key key;
	struct tulle_flow_action actions[TULLE_MAX_ACTIONS];
};
TULLE_SIZE(struct tulle_rule, 208);

/* Rules are taken in order; the first that is refused stops the batch. */
struct tulle_add_rules {
	__le32	table;
	__le32	count;
	__u8	flags;
 #define TULLE_RULES_F_REPLACE		0x01	/* an id that exists is replaced */
	__u8	rsvd[7];
	struct tulle_rule rules[];
};
TULLE_SIZE(struct tulle_add_rules, 16);

struct tulle_del_rules {
	__le32	table;
	__le32	count;
	__le32	ids[];
};
TULLE_SIZE(struct tulle_del_rules, 8);

/* Answer to both: how many were done. */
struct tulle_rules_rsp {
	__le32	done;
	__le32	rsvd;
};
TULLE_SIZE(struct tulle_rules_rsp, 8);

struct tulle_query_rule {
	__le32	table;
	__le32	id;
};
TULLE_SIZE(struct tulle_query_rule, 8);

/* CREATE: count in, handle of the first out, the others follow by index. */
struct tulle_counters {
	__le32	handle;
	__le32	count;		/* 1..256 */
};
TULLE_SIZE(struct tulle_counters, 8);

struct tulle_count {
	__le64	packets;
	__le64	bytes;
};
TULLE_SIZE(struct tulle_count, 16);

#endif /* TULLE_HW_FLOW_H */
