// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for rings: one coherent block where that is easily had (the device
 * reaches it fastest), otherwise single pages, mapped in a row for the CPU and
 * named in a page list for the device.
 */

#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "core.h"

#define TULLE_LIST_ENTRIES	512	/* le64 in an array of 4 KiB */
#define TULLE_LIST_BYTES	(TULLE_LIST_ENTRIES * sizeof(__le64))

static int tulle_mem_alloc_block(struct tulle_dev *dev, struct tulle_mem *mem)
{
	mem->buf = dma_alloc_coherent(dev->device, mem->size, &mem->dma,
				      GFP_KERNEL | __GFP_NOWARN |
				      __GFP_NORETRY);
	if (!mem->buf)
		return -ENOMEM;
	mem->pages = (struct tulle_page_list) {
		.addr = cpu_to_le64(mem->dma),
		.npages = cpu_to_le32(mem->size >> 12),
		.log_page_size = 12,
	};
	return 0;
}

static void tulle_mem_free_pages(struct tulle_dev *dev, struct tulle_mem *mem)
{
	unsigned int i;

	for (i = 0; i < mem->npages; i++)
		dma_free_pages(dev->device, PAGE_SIZE, mem->page[i],
			       mem->page_dma[i], DMA_BIDIRECTIONAL);
	kvfree(mem->page_dma);
	kvfree(mem->page);
}

static int tulle_mem_alloc_pages(struct tulle_dev *dev, struct tulle_mem *mem)
{
	unsigned int npages = DIV_ROUND_UP(mem->size, PAGE_SIZE);
	struct page *page;
	dma_addr_t dma;

	mem->page = kvzalloc_objs(*mem->page, npages);
	mem->page_dma = kvzalloc_objs(*mem->page_dma, npages);
	if (!mem->page || !mem->page_dma)
		goto err_free;
	for (; mem->npages < npages; mem->npages++) {
		page = dma_alloc_pages(dev->device, PAGE_SIZE, &dma,
				       DMA_BIDIRECTIONAL,
				       GFP_KERNEL | __GFP_NOWARN);
		if (!page)
			goto err_free;
		mem->page[mem->npages] = page;
		mem->page_dma[mem->npages] = dma;
		/* Without coherence such memory cannot hold a ring. */
		if (dma_need_sync(dev->device, dma)) {
			mem->npages++;
			goto err_free;
		}
	}
	mem->buf = vmap(mem->page, npages, VM_MAP, PAGE_KERNEL);
	if (!mem->buf)
		goto err_free;
	memset(mem->buf, 0, mem->size);
	return 0;

err_free:
	tulle_mem_free_pages(dev, mem);
	return -ENOMEM;
}

/* Arrays of page addresses and, when there are several, one that names them. */
static int tulle_mem_alloc_list(struct tulle_dev *dev, struct tulle_mem *mem)
{
	unsigned int arrays = DIV_ROUND_UP(mem->npages, TULLE_LIST_ENTRIES);
	unsigned int i, top = arrays > 1;
	__le64 *entry;

	if (arrays > TULLE_LIST_ENTRIES)
		return -ENOMEM;
	mem->list_size = (top + arrays) * TULLE_LIST_BYTES;
	mem->list = dma_alloc_coherent(dev->device, mem->list_size,
				       &mem->list_dma, GFP_KERNEL);
	if (!mem->list)
		return -ENOMEM;
	for (i = 0; top && i < arrays; i++)
		mem->list[i] = cpu_to_le64(mem->list_dma +
					   (1 + i) * TULLE_LIST_BYTES);
	entry = mem->list + top * TULLE_LIST_ENTRIES;
	for (i = 0; i < mem->npages; i++)
		entry[i] = cpu_to_le64(mem->page_dma[i]);
	mem->pages = (struct tulle_page_list) {
		.addr = cpu_to_le64(mem->list_dma),
		.npages = cpu_to_le32(mem->npages),
		.log_page_size = PAGE_SHIFT,
		.levels = 1 + top,
	};
	return 0;
}

int tulle_mem_alloc(struct tulle_dev *dev, struct tulle_mem *mem, size_t size)
{
	int err;

	memset(mem, 0, sizeof(*mem));
	mem->size = ALIGN(size, 4096);
	if (!tulle_mem_alloc_block(dev, mem))
		return 0;
	err = tulle_mem_alloc_pages(dev, mem);
	if (err)
		goto err_zero;
	err = tulle_mem_alloc_list(dev, mem);
	if (err)
		goto err_free_pages;
	return 0;

err_free_pages:
	vunmap(mem->buf);
	tulle_mem_free_pages(dev, mem);
err_zero:
	memset(mem, 0, sizeof(*mem));
	return err;
}
EXPORT_SYMBOL_NS_GPL(tulle_mem_alloc, "TULLE_CORE");

void tulle_mem_free(struct tulle_dev *dev, struct tulle_mem *mem)
{
	if (!mem->buf)
		return;
	if (mem->page) {
		vunmap(mem->buf);
		tulle_mem_free_pages(dev, mem);
		dma_free_coherent(dev->device, mem->list_size, mem->list,
				  mem->list_dma);
	} else {
		dma_free_coherent(dev->device, mem->size, mem->buf, mem->dma);
	}
	memset(mem, 0, sizeof(*mem));
}
EXPORT_SYMBOL_NS_GPL(tulle_mem_free, "TULLE_CORE");
