/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * An event under construction. Programs run with preemption off, so each CPU has
 * memory of its own, in which the program that a tracepoint starts leaves what it
 * found out for those that it tail-calls. Only a page fault can come in between,
 * see busy.
 */
#ifndef LANNER_CALL_H
#define LANNER_CALL_H

#include "maps.h"
#include "../../kernel/uapi/convert.h"

/* Bytes of an event, header included. A power of two: offsets mask to it. */
#define EVENT_MAX (1U << 16)
#define EVENT_MASK (EVENT_MAX - 1)

/*
 * The longest that is sent: a perf record has 16 bits for its length, with its head,
 * the length of the data, the flags behind the event, and what rounds all to 8.
 */
#define EVENT_SEND_MAX (EVENT_MAX - 32)

struct call {
	struct state *s;
	u8 *record;	/* where the event is made: 2 * EVENT_MAX bytes at least */
	u8 *work;	/* of fillers, see maps.h */
	struct settings *set;
	void *ctx;	/* of the program */
	s64 ret;	/* of the call: value, or -errno */
	u32 off;	/* in the record, of the next value */
	u32 lens;	/* in the record, of the next length */
	bool enter;	/* there is no result yet */
	bool sent;	/* the filler has sent everything itself */
	struct task_struct *task;	/* whom the event is of; NULL: current */
	struct file *file;	/* behind the result; NULL: not looked up */
};

/* Finds the memory of this CPU; false: there is none. */
static __always_inline bool find_memory(struct call *c)
{
	u32 cpu = bpf_get_smp_processor_id(), zero = 0;

	c->s = bpf_map_lookup_elem(&local_state_map, &cpu);
	if (!c->s)
		return false;
	c->record = bpf_map_lookup_elem(&frame_scratch_map, &cpu);
	if (!c->record)
		return false;
	c->work = bpf_map_lookup_elem(&tmp_scratch_map, &cpu);
	if (!c->work)
		return false;
	c->set = bpf_map_lookup_elem(&settings_map, &zero);
	return c->set;
}

static __always_inline bool current_profile(struct call *c)
{
	return profile == PROFILE_CURRENT;
}

static __always_inline s64 result(struct call *c)
{
	return c->ret;
}

static __always_inline u64 arg(struct call *c, int i)
{
	return c->s->args[i];
}

static __always_inline u64 sc(struct call *c)
{
	return c->s->sc;
}

static __always_inline u64 native_number(struct call *c)
{
	return c->s->nr;
}

static __always_inline struct task_struct *task(struct call *c)
{
	return c->task ? c->task : (void *)bpf_get_current_task();
}

/* Bytes of a long in the caller's structures. */
static __always_inline u32 long_size(struct call *c)
{
	return c->s->compat ? 4 : 8;
}

/* Where the next value goes. At least EVENT_MAX bytes are behind it. */
static __always_inline u8 *room(struct call *c)
{
	return &c->record[c->off & EVENT_MASK];
}

/*
 * Makes the n bytes in the room the next value. If their number is not a constant, the
 * offset goes by memory, where the verifier does not follow it: it would look at what
 * comes next anew for each value that it takes apart.
 */
static __always_inline void commit(struct call *c, u32 n)
{
	*(u16 *)&c->record[c->lens & EVENT_MASK] = n;
	c->lens += sizeof(u16);
	c->off += n;
	if (!__builtin_constant_p(n)) {
		*(volatile u32 *)&c->s->off = c->off;
		c->off = *(volatile u32 *)&c->s->off;
	}
}

/* Stores are not aligned; a packed structure would make the compiler take bytes one by one. */
#define PUT(name, type)						\
static __always_inline void put_##name(struct call *c, type v)	\
{								\
	*(type *)room(c) = v;					\
	commit(c, sizeof(v));					\
}
PUT(u8, u8)
PUT(u16, u16)
PUT(u32, u32)
PUT(u64, u64)
PUT(s64, s64)

static __always_inline void put_empty(struct call *c)
{
	commit(c, 0);
}

/* An empty string is its NUL. */
static __always_inline void put_empty_string(struct call *c)
{
	*room(c) = 0;
	commit(c, 1);
}

/* A dynamic value of 8 bytes behind its index. */
static __always_inline void put_dyn64(struct call *c, u8 index, u64 v)
{
	u8 *r = room(c);

	r[0] = index;
	*(u64 *)(r + 1) = v;
	commit(c, 9);
}

/* Starts an event with n parameters. */
static __always_inline void begin(struct call *c, u16 type, u32 n)
{
	u8 *r = c->record;

	c->s->busy = 1;
	c->s->type = type;
	c->s->ts = bpf_ktime_get_ns() + c->set->boot_time;
	*(u64 *)r = c->s->ts;
	*(u64 *)(r + 8) = (u32)c->s->id;
	*(u16 *)(r + 20) = type;
	*(u32 *)(r + 22) = n;
	c->lens = EVENT_HEADER_SIZE;
	c->off = EVENT_HEADER_SIZE + n * sizeof(u16);
}

#include "submit.h"

#endif /* LANNER_CALL_H */
