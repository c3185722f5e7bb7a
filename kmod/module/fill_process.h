/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of the ends of threads, signals, switches and page faults. */
#ifndef LANNER_FILL_PROCESS_H
#define LANNER_FILL_PROCESS_H

#ifdef CONFIG_X86
#include <asm/trap_pf.h>
#endif
#include "task.h"
#include "user.h"

#define REAPER_THREADS 64	/* threads of a process that are looked at */
#define REAPER_ANCESTORS 64

/*
 * The id of a thread of a process that does not end, 0 if there is none (kernel/exit.c:
 * find_alive_thread).
 */
static int alive_thread(struct signal_struct *process)
{
	struct task_struct *t;
	int n = 0;

	list_for_each_entry_rcu(t, &process->thread_head, thread_node) {
		if (!(t->flags & PF_EXITING))
			return t->pid;
		if (++n == REAPER_THREADS)
			break;
	}
	return 0;
}

/*
 * Who adopts the children of an ending thread (kernel/exit.c:find_new_reaper): its
 * id, 0 if there are none or the whole PID namespace ends.
 */
static s64 reaper(struct task_struct *t)
{
	struct task_struct *init = task_active_pid_ns(t)->child_reaper;
	unsigned int level = task_pid(t)->level;
	struct pid *pid;
	int tid, i;

	if (list_empty(&t->children))
		return 0;
	tid = alive_thread(t->signal);
	if (tid)
		return tid;
	if (same_thread_group(init, t))
		return 0;
	if (!t->signal->has_child_subreaper)
		return init->pid;
	for (i = 0; i < REAPER_ANCESTORS; i++) {
		t = rcu_dereference(t->real_parent);
		pid = task_pid(t);
		if (t == init || !t->pid || !pid || pid->level != level)
			break;
		if (!t->signal->is_child_subreaper)
			continue;
		tid = alive_thread(t->signal);
		if (tid)
			return tid;
	}
	return init->pid;
}

static void filler_procexit_e(struct call *c)
{
	struct task_struct *t = task(c);

	put_exit_status(c, t->exit_code);
	put_s64(c, reaper(t));
}

/* Does the event of a signal tell who sent it? That is the contract's choice. */
static bool tells_sender(u32 sig, s32 code)
{
	switch (sig) {
	case SIGKILL:
	case SIGCHLD:
		return true;
	case SIGTERM:
	case SIGHUP:
	case SIGINT:
	case SIGTSTP:
	case SIGQUIT:
		return code <= 0;	/* from a program */
	}
	return sig >= SIGRTMIN;
}

/* Argument: the signal. */
static void filler_signaldeliver_e(struct call *c)
{
	struct kernel_siginfo *info = c->siginfo;
	u32 sig = arg(c, 0);
	s32 sender = 0;

	if (info && tells_sender(sig, info->si_code))
		sender = info->si_pid;
	put_s64(c, sender);
	put_s64(c, task_pid_nr(current));
	put_u8(c, sig);
}

/* Argument: the next thread. */
static void filler_switch_e(struct call *c)
{
	put_s64(c, (s32)arg(c, 0));
	put_memory(c, c->task);
}

#ifdef CONFIG_X86
/* Arguments: address, instruction, the machine's error code. */
static void filler_page_fault_e(struct call *c)
{
	u64 error = arg(c, 2);
	u32 flags = 0;

	flags |= error & X86_PF_PROT ? FLAG_PF_FLAGS_PROTECTION_VIOLATION : FLAG_PF_FLAGS_PAGE_NOT_PRESENT;
	flags |= error & X86_PF_WRITE ? FLAG_PF_FLAGS_WRITE_ACCESS : FLAG_PF_FLAGS_READ_ACCESS;
	flags |= error & X86_PF_USER ? FLAG_PF_FLAGS_USER_FAULT : FLAG_PF_FLAGS_SUPERVISOR_FAULT;
	if (error & X86_PF_RSVD)
		flags |= FLAG_PF_FLAGS_RESERVED_PAGE;
	if (error & X86_PF_INSTR)
		flags |= FLAG_PF_FLAGS_INSTRUCTION_FETCH;
	put_u64(c, arg(c, 0));
	put_u64(c, arg(c, 1));
	put_u32(c, flags);
}
#else
/* There are no such tracepoints. */
static void filler_page_fault_e(struct call *c)
{
	put_u64(c, 0);
	put_u64(c, 0);
	put_u32(c, 0);
}
#endif

#endif /* LANNER_FILL_PROCESS_H */
