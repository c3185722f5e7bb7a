package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel"
	"github.com/lannerhq/lanner/ptrace"
)

// attach traces processes that run already.
func attach(c *cli.Context) error {
	r, err := newRequest(c)
	if err != nil {
		return err
	}
	pids := c.IntSlice("pid")
	for _, pid := range pids {
		if err := traceable(pid); err != nil {
			return err
		}
	}
	return r.start(
		func() error { return ptraceAttach(c, r, pids) },
		func(refused error) error {
			return watch(c, r, kernel.Scope{PIDs: pids}, func() *snapshot.State { return r.scan(pids) }, refused)
		},
	)
}

// traceable says why a process can't be traced by any driver.
func traceable(pid int) error {
	if pid <= 0 {
		return usage(fmt.Sprintf("%d is not a process id", pid))
	}
	st, err := statOf(pid)
	switch {
	case err != nil:
		return fmt.Errorf("no process with PID %d", pid)
	case st.Kernel():
		return fmt.Errorf("cannot trace process %d: it is a thread of the kernel", pid)
	case pid == os.Getpid():
		return fmt.Errorf("cannot trace process %d: it is trace itself", pid)
	}
	return nil
}

// ptraceAttach attaches with ptrace.
func ptraceAttach(c *cli.Context, r *request, pids []int) error {
	d, err := r.openPtrace()
	if err != nil {
		return err
	}
	if r.seccomp == ptrace.SeccompAlways {
		fmt.Fprintln(os.Stderr, "trace: warning: --seccomp always puts a filter on processes that are not ours: from now on they can't be left, and end if trace is killed")
	}
	for _, pid := range pids {
		if err := d.Attach(pid); err != nil {
			d.Close()
			return refusal{err}
		}
	}
	snap := r.scan(pids)
	out, err := openOutputs(c, os.Stdout, snap, r.in)
	if err != nil {
		d.Close()
		return err
	}
	onStop(func() {
		out.hurry()
		if !out.over.Load() {
			d.Release()
		}
	})
	stats, err := pump(c, r.source(d), out, snap, func() { go d.Release() })
	if err != nil {
		return err
	}
	printStats(c, ptraceCounters(d.Stats()), stats)
	if out.failed {
		return silent(codeFailure)
	}
	return nil
}

// watchAll traces all processes of the machine, or of a cgroup.
func watchAll(c *cli.Context) error {
	r, err := newRequest(c)
	if err != nil {
		return err
	}
	scope := kernel.Scope{Host: true}
	if c.IsSet("cgroup") {
		dir, err := kernel.CgroupDir(c.String("cgroup"))
		if err != nil {
			return err
		}
		scope = kernel.Scope{Cgroup: dir}
	}
	// All processes are described for a cgroup too: one may move into it later.
	return watch(c, r, scope, func() *snapshot.State { return procfs.Scan(nil, nil) }, nil)
}

// watch traces a scope with a kernel driver until the user has had enough. What
// there is already is looked at when the driver is at work: what begins in
// between is told twice rather than never.
func watch(c *cli.Context, r *request, scope kernel.Scope, look func() *snapshot.State, refused error) error {
	d, err := r.openKernel(scope, r.events, refused)
	if err != nil {
		return err
	}
	defer d.Close()
	onStop(d.Stop)
	snap, err := kernel.Snapshot(d, look)
	if err != nil {
		return err
	}
	out, err := openOutputs(c, os.Stdout, snap, r.in)
	if err != nil {
		return err
	}
	onStop(out.hurry)
	stats, err := pump(c, r.source(d), out, snap, d.Stop)
	if err != nil {
		return err
	}
	r.reportLoss(d.Stats())
	printStats(c, kernelCounters(c, d.Stats()), stats)
	if out.failed {
		return silent(codeFailure)
	}
	return nil
}
