package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A runner starts processes and bounds their time.
type runner struct {
	ctx     context.Context
	dir     string        // for files
	timeout time.Duration // of one process
}

// A process is a started command line; its tracees are in its process group.
type process struct {
	cmd    *exec.Cmd
	stderr *os.File
	began  time.Time
	cancel context.CancelFunc
}

// An outcome is how a process ended.
type outcome struct {
	wall   time.Duration
	status int    // exit status, -1 if a signal ended it
	stderr string // the tracer's and the workload's, mixed
}

// start starts a command line. Its standard error goes to a file, so that
// nothing of ours runs while it does.
func (r *runner) start(argv []string, stdin *os.File, stdout io.Writer) (*process, error) {
	stderr, err := os.CreateTemp(r.dir, "stderr-")
	if err != nil {
		return nil, err
	}
	os.Remove(stderr.Name())
	ctx, cancel := context.WithTimeout(r.ctx, r.timeout)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	p := &process{cmd: cmd, stderr: stderr, cancel: cancel}
	// A tracer that is killed may leave its tracees running (strace does).
	cmd.Cancel = func() error { p.kill(); return nil }
	cmd.WaitDelay = 5 * time.Second
	p.began = time.Now()
	if err := cmd.Start(); err != nil {
		cancel()
		stderr.Close()
		return nil, err
	}
	return p, nil
}

// kill kills the process and its descendants.
func (p *process) kill() { unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL) }

// alive reports whether the process has not ended yet.
func (p *process) alive() bool {
	info := unix.Siginfo{}
	err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && info.Signo == 0
}

// wait waits for the end. A status other than 0 is no error here.
func (p *process) wait() (outcome, error) {
	err := p.cmd.Wait()
	out := outcome{wall: time.Since(p.began), status: p.cmd.ProcessState.ExitCode()}
	p.cancel()
	defer p.stderr.Close()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		err = nil
	}
	if out.status < 0 && err == nil {
		p.kill() // tracees that outlive their tracer
		err = errors.New(p.cmd.ProcessState.String())
	}
	var rerr error
	out.stderr, rerr = tail(p.stderr)
	return out, errors.Join(err, rerr)
}

// tail returns the end of a file, where the counters and the last words are.
func tail(f *os.File) (string, error) {
	const most = 64 << 10
	st, err := f.Stat()
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.NewSectionReader(f, max(0, st.Size()-most), most))
	return string(text), err
}

// run runs a command line to its end.
func (r *runner) run(argv []string) (outcome, error) {
	p, err := r.start(argv, nil, nil)
	if err != nil {
		return outcome{}, err
	}
	return p.wait()
}

// failureOf words how a process failed: its status and the last it had to say.
func failureOf(out outcome, err error) error {
	if err == nil {
		err = fmt.Errorf("exit status %d", out.status)
	}
	lines := strings.Split(strings.TrimSpace(out.stderr), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return fmt.Errorf("%w: %s", err, last)
	}
	return err
}
