// SPDX-License-Identifier: GPL-2.0
/* Memory regions: of user space, of dma-bufs, of all memory, and fast ones. */

#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include <rdma/ib_umem.h>

#include "ib.h"

#define MR_ACCESS	(IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE | \
			 IB_ACCESS_REMOTE_READ | IB_ACCESS_REMOTE_ATOMIC | \
			 IB_ACCESS_MW_BIND | IB_ZERO_BASED | IB_ACCESS_HUGETLB | \
			 IB_ACCESS_FLUSH_GLOBAL)

/* Access flags of the verbs in those of the device. */
u8 tulle_ib_access(int access)
{
	static const struct {
		int from;
		u8 to;
	} table[] = {
		{ IB_ACCESS_LOCAL_WRITE, TULLE_MKEY_LOCAL_WRITE },
		{ IB_ACCESS_REMOTE_WRITE, TULLE_MKEY_REMOTE_WRITE },
		{ IB_ACCESS_REMOTE_READ, TULLE_MKEY_REMOTE_READ },
		{ IB_ACCESS_REMOTE_ATOMIC, TULLE_MKEY_REMOTE_ATOMIC },
		{ IB_ACCESS_MW_BIND, TULLE_MKEY_MW_BIND },
		{ IB_ZERO_BASED, TULLE_MKEY_ZERO_BASED },
		{ IB_ACCESS_FLUSH_GLOBAL, TULLE_MKEY_FLUSH },
	};
	u8 to = TULLE_MKEY_LOCAL_READ;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (access & table[i].from)
			to |= table[i].to;
	return to;
}

#define MR_BUSY_TRIES	3

/*
 * Destroys a key, or, if it can have any, says that it has windows. Whatever
 * else happens, the device uses its memory no more.
 */
int tulle_ib_key_destroy(struct tulle_ib_dev *dev, u32 handle, bool windows)
{
	unsigned int tries = windows ? MR_BUSY_TRIES : 0;
	struct tulle_handle_req in = { .handle = cpu_to_le32(handle) };
	struct tulle_cmd cmd = {
		.op = TULLE_CMD_DESTROY_MKEY,
		.func = TULLE_CMD_SELF,
		.in = &in,
		.in_len = sizeof(in),
	};

	if (!handle)
		return 0;
	/* A caller that need not believe it would lose the key. */
	while (tulle_cmd_do(dev->tdev, &cmd) == -EBUSY && tries) {
		if (!--tries)
			return -EBUSY;
	}
	/* Done, or worth core's way of dealing with a refusal. */
	if (cmd.status != TULLE_STATUS_OK)
		tulle_obj_destroy(dev->tdev, TULLE_CMD_DESTROY_MKEY, handle);
	return 0;
}

int tulle_ib_dma_key_create(struct tulle_ib_dev *dev, u32 pd, u8 access,
			    u32 *handle)
{
	struct tulle_mkey_ctx ctx = {
		.pd = cpu_to_le32(pd),
		.type = TULLE_MKEY_DMA,
		.access = access,
		.flags = pd ? 0 : TULLE_MKEY_F_KERNEL,
	};

	return tulle_obj_create(dev->tdev, TULLE_CMD_CREATE_MKEY, &ctx,
				sizeof(ctx), handle);
}

static void mr_set_keys(struct tulle_ib_mr *mr)
{
	mr->ibmr.lkey = TULLE_KEY(mr->handle);
	mr->ibmr.rkey = mr->ibmr.lkey;
}

static struct ib_mr *mr_get_dma(struct ib_pd *ibpd, int access)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibpd->device);
	struct tulle_ib_mr *mr;
	int err;

	mr = kzalloc_obj(*mr);
	if (!mr)
		return ERR_PTR(-ENOMEM);
	err = tulle_ib_dma_key_create(dev, to_tulle_ib_pd(ibpd)->handle,
				      tulle_ib_access(access), &mr->handle);
	if (err) {
		kfree(mr);
		return ERR_PTR(err);
	}
	mr_set_keys(mr);
	return &mr->ibmr;
}

