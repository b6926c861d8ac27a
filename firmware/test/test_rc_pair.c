// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Connected QPs against each other: two devices on a cable, and one device
 * where both ends are. Every operation at every path MTU, the data compared;
 * then with losses and packets out of order.
 */
#include "rc.h"

struct pair {
	struct rc	*rc;
	struct rc_qp	a;
	struct rc_qp	b;
};

static struct pair *pair_make(unsigned int n, u8 type, const struct rc_attr *at)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->rc = rc_create(n);
	rc_qp_init(&p->rc->dev[0], &p->a, type, 0, 0);
	rc_qp_init(&p->rc->dev[n - 1], &p->b, type, 0, 0);
	rc_connect(&p->a, &p->b, at);
	return p;
}

static void pair_free(struct pair *p)
{
	rc_destroy(p->rc);
	free(p);
}

static const u32 lengths[] = {
	0, 1, 3, 4, 255, 256, 257, 1023, 1024, 1025, 4095, 4096, 4097, 8192,
	65537, 300001,
};

#define BIG	300001

/* Runs until something is in the queue, or for a second. */
static struct tulle_rdma_cqe *wait_cqe(struct pair *p, struct fake_queue *cq)
{
	struct tulle_rdma_cqe *cqe = rc_poll(cq);
	unsigned int i;

	for (i = 0; !cqe && i < 4000; i++) {
		fake_advance(&p->rc->env, RC_MS);
		cqe = rc_poll(cq);
	}
	assert_non_null(cqe);
	return cqe;
}

static void one_send(struct pair *p, u32 len, u64 from, u64 to, u32 i)
{
	struct rc_op o = { .op = i & 1 ? TULLE_WQE_SEND_IMM : TULLE_WQE_SEND,
			   .wr_id = 100 + i, .addr = from, .len = len,
			   .imm = i & 1 ? 0x11223344 + i : 0 };
	struct tulle_rdma_cqe *cqe;

	memset(fake_ptr(&p->b.dev->d, to), 0xee, BIG + 8);
	rc_recv(&p->b, 200 + i, to, len + 8);
	rc_do(&p->a, &o);
	cqe = wait_cqe(p, &p->b.rcq);
	assert_int_equal(cqe->status, 0);
	assert_int_equal(le64_to_cpu(cqe->wr_id), 200 + i);
	assert_int_equal(le32_to_cpu(cqe->byte_len), len);
	assert_int_equal(rc_cqe_op(cqe), TULLE_CQE_RECV);
	if (i & 1)
		assert_memory_equal(&cqe->imm, &o.imm, 4);
	cqe = wait_cqe(p, &p->a.scq);
	assert_int_equal(cqe->status, 0);
	assert_int_equal(le64_to_cpu(cqe->wr_id), 100 + i);
	rc_same(p->a.dev, from, p->b.dev, to, len);
	assert_int_equal(*((u8 *)fake_ptr(&p->b.dev->d, to) + len), 0xee);
}

static void one_write(struct pair *p, u32 len, u64 from, u64 to, u32 i)
{
	struct rc_op o = { .op = i & 1 ? TULLE_WQE_WRITE_IMM : TULLE_WQE_WRITE,
			   .wr_id = 300 + i, .addr = from, .len = len,
			   .raddr = to, .rkey = p->b.dev->key,
			   .imm = i & 1 ? 0x55667788 + i : 0 };
	struct tulle_rdma_cqe *cqe;

	memset(fake_ptr(&p->b.dev->d, to), 0xee, BIG + 8);
	if (i & 1)
		rc_recv_sges(&p->b, 400 + i, NULL, 0);
	rc_do(&p->a, &o);
	cqe = wait_cqe(p, &p->a.scq);
	assert_int_equal(cqe->status, 0);
	assert_int_equal(rc_cqe_op(cqe), TULLE_CQE_WRITE);
	if (i & 1) {
		cqe = wait_cqe(p, &p->b.rcq);
		assert_int_equal(le64_to_cpu(cqe->wr_id), 400 + i);
		assert_int_equal(rc_cqe_op(cqe), TULLE_CQE_RECV_WRITE);
		assert_int_equal(le32_to_cpu(cqe->byte_len), len);
		assert_memory_equal(&cqe->imm, &o.imm, 4);
	}
	rc_same(p->a.dev, from, p->b.dev, to, len);
	assert_int_equal(*((u8 *)fake_ptr(&p->b.dev->d, to) + len), 0xee);
}

