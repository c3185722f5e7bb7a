package ptrace

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Constants of linux/ptrace.h that x/sys lacks.
const (
	opGetSyscallInfo = 0x420e // PTRACE_GET_SYSCALL_INFO, Linux 5.3

	syscallInfoNone    = 0
	syscallInfoEntry   = 1
	syscallInfoExit    = 2
	syscallInfoSeccomp = 3

	seizeOptions = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK |
		unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACESECCOMP

	syscallStop = unix.SIGTRAP | 0x80 // stop signal of syscall-stops under TRACESYSGOOD
)

// syscallInfo is struct ptrace_syscall_info. Of the union, entry and seccomp
// hold the number and six arguments; exit holds the result and is_error.
type syscallInfo struct {
	op   uint8
	_    [3]uint8
	arch uint32 // AUDIT_ARCH_*
	ip   uint64
	sp   uint64
	data [8]uint64
}

// ptrace is the raw call. It never blocks, so the scheduler need not know.
func ptrace(op, tid int, addr, data uintptr) syscall.Errno {
	_, _, e := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(op), uintptr(tid), addr, data, 0, 0)
	return e
}

func seize(tid, options int) syscall.Errno {
	return ptrace(unix.PTRACE_SEIZE, tid, 0, uintptr(options))
}

func interrupt(tid int) syscall.Errno { return ptrace(unix.PTRACE_INTERRUPT, tid, 0, 0) }

func getSyscallInfo(tid int, info *syscallInfo) syscall.Errno {
	return ptrace(opGetSyscallInfo, tid, unsafe.Sizeof(*info), uintptr(unsafe.Pointer(info)))
}

func eventMsg(tid int) (msg uint64, e syscall.Errno) {
	e = ptrace(unix.PTRACE_GETEVENTMSG, tid, 0, uintptr(unsafe.Pointer(&msg)))
	return msg, e
}

// sigInfo is the head of siginfo_t on 64-bit machines.
type sigInfo struct {
	signo, errno, code int32
	_                  int32
	pid                int32 // si_pid; meaning depends on code
	uid                uint32
	_                  [104]byte
}

func getSigInfo(tid int, si *sigInfo) syscall.Errno {
	return ptrace(unix.PTRACE_GETSIGINFO, tid, 0, uintptr(unsafe.Pointer(si)))
}

// peek reads 8 bytes, the way that still works where process_vm_readv is refused.
func peek(tid int, addr uint64) (word uint64, e syscall.Errno) {
	e = ptrace(unix.PTRACE_PEEKDATA, tid, uintptr(addr), uintptr(unsafe.Pointer(&word)))
	return word, e
}

// regs reads the general registers; setRegs writes them.
func getRegs(tid int, r *regs) syscall.Errno {
	iov := unix.Iovec{Base: (*byte)(unsafe.Pointer(r)), Len: uint64(unsafe.Sizeof(*r))}
	return ptrace(unix.PTRACE_GETREGSET, tid, ntPrstatus, uintptr(unsafe.Pointer(&iov)))
}

func setRegs(tid int, r *regs) syscall.Errno {
	iov := unix.Iovec{Base: (*byte)(unsafe.Pointer(r)), Len: uint64(unsafe.Sizeof(*r))}
	return ptrace(unix.PTRACE_SETREGSET, tid, ntPrstatus, uintptr(unsafe.Pointer(&iov)))
}

const ntPrstatus = 1 // NT_PRSTATUS, elf.h

// wait takes one status change of any child or tracee of this thread. block false
// returns tid 0 where there is none.
//
// The call that blocks tells the scheduler, so that the collector is not held
// up; the one that does not block is raw, which saves most of its cost.
func wait(block bool) (tid int, status unix.WaitStatus, e syscall.Errno) {
	var ws uint32
	options := uintptr(unix.WALL | unix.WNOTHREAD)
	var r uintptr
	if block {
		r, _, e = unix.Syscall6(unix.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&ws)), options, 0, 0, 0)
	} else {
		r, _, e = unix.RawSyscall6(unix.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&ws)), options|unix.WNOHANG, 0, 0, 0)
	}
	return int(r), unix.WaitStatus(ws), e
}
