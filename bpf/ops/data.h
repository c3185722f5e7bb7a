/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Data that calls move: one buffer, or those of a vector array. Walking over an array is
 * for each probe to do (vectors.h): verifiers differ too much.
 */
#ifndef LANNER_OPS_DATA_H
#define LANNER_OPS_DATA_H

#include "snaplen.h"

/* Does the call's first argument name a descriptor? */
static __always_inline s32 data_fd(struct call *c)
{
	switch (c->s->sc) {
	case SC_PROCESS_VM_READV:
	case SC_PROCESS_VM_WRITEV:
		return -1;
	}
	return arg(c, 0);
}

/* The address that a call on one buffer was given, for dynamic snaplen. */
static __always_inline void peer_hint(struct call *c, struct data_hint *h)
{
	switch (c->s->sc) {
	case SC_SENDTO:
		h->peer = arg(c, 4);
		h->peer_len = arg(c, 5);
		break;
	case SC_RECVFROM:
		h->peer = arg(c, 4);
		h->peer_len = u32_at(c, arg(c, 5));
		break;
	}
}

static __always_inline void put_buffer(struct call *c, u64 addr, u64 n)
{
	struct data_hint h = { .addr = addr, .len = n };
	u32 most = setting(c, snaplen);

	if (setting(c, dynamic_snaplen)) {
		peer_hint(c, &h);
		most = snaplen_of(c, data_fd(c), &h);
	}
	commit(c, read_room(c, addr, n < most ? n : most));
}

static __always_inline void put_data_in(struct call *c, u64 addr)
{
	put_buffer(c, addr, c->ret > 0 ? c->ret : 0);
}

static __always_inline void put_data_out(struct call *c, u64 addr, u64 asked)
{
	put_buffer(c, addr, c->ret > 0 ? c->ret : asked);
}

static __always_inline u64 at_most_result(struct call *c, u64 n)
{
	u64 ret = c->ret > 0 ? c->ret : 0;

	return n < ret ? n : ret;
}

static __always_inline u64 iov_size_in(struct call *c, u64 addr, u64 count)
{
	return at_most_result(c, iov_size(c, addr, count));
}

static __always_inline u32 iov_snaplen(struct call *c)
{
	struct data_hint h = {};

	return snaplen_of(c, data_fd(c), &h);
}

static __always_inline void put_iov_in(struct call *c, u64 addr, u64 count)
{
	put_vectors(c, addr, count, c->ret > 0 ? c->ret : 0, iov_snaplen(c));
}

static __always_inline void put_iov_out(struct call *c, u64 addr, u64 count)
{
	put_vectors(c, addr, count, c->ret > 0 ? c->ret : ~0ULL, iov_snaplen(c));
}

#endif /* LANNER_OPS_DATA_H */
