// SPDX-License-Identifier: GPL-2.0
/* Mailboxes: requests and responses that do not fit in a command slot. */

#include <linux/dmapool.h>
#include <linux/slab.h>
#include "core.h"

static int tulle_mbox_page_alloc(struct tulle_cmdq *cmd,
				 struct tulle_mbox_page *page)
{
	page->buf = dma_pool_zalloc(cmd->pool, GFP_KERNEL, &page->dma);
	return page->buf ? 0 : -ENOMEM;
}

static void tulle_mbox_page_free(struct tulle_cmdq *cmd,
				 struct tulle_mbox_page *page)
{
	if (page->buf)
		dma_pool_free(cmd->pool, page->buf, page->dma);
	page->buf = NULL;
}

/* A list page names the pages when there is more than one. */
static int tulle_mbox_list_alloc(struct tulle_cmdq *cmd,
				 struct tulle_mbox *mbox)
{
	unsigned int i;
	__le64 *list;
	int err;

	err = tulle_mbox_page_alloc(cmd, &mbox->list);
	if (err)
		return err;
	list = mbox->list.buf;
	for (i = 0; i < mbox->npages; i++)
		list[i] = cpu_to_le64(mbox->page[i].dma);
	return 0;
}

/* Room for @len bytes, at most TULLE_CMD_LIST_MAX pages; none for 0. */
int tulle_mbox_alloc(struct tulle_cmdq *cmd, struct tulle_mbox *mbox, u32 len)
{
	unsigned int npages = DIV_ROUND_UP(len, TULLE_CMD_PAGE_SIZE);
	int err;

	memset(mbox, 0, sizeof(*mbox));
	mbox->page = &mbox->one;
	if (npages > 1) {
		mbox->page = kzalloc_objs(*mbox->page, npages);
		if (!mbox->page)
			return -ENOMEM;
	}
	for (; mbox->npages < npages; mbox->npages++) {
		err = tulle_mbox_page_alloc(cmd, &mbox->page[mbox->npages]);
		if (err)
			goto err_free;
	}
	if (npages > 1) {
		err = tulle_mbox_list_alloc(cmd, mbox);
		if (err)
			goto err_free;
	}
	return 0;

err_free:
	tulle_mbox_free(cmd, mbox);
	return err;
}

void tulle_mbox_free(struct tulle_cmdq *cmd, struct tulle_mbox *mbox)
{
	unsigned int i;

	tulle_mbox_page_free(cmd, &mbox->list);
	for (i = 0; i < mbox->npages; i++)
		tulle_mbox_page_free(cmd, &mbox->page[i]);
	if (mbox->page != &mbox->one)
		kfree(mbox->page);
	mbox->page = &mbox->one;
	mbox->npages = 0;
}

void tulle_mbox_write(struct tulle_mbox *mbox, const void *from, u32 len)
{
	unsigned int i;

	for (i = 0; len; i++) {
		u32 n = min_t(u32, len, TULLE_CMD_PAGE_SIZE);

		memcpy(mbox->page[i].buf, from, n);
		from += n;
		len -= n;
	}
}

void tulle_mbox_read(const struct tulle_mbox *mbox, void *to, u32 len)
{
	unsigned int i;

	for (i = 0; len; i++) {
		u32 n = min_t(u32, len, TULLE_CMD_PAGE_SIZE);

		memcpy(to, mbox->page[i].buf, n);
		to += n;
		len -= n;
	}
}

dma_addr_t tulle_mbox_addr(const struct tulle_mbox *mbox)
{
	return mbox->list.buf ? mbox->list.dma : mbox->page[0].dma;
}
