// SPDX-License-Identifier: GPL-2.0
/*
 * hostile MODE IBDEV GID_INDEX [SECONDS [SEED]]: a process that owns contexts
 * of an RDMA device and wishes everybody else ill. It speaks the uverbs ABI
 * itself, so that its rings, its doorbell records and its doorbell page are in
 * its own hands.
 *
 *	abi	objects with nonsense in the provider's structs: refused
 *	keys	keys, addresses, handles and queue pairs of another process: errors
 *		of its own
 *	srq	a shared receive queue that says it holds more than it can: the
 *		device stops it, and the process is told
 *	fuzz	random bytes in rings and records, random doorbells, requests that
 *		are almost right, for so many seconds
 *
 * Exit status 0: all was as it must be.
 */
#include <sys/wait.h>

#include "uverbs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PATTERN	     0x5a

/* What a process would like to keep to itself. */
struct prey {
	uint64_t va;
	uint32_t lkey, rkey, qpn, qp, cq, srq, pd_id, qp_id, mr_id;
};

static unsigned int bad;

static void want(bool ok, const char *format, const char *what, int got)
{
	if (ok)
		return;
	bad++;
	printf(format, what, got);
	putchar('\n');
}

/* Requests that must be refused: a good one with one member changed. */
#define TRY(what, make, call)						\
	do {								\
		int res;						\
									\
		make;							\
		res = (call);						\
		want(res, "%s was taken (%d)", what, res);		\
	} while (0)

static void abi_cq(struct box *b)
{
	struct tulle_ib_ureq_create_cq good = good_cq(b), c;

#define CQ(what, change) TRY("CQ: " what, c = good; c.change, create_cq(b, &c, 63))
	CQ("comp_mask", comp_mask = 1);
	CQ("unaligned ring", buf += 64);
	CQ("no ring", buf = 0);
	CQ("ring of the kernel", buf = 0xffff888000000000);
	CQ("ring at the end of the world", buf = -PAGE);
	CQ("unaligned record", dbr += 64);
	CQ("record nowhere", dbr = 0);
	CQ("record of the kernel", dbr = 0xffffffff81000000);
	CQ("too large", log_size = b->caps.log_max_cq + 1);
	CQ("far too large", log_size = 255);
	CQ("entries of 16 bytes", log_cqe_size = 4);
	CQ("entries of 128 bytes", log_cqe_size = 7);
	CQ("reserved byte", rsvd[5] = 1);
}

static void abi_srq(struct box *b)
{
	struct tulle_ib_ureq_create_srq good = good_srq(b), c;

#define SRQ(what, change) TRY("SRQ: " what, c = good; c.change, create_srq(b, &c))
	SRQ("comp_mask", comp_mask = 1);
	SRQ("unaligned ring", buf += 8);
	SRQ("no ring", buf = 0);
	SRQ("unaligned record", dbr += 1);
	SRQ("record nowhere", dbr = 128);
	SRQ("too large", log_size = b->caps.log_max_qp_rq + 1);
	SRQ("entries of 16 bytes", log_wqe_size = 4);
	SRQ("entries of 512 bytes", log_wqe_size = 9);
	SRQ("shift beyond a word", log_size = 200);
	SRQ("reserved byte", rsvd[0] = 0x80);
}

