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

static volatile sig_atomic_t hits;
static void hit(int sig) { (void)sig; hits++; }

static void die(const char *what) { perror(what); exit(99); }

static void show(const char *what, long ret) { printf("%s %ld %s\n", what, ret, ret < 0 ? strerror(errno) : ""); }

static void status(const char *what, int st)
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

static pid_t start(void)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	return pid;
}

/* Group stops, as a parent sees them, for one thread and for several. */
static void *sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int stops(void)
{
	for (int threads = 1; threads <= 4; threads += 3) {
		int st, p[2];
		if (pipe(p))
			die("pipe");
		pid_t pid = start();
		if (pid == 0) {
			pthread_t t;
			/* SIGTSTP does not stop an orphaned process group (setpgid(2)), and
			   who knows where the tests are run from. */
			setpgid(0, 0);
			for (int i = 1; i < threads; i++)
				pthread_create(&t, NULL, sleeper, NULL);
			if (write(p[1], "x", 1) != 1)
				_exit(9);
			sleeper(NULL);
		}
		char c;
		if (read(p[0], &c, 1) != 1)
			die("read");
		for (int i = 0; i < 3; i++) {
			kill(pid, i == 1 ? SIGTSTP : SIGSTOP);
			if (waitpid(pid, &st, WUNTRACED) != pid)
				die("wait");
			status("child", st);
			/* It must stay stopped. */
			struct timespec ts = {0, 20 * 1000 * 1000};
			nanosleep(&ts, NULL);
			show("still", waitpid(pid, &st, WNOHANG | WUNTRACED | WCONTINUED));
			kill(pid, SIGCONT);
			if (waitpid(pid, &st, WCONTINUED) != pid)
				die("wait");
			status("child", st);
		}
		kill(pid, SIGTERM);
		waitpid(pid, &st, 0);
		status("child", st);
	}
	return 0;
}

/* SIGCHLD and what wait says. */
static int chld(void)
{
	struct sigaction sa = {.sa_handler = hit};
	sigaction(SIGCHLD, &sa, NULL);
	for (int i = 0; i < 6; i++) {
		int st, sig[] = {0, 0, SIGKILL, SIGSEGV, SIGTERM, SIGABRT};
		pid_t pid = start();
		if (pid == 0) {
			struct rlimit none = {0, 0};
			setrlimit(RLIMIT_CORE, &none);
			if (sig[i])
				raise(sig[i]);
			_exit(i * 3);
		}
		while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
			;
		status("child", st);
	}
	printf("sigchld %d\n", hits);
	/* With SA_NOCLDWAIT there is nothing to wait for. */
	sa.sa_flags = SA_NOCLDWAIT;
	sigaction(SIGCHLD, &sa, NULL);
	if (start() == 0)
		_exit(1);
	long r = wait(NULL);
	show("nocldwait", r);
	siginfo_t si;
	signal(SIGCHLD, SIG_DFL);
	pid_t pid = start();
	if (pid == 0)
		_exit(42);
	memset(&si, 0, sizeof(si));
	waitid(P_PID, pid, &si, WEXITED | WNOWAIT);
	printf("waitid %d %d %d\n", si.si_pid == pid, si.si_code == CLD_EXITED, si.si_status);
	waitid(P_PID, pid, &si, WEXITED);
	return 0;
}

/* Calls that a handler interrupts, with and without SA_RESTART. */
static void alarm_in(int ms)
{
	struct itimerval it = {{0, 0}, {0, ms * 1000}};
	setitimer(ITIMER_REAL, &it, NULL);
}

