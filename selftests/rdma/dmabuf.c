// SPDX-License-Identifier: GPL-2.0
/*
 * dmabuf KIND IBDEV GID FAR_IBDEV FAR_GID: a dma-buf as memory of RDMA, at an
 * offset within a page and at an address of its own choice. KIND is where it
 * comes from:
 *
 *	udmabuf	pages of a memfd, as they happened to be
 *	heap	the system heap, whose pages are as large as they can be
 *	linger	as udmabuf, and it registers and waits to be killed
 *
 * Exit status 0: all was as it must be; 3: this kernel has no such dma-buf.
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <rdma/ib_user_verbs.h>

#include "pair.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define PAGE   4096UL
#define SIZE   (4UL << 20) /* a list of pages with two levels */
#define OFFSET 0x3123UL	   /* where the region starts in the dma-buf */
#define LEN    (SIZE - 0x5789)
#define IOVA   (0x700000000000UL + (OFFSET & (PAGE - 1)))
#define REST   (SIZE - OFFSET - LEN)

struct buf {
	int fd;
	uint8_t *at;
	struct ibv_mr *mr;
};

static int of_memfd(void)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = SIZE };
	int dev = open("/dev/udmabuf", O_RDWR), fd;

	if (dev < 0)
		exit(3);
	create.memfd = (uint32_t)memfd_create("dmabuf", MFD_ALLOW_SEALING);
	if (ftruncate((int)create.memfd, SIZE) ||
	    fcntl((int)create.memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		die("memfd");
	fd = ioctl(dev, UDMABUF_CREATE, &create);
	close((int)create.memfd);
	close(dev);
	return fd;
}

static int of_heap(void)
{
	struct dma_heap_allocation_data alloc = { .len = SIZE, .fd_flags = O_RDWR | O_CLOEXEC };
	int dev = open("/dev/dma_heap/system", O_RDWR);

	if (dev < 0)
		exit(3);
	if (ioctl(dev, DMA_HEAP_IOCTL_ALLOC, &alloc))
		return -1;
	close(dev);
	return (int)alloc.fd;
}

/* What the CPU does with it is between these two. */
static void sync_cpu(const struct buf *b, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	if (ioctl(b->fd, DMA_BUF_IOCTL_SYNC, &sync))
		die("DMA_BUF_IOCTL_SYNC");
}

static void map(struct buf *b, int fd)
{
	if (fd < 0)
		die("dma-buf");
	b->fd = fd;
	b->at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b->at == MAP_FAILED)
		die("mmap of a dma-buf");
}

static void reg(struct buf *b, struct end *e, int access)
{
	b->mr = ibv_reg_dmabuf_mr(e->pd, OFFSET, LEN, IOVA, b->fd, access);
	if (!b->mr)
		die("ibv_reg_dmabuf_mr");
}

static void fill(uint8_t *p, size_t len, uint32_t seed)
{
	while (len--) {
		seed = seed * 1664525 + 1013904223;
		*p++ = (uint8_t)(seed >> 24);
	}
}

/* One request; its status. */
static int request(struct end *e, enum ibv_wr_opcode op, uint64_t addr, uint32_t lkey, size_t len,
		   uint64_t to, uint32_t rkey)
{
	post_send(e, op, addr, lkey, len, to, rkey);
	return (int)completion(e, 300000).status;
}

static void differ(const uint8_t *is, const uint8_t *should, const char *what)
{
	size_t i;

	for (i = 0; i < LEN && is[i] == should[i]; i++)
		;
	if (i < LEN) {
		bad++;
		printf("%s: byte %zu is %#x, not %#x\n", what, i, is[i], should[i]);
	}
}

/* Nothing around the region was touched. */
static void margins(const struct buf *b, uint8_t byte)
{
	size_t i;

	for (i = 0; i < OFFSET; i++)
		want(b->at[i] == byte, "written before the region", (int)i);
	for (i = 0; i < REST; i++)
		want(b->at[OFFSET + LEN + i] == byte, "written behind the region", (int)i);
}

