// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The modern probe. In a nutshell: a program on each tracepoint decides whether
 * anybody wants to know (hooks.h, scope.h), and the program of the event lays it out
 * (fill.h over the ops in file.h to data.h, fill_*.h) and sends it (submit.h).
 */
#include "call.h"
#include "scope.h"
#include "user.h"
#include "file.h"
#include "path.h"
#include "task.h"
#include "cgroup.h"
#include "tuple.h"
#include "data.h"
#include "programs.h"
#include "../../kernel/uapi/fill.h"
#include "fill_process.h"
#include "fill_exec.h"
#include "fill_net.h"
#include "fill_message.h"
#include "fill_misc.h"
#include "fill_quota.h"
#include "fill_key.h"
#include "hooks.h"
#include "points.h"
#include "find.h"

char _license[] SEC("license") = "Dual MIT/GPL";
