// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
#include "fake.h"

struct fake fake;

int fake_setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.ctx.uar = (char *)fake.uar;
	fake.ctx.info = (struct tulle_ib_uresp_alloc_ucontext) {
		.uar_size = sizeof(fake.uar),
		.max_inline = 512,
		.ops = { ~0U, ~0U },
		.max_blocks = 16,
		.max_sq_sges = 30,
		.max_rq_sges = 15,
		.log_max_qp_sq = 14,
		.log_max_qp_rq = 14,
		.log_max_cq = 16,
	};
	pthread_mutex_init(&fake.ctx.qp_lock, NULL);
	pthread_mutex_init(&fake.ctx.dbr_lock, NULL);
	return 0;
}

/* Whatever the test made it also destroyed. */
int fake_teardown(void **state)
{
	unsigned int i, j;

	(void)state;
	assert_int_equal(fake.forks, 0);
	assert_null(fake.ctx.dbr_pages);
	for (i = 0; i < TULLE_QPN_CHUNK; i++) {
		for (j = 0; fake.ctx.qps[i] && j < TULLE_QPN_CHUNK; j++)
			assert_null(fake.ctx.qps[i][j]);
		free(fake.ctx.qps[i]);
	}
	return 0;
}

uint32_t fake_doorbell(unsigned int reg)
{
	uint32_t value = fake.uar[reg / 4];

	fake.uar[reg / 4] = 0;
	return le32toh(value);
}

void fake_no_doorbell(void)
{
	unsigned int i;

	for (i = 0; i < 1024; i++)
		assert_int_equal(fake.uar[i], 0);
}

void put(uint8_t *at, unsigned int off, unsigned int bytes, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < bytes; i++)
		at[off + i] = value >> (8 * i);
}

struct ibv_pd *fake_pd(void)
{
	struct ibv_pd *pd = tulle_pd_alloc(&fake.ctx.vctx.context);

	assert_non_null(pd);
	return pd;
}

struct tulle_cq *fake_cq(int cqe, uint64_t wc_flags)
{
	struct ibv_cq_init_attr_ex attr = { .cqe = cqe, .wc_flags = wc_flags };
	struct ibv_cq_ex *cq;

	cq = tulle_cq_create_ex(&fake.ctx.vctx.context, &attr);
	assert_non_null(cq);
	return to_tulle_cq(ibv_cq_ex_to_cq(cq));
}

struct tulle_qp *fake_qp(enum ibv_qp_type type, struct tulle_cq *cq,
			 struct ibv_srq *srq, uint64_t ops)
{
	struct ibv_qp_init_attr_ex attr = {
		.send_cq = &cq->vcq.cq,
		.recv_cq = &cq->vcq.cq,
		.srq = srq,
		.cap = {
			.max_send_wr = 8,
			.max_recv_wr = 4,
			.max_send_sge = 4,
			.max_recv_sge = 3,
			.max_inline_data = 64,
		},
		.qp_type = type,
		.comp_mask = ops ? IBV_QP_INIT_ATTR_SEND_OPS_FLAGS : 0,
		.send_ops_flags = ops,
	};
	struct ibv_qp *qp;

	qp = tulle_qp_create_ex(&fake.ctx.vctx.context, &attr);
	assert_non_null(qp);
	return to_tulle_qp(qp);
}

void fake_cqe(struct tulle_cq *cq, uint32_t index,
	      const struct tulle_rdma_cqe *cqe)
{
	uint32_t n = 1U << cq->cons.ring.log_size;
	uint32_t size = 1U << cq->cons.ring.log_entry;
	uint8_t *at = (uint8_t *)cq->buf.addr + index % n * size + size - 32;

	memcpy(at, cqe, 31);
	at[31] = index / n % 2 ? 0 : 1;
}

static int fake_result(void)
{
	int err = fake.fail;

	fake.fail = 0;
	return err;
}

/* libibverbs */

int ibv_dontfork_range(void *base, size_t size)
{
	assert_int_equal((uintptr_t)base % 4096, 0);
	fake.forks += size;
	return 0;
}

int ibv_dofork_range(void *base, size_t size)
{
	(void)base;
	fake.forks -= size;
	return 0;
}

int ibv_cmd_alloc_pd(struct ibv_context *context, struct ibv_pd *pd,
		     struct ibv_alloc_pd *cmd, size_t cmd_size,
		     struct ib_uverbs_alloc_pd_resp *resp, size_t resp_size)
{
	struct tulle_u_alloc_pd_resp *r = (void *)resp;

