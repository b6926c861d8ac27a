// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * What storage protocols do with a connection: one end registers memory and
 * sends a command that names it, the other reads or writes that memory and
 * answers with a SEND that takes the key away. Many commands at a time, over a
 * wire that loses and reorders.
 */
#include "rc.h"

#define SLOTS	8
#define SIZE	0x6000		/* of a slot's data */
#define PAGES	(SIZE / 4096)

struct command {
	u32	slot;
	u32	key;
	u64	addr;
	u32	len;
	u32	write;		/* to the target's memory */
};

/* What the initiator has for one command. */
struct slot {
	u32	handle;
	u8	tag;
	bool	write;
	u32	len;
	u64	data;
	u64	list;
	u64	cmd;
};

struct ulp {
	struct rc	*rc;
	struct rc_qp	ini;
	struct rc_qp	tgt;
	struct slot	slot[SLOTS];
	u64		answers;	/* initiator's, one for each slot */
	u64		commands;	/* target's */
	u64		data;		/* target's, SIZE for each slot */
	u64		reply;
	u64		golden;
	u32		free;		/* slots, a bit each */
	u32		sent;		/* slots whose SEND completed */
	u32		issued;
	u32		done;
};

static u64 place(u64 base, u32 slot, u32 size)
{
	return base + (u64)slot * size;
}

static void slot_init(struct ulp *u, u32 i)
{
	struct rc_dev *dev = u->ini.dev;
	struct slot *s = &u->slot[i];
	struct tulle_mkey_ctx ctx = {
		.type = TULLE_MKEY_FRWR,
		.pd = cpu_to_le32(dev->pd),
		.max_pages = cpu_to_le32(PAGES),
	};
	__le64 *list;
	u32 j;

	s->handle = fake_create(&dev->d, TULLE_CMD_CREATE_MKEY, &ctx,
				sizeof(ctx), NULL);
	assert_int_not_equal(s->handle, 0);
	s->data = fake_mem(&dev->d, SIZE, 4096);
	s->list = fake_mem(&dev->d, PAGES * 8, 8);
	s->cmd = rc_mem(dev, sizeof(struct command));
	list = fake_ptr(&dev->d, s->list);
	for (j = 0; j < PAGES; j++)
		list[j] = cpu_to_le64(s->data + j * 4096ULL);
	u->free |= 1U << i;
	rc_recv(&u->ini, i, place(u->answers, i, 8), 8);
	rc_recv(&u->tgt, i, place(u->commands, i, sizeof(struct command)),
		sizeof(struct command));
}

static struct ulp *ulp_create(const struct rc_attr *at)
{
	struct ulp *u = calloc(1, sizeof(*u));
	u32 i;

	u->rc = rc_create(2);
	rc_qp_init(&u->rc->dev[0], &u->ini, TULLE_QP_RC, 0, 0);
	rc_qp_init(&u->rc->dev[1], &u->tgt, TULLE_QP_RC, 0, 0);
	rc_connect(&u->ini, &u->tgt, at);
	u->answers = rc_mem(u->ini.dev, SLOTS * 8);
	u->commands = rc_mem(u->tgt.dev, SLOTS * sizeof(struct command));
	u->data = rc_mem(u->tgt.dev, SLOTS * SIZE);
	u->reply = rc_mem(u->tgt.dev, SLOTS * 8);
	for (i = 0; i < SLOTS; i++)
		slot_init(u, i);
	return u;
}

static void ulp_free(struct ulp *u)
{
	rc_destroy(u->rc);
	free(u);
}

static void pattern(u8 *p, u32 len, u32 seed)
{
	while (len--) {
		seed = seed * 1664525 + 1013904223;
		*p++ = (u8)(seed >> 24);
	}
}

static void post_register(struct ulp *u, const struct slot *s, u32 key)
{
	struct tulle_qp_wqe *wqe = rc_wqe(&u->ini, TULLE_WQE_REG_MR, 1000, 1);
	struct tulle_reg_mr_seg *seg = (void *)(wqe + 1);

	wqe->ctrl.flags = 0;
	*seg = (struct tulle_reg_mr_seg){
		.key = cpu_to_le32(key),
		.npages = cpu_to_le32(PAGES),
		.iova = cpu_to_le64(s->data),
		.len = cpu_to_le64(s->len),
		.pages = cpu_to_le64(s->list),
		.access = RC_REMOTE | TULLE_MKEY_LOCAL_READ |
			  TULLE_MKEY_LOCAL_WRITE,
		.log_page_size = 12,
	};
	rc_put(&u->ini, wqe);
}

static void issue(struct ulp *u, u32 i)
{
	struct slot *s = &u->slot[i];
	struct command *c = fake_ptr(&u->ini.dev->d, s->cmd);
	u32 key = TULLE_KEY(s->handle) | ++s->tag;
	struct rc_op o = { .op = TULLE_WQE_SEND, .wr_id = i, .addr = s->cmd,
			   .len = sizeof(*c) };

	s->write = u->issued % 3 != 0;
	s->len = 1 + u->issued * 977 % SIZE;
	*c = (struct command){ i, key, s->data, s->len, s->write };
	pattern(fake_ptr(&u->ini.dev->d, s->data), s->len, u->issued);
	if (!s->write)
		memset(fake_ptr(&u->ini.dev->d, s->data), 0, s->len);
	u->free &= ~(1U << i);
	u->sent &= ~(1U << i);
	u->issued++;
	post_register(u, s, key);
	rc_do(&u->ini, &o);
}

static u8 *target_data(struct ulp *u, u32 i)
{
	return fake_ptr(&u->tgt.dev->d, place(u->data, i, SIZE));
}