static int mr_check(struct tulle_ib_dev *dev, u64 length, int access)
{
	if (!length || length > dev->tdev->rdma.max_mr_size) {
		ibdev_dbg(&dev->ibdev, "region of %llu bytes, 1 to %llu are possible\n",
			  length, dev->tdev->rdma.max_mr_size);
		return -EINVAL;
	}
	if (access & ~(MR_ACCESS | IB_ACCESS_OPTIONAL)) {
		ibdev_dbg(&dev->ibdev, "access flags %#x are not offered\n",
			  access);
		return -EOPNOTSUPP;
	}
	return 0;
}

/* What work requests call the first byte. */
static u64 mr_iova(u64 virt, int access)
{
	return access & IB_ZERO_BASED ? 0 : virt;
}

/* Takes over the umem, also on failure. */
static struct ib_mr *mr_create_user(struct ib_pd *ibpd, struct ib_umem *umem,
				    u64 length, u64 virt, int access)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibpd->device);
	struct tulle_mkey_ctx ctx = {
		.pd = cpu_to_le32(to_tulle_ib_pd(ibpd)->handle),
		.type = TULLE_MKEY_MR,
		.access = tulle_ib_access(access),
		.iova = cpu_to_le64(mr_iova(virt, access)),
		.len = cpu_to_le64(length),
	};
	struct tulle_ib_umem um = { .umem = umem };
	struct tulle_ib_mr *mr;
	int err = -ENOMEM;

	mr = kzalloc_obj(*mr);
	if (!mr)
		goto err_release;
	err = tulle_ib_pages_map(dev, &um, virt);
	if (err)
		goto err_free;
	ctx.pages = um.pages;
	err = tulle_obj_create(dev->tdev, TULLE_CMD_CREATE_MKEY, &ctx,
			       sizeof(ctx), &mr->handle);
	tulle_ib_pages_unmap(dev, &um);
	if (err)
		goto err_free;
	mr->umem = umem;
	mr->access = access;
	mr_set_keys(mr);
	mr->ibmr.iova = virt;
	mr->ibmr.length = length;
	mr->ibmr.page_size = 1U << um.pages.log_page_size;
	return &mr->ibmr;

err_free:
	kfree(mr);
err_release:
	ib_umem_release(umem);
	return ERR_PTR(err);
}

static struct ib_mr *mr_reg_user(struct ib_pd *ibpd, u64 start, u64 length,
				 u64 virt, int access, struct ib_dmah *dmah,
				 struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibpd->device);
	struct ib_umem *umem;
	int err;

	if (dmah)
		return ERR_PTR(-EOPNOTSUPP);
	err = ib_no_udata_io(udata);
	if (!err)
		err = mr_check(dev, length, access);
	if (err)
		return ERR_PTR(err);
	umem = ib_umem_get_va(&dev->ibdev, start, length, access);
	if (IS_ERR(umem))
		return ERR_CAST(umem);
	return mr_create_user(ibpd, umem, length, virt, access);
}

TULLE_DEFINE_REG_USER_MR(mr_reg_user);

static struct ib_mr *mr_reg_dmabuf(struct ib_pd *ibpd, u64 offset, u64 length,
				   u64 virt, int fd, int access,
				   struct ib_dmah *dmah,
				   struct uverbs_attr_bundle *attrs)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibpd->device);
	struct ib_umem_dmabuf *umem;
	int err;

	if (dmah)
		return ERR_PTR(-EOPNOTSUPP);
	err = mr_check(dev, length, access);
	if (err)
		return ERR_PTR(err);
	umem = ib_umem_dmabuf_get_pinned(&dev->ibdev, offset, length, fd,
					 access);
	if (IS_ERR(umem)) {
		ibdev_dbg(&dev->ibdev, "dma-buf cannot be pinned: %pe\n", umem);
		return ERR_CAST(umem);
	}
	return mr_create_user(ibpd, &umem->umem, length, virt, access);
}

TULLE_DEFINE_REG_USER_MR_DMABUF(mr_reg_dmabuf);

