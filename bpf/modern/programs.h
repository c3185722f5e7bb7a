/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The programs of events, as fill.h declares them: each is the target of a tail call
 * from the tracepoint that its event hangs on.
 */
#ifndef LANNER_PROGRAMS_H
#define LANNER_PROGRAMS_H

#include "call.h"

/* By event; the loader puts in those that are wanted. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, EVENT_TYPES);
	__type(key, u32);
	__type(value, u32);
} enter_programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, EVENT_TYPES);
	__type(key, u32);
	__type(value, u32);
} exit_programs SEC(".maps");

#define FILL_ENTER(name, type, n)					\
static __always_inline void fill_##name(struct call *c);		\
SEC("tp_btf/sys_enter")							\
int name(u64 *ctx)							\
{									\
	struct call call = { .enter = true }, *c = &call;		\
									\
	call.s = scratch();						\
	if (!call.s)							\
		return 0;						\
	begin(c, type, n);						\
	fill_##name(c);							\
	end(c, type);							\
	return 0;							\
}									\
static __always_inline void fill_##name(struct call *c)

#define FILL_EXIT(name, type, n)					\
static __always_inline void fill_##name(struct call *c);		\
SEC("tp_btf/sys_exit")							\
int name(u64 *ctx)							\
{									\
	struct call call = { .ret = ctx[1] }, *c = &call;		\
									\
	call.s = scratch();						\
	if (!call.s)							\
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
