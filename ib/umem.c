// SPDX-License-Identifier: GPL-2.0
/*
 * User memory as the device takes it: a page list with the largest pages that
 * the memory has. The lists live only until the command that hands them over
 * is done, because the device keeps a copy.
 */

#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include <rdma/ib_umem.h>
#include <rdma/iter.h>

#include "ib.h"

#define UMEM_ENTRIES	(TULLE_CMD_PAGE_SIZE / sizeof(__le64))

static int umem_alloc_array(struct tulle_ib_dev *dev, struct tulle_ib_umem *um)
{
	unsigned int i = um->narrays;
	struct page *page;

	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	um->array[i] = page_address(page);
	um->narrays++;
	return 0;
}

static int umem_alloc_arrays(struct tulle_ib_dev *dev,
			     struct tulle_ib_umem *um, unsigned int n)
{
	int err = 0;

	um->array = kvzalloc_objs(*um->array, n);
	um->array_dma = kvzalloc_objs(*um->array_dma, n);
	if (!um->array || !um->array_dma)
		return -ENOMEM;
	while (um->narrays < n && !err)
		err = umem_alloc_array(dev, um);
	return err;
}

static void umem_unmap_arrays(struct tulle_ib_dev *dev,
			      struct tulle_ib_umem *um, unsigned int n)
{
	while (n--)
		dma_unmap_single(dev->tdev->device, um->array_dma[n],
				 TULLE_CMD_PAGE_SIZE, DMA_TO_DEVICE);
}

/* Written before, because the device may see a copy (swiotlb). */
static int umem_map_array(struct tulle_ib_dev *dev, struct tulle_ib_umem *um,
			  unsigned int i)
{
	um->array_dma[i] = dma_map_single(dev->tdev->device, um->array[i],
					  TULLE_CMD_PAGE_SIZE, DMA_TO_DEVICE);
	return dma_mapping_error(dev->tdev->device, um->array_dma[i]);
}

static void umem_free_arrays(struct tulle_ib_umem *um)
{
	while (um->narrays)
		free_page((unsigned long)um->array[--um->narrays]);
	kvfree(um->array);
	kvfree(um->array_dma);
	um->array = NULL;
	um->array_dma = NULL;
}

static void umem_write_pages(struct tulle_ib_umem *um, unsigned long pgsz)
{
	struct ib_block_iter iter;
	size_t i = 0;

	rdma_umem_for_each_dma_block(um->umem, &iter, pgsz) {
		um->array[i / UMEM_ENTRIES][i % UMEM_ENTRIES] =
			cpu_to_le64(rdma_block_iter_dma_address(&iter));
		i++;
	}
}

static int umem_map_lists(struct tulle_ib_dev *dev, struct tulle_ib_umem *um,
			  unsigned int leaves)
{
	unsigned int i;
	int err;

	for (i = 0; i < um->narrays; i++) {
		/* The last one names the others, once they have addresses. */
		if (i == leaves) {
			unsigned int j;

			for (j = 0; j < leaves; j++)
				um->array[i][j] = cpu_to_le64(um->array_dma[j]);
		}
		err = umem_map_array(dev, um, i);
		if (err) {
			umem_unmap_arrays(dev, um, i);
			return err;
		}
	}
	um->pages.addr = cpu_to_le64(um->array_dma[um->narrays - 1]);
	um->pages.levels = leaves > 1 ? 2 : 1;
	return 0;
}

static int umem_make_lists(struct tulle_ib_dev *dev, struct tulle_ib_umem *um,
			   unsigned long pgsz, size_t n)
{
	unsigned int leaves = DIV_ROUND_UP(n, UMEM_ENTRIES);
	int err;

	err = umem_alloc_arrays(dev, um, leaves + (leaves > 1));
	if (err)
		goto err_free;
	umem_write_pages(um, pgsz);
	err = umem_map_lists(dev, um, leaves);
	if (err)
		goto err_free;
	return 0;

err_free:
	umem_free_arrays(um);
	return err;
}

/**
 * tulle_ib_pages_map() - describe pinned memory to the device
 * @dev: the device
 * @um: its umem is set; the page list is filled
 * @virt: address that the first byte has for users of the memory
 *
 * Return: 0, -EINVAL when no page size fits, -E2BIG, -ENOMEM.
 */
int tulle_ib_pages_map(struct tulle_ib_dev *dev, struct tulle_ib_umem *um,
		       u64 virt)
{
	struct ib_block_iter iter;
	unsigned long pgsz;
	size_t n;

	pgsz = ib_umem_find_best_pgsz(um->umem, dev->tdev->rdma.page_sizes,
				      virt);
	if (!pgsz)
		return -EINVAL;
	n = ib_umem_num_dma_blocks(um->umem, pgsz);
	if (n > dev->tdev->rdma.max_mr_pages || n > UMEM_ENTRIES * UMEM_ENTRIES)
		return -E2BIG;
	um->pages = (struct tulle_page_list) {
		.npages = cpu_to_le32(n),
		.first_offset = cpu_to_le32(virt & (pgsz - 1)),
		.log_page_size = __ffs(pgsz),
	};
	if (n > 1)
		return umem_make_lists(dev, um, pgsz, n);
	rdma_umem_for_each_dma_block(um->umem, &iter, pgsz)
		um->pages.addr = cpu_to_le64(rdma_block_iter_dma_address(&iter));
	return 0;
}

void tulle_ib_pages_unmap(struct tulle_ib_dev *dev, struct tulle_ib_umem *um)
{
	if (!um->narrays)
		return;
	umem_unmap_arrays(dev, um, um->narrays);
	umem_free_arrays(um);
}

int tulle_ib_ring_map(struct tulle_ib_dev *dev, struct tulle_ib_umem *um,
		      u64 addr)
{
	int err;

	err = tulle_ib_pages_map(dev, um, addr);
	if (err) {
		ib_umem_release(um->umem);
		um->umem = NULL;
	}
	return err;
}

/* Pin a ring of user space and describe it; tulle_ib_ring_put() undoes both. */
int tulle_ib_ring_get(struct tulle_ib_dev *dev, struct tulle_ib_umem *um,
		      u64 addr, size_t size, int access)
{
	struct ib_umem *umem;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	umem = ib_umem_get_va(&dev->ibdev, addr, size, access);
	if (IS_ERR(umem))
		return PTR_ERR(umem);
	um->umem = umem;
	return tulle_ib_ring_map(dev, um, addr);
}

void tulle_ib_ring_put(struct tulle_ib_dev *dev, struct tulle_ib_umem *um)
{
	if (!um->umem)
		return;
	tulle_ib_pages_unmap(dev, um);
	ib_umem_release(um->umem);
	um->umem = NULL;
}
