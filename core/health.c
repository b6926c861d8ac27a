// SPDX-License-Identifier: GPL-2.0
/*
 * Health: a watch over state, syndrome and heartbeat, and the devlink reporter
 * "fw". Whoever finds the device dead calls tulle_dev_fail(); a work item takes
 * the device down and reports, and the reporter's recovery resets the function
 * and brings it up again. A single command without an answer is reported too,
 * but as long as the firmware answers others nothing is reset for it.
 */

#include <linux/ctype.h>
#include "core.h"

#define TULLE_WATCH_INTERVAL	HZ
#define TULLE_WATCH_MISSES	3
#define TULLE_RECOVER_TRIES	3

static const char * const tulle_state_names[] = {
	[TULLE_STATE_BOOTING]	= "booting",
	[TULLE_STATE_READY]	= "ready",
	[TULLE_STATE_DEAD]	= "dead",
};

static const char * const tulle_syndrome_names[] = {
	[TULLE_SYNDROME_NONE]		= "none",
	[TULLE_SYNDROME_ASSERT]		= "assert",
	[TULLE_SYNDROME_DMA]		= "dma",
	[TULLE_SYNDROME_STALL]		= "stall",
	[TULLE_SYNDROME_INJECTED]	= "injected",
	[TULLE_SYNDROME_NOMEM]		= "nomem",
};

static const char *tulle_name_of(const char * const *names, size_t n, u32 value)
{
	return value < n ? names[value] : "unknown";
}

#define TULLE_NAME_OF(names, value) \
	tulle_name_of(names, ARRAY_SIZE(names), value)

void tulle_health_note(struct tulle_core *core, const char *reason)
{
	if (test_bit(TULLE_F_REMOVING, &core->flags))
		return;
	WRITE_ONCE(core->health.reason, reason);
	queue_work(core->wq, &core->health.fail);
}

/*
 * Commands end, and DMA is off before any caller goes on, the first or not: it may
 * free memory then. So may whoever sees that the device is not up.
 *
 * Return: true for the first caller.
 */
static bool tulle_cut_off(struct tulle_core *core)
{
	unsigned long flags;
	bool known;

	spin_lock_irqsave(&core->life_lock, flags);
	known = test_and_set_bit(TULLE_F_FAILED, &core->flags);
	pci_clear_master(core->dev.pdev);
	WRITE_ONCE(core->dev.up, false);
	if (!known)
		tulle_cmd_abort(core);
	spin_unlock_irqrestore(&core->life_lock, flags);
	return !known;
}

void tulle_dev_fail(struct tulle_dev *dev, const char *reason)
{
	struct tulle_core *core = to_tulle_core(dev);

	if (!tulle_cut_off(core))
		return;
	tulle_event_post_dead(core);
	core->health.failures++;
	tulle_health_note(core, reason);
}
EXPORT_SYMBOL_NS_GPL(tulle_dev_fail, "TULLE_CORE");

static void tulle_health_fail_work(struct work_struct *work)
{
	struct tulle_core *core = container_of(work, struct tulle_core,
					       health.fail);
	const char *reason = READ_ONCE(core->health.reason);
	struct devlink *devlink = core->dev.devlink;

	devl_lock(devlink);
	if (test_bit(TULLE_F_FAILED, &core->flags) && core->loaded) {
		pci_err(core->dev.pdev, "device failed: %s\n", reason);
		tulle_down(core);
	}
	devl_unlock(devlink);
	/* A probe that fails has no instance to report to. */
	if (test_bit(TULLE_F_REMOVING, &core->flags))
		return;
	/* Dump, and recover unless the user switched that off. */
	devlink_health_report(core->health.reporter, reason, core);
}

