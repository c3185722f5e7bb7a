/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Which processes are watched, as probes ask. A tree is kept up to date here, where no
 * child can be missed: a process is in it before it runs. It counts as ended when its
 * last thread starts to end, but is known until its leader is freed, so that of two
 * threads that end at once both are told of.
 */
#ifndef LANNER_SCOPE_H
#define LANNER_SCOPE_H

#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include "consumer.h"

#define TREE_MAX (1 << 16)	/* processes */

/* A process of a tree. */
struct member {
	struct hlist_node node;
	struct rcu_head rcu;
	pid_t tgid;	/* in the initial PID namespace */
	u64 start;	/* when it started, to tell it from a later one of the same id */
	bool muted;	/* no events until its next execve, successful or not */
	bool ended;
};

static inline struct member *tree_find(struct tree *tree, pid_t tgid)
{
	struct member *m;

	hash_for_each_possible_rcu(tree->members, m, node, tgid) {
		if (m->tgid == tgid)
			return m;
	}
	return NULL;
}

/* What is watched; the tree or cgroup that belongs to it is there (see scope_set). */
static inline enum scope_kind scope_of(struct consumer *con)
{
	return smp_load_acquire(&con->scope);
}

/* Is the current process watched, and not muted? */
static inline bool in_scope(struct consumer *con)
{
	enum scope_kind scope = scope_of(con);
	struct member *m;

	if (scope == OPEN_SCOPE)
		return true;
	if (task_tgid(current) == con->self)
		return false;
	switch (scope) {
	case TREE_SCOPE:
		m = tree_find(con->tree, current->tgid);
		return m && !m->muted && !m->ended;
	case CGROUP_SCOPE:
		return task_under_cgroup_hierarchy(current, con->cgroup);
	default:
		return true;
	}
}

/* Is an ending thread watched? */
static inline bool ending_in_scope(struct consumer *con, struct task_struct *t)
{
	struct member *m;

	if (scope_of(con) != TREE_SCOPE)
		return in_scope(con);
	m = tree_find(con->tree, t->tgid);
	return m && !m->muted && m->start == t->group_leader->start_time;
}

/* The current process calls execve: its events pass from now on. */
static inline void unmute(struct consumer *con)
{
	struct member *m;

	if (scope_of(con) != TREE_SCOPE)
		return;
	m = tree_find(con->tree, current->tgid);
	if (m && m->muted)
		m->muted = false;
}

void tree_add_child(struct tree *tree, struct task_struct *child);
void tree_leave(struct tree *tree, struct task_struct *t);
void tree_forget(struct tree *tree, struct task_struct *t);

#endif /* LANNER_SCOPE_H */
