/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Calls: the programs on the two tracepoints that every call goes through. */
#ifndef LANNER_HOOKS_H
#define LANNER_HOOKS_H

#include "programs.h"
#include "scope.h"
#include "driver_events.h"

#if defined(__TARGET_ARCH_x86)
#define TS_COMPAT 2	/* arch/x86/include/asm/thread_info.h */

static __always_inline u32 call_number(struct pt_regs *regs)
{
	return regs->orig_ax;
}

/* Is it a 32-bit call (arch/x86/include/asm/compat.h:in_ia32_syscall)? */
static __always_inline bool is_compat(struct task_struct *t)
{
	u32 status = typed_task() ? t->thread_info.status : READ(t, thread_info.status);

	return status & TS_COMPAT;
}

static __always_inline void save_args(u64 *args, struct pt_regs *regs, bool compat)
{
	if (compat) {
		args[0] = (u32)regs->bx;
		args[1] = (u32)regs->cx;
		args[2] = (u32)regs->dx;
		args[3] = (u32)regs->si;
		args[4] = (u32)regs->di;
		args[5] = (u32)regs->bp;
		return;
	}
	args[0] = regs->di;
	args[1] = regs->si;
	args[2] = regs->dx;
	args[3] = regs->r10;
	args[4] = regs->r8;
	args[5] = regs->r9;
}
#else
#define TIF_32BIT 22	/* arch/arm64/include/asm/thread_info.h */

static __always_inline u32 call_number(struct pt_regs *regs)
{
	return regs->syscallno;
}

static __always_inline bool is_compat(struct task_struct *t)
{
	u64 flags = typed_task() ? t->thread_info.flags : READ(t, thread_info.flags);

	return flags >> TIF_32BIT & 1;
}

static __always_inline void save_args(u64 *args, struct pt_regs *regs, bool compat)
{
	args[0] = regs->orig_x0;
	args[1] = regs->regs[1];
	args[2] = regs->regs[2];
	args[3] = regs->regs[3];
	args[4] = regs->regs[4];
	args[5] = regs->regs[5];
}
#endif

/* Replaces a socketcall by the call that it stands for; NULL: by none. */
static __always_inline const volatile struct call_row *decode_socketcall(struct scratch *s, const volatile struct call_row *row)
{
	u64 code = s->args[0], at = s->args[1];
	u32 args[6] = {};
	int i;

	if (code < 1 || code >= SOCKETCALLS)
		return profile == PROFILE_CURRENT ? NULL : row;
	bpf_probe_read_user(args, sizeof(args), (void *)at);
	for (i = 0; i < 6; i++)
		s->args[i] = args[i];
	return &socket_calls[code];
}

/*
 * The row of the call under way, NULL if nobody wants to know of it. Cheap questions
 * come first.
 */
static __always_inline const volatile struct call_row *wanted_call(struct pt_regs *regs, u8 want, struct scratch **sp)
{
	u8 compat_want = want * COMPAT_ENTER;
	const volatile struct call_row *row;
	u32 nr = call_number(regs);
	struct task_struct *t;
	struct scratch *s;
	bool compat;
	u64 id;

	if (nr >= CALLS)
		return NULL;
	row = &native_calls[nr];
	if (!(row->want & (want | compat_want)))
		return NULL;
	t = current_task();
	compat = is_compat(t);
	if (compat)
		row = &compat_calls[nr];
	if (!(row->want & (want | IS_SOCKETCALL)))
		return NULL;
	if (row->exit == EVENT_EXECVE_X)
		unmute();
	s = scratch();
	id = id_of(t);
	if (!s || !in_scope(s, id) || !claim(s, id))
		return NULL;
	s->cpu = bpf_get_smp_processor_id();
	if (!s->known)
		tell_hotplug(s);
	save_args(s->args, regs, compat);
	if (row->want & IS_SOCKETCALL) {
		row = decode_socketcall(s, row);
		if (!row || !(row->want & want))
			goto discard;
	}
	if (sampled_out(s, row->drop))
		goto discard;
	s->nr = row->number;
	s->sc = row->sc;
	s->compat = compat;
	s->flags = row->want & STATE_ONLY ? EVENT_STATE_ONLY : 0;
	*sp = s;
	return row;
discard:
	release(s);
	return NULL;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs)
{
	const volatile struct call_row *row;
	struct scratch *s;

	row = wanted_call(regs, WANT_ENTER, &s);
	if (!row)
		return 0;
	bpf_tail_call(ctx, &enter_programs, row->exit - 1);
	release(s);	/* there is no such program */
	return 0;
}

/*
 * Goes on in the program of an event. Where the index is a constant the kernel makes a
 * plain jump of the call, else an indirect one, which costs a few ns as CPUs mend what
 * they guess of these: so the calls that are made most have theirs.
 */
#define JUMP_TO(type)							\
	case type:							\
		bpf_tail_call_static(ctx, &exit_programs, type);	\
		return

static __always_inline void go_on(void *ctx, u32 type)
{
	switch (type) {
	JUMP_TO(EVENT_READ_X);
	JUMP_TO(EVENT_WRITE_X);
	JUMP_TO(EVENT_CLOSE_X);
	JUMP_TO(EVENT_OPENAT_X);
	JUMP_TO(EVENT_NEWFSTATAT_X);
	JUMP_TO(EVENT_FCNTL_X);
	JUMP_TO(EVENT_MMAP_X);
	JUMP_TO(EVENT_FUTEX_X);
	JUMP_TO(EVENT_EPOLL_WAIT_X);
	JUMP_TO(EVENT_SENDTO_X);
	JUMP_TO(EVENT_RECVFROM_X);
	JUMP_TO(EVENT_GENERIC_X);
	}
	bpf_tail_call(ctx, &exit_programs, type);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long ret)
{
	const volatile struct call_row *row;
	struct scratch *s;

	if (drop_failed && ret < 0)
		return 0;
	row = wanted_call(regs, WANT_EXIT, &s);
	if (!row)
		return 0;
	/* A program that was started is told of by sched_process_exec. */
	if (ret || (row->exit != EVENT_EXECVE_X && row->exit != EVENT_EXECVEAT_X))
		go_on(ctx, row->exit);
	release(s);
	return 0;
}

#endif /* LANNER_HOOKS_H */
