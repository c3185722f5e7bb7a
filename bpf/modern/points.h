/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Tracepoints other than calls. */
#ifndef LANNER_POINTS_H
#define LANNER_POINTS_H

#include "programs.h"
#include "scope.h"

/* What the event of a tracepoint has in place of a call's. */
static __always_inline void describe(struct scratch *s, u8 want)
{
	s->cpu = bpf_get_smp_processor_id();
	s->flags = want & STATE_ONLY ? EVENT_STATE_ONLY : 0;
	s->compat = 0;
	if (!s->known)
		tell_hotplug(s);
}

/* Prepares an event of a tracepoint; false if it is not wanted, or can't be. */
static __always_inline bool prepare(struct call *c, u8 want)
{
	u64 id = id_of(current_task());
	struct scratch *s = c->s;

	if (!s || !in_scope(s, id) || !claim(s, id))
		return false;
	describe(s, want);
	return true;
}

/*
 * A program was started. This is the event of the call, which from sys_exit would
 * tell nothing more.
 */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *t, int old_pid, struct linux_binprm *bprm)
{
	struct call call = { .s = scratch(), .started = true, .bprm = bprm }, *c = &call;

	unmute();
	if (!(want_exec & WANT_EXIT) || !prepare(c, want_exec))
		return 0;
	c->s->sc = SC_EXECVE;
	begin(c, EVENT_EXECVE_X, current_profile(c) ? 31 : 28);
	fill_execve_x(c);
	end(c, EVENT_EXECVE_X);
	return 0;
}

#if defined(__TARGET_ARCH_x86)
#define CLONE3 435	/* for 32-bit code as well */

/* The current process has made a task: keeps what it asked clone3 for. */
static __always_inline void keep_clone3_flags(struct task_struct *parent, struct task_struct *child)
{
	struct pt_regs *regs;
	u32 tid = child->pid;
	u64 flags;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs) || parent->flags & PF_KTHREAD)
		return;
	parent = bpf_get_current_task_btf();
	regs = (void *)bpf_task_pt_regs(parent);
	if (call_number(regs) == CLONE3 && read_user(&flags, sizeof(flags), is_compat(parent) ? (u32)regs->bx : regs->di))
		bpf_map_update_elem(&clone3_flags, &tid, &flags, BPF_ANY);
}
#else
static __always_inline void keep_clone3_flags(struct task_struct *parent, struct task_struct *child)
{
}
#endif

SEC("tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	u32 from = parent->tgid, to = child->tgid;

	if (scope == SCOPE_TREE && from != to)
		tree_add(from, to);
	if (want_clone && (scope != SCOPE_TREE || member(from)))
		keep_clone3_flags(parent, child);
	return 0;
}

#if !defined(__TARGET_ARCH_x86)
/*
 * A new task does not return through sys_exit here (arch/arm64/kernel/entry.S:
 * ret_from_fork), so its event is made when it is. The calls are not told apart.
 */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(fork_child, struct task_struct *parent, struct task_struct *child)
{
	struct call call = { .s = scratch(), .task = child }, *c = &call;

	if (parent->flags & PF_KTHREAD || !prepare(c, want_clone))
		return 0;
	c->s->sc = SC_CLONE;
	begin(c, EVENT_CLONE_X, 21);
	*(u64 *)(c->s->record + RECORD_HEAD + 8) = child->pid;
	fill_child(c, parent);
	end(c, EVENT_CLONE_X);
	return 0;
}
#endif

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *t)
{
	struct call call = { .s = scratch(), .task = t }, *c = &call;
	u64 id = id_of(t);

	if (t->flags & PF_KTHREAD)
		return 0;
	if (c->s && want_procexit & WANT_EXIT && ending_in_scope(c->s, id, t) && claim(c->s, id)) {
		describe(c->s, want_procexit);
		begin(c, EVENT_PROC_EXIT_E, 5);
		fill_proc_exit_e(c);
		end(c, EVENT_PROC_EXIT_E);
	}
	tree_leave(t);
	return 0;
}

SEC("tp_btf/signal_deliver")
int BPF_PROG(signal_deliver, int sig, struct kernel_siginfo *info)
{
	struct call call = { .s = scratch() }, *c = &call;

	if (sampling_ratio > 1 || !prepare(c, want_signal))
		return 0;
	c->s->args[0] = sig;
	c->s->args[1] = (u64)info;
	begin(c, EVENT_SIGNAL_DELIVER_E, 3);
	fill_signal_deliver_e(c);
	end(c, EVENT_SIGNAL_DELIVER_E);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct call call = { .s = scratch(), .task = prev }, *c = &call;

	if (sampling_ratio > 1 || !prepare(c, want_switch))
		return 0;
	c->s->args[0] = next->pid;
	begin(c, EVENT_SWITCH_E, 6);
	fill_switch_e(c);
	end(c, EVENT_SWITCH_E);
	return 0;
}

#if defined(__TARGET_ARCH_x86)
static __always_inline int page_fault(u64 addr, struct pt_regs *regs, u64 error)
{
	struct call call = { .s = scratch() }, *c = &call;

	if (sampling_ratio > 1 || !prepare(c, want_page_fault))
		return 0;
	c->s->args[0] = addr;
	c->s->args[1] = regs->ip;
	c->s->args[2] = error;
	begin(c, EVENT_PAGE_FAULT_E, 3);
	fill_page_fault_e(c);
	end(c, EVENT_PAGE_FAULT_E);
	return 0;
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(page_fault_user, unsigned long addr, struct pt_regs *regs, unsigned long error)
{
	return page_fault(addr, regs, error);
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(page_fault_kernel, unsigned long addr, struct pt_regs *regs, unsigned long error)
{
	return page_fault(addr, regs, error);
}
#endif

#endif /* LANNER_POINTS_H */
