// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Which probes hang on which tracepoints, and when. */
#include <linux/tracepoint.h>
#include "consumer.h"
#include "probes.h"

/* The tracepoints and what hangs on them. */
static struct point_row {
	const char *name;
	void *probe;
	struct tracepoint *tp;	/* NULL: this kernel does not have it */
	bool on;
} points[POINTS] = {
	[POINT_SYS_ENTER] = { "sys_enter", on_sys_enter },
	[POINT_SYS_EXIT] = { "sys_exit", on_sys_exit },
	[POINT_PROC_EXIT] = { "sched_process_exit", on_exit },
	[POINT_SWITCH] = { "sched_switch", on_switch },
#ifdef CONFIG_X86
	[POINT_FAULT_USER] = { "page_fault_user", on_fault_user },
	[POINT_FAULT_KERNEL] = { "page_fault_kernel", on_fault_kernel },
#endif
	[POINT_SIGNAL] = { "signal_deliver", on_signal },
	[POINT_FORK] = { "sched_process_fork", on_fork },
	[POINT_EXEC] = { "sched_process_exec", on_exec },
	[POINT_FREE] = { "sched_process_free", on_free },
};

static void match_point(struct tracepoint *tp, void *data)
{
	int i;

	for (i = 0; i < POINTS; i++) {
		if (points[i].name && !strcmp(points[i].name, tp->name))
			points[i].tp = tp;
	}
}

/* Looks for the tracepoints: they are not exported, but can be listed. */
int points_find(void)
{
	numbers_init();
	for_each_kernel_tracepoint(match_point, NULL);
	return points[POINT_SYS_EXIT].tp ? 0 : -ENOENT;
}

/* The tracepoints that a consumer needs, for its events or to know its tree. */
static unsigned long needs(struct consumer *con)
{
	unsigned long need = con->points;

	if (LANNER_PROFILE == PROFILE_036 && need & BIT(POINT_SYS_EXIT))
		need |= BIT(POINT_EXEC) | BIT(POINT_FORK);
	if (con->scope == TREE_SCOPE)
		need |= BIT(POINT_FORK) | BIT(POINT_EXEC) | BIT(POINT_PROC_EXIT) | BIT(POINT_FREE);
	return need;
}

static int point_switch(struct point_row *p, bool on)
{
	int err;

	if (p->on == on)
		return 0;
	if (!on) {
		tracepoint_probe_unregister(p->tp, p->probe, NULL);
		p->on = false;
		return 0;
	}
	if (!p->tp)
		return -ENOENT;
	err = tracepoint_probe_register(p->tp, p->probe, NULL);
	p->on = !err;
	return err;
}

/* Hangs probes on the tracepoints that are needed now, and no others. */
int points_update(void)
{
	unsigned long need = 0;
	struct consumer *con;
	int err = 0, i;

	lockdep_assert_held(&consumers_lock);
	list_for_each_entry(con, &consumers, node)
		need |= needs(con);
	for (i = 0; i < POINTS; i++) {
		int e = point_switch(&points[i], need & BIT(i));

		err = err ?: e;
	}
	return err;
}
