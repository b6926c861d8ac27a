// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Scatter/gather lists: the bytes of a message in local memory.
 */
#include "rdma.h"

static struct tfw_mkey *sge_key(struct tfw_qp *qp, const struct tfw_sgl *sgl,
				const struct tulle_sge *sge, u8 access)
{
	return tfw_mkey_get_of(qp, sgl->pd, le32_to_cpu(sge->key),
			       le64_to_cpu(sge->addr), le32_to_cpu(sge->len),
			       access, false);
}

/* One stretch within an entry; exactly one of @in and @out is given. */
static u8 sge_copy(struct tfw_qp *qp, const struct tfw_sgl *sgl,
		   const struct tulle_sge *sge, u32 off, u32 n, void *in,
		   const void *out)
{
	u64 addr = le64_to_cpu(sge->addr) + off;
	struct tfw_mkey *k;
	bool ok;

	k = sge_key(qp, sgl, sge, in ? TULLE_MKEY_LOCAL_READ :
				       TULLE_MKEY_LOCAL_WRITE);
	if (!k)
		return TULLE_WC_LOC_PROT;
	ok = in ? tfw_mkey_read(k, addr, in, n) :
		  tfw_mkey_write(k, addr, out, n);
	return ok ? TULLE_WC_SUCCESS : TULLE_WC_LOC_PROT;
}

static u8 sgl_copy(struct tfw_qp *qp, const struct tfw_sgl *sgl, u32 off,
		   u8 *in, const u8 *out, u32 len)
{
	u32 i, n, size, done = 0;
	u8 status;

	for (i = 0; i < sgl->n && done < len; i++) {
		size = le32_to_cpu(sgl->sge[i].len);
		if (off >= size) {
			off -= size;
			continue;
		}
		n = TFW_MIN(size - off, len - done);
		status = sge_copy(qp, sgl, &sgl->sge[i], off, n,
				  in ? in + done : NULL,
				  out ? out + done : NULL);
		if (status)
			return status;
		done += n;
		off = 0;
	}
	return done == len ? TULLE_WC_SUCCESS : TULLE_WC_LOC_LEN;
}

u8 tfw_sgl_read(struct tfw_qp *qp, const struct tfw_sgl *sgl, u32 off,
		void *buf, u32 len)
{
	if (!sgl->inl)
		return sgl_copy(qp, sgl, off, buf, NULL, len);
	if (off > sgl->len || len > sgl->len - off)
		return TULLE_WC_LOC_LEN;
	if (len)
		memcpy(buf, sgl->inl + off, len);
	return TULLE_WC_SUCCESS;
}

u8 tfw_sgl_write(struct tfw_qp *qp, const struct tfw_sgl *sgl, u32 off,
		 const void *buf, u32 len)
{
	return sgl_copy(qp, sgl, off, NULL, buf, len);
}

u8 tfw_sgl_check(struct tfw_qp *qp, const struct tfw_sgl *sgl, u8 access)
{
	u32 i;

	if (sgl->inl)
		return TULLE_WC_SUCCESS;
	for (i = 0; i < sgl->n; i++)
		if (sgl->sge[i].len && !sge_key(qp, sgl, &sgl->sge[i], access))
			return TULLE_WC_LOC_PROT;
	return TULLE_WC_SUCCESS;
}
