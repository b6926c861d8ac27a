// SPDX-License-Identifier: GPL-2.0
/* Statistics: of the port, of the device, and of sets of queue pairs. */

#include <rdma/rdma_counter.h>

#include "ib.h"

/* In the order of struct tulle_rdma_stats, from its start. */
static const struct rdma_stat_desc counters_port[] = {
	{ .name = "tx_packets" },
	{ .name = "tx_bytes" },
	{ .name = "rx_packets" },
	{ .name = "rx_bytes" },
	{ .name = "tx_messages" },
	{ .name = "rx_messages" },
	{ .name = "loopback_messages" },
	{ .name = "tx_acks" },
	{ .name = "rx_acks" },
	{ .name = "tx_naks_seq" },
	{ .name = "rx_naks_seq" },
	{ .name = "tx_naks_rnr" },
	{ .name = "rx_naks_rnr" },
	{ .name = "tx_naks_error" },
	{ .name = "rx_naks_error" },
	{ .name = "retransmits" },
	{ .name = "timeouts" },
	{ .name = "retry_exceeded" },
	{ .name = "rnr_retry_exceeded" },
	{ .name = "duplicates" },
	{ .name = "out_of_sequence" },
	{ .name = "implied_naks" },
	{ .name = "icrc_errors" },
	{ .name = "malformed" },
	{ .name = "no_qp" },
	{ .name = "bad_key" },
	{ .name = "bad_source" },
	{ .name = "ud_drops" },
	{ .name = "uc_drops" },
	{ .name = "ecn_marked" },
	{ .name = "cnps" },
	{ .name = "fifo_drops" },
	{ .name = "local_errors" },
	{ .name = "remote_errors" },
	{ .name = "flushed" },
	{ .name = "doorbells" },
};

static_assert(offsetof(struct tulle_rdma_stats, rsvd) ==
	      ARRAY_SIZE(counters_port) * sizeof(__le64));

static const struct rdma_stat_desc counters_device[] = {
	{ .name = "events" },
	{ .name = "commands" },
};

static void counters_copy(struct rdma_hw_stats *stats,
			  const struct tulle_rdma_stats *from)
{
	const __le64 *value = (const __le64 *)from;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counters_port); i++)
		stats->value[i] = le64_to_cpu(value[i]);
}

static struct rdma_hw_stats *counters_alloc_port(struct ib_device *ibdev,
						 u32 port)
{
	return rdma_alloc_hw_stats_struct(counters_port,
					  ARRAY_SIZE(counters_port),
					  RDMA_HW_STATS_DEFAULT_LIFESPAN);
}

static struct rdma_hw_stats *counters_alloc_device(struct ib_device *ibdev)
{
	return rdma_alloc_hw_stats_struct(counters_device,
					  ARRAY_SIZE(counters_device),
					  RDMA_HW_STATS_DEFAULT_LIFESPAN);
}

static int counters_get_device(struct tulle_dev *tdev,
			       struct rdma_hw_stats *stats)
{
	struct tulle_func_info info;
	int err;

	err = tulle_cmd_exec(tdev, TULLE_CMD_QUERY_FUNC, NULL, 0, &info,
			     sizeof(info));
	if (err)
		return err;
	stats->value[0] = le64_to_cpu(info.events);
	stats->value[1] = le64_to_cpu(info.commands);
	return stats->num_counters;
}

static int counters_get(struct ib_device *ibdev, struct rdma_hw_stats *stats,
			u32 port, int index)
{
	struct tulle_dev *tdev = to_tulle_ib_dev(ibdev)->tdev;
	struct tulle_rdma_stats from;
	int err;

	if (!port)
		return counters_get_device(tdev, stats);
	err = tulle_cmd_exec(tdev, TULLE_CMD_QUERY_RDMA_STATS, NULL, 0, &from,
			     sizeof(from));
	if (err)
		return err;
	counters_copy(stats, &from);
	return stats->num_counters;
}

static int counters_set_qp(struct tulle_ib_qp *qp, u32 handle)
{
	struct tulle_modify_qp in = {
		.handle = cpu_to_le32(qp->handle),
		.mask = cpu_to_le32(TULLE_QP_MOD_COUNTER),
		.attr.counter = cpu_to_le32(handle),
	};
	int err;

	mutex_lock(&qp->mutex);
	err = tulle_cmd_exec(qp->dev->tdev, TULLE_CMD_MODIFY_QP, &in,
			     sizeof(in), NULL, 0);
	if (!err)
		qp->counter = handle;
	mutex_unlock(&qp->mutex);
	return err;
}

static int counters_dealloc(struct rdma_counter *counter)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(counter->device);

	tulle_obj_destroy(dev->tdev, TULLE_CMD_DESTROY_QP_COUNTER,
			  counter->id);
	counter->id = 0;
	return 0;
}

static int counters_bind_qp(struct rdma_counter *counter, struct ib_qp *ibqp,
			    u32 port)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(ibqp->device);
	bool is_new = !counter->id;
	int err;

	if (is_new) {
		err = tulle_obj_create(dev->tdev, TULLE_CMD_CREATE_QP_COUNTER,
				       NULL, 0, &counter->id);
		if (err)
			return err;
	}
	err = counters_set_qp(to_tulle_ib_qp(ibqp), counter->id);
	if (err) {
		if (is_new)
			counters_dealloc(counter);
		return err;
	}
	ibqp->counter = counter;
	return 0;
}

TULLE_DEFINE_COUNTER_BIND_QP(counters_bind_qp);

static int counters_unbind_qp(struct ib_qp *ibqp, u32 port)
{
	struct tulle_ib_qp *qp = to_tulle_ib_qp(ibqp);
	int err;

	err = counters_set_qp(qp, 0);
	/* A device that is down counts nothing. */
	if (err && err != -EIO)
		return err;
	ibqp->counter = NULL;
	return 0;
}

TULLE_DEFINE_COUNTER_UNBIND_QP(counters_unbind_qp);

static struct rdma_hw_stats *counters_alloc_qps(struct rdma_counter *counter)
{
	return counters_alloc_port(counter->device, counter->port);
}

static int counters_update_qps(struct rdma_counter *counter)
{
	struct tulle_ib_dev *dev = to_tulle_ib_dev(counter->device);
	struct tulle_rdma_stats from;
	int err;

	if (!counter->id)
		return 0;
	err = tulle_obj_query(dev->tdev, TULLE_CMD_QUERY_QP_COUNTER,
			      counter->id, &from, sizeof(from));
	if (err)
		return err;
	counters_copy(counter->stats, &from);
	return 0;
}

TULLE_DEFINE_COUNTER_INIT(counters_init)

const struct ib_device_ops tulle_ib_stats_ops = {
	.alloc_hw_device_stats	= counters_alloc_device,
	.alloc_hw_port_stats	= counters_alloc_port,
	.get_hw_stats		= counters_get,
};

const struct ib_device_ops tulle_ib_counter_ops = {
	TULLE_COUNTER_BIND_QP(counters_bind_qp)
	TULLE_COUNTER_UNBIND_QP(counters_unbind_qp)
	.counter_dealloc	= counters_dealloc,
	.counter_alloc_stats	= counters_alloc_qps,
	.counter_update_stats	= counters_update_qps,
	TULLE_COUNTER_INIT(counters_init)
};
