/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * An event under construction. Each CPU has one scratch entry, in which the program
 * that a tracepoint starts leaves what it found out for the one that it tail-calls.
 * Programs stay on their CPU, but others may come in between: page faults of our own
 * reading, and since Linux 7 other threads, see claim.
 */
#ifndef LANNER_CALL_H
#define LANNER_CALL_H

#include "kernel.h"
#include "config.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "../../kernel/uapi/syscalls.h"
#include "../../kernel/uapi/convert.h"

/* What is in front of an event in a ring buffer. */
struct record_head {
	u16 cpu;
	u16 flags;	/* EVENT_STATE_ONLY */
};

/* Bytes of a record in front of the values' lengths. */
#define RECORD_HEAD sizeof(struct record_head)
#define RECORD_LENS (RECORD_HEAD + EVENT_HEADER_SIZE)

/* Counters, in the order of their names in the reader. */
struct counters {
	u64 n_evts;
	u64 n_drops_buffer;
	u64 by_category[15];	/* enum drop_category */
	u64 n_drops_max_event_size;
	u64 n_preemptions;
};

/* A walk over a vector array, see data.h. */
struct vectors {
	u64 addr;
	u64 sum;	/* of the lengths seen so far */
	u32 at;		/* in the record, where the next data goes */
	u32 left;	/* bytes that are wanted still */
};

/* A walk over the strings of an argv-like array, see fill_exec.h. */
struct strings {
	u64 array;
	u32 first;	/* bytes of the first string */
	u32 n;		/* bytes so far */
	u32 at;		/* in the record, of the first */
};

/* A path under construction, see path.h: it is built from its end. */
struct path_walk {
	u64 mount, dentry;
	u32 start;	/* in work, where it starts so far */
};

/* A poll set that is written, see fill_misc.h. */
struct poll_walk {
	u32 at;		/* in the record, of the next entry */
	u16 listed;	/* entries */
	u8 enter;
};

#define WORK_SIZE (1U << 13)

/* What a CPU works with; readers map it for its counters. */
struct scratch {
	struct counters counters;
	u64 args[6];	/* of the call */
	u64 id;		/* whose event is under way, see id_of */
	u16 nr;		/* number of the call in the 64-bit table */
	u16 sc;		/* code of the call */
	u16 cpu;
	u8 compat;	/* 32-bit longs and pointers */
	u8 flags;	/* EVENT_STATE_ONLY */
	u8 known;	/* readers know of the CPU: it was there when they started */
	u32 busy;	/* 1: an event is under way; more for moments only, see claim */
	u32 quiet;	/* bytes sent since the reader was last woken */
	u64 member;	/* a process that was in the tree, not muted, and tree_version then */
	union {
		struct vectors vectors;
		struct strings strings;
		struct path_walk path;
		struct poll_walk poll;
	};
	u32 at;		/* in the record, where append_cgroup goes on */
	u32 off;	/* see commit */
	u8 work[2 * WORK_SIZE];	/* of fillers */
	u8 record[2 * EVENT_MAX];	/* a value starts in the first half */
};

/* One entry for each possible CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);	/* set by the loader */
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 12);	/* set by the loader */
};

/* The buffer of each possible CPU; several CPUs may share one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);	/* set by the loader */
	__type(key, u32);
	__array(values, struct ring);
} rings SEC(".maps");

struct call {
	struct scratch *s;
	s64 ret;	/* of the call: value, or -errno */
	u32 off;	/* in the record, of the next value */
	u32 lens;	/* in the record, of the next length */
	bool enter;	/* there is no result yet */
	bool sent;	/* the filler has sent everything itself */
	bool started;	/* execve has worked: the event is of the new program */
	struct linux_binprm *bprm;	/* of that program */
	struct task_struct *task;	/* whom the event is of; NULL: current */
	struct file *file;	/* behind the result; NULL: not looked up */
	struct inode *inode;	/* of file */
	struct super_block *sb;	/* of inode */
};

/*
 * From 5.11 on the current task has a type, and what is in it can be read without a
 * helper's call. Calls cost: each returns to where the CPU may not have expected it.
 */
static __always_inline bool typed_task(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf);
}

static __always_inline struct task_struct *current_task(void)
{
	if (typed_task())
		return bpf_get_current_task_btf();
	return (void *)bpf_get_current_task();
}

/* Process and thread of the current task, as bpf_get_current_pid_tgid gives them. */
static __always_inline u64 id_of(struct task_struct *t)
{
	if (typed_task())
		return (u64)t->tgid << 32 | (u32)t->pid;
	return bpf_get_current_pid_tgid();
}

static __always_inline struct scratch *scratch(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&scratches, &cpu);
}

/*
 * Takes the scratch entry for an event of a thread; false if another event is under way:
 * then this one is counted as lost, unless it is the thread's own, a page fault of our
 * reading.
 *
 * Since Linux 7 programs at tracepoints may be preempted (trace/bpf_probe.h, and
 * __DECLARE_TRACE of linux/tracepoint.h), but stay on their CPU. Who finds more than its
 * own 1 gives way: at most one goes on, and of two that meet both may give way. (An
 * operation that returns the old value would be exact, but takes Linux 5.12.)
 */
static __always_inline bool claim(struct scratch *s, u64 id)
{
	__sync_fetch_and_add(&s->busy, 1);
	if (*(volatile u32 *)&s->busy != 1) {
		__sync_fetch_and_add(&s->busy, -1);
		if (s->id != id)
			__sync_fetch_and_add(&s->counters.n_preemptions, 1);
		return false;
	}
	s->id = id;
	return true;
}

/* Gives the scratch entry back. */
static __always_inline void release(struct scratch *s)
{
	__sync_fetch_and_add(&s->busy, -1);
}

#include "words.h"

/* Starts an event with n parameters. */
static __always_inline void begin(struct call *c, u16 type, u32 n)
{
	u8 *r = c->s->record;

	*(u32 *)r = c->s->cpu | (u32)c->s->flags << 16;
	*(u64 *)(r + RECORD_HEAD) = bpf_ktime_get_boot_ns() + boot_time;
	*(u64 *)(r + RECORD_HEAD + 8) = (u32)c->s->id;
	*(u16 *)(r + RECORD_HEAD + 20) = type;
	*(u32 *)(r + RECORD_HEAD + 22) = n;
	c->lens = RECORD_LENS;
	c->off = RECORD_LENS + n * sizeof(u16);
}

#include "submit.h"

#endif /* LANNER_CALL_H */
