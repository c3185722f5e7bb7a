package signals

import (
	"encoding/binary"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Heritage is what execve hands on of signals: those that are ignored and those
// that are blocked, bit n-1 for signal n.
type Heritage struct{ Ignored, Blocked uint64 }

// Inherited returns what this process was given when it started.
//
// The runtime keeps what it replaced in variables of its own, which the linker
// lets no one else name. Their addresses are in the symbol table of the program's
// file; a stripped program has none, and then what is known is what the runtime
// itself respects: that SIGHUP and SIGINT are ignored, and which signals are
// blocked but for those that it needs (runtime/signal_unix.go:blockableSig).
func Inherited() (h Heritage) {
	for sig := unix.Signal(1); sig <= 64; sig++ {
		if a, err := Get(sig); err == nil && a.Handler == Ignore {
			h.Ignored |= 1 << (sig - 1)
		}
	}
	var mask unix.Sigset_t
	if unix.PthreadSigmask(unix.SIG_BLOCK, nil, &mask) == nil {
		h.Blocked = uint64(mask.Val[0])
	}
	at, err := ownSymbols("runtime.fwdSig", "runtime.initSigmask")
	if err != nil {
		return h
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		return h
	}
	defer mem.Close()
	var handlers [65 * 8]byte
	var blocked [8]byte
	if _, err := mem.ReadAt(handlers[:], int64(at[0])); err != nil {
		return h
	}
	if _, err := mem.ReadAt(blocked[:], int64(at[1])); err != nil {
		return h
	}
	for sig := 1; sig <= 64; sig++ {
		if binary.LittleEndian.Uint64(handlers[8*sig:]) == Ignore {
			h.Ignored |= 1 << (sig - 1)
		}
	}
	h.Blocked = binary.LittleEndian.Uint64(blocked[:])
	return h
}

// Exec becomes another program, which gets a heritage of signals as if the Go
// runtime had never been. It returns only if that fails. The calling goroutine
// must be locked to its OS thread.
func Exec(path string, argv, env []string, h Heritage) error {
	for sig := unix.Signal(1); sig <= 64; sig++ {
		if h.Ignored>>(sig-1)&1 != 0 {
			Set(sig, Action{Handler: Ignore})
		}
	}
	var mask unix.Sigset_t
	mask.Val[0] = h.Blocked
	unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil)
	return syscall.Exec(path, argv, env)
}
