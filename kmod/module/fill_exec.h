/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of programs that are started and tasks that are made. */
#ifndef LANNER_FILL_EXEC_H
#define LANNER_FILL_EXEC_H

#include <linux/audit.h>
#include <linux/nsproxy.h>
#include <linux/tty.h>
#include "cgroup.h"
#include "exe.h"
#include "user.h"

#define ARGS_MAX 4096		/* bytes of argv, and of the environment */

/*
 * Writes a part of the current address space that holds strings; its last byte is
 * forced to NUL.
 */
static void put_strings(struct call *c, u64 start, u64 size)
{
	u32 n = read_room(c, start, min_t(u64, size, ARGS_MAX));

	if (n)
		room(c)[n - 1] = 0;
	commit(c, n);
}

/* Writes exe and args as they stand in memory now: servers put titles there. */
static void put_own_args(struct call *c)
{
	struct mm_struct *mm = current->mm;
	u64 start = mm ? mm->arg_start : 0, size = mm ? mm->arg_end - start : 0;
	u32 n;

	size = min_t(u64, size, ARGS_MAX);
	n = read_user_string(room(c), start, size);
	if (!n) {
		put_empty(c);
		put_empty(c);
		return;
	}
	commit(c, n);
	put_strings(c, start + n, size - n);
}

static void put_own_env(struct call *c)
{
	struct mm_struct *mm = current->mm;

	put_strings(c, mm ? mm->env_start : 0, mm ? mm->env_end - mm->env_start : 0);
}

/*
 * Reads the strings of an argv-like array, each with its NUL, into the room, until
 * the first that can't be read. Returns how many bytes they have, and of them the first.
 */
static u32 read_strings(struct call *c, u64 array, u32 *first)
{
	u32 n = 0, k, i;
	u64 addr;

	*first = 0;
	for (i = 0; array && n < ARGS_MAX; i++) {
		addr = 0;
		if (!read_user(&addr, long_size(c), array + i * long_size(c)))
			break;
		k = read_user_string(room(c) + n, addr, ARGS_MAX - n);
		if (!k)
			break;
		n += k;
		if (!i)
			*first = k;
	}
	return n;
}

/* Writes exe and args of a call that failed; no argv is one empty string. */
static void put_given_args(struct call *c, u64 argv)
{
	u32 first, n = read_strings(c, argv, &first);

	if (!n) {
		put_empty_string(c);
		put_empty(c);
		return;
	}
	commit(c, first);
	commit(c, n - first);
}

static void put_given_env(struct call *c, u64 envp)
{
	u32 first;

	commit(c, read_strings(c, envp, &first));
}

/* What the events of made tasks and of started programs have in common. */
static void put_process(struct call *c, struct task_struct *t)
{
	put_s64(c, task_pid_nr(t));
	put_s64(c, task_tgid_nr(t));
	put_s64(c, task_tgid_nr(rcu_dereference(t->real_parent)));
	put_empty_string(c);	/* cwd: readers keep it themselves */
	put_s64(c, READ_ONCE(t->signal->rlim[RLIMIT_NOFILE].rlim_cur));
	put_memory(c, t);
	put_comm(c, t);
	put_cgroups(c, t);
}

/* The controlling terminal of the current process, 0 if there is none. */
static u32 current_tty(void)
{
	struct tty_struct *tty = get_current_tty();
	u32 dev;

	if (!tty)
		return 0;
	dev = new_encode_dev(tty_devnum(tty));
	tty_kref_put(tty);
	return dev;
}

