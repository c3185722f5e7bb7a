/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of programs that are started and tasks that are made. */
#ifndef LANNER_FILL_EXEC_H
#define LANNER_FILL_EXEC_H

#include "cgroup.h"
#include "exe.h"
#include "../ops/exec.h"
#define CHUNK 64		/* of a loop that is two, to spare the verifier rounds */
#define STRINGS_MAX ARGS_MAX	/* strings of an array that are visited: each has its NUL */

/*
 * Reads string i of an argv-like array; not 0: that was the last. A global function,
 * which the verifier looks at once and not for each string.
 */
__noinline int read_string(u32 i)
{
	struct call call = { .s = scratch() }, *c = &call;
	struct strings *a;
	u64 addr = 0;
	long n;

	if (!c->s)
		return 1;
	a = &c->s->strings;
	if (a->n >= ARGS_MAX || !read_user(&addr, long_size(c), a->array + i * long_size(c)) || !addr)
		return 1;
	c->off = a->at + a->n;
	n = read_user_string(room(c), at_most(ARGS_MAX - a->n, ARGS_MAX), addr);
	if (n <= 0)
		return 1;
	a->n += n;
	if (!i)
		a->first = n;
	return 0;
}

/* The same for CHUNK strings from i on. */
__noinline int read_strings_from(u32 i)
{
	u32 k;

	for (k = 0; k < CHUNK; k++) {
		if (read_string(i + k))
			return 1;
	}
	return 0;
}

/*
 * Reads the strings of an argv-like array, each with its NUL, into the room, until
 * the first that can't be read.
 */
static __always_inline void read_strings(struct call *c, u64 array)
{
	struct strings *a = &c->s->strings;
	u32 i;

	a->array = array;
	a->first = a->n = 0;
	a->at = c->off;
	for (i = 0; array && i < STRINGS_MAX; i += CHUNK) {
		if (read_strings_from(i))
			break;
	}
}

/* Writes exe and args of a call that failed; no argv is one empty string. */
static __always_inline void put_given_args(struct call *c, u64 argv)
{
	struct strings *a = &c->s->strings;

	read_strings(c, argv);
	if (!a->n) {
		put_empty_string(c);
		put_empty(c);
		return;
	}
	commit(c, a->first);
	commit(c, a->n - a->first);
}

static __always_inline void put_given_env(struct call *c, u64 envp)
{
	read_strings(c, envp);
	commit(c, c->s->strings.n);
}

/* What the events of made tasks and of started programs have in common. */
static __always_inline void put_process(struct call *c, struct task_struct *t)
{
	put_identity(c, t);
	put_cgroups(c, t);
}

static __always_inline u32 loginuid_of(struct task_struct *t)
{
	if (bpf_core_field_exists(t->loginuid))
		return READ(t, loginuid.val);
	return ~0U;	/* a kernel without audit */
}

/* The 28 parameters that execve and execveat share, and pgid and gid. */
static __always_inline void put_exec(struct call *c, u64 argv, u64 envp)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct mm_struct *mm = READ(t, mm);
	struct file *exe = READ(mm, exe_file);
	struct pid *group = READ(t, signal, pids[PIDTYPE_PGID]);
	const struct cred *cred = READ(t, cred);

	put_s64(c, c->ret);
	if (c->started)
		put_own_args(c);
	else
		put_given_args(c, argv);
	put_process(c, t);
	if (c->started)
		put_own_env(c, mm);
	else
		put_given_env(c, envp);
	put_u32(c, tty_of(t));
	put_s64(c, nr_in(group, pid_ns(thread_pid_of(t))));
	put_u32(c, loginuid_of(t));
	put_u32(c, exe_flags((u64)exe, (u64)cred));
	put_u64(c, cred_cap_inheritable(cred));
	put_u64(c, cred_cap_permitted(cred));
	put_u64(c, cred_cap_effective(cred));
	put_exe_inode(c, exe);
	put_u32(c, READ(cred, euid.val));
	put_path(c, exe, current_profile(c));
	if (current_profile(c)) {
		put_s64(c, initial_nr(group));
		put_u32(c, READ(cred, egid.val));
	}
}

/* Writes the name that a program was started by: the kernel's, or the argument. */
static __always_inline void put_exec_name(struct call *c)
{
	struct linux_binprm *bprm = c->bprm;
	long n;

	if (!c->started)
		return put_string_at(c, arg(c, 0));
	n = bpf_probe_read_kernel_str(room(c), STRING_MAX, READ(bprm, filename));
	commit(c, n < 0 ? 0 : n);
}

static __always_inline void filler_execve_x(struct call *c)
{
	put_exec(c, arg(c, 1), arg(c, 2));
	if (current_profile(c))
		put_exec_name(c);
}

static __always_inline void filler_execveat_x(struct call *c)
{
	put_exec(c, arg(c, 2), arg(c, 3));
}

/* The 21 parameters of all calls that make a task, of the child or of the caller. */
static __always_inline void put_clone(struct call *c, struct task_struct *t, u32 flags)
{
	struct task_struct *leader = READ(t, group_leader);
	struct pid *pid = thread_pid_of(t);
	struct pid_namespace *ns = pid_ns(pid);

	put_s64(c, c->ret);
	if (c->ret < 0) {
		put_empty(c);
		put_empty(c);
	} else {
		put_own_args(c);
	}
	put_process(c, t);
	put_u32(c, flags | in_pidns(t));
	put_u32(c, READ(t, cred, euid.val));
	put_u32(c, READ(t, cred, egid.val));
	put_s64(c, own_nr(pid));
	put_s64(c, own_nr(thread_pid_of(leader)));
	put_u64(c, c->ret == 0 ? READ(ns, child_reaper, start_time) : 0);
}

/*
 * Flags of clone3 calls that have made a task which has not told of it yet, by its id.
 * They are in memory, which whoever made the task may have used for something else
 * before the task runs. Where the registers of a call can't be found (before 5.15) the
 * task looks there all the same.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u64);
} clone3_flags SEC(".maps");

static __always_inline bool take_clone3_flags(u32 tid, u64 *flags)
{
	u64 *kept = bpf_map_lookup_elem(&clone3_flags, &tid);

	if (!kept)
		return false;
	*flags = *kept;
	bpf_map_delete_elem(&clone3_flags, &tid);
	return true;
}

static __always_inline void filler_clone3_x(struct call *c)
{
	u64 flags = 0;	/* struct clone_args starts with them */

	if (c->ret || !take_clone3_flags(c->s->id, &flags))
		read_user(&flags, sizeof(flags), arg(c, 0));
	put_clone(c, task(c), conv_clone_flags(flags));
}

#endif /* LANNER_FILL_EXEC_H */
