/* Calls of the 32-bit ABI: other numbers, and structures with 32-bit words. */
#include "case.h"

#include <arpa/inet.h>
#include <linux/net.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

enum { x86_getppid = 110, code_getppid = 41 };

static pid_t me; /* asked for once: what is called is counted */

/* event states an event of this process; params are the inside of an object. */
#define event(name, ...) event_(__LINE__, name, "", __VA_ARGS__)
static void event_(int line, const char *name, const char *more, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void event_(int line, const char *name, const char *more, const char *format, ...)
{
	static char params[32 << 10];
	va_list ap;

	va_start(ap, format);
	vsnprintf(params, sizeof(params), format, ap);
	va_end(ap);
	say("{\"event\":\"%s\",\"tid\":%d,\"what\":\"i386.c:%d\"%s,\"params\":{%s}}", name, me, line, more, params);
}

static void files(void)
{
	char data[200], buf[300];
	struct iovec iov[2] = {{data, 60}, {data + 60, 140}}, in[2] = {{buf, 50}, {buf + 50, 200}};
	struct stat st;
	int fd, null;
	long r;

	end();
	null = open("/dev/null", O_RDWR);
	begin();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i;
	fd = raw(SYS_openat, AT_FDCWD, "file", O_RDWR | O_CREAT | O_LARGEFILE, 0640);
	end();
	fstat(fd, &st);
	begin();
	say("{\"event\":\"OpenatX\",\"tid\":%d,\"enter\":{\"flags\":{\"names\":\"O_RDWR|O_CREAT|O_LARGEFILE\"}},\"params\":{\"fd\":%d,"
	    "\"dirfd\":-100,\"name\":\"file\",\"flags\":{\"names\":\"O_RDWR|O_CREAT|O_LARGEFILE|O_F_CREATED\"},\"mode\":416,"
	    "\"dev\":{\"nonzero\":true},\"ino\":%llu}}", me, fd, (unsigned long long)st.st_ino);
	r = raw(SYS_close, -1);
	event("CloseX", "\"res\":%ld,\"fd\":-1", r);
	r = raw(SYS_writev, fd, iov, 2);
	event("WritevX", "\"res\":%ld,\"data\":%s,\"fd\":%d,\"size\":200", r, hex(data, 80), fd);
	r = raw(SYS_writev, null, 8, 2);
	event("WritevX", "\"res\":%ld,\"data\":null,\"fd\":%d,\"size\":0", r, null);
	r = raw(SYS__llseek, fd, 0, 1, buf, SEEK_SET);
	if (profile() == v036)
		event("LlseekX", "\"res\":%ld,\"fd\":%d,\"offset\":1,\"whence\":{\"names\":\"SEEK_SET\"}", r, fd);
	else /* translated to lseek, whose arguments these are not */
		event("LseekX", "\"res\":%ld,\"fd\":%d,\"offset\":0,\"whence\":{\"names\":\"SEEK_CUR\"}", r, fd);
	raw(SYS__llseek, fd, 0, 0, buf, SEEK_SET);
	if (profile() == v036)
		event("LlseekX", "\"res\":0,\"fd\":%d,\"offset\":0,\"whence\":{\"names\":\"SEEK_SET\"}", fd);
	else
		event("LseekX", "\"res\":0,\"fd\":%d,\"offset\":0,\"whence\":{\"names\":\"SEEK_SET\"}", fd);
	r = raw(SYS_readv, fd, in, 2);
	event("ReadvX", "\"res\":%ld,\"size\":200,\"data\":%s,\"fd\":%d", r, hex(data, 80), fd);
	r = raw(SYS_write, null, data, 10);
	event("WriteX", "\"res\":%ld,\"data\":%s,\"fd\":%d,\"size\":10", r, hex(data, 10), null);
	r = raw(SYS_fcntl64, fd, F_DUPFD, 50);
	event("FcntlX", "\"res\":%ld,\"fd\":%d,\"cmd\":{\"names\":\"F_DUPFD\"},\"arg\":50", r, fd);
	r = raw(SYS_dup2, fd, 77);
	say("{\"event\":\"Dup2X\",\"tid\":%d,\"enter\":{\"fd\":%d},\"params\":{\"res\":%ld,\"oldfd\":%d,\"newfd\":77}}",
	    me, fd, r, fd);
	r = raw(SYS_getuid32);
	event("GetuidX", "\"uid\":%ld", r);
	r = raw(SYS_unlink, "file");
	event("UnlinkX", "\"res\":%ld,\"path\":\"file\"", r);
}

static void memory(void)
{
	long r = raw(SYS_mmap2, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 5);

	event(profile() == v036 ? "Mmap2X" : "MmapX",
	      "\"res\":%lu,\"vm_size\":{\"min\":100},\"vm_rss\":{\"any\":true},\"vm_swap\":{\"any\":true},\"addr\":0,\"length\":4096,"
	      "\"prot\":{\"names\":\"PROT_READ\"},\"flags\":{\"names\":\"MAP_PRIVATE|MAP_ANONYMOUS\"},\"fd\":-1,\"%s\":5",
	      (unsigned long)r, profile() == v036 ? "pgoffset" : "offset");
	unsigned long addr = r;
	r = raw(SYS_munmap, addr, 4096);
	event("MunmapX", "\"res\":%ld,\"vm_size\":{\"min\":100},\"vm_rss\":{\"any\":true},\"vm_swap\":{\"any\":true},"
	      "\"addr\":%lu,\"length\":4096", r, addr);
}

/* Limits and times of 32-bit words. */
static void words(void)
{
	uint32_t lim[2] = {100, 0xffffffff}, ts[2] = {0, 1500}, old[2], wide[4] = {90, 0, 100, 0};
	struct pollfd none = {-1, POLLIN, 0};
	long r;

	r = raw(SYS_setrlimit, RLIMIT_NOFILE, lim);
	event("SetrlimitX", "\"res\":%ld,\"cur\":100,\"max\":-1,\"resource\":{\"names\":\"RLIMIT_NOFILE\"}", r);
	lim[1] = 200;
	r = raw(SYS_setrlimit, RLIMIT_NOFILE, lim);
	event("SetrlimitX", "\"res\":%ld,\"cur\":100,\"max\":200,\"resource\":{\"names\":\"RLIMIT_NOFILE\"}", r);
	r = raw(SYS_ugetrlimit, RLIMIT_NOFILE, old);
	event("GetrlimitX", "\"res\":%ld,\"cur\":100,\"max\":200,\"resource\":{\"names\":\"RLIMIT_NOFILE\"}", r);
	/* prlimit64 has 64-bit words everywhere. */
	r = raw(SYS_prlimit64, 0, RLIMIT_NOFILE, wide, NULL);
	event("PrlimitX", "\"res\":%ld,\"newcur\":90,\"newmax\":100,\"oldcur\":0,\"oldmax\":0,\"pid\":0,"
	      "\"resource\":{\"names\":\"RLIMIT_NOFILE\"}", r);
	r = raw(SYS_nanosleep, ts, NULL);
	event("NanosleepX", "\"res\":%ld,\"interval\":1500", r);
	ts[1] = 0;
	r = raw(SYS_ppoll, &none, 1, ts, NULL, 8);
	say("{\"event\":\"PpollX\",\"tid\":%d,\"params\":{\"res\":%ld,\"fds\":%s,\"timeout\":0,\"sigmask\":0},"
	    "\"enter\":{\"fds\":{\"hex\":\"0100ffffffffffffffff0100\"}}}", me, r,
	    profile() == v036 ? "{\"hex\":\"0000\"}" : "{\"hex\":\"0100ffffffffffffffff0000\"}");
	if (profile() != v036) {
		r = raw(SYS_getppid);
		event("GenericX", "\"ID\":%d,\"nativeID\":%d", code_getppid, x86_getppid);
		/* What edition Current discards. */
		syscall(7 /* waitpid */, -1, NULL, 0);
		syscall(34 /* nice */, 0);
		syscall(403 /* clock_gettime64 */, 0, wide);
	}
	r = raw(SYS_close, 12345);
	event("CloseX", "\"res\":%ld,\"fd\":12345", r);
}

#define call(code, ...) raw(SYS_socketcall, code, (long[]){__VA_ARGS__})
#define P(x) ((long)(x))

static const char *tuple(struct sockaddr_in *a, struct sockaddr_in *b)
{
	unsigned char t[13] = {AF_INET};
	uint16_t p = ntohs(a->sin_port), q = ntohs(b->sin_port);

	memcpy(t + 1, &a->sin_addr, 4);
	memcpy(t + 5, &p, 2);
	memcpy(t + 7, &b->sin_addr, 4);
	memcpy(t + 11, &q, 2);
	return hex(t, sizeof(t));
}

static const char *address(struct sockaddr_in *a)
{
	unsigned char t[7] = {AF_INET};
	uint16_t p = ntohs(a->sin_port);

	memcpy(t + 1, &a->sin_addr, 4);
	memcpy(t + 5, &p, 2);
	return hex(t, sizeof(t));
}

/* socketcall: one call stands for all, its arguments are in memory. */
static void sockets(void)
{
	struct sockaddr_in to = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}}, from = to;
	socklen_t len = sizeof(to);
	char msg[100], buf[100];
	struct iovec iov = {msg, 100}, in = {buf, 100};
	struct msghdr out_hdr = {.msg_iov = &iov, .msg_iovlen = 1}, in_hdr = {.msg_iov = &in, .msg_iovlen = 1};
	uint32_t tv[2] = {3, 250};
	uint64_t tv64[2] = {4, 750};
	int srv, cli, acc, one = 1, pair[2];
	long r;

	memset(msg, 'm', sizeof(msg));
	srv = call(SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	event("SocketX", "\"fd\":%d,\"domain\":2,\"type\":1,\"proto\":0,\"flags\":0", srv);
	r = call(SYS_BIND, srv, P(&to), sizeof(to));
	event("BindX", "\"res\":%ld,\"addr\":%s,\"fd\":%d", r, address(&to), srv);
	r = call(SYS_LISTEN, srv, 3);
	event("ListenX", "\"res\":%ld,\"fd\":%d,\"backlog\":3", r, srv);
	r = call(SYS_GETSOCKNAME, srv, P(&to), P(&len));
	event_(__LINE__, "GetsocknameX", "", "%s", "");
	cli = call(SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	event("SocketX", "\"fd\":%d,\"domain\":2,\"type\":1,\"proto\":0,\"flags\":0", cli);
	r = call(SYS_CONNECT, cli, P(&to), sizeof(to));
	end();
	getsockname(cli, (struct sockaddr *)&from, &len);
	begin();
	event("ConnectX", "\"res\":%ld,\"tuple\":%s,\"fd\":%d,\"addr\":%s", r, tuple(&from, &to), cli, address(&to));
	acc = call(SYS_ACCEPT, srv, 0, 0);
	event("AcceptX", "\"fd\":%d,\"tuple\":%s,\"queuepct\":0,\"queuelen\":0,\"queuemax\":3", acc, tuple(&from, &to));
	r = call(SYS_SEND, cli, P(msg), 7, 0);
	event_(__LINE__, "SendX", ",\"maybe\":true", "\"res\":%ld,\"data\":%s,\"fd\":%d,\"size\":7,\"tuple\":%s", r, hex(msg, 7), cli, tuple(&from, &to));
	r = call(SYS_RECV, acc, P(buf), 9, 0);
	event_(__LINE__, "RecvX", ",\"maybe\":true", "\"res\":%ld,\"data\":%s,\"fd\":%d,\"size\":9,\"tuple\":%s", r, hex(msg, 7), acc, tuple(&from, &to));
	r = call(SYS_SENDTO, cli, P(msg), 5, 0, 0, 0);
	event("SendtoX", "\"res\":%ld,\"data\":%s,\"fd\":%d,\"size\":5,\"tuple\":%s", r, hex(msg, 5), cli, tuple(&from, &to));
	r = call(SYS_RECVFROM, acc, P(buf), 9, 0, 0, 0);
	event("RecvfromX", "\"res\":%ld,\"data\":%s,\"tuple\":%s,\"fd\":%d,\"size\":9", r, hex(msg, 5), tuple(&from, &to), acc);
	r = call(SYS_SENDMSG, cli, P(&out_hdr), 0);
	event("SendmsgX", "\"res\":%ld,\"data\":%s,\"fd\":%d,\"size\":100,\"tuple\":%s", r, hex(msg, 80), cli, tuple(&from, &to));
	r = call(SYS_RECVMSG, acc, P(&in_hdr), 0);
	event("RecvmsgX", "\"res\":%ld,\"size\":100,\"data\":%s,\"tuple\":%s,\"msgcontrol\":null,\"fd\":%d", r, hex(msg, 80), tuple(&from, &to), acc);
	/* The same by numbers of their own. */
	r = raw(SYS_sendmsg, cli, &out_hdr, 0);
	event("SendmsgX", "\"res\":%ld,\"data\":%s,\"fd\":%d,\"size\":100,\"tuple\":%s", r, hex(msg, 80), cli, tuple(&from, &to));
	r = call(SYS_SETSOCKOPT, cli, SOL_SOCKET, SO_REUSEADDR, P(&one), 4);
	event("SetsockoptX", "\"res\":%ld,\"fd\":%d,\"level\":1,\"optname\":{\"names\":\"SO_REUSEADDR\"},\"val\":{\"dyn\":[2,1]},\"optlen\":4", r, cli);
	r = raw(SYS_setsockopt, cli, SOL_SOCKET, 20, tv, 8);
	event("SetsockoptX", "\"res\":%ld,\"fd\":%d,\"level\":1,\"optname\":{\"names\":\"SO_RCVTIMEO\"},\"val\":{\"dyn\":[4,3000250000]},\"optlen\":8", r, cli);
	r = raw(SYS_setsockopt, cli, SOL_SOCKET, 66, tv64, 16);
	event("SetsockoptX", "\"res\":%ld,\"fd\":%d,\"level\":1,\"optname\":{\"names\":\"SO_RCVTIMEO\"},\"val\":{\"dyn\":[4,4000750000]},\"optlen\":16", r, cli);
	r = call(SYS_SHUTDOWN, cli, SHUT_WR);
	event("ShutdownX", "\"res\":%ld,\"fd\":%d,\"how\":1", r, cli);
	r = call(SYS_SOCKETPAIR, AF_UNIX, SOCK_DGRAM, 0, P(pair));
	event("SocketpairX", "\"res\":%ld,\"fd1\":%d,\"fd2\":%d,\"source\":{\"var\":\"a\"},\"peer\":{\"var\":\"b\"},\"domain\":1,\"type\":2,\"proto\":0",
	      r, pair[0], pair[1]);
	/* Codes that there are not, and arguments that can't be read. */
	call(99, 1, 2, 3);
	call(0, 1, 2, 3);
	if (profile() == v036)
		return;
	r = raw(SYS_socketcall, SYS_SHUTDOWN, 8);
	event("ShutdownX", "\"res\":%ld,\"fd\":0,\"how\":0", r);
}

int main(int argc, char **argv)
{
	open_output(argv);
	me = getpid();
	if (chdir(getenv("LANNER_EVENTTEST_DIR")))
		must("chdir", -errno);
	say("{\"strict\":true}");
	begin();
	if (argc > 1 && !strcmp(argv[1], "sockets")) {
		sockets();
	} else {
		files();
		memory();
		words();
	}
	end();
	done();
	return 0;
}
