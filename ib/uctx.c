// SPDX-License-Identifier: GPL-2.0
/*
 * User contexts: a doorbell page each, and the pages in which a process keeps
 * its doorbell records.
 */

#include <linux/mm.h>
#include <linux/slab.h>
#include <rdma/ib_umem.h>
#include <rdma/iter.h>

#include "ib.h"

struct uctx_mmap {
	struct rdma_user_mmap_entry entry;
	struct tulle_uar uar;
};

/* The page goes back to the device when nobody has it mapped any more. */
static void uctx_mmap_free(struct rdma_user_mmap_entry *entry)
{
	struct uctx_mmap *map = container_of(entry, struct uctx_mmap, entry);
	struct tulle_ib_dev *dev = to_tulle_ib_dev(entry->ucontext->device);

	tulle_uar_free(dev->tdev, &map->uar);
	kfree(map);
}

static int uctx_mmap_alloc(struct tulle_ib_dev *dev,
			   struct tulle_ib_uctx *uctx)
{
	struct uctx_mmap *map;
	int err;

	map = kzalloc_obj(*map);
	if (!map)
		return -ENOMEM;
	err = tulle_uar_alloc(dev->tdev, &map->uar);
	if (err)
		goto err_free;
	err = rdma_user_mmap_entry_insert(&uctx->ibuctx, &map->entry,
					  PAGE_SIZE);
	if (err)
		goto err_free_uar;
	uctx->uar = map->uar;
	uctx->mmap = &map->entry;
	return 0;

err_free_uar:
	tulle_uar_free(dev->tdev, &map->uar);
err_free:
	kfree(map);
	return err;
}

static int uctx_respond(struct tulle_ib_dev *dev, struct tulle_ib_uctx *uctx,
			struct ib_udata *udata)
{
	const struct tulle_rdma_limits *rdma = &dev->tdev->rdma;
	struct tulle_ib_uresp_alloc_ucontext rsp = {
		.uar_offset = rdma_user_mmap_get_offset(uctx->mmap),
		.uar_size = PAGE_SIZE,
		.max_inline = rdma->max_inline,
		.page_sizes = rdma->page_sizes,
		.ops = { rdma->ops[0], rdma->ops[1] },
		.max_blocks = rdma->max_blocks,
		.max_sq_sges = rdma->max_sq_sges,
		.max_rq_sges = rdma->max_rq_sges,
		.log_max_qp_sq = rdma->log_max_qp_sq,
		.log_max_qp_rq = rdma->log_max_qp_rq,
		.log_max_cq = dev->tdev->limits.log_max_cq_size,
	};

	return ib_respond_udata(udata, rsp);
}

static int uctx_alloc(struct ib_ucontext *ibuctx, struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibuctx->device);
	struct tulle_ib_uctx *uctx = to_tulle_ib_uctx(ibuctx);
	struct tulle_ib_ureq_alloc_ucontext req;
	int err;

	err = ib_copy_validate_udata_in_cm(udata, req, comp_mask, 0);
	if (err)
		return err;
	mutex_init(&uctx->mutex);
	INIT_LIST_HEAD(&uctx->dbr_pages);
	err = uctx_mmap_alloc(dev, uctx);
	if (err)
		goto err_destroy_mutex;
	err = uctx_respond(dev, uctx, udata);
	if (err)
		goto err_remove_mmap;
	return 0;

err_remove_mmap:
	rdma_user_mmap_entry_remove(uctx->mmap);
err_destroy_mutex:
	mutex_destroy(&uctx->mutex);
	return err;
}

static void uctx_dealloc(struct ib_ucontext *ibuctx)
{
	struct tulle_ib_uctx *uctx = to_tulle_ib_uctx(ibuctx);

	WARN_ON_ONCE(!list_empty(&uctx->dbr_pages));
	rdma_user_mmap_entry_remove(uctx->mmap);
	mutex_destroy(&uctx->mutex);
}

