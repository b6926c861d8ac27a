/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The fixture of transport tests: one or two devices with GIDs and a region
 * that covers all memory, and the least of a verbs driver.
 */
#ifndef TFW_TEST_RC_H
#define TFW_TEST_RC_H

#include "net.h"
#include "../transport.h"

#define OK(call)	assert_int_equal(call, TULLE_STATUS_OK)
#define RC_LOG_SQ	7
#define RC_LOG_RQ	6
#define RC_LOG_RQ_WQE	8
#define RC_QKEY		0x1234567
#define RC_ACCESS	(TULLE_MKEY_LOCAL_READ | TULLE_MKEY_LOCAL_WRITE | \
			 TULLE_MKEY_REMOTE_READ | TULLE_MKEY_REMOTE_WRITE | \
			 TULLE_MKEY_REMOTE_ATOMIC | TULLE_MKEY_MW_BIND | \
			 TULLE_MKEY_FLUSH)
#define RC_REMOTE	(TULLE_MKEY_REMOTE_READ | TULLE_MKEY_REMOTE_WRITE | \
			 TULLE_MKEY_REMOTE_ATOMIC | TULLE_MKEY_FLUSH)

struct rc_dev {
	struct fake_dev		d;
	struct tfw_func		*f;
	struct fake_queue	eq0;
	struct fake_queue	eq;
	u32			pd;
	u32			key;
	u64			buf;
	u8			id;
	u8			qp_flags;
};

/*
 * struct rc - the machine
 * @n: devices: 2 are on one cable, 1 has a backend
 * @cfg: of the devices; NULL: the default
 * @buf_len: the region is a buffer of so many bytes; 0: all memory
 */
struct rc {
	struct fake			env;
	struct rc_dev			dev[2];
	unsigned int			n;
	const struct tfw_fw_config	*cfg;
	u32				buf_len;
};

struct rc_qp {
	struct rc_dev		*dev;
	struct tfw_qp		*qp;
	struct fake_queue	scq;
	struct fake_queue	rcq;
	struct tulle_dbr	*dbr;
	u8			*sq;
	u8			*rq;
	u32			handle;
	u32			qpn;
	u32			pi;
	u32			rq_pi;
	u8			type;
};

/* How to connect; zero members mean the default. */
struct rc_attr {
	u8	mtu;		/* log2 */
	u8	timeout;
	u8	retry_cnt;
	u8	rnr_retry;
	u8	rnr_timer;
	u8	rd_atomic;
	u8	access;		/* 0: all */
	bool	no_access;
	u16	sgid;
	u32	sq_psn;
	u32	rq_psn;
	u32	dest_qpn;
	struct tulle_av av;
};

static inline void rc_gid_bytes(u8 id, u16 index, u8 *gid)
{
	memset(gid, 0, 16);
	if (!index) {
		gid[10] = 0xff;
		gid[11] = 0xff;
		gid[12] = 10;
		gid[15] = (u8)(id + 1);
	} else {
		gid[0] = 0xfd;
		gid[15] = (u8)(id + 1);
	}
}

static inline void rc_mac(u8 id, u8 *mac)
{
	memset(mac, 0, 6);
	mac[0] = 2;
	mac[5] = (u8)(0x10 + id);
}

/* 0: IPv4, 1: IPv6, 2: IPv6 with a tag */
static inline void rc_set_gid(struct rc_dev *dev, u16 index)
{
	struct tulle_gid gid = {
		.index = cpu_to_le16(index),
		.type = index ? TULLE_GID_IPV6 : TULLE_GID_IPV4,
	};

	rc_gid_bytes(dev->id, index, gid.gid);
	rc_mac(dev->id, gid.mac);
	if (index == 2) {
		gid.flags = TULLE_GID_F_VLAN;
		gid.vlan = cpu_to_le16(42);
	}
	OK(fake_cmd(&dev->d, TULLE_CMD_SET_GID, &gid, sizeof(gid), NULL, 0));
}

