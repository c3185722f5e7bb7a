/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The probes, each by its tracepoint's arguments. */
#ifndef LANNER_PROBES_H
#define LANNER_PROBES_H

#include "compat.h"

struct k_sigaction;
struct kernel_siginfo;
struct linux_binprm;
struct pt_regs;

void on_sys_enter(void *data, struct pt_regs *regs, long id);
void on_sys_exit(void *data, struct pt_regs *regs, long ret);
void on_exec(void *data, struct task_struct *t, pid_t old, struct linux_binprm *bprm);
void on_fork(void *data, struct task_struct *parent, struct task_struct *child);
void on_exit(void *data, COMPAT_EXIT_ARGS);
void on_free(void *data, struct task_struct *t);
void on_signal(void *data, int sig, struct kernel_siginfo *info, struct k_sigaction *ka);
void on_switch(void *data, COMPAT_SWITCH_ARGS);
void on_fault_user(void *data, unsigned long addr, struct pt_regs *regs, unsigned long error);
void on_fault_kernel(void *data, unsigned long addr, struct pt_regs *regs, unsigned long error);

void numbers_init(void);

#endif /* LANNER_PROBES_H */