static void abi_qp(struct box *b)
{
	struct ib_uverbs_create_qp cmd = good_qp_cmd(b, QPT_RC, false), k;
	struct tulle_ib_ureq_create_qp good = good_qp(&b->qp[0], false), c;
	struct qp qp;

#define QP(what, change)  TRY("QP: " what, k = cmd; c = good; c.change, create_qp(b, &qp, &k, &c))
#define QPC(what, change) TRY("QP: " what, k = cmd; c = good; k.change, create_qp(b, &qp, &k, &c))
	QP("comp_mask", comp_mask = 1ULL << 63);
	QP("no SQ", sq_buf = 0);
	QP("unaligned SQ", sq_buf += 64);
	QP("SQ of the kernel", sq_buf = 0xffffc90000000000);
	QP("unaligned RQ", rq_buf += 2048);
	QP("record nowhere", dbr = 0);
	QP("unaligned record", dbr += 32);
	QP("SQ too large", log_sq_size = b->caps.log_max_qp_sq + 1);
	QP("SQ beyond a word", log_sq_size = 63);
	QP("RQ too large", log_rq_size = 64);
	QP("RQ entries of 16 bytes", log_rq_wqe = 4);
	QP("RQ entries of 2^40 bytes", log_rq_wqe = 40);
	QP("reserved byte", rsvd[4] = 1);
	QPC("PD that is not there", pd_handle = 0x7777);
	QPC("CQ that is not there", send_cq_handle = 0x7777);
	QPC("MR for a PD", pd_handle = b->mr + 1000);
	QPC("RQ and SRQ", is_srq = 1);
	QPC("GSI", qp_type = 1);
	QPC("a type that is none", qp_type = 77);
	QPC("too many requests", max_send_wr = 1 << 30);
	QPC("too many SGEs", max_send_sge = 1000);
	QPC("too much inline", max_inline_data = 1 << 20);
}

static void abi_mmap(struct box *b)
{
	struct {
		uint64_t off;
		size_t len;
		int prot;
	} tries[] = {
		{ b->caps.uar_offset + PAGE, PAGE, PROT_WRITE },
		{ b->caps.uar_offset, 2 * PAGE, PROT_WRITE },
		{ b->caps.uar_offset, PAGE, PROT_WRITE | PROT_EXEC },
		{ b->caps.uar_offset + 16 * PAGE, PAGE, PROT_WRITE },
		{ 1ULL << 40, PAGE, PROT_WRITE },
	};
	unsigned int i;

	for (i = 0; i < COUNT(tries); i++) {
		void *p = mmap(NULL, tries[i].len, tries[i].prot, MAP_SHARED, b->fd, tries[i].off);

		want(p == MAP_FAILED, "%s was taken (%d)", "mmap", i);
	}
}

static void fill_random(void *to, size_t len)
{
	uint8_t *p = to;

	while (len--)
		*p++ = (uint8_t)(rand() >> 7);
}

/* Bytes turned over at random in requests: whatever the answer is. */
static void abi_random(unsigned int n)
{
	struct box b;

	furnish(&b);
	while (n--) {
		struct ib_uverbs_create_qp cmd = good_qp_cmd(&b, QPT_RC + rand() % 3, rand() % 2);
		struct tulle_ib_ureq_create_qp qp = good_qp(&b.qp[0], cmd.is_srq);
		struct tulle_ib_ureq_create_cq cq = good_cq(&b);
		struct tulle_ib_ureq_create_srq srq = good_srq(&b);
		struct box other = b;
		struct qp made;

		fill_random((uint8_t *)&qp + rand() % sizeof(qp), 1);
		fill_random((uint8_t *)&cmd + 16 + rand() % (sizeof(cmd) - 16), 1);
		fill_random((uint8_t *)&cq + rand() % sizeof(cq), 1);
		fill_random((uint8_t *)&srq + rand() % sizeof(srq), 1);
		create_qp(&b, &made, &cmd, &qp);
		create_cq(&other, &cq, 63);
		create_srq(&other, &srq);
		/* What was made goes with the context. */
		if (n % 64 == 0) {
			close(b.fd);
			munmap(b.uar, b.caps.uar_size);
			furnish(&b);
		}
	}
}

static int abi(void)
{
	struct box b, other;

	lay_out(&other);
	want(open_context(&other, 1), "%s was taken (%d)", "context: comp_mask", 0);
	close(other.fd);
	furnish(&b);
	abi_cq(&b);
	abi_srq(&b);
	abi_qp(&b);
	abi_mmap(&b);
	srand(1);
	abi_random(500);
	return bad;
}

/* What was posted for the partner's message is there for it. */
static bool hears_partner(struct box *b)
{
	struct tulle_sge sge = { htole64((uintptr_t)b->data), htole32(64), htole32(b->lkey) };

	b->data[0] = 1;
	post(b, &b->qp[1], TULLE_WQE_SEND, 0, NULL, 0, &sge);
	/* Of the sender and of the receiver */
	return !completion(b, 5000) && !completion(b, 5000) && b->data[2 * PAGE] == 1;
}