static void answer(struct ulp *u, const struct command *c)
{
	struct rc_op o = { .op = TULLE_WQE_SEND_INV, .wr_id = c->slot,
			   .addr = place(u->reply, c->slot, 8), .len = 8 };
	u32 *reply = fake_ptr(&u->tgt.dev->d, o.addr);

	*reply = c->slot;
	o.imm = c->key;
	rc_do(&u->tgt, &o);
}

/* The target has a command. */
static void serve(struct ulp *u, u32 recv)
{
	u64 at = place(u->commands, recv, sizeof(struct command));
	struct command *c = fake_ptr(&u->tgt.dev->d, at);
	struct rc_op o = { .wr_id = 100 + recv, .len = c->len, .rkey = c->key,
			   .raddr = c->addr,
			   .addr = place(u->data, c->slot, SIZE) };

	o.op = c->write ? TULLE_WQE_READ : TULLE_WQE_WRITE;
	if (!c->write)
		pattern(target_data(u, c->slot), c->len, c->key);
	rc_do(&u->tgt, &o);
	if (!c->write)
		answer(u, c);
}

/* The target's own requests: data has come, or an answer has left. */
static void target_done(struct ulp *u, const struct tulle_rdma_cqe *cqe)
{
	u64 id = le64_to_cpu(cqe->wr_id);
	struct command *c;

	assert_int_equal(cqe->status, 0);
	if (id < 100)
		return;
	id -= 100;
	c = fake_ptr(&u->tgt.dev->d,
		     place(u->commands, (u32)id, sizeof(struct command)));
	if (c->write)
		answer(u, c);
	rc_recv(&u->tgt, id, place(u->commands, (u32)id, sizeof(*c)),
		sizeof(*c));
}

static void finished(struct ulp *u, const struct tulle_rdma_cqe *cqe)
{
	u32 recv = (u32)le64_to_cpu(cqe->wr_id);
	u64 at = place(u->answers, recv, 8);
	u32 i = *(u32 *)fake_ptr(&u->ini.dev->d, at);
	struct slot *s = &u->slot[i];
	u8 want[SIZE];

	assert_int_equal(cqe->status, 0);
	assert_int_equal((TULLE_FORCE u32)cqe->imm,
			 TULLE_KEY(s->handle) | s->tag);
	if (s->write) {
		assert_memory_equal(fake_ptr(&u->ini.dev->d, s->data),
				    target_data(u, i), s->len);
	} else {
		pattern(want, s->len, TULLE_KEY(s->handle) | s->tag);
		assert_memory_equal(fake_ptr(&u->ini.dev->d, s->data), want,
				    s->len);
	}
	u->free |= 1U << i;
	u->done++;
	rc_recv(&u->ini, recv, at, 8);
}

static bool turn(struct ulp *u)
{
	struct tulle_rdma_cqe *cqe;
	bool any = false;

	while ((cqe = rc_poll(&u->ini.scq))) {
		assert_int_equal(cqe->status, 0);
		u->sent |= 1U << le64_to_cpu(cqe->wr_id);
		any = true;
	}
	while ((cqe = rc_poll(&u->ini.rcq))) {
		finished(u, cqe);
		any = true;
	}
	while ((cqe = rc_poll(&u->tgt.rcq))) {
		assert_int_equal(cqe->status, 0);
		serve(u, (u32)le64_to_cpu(cqe->wr_id));
		any = true;
	}
	while ((cqe = rc_poll(&u->tgt.scq))) {
		target_done(u, cqe);
		any = true;
	}
	return any;
}

static void run(struct ulp *u, u32 count)
{
	u32 idle = 0, i;

	u->sent = (1U << SLOTS) - 1;
	while (u->done < count) {
		for (i = 0; i < SLOTS && u->issued < count; i++)
			if (u->free & u->sent & 1U << i)
				issue(u, i);
		idle = turn(u) ? 0 : idle + 1;
		/* Eight retries last half a second. */
		assert_true(idle < 30000);
		fake_advance(&u->rc->env, RC_MS / 50);
	}
}

static void faulty(const char *ini, const char *tgt, u32 psn)
{
	struct rc_attr at = { .mtu = 10, .timeout = 14, .rd_atomic = 4,
			      .sq_psn = psn, .rq_psn = psn / 2 };
	struct ulp *u = ulp_create(&at);
	char err[80];

	assert_true(tfw_dev_set_faults(u->ini.dev->d.dev, ini, err,
				       sizeof(err)));
	assert_true(tfw_dev_set_faults(u->tgt.dev->d.dev, tgt, err,
				       sizeof(err)));
	run(u, 600);
	assert_int_equal(u->ini.dev->f->rdma->stats.local_errors, 0);
	ulp_free(u);
}

static void test_sound(void **state)
{
	(void)state;
	faulty("", "", 5);
}

static void test_loss(void **state)
{
	(void)state;
	faulty("seed=1;wire_loss:p=0.01", "seed=2;wire_loss:p=0.01", 5);
}

static void test_reorder(void **state)
{
	(void)state;
	faulty("seed=3;wire_reorder:p=0.01", "seed=4;wire_reorder:p=0.01",
	       0xffff00);
}

static void test_both(void **state)
{
	(void)state;
	faulty("seed=5;wire_loss:p=0.02;wire_reorder:p=0.02",
	       "seed=6;wire_loss:p=0.02;wire_delay:p=0.01", 0x7fff00);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_reorder),
		cmocka_unit_test(test_both),
	};

	return cmocka_run_group_tests_name("rc_ulp", tests, NULL, NULL);
}