static inline void rc_dev_init(struct rc *rc, u8 id)
{
	struct rc_dev *dev = &rc->dev[id];
	struct tulle_pd_ctx pd = { 0 };
	struct tulle_mkey_ctx key = {
		.type = TULLE_MKEY_MR,
		.access = RC_ACCESS,
		.iova = cpu_to_le64(FAKE_BASE),
		.len = cpu_to_le64(FAKE_MEM),
		.pages = {
			.addr = cpu_to_le64(FAKE_BASE),
			.npages = cpu_to_le32(FAKE_MEM / 4096),
			.log_page_size = 12,
		},
	};
	u32 handle;

	dev->id = id;
	dev->qp_flags = TULLE_QP_F_KERNEL;
	assert_true(fake_dev_init(&rc->env, &dev->d, rc->cfg));
	fake_boot(&dev->d);
	if (rc->buf_len) {
		dev->buf = fake_mem(&dev->d, rc->buf_len, 4096);
		key.iova = cpu_to_le64(dev->buf);
		key.len = cpu_to_le64(rc->buf_len);
		key.pages.addr = key.iova;
		key.pages.npages = cpu_to_le32(rc->buf_len / 4096);
	}
	dev->f = tfw_func_find(dev->d.dev, 0);
	OK(fake_eq_create(&dev->d, &dev->eq0, 8, 0, TULLE_EQ_F_ASYNC));
	OK(fake_eq_create(&dev->d, &dev->eq, 8, 1, 0));
	dev->pd = fake_create(&dev->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd),
			      NULL);
	key.pd = cpu_to_le32(dev->pd);
	handle = fake_create(&dev->d, TULLE_CMD_CREATE_MKEY, &key, sizeof(key),
			     NULL);
	assert_int_not_equal(handle, 0);
	dev->key = TULLE_KEY(handle);
	rc_set_gid(dev, 0);
	rc_set_gid(dev, 1);
	rc_set_gid(dev, 2);
}

static inline void rc_max_frame(struct rc_dev *dev)
{
	struct tulle_modify_port req = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_MAX_FRAME),
		.max_frame = cpu_to_le32(9622),
	};

	OK(fake_cmd(&dev->d, TULLE_CMD_MODIFY_PORT, &req, sizeof(req), NULL,
		    0));
}

/* Events of commands and links are not what is tested. */
static inline void rc_events_drop(struct rc_dev *dev)
{
	while (fake_poll(&dev->eq0))
		;
}

static inline void rc_start(struct rc *rc, unsigned int n)
{
	unsigned int i;

	rc->n = n;
	fake_init(&rc->env);
	for (i = 0; i < n; i++)
		rc_dev_init(rc, (u8)i);
	if (n == 2) {
		assert_true(fake_cable(&rc->dev[0].d, &rc->dev[1].d));
	} else {
		tfw_port_set_backend(rc->dev[0].d.dev, true, true);
		OK(fake_port_up(&rc->dev[0].d));
		fake_advance(&rc->env, 100 * 1000000);
	}
	for (i = 0; i < n; i++) {
		rc_max_frame(&rc->dev[i]);
		rc_events_drop(&rc->dev[i]);
	}
}

static inline struct rc *rc_create(unsigned int n)
{
	struct rc *rc = calloc(1, sizeof(*rc));

	rc_start(rc, n);
	return rc;
}

static inline void rc_destroy(struct rc *rc)
{
	unsigned int i;

	if (rc->n == 2)
		tfw_cable_leave(rc->dev[0].d.dev);
	for (i = 0; i < rc->n; i++)
		fake_dev_exit(&rc->dev[i].d);
	fake_exit(&rc->env);
	free(rc);
}