	(void)cmd;
	(void)cmd_size;
	assert_int_equal(resp_size, 4 + 16);
	pd->context = context;
	r->drv.pdn = 77;
	return fake_result();
}

int ibv_cmd_dealloc_pd(struct ibv_pd *pd)
{
	(void)pd;
	return fake_result();
}

int ibv_cmd_create_cq_ex(struct ibv_context *context,
			 const struct ibv_cq_init_attr_ex *attr,
#if IBVERBS_PABI_VERSION >= 59
			 struct verbs_create_cq_prov_attr *prov,
#endif
			 struct verbs_cq *cq, struct ibv_create_cq_ex *cmd,
			 size_t cmd_size,
			 struct ib_uverbs_ex_create_cq_resp *resp,
			 size_t resp_size, uint32_t cmd_flags)
{
	struct tulle_u_create_cq_resp *r = (void *)resp;
	int err = fake_result();

	(void)cmd_flags;
#if IBVERBS_PABI_VERSION >= 59
	assert_null(prov);
#endif
	assert_int_equal(cmd_size, sizeof(*cmd) + sizeof(fake.cq));
	assert_int_equal(resp_size, sizeof(*resp) + 16);
	fake.cq = ((struct tulle_u_create_cq *)cmd)->drv;
	if (err)
		return err;
	cq->cq.context = context;
	cq->cq.cqe = attr->cqe;
	r->drv.handle = 0x55000001;
	return 0;
}

int ibv_cmd_resize_cq(struct ibv_cq *cq, int cqe, struct ibv_resize_cq *cmd,
		      size_t cmd_size, struct ib_uverbs_resize_cq_resp *resp,
		      size_t resp_size)
{
	(void)resp_size;
	assert_int_equal(cmd_size, sizeof(*cmd) + sizeof(fake.resize));
	fake.resize = ((struct tulle_u_resize_cq *)cmd)->drv;
	resp->cqe = cqe;
	cq->cqe = cqe;
	return fake_result();
}

int ibv_cmd_modify_cq(struct ibv_cq *cq, struct ibv_modify_cq_attr *attr,
		      struct ibv_modify_cq *cmd, size_t cmd_size)
{
	(void)cq;
	(void)attr;
	(void)cmd;
	(void)cmd_size;
	return fake_result();
}

int ibv_cmd_destroy_cq(struct ibv_cq *cq)
{
	(void)cq;
	return fake_result();
}

/* A command may take as long as it likes; nobody waits for it. */
static void fake_check_unlocked(void)
{
	assert_int_equal(pthread_mutex_trylock(&fake.ctx.qp_lock), 0);
	pthread_mutex_unlock(&fake.ctx.qp_lock);
}

static int fake_create_qp(struct verbs_qp *vqp,
			  const struct ibv_qp_init_attr_ex *attr,
			  const struct tulle_ib_ureq_create_qp *req,
			  struct tulle_ib_uresp_create_qp *resp)
{
	int err = fake_result();

	fake_check_unlocked();
	fake.qp = *req;
	fake.cap = attr->cap;
	if (err)
		return err;
	vqp->qp.context = &fake.ctx.vctx.context;
	vqp->qp.qp_num = FAKE_QPN + fake.qps;
	vqp->qp.state = IBV_QPS_RTS;
	resp->handle = FAKE_HANDLE + fake.qps++;
	return 0;
}

int ibv_cmd_create_qp_ex(struct ibv_context *context, struct verbs_qp *qp,
			 struct ibv_qp_init_attr_ex *attr,
			 struct ibv_create_qp *cmd, size_t cmd_size,
			 struct ib_uverbs_create_qp_resp *resp,
			 size_t resp_size)
{
	struct tulle_u_create_qp_resp *r = (void *)resp;
	struct tulle_ib_uresp_create_qp drv = {};
	int err;

	(void)context;
	assert_int_equal(cmd_size, sizeof(*cmd) + sizeof(fake.qp));
	assert_int_equal(resp_size, sizeof(*resp) + 16);
	fake.qp_ex = false;
	err = fake_create_qp(qp, attr, &((struct tulle_u_create_qp *)cmd)->drv,
			     &drv);
	r->drv = drv;
	return err;
}

