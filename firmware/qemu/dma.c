// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory as a Tulle function sees it.
 *
 * Memory listeners keep tables of the RAM behind the function's bus-master
 * address space, so that an access is a search in a short array. Bus
 * mastering off, a power state other than D0 or a hot-unplugged DIMM empty
 * the table before the guest's access that caused it completes.
 *
 * Behind a vIOMMU addresses are translated page by page and cached; the
 * engine then runs with the BQL held, because QEMU's translation needs it
 * and its invalidations come under it.
 */
#include "host.h"
#include "qemu/main-loop.h"
#include "qemu/rcu.h"
#include "exec/address-spaces.h"
#include "qapi/error.h"

#define IOTLB_SHIFT	12
#define IOTLB_PAGE	(1ULL << IOTLB_SHIFT)

static void dma_changed(struct tqemu_dev *dev);

static void iotlb_flush(struct tqemu_dma *dma)
{
	unsigned int i;

	for (i = 0; i < TQEMU_IOTLB_SIZE; i++)
		dma->iotlb[i].perm = IOMMU_NONE;
}

static struct tqemu_iotlb_entry *iotlb_slot(struct tqemu_dma *dma,
					    uint64_t page)
{
	return &dma->iotlb[(page ^ (page >> 12)) % TQEMU_IOTLB_SIZE];
}

static void iotlb_drop(struct tqemu_dma *dma, uint64_t first, uint64_t last)
{
	struct tqemu_iotlb_entry *e;
	uint64_t page;

	if (last - first >= TQEMU_IOTLB_SIZE) {
		iotlb_flush(dma);
		return;
	}
	for (page = first; page <= last; page++) {
		e = iotlb_slot(dma, page);
		if (e->page == page)
			e->perm = IOMMU_NONE;
	}
}

/* An invalidation, BQL held. The lock waits out a pass that uses the entry. */
static void iommu_unmap(IOMMUNotifier *n, IOMMUTLBEntry *entry)
{
	struct tqemu_notifier *tn = container_of(n, struct tqemu_notifier, n);
	struct tqemu_group *g = tn->dev->group;
	uint64_t first = (entry->iova + tn->delta) >> IOTLB_SHIFT;

	tqemu_group_lock(g);
	iotlb_drop(&tn->dev->dma, first,
		   first + (entry->addr_mask >> IOTLB_SHIFT));
	tqemu_group_unlock(g);
}

/* UNMAP only: MAP would ask for caching mode and trap every mapping. */
static bool notifier_add(struct tqemu_dev *dev, MemoryRegionSection *s)
{
	struct tqemu_notifier *tn = g_new0(struct tqemu_notifier, 1);
	IOMMUMemoryRegion *iommu = IOMMU_MEMORY_REGION(s->mr);
	hwaddr first = s->offset_within_region;
	Error *err = NULL;
	Int128 last;
	int idx;

	last = int128_sub(int128_add(int128_make64(first), s->size),
			  int128_one());
	idx = memory_region_iommu_attrs_to_index(iommu, MEMTXATTRS_UNSPECIFIED);
	iommu_notifier_init(&tn->n, iommu_unmap, IOMMU_NOTIFIER_UNMAP, first,
			    int128_get64(last), idx);
	tn->dev = dev;
	tn->mr = s->mr;
	tn->delta = s->offset_within_address_space - first;
	if (memory_region_register_iommu_notifier(s->mr, &tn->n, &err)) {
		error_report_err(err);
		g_free(tn);
		return false;
	}
	QLIST_INSERT_HEAD(&dev->dma.notifiers, tn, entry);
	return true;
}

static void notifier_del(struct tqemu_notifier *tn)
{
	memory_region_unregister_iommu_notifier(tn->mr, &tn->n);
	QLIST_REMOVE(tn, entry);
	g_free(tn);
}

static void notifier_find_del(struct tqemu_dev *dev, MemoryRegionSection *s)
{
	struct tqemu_notifier *tn;

	QLIST_FOREACH(tn, &dev->dma.notifiers, entry) {
		if (tn->mr == s->mr && tn->n.start == s->offset_within_region) {
			notifier_del(tn);
			return;
		}
	}
}

static bool section_is_ram(const MemoryRegionSection *s)
{
	return memory_region_is_ram(s->mr) &&
	       !memory_region_is_ram_device(s->mr) &&
	       !memory_region_is_protected(s->mr);
}

