/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Tulle device interface: the one description of what the device and its
 * drivers share. Driver, firmware, provider and tools include it unchanged;
 * Documentation/device.rst explains it in prose.
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
 *	4 KiB page); all of it 4 KiB aligned
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
 * Kick rule (SQ, RQ; RDMA QPs for both of their rings). The driver writes
 * WQEs, stores pi (release), executes a full fence, loads evt and rings the
 * doorbell if and only if
 *	(__u32)(pi - evt - 1) < (__u32)(pi - old_pi).
 * The device, while it polls the queue, keeps evt far away
 * (pi + 0x80000000); before it stops, it stores evt = pi, executes a full
 * fence and reads pi once more. An RQ keeps evt far away until it ran dry.
 *
 * Arm rule (CQ, EQ). The driver stores arm = sn << 2 | mode with an sn that
 * differs from the last (the first is not 0), executes a full fence, and polls the ring again. The
 * device writes an entry (release), executes a full fence, loads arm and
 * raises an event or interrupt at most once per sn. So either the event
 * comes or the poll finds the entry.
 */
struct tulle_dbr {
	__le32	pi;		/* SQ, RQ: producer index, in blocks or WQEs */
	__le32	rq_pi;		/* RDMA queue pairs: the RQ's */
	__le32	ci;		/* CQ, EQ: consumer index */
	__le32	arm;		/* CQ, EQ */
 #define TULLE_ARM_MODE			TULLE_BITS(1, 0)
 #define TULLE_ARM_SN			TULLE_BITS(31, 2)
	__u8	rsvd0[48];
	__le32	evt;		/* SQ, RQ: event index, see kick rule */
	__le32	rq_evt;
	__le32	ci_hint;	/* SQ, RQ: what the device has fetched; a hint */
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
#define TULLE_UAR_CQ		0x10	/* evaluate the arm word now (recovery) */
#define TULLE_UAR_EQ		0x18	/* likewise, for an EQ */
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
	TULLE_CAP_RESTORE	= 45,	/* create at a given handle, state included */
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

/*
 * 6. Event queue entries
 */
enum tulle_event {
	TULLE_EVENT_COMPLETION	= 0,	/* handle: the CQ; only on completion EQs */
	TULLE_EVENT_COMMAND	= 1,	/* data: le64 mask of slots */
	TULLE_EVENT_PORT	= 2,	/* data: port; link or module changed */
	TULLE_EVENT_VPORT	= 3,	/* handle: vport; address or state changed */
	TULLE_EVENT_QUEUE_ERROR	= 4,	/* handle, obj: SQ, RQ or CQ that stopped */
	TULLE_EVENT_HEALTH	= 5,	/* data: le32 syndrome */
	TULLE_EVENT_QP		= 6,	/* handle: the QP; data: enum tulle_qp_event */
	TULLE_EVENT_SRQ		= 7,	/* handle: the SRQ; data: enum tulle_srq_event */
};

/* Equal events of one object that were not delivered yet are one event. */
enum tulle_qp_event {
	TULLE_QP_EVENT_FATAL	= 0,	/* broken by the device: now in ERR */
	TULLE_QP_EVENT_REQ_ERR	= 1,	/* responder: invalid request, now in ERR */
	TULLE_QP_EVENT_ACCESS_ERR = 2,	/* responder: access violation, now in ERR */
	TULLE_QP_EVENT_COMM_EST	= 3,	/* first packet while in RTR */
	TULLE_QP_EVENT_SQ_DRAINED = 4,	/* in SQD, asked for by SQD_EVENT */
	TULLE_QP_EVENT_LAST_WQE	= 5,	/* of an SRQ that an ERR QP will take */
	TULLE_QP_EVENTS		= 6,
};

enum tulle_srq_event {
	TULLE_SRQ_EVENT_LIMIT	= 0,	/* fewer WQEs than the limit; disarmed now */
	TULLE_SRQ_EVENT_ERROR	= 1,	/* its ring holds nonsense: no more receives */
	TULLE_SRQ_EVENTS	= 2,
};

struct tulle_eqe {
	__u8	type;
	__u8	obj;		/* enum tulle_obj_type */
	__le16	func;
	__le32	handle;
	union {
		__le64	slots;
		__le32	syndrome;
		__le32	port;
		__le32	code;
	};
	__u8	rsvd[15];
	__u8	owner;
};
TULLE_SIZE(struct tulle_eqe, 32);
TULLE_OFFSET(struct tulle_eqe, owner, 31);

/*
 * 7. Completion queue entries. 32 bytes, or 64 with an extension in front, so
 * that the common tail is always the last 16 bytes.
 */
enum tulle_cqe_op {
	TULLE_CQE_TX		= 0,	/* struct tulle_tx_cqe */
	TULLE_CQE_RX		= 1,	/* struct tulle_rx_cqe */
	TULLE_CQE_TX_ERR	= 2,	/* the SQ stopped at this WQE */
	TULLE_CQE_RX_ERR	= 3,	/* the RQ stopped at this WQE */
	/* struct tulle_rdma_cqe: what the WQE asked for, or a receive */
	TULLE_CQE_SEND		= 16,
	TULLE_CQE_WRITE		= 17,
	TULLE_CQE_READ		= 18,
	TULLE_CQE_CMP_SWAP	= 19,
	TULLE_CQE_FETCH_ADD	= 20,
	TULLE_CQE_LOCAL_INV	= 21,
	TULLE_CQE_REG_MR	= 22,
	TULLE_CQE_BIND_MW	= 23,
	TULLE_CQE_ATOMIC_WRITE	= 24,
	TULLE_CQE_FLUSH		= 25,
	TULLE_CQE_RECV		= 32,	/* a SEND arrived */
	TULLE_CQE_RECV_WRITE	= 33,	/* a WRITE with immediate arrived */
};

/* Is it a completion of the RQ or SRQ? */
#define TULLE_CQE_IS_RECV(op)	((op) & 32)

enum tulle_cqe_status {
	TULLE_CQE_OK		= 0,
	TULLE_CQE_BAD_WQE	= 1,	/* WQE malformed; syndrome: byte offset */
	TULLE_CQE_BAD_KEY	= 2,	/* an SGE's key does not cover it */
	TULLE_CQE_DMA		= 3,	/* memory not reachable */
	TULLE_CQE_FLUSHED	= 4,	/* behind an error */
};

#define TULLE_CQE_QN		TULLE_BITS(23, 0)	/* index of the queue's handle */
#define TULLE_CQE_OP		TULLE_BITS(31, 24)	/* enum tulle_cqe_op */

struct tulle_tx_cqe {
	__le64	timestamp;	/* when the last frame left; device clock */
	__le32	ci;		/* SQ index just behind the last completed WQE */
	__le32	rsvd0;
	__le32	qn_op;
	__le16	rsvd1;
	__u8	status;
	__u8	syndrome;
	__u8	rsvd2[7];
	__u8	owner;
};
TULLE_SIZE(struct tulle_tx_cqe, 32);
TULLE_OFFSET(struct tulle_tx_cqe, owner, 31);

/*
 * struct tulle_rx_cqe: one received packet, or HW-GRO aggregate
 * timestamp: when its (first) frame arrived, device clock
 * flow_tag: of the last MARK action, 0 = none
 * hash: RSS hash
 * hash_type: enum tulle_rss_type + 1, 0 = not hashed
 * vport: where it came from
 * vlan: stripped tags, outer first, valid per @flags
 * csum: ones' complement sum of everything behind the 14-byte Ethernet
 *	header as it lies in the buffers (no FCS), as a 16-bit word of the wire
 * gro_segs: segments in the aggregate, 0 or 1 = not one
 * gro_size: payload bytes of each segment but the last
 * byte_len: bytes written to buffers, header included
 * wqe: RQ index of the (first) WQE
 * stride: first stride in it (multi-packet)
 * count: strides used (multi-packet), or WQEs used (others), all consecutive;
 *	0 = 1. The TCP checksum of an aggregate means nothing
 * hdr_len: bytes in the header buffer, 0 = not split
 * flags: TULLE_RX_F_
 * types: L3 and L4 as the device saw them (innermost)
 */
struct tulle_rx_cqe {
	__le64	timestamp;
	__le32	flow_tag;
	__le32	hash;
	__u8	hash_type;
	__u8	rsvd0;
	__le16	vport;
	__le16	vlan[2];
	__be16	csum;
	__le16	gro_segs;
	__le16	gro_size;
	__le16	rsvd1;

