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
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TREE_MAX);
	__type(key, u32);
	__type(value, u32);
} tree SEC(".maps");

/*
 * Processes that ended a moment ago, by id; the value is when they started. Of two
 * last threads that end at once each may find that no one lives any more, and only
 * one of them finds the process in the tree.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u64);
} ended SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} cgroup SEC(".maps");

/* What the reader watches. */
struct tree_state {
	s64 size;	/* processes in the tree; at 0 the scope is gone */
	u64 lost;	/* children that found no room in it */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct tree_state);
} tree_states SEC(".maps");

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

/* Counts processes that left the tree; not from 0, which scratch entries start with. */
u32 tree_version = 1;

/*
 * Is the current process in the tree, and not muted? What a process was that called
 * before on this CPU it still is if none has left since: that is cheaper to find out.
 */
static __always_inline bool in_tree(struct scratch *s, u32 tgid)
{
	u64 now = (u64)*(volatile u32 *)&tree_version << 32 | tgid;
	u32 *m;

	if (*(volatile u64 *)&s->member == now)
		return true;
	m = member(tgid);
	if (!m || *m & MUTED)
		return false;
	*(volatile u64 *)&s->member = now;
	return true;
}

/* Is the current process watched, and not muted? id is what id_of gives. */
static __always_inline bool in_scope(struct scratch *s, u64 id)
{
	u32 tgid = id >> 32;

	if (tgid == own_tgid)
		return false;
	switch (scope) {
	case SCOPE_TREE:
		return in_tree(s, tgid);
	case SCOPE_CGROUP:
		return bpf_current_task_under_cgroup(&cgroup, 0) == 1;
	}
	return true;
}

/* The current process calls execve: its events pass from now on. */
static __always_inline void unmute(void)
{
	u32 *m;

	if (scope != SCOPE_TREE)
		return;
	m = member(bpf_get_current_pid_tgid() >> 32);
	if (m && *m & MUTED)
		*m = MEMBER;
}

/* A process was made. */
static __always_inline void tree_add(u32 parent, u32 child)
{
	struct tree_state *state = tree_state();
	u32 *m = member(parent);

	if (!m || !state)
		return;
	if (!bpf_map_update_elem(&tree, &child, m, BPF_NOEXIST))
		__sync_fetch_and_add(&state->size, 1);
	else
		__sync_fetch_and_add(&state->lost, 1);
}

/* When a process started, to tell it from a later one of the same id. */
static __always_inline u64 started(struct task_struct *t)
{
	return READ(t, group_leader, start_time);
}

/* Is an ending thread watched? */
static __always_inline bool ending_in_scope(struct scratch *s, u64 id, struct task_struct *t)
{
	u32 tgid = READ(t, tgid);
	u64 *start;
	u32 *m;

	if (scope != SCOPE_TREE)
		return in_scope(s, id);
	m = member(tgid);
	if (m)
		return !(*m & MUTED);
	start = bpf_map_lookup_elem(&ended, &tgid);
	return start && *start == started(t);
}

/* A thread has ended and was told of. */
static __always_inline void tree_leave(struct task_struct *t)
{
	struct tree_state *state = tree_state();
	u32 tgid = READ(t, tgid), *m;
	u64 start;

	if (scope != SCOPE_TREE || READ(t, signal, live.counter) > 0)
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
	__sync_fetch_and_add(&tree_version, 1);
	if (state)
		__sync_fetch_and_add(&state->size, -1);
}

#endif /* LANNER_SCOPE_H */
