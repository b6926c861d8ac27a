/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Tulle device interface: the one description of what the device and its
 * drivers share. Driver, firmware, provider and tools include it unchanged;
 * Documentation/device.rst explains it in prose. Here are registers, doorbells,
 * capabilities and commands; what commands and rings carry lies in the parts
 * that are included at the end, in the order of the sections.
 *
 * Everything is little-endian unless a member is __be, which means bytes that
 * travel on the wire. Reserved members are zero: the device refuses a request
 * in which one is not, the driver ignores them in everything it reads.
 * Layouts only grow at their end or into reserved members.
 */
#ifndef TULLE_HW_H
#define TULLE_HW_H

#include <linux/types.h>

/* A field of a 32- or 64-bit word, named by its highest and lowest bit. */
#define TULLE_BITS(hi, lo) \
	((0xffffffffU >> (31 - (hi))) & (0xffffffffU << (lo)))
#define TULLE_BITS64(hi, lo) \
	((~0ULL >> (63 - (hi))) & (~0ULL << (lo)))
#define TULLE_BIT(n)	(1U << (n))
#define TULLE_BIT64(n)	(1ULL << (n))

/* The size of a shared struct, on the line after it. */
#define TULLE_SIZE(type, n) \
	_Static_assert(sizeof(type) == (n), #type " is " #n " bytes")
#define TULLE_OFFSET(type, member, n) \
	_Static_assert(__builtin_offsetof(type, member) == (n), \
		       #type "." #member " is at " #n)

/*
 * 1. Identity and versions
 */

/* From the range for use before ids are assigned; also a device property. */
#define TULLE_PCI_VENDOR	0x1af4
#define TULLE_PCI_DEVICE_PF	0x10f0
#define TULLE_PCI_DEVICE_VF	0x10f1

#define TULLE_MAGIC		0x454c5554U	/* "TULE" */
#define TULLE_IF_MAJOR		1	/* must match */
#define TULLE_IF_MINOR		0	/* informative: features are capabilities */

/*
 * 2. BARs and registers
 *
 * BAR0 holds the registers below: 32 bits each, aligned 32-bit accesses.
 * BAR2 holds the doorbell (UAR) pages, BAR4 the MSI-X table and PBA.
 * A function that is not there any more reads as all ones.
 */
#define TULLE_BAR_REGS		0
#define TULLE_BAR_UAR		2
#define TULLE_BAR_MSIX		4
#define TULLE_BAR_REGS_SIZE	0x4000

#define TULLE_REG_MAGIC		0x000	/* RO TULLE_MAGIC */
#define TULLE_REG_IF_VERSION	0x004	/* RO */
 #define TULLE_IF_VERSION_MINOR		TULLE_BITS(15, 0)
 #define TULLE_IF_VERSION_MAJOR		TULLE_BITS(31, 16)
#define TULLE_REG_FW_VERSION	0x008	/* RO */
 #define TULLE_FW_VERSION_PATCH		TULLE_BITS(15, 0)
 #define TULLE_FW_VERSION_MINOR		TULLE_BITS(23, 16)
 #define TULLE_FW_VERSION_MAJOR		TULLE_BITS(31, 24)
#define TULLE_REG_STATE		0x00c	/* RO */
 #define TULLE_STATE_STATE		TULLE_BITS(3, 0)
 /* The longest this function takes to leave BOOTING, in units of 100 ms. */
 #define TULLE_STATE_BOOT_LIMIT		TULLE_BITS(15, 8)
 /* The longest a command takes, in units of 100 ms. */
 #define TULLE_STATE_CMD_LIMIT		TULLE_BITS(23, 16)
#define TULLE_REG_RESET		0x010	/* WO TULLE_RESET_MAGIC resets the function */
 #define TULLE_RESET_MAGIC		0x54455352U	/* "RSET" */
#define TULLE_REG_SYNDROME	0x014	/* RO enum tulle_syndrome, 0 = healthy */
#define TULLE_REG_HEARTBEAT	0x018	/* RO grows at least every 100 ms in READY */
#define TULLE_REG_FUNC		0x01c	/* RO */
 #define TULLE_FUNC_ID			TULLE_BITS(15, 0)
 #define TULLE_FUNC_TYPE		TULLE_BITS(19, 16)
#define TULLE_REG_CLOCK_LO	0x020	/* RO ns, 1 GHz; reading it latches CLOCK_HI */
#define TULLE_REG_CLOCK_HI	0x024	/* RO */
#define TULLE_REG_UAR_CFG	0x028	/* RW log_stride while no UAR but 0 exists */
 #define TULLE_UAR_CFG_LOG_STRIDE	TULLE_BITS(4, 0)	/* reset: 12; 12..16 */
 #define TULLE_UAR_CFG_LOG_SIZE		TULLE_BITS(12, 8)	/* RO BAR2 size */
#define TULLE_REG_CMD_CAPS	0x02c	/* RO */
 #define TULLE_CMD_CAPS_LOG_SLOTS	TULLE_BITS(3, 0)	/* most slots, 5..6 */
 #define TULLE_CMD_CAPS_LOG_MAILBOX	TULLE_BITS(12, 8)	/* most bytes */
#define TULLE_REG_CMD_BASE_LO	0x030	/* RW slot array, 64-byte aligned; */
#define TULLE_REG_CMD_BASE_HI	0x034	/* RW   fixed while CMD_CFG.ENABLE is set */
#define TULLE_REG_CMD_CFG	0x038	/* RW */
 #define TULLE_CMD_CFG_LOG_SLOTS	TULLE_BITS(3, 0)
 #define TULLE_CMD_CFG_ENABLE		TULLE_BIT(31)
#define TULLE_REG_CMD_DOORBELL	0x03c	/* WO any value: look at all slots */
#define TULLE_REG_SCRATCH	0x040	/* RW no meaning; 0 after reset */
/* Read-only record of the last crash, valid while SYNDROME is not 0. */
#define TULLE_REG_CRASH		0x1000	/* RO struct tulle_crash */

enum tulle_state {
	TULLE_STATE_BOOTING	= 0,	/* only the registers work */
	TULLE_STATE_READY	= 1,
	TULLE_STATE_DEAD	= 2,	/* only a reset helps; see SYNDROME */
};

enum tulle_func_type {
	TULLE_FUNC_TYPE_PF	= 0,
	TULLE_FUNC_TYPE_VF	= 1,
	TULLE_FUNC_TYPE_SF	= 2,
};

#define TULLE_FUNC_ID_SF_FIRST	0x8000

enum tulle_syndrome {
	TULLE_SYNDROME_NONE	= 0,
	TULLE_SYNDROME_ASSERT	= 1,	/* firmware found its own state wrong */
	TULLE_SYNDROME_DMA	= 2,	/* command slots or EQ0 not reachable */
	TULLE_SYNDROME_STALL	= 3,	/* the engine made no progress */
	TULLE_SYNDROME_INJECTED	= 4,	/* asked for by TEST_HEALTH or the fault plan */
	TULLE_SYNDROME_NOMEM	= 5,	/* device memory ran out */
};

/* What a crash leaves behind. */
struct tulle_crash {
	__le32	syndrome;
	__le32	line;		/* of file[] */
	__le64	time;		/* device clock */
	char	file[32];	/* NUL-padded */
	__le32	last_op[8];	/* latest command opcodes, newest first */
	__le32	last_status[8];
	__le32	passes;		/* engine passes since boot */
	__le32	events;		/* events raised since boot */
	__u8	rsvd[8];
};
TULLE_SIZE(struct tulle_crash, 128);

/*
 * A function-level reset (PCIe FLR or REG_RESET) stops all DMA and interrupts
 * of the function before it completes, destroys its objects, disables the
 * command interface, drops whatever was not written yet and returns every
 * register to its reset value. Memory is not written afterwards: slots that
 * were owned by the device stay so, and belong to the driver again.
 */

/*
 * 3. Handles, rings and doorbells
 *
 * Handle: names an object of the function that created it. The generation is
 * never 0, so 0 is never a handle; a stale one is refused.
 */
#define TULLE_HANDLE_INDEX	TULLE_BITS(23, 0)
#define TULLE_HANDLE_GEN	TULLE_BITS(31, 24)

/*
 * struct tulle_page_list: memory of a ring or table
 * addr: levels 0: a contiguous block; 1: an array of le64 page addresses;
 *	2: an array of le64 addresses of such arrays (512 entries each, one
 *	4 KiB page). The block and all arrays are 4 KiB aligned, page
 *	addresses multiples of the page's size; an array of level 1 is
 *	contiguous, however long
 * npages: number of pages of 1 << @log_page_size bytes
 * first_offset: byte in the first page where the object starts
 * log_page_size: 12..30
 * levels: 0..2
 */
struct tulle_page_list {
	__le64	addr;
	__le32	npages;
	__le32	first_offset;
	__u8	log_page_size;
	__u8	levels;
	__u8	rsvd[6];
};
TULLE_SIZE(struct tulle_page_list, 24);

/*
 * Ring indices are free-running 32-bit counters: a ring of 1 << log_size
 * entries uses index & (size - 1). Rings are zeroed by the driver at create.
 * The owner byte of a CQE or EQE is its last byte, written last (release): its
 * bit 0 is 1 on the first lap and flips each lap, so entry ci is valid when
 * (owner & 1) != ((ci >> log_size) & 1).
 *
 * Doorbell record: one line that the driver writes, one that the device
 * writes. The device reads what it needs from line 0; a doorbell write only
 * wakes it and carries no state.
 *
 * Kick rule (SQ, RQ, SRQ; RDMA QPs for both of their rings). The driver writes
 * WQEs, stores pi (release), executes a full fence, loads evt and rings the
 * doorbell if and only if
 *	(__u32)(pi - evt - 1) < (__u32)(pi - old_pi).
 * The device, while it polls the queue, keeps evt far away
 * (pi + 0x80000000); before it stops, it stores evt = pi, executes a full
 * fence and reads pi once more. An RQ keeps evt far away until it ran dry and
 * the device gave up looking by itself.
 *
 * Arm rule (CQ, EQ). The driver stores arm = sn << 2 | mode with an sn that
 * differs from the last (the first is not 0), executes a full fence, and polls the ring again. The
 * device writes an entry (release), executes a full fence, loads arm and
 * raises an event or interrupt at most once per sn. So either the event
 * comes or the poll finds the entry.
 */
struct tulle_dbr {
	__le32	pi;		/* SQ, RQ, SRQ: producer index, in blocks or WQEs */
	__le32	rq_pi;		/* RDMA queue pairs: the RQ's */
	__le32	ci;		/* CQ, EQ: consumer index */
	__le32	arm;		/* CQ, EQ */
 #define TULLE_ARM_MODE			TULLE_BITS(1, 0)
 #define TULLE_ARM_SN			TULLE_BITS(31, 2)
	__u8	rsvd0[48];
	__le32	evt;		/* SQ, RQ, SRQ: event index, see kick rule */
	__le32	rq_evt;
	__le32	ci_hint;	/* SQ when it goes to sleep, SRQ: what was fetched; a hint */
	__le32	flags;		/* rsvd */
	__u8	rsvd1[48];
};
TULLE_SIZE(struct tulle_dbr, 128);
TULLE_OFFSET(struct tulle_dbr, evt, 64);

enum tulle_arm_mode {
	TULLE_ARM_NONE		= 0,
	TULLE_ARM_ANY		= 1,
	TULLE_ARM_SOLICITED	= 2,
};

#define TULLE_EVT_FAR		0x80000000U

/*
 * Doorbells, in each UAR page: 32-bit writes of a handle. A handle that does
 * not name a queue created with this UAR is ignored.
 */
#define TULLE_UAR_SQ		0x00	/* new WQEs in the SQ */
#define TULLE_UAR_RQ		0x08	/* new WQEs in an RQ that ran dry */
#define TULLE_UAR_CQ		0x10	/* the next event is not moderated */
#define TULLE_UAR_EQ		0x18	/* evaluate the arm word now (recovery) */
#define TULLE_UAR_QP_SQ		0x20	/* new WQEs in the SQ of a QP */
#define TULLE_UAR_QP_RQ		0x28	/* new WQEs in its RQ; see kick rule */
#define TULLE_UAR_SRQ		0x30
#define TULLE_UAR_KERNEL	0	/* UAR page that always exists */

/*
 * 4. Capabilities: bit numbers in tulle_caps.caps[]
 */
enum tulle_cap {
	TULLE_CAP_ETH		= 0,	/* Ethernet queues */
	TULLE_CAP_RDMA		= 1,
	TULLE_CAP_SRIOV		= 2,
	TULLE_CAP_TX_CSUM	= 8,	/* start/offset, any protocol */
	TULLE_CAP_TX_TSO4	= 9,
	TULLE_CAP_TX_TSO6	= 10,
	TULLE_CAP_TX_USO	= 11,
	TULLE_CAP_TX_VLAN	= 12,	/* one 802.1Q or 802.1ad tag */
	TULLE_CAP_TX_VLAN2	= 13,	/* a second one */
	TULLE_CAP_TX_INLINE	= 14,
	TULLE_CAP_RX_CSUM	= 24,	/* per-level status */
	TULLE_CAP_RX_CSUM_COMPLETE = 25,
	TULLE_CAP_RX_HASH	= 26,
	TULLE_CAP_RX_VLAN	= 27,	/* strip one tag */
	TULLE_CAP_RX_VLAN2	= 28,	/* strip two */
	TULLE_CAP_RX_GRO	= 29,
	TULLE_CAP_RX_SPLIT	= 30,
	TULLE_CAP_RX_MULTI	= 31,	/* multi-packet RQs */
	TULLE_CAP_RX_FCS	= 32,	/* keep the FCS */
	TULLE_CAP_RX_CHAIN	= 33,	/* a packet may span RQ WQEs */
	TULLE_CAP_CQ_MODERATION	= 40,
	TULLE_CAP_TIMESTAMP	= 41,	/* CQE timestamps */
	TULLE_CAP_RSS_SYM_XOR	= 42,
	TULLE_CAP_RSS_SYM_OR_XOR = 43,
	TULLE_CAP_LOOPBACK	= 44,	/* port loopback */
	TULLE_CAP_RESTORE	= 45,	/* create at a given handle, with indices */
	TULLE_CAP_TEST_HEALTH	= 46,
	/* beside TULLE_CAP_RDMA: RC, UD and GSI queue pairs, MRs, GIDs, SRQs */
	TULLE_CAP_RDMA_UC	= 64,
	TULLE_CAP_RDMA_XRC	= 65,
	TULLE_CAP_RDMA_RAW	= 66,	/* raw packet QPs, ACTION_QP */
	TULLE_CAP_RDMA_FRWR	= 67,	/* REG_MR, LOCAL_INV, SEND_INV */
	TULLE_CAP_RDMA_MW	= 68,	/* memory windows of type 1 and 2B */
	TULLE_CAP_RDMA_ATOMIC	= 69,	/* CAS and FAA of 8 bytes */
	TULLE_CAP_RDMA_ATOMIC_WRITE = 70,
	TULLE_CAP_RDMA_FLUSH	= 71,
	TULLE_CAP_RDMA_MCAST	= 72,
	TULLE_CAP_RDMA_COUNTERS	= 73,	/* QP counter objects */
	TULLE_CAP_WORDS		= 4,
};

/*
 * 5. Commands
 *
 * The driver fills a slot whose owner is TULLE_CMD_OWNER_DRIVER, sets the
 * owner byte (release) and rings TULLE_REG_CMD_DOORBELL. Slots complete in any
 * order: the device writes output, status and syndrome, then the owner byte
 * (release), then an event of type COMMAND when EQ0 exists and the slot asks
 * for one.
 */
enum tulle_cmd_op {
	/* device */
	TULLE_CMD_NOP			= 0x0000,
	TULLE_CMD_QUERY_CAPS		= 0x0001,	/* rsp tulle_caps */
	TULLE_CMD_QUERY_DEVICE		= 0x0002,	/* rsp tulle_device_info */
	TULLE_CMD_QUERY_FUNC		= 0x0003,	/* rsp tulle_func_info */
	TULLE_CMD_TEST_HEALTH		= 0x0004,	/* tulle_test_health */
	/* doorbell pages, protection domains, memory keys */
	TULLE_CMD_ALLOC_UAR		= 0x0010,	/* rsp tulle_handle_rsp */
	TULLE_CMD_FREE_UAR		= 0x0011,	/* tulle_handle_req */
	TULLE_CMD_CREATE_PD		= 0x0012,	/* tulle_pd_ctx, tulle_handle_rsp */
	TULLE_CMD_DESTROY_PD		= 0x0013,
	TULLE_CMD_CREATE_MKEY		= 0x0014,	/* tulle_mkey_ctx */
	TULLE_CMD_DESTROY_MKEY		= 0x0015,
	TULLE_CMD_QUERY_MKEY		= 0x0016,
	TULLE_CMD_MODIFY_MKEY		= 0x0017,	/* tulle_modify_mkey */
	/* event queues */
	TULLE_CMD_CREATE_EQ		= 0x0020,	/* tulle_eq_ctx, tulle_handle_rsp */
	TULLE_CMD_DESTROY_EQ		= 0x0021,	/* tulle_handle_req */
	TULLE_CMD_QUERY_EQ		= 0x0022,	/* tulle_handle_req, tulle_eq_ctx */
	/* completion queues */
	TULLE_CMD_CREATE_CQ		= 0x0030,
	TULLE_CMD_DESTROY_CQ		= 0x0031,
	TULLE_CMD_QUERY_CQ		= 0x0032,
	TULLE_CMD_MODIFY_CQ		= 0x0033,	/* tulle_modify_cq */
	TULLE_CMD_RESIZE_CQ		= 0x0034,	/* tulle_resize_cq */
	/* send queues */
	TULLE_CMD_CREATE_SQ		= 0x0040,
	TULLE_CMD_DESTROY_SQ		= 0x0041,
	TULLE_CMD_QUERY_SQ		= 0x0042,
	/* receive queues */
	TULLE_CMD_CREATE_RQ		= 0x0048,
	TULLE_CMD_DESTROY_RQ		= 0x0049,
	TULLE_CMD_QUERY_RQ		= 0x004a,
	TULLE_CMD_MODIFY_RQ		= 0x004b,	/* tulle_modify_rq */
	/* RSS contexts */
	TULLE_CMD_CREATE_RSS		= 0x0050,	/* tulle_rss */
	TULLE_CMD_DESTROY_RSS		= 0x0051,
	TULLE_CMD_QUERY_RSS		= 0x0052,
	TULLE_CMD_MODIFY_RSS		= 0x0053,	/* tulle_modify_rss */
	/* steering */
	TULLE_CMD_CREATE_TABLE		= 0x0060,	/* tulle_table_ctx */
	TULLE_CMD_DESTROY_TABLE		= 0x0061,
	TULLE_CMD_QUERY_TABLE		= 0x0062,
	TULLE_CMD_MODIFY_TABLE		= 0x0063,	/* tulle_table_ctx: miss only */
	TULLE_CMD_CREATE_MASK		= 0x0064,	/* tulle_mask_ctx */
	TULLE_CMD_DESTROY_MASK		= 0x0065,
	TULLE_CMD_QUERY_MASK		= 0x0066,
	TULLE_CMD_ADD_RULES		= 0x0068,	/* tulle_add_rules */
	TULLE_CMD_DEL_RULES		= 0x0069,	/* tulle_del_rules */
	TULLE_CMD_QUERY_RULE		= 0x006a,	/* tulle_query_rule, tulle_rule */
	TULLE_CMD_CREATE_COUNTERS	= 0x006c,	/* tulle_counters, tulle_counters */
	TULLE_CMD_DESTROY_COUNTERS	= 0x006d,	/* tulle_counters */
	TULLE_CMD_QUERY_COUNTERS	= 0x006e,	/* tulle_counters, tulle_count[] */
	/* ports and vports */
	TULLE_CMD_QUERY_PORT		= 0x0080,	/* rsp tulle_port_info */
	TULLE_CMD_MODIFY_PORT		= 0x0081,	/* tulle_modify_port */
	TULLE_CMD_QUERY_PORT_STATS	= 0x0082,	/* rsp tulle_port_stats */
	TULLE_CMD_QUERY_VPORT		= 0x0088,	/* tulle_query_vport, tulle_vport_info */
	TULLE_CMD_MODIFY_VPORT		= 0x0089,	/* tulle_modify_vport */
	TULLE_CMD_QUERY_VPORT_STATS	= 0x008a,	/* tulle_query_vport, tulle_vport_stats */
	/* RDMA */
	TULLE_CMD_QUERY_RDMA_CAPS	= 0x0090,	/* rsp tulle_rdma_caps */
	TULLE_CMD_QUERY_RDMA_STATS	= 0x0091,	/* rsp tulle_rdma_stats */
	TULLE_CMD_SET_GID		= 0x0092,	/* tulle_gid */
	TULLE_CMD_QUERY_GID		= 0x0093,	/* tulle_query_gid, tulle_gid */
	TULLE_CMD_CREATE_QP		= 0x0098,	/* tulle_qp_ctx, tulle_handle_rsp */
	TULLE_CMD_DESTROY_QP		= 0x0099,	/* tulle_handle_req */
	TULLE_CMD_QUERY_QP		= 0x009a,	/* tulle_handle_req, tulle_query_qp */
	TULLE_CMD_MODIFY_QP		= 0x009b,	/* tulle_modify_qp */
	TULLE_CMD_ATTACH_MCAST		= 0x009c,	/* tulle_mcast */
	TULLE_CMD_DETACH_MCAST		= 0x009d,	/* tulle_mcast */
	TULLE_CMD_CREATE_SRQ		= 0x00a0,	/* tulle_srq_ctx, tulle_handle_rsp */
	TULLE_CMD_DESTROY_SRQ		= 0x00a1,
	TULLE_CMD_QUERY_SRQ		= 0x00a2,
	TULLE_CMD_ARM_SRQ		= 0x00a3,	/* tulle_arm_srq */
	TULLE_CMD_CREATE_XRCD		= 0x00a4,	/* tulle_handle_rsp */
	TULLE_CMD_DESTROY_XRCD		= 0x00a5,
	TULLE_CMD_CREATE_QP_COUNTER	= 0x00a8,	/* tulle_handle_rsp */
	TULLE_CMD_DESTROY_QP_COUNTER	= 0x00a9,
	TULLE_CMD_QUERY_QP_COUNTER	= 0x00aa,	/* tulle_handle_req, tulle_rdma_stats */
};

enum tulle_status {
	TULLE_STATUS_OK		= 0,
	TULLE_STATUS_BAD_OP	= 1,	/* unknown opcode, or its capability is off */
	TULLE_STATUS_BAD_LEN	= 2,	/* in_len or out_len does not fit the opcode */
	TULLE_STATUS_BAD_PARAM	= 3,	/* syndrome: byte offset in the request */
	TULLE_STATUS_BAD_HANDLE	= 4,	/* foreign, stale or of another type */
	TULLE_STATUS_BAD_STATE	= 5,	/* not in this state of the object */
	TULLE_STATUS_IN_USE	= 6,	/* others still refer to the object */
	TULLE_STATUS_QUOTA	= 7,	/* the function has as many as it may */
	TULLE_STATUS_NOMEM	= 8,
	TULLE_STATUS_DENIED	= 9,	/* not for this function */
	TULLE_STATUS_EXISTS	= 10,	/* that id or handle is taken */
	TULLE_STATUS_NOT_FOUND	= 11,
	TULLE_STATUS_DMA	= 12,	/* memory named by the request not reachable */
	TULLE_STATUS_INTERNAL	= 13,
};

struct tulle_cmd_slot {
	__le16	op;
	__u8	flags;
 #define TULLE_CMD_F_EVENT		0x01	/* raise an event when done */
 #define TULLE_CMD_F_IN_INLINE		0x02	/* request is in data[] */
 #define TULLE_CMD_F_OUT_INLINE		0x04	/* response goes to data[] */
 #define TULLE_CMD_F_IN_LIST		0x08	/* in_addr: page of le64 page addresses */
 #define TULLE_CMD_F_OUT_LIST		0x10
	__u8	rsvd0;
	__le32	token;		/* echoed in nothing, for the driver's eyes */
	__le16	func;		/* on behalf of this function; own id, or one it manages */
	__le16	rsvd1;
	__le32	in_len;
	__le32	out_len;	/* room; the device writes no more */
	__le32	out_used;	/* written by the device */
	__le64	in_addr;	/* 4 KiB aligned mailbox page or list */
	__le64	out_addr;
	__u8	data[16];
	__le32	syndrome;
	__u8	rsvd2[2];
	__u8	status;
	__u8	owner;
};
TULLE_SIZE(struct tulle_cmd_slot, 64);
TULLE_OFFSET(struct tulle_cmd_slot, owner, 63);

#define TULLE_CMD_OWNER_DRIVER	0
#define TULLE_CMD_OWNER_DEVICE	1
#define TULLE_CMD_PAGE_SIZE	4096
#define TULLE_CMD_LIST_MAX	512	/* pages in a list: 2 MiB */

/* Requests that only name an object, and answers to every create. */
struct tulle_handle_req {
	__le32	handle;
	__le32	rsvd;
};
TULLE_SIZE(struct tulle_handle_req, 8);

struct tulle_handle_rsp {
	__le32	handle;
	__le32	rsvd;
};
TULLE_SIZE(struct tulle_handle_rsp, 8);

/* Object types, for quotas and events. */
enum tulle_obj_type {
	TULLE_OBJ_UAR		= 0,
	TULLE_OBJ_PD		= 1,
	TULLE_OBJ_MKEY		= 2,
	TULLE_OBJ_EQ		= 3,
	TULLE_OBJ_CQ		= 4,
	TULLE_OBJ_SQ		= 5,
	TULLE_OBJ_RQ		= 6,
	TULLE_OBJ_RSS		= 7,
	TULLE_OBJ_TABLE		= 8,
	TULLE_OBJ_MASK		= 9,
	TULLE_OBJ_RULE		= 10,
	TULLE_OBJ_COUNTER	= 11,
	TULLE_OBJ_QP		= 12,
	TULLE_OBJ_SRQ		= 13,
	TULLE_OBJ_XRCD		= 14,
	TULLE_OBJ_QP_COUNTER	= 15,
	TULLE_OBJ_MCAST		= 16,	/* attachments; no handles */
	TULLE_OBJ_TYPES		= 32,	/* room in tulle_func_info */
};

struct tulle_caps {
	__le64	caps[TULLE_CAP_WORDS];
	__le16	max_msix;	/* vectors of this function */
	__le16	vport;		/* this function's own */
	__u8	port;		/* its physical port */
	__u8	addr_bits;	/* usable bits of a DMA address */
	__u8	log_max_eq_size;
	__u8	log_max_cq_size;
	__u8	log_max_sq_size;	/* in 64-byte blocks */
	__u8	log_max_rq_size;
	__u8	log_max_rq_wqe;	/* largest WQE, in bytes */
	__u8	log_max_rss;	/* indirection entries of one context */
	__u8	max_tx_sges;
	__u8	max_tx_blocks;
	__le16	max_tx_inline;
	__le32	max_tso_size;	/* bytes with headers */
	__le32	max_gro_size;	/* bytes with headers */
	__le16	min_mtu;
	__le16	max_mtu;
	__le16	max_rq_sges;
	__le16	max_tx_queues;	/* useful queue pairs */
	__le32	rss_fields;	/* TULLE_RSS_F_ */
	__le32	rss_types;	/* bit per enum tulle_rss_type */
	__u8	log_min_stride;	/* multi-packet RQs */
	__u8	log_max_stride;
	__u8	log_max_strides;
	__u8	max_actions;	/* of a rule */
	__le32	actions[3];	/* bit per enum tulle_action, by enum tulle_domain */
	__le32	max_rules_batch;
	__le32	max_moderation_usecs;
	__le32	max_moderation_frames;
	__u8	max_tables_depth;	/* goto levels */
	__u8	rsvd[155];
};
TULLE_SIZE(struct tulle_caps, 256);

struct tulle_device_info {
	char	board_id[32];
	char	serial[32];
	char	fw_version[32];
	char	fw_build[64];
	__u8	perm_mac[6];
	__u8	rsvd[90];
};
TULLE_SIZE(struct tulle_device_info, 256);

struct tulle_func_info {
	__le16	func;
	__le16	rsvd;
	__le32	rsvd1;
	struct {
		__le32	quota;
		__le32	used;
	} obj[TULLE_OBJ_TYPES];
	__le64	events;		/* raised so far */
	__le64	commands;	/* completed so far */
};
TULLE_SIZE(struct tulle_func_info, 280);

struct tulle_test_health {
	__le32	syndrome;	/* INJECTED or STALL */
	__le32	rsvd;
};
TULLE_SIZE(struct tulle_test_health, 8);

/* Sections 6 to 9, 10, 11 and 12 */
#include "tulle_hw_queue.h"
#include "tulle_hw_flow.h"
#include "tulle_hw_port.h"
#include "tulle_hw_rdma.h"

#endif /* TULLE_HW_H */
