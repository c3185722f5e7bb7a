/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of signals, switches, page faults, prctl, ptrace and limits. */
#ifndef LANNER_OPS_FILL_PROCESS_H
#define LANNER_OPS_FILL_PROCESS_H

#include "task.h"

/* Does the event of a signal tell who sent it? That is the contract's choice. */
static __always_inline bool tells_sender(u32 sig, s32 code)
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

/* Arguments: the signal, its siginfo. */
static __always_inline void filler_signaldeliver_e(struct call *c)
{
	signal_info *info = (void *)arg(c, 1);
	u32 sig = arg(c, 0);
	s32 sender = 0;

	if (info && tells_sender(sig, READ(info, si_code)))
		read_kernel(&sender, sizeof(sender), AT(&info->_sifields));
	put_s64(c, sender);
	put_s64(c, (u32)bpf_get_current_pid_tgid());
	put_u8(c, sig);
}

/* Argument: the next thread. */
static __always_inline void filler_switch_e(struct call *c)
{
	put_s64(c, (s32)arg(c, 0));
	put_memory(c, c->task);
}

/* arch/x86/include/asm/trap_pf.h: enum x86_pf_error_code */
#define FAULT_PROT 1
#define FAULT_WRITE 2
#define FAULT_USER 4
#define FAULT_RSVD 8
#define FAULT_INSTR 16

/* Arguments: address, instruction, the machine's error code. */
static __always_inline void filler_page_fault_e(struct call *c)
{
	u64 error = arg(c, 2);
	u32 flags = 0;

	flags |= error & FAULT_PROT ? FLAG_PF_FLAGS_PROTECTION_VIOLATION : FLAG_PF_FLAGS_PAGE_NOT_PRESENT;
	flags |= error & FAULT_WRITE ? FLAG_PF_FLAGS_WRITE_ACCESS : FLAG_PF_FLAGS_READ_ACCESS;
	flags |= error & FAULT_USER ? FLAG_PF_FLAGS_USER_FAULT : FLAG_PF_FLAGS_SUPERVISOR_FAULT;
	if (error & FAULT_RSVD)
		flags |= FLAG_PF_FLAGS_RESERVED_PAGE;
	if (error & FAULT_INSTR)
		flags |= FLAG_PF_FLAGS_INSTRUCTION_FETCH;
	put_u64(c, arg(c, 0));
	put_u64(c, arg(c, 1));
	put_u32(c, flags);
}

static __always_inline void filler_prctl_x(struct call *c)
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

static __always_inline void filler_ptrace_x(struct call *c)
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
static __always_inline s64 wide_limit(struct call *c, u64 v)
{
	return c->s->compat && v == 0xffffffff ? -1 : (s64)v;
}

/* Writes the struct rlimit at addr, zeros if it can't be read. */
static __always_inline void put_limit(struct call *c, u64 addr)
{
	u64 lim[2] = {};

	if (!read_pair(c, lim, addr))
		lim[0] = lim[1] = 0;
	put_s64(c, wide_limit(c, lim[0]));
	put_s64(c, wide_limit(c, lim[1]));
}

/* The same for prlimit, whose limits have 64 bits everywhere. */
static __always_inline void put_limit64(struct call *c, u64 addr)
{
	u64 lim[2] = {};

	if (!read_user(lim, sizeof(lim), addr))
		lim[0] = lim[1] = 0;
	put_s64(c, lim[0]);
	put_s64(c, lim[1]);
}

static __always_inline void put_no_limit(struct call *c)
{
	put_s64(c, -1);
	put_s64(c, -1);
}

static __always_inline void filler_setrlimit_x(struct call *c)
{
	put_s64(c, c->ret);
	put_limit(c, arg(c, 1));
	if (current_profile(c))
		put_u8(c, conv_rlimit_resource(arg(c, 0)));
}

static __always_inline void filler_getrlimit_x(struct call *c)
{
	put_s64(c, c->ret);
	if (c->ret < 0)
		put_no_limit(c);
	else
		put_limit(c, arg(c, 1));
	if (current_profile(c))
		put_u8(c, conv_rlimit_resource(arg(c, 0)));
}

static __always_inline void filler_prlimit_x(struct call *c)
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

#endif /* LANNER_OPS_FILL_PROCESS_H */
