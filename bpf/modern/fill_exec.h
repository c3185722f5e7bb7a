/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of programs that are started and tasks that are made. */
#ifndef LANNER_FILL_EXEC_H
#define LANNER_FILL_EXEC_H

#include "cgroup.h"
#include "exe.h"
#include "user.h"

#define ARGS_MAX 4096		/* bytes of argv, and of the environment */
#define CHUNK 64		/* of a loop that is two, to spare the verifier rounds */
#define STRINGS_MAX ARGS_MAX	/* strings of an array that are visited: each has its NUL */

/*
 * Writes a part of the current address space that holds strings; its last byte is
 * forced to NUL.
 */
static __always_inline void put_strings(struct call *c, u64 start, u64 size)
{
	u32 n = read_room(c, start, size > ARGS_MAX ? ARGS_MAX : size);

	if (n)
		c->s->record[(c->off + n - 1) & EVENT_MASK] = 0;
	commit(c, n);
}

/* Writes exe and args as they stand in memory now: servers put titles there. */
static __always_inline void put_own_args(struct call *c)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(t, mm);
	u64 start = BPF_CORE_READ(mm, arg_start), size = BPF_CORE_READ(mm, arg_end) - start;
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
	u64 start = BPF_CORE_READ(mm, env_start);

	put_strings(c, start, BPF_CORE_READ(mm, env_end) - start);
}

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
	put_s64(c, BPF_CORE_READ(t, pid));
	put_s64(c, BPF_CORE_READ(t, tgid));
	put_s64(c, BPF_CORE_READ(t, real_parent, tgid));
	put_empty_string(c);	/* cwd: readers keep it themselves */
	put_s64(c, BPF_CORE_READ(t, signal, rlim[RLIMIT_NOFILE].rlim_cur));
	put_memory(c, t);
	put_comm(c, t);
	put_cgroups(c, t);
}

static __always_inline u32 tty_of(struct task_struct *t)
{
	struct tty_struct *tty = BPF_CORE_READ(t, signal, tty);
	struct tty_driver *driver;

	if (!tty)
		return 0;
	driver = BPF_CORE_READ(tty, driver);
	return wire_dev((BPF_CORE_READ(driver, major) << 20 | BPF_CORE_READ(driver, minor_start)) + BPF_CORE_READ(tty, index));
}

static __always_inline u32 loginuid_of(struct task_struct *t)
{
	if (bpf_core_field_exists(t->loginuid))
		return BPF_CORE_READ(t, loginuid.val);
	return ~0U;	/* a kernel without audit */
}

/* The 28 parameters that execve and execveat share, and pgid and gid. */
static __always_inline void put_exec(struct call *c, u64 argv, u64 envp)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(t, mm);
	struct file *exe = BPF_CORE_READ(mm, exe_file);
	struct pid *group = BPF_CORE_READ(t, signal, pids[PIDTYPE_PGID]);
	const struct cred *cred = BPF_CORE_READ(t, cred);

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
	put_s64(c, pid_nr_ns(group, pid_ns(BPF_CORE_READ(t, thread_pid))));
	put_u32(c, loginuid_of(t));
	put_u32(c, exe_flags((u64)exe, (u64)cred));
	put_u64(c, cred_cap_inheritable(cred));
	put_u64(c, cred_cap_permitted(cred));
	put_u64(c, cred_cap_effective(cred));
	put_exe_inode(c, exe);
	put_u32(c, BPF_CORE_READ(cred, euid.val));
	put_path(c, exe, current_profile(c));
	if (current_profile(c)) {
		put_s64(c, pid_nr(group));
		put_u32(c, BPF_CORE_READ(cred, egid.val));
	}
}

/* Writes the name that a program was started by: the kernel's, or the argument. */
static __always_inline void put_exec_name(struct call *c)
{
	struct linux_binprm *bprm = c->bprm;
	long n;

	if (!c->started)
		return put_string_at(c, arg(c, 0));
	n = bpf_probe_read_kernel_str(room(c), STRING_MAX, BPF_CORE_READ(bprm, filename));
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

/* Is a task, or will its children be, in a PID namespace of its own? */
static __always_inline u32 in_pidns(struct task_struct *t)
{
	struct pid *pid = BPF_CORE_READ(t, thread_pid);

	if (BPF_CORE_READ(pid, level) || BPF_CORE_READ(t, nsproxy, pid_ns_for_children) != pid_ns(pid))
		return FLAG_CLONE_FLAGS_CLONE_CHILD_IN_PIDNS;
	return 0;
}

/* The 21 parameters of all calls that make a task, of the child or of the caller. */
static __always_inline void put_clone(struct call *c, struct task_struct *t, u32 flags)
{
	struct pid *pid = BPF_CORE_READ(t, thread_pid);
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
	put_u32(c, BPF_CORE_READ(t, cred, euid.val));
	put_u32(c, BPF_CORE_READ(t, cred, egid.val));
	put_s64(c, pid_vnr(pid));
	put_s64(c, pid_vnr(BPF_CORE_READ(t, group_leader, thread_pid)));
	put_u64(c, c->ret == 0 ? BPF_CORE_READ(ns, child_reaper, start_time) : 0);
}

static __always_inline void filler_clone_x(struct call *c)
{
	put_clone(c, task(c), conv_clone_flags(arg(c, 0)));
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

static __always_inline void filler_fork_x(struct call *c)
{
	put_clone(c, task(c), 0);
}

static __always_inline void filler_vfork_x(struct call *c)
{
	put_clone(c, task(c), 0);
}

/* The event of a child that the kernel has just made: of the flags only these show. */
static __always_inline void fill_child(struct call *c, struct task_struct *parent)
{
	struct task_struct *child = c->task;
	u32 flags = 0;

	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid))
		flags |= FLAG_CLONE_FLAGS_CLONE_THREAD | FLAG_CLONE_FLAGS_CLONE_SIGHAND | FLAG_CLONE_FLAGS_CLONE_VM;
	if (BPF_CORE_READ(child, files) == BPF_CORE_READ(parent, files))
		flags |= FLAG_CLONE_FLAGS_CLONE_FILES;
	put_clone(c, child, flags);
}

#endif /* LANNER_FILL_EXEC_H */
