/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Sending an event to the reader, counting those that find no room, and going on elsewhere. */
#ifndef LANNER_SUBMIT_H
#define LANNER_SUBMIT_H

#include "call.h"
#include "../../kernel/uapi/drops.h"

#define ANY_CPU_HERE 0xffffffffULL	/* BPF_F_CURRENT_CPU */

/* Counts an event that found no room. */
static __always_inline void count_drop(struct state *s)
{
	u32 category = drop_category(s->type);

	s->n_drops_buffer++;
	if (category <= DROP_OTHER)
		s->by_category[category]++;
}

/* Ends an event and sends it. Its flags are behind it, where no reader of the contract looks. */
static __always_inline void end_event(struct call *c)
{
	struct state *s = c->s;
	u64 n = c->off;

	s->busy = 0;
	s->n_evts++;
	if (n > EVENT_SEND_MAX) {
		s->n_drops_scratch_map++;
		return;
	}
	asm volatile("" : "+r"(n));	/* the verifier wants to see what follows */
	n &= EVENT_MASK;
	*(u32 *)(c->record + 16) = n;
	c->record[n] = s->flags;
	if (bpf_perf_event_output(c->ctx, &perf_map, ANY_CPU_HERE, c->record, n + 1))
		count_drop(s);
}

static __always_inline void end(struct call *c, u16 type)
{
	if (!c->sent)
		end_event(c);
}

/*
 * Leaves an event to a stage. Coming back means that there have been too many already
 * (the kernel's MAX_TAIL_CALL_CNT): the event is lost, and counted.
 */
static __always_inline void go_on(struct call *c, u32 stage)
{
	struct state *s = c->s;

	c->sent = true;
	s->ret = c->ret;
	s->off = c->off;
	s->lens = c->lens;
	s->task = (u64)c->task;
	bpf_tail_call(c->ctx, &tail_map, stage);
	s->busy = 0;
	s->n_evts++;
	s->n_drops_bug++;
}

/* Takes an event up again. */
static __always_inline bool resume(struct call *c)
{
	if (!find_memory(c))
		return false;
	c->ret = c->s->ret;
	c->off = c->s->off;
	c->lens = c->s->lens;
	c->task = (void *)c->s->task;
	c->enter = !(c->s->type & 1);
	return true;
}

/* A program that goes on with an event. */
#define STAGE(name)						\
static __always_inline void do_##name(struct call *c);		\
TAIL(name)							\
int name(void *ctx)						\
{								\
	struct call call = { .ctx = ctx }, *c = &call;		\
								\
	if (resume(c))						\
		do_##name(c);					\
	return 0;						\
}								\
static __always_inline void do_##name(struct call *c)

#endif /* LANNER_SUBMIT_H */
