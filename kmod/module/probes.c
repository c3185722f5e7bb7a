// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The probes. In a nutshell: one hangs on each tracepoint that somebody wants. It finds
 * out what happened, asks for each consumer whether it wants to know (wants), lays the
 * event out (fill.h over the ops of file.h to data.h, fill_*.h) and copies it to the
 * consumer's ring (call.h:end).
 *
 * Probes run with preemption off, which newer kernels leave to them (from 6.13 on
 * sys_enter and sys_exit may fault), and under RCU, which keeps consumers, rings and
 * tree members there. They do not sleep.
 */
#include <linux/percpu.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/quota.h>
#include <linux/vmalloc.h>
#include "probes.h"
#include "call.h"
#include "calls.h"
#include "data.h"
#include "scope.h"
#include "task.h"
#include "../../kernel/uapi/fill.h"
#include "../../kernel/uapi/fill_control.h"
#include "fill_process.h"
#include "fill_exec.h"
#include "fill_net.h"
#include "../../kernel/uapi/fill_sockopt.h"
#include "fill_message.h"
#include "../../kernel/uapi/fill_misc.h"
#include "poll.h"
#include "../../kernel/uapi/fill_poll.h"
#include "../../kernel/uapi/fill_quota.h"
#include "fill_key.h"
#include "sampling.h"

/* What lays out the events of calls, by type. */
#define ROW(name, type) [type] = fill_##name,
static const fill_fn fillers[EVENT_TYPES] = { FILL_EVENTS(ROW) };

static DEFINE_PER_CPU(struct scratch *, scratches);
static DEFINE_PER_CPU(u64, hits);

static void enter_probe(void)
{
	preempt_disable();
	rcu_read_lock();
	__this_cpu_inc(hits);
}

static void leave_probe(void)
{
	rcu_read_unlock();
	preempt_enable();
}

/*
 * Prepares an event for a consumer, which in_scope has said wants it; false: there is
 * nowhere to put it. If true, put_away follows.
 */
static bool prepare(struct call *c, struct consumer *con)
{
	unsigned int cpu = smp_processor_id();

	c->con = con;
	c->ring = rcu_dereference(con->rings[cpu]);
	if (!c->ring) {
		/* The CPU came up after the reader looked: another one will tell. */
		if (!test_and_set_bit(cpu, con->told))
			WRITE_ONCE(con->new_cpu, cpu + 1);
		return false;
	}
	c->s = __this_cpu_read(scratches);
	if (c->ring->off || !c->s)
		return false;
	if (c->s->busy) {
		c->ring->info->n_preemptions++;
		return false;
	}
	c->s->busy = true;
	barrier();
	if (unlikely(READ_ONCE(con->new_cpu)))
		tell_hotplug(c);
	return true;
}

static void put_away(struct call *c)
{
	barrier();
	c->s->busy = false;
}

#ifdef LANNER_LEGACY
#define LEGACY_EVENTS 336	/* of the tables of readers of the time */
#define LEGACY_CODES 329

/*
 * The event that a reader of the time is told of: those that its table does not have
 * are generic, and EVENT_TYPES if it does not know the call either.
 */
static u16 known_event(u16 type, u16 sc)
{
	if (type >= LEGACY_EVENTS)
		type = EVENT_GENERIC_E | (type & 1);
	return type <= EVENT_GENERIC_X && sc >= LEGACY_CODES ? EVENT_TYPES : type;
}

static bool is_masked(struct consumer *con, u16 type)
{
	return test_bit(type, con->masked);
}
#else
static u16 known_event(u16 type, u16 sc)
{
	return type;
}

static bool is_masked(struct consumer *con, u16 type)
{
	return false;
}
#endif

/* Tells all consumers that want to know of an event of a call. */
static void tell_call(struct call *c, const struct syscall_row *row, u32 number)
{
	unsigned long point = c->enter ? BIT(POINT_SYS_ENTER) : BIT(POINT_SYS_EXIT);
	u16 type = known_event(row->exit - c->enter, c->sc);
	struct consumer *con;

	if (type >= EVENT_TYPES)
		return;
	list_for_each_entry_rcu(con, &consumers, node) {
		if (!(READ_ONCE(con->points) & point) || (number != NO_NUMBER && !test_bit(number, con->syscalls)))
			continue;
		if (row->exit == EVENT_EXECVE_X)
			unmute(con);
		if ((!c->enter && c->ret < 0 && READ_ONCE(con->drop_failed)) || is_masked(con, type))
			continue;
		if (!in_scope(con) || !prepare(c, con))
			continue;
		if (!sampled_out(c, row->drop))
			fillers[type](c);
		put_away(c);
	}
}

void on_sys_enter(void *data, struct pt_regs *regs, long id)
{
	struct call c = { .enter = true };
	const struct syscall_row *row;
	u32 number;

	enter_probe();
	row = find_call(&c, regs, &number);
	if (row)
		tell_call(&c, row, number);
	release_files(&c);
	leave_probe();
}

void on_sys_exit(void *data, struct pt_regs *regs, long ret)
{
	struct call c = { .ret = ret };
	const struct syscall_row *row;
	u32 number;

	enter_probe();
	row = find_call(&c, regs, &number);
	/* A program that was started is told of by sched_process_exec. */
	if (row && (ret || (row->exit != EVENT_EXECVE_X && row->exit != EVENT_EXECVEAT_X)))
		tell_call(&c, row, number);
	release_files(&c);
	leave_probe();
}

