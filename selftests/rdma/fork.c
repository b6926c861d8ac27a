// SPDX-License-Identifier: GPL-2.0
/*
 * fork MODE IBDEV GID FAR_IBDEV FAR_GID: a process with connected queue pairs
 * forks again and again while requests are in flight. The child writes over all
 * the memory it has got, rings included; the parent, which writes meanwhile too,
 * notices nothing. MODE:
 *
 *	plain	no ibv_fork_init(): the kernel copies pinned pages for the child
 *	init	with ibv_fork_init()
 *	keep	the same, and libibverbs does not get to know that the kernel
 *		copies: queues and regions are kept out of the child
 *
 * Exit status 0: all was as it must be.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "pair.h"

#define ROUNDS	 8
#define MESSAGES 16
#define SIZE	 (64UL << 10)
#define ALL	 (MESSAGES * SIZE)
#define RANGES	 512

struct range {
	uint8_t *from, *to;
};

static struct range ranges[RANGES];
static unsigned int nranges;

/*
 * libibverbs asks the kernel by netlink whether children get copies of pinned
 * pages. It hears nothing while this is set, and takes it for an old kernel.
 */
static bool kernel_is_mute;

int nl_connect(void *sock, int protocol)
{
	int (*real)(void *sock, int protocol) = dlsym(RTLD_NEXT, "nl_connect");

	return kernel_is_mute || !real ? -1 : real(sock, protocol);
}

/* Lines of smaps: what can be written, or what is kept out of children. */
static unsigned int look(bool kept)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[512], name[256] = "", prot[8] = "", flags[200], path[256];
	unsigned long from = 0, to = 0, a, b;
	unsigned int n = 0;

	if (!f)
		die("smaps");
	nranges = 0;
	while (fgets(line, sizeof(line), f)) {
		path[0] = 0;
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &a, &b, prot, path) >= 3) {
			from = a;
			to = b;
			strcpy(name, path);
			continue;
		}
		if (sscanf(line, "VmFlags: %199[^\n]", flags) != 1)
			continue;
		n += kept && strstr(flags, " dc") && prot[3] == 'p';
		/* A library's data and the stack are what the child runs on. */
		if (prot[1] != 'w' || (name[0] && strcmp(name, "[heap]") &&
				       strncmp(name, "/dev/infiniband/", 16)))
			continue;
		if (nranges < RANGES)
			ranges[nranges++] = (struct range){ (uint8_t *)from, (uint8_t *)to };
	}
	fclose(f);
	return n;
}

static long raw(long call, long a, long b, long c)
{
	long res;

	asm volatile("syscall"
		     : "=a"(res)
		     : "a"(call), "D"(a), "S"(b), "d"(c)
		     : "rcx", "r11", "memory");
	return res;
}

/* What the child tells: ranges it has written, and whether the region was one. */
struct report {
	unsigned int n, region;
};

/*
 * The child: no function of libc any more, nor any variable, because it writes
 * over those. What is not mapped is skipped.
 */
static __attribute__((noreturn, noinline)) void trample(int told, int go_on, void *region)
{
	struct report report = { 0 };
	struct range mine[RANGES];
	unsigned int i, n = nranges;
	char c = 0;

	memcpy(mine, ranges, sizeof(mine));
	/* msync() knows which addresses there are. */
	report.region = !raw(SYS_msync, (long)region, SIZE, MS_ASYNC);
	for (i = 0; i < n; i++) {
		volatile uint64_t *p = (void *)mine[i].from, *end = (void *)mine[i].to;

		if (raw(SYS_msync, (long)p, (long)end - (long)p, MS_ASYNC))
			continue;
		for (; p < end; p++)
			*p = 0x5a5a5a5a5a5a5a5a;
		report.n++;
	}
	raw(SYS_write, told, (long)&report, sizeof(report));
	raw(SYS_read, go_on, (long)&c, 1);
	raw(SYS_exit_group, 0, 0, 0);
	__builtin_unreachable();
}

static void fill(uint8_t *p, size_t len, uint32_t seed)
{
	while (len--) {
		seed = seed * 1664525 + 1013904223;
		*p++ = (uint8_t)(seed >> 24);
	}
}

static void post_recvs(struct end *e, uint8_t *to, const struct ibv_mr *mr)
{
	unsigned int i;

	for (i = 0; i < MESSAGES; i++) {
		struct ibv_sge sge = { (uintptr_t)to + i * SIZE, SIZE, mr->lkey };
		struct ibv_recv_wr *first, wr = { .wr_id = i, .sg_list = &sge, .num_sge = 1 };

		errno = ibv_post_recv(e->qp, &wr, &first);
		if (errno)
			die("post");
	}
}

