/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs that tell what they saw. Run with and without trace they must say the
 * same. Usage: self CASE. Each case is one function.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CASES(x) \
	x(stops) x(chld) x(restarts) x(waits) /* signals.c */ \
	x(vforks) x(threads) x(dying) x(threadexec) x(leader) x(untraced) /* tasks.c */ \
	x(filter) x(given) x(tracing) /* rules.c */

#define DECLARE(name) int name(void);
CASES(DECLARE)

static inline void die(const char *what) { perror(what); exit(99); }

static inline void show(const char *what, long ret) { printf("%s %ld %s\n", what, ret, ret < 0 ? strerror(errno) : ""); }

static inline void status(const char *what, int st)
{
	if (WIFEXITED(st))
		printf("%s exited %d\n", what, WEXITSTATUS(st));
	else if (WIFSIGNALED(st))
		printf("%s killed %d%s\n", what, WTERMSIG(st), WCOREDUMP(st) ? " core" : "");
	else if (WIFSTOPPED(st))
		printf("%s stopped %d\n", what, WSTOPSIG(st));
	else if (WIFCONTINUED(st))
		printf("%s continued\n", what);
}

static inline pid_t start(void)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	return pid;
}

static inline void *sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}
