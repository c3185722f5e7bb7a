/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What tasks are: ids, memory, credentials. */
#ifndef LANNER_TASK_H
#define LANNER_TASK_H

#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include "call.h"

#define KIB_SHIFT (PAGE_SHIFT - 10)

/*
 * Pages of one kind; from 6.2 on those that CPUs have handed in
 * (lib/percpu_counter.c:percpu_counter_batch).
 */
static u64 mm_pages(struct mm_struct *mm, int kind)
{
	long n = get_mm_counter(mm, kind);

	return n < 0 ? 0 : n;
}

static u64 mm_size(struct mm_struct *mm)
{
	return (u64)mm->total_vm << KIB_SHIFT;
}

static u64 mm_rss(struct mm_struct *mm)
{
	return (mm_pages(mm, MM_FILEPAGES) + mm_pages(mm, MM_ANONPAGES) + mm_pages(mm, MM_SHMEMPAGES)) << KIB_SHIFT;
}

static u64 mm_swap(struct mm_struct *mm)
{
	return mm_pages(mm, MM_SWAPENTS) << KIB_SHIFT;
}

static u64 vm_size(struct call *c)
{
	struct mm_struct *mm = task(c)->mm;

	return mm ? mm_size(mm) : 0;
}

static u64 vm_rss(struct call *c)
{
	struct mm_struct *mm = task(c)->mm;

	return mm ? mm_rss(mm) : 0;
}

static u64 vm_swap(struct call *c)
{
	struct mm_struct *mm = task(c)->mm;

	return mm ? mm_swap(mm) : 0;
}

static void put_memory(struct call *c, struct task_struct *t)
{
	struct mm_struct *mm = t->mm;

	put_u64(c, t->maj_flt);
	put_u64(c, t->min_flt);
	put_u32(c, mm ? mm_size(mm) : 0);
	put_u32(c, mm ? mm_rss(mm) : 0);
	put_u32(c, mm ? mm_swap(mm) : 0);
}

/* Those of the contract: up to CAP_CHECKPOINT_RESTORE. */
#define CAPABILITIES ((1ULL << 41) - 1)

/* Capabilities are 64 bits of one word or, before 6.3, of two. */
static u64 capabilities(const kernel_cap_t *set)
{
	u64 v;

	BUILD_BUG_ON(sizeof(*set) != sizeof(v));
	memcpy(&v, set, sizeof(v));
	return v & CAPABILITIES;
}

#define CAPABILITY(name)				\
static u64 name(struct call *c)				\
{							\
	return capabilities(&__task_cred(task(c))->name);	\
}
CAPABILITY(cap_inheritable)
CAPABILITY(cap_permitted)
CAPABILITY(cap_effective)

/* The id in the PID namespace that it was made in. */
static int own_nr(struct pid *pid)
{
	return pid->numbers[pid->level].nr;
}

static void put_comm(struct call *c, struct task_struct *t)
{
	u32 n = strnlen(t->comm, sizeof(t->comm) - 1);

	memcpy(room(c), t->comm, n);
	room(c)[n] = 0;
	commit(c, n + 1);
}

#endif /* LANNER_TASK_H */
