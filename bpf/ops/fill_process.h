/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of signals, switches and page faults. */
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

#endif /* LANNER_OPS_FILL_PROCESS_H */