	__le32	byte_len;
	__le32	wqe;
	__le16	stride;
	__le16	count;
	__le16	hdr_len;
	__le16	flags;
 #define TULLE_RX_F_L3_OK		0x0001	/* IPv4 header checksum good */
 #define TULLE_RX_F_L3_BAD		0x0002
 #define TULLE_RX_F_L4_OK		0x0004	/* TCP or UDP checksum good */
 #define TULLE_RX_F_L4_BAD		0x0008
 #define TULLE_RX_F_CSUM			0x0010	/* csum is valid */
 #define TULLE_RX_F_VLAN0		0x0020	/* vlan[0] was stripped */
 #define TULLE_RX_F_VLAN0_STAG		0x0040	/*   and was 802.1ad */
 #define TULLE_RX_F_VLAN1		0x0080	/* vlan[1] was stripped (802.1Q) */
 #define TULLE_RX_F_DONE			0x0100	/* multi-packet: WQE is used up */
 #define TULLE_RX_F_GRO			0x0200	/* an aggregate */
 #define TULLE_RX_F_FCS			0x0400	/* the last 4 bytes are the FCS */
 #define TULLE_RX_F_FILLER		0x0800	/* no packet: only DONE */
 #define TULLE_RX_F_ECN_CE		0x1000	/* arrived with CE */
	__le32	qn_op;
	__le16	rsvd2;
	__u8	status;
	__u8	syndrome;
	__u8	types;
 #define TULLE_RX_L3			TULLE_BITS(1, 0)	/* enum tulle_l3 */
 #define TULLE_RX_L4			TULLE_BITS(4, 2)	/* enum tulle_l4 */
 #define TULLE_RX_FRAG			TULLE_BIT(5)
	__u8	rsvd3[6];
	__u8	owner;
};
TULLE_SIZE(struct tulle_rx_cqe, 64);
TULLE_OFFSET(struct tulle_rx_cqe, byte_len, 32);
TULLE_OFFSET(struct tulle_rx_cqe, qn_op, 48);
TULLE_OFFSET(struct tulle_rx_cqe, owner, 63);

/* Status of a struct tulle_rdma_cqe: the numbers of enum ib_wc_status. */
enum tulle_wc_status {
	TULLE_WC_SUCCESS	= 0,
	TULLE_WC_LOC_LEN	= 1,
	TULLE_WC_LOC_QP_OP	= 2,
	TULLE_WC_LOC_PROT	= 4,
	TULLE_WC_WR_FLUSH	= 5,
	TULLE_WC_MW_BIND	= 6,
	TULLE_WC_BAD_RESP	= 7,
	TULLE_WC_LOC_ACCESS	= 8,
	TULLE_WC_REM_INV_REQ	= 9,
	TULLE_WC_REM_ACCESS	= 10,
	TULLE_WC_REM_OP		= 11,
	TULLE_WC_RETRY_EXC	= 12,
	TULLE_WC_RNR_RETRY_EXC	= 13,
	TULLE_WC_REM_ABORT	= 16,
	TULLE_WC_FATAL		= 19,
	TULLE_WC_GENERAL	= 21,
};

/*
 * struct tulle_rdma_cqe: one completed work request of a queue pair
 * wr_id: of the WQE. A driver that cannot trust the device looks it up by
 *	@wqe instead, or checks it
 * byte_len: RECV: bytes received (UD: with the 40-byte GRH area); READ and
 *	atomics: bytes that came back
 * imm: RECV: immediate data as it travelled, or (F_INV) the invalidated
 *	R_Key, little-endian
 * qn_op: QP number, and enum tulle_cqe_op; of an error as well
 * wqe: low bits of the index just behind the WQE (SQ: blocks), so that the
 *	consumer index moves past unsignalled ones; of an SRQ: of the WQE itself
 * status: enum tulle_wc_status; when not SUCCESS only @wr_id, @qn_op, @wqe and
 *	@syndrome mean something
 * syndrome: detail for logs: byte offset in the WQE, or the AETH syndrome
 * src_flags: UD, GSI, RAW: who sent it; XRC_TGT: index of the SRQ's handle; and
 *	TULLE_WC_F_
 * pkey_vlan: UD, GSI with F_VLAN: TCI of the tag; else P_Key index
 */
struct tulle_rdma_cqe {
	__le64	wr_id;
	__le32	byte_len;
	__be32	imm;
	__le32	qn_op;
	__le16	wqe;
	__u8	status;
	__u8	syndrome;
	__le32	src_flags;
 #define TULLE_WC_SRC_QP			TULLE_BITS(23, 0)
 #define TULLE_WC_F_GRH			TULLE_BIT(24)
 #define TULLE_WC_F_IMM			TULLE_BIT(25)
 #define TULLE_WC_F_INV			TULLE_BIT(26)
 #define TULLE_WC_F_IPV4			TULLE_BIT(27)	/* GRH: an IPv4 header in its last 20 bytes */
 #define TULLE_WC_F_VLAN			TULLE_BIT(28)
 #define TULLE_WC_F_CSUM			TULLE_BIT(29)	/* RAW: L3 and L4 checksums are good */
 #define TULLE_WC_F_SOLICITED		TULLE_BIT(30)
	__le16	pkey_vlan;
	__u8	sl;		/* UD, GSI */
	__u8	owner;
};
TULLE_SIZE(struct tulle_rdma_cqe, 32);
TULLE_OFFSET(struct tulle_rdma_cqe, qn_op, 16);
TULLE_OFFSET(struct tulle_rdma_cqe, status, 22);
TULLE_OFFSET(struct tulle_rdma_cqe, owner, 31);

/* What precedes it in a CQ with entries of 64 bytes. */
struct tulle_rdma_cqe_ext {
	__le64	timestamp;	/* device clock */
	__u8	smac[6];	/* UD, GSI, RAW */
	__u8	rsvd[18];
};
TULLE_SIZE(struct tulle_rdma_cqe_ext, 32);

enum tulle_l3 {
	TULLE_L3_NONE		= 0,
	TULLE_L3_IPV4		= 1,
	TULLE_L3_IPV6		= 2,
};

enum tulle_l4 {
	TULLE_L4_NONE		= 0,
	TULLE_L4_TCP		= 1,
	TULLE_L4_UDP		= 2,
	TULLE_L4_ICMP		= 3,
	TULLE_L4_OTHER		= 4,
};

/*
 * 8. Work queue entries
 *
 * A send WQE is 1..16 blocks of 64 bytes and does not wrap: the driver fills
 * the rest of the ring with one NOP WQE. It is a control segment, then for
 * Ethernet a tulle_eth_seg, then in_len bytes of inline data padded to 16,
 * then SGEs. The frame is the inline data followed by what the SGEs name.
 */
enum tulle_wqe_op {
	TULLE_WQE_NOP		= 0,	/* control segment only */
	TULLE_WQE_ETH		= 1,
	/* queue pairs */
	TULLE_WQE_SEND		= 16,
	TULLE_WQE_SEND_IMM	= 17,
	TULLE_WQE_SEND_INV	= 18,	/* imm: R_Key */
	TULLE_WQE_WRITE		= 19,
	TULLE_WQE_WRITE_IMM	= 20,
	TULLE_WQE_READ		= 21,
	TULLE_WQE_CMP_SWAP	= 22,
	TULLE_WQE_FETCH_ADD	= 23,
	TULLE_WQE_LOCAL_INV	= 24,	/* imm: key */
	TULLE_WQE_REG_MR	= 25,
	TULLE_WQE_BIND_MW	= 26,
	TULLE_WQE_ATOMIC_WRITE	= 27,
	TULLE_WQE_FLUSH		= 28,	/* total_len: of the range */
};

struct tulle_wqe_ctrl {
	__u8	op;
	__u8	flags;
 #define TULLE_WQE_F_CQE			0x01	/* report completion */
 #define TULLE_WQE_F_LAUNCH		0x02	/* launch time segment; rsvd */
 #define TULLE_WQE_F_SOLICITED		0x04	/* QP: event at the receiver */
 #define TULLE_WQE_F_FENCE		0x08	/* QP: READs and atomics before are done */
 #define TULLE_WQE_F_INLINE		0x10	/* QP: inl_len bytes instead of SGEs */
	__u8	nblocks;	/* 1..16 */
	__u8	nsge;
	__le16	inl_len;
	__le16	index;		/* low bits of the SQ index of the first block */
	__le32	imm;		/* QP: immediate (wire order) or key; 0 */
	__le32	total_len;	/* bytes of the frame or message, inline included */
};
TULLE_SIZE(struct tulle_wqe_ctrl, 16);

/*
 * struct tulle_eth_seg: what to do with a frame on its way out
 * csum_start: CSUM: first byte that is summed, behind the Ethernet header (14)
 * csum_offset: CSUM: where the sum goes, counted from @csum_start; the field
 *	holds the pseudo header's sum
 * mss: TSO, USO: payload bytes of a segment, at least TULLE_MSS_MIN
 * hdr_len: TSO, USO: bytes of headers that every segment carries, at most
 *	TULLE_GSO_HDR_MAX
 * outer_l3: TSO in a tunnel: offset of the outer IP header, 0 = no tunnel
 * outer_l4: likewise, outer UDP header, 0 = none
 * l3: TSO, USO: offset of the (inner) IP header
 * l4: TSO, USO: offset of the (inner) TCP or UDP header
 * vlan: tags to insert behind the MAC addresses, outer first
 * flags: TULLE_ETH_F_
 * crypto: handle of a crypto key; 0
 * meta: value of the metadata register that Tx steering sees; 0
 *
 * All offsets count from the first byte of the frame, without @vlan tags.
 * With TSO the IPv4 total length or IPv6 payload length may be 0 (BIG TCP)
 * and checksums are computed for every segment, whatever their fields hold.
 * A segment, or a frame without TSO and USO, has at most TULLE_FRAME_MAX bytes
 * (tags and FCS excluded), whatever the MTU; one WQE makes at most 65535
 * segments.
 */
#define TULLE_MSS_MIN		8
#define TULLE_GSO_HDR_MAX	256
#define TULLE_FRAME_MAX		16384

struct tulle_eth_seg {
	__le16	csum_start;
	__le16	csum_offset;
	__le16	mss;
	__le16	hdr_len;
	__le16	outer_l3;
	__le16	outer_l4;
	__le16	l3;
	__le16	l4;
	__le16	vlan[2];
	__le16	flags;
 #define TULLE_ETH_F_CSUM		0x0001
 #define TULLE_ETH_F_TSO			0x0002
 #define TULLE_ETH_F_USO			0x0004
 #define TULLE_ETH_F_VLAN0		0x0008
 #define TULLE_ETH_F_VLAN0_STAG		0x0010	/* 802.1ad */
 #define TULLE_ETH_F_VLAN1		0x0020	/* needs VLAN0 */
	__le16	rsvd;
	__le32	crypto;
	__le32	meta;
};
TULLE_SIZE(struct tulle_eth_seg, 32);

/*
 * A memory key as work requests and the wire name it: the L_Key or R_Key. The
 * tag starts as the generation of the key's handle; REG_MR and BIND_MW give a
 * new one. TULLE_KEY(handle) is the key of a handle.
 */
#define TULLE_KEY_TAG		TULLE_BITS(7, 0)
#define TULLE_KEY_INDEX		TULLE_BITS(31, 8)
#define TULLE_KEY(handle)	(((__u32)(handle) << 8) | ((__u32)(handle) >> 24))

struct tulle_sge {
	__le64	addr;
	__le32	len;
	__le32	key;		/* SQ, RQ: handle of a memory key; QP, SRQ: the key */
};
TULLE_SIZE(struct tulle_sge, 16);

struct tulle_eth_wqe {
	struct tulle_wqe_ctrl	ctrl;
	struct tulle_eth_seg	eth;
	struct tulle_sge	sge[];
};
TULLE_SIZE(struct tulle_eth_wqe, 48);

/*
 * WQEs of a queue pair: tulle_qp_wqe, then by operation
 *	XRC_INI		tulle_xrc_seg, before any of the following; not with
 *			LOCAL_INV, REG_MR and BIND_MW, which send nothing
 *	SEND*		UD, GSI: tulle_ud_seg; RAW: the SGEs are a whole frame
 *	WRITE*, READ	tulle_rdma_seg
 *	ATOMIC_WRITE	tulle_rdma_seg; 8 bytes, inline
 *	CMP_SWAP, FETCH_ADD	tulle_atomic_seg; one SGE takes the old value
 *	FLUSH		tulle_rdma_seg, no SGE
 *	REG_MR		tulle_reg_mr_seg, no SGE
 *	BIND_MW		tulle_bind_mw_seg, no SGE
 * then inl_len bytes (F_INLINE: SEND, WRITE, ATOMIC_WRITE) or nsge SGEs.
 * total_len is the sum of both but for FLUSH, at most 2^31; a READ has at
 * most max_sq_sges SGEs like all others.
 */
struct tulle_qp_wqe {
	struct tulle_wqe_ctrl	ctrl;
	__le64	wr_id;		/* echoed */
};
TULLE_SIZE(struct tulle_qp_wqe, 24);

struct tulle_xrc_seg {
	__le32	srq;		/* index of the remote XRC SRQ's handle */
	__le32	rsvd;
};
TULLE_SIZE(struct tulle_xrc_seg, 8);

struct tulle_rdma_seg {
	__le64	addr;
	__le32	key;
	__le32	flush;
 #define TULLE_FLUSH_TYPE		TULLE_BITS(3, 0)	/* 1 global, 2 persistent */
 #define TULLE_FLUSH_LEVEL		TULLE_BITS(5, 4)	/* 0 range, 1 whole MR */
};
TULLE_SIZE(struct tulle_rdma_seg, 16);

struct tulle_atomic_seg {
	__le64	addr;		/* a multiple of 8 */
	__le32	key;
	__le32	rsvd;
	__le64	swap_add;
	__le64	compare;
};
TULLE_SIZE(struct tulle_atomic_seg, 32);

/*
 * struct tulle_av: an address vector, of RC and UC QPs (in their attributes)
 * and of every UD datagram
 * vlan: TCI with priority, when F_VLAN is set
 * sgid: index in the function's GID table: source address and its kind
 */
struct tulle_av {
	__u8	dgid[16];	/* IPv4: ::ffff:a.b.c.d */
	__u8	dmac[6];
	__le16	vlan;
	__le32	flow;
 #define TULLE_AV_FLOW_LABEL		TULLE_BITS(19, 0)	/* also the UDP source port's seed */
 #define TULLE_AV_F_VLAN		TULLE_BIT(31)
	__le16	sgid;
	__u8	hop_limit;
	__u8	tclass;
};
TULLE_SIZE(struct tulle_av, 32);

struct tulle_ud_seg {
	__le32	qpn;
	__le32	qkey;		/* highest bit set: the QP's own */
	struct tulle_av av;
};
TULLE_SIZE(struct tulle_ud_seg, 40);

/*
 * Fast registration of a key of type FRWR: it becomes valid for @len bytes at
 * @iova, in pages that a list names. The first byte lies at the same offset in
 * its page as @iova.
 */
struct tulle_reg_mr_seg {
	__le32	key;		/* with the new tag */
	__le32	npages;
	__le64	iova;
	__le64	len;
	__le64	pages;		/* le64 array: page addresses, contiguous, bus address */
	__u8	access;		/* TULLE_MKEY_ */
	__u8	log_page_size;
	__u8	rsvd[6];
};
TULLE_SIZE(struct tulle_reg_mr_seg, 40);

/* len 0 unbinds a window of type 1. */
struct tulle_bind_mw_seg {
	__le32	mw;		/* key of the window, with the new tag */
	__le32	mr;		/* key of the region */
	__le64	iova;
	__le64	len;
	__u8	access;
	__u8	rsvd[7];
};
TULLE_SIZE(struct tulle_bind_mw_seg, 32);

#define TULLE_SQ_BLOCK		64
#define TULLE_SQ_MAX_BLOCKS	16
#define TULLE_GRH_LEN		40	/* UD, GSI: what precedes a datagram in memory */

/*
 * A receive WQE: 1 << log_wqe_size bytes (32..256).
 * Plain: SGEs in order are one buffer. Header split: sge[0] takes the header,
 * sge[1] the payload. Multi-packet: sge[0] is strides, filled one packet
 * after the other.
 */
struct tulle_rq_wqe {
	__le64	wr_id;		/* RDMA user queues; 0 */
	__u8	nsge;
	__u8	rsvd[7];
	struct tulle_sge	sge[];
};
TULLE_SIZE(struct tulle_rq_wqe, 16);

/*
 * 9. Contexts: what CREATE takes and QUERY gives. With TULLE_CAP_RESTORE a
 * create whose handle is not 0 makes the object there, with the indices given;
 * otherwise handle and the members marked (state) are 0 in a create.
 */

struct tulle_pd_ctx {
	__le32	handle;
	__le32	rsvd;
};
TULLE_SIZE(struct tulle_pd_ctx, 8);

enum tulle_mkey_type {
	TULLE_MKEY_DMA		= 1,	/* every address of the function's bus */
	TULLE_MKEY_MR		= 2,	/* memory region: pages given at create */
	TULLE_MKEY_FRWR		= 3,	/* likewise, pages given by REG_MR */
	TULLE_MKEY_MW1		= 4,	/* memory window, bound by BIND_MW */
	TULLE_MKEY_MW2		= 5,	/* type 2B: belongs to the QP that bound it */
};

enum tulle_mkey_state {
	TULLE_MKEY_VALID	= 0,
	TULLE_MKEY_FREE		= 1,	/* FRWR, MW: not registered or invalidated */
	TULLE_MKEY_REVOKED	= 2,	/* by MODIFY_MKEY; its memory is gone */
};

/*
 * struct tulle_mkey_ctx: memory key
 * pd: 0 for DMA with F_KERNEL
 * access: what it permits; MW: set by BIND_MW
 * state: (state) enum tulle_mkey_state
 * tag: (state) low bits of the key
 * iova: MR: address that work requests use for the first byte; 0 for DMA
 * len: MR: bytes; FRWR: most bytes (state: of the registration); 0 for DMA, MW
 * pages: MR: where the memory lies; levels 1 and 2 as for rings, pages of any
 *	log_page_size that QUERY_RDMA_CAPS names. 0 for others
 * max_pages: FRWR: most entries of a list
 * bound: (state) FRWR, MR: windows bound to it
 */
struct tulle_mkey_ctx {
	__le32	handle;
	__le32	pd;
	__u8	type;
	__u8	access;
 #define TULLE_MKEY_LOCAL_READ		0x01
 #define TULLE_MKEY_LOCAL_WRITE		0x02
 #define TULLE_MKEY_REMOTE_READ		0x04
 #define TULLE_MKEY_REMOTE_WRITE	0x08
 #define TULLE_MKEY_REMOTE_ATOMIC	0x10
 #define TULLE_MKEY_MW_BIND		0x20
 #define TULLE_MKEY_ZERO_BASED		0x40	/* addresses count from 0 */
 #define TULLE_MKEY_FLUSH		0x80
	__u8	flags;
 #define TULLE_MKEY_F_KERNEL		0x01	/* DMA: any PD, for QPs with F_KERNEL only */
	__u8	state;
	__u8	tag;
	__u8	rsvd0[3];
	__le64	iova;
	__le64	len;
	struct tulle_page_list pages;
	__le32	max_pages;
	__le32	bound;
};
TULLE_SIZE(struct tulle_mkey_ctx, 64);

/*
 * Changes a key of type MR at once, between two work requests: when the
 * command is done the old memory is not used any more.
 */
struct tulle_modify_mkey {
	__le32	mask;
 #define TULLE_MKEY_MOD_PD		0x01
 #define TULLE_MKEY_MOD_ACCESS		0x02
 #define TULLE_MKEY_MOD_PAGES		0x04	/* iova, len, pages; VALID again */
 #define TULLE_MKEY_MOD_REVOKE		0x08	/* REVOKED until new pages come */
	__le32	rsvd;
	struct tulle_mkey_ctx ctx;
};
TULLE_SIZE(struct tulle_modify_mkey, 72);

struct tulle_eq_ctx {
	__le32	handle;
	__le16	vector;
	__le16	uar;
	struct tulle_page_list pages;
	__le64	dbr;		/* address of a struct tulle_dbr, 128-byte aligned */
	__u8	log_size;
	__u8	flags;
 #define TULLE_EQ_F_ASYNC		0x01	/* EQ0: commands and asynchronous events */
	__u8	rsvd0[2];
	__le32	pi;		/* (state) */
	__le32	fired_sn;	/* (state) */
	__u8	rsvd1[12];
};
TULLE_SIZE(struct tulle_eq_ctx, 64);

struct tulle_cq_ctx {
	__le32	handle;
	__le32	eq;
	struct tulle_page_list pages;
	__le64	dbr;
	__u8	log_size;
	__u8	log_cqe_size;	/* 5 or 6 */
	__le16	uar;
	__le16	mod_frames;	/* raise an event after so many CQEs, */
	__le16	mod_usecs;	/*   or when the last one is so long ago */
	__u8	flags;
 #define TULLE_CQ_F_MOD_CQE		0x01	/* mod_usecs count from the latest CQE */
	__u8	state;		/* (state) enum tulle_queue_state */
	__u8	rsvd0[2];
	__le32	pi;		/* (state) */
	__le32	fired_sn;	/* (state) */
	__u8	rsvd1[4];
};
TULLE_SIZE(struct tulle_cq_ctx, 64);

struct tulle_modify_cq {
	__le32	handle;
	__le16	mod_frames;
	__le16	mod_usecs;
	__u8	flags;
	__u8	rsvd[7];
};
TULLE_SIZE(struct tulle_modify_cq, 16);

/*
 * Another ring for a CQ. CQEs that were not consumed (those from the record's
 * ci on) are copied to where their indices lie in the new one, which must
 * have room for them. The driver does not consume meanwhile.
 */
struct tulle_resize_cq {
	__le32	handle;
	__u8	log_size;
	__u8	rsvd[3];
	struct tulle_page_list pages;
};
TULLE_SIZE(struct tulle_resize_cq, 32);

enum tulle_queue_state {
	TULLE_QUEUE_READY	= 0,
	TULLE_QUEUE_STOPPED	= 1,	/* holds no ring */
	TULLE_QUEUE_ERROR	= 2,	/* stopped by the device */
};

struct tulle_sq_ctx {
	__le32	handle;
	__le32	cq;
	struct tulle_page_list pages;
	__le64	dbr;
	__u8	log_size;	/* in blocks */
	__u8	state;		/* (state) */
	__le16	uar;
	__le16	vport;
	__le16	flags;
 #define TULLE_SQ_F_TIMESTAMP		0x0001
	__le32	ci;		/* (state) */
	__le32	rsvd0;
	__le64	packets;	/* (state) frames sent, segments counted */
	__le64	bytes;		/* (state) without FCS */
	__le64	errors;		/* (state) WQEs refused */
	__le64	drops;		/* (state) frames the steering dropped */
	__u8	rsvd1[40];
};
TULLE_SIZE(struct tulle_sq_ctx, 128);

enum tulle_rq_type {
	TULLE_RQ_PLAIN		= 0,
	TULLE_RQ_MULTI		= 1,
	TULLE_RQ_SPLIT		= 2,
};

/*
 * struct tulle_rq_ctx: receive queue
 * type: enum tulle_rq_type
 * log_stride: MULTI: log2 of a stride's bytes
 * log_strides: MULTI: log2 of the strides in a WQE's buffer
 * split_thresh: SPLIT: packets of at most so many bytes go whole to the
 *	header buffer when they fit
 * flags: TULLE_RQ_F_
 * gro_max: GRO: largest aggregate, headers included
 * gro_usecs: GRO: an aggregate is delivered at the latest after this time,
 *	and earlier when the device has no more packets at hand
 *
 * A packet longer than a PLAIN or SPLIT WQE's buffer continues in the next
 * WQE (SPLIT: in its payload buffer) when TULLE_RQ_F_CHAIN is set, and is
 * dropped and counted otherwise. In a MULTI queue a packet that does not fit
 * in the remaining strides starts in the next WQE, and continues in further
 * ones, at their first stride, when it is longer than a whole one.
 * A queue may be created STOPPED, with no ring and no CQ (those members 0);
 * MODIFY_RQ gives it one.
 */
struct tulle_rq_ctx {
	__le32	handle;
	__le32	cq;
	struct tulle_page_list pages;
	__le64	dbr;
	__u8	log_size;	/* in WQEs */
	__u8	log_wqe_size;
	__u8	type;
	__u8	state;		/* (state) */
	__le16	uar;
	__le16	vport;
	__u8	log_stride;
	__u8	log_strides;
	__le16	split_thresh;
	__le32	flags;
 #define TULLE_RQ_F_VLAN_STRIP		0x0001	/* the outer 802.1Q tag */
 #define TULLE_RQ_F_STAG_STRIP		0x0002	/* the outer 802.1ad tag, and an 802.1Q tag in it */
 #define TULLE_RQ_F_FCS			0x0004	/* keep the FCS */
 #define TULLE_RQ_F_CHAIN		0x0008
 #define TULLE_RQ_F_GRO			0x0010
 #define TULLE_RQ_F_TIMESTAMP		0x0020
 #define TULLE_RQ_F_CSUM_COMPLETE	0x0040
	__le32	gro_max;
	__le16	gro_usecs;
	__le16	rsvd0;
	__le32	ci;		/* (state) next WQE */
	__le32	stride;		/* (state) next stride */
	__le64	packets;	/* (state) frames, before aggregation */
	__le64	bytes;		/* (state) without FCS */
	__le64	drops_dry;	/* (state) no buffer */
	__le64	drops_big;	/* (state) buffer too small */
	__le64	drops_stopped;	/* (state) not READY */
	__u8	rsvd1[16];
};
TULLE_SIZE(struct tulle_rq_ctx, 128);

/* Swaps ring, CQ, type and flags of a queue at once, between two packets. */
struct tulle_modify_rq {
	__le32	mask;
 #define TULLE_RQ_MOD_STATE		0x01	/* ctx.state: READY or STOPPED */
 #define TULLE_RQ_MOD_RING		0x02	/* all but vport and flags; makes it READY */
 #define TULLE_RQ_MOD_FLAGS		0x04	/* flags, gro_max, gro_usecs, split_thresh */
	__le32	rsvd;
	struct tulle_rq_ctx ctx;
};
TULLE_SIZE(struct tulle_modify_rq, 136);

enum tulle_rss_type {
	TULLE_RSS_TCP4		= 0,
	TULLE_RSS_UDP4		= 1,
	TULLE_RSS_IP4		= 2,	/* anything else in IPv4 */
	TULLE_RSS_TCP6		= 3,
	TULLE_RSS_UDP6		= 4,
	TULLE_RSS_IP6		= 5,
	TULLE_RSS_TYPES		= 8,	/* room */
};

#define TULLE_RSS_F_L3_SRC	0x01
#define TULLE_RSS_F_L3_DST	0x02
#define TULLE_RSS_F_L4_SRC	0x04	/* TCP and UDP types only */
#define TULLE_RSS_F_L4_DST	0x08
#define TULLE_RSS_F_IP6_FL	0x10	/* IPv6 types only; hashed behind the ports */

enum tulle_rss_sym {
	TULLE_RSS_SYM_NONE	= 0,
	TULLE_RSS_SYM_XOR	= 1,	/* src ^ dst replaces both */
	TULLE_RSS_SYM_OR_XOR	= 2,	/* (src | dst, src ^ dst) replace (src, dst) */
};

#define TULLE_RSS_KEY_LEN	52

/*
 * Toeplitz over {L3 src, L3 dst, L4 src, L4 dst, flow label}, as far as the
 * type's fields say, in wire order. A packet whose type has no fields goes
 * to the table's first queue and carries no hash.
 */
struct tulle_rss_ctx {
	__le32	handle;
	__le16	vport;
	__u8	log_size;	/* entries of the table */
	__u8	sym;
	__u8	fields[TULLE_RSS_TYPES];	/* TULLE_RSS_F_, by enum tulle_rss_type */
	__u8	key[TULLE_RSS_KEY_LEN];
	__u8	rsvd[60];
};
TULLE_SIZE(struct tulle_rss_ctx, 128);

/* What CREATE takes and QUERY gives. */
struct tulle_rss {
	struct tulle_rss_ctx ctx;
	__le32	rq[];		/* 1 << ctx.log_size handles */
};
TULLE_SIZE(struct tulle_rss, 128);

struct tulle_modify_rss {
	__le32	mask;
 #define TULLE_RSS_MOD_KEY		0x01	/* key and sym */
 #define TULLE_RSS_MOD_FIELDS		0x02
 #define TULLE_RSS_MOD_TABLE		0x04	/* log_size and rq[] */
	__le32	rsvd;
	struct tulle_rss_ctx ctx;
	__le32	rq[];
};
TULLE_SIZE(struct tulle_modify_rss, 136);

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
 #define TULLE_PORT_MOD_LINK		0x02	/* autoneg, advertised; or autoneg 0 and one mode */
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
	__le64	rx_fifo_drops;		/* no room before steering */
	__le64	rx_steer_drops;		/* no rule wanted it */
	__le64	tx_backend_drops;	/* the wire did not take it */
	__le64	fec_corrected_blocks;
	__le64	fec_uncorrectable_blocks;
	__le64	fec_corrected_bits;
	__le64	fec_hist[TULLE_FEC_BINS];	/* blocks with so many symbol errors */
	__le64	rsvd[18];
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

/*
 * 12. RDMA
 *
 * RoCEv2. A packet that reaches a vport is RDMA's when it is UDP to port
 * TULLE_ROCE_PORT, its destination address is in the function's GID table and
 * its destination MAC address is that entry's, or a multicast one; all others
 * go on to the Rx root table. QPs are named on the wire by the index of their
 * handle; indices 0 and 1 are not given out, the GSI QP is 1 there.
 */
#define TULLE_ROCE_PORT		4791
#define TULLE_QPN_GSI		1
#define TULLE_QPN_MCAST		0xffffff
#define TULLE_PKEY_DEFAULT	0xffff	/* the only one */

/* Every limit is of one object, except where it says otherwise. */
struct tulle_rdma_caps {
	__le64	node_guid;	/* made from the permanent address; big-endian bytes */
	__le64	page_sizes;	/* of keys: bit n = pages of 1 << n bytes */
	__le64	max_mr_size;
	__le32	max_mr_pages;
	__le32	max_frwr_pages;
	__u8	log_max_qp_sq;	/* blocks */
	__u8	log_max_qp_rq;	/* WQEs; SRQs as well */
	__u8	log_max_rq_wqe;	/* bytes */
	__u8	max_sq_sges;
	__u8	max_rq_sges;
	__u8	max_blocks;	/* of a send WQE */
	__le16	max_inline;
	__u8	max_rd_atomic;	/* outstanding as requester */
	__u8	max_dest_rd_atomic;	/* as responder */
	__u8	min_mtu;	/* log2: 8..12 */
	__u8	max_mtu;
	__le16	max_gids;
	__le16	max_mcast_qps;	/* QPs in one group */
	__le32	max_mcast_groups;	/* of the device */
	__le32	ops[2];		/* bit per enum tulle_wqe_op */
	__u8	rsvd[196];
};
TULLE_SIZE(struct tulle_rdma_caps, 256);

/* Of the function since its reset, or of the QPs bound to a counter. */
struct tulle_rdma_stats {
	__le64	tx_packets;
	__le64	tx_bytes;	/* IP packets, whole */
	__le64	rx_packets;
	__le64	rx_bytes;
	__le64	tx_messages;	/* requests begun */
	__le64	rx_messages;	/* requests executed for others */
	__le64	loopback_messages;	/* of both, without packets */
	__le64	tx_acks;
	__le64	rx_acks;
	__le64	tx_naks_seq;
	__le64	rx_naks_seq;
	__le64	tx_naks_rnr;
	__le64	rx_naks_rnr;
	__le64	tx_naks_error;	/* invalid request, access, operational */
	__le64	rx_naks_error;
	__le64	retransmits;	/* packets sent again */
	__le64	timeouts;
	__le64	retry_exceeded;
	__le64	rnr_retry_exceeded;
	__le64	duplicates;	/* requests seen again */
	__le64	out_of_sequence;
	__le64	implied_naks;
	__le64	icrc_errors;
	__le64	malformed;	/* headers or lengths that cannot be */
	__le64	no_qp;		/* QP absent, of another type or state */
	__le64	bad_key;	/* P_Key or Q_Key */
	__le64	bad_source;	/* not the QP's partner */
	__le64	ud_drops;	/* datagrams: no receive WQE, or too small */
	__le64	uc_drops;	/* messages */
	__le64	ecn_marked;	/* packets received with CE */
	__le64	cnps;		/* congestion notifications received */
	__le64	fifo_drops;	/* packets the engine had no room for */
	__le64	local_errors;	/* completions with a local error */
	__le64	remote_errors;
	__le64	flushed;
	__le64	doorbells;	/* of QPs and SRQs */
	__le64	rsvd[28];
};
TULLE_SIZE(struct tulle_rdma_stats, 512);

enum tulle_gid_type {
	TULLE_GID_NONE		= 0,	/* entry not in use */
	TULLE_GID_IPV4		= 1,	/* RoCEv2 over IPv4, ::ffff:a.b.c.d */
	TULLE_GID_IPV6		= 2,
};

struct tulle_gid {
	__le16	index;
	__u8	type;
	__u8	flags;
 #define TULLE_GID_F_VLAN		0x01
	__le16	vlan;		/* id; packets with another tag, or none, are not for it */
	__u8	mac[6];		/* source of what is sent, destination of what is taken */
	__u8	rsvd[4];
	__u8	gid[16];
};
TULLE_SIZE(struct tulle_gid, 32);

struct tulle_query_gid {
	__le16	index;
	__u8	rsvd[6];
};
TULLE_SIZE(struct tulle_query_gid, 8);

enum tulle_qp_type {
	TULLE_QP_RC		= 0,
	TULLE_QP_UC		= 1,
	TULLE_QP_UD		= 2,
	TULLE_QP_GSI		= 3,	/* one of a function; QP 1 */
	TULLE_QP_XRC_INI	= 4,	/* has no RQ */
	TULLE_QP_XRC_TGT	= 5,	/* has no queues */
	TULLE_QP_RAW		= 6,
};

enum tulle_qp_state {
	TULLE_QPS_RESET		= 0,
	TULLE_QPS_INIT		= 1,
	TULLE_QPS_RTR		= 2,
	TULLE_QPS_RTS		= 3,
	TULLE_QPS_SQD		= 4,
	TULLE_QPS_SQE		= 5,
	TULLE_QPS_ERR		= 6,
};

/*
 * struct tulle_qp_ctx: queue pair
 * send_cq, recv_cq: of the same function; XRC_TGT: 0; XRC_INI: no recv_cq
 * srq: takes the place of the RQ; 0: none
 * xrcd: XRC_TGT; others 0
 * sq: page list of the SQ, blocks of 64 bytes
 * rq: of the RQ, struct tulle_rq_wqe; 0 with an SRQ
 * dbr: doorbell record of both; 0 for XRC_TGT
 * sq_ci, rq_ci: (state) what was fetched
 */
struct tulle_qp_ctx {
	__le32	handle;
	__le32	pd;
	__le32	send_cq;
	__le32	recv_cq;
	__le32	srq;
	__le32	xrcd;
	struct tulle_page_list sq;
	struct tulle_page_list rq;
	__le64	dbr;
	__u8	type;
	__u8	state;		/* (state) enum tulle_qp_state */
	__u8	log_sq_size;	/* blocks */
	__u8	log_rq_size;	/* WQEs */
	__u8	log_rq_wqe;	/* bytes */
	__u8	flags;
 #define TULLE_QP_F_KERNEL		0x01	/* may use keys with F_KERNEL */
 #define TULLE_QP_F_SIG_ALL		0x02	/* every send WQE is reported */
 #define TULLE_QP_F_NO_LOOPBACK		0x04	/* UD, RAW: not what it sends itself */
	__le16	uar;
	__le32	sq_ci;
	__le32	rq_ci;
	__u8	rsvd[32];
};
TULLE_SIZE(struct tulle_qp_ctx, 128);

/*
 * struct tulle_qp_attr: what MODIFY_QP changes, names and units as in the
 * verbs
 * state: new state; QUERY: the present one
 * cur_state: with MOD_CUR_STATE: what the driver takes the state to be
 * path_mtu: log2 of bytes
 * access: TULLE_MKEY_REMOTE_* that peers may do
 * min_rnr_timer: 0..31, IBTA table 45
 * timeout: local ACK timeout, 4.096 us << n; 0: never
 * rnr_retry: 7: for ever
 * flags: TULLE_QP_ATTR_
 * counter: QP counter, 0: none
 */
struct tulle_qp_attr {
	__u8	state;
	__u8	cur_state;
	__u8	path_mtu;
	__u8	access;
	__u8	max_rd_atomic;
	__u8	max_dest_rd_atomic;
	__u8	min_rnr_timer;
	__u8	timeout;
	__u8	retry_cnt;
	__u8	rnr_retry;
	__u8	flags;
 #define TULLE_QP_ATTR_SQD_EVENT		0x01	/* raise SQ_DRAINED when drained */
 #define TULLE_QP_ATTR_DRAINING		0x02	/* (state) in SQD, not drained yet */
	__u8	rsvd0;
	__le16	pkey_index;
	__le16	rsvd1;
	__le32	qkey;
	__le32	dest_qpn;
	__le32	sq_psn;
	__le32	rq_psn;
	__le32	counter;
	__u8	rsvd2[4];
	struct tulle_av av;
	__u8	rsvd3[24];
};
TULLE_SIZE(struct tulle_qp_attr, 96);

/*
 * The device has its own table of the transitions and of what each requires
 * and permits, that of the verbs. To RESET: the queues are empty, no completion
 * of them comes after the command; record and rings belong to the driver
 * again, which starts from index 0.
 */
struct tulle_modify_qp {
	__le32	handle;
	__le32	mask;
 #define TULLE_QP_MOD_STATE		0x000001
 #define TULLE_QP_MOD_CUR_STATE		0x000002
 #define TULLE_QP_MOD_SQD_EVENT		0x000004
 #define TULLE_QP_MOD_ACCESS		0x000008
 #define TULLE_QP_MOD_PKEY_INDEX	0x000010
 #define TULLE_QP_MOD_QKEY		0x000040
 #define TULLE_QP_MOD_AV		0x000080
 #define TULLE_QP_MOD_PATH_MTU		0x000100
 #define TULLE_QP_MOD_TIMEOUT		0x000200
 #define TULLE_QP_MOD_RETRY_CNT		0x000400
 #define TULLE_QP_MOD_RNR_RETRY		0x000800
 #define TULLE_QP_MOD_RQ_PSN		0x001000
 #define TULLE_QP_MOD_MAX_RD_ATOMIC	0x002000
 #define TULLE_QP_MOD_MIN_RNR_TIMER	0x008000
 #define TULLE_QP_MOD_SQ_PSN		0x010000
 #define TULLE_QP_MOD_MAX_DEST_RD_ATOMIC 0x020000
 #define TULLE_QP_MOD_DEST_QPN		0x100000
 #define TULLE_QP_MOD_COUNTER		0x800000
	struct tulle_qp_attr attr;
};
TULLE_SIZE(struct tulle_modify_qp, 104);

struct tulle_query_qp {
	struct tulle_qp_ctx ctx;
	struct tulle_qp_attr attr;
};
TULLE_SIZE(struct tulle_query_qp, 224);

/*
 * struct tulle_srq_ctx: shared receive queue; struct tulle_rq_wqe in ring
 * order. A slot is free again when its WQE was fetched: ci_hint says so, but
 * the driver trusts completions only.
 * cq, xrcd: of an XRC SRQ; 0 of others
 */
struct tulle_srq_ctx {
	__le32	handle;
	__le32	pd;
	__le32	cq;
	__le32	xrcd;
	struct tulle_page_list pages;
	__le64	dbr;
	__u8	log_size;
	__u8	log_wqe_size;
	__u8	state;		/* (state) enum tulle_queue_state */
	__u8	flags;
 #define TULLE_SRQ_F_KERNEL		0x01
 #define TULLE_SRQ_F_XRC		0x02
	__le16	uar;
	__le16	limit;		/* (state) 0: not armed */
	__le32	ci;		/* (state) */
	__u8	rsvd[4];
};
TULLE_SIZE(struct tulle_srq_ctx, 64);

/* SRQ_LIMIT is raised once when fewer than so many WQEs are there; 0 disarms. */
struct tulle_arm_srq {
	__le32	handle;
	__le16	limit;
	__le16	rsvd;
};
TULLE_SIZE(struct tulle_arm_srq, 8);

struct tulle_mcast {
	__le32	qp;
	__le32	rsvd;
	__u8	gid[16];
};
TULLE_SIZE(struct tulle_mcast, 24);

#endif /* TULLE_HW_H */
