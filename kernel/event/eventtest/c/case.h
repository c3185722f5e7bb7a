/*
 * What C cases are written with. Statements go into a mapped file, so that
 * making one is no system call: see statement in ../statement.go for the format.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* struct output is the file: where it ends, then lines. */
struct output {
	uint64_t end; /* offset in the file */
	char text[];
};

enum { output_size = 4 << 20, begin_mark = -7777, end_mark = -7778, v036 = 1 };

static struct output *output;
static char *self; /* argv[0] */

/* raw makes a call and returns its result, or -errno. */
#define raw(...) raw_result(syscall(__VA_ARGS__))
static UNUSED long raw_result(long r)
{
	return r == -1 ? -errno : r;
}

static UNUSED pid_t gettid_(void)
{
	return syscall(SYS_gettid);
}

/* say appends a line; several processes and threads may. */
static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	static __thread char line[64 << 10];
	va_list ap;
	int n;
	uint64_t end;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line) - 1, format, ap);
	va_end(ap);
	if (n >= (int)sizeof(line) - 1)
		abort();
	line[n++] = '\n';
	end = __atomic_add_fetch(&output->end, n, __ATOMIC_SEQ_CST);
	memcpy((char *)output + end - n, line, n);
}

static UNUSED void fail(const char *what, long r)
{
	say("{\"fail\":\"%s: %ld\"}", what, r);
}

static UNUSED void done(void)
{
	say("{\"done\":true}");
}

static UNUSED void skip(const char *why)
{
	say("{\"skip\":\"%s\"}", why);
	_exit(0);
}

static UNUSED void must(const char *what, long r)
{
	if (r >= 0)
		return;
	fail(what, r);
	_exit(1);
}

/* begin and end mark what is stated, on the calling thread. */
static UNUSED void begin(void)
{
	syscall(SYS_dup3, begin_mark, begin_mark - 1, 0);
}

static UNUSED void end(void)
{
	syscall(SYS_dup3, end_mark, end_mark - 1, 0);
}

/* open_output maps the file; a program that was started by another opens it anew. */
static void open_output(char **argv)
{
	const char *name = getenv("LANNER_EVENTTEST_OUT");

	if (!name && argv[1] && !strcmp(argv[1], "probe"))
		exit(0); /* whether it runs at all was the question */
	int fd = name ? open(name, O_RDWR) : -1;

	self = argv[0];
	output = mmap(NULL, output_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (output == MAP_FAILED)
		_exit(99);
	close(fd);
}

static UNUSED int profile(void)
{
	const char *s = getenv("LANNER_EVENTTEST_PROFILE");

	return s ? atoi(s) : 0;
}

/* hex writes bytes as a value; the result is one of a few buffers that take turns. */
static UNUSED const char *hex(const void *bytes, size_t n)
{
	static __thread char buf[4][20 << 10];
	static __thread int turn;
	char *out = buf[turn++ % 4], *at = out;
	const unsigned char *b = bytes;

	if (n == 0)
		return "null";
	at += sprintf(at, "{\"hex\":\"");
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, "%02x", b[i]);
	sprintf(at, "\"}");
	return out;
}

/* file reads a small file, without the newline at its end. */
static UNUSED char *file(const char *name)
{
	static __thread char buf[2][8192];
	static __thread int turn;
	char *out = buf[turn++ % 2];
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, out, sizeof(buf[0]) - 1);

	close(fd);
	if (n < 0)
		n = 0;
	if (n > 0 && out[n - 1] == '\n')
		n--;
	out[n] = 0;
	return out;
}

/* status takes a field of /proc/self/status. */
static UNUSED unsigned long long status(const char *field, int base)
{
	char *text = file("/proc/self/status"), *at = strstr(text, field);

	return at ? strtoull(at + strlen(field) + 1, NULL, base) : 0;
}

/* stat_field takes field n, from 1, of a stat file; the name is field 2. */
static UNUSED unsigned long long stat_field(const char *name, int n)
{
	char *at = strrchr(file(name), ')');

	for (; at && n > 2; n--)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}
