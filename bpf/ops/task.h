/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What tasks are: ids, memory, credentials. */
#ifndef LANNER_OPS_TASK_H
#define LANNER_OPS_TASK_H

static __always_inline u64 mm_size(struct mm_struct *mm)
{
	return READ(mm, total_vm) << page_kib_shift;
}

static __always_inline u64 mm_rss(struct mm_struct *mm)
{
	return (mm_pages(mm, MM_FILEPAGES) + mm_pages(mm, MM_ANONPAGES) + mm_pages(mm, MM_SHMEMPAGES)) << page_kib_shift;
}

static __always_inline u64 mm_swap(struct mm_struct *mm)
{
	return mm_pages(mm, MM_SWAPENTS) << page_kib_shift;
}

static __always_inline struct mm_struct *mm_of(struct call *c)
{
	struct task_struct *t = task(c);

	return READ(t, mm);
}

static __always_inline u64 vm_size(struct call *c)
{
	struct mm_struct *mm = mm_of(c);

	return mm ? mm_size(mm) : 0;
}

static __always_inline u64 vm_rss(struct call *c)
{
	struct mm_struct *mm = mm_of(c);

	return mm ? mm_rss(mm) : 0;
}

static __always_inline u64 vm_swap(struct call *c)
{
	struct mm_struct *mm = mm_of(c);

	return mm ? mm_swap(mm) : 0;
}

static __always_inline void put_memory(struct call *c, struct task_struct *t)
{
	struct mm_struct *mm = READ(t, mm);

	put_u64(c, READ(t, maj_flt));
	put_u64(c, READ(t, min_flt));
	put_u32(c, mm ? mm_size(mm) : 0);
	put_u32(c, mm ? mm_rss(mm) : 0);
	put_u32(c, mm ? mm_swap(mm) : 0);
}

/* Capabilities are 64 bits of one word or of two. */
#define CAPABILITY(name)							\
static __always_inline u64 cred_##name(const struct cred *cred)		\
{										\
	u64 v = 0;								\
										\
	read_kernel(&v, sizeof(v), AT(&cred->name));				\
	return v & CAPABILITIES;						\
}										\
static __always_inline u64 name(struct call *c)				\
{										\
	struct task_struct *t = task(c);					\
										\
	return cred_##name(READ(t, cred));				\
}

/* Those of the contract: up to CAP_CHECKPOINT_RESTORE. */
#define CAPABILITIES ((1ULL << 41) - 1)

CAPABILITY(cap_inheritable)
CAPABILITY(cap_permitted)
CAPABILITY(cap_effective)

/* The id in the initial PID namespace. */
static __always_inline int initial_nr(struct pid *pid)
{
	return READ(pid, numbers[0].nr);
}

static __always_inline struct upid *upid_at(struct pid *pid, u32 level)
{
	return (void *)pid + OFFSET(struct pid, numbers) + level * SIZE(struct upid);
}

/* The id in the PID namespace that it was made in. */
static __always_inline int own_nr(struct pid *pid)
{
	struct upid *u = upid_at(pid, READ(pid, level));

	return READ(u, nr);
}

static __always_inline struct pid_namespace *pid_ns(struct pid *pid)
{
	struct upid *u = upid_at(pid, READ(pid, level));

	return READ(u, ns);
}

/* The id in a PID namespace, 0 if it has none there (kernel/pid.c:pid_nr_ns). */
static __always_inline int nr_in(struct pid *pid, struct pid_namespace *ns)
{
	u32 level = READ(ns, level);
	struct upid *u = upid_at(pid, level);

	if (level > READ(pid, level) || READ(u, ns) != ns)
		return 0;
	return READ(u, nr);
}

static __always_inline void put_comm(struct call *c, struct task_struct *t)
{
	long n = read_kernel_string(room(c), sizeof(t->comm), AT(&t->comm));

	commit(c, n < 0 ? 0 : n);
}

#endif /* LANNER_OPS_TASK_H */