static void one_read(struct pair *p, u32 len, u64 from, u64 to, u32 i)
{
	struct rc_op o = { .op = TULLE_WQE_READ, .wr_id = 500 + i, .addr = to,
			   .len = len, .raddr = from, .rkey = p->b.dev->key };
	struct tulle_rdma_cqe *cqe;

	memset(fake_ptr(&p->a.dev->d, to), 0xee, BIG + 8);
	rc_do(&p->a, &o);
	cqe = wait_cqe(p, &p->a.scq);
	assert_int_equal(cqe->status, 0);
	assert_int_equal(le64_to_cpu(cqe->wr_id), 500 + i);
	assert_int_equal(rc_cqe_op(cqe), TULLE_CQE_READ);
	assert_int_equal(le32_to_cpu(cqe->byte_len), len);
	rc_same(p->a.dev, to, p->b.dev, from, len);
	assert_int_equal(*((u8 *)fake_ptr(&p->a.dev->d, to) + len), 0xee);
}

static void all_lengths(struct pair *p)
{
	u64 af = rc_fill(p->a.dev, BIG, 1), at = rc_mem(p->a.dev, BIG + 8);
	u64 bf = rc_fill(p->b.dev, BIG, 2), bt = rc_mem(p->b.dev, BIG + 8);
	u32 i;

	for (i = 0; i < NET_COUNT(lengths); i++) {
		one_send(p, lengths[i], af, bt, i);
		one_write(p, lengths[i], af, bt, i);
		one_read(p, lengths[i], bf, at, i);
		one_send(p, lengths[i], af, bt, i + 1);
		one_write(p, lengths[i], af, bt, i + 1);
	}
	assert_null(rc_poll(&p->a.scq));
	assert_null(rc_poll(&p->b.rcq));
}

/* Both ends must be of one mind about numbers when all is done. */
static void in_step(struct pair *p)
{
	const struct tfw_requester *r = p->a.qp->req;
	const struct tfw_responder *s = p->b.qp->resp;

	assert_int_equal(r->next_psn, s->epsn);
	assert_int_equal(r->una, s->epsn);
	assert_int_equal(r->head, r->tail);
	assert_int_equal(r->rd_out, 0);
}

static void every_mtu(unsigned int n)
{
	u8 mtu;

	for (mtu = 8; mtu <= 12; mtu++) {
		struct rc_attr at = { .mtu = mtu, .sgid = mtu % 3,
				      .sq_psn = 0xfffff0, .rq_psn = 77 };
		struct pair *p = pair_make(n, TULLE_QP_RC, &at);

		all_lengths(p);
		in_step(p);
		if (n == 1)
			assert_int_not_equal(p->a.dev->f->rdma->stats
					     .loopback_messages, 0);
		else
			assert_int_equal(p->b.dev->f->rdma->stats.rx_messages,
					 5 * NET_COUNT(lengths));
		pair_free(p);
	}
}

static void test_cable_every_mtu(void **state)
{
	(void)state;
	every_mtu(2);
}

static void test_loop_every_mtu(void **state)
{
	(void)state;
	every_mtu(1);
}

/* Memory that cannot be mapped takes the other way through. */
static void test_cable_no_map(void **state)
{
	struct rc_attr at = { .mtu = 12 };
	struct pair *p = pair_make(2, TULLE_QP_RC, &at);

	(void)state;
	p->a.dev->d.no_map = true;
	p->b.dev->d.no_map = true;
	all_lengths(p);
	in_step(p);
	pair_free(p);
}