static int restarts(void)
{
	static int word;
	enum { soon = 100, long_enough = 600 }; /* ms; a busy machine must not come between */
	for (int restart = 0; restart < 2; restart++) {
		struct sigaction sa = {.sa_handler = hit, .sa_flags = restart ? SA_RESTART : 0};
		sigaction(SIGALRM, &sa, NULL);
		hits = 0;
		struct timespec ts = {0, long_enough * 1000000L}, rem = {9, 9};
		alarm_in(soon);
		show("nanosleep", nanosleep(&ts, &rem));
		printf("left %d\n", rem.tv_sec == 0 && rem.tv_nsec > 0);
		int p[2];
		if (pipe(p))
			die("pipe");
		struct pollfd pf = {p[0], POLLIN, 0};
		alarm_in(soon);
		show("poll", poll(&pf, 1, long_enough));
		alarm_in(soon);
		show("futex", syscall(SYS_futex, &word, FUTEX_WAIT, 0, &ts, NULL, 0));
		fd_set fds;
		FD_ZERO(&fds);
		FD_SET(p[0], &fds);
		struct timeval tv = {0, long_enough * 1000};
		alarm_in(soon);
		show("select", select(p[0] + 1, &fds, NULL, NULL, &tv));
		int ep = epoll_create1(0);
		struct epoll_event ev;
		alarm_in(soon);
		show("epoll_wait", epoll_wait(ep, &ev, 1, long_enough));
		pid_t pid = start();
		if (pid == 0) {
			struct timespec later = {0, long_enough * 1000000L};
			nanosleep(&later, NULL);
			_exit(write(p[1], "x", 1) != 1);
		}
		char c;
		alarm_in(soon);
		show("read", read(p[0], &c, 1));
		int st;
		while (waitpid(pid, &st, 0) < 0)
			;
		printf("hits %d\n", hits);
	}
	/* A stop and a continue must not end a sleep. */
	pid_t pid = start();
	if (pid == 0) {
		struct timespec ts = {0, 80 * 1000 * 1000};
		long r = nanosleep(&ts, NULL);
		show("stopped nanosleep", r);
		fflush(stdout);
		_exit(0);
	}
	struct timespec ts = {0, 20 * 1000 * 1000};
	nanosleep(&ts, NULL);
	kill(pid, SIGSTOP);
	nanosleep(&ts, NULL);
	kill(pid, SIGCONT);
	waitpid(pid, NULL, 0);
	return 0;
}

/* vfork: the parent waits, and sees what the child wrote. */
static int vforks(void)
{
	static int i; /* vfork is no place for locals */

	for (i = 0; i < 20; i++) {
		volatile int seen = 0, even = i % 2 == 0;
		int st;
		fflush(stdout);
		pid_t pid = vfork();
		if (pid == 0) {
			seen = 7;
			if (!even)
				execl("/bin/true", "true", NULL);
			_exit(5);
		}
		if (seen != 7)
			printf("vfork did not wait\n");
		waitpid(pid, &st, 0);
		status("child", st);
	}
	return 0;
}

/* Threads: clone3 by glibc, many of them, some dying while others exit. */
static void *worker(void *arg)
{
	long n = (long)arg;
	for (int i = 0; i < 20; i++)
		syscall(SYS_getppid);
	if (n % 3 == 0)
		syscall(SYS_exit, 0);
	return (void *)(n * 2);
}

static int threads(void)
{
	long sum = 0;
	for (int round = 0; round < 10; round++) {
		pthread_t t[20];
		for (long i = 0; i < 20; i++)
			if (pthread_create(&t[i], NULL, worker, (void *)(i % 3 == 0 ? i + 1 : i)))
				die("pthread_create");
		for (int i = 0; i < 20; i++) {
			void *r;
			pthread_join(t[i], &r);
			sum += (long)r;
		}
	}
	printf("sum %ld\n", sum);
	return 0;
}

/* A process whose threads are in calls of all sorts when it exits. */
static void *busy(void *arg)
{
	char b[1];
	int *p = arg;
	for (;;) {
		syscall(SYS_getppid);
		if (write(p[1], "x", 1) != 1 || read(p[0], b, 1) != 1)
			return NULL;
		close(open("/dev/null", O_RDONLY));
	}
}

