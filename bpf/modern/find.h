/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What processes are called in the initial PID namespace, for a reader that runs in
 * another one: it knows processes by the ids of its own namespace, and no file of
 * /proc tells those further up.
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

/* Writes for each process of the reader's namespace its id there and its initial one. */
SEC("iter/task")
int find_ids(struct bpf_iter__task *ctx)
{
	struct bpf_iter_meta *meta = ctx->meta;
	struct task_struct *t = ctx->task;
	struct pid *pid;
	struct upid *u;
	u32 ids[2], i;

	if (!t || t->pid != t->tgid)
		return 0;
	pid = t->thread_pid;
	if (!pid)
		return 0;
	for (i = 1; i <= PID_NS_LEVELS; i++) {
		if (i > BPF_CORE_READ(pid, level))
			break;
		u = upid_at(pid, i);
		if (BPF_CORE_READ(u, ns, ns.inum) != reader_pid_ns)
			continue;
		ids[0] = BPF_CORE_READ(u, nr);
		ids[1] = t->tgid;
		bpf_seq_write(meta->seq, ids, sizeof(ids));
		break;
	}
	return 0;
}

#endif /* LANNER_FIND_H */
