/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The cgroups of a task: "controller=path" and a NUL for each of five. */
#ifndef LANNER_CGROUP_H
#define LANNER_CGROUP_H

#include "task.h"

#define CGROUPS_MAX 4096	/* bytes of all */
#define CGROUP_DEPTH 16		/* directories of a path */
#define CGROUP_NAME 256		/* bytes of a directory's name, its NUL included */

/*
 * The directory above one; two functions, because the compiler takes the offset of a
 * member out of a loop, and that of a member that is not there is not to be touched.
 */
#define PARENTS(name, type, member)						\
static __always_inline u32 name(struct kernfs_node **up, struct kernfs_node *kn)	\
{										\
	u32 i;									\
										\
	for (i = 0; i < CGROUP_DEPTH; i++) {					\
		type *at = (void *)kn;						\
		struct kernfs_node *parent = READ(at, member);		\
										\
		if (!parent)							\
			break;							\
		up[i] = kn;							\
		kn = parent;							\
	}									\
	return i;								\
}
PARENTS(parents, struct kernfs_node, __parent)
PARENTS(old_parents, struct kernfs_node___old, parent)

/* Writes a slash and a directory's name behind what is in the record. */
__noinline int append_name(u64 node)
{
	struct kernfs_node *kn = (void *)node;
	struct scratch *s = scratch();
	long n;

	if (!s || !kn)
		return 0;
	s->record[s->at++ & EVENT_MASK] = '/';
	n = bpf_probe_read_kernel_str(&s->record[s->at & EVENT_MASK], CGROUP_NAME, READ(kn, name));
	if (n > 0)
		s->at += n - 1;
	return 0;
}

/*
 * The same for a whole path, with its NUL. Global functions, which the verifier looks at
 * once for all names and controllers.
 */
__noinline int append_cgroup(u64 node)
{
	struct kernfs_node *up[CGROUP_DEPTH] = {};
	struct scratch *s = scratch();
	u32 depth;
	int i;

	if (!s)
		return 0;
	if (bpf_core_field_exists(((struct kernfs_node___old *)0)->parent))
		depth = old_parents(up, (void *)node);
	else
		depth = parents(up, (void *)node);
	if (!depth)
		s->record[s->at++ & EVENT_MASK] = '/';
	for (i = CGROUP_DEPTH - 1; i >= 0; i--)
		append_name((u64)up[i]);
	s->record[s->at++ & EVENT_MASK] = 0;
	return 0;
}

/* The directory of a task's cgroup in the hierarchy of controller i. */
static __always_inline struct kernfs_node *cgroup_of(struct css_set *css, int i)
{
	struct cgroup_subsys_state **all = (void *)css + bpf_core_field_offset(css->subsys), *one = NULL;

	bpf_probe_read_kernel(&one, sizeof(one), &all[i]);
	return READ(one, cgroup, kn);
}

#define PUT_CONTROLLER(label, id)								\
do {												\
	static const char text[] = label "=";							\
												\
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, id)) {				\
		int i = bpf_core_enum_value(enum cgroup_subsys_id, id);				\
												\
		bpf_probe_read_kernel(&s->record[s->at & EVENT_MASK], sizeof(text) - 1, text);	\
		s->at += sizeof(text) - 1;							\
		append_cgroup((u64)cgroup_of(css, i));						\
	}											\
} while (0)

static __always_inline void put_cgroups(struct call *c, struct task_struct *t)
{
	struct css_set *css = READ(t, cgroups);
	struct scratch *s = c->s;
	u32 n;

	s->at = c->off;
	PUT_CONTROLLER("cpuset", cpuset_cgrp_id);
	PUT_CONTROLLER("cpu", cpu_cgrp_id);
	PUT_CONTROLLER("cpuacct", cpuacct_cgrp_id);
	PUT_CONTROLLER("io", io_cgrp_id);
	PUT_CONTROLLER("memory", memory_cgrp_id);
	n = s->at - c->off;
	if (n > CGROUPS_MAX) {
		n = CGROUPS_MAX;
		s->record[(c->off + n - 1) & EVENT_MASK] = 0;
	}
	commit(c, n);
}

#endif /* LANNER_CGROUP_H */
