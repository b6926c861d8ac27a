// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbell records. Their pages come and go with the records in them; the
 * kernel's doorbell page itself is mapped with the BARs. Pages for others are
 * only named here: who asked for one maps it.
 */

#include <linux/bitmap.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include "core.h"

#define TULLE_DBR_PAGE		4096
#define TULLE_DBRS_PER_PAGE	(TULLE_DBR_PAGE / sizeof(struct tulle_dbr))

struct tulle_dbr_page {
	struct list_head list;
	struct tulle_dbr *dbrs;
	dma_addr_t dma;
	DECLARE_BITMAP(used, TULLE_DBRS_PER_PAGE);
};

void tulle_uars_init(struct tulle_core *core)
{
	mutex_init(&core->uars.lock);
	INIT_LIST_HEAD(&core->uars.pages);
}

void tulle_uars_cleanup(struct tulle_core *core)
{
	WARN_ON(!list_empty(&core->uars.pages));
	mutex_destroy(&core->uars.lock);
}

int tulle_uar_alloc(struct tulle_dev *dev, struct tulle_uar *uar)
{
	resource_size_t size = pci_resource_len(dev->pdev, TULLE_BAR_UAR);
	u32 handle, index;
	int err;

	err = tulle_obj_create(dev, TULLE_CMD_ALLOC_UAR, NULL, 0, &handle);
	if (err)
		return err;
	/* Page 0 is the kernel's, and contexts name a page in 16 bits. */
	index = FIELD_GET(TULLE_HANDLE_INDEX, handle);
	if (index == TULLE_UAR_KERNEL || index > U16_MAX ||
	    index >= size / PAGE_SIZE) {
		tulle_dev_fail(dev, "firmware gave a doorbell page that is none");
		return -EPROTO;
	}
	uar->handle = handle;
	uar->index = index;
	uar->phys = pci_resource_start(dev->pdev, TULLE_BAR_UAR) +
		    (resource_size_t)index * PAGE_SIZE;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(tulle_uar_alloc, "TULLE_CORE");

void tulle_uar_free(struct tulle_dev *dev, struct tulle_uar *uar)
{
	tulle_obj_destroy(dev, TULLE_CMD_FREE_UAR, uar->handle);
	uar->handle = 0;
}
EXPORT_SYMBOL_NS_GPL(tulle_uar_free, "TULLE_CORE");

static struct tulle_dbr_page *tulle_dbr_page_alloc(struct tulle_core *core)
{
	struct tulle_dbr_page *page;

	page = kzalloc_obj(*page);
	if (!page)
		return NULL;
	page->dbrs = dma_alloc_coherent(core->dev.device, TULLE_DBR_PAGE,
					&page->dma, GFP_KERNEL);
	if (!page->dbrs) {
		kfree(page);
		return NULL;
	}
	list_add(&page->list, &core->uars.pages);
	return page;
}

static struct tulle_dbr_page *tulle_dbr_page_find(struct tulle_core *core)
{
	struct tulle_dbr_page *page;

	list_for_each_entry(page, &core->uars.pages, list) {
		if (!bitmap_full(page->used, TULLE_DBRS_PER_PAGE))
			return page;
	}
	return tulle_dbr_page_alloc(core);
}

int tulle_dbr_alloc(struct tulle_dev *dev, struct tulle_dbr_ref *ref)
{
	struct tulle_core *core = to_tulle_core(dev);
	struct tulle_dbr_page *page;
	unsigned long i;
	int err = -ENOMEM;

	mutex_lock(&core->uars.lock);
	page = tulle_dbr_page_find(core);
	if (!page)
		goto out_unlock;
	i = find_first_zero_bit(page->used, TULLE_DBRS_PER_PAGE);
	__set_bit(i, page->used);
	ref->dbr = &page->dbrs[i];
	ref->dma = page->dma + i * sizeof(*page->dbrs);
	ref->page = page;
	memset(ref->dbr, 0, sizeof(*ref->dbr));
	err = 0;
out_unlock:
	mutex_unlock(&core->uars.lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(tulle_dbr_alloc, "TULLE_CORE");

void tulle_dbr_free(struct tulle_dev *dev, struct tulle_dbr_ref *ref)
{
	struct tulle_core *core = to_tulle_core(dev);
	struct tulle_dbr_page *page = ref->page;

	if (!page)
		return;
	mutex_lock(&core->uars.lock);
	__clear_bit(ref->dbr - page->dbrs, page->used);
	if (bitmap_empty(page->used, TULLE_DBRS_PER_PAGE)) {
		list_del(&page->list);
		dma_free_coherent(dev->device, TULLE_DBR_PAGE, page->dbrs,
				  page->dma);
		kfree(page);
	}
	mutex_unlock(&core->uars.lock);
	memset(ref, 0, sizeof(*ref));
}
EXPORT_SYMBOL_NS_GPL(tulle_dbr_free, "TULLE_CORE");