static void tulle_health_look(struct tulle_core *core)
{
	struct tulle_health *health = &core->health;
	u32 state = tulle_rd32(core, TULLE_REG_STATE);
	u32 syndrome = tulle_rd32(core, TULLE_REG_SYNDROME);
	u32 heartbeat = tulle_rd32(core, TULLE_REG_HEARTBEAT);

	if (test_bit(TULLE_F_FAILED, &core->flags))
		return;
	if (FIELD_GET(TULLE_STATE_STATE, state) != TULLE_STATE_READY ||
	    syndrome) {
		tulle_dev_fail(&core->dev, "firmware crashed");
		return;
	}
	health->missed = heartbeat == health->heartbeat ?
			 health->missed + 1 : 0;
	health->heartbeat = heartbeat;
	if (health->missed >= TULLE_WATCH_MISSES)
		tulle_dev_fail(&core->dev, "heartbeat stopped");
}

static void tulle_health_watch(struct work_struct *work)
{
	struct tulle_core *core = container_of(to_delayed_work(work),
					       struct tulle_core, health.watch);
	struct tulle_eq *eq = &core->irqs.vecs[0].eq;

	tulle_health_look(core);
	/* EQ0's interrupt may have got lost; other EQs have users who look. */
	eq->recovered += tulle_eq_poll(eq);
	if (!test_bit(TULLE_F_FAILED, &core->flags))
		queue_delayed_work(core->wq, &core->health.watch,
				   TULLE_WATCH_INTERVAL);
}

void tulle_health_init(struct tulle_core *core)
{
	INIT_DELAYED_WORK(&core->health.watch, tulle_health_watch);
	INIT_WORK(&core->health.fail, tulle_health_fail_work);
}

/* The device came up: whatever was reported is over. */
void tulle_health_start(struct tulle_core *core)
{
	core->health.missed = 0;
	core->health.heartbeat = tulle_rd32(core, TULLE_REG_HEARTBEAT) - 1;
	devlink_health_reporter_state_update(core->health.reporter,
					     DEVLINK_HEALTH_REPORTER_STATE_HEALTHY);
	queue_delayed_work(core->wq, &core->health.watch,
			   TULLE_WATCH_INTERVAL);
}

void tulle_health_stop(struct tulle_core *core)
{
	cancel_delayed_work_sync(&core->health.watch);
}

/* With TULLE_F_REMOVING set, and without the devlink lock, that it takes. */
void tulle_health_drain(struct tulle_core *core)
{
	disable_work_sync(&core->health.fail);
	disable_delayed_work_sync(&core->attach_work);
}

static bool tulle_health_is_alive(struct tulle_core *core)
{
	return core->loaded && !test_bit(TULLE_F_FAILED, &core->flags) &&
	       !tulle_cmd_exec(&core->dev, TULLE_CMD_NOP, NULL, 0, NULL, 0);
}

static int tulle_health_recover(struct devlink_health_reporter *reporter,
				void *priv_ctx, struct netlink_ext_ack *extack)
{
	struct tulle_core *core = devlink_health_reporter_priv(reporter);
	unsigned int tries = TULLE_RECOVER_TRIES;
	int err;

	if (core->held) {
		NL_SET_ERR_MSG(extack, "the PCI bus holds the device; it recovers when released");
		return -EBUSY;
	}
	if (priv_ctx && tulle_health_is_alive(core))
		return 0;
	/* It would not answer those who take leave of it either. */
	if (priv_ctx && core->loaded)
		tulle_cut_off(core);
	do {
		tulle_down(core);
		err = tulle_up(core);
	} while (err && !test_bit(TULLE_F_GONE, &core->flags) && --tries);
	if (err) {
		NL_SET_ERR_MSG(extack, "device does not come up after reset");
		return err;
	}
	core->health.recoveries++;
	pci_info(core->dev.pdev, "device recovered\n");
	tulle_announce(core);
	return 0;
}

static void tulle_put_name(struct devlink_fmsg *fmsg, const char *what,
			   const char *name, u32 value)
{
	devlink_fmsg_string_pair_put(fmsg, what, name);
	if (!strcmp(name, "unknown"))
		devlink_fmsg_u32_pair_put(fmsg, "value", value);
}

static void tulle_put_commands(struct tulle_core *core,
			       struct devlink_fmsg *fmsg)
{
	struct tulle_cmdq *cmd = &core->cmd;

