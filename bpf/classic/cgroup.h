/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The cgroups of a task: "controller=path" and a NUL for each of five, one in a round. */
#ifndef LANNER_CGROUP_H
#define LANNER_CGROUP_H

#include "task.h"

#define CGROUPS_MAX 4096	/* bytes of all */
#define CGROUP_DEPTH 16		/* directories of a path */
#define CGROUP_NAME 256		/* bytes of a directory's name, its NUL included */
#define CONTROLLERS 5

/* Writes a slash and a directory's name behind what is in the record. */
static __always_inline void append_name(struct call *c, struct kernfs_node *kn)
{
	struct state *s = c->s;
	int n;

	c->record[s->at++ & EVENT_MASK] = '/';
	n = read_text(&c->record[s->at & EVENT_MASK], CGROUP_NAME, READ(kn, name));
	if (n > 0)
		s->at += n - 1;
}

/* The same for a whole path, with its NUL. */
static __always_inline void append_cgroup(struct call *c, struct kernfs_node *kn)
{
	struct kernfs_node *up[CGROUP_DEPTH] = {}, *parent;
	struct state *s = c->s;
	int i;

#pragma unroll
	for (i = 0; i < CGROUP_DEPTH; i++) {
		parent = kernfs_parent_of(kn);
		if (!parent)
			break;
		up[i] = kn;
		kn = parent;
	}
	if (!up[0])
		c->record[s->at++ & EVENT_MASK] = '/';
#pragma unroll
	for (i = CGROUP_DEPTH - 1; i >= 0; i--) {
		if (up[i])
			append_name(c, up[i]);
	}
	c->record[s->at++ & EVENT_MASK] = 0;
}

/* Writes a name of at most 8 bytes, given as they are in memory. */
static __always_inline void append_label(struct call *c, u64 text, u32 n)
{
	*(u64 *)&c->record[c->s->at & EVENT_MASK] = text;
	c->s->at += n;
}

#define LABEL(a, b, c, d, e, f, g, h)							\
	((u64)(a) | (u64)(b) << 8 | (u64)(c) << 16 | (u64)(d) << 24 | (u64)(e) << 32 |	\
	 (u64)(f) << 40 | (u64)(g) << 48 | (u64)(h) << 56)

/* The index of the controller of a round among those of the kernel, whose name is written; -1: it has none. */
static __always_inline int controller(struct call *c)
{
	switch (c->s->round) {
#if IS_ENABLED(CONFIG_CPUSETS)
	case 0:
		append_label(c, LABEL('c', 'p', 'u', 's', 'e', 't', '=', 0), 7);
		return cpuset_cgrp_id;
#endif
#if IS_ENABLED(CONFIG_CGROUP_SCHED)
	case 1:
		append_label(c, LABEL('c', 'p', 'u', '=', 0, 0, 0, 0), 4);
		return cpu_cgrp_id;
#endif
#if IS_ENABLED(CONFIG_CGROUP_CPUACCT)
	case 2:
		append_label(c, LABEL('c', 'p', 'u', 'a', 'c', 'c', 't', '='), 8);
		return cpuacct_cgrp_id;
#endif
#if IS_ENABLED(CONFIG_BLK_CGROUP)
	case 3:
		append_label(c, LABEL('i', 'o', '=', 0, 0, 0, 0, 0), 3);
		return io_cgrp_id;
#endif
#if IS_ENABLED(CONFIG_MEMCG)
	case 4:
		append_label(c, LABEL('m', 'e', 'm', 'o', 'r', 'y', '=', 0), 7);
		return memory_cgrp_id;
#endif
	}
	return -1;
}

/* Leaves the cgroups of the event's task to rounds, after which the event goes on with a stage. */
static __always_inline void begin_cgroups(struct call *c, u32 next)
{
	c->s->round = 0;
	c->s->at = c->off;
	c->s->next = next;
	go_on(c, STAGE_CGROUPS);
}

STAGE(stage_cgroups)
{
	struct task_struct *t = task(c);
	struct cgroup_subsys_state *one;
	struct css_set *css;
	int i = controller(c);
	u32 n;

	if (i >= 0) {
		css = READ(t, cgroups);
		one = READ(css, subsys[i]);
		append_cgroup(c, READ(one, cgroup, kn));
	}
	if (++c->s->round < CONTROLLERS)
		return go_on(c, STAGE_CGROUPS);
	n = c->s->at - c->off;
	if (n > CGROUPS_MAX) {
		n = CGROUPS_MAX;
		c->record[(c->off + n - 1) & EVENT_MASK] = 0;
	}
	commit(c, n);
	go_on(c, c->s->next);
}

#endif /* LANNER_CGROUP_H */