static void faulty(const char *faults, u32 seed_psn)
{
	struct rc_attr at = { .mtu = 10, .timeout = 8, .sq_psn = seed_psn };
	struct pair *p = pair_make(2, TULLE_QP_RC, &at);
	const struct tfw_rdma_stats *st = &p->a.dev->f->rdma->stats;
	char err[80];

	assert_true(tfw_dev_set_faults(p->a.dev->d.dev, faults, err,
				       sizeof(err)));
	assert_true(tfw_dev_set_faults(p->b.dev->d.dev, faults, err,
				       sizeof(err)));
	all_lengths(p);
	in_step(p);
	assert_int_not_equal(st->retransmits, 0);
	pair_free(p);
}

static void test_loss(void **state)
{
	(void)state;
	faulty("seed=1;wire_loss:p=0.02", 5);
}

static void test_reorder(void **state)
{
	(void)state;
	faulty("seed=2;wire_reorder:p=0.02", 0xffff80);
}

/* Many at once, of all kinds, both ways, with losses. */
static void storm(struct pair *p, u32 count)
{
	u64 af = rc_fill(p->a.dev, 65536, 3), bt = rc_mem(p->b.dev, 65536);
	u64 at = rc_mem(p->a.dev, 65536), bf = rc_fill(p->b.dev, 65536, 4);
	u32 i, done = 0, turns = 0;

	for (i = 0; i < count || done < count;) {
		struct rc_op o = { .wr_id = i, .len = (i * 977) % 5000 };
		struct tulle_rdma_cqe *cqe;

		while ((cqe = rc_poll(&p->a.scq))) {
			assert_int_equal(cqe->status, 0);
			assert_int_equal(le64_to_cpu(cqe->wr_id), done);
			done++;
		}
		if (i == count || i - done >= 30) {
			fake_advance(&p->rc->env, RC_MS / 4);
			assert_true(++turns < 200000);
			continue;
		}
		switch (i % 3) {
		case 0:
			o.op = TULLE_WQE_WRITE;
			o.addr = af + i % 50000;
			o.raddr = bt + i % 50000;
			break;
		case 1:
			o.op = TULLE_WQE_READ;
			o.addr = at + i % 50000;
			o.raddr = bf + i % 50000;
			break;
		default:
			o.op = TULLE_WQE_FETCH_ADD;
			o.len = 8;
			o.addr = at;
			o.raddr = bt + 60000;
			o.swap_add = 1;
		}
		o.rkey = p->b.dev->key;
		rc_do(&p->a, &o);
		i++;
	}
	assert_int_equal(*(u64 *)fake_ptr(&p->b.dev->d, bt + 60000),
			 count / 3);
	in_step(p);
}

static void test_storm_loss(void **state)
{
	struct rc_attr at = { .mtu = 9, .timeout = 7, .rd_atomic = 5,
			      .sq_psn = 0xfffe00 };
	struct pair *p = pair_make(2, TULLE_QP_RC, &at);
	char err[80];

	(void)state;
	assert_true(tfw_dev_set_faults(p->a.dev->d.dev,
				       "seed=3;wire_loss:p=0.01;"
				       "wire_corrupt:p=0.005;wire_delay:p=0.005",
				       err, sizeof(err)));
	assert_true(tfw_dev_set_faults(p->b.dev->d.dev,
				       "seed=4;wire_loss:p=0.01;"
				       "wire_reorder:p=0.01",
				       err, sizeof(err)));
	storm(p, 900);
	pair_free(p);
}

static void test_storm_loop(void **state)
{
	struct pair *p = pair_make(1, TULLE_QP_RC, NULL);

	(void)state;
	storm(p, 900);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cable_every_mtu),
		cmocka_unit_test(test_loop_every_mtu),
		cmocka_unit_test(test_cable_no_map),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_reorder),
		cmocka_unit_test(test_storm_loss),
		cmocka_unit_test(test_storm_loop),
	};

	return cmocka_run_group_tests_name("rc_pair", tests, NULL, NULL);
}
