/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes and threads: how they come, and how they go.
 */
#include "self.h"

/* vfork: the parent waits, and sees what the child wrote. */
int vforks(void)
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

int threads(void)
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

int dying(void)
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

int threadexec(void)
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

int leader(void)
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

/* A task made with CLONE_UNTRACED, by clone and by clone3. */
int untraced(void)
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
