/* SPDX-License-Identifier: Apache-2.0
 *
 * Signals: what they stop, end and interrupt.
 */
#include "self.h"

static volatile sig_atomic_t hits;
static void hit(int sig) { (void)sig; hits++; }

/* Group stops, as a parent sees them, for one thread and for several. */
int stops(void)
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
int chld(void)
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

int restarts(void)
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

/* Blocks in epoll_wait until input comes; an error ends it. */
int waits(void)
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
