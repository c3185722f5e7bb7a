/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The helpers that the probe may call: those that Linux 4.14 has, by number
 * (include/uapi/linux/bpf.h: __BPF_FUNC_MAPPER). A test lists what objects call.
 *
 * Sizes are as wide as registers: a conversion would hide their bounds from the verifier.
 * There is one way to read memory, the kernel's or the caller's; later kernels tell
 * the two apart by the address (kernel/trace/bpf_trace.c: bpf_probe_read_compat).
 */
#ifndef LANNER_HELPERS_H
#define LANNER_HELPERS_H

#define SEC(name) __attribute__((section(name), used))

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static int (*bpf_map_update_elem)(void *map, const void *key, const void *value, unsigned long long flags) = (void *)2;
static int (*bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static int (*bpf_probe_read)(void *dst, unsigned long long size, const void *from) = (void *)4;
static unsigned long long (*bpf_ktime_get_ns)(void) = (void *)5;
static unsigned long long (*bpf_get_smp_processor_id)(void) = (void *)8;
static void (*bpf_tail_call)(void *ctx, void *map, int index) = (void *)12;
static unsigned long long (*bpf_get_current_pid_tgid)(void) = (void *)14;
static int (*bpf_perf_event_output)(void *ctx, void *map, unsigned long long flags, void *data, unsigned long long size) = (void *)25;
static unsigned long long (*bpf_get_current_task)(void) = (void *)35;
static int (*bpf_current_task_under_cgroup)(void *map, int index) = (void *)37;
static int (*bpf_probe_read_str)(void *dst, unsigned long long size, const void *from) = (void *)45;

/*
 * Reads a string and returns its length with its NUL, negative if it can't be read. Of an
 * empty one of the caller's kernels before 6.13 return 0 (mm/maccess.c:
 * strncpy_from_user_nofault).
 */
static __always_inline int read_text(void *dst, unsigned long long size, const void *from)
{
	int n = bpf_probe_read_str(dst, size, from);

	if (n)
		return n;
	*(char *)dst = 0;
	return 1;
}

/* A map, as loaders find it in the section "maps". */
struct map_def {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
	unsigned int inner_map_idx;
	unsigned int numa_node;
};

/*
 * READ(p, a, b, c) is p->a->b->c, each pointer read in its turn: 0 if one of them
 * can't be. A name may be that of a member of a member, as in READ(f, f_path.dentry).
 */
#define READ1(p, a)								\
({										\
	__typeof__(({ (p)->a; })) value_;					\
										\
	bpf_probe_read(&value_, sizeof(value_), &(p)->a);			\
	value_;									\
})
#define READ2(p, a, b) ({ __typeof__(({ (p)->a; })) p2_ = READ1(p, a); READ1(p2_, b); })
#define READ3(p, a, b, c) ({ __typeof__(({ (p)->a; })) p3_ = READ1(p, a); READ2(p3_, b, c); })
#define READ4(p, a, b, c, d) ({ __typeof__(({ (p)->a; })) p4_ = READ1(p, a); READ3(p4_, b, c, d); })
#define READ_N(_1, _2, _3, _4, n, ...) READ##n
#define READ_NAME(...) READ_N(__VA_ARGS__, 4, 3, 2, 1)
#define READ_EXPAND(n, ...) n(__VA_ARGS__)
#define READ(p, ...) READ_EXPAND(READ_NAME(__VA_ARGS__), p, __VA_ARGS__)

#endif /* LANNER_HELPERS_H */