int ibv_cmd_create_qp_ex2(struct ibv_context *context, struct verbs_qp *qp,
			  struct ibv_qp_init_attr_ex *attr,
			  struct ibv_create_qp_ex *cmd, size_t cmd_size,
			  struct ib_uverbs_ex_create_qp_resp *resp,
			  size_t resp_size
#if IBVERBS_PABI_VERSION >= 64
			  , struct ibv_command_buffer *driver
#endif
			  )
{
	struct tulle_u_create_qp_ex_resp *r = (void *)resp;
	struct tulle_ib_uresp_create_qp drv = {};
	int err;

	(void)context;
#if IBVERBS_PABI_VERSION >= 64
	assert_null(driver);
#endif
	assert_int_equal(cmd_size, sizeof(*cmd) + sizeof(fake.qp));
	assert_int_equal(resp_size, sizeof(*resp) + 16);
	fake.qp_ex = true;
	err = fake_create_qp(qp, attr,
			     &((struct tulle_u_create_qp_ex *)cmd)->drv, &drv);
	r->drv = drv;
	return err;
}

int ibv_cmd_open_qp(struct ibv_context *context, struct verbs_qp *qp, int size,
		    struct ibv_qp_open_attr *attr, struct ibv_open_qp *cmd,
		    size_t cmd_size, struct ib_uverbs_create_qp_resp *resp,
		    size_t resp_size)
{
	(void)size;
	(void)cmd;
	(void)cmd_size;
	(void)resp;
	(void)resp_size;
	qp->qp.context = context;
	qp->qp.qp_num = attr->qp_num;
	return fake_result();
}

int ibv_cmd_query_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask,
		     struct ibv_qp_init_attr *init, struct ibv_query_qp *cmd,
		     size_t cmd_size)
{
	(void)qp;
	(void)mask;
	(void)cmd;
	(void)cmd_size;
	memset(attr, 0, sizeof(*attr));
	memset(init, 0, sizeof(*init));
	return fake_result();
}

int ibv_cmd_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask,
		      struct ibv_modify_qp *cmd, size_t cmd_size)
{
	(void)qp;
	(void)attr;
	(void)mask;
	(void)cmd;
	(void)cmd_size;
	return fake_result();
}

int ibv_cmd_destroy_qp(struct ibv_qp *qp)
{
	void (*destroyed)(struct ibv_qp *qp) = fake.destroyed_qp;
	int err = fake_result();

	fake_check_unlocked();
	fake.destroyed_qp = NULL;
	if (!err && destroyed)
		destroyed(qp);
	return err;
}

int ibv_cmd_create_srq(struct ibv_pd *pd, struct ibv_srq *srq,
		       struct ibv_srq_init_attr *attr,
		       struct ibv_create_srq *cmd, size_t cmd_size,
		       struct ib_uverbs_create_srq_resp *resp, size_t resp_size)
{
	struct tulle_u_create_srq_resp *r = (void *)resp;

	(void)attr;
	assert_int_equal(cmd_size, sizeof(*cmd) + sizeof(fake.srq));
	assert_int_equal(resp_size, sizeof(*resp) + 16);
	fake.srq = ((struct tulle_u_create_srq *)cmd)->drv;
	srq->context = pd->context;
	r->drv.handle = 0x66000123;
	return fake_result();
}

int ibv_cmd_create_srq_ex(struct ibv_context *context, struct verbs_srq *srq,
			  struct ibv_srq_init_attr_ex *attr,
			  struct ibv_create_xsrq *cmd, size_t cmd_size,
			  struct ib_uverbs_create_srq_resp *resp,
			  size_t resp_size)
{
	struct tulle_u_create_srq_resp *r = (void *)resp;

	(void)attr;
	assert_int_equal(cmd_size, sizeof(*cmd) + sizeof(fake.srq));
	assert_int_equal(resp_size, sizeof(*resp) + 16);
	fake.srq = ((struct tulle_u_create_xsrq *)cmd)->drv;
	srq->srq.context = context;
	r->drv.handle = 0x66000124;
	return fake_result();
}

int ibv_cmd_modify_srq(struct ibv_srq *srq, struct ibv_srq_attr *attr, int mask,
		       struct ibv_modify_srq *cmd, size_t cmd_size)
{
	(void)srq;
	(void)attr;
	(void)mask;
	(void)cmd;
	(void)cmd_size;
	return fake_result();
}

