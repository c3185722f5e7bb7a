/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * An event under construction. Probes run with preemption off, so each CPU has one
 * scratch buffer, in which an event is laid out before it is copied to a ring. Only a
 * page fault of our own reading can come in between, see busy.
 */
#ifndef LANNER_CALL_H
#define LANNER_CALL_H

#include <linux/binfmts.h>
#include <linux/file.h>
#include <linux/timekeeping.h>
#include "ring.h"
#include "compat.h"
#include "../../kernel/uapi/convert.h"

/*
 * A value starts below EVENT_LIMIT and is at most EVENT_MAX_PARAM_LEN bytes long, but
 * for what stands in front of it in some; none needs more than VALUE_ROOM.
 */
#define EVENT_LIMIT (1U << 17)	/* bytes */
#define VALUE_ROOM (EVENT_MAX_PARAM_LEN + 4096)
#define WORK_SIZE 4096

/* What a CPU works with. */
struct scratch {
	bool busy;	/* an event is under way: what comes in between is of our own reading */
	u8 work[WORK_SIZE];	/* of fillers */
	u8 record[EVENT_LIMIT + VALUE_ROOM];
};

/* A file that a filler looks at is held until the events of the call are sent. */
#define FILES_MAX 4	/* no event is of more descriptors */

struct held_file {
	s64 fd;
	struct file *file;
};

struct call {
	struct consumer *con;	/* whom the event is for */
	struct ring *ring;
	struct scratch *s;
	u64 args[6];
	s64 ret;	/* of the call: value, or -errno */
	u32 off;	/* in the record, of the next value */
	u32 lens;	/* in the record, of the next length */
	u16 nr;		/* number of the call in the 64-bit table */
	u16 sc;		/* code of the call */
	bool compat;	/* 32-bit longs and pointers */
	bool enter;	/* there is no result yet */
	bool sent;	/* the filler has sent everything itself */
	bool started;	/* execve has worked: the event is of the new program */
	bool full;	/* the event is longer than any may be */
	struct linux_binprm *bprm;	/* of that program */
	struct kernel_siginfo *siginfo;
	struct task_struct *task;	/* whom the event is of; NULL: current */
	struct held_file files[FILES_MAX];
	u32 nfiles;
};

typedef void (*fill_fn)(struct call *c);

static inline bool current_profile(struct call *c)
{
	return LANNER_PROFILE == PROFILE_CURRENT;
}

static inline s64 result(struct call *c)
{
	return c->ret;
}

static inline u64 arg(struct call *c, int i)
{
	return c->args[i];
}

static inline u64 sc(struct call *c)
{
	return c->sc;
}

static inline u64 native_number(struct call *c)
{
	return c->nr;
}

static inline struct task_struct *task(struct call *c)
{
	return c->task ? c->task : current;
}

/* Bytes of a long in the caller's structures. */
static inline u32 long_size(struct call *c)
{
	return c->compat ? 4 : 8;
}

/* Where the next value goes: VALUE_ROOM bytes. */
static inline u8 *room(struct call *c)
{
	return c->s->record + c->off;
}

/* Makes the n bytes in the room the next value. */
static inline void commit(struct call *c, u32 n)
{
	u16 len = n;

	memcpy(c->s->record + c->lens, &len, sizeof(len));
	c->lens += sizeof(len);
	c->off += n;
	if (c->off > EVENT_LIMIT) {
		c->full = true;
		c->off = EVENT_LIMIT;
	}
}

/* Values are not aligned. */
#define PUT(name, type)						\
static inline void put_##name(struct call *c, type v)		\
{								\
	memcpy(room(c), &v, sizeof(v));				\
	commit(c, sizeof(v));					\
}
PUT(u8, u8)
PUT(u16, u16)
PUT(u32, u32)
PUT(u64, u64)
PUT(s64, s64)

static inline void put_empty(struct call *c)
{
	commit(c, 0);
}

/* An empty string is its NUL. */
static inline void put_empty_string(struct call *c)
{
	put_u8(c, 0);
}

/* A dynamic value of 8 bytes behind its index. */
static inline void put_dyn64(struct call *c, u8 index, u64 v)
{
	u8 *r = room(c);

	r[0] = index;
	memcpy(r + 1, &v, sizeof(v));
	commit(c, 9);
}

/* Starts an event with n parameters. */
static inline void begin(struct call *c, u16 type, u32 n)
{
	struct event_head head = {
		.ts = ktime_get_real_ns(),
		.tid = task_pid_nr(task(c)),
		.type = type,
		.nparams = n,
	};

	memcpy(c->s->record, &head, sizeof(head));
	c->lens = EVENT_HEADER_SIZE;
	c->off = EVENT_HEADER_SIZE + n * sizeof(u16);
	c->full = false;
	c->sent = false;
}

/* Ends an event and sends it. */
static inline void end(struct call *c, u16 type)
{
	if (c->sent)
		return;
	memcpy(c->s->record + offsetof(struct event_head, len), &c->off, sizeof(c->off));
	c->ring->info->n_evts++;
	if (c->full || !ring_write(c->ring, c->s->record, c->off))
		ring_count_drop(c->ring, type);
}

#define FILLER static
#define UNROLL	/* in front of loops, which old verifiers do not know */
#define FILL(name, type, n)				\
static void lay_out_##name(struct call *c);		\
static void fill_##name(struct call *c)			\
{							\
	begin(c, type, n);				\
	lay_out_##name(c);				\
	end(c, type);					\
}							\
static void lay_out_##name(struct call *c)

#endif /* LANNER_CALL_H */
