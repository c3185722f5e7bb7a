/* Tasks that are made, in every way, and that end. */
#include "case.h"

#include <linux/sched.h>
#include <poll.h>

/* A task as its event shows it. */
struct task {
	const char *event;
	long res;
	pid_t tid, pid, ptid, vtid, vpid;
	const char *flags; /* value */
	bool child;
	bool only_exit; /* there is no enter event */
};

static char args[4096];
static size_t args_len;

/* started is when the init of our PID namespace started, as far as /proc tells. */
static long long started(void)
{
	return stat_field("/proc/1/stat", 22) * 10000000LL;
}

static void state(const struct task *t)
{
	char exe[PATH_MAX + 16], start[100];
	struct rlimit lim;

	getrlimit(RLIMIT_NOFILE, &lim);
	snprintf(exe, sizeof(exe), "\"%s\"", self);
	if (t->child && t->vpid != 1)
		snprintf(start, sizeof(start), "{\"between\":[%lld,%lld]}", started() - 10000000, started() + 10000000);
	else if (t->child)
		snprintf(start, sizeof(start), "{\"nonzero\":true}");
	else
		snprintf(start, sizeof(start), "0");
	say("{\"event\":\"%s\",\"tid\":%d,\"noenter\":%s,\"what\":\"%s of %s\",\"params\":{\"res\":%ld,"
	    "\"exe\":%s,\"args\":%s,\"tid\":%d,\"pid\":%d,\"ptid\":%d,\"cwd\":\"\",\"fdlimit\":%lld,"
	    "\"pgft_maj\":{\"any\":true},\"pgft_min\":{\"any\":true},\"vm_size\":{\"min\":100},\"vm_rss\":{\"any\":true},"
	    "\"vm_swap\":{\"any\":true},\"comm\":\"tasks\",\"cgroups\":{\"has\":\"cpu=\"},\"flags\":%s,\"uid\":%d,\"gid\":%d,"
	    "\"vtid\":%d,\"vpid\":%d,\"pidns_init_start_ts\":%s}}",
	    t->event, t->tid, t->only_exit || t->child ? "true" : "false", t->event, t->child ? "child" : "parent", t->res,
	    t->res < 0 ? "{\"oneof\":[null,\"\"]}" : exe, t->res < 0 ? "null" : hex(args, args_len), t->tid, t->pid, t->ptid,
	    (long long)lim.rlim_cur, t->flags, geteuid(), getegid(), t->vtid, t->vpid, start);
}

/* both states the two events of a call that made a process. */
static void both(const char *event, pid_t child, const char *flags, const char *child_flags, pid_t vpid)
{
	pid_t me = getpid();
	struct task parent = {event, child, me, me, getppid(), me, me, flags, false, false};
	struct task made = {event, 0, child, child, me, vpid ? vpid : child, vpid ? vpid : child, child_flags, true, true};

	state(&parent);
	if (child > 0)
		state(&made);
}

/* ended states the end of a task. */
static void ended(pid_t tid, int status, int sig, pid_t reaper)
{
	say("{\"event\":\"ProcExitE\",\"tid\":%d,\"params\":{\"status\":%d,\"ret\":%d,\"sig\":%d,\"core\":%d,\"reaper_tid\":%d}}",
	    tid, status, (status & 0xff00) >> 8, sig, (status & 0x80) != 0, reaper);
}

static void collect(pid_t child)
{
	int status;

	if (waitpid(child, &status, __WALL) != child)
		fail("waitpid", -errno);
	ended(child, status, WIFSIGNALED(status) ? WTERMSIG(status) : 0, 0);
}

static int child_main(void *code)
{
	syscall(SYS_exit_group, (long)code);
	return 0;
}

static void processes(void)
{
	char stack[64 << 10] __attribute__((aligned(16)));
	struct clone_args ca = {.flags = CLONE_FILES | CLONE_FS, .exit_signal = SIGCHLD};
	pid_t child;
	long r;

#ifdef SYS_fork
	child = syscall(SYS_fork);
	if (child == 0)
		child_main((void *)7);
	both("ForkX", child, "0", "0", 0);
	collect(child);
	child = vfork();
	if (child == 0)
		_exit(8);
	both("VforkX", child, "0", "0", 0);
	collect(child);
#endif
	child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		child_main((void *)255);
	both("CloneX", child, "0", "0", 0);
	collect(child);

	child = clone(child_main, stack + sizeof(stack), CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD, (void *)3);
	both("CloneX", child, "{\"names\":\"CLONE_VM|CLONE_FILES|CLONE_VFORK\"}", "{\"names\":\"CLONE_VM|CLONE_FILES|CLONE_VFORK\"}", 0);
	collect(child);

	child = syscall(SYS_clone3, &ca, sizeof(ca));
	if (child == 0)
		child_main((void *)1);
	if (child > 0) {
		both("Clone3X", child, "{\"names\":\"CLONE_FILES|CLONE_FS\"}", "{\"names\":\"CLONE_FILES|CLONE_FS\"}", 0);
		collect(child);
		r = raw(SYS_clone3, NULL, sizeof(ca));
		both("Clone3X", r, "0", "0", 0);
	}
	/* What fails makes one event. */
	r = raw(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0);
	both("CloneX", r, "{\"names\":\"CLONE_SIGHAND\"}", NULL, 0);
	r = raw(SYS_clone, CLONE_THREAD, 0, 0, 0, 0);
	both("CloneX", r, "{\"names\":\"CLONE_THREAD\"}", NULL, 0);
}

