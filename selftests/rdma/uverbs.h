/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The uverbs ABI without libibverbs, for tests that want their rings, doorbell
 * records and doorbell page in their own hands. Included by one file.
 */
#ifndef SELFTESTS_RDMA_UVERBS_H
#define SELFTESTS_RDMA_UVERBS_H

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <rdma/ib_user_verbs.h>

#include "tulle_hw.h"
#include "uapi/rdma/tulle-abi.h"

#define PAGE	   4096UL
#define LOG_SQ	   6 /* blocks */
#define LOG_RQ	   6
#define LOG_RQ_WQE 6
#define LOG_CQ	   7
#define DATA	   (16 * PAGE)

/* Attributes of verbs, which the headers of the ABI do not name. */
enum {
	QP_STATE = 1 << 0,
	QP_ACCESS = 1 << 3,
	QP_PKEY = 1 << 4,
	QP_PORT = 1 << 5,
	QP_QKEY = 1 << 6,
	QP_AV = 1 << 7,
	QP_MTU = 1 << 8,
	QP_TIMEOUT = 1 << 9,
	QP_RETRY = 1 << 10,
	QP_RNR = 1 << 11,
	QP_RQ_PSN = 1 << 12,
	QP_MAX_RD = 1 << 13,
	QP_MIN_RNR = 1 << 15,
	QP_SQ_PSN = 1 << 16,
	QP_MAX_DEST_RD = 1 << 17,
	QP_DEST = 1 << 20
};
enum {
	RESET,
	INIT,
	RTR,
	RTS,
	SQD,
	SQE,
	ERR
};
enum {
	QPT_RC = 2,
	QPT_UC = 3,
	QPT_UD = 4
};
enum {
	EVENT_QP_FATAL = 1,
	EVENT_SRQ_ERR = 14,
	EVENT_QP_LAST_WQE = 16
};
/* What events name; furnish_qp() adds the queue pair's index. */
#define SRQ_HANDLE 0x5000
#define QP_HANDLE  0x1000
#define ACCESS_ALL 0x1f /* local write, remote write, read, atomic, bind */

struct qp {
	uint32_t id, handle, qpn, sq_pi, rq_pi;
	uint8_t type;
	uint8_t *sq, *rq;
	struct tulle_dbr *dbr;
};

struct box {
	int fd, async_fd;
	struct tulle_ib_uresp_alloc_ucontext caps;
	uint8_t *uar;
	uint32_t pd, cq, cq_handle, srq, srq_handle, mr, lkey, rkey, cq_ci;
	uint8_t *cq_ring, *srq_ring, *data;
	struct tulle_dbr *dbr; /* qps' first, then the CQ's and the SRQ's */
	struct qp qp[2];
};

static const char *node, *ibdev;
static uint8_t gid[16];
static unsigned int gid_index;

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static void *memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* A command of uverbs; 0 or an errno. The answer's address is its first word. */
static int uverbs(int fd, uint32_t op, void *cmd, size_t len, const void *drv, size_t drv_len,
		  void *rsp, size_t rsp_len)
{
	uint8_t buf[512] = { 0 };
	struct ib_uverbs_cmd_hdr *hdr = (void *)buf;
	size_t all = sizeof(*hdr) + len + drv_len;

	hdr->command = op;
	hdr->in_words = all / 4;
	hdr->out_words = rsp_len / 4;
	if (rsp)
		*(uint64_t *)cmd = (uintptr_t)rsp;
	memcpy(buf + sizeof(*hdr), cmd, len);
	if (drv_len)
		memcpy(buf + sizeof(*hdr) + len, drv, drv_len);
	return write(fd, buf, all) == (ssize_t)all ? 0 : errno;
}

static int open_context(struct box *b, uint64_t comp_mask)
{
	struct {
		struct ib_uverbs_get_context_resp ib;
		struct tulle_ib_uresp_alloc_ucontext drv;
	} rsp = { 0 };
	struct tulle_ib_ureq_alloc_ucontext drv = { .comp_mask = comp_mask };
	struct ib_uverbs_get_context cmd = { 0 };
	int err;

	b->fd = open(node, O_RDWR | O_CLOEXEC);
	if (b->fd < 0)
		die(node);
	err = uverbs(b->fd, IB_USER_VERBS_CMD_GET_CONTEXT, &cmd, sizeof(cmd), &drv, sizeof(drv),
		     &rsp, sizeof(rsp));
	b->caps = rsp.drv;
	b->async_fd = err ? -1 : (int)rsp.ib.async_fd;
	return err;
}

