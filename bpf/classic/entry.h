/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What a tracepoint gives to a program. In a nutshell: a raw tracepoint gives the arguments
 * that the kernel calls it with. Before Linux 4.17 there are none, and a program on a
 * tracepoint gets the record that is made for perf (include/trace/events/: TP_STRUCT__entry),
 * 8 bytes of which all records have in common. Task and registers are then those of the
 * current task, whoever the siginfo is of remains unknown, and threads and processes that
 * are made look alike, see scope.h.
 */
#ifndef LANNER_ENTRY_H
#define LANNER_ENTRY_H

#include "helpers.h"

#ifndef LANNER_TRACEPOINTS
#define LANNER_TRACEPOINTS (LINUX_VERSION_CODE < KERNEL_VERSION(4, 17, 0))
#endif

#if !LANNER_TRACEPOINTS

#define ON(group, name) SEC("raw_tracepoint/" #name)
#define TAIL(name) SEC("raw_tracepoint/filler/" #name)

#define CALL_REGS(ctx) ((struct pt_regs *)(ctx)[0])	/* of sys_enter and sys_exit */
#define CALL_RESULT(ctx) ((ctx)[1])			/* of sys_exit */

#define EXEC_NAME(ctx) READ((struct linux_binprm *)(ctx)[2], filename)
#define ENDING_TASK(ctx) ((struct task_struct *)(ctx)[0])
#define SWITCH_FROM(ctx) ((struct task_struct *)(ctx)[1])
#define SWITCH_TO(ctx) READ((struct task_struct *)(ctx)[2], pid)
#define SIGNAL_NUMBER(ctx) ((ctx)[0])
#define SIGNAL_INFO(ctx) ((ctx)[1])
#define FAULT_ADDRESS(ctx) ((ctx)[0])
#define FAULT_IP(ctx) READ((struct pt_regs *)(ctx)[1], ip)
#define FAULT_ERROR(ctx) ((ctx)[2])

#else

#ifndef CONFIG_X86_64
#error "on this architecture the probe is for Linux 4.17 and later: a new task's event needs the task"
#endif

#define ON(group, name) SEC("tracepoint/" #group "/" #name)
#define TAIL(name) SEC("tracepoint/filler/" #name)

/* What the task has saved of its registers (arch/x86/include/asm/processor.h: task_pt_regs). */
static __always_inline struct pt_regs *current_regs(void)
{
	struct task_struct *t = (void *)bpf_get_current_task();

	return (struct pt_regs *)((u64)READ(t, stack) + THREAD_SIZE - TOP_OF_KERNEL_STACK_PADDING) - 1;
}

/* A field of a record, by its type and its offset, which is in .../events/GROUP/NAME/format. */
#define FIELD(ctx, type, offset) (*(type *)((u8 *)(ctx) + (offset)))

#define CALL_REGS(ctx) current_regs()
#define CALL_RESULT(ctx) FIELD(ctx, u64, 16)

/* A string of a record: the lower half of the field is where it is. */
#define EXEC_NAME(ctx) ((u64)(ctx) + (FIELD(ctx, u32, 8) & 0xffff))
#define EXEC_TID(ctx) FIELD(ctx, u32, 12)
#define EXEC_OLD_TID(ctx) FIELD(ctx, u32, 16)
#define MADE_TID(ctx) FIELD(ctx, u32, 44)
#define ENDING_TASK(ctx) ((struct task_struct *)bpf_get_current_task())
#define SWITCH_FROM(ctx) ((struct task_struct *)bpf_get_current_task())
#define SWITCH_TO(ctx) FIELD(ctx, u32, 56)
#define SIGNAL_NUMBER(ctx) FIELD(ctx, u32, 8)
#define SIGNAL_INFO(ctx) 0
#define FAULT_ADDRESS(ctx) FIELD(ctx, u64, 8)
#define FAULT_IP(ctx) FIELD(ctx, u64, 16)
#define FAULT_ERROR(ctx) FIELD(ctx, u64, 24)

#endif

#endif /* LANNER_ENTRY_H */
