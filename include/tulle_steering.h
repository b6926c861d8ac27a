/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RSS contexts and steering: the part of tulle_core.h, which includes it, that
 * says where packets go.
 */
#ifndef TULLE_STEERING_H
#define TULLE_STEERING_H

/*
 * RSS contexts. Process context; errors as tulle_cmd_exec().
 */
static inline int tulle_rss_create(struct tulle_dev *dev,
				   const struct tulle_rss *rss, u32 *handle)
{
	return tulle_obj_create(dev, TULLE_CMD_CREATE_RSS, rss,
				struct_size(rss, rq, 1U << rss->ctx.log_size),
				handle);
}

/**
 * tulle_rss_modify() - change an RSS context without losing a packet
 * @dev: the device
 * @in: handle, mask and what it names; rq[] has 1 << log_size entries if
 *	TULLE_RSS_MOD_TABLE is set and none otherwise
 *
 * Return: as tulle_cmd_exec().
 */
static inline int tulle_rss_modify(struct tulle_dev *dev,
				   const struct tulle_modify_rss *in)
{
	size_t n = in->mask & cpu_to_le32(TULLE_RSS_MOD_TABLE) ?
		   1U << in->ctx.log_size : 0;

	return tulle_cmd_exec(dev, TULLE_CMD_MODIFY_RSS, in,
			      struct_size(in, rq, n), NULL, 0);
}

static inline void tulle_rss_destroy(struct tulle_dev *dev, u32 handle)
{
	tulle_obj_destroy(dev, TULLE_CMD_DESTROY_RSS, handle);
}

/*
 * Steering. Process context; errors as tulle_cmd_exec().
 */
static inline int tulle_table_create(struct tulle_dev *dev,
				     const struct tulle_table_ctx *ctx,
				     u32 *handle)
{
	return tulle_obj_create(dev, TULLE_CMD_CREATE_TABLE, ctx, sizeof(*ctx),
				handle);
}

static inline void tulle_table_destroy(struct tulle_dev *dev, u32 handle)
{
	tulle_obj_destroy(dev, TULLE_CMD_DESTROY_TABLE, handle);
}

/**
 * tulle_table_set_miss() - change what happens when no rule matches
 * @dev: the device
 * @handle: the table, may be a root
 * @type: enum tulle_action
 * @arg: its argument
 *
 * Return: as tulle_cmd_exec().
 */
int tulle_table_set_miss(struct tulle_dev *dev, u32 handle, u8 type, u32 arg);

/**
 * tulle_mask_create() - make a mask in a table
 * @dev: the device
 * @table: the table
 * @key: the bits that its rules match
 * @handle: (result) the mask
 *
 * Return: as tulle_cmd_exec().
 */
int tulle_mask_create(struct tulle_dev *dev, u32 table,
		      const struct tulle_flow_key *key, u32 *handle);

static inline void tulle_mask_destroy(struct tulle_dev *dev, u32 handle)
{
	tulle_obj_destroy(dev, TULLE_CMD_DESTROY_MASK, handle);
}

/**
 * tulle_rules_add() - add or replace rules, split into batches
 * @dev: the device
 * @table: their table
 * @rules: taken in order
 * @n: number of them
 * @flags: TULLE_RULES_F_
 * @done: (result) so many are in; may be NULL
 *
 * Not logged.
 * Return: 0, or the error of the first that was refused: those before it stay.
 */
int tulle_rules_add(struct tulle_dev *dev, u32 table,
		    const struct tulle_rule *rules, u32 n, u8 flags, u32 *done);

/**
 * tulle_rules_del() - delete rules
 * @dev: the device
 * @table: their table
 * @ids: of the rules
 * @n: number of them
 *
 * An id that is not there is passed over.
 * Return: 0 or an error.
 */
int tulle_rules_del(struct tulle_dev *dev, u32 table, const u32 *ids, u32 n);

#endif /* TULLE_STEERING_H */