static void section_fill(struct tqemu_section *sec, MemoryRegionSection *s)
{
	uint8_t *ram;

	sec->base = s->offset_within_address_space;
	sec->last = sec->base + int128_get64(int128_sub(s->size, int128_one()));
	sec->mr = s->mr;
	sec->offset = s->offset_within_region;
	if (memory_region_is_iommu(s->mr))
		return;

	ram = memory_region_get_ram_ptr(s->mr);
	sec->host = ram + sec->offset;
	sec->readonly = s->readonly || s->mr->readonly;
	/*
	 * Not made by address_space_cache_init(): that one would keep the
	 * whole flat view alive, and with it every device mapped in it.
	 */
	sec->dirty.ptr = sec->host;
	sec->dirty.xlat = sec->offset;
	sec->dirty.len = sec->last - sec->base + 1;
	sec->dirty.mrs.mr = s->mr;
	sec->dirty.is_write = true;
}

static void map_region_add(MemoryListener *l, MemoryRegionSection *s)
{
	struct tqemu_map *map = container_of(l, struct tqemu_map, listener);
	bool iommu = memory_region_is_iommu(s->mr);
	struct tqemu_section sec = { 0 };

	if (!iommu && !section_is_ram(s))
		return;
	/* Nothing is cached of one that does not tell of invalidations. */
	if (iommu && (map != &map->dev->dma.bus || !notifier_add(map->dev, s)))
		return;
	section_fill(&sec, s);
	g_array_append_val(map->next, sec);
	map->changed = true;
}

static void map_region_del(MemoryListener *l, MemoryRegionSection *s)
{
	struct tqemu_map *map = container_of(l, struct tqemu_map, listener);
	struct tqemu_section *sec;
	unsigned int i;

	for (i = 0; i < map->next->len; i++) {
		sec = &g_array_index(map->next, struct tqemu_section, i);
		if (sec->base != s->offset_within_address_space ||
		    sec->mr != s->mr)
			continue;
		if (memory_region_is_iommu(s->mr))
			notifier_find_del(map->dev, s);
		g_array_remove_index(map->next, i);
		map->changed = true;
		return;
	}
}

static int section_cmp(const void *a, const void *b)
{
	const struct tqemu_section *sa = a, *sb = b;

	return sa->base < sb->base ? -1 : sa->base > sb->base;
}

/*
 * The tables change with the engine quiet: whatever caused the change has
 * taken effect on the device's DMA when it returns to the guest.
 */
static void map_commit(MemoryListener *l)
{
	struct tqemu_map *map = container_of(l, struct tqemu_map, listener);
	struct tqemu_section *old = map->section;
	unsigned int i, n_old = map->n;

	if (!map->changed)
		return;
	map->changed = false;
	g_array_sort(map->next, section_cmp);

	tqemu_group_lock(map->dev->group);
	/*
	 * Bus mastering is what went: the firmware hears of it before it misses
	 * its memory.
	 */
	if (map == &map->dev->dma.bus && map->dev->dma.on &&
	    !tqemu_pci_dma_allowed(map->dev))
		tqemu_dma_off(map->dev);
	map->n = map->next->len;
	map->section = g_memdup2(map->next->data,
				 map->n * sizeof(*map->section));
	map->hint = 0;
	map->has_iommu = false;
	for (i = 0; i < map->n; i++) {
		memory_region_ref(map->section[i].mr);
		if (!map->section[i].host)
			map->has_iommu = true;
	}
	iotlb_flush(&map->dev->dma);
	dma_changed(map->dev);
	tqemu_group_unlock(map->dev->group);

	for (i = 0; i < n_old; i++)
		memory_region_unref(old[i].mr);
	g_free(old);
}

static void map_init(struct tqemu_map *map, struct tqemu_dev *dev,
		     AddressSpace *as, const char *name)
{
	map->dev = dev;
	map->next = g_array_new(false, true, sizeof(struct tqemu_section));
	map->listener = (MemoryListener) {
		.name = name,
		.region_add = map_region_add,
		.region_del = map_region_del,
		.commit = map_commit,
	};
	memory_listener_register(&map->listener, as);
}

static void map_cleanup(struct tqemu_map *map)
{
	memory_listener_unregister(&map->listener);
	g_array_free(map->next, true);
	g_free(map->section);
	map->section = NULL;
	map->n = 0;
}

static void dma_changed(struct tqemu_dev *dev)
{
	struct tqemu_group *g = dev->group;
	bool needs_bql = false;
	unsigned int i;

	for (i = 0; i < TQEMU_CABLE_ENDS; i++)
		if (g->dev[i] && g->dev[i]->dma.bus.has_iommu)
			needs_bql = true;
	g->needs_bql = needs_bql;
}

/* Engine lock held. The firmware puts down what it has in hand. */
void tqemu_dma_off(struct tqemu_dev *dev)
{
	tfw_func_set_dma(dev->fw, TFW_FUNC_PF, false);
	dev->dma.on = false;
}

void tqemu_dma_init(struct tqemu_dev *dev)
{
	struct tqemu_dma *dma = &dev->dma;

	QLIST_INIT(&dma->notifiers);
	dma->iotlb = g_new0(struct tqemu_iotlb_entry, TQEMU_IOTLB_SIZE);
	map_init(&dma->sys, dev, &address_space_memory, "tulle-system");
	map_init(&dma->bus, dev, pci_get_address_space(&dev->pci), "tulle-bus");
}

