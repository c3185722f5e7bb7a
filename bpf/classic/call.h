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

#include "words.h"

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
