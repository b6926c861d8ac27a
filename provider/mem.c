// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Memory that the device reads and writes: rings, doorbell records. Locks. */

#include <sys/mman.h>
#include <unistd.h>

#include <util/mmio.h>

#include "provider.h"

int tulle_lock_init(struct tulle_lock *lock, bool on)
{
	lock->on = on;
	return pthread_spin_init(&lock->spin, PTHREAD_PROCESS_PRIVATE);
}

void tulle_lock_cleanup(struct tulle_lock *lock)
{
	pthread_spin_destroy(&lock->spin);
}

int tulle_log2_ceil(u64 n)
{
	return n > 1 ? 64 - __builtin_clzll(n - 1) : 0;
}

_Static_assert(TULLEDV_RES_TYPE(0) == (uint64_t)TULLE_RDMA_DRIVER_ID << 32,
	       "resource types have the driver's number on top");

static size_t tulle_page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static int tulle_buf_map(struct tulle_buf *buf)
{
	int err;

	buf->addr = mmap(NULL, buf->len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf->addr == MAP_FAILED) {
		buf->addr = NULL;
		return ENOMEM;
	}
	/*
	 * Otherwise a child would share the pages copy-on-write, and the
	 * parent's next write go to a page that the device does not know.
	 */
	if (ibv_dontfork_range(buf->addr, buf->len)) {
		err = errno;
		munmap(buf->addr, buf->len);
		buf->addr = NULL;
		return err;
	}
	return 0;
}

static void tulle_buf_unmap(struct tulle_buf *buf)
{
	ibv_dofork_range(buf->addr, buf->len);
	munmap(buf->addr, buf->len);
}

static void tulle_buf_give_back(struct tulle_buf *buf)
{
	struct tulle_pd *domain = buf->domain;

	domain->free(&domain->pd, domain->alloc_context, buf->addr, buf->type);
}

/* What the program gives is looked at; owner bits must not be right already. */
static int tulle_buf_ask(struct tulle_buf *buf)
{
	struct tulle_pd *domain = buf->domain;
	size_t page = tulle_page_size();

	buf->addr = domain->alloc(&domain->pd, domain->alloc_context, buf->len,
				  page, buf->type);
	if (!buf->addr)
		return ENOMEM;
	if (buf->addr == IBV_ALLOCATOR_USE_DEFAULT)
		return tulle_buf_map(buf);
	if ((uintptr_t)buf->addr % page) {
		tulle_buf_give_back(buf);
		buf->addr = NULL;
		return EINVAL;
	}
	buf->custom = true;
	memset(buf->addr, 0, buf->len);
	return 0;
}

int tulle_buf_alloc(struct tulle_buf *buf, struct ibv_pd *pd, uint64_t type,
		    size_t len)
{
	size_t page = tulle_page_size();
	int err;

	*buf = (struct tulle_buf) {
		.len = (len + page - 1) & ~(page - 1),
		.type = type,
		.domain = tulle_domain_get(pd),
	};
	err = buf->domain && buf->domain->alloc ? tulle_buf_ask(buf) :
						  tulle_buf_map(buf);
	if (err)
		tulle_domain_put(buf->domain);
	return err;
}

void tulle_buf_free(struct tulle_buf *buf)
{
	if (!buf->addr)
		return;
	if (buf->custom)
		tulle_buf_give_back(buf);
	else
		tulle_buf_unmap(buf);
	tulle_domain_put(buf->domain);
	buf->addr = NULL;
}

/*
 * struct tulle_dbr_page - a page of doorbell records
 * @used: bit per record
 */
struct tulle_dbr_page {
	struct tulle_dbr_page *next;
	struct tulle_buf buf;
	u64 used;
};

/* The bitmap has 64 bits; larger pages stay empty behind them. */
static int tulle_dbr_per_page(const struct tulle_dbr_page *page)
{
	size_t n = page->buf.len / sizeof(struct tulle_dbr);

	return n < 64 ? n : 64;
}

static struct tulle_dbr_page *tulle_dbr_page_add(struct tulle_context *ctx)
{
	struct tulle_dbr_page *page = calloc(1, sizeof(*page));

	if (!page)
		return NULL;
	if (tulle_buf_alloc(&page->buf, NULL, 0, tulle_page_size())) {
		free(page);
		return NULL;
	}
	page->next = ctx->dbr_pages;
	ctx->dbr_pages = page;
	return page;
}

static struct tulle_dbr *tulle_dbr_take(struct tulle_dbr_page *page)
{
	struct tulle_dbr *dbr = page->buf.addr;
	int i, n = tulle_dbr_per_page(page);

	for (i = 0; i < n; i++) {
		if (page->used >> i & 1)
			continue;
		page->used |= 1ULL << i;
		memset(&dbr[i], 0, sizeof(dbr[i]));
		return &dbr[i];
	}
	return NULL;
}

struct tulle_dbr *tulle_dbr_alloc(struct tulle_context *ctx)
{
	struct tulle_dbr_page *page;
	struct tulle_dbr *dbr = NULL;

	pthread_mutex_lock(&ctx->dbr_lock);
	for (page = ctx->dbr_pages; page && !dbr; page = page->next)
		dbr = tulle_dbr_take(page);
	if (!dbr) {
		page = tulle_dbr_page_add(ctx);
		if (page)
			dbr = tulle_dbr_take(page);
	}
	pthread_mutex_unlock(&ctx->dbr_lock);
	return dbr;
}

void tulle_dbr_free(struct tulle_context *ctx, struct tulle_dbr *dbr)
{
	struct tulle_dbr_page **prev, *page;

	if (!dbr)
		return;
	pthread_mutex_lock(&ctx->dbr_lock);
	for (prev = &ctx->dbr_pages; (page = *prev); prev = &page->next) {
		struct tulle_dbr *first = page->buf.addr;

		if (dbr < first || dbr >= first + tulle_dbr_per_page(page))
			continue;
		page->used &= ~(1ULL << (dbr - first));
		if (!page->used) {
			*prev = page->next;
			tulle_buf_free(&page->buf);
			free(page);
		}
		break;
	}
	pthread_mutex_unlock(&ctx->dbr_lock);
}

void tulle_doorbell(struct tulle_context *ctx, unsigned int reg, u32 handle)
{
	mmio_write32_le(ctx->uar + reg, htole32(handle));
}
