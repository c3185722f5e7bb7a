/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What tasks are: their memory here, the rest is alike. */
#ifndef LANNER_TASK_H
#define LANNER_TASK_H

#include "call.h"

/*
 * Pages of one kind. Since 6.2 each CPU keeps some to itself until they are a batch
 * (lib/percpu_counter.c:percpu_counter_batch), and what is read here is the sum of
 * batches, as in the kernel's get_mm_counter.
 */
static __always_inline u64 mm_pages(struct mm_struct *mm, u32 kind)
{
	s64 n = mm_count(mm, kind);

	return n < 0 ? 0 : n;
}

#define page_kib_shift (PAGE_SHIFT - 10)

#include "../ops/task.h"

#endif /* LANNER_TASK_H */
