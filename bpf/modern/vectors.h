/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Vector arrays: the buffers that a call moves data of. */
#ifndef LANNER_VECTORS_H
#define LANNER_VECTORS_H

#include "call.h"

#define IOV_MAX 1024		/* vectors that are visited; no call takes more (linux/uio.h:UIO_MAXIOV) */
#define IOV_CHUNK 32	/* of a loop that is two, to spare the verifier rounds */
#define IOV_LEN_MAX (1ULL << 40)	/* bytes of one vector that count */

/*
 * Walking over a vector array. The walk and its steps are global functions, which the
 * verifier looks at once and not for each caller and round; what they share is in the
 * CPU's scratch memory.
 */
static __always_inline bool read_iovec(struct call *c, u64 pair[2], u32 i)
{
	return read_pair(c, pair, c->s->vectors.addr + i * 2 * long_size(c));
}

/* Adds the length of vector i to the sum; not 0: it can't be read. */
__noinline int add_vector(u32 i)
{
	struct call call = { .s = scratch() }, *c = &call;
	u64 v[2];

	if (!c->s || !read_iovec(c, v, i))
		return 1;
	c->s->vectors.sum += v[1] < IOV_LEN_MAX ? v[1] : IOV_LEN_MAX;
	return 0;
}

/* Reads the data of vector i behind what is there; not 0: that was the last. */
__noinline int read_vector(u32 i)
{
	struct call call = { .s = scratch() }, *c = &call;
	u64 v[2], n;
	u32 left;

	if (!c->s || !read_iovec(c, v, i))
		return 1;
	c->off = c->s->vectors.at;
	left = c->s->vectors.left;
	n = read_room(c, v[0], v[1] < left ? v[1] : left);
	c->s->vectors.at += n;
	c->s->vectors.left -= n;
	return n < v[1];	/* unreadable, or enough */
}

/* The same for IOV_CHUNK vectors from i on, of count. */
__noinline int add_vectors_from(u32 i, u32 count)
{
	u32 k;

	for (k = 0; k < IOV_CHUNK; k++) {
		if (i + k >= count)
			return 1;
		if (add_vector(i + k))
			return -1;
	}
	return 0;
}

__noinline int read_vectors_from(u32 i, u32 count)
{
	u32 k;

	for (k = 0; k < IOV_CHUNK; k++) {
		if (i + k >= count || read_vector(i + k))
			return 1;
	}
	return 0;
}

/* The sum of the lengths of an array of vectors; 0 if it can't be read. */
static __always_inline u64 iov_size(struct call *c, u64 addr, u64 count)
{
	struct vectors *v = &c->s->vectors;
	int end = 0;
	u32 i;

	if (!addr || count > IOV_MAX)
		return 0;
	v->addr = addr;
	v->sum = 0;
	for (i = 0; !end && i < IOV_MAX; i += IOV_CHUNK)
		end = add_vectors_from(i, count);
	return end < 0 ? 0 : v->sum;
}

/* Writes up to n bytes of scattered buffers, at most as many as most. */
static __always_inline void put_vectors(struct call *c, u64 addr, u64 count, u64 n, u32 most)
{
	struct vectors *v = &c->s->vectors;
	u32 i;

	if (n > most)
		n = most;
	v->addr = addr;
	v->at = c->off;
	v->left = n < EVENT_MAX_PARAM_LEN ? n : EVENT_MAX_PARAM_LEN;
	if (!addr || count > IOV_MAX)
		count = 0;
	for (i = 0; n && i < IOV_MAX; i += IOV_CHUNK) {
		if (read_vectors_from(i, count))
			break;
	}
	commit(c, v->at - c->off);
}

#endif /* LANNER_VECTORS_H */
