package spec_test

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// here is the machine whose constants package unix has.
var here = map[string]spec.Arch{"amd64": spec.X86, "arm64": spec.Arm64}[runtime.GOARCH]

// portable makes the wire value of names in a table.
func portable(t *testing.T, table string, names ...string) (v uint64) {
	t.Helper()
	for _, n := range names {
		f := spec.FindTable(table).Find(n)
		if f == nil {
			t.Fatalf("%s has no %s", table, n)
		}
		v |= f.Value
	}
	return v
}

func list(names ...string) []string { return names }

func TestConvert(t *testing.T) {
	for _, c := range []struct {
		conv string
		arg  uint64
		want []string
	}{
		{"open_flags", unix.O_RDONLY, list("O_RDONLY")},
		{"open_flags", unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC, list("O_WRONLY", "O_CREAT", "O_TRUNC")},
		{"open_flags", unix.O_RDWR | unix.O_CLOEXEC, list("O_RDWR", "O_CLOEXEC")},
		{"open_flags", unix.O_APPEND | unix.O_EXCL | unix.O_NONBLOCK, list("O_RDONLY", "O_APPEND", "O_EXCL", "O_NONBLOCK")},
		{"open_flags", unix.O_ACCMODE, list("O_RDONLY")},                               // invalid
		{"open_flags", unix.O_DIRECTORY, list("O_RDONLY", "O_DIRECTORY", "O_TMPFILE")}, // kernel O_TMPFILE contains O_DIRECTORY
		{"open_flags", unix.O_TMPFILE | unix.O_RDWR, list("O_RDWR", "O_DIRECTORY", "O_TMPFILE")},
		{"open_flags", unix.O_DSYNC, list("O_RDONLY", "O_DSYNC", "O_SYNC")}, // kernel O_SYNC contains O_DSYNC
		{"open_flags", unix.O_SYNC, list("O_RDONLY", "O_DSYNC", "O_SYNC")},
		{"open_flags", unix.O_DIRECT, list("O_RDONLY", "O_DIRECT")},
		{"open_flags", unix.O_NOFOLLOW | unix.O_NOATIME | unix.O_NOCTTY | unix.O_PATH, list("O_RDONLY")}, // not in the contract
		{"fd_flags", unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK, list("O_NONBLOCK", "O_CLOEXEC")},
		{"eventfd_flags", unix.EFD_SEMAPHORE | unix.EFD_CLOEXEC, list("O_CLOEXEC")},
		{"eventfd_flags", 1<<32 - 1, nil}, // -1
		{"pipe2_flags", unix.O_DIRECT | unix.O_CLOEXEC | unix.O_NONBLOCK, list("O_NONBLOCK", "O_CLOEXEC", "O_DIRECT")},
		{"pipe2_flags", 1<<64 - 1, nil}, // -1
		{"dup3_flags", unix.O_CLOEXEC | unix.O_NONBLOCK, list("O_CLOEXEC")},
		{"epoll_create1_flags", unix.EPOLL_CLOEXEC, list("EPOLL_CLOEXEC")},
		{"memfd_create_flags", unix.MFD_CLOEXEC | unix.MFD_HUGETLB | unix.MFD_HUGE_2MB, list("MFD_CLOEXEC", "MFD_HUGETLB")},
		{"pidfd_open_flags", unix.PIDFD_NONBLOCK, list("PIDFD_NONBLOCK")},
		{"flock_flags", unix.LOCK_EX | unix.LOCK_NB, list("LOCK_EX", "LOCK_NB")},
		{"access_flags", unix.F_OK, nil},
		{"access_flags", unix.R_OK | unix.X_OK, list("R_OK", "X_OK")},
		{"clone_flags", unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD | unix.CLONE_SYSVSEM |
			unix.CLONE_SETTLS | unix.CLONE_PARENT_SETTID | unix.CLONE_CHILD_CLEARTID,
			list("CLONE_VM", "CLONE_FS", "CLONE_FILES", "CLONE_SIGHAND", "CLONE_THREAD", "CLONE_SYSVSEM", "CLONE_SETTLS",
				"CLONE_PARENT_SETTID", "CLONE_CHILD_CLEARTID")},
		{"clone_flags", unix.CLONE_VM | unix.CLONE_VFORK | uint64(unix.SIGCHLD), list("CLONE_VM", "CLONE_VFORK")},
		{"clone_flags", unix.CLONE_NEWCGROUP, list("CLONE_NEWCGROUP")}, // CLONE_STOPPED of old
		{"clone_flags", unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID, list("CLONE_NEWUSER", "CLONE_NEWNS", "CLONE_NEWPID")},
		{"clone_flags", unix.CLONE_IO | unix.CLONE_CLEAR_SIGHAND, list("CLONE_IO")}, // above 32 bits: lost
		// include/uapi/linux/futex.h; package unix lacks it.
		{"futex_op", 0, list("FUTEX_WAIT")},
		{"futex_op", 1 | 0x80, list("FUTEX_WAKE", "FUTEX_PRIVATE_FLAG")},
		{"futex_op", 9 | 0x100, list("FUTEX_WAIT_BITSET", "FUTEX_CLOCK_REALTIME")},
		{"futex_op", 99 | 0x80, list("FUTEX_PRIVATE_FLAG")}, // no such operation
		{"prot_flags", unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC, list("PROT_READ", "PROT_WRITE", "PROT_EXEC")},
		{"prot_flags", unix.PROT_GROWSDOWN | unix.PROT_GROWSUP, list("PROT_GROWSDOWN", "PROT_GROWSUP")},
		{"mmap_flags", unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_FIXED, list("MAP_PRIVATE", "MAP_ANONYMOUS", "MAP_FIXED")},
		{"mmap_flags", unix.MAP_SHARED | unix.MAP_POPULATE | unix.MAP_LOCKED | unix.MAP_NORESERVE | unix.MAP_NONBLOCK,
			list("MAP_SHARED", "MAP_POPULATE", "MAP_LOCKED", "MAP_NORESERVE", "MAP_NONBLOCK")},
		{"mmap_flags", unix.MAP_GROWSDOWN | unix.MAP_DENYWRITE | unix.MAP_EXECUTABLE, list("MAP_GROWSDOWN", "MAP_DENYWRITE", "MAP_EXECUTABLE")},
		{"mmap_flags", unix.MAP_HUGETLB | unix.MAP_STACK, nil},
		{"mlockall_flags", unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT, list("MCL_CURRENT", "MCL_FUTURE", "MCL_ONFAULT")},
		{"fcntl_cmd", unix.F_DUPFD, list("F_DUPFD")},
		{"fcntl_cmd", unix.F_DUPFD_CLOEXEC, list("F_DUPFD_CLOEXEC")},
		{"fcntl_cmd", unix.F_SETFL, list("F_SETFL")},
		{"fcntl_cmd", unix.F_SETLKW, list("F_SETLKW")},
		{"fcntl_cmd", unix.F_OFD_SETLK, list("F_OFD_SETLK")},
		{"fcntl_cmd", unix.F_SETPIPE_SZ, list("F_SETPIPE_SZ")},
		{"fcntl_cmd", unix.F_ADD_SEALS, list("UNKNOWN")},
		{"lseek_whence", unix.SEEK_END, list("SEEK_END")},
		{"lseek_whence", unix.SEEK_DATA, list("SEEK_SET")}, // unknown is 0
		{"rlimit_resource", unix.RLIMIT_NOFILE, list("RLIMIT_NOFILE")},
		{"rlimit_resource", unix.RLIMIT_RTTIME, list("RLIMIT_RTTIME")},
		{"rlimit_resource", 16, list("RLIMIT_UNKNOWN")},
		{"shutdown_how", unix.SHUT_RDWR, list("SHUT_RDWR")},
		{"shutdown_how", 3, list("SHUT_UNKNOWN")},
		{"socket_family", unix.AF_INET6, list("AF_INET6")},
		{"socket_family", unix.AF_NETLINK, list("AF_NETLINK")},
		{"socket_family", unix.AF_VSOCK, list("AF_UNSPEC")}, // not in the contract
		{"sockopt_level", unix.SOL_SOCKET, list("SOL_SOCKET")},
		{"sockopt_level", unix.SOL_TCP, list("SOL_TCP")},
		{"sockopt_level", unix.SOL_UDP, list("UNKNOWN")},
		{"sockopt_optname", unix.SO_REUSEADDR, list("SO_REUSEADDR")},
		{"sockopt_optname", unix.SO_RCVTIMEO, list("SO_RCVTIMEO")},
		{"sockopt_optname", unix.SO_RCVTIMEO_NEW, list("SO_RCVTIMEO")},
		{"sockopt_optname", unix.SO_SNDTIMEO_NEW, list("SO_SNDTIMEO")},
		{"sockopt_optname", unix.SO_COOKIE, list("SO_COOKIE")},
		{"sockopt_optname", unix.SO_ZEROCOPY, list("UNKNOWN")},
		{"ptrace_request", unix.PTRACE_TRACEME, list("PTRACE_TRACEME")},
		{"ptrace_request", unix.PTRACE_CONT, list("PTRACE_CONT")},
		{"ptrace_request", unix.PTRACE_SEIZE, list("PTRACE_SEIZE")},
		{"ptrace_request", unix.PTRACE_SETOPTIONS, list("PTRACE_SETOPTIONS")},
		{"ptrace_request", unix.PTRACE_GET_SYSCALL_INFO, list("PTRACE_UNKNOWN")},
		{"poll_events", unix.POLLIN | unix.POLLOUT | unix.POLLRDHUP, list("POLLIN", "POLLOUT", "POLLRDHUP")},
		{"poll_events", unix.POLLERR | unix.POLLHUP | unix.POLLNVAL, list("POLLERR", "POLLHUP", "POLLNVAL")},
		{"mknod_mode", 0o644, list("S_IFREG", "S_IRUSR", "S_IWUSR", "S_IRGRP", "S_IROTH")}, // type 0
		{"mknod_mode", unix.S_IFIFO | 0o600, list("S_IFIFO", "S_IRUSR", "S_IWUSR")},
		{"mknod_mode", unix.S_IFBLK, list("S_IFBLK")},
		{"mknod_mode", unix.S_IFDIR | 0o1, list("S_IXOTH")}, // not a type mknod makes
		{"chmod_mode", 0o7777, list("S_ISUID", "S_ISGID", "S_ISVTX", "S_IRUSR", "S_IWUSR", "S_IXUSR", "S_IRGRP", "S_IWGRP", "S_IXGRP",
			"S_IROTH", "S_IWOTH", "S_IXOTH")},
		{"chmod_mode", unix.S_IFREG, nil},
		{"umount_flags", unix.MNT_DETACH | unix.UMOUNT_NOFOLLOW, list("DETACH", "NOFOLLOW")},
		{"unlinkat_flags", unix.AT_REMOVEDIR, list("AT_REMOVEDIR")},
		{"linkat_flags", unix.AT_SYMLINK_FOLLOW | unix.AT_EMPTY_PATH, list("AT_SYMLINK_FOLLOW", "AT_EMPTY_PATH")},
		{"newfstatat_flags", unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT, list("AT_SYMLINK_NOFOLLOW", "AT_NO_AUTOMOUNT")},
		{"execveat_flags", unix.AT_EMPTY_PATH | unix.AT_SYMLINK_NOFOLLOW, list("AT_EMPTY_PATH", "AT_SYMLINK_NOFOLLOW")},
		// Upstream tests fchownat's flags for AT_SYMLINK_FOLLOW, which the
		// call does not take, and calls that value AT_SYMLINK_NOFOLLOW.
		{"fchownat_flags", unix.AT_SYMLINK_NOFOLLOW, nil},
		{"fchownat_flags", unix.AT_SYMLINK_FOLLOW, list("AT_SYMLINK_NOFOLLOW")},
		{"openat2_resolve", unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
			list("RESOLVE_BENEATH", "RESOLVE_NO_SYMLINKS", "RESOLVE_NO_XDEV")},
		{"delete_module_flags", unix.O_NONBLOCK | unix.O_TRUNC, list("O_NONBLOCK", "O_TRUNC")},
		{"finit_module_flags", unix.MODULE_INIT_IGNORE_MODVERSIONS, list("MODULE_INIT_IGNORE_MODVERSIONS")},
		{"splice_flags", unix.SPLICE_F_MOVE | unix.SPLICE_F_GIFT, list("SPLICE_F_MOVE", "SPLICE_F_GIFT")},
	} {
		conv := spec.FindConversion(c.conv)
		if conv == nil {
			t.Errorf("no conversion %s", c.conv)
			continue
		}
		want := portable(t, conv.Table, c.want...)
		if got := conv.On(here).Convert(c.arg); got != want {
			t.Errorf("%s of %#x is %#x, want %#x %v", c.conv, c.arg, got, want, c.want)
		}
	}
}