static int alloc_pd(struct box *b)
{
	struct {
		uint32_t id;
		struct tulle_ib_uresp_alloc_pd drv;
	} __attribute__((packed)) rsp = { 0 };
	struct ib_uverbs_alloc_pd cmd = { 0 };
	int err = uverbs(b->fd, IB_USER_VERBS_CMD_ALLOC_PD, &cmd, sizeof(cmd), NULL, 0, &rsp,
			 sizeof(rsp));

	b->pd = rsp.id;
	return err;
}

static int reg_mr(struct box *b, void *at, size_t len, uint32_t access,
		  struct ib_uverbs_reg_mr_resp *rsp)
{
	struct ib_uverbs_reg_mr cmd = {
		.start = (uintptr_t)at,
		.length = len,
		.hca_va = (uintptr_t)at,
		.pd_handle = b->pd,
		.access_flags = access,
	};

	return uverbs(b->fd, IB_USER_VERBS_CMD_REG_MR, &cmd, sizeof(cmd), NULL, 0, rsp,
		      sizeof(*rsp));
}

static int create_cq(struct box *b, const struct tulle_ib_ureq_create_cq *drv, uint32_t cqe)
{
	struct {
		struct ib_uverbs_create_cq_resp ib;
		struct tulle_ib_uresp_create_cq drv;
	} rsp = { 0 };
	struct ib_uverbs_create_cq cmd = { .cqe = cqe, .comp_channel = -1 };
	int err = uverbs(b->fd, IB_USER_VERBS_CMD_CREATE_CQ, &cmd, sizeof(cmd), drv, sizeof(*drv),
			 &rsp, sizeof(rsp));

	if (!err) {
		b->cq = rsp.ib.cq_handle;
		b->cq_handle = rsp.drv.handle;
	}
	return err;
}

static int create_srq(struct box *b, const struct tulle_ib_ureq_create_srq *drv)
{
	struct {
		struct ib_uverbs_create_srq_resp ib;
		struct tulle_ib_uresp_create_srq drv;
	} rsp = { 0 };
	struct ib_uverbs_create_srq cmd = { .user_handle = SRQ_HANDLE,
					    .pd_handle = b->pd,
					    .max_wr = 1 << LOG_RQ,
					    .max_sge = 1 };
	int err = uverbs(b->fd, IB_USER_VERBS_CMD_CREATE_SRQ, &cmd, sizeof(cmd), drv, sizeof(*drv),
			 &rsp, sizeof(rsp));

	if (!err) {
		b->srq = rsp.ib.srq_handle;
		b->srq_handle = rsp.drv.handle;
	}
	return err;
}

static int create_qp(struct box *b, struct qp *qp, struct ib_uverbs_create_qp *cmd,
		     const struct tulle_ib_ureq_create_qp *drv)
{
	struct {
		struct ib_uverbs_create_qp_resp ib;
		struct tulle_ib_uresp_create_qp drv;
	} rsp = { 0 };
	int err = uverbs(b->fd, IB_USER_VERBS_CMD_CREATE_QP, cmd, sizeof(*cmd), drv, sizeof(*drv),
			 &rsp, sizeof(rsp));

	if (!err) {
		qp->id = rsp.ib.qp_handle;
		qp->qpn = rsp.ib.qpn;
		qp->handle = rsp.drv.handle;
	}
	return err;
}

static struct tulle_ib_ureq_create_cq good_cq(struct box *b)
{
	return (struct tulle_ib_ureq_create_cq){
		.buf = (uintptr_t)b->cq_ring,
		.dbr = (uintptr_t)&b->dbr[2],
		.log_size = LOG_CQ,
		.log_cqe_size = 5,
	};
}

static struct tulle_ib_ureq_create_srq good_srq(struct box *b)
{
	return (struct tulle_ib_ureq_create_srq){
		.buf = (uintptr_t)b->srq_ring,
		.dbr = (uintptr_t)&b->dbr[3],
		.log_size = LOG_RQ,
		.log_wqe_size = LOG_RQ_WQE,
	};
}

static struct ib_uverbs_create_qp good_qp_cmd(struct box *b, uint8_t type, bool srq)
{
	return (struct ib_uverbs_create_qp){
		.user_handle = QP_HANDLE,
		.pd_handle = b->pd,
		.send_cq_handle = b->cq,
		.recv_cq_handle = b->cq,
		.srq_handle = srq ? b->srq : 0,
		.is_srq = srq,
		.qp_type = type,
		.max_send_wr = 16,
		.max_recv_wr = srq ? 0 : 16,
		.max_send_sge = 1,
		.max_recv_sge = srq ? 0 : 1,
		.sq_sig_all = 1,
	};
}

