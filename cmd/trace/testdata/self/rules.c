/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program is given, and what it may do.
 */
#include "self.h"

/* A seccomp filter of its own: one call fails, one traps, one kills. */
static void sigsys(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	printf("trap %d %d\n", sig, si->si_syscall == SYS_getuid);
}

int filter(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdirat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 77),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getuid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_symlinkat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(f) / sizeof(f[0]), f};
	int st;
	pid_t pid = start();
	if (pid == 0) {
		struct rlimit none = {0, 0};
		setrlimit(RLIMIT_CORE, &none);
		struct sigaction sa = {.sa_sigaction = sigsys, .sa_flags = SA_SIGINFO};
		sigaction(SIGSYS, &sa, NULL);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
			die("seccomp");
		long r = syscall(SYS_mkdirat, AT_FDCWD, "/tmp", 0);
		printf("mkdirat %ld %d\n", r, errno);
		syscall(SYS_getuid);
		close(open("/etc/passwd", O_RDONLY));
		fflush(stdout);
		pid_t kid = fork();
		if (kid == 0) {
			r = syscall(SYS_mkdirat, AT_FDCWD, "/tmp", 0);
			printf("child mkdirat %ld %d\n", r, errno);
			fflush(stdout);
			_exit(4);
		}
		waitpid(kid, &st, 0);
		status("grandchild", st);
		fflush(stdout);
		syscall(SYS_symlinkat, "a", AT_FDCWD, "b");
		_exit(0);
	}
	waitpid(pid, &st, 0);
	status("child", st);
	return 0;
}

/* What the program was given. */
int given(void)
{
	sigset_t set;
	printf("descriptors");
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf(" %d:%d", fd, fcntl(fd, F_GETFD));
	printf("\nignored");
	for (int sig = 1; sig < 65; sig++) {
		struct sigaction sa;
		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
			printf(" %d", sig);
	}
	printf("\nblocked");
	sigprocmask(SIG_BLOCK, NULL, &set);
	for (int sig = 1; sig < 65; sig++)
		if (sigismember(&set, sig) > 0)
			printf(" %d", sig);
	struct rlimit rl;
	getrlimit(RLIMIT_NOFILE, &rl);
	printf("\nnofile %ld %ld\n", (long)rl.rlim_cur, (long)rl.rlim_max);
	printf("umask %o nice %d tty %d pgrp %d sid %d\n", umask(0), getpriority(PRIO_PROCESS, 0), isatty(0),
	       getpgrp() == getpid(), getsid(0) == getpid());
	cpu_set_t cpus;
	sched_getaffinity(0, sizeof(cpus), &cpus);
	printf("cpus %d dumpable %d pdeathsig", CPU_COUNT(&cpus), prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	int sig = -1;
	prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0);
	printf(" %d subreaper", sig);
	prctl(PR_GET_CHILD_SUBREAPER, &sig, 0, 0, 0);
	printf(" %d\nspeculation", sig);
	for (int what = PR_SPEC_STORE_BYPASS; what <= PR_SPEC_INDIRECT_BRANCH; what++)
		printf(" %d", prctl(PR_GET_SPECULATION_CTRL, what, 0, 0, 0));
	printf("\n");
	return 0;
}

int tracing(void)
{
	show("traceme", ptrace(PTRACE_TRACEME, 0, 0, 0));
	pid_t pid = start();
	if (pid == 0)
		sleeper(NULL);
	show("attach", ptrace(PTRACE_ATTACH, pid, 0, 0));
	show("seize", ptrace(PTRACE_SEIZE, pid, 0, 0));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}