	devlink_fmsg_u32_pair_put(fmsg, "command_slots", cmd->nslots);
	devlink_fmsg_u32_pair_put(fmsg, "lost_slots", cmd->nlost);
	devlink_fmsg_u64_pair_put(fmsg, "command_timeouts", cmd->timeouts);
	devlink_fmsg_u64_pair_put(fmsg, "commands_found_by_polling",
				  cmd->found_by_poll);
}

static int tulle_health_diagnose(struct devlink_health_reporter *reporter,
				 struct devlink_fmsg *fmsg,
				 struct netlink_ext_ack *extack)
{
	struct tulle_core *core = devlink_health_reporter_priv(reporter);
	u32 state, syndrome;

	state = FIELD_GET(TULLE_STATE_STATE,
			  readl(core->regs + TULLE_REG_STATE));
	syndrome = readl(core->regs + TULLE_REG_SYNDROME);
	tulle_put_name(fmsg, "state", TULLE_NAME_OF(tulle_state_names, state),
		       state);
	tulle_put_name(fmsg, "syndrome",
		       TULLE_NAME_OF(tulle_syndrome_names, syndrome), syndrome);
	devlink_fmsg_bool_pair_put(fmsg, "up", core->loaded);
	devlink_fmsg_bool_pair_put(fmsg, "gone",
				   test_bit(TULLE_F_GONE, &core->flags));
	if (core->health.reason)
		devlink_fmsg_string_pair_put(fmsg, "last_reason",
					     core->health.reason);
	devlink_fmsg_u64_pair_put(fmsg, "failures", core->health.failures);
	devlink_fmsg_u64_pair_put(fmsg, "recoveries", core->health.recoveries);
	devlink_fmsg_u32_pair_put(fmsg, "heartbeat",
				  readl(core->regs + TULLE_REG_HEARTBEAT));
	tulle_put_commands(core, fmsg);
	return 0;
}

/* The record that the firmware leaves; text and numbers are its word. */
static void tulle_put_crash(struct tulle_core *core, struct devlink_fmsg *fmsg)
{
	struct tulle_crash crash;
	__le32 *word = (__le32 *)&crash;
	unsigned int i;
	char file[33];

	for (i = 0; i < sizeof(crash) / sizeof(*word); i++)
		word[i] = cpu_to_le32(readl(core->regs + TULLE_REG_CRASH +
					    i * sizeof(*word)));
	for (i = 0; i < sizeof(crash.file); i++)
		file[i] = isprint(crash.file[i]) && isascii(crash.file[i]) ?
			  crash.file[i] : '\0';
	file[i] = '\0';

	devlink_fmsg_pair_nest_start(fmsg, "crash");
	devlink_fmsg_obj_nest_start(fmsg);
	devlink_fmsg_u32_pair_put(fmsg, "syndrome",
				  le32_to_cpu(crash.syndrome));
	devlink_fmsg_string_pair_put(fmsg, "file", file);
	devlink_fmsg_u32_pair_put(fmsg, "line", le32_to_cpu(crash.line));
	devlink_fmsg_u64_pair_put(fmsg, "time", le64_to_cpu(crash.time));
	devlink_fmsg_u32_pair_put(fmsg, "passes", le32_to_cpu(crash.passes));
	devlink_fmsg_u32_pair_put(fmsg, "events", le32_to_cpu(crash.events));
	devlink_fmsg_arr_pair_nest_start(fmsg, "last_opcodes");
	for (i = 0; i < ARRAY_SIZE(crash.last_op); i++)
		devlink_fmsg_u32_put(fmsg, le32_to_cpu(crash.last_op[i]));
	devlink_fmsg_arr_pair_nest_end(fmsg);
	devlink_fmsg_arr_pair_nest_start(fmsg, "last_status");
	for (i = 0; i < ARRAY_SIZE(crash.last_status); i++)
		devlink_fmsg_u32_put(fmsg, le32_to_cpu(crash.last_status[i]));
	devlink_fmsg_arr_pair_nest_end(fmsg);
	devlink_fmsg_obj_nest_end(fmsg);
	devlink_fmsg_pair_nest_end(fmsg);
}