static int mr_modify(struct tulle_ib_dev *dev, struct tulle_modify_mkey *in,
		     struct tulle_ib_mr *mr)
{
	in->ctx.handle = cpu_to_le32(mr->handle);
	return tulle_cmd_exec(dev->tdev, TULLE_CMD_MODIFY_MKEY, in, sizeof(*in),
			      NULL, 0);
}

/* Other memory: pinned first, so that a failure leaves the region as it is. */
static int mr_rereg_pages(struct tulle_ib_dev *dev, struct tulle_ib_mr *mr,
			  struct tulle_modify_mkey *in, u64 start, u64 length,
			  u64 virt, int access)
{
	struct tulle_ib_umem um = {};
	int err;

	err = mr_check(dev, length, access);
	if (err)
		return err;
	um.umem = ib_umem_get_va(&dev->ibdev, start, length, access);
	if (IS_ERR(um.umem))
		return PTR_ERR(um.umem);
	err = tulle_ib_pages_map(dev, &um, virt);
	if (err)
		goto err_release;
	in->mask |= cpu_to_le32(TULLE_MKEY_MOD_PAGES);
	in->ctx.iova = cpu_to_le64(mr_iova(virt, access));
	in->ctx.len = cpu_to_le64(length);
	in->ctx.pages = um.pages;
	err = mr_modify(dev, in, mr);
	tulle_ib_pages_unmap(dev, &um);
	/* Which memory is in use now? Neither, with DMA off. */
	if (err == -EPROTO)
		tulle_dev_fail(dev->tdev, "a region was changed or not");
	if (err)
		goto err_release;
	ib_umem_release(mr->umem);
	mr->umem = um.umem;
	mr->ibmr.iova = virt;
	mr->ibmr.length = length;
	mr->ibmr.page_size = 1U << um.pages.log_page_size;
	return 0;

err_release:
	ib_umem_release(um.umem);
	return err;
}

static int mr_check_rereg(struct tulle_ib_dev *dev, struct tulle_ib_mr *mr,
			  int flags, int access)
{
	if (flags & ~(IB_MR_REREG_TRANS | IB_MR_REREG_PD |
		      IB_MR_REREG_ACCESS) || mr->umem->is_dmabuf)
		return -EOPNOTSUPP;
	/* Memory that was pinned for reading must be pinned anew. */
	if (!(flags & IB_MR_REREG_TRANS) && ib_access_writable(access) &&
	    !mr->umem->writable) {
		ibdev_dbg(&dev->ibdev, "region is pinned for reading only\n");
		return -EACCES;
	}
	return mr_check(dev, mr->ibmr.length, access);
}

static struct ib_mr *mr_rereg(struct ib_mr *ibmr, int flags, u64 start,
			      u64 length, u64 virt, int access,
			      struct ib_pd *ibpd, struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibmr->device);
	struct tulle_ib_mr *mr = to_tulle_ib_mr(ibmr);
	struct tulle_modify_mkey in = {};
	int err;

	err = ib_no_udata_io(udata);
	if (err)
		return ERR_PTR(err);
	if (!(flags & IB_MR_REREG_ACCESS))
		access = mr->access;
	err = mr_check_rereg(dev, mr, flags, access);
	if (err)
		return ERR_PTR(err);
	/* The core leaves out a protection domain that is the same. */
	if (!flags)
		return NULL;
	if (flags & IB_MR_REREG_PD) {
		in.mask |= cpu_to_le32(TULLE_MKEY_MOD_PD);
		in.ctx.pd = cpu_to_le32(to_tulle_ib_pd(ibpd)->handle);
	}
	if (flags & IB_MR_REREG_ACCESS) {
		in.mask |= cpu_to_le32(TULLE_MKEY_MOD_ACCESS);
		in.ctx.access = tulle_ib_access(access);
	}
	if (flags & IB_MR_REREG_TRANS)
		err = mr_rereg_pages(dev, mr, &in, start, length, virt,
				     access);
	else
		err = mr_modify(dev, &in, mr);
	if (err)
		return ERR_PTR(err);
	mr->access = access;
	return NULL;
}

