/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two connected queue pairs in one process, by libibverbs, for tests in C: what
 * Python's garbage collector and its copies would disturb. Included by one file.
 */
#ifndef SELFTESTS_RDMA_PAIR_H
#define SELFTESTS_RDMA_PAIR_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <infiniband/verbs.h>

#define DEPTH	   256
#define ACCESS_ALL (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ)

struct end {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	union ibv_gid gid;
	uint8_t gid_index;
};

static unsigned int bad;

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static void want(bool ok, const char *what, int got)
{
	if (ok)
		return;
	bad++;
	printf("%s: %d (%s)\n", what, got, strerror(got < 0 ? -got : got));
}

static void *memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static void end_open(struct end *e, const char *name, const char *gid_index)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	unsigned int i;

	memset(e, 0, sizeof(*e));
	for (i = 0; list && list[i]; i++)
		if (!strcmp(ibv_get_device_name(list[i]), name))
			e->ctx = ibv_open_device(list[i]);
	if (!e->ctx)
		die(name);
	ibv_free_device_list(list);
	e->gid_index = (uint8_t)atoi(gid_index);
	if (ibv_query_gid(e->ctx, 1, e->gid_index, &e->gid))
		die("GID");
	e->pd = ibv_alloc_pd(e->ctx);
	e->cq = ibv_create_cq(e->ctx, 4 * DEPTH, NULL, NULL, 0);
	if (!e->pd || !e->cq)
		die("PD, CQ");
}

static void end_qp(struct end *e)
{
	struct ibv_qp_init_attr init = {
		.send_cq = e->cq,
		.recv_cq = e->cq,
		.cap = { DEPTH, DEPTH, 1, 1, 0 },
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
	};

	e->qp = ibv_create_qp(e->pd, &init);
	if (!e->qp)
		die("QP");
}

static void end_close(struct end *e)
{
	if (ibv_destroy_qp(e->qp) || ibv_destroy_cq(e->cq) || ibv_dealloc_pd(e->pd) ||
	    ibv_close_device(e->ctx))
		die("closing");
}

static int to_rts(struct end *e, const struct end *peer)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qp_access_flags = ACCESS_ALL,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer->qp->qp_num,
		.max_rd_atomic = 4,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 12,
		.timeout = 17,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.ah_attr = { .is_global = 1, .port_num = 1 },
	};
	const int init = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS;
	const int rtr = IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
			IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
	const int rts = IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
			IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC;
	int err = ibv_modify_qp(e->qp, &attr, init);

	attr.ah_attr.grh.dgid = peer->gid;
	attr.ah_attr.grh.sgid_index = e->gid_index;
	attr.ah_attr.grh.hop_limit = 64;
	attr.qp_state = IBV_QPS_RTR;
	err = err ?: ibv_modify_qp(e->qp, &attr, rtr);
	attr.qp_state = IBV_QPS_RTS;
	return err ?: ibv_modify_qp(e->qp, &attr, rts);
}

/* Connects both, also anew after an error. */
static void join(struct end *a, struct end *b)
{
	struct ibv_qp_attr reset = { .qp_state = IBV_QPS_RESET };
	struct ibv_wc wc;

	errno = ibv_modify_qp(a->qp, &reset, IBV_QP_STATE) ?:
		ibv_modify_qp(b->qp, &reset, IBV_QP_STATE);
	while (ibv_poll_cq(a->cq, 1, &wc) > 0 || ibv_poll_cq(b->cq, 1, &wc) > 0)
		;
	errno = errno ?: to_rts(a, b) ?: to_rts(b, a);
	if (errno)
		die("connecting");
}

static __attribute__((unused)) void post_send(struct end *e, enum ibv_wr_opcode op,
					      uint64_t addr, uint32_t lkey, size_t len,
					      uint64_t to, uint32_t rkey)
{
	struct ibv_sge sge = { addr, (uint32_t)len, lkey };
	struct ibv_send_wr *first, wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = op,
		.wr.rdma = { to, rkey },
	};

	errno = ibv_post_send(e->qp, &wr, &first);
	if (errno)
		die("post");
}

/* The next completion, or one with the status -1. */
static struct ibv_wc completion(struct end *e, unsigned int ms)
{
	struct timespec nap = { .tv_nsec = 1000000 };
	struct ibv_wc wc = { .status = -1 };

	while (ms-- && !ibv_poll_cq(e->cq, 1, &wc))
		nanosleep(&nap, NULL);
	return wc;
}

#endif /* SELFTESTS_RDMA_PAIR_H */