static inline void rc_qp_init(struct rc_dev *dev, struct rc_qp *q, u8 type,
			      u32 srq, u32 xrcd)
{
	bool rq = type != TULLE_QP_XRC_INI && type != TULLE_QP_XRC_TGT && !srq;
	struct tulle_qp_ctx ctx = {
		.type = type,
		.pd = cpu_to_le32(type == TULLE_QP_XRC_TGT ? 0 : dev->pd),
		.flags = type == TULLE_QP_XRC_TGT ? 0 : dev->qp_flags,
		.srq = cpu_to_le32(srq),
		.xrcd = cpu_to_le32(xrcd),
	};
	u64 dbr, ring;

	memset(q, 0, sizeof(*q));
	q->dev = dev;
	q->type = type;
	if (type != TULLE_QP_XRC_TGT) {
		OK(fake_cq_create(&dev->d, &q->scq, dev->eq.handle, 8, 6, 0,
				  0));
		dbr = fake_mem(&dev->d, sizeof(struct tulle_dbr), 128);
		q->dbr = fake_ptr(&dev->d, dbr);
		ctx.dbr = cpu_to_le64(dbr);
		ctx.send_cq = cpu_to_le32(q->scq.handle);
		ctx.log_sq_size = RC_LOG_SQ;
		ctx.sq = fake_pages(&dev->d, 64UL << RC_LOG_SQ, &ring);
		q->sq = fake_ptr(&dev->d, ring);
	}
	if (type != TULLE_QP_XRC_TGT && type != TULLE_QP_XRC_INI) {
		OK(fake_cq_create(&dev->d, &q->rcq, dev->eq.handle, 8, 6, 0,
				  0));
		ctx.recv_cq = cpu_to_le32(q->rcq.handle);
	}
	if (rq) {
		ctx.log_rq_size = RC_LOG_RQ;
		ctx.log_rq_wqe = RC_LOG_RQ_WQE;
		ctx.rq = fake_pages(&dev->d, 1UL << (RC_LOG_RQ + RC_LOG_RQ_WQE),
				    &ring);
		q->rq = fake_ptr(&dev->d, ring);
	}
	q->handle = fake_create(&dev->d, TULLE_CMD_CREATE_QP, &ctx,
				sizeof(ctx), NULL);
	assert_int_not_equal(q->handle, 0);
	q->qp = tfw_obj_find(dev->f, TULLE_OBJ_QP, q->handle);
	q->qpn = q->handle & TULLE_HANDLE_INDEX;
}

static inline enum tulle_status rc_modify(struct rc_qp *q, u32 mask,
					  const struct tulle_qp_attr *attr)
{
	struct tulle_modify_qp req = {
		.handle = cpu_to_le32(q->handle),
		.mask = cpu_to_le32(mask),
		.attr = *attr,
	};

	return fake_cmd(&q->dev->d, TULLE_CMD_MODIFY_QP, &req, sizeof(req),
			NULL, 0);
}

static inline void rc_to_state(struct rc_qp *q, u8 state)
{
	struct tulle_qp_attr attr = { .state = state };

	OK(rc_modify(q, TULLE_QP_MOD_STATE, &attr));
}

#define RC_OR(val, def)	((val) ? (val) : (def))

