/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Vector arrays: the buffers that a call moves data of. */
#ifndef LANNER_VECTORS_H
#define LANNER_VECTORS_H

#include "call.h"

#define IOV_MAX 1024	/* vectors; no call takes more (linux/uio.h:UIO_MAXIOV) */
/*
 * Vectors that are visited. For more, a kernel before 5.12 would not find where to put the
 * jumps out of the unrolled loop (arch/x86/net/bpf_jit_comp.c: bpf_int_jit_compile has 20
 * passes), and a program that is not translated can't be tail-called.
 */
#define IOV_SEEN 16
#define IOV_LEN_MAX (1ULL << 40)	/* bytes of one vector that count */

/*
 * Reads an array of vectors into scratch memory; their number is in s->n, 0 if they can't
 * be read. It goes by memory: a loop whose length may come from elsewhere the compiler
 * does not unroll.
 */
static __always_inline void read_iovecs(struct call *c, u64 addr, u64 count)
{
	u64 n = at_most(count, IOV_SEEN);

	if (count > IOV_MAX || !n || !read_user(c->work + WORK_VECTORS, at_most(n * 2 * long_size(c), IOV_SEEN * 16), addr))
		n = 0;
	*(volatile u32 *)&c->s->n = n;
}

static __always_inline bool has_vector(struct call *c, u32 i)
{
	return i < *(volatile u32 *)&c->s->n;
}

/* Word k of the array: of vector i the address is 2 * i, the length the next. */
static __always_inline u64 vector_word(struct call *c, u32 k)
{
	u8 *array = c->work + WORK_VECTORS;

	return c->s->compat ? ((u32 *)array)[k] : ((u64 *)array)[k];
}

/* The sum of the lengths of an array of vectors; 0 if it can't be read. */
static __always_inline u64 iov_size(struct call *c, u64 addr, u64 count)
{
	volatile u64 *sum = &c->s->array;	/* where the verifier does not follow it */
	u64 len;
	u32 i;

	*sum = 0;
	read_iovecs(c, addr, count);
#pragma unroll
	for (i = 0; i < IOV_SEEN; i++) {
		if (!has_vector(c, i))
			break;
		len = vector_word(c, 2 * i + 1);
		*sum += len < IOV_LEN_MAX ? len : IOV_LEN_MAX;
	}
	return *sum;
}

/*
 * Reads vector i behind what is there, of which s->listed bytes are wanted still; false:
 * that was the last. What changes goes by memory, where the verifier does not follow it.
 */
static __always_inline bool read_vector(struct call *c, u32 i)
{
	u64 len = vector_word(c, 2 * i + 1), left = *(volatile u32 *)&c->s->listed;
	u32 at = *(volatile u32 *)&c->s->at;
	u64 n = at_most(len < left ? len : left, EVENT_MAX_PARAM_LEN);

	if (!n || !read_user(&c->record[at & EVENT_MASK], n, vector_word(c, 2 * i)))
		return !len;
	*(volatile u32 *)&c->s->at = at + n;
	*(volatile u32 *)&c->s->listed = left - n;
	return n >= len;
}

/* Writes up to n bytes of scattered buffers, at most as many as most. */
static __always_inline void put_vectors(struct call *c, u64 addr, u64 count, u64 n, u32 most)
{
	u32 i;

	if (n > most)
		n = most;
	*(volatile u32 *)&c->s->at = c->off;
	*(volatile u32 *)&c->s->listed = n < EVENT_MAX_PARAM_LEN ? n : EVENT_MAX_PARAM_LEN;
	read_iovecs(c, addr, n ? count : 0);
#pragma unroll
	for (i = 0; i < IOV_SEEN; i++) {
		if (!has_vector(c, i) || !read_vector(c, i))
			break;
	}
	commit(c, *(volatile u32 *)&c->s->at - c->off);
}

#endif /* LANNER_VECTORS_H */
