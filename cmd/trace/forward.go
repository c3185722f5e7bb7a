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

// forward passes signals on to the command that were meant for it: those sent to
// trace alone. What the terminal or a kill of the process group sent came to the
// command by itself; the driver saw it arrive, and struck tells when. ours gets every
// signal first and reports whether it was for trace itself.
func forward(pid int, struck func(unix.Signal) time.Time, ours func(unix.Signal) bool) {
	ch := make(chan os.Signal, 16)
	signal.Notify(ch, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2,
		unix.SIGTSTP, unix.SIGALRM)
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
