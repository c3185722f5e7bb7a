package bpf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func TestMain(m *testing.M) {
	launch() // first: what it becomes may be a case
	helper()
	eventtest.Main()
	code := m.Run()
	eventtest.Clean()
	os.Exit(code)
}

// envLaunch makes this program one that waits until it is watched and then executes
// its arguments: the first is the path, the others are argv.
const envLaunch = "LANNER_BPF_LAUNCH"

func launch() {
	if os.Getenv(envLaunch) == "" {
		return
	}
	os.Unsetenv(envLaunch)
	var b [1]byte
	os.Stdin.Read(b[:])
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err == nil {
		unix.Dup3(int(null.Fd()), 0, 0)
		err = unix.Exec(os.Args[1], os.Args[2:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "launch:", err)
	os.Exit(127)
}

// patience is how long a command may take before it is killed.
const patience = 30 * time.Second

// prepared starts a process that becomes a command when start is closed.
func prepared(path string, argv, env []string) (cmd *exec.Cmd, start io.Closer, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd = exec.Command(self, append([]string{path}, argv...)...)
	cmd.Env = append(env, envLaunch+"=1")
	cmd.Stderr = os.Stderr
	if start, err = cmd.StdinPipe(); err != nil {
		return nil, nil, err
	}
	return cmd, start, cmd.Start()
}

// trace runs a command and hands over the events of its tree.
func trace(cfg Config, path string, argv, env []string, each func(*event.Event)) (*Driver, error) {
	cmd, start, err := prepared(path, argv, env)
	if err != nil {
		return nil, err
	}
	defer cmd.Wait()
	defer start.Close()
	cfg.Scope.Armed = append(cfg.Scope.Armed, cmd.Process.Pid)
	d, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer late.Stop()
	start.Close()
	return d, drain(d, each)
}

// drain reads until there is nothing left.
func drain(d event.Source, each func(*event.Event)) error {
	var ev event.Event
	for {
		err := d.ReadInto(&ev)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		each(&ev)
	}
}

func set(t testing.TB, expr string, in spec.Profile) event.Set {
	t.Helper()
	s, err := event.ParseSet(expr, in)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
