/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* Tulle device interface: ports and vports. A part of tulle_hw.h, which includes it. */
#ifndef TULLE_HW_PORT_H
#define TULLE_HW_PORT_H

/*
 * 11. Ports and vports
 */
enum tulle_link_mode {		/* bit numbers */
	TULLE_LINK_10G_CR	= 0,
	TULLE_LINK_25G_CR	= 1,
	TULLE_LINK_50G_CR	= 2,
	TULLE_LINK_100G_CR2	= 3,
	TULLE_LINK_200G_CR4	= 4,
};

#define TULLE_FEC_OFF		0x01
#define TULLE_FEC_BASER		0x02
#define TULLE_FEC_RS		0x04
#define TULLE_FEC_AUTO		0x08

enum tulle_link_down {
	TULLE_LINK_DOWN_NONE	= 0,	/* it is up */
	TULLE_LINK_DOWN_ADMIN	= 1,
	TULLE_LINK_DOWN_NO_CABLE = 2,
	TULLE_LINK_DOWN_NO_SIGNAL = 3,	/* the other end is off */
	TULLE_LINK_DOWN_SPEED	= 4,	/* no common mode */
	TULLE_LINK_DOWN_FEC	= 5,	/* no common FEC */
};

struct tulle_port_info {
	__u8	port;
	__u8	admin_up;
	__u8	link_up;
	__u8	down_reason;	/* enum tulle_link_down */
	__le32	speed;		/* Mb/s, 0 while down */
	__le64	supported;	/* bit per enum tulle_link_mode */
	__le64	advertised;
	__le64	lp_advertised;	/* 0: partner does not negotiate */
	__u8	autoneg;
	__u8	fec_supported;	/* TULLE_FEC_ */
	__u8	fec_configured;
	__u8	fec_active;
	__u8	pause;		/* configured */
 #define TULLE_PAUSE_RX			0x01
 #define TULLE_PAUSE_TX			0x02
 #define TULLE_PAUSE_AUTONEG		0x04
	__u8	pause_active;	/* TULLE_PAUSE_RX, TULLE_PAUSE_TX */
	__u8	loopback;
	__u8	lanes;
	__le32	max_frame;	/* largest frame taken, FCS excluded */
	__le32	flaps;		/* link-down events */
	__u8	rsvd[16];
};
TULLE_SIZE(struct tulle_port_info, 64);

struct tulle_modify_port {
	__le32	mask;
 #define TULLE_PORT_MOD_ADMIN		0x01
 #define TULLE_PORT_MOD_LINK		0x02	/* autoneg, advertised: negotiates anew; or autoneg 0 and one mode */
 #define TULLE_PORT_MOD_FEC		0x04
 #define TULLE_PORT_MOD_PAUSE		0x08
 #define TULLE_PORT_MOD_LOOPBACK		0x10
 #define TULLE_PORT_MOD_MAX_FRAME	0x20
	__u8	admin_up;
	__u8	autoneg;
	__u8	fec;
	__u8	pause;
	__le64	advertised;
	__le32	max_frame;
	__u8	loopback;
	__u8	rsvd[3];
};
TULLE_SIZE(struct tulle_modify_port, 24);

#define TULLE_RMON_BUCKETS	11
/* Upper bounds: 64 127 255 511 1023 1518 2047 4095 8191 9216 10239; FCS included. */
#define TULLE_FEC_BINS		16

struct tulle_mac_dir {
	__le64	frames;		/* good frames, pause excluded */
	__le64	octets;		/* of them, FCS included */
	__le64	multicast;
	__le64	broadcast;
	__le64	pause;		/* MAC control pause frames */
	__le64	ctrl;		/* all MAC control frames */
	__le64	unknown_ctrl;	/* Rx: control frames with another opcode */
	__le64	errors;		/* internal: frames lost in the MAC */
	__le64	rmon[TULLE_RMON_BUCKETS];
	__le64	rsvd[5];
};
TULLE_SIZE(struct tulle_mac_dir, 192);

struct tulle_port_stats {
	struct tulle_mac_dir tx;
	struct tulle_mac_dir rx;
	__le64	rx_fcs_errors;
	__le64	rx_align_errors;
	__le64	rx_length_errors;	/* length field does not match */
	__le64	rx_undersize;		/* good FCS, under 64 bytes */
	__le64	rx_oversize;		/* good FCS, over max_frame */
	__le64	rx_fragments;		/* bad FCS, under 64 bytes */
	__le64	rx_jabbers;		/* bad FCS, over max_frame */
	__le64	rx_symbol_errors;
	__le64	rsvd0;
	__le64	rx_steer_drops;		/* no rule wanted it */
	__le64	tx_backend_drops;	/* the wire did not take it */
	__le64	fec_corrected_blocks;
	__le64	fec_uncorrectable_blocks;
	__le64	fec_corrected_bits;
	__le64	fec_hist[TULLE_FEC_BINS];	/* blocks with so many symbol errors */
	__le64	rsvd1[18];
};
TULLE_SIZE(struct tulle_port_stats, 768);

struct tulle_query_vport {
	__le16	vport;
	__u8	rsvd[6];
};
TULLE_SIZE(struct tulle_query_vport, 8);

struct tulle_vport_info {
	__le16	vport;
	__le16	func;
	__u8	port;
	__u8	link_up;
	__u8	perm_mac[6];
	__u8	mac[6];
	__u8	rsvd0[2];
	__le32	tx_root;	/* handles of its tables */
	__le32	rx_root;
	__le32	fdb_root;	/* 0: not the switch's manager */
	__u8	rsvd1[32];
};
TULLE_SIZE(struct tulle_vport_info, 64);

struct tulle_modify_vport {
	__le16	vport;
	__le16	mask;
 #define TULLE_VPORT_MOD_MAC		0x0001
	__u8	mac[6];
	__u8	rsvd[6];
};
TULLE_SIZE(struct tulle_modify_vport, 16);

struct tulle_vport_dir {
	__le64	packets;
	__le64	bytes;		/* without FCS */
	__le64	unicast;
	__le64	multicast;
	__le64	broadcast;
	__le64	drops;
	__le64	rsvd[2];
};
TULLE_SIZE(struct tulle_vport_dir, 64);

struct tulle_vport_stats {
	struct tulle_vport_dir tx;
	struct tulle_vport_dir rx;
};
TULLE_SIZE(struct tulle_vport_stats, 128);

#endif /* TULLE_HW_PORT_H */
