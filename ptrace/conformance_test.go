package ptrace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func TestMain(m *testing.M) {
	eventtest.Main()
	loop()
	placed()
	code := m.Run()
	eventtest.Clean()
	os.Exit(code)
}

// limits are what this driver leaves of long things.
var limits = eventtest.Limits{
	String: maxString, Iovecs: iovLimit, PollFDs: pollLimit, Messages: mmsgLimit, ExecStrings: maxArgs,
}

// TestConformance runs the suite on this driver, in a tree that stops at what is
// wanted only.
func TestConformance(t *testing.T) {
	eventtest.Run(t, eventtest.Driver{
		Name: "ptrace", Limits: limits, AtSign: true, Unknown: unknown(t), Skip: skip, Trace: tracer(SeccompAuto, nil),
	})
}

// TestConformanceUnfiltered: without a filter every call stops twice, and events
// must be the same.
func TestConformanceUnfiltered(t *testing.T) {
	eventtest.Run(t, eventtest.Driver{
		Limits: limits, AtSign: true, Unknown: unknown(t), Skip: skip, Profiles: spec.Current, Trace: tracer(SeccompNever, nil),
	})
}

// TestConformanceWithoutPidfd: where descriptors can't be duplicated (before Linux
// 5.6, or gVisor), sockets are looked up in tables, with the same result.
func TestConformanceWithoutPidfd(t *testing.T) {
	eventtest.Run(t, eventtest.Driver{
		Limits: limits, AtSign: true, Unknown: unknown(t), Skip: skip, Profiles: spec.Current,
		Trace: tracer(SeccompAuto, func(d *Driver) { d.noPidfd = true }),
		Only: func(c *eventtest.Case) bool {
			return slices.Contains([]string{"udp4", "udp6", "unix/stream", "unix/dgram", "sockets"}, c.Name)
		},
	})
}

// unknown is what this driver learns from times of birth, on a machine that has
// none: tmpfs has them since Linux 5.18.
func unknown(t *testing.T) string {
	for _, dir := range []string{t.TempDir(), "/dev/shm"} {
		var st unix.Statx_t
		if err := unix.Statx(unix.AT_FDCWD, dir, 0, unix.STATX_BTIME, &st); err != nil || st.Mask&unix.STATX_BTIME == 0 {
			return "O_F_CREATED"
		}
	}
	return ""
}

// skip is for what the machine lacks: without unix_diag (a module) no one tells
// the peer and the queue of a Unix socket.
func skip(c *eventtest.Case, _ spec.Profile) string {
	switch c.Name {
	case "unix/stream", "unix/dgram", "sendmsg":
		if !hasUnixDiag() {
			return "no unix_diag in this kernel"
		}
	}
	return ""
}

var hasUnixDiag = sync.OnceValue(func() bool {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	var st unix.Stat_t
	d := Driver{diag: -1}
	return unix.Fstat(fds[0], &st) == nil && d.unixPeer(st.Ino) != 0
})

// patience is how long a case may take before it is killed.
const patience = 30 * time.Second

// tracer returns how the suite uses the driver; prepare, if not nil, changes a
// driver before it starts anything.
func tracer(mode Seccomp, prepare func(*Driver)) func(eventtest.Config, string, []string, []string, func(*event.Event)) error {
	return func(cfg eventtest.Config, path string, argv, env []string, each func(*event.Event)) error {
		result := make(chan error, 1)
		// New keeps its goroutine's thread for good, so every run has one of its own.
		go func() { result <- follow(cfg, mode, prepare, path, argv, env, each) }()
		return <-result
	}
}

func follow(cfg eventtest.Config, mode Seccomp, prepare func(*Driver), path string, argv, env []string, each func(*event.Event)) error {
	d, err := New(Config{Profile: cfg.Profile, Events: cfg.Events, Snaplen: cfg.Snaplen, Seccomp: mode})
	if err != nil {
		return err
	}
	if prepare != nil {
		prepare(d)
	}
	var pid int
	if err := d.Start(path, argv, env, func(p int) error { pid = p; return nil }); err != nil {
		return err
	}
	late := time.AfterFunc(patience, func() { unix.Kill(pid, unix.SIGKILL) })
	defer late.Stop()
	var ev event.Event
	for {
		err := d.ReadInto(&ev)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if ev.Flags&event.StateOnly == 0 {
			each(&ev)
		}
	}
	if err := d.StartResult(); err != nil {
		return err
	}
	if d.stats.Bugs != 0 {
		return fmt.Errorf("%d events given up: a filler disagrees with its row", d.stats.Bugs)
	}
	return nil
}
