/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What both probes do alike, in words that each has for itself (words.h beside it): how
 * memory is read, where an event is made. This is the way in and out: what a call was
 * given, and the values of its event.
 */
#ifndef LANNER_OPS_VALUES_H
#define LANNER_OPS_VALUES_H

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
	return &record(c)[c->off & EVENT_MASK];
}

/*
 * Makes the n bytes in the room the next value. If their number is not a constant, the
 * offset goes by memory, where the verifier does not follow it: it would look at what
 * comes next anew for each value that it takes apart.
 */
static __always_inline void commit(struct call *c, u32 n)
{
	*(u16 *)&record(c)[c->lens & EVENT_MASK] = n;
	c->lens += sizeof(u16);
	c->off += n;
	if (!__builtin_constant_p(n)) {
		*(volatile u32 *)&c->s->off = c->off;
		c->off = *(volatile u32 *)&c->s->off;
	}
}

/*
 * Stores are not aligned; a packed structure would make the compiler take bytes
 * one by one.
 */
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

/* A device as the contract has it (include/linux/kdev_t.h:new_encode_dev). */
static __always_inline u32 wire_dev(u32 dev)
{
	u32 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

#endif /* LANNER_OPS_VALUES_H */