/* The other process: its memory must stay as it is. */
static void be_prey(int tell, int hear)
{
	struct prey prey = { 0 };
	struct box b, decoy;
	unsigned int i;
	char c;

	/* Takes the addresses at which the other process will have its memory. */
	lay_out(&decoy);
	furnish(&b);
	furnish_qp(&b, 0, QPT_RC, false);
	furnish_qp(&b, 1, QPT_RC, false);
	errno = bring_up(&b, &b.qp[0], b.qp[1].qpn) ?: bring_up(&b, &b.qp[1], b.qp[0].qpn);
	if (errno)
		die("prey");
	memset(b.data, PATTERN, DATA);
	post_recv(&b, &b.qp[0], (uintptr_t)b.data + 2 * PAGE, b.lkey);
	prey = (struct prey){ (uintptr_t)b.data, b.lkey,       b.rkey, b.qp[0].qpn, b.qp[0].handle,
			      b.cq_handle,	 b.srq_handle, b.pd,   b.qp[0].id,  b.mr };
	if (write(tell, &prey, sizeof(prey)) != sizeof(prey) || read(hear, &c, 1) < 0)
		die("pipe");
	for (i = 0; i < DATA; i++)
		if (b.data[i] != PATTERN)
			_exit(1);
	/* Its own connection works as ever. */
	for (i = 0; i < 8; i++) {
		struct tulle_sge sge = { htole64((uintptr_t)b.data), htole32(64), htole32(b.lkey) };
		struct tulle_rdma_seg seg = { htole64((uintptr_t)b.data + PAGE), htole32(b.rkey),
					      0 };

		post(&b, &b.qp[0], TULLE_WQE_WRITE, 0, &seg, sizeof(seg), &sge);
		if (completion(&b, 5000))
			_exit(3);
	}
	_exit(hears_partner(&b) ? 0 : 4);
}

static pid_t fork_prey(struct prey *prey, int *release)
{
	int tell[2], hear[2];
	pid_t pid;

	if (pipe(tell) || pipe(hear))
		die("pipe");
	pid = fork();
	if (!pid) {
		close(tell[0]);
		close(hear[1]);
		be_prey(tell[1], hear[0]);
	}
	close(tell[1]);
	close(hear[0]);
	*release = hear[1];
	if (read(tell[0], prey, sizeof(*prey)) != sizeof(*prey))
		die("prey");
	return pid;
}

static int judge_prey(pid_t pid, int release)
{
	int status;

	close(release);
	waitpid(pid, &status, 0);
	want(!status, "%s (status %#x)", "the other process lost memory or its connection", status);
	return status;
}

/* One request of a fresh pair of queues; its completion. */
static int request(struct box *b, uint8_t op, uint32_t imm, const void *seg, size_t len,
		   const struct tulle_sge *sge)
{
	struct qp *one = &b->qp[0], *two = &b->qp[1];

	/* Whatever was flushed is behind us. */
	errno = bring_up(b, one, two->qpn) ?: bring_up(b, two, one->qpn);
	if (errno)
		die("own queue pairs");
	while (completion(b, 0) >= 0)
		;
	post(b, one, op, imm, seg, len, sge);
	return completion(b, 10000);
}

#define WANT(what, status, call)					\
	do {								\
		int res = (call);					\
									\
		want(res == (status), "%s: status %d", what, res);	\
	} while (0)

