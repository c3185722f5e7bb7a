/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of the ends of threads, signals, switches and the smaller process calls. */
#ifndef LANNER_FILL_PROCESS_H
#define LANNER_FILL_PROCESS_H

#include <linux/prctl.h>
#include <linux/ptrace.h>
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
	u32 status = t->exit_code;
	u8 sig = status & 0x7f;

	put_s64(c, status);
	put_s64(c, (status & 0xff00) >> 8);
	put_u8(c, sig == 0x7f ? 0 : sig);
	put_u8(c, status >> 7 & 1);
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

static void filler_prctl_x(struct call *c)
{
	put_s64(c, c->ret);
	put_u32(c, arg(c, 0));
	switch ((u32)arg(c, 0)) {
	case PR_SET_NAME:
	case PR_GET_NAME:
		put_string_at(c, arg(c, 1));
		put_s64(c, 0);
		break;
	case PR_GET_CHILD_SUBREAPER:
		put_empty(c);
		put_s64(c, (s32)u32_at(c, arg(c, 1)));
		break;
	default:
		put_empty(c);
		put_s64(c, arg(c, 1));
	}
}

static void filler_ptrace_x(struct call *c)
{
	u64 data = arg(c, 3);

	put_s64(c, c->ret);
	put_dyn64(c, DYN_PTRACE_UINT64, c->ret < 0 ? 0 : arg(c, 2));
	switch (c->ret < 0 ? ~0ULL : arg(c, 0)) {
	case ~0ULL:
		put_dyn64(c, DYN_PTRACE_UINT64, 0);
		break;
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
	case PTRACE_PEEKUSR:
		put_dyn64(c, DYN_PTRACE_UINT64, u64_at(c, data));
		break;
	case PTRACE_CONT:
	case PTRACE_SINGLESTEP:
	case PTRACE_DETACH:
	case PTRACE_SYSCALL:
		room(c)[0] = DYN_PTRACE_SIGTYPE;
		room(c)[1] = data;
		commit(c, 2);
		break;
	default:
		put_dyn64(c, DYN_PTRACE_UINT64, data);
	}
	if (current_profile(c)) {
		put_u16(c, conv_ptrace_request(arg(c, 0)));
		put_s64(c, arg_s32(arg(c, 1)));
	}
}

/* Limits of 32-bit calls: all ones are no limit. */
static s64 wide_limit(struct call *c, u64 v)
{
	return c->compat && v == 0xffffffff ? -1 : (s64)v;
}

/* Writes the struct rlimit at addr, zeros if it can't be read. */
static void put_limit(struct call *c, u64 addr)
{
	u64 lim[2] = {};

	if (!read_pair(c, lim, addr))
		lim[0] = lim[1] = 0;
	put_s64(c, wide_limit(c, lim[0]));
	put_s64(c, wide_limit(c, lim[1]));
}

/* The same for prlimit, whose limits have 64 bits everywhere. */
static void put_limit64(struct call *c, u64 addr)
{
	u64 lim[2] = {};

	if (!read_user(lim, sizeof(lim), addr))
		lim[0] = lim[1] = 0;
	put_s64(c, lim[0]);
	put_s64(c, lim[1]);
}

static void put_no_limit(struct call *c)
{
	put_s64(c, -1);
	put_s64(c, -1);
}

static void filler_setrlimit_x(struct call *c)
{
	put_s64(c, c->ret);
	put_limit(c, arg(c, 1));
	if (current_profile(c))
		put_u8(c, conv_rlimit_resource(arg(c, 0)));
}

static void filler_getrlimit_x(struct call *c)
{
	put_s64(c, c->ret);
	if (c->ret < 0)
		put_no_limit(c);
	else
		put_limit(c, arg(c, 1));
	if (current_profile(c))
		put_u8(c, conv_rlimit_resource(arg(c, 0)));
}

static void filler_prlimit_x(struct call *c)
{
	put_s64(c, c->ret);
	if (c->ret < 0 && !current_profile(c))
		put_no_limit(c);
	else
		put_limit64(c, arg(c, 2));
	if (c->ret < 0)
		put_no_limit(c);
	else
		put_limit64(c, arg(c, 3));
	if (current_profile(c)) {
		put_s64(c, arg_s32(arg(c, 0)));
		put_u8(c, conv_rlimit_resource(arg(c, 1)));
	}
}

#endif /* LANNER_FILL_PROCESS_H */
