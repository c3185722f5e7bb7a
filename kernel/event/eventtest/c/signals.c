/* Signals as they are delivered: who sent them, to which thread. */
#include "case.h"

static volatile sig_atomic_t got;

static void handler(int sig)
{
	got = sig;
}

static void delivered(pid_t tid, pid_t spid, int sig)
{
	say("{\"event\":\"SignalDeliverE\",\"tid\":%d,\"what\":\"signal %d\",\"params\":{\"spid\":%d,\"dpid\":%d,\"sig\":%d}}",
	    tid, sig, spid, tid, sig);
}

static void handle(int sig)
{
	struct sigaction sa = {.sa_handler = handler};

	sigaction(sig, &sa, NULL);
}

/* to_self sends a signal and states what is shown of its sender. */
static void to_self(int sig, bool shown)
{
	pid_t me = getpid();

	handle(sig);
	delivered(me, shown ? me : 0, sig);
	kill(me, sig);
	if (got != sig)
		fail("signal did not come", sig);
}

static void queued(int sig, bool shown)
{
	union sigval v = {.sival_int = 7};

	handle(sig);
	delivered(getpid(), shown ? getpid() : 0, sig);
	sigqueue(getpid(), sig, v);
}

/* of_child: what its child sends, and that it ends. */
static void of_child(void)
{
	pid_t me = getpid(), child;
	sigset_t all, old;

	handle(SIGCHLD);
	handle(SIGTERM);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	child = fork();
	if (child == 0) {
		kill(me, SIGTERM);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	/* The lowest number comes first. */
	delivered(me, child, SIGTERM);
	delivered(me, child, SIGCHLD);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* from_kernel: no one is the sender. */
static void from_kernel(void)
{
	pid_t me = getpid();
	struct rlimit lim = {100, 100};
	int fds[2];
	char byte = 0;
	int fd;

	handle(SIGPIPE);
	if (pipe(fds))
		return;
	close(fds[0]);
	delivered(me, 0, SIGPIPE);
	if (write(fds[1], &byte, 1) >= 0)
		fail("write to a broken pipe", 0);
	handle(SIGALRM);
	delivered(me, 0, SIGALRM);
	ualarm(1000, 0);
	while (got != SIGALRM)
		usleep(100);
	handle(SIGXFSZ);
	setrlimit(RLIMIT_FSIZE, &lim);
	fd = memfd_create("limited", 0);
	delivered(me, 0, SIGXFSZ);
	if (pwrite(fd, &byte, 1, 1000) >= 0)
		fail("write beyond the limit", 0);
}

/* ignored ones are not delivered. */
static void ignored(void)
{
	pid_t me = getpid();

	signal(SIGUSR2, SIG_IGN);
	kill(me, SIGUSR2);
	signal(SIGTERM, SIG_IGN);
	kill(me, SIGTERM);
	signal(SIGCHLD, SIG_DFL);
	kill(me, SIGCHLD);
	kill(me, SIGWINCH);
	kill(me, SIGURG);
	kill(me, SIGCONT);
	handle(SIGTERM);
}

static volatile int ready;

static int sleeper(void *unused)
{
	(void)unused;
	ready = 1;
	while (got != SIGUSR1)
		usleep(100);
	syscall(SYS_exit, 0);
	return 0;
}

/* to_thread: the thread is the receiver, and a child that dies shows the last. */
static void to_thread(void)
{
	static char stack[64 << 10] __attribute__((aligned(16)));
	pid_t tid = clone(sleeper, stack + sizeof(stack),
			  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL);

	handle(SIGUSR1);
	while (!ready)
		usleep(100);
	delivered(tid, getpid(), SIGQUIT);
	delivered(tid, 0, SIGUSR1);
	handle(SIGQUIT);
	syscall(SYS_tgkill, getpid(), tid, SIGQUIT);
	while (got != SIGQUIT)
		usleep(100);
	syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
	while (syscall(SYS_tgkill, getpid(), tid, 0) == 0)
		usleep(1000);
}

/*
 * deadly: a signal without a handler is delivered too. One that ends the process at
 * once is SIGKILL of nobody by then (kernel/signal.c:complete_signal, get_signal), but
 * for a traced process, which is told of the real one first.
 */
static void deadly(void)
{
	pid_t child = fork();

	if (child == 0) {
		signal(SIGHUP, SIG_DFL);
		kill(getpid(), SIGHUP);
		_exit(1);
	}
	say("{\"event\":\"SignalDeliverE\",\"tid\":%d,\"what\":\"a deadly signal\",\"params\":"
	    "{\"spid\":{\"oneof\":[%d,0]},\"dpid\":%d,\"sig\":{\"oneof\":[%d,%d]}}}",
	    child, child, child, SIGHUP, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	(void)argc;
	open_output(argv);
	begin();
	to_self(SIGUSR1, false);
	to_self(SIGTERM, true);
	to_self(SIGHUP, true);
	to_self(SIGINT, true);
	to_self(SIGTSTP, true);
	to_self(SIGQUIT, true);
	to_self(SIGRTMIN + 3, true);
	queued(SIGTERM, true);
	queued(SIGRTMAX, true);
	queued(SIGUSR1, false);
	ignored();
	of_child();
	from_kernel();
	signal(SIGCHLD, SIG_IGN);
	deadly();
	to_thread();
	end();
	done();
	return 0;
}