static void keys_access(struct box *b, const struct prey *p)
{
	struct tulle_sge own = { htole64((uintptr_t)b->data), htole32(64), htole32(b->lkey) };
	struct tulle_sge word = { htole64((uintptr_t)b->data), htole32(8), htole32(b->lkey) };
	struct tulle_sge foreign = { htole64(p->va), htole32(64), htole32(p->lkey) };
	struct tulle_sge mixed = { htole64(p->va), htole32(64), htole32(b->lkey) };
	struct tulle_rdma_seg to_own = { htole64((uintptr_t)b->data + PAGE), htole32(b->rkey), 0 };
	struct tulle_rdma_seg to_foreign = { htole64(p->va), htole32(p->rkey), 0 };
	struct tulle_rdma_seg to_mixed = { htole64(p->va), htole32(b->rkey), 0 };
	struct tulle_atomic_seg add = { htole64(p->va), htole32(p->rkey), 0, htole64(1), 0 };

#define WRITE(what, status, seg, sge)					\
	WANT(what, status, request(b, TULLE_WQE_WRITE, 0, seg, sizeof(*(seg)), sge))
#define READ(what, status, seg, sge)					\
	WANT(what, status, request(b, TULLE_WQE_READ, 0, seg, sizeof(*(seg)), sge))
	WRITE("own WRITE", TULLE_WC_SUCCESS, &to_own, &own);
	READ("own READ", TULLE_WC_SUCCESS, &to_own, &own);
	WRITE("foreign L_Key", TULLE_WC_LOC_PROT, &to_own, &foreign);
	WRITE("foreign address", TULLE_WC_LOC_PROT, &to_own, &mixed);
	READ("foreign L_Key", TULLE_WC_LOC_PROT, &to_own, &foreign);
	WRITE("foreign R_Key", TULLE_WC_REM_ACCESS, &to_foreign, &own);
	READ("foreign R_Key", TULLE_WC_REM_ACCESS, &to_foreign, &own);
	WRITE("own R_Key, foreign address", TULLE_WC_REM_ACCESS, &to_mixed, &own);
	WANT("foreign atomic", TULLE_WC_REM_ACCESS,
	     request(b, TULLE_WQE_FETCH_ADD, 0, &add, sizeof(add), &word));
}

static void keys_change(struct box *b, const struct prey *p)
{
	struct tulle_reg_mr_seg reg = {
		.key = htole32(p->rkey),
		.npages = htole32(1),
		.iova = 0,
		.len = htole64(PAGE),
		.pages = htole64(0x100000),
		.access = 0x1f,
		.log_page_size = 12,
	};
	struct tulle_bind_mw_seg bind = {
		.mw = htole32(p->rkey),
		.mr = htole32(p->lkey),
		.iova = htole64(p->va),
		.len = htole64(PAGE),
		.access = 2,
	};

	WANT("foreign key invalidated", TULLE_WC_MW_BIND,
	     request(b, TULLE_WQE_LOCAL_INV, p->rkey, NULL, 0, NULL));
	WANT("own key invalidated", TULLE_WC_MW_BIND,
	     request(b, TULLE_WQE_LOCAL_INV, b->rkey, NULL, 0, NULL));
	WANT("foreign region bound", TULLE_WC_MW_BIND,
	     request(b, TULLE_WQE_BIND_MW, 0, &bind, sizeof(bind), NULL));
	/* It would name bus addresses. */
	WANT("registration by a process", TULLE_WC_LOC_QP_OP,
	     request(b, TULLE_WQE_REG_MR, 0, &reg, sizeof(reg), NULL));
	reg.key = htole32(b->lkey);
	WANT("registration by a process", TULLE_WC_LOC_QP_OP,
	     request(b, TULLE_WQE_REG_MR, 0, &reg, sizeof(reg), NULL));
}

/* Every key there may be, the kernel's own among them, but for ours. */
static void keys_guess(struct box *b)
{
	struct tulle_rdma_seg seg = { htole64((uintptr_t)b->data + PAGE), htole32(b->rkey), 0 };
	unsigned int index, tag;
	int res;

	for (index = 0; index < 48; index++)
		for (tag = 0; tag < 3; tag++) {
			uint32_t key = index << 8 | tag;
			struct tulle_sge sge = { htole64(0x100000), htole32(64), htole32(key) };

			if (key == b->lkey)
				continue;
			res = request(b, TULLE_WQE_WRITE, 0, &seg, sizeof(seg), &sge);
			want(res == TULLE_WC_LOC_PROT, "%s: status %d", "a guessed key", res);
		}
}

