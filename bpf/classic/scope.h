/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Which processes are watched. A tree is kept up to date here, where no child can be
 * missed: a process is in it before it runs, and until its last thread has ended.
 */
#ifndef LANNER_SCOPE_H
#define LANNER_SCOPE_H

#include "call.h"

/* Bits of an entry of the tree. */
enum member {
	MEMBER = 1,	/* always set */
	MUTED = 2,	/* no events until its next execve, successful or not */
};

#define TREE_MAX (1 << 16)	/* processes */

/* Processes of the tree, by id: enum member. */
MAP(tree, BPF_MAP_TYPE_HASH, 4, 4, TREE_MAX);

/*
 * Processes that ended a moment ago, by id; the value is when they started. Of two
 * last threads that end at once each may find that no one lives any more, and only
 * one of them finds the process in the tree.
 */
MAP(ended, BPF_MAP_TYPE_LRU_HASH, 4, 8, 1024);

MAP(cgroup, BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 1);

/* What became of the tree since the probe was loaded; only the probe writes it. */
struct tree_state {
	s64 grown;	/* processes that came and did not go; those that the reader put in come from elsewhere */
	u64 lost;	/* children that found no room in it */
};

MAP(tree_states, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct tree_state), 1);

static __always_inline struct tree_state *tree_state(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&tree_states, &zero);
}

/* What the tree says of a process; NULL: it is not in it. */
static __always_inline u32 *member(u32 tgid)
{
	return bpf_map_lookup_elem(&tree, &tgid);
}

/* Is the current process watched, and not muted? Who it is stays in the state. */
static __always_inline bool in_scope(struct call *c)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 tgid = id >> 32, *m;

	c->s->id = id;
	if (tgid == c->set->own_tgid)
		return false;
	switch (c->set->scope) {
	case SCOPE_TREE:
		m = member(tgid);
		return m && !(*m & MUTED);
	case SCOPE_CGROUP:
		return bpf_current_task_under_cgroup(&cgroup, 0) == 1;
	}
	return true;
}

/* The current process calls execve: its events pass from now on. */
static __always_inline void unmute(struct call *c)
{
	u32 *m;

	if (c->set->scope != SCOPE_TREE)
		return;
	m = member(bpf_get_current_pid_tgid() >> 32);
	if (m && *m & MUTED)
		*m = MEMBER;
}

/* A process was made. */
static __always_inline void tree_add(u32 parent, u32 child)
{
	struct tree_state *state = tree_state();
	u32 *m = member(parent), bits;

	if (!m || !state)
		return;
	bits = *m;
	if (!bpf_map_update_elem(&tree, &child, &bits, BPF_NOEXIST))
		__sync_fetch_and_add(&state->grown, 1);
	else
		__sync_fetch_and_add(&state->lost, 1);
}

/* When a process started, to tell it from a later one of the same id. */
static __always_inline u64 started(struct task_struct *t)
{
	return READ(t, group_leader, start_time);
}

/* Is an ending thread watched? */
static __always_inline bool ending_in_scope(struct call *c, struct task_struct *t)
{
	u32 tgid = READ(t, tgid);
	u64 *start;
	u32 *m;

	if (c->set->scope != SCOPE_TREE)
		return in_scope(c);
	c->s->id = bpf_get_current_pid_tgid();
	m = member(tgid);
	if (m)
		return !(*m & MUTED);
	start = bpf_map_lookup_elem(&ended, &tgid);
	return start && *start == started(t);
}

#if LANNER_TRACEPOINTS
/*
 * What was put into the tree when a task was made may be a thread, which the record does
 * not say: it has an entry of its own, which nobody looks for, until it ends.
 */
static __always_inline void tree_leave_thread(struct call *c, u32 tid)
{
	struct tree_state *state = tree_state();

	if (c->set->scope == SCOPE_TREE && !bpf_map_delete_elem(&tree, &tid) && state)
		__sync_fetch_and_add(&state->grown, -1);
}
#endif

/* A thread has ended. */
static __always_inline void tree_leave(struct call *c, struct task_struct *t)
{
	struct tree_state *state = tree_state();
	u32 tgid = READ(t, tgid), *m;
	u64 start;

#if LANNER_TRACEPOINTS
	if (READ(t, pid) != tgid)
		tree_leave_thread(c, READ(t, pid));
#endif
	if (c->set->scope != SCOPE_TREE || READ(t, signal, live.counter) > 0)
		return;
	m = member(tgid);
	if (!m)
		return;
	if (!(*m & MUTED)) {
		start = started(t);
		bpf_map_update_elem(&ended, &tgid, &start, BPF_ANY);
	}
	if (bpf_map_delete_elem(&tree, &tgid))
		return;
	if (state)
		__sync_fetch_and_add(&state->grown, -1);
}

#endif /* LANNER_SCOPE_H */
