// Package ptrace is the userspace driver: it follows a process tree with
// ptrace(2) and emits the event contract.
//
// In a nutshell: Start or Attach make threads tracees of the calling OS thread;
// ReadInto waits for a thread to stop, turns the stop into events, resumes the
// thread and hands the events out one by one. An event is complete before its
// thread runs on, so nothing is ever dropped: a slow reader slows the tracees.
//
// The flow of one system call in a tree under our seccomp filter:
//
//	PTRACE_EVENT_SECCOMP  the call is one we want: remember number and arguments,
//	                      emit the enter event if the edition has one, PTRACE_SYSCALL
//	syscall-exit-stop     emit the exit event, PTRACE_CONT
//
// Without a filter (attached processes) both stops are syscall-stops and every
// call stops, wanted or not.
//
// Threads: all of ptrace belongs to one OS thread. New locks its goroutine to
// its thread and never unlocks it; Start, Attach, ReadInto and Close must be
// called from that goroutine. Release and Struck may be called from anywhere.
//
// Files by thing: driver.go the loop, choose.go which calls are looked at, stop.go what
// each kind of stop means, enter.go the two ends of a call, books.go what calls change,
// start.go and attach.go how tracees come, inject.go how they are made to do
// something for us, filter.go the seccomp program, call.go the rows' ops, fill_*.go
// the irregular events, memory.go how the tracee is read, surrogate.go how it is
// asked where we ourselves may not, spin.go and place.go how reports are waited for and
// where tracees run meanwhile, task.go, procfile.go, opened.go, mounts.go,
// socket.go, nettable.go and diag.go what is known about it.
package ptrace