static void tulle_put_regs(struct tulle_core *core, struct devlink_fmsg *fmsg)
{
	static const struct {
		u32 offset;
		const char *name;
	} regs[] = {
		{ TULLE_REG_MAGIC, "magic" },
		{ TULLE_REG_IF_VERSION, "if_version" },
		{ TULLE_REG_FW_VERSION, "fw_version" },
		{ TULLE_REG_STATE, "state" },
		{ TULLE_REG_SYNDROME, "syndrome" },
		{ TULLE_REG_HEARTBEAT, "heartbeat" },
		{ TULLE_REG_FUNC, "func" },
		{ TULLE_REG_CLOCK_LO, "clock_lo" },
		{ TULLE_REG_CLOCK_HI, "clock_hi" },
		{ TULLE_REG_UAR_CFG, "uar_cfg" },
		{ TULLE_REG_CMD_CAPS, "cmd_caps" },
		{ TULLE_REG_CMD_BASE_LO, "cmd_base_lo" },
		{ TULLE_REG_CMD_BASE_HI, "cmd_base_hi" },
		{ TULLE_REG_CMD_CFG, "cmd_cfg" },
	};
	unsigned int i;

	devlink_fmsg_pair_nest_start(fmsg, "registers");
	devlink_fmsg_obj_nest_start(fmsg);
	for (i = 0; i < ARRAY_SIZE(regs); i++)
		devlink_fmsg_u32_pair_put(fmsg, regs[i].name,
					  readl(core->regs + regs[i].offset));
	devlink_fmsg_obj_nest_end(fmsg);
	devlink_fmsg_pair_nest_end(fmsg);
}

static int tulle_health_dump(struct devlink_health_reporter *reporter,
			     struct devlink_fmsg *fmsg, void *priv_ctx,
			     struct netlink_ext_ack *extack)
{
	struct tulle_core *core = devlink_health_reporter_priv(reporter);

	if (core->health.reason)
		devlink_fmsg_string_pair_put(fmsg, "reason",
					     core->health.reason);
	tulle_put_regs(core, fmsg);
	tulle_put_crash(core, fmsg);
	tulle_put_commands(core, fmsg);
	return 0;
}

/* A real crash, asked for: everything after it is the real thing. */
static int tulle_health_test(struct devlink_health_reporter *reporter,
			     struct netlink_ext_ack *extack)
{
	struct tulle_core *core = devlink_health_reporter_priv(reporter);
	struct tulle_test_health in = {
		.syndrome = cpu_to_le32(TULLE_SYNDROME_INJECTED),
	};
	int err;

	if (!tulle_cap(&core->dev, TEST_HEALTH)) {
		NL_SET_ERR_MSG(extack, "the device cannot be asked to crash");
		return -EOPNOTSUPP;
	}
	if (!tulle_dev_is_up(&core->dev)) {
		NL_SET_ERR_MSG(extack, "the device is down already");
		return -EBUSY;
	}
	err = tulle_cmd_exec(&core->dev, TULLE_CMD_TEST_HEALTH, &in,
			     sizeof(in), NULL, 0);
	/* Firmware that is dead cannot answer. */
	return err == -EIO || err == -ETIMEDOUT ? 0 : err;
}

static const struct devlink_health_reporter_ops tulle_health_ops = {
	.name = "fw",
	.recover = tulle_health_recover,
	.dump = tulle_health_dump,
	.diagnose = tulle_health_diagnose,
	.test = tulle_health_test,
};

int tulle_health_create(struct tulle_core *core)
{
	struct devlink_health_reporter *reporter;

	reporter = tulle_health_reporter_create(core->dev.devlink,
						&tulle_health_ops, 0, core);
	if (IS_ERR(reporter))
		return PTR_ERR(reporter);
	core->health.reporter = reporter;
	return 0;
}

void tulle_health_destroy(struct tulle_core *core)
{
	devl_health_reporter_destroy(core->health.reporter);
}