/* Handles of uverbs are a file's own; those of the device, its owner's page's. */
static void keys_handles(struct box *b, const struct prey *p)
{
	struct qp foreign = { .id = p->qp_id };
	struct box stranger = { 0 };
	unsigned int i;

	errno = open_context(&stranger, 0);
	if (errno)
		die("context");
	want(modify(&stranger, &foreign, ERR, 0, 0), "%s was changed (%d)", "a foreign queue pair",
	     0);
	close(stranger.fd);
	for (i = 0; i < 64; i++) {
		kick(b, TULLE_UAR_QP_SQ, p->qp);
		kick(b, TULLE_UAR_QP_RQ, p->qp);
		kick(b, TULLE_UAR_CQ, p->cq);
		kick(b, TULLE_UAR_SRQ, p->srq);
		kick(b, TULLE_UAR_EQ, i);
		kick(b, TULLE_UAR_SQ, i);
		kick(b, TULLE_UAR_RQ, i);
	}
}

static void keys_recv(struct box *b, const struct prey *p)
{
	struct tulle_sge own = { htole64((uintptr_t)b->data), htole32(64), htole32(b->lkey) };
	int one, two;

	request(b, TULLE_WQE_NOP, 0, NULL, 0, NULL);
	errno = bring_up(b, &b->qp[0], b->qp[1].qpn) ?: bring_up(b, &b->qp[1], b->qp[0].qpn);
	if (errno)
		die("own queue pairs");
	while (completion(b, 0) >= 0)
		;
	post_recv(b, &b->qp[1], p->va, p->lkey);
	post(b, &b->qp[0], TULLE_WQE_SEND, 0, NULL, 0, &own);
	one = completion(b, 10000);
	two = completion(b, 10000);
	/* In any order. */
	want(one + two == TULLE_WC_LOC_PROT + TULLE_WC_REM_OP && one > 0 && two > 0,
	     "%s: status %d", "receive request with a foreign key", one);
}

/* A request of a queue pair connected to one of another process; its completion. */
static int stranger(struct box *b, uint32_t qpn, uint8_t op, const struct tulle_rdma_seg *seg)
{
	struct tulle_sge own = { htole64((uintptr_t)b->data), htole32(64), htole32(b->lkey) };

	errno = bring_up(b, &b->qp[0], qpn);
	if (errno)
		die("own queue pair");
	while (completion(b, 0) >= 0)
		;
	post(b, &b->qp[0], op, 0, seg, seg ? sizeof(*seg) : 0, &own);
	return completion(b, 10000);
}

/* Address and sequence number are right, and even the key may be: nobody answers. */
static void keys_stranger(struct box *b, const struct prey *p)
{
	struct tulle_rdma_seg good = { htole64(p->va), htole32(p->rkey), 0 };
	struct tulle_rdma_seg wrong = { htole64(p->va), htole32(b->rkey), 0 };

	WANT("SEND to a foreign queue pair", TULLE_WC_RETRY_EXC,
	     stranger(b, p->qpn, TULLE_WQE_SEND, NULL));
	WANT("READ with a foreign queue pair's key", TULLE_WC_RETRY_EXC,
	     stranger(b, p->qpn, TULLE_WQE_READ, &good));
	WANT("WRITE with a foreign queue pair's key", TULLE_WC_RETRY_EXC,
	     stranger(b, p->qpn, TULLE_WQE_WRITE, &good));
	WANT("WRITE with a key that a foreign queue pair refuses", TULLE_WC_RETRY_EXC,
	     stranger(b, p->qpn, TULLE_WQE_WRITE, &wrong));
}

static int keys(void)
{
	struct prey prey;
	int release;
	pid_t pid = fork_prey(&prey, &release);
	struct box b;

	furnish(&b);
	furnish_qp(&b, 0, QPT_RC, false);
	furnish_qp(&b, 1, QPT_RC, false);
	want(prey.va + DATA <= (uintptr_t)b.data || (uintptr_t)b.data + DATA <= prey.va,
	     "%s (%d)", "both processes have the same addresses: nothing is shown", 0);
	keys_access(&b, &prey);
	keys_change(&b, &prey);
	keys_recv(&b, &prey);
	keys_stranger(&b, &prey);
	keys_handles(&b, &prey);
	keys_guess(&b);
	judge_prey(pid, release);
	return bad;
}

