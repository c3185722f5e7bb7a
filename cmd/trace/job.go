package main

import (
	"os"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel"
	"github.com/lannerhq/lanner/kernel/event"
)

// A job is a command under a kernel driver: unlike a tracee it knows nothing of
// us, and we are to it what a shell would be.
type job struct {
	*kernel.Command
	driver kernel.Driver
	out    *outputs
	ended  chan unix.WaitStatus // gets how the command ended
	over   atomic.Bool          // it ended

	hidden    bool              // the user did not ask for signals
	readTo    atomic.Uint64     // time of the last event, ns since the epoch
	struck    [65]atomic.Uint64 // when a signal last came to the command, likewise
	suspended atomic.Int64      // when the terminal last asked us to stop, likewise
}

// kernelCommand runs a command under a kernel driver. refused is why ptrace was
// not taken, if it had the choice.
func kernelCommand(c *cli.Context, r *request, path string, argv []string, refused error) error {
	cmd, err := kernel.Hold(path, argv, environ(c))
	if err != nil {
		return err
	}
	j := &job{Command: cmd, ended: make(chan unix.WaitStatus, 1), hidden: !r.events.Has(event.SCSignalDeliver)}
	events := r.events
	events.Add(event.SCSignalDeliver)
	if j.driver, err = r.openKernel(kernel.Scope{Armed: []int{cmd.PID}}, events, refused); err != nil {
		cmd.Abandon()
		return err
	}
	defer j.driver.Close()
	snap, err := kernel.Snapshot(j.driver, func() *snapshot.State { return r.scan([]int{cmd.PID}) })
	if err != nil {
		cmd.Abandon()
		return err
	}
	out, err := openOutputs(c, os.Stderr, snap, r.in)
	if err != nil {
		cmd.Abandon()
		return unwritable{err}
	}
	j.out = out
	out.kill = func() { unix.Kill(cmd.PID, unix.SIGKILL) }
	forward(cmd.PID, j.lastStruck, j.ours)
	if err := cmd.Release(); err != nil {
		out.close()
		return notRun(path, err)
	}
	go j.wait()
	stats, err := pump(c, r.source(j), out, snap, nil)
	if err != nil {
		complain(err) // the command goes on
	}
	status := <-j.ended
	r.reportLoss(j.driver.Stats())
	printStats(c, kernelCounters(c, j.driver.Stats()), stats)
	if err == nil && !out.failed {
		mirror(status)
	}
	return silent(codeFailure)
}

// wait waits for the command to end. As PID 1 the namespace ends with us, so the
// command's end is the end of tracing.
func (j *job) wait() {
	status := j.Wait(j.stopped)
	j.over.Store(true)
	j.ended <- status
	if os.Getpid() == 1 {
		j.driver.Stop()
	}
}

// tidyTime is how long a program may take from the terminal's SIGTSTP to the
// SIGSTOP by which it stops itself.
const tidyTime = time.Second

// stopped stops us when the command stopped, so that the shell that waits for us
// sees its job stopped. A SIGSTOP that the terminal has nothing to do with is for
// the command alone: who continues it would not continue us.
func (j *job) stopped(sig unix.Signal) {
	if os.Getpid() == 1 {
		return
	}
	if sig == unix.SIGSTOP {
		time.Sleep(window) // the terminal's signal may come to us later than to the command
		st, err := statOf(j.PID)
		if time.Since(time.Unix(0, j.suspended.Load())) > tidyTime || err != nil || st.State != 'T' {
			return
		}
	}
	if pgid, err := unix.Getpgid(j.PID); err == nil && pgid == unix.Getpgrp() {
		unix.Kill(os.Getpid(), unix.SIGSTOP)
	}
}

// ours takes the signals that are for trace and not for the command.
func (j *job) ours(sig unix.Signal) bool {
	if asksToEnd(sig) || sig == unix.SIGHUP && j.over.Load() {
		j.out.hurry()
	}
	switch {
	case sig == unix.SIGTSTP && j.over.Load():
		unix.Kill(os.Getpid(), unix.SIGSTOP)
		return true
	case sig == unix.SIGTSTP:
		j.suspended.Store(time.Now().UnixNano())
		return true
	case j.over.Load():
		// What the command left behind is not ours to end; tracing it is.
		if sig == unix.SIGINT || sig == unix.SIGTERM || sig == unix.SIGHUP || sig == unix.SIGQUIT {
			j.driver.Stop()
		}
		return true
	}
	return false
}

// ReadInto reads from the driver and notes which signals come to the command.
func (j *job) ReadInto(ev *event.Event) error {
	if err := j.driver.ReadInto(ev); err != nil {
		return err
	}
	j.readTo.Store(ev.TS())
	if ev.Type() != event.SignalDeliverE {
		return nil
	}
	if j.hidden {
		ev.Flags |= event.StateOnly
	}
	sig, ok := ev.Int(2)
	if ok && sig > 0 && sig < int64(len(j.struck)) && kernel.Process(j.driver, ev.TID()) == j.PID {
		j.struck[sig].Store(ev.TS())
	}
	return nil
}

// lastStruck returns when a signal last came to the command. It waits until the
// events up to now have been read, or none come any more, but not for long. A pause
// is longer than the driver sleeps when there is nothing to read.
func (j *job) lastStruck(sig unix.Signal) time.Time {
	const pause, patience = 100 * time.Millisecond, time.Second
	for now := time.Now(); time.Since(now) < patience; {
		before := j.readTo.Load()
		if before >= uint64(now.UnixNano()) {
			break
		}
		time.Sleep(pause)
		if j.readTo.Load() == before {
			break
		}
	}
	return time.Unix(0, int64(j.struck[sig].Load()))
}
