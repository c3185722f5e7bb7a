package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/signals"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/ptrace"
)

// runCommand traces the command that the command line names.
func runCommand(c *cli.Context) error { return traceCommand(c, c.Args().Slice()) }

// traceCommand traces a command and ends as it ends.
func traceCommand(c *cli.Context, argv []string) error {
	if err := environment.apply(c); err != nil {
		return err
	}
	r, err := newRequest(c)
	if err != nil {
		return err
	}
	if err := assign(c); err != nil {
		return err
	}
	path, err := find(argv[0])
	if err != nil {
		return err
	}
	err = r.start(
		func() error { return ptraceCommand(c, r, path, argv) },
		func(refused error) error { return kernelCommand(c, r, path, argv, refused) },
	)
	if no, ok := errors.AsType[refusal](err); ok {
		return denied(c, path, argv, no.error)
	}
	if no, ok := errors.AsType[unwritable](err); ok && c.String("on-failure") == "run" {
		return denied(c, path, argv, no.error)
	}
	return err
}

// unwritable is why events have nowhere to go.
type unwritable struct{ error }

func (u unwritable) Unwrap() error { return u.error }

// ptraceCommand runs a command under the ptrace driver.
func ptraceCommand(c *cli.Context, r *request, path string, argv []string) error {
	d, err := r.openPtrace()
	if err != nil {
		return err
	}
	var snap *snapshot.State
	var out *outputs
	var outErr error
	err = d.Start(path, argv, environ(c), func(pid int) error {
		snap = r.scan([]int{pid})
		out, outErr = openOutputs(c, os.Stderr, snap, r.in)
		return outErr
	})
	switch {
	case outErr != nil:
		return unwritable{outErr}
	case err != nil:
		if out != nil {
			out.close()
		}
		return refusal{err}
	}
	forward(d.Root(), d.Struck, func(sig unix.Signal) bool {
		over := out.over.Load() // nothing of the command is left to take it
		if asksToEnd(sig) || over && sig == unix.SIGHUP {
			out.hurry()
		}
		return over
	})
	stats, err := pump(c, r.source(d), out, snap, nil)
	if err != nil {
		return err
	}
	if err := d.StartResult(); err != nil {
		if e, ok := errors.AsType[*ptrace.StartError](err); ok {
			return notRun(path, e.Err)
		}
		return err
	}
	printStats(c, ptraceCounters(d.Stats()), stats)
	if status, ok := d.Status(); ok && !out.failed {
		mirror(status)
	}
	return silent(codeFailure)
}

// find looks a command up as a shell does.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil || errors.Is(err, exec.ErrDot) {
		return path, nil
	}
	code, why := codeNotFound, "command not found"
	if strings.Contains(name, "/") {
		why = "no such file"
	}
	if st, serr := os.Stat(name); strings.Contains(name, "/") && serr == nil {
		code, why = codeNoExec, "permission denied: not executable"
		if st.IsDir() {
			why = "is a directory"
		}
	} else if errors.Is(err, fs.ErrPermission) {
		code, why = codeNoExec, "permission denied"
	}
	return "", failure{fmt.Errorf("%s: %s", name, why), code}
}

// notRun words the failure of execve.
func notRun(path string, errno error) error {
	msg, code := errno.Error(), codeNoExec
	switch errno {
	case unix.ENOEXEC:
		msg = "not an executable file: neither a program nor a script with #!"
	case unix.ENOENT:
		msg, code = "its interpreter is missing", codeNotFound
	}
	return failure{fmt.Errorf("%s: %s", path, msg), code}
}

// denied handles a command that can't be traced.
func denied(c *cli.Context, path string, argv []string, err error) error {
	if c.String("on-failure") != "run" {
		return fmt.Errorf("%w (--on-failure run would start it untraced)", err)
	}
	if !c.Bool("quiet") {
		complain(fmt.Errorf("%w; running %s untraced", err, argv[0]))
	}
	return notRun(path, signals.Exec(path, argv, environ(c), signals.Inherited()))
}
