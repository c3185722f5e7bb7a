/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The words that ../ops is written in, as this probe has them; READ is in helpers.h. */
#ifndef LANNER_WORDS_H
#define LANNER_WORDS_H

/* The address of a member, as it is in the kernel that runs. */
#define AT(address) (address)

/* The place of a member in a structure, and the size of one, in bytes. */
#define OFFSET(type, member) offsetof(type, member)
#define SIZE(type) sizeof(type)

#define READ_INTO(to, ...) (*(to) = READ(__VA_ARGS__))

/* In front of loops, which old verifiers do not know. */
#define UNROLL _Pragma("unroll")

#define bpf_ntohs(v) __builtin_bswap16(v)

#define setting(c, name) ((c)->set->name)

/* Scratch memory, and where the event is made: 2 * EVENT_MAX bytes. */
#define work(c) ((c)->work)
#define record(c) ((c)->record)

/*
 * A length that the verifier sees the bound of. With the barriers the compiler knows
 * nothing of the value: else it may leave the comparison out because of an earlier one, or
 * compare one copy and use another.
 */
static __always_inline u64 at_most(u64 n, u64 most)
{
	asm volatile("" : "+r"(n));
	if (n > most)
		n = most;
	asm volatile("" : "+r"(n));
	return n;
}

static __always_inline bool read_user(void *dst, u64 size, u64 addr)
{
	return addr && !bpf_probe_read(dst, size, (void *)addr);
}

static __always_inline void read_kernel(void *dst, u64 size, const void *from)
{
	bpf_probe_read(dst, size, from);
}

static __always_inline int read_user_string(void *dst, u64 size, u64 addr)
{
	return read_text(dst, size, (void *)addr);
}

static __always_inline int read_kernel_string(void *dst, u64 size, const void *from)
{
	return read_text(dst, size, from);
}

#include "../ops/values.h"

/* Reads n bytes into the room, and returns how many there are: all or none. */
static __always_inline u32 read_room(struct call *c, u64 addr, u64 n)
{
	n = at_most(n, EVENT_MAX_PARAM_LEN);
	return n && read_user(room(c), n, addr) ? n : 0;
}

#include "../ops/user.h"

#endif /* LANNER_WORDS_H */
