// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The modern probe. In a nutshell: a program on each tracepoint decides whether
 * anybody wants to know (hooks.h, scope.h), and the program of the event lays it out
 * (fill.h over ../ops, and what there is only here) and sends it (submit.h).
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
#include "../../kernel/uapi/fill_control.h"
#include "fill_procexit.h"
#include "../ops/fill_process.h"
#include "fill_exec.h"
#include "../ops/fill_clone.h"
#include "../ops/fill_net.h"
#include "../../kernel/uapi/fill_sockopt.h"
#include "fill_message.h"
#include "../../kernel/uapi/fill_misc.h"
#include "poll.h"
#include "../../kernel/uapi/fill_poll.h"
#include "../../kernel/uapi/fill_quota.h"
#include "../ops/fill_key.h"
#include "hooks.h"
#include "points.h"
#include "find.h"

char _license[] SEC("license") = "Dual MIT/GPL";