static struct tulle_ib_ureq_create_qp good_qp(struct qp *qp, bool srq)
{
	return (struct tulle_ib_ureq_create_qp){
		.sq_buf = (uintptr_t)qp->sq,
		.rq_buf = srq ? 0 : (uintptr_t)qp->rq,
		.dbr = (uintptr_t)qp->dbr,
		.log_sq_size = LOG_SQ,
		.log_rq_size = srq ? 0 : LOG_RQ,
		.log_rq_wqe = srq ? 0 : LOG_RQ_WQE,
	};
}

static void lay_out(struct box *b)
{
	unsigned int i;

	b->cq_ring = memory(32UL << LOG_CQ);
	b->srq_ring = memory(1UL << (LOG_RQ + LOG_RQ_WQE));
	b->data = memory(DATA);
	b->dbr = memory(PAGE);
	for (i = 0; i < 2; i++) {
		b->qp[i].sq = memory((size_t)TULLE_SQ_BLOCK << LOG_SQ);
		b->qp[i].rq = memory(1UL << (LOG_RQ + LOG_RQ_WQE));
		b->qp[i].dbr = &b->dbr[i];
	}
}

/* Context, PD, MR, CQ and SRQ, all as they should be. */
static void furnish(struct box *b)
{
	struct ib_uverbs_reg_mr_resp mr;
	struct tulle_ib_ureq_create_cq cq;
	struct tulle_ib_ureq_create_srq srq;

	memset(b, 0, sizeof(*b));
	lay_out(b);
	errno = open_context(b, 0);
	if (errno)
		die("context");
	b->uar = mmap(NULL, b->caps.uar_size, PROT_WRITE, MAP_SHARED, b->fd, b->caps.uar_offset);
	if (b->uar == MAP_FAILED)
		die("doorbell page");
	errno = alloc_pd(b);
	if (!errno)
		errno = reg_mr(b, b->data, DATA, ACCESS_ALL, &mr);
	if (errno)
		die("PD, MR");
	b->mr = mr.mr_handle;
	b->lkey = mr.lkey;
	b->rkey = mr.rkey;
	cq = good_cq(b);
	errno = create_cq(b, &cq, (1 << LOG_CQ) - 1);
	srq = good_srq(b);
	if (!errno)
		errno = create_srq(b, &srq);
	if (errno)
		die("CQ, SRQ");
}

static void furnish_qp(struct box *b, unsigned int i, uint8_t type, bool srq)
{
	struct ib_uverbs_create_qp cmd = good_qp_cmd(b, type, srq);
	struct tulle_ib_ureq_create_qp drv = good_qp(&b->qp[i], srq);

	cmd.user_handle += i;
	errno = create_qp(b, &b->qp[i], &cmd, &drv);
	if (errno)
		die("QP");
	b->qp[i].type = type;
}

static int modify(struct box *b, struct qp *qp, uint8_t state, uint32_t mask, uint32_t dest)
{
	struct ib_uverbs_modify_qp cmd = {
		.qp_handle = qp->id,
		.attr_mask = QP_STATE | mask,
		.qp_state = state,
		.path_mtu = 3,
		.qp_access_flags = 0xe,
		.port_num = 1,
		.dest_qp_num = dest,
		.max_rd_atomic = 4,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 1,
		.timeout = 10,
		.retry_cnt = 1,
		.rnr_retry = 1,
		.qkey = 0x1111,
		.dest = { .sgid_index = gid_index, .hop_limit = 64, .is_global = 1, .port_num = 1 },
	};

	memcpy(cmd.dest.dgid, gid, sizeof(gid));
	return uverbs(b->fd, IB_USER_VERBS_CMD_MODIFY_QP, &cmd, sizeof(cmd), NULL, 0, NULL, 0);
}

static int bring_up(struct box *b, struct qp *qp, uint32_t dest)
{
	bool rc = qp->type == QPT_RC, ud = qp->type == QPT_UD;
	int err = modify(b, qp, RESET, 0, 0);

	memset(qp->dbr, 0, sizeof(*qp->dbr));
	qp->sq_pi = 0;
	qp->rq_pi = 0;
	err = err ?: modify(b, qp, INIT, QP_PKEY | QP_PORT | (ud ? QP_QKEY : QP_ACCESS), 0);
	err = err   ?:
		      modify(b, qp, RTR,
			     (ud ? 0 : QP_AV | QP_MTU | QP_DEST | QP_RQ_PSN) |
				     (rc ? QP_MAX_DEST_RD | QP_MIN_RNR : 0),
			     dest);
	return err   ?:
		       modify(b, qp, RTS,
			      QP_SQ_PSN | (rc ? QP_TIMEOUT | QP_RETRY | QP_RNR | QP_MAX_RD : 0),
			      dest);
}

static void kick(struct box *b, uint32_t off, uint32_t handle)
{
	*(volatile uint32_t *)(b->uar + off) = htole32(handle);
}