/* From RESET to @state. */
static inline void rc_up(struct rc_qp *q, const struct rc_attr *a, u8 state)
{
	bool ud = q->type == TULLE_QP_UD || q->type == TULLE_QP_GSI;
	bool rc = q->type != TULLE_QP_UC && !ud && q->type != TULLE_QP_RAW;
	struct tulle_qp_attr attr = {
		.state = TULLE_QPS_INIT,
		.path_mtu = RC_OR(a->mtu, 10),
		.access = a->no_access ? 0 : RC_OR(a->access, RC_REMOTE),
		.max_rd_atomic = RC_OR(a->rd_atomic, 4),
		.max_dest_rd_atomic = RC_OR(a->rd_atomic, 4),
		.min_rnr_timer = RC_OR(a->rnr_timer, 12),
		.timeout = RC_OR(a->timeout, 14),
		.retry_cnt = RC_OR(a->retry_cnt, 7),
		.rnr_retry = RC_OR(a->rnr_retry, 7),
		.qkey = cpu_to_le32(RC_QKEY),
		.dest_qpn = cpu_to_le32(a->dest_qpn),
		.sq_psn = cpu_to_le32(a->sq_psn),
		.rq_psn = cpu_to_le32(a->rq_psn),
		.av = a->av,
	};
	u32 mask = TULLE_QP_MOD_STATE;

	if (q->type != TULLE_QP_RAW)
		mask |= TULLE_QP_MOD_PKEY_INDEX |
			(ud ? TULLE_QP_MOD_QKEY : TULLE_QP_MOD_ACCESS);
	OK(rc_modify(q, mask, &attr));
	if (state == TULLE_QPS_INIT)
		return;
	attr.state = TULLE_QPS_RTR;
	mask = TULLE_QP_MOD_STATE;
	if (!ud && q->type != TULLE_QP_RAW)
		mask |= TULLE_QP_MOD_AV | TULLE_QP_MOD_PATH_MTU |
			TULLE_QP_MOD_DEST_QPN | TULLE_QP_MOD_RQ_PSN;
	if (rc && q->type != TULLE_QP_XRC_INI)
		mask |= TULLE_QP_MOD_MAX_DEST_RD_ATOMIC |
			TULLE_QP_MOD_MIN_RNR_TIMER;
	OK(rc_modify(q, mask, &attr));
	if (state == TULLE_QPS_RTR)
		return;
	attr.state = TULLE_QPS_RTS;
	mask = TULLE_QP_MOD_STATE;
	if (q->type != TULLE_QP_RAW)
		mask |= TULLE_QP_MOD_SQ_PSN;
	if (q->type == TULLE_QP_XRC_TGT)
		mask |= TULLE_QP_MOD_TIMEOUT;
	else if (rc)
		mask |= TULLE_QP_MOD_TIMEOUT | TULLE_QP_MOD_RETRY_CNT |
			TULLE_QP_MOD_RNR_RETRY | TULLE_QP_MOD_MAX_RD_ATOMIC;
	OK(rc_modify(q, mask, &attr));
}

static inline void rc_av(const struct rc_dev *to, u16 sgid,
			 struct tulle_av *av)
{
	*av = (struct tulle_av){
		.sgid = cpu_to_le16(sgid),
		.hop_limit = 64,
	};
	rc_gid_bytes(to->id, sgid, av->dgid);
	rc_mac(to->id, av->dmac);
	if (sgid == 2) {
		av->flow = cpu_to_le32(TULLE_AV_F_VLAN);
		av->vlan = cpu_to_le16(3 << 13 | 42);
	}
}

/* Both to RTS, connected; attributes of @a for both. */
static inline void rc_connect(struct rc_qp *x, struct rc_qp *y,
			      const struct rc_attr *a)
{
	static const struct rc_attr none;
	struct rc_attr ax = a ? *a : none, ay = ax;

	ax.dest_qpn = y->qpn;
	ay.dest_qpn = x->qpn;
	rc_av(y->dev, ax.sgid, &ax.av);
	rc_av(x->dev, ay.sgid, &ay.av);
	ay.sq_psn = ax.rq_psn;
	ay.rq_psn = ax.sq_psn;
	rc_up(x, &ax, TULLE_QPS_RTS);
	rc_up(y, &ay, TULLE_QPS_RTS);
}

static inline u64 rc_mem(struct rc_dev *dev, size_t len)
{
	return fake_mem(&dev->d, len, 8);
}

/* Memory with a pattern that @seed chooses. */
static inline u64 rc_fill(struct rc_dev *dev, size_t len, u32 seed)
{
	u64 addr = rc_mem(dev, len);
	u8 *p = fake_ptr(&dev->d, addr);
	size_t i;

	for (i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (u8)(seed >> 24);
	}
	return addr;
}

