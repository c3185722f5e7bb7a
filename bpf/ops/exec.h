/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the events of started programs and of made tasks tell. */
#ifndef LANNER_OPS_EXEC_H
#define LANNER_OPS_EXEC_H

#include "exe.h"

#define ARGS_MAX 4096		/* bytes of argv, and of the environment */

/*
 * Writes a part of the current address space that holds strings; its last byte is
 * forced to NUL.
 */
static __always_inline void put_strings(struct call *c, u64 start, u64 size)
{
	u32 n = read_room(c, start, size > ARGS_MAX ? ARGS_MAX : size);

	if (n)
		record(c)[(c->off + n - 1) & EVENT_MASK] = 0;
	commit(c, n);
}

/* Writes exe and args as they stand in memory now: servers put titles there. */
static __always_inline void put_own_args(struct call *c)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct mm_struct *mm = READ(t, mm);
	u64 start = READ(mm, arg_start), size = READ(mm, arg_end) - start;
	long n = 0;

	size = at_most(size, ARGS_MAX);
	if (start && size)
		n = read_user_string(room(c), size, start);
	if (n <= 0) {
		put_empty(c);
		put_empty(c);
		return;
	}
	commit(c, n);
	put_strings(c, start + n, size - n);
}

static __always_inline void put_own_env(struct call *c, struct mm_struct *mm)
{
	u64 start = READ(mm, env_start);

	put_strings(c, start, READ(mm, env_end) - start);
}

/* What the events of made tasks and of started programs have in common, up to its cgroups. */
static __always_inline void put_identity(struct call *c, struct task_struct *t)
{
	put_s64(c, READ(t, pid));
	put_s64(c, READ(t, tgid));
	put_s64(c, READ(t, real_parent, tgid));
	put_empty_string(c);	/* cwd: readers keep it themselves */
	put_s64(c, READ(t, signal, rlim[RLIMIT_NOFILE].rlim_cur));
	put_memory(c, t);
	put_comm(c, t);
}

static __always_inline u32 tty_of(struct task_struct *t)
{
	struct tty_struct *tty = READ(t, signal, tty);
	struct tty_driver *driver;

	if (!tty)
		return 0;
	driver = READ(tty, driver);
	return wire_dev((READ(driver, major) << 20 | READ(driver, minor_start)) + READ(tty, index));
}

/* Is a task, or will its children be, in a PID namespace of its own? */
static __always_inline u32 in_pidns(struct task_struct *t)
{
	struct pid *pid = thread_pid_of(t);

	if (READ(pid, level) || READ(t, nsproxy, pid_ns_for_children) != pid_ns(pid))
		return FLAG_CLONE_FLAGS_CLONE_CHILD_IN_PIDNS;
	return 0;
}

#endif /* LANNER_OPS_EXEC_H */
