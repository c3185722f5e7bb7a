/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What threads are called in the initial PID namespace, for a reader that runs in
 * another one: it knows them by the ids of its own namespace, and no file of /proc
 * tells those further up.
 */
#ifndef LANNER_FIND_H
#define LANNER_FIND_H

#include "task.h"

#define PID_NS_LEVELS 32	/* MAX_PID_NS_LEVEL, linux/pid_namespace.h */

const volatile u32 reader_pid_ns;	/* inode number */

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	union { struct bpf_iter_meta *meta; u64 :64; };
	union { struct task_struct *task; u64 :64; };
};

/* What find_ids writes of a thread: its id in the reader's namespace, then initial ids. */
struct thread_ids {
	u32 own;
	u32 tid, pid;
	u32 ppid;	/* of the parent */
	u32 pgid, sid;
};

static __always_inline u32 group_nr(struct task_struct *t, u32 type)
{
	struct pid *pid = READ(t, signal, pids[type]);

	return pid ? initial_nr(pid) : 0;
}

/* Writes the ids of each thread of the reader's namespace. */
SEC("iter/task")
int find_ids(struct bpf_iter__task *ctx)
{
	struct bpf_iter_meta *meta = ctx->meta;
	struct task_struct *t = ctx->task;
	struct pid *pid;
	struct upid *u;
	struct thread_ids ids;
	u32 i;

	if (!t)
		return 0;
	pid = t->thread_pid;
	if (!pid)
		return 0;
	for (i = 1; i <= PID_NS_LEVELS; i++) {
		if (i > READ(pid, level))
			break;
		u = upid_at(pid, i);
		if (READ(u, ns, ns.inum) != reader_pid_ns)
			continue;
		ids.own = READ(u, nr);
		ids.tid = t->pid;
		ids.pid = t->tgid;
		ids.ppid = READ(t, real_parent, tgid);
		ids.pgid = group_nr(t, PIDTYPE_PGID);
		ids.sid = group_nr(t, PIDTYPE_SID);
		bpf_seq_write(meta->seq, &ids, sizeof(ids));
		break;
	}
	return 0;
}

#endif /* LANNER_FIND_H */
