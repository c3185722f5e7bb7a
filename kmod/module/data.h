/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Data that calls move: one buffer, or those of a vector array. */
#ifndef LANNER_DATA_H
#define LANNER_DATA_H

#include <linux/uio.h>
#include "snaplen.h"

#define IOV_LEN_MAX (1ULL << 40)	/* bytes of one vector that count */

/* The descriptor that a call's first argument names, -1 if it names none. */
static s32 data_fd(struct call *c)
{
	switch (c->sc) {
	case SC_PROCESS_VM_READV:
	case SC_PROCESS_VM_WRITEV:
		return -1;
	}
	return arg(c, 0);
}

/* The address that a call on one buffer was given, for dynamic snaplen. */
static void peer_hint(struct call *c, struct data_hint *h)
{
	switch (c->sc) {
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

static void put_buffer(struct call *c, u64 addr, u64 n)
{
	struct data_hint h = { .addr = addr, .len = n };
	u32 most;

	if (c->con->dynamic_snaplen)
		peer_hint(c, &h);
	most = snaplen_of(c, data_fd(c), &h);
	commit(c, read_room(c, addr, min_t(u64, n, most)));
}

static void put_data_in(struct call *c, u64 addr)
{
	put_buffer(c, addr, c->ret > 0 ? c->ret : 0);
}

static void put_data_out(struct call *c, u64 addr, u64 asked)
{
	put_buffer(c, addr, c->ret > 0 ? c->ret : asked);
}

static bool read_iovec(struct call *c, u64 pair[2], u64 addr, u32 i)
{
	return read_pair(c, pair, addr + i * 2 * long_size(c));
}

/* The sum of the lengths of an array of vectors; 0 if it can't be read. */
static u64 iov_size(struct call *c, u64 addr, u64 count)
{
	u64 v[2], sum = 0;
	u32 i;

	if (!addr || count > UIO_MAXIOV)
		return 0;
	for (i = 0; i < count; i++) {
		if (!read_iovec(c, v, addr, i))
			return 0;
		sum += min_t(u64, v[1], IOV_LEN_MAX);
	}
	return sum;
}

static u64 at_most_result(struct call *c, u64 n)
{
	return min_t(u64, n, c->ret > 0 ? c->ret : 0);
}

static u64 iov_size_in(struct call *c, u64 addr, u64 count)
{
	return at_most_result(c, iov_size(c, addr, count));
}

/*
 * Writes up to n bytes of scattered buffers, at most as many as most, and none behind
 * what can't be read.
 */
static void put_vectors(struct call *c, u64 addr, u64 count, u64 n, u32 most)
{
	u32 left = min3(n, (u64)most, (u64)EVENT_MAX_PARAM_LEN), at = 0, i, k;
	u64 v[2];

	if (!addr || count > UIO_MAXIOV)
		count = 0;
	for (i = 0; left && i < count && read_iovec(c, v, addr, i); i++) {
		k = min_t(u64, v[1], left);
		if (k && !(v[0] && read_user(room(c) + at, k, v[0])))
			break;
		at += k;
		left -= k;
	}
	commit(c, at);
}

static u32 iov_snaplen(struct call *c)
{
	struct data_hint h = {};

	return snaplen_of(c, data_fd(c), &h);
}

static void put_iov_in(struct call *c, u64 addr, u64 count)
{
	put_vectors(c, addr, count, c->ret > 0 ? c->ret : 0, iov_snaplen(c));
}

static void put_iov_out(struct call *c, u64 addr, u64 count)
{
	put_vectors(c, addr, count, c->ret > 0 ? c->ret : ~0ULL, iov_snaplen(c));
}

#endif /* LANNER_DATA_H */
