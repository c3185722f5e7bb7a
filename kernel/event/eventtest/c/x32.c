/*
 * Calls of the x32 ABI: numbers with a bit of their own, and structures with
 * 32-bit words for those from 512 on only (arch/x86/entry/syscalls/syscall_64.tbl);
 * the others are those of x86_64, with its structures.
 */
#include "case.h"

#include <sys/socket.h>
#include <sys/uio.h>

static pid_t me; /* asked for once: what is called is counted */

/* event states an event of this process; params are the inside of an object. */
#define event(name, ...) event_(__LINE__, name, __VA_ARGS__)
static void event_(int line, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void event_(int line, const char *name, const char *format, ...)
{
	static char params[32 << 10];
	va_list ap;

	va_start(ap, format);
	vsnprintf(params, sizeof(params), format, ap);
	va_end(ap);
	say("{\"event\":\"%s\",\"tid\":%d,\"what\":\"x32.c:%d\",\"params\":{%s}}", name, me, line, params);
}

/* Calls from 512 on. */
static void narrow(void)
{
	char data[200], buf[300];
	struct iovec iov[2] = {{data, 60}, {data + 60, 140}}, in[2] = {{buf, 50}, {buf + 50, 200}};
	struct msghdr hdr = {.msg_iov = iov, .msg_iovlen = 2};
	long fd, r;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i;
	fd = raw(SYS_memfd_create, "x32", 0);
	event("MemfdCreateX", "\"fd\":%ld,\"name\":\"x32\",\"flags\":0", fd);
	r = raw(SYS_writev, fd, iov, 2);
	event("WritevX", "\"res\":%ld,\"data\":%s,\"fd\":%ld,\"size\":200", r, hex(data, 80), fd);
	r = raw(SYS_preadv, fd, in, 2, 10LL, 0);
	event("PreadvX", "\"res\":%ld,\"size\":190,\"data\":%s,\"fd\":%ld,\"pos\":10", r, hex(buf, 80), fd);
	r = raw(SYS_sendmsg, fd, &hdr, 0);
	event("SendmsgX", "\"res\":%ld,\"data\":%s,\"fd\":%ld,\"size\":200,\"tuple\":null", r, hex(data, 80), fd);
	r = raw(SYS_close, fd);
	event("CloseX", "\"res\":%ld,\"fd\":%ld", r, fd);
}

/* Calls below 512. */
static void wide(void)
{
	uint64_t lim[2] = {100, 200}, ts[2] = {0, 1500};
	long r;

	r = raw(SYS_setrlimit, RLIMIT_NOFILE, lim);
	event("SetrlimitX", "\"res\":%ld,\"cur\":100,\"max\":200,\"resource\":{\"names\":\"RLIMIT_NOFILE\"}", r);
	r = raw(SYS_nanosleep, ts, NULL);
	event("NanosleepX", "\"res\":%ld,\"interval\":1500", r);
	raw(SYS_getppid);
	event("GenericX", "\"ID\":41,\"nativeID\":110");
}

int main(int argc, char **argv)
{
	(void)argc;
	open_output(argv);
	me = getpid();
	say("{\"strict\":true}");
	begin();
	narrow();
	wide();
	end();
	done();
	return 0;
}
