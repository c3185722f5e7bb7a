/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Arrays of strings, as execve gets them, a few strings in a round. */
#ifndef LANNER_STRINGS_H
#define LANNER_STRINGS_H


#define ARGS_MAX 4096		/* bytes of argv, and of the environment */
#define STRINGS_STEPS 48	/* of a round */
#define STRINGS_ROUNDS 8

/*
 * Leaves reading the strings of an argv-like array, each with its NUL, into the room to
 * rounds, until the first that can't be read; the event goes on with a stage, which
 * finds their lengths in s->first and s->n.
 */
static __always_inline void begin_strings(struct call *c, u64 array, u32 next)
{
	struct state *s = c->s;

	s->array = array;
	s->first = s->n = 0;
	s->round = 0;
	s->next = next;
	go_on(c, array ? STAGE_STRINGS : next);
}

/* Reads the next string; false: there is none. */
static __always_inline bool read_string(struct call *c)
{
	struct state *s = c->s;
	u64 addr = 0;
	int n;

	if (s->n >= ARGS_MAX || bpf_probe_read(&addr, long_size(c), (void *)s->array) || !addr)
		return false;
	n = read_text(&c->record[(c->off + s->n) & EVENT_MASK], at_most(ARGS_MAX - s->n, ARGS_MAX), (void *)addr);
	if (n <= 0)
		return false;
	if (!s->first)
		s->first = n;
	s->n += n;
	s->array += long_size(c);
	return true;
}

STAGE(stage_strings)
{
	int i;

#pragma unroll
	for (i = 0; i < STRINGS_STEPS; i++) {
		if (!read_string(c))
			return go_on(c, c->s->next);
	}
	if (++c->s->round < STRINGS_ROUNDS)
		return go_on(c, STAGE_STRINGS);
	go_on(c, c->s->next);
}

#endif /* LANNER_STRINGS_H */
