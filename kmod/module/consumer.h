/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Readers. In a nutshell: a consumer is a thread that has opened devices, one for each
 * CPU; it has settings, and a ring per device. Consumers are on a list that probes walk
 * under RCU; everything else about them is under consumers_lock.
 */
#ifndef LANNER_CONSUMER_H
#define LANNER_CONSUMER_H

#include <linux/bitmap.h>
#include <linux/cgroup.h>
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include "device.h"
#include "../../kernel/uapi/syscalls.h"

/* A buffer of events of one CPU, which alone writes to it. */
struct ring {
	struct ring_info *info;	/* a page, mapped by the reader: not to be trusted */
	u8 *data;
	u32 size;	/* bytes, a power of two */
	u32 head;	/* where the next event goes */
	bool off;	/* legacy: until the reader turns it on */
};

enum scope_kind {
	OPEN_SCOPE,	/* all, the reader too: what the contract has */
	HOST_SCOPE,
	TREE_SCOPE,
	CGROUP_SCOPE,
};

#define TREE_BITS 10

struct tree {
	DECLARE_HASHTABLE(members, TREE_BITS);	/* struct member, by process id */
	raw_spinlock_t lock;	/* of changes */
	u32 count;		/* of members, those that have ended included */
	struct tree_state state;
};

struct consumer {
	struct list_head node;
	struct pid *owner;	/* the thread */
	struct pid *self;	/* its process */
	unsigned int devices;	/* that it has open */
	u32 buffer_size;	/* bytes of each ring */
	struct ring __rcu **rings;	/* by CPU; NULL: not open */

	/* Settings, read by probes while they change. */
	u32 snaplen;		/* bytes */
	u32 sampling_ratio;
	bool dropping_mode;
	bool drop_failed;
	bool dynamic_snaplen;
	u16 fullcapture_start, fullcapture_end, statsd_port;
	unsigned long points;	/* wanted, bits of enum point */
	DECLARE_BITMAP(syscalls, SYSCALL_TABLE_SIZE);	/* wanted, by 64-bit number */
#ifdef LANNER_LEGACY
	DECLARE_BITMAP(masked, EVENT_TYPES);	/* events that are not wanted */
#endif
	enum scope_kind scope;
	struct tree *tree;
	struct cgroup *cgroup;

	/* Written by probes. */
	bool is_dropping;	/* the last call that was looked at was left out */
	u32 new_cpu;		/* 1 + a CPU without a ring that nobody was told of; 0: none */
	unsigned long *told;	/* CPUs without a ring that the reader was told of */
};

extern struct mutex consumers_lock;
extern struct list_head consumers;

struct consumer *consumer_get(void);
void consumer_put(struct consumer *con);
int consumer_open_ring(struct consumer *con, unsigned int cpu);
void consumer_close_ring(struct consumer *con, unsigned int cpu);
int consumer_want(struct consumer *con, unsigned long points);

/* tracepoints.c */
int points_find(void);
int points_update(void);

/* probes.c */
int scratch_prepare(unsigned int cpu);
void scratch_free(void);
u64 points_hit(unsigned int cpu);

/* scope.c */
int scope_set(struct consumer *con, unsigned int cmd, unsigned long arg);
int tree_add_process(struct consumer *con, pid_t pid, bool armed);
void scope_clear(struct consumer *con);

/* proclist.c */
int proclist_get(struct proc_list __user *list);

#endif /* LANNER_CONSUMER_H */