static inline struct tulle_sge rc_sge(struct rc_dev *dev, u64 addr, u32 len)
{
	return (struct tulle_sge){ cpu_to_le64(addr), cpu_to_le32(len),
				   cpu_to_le32(dev->key) };
}

static inline void rc_recv_sges(struct rc_qp *q, u64 wr_id,
				const struct tulle_sge *sge, u8 n)
{
	struct tulle_rq_wqe *wqe;

	wqe = (void *)(q->rq + ((size_t)(q->rq_pi & ((1U << RC_LOG_RQ) - 1)) <<
				RC_LOG_RQ_WQE));
	memset(wqe, 0, 1U << RC_LOG_RQ_WQE);
	wqe->wr_id = cpu_to_le64(wr_id);
	wqe->nsge = n;
	if (n)
		memcpy(wqe->sge, sge, n * sizeof(*sge));
	q->rq_pi++;
	__atomic_store_n(&q->dbr->rq_pi, cpu_to_le32(q->rq_pi),
			 __ATOMIC_RELEASE);
	if (le32_to_cpu(q->dbr->rq_evt) == q->rq_pi - 1)
		fake_kick(&q->dev->d, TULLE_UAR_QP_RQ, q->handle);
}

static inline void rc_recv(struct rc_qp *q, u64 wr_id, u64 addr, u32 len)
{
	struct tulle_sge sge = rc_sge(q->dev, addr, len);

	rc_recv_sges(q, wr_id, &sge, 1);
}

/* Room for a send WQE, zeroed; pads with a NOP at the end of the ring. */
static inline struct tulle_qp_wqe *rc_wqe(struct rc_qp *q, u8 op, u64 wr_id,
					  u8 blocks)
{
	u32 size = 1U << RC_LOG_SQ, left = size - (q->pi & (size - 1));
	struct tulle_qp_wqe *wqe;

	if (left < blocks) {
		wqe = (void *)(q->sq + (q->pi & (size - 1)) * 64UL);
		memset(wqe, 0, 64);
		wqe->ctrl.nblocks = (u8)left;
		wqe->ctrl.index = cpu_to_le16((u16)q->pi);
		q->pi += left;
	}
	wqe = (void *)(q->sq + (q->pi & (size - 1)) * 64UL);
	memset(wqe, 0, blocks * 64UL);
	wqe->ctrl.op = op;
	wqe->ctrl.flags = TULLE_WQE_F_CQE;
	wqe->ctrl.nblocks = blocks;
	wqe->ctrl.index = cpu_to_le16((u16)q->pi);
	wqe->wr_id = cpu_to_le64(wr_id);
	return wqe;
}

/* The WQE is there; nobody is told. */
static inline void rc_put(struct rc_qp *q, const struct tulle_qp_wqe *wqe)
{
	q->pi += wqe->ctrl.nblocks;
	__atomic_store_n(&q->dbr->pi, cpu_to_le32(q->pi), __ATOMIC_RELEASE);
}

static inline void rc_ring(struct rc_qp *q)
{
	fake_kick(&q->dev->d, TULLE_UAR_QP_SQ, q->handle);
}

/* One message to post. */
struct rc_op {
	u8	op;
	u8	flags;		/* besides CQE */
	bool	quiet;		/* no CQE */
	bool	inl;
	u64	wr_id;
	u64	addr;
	u32	len;
	u64	raddr;
	u32	rkey;
	u32	imm;		/* bytes as they are */
	u64	swap_add;
	u64	compare;
	u32	flush;
	u32	srqn;
	const struct tulle_sge	*sge;
	u8	nsge;
};

