/* Programs that are started, and not: execve and execveat. */
#include "case.h"

#include <sys/mount.h>
#include <sys/socket.h>

static char **base_env; /* what finish needs */
static char dir[PATH_MAX];
static char program[PATH_MAX]; /* our file */

/* A program as its event shows it; strings are values. */
struct image {
	long res;
	const char *exe, *args, *env, *comm, *path, *filename, *flags;
	const char *file; /* whose inode it is */
	const char *event;
	pid_t tid;
	bool only_exit;
};

static const char *quote(const char *s)
{
	static __thread char buf[8][PATH_MAX + 2];
	static __thread int turn;
	char *out = buf[turn++ % 8];

	snprintf(out, sizeof(buf[0]), "\"%s\"", s);
	return out;
}

static unsigned long long ns(struct timespec t)
{
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* kernel_ino is the inode number of the kernel's file: on an overlay stat(2) makes
 * up another one. */
static unsigned long long kernel_ino(const char *name)
{
	char info[64], *at;
	int fd = open(name, O_PATH);

	snprintf(info, sizeof(info), "/proc/self/fdinfo/%d", fd);
	at = strstr(file(info), "ino:");
	close(fd);
	return at ? strtoull(at + 4, NULL, 10) : 0;
}

static void state(const struct image *im)
{
	unsigned long long inh, prm, eff, ino;
	struct rlimit lim;
	struct stat st;

	end(); /* what is looked up here is no part of the case */
	inh = status("CapInh", 16);
	prm = status("CapPrm", 16);
	eff = status("CapEff", 16);
	if (stat(im->file ? im->file : program, &st))
		must("stat", -errno);
	ino = kernel_ino(im->file ? im->file : program);
	getrlimit(RLIMIT_NOFILE, &lim);
	if (im->res == 0 && geteuid() != 0)
		prm = eff = 0;
	if (im->res == 0 && geteuid() == 0)
		prm = eff = inh | status("CapBnd", 16);
	say("{\"event\":\"%s\",\"tid\":%d,\"noenter\":%s,\"params\":{\"res\":%ld,\"exe\":%s,\"args\":%s,\"tid\":%d,\"pid\":%d,"
	    "\"ptid\":%d,\"cwd\":\"\",\"fdlimit\":%lld,\"pgft_maj\":{\"any\":true},\"pgft_min\":{\"any\":true},"
	    "\"vm_size\":{\"min\":100},\"vm_rss\":{\"any\":true},\"vm_swap\":{\"any\":true},\"comm\":%s,"
	    "\"cgroups\":{\"has\":\"cpu=\"},\"env\":%s,\"tty\":%lld,\"vpgid\":%d,\"loginuid\":%lu,\"flags\":%s,"
	    "\"cap_inheritable\":%llu,\"cap_permitted\":%llu,\"cap_effective\":%llu,\"exe_ino\":%llu,"
	    "\"exe_ino_ctime\":%llu,\"exe_ino_mtime\":%llu,\"uid\":%d,\"trusted_exepath\":%s,\"pgid\":%d,\"gid\":%d,"
	    "\"filename\":%s}}",
	    im->event, im->tid ? im->tid : getpid(), im->only_exit ? "true" : "false", im->res, im->exe, im->args, getpid(), getpid(),
	    getppid(), (long long)lim.rlim_cur, im->comm, im->env, (long long)(int)stat_field("/proc/self/stat", 7), getpgrp(),
	    strtoul(file("/proc/self/loginuid"), NULL, 10), im->flags, inh, prm, eff, ino ? ino : (unsigned long long)st.st_ino,
	    ns(st.st_ctim), ns(st.st_mtim), geteuid(), im->path, getpgrp(), getegid(), im->filename);
	begin();
}

/* pack is an argv as an event has it, from the nth string on, in a limit. */
static size_t pack(char *out, size_t limit, char **argv)
{
	size_t n = 0;

	for (; argv && *argv && n < limit; argv++) {
		size_t len = strlen(*argv) + 1;

		if (len > limit - n)
			len = limit - n;
		memcpy(out + n, *argv, len);
		n += len;
	}
	if (n)
		out[n - 1] = 0;
	return n;
}

#define WRITABLE (geteuid() == 0 ? "{\"names\":\"EXE_WRITABLE\"}" : "{\"any\":true}")

/* succeed states what comes of argv and env, which lead to finish. */
static void succeed(const char *exe, char **argv, char **env, const char *comm, const char *path, const char *filename,
		    const char *flags, const char *inode)
{
	static char buf[4096], ebuf[4096];
	size_t n = pack(buf, sizeof(buf), argv), first = strlen(argv[0]) + 1, en = pack(ebuf, sizeof(ebuf), env);
	struct image im = {0, quote(exe), hex(buf + first, n - first), hex(ebuf, en), comm, path, filename, flags, inode,
			   "ExecveX", 0, true};

	state(&im);
}

static void enter(const char *filename)
{
	say("{\"event\":\"ExecveE\",\"tid\":%d,\"params\":{\"filename\":%s}}", getpid(), quote(filename));
}

/* failed states an execve that did not work. */
static void failed(long r, const char *filename, const char *exe, const char *args, const char *env)
{
	struct image im = {r, exe, args, env, "\"exec\"", quote(program), filename, WRITABLE, NULL, "ExecveX", 0, false};

	if (r >= 0)
		fail("execve worked", r);
	state(&im);
}

static void failures(void)
{
	char *argv[] = {"zero", "one", "", "three", NULL}, *env[] = {"A=1", "B=", NULL}, *one[] = {"only", NULL};
	char *odd[] = {"fine", (char *)1, "lost", NULL};
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char **edge = (char **)(page + 4096 - 2 * sizeof(char *));
	const char *rest = strdup(hex("one\0\0three", 11)), *vars = strdup(hex("A=1\0B=", 7));
	char buf[PATH_MAX];

	munmap(page + 4096, 4096);
	edge[0] = "first";
	edge[1] = "second";
	failed(raw(SYS_execve, "/none", argv, env), "\"/none\"", "\"zero\"", rest, vars);
	failed(raw(SYS_execve, "", argv, env), "\"\"", "\"zero\"", rest, vars);
	failed(raw(SYS_execve, dir, one, NULL), quote(dir), "\"only\"", "null", "null");
	failed(raw(SYS_execve, NULL, argv, env), "null", "\"zero\"", rest, vars);
	failed(raw(SYS_execve, "/none", NULL, NULL), "\"/none\"", "\"\"", "null", "null");
	failed(raw(SYS_execve, "/none", (char **)8, (char **)8), "\"/none\"", "{\"oneof\":[\"\",null]}", "null", "null");
	failed(raw(SYS_execve, "/none", odd, odd), "\"/none\"", "\"fine\"", "null", hex("fine", 5));
	failed(raw(SYS_execve, "/none", edge, edge), "\"/none\"", "\"first\"", hex("second", 7), hex("first\0second", 13));
	snprintf(buf, sizeof(buf), "%s/plain", dir);
	close(open(buf, O_CREAT | O_WRONLY, 0644));
	failed(raw(SYS_execve, buf, argv, env), quote(buf), "\"zero\"", rest, vars);

	/* execveat has the same values, but for the name. */
	struct image im = {raw(SYS_execveat, -1, "none", argv, env, AT_EMPTY_PATH), "\"zero\"", rest, vars, "\"exec\"",
			   quote(program), "null", WRITABLE, NULL, "ExecveatX", 0, true};
	say("{\"event\":\"ExecveatE\",\"tid\":%d,\"params\":{\"dirfd\":-1,\"pathname\":\"none\","
	    "\"flags\":{\"names\":\"AT_EMPTY_PATH\"}}}", getpid());
	state(&im);
}

/* with returns base_env and more. */
static char **with(char *more)
{
	static char *env[16];
	int n = 0;

	for (; base_env[n]; n++)
		env[n] = base_env[n];
	env[n++] = more;
	env[n] = NULL;
	return env;
}

static void copy(const char *to)
{
	static char buf[64 << 10];
	int in = open(program, O_RDONLY), out = open(to, O_CREAT | O_WRONLY | O_TRUNC, 0755);
	ssize_t n;

	must("copy", out);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			must("write", -errno);
	close(in);
	close(out);
	chmod(to, 0755);
}

static void plain(void)
{
	char *argv[] = {"a name of its own", "finish", "", "b c", NULL};

	enter(program);
	succeed(argv[0], argv, with("EMPTY="), "\"exec\"", quote(program), quote(program), WRITABLE, NULL);
	execve(program, argv, with("EMPTY="));
}

static void long_args(void)
{
	static char big[3000], huge[100000];
	char *argv[] = {"long", "finish", big, big, huge, NULL};

	memset(big, 'x', sizeof(big) - 1);
	memset(huge, 'y', sizeof(huge) - 1);
	huge[0] = 'H', huge[1] = '=';
	enter(program);
	/* What finish needs comes first, so that the cut does not take it. */
	succeed(argv[0], argv, with(huge), "\"exec\"", quote(program), quote(program), WRITABLE, NULL);
	execve(program, argv, with(huge));
}

static void script(void)
{
	char name[PATH_MAX], text[PATH_MAX + 32], *argv[] = {"ignored", "last", NULL};
	char *shown[] = {program, "finish", name, "last", NULL};
	FILE *f;

	snprintf(name, sizeof(name), "%s/a-script-with-a-long-name", dir);
	snprintf(text, sizeof(text), "#!%s finish\n", program);
	f = fopen(name, "w");
	fputs(text, f);
	fclose(f);
	chmod(name, 0755);
	enter(name);
	succeed(program, shown, base_env, "\"a-script-with-a\"", quote(program), quote(name), WRITABLE, NULL);
	execve(name, argv, base_env);
}

static void memfd(void)
{
	int fd = syscall(SYS_memfd_create, "hidden", 0);
	char name[64], comm[64], inode[64], *argv[] = {"mem", "finish", NULL};

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	copy(name);
	fd = open(name, O_RDONLY); /* not the one that is open for writing */
	close(fd - 1);
	snprintf(inode, sizeof(inode), "/proc/self/fd/%d", fd);
	snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	/* Linux 6.14 names the task after the file, older ones after the descriptor. */
	snprintf(comm, sizeof(comm), "{\"oneof\":[\"%d\",\"memfd:hidden\"]}", fd);
	say("{\"event\":\"ExecveatE\",\"tid\":%d,\"params\":{\"dirfd\":%d,\"pathname\":\"\","
	    "\"flags\":{\"names\":\"AT_EMPTY_PATH\"}}}", getpid(), fd);
	succeed(argv[0], argv, base_env, comm, "{\"oneof\":[\"/memfd:hidden (deleted)\",\"/memfd:hidden\"]}", quote(name),
		geteuid() ? "{\"any\":true}" : "{\"names\":\"EXE_WRITABLE|EXE_FROM_MEMFD\"}", inode);
	syscall(SYS_execveat, fd, "", argv, base_env, AT_EMPTY_PATH);
}

static void deleted(void)
{
	char name[PATH_MAX], link[64], path[PATH_MAX + 32], number[32], *argv[] = {"gone", "finish", NULL};
	int fd;

	snprintf(name, sizeof(name), "%s/gone", dir);
	copy(name);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	unlink(name);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	snprintf(number, sizeof(number), "\"%d\"", fd);
	if (profile() == v036)
		snprintf(path, sizeof(path), "\"%s\"", name);
	else
		snprintf(path, sizeof(path), "\"%s (deleted)\"", name);
	enter(link);
	succeed(argv[0], argv, base_env, number, path, quote(link), WRITABLE, link);
	execve(link, argv, base_env);
}

/* relative starts by a path relative to a directory. */
static void relative(void)
{
	char *argv[] = {"rel", "finish", NULL}, name[PATH_MAX + 32];
	int fd;

	snprintf(name, sizeof(name), "%s/rel", dir);
	copy(name);
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	say("{\"event\":\"ExecveatE\",\"tid\":%d,\"params\":{\"dirfd\":%d,\"pathname\":\"rel\","
	    "\"flags\":{\"names\":\"AT_SYMLINK_NOFOLLOW\"}}}", getpid(), fd);
	char link[64];
	snprintf(link, sizeof(link), "/dev/fd/%d/rel", fd);
	succeed(argv[0], argv, base_env, "\"rel\"", quote(name), quote(link), WRITABLE, name);
	syscall(SYS_execveat, fd, "rel", argv, base_env, AT_SYMLINK_NOFOLLOW);
}

/* no_args: a program without arguments gets an empty one (Linux 5.18). */
static void no_args(void)
{
	char *argv[] = {NULL};
	struct image im = {0, "{\"oneof\":[\"\",null]}", "null", NULL, "\"exec\"", quote(program), quote(program), WRITABLE, NULL, "ExecveX", 0, true};
	static char ebuf[4096];
	char **env = with("FINISH=1");

	im.env = hex(ebuf, pack(ebuf, sizeof(ebuf), env));
	enter(program);
	state(&im);
	execve(program, argv, env);
}

/* overlay starts a program of an overlay, in a mount namespace of our own. */
static void overlay(const char *layer, const char *flags)
{
	char *argv[] = {"over", "finish", NULL}, name[PATH_MAX + 32], options[3 * PATH_MAX + 64];

	/* The upper layer must be able to hold attributes: a tmpfs can. */
	must("unshare", raw(SYS_unshare, CLONE_NEWNS));
	must("mount", mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ? -errno : 0);
	must("mount a tmpfs", mount("t", dir, "tmpfs", 0, NULL) ? -errno : 0);
	must("chdir", chdir(dir) ? -errno : 0);
	for (const char **d = (const char *[]){"lower", "upper", "work", "merged", NULL}; *d; d++)
		must("mkdir", mkdir(*d, 0755) ? -errno : 0);
	snprintf(name, sizeof(name), "%s/lower/p", dir);
	copy(name);
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", dir, dir, dir);
	if (mount("o", "merged", "overlay", 0, options))
		skip("no overlays here");
	snprintf(name, sizeof(name), "%s/merged/p", dir);
	if (!strcmp(layer, "upper"))
		must("chmod", chmod(name, 0700) ? -errno : 0); /* copies it up */
	enter(name);
	succeed(argv[0], argv, base_env, "\"p\"", quote(name), quote(name), flags, name);
	execve(name, argv, base_env);
}

static void upper(void)
{
	overlay("upper", "{\"names\":\"EXE_WRITABLE|EXE_UPPER_LAYER\"}");
}

static void lower(void)
{
	overlay("lower", profile() == v036 ? WRITABLE : "{\"names\":\"EXE_WRITABLE|EXE_LOWER_LAYER\"}");
}

/* nobody: a program that another user runs, as entrypoints start servers. */
static void nobody(void)
{
	char *argv[] = {"server", "serve", NULL};

	must("setgroups", raw(SYS_setgroups, 0, NULL));
	must("setgid", raw(SYS_setresgid, 65534, 65534, 65534));
	must("setuid", raw(SYS_setresuid, 65534, 65534, 65534));
	enter(program);
	succeed(argv[0], argv, base_env, "\"exec\"", quote(program), quote(program), "0", NULL);
	execve(program, argv, base_env);
}

/* serve is what nobody's program does: calls whose values are behind links of
 * /proc and in its memory. */
static void serve(void)
{
	int fd, pair[2];
	struct stat st;
	char data[] = "some data";
	long r;

	begin();
	fd = raw(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
	end();
	fstat(fd, &st);
	begin();
	say("{\"event\":\"OpenatX\",\"tid\":%d,\"params\":{\"fd\":%d,\"dirfd\":-100,\"name\":\"/dev/null\","
	    "\"flags\":{\"names\":\"O_RDWR\"},\"mode\":0,\"dev\":%u,\"ino\":%llu}}", getpid(), fd,
	    (unsigned)((st.st_dev & 0xff) | (st.st_dev & 0xfff00)), (unsigned long long)st.st_ino);
	r = raw(SYS_write, fd, data, sizeof(data));
	say("{\"event\":\"WriteX\",\"tid\":%d,\"params\":{\"res\":%ld,\"data\":%s,\"fd\":%d,\"size\":10}}", getpid(), r,
	    hex(data, sizeof(data)), fd);
	r = raw(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair);
	say("{\"event\":\"SocketpairX\",\"tid\":%d,\"params\":{\"res\":%ld,\"fd1\":%d,\"fd2\":%d,\"source\":{\"var\":\"a\"},"
	    "\"peer\":{\"var\":\"b\"},\"domain\":1,\"type\":2,\"proto\":0}}", getpid(), r, pair[0], pair[1]);
	r = raw(SYS_sendto, pair[0], data, sizeof(data), 0, NULL, 0);
	say("{\"event\":\"SendtoX\",\"tid\":%d,\"params\":{\"res\":%ld,\"data\":%s,\"fd\":%d,\"size\":10,"
	    "\"tuple\":{\"unix\":[\"b?\",\"a\",\"\"]}}}", getpid(), r, hex(data, sizeof(data)), pair[0]);
	end();
	done();
}

/* thread_exec: a thread that is not the leader starts a program. The leader's id
 * is the program's. */
static int thread_exec(void *unused)
{
	char *argv[] = {"threaded", "finish", NULL};

	(void)unused;
	say("{\"event\":\"ExecveE\",\"tid\":%d,\"params\":{\"filename\":%s}}", gettid_(), quote(program));
	succeed(argv[0], argv, base_env, "\"exec\"", quote(program), quote(program), WRITABLE, NULL);
	execve(program, argv, base_env);
	return 0;
}

static void in_thread(void)
{
	static char stack[256 << 10] __attribute__((aligned(16)));

	clone(thread_exec, stack + sizeof(stack), CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL);
	sleep(5);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*run)(void); } modes[] = {
		{"plain", plain}, {"long", long_args}, {"script", script}, {"memfd", memfd}, {"deleted", deleted},
		{"relative", relative}, {"noargs", no_args}, {"thread", in_thread}, {"upper", upper}, {"lower", lower},
		{"nobody", nobody},
	};
	static char *env[2], out[PATH_MAX];

	if (argc > 1 && !strcmp(argv[1], "serve"))
		end(); /* how it starts is no part of the case */
	open_output(argv);
	if (getenv("FINISH") || (argc > 1 && !strcmp(argv[1], "finish"))) {
		end();
		done();
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "serve")) {
		serve();
		return 0;
	}
	snprintf(out, sizeof(out), "LANNER_EVENTTEST_OUT=%s", getenv("LANNER_EVENTTEST_OUT"));
	snprintf(dir, sizeof(dir), "%s", getenv("LANNER_EVENTTEST_DIR"));
	program[readlink("/proc/self/exe", program, sizeof(program) - 1)] = 0;
	env[0] = out;
	base_env = env;
	begin();
	if (!strcmp(argv[1], "failures")) {
		failures();
		end();
		done();
		return 0;
	}
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[1], modes[i].name))
			modes[i].run();
	fail("nothing was started", -errno);
	return 1;
}