static void complete(struct end *e, enum ibv_wc_opcode op, const char *what)
{
	unsigned int i;

	for (i = 0; i < MESSAGES; i++) {
		struct ibv_wc wc = completion(e, 60000);

		want(!wc.status && wc.opcode == op, what, (int)wc.status);
	}
}

/* Sends from @from; the fork is somewhere in the middle. */
static void round_of(struct end *near, struct end *far, struct ibv_mr *from, struct ibv_mr *to,
		     unsigned int round, bool keep)
{
	uint8_t *src = from->addr, *dst = to->addr;
	struct report report = { 0 };
	int told[2], go_on[2], status;
	unsigned int i;
	pid_t pid = -1;

	if (pipe(told) || pipe(go_on))
		die("pipe");
	fill(src, ALL, round);
	memset(dst, 0, ALL);
	look(false);
	post_recvs(far, dst, to);
	for (i = 0; i < MESSAGES; i++) {
		post_send(near, IBV_WR_SEND, (uintptr_t)src + i * SIZE, from->lkey, SIZE, 0, 0);
		if (i != MESSAGES / 2)
			continue;
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid) {
			close(go_on[1]);
			trample(told[1], go_on[0], src);
		}
		close(told[1]);
		close(go_on[0]);
		/* In turns the child has written before the parent goes on, or not. */
		if (round % 2 && read(told[0], &report, sizeof(report)) != sizeof(report))
			want(false, "the child died", 0);
	}
	complete(near, IBV_WC_SEND, "send");
	complete(far, IBV_WC_RECV, "receive");
	want(!memcmp(src, dst, ALL), "data of the round differ", (int)round);
	if (!(round % 2) && read(told[0], &report, sizeof(report)) != sizeof(report))
		want(false, "the child died", 0);
	/* And while the child is still there: the same memory the other way. */
	fill(dst, ALL, ~round);
	post_recvs(near, src, from);
	for (i = 0; i < MESSAGES; i++)
		post_send(far, IBV_WR_SEND, (uintptr_t)dst + i * SIZE, to->lkey, SIZE, 0, 0);
	complete(far, IBV_WC_SEND, "send back");
	complete(near, IBV_WC_RECV, "receive back");
	want(!memcmp(src, dst, ALL), "data sent back differ", (int)round);
	close(go_on[1]);
	close(told[0]);
	if (waitpid(pid, &status, 0) != pid || status)
		want(false, "status of the child", status);
	want(report.n > 3, "ranges that the child has written", (int)report.n);
	want(report.region != keep, "the region in the child", (int)report.region);
}

static void rounds(const char *mode, char **argv)
{
	bool keep = !strcmp(mode, "keep");
	unsigned int before = look(true), kept, i;
	struct ibv_mr *from, *to;
	struct end near, far;

	end_open(&near, argv[0], argv[1]);
	end_open(&far, argv[2], argv[3]);
	end_qp(&near);
	end_qp(&far);
	from = ibv_reg_mr(near.pd, memory(ALL), ALL, ACCESS_ALL);
	to = ibv_reg_mr(far.pd, memory(ALL), ALL, ACCESS_ALL);
	if (!from || !to)
		die("MR");
	join(&near, &far);
	/* Regions, rings and doorbell records of both ends, if neighbours are one range. */
	kept = look(true) - before;
	want(keep ? kept > 0 : !kept, "ranges kept out of children", (int)kept);
	for (i = 0; i < ROUNDS && !bad; i++)
		round_of(&near, &far, from, to, i, keep);
	if (ibv_dereg_mr(from) || ibv_dereg_mr(to))
		die("dereg");
	end_close(&near);
	end_close(&far);
	kept = look(true) - before;
	want(!kept, "ranges still kept out of children", (int)kept);
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	kernel_is_mute = !strcmp(argv[1], "keep");
	errno = strcmp(argv[1], "plain") ? ibv_fork_init() : 0;
	if (errno)
		die("ibv_fork_init");
	want(ibv_is_fork_initialized() ==
		     (kernel_is_mute ? IBV_FORK_ENABLED : IBV_FORK_UNNEEDED),
	     "ibv_is_fork_initialized", (int)ibv_is_fork_initialized());
	kernel_is_mute = false;
	rounds(argv[1], argv + 2);
	return !!bad;
}