static void mr_free_pages(struct tulle_ib_dev *dev, struct tulle_ib_mr *mr)
{
	if (mr->pages)
		dma_free_coherent(dev->tdev->device,
				  mr->max_pages * sizeof(*mr->pages),
				  mr->pages, mr->pages_dma);
}

static int mr_dereg(struct ib_mr *ibmr, struct ib_udata *udata)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibmr->device);
	struct tulle_ib_mr *mr = to_tulle_ib_mr(ibmr);
	int err;

	err = ib_no_udata_io(udata);
	if (!err)
		err = tulle_ib_key_destroy(dev, mr->handle, ibmr->uobject);
	if (err)
		return err;
	mr_free_pages(dev, mr);
	ib_umem_release(mr->umem);
	kfree(mr);
	return 0;
}

static struct ib_mr *mr_alloc(struct ib_pd *ibpd, enum ib_mr_type type,
			      u32 max_num_sg)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibpd->device);
	struct tulle_mkey_ctx ctx = {
		.pd = cpu_to_le32(to_tulle_ib_pd(ibpd)->handle),
		.type = TULLE_MKEY_FRWR,
		.max_pages = cpu_to_le32(max_num_sg),
	};
	struct tulle_ib_mr *mr;
	int err = -ENOMEM;
	u64 len;

	if (type != IB_MR_TYPE_MEM_REG)
		return ERR_PTR(-EOPNOTSUPP);
	if (!max_num_sg || max_num_sg > dev->tdev->rdma.max_frwr_pages)
		return ERR_PTR(-EINVAL);
	mr = kzalloc_obj(*mr);
	if (!mr)
		return ERR_PTR(-ENOMEM);
	mr->max_pages = max_num_sg;
	mr->pages = dma_alloc_coherent(dev->tdev->device,
				       max_num_sg * sizeof(*mr->pages),
				       &mr->pages_dma, GFP_KERNEL);
	if (!mr->pages)
		goto err_free;
	/* As much as a list of the largest pages can cover. */
	len = (u64)max_num_sg << (fls64(dev->tdev->rdma.page_sizes) - 1);
	ctx.len = cpu_to_le64(min(len, dev->tdev->rdma.max_mr_size));
	err = tulle_obj_create(dev->tdev, TULLE_CMD_CREATE_MKEY, &ctx,
			       sizeof(ctx), &mr->handle);
	if (err)
		goto err_free;
	mr_set_keys(mr);
	return &mr->ibmr;

err_free:
	mr_free_pages(dev, mr);
	kfree(mr);
	return ERR_PTR(err);
}

static int mr_set_page(struct ib_mr *ibmr, u64 addr)
{
	struct tulle_ib_mr *mr = to_tulle_ib_mr(ibmr);

	if (mr->npages == mr->max_pages)
		return -ENOMEM;
	mr->pages[mr->npages++] = cpu_to_le64(addr);
	return 0;
}

static int mr_map_sg(struct ib_mr *ibmr, struct scatterlist *sg, int n,
		     unsigned int *offset)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibmr->device);
	struct tulle_ib_mr *mr = to_tulle_ib_mr(ibmr);

	if (!is_power_of_2(ibmr->page_size) ||
	    !(dev->tdev->rdma.page_sizes & ibmr->page_size))
		return -EINVAL;
	mr->npages = 0;
	return ib_sg_to_pages(ibmr, sg, n, offset, mr_set_page);
}

const struct ib_device_ops tulle_ib_mr_ops = {
	.dereg_mr	= mr_dereg,
	.get_dma_mr	= mr_get_dma,
	TULLE_REG_USER_MR(mr_reg_user)
	TULLE_REG_USER_MR_DMABUF(mr_reg_dmabuf)
	.rereg_user_mr	= mr_rereg,
};

const struct ib_device_ops tulle_ib_frwr_ops = {
	.alloc_mr	= mr_alloc,
	.map_mr_sg	= mr_map_sg,
};
