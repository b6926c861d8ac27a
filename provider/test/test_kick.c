// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* When a doorbell rings, on which register, with what; and never otherwise. */
#include "fake.h"

/*
 * The rule in other words: the device said that it would stop looking at @evt,
 * and @evt is one of the indices that were passed: old, old + 1 .. new - 1.
 */
static bool passed(uint32_t old, uint32_t new, uint32_t evt)
{
	uint32_t i;

	for (i = old; i != new; i++)
		if (i == evt)
			return true;
	return false;
}

static void test_rule(void **state)
{
	static const uint32_t bases[] = {
		0, 1, 100, 0x7ffffff8, 0x80000000, 0xfffffff0,
	};
	unsigned int b;
	int step, d;

	(void)state;
	for (b = 0; b < ARRAY_SIZE(bases); b++) {
		for (step = 0; step < 20; step++) {
			for (d = -30; d < 30; d++) {
				uint32_t old = bases[b], evt = old + d;

				assert_int_equal(tulle_kick_needed(old + step, old, evt),
						 passed(old, old + step, evt));
			}
			assert_false(tulle_kick_needed(bases[b] + step, bases[b],
						       bases[b] + TULLE_EVT_FAR));
		}
	}
}

struct env {
	struct tulle_cq *cq;
	struct tulle_qp *qp;
	uint32_t handle;
};

static struct env env_new(void)
{
	struct env e = { .cq = fake_cq(64, 0) };

	e.handle = FAKE_HANDLE + fake.qps;
	e.qp = fake_qp(IBV_QPT_RC, e.cq, NULL, IBV_QP_EX_WITH_SEND);
	return e;
}

static void env_free(struct env *e)
{
	tulle_qp_destroy(&e->qp->vqp.qp);
	tulle_cq_destroy(&e->cq->vcq.cq);
}

static void send(struct env *e, unsigned int n)
{
	struct ibv_send_wr wr[4] = {}, *bad;
	unsigned int i;

	for (i = 0; i < n; i++) {
		wr[i].opcode = IBV_WR_SEND;
		wr[i].next = i + 1 < n ? &wr[i + 1] : NULL;
	}
	assert_int_equal(tulle_post_send(&e->qp->vqp.qp, wr, &bad), 0);
}

static void test_sq(void **state)
{
	struct env e = env_new();

	(void)state;
	/* Asleep at 0: the first wakes it, what follows does not */
	send(&e, 1);
	assert_int_equal(fake_doorbell(TULLE_UAR_QP_SQ), e.handle);
	send(&e, 1);
	fake_no_doorbell();
	/* Awake */
	e.qp->dbr->evt = htole32(2 + TULLE_EVT_FAR);
	send(&e, 4);
	fake_no_doorbell();
	/* Asleep at 6; a list is one doorbell */
	e.qp->dbr->evt = htole32(6);
	send(&e, 4);
	assert_int_equal(fake_doorbell(TULLE_UAR_QP_SQ), e.handle);
	fake_no_doorbell();
	/* The RQ's words are no concern of the SQ */
	e.qp->dbr->evt = htole32(10 + TULLE_EVT_FAR);
	e.qp->dbr->rq_evt = htole32(10);
	send(&e, 1);
	fake_no_doorbell();
	env_free(&e);
}

static void test_sq_ex(void **state)
{
	struct env e = env_new();
	struct ibv_qp_ex *ex = &e.qp->vqp.qp_ex;
	unsigned int i;

	(void)state;
	e.qp->dbr->evt = htole32(2);
	ex->wr_start(ex);
	for (i = 0; i < 3; i++)
		ex->wr_send(ex);
	assert_int_equal(ex->wr_complete(ex), 0);
	assert_int_equal(fake_doorbell(TULLE_UAR_QP_SQ), e.handle);
	ex->wr_start(ex);
	ex->wr_send(ex);
	assert_int_equal(ex->wr_complete(ex), 0);
	fake_no_doorbell();
	env_free(&e);
}

static void test_rq(void **state)
{
	struct ibv_recv_wr wr = {}, *bad;
	struct env e = env_new();

	(void)state;
	/* Not run dry: never a doorbell */
	e.qp->dbr->rq_evt = htole32(TULLE_EVT_FAR);
	e.qp->dbr->evt = htole32(1);
	assert_int_equal(tulle_post_recv(&e.qp->vqp.qp, &wr, &bad), 0);
	assert_int_equal(tulle_post_recv(&e.qp->vqp.qp, &wr, &bad), 0);
	fake_no_doorbell();
	e.qp->dbr->rq_evt = htole32(2);
	assert_int_equal(tulle_post_recv(&e.qp->vqp.qp, &wr, &bad), 0);
	assert_int_equal(fake_doorbell(TULLE_UAR_QP_RQ), e.handle);
	fake_no_doorbell();
	env_free(&e);
}

static void test_srq(void **state)
{
	struct ibv_srq_init_attr attr = {
		.attr = { .max_wr = 8, .max_sge = 1 },
	};
	struct ibv_recv_wr wr = {}, *bad;
	struct ibv_pd *pd = fake_pd();
	struct ibv_srq *srq = tulle_srq_create(pd, &attr);

	(void)state;
	to_tulle_srq(srq)->rq.dbr->evt = htole32(TULLE_EVT_FAR);
	assert_int_equal(tulle_srq_post(srq, &wr, &bad), 0);
	fake_no_doorbell();
	to_tulle_srq(srq)->rq.dbr->evt = htole32(1);
	assert_int_equal(tulle_srq_post(srq, &wr, &bad), 0);
	assert_int_equal(fake_doorbell(TULLE_UAR_SRQ), 0x66000123);
	tulle_srq_destroy(srq);
	tulle_pd_dealloc(pd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_rule), T(test_sq), T(test_sq_ex), T(test_rq), T(test_srq),
	};

	return cmocka_run_group_tests_name("kick", tests, NULL, NULL);
}
