/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What tasks are: their memory here, the rest is alike. */
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
		n = READ(old, rss_stat.count[kind].counter);
	} else {
		counter = (void *)mm + bpf_core_field_offset(struct mm_struct, rss_stat) +
			  kind * bpf_core_type_size(struct percpu_counter);
		n = READ(counter, count);
	}
	return n < 0 ? 0 : n;
}

#include "../ops/task.h"

#endif /* LANNER_TASK_H */
