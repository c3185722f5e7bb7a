/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The words that ../ops is written in, as this probe has them. */
#ifndef LANNER_WORDS_H
#define LANNER_WORDS_H

#include <bpf/bpf_endian.h>

/* READ(p, a, b, c) is p->a->b->c, each pointer read in its turn: 0 if one of them can't be. */
#define READ BPF_CORE_READ
#define READ_INTO BPF_CORE_READ_INTO

/* The address of a member, as it is in the kernel that runs. */
#define AT(address) __builtin_preserve_access_index(address)

/* The place of a member in a structure, and the size of one, in bytes. */
#define OFFSET(type, member) bpf_core_field_offset(type, member)
#define SIZE(type) bpf_core_type_size(type)

/* In front of loops: verifiers know them. */
#define UNROLL

#define setting(c, name) (name)

#define thread_pid_of(t) READ(t, thread_pid)

/* No typedef: a relocation asks for a type by its name. */
#define signal_info struct kernel_siginfo

/* Scratch memory, and where the event is made: 2 * EVENT_MAX bytes. */
#define work(c) ((c)->s->work)
#define record(c) ((c)->s->record)

/*
 * A length that the verifier sees the bound of: without the barrier the compiler may
 * compare one copy of it and use another.
 */
static __always_inline u64 at_most(u64 n, u64 most)
{
	if (n > most)
		n = most;
	asm volatile("" : "+r"(n));
	return n;
}

static __always_inline bool read_user(void *dst, u64 size, u64 addr)
{
	return addr && !bpf_probe_read_user(dst, size, (void *)addr);
}

static __always_inline void read_kernel(void *dst, u64 size, const void *from)
{
	bpf_probe_read_kernel(dst, size, from);
}

/*
 * Reads a string into size bytes and returns how many it took, its NUL included, or an
 * error. Of an empty one the kernel says 0 bytes, until mended
 * (mm/maccess.c:strncpy_from_user_nofault).
 */
static __always_inline long read_user_string(void *dst, u64 size, u64 addr)
{
	long n = bpf_probe_read_user_str(dst, size, (void *)addr);

	return n ? n : 1;
}

static __always_inline long read_kernel_string(void *dst, u64 size, const void *from)
{
	return bpf_probe_read_kernel_str(dst, size, from);
}

#include "../ops/values.h"

/*
 * Reads n bytes into the room, and returns how many there are: all or none. A few go by
 * the stack, of which the kernel asks less than of other memory that it copies to
 * (mm/usercopy.c:__check_object_size).
 */
static __always_inline u32 read_room(struct call *c, u64 addr, u64 n)
{
	u64 few = 0;

	if (n <= sizeof(few)) {
		n = at_most(n, sizeof(few));
		if (!n || !read_user(&few, n, addr))
			return 0;
		*(u64 *)room(c) = few;
		return n;
	}
	n = at_most(n, EVENT_MAX_PARAM_LEN);
	return n && read_user(room(c), n, addr) ? n : 0;
}

#include "../ops/user.h"

#endif /* LANNER_WORDS_H */