void tqemu_dma_cleanup(struct tqemu_dev *dev)
{
	struct tqemu_notifier *tn, *next;
	struct tqemu_dma *dma = &dev->dma;

	map_cleanup(&dma->bus);
	map_cleanup(&dma->sys);
	QLIST_FOREACH_SAFE(tn, &dma->notifiers, entry, next)
		notifier_del(tn);
	g_free(dma->iotlb);
	dma->iotlb = NULL;
}

static struct tqemu_section *map_find(struct tqemu_map *map, hwaddr addr)
{
	unsigned int lo = 0, hi = map->n, mid;
	struct tqemu_section *s;

	if (likely(map->hint < map->n)) {
		s = &map->section[map->hint];
		if (likely(addr >= s->base && addr <= s->last))
			return s;
	}
	while (lo < hi) {
		mid = (lo + hi) / 2;
		s = &map->section[mid];
		if (addr < s->base) {
			hi = mid;
		} else if (addr > s->last) {
			lo = mid + 1;
		} else {
			map->hint = mid;
			return s;
		}
	}
	return NULL;
}

/* What a lookup found: a piece of RAM, or nothing (host NULL). */
struct dma_piece {
	uint8_t			*host;
	size_t			len;
	struct tqemu_section	*section;
};

static bool iommu_translate(struct tqemu_dma *dma, struct tqemu_section *s,
			    hwaddr addr, bool write,
			    struct tqemu_iotlb_entry *e)
{
	IOMMUMemoryRegion *iommu = IOMMU_MEMORY_REGION(s->mr);
	hwaddr page = addr & ~(hwaddr)(IOTLB_PAGE - 1);
	struct tqemu_section *ram;
	IOMMUMemoryRegionClass *imrc;
	IOMMUTLBEntry tlb;
	hwaddr phys;
	int idx;

	/* QEMU reports a translation fault as an interrupt: BQL (see above). */
	if (!bql_locked())
		return false;
	imrc = memory_region_get_iommu_class_nocheck(iommu);
	idx = memory_region_iommu_attrs_to_index(iommu, MEMTXATTRS_UNSPECIFIED);
	tlb = imrc->translate(iommu, page - s->base + s->offset,
			      write ? IOMMU_WO : IOMMU_RO, idx);
	if (!(tlb.perm & (write ? IOMMU_WO : IOMMU_RO)) ||
	    tlb.target_as != &address_space_memory ||
	    tlb.addr_mask < IOTLB_PAGE - 1)
		return false;

	phys = (tlb.translated_addr & ~tlb.addr_mask) |
	       ((page - s->base + s->offset) & tlb.addr_mask);
	ram = map_find(&dma->sys, phys);
	if (!ram || ram->last - phys < IOTLB_PAGE - 1)
		return false;
	e->page = addr >> IOTLB_SHIFT;
	e->perm = ram->readonly ? tlb.perm & IOMMU_RO : tlb.perm;
	e->host = ram->host + (phys - ram->base);
	e->section = ram;
	return true;
}

static bool dma_find_iommu(struct tqemu_dma *dma, struct tqemu_section *s,
			   hwaddr addr, size_t len, bool write,
			   struct dma_piece *p)
{
	IOMMUAccessFlags need = write ? IOMMU_WO : IOMMU_RO;
	struct tqemu_iotlb_entry *e;
	size_t in_page;

	e = iotlb_slot(dma, addr >> IOTLB_SHIFT);
	if (e->page != addr >> IOTLB_SHIFT || !(e->perm & need)) {
		e->perm = IOMMU_NONE;
		if (!iommu_translate(dma, s, addr, write, e) ||
		    !(e->perm & need))
			return false;
	}
	in_page = addr & (IOTLB_PAGE - 1);
	p->host = e->host + in_page;
	p->len = MIN(len, IOTLB_PAGE - in_page);
	p->section = e->section;
	return true;
}

static bool dma_find(struct tqemu_dma *dma, hwaddr addr, size_t len,
		     bool write, struct dma_piece *p)
{
	struct tqemu_section *s;
	hwaddr room;

	if (unlikely(!dma->on))
		goto err_none;
	s = map_find(&dma->bus, addr);
	if (unlikely(!s))
		goto err_none;
	if (unlikely(!s->host)) {
		if (!dma_find_iommu(dma, s, addr, len, write, p))
			goto err_none;
		return true;
	}
	if (unlikely(write && s->readonly))
		goto err_none;
	room = s->last - addr;
	p->host = s->host + (addr - s->base);
	p->len = len - 1 > room ? room + 1 : len;
	p->section = s;
	return true;

err_none:
	dma->errors++;
	return false;
}

