/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The programs of events, as fill.h declares them: each is the target of a tail call
 * from the tracepoint that its event hangs on.
 */
#ifndef LANNER_PROGRAMS_H
#define LANNER_PROGRAMS_H

#include "call.h"

#define FILL_ENTER(name, type, n) FILL_CALL(name, type, n, true, 0)
#define FILL_EXIT(name, type, n) FILL_CALL(name, type, n, false, CALL_RESULT(ctx))

#define FILL_CALL(name, type, n, at_entry, value)			\
static __always_inline void fill_##name(struct call *c);		\
TAIL(name)								\
int name(u64 *ctx)							\
{									\
	struct call call = { .ctx = ctx, .enter = at_entry, .ret = value }, *c = &call;	\
									\
	if (!find_memory(c))						\
		return 0;						\
	begin(c, type, n);						\
	fill_##name(c);							\
	end(c, type);							\
	return 0;							\
}									\
static __always_inline void fill_##name(struct call *c)

/* Events of other tracepoints are laid out by the program that hangs there. */
#define FILL_POINT(name, type, n)					\
static __always_inline void fill_##name(struct call *c)

#endif /* LANNER_PROGRAMS_H */
