/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Sending an event to the reader, and counting those that find no room. */
#ifndef LANNER_SUBMIT_H
#define LANNER_SUBMIT_H

#include "call.h"
#include "../../kernel/uapi/drops.h"

/* Counts an event that found no room. */
static __always_inline void count_drop(struct scratch *s, u16 type)
{
	s->counters.n_drops_buffer++;
	s->counters.by_category[drop_category(type)]++;
}

/*
 * How to submit n bytes. The reader looks into the buffers every few milliseconds,
 * so that an event costs no interrupt; it is only woken if much came meanwhile.
 */
static __always_inline u64 wakeup(struct scratch *s, u32 n)
{
	s->quiet += n;
	if (s->quiet < wakeup_bytes)
		return BPF_RB_NO_WAKEUP;
	s->quiet = 0;
	return BPF_RB_FORCE_WAKEUP;
}

/* Sends an event. More may follow. */
static __always_inline void submit(struct call *c, u16 type)
{
	struct scratch *s = c->s;
	u32 cpu = s->cpu;
	void *ring;

	s->counters.n_evts++;
	if (c->off > EVENT_MASK) {
		s->counters.n_drops_max_event_size++;
		return;
	}
	*(u32 *)(s->record + RECORD_HEAD + 16) = c->off - RECORD_HEAD;
	ring = bpf_map_lookup_elem(&rings, &cpu);
	if (!ring || bpf_ringbuf_output(ring, s->record, c->off, wakeup(s, c->off)))
		count_drop(s, type);
}

/* Sends the event that was all there is to tell. */
static __always_inline void end(struct call *c, u16 type)
{
	if (!c->sent)
		submit(c, type);
	release(c->s);
}

#endif /* LANNER_SUBMIT_H */