/* @far's dma-buf as the target, then as the source, of @near's plain memory. */
static void remote(struct end *near, struct buf *b, uint8_t *data, struct ibv_mr *mr)
{
	uint8_t *copy = memory(LEN);

	fill(data, LEN, 1);
	memcpy(copy, data, LEN);
	sync_cpu(b, DMA_BUF_SYNC_START);
	memset(b->at, 0x5a, SIZE);
	sync_cpu(b, DMA_BUF_SYNC_END);
	want(!request(near, IBV_WR_RDMA_WRITE, (uintptr_t)data, mr->lkey, LEN, IOVA, b->mr->rkey),
	     "WRITE to a dma-buf", 0);
	sync_cpu(b, DMA_BUF_SYNC_START);
	differ(b->at + OFFSET, copy, "written to the dma-buf");
	margins(b, 0x5a);
	fill(b->at + OFFSET, LEN, 2);
	memcpy(copy, b->at + OFFSET, LEN);
	sync_cpu(b, DMA_BUF_SYNC_END);
	want(!request(near, IBV_WR_RDMA_READ, (uintptr_t)data, mr->lkey, LEN, IOVA, b->mr->rkey),
	     "READ of a dma-buf", 0);
	differ(data, copy, "read from the dma-buf");
	munmap(copy, LEN);
}

/* The same with the dma-buf as the local side. */
static void local(struct end *e, struct buf *b, uint8_t *data, struct ibv_mr *mr)
{
	uint8_t *copy = memory(LEN);

	sync_cpu(b, DMA_BUF_SYNC_START);
	memset(b->at, 0xc3, SIZE);
	fill(b->at + OFFSET, LEN, 3);
	memcpy(copy, b->at + OFFSET, LEN);
	sync_cpu(b, DMA_BUF_SYNC_END);
	want(!request(e, IBV_WR_RDMA_WRITE, IOVA, b->mr->lkey, LEN, (uintptr_t)data, mr->rkey),
	     "WRITE from a dma-buf", 0);
	differ(data, copy, "written from the dma-buf");
	fill(data, LEN, 4);
	want(!request(e, IBV_WR_RDMA_READ, IOVA, b->mr->lkey, LEN, (uintptr_t)data, mr->rkey),
	     "READ into a dma-buf", 0);
	sync_cpu(b, DMA_BUF_SYNC_START);
	differ(b->at + OFFSET, data, "read into the dma-buf");
	margins(b, 0xc3);
	sync_cpu(b, DMA_BUF_SYNC_END);
	munmap(copy, LEN);
}

/* Beyond its ends, and what its rights do not allow. */
static void out_of_range(struct end *near, struct end *far, struct buf *b, uint8_t *data,
			 struct ibv_mr *mr)
{
	static const struct {
		const char *what;
		enum ibv_wr_opcode op;
		int64_t at;
	} tries[] = {
		{ "WRITE one byte beyond", IBV_WR_RDMA_WRITE, LEN - 63 },
		{ "WRITE one byte before", IBV_WR_RDMA_WRITE, -1 },
		{ "WRITE to the page behind", IBV_WR_RDMA_WRITE, LEN + PAGE },
		{ "WRITE at the dma-buf's own offset", IBV_WR_RDMA_WRITE, OFFSET - IOVA },
		{ "READ one byte beyond", IBV_WR_RDMA_READ, LEN - 63 },
		{ "READ one byte before", IBV_WR_RDMA_READ, -1 },
	};
	struct ibv_mr *readable;
	unsigned int i;
	int res;

	for (i = 0; i < COUNT(tries); i++) {
		join(near, far);
		res = request(near, tries[i].op, (uintptr_t)data, mr->lkey, 64, IOVA + tries[i].at,
			      b->mr->rkey);
		want(res == IBV_WC_REM_ACCESS_ERR, tries[i].what, res);
		join(near, far);
		res = request(far, tries[i].op, IOVA + tries[i].at, b->mr->lkey, 64,
			      (uintptr_t)data, mr->rkey);
		want(res == IBV_WC_LOC_PROT_ERR, tries[i].what, res);
	}
	readable = ibv_reg_dmabuf_mr(far->pd, OFFSET, LEN, IOVA, b->fd, IBV_ACCESS_REMOTE_READ);
	if (!readable)
		die("region for reading");
	join(near, far);
	want(!request(near, IBV_WR_RDMA_READ, (uintptr_t)data, mr->lkey, 64, IOVA, readable->rkey),
	     "READ of a region for reading", 0);
	res = request(near, IBV_WR_RDMA_WRITE, (uintptr_t)data, mr->lkey, 64, IOVA, readable->rkey);
	want(res == IBV_WC_REM_ACCESS_ERR, "WRITE to a region for reading", res);
	want(!ibv_dereg_mr(readable), "dereg", 0);
	join(near, far);
}

static void refused(struct end *e, const char *what, int err, uint64_t offset, size_t len,
		    uint64_t iova, int fd, int access)
{
	struct ibv_mr *mr;

	errno = 0;
	mr = ibv_reg_dmabuf_mr(e->pd, offset, len, iova, fd, access);
	want(!mr && errno == err, what, mr ? 0 : errno);
}