/* Says how many receive requests there ever were. */
static void srq_offer(struct box *b, uint32_t pi)
{
	b->dbr[3].pi = htole32(pi);
	__sync_synchronize();
	kick(b, TULLE_UAR_SRQ, b->srq_handle);
}

/* A message into the SRQ of qp[1]; the sum of both completions' statuses. */
static int srq_message(struct box *b)
{
	struct tulle_sge own = { htole64((uintptr_t)b->data), htole32(64), htole32(b->lkey) };
	int one, two;

	post(b, &b->qp[0], TULLE_WQE_SEND, 0, NULL, 0, &own);
	one = completion(b, 10000);
	two = completion(b, 10000);
	return one < 0 || two < 0 ? -1 : one + two;
}

static void srq_furnish(struct box *b)
{
	furnish(b);
	furnish_qp(b, 0, QPT_RC, false);
	furnish_qp(b, 1, QPT_RC, true);
	errno = bring_up(b, &b->qp[0], b->qp[1].qpn) ?: bring_up(b, &b->qp[1], b->qp[0].qpn);
	if (errno)
		die("own queue pairs");
	write_recv(b->srq_ring, 0, (uintptr_t)b->data + PAGE, b->lkey);
	srq_offer(b, 1);
	want(!srq_message(b), "%s (%d)", "a good SRQ does not work", 0);
	want(!event(b, 200).event_type, "%s (%d)", "an event without reason", 0);
}

/* These events come in any order, each once and of its object, and no other. */
static void srq_events(struct box *b)
{
	static const struct {
		const char *what;
		uint64_t element;
		uint32_t type;
	} wanted[] = {
		{ "SRQ_ERR of the SRQ", SRQ_HANDLE, EVENT_SRQ_ERR },
		{ "QP_FATAL of the queue pair at the SRQ", QP_HANDLE + 1, EVENT_QP_FATAL },
		{ "LAST_WQE_REACHED of this queue pair", QP_HANDLE + 1, EVENT_QP_LAST_WQE },
	};
	unsigned int seen[COUNT(wanted)] = { 0 }, i, n;
	struct ib_uverbs_async_event_desc desc;

	for (n = 0; n < COUNT(wanted); n++) {
		desc = event(b, 20000);
		for (i = 0; i < COUNT(wanted); i++)
			seen[i] += desc.event_type == wanted[i].type &&
				   desc.element == wanted[i].element;
	}
	for (i = 0; i < COUNT(wanted); i++)
		want(seen[i] == 1, "%s: %d times", wanted[i].what, seen[i]);
	desc = event(b, 500);
	want(!desc.event_type, "%s (%d)", "one event too many", desc.event_type);
}

static void srq_scribble(struct box *other, uint32_t pi)
{
	struct tulle_sge own;
	struct box b;
	int res;

	srq_furnish(&b);
	own = (struct tulle_sge){ htole64((uintptr_t)b.data), htole32(64), htole32(b.lkey) };
	srq_offer(&b, pi);
	post(&b, &b.qp[0], TULLE_WQE_SEND, 0, NULL, 0, &own);
	res = completion(&b, 10000);
	want(res == TULLE_WC_REM_OP, "%s: status %d", "sender to a broken SRQ", res);
	srq_events(&b);
	/* A good record and fresh queue pairs do not wake it. */
	errno = bring_up(&b, &b.qp[0], b.qp[1].qpn) ?: bring_up(&b, &b.qp[1], b.qp[0].qpn);
	if (errno)
		die("own queue pairs");
	srq_offer(&b, 2);
	post(&b, &b.qp[0], TULLE_WQE_SEND, 0, NULL, 0, &own);
	res = completion(&b, 10000);
	want(res == TULLE_WC_REM_OP, "%s: status %d", "sender to a stopped SRQ", res);
	/* The process's other context has an SRQ that goes on. */
	write_recv(other->srq_ring, le32toh(other->dbr[3].pi), (uintptr_t)other->data + PAGE,
		   other->lkey);
	srq_offer(other, le32toh(other->dbr[3].pi) + 1);
	want(!srq_message(other), "%s (%d)", "another SRQ stopped as well", 0);
	want(!event(other, 200).event_type, "%s (%d)", "another context was told", 0);
	close(b.async_fd);
	close(b.fd);
}

