/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Tracepoints other than calls. */
#ifndef LANNER_POINTS_H
#define LANNER_POINTS_H

#include "programs.h"
#include "scope.h"

/*
 * Prepares an event of a tracepoint; false if another event is under way, which our
 * own reading of memory interrupted by a page fault.
 */
static __always_inline bool prepare(struct call *c, u8 want)
{
	struct state *s = c->s;

	if (!want || s->busy)
		return false;
	s->flags = want & STATE_ONLY ? EVENT_STATE_ONLY : 0;
	s->compat = 0;
	s->started = 0;
	return true;
}

/*
 * A program was started. This is the event of the call, which from sys_exit would tell
 * nothing more.
 */
ON(sched, sched_process_exec)
int sched_process_exec(u64 *ctx)
{
	struct call call = { .ctx = ctx }, *c = &call;

	if (!find_memory(c))
		return 0;
	unmute(c);
#if LANNER_TRACEPOINTS
	/* The thread that called it has the process's id from now on. */
	if (EXEC_OLD_TID(ctx) != EXEC_TID(ctx))
		tree_leave_thread(c, EXEC_OLD_TID(ctx));
#endif
	if (!in_scope(c) || !prepare(c, c->set->want_exec))
		return 0;
	c->s->started = 1;
	c->s->name = (u64)EXEC_NAME(ctx);
	c->s->sc = SC_EXECVE;
	begin(c, EVENT_EXECVE_X, current_profile(c) ? 31 : 28);
	fill_execve_x(c);
	return 0;
}

#if !defined(LANNER_ARCH_X86)
/*
 * A new task does not return through sys_exit here (arch/arm64/kernel/entry.S:
 * ret_from_fork), so its event is made when it is. The calls are not told apart.
 */
static __always_inline void tell_child(struct call *c, struct task_struct *parent, struct task_struct *child)
{
	if (READ(parent, flags) & PF_KTHREAD || !in_scope(c) || !prepare(c, c->set->want_clone))
		return;
	c->task = child;
	c->s->sc = SC_CLONE;
	begin(c, EVENT_CLONE_X, 21);
	*(u64 *)(c->record + 8) = READ(child, pid);
	fill_child(c, parent);
}
#endif

/* A task was made. */
#if LANNER_TRACEPOINTS
ON(sched, sched_process_fork)
int sched_process_fork(u64 *ctx)
{
	struct call call = { .ctx = ctx }, *c = &call;

	if (find_memory(c) && c->set->scope == SCOPE_TREE)
		tree_add(bpf_get_current_pid_tgid() >> 32, MADE_TID(ctx));
	return 0;
}
#else
ON(sched, sched_process_fork)
int sched_process_fork(u64 *ctx)
{
	struct call call = { .ctx = ctx }, *c = &call;
	struct task_struct *parent = (void *)ctx[0], *child = (void *)ctx[1];
	u32 from = READ(parent, tgid), to = READ(child, tgid);

	if (!find_memory(c))
		return 0;
	if (c->set->scope == SCOPE_TREE && from != to)
		tree_add(from, to);
#if !defined(LANNER_ARCH_X86)
	tell_child(c, parent, child);
#endif
	return 0;
}
#endif

/* A thread ends. Its event may take stages, hence the tree comes first. */
ON(sched, sched_process_exit)
int sched_process_exit(u64 *ctx)
{
	struct call call = { .ctx = ctx, .task = ENDING_TASK(ctx) }, *c = &call;
	struct task_struct *t = c->task;
	bool watched;

	if (!find_memory(c) || READ(t, flags) & PF_KTHREAD)
		return 0;
	watched = ending_in_scope(c, t);
	tree_leave(c, t);
	if (!watched || !prepare(c, c->set->want_procexit))
		return 0;
	begin(c, EVENT_PROC_EXIT_E, 5);
	fill_proc_exit_e(c);
	end(c, EVENT_PROC_EXIT_E);
	return 0;
}

ON(signal, signal_deliver)
int signal_deliver(u64 *ctx)
{
	struct call call = { .ctx = ctx }, *c = &call;

	if (!find_memory(c) || c->set->dropping_mode || !in_scope(c) || !prepare(c, c->set->want_signal))
		return 0;
	c->s->args[0] = SIGNAL_NUMBER(ctx);
	c->s->args[1] = SIGNAL_INFO(ctx);
	begin(c, EVENT_SIGNAL_DELIVER_E, 3);
	fill_signal_deliver_e(c);
	end(c, EVENT_SIGNAL_DELIVER_E);
	return 0;
}

ON(sched, sched_switch)
int sched_switch(u64 *ctx)
{
	struct call call = { .ctx = ctx, .task = SWITCH_FROM(ctx) }, *c = &call;

	if (!find_memory(c) || c->set->dropping_mode || !in_scope(c) || !prepare(c, c->set->want_switch))
		return 0;
	c->s->args[0] = SWITCH_TO(ctx);
	begin(c, EVENT_SWITCH_E, 6);
	fill_switch_e(c);
	end(c, EVENT_SWITCH_E);
	return 0;
}

#if defined(LANNER_ARCH_X86)
static __always_inline int page_fault(u64 *ctx)
{
	struct call call = { .ctx = ctx }, *c = &call;

	if (!find_memory(c) || c->set->dropping_mode || !in_scope(c) || !prepare(c, c->set->want_page_fault))
		return 0;
	c->s->args[0] = FAULT_ADDRESS(ctx);
	c->s->args[1] = FAULT_IP(ctx);
	c->s->args[2] = FAULT_ERROR(ctx);
	begin(c, EVENT_PAGE_FAULT_E, 3);
	fill_page_fault_e(c);
	end(c, EVENT_PAGE_FAULT_E);
	return 0;
}

ON(exceptions, page_fault_user)
int page_fault_user(u64 *ctx)
{
	return page_fault(ctx);
}

ON(exceptions, page_fault_kernel)
int page_fault_kernel(u64 *ctx)
{
	return page_fault(ctx);
}
#endif

#endif /* LANNER_POINTS_H */
