/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of the ends of threads, signals, switches and the smaller process calls. */
#ifndef LANNER_FILL_PROCEXIT_H
#define LANNER_FILL_PROCEXIT_H

#include "task.h"

#define REAPER_THREADS 64	/* threads of a process that are looked at */
#define REAPER_ANCESTORS 64

static __always_inline struct task_struct *thread_at(struct list_head *node)
{
	return (void *)node - bpf_core_field_offset(struct task_struct, thread_node);
}

/*
 * The id of a thread of a process that does not end, 0 if there is none (kernel/exit.c:
 * find_alive_thread); the process by its struct signal_struct. A global function, which
 * the verifier looks at once and not for each ancestor.
 */
__noinline int alive_thread(u64 process)
{
	struct signal_struct *sig = (void *)process;
	struct list_head *head = __builtin_preserve_access_index(&sig->thread_head);
	struct list_head *node = READ(head, next);
	int i;

	for (i = 0; i < REAPER_THREADS && node && node != head; i++) {
		struct task_struct *t = thread_at(node);

		if (!(READ(t, flags) & PF_EXITING))
			return READ(t, pid);
		node = READ(node, next);
	}
	return 0;
}

/*
 * Who adopts the children of an ending thread (kernel/exit.c:find_new_reaper): its
 * id, 0 if there are none or the whole PID namespace ends.
 */
static __always_inline s64 reaper(struct task_struct *t)
{
	struct list_head *children = __builtin_preserve_access_index(&t->children);
	struct pid_namespace *ns = pid_ns(READ(t, thread_pid));
	struct signal_struct *sig = READ(t, signal);
	struct task_struct *init = READ(ns, child_reaper);
	u32 level = READ(ns, level);
	int tid, i;

	if (READ(children, next) == children)
		return 0;
	tid = alive_thread((u64)sig);
	if (tid)
		return tid;
	if (READ(init, tgid) == READ(t, tgid))
		return 0;
	if (!BPF_CORE_READ_BITFIELD_PROBED(sig, has_child_subreaper))
		return READ(init, pid);
	for (i = 0; i < REAPER_ANCESTORS; i++) {
		t = READ(t, real_parent);
		if (t == init || READ(t, thread_pid, level) != level || !READ(t, pid))
			break;
		sig = READ(t, signal);
		if (!BPF_CORE_READ_BITFIELD_PROBED(sig, is_child_subreaper))
			continue;
		tid = alive_thread((u64)sig);
		if (tid)
			return tid;
	}
	return READ(init, pid);
}

static __always_inline void filler_procexit_e(struct call *c)
{
	struct task_struct *t = task(c);

	put_exit_status(c, READ(t, exit_code));
	put_s64(c, reaper(t));
}

#endif /* LANNER_FILL_PROCEXIT_H */