static int srq(void)
{
	struct prey prey;
	int release;
	pid_t pid = fork_prey(&prey, &release);
	struct box other;

	srq_furnish(&other);
	srq_scribble(&other, (1 << LOG_RQ) + 2);
	srq_scribble(&other, 0);
	srq_scribble(&other, 0x80000001);
	judge_prey(pid, release);
	return bad;
}

static uint32_t pick(uint32_t a, uint32_t b)
{
	switch (rand() % 4) {
	case 0:
		return a;
	case 1:
		return b;
	case 2:
		return a ^ (1U << rand() % 32);
	default:
		return (uint32_t)rand() << 1 ^ (uint32_t)rand();
	}
}

static uint64_t pick_address(struct box *b, const struct prey *p)
{
	switch (rand() % 4) {
	case 0:
		return p->va;
	case 1:
		return (uint64_t)rand() << 33 | rand();
	default:
		return (uintptr_t)b->data + rand() % DATA;
	}
}

/* A request that is right but for keys, addresses, lengths or a byte. */
static void almost(struct box *b, struct qp *qp, const struct prey *p)
{
	uint8_t seg[40];
	struct tulle_sge sge = { htole64(pick_address(b, p)),
				 htole32(rand() % 4 ? rand() % 512 : rand()),
				 htole32(pick(b->lkey, p->lkey)) };
	struct tulle_rdma_seg rdma = { htole64(pick_address(b, p)), htole32(pick(b->rkey, p->rkey)),
				       0 };
	uint8_t op = TULLE_WQE_SEND + rand() % 14;
	uint32_t at = qp->sq_pi & ((1 << LOG_SQ) - 1);
	size_t len = 0;

	fill_random(seg, sizeof(seg));
	memcpy(seg, &rdma, sizeof(rdma));
	if (op == TULLE_WQE_WRITE || op == TULLE_WQE_WRITE_IMM || op == TULLE_WQE_READ)
		len = sizeof(rdma);
	else if (op > TULLE_WQE_READ || qp->type == QPT_UD)
		len = sizeof(seg);
	post(b, qp, op,
	     op == TULLE_WQE_SEND_INV || op == TULLE_WQE_LOCAL_INV ? pick(b->rkey, p->rkey) : 0,
	     seg, len, rand() % 8 ? &sge : NULL);
	if (rand() % 4 == 0)
		fill_random(qp->sq + at * TULLE_SQ_BLOCK + rand() % (2 * TULLE_SQ_BLOCK),
			    1 + rand() % 4);
	if (rand() % 4 == 0)
		post_recv(b, qp, pick_address(b, p), pick(b->lkey, p->lkey));
}

static void scribble(struct box *b)
{
	struct {
		void *at;
		size_t len;
	} rings[] = {
		{ b->cq_ring, 32UL << LOG_CQ },
		{ b->srq_ring, 1UL << (LOG_RQ + LOG_RQ_WQE) },
		{ b->dbr, 512 },
		{ b->dbr, 512 },
		{ b->qp[0].sq, (size_t)TULLE_SQ_BLOCK << LOG_SQ },
		{ b->qp[0].rq, 1UL << (LOG_RQ + LOG_RQ_WQE) },
		{ b->qp[1].sq, (size_t)TULLE_SQ_BLOCK << LOG_SQ },
	};
	unsigned int i = rand() % COUNT(rings);
	size_t at = rand() % rings[i].len, len = 1 + rand() % 64;

	if (at + len > rings[i].len)
		len = rings[i].len - at;
	fill_random((uint8_t *)rings[i].at + at, len);
}

