package ptrace

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The raw calls below take names that already end in a NUL and buffers that
// are already there, so that an event costs no allocation. All of them are
// short: /proc answers at once.

func openat(dir int, name []byte, flags int) (fd int, e syscall.Errno) {
	if dir < 0 && dir != unix.AT_FDCWD {
		return -1, unix.EBADF
	}
	r, _, e := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(&name[0])),
		uintptr(flags|unix.O_CLOEXEC), 0, 0, 0)
	return int(r), e
}

func read(fd int, p []byte) (n int, e syscall.Errno) {
	r, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return int(r), e
}

func pread(fd int, p []byte, off int64) (n int, e syscall.Errno) {
	r, _, e := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
		uintptr(off), 0, 0)
	return int(r), e
}

func closeFD(fd int) { unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

func readlinkat(dir int, name, p []byte) (n int, e syscall.Errno) {
	if dir < 0 {
		return 0, unix.EBADF
	}
	r, _, e := unix.RawSyscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(&name[0])),
		uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(r), 0
}

func statx(dir int, name []byte, flags, mask int, st *unix.Statx_t) syscall.Errno {
	if dir < 0 {
		return unix.EBADF
	}
	_, _, e := unix.RawSyscall6(unix.SYS_STATX, uintptr(dir), uintptr(unsafe.Pointer(&name[0])),
		uintptr(flags), uintptr(mask), uintptr(unsafe.Pointer(st)), 0)
	return e
}
