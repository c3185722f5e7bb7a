//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The classic probe, for kernels from 4.14 on that have no BTF or no ring buffer. In a
 * nutshell: a program on each tracepoint decides whether anybody wants to know (hooks.h,
 * points.h, scope.h), and the program of the event lays it out (fill.h over ../ops, and
 * what there is only here) and sends it to the CPU's perf buffer (submit.h). It is compiled
 * against the headers of the kernel that it is for (kernel.h).
 *
 * Old verifiers know no loops, no calls but to helpers, no global data, and programs of
 * 4096 instructions at most: loops are unrolled, and what has more rounds than fit goes on
 * with itself by a tail call, of which there can be 32 (stages, see maps.h).
 */
#include "call.h"
#include "scope.h"
#include "file.h"
#include "path.h"
#include "task.h"
#include "cgroup.h"
#include "../ops/tuple.h"
#include "vectors.h"
#include "../ops/data.h"
#include "programs.h"
#include "../../kernel/uapi/fill.h"
#include "driver_events.h"
#include "../../kernel/uapi/fill_control.h"
#include "fill_procexit.h"
#include "../ops/fill_process.h"
#include "fill_exec.h"
#include "../ops/fill_clone.h"
#include "../ops/fill_net.h"
#include "../../kernel/uapi/fill_sockopt.h"
#include "fill_message.h"
#include "../../kernel/uapi/fill_misc.h"
#include "fill_poll.h"
#include "../../kernel/uapi/fill_quota.h"
#include "../ops/fill_key.h"
#include "hooks.h"
#include "points.h"

/* What loaders check: the kernel and the contract that it was compiled for. */
char license_[] SEC("license") = "Dual MIT/GPL";
char kernel_version_[] SEC("kernel_version") = UTS_RELEASE;
u64 api_version_ SEC("api_version") = LANNER_API_VERSION;
u64 schema_version_ SEC("schema_version") = LANNER_SCHEMA_VERSION;
