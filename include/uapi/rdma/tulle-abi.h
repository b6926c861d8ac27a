/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause */
/*
 * What tulle_ib and its libibverbs provider say to each other. Structs only
 * grow at their end; sizes are multiples of 8; reserved members are zero and
 * are checked. Rings, records and doorbells are those of tulle_hw.h.
 */
#ifndef TULLE_ABI_H
#define TULLE_ABI_H

#include <linux/types.h>

#define TULLE_UVERBS_ABI_VERSION	1

/* Names the driver to libibverbs; no driver of the kernel tree has it. */
#define TULLE_RDMA_DRIVER_ID		0x1af410f0

/*
 * struct tulle_ib_ureq_alloc_ucontext - what the provider is able to do
 * @comp_mask: 0
 */
struct tulle_ib_ureq_alloc_ucontext {
	__aligned_u64	comp_mask;
};

/*
 * struct tulle_ib_uresp_alloc_ucontext - a process's view of the device
 * @comp_mask: 0
 * @uar_offset: for mmap() of the doorbell page: @uar_size bytes, written only
 * @uar_size: bytes
 * @page_sizes: as in struct tulle_rdma_caps
 * @ops: likewise, both words
 * @max_inline: bytes in a send WQE
 * @max_blocks: blocks of a send WQE
 * @max_sq_sges: per send work request
 * @max_rq_sges: per receive work request
 * @log_max_qp_sq: blocks
 * @log_max_qp_rq: WQEs, also of an SRQ
 * @log_max_cq: entries
 */
struct tulle_ib_uresp_alloc_ucontext {
	__aligned_u64	comp_mask;
	__aligned_u64	uar_offset;
	__u32		uar_size;
	__u32		max_inline;
	__aligned_u64	page_sizes;
	__u32		ops[2];
	__u8		max_blocks;
	__u8		max_sq_sges;
	__u8		max_rq_sges;
	__u8		log_max_qp_sq;
	__u8		log_max_qp_rq;
	__u8		log_max_cq;
	__u8		rsvd[2];
};

struct tulle_ib_uresp_alloc_pd {
	__aligned_u64	comp_mask;
	__u32		pdn;
	__u32		rsvd;
};

/*
 * struct tulle_ib_ureq_create_cq - a completion queue in the process's memory
 * @comp_mask: 0
 * @buf: address of the ring, page aligned, zeroed
 * @dbr: address of its struct tulle_dbr, zeroed
 * @log_size: entries
 * @log_cqe_size: 5 or 6
 */
struct tulle_ib_ureq_create_cq {
	__aligned_u64	comp_mask;
	__aligned_u64	buf;
	__aligned_u64	dbr;
	__u8		log_size;
	__u8		log_cqe_size;
	__u8		rsvd[6];
};

/* @handle: for TULLE_UAR_CQ. */
struct tulle_ib_uresp_create_cq {
	__aligned_u64	comp_mask;
	__u32		handle;
	__u32		rsvd;
};

struct tulle_ib_ureq_resize_cq {
	__aligned_u64	comp_mask;
	__aligned_u64	buf;
	__u8		log_size;
	__u8		rsvd[7];
};

/*
 * struct tulle_ib_ureq_create_srq - a shared receive queue
 * @log_wqe_size: 5..8, struct tulle_rq_wqe with its SGEs
 */
struct tulle_ib_ureq_create_srq {
	__aligned_u64	comp_mask;
	__aligned_u64	buf;
	__aligned_u64	dbr;
	__u8		log_size;
	__u8		log_wqe_size;
	__u8		rsvd[6];
};

/* @handle: for TULLE_UAR_SRQ; its index is the SRQ's number for XRC. */
struct tulle_ib_uresp_create_srq {
	__aligned_u64	comp_mask;
	__u32		handle;
	__u32		rsvd;
};

/*
 * struct tulle_ib_ureq_create_qp - a queue pair
 * @sq_buf: address of the SQ, page aligned; 0 when it has none
 * @rq_buf: likewise
 * @dbr: address of the struct tulle_dbr of both; 0 for XRC targets
 * @log_sq_size: blocks
 * @log_rq_size: WQEs
 * @log_rq_wqe: bytes
 */
struct tulle_ib_ureq_create_qp {
	__aligned_u64	comp_mask;
	__aligned_u64	sq_buf;
	__aligned_u64	rq_buf;
	__aligned_u64	dbr;
	__u8		log_sq_size;
	__u8		log_rq_size;
	__u8		log_rq_wqe;
	__u8		rsvd[5];
};

/* @handle: for TULLE_UAR_QP_SQ and TULLE_UAR_QP_RQ. */
struct tulle_ib_uresp_create_qp {
	__aligned_u64	comp_mask;
	__u32		handle;
	__u32		rsvd;
};

/*
 * struct tulle_ib_uresp_create_ah - what the kernel had to find out
 * @dmac: of the next hop
 * @vlan: TCI, or 0xffff: none
 * @sgid: index in the device's table
 */
struct tulle_ib_uresp_create_ah {
	__aligned_u64	comp_mask;
	__u8		dmac[6];
	__u16		vlan;
	__u16		sgid;
	__u16		rsvd[3];
};

#endif /* TULLE_ABI_H */
