package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// window is how far apart a signal may come to trace and to the command that was
// sent to both.
const window = 50 * time.Millisecond

// asksToEnd reports whether a signal asks a command to end. SIGHUP may do so as well, but
// asks many a server to read its configuration again.
func asksToEnd(sig unix.Signal) bool {
	return sig == unix.SIGINT || sig == unix.SIGTERM || sig == unix.SIGQUIT
}

// lastSignal is that of Linux (_NSIG).
const lastSignal = unix.Signal(64)

// ownSignals are those that say something about trace itself, or do something to it. All
// others are for the command: which one asks a program to end is up to its image (httpd's
// has SIGWINCH, systemd's SIGRTMIN+3).
var ownSignals = map[unix.Signal]bool{
	unix.SIGKILL: true, unix.SIGSTOP: true, // can't be passed on
	unix.SIGCHLD: true, unix.SIGCONT: true, unix.SIGTTIN: true, unix.SIGTTOU: true, // job control
	unix.SIGPIPE: true, unix.SIGXFSZ: true, unix.SIGXCPU: true, // what became of our writes, and our limits
	unix.SIGILL: true, unix.SIGTRAP: true, unix.SIGBUS: true, unix.SIGFPE: true, unix.SIGSEGV: true, unix.SIGSYS: true, // faults
	unix.SIGURG: true, unix.SIGPROF: true, 32: true, 33: true, // the runtime's and the C library's (runtime/signal_unix.go)
}

// forward passes signals on to the command that were meant for it: those sent to
// trace alone. What the terminal or a kill of the process group sent came to the
// command by itself; the driver saw it arrive, and struck tells when. ours gets every
// signal first and reports whether it was for trace itself.
func forward(pid int, struck func(unix.Signal) time.Time, ours func(unix.Signal) bool) {
	ch := make(chan os.Signal, 16)
	for sig := unix.Signal(1); sig <= lastSignal; sig++ {
		if !ownSignals[sig] {
			signal.Notify(ch, sig)
		}
	}
	// The job is stopped by the terminal, and we with it, but only when its
	// programs really stopped (see ptrace.mirrorStop and job.stopped).
	signal.Ignore(unix.SIGTTIN, unix.SIGTTOU, unix.SIGPIPE)
	go func() {
		for s := range ch {
			sig, came := s.(syscall.Signal), time.Now()
			if ours(sig) || sig == unix.SIGTSTP {
				continue
			}
			go func() {
				time.Sleep(window)
				if came.Sub(struck(sig)) > window {
					unix.Kill(pid, sig)
				}
			}()
		}
	}()
}