/*
 * Does a consumer want the events of a tracepoint? In edition 0.36 readers do not know
 * of those that stand for calls; number is that of the call.
 */
static bool wants_point(struct consumer *con, enum point point, int number)
{
	unsigned long points = READ_ONCE(con->points);

	if (points & BIT(point))
		return true;
	return LANNER_PROFILE == PROFILE_036 && number >= 0 && points & BIT(POINT_SYS_EXIT) &&
	       test_bit(number, con->syscalls);
}

/* Are samples without events of a tracepoint? */
static bool is_noise(enum point point)
{
	return point == POINT_SWITCH || point == POINT_FAULT_USER || point == POINT_FAULT_KERNEL || point == POINT_SIGNAL;
}

/* Tells all consumers that want to know of an event of a tracepoint. */
static void tell_point(struct call *c, enum point point, int number, u16 type, fill_fn fill)
{
	struct consumer *con;

	list_for_each_entry_rcu(con, &consumers, node) {
		if (!wants_point(con, point, number) || is_masked(con, type))
			continue;
		if (is_noise(point) && READ_ONCE(con->dropping_mode))
			continue;
		if (point == POINT_PROC_EXIT ? !ending_in_scope(con, c->task) : !in_scope(con))
			continue;
		if (!prepare(c, con))
			continue;
		if (point == POINT_SWITCH)
			c->ring->info->n_context_switches++;
		fill(c);
		put_away(c);
	}
}

void on_exec(void *data, struct task_struct *t, pid_t old, struct linux_binprm *bprm)
{
	struct call c = { .started = true, .bprm = bprm, .sc = SC_EXECVE };
	struct consumer *con;

	enter_probe();
	list_for_each_entry_rcu(con, &consumers, node)
		unmute(con);
	tell_point(&c, POINT_EXEC, __NR_execve, EVENT_EXECVE_X, fill_execve_x);
	leave_probe();
}

void on_fork(void *data, struct task_struct *parent, struct task_struct *child)
{
	struct consumer *con;

	enter_probe();
	list_for_each_entry_rcu(con, &consumers, node) {
		if (scope_of(con) == TREE_SCOPE && thread_group_leader(child))
			tree_add_child(con->tree, child);
	}
#ifdef CONFIG_ARM64
	/*
	 * A new task does not return through sys_exit here (arch/arm64/kernel/entry.S:
	 * ret_from_fork), so its event is made when it is. The calls are not told apart.
	 */
	if (!(parent->flags & PF_KTHREAD)) {
		struct call c = { .task = child, .sc = SC_CLONE };

		tell_point(&c, POINT_FORK, __NR_clone, EVENT_CLONE_X, fill_child);
	}
#endif
	leave_probe();
}

void on_exit(void *data, COMPAT_EXIT_ARGS)
{
	struct call c = { .task = t };
	struct consumer *con;

	if (t->flags & PF_KTHREAD)
		return;
	enter_probe();
	tell_point(&c, POINT_PROC_EXIT, -1, EVENT_PROC_EXIT_E, fill_proc_exit_e);
	list_for_each_entry_rcu(con, &consumers, node) {
		if (scope_of(con) == TREE_SCOPE)
			tree_leave(con->tree, t);
	}
	leave_probe();
}

void on_free(void *data, struct task_struct *t)
{
	struct consumer *con;

	enter_probe();
	list_for_each_entry_rcu(con, &consumers, node) {
		if (scope_of(con) == TREE_SCOPE)
			tree_forget(con->tree, t);
	}
	leave_probe();
}

void on_signal(void *data, int sig, struct kernel_siginfo *info, struct k_sigaction *ka)
{
	struct call c = { .siginfo = info, .args = { sig } };

	enter_probe();
	tell_point(&c, POINT_SIGNAL, -1, EVENT_SIGNAL_DELIVER_E, fill_signal_deliver_e);
	leave_probe();
}

void on_switch(void *data, COMPAT_SWITCH_ARGS)
{
	struct call c = { .task = prev, .args = { next->pid } };

	enter_probe();
	tell_point(&c, POINT_SWITCH, -1, EVENT_SWITCH_E, fill_switch_e);
	leave_probe();
}

#ifdef CONFIG_X86
static void on_fault(enum point point, unsigned long addr, struct pt_regs *regs, unsigned long error)
{
	struct call c = { .args = { addr, regs->ip, error } };

	enter_probe();
	tell_point(&c, point, -1, EVENT_PAGE_FAULT_E, fill_page_fault_e);
	leave_probe();
}

void on_fault_user(void *data, unsigned long addr, struct pt_regs *regs, unsigned long error)
{
	on_fault(POINT_FAULT_USER, addr, regs, error);
}

void on_fault_kernel(void *data, unsigned long addr, struct pt_regs *regs, unsigned long error)
{
	on_fault(POINT_FAULT_KERNEL, addr, regs, error);
}
#endif

/* Makes room for a CPU to work in. It stays until the module goes. */
int scratch_prepare(unsigned int cpu)
{
	struct scratch *s;

	lockdep_assert_held(&consumers_lock);
	if (per_cpu(scratches, cpu))
		return 0;
	s = vzalloc_node(sizeof(*s), cpu_to_node(cpu));
	if (!s)
		return -ENOMEM;
	smp_store_release(per_cpu_ptr(&scratches, cpu), s);
	return 0;
}

void scratch_free(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		vfree(per_cpu(scratches, cpu));
}

/* How often probes ran on a CPU. */
u64 points_hit(unsigned int cpu)
{
	return per_cpu(hits, cpu);
}