static inline struct tulle_qp_wqe *rc_make(struct rc_qp *q,
					   const struct rc_op *o)
{
	bool data = o->op != TULLE_WQE_FLUSH;
	struct tulle_qp_wqe *wqe;
	struct tulle_rdma_seg rd = { cpu_to_le64(o->raddr),
				     cpu_to_le32(o->rkey),
				     cpu_to_le32(o->flush) };
	struct tulle_atomic_seg at = { cpu_to_le64(o->raddr),
				       cpu_to_le32(o->rkey), 0,
				       cpu_to_le64(o->swap_add),
				       cpu_to_le64(o->compare) };
	struct tulle_sge one = rc_sge(q->dev, o->addr, o->len);
	u8 nsge = o->sge ? o->nsge : o->len ? 1 : 0;
	u32 need = 80 + (o->inl ? o->len : nsge * 16U);
	u8 *p;

	wqe = rc_wqe(q, o->op, o->wr_id, (u8)((need + 63) / 64));
	wqe->ctrl.flags = o->flags | (o->quiet ? 0 : TULLE_WQE_F_CQE);
	memcpy(&wqe->ctrl.imm, &o->imm, 4);
	wqe->ctrl.total_len = cpu_to_le32(o->len);
	p = (u8 *)(wqe + 1);
	if (q->type == TULLE_QP_XRC_INI) {
		((struct tulle_xrc_seg *)(void *)p)->srq = cpu_to_le32(o->srqn);
		p += 8;
	}
	if (o->op >= TULLE_WQE_CMP_SWAP && o->op <= TULLE_WQE_FETCH_ADD) {
		memcpy(p, &at, sizeof(at));
		p += sizeof(at);
	} else if (o->op >= TULLE_WQE_WRITE) {
		memcpy(p, &rd, sizeof(rd));
		p += sizeof(rd);
	}
	if (o->inl) {
		wqe->ctrl.flags |= TULLE_WQE_F_INLINE;
		wqe->ctrl.inl_len = cpu_to_le16((u16)o->len);
		memcpy(p, fake_ptr(&q->dev->d, o->addr), o->len);
	} else if (data) {
		wqe->ctrl.nsge = nsge;
		memcpy(p, o->sge ? o->sge : &one, nsge * 16UL);
	}
	return wqe;
}

static inline void rc_post(struct rc_qp *q, const struct rc_op *o)
{
	rc_put(q, rc_make(q, o));
}

static inline void rc_do(struct rc_qp *q, const struct rc_op *o)
{
	rc_post(q, o);
	rc_ring(q);
}

/* The next CQE's common part; NULL: none. */
static inline struct tulle_rdma_cqe *rc_poll(struct fake_queue *cq)
{
	u8 *p = fake_poll(cq);

	return p ? (void *)(p + sizeof(struct tulle_rdma_cqe_ext)) : NULL;
}

static inline u8 rc_cqe_op(const struct tulle_rdma_cqe *cqe)
{
	return (u8)le32_get_bits(cqe->qn_op, TULLE_CQE_OP);
}

static inline struct tulle_rdma_cqe *rc_expect(struct fake_queue *cq, u64 wr_id,
					       u8 status)
{
	struct tulle_rdma_cqe *cqe = rc_poll(cq);

	assert_non_null(cqe);
	assert_int_equal(cqe->status, status);
	assert_int_equal(le64_to_cpu(cqe->wr_id), wr_id);
	return cqe;
}

/* The next asynchronous event of QPs and SRQs; its code, -1: none. */
static inline int rc_event(struct rc_dev *dev)
{
	struct tulle_eqe *eqe;

	while ((eqe = fake_poll(&dev->eq0)))
		if (eqe->type == TULLE_EVENT_QP || eqe->type == TULLE_EVENT_SRQ)
			return (int)le32_to_cpu(eqe->code);
	return -1;
}

static inline void rc_same(struct rc_dev *x, u64 ax, struct rc_dev *y, u64 ay,
			   size_t len)
{
	assert_memory_equal(fake_ptr(&x->d, ax), fake_ptr(&y->d, ay), len);
}

#define RC_MS	1000000ULL

#endif /* TFW_TEST_RC_H */
