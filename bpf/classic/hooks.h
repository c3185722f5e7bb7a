/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Calls: the programs on the two tracepoints that every call goes through. */
#ifndef LANNER_HOOKS_H
#define LANNER_HOOKS_H

#include "programs.h"
#include "scope.h"
#include "driver_events.h"
#include "path.h"

#if defined(LANNER_ARCH_X86)
static __always_inline u32 call_number(struct pt_regs *regs)
{
	return READ(regs, orig_ax);
}

/* Is it a 32-bit call (arch/x86/include/asm/compat.h:in_ia32_syscall)? */
static __always_inline bool is_compat(void)
{
	struct task_struct *t = (void *)bpf_get_current_task();

	return READ(t, thread_info.status) & TS_COMPAT;
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
static __always_inline u32 call_number(struct pt_regs *regs)
{
	return READ(regs, syscallno);
}

static __always_inline bool is_compat(void)
{
	struct task_struct *t = (void *)bpf_get_current_task();

	return READ(t, thread_info.flags) >> TIF_32BIT & 1;
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

static __always_inline struct call_row *row_at(u32 i)
{
	return bpf_map_lookup_elem(&syscall_table, &i);
}

/* Replaces a socketcall by the call that it stands for; NULL: by none. */
static __always_inline struct call_row *decode_socketcall(struct call *c, struct call_row *row)
{
	u64 code = c->s->args[0];
	u32 args[6] = {};
	int i;

	if (code < 1 || code >= SOCKETCALLS)
		return profile == PROFILE_CURRENT ? NULL : row;
	bpf_probe_read(args, sizeof(args), (void *)c->s->args[1]);
#pragma unroll
	for (i = 0; i < 6; i++)
		c->s->args[i] = args[i];
	return row_at(SOCKET_ROWS + code);
}

/*
 * The row of the call under way, NULL if nobody wants to know of it. Cheap questions
 * come first.
 */
static __always_inline struct call_row *wanted_call(struct call *c, struct pt_regs *regs, u8 want)
{
	u32 nr = call_number(regs);
	struct call_row *row;
	bool compat;
	u8 *any;

	any = bpf_map_lookup_elem(&interesting_syscalls_table, &nr);
	if (!any || !*any)
		return NULL;
	compat = is_compat();
	row = row_at(compat ? COMPAT_ROWS + nr : nr);
	if (!row || !(row->want & (want | IS_SOCKETCALL)) || !find_memory(c))
		return NULL;
	if (row->exit == EVENT_EXECVE_X)
		unmute(c);
	if (!in_scope(c))
		return NULL;
	c->s->busy = 1;
	bpf_probe_read(c->work, sizeof(*regs), regs);
	save_args(c->s->args, (void *)c->work, compat);
	if (row->want & IS_SOCKETCALL) {
		row = decode_socketcall(c, row);
		if (!row || !(row->want & want))
			goto discard;
	}
	if (sampled_out(c, row->drop))
		goto discard;
	c->s->nr = row->number;
	c->s->sc = row->sc;
	c->s->compat = compat;
	c->s->started = 0;
	c->s->flags = row->want & STATE_ONLY ? EVENT_STATE_ONLY : 0;
	return row;
discard:
	c->s->busy = 0;
	return NULL;
}

ON(raw_syscalls, sys_enter)
int sys_enter(u64 *ctx)
{
	struct call call = { .ctx = ctx }, *c = &call;
	struct call_row *row = wanted_call(c, CALL_REGS(ctx), WANT_ENTER);

	if (!row)
		return 0;
	bpf_tail_call(ctx, &tail_map, row->enter);
	c->s->busy = 0;	/* there is no such program */
	return 0;
}

ON(raw_syscalls, sys_exit)
int sys_exit(u64 *ctx)
{
	struct call call = { .ctx = ctx, .ret = CALL_RESULT(ctx) }, *c = &call;
	struct call_row *row = wanted_call(c, CALL_REGS(ctx), WANT_EXIT);

	if (!row)
		return 0;
	if (c->set->drop_failed && c->ret < 0)
		goto discard;
	/* A program that was started is told of by sched_process_exec. */
	if (!c->ret && (row->exit == EVENT_EXECVE_X || row->exit == EVENT_EXECVEAT_X))
		goto discard;
	/* This one's path takes steps of its own. */
	if (row->exit == EVENT_OPEN_BY_HANDLE_AT_X)
		walk_fd_path(c, row->exit);
	bpf_tail_call(ctx, &tail_map, row->exit);
discard:
	c->s->busy = 0;
	return 0;
}

#endif /* LANNER_HOOKS_H */
