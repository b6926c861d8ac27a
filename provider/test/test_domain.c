// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Parent domains whose queues are in the program's own memory. */
#include "fake.h"

/*
 * struct arena - the program's allocator
 * @fail_at: this call, from 1, gives nothing; 0: none
 * @use_default: it leaves the work to the provider
 * @off: bytes from where a page begins
 * @unlocked: of this CQ nobody holds the lock meanwhile
 * @calls, @frees: of its functions
 * @types: what the calls asked for
 */
struct arena {
	struct ibv_pd *pd;
	unsigned int fail_at;
	bool use_default;
	size_t off;
	struct tulle_cq *unlocked;
	unsigned int calls;
	unsigned int frees;
	uint64_t types[16];
	void *addr[16];
	size_t size[16];
	bool live[16];
};

static void check_unlocked(struct tulle_cq *cq)
{
	if (!cq)
		return;
	assert_int_equal(pthread_spin_trylock(&cq->lock.spin), 0);
	pthread_spin_unlock(&cq->lock.spin);
}

static void *arena_alloc(struct ibv_pd *pd, void *context, size_t size,
			 size_t alignment, uint64_t type)
{
	struct arena *a = context;
	unsigned int i = a->calls++;

	assert_ptr_equal(pd, a->pd);
	assert_int_equal(alignment, 4096);
	assert_int_equal(size % 4096, 0);
	assert_true(i < ARRAY_SIZE(a->types));
	check_unlocked(a->unlocked);
	a->types[i] = type;
	a->size[i] = size;
	if (a->calls == a->fail_at)
		return NULL;
	if (a->use_default)
		return IBV_ALLOCATOR_USE_DEFAULT;
	a->live[i] = true;
	a->addr[i] = (char *)aligned_alloc(4096, size + 4096) + a->off;
	/* As malloc() may give it: not zeroed. */
	memset(a->addr[i], 0xff, size);
	return a->addr[i];
}

static void arena_free(struct ibv_pd *pd, void *context, void *addr,
		       uint64_t type)
{
	struct arena *a = context;
	unsigned int i;

	assert_ptr_equal(pd, a->pd);
	check_unlocked(a->unlocked);
	for (i = 0; i < a->calls && a->addr[i] != addr; i++)
		;
	assert_true(i < a->calls && a->live[i]);
	assert_int_equal(type, a->types[i]);
	a->live[i] = false;
	a->addr[i] = NULL;
	a->frees++;
	free((char *)addr - a->off);
}

static struct ibv_pd *arena_domain(struct arena *a, struct ibv_pd *pd)
{
	struct ibv_parent_domain_init_attr attr = {
		.pd = pd,
		.comp_mask = IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS |
			     IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT,
		.alloc = arena_alloc,
		.free = arena_free,
		.pd_context = a,
	};

	*a = (struct arena) {
		.pd = tulle_parent_alloc(&fake.ctx.vctx.context, &attr),
	};
	assert_non_null(a->pd);
	return a->pd;
}

/* Everything that was taken came back, and the domain may go. */
static void arena_done(struct arena *a, struct ibv_pd *pd, unsigned int frees)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(a->live); i++)
		assert_false(a->live[i]);
	assert_int_equal(a->frees, frees);
	assert_int_equal(tulle_pd_dealloc(a->pd), 0);
	assert_int_equal(tulle_pd_dealloc(pd), 0);
}

static struct ibv_qp *domain_qp(struct ibv_pd *pd, struct tulle_cq *cq)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = &cq->vcq.cq,
		.recv_cq = &cq->vcq.cq,
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 200, .max_recv_wr = 10 },
	};

	return tulle_qp_create(pd, &attr);
}

static struct tulle_cq *domain_cq(struct ibv_pd *pd)
{
	struct ibv_cq_init_attr_ex attr = {
		.cqe = 4,
		.comp_mask = IBV_CQ_INIT_ATTR_MASK_PD,
		.parent_domain = pd,
	};
	struct ibv_cq_ex *cq;

	cq = tulle_cq_create_ex(&fake.ctx.vctx.context, &attr);
	return cq ? to_tulle_cq(ibv_cq_ex_to_cq(cq)) : NULL;
}

static struct ibv_srq *domain_srq(struct ibv_pd *pd)
{
	struct ibv_srq_init_attr attr = { .attr = { 10, 1, 0 } };

	return tulle_srq_create(pd, &attr);
}

