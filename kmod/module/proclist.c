// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The list of all threads with the processor time that they took. */
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/threads.h>
#include <linux/uaccess.h>
#include <linux/mm.h>
#include "consumer.h"

static u64 ticks(u64 ns)
{
	return div_u64(ns, NSEC_PER_SEC / USER_HZ);
}

/* Fills in up to max threads, and returns how many there are. */
static s64 list_threads(struct proc_entry *to, s64 max)
{
	struct task_struct *process, *t;
	u64 utime, stime;
	s64 n = 0;

	rcu_read_lock();
	for_each_process_thread(process, t) {
		if (n++ >= max)
			continue;
		task_cputime_adjusted(t, &utime, &stime);
		to[n - 1] = (struct proc_entry){ t->pid, ticks(utime), ticks(stime) };
	}
	rcu_read_unlock();
	return n;
}

int proclist_get(struct proc_list __user *list)
{
	struct proc_list head;
	struct proc_entry *entries;
	int err = 0;

	if (copy_from_user(&head, list, sizeof(head)))
		return -EFAULT;
	if (head.max_entries < 0)
		return -EINVAL;
	head.max_entries = min_t(s64, head.max_entries, PID_MAX_LIMIT);
	entries = kvmalloc_array(head.max_entries ?: 1, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	head.n_entries = list_threads(entries, head.max_entries);
	if (put_user(head.n_entries, &list->n_entries))
		err = -EFAULT;
	else if (head.n_entries > head.max_entries)
		err = -ENOSPC;
	else if (copy_to_user(list->entries, entries, head.n_entries * sizeof(*entries)))
		err = -EFAULT;
	kvfree(entries);
	return err;
}