/* The next completion's status; negative: none came. */
static int completion(struct box *b, unsigned int ms)
{
	volatile struct tulle_rdma_cqe *cqe =
		(void *)(b->cq_ring + (b->cq_ci & ((1 << LOG_CQ) - 1)) * sizeof(*cqe));
	struct timespec nap = { .tv_nsec = 1000000 };

	while ((cqe->owner & 1) == (b->cq_ci >> LOG_CQ & 1)) {
		if (!ms--)
			return -1;
		nanosleep(&nap, NULL);
	}
	__sync_synchronize();
	b->cq_ci++;
	b->dbr[2].ci = htole32(b->cq_ci);
	return cqe->status;
}

/* A request: its parts behind the control segment, up to one block in all. */
static void post(struct box *b, struct qp *qp, uint8_t op, uint32_t imm, const void *seg,
		 size_t seg_len, const struct tulle_sge *sge)
{
	uint8_t *at = qp->sq + (qp->sq_pi & ((1 << LOG_SQ) - 1)) * TULLE_SQ_BLOCK;
	struct tulle_qp_wqe *wqe = (void *)at;
	unsigned int blocks = 2;

	/* Two blocks always, which never wrap. */
	memset(at, 0, 2 * TULLE_SQ_BLOCK);
	wqe->ctrl = (struct tulle_wqe_ctrl){
		.op = op,
		.flags = TULLE_WQE_F_CQE,
		.nblocks = blocks,
		.nsge = !!sge,
		.index = htole16(qp->sq_pi),
		.imm = htole32(imm),
		.total_len = sge ? sge->len : 0,
	};
	wqe->wr_id = htole64(qp->sq_pi);
	at += sizeof(*wqe);
	if (seg_len)
		memcpy(at, seg, seg_len);
	if (sge)
		memcpy(at + seg_len, sge, sizeof(*sge));
	qp->sq_pi += blocks;
	__sync_synchronize();
	qp->dbr->pi = htole32(qp->sq_pi);
	__sync_synchronize();
	kick(b, TULLE_UAR_QP_SQ, qp->handle);
}

/* A receive request of 256 bytes at index @pi of a ring. */
static void write_recv(uint8_t *ring, uint32_t pi, uint64_t addr, uint32_t key)
{
	struct tulle_rq_wqe *wqe = (void *)(ring + ((pi & ((1 << LOG_RQ) - 1)) << LOG_RQ_WQE));

	memset(wqe, 0, 1 << LOG_RQ_WQE);
	wqe->nsge = 1;
	wqe->sge[0] = (struct tulle_sge){ htole64(addr), htole32(256), htole32(key) };
	__sync_synchronize();
}

static void post_recv(struct box *b, struct qp *qp, uint64_t addr, uint32_t key)
{
	write_recv(qp->rq, qp->rq_pi, addr, key);
	qp->dbr->rq_pi = htole32(++qp->rq_pi);
	__sync_synchronize();
	kick(b, TULLE_UAR_QP_RQ, qp->handle);
}

/* The next asynchronous event within @ms; its type is 0 when none came. */
static struct ib_uverbs_async_event_desc event(struct box *b, int ms)
{
	struct ib_uverbs_async_event_desc desc = { 0 };
	struct pollfd fd = { .fd = b->async_fd, .events = POLLIN };

	if (poll(&fd, 1, ms) == 1 && read(b->async_fd, &desc, sizeof(desc)) != sizeof(desc))
		die("event");
	return desc;
}

static void read_gid(void)
{
	char path[128], text[64], *at = text;
	unsigned int i;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/1/gids/%u", ibdev, gid_index);
	f = fopen(path, "r");
	if (!f || !fgets(text, sizeof(text), f))
		die(path);
	fclose(f);
	for (i = 0; i < 16; i++) {
		gid[i] = (uint8_t)strtoul((char[]){ at[0], at[1], 0 }, NULL, 16);
		at += i % 2 ? 3 : 2;
	}
}

/* The uverbs device that belongs to the RDMA device. */
static void find_node(void)
{
	char line[64];
	unsigned int i;
	FILE *f;

	for (i = 0; i < 64; i++) {
		char path[128];

		snprintf(path, sizeof(path), "/sys/class/infiniband_verbs/uverbs%u/ibdev", i);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(line, sizeof(line), f) && !strcmp(strtok(line, "\n"), ibdev)) {
			snprintf(path, sizeof(path), "/dev/infiniband/uverbs%u", i);
			node = strdup(path);
		}
		fclose(f);
	}
	if (!node)
		die("no such device");
}

#endif /* SELFTESTS_RDMA_UVERBS_H */