static void check_zero(const struct arena *a, unsigned int i)
{
	size_t k;

	for (k = 0; k < a->size[i]; k++)
		assert_int_equal(((char *)a->addr[i])[k], 0);
}

static void test_own(void **state)
{
	struct ibv_pd *pd = fake_pd(), *parent;
	struct ibv_qp_attr reset = { .qp_state = IBV_QPS_RESET };
	struct tulle_cq *cq;
	struct ibv_srq *srq;
	struct ibv_wc wc;
	struct arena a;
	struct ibv_qp *qp;

	(void)state;
	parent = arena_domain(&a, pd);
	cq = domain_cq(parent);
	assert_non_null(cq);
	assert_int_equal(a.types[0], TULLEDV_RES_TYPE_CQ);
	assert_int_equal(a.types[0] >> 32, TULLE_RDMA_DRIVER_ID);
	assert_ptr_equal((void *)fake.cq.buf, a.addr[0]);
	check_zero(&a, 0);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 0);
	qp = domain_qp(parent, cq);
	assert_non_null(qp);
	assert_int_equal(a.types[1], TULLEDV_RES_TYPE_SQ);
	assert_int_equal(a.types[2], TULLEDV_RES_TYPE_RQ);
	assert_ptr_equal((void *)fake.qp.sq_buf, a.addr[1]);
	assert_ptr_equal((void *)fake.qp.rq_buf, a.addr[2]);
	assert_true(a.size[1] >= (64UL << fake.qp.log_sq_size));
	check_zero(&a, 1);
	check_zero(&a, 2);
	srq = domain_srq(parent);
	assert_int_equal(a.types[3], TULLEDV_RES_TYPE_SRQ);
	assert_ptr_equal((void *)fake.srq.buf, a.addr[3]);
	check_zero(&a, 3);
	/* Records are the provider's, and so is what fork() does to them. */
	assert_int_equal(fake.forks, 4096);
	assert_int_equal(tulle_qp_modify(qp, &reset, IBV_QP_STATE), 0);
	assert_int_equal(tulle_pd_dealloc(parent), EBUSY);
	tulle_qp_destroy(qp);
	assert_int_equal(a.frees, 2);
	tulle_srq_destroy(srq);
	assert_int_equal(tulle_pd_dealloc(parent), EBUSY);
	tulle_cq_destroy(&cq->vcq.cq);
	assert_int_equal(a.calls, 4);
	arena_done(&a, pd, 4);
}

static void test_default(void **state)
{
	struct ibv_pd *pd = fake_pd(), *parent;
	struct tulle_cq *cq;
	struct ibv_srq *srq;
	struct arena a;
	struct ibv_qp *qp;

	(void)state;
	parent = arena_domain(&a, pd);
	a.use_default = true;
	cq = domain_cq(parent);
	qp = domain_qp(parent, cq);
	srq = domain_srq(parent);
	assert_non_null(srq);
	assert_int_equal(a.calls, 4);
	assert_true(fake.forks > 4 * 4096);
	assert_int_equal(tulle_cq_resize(&cq->vcq.cq, 1000), 0);
	assert_int_equal(a.calls, 5);
	assert_int_equal(tulle_pd_dealloc(parent), EBUSY);
	tulle_srq_destroy(srq);
	tulle_qp_destroy(qp);
	tulle_cq_destroy(&cq->vcq.cq);
	arena_done(&a, pd, 0);
}

/* Without memory, or with memory that is of no use: nothing is left. */
static void test_no_memory(void **state)
{
	struct tulle_cq *cq = fake_cq(4, 0);
	struct ibv_pd *pd = fake_pd(), *parent;
	struct arena a;

	(void)state;
	parent = arena_domain(&a, pd);
	a.fail_at = 1;
	assert_null(domain_cq(parent));
	assert_int_equal(errno, ENOMEM);
	a.fail_at = 2;
	assert_null(domain_srq(parent));
	assert_int_equal(errno, ENOMEM);
	a.fail_at = 4;		/* the RQ, behind the SQ */
	assert_null(domain_qp(parent, cq));
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(a.frees, 1);
	a.off = 512;
	assert_null(domain_qp(parent, cq));
	assert_int_equal(errno, EINVAL);
	tulle_cq_destroy(&cq->vcq.cq);
	arena_done(&a, pd, 2);
}