// TestConvertArch checks what differs between machines, with numbers: package
// unix knows the machine it was built for only.
func TestConvertArch(t *testing.T) {
	for _, c := range []struct {
		conv       string
		x86, arm64 uint64
		want       []string
	}{
		{"open_flags", 0o200000, 0o40000, list("O_RDONLY", "O_DIRECTORY", "O_TMPFILE")},
		{"open_flags", 0o40000, 0o200000, list("O_RDONLY", "O_DIRECT")},
		{"open_flags", 0o100000, 0o400000, list("O_RDONLY", "O_LARGEFILE")},
		{"pipe2_flags", 0o40000, 0o200000, list("O_DIRECT")},
	} {
		conv := spec.FindConversion(c.conv)
		want := portable(t, conv.Table, c.want...)
		if got := conv.On(spec.X86).Convert(c.x86); got != want {
			t.Errorf("%s of %#x on x86 is %#x, want %#x", c.conv, c.x86, got, want)
		}
		if got := conv.On(spec.Arm64).Convert(c.arm64); got != want {
			t.Errorf("%s of %#x on aarch64 is %#x, want %#x", c.conv, c.arm64, got, want)
		}
	}
	// Bits that one machine alone has.
	mmap := spec.FindConversion("mmap_flags")
	if got := mmap.On(spec.X86).Convert(0x40); got != portable(t, "mmap_flags", "MAP_32BIT") {
		t.Errorf("MAP_32BIT on x86 is %#x", got)
	}
	if got := mmap.On(spec.Arm64).Convert(0x40); got != 0 {
		t.Errorf("MAP_32BIT on aarch64 is %#x", got)
	}
	ptrace := spec.FindConversion("ptrace_request")
	if got := ptrace.On(spec.X86).Convert(33); got != portable(t, "ptrace_requests", "PTRACE_SINGLEBLOCK") {
		t.Errorf("PTRACE_SINGLEBLOCK on x86 is %d", got)
	}
	if got := ptrace.On(spec.Arm64).Convert(33); got != 0 {
		t.Errorf("request 33 on aarch64, PTRACE_PEEKMTETAGS, is %d", got)
	}
}
