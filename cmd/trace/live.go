package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/pipeline"
	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/ptrace"
)

// driverConfig reads the options that a driver needs.
func driverConfig(c *cli.Context) (cfg ptrace.Config, err error) {
	if cfg.Profile, err = profile(c); err != nil {
		return cfg, err
	}
	if cfg.Events, err = selection(c, cfg.Profile); err != nil {
		return cfg, err
	}
	cfg.Snaplen = c.Int("snaplen")
	if cfg.Snaplen < 0 || cfg.Snaplen > event.MaxParamLen {
		return cfg, usage(fmt.Sprintf("--snaplen %d is not between 0 and %d", cfg.Snaplen, event.MaxParamLen))
	}
	switch s := c.String("seccomp"); s {
	case "auto":
	case "always":
		cfg.Seccomp = ptrace.SeccompAlways
	case "never":
		cfg.Seccomp = ptrace.SeccompNever
	default:
		return cfg, usage(fmt.Sprintf("unknown --seccomp %q: auto, always or never", s))
	}
	if f := c.String("on-failure"); f != "run" && f != "refuse" {
		return cfg, usage(fmt.Sprintf("unknown --on-failure %q: run or refuse", f))
	}
	if !c.Bool("quiet") {
		cfg.Notice = func(line string) { fmt.Fprintln(os.Stderr, "trace: "+line) }
	}
	return cfg, nil
}

// runCommand traces a command and ends as it ends.
func runCommand(c *cli.Context) error {
	cfg, err := driverConfig(c)
	if err != nil {
		return err
	}
	argv := c.Args().Slice()
	path, err := find(argv[0])
	if err != nil {
		return err
	}
	d, err := ptrace.New(cfg)
	if err != nil {
		return err
	}
	var snap *snapshot.State
	var out *outputs
	var outErr error
	err = d.Start(path, argv, os.Environ(), func(pid int) {
		snap = scan([]int{pid})
		out, outErr = openOutputs(c, os.Stderr, snap, cfg.Profile)
	})
	if err != nil {
		return denied(c, path, argv, err)
	}
	if outErr != nil {
		unix.Kill(d.Root(), unix.SIGKILL) // it has not begun
		return outErr
	}
	forward(d)
	stats, err := pump(c, d, out, snap, nil)
	if err != nil {
		return err
	}
	if err := d.StartResult(); err != nil {
		return notRun(err)
	}
	printStats(c, d, stats)
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
func notRun(err error) error {
	e, ok := errors.AsType[*ptrace.StartError](err)
	if !ok {
		return err
	}
	msg := e.Err.Error()
	switch e.Err {
	case unix.ENOEXEC:
		msg = "not an executable file: neither a program nor a script with #!"
	case unix.ENOENT:
		msg = "its interpreter is missing"
	}
	return failure{fmt.Errorf("%s: %s", e.Path, msg), e.ExitCode}
}

// denied handles a command that may not be traced.
func denied(c *cli.Context, path string, argv []string, err error) error {
	if c.String("on-failure") != "run" {
		return fmt.Errorf("%w (--on-failure run would start it untraced)", err)
	}
	if !c.Bool("quiet") {
		complain(fmt.Errorf("%w; running %s untraced", err, argv[0]))
	}
	return failure{syscall.Exec(path, argv, os.Environ()), codeNoExec}
}

// attach traces processes that run already.
func attach(c *cli.Context) error {
	cfg, err := driverConfig(c)
	if err != nil {
		return err
	}
	pids := c.IntSlice("pid")
	for _, pid := range pids {
		if pid <= 0 {
			return usage(fmt.Sprintf("%d is not a process id", pid))
		}
	}
	d, err := ptrace.New(cfg)
	if err != nil {
		return err
	}
	if cfg.Seccomp == ptrace.SeccompAlways {
		fmt.Fprintln(os.Stderr, "trace: warning: --seccomp always puts a filter on processes that are not ours: from now on they can't be left, and end if trace is killed")
	}
	for _, pid := range pids {
		if err := d.Attach(pid); err != nil {
			d.Close()
			return err
		}
	}
	snap := scan(pids)
	out, err := openOutputs(c, os.Stdout, snap, cfg.Profile)
	if err != nil {
		d.Close()
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	signal.Ignore(unix.SIGPIPE)
	var ended atomic.Bool
	go func() {
		for range stop {
			if !ended.Load() {
				d.Release()
			}
		}
	}()
	stats, err := pump(c, d, out, snap, func() { go d.Release() })
	ended.Store(true)
	if err != nil {
		return err
	}
	printStats(c, d, stats)
	if out.failed {
		return silent(codeFailure)
	}
	return nil
}

// pump moves events until there are no more. quit, if not nil, is called once no
// more are wanted, from any goroutine: the limit is reached or every sink gave up.
func pump(c *cli.Context, d *ptrace.Driver, out *outputs, snap *snapshot.State, quit func()) (pipeline.Stats, error) {
	st := state.New(snap)
	left := len(out.sinks)
	stats, err := pipeline.Run(d, out.sinks, pipeline.Options{
		Count: c.Uint64("count"),
		State: func() *state.State { return st },
		OnError: func(err error) {
			out.fail(err)
			if left--; left == 0 && quit != nil {
				quit()
			}
		},
		OnLimit: func() {
			if quit != nil {
				quit()
			}
		},
	})
	out.close()
	return stats, err
}

// scan describes processes and their ancestors, so that parents have names.
func scan(pids []int) *snapshot.State {
	all := slices.Clone(pids)
	for _, pid := range pids {
		for pid > 1 {
			var st procfs.Stat
			text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
			if err != nil || procfs.ParseStat(text, &st) != nil || slices.Contains(all, st.PPID) || st.PPID == 0 {
				break
			}
			pid = st.PPID
			all = append(all, pid)
		}
	}
	return procfs.Scan(all)
}

// forward passes signals on to the command that were meant for it: those sent to
// trace alone. What the terminal or a kill of the process group sent came to the
// command by itself; the driver saw it arrive.
func forward(d *ptrace.Driver) {
	const window = 50 * time.Millisecond
	ch := make(chan os.Signal, 16)
	signal.Notify(ch, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2,
		unix.SIGTSTP, unix.SIGALRM)
	// The job is stopped by the terminal, and we with it, but only when its
	// programs really stopped (see ptrace.mirrorStop).
	signal.Ignore(unix.SIGTTIN, unix.SIGTTOU, unix.SIGPIPE)
	go func() {
		for s := range ch {
			sig, came := s.(syscall.Signal), time.Now()
			if sig == unix.SIGTSTP {
				continue
			}
			go func() {
				time.Sleep(window)
				if came.Sub(d.Struck(sig)) > window {
					unix.Kill(d.Root(), sig)
				}
			}()
		}
	}()
}

func printStats(c *cli.Context, d *ptrace.Driver, s pipeline.Stats) {
	if !c.Bool("stats") {
		return
	}
	ds := d.Stats()
	if c.Bool("json") {
		fmt.Fprintf(os.Stderr, `{"n_evts":%d,"n_drops":%d,"stops":%d,"reported":%d,"unwritten":%d}`+"\n",
			ds.Events, ds.Bugs, ds.Stops, s.Events, s.Lost)
		return
	}
	fmt.Fprintf(os.Stderr, "events %d, dropped %d, stops %d, reported %d, not written %d\n",
		ds.Events, ds.Bugs, ds.Stops, s.Events, s.Lost)
}

// silent ends with a code; what there was to say has been said.
func silent(code int) error {
	os.Exit(code)
	return nil
}