/* What the kernel refuses goes back as well. */
static void test_refused(void **state)
{
	struct tulle_cq *cq = fake_cq(4, 0);
	struct ibv_pd *pd = fake_pd(), *parent;
	struct arena a;

	(void)state;
	parent = arena_domain(&a, pd);
	fake.fail = EPERM;
	assert_null(domain_cq(parent));
	assert_int_equal(errno, EPERM);
	assert_int_equal(a.frees, 1);
	fake.fail = EPERM;
	assert_null(domain_srq(parent));
	assert_int_equal(a.frees, 2);
	fake.fail = EPERM;
	assert_null(domain_qp(parent, cq));
	assert_int_equal(errno, EPERM);
	tulle_cq_destroy(&cq->vcq.cq);
	arena_done(&a, pd, 4);
}

/* The new ring comes from where the old one did; nobody's lock is held. */
static void test_resize(void **state)
{
	struct ibv_pd *pd = fake_pd(), *parent;
	struct tulle_cq *cq;
	struct ibv_wc wc;
	struct arena a;

	(void)state;
	parent = arena_domain(&a, pd);
	cq = domain_cq(parent);
	assert_non_null(cq);
	a.unlocked = cq;
	assert_int_equal(tulle_cq_resize(&cq->vcq.cq, 4), 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(tulle_cq_resize(&cq->vcq.cq, 1000), 0);
	assert_int_equal(a.types[1], TULLEDV_RES_TYPE_CQ);
	assert_ptr_equal((void *)fake.resize.buf, a.addr[1]);
	assert_int_equal(a.frees, 1);
	assert_int_equal(tulle_cq_poll(&cq->vcq.cq, 1, &wc), 0);
	fake.fail = EBUSY;
	assert_int_equal(tulle_cq_resize(&cq->vcq.cq, 2000), EBUSY);
	assert_int_equal(a.frees, 2);
	assert_ptr_equal(cq->buf.addr, a.addr[1]);
	a.fail_at = 4;
	assert_int_equal(tulle_cq_resize(&cq->vcq.cq, 2000), ENOMEM);
	a.unlocked = NULL;
	tulle_cq_destroy(&cq->vcq.cq);
	arena_done(&a, pd, 3);
}

static void *no_context_alloc(struct ibv_pd *pd, void *context, size_t size,
			      size_t alignment, uint64_t type)
{
	(void)pd;
	(void)type;
	assert_null(context);
	return aligned_alloc(alignment, size);
}

static void no_context_free(struct ibv_pd *pd, void *context, void *addr,
			    uint64_t type)
{
	(void)pd;
	(void)type;
	assert_null(context);
	free(addr);
}

/* Members count when their bit says so. */
static void test_bits(void **state)
{
	struct ibv_context *context = &fake.ctx.vctx.context;
	struct ibv_pd *pd = fake_pd(), *parent, *inner;
	struct ibv_parent_domain_init_attr attr = {
		.pd = pd,
		.comp_mask = IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS,
		.alloc = no_context_alloc,
		.pd_context = &attr,
	};
	struct ibv_srq *srq;

	(void)state;
	assert_null(tulle_parent_alloc(context, &attr));
	assert_int_equal(errno, EINVAL);
	attr.free = no_context_free;
	attr.comp_mask |= IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT << 1;
	assert_null(tulle_parent_alloc(context, &attr));
	assert_int_equal(errno, EOPNOTSUPP);
	attr.comp_mask = IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS;
	parent = tulle_parent_alloc(context, &attr);
	srq = domain_srq(parent);
	assert_non_null(srq);
	assert_int_equal(fake.forks, 4096);
	tulle_srq_destroy(srq);
	/* One around it has what it was given itself: nothing. */
	attr.comp_mask = 0;
	attr.pd = parent;
	inner = tulle_parent_alloc(context, &attr);
	srq = domain_srq(inner);
	assert_int_equal(fake.forks, 2 * 4096);
	assert_int_equal(tulle_pd_dealloc(inner), EBUSY);
	tulle_srq_destroy(srq);
	assert_int_equal(tulle_pd_dealloc(parent), 0);
	assert_int_equal(tulle_pd_dealloc(pd), EBUSY);
	assert_int_equal(tulle_pd_dealloc(inner), 0);
	assert_int_equal(tulle_pd_dealloc(pd), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_own), T(test_default), T(test_no_memory),
		T(test_refused), T(test_resize), T(test_bits),
	};

	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
