/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The ops over plain memory: what an ops header must supply, in the smallest form
 * that runs. An address is an offset in memory; 0 and what lies behind the end
 * can't be read. c_model_test.go does the same in Go.
 */
#ifndef OPS_H
#define OPS_H

#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#include "event.h"
#include "convert.h"

#define MEMORY 4096	/* bytes */
#define SNAPLEN 80	/* bytes */

static u8 memory[MEMORY];

struct call {
	u8 buf[1 << 20];
	u32 lens;	/* offset of the next length */
	u32 off;	/* offset of the next value */
	int current;
	u64 args[6];
	s64 ret;
};

static inline int current_profile(struct call *c) { return c->current; }

static inline void put(struct call *c, const void *v, u64 n)
{
	u16 len = n > EVENT_MAX_PARAM_LEN ? EVENT_MAX_PARAM_LEN : n;

	memcpy(c->buf + c->off, v, len);
	memcpy(c->buf + c->lens, &len, sizeof(len));
	c->off += len;
	c->lens += sizeof(len);
}

static inline void put_u8(struct call *c, u8 v) { put(c, &v, sizeof(v)); }
static inline void put_u16(struct call *c, u16 v) { put(c, &v, sizeof(v)); }
static inline void put_u32(struct call *c, u32 v) { put(c, &v, sizeof(v)); }
static inline void put_u64(struct call *c, u64 v) { put(c, &v, sizeof(v)); }
static inline void put_s64(struct call *c, s64 v) { put(c, &v, sizeof(v)); }

/* at returns n readable bytes, or NULL. */
static inline const u8 *at(u64 addr, u64 n)
{
	return addr > 0 && addr <= MEMORY && n <= MEMORY - addr ? memory + addr : NULL;
}

static inline u64 load(u64 addr, u64 n)
{
	u64 v = 0;
	const u8 *p = at(addr, n);

	if (p)
		memcpy(&v, p, n);
	return v;
}

static inline void put_buffer(struct call *c, u64 addr, u64 n)
{
	const u8 *p = at(addr, n);

	put(c, p, p ? n : 0);
}

static inline s64 result(struct call *c) { return c->ret; }
static inline u64 arg(struct call *c, int n) { return c->args[n]; }
static inline u64 sc(struct call *c) { return c->args[0] % 512; }
static inline u64 native_number(struct call *c) { return c->args[1] % 512; }
static inline u64 opened_flags(struct call *c, u64 v)
{
	return conv_open_flags(v) | (c->ret >= 0 ? FLAG_FILE_FLAGS_O_F_CREATED : 0);
}
static inline u64 creat_flags(struct call *c) { return c->ret >= 0 ? FLAG_CREAT_FLAGS_FD_UPPER_LAYER_CREAT : 0; }
static inline u64 dev(struct call *c) { return c->ret >= 0 ? 0x800001 : 0; }
static inline u64 ino(struct call *c) { return c->ret >= 0 ? 12 : 0; }
static inline u64 iov_size(struct call *c, u64 iov, u64 count)
{
	u64 sum = 0;

	(void)c;
	for (u64 i = 0; i < count && i < 32; i++)
		sum += load(iov + 16 * i + 8, 8);
	return sum;
}
static inline u64 iov_size_in(struct call *c, u64 iov, u64 count)
{
	u64 sum = iov_size(c, iov, count);

	return c->ret < 0 ? 0 : sum < (u64)c->ret ? sum : (u64)c->ret;
}
static inline u64 timespec_at(struct call *c, u64 addr)
{
	(void)c;
	return at(addr, 16) ? load(addr, 8) * 1000000000ULL + load(addr + 8, 8) : 0;
}
static inline u64 u32_at(struct call *c, u64 addr) { (void)c; return load(addr, 4); }
static inline u64 u64_at(struct call *c, u64 addr) { (void)c; return load(addr, 8); }
static inline s64 fd_at(struct call *c, u64 addr, int i)
{
	(void)c;
	return at(addr + 4 * i, 4) ? (s32)load(addr + 4 * i, 4) : -1;
}
static inline u64 ino_at(struct call *c, u64 addr, int i) { return c->ret >= 0 ? (u64)fd_at(c, addr, i) * 10 : 0; }
static inline u64 vm_size(struct call *c) { (void)c; return 1000; }
static inline u64 vm_rss(struct call *c) { (void)c; return 100; }
static inline u64 vm_swap(struct call *c) { (void)c; return 10; }
static inline u64 cap_inheritable(struct call *c) { (void)c; return 1; }
static inline u64 cap_permitted(struct call *c) { (void)c; return 1ULL << 40; }
static inline u64 cap_effective(struct call *c) { (void)c; return 3; }