/* The 28 parameters that execve and execveat share, and pgid and gid. */
static void put_exec(struct call *c, u64 argv, u64 envp)
{
	struct mm_struct *mm = current->mm;
	struct file *exe = mm ? rcu_dereference(mm->exe_file) : NULL;
	const struct cred *cred = current_cred();
	struct pid *group = task_pgrp(current);

	put_s64(c, c->ret);
	if (c->started)
		put_own_args(c);
	else
		put_given_args(c, argv);
	put_process(c, current);
	if (c->started)
		put_own_env(c);
	else
		put_given_env(c, envp);
	put_u32(c, current_tty());
	put_s64(c, pid_nr_ns(group, task_active_pid_ns(current)));
	put_u32(c, __kuid_val(audit_get_loginuid(current)));
	put_u32(c, exe_flags(exe));
	put_u64(c, cap_inheritable(c));
	put_u64(c, cap_permitted(c));
	put_u64(c, cap_effective(c));
	put_exe_inode(c, exe);
	put_u32(c, __kuid_val(cred->euid));
	put_path(c, exe, current_profile(c));
	if (current_profile(c)) {
		put_s64(c, pid_nr(group));
		put_u32(c, __kgid_val(cred->egid));
	}
}

/* Writes the name that a program was started by: the kernel's, or the argument. */
static void put_exec_name(struct call *c)
{
	u32 n;

	if (!c->started)
		return put_string_at(c, arg(c, 0));
	n = strnlen(c->bprm->filename, STRING_MAX - 1);
	memcpy(room(c), c->bprm->filename, n);
	room(c)[n] = 0;
	commit(c, n + 1);
}

static void filler_execve_x(struct call *c)
{
	put_exec(c, arg(c, 1), arg(c, 2));
	if (current_profile(c))
		put_exec_name(c);
}

static void filler_execveat_x(struct call *c)
{
	put_exec(c, arg(c, 2), arg(c, 3));
}

/* Is a task, or will its children be, in a PID namespace of its own? */
static u32 in_pidns(struct task_struct *t)
{
	struct pid *pid = task_pid(t);

	if (pid->level || (t->nsproxy && t->nsproxy->pid_ns_for_children != ns_of_pid(pid)))
		return FLAG_CLONE_FLAGS_CLONE_CHILD_IN_PIDNS;
	return 0;
}

/* The 21 parameters of all calls that make a task, of the child or of the caller. */
static void put_clone(struct call *c, struct task_struct *t, u32 flags)
{
	struct pid *pid = task_pid(t);
	struct pid_namespace *ns = ns_of_pid(pid);
	const struct cred *cred = __task_cred(t);

	put_s64(c, c->ret);
	if (c->ret < 0) {
		put_empty(c);
		put_empty(c);
	} else {
		put_own_args(c);
	}
	put_process(c, t);
	put_u32(c, flags | in_pidns(t));
	put_u32(c, __kuid_val(cred->euid));
	put_u32(c, __kgid_val(cred->egid));
	put_s64(c, own_nr(pid));
	put_s64(c, own_nr(task_pid(t->group_leader)));
	put_u64(c, c->ret == 0 && ns->child_reaper ? ns->child_reaper->start_time : 0);
}

static void filler_clone_x(struct call *c)
{
	put_clone(c, task(c), conv_clone_flags(arg(c, 0)));
}

static void filler_clone3_x(struct call *c)
{
	u64 flags = 0;	/* struct clone_args starts with them */

	if (!read_user(&flags, sizeof(flags), arg(c, 0)))
		flags = 0;
	put_clone(c, task(c), conv_clone_flags(flags));
}

static void filler_fork_x(struct call *c)
{
	put_clone(c, task(c), 0);
}

static void filler_vfork_x(struct call *c)
{
	put_clone(c, task(c), 0);
}

#ifdef CONFIG_ARM64
/* The event of a child that the kernel has just made: of the flags only these show. */
static void fill_child(struct call *c)
{
	struct task_struct *child = c->task;
	u32 flags = 0;

	if (!thread_group_leader(child))
		flags |= FLAG_CLONE_FLAGS_CLONE_THREAD | FLAG_CLONE_FLAGS_CLONE_SIGHAND | FLAG_CLONE_FLAGS_CLONE_VM;
	if (child->files == current->files)
		flags |= FLAG_CLONE_FLAGS_CLONE_FILES;
	begin(c, EVENT_CLONE_X, 21);
	put_clone(c, child, flags);
	end(c, EVENT_CLONE_X);
}
#endif

#endif /* LANNER_FILL_EXEC_H */