/* The library refuses without asking the driver, so this asks in its place. */
static int rereg(struct end *e, const struct ibv_mr *mr, uint32_t flags, void *at)
{
	struct ib_uverbs_rereg_mr_resp resp;
	struct {
		struct ib_uverbs_cmd_hdr hdr;
		struct ib_uverbs_rereg_mr cmd;
	} req = {
		.hdr = { IB_USER_VERBS_CMD_REREG_MR, sizeof(req) / 4, sizeof(resp) / 4 },
		.cmd = { (uintptr_t)&resp, mr->handle, flags, (uintptr_t)at, PAGE, (uintptr_t)at,
			 e->pd->handle, IBV_ACCESS_LOCAL_WRITE },
	};

	return write(e->ctx->cmd_fd, &req, sizeof(req)) < 0 ? errno : 0;
}

static void bad_parameters(struct end *e, struct buf *b, uint8_t *other)
{
	int memfd = memfd_create("plain", 0);
	int res;

	refused(e, "a file that is no dma-buf", EINVAL, 0, PAGE, 0, memfd, ACCESS_ALL);
	refused(e, "a descriptor that is none", EBADF, 0, PAGE, 0, 9999, ACCESS_ALL);
	refused(e, "more than there is", EINVAL, OFFSET, SIZE, IOVA, b->fd, ACCESS_ALL);
	refused(e, "offset behind the end", EINVAL, SIZE, PAGE, 0, b->fd, ACCESS_ALL);
	refused(e, "sum that overflows", EINVAL, -PAGE, 2 * PAGE, 0, b->fd, ACCESS_ALL);
	refused(e, "no byte", EINVAL, 0, 0, 0, b->fd, ACCESS_ALL);
	refused(e, "another place within the page", EINVAL, OFFSET, PAGE, IOVA + 1, b->fd,
		ACCESS_ALL);
	refused(e, "remote write without local write", EINVAL, 0, PAGE, 0, b->fd,
		IBV_ACCESS_REMOTE_WRITE);
	close(memfd);
	/* A region of a dma-buf stays what it is. */
	res = ibv_rereg_mr(b->mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0,
			   IBV_ACCESS_LOCAL_WRITE);
	want(res == IBV_REREG_MR_ERR_INPUT, "ibv_rereg_mr", res);
	res = rereg(e, b->mr, IBV_REREG_MR_CHANGE_TRANSLATION, other);
	want(res == EOPNOTSUPP, "changing its memory", res);
	res = rereg(e, b->mr, IBV_REREG_MR_CHANGE_ACCESS, other);
	want(res == EOPNOTSUPP, "changing its access", res);
}

/*
 * After all that was refused the region is as it was, and keeps its memory without
 * a name for it in the process.
 */
static void without_fd(struct end *near, struct buf *b, uint8_t *data, struct ibv_mr *mr)
{
	uint8_t *copy = memory(LEN);

	munmap(b->at, SIZE);
	close(b->fd);
	fill(data, LEN, 5);
	memcpy(copy, data, LEN);
	want(!request(near, IBV_WR_RDMA_WRITE, (uintptr_t)data, mr->lkey, LEN, IOVA, b->mr->rkey),
	     "WRITE after close()", 0);
	memset(data, 0, LEN);
	want(!request(near, IBV_WR_RDMA_READ, (uintptr_t)data, mr->lkey, LEN, IOVA, b->mr->rkey),
	     "READ after close()", 0);
	differ(data, copy, "read after close()");
	munmap(copy, LEN);
}

static void ordeal(struct end *near, struct end *far, struct buf *b)
{
	uint8_t *data = memory(LEN);
	struct ibv_mr *mr = ibv_reg_mr(near->pd, data, LEN, ACCESS_ALL);

	if (!mr)
		die("MR");
	reg(b, far, ACCESS_ALL);
	remote(near, b, data, mr);
	local(far, b, data, mr);
	out_of_range(near, far, b, data, mr);
	bad_parameters(far, b, data);
	without_fd(near, b, data, mr);
	want(!ibv_dereg_mr(b->mr) && !ibv_dereg_mr(mr), "dereg", errno);
}

int main(int argc, char **argv)
{
	struct end near, far;
	struct buf b;

	if (argc != 6)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	map(&b, strcmp(argv[1], "heap") ? of_memfd() : of_heap());
	end_open(&near, argv[2], argv[3]);
	end_open(&far, argv[4], argv[5]);
	end_qp(&near);
	end_qp(&far);
	join(&near, &far);
	if (!strcmp(argv[1], "linger")) {
		reg(&b, &near, ACCESS_ALL);
		puts("registered");
		pause();
	}
	ordeal(&near, &far, &b);
	end_close(&near);
	end_close(&far);
	return !!bad;
}
