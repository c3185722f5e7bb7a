/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What tasks are: ids, memory, credentials. */
#ifndef LANNER_TASK_H
#define LANNER_TASK_H

#include "call.h"

/*
 * Pages of one kind. Since 6.2 each CPU keeps some to itself until they are a batch
 * (lib/percpu_counter.c:percpu_counter_batch, 32 pages or twice the number of CPUs),
 * and what is read here is the sum of batches, as in the kernel's get_mm_counter:
 * visiting every CPU for each mmap would cost more than the rest of the event. The
 * stride of rss_stat is asked for: the compiler puts ours, which lacks members, in
 * place of the kernel's where an index is no constant yet.
 */
static __always_inline u64 mm_pages(struct mm_struct *mm, u32 kind)
{
	struct mm_struct___old *old = (void *)mm;
	struct percpu_counter *counter;
	s64 n;

	if (bpf_core_type_exists(struct mm_rss_stat)) {
		n = BPF_CORE_READ(old, rss_stat.count[kind].counter);
	} else {
		counter = (void *)mm + bpf_core_field_offset(struct mm_struct, rss_stat) +
			  kind * bpf_core_type_size(struct percpu_counter);
		n = BPF_CORE_READ(counter, count);
	}
	return n < 0 ? 0 : n;
}

static __always_inline u64 mm_size(struct mm_struct *mm)
{
	return BPF_CORE_READ(mm, total_vm) << page_kib_shift;
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

	return BPF_CORE_READ(t, mm);
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
	struct mm_struct *mm = BPF_CORE_READ(t, mm);

	put_u64(c, BPF_CORE_READ(t, maj_flt));
	put_u64(c, BPF_CORE_READ(t, min_flt));
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
	bpf_core_read(&v, sizeof(v), &cred->name);				\
	return v & CAPABILITIES;						\
}										\
static __always_inline u64 name(struct call *c)				\
{										\
	struct task_struct *t = task(c);					\
										\
	return cred_##name(BPF_CORE_READ(t, cred));				\
}

/* Those of the contract: up to CAP_CHECKPOINT_RESTORE. */
#define CAPABILITIES ((1ULL << 41) - 1)

CAPABILITY(cap_inheritable)
CAPABILITY(cap_permitted)
CAPABILITY(cap_effective)

/* The id in the initial PID namespace. */
static __always_inline int pid_nr(struct pid *pid)
{
	return BPF_CORE_READ(pid, numbers[0].nr);
}

static __always_inline struct upid *upid_at(struct pid *pid, u32 level)
{
	return (void *)pid + bpf_core_field_offset(struct pid, numbers) + level * bpf_core_type_size(struct upid);
}

/* The id in the PID namespace that it was made in. */
static __always_inline int pid_vnr(struct pid *pid)
{
	struct upid *u = upid_at(pid, BPF_CORE_READ(pid, level));

	return BPF_CORE_READ(u, nr);
}

static __always_inline struct pid_namespace *pid_ns(struct pid *pid)
{
	struct upid *u = upid_at(pid, BPF_CORE_READ(pid, level));

	return BPF_CORE_READ(u, ns);
}

/* The id in a PID namespace, 0 if it has none there (kernel/pid.c:pid_nr_ns). */
static __always_inline int pid_nr_ns(struct pid *pid, struct pid_namespace *ns)
{
	u32 level = BPF_CORE_READ(ns, level);
	struct upid *u = upid_at(pid, level);

	if (level > BPF_CORE_READ(pid, level) || BPF_CORE_READ(u, ns) != ns)
		return 0;
	return BPF_CORE_READ(u, nr);
}

static __always_inline void put_comm(struct call *c, struct task_struct *t)
{
	long n = bpf_probe_read_kernel_str(room(c), sizeof(t->comm), __builtin_preserve_access_index(&t->comm));

	commit(c, n < 0 ? 0 : n);
}

#endif /* LANNER_TASK_H */
