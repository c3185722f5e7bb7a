/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of programs that are started and tasks that are made. */
#ifndef LANNER_FILL_EXEC_H
#define LANNER_FILL_EXEC_H

#include "cgroup.h"
#include "exe.h"
#include "../ops/exec.h"
#include "strings.h"

/* Writes exe and args of a call that failed, whose strings are in the room; no argv is one empty string. */
static __always_inline void put_given_args(struct call *c)
{
	u32 n = c->s->n, first = c->s->first;

	if (!n) {
		put_empty_string(c);
		put_empty(c);
		return;
	}
	commit(c, first);
	commit(c, n - first);
}

/* What the events of made tasks and of started programs have in common; cgroups follow. */
static __always_inline void put_process(struct call *c, struct task_struct *t, u32 next)
{
	put_identity(c, t);
	begin_cgroups(c, next);
}

static __always_inline u32 loginuid_of(struct task_struct *t)
{
#ifdef CONFIG_AUDIT
	return READ(t, loginuid.val);
#else
	return ~0U;
#endif
}

/* Where the arguments of a call on a program are. */
static __always_inline u64 argv_of(struct call *c)
{
	return arg(c, c->s->type == EVENT_EXECVEAT_X ? 2 : 1);
}

static __always_inline u64 envp_of(struct call *c)
{
	return c->s->type == EVENT_EXECVEAT_X ? arg(c, 3) : arg(c, 2);
}

/* The parameters that execve and execveat share are laid out by stages, in this order. */
static __always_inline void put_exec(struct call *c)
{
	put_s64(c, c->ret);
	if (!c->s->started)
		return begin_strings(c, argv_of(c), STAGE_EXEC_PROCESS);
	put_own_args(c);
	go_on(c, STAGE_EXEC_PROCESS);
}

STAGE(stage_exec_process)
{
	if (!c->s->started)
		put_given_args(c);
	put_process(c, task(c), STAGE_EXEC_ENV);
}

STAGE(stage_exec_env)
{
	struct task_struct *t = task(c);

	if (!c->s->started)
		return begin_strings(c, envp_of(c), STAGE_EXEC_FILE);
	put_own_env(c, READ(t, mm));
	go_on(c, STAGE_EXEC_FILE);
}

STAGE(stage_exec_file)
{
	struct task_struct *t = task(c);
	struct file *exe = READ(t, mm, exe_file);
	struct pid *group = group_pid_of(t);
	const struct cred *cred = READ(t, cred);

	if (!c->s->started)
		commit(c, c->s->n);
	put_u32(c, tty_of(t));
	put_s64(c, nr_in(group, pid_ns(thread_pid_of(t))));
	put_u32(c, loginuid_of(t));
	put_u32(c, exe_flags(exe, cred));
	put_u64(c, cred_cap_inheritable(cred));
	put_u64(c, cred_cap_permitted(cred));
	put_u64(c, cred_cap_effective(cred));
	put_exe_inode(c, exe);
	put_u32(c, READ(cred, euid.val));
	begin_path(c, exe, current_profile(c));
	c->s->next = STAGE_EXEC_END;
	go_on(c, STAGE_PATH);
}

/* Writes the name that a program was started by: the kernel's, or the argument. */
static __always_inline void put_exec_name(struct call *c)
{
	int n;

	if (!c->s->started)
		return put_string_at(c, arg(c, 0));
	n = read_text(room(c), STRING_MAX, (void *)c->s->name);
	commit(c, n < 0 ? 0 : n);
}

STAGE(stage_exec_end)
{
	struct task_struct *t = task(c);

	put_walked(c);
	if (current_profile(c)) {
		put_s64(c, initial_nr(group_pid_of(t)));
		put_u32(c, READ(t, cred, egid.val));
		if (c->s->type == EVENT_EXECVE_X)
			put_exec_name(c);
	}
	end_event(c);
}

static __always_inline void filler_execve_x(struct call *c)
{
	put_exec(c);
}

static __always_inline void filler_execveat_x(struct call *c)
{
	put_exec(c);
}

/* The 21 parameters of all calls that make a task, of the child or of the caller. */
static __always_inline void put_clone(struct call *c, struct task_struct *t, u32 flags)
{
	put_s64(c, c->ret);
	if (c->ret < 0) {
		put_empty(c);
		put_empty(c);
	} else {
		put_own_args(c);
	}
	c->s->flags32 = flags;
	put_process(c, t, STAGE_CLONE_END);
}

STAGE(stage_clone_end)
{
	struct task_struct *t = task(c), *leader = READ(t, group_leader);
	struct pid *pid = thread_pid_of(t);
	struct pid_namespace *ns = pid_ns(pid);

	put_u32(c, c->s->flags32 | in_pidns(t));
	put_u32(c, READ(t, cred, euid.val));
	put_u32(c, READ(t, cred, egid.val));
	put_s64(c, own_nr(pid));
	put_s64(c, own_nr(thread_pid_of(leader)));
	put_u64(c, c->ret == 0 ? READ(ns, child_reaper, start_time) : 0);
	end_event(c);
}

static __always_inline void filler_clone3_x(struct call *c)
{
	u64 flags = 0;	/* struct clone_args starts with them */

	read_user(&flags, sizeof(flags), arg(c, 0));
	put_clone(c, task(c), conv_clone_flags(flags));
}

#endif /* LANNER_FILL_EXEC_H */