/* fork_quietly makes a child by another call than those that are stated here. */
static pid_t fork_quietly(void)
{
	struct clone_args ca = {.exit_signal = SIGCHLD};

	return syscall(SYS_clone3, &ca, sizeof(ca));
}

static void namespaces(void)
{
	struct clone_args ca = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
	pid_t child;

	if (geteuid() != 0)
		return;
	child = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		child_main((void *)0);
	if (child < 0)
		return;
	both("CloneX", child, "{\"names\":\"CLONE_NEWPID\"}", "{\"names\":\"CLONE_NEWPID|CLONE_CHILD_IN_PIDNS\"}", 1);
	collect(child);
	child = syscall(SYS_clone3, &ca, sizeof(ca));
	if (child == 0)
		child_main((void *)0);
	if (child > 0) {
		both("Clone3X", child, "{\"names\":\"CLONE_NEWPID\"}", "{\"names\":\"CLONE_NEWPID|CLONE_CHILD_IN_PIDNS\"}", 1);
		collect(child);
	}
	/* The end of a namespace's init is that of all of it: no one adopts. */
	child = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		if (fork_quietly() == 0)
			pause();
		child_main((void *)4);
	}
	both("CloneX", child, "{\"names\":\"CLONE_NEWPID\"}", "{\"names\":\"CLONE_NEWPID|CLONE_CHILD_IN_PIDNS\"}", 1);
	collect(child);
	/* From now on all children get another namespace. */
	must("unshare", raw(SYS_unshare, CLONE_NEWPID));
	child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		child_main((void *)0);
	both("CloneX", child, "{\"names\":\"CLONE_CHILD_IN_PIDNS\"}", "{\"names\":\"CLONE_CHILD_IN_PIDNS\"}", 1);
	collect(child);
}

static int thread_main(void *code)
{
	syscall(SYS_exit, (long)code);
	return 0;
}

static volatile pid_t grandchild;

/* thread_parent makes a child, which the rest of the process will adopt. */
static int thread_parent(void *unused)
{
	(void)unused;
	grandchild = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (grandchild == 0) {
		sleep(1);
		syscall(SYS_exit_group, 0);
	}
	syscall(SYS_exit, 2);
	return 0;
}

#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define THREAD_NAMES "{\"names\":\"CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM\"}"

/* gone waits for the end of a thread. */
static void gone(pid_t tid)
{
	for (int i = 0; i < 2000 && syscall(SYS_tgkill, getpid(), tid, 0) == 0; i++)
		usleep(1000);
}

static void threads(void)
{
	static char stack[3][64 << 10] __attribute__((aligned(16)));
	pid_t me = getpid(), tid;
	int status;

	tid = clone(thread_main, stack[0] + sizeof(stack[0]), THREAD, (void *)5);
	must("clone of a thread", tid);
	state(&(struct task){"CloneX", tid, me, me, getppid(), me, me, THREAD_NAMES, false, false});
	state(&(struct task){"CloneX", 0, tid, me, getppid(), tid, me, THREAD_NAMES, true, true});
	ended(tid, 5 << 8, 0, 0);
	gone(tid);

	tid = clone(thread_parent, stack[1] + sizeof(stack[1]), THREAD, NULL);
	state(&(struct task){"CloneX", tid, me, me, getppid(), me, me, THREAD_NAMES, false, false});
	gone(tid);
	ended(tid, 2 << 8, 0, me);
	waitpid(grandchild, &status, __WALL);
	ended(grandchild, 0, 0, 0);
}

/* orphan ends with a child alive; the child tells who took it over. */
static void orphan(void)
{
	pid_t parent, child;
	int status;

	parent = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (parent == 0) {
		parent = getpid();
		child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (child == 0) {
			while (getppid() == parent)
				usleep(1000);
			ended(parent, 0x900, 0, getppid());
			usleep(300000); /* a busy driver has to hear of the parent's end first */
			syscall(SYS_exit_group, 0);
		}
		usleep(20000);
		syscall(SYS_exit_group, 9);
	}
	waitpid(parent, &status, 0);
}

static void signals(void)
{
	const int deadly[] = {SIGTERM, SIGKILL, SIGUSR1, SIGRTMIN, SIGABRT, SIGQUIT};
	struct rlimit core;
	pid_t child;

	/* Where cores are written the last two leave one behind. */
	getrlimit(RLIMIT_CORE, &core);
	core.rlim_cur = core.rlim_max;
	setrlimit(RLIMIT_CORE, &core);

	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (child == 0) {
			signal(deadly[i], SIG_DFL);
			for (;;)
				syscall(SYS_kill, getpid(), deadly[i]);
		}
		both("CloneX", child, "0", "0", 0);
		collect(child);
	}
}

int main(int argc, char **argv)
{
	open_output(argv);
	prctl(PR_SET_NAME, "tasks");
	must("chdir", chdir(getenv("LANNER_EVENTTEST_DIR")) ? -errno : 0);
	for (int i = 1; i < argc; i++) {
		strcpy(args + args_len, argv[i]);
		args_len += strlen(argv[i]) + 1;
	}
	begin();
	if (argc < 2 || !strcmp(argv[1], "processes"))
		processes();
	else if (!strcmp(argv[1], "namespaces"))
		namespaces();
	else if (!strcmp(argv[1], "threads"))
		threads();
	else if (!strcmp(argv[1], "signals"))
		signals();
	else if (!strcmp(argv[1], "orphans")) {
		orphan(); /* whoever is there */
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		orphan(); /* we */
		while (wait(NULL) > 0)
			;
	}
	end();
	done();
	return 0;
}
