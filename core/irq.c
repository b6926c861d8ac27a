// SPDX-License-Identifier: GPL-2.0
/*
 * Vectors. Each is allocated for its first user and lives until remove; where
 * MSI-X cannot grow, all are when the device first comes up. A handler is
 * requested, and an EQ created, for those in use. Vector 0 belongs to EQ0; the
 * others are pools for Ethernet and RDMA.
 */

#include <linux/interrupt.h>
#include <linux/slab.h>
#include "core.h"

#define TULLE_EQ0_LOG_SIZE	9
#define TULLE_EQ_ETH_LOG_SIZE	9	/* 128 channels, old and new */
#define TULLE_EQ_RDMA_LOG_SIZE	12
#define TULLE_VEC_ETH_MIN	64U	/* when all are taken at once */

static irqreturn_t tulle_irq(int irq, void *data)
{
	struct tulle_eq *eq = data;

	WRITE_ONCE(eq->interrupts, eq->interrupts + 1);
	tulle_eq_poll(eq);
	return IRQ_HANDLED;
}

/*
 * A CPU has some 200 vectors for all devices, so the number of queues that the
 * device has is no good reason to take as many before they are used.
 */
static unsigned int tulle_irqs_eth(struct tulle_core *core)
{
	u32 max = core->dev.limits.max_tx_queues;

	if (pci_msix_can_alloc_dyn(core->dev.pdev))
		return max;
	return min_t(u32, max, max(num_possible_cpus(), TULLE_VEC_ETH_MIN));
}

static void tulle_irqs_split(struct tulle_core *core, unsigned int n)
{
	unsigned int eth = min(n - 1, tulle_irqs_eth(core));
	struct tulle_irqs *irqs = &core->irqs;
	unsigned int rdma = 0;

	if (tulle_cap(&core->dev, RDMA) && n > 2) {
		rdma = min(num_possible_cpus(), (n - 1) / 2);
		eth = min(eth, n - 1 - rdma);
	}
	irqs->nvecs = n;
	irqs->first[TULLE_VEC_ETH] = 1;
	irqs->count[TULLE_VEC_ETH] = eth;
	irqs->first[TULLE_VEC_RDMA] = 1 + eth;
	irqs->count[TULLE_VEC_RDMA] = rdma;
}

static unsigned int tulle_irqs_wanted(struct tulle_core *core)
{
	unsigned int n = 1 + tulle_irqs_eth(core);

	if (tulle_cap(&core->dev, RDMA))
		n += num_possible_cpus();
	return min_t(unsigned int, n, core->dev.limits.max_msix);
}

/* Return: how many vectors there may be, or an error. */
static int tulle_irqs_alloc(struct tulle_core *core)
{
	unsigned int wanted = tulle_irqs_wanted(core);
	struct pci_dev *pdev = core->dev.pdev;
	int n, err;

	if (!pci_msix_can_alloc_dyn(pdev))
		return pci_alloc_irq_vectors(pdev, 2, wanted, PCI_IRQ_MSIX);
	n = pci_msix_vec_count(pdev);
	if (n < 0)
		return n;
	n = min_t(unsigned int, n, wanted);
	if (n < 2)
		return -ENOSPC;
	err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSIX);
	return err < 0 ? err : n;
}

static int tulle_vector_request(struct tulle_core *core,
				struct tulle_vector *v)
{
	struct msi_map map;

	if (!v->vec.irq) {
		map = pci_msix_alloc_irq_at(core->dev.pdev, v->vec.index, NULL);
		if (map.index < 0)
			return map.index;
		v->vec.irq = map.virq;
	}
	return request_irq(v->vec.irq, tulle_irq, 0, v->name, &v->eq);
}

int tulle_irqs_init(struct tulle_core *core)
{
	struct tulle_irqs *irqs = &core->irqs;
	struct pci_dev *pdev = core->dev.pdev;
	unsigned int i;
	int n, err;

	if (irqs->vecs)
		return 0;
	n = tulle_irqs_alloc(core);
	if (n < 0) {
		pci_err(pdev, "cannot get two MSI-X vectors: %pe\n",
			ERR_PTR(n));
		return n;
	}
	irqs->vecs = kvzalloc_objs(*irqs->vecs, n);
	if (!irqs->vecs) {
		err = -ENOMEM;
		goto err_free_vectors;
	}
	for (i = 0; i < n; i++) {
		struct tulle_vector *v = &irqs->vecs[i];

		tulle_eq_init(core, &v->eq);
		v->vec.index = i;
		/* Not yet, beyond the first, where they can be had one by one. */
		v->vec.irq = max(pci_irq_vector(pdev, i), 0);
		snprintf(v->name, sizeof(v->name), "tulle-%s%u@pci:%s",
			 i ? "comp" : "async", i ? i - 1 : 0, pci_name(pdev));
	}
	err = tulle_vector_request(core, &irqs->vecs[0]);
	if (err)
		goto err_free_vecs;
	tulle_irqs_split(core, n);
	return 0;

err_free_vecs:
	kvfree(irqs->vecs);
	irqs->vecs = NULL;
err_free_vectors:
	pci_free_irq_vectors(pdev);
	return err;
}

