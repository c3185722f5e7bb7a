/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The cgroups of a task: "controller=path" and a NUL for each of five. */
#ifndef LANNER_CGROUP_H
#define LANNER_CGROUP_H

#include <linux/cgroup.h>
#include <linux/kernfs.h>
#include "task.h"

#define CGROUPS_MAX 4096	/* bytes of all */

/* Writes one at offset at of the room, and returns the offset behind it. */
static u32 write_cgroup(struct call *c, u32 at, struct task_struct *t, int id, const char *label)
{
	struct cgroup_subsys_state *css = task_css_check(t, id, true);
	char *r = (char *)room(c);
	u32 n = strlen(label);

	if (!css || at + n + 2 > CGROUPS_MAX)
		return at;
	memcpy(r + at, label, n);
	at += n;
	if (cgroup_path(css->cgroup, r + at, CGROUPS_MAX - at) < 0)
		r[CGROUPS_MAX - 1] = 0;
	return at + strnlen(r + at, CGROUPS_MAX - 1 - at) + 1;
}

static void put_cgroups(struct call *c, struct task_struct *t)
{
	u32 at = 0;

#if IS_ENABLED(CONFIG_CPUSETS)
	at = write_cgroup(c, at, t, cpuset_cgrp_id, "cpuset=");
#endif
#if IS_ENABLED(CONFIG_CGROUP_SCHED)
	at = write_cgroup(c, at, t, cpu_cgrp_id, "cpu=");
#endif
#if IS_ENABLED(CONFIG_CGROUP_CPUACCT)
	at = write_cgroup(c, at, t, cpuacct_cgrp_id, "cpuacct=");
#endif
#if IS_ENABLED(CONFIG_BLK_CGROUP)
	at = write_cgroup(c, at, t, io_cgrp_id, "io=");
#endif
#if IS_ENABLED(CONFIG_MEMCG)
	at = write_cgroup(c, at, t, memory_cgrp_id, "memory=");
#endif
	commit(c, at);
}

#endif /* LANNER_CGROUP_H */
