// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Guest memory: the only way to it, and page lists turned into addresses.
 * The lists are read once, when an object is created.
 */
#include <string.h>

#include "dev.h"

static bool dma_allowed(const struct tfw_func *f, u64 addr, size_t len)
{
	return tfw_func_live(f) && addr + len >= addr;
}

bool tfw_dma_read(struct tfw_func *f, u64 addr, void *buf, size_t len)
{
	struct tfw_dev *dev = f->dev;

	return dma_allowed(f, addr, len) &&
	       dev->engine->plat->dma_read(dev->host, f->id, addr, buf, len);
}

bool tfw_dma_write(struct tfw_func *f, u64 addr, const void *buf, size_t len)
{
	struct tfw_dev *dev = f->dev;

	return dma_allowed(f, addr, len) &&
	       dev->engine->plat->dma_write(dev->host, f->id, addr, buf, len);
}

const void *tfw_dma_map(struct tfw_func *f, u64 addr, size_t len)
{
	struct tfw_dev *dev = f->dev;

	if (!dma_allowed(f, addr, len))
		return NULL;
	return dev->engine->plat->dma_map(dev->host, f->id, addr, len);
}

bool tfw_dma_load32(struct tfw_func *f, u64 addr, u32 *val)
{
	struct tfw_dev *dev = f->dev;
	u32 raw;

	if (!dma_allowed(f, addr, sizeof(raw)) ||
	    !dev->engine->plat->dma_load32(dev->host, f->id, addr, &raw))
		return false;
	*val = le32_to_cpu((TULLE_FORCE __le32)raw);
	return true;
}

bool tfw_dma_load64(struct tfw_func *f, u64 addr, u64 *val)
{
	struct tfw_dev *dev = f->dev;
	u64 raw;

	if (!dma_allowed(f, addr, sizeof(raw)) ||
	    !dev->engine->plat->dma_load64(dev->host, f->id, addr, &raw))
		return false;
	*val = le64_to_cpu((TULLE_FORCE __le64)raw);
	return true;
}

bool tfw_dma_store32(struct tfw_func *f, u64 addr, u32 val)
{
	struct tfw_dev *dev = f->dev;
	u32 raw = (TULLE_FORCE u32)cpu_to_le32(val);

	return dma_allowed(f, addr, sizeof(raw)) &&
	       dev->engine->plat->dma_store32(dev->host, f->id, addr, raw);
}

bool tfw_dma_publish(struct tfw_func *f, u64 addr, const void *buf, size_t len)
{
	struct tfw_dev *dev = f->dev;

	return dma_allowed(f, addr, len) &&
	       dev->engine->plat->dma_publish(dev->host, f->id, addr, buf,
					      len);
}

bool tfw_dma_atomic(struct tfw_func *f, u64 addr, const u64 *compare,
		    u64 operand, u64 *old)
{
	struct tfw_dev *dev = f->dev;

	return dma_allowed(f, addr, sizeof(*old)) &&
	       dev->engine->plat->dma_atomic(dev->host, f->id, addr, compare,
					     operand, old);
}

#define LIST_ENTRIES	(TULLE_CMD_PAGE_SIZE / sizeof(__le64))

/* @n addresses from the array at @addr, each a multiple of 1 << @log_align. */
static enum tulle_status list_read(struct tfw_func *f, u64 addr, u64 *pages,
				   u32 n, u8 log_align)
{
	u64 align = (1ULL << log_align) - 1;
	u32 i;

	if (addr & (TULLE_CMD_PAGE_SIZE - 1))
		return TULLE_STATUS_BAD_PARAM;
	if (!tfw_dma_read(f, addr, pages, n * sizeof(*pages)))
		return TULLE_STATUS_DMA;
	for (i = 0; i < n; i++) {
		pages[i] = le64_to_cpu((TULLE_FORCE __le64)pages[i]);
		if (pages[i] & align || pages[i] + align < pages[i])
			return TULLE_STATUS_BAD_PARAM;
	}
	return TULLE_STATUS_OK;
}