void tulle_irqs_cleanup(struct tulle_core *core)
{
	struct tulle_irqs *irqs = &core->irqs;

	if (!irqs->vecs)
		return;
	free_irq(irqs->vecs[0].vec.irq, &irqs->vecs[0].eq);
	pci_free_irq_vectors(core->dev.pdev);
	kvfree(irqs->vecs);
	irqs->vecs = NULL;
	irqs->nvecs = 0;
}

static int tulle_vector_start(struct tulle_core *core, struct tulle_vector *v)
{
	bool rdma = v->vec.index >= core->irqs.first[TULLE_VEC_RDMA];
	u8 log_size = rdma ? TULLE_EQ_RDMA_LOG_SIZE : TULLE_EQ_ETH_LOG_SIZE;
	int err;

	log_size = min(log_size, core->dev.limits.log_max_eq_size);
	err = tulle_eq_create(core, &v->eq, v->vec.index, log_size, false);
	v->vec.eq = v->eq.handle;
	return err;
}

static void tulle_vector_stop(struct tulle_core *core, struct tulle_vector *v)
{
	tulle_eq_destroy(core, &v->eq);
	v->vec.eq = 0;
}

static void tulle_vectors_stop(struct tulle_core *core)
{
	unsigned int i;

	for (i = core->irqs.nvecs - 1; i > 0; i--)
		tulle_vector_stop(core, &core->irqs.vecs[i]);
}

/* EQ0, then the EQs of the vectors that somebody kept. */
int tulle_irqs_start(struct tulle_core *core)
{
	struct tulle_irqs *irqs = &core->irqs;
	unsigned int i;
	int err;

	err = tulle_eq_create(core, &irqs->vecs[0].eq, 0,
			      min_t(u8, TULLE_EQ0_LOG_SIZE,
				    core->dev.limits.log_max_eq_size), true);
	if (err)
		return err;
	tulle_cmd_use_events(core, true);

	mutex_lock(&irqs->lock);
	for (i = 1; i < irqs->nvecs && !err; i++) {
		if (irqs->vecs[i].users)
			err = tulle_vector_start(core, &irqs->vecs[i]);
	}
	if (err)
		tulle_vectors_stop(core);
	irqs->running = !err;
	mutex_unlock(&irqs->lock);
	if (err) {
		tulle_cmd_use_events(core, false);
		tulle_eq_destroy(core, &irqs->vecs[0].eq);
	}
	return err;
}

void tulle_irqs_stop(struct tulle_core *core)
{
	struct tulle_irqs *irqs = &core->irqs;

	mutex_lock(&irqs->lock);
	irqs->running = false;
	tulle_vectors_stop(core);
	mutex_unlock(&irqs->lock);
	tulle_cmd_use_events(core, false);
	tulle_eq_destroy(core, &irqs->vecs[0].eq);
}

u64 tulle_async_interrupts(const struct tulle_dev *dev)
{
	return READ_ONCE(to_tulle_core(dev)->irqs.vecs[0].eq.interrupts);
}
EXPORT_SYMBOL_NS_GPL(tulle_async_interrupts, "TULLE_CORE");

unsigned int tulle_vec_count(const struct tulle_dev *dev,
			     enum tulle_vec_pool pool)
{
	return to_tulle_core(dev)->irqs.count[pool];
}
EXPORT_SYMBOL_NS_GPL(tulle_vec_count, "TULLE_CORE");

static int tulle_vector_open(struct tulle_core *core, struct tulle_vector *v)
{
	int err;

	err = tulle_vector_request(core, v);
	if (err)
		return err;
	if (!core->irqs.running)
		return 0;
	err = tulle_vector_start(core, v);
	if (err)
		free_irq(v->vec.irq, &v->eq);
	return err;
}

struct tulle_vec *tulle_vec_get(struct tulle_dev *dev, enum tulle_vec_pool pool,
				unsigned int index)
{
	struct tulle_core *core = to_tulle_core(dev);
	struct tulle_irqs *irqs = &core->irqs;
	struct tulle_vector *v;
	int err = 0;

	if (index >= irqs->count[pool])
		return ERR_PTR(-EINVAL);
	v = &irqs->vecs[irqs->first[pool] + index];
	mutex_lock(&irqs->lock);
	if (!v->users)
		err = tulle_vector_open(core, v);
	if (!err)
		v->users++;
	mutex_unlock(&irqs->lock);
	return err ? ERR_PTR(err) : &v->vec;
}
EXPORT_SYMBOL_NS_GPL(tulle_vec_get, "TULLE_CORE");

void tulle_vec_put(struct tulle_dev *dev, struct tulle_vec *vec)
{
	struct tulle_vector *v = container_of(vec, struct tulle_vector, vec);
	struct tulle_core *core = to_tulle_core(dev);

	mutex_lock(&core->irqs.lock);
	if (!--v->users) {
		tulle_vector_stop(core, v);
		free_irq(v->vec.irq, &v->eq);
	}
	mutex_unlock(&core->irqs.lock);
}
EXPORT_SYMBOL_NS_GPL(tulle_vec_put, "TULLE_CORE");

unsigned int tulle_vec_recover(struct tulle_dev *dev, struct tulle_vec *vec)
{
	struct tulle_vector *v = container_of(vec, struct tulle_vector, vec);
	unsigned int n;

	n = tulle_eq_look(&v->eq);
	v->eq.recovered += n;
	return n;
}
EXPORT_SYMBOL_NS_GPL(tulle_vec_recover, "TULLE_CORE");