static int dying(void)
{
	for (int i = 0; i < 30; i++) {
		int st;
		pid_t pid = start();
		if (pid == 0) {
			int p[2];
			pthread_t t;
			if (pipe(p))
				_exit(9);
			for (int k = 0; k < 8; k++)
				pthread_create(&t, NULL, busy, p);
			struct timespec ts = {0, (i % 7) * 500 * 1000};
			nanosleep(&ts, NULL);
			if (i % 3 == 0)
				kill(getpid(), SIGKILL);
			if (i % 3 == 1)
				execl("/bin/sh", "sh", "-c", "exit 33", NULL);
			_exit(i);
		}
		waitpid(pid, &st, 0);
		status("child", st);
	}
	return 0;
}

/* execve by a thread that is not the leader. */
static void *execer(void *arg)
{
	(void)arg;
	execl("/bin/sh", "sh", "-c", "echo pid kept: $(( $$ == EXPECTED ))", NULL);
	return NULL;
}

static int threadexec(void)
{
	for (int i = 0; i < 5; i++) {
		int st;
		pid_t pid = start();
		if (pid == 0) {
			pthread_t t, u;
			char s[32];
			snprintf(s, sizeof(s), "%d", getpid());
			setenv("EXPECTED", s, 1);
			pthread_create(&u, NULL, sleeper, NULL);
			pthread_create(&t, NULL, execer, NULL);
			sleeper(NULL);
		}
		waitpid(pid, &st, 0);
		status("child", st);
	}
	return 0;
}

/* The leader exits before its threads. */
static void *late(void *arg)
{
	(void)arg;
	struct timespec ts = {0, 30 * 1000 * 1000};
	nanosleep(&ts, NULL);
	_exit(17);
}

static int leader(void)
{
	int st;
	pid_t pid = start();
	if (pid == 0) {
		pthread_t t;
		pthread_create(&t, NULL, late, NULL);
		syscall(SYS_exit, 3);
	}
	waitpid(pid, &st, 0);
	status("child", st);
	return 0;
}

/* A seccomp filter of its own: one call fails, one traps, one kills. */
static void sigsys(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	printf("trap %d %d\n", sig, si->si_syscall == SYS_getuid);
}

static int filter(void)
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
static int given(void)
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

/* A task made with CLONE_UNTRACED, by clone and by clone3. */
static int untraced(void)
{
	int st;
	fflush(stdout);
	pid_t pid = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		close(open("/etc/passwd", O_RDONLY));
		_exit(errno ? 50 : 6);
	}
	waitpid(pid, &st, 0);
	status("clone", st);
	struct clone_args ca = {.flags = CLONE_UNTRACED, .exit_signal = SIGCHLD};
	fflush(stdout);
	pid = syscall(SYS_clone3, &ca, sizeof(ca));
	if (pid == 0) {
		close(open("/etc/passwd", O_RDONLY));
		_exit(ca.flags == CLONE_UNTRACED ? 8 : 51);
	}
	waitpid(pid, &st, 0);
	status("clone3", st);
	printf("flags %d\n", ca.flags == CLONE_UNTRACED);
	return 0;
}

/* A program that wants to trace: what it is told under trace is documented. */
static int tracing(void)
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

/* Blocks in epoll_wait until input comes; an error ends it. */
static int waits(void)
{
	int ep = epoll_create1(0);
	struct epoll_event ev = {EPOLLIN, {0}};
	if (epoll_ctl(ep, EPOLL_CTL_ADD, 0, &ev))
		die("epoll_ctl");
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		char b[64];
		int n = epoll_wait(ep, &ev, 1, -1);
		if (n < 0) {
			perror("epoll_wait");
			return 98;
		}
		ssize_t k = read(0, b, sizeof(b));
		if (k <= 0)
			return 0;
		printf("got %zd\n", k);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} cases[] = {
		{"stops", stops}, {"chld", chld}, {"restarts", restarts}, {"vforks", vforks}, {"threads", threads},
		{"dying", dying}, {"threadexec", threadexec}, {"leader", leader}, {"filter", filter}, {"given", given},
		{"untraced", untraced}, {"tracing", tracing}, {"waits", waits},
	};
	for (size_t i = 0; argc > 1 && i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!strcmp(argv[1], cases[i].name))
			return cases[i].run();
	fprintf(stderr, "usage: self CASE\n");
	return 99;
}
