/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Writing to a ring, and counting what finds no room in it. */
#ifndef LANNER_RING_H
#define LANNER_RING_H

#include <linux/string.h>
#include "consumer.h"
#include "../../kernel/uapi/drops.h"

/*
 * Copies n bytes to the ring, all or none. Only the CPU of the ring comes here, with
 * preemption off. The reader's tail may be anything.
 */
static inline bool ring_write(struct ring *r, const u8 *from, u32 n)
{
	u32 tail = smp_load_acquire(&r->info->tail), first;

	if (tail >= r->size || ((tail - r->head - 1) & (r->size - 1)) < n)
		return false;
	first = min(n, r->size - r->head);
	memcpy(r->data + r->head, from, first);
	memcpy(r->data, from + first, n - first);
	r->head = (r->head + n) & (r->size - 1);
	smp_store_release(&r->info->head, r->head);
	return true;
}

/* The counter of a kind of events; NULL: it counts in the total only. */
static inline u64 *drop_counter(struct ring_info *info, u16 type)
{
#ifndef LANNER_LEGACY
	switch (drop_category(type)) {
#ifdef LANNER_036
	case DROP_CLONE_FORK_ENTER: return &info->clone_fork_enter;
	case DROP_EXECVE_ENTER: return &info->execve_enter;
	case DROP_DIR_FILE_ENTER: return &info->dir_file_enter;
	case DROP_OTHER_INTEREST_ENTER: return &info->other_interest_enter;
#endif
	case DROP_OPEN_ENTER: return &info->open_enter;
	case DROP_CONNECT_ENTER: return &info->connect_enter;
	case DROP_OPEN_EXIT: return &info->open_exit;
	case DROP_CONNECT_EXIT: return &info->connect_exit;
	case DROP_CLONE_FORK_EXIT: return &info->clone_fork_exit;
	case DROP_EXECVE_EXIT: return &info->execve_exit;
	case DROP_DIR_FILE_EXIT: return &info->dir_file_exit;
	case DROP_OTHER_INTEREST_EXIT: return &info->other_interest_exit;
	case DROP_CLOSE_EXIT: return &info->close_exit;
	case DROP_PROC_EXIT: return &info->proc_exit;
	default: break;
	}
#endif
	return NULL;
}

static inline void ring_count_drop(struct ring *r, u16 type)
{
	u64 *kind = drop_counter(r->info, type);

	r->info->n_drops_buffer++;
	if (kind)
		++*kind;
}

#endif /* LANNER_RING_H */
