// Package signals does with signals what os/signal does not: it sets
// dispositions as they are, dies of a signal, and finds out what a process was
// told to ignore and to block.
//
// In a nutshell: the Go runtime puts its own handlers over nearly all signals,
// and what was there before is lost to os/signal. A program that starts others
// in its place must hand on what it inherited and end as they end.
package signals

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Action is struct sigaction of the rt_sigaction system call.
type Action struct {
	Handler  uintptr // 0 is the default, 1 ignores
	Flags    uint64
	restorer uintptr
	mask     uint64
}

// Flags of an Action.
const (
	NoCldStop = 1
	Restart   = 0x10000000
)

// The handlers that are no functions.
const (
	Default = 0 // SIG_DFL
	Ignore  = 1 // SIG_IGN
)

// Set changes the disposition of a signal, behind the runtime's back.
func Set(sig unix.Signal, a Action) error { return sigaction(sig, &a, nil) }

// Get returns the disposition of a signal.
func Get(sig unix.Signal) (a Action, err error) {
	err = sigaction(sig, nil, &a)
	return a, err
}

func sigaction(sig unix.Signal, set, old *Action) error {
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(set)),
		uintptr(unsafe.Pointer(old)), 8, 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

// Die ends the process by a signal, as if it had struck without a handler, and
// without a core file: the one that counts was written by whom it struck first.
// It returns only where that cannot be, as PID 1.
func Die(sig unix.Signal) {
	unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	Set(sig, Action{Handler: Default})
	var mask unix.Sigset_t
	mask.Val[0] = 1 << (sig - 1)
	unix.PthreadSigmask(unix.SIG_UNBLOCK, &mask, nil)
	unix.Tgkill(os.Getpid(), unix.Gettid(), syscall.Signal(sig))
}