int ibv_cmd_query_srq(struct ibv_srq *srq, struct ibv_srq_attr *attr,
		      struct ibv_query_srq *cmd, size_t cmd_size)
{
	(void)srq;
	(void)cmd;
	(void)cmd_size;
	memset(attr, 0, sizeof(*attr));
	return fake_result();
}

int ibv_cmd_destroy_srq(struct ibv_srq *srq)
{
	(void)srq;
	return fake_result();
}

int ibv_cmd_create_ah(struct ibv_pd *pd, struct ibv_ah *ah,
		      struct ibv_ah_attr *attr,
		      struct ib_uverbs_create_ah_resp *resp, size_t resp_size)
{
	(void)attr;
	assert_int_equal(resp_size, 4 + 24);
	ah->pd = pd;
	/* Behind the kernel's four bytes, without a gap. */
	memcpy((char *)resp + 4, &fake.ah, sizeof(fake.ah));
	return fake_result();
}

int ibv_cmd_destroy_ah(struct ibv_ah *ah)
{
	(void)ah;
	return fake_result();
}

int ibv_cmd_open_xrcd(struct ibv_context *context, struct verbs_xrcd *xrcd,
		      int size, struct ibv_xrcd_init_attr *attr,
		      struct ibv_open_xrcd *cmd, size_t cmd_size,
		      struct ib_uverbs_open_xrcd_resp *resp, size_t resp_size)
{
	(void)context;
	(void)xrcd;
	(void)size;
	(void)attr;
	(void)cmd;
	(void)cmd_size;
	(void)resp;
	(void)resp_size;
	return fake_result();
}

int ibv_cmd_close_xrcd(struct verbs_xrcd *xrcd)
{
	(void)xrcd;
	return fake_result();
}

int ibv_cmd_reg_mr(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
		   int access, struct verbs_mr *vmr, struct ibv_reg_mr *cmd,
		   size_t cmd_size, struct ib_uverbs_reg_mr_resp *resp,
		   size_t resp_size)
{
	(void)addr;
	(void)length;
	(void)iova;
	(void)access;
	(void)cmd;
	(void)cmd_size;
	(void)resp;
	(void)resp_size;
	vmr->ibv_mr.pd = pd;
	vmr->ibv_mr.lkey = 0x700;
	return fake_result();
}

int ibv_cmd_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset, size_t length,
			  uint64_t iova, int fd, int access,
			  struct verbs_mr *vmr,
			  struct ibv_command_buffer *driver)
{
	(void)offset;
	(void)length;
	(void)iova;
	(void)fd;
	(void)access;
	assert_null(driver);
	vmr->ibv_mr.pd = pd;
	return fake_result();
}

int ibv_cmd_rereg_mr(struct verbs_mr *vmr, uint32_t flags, void *addr,
		     size_t length, uint64_t iova, int access,
		     struct ibv_pd *pd, struct ibv_rereg_mr *cmd,
		     size_t cmd_size, struct ib_uverbs_rereg_mr_resp *resp,
		     size_t resp_size)
{
	(void)vmr;
	(void)flags;
	(void)addr;
	(void)length;
	(void)iova;
	(void)access;
	(void)pd;
	(void)cmd;
	(void)cmd_size;
	(void)resp;
	(void)resp_size;
	return fake_result();
}

int ibv_cmd_dereg_mr(struct verbs_mr *vmr)
{
	(void)vmr;
	return fake_result();
}

int ibv_cmd_alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type,
		     struct ibv_mw *mw, struct ibv_alloc_mw *cmd,
		     size_t cmd_size, struct ib_uverbs_alloc_mw_resp *resp,
		     size_t resp_size)
{
	(void)cmd;
	(void)cmd_size;
	(void)resp;
	(void)resp_size;
	mw->pd = pd;
	mw->type = type;
	mw->rkey = 0x9ff;
	return fake_result();
}

int ibv_cmd_dealloc_mw(struct ibv_mw *mw)
{
	(void)mw;
	return fake_result();
}

int ibv_cmd_create_flow(struct ibv_qp *qp, struct ibv_flow *flow,
			struct ibv_flow_attr *attr, void *cmd, size_t cmd_size)
{
	(void)qp;
	(void)flow;
	(void)attr;
	(void)cmd;
	(void)cmd_size;
	return fake_result();
}

int ibv_cmd_destroy_flow(struct ibv_flow *flow)
{
	(void)flow;
	return fake_result();
}
