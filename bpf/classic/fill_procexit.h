/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of the ends of threads, signals, switches and the smaller process calls. */
#ifndef LANNER_FILL_PROCEXIT_H
#define LANNER_FILL_PROCEXIT_H

#include "task.h"

#define REAPER_THREADS 48	/* threads of a process that are looked at */
#define REAPER_STEPS 16		/* ancestors of a round */
#define REAPER_ROUNDS 8

/*
 * The id of a thread of a process that does not end, 0 if there is none (kernel/exit.c:
 * find_alive_thread).
 */
static __always_inline int alive_thread(struct signal_struct *sig)
{
	struct list_head *head = &sig->thread_head, *node = READ(head, next);
	int i;

#pragma unroll
	for (i = 0; i < REAPER_THREADS; i++) {
		struct task_struct *t = (void *)node - offsetof(struct task_struct, thread_node);

		if (!node || node == head)
			break;
		if (!(READ(t, flags) & PF_EXITING))
			return READ(t, pid);
		node = READ(node, next);
	}
	return 0;
}

/* What a process is to its orphans: bits have no address, so the whole is copied. */
static __always_inline struct signal_struct *copy_signal(struct call *c, struct signal_struct *sig)
{
	bpf_probe_read(c->work, sizeof(*sig), sig);
	return (void *)c->work;
}

static __always_inline void put_reaper(struct call *c, s64 tid)
{
	put_s64(c, tid);
	end_event(c);
	c->sent = true;
}

/*
 * Writes who adopts the children of an ending thread (kernel/exit.c:find_new_reaper):
 * its id, 0 if there are none or the whole PID namespace ends. This ends the event.
 */
static __always_inline void tell_reaper(struct call *c, struct task_struct *t)
{
	struct list_head *children = &t->children;
	struct task_struct *init;
	struct signal_struct *sig = READ(t, signal);
	int tid;

	if (READ(children, next) == children)
		return put_reaper(c, 0);
	tid = alive_thread(sig);
	if (tid)
		return put_reaper(c, tid);
	init = READ(pid_ns(thread_pid_of(t)), child_reaper);
	if (READ(init, tgid) == READ(t, tgid))
		return put_reaper(c, 0);
	if (!copy_signal(c, sig)->has_child_subreaper)
		return put_reaper(c, READ(init, pid));
	c->s->round = 0;
	c->s->array = (u64)t;
	go_on(c, STAGE_REAPER);
}

/* Goes up among the ancestors, until one that adopts and has a thread that lives. */
STAGE(stage_reaper)
{
	struct task_struct *t = task(c), *init = READ(pid_ns(thread_pid_of(t)), child_reaper);
	u32 level = READ(thread_pid_of(t), level);
	struct signal_struct *sig;
	int i, tid;

	t = (void *)c->s->array;
#pragma unroll
	for (i = 0; i < REAPER_STEPS; i++) {
		t = READ(t, real_parent);
		if (t == init || READ(thread_pid_of(t), level) != level || !READ(t, pid))
			return put_reaper(c, READ(init, pid));
		sig = READ(t, signal);
		if (copy_signal(c, sig)->is_child_subreaper)
			break;
	}
	if (i < REAPER_STEPS) {
		tid = alive_thread(sig);
		if (tid)
			return put_reaper(c, tid);
	}
	c->s->array = (u64)t;
	if (++c->s->round < REAPER_ROUNDS)
		return go_on(c, STAGE_REAPER);
	put_reaper(c, READ(init, pid));
}

static __always_inline void filler_procexit_e(struct call *c)
{
	struct task_struct *t = task(c);

	put_exit_status(c, READ(t, exit_code));
	tell_reaper(c, t);
}

#endif /* LANNER_FILL_PROCEXIT_H */