static void ring_at_random(struct box *b, const struct prey *p)
{
	uint32_t handles[] = {
		b->qp[0].handle, b->qp[1].handle,  b->cq_handle, b->srq_handle,	       p->qp, p->cq,
		p->srq,		 (uint32_t)rand(), rand() % 64,	 1 << 24 | rand() % 64
	};
	uint32_t handle = handles[rand() % COUNT(handles)];

	switch (rand() % 4) {
	case 0:
		kick(b, rand() % (PAGE / 4) * 4, handle);
		break;
	case 1:
		*(volatile uint64_t *)(b->uar + rand() % (PAGE / 8) * 8) =
			(uint64_t)rand() << 32 | handle;
		break;
	case 2:
		b->uar[rand() % PAGE] = (uint8_t)rand();
		break;
	default:
		kick(b, rand() % 7 * 8, handle);
	}
}

/* Takes the memory away under the device. */
static void pull_the_rug(struct box *b)
{
	switch (rand() % 4) {
	case 0:
		madvise(b->data, DATA, MADV_DONTNEED);
		break;
	case 1:
		munmap(b->qp[1].rq, 1UL << (LOG_RQ + LOG_RQ_WQE));
		b->qp[1].rq = memory(1UL << (LOG_RQ + LOG_RQ_WQE));
		break;
	case 2:
		madvise(b->cq_ring, 32UL << LOG_CQ, MADV_DONTNEED);
		break;
	}
}

/* One context's life; it ends as a crash would end it. */
static void fuzz_once(const struct prey *p)
{
	static const uint8_t types[] = { QPT_RC, QPT_RC, QPT_UC, QPT_UD };
	uint8_t type = types[rand() % sizeof(types)];
	struct box b;
	unsigned int i;

	furnish(&b);
	furnish_qp(&b, 0, type, false);
	furnish_qp(&b, 1, type, true);
	for (i = 0; i < 400; i++) {
		struct qp *qp = &b.qp[rand() % 2];

		if (i % 40 == 0) {
			bring_up(&b, &b.qp[0], rand() % 4 ? b.qp[rand() % 2].qpn : p->qpn);
			bring_up(&b, &b.qp[1], b.qp[rand() % 4 != 0 ? 0 : 1].qpn);
		}
		switch (rand() % 16) {
		case 0 ... 5:
			almost(&b, qp, p);
			break;
		case 6 ... 9:
			scribble(&b);
			break;
		case 10 ... 12:
			ring_at_random(&b, p);
			break;
		case 13:
			modify(&b, qp, rand() % 8, rand() & 0x1fffff, rand());
			break;
		case 14:
			pull_the_rug(&b);
			break;
		default:
			b.dbr[rand() % 4].pi = htole32(rand() % 2 ? (uint32_t)rand() :
								    b.qp[0].sq_pi + rand() % 80);
			kick(&b, TULLE_UAR_QP_SQ, b.qp[0].handle);
		}
	}
	_exit(0);
}

static int fuzz(unsigned int seconds, unsigned int seed)
{
	time_t end = time(NULL) + seconds;
	struct prey prey;
	int release, status;
	pid_t pid = fork_prey(&prey, &release);
	unsigned int n = 0, died = 0;

	while (time(NULL) < end) {
		pid_t child = fork();

		if (!child) {
			srand(seed + n);
			alarm(300);
			fuzz_once(&prey);
		}
		waitpid(child, &status, 0);
		/* A signal is its own doing, but refused verbs are not. */
		want(!WIFEXITED(status) || !WEXITSTATUS(status), "%s (status %#x)",
		     "a fresh context did not work", status);
		died += WIFSIGNALED(status);
		n++;
	}
	printf("%u contexts, %u of them died of a signal\n", n, died);
	want(n > 0, "%s (%d)", "no context", 0);
	judge_prey(pid, release);
	return bad;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	ibdev = argv[2];
	gid_index = (unsigned int)atoi(argv[3]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	find_node();
	read_gid();
	if (!strcmp(argv[1], "abi"))
		return !!abi();
	if (!strcmp(argv[1], "keys"))
		return !!keys();
	if (!strcmp(argv[1], "srq"))
		return !!srq();
	if (!strcmp(argv[1], "fuzz") && argc > 4)
		return !!fuzz((unsigned int)atoi(argv[4]),
			      argc > 5 ? (unsigned int)atoi(argv[5]) : 1);
	return 2;
}
