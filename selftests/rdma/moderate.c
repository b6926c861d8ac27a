// SPDX-License-Identifier: GPL-2.0
/*
 * moderate IBDEV GID FAR_IBDEV FAR_GID: counts the events of a completion queue
 * that takes bursts of messages, without moderation and with. After each change
 * it says so and waits for a line on stdin, so that others can look.
 *
 * Exit status 0: there were as many events as there may be.
 */
#include <poll.h>

#include "pair.h"

#define BURSTS	32
#define BURST	8
#define FRAMES	64
#define PERIOD	8000 /* us */
#define RECV_ID 1

struct ear {
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	unsigned int events, received;
};

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* The far end's CQ is one with events. */
static void listen_to(struct ear *ear, struct end *e)
{
	ear->channel = ibv_create_comp_channel(e->ctx);
	if (!ear->channel || ibv_destroy_cq(e->cq))
		die("channel");
	e->cq = ibv_create_cq(e->ctx, 4 * BURSTS * BURST, NULL, ear->channel, 0);
	if (!e->cq || ibv_req_notify_cq(e->cq, 0))
		die("CQ");
	ear->cq = e->cq;
}

/* Takes an event that comes within @ms, and all completions. */
static bool hear(struct ear *ear, int ms)
{
	struct pollfd fd = { .fd = ear->channel->fd, .events = POLLIN };
	struct ibv_cq *cq;
	struct ibv_wc wc;
	void *ctx;

	if (poll(&fd, 1, ms) != 1)
		return false;
	if (ibv_get_cq_event(ear->channel, &cq, &ctx))
		die("event");
	ibv_ack_cq_events(cq, 1);
	ear->events++;
	if (ibv_req_notify_cq(cq, 0))
		die("arming");
	while (ibv_poll_cq(cq, 1, &wc) > 0) {
		want(!wc.status, "receive", (int)wc.status);
		ear->received++;
	}
	return true;
}

static void post_recv(struct end *e, const struct ibv_mr *mr)
{
	struct ibv_sge sge = { (uintptr_t)mr->addr, 64, mr->lkey };
	struct ibv_recv_wr *first, wr = { .wr_id = RECV_ID, .sg_list = &sge, .num_sge = 1 };

	errno = ibv_post_recv(e->qp, &wr, &first);
	if (errno)
		die("post");
}

static void burst(struct end *near, struct end *far, const struct ibv_mr *from,
		  const struct ibv_mr *to)
{
	struct ibv_sge sge = { (uintptr_t)from->addr, 64, from->lkey };
	struct ibv_send_wr wr[BURST] = { 0 }, *first;
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		post_recv(far, to);
		wr[i].sg_list = &sge;
		wr[i].num_sge = 1;
		wr[i].opcode = IBV_WR_SEND;
		wr[i].next = i < BURST - 1 ? &wr[i + 1] : NULL;
	}
	errno = ibv_post_send(near->qp, wr, &first);
	if (errno)
		die("post");
	for (i = 0; i < BURST; i++)
		want(!completion(near, 60000).status, "send", 0);
}

/* Bursts; @each waits for an event of each. Returns the events. */
static unsigned int bursts(struct end *near, struct end *far, struct ear *ear,
			   const struct ibv_mr *from, const struct ibv_mr *to, bool each)
{
	uint64_t start = now_us(), spent;
	unsigned int i;

	ear->events = 0;
	ear->received = 0;
	for (i = 0; i < BURSTS; i++) {
		burst(near, far, from, to);
		while (hear(ear, each && ear->received < (i + 1) * BURST ? 20000 : 0))
			;
	}
	while (ear->received < BURSTS * BURST && hear(ear, 20000))
		;
	spent = now_us() - start;
	want(ear->received == BURSTS * BURST, "messages", (int)ear->received);
	printf("%u events in %u us\n", ear->events, (unsigned int)spent);
	/* One at once after a quiet time, then when it is due or many are there. */
	if (!each)
		want(ear->events <= spent / PERIOD + BURSTS * BURST / FRAMES + 2,
		     "events of a moderated CQ", (int)ear->events);
	return ear->events;
}

static void set(struct ibv_cq *cq, uint16_t count, uint16_t period)
{
	struct ibv_modify_cq_attr attr = {
		.attr_mask = IBV_CQ_ATTR_MODERATE,
		.moderate = { count, period },
	};
	char line[16];

	errno = ibv_modify_cq(cq, &attr);
	if (errno)
		die("ibv_modify_cq");
	printf("moderation %u %u\n", count, period);
	if (!fgets(line, sizeof(line), stdin))
		die("stdin");
}

int main(int argc, char **argv)
{
	struct ibv_mr *from, *to;
	struct ear ear = { 0 };
	unsigned int plain, moderated, again;
	struct end near, far;

	if (argc != 5)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	end_open(&near, argv[1], argv[2]);
	end_open(&far, argv[3], argv[4]);
	listen_to(&ear, &far);
	end_qp(&near);
	end_qp(&far);
	from = ibv_reg_mr(near.pd, memory(4096), 4096, ACCESS_ALL);
	to = ibv_reg_mr(far.pd, memory(4096), 4096, ACCESS_ALL);
	if (!from || !to)
		die("MR");
	join(&near, &far);
	plain = bursts(&near, &far, &ear, from, to, true);
	set(ear.cq, FRAMES, PERIOD);
	moderated = bursts(&near, &far, &ear, from, to, false);
	set(ear.cq, UINT16_MAX, UINT16_MAX);
	set(ear.cq, 0, 0);
	again = bursts(&near, &far, &ear, from, to, true);
	want(plain >= BURSTS && again >= BURSTS, "events without moderation", (int)(plain + again));
	want(moderated < plain, "fewer events with moderation", (int)moderated);
	if (ibv_dereg_mr(from) || ibv_dereg_mr(to))
		die("dereg");
	end_close(&near);
	end_close(&far);
	return !!bad || ibv_destroy_comp_channel(ear.channel);
}