static inline void put_string_at(struct call *c, u64 addr)
{
	const u8 *p = at(addr, 1);
	const u8 *nul = p ? memchr(p, 0, memory + MEMORY - p) : NULL;

	put(c, p, nul ? (u64)(nul + 1 - p) : 0);
}
static inline void put_string_at_ok(struct call *c, u64 addr) { put_string_at(c, c->ret >= 0 ? addr : 0); }
static inline void put_fd_path(struct call *c) { put(c, "/some/path", c->ret >= 0 ? 11 : 0); }
static inline u64 snap(u64 n) { return n < SNAPLEN ? n : SNAPLEN; }
static inline void put_data_in(struct call *c, u64 addr) { put_buffer(c, addr, c->ret > 0 ? snap(c->ret) : 0); }
static inline void put_data_out(struct call *c, u64 addr, u64 n)
{
	put_buffer(c, addr, snap(c->ret > 0 ? (u64)c->ret : n));
}
static inline void put_raw_data(struct call *c, u64 addr, u64 n) { put_buffer(c, addr, n); }
static inline void put_iov(struct call *c, u64 iov, u64 count, u64 room)
{
	u8 all[SNAPLEN];
	u64 n = 0;

	for (u64 i = 0; i < count && i < 32; i++) {
		u64 len = load(iov + 16 * i + 8, 8);
		const u8 *p;

		len = len < room - n ? len : room - n;
		p = at(load(iov + 16 * i, 8), len);
		if (p)
			memcpy(all + n, p, len);
		n += p ? len : 0;
	}
	put(c, all, n);
}
static inline void put_iov_in(struct call *c, u64 iov, u64 count) { put_iov(c, iov, count, c->ret > 0 ? snap(c->ret) : 0); }
static inline void put_iov_out(struct call *c, u64 iov, u64 count) { put_iov(c, iov, count, SNAPLEN); }
static inline void put_sock_addr_at(struct call *c, u64 addr, u64 n) { put_buffer(c, addr, n); }

/* Tuples need a kernel: here they are the arguments. */
static inline void put_tuple(struct call *c, u8 kind, u64 fd, u64 addr, u64 len)
{
	u64 v[3] = { fd, addr, len };
	u8 all[1 + sizeof(v)] = { kind };

	memcpy(all + 1, v, sizeof(v));
	put(c, all, c->ret >= 0 ? sizeof(all) : 0);
}
static inline void put_tuple_out(struct call *c, u64 fd, u64 addr, u64 len) { put_tuple(c, 'o', fd, addr, len); }
static inline void put_tuple_in(struct call *c, u64 fd, u64 addr, u64 len) { put_tuple(c, 'i', fd, addr, len); }

static inline void begin(struct call *c, u16 type, u32 n)
{
	struct event_head h = { .ts = 1, .tid = 2, .type = type, .nparams = n };

	memcpy(c->buf, &h, sizeof(h));
	c->lens = sizeof(h);
	c->off = sizeof(h) + 2 * n;
}

static inline void end(struct call *c) { memcpy(c->buf + 16, &c->off, sizeof(c->off)); }

#define FILL(name, type, n)					\
static void fill_##name(struct call *c);			\
static void run_##name(struct call *c)				\
{								\
	begin(c, type, n);					\
	fill_##name(c);						\
	end(c);							\
}								\
static void fill_##name(struct call *c)
#define FILL_ITER FILL
#define FILLER static

#endif
