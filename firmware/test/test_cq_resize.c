// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * RESIZE_CQ: whatever was not polled is there afterwards, whatever was is not,
 * on even and odd laps of either ring.
 */
#include "rd.h"

struct cq_user {
	struct rd		*rd;
	struct fake_queue	q;
	struct tfw_cq		*cq;
	u32			made;
	u32			seen;
};

static void user_make(struct rd *rd, struct cq_user *u, u8 log, u8 log_cqe)
{
	memset(u, 0, sizeof(*u));
	u->rd = rd;
	OK(fake_cq_create(&rd->d, &u->q, rd->eq.handle, log, log_cqe, 0, 0));
	u->cq = tfw_cq_find(rd->f, u->q.handle);
}

static void make(struct cq_user *u, u32 n)
{
	while (n--) {
		struct tulle_rdma_cqe cqe = { .wr_id = cpu_to_le64(u->made) };

		assert_true(tfw_cq_push(u->cq, &cqe, sizeof(cqe), 0));
		u->made++;
	}
}

static bool see(struct cq_user *u)
{
	const struct tulle_rdma_cqe *cqe;
	const u8 *entry = fake_poll(&u->q);

	if (!entry)
		return false;
	cqe = (const void *)(entry + (1U << u->q.log_entry) - sizeof(*cqe));
	assert_int_equal(le64_to_cpu(cqe->wr_id), u->seen);
	u->seen++;
	return true;
}

static enum tulle_status resize(struct cq_user *u, u8 log)
{
	struct tulle_resize_cq req = { .handle = cpu_to_le32(u->q.handle),
				       .log_size = log };
	enum tulle_status st;
	u64 ring;

	req.pages = fake_pages(&u->rd->d, 1UL << (log + u->q.log_entry), &ring);
	st = fake_cmd(&u->rd->d, TULLE_CMD_RESIZE_CQ, &req, sizeof(req), NULL,
		      0);
	if (st)
		return st;
	u->q.ring = ring;
	u->q.log_size = log;
	return st;
}

/* Every start, every fill, up, down and to the same size. */
static void test_laps(void **state)
{
	static const u8 sizes[] = { 3, 2, 5, 5, 1, 4, 0, 3 };
	struct rd *rd = *state;
	struct cq_user u;
	u32 start, left, i, n;
	u8 log_cqe;

	for (log_cqe = 5; log_cqe <= 6; log_cqe++) {
		user_make(rd, &u, 3, log_cqe);
		for (start = 0; start < 40; start++) {
			make(&u, start % 8);
			while (see(&u))
				;
			for (i = 0; i < RD_COUNT(sizes); i++) {
				n = TFW_MIN(1U << u.q.log_size,
					    1U << sizes[i]);
				n = (start + i) % (n + 1);
				make(&u, n);
				OK(resize(&u, sizes[i]));
				left = u.made - u.seen;
				assert_int_equal(left, n);
				while (see(&u))
					left--;
				assert_int_equal(left, 0);
			}
		}
		assert_int_equal(u.seen, u.made);
	}
}

/* It goes on working: a full ring in, more than a lap out. */
static void test_goes_on(void **state)
{
	struct rd *rd = *state;
	struct cq_user u;
	u32 i;

	user_make(rd, &u, 4, 5);
	make(&u, 7);
	while (see(&u))
		;
	make(&u, 16);
	OK(resize(&u, 6));
	make(&u, 48);
	assert_false(tfw_cq_room(u.cq, 1));
	for (i = 0; i < 64; i++)
		assert_true(see(&u));
	assert_false(see(&u));
	for (i = 0; i < 200; i++) {
		make(&u, 3);
		assert_true(see(&u) && see(&u) && see(&u));
		assert_false(see(&u));
	}
}

static void test_refused(void **state)
{
	struct rd *rd = *state;
	struct tulle_resize_cq req = { 0 };
	struct cq_user u;
	u64 ring;

	user_make(rd, &u, 4, 5);
	make(&u, 5);
	BAD_AT(rd, resize(&u, 2), struct tulle_resize_cq, log_size);
	BAD_AT(rd, resize(&u, TFW_LOG_MAX_CQ + 1), struct tulle_resize_cq,
	       log_size);
	req.handle = cpu_to_le32(u.q.handle);
	req.log_size = 5;
	BAD_AT(rd, fake_cmd(&rd->d, TULLE_CMD_RESIZE_CQ, &req, sizeof(req),
			    NULL, 0), struct tulle_resize_cq, pages);
	req.rsvd[0] = 1;
	BAD_AT(rd, fake_cmd(&rd->d, TULLE_CMD_RESIZE_CQ, &req, sizeof(req),
			    NULL, 0), struct tulle_resize_cq, rsvd);
	req.rsvd[0] = 0;
	/* Memory that is not there: the old ring stays. */
	req.pages = fake_pages(&rd->d, 1024, &ring);
	rd->d.hole = ring;
	rd->d.hole_len = 32;
	assert_int_equal(fake_cmd(&rd->d, TULLE_CMD_RESIZE_CQ, &req,
				  sizeof(req), NULL, 0), TULLE_STATUS_DMA);
	rd->d.hole_len = 0;
	while (see(&u))
		;
	assert_int_equal(u.seen, 5);
	/* A consumer index that cannot be */
	u.q.dbr->ci = cpu_to_le32(77);
	assert_int_equal(resize(&u, 5), TULLE_STATUS_BAD_STATE);
	req.handle = cpu_to_le32(u.q.handle + RD_GEN1);
	assert_int_equal(fake_cmd(&rd->d, TULLE_CMD_RESIZE_CQ, &req,
				  sizeof(req), NULL, 0),
			 TULLE_STATUS_BAD_HANDLE);
}

/* A big ring on an odd lap, in pages that do not lie side by side. */
static void test_paged(void **state)
{
	struct tulle_resize_cq req = { .log_size = 10 };
	struct rd *rd = *state;
	struct cq_user u;
	__le64 *list;
	u32 i, n;
	u64 addr;

	user_make(rd, &u, 8, 6);
	for (i = 0; i < 1030; i++) {
		make(&u, 1);
		assert_true(see(&u));
	}
	make(&u, 100);
	addr = fake_mem(&rd->d, 4096, 4096);
	list = fake_ptr(&rd->d, addr);
	for (i = 0; i < 16; i++)
		list[i] = cpu_to_le64(fake_mem(&rd->d, 8192, 4096));
	req.handle = cpu_to_le32(u.q.handle);
	req.pages = (struct tulle_page_list){
		.addr = cpu_to_le64(addr), .npages = cpu_to_le32(16),
		.log_page_size = 12, .levels = 1,
	};
	rd->d.writes = 0;
	OK(fake_cmd(&rd->d, TULLE_CMD_RESIZE_CQ, &req, sizeof(req), NULL, 0));
	/* By the page, and what a command takes */
	assert_in_range(rd->d.writes, 16, 16 + 8);
	/* By hand: exactly the 100 look new. */
	for (i = 1030, n = 0; i < 1030 + 1024; i++) {
		const u8 *e = fake_ptr(&rd->d, tfw_ring_addr(&u.cq->ring, i));

		if ((e[63] & 1) != ((i >> 10) & 1)) {
			assert_int_equal(i, 1030 + n);
			n++;
		}
	}
	assert_int_equal(n, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RD_TEST(test_laps),
		RD_TEST(test_goes_on),
		RD_TEST(test_refused),
		RD_TEST(test_paged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