static int uctx_mmap(struct ib_ucontext *ibuctx, struct vm_area_struct *vma)
{
	struct rdma_user_mmap_entry *entry;
	struct uctx_mmap *map;
	int err = -EINVAL;

	entry = rdma_user_mmap_entry_get(ibuctx, vma);
	if (!entry)
		return -EINVAL;
	map = container_of(entry, struct uctx_mmap, entry);
	if (vma->vm_end - vma->vm_start != PAGE_SIZE)
		goto out_put;
	err = -EPERM;
	if (vma->vm_flags & VM_EXEC)
		goto out_put;
	vm_flags_clear(vma, VM_MAYEXEC);
	err = rdma_user_mmap_io(ibuctx, vma, PHYS_PFN(map->uar.phys),
				PAGE_SIZE, pgprot_noncached(vma->vm_page_prot),
				entry);
out_put:
	rdma_user_mmap_entry_put(entry);
	return err;
}

/*
 * That it exists is what matters: contexts need not be closed before the
 * device goes. ib_core unmaps their pages and destroys their objects.
 */
static void uctx_disassociate(struct ib_ucontext *ibuctx)
{
}

const struct ib_device_ops tulle_ib_uctx_ops = {
	.alloc_ucontext		= uctx_alloc,
	.dealloc_ucontext	= uctx_dealloc,
	.disassociate_ucontext	= uctx_disassociate,
	.mmap			= uctx_mmap,
	.mmap_free		= uctx_mmap_free,
	INIT_RDMA_OBJ_SIZE(ib_ucontext, tulle_ib_uctx, ibuctx),
};

static struct tulle_ib_dbr_page *dbr_page_pin(struct tulle_ib_dev *dev,
					      struct tulle_ib_uctx *uctx,
					      unsigned long addr)
{
	struct tulle_ib_dbr_page *page;

	page = kzalloc_obj(*page);
	if (!page)
		return ERR_PTR(-ENOMEM);
	page->addr = addr;
	page->umem = ib_umem_get_va(&dev->ibdev, addr, PAGE_SIZE,
				    IB_ACCESS_LOCAL_WRITE);
	if (IS_ERR(page->umem)) {
		int err = PTR_ERR(page->umem);

		kfree(page);
		return ERR_PTR(err);
	}
	list_add(&page->list, &uctx->dbr_pages);
	return page;
}

static struct tulle_ib_dbr_page *dbr_page_find(struct tulle_ib_dev *dev,
					       struct tulle_ib_uctx *uctx,
					       unsigned long addr)
{
	struct tulle_ib_dbr_page *page;

	list_for_each_entry(page, &uctx->dbr_pages, list) {
		/* After fork() the same address may be another page. */
		if (page->addr == addr && page->umem->owning_mm == current->mm)
			return page;
	}
	return dbr_page_pin(dev, uctx, addr);
}

/**
 * tulle_ib_dbr_get() - make a doorbell record of user space known to the device
 * @dev: the device
 * @user: filled
 * @uctx: whose it is
 * @addr: of its struct tulle_dbr
 *
 * Return: 0 or an error.
 */
int tulle_ib_dbr_get(struct tulle_ib_dev *dev, struct tulle_ib_user *user,
		     struct tulle_ib_uctx *uctx, u64 addr)
{
	struct tulle_ib_dbr_page *page;

	if (addr & (sizeof(struct tulle_dbr) - 1))
		return -EINVAL;
	mutex_lock(&uctx->mutex);
	page = dbr_page_find(dev, uctx, addr & PAGE_MASK);
	if (!IS_ERR(page))
		page->users++;
	mutex_unlock(&uctx->mutex);
	if (IS_ERR(page))
		return PTR_ERR(page);
	user->uctx = uctx;
	user->dbr = page;
	user->dbr_dma = sg_dma_address(page->umem->sgt_append.sgt.sgl) +
			(addr & ~PAGE_MASK);
	return 0;
}

void tulle_ib_dbr_put(struct tulle_ib_user *user)
{
	struct tulle_ib_dbr_page *page = user->dbr;

	if (!page)
		return;
	mutex_lock(&user->uctx->mutex);
	if (!--page->users) {
		list_del(&page->list);
		ib_umem_release(page->umem);
		kfree(page);
	}
	mutex_unlock(&user->uctx->mutex);
	user->dbr = NULL;
}