static enum tulle_status list_read2(struct tfw_func *f, u64 addr, u64 *pages,
				    u32 n, u8 log_align)
{
	u64 dir[LIST_ENTRIES];
	u32 ndir = (u32)((n + LIST_ENTRIES - 1) / LIST_ENTRIES);
	enum tulle_status st;
	u32 i, done = 0;

	if (ndir > LIST_ENTRIES)
		return TULLE_STATUS_BAD_PARAM;
	st = list_read(f, addr, dir, ndir, 12);
	for (i = 0; !st && i < ndir; i++) {
		u32 count = TFW_MIN(n - done, (u32)LIST_ENTRIES);

		st = list_read(f, dir[i], pages + done, count, log_align);
		done += count;
	}
	return st;
}

enum tulle_status tfw_pages_read(struct tfw_func *f,
				 const struct tulle_page_list *list,
				 u32 n, u64 *pages)
{
	u64 addr = le64_to_cpu(list->addr);

	return list->levels == 1 ?
		list_read(f, addr, pages, n, list->log_page_size) :
		list_read2(f, addr, pages, n, list->log_page_size);
}

bool tfw_pages_contiguous(const u64 *pages, u32 n, u8 log_page)
{
	u32 i;

	for (i = 1; i < n; i++)
		if (pages[i] != pages[0] + ((u64)i << log_page))
			return false;
	return true;
}

static enum tulle_status ring_read_pages(struct tfw_func *f,
					 struct tfw_ring *ring, u32 n)
{
	struct tfw_engine *e = tfw_func_engine(f);
	enum tulle_status st;
	u64 *pages;

	pages = tfw_alloc(e, n * sizeof(*pages));
	if (!pages)
		return TULLE_STATUS_NOMEM;
	st = tfw_pages_read(f, &ring->list, n, pages);
	if (!st && !tfw_pages_contiguous(pages, n, ring->log_page)) {
		ring->pages = pages;
		return TULLE_STATUS_OK;
	}
	if (!st)
		ring->base = pages[0] + ring->offset;
	tfw_free(e, pages);
	return st;
}

enum tulle_status tfw_ring_init(struct tfw_func *f, struct tfw_ring *ring,
				const struct tulle_page_list *list,
				u8 log_size, u8 log_entry)
{
	u64 bytes, need, addr = le64_to_cpu(list->addr);
	u32 offset = le32_to_cpu(list->first_offset);
	u32 npages = le32_to_cpu(list->npages);

	if (!tfw_is_zero(list->rsvd, sizeof(list->rsvd)) ||
	    list->levels > 2 ||
	    list->log_page_size < 12 || list->log_page_size > 30 ||
	    offset >> list->log_page_size || offset & ((1U << log_entry) - 1))
		return TULLE_STATUS_BAD_PARAM;
	bytes = offset + (1ULL << (log_size + log_entry));
	need = (bytes + (1ULL << list->log_page_size) - 1) >>
	       list->log_page_size;
	if (npages < need)
		return TULLE_STATUS_BAD_PARAM;
	*ring = (struct tfw_ring){
		.list = *list,
		.offset = offset,
		.log_size = log_size,
		.log_entry = log_entry,
		.log_page = list->log_page_size,
	};
	if (list->levels)
		return ring_read_pages(f, ring, (u32)need);
	if (addr & (TULLE_CMD_PAGE_SIZE - 1) || addr + bytes < addr)
		return TULLE_STATUS_BAD_PARAM;
	ring->base = addr + offset;
	return TULLE_STATUS_OK;
}

void tfw_ring_cleanup(struct tfw_func *f, struct tfw_ring *ring)
{
	tfw_free(tfw_func_engine(f), ring->pages);
	ring->pages = NULL;
}

bool tfw_ring_read(struct tfw_func *f, const struct tfw_ring *ring, u32 ix,
		   u32 n, void *buf)
{
	size_t left = (size_t)n << ring->log_entry;
	u64 page = (1ULL << ring->log_page) - 1;
	char *to = buf;
	size_t len;
	u64 addr;

	if (!ring->pages)
		return tfw_dma_read(f, tfw_ring_addr(ring, ix), buf, left);
	while (left) {
		addr = tfw_ring_addr(ring, ix);
		len = TFW_MIN(left, page + 1 - (addr & page));
		if (!tfw_dma_read(f, addr, to, len))
			return false;
		to += len;
		left -= len;
		ix += (u32)(len >> ring->log_entry);
	}
	return true;
}