/*
 * Behind every store into guest memory. Under TCG it throws away translated
 * code of the page, and everywhere it marks the page dirty.
 */
static void dma_written(const struct dma_piece *p, size_t len)
{
	address_space_cache_invalidate(&p->section->dirty,
				       p->host - p->section->host, len);
}

bool tqemu_dma_read(void *opaque, uint16_t func, uint64_t addr, void *buf,
		    size_t len)
{
	struct tqemu_dev *dev = opaque;
	struct dma_piece p;

	while (len) {
		if (!dma_find(&dev->dma, addr, len, false, &p))
			return false;
		memcpy(buf, p.host, p.len);
		buf += p.len;
		addr += p.len;
		len -= p.len;
	}
	return true;
}

bool tqemu_dma_write(void *opaque, uint16_t func, uint64_t addr,
		     const void *buf, size_t len)
{
	struct tqemu_dev *dev = opaque;
	struct dma_piece p;

	while (len) {
		if (!dma_find(&dev->dma, addr, len, true, &p))
			return false;
		memmove(p.host, buf, p.len);
		dma_written(&p, p.len);
		buf += p.len;
		addr += p.len;
		len -= p.len;
	}
	return true;
}

const void *tqemu_dma_map(void *opaque, uint16_t func, uint64_t addr,
			  size_t len)
{
	struct tqemu_dev *dev = opaque;
	struct dma_piece p, q;
	size_t have;

	if (!len || !dma_find(&dev->dma, addr, len, false, &p))
		return NULL;
	/* Pages of a vIOMMU are often neighbours in RAM too. */
	for (have = p.len; have < len; have += q.len) {
		if (!dma_find(&dev->dma, addr + have, len - have, false, &q) ||
		    q.host != p.host + have)
			return NULL;
	}
	return p.host;
}

bool tqemu_dma_load32(void *opaque, uint16_t func, uint64_t addr, uint32_t *val)
{
	struct tqemu_dev *dev = opaque;
	struct dma_piece p;

	if (addr % sizeof(*val) ||
	    !dma_find(&dev->dma, addr, sizeof(*val), false, &p) ||
	    p.len < sizeof(*val))
		return false;
	/* Pairs with the driver's release store of an index. */
	*val = qatomic_load_acquire((uint32_t *)p.host);
	return true;
}

bool tqemu_dma_load64(void *opaque, uint16_t func, uint64_t addr, uint64_t *val)
{
	struct tqemu_dev *dev = opaque;
	struct dma_piece p;

	if (addr % sizeof(*val) ||
	    !dma_find(&dev->dma, addr, sizeof(*val), false, &p) ||
	    p.len < sizeof(*val))
		return false;
	/* Pairs with the driver's release store. */
	*val = qatomic_load_acquire((uint64_t *)p.host);
	return true;
}

bool tqemu_dma_store32(void *opaque, uint16_t func, uint64_t addr, uint32_t val)
{
	struct tqemu_dev *dev = opaque;
	struct dma_piece p;

	if (addr % sizeof(val) ||
	    !dma_find(&dev->dma, addr, sizeof(val), true, &p) ||
	    p.len < sizeof(val))
		return false;
	/* Pairs with the driver's acquire load. */
	qatomic_store_release((uint32_t *)p.host, val);
	dma_written(&p, sizeof(val));
	return true;
}

bool tqemu_dma_publish(void *opaque, uint16_t func, uint64_t addr,
		       const void *buf, size_t len)
{
	struct tqemu_dev *dev = opaque;
	size_t front = len - sizeof(uint64_t);
	struct dma_piece p;
	uint64_t last;

	if (addr % sizeof(last) || len < sizeof(last) ||
	    !dma_find(&dev->dma, addr, len, true, &p) || p.len < len)
		return false;
	memcpy(p.host, buf, front);
	memcpy(&last, buf + front, sizeof(last));
	/* Pairs with the driver's acquire load of the owner byte. */
	qatomic_store_release((uint64_t *)(p.host + front), last);
	dma_written(&p, len);
	return true;
}

bool tqemu_dma_atomic(void *opaque, uint16_t func, uint64_t addr,
		      const uint64_t *compare, uint64_t operand, uint64_t *old)
{
	struct tqemu_dev *dev = opaque;
	struct dma_piece p;

	if (addr % sizeof(*old) ||
	    !dma_find(&dev->dma, addr, sizeof(*old), true, &p) ||
	    p.len < sizeof(*old))
		return false;
	/* Guest processors use the host's atomics too, under TCG as well. */
	if (compare)
		*old = qatomic_cmpxchg((uint64_t *)p.host, *compare, operand);
	else
		*old = qatomic_fetch_add((uint64_t *)p.host, operand);
	dma_written(&p, sizeof(*old));
	return true;
}
